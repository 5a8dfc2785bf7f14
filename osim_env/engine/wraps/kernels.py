"""Muscle paths over surfaces: which parts of a path wrap over which of its surfaces, and the length that this makes.

A surface that a path touches adds two points to it, fixed in the surface's body, between two neighbours of the path;
what lies between the two counts in the length alone. As OpenSim does it, a path's surfaces are asked one after the
other for every straight part of the path as it stands; the first part that must wrap is taken, or else the one that
grows least. Several surfaces are asked again, each without itself, until the length changes by less than half a
millimetre, eight times at most; the first two change places where the first finds nothing to do and the second an end
of the line within itself. Nothing is kept from one evaluation to the next: what OpenSim keeps of a path's last wrap is
overwritten before it is used.

One habit of OpenSim is kept because it is part of its lengths and forces: where a wrap's point stands in ground is
remembered from the first time that it is asked for in a pose, also when a later round moves the point. A path over
several surfaces has its segments' lengths and directions from there, up to millimetres off, but its forces act at the
points as they are; so each of them has a moment about all joints between ground and path, and not those between its
ends alone, and turning the whole body changes the path's length in OpenSim's account.

Each lane has its own arrangement: for every surface the point that precedes it (-1 where the path does not touch it)
and the point that follows, and its rank among the surfaces between these two.

Source: OpenSim GeometryPath (applyWrapObjects, calcPathLengthChange, calcLengthAfterPathComputation), WrapObject.
"""

from __future__ import annotations

import math

from ..lanes import (
    absolute,
    add3,
    any_lane,
    cross3,
    dot3,
    inline,
    jit,
    lanes,
    load,
    load3,
    rotate3,
    sqrt,
    store,
    store3,
    subtract3,
    where,
)
from ..paths import fill_arms, place_points, segment_weight
from .cylinder import INSIDE, MANDATORY, NO_WRAP, WRAPPED, choose3, distance, over_cylinder
from .sphere import over_sphere

CYLINDER, SPHERE = 0, 1
"""Kinds of surfaces."""
ROUNDS = 8
_SETTLED = 0.0005
"""Change of the path's length at which its surfaces are not asked again, m."""


@jit
def surface_frames(surfaces, w, at):
    """Fill rotation and origin in ground of every surface."""
    for s in range(surfaces.body.shape[0]):
        b = surfaces.body[s]
        turn = at.surface_frame + 12 * s
        for row in range(3):
            x, y, z = load3(w, at.rotation + 9 * b + 3 * row)
            for k in range(3):
                store(
                    w,
                    turn + 3 * row + k,
                    x * surfaces.rotation[s, k] + y * surfaces.rotation[s, 3 + k] + z * surfaces.rotation[s, 6 + k],
                )
        place = surfaces.position
        local = lanes(w, place[s, 0]), lanes(w, place[s, 1]), lanes(w, place[s, 2])
        store3(w, turn + 9, add3(load3(w, at.position + 3 * b), rotate3(w, at.rotation + 9 * b, local)))


@inline
def _to_surface(w, frame, point):
    """A point of the ground in the frame of a surface."""
    d = subtract3(point, load3(w, frame + 9))
    x, y, z = load3(w, frame), load3(w, frame + 3), load3(w, frame + 6)
    return (
        x[0] * d[0] + y[0] * d[1] + z[0] * d[2],
        x[1] * d[0] + y[1] * d[1] + z[1] * d[2],
        x[2] * d[0] + y[2] * d[1] + z[2] * d[2],
    )


@inline
def _to_ground(w, frame, point):
    """A point of a surface's frame in ground."""
    return add3(rotate3(w, frame, point), load3(w, frame + 9))


@inline
def _take_out(w, at, count, j, who):
    """Take surface ``j`` off the path in the lanes of ``who``."""
    before, rank = load(w, at.wrap_before + j), load(w, at.wrap_rank + j)
    for i in range(count):
        if i != j:
            other = load(w, at.wrap_rank + i)
            behind = (load(w, at.wrap_before + i) == before) & (before >= 0.0) & (other > rank) & (who == 1.0)
            store(w, at.wrap_rank + i, where(behind, other - 1.0, other))
    store(w, at.wrap_before + j, where(who == 1.0, -1.0, before))


@inline
def _put_in(w, at, count, j, found, before, after, rank, length):
    """Put surface ``j`` on the path where ``found`` is 1, between two points and before what has its rank or more."""
    for i in range(count):
        if i != j:
            other = load(w, at.wrap_rank + i)
            behind = (load(w, at.wrap_before + i) == before) & (other >= rank) & (found == 1.0)
            store(w, at.wrap_rank + i, where(behind, other + 1.0, other))
    store(w, at.wrap_before + j, where(found == 1.0, before, load(w, at.wrap_before + j)))
    store(w, at.wrap_after + j, where(found == 1.0, after, load(w, at.wrap_after + j)))
    store(w, at.wrap_rank + j, where(found == 1.0, rank, load(w, at.wrap_rank + j)))
    store(w, at.wrap_length + j, where(found == 1.0, length, load(w, at.wrap_length + j)))


@inline
def _remembered(w, at, points, p):
    """Where point ``p`` of a path, or of its wraps, stands in ground as OpenSim remembers it."""
    return load3(w, (at.points + 3 * p) if p < points else (at.wrap_seen_at + 3 * (p - points)))


@inline
def _remember(w, at, points, p, where_asked):
    """Remember where point ``p`` of the wraps stands, in the lanes that ask for it for the first time."""
    k = p - points
    first = (load(w, at.wrap_seen + k) == 0.0) & where_asked
    row = at.wrap_seen_at + 3 * k
    store3(w, row, choose3(first, load3(w, at.points + 3 * p), load3(w, row)))
    store(w, at.wrap_seen + k, where(first, 1.0, load(w, at.wrap_seen + k)))


@inline
def _part(w, at, count, points, j, origin, target, slot):
    """One straight part of a path between two of its points: both ends, and whether there is one (1 or 0).

    Part 0 begins at the first point, part k where the path leaves the surface of rank k - 1; each ends on the surface
    of its rank, or else at the second point.
    """
    begin, end = load3(w, at.points + 3 * origin), load3(w, at.points + 3 * target)
    there = lanes(w, 1.0 if slot == 0 else 0.0)
    for i in range(count):
        if i != j:
            rank = load(w, at.wrap_rank + i)
            among = load(w, at.wrap_before + i) == origin
            enter = at.points + 3 * (points + 2 * i)
            end = choose3(among & (rank == slot), load3(w, enter), end)
            last = among & (rank == slot - 1)
            begin = choose3(last, load3(w, enter + 3), begin)
            there = where(last, 1.0, there)
    return begin, end, there


@inline
def _growth(w, at, count, points, j, origin, target, slot, asks, t1, t2, span):
    """By how much a part grows that wraps: its ends are where they are remembered, which this asks for."""
    begin, end = load3(w, at.points + 3 * origin), load3(w, at.points + 3 * target)
    for i in range(count):
        if i != j:
            rank = load(w, at.wrap_rank + i)
            among = load(w, at.wrap_before + i) == origin
            enter, leave = points + 2 * i, points + 2 * i + 1
            ends, begins = among & (rank == slot), among & (rank == slot - 1)
            _remember(w, at, points, enter, ends & asks)
            _remember(w, at, points, leave, begins & asks)
            end = choose3(ends, _remembered(w, at, points, enter), end)
            begin = choose3(begins, _remembered(w, at, points, leave), begin)
    return distance(begin, t1) + span + distance(end, t2) - distance(begin, end)


@inline
def _over(surfaces, s, alone, begin, end):
    """Lead a line over surface ``s``, in its frame: the answer, both tangent points, and the length between them."""
    radius, axis, sign = surfaces.size[s, 0], surfaces.axis[s], surfaces.sign[s]
    if surfaces.kind[s] == SPHERE:
        return over_sphere(radius, axis, sign, begin, end)
    return over_cylinder(radius, surfaces.size[s, 1], axis, sign, alone, begin, end)


@jit
def _ask(paths, surfaces, wraps, w, at, m, first, count, j, who):
    """Take surface ``j`` of a muscle off its path and put it where it belongs, in the lanes of ``who``.

    Returns:
        What the surface says of the last part that it is asked for; ``NO_WRAP`` where there is none.
    """
    _take_out(w, at, count, j, who)
    row = first + j
    surface, alone = wraps.surface[row], wraps.crowd[row] == 1
    frame = at.surface_frame + 12 * surface
    points = paths.point_start[m + 1] - paths.point_start[m]
    zero = lanes(w, 0.0)
    said, taken, done = zero, zero, zero
    before, after, rank, length = zero, zero, zero, zero
    growth = lanes(w, math.inf)
    r1, r2 = (zero, zero, zero), (zero, zero, zero)
    for s in range(paths.segment_start[m], paths.segment_start[m + 1]):
        origin, target = paths.segment_from[s], paths.segment_to[s]
        if origin < wraps.first_point[row] or origin >= points or target > wraps.last_point[row]:
            continue
        on = where((segment_weight(paths, w, at, s) == 1.0) & (who == 1.0), lanes(w, 1.0), zero)
        for slot in range(count):
            begin, end, there = _part(w, at, count, points, j, origin, target, slot)
            asked = (there == 1.0) & (on == 1.0) & (done == 0.0)
            if not any_lane(asked):
                break
            begin, end = _to_surface(w, frame, begin), _to_surface(w, frame, end)
            answer, t1, t2, span = _over(surfaces, surface, alone, begin, end)
            said = where(asked, answer, said)
            may, must = asked & (answer == WRAPPED), asked & (answer == MANDATORY)
            if not any_lane(may | must):
                continue
            t1, t2 = _to_ground(w, frame, t1), _to_ground(w, frame, t2)
            longer = growth
            if any_lane(may):
                longer = _growth(w, at, count, points, j, origin, target, slot, may, t1, t2, span)
            takes = must | (may & (longer < growth))
            growth = where(takes, longer, growth)
            taken = where(takes, 1.0, taken)
            done = where(must, 1.0, done)
            before, after = where(takes, float(origin), before), where(takes, float(target), after)
            rank, length = where(takes, float(slot), rank), where(takes, span, length)
            r1, r2 = choose3(takes, t1, r1), choose3(takes, t2, r2)
    if any_lane(taken == 1.0):
        _put_in(w, at, count, j, taken, before, after, rank, length)
        enter = at.points + 3 * (points + 2 * j)
        store3(w, enter, choose3(taken == 1.0, r1, load3(w, enter)))
        store3(w, enter + 3, choose3(taken == 1.0, r2, load3(w, enter + 3)))
    return said


@inline
def _weight(paths, w, at, count, points, s):
    """1 where segment ``s`` is on the path as it is arranged, else 0."""
    origin, target = paths.segment_from[s], paths.segment_to[s]
    zero = lanes(w, 0.0)
    if origin < points and target < points:
        weight = segment_weight(paths, w, at, s)
        for i in range(count):
            over = (load(w, at.wrap_before + i) == origin) & (load(w, at.wrap_after + i) == target)
            weight = where(over, zero, weight)
    elif origin < points:
        i = (target - points) // 2
        first = (load(w, at.wrap_before + i) == origin) & (load(w, at.wrap_rank + i) == 0.0)
        weight = where(first, lanes(w, 1.0), zero)
    else:
        i = (origin - points) // 2
        before, rank = load(w, at.wrap_before + i), load(w, at.wrap_rank + i)
        if target < points:
            weight = where((before >= 0.0) & (load(w, at.wrap_after + i) == target), lanes(w, 1.0), zero)
            for k in range(count):
                behind = (load(w, at.wrap_before + k) == before) & (load(w, at.wrap_rank + k) > rank)
                weight = where(behind, zero, weight)
        else:
            k = (target - points) // 2
            follows = (load(w, at.wrap_before + k) == before) & (load(w, at.wrap_rank + k) == rank + 1.0)
            weight = where((before >= 0.0) & follows, lanes(w, 1.0), zero)
    return weight


@jit
def _measure(paths, w, at, m, count):
    """Fill the weighted unit vectors of the segments of a muscle as it is arranged; return the path's length."""
    points = paths.point_start[m + 1] - paths.point_start[m]
    first = paths.segment_start[m]
    length = lanes(w, paths.fixed_length[m])
    for i in range(count):
        on = load(w, at.wrap_before + i) >= 0.0
        _remember(w, at, points, points + 2 * i, on)
        _remember(w, at, points, points + 2 * i + 1, on)
        length = length + where(on, load(w, at.wrap_length + i), 0.0)
    for s in range(first, paths.segment_start[m + 1]):
        on = _weight(paths, w, at, count, points, s) == 1.0
        if paths.segment_kind[s] == 1:
            length = length + where(on, lanes(w, paths.segment_length[s]), 0.0)
        else:
            begin = _remembered(w, at, points, paths.segment_from[s])
            d = subtract3(_remembered(w, at, points, paths.segment_to[s]), begin)
            span = sqrt(dot3(d, d))
            length = length + where(on, span, 0.0)
            scale = where(on, 1.0 / span, 0.0)
            store3(w, at.directions + 3 * (s - first), (d[0] * scale, d[1] * scale, d[2] * scale))
    return length


@inline
def _turn_speed(w, at, b, begin, end, direction):
    """Speed at which two points of one body part along a direction that is not quite theirs."""
    turn = cross3(load3(w, at.angular_velocity + 3 * b), subtract3(end, begin))
    return dot3(turn, direction)


@jit
def _carried_speed(paths, surfaces, wraps, w, at, m, first, count):
    """Speed within bodies that comes of remembered points: OpenSim counts it, though nothing grows."""
    points = paths.point_start[m + 1] - paths.point_start[m]
    start = paths.segment_start[m]
    speed = lanes(w, 0.0)
    for s in range(start, paths.segment_start[m + 1]):
        origin, target = paths.segment_from[s], paths.segment_to[s]
        if paths.segment_kind[s] == 2 and max(origin, target) >= points:
            wrap = (max(origin, target) - points) // 2 if origin < points or target < points else (origin - points) // 2
            speed = speed + _turn_speed(
                w,
                at,
                surfaces.body[wraps.surface[first + wrap]],
                load3(w, at.points + 3 * origin),
                load3(w, at.points + 3 * target),
                load3(w, at.directions + 3 * (s - start)),
            )
    for i in range(count):
        enter = at.points + 3 * (points + 2 * i)
        d = subtract3(load3(w, at.wrap_seen_at + 6 * i + 3), load3(w, at.wrap_seen_at + 6 * i))
        scale = where(load(w, at.wrap_before + i) >= 0.0, 1.0 / sqrt(dot3(d, d)), 0.0)
        direction = d[0] * scale, d[1] * scale, d[2] * scale
        speed = speed + _turn_speed(
            w, at, surfaces.body[wraps.surface[first + i]], load3(w, enter), load3(w, enter + 3), direction
        )
    return speed


@jit
def wrapped_path(tree, paths, surfaces, wraps, w, at, m, first, last):
    """Fill length, lengthening speed and moment arms of muscle ``m`` with its wraps ``first`` to ``last`` - 1."""
    place_points(paths, w, at, m)
    count = last - first
    points = paths.point_start[m + 1] - paths.point_start[m]
    for j in range(count):
        store(w, at.wrap_before + j, -1.0)
        store(w, at.wrap_after + j, -1.0)
        store(w, at.wrap_rank + j, -1.0)
        store(w, at.wrap_length + j, 0.0)
        for k in range(6):
            store(w, at.points + 3 * (points + 2 * j) + k, 0.0)
            store(w, at.wrap_seen_at + 6 * j + k, 0.0)
        store(w, at.wrap_seen + 2 * j, 0.0)
        store(w, at.wrap_seen + 2 * j + 1, 0.0)
    going, swapped, length = lanes(w, 1.0), lanes(w, 0.0), lanes(w, math.inf)
    several = wraps.crowd[first] > 1
    exchange = count > 1 and wraps.place[first] == 0 and wraps.place[first + 1] == 1
    for turn in range(ROUNDS if several else 1):
        answer, answer0, answer1 = lanes(w, NO_WRAP), lanes(w, NO_WRAP), lanes(w, NO_WRAP)
        if turn > 0 and any_lane(swapped * going == 1.0):
            _ask(paths, surfaces, wraps, w, at, m, first, count, 1, swapped * going)
        for j in range(count):
            who = going * (1.0 - swapped) if j == 1 else going
            answer = _ask(paths, surfaces, wraps, w, at, m, first, count, j, who)
            if j == 0:
                answer0 = answer
            elif j == 1:
                answer1 = answer
        before, length = length, _measure(paths, w, at, m, count)
        if several:
            going = where(absolute(length - before) < _SETTLED, lanes(w, 0.0), going)
            if turn == 0 and exchange:
                swapped = where((answer0 == NO_WRAP) & (answer1 == INSIDE), lanes(w, 1.0), swapped)
                _take_out(w, at, count, 0, swapped)
            if not any_lane(going == 1.0):
                break
    store(w, at.path_length + m, length)
    fill_arms(tree, paths, w, at, m, count > 1)
    if count > 1:
        carried = _carried_speed(paths, surfaces, wraps, w, at, m, first, count)
        store(w, at.path_speed + m, load(w, at.path_speed + m) + carried)
