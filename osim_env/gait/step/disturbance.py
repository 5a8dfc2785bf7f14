"""Random horizontal pushes at the pelvis."""

from __future__ import annotations

import numpy as np

from ..view import Array


def renew_pushes(
    push: Array, next_push: Array, time: Array, rng: np.random.Generator, *,
    force: float, interval: float, duration: float,
) -> None:  # fmt: skip
    """Start and end pushes, in place.

    Args:
        push: Force on each body, overwritten where a push begins or ends, shape (batch, 3), N.
        next_push: When the next one begins, overwritten where one does, shape (batch,), s.
        time: Now, shape (batch,), s.
        rng: Draws directions, for the whole batch whenever a push of any body begins.
        force: Size, N.
        interval: From the beginning of a push to that of the next, s; 0: none.
        duration: s.
    """
    if not interval:
        return
    begin = time >= next_push
    if begin.any():
        angle = rng.uniform(0, 2 * np.pi, len(time))
        drawn = force * np.stack([np.cos(angle), np.zeros(len(time)), np.sin(angle)], axis=1)
        push[begin] = drawn[begin]
        next_push[begin] = time[begin] + interval
    over = time >= next_push - interval + duration
    push[over & ~begin] = 0.0
