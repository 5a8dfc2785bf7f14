"""Who walked, as a C3D file states it: body, age, sex, affected side and diagnosis.

Plug-in Gait writes ``PROCESSING:BODYMASS`` (kg) and ``HEIGHT`` (mm). Others keep a list in a group ``SUBJECT``, with
``LABELS``, ``VALUES`` and ``UNITS``, or a parameter a fact. A fact without a unit that is known, or that no person can
have, is not taken.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal

import numpy as np

from .reader import C3DFile, read_c3d

AffectedSide = Literal["left", "right", "both"]
_GROUPS = ("SUBJECT", "SUBJECTS", "PERSON", "PATIENT")
_PROCESSING_UNITS = {"mass": "kg", "height": "mm"}
"""Of Plug-in Gait, which states none."""
_NAMES = {
    "mass": ("BODYMASS", "MASS", "WEIGHT", "BODYWEIGHT"), "height": ("HEIGHT", "BODYHEIGHT", "STATURE"),
    "age": ("AGE",), "sex": ("SEX", "GENDER"), "side": ("SIDE", "AFFECTEDSIDE", "PARETICSIDE"),
    "diagnosis": ("DIAGNOSIS",),
}  # fmt: skip
_UNITS = {
    "mass": {"kg": 1.0}, "height": {"m": 1.0, "cm": 1e-2, "mm": 1e-3},
    "age": {"years": 1.0, "year": 1.0, "y": 1.0, "a": 1.0, "yr": 1.0, "yrs": 1.0},
}  # fmt: skip
_POSSIBLE = {"mass": (2.0, 400.0), "height": (0.4, 2.6), "age": (0.0, 130.0)}
"""What a person can have, kg, m, years; an empty field is often 0."""
_SEXES = {"male": "male", "m": "male", "man": "male", "female": "female", "f": "female", "woman": "female"}
_SIDES = {"left": "left", "l": "left", "right": "right", "r": "right", "both": "both", "bilateral": "both"}
_CODES = re.compile(r"(\d+)\s*[:=]\s*(\w+)")
"""A unit that says what numbers mean: ``0: woman, 1: man``."""


@dataclass(frozen=True)
class PersonFacts:
    """What is known of a person; ``None`` where nothing is said."""

    mass: float | None = None
    """kg."""
    height: float | None = None
    """m."""
    age: float | None = None
    """Years."""
    sex: Literal["male", "female"] | None = None
    """Sex."""
    side: AffectedSide | None = None
    """Affected side."""
    diagnosis: str | None = None
    """Diagnosis."""

    def known(self) -> dict[str, Any]:
        """The facts that are known."""
        return {f.name: value for f in fields(self) if (value := getattr(self, f.name)) is not None}

    def describe(self) -> str:
        """The facts in one line, empty where there are none.

        Example:
            >>> PersonFacts(mass=70.0, height=1.8, side="left").describe()
            'mass 70 kg, height 1.8 m, side left'
        """
        units = {"mass": " kg", "height": " m", "age": " years"}
        shown = {name: f"{value:g}" if name in units else str(value) for name, value in self.known().items()}
        return ", ".join(f"{name} {text}{units.get(name, '')}" for name, text in shown.items())


def person_of(recording: C3DFile) -> PersonFacts:
    """What a file says about the person.

    Args:
        recording: The file; one of several people tells nothing, since the parameters do not say of whom they are.
    """
    parameters = recording.parameters
    stated: dict[str, tuple[Any, str]] = {}
    for name, spellings in _NAMES.items():
        for spelling in spellings:
            value = parameters.get("PROCESSING", {}).get(spelling)
            if value is not None and name in _PROCESSING_UNITS:
                stated.setdefault(name, (value, _PROCESSING_UNITS[name]))
    for group in _GROUPS:
        for label, value, unit in _entries(parameters.get(group, {})):
            name = next((name for name, words in _NAMES.items() if re.sub(r"[^A-Z]", "", label.upper()) in words), "")
            if name:
                stated.setdefault(name, (value, unit))
    found = {name: _READERS[name](name, value, unit) for name, (value, unit) in stated.items()}
    return PersonFacts(**found)


def stated_person(*paths: str | Path | None) -> PersonFacts:
    """What C3D files say about the person; the first that says a fact counts, other files say nothing.

    Raises:
        FileFormatError: A C3D file cannot be read.
    """
    known: dict[str, Any] = {}
    for path in paths:
        if path is not None and Path(path).suffix.lower() == ".c3d":
            known = {**person_of(read_c3d(path)).known(), **known}
    return PersonFacts(**known)


def _entries(group: Mapping[str, Any]) -> list[tuple[str, Any, str]]:
    """Label, value and unit of every fact of a group."""
    labels, values, units = (_listed(group.get(name)) for name in ("LABELS", "VALUES", "UNITS"))
    listed = [(str(label), value, str(units[k]) if k < len(units) else "")
              for k, (label, value) in enumerate(zip(labels, values, strict=False))]  # fmt: skip
    return [*listed, *((name, value, "") for name, value in group.items())]


def _listed(value: Any) -> Sequence[Any]:
    if isinstance(value, np.ndarray):
        return value.ravel().tolist()
    return value if isinstance(value, list) else []


def _first(value: Any) -> Any:
    return next(iter(_listed(value)), None) if isinstance(value, np.ndarray | list) else value


def _number(name: str, value: Any, unit: str) -> float | None:
    factor = _UNITS[name].get(unit.strip().lower())
    try:
        number = float(_first(value)) * (factor or np.nan)
    except (TypeError, ValueError):
        return None
    low, high = _POSSIBLE[name]
    # A float of 32 bits is written with the digits that it has.
    return float(f"{number:.6g}") if low < number < high else None


def _word(words: Mapping[str, str]) -> Callable[[str, Any, str], Any]:
    def read(_: str, value: Any, unit: str) -> Any:
        first = _first(value)
        if isinstance(first, int | float):
            first = {float(code): word for code, word in _CODES.findall(unit)}.get(float(first), "")
        return words.get(str(first or "").strip().lower())

    return read


def _text(_: str, value: Any, __: str) -> str | None:
    first = _first(value)
    return (first.strip() or None) if isinstance(first, str) else None


_READERS: Mapping[str, Callable[[str, Any, str], Any]] = {
    "mass": _number, "height": _number, "age": _number, "sex": _word(_SEXES), "side": _word(_SIDES),
    "diagnosis": _text,
}  # fmt: skip
