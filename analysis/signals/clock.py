"""Which clock a file's event times count on: plates, or the markers' own events, decide.

A C3D file counts event times from frame 1 of the recording; some programs count from the first frame that the file
holds. Where the two differ, the file's events are laid beside those that plates saw, else beside those of the markers,
and the clock on which they fit better counts. Events that fit on neither are set aside.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from exogait.data.trial import GaitEvent

from ..c3d.reader import C3DFile

PLATE_LIMIT, MARKER_LIMIT = 0.06, 0.15
"""Median distance up to which a file's events are those of plates, or of markers, s. Hand-placed events lie within two
frames of the plates; published methods on markers scatter by 20 to 60 ms, more in pathological gait."""
_CAP = 0.4
"""Distance of an event without a like one, s."""
PLATES_LATE = 0.045
"""Largest :func:`lateness` of plates against markers or the file, s; up to 0.03 on clean walks of half of the persons
(docs/validation.md). O'Connor et al. 2007 find contacts 16 ms late and toe offs 9 ms early: together 4 ms."""


def clock_shifts(trial: C3DFile) -> tuple[float, ...]:
    """What may have to be added to the event times as read, s: nothing, or the time before the file's first frame."""
    start = (trial.first_frame - 1) / trial.point_rate
    return (0.0, start, -start) if start > 0 else (0.0,)


def distance_from_plates(events: Sequence[GaitEvent], plates: Sequence[GaitEvent]) -> float:
    """Median time from each event of the plates to the nearest like one, s; NaN where no like one can be told."""
    kinds = {(event.side, event.kind) for event in events}
    near = [_nearest(event, events) for event in plates if (event.side, event.kind) in kinds]
    return float(np.median(near)) if len(near) > 1 else np.nan


def distance_from_markers(events: Sequence[GaitEvent], found: Sequence[GaitEvent]) -> float:
    """Median time from each event to the nearest like one of the markers, s; NaN where markers found too few."""
    if not found:
        return np.nan
    first, last = min(e.time for e in found) - 0.1, max(e.time for e in found) + 0.1
    near = [_nearest(event, found) for event in events if first <= event.time <= last]
    return float(np.median(near)) if len(near) > 2 else np.nan


def lateness(events: Sequence[GaitEvent], others: Sequence[GaitEvent]) -> float:
    """How much later events are than like ones of another source, s: the mean of heel strikes' and toe offs' medians.

    A method that finds contacts late finds toe offs early; a clock shifts both. NaN where either kind has no pair.

    Example:
        >>> both = [GaitEvent(0.2, "r", "heel_strike"), GaitEvent(0.8, "r", "toe_off")]
        >>> late = [GaitEvent(0.35, "r", "heel_strike"), GaitEvent(0.85, "r", "toe_off")]
        >>> round(lateness(late, both), 3)
        0.1
    """
    middle = []
    for kind in ("heel_strike", "toe_off"):
        away = [
            min((event.time - e.time for e in others if (e.side, e.kind) == (event.side, kind)), key=abs, default=_CAP)
            for event in events
            if event.kind == kind
        ]
        paired = [value for value in away if abs(value) < _CAP]
        middle.append(float(np.median(paired)) if paired else np.nan)
    return float(np.mean(middle))


def plates_on_clock(
    plates: Sequence[GaitEvent], stated: Sequence[GaitEvent], found: Sequence[GaitEvent]
) -> tuple[bool, str]:
    """Whether plates and cameras share a clock, and what tells it.

    Args:
        plates: Events of the plates.
        stated: The file's events.
        found: Events of the markers, by O'Connor et al. 2007.

    Returns:
        False where the plates' events come at another time than those of the markers and than the file's.
    """
    away = {"markers": lateness(plates, found), "the file's events": lateness(plates, stated)}
    known = {word: value for word, value in away.items() if np.isfinite(value)}
    text = ", ".join(f"{value * 1e3:+.0f} ms against {word}" for word, value in known.items())
    return not known or min(map(abs, known.values())) <= PLATES_LATE, text


def settle_clock(
    by_shift: dict[float, list[GaitEvent]], plates: Sequence[GaitEvent], found: Sequence[GaitEvent]
) -> tuple[list[GaitEvent], str]:
    """The file's events on the clock that fits, and a sentence where that is not the clock as read.

    Args:
        by_shift: Shift (:func:`clock_shifts`) to the events within the file on that clock.
        plates: Events of the plates.
        found: Events of the markers.

    Returns:
        The events, empty where they fit on no clock, and what was decided.
    """
    stated = by_shift[0.0]
    for measure, other, limit, word in (
        (distance_from_plates, plates, PLATE_LIMIT, "force plates"),
        (distance_from_markers, found, MARKER_LIMIT, "markers"),
    ):
        away = {shift: measure(events, other) for shift, events in by_shift.items()}
        known = {shift: value for shift, value in away.items() if np.isfinite(value)}
        if not known:
            continue
        best = min(known, key=lambda shift: (known[shift], abs(shift)))
        here = known.get(0.0, _CAP)
        if known[best] > limit:
            return [], (
                f"the file's events are set aside: they lie {here * 1e3:.0f} ms (median) from those of the {word}"
            )
        if best != 0.0 and here > limit:
            return by_shift[best], (
                f"the file's event times count on another clock and are shifted by {best:+.3f} s: so they lie "
                f"{known[best] * 1e3:.0f} ms from those of the {word}, as read {here * 1e3:.0f} ms"
            )
        return stated, ""
    return stated, ""


def _nearest(event: GaitEvent, others: Sequence[GaitEvent]) -> float:
    like = [abs(e.time - event.time) for e in others if (e.side, e.kind) == (event.side, event.kind)]
    return min(min(like, default=_CAP), _CAP)
