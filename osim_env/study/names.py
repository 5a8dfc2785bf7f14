"""How a study names its tasks' folders, and the policies and strategies that it exports.

A body in a variant has a label (:func:`exogait.osim_env.study.plan.label_of`), ``plantarflexors`` for example; with a
seed it is that of a fine-tune and of walks, ``1-plantarflexors``.
"""

from __future__ import annotations

from exogait.data.names import STRATEGIES_ENDING

STRATEGIES_FILE = "strategies.json"
"""What a search leaves in its folder."""


def of_seed(seed: int, body: str) -> str:
    """Label of a body with the policies of one seed."""
    return f"{seed}-{body}"


def training(seed: int) -> str:
    """Folder in which a generalist is trained."""
    return f"train-{seed}"


def tuning(label: str) -> str:
    """Folder of a fine-tune; the label is one with a seed."""
    return f"tune-{label}"


def searching(label: str) -> str:
    """Folder of a search for strategies, which is for all seeds; the label is one without."""
    return f"search-{label}"


def walking(label: str) -> str:
    """Folder of a body's walks; the label is one with a seed."""
    return f"walk-{label}"


def label_in(task: str) -> str:
    """Label, or seed of a training, in the name of a task's folder.

    Example:
        >>> label_in(tuning(of_seed(1, "plantarflexors-elastic"))), label_in(training(2))
        ('1-plantarflexors-elastic', '2')
    """
    return task.split("-", 1)[1]


def generalist(seed: int | str, role: str) -> str:
    """Generalist policy of one seed among exported ones, without suffix; a seed of ``*`` makes a pattern for all."""
    return exported(f"generalist_{seed}", role)


def exported(label: str, role: str) -> str:
    """Policy of a fine-tune among exported ones, without suffix.

    Example:
        >>> exported(of_seed(1, "plantarflexors"), "device"), generalist(1, "human")
        ('1-plantarflexors_device', 'generalist_1_human')
    """
    return f"{label}_{role}"


def exported_strategies(label: str) -> str:
    """File of a body's strategies among exported policies; the label is one without a seed."""
    return f"{label}{STRATEGIES_ENDING}"
