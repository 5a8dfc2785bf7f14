"""Running statistics of what is observed, and its normalisation in one pass."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ..learner import CLIP_OBSERVATION, NEVER_VARIED, STD_FLOOR

NEW_STD = 0.3
"""Standard deviation that new observations start with."""
Floats = NDArray[np.float64]
Singles = NDArray[np.float32]


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


class Statistics:
    """Running mean and variance of observations.

    Attributes:
        mean: Shape (n,).
        variance: Shape (n,).
        count: Observations so far.
    """

    def __init__(self, n: int) -> None:
        self.mean, self.variance, self.count = np.zeros(n), np.ones(n), 1e-4
        self._sums: Floats = np.zeros((0, n))
        self.renew()

    def renew(self) -> None:
        """Take the statistics as they are for the normalisation from now on."""
        self.centre = self.mean.astype(np.float32)
        self.scale = (1.0 / (np.sqrt(self.variance) + STD_FLOOR)).astype(np.float32)

    def begin(self, parts: int) -> None:
        """Start to gather, in so many parts that are added in order whoever filled them."""
        self._sums = np.zeros((2, parts, len(self.mean)))
        self._rows = np.zeros(parts)

    def normalize(self, observation: Singles, privileged: Singles, out: Singles, part: int, rows: slice) -> None:
        """Normalise some rows and gather what they tell."""
        start, stop = rows.start, min(rows.stop, len(observation))
        normalize_rows(
            observation, privileged, self.centre, self.scale, np.float32(CLIP_OBSERVATION), out,
            self._sums[0, part], self._sums[1, part], start, stop,
        )  # fmt: skip
        self._rows[part] += stop - start

    def end(self) -> None:
        """Merge what was gathered since :meth:`begin` (Chan, Golub & LeVeque 1983) and renew the normalisation."""
        count = self._rows.sum()
        if count == 0:
            return
        off, square = self._sums[0].sum(axis=0) / count, self._sums[1].sum(axis=0) / count
        if not (np.isfinite(off).all() and np.isfinite(square).all()):
            return  # a body that is no number is about to be ended; its statistics are nobody's
        mean, variance = self.centre.astype(float) + off, np.maximum(square - off**2, 0.0)
        total, change = self.count + count, mean - self.mean
        self.variance = (self.variance * self.count + variance * count + change**2 * self.count * count / total) / total
        self.mean = self.mean + change * count / total
        self.count = total
        self.renew()

    def learn(self, rows: Singles) -> None:
        """Replace the statistics by those of some observations, shape (n, n_observations); others stay."""
        n = rows.shape[1]
        self.mean[:n], self.variance[:n] = rows.mean(axis=0, dtype=float), rows.var(axis=0, dtype=float)
        self.renew()

    def start(self, columns: NDArray[np.int64], mean: Floats, scale: Floats, count: float = 1e6) -> None:
        """Take over those of a trained policy for some entries; what it never saw vary begins as a new one does."""
        deviation = 1.0 / scale - STD_FLOOR
        self.mean[columns] = mean
        self.variance[columns] = np.where(deviation > NEVER_VARIED, deviation, NEW_STD) ** 2
        self.count = count
        self.renew()

    @property
    def varied(self) -> NDArray[np.bool_]:
        """Which entries were ever seen to vary, shape (n,)."""
        return np.sqrt(self.variance) >= NEVER_VARIED

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Copies of everything, for a checkpoint."""
        return {"mean": self.mean.copy(), "variance": self.variance.copy(), "count": np.array(self.count)}

    def load_arrays(self, content: dict[str, NDArray[Any]]) -> None:
        """Restore what :meth:`arrays` returned."""
        self.mean, self.variance = content["mean"].copy(), content["variance"].copy()
        self.count = float(content["count"])
        self.renew()
