"""Torques of the effort optimum over the stride of each leg, and the table that keeps them; OpenSim is not needed.

The table is a CSV file with the columns body, strength (percent), side, percent (0 to 100, 0 is the heel strike of the
leg that the column drives) and one torque a driven joint and leg, N m per kg body mass in OpenSim's sign. Comment lines
before the header say where each body's rows come from: ``# <body> <strength> <side>: <note>``.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from exogait.data.errors import ExogaitError, FileFormatError, InputError
from exogait.data.files import write_text_atomic
from exogait.data.names import OPTIMUM_TABLE, SIDES, Side, side_of
from exogait.data.trial import GaitTrial, select_rows

from ..gait.cycle import N_POINTS, Stride, find_strides, normalize_cycles

TABLE = Path(__file__).parent / "tables" / OPTIMUM_TABLE
"""The suite's own table."""
KEYS = ("body", "strength", "side")
_FIRST = "# Torques of OpenSim MocoInverse at fixed kinematics, N m/kg, percent of the stride of the driven leg."


def settled_strides(trial: GaitTrial, *, settle: float = 2.0) -> dict[Side, Stride]:
    """One stride of each leg, the left one beginning within the right one.

    Args:
        trial: A walk with events.
        settle: Time after the start whose heel strikes do not count, s.

    Returns:
        Leg to its stride; the window of both is about one and a half strides.

    Raises:
        ExogaitError: The walk ended in a fall.
        InputError: It holds no such pair.

    Example:
        >>> from exogait.data import GaitEvent
        >>> times = {"r": (2.1, 3.1, 4.1), "l": (2.6, 3.6)}
        >>> events = tuple(GaitEvent(t, side, "heel_strike") for side in times for t in times[side])
        >>> found = settled_strides(GaitTrial(name="walk", events=events))
        >>> [(side, stride.start, stride.stop) for side, stride in found.items()]
        [('r', 2.1, 3.1), ('l', 2.6, 3.6)]
    """
    if trial.about.fell:
        raise ExogaitError(f"{trial.name}: the walk ended in a fall; take a policy that carries this body")
    events = [event for event in trial.events if event.time >= settle]
    for right in find_strides(events, "r"):
        for left in find_strides(events, "l"):
            if right.start < left.start < right.stop:
                return {"r": right, "l": left}
    raise InputError(f"{trial.name}: heel strikes after {settle:g} s", len(events), "a whole stride of each leg")


def torque_curves(torques: pd.DataFrame, strides: Mapping[Side, Stride], mass: float) -> pd.DataFrame:
    """Device torques over the stride of the leg that each drives.

    Args:
        torques: One column an actuator (``exo_hip_flexion_r``), N m, index time, s.
        strides: Leg to its stride, inside the table's time.
        mass: Body mass, kg.

    Returns:
        Columns ``hip_flexion_r`` and the like, N m/kg; index percent, 0 to 100 in steps of 1.

    Example:
        >>> time = pd.Index([0.0, 0.5, 1.0], name="time")
        >>> stride = Stride("r", 0.0, 1.0, 0.6, float("nan"), float("nan"))
        >>> torques = pd.DataFrame({"exo_hip_flexion_r": [0.0, 35.0, 0.0]}, index=time)
        >>> float(torque_curves(torques, {"r": stride}, 70.0)["hip_flexion_r"].loc[50])
        0.5
    """
    clock, curves = torques.index.to_numpy(np.float64), {}
    for side in SIDES:
        for name in [str(c) for c in torques.columns if side_of(str(c)) == side]:
            values = torques[name].to_numpy(np.float64)[:, None] / mass
            curves[name.removeprefix("exo_")] = normalize_cycles(clock, values, [strides[side]]).values[0, :, 0]
    return pd.DataFrame(curves, index=pd.RangeIndex(N_POINTS, name="percent"))


def torque_summary(curves: pd.DataFrame) -> pd.DataFrame:
    """Largest torque of each curve in both directions, and when.

    Args:
        curves: As :func:`torque_curves` gives them.

    Returns:
        Index torque; columns max and min (N m/kg), max_pct and min_pct (percent of the leg's stride).
    """
    return pd.DataFrame(
        {
            "max": curves.max(), "max_pct": curves.idxmax(), "min": curves.min(), "min_pct": curves.idxmin(),
        }
    ).rename_axis("torque")  # fmt: skip


def write_optimum(
    path: str | Path, curves: pd.DataFrame, *, body: str, strength: float, side: str, note: str
) -> pd.DataFrame:
    """Put the curves of one body into a table; rows of the same body, strength and side are replaced.

    Args:
        path: The CSV file; begun where it does not exist.
        curves: As :func:`torque_curves` gives them.
        body: ``healthy`` or the name of a deficit.
        strength: Strength of the weak muscles, percent.
        side: ``right``, ``left`` or ``both``.
        note: Where the curves come from: versions, settings, walk, sizes of residuals and reserves.

    Returns:
        The whole table, as :func:`read_optimum` reads it.

    Raises:
        FileFormatError: The file is there and no such table.
        InputError: The note has several lines.
    """
    path = Path(path)
    if len(note.splitlines()) != 1:
        raise InputError("note", note, "one line of text")
    old = read_optimum(path) if path.is_file() else None
    rows = curves.reset_index(names="percent")
    for at, (name, value) in enumerate(zip(KEYS, (body, float(strength), side), strict=True)):
        rows.insert(at, name, value)
    notes = {} if old is None else dict(old.attrs["notes"])
    notes[_label(body, strength, side)] = note
    if old is not None:
        rows = pd.concat([select_rows(old, ~_rows_of(old, body, strength, side)), rows], ignore_index=True)
    rows = rows.sort_values(by=[*KEYS, "percent"], ignore_index=True)
    text = rows.to_csv(index=False, float_format="%.6g", lineterminator="\n")
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [_FIRST, *(f"# {label}: {notes[label]}" for label in sorted(notes))]
    write_text_atomic(path, "\n".join(lines) + "\n" + text)
    return read_optimum(path)


def read_optimum(path: str | Path = TABLE) -> pd.DataFrame:
    """Read a table of :func:`write_optimum`.

    Args:
        path: The CSV file; the suite's own without.

    Returns:
        Columns body, strength, side, percent and the torques (N m/kg); ``attrs["notes"]`` maps
        ``<body> <strength> <side>`` to where its rows come from.

    Raises:
        FileFormatError: The file is missing or no such table.
    """
    path = Path(path)
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
        table = pd.read_csv(io.StringIO("\n".join(line for line in lines if not line.startswith("#"))))
    except (OSError, ValueError) as error:
        problem = str(error).splitlines()[0][:80]
        raise FileFormatError(path, f"is no readable table ({problem})", "make it with: exogait optimum") from error
    missing = {*KEYS, "percent"} - set(table.columns)
    if missing:
        raise FileFormatError(
            path, f"lacks the column(s) {', '.join(sorted(missing))}", "make it with: exogait optimum"
        )
    table["strength"] = table["strength"].astype(float)
    comments = [line.removeprefix("#").strip().partition(": ") for line in lines if line.startswith("#")]
    table.attrs["notes"] = {label: note for label, colon, note in comments if colon}
    return table


def optimum_curve(table: pd.DataFrame, *, body: str, strength: float, side: str, torque: str) -> np.ndarray:
    """One torque of one body.

    Args:
        table: As :func:`read_optimum` reads it.
        body: ``healthy`` or the name of a deficit.
        strength: Percent.
        side: Weak side; ``right`` for a healthy body.
        torque: Column, for example ``ankle_angle_r``.

    Returns:
        Shape (101,), N m/kg over the leg's stride.

    Raises:
        InputError: The table does not hold it.
    """
    own = select_rows(table, _rows_of(table, body, strength, side))
    if torque not in table.columns or not len(own):
        raise InputError(f"effort optimum of {_label(body, strength, side)}", torque, "one that the table holds")
    return own.sort_values(by="percent")[torque].to_numpy(np.float64)


def _rows_of(table: pd.DataFrame, body: str, strength: float, side: str) -> np.ndarray:
    """Which rows belong to a body, shape (n_rows,)."""
    names = (table["body"].to_numpy() == body) & (table["side"].to_numpy() == side)
    return names & (table["strength"].to_numpy(np.float64) == float(strength))


def _label(body: str, strength: float, side: str) -> str:
    return f"{body} {strength:g} {side}"
