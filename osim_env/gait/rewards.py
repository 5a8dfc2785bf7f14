"""Reward terms: small named functions of the world after a control step, each logged under its name.

The human's reward is what it imitates and what it costs; the exoskeleton's reward knows nothing of imitation, of joint
angles, of symmetry or of any torque profile. A test holds that line.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from .world import GaitWorld

Array = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Term:
    """One reward term.

    Attributes:
        function: Gives the raw value per environment, shape (batch,), 1/s where it is a rate.
        weight: Multiplies the raw value in the sum.
    """

    function: Callable[[GaitWorld], Array]
    weight: float


def _closeness(error: Array, sigma: float) -> Array:
    """Mean squared error over the last axis, mapped to (0, 1]."""
    return np.exp(-np.mean(np.square(error), axis=-1) / sigma**2)


def imitate_pose(world: GaitWorld) -> Array:
    """Joint angles against the reference, with the configured dead zone, sigma and emphasis."""
    error = world.q[:, world.joint_columns] - world.q_reference[:, world.joint_columns]
    beyond = np.maximum(np.abs(error) - world.config.imitation_dead_zone, 0.0)
    return _closeness(np.sqrt(world.pose_weights) * beyond, world.config.pose_sigma)


def imitate_velocity(world: GaitWorld) -> Array:
    """Joint speeds against the reference, sigma 2 rad/s."""
    return _closeness(world.u[:, world.joint_columns] - world.u_reference[:, world.joint_columns], 2.0)


def imitate_root(world: GaitWorld) -> Array:
    """Pelvis height (sigma 0.05 m) and orientation (sigma 0.15 rad) against the reference."""
    height = world.q[:, [world.column["pelvis_ty"]]] - world.q_reference[:, [world.column["pelvis_ty"]]]
    turn = world.q[:, world.pelvis_rotations] - world.q_reference[:, world.pelvis_rotations]
    return _closeness(height, 0.05) * _closeness(turn, 0.15)


def imitate_feet(world: GaitWorld) -> Array:
    """Feet relative to the pelvis against the reference, sigma 0.1 m."""
    error = world.feet_in_pelvis_axes(world.physics.feet, world.q) - world.feet_reference
    return np.exp(-np.mean(np.sum(np.square(error), axis=-1), axis=-1) / 0.1**2)


def _near(error: Array, scale: float) -> Array:
    """One at zero error, a half at ``scale``; unlike a Gaussian it still tells far from farther."""
    return 1.0 / (1.0 + np.square(error / scale))


def keep_speed(world: GaitWorld) -> Array:
    """Forward speed against the reference's at this phase, a half at 0.15 m/s."""
    return _near(world.u[:, world.column["pelvis_tx"]] - world.u_reference[:, world.column["pelvis_tx"]], 0.15)


def keep_path(world: GaitWorld) -> Array:
    """Sideways position off the straight path, a half at 0.3 m."""
    return _near(world.q[:, world.column["pelvis_tz"]], 0.3)


def upright(world: GaitWorld) -> Array:
    """One while the body has not fallen: what keeps a cost from being saved by falling."""
    return 1.0 - world.fallen


def effort(world: GaitWorld) -> Array:
    """Muscle-volume-weighted mean of squared activations (about 0.01-0.05 in healthy walking)."""
    return np.square(world.activation) @ world.volume_share


def metabolic_power(world: GaitWorld) -> Array:
    """Umberger 2010 power of all muscles at the end of the control step, without the basal rate, W per kg."""
    return world.metabolic_power / world.person_mass


def joint_limits(world: GaitWorld) -> Array:
    """How far joints are past their anatomical limits, mean square in units of 5 degrees."""
    low, high = world.joint_limits
    q = world.q[:, world.joint_columns]
    return np.mean(np.square(np.maximum(low - q, 0.0) + np.maximum(q - high, 0.0)) / np.radians(5) ** 2, axis=1)


def loading_rate(world: GaitWorld) -> Array:
    """How suddenly the feet load: squared change of vertical force over a control step, in body weights, both feet.

    Bounded at half a body weight a foot, lest single stumbles outweigh every heel strike.
    """
    change = (world.physics.foot_force[:, :, 1] - world.previous_foot_load) / (9.80665 * world.body_mass[:, None])
    return np.sum(np.minimum(np.square(change), 0.25), axis=1)


def smoothness(world: GaitWorld) -> Array:
    """Mean squared change of the action from one control step to the next."""
    return np.mean(np.square(world.human_action - world.previous_human_action), axis=1)


HUMAN_TERMS: dict[str, Callable[[GaitWorld], Array]] = {
    "imitate_pose": imitate_pose,
    "imitate_velocity": imitate_velocity,
    "imitate_root": imitate_root,
    "imitate_feet": imitate_feet,
    "keep_speed": keep_speed,
    "keep_path": keep_path,
    "upright": upright,
    "effort": effort,
    "metabolic_power": metabolic_power,
    "joint_limits": joint_limits,
    "loading_rate": loading_rate,
    "smoothness": smoothness,
}
IMITATION = ("imitate_pose", "imitate_velocity", "imitate_root", "imitate_feet")


def device_effort(world: GaitWorld) -> Array:
    """Muscle power for the distance walked: Umberger 2010 without the basal rate, W/kg at the commanded speed.

    Power times commanded over mean forward speed (bounded to 0.5-2), so that nothing is saved by walking slower than
    the belt.
    """
    return (
        world.metabolic_power / world.person_mass * np.clip(world.speed / np.maximum(world.mean_speed, 0.1), 0.5, 2.0)
    )


def device_smoothness(world: GaitWorld) -> Array:
    """Mean squared change of the device's command from one control step to the next."""
    return np.mean(np.square(world.device_action - world.previous_device_action), axis=1)


def device_fall(world: GaitWorld) -> Array:
    """One in the step in which the body falls."""
    return world.fallen.astype(float)


DEVICE_TERMS: dict[str, Callable[[GaitWorld], Array]] = {
    "device_effort": device_effort,
    "device_smoothness": device_smoothness,
    "device_fall": device_fall,
    "device_upright": upright,
}


def evaluate(world: GaitWorld, terms: Mapping[str, Term]) -> tuple[Array, dict[str, Array]]:
    """Sum of weighted terms, and every raw value by name."""
    raw = {name: term.function(world) for name, term in terms.items()}
    total = np.zeros(world.n_envs)
    for name, term in terms.items():
        total += term.weight * raw[name]
    return total, raw
