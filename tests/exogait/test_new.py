"""`exogait new`: what it writes loads as it is and is found by its name; nothing is written over."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from exogait import models
from exogait.analysis.markers.map import available_marker_maps, read_marker_map
from exogait.cli.main import app
from exogait.data.errors import ExogaitError, InputError, UnknownNameError
from exogait.data.home import user_folder
from exogait.junction.templates import TEMPLATES, NewKind, new_file
from exogait.models.catalogue import describe_files
from exogait.osim_env.gait.setup import COMPILED, WorldSetup, model_files
from tests.validation.validate_model import load_warnings


@pytest.fixture(autouse=True)
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EXOGAIT_HOME", str(tmp_path / "mine"))
    return tmp_path / "mine"


def test_every_template_makes_a_model(mine: Path, tmp_path: Path) -> None:
    new_file("devices", "my_device")
    new_file("deficits", "my_deficit")
    new_file("subjects", "anna")
    model = models.build(device="my_device", deficit="my_deficit", subject="anna")
    path = models.write(model, tmp_path / "own.osim")
    assert load_warnings(path) == []
    assert "exo_ankle_angle_r" in path.read_text()
    assert (models.load_subject("anna").mass, models.load_subject("anna").name) == (70.0, "anna")
    assert models.subject_names() == ["anna"]
    assert models.load_deficit("my_deficit").strength["soleus_r"] == 0.5


def test_the_map_template_is_a_map() -> None:
    new_file("marker_maps", "my_lab")
    found = read_marker_map("my_lab")
    assert "my_lab" in available_marker_maps() and found.name == "my_lab"
    assert len(found.markers) == 16 and found.aliases["LASI"] == ("LASIS",)
    assert {m.segment for m in found.measurements} == {"pelvis", "thigh", "shank", "foot"}


@pytest.mark.parametrize("kind", sorted(TEMPLATES))
def test_templates_are_commented_and_name_every_choice(kind: NewKind) -> None:
    text = TEMPLATES[kind].read_text()
    assert text.count("#") > 8 and "Try it" in text and yaml.safe_load(text)
    if kind == "deficits":
        assert all(name in text for name in models.muscle_groups())
    if kind == "devices":
        assert all(name in text for name in ("hip_rotation", "lumbar_bending", "mtp_angle", "calcn", "torso"))


def test_from_another_one_keeps_its_numbers() -> None:
    new_file("devices", "copy", source="hip_ankle")
    own, suite = models.load_device("copy"), models.load_device("hip_ankle")
    assert own.actuation == suite.actuation and own.name == "copy"
    new_file("deficits", "null", source="hemiparetic")
    assert models.load_deficit("null").groups == models.load_deficit("hemiparetic").groups
    new_file("marker_maps", "plug_in_gait_lower", source="plug_in_gait_lower")
    assert "C7" not in read_marker_map("plug_in_gait_lower").markers
    with pytest.raises(UnknownNameError, match="did you mean hip_ankle"):
        new_file("devices", "other", source="hip_ankel")


def test_a_map_of_ones_own_may_begin_with_the_suites_of_its_name() -> None:
    folder = user_folder("marker_maps")
    folder.mkdir(parents=True)
    (folder / "plug_in_gait.yaml").write_text("base: plug_in_gait\nname: ours\naliases: {C7: [CV7]}\n")
    found = read_marker_map("plug_in_gait")
    assert found.name == "ours" and found.aliases["C7"] == ("CV7",) and "T10" in found.markers


def test_nothing_is_written_over(mine: Path) -> None:
    path = new_file("subjects", "anna")
    path.write_text("name: anna\nmass_kg: 50\nheight_m: 1.6\n")
    with pytest.raises(InputError, match="there already"):
        new_file("subjects", "anna")
    assert models.load_subject("anna").mass == 50.0


@pytest.mark.parametrize("name", ["", "../up", "a/b", "a b", "-x", "a.yaml"])
def test_a_name_is_no_path(mine: Path, name: str) -> None:
    with pytest.raises(InputError, match="letters"):
        new_file("devices", name)
    assert not mine.exists()


def test_out_has_the_files_name(tmp_path: Path) -> None:
    assert new_file("devices", "mine", out=tmp_path / "a" / "mine.yaml").is_file()
    assert models.load_device(tmp_path / "a" / "mine.yaml").name == "mine"
    with pytest.raises(InputError, match=r"mine\.yaml"):
        new_file("devices", "mine", out=tmp_path / "other.yaml")


def test_a_draft_from_a_recording_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(ExogaitError) as caught:
        new_file("marker_maps", "ours", source=tmp_path / "none.c3d")
    assert "none.c3d" in str(caught.value) and "\n" not in str(caught.value)


def test_the_list_says_whose(capsys: pytest.CaptureFixture[str], mine: Path) -> None:
    app.cli(args=["new", "device", "hip", "--from", "ankle"])
    assert "exogait model build --device hip" in capsys.readouterr().out
    (mine / "deficits").mkdir()
    (mine / "deficits" / "broken.yaml").write_text("name: [")
    lines = {line.split()[1]: line for line in describe_files().splitlines()}
    assert "yours, instead of the suite's" in lines["hip"] and "suite" in lines["knee"]
    assert "CANNOT BE READ" in lines["broken"]


def test_a_replaced_device_is_not_the_compiled_one(mine: Path) -> None:
    assert model_files(WorldSetup(device="hip_ankle"))[1] == COMPILED["hip_ankle"]
    new_file("devices", "hip_ankle", source="ankle")
    source, compiled = model_files(WorldSetup(device="hip_ankle"))
    assert compiled != COMPILED["hip_ankle"] and source is not None and "exo_hip" not in source.read_text()
