"""What ``import exogait as eg`` offers directly, where a verb needs both roads or a shorter form."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from exogait.data.errors import ExogaitError
from exogait.data.home import Kind, entries
from exogait.data.results import read_result
from exogait.data.trial import GaitTrial

from .open import Walk

if TYPE_CHECKING:
    from exogait.osim_env.learning.trainer import Trainer

POLICY_COLUMNS = ("name", "where", "drives", "device", "weakness", "slowest", "fastest", "samples", "path")


def compare(simulation: str | Path | GaitTrial | Walk, lab: str | Path | GaitTrial | Walk) -> pd.DataFrame:
    """Compare two walks, for example a simulated with a measured one: curves, symmetry, metabolic rate.

    Args:
        simulation: A walk: a folder, what :func:`exogait.open` gives, or a trial.
        lab: The walk that is the reference of r and RMSE.

    Returns:
        Columns group, quantity, side, unit, simulation, measurement, r, rmse; see
        :func:`exogait.analysis.report.comparison.comparison_table`.

    Raises:
        FileFormatError: A folder holds no trial.
    """
    from exogait.analysis.report.comparison import comparison_table

    return comparison_table(_trial(simulation), _trial(lab))


def train(
    config: str,
    out: str | Path,
    *,
    resume: bool = False,
    override: bool = False,
    seed: int | None = None,
    minutes: float | None = None,
    threads: int | None = None,
) -> Trainer:
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
        One row a policy: name, where, drives (human: the muscles, or device), device, weakness, slowest and fastest
        commanded speed in training (m/s), samples (control steps of training), path.
    """
    from exogait.osim_env.learning.policy import load_policy

    kind: Kind = "policies"
    rows = []
    for entry in entries(kind):
        row = {"name": entry.name, "where": entry.where, "path": str(entry.path)}
        try:
            about = load_policy(entry.path).metadata
        except ExogaitError as error:
            rows.append({**row, "drives": f"CANNOT BE READ: {error}"})
            continue
        settings = about.get("settings") or {}
        setup, stages = settings.get("setup") or {}, settings.get("stages") or [{}]
        slowest, fastest = (stages[-1].get("speeds") or (None, None))[:2]
        weak = [str(body["deficit"]) for body in (setup.get("population") or {}).get("bodies", ()) if body["deficit"]]
        rows.append({
            **row, "drives": about.get("role"), "device": about.get("device") or setup.get("device"),
            "weakness": setup.get("deficit") or ", ".join(dict.fromkeys(weak)) or None, "slowest": slowest,
            "fastest": fastest, "samples": about.get("samples"),
        })  # fmt: skip
    return pd.DataFrame(rows, columns=list(POLICY_COLUMNS))


def _trial(walk: str | Path | GaitTrial | Walk) -> GaitTrial:
    if isinstance(walk, Walk):
        return walk.trial
    return walk if isinstance(walk, GaitTrial) else read_result(walk)
