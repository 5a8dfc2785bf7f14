"""What rewards and observation look at: one frozen record of arrays, and where things stand in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating[Any]]

Index = NDArray[np.int64]

Flags = NDArray[np.bool_]

Mirror = tuple[Index, Array]
"""Index and sign with ``mirrored = sign * values[..., index]``."""


STRENGTH_GROUPS = (
    "plantarflexors", "dorsiflexors", "quadriceps", "hamstrings", "hip_flexors", "hip_extensors", "hip_abductors",
)  # fmt: skip
"""Muscle groups whose strength the human policy knows."""


def mirrored(values: Array, mirror: Mirror, where: Flags) -> Array:
    """Mirror the rows of ``values`` where the condition holds."""
    index, sign = mirror
    return np.where(where[:, None], sign * values[:, index], values)


class Columns(NamedTuple):
    """Where things stand: the pelvis in arrays over coordinates, joints in them and in those over demanded moments."""

    tx: int
    ty: int
    tz: int
    tilt: int
    list: int
    rotation: int
    pelvis_place: Index
    """``tx, ty, tz``."""
    pelvis_rotations: Index
    """``tilt, list, rotation``."""
    joints: Index
    """Coordinates whose moments are demanded, shape (n_demanded,)."""
    hips: Index
    """Among the demanded: flexion, adduction and rotation of the right, then of the left hip, shape (6,)."""
    lifted: Index
    """Among the demanded: hip flexion, knee and ankle of the right, then of the left leg, shape (6,)."""


def find_columns(column: Mapping[str, int], demanded: Sequence[str]) -> Columns:
    """The columns of a model.

    Args:
        column: Column of every coordinate by name.
        demanded: Coordinates whose moments are demanded, in order.
    """
    place = [column[f"pelvis_t{axis}"] for axis in "xyz"]
    rotations = [column[f"pelvis_{name}"] for name in ("tilt", "list", "rotation")]
    hips = [f"hip_{name}_{side}" for side in "rl" for name in ("flexion", "adduction", "rotation")]
    lifted = [f"{name}_{side}" for side in "rl" for name in ("hip_flexion", "knee_angle", "ankle_angle")]
    return Columns(
        *place,
        *rotations,
        pelvis_place=np.array(place),
        pelvis_rotations=np.array(rotations),
        joints=np.array([column[name] for name in demanded]),
        hips=np.array([demanded.index(name) for name in hips]),
        lifted=np.array([demanded.index(name) for name in lifted]),
    )


def in_pelvis_axes(feet: Array, q: Array, columns: Columns) -> Array:
    """Heel and toe frames relative to the pelvis, in ground axes.

    Args:
        feet: Origins of the frames in ground, shape (n, 4, 3), m.
        q: Coordinates, shape (n, n_coordinates).
        columns: Where the pelvis stands in them.

    Returns:
        Shape (n, 4, 3), m.
    """
    return feet - q[:, None, columns.pelvis_place]


class Standards(NamedTuple):
    """What bodies are judged by, the same for all of a batch."""

    lower_limit: Array
    """Anatomical limit of each demanded coordinate, shape (n_demanded,), rad."""
    upper_limit: Array
    volume_share: Array
    """Share of the muscle volume, shape (n_muscles,)."""
    pose_weights: Array
    """Weight of each demanded coordinate in the pose term, shape (n_demanded,), mean 1."""
    pose_sigma: float
    """rad."""
    pose_dead_zone: float
    """rad."""


class View(NamedTuple):
    """The bodies at the end of a control step; rewards and observation are functions of it.

    Everything is an array (first axis: the batch, where not said otherwise) or a number.
    """

    columns: Columns
    # What the body is.
    body_mass: Array
    """With what it wears, shape (batch,), kg."""
    person_mass: Array
    """Without, shape (batch,), kg."""
    strength: Array
    """Fraction of the healthy strength, shape (batch, n_muscles)."""
    worn: Array
    """1 where the device is worn, shape (batch,)."""
    powered: Array
    """1 where it is on, shape (batch,)."""
    # Where it is, and where it should be.
    phase: Array
    """Share of the stride since right heel strike, shape (batch,)."""
    speed: Array
    """Commanded walking speed, shape (batch,), m/s."""
    pace: Array
    """Speed aimed for at the moment, shape (batch,), m/s."""
    mean_speed: Array
    """Running mean of the forward speed, shape (batch,), m/s."""
    q: Array
    """Coordinates, shape (batch, n_coordinates), rad or m."""
    u: Array
    """Speeds, same shape, rad/s or m/s."""
    q_reference: Array
    u_reference: Array
    q_aim: Array
    """What the body aims for: the reference and what its strategy adds, shape (batch, n_coordinates)."""
    feet: Array
    """Heel and toe frames relative to the pelvis, shape (batch, 4, 3), m."""
    feet_reference: Array
    fallen: Flags
    """Shape (batch,)."""
    # What it does.
    activation: Array
    """Shape (batch, n_muscles)."""
    muscle_moment: Array
    """Moments of the muscles about the demanded coordinates, shape (batch, n_demanded), N m."""
    metabolic_power: Array
    """Shape (batch,), W."""
    foot_load: Array
    """Vertical ground reaction of right and left foot, shape (batch, 2), N."""
    previous_foot_load: Array
    """The same one control step ago."""
    torque_per_kg: Array
    """Torque of each drive of the device, shape (batch, n_drives), N m/kg."""
    human_action: Array
    """Shape (batch, n_human_actions), in [-1, 1]; the next is that of one control step ago."""
    previous_human_action: Array
    device_action: Array
    """Shape (batch, n_device_actions), in [-1, 1]; the next is that of one control step ago."""
    previous_device_action: Array
    standards: Standards
    """What it is judged by."""
