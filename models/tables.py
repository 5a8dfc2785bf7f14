"""The model as data: CSV tables of the right side and the midline, mirrored to the left.

Coordinates follow OpenSim: x forward, y up, z to the right. Mirroring a leg means reflection in the plane z = 0:

* a position changes the sign of its z;
* a rotation axis is a pseudo-vector: it changes the sign of its x and y, so that the same coordinate value bends both
  legs alike (hip adduction is positive towards the midline on both sides);
* an inertia product with exactly one z index changes its sign;
* an axis that no coordinate drives only completes the frame and has no effect; it is reflected as a position.

Where the published left side is not that mirror image, a row of ``overrides.csv`` replaces one value.

Source: Delp et al. 1990; Yamaguchi and Zajac 1989; Anderson and Pandy 1999; Delp et al. 2007 (Gait2392, CC BY 3.0).
"""

from __future__ import annotations

import csv
import functools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from exogait.data.errors import FileFormatError, UnknownNameError
from exogait.data.names import mirrored_name, side_of
from exogait.data.show import Shown

Row = dict[str, str]

FOLDER = Path(__file__).parent / "tables"
TABLES = (
    "bodies",
    "meshes",
    "joints",
    "joint_axes",
    "coordinates",
    "splines",
    "muscles",
    "muscle_volumes",
    "tendon_forces",
    "path_points",
    "markers",
    "contact",
    "joint_limits",
    "joint_springs",
    "trunk_actuators",
    "muscle_groups",
)
#: What changes its sign from right to left, by table and column.
REFLECTED = {
    "bodies": ("com_z_m", "ixz_kgm2", "iyz_kgm2"),
    "joints": (
        "parent_location_z_m",
        "child_location_z_m",
        "parent_rotation_x_rad",
        "parent_rotation_y_rad",
        "child_rotation_x_rad",
        "child_rotation_y_rad",
    ),
    "path_points": ("z_m",),
    "markers": ("z_m",),
    "contact": ("z_m",),
}
#: How many leading columns make a row's key, as overrides name it (joined by "-P" for path points, by "/" elsewhere).
KEY_COLUMNS = {"joint_axes": 2, "path_points": 2, "splines": 2, "muscle_groups": 2}


def left_name(name: str) -> str:
    """Give the left twin of a right-hand name: ``femur_r`` gives ``femur_l``, ``R.Heel`` gives ``L.Heel``."""
    if name.startswith("R."):
        return "L." + name[2:]
    own, dash, rest = name.partition("-")
    return (mirrored_name(own) if side_of(own) == "r" else own) + dash + rest


def is_right(name: str) -> bool:
    """Tell whether a name belongs to the right side."""
    return left_name(name) != name


def negated(number: str) -> str:
    """Change the sign of a number written as text, leaving its digits as they are."""
    if float(number) == 0.0:
        return "0"
    return number[1:] if number.startswith("-") else "-" + number


def read_rows(path: Path) -> list[Row]:
    """Read a CSV file with one header line; every row must be complete."""
    with path.open(newline="") as stream:
        reader = csv.DictReader(stream)
        rows = list(reader)
    for number, row in enumerate(rows, start=2):
        if None in row or None in row.values():
            raise FileFormatError(path, f"expected {len(reader.fieldnames or ())} columns", line=number)
    return rows


def row_key(table: str, row: Mapping[str, str]) -> str:
    """Name a row the way ``overrides.csv`` does."""
    values = list(row.values())[: KEY_COLUMNS.get(table, 1)]
    return ("-P" if table == "path_points" else "/").join(values)


def _mirrored(table: str, row: Row) -> Row:
    reflected = REFLECTED.get(table, ())
    left: Row = {}
    for column, text in row.items():
        if column in reflected and row.get("kind") != "moving":
            left[column] = negated(text)
        elif column == "z_m" and row.get("kind") == "moving":
            left[column] = left_name(text)
        else:
            left[column] = left_name(text)
    if table == "joint_axes":
        rotation, driven = row["axis"].startswith("rotation"), bool(row["coordinate"])
        flips = ("x", "y") if rotation and driven else ("z",) if rotation else ()
        left |= {column: negated(row[column]) for column in flips}
    if table == "splines" and row["spline"].endswith("_z"):
        left["y"] = negated(row["y"])
    if table == "meshes":
        left["file"] = row["file_left"]
    return left


def _belongs_to_right(table: str, row: Row) -> bool:
    owner = (
        row["body"]
        if table in ("meshes", "contact")
        else row["muscle"]
        if table == "muscle_groups"
        else next(iter(row.values()))
    )
    return is_right(owner)


@dataclass(frozen=True)
class Tables(Shown):
    """Every table of the model, both sides, as rows of text.

    Rows keep the order of the files: midline and right side first, then the mirrored left side.
    """

    rows: Mapping[str, tuple[Row, ...]]
    constants: Mapping[str, float]

    def __getitem__(self, table: str) -> tuple[Row, ...]:
        """Return the rows of one table."""
        return self.rows[table]

    def row(self, table: str, name: str) -> Row:
        """Return the row whose first column is ``name``."""
        for row in self.rows[table]:
            if next(iter(row.values())) == name:
                return row
        raise UnknownNameError(table, name, {next(iter(row.values())) for row in self.rows[table]})


@functools.lru_cache(maxsize=4)
def load_tables(folder: Path = FOLDER) -> Tables:
    """Read the model's tables, mirror the right side and apply the overrides.

    Args:
        folder: Where the CSV files lie.

    Returns:
        The tables of both sides.
    """
    rows: dict[str, tuple[Row, ...]] = {}
    for table in TABLES:
        given = read_rows(folder / f"{table}.csv")
        rows[table] = (*given, *(_mirrored(table, row) for row in given if _belongs_to_right(table, row)))
    for line, override in enumerate(read_rows(folder / "overrides.csv"), start=2):
        matches = [row for row in rows.get(override["table"], ()) if row_key(override["table"], row) == override["row"]]
        if len(matches) != 1 or override["column"] not in matches[0]:
            raise FileFormatError(folder / "overrides.csv", f"{override} names no single value", line=line)
        matches[0][override["column"]] = override["value"]
    constants = {row["constant"]: float(row["value"]) for row in read_rows(folder / "constants.csv")}
    return Tables(rows, constants)
