"""Gap filling and zero-phase filtering of measured signals, with every choice stated."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import signal
from scipy.interpolate import CubicSpline

from exogait.data.errors import InputError

_SUPPORT = 5
"""Samples on each side of a gap that carry the spline over it."""


@dataclass(frozen=True)
class Gap:
    """A run of missing samples in one column."""

    name: str
    """The column, for example a marker."""
    start: float
    """Time of its first missing sample, s."""
    duration: float
    """Length, s."""
    action: str
    """``"filled"``, ``"left: longer than the limit"`` or ``"left: at the edge of the recording"``."""


def fill_gaps(
    values: NDArray[np.float64], rate: float, *, max_gap: float = 0.1, names: tuple[str, ...] | None = None
) -> tuple[NDArray[np.float64], list[Gap]]:
    """Bridge short gaps with a cubic spline through up to five samples on each side.

    Gaps longer than ``max_gap``, and gaps at the ends, stay NaN: nothing is extrapolated. Every gap is returned.

    Args:
        values: Signals, shape (n_frames, n_columns) or (n_frames, n_columns, 3); a sample is missing where any of its
            components is NaN.
        rate: Samples a second, Hz.
        max_gap: Longest gap to fill, s.
        names: Names of the columns, for the report.

    Returns:
        The filled signals, same shape, and the list of gaps.

    Raises:
        InputError: ``max_gap`` is negative.

    Example:
        >>> import numpy as np
        >>> x = np.linspace(0.0, 1.0, 11)[:, None]
        >>> x[4:6] = np.nan
        >>> filled, gaps = fill_gaps(x, 10.0, max_gap=0.2)
        >>> bool(np.allclose(filled[:, 0], np.linspace(0.0, 1.0, 11))), gaps[0].action
        (True, 'filled')
    """
    if not max_gap >= 0:
        raise InputError("max_gap", max_gap, "the longest gap to fill is in seconds and not negative")
    filled = np.array(values, dtype=np.float64)
    columns = filled.reshape(len(filled), filled.shape[1], -1)
    limit = int(np.floor(max_gap * rate + 1e-9))
    gaps: list[Gap] = []
    for j in range(columns.shape[1]):
        missing = np.any(np.isnan(columns[:, j]), axis=1)
        if not missing.any() or missing.all():
            continue
        name = names[j] if names else str(j)
        valid = np.flatnonzero(~missing)
        for start, stop in runs(missing):
            duration = (stop - start) / rate
            if start == 0 or stop == len(missing):
                gaps.append(Gap(name, start / rate, duration, "left: at the edge of the recording"))
                continue
            if stop - start > limit:
                gaps.append(Gap(name, start / rate, duration, "left: longer than the limit"))
                continue
            before = valid[valid < start][-_SUPPORT:]
            after = valid[valid >= stop][:_SUPPORT]
            support = np.concatenate([before, after])
            inside = np.arange(start, stop)
            # Two support points allow a line only; CubicSpline then is one.
            columns[inside, j] = CubicSpline(support, columns[support, j], axis=0)(inside)
            gaps.append(Gap(name, start / rate, duration, "filled"))
    return filled, gaps


def runs(mask: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Find the runs of True.

    Args:
        mask: Flags, shape (n,).

    Returns:
        (first index, index after the last) of each run.

    Example:
        >>> import numpy as np
        >>> runs(np.array([False, True, True, False, True]))
        [(1, 3), (4, 5)]
    """
    padded = np.concatenate([[False], np.asarray(mask, dtype=bool), [False]]).astype(np.int8)
    edges = np.flatnonzero(np.diff(padded))
    return [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def butterworth(
    values: NDArray[np.float64],
    rate: float,
    cutoff: float | tuple[float, float],
    *,
    order: int = 4,
    kind: str = "low",
) -> NDArray[np.float64]:
    """Zero-phase Butterworth filter: a filter of half the order runs forwards and backwards.

    The cut-off of the single pass is raised so that the double pass attenuates by 3 dB at the cut-off that was asked
    for: with n the order of one pass, tan(pi f / rate) is divided by (sqrt(2) - 1)^(1 / 2n) for a low-pass and
    multiplied for a high-pass. NaN samples stay NaN; each run between them is filtered by itself.

    Args:
        values: Signals along the first axis, shape (n_samples, ...).
        rate: Samples a second, Hz.
        cutoff: The 3 dB frequency, Hz; (low, high) for a band-pass.
        order: Effective order, that of both passes together; even.
        kind: ``"low"``, ``"high"`` or ``"band"`` (a high-pass and a low-pass in turn, each of this order).

    Returns:
        Filtered signals, same shape.

    Raises:
        InputError: The cut-off is not between 0 and half the rate, or the order is odd.

    Source: Winter, Biomechanics and Motor Control of Human Movement, 4th ed., section 3.4.4.2 (cut-off).

    Example:
        >>> import numpy as np
        >>> t = np.arange(1000) / 100.0
        >>> y = butterworth(np.sin(2 * np.pi * 6.0 * t), 100.0, 6.0)
        >>> bool(abs(np.ptp(y[300:700]) / 2 - 10 ** (-3 / 20)) < 0.01)
        True
    """
    if kind == "band":
        low, high = cutoff if isinstance(cutoff, tuple) else (0.0, cutoff)
        return butterworth(butterworth(values, rate, low, order=order, kind="high"), rate, high, order=order)
    if isinstance(cutoff, tuple) or not 0 < cutoff < rate / 2:
        raise InputError("cutoff", cutoff, f"give a frequency between 0 and half the sampling rate, {rate / 2:g} Hz")
    if order < 2 or order % 2:
        raise InputError("order", order, "the effective order of a two-pass filter is 2, 4, 6, ...")
    single = order // 2
    correction = (np.sqrt(2.0) - 1.0) ** (0.5 / single)
    warped = np.tan(np.pi * cutoff / rate)
    warped = warped / correction if kind == "low" else warped * correction
    sos = signal.butter(single, np.arctan(warped) / np.pi * 2.0, btype=kind, output="sos")
    result = np.array(values, dtype=np.float64)
    flat = result.reshape(len(result), -1)
    wanted_pad = int(np.ceil(rate / cutoff))
    for j in range(flat.shape[1]):
        valid = np.isfinite(flat[:, j])
        for start, stop in [(0, len(flat))] if valid.all() else runs(valid):
            if stop - start > 3 * single:
                pad = min(max(wanted_pad, 3 * single), stop - start - 1)
                flat[start:stop, j] = signal.sosfiltfilt(sos, flat[start:stop, j], padtype="odd", padlen=pad)
    return result
