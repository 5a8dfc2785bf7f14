"""A session as an object: what it holds, how its conditions differ, and the forms in which it travels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from exogait.data import FileFormatError
from exogait.data.loading import read_json, read_table, regular_file
from exogait.data.names import SESSION_FILE

from ..report.describe import COMPARED
from .compare import By, SessionComparison, compare_session
from .compare_page import write_comparison_page
from .export import session_dataset, write_session_spreadsheet
from .gather import NUMBER_COLUMNS, POINTS, STRIDE_COLUMNS, WALK_COLUMNS
from .record import FORMAT, NUMBERS_TABLE, STRIDES_TABLE, WALKS_TABLE, SessionData

if TYPE_CHECKING:
    import xarray

_MOST = 1e9
"""No angle, moment or time of a walk is larger, in any unit."""
_TODO = "run `exogait session` again"
_TEXT: Any = dict.fromkeys(
    ("walk", "person", "condition", "date", "group", "population", "verdict", "why", "remark", "report", "side"), "str"
)  # fmt: skip
"""Columns of text: a person may be called 2014001, and a condition may have no name."""


class Session(SessionData):
    """Persons, conditions and many walks of each; made by :func:`exogait.analysis.session.run.run_session`."""

    def compare(
        self,
        first: str,
        second: str,
        *,
        by: By = "condition",
        persons: Sequence[str] | None = None,
        conditions: Sequence[str] | None = None,
        paired: bool | None = None,
        alpha: float = 0.05,
        out: str | Path | None = None,
    ) -> SessionComparison:
        """How two conditions, groups or persons differ, second minus first.

        Args:
            first: As of :func:`.compare.compare_session`, like the others.
            second: What is compared.
            by: ``condition``, ``date``, ``group``, ``person``, or ``session`` of joined ones.
            persons: Only these.
            conditions: Only walks in these.
            paired: Whether persons are compared with themselves.
            alpha: Error rate.
            out: Folder for the page and its tables; nothing is written if not given.
        """
        found = compare_session(
            self, first, second, by=by, persons=persons, conditions=conditions, paired=paired, alpha=alpha
        )  # fmt: skip
        if out is not None:
            write_comparison_page(found, out)
        return found

    def to_xarray(self) -> xarray.Dataset:
        """Strides as a labelled data set: :func:`.export.session_dataset`."""
        return session_dataset(self)

    def write_spreadsheet(self, path: str | Path | None = None) -> Path:
        """A spreadsheet with units: :func:`.export.write_session_spreadsheet`."""
        return write_session_spreadsheet(self, path)


def join_sessions(sessions: Mapping[str, Session], folder: str | Path) -> Session:
    """Two or more sessions as one, to be compared ``by="session"``: before and after, two laboratories, two days.

    Args:
        sessions: Name to session. Persons and conditions of one name are the same.
        folder: Folder that the result stands for; nothing is written.

    Example:
        >>> both = join_sessions({"before": first, "after": second}, "compared")  # doctest: +SKIP
        >>> both.compare("before", "after", by="session")  # doctest: +SKIP
    """
    joined = {}
    for table in ("walks", "strides", "numbers"):
        parts = []
        for name, session in sessions.items():
            own = getattr(session, table).assign(session=name)
            own["walk"] = [f"{walk} ({name})" for walk in own["walk"]]  # the walks of two days have the same names
            parts.append(own)
        joined[table] = pd.DataFrame(pd.concat(parts, ignore_index=True))
    return Session(folder=Path(folder), **joined)


def read_session(folder: str | Path) -> Session:
    """The session in a folder that ``exogait session`` wrote.

    Raises:
        FileFormatError: There is none, or a table of it is damaged.
    """
    folder = Path(folder)
    about = read_json(folder / SESSION_FILE, "holds no session", _TODO)
    if about.get("format") != FORMAT:
        raise FileFormatError(folder / SESSION_FILE, f"is of format {about.get('format')!r}, not {FORMAT!r}", _TODO)
    strides = read_table(folder / STRIDES_TABLE, "holds no strides", _TODO)
    tables = {}
    for name, columns in ((WALKS_TABLE, WALK_COLUMNS), (NUMBERS_TABLE, NUMBER_COLUMNS)):
        try:
            regular_file(folder / name)
            table = pd.read_csv(
                folder / name, dtype=_TEXT, keep_default_na=False, na_values={"value": "", "speed": "", "height": ""}
            )
        except (OSError, ValueError) as error:
            raise FileFormatError(folder / name, f"cannot be read ({error})", _TODO) from error
        tables[name] = table
        _require_columns(folder / name, table, columns)
    _require_columns(folder / STRIDES_TABLE, strides, STRIDE_COLUMNS)
    _require_numbers(
        folder / WALKS_TABLE, tables[WALKS_TABLE], counts=("strides_r", "strides_l"), known=("speed", "height")
    )
    _require_numbers(folder / NUMBERS_TABLE, tables[NUMBERS_TABLE], counts=("stride",), known=("value",))
    _require_numbers(
        folder / STRIDES_TABLE, strides, counts=("stride",), known=("start", "stop", "toe_off_pct", *POINTS)
    )  # fmt: skip
    for name in ("used", "reused"):
        if len(tables[WALKS_TABLE]) and tables[WALKS_TABLE][name].dtype != bool:
            raise FileFormatError(folder / WALKS_TABLE, f"{name} is neither True nor False in a row", _TODO)
    unknown = sorted(set(strides["curve"].map(str)) - set(COMPARED))
    if unknown:
        raise FileFormatError(folder / STRIDES_TABLE, f"holds unknown curves ({', '.join(unknown[:4])})", _TODO)
    return Session(folder=folder, walks=tables[WALKS_TABLE], strides=strides, numbers=tables[NUMBERS_TABLE])


def _require_numbers(path: Path, table: pd.DataFrame, *, counts: tuple[str, ...], known: tuple[str, ...]) -> None:
    """Counts are whole and not negative, other numbers are numbers or missing, all of a size that arithmetic bears."""
    for name in (*counts, *known):
        column = np.asarray(pd.to_numeric(table[name], errors="coerce"), np.float64)
        as_written = np.asarray(table[name].isna(), bool)
        missing = np.isnan(column)
        wrong = (missing & ~as_written) | (np.abs(column) > _MOST)
        if name in counts:
            wrong |= missing | (column < 0) | (column != np.floor(column))
        if wrong.any():
            cell = str(table[name].iloc[int(np.argmax(wrong))])[:40]
            raise FileFormatError(path, f"{name} is {cell!r} in row {int(np.argmax(wrong)) + 1}", _TODO)


def _require_columns(path: Path, table: pd.DataFrame, columns: tuple[str, ...]) -> None:
    missing = [name for name in columns if name not in table.columns]
    if missing:
        raise FileFormatError(path, f"lacks {', '.join(missing[:4])}", _TODO)
    if not table.columns.is_unique:
        raise FileFormatError(path, "has two columns of one name", _TODO)
