"""Ground reactions as OpenSim wants them: a .mot of forces and the ExternalLoads .xml that applies them to the feet."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from exogait.data.errors import InputError
from exogait.data.names import FORCES_ENDING
from exogait.data.storage import write_mot
from exogait.data.trial import GROUND_REACTION_COLUMNS, SIDES, GaitEvent

from ..c3d.applied import AppliedForce
from ..c3d.force_files import read_forces
from .common import element, object_set, write_document

FOOT_BODIES = {"r": "calcn_r", "l": "calcn_l"}


def read_ground_reactions(path: str | Path, *, sides: Mapping[str, str] | None = None) -> pd.DataFrame:
    """Read ground reactions of any common spelling (:mod:`exogait.analysis.c3d.force_files`).

    Args:
        path: The file.
        sides: Plate prefix in the file to ``r`` or ``l``, for files whose columns name plates (``1``, ``2``) and not
            feet. The prefix of ``ground_force_vx`` is the empty text. Plates of one foot are added up.

    Returns:
        Columns :data:`exogait.data.trial.GROUND_REACTION_COLUMNS`, N, m, N m, index time.

    Raises:
        FileFormatError: No force columns are found.
        InputError: A plate is given no side.
    """
    record = read_forces(path)
    index = pd.Index(record.time, name="time")
    result = pd.DataFrame(0.0, index=index, columns=pd.Index(GROUND_REACTION_COLUMNS))
    parts: dict[str, list[tuple[np.ndarray, np.ndarray, np.ndarray]]] = {"r": [], "l": []}
    for plate in record.ground:
        side = (sides or {}).get(plate.name, plate.side)
        if side is None:
            raise InputError(f"{path}: plate {plate.name!r}", None, "pass sides={plate: 'r' or 'l'} for every plate")
        parts[side].append((plate.force, plate.point, plate.torque))
    for side in SIDES:
        values = _combine(parts[side], len(result))
        columns = [c for c in GROUND_REACTION_COLUMNS if f"_{side}_" in c]
        result[columns] = np.concatenate(values, axis=1)
    result.attrs = {"name": Path(path).stem, "source": str(path), "in_degrees": False}
    return result


def _combine(parts: list[tuple[np.ndarray, np.ndarray, np.ndarray]], n: int) -> list[np.ndarray]:
    """Sum of plates under one foot as one force, point and moment about that point, each shape (n, 3)."""
    if not parts:
        return [np.zeros((n, 3)), np.zeros((n, 3)), np.zeros((n, 3))]
    if len(parts) == 1:
        return [part.copy() for part in parts[0]]
    force = np.sum([f for f, _, _ in parts], axis=0)
    weight = np.stack([np.abs(f[:, 1]) for f, _, _ in parts])
    total = weight.sum(axis=0)
    share = np.divide(weight, total, out=np.full_like(weight, 1.0 / len(parts)), where=total > 0)
    point = np.sum([s[:, None] * p for s, (_, p, _) in zip(share, parts, strict=True)], axis=0)
    moment = np.sum([t + np.cross(p - point, f) for f, p, t in parts], axis=0)
    return [force, point, moment]


def write_ground_reactions(
    table: pd.DataFrame, folder: str | Path, name: str, *, device: Sequence[AppliedForce] = ()
) -> tuple[Path, Path]:
    """Write ground reactions as .mot and the ExternalLoads .xml that names it.

    The centre of pressure is held at its nearest known value while a foot is unloaded: a single NaN would make
    OpenSim's inverse dynamics NaN over the whole trial (opensim-core issue 2256).

    Args:
        table: Columns :data:`exogait.data.trial.GROUND_REACTION_COLUMNS`.
        folder: Where to write.
        name: Name of the trial.
        device: Loads on other bodies, on the table's clock: what a device does is then no joint's moment.

    Returns:
        Paths of the .mot and the .xml.

    Raises:
        InputError: A force or moment is NaN.
    """
    folder = Path(folder)
    clean = held_pressure(table)
    forces = [column for column in clean.columns if "_p" not in str(column)[-3:]]
    missing = np.argwhere(clean[forces].isna().to_numpy())
    if len(missing):
        column, moment = forces[missing[0, 1]], float(clean.index[missing[0, 0]])
        raise InputError(
            f"{name}: ground reactions, column {column}",
            f"NaN at t = {moment:.4f} s",
            "measured forces; cut the trial to where the plates recorded, or mark the plate as not used",
        )
    for number, load in enumerate(device, 1):
        for what, values in (("v", load.force), ("p", load.point), ("m", load.torque)):
            if not np.isfinite(values).all():
                raise InputError(f"{name}: device load {load.name}", "NaN", "loads over the whole of the motion")
            clean[[f"device_{number}_{what}{axis}" for axis in "xyz"]] = values
    motion = folder / f"{name}{FORCES_ENDING}"
    write_mot(clean, motion, rotational=(), name=f"{name}_grf", in_degrees=False)
    loads = []
    for side, body in FOOT_BODIES.items():
        loads.append(
            element(
                "ExternalForce",
                name=f"ground_{side}",
                applied_to_body=body,
                force_expressed_in_body="ground",
                point_expressed_in_body="ground",
                force_identifier=f"ground_force_{side}_v",
                point_identifier=f"ground_force_{side}_p",
                torque_identifier=f"ground_torque_{side}_",
                data_source_name=f"{name}_grf",
            )
        )
    for number, load in enumerate(device, 1):
        loads.append(
            element(
                "ExternalForce",
                name=load.name,
                applied_to_body=load.body,
                force_expressed_in_body=load.force_frame,
                point_expressed_in_body=load.point_frame,
                force_identifier=f"device_{number}_v" if np.any(load.force) else "",
                point_identifier=f"device_{number}_p" if np.any(load.force) else "",
                torque_identifier=f"device_{number}_m",
                data_source_name=f"{name}_grf",
            )
        )
    root = object_set("ExternalLoads", loads, name=f"{name}_external_loads")
    root.append(element("datafile"))
    root[-1].text = motion.name
    return motion, write_document(folder / f"{name}_external_loads.xml", root)


def held_pressure(table: pd.DataFrame) -> pd.DataFrame:
    """Copy with gaps of the centre of pressure filled from the nearest known instant (zero where there is none)."""
    result = table.copy()
    result.attrs = dict(table.attrs)
    points = [column for column in table.columns if re.search(r"_p[xyz]$", str(column))]
    result[points] = result[points].ffill().bfill().fillna(0.0)
    return result


def stance_intervals(
    events: Iterable[GaitEvent], side: str, time_range: tuple[float, float]
) -> list[tuple[float, float]] | None:
    """Times a foot is on the ground, from its events.

    Args:
        events: Events of the trial.
        side: ``r`` or ``l``.
        time_range: Start and end of the trial, s: a stance that is under way at either end is cut there.

    Returns:
        Start and end of each stance, s; ``None`` where the side has no event, so that nothing is known.
    """
    own = sorted(event for event in events if event.side == side)
    if not own:
        return None
    intervals = []
    start = time_range[0] if own[0].kind == "toe_off" else None
    for event in own:
        if event.kind == "heel_strike":
            start = event.time if start is None else start
        elif start is not None:
            intervals.append((start, event.time))
            start = None
    if start is not None:
        intervals.append((start, time_range[1]))
    return intervals


def valid_kinetics(
    time: np.ndarray, events: Iterable[GaitEvent], loaded: pd.DataFrame, *, margin: float = 0.02
) -> pd.DataFrame:
    """Where the moments of each leg, and the residuals of the pelvis, follow from measured forces.

    A leg's moments are known while its foot is in the air, or on the ground on a plate. The residuals need both legs.

    Args:
        time: Instants of the generalized forces, shape (n,), s.
        events: Heel strikes and toe offs of both sides, however found.
        loaded: Boolean columns ``r`` and ``l``: the foot stands on a plate that counts.
        margin: Time by which plate and event may disagree, s: the plate sees first contact after the marker does.

    Returns:
        Boolean columns ``r``, ``l`` and ``pelvis``, index ``time``.
    """
    time = np.asarray(time, np.float64)
    events = list(events)
    result = pd.DataFrame(index=pd.Index(time, name="time"))
    clock = loaded.index.to_numpy(np.float64)
    for side in SIDES:
        intervals = stance_intervals(events, side, (float(time[0]), float(time[-1])))
        if intervals is None:
            result[side] = False
            continue
        on_plate = loaded[side].to_numpy(bool)
        known = np.ones(len(time), bool)
        for start, stop in intervals:
            inside = (clock >= start + margin) & (clock <= stop - margin)
            covered = (
                on_plate[inside].all() if inside.any() else bool(on_plate[(clock >= start) & (clock <= stop)].any())
            )
            if not covered:
                known &= ~((time >= start) & (time <= stop))
        result[side] = known
    result["pelvis"] = result["r"] & result["l"]
    return result


def loaded_at(ground_reactions: pd.DataFrame, *, threshold: float = 20.0) -> pd.DataFrame:
    """Boolean table: the vertical force on a foot is above a threshold (N)."""
    return pd.DataFrame(
        {side: ground_reactions[f"ground_force_{side}_vy"] > threshold for side in SIDES}, index=ground_reactions.index
    )
