"""Results that travel: a session as an xarray data set and as a spreadsheet with units."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from exogait.data import output_file
from exogait.data.extras import require_extra
from exogait.data.files import plain_cell, written_beside
from exogait.data.trial import select_columns

from ..gait.curves import find_curve
from ..gait.cycle import N_POINTS
from ..report.describe import COMPARED
from .gather import WHO
from .record import vectors
from .tables import numbers_of, rows_where, split_table

if TYPE_CHECKING:
    import xarray

    from .record import SessionData

SPREADSHEET = "session.xlsx"
_STRIDE = [*WHO, "side", "stride"]


def session_dataset(session: SessionData) -> xarray.Dataset:
    """All strides of a session as a labelled data set.

    Args:
        session: The session.

    Returns:
        Dimensions ``cycle`` (one stride of one leg) and ``percent`` (0 to 100); one variable a curve, NaN where it is
        not known, with ``units`` and ``long_name``; along ``cycle`` the coordinates walk, person, condition, group,
        side, stride, start and stop (s).

    Raises:
        MissingDependencyError: xarray is not installed.
    """
    require_extra("tables", "to_xarray()")
    import xarray

    strides = session.strides
    cycles = strides.drop_duplicates(_STRIDE)
    place = {key: k for k, (key, _) in enumerate(split_table(cycles, _STRIDE))}
    variables: dict[str, Any] = {}
    for key in COMPARED:
        rows = rows_where(strides, curve=key)
        if len(rows):
            values = np.full((len(cycles), N_POINTS), np.nan)
            values[[place[key] for key in zip(*(rows[name].map(str) for name in _STRIDE), strict=True)]] = vectors(rows)
            curve = find_curve(key)
            about = {"units": curve.unit, "long_name": curve.title, "positive": curve.positive}
            variables[key] = (("cycle", "percent"), values, about)
    coordinates: dict[str, Any] = {
        name: ("cycle", cycles[name].to_numpy(str if name in (*WHO, "side") else None)) for name in _STRIDE
    }
    for name in ("start", "stop"):
        coordinates[name] = ("cycle", cycles[name].to_numpy(np.float64), {"units": "s"})
    coordinates["percent"] = ("percent", np.linspace(0.0, 100.0, N_POINTS), {"units": "%", "long_name": "gait cycle"})
    return xarray.Dataset(variables, coordinates, {"title": f"Session of {', '.join(session.persons)}"})


def write_session_spreadsheet(session: SessionData, path: str | Path | None = None) -> Path:
    """A session as a spreadsheet: a sheet a table, the unit of every number beside it or in its column's name.

    Sheets: walks, left out, numbers (mean and spread, person by person), curves (mean and SD), strides.

    Args:
        session: The session.
        path: The .xlsx file; ``session.xlsx`` in its folder if not given.

    Raises:
        MissingDependencyError: openpyxl is not installed.
    """
    require_extra("tables", "a spreadsheet")
    file = session.folder / SPREADSHEET if path is None else Path(path)
    walks = session.walks.drop(columns=["report", "reused"]).rename(
        columns={"speed": "speed (m/s)", "height": "height (m)"}
    )
    strides = select_columns(session.strides.drop_duplicates(_STRIDE), [*_STRIDE, "start", "stop", "toe_off_pct"])
    strides = strides.rename(columns={"start": "start (s)", "stop": "stop (s)", "toe_off_pct": "toe off (%)"})
    sheets = {
        "walks": walks, "left out": session.left_out, "numbers": session.variability, "curves": _wide_curves(session),
        "strides": strides,
    }  # fmt: skip
    with output_file(file, "exogait session"), written_beside(file) as beside:
        _write_sheets(sheets, beside)
    return file


def _wide_curves(session: SessionData) -> pd.DataFrame:
    """Mean and SD curves, a column each, named with whose it is and its unit; a row a percent of the cycle."""
    columns = {}
    for (person, condition, side, title, unit), part in split_table(
        session.curves, ["person", "condition", "side", "title", "unit"]
    ):
        name = " ".join(word for word in (person, condition, side, title) if word)
        for what in ("mean", "sd"):
            columns[f"{name} {what} ({unit})"] = numbers_of(part, what)
    table = pd.DataFrame(columns)
    table.insert(0, "gait cycle (%)", np.linspace(0.0, 100.0, N_POINTS)[: len(table)])
    return table


def _write_sheets(sheets: dict[str, pd.DataFrame], path: Path) -> None:
    import openpyxl
    from openpyxl.styles import Font
    from openpyxl.utils import get_column_letter

    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for name, table in sheets.items():
        sheet = book.create_sheet(name)
        sheet.append([str(column) for column in table.columns])
        for row in table.itertuples(index=False):
            sheet.append([_cell(value) for value in row])
        for cell in sheet[1]:
            cell.font = Font(bold=True)
        for k, column in enumerate(table.columns, 1):
            widest = max([len(str(column)), *(len(str(value)) for value in table.iloc[:50, k - 1])])
            sheet.column_dimensions[get_column_letter(k)].width = min(widest + 2, 48)
        sheet.freeze_panes = "A2"
    book.save(path)


def _cell(value: Any) -> Any:
    """A value as a cell: a number, or text that no program takes for a formula; nothing where it is not known."""
    value = value.item() if isinstance(value, np.generic) else value
    if isinstance(value, float):
        return value if np.isfinite(value) else None
    return plain_cell(value)
