"""Settings of a training run, its learners and its evaluations; reading them needs no torch."""

from __future__ import annotations

import dataclasses
import functools
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeVar

from numpy.typing import NDArray

from exogait.data.errors import InputError
from exogait.data.settings import (
    SAMPLES_RANGE,
    SECONDS_RANGE,
    SEED_RANGE,
    SETTLE_RANGE,
    STARTS_RANGE,
    Range,
    check_ranges,
)
from exogait.data.show import Shown

from ..excitation.config import ExcitationConfig
from ..gait.config import WORLD_RANGES, WorldConfig
from ..gait.setup import WorldSetup

World = TypeVar("World", WorldConfig, ExcitationConfig)

Array = NDArray[Any]


PPO_RANGES: dict[str, Range] = {
    "learning_rate": (0.0, 1.0, ""),
    "learning_rate_range": (0.0, 1.0, ""),
    "target_kl": (0.0, 100.0, ""),
    "epochs": (1, 1000, ""),
    "minibatch": (1, 10_000_000, "samples"),
    "gamma": (0.0, 1.0, ""),
    "gae_lambda": (0.0, 1.0, ""),
    "clip": (0.0, 10.0, ""),
    "max_gradient": (0.0, 1e6, ""),
    "advantage_clip": (0.0, 1e6, ""),
    "critic_warmup": (0, 1_000_000, "updates"),
    "critic_rate": (0.0, 1.0, ""),
}
"""What both learners ask: setting to lowest and highest value and unit."""
_LEARNER_CONFIG_RANGES = {
    **PPO_RANGES,
    "layers": (1, 16384, "units"),
    "initial_std": (1e-6, 10.0, ""),
    "start_std": (1e-6, 10.0, ""),
    "min_std": (0.0, 10.0, ""),
    "entropy": (0.0, 100.0, ""),
    "value": (0.0, 1000.0, ""),
}
"""Field of :class:`LearnerConfig` to lowest and highest value and unit."""


@dataclass(frozen=True)
class LearnerConfig:
    """Settings of one learner.

    Attributes:
        layers: Units of the hidden layers of policy and critic.
        initial_std: Standard deviation of the action noise at the start.
        start_std: The same for a policy that starts from another's networks; what that one ended with if not given.
        min_std: The noise never shrinks below this.
        learning_rate: At the start.
        learning_rate_range: Bounds within which the learning rate follows the KL divergence.
        target_kl: KL divergence per update that the learning rate aims for.
        epochs: Passes over each roll-out.
        minibatch: Samples per gradient step.
        gamma: Discount per control step.
        gae_lambda: Of the generalized advantage estimate.
        clip: PPO's clipping range.
        entropy: Weight of the entropy bonus.
        value: Weight of the critic's loss.
        max_gradient: Gradient norm above which gradients are scaled down.
        processor: Where networks learn: ``cpu``, or ``auto`` for a GPU if there is one; simulation runs on all cores
            either way, and networks of this size rarely gain.
        advantage_clip: Advantages beyond this many robust standard deviations (:func:`.learner.robust_scale`) are cut
            to it; 0 keeps them. Where bodies differ widely the falls of the weak would else decide every step, and what
            the others learn would drown in their noise.
        critic_warmup: Updates at the start in which only the critic learns, for a policy that starts trained.
        critic_rate: Learning rate of the critic, which stays; the policy's where not given. A trained policy learns by
            small steps, its new critic has to learn everything.
        mean_reward: Rewards count times 1 - gamma, so that the critic tells a mean reward per step and not a sum of
            some hundred. Policy and critic share one bound on their gradient's norm (``max_gradient``), and the
            gradient of large sums leaves nothing of it to the policy.
    """

    layers: tuple[int, ...] = (256, 256)
    initial_std: float = 0.2
    start_std: float | None = None
    min_std: float = 0.05
    learning_rate: float = 3e-4
    learning_rate_range: tuple[float, float] = (2e-5, 1e-3)
    target_kl: float = 0.012
    epochs: int = 3
    minibatch: int = 4096
    gamma: float = 0.99
    gae_lambda: float = 0.95
    clip: float = 0.2
    entropy: float = 0.0
    value: float = 0.5
    max_gradient: float = 0.5
    processor: Literal["cpu", "auto"] = "cpu"
    advantage_clip: float = 0.0
    critic_warmup: int = 0
    critic_rate: float | None = None
    mean_reward: bool = False

    def __post_init__(self) -> None:
        check_ranges(self, _LEARNER_CONFIG_RANGES)


_EVALUATION_CONFIG_RANGES = {
    "seconds": SECONDS_RANGE,
    "starts": STARTS_RANGE,
    "n_speeds": (1, 1000, ""),
    "settle": SETTLE_RANGE,
}
"""Field of :class:`EvaluationConfig` to lowest and highest value and unit."""


@dataclass(frozen=True)
class EvaluationConfig:
    """What an evaluation is.

    Attributes:
        seconds: Length of each walk, s.
        starts: Random starts per speed.
        n_speeds: Number of speeds over the trained range.
        settle: Time after the start that does not count for speed and tracking errors, s.
    """

    seconds: float = 10.0
    starts: int = 4
    n_speeds: int = 5
    settle: float = 2.0

    def __post_init__(self) -> None:
        check_ranges(self, _EVALUATION_CONFIG_RANGES)


_STAGE_RANGES = {
    "samples": SAMPLES_RANGE,
    **{name: WORLD_RANGES[name] for name in ("speeds", "push_force", "push_interval", "human_weights")},
    "conditions": (0.0, 1e6, ""),
}
"""Field of :class:`Stage` to lowest and highest value and unit."""


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

    def __post_init__(self) -> None:
        check_ranges(self, _STAGE_RANGES)


TRAIN_RANGES: dict[str, Range] = {
    "seed": SEED_RANGE,
    "n_envs": (1, 100_000, "bodies"),
    "n_steps": (1, 100_000, "control steps"),
    "checkpoint_minutes": (0.0, 1e6, "min"),
    "evaluate_every": (1e-3, 1e17, "control steps"),
}
"""What every training asks: setting to lowest and highest value and unit."""


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
        check_ranges(self, TRAIN_RANGES)

    @property
    def samples(self) -> float:
        """Control steps of the whole curriculum."""
        return sum(stage.samples for stage in self.stages)


def unaided(config: World, seconds: float, pushes: tuple[float, float]) -> World:
    """Settings of walks in which nothing helps: episodes end at a fall or with the time, and starts are the reference.

    Args:
        config: Settings of the training.
        seconds: Length of a walk, s.
        pushes: Force (N) and interval (s) of random pushes.
    """
    return dataclasses.replace(
        config, episode=seconds, early_termination=False, reset_noise=0.0, push_force=pushes[0], push_interval=pushes[1]
    )


def without_folders(settings: dict[str, Any]) -> dict[str, Any]:
    """Settings as a policy tells them: where a run started from by name, not by its place on one machine."""
    of_file = ("start_human", "start_device", "device_policy", "strategies")
    names = {key: settings[key] and Path(settings[key]).name for key in of_file if key in settings}
    if "start_checkpoint" in settings:
        start = settings["start_checkpoint"]
        names["start_checkpoint"] = start and Path(start).parent.name
    return {**settings, **names}


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


MAY_CHANGE = (
    "name", "stages", "checkpoint_minutes", "evaluate_every", "evaluation", "world", "human", "device",
)  # fmt: skip
"""Settings that a run may go on with changed, if it is told to; the others are what the run is."""
MAY_NOT_CHANGE = (
    "world.control_step", "world.device_step", "world.squash", "world.muscles.scheme", "human.layers", "human.actor",
    "human.critic", "human.privileged", "device.layers",
)  # fmt: skip
"""Those among them that networks and observations are made for."""


def judging(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that say what a score means: with others, a score is not comparable to one of before.

    Args:
        settings: Those of a run as a mapping; how long its stages are, and who learns in them, judges nobody.
    """
    stages = [{k: v for k, v in stage.items() if k not in ("samples", "learn")} for stage in settings["stages"]]
    return {"world": settings["world"], "evaluation": settings["evaluation"], "stages": stages}


def changed_settings(before: Mapping[str, Any], now: Mapping[str, Any], prefix: str = "") -> dict[str, tuple[Any, Any]]:
    """Settings that differ, by their full name: as they were, and as they are.

    Settings that one of the two does not know (it is of another version) are not compared.

    Example:
        >>> changed_settings({"seed": 0, "human": {"epochs": 3, "clip": 0.2}}, {"seed": 0, "human": {"epochs": 2}})
        {'human.epochs': (3, 2)}
    """
    found: dict[str, tuple[Any, Any]] = {}
    for key in before.keys() & now.keys():
        old, new = before[key], now[key]
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            found |= changed_settings(old, new, f"{prefix}{key}.")
            if prefix + key in TABLES:  # whose keys are data, not settings
                names = old.keys() ^ new.keys()
                found |= {f"{prefix}{key}.{name}": (old.get(name), new.get(name)) for name in names}
        elif old != new:
            found[f"{prefix}{key}"] = (old, new)
    return dict(sorted(found.items()))


TABLES = (
    "world.human_weights", "world.device_weights", "world.muscles.stiffness", "world.muscles.amplitude",
    "setup.population.conditions",
)  # fmt: skip
"""Settings that are tables by name."""


def may_change(name: str) -> bool:
    """Whether a run may go on with this setting changed."""
    fixed = any(name == one or name.startswith(f"{one}.") for one in MAY_NOT_CHANGE)
    return not fixed and name.split(".")[0] in MAY_CHANGE


@functools.cache
def git_revision() -> str:
    """Revision of the source that this process runs, "unknown" outside a checkout."""
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
