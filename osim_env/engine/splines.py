"""Coefficients of OpenSim's splines, computed once when a model is compiled."""

from __future__ import annotations

import numpy as np

from .groups import Floats

_NARROWEST = 1e-7


def simm_spline_coefficients(x: Floats, y: Floats) -> tuple[Floats, Floats, Floats]:
    """Coefficients b, c, d of the cubics ``y + b s + c s^2 + d s^3`` between the knots of a SimmSpline.

    Not a natural spline: the third derivatives at both ends are those of the cubics through the first and the last four
    knots. Two knots give a line, three a parabola-like spline with zero end terms.

    Args:
        x: Knots, ascending, shape (n,).
        y: Values there, shape (n,).

    Returns:
        b, c, d at each knot, each of shape (n,).

    Source: Forsythe, Malcolm and Moler (1977), Computer Methods for Mathematical Computations, subroutine SPLINE, the
    method of OpenSim's SimmSpline (interval widths are floored at 1e-7, as there).
    """
    n = len(x)
    if n == 2:
        slope = (y[1] - y[0]) / max(_NARROWEST, x[1] - x[0])
        return np.full(2, slope), np.zeros(2), np.zeros(2)
    width = np.maximum(np.diff(x), _NARROWEST)
    slope = np.diff(y) / width
    diagonal = np.empty(n)
    right = np.zeros(n)
    diagonal[1:-1] = 2.0 * (width[:-1] + width[1:])
    right[1:-1] = np.diff(slope)
    diagonal[0], diagonal[-1] = -width[0], -width[-1]
    if n > 3:

        def span(i: int, j: int) -> float:
            return max(_NARROWEST, x[j] - x[i])

        start = right[2] / span(1, 3) - right[1] / span(0, 2)
        end = right[n - 2] / span(n - 3, n - 1) - right[n - 3] / span(n - 4, n - 2)
        right[0] = start * width[0] ** 2 / span(0, 3)
        right[-1] = -end * width[-1] ** 2 / span(n - 4, n - 1)
    # The tridiagonal system of the second-derivative terms: off-diagonals are the widths.
    for i in range(1, n):
        factor = width[i - 1] / diagonal[i - 1]
        diagonal[i] -= factor * width[i - 1]
        right[i] -= factor * right[i - 1]
    sigma = np.empty(n)
    sigma[-1] = right[-1] / diagonal[-1]
    for i in range(n - 2, -1, -1):
        sigma[i] = (right[i] - width[i] * sigma[i + 1]) / diagonal[i]
    b, d = np.empty(n), np.empty(n)
    b[:-1] = slope - width * (sigma[1:] + 2.0 * sigma[:-1])
    b[-1] = slope[-1] + width[-1] * (sigma[-2] + 2.0 * sigma[-1])
    d[:-1] = np.diff(sigma) / width
    d[-1] = d[-2]
    return b, 3.0 * sigma, d


def piecewise_linear_coefficients(x: Floats, y: Floats) -> tuple[Floats, Floats, Floats]:
    """Slopes of OpenSim's PiecewiseLinearFunction in the form of :func:`simm_spline_coefficients`."""
    slope = np.diff(y) / np.maximum(np.diff(x), _NARROWEST)
    return np.append(slope, slope[-1]), np.zeros(len(x)), np.zeros(len(x))
