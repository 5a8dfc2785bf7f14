"""Forces along single coordinates: joint limits, springs, actuators, and the guide of a training curriculum."""

from __future__ import annotations

import math

from .lanes import inline, jit, lanes, load, maximum, minimum, store


@inline
def _smooth_step(t):
    """Quintic step 10 t^3 - 15 t^4 + 6 t^5 between 0 and 1. Source: SimTK::Function::Step."""
    t = minimum(maximum(t, lanes(t, 0.0)), lanes(t, 1.0))
    return t * t * t * (10.0 + t * (6.0 * t - 15.0))


@jit
def coordinate_forces(limits, springs, actuators, w, at, h):
    """Add the forces of limits, springs, actuators and guide to ``force``, and h times their damping to ``matrix``.

    Source: OpenSim CoordinateLimitForce, SpringGeneralizedForce, CoordinateActuator. The guide is this engine's own: a
    spring and damper on any coordinate towards a moving target, zero unless a caller asks for it.
    """
    diagonal = at.n_mobilities + 1
    for k in range(limits.mobility.shape[0]):
        j = limits.mobility[k]
        q, u = load(w, at.q + j), load(w, at.u + j)
        above, below = q - limits.upper[k], limits.lower[k] - q
        upper = _smooth_step(above * (1.0 / limits.transition[k]))
        lower = _smooth_step(below * (1.0 / limits.transition[k]))
        damping = limits.damping[k] * (upper + lower)
        force = limits.lower_stiffness[k] * lower * below - limits.upper_stiffness[k] * upper * above - damping * u
        store(w, at.force + j, load(w, at.force + j) + force)
        store(w, at.matrix + diagonal * j, load(w, at.matrix + diagonal * j) + h * damping)
    for k in range(springs.mobility.shape[0]):
        j = springs.mobility[k]
        force = -springs.stiffness[k] * (load(w, at.q + j) - springs.rest_length[k]) - springs.viscosity[k] * load(
            w, at.u + j
        )
        store(w, at.force + j, load(w, at.force + j) + force)
        store(w, at.matrix + diagonal * j, load(w, at.matrix + diagonal * j) + h * springs.viscosity[k])
    for k in range(at.n_actuators):
        j = actuators.mobility[k]
        store(w, at.force + j, load(w, at.force + j) + load(w, at.torque + k))
    for j in range(at.n_mobilities):
        damping = load(w, at.guide_damping + j)
        force = (
            load(w, at.coordinate_force + j)
            + load(w, at.guide_stiffness + j) * (load(w, at.guide_target + j) - load(w, at.q + j))
            + damping * (load(w, at.guide_speed + j) - load(w, at.u + j))
        )
        store(w, at.force + j, load(w, at.force + j) + force)
        store(w, at.matrix + diagonal * j, load(w, at.matrix + diagonal * j) + h * damping)


@jit
def actuator_torques(actuators, w, at, h):
    """Fill ``torque`` from the controls, limited to +- the device limit; advance actuator activations by h.

    Source: OpenSim CoordinateActuator (control times optimal force, unclipped) and ActivationCoordinateActuator
    (da/dt = (x - a) / tau, advanced here exactly over a step of constant control). The limit is infinite by default.
    """
    for k in range(at.n_actuators):
        x = load(w, at.actuator_control + k)
        tau = actuators.time_constant[k]
        if tau > 0.0:
            a = load(w, at.actuator_state + k)
            a = x + (a - x) * math.exp(-h / tau)
            store(w, at.actuator_state + k, a)
            x = a
        limit = load(w, at.torque_limit + k)
        store(w, at.torque + k, maximum(minimum(x * actuators.optimal_force[k], limit), -limit))
