"""Motion that is solved already, a model that is the person's own, a walk without a static trial, a device's loads."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from exogait.analysis.c3d.applied import AppliedForce
from exogait.analysis.lab.own_model import map_of_landmarks, read_motion, recording_of_model
from exogait.analysis.lab.request import make_request, model_mass
from exogait.analysis.lab.sources import read_sources
from exogait.analysis.opensim_tools.dynamics import inverse_dynamics
from exogait.analysis.opensim_tools.scale import write_base_model
from exogait.data.errors import FileFormatError, InputError
from exogait.data.storage import write_mot
from exogait.data.trial import GROUND_REACTION_COLUMNS

EXACT = 1e-6
"""N m: the loads go through text of 17 digits and a spline of fifth degree."""
TIME = np.arange(40) / 100.0


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    """The suite's own model."""
    return write_base_model(tmp_path_factory.mktemp("model") / "body.osim")


def swinging(names: list[str]) -> pd.DataFrame:
    """A leg that swings."""
    table = pd.DataFrame(0.0, index=pd.Index(TIME, name="time"), columns=pd.Index(names))
    table["hip_flexion_r"] = 0.4 * np.sin(6 * TIME)
    table["knee_angle_r"] = -0.3 + 0.2 * np.cos(6 * TIME)
    table["pelvis_ty"] = 0.95
    table.attrs = {"in_degrees": False}
    return table


def test_motion_is_read_in_radians_on_a_clock_from_zero(model, tmp_path):
    whole, _ = read_motion(_written(model, tmp_path / "a.mot", shift=3.0), model)
    _, start = read_motion(tmp_path / "a.mot", model)
    assert start == pytest.approx(3.0)
    assert whole.index[0] == 0.0
    np.testing.assert_allclose(whole["hip_flexion_r"], 0.4 * np.sin(6 * TIME), atol=1e-9)
    np.testing.assert_allclose(whole["pelvis_ty"], 0.95)


def _written(model: Path, path: Path, *, shift: float = 0.0) -> Path:
    from exogait.analysis.opensim_tools.common import coordinate_names, load_model, rotational_coordinates

    loaded = load_model(model)
    table = swinging(coordinate_names(loaded))
    table.index = table.index + shift
    write_mot(table, path, rotational=rotational_coordinates(loaded))
    return path


def test_motion_of_another_model_is_refused(model, tmp_path):
    table = pd.DataFrame({"elbow": [0.0, 1.0]}, index=pd.Index([0.0, 0.1], name="time"))
    write_mot(table, tmp_path / "b.mot", rotational=("elbow",), in_degrees=False)
    with pytest.raises(FileFormatError, match="solved with this model"):
        read_motion(tmp_path / "b.mot", model)


@pytest.mark.parametrize(
    ("cell", "words"), [((3, "time"), "does not increase"), ((3, "hip_flexion_r"), "no number in hip_flexion_r")]
)
def test_motion_with_what_is_no_number_is_refused(model, tmp_path, cell, words):
    """Standing still in time would take all memory; an angle that is no number would reach every moment."""
    lines = _written(model, tmp_path / "a.mot").read_text().splitlines()
    head = next(k for k, line in enumerate(lines) if line.startswith("time"))
    row = lines[head + cell[0]].split("\t")
    row[lines[head].split("\t").index(cell[1])] = "0" if cell[1] == "time" else "nan"
    lines[head + cell[0]] = "\t".join(row)
    (tmp_path / "a.mot").write_text("\n".join(lines) + "\n")
    with pytest.raises(FileFormatError, match=words):
        read_motion(tmp_path / "a.mot", model)


def test_points_of_the_model_move_with_it(model, tmp_path):
    points = map_of_landmarks(model)
    motion, _ = read_motion(_written(model, tmp_path / "a.mot"), model)
    still, moving = recording_of_model(model, points), recording_of_model(model, points, motion)
    toe, other = (still.marker_names.index(name) for name in ("toe_r", "toe_l"))
    assert np.ptp(moving.positions[:, toe, 0]) > 0.2
    assert np.ptp(moving.positions[:, other, 0]) == 0.0
    knee, ankle = (still.marker_names.index(name) for name in ("knee_l", "ankle_l"))
    lengths = [np.linalg.norm(r.positions[0, knee] - r.positions[0, ankle]) for r in (still, moving)]
    assert lengths[0] == pytest.approx(lengths[1], abs=1e-9)


def test_motion_needs_its_model(tmp_path):
    with pytest.raises(InputError, match="--model"):
        read_sources(make_request(None, tmp_path / "walk.mot", 70.0))


def test_the_model_tells_the_mass(model):
    assert make_request(None, "walk.mot", None, model=model).mass == pytest.approx(model_mass(model))
    assert 60 < model_mass(model) < 90
    with pytest.raises(InputError, match="mass"):
        make_request("static.c3d", "walk.c3d", None)


@pytest.mark.parametrize(
    "text", ["<a><Body><mass>heavy</mass></Body></a>", "<a/>", "", "<?xml version='1.0' encoding='x'?>"]
)
def test_a_model_that_tells_no_mass_asks_for_it(text, tmp_path):
    (tmp_path / "body.osim").write_text(text)
    with pytest.raises(FileFormatError, match="--mass"):
        model_mass(tmp_path / "body.osim")


def test_what_a_device_does_is_no_joints_moment(model, tmp_path):
    """Loads added by hand, an actuator between pelvis and thigh: moments and loads together are those without it."""
    from exogait.analysis.opensim_tools.common import coordinate_names, load_model

    motion = swinging(coordinate_names(load_model(model)))
    ground = pd.DataFrame(0.0, index=motion.index, columns=pd.Index(GROUND_REACTION_COLUMNS))
    help_given = 15.0 * np.sin(4 * TIME)
    torque = np.column_stack([np.zeros((len(TIME), 2)), help_given])
    zero = np.zeros_like(torque)
    device = (
        AppliedForce("thigh", zero, zero, torque, "femur_r", "ground"),
        AppliedForce("pelvis", zero, zero, -torque, "pelvis", "ground"),
    )

    def moments(name: str, loads: tuple[AppliedForce, ...]) -> pd.DataFrame:
        return inverse_dynamics(model, motion, ground, out=tmp_path / name, cutoff=-1.0, device=loads).unmasked

    without, assisted = moments("without", ()), moments("with", device)
    # In the default pose the hip's flexion turns about the ground's z axis.
    np.testing.assert_allclose(assisted["hip_flexion_r"] + help_given, without["hip_flexion_r"], atol=EXACT)
    for name in ("knee_angle_r", "ankle_angle_r", "hip_flexion_l", "pelvis_tilt"):
        np.testing.assert_allclose(assisted[name], without[name], atol=EXACT)


def test_a_walk_without_a_static_trial_stands_for_it(real_data):
    folder = real_data / "trcmot_opencap_subject4" / "MarkerData"
    found = read_sources(make_request(None, folder / "walking1.trc", 62.6))
    assert found.resting.n_frames == 1
    assert found.rows[0].verdict == "warn"
    with pytest.raises(FileFormatError, match="no such static"):
        read_sources(make_request(folder / "none.trc", folder / "walking1.trc", 62.6))


def test_times_that_a_file_rounds_are_even(model, tmp_path):
    """Thirds of a hundredth, written with four digits: each row keeps its own instant, and nothing drifts."""
    path = _written(model, tmp_path / "a.mot")
    lines = path.read_text().splitlines()
    first = lines.index("endheader") + 2
    rows = [line.split("\t") for line in lines[first:]]
    for k, row in enumerate(rows):
        row[0] = f"{k / 60:.4f}"
    path.write_text("\n".join([*lines[:first], *("\t".join(row) for row in rows)]) + "\n")
    motion, _ = read_motion(path, model)
    assert len(motion) == len(TIME)
    np.testing.assert_allclose(motion.index, np.arange(len(TIME)) / 60, atol=1e-4)
    np.testing.assert_allclose(motion["hip_flexion_r"], 0.4 * np.sin(6 * TIME), atol=5e-4)
