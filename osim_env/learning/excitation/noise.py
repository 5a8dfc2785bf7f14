"""Noise of an exploring nervous system: it lasts some hundredths of a second and recruits muscles together.

White noise on ninety-two muscles averages out before a joint moves. First-order autoregressive noise, most of it along
the covariance of the excitations that a walking teacher uses, moves limbs (docs/training.md).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class Noise:
    """Gaussian noise of one action vector with memory from step to step.

    Given the last noise, the next is Gaussian about ``memory`` times it: what PPO needs of a policy, its conditional
    density, is exact.

    Args:
        n: Length of the action.
        size: Standard deviation, mean over the entries.
        memory: Correlation from one step to the next.
        along: Share of the variance along ``covariance``; the rest is the same in all entries.
        covariance: Shape (n, n); independent entries without.

    Attributes:
        spread: Maps independent numbers to what is new in a step, shape (n, n).
        whiten: Its inverse.
    """

    def __init__(
        self, n: int, *, size: float, memory: float, along: float, covariance: Floats | None = None
    ) -> None:  # fmt: skip
        self.memory = memory
        shape = np.eye(n)
        if covariance is not None:
            # The same mean variance as the independent part.
            shape = (1.0 - along) * np.eye(n) + along * covariance * (n / np.trace(covariance))
        root = size * np.sqrt(1.0 - memory**2) * np.linalg.cholesky(shape)
        self.spread, self.whiten = aligned(root), aligned(np.linalg.inv(root))


def aligned(values: NDArray[np.floating[Any]]) -> torch.Tensor:
    """A float32 copy where torch allocates it: products of memory aligned otherwise differ in their last bits."""
    return torch.from_numpy(values.astype(np.float32)).clone()
