"""A task small enough to know its answer: hold a noisy linear system at rest, seen through the learner's interface."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

import numpy as np
from scipy.linalg import solve_discrete_are

N_STATES, N_ACTIONS = 6, 3
EPISODE = 60
NOISE, EFFORT = 0.1, 0.1


class ToyWorld:
    """``x' = A x + B a + noise`` with reward ``1 - |x|^2 - 0.1 |a|^2``; what an excitation world shows a learner.

    Args:
        n_envs: Systems.
        seed: Of the noise and the starts; the system itself is always the same.
    """

    def __init__(self, n_envs: int, seed: int) -> None:
        fixed = np.random.default_rng(7)
        turn = np.linalg.qr(fixed.standard_normal((N_STATES, N_STATES)))[0]
        self.a = turn @ np.diag(np.linspace(0.7, 0.98, N_STATES)) @ turn.T
        self.b = 0.5 * fixed.standard_normal((N_STATES, N_ACTIONS))
        self.n_envs, self.n_observations, self.n_actions = n_envs, N_STATES, N_ACTIONS
        self.privileged_names = ("time",)
        self.anatomy = SimpleNamespace(muscle_mass=np.ones(N_ACTIONS - 1), muscle_mirror=np.arange(N_ACTIONS - 1))
        self.model = SimpleNamespace(n_muscles=N_ACTIONS - 1)
        self.config = SimpleNamespace(squash=10.0)
        self.bodies = SimpleNamespace(person_mass=np.ones(n_envs), phase=np.zeros(n_envs))
        self.results = SimpleNamespace(
            observation=np.zeros((n_envs, N_STATES), np.float32), privileged=np.zeros((n_envs, 1), np.float32),
            final_observation=np.zeros((n_envs, N_STATES), np.float32),
            final_privileged=np.zeros((n_envs, 1), np.float32), reward=np.zeros(n_envs),
            terminated=np.zeros(n_envs, bool), truncated=np.zeros(n_envs, bool),
        )  # fmt: skip
        self.rng = np.random.default_rng(seed)
        self.x, self.time = np.zeros((n_envs, N_STATES)), np.zeros(n_envs, int)
        self._start(np.arange(n_envs))

    def _start(self, index: np.ndarray) -> None:
        self.x[index] = self.rng.standard_normal((len(index), N_STATES))
        self.time[index] = self.rng.integers(0, EPISODE, len(index)) if len(index) == self.n_envs else 0
        self._show()

    def _show(self) -> None:
        self.results.observation[:], self.results.privileged[:, 0] = self.x, self.time / EPISODE

    def step(self, action: np.ndarray, device_action: None = None) -> SimpleNamespace:
        """Advance every system by one step; those whose time is over start anew."""
        results = self.results
        results.reward = 1.0 - (self.x**2).sum(axis=1) - EFFORT * (action**2).sum(axis=1)
        noise = NOISE * self.rng.standard_normal(self.x.shape)
        self.x = self.x @ self.a.T + action @ self.b.T + noise
        self.time += 1
        results.truncated = self.time >= EPISODE
        results.final_observation[:], results.final_privileged[:, 0] = self.x, self.time / EPISODE
        self._start(np.flatnonzero(results.truncated))
        return results

    def best_gain(self) -> np.ndarray:
        """Gain of the best linear controller, ``a = -K x`` (discrete Riccati equation)."""
        q, r = np.eye(N_STATES), EFFORT * np.eye(N_ACTIONS)
        p = solve_discrete_are(self.a, self.b, q, r)
        return np.linalg.solve(r + self.b.T @ p @ self.b, self.b.T @ p @ self.a)


def mean_reward(
    act: Callable[[np.ndarray], np.ndarray], seed: int = 99, n_envs: int = 256, steps: int = 2 * EPISODE
) -> float:
    """Mean reward per step of a function from states to actions."""
    world, total = ToyWorld(n_envs, seed), 0.0
    for _ in range(steps):
        total += world.step(act(world.results.observation)).reward.mean()
    return total / steps
