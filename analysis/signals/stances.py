"""Stances from force plates: the contacts of one foot between two swings, on as many plates as it touches.

A contact is what a plate sees, a stance is what a foot does. Events come from the sum of the forces: where the foot
rolls from one plate to the next, the first plate is left in the middle of the stance.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from exogait.data.names import Side

from .plates import PlateData, find_contacts
from .strikes import PlateStrike, same_stance, stance_windows

_REACH = 0.05
"""A plate's force counts this long before and after its own contact, s: two plates share the first and last newtons."""


@dataclass(frozen=True)
class Stance:
    """One stance of one foot on force plates that carried all of it."""

    side: Side
    """``"r"`` or ``"l"``."""
    start: float
    """Instant at which the summed vertical force rises through the threshold, s."""
    stop: float
    """Instant at which it falls below the release level, s."""
    plates: tuple[int, ...]
    """Numbers of the plates, from 0."""
    begins: bool = True
    """False where the plates' first sample is under the foot already."""
    ends: bool = True
    """False where the plates' last sample is under the foot still."""


def find_stances(plates: Sequence[PlateData], strikes: Sequence[PlateStrike]) -> list[Stance]:
    """Join accepted contacts to stances.

    Args:
        plates: The plates.
        strikes: The decisions about their contacts.

    Returns:
        Stances in order of time.
    """
    stances = []
    for group in same_stance([strike for strike in strikes if strike.accepted and strike.side]):
        start, stop = group[0].start, max(strike.stop for strike in group)
        under = tuple(sorted({strike.plate for strike in group}))
        if len(under) > 1:
            threshold = max(plate.threshold for plate in plates if plate.index in under)
            total = np.zeros(len(plates[0].vertical))
            for plate, first, last in stance_windows(group, plates, strikes, reach=_REACH):
                inside = slice(max(round(first * plate.rate), 0), round(last * plate.rate) + 1)
                total[inside] += plate.vertical[inside]
            found = find_contacts(total, plates[0].rate, threshold=threshold)
            if found:
                start, stop = found[0].start, found[-1].stop
        first, last = _recorded([plate for plate in plates if plate.index in under])
        side: Side = "r" if group[0].side == "r" else "l"
        stances.append(Stance(side, start, stop, under, start > first + 1e-9, stop < last - 1e-9))
    return sorted(stances, key=lambda stance: stance.start)


def _recorded(plates: Sequence[PlateData]) -> tuple[float, float]:
    """First and last instant at which these plates measured, s."""
    known = np.flatnonzero(np.any([np.isfinite(plate.force).all(axis=1) for plate in plates], axis=0))
    return (float(known[0] / plates[0].rate), float(known[-1] / plates[0].rate)) if len(known) else (0.0, 0.0)
