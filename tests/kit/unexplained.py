"""What of a motion no named force gives: inverse dynamics against muscles, limits, device and floor."""

from __future__ import annotations

import dataclasses

import numpy as np

from exogait.osim_env.engine import accelerations, contact_forces, inverse_dynamics, kinematics
from exogait.osim_env.gait.world import GaitWorld

UNEXPLAINED = 1e-6
"""N and N m that may be left over: the linear solve's share of forces of some thousand newtons, over a margin."""


def unexplained(w: GaitWorld, push: tuple[float, float, float] = (0.0, 0.0, 0.0)) -> np.ndarray:
    """What the motion needs less what muscles, limits, springs, trunk, device and floor give, (batch, n_coordinates).

    The floor's share is its virtual power: each contact force times the velocity of its point when one coordinate
    alone moves at unit speed. ``push`` acts at the pelvis (N) and is left out of what is given.
    """
    physics, batch = w.physics, w.n_envs
    model, n = physics.model, physics.model.n_coordinates
    params = dataclasses.replace(physics.parameters, push=np.tile(push, (batch, 1)))
    torque = physics.actuator_torque
    udot = accelerations(model, w.q, w.u, w.activation, torque, params=params)
    given = physics.net_moments()
    for k, name in enumerate(model.actuator_names):
        if name.startswith("exo_"):
            given[:, model.index("coordinate", model.actuator_coordinate[k])] += torque[:, k]
    floor, body = contact_forces(model, w.q, w.u), model.contacts.body - 1
    for k in range(n):
        moving = kinematics(model, w.q, np.tile(np.eye(n)[k], (batch, 1)))
        lever = floor.point - moving.position[:, body]
        velocity = moving.velocity[:, body] + np.cross(moving.angular_velocity[:, body], lever)
        given[:, k] += np.sum(floor.force * velocity, axis=(1, 2))
    return inverse_dynamics(model, w.q, w.u, udot, params) - given
