"""Collecting samples: every body walks while the policy, and a device's where one is on, act."""

from __future__ import annotations

import time

import numpy as np

from ...excitation.terms import TERMS
from ...excitation.world import ExcitationWorld
from ..collect import Episodes
from ..policy import Policy
from .learner import ExcitationLearner


def collect(
    world: ExcitationWorld, learner: ExcitationLearner, device: Policy | None, episodes: Episodes
) -> dict[str, float]:
    """Let every body walk for one roll-out of the learner.

    Args:
        world: Bodies that start anew by themselves.
        learner: Acts and records.
        device: Drives the devices that are on.
        episodes: Where episodes stand; moved on.

    Returns:
        Mean of every reward term with a weight (``term/...``) and of the reward per control step, and the wall time of
        the simulation (``seconds/simulation``).
    """
    learner.begin()
    terms, reward, simulation = np.zeros(len(TERMS)), np.zeros(2), 0.0
    device_action = None if world.device is None else np.zeros((world.n_envs, world.n_device_actions))
    for step in range(learner.n_steps):
        if device is not None and device_action is not None and world.device_decides:
            on = np.flatnonzero(world.bodies.powered * world.bodies.worn)
            device_action[on] = device.act(world.results.device_observation[on])
        action = learner.act(world, step)
        far = world.bodies.phase >= 0.5
        start = time.monotonic()
        results = world.step(action, device_action)
        simulation += time.monotonic() - start
        learner.record(world, step, far)
        episodes.advance(learner.ended[step], world.config.control_step)
        terms += results.terms.mean(axis=0)
        reward += results.reward.mean(), results.device_reward.mean()
    weighted = [k for k in range(len(TERMS)) if world.weights[k]]
    figures = {f"term/{TERMS[k]}": terms[k] / learner.n_steps for k in weighted}
    reward /= learner.n_steps
    return figures | {"reward/human": reward[0], "reward/device": reward[1], "seconds/simulation": simulation}
