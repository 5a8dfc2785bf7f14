"""What learners make of the toy task from the same samples: this suite's PPO in two precisions, and that of others."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np

from exogait.osim_env.learning.collect import Episodes
from exogait.osim_env.learning.config import LearnerConfig
from exogait.osim_env.learning.excitation.config import PpoConfig
from exogait.osim_env.learning.excitation.learner import ExcitationLearner
from exogait.osim_env.learning.excitation.network import Products, Room
from exogait.osim_env.learning.learner import Learner
from tests.kit.toy_world import N_ACTIONS, N_STATES, ToyWorld, mean_reward

N_ENVS, N_STEPS = 64, 24
SETTINGS = PpoConfig(
    actor=(32, 32), critic=(32, 32), noise=0.3, noise_memory=0.0, noise_along=0.0, learning_rate=1e-3,
    learning_rate_range=(1e-4, 1e-2), target_kl=0.05, epochs=4, minibatch=512, gamma=0.95, gae_lambda=0.95,
    critic_warmup=2, advantage_clip=0.0,
)  # fmt: skip


def walk(world: ToyWorld, learner: ExcitationLearner) -> None:
    """One roll-out."""
    learner.begin()
    for step in range(learner.n_steps):
        action = learner.act(world, step)  # type: ignore[arg-type]
        far = world.bodies.phase >= 0.5
        world.step(action)
        learner.record(world, step, far)  # type: ignore[arg-type]


def share(act: Callable[[np.ndarray], np.ndarray]) -> float:
    """How far a controller comes on the way from doing nothing (0) to the best linear one (1)."""
    gain = ToyWorld(1, 0).best_gain()
    nothing, best = mean_reward(lambda x: np.zeros((len(x), N_ACTIONS))), mean_reward(lambda x: -x @ gain.T)
    return (mean_reward(act) - nothing) / (best - nothing)


def own(seed: int, updates: int, products: Products = "float32") -> float:
    """This suite's PPO after so many updates of 64 x 24 samples; see :func:`share`."""
    world = ToyWorld(N_ENVS, seed)
    config = dataclasses.replace(SETTINGS, products=products)
    learner = ExcitationLearner(config, world, n_steps=N_STEPS, seed=seed)  # type: ignore[arg-type]
    for _ in range(updates):
        walk(world, learner)
        learner.update(world)  # type: ignore[arg-type]
    room = Room(learner.actor, 256)
    return share(lambda x: learner.mean_action(x, room).astype(float))


def others(seed: int, updates: int) -> float:
    """The same of stable-baselines3's PPO, as the recruitment scheme uses it."""
    c = SETTINGS
    config = LearnerConfig(
        layers=(32, 32), initial_std=c.noise, min_std=c.noise, learning_rate=c.learning_rate,
        learning_rate_range=c.learning_rate_range, target_kl=c.target_kl, epochs=c.epochs, minibatch=c.minibatch,
        gamma=c.gamma, gae_lambda=c.gae_lambda, clip=c.clip, critic_rate=c.critic_rate, mean_reward=True,
    )  # fmt: skip
    world, episodes = ToyWorld(N_ENVS, seed), Episodes.new(N_ENVS)
    learner = Learner(
        config, n_envs=N_ENVS, n_steps=N_STEPS, n_observations=N_STATES, n_actions=N_ACTIONS, seed=seed
    )  # fmt: skip
    for _ in range(updates):
        learner.begin()
        for _ in range(N_STEPS):
            results = world.step(learner.act(world.results.observation).astype(float))
            learner.record(results.reward, episodes.starts, results.truncated, results.final_observation)
            episodes.advance(results.truncated, 1.0)
        learner.update(world.results.observation, episodes.starts)
    return share(lambda x: learner.act_without_noise(x).astype(float))


LEARNERS: dict[str, Callable[[int, int], float]] = {
    "float32": own,
    "bfloat16": lambda seed, updates: own(seed, updates, "bfloat16"),
    "stable-baselines3": others,
}
