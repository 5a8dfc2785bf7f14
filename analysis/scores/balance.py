"""Balance: centre of mass, extrapolated centre of mass, and its margin to the edge of the feet that stand.

Source: Hof et al. 2005, J Biomech 38:1, doi 10.1016/j.jbiomech.2004.03.025.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from exogait.data import GaitTrial
from exogait.data.constants import GRAVITY
from exogait.data.names import SIDES, Side, other_side
from exogait.data.trial import GaitEvent, interpolate_table, select_rows

from ..gait.curves import BODY_MOTION, stride_curves
from ..gait.cycle import find_strides
from .found import Found, mean_found

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Margins:
    """Balance in one stance, m; NaN where a point of it is not known."""

    lead: float
    """Extrapolated centre of mass ahead of the centre of mass at foot strike."""
    along: float
    """Margin of stability along the direction of progression at foot strike; positive behind the toes."""
    across: float
    """Margin of stability across it at foot strike; positive inside the foot's outer edge."""
    along_least: float
    """Smallest margin along, over the stance."""
    across_least: float
    """Smallest margin across, over the stance."""


def extrapolated_centre(position: ArrayLike, velocity: ArrayLike, pendulum: ArrayLike) -> Array:
    """Extrapolated centre of mass: where an inverted pendulum would have to stand to come to rest above its foot, m.

    Args:
        position: Of the centre of mass along one horizontal axis, any shape, m.
        velocity: Of the centre of mass against the ground (or belt), same shape, m/s.
        pendulum: Length of the pendulum, m.

    Source: Hof et al. 2005, equation 4: position + velocity / sqrt(g / length).

    Example:
        >>> round(float(extrapolated_centre(0.0, 1.0, GRAVITY)), 6)
        1.0
    """
    return np.asarray(position, np.float64) + np.asarray(velocity, np.float64) * np.sqrt(
        np.asarray(pendulum, np.float64) / GRAVITY
    )


def stances(events: Iterable[GaitEvent], side: Side) -> list[tuple[float, float]]:
    """Intervals in which a foot stands, s; open ends, where the trial begins or ends in one, are infinite.

    Of a foot without events nothing is known, and it has none.
    """
    own = sorted(event for event in events if event.side == side)
    found: list[tuple[float, float]] = []
    start = -math.inf if own else math.nan
    for event in own:
        if event.kind == "heel_strike":
            start = event.time
        elif not math.isnan(start):
            found.append((start, event.time))
            start = math.nan
    return found if math.isnan(start) else [*found, (start, math.inf)]


def margins(trial: GaitTrial, side: Side) -> list[Margins]:
    """Balance in every stance of one leg that was seen from strike to toe off within a stride.

    The base of support is the outline of the soles of the feet that stand (:mod:`..opensim_tools.body_motion`): along,
    its edge is the foremost point of either; across, the outermost point of this leg's foot. The pendulum reaches from
    this leg's ankle to the centre of mass at its strike.

    Args:
        trial: Measured or simulated, with events and ``extra["body_motion"]``.
        side: The leg that stands.
    """
    table = trial.extra.get(BODY_MOTION)
    if table is None or f"pendulum_{side}" not in table.columns:
        return []
    clock = table.index.to_numpy(np.float64)
    found = []
    for stride in find_strides(trial.events, side):
        if stride.start < clock[0] or not stride.toe_off <= clock[-1]:
            continue
        inside = clock[(clock > stride.start) & (clock < stride.toe_off)]
        part = interpolate_table(table, np.array([stride.start, *inside, stride.toe_off]))
        found.append(_margins(part, side, stances(trial.events, other_side(side))))
    return found


def _margins(part: pd.DataFrame, side: Side, others: list[tuple[float, float]]) -> Margins:
    columns = {str(name): part[name].to_numpy(np.float64) for name in part.columns}
    clock, other = part.index.to_numpy(np.float64), other_side(side)
    length = columns[f"pendulum_{side}"][0]
    along, across = (
        extrapolated_centre(columns[f"center_of_mass_{way}"], columns[f"center_of_mass_v{way}"], length)
        for way in ("along", "across")
    )
    front = columns[f"sole_front_{side}"]
    stands = np.array([any(start <= t <= stop for start, stop in others) for t in clock])
    front = np.where(stands, np.maximum(front, columns.get(f"sole_front_{other}", front)), front)
    outward = 1.0 if side == "r" else -1.0
    margin_along = front - along
    margin_across = outward * (columns[f"sole_lateral_{side}"] - across)
    return Margins(
        lead=float(along[0] - columns["center_of_mass_along"][0]),
        along=float(margin_along[0]), across=float(margin_across[0]),
        along_least=float(margin_along.min()), across_least=float(margin_across.min()),
    )  # fmt: skip


def margin_found(trial: GaitTrial, which: str) -> Found:
    """Mean of one field of :class:`Margins` over the stances of each leg."""
    return mean_found({side: [getattr(one, which) for one in margins(trial, side)] for side in SIDES})


def excursion_found(trial: GaitTrial, column: str) -> Found:
    """Range of one column of the body's motion in each stride, mean over strides."""
    table = trial.extra.get(BODY_MOTION)
    if table is None:
        return Found()
    series = pd.Series(table[column])
    return mean_found({side: np.ptp(stride_curves(trial, series, side)[0], axis=1) for side in SIDES})


def progression_found(trial: GaitTrial) -> Found:
    """Mean foot progression in single support, degrees, toes in positive."""
    table = trial.extra.get(BODY_MOTION)
    found: dict[Side, list[float]] = {side: [] for side in SIDES}
    for side in SIDES:
        if table is None or f"foot_progression_{side}" not in table.columns:
            continue
        clock = table.index.to_numpy(np.float64)
        for stride in find_strides(trial.events, side):
            inside = (clock >= stride.other_toe_off) & (clock <= stride.other_heel_strike)
            values = select_rows(table, inside)[f"foot_progression_{side}"].to_numpy(np.float64)
            found[side].append(float(np.degrees(values.mean())) if len(values) else math.nan)
    return mean_found(found)
