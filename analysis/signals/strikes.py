"""Which foot stood on which force plate: decided by geometry, every decision a row with its reason.

A contact belongs to the foot that lies nearest to the centre of pressure. It is rejected where the other foot stood on
the same plate meanwhile, where a marker of the foot lay outside the plate (or its neighbour under the same foot) while
that part of the foot was on the ground, where the centre of pressure ran along the edge, or where no foot is near.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..markers.roles import foot_markers
from .filters import runs
from .plates import Contact, PlateData, loaded_samples

MARKER_TOLERANCE = 0.03
"""A marker may lie this far outside the outline, m: it sits on the skin or shoe, not under the sole."""
EDGE_MARGIN = 0.005
"""A centre of pressure nearer to the edge than this tells of a foot that hangs over it, m."""
EDGE_SHARE = 0.10
"""Share of the contact that the centre of pressure may spend there."""
MAX_COP_DISTANCE = 0.15
"""Largest distance between the foot's axis and the centre of pressure, m."""
MIN_PEAK = 100.0
"""A contact that stays below this vertical force is a foot that brushed the plate, N."""
DOUBLE_TIME = 0.06
"""Time both feet may be on one plate, s."""
STILL_SPEED = 0.35
"""A foot marker slower than this stands, m/s."""
GROUND_BAND = 0.04
"""Height above its lowest level within which a foot marker is on the ground, m."""


@dataclass(frozen=True)
class PlateStrike:
    """One contact on one plate, and what was decided about it."""

    plate: int
    """Number of the plate, from 0."""
    start: float
    """Begin of the contact, s."""
    stop: float
    """End of the contact, s."""
    side: str
    """``"r"``, ``"l"`` or ``""`` where no foot is near."""
    accepted: bool
    """True where the force is that of this foot alone and of the whole foot."""
    reason: str
    """Why, in words."""
    complete: bool
    """False where the recording starts or ends on the plate."""
    cop_distance: float
    """Median distance of the centre of pressure from the line heel to toe, m; NaN without markers."""
    outside: float
    """Largest distance of a marker outside the outline while its part of the foot was down, m; NaN without markers."""


@dataclass(frozen=True)
class FootLoad:
    """Ground reaction of one foot from its accepted contacts, in OpenSim's frame."""

    side: str
    """``"r"`` or ``"l"``."""
    force: NDArray[np.float64]
    """Force on the foot, shape (n_samples, 3), N; zero where no accepted contact is."""
    point: NDArray[np.float64]
    """Centre of pressure, shape (n_samples, 3), m; between contacts the nearest value in time is held."""
    torque: NDArray[np.float64]
    """Free moment on the foot as a vector, shape (n_samples, 3), N m."""
    loaded: NDArray[np.bool_]
    """True within accepted contacts, shape (n_samples,)."""


def assign_plates(
    plates: Sequence[PlateData],
    positions: NDArray[np.float64],
    names: Sequence[str],
    rate: float,
    roles: Mapping[str, Sequence[str]],
) -> list[PlateStrike]:
    """Decide which foot each contact belongs to and whether it can be used.

    Args:
        plates: The plates, in OpenSim's frame.
        positions: Marker positions in OpenSim's frame, shape (n_frames, n_markers, 3), m.
        names: Marker names.
        rate: Frames a second, Hz.
        roles: Marker roles.

    Returns:
        One row a contact, in order of time.
    """
    feet = {side: _Foot.of(side, positions, names, rate, roles) for side in "rl"}
    rows = []
    for plate in plates:
        for contact in plate.contacts:
            rows.append(_nearest_foot(plate, contact, feet, rate))
    rows.sort(key=lambda row: row.start)
    return [_without_holes(_judge(row, rows, plates, feet, rate), plates) for row in rows]


def _without_holes(row: PlateStrike, plates: Sequence[PlateData]) -> PlateStrike:
    """Reject a contact in which force samples are missing: no force is not zero force."""
    plate = next(p for p in plates if p.index == row.plate)
    first, last = (int(np.clip(round(t * plate.rate), 0, len(plate.force))) for t in (row.start, row.stop))
    missing = int((~np.isfinite(plate.force[first:last]).all(axis=1)).sum())
    if row.accepted and missing:
        return replace(row, accepted=False, reason=f"{missing} force samples are missing (not a number)")
    return row


def foot_load(side: str, plates: Sequence[PlateData], strikes: Sequence[PlateStrike]) -> FootLoad:
    """Add up the accepted contacts of one foot.

    Where a foot stands on two plates at once, the two wrenches are added and their common centre of pressure is found.

    Args:
        side: ``"r"`` or ``"l"``.
        plates: The plates.
        strikes: The decisions.

    Returns:
        The foot's ground reaction at the plates' rate.

    Example:
        >>> foot_load("r", [], []).force.shape
        (0, 3)
    """
    n = len(plates[0].force) if plates else 0
    force, moment = np.zeros((n, 3)), np.zeros((n, 3))
    loaded = np.zeros(n, dtype=bool)
    height = np.zeros(n)
    for plate in plates:
        own = [
            Contact(s.plate, s.start, s.stop, s.complete)
            for s in strikes
            if s.plate == plate.index and s.side == side and s.accepted
        ]
        on = loaded_samples(own, n, plate.rate) & np.isfinite(plate.force).all(axis=1)
        force[on] += plate.force[on]
        moment[on] += plate.moment[on] + np.cross(plate.centre, plate.force[on])
        height[on] = plate.centre[1]
        loaded |= on
    point, torque = np.zeros((n, 3)), np.zeros((n, 3))
    firm = loaded & (force[:, 1] > 1.0)
    f, m, h = force[firm], moment[firm], height[firm]
    # Moment about the ground origin of a force at (x, h, z) with a vertical free moment: solve for x and z.
    x = (m[:, 2] + h * f[:, 0]) / f[:, 1]
    z = (h * f[:, 2] - m[:, 0]) / f[:, 1]
    point[firm] = np.column_stack([x, h, z])
    torque[firm, 1] = m[:, 1] - (z * f[:, 0] - x * f[:, 2])
    force[~firm] = 0.0
    return FootLoad(side, force, _hold(point, firm), torque, firm)


def _hold(point: NDArray[np.float64], valid: NDArray[np.bool_]) -> NDArray[np.float64]:
    where = np.flatnonzero(valid)
    if len(where) == 0:
        return point
    at = np.arange(len(point))
    right = np.clip(np.searchsorted(where, at), 0, len(where) - 1)
    left = np.clip(right - 1, 0, len(where) - 1)
    return point[np.where(at - where[left] <= where[right] - at, where[left], where[right])]


def inside_distance(points: NDArray[np.float64], corners: NDArray[np.float64]) -> NDArray[np.float64]:
    """Distance of points from the edge of a plate, seen from above: positive inside, negative outside.

    Args:
        points: Shape (n, 3), m, OpenSim's frame.
        corners: The plate's corners in order around it, shape (4, 3), m.

    Returns:
        Distances, shape (n,), m.

    Example:
        >>> import numpy as np
        >>> square = np.array([[1, 0, 1], [0, 0, 1], [0, 0, 0], [1, 0, 0]], dtype=float)
        >>> inside_distance(np.array([[0.5, 0.2, 0.1], [1.25, 0.0, 0.5]]), square).tolist()
        [0.1, -0.25]
    """
    p, c = points[:, [0, 2]], corners[:, [0, 2]]
    edge = np.roll(c, -1, axis=0) - c
    relative = p[:, None, :] - c[None, :, :]
    cross = edge[None, :, 0] * relative[..., 1] - edge[None, :, 1] * relative[..., 0]
    after = np.roll(c, -1, axis=0)
    turn = np.sign(np.sum(c[:, 0] * after[:, 1] - after[:, 0] * c[:, 1]))
    within = (cross * turn >= 0).all(axis=1)
    length = np.maximum((edge**2).sum(axis=1), 1e-12)
    along = np.clip((relative * edge).sum(axis=2) / length, 0.0, 1.0)
    gap = np.linalg.norm(relative - along[..., None] * edge, axis=2).min(axis=1)
    return np.where(within, gap, -gap)


@dataclass(frozen=True)
class _Foot:
    """Marker paths of one foot."""

    names: tuple[str, ...]
    paths: NDArray[np.float64]
    """Shape (n_frames, n_markers, 3), m."""
    heel: int
    toe: int
    down: NDArray[np.bool_]
    """True where a marker stands on the ground, shape (n_frames, n_markers)."""

    @staticmethod
    def of(
        side: str,
        positions: NDArray[np.float64],
        names: Sequence[str],
        rate: float,
        roles: Mapping[str, Sequence[str]],
    ) -> _Foot | None:
        back = (roles.get(f"heel_{side}") or roles.get(f"ankle_{side}") or (None,))[0]
        front = (roles.get(f"toe_{side}") or roles.get(f"met5_{side}") or (None,))[0]
        if back is None or front is None or back == front:
            return None
        own = foot_markers(roles, side)
        where = [list(names).index(name) for name in own]
        paths = positions[:, where]
        if len(paths) > 2:
            speed = np.linalg.norm(np.gradient(paths, 1 / rate, axis=0), axis=2)
        else:
            speed = np.zeros(paths.shape[:2])
        height = paths[..., 1]
        floor = np.array([np.nanpercentile(h, 2) if np.isfinite(h).any() else np.nan for h in height.T])
        with np.errstate(invalid="ignore"):
            down = (speed < STILL_SPEED) & (height < floor + GROUND_BAND)
        return _Foot(tuple(own), paths, own.index(back), own.index(front), down)


def _frames(contact: Contact | PlateStrike, rate: float, n_frames: int) -> slice:
    first = min(max(int(np.ceil(contact.start * rate)), 0), n_frames)
    return slice(first, max(min(int(np.floor(contact.stop * rate)) + 1, n_frames), first))


def _cop_at_frames(plate: PlateData, frames: slice, rate: float) -> NDArray[np.float64]:
    at = np.minimum(np.round(np.arange(frames.start, frames.stop) / rate * plate.rate).astype(int), len(plate.cop) - 1)
    return plate.cop[at]


def _nearest_foot(plate: PlateData, contact: Contact, feet: Mapping[str, _Foot | None], rate: float) -> PlateStrike:
    distances: dict[str, float] = {}
    for side, foot in feet.items():
        if foot is None:
            continue
        frames = _frames(contact, rate, len(foot.paths))
        cop = _cop_at_frames(plate, frames, rate)
        heel, toe = foot.paths[frames, foot.heel], foot.paths[frames, foot.toe]
        gap = _distance_to_segment(cop[:, [0, 2]], heel[:, [0, 2]], toe[:, [0, 2]])
        # The foot must also be down: a swinging foot may pass over the other's centre of pressure.
        gap = gap[foot.down[frames].any(axis=1) & np.isfinite(gap)]
        if len(gap):
            distances[side] = float(np.median(gap))
    side = min(distances, key=lambda s: distances[s]) if distances else ""
    return PlateStrike(
        plate=plate.index,
        start=contact.start,
        stop=contact.stop,
        side=side,
        accepted=False,
        reason="",
        complete=contact.complete,
        cop_distance=distances.get(side, np.nan),
        outside=np.nan,
    )


def _distance_to_segment(p: NDArray[np.float64], a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    edge = b - a
    length = np.maximum((edge**2).sum(axis=1), 1e-12)
    along = np.clip(((p - a) * edge).sum(axis=1) / length, 0.0, 1.0)
    return np.linalg.norm(p - a - along[:, None] * edge, axis=1)


def _judge(
    row: PlateStrike,
    rows: Sequence[PlateStrike],
    plates: Sequence[PlateData],
    feet: Mapping[str, _Foot | None],
    rate: float,
) -> PlateStrike:
    plate = next(p for p in plates if p.index == row.plate)
    vertical = plate.force[loaded_samples([Contact(0, row.start, row.stop, True)], len(plate.force), plate.rate), 1]
    peak = float(np.nanmax(vertical, initial=0.0))
    if peak < MIN_PEAK:
        return replace(row, reason=f"brushed only: {peak:.0f} N for {row.stop - row.start:.2f} s")
    foot = feet.get(row.side)
    if foot is None:
        known = [side for side in feet if feet[side] is not None]
        why = "no foot stands near" if known else "no heel and toe markers are known"
        return replace(row, side="", reason=f"{why}: not assigned")
    if row.cop_distance > MAX_COP_DISTANCE:
        far = f"the centre of pressure is {1e3 * row.cop_distance:.0f} mm from the nearest foot"
        return replace(row, side="", reason=far)
    other = feet["l" if row.side == "r" else "r"]
    if other is not None:
        both = _time_on_plate(other, plate, row, rate)
        if both > DOUBLE_TIME:
            return replace(row, reason=f"double contact: the other foot is on the plate too, for {both:.2f} s")
    neighbours = [
        next(p for p in plates if p.index == r.plate)
        for r in rows
        if r.side == row.side and r.plate != row.plate and r.start < row.stop and r.stop > row.start
    ]
    name, outside = _overhang(foot, [plate, *neighbours], row, rate)
    row = replace(row, outside=outside)
    if outside > MARKER_TOLERANCE:
        return replace(row, reason=f"partial contact: {name} is {1e3 * outside:.0f} mm outside the plate")
    if not neighbours:
        cop = plate.cop[loaded_samples([Contact(0, row.start, row.stop, True)], len(plate.cop), plate.rate)]
        cop = cop[np.isfinite(cop).all(axis=1)]
        near = inside_distance(cop, plate.corners) < EDGE_MARGIN
        if near.mean() > EDGE_SHARE:
            share = 100 * near.mean()
            return replace(
                row, reason=f"partial contact: the centre of pressure is at the edge for {share:.0f} % of the time"
            )
    reason = "whole foot on the plate" if not neighbours else "foot spans two plates: both are added"
    if outside > 0:
        reason += f" ({name} {1e3 * outside:.0f} mm outside, within the tolerance)"
    if not row.complete:
        reason += "; the recording cuts the contact"
    return replace(row, accepted=True, reason=reason)


def _time_on_plate(foot: _Foot, plate: PlateData, row: PlateStrike, rate: float) -> float:
    """Longest time for which a marker of the foot stands on the plate during a contact."""
    frames = _frames(row, rate, len(foot.paths))
    longest = 0
    for j in (foot.heel, foot.toe):
        inside = inside_distance(np.nan_to_num(foot.paths[frames, j], nan=1e6), plate.corners) > 0
        longest = max([longest, *(b - a for a, b in runs(inside & foot.down[frames, j]))])
    return longest / rate


def _overhang(foot: _Foot, plates: Sequence[PlateData], row: PlateStrike, rate: float) -> tuple[str, float]:
    """Marker that lies farthest outside all plates under the foot, while that marker is down."""
    frames = _frames(row, rate, len(foot.paths))
    worst, name = -np.inf, ""
    for j in {foot.heel, foot.toe}:
        path = foot.paths[frames, j]
        use = foot.down[frames, j] & np.isfinite(path).all(axis=1)
        if not use.any():
            continue
        depth = np.max([inside_distance(path[use], plate.corners) for plate in plates], axis=0)
        outside = float(-np.median(depth))
        if outside > worst:
            worst, name = outside, foot.names[j]
    return name, worst if np.isfinite(worst) else np.nan
