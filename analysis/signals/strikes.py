"""Which foot stood on which force plate: decided by geometry, every decision a row with its reason.

A contact belongs to the foot that lies nearest to the centre of pressure. Contacts of one foot with no swing between
them are one stance, on however many plates: they are judged together, and what the foot lost on one of them it lost in
all. A stance is rejected where the other foot stood on one of its plates meanwhile, where a marker of the foot lay
outside all of them while that part of the foot was on the ground, where the centre of pressure ran along the edge, or
where no foot is near.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from exogait.data.names import SIDES, Side, other_side

from ..gait.belt import OVERGROUND, Belt
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
ALONE_SHARE = 0.3
"""Share of a contact for which a marker of the foot must stand on the plate at a time."""
STILL_SPEED = 0.35
"""A foot marker slower than this stands, m/s."""
MIN_SWING = 0.1
"""No swing of a foot is shorter, s: contacts of one foot that are closer belong to one stance."""
NO_FOOT_MARKERS = "no heel and toe markers are known"
"""Reason of a contact that no marker can give to a foot."""
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
    timed: Side | None = None
    """Whose stance it times though its pressure is elsewhere: the foot that stood alone on the plate."""


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
    belt: Belt = OVERGROUND,
) -> list[PlateStrike]:
    """Decide which foot each contact belongs to and whether it can be used.

    Args:
        plates: The plates, in OpenSim's frame.
        positions: Marker positions in OpenSim's frame, shape (n_frames, n_markers, 3), m.
        names: Marker names.
        rate: Frames a second, Hz.
        roles: Marker roles.
        belt: Speed of the ground: a foot that stands moves with it.

    Returns:
        One row a contact, in order of time.
    """
    feet = {side: _Foot.of(side, positions, names, rate, roles, belt) for side in SIDES}
    rows = []
    for plate in plates:
        for contact in plate.contacts:
            rows.append(_nearest_foot(plate, contact, feet, rate))
    rows.sort(key=lambda row: row.start)
    judged = []
    for group in same_stance(rows):
        judged += _together([_without_holes(_judge(row, group, plates, feet, rate), plates) for row in group])
    return sorted(judged, key=lambda row: row.start)


def same_stance(rows: Sequence[PlateStrike]) -> list[list[PlateStrike]]:
    """Contacts that belong to one stance: the same foot, and no swing between them.

    Args:
        rows: Contacts with their sides.

    Returns:
        Groups in order of time; a contact with no foot near it stands alone.
    """
    groups: list[list[PlateStrike]] = []
    for row in sorted(rows, key=lambda row: row.start):
        near = row.side and not row.cop_distance > MAX_COP_DISTANCE
        own = next((g for g in reversed(groups) if near and g[0].side == row.side), None)
        if own is not None and row.start - max(r.stop for r in own) < MIN_SWING:
            own.append(row)
        else:
            groups.append([row])
    return groups


def stance_windows(
    group: Sequence[PlateStrike], plates: Sequence[PlateData], strikes: Sequence[PlateStrike], reach: float = 0.0
) -> list[tuple[PlateData, float, float]]:
    """When each plate counts for one stance.

    On one plate that is while the plate counts as loaded. Of several, each counts through the whole stance, as long as
    nobody else is on it: the newtons below its own threshold are the foot's too.

    Args:
        group: The contacts of the stance.
        plates: The plates.
        strikes: All contacts.
        reach: Time before and after the stance that several plates count too, s.

    Returns:
        Plate, first and last instant (s), one or more a plate.
    """
    under = {contact.plate for contact in group}
    own = [plate for plate in plates if plate.index in under]
    if len(own) == 1:
        return [(own[0], contact.start, contact.stop) for contact in group]
    windows = []
    for plate in own:
        here = [contact for contact in group if contact.plate == plate.index]
        others = [s for s in strikes if s.plate == plate.index and s not in here]
        first = [s.stop for s in others if s.stop <= here[0].start]
        last = [s.start for s in others if s.start >= here[-1].stop]
        begin, end = min(s.start for s in group) - reach, max(s.stop for s in group) + reach
        windows.append((plate, max([begin, *first]), min([end, *last])))
    return windows


def _together(group: list[PlateStrike]) -> list[PlateStrike]:
    """The contacts of one stance stand or fall together: without one of them the rest is not the whole force."""
    bad = next((row for row in group if not row.accepted), None)
    if bad is None:
        return group
    why = f"the same stance on plate {bad.plate + 1} cannot be used ({bad.reason})"
    return [replace(row, accepted=False, reason=why) if row.accepted else row for row in group]


def _without_holes(row: PlateStrike, plates: Sequence[PlateData]) -> PlateStrike:
    """Reject a contact in which force samples are missing: no force is not zero force."""
    plate = next(p for p in plates if p.index == row.plate)
    first, last = (int(np.clip(round(t * plate.rate), 0, len(plate.force))) for t in (row.start, row.stop))
    missing = int((~np.isfinite(plate.force[first:last]).all(axis=1)).sum())
    if row.accepted and missing:
        return replace(row, accepted=False, reason=f"{missing} force samples are missing (not a number)")
    return row


def foot_load(
    side: str, plates: Sequence[PlateData], strikes: Sequence[PlateStrike], *, whole: Sequence[int] = ()
) -> FootLoad:
    """Add up the accepted contacts of one foot.

    Where a foot stands on two plates at once, the two wrenches are added and their common centre of pressure is found.

    Args:
        side: ``"r"`` or ``"l"``.
        plates: The plates.
        strikes: The decisions.
        whole: Plates of which every sample is this foot's, within contacts and between, however small.

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

    def add(plate: PlateData, on: NDArray[np.bool_]) -> None:
        on = on & np.isfinite(plate.force).all(axis=1)
        force[on] += plate.force[on]
        moment[on] += plate.moment[on] + np.cross(plate.centre, plate.force[on])
        height[on] = plate.centre[1]
        loaded[on] = True

    for group in same_stance([s for s in strikes if s.side == side and s.accepted]):
        for plate, first, last in stance_windows(group, plates, strikes):
            if plate.index not in whole:
                add(plate, loaded_samples([Contact(plate.index, first, last, True)], n, plate.rate))
    light = np.zeros(n, dtype=bool)
    for plate in plates:
        if plate.index in whole:
            add(plate, np.ones(n, dtype=bool))
            light |= np.isfinite(plate.force).all(axis=1)
    point, torque = np.zeros((n, 3)), np.zeros((n, 3))
    firm = loaded & (force[:, 1] > 1.0)
    f, m, h = force[firm], moment[firm], height[firm]
    # Moment about the ground origin of a force at (x, h, z) with a vertical free moment: solve for x and z.
    x = (m[:, 2] + h * f[:, 0]) / f[:, 1]
    z = (h * f[:, 2] - m[:, 0]) / f[:, 1]
    point[firm] = np.column_stack([x, h, z])
    torque[firm, 1] = m[:, 1] - (z * f[:, 0] - x * f[:, 2])
    point = _hold(point, firm)
    # A force too small to have a point of application keeps the last one, with the moment that this leaves.
    light &= ~firm
    torque[light] = moment[light] - np.cross(point[light], force[light])
    force[~(firm | light)] = 0.0
    return FootLoad(side, force, point, torque, firm)


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
        side: Side,
        positions: NDArray[np.float64],
        names: Sequence[str],
        rate: float,
        roles: Mapping[str, Sequence[str]],
        belt: Belt,
    ) -> _Foot | None:
        back = (roles.get(f"heel_{side}") or roles.get(f"ankle_{side}") or (None,))[0]
        front = (roles.get(f"toe_{side}") or roles.get(f"met5_{side}") or (None,))[0]
        if back is None or front is None or back == front:
            return None
        own = foot_markers(roles, side)
        where = [list(names).index(name) for name in own]
        paths = positions[:, where]
        down = on_ground(paths, rate, belt.of(side, len(paths)))
        return _Foot(tuple(own), paths, own.index(back), own.index(front), down)


def on_ground(paths: NDArray[np.float64], rate: float, belt: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Where markers of a foot stand: low, and moving with the ground.

    Args:
        paths: Shape (n_frames, n_markers, 3), m, OpenSim's frame.
        rate: Frames a second, Hz.
        belt: Backward speed of the ground under the foot, shape (n_frames,), m/s.

    Returns:
        Flags, shape (n_frames, n_markers); False where a marker is not seen.
    """
    if len(paths) > 2:
        velocity = np.gradient(paths, 1 / rate, axis=0)
        velocity[..., 0] += belt[:, None]
        speed = np.linalg.norm(velocity, axis=2)
    else:
        speed = 0.0 * paths[..., 0]
    height = paths[..., 1]
    floor = np.array([np.nanpercentile(h, 2) if np.isfinite(h).any() else np.nan for h in height.T])
    with np.errstate(invalid="ignore"):
        return (speed < STILL_SPEED) & (height < floor + GROUND_BAND)


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
    stance: Sequence[PlateStrike],
    plates: Sequence[PlateData],
    feet: Mapping[str, _Foot | None],
    rate: float,
) -> PlateStrike:
    plate = next(p for p in plates if p.index == row.plate)
    peak = max(_peak(contact, plates) for contact in stance)
    if peak < MIN_PEAK:
        return replace(row, reason=f"brushed only: {peak:.0f} N for {row.stop - row.start:.2f} s")
    foot = feet.get(row.side)
    if foot is None:
        known = [side for side in feet if feet[side] is not None]
        why = "no foot stands near" if known else NO_FOOT_MARKERS
        return replace(row, side="", reason=f"{why}: not assigned")
    if row.cop_distance > MAX_COP_DISTANCE:
        far = f"the centre of pressure is {1e3 * row.cop_distance:.0f} mm from the nearest foot"
        return replace(row, side="", reason=far, timed=_alone_on(plate, row, feet, rate))
    other = feet["l" if row.side == "r" else "r"]
    if other is not None:
        both = _time_on_plate(other, plate, row, rate)
        if both > DOUBLE_TIME:
            return replace(row, reason=f"double contact: the other foot is on the plate too, for {both:.2f} s")
    under = {contact.plate for contact in stance}
    neighbours = [p for p in plates if p.index in under and p.index != row.plate]
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
    reason = "whole foot on the plate"
    if neighbours:
        reason = f"one stance on plates {', '.join(str(i + 1) for i in sorted(under))}: their forces are added"
    if outside > 0:
        reason += f" ({name} {1e3 * outside:.0f} mm outside, within the tolerance)"
    if not row.complete:
        reason += "; the recording cuts the contact"
    return replace(row, accepted=True, reason=reason)


def _peak(row: PlateStrike, plates: Sequence[PlateData]) -> float:
    """Largest vertical force of a contact, N."""
    plate = next(p for p in plates if p.index == row.plate)
    inside = loaded_samples([Contact(0, row.start, row.stop, True)], len(plate.force), plate.rate)
    return float(np.nanmax(plate.force[inside, 1], initial=0.0))


def _alone_on(plate: PlateData, row: PlateStrike, feet: Mapping[str, _Foot | None], rate: float) -> Side | None:
    """The foot that stood on a plate through a contact, whole and alone, by its markers."""
    on = {side: 0.0 if foot is None else _time_on_plate(foot, plate, row, rate) for side, foot in feet.items()}
    for side in SIDES:
        foot, other = feet.get(side), on.get(other_side(side), 0.0)
        if foot is not None and on[side] > ALONE_SHARE * (row.stop - row.start) and other <= DOUBLE_TIME:
            return side if _overhang(foot, [plate], row, rate)[1] <= MARKER_TOLERANCE else None
    return None


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
