"""What is asked of the lab road, in one frozen object: two files, a body, a marker set, choices.

Every road asks the same way: :func:`make_request` takes what a user types, checks it once, and the request travels
whole from the first step to the last. How a run is done (folder, workers, progress) is no part of it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TypedDict, Unpack

import numpy as np

from exogait.data import InputError, path_component
from exogait.data.files import writable_text
from exogait.data.show import Shown

from ..markers.map import MarkerMap
from .settings import LabSettings


@dataclass(frozen=True, kw_only=True)
class LabRequest(Shown):
    """One walking trial to analyse."""

    static: Path
    """C3D or TRC file of the static trial."""
    walk: Path
    """C3D or TRC file of the walking trial."""
    mass: float
    """Body mass, kg."""
    height: float | None = None
    """Body height, m, for the record and for muscle mass; the latter without one from the scaled model's lengths."""
    marker_map: str | Path | MarkerMap | None = None
    """Marker set: a name, a YAML file, or a map; the best fitting of the known ones if not given."""
    settings: LabSettings = field(default_factory=LabSettings)
    """Choices of the road, with the file of manual corrections among them."""
    base_model: Path | None = None
    """Model to scale; the suite's own without contact, device or deficit if not given."""
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
        object.__setattr__(self, "name", writable_text(self.name or file_name(self.walk.stem)))
        object.__setattr__(self, "subject", writable_text(self.subject or file_name(self.static.stem)))

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
    marker_map: str | Path | MarkerMap | None
    """Marker set: a name, a YAML file, or a map."""
    settings: LabSettings | None
    """Choices of the road."""
    base_model: str | Path | None
    """Model to scale."""
    forces: str | Path | None
    """Forces beside the walk (.mot, .sto, .csv or ExternalLoads .xml)."""
    force_columns: str | Path | None
    """YAML file that says which column of ``forces`` is what."""
    name: str | None
    """Name of the trial."""
    subject: str | None
    """Name of the person."""


def make_request(static: str | Path, walk: str | Path, mass: float, **choices: Unpack[LabChoices]) -> LabRequest:
    """A request from what a user types.

    Args:
        static: C3D or TRC file of the static trial.
        walk: C3D or TRC file of the walking trial.
        mass: Body mass, kg.
        **choices: ``height``, ``marker_map``, ``settings``, ``base_model``, ``forces``, ``force_columns``, ``name``,
            ``subject`` (:class:`LabChoices`).

    Raises:
        InputError: The mass is not positive, or the height is not a person's.

    Example:
        >>> make_request("anna/static.c3d", "anna/walk 3.c3d", 72.0).name
        'walk_3'
    """
    given = {key: value for key, value in choices.items() if value is not None}
    given |= {key: Path(str(given[key])) for key in ("base_model", "forces", "force_columns") if key in given}
    return LabRequest(static=Path(static), walk=Path(walk), mass=mass, **given)  # pyright: ignore[reportArgumentType]


def file_name(text: str) -> str:
    """A name that is safe in file names and inside OpenSim's XML."""
    kept = "".join(c if c.isascii() and (c.isalnum() or c in "-_.") else "_" for c in text).strip("._")
    return kept or "trial"
