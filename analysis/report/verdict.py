"""The first thing that a report says: whether the walk can be used; and, where it was asked for, what is withheld."""

from __future__ import annotations

import math
from collections.abc import Sequence

from exogait.data import GaitTrial
from exogait.data.quality import QualityRow, overall
from exogait.data.trial import SIDES

from ..gait.curves import CURVES, available, table_of
from ..gait.metrics import compute_metrics
from . import figures as plots
from .describe import decimals
from .kit import Banner, Cell, Figure, Inline, Note, Number, Part, Strong, Table, Words

_WORDS = {"usable": "Usable.", "usable but for": "Usable but for", "not usable": "Not usable."}
_COLUMNS = 3


def verdict_parts(rows: Sequence[QualityRow]) -> list[Part]:
    """The verdict on a trial, its reasons and what to do, as a clinician reads it in ten seconds.

    Args:
        rows: The trial's rows; none gives nothing, since nothing was judged.
    """
    verdict = overall(rows)
    if verdict.kind == "not judged":
        return []
    words: list[Inline] = [Strong(_WORDS[verdict.kind])]
    if verdict.kind == "usable but for":
        words.append(f" {', '.join(verdict.spoiled) or 'a doubt'}, which is withheld.")
    if verdict.kind == "usable":
        words.append(" No check failed.")
    items: list[Words] = [f"Because {reason}." for reason in verdict.reasons]
    items += [[Strong("To do: "), f"{todo}."] for todo in verdict.todo]
    return [Banner(words, items=items)]


def withheld_parts(trial: GaitTrial, whole: GaitTrial) -> list[Part]:
    """What failed checks withhold: curves hatched, numbers in a table of their own.

    Args:
        trial: The trial as reported.
        whole: The same with nothing blank.
    """
    gone = [
        key
        for key in available(whole, CURVES)
        if any(_blanked(trial, whole, key, side) for side in SIDES) or len(trial.events) < len(whole.events)
    ]
    shown, reported = compute_metrics(whole), compute_metrics(trial).set_index("metric")
    rows: list[list[Cell]] = []
    for row in shown.to_dict(orient="records"):
        cells = [Number(row[side], decimals(row["unit"])) for side in ("right", "left")]
        here = reported.loc[row["metric"]]
        if any(math.isfinite(row[side]) and not math.isfinite(here[side]) for side in ("right", "left")):
            rows.append([row["title"], *cells, row["unit"]])
    parts: list[Part] = []
    if gone:
        gone = gone[: len(gone) // _COLUMNS * _COLUMNS] or gone
        width = min(_COLUMNS, len(gone))
        grid = [gone[i : i + width] for i in range(0, len(gone), width)]
        drawing, _ = plots.figure_grid(whole, grid, hatched=True)
        parts.append(Figure(drawing, "Hatched: withheld because a check failed; not to be used.", "Withheld curves."))
    if rows:
        parts += [Table(["", "right", "left", "unit"], rows, numeric=[1, 2], sides={1: "r", 2: "l"})]
        parts.append(Note("Numbers that a failed check withholds: they are wrong as far as this walk tells."))
    return parts


def _blanked(trial: GaitTrial, whole: GaitTrial, key: str, side: str) -> bool:
    curve = CURVES[key]
    column = curve.column_of("r" if side == "r" else "l")
    before, now = table_of(whole, curve), table_of(trial, curve)
    if before is None or now is None:
        return False
    return column in before and bool(before[column].notna().any()) and not bool(now[column].notna().any())
