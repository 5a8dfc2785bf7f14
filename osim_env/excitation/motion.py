"""The reference motion inside the kernel: Fourier series whose coefficients are polynomials of speed."""

from __future__ import annotations

import math

import numpy as np

from ..engine.lanes import inline, jit


@inline
def polynomial(coefficients, x):
    """Value of a polynomial, lowest power first."""
    value = 0.0
    for k in range(coefficients.shape[0] - 1, -1, -1):
        value = value * x + coefficients[k]
    return value


@inline
def stride_frequency(motion, speed):
    """Stride frequency of the reference at a speed, Hz, for legs of the motion's size."""
    return polynomial(motion.frequency, speed / math.sqrt(motion.size)) / math.sqrt(motion.size)


@inline
def alike(motion, speed):
    """Speed at which the reference's own body walks as one of the motion's size does at ``speed``, within its range."""
    return min(max(speed / math.sqrt(motion.size), motion.slowest), motion.fastest)


@jit
def evaluate(motion, columns, phase, speed, q, u):
    """Fill coordinates and speeds of the reference at one phase and speed; ``pelvis_tx`` without its progression.

    Longer legs take the pose of the speed with the same Froude number; beyond the reference's speeds, that of the last.
    """
    n_harmonics = (motion.coefficients.shape[1] - 1) // 2
    order = motion.coefficients.shape[2]
    rate, walked = stride_frequency(motion, speed), speed
    speed = alike(motion, speed)
    for j in range(columns.n_coordinates):
        q[j], u[j] = 0.0, 0.0
    c1, s1 = np.cos(2.0 * np.pi * phase), np.sin(2.0 * np.pi * phase)
    c, s = 1.0, 0.0
    for k in range(n_harmonics + 1):
        if k > 0:
            c, s = c * c1 - s * s1, s * c1 + c * s1
        turn = 2.0 * np.pi * k * rate
        for j in range(columns.n_coordinates):
            if k == 0:
                value = 0.0
                for p in range(order - 1, -1, -1):
                    value = value * speed + motion.coefficients[j, 0, p]
                q[j] = value
            else:
                a, b = 0.0, 0.0
                for p in range(order - 1, -1, -1):
                    a = a * speed + motion.coefficients[j, 2 * k - 1, p]
                    b = b * speed + motion.coefficients[j, 2 * k, p]
                q[j] += a * c + b * s
                u[j] += turn * (b * c - a * s)
    for j in (columns.pelvis_tx, columns.pelvis_tz):
        q[j], u[j] = q[j] * motion.size, u[j] * motion.size
    u[columns.pelvis_tx] += walked
