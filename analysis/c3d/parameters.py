"""Parameters of a C3D file, read so that odd shapes and types end in one value or none."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .sections import TolerantReader


def number_of(reader: TolerantReader, group: str, name: str) -> float | None:
    """A finite scalar parameter, or ``None``."""
    value = reader.values.get(group, {}).get(name)
    if not isinstance(value, np.ndarray) or value.size == 0:
        return None
    number = float(value.ravel()[0])
    return number if np.isfinite(number) else None


def count_of(reader: TolerantReader, group: str, name: str) -> int | None:
    """A count, which the file stores as a 16-bit integer without sign, or as a float."""
    value = reader.values.get(group, {}).get(name)
    number = number_of(reader, group, name)
    if number is None or not isinstance(value, np.ndarray):
        return None
    if value.dtype == np.int16:
        return int(number) & 0xFFFF
    return int(number) if 0 <= number < 2**31 else None


def field_of(reader: TolerantReader, name: str) -> int | None:
    """A frame number that TRIAL stores as two 16-bit words, or as one float."""
    value = reader.values.get("TRIAL", {}).get(name)
    if not isinstance(value, np.ndarray) or value.size == 0:
        return None
    words = value.ravel()
    if value.dtype == np.int16:
        low = int(words[0]) & 0xFFFF
        return low + ((int(words[1]) & 0xFFFF) << 16 if len(words) > 1 else 0)
    return int(words[0]) if np.isfinite(words[0]) and 0 <= words[0] < 2**31 else None


def concatenated(reader: TolerantReader, group: str, name: str) -> NDArray[np.float64]:
    """An array parameter with all its continuations (ORIGIN, ORIGIN2, ...), flat."""
    values = reader.values.get(group, {})
    parts = [values.get(name)] + [values.get(f"{name}{i}") for i in range(2, 10)]
    numbers = [np.asarray(p, dtype=np.float64).ravel() for p in parts if isinstance(p, np.ndarray)]
    return np.concatenate(numbers) if numbers else np.zeros(0)


def array_of(reader: TolerantReader, group: str, name: str, n: int, default: float) -> NDArray[np.float64]:
    """An array parameter with its continuations (SCALE, SCALE2, ...), padded to n values."""
    joined = concatenated(reader, group, name)[:n]
    if 0 < len(joined) < n:
        reader.notes.append(
            f"{group}:{name} has {len(joined)} values for {n} channels; {default:g} is used for the rest"
        )
    return np.concatenate([joined, np.full(n - len(joined), default)])


def text_of(reader: TolerantReader, group: str, name: str) -> str:
    """A text parameter without padding; empty where there is none."""
    value = reader.values.get(group, {}).get(name, "")
    if isinstance(value, list):
        value = value[0] if value else ""
    return value.strip() if isinstance(value, str) else ""


def text_list(reader: TolerantReader, group: str, name: str) -> list[str]:
    """A list of texts with all its continuations (LABELS, LABELS2, ...)."""
    values = reader.values.get(group, {})
    texts: list[str] = []
    for key in [name] + [f"{name}{i}" for i in range(2, 10)]:
        value = values.get(key)
        if isinstance(value, list):
            texts += value
        elif isinstance(value, str) and value:
            texts.append(value)
    return texts
