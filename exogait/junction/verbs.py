"""What ``import exogait as eg`` offers directly, where a verb needs both roads or a shorter form."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from exogait.data.results import read_result
from exogait.data.trial import GaitTrial

from .open import Walk
from .policies import list_policies

if TYPE_CHECKING:
    from exogait.osim_env.learning.trainer import TrainingRun

POLICY_COLUMNS = ("name", "origin", "role", "device", "body", "slowest", "fastest", "score", "path")


def compare(trial: str | Path | GaitTrial | Walk, reference: str | Path | GaitTrial | Walk) -> pd.DataFrame:
    """Compare two walks, for example a simulated with a measured one: curves, symmetry, metabolic rate.

    Args:
        trial: A walk: a folder, what :func:`exogait.open` gives, or a trial.
        reference: The walk that r and RMSE refer to.

    Returns:
        Columns group, quantity, side, unit, value, reference_value, r, rmse; see
        :func:`exogait.analysis.report.comparison.comparison_table`.

    Raises:
        FileFormatError: A folder holds no trial.
    """
    from exogait.analysis.report.comparison import comparison_table

    return comparison_table(_trial(trial), _trial(reference))


def train(
    config: str,
    out: str | Path,
    *,
    resume: bool = False,
    override: bool = False,
    seed: int | None = None,
    minutes: float | None = None,
    threads: int | None = None,
) -> TrainingRun:
    """Train a muscle policy, an exoskeleton policy, or both; resumable at any time.

    Args:
        config: Name of a configuration (``healthy``, ...) or a YAML file.
        out: Folder of the run.
        resume: Go on from the folder's checkpoint; settings that differ from its own are listed and refused.
        override: With ``resume``, go on with changed settings, where a run may change them.
        seed: Replaces the configuration's seed.
        minutes: Stop, with a checkpoint, after this many minutes.
        threads: Processor threads for simulation and learning; all without.

    Returns:
        The trainer; ``exogait.open(out)`` shows what it left.

    Raises:
        InputError: The folder already holds a run and ``resume`` was not asked for.
    """
    from exogait.osim_env.learning.run import train_from_file

    return train_from_file(
        config, Path(out), resume=resume, override=override, seed=seed, minutes=minutes, threads=threads
    )


def policies() -> pd.DataFrame:
    """List every policy that is found by name, the suite's and the user's.

    Returns:
        One row a policy: name, origin (suite or yours), role (human: the muscles, or device), device, body, slowest and
        fastest walking speed of its training (m/s), score at the end of its training, path.
    """
    rows = []
    for entry in list_policies():
        slowest, fastest = entry.speeds or (None, None)
        rows.append((
            entry.name, entry.origin, entry.role, entry.device, entry.body, slowest, fastest, entry.score,
            str(entry.path),
        ))  # fmt: skip
    return pd.DataFrame(rows, columns=list(POLICY_COLUMNS))


def _trial(walk: str | Path | GaitTrial | Walk) -> GaitTrial:
    if isinstance(walk, Walk):
        return walk.trial
    return walk if isinstance(walk, GaitTrial) else read_result(walk)
