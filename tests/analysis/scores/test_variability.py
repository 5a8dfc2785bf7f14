"""Variability of steps that were placed by hand."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from exogait.analysis.scores.variability import spread, steps, variability_found
from exogait.data import GaitEvent, GaitTrial

LANDINGS = [0.0, 0.5, 1.02, 1.5, 2.0, 2.54, 3.0]
PLACES = [0.0, 0.60, 1.30, 1.88, 2.60, 3.22, 3.88]


def walk() -> GaitTrial:
    """Right and left in turn; each heel waits at its next place."""
    time = np.arange(0, 311) / 100
    columns = {}
    events = []
    for first, side, out in ((0, "r", 0.05), (1, "l", -0.04)):
        own = range(first, len(LANDINGS), 2)
        columns[f"heel_along_{side}"] = np.select(
            [time < LANDINGS[k] + 0.7 for k in own], [PLACES[k] for k in own], PLACES[own[-1]]
        )
        columns[f"heel_across_{side}"] = np.full(len(time), out)
        events += [GaitEvent(LANDINGS[k], side, "heel_strike") for k in own]
        events += [GaitEvent(LANDINGS[k] + 0.65, side, "toe_off") for k in own]
    table = pd.DataFrame(columns, index=pd.Index(time, name="time"))
    return GaitTrial(name="steps", events=tuple(events), extra={"body_motion": table})


def test_steps_are_heel_to_heel() -> None:
    table = steps(walk())
    assert table["step_length"].to_numpy() == pytest.approx(np.diff(PLACES))
    assert table["step_time"].to_numpy() == pytest.approx(np.diff(LANDINGS))
    assert table["step_width"].to_numpy() == pytest.approx(0.09)
    assert table["side"].tolist() == ["l", "r"] * 3


def test_spread_is_within_feet_and_asymmetry_does_not_count() -> None:
    lengths = np.diff(PLACES)
    found = variability_found(walk(), "step_length", "sd")
    assert found.left == pytest.approx(np.std(lengths[::2], ddof=1))
    assert found.right == pytest.approx(np.std(lengths[1::2], ddof=1)) and found.n_right == 3
    assert found.both == pytest.approx(math.sqrt((found.left**2 + found.right**2) / 2))
    assert found.both < 0.6 * np.std(lengths, ddof=1)
    assert variability_found(walk(), "step_length", "cv").both == pytest.approx(100 * found.both / lengths.mean())


def test_a_foot_in_the_air_gives_a_time_and_no_length() -> None:
    trial = walk()
    events = [e if e.kind == "heel_strike" else GaitEvent(e.time - 0.3, e.side, e.kind) for e in trial.events]
    table = steps(trial.replace(events=tuple(events)))
    assert table["step_time"].notna().all() and table["step_length"].isna().all()


def test_what_the_judgement_withheld_has_no_spread() -> None:
    rows = [{"quantity": "step_length", "unit": "m", "mean": None, "sd": None, "n": 0, "mean_r": 0.6, "mean_l": None}]
    found = variability_found(walk().with_about(spatiotemporal=rows), "step_length", "sd")
    assert math.isnan(found.right) and math.isnan(found.both)
    assert math.isfinite(variability_found(walk().with_about(spatiotemporal=rows), "step_time", "sd").both)


def test_one_step_has_no_spread_and_two_have_one() -> None:
    assert math.isnan(spread([0.6], "sd"))
    assert spread([0.6, 0.7], "sd") == pytest.approx(np.std([0.6, 0.7], ddof=1))
    assert spread([0.6, np.nan, 0.7], "cv") == pytest.approx(100 * np.std([0.6, 0.7], ddof=1) / 0.65)


def test_a_landing_in_the_first_and_last_instant_that_is_known_is_one() -> None:
    trial = walk()
    table = trial.extra["body_motion"].loc[LANDINGS[1] : LANDINGS[-1]]
    found = steps(trial.replace(extra={"body_motion": table}))
    assert found["step_length"].to_numpy() == pytest.approx(np.diff(PLACES))
    later = steps(trial.replace(extra={"body_motion": table.iloc[1:-1]}))
    assert later["step_length"].isna().tolist() == [True, False, False, False, False, True]
