"""Several people in one file: whose markers count."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from exogait.data.errors import FileFormatError

from .labels import subjects_in
from .reader import C3DFile


def only_subject(recording: C3DFile, wanted: Sequence[str]) -> C3DFile:
    """A recording of several people with the markers of one, and those that are nobody's.

    Args:
        recording: The recording; one with a single person comes back as it is.
        wanted: Prefixes that would settle it, best first: the user's word, then the static trial's.

    Raises:
        FileFormatError: None of them is in the file.
    """
    subjects = subjects_in(recording.marker_names)
    if len(subjects) < 2:
        return recording
    chosen = next((name for name in wanted if name in subjects), None)
    if chosen is None:
        raise FileFormatError(
            recording.path, f"holds {len(subjects)} subjects, {', '.join(subjects)}", f"choose: --subject {subjects[0]}"
        )
    others = tuple(f"{name}:" for name in subjects if name != chosen)
    keep = np.array([not label.startswith(others) for label in recording.marker_names])
    names = tuple(label.removeprefix(f"{chosen}:").strip() for label in np.array(recording.marker_names)[keep])
    note = f"{len(subjects)} subjects, {', '.join(subjects)}: the markers of {chosen} count"
    return replace(
        recording, subject=chosen, marker_names=names, positions=recording.positions[:, keep],
        residuals=recording.residuals[:, keep], warnings=(*recording.warnings, note),
    )  # fmt: skip
