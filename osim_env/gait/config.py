"""Settings of the world, and what one control step gives."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from exogait.data.errors import InputError, UnknownNameError
from exogait.data.settings import SPEED_RANGE, Range, check_ranges
from exogait.data.show import Shown

from ..device.exoskeleton import TICK
from .muscle_command import MuscleCommandConfig
from .step.rewards import DEVICE_TERMS, HUMAN_TERMS
from .view import Array

WORLD_RANGES: dict[str, Range] = {
    "control_step": (0.0, 1.0, "s"),
    "integration_step": (0.0, 0.1, "s"),
    "episode": (0.0, 1e6, "s"),
    "speeds": SPEED_RANGE,
    "treadmill": (0.0, 1000.0, ""),
    "imitation_weight": (0.0, 1000.0, ""),
    "imitation_dead_zone": (0.0, 10.0, ""),
    "pose_sigma": (1e-6, 100.0, ""),
    "weakness": (0.0, 100.0, ""),
    "reset_noise": (0.0, 10.0, ""),
    "early_height": (0.0, 10.0, ""),
    "early_trunk": (0.0, 10.0, ""),
    "push_force": (0.0, 1e4, "N"),
    "push_duration": (0.0, 100.0, "s"),
    "push_interval": (0.0, 1e6, "s"),
    "human_weights": (-1e6, 1e6, ""),
    "device_weights": (-1e6, 1e6, ""),
}
"""What every world asks, whatever its bodies are commanded by: setting to lowest and highest value and unit."""
_WORLD_CONFIG_RANGES = {
    **WORLD_RANGES,
    "pose_emphasis": (0.0, 1000.0, ""),
    "early_pose": (0.0, 1e6, ""),
}
"""Field of :class:`WorldConfig` to lowest and highest value and unit."""


@dataclass(frozen=True)
class WorldConfig(Shown):
    """Settings of the world, the same in training and evaluation unless said otherwise.

    Attributes:
        control_step: Time between two actions, s.
        integration_step: Time step of the linearly implicit integrator, s.
        episode: Length after which an episode is cut, s (infinite in evaluation).
        speeds: Range from which training draws walking speeds, m/s.
        treadmill: How strongly a body that loses or gains ground on a treadmill running at the commanded speed aims
            for a higher or lower one, 1/s (0: over ground). A walk keeps the commanded speed on average with it, as
            people on a treadmill do, whatever they wear.
        imitation_weight: Factor on the weights of all imitation terms.
        imitation_dead_zone: Joint angle error that costs nothing, rad.
        pose_sigma: Joint angle error beyond the dead zone at which the pose term falls to 1/e, rad.
        pose_emphasis: How much more hip flexion, knee and ankle count in the pose term than the other joints.
        weakness: Share of its loss of strength that a body drawn from a population has: 0 are all healthy, 1 as drawn.
        reset_noise: Standard deviation of the noise on the reference state at a reset, rad and rad/s.
        early_termination: Whether a training episode ends at a large deviation, before a fall.
        early_height: Early termination below this share of the reference pelvis height.
        early_trunk: Early termination beyond this trunk inclination, rad.
        early_pose: Early termination beyond this mean joint angle error, rad.
        push_force: Size of random pushes at the pelvis, N.
        push_duration: s.
        push_interval: Time between pushes, s (0: no pushes).
        human_weights: Weight of each human reward term.
        device_weights: Weight of each device reward term.
        muscles: How actions become excitations.
    """

    control_step: float = 0.02
    integration_step: float = 0.001
    episode: float = 10.0
    speeds: tuple[float, float] = (1.25, 1.25)
    treadmill: float = 0.0
    imitation_weight: float = 1.0
    imitation_dead_zone: float = 0.0
    pose_sigma: float = 0.2
    pose_emphasis: float = 1.0
    weakness: float = 1.0
    reset_noise: float = 0.02
    early_termination: bool = True
    early_height: float = 0.75
    early_trunk: float = 0.79
    early_pose: float = 0.6
    push_force: float = 0.0
    push_duration: float = 0.2
    push_interval: float = 0.0
    human_weights: dict[str, float] = field(
        default_factory=lambda: {
            "imitate_pose": 0.4,
            "imitate_velocity": 0.1,
            "imitate_root": 0.15,
            "imitate_feet": 0.15,
            "keep_speed": 0.2,
            "keep_path": 0.1,
            "effort": -1.0,
            "joint_limits": -0.05,
            "smoothness": -0.02,
        }
    )
    device_weights: dict[str, float] = field(
        default_factory=lambda: {
            "device_effort": -0.2,
            "device_upright": 2.0,
            "device_smoothness": -0.05,
            "device_fall": -5.0,
        }
    )
    muscles: MuscleCommandConfig = field(default_factory=MuscleCommandConfig)

    def __post_init__(self) -> None:
        check_ranges(self, _WORLD_CONFIG_RANGES)
        ticks = self.control_step / TICK
        if ticks < 1 or abs(ticks - round(ticks)) > 1e-9:
            raise InputError("control_step", self.control_step, f"a multiple of {TICK} s is needed")
        for group, known in ((self.human_weights, HUMAN_TERMS), (self.device_weights, DEVICE_TERMS)):
            for name in group:
                if name not in known:
                    raise UnknownNameError("reward term", name, known)


@dataclass(frozen=True)
class Transition:
    """What one control step gave; arrays of shape (batch,) unless said otherwise."""

    human_reward: Array
    device_reward: Array
    terminated: NDArray[np.bool_]
    truncated: NDArray[np.bool_]
    human_final: Array
    """Human observation before any reset, shape (batch, n_human_observations)."""
    device_final: Array
    """Device observation before any reset, shape (batch, n_device_observations)."""
    terms: dict[str, Array]
    """Raw value of every reward term."""
