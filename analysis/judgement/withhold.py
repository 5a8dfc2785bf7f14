"""What failed rows spoil is blank wherever it could be read: in the trial itself, which everything downstream takes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from typing import Any

import numpy as np
import pandas as pd

from exogait.data import GaitTrial
from exogait.data.names import SIDES, side_of
from exogait.data.quality import QualityRow

TABLES = ("coordinates", "speeds", "generalized_forces", "joint_powers", "ground_reactions", "emg")
"""Tables of a trial whose columns can be withheld."""
SPATIOTEMPORAL = "spatiotemporal"
_CHAIN = ("hip", "knee", "ankle", "subtalar", "mtp")
"""Joints of a leg from the pelvis down: what is wrong at one is wrong in the moments of those above it."""
_FRONTAL = ("hip_adduction", "hip_rotation", "subtalar_angle")
"""Coordinates whose axes lie along the walk or stand upright."""


def spoiled(trial: GaitTrial, rows: Iterable[QualityRow]) -> frozenset[str]:
    """Addresses of all quantities that failed rows spoil, with what follows from them.

    Speeds follow from an angle, and the moments and powers of its joint and of those above it in the leg; moments and
    powers of a leg, and what the pelvis would need, from its ground reaction, of which a sideways force has a say in
    the moments about axes along the walk and upright ones; powers from moments; muscles from any moment;
    spatiotemporal numbers from events.

    Args:
        trial: The trial with nothing withheld.
        rows: Its rows.

    Returns:
        Addresses such as ``coordinates/knee_angle_r``, ``spatiotemporal/step_length_l``, ``events/r``.
    """
    patterns = {pattern for row in rows if row.verdict == "fail" for pattern in row.spoils}
    addresses = set(_addresses(trial))
    found: set[str] = set()
    while True:
        new = {a for a in addresses - found if any(fnmatchcase(a, pattern) for pattern in patterns)}
        if not new:
            return frozenset(found)
        found |= new
        patterns = {pattern for address in new for pattern in _follows(address)}


def withhold(trial: GaitTrial, rows: Iterable[QualityRow]) -> GaitTrial:
    """Copy of a trial in which everything that failed rows spoil is blank.

    Args:
        trial: The trial.
        rows: Its rows.

    Returns:
        The trial: spoiled columns are NaN, spoiled numbers None, spoiled events and muscles are not there.
    """
    lost = spoiled(trial, rows)
    if not lost:
        return trial
    changed: dict[str, Any] = {}
    for name in TABLES:
        table = _blank(getattr(trial, name), name, lost)
        if table is not None:
            changed[name] = table
    about = trial.about
    facts: dict[str, Any] = {
        "spatiotemporal": [_blank_number(dict(row), lost) for row in about.spatiotemporal],
        "speed_measured": None if f"{SPATIOTEMPORAL}/speed" in lost else about.speed_measured,
    }
    if "muscles/all" in lost:
        facts |= {"metabolics": {}, "reserves": [], "muscle_method": None}
        changed["muscles"] = {}
    kept = tuple(event for event in trial.events if f"events/{event.side}" not in lost)
    return trial.replace(**changed, events=kept).with_about(**facts)


def _addresses(trial: GaitTrial) -> Iterator[str]:
    for name in TABLES:
        table = getattr(trial, name)
        if table is not None:
            yield from (f"{name}/{column}" for column in table.columns)
    yield from (f"events/{side}" for side in SIDES)
    yield "muscles/all"
    for row in trial.about.spatiotemporal:
        yield f"{SPATIOTEMPORAL}/{row['quantity']}"
        yield from (f"{SPATIOTEMPORAL}/{row['quantity']}_{side}" for side in SIDES)


def _follows(address: str) -> Iterator[str]:
    table, _, column = address.partition("/")
    if table == "coordinates":
        yield from (f"{other}/{column}" for other in ("speeds", "generalized_forces", "joint_powers"))
        if (side := side_of(column)) is not None:  # inverse dynamics carries each segment's motion up the leg
            chain = next((k for k, part in enumerate(_CHAIN) if column.startswith(part)), len(_CHAIN) - 1)
            yield from (f"generalized_forces/{part}_*{side}" for part in _CHAIN[: chain + 1])
    elif table == "speeds":
        yield f"joint_powers/{column}"
    elif table == "generalized_forces":
        yield f"joint_powers/{column}"
        yield "muscles/*"
    elif table == "ground_reactions":
        side = next(side for side in SIDES if f"_{side}_" in column)
        if column.endswith("_vz"):  # it is small, and its lever to axes that lie across the walk is smaller
            yield from (f"generalized_forces/{name}_{side}" for name in _FRONTAL)
        else:
            yield f"generalized_forces/*_{side}"
        yield from ("generalized_forces/pelvis_*", "generalized_forces/lumbar_*")
    elif table == "events":
        yield f"{SPATIOTEMPORAL}/*"


def _blank(table: pd.DataFrame | None, name: str, lost: frozenset[str]) -> pd.DataFrame | None:
    """Copy with NaN in spoiled columns; None where none is."""
    columns = [] if table is None else [column for column in table.columns if f"{name}/{column}" in lost]
    if table is None or not columns:
        return None
    result = table.copy()
    result.attrs = dict(table.attrs)
    result[columns] = np.nan
    return result


def _blank_number(row: dict[str, object], lost: frozenset[str]) -> dict[str, object]:
    name = f"{SPATIOTEMPORAL}/{row['quantity']}"
    for side in SIDES:
        if f"{name}_{side}" in lost or name in lost:
            row[f"mean_{side}"] = None
    if any(address in lost for address in (name, *(f"{name}_{side}" for side in SIDES))):
        row |= {"mean": None, "sd": None, "n": 0}
    return row
