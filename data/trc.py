"""Marker trajectories in .trc files, and the table form in which the suite holds markers.

A marker table has the index ``time`` (s), three columns a marker (``RASI_x``, ``RASI_y``, ``RASI_z``) in metres, NaN
where a marker was not seen, and ``attrs`` with ``name``, ``units`` (always ``"m"``), ``rate`` (Hz) and ``source``.
"""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from .errors import DataQualityWarning, FileFormatError, UnitsError
from .files import write_text_atomic
from .loading import regular_file

AXES = ("x", "y", "z")
METRES_PER_UNIT = {
    "m": 1.0, "meter": 1.0, "meters": 1.0, "metre": 1.0, "metres": 1.0, "mete": 1.0,
    "dm": 0.1, "cm": 0.01, "mm": 0.001, "millimeters": 0.001, "millimetres": 0.001,
}  # fmt: skip
"""Length units as laboratories write them (four letters where the format had room for four)."""

_KEYS = (
    "DataRate", "CameraRate", "NumFrames", "NumMarkers", "Units", "OrigDataRate", "OrigDataStartFrame", "OrigNumFrames",
)  # fmt: skip


def metres_per_unit(unit: str, where: str) -> float:
    """Length of one ``unit`` in metres.

    Args:
        unit: As a file writes it, for example ``"mm"``.
        where: File or component, for the message.

    Raises:
        UnitsError: The unit is missing or unknown.
    """
    key = unit.strip().strip("\x00").lower()
    if key not in METRES_PER_UNIT:
        known = ", ".join(sorted({"m", "dm", "cm", "mm"}))
        raise UnitsError(f"{where}: length unit {unit.strip()[:20]!r} is unknown; state one of {known}")
    return METRES_PER_UNIT[key]


def marker_table(
    time: ArrayLike,
    labels: Sequence[str],
    positions: ArrayLike,
    *,
    name: str = "",
    source: str = "",
    rate: float | None = None,
) -> pd.DataFrame:
    """Build a marker table.

    Args:
        time: Shape (n_frames,), s.
        labels: One name a marker, shape (n_markers,).
        positions: Shape (n_frames, n_markers, 3), m, NaN where missing.
        name: Name of the trial.
        source: File it came from.
        rate: Frames per second; default from ``time``.

    Raises:
        ValueError: The shapes do not fit together, or a label repeats.

    Example:
        >>> table = marker_table([0.0, 0.01], ["RASI"], [[[0, 1, 0]], [[0.1, 1, 0]]])
        >>> list(table.columns)
        ['RASI_x', 'RASI_y', 'RASI_z']
    """
    times, array = np.asarray(time, np.float64), np.asarray(positions, np.float64)
    if array.shape != (len(times), len(labels), 3):
        raise ValueError(f"positions have shape {array.shape}, expected ({len(times)}, {len(labels)}, 3)")
    if len(set(labels)) != len(labels):
        raise ValueError("marker labels must differ from each other")
    columns = pd.Index([f"{label}_{axis}" for label in labels for axis in AXES])
    table = pd.DataFrame(array.reshape(len(times), -1), index=pd.Index(times, name="time"), columns=columns)
    if rate is None:
        rate = float(1.0 / np.median(np.diff(times))) if len(times) > 1 else 0.0
    table.attrs = {"name": name, "units": "m", "rate": float(rate), "source": source}
    return table


def marker_labels(table: pd.DataFrame) -> list[str]:
    """Marker names of a marker table, in column order."""
    return [str(column)[:-2] for column in table.columns[::3]]


def marker_array(table: pd.DataFrame, labels: Sequence[str] | None = None) -> NDArray[np.float64]:
    """Marker positions, shape (n_frames, n_markers, 3), m; all markers or those named."""
    wanted = marker_labels(table) if labels is None else list(labels)
    columns = [f"{label}_{axis}" for label in wanted for axis in AXES]
    return table[columns].to_numpy(np.float64).reshape(len(table), len(wanted), 3)


def read_trc(path: str | Path) -> pd.DataFrame:
    """Read a .trc file into a marker table.

    Blank cells and ``nan`` become NaN. Blanks around labels are dropped; repeated and missing labels get a number, and
    fewer frames than promised a :class:`DataQualityWarning`.

    Args:
        path: The file.

    Raises:
        FileFormatError: The file is empty, cut off or not a .trc file.
        UnitsError: The length unit is missing or unknown.

    Source: OpenSim TRCFileAdapter for the layout.
    """
    path = Path(path)
    try:
        regular_file(path)
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as error:
        raise FileFormatError(path, f"cannot be opened ({error.strerror})", "check the path") from error
    if not any(line.strip() for line in lines):
        raise FileFormatError(path, "the file is empty", "export it again")
    if not lines[0].lstrip("\ufeff").startswith("PathFileType"):
        raise FileFormatError(path, "does not start with 'PathFileType'", "this is no .trc file", 1)
    if len(lines) < 5:
        raise FileFormatError(path, f"ends in its header, after {len(lines)} lines", "export it again, it is cut off")

    header = _header(path, lines)
    scale = metres_per_unit(header.get("Units", ""), f"{path}:3")
    labels = _labels(path, lines[3], header)
    time, positions = _rows(path, lines, len(labels))
    if len(time) == 0:
        raise FileFormatError(path, "holds no frame", "export it again, it is cut off")
    promised = _number(path, header, "NumFrames")
    if promised is not None and len(time) < promised:
        message = f"{path}: promises {int(promised)} frames and holds {len(time)}; it was cut"
        warnings.warn(message, DataQualityWarning, stacklevel=2)
    if not labels:
        warnings.warn(f"{path}: holds no markers", DataQualityWarning, stacklevel=2)

    rate = _number(path, header, "DataRate")
    if len(time) > 1 and not np.all(np.diff(time) > 0):
        if not rate or rate <= 0:
            raise FileFormatError(path, "time does not increase and DataRate is missing", "export it again")
        warnings.warn(f"{path}: time does not increase; rebuilt from DataRate", DataQualityWarning, stacklevel=2)
        time = time[0] + np.arange(len(time)) / rate
    table = marker_table(time, labels, positions * scale, name=path.stem, source=str(path), rate=rate)
    table.attrs["file_units"] = header["Units"].strip()
    return table


def write_trc(table: pd.DataFrame, path: str | Path, *, units: Literal["m", "mm"] = "m") -> None:
    """Write a marker table as .trc, readable by OpenSim.

    In metres the numbers come back bit for bit; millimetres, which other programs prefer, cost the last bit.

    Args:
        table: A marker table.
        path: File to write.
        units: Unit of the file.

    Raises:
        UnitsError: The table's own unit is not metres.
        ValueError: A label is empty or holds white space that the format cannot carry.
    """
    path = Path(path)
    if table.attrs.get("units") != "m":
        raise UnitsError(f"{path}: a marker table must carry attrs['units'] = 'm', found {table.attrs.get('units')!r}")
    labels = marker_labels(table)
    if any(not label or re.search(r"\s", label) for label in labels):
        raise ValueError(f"{path}: a marker label is empty or holds white space")
    time = np.asarray(table.index, np.float64)
    values = table.to_numpy(np.float64) / METRES_PER_UNIT[units]
    rate = table.attrs.get("rate") or (1.0 / np.median(np.diff(time)) if len(time) > 1 else 0.0)
    rate_text = f"{rate:.17g}"
    lines = [
        f"PathFileType\t4\t(X/Y/Z)\t{path.name}",
        "\t".join(_KEYS),
        "\t".join([rate_text, rate_text, str(len(time)), str(len(labels)), units, rate_text, "1", str(len(time))]),
        "\t".join(["Frame#", "Time", *(f"{label}\t\t" for label in labels)]),
        "\t\t" + "\t".join(f"{axis}{number}" for number in range(1, len(labels) + 1) for axis in "XYZ"),
        "",
    ]
    for frame, (moment, row) in enumerate(zip(time.tolist(), values.tolist(), strict=True), start=1):
        cells = ["" if cell != cell else f"{cell:.17g}" for cell in row]
        if cells and not cells[-1]:
            cells[-1] = "nan"  # OpenSim's reader loses a blank cell at the end of a line, and then refuses the line
        lines.append("\t".join([str(frame), f"{moment:.17g}", *cells]))
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text_atomic(path, "\n".join(lines) + "\n")


def _header(path: Path, lines: list[str]) -> dict[str, str]:
    keys = [key.strip() for key in lines[1].split("\t") if key.strip()]
    values = [value.strip() for value in lines[2].split("\t") if value.strip()]
    if len(keys) != len(values):
        raise FileFormatError(
            path, f"{len(keys)} header names and {len(values)} values", "the header is cut off or lacks a unit", 3
        )
    return dict(zip(keys, values, strict=True))


def _number(path: Path, header: dict[str, str], key: str) -> float | None:
    text = header.get(key)
    if text is None:
        return None
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise FileFormatError(path, f"{key} is {text[:40]!r}, no number", "correct the header", 3)
    return number


def _labels(path: Path, line: str, header: dict[str, str]) -> list[str]:
    cells = line.rstrip("\r\n").split("\t")
    if len(cells) < 2 or cells[0].strip() != "Frame#":
        raise FileFormatError(path, "no 'Frame# Time ...' line", "this is no .trc file", 4)
    promised = _number(path, header, "NumMarkers")
    count = int(promised) if promised is not None else len([cell for cell in cells[2:] if cell.strip()])
    if count > len(cells):
        raise FileFormatError(
            path, f"promises {count} markers and names {len(cells) - 2} at most", "correct NumMarkers", 4
        )
    named = [re.sub(r"\s+", "_", cell.strip()) for cell in cells[2::3]][:count]
    compact = [re.sub(r"\s+", "_", cell.strip()) for cell in cells[2:] if cell.strip()]
    if sum(map(bool, named)) < len(compact):
        # Some programs write the labels without the two empty cells between them.
        named = compact[:count]
    if sum(map(bool, named)) < count:
        missing = count - sum(map(bool, named))
        warnings.warn(
            f"{path}: {missing} of {count} markers have no name; called unnamed_N", DataQualityWarning, stacklevel=3
        )
        named += [""] * (count - len(named))
    result: list[str] = []
    for at, label in enumerate(named, start=1):
        unique = label or f"unnamed_{at}"
        if unique in result:
            unique = f"{unique}_{at}"
            warnings.warn(
                f"{path}: marker {label!r} stands twice; renamed {unique!r}", DataQualityWarning, stacklevel=3
            )
        result.append(unique)
    return result


def _rows(path: Path, lines: list[str], n_markers: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Time, shape (n_frames,), and positions in the file's unit, shape (n_frames, n_markers, 3)."""
    width = 3 * n_markers + 2
    times, rows = [], []
    for number, line in enumerate(lines[5:], start=6):
        if not line.strip():
            continue
        cells = line.rstrip("\r\n").split("\t")
        if len(cells) < 2:
            cells = line.split()
        if len(cells) < width and number == len(lines) and len(times) > 0:
            raise FileFormatError(path, "the last row is cut off", "export the file again", number)
        cells = cells[:width] + [""] * (width - len(cells))
        try:
            times.append(float(cells[1]))
            rows.append([float(cell) if cell.strip() else np.nan for cell in cells[2:]])
        except ValueError as error:
            raise FileFormatError(path, str(error), "correct the cell", number) from None
    array = np.array(rows, np.float64).reshape(len(times), n_markers, 3)
    # A marker seen in one axis only was not seen.
    array[np.isnan(array).any(axis=2)] = np.nan
    return np.array(times), array
