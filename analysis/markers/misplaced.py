"""Markers that are not where they belong: off since the static trial, leaping, or standing still while others move."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MOVED = 0.025
"""Change of a marker's distances from the others of its segment between standing and walking, m. Skin slides by one to
two centimetres in walking (Leardini et al. 2005, doi 10.1016/j.gaitpost.2004.05.002)."""
ODD, WOBBLE = 0.012, 0.006
"""Distance of a marker from where three or more others put it, m, and what is added for each time that it is farther
from them than they spread: so far their own skin turns them. Clean walks reach four fifths of it."""
SPATIAL = 3
"""Markers that tell where a fourth one is."""
LEAP, ACCELERATION = 0.02, 200.0
"""Change of a marker's step from frame to frame, m, and for its acceleration, m/s^2: a heel strikes with 50 to 100."""
STILL, OTHERS = 0.08, 0.02
"""Time without any change of a marker's place, s, while the other markers move by this, m: cameras always tremble."""


@dataclass(frozen=True)
class Odd:
    """The marker of a segment that is least where the others put it."""

    marker: int
    size: float
    """Median distance from there, m; or the change of its distances from the others."""
    limit: float
    """m."""
    away: NDArray[np.float64]
    """Measured less expected place, shape (n_frames, 3), m; no frame where the others do not tell it."""

    @property
    def known(self) -> bool:
        """Whether the others tell where it should be."""
        return len(self.away) > 0


def odd_marker(stood: NDArray[np.float64], walked: NDArray[np.float64]) -> Odd:
    """The marker without which the others fit best, or whose distances from them changed most.

    Three others tell a place the worse, the nearer they are to one line and the farther it is from them.

    Args:
        stood: Two or more markers of a segment standing, shape (n, 3), m.
        walked: Walking, shape (n_frames, n, 3), m.
    """
    n = len(stood)
    by_distance = _by_distance(stood, walked)
    if n <= SPATIAL:
        return by_distance
    fits = [_without(stood, walked, k) for k in range(n)]
    best = min(range(n), key=lambda k: fits[k][0])
    away = fits[best][1]
    size = np.linalg.norm(away, axis=1)
    rest = np.delete(stood, best, axis=0)
    spread = np.linalg.svd(rest - rest.mean(axis=0))[1][1] / np.sqrt(n - 1)
    lever = float(np.linalg.norm(stood[best] - rest.mean(axis=0)) / max(spread, 1e-6))
    middle = float(np.nanmedian(size)) if np.isfinite(size).any() else 0.0
    placed = Odd(best, middle, ODD + WOBBLE * lever, away)
    return placed if placed.size > placed.limit or by_distance.size <= by_distance.limit else by_distance


def _by_distance(stood: NDArray[np.float64], walked: NDArray[np.float64]) -> Odd:
    n = len(stood)
    change = np.full((n, n), np.nan)
    for i, j in itertools.combinations(range(n), 2):
        now = np.linalg.norm(walked[:, i] - walked[:, j], axis=1)
        if np.isfinite(now).any():
            change[i, j] = change[j, i] = abs(float(np.nanmedian(now)) - np.linalg.norm(stood[i] - stood[j]))
    away = [float(np.nanmedian(row)) if np.isfinite(row).any() else 0.0 for row in change]
    k = int(np.argmax(away))
    return Odd(k, away[k], MOVED, np.zeros((0, 3)))


def _without(stood: NDArray[np.float64], walked: NDArray[np.float64], k: int) -> tuple[float, NDArray[np.float64]]:
    """Misfit of all markers but one (median over frames, m), and how far that one is from where they put it."""
    others = [i for i in range(len(stood)) if i != k]
    seen = np.isfinite(walked[:, others]).all(axis=(1, 2))
    away = np.full((len(walked), 3), np.nan)
    if not seen.any():
        return np.inf, away
    rest, now = stood[others] - stood[others].mean(axis=0), walked[seen][:, others]
    middle = now.mean(axis=1)
    turn = rigid_turns(rest, now - middle[:, None])
    fitted = rest @ turn + middle[:, None]
    misfit = np.sqrt(((fitted - now) ** 2).sum(axis=2).mean(axis=1))
    away[seen] = walked[seen, k] - ((stood[k] - stood[others].mean(axis=0)) @ turn + middle)
    return float(np.median(misfit)), away


def rigid_turns(still: NDArray[np.float64], moving: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rotations that lay a shape on itself in every frame, least squares; rows times them are the moving rows.

    Args:
        still: Centred shape, shape (n, 3), m.
        moving: Centred shapes, shape (n_frames, n, 3), m.

    Source: Kabsch 1976, doi 10.1107/S0567739476001873.
    """
    u, _, vt = np.linalg.svd(np.einsum("ni,fnj->fij", still, moving))
    flip = np.ones((len(u), 3))
    flip[:, 2] = np.sign(np.linalg.det(u @ vt))
    return u * flip[:, None] @ vt


def leap_limit(rate: float) -> float:
    """Largest change of a marker's step from one frame to the next, m, at a frame rate in Hz."""
    return LEAP + ACCELERATION / rate**2


def fault_of(path: NDArray[np.float64], others: NDArray[np.float64], rate: float) -> tuple[str, int] | None:
    """What no body does about a path: the marker leaps, or stands still while others move.

    Args:
        path: Shape (n_frames, 3), m, as measured.
        others: All markers, shape (n_frames, n_markers, 3), m.
        rate: Hz.

    Returns:
        What it does and the first wrong frame; ``None`` for neither.
    """
    if len(path) < 3:
        return None
    leap = np.nan_to_num(np.linalg.norm(np.diff(path, n=2, axis=0), axis=1))
    if leap.max() > leap_limit(rate):
        first = int(np.argmax(leap > leap_limit(rate))) + 2
        return f"leaps by {leap.max() * 100:.0f} cm from one frame to the next", first
    same = np.concatenate([[False], (np.diff(path, axis=0) == 0.0).all(axis=1), [False]])
    edges = np.flatnonzero(np.diff(same.astype(int)))
    for start, stop in zip(edges[::2], edges[1::2], strict=True):
        moved = np.nanmedian(np.linalg.norm(others[stop] - others[start], axis=1))
        if (stop - start) / rate > STILL and moved > OTHERS:
            return f"stands still for {(stop - start) / rate:.2f} s while others move", int(start) + 1
    return None
