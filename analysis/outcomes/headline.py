"""What ``exogait personalize`` found, as plain data: the command's folder, its walks by arm, a few headline numbers.

An *arm* is what a person's walks were simulated with: the generic device or the one tuned to the person; everything
else is alike in both. Pages and sentences are made of these numbers in :mod:`exogait.analysis.report.personalize`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

from exogait.data.constants import ARMS, CONDITIONS
from exogait.data.errors import FileFormatError
from exogait.data.names import PERSON_FILE, RESULT_FILE
from exogait.data.trial import SIDES
from exogait.models.energetics import SAVINGS, claimed

from .paired import PAIRED_QUANTITIES, paired_changes
from .signs import records
from .tables import counted_today, curve_matrix, read_outcomes

MAGNITUDES = ("step_time_si", "step_length_si", "stance_pct_si", "grf_impulse_si", "ankle_push_off_power_si")
"""Outcomes of which the magnitude is meant: symmetry indices, whose sign is the side."""
OUTCOMES = (
    *(f"{model}_gross" for model in claimed()), "speed_mean", "step_time_si", "step_length_si", "stance_pct_si",
    "grf_impulse_si", "asymmetry", "ankle_push_off_power_si", "exo_positive_power",
)  # fmt: skip
"""Columns of the table of walks that are compared between the arms."""

Row = dict[str, Any]
Line = tuple[str, str, str]
"""A line of a figure: its name, the arm, the condition."""


@dataclass(frozen=True)
class Personalized:
    """The content of a folder of ``exogait personalize``."""

    folder: Path
    person: Mapping[str, Any]
    """``person.json``: subject, synthetic, mass (kg), height (m), speed (m/s), deficit, device, notes, ..."""
    arms: Mapping[str, Mapping[str, Any]]
    """Arm to ``result.json`` of its fine-tune."""
    walks: pd.DataFrame
    """Table of walks, the arm as ``variant``."""
    curves: pd.DataFrame
    """Table of curves."""

    @property
    def subject(self) -> str:
        """Name of the person."""
        return str(self.person.get("subject", ""))

    @property
    def synthetic(self) -> bool:
        """Whether nobody was measured."""
        return bool(self.person.get("synthetic"))

    def table(self, name: str) -> pd.DataFrame:
        """A CSV table of the folder.

        Args:
            name: File name without its ending.

        Raises:
            FileFormatError: There is no such table, or it cannot be read.
        """
        path = self.folder / f"{name}.csv"
        try:
            content = pd.read_csv(path)
        except (OSError, ValueError) as error:
            raise FileFormatError(path, f"no table ({error})", "run `exogait personalize` again") from error
        # A column of texts that are all empty comes back as numbers that are none.
        texts = [c for c in ("side", "weaker", "norm_source", "why", "verdict") if c in content.columns]
        return content.assign(**{c: content[c].astype(object).fillna("").astype(str) for c in texts})

    def by_condition(self) -> Iterator[tuple[str, str, list[Row]]]:
        """Arm, condition and their walks, falls included."""
        rows = records(self.walks)
        for arm in ARMS:
            for condition in CONDITIONS:
                yield arm, condition, [r for r in rows if r["variant"] == arm and r["condition"] == condition]


def read_personalized(folder: str | Path) -> Personalized:
    """The content of a folder of ``exogait personalize``.

    Args:
        folder: Holds ``person.json``, the tables of the estimate and of the walks, and a folder an arm.

    Raises:
        FileFormatError: A file is missing or is not what the command writes.
    """
    folder = Path(folder)
    person = _read_json(folder / PERSON_FILE)
    arms = {arm: _read_json(folder / arm / RESULT_FILE) for arm in ARMS}
    return Personalized(folder, person, arms, *read_outcomes(folder))


def _read_json(path: Path) -> dict[str, Any]:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise FileFormatError(path, f"cannot be read ({error})", "name a folder of `exogait personalize`") from error


# -- comparisons ------------------------------------------------------------------------------------------------------


def between_arms(walks: pd.DataFrame, curves: pd.DataFrame) -> pd.DataFrame:
    """Paired changes from the generic to the personalised device, both powered, from the same start states.

    Args:
        walks: Table of walks, the arm as ``variant``.
        curves: Table of curves.

    Returns:
        The summary of :func:`exogait.analysis.outcomes.paired.paired_changes`, the generic device as the reference.
    """
    powered = pd.DataFrame(walks[walks["condition"] == "powered"]).copy()
    powered["condition"] = np.where(powered["variant"] == "personalised", "powered", "none")
    powered["variant"] = "personalised against generic"
    summary = paired_changes(powered, curves).summary
    return pd.DataFrame(summary[summary["reference"] == "none"]) if len(summary) else summary


@dataclass(frozen=True)
class ArmChange:
    """Paired changes to one arm's powered device."""

    arm: str
    reference: str
    """``none``, ``unpowered`` (both of the same arm) or ``generic`` (the other arm, powered)."""
    found: Mapping[str, Mapping[str, Any]]
    """Quantity to its row of :func:`paired_changes`; empty where no walk was powered."""


def arm_changes(result: Personalized) -> list[ArmChange]:
    """Each arm's powered device against none and against worn but off, then the personalised against the generic."""
    within = paired_changes(result.walks, result.curves).summary
    across = between_arms(result.walks, result.curves)
    changes = []
    for reference in ("none", "unpowered"):
        for arm in ARMS:
            part = within[within["variant"] == arm] if len(within) else within
            rows = [row for row in records(pd.DataFrame(part)) if row["reference"] == reference]
            changes.append(ArmChange(arm, reference, {str(row["quantity"]): row for row in rows}))
    changes.append(ArmChange("personalised", "generic", {str(row["quantity"]): row for row in records(across)}))
    return changes


def arm_outcomes(result: Personalized) -> list[Row]:
    """Means over the walks without a fall, one row an arm and condition: arm, condition, walks, fell, outcomes.

    Of the outcomes in :data:`MAGNITUDES` the mean is over magnitudes; NaN where there is no walk.
    """
    found = []
    for arm, condition, rows in result.by_condition():
        up = [row for row in rows if not row["fell"]]
        values = {name: _mean([float(r.get(name, np.nan)) for r in up], name in MAGNITUDES) for name in OUTCOMES}
        found.append(
            {"arm": arm, "condition": condition, "walks": len(rows), "fell": len(rows) - len(up), **values}
        )  # fmt: skip
    return found


def arm_curves(result: Personalized, curves: Sequence[str], lines: Sequence[Line]) -> pd.DataFrame:
    """Mean curves over walks without a fall.

    Args:
        result: The folder.
        curves: Names of curves.
        lines: Name, arm and condition of each line.

    Returns:
        One row a point: curve, side, line, condition, percent, mean, n_walks; no row where no such walk has the curve.
    """
    data: list[Row] = []
    up = pd.DataFrame(result.walks[~result.walks["fell"].astype(bool)])
    for line, arm, condition in lines:
        part = pd.DataFrame(up[(up["variant"] == arm) & (up["condition"] == condition)])
        for curve in curves:
            for side in SIDES:
                values = curve_matrix(part, result.curves, curve, side)[1]
                values = values[np.isfinite(values).all(axis=1)]
                if len(values):
                    mean = values.mean(axis=0)
                    data += [{"curve": curve, "side": side, "line": line, "condition": condition, "percent": i,
                              "mean": v, "n_walks": len(values)} for i, v in enumerate(mean)]  # fmt: skip
    return pd.DataFrame(data)


def changes_table(
    changes: Sequence[ArmChange], names: Mapping[str, str], references: Mapping[str, str]
) -> pd.DataFrame:
    """The paired changes as one table, a row a comparison and quantity.

    Args:
        changes: Of :func:`arm_changes`.
        names: Arm to the words for it.
        references: Reference to the words for it.
    """
    return pd.DataFrame(
        [
            {**row, "compared": names[change.arm], "reference": references[change.reference]}
            for change in changes
            for quantity, row in change.found.items()
            if quantity in PAIRED_QUANTITIES and not quantity.endswith("_atrophied")
        ]
    )


# -- the few numbers on top -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class RateChange:
    """Paired change of the gross metabolic rate (Umberger 2010, eccentric work not credited)."""

    mean_pct: float = float("nan")
    """Mean over the pairs of walks, %; NaN where no pair can be compared."""
    sd_pct: float = float("nan")
    """SD between the pairs, %; NaN below two."""
    n_pairs: int = 0
    counted: bool = True
    """Whether the walks were counted in the accounting of savings; those of an earlier version were not."""


@dataclass(frozen=True, kw_only=True)
class Headline:
    """What came out, in a few numbers."""

    subject: str
    """Name of the person."""
    synthetic: bool
    """Whether nobody was measured."""
    speed: float
    """Commanded speed of every walk, m/s."""
    rate: Mapping[Literal["generic", "personalised", "between"], RateChange]
    """Change of the metabolic rate: ``generic`` and ``personalised`` against no device, ``between`` from the generic
    to the personalised one."""
    asymmetry: Mapping[str, float]
    """Mean magnitude of six symmetry indices, %: ``none``, ``generic``, ``personalised``; NaN where all walks fell."""
    falls: Mapping[str, tuple[int, int]]
    """Falls and walks: with each arm's device on, and ``none``, without a device in either arm."""
    samples: int
    """Control steps in which the human learned, and the personalised device after that."""
    full_samples: int
    """Control steps of a full fine-tune."""
    seconds: float
    """Time that the longer fine-tune took, s."""


def headline(result: Personalized) -> Headline:
    """The few numbers on top; changes of metabolic rate are savings, and credit no eccentric work.

    Args:
        result: The folder.
    """
    found = {(change.arm, change.reference): change.found.get(f"{SAVINGS}_gross") for change in arm_changes(result)}
    off = [row for _, condition, rows in result.by_condition() if condition == "none" for row in rows]
    walked = {"none": off, **{arm: rows for arm, condition, rows in result.by_condition() if condition == "powered"}}
    trained = [result.arms[arm] for arm in ARMS]
    counted = counted_today(result.walks)
    return Headline(
        subject=result.subject,
        synthetic=result.synthetic,
        speed=float(result.person.get("speed", np.nan)),
        rate={
            "generic": _rate(found["generic", "none"], counted),
            "personalised": _rate(found["personalised", "none"], counted),
            "between": _rate(found["personalised", "generic"], counted),
        },
        asymmetry={
            name: _mean([float(row.get("asymmetry", np.nan)) for row in rows if not row["fell"]], magnitude=False)
            for name, rows in walked.items()
        },
        falls={name: (sum(bool(row["fell"]) for row in rows), len(rows)) for name, rows in walked.items()},
        samples=int(trained[0]["samples"]),
        full_samples=int(result.person.get("full_samples", trained[0]["samples"])),
        seconds=float(max(arm["training_seconds"] for arm in trained)),
    )


def read_headline(folder: str | Path) -> Headline:
    """What came out of ``exogait personalize``, from its folder.

    Args:
        folder: As of :func:`read_personalized`.

    Raises:
        FileFormatError: A file is missing or is not what the command writes.
    """
    return headline(read_personalized(folder))


def _rate(row: Mapping[str, Any] | None, counted: bool) -> RateChange:
    if row is None:
        return RateChange(counted=counted)
    return RateChange(float(row["mean_pct"]), float(row["sd_walks_pct"]), int(row["n_pairs"]))


def _mean(values: Sequence[float], magnitude: bool) -> float:
    known = [abs(v) if magnitude else v for v in values if np.isfinite(v)]
    return float(np.mean(known)) if known else float("nan")
