"""The tables are complete and mirror as anatomy does."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from exogait.data.errors import FileFormatError, UnknownNameError
from exogait.models import tables as module
from exogait.models.tables import FOLDER, left_name, load_tables, negated


def test_names_of_the_left_side() -> None:
    assert left_name("femur_r") == "femur_l"
    assert left_name("vas_med_r-P5_x") == "vas_med_l-P5_x"
    assert left_name("R.Heel") == "L.Heel"
    assert left_name("pelvis") == "pelvis"
    assert (negated("-0.5"), negated("0.5"), negated("0")) == ("0.5", "-0.5", "0")


def test_both_sides_are_there() -> None:
    tables = load_tables()
    counts = {
        name: len(tables[name]) for name in ("bodies", "joints", "coordinates", "muscles", "path_points", "markers")
    }
    assert counts == {"bodies": 12, "joints": 12, "coordinates": 23, "muscles": 92, "path_points": 322, "markers": 39}
    kinds = [row["kind"] for row in tables["path_points"]]
    assert (kinds.count("moving"), kinds.count("conditional")) == (8, 26)


def test_left_axis_is_the_mirror_image() -> None:
    """Reflecting a rotation R(axis, angle) in z = 0 gives R((-x, -y, z), angle)."""
    axes = {(row["joint"], row["axis"]): row for row in load_tables()["joint_axes"]}
    right, left = axes["ankle_r", "rotation1"], axes["ankle_l", "rotation1"]
    assert left["coordinate"] == "ankle_angle_l"
    assert [float(left[c]) for c in "xyz"] == [-float(right["x"]), -float(right["y"]), float(right["z"])]
    knee = axes["knee_l", "translation1"]
    assert [float(knee[c]) for c in "xyz"] == [1.0, 0.0, 0.0]


def test_moving_point_mirrors_only_its_z() -> None:
    splines: dict[str, list[float]] = {}
    for row in load_tables()["splines"]:
        splines.setdefault(row["spline"], []).append(float(row["y"]))
    assert splines["vas_lat_l-P5_x"] == splines["vas_lat_r-P5_x"]
    assert splines["vas_lat_l-P5_z"] == [-y for y in splines["vas_lat_r-P5_z"]]


def test_override_replaces_one_value() -> None:
    tables = load_tables()
    assert float(tables.row("markers", "L.Shank.Rear")["x_m"]) == -0.02
    assert float(tables.row("markers", "R.Shank.Rear")["x_m"]) == 0.02
    assert float(tables.row("markers", "L.Shank.Rear")["z_m"]) == -0.05


def test_every_reference_between_tables_exists() -> None:
    tables = load_tables()
    bodies = {row["body"] for row in tables["bodies"]} | {"ground"}
    coordinates = {row["coordinate"] for row in tables["coordinates"]}
    muscles = {row["muscle"] for row in tables["muscles"]}
    splines = {row["spline"] for row in tables["splines"]}
    assert {row[side] for row in tables["joints"] for side in ("parent", "child")} == bodies
    assert {row["body"] for name in ("path_points", "markers", "contact", "meshes") for row in tables[name]} <= bodies
    assert {row["coordinate"] for row in tables["joint_limits"]} == coordinates - {
        row["coordinate"] for row in tables["coordinates"] if row["coordinate"].startswith("pelvis_")
    }
    assert {row["muscle"] for row in tables["path_points"]} == muscles
    assert {row["muscle"] for row in tables["muscle_groups"]} == muscles
    assert {row["z_m"] for row in tables["path_points"] if row["kind"] == "moving"} <= splines


def test_unknown_row_names_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="soleus_r"):
        load_tables().row("muscles", "soleous_r")


@pytest.mark.parametrize(
    ("file", "text", "line"),
    [("overrides.csv", "markers,L.Nowhere,x_m,1,test", "3"), ("bodies.csv", "pelvis,1", "9")],
)
def test_broken_table_names_file_and_line(tmp_path: Path, file: str, text: str, line: str) -> None:
    folder = tmp_path / "tables"
    shutil.copytree(FOLDER, folder)
    with (folder / file).open("a") as stream:
        stream.write(text + "\n")
    with pytest.raises(FileFormatError, match=f"{file}:{line}"):
        module.load_tables(folder)
