"""Normalisation of observations in one pass over memory, compiled."""

from __future__ import annotations

from numba import njit


@njit(cache=True, nogil=True, error_model="numpy")
def normalize_rows(observation, privileged, mean, scale, clip, out, sums, squares, start, stop):
    """Write rows ``start`` to ``stop`` of ``out``: both observations side by side, normalised and clipped.

    Args:
        observation: Shape (batch, n_observations), float32.
        privileged: Shape (batch, n_privileged), float32.
        mean: Of both, shape (n_observations + n_privileged,), float32.
        scale: One over the standard deviation, same shape.
        clip: Bound on the normalised numbers.
        out: Shape (batch, n_observations + n_privileged), float32.
        sums: The rows' sum of what is off the mean is added to it, shape (n_observations + n_privileged,), float64.
        squares: The same of its square.
        start: First row.
        stop: Row after the last.
    """
    n, m = observation.shape[1], privileged.shape[1]
    for i in range(start, stop):
        for k in range(n + m):
            value = (observation[i, k] if k < n else privileged[i, k - n]) - mean[k]
            sums[k] += value
            squares[k] += value * value
            out[i, k] = min(max(value * scale[k], -clip), clip)
