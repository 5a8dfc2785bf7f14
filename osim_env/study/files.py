"""Where a study keeps the policies, strategies and results of its tasks."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from exogait.data.errors import InputError
from exogait.data.home import find_folder
from exogait.data.loading import read_json
from exogait.data.names import RESULT_FILE
from exogait.models.energetics import ACCOUNTINGS

from . import names
from .plan import StudyConfig, Task, label_of, plan

if TYPE_CHECKING:
    from ..gait.strategy import Strategies
    from ..learning.policy import Policy


def policy_folder(name: str) -> Path:
    """Folder of a study's policies given by name (of the user folder or the suite) or path.

    Raises:
        UnknownNameError: There is no such folder.
    """
    return find_folder("policies", name)


def human_of(policies: str, body: str, seed: int) -> Policy:
    """The human that walks with a body: tuned to it, or else the generalist, of one seed.

    Args:
        policies: Folder of a study's policies, the name of one that the suite ships, or a single human policy.
        body: ``healthy`` or the name of a deficit.
        seed: Of the study's policies.

    Raises:
        InputError: The folder holds neither.
    """
    from ..learning.policy import load_policy

    try:
        folder = policy_folder(policies)
    except InputError:
        return load_policy(policies)
    known = (names.exported(names.of_seed(seed, body), "human"), names.generalist(seed, "human"))
    for name in known:
        if (folder / f"{name}.json").is_file():
            return load_policy(folder / name)
    raise InputError("policies", policies, f"a folder with {' or '.join(known)}: choose another seed or body")


def strategies_of(policies: str, body: str) -> Strategies | None:
    """Strategies that a study found for a body, None where it holds none.

    Args:
        policies: Folder of a study's policies, the name of one that the suite ships, or a single human policy.
        body: ``healthy`` or the name of a deficit.
    """
    from ..gait.strategy import load_strategies

    try:
        path = policy_folder(policies) / names.exported_strategies(body)
    except InputError:
        return None
    return load_strategies(path) if path.is_file() else None


def result_of(folder: Path, task: Task) -> dict[str, Any] | None:
    """What a finished task noted, None for one that is not finished: a walk that was counted otherwise walks again."""
    path = folder / task.name / RESULT_FILE
    if not path.is_file():
        return None
    result = read_json(path, "damaged result", "delete it and run the study again")
    return result if task.kind != "walk" or counted_today(result) else None


def counted_today(result: Mapping[str, Any]) -> bool:
    """Whether walks were counted in all accountings of today, by what their task noted; rates of two do not mix."""
    return set(ACCOUNTINGS) <= set(result.get("accountings", ()))


def policy_files(config: StudyConfig, task: Task, folder: Path, exported: bool) -> tuple[Path, Path]:
    """Human and device policy of a walking task, without suffix; the generalist's where the fine-tune has none."""
    label = names.label_in(task.name)
    files = []
    for role in ("human", "device"):
        generalist = names.generalist(task.seed, role)
        own = folder / (names.exported(label, role) if exported else f"{names.tuning(label)}/{role}")
        general = folder / (generalist if exported else f"{names.training(task.seed)}/{role}")
        if not exported and config.generalists is not None:
            general = policy_folder(config.generalists) / generalist
        files.append(own if own.with_name(f"{own.name}.json").is_file() else general)
    return files[0], files[1]


def strategies_file(config: StudyConfig, task: Task, folder: Path, exported: bool) -> Path | None:
    """Strategies of a walking task's body, None where nobody searches."""
    assert task.body is not None
    variant = config.variant_of(task)
    if not config.searches(variant):
        return None
    label = label_of(config.bodies[task.body], variant)
    if exported:
        return folder / names.exported_strategies(label)
    return folder / names.searching(label) / names.STRATEGIES_FILE


def export_policies(config: StudyConfig, folder: str | Path, target: str | Path) -> list[Path]:
    """Copy the policies of all finished trainings into one folder.

    Generalists become ``generalist_1_human``, fine-tunes ``1-plantarflexors_device`` and the like, strategies
    ``plantarflexors_strategies``.
    """
    from ..gait.strategy import load_strategies
    from ..learning.policy import load_policy

    folder, target = Path(folder), Path(target)
    written = []
    for task in plan(config):
        if task.kind == "search" and result_of(folder, task) is not None:
            found = load_strategies(folder / task.name / names.STRATEGIES_FILE)
            written.append(found.save(target / names.exported_strategies(names.label_in(task.name))))
        elif task.kind in ("train", "tune") and result_of(folder, task) is not None:
            for role in ("human", "device"):
                if (folder / task.name / f"{role}.json").is_file():
                    general, label = names.generalist(task.seed, role), names.label_in(task.name)
                    name = general if task.kind == "train" else names.exported(label, role)
                    written.append(load_policy(folder / task.name / role).save(target / name))
    return written
