"""The zero of a force plate: its offset and its drift while nobody stands on it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

MAX_BASELINE = 60.0
"""Largest offset of an unloaded plate that is taken for a baseline, N."""
_QUIET_WINDOW = 0.1
"""Length of the windows in which an unloaded plate is quiet, s."""
_QUIET_SD = 4.0
"""Largest standard deviation of the vertical force in such a window, N."""
_SHAKEN_SD = 15.0
"""The same on a plate that a running belt shakes, N (10 N in Fukuchi et al. 2018)."""


def find_baseline(
    wrench: NDArray[np.float64], rate: float, *, zero: tuple[int, int] | None = None
) -> tuple[NDArray[np.float64], str]:
    """Find the offset of a plate while nobody stands on it.

    Quiet windows (100 ms, a mean within 60 N of zero, a standard deviation of the vertical force below 4 N, or 15 N
    where a belt shakes the plate all the time) form the unloaded part; the samples of the windows near their median
    level give the offset.

    Args:
        wrench: Fx, Fy, Fz, Mx, My, Mz, shape (n_samples, 6).
        rate: Samples a second, Hz.
        zero: First and last sample of the baseline that the file names; used only if no quiet window is found and these
            samples are themselves within 60 N of zero.

    Returns:
        The offset, shape (6,), and how it was found.
    """
    vertical = wrench[:, 2]
    width = max(int(_QUIET_WINDOW * rate), 3)
    n = len(vertical) // width
    blocks = vertical[: n * width].reshape(n, width)
    usable = np.isfinite(blocks).all(axis=1)
    mean, sd = np.full(n, np.inf), np.full(n, np.inf)
    mean[usable], sd[usable] = blocks[usable].mean(axis=1), blocks[usable].std(axis=1)
    quiet = _quiet(mean, sd)
    if quiet.any():
        level = np.median(mean[quiet])
        quiet &= np.abs(mean - level) < 2 * _QUIET_SD
        chosen = np.repeat(quiet, width).astype(bool)
        return np.nanmean(
            wrench[: n * width][chosen], axis=0
        ), f"{int(quiet.sum())} quiet windows of {width / rate:.2f} s"
    if zero is not None and zero[1] <= len(wrench):
        part = wrench[zero[0] : zero[1]]
        if (
            len(part)
            and np.isfinite(part).all()
            and abs(part[:, 2].mean()) < MAX_BASELINE
            and part[:, 2].std() < _QUIET_SD
        ):
            return part.mean(axis=0), "FORCE_PLATFORM:ZERO"
    return np.zeros(6), "never unloaded: nothing subtracted"


def _quiet(mean: NDArray[np.float64], sd: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Windows in which nobody stands on the plate, by mean and SD of their vertical force; shaken if they recur."""
    low = np.abs(mean) < MAX_BASELINE
    still, shaken = low & (sd < _QUIET_SD), low & (sd < _SHAKEN_SD)
    return still if still.any() or shaken.sum() < 3 else shaken


def find_drift(wrench: NDArray[np.float64], rate: float) -> NDArray[np.float64]:
    """Find a slow drift of a plate, as of one under a running belt, from the windows in which nobody stands on it.

    The windows (those of :func:`find_baseline`) must lie on one straight line over time within 8 N: a foot that
    brushes the plate does not.

    Args:
        wrench: Fx, Fy, Fz, Mx, My, Mz, shape (n_samples, 6), at ``rate`` Hz.
        rate: Hz.

    Returns:
        What drifted away from the mean, shape (n_samples, 6); zeros where the line's vertical part moves by less than
        8 N over the recording, or there is no such line.
    """
    width = max(int(_QUIET_WINDOW * rate), 3)
    n = len(wrench) // width
    mean = wrench[: n * width].reshape(n, width, 6).mean(axis=1)
    sd = wrench[: n * width, 2].reshape(n, width).std(axis=1)
    quiet = np.isfinite(mean).all(axis=1) & _quiet(mean[:, 2], sd)
    nothing = np.zeros_like(wrench)
    if quiet.sum() < 3:
        return nothing
    at = (np.flatnonzero(quiet) + 0.5) * width
    slope, level = np.polyfit(at, mean[quiet], 1)
    off = mean[quiet, 2] - (level[2] + slope[2] * at)
    if abs(slope[2]) * len(wrench) < 2 * _QUIET_SD or np.abs(off).max() > 2 * _QUIET_SD:
        return nothing
    return slope * (np.arange(len(wrench))[:, None] - at.mean())
