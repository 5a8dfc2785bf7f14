"""The manifest of a batch: one row a trial."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from exogait.data import FileFormatError
from exogait.data.files import writable_text
from exogait.data.loading import regular_file

from ..signals.event_choice import EventChoice
from .request import LabRequest, make_request
from .settings import LabSettings

MANIFEST_COLUMNS = ("subject", "static", "trial", "mass", "height", "marker_map", "name", "condition", "belt_speed")
"""Columns of a manifest; static, trial and mass are needed, the others may be missing or empty."""


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
    mass: float
    """kg."""
    height: float | None = None
    """m."""
    marker_map: str | None = None
    """Marker set."""
    condition: str = ""
    """Group to which the trial belongs (speed, device, ...)."""
    belt_speed: float | None = None
    """m/s."""
    events: EventChoice | None = None
    """Methods that find the events of this person's walks; the walk's own choice if not given."""
    problem: str = ""
    """Why the row cannot be run; empty where it can."""

    def __post_init__(self) -> None:
        for name in ("name", "subject", "condition"):
            object.__setattr__(self, name, writable_text(getattr(self, name)))

    def request(self, settings: LabSettings | None = None) -> LabRequest:
        """What this row asks of the lab road.

        Args:
            settings: Choices for all rows; a belt speed and methods of the row's own go before theirs.

        Raises:
            InputError: The mass or the height is not a person's.
        """
        settings = settings or LabSettings()
        if self.belt_speed is not None:
            settings = replace(settings, belt_speed=self.belt_speed)
        if self.events is not None:
            settings = replace(settings, event_method=self.events.heel_strike, toe_off_method=self.events.toe_off)
        return make_request(
            self.static, self.walk, self.mass, height=self.height, marker_map=self.marker_map, settings=settings,
            name=self.name, subject=self.subject,
        )  # fmt: skip


def read_manifest(path: str | Path, *, strict: bool = True) -> list[ManifestRow]:
    """Read a manifest: a CSV file with one walk a row.

    Needed columns are ``static``, ``trial`` and ``mass``; ``subject``, ``name``, ``height``, ``marker_map``,
    ``condition`` and ``belt_speed`` may follow. File names are relative to the manifest.

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
                    name=name, subject=row.get("subject", ""), static=static, walk=walk, mass=float("nan"),
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
        mass=_positive(path, number, "mass", row["mass"]),
        height=_positive(path, number, "height", row["height"]) if row.get("height") else None,
        marker_map=row.get("marker_map") or None, condition=row.get("condition", ""),
        belt_speed=_number(path, number, "belt_speed", row["belt_speed"]) if row.get("belt_speed") else None,
    )  # fmt: skip


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
