"""The fit of a study: a device that was tuned to a weak body, fitted to its two legs."""

from __future__ import annotations

import dataclasses

import pandas as pd

from data.settings import from_mapping
from models.deficit import load_deficit

from .device_fit import fit_device
from .policy import Policy
from .strategy import load_strategies
from .study import StudyConfig, Task
from .training import Trainer, merged
from .world import WorldConfig


def fit_to_body(config: StudyConfig, task: Task, trainer: Trainer, device: Policy) -> tuple[Policy, pd.DataFrame]:
    """Fit the device of a finished fine-tune at all strengths of its body, in the gait that it was tuned with.

    Returns:
        The device policy, and the figures of every knob.

    Raises:
        InputError: The device's sides are not alike.
    """
    assert task.body is not None and config.fit is not None
    body, variant = config.bodies[task.body], config.variant_of(task)
    assert body.deficit is not None
    human, tuned = trainer.policy("human"), trainer.config
    own = {} if variant is None else variant.world
    world = merged(merged(human.metadata["settings"]["world"], config.walk_world), own)
    policy, figures = fit_device(
        dataclasses.replace(tuned.setup, population=None, deficit=None),
        from_mapping(WorldConfig, world, where="walk_world"), human, device, config.fit,
        weaknesses=[load_deficit(body.deficit, strength=strength, side=body.side) for strength in body.strengths],
        strategies=None if tuned.strategies is None else load_strategies(tuned.strategies),
        speeds=config.speeds_of(body, variant), seed=task.seed,
    )  # fmt: skip
    return policy, pd.DataFrame(figures)
