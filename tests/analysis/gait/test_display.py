"""Signs and units of what a clinician sees."""

from __future__ import annotations

import numpy as np
import pytest

from exogait.analysis.gait.curves import (
    CURVES,
    SAGITTAL,
    display_series,
    find_curve,
    has_curve,
    knee_sign,
    mean_curve,
    stride_curves,
)
from exogait.data import InputError, UnknownNameError
from tests.kit.gait_trials import MASS, walking_trial


def test_flexion_is_positive_and_in_degrees_for_both_conventions_of_the_knee() -> None:
    trial = walking_trial()
    assert knee_sign(trial) == -1.0
    assert display_series(trial, "knee_flexion", "r").max() == pytest.approx(60.0, abs=0.5)
    assert trial.coordinates is not None and trial.generalized_forces is not None
    flipped = trial.coordinates.copy()
    moments = trial.generalized_forces.copy()
    for side in "rl":
        flipped[f"knee_angle_{side}"] *= -1
        moments[f"knee_angle_{side}"] *= -1
    other = trial.replace(coordinates=flipped, generalized_forces=moments)
    assert knee_sign(other) == 1.0
    for key in ("knee_flexion", "knee_extension_moment"):
        np.testing.assert_allclose(display_series(other, key, "l"), display_series(trial, key, "l"))


def test_moments_are_per_kilogram_with_the_extensor_side_positive() -> None:
    trial = walking_trial()
    assert display_series(trial, "ankle_plantarflexion_moment", "r").max() == pytest.approx(100.0 / MASS)
    assert display_series(trial, "knee_extension_moment", "l").max() == pytest.approx(40.0 / MASS)
    assert display_series(trial, "hip_abduction_moment", "r").max() == pytest.approx(50.0 / MASS)


def test_force_is_in_body_weight() -> None:
    assert display_series(walking_trial(), "grf_vertical", "r").max() == pytest.approx(1.1)


def test_pelvis_is_seen_from_each_side() -> None:
    trial = walking_trial()
    right, left = (display_series(trial, "pelvis_obliquity", side) for side in ("r", "l"))
    np.testing.assert_allclose(right, -left)
    # OpenSim's positive tilt leans backwards; clinicians count the forward lean.
    assert display_series(trial, "pelvis_tilt", "r").iloc[0] == pytest.approx(-np.rad2deg(0.1))


def test_unknown_kinetics_are_nan_and_angles_stay() -> None:
    trial = walking_trial(known=False)
    assert display_series(trial, "ankle_power", "r").isna().all()
    assert display_series(trial, "grf_vertical", "l").isna().all()
    assert display_series(trial, "knee_flexion", "r").notna().all()


def test_a_sample_next_to_an_unknown_one_is_unknown() -> None:
    trial = walking_trial()
    mask = trial.masks["valid_kinetics"].copy()
    mask.iloc[100, 0] = False
    shown = display_series(trial.replace(masks={"valid_kinetics": mask}), "ankle_power", "r")
    assert shown.isna().sum() == 1


def test_beyond_the_time_of_the_mask_nothing_is_known() -> None:
    """Forces reach farther than what was judged: without this their zeros halved the mean peak of two strides."""
    trial = walking_trial(n_strides=2)
    mask = trial.masks["valid_kinetics"].iloc[:110]
    short = trial.replace(masks={"valid_kinetics": mask})
    ground = trial.ground_reactions.copy()
    ground.iloc[110:] = 0.0
    shown = display_series(short.replace(ground_reactions=ground), "grf_vertical", "r")
    assert shown.iloc[:110].notna().all() and shown.iloc[110:].isna().all()
    whole = mean_curve(trial, "grf_vertical", "r")
    part = mean_curve(short.replace(ground_reactions=ground), "grf_vertical", "r")
    assert np.nanmax(part) == pytest.approx(np.nanmax(whole), rel=1e-6)


def test_strides_start_at_each_sides_own_heel_strike() -> None:
    trial = walking_trial(n_strides=3)
    for side in ("r", "l"):
        values, toe_off = stride_curves(trial, "knee_flexion", side)
        assert values.shape == (3, 101)
        np.testing.assert_allclose(toe_off, 60.0)
        assert np.argmax(mean_curve(trial, "knee_flexion", side)) == pytest.approx(72, abs=1)


def test_a_held_coordinate_is_not_shown() -> None:
    trial = walking_trial()
    held = trial.replace(metadata={**trial.metadata, "held_coordinates": ["hip_rotation"]})
    assert has_curve(trial, "hip_rotation") and not has_curve(held, "hip_rotation", "l")


def test_the_grid_is_angle_moment_power_by_hip_knee_ankle() -> None:
    for row, table in zip(SAGITTAL, ("coordinates", "generalized_forces", "joint_powers"), strict=True):
        assert [CURVES[key].table for key in row] == [table] * 3
        assert [CURVES[key].title.split()[0] for key in row] == ["Hip", "Knee", "Ankle"]


def test_errors_name_what_is_there() -> None:
    with pytest.raises(UnknownNameError, match="knee_flexion"):
        find_curve("knee_flexoin")
    with pytest.raises(InputError, match="subject_mass"):
        display_series(walking_trial().replace(metadata={}), "ankle_power", "r")
