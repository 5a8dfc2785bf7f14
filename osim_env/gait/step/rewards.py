"""Reward terms: small named functions of the view after a control step, each logged under its name.

The human's reward is what it imitates and what it costs; the exoskeleton's reward knows nothing of imitation, of joint
angles, of symmetry or of any torque profile. A test holds that line. A new term is one function here and one entry of
:data:`HUMAN_TERMS` or :data:`DEVICE_TERMS`; its weight stands in the settings of the world.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from exogait.data.constants import GRAVITY

from ..view import Array, Flags, View


@dataclass(frozen=True)
class Term:
    """One reward term.

    Attributes:
        function: Gives the raw value per environment, shape (batch,), 1/s where it is a rate.
        weight: Multiplies the raw value in the sum.
    """

    function: Callable[[View], Array]
    weight: float


def _closeness(error: Array, sigma: float) -> Array:
    """Mean squared error over the last axis, mapped to (0, 1]."""
    return np.exp(-np.mean(np.square(error), axis=-1) / sigma**2)


def imitate_pose(view: View) -> Array:
    """Joint angles against the reference, with the configured dead zone, sigma and emphasis."""
    error = view.q[:, view.columns.joints] - view.q_reference[:, view.columns.joints]
    beyond = np.maximum(np.abs(error) - view.standards.pose_dead_zone, 0.0)
    return _closeness(np.sqrt(view.standards.pose_weights) * beyond, view.standards.pose_sigma)


def imitate_velocity(view: View) -> Array:
    """Joint speeds against the reference, sigma 2 rad/s."""
    return _closeness(view.u[:, view.columns.joints] - view.u_reference[:, view.columns.joints], 2.0)


def imitate_root(view: View) -> Array:
    """Pelvis height (sigma 0.05 m) and orientation (sigma 0.15 rad) against the reference."""
    height = view.q[:, [view.columns.ty]] - view.q_reference[:, [view.columns.ty]]
    turn = view.q[:, view.columns.pelvis_rotations] - view.q_reference[:, view.columns.pelvis_rotations]
    return _closeness(height, 0.05) * _closeness(turn, 0.15)


def imitate_feet(view: View) -> Array:
    """Feet relative to the pelvis against the reference, sigma 0.1 m."""
    error = view.feet - view.feet_reference
    return np.exp(-np.mean(np.sum(np.square(error), axis=-1), axis=-1) / 0.1**2)


def _near(error: Array, scale: float) -> Array:
    """One at zero error, a half at ``scale``; unlike a Gaussian it still tells far from farther."""
    return 1.0 / (1.0 + np.square(error / scale))


def keep_speed(view: View) -> Array:
    """Forward speed against the reference's at this phase, a half at 0.15 m/s."""
    return _near(view.u[:, view.columns.tx] - view.u_reference[:, view.columns.tx], 0.15)


def keep_path(view: View) -> Array:
    """Sideways position off the straight path, a half at 0.3 m."""
    return _near(view.q[:, view.columns.tz], 0.3)


def upright(view: View) -> Array:
    """One while the body has not fallen: what keeps a cost from being saved by falling."""
    return 1.0 - view.fallen


def effort(view: View) -> Array:
    """Muscle-volume-weighted mean of squared activations (about 0.01-0.05 in healthy walking)."""
    return np.square(view.activation) @ view.standards.volume_share


def metabolic_power(view: View) -> Array:
    """Umberger 2010 power of all muscles at the end of the control step, without the basal rate, W per kg."""
    return view.metabolic_power / view.person_mass


def joint_limits(view: View) -> Array:
    """How far joints are past their anatomical limits, mean square in units of 5 degrees."""
    low, high = view.standards.lower_limit, view.standards.upper_limit
    q = view.q[:, view.columns.joints]
    return np.mean(np.square(np.maximum(low - q, 0.0) + np.maximum(q - high, 0.0)) / np.radians(5) ** 2, axis=1)


def loading_rate(view: View) -> Array:
    """How suddenly the feet load: squared change of vertical force over a control step, in body weights, both feet.

    Bounded at half a body weight a foot, lest single stumbles outweigh every heel strike.
    """
    change = (view.foot_load - view.previous_foot_load) / (GRAVITY * view.body_mass[:, None])
    return np.sum(np.minimum(np.square(change), 0.25), axis=1)


def smoothness(view: View) -> Array:
    """Mean squared change of the action from one control step to the next."""
    return np.mean(np.square(view.human_action - view.previous_human_action), axis=1)


HUMAN_TERMS: dict[str, Callable[[View], Array]] = {
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


def device_effort(view: View) -> Array:
    """Muscle power for the distance walked: Umberger 2010 without the basal rate, W/kg at the commanded speed.

    Power times commanded over mean forward speed (bounded to 0.5-2), so that nothing is saved by walking slower than
    the belt.
    """
    return view.metabolic_power / view.person_mass * np.clip(view.speed / np.maximum(view.mean_speed, 0.1), 0.5, 2.0)


def device_smoothness(view: View) -> Array:
    """Mean squared change of the device's command from one control step to the next."""
    return np.mean(np.square(view.device_action - view.previous_device_action), axis=1)


def device_fall(view: View) -> Array:
    """One in the step in which the body falls."""
    return view.fallen.astype(float)


DEVICE_TERMS: dict[str, Callable[[View], Array]] = {
    "device_effort": device_effort,
    "device_smoothness": device_smoothness,
    "device_fall": device_fall,
    "device_upright": upright,
}


def human_terms(weights: Mapping[str, float], imitation_weight: float) -> dict[str, Term]:
    """The human's terms with their weights; those of imitation are multiplied by ``imitation_weight``."""
    return {
        name: Term(HUMAN_TERMS[name], weight * (imitation_weight if name in IMITATION else 1.0))
        for name, weight in weights.items()
    }


def device_terms(weights: Mapping[str, float]) -> dict[str, Term]:
    """The device's terms with their weights."""
    return {name: Term(DEVICE_TERMS[name], weight) for name, weight in weights.items()}


def evaluate(view: View, terms: Mapping[str, Term]) -> tuple[Array, dict[str, Array]]:
    """Sum of weighted terms, and every raw value by name."""
    raw = {name: term.function(view) for name, term in terms.items()}
    total = np.zeros(len(view.phase))
    for name, term in terms.items():
        total += term.weight * raw[name]
    return total, raw


def without_the_dead(reward: Array, dead: Flags) -> Array:
    """Rewards in which a body whose state is no number any more earns nothing where its reward is none either.

    A living body keeps what it got, whatever became of the others.

    Args:
        reward: Shape (batch,).
        dead: Bodies that ended without a finite state, shape (batch,).
    """
    return np.where(dead & ~np.isfinite(reward), 0.0, reward)
