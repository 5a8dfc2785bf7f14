"""C3D files as laboratories write them: markers, analog channels, events and force plates, in SI units.

:func:`read_c3d` reads Intel, DEC and SGI files, integer or real, through :mod:`analysis.c3d_sections`. The size of
every array follows from the bytes that are in the file, never from a count in its header.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from data.errors import FileFormatError, InputError, UnitsError

from .c3d_sections import BLOCK, SectionError, TolerantReader, Value, decode_float, decode_int16

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
_MAX_RATE = 1e6


@dataclass(frozen=True)
class C3DEvent:
    """One gait event as the file states it."""

    label: str
    """The file's own label, for example ``"Foot Strike"``."""
    side: str
    """``"r"``, ``"l"`` or ``""`` where the file does not say."""
    kind: str
    """``"heel_strike"``, ``"toe_off"`` or ``"other"``."""
    time: float
    """Seconds after the first frame in the file."""


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


@dataclass(frozen=True)
class C3DFile:
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
        layout = _layout(reader)
    except SectionError as error:
        raise FileFormatError(path, str(error), "export the trial again") from error
    points, residual, analog_raw = _frames(reader, layout)
    unit = units or _length_unit(reader, layout, path)
    names = _labels(reader, "POINT", layout.n_points, "point")
    is_output = _is_output(reader, names)
    names, prefix_note = _strip_prefix(names)
    if prefix_note:
        notes.append(prefix_note)
    names = _unique(names, residual, notes)
    keep, out = np.flatnonzero(~is_output), np.flatnonzero(is_output)
    factor = LENGTH_UNITS[unit]
    analog = _scale_analog(reader, analog_raw, layout)
    analog_units = _text_list(reader, "ANALOG", "UNITS")
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
        events=_events(reader, layout),
        platforms=_platforms(reader, factor, analog_units, layout.n_analog),
        parameters=reader.values,
        units=unit,
        processor=reader.processor,
        warnings=tuple(notes),
    )


@dataclass(frozen=True)
class _Layout:
    """Where the samples lie in the file."""

    n_points: int
    n_analog: int
    per_frame: int
    rate: float
    scale: float
    first_frame: int
    n_frames: int
    start: int


def _number(reader: TolerantReader, group: str, name: str) -> float | None:
    value = reader.values.get(group, {}).get(name)
    if not isinstance(value, np.ndarray) or value.size == 0:
        return None
    number = float(value.ravel()[0])
    return number if np.isfinite(number) else None


def _count(reader: TolerantReader, group: str, name: str) -> int | None:
    """A count, which the file stores as a 16-bit integer without sign, or as a float."""
    value = reader.values.get(group, {}).get(name)
    number = _number(reader, group, name)
    if number is None or not isinstance(value, np.ndarray):
        return None
    if value.dtype == np.int16:
        return int(number) & 0xFFFF
    return int(number) if 0 <= number < 2**31 else None


def _field(reader: TolerantReader, name: str) -> int | None:
    """A frame number that TRIAL stores as two 16-bit words, or as one float."""
    value = reader.values.get("TRIAL", {}).get(name)
    if not isinstance(value, np.ndarray) or value.size == 0:
        return None
    words = value.ravel()
    if value.dtype == np.int16:
        low = int(words[0]) & 0xFFFF
        return low + ((int(words[1]) & 0xFFFF) << 16 if len(words) > 1 else 0)
    return int(words[0]) if np.isfinite(words[0]) and 0 <= words[0] < 2**31 else None


def _layout(reader: TolerantReader) -> _Layout:
    """Find out how the samples are laid out, asking first the parameters, then the header, then the file's length."""
    header, notes = reader.header, reader.notes
    n_points = _count(reader, "POINT", "USED")
    if n_points is None:
        n_points = int(header.point_count)
    elif n_points != int(header.point_count):
        notes.append(f"POINT:USED is {n_points}, the header says {int(header.point_count)}; POINT:USED is used")
    scale = _number(reader, "POINT", "SCALE")
    if scale is None or scale == 0:
        scale = header.scale_factor
    elif scale > 0 and header.scale_factor > 0 and not np.isclose(scale, header.scale_factor, rtol=1e-5):
        # In the one known file of this kind (an old Motion Analysis export) only the header gives a human size.
        notes.append(f"POINT:SCALE is {scale:g}, the header says {header.scale_factor:g}; the header is used")
        scale = header.scale_factor
    if not np.isfinite(scale) or scale == 0 or abs(scale) > 1e6:
        raise SectionError(f"the scale of the points is {scale:g}")
    rate = _number(reader, "POINT", "RATE")
    if rate is None or not 0 < rate < _MAX_RATE:
        rate = header.frame_rate
    elif not np.isclose(rate, header.frame_rate, rtol=1e-4):
        notes.append(f"POINT:RATE is {rate:g} Hz, the header says {header.frame_rate:g} Hz; POINT:RATE is used")
    if not np.isfinite(rate) or not 0 < rate < _MAX_RATE:
        raise SectionError(f"the frame rate is {rate:g} Hz")
    first, promised = _promised_frames(reader)
    start = (int(header.data_block) - 1) * BLOCK
    if start < BLOCK:
        block = _count(reader, "POINT", "DATA_START") or 0
        start = (block - 1) * BLOCK
    if start < BLOCK or start >= len(reader.data):
        raise SectionError(f"the samples should begin at byte {max(start, 0)}, the file ends at {len(reader.data)}")
    room = len(reader.data) - start
    word = 4 if scale < 0 else 2
    n_analog, per_frame = _analog_layout(reader, n_points, rate, promised, room, word)
    frame_bytes = (4 * n_points + n_analog * per_frame) * word
    if frame_bytes == 0:
        raise SectionError("the file declares neither points nor analog channels")
    available = room // frame_bytes
    n_frames = min(promised, available) if promised > 0 else available
    if n_frames == 0:
        raise SectionError(
            f"one frame takes {frame_bytes} bytes, the file holds {room} bytes of samples: it is cut off"
        )
    if n_frames < promised:
        notes.append(f"the file promises {promised} frames and holds {n_frames}: it is cut off, the rest is missing")
    return _Layout(n_points, n_analog, per_frame, float(rate), float(scale), first, n_frames, start)


def _promised_frames(reader: TolerantReader) -> tuple[int, int]:
    """First frame and number of frames; the 16 bits of the header do not suffice for a long recording."""
    header = reader.header
    first, last = int(header.first_frame), int(header.last_frame)
    start, end = _field(reader, "ACTUAL_START_FIELD"), _field(reader, "ACTUAL_END_FIELD")
    count = last - first + 1
    if start is not None and end is not None and end >= start and (count <= 0 or last == 0xFFFF or end > 0xFFFF):
        return start, end - start + 1
    longer = _count(reader, "POINT", "LONG_FRAMES") or _count(reader, "POINT", "FRAMES") or 0
    if count <= 0 or (last == 0xFFFF and longer > count):
        count = longer
    return first, count


def _analog_layout(
    reader: TolerantReader, n_points: int, rate: float, promised: int, room: int, word: int
) -> tuple[int, int]:
    """Analog channels and samples a frame; where header and parameters disagree, the file's length decides."""
    header = reader.header
    used = _count(reader, "ANALOG", "USED")
    total, per_frame = int(header.analog_count), int(header.analog_per_frame)
    if used is None:
        used = total // per_frame if per_frame else total
    analog_rate = _number(reader, "ANALOG", "RATE")
    candidates = [(used, per_frame)]
    if analog_rate and 0 < analog_rate < _MAX_RATE:
        candidates.append((used, max(round(analog_rate / rate), 1)))
    if used and total % used == 0:
        candidates.append((used, total // used))
    candidates = [c for c in candidates if c[0] * c[1] > 0]
    if used == 0 or not candidates:
        return 0, 0
    if len(set(candidates)) == 1:
        return candidates[0]

    def misfit(candidate: tuple[int, int]) -> tuple[int, int]:
        """Bytes missing, then whole blocks left over."""
        needed = promised * (4 * n_points + candidate[0] * candidate[1]) * word
        return max(needed - room, 0), max(room - needed, 0) // BLOCK

    best = min(candidates, key=misfit)
    reader.notes.append(
        f"header and parameters disagree on the analog samples a frame ({', '.join(str(c[1]) for c in candidates)}); "
        f"{best[1]} fits the length of the file"
    )
    return best


def _frames(
    reader: TolerantReader, layout: _Layout
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
    if not real and _text_of(reader, "ANALOG", "FORMAT").upper() == "UNSIGNED":
        analog = np.where(analog < 0, analog + 65536, analog)
    return points, residual, analog.reshape(n * layout.per_frame, layout.n_analog)


def _scale_analog(reader: TolerantReader, raw: NDArray[np.float64], layout: _Layout) -> NDArray[np.float64]:
    """(sample - OFFSET) * SCALE * GEN_SCALE."""
    if layout.n_analog == 0:
        return raw
    general = _number(reader, "ANALOG", "GEN_SCALE")
    scale = _joined(reader, "ANALOG", "SCALE", layout.n_analog, 1.0)
    offset = _joined(reader, "ANALOG", "OFFSET", layout.n_analog, 0.0)
    if _text_of(reader, "ANALOG", "FORMAT").upper() == "UNSIGNED":
        offset = np.where(offset < 0, offset + 65536, offset)
    with np.errstate(over="ignore", invalid="ignore"):
        raw -= offset
        raw *= scale * (1.0 if general is None else general)
    return raw


def _concatenated(reader: TolerantReader, group: str, name: str) -> NDArray[np.float64]:
    values = reader.values.get(group, {})
    parts = [values.get(name)] + [values.get(f"{name}{i}") for i in range(2, 10)]
    numbers = [np.asarray(p, dtype=np.float64).ravel() for p in parts if isinstance(p, np.ndarray)]
    return np.concatenate(numbers) if numbers else np.zeros(0)


def _joined(reader: TolerantReader, group: str, name: str, n: int, default: float) -> NDArray[np.float64]:
    """An array parameter with its continuations (SCALE, SCALE2, ...), padded to n values."""
    joined = _concatenated(reader, group, name)[:n]
    if 0 < len(joined) < n:
        reader.notes.append(
            f"{group}:{name} has {len(joined)} values for {n} channels; {default:g} is used for the rest"
        )
    return np.concatenate([joined, np.full(n - len(joined), default)])


def _text_of(reader: TolerantReader, group: str, name: str) -> str:
    value = reader.values.get(group, {}).get(name, "")
    if isinstance(value, list):
        value = value[0] if value else ""
    return value.strip() if isinstance(value, str) else ""


def _text_list(reader: TolerantReader, group: str, name: str) -> list[str]:
    values = reader.values.get(group, {})
    texts: list[str] = []
    for key in [name] + [f"{name}{i}" for i in range(2, 10)]:
        value = values.get(key)
        if isinstance(value, list):
            texts += value
        elif isinstance(value, str) and value:
            texts.append(value)
    return texts


def _length_unit(reader: TolerantReader, layout: _Layout, path: str | Path) -> str:
    text = _text_of(reader, "POINT", "UNITS").lower()
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
    labels = _text_list(reader, group, "LABELS")[:n]
    if len(labels) < n:
        reader.notes.append(f"{group} has {n} {kind}s and {len(labels)} labels; the others are named by number")
        labels += [f"{kind}{i + 1}" for i in range(len(labels), n)]
    return [label or f"{kind}{i + 1}" for i, label in enumerate(labels)]


def _is_output(reader: TolerantReader, names: list[str]) -> NDArray[np.bool_]:
    """Model outputs among the points: those the file lists as such, or whose label ends like one."""
    listed: set[str] = set()
    for name in _OUTPUT_LISTS[:-1]:
        listed.update(_text_list(reader, "POINT", name))
    return np.array([name in listed or bool(_OUTPUT_LABEL.search(name)) for name in names], dtype=bool)


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


def _event_kind(label: str) -> str:
    text = re.sub(r"[^a-z]", "", label.lower())
    if re.search(r"strike|contact|(^|[lr])(hs|fs|ic|fc)$", text) and "off" not in text:
        return "heel_strike"
    if re.search(r"off|(^|[lr])(to|fo)$", text):
        return "toe_off"
    return "other"


def _event_side(label: str, context: str) -> str:
    for text in (context, label):
        word = text.strip().lower()
        if word.startswith("right") or word in ("r", "rhs", "rto", "rfs", "rfo", "ric", "rfc"):
            return "r"
        if word.startswith("left") or word in ("l", "lhs", "lto", "lfs", "lfo", "lic", "lfc"):
            return "l"
        if re.match(r"[rl][_ .-]", word):
            return word[0]
    return ""


def _events(reader: TolerantReader, layout: _Layout) -> tuple[C3DEvent, ...]:
    """Events of the EVENT group, else of the header, on the clock of the file's first frame.

    TIMES holds minutes and seconds, as 2 x N or as one flat row; it counts from frame 1 of the recording.
    """
    labels = _text_list(reader, "EVENT", "LABELS")
    contexts = _text_list(reader, "EVENT", "CONTEXTS")
    times = _concatenated(reader, "EVENT", "TIMES")[: 2 * len(labels)]
    raw: list[tuple[str, str, float]] = []
    for i, label in enumerate(labels[: len(times) // 2]):
        seconds = 60.0 * times[2 * i] + times[2 * i + 1]
        raw.append((label, contexts[i] if i < len(contexts) else "", float(seconds)))
    if not raw:
        raw = [(str(name).strip("\0 "), "", float(time)) for time, name in reader.header.events]
    raw = [event for event in raw if np.isfinite(event[2])]
    if not raw:
        return ()
    start, length = (layout.first_frame - 1) / layout.rate, (layout.n_frames + 1) / layout.rate
    seconds = np.array([event[2] for event in raw])
    absolute = np.mean((seconds >= start - 1 / layout.rate) & (seconds <= start + length))
    relative = np.mean(seconds <= length)
    if relative > absolute:
        reader.notes.append("event times count from the first frame in the file, not from frame 1 of the recording")
        start = 0.0
    found = [C3DEvent(label, _event_side(label, ctx), _event_kind(label), t - start) for label, ctx, t in raw]
    return tuple(sorted(found, key=lambda event: event.time))


def _platforms(
    reader: TolerantReader, factor: float, analog_units: tuple[str, ...], n_analog: int
) -> tuple[PlateSpec, ...]:
    """Plates whose type, corners and channels are all there and finite."""
    group, notes = reader.values.get("FORCE_PLATFORM", {}), reader.notes

    def array(name: str) -> NDArray[np.float64]:
        value = group.get(name)
        return np.asarray(value, dtype=np.float64) if isinstance(value, np.ndarray) else np.zeros(0)

    types = array("TYPE").ravel()
    used = _count(reader, "FORCE_PLATFORM", "USED")
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
                moment_scale=_moment_scale(analog_units, channel, kind, factor),
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


def _moment_scale(units: tuple[str, ...], channel: tuple[int, ...], kind: int, factor: float) -> float:
    """Newton metres a unit of moment: by the unit of the moment channel, else that of the file's lengths."""
    if kind in (1, 2):
        text = re.sub(r"[^a-z]", "", units[channel[5]].lower())
        if text.endswith("mm"):
            return 1e-3
        if text in ("nm", "newtonmeters", "newtonmetres"):
            return 1.0
    return factor
