"""Muscle paths: length, lengthening speed and moment arms.

Straight segments over fixed, moving and conditional points; what wraps over surfaces is in :mod:`.wraps`.

With ``e`` the unit vector of a segment and ``c`` its moment about the origin of a crossed joint's child body, a joint
axis (angular w, linear v) changes the length by ``w . c + v . e`` per unit of its speed. The sum over the segments that
cross the joint is the negative moment arm, and the lengthening speed is the negative product of moment arms and speeds:
both are exact, so no point velocity is ever formed.

Source: OpenSim GeometryPath (produceForces, computeLengtheningSpeed), MovingPathPoint, ConditionalPathPoint. Kept from
OpenSim: a moving point's location stops at the end of the coordinate's range while its derivative goes on, and a moving
point next to a point of the same body changes the speed but does no work.
"""

from __future__ import annotations

from .joints import evaluate_function
from .lanes import (
    add3,
    add_scaled3,
    any_lane,
    cross3,
    dot3,
    inline,
    jit,
    lanes,
    load,
    load3,
    maximum,
    minimum,
    rotate3,
    sqrt,
    store,
    store3,
    subtract3,
    where,
)


@jit
def moving_points(functions, paths, w, at):
    """Fill location and derivative of every moving point, in its body, and the truth (1 or 0) of every condition."""
    for p in range(paths.moving_mobility.shape[0]):
        q = load(w, at.q + paths.moving_mobility[p])
        inside = minimum(maximum(q, lanes(w, paths.moving_range[p, 0])), lanes(w, paths.moving_range[p, 1]))
        # Beyond the range a second evaluation, at its end, replaces the location but not the derivative.
        rounds = 2 if any_lane(inside != q) else 1
        for k in range(3):
            x = q
            for attempt in range(rounds):
                value, slope, _ = evaluate_function(functions, paths.moving_function[p, k], x)
                store(w, at.moving + 6 * p + k, value)
                if attempt == 0:
                    store(w, at.moving + 6 * p + 3 + k, slope)
                x = inside
    for c in range(paths.condition_mobility.shape[0]):
        q = load(w, at.q + paths.condition_mobility[c])
        holds = (q >= paths.condition_range[c, 0]) & (q <= paths.condition_range[c, 1])
        store(w, at.condition + c, where(holds, lanes(w, 1.0), lanes(w, 0.0)))


@inline
def place_points(paths, w, at, m):
    """Fill the positions in ground of the points of muscle ``m``."""
    first = paths.point_start[m]
    for p in range(first, paths.point_start[m + 1]):
        b = paths.point_body[p]
        moving = paths.point_moving[p]
        if moving < 0:
            local = (
                lanes(w, paths.point_location[p, 0]),
                lanes(w, paths.point_location[p, 1]),
                lanes(w, paths.point_location[p, 2]),
            )
        else:
            local = load3(w, at.moving + 6 * moving)
        place = add3(load3(w, at.position + 3 * b), rotate3(w, at.rotation + 9 * b, local))
        store3(w, at.points + 3 * (p - first), place)


@inline
def segment_weight(paths, w, at, s):
    """1 where the conditions of segment ``s`` hold, else 0."""
    weight = lanes(w, 1.0)
    for t in range(paths.segment_test_start[s], paths.segment_test_start[s + 1]):
        holds = load(w, at.condition + paths.test_condition[t])
        if paths.test_wanted[t] == 1:
            weight = weight * holds
        else:
            weight = weight * (1.0 - holds)
    return weight


@inline
def _span_segments(paths, w, at, m):
    """Fill weight and weighted unit vector of each segment of muscle ``m``; return the path length.

    The weight is 1 on the path and 0 off it. A row of ``directions`` holds weight (spare), direction and weight.
    """
    length = lanes(w, paths.fixed_length[m])
    first = paths.segment_start[m]
    for s in range(first, paths.segment_start[m + 1]):
        weight = segment_weight(paths, w, at, s)
        if paths.segment_kind[s] == 1:
            length = length + weight * paths.segment_length[s]
        else:
            a = load3(w, at.points + 3 * paths.segment_from[s])
            b = load3(w, at.points + 3 * paths.segment_to[s])
            d = subtract3(b, a)
            span = sqrt(dot3(d, d))
            length = length + weight * span
            scale = weight / span
            store3(w, at.directions + 3 * (s - first), (d[0] * scale, d[1] * scale, d[2] * scale))
    return length


@inline
def muscle_path(tree, paths, w, at, m):
    """Fill length, lengthening speed and moment arms of muscle ``m``."""
    place_points(paths, w, at, m)
    store(w, at.path_length + m, _span_segments(paths, w, at, m))
    fill_arms(tree, paths, w, at, m, False)


@inline
def fill_arms(tree, paths, w, at, m, at_ends):
    """Fill moment arms and lengthening speed of muscle ``m`` from its points and directions.

    A segment's direction leads from its beginning to its end, so that its moment may be taken at either; ``at_ends``
    takes it at the end that moves with the joint, for directions that do not (:mod:`.wraps.kernels`).
    """
    first_segment = paths.segment_start[m]
    speed = lanes(w, 0.0)

    # Rotation and translation of the crossed joints.
    for c in range(paths.joint_start[m], paths.joint_start[m + 1]):
        b = paths.joint_body[c]
        origin = load3(w, at.position + 3 * b)
        force = (lanes(w, 0.0), lanes(w, 0.0), lanes(w, 0.0))
        moment = force
        for x in range(paths.crossing_start[c], paths.crossing_start[c + 1]):
            s = paths.crossing_segment[x]
            e = load3(w, at.directions + 3 * (s - first_segment))
            sign = paths.crossing_sign[x]
            point = paths.segment_to[s] if at_ends and sign > 0.0 else paths.segment_from[s]
            arm = subtract3(load3(w, at.points + 3 * point), origin)
            force = add_scaled3(force, e, sign)
            moment = add_scaled3(moment, cross3(arm, e), sign)
        entry = paths.joint_entry[c]
        for j in range(tree.mobility_start[b], tree.mobility_start[b + 1]):
            growth = dot3(load3(w, at.axis_angular + 3 * j), moment) + dot3(load3(w, at.axis_linear + 3 * j), force)
            store(w, at.arm + entry, -growth)
            entry += 1

    # Points that slide on their body with a coordinate.
    for x in range(paths.slide_start[m], paths.slide_start[m + 1]):
        s, p, entry = paths.slide_segment[x], paths.slide_point[x], paths.slide_entry[x]
        moving = paths.point_moving[p]
        slope = load3(w, at.moving + 6 * moving + 3)
        slope = rotate3(w, at.rotation + 9 * paths.point_body[p], slope)
        growth = paths.slide_sign[x] * dot3(load3(w, at.directions + 3 * (s - first_segment)), slope)
        if entry >= 0:
            store(w, at.arm + entry, load(w, at.arm + entry) - growth)
        else:
            speed = speed + growth * load(w, at.u + paths.moving_mobility[moving])

    for entry in range(paths.entry_start[m], paths.entry_start[m + 1]):
        speed = speed - load(w, at.arm + entry) * load(w, at.u + paths.entry_mobility[entry])
    store(w, at.path_speed + m, speed)


@inline
def pull(paths, w, at, m):
    """Add tension times moment arms of muscle ``m`` to ``force``, and its damping to ``matrix``.

    The damping k (already times h) enters as k g g' with g the moment arms; entries are sorted by mobility.
    """
    n = at.n_mobilities
    tension, damping = load(w, at.tendon_force + m), load(w, at.stretch_damping + m)
    first, last = paths.entry_start[m], paths.entry_start[m + 1]
    for x in range(first, last):
        j = paths.entry_mobility[x]
        arm = load(w, at.arm + x)
        store(w, at.force + j, load(w, at.force + j) + tension * arm)
        scaled = damping * arm
        for y in range(first, x + 1):
            row = at.matrix + n * j + paths.entry_mobility[y]
            store(w, row, load(w, row) + scaled * load(w, at.arm + y))
