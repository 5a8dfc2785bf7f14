"""Figures of a study, for its page and for notebooks: groups of walks, torque profiles, costs, doses, symmetry.

Walks are rows of the table of walks, selected by the caller, those that ended in a fall left out; everything else is
drawn from the rows of :mod:`exogait.analysis.report.study_data`. Every function draws without showing and leaves
matplotlib's global settings alone, like those of :mod:`exogait.analysis.report.figures`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from exogait.data.constants import CONDITION_NAMES
from exogait.data.trial import SIDES, Side
from exogait.models.energetics import HEADLINE

from ..gait.curves import find_curve
from ..outcomes.tables import curve_matrix, seed_curves
from ..outcomes.torques import JOINTS, MOMENTS, human_profiles
from ..outcomes.walk import SYMMETRIC
from . import figures as plots
from .figures import BAND, BAND_LINE, CONDITION_COLOURS, FAINT, INK, STYLES, TRIAL_COLOURS
from .study_data import Row

Array = NDArray[np.float64]

PERCENT = np.arange(101.0)
LEGEND_WIDTH = 1.1
"""Room for one entry of a legend above the panels, inch; more of them in a row would be cut off in a narrow figure."""
ZERO_LINE = "#b9bec5"
NARROW = 0.1
"""A figure over a narrower range of speeds than this is drawn over twice as much, m/s."""
UP = {"hip": (1.0, "flexion", "extension"), "ankle": (-1.0, "plantarflexion", "dorsiflexion"),
      "knee": (1.0, "extension", "flexion")}  # fmt: skip
"""Joint to the sign with which its torque is drawn, and the words for up and down."""


def mean_of_walks(
    walks: pd.DataFrame, curves: pd.DataFrame, curve: str, sides: Sequence[Side] = SIDES
) -> tuple[Array, Array]:
    """Mean of one curve over walks and legs, seeds weighing alike, and the SD between all of them.

    Args:
        walks: Rows of the table of walks, already selected; those that fell do not count.
        curves: The table of curves.
        curve: Name of the curve.
        sides: Legs to pool.

    Returns:
        Mean and SD, both shape (101,); NaN where there is none (the SD below two).
    """
    up = pd.DataFrame(walks[walks["fell"] == 0])
    values = np.concatenate([curve_matrix(up, curves, curve, side)[1] for side in sides])
    values = values[np.isfinite(values).all(axis=1)]
    nothing = np.full(101, np.nan)
    seeds = list(seed_curves(up, curves, curve, sides).values())
    mean = np.mean(seeds, axis=0) if seeds else nothing
    return mean, values.std(axis=0, ddof=1) if len(values) > 1 else nothing


def device_torques(
    walks: pd.DataFrame, curves: pd.DataFrame, sides: Sequence[Side] = SIDES
) -> dict[str, NDArray[np.float64]]:
    """Mean torque of the device over the stride, joint to curve, shape (101,), N m/kg, OpenSim's sign.

    Args:
        walks: Rows of the table of walks, already selected.
        curves: The table of curves.
        sides: Legs to pool.

    Returns:
        One entry a joint that the device drives.
    """
    found = {joint: mean_of_walks(walks, curves, f"device_{name}", sides)[0] for joint, name in JOINTS.items()}
    return {joint: curve for joint, curve in found.items() if np.isfinite(curve).all()}


def joint_moments(
    walks: pd.DataFrame, curves: pd.DataFrame, sides: Sequence[Side] = SIDES
) -> dict[str, NDArray[np.float64]]:
    """Mean moment of the muscles over the stride, joint to curve, shape (101,), N m/kg, OpenSim's sign.

    Args:
        walks: Rows of the table of walks, already selected.
        curves: The table of curves.
        sides: Legs to pool.
    """
    return {joint: factor * mean_of_walks(walks, curves, key, sides)[0] for joint, (key, factor) in MOMENTS.items()}


def scaled_to(moments: Mapping[str, Array], torques: Mapping[str, Array]) -> dict[str, NDArray[np.float64]]:
    """Each joint's moment over its largest magnitude, times that of the torque at the same joint."""
    return {
        joint: moments[joint] / np.abs(moments[joint]).max() * np.abs(torque).max() for joint, torque in torques.items()
    }


def figure_torques(
    torques: Mapping[str, Mapping[str, Array]],
    *,
    humans: bool = True,
    limits: Mapping[str, tuple[float, float]] | None = None,
    toe_off: float | None = None,
    panel: tuple[float, float] = (4.4, 3.0),
) -> tuple[Figure, NDArray[Any]]:
    """Torque profiles over the stride, a panel a joint, drawn in the direction in which people are assisted.

    Args:
        torques: Label to joint (``hip``, ``knee``, ``ankle``) to torque, shape (101,), N m/kg, OpenSim's sign. The
            first label is drawn thick.
        humans: Whether to draw the human profiles: thin dashed lines, and a grey band over the range of all of them.
        limits: Joint to largest torque in OpenSim's positive and negative direction, N m/kg, drawn as dotted lines.
        toe_off: Percent of the stride, drawn as a thin vertical line.
        panel: Width and height of one panel, inch.

    Returns:
        The figure and its axes, shape (n_joints,).
    """
    joints = [joint for joint in JOINTS if any(joint in curves for curves in torques.values())]
    with plots.style():
        drawing = Figure(figsize=(panel[0] * len(joints) + 0.3, panel[1] + 0.6), layout="constrained")
        axes = drawing.subplots(1, len(joints), squeeze=False)[0]
        handles: dict[str, Any] = {}
        for ax, joint in zip(axes, joints, strict=True):
            sign, up, down = UP[joint]
            if humans:
                _draw_humans(ax, joint, handles)
            for bound in (limits or {}).get(joint, ()):
                ax.axhline(sign * bound, color=FAINT, linewidth=0.9, linestyle=":", zorder=1)
                handles.setdefault("limit of the device", Line2D([], [], color=FAINT, linewidth=0.9, linestyle=":"))
            for i, (label, curves) in enumerate(torques.items()):
                if joint in curves:
                    (line,) = ax.plot(
                        PERCENT, sign * curves[joint], color=TRIAL_COLOURS[i % len(TRIAL_COLOURS)],
                        linewidth=1.5 if i else 2.2, linestyle=STYLES["l"] if i else "-", zorder=4,
                    )  # fmt: skip
                    handles.setdefault(label, line)
            ax.axhline(0.0, color=ZERO_LINE, linewidth=0.6, zorder=0.5)
            if toe_off is not None:
                line = ax.axvline(toe_off, color=FAINT, linewidth=0.7, zorder=1)
                handles.setdefault("vertical line: toe off", line)
            ax.set_xlim(0, 100)
            ax.set_xlabel("Gait cycle (%)")
            ax.set_title(f"{joint.capitalize()} torque (N·m/kg)", loc="left", fontsize=9, fontweight="normal")
            _words(ax, up, down)
        drawing.legend(handles.values(), handles.keys(), loc="outside upper left", ncols=4, frameon=False, fontsize=7.5)
    return drawing, axes


def _draw_humans(ax: Any, joint: str, handles: dict[str, Any]) -> None:
    sign = UP[joint][0]
    profiles = {p.name: sign * p.curve for p in human_profiles(joint).values() if p.curve is not None}
    if not profiles:
        return
    stack = np.array(list(profiles.values()))
    band = ax.fill_between(PERCENT, stack.min(axis=0), stack.max(axis=0), color=BAND, linewidth=0, zorder=0)
    handles.setdefault("range of the human profiles", band)
    for values in profiles.values():
        (line,) = ax.plot(PERCENT, values, color=BAND_LINE, linewidth=0.8, linestyle="--", zorder=1)
        handles.setdefault("a human profile", line)


def _words(ax: Any, up: str, down: str) -> None:
    """What a positive and a negative number mean, at the ends of the vertical axis."""
    for where, word in ((1.0, up), (0.0, down)):
        ax.annotate(
            word, xy=(0, where), xycoords="axes fraction", xytext=(-30, 0), textcoords="offset points", rotation=90,
            ha="right", va="top" if where else "bottom", fontsize=6.8, color=FAINT, annotation_clip=False,
        )  # fmt: skip


def figure_walks(
    groups: Mapping[str, tuple[pd.DataFrame, Side]],
    curves: pd.DataFrame,
    grid: Sequence[Sequence[str]],
    *,
    panel: tuple[float, float] = (3.05, 2.15),
) -> tuple[Figure, NDArray[Any]]:
    """Curves of several groups of walks in one grid: a colour a group, right solid, left dashed, tint ± 1 SD.

    The vertical lines are toe off.

    Args:
        groups: Label to the rows of the table of walks and the leg.
        curves: The table of curves.
        grid: Keys of :data:`exogait.analysis.gait.curves.CURVES`, a list a row.
        panel: Width and height of one panel, inch.

    Returns:
        The figure and its axes, shape (n_rows, n_columns).
    """
    with plots.style():
        drawing, axes = plots.prepare_panels(grid, None, panel)
        handles = []
        for i, (label, (rows, side)) in enumerate(groups.items()):
            colour, style = TRIAL_COLOURS[i % len(TRIAL_COLOURS)], STYLES[side]
            handles.append(Line2D([], [], color=colour, linestyle=style, linewidth=1.6, label=label))
            toe_off = rows.loc[rows["fell"] == 0, f"stance_pct_{side}"].mean()
            for ax, key in zip(axes.flat, (key for row in grid for key in row), strict=True):
                mean, sd = mean_of_walks(rows, curves, key, (side,))
                ax.fill_between(PERCENT, mean - sd, mean + sd, color=colour, alpha=0.16, linewidth=0, zorder=2)
                ax.plot(PERCENT, mean, color=colour, linestyle=style, linewidth=1.6, zorder=3)
                if np.isfinite(toe_off):
                    ax.axvline(toe_off, color=colour, linestyle=style, linewidth=0.7, alpha=0.75, zorder=1)
        for ax, key in zip(axes.flat, (key for row in grid for key in row), strict=True):
            plots.finish_panel(ax, find_curve(key))
        plots.label_bottom(axes)
        plots.draw_legend(drawing, handles, {})
    return drawing, axes


# -- figures of the page ----------------------------------------------------------------------------------------------


def figure_costs(rows: Sequence[Row]) -> Figure:
    """Gross metabolic rate over the speed that was walked, a panel a body, a line a condition.

    Args:
        rows: Of :func:`exogait.analysis.report.study_data.cost_rows`, one model's.
    """
    names = list(dict.fromkeys(row["body"] for row in rows))
    with plots.style():
        drawing, axes = _panels(len(names))
        for ax, name in zip(axes, names, strict=True):
            for condition in CONDITION_COLOURS:
                part = [row for row in rows if (row["body"], row["condition"]) == (name, condition)]
                _line(ax, part, "speed", "gross_w_per_kg", "gross_sd_seeds", condition)
            _title(ax, name)
            low, high = ax.get_xlim()
            if high - low < NARROW:  # walks at one speed: the axis shows where it is, not its last digits
                middle = 0.5 * (low + high)
                ax.set_xlim(middle - NARROW, middle + NARROW)
            ax.set_xlabel("Speed (m/s)", fontsize=8)
            ax.set_ylabel("Gross rate (W/kg)", fontsize=8)
        _shared_legend(drawing, axes)
    return drawing


def figure_profiles(learned: Mapping[str, tuple[Array, Array]]) -> Figure:
    """Learned torques beside human profiles, a panel a joint; the band is the mean of measured people ± 1 SD.

    Args:
        learned: Joint to mean and SD between seeds, both shape (101,), N m/kg, OpenSim's sign.
    """
    with plots.style():
        drawing, axes = _panels(len(learned), size=(4.4, 3.0))
        for ax, (joint, (mean, sd)) in zip(axes, learned.items(), strict=True):
            sign, up, down = UP[joint]
            profiles = [p for p in human_profiles(joint).values() if p.curve is not None]
            people = [np.asarray(p.curve) for p in profiles if p.kind == "person"]
            if people:
                middle, spread = np.mean(people, axis=0), np.std(people, axis=0, ddof=1)
                ax.fill_between(PERCENT, sign * middle - spread, sign * middle + spread, color=BAND, linewidth=0,
                                label=f"{len(people)} people, mean ± 1 SD")  # fmt: skip
            drawn = [p for p in profiles if p.kind == "parameters"]
            for p, colour in zip(drawn, (*TRIAL_COLOURS[1:], FAINT, INK), strict=False):
                ax.plot(PERCENT, sign * np.asarray(p.curve), linewidth=1.0, linestyle="--", color=colour, label=p.name)
            ax.fill_between(PERCENT, sign * mean - sd, sign * mean + sd, color=TRIAL_COLOURS[0], alpha=0.2, linewidth=0)
            ax.plot(PERCENT, sign * mean, color=TRIAL_COLOURS[0], linewidth=1.8, label="learned")
            _title(ax, f"{joint.capitalize()} torque (N·m/kg), up: {up}, down: {down}")
            ax.set_xlim(0, 100)
            ax.set_xlabel("Gait cycle (%)", fontsize=8)
        _shared_legend(drawing, axes)
    return drawing


def figure_weak_torques(rows: Sequence[Row]) -> Figure:
    """Torque on the weak and the sound leg, a panel a body and joint.

    Args:
        rows: Of :func:`exogait.analysis.report.study_torques.weak_torque_rows`.
    """
    curves: dict[tuple[str, str], dict[str, list[float]]] = {}
    for row in rows:
        legs = curves.setdefault((row["body"], row["joint"]), {})
        legs.setdefault(row["leg"], []).append(row["torque_nm_per_kg"])
    with plots.style():
        drawing, axes = _panels(len(curves), columns=4, size=(2.5, 1.9))
        for ax, ((body, joint), legs) in zip(axes, curves.items(), strict=True):
            sign, up, _ = UP[joint]
            for which, mean in legs.items():
                style = STYLES["r"] if which == "weak" else STYLES["l"]
                ax.plot(PERCENT, sign * np.array(mean), color=TRIAL_COLOURS[0 if which == "weak" else 1],
                        linestyle=style, linewidth=1.5, label=f"{which} leg")  # fmt: skip
            ax.axhline(0.0, color=ZERO_LINE, linewidth=0.6)
            _title(ax, f"{body}\n{joint}, up: {up} (N·m/kg)")
        _shared_legend(drawing, axes)
    return drawing


def figure_doses(rows: Sequence[Row], deficits: Sequence[str]) -> Figure:
    """Metabolic rate and asymmetry over strength, a column a deficit, a line a condition.

    Args:
        rows: Of :func:`exogait.analysis.report.study_data.dose_rows`.
        deficits: Deficits to draw.
    """
    panels = [(q, n) for q in (f"{HEADLINE}_gross", "step_length_si", "ankle_rom_si") for n in deficits]
    with plots.style():
        drawing, axes = _panels(len(panels), columns=len(deficits), size=(2.3, 2.0))
        for ax, (quantity, name) in zip(axes, panels, strict=True):
            for condition in CONDITION_COLOURS:
                part = [r for r in rows if (r["quantity"], r["deficit"], r["condition"]) == (quantity, name, condition)]
                _line(ax, sorted(part, key=lambda r: -r["strength"]), "strength", "mean", "sd_seeds", condition)
            ax.set_xlabel("Strength (%)", fontsize=8)
            ax.invert_xaxis()
            what = "Gross rate (W/kg)" if quantity == f"{HEADLINE}_gross" else f"|SI| {quantity[:-3]} (%)"
            ax.set_ylabel(what.replace("_", " "), fontsize=8)
            _title(ax, name.replace("_", " "))
        _shared_legend(drawing, axes)
    return drawing


def figure_symmetry(rows: Sequence[Row]) -> Figure:
    """Magnitudes of the symmetry indices as bars, a panel a body, a colour a condition.

    Args:
        rows: Of :func:`exogait.analysis.report.study_data.symmetry_rows`.
    """
    names, quantities = list(dict.fromkeys(row["body"] for row in rows)), list(SYMMETRIC)
    with plots.style():
        drawing, axes = _panels(len(names), size=(3.3, 2.6))
        for ax, name in zip(axes, names, strict=True):
            for k, condition in enumerate(CONDITION_COLOURS):
                part = {r["quantity"]: r["si_magnitude_pct"] for r in rows
                        if r["body"] == name and r["condition"] == condition}  # fmt: skip
                if part:
                    place = [quantities.index(q) + 0.26 * (k - 1) for q in part]
                    ax.barh(place, list(part.values()), 0.24, color=CONDITION_COLOURS[condition],
                            label=CONDITION_NAMES[condition])  # fmt: skip
            ax.set_yticks(range(len(quantities)), [q.replace("_", " ") for q in quantities], fontsize=7)
            ax.invert_yaxis()
            ax.set_xlabel("|SI| (%)", fontsize=8)
            _title(ax, name)
        _shared_legend(drawing, axes)
    return drawing


def _panels(count: int, columns: int = 3, size: tuple[float, float] = (3.1, 2.3)) -> tuple[Figure, list[Axes]]:
    rows = -(-count // columns)
    columns = min(count, columns)
    drawing = Figure(figsize=(size[0] * columns + 0.3, size[1] * rows + 0.5), layout="constrained")
    axes = list(drawing.subplots(rows, columns, squeeze=False).flat)
    for ax in axes[count:]:
        ax.set_axis_off()
    return drawing, axes[:count]


def _shared_legend(drawing: Figure, axes: Sequence[Axes]) -> None:
    found: dict[str, Any] = {}
    for ax in axes:
        for handle, label in zip(*ax.get_legend_handles_labels(), strict=True):
            found.setdefault(label, handle)
    if found:
        columns = min(len(found), 5, max(1, int(drawing.get_figwidth() / LEGEND_WIDTH)))
        drawing.legend(found.values(), found.keys(), loc="outside upper left", ncols=columns, frameon=False, fontsize=8)


def _title(ax: Axes, text: str) -> None:
    ax.set_title(text, loc="left", fontsize=9, fontweight="normal", pad=4)


def _line(ax: Axes, rows: Sequence[Row], x: str, y: str, sd: str, condition: str) -> None:
    """A condition's line with bars of the SD between seeds; nothing where there is no row."""
    if not rows:
        return
    spread = np.array([row[sd] for row in rows], np.float64)
    ax.errorbar(
        [row[x] for row in rows], [row[y] for row in rows], yerr=np.where(np.isfinite(spread), spread, 0.0),
        color=CONDITION_COLOURS[condition], marker="o", markersize=3, linewidth=1.4, elinewidth=0.8, capsize=2,
        label=CONDITION_NAMES[condition],
    )  # fmt: skip
