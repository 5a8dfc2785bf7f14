"""Spatiotemporal numbers of a walk: speed, cadence, lengths and times of steps and strides, step width, support.

Lengths are measured between the heels at heel strike, along and across the direction of progression. On a treadmill the
foot travels backwards with the belt while it stands, so the way of its belt is added to every stride. Where both feet
are in the air between two contacts the person runs: then there is flight and no double support.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from exogait.data.errors import InputError
from exogait.data.trial import SIDES, GaitEvent, Side

from ..markers.roles import pelvis_markers
from .belt import Belt, find_belt
from .cycle import Stride, find_strides


@dataclass(frozen=True)
class Spatiotemporal:
    """Spatiotemporal numbers of one trial."""

    steps: pd.DataFrame
    """One row a step: side (of the foot that lands), time (s), step_length, step_width (m), step_time (s)."""
    strides: pd.DataFrame
    """One row a stride: side, start, stop (s), stride_length (m), stride_time, stance_time, swing_time, double_support,
    single_support, flight_time (s), stance_pct, speed (m/s)."""
    belt: Belt
    """What was assumed about the ground."""
    speed: float
    """Walking speed, m/s: belt speed plus the pelvis' mean speed over the measured strides."""

    @property
    def gait(self) -> Literal["walking", "running"]:
        """``running`` where most strides have a phase of flight."""
        flight = self.strides["flight_time"].to_numpy(dtype=np.float64)
        flight = flight[np.isfinite(flight)]
        return "running" if len(flight) and np.median(flight) > 0 else "walking"

    def summary(self) -> pd.DataFrame:
        """Means and SDs with units, one row a quantity, columns for right, left and both feet; flight for runners."""
        rows = []
        for name, unit, table in (
            ("speed", "m/s", self.strides),
            ("cadence", "steps/min", None),
            ("stride_length", "m", self.strides),
            ("stride_time", "s", self.strides),
            ("step_length", "m", self.steps),
            ("step_time", "s", self.steps),
            ("step_width", "m", self.steps),
            ("stance_time", "s", self.strides),
            ("swing_time", "s", self.strides),
            ("stance_pct", "%", self.strides),
            ("double_support", "s", self.strides),
            ("single_support", "s", self.strides),
            *((("flight_time", "s", self.strides),) if self.gait == "running" else ()),
        ):
            row: dict[str, object] = {"quantity": name, "unit": unit}
            if table is None:
                both = self.strides["stride_time"].to_numpy(dtype=np.float64)
                row |= {"mean": float(120.0 / np.mean(both)) if len(both) else np.nan, "sd": np.nan, "n": len(both)}
                for side in SIDES:
                    own = self.strides.loc[self.strides["side"] == side, "stride_time"].to_numpy(dtype=np.float64)
                    row[f"mean_{side}"] = float(120.0 / np.mean(own)) if len(own) else np.nan
            else:
                row |= _moments(table[name])
                for side in SIDES:
                    row[f"mean_{side}"] = _moments(table.loc[table["side"] == side, name])["mean"]
            rows.append(row)
        columns = ["quantity", "unit", "mean", "sd", "n", "mean_r", "mean_l"]
        return pd.DataFrame(rows, columns=columns)


def _moments(values: Any) -> dict[str, float]:
    known = np.asarray(values, dtype=np.float64)
    known = known[np.isfinite(known)]
    return {
        "mean": float(known.mean()) if len(known) else np.nan,
        "sd": float(known.std(ddof=1)) if len(known) > 1 else np.nan,
        "n": len(known),
    }


def compute_spatiotemporal(
    positions: NDArray[np.float64],
    names: Sequence[str],
    rate: float,
    roles: Mapping[str, Sequence[str]],
    events: Sequence[GaitEvent],
    *,
    belt_speed: float | None = None,
) -> Spatiotemporal:
    """Compute the spatiotemporal numbers of a walk.

    The step length of a foot is the distance by which its heel lands ahead of the other heel (in running: ahead of
    where the other heel landed); the step width is the distance across the direction of progression, positive where
    the right foot is on the right.

    Args:
        positions: Markers in OpenSim's frame (X forward, Y up), shape (n_frames, n_markers, 3), m.
        names: Marker names.
        rate: Frames a second, Hz.
        roles: Marker roles; a heel (or ankle) marker of each foot is needed for lengths.
        events: Heel strikes and toe offs.
        belt_speed: Treadmill speed, m/s; 0 says overground; None detects it.

    Returns:
        The numbers; without heel markers the lengths are NaN and the times remain.

    Raises:
        InputError: The belt speed is not a finite number, or negative.
    """
    if belt_speed is not None and not (np.isfinite(belt_speed) and belt_speed >= 0):
        raise InputError("belt_speed", belt_speed, "give the speed of the belt in m/s, 0 for overground")
    if belt_speed is None:
        belt = find_belt(positions, names, rate, roles, events)
    else:
        belt = Belt(float(belt_speed), "given")
    heels = {side: _path(positions, names, roles, f"heel_{side}", f"ankle_{side}") for side in SIDES}
    strikes = sorted(e for e in events if e.kind == "heel_strike")
    # On the belt's own ground a point that stands still moves backwards in the laboratory: add what the belt ran.
    shifted: dict[Side, NDArray[np.float64] | None] = {"r": None, "l": None}
    for side in SIDES:
        path = heels[side]
        if path is not None:
            shifted[side] = path + np.outer(belt.way(side, len(path), rate), [1.0, 0.0, 0.0])
    forward, across = _progression(shifted, strikes, rate)
    steps = []
    for before, landing in itertools.pairwise(strikes):
        if before.side == landing.side or landing.time - before.time > 2.5:
            continue
        length = width = np.nan
        if heels["r"] is not None and heels["l"] is not None:
            # Both at one instant, in the laboratory: no belt has a say, and two belts cannot disagree.
            at = {side: _at(heels[side], landing.time, rate) for side in SIDES}
            if _left_before(events, before, landing):
                # In flight the other foot swings already: from one landing to the next, as on the belt's own ground.
                at[before.side] = _at(shifted[before.side], before.time, rate)
                at[landing.side] = _at(shifted[landing.side], landing.time, rate)
            gap = at[landing.side] - at[before.side]
            length = float(gap @ forward)
            width = float((at["r"] - at["l"]) @ across)
        steps.append((landing.side, landing.time, length, width, landing.time - before.time))
    rows = []
    for side in SIDES:
        path = shifted[side]
        for stride in find_strides(events, side):
            length = np.nan
            if path is not None:
                length = float((_at(path, stride.stop, rate) - _at(path, stride.start, rate)) @ forward)
            double, single, flight = support_times(stride)
            rows.append(
                (
                    side,
                    stride.start,
                    stride.stop,
                    length,
                    stride.duration,
                    stride.stance,
                    stride.stop - stride.toe_off,
                    double,
                    single,
                    flight,
                    stride.toe_off_pct,
                    length / stride.duration,
                )
            )
    step_table = pd.DataFrame(steps, columns=["side", "time", "step_length", "step_width", "step_time"])
    stride_table = pd.DataFrame(
        rows,
        columns=[
            "side",
            "start",
            "stop",
            "stride_length",
            "stride_time",
            "stance_time",
            "swing_time",
            "double_support",
            "single_support",
            "flight_time",
            "stance_pct",
            "speed",
        ],
    )
    return Spatiotemporal(step_table, stride_table, belt, _speed(positions, names, rate, roles, stride_table, belt))


def _left_before(events: Sequence[GaitEvent], before: GaitEvent, landing: GaitEvent) -> bool:
    """Whether the foot that landed first had left the ground when the other one landed."""
    own = (e for e in events if e.side == before.side and e.kind == "toe_off")
    return any(before.time < e.time < landing.time for e in own)


def support_times(stride: Stride) -> tuple[float, float, float]:
    """Times of one stride in which both feet, this foot alone, and no foot are on the ground, s; none is negative.

    Args:
        stride: The stride; times of both feet in it.

    Returns:
        Double support, single support and flight; NaN where an event is missing.

    Example:
        >>> walking, running = Stride("r", 0, 1, 0.6, 0.1, 0.5), Stride("r", 0, 0.7, 0.2, 0.6, 0.35)
        >>> [tuple(round(t, 2) for t in support_times(s)) for s in (walking, running)]
        [(0.2, 0.4, 0.0), (0.0, 0.2, 0.25)]
    """
    other_off, other_strike = stride.other_toe_off, stride.other_heel_strike
    if not np.isfinite([stride.toe_off, other_off, other_strike]).all():
        return np.nan, np.nan, np.nan
    if other_off <= other_strike <= stride.toe_off:
        return other_off - stride.start + (stride.toe_off - other_strike), other_strike - other_off, 0.0
    # The other foot stood at this foot's strike if it left the ground before it landed again.
    stood = other_off <= other_strike
    first, last_flight = (other_off - stride.start, 0.0) if stood else (0.0, stride.stop - other_off)
    double = first + max(stride.toe_off - other_strike, 0.0)
    return double, stride.stance - double, max(other_strike - stride.toe_off, 0.0) + last_flight


def _path(
    positions: NDArray[np.float64], names: Sequence[str], roles: Mapping[str, Sequence[str]], *wanted: str
) -> NDArray[np.float64] | None:
    for role in wanted:
        if role in roles:
            return positions[:, list(names).index(roles[role][0])]
    return None


def _at(path: NDArray[np.float64] | None, time: float, rate: float) -> NDArray[np.float64]:
    """Position at an instant, between frames by a line; NaN next to a missing frame."""
    if path is None:
        return np.full(3, np.nan)
    place = float(np.clip(time * rate, 0, len(path) - 1))
    low = int(np.floor(place))
    high = min(low + 1, len(path) - 1)
    return path[low] if low == place else path[low] + (place - low) * (path[high] - path[low])


def _progression(
    heels: Mapping[Side, NDArray[np.float64] | None], strikes: Sequence[GaitEvent], rate: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Unit vectors along and to the right of the way from first to last landing; X and Z where that is too short."""
    moves = np.zeros(3)
    for side in SIDES:
        times = [e.time for e in strikes if e.side == side]
        if len(times) > 1 and heels[side] is not None:
            move = _at(heels[side], times[-1], rate) - _at(heels[side], times[0], rate)
            if np.isfinite(move).all():
                moves += move
    moves[1] = 0.0
    if np.linalg.norm(moves) < 0.2:
        return np.array([1.0, 0.0, 0.0]), np.array([0.0, 0.0, 1.0])
    forward = moves / np.linalg.norm(moves)
    return forward, np.cross(forward, [0.0, 1.0, 0.0])


def _speed(
    positions: NDArray[np.float64],
    names: Sequence[str],
    rate: float,
    roles: Mapping[str, Sequence[str]],
    strides: pd.DataFrame,
    belt: Belt,
) -> float:
    """Pelvis speed over whole strides where markers allow, else the mean stride speed."""
    pelvis = [list(names).index(name) for name in pelvis_markers(roles)]
    if pelvis and len(strides):
        centre = positions[:, pelvis].mean(axis=1)
        speeds = []
        for start, stop in zip(strides["start"], strides["stop"], strict=True):
            move = (_at(centre, stop, rate) - _at(centre, start, rate))[[0, 2]]
            move = move + np.array([belt.speed * (stop - start), 0.0])
            speeds.append(float(np.linalg.norm(move) / (stop - start)))
        known = [s for s in speeds if np.isfinite(s)]
        if known:
            return float(np.mean(known))
    known = strides["speed"].to_numpy(dtype=np.float64)
    known = known[np.isfinite(known)]
    return float(known.mean()) if len(known) else float("nan")
