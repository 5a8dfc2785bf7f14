"""Muscle recruitment: which muscles carry a demanded set of joint moments.

The classic answer of static optimization (Crowninshield & Brand 1981; Anderson & Pandy 2001), solved anew at every
control step inside the simulation: with moment arms ``r``, force per unit activation ``g`` and passive force ``p`` of
the present state,

    minimise   1/2 sum_j ((sum_i r_ij (g_i a_i + p_i) - d_j) / s)^2 + 1/2 sum_i w_i a_i^2    s.t.  l_i <= a_i <= h_i.

The moments are demanded softly: no reserve torque exists that could make up for what the muscles cannot do. A torque
actuator of the trunk, where the model has one, enters as one more column with a high weight.

There are many more muscles than moments, so the dual problem is solved: with one multiplier ``y_j`` per moment the
activations follow as ``a_i = clip(sum_j A_ji y_j / w_i, l_i, h_i)``, ``A_ji = r_ij g_i / s``, and ``y`` minimises the
convex, piecewise quadratic function whose gradient is ``y + A a(y) - b``. A semismooth Newton method with a line
search ends in a few steps (Li & Swetits 1997), started from the last answer.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

Array = NDArray[np.floating[Any]]

MOMENT_SCALE = 10.0
"""Error in a joint moment that weighs as much as one fully active muscle of weight 1, N m."""
TOLERANCE = 1e-5
"""Largest entry of the dual gradient at which the answer counts as found, in units of MOMENT_SCALE."""
SUFFICIENT_DECREASE = 1e-4


@njit(cache=True, error_model="numpy")
def _dual(column, first, last, weight, lower, upper, target, y, activation, gradient):
    """Activations, gradient and value of the dual function at ``y``."""
    n_muscles, n_demands = column.shape
    value = 0.0
    for j in range(n_demands):
        gradient[j] = y[j] - target[j]
        value += y[j] * (0.5 * y[j] - target[j])
    for i in range(n_muscles):
        drive = 0.0
        for j in range(first[i], last[i]):
            drive += column[i, j] * y[j]
        a = min(max(drive / weight[i], lower[i]), upper[i])
        activation[i] = a
        value += a * (drive - 0.5 * weight[i] * a)
        for j in range(first[i], last[i]):
            gradient[j] += column[i, j] * a
    return value


@njit(cache=True, error_model="numpy")
def _newton_step(column, first, last, weight, lower, upper, activation, gradient, matrix, step):
    """Solve the Newton system of the muscles that are at no bound; Cholesky, in place."""
    n_muscles, n = column.shape
    for j in range(n):
        for k in range(j + 1):
            matrix[j, k] = 0.0
        matrix[j, j] = 1.0
    for i in range(n_muscles):
        if lower[i] < activation[i] < upper[i]:
            for j in range(first[i], last[i]):
                share = column[i, j] / weight[i]
                if share != 0.0:
                    for k in range(first[i], j + 1):
                        matrix[j, k] += share * column[i, k]
    for j in range(n):
        for k in range(j + 1):
            total = matrix[j, k]
            for m in range(k):
                total -= matrix[j, m] * matrix[k, m]
            matrix[j, k] = np.sqrt(total) if j == k else total / matrix[k, k]
    for j in range(n):
        total = -gradient[j]
        for m in range(j):
            total -= matrix[j, m] * step[m]
        step[j] = total / matrix[j, j]
    for j in range(n - 1, -1, -1):
        total = step[j]
        for m in range(j + 1, n):
            total -= matrix[m, j] * step[m]
        step[j] = total / matrix[j, j]


BODIES_PER_THREAD = 8
"""Fewer are done sooner than another thread has begun."""


class threads_for:
    """A block in which compiled loops over bodies use no more threads than are worth it; results are the same.

    OpenMP's threads wait for the next loop by turning in circles: on two cores, one body that walks alone cost three
    times the processor time, which was taken from whatever else ran.

    Args:
        n_bodies: How many the loop is over.
    """

    def __init__(self, n_bodies: int) -> None:
        self.most = max(1, n_bodies // BODIES_PER_THREAD)

    def __enter__(self) -> None:
        self.before = numba.get_num_threads()
        numba.set_num_threads(min(self.before, self.most))

    def __exit__(self, *_: object) -> None:
        numba.set_num_threads(self.before)


@njit(cache=True, error_model="numpy", parallel=True)
def recruit(
    moment_arm: Array,
    gain: Array,
    passive: Array,
    demand: Array,
    weight: Array,
    lower: Array,
    upper: Array,
    multiplier: Array,
    activation: Array,
    iterations: int,
) -> None:
    """Solve the recruitment problem of a batch.

    Args:
        moment_arm: Moment arms about the demanded coordinates, shape (batch, n_muscles, n_demands), m.
        gain: Tendon force per unit activation, shape (batch, n_muscles), N.
        passive: Tendon force at zero activation, shape (batch, n_muscles), N.
        demand: Demanded moments, shape (batch, n_demands), N m.
        weight: Weight of each squared activation, shape (n_muscles,).
        lower: Smallest activations, shape (n_muscles,).
        upper: Largest activations, shape (n_muscles,).
        multiplier: Start value, overwritten with the multipliers of the answer, shape (batch, n_demands).
        activation: Overwritten with the answer, shape (batch, n_muscles).
        iterations: Most Newton steps.
    """
    n_batch, n_muscles, n_demands = moment_arm.shape
    for b in prange(n_batch):
        column = np.empty((n_muscles, n_demands))
        first, last = np.empty(n_muscles, np.int64), np.empty(n_muscles, np.int64)
        target = np.empty(n_demands)
        gradient, step, trial = np.empty(n_demands), np.empty(n_demands), np.empty(n_demands)
        matrix = np.empty((n_demands, n_demands))
        for j in range(n_demands):
            target[j] = demand[b, j] / MOMENT_SCALE
        for i in range(n_muscles):
            first[i], last[i] = n_demands, 0
            for j in range(n_demands):
                arm = moment_arm[b, i, j] / MOMENT_SCALE
                column[i, j] = arm * gain[b, i]
                if arm != 0.0:
                    first[i] = min(first[i], j)
                    last[i] = j + 1
                    target[j] -= arm * passive[b, i]
        y, a = multiplier[b], activation[b]
        value = _dual(column, first, last, weight, lower, upper, target, y, a, gradient)
        for _ in range(iterations):
            worst = 0.0
            for j in range(n_demands):
                worst = max(worst, abs(gradient[j]))
            if not worst > TOLERANCE:
                break
            _newton_step(column, first, last, weight, lower, upper, a, gradient, matrix, step)
            slope = 0.0
            for j in range(n_demands):
                slope += gradient[j] * step[j]
            length, new = 1.0, value
            for _ in range(12):
                for j in range(n_demands):
                    trial[j] = y[j] + length * step[j]
                new = _dual(column, first, last, weight, lower, upper, target, trial, a, gradient)
                if new <= value + SUFFICIENT_DECREASE * length * slope:
                    break
                length *= 0.5
            for j in range(n_demands):
                y[j] = trial[j]
            value = new
