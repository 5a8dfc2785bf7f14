"""Frozen dataclasses from mappings and YAML files: unknown keys and wrong types are refused, with the nearest name."""

from __future__ import annotations

import dataclasses
import math
import types
import typing
from collections.abc import Mapping
from numbers import Real
from pathlib import Path
from typing import Any, TypeVar

from .errors import InputError, UnknownNameError
from .loading import read_yaml

T = TypeVar("T")

Range = tuple[float, float, str]
"""Lowest and highest value, and unit."""
SEED_RANGE: Range = (0, 2**32 - 1, "")
SPEED_RANGE: Range = (0.0, 10.0, "m/s")
"""Of walking."""
SAMPLES_RANGE: Range = (0, 1e15, "control steps")
"""How long a training is."""
STARTS_RANGE: Range = (1, 10_000, "")
"""Walks from different states."""
SECONDS_RANGE: Range = (0.02, 3600.0, "s")
"""Length of a walk, one control step at least."""
SETTLE_RANGE: Range = (0.0, 3600.0, "s")
"""Time after a start that does not count."""


def from_mapping(cls: type[T], values: Mapping[str, Any], *, where: str = "") -> T:
    """Build a dataclass from a mapping, recursively.

    Args:
        cls: A dataclass.
        values: Field names to values; mappings where a field is itself a dataclass.
        where: File or path of the setting, for messages.

    Raises:
        UnknownNameError: A key is no field of ``cls``.
        InputError: A value has the wrong type, or a required field is missing.
    """
    hints = typing.get_type_hints(cls)
    fields = {field.name: field for field in dataclasses.fields(cls) if field.init}  # type: ignore[arg-type]
    for key in values:
        if key not in fields:
            raise UnknownNameError("setting", key, fields, where)
    missing = [
        name
        for name, field in fields.items()
        if name not in values and field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
    ]
    if missing:
        raise InputError(f"{where}: {missing[0]}" if where else missing[0], None, "this setting is required")
    prefix = f"{where}: " if where else ""
    return cls(**{key: _convert(hints[key], value, f"{prefix}{key}") for key, value in values.items()})


def check_ranges(settings: object, ranges: Mapping[str, tuple[float, float, str]]) -> None:
    """Refuse numbers outside what a setting can mean; called at the end of a configuration's ``__post_init__``.

    Args:
        settings: A dataclass; numbers inside tuples and mappings count one by one, ``None`` is no number.
        ranges: Field to lowest, highest value (both allowed) and unit; what no unit has is ``""``.

    Raises:
        InputError: A number is not finite or outside its range, with its name and the range.

    Example:
        >>> from types import SimpleNamespace
        >>> check_ranges(SimpleNamespace(gamma=1.5), {"gamma": (0.0, 1.0, "")})
        Traceback (most recent call last):
        exogait.data.errors.InputError: gamma: 1.5 is not allowed; a number from 0 to 1
    """
    for name, (lowest, highest, unit) in ranges.items():
        value = getattr(settings, name)
        parts = value.values() if isinstance(value, Mapping) else value if isinstance(value, tuple | list) else (value,)
        part: Any
        for part in parts:
            # Written so that NaN fails; a bool is a number to Python and none to a user.
            if part is not None and (
                isinstance(part, bool) or not isinstance(part, Real) or not lowest <= as_float(part) <= highest
            ):
                raise InputError(name, value, f"a number from {lowest:g} to {highest:g}{unit and ' '}{unit}")


def as_float(value: Any) -> float:
    """A number as a float; one of more than 308 digits is infinite."""
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def load_settings(cls: type[T], path: str | Path) -> T:
    """Read a YAML file into a dataclass; see :func:`from_mapping`."""
    return from_mapping(cls, read_yaml(path), where=str(path))


def _convert(hint: Any, value: Any, where: str) -> Any:
    if hint is Any:
        return value
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        if value is None and type(None) in arguments:
            return None
        options = [option for option in arguments if option is not type(None)]
        problem: Exception | None = None
        for option in options:
            try:
                return _convert(option, value, where)
            except InputError as error:
                problem = error
        raise problem or InputError(where, value, "no type fits")
    if origin is typing.Literal:
        if value not in arguments:
            raise InputError(where, value, f"allowed: {', '.join(map(str, arguments))}")
        return value
    if origin in (tuple, list):
        if not isinstance(value, list | tuple):
            raise InputError(where, value, "a list is expected")
        if origin is tuple and arguments and arguments[-1] is not Ellipsis:
            if len(value) != len(arguments):
                raise InputError(where, value, f"a list of {len(arguments)} values is expected")
            return tuple(_convert(a, v, where) for a, v in zip(arguments, value, strict=True))
        return origin(_convert(arguments[0], v, f"{where}[{i}]") if arguments else v for i, v in enumerate(value))
    if origin is dict:
        if not isinstance(value, Mapping):
            raise InputError(where, value, "a mapping is expected")
        return {key: _convert(arguments[1], item, f"{where}: {key}") for key, item in value.items()}
    if dataclasses.is_dataclass(hint):
        if not isinstance(value, Mapping):
            raise InputError(where, value, "a mapping of settings is expected")
        return from_mapping(hint, value, where=where)  # type: ignore[arg-type]
    if hint is float and isinstance(value, int | float) and not isinstance(value, bool):
        return as_float(value)
    if hint is float and isinstance(value, str):
        try:
            return float(value)  # YAML 1.1 reads 3e-4 as text
        except ValueError:
            raise InputError(where, value, "a number is expected") from None
    if hint is Path and isinstance(value, str):
        return Path(value)
    if isinstance(hint, type) and (not isinstance(value, hint) or (hint is int and isinstance(value, bool))):
        raise InputError(where, value, f"expected {hint.__name__}")
    return value
