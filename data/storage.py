"""OpenSim's .sto and .mot tables, read and written without OpenSim.

A table is a :class:`pandas.DataFrame` whose index ``time`` is in seconds and whose ``attrs`` carry what the header
said: ``name``, ``in_degrees`` (whether rotational columns are in degrees) and ``source`` (the file). Nothing is
converted on reading, because only a model knows which columns are angles; :func:`to_radians` and :func:`to_degrees`
convert the columns that the caller names.

Writing has two verbs. :func:`write_sto` keeps every bit: states, forces, anything in SI units. :func:`write_mot` is for
what people load in the GUI and give to OpenSim's tools: angles are written in degrees, whatever the table holds.

Two traps of the format decide the code below. OpenSim takes a ``.mot`` with a SIMM header (``datacolumns``) for degrees
and one with ``version=1`` and no ``inDegrees`` for radians, so a file without the key is an error here, never a guess.
And OpenSim's older reader stops at the first ``nan`` and leaves the rest of the table undefined, so missing values are
only written on request.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .errors import DataQualityWarning, FileFormatError, UnitsError, UnknownNameError
from .files import write_text_atomic
from .loading import regular_file
from .names import is_translational

# What Windows builds of older OpenSim versions print for values that are not numbers.
_WINDOWS_NAN = re.compile(r"^[+-]?1\.#(IND|QNAN|SNAN)\w*$", re.IGNORECASE)
_ANGLE = re.compile(
    r"(^|_)(tilt|list|rotation|flexion|dorsiflexion|extension|bending|adduction|abduction|angle|inversion|eversion|"
    r"flex|add|rot|dev|sup)(_[rl])?(_beta)?$"
)
_REACTION = re.compile(r"ground_(force|torque|moment)")
"""What columns of motions and of ground reactions are called in OpenSim's gait models and their data."""
_SLOWEST, _FASTEST = 1.0, 1e5
"""Rates within which a motion or a force is sampled, Hz."""
_HEADER_LIMIT = 400
"""Lines within which ``endheader`` must stand; longer headers are no storage files."""


def read_sto(path: str | Path, *, in_degrees: bool | None = None) -> pd.DataFrame:
    """Read a .sto or .mot table.

    Args:
        path: The file.
        in_degrees: Whether rotations are in degrees, for files whose header does not say; ignored where it does. Pass
            ``False`` for forces and other tables without angles.

    Returns:
        Columns as in the file, index ``time`` in s, ``attrs`` with ``name``, ``in_degrees`` and ``source``.

    Raises:
        FileFormatError: The header has no end, the table is cut off, or a cell is no number.
        UnitsError: Neither the header nor the caller says whether rotations are in degrees.

    Source: OpenSim Storage::parseHeaders and STOFileAdapter, whose header rules this follows.

    Example:
        >>> import tempfile, pandas as pd
        >>> table = pd.DataFrame({"knee_angle_r": [0.0, 1.5]}, index=pd.Index([0.0, 0.01], name="time"))
        >>> file = Path(tempfile.mkdtemp()) / "a.mot"
        >>> write_mot(table, file, name="Coordinates", in_degrees=True)
        >>> read_mot(file).attrs["in_degrees"]
        True
    """
    path = Path(path)
    lines = _read_lines(path)
    header, first = _parse_header(path, lines)
    while first < len(lines) and not lines[first].strip():
        first += 1
    if first >= len(lines):
        raise FileFormatError(path, "the file ends after its header", "export the table again")
    labels = _split_labels(lines[first])
    values = _parse_rows(path, lines, first + 1, len(labels))
    _check_counts(path, header, values, labels)

    time, labels, values = _split_time(path, header, labels, values)
    labels, values = _drop_duplicates(path, labels, values)
    if len(time) > 1 and not np.all(np.diff(time) > 0):
        warnings.warn(f"{path}: time does not increase from row to row", DataQualityWarning, stacklevel=2)

    table = pd.DataFrame(values, index=pd.Index(time, name="time"), columns=pd.Index(labels))
    table.attrs = {
        "name": header.get("name", ""),
        "in_degrees": _degrees_of(path, header, in_degrees),
        "source": str(path),
    }
    return table


def read_mot(path: str | Path, *, in_degrees: bool | None = None) -> pd.DataFrame:
    """Read a .mot table: see :func:`read_sto`, both formats are one."""
    return read_sto(path, in_degrees=in_degrees)


def write_sto(
    table: pd.DataFrame,
    path: str | Path,
    *,
    name: str | None = None,
    in_degrees: bool | None = None,
    allow_nan: bool = False,
) -> None:
    """Write a table so that every OpenSim reader gets back the same bits.

    The classic six-line header is written: OpenSim's newer writer leaves the name out, and the GUI then shows none.

    Args:
        table: Numeric columns over the index ``time``, s.
        path: File to write, with the ending .sto or .mot.
        name: Name shown in the GUI; default ``table.attrs["name"]``, else the file's stem.
        in_degrees: Whether the table's rotational columns are in degrees, where ``table.attrs["in_degrees"]`` does not
            say. Nothing is converted.
        allow_nan: Write missing values as ``nan``. OpenSim's TimeSeriesTable reads them; its Storage class, which the
            GUI and most tools use, does not.

    Raises:
        UnitsError: Neither the argument nor the table says whether rotations are in degrees, or they contradict.
        ValueError: Time does not increase, a name repeats or holds a tab, or values are missing or infinite.
    """
    path = Path(path)
    degrees = _unit_of_rotations(table, path, in_degrees)
    labels = [str(column) for column in table.columns]
    time = np.asarray(table.index, dtype=np.float64)
    values = table.to_numpy(dtype=np.float64)
    _check_writable(path, labels, time, values, allow_nan=allow_nan)

    title = name or table.attrs.get("name") or path.stem
    header = [
        str(title).replace("\n", " "),
        "version=1",
        f"nRows={len(time)}",
        f"nColumns={len(labels) + 1}",
        f"inDegrees={'yes' if degrees else 'no'}",
        "endheader",
        "\t".join(["time", *labels]),
    ]
    row_format = "\t".join(["%.17g"] * (len(labels) + 1))
    rows = [row_format % tuple(row) for row in np.column_stack([time, values]).tolist()]
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text_atomic(path, "\n".join([*header, *rows]) + "\n")


def write_mot(
    table: pd.DataFrame,
    path: str | Path,
    *,
    rotational: Iterable[str] | None = None,
    name: str | None = None,
    in_degrees: bool | None = None,
    allow_nan: bool = False,
) -> None:
    """Write a motion, or ground reactions, as a .mot: angles in degrees, as OpenSim's users and tools expect.

    Angles in radians are converted, which may cost their last bit; :func:`write_sto` writes a table as it is.

    Args:
        table: Numeric columns over the index ``time``, s: coordinates in degrees or rad and m, or ground reactions.
        path: File to write.
        rotational: Names of the coordinates that are rotations, from the model; those that the table lacks do not
            matter. By default the columns' names tell, as far as they are those of OpenSim's gait models.
        name: Name shown in the GUI; default ``table.attrs["name"]``, else the file's stem.
        in_degrees: Whether the *table's* angles are in degrees, where ``table.attrs["in_degrees"]`` does not say; a
            trial's coordinates do.
        allow_nan: See :func:`write_sto`.

    Raises:
        UnitsError: The table's unit is not known, or a column's name does not tell whether it is an angle.
        ValueError: See :func:`write_sto`.

    Example:
        >>> import math, tempfile
        >>> table = pd.DataFrame({"knee_angle_r": [0.0, math.pi]}, index=pd.Index([0.0, 0.01], name="time"))
        >>> file = Path(tempfile.mkdtemp()) / "a.mot"
        >>> write_mot(table, file, in_degrees=False)
        >>> read_mot(file)["knee_angle_r"].tolist()
        [0.0, 180.0]
    """
    path = Path(path)
    degrees = _unit_of_rotations(table, path, in_degrees)
    if not degrees:
        turning = _angles(table, path) if rotational is None else [c for c in rotational if c in table.columns]
        if turning:
            table = table.copy()
            table.attrs = {**table.attrs, "in_degrees": False}
            table, degrees = to_degrees(table, turning), True
    write_sto(table, path, name=name, in_degrees=degrees, allow_nan=allow_nan)


def clock_step(time: NDArray[np.float64], path: str | Path) -> float:
    """Step of a table's clock, asked before anything is put on an even one, which would take what memory there is.

    Args:
        time: Instants of the rows, shape (n,), s.
        path: The file, for the error.

    Returns:
        The median step, s; rows may be missing.

    Raises:
        FileFormatError: Time does not increase over two rows or more, or as no measurement's does.

    Example:
        >>> round(clock_step(np.array([0.0, 0.01, 0.02, 0.05]), "walk.mot"), 6)
        0.01
    """
    if len(time) < 2 or not np.isfinite(time).all() or not (np.diff(time) > 0).all():
        raise FileFormatError(path, "time does not increase over two rows or more", "export the table again")
    step = float(np.median(np.diff(time)))
    if not 1 / _FASTEST <= step <= 1 / _SLOWEST or time[-1] - time[0] > 100 * step * len(time):
        raise FileFormatError(
            path, f"{len(time)} rows from {time[0]:g} to {time[-1]:g}, {step:.3g} apart", "give time in s, evenly"
        )
    return step


def _unit_of_rotations(table: pd.DataFrame, path: Path, told: bool | None) -> bool:
    """Whether a table's rotations are in degrees: what it says itself, else what the caller says."""
    said = table.attrs.get("in_degrees")
    if said is None and told is None:
        raise UnitsError(f"{path}: the table does not say whether its rotations are in degrees; pass in_degrees")
    if said is not None and told is not None and bool(said) != bool(told):
        units = {True: "degrees", False: "radians"}
        raise UnitsError(
            f"{path}: the table's attrs say {units[bool(said)]}, in_degrees says {units[bool(told)]}; leave in_degrees "
            "out, or convert with to_degrees or to_radians"
        )
    return bool(told if said is None else said)


def _angles(table: pd.DataFrame, path: Path) -> list[str]:
    """Columns that are angles, by their names; an error where a name does not tell."""
    if "rad" not in str(table.attrs.get("units", "rad")):
        return []
    columns = [str(column) for column in table.columns]
    unclear = [c for c in columns if not (_ANGLE.search(c) or _REACTION.search(c) or is_translational(c))]
    if unclear:
        raise UnitsError(
            f"{path}: column {unclear[0]}: its name does not tell whether it is an angle to write in degrees; name the "
            "angles with rotational (none: rotational=()), or write the table as it is with write_sto"
        )
    return [column for column in columns if _ANGLE.search(column)]


def to_radians(table: pd.DataFrame, rotational: Iterable[str]) -> pd.DataFrame:
    """Copy of a table with its rotational columns in radians.

    Args:
        table: A table whose ``attrs["in_degrees"]`` is known.
        rotational: Names of the rotational columns, from the model. Names that the table lacks are an error.

    Raises:
        UnitsError: The table does not say its unit.
        UnknownNameError: A rotational column is not in the table.
    """
    return _convert(table, rotational, degrees=False)


def to_degrees(table: pd.DataFrame, rotational: Iterable[str]) -> pd.DataFrame:
    """Copy of a table with its rotational columns in degrees: see :func:`to_radians`."""
    return _convert(table, rotational, degrees=True)


def _convert(table: pd.DataFrame, rotational: Iterable[str], *, degrees: bool) -> pd.DataFrame:
    current = table.attrs.get("in_degrees")
    source = table.attrs.get("source", "table")
    if current is None:
        raise UnitsError(f"{source}: attrs hold no in_degrees, so the unit of its rotations is unknown")
    columns = list(rotational)
    for column in columns:
        if column not in table.columns:
            raise UnknownNameError("column", column, map(str, table.columns), str(source))
    result = table.copy()
    result.attrs = {**table.attrs, "in_degrees": degrees}
    if bool(current) != degrees:
        result[columns] = np.rad2deg(result[columns]) if degrees else np.deg2rad(result[columns])
    return result


def _read_lines(path: Path) -> list[str]:
    try:
        regular_file(path)
        return path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as error:
        raise FileFormatError(path, f"cannot be opened ({error.strerror})", "check the path") from error


def _parse_header(path: Path, lines: list[str]) -> tuple[dict[str, str], int]:
    """Header keys as OpenSim understands them, and the index of the line after ``endheader``."""
    header: dict[str, str] = {}
    for number, raw in enumerate(lines[:_HEADER_LIMIT]):
        line = raw.strip()
        if not line:
            continue
        if line.lower() == "endheader":
            return header, number + 1
        match = re.match(r"^([^\s=]+)(?:\s*=\s*|\s+)(.*)$", line)
        key, rest = (match.group(1), match.group(2).strip()) if match else (line, "")
        known = {"nr": "nRows", "datarows": "nRows", "nc": "nColumns", "datacolumns": "nColumns"}
        if key in ("datacolumns", "datarows"):
            header["simm"] = "yes"
        if line in ("Angles are in degrees.", "Angles are in radians."):
            header["angles"] = line
        elif key in ("nRows", "nColumns", "inDegrees", "version", "range", "name", *known):
            header[known.get(key, key)] = rest
        elif not header:
            header["name"] = line
    raise FileFormatError(path, "no 'endheader' line", "this is no .sto or .mot file, or it is cut off")


def _degrees_of(path: Path, header: dict[str, str], told: bool | None) -> bool:
    """Whether rotations are in degrees: the explicit key, then the SIMM rule, then the caller."""
    key = header.get("inDegrees", "").lower()
    if key in ("yes", "y", "no", "n"):
        return key.startswith("y")
    if key:
        raise UnitsError(f"{path}: inDegrees={key!r} is neither yes nor no; correct the header")
    if "version" not in header and "angles" in header:
        return "degrees" in header["angles"]
    if "simm" in header and "version" not in header and path.suffix.lower() == ".mot":
        return True
    if told is None:
        raise UnitsError(
            f"{path}: units unknown, the header holds no inDegrees; add 'inDegrees=yes' or 'inDegrees=no' before "
            "'endheader', or pass in_degrees"
        )
    return told


def _split_labels(line: str) -> list[str]:
    parts = line.rstrip("\r\n\t ").split("\t") if "\t" in line.strip() else line.split()
    return [part.strip() for part in parts if part.strip()]


def _parse_rows(path: Path, lines: list[str], first: int, n_columns: int) -> np.ndarray:
    """All cells, shape (n_rows, n_columns); the fast path converts the whole text at once."""
    body = [line for line in lines[first:] if line.strip()]
    tokens = " ".join(body).split()
    if len(tokens) == len(body) * n_columns:
        try:
            return np.fromiter(map(float, tokens), np.float64, len(tokens)).reshape(len(body), n_columns)
        except ValueError:
            pass
    values = np.empty((len(body), n_columns))
    row = 0
    for number, line in enumerate(lines[first:], start=first + 1):
        cells = line.split()
        if not cells:
            continue
        if len(cells) != n_columns:
            raise FileFormatError(
                path,
                f"{len(cells)} values where {n_columns} columns are declared",
                "the file is cut off or edited",
                number,
            )
        for column, cell in enumerate(cells):
            try:
                values[row, column] = np.nan if _WINDOWS_NAN.match(cell) else float(cell)
            except ValueError:
                raise FileFormatError(path, f"{cell[:40]!r} is no number", "correct the cell", number) from None
        row += 1
    return values


def _check_counts(path: Path, header: dict[str, str], values: np.ndarray, labels: list[str]) -> None:
    """Compare the header's promise with what is there."""
    for key, found, word in (("nRows", len(values), "rows"), ("nColumns", len(labels), "columns")):
        text = header.get(key, "").split()
        if not text:
            continue
        try:
            promised = int(text[0])
        except ValueError:
            raise FileFormatError(path, f"{key}={text[0][:40]} is no number", "correct the header") from None
        if promised != found:
            message = f"{path}: the header promises {promised} {word}, the table holds {found}"
            warnings.warn(message, DataQualityWarning, stacklevel=3)


def _split_time(
    path: Path, header: dict[str, str], labels: list[str], values: np.ndarray
) -> tuple[np.ndarray, list[str], np.ndarray]:
    """Separate the time column; SIMM files may give a ``range`` instead of one."""
    if "time" in labels:
        at = labels.index("time")
        return values[:, at], labels[:at] + labels[at + 1 :], np.delete(values, at, axis=1)
    limits = header.get("range", "").split()
    if len(limits) == 2:
        try:
            return np.linspace(float(limits[0]), float(limits[1]), len(values)), labels, values
        except ValueError:
            pass
    raise FileFormatError(path, "no column 'time'", "name the first column 'time'")


def _drop_duplicates(path: Path, labels: list[str], values: np.ndarray) -> tuple[list[str], np.ndarray]:
    if len(set(labels)) == len(labels):
        return labels, values
    first = [labels.index(label) == at for at, label in enumerate(labels)]
    double = sorted({label for label, keep in zip(labels, first, strict=True) if not keep})
    warnings.warn(
        f"{path}: column name(s) {', '.join(double[:5])} stand twice; the first of each is kept",
        DataQualityWarning,
        stacklevel=3,
    )
    return [label for label, keep in zip(labels, first, strict=True) if keep], values[:, first]


def _check_writable(path: Path, labels: list[str], time: np.ndarray, values: np.ndarray, *, allow_nan: bool) -> None:
    if len(set(labels)) != len(labels) or "time" in labels:
        raise ValueError(f"{path}: column names must differ from each other and from 'time'")
    if any(re.search(r"[\t\r\n]", label) or not label.strip() for label in labels):
        raise ValueError(f"{path}: a column name is empty or holds a tab or line break")
    if not np.all(np.isfinite(time)) or (len(time) > 1 and not np.all(np.diff(time) > 0)):
        raise ValueError(f"{path}: time must be finite and increase from row to row")
    bad = ~np.isfinite(values) & ~(np.isnan(values) & allow_nan)
    if bad.any():
        row, column = np.argwhere(bad)[0]
        raise ValueError(
            f"{path}: column {labels[column]} is {values[row, column]} at t = {time[row]:.4f} s, which OpenSim's tools "
            "cannot read; interpolate, cut, or pass allow_nan for files that only table readers use"
        )
