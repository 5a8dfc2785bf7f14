"""A whole folder of trials: one result or one reason each, then means over trials and subjects."""

from __future__ import annotations

import contextlib
import json
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from exogait.data import ExogaitError, path_component, write_csv, write_text_atomic
from exogait.data import output_folder as open_folder
from exogait.data.errors import one_line
from exogait.data.home import entries
from exogait.data.names import BATCH_FILE, INDEX_PAGE, METRICS_TABLE, TRIAL_FILE
from exogait.data.processes import LocalWorkers, Stopped, WorkerLostError, heeded_signals
from exogait.data.quality import count_verdicts, quality_rows
from exogait.data.show import Shown
from exogait.data.trial import select_columns, select_rows

from ..report import page
from ..report.batch import BatchTrial, write_batch_page
from .manifest import ManifestRow, read_manifest
from .pipeline import Progress
from .request import LabRequest
from .run import RESULTS as TRIAL_RESULTS
from .run import run_request
from .settings import LabSettings
from .step_cache import StepCache

RESULTS = (METRICS_TABLE, "group.csv", "failures.csv", BATCH_FILE, INDEX_PAGE)
"""Files of a batch, beside a folder a trial."""
_Task = tuple[ManifestRow, Path, LabSettings, bool]


@dataclass(frozen=True, kw_only=True)
class BatchResult(Shown):
    """What a batch made."""

    folder: Path
    """Where everything lies."""
    metrics: pd.DataFrame
    """Scalars of all trials: name, subject, condition, metric, unit, side, value."""
    group: pd.DataFrame
    """Mean and SD over subjects: condition, metric, unit, mean, sd, n_subjects."""
    failures: pd.DataFrame
    """Trials that did not come through: name, subject, step, error."""
    doubtful: Mapping[str, str]
    """Name of each trial in which a check failed, and its verdict."""
    index: Path
    """Page that links all reports."""
    folders: Mapping[str, str]
    """Name of each trial and its folder inside the batch's."""
    reused: tuple[str, ...] = ()
    """Trials of which nothing had changed since the last run: they stand as they were."""


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
    rows = read_manifest(manifest, strict=False) if isinstance(manifest, str | Path) else list(manifest)
    out = Path(out)
    folders = _folders(rows)
    with open_folder(out, "exogait lab batch", expects=RESULTS):
        tasks = [(row, out / folders[row.name], settings or LabSettings(), muscles) for row in rows]
        with heeded_signals("the walks that are done stay", at_once=True):
            try:
                return _collect(rows, _run_all(tasks, workers, progress), folders, out)
            except Stopped as stop:
                kept = f"{out} holds what was done; the same command goes on from there"
                raise Stopped(stop.number, kept) from None


def _folders(rows: Sequence[ManifestRow]) -> dict[str, str]:
    """Folder of each trial: its name, or what of it can be a path; never a name of the batch's own."""
    found: dict[str, str] = {}
    taken = {name.casefold() for name in RESULTS}
    for row in rows:
        folder = path_component(row.name, "trial", ascii_only=True)
        while folder.casefold() in taken:
            folder += "_trial"
        taken.add(folder.casefold())
        found[row.name] = folder
    return found


def _run_all(tasks: Sequence[_Task], workers: int, progress: Progress | None) -> dict[str, dict[str, Any]]:
    results: dict[str, dict[str, Any]] = {}
    if min(workers, len(tasks)) <= 1:
        for task in tasks:
            results[task[0].name] = _run_one(task)
            if progress:
                progress(task[0].name)
        return results
    pool, waiting = LocalWorkers(min(workers, len(tasks))), list(tasks)
    running: dict[Any, str] = {}
    try:
        while waiting or running:
            while waiting and len(running) < pool.workers:
                task = waiting.pop(0)
                running[pool.submit(_run_one, task)] = task[0].name
            for job in pool.wait_for_one(list(running)):
                name = running.pop(job)
                try:
                    results[name] = pool.result(job)
                except WorkerLostError as error:  # memory, a crash in native code: one failed trial, the others go on
                    results[name] = {"error": f"the process ended: {error}", "step": "unknown", "metrics": []}
                if progress:
                    progress(name)
    except BaseException:
        pool.kill()
        raise
    pool.close()
    return results


def _run_one(task: _Task) -> dict[str, Any]:
    """One trial of a batch; every error becomes a row of the failure table."""
    row, folder, settings, muscles = task
    if row.problem:
        return {"error": row.problem, "step": "manifest", "metrics": []}
    step = "start"

    def note(name: str) -> None:
        nonlocal step
        step = name

    try:
        request = row.request(settings)
        with open_folder(folder, "exogait lab batch") as ours:
            ours.whole(".steps")
            cache = StepCache(folder / ".steps", ())
            result = cache.run(
                "whole walk", _inputs(request, muscles), lambda: _analysed(request, folder, muscles, note),
                files=[folder / name for name in (*TRIAL_RESULTS, f"trial/{TRIAL_FILE}")],
            )  # fmt: skip
        return {**result, "reused": cache.records[-1].reused}
    except ExogaitError as error:
        return {"error": str(error), "step": step, "metrics": []}
    except (OSError, MemoryError) as error:  # the system's word on something outside this program
        return {"error": one_line(error) or "not enough memory", "step": step, "metrics": []}
    except Exception as error:
        # An error nobody foresaw must not take the other trials with it; its traceback is kept beside the trial.
        with contextlib.suppress(ExogaitError), open_folder(folder, "exogait lab batch"):
            write_text_atomic(folder / "traceback.txt", traceback.format_exc())
        return {"error": f"unexpected {type(error).__name__}: {error}", "step": step, "metrics": []}


def _analysed(request: LabRequest, folder: Path, muscles: bool, note: Progress) -> dict[str, Any]:
    """What a batch tells of one walk, which is analysed and written."""
    run = run_request(request, out=folder, muscles=muscles, workers=1, progress=note)
    return {
        "error": "", "step": "", "metrics": run.metrics.to_dict(orient="records"),
        "speed": run.trial.about.speed_measured, "quality": count_verdicts(quality_rows(run.trial)),
        "verdict": run.verdict.headline(), "doubtful": run.verdict.failed,
        "seconds": sum(s.seconds for s in run.steps),
    }  # fmt: skip


def _inputs(request: LabRequest, muscles: bool) -> list[object]:
    """Everything that a walk's results depend on beside the suite's own code.

    Files by content and by name, since the report names them; the user's marker maps, of which one may fit; the look of
    the report.
    """
    own = [entry.path for entry in entries("marker_maps") if entry.origin != "suite"]
    look = [Path(page.__file__).with_name(name) for name in ("page.html.j2", "page.css")]
    return [request, request.files, muscles, own, look]


def _collect(
    rows: Sequence[ManifestRow], results: Mapping[str, Mapping[str, Any]], folders: Mapping[str, str], out: Path
) -> BatchResult:
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
    write_csv(metrics, out / METRICS_TABLE, float_format="%.6g")
    write_csv(group, out / "group.csv", float_format="%.6g")
    write_csv(failed, out / "failures.csv")
    verdicts = {row.name: results[row.name]["verdict"] for row in rows if not results[row.name]["error"]}
    doubtful = {name: text for name, text in verdicts.items() if results[name]["doubtful"]}
    about = {"trials": len(rows), "failed": len(failures), "doubtful": len(doubtful), "verdicts": verdicts}
    write_text_atomic(out / BATCH_FILE, json.dumps(about, indent=1) + "\n")
    index = write_batch_page([_for_page(row, results[row.name], folders[row.name]) for row in rows], group, out)
    return BatchResult(
        folder=out, metrics=metrics, group=group, failures=failed, doubtful=doubtful, index=index, folders=folders,
        reused=tuple(row.name for row in rows if results[row.name].get("reused")),
    )  # fmt: skip


def _for_page(row: ManifestRow, result: Mapping[str, Any], folder: str) -> BatchTrial:
    return BatchTrial(
        name=row.name, folder=folder, subject=row.subject, condition=row.condition, speed=result.get("speed"),
        seconds=result.get("seconds"), quality=result.get("quality", {}),
        verdict=result.get("verdict", ""), stopped_at=result["step"],
        error=result["error"],
    )  # fmt: skip


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
