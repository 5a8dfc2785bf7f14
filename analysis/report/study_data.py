"""The numbers of a study's page: what the two tables of outcomes hold, selected and averaged, as plain rows.

Means are over walks that did not end in a fall, first within a training seed, then over the seeds; SDs are between
seeds. Nothing is filled in: a group without walks has no row.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from exogait.data.constants import CONDITION_NAMES, CONDITIONS
from exogait.data.errors import InputError
from exogait.data.names import Side, side_of, stem
from exogait.models.deficit import deficit_names
from exogait.models.energetics import ACCOUNTINGS

from ..outcomes.signs import leg_of, records
from ..outcomes.tables import read_outcomes, seed_curves
from ..outcomes.walk import SYMMETRIC

Array = NDArray[np.float64]
Row = dict[str, Any]
Body = tuple[str, float, str]
"""Name of the body, strength of its weakest group (%), weak side."""

SPEED = 1.25
"""Commanded speed at which bodies are compared where it was walked, else the nearest, m/s."""
REQUIRED = ("walk", "seed", "body", "strength", "side", "condition", "speed_commanded", "start", "variant", "fell",
            "speed_mean")  # fmt: skip


class Study:
    """The tables of a study and how walks are selected from them.

    Attributes:
        walks: Table of walks, all variants.
        curves: Table of curves, without those of muscle activations.
        main: The main variant's walks.
        rows: The same as dictionaries.
    """

    def __init__(self, walks: pd.DataFrame, curves: pd.DataFrame, *, name: str = "study") -> None:
        """Check and keep the tables.

        Args:
            walks: Table of walks.
            curves: Table of curves.
            name: What errors call the study.

        Raises:
            InputError: The table of walks lacks a column that every walk has, or holds no walk.
        """
        missing = [column for column in REQUIRED if column not in walks.columns]
        if missing or walks.empty:
            raise InputError(f"{name}: walks", ", ".join(missing) or "no rows", "a table of outcome_tables")
        self.walks = walks
        # The means over the stride suffice for muscles, and their curves are most of the table.
        names = [curve for curve in curves["curve"].cat.categories if not str(curve).startswith("activation_")]
        self.curves = pd.DataFrame(curves[curves["curve"].isin(names)])
        self.main = pd.DataFrame(walks[walks["variant"] == "main"])
        self.rows = records(self.main)

    @cached_property
    def bodies(self) -> list[Body]:
        """Bodies of the main variant: healthy first, then by name, strong before weak."""
        found = {(str(r["body"]), float(r["strength"]), str(r["side"])) for r in self.rows}
        return sorted(found, key=lambda b: (b[0] != "healthy", b[0], -b[1], b[2]))

    def select(self, body: Body | None = None, *, up: bool = True, **wanted: Any) -> list[Row]:
        """Rows of the main variant; without those that fell where ``up``."""
        return [
            row for row in self.rows
            if (body is None or (row["body"], row["strength"], row["side"]) == body)
            and not (up and row["fell"]) and all(row[name] == value for name, value in wanted.items())
        ]  # fmt: skip

    def at_speed(self, body: Body, condition: str) -> tuple[list[Row], float]:
        """Walks that did not fall at the commanded speed nearest to :data:`SPEED`, and that speed."""
        rows = self.select(body, condition=condition)
        if not rows:
            return [], float("nan")
        speed = min({float(r["speed_commanded"]) for r in rows}, key=lambda v: (abs(v - SPEED), v))
        return [r for r in rows if r["speed_commanded"] == speed], speed

    def healthy_at_speed(self, condition: str) -> tuple[list[Row], float]:
        """As :meth:`at_speed`, of the healthy body; no row where there is none."""
        bodies = [body for body in self.bodies if body[0] == "healthy"]
        return self.at_speed(bodies[0], condition) if bodies else ([], float("nan"))

    def mean_curve(self, rows: Sequence[Row], curve: str, side: Side) -> tuple[Array, Array, int]:
        """Mean over seeds, SD between seeds, both shape (101,), and the number of seeds; NaN where there is none."""
        used = pd.DataFrame({name: [row[name] for row in rows] for name in ("walk", "seed")})
        found = list(seed_curves(used, self.curves, curve, (side,)).values())
        nothing = np.full(101, np.nan)
        if not found:
            return nothing, nothing, 0
        return np.mean(found, axis=0), np.std(found, axis=0, ddof=1) if len(found) > 1 else nothing, len(found)


def read_study(folder: str | Path) -> Study:
    """The study in a folder.

    Args:
        folder: Folder of :func:`exogait.analysis.outcomes.tables.write_outcomes`.

    Raises:
        FileFormatError: A table is missing.
        InputError: A table lacks a column that every walk has, or holds no walk.
    """
    return Study(*read_outcomes(folder), name=str(folder))


def body_label(body: Body) -> str:
    """A body in words."""
    name, strength, side = body
    return "healthy" if name == "healthy" else f"{name.replace('_', ' ')} {strength:g} %, {side}"


def over_seeds(rows: Iterable[Row], name: str, *, magnitude: bool = False) -> tuple[float, float, int, int]:
    """Mean of the seeds' means, SD between them, number of seeds and of walks."""
    by: dict[Any, list[float]] = {}
    for row in rows:
        value = float(row.get(name, np.nan))
        if np.isfinite(value):
            by.setdefault(row["seed"], []).append(abs(value) if magnitude else value)
    means = np.array([np.mean(values) for values in by.values()])
    if not len(means):
        return float("nan"), float("nan"), 0, 0
    sd = float(means.std(ddof=1)) if len(means) > 1 else float("nan")
    return float(means.mean()), sd, len(means), sum(map(len, by.values()))


def own_speeds(rows: Iterable[Row]) -> list[float]:
    """Commanded speeds of some walks, m/s, ascending."""
    return sorted({float(row["speed_commanded"]) for row in rows})


# -- what was run -----------------------------------------------------------------------------------------------------


def find_gaps(study: Study) -> list[str]:
    """What the study lacks, in words: bodies, conditions, speeds."""
    gaps = []
    for body in study.bodies:
        rows = study.select(body, up=False)
        walked = {condition: {r["speed_commanded"] for r in rows if r["condition"] == condition}
                  for condition in CONDITIONS}  # fmt: skip
        gaps += [f"{body_label(body)}: no walk with {CONDITION_NAMES[c]}" for c in CONDITIONS if not walked[c]]
        # A body may have speeds of its own; within it, each condition has to have walked at all of them.
        for condition in CONDITIONS:
            absent = ", ".join(f"{v:g}" for v in own_speeds(rows) if v not in walked[condition])
            if walked[condition] and absent:
                gaps.append(f"{body_label(body)}, {CONDITION_NAMES[condition]}: not walked at {absent} m/s")
    present = {body[0] for body in study.bodies}
    return [f"no walk of the body {name}" for name in ["healthy", *deficit_names()] if name not in present] + gaps


def fall_rows(study: Study) -> list[Row]:
    """Falls and the error of the speed by body, condition and commanded speed."""
    data = []
    for body in study.bodies:
        for condition in CONDITIONS:
            rows = study.select(body, up=False, condition=condition)
            for speed in own_speeds(rows):
                part = [r for r in rows if r["speed_commanded"] == speed]
                fell = sum(bool(r["fell"]) for r in part)
                error = over_seeds([r for r in part if not r["fell"]], "speed_error_pct")[0]
                data.append({"body": body_label(body), "condition": condition, "speed": speed, "n_walks": len(part),
                             "n_fell": fell, "fall_rate_pct": 100.0 * fell / len(part),
                             "speed_error_pct": error})  # fmt: skip
    return data


def cost_rows(study: Study) -> list[Row]:
    """Gross metabolic rate and cost of transport by body, condition, commanded speed and model."""
    data = []
    for body in study.bodies:
        for condition in CONDITIONS:
            rows = study.select(body, condition=condition)
            for speed in own_speeds(rows):
                part = [r for r in rows if r["speed_commanded"] == speed]
                for model in ACCOUNTINGS:
                    mean, sd, n_seeds, n_walks = over_seeds(part, f"{model}_gross")
                    cost = over_seeds(part, f"{model}_cost")
                    data.append(
                        {"body": body_label(body), "condition": condition, "speed_commanded": speed,
                         "speed": over_seeds(part, "speed_mean")[0], "model": model, "gross_w_per_kg": mean,
                         "gross_sd_seeds": sd, "cost_j_per_kg_m": cost[0], "cost_sd_seeds": cost[1],
                         "n_seeds": n_seeds, "n_walks": n_walks}
                    )  # fmt: skip
    return data


# -- weak bodies, symmetry, muscles -----------------------------------------------------------------------------------


def dose_rows(study: Study) -> list[Row]:
    """Metabolic rates and magnitudes of symmetry indices by deficit, strength and condition; 100 % is healthy."""
    quantities = (*(f"{model}_gross" for model in ACCOUNTINGS), *(f"{name}_si" for name in SYMMETRIC))
    data = []
    for name in [name for name in dict.fromkeys(body[0] for body in study.bodies) if name != "healthy"]:
        groups: dict[float, list[Body]] = {}
        for body in study.bodies:
            if body[0] in ("healthy", name):
                groups.setdefault(100.0 if body[0] == "healthy" else body[1], []).append(body)
        for strength, bodies in groups.items():
            for condition in CONDITIONS:
                found = [study.at_speed(body, condition) for body in bodies]
                rows = [row for part, _ in found for row in part]
                for quantity in quantities:
                    mean, sd, n_seeds, n = over_seeds(rows, quantity, magnitude=quantity.endswith("_si"))
                    if n:
                        data.append({"deficit": name, "sides": ", ".join(body[2] for body in bodies),
                                     "strength": strength, "condition": condition,
                                     "speed_commanded": ", ".join(sorted({f"{v:g}" for part, v in found if part})),
                                     "quantity": quantity, "mean": mean, "sd_seeds": sd, "n_seeds": n_seeds,
                                     "n_walks": n})  # fmt: skip
    return data


def symmetry_rows(study: Study) -> list[Row]:
    """Symmetry indices, with sign and as magnitudes, by body and condition."""
    data = []
    for body in study.bodies:
        for condition in CONDITIONS:
            rows, speed = study.at_speed(body, condition)
            for name in SYMMETRIC:
                mean, sd, n_seeds, n = over_seeds(rows, f"{name}_si", magnitude=True)
                if n:
                    data.append({"body": body_label(body), "condition": condition, "speed_commanded": speed,
                                 "quantity": name, "si_magnitude_pct": mean, "sd_seeds": sd,
                                 "si_pct": over_seeds(rows, f"{name}_si")[0], "n_seeds": n_seeds,
                                 "n_walks": n})  # fmt: skip
    return data


def activation_rows(study: Study) -> list[Row]:
    """Mean activation of each muscle over the stride by body, condition and leg."""
    columns = [str(c) for c in study.main.columns if str(c).startswith("activation_")]
    data = []
    for body in study.bodies:
        for condition in CONDITIONS:
            rows, speed = study.at_speed(body, condition)
            for column in columns:
                mean, sd, n_seeds, _ = over_seeds(rows, column)
                if n_seeds and (leg := side_of(column)) is not None:
                    whose = "both" if body[0] == "healthy" else "weak" if leg == leg_of(body[2], "weak") else "sound"
                    data.append({"body": body_label(body), "condition": condition, "speed_commanded": speed,
                                 "muscle": stem(column).removeprefix("activation_"), "leg": whose, "side": leg,
                                 "mean_activation": mean, "sd_seeds": sd, "n_seeds": n_seeds})  # fmt: skip
    return data
