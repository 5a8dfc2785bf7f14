"""``exogait lab run`` and ``lab batch``: from C3D files to a folder with everything in it.

:func:`run_trial` analyses one walk and writes its OpenSim folder, events, numbers and report; :func:`run_batch` does so
for every row of a manifest, carries on where one fails, and puts the group together.
"""

from __future__ import annotations

import time
import warnings
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Unpack

import numpy as np
import pandas as pd

from exogait.data import DataQualityWarning, GaitTrial, InputError, output_folder, write_csv
from exogait.data.names import METRICS_TABLE, REPORT_PAGE
from exogait.data.quality import Overall, QualityRow, count_verdicts, overall, quality_rows, to_metadata
from exogait.data.show import Card, Shown
from exogait.data.trial import Side

from ..gait.metrics import compute_metrics
from ..report.trial import write_report
from ..scores.table import compute_scores
from .export import export_opensim
from .muscles import add_muscles, choose_strides
from .pipeline import LabAnalysis, Progress, analyse_request
from .request import LabChoices, LabRequest, make_request
from .step_cache import StepRecord

STEPS = (
    "read",
    "scale",
    "inverse kinematics",
    "inverse dynamics",
    "gait numbers",
    "muscles",
    "OpenSim folder",
    "report",
)
"""Steps of a run, as the progress bar names them."""
RESULTS = (REPORT_PAGE, "events.csv", METRICS_TABLE, "quality.csv")
"""Files of a run, beside the folders ``trial`` and ``opensim``."""


@dataclass(frozen=True, kw_only=True)
class LabRun(Shown):
    """What one run made."""

    trial: GaitTrial
    """The trial."""
    folder: Path
    """Where everything lies."""
    report: Path
    """The report."""
    metrics: pd.DataFrame
    """The scalars (:func:`exogait.analysis.gait.metrics.compute_metrics`)."""
    steps: tuple[StepRecord, ...]
    """Where the time went."""

    @property
    def verdict(self) -> Overall:
        """Whether the walk can be used, and what is withheld."""
        return overall(quality_rows(self.trial))

    def summary(self) -> str:
        """A few lines for the screen: what was found, what to look at, where the time went."""
        of = self.metrics.set_index("metric")
        counts = count_verdicts(quality_rows(self.trial))
        verdict = self.verdict
        lines = [f"{self.trial.name}: {verdict.headline()}", *(f"  to do: {todo}" for todo in verdict.todo)]
        lines += [f"walking speed {_text(self.trial.about.speed_measured)} m/s", ""]
        lines.append(f"{'':34s}{'right':>9s}{'left':>9s}  unit")
        for name in ("stance_pct", "stride_length", "knee_flexion_range", "ankle_plantarflexor_moment",
                     "ankle_power_pushoff", "grf_vertical_first", "grf_vertical_second"):  # fmt: skip
            if name in of.index:
                row = of.loc[name]
                lines.append(f"{row['title'][:33]:34s}{_text(row['right']):>9s}{_text(row['left']):>9s}  {row['unit']}")
        lines.append("")
        lines.append("data quality: " + ", ".join(f"{n} {verdict}" for verdict, n in counts.items() if n))
        total = sum(step.seconds for step in self.steps)
        lines.append("seconds: " + ", ".join(f"{s.name} {s.seconds:.1f}{' (reused)' * s.reused}" for s in self.steps))
        lines.append(f"total {total:.1f} s; open {self.report}")
        return "\n".join(lines)

    def card(self) -> Card:
        """The trial, and where its report lies."""
        inner = self.trial.card()
        total = sum(step.seconds for step in self.steps)
        facts = (*inner.facts, ("report", str(self.report)), ("took", f"{total:.1f} s"))
        return Card(f"LabRun of {self.trial.name}", facts, inner.curves)


def run_trial(
    static: str | Path | None,
    walk: str | Path,
    mass: float | None,
    *,
    out: str | Path,
    muscles: bool = False,
    workers: int = 2,
    show_failed: bool = False,
    progress: Progress | None = None,
    **choices: Unpack[LabChoices],
) -> LabRun:
    """Analyse one walk and write everything about it.

    The folder holds ``report.html``, ``events.csv``, ``metrics.csv``, ``quality.csv``, ``trial/`` (the
    :class:`data.GaitTrial` as parquet) and ``opensim/`` (scaled model, motion, forces, set-ups for the GUI).

    Args:
        static: C3D or TRC file of the static trial; ``None`` to scale to the walk, or with the person's own model.
        walk: C3D or TRC file of the walking trial, or coordinates (.mot, .sto) beside ``model``.
        mass: Body mass, kg; ``None`` for that of ``model``.
        out: The folder.
        muscles: Static optimization on one stride a leg, metabolic rate, reserves.
        workers: Processes for static optimization.
        show_failed: Show what is withheld in the report, hatched; tables and files stay blank.
        progress: Called with the name of each step as it begins.
        **choices: ``height`` (m), ``age`` (years), ``sex``, ``marker_map``, ``settings``, ``base_model``,
            ``model``, ``forces``, ``force_columns``, ``name``, ``subject``: the optional fields of
            :class:`exogait.analysis.lab.request.LabRequest`.

    Returns:
        What was made.

    Raises:
        ExogaitError: Whatever stops the road, in one line.
    """
    request = make_request(static, walk, mass, **choices)
    return run_request(request, out=out, muscles=muscles, workers=workers, show_failed=show_failed, progress=progress)


def run_request(
    request: LabRequest,
    *,
    out: str | Path,
    muscles: bool = False,
    workers: int = 2,
    show_failed: bool = False,
    progress: Progress | None = None,
) -> LabRun:
    """What :func:`run_trial` does, for a request that is made already."""
    out = Path(out)
    with output_folder(out, "exogait lab run", expects=RESULTS):
        return _run(request, out, muscles, workers, show_failed, progress)


def _run(
    request: LabRequest, out: Path, muscles: bool, workers: int, show_failed: bool, progress: Progress | None
) -> LabRun:
    say = progress or (lambda step: None)
    analysis = analyse_request(request, out=out, progress=progress)
    trial, steps, withheld = analysis.trial, list(analysis.cache.records), analysis.withheld
    if muscles:
        say("muscles")
        trial, records = _with_muscles(analysis, out, workers)
        steps += records
    say("OpenSim folder")
    start = time.perf_counter()
    _write_opensim_folder(trial, analysis, out)
    steps.append(StepRecord("OpenSim folder", time.perf_counter() - start, False))
    say("report")
    start = time.perf_counter()
    seconds = [asdict(step) for step in steps]
    trial = trial.with_about(step_seconds=seconds)
    metrics = compute_metrics(trial)
    # Tables and trial first: figures have the most ways to fail.
    write_tables(trial, metrics, out)
    write_trial(trial, out)
    report = write_report(trial, out / REPORT_PAGE, withheld=withheld if show_failed else None)
    steps.append(StepRecord("report and tables", time.perf_counter() - start, False))
    return LabRun(trial=trial, folder=out, report=report, metrics=metrics, steps=tuple(steps))


def write_tables(trial: GaitTrial, metrics: pd.DataFrame, out: Path) -> None:
    """Write ``events.csv``, ``metrics.csv`` (with the scores, their definition and source) and ``quality.csv``.

    Args:
        trial: The trial.
        metrics: Its scalars.
        out: The folder.
    """
    out.mkdir(parents=True, exist_ok=True)
    # The same columns as a file of manual corrections: edit a copy of this one and hand it back with --overrides.
    events = [(e.kind, e.side, f"{e.time:.4f}", e.source) for e in trial.events]
    columns = ["what", "side", "time", "source"]
    write_csv(pd.DataFrame(events, columns=columns), out / "events.csv", lineterminator="\r\n")
    rows = metrics[["metric", "title", "unit", "right", "left", "n_right", "n_left", "window"]]
    energy = [
        {"metric": f"{model}_{label}", "title": label.replace("_", " "), "unit": unit, "right": np.nan, "left": np.nan,
         "both": value, "window": "one stride a leg"}
        for model, values in trial.about.metabolics.items()
        for label, value, unit in values
    ]  # fmt: skip
    scores = compute_scores(trial).rename(columns={"score": "metric", "definition": "window"}).drop(columns="group")
    table = pd.concat([rows, scores, pd.DataFrame(energy)] if energy else [rows, scores])
    write_csv(pd.DataFrame(table), out / METRICS_TABLE, float_format="%.6g")
    write_csv(pd.DataFrame(to_metadata(quality_rows(trial))), out / "quality.csv")


def write_trial(trial: GaitTrial, out: Path) -> Path:
    """Write the trial into ``out/trial`` in place of the one that an earlier run left there."""
    with output_folder(out, "exogait lab run") as folder, folder.staged("trial") as stage:
        trial.write_parquet(stage)
    return out / "trial"


def _with_muscles(analysis: LabAnalysis, out: Path, workers: int) -> tuple[GaitTrial, list[StepRecord]]:
    if analysis.dynamics is None:
        raise InputError(
            f"{analysis.trial.name}: muscles", "no force plates", "a trial with force plates; leave --muscles off"
        )
    forces = analysis.trial.generalized_forces
    if forces is not None and not forces.equals(analysis.withheld.generalized_forces):
        row = QualityRow(
            "Muscles", "static optimization", "left out: joint moments that it needs are withheld", verdict="not judged"
        )
        return analysis.trial.with_about(quality=[*analysis.trial.about.quality, *to_metadata([row])]), []
    cache = analysis.cache
    before = len(cache.records)
    trial, rows = add_muscles(
        analysis.trial,
        model=analysis.scale.model,
        motion=analysis.kinematics.motion,
        external_loads=analysis.dynamics.external_loads,
        out=out / ".steps" / "work" / "muscles",
        cache=cache,
        workers=workers,
    )
    return trial.with_about(quality=[*trial.about.quality, *to_metadata(rows)]), cache.records[before:]


def _write_opensim_folder(trial: GaitTrial, analysis: LabAnalysis, out: Path) -> None:
    """The self-contained folder with which everything reruns in OpenSim's GUI."""
    strides: list[tuple[Side, float, float]] = [(s.side, s.start, s.end) for s in choose_strides(trial)]
    with warnings.catch_warnings(), output_folder(out, "exogait lab run") as ours, ours.staged("opensim") as folder:
        warnings.simplefilter("ignore", DataQualityWarning)
        # The markers were filtered before the angles were found: the set-ups must not filter a second time.
        export_opensim(
            trial,
            analysis.scale.model,
            folder,
            marker_map=analysis.marker_map,
            strides=strides,
            cutoff=analysis.cutoff,
            device=analysis.lab.device,
        )


def _text(value: object) -> str:
    return f"{value:.2f}" if isinstance(value, int | float) and np.isfinite(value) else "–"
