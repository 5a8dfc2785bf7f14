"""Figures of the walking study, small enough for a repository."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from exogait.analysis.gait.curves import CURVES, stride_curves
from exogait.analysis.gait.cycle import find_strides
from exogait.data.norms import CYCLE, NormCurve
from exogait.data.trial import SIDES
from tests.validation.sections import ROOT
from tests.validation.walking_gait import ANGLES, MOMENTS, GaitFacts

FIGURES = ROOT / "docs" / "figures"
OWN, BAND = "#1f5fa8", "#b8b8b8"


def draw_gait(facts: GaitFacts, folder: Path | None = None) -> Path:
    """Angles, moments, vertical force and muscle activity over the gait cycle, as ``healthy_gait.png``."""
    figure = Figure(figsize=(8.6, 7.4), layout="constrained")
    grid = figure.add_gridspec(2, 1, height_ratios=(2.0, 1.25))
    top, bottom = figure.add_subfigure(grid[0]), figure.add_subfigure(grid[1])
    for row, keys in zip(top.subplots(2, 3), (tuple(ANGLES), MOMENTS), strict=True):
        for ax, key in zip(row, keys, strict=True):
            _panel(ax, facts, key)
    left, right = bottom.subplots(1, 2, width_ratios=(1, 2))
    _panel(left, facts, "grf_vertical")
    _bars(right, facts)
    for ax in (left, right):
        ax.set_xlabel("Gait cycle (%)", fontsize=7.5)
    speed, strides = facts.trial.about.walked_speed, len(find_strides(facts.trial.events, "r"))
    figure.suptitle(
        f"Simulated walk at {speed:.2f} m/s (blue, mean and SD of {strides} strides of both legs)", fontsize=9
    )
    return save_figure(figure, (folder or FIGURES) / "healthy_gait.png")


def _panel(ax: Axes, facts: GaitFacts, key: str) -> None:
    display = CURVES[key]
    for norm in facts.norms[key][:1]:
        _band(ax, norm)
    strides = np.concatenate([stride_curves(facts.trial, key, side)[0] for side in SIDES])
    mean, sd = np.nanmean(strides, axis=0), np.nanstd(strides, axis=0)
    ax.fill_between(CYCLE, mean - sd, mean + sd, color=OWN, alpha=0.25, linewidth=0)
    ax.plot(CYCLE, mean, color=OWN, linewidth=1.5)
    ax.axvline(facts.toe_off, color="0.4", linewidth=0.6, linestyle=":")
    ax.set_title(f"{display.title} ({display.unit}), {display.positive} +", fontsize=8, pad=12)
    note = "no independent reference at hand"
    for norm in facts.norms[key][:1]:
        people = norm.population if norm.n_people > 1 else "adult"
        note = f"grey: {norm.n_people} {people}, mean and SD ({norm.source.replace(' and ', ', ')})"
    ax.text(0.5, 1.02, note, transform=ax.transAxes, ha="center", fontsize=6, color="0.35")
    _axis(ax)


def _band(ax: Axes, norm: NormCurve) -> None:
    ax.fill_between(norm.percent, norm.mean - norm.sd, norm.mean + norm.sd, color=BAND, alpha=0.5, linewidth=0)
    ax.plot(norm.percent, norm.mean, color="0.45", linewidth=0.9)


def _bars(ax: Axes, facts: GaitFacts) -> None:
    """One row a muscle: activation as a curve, on as a blue bar, EMG as a grey bar."""
    count = len(facts.muscles)
    for i, muscle in enumerate(facts.muscles):
        bottom = count - 1 - i
        for a, b in muscle.intervals:
            ax.barh(bottom + 0.06, b - a, left=a, height=0.14, color=BAND, align="edge", linewidth=0)
        edges = np.flatnonzero(np.diff(np.concatenate([[0], muscle.on.astype(int), [0]])))
        for a, b in zip(edges[::2], edges[1::2], strict=True):
            ax.barh(bottom + 0.22, b - 1 - a, left=a, height=0.14, color=OWN, align="edge", linewidth=0)
        height = 0.55 * muscle.activation / max(muscle.activation.max(), 1e-9)
        ax.fill_between(CYCLE, bottom + 0.38, bottom + 0.38 + height, color=OWN, alpha=0.25, linewidth=0)
    ax.set_yticks(np.arange(count) + 0.4, [muscle.name for muscle in reversed(facts.muscles)], fontsize=6.5)
    ax.set_title("Muscles: simulated on (blue; tint: activation over its peak), EMG on (grey)", fontsize=8)
    ax.axvline(facts.toe_off, color="0.4", linewidth=0.6, linestyle=":")
    ax.set_ylim(0, max(count, 1))
    _axis(ax)


def _axis(ax: Axes) -> None:
    ax.set_xlim(0, 100)
    ax.tick_params(labelsize=6.5, length=2)
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)


def draw_learning(curves: dict[str, pd.DataFrame], folder: Path | None = None) -> Path:
    """Time on the feet against samples, a line a seed, as ``learning_curves.png``."""
    figure = Figure(figsize=(7.0, 2.4), layout="constrained")
    left, right = figure.subplots(1, 2)
    panels: tuple[tuple[Axes, str, str, Any], ...] = (
        (left, "seconds_walked", "Seconds walked, mean over speeds", None),
        (right, "survival", "Walks of an evaluation without a fall", (-0.02, 1.02)),
    )
    for ax, column, title, limits in panels:
        for name, table in curves.items():
            ax.plot(table["samples"] / 1e6, table[column], marker=".", markersize=3, linewidth=1, label=name)
        ax.set_title(title, fontsize=8)
        ax.set_xlabel("Million control steps", fontsize=7.5)
        ax.tick_params(labelsize=6.5, length=2)
        ax.set_ylim(limits)
        ax.legend(fontsize=6, frameon=False)
    return save_figure(figure, (folder or FIGURES) / "learning_curves.png")


def save_figure(figure: Figure, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    canvas = FigureCanvasAgg(figure)
    figure.set_dpi(100)
    canvas.draw()
    # A palette of 64 colours is a third of the size.
    picture = Image.fromarray(np.asarray(canvas.buffer_rgba())[:, :, :3]).quantize(64)
    picture.save(path, optimize=True)
    return path
