"""What a score says of one walk, leg by leg."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from exogait.data.names import SIDES, Side


@dataclass(frozen=True, kw_only=True)
class Found:
    """One score of one walk; NaN where it is not known."""

    right: float = float("nan")
    left: float = float("nan")
    both: float = float("nan")
    """Of the walk as a whole."""
    n_right: int = 0
    """Strides, stances or steps behind the right value."""
    n_left: int = 0


def mean_found(values: Mapping[Side, ArrayLike]) -> Found:
    """Means of each leg's known values, and the mean of both legs' means.

    Args:
        values: Leg to its values, shape (n,); NaN where not known.

    Example:
        >>> found = mean_found({"r": [1.0, 3.0], "l": [4.0, np.nan]})
        >>> found.right, found.left, found.both, found.n_left
        (2.0, 4.0, 3.0, 1)
    """
    known = {side: _known(values[side]) for side in SIDES}
    right, left = (float(known[side].mean()) if len(known[side]) else float("nan") for side in SIDES)
    return Found(right=right, left=left, both=(right + left) / 2, n_right=len(known["r"]), n_left=len(known["l"]))


def _known(values: ArrayLike) -> NDArray[np.float64]:
    array = np.asarray(values, np.float64)
    return array[np.isfinite(array)]
