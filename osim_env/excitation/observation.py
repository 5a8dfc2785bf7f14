"""What the nervous system observes: clock, posture, muscles, feet, its own last command; no reference, no error.

Everything is seen from the near leg: in the second half of a stride left and right are exchanged, so one half stride is
learned instead of two. :data:`BLOCKS` is the one table: a block is a function that fills its entries and the names that
go with them, in the order in which they stand in the vector. A new observation is one function and one line there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from exogait.data.names import side_of, stem

from ..engine.lanes import inline, jit

STRENGTH_GROUPS = (
    "plantarflexors", "dorsiflexors", "quadriceps", "hamstrings", "hip_flexors", "hip_extensors", "hip_abductors",
)  # fmt: skip
"""Muscle groups whose strength the policy knows."""


@dataclass(frozen=True)
class Names:
    """Names of the parts that observations are made of."""

    joints: Sequence[str]
    muscles: Sequence[str]
    drives: Sequence[str]


def _near(names: Sequence[str]) -> list[str]:
    """Names as they are seen from the near leg."""
    words = {"r": " near", "l": " far", None: ""}
    return [stem(name) + words[side_of(name)] for name in names]


@inline
def clock(a, c, b, i, far, out, k):
    """Phase of the half stride, and the speed aimed for."""
    half = 2.0 * np.pi * (b.phase[i] - 0.5 if far else b.phase[i])
    out[k], out[k + 1] = np.cos(half), np.sin(half)
    out[k + 2], out[k + 3] = np.cos(2.0 * half), np.sin(2.0 * half)
    out[k + 4] = b.pace[i]
    return k + 5


@inline
def task(a, c, b, i, far, out, k):
    """Grade of the ground, and the stride rate that is asked for, if one is."""
    imposed = b.stride_rate[i] > 0.0
    out[k] = 10.0 * b.slope[i]
    out[k + 1] = 1.0 if imposed else 0.0
    out[k + 2] = 5.0 * (b.stride_rate[i] - 1.0) if imposed else 0.0
    return k + 3


@inline
def body(a, c, b, i, far, out, k):
    """Size of the body."""
    out[k] = 5.0 * (b.height[i] - 1.8)
    out[k + 1] = b.person_mass[i] / 75.0 - 1.0
    return k + 2


@inline
def balance(a, c, b, i, far, out, k):
    """Orientation, height and velocity of the pelvis: what vestibular organs and eyes tell."""
    odd = -1.0 if far else 1.0
    q, n = b.state[i], c.n_coordinates
    out[k] = q[c.pelvis_ty] - 0.9
    out[k + 1] = q[c.pelvis_tilt]
    out[k + 2] = odd * q[c.pelvis_list]
    out[k + 3] = odd * q[c.pelvis_rotation]
    out[k + 4] = odd * min(max(q[c.pelvis_tz], -1.0), 1.0)
    out[k + 5] = q[n + c.pelvis_tilt]
    out[k + 6] = odd * q[n + c.pelvis_list]
    out[k + 7] = odd * q[n + c.pelvis_rotation]
    out[k + 8] = q[n + c.pelvis_tx]
    out[k + 9] = q[n + c.pelvis_ty]
    out[k + 10] = odd * q[n + c.pelvis_tz]
    return k + 11


@inline
def joints(a, c, b, i, far, out, k):
    """Joint angles and a tenth of the joint speeds."""
    n = c.n_joints
    for j in range(n):
        source = a.joint_mirror[j] if far else j
        sign = a.joint_sign[j] if far else 1.0
        out[k + j] = sign * b.state[i, a.joints[source]]
        out[k + n + j] = 0.1 * sign * b.state[i, c.n_coordinates + a.joints[source]]
    return k + 2 * n


@inline
def muscles(a, c, b, i, far, out, k):
    """Activation, fibre length, fibre velocity and force of every muscle."""
    n = c.n_muscles
    for m in range(n):
        source = a.muscle_mirror[m] if far else m
        out[k + m] = b.state[i, c.activation + source]
        out[k + n + m] = b.fiber_length[i, source] - 1.0
        out[k + 2 * n + m] = b.fiber_velocity[i, source]
        out[k + 3 * n + m] = b.tendon_force[i, source]
    return k + 4 * n


@inline
def command(a, c, b, i, far, out, k):
    """The last excitations and the last change of step rate."""
    n = c.n_muscles
    for m in range(n):
        out[k + m] = b.excitation[i, a.muscle_mirror[m] if far else m]
    out[k + n] = b.rate_action[i]
    return k + n + 1


@inline
def feet(a, c, b, i, far, out, k):
    """Load of both feet, now and a control step ago, body weights."""
    near = 1 if far else 0
    out[k], out[k + 1] = b.foot_load[i, near], b.foot_load[i, 1 - near]
    out[k + 2], out[k + 3] = b.previous_foot_load[i, near], b.previous_foot_load[i, 1 - near]
    return k + 4


@inline
def strength(a, c, b, i, far, out, k):
    """Mean strength of every muscle group, near and far leg."""
    for g in range(a.groups.shape[0]):
        for s in range(2):
            total, count = 0.0, 0
            for m in a.groups[g, 1 - s if far else s]:
                if m >= 0:
                    total += b.parameters[i, c.strength + m]
                    count += 1
            out[k + 2 * g + s] = total / count
    return k + 2 * a.groups.shape[0]


@inline
def device(a, c, b, i, far, out, k):
    """Torque of the device, N m/kg, and whether it is worn and on."""
    n = c.n_drives
    if n == 0:
        return k
    for d in range(n):
        source = a.drive_mirror[d] if far else d
        out[k + d] = (a.drive_sign[d] if far else 1.0) * b.drive_torque[i, source]
    out[k + n], out[k + n + 1] = b.worn[i], b.worn[i] * b.powered[i]
    return k + n + 2


Block = tuple[Callable[..., int], Callable[[Names], list[str]]]

BLOCKS: tuple[Block, ...] = (
    (clock, lambda n: [f"{f} {k} half stride" for k in (1, 2) for f in ("cos", "sin")] + ["speed aimed for"]),
    (task, lambda n: ["slope", "stride rate imposed", "stride rate aimed for"]),
    (body, lambda n: ["body height", "body mass"]),
    (balance, lambda n: [
        "pelvis height", "pelvis tilt", "pelvis list", "pelvis rotation", "pelvis sideways", "pelvis tilt rate",
        "pelvis list rate", "pelvis rotation rate", "pelvis forward speed", "pelvis upward speed",
        "pelvis sideways speed"]),
    (joints, lambda n: [f"{j} {q}" for q in ("angle", "speed") for j in _near(n.joints)]),
    (muscles, lambda n: [f"{m} {q}" for q in ("activation", "fiber length", "fiber velocity", "tendon force")
                         for m in _near(n.muscles)]),
    (command, lambda n: [f"last excitation {m}" for m in _near(n.muscles)] + ["last step rate"]),
    (feet, lambda n: [f"foot load {s} {t}" for t in ("now", "before") for s in ("near", "far")]),
    (strength, lambda n: [f"strength {g} {s}" for g in STRENGTH_GROUPS for s in ("near", "far")]),
    (device, lambda n: [f"device torque {d}" for d in _near(n.drives)]
        + (["device worn", "device on"] if n.drives else [])),
)  # fmt: skip


def observation_names(names: Names) -> tuple[str, ...]:
    """Name of every entry of the observation, in order."""
    return tuple(name for _, of in BLOCKS for name in of(names))


PRIVILEGED: tuple[tuple[str, int], ...] = (
    ("pelvis height error", 1), ("pelvis tilt error", 1), ("pelvis list error", -1), ("pelvis rotation error", -1),
    ("mean speed error", 1), ("ground lost", 1), ("push forward", 1), ("push sideways", -1), ("stride side", -1),
    ("load waist", 1), ("load shanks", 1), ("load feet", 1),
)  # fmt: skip
"""What a critic sees beside the observation and the joints' errors, with the sign of the mirror image."""
PUSH_SIZE, LOAD_SIZE = 0.01, 0.1
"""Factors that bring pushes (N) and loads (kg) to order one."""


def privileged_names(names: Names) -> tuple[str, ...]:
    """Name of every entry of what only a critic sees: where the body is off the reference, and what pushes it."""
    joints = [f"{j} {q} error" for q in ("angle", "speed") for j in _near(names.joints)]
    return (*joints, *(name for name, _ in PRIVILEGED))


@jit
def see_more(a, c, b, i, out):
    """Fill what only a critic sees of environment ``i``; the policy never does, so it may know the reference."""
    far = b.phase[i] >= 0.5
    n, m = c.n_joints, c.n_coordinates
    for j in range(n):
        k = a.joints[a.joint_mirror[j] if far else j]
        sign = a.joint_sign[j] if far else 1.0
        out[j] = sign * (b.state[i, k] - b.q_reference[i, k])
        out[n + j] = 0.1 * sign * (b.state[i, m + k] - b.u_reference[i, k])
    odd, k = -1.0 if far else 1.0, 2 * n
    out[k] = b.state[i, c.pelvis_ty] - b.q_reference[i, c.pelvis_ty]
    out[k + 1] = b.state[i, c.pelvis_tilt] - b.q_reference[i, c.pelvis_tilt]
    out[k + 2] = odd * (b.state[i, c.pelvis_list] - b.q_reference[i, c.pelvis_list])
    out[k + 3] = odd * (b.state[i, c.pelvis_rotation] - b.q_reference[i, c.pelvis_rotation])
    out[k + 4] = b.mean_speed[i] - b.pace[i]
    out[k + 5] = min(max(b.distance[i] - b.state[i, c.pelvis_tx], -1.0), 1.0)
    out[k + 6] = PUSH_SIZE * b.parameters[i, c.push]
    out[k + 7] = odd * PUSH_SIZE * b.parameters[i, c.push + 2]
    out[k + 8] = odd
    for place in range(3):
        out[k + 9 + place] = LOAD_SIZE * b.load[i, place]


@jit
def observe(a, c, b, i, out):
    """Fill the observation of environment ``i``."""
    far = b.phase[i] >= 0.5
    k = clock(a, c, b, i, far, out, 0)
    k = task(a, c, b, i, far, out, k)
    k = body(a, c, b, i, far, out, k)
    k = balance(a, c, b, i, far, out, k)
    k = joints(a, c, b, i, far, out, k)
    k = muscles(a, c, b, i, far, out, k)
    k = command(a, c, b, i, far, out, k)
    k = feet(a, c, b, i, far, out, k)
    k = strength(a, c, b, i, far, out, k)
    k = device(a, c, b, i, far, out, k)
    return k
