"""Trials side by side, measured or simulated: one page, one table and one figure.

Agreement with the motion a policy was trained to imitate is tracking; agreement with a walk that it never saw is
validation. The page cannot know which it shows and says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from exogait.data import GaitTrial, InputError
from exogait.data.files import write_csv, written_beside
from exogait.data.results import read_result
from exogait.data.show import Shown
from exogait.data.trial import SIDES, Side
from exogait.models.energetics import HEADLINE, accounting_title

from ..gait.agreement import CurveComparison, compare_curves
from ..gait.curves import GROUND_REACTION, SAGITTAL, find_curve, has_curve, mean_curve
from ..gait.cycle import find_strides
from ..gait.metrics import compute_metrics, symmetry_rows
from ..gait.norm_bands import NormBand, bands_for
from . import figures as plots
from .describe import COMPARED, GRIDS, decimals, footer_of, is_simulated, mark_of, speed_text, strides_text
from .figures import SIDE_NAMES
from .kit import Cell, Figure, Group, Leg, Note, Number, Page, Part, Section, Strong, Table, Text, number
from .page import write_page

SYMMETRY = (
    "step_length", "step_time", "stance_pct", "knee_flexion_range", "ankle_plantarflexor_moment",
    "ankle_power_pushoff", "grf_vertical_first", "grf_vertical_second",
)  # fmt: skip
"""Scalars whose symmetry is compared, where all trials have them."""
ENERGY = ("metabolic_rate_gross", "metabolic_rate_net", "cost_of_transport_gross", "cost_of_transport_net")
BRIEF_ENERGY = ("metabolic_rate_gross", "cost_of_transport_gross")
"""What is said of an accounting beside the headline."""
Curve = NDArray[np.float64]
COLUMNS = ("trial", "reference", "group", "quantity", "side", "unit", "value", "reference_value", "r", "rmse")
"""Columns of the table of a comparison."""


@dataclass(frozen=True, kw_only=True)
class Comparison(Shown):
    """What was written."""

    page: Path
    """compare.html."""
    table: Path
    """compare.csv."""
    figure: Path
    """compare.png: hip, knee and ankle, and ground reaction, right leg."""
    rows: pd.DataFrame
    """As of :func:`comparison_table`, the names of both trials before it."""

    def summary(self) -> str:
        """The table as text, and where the page is."""
        shown = self.rows.copy()
        for column in ("value", "reference_value", "r", "rmse"):
            shown[column] = [("" if not np.isfinite(x) else f"{x:.2f}") for x in shown[column].to_numpy(np.float64)]
        return f"{shown.to_string(index=False)}\nopen {self.page}"


def compare_folders(trial: str | Path, reference: str | Path, *, out: str | Path | None = None) -> Comparison:
    """Compare the walks of two result folders, such as a simulated one with a measured one.

    Args:
        trial: Folder of ``exogait simulate`` or ``exogait lab run``.
        reference: Another one, with which it is compared.
        out: Folder for compare.html, compare.csv and compare.png, or the .html file; the trial's folder if not given.

    Returns:
        What was written.

    Raises:
        FileFormatError: A folder holds no trial.
        InputError: A trial has no complete stride.
    """
    trials = [read_result(reference), read_result(trial)]
    for found, folder in zip(trials, (reference, trial), strict=True):
        _require_stride(found, str(folder))
    return write_comparison(trials, trial if out is None else out)


def write_comparison(
    trials: Sequence[GaitTrial],
    out: str | Path,
    *,
    labels: Sequence[str] | None = None,
    norms: Mapping[str, NormBand] | None = None,
    title: str | None = None,
) -> Comparison:
    """Compare trials, measured or simulated, with the first of them.

    Writes a page (curves, r and RMSE of each, numbers side by side, symmetry, metabolic rate), the table behind it and
    a figure.

    Args:
        trials: Two to four trials, the reference first.
        out: A folder that gets ``compare.html``, ``compare.csv`` and ``compare.png``, or the .html file; table and
            figure then stand beside it under its name.
        labels: As of :func:`comparison_page`.
        norms: As of :func:`comparison_page`.
        title: As of :func:`comparison_page`.

    Returns:
        What was written.

    Raises:
        InputError: A trial has no complete stride.
        ValueError: Fewer than two or more than four trials.
    """
    page = comparison_page(trials, labels=labels, norms=norms, title=title)
    names = trial_labels(trials) if labels is None else list(labels)
    path = Path(out)
    if path.suffix.lower() not in (".html", ".htm"):
        path = path / "compare.html"
    rows = _all_rows(trials, names)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_csv(rows, path.with_suffix(".csv"), float_format="%.6g")
    written = Comparison(
        page=write_page(page, path), table=path.with_suffix(".csv"), figure=path.with_suffix(".png"),
        rows=rows,
    )  # fmt: skip
    grid = [row for g in (SAGITTAL, GROUND_REACTION) for row in g if _any_curve(trials, row, "r")]
    if grid:
        drawing, _ = plots.figure_compare(trials, grid, side="r", labels=names)
        with written_beside(written.figure) as beside:
            drawing.savefig(beside, dpi=150, bbox_inches="tight")
    return written


def comparison_page(
    trials: Sequence[GaitTrial],
    *,
    labels: Sequence[str] | None = None,
    norms: Mapping[str, NormBand] | None = None,
    title: str | None = None,
) -> Page:
    """The page that compares trials with the first of them, as data.

    Args:
        trials: Two to four trials, the reference first.
        labels: Names of the trials; those of :func:`trial_labels` if not given.
        norms: Bands of normal; those at the reference's speed if not given.
        title: Title of the page.

    Raises:
        InputError: A trial has no complete stride.
        ValueError: Fewer than two or more than four trials.
    """
    if not 2 <= len(trials) <= len(plots.TRIAL_COLOURS):
        raise ValueError(f"2 to {len(plots.TRIAL_COLOURS)} trials can be compared, not {len(trials)}")
    names = trial_labels(trials) if labels is None else list(labels)
    for trial, name in zip(trials, names, strict=True):
        _require_stride(trial, name)
    bands = bands_for(trials[0]) if norms is None else norms
    if title is None and [is_simulated(trial) for trial in trials] == [False, True]:
        title = "Simulation against measurement"
    return Page(
        title or f"{names[-1]} compared with {names[0]}",
        [
            Section("curves-r", "Right leg", _curves(trials, names, "r", bands)),
            Section("curves-l", "Left leg", _curves(trials, names, "l", bands), new_page=True),
            Section("agreement", "Agreement", _agreement(trials, names)),
            Section("scalars", "Numbers", _scalars(trials, names)),
            Section("symmetry", "Symmetry", _symmetry(trials, names)),
            Section("energy", "Metabolic rate", _energy(trials, names)),
            Section("origin", "What these numbers are", _origin(trials, names)),
        ],
        kicker="Comparison of trials",
        lead=" against ".join(f"{n} ({speed_text(t)})" for n, t in zip(names[::-1], trials[::-1], strict=True)),
        mark=mark_of(trials),
        footer=footer_of(trials[0]),
    )


def comparison_table(trial: GaitTrial, reference: GaitTrial) -> pd.DataFrame:
    """Curves (r, RMSE), symmetry indices and metabolic rates of two trials.

    Args:
        trial: Trial with events.
        reference: Trial with events, the reference of r and RMSE.

    Returns:
        Columns group (angle, moment, power, ground reaction, symmetry, metabolic), quantity, side, unit, value,
        reference_value, r, rmse. For curves, value and reference_value are the largest over the cycle.
    """
    rows: list[dict[str, Any]] = []
    for key, side, own, other, result in _compared(trial, reference):
        curve = find_curve(key)
        rows.append({
            "group": _group(key), "quantity": curve.title, "side": side, "unit": curve.unit,
            "value": float(np.nanmax(own)), "reference_value": float(np.nanmax(other)), "r": result.r,
            "rmse": result.rmse,
        })  # fmt: skip
    trials = (trial, reference)
    rows += [_scalar("symmetry", title, "%", values) for title, values in _symmetry_indices(trials)]
    rows += [_scalar("metabolic", title, unit, values) for title, unit, values in _metabolic_rates(trials)]
    return pd.DataFrame(rows, columns=list(COLUMNS[2:]))


def trial_labels(trials: Sequence[GaitTrial]) -> list[str]:
    """What trials are called beside one another: subject, else name, and whether measured; unique."""
    subjects = [trial.about.subject or trial.name for trial in trials]
    names = [name if subjects.count(name) == 1 else trial.name for name, trial in zip(subjects, trials, strict=True)]
    labels = [f"{name} ({_kind(trial)})" for name, trial in zip(names, trials, strict=True)]
    return [label if labels.count(label) == 1 else f"{i}: {label}" for i, label in enumerate(labels, start=1)]


# -- what is compared -------------------------------------------------------------------------------------------------


def _kind(trial: GaitTrial) -> str:
    return "simulated" if is_simulated(trial) else "measured"


def _require_stride(trial: GaitTrial, where: str) -> None:
    if not any(find_strides(trial.events, side) for side in SIDES):
        fell = " (the simulation fell)" if trial.about.fell else ""
        raise InputError(f"{where}: strides", f"none{fell}", "a trial with a complete stride")


def _any_curve(trials: Sequence[GaitTrial], keys: Sequence[str], side: Side) -> bool:
    return any(has_curve(trial, key, side) for trial in trials for key in keys)


def _compared(trial: GaitTrial, reference: GaitTrial) -> list[tuple[str, Side, Curve, Curve, CurveComparison]]:
    """Curve, side, both mean curves and their agreement, where both know at least one common point."""
    found = []
    for key in COMPARED:
        for side in SIDES:
            if has_curve(trial, key, side) and has_curve(reference, key, side):
                own, other = mean_curve(trial, key, side), mean_curve(reference, key, side)
                if (np.isfinite(own) & np.isfinite(other)).any():
                    found.append((key, side, own, other, compare_curves(own, other)))
    return found


def _group(key: str) -> str:
    source = find_curve(key).table
    return {"coordinates": "angle", "generalized_forces": "moment", "joint_powers": "power"}.get(
        source, "ground reaction"
    )


def _symmetry_indices(trials: Sequence[GaitTrial]) -> list[tuple[str, list[float]]]:
    """Title and Robinson's index (%) of every trial, where all have it."""
    titles: dict[str, str] = {}
    indices: list[dict[str, float]] = []
    for trial in trials:
        metrics = compute_metrics(trial)
        titles |= dict(zip(metrics["metric"].map(str), metrics["title"].map(str), strict=True))
        found = symmetry_rows(metrics, [n for n in SYMMETRY if n in set(metrics["metric"])])
        robinson = [] if found.empty else zip(found["quantity"], found["robinson"].to_numpy(np.float64), strict=True)
        indices.append({str(name): float(value) for name, value in robinson})
    return [(titles[n], [own[n] for own in indices]) for n in SYMMETRY if all(n in own for own in indices)]


def _metabolic_rates(trials: Sequence[GaitTrial]) -> list[tuple[str, str, list[float]]]:
    """Title with the model's name, unit and value of every trial, where all have it."""
    found: list[dict[tuple[str, str], tuple[float, str]]] = []
    for trial in trials:
        found.append({
            (str(model), str(label)): (float(value), str(unit))
            for model, rows in trial.about.metabolics.items()
            for label, value, unit in rows if label in (ENERGY if model == HEADLINE else BRIEF_ENERGY)
        })  # fmt: skip
    return [
        (f"{label.replace('_', ' ')} ({accounting_title(model)})", unit, [own[model, label][0] for own in found])
        for (model, label), (_, unit) in found[0].items()
        if all((model, label) in own for own in found)
    ]


def _scalar(group: str, quantity: str, unit: str, values: Sequence[float]) -> dict[str, Any]:
    return {
        "group": group, "quantity": quantity, "side": "", "unit": unit, "value": values[0],
        "reference_value": values[1], "r": np.nan, "rmse": np.nan,
    }  # fmt: skip


def _all_rows(trials: Sequence[GaitTrial], names: Sequence[str]) -> pd.DataFrame:
    tables = [
        comparison_table(trial, trials[0]).assign(trial=name, reference=names[0])
        for trial, name in zip(trials[1:], names[1:], strict=True)
    ]
    return pd.DataFrame(pd.concat(tables, ignore_index=True)[list(COLUMNS)])


# -- sections ---------------------------------------------------------------------------------------------------------


def _curves(trials: Sequence[GaitTrial], names: Sequence[str], side: Side, bands: Mapping[str, NormBand]) -> list[Part]:
    parts: list[Part] = []
    counts = ", ".join(f"{name}: {strides_text(trial, side)}" for name, trial in zip(names, trials, strict=True))
    for grid in GRIDS:
        shown = [row for row in grid if _any_curve(trials, row, side)]
        if shown:
            drawing, _ = plots.figure_compare(trials, shown, side=side, labels=names, norms=bands)
            drawn = ", ".join(find_curve(key).title.lower() for row in shown for key in row)
            caption = f"{SIDE_NAMES[side]} leg, mean over the strides ({counts})."
            parts.append(Figure(drawing, caption, f"Curves over the gait cycle: {drawn}."))
    return parts


def _agreement(trials: Sequence[GaitTrial], names: Sequence[str]) -> list[Part]:
    rows: list[Sequence[Cell] | Group] = []
    for trial, name in zip(trials[1:], names[1:], strict=True):
        if len(trials) > 2:
            rows.append(Group(f"{name} against {names[0]}"))
        for key, side, _, _, result in _compared(trial, trials[0]):
            rows.append([
                find_curve(key).title, Leg(side), Number(result.r, 3), Number(result.rmse),
                Number(result.rmse_without_offset), find_curve(key).unit, Number(result.nrmse_pct, 0),
                Number(result.peak_error), Number(result.peak_timing_error_pct, 0),
            ])  # fmt: skip
    header = [
        "", "side", "r", "RMSE", "RMSE, no offset", "unit", "RMSE / range (%)", "peak error", "peak later by (%)",
    ]  # fmt: skip
    caption = f"Difference {', '.join(names[1:])} minus {names[0]}."
    return [Table(header, rows, numeric=[2, 3, 4, 6, 7, 8], caption=caption)] if rows else []


def _scalars(trials: Sequence[GaitTrial], names: Sequence[str]) -> list[Part]:
    metrics = [compute_metrics(trial).set_index("metric") for trial in trials]
    keys = [key for key in metrics[0].index if any(key in m.index and np.isfinite(m["right"][key]) for m in metrics)]
    rows = []
    for key in keys:
        owner = next(m for m in metrics if key in m.index)
        digits = decimals(str(owner.loc[key, "unit"]))
        cells = [number(m[s][key], digits) if key in m.index else None for m in metrics for s in ("right", "left")]
        rows.append([owner["title"][key], *cells, owner["unit"][key]])
    header = ["", *(f"{name}, {side}" for name in names for side in ("right", "left")), "unit"]
    return [Table(header, rows, numeric=range(1, 1 + 2 * len(trials)))] if rows else []


def _symmetry(trials: Sequence[GaitTrial], names: Sequence[str]) -> list[Part]:
    rows = [[title, *map(Number, values[::-1]), "%"] for title, values in _symmetry_indices(trials)]
    note = "Symmetry index after Robinson, 100 (R − L) / (½ (R + L)): positive where the right leg's is larger."
    return [_side_by_side(rows, names), Note(note)] if rows else []


def _energy(trials: Sequence[GaitTrial], names: Sequence[str]) -> list[Part]:
    rows = [[title, *map(Number, values[::-1]), unit] for title, unit, values in _metabolic_rates(trials)]
    if not rows:
        # Without a rate in common there is one trial at least that lacks what the others have.
        without = [_kind(trial) for trial in trials if not trial.about.metabolics]
        who = " and the ".join(f"{kind} walk" for kind in dict.fromkeys(without))
        how = " (run `lab run` with --muscles)" if "measured" in without else ""
        have = "has" if len(without) == 1 else "have"
        why = f"the {who} {have} no muscle states{how}" if without else "no energy model is common to the walks"
        return [Text(f"Not compared: {why}.")]
    note = (
        "All are computed by the same equations from muscle states; those of a measured walk come from static "
        "optimization, which knows no co-contraction. None is measured gas exchange."
    )
    return [_side_by_side(rows, names), Note(note)]


def _side_by_side(rows: Sequence[Sequence[Cell]], names: Sequence[str]) -> Table:
    return Table(["", *names[::-1], "unit"], rows, numeric=range(1, 1 + len(names)))


def _origin(trials: Sequence[GaitTrial], names: Sequence[str]) -> list[Part]:
    parts: list[Part] = []
    for trial, name in zip(trials[::-1], names[::-1], strict=True):
        about = trial.about
        kind = "a simulation" if about.simulated else "a measurement"
        facts = {"policy": about.policy, "engine": about.engine, "device": about.device, "deficit": about.deficit}
        known = [f"{what} {value}" for what, value in facts.items() if value]
        parts.append(Text([Strong(name), f" is {', '.join([kind, *known])}."]))
    if any(is_simulated(trial) for trial in trials):
        parts.append(
            Text(
                "Where the measured walk, or walks like it, shaped the reference motion of the policy, agreement here "
                "is tracking; it is validation only against walks that did not."
            )
        )
    return parts
