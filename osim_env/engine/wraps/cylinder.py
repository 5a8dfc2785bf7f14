"""The path of a line over a cylinder.

All rules are those of OpenSim's WrapCylinder, in the surface's own frame, whose z axis is the cylinder's. Lengths jump
where one rule gives way to another: where the line leaves a cylinder without quadrant, where the nearest point of the
line changes sides of the quadrant's plane, where the angles of the two possible ways are equal, where both tangent
points leave the length, where an end enters the radius, and where a spiral is taken for tangent (within 0.1 degrees).
Of several surfaces on a path, some spirals never are, and the hundred rounds of their adjustment amplify rounding:
there OpenSim's own length moves by 1e-8 m with 1e-15 rad, and differs from this one's by as much.

Source: OpenSim WrapCylinder (wrapLine, its spiral and its adjustment of tangent points) and WrapMath.
"""

from __future__ import annotations

import math

from ..lane_math import arctan2, sin_cos
from ..lanes import (
    absolute,
    add3,
    add_scaled3,
    any_lane,
    cross3,
    dot3,
    inline,
    jit,
    lanes,
    nearest,
    scale3,
    sqrt,
    subtract3,
    where,
)

NO_WRAP, INSIDE, WRAPPED, MANDATORY = 0.0, 1.0, 2.0, 3.0
"""What a surface says of a line: beside it, an end within it, a way around it, or a way that must be taken."""
_EPS = 2.0**-52
_PARALLEL = 2e-13
"""Squared sine of an angle below which two lines are parallel."""
_LINE_EPSILON = 1e-5
_TANGENT = math.radians(0.1)
_MOST_ADJUSTMENTS = 100
_PIECE = 0.002
"""Length of the pieces that OpenSim draws a spiral with, m: the first and last decide about its tangency."""
_REACH = 10.0
"""Half length of the line on which a tangent point may slide, m."""


@inline
def unit3(v):
    """Unit vector, or zero where the length is not above rounding."""
    length = sqrt(dot3(v, v))
    scale = where(length >= _EPS, 1.0 / length, 0.0)
    return v[0] * scale, v[1] * scale, v[2] * scale


@inline
def distance(a, b):
    """Distance of two points."""
    d = subtract3(a, b)
    return sqrt(dot3(d, d))


@inline
def component(v, axis):
    """Component 0, 1 or 2 of a vector."""
    return v[0] if axis == 0 else (v[1] if axis == 1 else v[2])


@inline
def choose3(mask, yes, no):
    """Choose vectors lane by lane."""
    return where(mask, yes[0], no[0]), where(mask, yes[1], no[1]), where(mask, yes[2], no[2])


@inline
def _tangents(p, radius):
    """Distance from the axis and the two points of the circle at the height of ``p`` whose tangents meet ``p``."""
    reach = sqrt(p[0] * p[0] + p[1] * p[1])
    scale = where(reach >= _EPS, 1.0 / reach, 0.0)
    x, y = p[0] * scale, p[1] * scale
    along = radius * (radius / reach)
    beside = sqrt(radius * radius - along * along)
    return (
        reach,
        (along * x - beside * y, along * y + beside * x, p[2]),
        (along * x + beside * y, along * y - beside * x, p[2]),
    )


@inline
def _slid(r, normal, offset, first, own, other, leaning):
    """Height of the point where the tangent line through ``r`` meets a plane, if it is nearer to the other end's.

    ``first``, ``own`` and ``other`` are heights of the line's beginning and of this and the other end, ``leaning`` is
    where the line's end has a height at all.
    """
    slope = 2.0 * _REACH * normal[2]
    t = (-offset - (normal[0] * r[0] + normal[1] * r[1] + normal[2] * (r[2] - _REACH))) / slope
    height = r[2] - _REACH + 2.0 * _REACH * t
    meets = (absolute(slope) >= _LINE_EPSILON) & (t >= -_LINE_EPSILON) & (t <= 1.0 + _LINE_EPSILON)
    # OpenSim projects on a line from the foot of the beginning with the foot of the end as its direction.
    foot = where(leaning, height, first)
    nearer = (foot - other) * (foot - other) < (own - other) * (own - other)
    return where(meets & nearer, height, r[2])


@inline
def _spiral(r1, r2, radius, long_way):
    """Length of the spiral from r1 to r2, and the angle and height that it covers."""
    rise = r2[2] - r1[2]
    angle = arctan2(r1[0] * r2[1] - r1[1] * r2[0], r1[0] * r2[0] + r1[1] * r2[1])
    angle = where(long_way, 2.0 * math.pi - angle, angle)
    arc = radius * angle
    return sqrt(arc * arc + rise * rise), angle, rise


@inline
def _angle_to_axis(v):
    return arctan2(sqrt(v[0] * v[0] + v[1] * v[1]), v[2])


@inline
def _adjusted(p, r, neighbour):
    """Height of a tangent point slid towards tangency of line and spiral, and where it had to be."""
    off = absolute(_angle_to_axis(subtract3(r, p)) - _angle_to_axis(subtract3(neighbour, r))) > _TANGENT
    along = unit3(subtract3(neighbour, p))
    flat = along[0] * along[0] + along[1] * along[1]
    s = ((r[0] - p[0]) * along[0] + (r[1] - p[1]) * along[1]) / flat
    height = r[2] + 1.5 * (p[2] + s * along[2] - r[2])
    return where(off, height, r[2]), off


@inline
def _along_spiral(r1, angle, rise, share):
    s, c = sin_cos(share * angle)
    return c * r1[0] - s * r1[1], s * r1[0] + c * r1[1], r1[2] + share * rise


@jit
def _tangent_spiral(p1, p2, r1, r2, radius, long_way):
    """Slide both tangent points along the cylinder until line and spiral meet within 0.1 degrees."""
    moving = lanes(r1[0], 1.0)
    for _ in range(_MOST_ADJUSTMENTS):
        length, angle, rise = _spiral(r1, r2, radius, long_way)
        turned = where(long_way, -angle, angle)
        pieces = nearest(length * (1.0 / _PIECE))
        pieces = where(pieces > length * (1.0 / _PIECE), pieces - 1.0, pieces)
        moving = where(pieces >= 2.0, moving, 0.0)
        share = 1.0 / where(pieces >= 2.0, pieces, 2.0)
        z1, off1 = _adjusted(p1, r1, _along_spiral(r1, turned, rise, share))
        r1 = r1[0], r1[1], where(moving == 1.0, z1, r1[2])
        # From the first point as it is now, at the rise that there was.
        z2, off2 = _adjusted(p2, r2, _along_spiral(r1, turned, rise, 1.0 - share))
        r2 = r2[0], r2[1], where(moving == 1.0, z2, r2[2])
        moving = where(off1 | off2, moving, 0.0)
        if not any_lane(moving == 1.0):
            break
    return r1, r2


@inline
def _of_quadrant(p1, p2, a1, b1, a2, b2, near, crosses, axis, sign):
    """Answer, pair of tangent points (1 where it is b1 and a2, else a1 and b2) and far side, on half a cylinder."""
    one, none = lanes(crosses, 1.0), lanes(crosses, 0.0)
    side1 = where(component(p1, axis) >= 0.0, one, -one)
    side2 = where(component(p2, axis) >= 0.0, one, -one)
    near_side = where(component(near, axis) >= 0.0, one, -one)
    passes = where((side1 != side2) & (near_side != sign), WRAPPED * one, NO_WRAP * one)
    answer = where((side1 == sign) | (side2 == sign), where(crosses == 1.0, MANDATORY * one, passes), WRAPPED * one)
    on_a1 = where(component(a1, axis) >= 0.0, one, -one) == sign
    on_b1 = where(component(b1, axis) >= 0.0, one, -one) == sign
    on_a2 = where(component(a2, axis) >= 0.0, one, -one) == sign
    on_b2 = where(component(b2, axis) >= 0.0, one, -one) == sign
    # Of two angles the wider has the smaller cosine, and all four points are equally far from the axis.
    wider = where(_level(a1, b2) < _level(b1, a2), one, none)
    neither = where(on_a2, one, where(on_b2, none, 1.0 - wider))
    both = where(on_a2, one, none)
    swapped = where(on_a1, where(on_b1, both, none), where(on_b1, one, neither))
    far = where(swapped == 1.0, 1.0 - wider, wider)
    return answer, swapped, far


@inline
def nearest_pair(aa, ab, ba, bb):
    """Whether the pair of tangent points in the smallest angle begins and ends in b (1) or a (0), from its cosines."""
    one, none = lanes(aa, 1.0), lanes(aa, 0.0)
    first = (aa > ab) & (aa > ba) & (aa > bb)
    second = (ab > ba) & (ab > bb)
    begins = where(first, none, where(second, none, one))
    ends = where(first, none, where(second, one, where(ba > bb, none, one)))
    return begins, ends


@inline
def _level(a, b):
    return a[0] * b[0] + a[1] * b[1]


@jit
def over_cylinder(radius, half_length, axis, sign, alone, p1, p2):
    """Lead a line over a cylinder.

    Args:
        radius: m, the same in all lanes.
        half_length: m.
        axis: 0, 1 or 2, the axis that the quadrant halves the cylinder across.
        sign: 1 or -1, the half that the path may touch; 0 for all of it.
        alone: Whether it is the only surface of its path: OpenSim adjusts tangent points of several alone.
        p1: Beginning of the line in the surface's frame, m.
        p2: End of the line, m.

    Returns:
        The answer (``NO_WRAP`` to ``MANDATORY``), the two tangent points, m, and the length between them, m.
    """
    one = lanes(p1[0], 1.0)
    inside = (p1[0] * p1[0] + p1[1] * p1[1] < radius * radius) | (p2[0] * p2[0] + p2[1] * p2[1] < radius * radius)
    # Where the line passes the axis: both of them endless.
    line = subtract3(p2, p1)
    reach = sqrt(dot3(line, line))
    line = unit3(line)
    flat = line[0] * line[0] + line[1] * line[1]
    s = where(flat > _PARALLEL, -(p1[0] * line[0] + p1[1] * line[1]) / flat, math.nan)
    near = add_scaled3(p1, line, s)
    share = s / reach
    crosses = where(
        (near[0] * near[0] + near[1] * near[1] < radius * radius) & (share > 0.0) & (share < 1.0), one, 0.0 * one
    )
    reach1, a1, b1 = _tangents(p1, radius)
    reach2, a2, b2 = _tangents(p2, radius)
    if sign == 0:
        answer = where(crosses == 1.0, MANDATORY * one, NO_WRAP * one)
        begins, ends = nearest_pair(_level(a1, a2), _level(a1, b2), _level(b1, a2), _level(b1, b2))
        far = 0.0 * one
    else:
        answer, begins, far = _of_quadrant(p1, p2, a1, b1, a2, b2, near, crosses, axis, sign)
        ends = 1.0 - begins
    answer = where(inside, INSIDE * one, answer)
    r1 = choose3(begins == 1.0, b1, a1)
    r2 = choose3(ends == 1.0, b2, a2)
    if not any_lane(answer > INSIDE):
        return answer, r1, r2, 0.0 * one
    beyond1, beyond2 = subtract3(r1, p1), subtract3(r2, p2)
    outwards = (r1[0] + r2[0]) * (beyond1[0] + beyond2[0]) + (r1[1] + r2[1]) * (beyond1[1] + beyond2[1])
    long_way = outwards * (sign * sign) < 0.0

    # The plane of both ends and an apex above (or, on the far side, below) the middle of the line.
    middle = add_scaled3(p1, subtract3(p2, p1), reach1 / (reach1 + reach2))
    foot = 0.0 * one, 0.0 * one, middle[2]
    normal = unit3(cross3(unit3(subtract3(p1, foot)), unit3(subtract3(p2, foot))))
    up = unit3((-normal[1], normal[0], 0.0 * one))
    apex, other = scale3(up, radius), scale3(up, -radius)
    middle = middle[0], middle[1], 0.0 * one
    first, second = subtract3(middle, apex), subtract3(middle, other)
    ahead = where(dot3(first, first) < dot3(second, second), one, -one)
    apex = add3(scale3(apex, where(far == 1.0, -ahead, ahead)), foot)
    normal = cross3(unit3(subtract3(p1, apex)), unit3(subtract3(p2, apex)))
    normal = scale3(normal, 1.0 / sqrt(dot3(normal, normal)))
    offset = -dot3(normal, p1)
    leaning = absolute(p2[2]) >= _EPS
    z1 = _slid(r1, normal, offset, p1[2], p1[2], p2[2], leaning)
    z2 = _slid(r2, normal, offset, p1[2], p2[2], p1[2], leaning)
    r1, r2 = (r1[0], r1[1], z1), (r2[0], r2[1], z2)
    outside = (absolute(z1) > half_length) & (absolute(z2) > half_length)
    answer = where(outside & (answer > INSIDE), NO_WRAP * one, answer)
    if not alone:
        r1, r2 = _tangent_spiral(p1, p2, r1, r2, radius, long_way)
    length, _, _ = _spiral(r1, r2, radius, long_way)
    return answer, r1, r2, length
