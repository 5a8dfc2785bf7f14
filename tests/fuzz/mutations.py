"""One thing wrong with a file: a number, a type, a shape, a byte, a header, the end."""

from __future__ import annotations

import io
import json
import struct
import zipfile
from collections.abc import Callable
from typing import Any

import numpy as np

Rng = np.random.Generator
Arrays = dict[str, np.ndarray]

_WHOLE = (-(2**63), -(2**31), -1000, -2, -1, 0, 1, 2, 3, 5, 7, 23, 100, 1000, 10**6, 2**31, 2**40, 2**63 - 1)
_REAL = (np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0, -1.0, 1e-308, 1e308, -1e308, 1e9, -1e9)
_JSON = (
    None,
    True,
    -1,
    0,
    1,
    10**30,
    -0.5,
    1e308,
    "",
    "x",
    "../../x",
    [],
    {},
    [[]],
    [None],
    {"a": 1},
    "nan",
    "\u0000",
    0.1,
)
_TYPES = ("<f4", ">f8", "<i4", ">i8", "<i1", "<u8", "?", "<c16", "<U4", "S4", "V8", "<f2", "<M8[s]")


def pick(rng: Rng, choices: Any) -> Any:
    """One of several."""
    return choices[int(rng.integers(len(choices)))]


# -- arrays of an .npz ------------------------------------------------------------------------------------------------


def change_number(arrays: Arrays, rng: Rng) -> None:
    """Another number in one entry of one array."""
    name = pick(rng, [name for name, array in arrays.items() if array.size and array.dtype.kind in "biuf"])
    array = arrays[name] = arrays[name].copy()
    place = int(rng.integers(array.size))
    value = array.flat[place]
    if array.dtype.kind == "f":
        other = pick(rng, (*_REAL, -value, value * 1.001 + 1e-6, value + 1.0))
    elif array.dtype.kind == "b":
        other = not value
    else:
        info = np.iinfo(array.dtype)
        near = (int(value) + 1, int(value) - 1, int(array.max()) + 1, int(array.min()) - 1, -int(value))
        other = int(np.clip(pick(rng, (*_WHOLE, *near)), info.min, info.max))
    with np.errstate(over="ignore"):
        array.flat[place] = other


def change_type(arrays: Arrays, rng: Rng) -> None:
    """Another type of one array."""
    name = pick(rng, list(arrays))
    try:
        with np.errstate(all="ignore"):
            arrays[name] = arrays[name].astype(pick(rng, _TYPES))
    except (ValueError, TypeError):
        arrays[name] = np.zeros(arrays[name].shape, pick(rng, _TYPES))


def change_shape(arrays: Arrays, rng: Rng) -> None:
    """Another shape of one array: shorter, longer, flat, turned, with an axis more, empty."""
    name = pick(rng, list(arrays))
    array = arrays[name]
    rows = np.atleast_1d(array)
    arrays[name] = pick(rng, (
        lambda: rows[:-1], lambda: rows[1:], lambda: np.concatenate([rows, rows[-1:]]), lambda: rows[:0],
        lambda: np.concatenate([rows, rows]), lambda: rows.ravel(), lambda: rows.T, lambda: rows[None],
        lambda: rows[..., None], lambda: rows.reshape(-1)[:1].reshape(()) if rows.size else rows,
        lambda: np.resize(rows, 100_000), lambda: rows[::-1],
    ))()  # fmt: skip


def change_table(arrays: Arrays, rng: Rng) -> None:
    """One array gone, under another name, in the place of another, or all rows of several cut alike."""
    name, other = pick(rng, list(arrays)), pick(rng, list(arrays))
    action = int(rng.integers(4))
    if action == 0:
        del arrays[name]
    elif action == 1:
        arrays["x" + name] = arrays.pop(name)
    elif action == 2:
        arrays[name], arrays[other] = arrays[other], arrays[name]
    else:
        length = len(np.atleast_1d(arrays[name]))
        for key, array in arrays.items():
            if array.ndim and len(array) == length:
                arrays[key] = array[:-1]


def pack(arrays: Arrays, packed: dict[str, bytes], original: Arrays) -> bytes:
    """An .npz of arrays, those that are as they were from their packed bytes."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, array in arrays.items():
            same = array is original.get(name)
            archive.writestr(zipfile.ZipInfo(name + ".npy"), packed[name] if same else packed_array(array))
    return stream.getvalue()


def packed_array(array: np.ndarray) -> bytes:
    """The bytes of an .npy file."""
    stream = io.BytesIO()
    np.lib.format.write_array(stream, array, allow_pickle=array.dtype.kind == "O")
    return stream.getvalue()


def header_edit(arrays: Arrays, packed: dict[str, bytes], rng: Rng) -> bytes:
    """An .npz in which one array's header lies about type, order or shape; or with members of the same name."""
    name = pick(rng, list(arrays))
    data = packed[name]
    start = data.index(b"{")
    end = data.index(b"\n", start)
    header = data[start:end].decode("latin1")
    header = pick(rng, (
        lambda: header.replace("False", "True"),
        lambda: header.replace("(", "(10000000000, ", 1),
        lambda: header.replace("'shape': (", "'shape': (-1, "),
        lambda: header.replace("'shape': (", "'shape': (0, 99999999999999999999, "),
        lambda: header.replace("<f8", "|O").replace("<i8", "|O"),
        lambda: header.replace("<f8", "<i8") if "<f8" in header else header.replace("<i8", "<f8"),
        lambda: header.replace("8'", "4'"),
        lambda: "(" * 5000 + header,
        lambda: header.replace("'shape'", "'shade'"),
    ))().rstrip().encode("latin1")  # fmt: skip
    size = max(len(header) + 1, end + 1 - start)
    changed = data[: start - 2] + struct.pack("<H", min(size, 65535)) + header.ljust(size - 1) + b"\n" + data[end + 1 :]
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for key in arrays:
            archive.writestr(zipfile.ZipInfo(key + ".npy"), changed if key == name else packed[key])
    return stream.getvalue()


def bomb(arrays: Arrays, packed: dict[str, bytes], rng: Rng, size: int = 96 << 20) -> bytes:
    """A small .npz that becomes large: one array of zeros, deflated; sometimes with a wrong size in its directory."""
    name = pick(rng, list(arrays))
    head = io.BytesIO()
    np.lib.format.write_array_header_1_0(head, {"descr": "<f8", "fortran_order": False, "shape": (size // 8,)})
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for key in arrays:
            if key != name:
                archive.writestr(key + ".npy", packed[key])
        with archive.open(name + ".npy", "w") as member:
            member.write(head.getvalue())
            for _ in range(size >> 20):
                member.write(bytes(1 << 20))
    data = bytearray(stream.getvalue())
    if rng.random() < 0.5:
        place = data.rfind(b"PK\x01\x02")
        data[place + 24 : place + 28] = struct.pack("<I", int(pick(rng, (0, 80, 2**31, 2**32 - 1, 1 << 20))))
    return bytes(data)


def damage_archive(arrays: Arrays, packed: dict[str, bytes], whole: bytes, rng: Rng) -> tuple[str, bytes]:
    """One thing wrong with an .npz: what, and the file."""
    action = rng.random()
    edits: dict[str, Callable[[Arrays, Rng], None]] = {
        "number": change_number, "dtype": change_type, "shape": change_shape, "table": change_table,
    }  # fmt: skip
    for name, share in (("number", 0.60), ("dtype", 0.66), ("shape", 0.76), ("table", 0.80)):
        if action < share:
            changed = dict(arrays)
            edits[name](changed, rng)
            return name, pack(changed, packed, arrays)
    if action < 0.86:
        return "header", header_edit(arrays, packed, rng)
    if action < 0.862:
        return "bomb", bomb(arrays, packed, rng)
    return damage_bytes(whole, rng, tail=0.4)


# -- bytes and JSON ---------------------------------------------------------------------------------------------------


def damage_bytes(data: bytes, rng: Rng, *, head: float = 0.3, tail: float = 0.0) -> tuple[str, bytes]:
    """One byte, number, block or the end of a file wrong; headers at its begin or end are hit more often."""
    blob = bytearray(data)
    draw = rng.random()
    if draw < head:
        at = int(rng.integers(min(len(blob), 512)))
    elif draw < head + tail:
        at = len(blob) - 1 - int(rng.integers(min(len(blob), 4096)))
    else:
        at = int(rng.integers(len(blob)))
    action = rng.random()
    if action < 0.15:
        return "truncation", bytes(blob[:at])
    if action < 0.55:
        blob[at] ^= 1 << int(rng.integers(8))
        return "byte", bytes(blob)
    if action < 0.75:
        blob[at] = int(pick(rng, (0, 1, 127, 128, 255, int(rng.integers(256)))))
        return "byte", bytes(blob)
    if action < 0.85:
        blob[at : at + 4] = struct.pack("<I", int(pick(rng, (0, 1, 2**31 - 1, 2**31, 2**32 - 1, 70_000_000))))
        return "word", bytes(blob)
    length = int(rng.integers(1, 400))
    if action < 0.92:
        del blob[at : at + length]
    else:
        blob[at:at] = blob[at : at + length]
    return "block", bytes(blob)


def damage_json(text: str, rng: Rng) -> tuple[str, bytes]:
    """One value of a JSON file replaced, gone or out of place, or its text damaged."""
    if rng.random() < 0.25:
        return damage_bytes(text.encode(), rng)
    if rng.random() < 0.01:
        return "depth", (text[:-2] + ', "deep": ' + "[" * 100_000).encode()
    content = json.loads(text)
    node: Any = content
    while True:
        keys = list(node) if isinstance(node, dict) else list(range(len(node)))
        key = pick(rng, keys)
        if isinstance(node[key], dict | list) and node[key] and rng.random() < 0.8:
            node = node[key]
            continue
        break
    action = rng.random()
    value = node[key]
    if action < 0.15:
        del node[key]
    elif action < 0.25 and isinstance(node, list):
        node.insert(key, value)
    elif action < 0.35 and isinstance(node, dict):
        node["x" + key] = node.pop(key)
    elif isinstance(value, int | float) and not isinstance(value, bool) and rng.random() < 0.6:
        node[key] = pick(
            rng, (float("nan"), float("inf"), -value, value + 1, 1e300, 0, -1, 10**12, 2**63, value * 1.01)
        )
    else:
        node[key] = pick(rng, _JSON)
    return "value", json.dumps(content).encode()


def damage_tensors(data: bytes, rng: Rng) -> tuple[str, bytes]:
    """One thing wrong with a .safetensors file: its header's JSON, a number, or its bytes."""
    draw = rng.random()
    size = struct.unpack("<Q", data[:8])[0]
    if draw < 0.4:
        kind, header = damage_json(data[8 : 8 + size].decode(), rng)
        return f"header {kind}", struct.pack("<Q", len(header)) + header + data[8 + size :]
    if draw < 0.5:
        length = int(pick(rng, (0, 1, 2**31, 2**32, 2**63, 2**64 - 1, size - 1, size + 1, 10**8)))
        return "header size", struct.pack("<Q", length) + data[8:]
    if draw < 0.7:
        blob = bytearray(data)
        at = 8 + size + 4 * int(rng.integers((len(data) - 8 - size) // 4))
        with np.errstate(over="ignore"):
            blob[at : at + 4] = np.float32(pick(rng, _REAL)).tobytes()
        return "number", bytes(blob)
    return damage_bytes(data, rng)
