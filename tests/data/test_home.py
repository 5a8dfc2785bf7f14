"""The user folder: a name finds a user's file beside the suite's, a path finds what it names."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import get_args

import pytest

from exogait.data import home
from exogait.data.errors import FileFormatError, UnknownNameError
from tests.house import ROOT


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty user folder."""
    monkeypatch.setenv("EXOGAIT_HOME", str(tmp_path / "mine"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "mine"


def put(path: Path, text: str = "x: 1\n") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_without_the_variable_it_is_the_systems_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EXOGAIT_HOME")
    assert home.home().is_absolute() and home.home().name == "exogait"


def test_an_absent_user_folder_leaves_the_suite(mine: Path) -> None:
    assert not mine.exists()
    assert home.find("devices", "hip_ankle") == home.SUITE / "models" / "devices" / "hip_ankle.yaml"
    for kind in get_args(home.Kind):
        assert kind == "subjects" or home.names(kind), kind


@pytest.mark.parametrize("kind", get_args(home.Kind))
def test_a_name_finds_a_users_file(mine: Path, kind: home.Kind) -> None:
    ending = {"references": ".json", "policies": ".json"}.get(kind, ".yaml")
    path = put(mine / kind / f"my_own{ending}")
    path.with_suffix(".safetensors").touch()
    assert home.find(kind, "my_own") == path
    assert {entry.name: entry.origin for entry in home.entries(kind)}["my_own"] == "yours"
    assert home.user_folder(kind) == mine / kind


def test_a_users_file_wins_visibly(mine: Path) -> None:
    path = put(mine / "devices" / "hip.yaml")
    assert home.find("devices", "hip") == path
    where = {entry.name: entry.where for entry in home.entries("devices")}
    assert where["hip"] == "yours, instead of the suite's" and where["knee"] == "suite"
    assert home.is_replaced("devices", "hip") and not home.is_replaced("devices", "knee")


def test_a_path_that_exists_comes_first(mine: Path, tmp_path: Path) -> None:
    put(mine / "devices" / "hip.yaml")
    here = put(tmp_path / "hip.yaml")
    assert home.find("devices", "hip.yaml").resolve() == here
    assert home.find("devices", here) == here
    assert home.find("devices", "hip") == mine / "devices" / "hip.yaml"  # a bare word is a name


def test_policies_in_folders_are_found_by_name(mine: Path, tmp_path: Path) -> None:
    suite = home.SUITE / "models" / "policies"
    assert home.find("policies", "hip_ankle/1-healthy_device") == suite / "hip_ankle" / "1-healthy_device.json"
    assert home.find_folder("policies", "hip_ankle") == suite / "hip_ankle"
    for end in (".json", ".safetensors"):
        put(mine / "policies" / "clinic" / f"generalist_1_human{end}")
    assert home.find("policies", "clinic/generalist_1_human").parent == mine / "policies" / "clinic"
    assert home.find_folder("policies", "clinic") == mine / "policies" / "clinic"
    shutil.copytree(mine / "policies" / "clinic", tmp_path / "hip_ankle")
    assert home.find_folder("policies", "./hip_ankle") == Path("hip_ankle")
    assert home.find("policies", "hip_ankle/generalist_1_human").is_file()
    with pytest.raises(UnknownNameError, match="did you mean clinic") as caught:
        home.find_folder("policies", "clinik")
    assert "\n" not in str(caught.value)


def test_an_unknown_name_lists_near_and_possible_ones_and_where_they_are(mine: Path) -> None:
    put(mine / "devices" / "hip_of_mine.yaml")
    with pytest.raises(UnknownNameError) as caught:
        home.find("devices", "hip_ankel")
    text = str(caught.value)
    assert "did you mean hip_ankle" in text and "devices of the suite: ankle," in text
    assert f"your devices ({mine / 'devices'}): hip_of_mine" in text
    assert "\n" not in text
    with pytest.raises(UnknownNameError, match=r"subjects.*none"):
        home.find("subjects", "anna")
    with pytest.raises(UnknownNameError, match="did you mean devices"):
        home.find("device", "hip")  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("name", ["none.yaml", "./none", "/none/there"])
def test_a_path_that_is_not_there_says_so(mine: Path, name: str) -> None:
    with pytest.raises(FileFormatError, match=r"no such device.*known names: ankle"):
        home.find("devices", name)


def test_the_how_to_lists_every_subfolder() -> None:
    page = (ROOT / "docs" / "how-to" / "device-deficit-subject.md").read_text(encoding="utf-8")
    rows = [line.split("|")[1].strip() for line in page.partition("## Your user folder")[2].splitlines() if "|" in line]
    assert rows[2:] == [f"`{kind}`" for kind in get_args(home.Kind)]
