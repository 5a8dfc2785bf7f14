"""What a recording's labels mean: markers of the map, roles, exchanged labels, found once and passed on.

The lab road asks three questions about the labels of a file: which marker of the map is this, which of them is a heel
or a toe, and have two of them changed names since the static trial. :func:`identify` answers all three; nobody further
down the road looks at a label again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from exogait.data.errors import FileFormatError
from exogait.data.trc import marker_table

from .map import MarkerMap, MarkerMatch, available_marker_maps, choose_marker_map, match_labels, read_marker_map
from .roles import find_roles, roles_in
from .swaps import Swap, exchange, labels_by_body, swaps_among

MIN_MARKERS = 6
"""Markers of a map that a file must hold: the least that show two legs."""


class Recording(Protocol):
    """Labelled marker paths, whatever file they come from."""

    @property
    def path(self) -> str:
        """The file."""
        ...

    @property
    def marker_names(self) -> tuple[str, ...]:
        """Labels."""
        ...

    @property
    def positions(self) -> NDArray[np.float64]:
        """Marker positions, shape (n_frames, n_markers, 3), m."""
        ...


@dataclass(frozen=True)
class Identity:
    """What the labels of one recording mean."""

    marker_map: MarkerMap
    """The marker set."""
    labels: tuple[str, ...]
    """Labels in the order of the file, exchanged ones put right."""
    match: MarkerMatch
    """Which marker of the map each of them is, and what is missing."""
    roles: Mapping[str, tuple[str, ...]]
    """Role (heel_r, toe_l, sacrum, ...; :mod:`exogait.analysis.markers.roles`) to labels, best first."""
    swaps: tuple[Swap, ...]
    """Labels that were exchanged between static and walking trial."""


def choose_map(given: str | Path | MarkerMap | None, recordings: Sequence[Recording]) -> MarkerMap:
    """The marker set of some recordings: the one that was given, else the best fitting of the known ones.

    Args:
        given: Name, YAML file or map; ``None`` to choose.
        recordings: Static and walking trial, or one of them; the first is named where no map fits.

    Raises:
        UnknownNameError: No map of that name.
        InputError: No map fits.
    """
    if isinstance(given, MarkerMap):
        return given
    if given is not None:
        return read_marker_map(given)
    return choose_marker_map([name for file in recordings for name in file.marker_names], source=recordings[0].path)


def identify(
    recording: Recording,
    marker_map: MarkerMap,
    stated: Mapping[str, str] | None = None,
    *,
    standing: Recording | None = None,
) -> Identity:
    """Find what the labels of a recording mean.

    A role is taken from the user's word, else from the label, else from the marker's place in the map; a label's
    ``Subject:`` prefix never hides it.

    Args:
        recording: The trial.
        marker_map: The marker set.
        stated: Role to label as the user states them; labels that this recording lacks are passed over.
        standing: The static trial, to find labels that changed names since; none are looked for without it.

    Raises:
        FileFormatError: The recording is of another marker set, with what is missing and what to do.
        UnknownNameError: A stated role does not exist.
    """
    match = match_labels(marker_map, recording.marker_names)
    if len(match.found) < MIN_MARKERS:
        raise FileFormatError(recording.path, _misfit(marker_map, match), _next_step(recording.path))
    labels, swaps = tuple(recording.marker_names), ()
    if standing is not None:
        before = match_labels(marker_map, standing.marker_names).found
        swaps = tuple(swaps_among(_table(standing), _table(recording), labels_by_body(marker_map, before, match.found)))
        labels = tuple(exchange(labels, swaps))
    stated = {role: label for role, label in (stated or {}).items() if label in labels}
    by_name = find_roles(labels, {role: (label,) for role, label in stated.items()})
    bare = {name.rsplit(":", 1)[-1].strip(): name for name in labels}
    if len(bare) == len(labels) and any(":" in name for name in labels):
        without_prefix = find_roles(list(bare))
        by_name = {**{role: tuple(bare[name] for name in names) for role, names in without_prefix.items()}, **by_name}
    return Identity(marker_map, labels, match, {**roles_in(marker_map, match.found), **by_name}, swaps)


def _table(recording: Recording) -> pd.DataFrame:
    frames = np.arange(len(recording.positions), dtype=np.float64)
    return marker_table(frames, recording.marker_names, recording.positions)


def _misfit(marker_map: MarkerMap, match: MarkerMatch) -> str:
    missing = ", ".join(
        f"{label} (nearest: {' or '.join(near)})" if near else label for label, near in list(match.missing.items())[:8]
    )
    return (
        f"only {len(match.found)} of the {len(marker_map.markers)} markers of map {marker_map.key!r} are in it; "
        f"missing {missing}"
    )


def _next_step(path: str) -> str:
    return (
        f"name a map that fits with --marker-map (known: {', '.join(available_marker_maps())}); "
        f"`exogait lab labels '{path}'` shows what each of them makes of the labels and drafts a new one"
    )
