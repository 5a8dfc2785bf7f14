"""The gait profile score against the paper's equations, written out again."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from exogait.analysis.gait.curves import CURVES, mean_curve
from exogait.analysis.scores.profile import (
    PROFILE,
    gait_profile_score,
    gait_variable_score,
    movement_analysis_profile,
    overall_scores,
    profile_found,
    reference_curves,
)
from exogait.data import GaitEvent, GaitTrial
from exogait.data.names import SIDES
from tests.kit.gps import independent_gps

PERCENT = np.linspace(0.0, 100.0, 101)


def wave(rng: np.random.Generator) -> np.ndarray:
    turns = np.outer(PERCENT / 100, [1, 2, 3]) * 2 * np.pi
    return 20 * (np.sin(turns) @ rng.normal(size=3) + np.cos(turns) @ rng.normal(size=3))


def trial_with_all_angles(rng: np.random.Generator) -> GaitTrial:
    """Three strides a leg of one second, every angle its own wave."""
    time = pd.Index(np.arange(0, 401) / 100, name="time")
    tables: dict[str, dict[str, np.ndarray]] = {}
    for key in PROFILE:
        for side in SIDES:
            curve = CURVES[key]
            values = np.radians(np.interp(time.to_numpy() % 1.0, PERCENT / 100, wave(rng)))
            tables.setdefault(curve.table, {})[curve.column_of(side)] = values
    events = [
        GaitEvent(start + shift, side, kind)
        for side, begin in (("r", 0.0), ("l", 0.5))
        for start in begin + np.arange(4 if side == "r" else 3)
        for kind, shift in (("heel_strike", 0.0), ("toe_off", 0.6))
    ]
    return GaitTrial(
        name="waves", coordinates=pd.DataFrame(tables["coordinates"], index=time), events=tuple(events),
        extra={"body_motion": pd.DataFrame(tables["extra/body_motion"], index=time)},
        metadata={"subject_mass": 70.0},
    )  # fmt: skip


def test_equal_to_the_equations_of_the_paper() -> None:
    rng = np.random.default_rng(1)
    trial = trial_with_all_angles(rng)
    reference = {key: wave(rng) for key in PROFILE}
    ours = overall_scores(movement_analysis_profile(trial, reference))
    curves = {(key, side): mean_curve(trial, key, side) for key in PROFILE for side in SIDES}
    assert [ours["r"], ours["l"], ours[None]] == pytest.approx(independent_gps(curves, reference), rel=1e-12)
    assert ours["r"] != pytest.approx(ours["l"], rel=0.01)  # else the sides could be exchanged unseen


def test_a_blank_angle_blanks_its_leg_and_the_whole() -> None:
    trial = trial_with_all_angles(np.random.default_rng(2))
    reference = {key: np.zeros(101) for key in PROFILE}
    table = trial.require("coordinates").assign(hip_rotation_l=np.nan)
    scores = overall_scores(movement_analysis_profile(trial.replace(coordinates=table), reference))
    assert math.isfinite(scores["r"]) and math.isnan(scores["l"]) and math.isnan(scores[None])
    held = trial.with_about(held_coordinates=["hip_rotation"])
    assert math.isnan(overall_scores(movement_analysis_profile(held, reference))["r"])


def test_an_angle_without_a_reference_is_none() -> None:
    trial = trial_with_all_angles(np.random.default_rng(3))
    without = {key: np.zeros(101) for key in PROFILE if key != "foot_progression"}
    assert math.isnan(overall_scores(movement_analysis_profile(trial, without))[None])


def test_a_few_unknown_percents_are_left_out_and_many_are_too_many() -> None:
    curve = np.full(101, 2.0)
    curve[97:] = np.nan
    assert gait_variable_score(curve, np.zeros(101)) == pytest.approx(2.0)
    curve[90:] = np.nan
    assert math.isnan(gait_variable_score(curve, np.zeros(101)))


def test_no_variable_is_no_score() -> None:
    assert math.isnan(gait_profile_score([]))


def test_the_reference_holds_all_nine_angles() -> None:
    reference = reference_curves()
    assert set(reference) == set(PROFILE)
    assert all(np.isfinite(curve).all() for curve in reference.values())


def test_the_reference_people_themselves_score_nothing() -> None:
    trial = trial_with_all_angles(np.random.default_rng(4))
    reference = reference_curves()
    tables = {"coordinates": {}, "extra/body_motion": {}}
    clock = trial.require("coordinates").index
    for key in PROFILE:
        curve = CURVES[key]
        for side in SIDES:
            start = 0.0 if side == "r" else 0.5
            sign = curve.sign * (curve.left_sign if side == "l" else 1.0)
            values = np.interp((clock.to_numpy() - start) % 1.0, PERCENT / 100, sign * np.radians(reference[key]))
            tables[curve.table][curve.column_of(side)] = values
    # The pelvis is one column, cut for each leg: only one of them can be the reference's, and it counts from the left.
    normal = trial.replace(
        coordinates=pd.DataFrame(tables["coordinates"], index=clock),
        extra={"body_motion": pd.DataFrame(tables["extra/body_motion"], index=clock)},
    )
    found = profile_found(normal)
    # Only the jump from the last percent to the first, which no stride has, is rounded by the clock.
    assert found.both < 0.3 and found.n_right == 3 and found.n_left == 2
