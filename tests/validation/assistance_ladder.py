"""How weak a body may be that finds a gait of its own: weaker and weaker, with a short search at every strength.

``python -m tests.validation.assistance_ladder`` (under an hour on one core) writes ``assistance_ladder.csv`` beside
this file, from which the study's severe bodies come, by a rule that looks at falls alone: two strengths below the
weakest one that needs no search, or as far towards it as no generalist's human falls without the device. Not farther:
the study's search, which has to find its way from the healthy gait at once, is not twice as long as one step here.
Each search is without the device and begins where the one before ended.
"""

from __future__ import annotations

import dataclasses
import sys

import numpy as np
import pandas as pd

from exogait.data.settings import load_settings
from exogait.models.deficit import load_deficit
from exogait.osim_env.gait.setup import WorldSetup, strength_of
from exogait.osim_env.gait.strategy import STRATEGY_NAMES
from exogait.osim_env.learning.policy import load_policy
from exogait.osim_env.learning.rollout import roll_out
from exogait.osim_env.learning.simulation import policy_settings
from exogait.osim_env.study.plan import (
    SearchConfig,
    StudyConfig,
    find_study,
)
from exogait.osim_env.study.search import search_strategies
from tests.validation.assistance_tolerance import LADDER, SECONDS, STEPS, STRENGTHS, severe, walk_weaker, walked
from tests.validation.walking_world import MAIN_SPEED, policy_world

SEARCH = SearchConfig(generations=25, late_seconds=4.0, habit=0.0)


def go_down(study: StudyConfig, policies: str, name: str, strengths: list[float]) -> pd.DataFrame:
    """Search at one strength after the other, until a walk falls.

    Returns:
        Columns deficit, strength, seed, fell, rate (gross, W/kg) and asymmetry (%).
    """
    humans, devices = (
        [load_policy(f"{policies}/generalist_{seed}_{role}") for seed in study.seeds] for role in ("human", "device")
    )
    _, config, setup = policy_settings(humans[0], WorldSetup())
    setup = dataclasses.replace(setup, population=None)
    numbers, rows = np.zeros(len(STRATEGY_NAMES)), []
    for strength in strengths:
        weak = load_deficit(name, strength=strength, side="right")
        found, _ = search_strategies(
            setup, config, humans, devices, SEARCH, weakness=weak, conditions=("none",), start={"none": numbers},
            grow=False,
        )  # fmt: skip
        numbers = found["none"]
        for seed, human in zip(study.seeds, humans, strict=True):
            world = policy_world(human, 1, SECONDS, seed=seed)
            world.strength[:] = strength_of(world.physics.model, weak)
            world.dress(np.arange(1), "none")
            world.strategy.numbers[:] = numbers
            world.reset(np.arange(1), speed=np.array([MAIN_SPEED]))
            trial = roll_out(world, human, SECONDS)[0]
            rows.append({"deficit": name, "strength": strength, "seed": seed, **walked(trial)})
        print(pd.DataFrame(rows[-len(humans) :]).round(2).to_string(index=False), flush=True)
        if any(row["fell"] for row in rows[-len(humans) :]):
            break
    return pd.DataFrame(rows)


def main() -> None:
    """Go down from where no search is needed, for every deficit of the study or those named."""
    study = load_settings(StudyConfig, find_study("hip_ankle"))
    levels = severe(walk_weaker(study, "hip_ankle"))
    names = sys.argv[1:] or list(levels)
    old = [pd.read_csv(LADDER)] if LADDER.is_file() else []
    for name in names:
        below = [strength for strength in STRENGTHS if not strength >= levels[name]][:STEPS]
        new = go_down(study, "hip_ankle", name, below) if below else pd.DataFrame({"deficit": []})
        old = [part[part["deficit"] != name] for part in old] + [new]
        pd.concat(old, ignore_index=True).round(2).to_csv(LADDER, index=False)


if __name__ == "__main__":
    main()
