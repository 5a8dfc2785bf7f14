"""What a session keeps of one walk: its strides as curves, its numbers, and whether it can be used."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from exogait.data import GaitTrial
from exogait.data.quality import overall, quality_rows
from exogait.data.trial import SIDES, Side, select_rows

from ..gait.curves import has_curve, stride_curves
from ..gait.cycle import N_POINTS, find_strides
from ..gait.metrics import METRICS, SPATIOTEMPORAL, metric_values, spatiotemporal_table, walking_speed
from ..gait.norm_bands import population_of
from ..report.describe import COMPARED
from .tables import records_of

WHO = ("walk", "person", "condition", "date", "group")
"""Columns that say whose a row is."""
POINTS = tuple(f"p{k}" for k in range(N_POINTS))
"""Columns of a curve, 0 to 100 % of the gait cycle."""
STRIDE_COLUMNS = (*WHO, "side", "stride", "start", "stop", "toe_off_pct", "curve", *POINTS)
"""Columns of the table of strides: one row a stride and curve; start and stop in s."""
NUMBER_COLUMNS = (*WHO, "side", "stride", "metric", "title", "unit", "value")
"""Columns of the table of numbers: one row a stride and number; stride 0 is the mean of a walk."""
WALK_COLUMNS = (
    *WHO, "kind", "used", "speed", "height", "population", "strides_r", "strides_l", "verdict", "why", "remark",
    "report", "reused",
)  # fmt: skip
"""Columns of the table of walks."""
_OF_BOTH = ("speed", "cadence", "step_width")
"""Numbers that belong to both legs."""


@dataclass(frozen=True)
class WalkRecord:
    """One walk as a session keeps it."""

    about: Mapping[str, Any]
    """Row of the table of walks."""
    strides: pd.DataFrame
    """Its strides; empty where it is not used."""
    numbers: pd.DataFrame
    """Its numbers; empty where it is not used."""


def record_walk(trial: GaitTrial, who: Mapping[str, str], *, remark: str = "", report: str = "") -> WalkRecord:
    """Strides and numbers of a finished walk; of one that cannot be used only the reason.

    Args:
        trial: Measured or simulated; what its judgement withholds is blank and stays so.
        who: The columns :data:`WHO`.
        remark: What a reader should know besides.
        report: Where its report lies, relative to the session.
    """
    verdict = overall(quality_rows(trial))
    counts = {side: len(find_strides(trial.events, side)) for side in SIDES}
    used, why = verdict.kind != "not usable", ""
    if not used:
        why = verdict.headline()
    elif not any(counts.values()):
        used, why = False, "no complete stride"
    about = {
        **who, "kind": "simulated" if trial.about.simulated else "measured", "used": used,
        "speed": walking_speed(trial) if used else np.nan,
        "height": np.nan if trial.about.height is None else trial.about.height, "population": population_of(trial),
        "strides_r": counts["r"], "strides_l": counts["l"],
        "verdict": verdict.headline(), "why": why, "remark": remark, "report": report, "reused": False,
    }  # fmt: skip
    if not used:
        return WalkRecord(about, no_strides(), no_numbers())
    return WalkRecord(about, _strides(trial, who), _numbers(trial, who))


def failed_walk(who: Mapping[str, str], why: str) -> WalkRecord:
    """A walk that did not come through, with its reason."""
    about = {
        **who, "kind": "measured", "used": False, "speed": np.nan, "height": np.nan, "population": "", "strides_r": 0,
        "strides_l": 0, "verdict": "",
        "why": why, "remark": "", "report": "", "reused": False,
    }  # fmt: skip
    return WalkRecord(about, no_strides(), no_numbers())


def no_strides() -> pd.DataFrame:
    """A table of strides without rows."""
    return pd.DataFrame(columns=list(STRIDE_COLUMNS))


def no_numbers() -> pd.DataFrame:
    """A table of numbers without rows."""
    return pd.DataFrame(columns=list(NUMBER_COLUMNS))


def _strides(trial: GaitTrial, who: Mapping[str, str]) -> pd.DataFrame:
    tables = []
    for side in SIDES:
        strides = find_strides(trial.events, side)
        facts = pd.DataFrame({
            **{name: [who[name]] * len(strides) for name in WHO}, "side": side,
            "stride": np.arange(1, len(strides) + 1), "start": [s.start for s in strides],
            "stop": [s.stop for s in strides], "toe_off_pct": [s.toe_off_pct for s in strides],
        })  # fmt: skip
        for key in COMPARED:
            if strides and has_curve(trial, key, side):
                values, _ = stride_curves(trial, key, side, n_points=N_POINTS)
                table = pd.concat([facts.assign(curve=key), pd.DataFrame(values, columns=list(POINTS))], axis=1)
                tables.append(select_rows(pd.DataFrame(table), np.isfinite(values).any(axis=1)))
    return pd.DataFrame(pd.concat(tables, ignore_index=True)) if tables else no_strides()


def _numbers(trial: GaitTrial, who: Mapping[str, str]) -> pd.DataFrame:
    rows: list[dict[str, Any]] = []

    def enter(side: Side | str, stride: int, metric: str, title: str, unit: str, value: float) -> None:
        if np.isfinite(value):
            rows.append(
                {**who, "side": side, "stride": stride, "metric": metric, "title": title, "unit": unit, "value": value}
            )

    for row in records_of(spatiotemporal_table(trial)):
        name = str(row["quantity"])
        title = SPATIOTEMPORAL.get(name, (name, 2))[0]
        means = {"": row["mean"]} if name in _OF_BOTH else {"r": row["mean_r"], "l": row["mean_l"]}
        for side, value in means.items():
            enter(side, 0, name, title, row["unit"], np.nan if value is None else float(value))
    for metric in METRICS:
        for side in SIDES:
            for stride, value in enumerate(metric_values(trial, metric, side), 1):
                enter(side, stride, metric.name, metric.title, metric.unit, float(value))
    return pd.DataFrame(rows, columns=list(NUMBER_COLUMNS)) if rows else no_numbers()
