"""Umberger 2010 for the training loop: whole-body power of a batch of bodies, one pass over the muscles.

The equations with the probe's default options stand in :func:`exogait.models.energetics.umberger2010`, which every
analysis uses; this loop gives the same sum (a test holds the two together) some ten times faster, because rewards
need it at every control step.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from exogait.data.constants import AEROBIC_FACTOR, MINIMUM_HEAT_RATE

from .recruitment import threads_for

Array = NDArray[np.floating[Any]]


def umberger_power(
    excitation: Array,
    activation: Array,
    normalized_fiber_length: Array,
    normalized_fiber_velocity: Array,
    active_fiber_force: Array,
    force_length: Array,
    *,
    muscle_mass: Array,
    slow_twitch_ratio: Array,
    fastest: Array,
) -> Array:
    """Metabolic power of all muscles without the basal rate.

    Args:
        excitation: Shape (batch, n_muscles).
        activation: Same shape.
        normalized_fiber_length: Over optimal fiber length.
        normalized_fiber_velocity: Over the maximum contraction velocity, negative while shortening.
        active_fiber_force: Along the fiber, N.
        force_length: Active force-length multiplier.
        muscle_mass: kg, shape (n_muscles,).
        slow_twitch_ratio: Share of slow fibres, shape (n_muscles,).
        fastest: Maximum contraction velocity, m/s, shape (n_muscles,).

    Returns:
        Shape (batch,), W.
    """
    power = np.empty(len(activation))
    with threads_for(len(power)):
        _umberger(
            excitation, activation, normalized_fiber_length, normalized_fiber_velocity, active_fiber_force,
            force_length, muscle_mass, slow_twitch_ratio, fastest, power,
        )  # fmt: skip
    return power


@njit(cache=True, error_model="numpy", parallel=True)
def _umberger(e, a, length, velocity, force, iso, mass, slow_ratio, fastest, power):
    n_batch, n_muscles = a.shape
    for b in prange(n_batch):
        total = 0.0
        for i in range(n_muscles):
            excitation, activation, shape = e[b, i], a[b, i], iso[b, i]
            scaling = excitation if excitation > activation else 0.5 * (excitation + activation)
            angle = 0.5 * np.pi * excitation
            slow = slow_ratio[i] * np.sin(angle)
            both = slow + (1.0 - slow_ratio[i]) * (1.0 - np.cos(angle))
            slow = slow / both if excitation != 0.0 else 1.0
            long = length[b, i] > 1.0
            activation_heat = AEROBIC_FACTOR * scaling**0.6 * (128.0 * (1.0 - slow) + 25.0)
            if long:
                activation_heat *= 0.4 + 0.6 * shape
            v = velocity[b, i]
            if v <= 0.0:
                shortening = scaling**2 * (min(-250.0 * v, 100.0) * slow - 153.0 * v * (1.0 - slow))
            else:
                shortening = scaling * 4.0 * 250.0 * v
            shortening *= AEROBIC_FACTOR
            if long:
                shortening *= shape
            work = -max(force[b, i], 0.0) * v * fastest[i] / mass[i]
            shortening -= min(activation_heat + shortening + work, 0.0)
            heat = max(activation_heat + shortening, MINIMUM_HEAT_RATE)
            total += mass[i] * (heat + work)
        power[b] = total
