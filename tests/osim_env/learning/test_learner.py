"""One learner: it learns, it is deterministic, and it comes back exactly from its arrays."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from exogait.osim_env.learning.learner import Learner, LearnerConfig

CONFIG = LearnerConfig(layers=(32, 32), minibatch=512)


def make(seed: int = 0) -> Learner:
    torch.set_num_threads(1)
    return Learner(CONFIG, n_envs=64, n_steps=32, n_observations=3, n_actions=2, seed=seed)


def train(learner: Learner, rng: np.random.Generator, updates: int) -> list[float]:
    """A task with a known answer: the action should be 0.8 times the first two observations."""
    rewards = []
    observation, start = rng.uniform(-1, 1, (64, 3)), np.zeros(64, bool)
    for _ in range(updates):
        learner.begin()
        for _ in range(32):
            action = learner.act(observation)
            reward = -((action - 0.8 * observation[:, :2]) ** 2).sum(axis=1)
            rewards.append(float(reward.mean()))
            following, done = rng.uniform(-1, 1, (64, 3)), rng.random(64) < 0.05
            learner.record(reward, start, done, following)
            observation, start = following, done
        learner.update(observation, start)
    return rewards


def test_it_learns_a_known_answer() -> None:
    rewards = train(make(), np.random.default_rng(0), 20)
    assert np.mean(rewards[-32:]) > 0.25 * np.mean(rewards[:32])
    # 0.08 is what the remaining action noise of 0.2 costs on two actions.
    assert np.mean(rewards[-32:]) > -0.13


def test_same_seed_same_numbers() -> None:
    first, second = (train(make(5), np.random.default_rng(1), 3) for _ in range(2))
    assert first == second


def test_arrays_bring_everything_back() -> None:
    learner = make()
    rng = np.random.default_rng(2)
    train(learner, rng, 2)
    saved, torch_state, numpy_state = learner.arrays(), torch.get_rng_state(), np.random.get_state()
    ahead = train(learner, np.random.default_rng(3), 2)
    other = make(seed=9)
    other.load_arrays(saved)
    torch.set_rng_state(torch_state)
    np.random.set_state(numpy_state)
    assert train(other, np.random.default_rng(3), 2) == ahead


def test_an_episode_cut_by_time_is_worth_what_would_have_come() -> None:
    learner = make()
    learner.begin()
    observation = np.ones((64, 3))
    learner.act(observation)
    cut = np.zeros(64, bool)
    cut[0] = True
    learner.record(np.zeros(64), np.zeros(64, bool), cut, observation)
    with torch.no_grad():
        value = learner.policy.predict_values(torch.from_numpy(learner.normalize(observation)))[0].item()
    stored = learner.rollout_buffer.rewards[0]
    assert stored[0] == pytest.approx(CONFIG.gamma * value, rel=1e-5)
    assert not stored[1:].any()
