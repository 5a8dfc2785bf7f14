"""Constraints of coordinates in the equations of motion.

A driven coordinate (locked or prescribed) has a known acceleration; a coupled one follows ``q_d = f(q_i)``, so
``udot_d = f' udot_i + f'' u_i^2``. Both take a row out of ``M udot = force``: what is known goes to the right, and the
row and column of a coupled coordinate are added to those of the one that it follows, ``T' M T``. Simbody finds the same
accelerations with multipliers: where constraints are independent, ``udot`` is the same, on and off the constraint.

Source: SimTK Constraint::PrescribedMotion and Constraint::CoordinateCoupler (OpenSim Coordinate, its lock and
prescribed function; CoordinateCouplerConstraint); elimination as in Featherstone 2008, section 3.2.
"""

from __future__ import annotations

from ..joints import evaluate_function
from ..lanes import inline, jit, lanes, load, store


@inline
def _entry(at, i, j):
    """Row of the work array that holds an entry of the symmetric matrix."""
    return at.matrix + at.n_mobilities * max(i, j) + min(i, j)


@inline
def _coupling(functions, couplers, w, at, k):
    """Value of a dependent coordinate, and slope and curvature by the independent one."""
    return evaluate_function(functions, couplers.function[k], load(w, at.q + couplers.independent[k]))


@inline
def _take_out(w, at, d, acceleration):
    """Move the known acceleration of a mobility to the right side, and leave it an equation of its own."""
    for j in range(at.n_mobilities):
        row = _entry(at, d, j)
        store(w, at.force + j, load(w, at.force + j) - acceleration * load(w, row))
        store(w, row, 0.0)
    store(w, _entry(at, d, d), 1.0)
    store(w, at.force + d, acceleration)


@jit
def hold(functions, drives, couplers, w, at):
    """Make ``matrix`` and ``force`` those of the free mobilities; a coupled one stays behind with nothing."""
    for k in range(couplers.dependent.shape[0]):
        d, i = couplers.dependent[k], couplers.independent[k]
        _, slope, curvature = _coupling(functions, couplers, w, at, k)
        u = load(w, at.u + i)
        bias = curvature * u * u
        for j in range(at.n_mobilities):
            store(w, at.force + j, load(w, at.force + j) - bias * load(w, _entry(at, d, j)))
        store(w, at.force + i, load(w, at.force + i) + slope * load(w, at.force + d))
        own = load(w, _entry(at, i, i)) + slope * (2.0 * load(w, _entry(at, i, d)) + slope * load(w, _entry(at, d, d)))
        for j in range(at.n_mobilities):
            row = _entry(at, i, j)
            store(w, row, load(w, row) + slope * load(w, _entry(at, d, j)))
        store(w, _entry(at, i, i), own)
        _take_out(w, at, d, lanes(w, 0.0))
    for k in range(drives.mobility.shape[0]):
        _, _, acceleration = evaluate_function(functions, drives.function[k], load(w, at.clock))
        _take_out(w, at, drives.mobility[k], acceleration)


@jit
def follow(functions, couplers, w, at):
    """Complete the solution in ``force`` with the accelerations of coupled coordinates."""
    for k in range(couplers.dependent.shape[0] - 1, -1, -1):
        d, i = couplers.dependent[k], couplers.independent[k]
        _, slope, curvature = _coupling(functions, couplers, w, at, k)
        u = load(w, at.u + i)
        store(w, at.force + d, slope * load(w, at.force + i) + curvature * u * u)


@jit
def place(functions, drives, couplers, w, at):
    """Put driven and coupled coordinates, and their speeds, where they have to be at the time ``clock``."""
    for k in range(drives.mobility.shape[0]):
        value, slope, _ = evaluate_function(functions, drives.function[k], load(w, at.clock))
        store(w, at.q + drives.mobility[k], value)
        store(w, at.u + drives.mobility[k], slope)
    for k in range(couplers.dependent.shape[0] - 1, -1, -1):
        d, i = couplers.dependent[k], couplers.independent[k]
        value, slope, _ = _coupling(functions, couplers, w, at, k)
        store(w, at.q + d, value)
        store(w, at.u + d, slope * load(w, at.u + i))
