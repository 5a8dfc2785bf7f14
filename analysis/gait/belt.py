"""Speed of the ground under the feet: overground, one belt, two belts, belts that change their speed.

A foot that is flat on the ground moves with it. Its backward speed in the middle of each stance is the speed of what it
stands on, whichever way the body as a whole moves.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from exogait.data.names import SIDE_WORDS, SIDES, Side
from exogait.data.trial import GaitEvent

from ..markers.roles import pelvis_markers

MIN_BELT_SPEED = 0.1
"""A foot that moves backwards faster than this while it stands is on a belt, m/s. Also the difference from which two
feet stand on two belts, and from which a belt changes its speed."""
TRAVEL_SHARE = 0.5
"""Whoever travels through the laboratory faster than this share of the speed of the standing feet walks overground: a
foot that rolls, as in a sprint, is no belt."""
_FLAT = (0.35, 0.75)
"""Part of the stance in which the whole foot is on the ground and moves with it."""
LONGEST_STANCE = 3.0
"""Events further apart than this are not of one stance, s."""


@dataclass(frozen=True)
class Belt:
    """Speed of the ground under the feet."""

    speed: float
    """Mean backward speed of the belts, m/s; 0 overground."""
    how: str
    """``"given"``, ``"overground"``, or how it was detected."""
    sides: Mapping[Side, NDArray[np.float64]] = field(default_factory=dict)
    """Speed under each foot over time, shape (n_frames,), m/s; empty where it is one and constant."""

    def of(self, side: Side, n_frames: int) -> NDArray[np.float64]:
        """Backward speed of the ground under one foot, shape (n_frames,), m/s."""
        return self.sides[side] if side in self.sides else np.full(n_frames, self.speed)

    def way(self, side: Side, n_frames: int, rate: float) -> NDArray[np.float64]:
        """Way that the ground under one foot ran back since the first frame, shape (n_frames,), m."""
        if side not in self.sides:
            return np.arange(n_frames) / rate * self.speed
        speed = self.sides[side]
        return np.concatenate([[0.0], np.cumsum(0.5 * (speed[1:] + speed[:-1]) / rate)])


OVERGROUND = Belt(0.0, "overground")


def find_belt(
    positions: NDArray[np.float64],
    names: Sequence[str],
    rate: float,
    roles: Mapping[str, Sequence[str]],
    events: Sequence[GaitEvent],
) -> Belt:
    """Find the speed of the ground from the feet while they are flat on it.

    Args:
        positions: Markers in OpenSim's frame, shape (n_frames, n_markers, 3), m.
        names: Marker names.
        rate: Frames a second, Hz.
        roles: Marker roles.
        events: Heel strikes and toe offs, however found.

    Returns:
        The median backward speed of the toe (or heel) in mid-stance, for each foot where the two differ by more than
        0.1 m/s, and from stance to stance where it changes by more than that; overground where it is below 0.1 m/s, or
        where the body travels through the laboratory.

    Example:
        >>> walk = np.zeros((200, 1, 3))
        >>> walk[:, 0, 0] = -1.2 * np.arange(200) / 100
        >>> stance = [GaitEvent(0.2, "r", "heel_strike"), GaitEvent(0.9, "r", "toe_off")]
        >>> round(find_belt(walk, ["TOE"], 100.0, {"toe_r": ["TOE"]}, stance).speed, 3)
        1.2
    """
    found = {side: _stance_speeds(positions, names, rate, roles, events, side) for side in SIDES}
    speeds = np.concatenate([found[side][:, 1] for side in SIDES])
    if not len(speeds):
        return Belt(0.0, "overground (no stance was seen: assumed)")
    speed = float(np.median(speeds))
    if abs(speed) < MIN_BELT_SPEED:
        return Belt(0.0, f"overground (standing feet move at {speed:.3f} m/s)")
    travel = _travel_speed(positions, names, rate, roles)
    if travel > TRAVEL_SHARE * abs(speed):
        return Belt(0.0, f"overground (the body travels at {travel:.2f} m/s, standing feet roll at {speed:.2f} m/s)")
    how = f"belt speed from {len(speeds)} stances"
    own = {side: float(np.median(found[side][:, 1])) for side in SIDES if len(found[side])}
    apart = len(own) == 2 and abs(own["r"] - own["l"]) > MIN_BELT_SPEED
    knots = found if apart else dict.fromkeys(SIDES, np.array(sorted([*found["r"].tolist(), *found["l"].tolist()])))
    changing = max(_change(knots[side][:, 1]) for side in SIDES) > MIN_BELT_SPEED
    if not apart and not changing:
        return Belt(speed, how)
    clock = np.arange(len(positions)) / rate
    sides: dict[Side, NDArray[np.float64]] = {
        side: np.interp(clock, *knots[side].T) if changing else np.full(len(clock), own.get(side, speed))
        for side in SIDES
    }
    if apart:
        how += "; two belts: " + ", ".join(f"{SIDE_WORDS[side]} {own[side]:.2f} m/s" for side in SIDES)
    if changing:
        how += f"; it changes from {speeds.min():.2f} to {speeds.max():.2f} m/s"
    return Belt(float(np.mean([sides[side].mean() for side in SIDES])), how, sides)


def _stance_speeds(
    positions: NDArray[np.float64],
    names: Sequence[str],
    rate: float,
    roles: Mapping[str, Sequence[str]],
    events: Sequence[GaitEvent],
    side: Side,
) -> NDArray[np.float64]:
    """Middle (s) and backward speed (m/s) of each stance of one foot, shape (n_stances, 2)."""
    marker = (roles.get(f"toe_{side}") or roles.get(f"heel_{side}") or (None,))[0]
    if marker is None:
        return np.zeros((0, 2))
    path = positions[:, list(names).index(marker), 0]
    rows = []
    for a, b in itertools.pairwise(sorted(e for e in events if e.side == side)):
        if a.kind != "heel_strike" or b.kind != "toe_off" or b.time - a.time > LONGEST_STANCE:
            continue
        first, last = (a.time + share * (b.time - a.time) for share in _FLAT)
        part = path[max(int(np.ceil(first * rate)), 0) : int(np.floor(last * rate)) + 1]
        if len(part) > 3 and np.isfinite(part).all():
            rows.append((0.5 * (first + last), -np.polyfit(np.arange(len(part)) / rate, part, 1)[0]))
    return np.array(rows, dtype=np.float64).reshape(-1, 2)


def _change(speeds: NDArray[np.float64]) -> float:
    """How far the speed drifts over the stances, m/s: range of their running median of three."""
    if len(speeds) < 3:
        return 0.0
    middle = np.median(np.lib.stride_tricks.sliding_window_view(speeds, 3), axis=1)
    return float(np.ptp(middle))


def _travel_speed(
    positions: NDArray[np.float64], names: Sequence[str], rate: float, roles: Mapping[str, Sequence[str]]
) -> float:
    """Forward speed of the pelvis (or of all markers) through the laboratory, m/s; 0 where nothing is seen twice."""
    where = [list(names).index(name) for name in pelvis_markers(roles)] or list(range(positions.shape[1]))
    speeds = []
    for path in positions[:, where, 0].T:
        seen = np.flatnonzero(np.isfinite(path))
        if len(seen) > 1:
            speeds.append((path[seen[-1]] - path[seen[0]]) * rate / (seen[-1] - seen[0]))
    return float(np.median(speeds)) if speeds else 0.0
