"""The manifest of a batch: one row a trial."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from exogait.data import FileFormatError
from exogait.data.files import writable_text
from exogait.data.loading import regular_file

from ..c3d.persons import AffectedSide
from ..signals.event_choice import EventChoice
from .request import LabRequest, make_request
from .settings import LabSettings

MANIFEST_COLUMNS = (
    "subject", "static", "trial", "mass", "height", "age", "sex", "side", "diagnosis", "marker_map", "name",
    "condition", "date", "belt_speed",
)  # fmt: skip
"""Columns of a manifest; static, trial and mass are needed, the others may be missing or empty. A cell of mass may be
empty where the C3D files state it."""


@dataclass(frozen=True, kw_only=True)
class ManifestRow:
    """One walk of a manifest."""

    name: str
    """Name of the trial, unique in the manifest."""
    subject: str
    """Name of the person."""
    static: Path | None
    """Static trial; without one the model is scaled to the walk."""
    walk: Path
    """Walking trial."""
    mass: float | None
    """kg; ``None`` for what the C3D files state."""
    height: float | None = None
    """m."""
    age: float | None = None
    """Years."""
    sex: Literal["male", "female"] | None = None
    """``male`` or ``female``."""
    side: AffectedSide | None = None
    """Affected side: ``left``, ``right`` or ``both``."""
    diagnosis: str | None = None
    """Diagnosis."""
    marker_map: str | None = None
    """Marker set."""
    condition: str = ""
    """Group to which the trial belongs (speed, device, ...)."""
    date: str = ""
    """When it was walked, as the laboratory writes it."""
    belt_speed: float | None = None
    """m/s."""
    events: EventChoice | None = None
    """Methods that find the events of this person's walks; the walk's own choice if not given."""
    problem: str = ""
    """Why the row cannot be run; empty where it can."""

    def __post_init__(self) -> None:
        for name in ("name", "subject", "condition", "date"):
            object.__setattr__(self, name, writable_text(getattr(self, name)))

    def request(self, settings: LabSettings | None = None) -> LabRequest:
        """What this row asks of the lab road.

        Args:
            settings: Choices for all rows; a belt speed and methods of the row's own go before theirs.

        Raises:
            InputError: A fact is not a person's, or no mass is said.
        """
        settings = settings or LabSettings()
        if self.belt_speed is not None:
            settings = replace(settings, belt_speed=self.belt_speed)
        if self.events is not None:
            settings = replace(settings, event_method=self.events.heel_strike, toe_off_method=self.events.toe_off)
        return make_request(
            self.static, self.walk, self.mass, height=self.height, age=self.age, sex=self.sex, side=self.side,
            diagnosis=self.diagnosis, marker_map=self.marker_map, settings=settings, name=self.name,
            subject=self.subject,
        )  # fmt: skip


def read_manifest(path: str | Path, *, strict: bool = True) -> list[ManifestRow]:
    """Read a manifest: a CSV file with one walk a row.

    Needed columns are ``static``, ``trial`` and ``mass``; others of :data:`MANIFEST_COLUMNS` may follow. File names are
    relative to the manifest.

    Args:
        path: The manifest.
        strict: Raise for a row that cannot be understood; else it comes with its ``problem``, so that a batch runs the
            others.

    Raises:
        FileFormatError: Not a manifest, or a row that cannot be understood, with its line.
    """
    path = Path(path)
    try:
        regular_file(path)
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise FileFormatError(path, f"cannot be read ({error})", "give a CSV text file") from error
    try:
        reader = csv.DictReader(lines)
        header = [str(name).strip().lower() for name in reader.fieldnames or ()]
        reader.fieldnames = header
        entries = list(reader)
    except csv.Error as error:  # a cell of more than 128 KiB
        raise FileFormatError(path, f"is no table ({error})", "save it as CSV again") from None
    unknown = [name for name in header if name not in MANIFEST_COLUMNS]
    missing = [name for name in ("static", "trial", "mass") if name not in header]
    if missing or unknown:
        problem = (
            f"lacks the column(s) {', '.join(missing)}" if missing else f"has unknown column(s) {', '.join(unknown)}"
        )
        raise FileFormatError(path, problem, f"columns are {', '.join(MANIFEST_COLUMNS)}", line=1)
    rows: list[ManifestRow] = []
    for number, raw in enumerate(entries, 2):
        row = {key: (value or "").strip() for key, value in raw.items() if key}
        if not any(row.values()):
            continue
        taken = {other.name for other in rows}
        try:
            rows.append(_row(path, number, row, taken))
        except FileFormatError as error:
            if strict:
                raise
            name = row.get("name") or Path(row["trial"]).stem
            name = name if name and name not in taken else f"line_{number}"
            static, walk = path.parent / row["static"], path.parent / row["trial"]
            rows.append(
                ManifestRow(
                    name=name, subject=row.get("subject", ""), static=static, walk=walk, mass=None,
                    condition=row.get("condition", ""), problem=str(error),
                )
            )  # fmt: skip
    if not rows:
        raise FileFormatError(path, "names no trial", "write one row a walk under the header")
    return rows


def _row(path: Path, number: int, row: Mapping[str, str], taken: set[str]) -> ManifestRow:
    """One row; ``taken`` are the names of those before it."""
    if not row["static"] or not row["trial"]:
        raise FileFormatError(path, "static and trial must both name a file", line=number)
    walk = path.parent / row["trial"]
    subject = row.get("subject") or walk.parent.name
    name = row.get("name") or walk.stem
    if name in taken:
        name = f"{subject}_{name}"
    if name in taken:
        raise FileFormatError(path, f"the trial {name!r} stands twice", "give each row a name", line=number)
    return ManifestRow(
        name=name, subject=subject, static=path.parent / row["static"], walk=walk,
        mass=_positive(path, number, "mass", row["mass"]) if row["mass"] else None,
        height=_positive(path, number, "height", row["height"]) if row.get("height") else None,
        age=_number(path, number, "age", row["age"]) if row.get("age") else None,
        sex=_one_of(path, number, "sex", row.get("sex", ""), ("male", "female")),
        side=_one_of(path, number, "side", row.get("side", ""), ("left", "right", "both")),
        diagnosis=row.get("diagnosis") or None, marker_map=row.get("marker_map") or None,
        condition=row.get("condition", ""), date=row.get("date", ""),
        belt_speed=_number(path, number, "belt_speed", row["belt_speed"]) if row.get("belt_speed") else None,
    )  # fmt: skip


def _one_of(path: Path, line: int, column: str, text: str, known: tuple[str, ...]) -> Any:
    if text and text.lower() not in known:
        raise FileFormatError(path, f"{column} is {text!r}", f"one of {', '.join(known)} is needed", line=line)
    return text.lower() or None


def _positive(path: Path, line: int, column: str, text: str) -> float:
    value = _number(path, line, column, text)
    if not value > 0:
        raise FileFormatError(path, f"{column} is {text!r}", "a number above 0 is needed", line=line)
    return value


def _number(path: Path, line: int, column: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not np.isfinite(value):
        raise FileFormatError(path, f"{column} is {text!r}", "a number is needed", line=line)
    return value
