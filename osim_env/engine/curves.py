"""The muscle curves for numpy arrays, for everything outside the kernels.

Source: as in :mod:`exogait.osim_env.engine.muscles`, whose constants are used.
"""

from __future__ import annotations

import numpy as np

from exogait.data.errors import InputError

from .model import Floats, Model
from .muscles import B1, B2, B3, C1, C2, C3, D1, D2, D3, D4


def require_degroote_fregly(model: Model) -> None:
    """Refuse a model with other muscles where the curves of DeGroote-Fregly muscles are taken for granted.

    Raises:
        InputError: It has Millard or Thelen muscles.
    """
    others = [model.muscle_names[m] for m in model.hills.muscle]
    if others:
        given = f"{len(others)} Millard or Thelen muscles, {others[0]} the first"
        raise InputError(f"model {model.name}", given, "convert them: convert_muscles=True in compile_osim")


def active_force_length(model: Model, length: Floats) -> Floats:
    """Active force-length multiplier.

    Args:
        model: The compiled model.
        length: Normalized fibre length, shape (..., n_muscles).
    """
    x = (length - 1.0) / model.muscles.width_scale + 1.0
    bells = [b[0] * np.exp(-0.5 * ((x - b[1]) / (b[2] + b[3] * x)) ** 2) for b in (B1, B2, B3)]
    return bells[0] + bells[1] + bells[2]


def passive_force_length(model: Model, length: Floats) -> Floats:
    """Passive force multiplier at a normalized fibre length, shape (..., n_muscles)."""
    m = model.muscles
    return m.passive_gain * (np.exp(m.passive_rate * (length - 1.0)) - m.passive_offset)


def force_velocity(velocity: Floats) -> Floats:
    """Force-velocity multiplier at a normalized fibre velocity."""
    t = D2 * velocity + D3
    return D1 * np.log(t + np.sqrt(t * t + 1.0)) + D4


def tendon_length(model: Model, force: Floats) -> Floats:
    """Tendon length in slack lengths at a normalized tendon force, shape (..., n_muscles)."""
    return np.log((force + C3) / C1) / model.muscles.tendon_stiffness + C2


def equilibrium_tendon_force(
    model: Model, length: Floats, speed: Floats, activation: Floats, *, iterations: int = 60
) -> Floats:
    """Normalized tendon force at which fibre and tendon balance while the tendon keeps its length.

    Bisection between 0 and 5, as in DeGrooteFregly2016Muscle::computeInitialFiberEquilibrium.

    Args:
        model: The compiled model.
        length: Muscle-tendon length, m, shape (B, n_muscles).
        speed: Lengthening speed, m/s, shape (B, n_muscles).
        activation: Shape (B, n_muscles).
        iterations: Halvings of the interval.

    Returns:
        Normalized tendon force, shape (B, n_muscles); zero where the tendon is rigid.
    """
    m = model.muscles
    low, high = np.zeros(np.shape(length)), np.full(np.shape(length), 5.0)

    def residual(force: Floats) -> Floats:
        along = length - m.tendon_slack_length * tendon_length(model, force)
        fiber = np.sqrt(along**2 + m.fiber_width**2)
        cosine = along / fiber
        velocity = speed * cosine / m.max_speed
        norm = fiber / m.optimal_fiber_length
        fiber_force = activation * active_force_length(model, norm) * force_velocity(velocity)
        fiber_force += passive_force_length(model, norm) + m.fiber_damping * velocity
        return force - fiber_force * cosine

    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        for _ in range(iterations):
            middle = 0.5 * (low + high)
            above = residual(middle) > 0.0
            low, high = np.where(above, low, middle), np.where(above, middle, high)
    return np.where(m.compliant == 1, 0.5 * (low + high), 0.0)
