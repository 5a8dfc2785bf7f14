"""Gait events from markers alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from exogait.data.names import SIDES
from exogait.data.trial import GaitEvent

from ..gait.belt import OVERGROUND, Belt
from ..markers.roles import pelvis_markers
from .filters import butterworth, runs
from .pathological_events import desailly2009, ghoussayni2004

MIN_SPACING = 0.25
"""Two events of one kind and side closer than this cannot both be real, s."""

_PEAK_SPACING = 0.35

_CUTOFF = 7.0
"""Low-pass of the marker paths before events are sought, Hz (O'Connor et al. 2007)."""

_PROMINENCE = 0.3
"""Smallest prominence of an event's peak, as a share of the signal's range."""

_TROUGH_PROMINENCE = 0.05
"""The trough of the foot's velocity at a heel strike is small beside the peak at toe off."""

_HEEL_SHARE = 0.35
"""A strike needs the heel in the lowest 35 % of its range of height (O'Connor et al. 2007)."""

Method = Literal["zeni2008", "oconnor2007", "ghoussayni2004", "desailly2009"]
METHODS: tuple[Method, ...] = ("zeni2008", "oconnor2007", "ghoussayni2004", "desailly2009")
"""Published methods, by first author and year."""


def zeni2008(
    heel: NDArray[np.float64], toe: NDArray[np.float64], pelvis: NDArray[np.float64], rate: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Find heel strikes and toe offs of one foot from its distance before and behind the pelvis.

    The times are refined by a parabola through three frames. An extreme within about a fifth of a cycle of the ends of
    the recording cannot be told from a border and is left out.

    Source: Zeni, Richards & Higginson 2008, Gait & Posture 27:710-714, coordinate-based method: a heel strike is a
    maximum of x_heel - x_sacrum, a toe off a minimum of x_toe - x_sacrum, with x the direction of progression.

    Args:
        heel: Position of the heel along the walking direction, shape (n_frames,), m.
        toe: Position of the toe, shape (n_frames,), m.
        pelvis: Position of the sacrum or of the middle of the pelvis, shape (n_frames,), m.
        rate: Frames a second, Hz.

    Returns:
        Times of heel strikes and of toe offs, s.

    Example:
        >>> import numpy as np
        >>> t = np.arange(0, 4, 0.01)
        >>> strikes, offs = zeni2008(0.3 * np.sin(2 * np.pi * t), 0.3 * np.sin(2 * np.pi * t), 0 * t, 100.0)
        >>> np.round(strikes, 2).tolist(), np.round(offs, 2).tolist()
        ([0.25, 1.25, 2.25, 3.25], [0.75, 1.75, 2.75, 3.75])
    """
    return _peaks(heel - pelvis, rate), _peaks(pelvis - toe, rate)


def oconnor2007(
    heel_height: NDArray[np.float64], toe_height: NDArray[np.float64], rate: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Find heel strikes and toe offs of one foot from the vertical velocity of its centre.

    Source: O'Connor, Thorpe, O'Malley & Vaughan 2007, Gait & Posture 25:469-474: the foot's centre is the middle of
    heel and toe; its velocity peaks at toe off; a trough while the heel is in the lowest 35 % of its range is a strike.

    Args:
        heel_height: Height of the heel, shape (n_frames,), m.
        toe_height: Height of the toe, shape (n_frames,), m.
        rate: Frames a second, Hz.

    Returns:
        Times of heel strikes and of toe offs, s.
    """
    centre = _smooth(0.5 * (heel_height + toe_height), rate)
    velocity = np.gradient(centre, 1 / rate) if len(centre) > 2 else np.zeros_like(centre)
    heel = heel_height[np.isfinite(heel_height)]
    if len(heel) == 0:
        return np.zeros(0), np.zeros(0)
    low = np.percentile(heel, 1) + _HEEL_SHARE * (np.percentile(heel, 99) - np.percentile(heel, 1))
    troughs = _peaks(-velocity, rate, smooth=False, prominence=_TROUGH_PROMINENCE, spacing=0.05)
    near = np.clip(np.round(troughs * rate).astype(int), 0, len(heel_height) - 1)
    with np.errstate(invalid="ignore"):
        troughs = troughs[heel_height[near] <= low]
    # The fall of the forefoot follows the strike with a trough of its own: the first of each group counts.
    troughs = troughs[np.diff(troughs, prepend=-np.inf) > _PEAK_SPACING]
    return troughs, _peaks(velocity, rate, smooth=False)


def events_from_markers(
    positions: NDArray[np.float64],
    names: Sequence[str],
    rate: float,
    roles: Mapping[str, Sequence[str]],
    *,
    method: Method = "zeni2008",
    belt: Belt = OVERGROUND,
) -> list[GaitEvent]:
    """Find the events of both feet from marker paths in OpenSim's frame.

    Args:
        positions: Marker positions, X forward, Y up, shape (n_frames, n_markers, 3), m.
        names: Marker names.
        rate: Frames a second, Hz.
        roles: Marker roles.
        method: One of :data:`METHODS`.
        belt: Speed of the ground; two methods ask how a foot moves over it.

    Returns:
        Events in order of time; none for a foot whose markers are not known.
    """
    index = {name: i for i, name in enumerate(names)}
    pelvis = [index[name] for name in pelvis_markers(roles)]
    events: list[GaitEvent] = []
    for side in SIDES:
        heels = roles.get(f"heel_{side}") or roles.get(f"ankle_{side}")
        toes = roles.get(f"toe_{side}") or roles.get(f"met5_{side}")
        if not heels or not toes or (method == "zeni2008" and not pelvis):
            continue
        heel, toe = positions[:, index[heels[0]]], positions[:, index[toes[0]]]
        n = len(positions)
        if method == "zeni2008":
            centre = _mean_ignoring_nan(positions[:, pelvis, 0])
            strikes, offs = zeni2008(heel[:, 0], toe[:, 0], centre, rate)
        elif method == "oconnor2007":
            strikes, offs = oconnor2007(heel[:, 1], toe[:, 1], rate)
        elif method == "ghoussayni2004":
            strikes, offs = ghoussayni2004(heel, toe, belt.of(side, n), rate)
        else:
            way = belt.way(side, n, rate)
            strikes, offs = desailly2009(heel[:, 0] + way, toe[:, 0] + way, rate)
        events += [GaitEvent(float(t), side, "heel_strike", "kinematics") for t in strikes]
        events += [GaitEvent(float(t), side, "toe_off", "kinematics") for t in offs]
    return sorted(events)


def _mean_ignoring_nan(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean over columns; NaN where fewer than all are seen, so that a marker that drops out causes no step."""
    complete = np.isfinite(values)
    use = complete.mean(axis=0) >= 0.95 * complete.mean(axis=0).max()
    return values[:, use].mean(axis=1)


def _smooth(values: NDArray[np.float64], rate: float) -> NDArray[np.float64]:
    return butterworth(values, rate, min(_CUTOFF, 0.4 * rate)) if len(values) > 12 else values


def _peaks(
    values: NDArray[np.float64],
    rate: float,
    *,
    smooth: bool = True,
    prominence: float = _PROMINENCE,
    spacing: float = _PEAK_SPACING,
) -> NDArray[np.float64]:
    """Times of the prominent maxima, refined by a parabola."""
    values = _smooth(values, rate) if smooth else values
    found: list[float] = []
    seen = np.isfinite(values)
    if seen.sum() < 5:
        return np.zeros(0)
    span = float(np.percentile(values[seen], 97) - np.percentile(values[seen], 3))
    if span <= 1e-9:
        return np.zeros(0)
    for start, stop in runs(seen):
        part = values[start:stop]
        at, _ = signal.find_peaks(part, prominence=prominence * span, distance=max(int(spacing * rate), 1))
        for i in at:
            bend = part[i - 1] - 2 * part[i] + part[i + 1]
            shift = 0.5 * (part[i - 1] - part[i + 1]) / bend if bend < 0 else 0.0
            found.append((start + i + float(np.clip(shift, -0.5, 0.5))) / rate)
    return np.array(found)
