"""What the walking studies share: the world of the policy, a line of the table of aims, the short version."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from exogait.data.settings import from_mapping
from exogait.osim_env.gait.config import WorldConfig
from exogait.osim_env.gait.setup import WorldSetup
from exogait.osim_env.gait.world import GaitWorld
from exogait.osim_env.learning.evaluation import evaluation_world
from exogait.osim_env.learning.policy import Policy
from tests.validation.sections import markdown_table, write_section

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


SHORT_NOTE = "**Short version: it shows that the study runs; nothing here is a result.**\n\n" if SHORT else ""
"""What stands above the findings of a short version."""


def verdicts(found: Mapping[str, Found]) -> tuple[str, str]:
    """How many aims of some studies are met, in words, and the table of all aims."""
    aims = [aim for some, _ in found.values() for aim in some]
    judged = [aim for aim in aims if aim.met is not None]
    table = markdown_table(["what", "measured", "aim", ""], [aim.row() for aim in aims])
    return f"{sum(bool(aim.met) for aim in judged)} of {len(judged)} aims met.", table


def chapters(found: Mapping[str, Found]) -> str:
    """The studies' tables under their titles."""
    return "\n\n".join(f"### {title}\n\n{text}" for title, (_, text) in found.items())


def publish(section: str, text: str) -> None:
    """Print the findings, and write them into docs/results.md unless the version is the short one."""
    print(text)
    if not SHORT:
        write_section("results.md", section, text)


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
