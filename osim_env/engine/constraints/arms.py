"""Moment arms about coordinates that carry others along."""

from __future__ import annotations

import numpy as np

from ..groups import Floats, Functions
from ..model import Model


def coupled_moment_arms(model: Model, q: Floats, arms: Floats) -> Floats:
    """Moment arms about coordinates that move together with those coupled to them.

    Coordinates that are coupled, directly or in a chain, have one degree of freedom: all of them move at rates ``c``,
    and the arm about coordinate j is ``sum(c_k arm_k) / c_j``. A dependent coordinate whose function is flat has none
    (NaN or infinity).

    Args:
        model: The compiled model.
        q: Coordinates, shape (B, n_coordinates), rad or m.
        arms: Moment arms about each coordinate by itself, shape (B, n_muscles, n_coordinates), m.

    Returns:
        Moment arms as OpenSim's ``computeMomentArm`` gives them, same shape.

    Source: Sherman, Seth and Delp (2013), What is a moment arm?, IDETC 2013; OpenSim MomentArmSolver.
    """
    couplers = model.couplers
    if not len(couplers.dependent):
        return arms
    column = np.argsort(model.tree.mobility_of_coordinate)
    rate = np.ones(q.shape)
    root = np.arange(model.n_coordinates)
    for k in range(len(couplers.dependent) - 1, -1, -1):
        d, i = column[couplers.dependent[k]], column[couplers.independent[k]]
        rate[:, d] = rate[:, i] * slope(model.functions, int(couplers.function[k]), q[:, i])
        root[d] = root[i]
    result = arms.copy()
    for one in np.unique(root[column[couplers.dependent]]):
        together = np.flatnonzero(root == one)
        total = np.einsum("bk,bmk->bm", rate[:, together], arms[:, :, together])
        with np.errstate(divide="ignore", invalid="ignore"):
            result[:, :, together] = total[:, :, None] / rate[:, None, together]
    return result


def slope(functions: Functions, index: int, x: Floats) -> Floats:
    """Derivative of a function at each x, shape (B,)."""
    first, last = functions.start[index], functions.start[index + 1]
    if functions.polynomial[index] == 1:
        return np.asarray(np.polyval(np.polyder(functions.y[first:last]), x), dtype=float)
    piece = first + np.searchsorted(functions.knot[first + 1 : last], x, side="right")
    s = x - functions.x0[piece]
    return functions.b[piece] + s * (2.0 * functions.c[piece] + 3.0 * s * functions.d[piece])
