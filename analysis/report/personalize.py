"""The report of ``exogait personalize``: a person's generic and personalised device beside none, paired.

Reads the folder of the command and writes ``personalize_report.html`` with every table and figure as CSV beside it. A
person who was made by the suite is labelled SYNTHETIC in every line, figure and row.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import NDArray

from exogait.data.constants import CONDITIONS
from exogait.data.errors import FileFormatError
from exogait.data.trial import SIDES

from ..outcomes.paired import PAIRED_QUANTITIES, paired_changes
from ..outcomes.signs import records
from ..outcomes.tables import curve_matrix, read_outcomes
from ..outcomes.torques import JOINTS
from ..outcomes.walk import ANGLES
from . import figures as plots
from .markup import escape, facts, figure, number, page, section, table

Array = NDArray[np.float64]
Section = tuple[str, str, str]

ARMS = {"generic": "generic device", "personalised": "personalised device"}
CONDITION_NAMES = {"none": "no device", "unpowered": "worn, off", "powered": "powered"}
COLOURS = {"none": "#5b636d", "generic": "#d1860a", "personalised": "#0b5fa5"}
OUTCOMES = {
    "umberger2010_gross": ("Umberger 2010 (W/kg)", 2, False),
    "bhargava2004_gross": ("Bhargava 2004 (W/kg)", 2, False),
    "speed_mean": ("speed (m/s)", 2, False),
    "step_time_si": ("|SI| step time (%)", 1, True),
    "step_length_si": ("|SI| step length (%)", 1, True),
    "stance_pct_si": ("|SI| stance (%)", 1, True),
    "grf_impulse_si": ("|SI| impulse (%)", 1, True),
    "asymmetry": ("asymmetry (%)", 1, False),
    "ankle_push_off_power_si": ("|SI| push-off (%)", 1, True),
    "exo_positive_power": ("device gives (W/kg)", 2, False),
}
"""Column of the walks to its title, decimals, and whether its magnitude is meant."""
SIGNS = {"hip": (1.0, "flexion"), "knee": (1.0, "extension"), "ankle": (-1.0, "plantarflexion")}
PERSON_FILE = "person.json"
LABEL = "SYNTHETIC"


def write_personalize_report(folder: str | Path) -> Path:
    """Write ``personalize_report.html`` and its CSV files into the folder of ``exogait personalize``.

    Args:
        folder: Holds ``person.json``, the tables of the estimate and of the walks, and a folder an arm.

    Returns:
        The page.

    Raises:
        FileFormatError: A file is missing or is not what the command writes.
    """
    report = _Report(Path(folder))
    sections = [
        report.short(),
        report.who(),
        report.estimate(),
        report.imitation(),
        report.walks_table(),
        report.changes(),
        report.angles(),
        report.torques(),
        report.method(),
    ]
    name = str(report.person.get("subject", "")).replace("_", " ")
    html = page(
        title=report.mark(f"A device for {name}"), kicker=report.mark("Personalised exoskeleton controller"),
        lead=escape(report.mark("Simulated walks on this person's scaled model; nobody wore a device.")),
        head=report.banner(), sections=sections,
        footer=escape(report.mark("exogait. For research; not a medical device.")),
    )  # fmt: skip
    path = report.folder / "personalize_report.html"
    path.write_text(html, encoding="utf-8")
    return path


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


@dataclass(frozen=True, kw_only=True)
class Headline:
    """What came out, in a few numbers."""

    subject: str
    """Name of the person."""
    synthetic: bool
    """Whether nobody was measured."""
    metabolic_pct: dict[str, float]
    """Paired change of the gross metabolic rate (Umberger 2010), %: ``generic`` and ``personalised`` against no device,
    ``between`` from the generic to the personalised one; NaN where no pair of walks can be compared."""
    n_pairs: int
    """Pairs of walks behind ``between``."""
    asymmetry: dict[str, float]
    """Mean magnitude of six symmetry indices, %: ``none``, ``generic``, ``personalised``; NaN where all walks fell."""
    falls: dict[str, tuple[int, int]]
    """Falls and walks with the device on, by arm."""
    samples: int
    """Control steps in which the human learned, and the personalised device after that."""
    full_samples: int
    """Control steps of a full one."""
    seconds: float
    """Time that the longer fine-tune took, s."""
    torques: str
    """Figure of both devices' torques (HTML); its link is relative to the folder."""

    @property
    def facts(self) -> list[tuple[str, str, str]]:
        """Three headline numbers: what, value, remark."""
        change = {arm: _percent(value, sign=True) for arm, value in self.metabolic_pct.items()}
        even = {name: _percent(value) for name, value in self.asymmetry.items()}
        fell = {arm: f"{n} of {of}" for arm, (n, of) in self.falls.items()}
        return [
            ("Metabolic rate, against generic", change["between"],
             f"against no device: generic {change['generic']}, personalised {change['personalised']}; "
             f"pairs: {self.n_pairs}"),
            ("Asymmetry", even["personalised"],
             f"generic {even['generic']}, no device {even['none']}; mean of six indices"),
            ("Falls", fell["personalised"], f"walks; generic device {fell['generic']}"),
        ]  # fmt: skip

    @property
    def effort(self) -> str:
        """How long the fine-tune was and what a full one takes."""
        begin = (
            f"In either arm the human learned for {self.samples:,} control steps, the personalised device for as many "
            f"after that ({self.seconds:.0f} s)"
        )
        if self.samples >= self.full_samples:
            return f"{begin}."
        minutes = self.seconds * self.full_samples / self.samples / 60.0
        return (
            f"{begin}: {100 * self.samples / self.full_samples:.0f} % of a full fine-tune, which takes "
            f"{self.full_samples:,} and would take {minutes:.0f} min at the same pace. So short a one shows the way, "
            "not what a device is worth."
        )


def _signed(value: float) -> str:
    return f"+{number(value, 1)}" if value > 0 else number(value, 1)


def _percent(value: float, *, sign: bool = False) -> str:
    if not np.isfinite(value):
        return "not comparable"
    return f"{_signed(value) if sign else number(value, 1)} %"


def read_headline(folder: str | Path) -> Headline:
    """What came out of ``exogait personalize``, from its folder.

    Args:
        folder: As of :func:`write_personalize_report`.

    Raises:
        FileFormatError: A file is missing or is not what the command writes.
    """
    return _Report(Path(folder)).headline


def _read_json(path: Path) -> dict[str, Any]:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise FileFormatError(path, f"cannot be read ({error})", "name a folder of `exogait personalize`") from error


class _Report:
    """The folder's content, and lines that say whom they are about."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.person = _read_json(folder / PERSON_FILE)
        self.arms = {arm: _read_json(folder / arm / "result.json") for arm in ARMS}
        self.walks, self.curves = read_outcomes(folder)
        self.synthetic = bool(self.person.get("synthetic"))

    @property
    def headline(self) -> Headline:
        """The few numbers on top."""
        within = paired_changes(self.walks, self.curves).summary
        if len(within):
            within = pd.DataFrame(within[within["reference"] == "none"])
        change = {arm: _change(within, arm)[0] for arm in ARMS}
        change["between"], n_pairs = _change(between_arms(self.walks, self.curves))
        on = {arm: rows for arm, condition, rows in self._conditions() if condition == "powered"}
        off = [row for _, condition, rows in self._conditions() if condition == "none" for row in rows]
        even = {
            name: _mean([float(row.get("asymmetry", np.nan)) for row in rows if not row["fell"]], magnitude=False)
            for name, rows in (("none", off), *on.items())
        }
        trained = [self.arms[arm] for arm in ARMS]
        return Headline(
            subject=str(self.person.get("subject", "")),
            synthetic=self.synthetic,
            metabolic_pct=change,
            n_pairs=n_pairs,
            asymmetry=even,
            falls={arm: (sum(bool(row["fell"]) for row in rows), len(rows)) for arm, rows in on.items()},
            samples=int(trained[0]["samples"]),
            full_samples=int(self.person.get("full_samples", trained[0]["samples"])),
            seconds=float(max(result["training_seconds"] for result in trained)),
            torques=self.torque_picture(),
        )

    def short(self) -> Section:
        found = self.headline
        strip = facts([(self.mark(what), value, remark) for what, value, remark in found.facts])
        return self.part("short", "In short", strip, self.text(found.effort, "note"))

    def mark(self, text: str) -> str:
        return f"{LABEL} · {text}" if self.synthetic else text

    def banner(self) -> str:
        if not self.synthetic:
            return ""
        return f'<div class="banner">{LABEL} person, made by the suite itself: nobody was measured.</div>'

    def text(self, words: str, kind: str = "") -> str:
        return f"<p{f' class={kind}' if kind else ''}>{escape(self.mark(words))}</p>"

    def rows(self, header: Sequence[str], cells: Sequence[Sequence[object]], numeric: Sequence[int], what: str) -> str:
        marked = [[self.mark(str(row[0])), *row[1:]] for row in cells]
        head = [self.mark(header[0]), *header[1:]]
        return table(head, marked, numeric=numeric, caption=escape(self.mark(what)))

    def csv(self, name: str, content: pd.DataFrame) -> str:
        """Write a table beside the page, its person in every row; the link."""
        person = self.mark(str(self.person.get("subject", "")))
        content.assign(person=person).to_csv(self.folder / f"{name}.csv", index=False, float_format="%.6g")
        return f'<a href="{name}.csv">data</a>'

    def part(self, key: str, title: str, *parts: str) -> Section:
        return key, title, section(key, self.mark(title), *parts)

    # -- the sections ----------------------------------------------------------------------------------------------

    def who(self) -> Section:
        p = self.person
        items = [
            ("Mass", number(p.get("mass"), 1), "kg"),
            ("Height", number(p.get("height"), 2), f"m, {p.get('height_from', '')}"),
            ("Leg length", number(p.get("leg_length"), 3), "m, hip to ankle"),
            ("Own speed", number(p.get("speed"), 2), "m/s"),
            ("Weakness", str(p.get("deficit", "none")), str(p.get("deficit_from", ""))),
            ("Device", str(p.get("device", "")), ""),
        ]
        strip = facts([(self.mark(what), value, unit) for what, value, unit in items])
        notes = [self.text(str(note), "note") for note in p.get("notes", [])]
        return self.part("who", "Who", strip, *notes)

    def estimate(self) -> Section:
        groups = self._table("deficit_estimate")
        quantities = self._table("deficit_quantities")
        cells = [
            [str(r["group"]).replace("_", " "), r["side"], number(r["percent"], 0),
             f"{number(r['low'], 0)} to {number(r['high'], 0)}", r["verdict"], r["why"]]
            for r in records(groups)
        ]  # fmt: skip
        header = ["muscle group", "smaller side", "weak / sound (%)", "95 % interval", "verdict", "why"]
        parts = [
            self.text("A bound, not a measured strength: walking asks for less than muscles can give, and a leg may "
                      "give less without being weak. Joint moments and powers speak, angles never do; a group is "
                      "weak only where moment and power agree. Nor is the group with the smaller moment always "
                      "the weak one: in simulated walks of known weakness the kinetics named other groups, those "
                      "by which the body gets by. A dynamometer decides."),
            self.rows(header, cells, [2, 3], "Strength of the weaker leg, from the moments of this walk"),
        ]  # fmt: skip
        cells = [
            [f"{str(r['group']).replace('_', ' ')}: {r['quantity']}", r["unit"], number(r["mean_right"]),
             number(r["mean_left"]), f"{r['n_right']}, {r['n_left']}", number(r["percent"], 0),
             f"{number(r['low'], 0)} to {number(r['high'], 0)}", number(r["norm"]), number(r["z_right"], 1),
             number(r["z_left"], 1), r["norm_source"]]
            for r in records(quantities)
        ]  # fmt: skip
        header = ["quantity (peak)", "unit", "right", "left", "strides", "ratio (%)", "95 % interval", "norm",
                  "z right", "z left", "norm of"]  # fmt: skip
        details = self.rows(header, cells, range(2, 10), "The numbers behind it; z in SDs between healthy people")
        parts.append(f"<details><summary>{escape(self.mark('Numbers'))}</summary>{details}</details>")
        links = f"{self.csv('deficit_estimate', groups)}, {self.csv('deficit_quantities', quantities)}"
        parts.append(f'<p class="note">{escape(self.mark("tables"))}: {links}</p>')
        return self.part("estimate", "What the walk says about strength", *parts)

    def imitation(self) -> Section:
        p, arm = self.person, self.arms["personalised"]
        legs = "both legs pooled into one symmetric gait" if p.get("reference_symmetric") else "each leg as it walked"
        lines = [
            f"The simulated person imitates this person's own gait: mean of {p.get('reference_strides')} strides at "
            f"{number(p.get('speed'))} m/s, {legs}. Joint moments fed forward: {p.get('reference_moments')}.",
            f"Imitation terms count {number(arm['imitation_weight'], 2)} times their weight, and joint errors below "
            f"{number(np.degrees(arm['imitation_dead_zone']), 1)}° cost nothing. The device's reward knows no "
            "imitation.",
            f"Both arms started from the same policies ({p.get('policies')}), seed {p.get('seed')}. In both the human "
            f"learned for {self.arms['generic']['samples']:,} control steps beside the device as it was; then the "
            "personalised device learned for as many, while that human stayed as it was.",
        ]
        return self.part("imitation", "What was simulated", *(self.text(line) for line in lines))

    def walks_table(self) -> Section:
        columns, data = [], []
        for arm, condition, rows in self._conditions():
            up = [row for row in rows if not row["fell"]]
            values = {name: _mean([float(r.get(name, np.nan)) for r in up], magnitude)
                      for name, (_, _, magnitude) in OUTCOMES.items()}  # fmt: skip
            fell = len(rows) - len(up)
            data.append({"arm": arm, "condition": condition, "walks": len(rows), "fell": fell, **values})
            shown = [number(values[name], digits) for name, (_, digits, _) in OUTCOMES.items()]
            columns.append([f"{fell} of {len(rows)}", *shown])
        titles = ["falls", *(title for title, _, _ in OUTCOMES.values())]
        cells = [[title, *(column[i] for column in columns)] for i, title in enumerate(titles)]
        header = ["", *(f"{arm}: {CONDITION_NAMES[condition]}" for arm, condition, _ in self._conditions())]
        what = (
            "Means over the walks without a fall, by the device trained with and what is worn now; SI: Robinson's "
            "symmetry index, its magnitude; asymmetry: mean of six of them"
        )
        link = self.csv("outcomes", pd.DataFrame(data))
        markup = self.rows(header, cells, range(1, len(header)), what)
        rates = "Metabolic rates are gross, muscles keep their mass where they are weak."
        note = f'<p class="note">{escape(self.mark(rates))} {link}</p>'
        return self.part("walks", "Walks", markup, note)

    def changes(self) -> Section:
        within = paired_changes(self.walks, self.curves).summary
        across = between_arms(self.walks, self.curves)
        columns: list[tuple[str, list[str]]] = []
        data = []
        titles = [name for name in PAIRED_QUANTITIES if name in OUTCOMES]
        for name, reference, summary in (
            *((f"{ARMS[arm]}, powered", condition, within[within["variant"] == arm] if len(within) else within)
              for condition in ("none", "unpowered") for arm in ARMS),
            ("personalised device, powered", "generic", across),
        ):  # fmt: skip
            against = "generic device, powered" if reference == "generic" else CONDITION_NAMES[reference]
            found = {
                str(row["quantity"]): row
                for row in records(pd.DataFrame(summary))
                if reference in ("generic", row["reference"])
            }
            data += [
                {**row, "compared": name, "reference": against}
                for quantity, row in found.items()
                if quantity in PAIRED_QUANTITIES and not quantity.endswith("_atrophied")
            ]
            other = {"none": "none", "unpowered": "off"}.get(reference, reference)
            short = f"{name.split()[0]} − {other}"
            columns.append((short, _column(found, titles)))
        rows = [*(OUTCOMES[name][0] for name in titles), "joint angles (°)", "pairs", "left out: fell / speed / alone"]
        cells = [[title, *(column[i] for _, column in columns)] for i, title in enumerate(rows)]
        what = (
            "Paired changes to the powered device named first, from the same start states: from no device (none), from "
            "the device worn but off (off), from the generic one; ± SD between walks"
        )
        link = self.csv("paired_changes", pd.DataFrame(data))
        return self.part(
            "changes", "Generic and personalised against no device, paired",
            self.rows(["change of", *(title for title, _ in columns)], cells, range(1, len(columns) + 1), what),
            f'<p class="note">{escape(self.mark("table"))}: {link}</p>',
        )  # fmt: skip

    def angles(self) -> Section:
        curves = [(key, 1.0, f"{key.replace('_', ' ')} (°)") for key in ANGLES]
        lines = [("none", "personalised", "none"), *((arm, arm, "powered") for arm in ARMS)]
        caption = "Joint angles without a device and with each device powered, mean over walks without a fall."
        return self._curves("angles", "Joint angles", curves, lines, caption)

    def torques(self) -> Section:
        return self.part("torques", "Torques", self.torque_picture())

    def torque_picture(self) -> str:
        """The figure of the torques (HTML)."""
        known = {str(name) for name in self.curves["curve"].cat.categories}
        curves = [
            (f"device_{coordinate}", SIGNS[joint][0], f"{joint} torque, up: {SIGNS[joint][1]} (N·m/kg)")
            for joint, coordinate in JOINTS.items()
            if f"device_{coordinate}" in known
        ]
        caption = "Torque of the generic and the personalised device, powered, mean over walks without a fall."
        return self._picture("torques", curves, [(arm, arm, "powered") for arm in ARMS], caption)

    def method(self) -> Section:
        lines = [
            "The body is this person's scaled model with the device's mass; muscle strength follows muscle volume, "
            "times the stated weakness. Policies move muscles only; no force holds the body up.",
            "One training seed an arm: differences smaller than those between seeds mean nothing, and one seed cannot "
            "tell them. Repeat with other seeds before believing one.",
            "The controller of the personalised device is in the folder controller, with what its numbers mean.",
        ]
        return self.part("methods", "How to read this", *(self.text(line) for line in lines))

    # -- pieces ----------------------------------------------------------------------------------------------------

    def _table(self, name: str) -> pd.DataFrame:
        path = self.folder / f"{name}.csv"
        try:
            content = pd.read_csv(path)
        except (OSError, ValueError) as error:
            raise FileFormatError(path, f"no table ({error})", "run `exogait personalize` again") from error
        # A column of texts that are all empty comes back as numbers that are none.
        texts = [c for c in ("side", "weaker", "norm_source", "why", "verdict") if c in content.columns]
        return content.assign(**{c: content[c].astype(object).fillna("").astype(str) for c in texts})

    def _conditions(self) -> list[tuple[str, str, list[dict[str, Any]]]]:
        rows = records(self.walks)
        return [
            (arm, condition, [row for row in rows if row["variant"] == arm and row["condition"] == condition])
            for arm in ARMS for condition in CONDITIONS
        ]  # fmt: skip

    def _curves(
        self,
        key: str,
        title: str,
        curves: Sequence[tuple[str, float, str]],
        lines: Sequence[tuple[str, str, str]],
        caption: str,
    ) -> Section:
        return self.part(key, title, self._picture(key, curves, lines, caption))

    def _picture(
        self, key: str, curves: Sequence[tuple[str, float, str]], lines: Sequence[tuple[str, str, str]], caption: str
    ) -> str:
        """A figure with a panel a curve and leg, a line each of (colour, arm, condition)."""
        found: dict[tuple[str, str], dict[str, Array]] = {}
        data: list[Mapping[str, Any]] = []
        up = pd.DataFrame(self.walks[~self.walks["fell"].astype(bool)])
        for colour, arm, condition in lines:
            part = pd.DataFrame(up[(up["variant"] == arm) & (up["condition"] == condition)])
            for curve, _, _ in curves:
                for side in SIDES:
                    values = curve_matrix(part, self.curves, curve, side)[1]
                    values = values[np.isfinite(values).all(axis=1)]
                    if len(values):
                        mean = values.mean(axis=0)
                        found.setdefault((curve, side), {})[colour] = mean
                        data += [{"curve": curve, "side": side, "line": colour, "condition": condition, "percent": i,
                                  "mean": v, "n_walks": len(values)} for i, v in enumerate(mean)]  # fmt: skip
        if not found:
            return self.text("Not shown: no such walk came through without a fall.")
        names = {"none": "no device", **ARMS}
        with plots.style():
            drawing = Figure(figsize=(3.2 * len(curves) + 0.3, 4.9), layout="constrained")
            axes = drawing.subplots(2, len(curves), squeeze=False)
            for column, (curve, sign, words) in enumerate(curves):
                for row, side in enumerate(SIDES):
                    ax = axes[row, column]
                    for colour, mean in found.get((curve, side), {}).items():
                        ax.plot(np.arange(101), sign * mean, color=COLOURS[colour], linewidth=1.5, label=names[colour])
                    leg = "right leg" if side == "r" else "left leg"
                    ax.set_title(self.mark(f"{leg}\n{words}"), loc="left", fontsize=8, pad=4)
                    ax.set_xlim(0, 100)
                    if row:
                        ax.set_xlabel("Gait cycle (%)", fontsize=8)
            handles = {label: handle for ax in axes.flat
                       for handle, label in zip(*ax.get_legend_handles_labels(), strict=True)}  # fmt: skip
            drawing.legend(handles.values(), handles.keys(), loc="outside upper left", ncols=3, frameon=False)
        link = self.csv(f"figure_{key}", pd.DataFrame(data))
        return figure(plots.svg_text(drawing, prefix=key), f"{escape(self.mark(caption))} ({link})")


def _change(summary: pd.DataFrame, arm: str | None = None) -> tuple[float, int]:
    """Mean paired change of the metabolic rate, %, of one arm or the only one, and the number of pairs."""
    for row in records(summary) if len(summary) else []:
        if row["quantity"] == "umberger2010_gross" and arm in (None, row["variant"]):
            return float(row["mean_pct"]), int(row["n_pairs"])
    return float("nan"), 0


def _column(found: Mapping[str, Mapping[str, Any]], quantities: Sequence[str]) -> list[str]:
    """One comparison of the paired changes, cell by cell."""
    first = next(iter(found.values()), None)
    if first is None:
        return ["–"] * (len(quantities) + 3)
    cells = []
    for name in quantities:
        row = found.get(name, {})
        text = number(row.get("mean"))
        if np.isfinite(row.get("sd_walks", np.nan)):
            text += f" ± {number(row['sd_walks'])}"
        if not name.endswith("_si") and np.isfinite(row.get("mean_pct", np.nan)):
            text += f" ({_signed(row['mean_pct'])} %)"
        cells.append(text)
    left_out = f"{first['n_fell']} / {first['n_speed']} / {first['n_unmatched']}"
    return [*cells, number(first["angle_rmse"], 1), str(first["n_pairs"]), left_out]


def _mean(values: Sequence[float], magnitude: bool) -> float:
    known = [abs(v) if magnitude else v for v in values if np.isfinite(v)]
    return float(np.mean(known)) if known else float("nan")
