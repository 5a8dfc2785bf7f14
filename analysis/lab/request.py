"""What is asked of the lab road, in one frozen object: two files, a body, a marker set, choices.

Every road asks the same way: :func:`make_request` takes what a user types, checks it once, and the request travels
whole from the first step to the last. How a run is done (folder, workers, progress) is no part of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypedDict, Unpack

import numpy as np

from exogait.data import FileFormatError, InputError, path_component
from exogait.data.files import writable_text
from exogait.data.loading import read_xml
from exogait.data.show import Shown

from ..c3d.persons import AffectedSide, stated_person
from ..markers.map import MarkerMap
from .settings import LabSettings


@dataclass(frozen=True, kw_only=True)
class LabRequest(Shown):
    """One walking trial to analyse."""

    static: Path | None
    """C3D or TRC file of the static trial; without one the model is scaled to the walk."""
    walk: Path
    """C3D or TRC file of the walking trial, or coordinates (.mot, .sto) that were solved with ``model``."""
    mass: float
    """Body mass, kg."""
    height: float | None = None
    """Body height, m, for the record and for muscle mass; the latter without one from the scaled model's lengths."""
    age: float | None = None
    """Age, years; walking speed is compared with the norm for it."""
    sex: Literal["male", "female"] | None = None
    """Sex; that norm is of men or women."""
    side: AffectedSide | None = None
    """Affected side."""
    diagnosis: str | None = None
    """Diagnosis."""
    marker_map: str | Path | MarkerMap | None = None
    """Marker set: a name, a YAML file, or a map; the best fitting of the known ones if not given."""
    settings: LabSettings = field(default_factory=LabSettings)
    """Choices of the road, with the file of manual corrections among them."""
    lengths: Mapping[str, float] = field(default_factory=dict)
    """Stated lengths of segments, m, in the place of what markers measure (``thigh``, ``shank_l``, ...)."""
    base_model: Path | None = None
    """Model to scale; the suite's own without contact, device or deficit if not given."""
    model: Path | None = None
    """The person's own scaled model: it is taken as it is, and its markers are the marker set."""
    forces: Path | None = None
    """Forces beside the walk (.mot, .sto, .csv or ExternalLoads .xml); they take the place of its force plates."""
    force_columns: Path | None = None
    """YAML file that says which column of ``forces`` is what, for names that are not known."""
    name: str = ""
    """Name of the trial; the walking file's if empty."""
    subject: str = ""
    """Name of the person; the static file's if empty."""

    def __post_init__(self) -> None:
        if not (isinstance(self.mass, int | float) and np.isfinite(self.mass) and self.mass > 0):
            raise InputError("mass", self.mass, "the body mass in kg, above 0")
        if self.height is not None and not 0.4 < self.height < 2.6:
            raise InputError("height", self.height, "the body height in metres")
        if self.age is not None and not 0.0 <= self.age < 130.0:
            raise InputError("age", self.age, "the age in years")
        if self.sex not in (None, "male", "female"):
            raise InputError("sex", self.sex, "male or female")
        if self.side not in (None, "left", "right", "both"):
            raise InputError("side", self.side, "left, right or both")
        if self.diagnosis is not None:
            object.__setattr__(self, "diagnosis", writable_text(self.diagnosis))
        object.__setattr__(self, "name", writable_text(self.name or file_name(self.walk.stem)))
        object.__setattr__(self, "subject", writable_text(self.subject or file_name(self._stem())))

    def _stem(self) -> str:
        return (self.static or self.model or self.walk).stem

    @property
    def files(self) -> dict[str, str]:
        """Names of the files by what they are."""
        named = {"static": self.static, "walk": self.walk, "model": self.model, "forces": self.forces}
        return {what: path.name for what, path in named.items() if path is not None}

    @property
    def walk_file(self) -> str:
        """The trial's name as OpenSim's files carry it."""
        return path_component(file_name(self.name), "trial", ascii_only=True)

    @property
    def person_file(self) -> str:
        """The person's name as OpenSim's files carry it."""
        return path_component(file_name(self.subject), "person", ascii_only=True)


class LabChoices(TypedDict, total=False):
    """The optional fields of a :class:`LabRequest` as keyword arguments; ``None`` means the default."""

    height: float | None
    """Body height, m, for the record and for muscle mass; the latter without one from the scaled model's lengths."""
    age: float | None
    """Age, years."""
    sex: Literal["male", "female"] | None
    """Sex."""
    side: AffectedSide | None
    """Affected side: left, right or both."""
    diagnosis: str | None
    """Diagnosis."""
    marker_map: str | Path | MarkerMap | None
    """Marker set: a name, a YAML file, or a map."""
    settings: LabSettings | None
    """Choices of the road."""
    lengths: Mapping[str, float] | None
    """Stated lengths of segments, m."""
    base_model: str | Path | None
    """Model to scale."""
    model: str | Path | None
    """The person's own scaled model."""
    forces: str | Path | None
    """Forces beside the walk (.mot, .sto, .csv or ExternalLoads .xml)."""
    force_columns: str | Path | None
    """YAML file that says which column of ``forces`` is what."""
    name: str | None
    """Name of the trial."""
    subject: str | None
    """Name of the person."""


def make_request(
    static: str | Path | None, walk: str | Path, mass: float | None, **choices: Unpack[LabChoices]
) -> LabRequest:
    """A request from what a user types.

    Args:
        static: C3D or TRC file of the static trial; ``None`` to scale to the walk, or with the person's own model.
        walk: C3D or TRC file of the walking trial, or coordinates (.mot, .sto) beside ``model``.
        mass: Body mass, kg; ``None`` for that of ``model``, or without one for what the C3D files state: then
            height, age, sex, side and diagnosis that are not given are theirs too.
        **choices: ``height``, ``age``, ``sex``, ``side``, ``diagnosis``, ``marker_map``, ``settings``, ``lengths``,
            ``base_model``, ``model``, ``forces``, ``force_columns``, ``name``, ``subject`` (:class:`LabChoices`).

    Raises:
        InputError: The mass is not positive or said nowhere, or height or age are not a person's.
        FileFormatError: A C3D file that should tell the mass cannot be read.

    Example:
        >>> make_request("anna/static.c3d", "anna/walk 3.c3d", 72.0).name
        'walk_3'
    """
    given = {key: value for key, value in choices.items() if value is not None}
    given |= {key: Path(str(given[key])) for key in ("base_model", "model", "forces", "force_columns") if key in given}
    if mass is None:
        if given.get("model") is not None:
            mass = model_mass(str(given["model"]))
        else:
            stated = stated_person(*(path for path in (static, walk) if path is not None and Path(path).is_file()))
            given = {**{name: value for name, value in stated.known().items() if name != "mass"}, **given}
            mass = stated.mass
    if mass is None:
        raise InputError("mass", mass, "the body mass in kg; the files state none, nor does a model of the person")
    resting = None if static is None else Path(static)
    return LabRequest(static=resting, walk=Path(walk), mass=mass, **given)  # pyright: ignore[reportArgumentType]


def file_name(text: str) -> str:
    """A name that is safe in file names and inside OpenSim's XML."""
    kept = "".join(c if c.isascii() and (c.isalnum() or c in "-_.") else "_" for c in text).strip("._")
    return kept or "trial"


def model_mass(path: str | Path) -> float:
    """Sum of a model's body masses, kg, from the file.

    Raises:
        FileFormatError: The file is no model, or its bodies weigh nothing.
    """
    root = read_xml(path, "give --mass in kg")
    try:
        mass = sum(float(body.findtext("mass") or 0.0) for body in root.iter("Body"))
    except ValueError as error:
        raise FileFormatError(path, f"tells no mass ({error})", "give --mass in kg") from None
    if not mass > 0:
        raise FileFormatError(path, "its bodies have no mass", "give --mass in kg")
    return mass
