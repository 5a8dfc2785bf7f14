"""The page of a study: one self-contained file from the two tables of outcomes, every figure with its data as CSV.

Bodies, conditions or speeds that the tables lack are named; nothing is filled in. Means are over walks that did not
end in a fall, first within a training seed, then over the seeds; SDs are between seeds unless the text says otherwise.
Numbers come from :mod:`exogait.analysis.report.study_data`; here they become sections.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from exogait.data.constants import CONDITION_NAMES, CONDITIONS
from exogait.data.files import write_csv
from exogait.data.trial import SIDES
from exogait.models.energetics import HEADLINE, SAVINGS, accounting_title, claimed

from ..gait.symmetry import DEFINITIONS
from ..outcomes.paired import PairedChanges, paired_changes
from ..outcomes.signs import judge_signs, read_signs, records, reproduced
from ..outcomes.tables import EARLIER, counted_today
from .figures import CONDITION_COLOURS, figure_bars
from .kit import (
    Banner,
    Cell,
    Code,
    Fact,
    Facts,
    Fold,
    Group,
    Mark,
    Note,
    Number,
    Page,
    Part,
    Section,
    Strong,
    Table,
    Text,
    Verdict,
    number,
)
from .page import write_page
from .pieces import Piece, all_tables, data_link, not_shown, with_data
from .study_data import (
    SPEED,
    Row,
    Study,
    activation_rows,
    body_label,
    cost_rows,
    dose_rows,
    fall_rows,
    find_gaps,
    own_speeds,
    read_study,
    symmetry_rows,
)
from .study_figures import figure_costs, figure_doses, figure_symmetry
from .study_torques import baseline_section, torque_section, weak_section

AT_SPEED = f"at the commanded speed nearest to {SPEED:g} m/s"


def write_study_report(folder: str | Path) -> Path:
    """Write ``study_report.html`` and ``figures/*.csv`` into a folder that holds the tables of a study.

    Args:
        folder: Folder of :func:`exogait.analysis.outcomes.tables.write_outcomes`.

    Returns:
        The page.

    Raises:
        FileFormatError: A table is missing.
        InputError: A table lacks a column that every walk has, or holds no walk.
    """
    folder = Path(folder)
    page, tables = study_page(read_study(folder))
    (folder / "figures").mkdir(exist_ok=True)
    for place, content in tables.items():
        write_csv(content, folder / f"{place}.csv")
    return write_page(page, folder / "study_report.html")


def study_page(study: Study) -> tuple[Page, dict[str, pd.DataFrame]]:
    """The page of a study and the tables that it links to, by their places without ending."""
    changes = paired_changes(study.main, study.curves)
    pieces = [
        _coverage(study),
        _failures(study),
        _cost(study),
        _changes(changes, counted_today(study.walks)),
        torque_section(study),
        baseline_section(study),
        weak_section(study),
        _signs(study),
        _dose(study),
        _symmetry(study, changes),
        _muscles(study),
        _variants(study),
        _method(),
    ]
    page = Page(
        "Exoskeleton study on simulated walkers",
        [piece.section for piece in pieces],
        kicker="Simulated gait",
        lead=f"{len(study.walks)} walks; no measurement, no person.",
        head=[_head(study)],
        mark=Mark("Simulated", "policies move a musculoskeletal model and its device; no person was measured."),
    )
    return page, all_tables(pieces)


# -- what was run -----------------------------------------------------------------------------------------------------


def _head(study: Study) -> Facts:
    rows = records(study.walks)
    fell = sum(bool(row["fell"]) for row in rows)
    return Facts(
        [
            Fact("Walks", str(len(rows))),
            Fact("Bodies", str(len(study.bodies)), "main variant"),
            Fact("Training seeds", str(len({row["seed"] for row in rows}))),
            Fact("Ended in a fall", str(fell), f"of {len(rows)}"),
        ]
    )


def _coverage(study: Study) -> Piece:
    speeds = ", ".join(f"{v:g}" for v in own_speeds(study.rows))
    cells: list[list[Cell]] = []
    for body in study.bodies:
        counts = [len(study.select(body, up=False, condition=condition)) for condition in CONDITIONS]
        own = own_speeds(study.select(body, up=False))
        cells.append([body_label(body), *(count or None for count in counts), ", ".join(f"{v:g}" for v in own)])
    header = ["walks", *(CONDITION_NAMES[c] for c in CONDITIONS), "speeds (m/s)"]
    parts: list[Part] = [Text(f"Commanded speeds: {speeds} m/s.")] if speeds else []
    parts.append(Table(header, cells, range(1, 4)))
    if gaps := find_gaps(study):
        parts.append(Banner([Strong("Missing")], gaps))
    return Piece(Section("run", "What was run", parts))


def _failures(study: Study) -> Piece:
    data = fall_rows(study)
    if not data:
        return not_shown("falls", "Falls", "no walk of the main variant")
    cells: list[list[Cell] | Group] = []
    for body in dict.fromkeys(row["body"] for row in data):
        cells.append(Group(body))
        for condition in CONDITIONS:
            part = [row for row in data if row["body"] == body and row["condition"] == condition]
            if part:
                rates = ", ".join(f"{r['speed']:g} m/s: {r['n_fell']} of {r['n_walks']}" for r in part)
                total = f"{sum(r['n_fell'] for r in part)} of {sum(r['n_walks'] for r in part)}"
                errors = [abs(r["speed_error_pct"]) for r in part if np.isfinite(r["speed_error_pct"])]
                cells.append([CONDITION_NAMES[condition], total, rates, Number(max(errors, default=None), 1)])
    header = ["", "fell", "by commanded speed", "largest speed error (%)"]
    note = Note(["Walks that fell are in no mean below. ", data_link("figures/falls")])
    section = Section("falls", "Falls and speed kept", [Table(header, cells, [3]), note])
    return Piece(section, {"figures/falls": pd.DataFrame(data)})


# -- cost -------------------------------------------------------------------------------------------------------------


def _cost(study: Study) -> Piece:
    data = cost_rows(study)
    known = [row for row in data if np.isfinite(row["gross_w_per_kg"])]
    if not known:
        return not_shown("cost", "Metabolic cost", "no walk without a fall has a metabolic rate")
    parts: list[Part] = []
    tables = {}
    for model in dict.fromkeys((HEADLINE, *(str(row["model"]) for row in known))):
        caption = (
            f"{accounting_title(model)}: gross metabolic rate over the speed that was really walked, per kg of the "
            "person (the device is carried, not counted); bars ± 1 SD between seeds where there are two or more."
        )
        drawing = figure_costs([row for row in known if row["model"] == model])
        parts.append(with_data(f"figures/cost_{model}", drawing, caption))
        tables[f"figures/cost_{model}"] = pd.DataFrame([row for row in data if row["model"] == model])
    parts.append(
        Note(
            "Equations on simulated muscle states, not gas exchange; models differ in absolute value, so compare "
            "changes. Muscle masses are the person's by anatomy, set from mass and height and not from cost; OpenSim's "
            "probe takes them from strength. No credit: the work of lengthening muscles is worth nothing."
        )
    )
    return Piece(Section("cost", "Metabolic cost", parts), tables)


def _changes(changes: PairedChanges, counted: bool) -> Piece:
    title = "What the device changes"
    tables = {"figures/paired_changes_pairs": changes.pairs, "figures/paired_changes": changes.summary}
    if changes.summary.empty:
        return Piece(not_shown("changes", title, "no powered walk").section, tables)
    groups: dict[tuple[Any, ...], dict[str, Row]] = {}
    for row in records(changes.summary):
        key = (row["reference"], row["body"], row["strength"], row["side"], row["speed_commanded"])
        groups.setdefault(key, {})[row["quantity"]] = row
    cells: list[list[Cell] | Group] = []
    group: object = None
    for key, found in groups.items():
        if key[:4] != group:
            group = key[:4]
            cells.append(Group(f"{body_label(key[1:4])}: powered against {CONDITION_NAMES[key[0]]}"))
        cells.append(_change_cells(found, key[4]))
    titles = [f"{accounting_title(name)} (%)" for name in claimed()]
    header = ["", *titles, "angles (°)", "falls (%)", "pairs (seeds)", "left out"]
    note = Note(
        [
            "Change of the gross metabolic rate, paired by seed, body, speed and start: mean ± SD between seeds / SD "
            "between walks. Angles: RMSE between the mean curves of hip, knee and ankle; a cost that falls while "
            "angles move far is not the device's work alone. Falls: powered / against. Pairs count where neither walk "
            "fell and their speeds differ by 2 % at most; left out: fell / speed / no partner. ",
            data_link("figures/paired_changes", "all quantities"),
            ", ",
            data_link("figures/paired_changes_pairs", "every pair"),
        ]
    )
    parts: list[Part] = [Table(header, cells, range(1, len(header))), note]
    if not counted:
        parts.insert(0, Note(f"No change of metabolic rate can be told: these walks were {EARLIER}."))
    return Piece(Section("changes", title, parts), tables)


def _change_cells(found: Mapping[str, Row], speed: float) -> list[Cell]:
    """One body, reference and speed of the paired changes, cell by cell."""
    first = next(iter(found.values()))
    rates: list[Cell] = []
    for name in claimed():
        v = found.get(f"{name}_gross")
        if v is None or not np.isfinite(v["mean_pct"]):
            rates.append(None)
        else:
            spread = f"{number(v['sd_seeds_pct'], 1)} / {number(v['sd_walks_pct'], 1)}"
            rates.append(f"{number(v['mean_pct'], 1)} ± {spread}")
    dropped = f"{first['n_fell']} / {first['n_speed']} / {first['n_unmatched']}"
    return [f"{speed:g} m/s", *rates, Number(first["angle_rmse"], 1), _fall_rates(first),
            f"{first['n_pairs']} ({first['n_seeds']})", dropped]  # fmt: skip


def _fall_rates(row: Row) -> str:
    return f"{number(100 * row['fall_rate'], 0)} / {number(100 * row['fall_rate_reference'], 0)}"


# -- impairment -------------------------------------------------------------------------------------------------------


def _signs(study: Study) -> Piece:
    title = "Clinical signs"
    signs = read_signs()
    if not study.rows or any(f"{s.variable}_{side}" not in study.main.columns for s in signs.signs for side in SIDES):
        return not_shown("signs", title, "the table lacks the variables of the signs")
    judged = judge_signs(study.main, signs)
    verdicts = reproduced(judged, signs)
    cells: list[list[Cell] | Group] = []
    for verdict in records(verdicts):
        strength = verdict["strength"]
        part = [r for r in records(judged) if r["deficit"] == verdict["deficit"]
                and (r["strength"] == strength or (np.isnan(strength) and np.isnan(r["strength"])))]  # fmt: skip
        word = "reproduced" if verdict["reproduced"] else "not reproduced"
        name = verdict["deficit"].replace("_", " ") + ("" if np.isnan(strength) else f" {strength:g} %")
        cells.append(Group(f"{name}: {verdict['n_hold']} of {verdict['n_signs']} signs, {word}"))
        for row in part:
            spread = f"{number(row['healthy_mean'])} ± {number(row['healthy_sd'])}"
            holds = Verdict("pass", "yes") if row["holds"] else Verdict("fail", "no")
            cells.append(
                [row["sign"], f"{row['variable'].replace('_', ' ')}, {row['side']} leg", row["direction"], spread,
                 Number(row["value"]), Number(row["threshold"]), row["unit"], holds,
                 row["remark"] or f"{row['n_walks']} walks, {row['n_fell']} fell"]
            )  # fmt: skip
    header = ["sign", "number", "expected", "healthy ± SD", "weak body", "threshold", "unit", "holds", ""]
    note = Note(
        [
            f"Without device, {signs.speed:g} m/s commanded; signs and rule were fixed before the training (",
            Code("analysis/outcomes/tables/compensations.yaml"),
            f", with the sources). A deficit counts as reproduced if at least {signs.reproduced_share:.0%} of its "
            "signs hold; what could not be judged counts as not held. ",
            data_link("figures/signs"),
        ]
    )
    section = Section("signs", title, [Table(header, cells, [3, 4, 5]), note])
    return Piece(section, {"figures/signs": judged, "figures/signs_verdicts": verdicts})


def _dose(study: Study) -> Piece:
    title = "Weakness: dose and response"
    data = dose_rows(study)
    shown = list(dict.fromkeys(row["deficit"] for row in data if row["strength"] < 100.0))
    if not shown:
        return not_shown("dose", title, "no walk of a weak body without a fall")
    caption = (
        f"{AT_SPEED.capitalize()}; 100 % is the healthy body; weak sides are pooled. |SI|: magnitude of Robinson's "
        "index; a healthy body is not at zero. More quantities in the data."
    )
    figure = with_data("figures/dose_response", figure_doses(data, shown), caption)
    return Piece(Section("dose", title, [figure]), {"figures/dose_response": pd.DataFrame(data)})


def _symmetry(study: Study, changes: PairedChanges) -> Piece:
    title = "Symmetry with and without the device"
    data = symmetry_rows(study)
    if not data:
        return not_shown("symmetry", title, "no walk without a fall has a symmetry index")
    caption = f"Magnitude of the symmetry index {AT_SPEED}, mean over seeds."
    parts: list[Part] = [with_data("figures/symmetry", figure_symmetry(data), caption)]
    cells: list[list[Cell]] = []
    for row in records(changes.summary):
        if str(row["quantity"]).endswith("_si") and row["reference"] == "none" and row["n_pairs"]:
            label = body_label((row["body"], row["strength"], row["side"]))
            values = (Number(row[k], 1) for k in ("mean", "sd_seeds", "sd_walks", "angle_rmse"))
            cells.append([label, Number(row["speed_commanded"]), row["quantity"][:-3].replace("_", " "), *values,
                          row["n_pairs"]])  # fmt: skip
    if cells:
        header = ["body", "m/s", "quantity", "change of |SI| (points)", "SD seeds", "SD walks", "angles change (°)",
                  "pairs"]  # fmt: skip
        inner = Table(header, cells, [1, 3, 4, 5, 6, 7])
        parts.append(Fold("Paired changes, powered against no device", [inner]))
    parts.append(Note(f"{DEFINITIONS['robinson']}."))
    return Piece(Section("symmetry", title, parts), {"figures/symmetry": pd.DataFrame(data)})


def _muscles(study: Study) -> Piece:
    title = "Muscle activity"
    data = activation_rows(study)
    if not data:
        return not_shown("muscles", title, "no walk without a fall has muscle activations")
    parts: list[Part] = []
    tables = {}
    colours = {CONDITION_NAMES[c]: CONDITION_COLOURS[c] for c in CONDITIONS}
    for i, name in enumerate(dict.fromkeys(r["body"] for r in data)):
        leg = "both" if name == "healthy" else "weak"
        own = [r for r in data if r["body"] == name and r["leg"] == leg]
        head = f"{name}: mean activation, {'both legs' if leg == 'both' else 'weak leg'}"
        drawing, _ = figure_bars(_activations(own), title=head, unit="mean activation, 1", colours=colours)
        caption = f"Mean over the stride {AT_SPEED}, and over seeds."
        figure = with_data(f"figures/muscles_{i}", drawing, caption)
        parts.append(figure if i == 0 else Fold(head, [figure]))
        tables[f"figures/muscles_{i}"] = pd.DataFrame(own)
    tables["figures/muscles_all"] = pd.DataFrame(data)
    parts.append(Note([data_link("figures/muscles_all", "all bodies and both legs")]))
    return Piece(Section("muscles", title, parts), tables)


def _activations(rows: list[Row]) -> pd.DataFrame:
    """Mean activation of one body's legs, a row a muscle, a column a condition."""
    values: dict[str, dict[str, float]] = {}
    for condition in CONDITIONS:
        part = [row for row in rows if row["condition"] == condition]
        if part:
            values[CONDITION_NAMES[condition]] = {
                muscle: float(np.mean([row["mean_activation"] for row in part if row["muscle"] == muscle]))
                for muscle in dict.fromkeys(row["muscle"] for row in part)
            }
    return pd.DataFrame(values)


# -- variants and method ----------------------------------------------------------------------------------------------


def _variants(study: Study) -> Piece:
    title = "Variants"
    names = [name for name in dict.fromkeys(map(str, study.walks["variant"])) if name != "main"]
    if not names:
        return not_shown("variants", title, "the tables hold the main variant alone")
    other = pd.DataFrame(study.walks[study.walks["variant"] != "main"])
    summary = paired_changes(other, study.curves).summary
    cells: list[list[Cell]] = []
    for row in records(summary):
        if row["quantity"] == f"{SAVINGS}_gross":
            label = body_label((row["body"], row["strength"], row["side"]))
            spread = f"{number(row['mean_pct'], 1)} ± {number(row['sd_seeds_pct'], 1)}"
            cells.append([row["variant"], label, CONDITION_NAMES[row["reference"]], Number(row["speed_commanded"]),
                          spread, Number(row["angle_rmse"], 1), _fall_rates(row), row["n_pairs"]])  # fmt: skip
    header = ["variant", "body", "against", "m/s", f"{accounting_title(SAVINGS)} (%)", "angles change (°)",
              "falls, powered / against (%)", "pairs"]  # fmt: skip
    parts: list[Part] = [Table(header, cells, range(3, 8))] if cells else []
    unpowered = [name for name in names if not any(row[0] == name for row in cells)]
    if unpowered:
        parts.append(Text(f"Without a powered walk: {', '.join(unpowered)}."))
    parts.append(Note(["Paired within the variant. ", data_link("figures/variants")]))
    return Piece(Section("variants", title, parts), {"figures/variants": summary})


def _method() -> Piece:
    lines = [
        "Everything here is simulated: a policy moves a musculoskeletal model, another policy the device. No person "
        "was measured, and nothing was fitted to the human torque profiles.",
        "Metabolic rates are gross, per kg of the person without the device; muscles keep their mass when they are "
        "weak, unless a number says atrophied. Joint moments are those of muscles and passive structures; the "
        "device's torque stands beside them.",
        "Means: over the strides of a walk (the first seconds left out), over the walks of a seed, over the seeds. "
        "Walks that ended in a fall are counted and left out.",
    ]
    return Piece(Section("methods", "How to read this", [Text(line) for line in lines]))
