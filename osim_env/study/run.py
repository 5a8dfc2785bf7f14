"""A study at work: generalists are trained, bodies find their gait, devices are tuned, all walk; resumable by task.

What a study is, and its tasks with what each needs, stands in :mod:`exogait.osim_env.study.plan`. A finished task
has left ``result.json`` in its folder, written last, so a study that was stopped, or lost a worker, goes on where it
was; a training among them goes on from its checkpoint. What a walk is worth is not decided here: a function given by
the caller turns each walk (:class:`data.GaitTrial`) and its settings into rows of tables, which end up as parquet
files.

Every comparison is paired: the walks of one body in the three device conditions start from the same state, under
policies that had the same network and saw equal shares of the three conditions in every update, with strategies that
were searched for with as many candidates.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from exogait.data.errors import ExogaitError, InputError
from exogait.data.files import write_parquet, write_text_atomic
from exogait.data.loading import read_table
from exogait.data.names import STUDY_FILE
from exogait.data.output import OutputFolder, output_folder
from exogait.data.processes import LocalWorkers, Stopped, WorkerLostError, heeded_signals

from .backend import Backend
from .plan import StudyConfig, Task, plan

if TYPE_CHECKING:
    pass
from .files import result_of
from .plan import inputs_of_task, settings_of_task
from .tasks import run_task
from .tune import training_config
from .walks import Summarise

RETRIES = 2
"""How often a task whose worker died is tried again."""


def run_study(
    config: StudyConfig,
    folder: str | Path,
    summarise: Summarise,
    *,
    backend: Backend | None = None,
    policies: str | Path | None = None,
    report: Callable[[str], None] | None = None,
) -> dict[str, pd.DataFrame]:
    """Do what is not done yet, and gather the tables.

    Args:
        config: The study.
        folder: Where tasks leave their results.
        summarise: Importable function from a walk and its settings to tables.
        backend: Where tasks run; processes of this machine without.
        policies: Folder of finished policies: only walk.
        report: Called with a line per finished or failed task.

    Returns:
        Tables by name, ``tasks`` among them; each is also written as parquet into the folder.

    Raises:
        InputError: A setting is impossible, or the folder holds tasks that were done with other settings.
        ExogaitError: A task failed; those that do not need it were done.
        Stopped: SIGINT or SIGTERM came; trainings have saved their checkpoints.
    """
    folder = Path(folder)
    with output_folder(folder, "exogait study") as ours:
        return _run(config, folder, ours, summarise, backend, policies, report)


def _run(
    config: StudyConfig,
    folder: Path,
    ours: OutputFolder,
    summarise: Summarise,
    backend: Backend | None,
    policies: str | Path | None,
    report: Callable[[str], None] | None,
) -> dict[str, pd.DataFrame]:
    policies = None if policies is None else Path(policies)
    tasks = plan(config, policies)
    _check(config, tasks, folder, policies)
    for task in tasks:  # its worker, perhaps on another machine, knows of no list
        ours.whole(task.name, adopt=result_of(folder, task) is not None or (folder / STUDY_FILE).is_file())
    write_text_atomic(folder / STUDY_FILE, json.dumps(dataclasses.asdict(config), indent=1) + "\n")
    backend = backend or LocalWorkers()
    with heeded_signals("trainings finish their update and save", at_once=True):
        try:
            failed = _work(config, tasks, folder, summarise, policies, backend, report)
        except Stopped as stop:
            backend.stop()
            raise Stopped(stop.number, f"{folder} holds what was done; the same command goes on from there") from None
        finally:
            backend.close()
    tables = gather(config, tasks, folder)
    if failed:
        name, reason = next(iter(failed.items()))
        others = f"; also {', '.join(list(failed)[1:])}" if len(failed) > 1 else ""
        raise ExogaitError(f"{len(failed)} of {len(tasks)} tasks failed, first {name}: {reason}{others}")
    return tables


def _work(
    config: StudyConfig, tasks: Sequence[Task], folder: Path, summarise: Summarise, policies: Path | None,
    backend: Backend, report: Callable[[str], None] | None,
) -> dict[str, str]:  # fmt: skip
    """Do what is not done yet, each task when those it needs are done.

    Returns:
        Why tasks failed, by name.
    """
    done = {task.name for task in tasks if result_of(folder, task) is not None}
    waiting = [task for task in tasks if task.name not in done]
    running: dict[Any, Task] = {}
    tries: dict[str, int] = {}
    failed: dict[str, str] = {}
    while waiting or running:
        ready = [task for task in waiting if all(need in done for need in task.needs)]
        for task in ready[: max(0, backend.workers - len(running))]:
            waiting.remove(task)
            handle = backend.submit(run_task, config, task, folder, summarise, policies)
            running[handle] = task
        if not running:
            break  # what is left needs a task that failed
        for handle in backend.wait_for_one(list(running)):
            task = running.pop(handle)
            try:
                seconds = backend.result(handle)
            except WorkerLostError as error:
                tries[task.name] = tries.get(task.name, 0) + 1
                if tries[task.name] > RETRIES:
                    failed[task.name] = f"its worker died {RETRIES + 1} times ({error})"
                else:
                    waiting.insert(0, task)
            except Exception as error:
                failed[task.name] = "".join(traceback.format_exception_only(error)).strip()
                with contextlib.suppress(OSError, ExogaitError):  # a full disk, perhaps, which the reason tells already
                    (folder / task.name).mkdir(exist_ok=True)
                    write_text_atomic(folder / task.name / "error.txt", "".join(traceback.format_exception(error)))
            else:
                done.add(task.name)
                (folder / task.name / "error.txt").unlink(missing_ok=True)
                if report is not None:
                    report(f"{task.name}: {seconds:.0f} s ({len(done)} of {len(tasks)})")
            if task.name in failed and report is not None:
                report(f"{task.name}: failed, {failed[task.name]}")
    return failed


def _check(config: StudyConfig, tasks: Sequence[Task], folder: Path, policies: Path | None) -> None:
    """Refuse before any work what would fail after hours, or would mix results of different settings.

    Raises:
        InputError: It does.
    """
    if not tasks:
        raise InputError("policies", str(policies), "a folder with policies of this study's seeds, bodies and variants")
    for task in tasks:
        if task.kind in ("train", "tune") and training_config(config, task, folder).setup.device is None:
            raise InputError("device", None, "a study compares device conditions: name a device")
        result = result_of(folder, task)
        if result is None or "inputs" not in result:  # one from before inputs were noted
            continue
        wanted, found = inputs_of_task(config, task), result["inputs"]
        for key in wanted:
            if key == "files" and key not in found:  # one from before files were noted
                continue
            if wanted[key] != found.get(key):
                raise InputError(
                    key, wanted[key], f"{folder / task.name} was done with {found.get(key)}; choose another folder"
                )


def gather(config: StudyConfig, tasks: Sequence[Task], folder: Path) -> dict[str, pd.DataFrame]:
    """All tables of the finished tasks, written as parquet."""
    parts: dict[str, list[pd.DataFrame]] = {}
    rows = []
    for task in tasks:
        result = result_of(folder, task)
        settings = settings_of_task(config, task)
        rows.append({**settings, "task": task.name, "kind": task.kind, "done": result is not None})
        if result is None:
            continue
        rows[-1] |= {"seconds": result["seconds"], "samples": result.get("samples")}
        for name in result.get("tables", []):
            parts.setdefault(name, []).append(
                read_table(folder / task.name / f"{name}.parquet", "damaged table", "run the task again")
            )
    tables = {name: pd.concat(some, ignore_index=True) for name, some in parts.items()}
    tables["tasks"] = pd.DataFrame(rows)
    for name, table in tables.items():
        write_parquet(table, folder / f"{name}.parquet")
    return tables
