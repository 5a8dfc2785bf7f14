"""The path of a line over a sphere.

All rules are those of OpenSim's WrapSphere, whose radius the line must cross between its ends: without a quadrant the
path jumps where the line leaves the sphere. Kept from OpenSim: the far way around has a negative length, and of a
sphere with a quadrant only a line whose nearest point lies within a metre of its beginning must wrap. A line within a
hundredth of a millimetre of the centre is not wrapped.

Source: OpenSim WrapSphere (wrapLine).
"""

from __future__ import annotations

import math

from ..lane_math import arctan2
from ..lanes import add3, add_scaled3, any_lane, cross3, dot3, inline, jit, lanes, scale3, sqrt, subtract3, where
from .cylinder import INSIDE, MANDATORY, NO_WRAP, WRAPPED, choose3, component, nearest_pair, unit3

_CENTRAL = 1e-5
"""Distance between line and centre, relative to that of the line's end, below which there is no plane to wrap in."""


@inline
def _tangents(p, normal, radius):
    """The two points of the sphere in the plane of ``normal`` through its centre whose tangents meet ``p``."""
    reach = sqrt(dot3(p, p))
    sine = radius / reach
    cosine = sqrt(1.0 - sine * sine)
    inwards = scale3(p, -1.0 / reach)
    beside = scale3(cross3(normal, inwards), reach * cosine * sine)
    foot = add_scaled3(p, inwards, reach * cosine * cosine)
    return subtract3(foot, beside), add3(foot, beside)


@inline
def _of_quadrant(p1, p2, along, axis, sign, radius):
    """Answer on half a sphere, and whether an end of the line is on the other half (1 or 0)."""
    one = lanes(p1[0], 1.0)
    ahead = -dot3(p1, along)
    near = add_scaled3(p1, along, ahead)
    crosses = where((dot3(near, near) < radius * radius) & (-ahead > 0.0) & (-ahead < 1.0), one, 0.0 * one)
    side1 = where(component(p1, axis) >= 0.0, one, -one)
    side2 = where(component(p2, axis) >= 0.0, one, -one)
    near_side = where(component(near, axis) >= 0.0, one, -one)
    passes = where((side1 != side2) & (near_side != sign), WRAPPED * one, NO_WRAP * one)
    answer = where((side1 == sign) | (side2 == sign), where(crosses == 1.0, MANDATORY * one, passes), WRAPPED * one)
    return answer, where((side1 != sign) | (side2 != sign), one, 0.0 * one)


@inline
def _constrained_pair(p1, p2, a1, b1, a2, b2, axis, sign):
    """Tangent points of the half that a path keeps to, and whether it goes around the far side."""
    zero = lanes(p1[0], 0.0)
    back = unit3(scale3(add3(p1, p2), -1.0))
    first, second = dot3(a1, back) > dot3(b1, back), dot3(a2, back) > dot3(b2, back)
    r1, r2 = choose3(first, a1, b1), choose3(second, a2, b2)
    other1, other2 = choose3(first, b1, a1), choose3(second, b2, a2)
    out = add3(subtract3(r1, p1), subtract3(r2, p2))
    wrong = where(component(out, axis) * sign < 0.0, zero + 1.0, zero) == 1.0
    r1, r2 = choose3(wrong, other1, r1), choose3(wrong, other2, r2)
    out = add3(subtract3(r1, p1), subtract3(r2, p2))
    return r1, r2, where(dot3(add3(r1, r2), out) < 0.0, zero + 1.0, zero)


@jit
def over_sphere(radius, axis, sign, p1, p2):
    """Lead a line over a sphere; arguments and results as those of :func:`.cylinder.over_cylinder`."""
    one = lanes(p1[0], 1.0)
    zero = 0.0 * one
    square = radius * radius
    # As OpenSim tests it: norms against the radius.
    inside = (sqrt(dot3(p1, p1)) < radius) | (sqrt(dot3(p2, p2)) < radius)
    back = subtract3(p1, p2)
    a, b, c = dot3(back, back), 2.0 * dot3(p2, back), dot3(p2, p2) - square
    root = sqrt(b * b - 4.0 * a * c)
    far, near = (-b + root) / (2.0 * a), (-b - root) / (2.0 * a)
    crosses = (far > 0.0) & (far < 1.0) & (near > 0.0) & (near < 1.0)
    answer = where(inside, INSIDE * one, where(crosses, WRAPPED * one, NO_WRAP * one))
    if not any_lane(answer == WRAPPED):
        return answer, (zero, zero, zero), (zero, zero, zero), zero
    along = unit3(back)
    normal = cross3(along, unit3(p2))
    central = sqrt(dot3(normal, normal)) < _CENTRAL
    normal = unit3(normal)
    a1, b1 = _tangents(p1, normal, radius)
    a2, b2 = _tangents(p2, normal, radius)
    begins, ends = nearest_pair(dot3(a1, a2), dot3(a1, b2), dot3(b1, a2), dot3(b1, b2))
    r1, r2 = choose3(begins == 1.0, b1, a1), choose3(ends == 1.0, b2, a2)
    far_side = zero
    if sign != 0:
        said, beyond = _of_quadrant(p1, p2, along, axis, sign, radius)
        c1, c2, around = _constrained_pair(p1, p2, a1, b1, a2, b2, axis, sign)
        r1, r2 = choose3(beyond == 1.0, c1, r1), choose3(beyond == 1.0, c2, r2)
        far_side = where(beyond == 1.0, around, zero)
        # OpenSim wraps a line through the centre over no point at all: such a path never grows least.
        answer = where(central | (answer != WRAPPED), answer, said)
    u1, u2 = unit3(r1), unit3(r2)
    turn = cross3(u1, u2)
    angle = arctan2(sqrt(dot3(turn, turn)), dot3(u1, u2))
    angle = where(far_side == 1.0, angle - 2.0 * math.pi, angle)
    return answer, r1, r2, where(central, math.nan, radius * angle)
