"""A recording of a laboratory, whatever file holds it: C3D, or markers alone as TRC."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from exogait.data import FileFormatError
from exogait.data.trc import marker_array, marker_labels, read_trc

from .reader import C3DFile, read_c3d

_MOST_HOLES = 10
"""A time column that would need more frames than so many times its rows is no clock."""


def read_recording(path: str | Path, *, units: str | None = None) -> C3DFile:
    """A C3D file, or a .trc file as a recording with markers only.

    Args:
        path: File ending in .c3d or .trc.
        units: Unit of length that overrides the C3D file's.

    Raises:
        FileFormatError: Neither, or without markers.
    """
    path = Path(path)
    if path.suffix.lower() == ".trc":
        table = read_trc(path)
        time, notes = _uniform(table.index.to_numpy(np.float64), float(table.attrs["rate"]))
        positions = np.full((time.frames, len(marker_labels(table)), 3), np.nan)
        positions[time.places] = marker_array(table)
        residuals = np.where(np.isfinite(positions).all(axis=2), 0.0, np.nan)
        recording = C3DFile(
            path=str(path), marker_names=tuple(marker_labels(table)), positions=positions, residuals=residuals,
            output_names=(), outputs=np.zeros((time.frames, 0, 3)), analog_names=(), analog=np.zeros((0, 0)),
            analog_units=(), point_rate=time.rate, analog_rate=0.0, first_frame=1, events=(),
            platforms=(), parameters={}, units="m", processor="text", warnings=notes,
            start=float(table.index[0]),
        )  # fmt: skip
    else:
        recording = read_c3d(path, units=units)
    if not recording.marker_names or not np.isfinite(recording.positions).any():
        raise FileFormatError(path, "holds no markers", "export it again with its markers")
    return recording


@dataclass(frozen=True)
class _Grid:
    """Frames at even distances, and which of them the rows of a file are."""

    rate: float
    frames: int
    places: NDArray[np.intp]


def _uniform(time: NDArray[np.float64], stated: float) -> tuple[_Grid, tuple[str, ...]]:
    """The rate that the time column tells, where the rows lie on its grid, and what was odd about them.

    The column is what was recorded row by row; the header's rate is copied from elsewhere often enough.
    """
    steps = np.diff(time)
    if not len(steps):
        return _Grid(stated, len(time), np.arange(len(time))), ()
    step = float(np.median(steps))
    notes = []
    # A time column with few decimals tells the rate roughly: the header's holds where the whole recording agrees.
    whole = abs(steps - step).max() < 0.5 * step
    rate = float((len(time) - 1) / (time[-1] - time[0])) if whole else 1.0 / step
    if stated > 0 and abs(rate / stated - 1) < 0.01:
        rate = stated
    else:
        notes.append(f"DataRate is {stated:g} Hz, the time column counts {rate:g} Hz: the time column is used")
    places = np.rint((time - time[0]) * rate).astype(np.intp)
    if (np.diff(places) < 1).any():
        return _Grid(rate, len(time), np.arange(len(time))), (*notes, "the time column is uneven: rows count in turn")
    frames = int(places[-1]) + 1
    holes = np.flatnonzero(np.diff(places) > 1)
    if frames > _MOST_HOLES * len(time):
        return _Grid(rate, len(time), np.arange(len(time))), (*notes, "the time column jumps: rows count in turn")
    notes += [
        f"{places[i + 1] - places[i] - 1} rows are missing after {time[i]:.3f} s: a gap of all markers"
        for i in holes[:5]
    ]
    return _Grid(rate, frames, places), tuple(notes)
