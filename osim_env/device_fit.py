"""A device is fitted to a body with a weak side: how differently it serves the two legs.

One network controls both legs of a device (:mod:`osim_env.legs`), so it cannot know which of them is weak, and what it
learns it learns for both. Letting the two controllers part under action noise makes every seed's legs drift apart in
their own way; two numbers a joint do not: how much stronger one leg is served than the other, and by how much its
drive rests further. Whoever fits a real device turns such knobs while somebody walks (Zhang et al. 2017, Science
356:1280-1284). Here one knob is turned after the other: the same walks at five settings, a parabola through what they
earn, and its top as far as the walks agree about it.

What is earned is the device's own reward: muscle effort, smoothness of the command, falls. Nothing in it knows of
symmetry, imitation or any torque profile, and what is found may as well be no difference.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data.errors import InputError
from models.deficit import Deficit

from .evaluation import evaluation_world
from .legs import alike_on_both_sides
from .mirror import ODD_COORDINATES, mirror_map
from .policy import Policy
from .search import SHORTEST
from .setup import WorldSetup, strength_of
from .strategy import Strategies
from .world import WorldConfig

Array = NDArray[np.floating[Any]]

REST_SCALE = 0.5
"""How far settings differ in where a drive rests (shares of its peak torque), relative to its gain."""

ENOUGH = 0.5
"""Share of the walks more than which has to last under every setting; else the knob stays."""


@dataclass(frozen=True)
class FitConfig:
    """How much is tried.

    Attributes:
        settings: Of each knob, evenly from -reach to reach.
        reach: Largest change of a gain, up on one leg and down on the other.
        starts: Walks of each setting, per strength of the body.
        seconds: Length of each walk, s.
        settle: Time after the start whose reward does not count, s.
    """

    settings: int = 5
    reach: float = 0.2
    starts: int = 6
    seconds: float = 4.0
    settle: float = 1.5

    def __post_init__(self) -> None:
        if not 0 <= self.settle <= self.seconds - SHORTEST:
            raise InputError("fit: settle", self.settle, f"at least {SHORTEST:g} s less than the seconds of a walk")
        if not 0 < self.reach < 1:
            raise InputError("fit: reach", self.reach, "between 0 and 1")
        if self.settings < 3 or self.starts < 1:
            raise InputError("fit", dataclasses.asdict(self), "3 or more settings, 1 or more starts")


def fitted(device: Policy, gain: Array, rest: Array) -> Policy:
    """The policy with each drive's command times its gain, plus where it rests.

    Args:
        device: Device policy.
        gain: Shape (n_actions,).
        rest: Shares of the peak torque, shape (n_actions,).
    """
    weight, bias = device.layers[-1]
    last = (weight * np.asarray(gain)[:, None], bias * gain + rest)
    return dataclasses.replace(device, layers=(*device.layers[:-1], last))


class _Knobs:
    """What may differ between the legs: for each drive of the right one its gain, then where it rests."""

    def __init__(self, drives: Sequence[str]) -> None:
        partner, self.sign = mirror_map(drives, ODD_COORDINATES)
        self.right = np.array([i for i, name in enumerate(drives) if name.endswith("_r")])
        self.left = partner[self.right]
        self.n_drives = len(drives)
        self.names = [f"{drives[i]} {what}" for what in ("gain", "rest") for i in self.right]

    def unpack(self, numbers: Array) -> tuple[Array, Array]:
        """Gain and rest of each drive: what is up on the right leg is as much down on the left one."""
        more, further = np.split(np.asarray(numbers, float), 2)
        gain, rest = np.ones(self.n_drives), np.zeros(self.n_drives)
        gain[self.right], gain[self.left] = 1.0 + more, 1.0 - more
        rest[self.right], rest[self.left] = REST_SCALE * further, -REST_SCALE * further * self.sign[self.left]
        return gain, rest


def fit_device(
    setup: WorldSetup,
    world_config: WorldConfig,
    human: Policy,
    device: Policy,
    config: FitConfig,
    *,
    weaknesses: Sequence[Deficit],
    strategies: Strategies | None = None,
    speeds: Sequence[float] = (1.25,),
    seed: int = 0,
) -> tuple[Policy, list[dict[str, Any]]]:
    """Fit a device policy to a body that wears it.

    Args:
        setup: Model, device and reference, without a population.
        world_config: Settings of the world; its device reward is what settings are judged by.
        human: Policy of the muscles, which stays as it is.
        device: Policy to begin with.
        config: How much is tried.
        weaknesses: The body's deficit at each strength to walk with.
        strategies: What the body aims for beside the reference.
        speeds: Walking speeds, m/s; walks take turns.
        seed: Of the starts.

    Returns:
        The fitted policy, with gains and rests in its metadata (``fit``), and the figures of each knob: its name, what
        it was set to, the device reward per control step at each setting, and the number of walks that tell (a start
        from which any setting ends in a fall does not; where half of them do, the knob stays).

    Raises:
        InputError: The device's sides are not alike.
        PolicyMismatchError: A policy is meant for something else.
    """
    worn = setup.load_device()
    if worn is None or not alike_on_both_sides(worn):
        raise InputError("fit", setup.device, "a device with the same drives and sensors on both sides")
    knobs = _Knobs(worn.coordinates)
    each = config.starts * len(weaknesses)
    n = config.settings * each
    world = evaluation_world(setup, world_config, n_envs=n, seconds=config.seconds, seed=seed)
    for role, policy in (("human", human), ("device", device)):
        policy.require(role=role, **world.signature())
    world.dress(np.arange(n), "powered")
    for k, weakness in enumerate(weaknesses):
        bodies = np.arange(k, n, len(weaknesses))
        world.strength[bodies] = strength_of(world.physics.model, weakness)
        if strategies is not None:
            world.strategy.numbers[bodies] = strategies.of("powered", weakness)
    settle, steps = (round(t / world.config.control_step) for t in (config.settle, config.seconds))
    rng = np.random.default_rng(seed)

    def walk(policies: Sequence[Policy]) -> tuple[Array, NDArray[np.bool_]]:
        """Reward per control step under each policy from the same starts, and which starts none lets fall."""
        phase, speed = rng.random(each), np.resize(rng.permutation(np.asarray(speeds, float)), each)
        world.reset(np.arange(n), phase=np.tile(phase, config.settings), speed=np.tile(speed, config.settings))
        up, reward = np.ones(n, bool), np.zeros(n)
        for step in range(steps):
            sensed = np.split(world.device_observation(), config.settings)
            command = np.concatenate([policy.act(seen) for policy, seen in zip(policies, sensed, strict=True)])
            transition = world.step(human.act(world.human_observation()), command)
            up &= ~world.fallen
            reward += transition.device_reward if step >= settle else 0.0
        shape = (config.settings, each)
        return reward.reshape(shape) / (steps - settle), np.asarray(up.reshape(shape).all(axis=0))

    values = np.linspace(-config.reach, config.reach, config.settings)
    answer = np.zeros(len(knobs.names))
    figures: list[dict[str, Any]] = []
    for k, name in enumerate(knobs.names):
        tried = [np.where(np.arange(len(answer)) == k, value, answer) for value in values]
        reward, tells = walk([fitted(device, *knobs.unpack(numbers)) for numbers in tried])
        n_walks = int(tells.sum())
        if n_walks > max(ENOUGH * each, 1):
            answer[k] = agreed_top(values, reward[:, tells])
        mean = reward[:, tells].mean(axis=1).tolist() if n_walks else []
        figures.append({"knob": name, "value": answer[k], "reward": mean, "walks": n_walks})
    gain, rest = knobs.unpack(answer)
    policy = fitted(device, gain, rest)
    about = {**dataclasses.asdict(config), "gain": gain.round(4).tolist(), "rest": rest.round(4).tolist()}
    return dataclasses.replace(policy, metadata={**policy.metadata, "fit": about}), figures


def agreed_top(x: Array, y: Array) -> float:
    """Top of the parabola through the mean of several walks, drawn to zero as far as the walks disagree about it.

    The standard error is that of the jackknife; the top counts by its share of the sum of its square and that of the
    error.

    Args:
        x: Settings, shape (n,).
        y: What each walk earned at each, shape (n, n_walks), two walks or more.

    Example:
        >>> x = np.array([-1.0, 0.0, 1.0])
        >>> walks = -((x[:, None] - 0.5) ** 2)
        >>> round(agreed_top(x, np.tile(walks, 4)), 3)
        0.5
        >>> noise = np.array([[1.0, -1.0, 1.0, -1.0], [0.0, 0.0, 0.0, 0.0], [-1.0, 1.0, -1.0, 1.0]])
        >>> round(agreed_top(x, walks + noise), 2)
        0.37
    """
    n = y.shape[1]
    top = top_of_parabola(x, y.mean(axis=1))
    others = np.array([top_of_parabola(x, np.delete(y, walk, axis=1).mean(axis=1)) for walk in range(n)])
    error = (n - 1) / n * np.sum((others - others.mean()) ** 2)
    return float(top * top**2 / (top**2 + error)) if top else 0.0


def top_of_parabola(x: Array, y: Array) -> float:
    """Where a least-squares parabola is highest within the range of ``x``; the middle where it is flat.

    Example:
        >>> round(top_of_parabola(np.array([-1.0, 0.0, 1.0]), np.array([-4.0, -1.0, 0.0])), 3)
        1.0
        >>> top_of_parabola(np.array([-1.0, 0.0, 1.0]), np.zeros(3))
        0.0
    """
    constant, slope, bend = np.polynomial.Polynomial.fit(x, y, 2).convert().coef if np.ptp(y) else (0.0, 0.0, 0.0)
    if bend < 0:
        return float(np.clip(-slope / (2 * bend), x.min(), x.max()))
    ends = constant + slope * x + bend * x**2
    return float(x[np.argmax(ends)]) if np.ptp(y) else float(np.mean((x.min(), x.max())))
