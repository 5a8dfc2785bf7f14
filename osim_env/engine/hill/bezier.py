"""Muscle curves made of quintic Bezier corners, as polynomials in the parameter of each corner.

Source: Millard, Uchida, Seth and Delp (2013), Journal of Biomechanical Engineering 135(2), 021005, appendix; the corner
points are those of OpenSim's SmoothSegmentedFunctionFactory and SegmentedQuinticBezierToolkit.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ..groups import Floats

MOST_SECTIONS = 5
_PARALLEL = float(np.sqrt(np.finfo(float).eps))
_POWERS = np.array(
    [
        [1.0, 0.0, 0.0, 0.0, 0.0, 0.0],
        [-5.0, 5.0, 0.0, 0.0, 0.0, 0.0],
        [10.0, -20.0, 10.0, 0.0, 0.0, 0.0],
        [-10.0, 30.0, -30.0, 10.0, 0.0, 0.0],
        [5.0, -20.0, 30.0, -20.0, 5.0, 0.0],
        [-1.0, 5.0, -10.0, 10.0, -5.0, 1.0],
    ]
)
"""Coefficients of u^0 to u^5 from six control points."""


class Knot(NamedTuple):
    """End of a corner: a point of the curve and the slope there."""

    x: float
    y: float
    slope: float


class Curve(NamedTuple):
    """A curve: straight outside its ends, corners between."""

    x: Floats
    """Coefficients of x(u), lowest power first, shape (n_sections, 6)."""
    y: Floats
    """The same of y(u)."""
    ends: tuple[float, ...]
    """x, y and slope at the low end, then at the high end."""


def curve(knots: Sequence[Knot], curviness: Sequence[float]) -> Curve:
    """Join knots by corners.

    Args:
        knots: In ascending order of x.
        curviness: Of each corner, 0 to 1.
    """
    corners = [_corner(a, b, 0.1 + 0.8 * c) for a, b, c in zip(knots[:-1], knots[1:], curviness, strict=True)]
    x, y = (np.array([_POWERS @ corner[k] for corner in corners]) for k in range(2))
    return Curve(x, y, (*knots[0], *knots[-1]))


def _corner(a: Knot, b: Knot, c: float) -> tuple[Floats, Floats]:
    """Control points: the ends, and doubled points on the way to where the two tangents meet."""
    parallel = abs(a.slope - b.slope) <= _PARALLEL
    x = 0.5 * (a.x + b.x) if parallel else (b.y - a.y - b.x * b.slope + a.x * a.slope) / (a.slope - b.slope)
    y = (x - b.x) * b.slope + b.y
    points = []
    for start, end, meet in ((a.x, b.x, x), (a.y, b.y, y)):
        near, far = start + c * (meet - start), end + c * (meet - end)
        points.append(np.array([start, near, near, far, far, end]))
    return points[0], points[1]


def active_force_length(low: float, transition: float, high: float, slope: float, least: float) -> Curve:
    """Active force-length curve from its four lengths, the slope of its shoulder and its least value."""
    half = 0.05
    shoulder = 1.0 - half
    y1 = 1.0 - slope * (shoulder - transition)
    rise = 1.25 * y1 / (transition - low)
    middle = transition + 0.5 * (shoulder - transition)
    fall = -1.0 / ((high - half) - (1.0 + half))
    knots = (
        Knot(low, least, 0.0),
        Knot(low + 0.5 * (transition - low), 0.5 * y1, rise),
        Knot(middle, y1 + 0.5 * (1.0 - y1), slope),
        Knot(1.0, 1.0, 0.0),
        Knot((1.0 + half) + 0.5 * (high - (1.0 + half)), 0.5, fall),
        Knot(high, least, 0.0),
    )
    return curve(knots, [1.0] * 5)


def passive_force_length(zero: float, one: float, low_slope: float, high_slope: float, curviness: float) -> Curve:
    """Fibre's passive curve from its strains at no and at one normalized force, and its stiffnesses."""
    start, end = 1.0 + zero, 1.0 + one
    foot = min(0.1 / high_slope, 0.1 * (end - start))
    toe = start + foot
    knots = (
        Knot(start, 0.0, 0.0),
        Knot(toe, low_slope * (toe - (start + 0.5 * foot)), low_slope),
        Knot(end, 1.0, high_slope),
    )
    return curve(knots, [curviness] * 2)


def tendon_force_length(strain: float, stiffness: float, toe_force: float, curviness: float) -> Curve:
    """Tendon curve from its strain and stiffness at one normalized force and the force at the end of its toe."""

    def on_line(force: float) -> float:
        return (force - 1.0) / stiffness + 1.0 + strain

    toe, foot = on_line(toe_force), 1.0 + (on_line(toe_force) - 1.0) / 10.0
    middle = on_line(0.5 * toe_force)
    slope = 0.5 * toe_force / (middle - foot)
    control = foot + 0.5 * (middle - foot)
    knots = (Knot(1.0, 0.0, 0.0), Knot(control, slope * (control - foot), slope), Knot(toe, toe_force, stiffness))
    return curve(knots, [curviness] * 2)


def force_velocity(
    most: float,
    slopes: tuple[float, float, float, float, float],
    curviness: tuple[float, float],
) -> Curve:
    """Force-velocity curve.

    Args:
        most: Multiplier at the fastest lengthening.
        slopes: At the fastest shortening, near it, isometric, near the fastest lengthening, and there.
        curviness: Of the shortening and of the lengthening side.
    """
    fastest, near, isometric, near_most, at_most = slopes
    knots = (
        Knot(-1.0, 0.0, fastest),
        Knot(-0.9, 0.5 * near * 0.1 + 0.5 * fastest * 0.1, near),
        Knot(0.0, 1.0, isometric),
        Knot(0.9, most - 0.5 * near_most * 0.1 - 0.5 * at_most * 0.1, near_most),
        Knot(1.0, most, at_most),
    )
    short, long = curviness
    return curve(knots, [short, short, long, long])
