"""What a worker does with one task."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from exogait.data.files import write_parquet, write_text_atomic
from exogait.data.names import RESULT_FILE
from exogait.models.energetics import ACCOUNTINGS

from .plan import StudyConfig, Task, inputs_of_task, settings_of_task
from .tune import train_task
from .walks import Summarise, walk_task


def run_task(config: StudyConfig, task: Task, folder: Path, summarise: Summarise, policies: Path | None) -> float:
    """Do one task in its folder.

    Returns:
        Seconds it took.
    """
    begin = time.monotonic()
    home = folder / task.name
    home.mkdir(parents=True, exist_ok=True)
    result: dict[str, Any] = {**settings_of_task(config, task), "inputs": inputs_of_task(config, task)}
    if task.kind == "search":
        from .search import run_search

        table = run_search(config, task, folder)
        table = table.assign(**settings_of_task(config, task)).drop(columns="seed")
        write_parquet(table, home / "search.parquet")
        result["tables"] = ["search"]
    elif task.kind == "walk":
        tables = walk_task(config, task, folder if policies is None else policies, summarise, policies is not None)
        for name, table in tables.items():
            write_parquet(table, home / f"{name}.parquet")
        result |= {"tables": sorted(tables), "accountings": list(ACCOUNTINGS)}
    else:
        result["samples"] = train_task(config, task, folder)
    result["seconds"] = time.monotonic() - begin
    write_text_atomic(home / RESULT_FILE, json.dumps(result, indent=1) + "\n")
    return result["seconds"]
