"""The report of a trial: what a clinician shows a colleague, measured or simulated.

:func:`report_page` builds the page from what a :class:`data.GaitTrial` holds; a table or figure that the trial cannot
fill is left out or says so. :func:`write_report` makes a file of it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from exogait.data import GaitTrial
from exogait.data.names import REPORT_PAGE
from exogait.data.quality import VERDICTS, count_verdicts, quality_rows
from exogait.data.trial import SIDES, Side
from exogait.models.energetics import HEADLINE, accounting_title

from ..gait.agreement import compare_curves
from ..gait.curves import CURVES, FRONTAL_TRANSVERSE, GROUND_REACTION, SAGITTAL, available, find_curve, mean_curve
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
from .describe import COMPARED, decimals, footer_of, mark_of, speed_text, strides_text
from .kit import (
    Banner,
    Cell,
    Code,
    Fact,
    Facts,
    Figure,
    Fold,
    Group,
    Heading,
    Inline,
    Leg,
    Link,
    Note,
    Number,
    Page,
    Part,
    Section,
    Strong,
    Table,
    Text,
    Verdict,
    Verdicts,
    number,
)
from .page import write_page
from .scores import scores_parts
from .verdict import verdict_parts, withheld_parts


def write_report(
    trial: GaitTrial,
    out: str | Path,
    *,
    norms: Mapping[str, NormBand] | None = None,
    title: str | None = None,
    extra: Sequence[Section] = (),
    withheld: GaitTrial | None = None,
) -> Path:
    """Write the report of one trial.

    Args:
        trial: Measured or simulated trial with events.
        out: The .html file, or a folder that gets ``report.html``.
        norms: As of :func:`report_page`.
        title: As of :func:`report_page`.
        extra: As of :func:`report_page`.
        withheld: As of :func:`report_page`.

    Returns:
        The file.

    Raises:
        InputError: The trial has no body mass where one is needed.
    """
    path = Path(out)
    if path.suffix.lower() not in (".html", ".htm"):
        path = path / REPORT_PAGE
    return write_page(report_page(trial, norms=norms, title=title, extra=extra, withheld=withheld), path)


def report_page(
    trial: GaitTrial,
    *,
    norms: Mapping[str, NormBand] | None = None,
    title: str | None = None,
    extra: Sequence[Section] = (),
    withheld: GaitTrial | None = None,
) -> Page:
    """The report of one trial as data.

    Args:
        trial: Measured or simulated trial with events.
        norms: Curve (a key of :data:`exogait.analysis.gait.curves.CURVES`) to band of normal; those that fit the
            trial's speed (:func:`exogait.analysis.gait.norm_bands.bands_for`) if not given; an empty mapping for none.
        title: Title of the page.
        extra: Further sections, before the data-quality page.
        withheld: The same trial with nothing blank, to show hatched what failed checks withhold.

    Raises:
        InputError: The trial has no body mass where one is needed.
    """
    if norms is None:
        norms = bands_for(trial)
    metrics = compute_metrics(trial)
    return Page(
        title or _title(trial),
        [
            Section("sagittal", "Hip, knee and ankle", _sagittal(trial, norms)),
            Section("frontal", "Pelvis and hip", _frontal(trial, norms)),
            Section("ground", "Ground reaction", _ground(trial, norms)),
            Section("emg", "Electromyography", _emg(trial)),
            Section("muscles", "Muscles", _muscles(trial)),
            Section("spatiotemporal", "Spatiotemporal", _spatiotemporal(trial)),
            Section("peaks", "Peaks and work", _work(metrics)),
            Section("normal", "Against normal", _against_normal(trial, norms)),
            Section("symmetry", "Symmetry", _symmetry(trial, metrics)),
            Section("scores", "Scores", scores_parts(trial)),
            *extra,
            *([] if withheld is None else [Section("withheld", "Withheld", withheld_parts(trial, withheld))]),
            Section("quality", "Data quality", _quality(trial), new_page=True),
            Section("methods", "How to read this", _methods(trial, norms)),
        ],
        kicker="Gait analysis report",
        lead=_lead(trial),
        head=_head(trial, metrics),
        mark=mark_of([trial]),
        footer=footer_of(trial),
    )


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


def _title(trial: GaitTrial) -> str:
    subject = trial.about.subject
    return trial.name if not subject or trial.name.startswith(subject) else f"{subject}: {trial.name}"


def _lead(trial: GaitTrial) -> list[Inline]:
    words: list[Inline] = [
        f"Walking at {speed_text(trial)}; right: {strides_text(trial, 'r')}, left: {strides_text(trial, 'l')}"
    ]
    for i, name in enumerate(trial.about.files.values()):
        words += [" and " if i else "; from ", Code(str(name))]
    if trial.about.model:
        words += ["; model ", Code(trial.about.model)]
    return [*words, "."]


def _head(trial: GaitTrial, metrics: pd.DataFrame) -> list[Part]:
    of = metrics.set_index("metric")

    def pair(name: str, digits: int) -> str:
        return f"{number(of['right'][name], digits)} / {number(of['left'][name], digits)}"

    facts = [Fact("Walking speed", Number(walking_speed(trial)), "m/s")]
    numbers = spatiotemporal_table(trial)
    mean = dict(zip(numbers["quantity"], numbers["mean"].to_numpy(np.float64), strict=True))
    for name, digits, unit in (("cadence", 0, "steps/min"), ("stride_length", 2, "m")):
        if name in mean:
            facts.append(Fact(SPATIOTEMPORAL[name][0], Number(float(mean[name]), digits), unit))
    facts.append(Fact("Stance, right / left", pair("stance_pct", 1), "%"))
    facts.append(Fact("Knee range, right / left", pair("knee_flexion_range", 0), "°"))
    facts.append(Fact("Ankle push-off, right / left", pair("ankle_power_pushoff", 1), "W/kg"))
    mass, height = trial.about.mass, trial.about.height
    body = f"{Number(mass, 1, 'kg')}" + (f", {Number(height, unit='m')}" if height else "")
    facts.append(Fact("Body", body if mass else "–"))
    if trial.about.source == "lab" and (trial.about.diagnosis or trial.about.side):
        facts.append(Fact("Diagnosis", trial.about.diagnosis or "–", f"affected side: {trial.about.side or '–'}"))
    rows = quality_rows(trial)
    parts: list[Part] = [*verdict_parts(rows), Facts(facts)]
    if rows:
        counts = count_verdicts(rows)
        shown = [Verdict(verdict, count=counts[verdict]) for verdict in VERDICTS if counts[verdict]]
        parts.append(Verdicts("Data quality", shown, Link("every row", "#quality")))
    if not any(find_strides(trial.events, side) for side in SIDES):
        parts.append(
            Banner(
                [
                    Strong("No whole stride"),
                    " was found (two heel strikes of one foot), so nothing can be shown over the gait cycle; the "
                    "data-quality page says which events there are.",
                ]
            )
        )
    return parts


# -- figures ----------------------------------------------------------------------------------------------------------


def _caption(trial: GaitTrial, norms: Mapping[str, NormBand], keys: Iterable[str], text: str) -> str:
    counts = f"Right solid ({strides_text(trial, 'r')}), left dashed ({strides_text(trial, 'l')})"
    labels = list(dict.fromkeys(norms[key].label for key in keys if key in norms))
    grey = f" Grey: {'; '.join(labels)}, mean ± 1 SD." if labels else " No band of normal for these curves."
    return f"{text} {counts}; tint: ± 1 SD over strides.{grey}"


def _grid(trial: GaitTrial, norms: Mapping[str, NormBand], grid: Sequence[Sequence[str]], text: str) -> list[Part]:
    shown = [row for row in grid if available(trial, row)]
    if not shown or not trial.events:
        return []
    keys = [key for row in shown for key in row]
    drawing, _ = plots.figure_grid(trial, shown, norms={key: norms[key] for key in keys if key in norms})
    drawn = ", ".join(find_curve(key).title.lower() for key in available(trial, keys))
    return [Figure(drawing, _caption(trial, norms, keys, text), f"Curves of both legs over the gait cycle: {drawn}.")]


def _sagittal(trial: GaitTrial, norms: Mapping[str, NormBand]) -> list[Part]:
    text = (
        "Sagittal plane: joint angle, internal joint moment and joint power. Kinetics are drawn only where the force "
        "under the foot is known."
    )
    return _grid(trial, norms, SAGITTAL, text)


def _frontal(trial: GaitTrial, norms: Mapping[str, NormBand]) -> list[Part]:
    text = "Pelvis against the laboratory (each side from its own point of view) and hip out of the sagittal plane."
    grid = list(FRONTAL_TRANSVERSE)
    if not available(trial, ["subtalar_inversion"]):
        grid = [grid[0], ("hip_adduction", "hip_rotation", "hip_abduction_moment")]
    return _grid(trial, norms, grid, text)


def _ground(trial: GaitTrial, norms: Mapping[str, NormBand]) -> list[Part]:
    return _grid(trial, norms, GROUND_REACTION, "Force of the ground on each foot over body weight.")


def _emg(trial: GaitTrial) -> list[Part]:
    if trial.emg is None or not trial.events:
        return []
    sided = _sided([str(c) for c in trial.emg.columns])
    unit = trial.unit_of("emg", str(trial.emg.columns[0]))
    drawing, _ = plots.figure_envelopes(trial, trial.emg, sided=sided, unit="share of peak" if unit == "1" else unit)
    how = trial.about.emg_processing or "as the trial holds them"
    return [Figure(drawing, f"Envelopes over the gait cycle; {how}.", f"EMG envelopes: {', '.join(sided)}.")]


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


def _muscles(trial: GaitTrial) -> list[Part]:
    parts: list[Part] = []
    activation = trial.muscles.get("activation")
    if activation is not None and trial.events:
        chosen = _main_muscles([str(c) for c in activation.columns])
        drawing, _ = plots.figure_envelopes(trial, activation, sided=chosen, unit="activation", limit=1.0)
        how = trial.about.muscle_method or "muscle activations of the trial"
        parts.append(Figure(drawing, f"{how}; 0 = off, 1 = full.", f"Muscle activations: {', '.join(chosen)}."))
    energy = trial.about.metabolics
    if energy:
        rows: list[Sequence[Cell] | Group] = []
        for model, values in energy.items():
            told = [[k, Number(v), u] for k, v, u in values if model == HEADLINE or str(k).endswith("_gross")]
            rows += [Group(accounting_title(str(model))), *told]
        parts += [Heading("Metabolic rate"), Table(["quantity", "value", "unit"], rows, numeric=[1])]
        if trial.about.source == "lab":
            parts.append(
                Note("Gross includes the basal rate; net does not. Static optimization knows no co-contraction.")
            )
        parts.append(
            Note(
                "Muscle masses are those that anatomy gives for the person's mass and height, set before any cost was "
                "computed; OpenSim's probe takes them from strength. No credit: lengthening muscles are not paid for "
                "the work they absorb."
            )
        )
    reserves = trial.about.reserves
    if reserves:
        found = [[r["name"], Number(r["peak"], 1), Number(r["share_pct"], 1), r["unit"]] for r in reserves]
        header = ["coordinate", "largest", "% of the peak moment", "unit"]
        parts += [Heading("Reserve actuators"), Table(header, found, numeric=[1, 2])]
    return parts


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


def _spatiotemporal(trial: GaitTrial) -> list[Part]:
    rows = []
    for row in spatiotemporal_table(trial).to_dict(orient="records"):
        title, digits = SPATIOTEMPORAL.get(row["quantity"], (row["quantity"], 2))
        cells = [Number(row[k], digits) for k in ("mean_r", "mean_l", "mean", "sd")]
        rows.append([title, *cells, row["unit"], row["n"]])
    header = ["", "right", "left", "both", "SD", "unit", "n"]
    belt = trial.about.belt_speed
    note = f"Treadmill, belt at {Number(belt)} m/s. " if belt else ""
    return [
        Table(header, rows, numeric=[1, 2, 3, 4, 6], sides={1: "r", 2: "l"}),
        Note(f"{note}Step length and time belong to the foot that lands."),
    ]


def _work(metrics: pd.DataFrame) -> list[Part]:
    rows = [
        [r["title"], *(Number(r[s], decimals(r["unit"])) for s in ("right", "left")), r["unit"], _window(r["window"])]
        for r in metrics.to_dict(orient="records")
        if r["window"] != "stride" and not (math.isnan(r["right"]) and math.isnan(r["left"]))
    ]
    if not rows:
        return []
    note = (
        "Mean over the strides that know the whole window; a dash means that no stride does. Work is per stride and "
        f"may miss up to {MAX_MISSING:.0%} of it."
    )
    header = ["", "right", "left", "unit", "definition"]
    return [Table(header, rows, numeric=[1, 2], sides={1: "r", 2: "l"}), Note(note)]


def _window(text: str) -> str:
    return text.removesuffix(" of the gait cycle").replace("-", "–")


def _against_normal(trial: GaitTrial, norms: Mapping[str, NormBand]) -> list[Part]:
    result = norm_table(trial, norms) if norms and trial.events else pd.DataFrame()
    if result.empty:
        return []
    labels = list(dict.fromkeys(norms[str(key)].label for key in result["curve"]))
    header = ["", "side", "r", "RMSE", "unit", "in 1 SD (%)", "in 2 SD (%)", "peak", "normal peak"]
    rows: list[list[Cell]] = []
    for row in result.to_dict(orient="records"):
        digits = decimals(row["unit"])
        rows.append([
            row["title"], Leg(row["side"]), Number(row["r"]), Number(row["rmse"], digits), row["unit"],
            Number(row["within_1_sd"], 0), Number(row["within_2_sd"], 0), Number(row["peak"], digits),
            Number(row["norm_peak"], digits),
        ])  # fmt: skip
        if len(labels) > 1:
            rows[-1].append(norms[row["curve"]].label)
    note = (
        "Share of the cycle within mean ± 1 and ± 2 SD of the norm; healthy walking lies within 2 SD most of the time."
    )
    return [
        Table(
            header if len(labels) == 1 else [*header, "norm"], rows, numeric=[2, 3, 5, 6, 7, 8],
            caption=f"Norm: {labels[0]}." if len(labels) == 1 else "",
        ),
        Note(note),
    ]  # fmt: skip


def _symmetry(trial: GaitTrial, metrics: pd.DataFrame) -> list[Part]:
    indices = symmetry_rows(metrics)
    if indices.empty:
        return []
    titles = metrics.set_index("metric")["title"]
    rows = [
        [
            titles[r["quantity"]], *(Number(r[s], decimals(r["unit"])) for s in ("right", "left")), r["unit"],
            Number(r["robinson"], 1), Number(r["ratio"]), Number(r["normalized"], 1), Number(r["angle"], 1),
        ]
        for r in indices.to_dict(orient="records")
    ]  # fmt: skip
    header = ["", "right", "left", "unit", "SI (%)", "ratio", "normalised (%)", "angle (%)"]
    parts: list[Part] = [
        Table(header, rows, numeric=[1, 2, 4, 5, 6, 7], sides={1: "r", 2: "l"}),
        Note(items=list(DEFINITIONS.values())),
    ]
    curves = []
    for key in available(trial, COMPARED):
        right, left = mean_curve(trial, key, "r"), mean_curve(trial, key, "l")
        known = np.isfinite(right) & np.isfinite(left)
        if known.all():
            trend, cross = trend_symmetry(right, left), cross_correlation(right, left)
            curves.append([
                find_curve(key).title, Number(trend.trend, 1), "yes" if trend.in_phase else "no", Number(cross.r, 3),
                Number(cross.r_max, 3), Number(cross.lag_pct, 1),
            ])  # fmt: skip
    if curves:
        header = ["", "trend symmetry (%)", "in phase", "r", "largest r", "at a shift of (%)"]
        note = (
            "Trend symmetry after Crenshaw & Richards 2006: 0 means the same shape. Shift: positive where the right "
            "curve runs later. Curves of which a part is not known are left out."
        )
        parts += [Heading("Curves"), Table(header, curves, numeric=[1, 3, 4, 5]), Note(note)]
    return parts


def _quality(trial: GaitTrial) -> list[Part]:
    parts: list[Part] = []
    rows = quality_rows(trial)
    if rows:
        body: list[Sequence[Cell] | Group] = []
        for topic in dict.fromkeys(row.topic for row in rows):
            body.append(Group(topic))
            body += [[row.what, row.found, row.limit, Verdict(row.verdict)] for row in rows if row.topic == topic]
        parts.append(Table(["", "found", "guidance", ""], body))
        sources = "; ".join(dict.fromkeys(row.source for row in rows if row.source))
        if sources:
            parts.append(Note(f"Guidance: {sources}."))
    errors = trial.about.marker_errors
    if errors:
        lines = [
            [e["marker"], Number(100 * e["rms"]), Number(100 * e["max"]), Number(100 * (e["seen"] or 0), 0)]
            for e in errors
            if e["rms"] is not None
        ]
        table = Table(["marker", "RMS (cm)", "largest (cm)", "seen (%)"], lines, numeric=[1, 2, 3])
        parts.append(Fold("Error of every marker in inverse kinematics", [table]))
    return parts


def _methods(trial: GaitTrial, norms: Mapping[str, NormBand]) -> list[Part]:
    lines = [
        "Angles: flexion, dorsiflexion, adduction and internal rotation positive. Moments are internal (what muscles "
        "and tissue produce): extensor, abductor and plantarflexor positive. Generated power is positive.",
        "Moments and powers are divided by body mass, forces by body weight. A gait cycle runs from heel strike to the "
        "next heel strike of the same foot, in 101 points; left curves start at the left heel strike.",
        "Joint moments of a leg, and residuals of the pelvis, are unknown while that foot stands on the ground outside "
        "a force plate, or shares one; they are left out of every figure and number here.",
    ]
    lines += [f"Normal: {label}." for label in dict.fromkeys(band.label for band in norms.values())]
    parts: list[Part] = [Text(line) for line in lines]
    times = trial.about.step_seconds
    if times:
        shown = ", ".join(f"{t['name']} {Number(t['seconds'], 1)} s{' (reused)' if t['reused'] else ''}" for t in times)
        parts.append(Note(f"Where the time went: {shown}."))
    return parts
