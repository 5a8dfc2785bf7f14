"""The header and the parameter section of a C3D file, read so that a damaged or unusual file cannot hurt.

The ``c3d`` package decodes the header and knows the processor formats. It gives up, however, on files that other
software reads: it asserts that the header repeats what the parameters say, it refuses a parameter that occurs twice,
and it follows every offset and count that it finds. :class:`TolerantReader` replaces exactly these steps: the walk
along the parameter chain stays inside the file, a repeated parameter is noted, and a contradiction becomes a note.

Source: the C3D File Format user guide, 2008 (www.c3d.org), sections on header and parameters.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from typing import Any

import c3d
import numpy as np
from numpy.typing import NDArray

BLOCK = 512
"""Bytes in a C3D block."""
MAX_DIMENSIONS = 7
"""The format allows up to seven dimensions in a parameter."""
_PROCESSORS = {84: "Intel", 85: "DEC", 86: "SGI/MIPS"}

Value = str | list[str] | NDArray[Any]
"""A parameter's value: text, a list of texts, or an array whose axes are in C order (the file stores them reversed)."""


class SectionError(ValueError):
    """The header or the parameter section cannot be followed; the message says why."""


def decode_float(raw: bytes | memoryview, processor: str) -> NDArray[np.float32]:
    """Decode 32-bit floats of any of the three processor formats.

    A VAX (DEC) F-float stores its two 16-bit words in swapped order and has an exponent bias that makes it four times
    the IEEE number of the same bits; its zero has exponent 0 whatever the fraction holds.

    Args:
        raw: The bytes, a multiple of four.
        processor: ``"Intel"``, ``"DEC"`` or ``"SGI/MIPS"``.

    Returns:
        The numbers, shape (len(raw) / 4,).
    """
    if processor != "DEC":
        # Times one: a damaged file may hold signalling NaNs, which would complain at every later conversion.
        with np.errstate(invalid="ignore"):
            return np.frombuffer(raw, "<f4" if processor == "Intel" else ">f4") * np.float32(1.0)
    words = np.frombuffer(raw, "<u2").astype(np.uint32)
    bits = (words[0::2] << 16) | words[1::2]
    with np.errstate(invalid="ignore"):
        value = bits.view(np.float32) * np.float32(0.25)
    value[(bits & 0x7F800000) == 0] = 0.0
    # The largest VAX exponent is the IEEE code of infinity: decode these (real but huge) numbers in double precision.
    top = (bits & 0x7F800000) == 0x7F800000
    if top.any():
        huge = (1.0 + (bits[top] & 0x7FFFFF) / 2.0**23) * 2.0**126
        value[top] = np.where(bits[top] >> 31, -huge, huge)
    return value


def decode_int16(raw: bytes | memoryview, processor: str, *, unsigned: bool = False) -> NDArray[Any]:
    """Decode 16-bit integers in the file's byte order.

    Args:
        raw: The bytes, a multiple of two.
        processor: As in :func:`decode_float`.
        unsigned: Read them as 0..65535.

    Returns:
        The numbers, shape (len(raw) / 2,).
    """
    return np.frombuffer(raw, (">" if processor == "SGI/MIPS" else "<") + ("u2" if unsigned else "i2"))


class TolerantReader(c3d.Reader):
    """``c3d.Reader`` for files as they are: bounded, and with notes in place of assertions.

    Args:
        data: The whole file.

    Attributes:
        processor: ``"Intel"``, ``"DEC"`` or ``"SGI/MIPS"``.
        values: Group name to parameter name to :data:`Value`, names in upper case.
        notes: What was odd, in words.

    Raises:
        SectionError: Not a C3D file, or cut off inside its header.
    """

    def __init__(self, data: bytes) -> None:
        if len(data) < BLOCK:
            raise SectionError(f"a C3D file begins with a header of {BLOCK} bytes, this one holds {len(data)} bytes")
        if data[1] != 0x50:
            raise SectionError(f"the second byte of a C3D file is 0x50, here it is 0x{data[1]:02x}")
        self.data = data
        self.notes: list[str] = []
        self.values: dict[str, dict[str, Value]] = {}
        c3d.c3d.Manager.__init__(self, c3d.c3d.Header(io.BytesIO(data[:BLOCK])))
        self._handle = io.BytesIO(data)
        start = (int(self._header.parameter_block) - 1) * BLOCK
        if start < 0 or start + 4 > len(data):
            raise SectionError(
                f"the header puts the parameters at block {self._header.parameter_block}, outside the file"
            )
        self._read_processor(start)
        self._read_header()
        self._read_parameters(start)

    def _read_processor(self, start: int) -> None:
        code = self.data[start + 3]
        if code not in _PROCESSORS:
            # Some writers leave these four bytes empty; a little-endian header tells the two families apart.
            little = struct.unpack_from("<H", self.data, 2)[0]
            big = struct.unpack_from(">H", self.data, 2)[0]
            guess = 86 if big < little else 84
            self.notes.append(f"processor type {code} is none of 84, 85, 86; read as {_PROCESSORS[guess]}")
            code = guess
        self.processor = _PROCESSORS[code]
        self._dtypes = c3d.c3d.DataTypes(code)

    def _read_header(self) -> None:
        """Let the package convert the header, except its floats (its DEC zero is -1.7e38) and broken event tables."""
        try:
            self._header._processor_convert(self._dtypes, self._handle)
        except (IndexError, struct.error):
            self._header.event_count = 0
            self._header.event_timings = np.zeros(0)
            self._header.event_disp_flags = np.zeros(0, dtype=bool)
            self._header.event_labels = np.zeros(0, dtype=object)
            self.notes.append("the header promises more events than it can hold; header events are left out")
        self._header.scale_factor = float(decode_float(self.data[12:16], self.processor)[0])
        self._header.frame_rate = float(decode_float(self.data[20:24], self.processor)[0])

    def _read_parameters(self, start: int) -> None:
        promised = self.data[start + 2]
        # A zero or too small block count is common; the chain itself says where it ends. The data block bounds it.
        end = len(self.data)
        data_start = (int(self._header.data_block) - 1) * BLOCK
        if data_start > start:
            end = min(end, data_start)
        names: dict[int, str] = {}
        pending: list[tuple[int, str, Value]] = []
        for number, name, body in self._chain(start + 4, end, promised):
            if number < 0:
                names.setdefault(-number, name)
                continue
            value = self._parameter_value(name, body)
            if value is not None:
                pending.append((number, name, value))
        for number, name, value in pending:
            group = self.values.setdefault(names.get(number, f"GROUP{number}"), {})
            if name in group:
                self.notes.append(f"parameter {names.get(number, number)}:{name} occurs twice; the first is used")
                continue
            group[name] = value
        for name in names.values():
            self.values.setdefault(name, {})

    def _chain(self, at: int, end: int, promised: int) -> Iterator[tuple[int, str, memoryview]]:
        """Follow the linked list of groups and parameters, never backwards and never past ``end``."""
        view = memoryview(self.data)
        while at + 4 <= end:
            n_name, number = struct.unpack_from("bb", self.data, at)
            length = abs(n_name)  # a negative length marks a locked record
            if n_name == 0 or number == 0:
                return
            name_at, offset_at = at + 2, at + 2 + length
            if offset_at + 2 > end:
                self.notes.append("the parameter section is cut off inside a name")
                return
            name = bytes(view[name_at:offset_at]).decode("latin-1").strip().upper()
            if not name.isprintable():
                self.notes.append(f"the parameter section is corrupt after {at} bytes; what came before is used")
                return
            (offset,) = struct.unpack_from(">h" if self.processor == "SGI/MIPS" else "<h", self.data, offset_at)
            stop = offset_at + offset if offset > 0 else end
            if stop > end:
                self.notes.append(f"parameter {name} reaches beyond the parameter section")
            yield number, name, view[offset_at + 2 : max(min(stop, end), offset_at + 2)]
            if offset <= 0:
                if offset < 0:
                    self.notes.append(f"record {name} points backwards; the parameters after it are lost")
                return
            at = stop

    def _parameter_value(self, name: str, body: memoryview) -> Value | None:
        if len(body) < 2:
            self.notes.append(f"parameter {name} is empty")
            return None
        kind, n_dimensions = struct.unpack_from("bB", body)
        if n_dimensions > MAX_DIMENSIONS or kind not in (-1, 1, 2, 4) or len(body) < 2 + n_dimensions:
            self.notes.append(f"parameter {name} has an impossible type or shape and is left out")
            return None
        shape = [int(d) for d in body[2 : 2 + n_dimensions]]
        count = 1
        for size in shape:
            count *= size
        raw = body[2 + n_dimensions :]
        if count * abs(kind) > len(raw):
            self.notes.append(f"parameter {name} promises {count} values, the file holds {len(raw) // abs(kind)}")
            count = len(raw) // abs(kind)
            if kind == -1 and len(shape) == 2 and shape[0]:
                shape = [shape[0], count // shape[0]]
                count = shape[0] * shape[1]
            else:
                shape = [count]
        raw = raw[: count * abs(kind)]
        if kind == -1:
            return _texts(bytes(raw), shape)
        if kind == 4:
            return decode_float(raw, self.processor).reshape(shape[::-1])
        if kind == 2:
            return decode_int16(raw, self.processor).astype(np.int16).reshape(shape[::-1])
        return np.frombuffer(raw, np.int8).reshape(shape[::-1])


def _texts(raw: bytes, shape: list[int]) -> str | list[str]:
    """Cut a block of characters into its strings; blanks and zero bytes pad each."""
    if len(shape) < 2:
        return _text(raw)
    width = shape[0]
    if width == 0:
        return []
    return [_text(raw[i : i + width]) for i in range(0, len(raw), width)]


def _text(raw: bytes) -> str:
    raw = raw.split(b"\0", 1)[0].strip() if raw.strip(b"\0 ") else b""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1")
