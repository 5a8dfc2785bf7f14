"""A body finds its own way of walking: a search for its strategies, the same in every device condition.

Reinforcement with noise on every action moves a gait that already walks well very little: what is learned under noise
is bought with stiffness. Here nothing is noisy. Candidates are whole ways of walking
(:mod:`exogait.osim_env.gait.strategy`); each walks for some strides under policies that stay as they are, and CMA-ES
(Hansen & Ostermeier 2001; the package ``cma``) moves towards those with the higher human reward: the training's own,
with its imitation weight, its costs and no symmetry term. A small price on every departure (``habit``) keeps what
earns nothing from drifting, in all conditions alike.

Every device condition has a search of its own. All try the same number of candidates and start each walk from the same
states; that of the healthy body begins from the reference, that of a weak one from the healthy body's of its condition.
A candidate walks once with the human (and, powered, the device) of every seed, so what is found belongs to the body,
not to one network.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from exogait.data.constants import CONDITIONS
from exogait.data.errors import MissingDependencyError
from exogait.data.names import side_of
from exogait.data.settings import from_mapping
from exogait.models.deficit import Deficit, load_deficit

from ..gait.config import WorldConfig
from ..gait.setup import WorldSetup, strength_of
from ..gait.strategy import STEP_RATE, STRATEGY_NAMES, Strategies, load_strategies, symmetrized
from ..learning.config import merged
from ..learning.evaluation import evaluation_world
from ..learning.policy import Policy, load_policy
from ..learning.run import use_threads
from . import names
from .files import policy_files
from .plan import (
    HEALTHY,
    SearchConfig,
    StudyConfig,
    Task,
    label_of,
)

Array = NDArray[np.floating[Any]]

FALLEN = -5.0
"""Reward of every control step after a fall: less than a walk of 20 W/kg earns, which no body keeps up."""


def scales() -> Array:
    """How far candidates differ in each number, relative to one another, shape (len(STRATEGY_NAMES),).

    Second harmonics half as far, as their speeds are twice as large; shares of the step rate three times as far.
    """
    scale = np.ones(len(STRATEGY_NAMES))
    for i, name in enumerate(STRATEGY_NAMES):
        if name.endswith(" 2"):
            scale[i] = 0.5
        elif name.startswith(STEP_RATE):
            scale[i] = 3.0
    return scale


def symmetric_basis() -> Array:
    """Strategies that are their own mirror images, one orthogonal column each, shape (len(STRATEGY_NAMES), n)."""
    columns = []
    for i, name in enumerate(STRATEGY_NAMES):
        left = side_of(name.split(" ")[0]) == "l"
        column = symmetrized(np.eye(len(STRATEGY_NAMES))[i])
        if not left and column.any():
            columns.append(column / np.abs(column).max())
    return np.stack(columns, axis=1)


def search_strategies(
    setup: WorldSetup,
    world_config: WorldConfig,
    humans: Sequence[Policy],
    devices: Sequence[Policy],
    config: SearchConfig,
    *,
    weakness: Deficit | None = None,
    conditions: Sequence[str] = CONDITIONS,
    speeds: Sequence[float] = (1.25,),
    start: Mapping[str, Array] | None = None,
    grow: bool = True,
    seed: int = 0,
) -> tuple[dict[str, Array], list[dict[str, Any]]]:
    """Search for one body's strategies in all device conditions.

    A healthy body searches among symmetric strategies only.

    Args:
        setup: Model, device and reference, without a population.
        world_config: Settings of the world; its human reward is what candidates are judged by.
        humans: Human policies, one a seed; they stay as they are.
        devices: Device policies of the same seeds.
        config: How much is tried.
        weakness: Deficit of the body; full strength without.
        conditions: Device conditions, each with a search of its own.
        speeds: Walking speeds, m/s; each generation walks at as many of them as there are seeds.
        start: Numbers by condition to begin from; the reference itself without.
        grow: Whether the weakness grows to the whole over the first third of the generations.
        seed: Of candidates and starts.

    Returns:
        Numbers by condition (the mean that CMA-ES ends with, averaged over the last quarter of the generations), and
        the figures: condition, generation, reward per control step, net metabolic power (W/kg, of walks without a fall;
        None where there is none) and share that fell, means over the candidates. The first row of a condition is what
        the search began with, the last one what it found, both from the same states and at the whole weakness
        (``final`` True).

    Raises:
        MissingDependencyError: The package cma is not installed.
        PolicyMismatchError: A policy is meant for something else.
    """
    try:
        import cma
    except ImportError:
        raise MissingDependencyError("cma", "searching for strategies", "learn") from None
    trial = CandidateWalks(setup, world_config, humans, devices, config, weakness, conditions, speeds, seed)
    basis = symmetric_basis() if weakness is None else np.eye(len(STRATEGY_NAMES))
    basis = basis * np.max(np.abs(basis) * scales()[:, None], axis=0)
    first = {name: np.zeros(len(STRATEGY_NAMES)) if start is None else np.asarray(start[name]) for name in conditions}
    options = {"popsize": config.candidates, "seed": seed + 1, "verbose": -9}
    searches = [
        cma.CMAEvolutionStrategy(np.zeros(basis.shape[1]), config.spread, dict(options)) for _ in conditions
    ]  # fmt: skip
    figures: list[dict[str, Any]] = []

    def note(generation: int, found: Mapping[str, Array], final: bool) -> None:
        for c, name in enumerate(conditions):
            row = {"condition": name, "generation": generation, "final": final}
            means = {key: values[c][np.isfinite(values[c])] for key, values in found.items()}
            figures.append(row | {key: float(known.mean()) if len(known) else None for key, known in means.items()})

    def strategies(parts: Sequence[Array]) -> Array:
        return np.stack([first[name] + part @ basis.T for name, part in zip(conditions, parts, strict=True)])

    still = np.zeros((config.candidates, basis.shape[1]))
    late = config.late_seconds
    note(0, trial.walk(strategies([still] * len(conditions)), 0, late), True)
    n_generations, habit = config.generations, config.habit
    if weakness is None:
        n_generations, habit = config.healthy_generations, config.healthy_habit
    departures = basis.T / scales()
    means: list[list[Array]] = []
    for generation in range(1, n_generations + 1):
        asked = [np.array(search.ask()) for search in searches]
        weak = min(1.0, 3 * generation / n_generations) if grow else 1.0
        is_late = generation > 0.75 * n_generations
        seconds = late if is_late else config.seconds
        found = trial.walk(strategies(asked), generation, seconds, weak)
        for search, candidates, reward in zip(searches, asked, found["reward"], strict=True):
            price = habit * np.sum((candidates @ departures) ** 2, axis=1)
            search.tell(list(candidates), (price - reward).tolist())
        if is_late:
            means.append([np.array(search.mean) for search in searches])
        note(generation, found, False)
    answers = list(np.mean(means, axis=0))
    note(n_generations, trial.walk(strategies([np.tile(x, (config.candidates, 1)) for x in answers]), 0, late), True)
    return {name: first[name] + basis @ x for name, x in zip(conditions, answers, strict=True)}, figures


class CandidateWalks:
    """Walks of all candidates: conditions by seeds by candidates, in one batch."""

    def __init__(
        self, setup: WorldSetup, world_config: WorldConfig, humans: Sequence[Policy], devices: Sequence[Policy],
        config: SearchConfig, weakness: Deficit | None, conditions: Sequence[str], speeds: Sequence[float],
        seed: int,
    ) -> None:  # fmt: skip
        self.config, self.humans, self.devices = config, humans, devices
        self.speeds, self.seed = np.asarray(speeds, float), seed
        self.shape = (len(conditions), len(humans), config.candidates)
        n = int(np.prod(self.shape))
        self.world = world = evaluation_world(setup, world_config, n_envs=n, seconds=config.late_seconds, seed=seed)
        for role, policies in (("human", humans), ("device", devices)):
            for policy in policies:
                policy.require(role=role, **world.signature())
        if weakness is not None:
            world.strength[:] = strength_of(world.physics.model, weakness)
        condition, self.human, _ = (index.ravel() for index in np.indices(self.shape))
        for c, name in enumerate(conditions):
            world.dress(np.flatnonzero(condition == c), name)
        self.powered = np.array([name == "powered" for name in conditions])[condition]
        self.loss = 1.0 - world.strength

    def walk(self, numbers: Array, generation: int, seconds: float, weakness: float = 1.0) -> dict[str, Array]:
        """Let all candidates walk.

        Args:
            numbers: Shape (conditions, candidates, len(STRATEGY_NAMES)).
            generation: Decides about the starts.
            seconds: Length of the walks, s.
            weakness: Share of the body's loss of strength.

        Returns:
            Reward, net metabolic power of the walks that did not fall (NaN where all did) and share of falls, each of
            shape (conditions, candidates), means over the seeds.
        """
        world, config, n = self.world, self.config, self.world.n_envs
        world.strategy.numbers[:] = np.broadcast_to(numbers[:, None], (*self.shape, numbers.shape[-1])).reshape(n, -1)
        world.strength[:] = 1.0 - weakness * self.loss
        rng = np.random.default_rng((self.seed, generation))
        phase = rng.random(len(self.humans))
        speed = np.resize(rng.permutation(self.speeds), len(self.humans))
        world.reset(np.arange(n), phase=phase[self.human], speed=speed[self.human])
        up, steps = np.ones(n, bool), round(seconds / world.config.control_step)
        settle = round(config.settle / world.config.control_step)
        reward, power, counted = np.zeros(n), np.zeros(n), np.zeros(n)
        for step in range(steps):
            transition = world.step(*self._act())
            up &= ~world.fallen
            measured = up & (step >= settle)
            reward += np.where(measured, transition.human_reward, np.where(up, 0.0, FALLEN))
            power += np.where(measured, world.metabolic_power / world.person_mass, 0.0)
            counted += measured
            if not up.any():
                reward += FALLEN * (steps - 1 - step)
                break
        power, counted = np.where(up, power, 0.0), np.where(up, counted, 0.0)
        reward, fell, power, counted = (
            values.reshape(self.shape).mean(axis=1) for values in (reward / (steps - settle), ~up, power, counted)
        )
        with np.errstate(invalid="ignore"):
            return {"reward": reward, "fell": fell, "power": power / counted}

    def _act(self) -> tuple[Array, Array]:
        """Actions of humans and devices, each body under the policies of its seed."""
        world = self.world
        seen, sensed = world.human_observation(), world.device_observation()
        human = np.zeros((world.n_envs, world.n_human_actions))
        device = np.zeros((world.n_envs, world.n_device_actions))
        for h, (policy, control) in enumerate(zip(self.humans, self.devices, strict=True)):
            own = self.human == h
            human[own] = policy.act(seen[own])
            own = own & self.powered
            device[own] = control.act(sensed[own])
        return human, device


def run_search(config: StudyConfig, task: Task, folder: Path) -> pd.DataFrame:
    """Search for the strategies of a task's body, and leave them in its folder as ``strategies.json``.

    Returns:
        The figures of every generation and condition.
    """
    use_threads(1)
    assert task.body is not None
    body = config.bodies[task.body]
    variant = config.variant_of(task)
    search = config.search_of(variant)
    assert search is not None
    seeds = config.seeds_of(variant)
    label = label_of(body, variant)
    walks = [dataclasses.replace(task, name=names.walking(names.of_seed(seed, label)), seed=seed) for seed in seeds]
    files = [policy_files(config, walk, folder, False) for walk in walks]
    humans, devices = ([load_policy(pair[role]) for pair in files] for role in (0, 1))
    settings = humans[0].metadata["settings"]
    own = {} if variant is None else variant.world
    setup = from_mapping(WorldSetup, {**settings["setup"], "population": None, "deficit": None})
    world = from_mapping(WorldConfig, merged(merged(settings["world"], config.walk_world), own), where="walk_world")
    strength = float(min(body.strengths))
    weakness = start = None
    if body.deficit is not None:
        weakness = load_deficit(body.deficit, strength=strength, side=body.side)
    if config.begins_healthy(body, variant):
        start = load_strategies(folder / names.searching(HEALTHY) / names.STRATEGIES_FILE).found
    found, figures = search_strategies(
        setup, world, humans, devices, search, weakness=weakness, speeds=config.speeds_of(body, variant),
        start=start, seed=task.seed,
    )  # fmt: skip
    zeros = {name: np.zeros(len(STRATEGY_NAMES)) for name in CONDITIONS}
    about = {
        "seeds": list(seeds), **dataclasses.asdict(search), "imitation_weight": world.imitation_weight,
        "before_and_after": [row for row in figures if row["final"]],
    }  # fmt: skip
    strategies = Strategies(body.name, strength, body.side, found, zeros if start is None else start, about)
    strategies.save(folder / task.name / names.STRATEGIES_FILE)
    return pd.DataFrame(figures)
