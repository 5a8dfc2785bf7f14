"""``exogait lab run`` and ``lab batch``: from C3D files to a folder with everything in it.

:func:`run_trial` analyses one walk and writes its OpenSim folder, events, numbers and report; :func:`run_batch` does so
for every row of a manifest, carries on where one fails, and puts the group together.
"""

from __future__ import annotations

import csv
import json
import shutil
import time
import traceback
import warnings
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from data import DataQualityWarning, ExogaitError, FileFormatError, GaitTrial, InputError
from data.trial import Side, select_columns, select_rows

from .export import export_opensim
from .lab_muscles import add_muscles, choose_strides
from .metrics import compute_metrics
from .pipeline import LabAnalysis, LabSettings, Progress, analyse
from .quality import count_verdicts, quality_rows, to_metadata
from .report import write_report
from .step_cache import StepRecord

MANIFEST_COLUMNS = ("subject", "static", "trial", "mass", "height", "marker_map", "name", "condition", "belt_speed")
"""Columns of a manifest; static, trial and mass are needed, the others may be missing or empty."""
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


@dataclass(frozen=True, kw_only=True)
class LabRun:
    """What one run made."""

    trial: GaitTrial
    """The trial."""
    folder: Path
    """Where everything lies."""
    report: Path
    """The report."""
    metrics: pd.DataFrame
    """The scalars (:func:`analysis.metrics.compute_metrics`)."""
    steps: tuple[StepRecord, ...]
    """Where the time went."""

    def summary(self) -> str:
        """A few lines for the screen: what was found, what to look at, where the time went."""
        of = self.metrics.set_index("metric")
        counts = count_verdicts(quality_rows(self.trial))
        lines = [f"{self.trial.name}: {_text(self.trial.metadata.get('speed'))} m/s", ""]
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


def run_trial(
    static: str | Path,
    walk: str | Path,
    mass: float,
    *,
    out: str | Path,
    height: float | None = None,
    marker_map: str | Path | None = None,
    settings: LabSettings | None = None,
    base_model: str | Path | None = None,
    name: str | None = None,
    subject: str | None = None,
    muscles: bool = False,
    workers: int = 2,
    progress: Progress | None = None,
) -> LabRun:
    """Analyse one walk and write everything about it.

    The folder holds ``report.html``, ``events.csv``, ``metrics.csv``, ``quality.csv``, ``trial/`` (the
    :class:`data.GaitTrial` as parquet) and ``opensim/`` (scaled model, motion, forces, set-ups for the GUI).

    Args:
        static: C3D or TRC file of the static trial.
        walk: C3D or TRC file of the walking trial.
        mass: Body mass, kg.
        out: The folder.
        height: Body height, m.
        marker_map: Marker set: a name or a YAML file; the best fitting of the suite's own if not given.
        settings: Choices of the road.
        base_model: Model to scale; the suite's own if not given.
        name: Name of the trial.
        subject: Name of the person.
        muscles: Static optimization on one stride a leg, metabolic rate, reserves.
        workers: Processes for static optimization.
        progress: Called with the name of each step as it begins.

    Returns:
        What was made.

    Raises:
        ExogaitError: Whatever stops the road, in one line.
    """
    out = Path(out)
    say = progress or (lambda step: None)
    analysis = analyse(
        static, walk, mass, out=out, height=height, marker_map=marker_map, settings=settings,
        base_model=base_model, name=name, subject=subject, progress=progress,
    )  # fmt: skip
    trial, steps = analysis.trial, list(analysis.cache.records)
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
    trial = trial.replace(metadata={**trial.metadata, "step_seconds": seconds})
    metrics = compute_metrics(trial)
    report = write_report(trial, out / "report.html")
    write_tables(trial, metrics, out)
    trial.write_parquet(out / "trial")
    steps.append(StepRecord("report and tables", time.perf_counter() - start, False))
    return LabRun(trial=trial, folder=out, report=report, metrics=metrics, steps=tuple(steps))


def write_tables(trial: GaitTrial, metrics: pd.DataFrame, out: Path) -> None:
    """Write ``events.csv``, ``metrics.csv`` and ``quality.csv``.

    Args:
        trial: The trial.
        metrics: Its scalars.
        out: The folder.
    """
    out.mkdir(parents=True, exist_ok=True)
    with (out / "events.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        # The same columns as a file of manual corrections: edit this one and hand it back with --overrides.
        writer.writerow(["what", "side", "time", "source"])
        writer.writerows([e.kind, e.side, f"{e.time:.4f}", e.source] for e in trial.events)
    rows = metrics[["metric", "title", "unit", "right", "left", "n_right", "n_left", "window"]]
    energy = [
        {"metric": f"{model}_{label}", "title": label.replace("_", " "), "unit": unit, "right": np.nan, "left": np.nan,
         "both": value, "window": "one stride a leg"}
        for model, values in (trial.metadata.get("metabolics") or {}).items()
        for label, value, unit in values
    ]  # fmt: skip
    table = pd.concat([rows, pd.DataFrame(energy)]) if energy else rows
    table.to_csv(out / "metrics.csv", index=False, float_format="%.6g")
    pd.DataFrame(to_metadata(quality_rows(trial))).to_csv(out / "quality.csv", index=False)


# -- many -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class ManifestRow:
    """One walk of a manifest."""

    name: str
    """Name of the trial, unique in the manifest."""
    subject: str
    """Name of the person."""
    static: Path
    """Static trial."""
    walk: Path
    """Walking trial."""
    mass: float
    """kg."""
    height: float | None = None
    """m."""
    marker_map: str | None = None
    """Marker set."""
    condition: str = ""
    """Group to which the trial belongs (speed, device, ...)."""
    belt_speed: float | None = None
    """m/s."""


@dataclass(frozen=True, kw_only=True)
class BatchResult:
    """What a batch made."""

    folder: Path
    """Where everything lies."""
    metrics: pd.DataFrame
    """Scalars of all trials: name, subject, condition, metric, unit, side, value."""
    group: pd.DataFrame
    """Mean and SD over subjects: condition, metric, unit, mean, sd, n_subjects."""
    failures: pd.DataFrame
    """Trials that did not come through: name, subject, step, error."""
    index: Path
    """Page that links all reports."""


def read_manifest(path: str | Path) -> list[ManifestRow]:
    """Read a manifest: a CSV file with one walk a row.

    Needed columns are ``static``, ``trial`` and ``mass``; ``subject``, ``name``, ``height``, ``marker_map``,
    ``condition`` and ``belt_speed`` may follow. File names are relative to the manifest.

    Args:
        path: The manifest.

    Raises:
        FileFormatError: Not a manifest, or a row that cannot be understood, with its line.
    """
    path = Path(path)
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise FileFormatError(path, f"cannot be read ({error})", "give a CSV text file") from error
    reader = csv.DictReader(lines)
    header = [str(name).strip().lower() for name in reader.fieldnames or ()]
    reader.fieldnames = header
    unknown = [name for name in header if name not in MANIFEST_COLUMNS]
    missing = [name for name in ("static", "trial", "mass") if name not in header]
    if missing or unknown:
        problem = (
            f"lacks the column(s) {', '.join(missing)}" if missing else f"has unknown column(s) {', '.join(unknown)}"
        )
        raise FileFormatError(path, problem, f"columns are {', '.join(MANIFEST_COLUMNS)}", line=1)
    rows: list[ManifestRow] = []
    for number, raw in enumerate(reader, 2):
        row = {key: (value or "").strip() for key, value in raw.items() if key}
        if not any(row.values()):
            continue
        if not row["static"] or not row["trial"]:
            raise FileFormatError(path, "static and trial must both name a file", line=number)
        walk = path.parent / row["trial"]
        subject = row.get("subject") or walk.parent.name
        name = row.get("name") or walk.stem
        if name in {other.name for other in rows}:
            name = f"{subject}_{name}"
        if name in {other.name for other in rows}:
            raise FileFormatError(path, f"the trial {name!r} stands twice", "give each row a name", line=number)
        rows.append(
            ManifestRow(
                name=name, subject=subject, static=path.parent / row["static"], walk=walk,
                mass=_positive(path, number, "mass", row["mass"]),
                height=_positive(path, number, "height", row["height"]) if row.get("height") else None,
                marker_map=row.get("marker_map") or None, condition=row.get("condition", ""),
                belt_speed=float(row["belt_speed"]) if row.get("belt_speed") else None,
            )
        )  # fmt: skip
    if not rows:
        raise FileFormatError(path, "names no trial", "write one row a walk under the header")
    return rows


def run_batch(
    manifest: str | Path | Sequence[ManifestRow],
    *,
    out: str | Path,
    settings: LabSettings | None = None,
    muscles: bool = False,
    workers: int = 1,
    progress: Progress | None = None,
) -> BatchResult:
    """Run every walk of a manifest; one that fails never stops the rest.

    Args:
        manifest: CSV file or its rows.
        out: Folder; each trial gets one inside it.
        settings: Choices for all trials.
        muscles: Static optimization too.
        workers: Trials at a time, one process each.
        progress: Called with each trial's name as it ends.

    Returns:
        The group's numbers and the failures.
    """
    rows = read_manifest(manifest) if isinstance(manifest, str | Path) else list(manifest)
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    tasks = [(row, out / row.name, settings or LabSettings(), muscles) for row in rows]
    results: dict[str, dict[str, Any]] = {}
    if workers <= 1:
        for task in tasks:
            results[task[0].name] = _run_one(task)
            if progress:
                progress(task[0].name)
    else:
        with ProcessPoolExecutor(workers) as pool:
            jobs = {pool.submit(_run_one, task): task[0].name for task in tasks}
            for job in as_completed(jobs):
                name = jobs[job]
                try:
                    results[name] = job.result()
                except Exception as error:  # a worker that died (memory, a crash in native code) is one failed trial
                    results[name] = {"error": f"the process ended: {error}", "step": "unknown", "metrics": []}
                if progress:
                    progress(name)
    return _collect(rows, results, out)


def _run_one(task: tuple[ManifestRow, Path, LabSettings, bool]) -> dict[str, Any]:
    """One trial of a batch; every error becomes a row of the failure table."""
    row, folder, settings, muscles = task
    step = "start"

    def note(name: str) -> None:
        nonlocal step
        step = name

    try:
        settings = replace(settings, belt_speed=row.belt_speed if row.belt_speed is not None else settings.belt_speed)
        run = run_trial(
            row.static, row.walk, row.mass, out=folder, height=row.height, marker_map=row.marker_map,
            settings=settings, name=row.name, subject=row.subject, muscles=muscles, workers=1, progress=note,
        )  # fmt: skip
    except ExogaitError as error:
        return {"error": str(error), "step": step, "metrics": []}
    except Exception as error:
        # An error nobody foresaw must not take the other trials with it; its traceback is kept beside the trial.
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "traceback.txt").write_text(traceback.format_exc(), encoding="utf-8")
        return {"error": f"unexpected {type(error).__name__}: {error}", "step": step, "metrics": []}
    return {
        "error": "", "step": "", "metrics": run.metrics.to_dict(orient="records"),
        "speed": run.trial.metadata.get("speed"), "quality": count_verdicts(quality_rows(run.trial)),
        "seconds": sum(s.seconds for s in run.steps),
    }  # fmt: skip


def _collect(rows: Sequence[ManifestRow], results: Mapping[str, Mapping[str, Any]], out: Path) -> BatchResult:
    long: list[dict[str, Any]] = []
    failures: list[dict[str, str]] = []
    for row in rows:
        result = results[row.name]
        if result["error"]:
            failures.append(
                {"name": row.name, "subject": row.subject, "step": result["step"], "error": result["error"]}
            )
            continue
        for metric in result["metrics"]:
            for side in ("right", "left"):
                long.append(
                    {
                        "name": row.name, "subject": row.subject, "condition": row.condition,
                        "metric": metric["metric"],
                        "unit": metric["unit"], "side": side, "value": metric[side],
                    }
                )  # fmt: skip
    metrics = pd.DataFrame(long, columns=["name", "subject", "condition", "metric", "unit", "side", "value"])
    failed = pd.DataFrame(failures, columns=["name", "subject", "step", "error"])
    group = group_statistics(metrics)
    metrics.to_csv(out / "metrics.csv", index=False, float_format="%.6g")
    group.to_csv(out / "group.csv", index=False, float_format="%.6g")
    failed.to_csv(out / "failures.csv", index=False)
    (out / "batch.json").write_text(
        json.dumps({"trials": len(rows), "failed": len(failures)}, indent=1) + "\n", encoding="utf-8"
    )
    from .batch_page import write_batch_page

    index = write_batch_page(rows, results, group, failed, out)
    return BatchResult(folder=out, metrics=metrics, group=group, failures=failed, index=index)


def group_statistics(metrics: pd.DataFrame) -> pd.DataFrame:
    """Mean and SD over subjects; a subject counts once, with the mean of its legs and trials.

    Args:
        metrics: Columns subject, condition, metric, unit, value.

    Returns:
        One row a condition and metric: condition, metric, unit, mean, sd, n_subjects.

    Example:
        >>> table = pd.DataFrame({"subject": ["a", "a", "b"], "condition": "", "metric": "speed", "unit": "m/s",
        ...                       "value": [1.0, 1.2, 1.3]})
        >>> group_statistics(table)[["mean", "n_subjects"]].round(3).values.tolist()
        [[1.2, 2.0]]
    """
    columns = ["condition", "metric", "unit", "mean", "sd", "n_subjects"]
    known = select_rows(metrics, np.isfinite(metrics["value"].to_numpy(np.float64)))
    if known.empty:
        return pd.DataFrame(columns=columns)
    keys = ["condition", "metric", "unit"]
    subjects = known.groupby([*keys, "subject"], sort=False)["value"].mean().reset_index()
    group = subjects.groupby(keys, sort=False)["value"].agg(["mean", "std", "count"]).reset_index()
    return select_columns(group.rename(columns={"std": "sd", "count": "n_subjects"}), columns)


# -- pieces -----------------------------------------------------------------------------------------------------------


def _with_muscles(analysis: LabAnalysis, out: Path, workers: int) -> tuple[GaitTrial, list[StepRecord]]:
    if analysis.dynamics is None:
        raise InputError(
            f"{analysis.trial.name}: muscles", "no force plates", "a trial with force plates; leave --muscles off"
        )
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
    quality = [*trial.metadata["quality"], *to_metadata(rows)]
    return trial.replace(metadata={**trial.metadata, "quality": quality}), cache.records[before:]


def _write_opensim_folder(trial: GaitTrial, analysis: LabAnalysis, out: Path) -> None:
    """The self-contained folder with which everything reruns in OpenSim's GUI."""
    folder = out / "opensim"
    shutil.rmtree(folder, ignore_errors=True)
    strides: list[tuple[Side, float, float]] = [(s.side, s.start, s.end) for s in choose_strides(trial)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataQualityWarning)
        # The markers were filtered before the angles were found: the set-ups must not filter a second time.
        export_opensim(
            trial, analysis.scale.model, folder, marker_map=analysis.marker_map, strides=strides, cutoff=-1.0
        )


def _positive(path: Path, line: int, column: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not (np.isfinite(value) and value > 0):
        raise FileFormatError(path, f"{column} is {text!r}", "a number above 0 is needed", line=line)
    return value


def _text(value: object) -> str:
    return f"{value:.2f}" if isinstance(value, int | float) and np.isfinite(value) else "–"
