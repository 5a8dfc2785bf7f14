"""Figures of the walking study, small enough for a repository."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from analysis.display import CURVES, stride_curves
from data.norms import CYCLE, NormCurve
from data.trial import SIDES

from .sections import ROOT
from .walking_gait import ANGLES, MOMENTS, GaitFacts

FIGURES = ROOT / "docs" / "figures"
OWN, BAND = "#1f5fa8", "#b8b8b8"


def draw_gait(facts: GaitFacts, folder: Path | None = None) -> Path:
    """Angles, moments, vertical force and muscle activity over the gait cycle, as ``healthy_gait.png``."""
    figure = Figure(figsize=(8.6, 7.6), layout="constrained")
    grid = figure.add_gridspec(3, 3, height_ratios=(1, 1, 1.25))
    for row, keys in enumerate((tuple(ANGLES), MOMENTS)):
        for column, key in enumerate(keys):
            _panel(figure.add_subplot(grid[row, column]), facts, key)
    _panel(figure.add_subplot(grid[2, 0]), facts, "grf_vertical")
    _bars(figure.add_subplot(grid[2, 1:]), facts)
    for ax in figure.axes[-2:]:
        ax.set_xlabel("Gait cycle (%)", fontsize=7.5)
    return _save(figure, (folder or FIGURES) / "healthy_gait.png")


def _panel(ax: Axes, facts: GaitFacts, key: str) -> None:
    display = CURVES[key]
    for norm in facts.norms[key][:1]:
        _band(ax, norm)
    strides = np.concatenate([stride_curves(facts.trial, key, side)[0] for side in SIDES])
    mean, sd = np.nanmean(strides, axis=0), np.nanstd(strides, axis=0)
    ax.fill_between(CYCLE, mean - sd, mean + sd, color=OWN, alpha=0.25, linewidth=0)
    ax.plot(CYCLE, mean, color=OWN, linewidth=1.5, label="simulated, mean and SD of strides")
    ax.axvline(facts.toe_off, color="0.4", linewidth=0.6, linestyle=":")
    ax.set_title(f"{display.title} ({display.unit}), {display.positive} +", fontsize=8)
    ax.legend(fontsize=5.5, frameon=False, handlelength=1.2, loc="best")
    _axis(ax)


def _band(ax: Axes, norm: NormCurve) -> None:
    people = norm.population if norm.n_people > 1 else "adult"
    ax.fill_between(norm.percent, norm.mean - norm.sd, norm.mean + norm.sd, color=BAND, alpha=0.5, linewidth=0)
    label = f"{norm.n_people} {people} ({norm.source.replace(' and ', ', ')})"
    ax.plot(norm.percent, norm.mean, color="0.45", linewidth=0.9, label=label)


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
    ax.set_title("Muscles: simulated activity (blue bar; tint: activation over its peak), EMG on (grey)", fontsize=8)
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
    return _save(figure, (folder or FIGURES) / "learning_curves.png")


def _save(figure: Figure, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    FigureCanvasAgg(figure)
    figure.savefig(path, dpi=100, metadata={"Software": None})
    return path
