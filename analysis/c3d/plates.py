"""Force plates as a C3D file describes them: types, channels, corners, calibration, units."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .parameters import count_of
from .sections import TolerantReader
from .units import force_scale, moment_scale


@dataclass(frozen=True)
class PlateSpec:
    """The FORCE_PLATFORM description of one plate, lengths in metres, laboratory frame."""

    index: int
    """Number of the plate, from 0."""
    type: int
    """C3D platform type."""
    corners: NDArray[np.float64]
    """Corners (+x,+y), (-x,+y), (-x,-y), (+x,-y) of the plate's own axes, shape (4, 3), m."""
    origin: NDArray[np.float64]
    """FORCE_PLATFORM:ORIGIN, shape (3,), m."""
    channels: tuple[int, ...]
    """Analog channels, from 0."""
    cal_matrix: NDArray[np.float64] | None
    """Calibration matrix, rows outputs and columns channels, file units; None where the file has none."""
    zero: tuple[int, int] | None
    """First and last frame of the baseline, or None."""
    moment_scale: float
    """Newton metres per unit of the moment channels."""
    force_scale: float = 1.0
    """Newtons per unit of the force channels."""
    moment_stated: bool = True
    """Whether the file says the unit of its moments; else ``moment_scale`` is that of its unit of length."""


def read_platforms(
    reader: TolerantReader, factor: float, analog_units: tuple[str, ...], n_analog: int
) -> tuple[PlateSpec, ...]:
    """Plates whose type, corners and channels are all there and finite."""
    group, notes = reader.values.get("FORCE_PLATFORM", {}), reader.notes

    def array(name: str) -> NDArray[np.float64]:
        value = group.get(name)
        return np.asarray(value, dtype=np.float64) if isinstance(value, np.ndarray) else np.zeros(0)

    types = array("TYPE").ravel()
    used = count_of(reader, "FORCE_PLATFORM", "USED")
    n_plates = min(len(types), 64 if used is None else used)
    corners, origins = array("CORNERS").ravel(), array("ORIGIN").ravel()
    channels = array("CHANNEL")
    channels = channels.reshape(1, -1) if channels.ndim < 2 and n_plates == 1 else channels
    zero = array("ZERO").ravel()
    plates: list[PlateSpec] = []
    for i in range(n_plates):
        kind = int(types[i])
        corner = corners[12 * i : 12 * i + 12]
        channel = _plate_channels(channels, i, n_plates, kind)
        problem = ""
        if len(corner) < 12 or not np.isfinite(corner).all():
            problem = "its corners are missing"
        elif kind not in (1, 2, 3, 4):
            problem = f"platform type {kind} is not one of 1, 2, 3, 4"
        elif len(channel) < (8 if kind == 3 else 6) or max(channel) >= n_analog or min(channel) < 0:
            problem = f"its channels {[c + 1 for c in channel]} are not among the {n_analog} analog channels"
        if problem:
            notes.append(f"force plate {i + 1} is left out: {problem}")
            continue
        words = [analog_units[k].strip() for k in channel]
        force, moment, stated = _scales(words, kind, factor, f"force plate {i + 1}", notes)
        origin = np.zeros(3)
        origin[: len(origins[3 * i : 3 * i + 3])] = origins[3 * i : 3 * i + 3]
        origin[~np.isfinite(origin)] = 0.0
        plates.append(
            PlateSpec(
                index=i,
                type=kind,
                corners=corner.reshape(4, 3) * factor,
                origin=origin * factor,
                channels=channel,
                cal_matrix=_cal_matrix(array("CAL_MATRIX"), i, n_plates),
                zero=(int(zero[0]), int(zero[1])) if len(zero) >= 2 and zero[1] > zero[0] >= 0 else None,
                moment_scale=moment,
                force_scale=force,
                moment_stated=stated,
            )
        )
    return tuple(plates)


def _plate_channels(channels: NDArray[np.float64], i: int, n_plates: int, kind: int) -> tuple[int, ...]:
    per_plate = 8 if kind == 3 else 6
    if channels.ndim >= 2 and i < len(channels):
        row = channels[i].ravel()
    else:
        width = channels.size // n_plates if n_plates else 0
        row = channels.ravel()[width * i : width * (i + 1)]
    row = row[:per_plate]
    return tuple(int(c) - 1 for c in row) if np.isfinite(row).all() else ()


def _cal_matrix(values: NDArray[np.float64], i: int, n_plates: int) -> NDArray[np.float64] | None:
    """The file stores columns first: after the reversal of axes the last index is the output."""
    if values.ndim == 2 and n_plates == 1:
        values = values[None]
    if values.ndim != 3 or i >= len(values):
        return None
    matrix = values[i].T
    return matrix if np.isfinite(matrix).all() and np.any(matrix) else None


def _scales(words: list[str], kind: int, factor: float, plate: str, notes: list[str]) -> tuple[float, float, bool]:
    """Newtons a unit of force, newton metres a unit of moment, and whether the file says the latter.

    The vertical force and the twist speak for their like. A unit that is not stated, or not known, is the newton, and
    the newton times the file's unit of length.
    """
    if kind == 4:  # the channels are volts; the matrix gives newtons and newtons times the file's lengths
        return 1.0, factor, False
    force = force_scale(words[2])
    moment = moment_scale(words[5]) if kind in (1, 2) else factor
    for word, scale, taken in ((words[2], force, "newtons"), (words[5], moment, "newtons times the file's length")):
        if scale is None and word:
            notes.append(f"{plate}: the unit {word!r} of a channel is not known, it is read in {taken}")
    if force not in (None, 1.0):
        notes.append(f"{plate}: forces in {words[2]} are converted, {force:.6g} N each")
    return 1.0 if force is None else force, factor if moment is None else moment, moment is not None
