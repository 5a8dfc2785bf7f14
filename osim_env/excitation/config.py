"""Settings of the excitation world."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, get_type_hints

import numpy as np
from numpy.typing import ArrayLike

from exogait.data.errors import InputError, UnknownNameError
from exogait.data.settings import check_ranges
from exogait.data.show import Shown
from exogait.models.energetics import IDLE_EXCITATION

from ..gait.config import WORLD_RANGES
from .arrays import Floats, Settings
from .terms import DEVICE, HUMAN

IMPLICITNESS = 0.7
"""Weight of the end of the step in the integrator (see :mod:`exogait.osim_env.engine.batch`)."""


_EXCITATION_CONFIG_RANGES = {
    **WORLD_RANGES,
    "device_step": (0.0, 1.0, "s"),
    "imposed_share": (0.0, 1.0, ""),
    "stride_rates": (0.5, 2.0, ""),
    "slope_share": (0.0, 1.0, ""),
    "slopes": (-0.5, 0.5, ""),
    "load_share": (0.0, 1.0, ""),
    "loads": (0.0, 100.0, "kg"),
    "task_interval": (0.0, 1e6, "s"),
    "speed_bins": (1, 10_000, ""),
    "phase_rate": (0.0, 1.0, ""),
    "min_excitation": (0.0, 1.0, ""),
    "squash": (0.0, 1e6, ""),
    "sensory_delay": (0.0, 0.5, "s"),
    "sensor_noise": (0.0, 10.0, ""),
    "sensor_bias": (0.0, 10.0, ""),
    "missed_samples": (0.0, 1.0, ""),
    "torque_delay": (0.0, 0.5, "s"),
    "cuff_slip": (0.0, 1.0, ""),
}
"""Field of :class:`ExcitationConfig` to lowest and highest value and unit."""


HUMAN_WEIGHTS = {
    "upright": 3.5, "imitate_pose": 0.3, "keep_speed": 0.6, "keep_path": 0.1, "metabolic_power": -0.4,
    "loading_rate": -0.5, "joint_limits": -0.05, "smoothness": -2.0,
}  # fmt: skip
"""Weights of the human's reward that a configuration does not name."""
DEVICE_WEIGHTS = {"device_effort": -1.0, "device_upright": 8.0, "device_smoothness": -0.05, "device_fall": -5.0}


def inverse_softplus(y: ArrayLike) -> Floats:
    """The ``x`` with ``log(1 + exp(x)) = y``, for ``y`` of 0 or more and of any shape; minus infinity for 0."""
    y = np.asarray(y, float)
    with np.errstate(divide="ignore"):
        return y + np.log(-np.expm1(-y))


@dataclass(frozen=True)
class ExcitationConfig(Shown):
    """Settings of the world, the same in training and evaluation unless said otherwise.

    Attributes:
        control_step: Time between two commands of the nervous system, s.
        device_step: Time between two commands of the device, s; a multiple of ``control_step``.
        integration_step: Step of the integrator, s.
        episode: Length after which an episode is cut, s.
        speeds: Range from which walking speeds are drawn, m/s.
        speed_bins: Equal bins of that range; their shares may be changed while training (:meth:`.world.set_shares`).
        treadmill: How strongly a body that loses or gains ground aims for another speed, 1/s.
        phase_rate: Largest relative change of the step rate.
        min_excitation: Least excitation of a muscle: that of one at rest, whose heat is in the basal rate.
        sensory_delay: How late the nervous system learns of joints, fibres, forces, foot loads, balance and the
            device's torque, s; a multiple of ``control_step``. Its own commands, phase and task it knows at once.
        sensor_noise: Standard deviation of the noise on every sample of a device's sensors, in the sizes of
            :data:`exogait.osim_env.device.exoskeleton.SIZE` (0.1 of a joint angle: 2.9 degrees).
        sensor_bias: The same of an offset that each channel keeps throughout a walk.
        missed_samples: Share of the samples of a device that are lost; the last one stands for it.
        torque_delay: Range of what a device's torque is late beyond its own delay, drawn for each walk, s.
        cuff_slip: Range of the share of the torque that does not reach the body, drawn for each walk.
        squash: An excitation is ``log(1 + exp(squash z)) / squash``, cut at 1: exploration in ``z`` moves idle muscles
            little.
        weakness: Share of its loss of strength that a drawn body has.
        reset_noise: Standard deviation of the noise on joint angles at a start, rad; five times that on speeds, rad/s.
        imitation_weight: Factor on the weights of the imitation terms.
        imitation_dead_zone: Joint angle error that costs nothing, rad.
        pose_sigma: Error beyond the dead zone at which the pose term falls to 1/e, rad.
        early_termination: Whether training ends an episode before a fall is complete.
        early_height: Early end below this share of the reference pelvis height.
        early_trunk: Early end beyond this inclination, rad.
        push_force: Size of random horizontal pushes at the pelvis, N.
        push_duration: s.
        push_interval: Time between pushes, s (0: none).
        imposed_share: Share of the tasks with a stride rate that is asked for.
        stride_rates: Range of it, over the reference's at the same speed.
        slope_share: Share of the tasks on a slope.
        slopes: Range of its grade, rise over run.
        load_share: Share of the bodies with a load.
        loads: Largest load at the waist, on each shank, on each foot, kg; a body has one of the three.
        task_interval: Mean time between changes of speed, stride rate and slope, s (0: never).
        human_weights: Weight of each of the human's reward terms (:data:`.terms.HUMAN`); terms that are not named keep
            the weight of :data:`HUMAN_WEIGHTS`, 0 switches one off.
        device_weights: Weight of each of the device's (:data:`.terms.DEVICE`), likewise.
        backend: Numbers of the physics: float32 for training, float64 for what is reported.
    """

    control_step: float = 0.01
    device_step: float = 0.02
    integration_step: float = 0.002
    episode: float = 10.0
    speeds: tuple[float, float] = (0.75, 1.75)
    speed_bins: int = 5
    treadmill: float = 0.3
    phase_rate: float = 0.2
    min_excitation: float = IDLE_EXCITATION
    squash: float = 10.0
    sensory_delay: float = 0.0
    sensor_noise: float = 0.0
    sensor_bias: float = 0.0
    missed_samples: float = 0.0
    torque_delay: tuple[float, float] = (0.0, 0.0)
    cuff_slip: tuple[float, float] = (0.0, 0.0)
    weakness: float = 1.0
    reset_noise: float = 0.02
    imitation_weight: float = 1.0
    imitation_dead_zone: float = 0.09
    pose_sigma: float = 0.2
    early_termination: bool = True
    early_height: float = 0.75
    early_trunk: float = 0.79
    push_force: float = 0.0
    push_duration: float = 0.2
    push_interval: float = 0.0
    imposed_share: float = 0.0
    stride_rates: tuple[float, float] = (0.8, 1.2)
    slope_share: float = 0.0
    slopes: tuple[float, float] = (-0.1, 0.1)
    load_share: float = 0.0
    loads: tuple[float, float, float] = (16.0, 4.0, 2.0)
    task_interval: float = 0.0
    human_weights: dict[str, float] = field(default_factory=dict)
    device_weights: dict[str, float] = field(default_factory=dict)
    backend: Literal["float64", "float32", "scalar"] = "float64"

    def __post_init__(self) -> None:
        check_ranges(self, _EXCITATION_CONFIG_RANGES)
        if not self.integration_step > 0:
            raise InputError("integration_step", self.integration_step, "more than 0 s")
        for name, part, whole in (
            ("control_step", self.integration_step, self.control_step),
            ("device_step", self.control_step, self.device_step),
        ):
            if not part > 0 or whole / part < 1 - 1e-9 or abs(whole / part - round(whole / part)) > 1e-9:
                raise InputError(name, whole, f"a multiple of {part} s is needed")
        late = self.sensory_delay / self.control_step
        if abs(late - round(late)) > 1e-9:
            raise InputError("sensory_delay", self.sensory_delay, f"a multiple of {self.control_step} s is needed")
        for given, known in ((self.human_weights, HUMAN), (self.device_weights, DEVICE)):
            for name in given:
                if name not in known:
                    raise UnknownNameError("reward term", name, known)
        # Whoever changes one weight does not mean to take the pay for standing away.
        object.__setattr__(self, "human_weights", {**HUMAN_WEIGHTS, **self.human_weights})
        object.__setattr__(self, "device_weights", {**DEVICE_WEIGHTS, **self.device_weights})

    def settings(self, *, auto_reset: bool) -> Settings:
        """The numbers that the kernel reads."""
        numbers = Settings(
            control_step=self.control_step,
            integration_step=self.integration_step,
            implicitness=IMPLICITNESS,
            speed_limit=1000.0,
            episode=self.episode,
            treadmill=self.treadmill,
            phase_rate=self.phase_rate,
            min_excitation=self.min_excitation,
            squash=self.squash,
            idle=float(inverse_softplus(self.squash * self.min_excitation)),
            full=float(inverse_softplus(self.squash)),
            weakness=self.weakness,
            reset_noise=self.reset_noise,
            imitation_dead_zone=self.imitation_dead_zone,
            pose_sigma=self.pose_sigma,
            early_termination=int(self.early_termination),
            early_height=self.early_height,
            early_trunk=self.early_trunk,
            push_force=self.push_force,
            push_duration=self.push_duration,
            push_interval=self.push_interval,
            imposed_share=self.imposed_share,
            stride_rates=self.stride_rates,
            slope_share=self.slope_share,
            slopes=self.slopes,
            load_share=self.load_share,
            loads=self.loads,
            task_interval=self.task_interval,
            auto_reset=int(auto_reset),
            device_every=round(self.device_step / self.control_step),
            sensor_noise=self.sensor_noise,
            sensor_bias=self.sensor_bias,
            missed_samples=self.missed_samples,
            torque_delay=self.torque_delay,
            cuff_slip=self.cuff_slip,
        )
        return Settings._make(map(_as_declared, get_type_hints(Settings).values(), numbers))


def _as_declared(kind: type, value: Any) -> Any:
    """A number, or numbers, as the kernel takes them: for a 30 instead of 30.0 it would be compiled anew, a minute."""
    return kind(value) if kind in (int, float) else tuple(map(float, value))
