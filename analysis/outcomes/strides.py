"""Quantities of single strides and steps."""

from __future__ import annotations

import itertools
from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from exogait.data.constants import GRAVITY
from exogait.data.names import side_of
from exogait.data.trial import SIDES, GaitEvent, GaitTrial, Side

from ..gait.curves import mask_unknown
from ..gait.cycle import Stride
from ..gait.energy import mean_over

Array = NDArray[np.float64]

MAX_STEP = 2.5
"""Longest time between the heel strikes of one step, s."""


def leg_of(column: str) -> Side:
    """The leg that a column belongs to; the right one for the middle of the body."""
    return side_of(column) or "r"


def mean_sd(values: Array) -> tuple[float, float]:
    """Mean and sample standard deviation of the finite values."""
    known = values[np.isfinite(values)]
    return (
        float(known.mean()) if len(known) else float("nan"),
        float(known.std(ddof=1)) if len(known) > 1 else float("nan"),
    )


def mean_in(series: pd.Series, strides: list[Stride]) -> float:
    """Mean of a series over the strides, each weighted alike; NaN without one."""
    if not strides:
        return float("nan")
    return float(np.mean([mean_over(series, s.start, s.stop) for s in strides]))


def stride_pairs(strides: Mapping[Side, list[Stride]]) -> list[tuple[int, int]]:
    """Right strides with the left stride that begins within them."""
    return [
        (i, j)
        for i, right in enumerate(strides["r"])
        for j, left in enumerate(strides["l"])
        if right.start <= left.start < right.stop
    ]


def impulses(trial: GaitTrial, strides: Mapping[Side, list[Stride]]) -> dict[Side, Array]:
    """Time integral of the vertical force of each stride over body weight, s."""
    table = trial.ground_reactions
    if table is None:
        return {}
    weight = trial.subject_mass * GRAVITY
    return {
        s: np.array([
            mean_over(mask_unknown(trial, pd.Series(table[f"ground_force_{s}_vy"]), s), x.start, x.stop)
            * x.duration / weight
            for x in strides[s]
        ])
        for s in SIDES if f"ground_force_{s}_vy" in table.columns
    }  # fmt: skip


def step_times_and_lengths(trial: GaitTrial, strides: Mapping[Side, list[Stride]]) -> dict[str, dict[Side, Array]]:
    """Time and length of the step that ends with each stride's first heel strike, in the order of the strides.

    The length is the distance along the walk between the centres of pressure at two successive first contacts.
    """
    strikes = sorted(event for event in trial.events if event.kind == "heel_strike")
    found: dict[tuple[Side, float], tuple[float, float]] = {}
    for before, landing in itertools.pairwise(strikes):
        if before.side != landing.side and landing.time - before.time <= MAX_STEP:
            length = _contact(trial, landing) - _contact(trial, before)
            found[landing.side, landing.time] = (landing.time - before.time, length)
    nothing = (float("nan"), float("nan"))
    steps = {s: np.array([found.get((s, x.start), nothing) for x in strides[s]]).reshape(-1, 2) for s in SIDES}
    return {"step_time": {s: steps[s][:, 0] for s in SIDES}, "step_length": {s: steps[s][:, 1] for s in SIDES}}


def _contact(trial: GaitTrial, strike: GaitEvent) -> float:
    """Place of a foot's centre of pressure along the walk at its first contact, m; NaN where it is not known."""
    table, column = trial.ground_reactions, f"ground_force_{strike.side}_px"
    if table is None or column not in table.columns:
        return float("nan")
    clock = table.index.to_numpy(np.float64)
    at = int(np.searchsorted(clock, strike.time - 1e-9))
    place = mask_unknown(trial, pd.Series(table[column]), strike.side).to_numpy(np.float64)
    return float(place[at]) if at < len(place) else float("nan")
