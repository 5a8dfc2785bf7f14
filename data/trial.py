"""One structure for both roads: everything known about one walking trial, as named tables with units on one clock.

The lab road fills a :class:`GaitTrial` from C3D files, the simulation road from roll-outs; gait cycles, energetics,
symmetry, statistics, plots and export take it without caring which. Tables are :class:`pandas.DataFrame` objects whose
index ``time`` is in seconds from one common zero; each keeps its own sampling (markers 100 Hz, forces 1000 Hz), and
:meth:`GaitTrial.resample` brings all of them to one grid.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from .about import TrialAbout
from .errors import InputError, UnitsError, UnknownNameError
from .files import write_parquet, write_text_atomic
from .loading import parsed, read_table
from .loading.trial_parts import FORMAT, PROBLEM, TODO, read_parts
from .names import GROUND_REACTION_COLUMNS as GROUND_REACTION_COLUMNS
from .names import SIDES as SIDES
from .names import TRIAL_FILE
from .names import Side as Side
from .names import is_translational as is_translational
from .output.labelled import trial_dataset
from .show import Card, Curve, Shown, brief, names, number
from .storage import read_sto, write_sto
from .trc import read_trc, write_trc

if TYPE_CHECKING:
    import xarray

EventKind = Literal["heel_strike", "toe_off"]

MUSCLE_UNITS = {
    "excitation": "1",
    "activation": "1",
    "fiber_length": "m",
    "normalized_fiber_length": "1",
    "fiber_velocity": "m/s",
    "normalized_fiber_velocity": "1",
    "pennation_angle": "rad",
    "tendon_length": "m",
    "tendon_force": "N",
    "fiber_force": "N",
    "active_fiber_force": "N",
    "passive_fiber_force": "N",
    "active_force_length_multiplier": "1",
    "moment_arm": "m",
    "metabolic_rate": "W",
}
"""Muscle quantities a trial may hold, one table each with a column a muscle, and their SI units."""

TABLES = (
    "coordinates", "speeds", "generalized_forces", "ground_reactions",
    "markers", "emg", "device_torques", "joint_powers",
)  # fmt: skip
"""Fields of a trial that hold one table each."""


@dataclass(frozen=True, order=True)
class GaitEvent:
    """One heel strike or toe off."""

    time: float
    """s, on the trial's clock."""
    side: Side
    """``r`` or ``l``."""
    kind: EventKind
    """``heel_strike`` or ``toe_off``."""
    source: str = ""
    """How it was found: ``plate``, ``kinematics``, ``c3d``, ``manual``, ``simulation``."""

    def __post_init__(self) -> None:
        if self.side not in SIDES:
            raise InputError("event side", self.side, "r or l")
        if self.kind not in ("heel_strike", "toe_off"):
            raise InputError("event kind", self.kind, "heel_strike or toe_off")
        if not np.isfinite(self.time):
            raise InputError("event time", self.time, "a finite number of seconds")


@dataclass(frozen=True, kw_only=True, eq=False)
class GaitTrial(Shown):
    """Everything known about one walking trial.

    A table that was not measured is ``None`` (or absent from its mapping), never a table of zeros.

    Example:
        >>> time = pd.Index([0.0, 0.01, 0.02], name="time")
        >>> trial = GaitTrial(name="walk", coordinates=pd.DataFrame({"knee_angle_r": [0.0, -0.1, -0.2]}, index=time))
        >>> trial.unit_of("coordinates", "knee_angle_r")
        'rad'
    """

    name: str
    """Short name, used for files."""
    coordinates: pd.DataFrame | None = None
    """Generalized coordinates, one column a coordinate, rad or m; ``attrs["in_degrees"]`` is set to False."""
    speeds: pd.DataFrame | None = None
    """Generalized speeds, same columns, rad/s or m/s."""
    generalized_forces: pd.DataFrame | None = None
    """Net generalized forces (inverse dynamics), one column a coordinate, N m or N; NaN where they are not known."""
    ground_reactions: pd.DataFrame | None = None
    """Columns :data:`GROUND_REACTION_COLUMNS`: N, m, N m. The centre of pressure is NaN or held while unloaded."""
    markers: pd.DataFrame | None = None
    """Marker table (see :mod:`exogait.data.trc`), m, in OpenSim's ground frame."""
    muscles: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    """Quantity (a key of :data:`MUSCLE_UNITS`) to a table with one column a muscle."""
    muscle_parameters: pd.DataFrame | None = None
    """Index muscle; columns as :mod:`exogait.models.energetics` names them (max_isometric_force in N, mass in kg)."""
    emg: pd.DataFrame | None = None
    """Processed electromyography, one column a muscle; ``attrs["units"]`` says ``"1"`` (normalised) or ``"V"``."""
    device_torques: pd.DataFrame | None = None
    """Torques of an exoskeleton on the human, one column an actuator, N m."""
    joint_powers: pd.DataFrame | None = None
    """Power of each generalized force, W."""
    extra: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    """Further tables by name (joint reactions, body kinematics, reserves); units in ``attrs["units"]``."""
    masks: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    """Boolean tables over time. ``loaded``: a foot (column r, l) is on a plate. ``valid_kinetics``: the moments of that
    leg (r, l) and the residuals (pelvis) are known."""
    events: tuple[GaitEvent, ...] = ()
    """Heel strikes and toe offs in order of time."""
    metadata: Mapping[str, Any] = field(default_factory=dict)
    """JSON-able facts under the keys of the file; :attr:`about` reads them typed, :meth:`with_about` writes them."""

    def __post_init__(self) -> None:
        for name in ("coordinates", "speeds"):
            table = getattr(self, name)
            if table is not None:
                object.__setattr__(self, name, _in_radians(name, table))
        for where, table in self.tables():
            _check_table(where, table)
        for quantity in self.muscles:
            if quantity not in MUSCLE_UNITS:
                raise UnknownNameError("muscle quantity", quantity, MUSCLE_UNITS, self.name)
        if self.ground_reactions is not None:
            for column in self.ground_reactions.columns:
                if column not in GROUND_REACTION_COLUMNS:
                    raise UnknownNameError("ground reaction column", str(column), GROUND_REACTION_COLUMNS, self.name)
        object.__setattr__(self, "events", tuple(sorted(self.events)))

    # -- what is inside -------------------------------------------------------------------------------------------

    def tables(self) -> Iterator[tuple[str, pd.DataFrame]]:
        """Every time table with its address, for example ``("muscles/activation", table)``."""
        for name in TABLES:
            table = getattr(self, name)
            if table is not None:
                yield name, table
        for group in ("muscles", "extra", "masks"):
            for key, table in getattr(self, group).items():
                yield f"{group}/{key}", table

    @property
    def about(self) -> TrialAbout:
        """What the trial says about itself: who walked, how fast, on which model.

        Raises:
            InputError: A fact is of another kind than it must be.

        Example:
            >>> GaitTrial(name="walk", metadata={"subject_mass": 70.0}).about.mass
            70.0
        """
        return TrialAbout.from_metadata(self.metadata)

    def with_about(self, **changes: Any) -> GaitTrial:
        """Copy with some facts replaced, by their names in :class:`TrialAbout`; ``None`` forgets one."""
        return self.replace(metadata=self.about.replace(**changes).to_metadata())

    @property
    def subject_mass(self) -> float:
        """Body mass, kg.

        Raises:
            InputError: The metadata hold no positive ``subject_mass``, or a fact of another kind than it must be.
        """
        mass = self.about.mass
        if mass is None or not mass > 0:
            raise InputError(f"{self.name}: subject_mass", mass, "set metadata['subject_mass'] to the body mass in kg")
        return float(mass)

    @property
    def time_range(self) -> tuple[float, float]:
        """First and last instant that every table covers, s."""
        spans = [(table.index[0], table.index[-1]) for _, table in self.tables() if len(table)]
        if not spans:
            raise InputError(f"{self.name}: tables", "none", "a trial with at least one table")
        return max(float(a) for a, _ in spans), min(float(b) for _, b in spans)

    def unit_of(self, table: str, column: str) -> str:
        """Unit of one column of a table, which is addressed as in :meth:`tables`."""
        group, _, key = table.partition("/")
        if group == "muscles":
            return MUSCLE_UNITS[key]
        if group == "masks":
            return "bool"
        if group == "extra" or table == "emg":
            units = (self.extra[key] if group == "extra" else self._table("emg")).attrs.get("units", "")
            return units.get(column, "") if isinstance(units, Mapping) else str(units)
        if table == "ground_reactions":
            return "N m" if column.startswith("ground_torque") else ("N" if column[-2] == "v" else "m")
        straight = is_translational(column)
        return {
            "coordinates": "m" if straight else "rad",
            "speeds": "m/s" if straight else "rad/s",
            "generalized_forces": "N" if straight else "N m",
            "markers": "m",
            "device_torques": "N m",
            "joint_powers": "W",
        }[table]

    def event_times(self, side: Side, kind: EventKind) -> np.ndarray:
        """Times of one kind of event on one side, shape (n,), s."""
        return np.array([event.time for event in self.events if event.side == side and event.kind == kind])

    def _table(self, name: str) -> pd.DataFrame:
        group, _, key = name.partition("/")
        table = self.extra.get(key) if group == "extra" else getattr(self, name)
        if table is None:
            have = ", ".join(address for address, _ in self.tables()) or "none"
            raise InputError(f"{self.name}: {name}", None, f"a trial with that table; this one holds: {have}")
        return table

    def require(self, name: str) -> pd.DataFrame:
        """Table by name, or an error that says what the trial holds instead."""
        return self._table(name)

    # -- derived trials -------------------------------------------------------------------------------------------

    def replace(self, **changes: Any) -> GaitTrial:
        """Copy with some fields replaced."""
        return dataclasses.replace(self, **changes)

    def _map(self, function: Any) -> GaitTrial:
        changes: dict[str, Any] = {}
        for name in TABLES:
            table = getattr(self, name)
            changes[name] = None if table is None else function(table)
        for group in ("muscles", "extra", "masks"):
            changes[group] = {key: function(table) for key, table in getattr(self, group).items()}
        return self.replace(**changes)

    def crop(self, start: float, end: float) -> GaitTrial:
        """Part of the trial between two instants, both included, s."""

        def cut(table: pd.DataFrame) -> pd.DataFrame:
            return select_rows(table, (table.index >= start) & (table.index <= end))

        return self._map(cut).replace(events=tuple(event for event in self.events if start <= event.time <= end))

    def resample(self, time: ArrayLike) -> GaitTrial:
        """Bring every table to one time grid by linear interpolation; a mask is true where both its neighbours are.

        Args:
            time: Shape (n,), s, increasing, inside :attr:`time_range`.
        """
        grid = np.asarray(time, np.float64)

        def onto(table: pd.DataFrame) -> pd.DataFrame:
            return interpolate_table(table, grid)

        return self._map(onto)

    # -- files ----------------------------------------------------------------------------------------------------

    def to_xarray(self) -> xarray.Dataset:
        """Every table with its units as a labelled data set: :func:`exogait.data.output.labelled.trial_dataset`."""
        return trial_dataset(self)

    def write_parquet(self, folder: str | Path) -> Path:
        """Write the trial as one parquet file a table and ``trial.json``, without loss."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        for address, table in self.tables():
            file = folder / f"{address.replace('/', '__')}.parquet"
            plain = table.copy()
            plain.attrs = {}
            write_parquet(plain, file, index=None)
        self._write_json(folder)
        return folder

    @classmethod
    def read_parquet(cls, folder: str | Path) -> GaitTrial:
        """Read what :meth:`write_parquet` wrote."""
        return cls._read(Path(folder), lambda _, base: read_table(base.with_suffix(".parquet"), PROBLEM, TODO))

    def write_opensim(self, folder: str | Path) -> Path:
        """Write the trial as .sto and .trc files that OpenSim reads, and ``trial.json``, without loss.

        Angles stay in radians (``inDegrees=no``), as a conversion would cost the last bit;
        ``exogait.analysis.lab.export`` writes the files in degrees that the GUI's users expect. Masked values are
        written as ``nan``.
        """
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        for address, table in self.tables():
            base = folder / address.replace("/", "__")
            if address == "markers":
                write_trc(table, base.with_suffix(".trc"), units="m")
            else:
                write_sto(
                    table.astype(np.float64), base.with_suffix(".sto"), name=address, in_degrees=False, allow_nan=True
                )
        self._write_json(folder)
        return folder

    @classmethod
    def read_opensim(cls, folder: str | Path) -> GaitTrial:
        """Read what :meth:`write_opensim` wrote."""

        def load(address: str, base: Path) -> pd.DataFrame:
            if address == "markers":
                return read_trc(base.with_suffix(".trc"))
            table = read_sto(base.with_suffix(".sto"))
            return table.astype(bool) if address.startswith("masks/") else table

        return cls._read(Path(folder), load)

    def _write_json(self, folder: Path) -> None:
        parameters = self.muscle_parameters
        content = {
            "format": FORMAT,
            "name": self.name,
            "tables": {
                address: {
                    "units": {str(column): self.unit_of(address, str(column)) for column in table.columns},
                    "attrs": {key: value for key, value in table.attrs.items() if _is_json(value)},
                }
                for address, table in self.tables()
            },
            "muscle_parameters": None if parameters is None else parameters.to_dict(orient="index"),
            "events": [dataclasses.asdict(event) for event in self.events],
            "metadata": dict(self.metadata),
        }
        text = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False, default=_jsonable)
        write_text_atomic(folder / TRIAL_FILE, text + "\n")

    @classmethod
    def _read(cls, folder: Path, load: Any) -> GaitTrial:
        parts = read_parts(folder, TABLES, load)

        def made() -> GaitTrial:
            return cls(**{**parts, "events": tuple(GaitEvent(**event) for event in parts["events"])})

        return parsed(folder / TRIAL_FILE, PROBLEM, TODO, made)

    def card(self) -> Card:
        """Who, how fast, what is inside, and how good it is."""
        about = self.about
        who = [about.subject or "", number(about.mass, "kg", 1), about.source or ""]
        spans = [(float(table.index[0]), float(table.index[-1])) for _, table in self.tables() if len(table)]
        verdicts = [str(row.get("verdict", "info")) for row in about.quality if isinstance(row, Mapping)]
        rows = [("who", ", ".join(word for word in who if word not in ("", "-")))]
        for key in ("belt_speed", "speed_commanded", "speed_measured"):
            rows.append((key.replace("_", " "), number(getattr(about, key), "m/s")))
        rows += [
            ("time", f"{min(a for a, _ in spans):.2f} to {max(b for _, b in spans):.2f} s" if spans else "-"),
            ("events", ", ".join(
                f"{len(self.event_times(side, kind))} {kind.replace('_', ' ')} {side}"
                for side in SIDES for kind in ("heel_strike", "toe_off")
            ) if self.events else "none"),
            ("quality", ", ".join(f"{verdicts.count(v)} {v}" for v in ("pass", "warn", "fail") if v in verdicts)
             or "not judged"),
        ]  # fmt: skip
        for key in ("model", "device", "condition", "policy", "marker_map", "synthetic"):
            if (fact := getattr(about, key)) not in (None, "", False):
                rows.append((key.replace("_", " "), brief(fact)))
        rows.append(("tables", names(address for address, _ in self.tables())))
        return Card(f"GaitTrial {self.name}", tuple((a, b) for a, b in rows if b not in ("", "-")), self._curves())

    def _curves(self) -> tuple[Curve, ...]:
        """Knees, vertical ground reaction and device torques over time, as far as they are known."""
        found = []
        for title, table, columns, factor in (
            ("knee flexion, deg", self.coordinates, ("knee_angle_r", "knee_angle_l"), -180.0 / np.pi),
            ("vertical force, N", self.ground_reactions, ("ground_force_r_vy", "ground_force_l_vy"), 1.0),
            ("device torque, N m", self.device_torques, None, 1.0),
        ):
            if table is not None and (shown := [c for c in columns or table.columns[:2] if c in table.columns]):
                found.append(Curve(title, tuple((str(c), factor * table[c].to_numpy(np.float64)) for c in shown)))
        return tuple(found)


def select_rows(table: pd.DataFrame, rows: ArrayLike | slice) -> pd.DataFrame:
    """Rows of a table by a mask, shape (n,), or by a slice of positions; the attributes come along."""
    part = pd.DataFrame(table.iloc[rows] if isinstance(rows, slice) else table.loc[np.asarray(rows, bool)])
    part.attrs = dict(table.attrs)
    return part


def select_columns(table: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """Columns of a table by name, in that order; the attributes come along."""
    part = pd.DataFrame(table.loc[:, list(columns)])
    part.attrs = dict(table.attrs)
    return part


def interpolate_table(table: pd.DataFrame, time: ArrayLike) -> pd.DataFrame:
    """Values of a table at other instants: linear for numbers, true between two true neighbours for masks.

    A gap (NaN) stays a gap: an instant whose neighbours are not both known is NaN.

    Args:
        table: Index ``time``, s.
        time: Shape (n,), s, increasing, inside the table's own time.

    Raises:
        InputError: An instant lies outside the table.
    """
    grid = np.asarray(time, np.float64)
    known = table.index.to_numpy(np.float64)
    # A grid that ends on the last frame may miss it by rounding.
    slack = 1e-9 + 1e-6 * (known[-1] - known[0]) / max(len(known) - 1, 1)
    if len(grid) and (grid[0] < known[0] - slack or grid[-1] > known[-1] + slack):
        raise InputError("time", f"{grid[0]:.4f} to {grid[-1]:.4f} s", f"inside {known[0]:.4f} to {known[-1]:.4f} s")
    right = np.clip(np.searchsorted(known, grid + slack, side="right"), 1, max(len(known) - 1, 1))
    left = right - 1
    index = pd.Index(grid, name="time")
    values = table.to_numpy()
    if all(kind == bool for kind in table.dtypes):  # noqa: E721
        result = flags_at(table, grid)
    elif len(known) == 1:
        result = pd.DataFrame(np.repeat(values, len(grid), axis=0), index=index, columns=table.columns)
    else:
        share = np.clip((grid - known[left]) / (known[right] - known[left]), 0.0, 1.0)[:, None]
        values = values.astype(np.float64)
        # Zero times NaN is NaN: a grid point that falls on a known frame must not be lost to an unknown neighbour.
        low = np.where(share == 1.0, 0.0, values[left] * (1.0 - share))
        high = np.where(share == 0.0, 0.0, values[right] * share)
        result = pd.DataFrame(low + high, index=index, columns=table.columns)
    result.attrs = dict(table.attrs)
    return result


def flags_at(mask: pd.DataFrame, time: ArrayLike) -> pd.DataFrame:
    """A mask (index time, s) at other instants (shape (n,), s): true between two true samples, false beyond its time.

    A number between two samples is made of both, so it is known only where both are.
    """
    grid, clock = np.asarray(time, np.float64), mask.index.to_numpy(np.float64)
    values = np.zeros((len(grid), mask.shape[1]), bool)
    if len(clock):
        slack = 1e-9 + 1e-6 * (clock[-1] - clock[0]) / max(len(clock) - 1, 1)
        after = np.searchsorted(clock, grid - slack)
        before = np.searchsorted(clock, grid + slack, side="right") - 1
        inside = (after < len(clock)) & (before >= 0)
        flags = mask.to_numpy(bool)
        values = flags[np.minimum(after, len(clock) - 1)] & flags[np.maximum(before, 0)] & inside[:, None]
    return pd.DataFrame(values, index=pd.Index(grid, name="time"), columns=mask.columns)


def _in_radians(where: str, table: pd.DataFrame) -> pd.DataFrame:
    """The table with its unit said, so that writing it knows; degrees do not belong into a trial."""
    if table.attrs.get("in_degrees"):
        raise UnitsError(f"{where}: in degrees, a trial holds radians; convert with exogait.data.to_radians")
    if "in_degrees" in table.attrs:
        return table
    said = table.copy(deep=False)
    said.attrs = {**table.attrs, "in_degrees": False}
    return said


def _check_table(where: str, table: pd.DataFrame) -> None:
    if table.index.name != "time":
        raise ValueError(f"{where}: the index must be named 'time' and hold seconds, found {table.index.name!r}")
    if not table.columns.is_unique:
        raise ValueError(f"{where}: column names must differ from each other")
    time = table.index.to_numpy(np.float64)
    if not np.all(np.isfinite(time)) or (len(time) > 1 and not np.all(np.diff(time) > 0)):
        raise ValueError(f"{where}: time must be finite and increase from row to row")


def _is_json(value: object) -> bool:
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError):
        return False
    return True


def _jsonable(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} cannot be stored in trial.json")
