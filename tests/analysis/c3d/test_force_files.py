"""Forces beside a motion: spellings of columns, ExternalLoads, maps of columns, moments about another point."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from exogait.analysis.c3d.force_files import read_forces
from exogait.data.errors import FileFormatError, UnknownNameError
from exogait.data.storage import write_mot

TIME = np.arange(50) / 100.0
FORCE = np.column_stack([np.full(50, 20.0), 700.0 + 10 * np.sin(TIME), np.full(50, -15.0)])
POINT = np.column_stack([0.1 + TIME, np.zeros(50), np.full(50, 0.2)])
FREE = np.column_stack([np.zeros(50), np.full(50, 3.0), np.zeros(50)])
"""One plate: a foot that rolls forward and twists the ground by 3 N m."""
HORIZONTAL = 0.5
"""Horizontal free moment under a firm foot, RMS, N m. Measured: 0.16 in subject01's file (peaks of 1.7), 0 in the
others; as Camargo's file states its moments, 15 to 379."""


def table(names: dict[str, np.ndarray]) -> pd.DataFrame:
    """A table with three columns for each prefix."""
    columns = {f"{prefix}{axis}": values[:, k] for prefix, values in names.items() for k, axis in enumerate("xyz")}
    return pd.DataFrame(columns, index=pd.Index(TIME, name="time"))


def written(path: Path, names: dict[str, np.ndarray]) -> Path:
    """The table as a .mot."""
    write_mot(table(names), path, rotational=(), in_degrees=False)
    return path


@pytest.mark.parametrize(
    ("force", "point", "torque", "side"),
    [
        ("ground_force_v", "ground_force_p", "ground_torque_", None),
        ("1_ground_force_v", "1_ground_force_p", "1_ground_torque_", None),
        ("ground_force_r_v", "ground_force_r_p", "ground_torque_r_", "r"),
        ("L_ground_force_v", "L_ground_force_p", "L_ground_torque_", "l"),
        ("right_ground_force_v", "right_ground_force_p", "right_ground_torque_", "r"),
        ("ground_force_left_v", "ground_force_left_p", "ground_moment_left_m", "l"),
        ("ground_force_1_v", "ground_force_1_p", "ground_force_1_m", None),
        ("ground_force1_v", "ground_force1_p", "ground_torque1_", None),
    ],
)
def test_every_spelling_is_the_same_plate(tmp_path, force, point, torque, side):
    record = read_forces(written(tmp_path / "g.mot", {force: FORCE, point: POINT, torque: FREE}))
    (found,) = record.ground
    assert found.side == side
    np.testing.assert_array_equal(found.force, FORCE)
    np.testing.assert_array_equal(found.point, POINT)
    np.testing.assert_array_equal(found.torque, FREE)
    assert record.rate == pytest.approx(100.0)
    assert not record.notes


def test_a_moment_about_the_plates_centre_becomes_the_free_moment(tmp_path):
    centre = np.array([0.4, 0.0, -0.3])
    about = FREE + np.cross(POINT - centre, FORCE)
    record = read_forces(written(tmp_path / "g.mot", {"ground_force_1_v": FORCE, "ground_force_1_p": POINT,
                                                      "ground_force_1_m": about}))  # fmt: skip
    np.testing.assert_allclose(record.ground[0].torque, FREE, atol=1e-9)
    assert "(0.40, 0.00, -0.30)" in record.notes[0]


def test_millimetres_become_metres(tmp_path):
    far = {"ground_force_1_v": FORCE, "ground_force_1_p": 1e3 * POINT, "ground_force_1_m": FREE}
    record = read_forces(written(tmp_path / "g.mot", far))
    np.testing.assert_allclose(record.ground[0].point, POINT, atol=1e-12)
    assert "millimetres" in record.notes[0]


def test_a_map_says_which_column_is_what(tmp_path):
    names = {"F": FORCE, "C": 1e3 * POINT, "T": FREE}
    table(names).rename_axis("t (s)").to_csv(tmp_path / "g.csv")
    columns = tmp_path / "columns.yaml"
    columns.write_text(
        "time: t (s)\nlength: mm\nplates:\n  l: {force: [Fx, Fy, Fz], point: [Cx, Cy, Cz], torque: [Tx, Ty, Tz]}\n"
    )
    (found,) = read_forces(tmp_path / "g.csv", columns=columns).ground
    assert found.side == "l"
    np.testing.assert_allclose(found.point, POINT, atol=1e-12)
    np.testing.assert_allclose(found.force, FORCE)
    columns.write_text("time: t (s)\nplates:\n  l: {force: [Fx, Fy, Fq], point: [Cx, Cy, Cz]}\n")
    with pytest.raises(UnknownNameError, match="Fq"):
        read_forces(tmp_path / "g.csv", columns=columns)


def test_external_loads_part_the_ground_from_a_device(tmp_path):
    names = {"a_v": FORCE, "a_p": POINT, "a_m": FREE, "motor_": FREE}
    written(tmp_path / "g.mot", names)
    entry = (
        "<ExternalForce name='{}'><applied_to_body>{}</applied_to_body>"
        "<force_expressed_in_body>{}</force_expressed_in_body>{}</ExternalForce>"
    )
    ground = "".join(f"<{what}_identifier>a_{key}</{what}_identifier>" for what, key in
                     (("force", "v"), ("point", "p"), ("torque", "m")))  # fmt: skip
    motor = "<force_identifier>Unassigned</force_identifier><torque_identifier>motor_</torque_identifier>"
    (tmp_path / "loads.xml").write_text(
        "<OpenSimDocument><ExternalLoads><objects>" + entry.format("left", "calcn_l", "ground", ground)
        + entry.format("hip motor", "femur_l", "pelvis", motor)
        + "</objects><datafile>g.mot</datafile></ExternalLoads></OpenSimDocument>"
    )  # fmt: skip
    record = read_forces(tmp_path / "loads.xml")
    assert [force.side for force in record.ground] == ["l"]
    (device,) = record.device
    assert (device.body, device.force_frame) == ("femur_l", "pelvis")
    np.testing.assert_array_equal(device.torque, FREE)
    assert not device.force.any()


def test_a_table_without_forces_says_what_to_do(tmp_path):
    path = written(tmp_path / "ik.mot", {"pelvis_t": POINT})
    with pytest.raises(FileFormatError, match="--force-columns"):
        read_forces(path)


@pytest.mark.parametrize(
    ("file", "feet"),
    [
        ("opensim_walking_adult/grf_walk.mot", ["r", "l"]),
        ("opensim_walking_adult/grf_walk.xml", ["r", "l"]),
        ("exo_apo_danielfng/cycle01.mot", [None, None]),
        ("trcmot_opencap_subject4/ID/walking1_grf.mot", [None, None]),
        ("trcmot_camargo/levelground_ccw_fast_01_01_grf.mot", [None] * 6),
        ("opensim_models/gait2392/subject01/subject01_walk1_grf.xml", ["r", "l"]),
        ("schreiber2019/2014001/reference_conversion/2014001_C4_05_grf.xml", ["l", "r"]),
    ],
)
def test_files_of_laboratories(real_data, file, feet):
    record = read_forces(real_data / file)
    assert [force.side for force in record.ground] == feet
    # The ground cannot twist a foot about a horizontal axis, however the file states its moments.
    for force in record.ground:
        firm = force.force[:, 1] > 100.0
        assert not firm.any() or np.sqrt(np.mean(force.torque[firm][:, [0, 2]] ** 2)) < HORIZONTAL


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        ({(3, 0): "later"}, "no number"), ({(3, 0): ""}, "does not increase"), ({(3, 2): "much"}, "no number"),
        ({(0, 2): "Fx"}, "two columns are called 'Fx'"), ({(3, 2): "9" * 400}, None), ({(3, 0): "1e300"}, "increase"),
    ],
)  # fmt: skip
def test_a_table_that_is_none_is_one_line(tmp_path, cells, words):
    table({"F": FORCE, "C": POINT}).rename_axis("time").to_csv(tmp_path / "g.csv")
    rows = [line.split(",") for line in (tmp_path / "g.csv").read_text().splitlines()]
    for (row, column), text in cells.items():
        rows[row][column] = f" {text} "  # a blank behind a name is no part of it
    (tmp_path / "g.csv").write_text("\n".join(",".join(row) for row in rows))
    columns = tmp_path / "columns.yaml"
    columns.write_text("plates:\n  1: {force: [Fx, Fy, Fz], point: [Cx, Cy, Cz]}\n")
    if words is None:
        assert read_forces(tmp_path / "g.csv", columns=columns).ground[0].name == "1"
        return
    with pytest.raises(FileFormatError, match=words) as caught:
        read_forces(tmp_path / "g.csv", columns=columns)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e300])
def test_a_row_that_is_missing_hides_no_moment_about_another_point(tmp_path, value):
    """One blank cell, as programs leave them where nobody stands: the others say where the moment was taken."""
    centre = np.array([0.4, 0.0, -0.3])
    about = FREE + np.cross(POINT - centre, FORCE)
    about[7] = value
    frame = table({"ground_force_1_v": FORCE, "ground_force_1_p": POINT, "ground_force_1_m": about})
    frame.to_csv(tmp_path / "g.csv")
    (found,) = read_forces(tmp_path / "g.csv").ground
    sound = np.arange(50) != 7
    np.testing.assert_allclose(found.torque[sound], FREE[sound], atol=1e-9)
