"""Tables by rows, groups and columns with types that an editor knows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from exogait.data.trial import select_rows


def rows_where(table: pd.DataFrame, **wanted: object) -> pd.DataFrame:
    """Rows whose columns have the wanted values.

    Example:
        >>> rows_where(pd.DataFrame({"side": ["r", "l"], "n": [1, 2]}), side="l")["n"].tolist()
        [2]
    """
    mask = np.ones(len(table), bool)
    for name, value in wanted.items():
        mask &= table[name].to_numpy() == value
    return select_rows(table, mask)


def split_table(table: pd.DataFrame, names: Sequence[str]) -> list[tuple[tuple[str, ...], pd.DataFrame]]:
    """A table in parts that agree in some columns: their values as text and the rows, in order of appearance."""
    parts: dict[tuple[str, ...], list[int]] = {}
    for k, key in enumerate(zip(*(table[name].map(str) for name in names), strict=True)):
        parts.setdefault(key, []).append(k)
    return [(key, pd.DataFrame(table.iloc[rows])) for key, rows in parts.items()]


def numbers_of(table: pd.DataFrame, name: str) -> NDArray[np.float64]:
    """A column as numbers, shape (n_rows,)."""
    return np.asarray(table[name], dtype=np.float64)


def records_of(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows as plain mappings."""
    return [{str(name): value for name, value in row.items()} for row in table.to_dict(orient="records")]
