"""The pipeline: from state to forces and mass matrix, for one block of environments.

Order: functions and kinematics, inertial forces, contact, muscle paths, muscle forces, single-coordinate forces.
"""

from __future__ import annotations

from .contact import contact_forces, push_body
from .hill.kernels import hill_force
from .inertia import clear_matrix, collect_wrenches, inertial_forces, mass_matrix
from .joints import kinematics
from .lanes import get, jit, put, store, width
from .limits import coordinate_forces
from .muscles import muscle_force
from .paths import moving_points, muscle_path, pull
from .wraps.kernels import surface_frames, wrapped_path


@jit
def assemble(model, w, at, push_on, h):
    """Fill ``force`` with all generalized forces and ``matrix`` with mass plus h times damping.

    Args:
        model: The groups of arrays of a compiled model.
        w: Work rows holding q, u, activation, torque and parameters.
        at: Layout of the rows.
        push_on: Number of the pushed body.
        h: Step of the implicit method, s, or 0 for the plain mass matrix.
    """
    functions, tree, paths, muscles, contacts, limits, springs, actuators = model[:8]
    hills, curves, surfaces, wraps = model[10], model[11], model[12], model[13]
    for j in range(at.n_mobilities):
        store(w, at.force + j, 0.0)
    clear_matrix(w, at)
    kinematics(functions, tree, w, at)
    inertial_forces(w, at)
    contact_forces(contacts, w, at, h)
    push_body(tree, w, at, push_on)
    collect_wrenches(tree, w, at)
    mass_matrix(tree, w, at)
    moving_points(functions, paths, w, at)
    surface_frames(surfaces, w, at)
    k, wrap = 0, 0
    for m in range(at.n_muscles):
        first = wrap
        while wrap < wraps.muscle.shape[0] and wraps.muscle[wrap] == m:
            wrap += 1
        if wrap > first:
            wrapped_path(tree, paths, surfaces, wraps, w, at, m, first, wrap)
        else:
            muscle_path(tree, paths, w, at, m)
        if k < hills.muscle.shape[0] and hills.muscle[k] == m:
            hill_force(muscles, hills, curves, w, at, m, k, h)
            k += 1
        else:
            muscle_force(muscles, w, at, m, h)
        pull(paths, w, at, m)
    coordinate_forces(limits, springs, actuators, w, at, h)


@jit
def read_rows(w, start, values, first):
    """Copy a block's rows (or the one row that all share) into the lanes.

    The last environment of a batch fills the lanes that are left.
    """
    last = values.shape[0] - 1
    for lane in range(width(w)):
        env = min(first + lane, last)
        for k in range(values.shape[1]):
            put(w, start + k, lane, values[env, k])


@jit
def write_rows(w, rows, values, first):
    """Copy chosen rows of the lanes to the rows of a batch."""
    for lane in range(min(width(w), values.shape[0] - first)):
        for k in range(rows.shape[0]):
            values[first + lane, k] = get(w, rows[k], lane)


@jit
def read_state(w, rows, values, first):
    """Copy the rows of a batch into chosen rows of the lanes; a batch's last environment fills the rest."""
    last = values.shape[0] - 1
    for lane in range(width(w)):
        env = min(first + lane, last)
        for k in range(rows.shape[0]):
            put(w, rows[k], lane, values[env, k])
