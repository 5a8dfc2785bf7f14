"""Parts of marker paths that are rebuilt from markers that keep their distances to it, as laboratories do by hand.

Which ones do is told by the good part of the same walk: those of the same segment, and at a joint's axis those of both
segments. Three of them that span an area place the marker in every other frame.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .misplaced import fault_of, rigid_turns

RIGID = 0.008
"""Standard deviation of a distance over the good part, m, up to which a neighbour tells a marker's place."""
NEIGHBOURS = 5
"""Neighbours that are used, the steadiest first."""
SPREAD = 0.025
"""Least extent of the neighbours across their longest line, m RMS."""
LEAST_GOOD = 0.2
"""Least length of the good part, s: it must show the marker and its neighbours move."""
SEEN = 0.8
"""Share of the frames in which a neighbour must be seen."""
MOST = 3
"""Markers that may be rebuilt; where more are wrong, something else is."""


@dataclass(frozen=True)
class Rebuilt:
    """What was rebuilt of one marker's path."""

    place: int
    """Place in the list of markers."""
    why: str
    """What was wrong."""
    start: float
    """From when on, s."""
    neighbours: tuple[int, ...]
    """Markers that told the place."""


def rebuild_paths(
    positions: NDArray[np.float64], rate: float, places: Sequence[int]
) -> tuple[NDArray[np.float64], list[Rebuilt]]:
    """Paths with the parts that no body can have walked rebuilt.

    Args:
        positions: All markers as measured, shape (n_frames, n_markers, 3), m.
        rate: Hz.
        places: Markers that may be rebuilt or tell of others.

    Returns:
        The paths, and what was rebuilt; nothing where more than three markers are wrong or neighbours are missing.
    """
    faults = {k: fault for k in places if (fault := fault_of(positions[:, k], positions, rate)) is not None}
    if not 0 < len(faults) <= MOST:
        return positions, []
    changed, done = positions.copy(), []
    helpers = [k for k in places if k not in faults]
    for k, (why, first) in faults.items():
        near = _neighbours(positions, k, first, helpers) if first >= LEAST_GOOD * rate else ()
        if len(near) >= 3:
            changed[first:, k] = _rebuilt(positions, k, first, near)
            done.append(Rebuilt(k, why, first / rate, near))
    return (changed, done) if len(done) == len(faults) else (positions, [])


def _neighbours(positions: NDArray[np.float64], k: int, first: int, helpers: list[int]) -> tuple[int, ...]:
    """The steadiest markers about one before its fault that span an area."""
    good = positions[:first]
    steady: list[tuple[float, int]] = []
    for j in helpers:
        apart = np.linalg.norm(good[:, j] - good[:, k], axis=1)
        known = apart[np.isfinite(apart)]
        seen = np.isfinite(positions[:, j]).all(axis=1).mean()
        if len(known) > SEEN * first and known.std() < RIGID and seen > SEEN:
            steady.append((float(known.std()), j))
    near = tuple(j for _, j in sorted(steady)[:NEIGHBOURS])
    if len(near) < 3:
        return ()
    shape = np.nanmedian(good[:, near] - good[:, near].mean(axis=1, keepdims=True), axis=0)
    return near if np.linalg.svd(shape)[1][1] / np.sqrt(len(near)) > SPREAD else ()


def _rebuilt(positions: NDArray[np.float64], k: int, first: int, near: tuple[int, ...]) -> NDArray[np.float64]:
    """Path from the fault on, NaN where a neighbour is not seen; it goes on where the measured one ends."""
    others = positions[:, near]
    seen = np.isfinite(others).all(axis=(1, 2))
    whole = np.flatnonzero(seen[:first] & np.isfinite(positions[:first, k]).all(axis=1))
    middle = others.mean(axis=1)
    reference = others[whole[-1]] - middle[whole[-1]]
    turns = np.full((len(positions), 3, 3), np.nan)
    turns[seen] = rigid_turns(reference, others[seen] - middle[seen][:, None])
    local = np.einsum("fij,fj->fi", turns[whole], positions[whole, k] - middle[whole])
    path = np.median(local, axis=0) @ turns + middle
    return (path + (positions[whole[-1], k] - path[whole[-1]]))[first:]
