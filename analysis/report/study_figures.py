"""Figures from the two tables of a study, for notebooks: curves of several groups of walks, and torque profiles.

Groups are rows of the table of walks, selected by the caller; walks that ended in a fall are left out. Every function
draws without showing and leaves matplotlib's global settings alone, like those of
:mod:`exogait.analysis.report.figures`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from exogait.data.trial import SIDES, Side

from ..gait.curves import find_curve
from ..outcomes.tables import curve_matrix, seed_curves
from ..outcomes.torques import JOINTS, MOMENTS, human_profiles
from . import figures as plots
from .figures import BAND, BAND_LINE, FAINT, STYLES, TRIAL_COLOURS
from .study import UP

Array = NDArray[np.float64]

PERCENT = np.arange(101.0)


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
            ax.axhline(0.0, color="#b9bec5", linewidth=0.6, zorder=0.5)
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
        drawing, axes = plots._prepare(grid, None, panel)
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
            plots._finish(ax, find_curve(key))
        plots._label_bottom(axes)
        plots._legend(drawing, handles, {})
    return drawing, axes
