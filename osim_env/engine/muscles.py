"""DeGroote-Fregly 2016 muscle: force, its derivative with respect to speed, activation and tendon dynamics.

Source: De Groote, Kinney, Rao and Fregly (2016), Annals of Biomedical Engineering 44(10), 2922-2936, equations of the
supplement, with the constants of OpenSim's DeGrooteFregly2016Muscle (b11, d1 and d4 differ from the paper; the passive
curve is zero at a normalized length of 0.2). Nothing is clamped, as there: a fibre beyond its range may push.
"""

from __future__ import annotations

import math

from .lane_math import exp, log, logistic
from .lanes import inline, jit, lanes, load, sqrt, store, where

B1 = (0.8150671134243542, 1.055033428970575, 0.162384573599574, 0.063303448465465)
B2 = (0.433004984392647, 0.716775413397760, -0.029947116970696, 0.200356847296188)
B3 = (0.1, 1.0, 0.353553390593274, 0.0)
_K_PASSIVE = 4.0
_MIN_LENGTH = 0.2
C1, C2, C3 = 0.2, 1.0, 0.2
D1, D2, D3, D4 = -0.3211346127989808, -8.149, -0.374, 0.8825327733249912


@inline
def _bell(x, b):
    """Gaussian-like curve b1 exp(-1/2 (x - b2)^2 / (b3 + b4 x)^2)."""
    t = (x - b[1]) / (b[2] + b[3] * x)
    return b[0] * exp(-0.5 * (t * t))


@inline
def active_force_length(length, width_scale):
    """Active force-length multiplier: a sum of three bells; the scale widens it about the optimal length."""
    x = (length - 1.0) / width_scale + 1.0
    return _bell(x, B1) + _bell(x, B2) + _bell(x, B3)


def passive_coefficients(strain: float) -> tuple[float, float, float]:
    """Rate, offset and gain of the passive curve ``gain (exp(rate (l - 1)) - offset)``.

    The curve is 1 at the given strain and zero at a normalized length of 0.2; it is negative below.

    Args:
        strain: Fibre strain at one normalized force.
    """
    rate = _K_PASSIVE / strain
    offset = math.exp(rate * (_MIN_LENGTH - 1.0))
    return rate, offset, 1.0 / (math.exp(_K_PASSIVE) - offset)


def tendon_exponent(strain: float) -> float:
    """Exponent kT of the tendon curve from the tendon strain at one normalized force."""
    return math.log((1.0 + C3) / C1) / (1.0 + strain - C2)


@inline
def force_velocity(velocity):
    """Force-velocity multiplier d1 asinh(d2 v + d3) + d4 and its derivative; v in maximum contraction velocities."""
    t = D2 * velocity + D3
    root = sqrt(t * t + 1.0)
    return D1 * log(t + root) + D4, (D1 * D2) / root


@inline
def inverse_force_velocity(multiplier):
    """Normalized velocity (sinh((f - d4) / d1) - d3) / d2 at a force-velocity multiplier, and its derivative."""
    x = (multiplier - D4) * (1.0 / D1)
    up, down = exp(x), exp(-x)
    return (0.5 * (up - down) - D3) * (1.0 / D2), 0.5 * (up + down) * (1.0 / (D1 * D2))


@inline
def muscle_force(muscles, w, at, m, h):
    """Fill fibre state, forces and damping of muscle ``m`` from path length, path speed and activation.

    Rigid tendon: the fibre is what the slack length leaves of the path. Compliant tendon: the normalized tendon
    force is a state; its curve gives the tendon length, force balance gives the fibre velocity, and what the fibre
    leaves of the path speed stretches the tendon (formulation 1 of the paper, OpenSim's "explicit" mode).
    """
    strength = muscles.max_isometric_force[m] * load(w, at.strength + m)
    optimal, width = muscles.optimal_fiber_length[m], muscles.fiber_width[m]
    activation = load(w, at.activation + m)
    slack = muscles.tendon_slack_length[m]
    along = load(w, at.path_length + m) - slack
    stiffness = muscles.tendon_stiffness[m]
    tendon = lanes(w, 1.0)
    if muscles.compliant[m] == 1:
        normalized = load(w, at.tendon_state + m)
        tendon = log((normalized + C3) * (1.0 / C1)) * (1.0 / stiffness) + C2
        along = load(w, at.path_length + m) - slack * tendon
    fiber = sqrt(along * along + width * width)
    # A fibre without width that shortens through zero has no angle there; in float32 a walk does meet that number.
    cosine = where(fiber > 0.0, along / fiber, 1.0)
    length = fiber * (1.0 / optimal)
    active = active_force_length(length, muscles.width_scale[m])
    passive = muscles.passive_gain[m] * (exp(muscles.passive_rate[m] * (length - 1.0)) - muscles.passive_offset[m])
    if muscles.compliant[m] == 1:
        normalized = load(w, at.tendon_state + m)
        multiplier = (normalized / cosine - passive) / (activation * active)
        velocity, derivative = inverse_force_velocity(multiplier)
        tendon_speed = load(w, at.path_speed + m) - velocity * muscles.max_speed[m] / cosine
        slope = (C1 * stiffness) * exp(stiffness * (tendon - C2))
        store(w, at.tendon_rate + m, tendon_speed * (1.0 / slack) * slope)
        # How fast the rate falls with the force, through the fibre's velocity: a stiff decay at low activation.
        gradient = derivative / (cosine * cosine * activation * active)
        store(w, at.tendon_decay + m, gradient * slope * (muscles.max_speed[m] / slack))
        store(w, at.tendon_force + m, strength * normalized)
        store(w, at.stretch_damping + m, 0.0)
    else:
        velocity = load(w, at.path_speed + m) * cosine * (1.0 / muscles.max_speed[m])
        multiplier, derivative = force_velocity(velocity)
        gradient = activation * active * derivative + muscles.fiber_damping[m]
        store(w, at.stretch_damping + m, (h / muscles.max_speed[m]) * strength * gradient * cosine * cosine)
    active_force = strength * (activation * active * multiplier)
    passive_force = strength * (passive + muscles.fiber_damping[m] * velocity)
    store(w, at.fiber_length + m, length)
    store(w, at.fiber_velocity + m, velocity)
    store(w, at.active_force + m, active_force)
    store(w, at.passive_force + m, passive_force)
    store(w, at.fiber_force + m, active_force + passive_force)
    if muscles.compliant[m] == 0:
        store(w, at.tendon_force + m, (active_force + passive_force) * cosine)


@jit
def activation_rates(muscles, w, at):
    """Fill the rate of every activation from its excitation.

    da/dt = [(1/2 + f) / (tau_a z) + (1/2 - f) z / tau_d] (e - a), f = 1/2 tanh(b (e - a)), z = 1/2 + 3/2 a.

    OpenSim holds the time constants of the first muscle that a process evaluates in static variables and uses them for
    every muscle of every model; this engine uses each muscle's own. Where all muscles share them the two agree.
    """
    for m in range(at.n_muscles):
        a, e = load(w, at.activation + m), load(w, at.excitation + m)
        z = 0.5 + 1.5 * a
        rise = logistic(2.0 * muscles.smoothing[m] * (e - a))
        rate = rise / (muscles.activation_time[m] * z) + (1.0 - rise) * z * (1.0 / muscles.deactivation_time[m])
        store(w, at.activation_rate + m, rate * (e - a))
