"""What rewards and observations look at: arrays of the world, and names that go with them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating[Any]]

Index = NDArray[np.int64]

STRENGTH_GROUPS = (
    "plantarflexors", "dorsiflexors", "quadriceps", "hamstrings", "hip_flexors", "hip_extensors", "hip_abductors",
)  # fmt: skip
"""Muscle groups whose strength the human policy knows."""


def mirrored(values: Array, mirror: tuple[Index, Array], where: NDArray[np.bool_]) -> Array:
    """Mirror the rows of ``values`` where the condition holds."""
    index, sign = mirror
    return np.where(where[:, None], sign * values[:, index], values)
