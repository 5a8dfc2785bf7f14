"""Gait reports: what a clinician shows a colleague, as one self-contained HTML page.

:func:`write_report` takes any :class:`data.GaitTrial`, measured or simulated, and shows what it holds; a table or
figure that the trial cannot fill is left out or says so. :func:`write_comparison` puts two trials side by side.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from exogait.data import GaitTrial
from exogait.data.quality import VERDICTS, count_verdicts, quality_rows
from exogait.data.trial import SIDES, Side

from ..gait.agreement import compare_curves
from ..gait.curves import (
    CURVES,
    FRONTAL_TRANSVERSE,
    GROUND_REACTION,
    SAGITTAL,
    available,
    find_curve,
    has_curve,
    mean_curve,
)
from ..gait.cycle import find_strides
from ..gait.metrics import (
    MAX_MISSING,
    SPATIOTEMPORAL,
    compute_metrics,
    spatiotemporal_table,
    symmetry_rows,
    walking_speed,
)
from ..gait.norm_bands import NormBand, bands_for
from ..gait.symmetry import DEFINITIONS, cross_correlation, trend_symmetry
from . import figures as plots
from .figures import SIDE_NAMES
from .markup import Cell, badge, escape, facts, figure, number, page, section, table

_GRIDS = (SAGITTAL, FRONTAL_TRANSVERSE, GROUND_REACTION)
COMPARED = tuple(key for grid in _GRIDS for row in grid for key in row)
"""Curves that are compared with a norm or with another trial, in the order of the report."""


def write_report(
    trial: GaitTrial,
    out: str | Path,
    *,
    norms: Mapping[str, NormBand] | None = None,
    title: str | None = None,
    extra: Sequence[tuple[str, str, str]] = (),
) -> Path:
    """Write the report of one trial.

    Args:
        trial: Measured or simulated trial with events.
        out: The .html file, or a folder that gets ``report.html``.
        norms: Curve (a key of :data:`exogait.analysis.gait.curves.CURVES`) to band of normal; those that fit the
            trial's speed (:func:`exogait.analysis.gait.norm_bands.bands_for`) if not given; an empty mapping for none.
        title: Title of the page.
        extra: Further sections, (identifier, title, HTML), before the data-quality page.

    Returns:
        The file.

    Raises:
        InputError: The trial has no body mass where one is needed.
    """
    if norms is None:
        norms = _norms_for(trial)
    metrics = compute_metrics(trial)
    simulated = trial.metadata.get("source") == "simulation"
    sections = [
        _sagittal(trial, norms),
        _frontal(trial, norms),
        _ground(trial, norms),
        _emg(trial),
        _muscles(trial),
        _spatiotemporal(trial),
        _work(metrics),
        _against_normal(trial, norms),
        _symmetry(trial, metrics),
        *((key, name, section(key, name, markup)) for key, name, markup in extra),
        _quality(trial),
        _methods(trial, norms),
    ]
    html = page(
        title=title or _title(trial),
        kicker="Simulated gait" if simulated else "Gait analysis report",
        lead=_lead(trial),
        head=_head(trial, metrics),
        sections=sections,
        footer=_footer(trial),
    )
    return _write(html, out, "report.html")


def write_comparison(
    trials: Sequence[GaitTrial],
    out: str | Path,
    *,
    labels: Sequence[str] | None = None,
    norms: Mapping[str, NormBand] | None = None,
    title: str | None = None,
    extra: Sequence[tuple[str, str, str]] = (),
) -> Path:
    """Write a page that compares trials with the first of them: curves, r and RMSE of each, scalars side by side.

    Args:
        trials: Two to four trials, the reference first.
        out: The .html file, or a folder that gets ``compare.html``.
        labels: Names of the trials; their own if not given.
        norms: Bands of normal; those at the reference's speed if not given.
        title: Title of the page.
        extra: Further sections, (identifier, title, HTML; empty ones are left out), at the end.

    Returns:
        The file.

    Raises:
        ValueError: Fewer than two or more than four trials.
    """
    if not 2 <= len(trials) <= len(plots.TRIAL_COLOURS):
        raise ValueError(f"2 to {len(plots.TRIAL_COLOURS)} trials can be compared, not {len(trials)}")
    names = [trial.name for trial in trials] if labels is None else list(labels)
    bands = _norms_for(trials[0]) if norms is None else norms
    sections: list[tuple[str, str, str]] = []
    for side in SIDES:
        parts = []
        for i, grid in enumerate(_GRIDS):
            shown = [row for row in grid if any(has_curve(t, key, side) for t in trials for key in row)]
            if shown:
                drawing, _ = plots.figure_compare(trials, shown, side=side, labels=names, norms=bands)
                counts = ", ".join(f"{n}: {_strides(t, side)}" for n, t in zip(names, trials, strict=True))
                caption = f"{SIDE_NAMES[side]} leg, mean over the strides ({escape(counts)})."
                parts.append(figure(plots.svg_text(drawing, prefix=f"c{side}{i}"), caption))
        key, name = f"curves-{side}", f"{SIDE_NAMES[side]} leg"
        sections.append((key, name, section(key, name, *parts, new_page=side == "l") if parts else ""))
    sections.append(_agreement(trials, names))
    sections.append(_scalars(trials, names))
    sections += extra
    lead = " against ".join(escape(f"{n} ({_speed_text(t)})") for n, t in zip(names[::-1], trials[::-1], strict=True))
    html = page(
        title=title or f"{names[-1]} compared with {names[0]}", kicker="Comparison of trials", lead=lead, head="",
        sections=sections, footer=_footer(trials[0]),
    )  # fmt: skip
    return _write(html, out, "compare.html")


def norm_table(trial: GaitTrial, norms: Mapping[str, NormBand]) -> pd.DataFrame:
    """Agreement of every curve and leg with its band of normal.

    Args:
        trial: Trial with events.
        norms: Curve to band.

    Returns:
        One row a curve and side: curve, title, unit, side, r, rmse, within_1_sd, within_2_sd (%), peak, norm_peak,
        n_points.
    """
    rows = []
    for key in available(trial, [k for k in CURVES if k in norms]):
        curve, band = find_curve(key), norms[key]
        grid = np.linspace(0.0, 100.0, 101)
        mean, sd = (np.interp(grid, band.percent, v, left=np.nan, right=np.nan) for v in (band.mean, band.sd))
        for side in SIDES:
            own = mean_curve(trial, key, side)
            result = compare_curves(own, mean, reference_sd=sd)
            if result.n_points:
                rows.append(
                    {
                        "curve": key, "title": curve.title, "unit": curve.unit, "side": side, "r": result.r,
                        "rmse": result.rmse, "within_1_sd": result.within_1_sd_pct,
                        "within_2_sd": result.within_2_sd_pct, "peak": float(np.nanmax(own)),
                        "norm_peak": float(np.nanmax(mean)), "n_points": result.n_points,
                    }
                )  # fmt: skip
    return pd.DataFrame(rows)


# -- head -------------------------------------------------------------------------------------------------------------


def _norms_for(trial: GaitTrial) -> Mapping[str, NormBand]:
    return bands_for(trial)


def _title(trial: GaitTrial) -> str:
    subject = str(trial.metadata.get("subject") or "")
    return trial.name if not subject or trial.name.startswith(subject) else f"{subject}: {trial.name}"


def _lead(trial: GaitTrial) -> str:
    files = trial.metadata.get("files") or {}
    parts = [f"Walking at {_speed_text(trial)}"]
    parts.append(f"right: {_strides(trial, 'r')}, left: {_strides(trial, 'l')}")
    if files:
        parts.append("from " + " and ".join(f"<code>{escape(name)}</code>" for name in files.values()))
    model = trial.metadata.get("model")
    if model:
        parts.append(f"model <code>{escape(model)}</code>")
    return "; ".join(parts) + "."


def _speed_text(trial: GaitTrial) -> str:
    speed = walking_speed(trial)
    return "unknown speed" if math.isnan(speed) else f"{number(speed)} m/s"


def _strides(trial: GaitTrial, side: Side) -> str:
    n = len(find_strides(trial.events, side))
    return f"{n} stride{'' if n == 1 else 's'}"


def _head(trial: GaitTrial, metrics: pd.DataFrame) -> str:
    of = metrics.set_index("metric")

    def pair(name: str, digits: int) -> str:
        return f"{number(of['right'][name], digits)} / {number(of['left'][name], digits)}"

    items = [("Walking speed", number(walking_speed(trial)), "m/s")]
    numbers = spatiotemporal_table(trial)
    mean = dict(zip(numbers["quantity"], numbers["mean"].to_numpy(np.float64), strict=True))
    for name, digits, unit in (("cadence", 0, "steps/min"), ("stride_length", 2, "m")):
        if name in mean:
            items.append((SPATIOTEMPORAL[name][0], number(float(mean[name]), digits), unit))
    items.append(("Stance, right / left", pair("stance_pct", 1), "%"))
    items.append(("Knee range, right / left", pair("knee_flexion_range", 0), "°"))
    items.append(("Ankle push-off, right / left", pair("ankle_power_pushoff", 1), "W/kg"))
    mass = trial.metadata.get("subject_mass")
    height = trial.metadata.get("subject_height")
    body = f"{number(mass, 1)} kg" + (f", {number(height)} m" if height else "")
    items.append(("Body", body if mass else "–", ""))
    markup = facts(items)
    rows = quality_rows(trial)
    if rows:
        counts = count_verdicts(rows)
        shown = " ".join(f"{badge(v)} {counts[v]}" for v in VERDICTS if counts[v])
        markup += f'<div class="verdict"><strong>Data quality</strong> {shown} <a href="#quality">every row</a></div>'
    if not any(find_strides(trial.events, side) for side in SIDES):
        markup += (
            '<div class="banner"><strong>No whole stride</strong> was found (two heel strikes of one foot), so nothing '
            "can be shown over the gait cycle; the data-quality page says which events there are.</div>"
        )
    if trial.metadata.get("synthetic"):
        markup = (
            '<div class="banner"><strong>Synthetic trial</strong>, generated by the suite; no person.</div>' + markup
        )
    return markup


# -- figures ----------------------------------------------------------------------------------------------------------


def _caption(trial: GaitTrial, norms: Mapping[str, NormBand], keys: Iterable[str], text: str) -> str:
    counts = f"Right solid ({_strides(trial, 'r')}), left dashed ({_strides(trial, 'l')})"
    used = [norms[key].label for key in keys if key in norms]
    labels = list(dict.fromkeys(used))
    grey = f" Grey: {escape('; '.join(labels))}, mean ± 1 SD." if labels else " No band of normal for these curves."
    return f"{escape(text)} {counts}; tint: ± 1 SD over strides.{grey}"


def _grid(
    trial: GaitTrial, norms: Mapping[str, NormBand], grid: Sequence[Sequence[str]], prefix: str, text: str
) -> str:
    shown = [row for row in grid if available(trial, row)]
    if not shown or not trial.events:
        return ""
    keys = [key for row in shown for key in row]
    drawing, _ = plots.figure_grid(trial, shown, norms={key: norms[key] for key in keys if key in norms})
    return figure(plots.svg_text(drawing, prefix=prefix), _caption(trial, norms, keys, text))


def _sagittal(trial: GaitTrial, norms: Mapping[str, NormBand]) -> tuple[str, str, str]:
    text = (
        "Sagittal plane: joint angle, internal joint moment and joint power. Kinetics are drawn only where the force "
        "under the foot is known."
    )
    return _wrap("sagittal", "Hip, knee and ankle", _grid(trial, norms, SAGITTAL, "sag", text))


def _frontal(trial: GaitTrial, norms: Mapping[str, NormBand]) -> tuple[str, str, str]:
    text = "Pelvis against the laboratory (each side from its own point of view) and hip out of the sagittal plane."
    grid = [row for row in FRONTAL_TRANSVERSE]
    if not available(trial, ["subtalar_inversion"]):
        grid = [grid[0], ("hip_adduction", "hip_rotation", "hip_abduction_moment")]
    return _wrap("frontal", "Pelvis and hip", _grid(trial, norms, grid, "fro", text))


def _ground(trial: GaitTrial, norms: Mapping[str, NormBand]) -> tuple[str, str, str]:
    text = "Force of the ground on each foot over body weight."
    return _wrap("ground", "Ground reaction", _grid(trial, norms, GROUND_REACTION, "grf", text))


def _emg(trial: GaitTrial) -> tuple[str, str, str]:
    if trial.emg is None or not trial.events:
        return _wrap("emg", "Electromyography", "")
    sided = _sided([str(c) for c in trial.emg.columns])
    unit = trial.unit_of("emg", str(trial.emg.columns[0]))
    word = "share of peak" if unit == "1" else unit
    drawing, _ = plots.figure_envelopes(trial, trial.emg, sided=sided, unit=word)
    caption = (
        f"Envelopes over the gait cycle; {escape(trial.metadata.get('emg_processing') or 'as the trial holds them')}."
    )
    return _wrap("emg", "Electromyography", figure(plots.svg_text(drawing, prefix="emg"), caption))


def _sided(columns: Sequence[str]) -> dict[str, dict[Side, str]]:
    """Group columns such as ``soleus_r``, ``R_soleus`` by muscle; one without a side is shown for the right leg."""
    result: dict[str, dict[Side, str]] = {}
    for column in columns:
        after = re.match(r"^(.+?)[_ .]([rlRL])$", column)
        before = re.match(r"^(?:([rlRL])[_ .]|(Right|Left|RIGHT|LEFT)[_ ]?)(.+)$", column)
        if after:
            name, letter = after.group(1), after.group(2)
        elif before:
            name, letter = before.group(3), (before.group(1) or before.group(2))[0]
        else:
            name, letter = column, "r"
        side: Side = "r" if letter.lower() == "r" else "l"
        result.setdefault(name.replace("_", " ").strip(), {})[side] = column
    return result


def _muscles(trial: GaitTrial) -> tuple[str, str, str]:
    parts = []
    activation = trial.muscles.get("activation")
    if activation is not None and trial.events:
        chosen = _main_muscles([str(c) for c in activation.columns])
        drawing, _ = plots.figure_envelopes(trial, activation, sided=chosen, unit="activation", limit=1.0)
        how = trial.metadata.get("muscle_method") or "muscle activations of the trial"
        parts.append(figure(plots.svg_text(drawing, prefix="act"), f"{escape(how)}; 0 = off, 1 = full."))
    energy = trial.metadata.get("metabolics") or {}
    if energy:
        rows = []
        for model, values in energy.items():
            rows += [[Cell(escape(model))]] + [[k, number(v, 2), u] for k, v, u in values]
        note = "Gross includes the basal rate; net does not. Static optimization knows no co-contraction."
        parts.append("<h3>Metabolic rate</h3>" + table(["quantity", "value", "unit"], rows, numeric=[1]))
        parts.append(f'<p class="note">{note}</p>' if trial.metadata.get("source") == "lab" else "")
    reserves = trial.metadata.get("reserves") or []
    if reserves:
        rows = [[r["name"], number(r["peak"], 1), number(r["share_pct"], 1), r["unit"]] for r in reserves]
        parts.append(
            "<h3>Reserve actuators</h3>"
            + table(["coordinate", "largest", "% of the peak moment", "unit"], rows, numeric=[1, 2])
        )
    return _wrap("muscles", "Muscles", "".join(parts))


_MAIN = (
    "glut_max2", "glut_med2", "bifemlh", "semimem", "psoas", "rect_fem", "vas_lat", "vas_med", "med_gas", "soleus",
    "tib_ant", "tib_post",
)  # fmt: skip


def _main_muscles(columns: Sequence[str]) -> dict[str, dict[Side, str]]:
    """The muscles that everyone knows, else the first twelve."""
    known = set(columns)
    chosen: dict[str, dict[Side, str]] = {}
    for name in _MAIN:
        sides: dict[Side, str] = {side: f"{name}_{side}" for side in SIDES if f"{name}_{side}" in known}
        if sides:
            chosen[name] = sides
    return chosen or dict(list(_sided(columns).items())[:12])


# -- tables -----------------------------------------------------------------------------------------------------------


def _spatiotemporal(trial: GaitTrial) -> tuple[str, str, str]:
    rows = []
    for row in spatiotemporal_table(trial).to_dict(orient="records"):
        title, digits = SPATIOTEMPORAL.get(row["quantity"], (row["quantity"], 2))
        rows.append(
            [title, *(number(row[k], digits) for k in ("mean_r", "mean_l", "mean", "sd")), row["unit"], row["n"]]
        )
    markup = table(
        ["", "right", "left", "both", "SD", "unit", "n"], rows, numeric=[1, 2, 3, 4, 6], classes={1: "r", 2: "l"}
    )
    belt = trial.metadata.get("belt_speed")
    note = f"Treadmill, belt at {number(belt)} m/s. " if belt else ""
    note += "Step length and time belong to the foot that lands."
    return _wrap("spatiotemporal", "Spatiotemporal", markup + f'<p class="note">{note}</p>')


def _work(metrics: pd.DataFrame) -> tuple[str, str, str]:
    rows = [
        [r["title"], *(number(r[s], _digits(r["unit"])) for s in ("right", "left")), r["unit"], _window(r["window"])]
        for r in metrics.to_dict(orient="records")
        if r["window"] != "stride" and not (math.isnan(r["right"]) and math.isnan(r["left"]))
    ]
    if not rows:
        return "peaks", "Peaks and work", ""
    markup = table(["", "right", "left", "unit", "definition"], rows, numeric=[1, 2], classes={1: "r", 2: "l"})
    note = (
        "Mean over the strides that know the whole window; a dash means that no stride does. Work is per stride and "
        f"may miss up to {MAX_MISSING:.0%} of it."
    )
    return _wrap("peaks", "Peaks and work", markup + f'<p class="note">{note}</p>')


def _against_normal(trial: GaitTrial, norms: Mapping[str, NormBand]) -> tuple[str, str, str]:
    result = norm_table(trial, norms) if norms and trial.events else pd.DataFrame()
    if result.empty:
        return "normal", "Against normal", ""
    labels = list(dict.fromkeys(norms[str(key)].label for key in result["curve"]))
    rows = []
    for row in result.to_dict(orient="records"):
        side, digits = row["side"], _digits(row["unit"])
        cells = [
            row["title"], Cell(SIDE_NAMES[side], side), number(row["r"]), number(row["rmse"], digits), row["unit"],
            number(row["within_1_sd"], 0), number(row["within_2_sd"], 0), number(row["peak"], digits),
            number(row["norm_peak"], digits),
        ]  # fmt: skip
        rows.append(cells if len(labels) == 1 else [*cells, norms[row["curve"]].label])
    header = ["", "side", "r", "RMSE", "unit", "in 1 SD (%)", "in 2 SD (%)", "peak", "normal peak"]
    markup = table(
        header if len(labels) == 1 else [*header, "norm"], rows, numeric=[2, 3, 5, 6, 7, 8],
        caption=f"Norm: {escape(labels[0])}." if len(labels) == 1 else "",
    )  # fmt: skip
    note = (
        "Share of the cycle within mean ± 1 and ± 2 SD of the norm; healthy walking lies within 2 SD most of the time."
    )
    return _wrap("normal", "Against normal", markup + f'<p class="note">{note}</p>')


def _symmetry(trial: GaitTrial, metrics: pd.DataFrame) -> tuple[str, str, str]:
    indices = symmetry_rows(metrics)
    if indices.empty:
        return "symmetry", "Symmetry", ""
    titles = metrics.set_index("metric")["title"]
    rows = [
        [
            titles[r["quantity"]], *(number(r[s], _digits(r["unit"])) for s in ("right", "left")), r["unit"],
            number(r["robinson"], 1),
            number(r["ratio"]), number(r["normalized"], 1), number(r["angle"], 1),
        ]
        for r in indices.to_dict(orient="records")
    ]  # fmt: skip
    first = table(
        ["", "right", "left", "unit", "SI (%)", "ratio", "normalised (%)", "angle (%)"],
        rows, numeric=[1, 2, 4, 5, 6, 7], classes={1: "r", 2: "l"},
    )  # fmt: skip
    definitions = "".join(f"<li>{escape(text)}</li>" for text in DEFINITIONS.values())
    curves = []
    for key in available(trial, COMPARED):
        right, left = mean_curve(trial, key, "r"), mean_curve(trial, key, "l")
        known = np.isfinite(right) & np.isfinite(left)
        if known.all():
            trend, cross = trend_symmetry(right, left), cross_correlation(right, left)
            curves.append(
                [
                    find_curve(key).title, number(trend.trend, 1), "yes" if trend.in_phase else "no",
                    number(cross.r, 3), number(cross.r_max, 3), number(cross.lag_pct, 1),
                ]
            )  # fmt: skip
    second = ""
    if curves:
        second = "<h3>Curves</h3>" + table(
            ["", "trend symmetry (%)", "in phase", "r", "largest r", "at a shift of (%)"], curves, numeric=[1, 3, 4, 5]
        )
        second += (
            '<p class="note">Trend symmetry after Crenshaw &amp; Richards 2006: 0 means the same shape. Shift: '
            "positive where the right curve runs later. Curves of which a part is not known are left out.</p>"
        )
    markup = first + f'<ul class="note">{definitions}</ul>' + second
    return _wrap("symmetry", "Symmetry", markup)


def _quality(trial: GaitTrial) -> tuple[str, str, str]:
    rows = quality_rows(trial)
    parts = []
    if rows:
        body: list[list[object]] = []
        for topic in dict.fromkeys(row.topic for row in rows):
            body.append([topic])
            body += [
                [row.what, row.found, row.limit, badge(row.verdict)] for row in rows if row.topic == topic
            ]  # fmt: skip
        parts.append(table(["", "found", "guidance", ""], body))
        sources = "; ".join(dict.fromkeys(row.source for row in rows if row.source))
        if sources:
            parts.append(f'<p class="note">Guidance: {escape(sources)}.</p>')
    errors = trial.metadata.get("marker_errors") or []
    if errors:
        lines = [
            [e["marker"], number(100 * e["rms"], 2), number(100 * e["max"], 2), number(100 * (e["seen"] or 0), 0)]
            for e in errors
            if e["rms"] is not None
        ]
        inner = table(["marker", "RMS (cm)", "largest (cm)", "seen (%)"], lines, numeric=[1, 2, 3])
        parts.append(f"<details><summary>Error of every marker in inverse kinematics</summary>{inner}</details>")
    if not parts:
        return "quality", "Data quality", ""
    return "quality", "Data quality", section("quality", "Data quality", *parts, new_page=True)


def _methods(trial: GaitTrial, norms: Mapping[str, NormBand]) -> tuple[str, str, str]:
    lines = [
        "Angles: flexion, dorsiflexion, adduction and internal rotation positive. Moments are internal (what muscles "
        "and tissue produce): extensor, abductor and plantarflexor positive. Generated power is positive.",
        "Moments and powers are divided by body mass, forces by body weight. A gait cycle runs from heel strike to the "
        "next heel strike of the same foot, in 101 points; left curves start at the left heel strike.",
        "Joint moments of a leg, and residuals of the pelvis, are unknown while that foot stands on the ground outside "
        "a force plate, or shares one; they are left out of every figure and number here.",
    ]
    labels = list(dict.fromkeys(band.label for band in norms.values()))
    lines += [f"Normal: {label}." for label in labels]
    markup = "".join(f"<p>{escape(line)}</p>" for line in lines)
    times = trial.metadata.get("step_seconds") or []
    if times:
        shown = ", ".join(f"{t['name']} {number(t['seconds'], 1)} s{' (reused)' if t['reused'] else ''}" for t in times)
        markup += f'<p class="note">Where the time went: {escape(shown)}.</p>'
    return _wrap("methods", "How to read this", markup)


def _agreement(trials: Sequence[GaitTrial], names: Sequence[str]) -> tuple[str, str, str]:
    rows: list[list[object]] = []
    for other, name in zip(trials[1:], names[1:], strict=True):
        if len(trials) > 2:
            rows.append([f"{name} against {names[0]}"])
        for key in [k for k in COMPARED if any(has_curve(other, k, s) and has_curve(trials[0], k, s) for s in SIDES)]:
            for side in SIDES:
                result = compare_curves(mean_curve(other, key, side), mean_curve(trials[0], key, side))
                if result.n_points:
                    rows.append(
                        [
                            find_curve(key).title, Cell(SIDE_NAMES[side], side), number(result.r, 3),
                            number(result.rmse), number(result.rmse_without_offset), find_curve(key).unit,
                            number(result.nrmse_pct, 0), number(result.peak_error),
                            number(result.peak_timing_error_pct, 0),
                        ]
                    )  # fmt: skip
    markup = table(
        ["", "side", "r", "RMSE", "RMSE, no offset", "unit", "RMSE / range (%)", "peak error", "peak later by (%)"],
        rows, numeric=[2, 3, 4, 6, 7, 8],
        caption=f"Difference {escape(', '.join(names[1:]))} minus {escape(names[0])}.",
    )  # fmt: skip
    return _wrap("agreement", "Agreement", markup if rows else "")


def _scalars(trials: Sequence[GaitTrial], names: Sequence[str]) -> tuple[str, str, str]:
    metrics = [compute_metrics(trial).set_index("metric") for trial in trials]
    keys = [key for key in metrics[0].index if any(key in m.index and np.isfinite(m["right"][key]) for m in metrics)]
    rows = []
    for key in keys:
        owner = next(m for m in metrics if key in m.index)
        digits = _digits(str(owner.loc[key, "unit"]))
        cells = [number(m[s][key], digits) if key in m.index else "–" for m in metrics for s in ("right", "left")]
        rows.append([owner["title"][key], *cells, owner["unit"][key]])
    header = ["", *(f"{name}, {s}" for name in names for s in ("right", "left")), "unit"]
    return _wrap("scalars", "Numbers", table(header, rows, numeric=range(1, 1 + 2 * len(trials))) if rows else "")


def _digits(unit: str) -> int:
    return {"°": 1, "%": 1, "steps/min": 1, "s": 3, "m": 3}.get(unit, 2)


def _window(text: str) -> str:
    return text.removesuffix(" of the gait cycle").replace("-", "–")


# -- file -------------------------------------------------------------------------------------------------------------


def _wrap(key: str, name: str, markup: str) -> tuple[str, str, str]:
    return key, name, section(key, name, markup) if markup else ""


def _footer(trial: GaitTrial) -> str:
    from importlib import metadata

    try:
        version = metadata.version("exogait")
    except metadata.PackageNotFoundError:
        version = "development version"
    parts = [f"exogait {escape(version)}"]
    sha = trial.metadata.get("model_sha256")
    if sha:
        parts.append(f"model sha256 <code>{escape(str(sha)[:16])}</code>")
    parts.append("For research; not a medical device.")
    return " · ".join(parts)


def _write(html: str, out: str | Path, default: str) -> Path:
    path = Path(out)
    if path.suffix.lower() not in (".html", ".htm"):
        path = path / default
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(html, encoding="utf-8")
    return path
