"""How two conditions, dates, groups, persons or sessions differ: SPM of curves, differences and effect sizes.

Of several persons a person counts once, with the mean of the strides: in pairs where the same persons are on both
sides. Of one person the strides are compared, and what is found holds for that person alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from exogait.data import InputError, UnknownNameError
from exogait.data.files import path_component
from exogait.data.names import SIDES, Side
from exogait.data.show import Card, Shown
from exogait.data.trial import select_rows

from ..gait.agreement import SpmResult, compare_spm
from ..report.describe import COMPARED
from .record import SessionData, vectors
from .statistics import Difference, compute_difference, correct_holm
from .tables import numbers_of, records_of, rows_where, split_table

By = Literal["condition", "date", "group", "person", "session"]
Level = Literal["persons", "strides"]
COVERED = 0.9
"""Share of the cycle that a stride must know to count for a curve, and that all must know together for a test: at the
end of a stride the next contact may be off the plates."""
DIFFERENCE_COLUMNS = (
    "metric", "title", "side", "unit", "n_first", "n_second", "mean_first", "sd_first", "mean_second", "sd_second",
    "difference", "low", "high", "effect", "p", "p_holm", "mdc",
)  # fmt: skip


@dataclass(frozen=True)
class CurveTest:
    """One curve of one leg on both sides of a comparison."""

    curve: str
    side: Side
    first: NDArray[np.float64]
    """Shape (n_first, 101), in the curve's unit."""
    second: NDArray[np.float64]
    """Shape (n_second, 101)."""
    spm: SpmResult | None
    """The test over the points that all know (:attr:`span`), its stretches in % of the whole cycle; ``None`` where none
    was possible."""
    span: tuple[int, int] = (0, 100)
    """First and last tested point, % of the cycle."""
    why: str = ""
    """Why there is none."""


@dataclass(frozen=True, kw_only=True)
class SessionComparison(Shown):
    """Two conditions, groups or persons beside one another."""

    first: str
    """What is compared with."""
    second: str
    """What is compared; differences are second minus first."""
    by: By
    """What the two are."""
    level: Level
    """What counts once: a person (its mean), or a stride of the only person."""
    paired: bool
    """Whether the same persons are on both sides."""
    persons: tuple[tuple[str, ...], tuple[str, ...]]
    """Who is on each side, in the order of the rows."""
    kinds: tuple[str, str]
    """Whether the walks of each side are measured, simulated, or both."""
    left_out: tuple[str, ...]
    """Persons that are not compared, and why."""
    alpha: float
    """Error rate of all curves together."""
    tests: tuple[CurveTest, ...]
    """Every curve of both legs."""
    numbers: pd.DataFrame
    """One row a number and leg: means, SD, difference, ends of its confidence interval, effect size, p, p corrected
    over the table by Holm; of one person also the minimal detectable change of two walks."""
    by_person: pd.DataFrame
    """The same for each person on both sides, between strides; empty where nobody is."""
    folder: Path
    """The session's folder."""

    @property
    def stem(self) -> str:
        """Name of its files."""
        words = f"compare_{self.second or 'all'}_{self.first or 'all'}"
        return path_component(words.replace(" ", "_"), "compare", ascii_only=True)

    @property
    def numbers_that_differ(self) -> pd.DataFrame:
        """Rows of ``numbers`` whose corrected p is below ``alpha``."""
        return select_rows(self.numbers, numbers_of(self.numbers, "p_holm") < self.alpha)

    def card(self) -> Card:
        """What differs."""
        clear = self.numbers_that_differ
        spans = [
            (f"{test.curve} {test.side}", ", ".join(f"{a:.0f}-{b:.0f} %" for a, b, _ in test.spm.clusters))
            for test in self.tests if test.spm is not None and test.spm.clusters
        ]  # fmt: skip
        many = {"persons": "persons", "strides": "strides of one person on each side"}[self.level]
        facts = (
            ("compared", f"{many}, {'paired' if self.paired else 'not paired'}"),
            ("numbers", f"{len(clear)} of {len(self.numbers)} differ (p < {self.alpha:g}, Holm)"),
            ("curves", f"{len(spans)} of {sum(t.spm is not None for t in self.tests)} differ somewhere (SPM)"), *spans,
        )  # fmt: skip
        return Card(f"{self.second or 'all'} against {self.first or 'all'}", facts)


def compare_session(
    session: SessionData,
    first: str,
    second: str,
    *,
    by: str = "condition",
    persons: Sequence[str] | None = None,
    conditions: Sequence[str] | None = None,
    paired: bool | None = None,
    alpha: float = 0.05,
) -> SessionComparison:
    """Compare two conditions, groups or persons.

    Curves are tested over the whole cycle (SPM, Pataky 2012), at an error rate divided by the number of curves that are
    compared (Bonferroni), so that ``alpha`` holds for all of them. Numbers are corrected over the table by Holm.

    Args:
        session: The session.
        first: What is compared with: a condition, date, group, person or session, as ``by`` says.
        second: What is compared.
        by: ``condition``, ``date``, ``group``, ``person``, or ``session`` of joined ones (:func:`.join_sessions`).
        persons: Only these; all if not given.
        conditions: Only walks in these; all if not given.
        paired: Whether persons on both sides are compared with themselves; where there are two or more of them if not
            given.
        alpha: Error rate.

    Raises:
        InputError: One side has nobody, or one side is a single person and the other several, or pairs were asked for
            of persons who are not on both sides.
        UnknownNameError: There is no such condition, date, group, person or session.
        MissingDependencyError: The package spm1d is not installed.
    """
    kind = _kind(by, session)
    for name in (first, second):
        known = dict.fromkeys(session.walks[kind].map(str))
        if name not in known:
            raise UnknownNameError(kind, name, known, str(session.folder))
    wanted = session.persons if persons is None else list(persons)
    for name in wanted:
        if name not in session.persons:
            raise UnknownNameError("person", name, session.persons, str(session.folder))
    how = session.conditions if conditions is None else list(conditions)
    for name in how:
        if name not in session.conditions:
            raise UnknownNameError("condition", name, session.conditions, str(session.folder))
    strides, numbers = (
        _parts(table, kind, (first, second), wanted, how) for table in (session.strides, session.numbers)
    )
    people = [[name for name in wanted if name in set(part["person"])] for part in numbers]
    both = [name for name in people[0] if name in people[1]]
    if min(map(len, people)) == 0:
        empty = first if not people[0] else second
        raise InputError(f"{session.folder}: {kind} {empty or '(none)'}", "no walk that can be used", "compare others")
    level: Level = "strides" if len(people[0]) == len(people[1]) == 1 else "persons"
    if paired is None:
        paired = level == "persons" and len(both) > 1
    left_out: list[str] = []
    if paired:
        if level == "strides" or len(both) < 2:
            raise InputError("paired", "yes", "two or more persons on both sides are needed; strides have no pairs")
        alone = [name for name in dict.fromkeys((*people[0], *people[1])) if name not in both]
        left_out = [f"{name}: not on both sides" for name in alone]
        people = [both, both]
    elif level == "persons" and min(map(len, people)) < 2:
        raise InputError(
            "persons", len(min(people, key=len)), "one against several has no spread: name one on each side"
        )
    return SessionComparison(
        first=first, second=second, by=kind, level=level, paired=paired, persons=(tuple(people[0]), tuple(people[1])),
        kinds=_kinds(_parts(session.used, kind, (first, second), wanted, how)), left_out=tuple(left_out), alpha=alpha,
        tests=_curve_tests(strides, people, level, paired, alpha),
        numbers=_differences(numbers, people, level, paired, alpha, _mdc(session, people, level)),
        by_person=_each_person(numbers, both, alpha), folder=session.folder,
    )  # fmt: skip


def _kind(by: str, session: SessionData) -> By:
    known = [kind for kind in get_args(By) if kind in session.walks.columns]
    if by not in known:
        raise InputError("by", by, " or ".join(known))
    return by  # pyright: ignore[reportReturnType]


def _parts(
    table: pd.DataFrame, kind: By, names: tuple[str, str], persons: Sequence[str], conditions: Sequence[str]
) -> list[pd.DataFrame]:
    """Rows of both sides."""
    whose = zip(table["person"], table["condition"], strict=True)
    own = select_rows(table, [person in persons and condition in conditions for person, condition in whose])
    return [rows_where(own, **{kind: name}) for name in names]


def _kinds(walks: Sequence[pd.DataFrame]) -> tuple[str, str]:
    first, second = (" and ".join(dict.fromkeys(part["kind"].map(str))) for part in walks)
    return first, second


# -- curves -----------------------------------------------------------------------------------------------------------


def _curve_tests(
    strides: Sequence[pd.DataFrame], people: Sequence[Sequence[str]], level: Level, paired: bool, alpha: float
) -> tuple[CurveTest, ...]:
    samples: list[tuple[str, Side, NDArray[np.float64], NDArray[np.float64]]] = []
    for key in COMPARED:
        for side in SIDES:
            a, b = (_curves(part, own, key, side, level) for part, own in zip(strides, people, strict=True))
            if any(len(rows_where(part, curve=key, side=side)) for part in strides):
                samples.append((key, side, a, b))
    each = alpha / max(sum(min(len(a), len(b)) > 1 for _, _, a, b in samples), 1)
    tests = []
    for key, side, a, b in samples:
        spm, why = None, ""
        start, stop = known_span(np.concatenate([a, b]))
        try:
            if not min(len(a), len(b)):
                raise ValueError("not known, or not to every person")
            if stop - start + 1 < 101 * COVERED:
                raise ValueError(f"{max(stop - start + 1, 0)} of 101 points are known to all curves")
            spm = compare_spm(a[:, start : stop + 1], b[:, start : stop + 1], paired=paired, alpha=each)
            share = (stop - start) / 100.0
            spans = tuple((start + share * begin, start + share * end, p) for begin, end, p in spm.clusters)
            spm = replace(spm, clusters=spans)
        except ValueError as error:  # a single curve, missing points, no spread: the reason stands beside the curve
            why = str(error)
        tests.append(CurveTest(key, side, a, b, spm, (start, stop), why))
    return tuple(tests)


def known_span(curves: NDArray[np.float64]) -> tuple[int, int]:
    """First and last point of the longest stretch that all curves, shape (n, 101), know; (0, -1) where there is none.

    Example:
        >>> curves = np.zeros((2, 101))
        >>> curves[0, 98:] = np.nan
        >>> known_span(curves)
        (0, 97)
    """
    edges = np.flatnonzero(np.diff(np.concatenate([[False], np.isfinite(curves).all(axis=0), [False]]).astype(int)))
    starts, stops = edges[::2], edges[1::2] - 1
    if not len(starts):
        return 0, -1
    longest = int(np.argmax(stops - starts))
    return int(starts[longest]), int(stops[longest])


def _curves(part: pd.DataFrame, people: Sequence[str], key: str, side: Side, level: Level) -> NDArray[np.float64]:
    """Curves that count once: strides that know nearly every point, or of each person their mean, where all know it."""
    rows = rows_where(part, curve=key, side=side)
    whole = select_rows(rows, np.isfinite(vectors(rows)).mean(axis=1) >= COVERED)
    own = [vectors(rows_where(whole, person=name)) for name in people]
    if level == "strides":
        return np.concatenate(own)
    means = [values.mean(axis=0) for values in own if len(values)]
    # Of pairs one that is missing would shift all others.
    return np.array(means) if len(means) == len(own) else np.empty((0, 101))


# -- numbers ----------------------------------------------------------------------------------------------------------


def _differences(
    numbers: Sequence[pd.DataFrame],
    people: Sequence[Sequence[str]],
    level: Level,
    paired: bool,
    alpha: float,
    mdc: Mapping[tuple[str, str], float],
) -> pd.DataFrame:
    rows = []
    facts = pd.DataFrame(pd.concat(numbers)).drop_duplicates(["metric", "side"])
    indexed = [dict(split_table(part, ["metric", "side"])) for part in numbers]
    for fact in records_of(facts):
        key = (fact["metric"], fact["side"])
        if not all(key in of for of in indexed):
            continue
        parts = [of[key] for of in indexed]
        samples = [_values(part, names, level) for part, names in zip(parts, people, strict=True)]
        if paired:
            shared = [name for name in people[0] if all(name in sample for sample in samples)]
            samples = [{name: sample[name] for name in shared} for sample in samples]
        values = [np.array(list(sample.values()), np.float64) for sample in samples]
        if min(map(len, values)):
            found = compute_difference(values[0], values[1], paired=paired, alpha=alpha)
            rows.append(_row(fact, found, mdc.get(key, np.nan)))
    table = pd.DataFrame(rows, columns=[name for name in DIFFERENCE_COLUMNS if name != "p_holm"])
    table["p_holm"] = correct_holm(numbers_of(table, "p"))
    return pd.DataFrame(table[list(DIFFERENCE_COLUMNS)])


def _values(part: pd.DataFrame, people: Sequence[str], level: Level) -> dict[Any, float]:
    """Values that count once, by person or by walk and stride."""
    if level == "strides":
        keys = zip(part["walk"], part["stride"], strict=True)
        return dict(zip(keys, numbers_of(part, "value"), strict=True))
    means = {name: float(numbers_of(own, "value").mean()) for (name,), own in split_table(part, ["person"])}
    return {name: means[name] for name in people if name in means}


def _row(fact: Mapping[str, Any], found: Difference, mdc: float) -> dict[str, Any]:
    return {**{name: fact[name] for name in ("metric", "title", "side", "unit")}, **vars(found), "mdc": mdc}


def _mdc(session: SessionData, people: Sequence[Sequence[str]], level: Level) -> dict[tuple[str, str], float]:
    """Minimal detectable change of the only person, where it is the same one on both sides."""
    if level != "strides" or people[0] != people[1]:
        return {}
    own = rows_where(session.variability, person=people[0][0])
    keys = zip(own["metric"], own["side"], strict=True)
    return dict(zip(keys, numbers_of(own, "mdc"), strict=True))


def _each_person(numbers: Sequence[pd.DataFrame], people: Sequence[str], alpha: float) -> pd.DataFrame:
    tables = []
    for name in people:
        own = [rows_where(part, person=name) for part in numbers]
        table = _differences(own, [[name], [name]], "strides", False, alpha, {})
        tables.append(table.assign(person=name).drop(columns="mdc"))
    columns = ["person", *(name for name in DIFFERENCE_COLUMNS if name != "mdc")]
    return pd.DataFrame(pd.concat(tables, ignore_index=True)[columns] if tables else pd.DataFrame(columns=columns))
