"""What the walking studies share: the world of the policy, a line of the table of aims, the short version."""

from __future__ import annotations

import os
from dataclasses import dataclass

from exogait.data.settings import from_mapping
from exogait.osim_env.gait.config import WorldConfig
from exogait.osim_env.gait.setup import WorldSetup
from exogait.osim_env.gait.world import GaitWorld
from exogait.osim_env.learning.evaluation import evaluation_world
from exogait.osim_env.learning.policy import Policy

SHORT = bool(os.environ.get("EXOGAIT_SHORT"))
"""Fewer and shorter walks, nothing written: whether the study runs, not what it finds."""
SPEEDS = (0.75, 1.0, 1.25, 1.5, 1.75)
MAIN_SPEED = 1.25


@dataclass(frozen=True)
class Aim:
    """One line of the table: what was measured and whether the aim was met; None where there is nothing to meet."""

    what: str
    value: str
    aim: str
    met: bool | None

    def row(self) -> list[object]:
        """Cells of the table."""
        verdict = {True: "met", False: "**missed**", None: ""}[None if self.met is None else bool(self.met)]
        return [self.what, self.value, self.aim, verdict]


Found = tuple[list[Aim], str]
"""What a study gives: its aims and its tables as Markdown."""


def policy_world(
    policy: Policy, n: int, seconds: float, *, pushes: tuple[float, float] = (0, 0), seed: int = 0, engine: str = "twin"
) -> GaitWorld:
    """An evaluation world with the settings the policy was trained with, at 1 ms integration.

    Args:
        policy: What will walk.
        n: Bodies.
        seconds: Length of each walk, s.
        pushes: Force (N) and interval (s).
        seed: Of starts and pushes.
        engine: ``twin`` or ``opensim``.
    """
    settings = policy.metadata["settings"]
    config = from_mapping(WorldConfig, {**settings["world"], "integration_step": 0.001})
    setup = from_mapping(WorldSetup, {**settings["setup"], "engine": engine, "population": None})
    world = evaluation_world(setup, config, n_envs=n, seconds=seconds, seed=seed, pushes=pushes)
    policy.require(**world.signature())
    return world
