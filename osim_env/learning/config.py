"""Settings of a training run."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from numpy.typing import NDArray

from exogait.data.errors import InputError
from exogait.data.show import Shown

from ..gait.config import WorldConfig
from ..gait.setup import WorldSetup
from .evaluation import EvaluationConfig
from .learner import LearnerConfig

Array = NDArray[Any]


@dataclass(frozen=True)
class Stage:
    """A part of the curriculum; settings that are None stay as they were.

    Attributes:
        samples: Control steps (over all environments) after which the stage ends.
        speeds: Range of walking speeds, m/s.
        push_force: Size of random pushes, N.
        push_interval: Time between pushes, s.
        human_weights: Replaces weights of human reward terms by name.
        learn: Which policies learn in this stage.
        conditions: Share of the environments in each device condition from here on; those of the population before.
        world: Other settings of the world that change with this stage, as in a configuration file.
    """

    samples: float
    speeds: tuple[float, float] | None = None
    push_force: float | None = None
    push_interval: float | None = None
    human_weights: dict[str, float] | None = None
    learn: Literal["human", "device", "both"] | None = None
    conditions: dict[str, float] | None = None
    world: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class TrainConfig(Shown):
    """A training run.

    Attributes:
        name: Name of the policy.
        stages: The curriculum, in order.
        seed: Of everything random.
        n_envs: Environments in the batch.
        n_steps: Control steps per environment and update.
        learn: Which policies learn; the other acts as it is, without noise, its statistics frozen.
        setup: Model, device, deficit, reference.
        world: Settings of the world.
        human: The human's learner.
        device: The exoskeleton's learner.
        start_human: Policy (name or path) whose networks the human starts with.
        start_device: Policy whose networks the device starts with.
        strategies: File of strategies that the bodies walk with.
        start_checkpoint: Checkpoint of another run whose networks, critics and statistics both start with.
        share_legs: Whether one network controls each leg of a device that is alike on both sides, or one both.
        device_profile: Fixed torque profile that drives the device instead of a policy, as a baseline.
        checkpoint_minutes: Time between checkpoints.
        evaluate_every: Samples between evaluations.
        evaluation: What an evaluation is.
    """

    name: str
    stages: tuple[Stage, ...]
    seed: int = 0
    n_envs: int = 256
    n_steps: int = 64
    learn: Literal["human", "device", "both"] = "human"
    setup: WorldSetup = field(default_factory=WorldSetup)
    world: WorldConfig = field(default_factory=WorldConfig)
    human: LearnerConfig = field(default_factory=LearnerConfig)
    device: LearnerConfig = field(default_factory=lambda: LearnerConfig(layers=(64, 64)))
    start_human: str | None = None
    start_device: str | None = None
    strategies: str | None = None
    start_checkpoint: str | None = None
    share_legs: bool = True
    device_profile: str | None = None
    checkpoint_minutes: float = 3.0
    evaluate_every: float = 1e6
    evaluation: EvaluationConfig = field(default_factory=lambda: EvaluationConfig(starts=4, seconds=10.0))

    def __post_init__(self) -> None:
        if not self.stages:
            raise InputError("stages", [], "a training needs at least one stage")
        learns = {self.learn, *(stage.learn for stage in self.stages)} - {"human", None}
        if learns and self.setup.device is None:
            raise InputError("learn", learns.pop(), "a device can learn only where setup names one")

    @property
    def samples(self) -> float:
        """Control steps of the whole curriculum."""
        return sum(stage.samples for stage in self.stages)


def without_folders(settings: dict[str, Any]) -> dict[str, Any]:
    """Settings as a policy tells them: where a run started from by name, not by its place on one machine."""
    names = {key: settings[key] and Path(settings[key]).name for key in ("start_human", "start_device", "strategies")}
    start = settings["start_checkpoint"]
    return {**settings, **names, "start_checkpoint": start and Path(start).parent.name}


def merged(settings: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Nested settings with some of them changed."""
    result = dict(settings)
    for key, value in changes.items():
        inner = result.get(key)
        result[key] = merged(inner, value) if isinstance(inner, Mapping) and isinstance(value, Mapping) else value
    return result


def jsonable(value: Any) -> Any:
    """Settings as JSON holds them."""
    if isinstance(value, dict):
        return {key: jsonable(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [jsonable(item) for item in value]
    return str(value) if isinstance(value, Path) else value


def git_revision() -> str:
    """Revision of the source, "unknown" outside a checkout."""
    try:
        result = subprocess.run(
            ["git", "describe", "--always", "--dirty"],
            capture_output=True,
            text=True,
            cwd=Path(__file__).parent,
            timeout=10,
        )
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    return result.stdout.strip() or "unknown"
