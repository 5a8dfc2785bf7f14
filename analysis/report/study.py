"""The report of a study: one self-contained page from the two tables of outcomes, every figure with its data as CSV.

Bodies, conditions or speeds that the tables lack are named; nothing is filled in. Means are over walks that did not
end in a fall, first within a training seed, then over the seeds; SDs are between seeds unless the text says otherwise.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from exogait.data.constants import CONDITIONS
from exogait.data.errors import InputError
from exogait.data.trial import SIDES, Side
from exogait.models.deficit import deficit_names

from ..gait.energy import MODELS
from ..gait.symmetry import DEFINITIONS
from ..outcomes.paired import PairedChanges, paired_changes
from ..outcomes.signs import judge_signs, leg_of, read_signs, records, reproduced
from ..outcomes.tables import read_outcomes, seed_curves
from ..outcomes.torques import (
    JOINTS,
    MOMENTS,
    agreement_summary,
    compare_baselines,
    compare_profiles,
    human_agreement,
    human_profiles,
)
from ..outcomes.walk import SYMMETRIC
from . import figures as plots
from .figures import BAND, FAINT, INK, STYLES, TRIAL_COLOURS
from .markup import Cell, escape, facts, figure, number, page, section, table

Array = NDArray[np.float64]
Row = dict[str, Any]
Body = tuple[str, float, str]
Section = tuple[str, str, str]

NARROW = 0.1
"""A figure over a narrower range of speeds than this is drawn over twice as much, m/s."""

SPEED = 1.25
"""Commanded speed at which bodies are compared where it was walked, else the nearest, m/s."""
CONDITION_COLOURS = {"none": "#5b636d", "unpowered": "#d1860a", "powered": "#0b5fa5"}
CONDITION_NAMES = {"none": "no device", "unpowered": "worn, off", "powered": "powered"}
MODEL_NAMES = {"umberger2010": "Umberger 2010", "bhargava2004": "Bhargava 2004"}
UP = {"hip": (1.0, "flexion", "extension"), "ankle": (-1.0, "plantarflexion", "dorsiflexion"),
      "knee": (1.0, "extension", "flexion")}  # fmt: skip
"""Joint to the sign with which its torque is drawn, and the words for up and down."""
REQUIRED = ("walk", "seed", "body", "strength", "side", "condition", "speed_commanded", "start", "variant", "fell",
            "speed_mean")  # fmt: skip


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
    study = _Study(folder, *read_outcomes(folder))
    changes = paired_changes(study.main, study.curves)
    changes.pairs.to_csv(study.place("paired_changes_pairs"), index=False)
    changes.summary.to_csv(study.place("paired_changes"), index=False)
    sections = [
        _coverage(study),
        _failures(study),
        _cost(study),
        _changes(changes),
        _torques(study),
        _baselines(study),
        _weak_torques(study),
        _signs(study),
        _dose(study),
        _symmetry(study, changes),
        _muscles(study),
        _variants(study),
        _method(),
    ]
    html = page(
        title="Exoskeleton study on simulated walkers", kicker="Simulated gait",
        lead=f"{len(study.walks)} walks; no measurement, no person.", head=_head(study), sections=sections,
        footer="exogait. For research; not a medical device.",
    )  # fmt: skip
    path = folder / "study_report.html"
    path.write_text(html, encoding="utf-8")
    return path


class _Study:
    """The tables and where figures put their data."""

    def __init__(self, folder: Path, walks: pd.DataFrame, curves: pd.DataFrame) -> None:
        missing = [name for name in REQUIRED if name not in walks.columns]
        if missing or walks.empty:
            raise InputError(f"{folder}: walks", ", ".join(missing) or "no rows", "a table of outcome_tables")
        self.folder, self.walks = folder, walks
        # The means over the stride suffice for muscles, and their curves are most of the table.
        names = [name for name in curves["curve"].cat.categories if not str(name).startswith("activation_")]
        self.curves = pd.DataFrame(curves[curves["curve"].isin(names)])
        self.main = pd.DataFrame(walks[walks["variant"] == "main"])
        self.rows = records(self.main)
        (folder / "figures").mkdir(exist_ok=True)

    def place(self, name: str) -> Path:
        """CSV file of a figure or table."""
        return self.folder / "figures" / f"{name}.csv"

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

    def mean_curve(self, rows: Sequence[Row], curve: str, side: Side) -> tuple[Array, Array, int]:
        """Mean over seeds, SD between seeds, both shape (101,), and the number of seeds; NaN where there is none."""
        used = pd.DataFrame({name: [row[name] for row in rows] for name in ("walk", "seed")})
        found = list(seed_curves(used, self.curves, curve, (side,)).values())
        nothing = np.full(101, np.nan)
        if not found:
            return nothing, nothing, 0
        return np.mean(found, axis=0), np.std(found, axis=0, ddof=1) if len(found) > 1 else nothing, len(found)

    def show(self, name: str, drawing: Figure, data: pd.DataFrame, caption: str) -> str:
        """A figure with its data written beside the page and linked."""
        data.to_csv(self.place(name), index=False)
        link = f'<a href="figures/{name}.csv">data</a>'
        return figure(plots.svg_text(drawing, prefix=name.replace("_", "")), f"{caption} ({link})")


def _label(body: Body) -> str:
    name, strength, side = body
    return "healthy" if name == "healthy" else f"{name.replace('_', ' ')} {strength:g} %, {side}"


def _over_seeds(rows: Iterable[Row], name: str, *, magnitude: bool = False) -> tuple[float, float, int, int]:
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


def _panels(count: int, columns: int = 3, size: tuple[float, float] = (3.1, 2.3)) -> tuple[Figure, list[Axes]]:
    rows = -(-count // columns)
    columns = min(count, columns)
    drawing = Figure(figsize=(size[0] * columns + 0.3, size[1] * rows + 0.5), layout="constrained")
    axes = list(drawing.subplots(rows, columns, squeeze=False).flat)
    for ax in axes[count:]:
        ax.set_axis_off()
    return drawing, axes[:count]


def _legend(drawing: Figure, axes: Sequence[Axes]) -> None:
    found: dict[str, Any] = {}
    for ax in axes:
        for handle, label in zip(*ax.get_legend_handles_labels(), strict=True):
            found.setdefault(label, handle)
    if found:
        drawing.legend(found.values(), found.keys(), loc="outside upper left", ncols=min(len(found), 5), frameon=False,
                       fontsize=8)  # fmt: skip


def _missing(key: str, title: str, what: str) -> Section:
    return key, title, section(key, title, f"<p>Not shown: {escape(what)}.</p>")


def _title(ax: Axes, text: str) -> None:
    ax.set_title(text, loc="left", fontsize=9, fontweight="normal", pad=4)


# -- what was run -----------------------------------------------------------------------------------------------------


def _head(study: _Study) -> str:
    rows = records(study.walks)
    fell = sum(bool(row["fell"]) for row in rows)
    items = [
        ("Walks", str(len(rows)), ""),
        ("Bodies", str(len(study.bodies())), "main variant"),
        ("Training seeds", str(len({row["seed"] for row in rows})), ""),
        ("Ended in a fall", str(fell), f"of {len(rows)}"),
    ]
    return facts(items)


def _coverage(study: _Study) -> Section:
    speeds = sorted({float(row["speed_commanded"]) for row in study.rows})
    cells, gaps = [], []
    for body in study.bodies():
        line: list[object] = [_label(body)]
        for condition in CONDITIONS:
            rows = study.select(body, up=False, condition=condition)
            line.append(str(len(rows)) if rows else "–")
            if not rows:
                gaps.append(f"{_label(body)}: no walk with {CONDITION_NAMES[condition]}")
        # A body may have speeds of its own; within it, each condition has to have walked at all of them.
        rows = study.select(body, up=False)
        own = sorted({float(row["speed_commanded"]) for row in rows})
        for condition in CONDITIONS:
            walked = {r["speed_commanded"] for r in rows if r["condition"] == condition}
            absent = ", ".join(f"{v:g}" for v in own if v not in walked)
            if walked and absent:
                gaps.append(f"{_label(body)}, {CONDITION_NAMES[condition]}: not walked at {absent} m/s")
        cells.append([*line, ", ".join(f"{v:g}" for v in own)])
    present = {body[0] for body in study.bodies()}
    gaps = [f"no walk of the body {name}" for name in ["healthy", *deficit_names()] if name not in present] + gaps
    header = ["walks", *(CONDITION_NAMES[c] for c in CONDITIONS), "speeds (m/s)"]
    text = f"<p>Commanded speeds: {', '.join(f'{v:g}' for v in speeds)} m/s.</p>" if speeds else ""
    listing = "".join(f"<li>{escape(gap)}</li>" for gap in gaps)
    absent = f'<div class="banner"><strong>Missing</strong><ul>{listing}</ul></div>' if gaps else ""
    markup = table(header, cells, numeric=range(1, 4))
    return "run", "What was run", section("run", "What was run", text, markup, absent)


def _failures(study: _Study) -> Section:
    data = []
    for body in study.bodies():
        for condition in CONDITIONS:
            rows = study.select(body, up=False, condition=condition)
            for speed in sorted({float(r["speed_commanded"]) for r in rows}):
                part = [r for r in rows if r["speed_commanded"] == speed]
                fell = sum(bool(r["fell"]) for r in part)
                error = _over_seeds([r for r in part if not r["fell"]], "speed_error_pct")[0]
                data.append({"body": _label(body), "condition": condition, "speed": speed, "n_walks": len(part),
                             "n_fell": fell, "fall_rate_pct": 100.0 * fell / len(part),
                             "speed_error_pct": error})  # fmt: skip
    if not data:
        return _missing("falls", "Falls", "no walk of the main variant")
    pd.DataFrame(data).to_csv(study.place("falls"), index=False)
    cells = []
    for body in dict.fromkeys(row["body"] for row in data):
        cells.append([body])
        for condition in CONDITIONS:
            part = [row for row in data if row["body"] == body and row["condition"] == condition]
            if part:
                rates = ", ".join(f"{r['speed']:g} m/s: {r['n_fell']} of {r['n_walks']}" for r in part)
                total = f"{sum(r['n_fell'] for r in part)} of {sum(r['n_walks'] for r in part)}"
                worst = max(
                    (abs(r["speed_error_pct"]) for r in part if np.isfinite(r["speed_error_pct"])), default=None
                )
                cells.append([CONDITION_NAMES[condition], total, rates, number(worst, 1)])
    markup = table(["", "fell", "by commanded speed", "largest speed error (%)"], cells, numeric=[3])
    note = '<p class="note">Walks that fell are in no mean below. <a href="figures/falls.csv">data</a></p>'
    return "falls", "Falls", section("falls", "Falls and speed kept", markup, note)


# -- cost -------------------------------------------------------------------------------------------------------------


def _cost(study: _Study) -> Section:
    data = []
    for body in study.bodies():
        for condition in CONDITIONS:
            rows = study.select(body, condition=condition)
            for speed in sorted({float(r["speed_commanded"]) for r in rows}):
                part = [r for r in rows if r["speed_commanded"] == speed]
                for model in MODELS:
                    mean, sd, n_seeds, n_walks = _over_seeds(part, f"{model}_gross")
                    cost = _over_seeds(part, f"{model}_cost")
                    data.append(
                        {"body": _label(body), "condition": condition, "speed_commanded": speed,
                         "speed": _over_seeds(part, "speed_mean")[0], "model": model, "gross_w_per_kg": mean,
                         "gross_sd_seeds": sd, "cost_j_per_kg_m": cost[0], "cost_sd_seeds": cost[1],
                         "n_seeds": n_seeds, "n_walks": n_walks}
                    )  # fmt: skip
    known = [row for row in data if np.isfinite(row["gross_w_per_kg"])]
    if not known:
        return _missing("cost", "Metabolic cost", "no walk without a fall has a metabolic rate")
    parts = []
    names = list(dict.fromkeys(row["body"] for row in known))
    for model in MODELS:
        with plots.style():
            drawing, axes = _panels(len(names))
            for ax, name in zip(axes, names, strict=True):
                for condition in CONDITIONS:
                    part = [r for r in known if (r["body"], r["condition"], r["model"]) == (name, condition, model)]
                    if part:
                        _line(ax, part, "speed", "gross_w_per_kg", "gross_sd_seeds", condition)
                _title(ax, name)
                low, high = ax.get_xlim()
                if high - low < NARROW:  # walks at one speed: the axis shows where it is, not its last digits
                    middle = 0.5 * (low + high)
                    ax.set_xlim(middle - NARROW, middle + NARROW)
                ax.set_xlabel("Speed (m/s)", fontsize=8)
                ax.set_ylabel("Gross rate (W/kg)", fontsize=8)
            _legend(drawing, axes)
        caption = (
            f"{MODEL_NAMES[model]}: gross metabolic rate over the speed that was really walked, per kg of the person "
            "(the device is carried, not counted); bars ± 1 SD between seeds where there are two or more."
        )
        own = pd.DataFrame([row for row in data if row["model"] == model])
        parts.append(study.show(f"cost_{model}", drawing, own, caption))
    note = (
        "Equations on simulated muscle states, not gas exchange; models differ in absolute value, so compare changes."
    )
    return "cost", "Metabolic cost", section("cost", "Metabolic cost", *parts, f'<p class="note">{note}</p>')


def _line(ax: Axes, rows: Sequence[Row], x: str, y: str, sd: str, condition: str) -> None:
    spread = np.array([row[sd] for row in rows], np.float64)
    ax.errorbar(
        [row[x] for row in rows], [row[y] for row in rows], yerr=np.where(np.isfinite(spread), spread, 0.0),
        color=CONDITION_COLOURS[condition], marker="o", markersize=3, linewidth=1.4, elinewidth=0.8, capsize=2,
        label=CONDITION_NAMES[condition],
    )  # fmt: skip


def _changes(changes: PairedChanges) -> Section:
    title = "What the device changes"
    if changes.summary.empty:
        return _missing("changes", title, "no powered walk")
    cells: list[list[object]] = []
    wanted = ("umberger2010_gross", "bhargava2004_gross")
    groups: dict[tuple[Any, ...], dict[str, Row]] = {}
    for row in records(changes.summary):
        key = (row["reference"], row["body"], row["strength"], row["side"], row["speed_commanded"])
        groups.setdefault(key, {})[row["quantity"]] = row
    group: object = None
    for key, found in groups.items():
        first = next(iter(found.values()))
        values = [found.get(name) for name in wanted]
        changed = [
            "–" if v is None or not np.isfinite(v["mean_pct"]) else
            f"{number(v['mean_pct'], 1)} ± {number(v['sd_seeds_pct'], 1)} / {number(v['sd_walks_pct'], 1)}"
            for v in values
        ]  # fmt: skip
        if key[:4] != group:
            group = key[:4]
            cells.append([f"{_label(key[1:4])}: powered against {CONDITION_NAMES[key[0]]}"])
        falls = f"{number(100 * first['fall_rate'], 0)} / {number(100 * first['fall_rate_reference'], 0)}"
        dropped = f"{first['n_fell']} / {first['n_speed']} / {first['n_unmatched']}"
        cells.append([f"{key[4]:g} m/s", *changed, number(first["angle_rmse"], 1), falls,
                      f"{first['n_pairs']} ({first['n_seeds']})", dropped])  # fmt: skip
    header = ["", "Umberger 2010 (%)", "Bhargava 2004 (%)", "angles (°)", "falls (%)", "pairs (seeds)", "left out"]
    note = (
        "Change of the gross metabolic rate, paired by seed, body, speed and start: mean ± SD between seeds / SD "
        "between walks. Angles: RMSE between the mean curves of hip, knee and ankle; a cost that falls while angles "
        "move far is not the device's work alone. Falls: powered / against. Pairs count where neither walk fell and "
        "their speeds differ by 2 % at most; left out: fell / speed / no partner. "
        '<a href="figures/paired_changes.csv">all quantities</a>, '
        '<a href="figures/paired_changes_pairs.csv">every pair</a>'
    )
    markup = table(header, cells, numeric=range(1, 7))
    return "changes", title, section("changes", title, markup, f'<p class="note">{note}</p>')


# -- torques ----------------------------------------------------------------------------------------------------------


def _learned(study: _Study, joint: str) -> tuple[Array, Array, int, float]:
    """Torque of the healthy body, mean of both legs: mean and SD between seeds (101,), seeds, commanded speed."""
    bodies = [body for body in study.bodies() if body[0] == "healthy"]
    rows, speed = study.at_speed(bodies[0], "powered") if bodies else ([], float("nan"))
    both = [study.mean_curve(rows, f"device_{JOINTS[joint]}", side) for side in SIDES]
    known = [part for part in both if part[2]]
    if not known:
        return np.full(101, np.nan), np.full(101, np.nan), 0, speed
    return np.mean([p[0] for p in known], axis=0), np.mean([p[1] for p in known], axis=0), known[0][2], speed


def _torques(study: _Study) -> Section:
    title = "Torque profiles"
    found = {joint: _learned(study, joint) for joint in JOINTS}
    shown = [joint for joint, item in found.items() if item[2]]
    if not shown:
        return _missing("torques", title, "no powered walk of the healthy body without a fall")
    data, parts = [], []
    percent = np.arange(101.0)
    with plots.style():
        drawing, axes = _panels(len(shown), size=(4.4, 3.0))
        for ax, joint in zip(axes, shown, strict=True):
            sign, up, down = UP[joint]
            profiles = human_profiles(joint)
            people = [p.curve for p in profiles.values() if p.kind == "person" and p.curve is not None]
            if people:
                mean, sd = np.mean(people, axis=0), np.std(people, axis=0, ddof=1)
                ax.fill_between(percent, sign * mean - sd, sign * mean + sd, color=BAND, linewidth=0,
                                label=f"{len(people)} people, mean ± 1 SD")  # fmt: skip
            drawn = [p for p in profiles.values() if p.kind == "parameters" and p.curve is not None]
            for p, colour in zip(drawn, (*TRIAL_COLOURS[1:], FAINT, INK), strict=False):
                ax.plot(percent, sign * np.asarray(p.curve), linewidth=1.0, linestyle="--", color=colour, label=p.name)
            mean, sd, _, _ = found[joint]
            ax.fill_between(percent, sign * mean - sd, sign * mean + sd, color=TRIAL_COLOURS[0], alpha=0.2, linewidth=0)
            ax.plot(percent, sign * mean, color=TRIAL_COLOURS[0], linewidth=1.8, label="learned")
            _title(ax, f"{joint.capitalize()} torque (N·m/kg), up: {up}, down: {down}")
            ax.set_xlim(0, 100)
            ax.set_xlabel("Gait cycle (%)", fontsize=8)
            curves: dict[str, Array] = {p.name: np.asarray(p.curve) for p in profiles.values() if p.curve is not None}
            for name, values in {"learned": mean, **curves}.items():
                spread = sd if name == "learned" else np.full(101, np.nan)
                data += [{"joint": joint, "profile": name, "percent": i, "torque_nm_per_kg": v, "sd_seeds": s}
                         for i, (v, s) in enumerate(zip(values, spread, strict=True))]  # fmt: skip
        _legend(drawing, axes)
    seeds, speed = found[shown[0]][2:]
    caption = (
        f"Healthy body at {speed:g} m/s commanded, mean of both legs over {seeds} seed(s), tint ± 1 SD between seeds. "
        "Dashed: human profiles rebuilt from published parameters. CSV in OpenSim's sign."
    )
    parts.append(study.show("torques", drawing, pd.DataFrame(data), caption))
    for joint in shown:
        result = compare_profiles(found[joint][0], joint)
        result.to_csv(study.place(f"torque_comparison_{joint}"), index=False)
        parts.append(f"<h3>{joint.capitalize()}</h3>" + _profile_table(joint, result))
    absent = [joint for joint in JOINTS if joint not in shown]
    note = (
        "r and RMSE (N·m/kg) without any lag, scale or offset (equal peak: both over their largest value); learned | "
        "human. Trust A: read in the paper or its code; B: from third-party scripts, to be checked against the paper; "
        "C: computed from a data file. Inside: r is at least that of the least like human profile with the same one. "
        "Hip profiles come from one study of three people."
    )
    parts.append(f'<p class="note">{note}{" No device at the " + ", ".join(absent) + "." if absent else ""}</p>')
    return "torques", title, section("torques", title, *parts)


def _profile_table(joint: str, result: pd.DataFrame) -> str:
    words = [str(c).removeprefix("time_difference_") for c in result.columns if str(c).startswith("time_difference_")]
    header = ["profile", "trust", "r", "humans' r", "inside", "RMSE", "equal peak"]
    short = {"extension": "ext.", "flexion": "flex.", "plantarflexion": "plant."}
    header += [f"{short[word]} peak" for word in words] + [f"{short[word]} at %" for word in words]
    header += ["turns at %", "flex. / ext."] if joint == "hip" else []
    cells: dict[bool, list[list[object]]] = {False: [], True: []}
    for row in records(result):
        inside = row["inside"]
        line: list[object] = [
            row["profile"].replace("_", " "), row["trust"], number(row["r"]),
            "–" if not np.isfinite(row["human_r_min"]) else
            f"{number(row['human_r_min'])} to {number(row['human_r_max'])}",
            "–" if inside is None else "yes" if inside else "no", number(row["rmse"]), number(row["rmse_equal_peak"]),
        ]  # fmt: skip
        line += [f"{number(row[f'peak_{w}'])} | {number(row[f'human_peak_{w}'])}" for w in words]
        line += [f"{number(row[f'time_{w}'], 0)} | {number(row[f'human_time_{w}'], 0)}" for w in words]
        if joint == "hip":
            line += [f"{number(row['crossover'], 0)} | {number(row['human_crossover'], 0)}",
                     f"{number(row['ratio'])} | {number(row['human_ratio'])}"]  # fmt: skip
        cells[row["kind"] == "person"].append(line)
    flush = range(2, len(header))
    markup = table(header, cells[False], numeric=flush)
    if cells[True]:
        inner = table(header, cells[True], numeric=flush)
        markup += f"<details><summary>Each of {len(cells[True])} people</summary>{inner}</details>"
    return markup


def _baselines(study: _Study) -> Section:
    title = "What a correlation is worth"
    parts, data = [], []
    for joint in JOINTS:
        agreement = agreement_summary(human_agreement(joint))
        if not agreement.empty:
            rows = [[r["kind"], r["n_pairs"], *(number(r[k]) for k in ("r_min", "r_median", "r_max"))]
                    for r in records(agreement)]  # fmt: skip
            caption = f"{joint.capitalize()}: human profiles among themselves"
            parts.append(table(["pairs of", "n", "least r", "median r", "largest r"], rows, numeric=range(1, 5),
                               caption=caption))  # fmt: skip
        learned = _learned(study, joint)
        key, factor = MOMENTS[joint]
        bodies = [body for body in study.bodies() if body[0] == "healthy"]
        rows, speed = study.at_speed(bodies[0], "none") if bodies else ([], float("nan"))
        both = [study.mean_curve(rows, key, side) for side in SIDES]
        moments = [factor * part[0] for part in both if part[2]]
        if not learned[2] or not moments:
            continue
        result = compare_baselines(learned[0], np.mean(moments, axis=0), joint)
        data.append(result.assign(joint=joint))
        cells = []
        for candidate in dict.fromkeys(map(str, result["candidate"])):
            part = [row for row in records(result) if row["candidate"] == candidate]
            r, rmse = (np.array([row[k] for row in part], np.float64) for k in ("r", "rmse"))
            cells.append([candidate, len(part), *(number(float(f(r))) for f in (np.min, np.median, np.max)),
                          number(float(np.median(rmse)))])  # fmt: skip
        if cells:
            caption = (
                f"{joint.capitalize()}: against the human profiles; moment of the body without device, {speed:g} m/s"
            )
            parts.append(table(["", "profiles", "least r", "median r", "largest r", "median RMSE (N·m/kg)"], cells,
                               numeric=range(1, 6), caption=caption))  # fmt: skip
    if data:
        pd.concat(data).to_csv(study.place("baselines"), index=False)
        parts.append('<p class="note"><a href="figures/baselines.csv">data</a></p>')
    else:
        parts.append("<p>No learned torque, or no moment without the device, to put beside them.</p>")
    note = (
        "A learned torque that is no more like the human profiles than a scaled joint moment has learned no more than "
        "to follow that moment. The moment is scaled to the learned torque's largest value, to no human's; the best "
        "lag does look at the human profile and is an upper bound."
    )
    return "baselines", title, section("baselines", title, *parts, f'<p class="note">{note}</p>')


def _weak_torques(study: _Study) -> Section:
    title = "Assistance of weak bodies"
    data: list[Row] = []
    curves: dict[tuple[Body, str], dict[str, Array]] = {}
    for body in [b for b in study.bodies() if b[0] != "healthy"]:
        rows, speed = study.at_speed(body, "powered")
        for joint in JOINTS:
            for which in ("weak", "sound"):
                (
                    mean,
                    sd,
                    n,
                ) = study.mean_curve(rows, f"device_{JOINTS[joint]}", leg_of(body[2], which))
                if n:
                    curves.setdefault((body, joint), {})[which] = mean
                    data += [{"body": _label(body), "joint": joint, "leg": which, "speed_commanded": speed,
                              "percent": i, "torque_nm_per_kg": m, "sd_seeds": s, "n_seeds": n}
                             for i, (m, s) in enumerate(zip(mean, sd, strict=True))]  # fmt: skip
    if not curves:
        return _missing("weak", title, "no powered walk of a weak body without a fall")
    with plots.style():
        drawing, axes = _panels(len(curves), columns=4, size=(2.5, 1.9))
        for ax, ((body, joint), legs) in zip(axes, curves.items(), strict=True):
            sign, up, _ = UP[joint]
            for which, mean in legs.items():
                style = STYLES["r"] if which == "weak" else STYLES["l"]
                ax.plot(np.arange(101), sign * mean, color=TRIAL_COLOURS[0 if which == "weak" else 1], linestyle=style,
                        linewidth=1.5, label=f"{which} leg")  # fmt: skip
            ax.axhline(0.0, color="#b9bec5", linewidth=0.6)
            _title(ax, f"{_label(body)}\n{joint}, up: {up} (N·m/kg)")
        _legend(drawing, axes)
    caption = f"Torque on the weak and the sound leg at the commanded speed nearest to {SPEED:g} m/s, mean over seeds."
    return "weak", title, section("weak", title, study.show("weak_torques", drawing, pd.DataFrame(data), caption))


# -- impairment -------------------------------------------------------------------------------------------------------


def _signs(study: _Study) -> Section:
    title = "Clinical signs"
    signs = read_signs()
    if not study.rows or any(f"{s.variable}_{side}" not in study.main.columns for s in signs.signs for side in SIDES):
        return _missing("signs", title, "the table lacks the variables of the signs")
    judged = judge_signs(study.main, signs)
    judged.to_csv(study.place("signs"), index=False)
    verdicts = reproduced(judged, signs)
    verdicts.to_csv(study.place("signs_verdicts"), index=False)
    cells: list[list[object]] = []
    for verdict in records(verdicts):
        strength = verdict["strength"]
        part = [r for r in records(judged) if r["deficit"] == verdict["deficit"]
                and (r["strength"] == strength or (np.isnan(strength) and np.isnan(r["strength"])))]  # fmt: skip
        word = "reproduced" if verdict["reproduced"] else "not reproduced"
        name = verdict["deficit"].replace("_", " ") + ("" if np.isnan(strength) else f" {strength:g} %")
        cells.append([f"{name}: {verdict['n_hold']} of {verdict['n_signs']} signs, {word}"])
        for row in part:
            spread = f"{number(row['healthy_mean'])} ± {number(row['healthy_sd'])}"
            cells.append(
                [row["sign"], f"{row['variable'].replace('_', ' ')}, {row['side']} leg", row["direction"], spread,
                 number(row["value"]), number(row["threshold"]), row["unit"], _yes(bool(row["holds"])),
                 row["remark"] or f"{row['n_walks']} walks, {row['n_fell']} fell"]
            )  # fmt: skip
    header = ["sign", "number", "expected", "healthy ± SD", "weak body", "threshold", "unit", "holds", ""]
    note = (
        f"Without device, {signs.speed:g} m/s commanded; signs and rule were fixed before the training "
        "(analysis/outcomes/tables/compensations.yaml, with the sources). A deficit counts as reproduced if at least "
        f"{signs.reproduced_share:.0%} of its signs hold; what could not be judged counts as not held. "
        '<a href="figures/signs.csv">data</a>'
    )
    return "signs", title, section("signs", title, table(header, cells, numeric=[3, 4, 5]),
                                   f'<p class="note">{note}</p>')  # fmt: skip


def _yes(holds: bool) -> Cell:
    kind, word = ("pass", "yes") if holds else ("fail", "no")
    return Cell(f'<span class="badge {kind}">{word}</span>')


def _dose(study: _Study) -> Section:
    title = "Weakness: dose and response"
    names = [name for name in dict.fromkeys(body[0] for body in study.bodies()) if name != "healthy"]
    quantities = ("umberger2010_gross", "bhargava2004_gross", *(f"{name}_si" for name in SYMMETRIC))
    data = []
    for name in names:
        groups: dict[float, list[Body]] = {}
        for body in study.bodies():
            if body[0] in ("healthy", name):
                groups.setdefault(100.0 if body[0] == "healthy" else body[1], []).append(body)
        for strength, bodies in groups.items():
            for condition in CONDITIONS:
                found = [study.at_speed(body, condition) for body in bodies]
                rows = [row for part, _ in found for row in part]
                for quantity in quantities:
                    mean, sd, n_seeds, n = _over_seeds(rows, quantity, magnitude=quantity.endswith("_si"))
                    if n:
                        data.append({"deficit": name, "sides": ", ".join(body[2] for body in bodies),
                                     "strength": strength, "condition": condition,
                                     "speed_commanded": ", ".join(sorted({f"{v:g}" for part, v in found if part})),
                                     "quantity": quantity, "mean": mean, "sd_seeds": sd, "n_seeds": n_seeds,
                                     "n_walks": n})  # fmt: skip
    shown = [n for n in names if any(r["deficit"] == n and r["strength"] < 100.0 for r in data)]
    if not shown:
        return _missing("dose", title, "no walk of a weak body without a fall")
    panels = [(q, n) for q in ("umberger2010_gross", "step_length_si", "ankle_rom_si") for n in shown]
    with plots.style():
        drawing, axes = _panels(len(panels), columns=len(shown), size=(2.3, 2.0))
        for ax, (quantity, name) in zip(axes, panels, strict=True):
            for condition in CONDITIONS:
                part = [r for r in data if (r["quantity"], r["deficit"], r["condition"]) == (quantity, name, condition)]
                if part:
                    _line(ax, sorted(part, key=lambda r: -r["strength"]), "strength", "mean", "sd_seeds", condition)
            ax.set_xlabel("Strength (%)", fontsize=8)
            ax.invert_xaxis()
            what = "Gross rate (W/kg)" if quantity == "umberger2010_gross" else f"|SI| {quantity[:-3]} (%)"
            ax.set_ylabel(what.replace("_", " "), fontsize=8)
            _title(ax, name.replace("_", " "))
        _legend(drawing, axes)
    caption = (
        f"At the commanded speed nearest to {SPEED:g} m/s; 100 % is the healthy body; weak sides "
        "are pooled. |SI|: magnitude of Robinson's "
        "index; a healthy body is not at zero. More quantities in the data."
    )
    return "dose", title, section("dose", title, study.show("dose_response", drawing, pd.DataFrame(data), caption))


def _symmetry(study: _Study, changes: PairedChanges) -> Section:
    title = "Symmetry with and without the device"
    data = []
    for body in study.bodies():
        for condition in CONDITIONS:
            rows, speed = study.at_speed(body, condition)
            for name in SYMMETRIC:
                mean, sd, n_seeds, n = _over_seeds(rows, f"{name}_si", magnitude=True)
                if n:
                    data.append({"body": _label(body), "condition": condition, "speed_commanded": speed,
                                 "quantity": name, "si_magnitude_pct": mean, "sd_seeds": sd,
                                 "si_pct": _over_seeds(rows, f"{name}_si")[0], "n_seeds": n_seeds,
                                 "n_walks": n})  # fmt: skip
    if not data:
        return _missing("symmetry", title, "no walk without a fall has a symmetry index")
    names = list(dict.fromkeys(row["body"] for row in data))
    with plots.style():
        drawing, axes = _panels(len(names), size=(3.3, 2.6))
        for ax, name in zip(axes, names, strict=True):
            for k, condition in enumerate(CONDITIONS):
                part = {r["quantity"]: r["si_magnitude_pct"] for r in data
                        if r["body"] == name and r["condition"] == condition}  # fmt: skip
                if part:
                    place = [list(SYMMETRIC).index(q) + 0.26 * (k - 1) for q in part]
                    ax.barh(place, list(part.values()), 0.24, color=CONDITION_COLOURS[condition],
                            label=CONDITION_NAMES[condition])  # fmt: skip
            ax.set_yticks(range(len(SYMMETRIC)), [q.replace("_", " ") for q in SYMMETRIC], fontsize=7)
            ax.invert_yaxis()
            ax.set_xlabel("|SI| (%)", fontsize=8)
            _title(ax, name)
        _legend(drawing, axes)
    caption = f"Magnitude of the symmetry index at the commanded speed nearest to {SPEED:g} m/s, mean over seeds."
    markup = study.show("symmetry", drawing, pd.DataFrame(data), caption)
    cells = []
    for row in records(changes.summary):
        if str(row["quantity"]).endswith("_si") and row["reference"] == "none" and row["n_pairs"]:
            label = _label((row["body"], row["strength"], row["side"]))
            cells.append([label, number(row["speed_commanded"]), row["quantity"][:-3].replace("_", " "),
                          number(row["mean"], 1), number(row["sd_seeds"], 1), number(row["sd_walks"], 1),
                          number(row["angle_rmse"], 1), row["n_pairs"]])  # fmt: skip
    if cells:
        header = ["body", "m/s", "quantity", "change of |SI| (points)", "SD seeds", "SD walks", "angles change (°)",
                  "pairs"]  # fmt: skip
        inner = table(header, cells, numeric=[1, 3, 4, 5, 6, 7])
        markup += f"<details><summary>Paired changes, powered against no device</summary>{inner}</details>"
    markup += f'<p class="note">{escape(DEFINITIONS["robinson"])}.</p>'
    return "symmetry", title, section("symmetry", title, markup)


def _muscles(study: _Study) -> Section:
    title = "Muscle activity"
    columns = [str(c) for c in study.main.columns if str(c).startswith("activation_")]
    data = []
    for body in study.bodies():
        for condition in CONDITIONS:
            rows, speed = study.at_speed(body, condition)
            for column in columns:
                mean, sd, n_seeds, _ = _over_seeds(rows, column)
                if n_seeds:
                    leg = column[-1]
                    whose = "both" if body[0] == "healthy" else "weak" if leg == leg_of(body[2], "weak") else "sound"
                    data.append({"body": _label(body), "condition": condition, "speed_commanded": speed,
                                 "muscle": column.removeprefix("activation_")[:-2], "leg": whose, "side": leg,
                                 "mean_activation": mean, "sd_seeds": sd, "n_seeds": n_seeds})  # fmt: skip
    if not data:
        return _missing("muscles", title, "no walk without a fall has muscle activations")
    legs = [("healthy", "both")] if any(r["body"] == "healthy" for r in data) else []
    legs += [(n, "weak") for n in dict.fromkeys(r["body"] for r in data) if n != "healthy"]
    parts = []
    for i, (name, leg) in enumerate(legs):
        own = [r for r in data if r["body"] == name and r["leg"] == leg]
        values: Mapping[str, dict[str, float]] = {
            CONDITION_NAMES[c]: {
                m: float(np.mean([r["mean_activation"] for r in own if r["muscle"] == m and r["condition"] == c]))
                for m in dict.fromkeys(r["muscle"] for r in own if r["condition"] == c)
            }
            for c in CONDITIONS if any(r["condition"] == c for r in own)
        }  # fmt: skip
        colours = {CONDITION_NAMES[c]: CONDITION_COLOURS[c] for c in CONDITIONS}
        head = f"{name}: mean activation, {'both legs' if leg == 'both' else 'weak leg'}"
        drawing, _ = plots.figure_bars(pd.DataFrame(values), title=head, unit="mean activation, 1", colours=colours)
        caption = f"Mean over the stride at the commanded speed nearest to {SPEED:g} m/s, and over seeds."
        markup = study.show(f"muscles_{i}", drawing, pd.DataFrame(own), caption)
        parts.append(markup if i == 0 else f"<details><summary>{escape(head)}</summary>{markup}</details>")
    pd.DataFrame(data).to_csv(study.place("muscles_all"), index=False)
    parts.append('<p class="note"><a href="figures/muscles_all.csv">all bodies and both legs</a></p>')
    return "muscles", title, section("muscles", title, *parts)


def _variants(study: _Study) -> Section:
    title = "Variants"
    names = [name for name in dict.fromkeys(map(str, study.walks["variant"])) if name != "main"]
    if not names:
        return _missing("variants", title, "the tables hold the main variant alone")
    other = pd.DataFrame(study.walks[study.walks["variant"] != "main"])
    summary = paired_changes(other, study.curves).summary
    summary.to_csv(study.place("variants"), index=False)
    cells = []
    for row in records(summary):
        if row["quantity"] == "umberger2010_gross":
            label = _label((row["body"], row["strength"], row["side"]))
            spread = f"{number(row['mean_pct'], 1)} ± {number(row['sd_seeds_pct'], 1)}"
            falls = f"{number(100 * row['fall_rate'], 0)} / {number(100 * row['fall_rate_reference'], 0)}"
            cells.append([row["variant"], label, CONDITION_NAMES[row["reference"]], number(row["speed_commanded"]),
                          spread, number(row["angle_rmse"], 1), falls, row["n_pairs"]])  # fmt: skip
    header = ["variant", "body", "against", "m/s", "Umberger 2010 (%)", "angles change (°)",
              "falls, powered / against (%)", "pairs"]  # fmt: skip
    markup = table(header, cells, numeric=range(3, 8)) if cells else ""
    unpowered = [n for n in names if not any(row[0] == n for row in cells)]
    if unpowered:
        markup += f"<p>Without a powered walk: {escape(', '.join(unpowered))}.</p>"
    note = '<p class="note">Paired within the variant. <a href="figures/variants.csv">data</a></p>'
    return "variants", title, section("variants", title, markup, note)


def _method() -> Section:
    lines = [
        "Everything here is simulated: a policy moves a musculoskeletal model, another policy the device. No person "
        "was measured, and nothing was fitted to the human torque profiles.",
        "Metabolic rates are gross, per kg of the person without the device; muscles keep their mass when they are "
        "weak, unless a number says atrophied. Joint moments are those of muscles and passive structures; the "
        "device's torque stands beside them.",
        "Means: over the strides of a walk (the first seconds left out), over the walks of a seed, over the seeds. "
        "Walks that ended in a fall are counted and left out.",
    ]
    markup = "".join(f"<p>{escape(line)}</p>" for line in lines)
    return "methods", "How to read this", section("methods", "How to read this", markup)
