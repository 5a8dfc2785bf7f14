"""Who walked, how, and in which files: a session as a folder or a table says it.

A folder needs no table where its names tell: the first folder (or a name of ``persons.csv`` with which a file begins)
is the person, folders below it, or else the words of the file's name, are the condition, and a name that holds
``static`` is a static trial; a date in a name is the date. ``persons.csv`` beside the recordings says each person's
mass, where the recordings do not, and whatever else is known. What was understood is written as ``plan.csv``, a table
that can be corrected and given instead of the folder.
"""

from __future__ import annotations

import contextlib
import csv
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from glob import glob
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from exogait.data import FileFormatError, InputError
from exogait.data.files import writable_text
from exogait.data.loading import entries_below, regular_file
from exogait.data.names import TRIAL_FILE
from exogait.data.output.folder import MANIFEST

from ..c3d.persons import AffectedSide, stated_person
from ..lab.manifest import ManifestRow

RECORDINGS = (".c3d", ".trc")
"""Endings of recordings."""
PERSONS_TABLE = "persons.csv"
"""Table of a session's folder: person, mass (kg), and if wanted height (m), age, sex, side, diagnosis, group,
marker_map."""
FACTS = ("mass", "height", "age", "sex", "side", "diagnosis", "group", "marker_map")
"""What a table says of a person."""
COLUMNS = ("person", "condition", "date", "walk", "static", *FACTS, "belt_speed", "name")
"""Columns of a session's table; person and walk are needed, and mass for a recording that does not state it."""
_DATE = re.compile(r"(?<!\d)(?:19|20)\d\d[-_]?(?:0[1-9]|1[0-2])[-_]?(?:0[1-9]|[12]\d|3[01])(?!\d)")
"""A date in the name of a folder or file: 2026-03-01, 2026_03_01, 20260301."""
_OTHER_NAMES = {"subject": "person", "trial": "walk"}
"""Columns of a batch's manifest that mean the same."""
_STATIC = frozenset(("static", "st", "stat", "stand", "standing", "cal", "calib", "calibration", "neutral", "tpose"))
_JUST_A_WALK = frozenset(("walk", "walking", "gait", "trial", "take", "run"))


@dataclass(frozen=True, kw_only=True)
class SessionWalk:
    """One walk of a session."""

    name: str
    """Name of the walk, unique in the session."""
    person: str
    """Who walked."""
    walk: Path
    """Recording (.c3d, .trc), or the folder of a finished walk, measured or simulated."""
    condition: str = ""
    """How: barefoot, brace, device off, before, ..."""
    date: str = ""
    """When: dates are compared as words."""
    group: str = ""
    """To whom the person belongs: patients, controls, ..."""
    static: Path | None = None
    """Static trial; ``None`` for a finished walk, or where there is none."""
    mass: float | None = None
    """kg; needed of a recording that does not state it."""
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
    """Marker set; the best fitting of the known ones if not given."""
    belt_speed: float | None = None
    """m/s."""

    def __post_init__(self) -> None:
        for name in ("name", "person", "condition", "date", "group"):
            object.__setattr__(self, name, writable_text(getattr(self, name)))

    @property
    def finished(self) -> bool:
        """Whether it is the folder of a finished walk."""
        return self.walk.is_dir()

    def manifest_row(self) -> ManifestRow:
        """What the lab road is asked for; a walk without static trial is scaled to itself."""
        told = self.mass is not None or self._states_mass()
        problem = "" if told else f"no body mass of {self.person}; write it into {PERSONS_TABLE} (person, mass)"
        return ManifestRow(
            name=self.name, subject=self.person, static=self.static, walk=self.walk, mass=self.mass,
            height=self.height, age=self.age, sex=self.sex, side=self.side, diagnosis=self.diagnosis,
            marker_map=self.marker_map, condition=self.condition, date=self.date, belt_speed=self.belt_speed,
            problem=problem,
        )  # fmt: skip

    def _states_mass(self) -> bool:
        with contextlib.suppress(FileFormatError):
            return stated_person(self.static, self.walk).mass is not None
        return False


def plan_session(source: str | Path) -> list[SessionWalk]:
    """The walks of a folder or of a table.

    Args:
        source: A folder with recordings or finished walks, or a CSV table with the columns :data:`COLUMNS`; its file
            names are relative to it, and ``walk`` may be a pattern (``anna/brace_*.c3d``) that stands for many.

    Raises:
        FileFormatError: There is no walk, or a table cannot be understood, with its line, or a folder holds more files
            than a laboratory's.
    """
    source = Path(source)
    found = _from_folder(source) if source.is_dir() else _from_table(source)
    if not found:
        raise FileFormatError(source, "holds no walk", f"give recordings ({', '.join(RECORDINGS)}) or finished walks")
    taken: set[str] = set()
    walks = []
    for walk in found:
        name = walk.name if walk.name.casefold() not in taken else f"{walk.person}_{walk.condition}_{walk.name}"
        while name.casefold() in taken:
            name += "_2"
        taken.add(name.casefold())
        walks.append(replace(walk, name=name))
    return walks


def plan_table(walks: Sequence[SessionWalk]) -> pd.DataFrame:
    """The plan as a table that :func:`plan_session` reads again."""
    rows = [{name: getattr(walk, name) for name in COLUMNS} for walk in walks]
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    for name in ("walk", "static"):
        table[name] = ["" if path is None else str(Path(path).absolute()) for path in table[name]]
    return table


# -- a folder ---------------------------------------------------------------------------------------------------------


def _from_folder(folder: Path) -> list[SessionWalk]:
    persons = _read_persons(folder / PERSONS_TABLE)
    files = list(_recordings(folder))
    of = {path: _person_and_place(path.relative_to(folder), persons, folder.name) for path in files}
    statics = [path for path in files if path.is_file() and _STATIC & set(_words(path.stem))]
    walks = []
    for path in files:
        if path in statics:
            continue
        person, condition = of[path]
        own = [static for static in statics if of[static][0] == person]
        static = min(own, key=lambda s: _distance(s, path, of[s][1], condition), default=None)
        facts = persons.get(person, {})
        walks.append(
            SessionWalk(
                name=path.stem if path.is_file() else path.name, person=person, condition=condition, walk=path,
                date=_date(path.relative_to(folder)), static=None if path.is_dir() else static, **_facts(facts),
            )
        )  # fmt: skip
    return walks


def _recordings(folder: Path) -> Iterator[Path]:
    """Recordings and finished walks below a folder; what else the suite wrote there is passed over."""

    def is_finished(path: Path) -> bool:
        return (path / "trial" / TRIAL_FILE).is_file()

    def is_ours_or_hidden(path: Path) -> bool:
        return (path / MANIFEST).is_file() or path.name.startswith(".")

    for path in entries_below(folder, enter=lambda path: not is_finished(path) and not is_ours_or_hidden(path)):
        if is_finished(path) if path.is_dir() else path.suffix.lower() in RECORDINGS:
            yield path


def _words(stem: str) -> list[str]:
    return [word.casefold() for word in re.split(r"[^0-9A-Za-z]+|(?<=[A-Za-z])(?=\d+$)", stem) if word]


def _person_and_place(path: Path, persons: Mapping[str, object], otherwise: str) -> tuple[str, str]:
    """Person and condition that a path, relative to the session's folder, tells."""
    folders = list(path.parts[:-1])
    named = [name for name in persons if name in folders or path.stem.casefold().startswith(name.casefold())]
    person = max(named, key=len, default=folders[0] if folders else otherwise)
    below = folders[folders.index(person) + 1 :] if person in folders else folders[1:]
    below = [name for name in below if _DATE.sub("", name).strip(" -_")]
    if below:
        return person, " ".join(below)
    rest = _DATE.sub(" ", re.sub(rf"^{re.escape(person)}", "", path.stem, flags=re.IGNORECASE))
    words = [word for word in re.split(r"[^0-9A-Za-z]+", rest) if word]
    while words and (words[-1].isdigit() or words[-1].rstrip("0123456789").casefold() in _JUST_A_WALK):
        words.pop()
    return person, " ".join(word for word in words if word.rstrip("0123456789").casefold() not in _STATIC)


def _distance(static: Path, walk: Path, of_static: str, of_walk: str) -> tuple[int, bool, str]:
    """How far a static trial is from a walk: steps up to its folder, then another condition, then the name."""
    parents = [walk.parent, *walk.parent.parents]
    steps = parents.index(static.parent) if static.parent in parents else len(parents)
    return steps, of_static != of_walk, static.name


def _read_persons(path: Path) -> dict[str, dict[str, str]]:
    if not path.is_file():
        return {}
    rows = _read_rows(path, ("person", *FACTS), needed=("person",))
    return {row["person"]: row for _, row in rows}


# -- a table ----------------------------------------------------------------------------------------------------------


def _from_table(path: Path) -> list[SessionWalk]:
    walks = []
    for line, row in _read_rows(path, COLUMNS, needed=("person", "walk")):
        pattern = row["walk"]
        several = any(sign in pattern for sign in "*?[") and not (path.parent / pattern).exists()
        files = (
            [Path(file) for file in sorted(glob(str(path.parent / pattern)))] if several else [path.parent / pattern]
        )
        if not files:
            raise FileFormatError(path, f"{pattern} fits no file", "correct the pattern", line=line)
        for file in files:
            try:
                walks.append(_walk_of_row(path, row, file, named=not several))
            except InputError as error:
                raise FileFormatError(path, str(error), line=line) from None
    return walks


def _walk_of_row(path: Path, row: Mapping[str, str], file: Path, *, named: bool) -> SessionWalk:
    static = row.get("static")
    return SessionWalk(
        name=(row.get("name") if named else "") or (file.name if file.is_dir() else file.stem),
        person=row["person"], condition=row.get("condition", ""), date=row.get("date", ""), walk=file,
        static=path.parent / static if static else None, belt_speed=_number(row, "belt_speed"), **_facts(row),
    )  # fmt: skip


def _read_rows(path: Path, known: Sequence[str], *, needed: Sequence[str]) -> list[tuple[int, dict[str, str]]]:
    """Rows of a CSV table by their line, without blanks around words; unknown columns are refused."""
    try:
        regular_file(path)
        lines = path.read_text(encoding="utf-8-sig").splitlines()
        reader = csv.DictReader(lines)
        names = [str(name).strip().lower() for name in reader.fieldnames or ()]
        reader.fieldnames = [_OTHER_NAMES.get(name, name) for name in names]
        entries = list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise FileFormatError(path, f"cannot be read ({error})", "give a CSV text file") from error
    header = list(reader.fieldnames)
    unknown, missing = [n for n in header if n not in known], [n for n in needed if n not in header]
    if unknown or missing:
        problem = f"lacks {', '.join(missing)}" if missing else f"has unknown column(s) {', '.join(unknown)}"
        raise FileFormatError(path, problem, f"columns are {', '.join(known)}", line=1)
    rows = []
    for line, entry in enumerate(entries, 2):
        row = {key: (value or "").strip() for key, value in entry.items() if key}
        if any(row.values()):
            if not all(row.get(name) for name in needed):
                raise FileFormatError(path, f"{' and '.join(needed)} must be given", line=line)
            rows.append((line, row))
    return rows


def _facts(row: Mapping[str, str]) -> dict[str, Any]:
    """What a row says of the person."""
    words = {name: row.get(name) or None for name in ("diagnosis", "marker_map")}
    lower = {name: (row.get(name) or "").lower() or None for name in ("sex", "side")}
    return {
        "group": row.get("group", ""), **words, **lower,
        **{name: _number(row, name) for name in ("mass", "height", "age")},
    }  # fmt: skip


def _date(path: Path) -> str:
    """The date that a path names, the nearest to the file first; empty where there is none."""
    return next((match.group() for part in reversed(path.parts) if (match := _DATE.search(part))), "")


def _number(row: Mapping[str, str], name: str) -> float | None:
    """A positive number, or ``None`` where nothing is written."""
    text = row.get(name, "")
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and value >= 0):
        raise InputError(name, text, "a number is needed")
    return value
