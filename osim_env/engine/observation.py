"""Questions about a state that need no solution for accelerations: kinematics, muscles, contact, inverse dynamics."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .dynamics import (
    observe,
    read_coordinates,
    read_parameters,
    read_rows,
    write_body_rotations,
    write_coordinates,
    write_rows,
    write_vectors,
)
from .inertia import clear_matrix, collect_wrenches, inertial_forces, mass_matrix
from .integration import whole_body_centre
from .joints import kinematics
from .lanes import WIDTH, jit, lanes, load, store
from .model import Floats, Model


class Observation(NamedTuple):
    """Arrays that :func:`observe_blocks` fills; the first axis is the environment."""

    position: Floats
    rotation: Floats
    velocity: Floats
    angular_velocity: Floats
    whole_body_centre: Floats
    whole_body_velocity: Floats
    sphere_force: Floats
    sphere_point: Floats
    path_length: Floats
    path_speed: Floats
    fiber_length: Floats
    fiber_velocity: Floats
    active_force: Floats
    passive_force: Floats
    tendon_force: Floats
    tendon_rate: Floats
    moment_arms: Floats


def make_observation(model: Model, batch: int) -> Observation:
    """Allocate for a batch."""
    at = model.layout
    b, m = model.n_bodies, at.n_muscles
    body, centre, sphere, muscle = (b, 3), (3,), (at.n_spheres, 3), (m,)
    shapes = [body, (b, 3, 3), body, body, centre, centre, sphere, sphere, *[muscle] * 8, (m, model.n_coordinates)]
    return Observation(*(np.zeros((batch, *shape)) for shape in shapes))


@jit
def observe_blocks(model, at, inputs, w, q, u, activation, tendon, out, start, stop):
    """Fill the observation of blocks ``start`` to ``stop``."""
    tree, paths = model[1], model[2]
    order = tree.mobility_of_coordinate
    for block in range(start, stop):
        first = block * WIDTH
        read_parameters(model, inputs, w, at, first)
        read_coordinates(w, at.q, q, first, order)
        read_coordinates(w, at.u, u, first, order)
        read_rows(w, at.activation, activation, first)
        read_rows(w, at.tendon_state, tendon, first)
        observe(model, w, at)
        write_vectors(w, at.position + 3, out.position, first)
        write_body_rotations(w, at.rotation + 9, out.rotation, first)
        write_vectors(w, at.velocity + 3, out.velocity, first)
        write_vectors(w, at.angular_velocity + 3, out.angular_velocity, first)
        whole_body_centre(w, at)
        write_rows(w, at.bias, out.whole_body_centre, first)
        write_rows(w, at.angular_bias, out.whole_body_velocity, first)
        write_vectors(w, at.sphere_force, out.sphere_force, first)
        write_vectors(w, at.sphere_point, out.sphere_point, first)
        write_rows(w, at.path_length, out.path_length, first)
        write_rows(w, at.path_speed, out.path_speed, first)
        write_rows(w, at.fiber_length, out.fiber_length, first)
        write_rows(w, at.fiber_velocity, out.fiber_velocity, first)
        write_rows(w, at.active_force, out.active_force, first)
        write_rows(w, at.passive_force, out.passive_force, first)
        write_rows(w, at.tendon_force, out.tendon_force, first)
        write_rows(w, at.tendon_rate, out.tendon_rate, first)
        _write_moment_arms(tree, paths, w, at, out.moment_arms, first)


@jit
def _write_moment_arms(tree, paths, w, at, values, first):
    """Spread the sparse moment arms over the full array (which is zero elsewhere)."""
    for lane in range(min(WIDTH, values.shape[0] - first)):
        for m in range(at.n_muscles):
            for c in range(values.shape[2]):
                mobility = tree.mobility_of_coordinate[c]
                for x in range(paths.entry_start[m], paths.entry_start[m + 1]):
                    if paths.entry_mobility[x] == mobility:
                        values[first + lane, m, c] = w[at.arm + x, lane]


@jit
def residual_blocks(model, at, inputs, w, q, u, udot, result, start, stop):
    """Fill M udot + bias of blocks ``start`` to ``stop``."""
    functions, tree = model[0], model[1]
    order = tree.mobility_of_coordinate
    n = at.n_mobilities
    for block in range(start, stop):
        first = block * WIDTH
        read_parameters(model, inputs, w, at, first)
        read_coordinates(w, at.q, q, first, order)
        read_coordinates(w, at.u, u, first, order)
        read_coordinates(w, at.acceleration, udot, first, order)
        for j in range(n):
            store(w, at.force + j, 0.0)
        clear_matrix(w, at)
        kinematics(functions, tree, w, at)
        inertial_forces(w, at)
        collect_wrenches(tree, w, at)
        mass_matrix(tree, w, at)
        for j in range(n):
            total = lanes(0.0) - load(w, at.force + j)
            for i in range(n):
                row = n * max(i, j) + min(i, j)
                total = total + load(w, at.matrix + row) * load(w, at.acceleration + i)
            store(w, at.qdot + j, total)
        write_coordinates(w, at.qdot, result, first, order)
