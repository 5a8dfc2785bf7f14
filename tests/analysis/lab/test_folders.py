"""Folders as other programs leave them: which files are one walk."""

from pathlib import Path

import pytest

from exogait.analysis.lab.folders import find_walks, named_walk
from exogait.data.errors import FileFormatError, InputError, UnknownNameError


def make(folder: Path, *files: str) -> Path:
    """Empty files: a folder is known by names alone."""
    for name in files:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


def test_opencap(tmp_path):
    make(
        tmp_path, "MarkerData/neutral.trc", "MarkerData/walk1.trc", "OpenSimData/Kinematics/walk1.mot",
        "OpenSimData/Kinematics/neutral.mot", "OpenSimData/Model/LaiUhlrich2022_scaled.osim",
    )  # fmt: skip
    (tmp_path / "sessionMetadata.yaml").write_text("mass_kg: 62.6\nheight_m: 1.71\nsubjectID: s4\n")
    (walk,) = find_walks(tmp_path)
    assert walk.walk.name == "walk1.mot"
    assert walk.model is not None
    assert walk.model.name == "LaiUhlrich2022_scaled.osim"
    assert walk.static is None  # the model is scaled already
    assert (walk.mass, walk.height) == (62.6, 1.71)


def test_pose2sim(tmp_path):
    make(
        tmp_path, "Config.toml", "pose-3d/Trial_1_0-120_filt_butterworth.trc",
        "kinematics/Trial_1_0-120_filt_butterworth_scaled.osim", "kinematics/Trial_1_0-120_filt_butterworth.mot",
    )  # fmt: skip
    (walk,) = find_walks(tmp_path)
    assert (walk.name, walk.walk.suffix) == ("Trial_1_0-120", ".mot")


def test_addbiomechanics_and_markers_with_a_static(tmp_path):
    make(
        tmp_path, "MarkerData/static1.trc", "MarkerData/walk_2.trc", "ID/walk_2_grf.mot", "ID/static1_grf.mot",
        "ID/walk_2_external_forces.xml", "IK/walk_2_ik.mot",
    )  # fmt: skip
    (walk,) = find_walks(tmp_path)
    assert walk.walk.name == "walk_2.trc"  # angles without their model are of no use
    assert (walk.static and walk.static.name, walk.forces and walk.forces.name) == (
        "static1.trc", "walk_2_external_forces.xml",
    )  # fmt: skip
    make(tmp_path, "Models/optimized_scale_and_markers.osim", "Models/unscaled_generic.osim")
    assert find_walks(tmp_path)[0].walk.name == "walk_2_ik.mot"


def test_one_of_several_must_be_named(tmp_path):
    make(tmp_path, "a.trc", "b.trc")
    with pytest.raises(InputError, match="--trial a or b"):
        named_walk(tmp_path, None)
    assert named_walk(tmp_path, "b", mass=70.0).mass == 70.0
    with pytest.raises(UnknownNameError):
        named_walk(tmp_path, "c")
    assert named_walk(None, "b.trc").walk == Path("b.trc")
    with pytest.raises(InputError, match="folder"):
        named_walk(None, None)


def test_what_is_no_walk_says_so(tmp_path):
    with pytest.raises(FileFormatError, match="holds no walk"):
        find_walks(make(tmp_path, "static.trc", "notes.txt"))
    make(tmp_path, "a_scaled.osim", "b_scaled.osim")
    with pytest.raises(FileFormatError, match="2 scaled models"):
        find_walks(tmp_path)
