"""Gait events of feet that do not land on the heel or hardly leave the ground: two methods made for such walks.

A toe walker's foot does not land on its heel, a dropped or shuffled one hardly rises: heights and their speeds say
little. What remains is that the foot comes to rest, whichever part of it first, and that its path forward bends there.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from .filters import butterworth, runs

MOVING = 0.5
"""Speed above which a marker of the foot is not on the ground, m/s (Bruening & Ridge 2014;
Gomez-Perez et al. 2021)."""
_CUTOFF = 7.0
"""Low-pass of the marker paths, Hz, as for the other methods."""
_SHORTEST = 0.1
"""A foot that stands or swings for less time than this has not landed or left, s."""
_STRIKE_SHARE, _OFF_SHARE = 0.5, 1.1
"""High-pass cut-offs as shares of the stride frequency, for strikes and for toe offs (Desailly et al. 2009)."""
_PROMINENCE = 0.3
"""Smallest prominence of an extreme, as a share of the range of the filtered path, as for the other methods."""


def ghoussayni2004(
    heel: NDArray[np.float64], toe: NDArray[np.float64], ground: NDArray[np.float64], rate: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Find foot strikes and toe offs of one foot from the speed of its heel and toe over the ground.

    A strike is the instant at which the first of the two falls below 0.5 m/s, be it the heel or the toe; a toe off that
    at which the last of them, the toe in nearly every gait, exceeds it. Instants lie between frames. The speed is the
    whole one, not that in the sagittal plane of the laboratory: a walk in a curve has no such plane.

    Source: Ghoussayni, Stevens, Durham & Ewins 2004, Gait & Posture 20:266-272, with the threshold of Bruening & Ridge
    2014, Gait & Posture 39:472-477, and the strike by heel or toe of Gomez-Perez et al. 2021, Clin Biomech 90:105492.

    Args:
        heel: Position of the heel, X forward, Y up, shape (n_frames, 3), m.
        toe: The same of the toe, shape (n_frames, 3), m.
        ground: Backward speed of the ground under the foot, shape (n_frames,), m/s; zeros overground.
        rate: Frames a second, Hz.

    Returns:
        Times of strikes and of toe offs, s.
    """
    slowest = np.fmin(_speed(heel, ground, rate), _speed(toe, ground, rate))
    strikes: list[float] = []
    offs: list[float] = []
    for start, stop in runs(np.isfinite(slowest)):
        part = slowest[start:stop]
        for first, last in _lasting(part < MOVING, round(_SHORTEST * rate)):
            if first > 0:
                strikes.append((start + _crossing(part, first)) / rate)
            if last < len(part):
                offs.append((start + _crossing(part, last)) / rate)
    return np.array(strikes), np.array(offs)


def desailly2009(
    heel: NDArray[np.float64], toe: NDArray[np.float64], rate: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Find foot strikes and toe offs of one foot from its forward path, high-passed: where the foot stops, it bends.

    Source: Desailly, Daniel, Sardain & Lacouture 2009, Gait & Posture 29:76-80, high-pass algorithm: a strike is a
    maximum of the forward path of the heel above half the stride frequency, a toe off a minimum of that of the
    metatarsus above 1.1 times the stride frequency. A foot that does not swing twice tells no stride and has no events.

    Args:
        heel: Position of the heel along the walking direction, over the ground, shape (n_frames,), m.
        toe: Position of the toe, shape (n_frames,), m.
        rate: Frames a second, Hz.

    Returns:
        Times of strikes and of toe offs, s.
    """
    stride = _stride_frequency(heel, rate)
    if stride is None:
        return np.zeros(0), np.zeros(0)
    return (
        _extremes(heel, rate, _STRIKE_SHARE * stride, stride),
        _extremes(-toe, rate, _OFF_SHARE * stride, stride),
    )


def _stride_frequency(path: NDArray[np.float64], rate: float) -> float | None:
    """Strides a second, from the instants at which the foot swings fastest; ``None`` below two swings."""
    seen = np.isfinite(path)
    if seen.sum() < 13:
        return None
    velocity = np.gradient(butterworth(path, rate, min(_CUTOFF, 0.4 * rate)), 1 / rate)
    span = float(np.ptp(velocity[seen]))
    swings, _ = signal.find_peaks(
        np.nan_to_num(velocity, nan=-np.inf),
        height=np.nanmin(velocity) + 0.5 * span,
        distance=max(round(0.5 * rate), 1),
    )
    return rate / float(np.median(np.diff(swings))) if len(swings) > 1 else None


def _extremes(path: NDArray[np.float64], rate: float, cutoff: float, stride: float) -> NDArray[np.float64]:
    """Times of the maxima of a high-passed path, one a stride at most."""
    sections = signal.butter(2, cutoff / (0.5 * rate), "highpass", output="sos")
    found: list[float] = []
    for start, stop in runs(np.isfinite(path)):
        part = path[start:stop]
        if len(part) < 0.5 * rate / stride or len(part) < 13:
            continue
        high = signal.sosfiltfilt(sections, part, padlen=min(len(part) - 1, round(rate / cutoff)))
        high = butterworth(high, rate, min(_CUTOFF, 0.4 * rate))
        at, _ = signal.find_peaks(
            high, prominence=_PROMINENCE * np.ptp(high), distance=max(round(0.6 * rate / stride), 1)
        )
        found += [(start + i) / rate for i in at]
    return np.array(found)


def _speed(path: NDArray[np.float64], ground: NDArray[np.float64], rate: float) -> NDArray[np.float64]:
    """Speed over the ground, shape (n_frames,), m/s; NaN in a recording too short to filter."""
    if len(path) < 13:
        return np.full(len(path), np.nan)
    velocity = np.gradient(butterworth(path, rate, min(_CUTOFF, 0.4 * rate)), 1 / rate, axis=0)
    velocity[:, 0] += ground
    return np.linalg.norm(velocity, axis=1)


def _lasting(mask: NDArray[np.bool_], least: int) -> list[tuple[int, int]]:
    """Runs of true frames, gaps between them and they themselves no shorter than ``least`` unless at the ends."""
    found: list[tuple[int, int]] = []
    for start, stop in runs(mask):
        if found and start - found[-1][1] < least:
            found[-1] = (found[-1][0], stop)
        else:
            found.append((start, stop))
    return [(a, b) for a, b in found if b - a >= least or a == 0 or b == len(mask)]


def _crossing(values: NDArray[np.float64], i: int) -> float:
    """Where the speed passes the threshold between frames i - 1 and i."""
    before, after = values[i - 1] - MOVING, values[i] - MOVING
    return i - 1 + float(before / (before - after))
