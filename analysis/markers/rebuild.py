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
AMPLIFIED = 5.0
"""Largest :func:`amplification`: skin that slides by 5 mm then moves the marker by 25 mm."""
LEAST_GOOD = 0.2
"""Least length of the good part, s: it must show the marker and its neighbours move."""
SEEN = 0.75
"""Share of the good frames, and of those that are rebuilt, in which a neighbour must be seen."""
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
    positions: NDArray[np.float64], rate: float, places: Sequence[int], *, longest: float = np.inf
) -> tuple[NDArray[np.float64], list[Rebuilt]]:
    """Paths with gaps, and with parts that no body can have walked, rebuilt.

    Args:
        positions: All markers as measured, shape (n_frames, n_markers, 3), m.
        rate: Hz.
        places: Markers that may be rebuilt or tell of others.
        longest: Gaps within a path that are longer than this are rebuilt, s.

    Returns:
        The paths, and what was rebuilt. Impossible parts are left where more than three markers have one, or where
        neighbours are missing for one of them.
    """
    faults = {k: fault for k in places if (fault := fault_of(positions[:, k], positions, rate)) is not None}
    wrong = [(k, why, first, len(positions)) for k, (why, first) in faults.items()]
    changed, done = positions.copy(), []
    if len(wrong) <= MOST:
        done = _mended(positions, changed, rate, [k for k in places if k not in faults], wrong)
        if len(done) < len(wrong):
            changed, done = positions.copy(), []
    gaps = [
        (k, f"is not seen for {(stop - start) / rate:.2f} s", start, stop)
        for k in places
        if k not in faults
        for start, stop in _gaps(positions[:, k], longest * rate)
    ]
    done += _mended(positions, changed, rate, [k for k in places if k not in faults], gaps)
    return (changed, done) if done else (positions, [])


def _mended(
    positions: NDArray[np.float64],
    changed: NDArray[np.float64],
    rate: float,
    helpers: Sequence[int],
    parts: Sequence[tuple[int, str, int, int]],
) -> list[Rebuilt]:
    """Rebuild parts of paths, each a marker, what is wrong, first frame and end, where neighbours tell them."""
    done = []
    for k, why, start, stop in parts:
        good = np.ones(len(positions), dtype=bool)
        good[start:stop] = False
        good &= np.isfinite(positions[:, k]).all(axis=1)
        there = [
            j for j in helpers if j != k and np.isfinite(positions[start:stop, j]).all(axis=1).mean() > SEEN
        ]  # fmt: skip
        near = _neighbours(positions, k, good, there) if good.sum() > LEAST_GOOD * rate else ()
        if near:
            changed[start:stop, k] = _rebuilt(positions, k, good, near, start, stop)
            done.append(Rebuilt(k, why, start / rate, near))
    return done


def _gaps(path: NDArray[np.float64], longest: float) -> list[tuple[int, int]]:
    """Runs of missing frames within a path, longer than so many."""
    missing = np.concatenate([[False], ~np.isfinite(path).all(axis=1), [False]])
    edges = np.flatnonzero(np.diff(missing.astype(int)))
    return [
        (int(start), int(stop))
        for start, stop in zip(edges[::2], edges[1::2], strict=True)
        if start > 0 and stop < len(path) and stop - start > longest
    ]


def _neighbours(
    positions: NDArray[np.float64], k: int, good: NDArray[np.bool_], helpers: Sequence[int]
) -> tuple[int, ...]:
    """The steadiest markers about one in its good frames that span an area."""
    steady: list[tuple[float, int]] = []
    for j in helpers:
        apart = np.linalg.norm(positions[good, j] - positions[good, k], axis=1)
        known = apart[np.isfinite(apart)]
        if len(known) > SEEN * len(apart) and known.std() < RIGID:
            steady.append((float(known.std()), j))
    chosen: list[int] = []
    for _, j in sorted(steady):
        # They must keep together in the part that they shall tell, too: a knee may bend there for the first time.
        apart = [np.linalg.norm(positions[:, j] - positions[:, i], axis=1) for i in chosen]
        if len(chosen) < NEIGHBOURS and all(np.nanstd(one) < RIGID for one in apart):
            chosen.append(j)
    near = tuple(chosen)
    if len(near) < 3:
        return ()
    whole = np.flatnonzero(good & np.isfinite(positions[:, near]).all(axis=(1, 2)))
    if not len(whole):
        return ()
    shape = positions[whole[0], near]
    return near if amplification(shape, positions[whole[0], k]) <= AMPLIFIED else ()


def amplification(shape: NDArray[np.float64], point: NDArray[np.float64]) -> float:
    """How many times the markers' own trembling moves a point that they carry.

    They turn about each of their principal axes by their error over their spread about it; the point's distance from
    that axis is its lever.

    Args:
        shape: Shape (n, 3), m.
        point: Shape (3,), m.
    """
    middle = shape.mean(axis=0)
    _, sizes, axes = np.linalg.svd(shape - middle)
    squares = np.zeros(3)
    squares[: len(sizes)] = sizes**2 / len(shape)
    away = (axes @ (point - middle)) ** 2
    about = [(k, [j for j in range(3) if j != k]) for k in range(3)]
    return float(np.sqrt(sum(away[others].sum() / max(squares[others].sum(), 1e-9) for _, others in about)))


def _rebuilt(
    positions: NDArray[np.float64], k: int, good: NDArray[np.bool_], near: tuple[int, ...], start: int, stop: int
) -> NDArray[np.float64]:
    """Path from start to stop, NaN where a neighbour is not seen; it begins and ends where the measured one does."""
    others = positions[:, near]
    seen = np.isfinite(others).all(axis=(1, 2))
    whole = np.flatnonzero(seen & good)
    middle = others.mean(axis=1)
    turns = np.full((len(positions), 3, 3), np.nan)
    turns[seen] = rigid_turns(others[whole[0]] - middle[whole[0]], others[seen] - middle[seen][:, None])
    local = np.einsum("fij,fj->fi", turns[whole], positions[whole, k] - middle[whole])
    path = np.median(local, axis=0) @ turns + middle
    before, after = whole[whole < start][-1:], whole[whole >= stop][:1]
    ends = np.concatenate([before, after])
    if len(ends):
        off = positions[ends, k] - path[ends]
        path += np.stack([np.interp(np.arange(len(path)), ends, off[:, axis]) for axis in range(3)], axis=1)
    return path[start:stop]
