"""Evaluation of a policy: deterministic actions, no early termination, no pelvis spring, no reset after the start."""

from __future__ import annotations

import numpy as np

from ..gait.config import WorldConfig
from ..gait.setup import WorldSetup, make_world
from ..gait.strategy import Strategies
from ..gait.world import GaitWorld
from .config import EvaluationConfig, unaided
from .policy import Policy


def evaluation_world(
    setup: WorldSetup,
    world: WorldConfig,
    *,
    n_envs: int,
    seconds: float,
    seed: int,
    pushes: tuple[float, float] = (0, 0),
) -> GaitWorld:
    """A world in which nothing helps: episodes end at a fall or with the time.

    Args:
        setup: Model, device, deficit, reference.
        world: Settings of the training, of which everything that eases it is dropped.
        n_envs: Size of the batch.
        seconds: Length of each walk, s.
        seed: Of the random starts and pushes.
        pushes: Force (N) and interval (s) of random pushes.
    """
    return make_world(setup, unaided(world, seconds, pushes), n_envs=n_envs, seed=seed, auto_reset=False)


def evaluate_policy(
    policy: Policy,
    setup: WorldSetup,
    world_config: WorldConfig,
    config: EvaluationConfig,
    *,
    speeds: tuple[float, float],
    device_policy: Policy | None = None,
    strategies: Strategies | None = None,
    seed: int = 0,
) -> dict[str, float]:
    """Walk at several speeds from random starts.

    Returns:
        ``survival`` (share of walks without a fall), ``seconds_walked`` (mean), ``speed_error`` (mean relative, of
        the walks that lasted), ``joint_error`` (mean absolute tracking error of the joints while walking, rad),
        ``score`` (mean human reward per control step, zero after a fall), ``minimum_survival`` (of the worst speed).
    """
    grid = np.unique(np.linspace(*speeds, config.n_speeds))
    commanded = np.repeat(grid, config.starts)
    world = evaluation_world(setup, world_config, n_envs=len(commanded), seconds=config.seconds, seed=seed)
    world.strategies = strategies
    world.reset(np.arange(world.n_envs), speed=commanded)
    steps = round(config.seconds / world_config.control_step)
    settle = round(min(config.settle, config.seconds / 2) / world_config.control_step)
    up = np.ones(world.n_envs, bool)
    lasted, distance, error, counted, score = (np.zeros(world.n_envs) for _ in range(5))
    forward = world.column["pelvis_tx"]
    for step in range(steps):
        action = policy.act(world.human_observation())
        device_action = None if device_policy is None else device_policy.act(world.device_observation())
        before = world.q[:, forward].copy()
        transition = world.step(action, device_action)
        up &= ~world.fallen
        lasted += up * world_config.control_step
        score += np.where(up, transition.human_reward, 0.0)
        if step >= settle:
            deviation = np.abs((world.q - world.q_reference)[:, world.joint_columns]).mean(axis=1)
            distance += np.where(up, world.q[:, forward] - before, 0.0)
            error += np.where(up, deviation, 0.0)
            counted += up
        if not up.any():
            break
    seconds = np.maximum(counted, 1) * world_config.control_step
    relative = np.abs(distance / seconds / commanded - 1.0)
    per_speed = up.reshape(len(grid), config.starts).mean(axis=1)
    walked = counted > 0
    return {
        "survival": float(up.mean()),
        "minimum_survival": float(per_speed.min()),
        "seconds_walked": float(lasted.mean()),
        "speed_error": float(relative[walked].mean()) if walked.any() else float("nan"),
        "joint_error": float((error / np.maximum(counted, 1))[walked].mean()) if walked.any() else float("nan"),
        "score": float(score.mean() / steps),
    }
