"""Changes between device conditions, walk by walk from the same start."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from exogait.data.trial import SIDES
from exogait.models.energetics import claimed

from .signs import records
from .strides import Array, mean_sd
from .tables import curve_matrix
from .walk import ANGLES, SYMMETRIC

SPEED_TOLERANCE = 0.02
"""Largest difference in speed of two walks that are compared, as a share."""

PAIRED_QUANTITIES = (
    *(f"{model}_{name}" for name in ("gross", "cost", "gross_atrophied") for model in claimed()),
    *(f"{name}_si" for name in SYMMETRIC), "asymmetry",
)  # fmt: skip
"""Quantities whose change is reported; of a symmetry index the change of its magnitude."""

_PAIR = ("variant", "seed", "body", "strength", "side", "speed_commanded", "start")

_GROUP = ("variant", "body", "strength", "side", "speed_commanded")


@dataclass(frozen=True)
class PairedChanges:
    """Changes from one condition to another."""

    pairs: pd.DataFrame
    """One row a pair that is compared: reference, settings, ``angle_rmse`` (degrees, mean of hip, knee and ankle of
    both legs), and per quantity ``<quantity>`` (powered minus reference) and ``<quantity>_pct``."""
    summary: pd.DataFrame
    """One row a reference, body, speed and quantity: mean, sd_seeds, sd_walks, mean_pct, sd_seeds_pct, sd_walks_pct,
    angle_rmse, fall_rate (powered), fall_rate_reference, n_pairs, n_seeds, n_unmatched, n_fell, n_speed (pairs left
    out, by reason)."""


def paired_changes(walks: pd.DataFrame, curves: pd.DataFrame, *, condition: str = "powered") -> PairedChanges:
    """Changes that a powered device makes, against no device and against the device worn but off.

    Walks are paired by variant, seed, body, strength, side, commanded speed and start. A pair counts where neither
    walk fell and their mean speeds differ by 2 % at most; the others are counted by reason. SDs are between pairs
    (``sd_walks``) and between the means of the seeds (``sd_seeds``), n - 1.

    Args:
        walks: Table of walks.
        curves: Table of curves, for the change of the joint angles.
        condition: The condition that is compared with the others.
    """
    quantities = [name for name in PAIRED_QUANTITIES if name in walks.columns]
    angles = _angle_table(walks, curves)
    rows = records(walks)
    pairs, summary = [], []
    for reference in [name for name in ("none", "unpowered") if name != condition]:
        others = {tuple(row[name] for name in _PAIR): row for row in rows if row["condition"] == reference}
        groups: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
        for row in rows:
            if row["condition"] == condition:
                groups.setdefault(tuple(row[name] for name in _GROUP), []).append(row)
        for key, part in groups.items():
            matched = [(row, others.get(tuple(row[name] for name in _PAIR))) for row in part]
            reasons = [_dropped(own, other) for own, other in matched]
            found = [
                _pair(own, other, quantities, angles)
                for (own, other), reason in zip(matched, reasons, strict=True)
                if other is not None and not reason
            ]
            theirs = [row["fell"] for row in others.values() if tuple(row[name] for name in _GROUP) == key]
            facts = {
                "angle_rmse": mean_sd(np.array([row["angle_rmse"] for row in found], np.float64))[0],
                "fall_rate": float(np.mean([row["fell"] for row in part])),
                "fall_rate_reference": float(np.mean(theirs)) if theirs else float("nan"),
                "n_pairs": len(found), "n_seeds": len({row["seed"] for row in found}),
                **{f"n_{name}": reasons.count(name) for name in ("unmatched", "fell", "speed")},
            }  # fmt: skip
            group = {"reference": reference, **dict(zip(_GROUP, key, strict=True))}
            pairs += found
            for name in quantities:
                percent = {f"{k}_pct": v for k, v in _spread(found, f"{name}_pct").items()}
                summary.append({**group, "quantity": name, **_spread(found, name), **percent, **facts})
    return PairedChanges(pd.DataFrame(pairs), pd.DataFrame(summary))


def _dropped(own: Mapping[str, Any], other: Mapping[str, Any] | None) -> str:
    """Why a pair is left out; empty where it is compared."""
    if other is None:
        return "unmatched"
    if own["fell"] or other["fell"]:
        return "fell"
    a, b = float(own["speed_mean"]), float(other["speed_mean"])
    return "" if abs(a - b) <= SPEED_TOLERANCE * 0.5 * abs(a + b) else "speed"


def _pair(
    own: Mapping[str, Any], other: Mapping[str, Any], quantities: list[str], angles: Mapping[str, Array]
) -> dict[str, Any]:
    rmse = float("nan")
    if own["walk"] in angles and other["walk"] in angles:
        difference = angles[own["walk"]] - angles[other["walk"]]
        rmse = float(np.mean(np.sqrt(np.mean(difference**2, axis=1))))
    found: dict[str, Any] = {"reference": other["condition"], **{name: own[name] for name in _PAIR}}
    found["angle_rmse"] = rmse
    for name in quantities:
        a, b = float(own[name]), float(other[name])
        a, b = (abs(a), abs(b)) if name.endswith("_si") else (a, b)
        found[name] = a - b
        found[f"{name}_pct"] = 100.0 * (a / b - 1.0) if b != 0 else float("nan")
    return found


def _angle_table(walks: pd.DataFrame, curves: pd.DataFrame) -> dict[str, Array]:
    """Mean angles of hip, knee and ankle of both legs by walk, shape (6, 101); walks that lack one are absent."""
    found: dict[str, list[Array]] = {}
    for key in ANGLES:
        for side in SIDES:
            names, values = curve_matrix(walks, curves, key, side)
            for name, value in zip(names, values, strict=True):
                found.setdefault(name, []).append(value)
    return {name: np.array(rows) for name, rows in found.items() if len(rows) == 2 * len(ANGLES)}


def _spread(pairs: list[dict[str, Any]], name: str) -> dict[str, float]:
    values = np.array([row[name] for row in pairs], np.float64)
    mean, sd = mean_sd(values)
    seeds = sorted({row["seed"] for row in pairs})
    means = [mean_sd(np.array([row[name] for row in pairs if row["seed"] == seed], np.float64))[0] for seed in seeds]
    return {"mean": mean, "sd_seeds": mean_sd(np.array(means, np.float64))[1], "sd_walks": sd}
