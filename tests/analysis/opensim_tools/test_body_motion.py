"""Centre of mass and feet against OpenSim's own analysis, simple poses, and blanks."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from exogait.analysis.gait.power import differentiate
from exogait.analysis.opensim_tools.analyses import body_kinematics
from exogait.analysis.opensim_tools.body_motion import body_motion
from exogait.analysis.opensim_tools.common import coordinate_names, load_model, rotational_coordinates
from exogait.analysis.opensim_tools.dynamics import write_motion
from exogait.analysis.opensim_tools.scale import write_base_model

# OpenSim interpolates the motion by its own splines; positions agree to rounding, velocities to the splines' ends.
POSITION, VELOCITY = 1e-6, 1e-3


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return write_base_model(tmp_path_factory.mktemp("model") / "base.osim")


@pytest.fixture(scope="module")
def coordinates(model) -> pd.DataFrame:
    """Half a second of slow waves in every coordinate, walking forwards."""
    rng = np.random.default_rng(5)
    time = np.arange(0, 51) / 100
    names = coordinate_names(load_model(model))
    table = {name: 0.2 * rng.uniform() * np.sin(2 * np.pi * time + 6 * rng.uniform()) for name in names}
    table["pelvis_tx"] = 1.2 * time
    table["pelvis_ty"] = 0.95 + 0.0 * time
    return pd.DataFrame(table, index=pd.Index(time, name="time"))


def motion_of(model, table: pd.DataFrame, **changes: float) -> pd.DataFrame:
    return body_motion(model, table, differentiate(table), **changes)


def test_equal_to_opensims_body_kinematics(model, coordinates, tmp_path) -> None:
    ours = motion_of(model, coordinates)
    motion = write_motion(coordinates, tmp_path / "motion.mot", rotational_coordinates(load_model(model)))
    theirs = body_kinematics(model, motion, time_range=(0.1, 0.4), out=tmp_path, cutoff=-1.0)
    at = theirs["position"].index
    rows = np.searchsorted(ours.index.to_numpy(), at.to_numpy() - 1e-9)
    for axis in "xyz":
        want = theirs["position"][f"center_of_mass_{axis.upper()}"].to_numpy()
        assert np.abs(ours[f"center_of_mass_{axis}"].to_numpy()[rows] - want).max() < POSITION
    forward = np.array(ours.attrs["forward"])
    velocity = theirs["velocity"][[f"center_of_mass_{axis}" for axis in "XYZ"]].to_numpy() @ forward
    assert np.abs(ours["center_of_mass_valong"].to_numpy()[rows] - velocity).max() < VELOCITY


def test_turned_legs_turn_the_feet_by_as_much(model) -> None:
    time = pd.Index([0.0, 0.1, 0.2], name="time")
    names = coordinate_names(load_model(model))
    still = pd.DataFrame(0.0, index=time, columns=names).assign(pelvis_ty=0.95)
    straight = motion_of(model, still)
    assert straight["foot_progression_r"].to_numpy() == pytest.approx(straight["foot_progression_l"].to_numpy())
    inwards = motion_of(model, still.assign(hip_rotation_r=0.3, hip_rotation_l=0.3))
    for side in "rl":
        change = inwards[f"foot_progression_{side}"] - straight[f"foot_progression_{side}"]
        assert change.to_numpy() == pytest.approx(0.3, abs=1e-6)
    # The sole reaches from behind the ankle to ahead of it, and outwards of the heel on either side.
    first = straight.iloc[0]
    assert 0.2 < first["sole_front_r"] - first["heel_along_r"] < 0.3
    assert first["sole_lateral_r"] > first["heel_across_r"] > 0 > first["heel_across_l"] > first["sole_lateral_l"]


def test_on_a_belt_the_body_moves_against_it(model) -> None:
    time = pd.Index([0.0, 0.5, 1.0], name="time")
    still = pd.DataFrame(0.0, index=time, columns=coordinate_names(load_model(model)))
    assert motion_of(model, still)["center_of_mass_valong"].to_numpy() == pytest.approx(0.0, abs=1e-12)
    assert motion_of(model, still, belt_speed=1.2)["center_of_mass_valong"].to_numpy() == pytest.approx(1.2)
    backwards = still.assign(pelvis_tx=[0.0, -0.5, -1.0])
    table = motion_of(model, backwards)
    assert table.attrs["forward"] == pytest.approx([-1.0, 0.0, 0.0], abs=1e-9)
    assert table["center_of_mass_valong"].to_numpy() == pytest.approx(1.0)


def test_what_a_blank_angle_would_tell_is_blank(model, coordinates) -> None:
    speeds = differentiate(coordinates)
    blank = coordinates.assign(knee_angle_l=np.nan)
    table = body_motion(model, blank, speeds)
    assert table[["center_of_mass_x", "center_of_mass_valong", "foot_progression_l", "pendulum_r"]].isna().all().all()
    assert table[["foot_progression_r", "sole_front_r"]].notna().all().all()
    trunk = body_motion(model, coordinates.assign(lumbar_bending=np.nan), speeds)
    assert trunk["center_of_mass_y"].isna().all() and trunk["foot_progression_l"].notna().all()
