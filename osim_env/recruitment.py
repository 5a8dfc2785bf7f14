"""Muscle recruitment: which muscles carry a demanded set of joint moments.

The classic answer of static optimization (Crowninshield & Brand 1981; Anderson & Pandy 2001), solved anew at every
control step inside the simulation: with moment arms ``r``, force per unit activation ``g`` and passive force ``p`` of
the present state,

    minimise   1/2 sum_j ((sum_i r_ij (g_i a_i + p_i) - d_j) / s)^2 + 1/2 sum_i w_i a_i^2    s.t.  l_i <= a_i <= h_i.

The moments are demanded softly: no reserve torque exists that could make up for what the muscles cannot do. A
box-constrained least-squares problem of this shape is solved by cyclic coordinate descent (Luo & Tseng 1992),
warm-started with the last answer. A torque actuator of the trunk, where the model has one, enters as one more column
with a high weight.
"""

from __future__ import annotations

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

Array = NDArray[np.float64]

MOMENT_SCALE = 10.0
"""Error in a joint moment that weighs as much as one fully active muscle, N m."""


@njit(cache=True, error_model="numpy", parallel=True)
def recruit(
    moment_arm: Array,
    gain: Array,
    passive: Array,
    demand: Array,
    activation: Array,
    effort_weight: Array,
    lower: Array,
    upper: Array,
    sweeps: int,
) -> None:
    """Solve the recruitment problem of a batch in place.

    Args:
        moment_arm: Moment arms about the demanded coordinates, shape (batch, n_muscles, n_demands), m.
        gain: Tendon force per unit activation, shape (batch, n_muscles), N.
        passive: Tendon force at zero activation, shape (batch, n_muscles), N.
        demand: Demanded moments, shape (batch, n_demands), N m.
        activation: Start value, overwritten with the answer, shape (batch, n_muscles).
        effort_weight: Weight of each squared activation, shape (n_muscles,).
        lower: Smallest activations, shape (n_muscles,).
        upper: Largest activations, shape (n_muscles,).
        sweeps: Passes over all muscles.
    """
    n_batch, n_muscles, n_demands = moment_arm.shape
    for b in prange(n_batch):
        residual = np.empty(n_demands)
        column = np.empty((n_muscles, n_demands))
        curvature = np.empty(n_muscles)
        first = np.empty(n_muscles, np.int64)
        last = np.empty(n_muscles, np.int64)
        for j in range(n_demands):
            residual[j] = -demand[b, j] / MOMENT_SCALE
        for i in range(n_muscles):
            curvature[i] = effort_weight[i]
            first[i], last[i] = n_demands, 0
            for j in range(n_demands):
                arm = moment_arm[b, i, j]
                column[i, j] = arm * gain[b, i] / MOMENT_SCALE
                if arm != 0.0:
                    first[i] = min(first[i], j)
                    last[i] = j + 1
                    curvature[i] += column[i, j] * column[i, j]
                    residual[j] += arm * (gain[b, i] * activation[b, i] + passive[b, i]) / MOMENT_SCALE
        for _ in range(sweeps):
            for i in range(n_muscles):
                slope = effort_weight[i] * activation[b, i]
                for j in range(first[i], last[i]):
                    slope += column[i, j] * residual[j]
                new = min(max(activation[b, i] - slope / curvature[i], lower[i]), upper[i])
                change = new - activation[b, i]
                if change != 0.0:
                    activation[b, i] = new
                    for j in range(first[i], last[i]):
                        residual[j] += column[i, j] * change
