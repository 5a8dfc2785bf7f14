"""Ground reactions and device loads beside marker files: .mot, .sto and .csv tables, and ExternalLoads .xml.

Column names of a .mot vary from program to program; those known here are OpenSim's examples (``ground_force_vx``,
``1_ground_force_vx``, ``ground_force_r_vx``), OpenCap's (``R_ground_force_vx``), AddBiomechanics'
(``ground_force_1_vx`` with ``ground_force_1_mx``) and those of laboratories in between (``ground_force1_vx`` with
``ground_torque1_x``). Names that are none of these are stated by a map, a YAML file:

.. code-block:: yaml

    time: Time (s)
    length: mm                                  # unit of the points; m if not said
    plates:
      r: {force: [Fx1, Fy1, Fz1], point: [Cx1, Cy1, Cz1], torque: [Tx1, Ty1, Tz1]}   # r and l are feet
      2: {force: [Fx2, Fy2, Fz2], point: [Cx2, Cy2, Cz2]}                             # others are plates
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from exogait.data.errors import FileFormatError, UnknownNameError
from exogait.data.loading import read_xml, read_yaml, regular_file
from exogait.data.storage import clock_step, read_sto

from .applied import AppliedForce, ForceRecord, is_foot, settle, side_of_prefix

_METRES = {"m": 1.0, "cm": 1e-2, "mm": 1e-3}

# First force column of one plate; what is left of the name tells plates apart.
_PLATE = re.compile(
    r"^(?:ground_force_?(?P<behind>\w*?)_v|(?P<before>\w+?)_?ground_force_v|ground_force_v)x$", re.IGNORECASE
)


def read_forces(path: str | Path, *, columns: str | Path | None = None) -> ForceRecord:
    """Read the forces beside a motion.

    Args:
        path: Table of forces (.mot, .sto, .csv) or ExternalLoads (.xml) that names one.
        columns: YAML file that says which column is what, for names that are not known (see the module).

    Returns:
        Ground reactions and device loads, in the file's axes.

    Raises:
        FileFormatError: No force is in it, a column is missing, or its time is that of no measurement.
        UnknownNameError: The map, or the ExternalLoads, names a column that the table lacks.

    Example:
        >>> [f.side for f in read_forces("walk_grf.mot").ground]  # doctest: +SKIP
        ['r', 'l']
    """
    path = Path(path)
    if path.suffix.lower() == ".xml":
        return _read_external_loads(path)
    table = _read_table(path, columns)
    forces = _mapped(path, table, Path(columns)) if columns is not None else _spelled(path, table)
    return _record(path, table, forces, ())


def _record(
    path: Path, table: pd.DataFrame, ground: list[AppliedForce], device: tuple[AppliedForce, ...]
) -> ForceRecord:
    settled = [settle(force) for force in ground]
    time = table.index.to_numpy(np.float64)
    clock_step(time, path)
    notes = tuple(note for _, own in settled for note in own)
    return ForceRecord(str(path), time, tuple(force for force, _ in settled), device, notes)


def _read_table(path: Path, columns: str | Path | None) -> pd.DataFrame:
    if path.suffix.lower() != ".csv":
        return read_sto(path, in_degrees=False)
    time = str(read_yaml(columns).get("time", "time")) if columns is not None else "time"
    regular_file(path)
    try:
        table = pd.read_csv(path, skipinitialspace=True)
    except (OSError, ValueError) as error:
        raise FileFormatError(path, f"is no table ({error})", "save it as CSV with one line of column names") from None
    table.columns = [str(name).strip() for name in table.columns]
    if time not in table:
        raise UnknownNameError("time column", time, [str(name) for name in table.columns], str(path))
    if not table.columns.is_unique:
        twice = table.columns[table.columns.duplicated()][0]
        raise FileFormatError(path, f"two columns are called {twice!r}", "give each a name of its own")
    try:
        return table.astype(np.float64).set_index(time)
    except (ValueError, TypeError, OverflowError) as error:
        raise FileFormatError(path, f"holds what is no number ({error})", "leave one line of names only") from None


def _spelled(path: Path, table: pd.DataFrame) -> list[AppliedForce]:
    """Plates by their columns' names."""
    forces = []
    for column in map(str, table.columns):
        match = _PLATE.match(column)
        if match:
            prefix = match.group("behind") or match.group("before") or ""
            side = side_of_prefix(prefix)
            stem = column[:-2]
            forces.append(
                AppliedForce(
                    prefix, _vectors(path, table, stem + "v"), _vectors(path, table, stem + "p"),
                    _vectors(path, table, _torque_prefix(path, table, stem, prefix)), f"calcn_{side}" if side else "",
                )
            )  # fmt: skip
    if not forces:
        raise FileFormatError(
            path, "no ground force columns (ground_force_..._vx)", "say which column is what with --force-columns"
        )
    return forces


def _torque_prefix(path: Path, table: pd.DataFrame, stem: str, name: str) -> str:
    torque, moment = stem.replace("force", "torque"), stem.replace("force", "moment")
    for candidate in (torque, torque + "_", stem + "m", torque + "m", moment, moment + "m"):
        if f"{candidate}y" in table.columns:
            return candidate
    raise FileFormatError(path, f"plate {name!r} has no free moment columns", "export them too")


def _vectors(path: Path, table: pd.DataFrame, prefix: str) -> NDArray[np.float64]:
    names = [f"{prefix}{axis}" for axis in "xyz"]
    return _columns(path, table, names)


def _columns(path: Path, table: pd.DataFrame, names: list[str]) -> NDArray[np.float64]:
    for name in names:
        if name not in table.columns:
            raise UnknownNameError("force column", name, [str(column) for column in table.columns], str(path))
    return table[names].to_numpy(np.float64)


def _mapped(path: Path, table: pd.DataFrame, columns: Path) -> list[AppliedForce]:
    """Plates by a map of columns."""
    content = read_yaml(columns)
    plates = content.get("plates")
    unit = str(content.get("length", "m"))
    if not isinstance(plates, Mapping) or not plates:
        raise FileFormatError(columns, "names no plates", "write plates: {r: {force: [x, y, z], point: [x, y, z]}}")
    if unit not in _METRES:
        raise UnknownNameError("length", unit, list(_METRES), str(columns))
    forces = []
    for name, entry in plates.items():
        parts = {key: _three(columns, str(name), key, entry) for key in ("force", "point", "torque")}
        force, point = (_columns(path, table, parts[key] or []) for key in ("force", "point"))
        torque = _columns(path, table, parts["torque"]) if parts["torque"] else np.zeros_like(force)
        side = side_of_prefix(str(name))
        forces.append(
            AppliedForce(str(name), force, point * _METRES[unit], torque, f"calcn_{side}" if side else "")
        )  # fmt: skip
    return forces


def _three(columns: Path, plate: str, key: str, entry: Any) -> list[str] | None:
    names = entry.get(key) if isinstance(entry, Mapping) else None
    if names is None and key == "torque":
        return None
    if not (isinstance(names, list) and len(names) == 3):
        raise FileFormatError(columns, f"plate {plate}: {key} is not three columns", "name those of x, y and z")
    return [str(name) for name in names]


def _read_external_loads(path: Path) -> ForceRecord:
    """ExternalLoads of OpenSim: which columns act on which body, stated in whose frame."""
    root = read_xml(path, "give OpenSim's ExternalLoads file")
    entries = list(root.iter("ExternalForce"))
    data = next((_text(node) for node in root.iter("datafile") if _text(node)), "")
    if not entries or not data:
        raise FileFormatError(path, "holds no ExternalForce with a datafile", "give OpenSim's ExternalLoads file")
    table = read_sto(path.parent / data, in_degrees=False)
    ground, device = [], []
    for number, entry in enumerate(entries, 1):
        if _field(entry, "isDisabled") == "true" or _field(entry, "appliesForce") == "false":
            continue
        force = _external_force(path, table, entry, number)
        (ground if is_foot(force.body) else device).append(force)
    return _record(path, table, ground, tuple(device))


def _external_force(path: Path, table: pd.DataFrame, entry: ElementTree.Element, number: int) -> AppliedForce:
    zero = np.zeros((len(table), 3))
    force, point, torque = (
        _vectors(path, table, identifier) if (identifier := _field(entry, f"{what}_identifier")) else zero
        for what in ("force", "point", "torque")
    )
    return AppliedForce(
        entry.get("name") or str(number), force, point, torque, _field(entry, "applied_to_body"),
        _field(entry, "force_expressed_in_body") or "ground", _field(entry, "point_expressed_in_body") or "ground",
    )  # fmt: skip


def _field(entry: ElementTree.Element, name: str) -> str:
    node = entry.find(name)
    return "" if node is None else _text(node)


def _text(node: ElementTree.Element) -> str:
    text = (node.text or "").strip()
    return "" if text.lower() in ("", "unassigned") else text
