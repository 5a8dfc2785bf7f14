"""A recording of a laboratory, whatever file holds it: C3D, or markers alone as TRC."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from exogait.data import FileFormatError
from exogait.data.trc import marker_array, marker_labels, read_trc

from .reader import C3DFile, read_c3d


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
        positions = marker_array(table)
        residuals = np.where(np.isfinite(positions).all(axis=2), 0.0, np.nan)
        recording = C3DFile(
            path=str(path), marker_names=tuple(marker_labels(table)), positions=positions, residuals=residuals,
            output_names=(), outputs=np.zeros((len(table), 0, 3)), analog_names=(), analog=np.zeros((0, 0)),
            analog_units=(), point_rate=float(table.attrs["rate"]), analog_rate=0.0, first_frame=1, events=(),
            platforms=(), parameters={}, units="m", processor="text", warnings=(),
        )  # fmt: skip
    else:
        recording = read_c3d(path, units=units)
    if not recording.marker_names or not np.isfinite(recording.positions).any():
        raise FileFormatError(path, "holds no markers", "export it again with its markers")
    return recording
