"""A training run as a user starts it: from a configuration file, with a progress bar, on a stated number of threads."""

from __future__ import annotations

import contextlib
import ctypes
import dataclasses
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numba

from exogait.data.errors import InputError
from exogait.data.extras import require_extra
from exogait.data.home import find
from exogait.data.loading import read_yaml
from exogait.data.output import OutputFolder, output_folder
from exogait.data.settings import from_mapping

from ..engine import set_threads
from .agents import AgentName, run_agent
from .config import TrainConfig
from .evaluation import evaluation_world
from .excitation.config import ExcitationTrainConfig
from .log import CHECKPOINT, CONFIG, EVALUATION, IMITATION, MANIFEST, PROGRESS, set_aside

if TYPE_CHECKING:
    from .trainer import TrainingRun

M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_THRESHOLD = -1, -2, -3
"""Options of glibc's mallopt. Source: malloc.h."""
CONFIGS = Path(__file__).parent / "configs"


def find_config(name: str) -> Path:
    """Path of a configuration given by name (of the user folder or the suite) or path."""
    return find("trainings", name)


def read_training(name: str) -> TrainConfig | ExcitationTrainConfig:
    """Settings of a training given by name or path; ``scheme: excitation`` makes it one of one excitation a muscle."""
    path = find_config(name)
    return training_of(read_yaml(path), path)


def training_of(content: Mapping[str, Any], path: str | Path) -> TrainConfig | ExcitationTrainConfig:
    """Settings of a training of what its file holds, of the file ``path``."""
    return from_mapping(ExcitationTrainConfig if "scheme" in content else TrainConfig, content, where=str(path))


def keep_memory() -> None:
    """Let the C library keep freed memory instead of handing it back to the system at every control step.

    Arrays of a batch are of a few megabytes; mapping fresh pages for each costs up to a third of the time. Only the GNU
    C library knows this; elsewhere nothing happens.
    """
    try:
        adjust = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError, TypeError):
        return
    for option, value in ((M_MMAP_THRESHOLD, 1 << 30), (M_TRIM_THRESHOLD, 1 << 30), (M_TOP_PAD, 1 << 27)):
        adjust(option, value)


def use_threads(threads: int | None) -> int:
    """Give simulation and learning a number of threads; a fixed number makes runs repeatable.

    Raises:
        InputError: Not a positive number.
    """
    count = threads or len(os.sched_getaffinity(0))
    if count < 1:
        raise InputError("threads", threads, "a positive number")
    keep_memory()
    with contextlib.suppress(ImportError):  # walking alone needs no torch
        import torch

        torch.set_num_threads(count)
    numba.set_num_threads(min(count, numba.get_num_threads()))
    set_threads(count)
    return count


def train_from_file(
    config: str,
    out: Path,
    *,
    resume: bool,
    override: bool = False,
    seed: int | None = None,
    minutes: float | None = None,
    threads: int | None = None,
) -> TrainingRun:
    """Train from a configuration file, showing progress.

    Where a run in the folder ended before its first checkpoint, its rows are kept aside and it starts anew.

    Raises:
        InputError: The folder already holds a run and ``resume`` was not asked for.
        FileFormatError: The checkpoint to go on from is missing, damaged, or was made with other settings.
        Stopped: SIGINT or SIGTERM came; checkpoint and policies hold everything up to then.
        MissingDependencyError: The extra ``learn`` is not installed.
    """
    require_extra("learn")
    settings = read_training(config)
    if seed is not None:
        settings = dataclasses.replace(settings, seed=seed)
    with output_folder(out, "exogait train") as ours:
        return _train(settings, out, ours, resume=resume, override=override, minutes=minutes, threads=threads)


def _train(
    settings: TrainConfig | ExcitationTrainConfig,
    out: Path,
    ours: OutputFolder,
    *,
    resume: bool,
    override: bool,
    minutes: float | None,
    threads: int | None,
) -> TrainingRun:
    from tqdm.auto import tqdm

    if not resume and (out / CHECKPOINT).exists():
        raise InputError("--out", str(out), "it holds a run already; add --resume to go on, or name another folder")
    for name in (CHECKPOINT, PROGRESS, EVALUATION, IMITATION, CONFIG, MANIFEST):
        ours.grows(name, adopt=resume)
    for role in ("human", "device"):
        for ending in ("json", "safetensors"):
            ours.grows(f"best_{role}.{ending}", adopt=resume)
            ours.grows(f"last_{role}.{ending}", adopt=resume)
    ours.whole("tensorboard", adopt=resume)
    use_threads(threads)
    trainer = _make(settings, out)
    if resume:
        for line in trainer.load_checkpoint(override=override):
            print(f"changed: {line}")
    elif aside := set_aside(out):
        print(f"{out} held a run that ended before its first checkpoint: starting anew, what it left is in {aside}")
    with tqdm(
        total=int(settings.samples), initial=trainer.samples, unit=" steps", unit_scale=True, disable=None
    ) as bar:

        def report(figures: dict[str, float]) -> None:
            bar.update(trainer.samples - bar.n)
            bar.set_postfix_str(
                f"walks {figures['episode_seconds']:.1f} s, reward {figures['reward/human']:.2f}, "
                f"{figures['simulated_per_wall_second']:.0f} s/s{_shares(figures)}"
            )

        trainer.run(report, stop_after=None if minutes is None else 60 * minutes)
    return trainer


def _make(settings: TrainConfig | ExcitationTrainConfig, out: Path) -> TrainingRun:
    """The run of one scheme or the other."""
    if isinstance(settings, ExcitationTrainConfig):
        from .excitation.trainer import ExcitationTrainer

        return ExcitationTrainer(settings, out)
    from .trainer import Trainer

    return Trainer(settings, out)


def _shares(figures: dict[str, float]) -> str:
    """Shares of the wall time of an update, in words, where they are known."""
    found = {key.removeprefix("share/"): value for key, value in figures.items() if key.startswith("share/")}
    return f" ({', '.join(f'{name} {100 * value:.0f}%' for name, value in found.items())})" if found else ""


def check_agent(config: str, agent: AgentName, *, seconds: float = 5.0, n_envs: int = 32) -> str:
    """Walk with an untrained agent and tell how far it came."""
    settings = read_training(config)
    if isinstance(settings, ExcitationTrainConfig):
        raise InputError("--agent", agent, "a training of the recruitment scheme")
    world = evaluation_world(settings.setup, settings.world, n_envs=n_envs, seconds=seconds, seed=settings.seed)
    result = run_agent(world, agent, seconds, settings.seed)
    return "\n".join(f"{name:20s} {value:9.4f}" for name, value in result.items())
