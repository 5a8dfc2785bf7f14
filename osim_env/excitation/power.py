"""Metabolic power of a whole body inside the kernel, Umberger 2010 in lanes.

The equations stand in :func:`exogait.models.energetics.umberger2010`, the masses and fibre shares in
:mod:`exogait.models.anatomy`; a test holds them together. Two sums come back: the accounting ``umberger2010``, in which
negative (eccentric) work is credited, and ``umberger2010_uncredited``, in which it is worth nothing. No muscle has a
floor of heat: the basal rate, which is added outside, holds the heat of resting muscles.
"""

from __future__ import annotations

from exogait.data.constants import AEROBIC_FACTOR

from ..engine.lane_math import exp, log, sin_cos
from ..engine.lanes import jit, lanes, load, maximum, minimum, where
from ..engine.muscles import active_force_length


@jit
def umberger(w, at, anatomy):
    """Power over the last control step, with and without credit for eccentric work, W, as two lanes."""
    credited, uncredited = lanes(w, 0.0), lanes(w, 0.0)
    for m in range(at.n_muscles):
        excitation = load(w, at.excitation + m)
        activation = load(w, at.mean_activation + m)
        length = load(w, at.mean_fiber_length + m)
        v = load(w, at.mean_fiber_velocity + m)
        force = load(w, at.mean_active_force + m)
        shape = active_force_length(length, anatomy.width_scale[m])
        scaling = where(excitation > activation, excitation, 0.5 * (excitation + activation))
        sine, cosine = sin_cos((0.5 * 3.141592653589793) * excitation)
        slow = anatomy.slow_ratio[m] * sine
        both = slow + (1.0 - anatomy.slow_ratio[m]) * (1.0 - cosine)
        slow = where(excitation != 0.0, slow / maximum(both, lanes(w, 1e-30)), 1.0)
        long = length > 1.0
        power = exp(0.6 * log(maximum(scaling, lanes(w, 1e-20))))
        heat = AEROBIC_FACTOR * power * (128.0 * (1.0 - slow) + 25.0)
        heat = where(long, heat * (0.4 + 0.6 * shape), heat)
        contracting = scaling * scaling * (minimum(-250.0 * v, lanes(w, 100.0)) * slow - 153.0 * v * (1.0 - slow))
        shortening = AEROBIC_FACTOR * where(v <= 0.0, contracting, scaling * (1000.0 * v))
        shortening = where(long, shortening * shape, shortening)
        work = -(maximum(force, lanes(w, 0.0)) * v) * (anatomy.fastest[m] / anatomy.muscle_mass[m])
        none = lanes(w, 0.0)
        credited = credited + anatomy.muscle_mass[m] * maximum(heat + shortening + work, none)
        uncredited = uncredited + anatomy.muscle_mass[m] * (heat + shortening + maximum(work, none))
    return credited, uncredited
