"""The page of a session: its walks, what is left out, mean curves, numbers, spread, the stride that stands for all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import pandas as pd

from exogait.data.names import CURVES_TABLE, SIDES

from ..gait.norm_bands import NormBand, bands_at
from ..report import figures as plots
from ..report.describe import COMPARED, GRIDS, decimals
from ..report.kit import (
    Cell,
    Fact,
    Facts,
    Figure,
    Fold,
    Group,
    Heading,
    Leg,
    Link,
    Mark,
    Note,
    Number,
    Page,
    Part,
    Section,
    Table,
    Verdict,
    Words,
)
from ..report.page import write_page
from .figures import Ensemble, figure_ensembles, known_grid
from .record import LEFT_OUT_TABLE, NUMBERS_TABLE, VARIABILITY_TABLE, SessionData, vectors
from .tables import numbers_of, records_of, rows_where, split_table

HEADLINES = (
    "speed", "cadence", "stride_length", "step_length", "step_width", "stance_pct", "hip_flexion_range",
    "knee_flexion_range", "ankle_range", "ankle_plantarflexor_moment", "ankle_power_pushoff", "grf_vertical_first",
)  # fmt: skip
"""Numbers that stand on the page without opening anything."""
_DEFINITIONS = (
    "Strides of all walks that are used count alike. A curve is the mean over the strides that know a point, the tint "
    "one standard deviation (n - 1). Grey bands are published references, mean and one standard deviation, at the "
    "speed nearest to the condition's.",
    "The representative stride is the one nearest the median curves of its condition and side: root mean square "
    "distance, each joint angle over the median stride's, averaged (after Sangeux & Polak 2015, Gait Posture 41:726).",
    "Minimal detectable change, MDC = 1.96 √2 SEM (Weir 2005, J Strength Cond Res 19:231): the smallest difference of "
    "two walks that is not chance with 95 %. SEM is the standard deviation of the walks' means about the person's own, "
    "pooled over the conditions, and no less than the strides of a walk give by chance. It holds within this session; "
    "between two dates the placement of markers adds.",
)


def write_session_page(session: SessionData) -> Path:
    """Write ``session.html`` into the session's folder."""
    return write_page(session_page(session), session.page)


def session_page(session: SessionData) -> Page:
    """The page of a session as data."""
    walks = session.walks
    simulated = bool(len(walks)) and len(rows_where(walks, kind="simulated")) == len(walks)
    people = [_person(session, person, k) for k, person in enumerate(session.persons, 1)]
    used = session.used
    facts = Facts([
        Fact("persons", len(session.persons)), Fact("conditions", len(session.conditions)),
        Fact("walks used", len(used), f"of {len(walks)}"),
        *(
            Fact(f"strides {word}", int(numbers_of(used, f"strides_{side}").sum()))
            for side, word in (("r", "right"), ("l", "left"))
        ),
    ])  # fmt: skip
    return Page(
        f"Session: {', '.join(session.persons[:4])}{' and more' if len(session.persons) > 4 else ''}",
        [
            Section("walks", "Walks", [_walks(session)]),
            Section("left-out", "What is left out, and why", _left_out(session)),
            Section("together", "All persons", _together(session), new_page=True),
            *people,
            Section("representative", "The stride that stands for the others", _representative(session)),
            Section("variability", "Spread and minimal detectable change", _variability(session)),
            Section("origin", "What these numbers are", [_origin(session)]),
        ],
        kicker="Gait analysis, session",
        lead=f"{_count(len(walks), 'walk')} of {_count(len(session.persons), 'person')} in "
        f"{_count(len(session.conditions), 'condition')}.",
        head=[facts],
        mark=Mark("Simulated gait", "a model walked; nobody was measured.") if simulated else None,
    )


def ensemble(
    rows: pd.DataFrame, *, label: str, colour: str, style: object = "-", keys: Sequence[str] | None = None
) -> Ensemble:
    """Strides of the table of strides as one line of a figure."""
    values = {key: vectors(part) for (key,), part in split_table(rows, ["curve"])}
    once = rows.drop_duplicates(["walk", "side", "stride"])
    shown = values if keys is None else {key: values[key] for key in keys if key in values}
    return Ensemble(label, colour, style, shown, numbers_of(once, "toe_off_pct"))


def _name(condition: str) -> str:
    return condition or "all walks"


def _count(n: int, word: str) -> str:
    return f"{n} {word}" if n == 1 else f"{n} {word}s"


def _walks(session: SessionData) -> Table:
    """Every walk; why something of it is left out stands in the table below it."""
    rows: list[list[Cell]] = []
    shown = [name for name in ("condition", "date") if any(session.walks[name])]
    for row in records_of(session.walks):
        first: Cell = Link(row["walk"], quote(row["report"])) if row["report"] else row["walk"]
        used = Verdict("pass", "used") if row["used"] else Verdict("fail", "left out")
        verdict = str(row["why"] or row["verdict"]).partition(": ")[0]
        about = "; ".join(word for word in (verdict, row["remark"]) if word)
        rows.append([
            first, row["person"], *(row[name] for name in shown), row["kind"], Number(row["speed"]),
            int(row["strides_r"]), int(row["strides_l"]), used, about,
        ])  # fmt: skip
    header = ["walk", "person", *shown, "", "speed (m/s)", "strides right", "strides left", "", "verdict"]
    return Table(header, rows, numeric=[len(shown) + k for k in (3, 4, 5)])


def _left_out(session: SessionData) -> list[Part]:
    if session.left_out.empty:
        return [Note("Nothing: every walk came through, and no check failed.")]
    rows = session.left_out[["walk", "what", "why"]].to_numpy(str).tolist()
    return [Table(["walk", "left out", "because"], rows), Note([Link("data", LEFT_OUT_TABLE)])]


def _person(session: SessionData, person: str, number: int) -> Section:
    parts: list[Part] = []
    for condition in session.conditions:
        rows = rows_where(session.strides, person=person, condition=condition)
        if rows.empty:
            continue
        parts.append(Heading(_name(condition)))
        sides = [side for side in SIDES if len(rows_where(rows, side=side))]
        lines = [
            ensemble(
                rows_where(rows, side=side), label=plots.SIDE_NAMES[side], colour=plots.COLOURS[side],
                style=plots.STYLES[side],
            )
            for side in sides
        ]  # fmt: skip
        bands = _bands(session, person, condition)
        counts = ", ".join(f"{len(line.toe_off)} strides {line.label.lower()}" for line in lines)
        walks = len(set(rows["walk"]))
        for grid in GRIDS:
            if shown := known_grid(grid, lines):
                caption = f"{person}, {_name(condition)}: mean and one SD, {counts} of {walks} walks."
                figure = figure_ensembles(shown, lines, norms=bands)
                parts.append(Figure(figure, caption, links=[Link("data", CURVES_TABLE)]))
    parts += _numbers(session, person)
    return Section(f"person{number}", person, parts, new_page=True)


def _bands(session: SessionData, person: str, condition: str) -> dict[str, NormBand]:
    """Norms for people like this one at the mean speed of the condition's walks."""
    used = rows_where(session.used, person=person, condition=condition)
    speeds, heights = (numbers_of(used, name) for name in ("speed", "height"))
    speed = float(np.nanmean(speeds)) if np.isfinite(speeds).any() else np.nan
    height = float(np.nanmean(heights)) if np.isfinite(heights).any() else None
    population = "children" if "children" in set(used["population"]) else "adults"
    return bands_at(speed, height=height, population=population, keys=COMPARED)


def _together(session: SessionData) -> list[Part]:
    """Means over persons, where a condition has two or more; a colour a condition."""
    counts = {c: len({*rows_where(session.strides, condition=c)["person"]}) for c in session.conditions}
    conditions = [name for name, n in counts.items() if n > 1][: len(plots.TRIAL_COLOURS)]
    if not conditions:
        return []
    parts: list[Part] = []
    for side in SIDES:
        lines = []
        for condition, colour in zip(conditions, plots.TRIAL_COLOURS, strict=False):
            means = {
                key: list(session.person_means(key, condition=condition, side=side).values()) for key in COMPARED
            }  # fmt: skip
            values = {key: np.array(own) for key, own in means.items() if own}
            lines.append(Ensemble(_name(condition), colour, plots.STYLES[side], values, np.empty(0)))
        who = ", ".join(f"{_name(condition)}: {counts[condition]} persons" for condition in conditions)
        for grid in GRIDS:
            if shown := known_grid(grid, lines):
                caption = f"{plots.SIDE_NAMES[side]} leg, mean and one SD of the persons' means ({who})."
                parts.append(Figure(figure_ensembles(shown, lines), caption))
    return [*parts, Heading("Numbers"), _person_table(session, conditions)]


def _person_table(session: SessionData, conditions: Sequence[str]) -> Table:
    """Mean and SD over persons, a person once, and how many know the number."""
    header = ["", "side", *(word for c in conditions for word in (_name(c), "persons")), "unit"]
    rows: list[list[Cell]] = []
    for (metric, title, unit, side), part in split_table(session.variability, ["metric", "title", "unit", "side"]):
        if metric not in HEADLINES:
            continue
        row: list[Cell] = [title, Leg("r" if side == "r" else "l") if side else "both"]
        for condition in conditions:
            means = numbers_of(rows_where(part, condition=condition), "mean")
            spread = float(means.std(ddof=1)) if len(means) > 1 else None
            mean = float(means.mean()) if len(means) else None
            row += [Number(mean, decimals(unit), spread=spread), len(means)]
        rows.append([*row, unit])
    return Table(header, rows, numeric=range(2, len(header) - 1))


def _numbers(session: SessionData, person: str) -> list[Part]:
    table = rows_where(session.variability, person=person)
    if table.empty:
        return []
    conditions = [c for c in session.conditions if len(rows_where(table, condition=c))]
    cells = {(r["metric"], r["condition"], r["side"]): r for r in records_of(table)}
    header = ["", *(f"{_name(c)}, {side}" for c in conditions for side in ("right", "left")), "unit"]
    main, more = [], []
    for (metric, title, unit), _ in split_table(table, ["metric", "title", "unit"]):
        row: list[Cell] = [title]
        for condition in conditions:
            both = cells.get((metric, condition, ""))
            row += [_spread(cells.get((metric, condition, side), both), unit) for side in SIDES]
        (main if metric in HEADLINES else more).append([*row, unit])
    numeric = list(range(1, len(header) - 1))
    parts: list[Part] = [Heading("Numbers"), Table(header, main, numeric=numeric)]
    if more:
        parts.append(Fold("All other numbers", [Table(header, more, numeric=numeric)]))
    return [*parts, Note(["Mean ± one SD between strides, or between walks where a walk has one value. ",
                          Link("data", NUMBERS_TABLE)])]  # fmt: skip


def _spread(row: Mapping[str, Any] | None, unit: str) -> Cell:
    if row is None:
        return None
    spread = row["sd_strides"] if row["n_strides"] else row["sd_walks"]
    return Number(row["mean"], decimals(unit), spread=spread)


def _representative(session: SessionData) -> list[Part]:
    rows: list[list[Cell]] = [
        [r.person, r.condition, Leg("r" if r.side == "r" else "l"), r.walk, r.stride, Number(r.start, 2), r.n_strides,
         Number(r.distance, 2), r.n_curves]
        for r in session.representative
    ]  # fmt: skip
    header = ["person", "condition", "side", "walk", "stride", "from (s)", "of strides", "distance", "joint angles"]
    return [Table(header, rows, numeric=[4, 5, 6, 7, 8])] if rows else []


def _variability(session: SessionData) -> list[Part]:
    main: list[Sequence[Cell] | Group] = []
    every: list[Sequence[Cell] | Group] = []
    for (person, condition), part in split_table(session.variability, ["person", "condition"]):
        title = Group(f"{person}, {_name(condition)}")
        main.append(title)
        every.append(title)
        for row in records_of(part):
            digits = decimals(row["unit"])
            side: Cell = Leg(row["side"]) if row["side"] else "both"
            cells: list[Cell] = [
                row["title"], side, Number(row["mean"], digits), row["n_strides"] or None,
                Number(row["sd_strides"], digits), Number(row["cv_pct"], 1), row["n_walks"],
                Number(row["sd_walks"], digits), Number(row["mdc"], digits), row["unit"],
            ]  # fmt: skip
            every.append(cells)
            if row["metric"] in HEADLINES:
                main.append(cells)
    if not every:
        return []
    header = [
        "", "side", "mean", "strides", "SD, strides", "CV (%)", "walks", "SD, walks", "MDC", "unit",
    ]  # fmt: skip
    numeric = [2, 3, 4, 5, 6, 7, 8]
    return [
        Table(header, main, numeric=numeric),
        Fold("All numbers", [Table(header, every, numeric=numeric)]),
        Note([Link("data", VARIABILITY_TABLE)]),
    ]


def _origin(session: SessionData) -> Note:
    items: list[Words] = [*_DEFINITIONS]
    if any(session.walks["remark"]):
        items.append("A walk without static trial is scaled to itself; the report of the walk says how sure that is.")
    return Note(items=items)
