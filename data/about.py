"""What a trial says about itself, typed: who walked, how fast, on which model, and what was made of it.

On disk these are the JSON keys of ``trial.json``'s ``metadata``; :attr:`GaitTrial.about` reads them and
:meth:`GaitTrial.with_about` writes them, so that a key is spelled here and nowhere else.

The speed that was asked for and the speed that was walked are two numbers. Files of earlier versions held one key
``speed``, which meant the commanded speed in a roll-out and the measured one in the laboratory: it is read by its
source. Metabolic rates of earlier versions are read under the names of today
(:func:`exogait.data.names.accountings_now`).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from numbers import Integral, Real
from typing import Any

import numpy as np

from .errors import InputError, UnknownNameError
from .names import accountings_now
from .show import Shown

Rows = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, kw_only=True)
class TrialAbout(Shown):
    """Facts of one trial; ``None`` and empty where it does not say.

    Example:
        >>> TrialAbout.from_metadata({"source": "lab", "subject_mass": 70.0, "speed": 1.2}).speed_measured
        1.2
        >>> TrialAbout.from_metadata({"source": "simulation", "speed": 1.25}).speed_commanded
        1.25
    """

    source: str | None = None
    """``lab`` or ``simulation``."""
    subject: str | None = None
    """Name of the person."""
    mass: float | None = None
    """Body mass without a device, kg; key ``subject_mass``."""
    height: float | None = None
    """Body height, m; key ``subject_height``."""
    age: float | None = None
    """Years; key ``subject_age``."""
    sex: str | None = None
    """``male`` or ``female``; key ``subject_sex``."""
    diagnosis: str | None = None
    """Diagnosis of a measured person."""
    population: str | None = None
    """``adults`` or ``children``: whom the walk is compared with."""
    synthetic: bool | None = None
    """Made up: nobody was measured."""

    speed_commanded: float | None = None
    """Speed that a simulation was asked for, m/s."""
    speed_measured: float | None = None
    """Mean speed that was walked, m/s."""
    slope: float | None = None
    """Grade of the ground, rise over run; None on the level."""
    stride_rate: float | None = None
    """Imposed stride rate over the reference's; None where the body chose."""
    load: Sequence[Any] = ()
    """Place and mass (kg) of a load that was carried."""
    belt_speed: float | None = None
    """Speed of a treadmill's belt, m/s."""
    fell: bool | None = None
    """Whether a simulation ended in a fall."""
    fall_time: float | None = None
    """When, s."""

    model: str | None = None
    """File name of the model."""
    model_sha256: str | None = None
    """Its hash."""
    marker_map: str | None = None
    """Key of the marker map."""
    held_coordinates: Sequence[str] = ()
    """Coordinates that no marker sees and that were held still."""

    engine: str | None = None
    """``twin`` or ``opensim``."""
    policy: str | None = None
    """Name of the body's policy."""
    device_policy: str | None = None
    """Name of the device's policy."""
    device: str | None = None
    """Name or file of the device."""
    device_mass: float | None = None
    """Mass that the device adds, kg."""
    condition: str | None = None
    """One of :data:`exogait.data.constants.CONDITIONS`."""
    deficit: str | None = None
    """Name or file of the muscle deficit."""
    strength: float | None = None
    """Strength that replaced the deficit file's, percent."""
    side: str | None = None
    """Weak or affected side: ``left``, ``right`` or ``both``."""
    strategy: Sequence[float] = ()
    """What the body aims for beside the reference."""
    seed: int | None = None
    settle: float | None = None
    """Time after the start whose events were dropped, s."""
    requested_seconds: float | None = None
    """Length of walk that was asked for, s."""
    optimal_force: Mapping[str, float] = field(default_factory=dict)
    """Actuator to its optimal force, N or N m."""

    quality: Rows = ()
    """Judgements, see :func:`exogait.data.quality.quality_rows`."""
    spatiotemporal: Rows = ()
    """Spatiotemporal numbers from the markers."""
    marker_errors: Rows = ()
    """Errors of inverse kinematics, m, a row a marker."""
    plate_strikes: Rows = ()
    """Which foot met which plate."""
    metabolics: Mapping[str, Any] = field(default_factory=dict)
    """Metabolic model to rows (label, value, unit)."""
    reserves: Rows = ()
    """Reserve torques beside the moments that they help."""
    muscle_method: str | None = None
    """Where muscle activations come from."""
    emg_processing: str | None = None
    """How electromyography was processed."""
    step_seconds: Any = ()
    """Duration of every step of the analysis."""

    file: str | None = None
    """The recording."""
    files: Mapping[str, str] = field(default_factory=dict)
    """Standing trial and walk."""
    frame: str | None = None
    """How the laboratory's axes lie."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Settings of the analysis."""

    other: Mapping[str, Any] = field(default_factory=dict)
    """Facts that are not named above; they stay as they are."""

    @property
    def simulated(self) -> bool:
        """Whether the walk is a roll-out."""
        return self.source == "simulation"

    @property
    def walked_speed(self) -> float | None:
        """Speed for a title or a comparison: the measured one where it is known, else the commanded one, m/s."""
        return self.speed_commanded if self.speed_measured is None else self.speed_measured

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, Any]) -> TrialAbout:
        """Facts from the keys of a file.

        Raises:
            InputError: A fact is of another kind than it must be.
        """
        found: dict[str, Any] = {}
        other: dict[str, Any] = {}
        for key, value in metadata.items():
            name = _FIELDS.get(key)
            if name is None:
                other[key] = value
            elif value is not None:
                found[name] = _checked(key, name, value)
        if rows := found.get("metabolics"):
            now = accountings_now(rows)
            found["metabolics"] = {now[name]: values for name, values in rows.items()}
        return cls(**{**_old_speeds(found.get("source"), other), **found}, other=other)

    def to_metadata(self) -> dict[str, Any]:
        """Keys of a file; what is not known is left out."""
        facts = {key: getattr(self, name) for name, key in _KEYS.items()}
        return {**{key: value for key, value in facts.items() if not _says_nothing(value)}, **self.other}

    def replace(self, **changes: Any) -> TrialAbout:
        """Copy with some facts replaced; ``None`` forgets one.

        Raises:
            UnknownNameError: There is no such fact.
        """
        for name in changes:
            if name not in _KEYS and name != "other":
                raise UnknownNameError("fact of a trial", name, _KEYS)
        forgotten = {name: getattr(_NOTHING, name) for name, value in changes.items() if value is None}
        return dataclasses.replace(self, **{**changes, **forgotten})


_KEYS = {
    one.name: f"subject_{one.name}" if one.name in ("mass", "height", "age", "sex") else one.name
    for one in dataclasses.fields(TrialAbout)
    if one.name != "other"
}
"""Fact to its key on disk."""
_FIELDS = {key: name for name, key in _KEYS.items()}
_TYPES: dict[str, str] = {one.name: str(one.type) for one in dataclasses.fields(TrialAbout)}
_NOTHING = TrialAbout()


def _checked(key: str, name: str, value: Any) -> Any:
    """A fact as plain Python, or an error that says what it must be."""
    kind = _TYPES[name].removesuffix(" | None")
    value = value.item() if isinstance(value, np.generic) else value
    if kind == "str":
        return str(value)
    wrong = {
        "float": None if isinstance(value, Real) and not isinstance(value, bool) else "a number",
        "int": None if isinstance(value, Integral) and not isinstance(value, bool) else "a whole number",
        "bool": None if isinstance(value, bool) else "true or false",
    }.get(kind)
    if wrong:
        raise InputError(f"metadata['{key}']", value, f"give {wrong}")
    return value


def _old_speeds(source: str | None, other: dict[str, Any]) -> dict[str, float]:
    """Take the keys of earlier versions out of the other facts: ``speed`` meant one speed or the other."""
    commanded, speed = other.pop("commanded_speed", None), other.pop("speed", None)
    found = {"speed_commanded": commanded}
    # An analysed roll-out kept what it was asked for under commanded_speed, and speed was what it had walked.
    found["speed_commanded" if source == "simulation" and commanded is None else "speed_measured"] = speed
    return {name: _checked("speed", name, value) for name, value in found.items() if value is not None}


def _says_nothing(value: Any) -> bool:
    return value is None or (isinstance(value, Mapping | Sequence) and not len(value))
