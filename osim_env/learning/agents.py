"""Agents that need no training, for checking an environment before and after."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ..gait.world import GaitWorld

Array = NDArray[np.floating[Any]]
AgentName = Literal["zero", "random", "reference"]


def run_agent(world: GaitWorld, agent: AgentName, seconds: float, seed: int = 0) -> dict[str, float]:
    """Walk with an untrained agent from random starts.

    Args:
        world: A world that does not reset itself.
        agent: ``zero`` gives zero actions, ``random`` uniform ones; ``reference`` puts the body on the reference motion
            before every control step, which shows what the reference earns and whether muscles can carry it.
        seconds: Length of the walk, s.
        seed: Of the random actions.

    Returns:
        Mean time to the fall (s, at most ``seconds``), mean reward per step, and the mean of every reward term.
    """
    rng = np.random.default_rng(seed)
    n = world.n_envs
    up, lasted, reward = np.ones(n, bool), np.zeros(n), 0.0
    sums: dict[str, float] = {}
    steps = round(seconds / world.config.control_step)
    for _ in range(steps):
        action = np.zeros((n, world.n_human_actions))
        if agent == "random":
            action = rng.uniform(-1, 1, action.shape)
        if agent == "reference":
            world.reset(np.arange(n), phase=world.phase.copy(), speed=world.speed.copy())
        step = world.step(action)
        up &= ~world.fallen
        lasted += up * world.config.control_step
        reward += float(step.human_reward.mean())
        for name, value in step.terms.items():
            sums[name] = sums.get(name, 0.0) + float(value.mean())
    return {
        "seconds_to_fall": float(lasted.mean()),
        "reward": reward / steps,
        **{name: value / steps for name, value in sums.items()},
    }
