"""Strict reading of small YAML files: unknown keys, wrong types and numbers out of range are refused by name."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from exogait.data.errors import FileFormatError, InputError, UnknownNameError
from exogait.data.loading import read_yaml
from exogait.data.settings import as_float


def read_mapping(path: Path, allowed: Iterable[str], required: Iterable[str] = ()) -> dict[str, Any]:
    """Read a YAML file whose top level is a mapping with known keys.

    Raises:
        FileFormatError: Not valid YAML, not a mapping, or a required key is missing.
        UnknownNameError: A key that is not allowed.
    """
    content = read_yaml(path)
    check_keys(content, allowed, str(path))
    for key in required:
        if key not in content:
            raise FileFormatError(path, f"the field {key!r} is missing", f"add a line '{key}: ...'")
    return content


def check_keys(content: Mapping[Any, Any], allowed: Iterable[str], where: str) -> None:
    """Refuse a key that is not allowed, with the nearest that are."""
    allowed = set(allowed)
    for key in content:
        if key not in allowed:
            raise UnknownNameError("field", str(key), allowed, where)


def as_mapping(value: Any, field: str) -> dict[str, Any]:
    """Check that a value is a mapping with text keys."""
    if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
        raise InputError(field, value, "give a mapping of name: value")
    return value


def as_number(
    value: Any, field: str, *, minimum: float = -math.inf, maximum: float = math.inf, unit: str = ""
) -> float:
    """Check that a value is a finite number within bounds (both included)."""
    bounds = (
        f"give a number from {minimum:g} to {maximum:g}"
        if maximum < math.inf
        else f"give a number of at least {minimum:g}"
    )
    if minimum == -math.inf:
        bounds = "give a finite number"
    allowed = f"{bounds} {unit}".rstrip()
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(as_float(value)):
        raise InputError(field, value, allowed)
    if not minimum <= value <= maximum:
        raise InputError(field, value, allowed)
    return float(value)


def as_text(value: Any, field: str) -> str:
    """Check that a value is text."""
    if not isinstance(value, str):
        raise InputError(field, value, "give text")
    return " ".join(value.split())


def as_point(value: Any, field: str) -> tuple[float, float, float]:
    """Check that a value is three numbers."""
    if not isinstance(value, (list, tuple)) or len(value) != 3:
        raise InputError(field, value, "give three numbers, [x, y, z]")
    x, y, z = (as_number(part, field) for part in value)
    return x, y, z
