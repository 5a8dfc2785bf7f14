"""What the bodies found when they searched for a gait of their own: before and after, by device condition."""

from __future__ import annotations

from math import nan

import numpy as np

from exogait.osim_env.gait.muscle_command import MuscleCommandConfig
from exogait.osim_env.gait.population import CONDITIONS
from exogait.osim_env.gait.strategy import STEP_RATE, STRATEGY_NAMES, Strategies, load_strategies
from exogait.osim_env.learning.policy import POLICY_FOLDER
from exogait.osim_env.study.plan import (
    StudyConfig,
    label_of,
)
from tests.validation.assistance_healthy import shown
from tests.validation.sections import markdown_table

LARGEST = 5
"""Numbers of a strategy that are named."""
STEP_RATE_PERCENT = 100 * MuscleCommandConfig().phase_rate


def searches(study: StudyConfig, policies: str) -> str:
    """Reward, power and falls before and after each search, and the largest numbers found without the device."""
    rows, numbers = [], []
    for body in study.bodies:
        path = POLICY_FOLDER / policies / f"{label_of(body, None)}_strategies.json"
        if not path.is_file():
            continue
        found = load_strategies(path)
        name = found.body.replace("_", " ") + ("" if found.strength == 100 else f" {found.strength:g}%")
        ends = found.about["before_and_after"]
        cells = []
        for condition in CONDITIONS:
            before, after = (row for row in ends if row["condition"] == condition)
            power = [shown(nan if end["fell"] else end["power"], digits=2) for end in (before, after)]
            cells += [
                f"{before['reward']:.2f} → {after['reward']:.2f}",
                " → ".join(power),
                f"{100 * before['fell']:.0f} → {100 * after['fell']:.0f}%",
            ]
        rows.append([name, *cells])
        if found.strength < 100:
            numbers.append([name, _words(found)])
    if not rows:
        return ""
    search = study.search
    assert search is not None
    each = ("reward", "W/kg", "falls")
    header = ["body", *(f"{condition}: {what}" for condition in CONDITIONS for what in each)]
    return (
        "Each body's search for strategies (`osim_env/study/search.py`), in each condition alike: "
        f"{search.generations} generations of {search.candidates} candidates, each walking with the policies of all "
        "seeds, which stay as they are. Candidates are judged by the human reward of a control step (that of the "
        "training, imitation weight and all) less a small price on leaving the gait that the search began with: "
        f"{search.habit * np.radians(1) ** 2:.3f} for one degree in one number, growing with its square "
        f"({search.healthy_habit * np.radians(1) ** 2:.3f} where the healthy body leaves the reference). Reward "
        "(without the price), net metabolic power (where nobody fell; Umberger 2010 as OpenSim's probe has it, in "
        "which they are paid) and falls in walks of "
        f"{search.late_seconds:g} s, before → after. The healthy body searches among symmetric strategies at all "
        f"speeds, for {search.healthy_generations} generations; weak ones begin from what it found.\n\n"
        + markdown_table(header, rows)
        + "\n\nWhat the weak bodies aim for without the device, against the healthy one, largest first (degrees; of "
        "the step rate, percent).\n\n" + markdown_table(["body", "numbers"], numbers)
    )


def _words(found: Strategies) -> str:
    """The largest numbers of a strategy, in words."""
    change = found.found["none"] - found.healthy["none"]
    scale = np.array([STEP_RATE_PERCENT if name.startswith(STEP_RATE) else np.degrees(1.0) for name in STRATEGY_NAMES])
    change = scale * change
    order = np.argsort(-np.abs(change))[:LARGEST]
    return ", ".join(f"{STRATEGY_NAMES[i]} {change[i]:+.1f}" for i in order)
