"""How much a person varies from stride to stride and from walk to walk, and which stride stands for the others.

Sources: standard error of measurement and minimal detectable change, Weir 2005, J Strength Cond Res 19:231-240
(SEM as the within-person standard deviation of repeated measurements, MDC = 1.96 sqrt(2) SEM); the representative
stride as the one nearest the others' median, Sangeux & Polak 2015, Gait Posture 41:726-730 (depth of a curve among
its repetitions), here with the root mean square distance to the pointwise median.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .gather import POINTS
from .tables import numbers_of, records_of, rows_where, split_table

MDC_FACTOR = 1.96 * np.sqrt(2.0)
"""Minimal detectable change over the standard error of measurement, 95 %."""
_GROUP = ["person", "condition", "side", "metric"]
VARIABILITY_COLUMNS = (
    "person", "condition", "side", "metric", "title", "unit", "mean", "n_strides", "sd_strides", "cv_pct", "n_walks",
    "sd_walks", "sem", "mdc",
)  # fmt: skip


def variability_table(numbers: pd.DataFrame) -> pd.DataFrame:
    """Spread of every number of every person and condition.

    Args:
        numbers: Table of numbers (:data:`exogait.analysis.session.gather.NUMBER_COLUMNS`).

    Returns:
        One row a person, condition, side and number: ``mean`` over the strides (of numbers that a walk has once, over
        the walks); ``sd_strides`` and ``cv_pct`` between strides; ``sd_walks`` between the walks' means (n - 1);
        ``sem``, the spread of one walk's mean about the person's own, pooled over the person's conditions, and no less
        than the strides of a walk give by chance (few walks may agree by luck); ``mdc``,
        1.96 sqrt(2) sem: the smallest difference of two walks that is not chance with 95 %. Both hold within one
        session; between two dates the placement of markers adds. NaN where there are fewer than two of a kind.
    """
    if numbers.empty:
        return pd.DataFrame(columns=list(VARIABILITY_COLUMNS))
    rows = []
    for (person, condition, side, metric), part in split_table(numbers, _GROUP):
        values = numbers_of(part, "value")
        walks = [numbers_of(walk, "value") for _, walk in split_table(part, ["walk"])]
        by_walk = np.array([walk.mean() for walk in walks])
        strides = values[numbers_of(part, "stride") > 0]
        mean = float(values.mean())
        sd = _sd(strides)
        rows.append({
            "person": person, "condition": condition, "side": side, "metric": metric, "title": part["title"].iloc[0],
            "unit": part["unit"].iloc[0], "mean": mean, "n_strides": len(strides), "sd_strides": sd,
            "cv_pct": 100.0 * sd / abs(mean) if mean else np.nan, "n_walks": len(by_walk), "sd_walks": _sd(by_walk),
            "within": sum(float(((walk - walk.mean()) ** 2).sum()) for walk in walks),
            "free_within": len(values) - len(walks),
        })  # fmt: skip
    table = pd.DataFrame(rows)
    table["sem"] = np.nan
    for _, part in split_table(table, ["person", "side", "metric"]):
        free, sd = numbers_of(part, "n_walks") - 1, numbers_of(part, "sd_walks")
        if free.sum() > 0:
            between = np.sum(free[free > 0] * sd[free > 0] ** 2) / free.sum()
            of_strides = numbers_of(part, "within").sum() / max(numbers_of(part, "free_within").sum(), 1)
            by_chance = of_strides * numbers_of(part, "n_walks") / np.maximum(numbers_of(part, "n_strides"), 1)
            table.loc[part.index, "sem"] = np.sqrt(np.maximum(between, by_chance))
    table["mdc"] = MDC_FACTOR * table["sem"]
    return pd.DataFrame(table[list(VARIABILITY_COLUMNS)])


@dataclass(frozen=True)
class Representative:
    """The stride that stands for the others of its person, condition and side."""

    person: str
    condition: str
    side: str
    walk: str
    """Walk in which it is."""
    stride: int
    """Which one of that walk, from 1."""
    start: float
    """Its heel strike, s of the walk's own clock."""
    distance: float
    """Distance to the median curves, 1 = that of the median stride; the smallest of all."""
    n_strides: int
    """Strides among which it was chosen."""
    n_curves: int
    """Joint angles by which it was chosen."""


def representative_strides(strides: pd.DataFrame, keys: Sequence[str]) -> list[Representative]:
    """The most representative stride of every person, condition and side.

    Each stride's root mean square distance to the pointwise median of all, curve by curve, is divided by the median of
    these distances, so that a joint with a large range does not decide alone, and averaged over the curves.

    Args:
        strides: Table of strides (:data:`exogait.analysis.session.gather.STRIDE_COLUMNS`).
        keys: Curves that count; one that a stride does not wholly know is left out for all.
    """
    found = []
    for (person, condition, side), part in split_table(strides, ["person", "condition", "side"]):
        facts = records_of(part.drop_duplicates(["walk", "stride"]))
        distances = []
        for key in keys:
            rows = rows_where(part, curve=key)
            values = np.asarray(rows[list(POINTS)], np.float64)
            if len(rows) == len(facts) and np.isfinite(values).all():
                distances.append(_distances(values))
        if distances:
            total = np.mean(distances, axis=0)
            best = int(np.argmin(total))
            chosen = facts[best]
            found.append(
                Representative(
                    person, condition, side, str(chosen["walk"]), int(chosen["stride"]), float(chosen["start"]),
                    float(total[best]), len(facts), len(distances),
                )
            )  # fmt: skip
    return found


def _distances(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Distance of each curve to the median curve, over the median of these distances; values (n_strides, n_points)."""
    away = np.sqrt(np.mean((values - np.median(values, axis=0)) ** 2, axis=1))
    middle = float(np.median(away))
    return away / middle if middle > 0 else np.zeros(len(away))


def _sd(values: NDArray[np.float64]) -> float:
    return float(values.std(ddof=1)) if len(values) > 1 else float("nan")
