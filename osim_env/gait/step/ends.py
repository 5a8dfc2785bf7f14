"""When an episode ends: falls, large deviations in training, and the end of the time."""

from __future__ import annotations

import numpy as np

from ..view import Array, Flags

FALL_HEIGHT = 0.7
"""Pelvis height below this share of the reference counts as a fall."""


def fell(height: Array, nominal: Array, diverged: Flags, other_contact: Flags) -> Flags:
    """Bodies that fell in this control step.

    Args:
        height: Height of the pelvis, shape (batch,), m.
        nominal: The reference's, shape (batch,), m.
        diverged: Where the simulation left the finite, physical range, shape (batch,).
        other_contact: Where anything but a foot touched the ground, shape (batch,).
    """
    return (height < FALL_HEIGHT * nominal) | diverged | other_contact


def off_the_reference(
    height: Array, nominal: Array, trunk: Array, joint_error: Array, *,
    early_height: float, early_trunk: float, early_pose: float,
) -> Flags:  # fmt: skip
    """Bodies whose training episode ends before they fall, because what they would learn on is no gait.

    Args:
        height: Height of the pelvis, shape (batch,), m.
        nominal: The reference's, shape (batch,), m.
        trunk: Tilt and list of the pelvis, shape (batch, 2), rad.
        joint_error: Joint angles off the reference, shape (batch, n_demanded), rad.
        early_height: Lowest share of the reference's height.
        early_trunk: Largest inclination, rad.
        early_pose: Largest mean joint angle error, rad.
    """
    leaning = np.abs(trunk).max(axis=1)
    error = np.abs(joint_error).mean(axis=1)
    return (height < early_height * nominal) | (leaning > early_trunk) | (error > early_pose)


def out_of_time(time: Array, episode: float) -> Flags:
    """Bodies whose episode has lasted ``episode`` seconds; ``time`` has shape (batch,), s."""
    return time >= episode - 1e-9


def no_numbers(values: Array) -> Flags:
    """Rows that hold an entry that is not finite, shape (batch,)."""
    return np.logical_not(np.isfinite(values).all(axis=1))
