"""Settings of a training in the excitation world; reading them needs no torch."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from exogait.data.errors import InputError
from exogait.data.settings import check_ranges
from exogait.data.show import Shown

from ...excitation.config import ExcitationConfig
from ...gait.setup import WorldSetup
from ..config import PPO_RANGES, TRAIN_RANGES, EvaluationConfig, LearnerConfig, Stage

_PPO_CONFIG_RANGES = {
    **PPO_RANGES,
    "actor": (1, 16384, "units"),
    "critic": (1, 16384, "units"),
    "noise": (1e-6, 10.0, ""),
    "noise_memory": (0.0, 0.999, ""),
    "noise_along": (0.0, 0.999, ""),
    "effort_gradient": (0.0, 1e6, ""),
}
"""Field of :class:`PpoConfig` to lowest and highest value and unit."""


@dataclass(frozen=True)
class PpoConfig:
    """Settings of the learner.

    Attributes:
        actor: Units of the policy's hidden layers.
        critic: Units of the critic's.
        products: Numbers of the large matrix products; bfloat16 pays on processors with AMX.
        noise: Standard deviation of the noise on the command before the squash, mean over the muscles.
        noise_memory: Correlation of the noise from one control step to the next.
        noise_along: Share of its variance along the covariance of the teacher's excitations.
        learning_rate: Of the policy, at the start.
        learning_rate_range: Bounds within which it follows the KL divergence.
        target_kl: KL divergence per update that it aims for.
        epochs: Passes over each roll-out.
        minibatch: Samples per gradient step.
        gamma: Discount per control step.
        gae_lambda: Of the generalized advantage estimate.
        clip: PPO's clipping range.
        max_gradient: Norm above which the gradient of a network is scaled down.
        advantage_clip: Advantages beyond this many robust standard deviations are cut to it; 0 keeps them.
        critic_warmup: Updates at the start in which only the critic learns.
        critic_rate: Learning rate of the critic, which stays.
        privileged: Whether the critic sees what the policy does not: the reference and pushes.
        effort_gradient: Weight, in units of a normalised advantage per W/kg, of the heat rate that the mean excitation
            stands for; its gradient is taken directly and not estimated.
    """

    actor: tuple[int, ...] = (256, 256, 256)
    critic: tuple[int, ...] = (256, 256)
    products: Literal["float32", "bfloat16"] = "float32"
    noise: float = 0.045
    noise_memory: float = 0.8
    noise_along: float = 0.8
    learning_rate: float = 3e-6
    learning_rate_range: tuple[float, float] = (1e-6, 1e-3)
    target_kl: float = 0.02
    epochs: int = 2
    minibatch: int = 4608
    gamma: float = 0.995
    gae_lambda: float = 0.97
    clip: float = 0.3
    max_gradient: float = 0.5
    advantage_clip: float = 3.0
    critic_warmup: int = 8
    critic_rate: float = 1e-3
    privileged: bool = True
    effort_gradient: float = 0.0

    def __post_init__(self) -> None:
        check_ranges(self, _PPO_CONFIG_RANGES)


_IMITATION_CONFIG_RANGES = {
    "iterations": (1, 10_000, ""),
    "n_envs": (1, 100_000, "bodies"),
    "n_steps": (1, 100_000, "control steps"),
    "student_share": (0.0, 1.0, ""),
    "turn": (0.0, 1000.0, "s"),
    "pushes": (0.0, 1e4, "N"),
    "push_interval": (0.0, 1e6, "s"),
    "noise": (0.0, 10.0, ""),
    "noise_time": (1e-3, 100.0, "s"),
    "steps": (1, 1_000_000, "gradient steps"),
    "final_steps": (0, 10_000_000, "gradient steps"),
    "minibatch": (1, 10_000_000, "labels"),
    "rates": (0.0, 1.0, ""),
    "trunk_effort_weight": (0.0, 1e12, ""),
}
"""Field of :class:`ImitationConfig` to lowest and highest value and unit."""


@dataclass(frozen=True)
class ImitationConfig:
    """How the policy first imitates one of the recruitment scheme (DAgger; Ross, Gordon & Bagnell 2011).

    Attributes:
        teacher: Name or path of the recruitment policy.
        iterations: Rounds of gathering labels and learning from all of them.
        n_envs: Bodies.
        n_steps: Control steps of each body a round.
        student_share: Share of the bodies that the student moves after the first round; the teacher moves the others.
        turn: Time after which it is drawn anew who moves a body, s.
        pushes: Sizes of pushes that the bodies take turns in, N.
        push_interval: Time between them, s.
        noise: Relative sizes of the noise on excitations that the bodies take turns in.
        noise_time: Its memory, s.
        steps: Gradient steps a round.
        final_steps: Gradient steps after the last.
        minibatch: Labels per gradient step.
        rates: Learning rate in the first round, the last round, and at the end of the final steps.
        trunk_effort_weight: Weight of the trunk actuators in the teacher's recruitment; so high that its six muscles
            carry the trunk, since the student has nothing else.
    """

    teacher: str = "healthy"
    iterations: int = 21
    n_envs: int = 144
    n_steps: int = 200
    student_share: float = 0.85
    turn: float = 0.5
    pushes: tuple[float, ...] = (0.0, 60.0, 90.0)
    push_interval: float = 1.5
    noise: tuple[float, ...] = (0.0, 0.12, 0.32)
    noise_time: float = 0.1
    steps: int = 250
    final_steps: int = 1200
    minibatch: int = 2048
    rates: tuple[float, float, float] = (1e-3, 3e-4, 2e-5)
    trunk_effort_weight: float = 1e6

    def __post_init__(self) -> None:
        check_ranges(self, _IMITATION_CONFIG_RANGES)

    @property
    def labels(self) -> int:
        """Labels of all rounds."""
        return self.iterations * self.n_envs * self.n_steps


@dataclass(frozen=True)
class ExcitationTrainConfig(Shown):
    """A training with one excitation a muscle.

    Attributes:
        name: Name of the policy.
        scheme: Says that this is one.
        stages: The curriculum after the imitation, in order; ``samples`` are control steps over all bodies.
        seed: Of everything random.
        n_envs: Bodies in the batch.
        n_steps: Control steps per body and update.
        setup: Model, device, reference, population.
        world: Settings of the world.
        human: The learner.
        imitation: Imitate a teacher first; without, start from ``start_human`` or from nothing.
        start_human: Policy (name or path) of this scheme to start with; noise goes along what it commands.
        learn: Who learns, where no stage says it; the other acts without noise, as it will be used.
        turns: Control steps for which first the human, then the device learns, in turns, where no stage says who;
            while the device learns, it is on in all bodies.
        device: The device's learner, for runs in which it learns.
        start_device: Policy whose networks the device starts with.
        share_legs: Whether one network decides for each leg of a device that is alike on both sides, or one for both.
        device_policy: Policy that drives the device where it is on, and stays as it is.
        checkpoint_minutes: Time between checkpoints.
        evaluate_every: Control steps between evaluations.
        evaluation: What an evaluation is.
    """

    name: str
    scheme: Literal["excitation"]
    stages: tuple[Stage, ...]
    seed: int = 0
    n_envs: int = 384
    n_steps: int = 48
    setup: WorldSetup = field(default_factory=WorldSetup)
    world: ExcitationConfig = field(default_factory=lambda: ExcitationConfig(backend="float32"))
    human: PpoConfig = field(default_factory=PpoConfig)
    imitation: ImitationConfig | None = None
    start_human: str | None = None
    learn: Literal["human", "device"] = "human"
    turns: tuple[float, float] | None = None
    device: LearnerConfig | None = None
    start_device: str | None = None
    share_legs: bool = True
    device_policy: str | None = None
    checkpoint_minutes: float = 3.0
    evaluate_every: float = 2e6
    evaluation: EvaluationConfig = field(default_factory=lambda: EvaluationConfig(starts=4, seconds=10.0))

    def __post_init__(self) -> None:
        if not self.stages:
            raise InputError("stages", [], "a training needs at least one stage")
        learns = {self.learn, *(stage.learn for stage in self.stages)} - {"human", None}
        if "both" in learns:
            raise InputError("stages: learn", "both", "human or device: here they learn in turns")
        if (learns or self.turns is not None) and self.device is None:
            raise InputError("learn", "device", "settings of its learner: device")
        if self.turns is not None and not min(self.turns) >= self.n_envs * self.n_steps:
            raise InputError("turns", self.turns, f"an update each: {self.n_envs * self.n_steps} control steps")
        if self.device is not None:
            if self.setup.device is None or self.device_policy is not None:
                raise InputError("device", "a learner", "setup.device that it drives, and no device_policy")
            every = round(self.world.device_step / self.world.control_step)
            if self.n_steps % every:
                raise InputError("n_steps", self.n_steps, f"whole decisions of the device: a multiple of {every}")
        elif self.start_device is not None:
            raise InputError("start_device", self.start_device, "settings of its learner: device")
        if self.imitation is not None and self.start_human is not None:
            raise InputError("start_human", self.start_human, "a start or a teacher to imitate, not both")
        if (self.device_policy is not None) and self.setup.device is None:
            raise InputError("device_policy", self.device_policy, "a device that it drives: setup.device")
        check_ranges(self, TRAIN_RANGES)

    @property
    def samples(self) -> float:
        """Control steps of the whole curriculum, the imitation not counted."""
        return sum(stage.samples for stage in self.stages)
