"""Folders as other programs leave them: which files are one walk."""

from pathlib import Path

import pytest

from exogait.analysis.lab.folders import find_walks, named_walk, walk_of_setup
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


@pytest.mark.parametrize("mass", ["1e300", ".inf", "-70", "0", "9" * 400])
def test_a_mass_that_nobody_has_is_refused_with_its_file(tmp_path, mass):
    make(tmp_path, "MarkerData/walk1.trc")
    (tmp_path / "sessionMetadata.yaml").write_text(f"mass_kg: {mass.replace('e', '.0e+')}\n")
    with pytest.raises(FileFormatError, match=r"sessionMetadata.yaml: mass_kg is .*state it in kg"):
        find_walks(tmp_path)


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


# -- set-ups of OpenSim's tool ---------------------------------------------------------------------------------------

SETUP = """<?xml version="1.0"?><OpenSimDocument Version="20302"><InverseDynamicsTool name="w">
<model_file> body.osim </model_file><coordinates_file> walk_ik.mot </coordinates_file>
<external_loads_file> loads.xml </external_loads_file>
<lowpass_cutoff_frequency_for_coordinates> 10.0 </lowpass_cutoff_frequency_for_coordinates>
</InverseDynamicsTool></OpenSimDocument>"""


def laid_setup(folder: Path, text: str = SETUP) -> Path:
    for name in ("body.osim", "walk_ik.mot", "loads.xml"):
        (folder / name).write_text("")
    (folder / "id_setup.xml").write_text(text)
    return folder / "id_setup.xml"


def test_a_setup_names_its_files_and_its_filter(tmp_path: Path) -> None:
    found = walk_of_setup(laid_setup(tmp_path))
    assert (found.name, found.walk, found.model) == ("walk", tmp_path / "walk_ik.mot", tmp_path / "body.osim")
    assert (found.forces, found.coordinate_cutoff) == (tmp_path / "loads.xml", 10.0)
    named = named_walk(None, None, setup=tmp_path / "id_setup.xml", mass=70.0, coordinate_cutoff=-1.0)
    assert (named.mass, named.coordinate_cutoff) == (70.0, -1.0)


def test_a_setup_without_a_word_of_the_filter_has_none(tmp_path: Path) -> None:
    line = next(line for line in SETUP.splitlines() if "cutoff" in line)
    assert walk_of_setup(laid_setup(tmp_path, SETUP.replace(line, ""))).coordinate_cutoff == -1.0


def test_what_is_said_beside_a_setup_goes_before(tmp_path: Path) -> None:
    setup = laid_setup(tmp_path, SETUP.replace("body.osim", "gone.osim"))
    with pytest.raises(FileFormatError, match=r"names gone.osim, which is not there.*--model"):
        walk_of_setup(setup)
    assert named_walk(None, None, setup=setup, model=tmp_path / "body.osim").model == tmp_path / "body.osim"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("no xml", "is no XML"),
        ("<OpenSimDocument><ScaleTool/></OpenSimDocument>", "is no set-up of the InverseDynamicsTool"),
        (SETUP.replace(" walk_ik.mot ", ""), "names no coordinates_file"),
        (SETUP.replace("10.0", "ten"), "is no number"),
    ],
)
def test_setups_that_cannot_be_understood(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(FileFormatError, match=message):
        walk_of_setup(laid_setup(tmp_path, text))
    with pytest.raises(InputError, match="not both"):
        named_walk(tmp_path, None, setup=tmp_path / "id_setup.xml")
