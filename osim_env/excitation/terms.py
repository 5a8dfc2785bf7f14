"""Reward terms of the excitation world, compiled: each one a function of the arrays of one environment.

A term takes ``(a, c, b, s, i)``: anatomy, columns, bodies, settings and the number of the environment
(:mod:`.arrays`), and gives its raw value. A new term is one function and one line in :data:`HUMAN` or :data:`DEVICE`;
its weight stands in the configuration. The device's terms know nothing of imitation, of the reference or of the
commanded speed.
"""

from __future__ import annotations

import numpy as np

from ..engine.lanes import inline, jit


@inline
def upright(a, c, b, s, i):
    """One while the body has not fallen."""
    return 0.0 if b.fallen[i] != 0 else 1.0


@inline
def imitate_pose(a, c, b, s, i):
    """Joint angles against the reference beyond the dead zone, mapped to (0, 1]."""
    total = 0.0
    for j in range(c.n_joints):
        k = a.joints[j]
        beyond = max(abs(b.state[i, k] - b.q_reference[i, k]) - s.imitation_dead_zone, 0.0)
        total += a.pose_weight[j] * beyond * beyond
    return np.exp(-total / c.n_joints / (s.pose_sigma * s.pose_sigma))


@inline
def imitate_root(a, c, b, s, i):
    """Pelvis height (sigma 0.05 m) and orientation (sigma 0.15 rad) against the reference, mapped to (0, 1]."""
    height = b.state[i, c.pelvis_ty] - b.q_reference[i, c.pelvis_ty]
    turn = 0.0
    for k in (c.pelvis_tilt, c.pelvis_list, c.pelvis_rotation):
        turn += (b.state[i, k] - b.q_reference[i, k]) ** 2
    return np.exp(-height * height / (0.05 * 0.05) - turn / 3.0 / (0.15 * 0.15))


@inline
def keep_speed(a, c, b, s, i):
    """Forward speed against the speed aimed for, averaged over about a stride; a half at 0.15 m/s."""
    error = (b.mean_speed[i] - b.pace[i]) / 0.15
    return 1.0 / (1.0 + error * error)


@inline
def keep_path(a, c, b, s, i):
    """Sideways position off the straight path, a half at 0.3 m."""
    error = b.state[i, c.pelvis_tz] / 0.3
    return 1.0 / (1.0 + error * error)


@inline
def steady_trunk(a, c, b, s, i):
    """Squared speeds of pelvis tilt and list, rad2/s2, bounded at 10."""
    n = c.n_coordinates
    return min(b.state[i, n + c.pelvis_tilt] ** 2 + b.state[i, n + c.pelvis_list] ** 2, 10.0)


@inline
def effort(a, c, b, s, i):
    """Muscle-volume-weighted mean of squared activations."""
    total = 0.0
    for m in range(c.n_muscles):
        total += a.volume_share[m] * b.state[i, c.activation + m] ** 2
    return total


@inline
def metabolic_power(a, c, b, s, i):
    """Umberger 2010 power without the basal rate and without credit for eccentric work, W/kg."""
    return b.power[i, 1]


@inline
def credited_power(a, c, b, s, i):
    """The same with credit for eccentric work, W/kg."""
    return b.power[i, 0]


@inline
def joint_limits(a, c, b, s, i):
    """How far joints are past their anatomical limits, mean square in units of 5 degrees."""
    total = 0.0
    for j in range(c.n_joints):
        q = b.state[i, a.joints[j]]
        beyond = max(a.limit_low[j] - q, 0.0) + max(q - a.limit_high[j], 0.0)
        total += beyond * beyond
    return total / c.n_joints / np.radians(5.0) ** 2


@inline
def loading_rate(a, c, b, s, i):
    """Squared change of vertical force over a control step, body weights, both feet, each bounded at a half."""
    total = 0.0
    for f in range(2):
        change = b.foot_load[i, f] - b.previous_foot_load[i, f]
        total += min(change * change, 0.25)
    return total


@inline
def smoothness(a, c, b, s, i):
    """Mean squared change of the excitations from one control step to the next."""
    total = 0.0
    for m in range(c.n_muscles):
        total += (b.excitation[i, m] - b.previous_excitation[i, m]) ** 2
    return total / c.n_muscles


@inline
def device_effort(a, c, b, s, i):
    """Muscle power for the distance walked, without credit for eccentric work: W/kg over forward speed, J/kg/m."""
    return b.power[i, 1] / max(b.mean_speed[i], 0.3)


@inline
def device_smoothness(a, c, b, s, i):
    """Mean squared change of the device's command."""
    total = 0.0
    for d in range(c.n_drives):
        total += (b.command[i, d] - b.previous_command[i, d]) ** 2
    return total / max(c.n_drives, 1)


@inline
def fall(a, c, b, s, i):
    """One in the step in which the body falls."""
    return 1.0 if b.fallen[i] != 0 else 0.0


HUMAN = (
    "upright", "imitate_pose", "imitate_root", "keep_speed", "keep_path", "steady_trunk", "effort", "metabolic_power",
    "credited_power", "joint_limits", "loading_rate", "smoothness",
)  # fmt: skip
DEVICE = ("device_effort", "device_smoothness", "device_fall", "device_upright")
TERMS = HUMAN + DEVICE
IMITATION = ("imitate_pose", "imitate_root")


@jit
def judge(a, c, b, s, i, weights, raw):
    """Fill the raw value of every term whose weight is not zero; returns the rewards of human and device."""
    raw[0] = upright(a, c, b, s, i)
    raw[1] = imitate_pose(a, c, b, s, i) if weights[1] != 0.0 else 0.0
    raw[2] = imitate_root(a, c, b, s, i) if weights[2] != 0.0 else 0.0
    raw[3] = keep_speed(a, c, b, s, i)
    raw[4] = keep_path(a, c, b, s, i)
    raw[5] = steady_trunk(a, c, b, s, i)
    raw[6] = effort(a, c, b, s, i)
    raw[7] = metabolic_power(a, c, b, s, i)
    raw[8] = credited_power(a, c, b, s, i)
    raw[9] = joint_limits(a, c, b, s, i)
    raw[10] = loading_rate(a, c, b, s, i)
    raw[11] = smoothness(a, c, b, s, i)
    raw[12] = device_effort(a, c, b, s, i)
    raw[13] = device_smoothness(a, c, b, s, i)
    raw[14] = fall(a, c, b, s, i)
    raw[15] = upright(a, c, b, s, i)
    human, device = 0.0, 0.0
    for t in range(12):
        human += weights[t] * raw[t]
    for t in range(12, 16):
        device += weights[t] * raw[t]
    return human, device
