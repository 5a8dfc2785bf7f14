"""What the two agents see.

The human's observation is one table of blocks, each with its names, its numbers and its mirror image: in the second
half of a stride the policy sees the body as if left and right were exchanged, so that the leg that struck the floor
last is always the near one. The names are those of the first half, where right is near.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np

from exogait.data.constants import GRAVITY
from exogait.data.names import SIDES, side_of
from exogait.models.deficit import muscle_groups

from ...device.mirror import ODD_COORDINATES, mirror_map
from ..view import STRENGTH_GROUPS, Array, Index, Mirror, View, mirrored

SPEED_SIZE = 0.1
"""Factor that brings joint speeds to order one."""
WIDEST_PATH = 1.0
"""Sideways positions beyond this look all the same, m."""
LEGS = ("near", "far")
SWAP: Mirror = (np.array([1, 0]), np.ones(2))
"""The mirror of a pair of the same quantity of both legs."""


class Block(NamedTuple):
    """Some entries of the observation.

    Attributes:
        names: One an entry.
        values: Gives the numbers of the body as it stands, shape (batch, len(names)).
        mirror: How they look with left and right exchanged; without, the same (or the numbers see to it themselves).
    """

    names: tuple[str, ...]
    values: Callable[[View], Array]
    mirror: Mirror | None = None


def near(name: str) -> str:
    """A name of the right side or the left one as that of the near or the far one.

    Policies are known by these names, so they stay as they were first written: ``hip_rotation_r`` is
    ``hip near otation near``.
    """
    return name.replace("_r", " near").replace("_l", " far") if side_of(name) is not None else name


def human_table(
    joints: Sequence[str], actions: Sequence[str], muscles: Sequence[str], drives: Sequence[str] | None,
    drive_mirror: Mirror | None,
) -> tuple[Block, ...]:  # fmt: skip
    """The observation of the human policy, in order.

    Args:
        joints: Coordinates whose moments are demanded.
        actions: Names of the human's actions.
        muscles: Names of all muscles.
        drives: Coordinates that the device drives; none without a device.
        drive_mirror: Their mirror; a one-sided device has none, its drives are told apart by side.
    """
    joint_mirror = mirror_map(joints, ODD_COORDINATES)
    sides = [near(name) for name in joints]
    table = [
        Block((*(f"{f} {k} phase" for k in (1, 2) for f in ("cos", "sin")), "speed command"), half_stride),
        pelvis_block(),
        Block(tuple(f"{name} angle" for name in sides), joint_angles, joint_mirror),
        Block(tuple(f"{name} speed" for name in sides), joint_speeds, joint_mirror),
        Block(tuple(f"{name} error" for name in sides), joint_errors, joint_mirror),
        Block(tuple(f"{name} muscle moment" for name in sides), joint_moments, joint_mirror),
        # The previous action was given in the frame of its own time, which may have been the other one.
        Block(tuple(f"previous {name}" for name in actions), lambda view: view.human_action),
        Block(tuple(f"foot load {leg}" for leg in LEGS), foot_loads, SWAP),
    ]
    for group, (right, left) in zip(STRENGTH_GROUPS, group_columns(muscles), strict=True):
        names = tuple(f"strength {group} {leg}" for leg in LEGS)
        table.append(Block(names, partial(group_strength, right=right, left=left), SWAP))
    if drives is not None:
        names = tuple(f"device torque {near(name)}" for name in drives)
        table.append(Block(names, lambda view: view.torque_per_kg, drive_mirror))
        table.append(Block(("device worn", "device powered"), device_flags))
    return tuple(table)


def names_of(table: Sequence[Block]) -> tuple[str, ...]:
    """Name of every entry of the observation."""
    return tuple(name for block in table for name in block.names)


def observe(table: Sequence[Block], view: View) -> Array:
    """The observation in the frame of the near leg, shape (batch, number of names)."""
    far = view.phase >= 0.5
    blocks = []
    for block in table:
        values = block.values(view)
        blocks.append(values if block.mirror is None else mirrored(values, block.mirror, far))
    return np.concatenate(blocks, axis=1)


def half_stride(view: View) -> Array:
    """Phase of the half stride, and the speed aimed for, shape (batch, 5)."""
    half = 2 * np.pi * np.where(view.phase >= 0.5, view.phase - 0.5, view.phase)
    return np.stack([np.cos(half), np.sin(half), np.cos(2 * half), np.sin(2 * half), view.pace], axis=1)


def pelvis_block() -> Block:
    """Where the pelvis is and how it moves: name, number and sign of the mirror image in one row each."""
    rows: list[tuple[str, float, Callable[[View], Array]]] = [
        ("pelvis height error", 1, lambda v: v.q[:, v.columns.ty] - v.q_reference[:, v.columns.ty]),
        ("pelvis tilt", 1, lambda v: v.q[:, v.columns.tilt]),
        ("pelvis list", -1, lambda v: v.q[:, v.columns.list]),
        ("pelvis rotation", -1, lambda v: v.q[:, v.columns.rotation]),
        ("pelvis sideways", -1, lambda v: np.clip(v.q[:, v.columns.tz], -WIDEST_PATH, WIDEST_PATH)),
        ("pelvis tilt rate", 1, lambda v: v.u[:, v.columns.tilt]),
        ("pelvis list rate", -1, lambda v: v.u[:, v.columns.list]),
        ("pelvis rotation rate", -1, lambda v: v.u[:, v.columns.rotation]),
        ("pelvis forward rate", 1, lambda v: v.u[:, v.columns.tx] - v.u_reference[:, v.columns.tx]),
        ("pelvis upward rate", 1, lambda v: v.u[:, v.columns.ty]),
        ("pelvis sideways rate", -1, lambda v: v.u[:, v.columns.tz]),
    ]
    names, signs, numbers = zip(*rows, strict=True)
    return Block(
        names,
        lambda view: np.stack([number(view) for number in numbers], axis=1),
        (np.arange(len(names)), np.array(signs, float)),
    )


def joint_angles(view: View) -> Array:
    """Joint angles, shape (batch, n_demanded), rad."""
    return view.q[:, view.columns.joints]


def joint_speeds(view: View) -> Array:
    """Joint speeds, shape (batch, n_demanded), 10 rad/s."""
    return SPEED_SIZE * view.u[:, view.columns.joints]


def joint_errors(view: View) -> Array:
    """Joint angles aimed for less the present ones, shape (batch, n_demanded), rad."""
    return (view.q_aim - view.q)[:, view.columns.joints]


def joint_moments(view: View) -> Array:
    """Moments of the muscles, shape (batch, n_demanded), N m/kg."""
    return view.muscle_moment / view.body_mass[:, None]


def foot_loads(view: View) -> Array:
    """Vertical load of right and left foot, shape (batch, 2), body weights."""
    return view.foot_load / (view.body_mass[:, None] * GRAVITY)


def group_strength(view: View, right: Index, left: Index) -> Array:
    """Mean strength of the muscles in the right and the left columns, shape (batch, 2), 1 = healthy."""
    return np.stack([view.strength[:, right].mean(axis=1), view.strength[:, left].mean(axis=1)], axis=1)


def device_flags(view: View) -> Array:
    """Whether the device is worn, and on, shape (batch, 2)."""
    return np.stack([view.worn, view.worn * view.powered], axis=1)


def group_columns(muscle_names: Sequence[str]) -> list[tuple[Index, Index]]:
    """Columns of the right and left muscles of every strength group."""
    names, groups = list(muscle_names), muscle_groups()
    found = []
    for group in STRENGTH_GROUPS:
        members = groups[group]
        sides = [[names.index(m) for m in members if side_of(m) == side and m in names] for side in SIDES]
        found.append((np.array(sides[0], np.int64), np.array(sides[1], np.int64)))
    return found


Sensor = Callable[[View], Array]


def device_table(
    channels: Sequence[str], column: Mapping[str, int], drives: Sequence[str],
    inertial: Callable[[str, str, str], Array],
) -> dict[str, Sensor]:  # fmt: skip
    """How each channel of a device is read, shape (batch,) each.

    Args:
        channels: Names as :func:`exogait.osim_env.device.exoskeleton.signal_channels` gives them.
        column: Column of every coordinate by name.
        drives: Names of the device's actuators.
        inertial: Gives a channel of the inertial unit of a body: body, kind, axis.
    """
    table: dict[str, Sensor] = {}
    for channel in channels:
        source, kind, *axis = channel.split(".")
        if kind == "value":
            table[channel] = partial(_angle, column=column[source])
        elif kind == "speed":
            table[channel] = partial(_speed, column=column[source])
        elif kind == "applied_torque":
            table[channel] = partial(_torque, drive=drives.index(source))
        else:
            table[channel] = partial(_inertial, read=inertial, body=source, kind=kind, axis=axis[0])
    return table


def _angle(view: View, column: int) -> Array:
    return view.q[:, column]


def _speed(view: View, column: int) -> Array:
    return view.u[:, column]


def _torque(view: View, drive: int) -> Array:
    return view.torque_per_kg[:, drive]


def _inertial(view: View, read: Callable[[str, str, str], Array], body: str, kind: str, axis: str) -> Array:
    return read(body, kind, axis)
