"""C3D files as laboratories write them: markers, analog channels, events and force plates, in SI units.

:func:`read_c3d` reads Intel, DEC and SGI files, integer or real, through :mod:`exogait.analysis.c3d.sections`. The
size of every array follows from the bytes that are in the file, never from a count in its header.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from exogait.data.errors import FileFormatError, InputError, UnitsError
from exogait.data.loading import regular_file
from exogait.data.show import Card, Shown, names, number

from .applied import ForceRecord
from .events import C3DEvent, read_events
from .labels import subjects_in
from .layout import Layout, find_layout
from .parameters import array_of, number_of, text_list, text_of
from .plates import PlateSpec, read_platforms
from .sections import SectionError, TolerantReader, Value, decode_float, decode_int16

LENGTH_UNITS = {"mm": 1e-3, "cm": 1e-2, "dm": 1e-1, "m": 1.0, "in": 0.0254}
"""Metres per unit of length."""

_LENGTH_NAMES = {
    "mete": "m",
    "meter": "m",
    "meters": "m",
    "metre": "m",
    "metres": "m",
    "millimeters": "mm",
    "inches": "in",
}

_OUTPUT_LISTS = ("ANGLES", "FORCES", "MOMENTS", "POWERS", "SCALARS", "REACTIONS", "MODELED_MARKERS_OUTPUT")

_OUTPUT_LABEL = re.compile(
    r"(angles?|moments?|forces?|powers?|grf|reaction|progress|cent(re|er)ofmass\w*vel)\d*$", re.I
)


@dataclass(frozen=True)
class C3DFile(Shown):
    """What a C3D file holds, in SI units and in the laboratory's axes."""

    path: str
    """Where it was read."""
    marker_names: tuple[str, ...]
    """Names of the markers, without subject prefix, unique."""
    positions: NDArray[np.float64]
    """Marker positions, shape (n_frames, n_markers, 3), m, NaN where a marker was not seen."""
    residuals: NDArray[np.float64]
    """Reconstruction residuals, shape (n_frames, n_markers), m, NaN where a marker was not seen."""
    output_names: tuple[str, ...]
    """Names of model outputs that the file stores among the points (angles, moments, powers)."""
    outputs: NDArray[np.float64]
    """Their values, shape (n_frames, n_outputs, 3), in the file's own units."""
    analog_names: tuple[str, ...]
    """Names of the analog channels."""
    analog: NDArray[np.float64]
    """Scaled analog samples, shape (n_samples, n_channels), in ``analog_units``."""
    analog_units: tuple[str, ...]
    """Units of the channels as the file spells them, ``""`` where it has none."""
    point_rate: float
    """Frames a second."""
    analog_rate: float
    """Analog samples a second; 0 without analog data."""
    first_frame: int
    """Number of the first frame, as the recording counted."""
    events: tuple[C3DEvent, ...]
    """Events, sorted by time."""
    platforms: tuple[PlateSpec, ...]
    """Force plates whose description is complete."""
    parameters: Mapping[str, Mapping[str, Value]] = field(repr=False)
    """All parameters: group, name, value."""
    units: str
    """Unit of length in the file."""
    processor: str
    """``"Intel"``, ``"DEC"`` or ``"SGI/MIPS"``."""
    warnings: tuple[str, ...]
    """What was odd about the file, one sentence each."""
    forces: ForceRecord | None = None
    """Forces from a table beside the file; they take the place of its plates."""
    start: float = 0.0
    """Time of the first frame on the clock of a table beside the file, s."""
    subject: str = ""
    """The prefix of the labels, where one person was in the file and had one."""

    @property
    def n_frames(self) -> int:
        """Number of frames."""
        return len(self.positions)

    @property
    def time(self) -> NDArray[np.float64]:
        """Time of the frames from the first frame in the file, shape (n_frames,), s."""
        return np.arange(self.n_frames) / self.point_rate

    @property
    def analog_time(self) -> NDArray[np.float64]:
        """Time of the analog samples from the first frame in the file, shape (n_samples,), s."""
        return np.arange(len(self.analog)) / (self.analog_rate or 1.0)

    def marker(self, name: str) -> NDArray[np.float64]:
        """One marker's path.

        Args:
            name: One of ``marker_names``.

        Returns:
            Positions, shape (n_frames, 3), m.
        """
        return self.positions[:, self.marker_names.index(name)]

    def card(self) -> Card:
        """What was recorded, how long, and what is odd about it."""
        n_frames = len(self.positions)
        seen = float(np.isfinite(self.positions).all(axis=2).mean()) if self.positions.size else 0.0
        facts = [
            ("duration", number(n_frames / self.point_rate if self.point_rate else None, "s")),
            ("frames", f"{n_frames} at {self.point_rate:g} Hz, first {self.first_frame}"),
            ("markers", f"{len(self.marker_names)}, seen in {100 * seen:.0f} %: {names(self.marker_names)}"),
            ("model outputs", f"{len(self.output_names)}: {names(self.output_names)}"),
            ("analog", f"{len(self.analog_names)} at {self.analog_rate:g} Hz: {names(self.analog_names)}"),
            ("force plates", str(len(self.platforms))),
            ("events", str(len(self.events))),
            ("length unit", f"{self.units} in the file, m here; {self.processor}"),
            *(("odd", warning) for warning in self.warnings),
        ]
        return Card(f"C3DFile {self.path}", tuple(facts))


def read_c3d(path: str | Path, *, units: str | None = None) -> C3DFile:
    """Read a C3D file.

    Missing samples (negative residual, not a number, or exactly the origin of the laboratory) become NaN. Model outputs
    stored as points are kept apart and unscaled. Everything odd is noted in :attr:`C3DFile.warnings`.

    Args:
        path: The file.
        units: Unit of length (``"mm"``, ``"cm"``, ``"m"``, ...) that overrides the file's; needed where it has none.

    Returns:
        The content.

    Raises:
        FileFormatError: Not a C3D file, or too damaged to hold a single frame.
        UnitsError: The file does not say its unit of length and ``units`` is not given.
        InputError: ``units`` is unknown.

    Example:
        >>> trial = read_c3d("walk.c3d")  # doctest: +SKIP
        >>> trial.positions.shape, trial.point_rate  # doctest: +SKIP
        ((156, 52, 3), 100.0)
    """
    try:
        regular_file(path)
        data = Path(path).read_bytes()
    except OSError as error:
        raise FileFormatError(path, f"cannot be read ({error.strerror})", "check the path") from error
    return parse_c3d(data, path, units=units)


def parse_c3d(data: bytes, path: str | Path = "<bytes>", *, units: str | None = None) -> C3DFile:
    """Read a C3D file that is already in memory; see :func:`read_c3d`.

    Args:
        data: The whole file.
        path: Name for messages.
        units: As in :func:`read_c3d`.

    Returns:
        The content.

    Raises:
        FileFormatError: See :func:`read_c3d`.
        UnitsError: See :func:`read_c3d`.
        InputError: See :func:`read_c3d`.
    """
    if units is not None and units not in LENGTH_UNITS:
        raise InputError("units", units, f"known units of length: {', '.join(LENGTH_UNITS)}")
    try:
        reader = TolerantReader(data)
        notes = reader.notes
        layout = find_layout(reader)
    except SectionError as error:
        raise FileFormatError(path, str(error), "export the trial again") from error
    points, residual, analog_raw = _frames(reader, layout)
    unit = units or _length_unit(reader, layout, path)
    names = _labels(reader, "POINT", layout.n_points, "point")
    is_output = _is_output(reader, names)
    people = subjects_in(names)
    names, prefix_note = _strip_prefix(names) if len(people) < 2 else (names, "")
    if prefix_note:
        notes.append(prefix_note)
    names = _unique(names, residual, notes)
    keep, out = np.flatnonzero(~is_output), np.flatnonzero(is_output)
    factor = LENGTH_UNITS[unit]
    analog = _scale_analog(reader, analog_raw, layout)
    analog_units = text_list(reader, "ANALOG", "UNITS")
    analog_units = tuple((analog_units + [""] * layout.n_analog)[: layout.n_analog])
    empty = np.isnan(residual[:, keep]).all(axis=0)
    if empty.any():
        listed = ", ".join(names[i] for i in keep[empty][:8])
        notes.append(
            f"{int(empty.sum())} declared marker(s) have no sample: {listed}{' ...' if empty.sum() > 8 else ''}"
        )
    return C3DFile(
        path=str(path),
        marker_names=tuple(names[i] for i in keep),
        positions=points[:, keep] * factor,
        residuals=residual[:, keep] * factor,
        output_names=tuple(names[i] for i in out),
        outputs=points[:, out],
        analog_names=tuple(_labels(reader, "ANALOG", layout.n_analog, "channel")),
        analog=analog,
        analog_units=analog_units,
        point_rate=layout.rate,
        analog_rate=layout.rate * layout.per_frame if layout.n_analog else 0.0,
        first_frame=layout.first_frame,
        events=read_events(reader, layout),
        platforms=read_platforms(reader, factor, analog_units, layout.n_analog),
        parameters=reader.values,
        units=unit,
        processor=reader.processor,
        warnings=tuple(notes),
        subject=people[0] if len(people) == 1 else "",
    )


def _frames(
    reader: TolerantReader, layout: Layout
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Decode all frames at once; the package's own loop takes 50 microseconds a frame."""
    n, n_analog = layout.n_frames, layout.n_analog * layout.per_frame
    row = 4 * layout.n_points + n_analog
    real = layout.scale < 0
    word = 4 if real else 2
    raw = memoryview(reader.data)[layout.start : layout.start + n * row * word]
    if real:
        samples = decode_float(raw, reader.processor).reshape(n, row)
    else:
        samples = decode_int16(raw, reader.processor).reshape(n, row)
    point = samples[:, : 4 * layout.n_points].reshape(n, layout.n_points, 4)
    points = point[:, :, :3].astype(np.float64)
    analog = samples[:, 4 * layout.n_points :].astype(np.float64)
    last = point[:, :, 3]
    if not real:
        points *= layout.scale
    finite = np.isfinite(points).all(axis=2) & np.isfinite(last)
    missing = (last <= -1) | ~finite | (points == 0).all(axis=2)
    # The last word holds the camera mask in its high byte and the scaled residual in its low byte.
    with np.errstate(invalid="ignore", over="ignore"):
        code = np.where(missing | (np.abs(last) > 32767), 0, last).astype(np.int32)
    residual = np.asarray((code & 0xFF) * abs(layout.scale), dtype=np.float64)
    points[missing] = np.nan
    residual[missing] = np.nan
    if not real and text_of(reader, "ANALOG", "FORMAT").upper() == "UNSIGNED":
        analog = np.where(analog < 0, analog + 65536, analog)
    return points, residual, analog.reshape(n * layout.per_frame, layout.n_analog)


def _scale_analog(reader: TolerantReader, raw: NDArray[np.float64], layout: Layout) -> NDArray[np.float64]:
    """(sample - OFFSET) * SCALE * GEN_SCALE."""
    if layout.n_analog == 0:
        return raw
    general = number_of(reader, "ANALOG", "GEN_SCALE")
    scale = array_of(reader, "ANALOG", "SCALE", layout.n_analog, 1.0)
    offset = array_of(reader, "ANALOG", "OFFSET", layout.n_analog, 0.0)
    if text_of(reader, "ANALOG", "FORMAT").upper() == "UNSIGNED":
        offset = np.where(offset < 0, offset + 65536, offset)
    with np.errstate(over="ignore", invalid="ignore"):
        raw -= offset
        raw *= scale * (1.0 if general is None else general)
    return raw


def _length_unit(reader: TolerantReader, layout: Layout, path: str | Path) -> str:
    text = text_of(reader, "POINT", "UNITS").lower()
    text = _LENGTH_NAMES.get(text, text)
    if text in LENGTH_UNITS:
        return text
    # Some writers repeat the unit for every axis or marker: "mm  mm  mm".
    words = {_LENGTH_NAMES.get(word, word) for word in text.split()}
    if len(words) == 1 and words <= set(LENGTH_UNITS):
        return words.pop()
    if layout.n_points == 0:
        return "m"
    known = ", ".join(LENGTH_UNITS)
    raise UnitsError(
        f"{path}: POINT:UNITS is {text!r}, so the unit of the markers is unknown; state it with units= (one of {known})"
    )


def _labels(reader: TolerantReader, group: str, n: int, kind: str) -> list[str]:
    labels = text_list(reader, group, "LABELS")[:n]
    if len(labels) < n:
        reader.notes.append(f"{group} has {n} {kind}s and {len(labels)} labels; the others are named by number")
        labels += [f"{kind}{i + 1}" for i in range(len(labels), n)]
    return [label or f"{kind}{i + 1}" for i, label in enumerate(labels)]


def _is_output(reader: TolerantReader, names: list[str]) -> NDArray[np.bool_]:
    """Model outputs among the points.

    Those that the file lists as such, whose label ends like one, and the segment axes of Plug-in Gait: origin and tips
    as ``PELO``, ``PELA``, ``PELL``, ``PELP``, which move like markers and are none.
    """
    listed: set[str] = set()
    for name in _OUTPUT_LISTS[:-1]:
        listed.update(text_list(reader, "POINT", name))
    bare = {name.rsplit(":", 1)[-1] for name in names}
    axes = {n for n in bare if len(n) > 2 and n[-1] in "OALP" and all(n[:-1] + end in bare for end in "OALP")}
    return np.array(
        [name in listed or name.rsplit(":", 1)[-1] in axes or bool(_OUTPUT_LABEL.search(name)) for name in names],
        dtype=bool,
    )


def _strip_prefix(names: list[str]) -> tuple[list[str], str]:
    """Drop the ``subject:`` before labels where the rest stays unique."""
    bare = [name.rsplit(":", 1)[-1].strip() or name for name in names]
    if bare == names:
        return names, ""
    taken: dict[str, int] = {}
    for name in bare:
        taken[name] = taken.get(name, 0) + 1
    prefixes = sorted({name.rsplit(":", 1)[0] for name in names if ":" in name})
    kept = [short if taken[short] == 1 else full for short, full in zip(bare, names, strict=True)]
    return kept, f"label prefix {', '.join(prefixes[:3])}: removed"


def _unique(names: list[str], residual: NDArray[np.float64], notes: list[str]) -> list[str]:
    """Number repeated labels; the one with most samples keeps the name."""
    places: dict[str, list[int]] = {}
    for i, name in enumerate(names):
        places.setdefault(name, []).append(i)
    result = list(names)
    for name, where in places.items():
        if len(where) == 1:
            continue
        seen = [int(np.isfinite(residual[:, i]).sum()) for i in where]
        keeper = where[int(np.argmax(seen))]
        for k, i in enumerate((i for i in where if i != keeper), start=2):
            label = f"{name}#{k}"
            while label in places:
                label += "#"
            result[i] = label
        notes.append(f"label {name} occurs {len(where)} times; the one with most samples keeps the name")
    return result
