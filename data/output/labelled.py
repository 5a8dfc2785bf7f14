"""A trial as a labelled data set of xarray: every table with its own clock, every column with its unit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import pandas as pd

from ..about import TrialAbout
from ..extras import require_extra

if TYPE_CHECKING:
    import xarray


class _Trial(Protocol):
    """What is asked of a :class:`exogait.data.trial.GaitTrial`."""

    @property
    def name(self) -> str: ...

    @property
    def events(self) -> Sequence[Any]: ...

    @property
    def about(self) -> TrialAbout: ...

    def tables(self) -> Iterator[tuple[str, pd.DataFrame]]: ...

    def unit_of(self, table: str, column: str) -> str: ...


def trial_dataset(trial: _Trial) -> xarray.Dataset:
    """All tables and events of a trial.

    Args:
        trial: The trial.

    Returns:
        One variable a table, named as in :meth:`exogait.data.trial.GaitTrial.tables` with ``_`` for ``/``, shape
        (n_samples, n_columns). Its dimensions are its clock ``NAME_time`` (s), since every table keeps its own
        sampling, and ``NAME_column``, along which ``NAME_unit`` stands; ``units`` where all columns have one. Along
        ``event``: event_time (s), event_side, event_kind. Facts that are one number or text are attributes.

    Raises:
        MissingDependencyError: xarray is not installed.
    """
    require_extra("tables", "to_xarray()")
    import xarray

    variables: dict[str, Any] = {}
    coordinates: dict[str, Any] = {}
    for address, table in trial.tables():
        name = address.replace("/", "_")
        units = [trial.unit_of(address, str(column)) for column in table.columns]
        about = {"units": units[0]} if len(set(units)) == 1 else {}
        variables[name] = ((f"{name}_time", f"{name}_column"), table.to_numpy(), about)
        coordinates[f"{name}_time"] = (f"{name}_time", table.index.to_numpy(np.float64), {"units": "s"})
        coordinates[f"{name}_column"] = [str(column) for column in table.columns]
        coordinates[f"{name}_unit"] = (f"{name}_column", units)
    events = list(trial.events)
    variables["event_time"] = ("event", np.array([event.time for event in events], np.float64), {"units": "s"})
    for what in ("side", "kind"):
        variables[f"event_{what}"] = ("event", np.array([getattr(event, what) for event in events], dtype=str))
    facts = {key: value for key, value in trial.about.to_metadata().items() if isinstance(value, str | int | float)}
    plain = {key: int(value) if isinstance(value, bool) else value for key, value in facts.items()}
    return xarray.Dataset(variables, coordinates, {"title": trial.name, **plain})
