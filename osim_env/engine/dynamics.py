"""The pipeline: from state to forces to accelerations, for one block of eight environments.

Order: functions and kinematics, inertial forces, contact, muscle paths, muscle forces, single-coordinate forces, solve.
"""

from __future__ import annotations

from .contact import contact_forces, push_body
from .inertia import body_inertias, clear_matrix, collect_wrenches, inertial_forces, mass_matrix, solve
from .joints import kinematics
from .lanes import WIDTH, jit, load, store
from .limits import coordinate_forces
from .muscles import muscle_force
from .paths import moving_points, muscle_path, pull


@jit
def assemble(model, w, at, push_on, h):
    """Fill ``force`` with all generalized forces and ``matrix`` with mass plus h times damping.

    Args:
        model: The groups of arrays of a compiled model.
        w: Work rows holding q, u, activation, torque and parameters.
        at: Layout of the rows.
        push_on: Number of the pushed body, shape (1,).
        h: Step of the implicit method, s, or 0 for the plain mass matrix.
    """
    functions, tree, paths, muscles, contacts, limits, springs, actuators = model
    for j in range(at.n_mobilities):
        store(w, at.force + j, 0.0)
    clear_matrix(w, at)
    kinematics(functions, tree, w, at)
    inertial_forces(w, at)
    contact_forces(contacts, w, at, h)
    push_body(tree, w, at, push_on[0])
    collect_wrenches(tree, w, at)
    mass_matrix(tree, w, at)
    moving_points(functions, paths, w, at)
    for m in range(at.n_muscles):
        muscle_path(tree, paths, w, at, m)
        muscle_force(muscles, w, at, m, h)
        pull(paths, w, at, m)
    coordinate_forces(limits, springs, actuators, w, at, h)


@jit
def observe(model, w, at):
    """Fill everything that depends on the state alone (kinematics, contact, muscles), without solving."""
    functions, tree, paths, muscles, contacts, limits, springs, actuators = model
    kinematics(functions, tree, w, at)
    inertial_forces(w, at)
    contact_forces(contacts, w, at, 0.0)
    moving_points(functions, paths, w, at)
    for m in range(at.n_muscles):
        muscle_path(tree, paths, w, at, m)
        muscle_force(muscles, w, at, m, 0.0)


@jit
def accelerate(model, w, at, push_on):
    """Fill ``acceleration``: the solution of mass times acceleration = all forces."""
    assemble(model, w, at, push_on, 0.0)
    solve(model[1], w, at)
    for j in range(at.n_mobilities):
        store(w, at.acceleration + j, load(w, at.force + j))


@jit
def read_rows(w, start, values, first):
    """Copy eight environments' rows (or the one row that all share) into the lanes; a batch's last one fills the rest."""
    last = values.shape[0] - 1
    for lane in range(WIDTH):
        env = min(first + lane, last)
        for k in range(values.shape[1]):
            w[start + k, lane] = values[env, k]


@jit
def read_coordinates(w, start, values, first, mobility_of_coordinate):
    """Copy rows in public coordinate order into the lanes in tree order."""
    last = values.shape[0] - 1
    for lane in range(WIDTH):
        env = min(first + lane, last)
        for k in range(values.shape[1]):
            w[start + mobility_of_coordinate[k], lane] = values[env, k]


@jit
def write_rows(w, start, values, first):
    """Copy lanes to the rows of a batch."""
    for lane in range(min(WIDTH, values.shape[0] - first)):
        for k in range(values.shape[1]):
            values[first + lane, k] = w[start + k, lane]


@jit
def write_coordinates(w, start, values, first, mobility_of_coordinate):
    """Copy lanes in tree order to rows in public coordinate order."""
    for lane in range(min(WIDTH, values.shape[0] - first)):
        for k in range(values.shape[1]):
            values[first + lane, k] = w[start + mobility_of_coordinate[k], lane]


@jit
def write_vectors(w, start, values, first):
    """Copy lanes to a batch of arrays of shape (B, n, 3)."""
    for lane in range(min(WIDTH, values.shape[0] - first)):
        for k in range(values.shape[1]):
            for i in range(3):
                values[first + lane, k, i] = w[start + 3 * k + i, lane]


@jit
def write_body_rotations(w, start, values, first):
    """Copy lanes to a batch of rotation matrices; ``start`` is the row of the first body after the ground."""
    for lane in range(min(WIDTH, values.shape[0] - first)):
        for k in range(values.shape[1]):
            for i in range(9):
                values[first + lane, k, i // 3, i % 3] = w[start + 9 * k + i, lane]


@jit
def read_parameters(model, inputs, w, at, first):
    """Copy the parameters of eight environments into the lanes and form their body inertias."""
    tree = model[1]
    read_rows(w, at.strength, inputs.strength, first)
    read_rows(w, at.torque_limit, inputs.torque_limit, first)
    read_rows(w, at.push, inputs.push, first)
    read_rows(w, at.mass, inputs.mass_scale, first)
    order = tree.mobility_of_coordinate
    read_coordinates(w, at.coordinate_force, inputs.coordinate_force, first, order)
    read_coordinates(w, at.guide_stiffness, inputs.guide_stiffness, first, order)
    read_coordinates(w, at.guide_damping, inputs.guide_damping, first, order)
    read_coordinates(w, at.guide_target, inputs.guide_target, first, order)
    read_coordinates(w, at.guide_speed, inputs.guide_speed, first, order)
    last = inputs.added_mass.shape[0] - 1
    for lane in range(WIDTH):
        env = min(first + lane, last)
        for b in range(at.n_bodies):
            w[at.moment + 3 * b, lane] = inputs.added_mass[env, b]
    body_inertias(tree, w, at, inputs.added_mass_location)
