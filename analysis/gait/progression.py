"""The direction in which a person walks: along it steps are long, across it they are wide."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SHORTEST_WAY = 0.2
"""Way over ground that tells a direction, m; a shorter one leaves the laboratory's own X axis."""


def direction_of_progression(
    path: NDArray[np.float64], time: NDArray[np.float64], *, belt_speed: float = 0.0
) -> NDArray[np.float64]:
    """Horizontal unit vector from the first to the last known place of a body, over ground.

    Args:
        path: A point of the body in OpenSim's frame (X forward, Y up), shape (n_frames, 3), m; NaN where not known.
        time: Shape (n_frames,), s.
        belt_speed: Speed of a treadmill's belt, which runs along -X, m/s.

    Returns:
        Shape (3,); X where the way is shorter than :data:`SHORTEST_WAY`.

    Example:
        >>> still = np.zeros((2, 3))
        >>> direction_of_progression(still, np.array([0.0, 1.0]), belt_speed=1.2).tolist()
        [1.0, 0.0, 0.0]
    """
    forward = np.array([1.0, 0.0, 0.0])
    known = np.flatnonzero(np.isfinite(path).all(axis=1))
    if len(known) < 2:
        return forward
    first, last = known[0], known[-1]
    way = path[last] - path[first] + belt_speed * (time[last] - time[first]) * forward
    way[1] = 0.0
    length = float(np.linalg.norm(way))
    return forward if length < SHORTEST_WAY else way / length


def rightwards(forward: NDArray[np.float64]) -> NDArray[np.float64]:
    """Horizontal unit vector to the right of a horizontal direction, shape (3,).

    Example:
        >>> rightwards(np.array([1.0, 0.0, 0.0])).tolist()
        [0.0, 0.0, 1.0]
    """
    return np.array([0.0 - forward[2], 0.0, forward[0]])
