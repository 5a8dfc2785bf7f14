"""A device is fitted to a body with a weak side: how differently it serves the two legs.

One network controls both legs of a device (:mod:`osim_env.legs`). What it senses may tell it that one leg is weak, but
what it learns from that leg it learns for the other, too. Letting two controllers part under action noise makes every
seed's legs drift apart in their own way; two numbers a joint do not: how much stronger one leg is served than the
other, and a command that is always there. Whoever fits a real device turns such knobs while somebody walks (Zhang et
al. 2017, Science 356:1280-1284). Here one knob is turned after the other: the same walks at five settings, a parabola
through what they earn, and its top as far as the walks agree about it. In the end the device as it was and the fitted
one walk from new starts; where the fitted one earns less, by more than the standard error, nothing was fitted.

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
from .legs import Legs, alike_on_both_sides
from .policy import Policy
from .search import FALLEN, SHORTEST
from .setup import WorldSetup, strength_of
from .strategy import Strategies
from .world import WorldConfig

Array = NDArray[np.floating[Any]]

REST_SCALE = 0.5
"""How far settings differ in the constant part of a command, relative to its gain."""


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
    reach: float = 0.15
    starts: int = 6
    seconds: float = 4.0
    settle: float = 1.5

    def __post_init__(self) -> None:
        if not 0 <= self.settle <= self.seconds - SHORTEST:
            raise InputError("fit: settle", self.settle, f"at least {SHORTEST:g} s less than the seconds of a walk")
        if not 0 < self.reach < 1:
            raise InputError("fit: reach", self.reach, "between 0 and 1")
        if self.settings < 3 or self.starts < 3:
            raise InputError("fit", dataclasses.asdict(self), "3 or more settings, 3 or more starts")


def fitted(device: Policy, gain: Array, rest: Array) -> Policy:
    """A policy whose every command is the device's times a gain, plus a constant.

    Both apply before commands are cut to [-1, 1].

    Args:
        device: Device policy.
        gain: Shape (n_actions,).
        rest: Constant part of the command, shares of the peak torque of its direction, shape (n_actions,).

    Returns:
        The policy, with the metadata of the device's.
    """
    weight, bias = device.layers[-1]
    last = (weight * np.asarray(gain)[:, None], bias * gain + rest)
    return dataclasses.replace(device, layers=(*device.layers[:-1], last))


def unpack(legs: Legs, numbers: Array) -> tuple[Array, Array]:
    """Gain and constant part of every command from how the legs differ.

    Args:
        legs: The device's.
        numbers: For each drive of the right leg by how much its gain is up, then its constant part over
            :data:`REST_SCALE`, shape (2 legs.n_actions,); the left leg's are as much the other way.

    Returns:
        Gains and constant parts, each of shape (n_actions,).
    """
    more, further = np.split(np.asarray(numbers, float), 2)
    gain, rest = np.ones(2 * legs.n_actions), np.zeros(2 * legs.n_actions)
    gain[legs.right], gain[legs.left] = 1.0 + more, 1.0 - more
    rest[legs.right], rest[legs.left] = REST_SCALE * further, -REST_SCALE * further * legs.left_sign
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
        The policy, with what was found in its metadata (``fit``: gain and rest of every command, device reward per
        control step before and after, whether the fit was kept), and the figures: one row for each knob and setting
        with the device reward per control step and the share of walks that fell, and what the knob was set to.

    Raises:
        InputError: The device's sides are not alike.
        PolicyMismatchError: A policy is meant for something else.
    """
    worn = setup.load_device()
    if worn is None or not alike_on_both_sides(worn):
        raise InputError("fit", setup.device, "a device with the same drives and sensors on both sides")
    each = config.starts * len(weaknesses)
    n = config.settings * each
    world = evaluation_world(setup, world_config, n_envs=n, seconds=config.seconds, seed=seed)
    for role, policy in (("human", human), ("device", device)):
        policy.require(role=role, **world.signature())
    assert world.exoskeleton is not None
    legs = Legs(world.exoskeleton)
    world.dress(np.arange(n), "powered")
    for k, weakness in enumerate(weaknesses):
        bodies = np.arange(k, n, len(weaknesses))
        world.strength[bodies] = strength_of(world.physics.model, weakness)
        if strategies is not None:
            world.strategy.numbers[bodies] = strategies.of("powered", weakness)
    settle, steps = (round(t / world.config.control_step) for t in (config.settle, config.seconds))
    rng = np.random.default_rng((seed, steps))  # other starts than those of the walks that are compared
    turn = np.arange(each) // len(weaknesses)  # every strength walks at every speed

    def walk(policies: Sequence[Policy]) -> tuple[Array, NDArray[np.bool_]]:
        """Reward per control step under each policy from the same starts, and who fell, (settings, each)."""
        phase, speed = rng.random(each), np.resize(rng.permutation(np.asarray(speeds, float)), config.starts)[turn]
        world.reset(np.arange(n), phase=np.tile(phase, config.settings), speed=np.tile(speed, config.settings))
        up, reward = np.ones(n, bool), np.zeros(n)
        for step in range(steps):
            sensed = np.split(world.device_observation(), config.settings)
            command = np.concatenate([policy.act(seen) for policy, seen in zip(policies, sensed, strict=True)])
            transition = world.step(human.act(world.human_observation()), command)
            up &= ~world.fallen
            reward += np.where(up, transition.device_reward if step >= settle else 0.0, FALLEN)
        shape = (config.settings, each)
        return reward.reshape(shape) / (steps - settle), ~up.reshape(shape)

    values = np.linspace(-config.reach, config.reach, config.settings)
    names = [f"{worn.coordinates[i]} {what}" for what in ("gain", "rest") for i in legs.right]
    answer = np.zeros(len(names))
    figures: list[dict[str, Any]] = []
    for k, name in enumerate(names):
        tried = [np.where(np.arange(len(answer)) == k, value, answer) for value in values]
        reward, fell = walk([fitted(device, *unpack(legs, numbers)) for numbers in tried])
        answer[k] = agreed_top(values, reward)
        scale = REST_SCALE if name.endswith("rest") else 1.0
        figures += [
            {"knob": name, "setting": scale * value, "reward": float(reward[i].mean()), "fell": float(fell[i].mean()),
             "found": scale * answer[k]}
            for i, value in enumerate(values)
        ]  # fmt: skip
    gain, rest = unpack(legs, answer)
    policy = fitted(device, gain, rest)
    reward, _ = walk([device, *[policy] * (config.settings - 1)])
    before, after = float(reward[0].mean()), float(reward[1].mean())
    worse = reward[0] - reward[1]
    kept = bool(worse.mean() <= worse.std(ddof=1) / np.sqrt(each))
    if not kept:
        policy, gain, rest = device, np.ones_like(gain), np.zeros_like(rest)
    about = {
        **dataclasses.asdict(config), "gain": gain.round(4).tolist(), "rest": rest.round(4).tolist(),
        "reward": [before, after], "kept": kept,
    }  # fmt: skip
    return dataclasses.replace(policy, metadata={**policy.metadata, "fit": about}), figures


def agreed_top(x: Array, y: Array) -> float:
    """Top of the parabola through the mean of several walks, drawn to zero as far as the walks disagree about it.

    Its standard error is that of the jackknife; the square of the top counts less the square of the error. Where the
    parabola of all walks, or of all but one, has no top, there is none.

    Args:
        x: Settings, shape (n,).
        y: What each walk earned at each, shape (n, n_walks), two walks or more.

    Returns:
        The top, within the settings.

    Example:
        >>> x = np.array([-1.0, 0.0, 1.0])
        >>> walks = -((x[:, None] - 0.5) ** 2)
        >>> round(agreed_top(x, np.tile(walks, 4)), 3)
        0.5
        >>> noise = np.array([[1.0, -1.0, 1.0, -1.0], [0.0, 0.0, 0.0, 0.0], [-1.0, 1.0, -1.0, 1.0]])
        >>> round(agreed_top(x, np.tile(walks, 4) + noise), 2), agreed_top(x, np.tile(walks, 4) + 2 * noise)
        (0.33, 0.0)
        >>> agreed_top(x, -np.tile(walks, 4))
        0.0
    """
    n = y.shape[1]
    _, slope, bend = np.polynomial.polynomial.polyfit(x, y, 2)  # least squares is linear: those of means are means
    slopes, bends = ((part.sum() - part) / (n - 1) for part in (slope, bend))
    if bend.mean() >= 0 or (bends >= 0).any():
        return 0.0
    top, others = -slope.mean() / (2 * bend.mean()), -slopes / (2 * bends)
    error = (n - 1) / n * np.sum((others - others.mean()) ** 2)
    share = max(0.0, 1.0 - error / top**2) if top else 0.0
    return float(np.clip(share * top, x.min(), x.max()))
