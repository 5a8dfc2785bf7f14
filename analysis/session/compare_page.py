"""The page of a comparison within a session: curves with SPM, differences with intervals and effects, by person."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from exogait.data import output_folder, write_csv
from exogait.data.names import SIDES, Side

from ..gait.curves import find_curve
from ..report.describe import GRIDS, decimals
from ..report.figures import SIDE_NAMES
from ..report.kit import (
    Banner,
    Cell,
    Fact,
    Facts,
    Figure,
    Fold,
    Group,
    Leg,
    Link,
    Mark,
    Note,
    Number,
    Page,
    Part,
    Section,
    Strong,
    Table,
    Text,
    number,
)
from ..report.page import write_page
from .compare import SessionComparison
from .figures import TestedCurve, figure_spm
from .tables import numbers_of, records_of, split_table

_METHOD = (
    "Curves: statistical parametric mapping of the t statistic over the whole cycle (Pataky 2012, Comput Methods "
    "Biomech Biomed Engin 15:295), its threshold corrected for the points of a curve by random field theory and for "
    "the number of curves by Bonferroni.",
    "Numbers: Student's t of pairs, or Welch's of two samples; p corrected over the table by Holm (1979). Effect size "
    "is Hedges' g, of pairs from the average SD (Lakens 2013, Front Psychol 4:863).",
)
_OF_STRIDES = (
    "One person: strides are compared, numbers that a walk has once walk by walk. Strides of one walk are not "
    "independent of each other, and what differs here differs in this person alone. MDC is the smallest difference of "
    "two walks that is not chance with 95 %."
)
_OF_PERSONS = "A person counts once, with the mean of the strides."


def write_comparison_page(comparison: SessionComparison, out: str | Path) -> Path:
    """Write the page and its tables (numbers, by person, SPM) into a folder.

    Returns:
        The page.
    """
    out, stem = Path(out), comparison.stem
    names = [f"{stem}{ending}" for ending in (".html", ".csv", "_by_person.csv", "_spm.csv")]
    with output_folder(out, "exogait session compare", expects=names):
        write_csv(comparison.numbers, out / names[1], float_format="%.6g")
        write_csv(comparison.by_person, out / names[2], float_format="%.6g")
        write_csv(spm_table(comparison), out / names[3], float_format="%.6g")
        return write_page(comparison_page(comparison), out / names[0])


def spm_table(comparison: SessionComparison) -> pd.DataFrame:
    """Every tested curve: curve, side, n of both, threshold, and each stretch beyond it with its p.

    Returns:
        One row a stretch; a curve without one has one row without begin and end, and ``why`` where it was not tested.
    """
    rows = []
    for test in comparison.tests:
        base = {"curve": test.curve, "side": test.side, "n_first": len(test.first), "n_second": len(test.second)}
        threshold = np.nan if test.spm is None else test.spm.threshold
        clusters: Sequence[tuple[float, float, float]] = () if test.spm is None else test.spm.clusters
        for begin, end, p in clusters or [(np.nan, np.nan, np.nan)]:
            rows.append({**base, "threshold": threshold, "begin": begin, "end": end, "p": p, "why": test.why})
    columns = ["curve", "side", "n_first", "n_second", "threshold", "begin", "end", "p", "why"]
    return pd.DataFrame(rows, columns=columns)


def comparison_page(comparison: SessionComparison) -> Page:
    """The page of a comparison as data."""
    names = _names(comparison)
    clear = len(comparison.numbers_that_differ)
    tested = [test for test in comparison.tests if test.spm is not None]
    head: list[Part] = [
        Facts([
            Fact("counts once", "a person" if comparison.level == "persons" else "a stride",
                 "paired" if comparison.paired else "not paired"),
            Fact("numbers that differ", clear, f"of {len(comparison.numbers)}"),
            Fact("curves that differ", sum(bool(t.spm and t.spm.clusters) for t in tested), f"of {len(tested)} tested"),
        ])
    ]  # fmt: skip
    who = [
        f"{name}: {kind} walks of {', '.join(people)}."
        for name, kind, people in zip(names, comparison.kinds, comparison.persons, strict=True)
    ]
    simulated = [name for name, kind in zip(names, comparison.kinds, strict=True) if "simulated" in kind]
    if len(simulated) == 1:
        head.append(
            Banner([Strong(f"{simulated[0]}: simulated."), " A model walked; nobody was measured on that side."])
        )
    items = [_OF_STRIDES if comparison.level == "strides" else _OF_PERSONS, *_METHOD, *who]
    items += [f"Not compared: {text}." for text in comparison.left_out]
    return Page(
        f"{names[1]} against {names[0]}",
        [
            *(Section(f"curves-{side}", f"{SIDE_NAMES[side]} leg", _curves(comparison, side)) for side in SIDES),
            Section("where", "Where the curves differ", _where(comparison), new_page=True),
            Section("numbers", "Numbers", _numbers(comparison)),
            Section("persons", "Person by person", _persons(comparison)),
            Section("origin", "What these numbers are", [Note(items=items)]),
        ],
        kicker="Gait analysis, comparison within a session",
        lead=f"Differences are {names[1]} minus {names[0]}.",
        head=head,
        mark=Mark("Simulated gait", "a model walked; nobody was measured.") if len(simulated) == 2 else None,
    )


def _names(comparison: SessionComparison) -> tuple[str, str]:
    return comparison.first or "no condition", comparison.second or "no condition"


def _curves(comparison: SessionComparison, side: Side) -> list[Part]:
    tested = {
        test.curve: TestedCurve(test.first, test.second, test.spm, test.span)
        for test in comparison.tests
        if test.side == side and min(len(test.first), len(test.second))
    }
    parts: list[Part] = []
    for grid in GRIDS:
        shown = [row for row in grid if any(key in tested for key in row)]
        if shown:
            first, second = _names(comparison)
            counts = {
                (len(tested[key].first), len(tested[key].second)) for row in shown for key in row if key in tested
            }
            several = " or ".join(f"{a} and {b}" for a, b in sorted(counts))
            caption = (
                f"{SIDE_NAMES[side]} leg, mean and one SD of {first} and {second} (n = {several}); below, t of the "
                "difference."
            )
            parts.append(
                Figure(
                    figure_spm(shown, tested, side=side, labels=(first, second)), caption,
                    links=[Link("data", f"{comparison.stem}_spm.csv")],
                )
            )  # fmt: skip
    return parts


def _where(comparison: SessionComparison) -> list[Part]:
    rows: list[list[Cell]] = []
    silent, untested = [], []
    for test in comparison.tests:
        title = f"{find_curve(test.curve).title}, {SIDE_NAMES[test.side].lower()}"
        if test.spm is None:
            untested.append(f"{title}: {test.why}")
            continue
        if not test.spm.clusters:
            silent.append(title)
        for begin, end, p in test.spm.clusters:
            a, b = (values[:, round(begin) : round(end) + 1].mean() for values in (test.first, test.second))
            rows.append([
                find_curve(test.curve).title, Leg(test.side), f"{number(begin, 0)} to {number(end, 0)}",
                Number(float(b - a), decimals(find_curve(test.curve).unit), signed=True), find_curve(test.curve).unit,
                _p(p),
            ])  # fmt: skip
    parts: list[Part] = []
    if shorter := [test for test in comparison.tests if test.spm is not None and test.span != (0, 100)]:
        spans = [
            f"{find_curve(test.curve).title}, {SIDE_NAMES[test.side].lower()}: {test.span[0]} to {test.span[1]} %"
            for test in shorter
        ]
        untested += [f"{text} tested, beyond not known to all" for text in spans]
    if rows:
        header = ["", "side", "% of the cycle", "mean difference there", "unit", "p"]
        parts.append(Table(header, rows, numeric=[2, 3, 5]))
    if silent:
        parts.append(Text([Strong("No difference found: "), f"{'; '.join(silent)}."]))
    if untested:
        parts.append(Note("Not tested, or not over the whole cycle:", items=untested))
    return parts


def _numbers(comparison: SessionComparison) -> list[Part]:
    if comparison.numbers.empty:
        return []
    table = _difference_table(comparison, comparison.numbers)
    return [table, Note([Link("data", f"{comparison.stem}.csv")])]


def _difference_table(comparison: SessionComparison, numbers: pd.DataFrame) -> Table:
    with_mdc = "mdc" in numbers and bool(np.isfinite(numbers_of(numbers, "mdc")).any())
    first, second = _names(comparison)
    rows: list[Sequence[Cell] | Group] = []
    for row in records_of(numbers):
        digits = decimals(row["unit"])
        interval = (
            f"{number(row['low'], digits)} to {number(row['high'], digits)}" if row["low"] == row["low"] else None
        )
        cells: list[Cell] = [
            row["title"], Leg(row["side"]) if row["side"] else "both",
            Number(row["mean_first"], digits, spread=row["sd_first"]), row["n_first"],
            Number(row["mean_second"], digits, spread=row["sd_second"]), row["n_second"],
            Number(row["difference"], digits, signed=True), interval, row["unit"],
            Number(row["effect"], 2, signed=True), _p(row["p_holm"]),
        ]  # fmt: skip
        rows.append([*cells, Number(row["mdc"], digits)] if with_mdc else cells)
    level = f"{100 * (1 - comparison.alpha):g} % interval"
    header = ["", "side", first, "n", second, "n", "difference", level, "unit", "effect g", "p (Holm)"]
    numeric = [2, 3, 4, 5, 6, 7, 9, 10]
    return Table([*header, "MDC"] if with_mdc else header, rows, numeric=[*numeric, 11] if with_mdc else numeric)


def _persons(comparison: SessionComparison) -> list[Part]:
    if comparison.level == "strides" or comparison.by_person.empty:
        return []
    parts: list[Part] = [Text("Each person's own change, between strides of both sides.")]
    for (person,), part in split_table(comparison.by_person, ["person"]):
        clear = int((numbers_of(part, "p_holm") < comparison.alpha).sum())
        table = _difference_table(comparison, pd.DataFrame(part.drop(columns="person")))
        parts.append(Fold(f"{person}: {clear} of {len(part)} numbers differ", [table]))
    return [*parts, Note([Link("data", f"{comparison.stem}_by_person.csv")])]


def _p(p: float) -> Cell:
    if np.isnan(p):
        return None
    return "< 0.001" if p < 0.001 else number(p, 3)
