"""Find exchanged labels: two markers that changed names between the static and the walking trial.

On a rigid body the distances between markers stay as they were in the static trial. Where two of them fit only after
their labels are exchanged, the walking trial's labels are put right, and this is reported; nothing else is guessed.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from exogait.data.trc import marker_array, marker_labels

from .map import MarkerMap, match_labels
from .misplaced import odd_marker

SUSPICIOUS = 0.05
"""Mean change of a marker pair's distances to their neighbours that no skin movement explains, m."""
EXPLAINED = 0.4
"""The exchange must leave less than this share of the change."""
LEAST, FAR = 3, 0.12
"""Markers of a body that tell which of them is elsewhere, and how far off it is then, m: on another body."""


@dataclass(frozen=True)
class Swap:
    """Two labels that were exchanged."""

    first: str
    """Label in the walking trial."""
    second: str
    """The other label."""
    before: float
    """Mean change of distances to the neighbours as labelled, m."""
    after: float
    """The same after the exchange, m."""


def find_swaps(static: pd.DataFrame, walk: pd.DataFrame, marker_map: MarkerMap) -> list[Swap]:
    """Pairs of labels that are exchanged in the walking trial.

    Args:
        static: Marker table of the static trial, the laboratory's labels, m.
        walk: Marker table of the walking trial.
        marker_map: Says which marker sits on which body.

    Returns:
        The pairs; a marker is in one pair at most.
    """
    in_static = match_labels(marker_map, marker_labels(static)).found
    in_walk = match_labels(marker_map, marker_labels(walk)).found
    return swaps_among(static, walk, labels_by_body(marker_map, in_static, in_walk))


def swaps_among(static: pd.DataFrame, walk: pd.DataFrame, labels: Mapping[str, Sequence[str]]) -> list[Swap]:
    """The same as :func:`find_swaps` where it is known already which labels sit on one body.

    Args:
        static: Marker table of the static trial, m.
        walk: Marker table of the walking trial.
        labels: Body to the labels on it, spelled alike in both tables (:func:`labels_by_body`).
    """
    swaps: list[Swap] = []
    for names in labels.values():
        if len(names) < 4:
            continue
        before, after = _distances(static, names), _distances(walk, names)
        candidates = []
        for i, j in itertools.combinations(range(len(names)), 2):
            rest = [k for k in range(len(names)) if k not in (i, j)]
            kept = _change(before, after, (i, j), (i, j), rest)
            exchanged = _change(before, after, (i, j), (j, i), rest)
            if kept > SUSPICIOUS and exchanged < EXPLAINED * kept:
                candidates.append(Swap(names[i], names[j], kept, exchanged))
        used: set[str] = set()
        for swap in sorted(candidates, key=lambda item: item.after):
            if not {swap.first, swap.second} & used:
                swaps.append(swap)
                used |= {swap.first, swap.second}
    taken = {label for swap in swaps for label in (swap.first, swap.second)}
    return swaps + [s for s in _between(static, walk, labels) if not {s.first, s.second} & taken]


def _between(static: pd.DataFrame, walk: pd.DataFrame, labels: Mapping[str, Sequence[str]]) -> list[Swap]:
    """Labels of two bodies that are exchanged: each fits where the other is looked for."""
    odd: dict[str, tuple[Sequence[str], float]] = {}
    for names in labels.values():
        if len(names) >= LEAST:
            k, size = _odd(static, walk, names, names)
            if size > FAR:
                odd[names[k]] = (names, size)
    swaps = []
    for (first, (own, here)), (second, (others, there)) in itertools.combinations(odd.items(), 2):
        after = max(
            _odd(static, walk, names, exchange(names, [Swap(first, second, 0.0, 0.0)]))[1] for names in (own, others)
        )
        if after < EXPLAINED * min(here, there):
            swaps.append(Swap(first, second, min(here, there), after))
    return swaps


def _odd(static: pd.DataFrame, walk: pd.DataFrame, names: Sequence[str], read_as: Sequence[str]) -> tuple[int, float]:
    """Marker of a body that is least where the others put it, and by how much, m; 0 where one of them is never seen."""
    stood, walked = np.nanmedian(marker_array(static, names), axis=0), marker_array(walk, read_as)
    if not (np.isfinite(stood).all() and np.isfinite(walked).all(axis=2).any(axis=0).all()):
        return 0, 0.0
    found = odd_marker(stood, walked)
    return found.marker, found.size


def exchange(labels: Sequence[str], swaps: Sequence[Swap]) -> list[str]:
    """Labels with the exchanged pairs put right.

    Example:
        >>> exchange(["SXS", "SJN", "CV7"], [Swap("SXS", "SJN", 0.2, 0.01)])
        ['SJN', 'SXS', 'CV7']
    """
    other: Mapping[str, str] = {a: b for s in swaps for a, b in ((s.first, s.second), (s.second, s.first))}
    return [other.get(label, label) for label in labels]


def labels_by_body(
    marker_map: MarkerMap, in_static: Mapping[str, str], in_walk: Mapping[str, str]
) -> dict[str, list[str]]:
    """Labels of each body that static and walking trial spell alike.

    Args:
        marker_map: Says which marker sits on which body.
        in_static: Label of the map to label of the static file (:attr:`MarkerMatch.found`).
        in_walk: The same of the walking file.
    """
    result: dict[str, list[str]] = {}
    for label, marker in marker_map.markers.items():
        # Only labels that both files spell alike can be exchanged by their spelling.
        if label in in_static and in_static[label] == in_walk.get(label):
            result.setdefault(marker.body, []).append(in_walk[label])
    return result


def _distances(table: pd.DataFrame, names: Sequence[str]) -> NDArray[np.float64]:
    """Median distance of every pair over the trial, shape (n, n), m; NaN where the two are never seen together."""
    positions = marker_array(table, names)
    gaps = np.linalg.norm(positions[:, :, None] - positions[:, None, :], axis=3)
    result = np.full(gaps.shape[1:], np.nan)
    seen = np.isfinite(gaps).any(axis=0)
    result[seen] = np.nanmedian(gaps[:, seen], axis=0)
    return result


def _change(
    before: NDArray[np.float64],
    after: NDArray[np.float64],
    was: tuple[int, int],
    now: tuple[int, int],
    rest: Sequence[int],
) -> float:
    """Mean change of the distances from a pair to its neighbours; 0 where fewer than two distances are known."""
    change = np.concatenate([np.abs(after[n, rest] - before[w, rest]) for w, n in zip(was, now, strict=True)])
    known = change[np.isfinite(change)]
    return float(known.mean()) if len(known) >= 4 else 0.0
