"""`eg.open` gives whatever a folder or file is, or one clear line."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import exogait as eg
from exogait.data import GaitTrial, write_sto
from exogait.data.errors import ExogaitError, FileFormatError, UnknownNameError
from exogait.data.home import SUITE, find, names
from exogait.junction.open import Batch, Opened, Personal, ResultFolder, Study, Training, Walk
from exogait.junction.policies import DAMAGED
from exogait.junction.verbs import POLICY_COLUMNS
from exogait.osim_env import ReferenceMotion
from tests.kit.gait_trials import walking_trial

MODELS = SUITE / "models"


@pytest.fixture
def walk(tmp_path: Path) -> Path:
    """A folder as `lab run` leaves it."""
    folder = tmp_path / "walk"
    trial = walking_trial()
    trial.write_parquet(folder / "trial")
    pd.DataFrame({"metric": ["speed"], "right": [1.2]}).to_csv(folder / "metrics.csv", index=False)
    (folder / "report.html").write_text("<html></html>")
    (folder / "opensim").mkdir()
    (folder / "opensim" / "model.osim").touch()
    return folder


def kind(path: Path | str) -> str:
    found: Opened = eg.open(path)
    return type(found).__name__


def test_a_walk(walk: Path) -> None:
    found = eg.open(walk)
    assert isinstance(found, Walk) and found.trial.name == "made_up"
    assert found.tables == ["metrics"] and found.table("metrics")["right"][0] == 1.2
    assert found.model.name == "model.osim" and [page.name for page in found.pages] == ["report.html"]
    assert "metrics" in repr(found) and "<svg" in found._repr_html_()
    with pytest.raises(UnknownNameError, match="did you mean metrics"):
        found.table("metric")
    for path in (walk / "trial", walk / "trial" / "trial.json"):
        assert isinstance(eg.open(path), GaitTrial)
    walking_trial().write_opensim(walk / "classic")
    assert isinstance(eg.open(str(walk / "classic")), GaitTrial)


def test_what_the_commands_leave(tmp_path: Path) -> None:
    for name, content in {
        "person": {"subject": "anna", "mass": 60.0, "deficit": "none"},
        "study": {"name": "short", "bodies": [{"deficit": None}, {"deficit": "quadriceps"}], "seeds": [1]},
        "batch": {"trials": 3, "failed": 1},
        "config": {"name": "healthy"},
    }.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / f"{name}.json").write_text(json.dumps(content))
    pd.DataFrame({"done": [True, False]}).to_parquet(tmp_path / "study" / "tasks.parquet")
    study = eg.open(tmp_path / "study")
    assert isinstance(study, Study) and "1 of 2 done" in repr(study) and "healthy, quadriceps" in repr(study)
    assert isinstance(eg.open(tmp_path / "person"), Personal) and "anna" in repr(eg.open(tmp_path / "person"))
    assert isinstance(eg.open(tmp_path / "batch"), Batch) and "2 of 3" in repr(eg.open(tmp_path / "batch"))
    assert isinstance(eg.open(tmp_path / "config"), Training)
    (tmp_path / "tables").mkdir()
    pd.DataFrame({"a": [1]}).to_csv(tmp_path / "tables" / "a.csv")
    assert type(eg.open(tmp_path / "tables")) is ResultFolder


def test_files(tmp_path: Path) -> None:
    assert kind(MODELS / "gait2392_exo.npz") == "Model"
    policy = find("policies", names("policies")[0])
    assert kind(policy) == kind(policy.with_suffix(".safetensors")) == "Policy"
    assert isinstance(eg.open(find("references", "schreiber2019")), ReferenceMotion)
    table = pd.DataFrame({"a": [1.0, 2.0]}, index=pd.Index([0.0, 0.1], name="time"))
    write_sto(table, tmp_path / "a.sto", name="a", in_degrees=False)
    table.to_csv(tmp_path / "a.csv")
    table.to_parquet(tmp_path / "a.parquet")
    for ending in ("sto", "csv", "parquet"):
        found = eg.open(tmp_path / f"a.{ending}")
        assert isinstance(found, pd.DataFrame) and list(found["a"]) == [1.0, 2.0]


@pytest.mark.parametrize(
    ("folder", "name", "expected"),
    [
        ("devices", "hip_ankle", "Device"),
        ("deficits", "hemiparetic", "Deficit"),
        ("marker_maps", "plug_in_gait_lower", "MarkerMap"),
        ("trainings", "healthy", "TrainConfig"),
        ("studies", "hip_ankle", "StudyConfig"),
    ],
)
def test_yaml_files(folder: str, name: str, expected: str) -> None:
    assert kind(find(folder, name)) == expected  # pyright: ignore[reportArgumentType]


def test_every_yaml_file_of_the_suite_is_known() -> None:
    for one in ("devices", "deficits", "marker_maps", "trainings", "studies"):
        assert names(one)
        for name in names(one):
            assert eg.open(find(one, name)) is not None


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.txt", "x", ".txt"),
        ("a.html", "x", "browser"),
        ("a.json", "{", "JSON"),
        ("a.json", "[]", "braces"),
        ("a.json", "{}", "no policy"),
        ("a.yaml", "x: 1", "exogait new"),
        ("a.csv", "", "cannot be read"),
        ("a.parquet", "x", "cannot be read"),
        ("a.npz", "x", "not a readable"),
        ("a.c3d", "x", "a.c3d"),
        ("a.safetensors", "x", "a."),
        ("noending", "x", "no ending"),
    ],
)
def test_what_is_nothing_gives_one_clear_line(tmp_path: Path, name: str, content: str, words: str) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(ExogaitError) as caught:
        eg.open(tmp_path / name)
    assert words in str(caught.value) and name.split(".")[0] in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_path_names_its_neighbours(tmp_path: Path) -> None:
    (tmp_path / "walk_01").mkdir()
    with pytest.raises(FileFormatError, match="did you mean walk_01"):
        eg.open(tmp_path / "walk_1")
    with pytest.raises(FileFormatError, match="load_policy"):
        eg.open(names("policies")[0])
    with pytest.raises(FileFormatError, match=r"does not know.*lab run"):
        eg.open(tmp_path / "walk_01")


def test_compare_takes_folders_trials_and_walks(walk: Path) -> None:
    table = eg.compare(walk, walking_trial(asymmetry=0.2))
    own = eg.open(walk)
    assert isinstance(own, Walk)
    pd.testing.assert_frame_equal(table, eg.compare(own, walking_trial(asymmetry=0.2)))
    knee = table[(table["quantity"].str.contains("nee")) & (table["side"] == "l")]
    assert len(knee) and np.isfinite(knee["rmse"].to_numpy(float)).any()


def test_policies_lists_what_is_found_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXOGAIT_HOME", str(tmp_path))
    policy = eg.osim_env.load_policy(names("policies")[0])
    policy.save(tmp_path / "policies" / "clinic" / "a")
    (tmp_path / "policies" / "broken.json").write_text("{")
    (tmp_path / "policies" / "broken.safetensors").touch()
    table = eg.policies().set_index("name")
    assert list(table.reset_index().columns) == list(POLICY_COLUMNS)
    assert table.loc["clinic/a", "origin"] == "yours" and Path(str(table.loc["clinic/a", "path"])).parts[-2] == "clinic"
    assert table.loc["broken", "role"] == DAMAGED and "cannot be read" in str(table.loc["broken", "body"])
    assert set(table["origin"]) == {"yours", "suite"} and set(table["role"][2:]) >= {"device"}
