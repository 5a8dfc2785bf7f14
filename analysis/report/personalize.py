"""The page of ``exogait personalize``: a person's generic and personalised device beside none, paired.

Reads the folder of the command and writes ``personalize_report.html`` with every table and figure as CSV beside it. A
person who was made by the suite is marked SYNTHETIC on the page and in every row of the tables.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure as Drawing

from exogait.data.constants import ARM_NAMES, CONDITION_NAMES
from exogait.data.files import write_csv
from exogait.data.names import PERSONALIZE_PAGE
from exogait.data.trial import SIDES
from exogait.models.energetics import ACCOUNTINGS

from ..outcomes.headline import (
    ArmChange,
    Headline,
    Line,
    Personalized,
    arm_changes,
    arm_curves,
    arm_outcomes,
    changes_table,
    headline,
    read_personalized,
)
from ..outcomes.paired import PAIRED_QUANTITIES
from ..outcomes.signs import records
from ..outcomes.tables import EARLIER
from ..outcomes.torques import JOINTS
from ..outcomes.walk import ANGLES
from .figures import ARM_COLOURS, style
from .kit import (
    Cell,
    Fact,
    Facts,
    Fold,
    Mark,
    Note,
    Number,
    Page,
    Part,
    Section,
    Table,
    Text,
    number,
)
from .page import write_page
from .pieces import Piece, all_tables, data_link, with_data

TITLES = {
    **{f"{name}_gross": (f"{one.title} (W/kg)", 2) for name, one in ACCOUNTINGS.items()},
    "speed_mean": ("speed (m/s)", 2),
    "step_time_si": ("|SI| step time (%)", 1),
    "step_length_si": ("|SI| step length (%)", 1),
    "stance_pct_si": ("|SI| stance (%)", 1),
    "grf_impulse_si": ("|SI| impulse (%)", 1),
    "asymmetry": ("asymmetry (%)", 1),
    "ankle_push_off_power_si": ("|SI| push-off (%)", 1),
    "exo_positive_power": ("device gives (W/kg)", 2),
}
"""Outcome to its title and decimals."""
SIGNS = {"hip": (1.0, "flexion"), "knee": (1.0, "extension"), "ankle": (-1.0, "plantarflexion")}
POWERED: tuple[Line, ...] = (("generic", "generic", "powered"), ("personalised", "personalised", "powered"))
LABEL = "SYNTHETIC"

Panel = tuple[str, float, str]
"""A curve, the sign with which it is drawn, and the title of its panel."""


def write_personalize_report(folder: str | Path) -> Path:
    """Write ``personalize_report.html`` and its CSV files into the folder of ``exogait personalize``.

    Args:
        folder: Holds ``person.json``, the tables of the estimate and of the walks, and a folder an arm.

    Returns:
        The page.

    Raises:
        FileFormatError: A file is missing or is not what the command writes.
    """
    folder = Path(folder)
    result = read_personalized(folder)
    page, tables = personalize_page(result)
    person = f"{LABEL} · {result.subject}" if result.synthetic else result.subject
    for place, content in tables.items():
        write_csv(content.assign(person=person), folder / f"{place}.csv", float_format="%.6g")
    return write_page(page, folder / PERSONALIZE_PAGE)


def personalize_page(result: Personalized) -> tuple[Page, dict[str, pd.DataFrame]]:
    """The page, and the tables that it links to, by their places without ending.

    Raises:
        FileFormatError: A table of the estimate is missing.
    """
    pieces = [
        _short(headline(result)),
        _who(result),
        _estimate(result),
        _imitation(result),
        _walks(result),
        _changes(result),
        _angles(result),
        _torques(result),
        _method(),
    ]
    page = Page(
        f"A device for {result.subject.replace('_', ' ')}",
        [piece.section for piece in pieces],
        kicker="Personalised exoskeleton controller",
        lead="Simulated walks on this person's scaled model; nobody wore a device.",
        mark=Mark(LABEL, "a person made by the suite itself: nobody was measured.") if result.synthetic else None,
    )
    return page, all_tables(pieces)


# -- words ------------------------------------------------------------------------------------------------------------


def effort_words(found: Headline) -> str:
    """How long the fine-tune was and what a full one takes."""
    begin = (
        f"In either arm the human learned for {found.samples:,} control steps, the personalised device for as many "
        f"after that ({found.seconds:.0f} s)"
    )
    if found.samples >= found.full_samples:
        return f"{begin}."
    minutes = found.seconds * found.full_samples / found.samples / 60.0
    return (
        f"{begin}: {100 * found.samples / found.full_samples:.0f} % of a full fine-tune, which takes "
        f"{found.full_samples:,} and would take {minutes:.0f} min at the same pace. So short a one shows the way, "
        "not what a device is worth."
    )


def _percent(value: float, *, signed: bool = False) -> str:
    return str(Number(value, 1, "%", signed=signed)) if np.isfinite(value) else "not comparable"


# -- sections ---------------------------------------------------------------------------------------------------------


def _short(found: Headline) -> Piece:
    change = {arm: _percent(rate.mean_pct, signed=True) for arm, rate in found.rate.items()}
    even = {name: _percent(value) for name, value in found.asymmetry.items()}
    fell = {arm: f"{n} of {of}" for arm, (n, of) in found.falls.items()}
    strip = Facts(
        [
            Fact("Metabolic rate, against generic", change["between"],
                 f"against no device: generic {change['generic']}, personalised {change['personalised']}; "
                 f"pairs: {found.rate['between'].n_pairs}"),
            Fact("Asymmetry", even["personalised"],
                 f"generic {even['generic']}, no device {even['none']}; mean of six indices"),
            Fact("Falls", fell["personalised"], f"walks; generic device {fell['generic']}"),
        ]
    )  # fmt: skip
    notes = [Note(effort_words(found))]
    if not found.rate["between"].counted:
        notes.insert(0, Note(f"No change of metabolic rate can be told: these walks were {EARLIER}."))
    return Piece(Section("short", "In short", [strip, *notes]))


def _who(result: Personalized) -> Piece:
    p = result.person
    strip = Facts(
        [
            Fact("Mass", Number(p.get("mass"), 1), "kg"),
            Fact("Height", Number(p.get("height")), f"m, {p.get('height_from', '')}"),
            Fact("Leg length", Number(p.get("leg_length"), 3), "m, hip to ankle"),
            Fact("Own speed", Number(p.get("speed")), "m/s"),
            Fact("Weakness", str(p.get("deficit", "none")), str(p.get("deficit_from", ""))),
            Fact("Device", str(p.get("device", ""))),
        ]
    )
    return Piece(Section("who", "Who", [strip, *(Note(str(note)) for note in p.get("notes", []))]))


def _estimate(result: Personalized) -> Piece:
    groups, quantities = result.table("deficit_estimate"), result.table("deficit_quantities")
    warning = Text(
        "A bound, not a measured strength: walking asks for less than muscles can give, and a leg may give less "
        "without being weak. Joint moments and powers speak, angles never do; a group is weak only where moment and "
        "power agree. Nor is the group with the smaller moment always the weak one: in simulated walks of known "
        "weakness the kinetics named other groups, those by which the body gets by. A dynamometer decides."
    )
    cells: list[list[Cell]] = [
        [str(r["group"]).replace("_", " "), r["side"], Number(r["percent"], 0),
         f"{number(r['low'], 0)} to {number(r['high'], 0)}", r["verdict"], r["why"]]
        for r in records(groups)
    ]  # fmt: skip
    header = ["muscle group", "smaller side", "weak / sound (%)", "95 % interval", "verdict", "why"]
    bounds = Table(header, cells, [2, 3], caption="Strength of the weaker leg, from the moments of this walk")
    cells = [
        [f"{str(r['group']).replace('_', ' ')}: {r['quantity']}", r["unit"], Number(r["mean_right"]),
         Number(r["mean_left"]), f"{r['n_right']}, {r['n_left']}", Number(r["percent"], 0),
         f"{number(r['low'], 0)} to {number(r['high'], 0)}", Number(r["norm"]), Number(r["z_right"], 1),
         Number(r["z_left"], 1), r["norm_source"]]
        for r in records(quantities)
    ]  # fmt: skip
    header = ["quantity (peak)", "unit", "right", "left", "strides", "ratio (%)", "95 % interval", "norm",
              "z right", "z left", "norm of"]  # fmt: skip
    caption = "The numbers behind it; z in SDs between healthy people"
    details = Fold("Numbers", [Table(header, cells, range(2, 10), caption=caption)])
    links = Note(["tables: ", data_link("deficit_estimate"), ", ", data_link("deficit_quantities")])
    section = Section("estimate", "What the walk says about strength", [warning, bounds, details, links])
    return Piece(section, {"deficit_estimate": groups, "deficit_quantities": quantities})


def _imitation(result: Personalized) -> Piece:
    p, arm = result.person, result.arms["personalised"]
    legs = "both legs pooled into one symmetric gait" if p.get("reference_symmetric") else "each leg as it walked"
    lines = [
        f"The simulated person imitates this person's own gait: mean of {p.get('reference_strides')} strides at "
        f"{number(p.get('speed'))} m/s, {legs}. Joint moments fed forward: {p.get('reference_moments')}.",
        f"Imitation terms count {number(arm['imitation_weight'], 2)} times their weight, and joint errors below "
        f"{number(np.degrees(arm['imitation_dead_zone']), 1)}° cost nothing. The device's reward knows no imitation.",
        f"Both arms started from the same policies ({p.get('policies')}), seed {p.get('seed')}. In both the human "
        f"learned for {result.arms['generic']['samples']:,} control steps beside the device as it was; then the "
        "personalised device learned for as many, while that human stayed as it was.",
    ]
    return Piece(Section("imitation", "What was simulated", [Text(line) for line in lines]))


def _walks(result: Personalized) -> Piece:
    data = arm_outcomes(result)
    cells: list[list[Cell]] = [["falls", *(f"{row['fell']} of {row['walks']}" for row in data)]]
    for name, (title, digits) in TITLES.items():
        cells.append([title, *(Number(row[name], digits) for row in data)])
    header = ["", *(f"{row['arm']}: {CONDITION_NAMES[row['condition']]}" for row in data)]
    caption = (
        "Means over the walks without a fall, by the device trained with and what is worn now; SI: Robinson's "
        "symmetry index, its magnitude; asymmetry: mean of six of them"
    )
    table = Table(header, cells, range(1, len(header)), caption=caption)
    note = Note(["Metabolic rates are gross, muscles keep their mass where they are weak. ", data_link("outcomes")])
    return Piece(Section("walks", "Walks", [table, note]), {"outcomes": pd.DataFrame(data)})


def _changes(result: Personalized) -> Piece:
    changes = arm_changes(result)
    quantities = [name for name in PAIRED_QUANTITIES if name in TITLES]
    columns = [_change_column(change, quantities) for change in changes]
    titles = [*(TITLES[name][0] for name in quantities), "joint angles (°)", "pairs", "left out: fell / speed / alone"]
    short = {"none": "none", "unpowered": "off", "generic": "generic"}
    header = ["change of", *(f"{change.arm} − {short[change.reference]}" for change in changes)]
    caption = (
        "Paired changes to the powered device named first, from the same start states: from no device (none), from "
        "the device worn but off (off), from the generic one; ± SD between walks"
    )
    table = Table(header, [list(row) for row in zip(titles, *columns, strict=True)], range(1, len(header)),
                  caption=caption)  # fmt: skip
    content = changes_table(
        changes,
        {arm: f"{name}, powered" for arm, name in ARM_NAMES.items()},
        {**CONDITION_NAMES, "generic": "generic device, powered"},
    )
    link = Note(["table: ", data_link("paired_changes")])
    section = Section("changes", "Generic and personalised against no device, paired", [table, link])
    return Piece(section, {"paired_changes": content})


def _change_column(change: ArmChange, quantities: Sequence[str]) -> list[Cell]:
    """One comparison of the paired changes, cell by cell."""
    first = next(iter(change.found.values()), None)
    if first is None:
        return [None] * (len(quantities) + 3)
    cells: list[Cell] = []
    for name in quantities:
        row = change.found.get(name, {})
        text = str(Number(row.get("mean"), spread=row.get("sd_walks")))
        if not name.endswith("_si") and np.isfinite(row.get("mean_pct", np.nan)):
            text += f" ({Number(row['mean_pct'], 1, signed=True)} %)"
        cells.append(text)
    left_out = f"{first['n_fell']} / {first['n_speed']} / {first['n_unmatched']}"
    return [*cells, Number(first["angle_rmse"], 1), first["n_pairs"], left_out]


def _angles(result: Personalized) -> Piece:
    panels = [(key, 1.0, f"{key.replace('_', ' ')} (°)") for key in ANGLES]
    caption = "Joint angles without a device and with each device powered, mean over walks without a fall."
    part, tables = _picture(result, "angles", panels, [("none", "personalised", "none"), *POWERED], caption)
    return Piece(Section("angles", "Joint angles", [part]), tables)


def _torques(result: Personalized) -> Piece:
    part, tables = _torque_picture(result)
    return Piece(Section("torques", "Torques", [part]), tables)


def torque_figure(result: Personalized) -> Part:
    """The figure of both devices' torques, or the words that there is none; its link is relative to the folder."""
    return _torque_picture(result)[0]


def _torque_picture(result: Personalized) -> tuple[Part, dict[str, pd.DataFrame]]:
    known = {str(name) for name in result.curves["curve"].cat.categories}
    panels = [
        (f"device_{coordinate}", SIGNS[joint][0], f"{joint} torque, up: {SIGNS[joint][1]} (N·m/kg)")
        for joint, coordinate in JOINTS.items()
        if f"device_{coordinate}" in known
    ]
    caption = "Torque of the generic and the personalised device, powered, mean over walks without a fall."
    return _picture(result, "torques", panels, POWERED, caption)


def _method() -> Piece:
    lines = [
        "The body is this person's scaled model with the device's mass; muscle strength follows muscle volume, "
        "times the stated weakness. Policies move muscles only; no force holds the body up.",
        "One training seed an arm: differences smaller than those between seeds mean nothing, and one seed cannot "
        "tell them. Repeat with other seeds before believing one.",
        "The controller of the personalised device is in the folder controller, with what its numbers mean.",
    ]
    return Piece(Section("methods", "How to read this", [Text(line) for line in lines]))


# -- pieces -----------------------------------------------------------------------------------------------------------


def _picture(
    result: Personalized, key: str, panels: Sequence[Panel], lines: Sequence[Line], caption: str
) -> tuple[Part, dict[str, pd.DataFrame]]:
    """A figure of mean curves and its table; words where there is nothing to draw."""
    data = arm_curves(result, [curve for curve, _, _ in panels], lines)
    if data.empty:
        return Text("Not shown: no such walk came through without a fall."), {}
    name = f"figure_{key}"
    return with_data(name, _draw(data, panels), caption), {name: data}


def _draw(data: pd.DataFrame, panels: Sequence[Panel]) -> Drawing:
    """A panel a curve and leg, a line each of the table's lines."""
    names = {"none": "no device", **ARM_NAMES}
    with style():
        drawing = Drawing(figsize=(3.2 * len(panels) + 0.3, 4.9), layout="constrained")
        axes = drawing.subplots(2, len(panels), squeeze=False)
        for column, (curve, sign, words) in enumerate(panels):
            for row, side in enumerate(SIDES):
                ax = axes[row, column]
                own = data[(data["curve"] == curve) & (data["side"] == side)]
                for line, part in own.groupby("line", sort=False):
                    ax.plot(np.arange(101), sign * np.asarray(part["mean"]), color=ARM_COLOURS[str(line)],
                            linewidth=1.5, label=names[str(line)])  # fmt: skip
                leg = "right leg" if side == "r" else "left leg"
                ax.set_title(f"{leg}\n{words}", loc="left", fontsize=8, pad=4)
                ax.set_xlim(0, 100)
                if row:
                    ax.set_xlabel("Gait cycle (%)", fontsize=8)
        handles = {label: handle for ax in axes.flat
                   for handle, label in zip(*ax.get_legend_handles_labels(), strict=True)}  # fmt: skip
        drawing.legend(handles.values(), handles.keys(), loc="outside upper left", ncols=3, frameon=False)
    return drawing
