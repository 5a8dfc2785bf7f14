"""The page of a batch: all trials with their reports, the failures with their reasons, the group's numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import pandas as pd

from exogait.data.names import INDEX_PAGE, REPORT_PAGE
from exogait.data.quality import VERDICTS

from ..gait.metrics import METRICS, SPATIOTEMPORAL
from .kit import Cell, Heading, Inline, Link, Note, Number, Page, Part, Section, Table, Verdict
from .page import write_page


@dataclass(frozen=True, kw_only=True)
class BatchTrial:
    """What the page says about one walk of a batch."""

    name: str
    """Name of the trial."""
    folder: str = ""
    """Its folder beside the page; the name's if empty."""
    subject: str
    condition: str = ""
    speed: float | None = None
    """m/s."""
    seconds: float | None = None
    """What its run took, s."""
    quality: Mapping[str, int] = field(default_factory=dict)
    """Verdict to the number of checks."""
    verdict: str = ""
    """Whether the walk can be used, and what is withheld, in one line."""
    stopped_at: str = ""
    """The step that failed."""
    error: str = ""
    """Why it failed; empty where it came through."""


def write_batch_page(trials: Sequence[BatchTrial], group: pd.DataFrame, out: Path) -> Path:
    """Write ``index.html`` of a batch into its folder; arguments as of :func:`batch_page`."""
    return write_page(batch_page(trials, group), out / INDEX_PAGE)


def batch_page(trials: Sequence[BatchTrial], group: pd.DataFrame) -> Page:
    """The page of a batch as data.

    Args:
        trials: The walks in the manifest's order.
        group: Group statistics: condition, metric, mean, sd, unit, n_subjects.
    """
    failed = [trial for trial in trials if trial.error]
    return Page(
        f"{len(trials)} walks of {len({trial.subject for trial in trials})} subjects",
        [
            Section("trials", "Trials", [_trials(trials)]),
            Section("failures", "Failures", [_failures(failed)] if failed else []),
            Section("group", "Group", _group(group)),
        ],
        kicker="Gait analysis, batch",
        lead=f"{len(trials) - len(failed)} came through, {len(failed)} did not.",
    )


def _trials(trials: Sequence[BatchTrial]) -> Table:
    rows: list[list[Cell]] = []
    for trial in trials:
        place = f"{quote(trial.folder or trial.name)}/{REPORT_PAGE}"
        first: Cell = trial.name if trial.error else Link(trial.name, place)
        verdicts: list[Inline] = [Verdict("fail")] if trial.error else []
        for verdict in VERDICTS:
            if verdict != "info" and trial.quality.get(verdict):
                verdicts += [" ", Verdict(verdict, count=trial.quality[verdict])]
        rows.append([
            first, trial.subject, trial.condition, Number(trial.speed), Number(trial.seconds, 1), verdicts,
            trial.verdict, trial.stopped_at,
        ])  # fmt: skip
    header = ["trial", "subject", "condition", "speed (m/s)", "seconds", "data quality", "verdict", "stopped at"]
    return Table(header, rows, numeric=[3, 4])


def _failures(failed: Sequence[BatchTrial]) -> Table:
    rows = [[trial.name, trial.subject, trial.stopped_at, trial.error] for trial in failed]
    return Table(["trial", "subject", "step", "reason"], rows)


def _group(group: pd.DataFrame) -> list[Part]:
    titles = {metric.name: metric.title for metric in METRICS} | {k: v[0] for k, v in SPATIOTEMPORAL.items()}
    parts: list[Part] = []
    for condition, part in group.groupby("condition", sort=False):
        rows = [
            [titles.get(r["metric"], r["metric"]), Number(r["mean"], 3), Number(r["sd"], 3), r["unit"], r["n_subjects"]]
            for r in part.to_dict(orient="records")
        ]
        if condition:
            parts.append(Heading(str(condition)))
        parts.append(Table(["", "mean", "SD", "unit", "subjects"], rows, numeric=[1, 2, 4]))
    return [*parts, Note("A subject counts once, with the mean of its legs and trials.")] if parts else []
