"""The search task of a study: one body's strategies, for the policies of all seeds."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd

from data.settings import from_mapping
from models.deficit import load_deficit

from .policy import load_policy
from .population import CONDITIONS
from .search import search_strategies
from .setup import WorldSetup
from .strategy import STRATEGY_NAMES, Strategies, load_strategies
from .study import HEALTHY, StudyConfig, Task, label_of, policy_files
from .training import merged
from .training_run import use_threads
from .world import WorldConfig


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
    walks = [dataclasses.replace(task, name=f"walk-{seed}-{label}", seed=seed) for seed in seeds]
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
        start = load_strategies(folder / f"search-{HEALTHY}" / "strategies.json").found
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
    strategies.save(folder / task.name / "strategies.json")
    return pd.DataFrame(figures)
