"""Recruitment against an independent solver of the same problem."""

from __future__ import annotations

import numba
import numpy as np
import pytest
from scipy.optimize import lsq_linear

from exogait.osim_env.gait.recruitment import BODIES_PER_THREAD, MOMENT_SCALE, recruit, threads_for

# The reference solver stops at 1e-12 in cost, which leaves about 1e-6 in the activations.
ACTIVATION_TOLERANCE = 1e-5


def test_recruitment_solves_the_bounded_least_squares_problem() -> None:
    rng = np.random.default_rng(3)
    batch, muscles, demands = 8, 30, 6
    arm = np.zeros((batch, muscles, demands))
    for i in range(muscles):
        first = rng.integers(0, demands - 1)
        arm[:, i, first : first + 2] = rng.uniform(-0.05, 0.05, (batch, 2))
    gain, passive = rng.uniform(300, 3000, (batch, muscles)), rng.uniform(0, 40, (batch, muscles))
    demand = rng.normal(0, 25, (batch, demands))
    weight, lower, upper = rng.uniform(0.1, 5, muscles), np.full(muscles, 0.01), np.ones(muscles)
    activation, multiplier = np.zeros((batch, muscles)), np.zeros((batch, demands))
    recruit(arm, gain, passive, demand, weight, lower, upper, multiplier, activation, 15)
    at_bounds = 0
    for b in range(batch):
        rows = (arm[b] * gain[b][:, None]).T / MOMENT_SCALE
        matrix = np.vstack([rows, np.diag(np.sqrt(weight))])
        target = np.concatenate([(demand[b] - arm[b].T @ passive[b]) / MOMENT_SCALE, np.zeros(muscles)])
        exact = lsq_linear(matrix, target, (lower, upper), tol=1e-14, max_iter=500).x
        np.testing.assert_allclose(activation[b], exact, atol=ACTIVATION_TOLERANCE)
        at_bounds += np.sum((activation[b] == 0.01) | (activation[b] == 1.0))
    assert at_bounds > 20  # the bounds were tested too


def test_a_weak_muscle_is_answered_by_its_synergist() -> None:
    arm = np.zeros((1, 2, 1))
    arm[0, :, 0] = 0.05
    found = []
    for strength in (2000.0, 400.0):
        activation = np.zeros((1, 2))
        bounds = np.full(2, 0.3), np.full(2, 0.01), np.ones(2)
        gain = np.array([[strength, 2000.0]])
        recruit(arm, gain, np.zeros((1, 2)), np.array([[40.0]]), *bounds, np.zeros((1, 1)), activation, 20)
        found.append(activation[0])
    healthy, weak = found
    assert abs(healthy[0] - healthy[1]) < ACTIVATION_TOLERANCE
    assert weak[1] > healthy[1]


def test_few_bodies_take_one_thread_and_many_all() -> None:
    before = numba.get_num_threads()
    for n_bodies, most in ((1, 1), (BODIES_PER_THREAD, 1), (2 * BODIES_PER_THREAD, 2), (10_000, before)):
        with threads_for(n_bodies):
            assert numba.get_num_threads() == min(before, most)
        assert numba.get_num_threads() == before
    with pytest.raises(ZeroDivisionError), threads_for(1):
        raise ZeroDivisionError
    assert numba.get_num_threads() == before
