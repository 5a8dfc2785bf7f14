"""Paired walks of a study: all conditions from the same states."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from exogait.data.constants import CONDITIONS
from exogait.data.errors import InputError
from exogait.data.settings import from_mapping
from exogait.data.trial import GaitTrial
from exogait.models.deficit import Deficit, load_deficit

from .plan import StudyConfig, Task

if TYPE_CHECKING:
    from ..gait.config import WorldConfig
    from ..gait.setup import WorldSetup
    from ..gait.strategy import Strategies
    from ..learning.policy import Policy
from .files import policy_files, strategies_file
from .plan import settings_of_task

Summary = dict[str, pd.DataFrame]

Summarise = Callable[[GaitTrial, Mapping[str, Any]], Summary]
"""From a walk and its settings to tables by name; every table must say which walk its rows belong to."""


def walk_task(config: StudyConfig, task: Task, folder: Path, summarise: Summarise, exported: bool) -> Summary:
    """Walk with one body in all conditions, from the same states."""
    from ..gait.config import WorldConfig
    from ..gait.setup import WorldSetup
    from ..gait.strategy import load_strategies
    from ..learning.config import merged
    from ..learning.policy import load_policy
    from ..learning.run import use_threads

    use_threads(1)
    assert task.body is not None
    body = config.bodies[task.body]
    human_file, device_file = policy_files(config, task, folder, exported)
    human = load_policy(human_file)
    variant = config.variant_of(task)
    profile = None if variant is None else variant.device_profile
    settings = human.metadata["settings"]
    setup = from_mapping(WorldSetup, {**settings["setup"], "population": None, "deficit": None})
    own = {} if variant is None else variant.world
    world = merged(merged({**settings["world"], "integration_step": 0.001}, config.walk_world), own)
    world_config = from_mapping(WorldConfig, world, where="walk_world")
    found = strategies_file(config, task, folder, exported)
    strategies = None if found is None else load_strategies(found)
    if strategies is not None and strategies.body != body.name:
        raise InputError("strategies", str(found), f"those of {body.name}, these are of {strategies.body}")
    parts: dict[str, list[pd.DataFrame]] = {}
    for strength in body.strengths:
        weak = None
        if body.deficit is not None:
            weak = load_deficit(body.deficit, strength=strength, side=body.side)
        about = {**settings_of_task(config, task), "deficit": body.deficit or "", "strength": float(strength)}
        tables = paired_walks(
            setup, world_config, human, load_policy(device_file) if profile is None else profile, summarise, about,
            weakness=weak, speeds=config.speeds_of(body, variant), starts=config.starts, seconds=config.seconds,
            seed=task.seed, strategies=strategies,
        )  # fmt: skip
        for name, table in tables.items():
            parts.setdefault(name, []).append(table)
    return {name: pd.concat(some, ignore_index=True) for name, some in parts.items()}


def paired_walks(
    setup: WorldSetup,
    world_config: WorldConfig,
    human: Policy,
    device: Policy | str,
    summarise: Summarise,
    about: Mapping[str, Any],
    *,
    weakness: Deficit | None,
    speeds: Sequence[float],
    starts: int,
    seconds: float,
    seed: int,
    strategies: Strategies | None = None,
) -> Summary:
    """Walk with one body in all device conditions, from the same states.

    Args:
        setup: Model, device and reference, without a population.
        world_config: Settings of the world.
        human: Policy of the muscles.
        device: Policy of the device, or the name or file of a fixed torque profile.
        summarise: From a walk and its settings to tables.
        about: Settings that the walks share; what differs between them is added.
        weakness: Deficit of the body; full strength without.
        speeds: Walking speeds, m/s.
        starts: Walks per condition and speed.
        seconds: Length of each walk, s.
        seed: Of the random starts, which are the same in every condition.
        strategies: What the body aims for beside the reference in each condition.

    Raises:
        PolicyMismatchError: A policy is meant for something else.
    """
    from ..gait.setup import strength_of
    from ..learning.evaluation import evaluation_world
    from ..learning.prescribed import PrescribedTorque
    from ..learning.rollout import roll_out

    commanded = np.repeat(speeds, starts)
    condition = np.repeat(CONDITIONS, len(commanded))
    n = len(condition)
    world = evaluation_world(setup, world_config, n_envs=n, seconds=seconds, seed=seed)
    human.require(role="human", **world.signature())
    if weakness is not None:
        world.strength[:] = strength_of(world.physics.model, weakness)
    for name in CONDITIONS:
        wearing = np.flatnonzero(condition == name)
        world.dress(wearing, name)
        if strategies is not None:
            world.strategy.numbers[wearing] = strategies.of(name, weakness)
    phase = np.random.default_rng(seed).random(len(commanded))
    world.reset(np.arange(n), phase=np.tile(phase, len(CONDITIONS)), speed=np.tile(commanded, len(CONDITIONS)))
    if isinstance(device, str):
        driver = PrescribedTorque(world, device)
    else:
        device.require(role="device", **world.signature())
        driver = device
    parts: dict[str, list[pd.DataFrame]] = {}
    for i, trial in enumerate(roll_out(world, human, seconds, device_policy=driver)):
        own = {
            **about,
            "device": setup.device,
            "condition": str(condition[i]),
            "speed": float(world.speed[i]),
            "start": int(i % starts),
            "imitation_weight": world_config.imitation_weight,
            "imitation_dead_zone": world_config.imitation_dead_zone,
        }
        for name, table in summarise(trial, own).items():
            parts.setdefault(name, []).append(table)
    return {name: pd.concat(some, ignore_index=True) for name, some in parts.items()}
