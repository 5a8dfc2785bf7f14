"""The exoskeleton inside the kernel: rate limit, delay, and what its sensors read."""

from __future__ import annotations

import math

from ..engine.lanes import get, jit
from .random import normal, uniform

VALUE, SPEED, TORQUE, ORIENTATION, GYROSCOPE, ACCELEROMETER = range(6)
"""Kinds of channels."""


@jit
def draw_faults(bodies, faults, s, i):
    """Draw what is wrong with the device of environment ``i`` for the walk that begins; nothing where nothing may."""
    if s.sensor_bias > 0.0:
        for c in range(faults.bias.shape[1]):
            faults.bias[i, c] = s.sensor_bias * normal(bodies.random, i)
    if s.torque_delay[1] > 0.0:
        late = s.torque_delay[0] + uniform(bodies.random, i) * (s.torque_delay[1] - s.torque_delay[0])
        faults.late[i] = int(late / s.control_step + 0.5)
    if s.cuff_slip[1] > 0.0:
        faults.grip[i] = 1.0 - s.cuff_slip[0] - uniform(bodies.random, i) * (s.cuff_slip[1] - s.cuff_slip[0])


@jit
def tick(anatomy, columns, bodies, faults, most_late, i, dt):
    """Advance torque and delay of environment ``i`` by one control step and write the torque on the body, N m.

    ``most_late`` is the number of control steps by which the pipeline is longer than the device's own delay.
    """
    last = bodies.pipeline.shape[1] - 1
    for k in range(columns.n_drives):
        command = min(max(bodies.command[i, k], -1.0), 1.0) * bodies.powered[i] * bodies.worn[i]
        wanted = command * (anatomy.peak_positive[k] if command > 0.0 else anatomy.peak_negative[k])
        step = anatomy.rate_limit[k] * dt
        bodies.drive_torque[i, k] += min(max(wanted - bodies.drive_torque[i, k], -step), step)
        for d in range(last):
            bodies.pipeline[i, d, k] = bodies.pipeline[i, d + 1, k]
        bodies.pipeline[i, last, k] = bodies.drive_torque[i, k]
        reaches = faults.grip[i] * bodies.pipeline[i, most_late - faults.late[i], k]
        bodies.torque[i, anatomy.drive_columns[k]] = reaches * bodies.person_mass[i]


@jit
def sense(anatomy, columns, bodies, faults, s, w, at, lane, i, dt, fill):
    """Push one sample of every channel of environment ``i``; with ``fill`` the whole history becomes it."""
    n_samples = bodies.history.shape[1]
    missed = s.missed_samples > 0.0 and uniform(bodies.random, i) < s.missed_samples and not fill
    for c in range(anatomy.channel_kind.shape[0]):
        kind, source, axis = anatomy.channel_kind[c], anatomy.channel_source[c], anatomy.channel_axis[c]
        if kind == VALUE:
            value = bodies.state[i, source]
        elif kind == SPEED:
            value = bodies.state[i, columns.n_coordinates + source]
        elif kind == TORQUE:
            value = bodies.drive_torque[i, source]
        elif kind == ORIENTATION:
            # Up, against gravity, in the body's axes; on level ground row 1 of the rotation from body to ground.
            x, y, z = 0.0, 0.0, 0.0
            for k in range(3):
                up, row = -bodies.parameters[i, columns.gravity + k], at.rotation + 9 * source + 3 * k
                x, y, z = x + up * get(w, row, lane), y + up * get(w, row + 1, lane), z + up * get(w, row + 2, lane)
            value = math.atan2(x, y) if axis == 0 else math.atan2(-z, y)
        else:
            value = 0.0
            for k in range(3):
                if kind == GYROSCOPE:
                    component = get(w, at.angular_velocity + 3 * source + k, lane)
                else:
                    velocity = get(w, at.velocity + 3 * source + k, lane)
                    before = velocity if fill else bodies.sensed_velocity[i, c, k]
                    component = (velocity - before) / dt - bodies.parameters[i, columns.gravity + k]
                    bodies.sensed_velocity[i, c, k] = velocity
                value += get(w, at.rotation + 9 * source + 3 * k + axis, lane) * component
        value = anatomy.channel_scale[c] * value + faults.bias[i, c]
        if s.sensor_noise > 0.0:
            value += s.sensor_noise * normal(bodies.random, i)
        if fill:
            for k in range(n_samples):
                bodies.history[i, k, c] = value
        else:
            for k in range(n_samples - 1, 0, -1):
                bodies.history[i, k, c] = bodies.history[i, k - 1, c]
            if not missed:  # else the last one stands for it
                bodies.history[i, 0, c] = value
