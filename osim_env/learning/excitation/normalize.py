"""Running statistics of what is observed."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...excitation.rows import normalize_rows
from ..learner import CLIP_OBSERVATION, NEVER_VARIED, STD_FLOOR

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]
Array = NDArray[np.floating[Any]]
NEW_STD = 0.15
"""Standard deviation that observations start with which a policy at hand did not know: grades, stride rates, sizes.

Smaller than theirs, so that they are heard at the small learning rate of a policy that already walks: with 1 the walker
did not climb after 60 million decisions, its weights on the grade a twentieth of the others.
"""


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

    def normalized(self, seen: Singles) -> Singles:
        """Rows of the first entries or of all, normalised; nothing is gathered."""
        n = seen.shape[1]
        return np.clip((seen - self.centre[:n]) * self.scale[:n], -CLIP_OBSERVATION, CLIP_OBSERVATION)

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

    def start(self, columns: NDArray[np.int64], mean: Array, scale: Array, n: int, count: float = 1e6) -> None:
        """Take over those of a trained policy for some of the first ``n`` entries.

        What of the first ``n`` the policy did not know, or never saw vary, begins as :data:`NEW_STD` says.
        """
        deviation = 1.0 / scale - STD_FLOOR
        self.variance[:n] = NEW_STD**2
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
