"""What a session holds: every walk, every stride, every number, and what follows from them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from exogait.data import UnknownNameError, write_csv, write_text_atomic
from exogait.data.files import write_parquet
from exogait.data.names import CURVES_TABLE, SESSION_FILE, SESSION_PAGE, SIDES
from exogait.data.show import Card, Curve, Shown, names

from ..gait.curves import find_curve
from ..gait.cycle import N_POINTS, CycleStack
from ..report.describe import COMPARED
from .gather import POINTS
from .tables import numbers_of, records_of, rows_where, split_table
from .variability import Representative, representative_strides, variability_table

FORMAT = "exogait-session 2"
WALKS_TABLE, STRIDES_TABLE, NUMBERS_TABLE = "walks.csv", "strides.parquet", "numbers.csv"
VARIABILITY_TABLE, LEFT_OUT_TABLE = "variability.csv", "left_out.csv"
ANGLES = tuple(key for key in COMPARED if find_curve(key).table == "coordinates")
"""Joint angles, by which strides are compared with one another."""
CURVE_COLUMNS = ("person", "condition", "side", "curve", "title", "unit", "percent", "mean", "sd", "n")


@dataclass(frozen=True, kw_only=True)
class SessionData(Shown):
    """Persons, conditions and many walks of each."""

    folder: Path
    """Where it lies."""
    walks: pd.DataFrame
    """One row a walk: walk, person, condition, date, group, kind (measured, simulated), used, speed (m/s), height (m),
    population, strides_r,
    strides_l, verdict, why (it is left out), remark, report, reused."""
    strides: pd.DataFrame
    """One row a stride and curve of the walks that are used: whose, side, stride, start and stop (s), toe_off_pct,
    curve, and its values p0 to p100 in the curve's unit, as a report shows it; NaN where not known."""
    numbers: pd.DataFrame
    """One row a stride and number: whose, side, stride (0: one value a walk), metric, title, unit, value."""

    @property
    def persons(self) -> list[str]:
        """Who walked, in the order of the session."""
        return [str(name) for name in dict.fromkeys(self.walks["person"])]

    @property
    def conditions(self) -> list[str]:
        """How they walked, in the order of the session."""
        return [str(name) for name in dict.fromkeys(self.walks["condition"])]

    @property
    def page(self) -> Path:
        """The page of the session."""
        return self.folder / SESSION_PAGE

    @cached_property
    def used(self) -> pd.DataFrame:
        """Walks that are used."""
        return rows_where(self.walks, used=True)

    @cached_property
    def left_out(self) -> pd.DataFrame:
        """What is left out and why: walk, what, why. A whole walk, or what a failed check withholds of it."""
        rows = []
        for row in records_of(self.walks):
            if not row["used"]:
                rows.append((row["walk"], "the whole walk", row["why"]))
            elif str(row["verdict"]).startswith("usable but for "):
                what, _, why = str(row["verdict"]).removeprefix("usable but for ").partition(": ")
                rows.append((row["walk"], what, why))
        return pd.DataFrame(rows, columns=["walk", "what", "why"])

    @cached_property
    def curves(self) -> pd.DataFrame:
        """Mean and SD curves: person, condition, side, curve, title, unit, percent, mean, sd, n (strides there)."""
        tables = []
        for (person, condition, side, key), part in split_table(self.strides, ["person", "condition", "side", "curve"]):
            stack = self._stack(part, key)
            curve = find_curve(key)
            tables.append(
                pd.DataFrame({
                    "person": person, "condition": condition, "side": side, "curve": key, "title": curve.title,
                    "unit": curve.unit, "percent": stack.percent, "mean": stack.mean()[:, 0], "sd": stack.sd()[:, 0],
                    "n": np.isfinite(stack.values[:, :, 0]).sum(axis=0),
                })
            )  # fmt: skip
        return pd.DataFrame(pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=CURVE_COLUMNS))

    def person_means(self, curve: str, *, condition: str, side: str) -> dict[str, NDArray[np.float64]]:
        """Mean curve of every person who knows it in a condition, shape (101,) each; each person counts once."""
        rows = rows_where(self.strides, condition=condition, side=side, curve=curve)
        return {
            person: self._stack(own, curve).mean()[:, 0] for (person,), own in split_table(rows, ["person"])
        }  # fmt: skip

    @cached_property
    def variability(self) -> pd.DataFrame:
        """Spread and minimal detectable change of every number: :func:`.variability.variability_table`."""
        return variability_table(self.numbers)

    @cached_property
    def representative(self) -> list[Representative]:
        """The stride that stands for the others, of every person, condition and side."""
        return representative_strides(self.strides, ANGLES)

    def stack(self, curve: str, *, person: str, condition: str, side: str) -> CycleStack:
        """All strides of one curve, one person, condition and side; without cycles where there are none.

        Raises:
            UnknownNameError: There is no such person, condition or curve.
        """
        find_curve(curve)
        for word, name, known in (("person", person, self.persons), ("condition", condition, self.conditions)):
            if name not in known:
                raise UnknownNameError(word, name, known, str(self.folder))
        return self._stack(rows_where(self.strides, person=person, condition=condition, side=side, curve=curve), curve)

    def write(self) -> Path:
        """Write the tables into the folder; the page is :func:`.page.write_session_page`'s.

        Returns:
            The folder.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        write_csv(self.walks, self.folder / WALKS_TABLE, float_format="%.6g")
        write_parquet(self.strides, self.folder / STRIDES_TABLE)
        write_csv(self.numbers, self.folder / NUMBERS_TABLE, float_format="%.9g")
        write_csv(self.curves, self.folder / CURVES_TABLE, float_format="%.6g")
        write_csv(self.variability, self.folder / VARIABILITY_TABLE, float_format="%.6g")
        write_csv(self.left_out, self.folder / LEFT_OUT_TABLE)
        about = {"format": FORMAT, "persons": self.persons, "conditions": self.conditions, "walks": len(self.walks)}
        write_text_atomic(self.folder / SESSION_FILE, json.dumps(about, indent=1, ensure_ascii=False) + "\n")
        return self.folder

    def card(self) -> Card:
        """Who, how, how many strides, what is left out."""
        right, left = (int(numbers_of(self.used, f"strides_{side}").sum()) for side in SIDES)
        before = int(numbers_of(self.walks, "reused").sum())
        facts = (
            ("persons", names(self.persons)), ("conditions", names(name or "-" for name in self.conditions)),
            ("walks", f"{len(self.used)} of {len(self.walks)} used, {before} as before"),
            ("strides", f"{right} right, {left} left"),
            *(("left out", f"{row['walk']}: {row['what']}") for row in records_of(self.left_out)),
            ("folder", str(self.folder)),
        )  # fmt: skip
        return Card(f"Session of {len(self.persons)} persons", facts, self._pictures())

    def summary(self) -> str:
        """A few lines for the screen: strides a person and condition, what is left out, where the page is."""
        lines = []
        for (person, condition), part in split_table(self.walks, ["person", "condition"]):
            used = rows_where(part, used=True)
            right, left = (int(numbers_of(used, f"strides_{side}").sum()) for side in SIDES)
            speeds = numbers_of(used, "speed")
            speed = f", {np.nanmean(speeds):.2f} m/s" if np.isfinite(speeds).any() else ""
            lines.append(
                f"{person} {condition}".rstrip() + f": {len(used)} of {len(part)} walks used, "
                f"{right} strides right, {left} left{speed}"
            )
        lines += [f"left out of {row['walk']}: {row['what']} ({row['why']})" for row in records_of(self.left_out)]
        return "\n".join([*lines, f"open {self.page}"])

    def _stack(self, rows: pd.DataFrame, key: str) -> CycleStack:
        values = vectors(rows).reshape(len(rows), N_POINTS, 1)
        return CycleStack((key,), values, (), {key: find_curve(key).unit})

    def _pictures(self) -> tuple[Curve, ...]:
        table = rows_where(self.curves, curve="knee_flexion")
        lines = tuple(
            (f"{person} {condition} {side}".replace("  ", " "), numbers_of(part, "mean"))
            for (person, condition, side), part in split_table(table, ["person", "condition", "side"])
        )
        return (Curve("knee flexion, deg", lines[:4]),) if lines else ()


def vectors(rows: pd.DataFrame) -> NDArray[np.float64]:
    """The curves of rows of the table of strides, shape (n_rows, 101)."""
    return np.asarray(rows[list(POINTS)], np.float64)
