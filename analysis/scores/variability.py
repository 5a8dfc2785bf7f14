"""Step-to-step variability: how much the steps of one foot differ from each other.

Source: Hausdorff 2005, J Neuroeng Rehabil 2:19, doi 10.1186/1743-0003-2-19.
"""

from __future__ import annotations

import itertools
import math
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from exogait.data import GaitTrial
from exogait.data.names import SIDES, Side
from exogait.data.trial import interpolate_table

from ..gait.curves import BODY_MOTION
from .balance import stances
from .found import Found

LONGEST_STEP = 2.5
"""Time between two landings beyond which they are no step, s."""
Spread = Literal["sd", "cv"]


def steps(trial: GaitTrial) -> pd.DataFrame:
    """Every step, from the heels of the model: what marker sets and simulated walks share.

    Args:
        trial: Measured or simulated, with events.

    Returns:
        One row a step: side (of the foot that lands), step_time (s), step_length (m, heel to heel along the direction
        of progression), step_width (m, across it, positive where the right foot is on the right). Length and width are
        NaN where the other foot has left the ground, or the feet are not known.
    """
    strikes = sorted(event for event in trial.events if event.kind == "heel_strike")
    table = trial.extra.get(BODY_MOTION)
    rows = []
    for before, landing in itertools.pairwise(strikes):
        if before.side == landing.side or landing.time - before.time > LONGEST_STEP:
            continue
        length = width = math.nan
        on_ground = any(start <= landing.time <= stop for start, stop in stances(trial.events, before.side))
        if table is not None and on_ground and table.index[0] <= landing.time <= table.index[-1]:
            here = interpolate_table(table, [landing.time]).iloc[0].to_dict()
            along, across = (
                {s: float(here.get(f"heel_{way}_{s}", math.nan)) for s in SIDES} for way in ("along", "across")
            )
            length, width = along[landing.side] - along[before.side], across["r"] - across["l"]
        rows.append((landing.side, landing.time - before.time, length, width))
    return pd.DataFrame(rows, columns=["side", "step_time", "step_length", "step_width"])


def spread(values: ArrayLike, kind: Spread) -> float:
    """SD (n - 1) of the known values, or their coefficient of variation, 100 SD / mean, %; NaN below two.

    Example:
        >>> round(spread([1.0, 1.1, 1.2], "sd"), 3), round(spread([1.0, 1.1, 1.2], "cv"), 2)
        (0.1, 9.09)
    """
    known = _known(values)
    if len(known) < 2:
        return math.nan
    sd = float(known.std(ddof=1))
    return sd if kind == "sd" else 100.0 * sd / abs(float(known.mean()))


def variability_found(trial: GaitTrial, quantity: str, kind: Spread) -> Found:
    """Variability of ``step_time``, ``step_length`` or ``step_width`` between the steps of each foot.

    Both: the SD within feet, pooled by their degrees of freedom, so that an asymmetry does not count; in % of the mean
    of all steps for ``cv``. A quantity that the judgement withheld has none.
    """
    table = steps(trial)
    values: dict[Side, NDArray[np.float64]] = {
        side: _known(np.where(_withheld(trial, quantity, side), np.nan, table.loc[table["side"] == side, quantity]))
        for side in SIDES
    }
    free = {side: len(values[side]) - 1 for side in SIDES}
    pooled = math.nan
    if min(free.values()) > 0:
        squares = sum(free[side] * spread(values[side], "sd") ** 2 for side in SIDES)
        pooled = math.sqrt(squares / sum(free.values()))
        if kind == "cv":
            pooled *= 100.0 / abs(float(np.concatenate(list(values.values())).mean()))
    return Found(
        right=spread(values["r"], kind), left=spread(values["l"], kind), both=pooled,
        n_right=len(values["r"]), n_left=len(values["l"]),
    )  # fmt: skip


def _withheld(trial: GaitTrial, quantity: str, side: Side) -> bool:
    """Whether the judgement blanked this number of the markers; the model's would be wrong for the same reason."""
    rows = [row for row in trial.about.spatiotemporal if row["quantity"] == quantity]
    return any(row["n"] == 0 or row[f"mean_{side}"] is None for row in rows)


def _known(values: ArrayLike) -> NDArray[np.float64]:
    array = np.asarray(values, np.float64)
    return array[np.isfinite(array)]
