"""Masks: what is known when, brought to other instants."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike


def flags_at(mask: pd.DataFrame, time: ArrayLike) -> pd.DataFrame:
    """A mask at other instants: true only where the samples before and after are both true, never beyond its time.

    A number between two samples is made of both, so it is known only where both are.

    Args:
        mask: Boolean columns, index ``time``, s.
        time: Shape (n,), s.

    Example:
        >>> known = pd.DataFrame({"r": [True, True, False]}, index=pd.Index([0.0, 0.1, 0.2], name="time"))
        >>> flags_at(known, [0.05, 0.1, 0.15, 0.3])["r"].tolist()
        [True, True, False, False]
    """
    grid, clock = np.asarray(time, np.float64), mask.index.to_numpy(np.float64)
    index = pd.Index(grid, name="time")
    if not len(clock):
        return pd.DataFrame(False, index=index, columns=mask.columns)
    slack = 1e-9 + 1e-6 * (clock[-1] - clock[0]) / max(len(clock) - 1, 1)
    after = np.searchsorted(clock, grid - slack)
    before = np.searchsorted(clock, grid + slack, side="right") - 1
    inside = (after < len(clock)) & (before >= 0)
    after, before = np.minimum(after, len(clock) - 1), np.maximum(before, 0)
    values = mask.to_numpy(bool)
    return pd.DataFrame(values[after] & values[before] & inside[:, None], index=index, columns=mask.columns)
