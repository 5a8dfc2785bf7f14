"""Finished walks of made-up persons on disk, so that a session needs no recording."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from exogait.analysis.session.plan import SessionWalk
from exogait.data import GaitTrial
from exogait.data.quality import QualityRow, to_metadata
from tests.kit.gait_trials import walking_trial


def varied_trial(seed: int, *, knee: float = 1.0, n_strides: int = 3) -> GaitTrial:
    """The made-up walk with angles that vary smoothly and by chance; the knees flex ``knee`` times as much."""
    trial = walking_trial(n_strides=n_strides)
    assert trial.coordinates is not None
    rng = np.random.default_rng(seed)
    table = trial.coordinates.copy()
    time = table.index.to_numpy(np.float64)
    for column in table.columns.drop("pelvis_tx"):
        size = knee if column.startswith("knee") else 1.0
        waves = sum(rng.normal(0, 0.01) * np.sin(2 * np.pi * k * time / 1.7 + rng.uniform(0, 6)) for k in range(1, 4))
        table[column] = size * table[column] + waves
    table.attrs = dict(trial.coordinates.attrs)
    return trial.replace(coordinates=table)


def spoiled_trial() -> GaitTrial:
    """A walk whose judgement says that nothing of it can be used."""
    row = QualityRow("Scaling", "static trial", "it walks", verdict="fail", spoils=("coordinates/*",))
    return varied_trial(0).with_about(quality=to_metadata([row]))


def lay_walk(
    folder: Path, trial: GaitTrial, *, person: str, condition: str, group: str = "", date: str = ""
) -> SessionWalk:
    """A trial as a finished walk on disk."""
    trial.replace(name=folder.name).write_parquet(folder / "trial")
    return SessionWalk(name=folder.name, person=person, condition=condition, group=group, date=date, walk=folder)


def made_up_session(folder: Path, *, persons: int = 2, walks: int = 3) -> list[SessionWalk]:
    """Persons who walk in two conditions, the second with 1.2 times the knee flexion; the last walk is spoiled."""
    plan = []
    for person in range(persons):
        for condition, knee in (("bare", 1.0), ("brace", 1.2)):
            for k in range(walks):
                name = f"p{person}_{condition}_{k}"
                trial = varied_trial(100 * person + 10 * k + int(knee > 1), knee=knee * (1 + 0.02 * person))
                plan.append(lay_walk(folder / name, trial, person=f"p{person}", condition=condition))
    return [*plan, lay_walk(folder / "spoiled", spoiled_trial(), person="p0", condition="bare")]


def knees(table: pd.DataFrame) -> pd.DataFrame:
    """Rows of the right knee's range."""
    return pd.DataFrame(table[(table["metric"] == "knee_flexion_range") & (table["side"] == "r")])
