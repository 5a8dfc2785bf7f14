"""Collecting samples: every body walks while the policy, and a device's where one is on, act."""

from __future__ import annotations

import time
from typing import Literal

import numpy as np

from ...excitation.terms import TERMS
from ...excitation.world import ExcitationWorld
from ..collect import Episodes
from .device import DeviceAgent
from .learner import ExcitationLearner


def collect(
    world: ExcitationWorld,
    learner: ExcitationLearner,
    device: DeviceAgent | None,
    episodes: Episodes,
    *,
    learns: Literal["human", "device"] = "human",
) -> dict[str, float]:
    """Let every body walk for one roll-out; who learns explores and remembers, the other acts as it will be used.

    Args:
        world: Bodies that start anew by themselves.
        learner: The human's.
        device: Decides for the devices that are on.
        episodes: Where episodes stand; moved on.
        learns: Who learns.

    Returns:
        Mean of every reward term with a weight (``term/...``) and of the reward per control step, and the wall time of
        the simulation (``seconds/simulation``).
    """
    learner.begin()
    if device is not None:
        device.begin()
    terms, reward, simulation = np.zeros(len(TERMS)), np.zeros(2), 0.0
    for step in range(learner.n_steps):
        device_action = None if device is None else device.decide(learns=learns == "device")
        action = learner.act(world, step) if learns == "human" else learner.act_without_noise(world)
        far = world.bodies.phase >= 0.5
        start = time.monotonic()
        results = world.step(action, device_action)
        simulation += time.monotonic() - start
        if learns == "human":
            learner.record(world, step, far)
        if device is not None:
            device.follow()
        episodes.advance(results.terminated | results.truncated, world.config.control_step)
        terms += results.terms.mean(axis=0)
        reward += results.reward.mean(), results.device_reward.mean()
    weighted = [k for k in range(len(TERMS)) if world.weights[k]]
    figures = {f"term/{TERMS[k]}": terms[k] / learner.n_steps for k in weighted}
    reward /= learner.n_steps
    return figures | {"reward/human": reward[0], "reward/device": reward[1], "seconds/simulation": simulation}
