"""What a trial's folder holds, checked whole before a trial is made of it."""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import pandas as pd

from ..names import TRIAL_FILE
from .files import parsed, read_json

FORMAT = "exogait GaitTrial 1"
PROBLEM, TODO = "damaged trial", "write the trial again"
GROUPS = ("muscles", "extra", "masks")
"""Groups of tables."""


def read_parts(folder: Path, tables: Collection[str], load: Callable[[str, Path], pd.DataFrame]) -> dict[str, Any]:
    """Read ``trial.json`` of a folder and every table that it names.

    Args:
        folder: The trial's folder.
        tables: Names of single tables.
        load: Reads one table, by its address and by its path without ending.

    Returns:
        Fields of a trial by name; events as mappings.

    Raises:
        FileFormatError: A file is missing, damaged, too large, or holds something else.
    """
    path = folder / TRIAL_FILE
    fields = {"name": str, "tables": dict, "events": list, "metadata": dict}
    content = read_json(path, PROBLEM, TODO, form=FORMAT, fields=fields, strict=True)
    return parsed(path, PROBLEM, TODO, lambda: _parts(folder, content, tables, load))


def _parts(
    folder: Path, content: dict[str, Any], tables: Collection[str], load: Callable[[str, Path], pd.DataFrame]
) -> dict[str, Any]:
    parts: dict[str, Any] = {name: content[name] for name in ("name", "events", "metadata")}
    parts |= {group: {} for group in GROUPS}
    for address, facts in content["tables"].items():
        group, _, key = address.partition("/")
        if address not in tables and (group not in GROUPS or not key):
            raise ValueError(f"no table is called {address[:60]!r}")
        attrs = facts["attrs"]
        if not isinstance(attrs, dict):
            raise ValueError(f"{address}: attrs is no mapping")
        table = load(address, folder / address.replace("/", "__"))
        _check_numbers(address, table)
        table.attrs = attrs
        if key:
            parts[group][key] = table
        else:
            parts[group] = table
    parameters = content["muscle_parameters"]
    if parameters is not None:
        parameters = pd.DataFrame.from_dict(parameters, orient="index")
        _check_numbers("muscle_parameters", parameters)
    return parts | {"muscle_parameters": parameters}


def _check_numbers(address: str, table: pd.DataFrame) -> None:
    """Refuse columns of anything but numbers and truth values."""
    for column, dtype in table.dtypes.items():
        if not isinstance(column, str) or getattr(dtype, "kind", "O") not in "biuf":
            raise ValueError(f"{address}: column {str(column)[:40]!r} holds {dtype}, expected numbers")
