"""Functions that the processes of a study import: what a walk is summed up to, and ways to go wrong."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from exogait.data import GaitTrial
from exogait.osim_env.study.plan import (
    StudyConfig,
    Task,
)
from exogait.osim_env.study.tasks import run_task
from exogait.osim_env.study.walks import Summary


def numbers(trial: GaitTrial, about: Mapping[str, Any]) -> Summary:
    """Where the walk ended, and everything about it."""
    end = {"seconds_walked": trial.coordinates.index[-1], **trial.coordinates.iloc[-1]}
    return {"walks": pd.DataFrame([{**about, **end, "fell": trial.metadata["fell"]}])}


def once(marker: Path) -> bool:
    """Whether nobody asked before."""
    try:
        os.close(os.open(marker, os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return False
    return True


def die_once(trial: GaitTrial, about: Mapping[str, Any], folder: Path, body: str) -> Summary:
    """As :func:`numbers`, but the first process that comes to a body kills itself."""
    if about["body"] == body and once(folder / "died"):
        die()
    return numbers(trial, about)


def die() -> None:
    """End like a process that the system killed."""
    os.kill(os.getpid(), signal.SIGKILL)


def die_of_name(task: tuple[Any, ...]) -> dict[str, Any]:
    """One walk of a batch, at which a process dies if it is called ``dies``."""
    if task[0].name == "dies":
        die()
    return {"error": "was tried", "step": "read", "metrics": []}


def divide(a: float, b: float) -> float:
    """A call that may fail."""
    return a / b


def wait_for(file: Path) -> int:
    """Wait until a file is there; returns the process."""
    end = time.monotonic() + 60
    while not file.exists():
        if time.monotonic() > end:
            raise TimeoutError(str(file))
        time.sleep(0.02)
    return os.getpid()


def fail(trial: GaitTrial, about: Mapping[str, Any], body: str) -> Summary:
    """As :func:`numbers`, but not for one body."""
    if about["body"] == body:
        raise ArithmeticError(f"nothing to say about {body}")
    return numbers(trial, about)


def train_and_die(config: StudyConfig, task: Task, folder: Path, updates: int) -> None:
    """A training task whose process is killed after some updates."""
    from exogait.osim_env.learning.trainer import Trainer

    update, count = Trainer.update, 0

    def mortal(self: Trainer) -> dict[str, float]:
        nonlocal count
        if count == updates:
            die()
        count += 1
        return update(self)

    Trainer.update = mortal  # type: ignore[method-assign,assignment]
    run_task(config, task, folder, numbers, None)
