"""How weak a body may be: walks of the generalists' humans without the device, weaker and weaker.

The severities of the study come from here and from ``assistance_ladder``, by a rule that looks at falls alone. Moderate
is the weakest of the strengths below at which no generalist's human falls without the device; severe is up to two
strengths below it, as far as none falls after a short search for a gait of the body's own. Where that is the same
strength, moderate is some halfway from there to healthy.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from exogait.analysis.outcomes.walk import walk_outcomes
from exogait.data.names import AS_PROBE, HEADLINE_ACCOUNTING
from exogait.data.trial import GaitTrial
from exogait.models.deficit import load_deficit
from exogait.osim_env.gait.setup import strength_of
from exogait.osim_env.learning.policy import POLICY_FOLDER, load_policy
from exogait.osim_env.learning.rollout import roll_out
from exogait.osim_env.study.plan import (
    StudyConfig,
)
from tests.validation.assistance_healthy import shown
from tests.validation.sections import markdown_table
from tests.validation.walking_world import MAIN_SPEED, policy_world

STRENGTHS = (60.0, 50.0, 40.0, 30.0, 25.0, 20.0, 15.0, 10.0)
STEPS = 2
"""Strengths that the search goes down."""
SECONDS, SETTLE = 15.0, 4.0
PAID = HEADLINE_ACCOUNTING + AS_PROBE
"""Accounting of every rate here: the one in which the policies were paid and the bodies searched."""
LADDER = Path(__file__).with_name("assistance_ladder.csv")


def walk_weaker(study: StudyConfig, policies: str) -> pd.DataFrame:
    """One walk without the device for each deficit of a study, strength and seed.

    Returns:
        Columns deficit, strength, seed, fell, rate (gross, W/kg) and asymmetry (%).
    """
    cases = [(b, s) for b in study.bodies if b.deficit is not None for s in STRENGTHS]
    rows = []
    for seed in study.seeds:
        human = load_policy(POLICY_FOLDER / policies / f"generalist_{seed}_human")
        world = policy_world(human, len(cases), SECONDS, seed=seed)
        for i, (body, strength) in enumerate(cases):
            weak = load_deficit(str(body.deficit), strength=strength, side=body.side)
            world.strength[i] = strength_of(world.physics.model, weak)
        everyone = np.arange(len(cases))
        world.dress(everyone, "none")
        world.reset(everyone, speed=np.full(len(cases), MAIN_SPEED))
        for (body, strength), trial in zip(cases, roll_out(world, human, SECONDS), strict=True):
            rows.append({"deficit": body.name, "strength": strength, "seed": seed, **walked(trial)})
    return pd.DataFrame(rows)


def walked(trial: GaitTrial) -> dict[str, object]:
    """Whether a walk fell, its gross rate (W/kg) and its asymmetry (%)."""
    found = walk_outcomes(trial, settle=SETTLE).scalars
    return {
        "fell": bool(found["fell"]), "rate": found.get(f"{PAID}_gross", np.nan),
        "asymmetry": found.get("asymmetry", np.nan),
    }  # fmt: skip


def severe(walks: pd.DataFrame, strengths: tuple[float, ...] = STRENGTHS) -> dict[str, float]:
    """Weakest strength of each deficit at and above which no walk fell, percent; NaN where there is none."""
    found: dict[str, float] = {}
    for name, part in walks.groupby("deficit", sort=False):
        level = float("nan")
        for strength in strengths:
            if part.loc[part["strength"] == strength, "fell"].any():
                break
            level = strength
        found[str(name)] = level
    return found


def tolerance(study: StudyConfig, policies: str) -> str:
    """The walks before and after a search as a table."""
    walks = walk_weaker(study, policies)
    searched = pd.read_csv(LADDER)
    levels, after = severe(walks), severe_after(walks, searched)
    rows = []
    for name, part in walks.groupby("deficit", sort=False):
        own = searched[searched["deficit"] == name]
        plain, found = ([_cell(table, s) for s in STRENGTHS] for table in (part, own))
        rows.append([str(name).replace("_", " "), f"{levels[str(name)]:g}%", *plain])
        rows.append(["*after a search*", f"{after[str(name)]:g}%", *found])
    text = (
        f"Without the device, {MAIN_SPEED:g} m/s, one walk of {SECONDS:g} s a seed: gross metabolic power (Umberger "
        "2010 as OpenSim's probe has it, in which policies and searches are paid, W/kg) / mean magnitude of the "
        "six symmetry indices (%). First line: the generalists as they are. Second "
        "line: after a short search at each strength, begun where that at the strength before ended, without a price "
        "on departures (`python -m tests.validation.assistance_ladder`). The study's moderate bodies have the weakest "
        f"strength at which no seed falls without a search; its severe ones are up to {STEPS} strengths below, as far "
        "as none falls after one (where that is none, moderate is about halfway to healthy). That gait bears much "
        "weakness of hip and knee extensors and little of plantarflexors, hip abductors and hip flexors is what van "
        "der Krogt, Delp & Schwartz 2012 (Gait & Posture 36:113-119) found with simulations that tracked a measured "
        "gait.\n\n"
    )
    return text + markdown_table(["deficit", "bears", *(f"{s:g}%" for s in STRENGTHS)], rows)


def severe_after(walks: pd.DataFrame, searched: pd.DataFrame) -> dict[str, float]:
    """As :func:`severe`, with the search's walks below the strengths that need none."""
    found = {}
    for name, level in severe(walks).items():
        plain = walks[(walks["deficit"] == name) & (walks["strength"] >= level)]
        below = searched[(searched["deficit"] == name) & ~(searched["strength"] >= level)]
        both = pd.concat([plain, below])
        reached = both["strength"].min()
        found[name] = severe(both[both["strength"] >= reached], tuple(s for s in STRENGTHS if s >= reached))[name]
    return found


def _cell(walks: pd.DataFrame, strength: float) -> str:
    """Power, asymmetry and falls at one strength."""
    at = walks[walks["strength"] == strength]
    if at.empty:
        return ""
    up = at[~at["fell"].astype(bool)]
    fell = f", {int(at['fell'].sum())} fell" if at["fell"].any() else ""
    if not len(up):
        return "all fell"
    return f"{shown(up['rate'].mean(), digits=1)} / {shown(up['asymmetry'].mean())}{fell}"
