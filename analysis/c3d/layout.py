"""Where points and analog samples lie in a C3D file, and how many of them there really are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .parameters import count_of, field_of, number_of
from .sections import BLOCK, SectionError, TolerantReader

_MAX_RATE = 1e6


@dataclass(frozen=True)
class Layout:
    """Where the samples lie in the file."""

    n_points: int
    n_analog: int
    per_frame: int
    rate: float
    scale: float
    first_frame: int
    n_frames: int
    start: int


def find_layout(reader: TolerantReader) -> Layout:
    """Find out how the samples are laid out, asking first the parameters, then the header, then the file's length."""
    header, notes = reader.header, reader.notes
    n_points = count_of(reader, "POINT", "USED")
    if n_points is None:
        n_points = int(header.point_count)
    elif n_points != int(header.point_count):
        notes.append(f"POINT:USED is {n_points}, the header says {int(header.point_count)}; POINT:USED is used")
    scale = number_of(reader, "POINT", "SCALE")
    if scale is None or scale == 0:
        scale = header.scale_factor
    elif scale > 0 and header.scale_factor > 0 and not np.isclose(scale, header.scale_factor, rtol=1e-5):
        # In the one known file of this kind (an old Motion Analysis export) only the header gives a human size.
        notes.append(f"POINT:SCALE is {scale:g}, the header says {header.scale_factor:g}; the header is used")
        scale = header.scale_factor
    if not np.isfinite(scale) or scale == 0 or abs(scale) > 1e6:
        raise SectionError(f"the scale of the points is {scale:g}")
    rate = number_of(reader, "POINT", "RATE")
    if rate is None or not 0 < rate < _MAX_RATE:
        rate = header.frame_rate
    elif not np.isclose(rate, header.frame_rate, rtol=1e-4):
        notes.append(f"POINT:RATE is {rate:g} Hz, the header says {header.frame_rate:g} Hz; POINT:RATE is used")
    if not np.isfinite(rate) or not 0 < rate < _MAX_RATE:
        raise SectionError(f"the frame rate is {rate:g} Hz")
    first, promised = _promised_frames(reader)
    start = (int(header.data_block) - 1) * BLOCK
    if start < BLOCK:
        block = count_of(reader, "POINT", "DATA_START") or 0
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
    return Layout(n_points, n_analog, per_frame, float(rate), float(scale), first, n_frames, start)


def _promised_frames(reader: TolerantReader) -> tuple[int, int]:
    """First frame and number of frames; the 16 bits of the header do not suffice for a long recording."""
    header = reader.header
    first, last = int(header.first_frame), int(header.last_frame)
    start, end = field_of(reader, "ACTUAL_START_FIELD"), field_of(reader, "ACTUAL_END_FIELD")
    count = last - first + 1
    if start is not None and end is not None and end >= start and (count <= 0 or last == 0xFFFF or end > 0xFFFF):
        return start, end - start + 1
    longer = count_of(reader, "POINT", "LONG_FRAMES") or count_of(reader, "POINT", "FRAMES") or 0
    if count <= 0 or (last == 0xFFFF and longer > count):
        count = longer
    return first, count


def _analog_layout(
    reader: TolerantReader, n_points: int, rate: float, promised: int, room: int, word: int
) -> tuple[int, int]:
    """Analog channels and samples a frame; where header and parameters disagree, the file's length decides."""
    header = reader.header
    used = count_of(reader, "ANALOG", "USED")
    total, per_frame = int(header.analog_count), int(header.analog_per_frame)
    if used is None:
        used = total // per_frame if per_frame else total
    analog_rate = number_of(reader, "ANALOG", "RATE")
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
