"""Figures of a session: mean and SD over strides, and where over the cycle two sets of curves differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from numpy.typing import NDArray

from exogait.data.names import Side

from ..gait.agreement import SpmResult
from ..gait.curves import find_curve
from ..gait.norm_bands import NormBand
from ..report import figures as plots

Grid = Sequence[Sequence[str]]
_SHADE = "#f4e3c3"


@dataclass(frozen=True)
class Ensemble:
    """One line of a figure: many curves, their mean and spread."""

    label: str
    colour: str
    style: Any
    """Line style of matplotlib."""
    values: Mapping[str, NDArray[np.float64]]
    """Curve to its repetitions, shape (n_curves, 101), in the curve's unit."""
    toe_off: NDArray[np.float64]
    """Toe off of each repetition, %, shape (n_curves,); may be empty."""


def known_grid(grid: Grid, ensembles: Sequence[Ensemble]) -> list[list[str]]:
    """Rows of a grid in which at least one ensemble has a curve."""
    return [list(row) for row in grid if any(key in ensemble.values for key in row for ensemble in ensembles)]


def figure_ensembles(
    grid: Grid, ensembles: Sequence[Ensemble], *, norms: Mapping[str, NormBand] | None = None
) -> Figure:
    """Mean and one SD of some ensembles over the gait cycle, one panel a curve.

    Args:
        grid: Keys of :data:`exogait.analysis.gait.curves.CURVES`, a list a row.
        ensembles: What is drawn.
        norms: Key to band of normal.
    """
    bands = norms or {}
    with plots.style():
        figure, axes = plots.prepare_panels(grid, None, (3.05, 2.15))
        for row, keys in zip(axes, grid, strict=True):
            for ax, key in zip(row, keys, strict=True):
                _panel(ax, key, ensembles, bands.get(key))
        plots.label_bottom(axes)
        plots.draw_legend(figure, _handles(ensembles), bands)
    return figure


def _panel(ax: Any, key: str, ensembles: Sequence[Ensemble], band: NormBand | None) -> None:
    shown = [ensemble for ensemble in ensembles if key in ensemble.values]
    if not shown:
        ax.set_axis_off()
        return
    plots.draw_band(ax, band)
    for ensemble in shown:
        plots.draw_cycles(ax, ensemble.values[key], ensemble.toe_off, ensemble.colour, ensemble.style)
    plots.finish_panel(ax, find_curve(key))


def _handles(ensembles: Sequence[Ensemble]) -> list[Line2D]:
    return [Line2D([], [], color=e.colour, linestyle=e.style, linewidth=1.6, label=e.label) for e in ensembles]


@dataclass(frozen=True)
class TestedCurve:
    """What a panel of :func:`figure_spm` shows: both sides of a comparison and where they differ."""

    first: NDArray[np.float64]
    """Shape (n_first, 101), in the curve's unit."""
    second: NDArray[np.float64]
    """Shape (n_second, 101)."""
    spm: SpmResult | None
    """The test; ``None`` where none was possible."""
    span: tuple[int, int]
    """First and last tested point, % of the cycle."""


def figure_spm(grid: Grid, tested: Mapping[str, TestedCurve], *, side: Side, labels: tuple[str, str]) -> Figure:
    """Two sets of curves of one leg, mean and one SD, and below each the test statistic over the cycle.

    Stretches in which the statistic is beyond its threshold are shaded in both panels.

    Args:
        grid: Keys of curves, a list a row; those that are not in ``tested`` leave an empty place.
        tested: Curve to both sides and the test.
        side: Leg; left is dashed.
        labels: Names of both sides.
    """
    colours, style = plots.TRIAL_COLOURS[:2], plots.STYLES[side]
    with plots.style():
        rows, columns = len(grid), len(grid[0])
        figure = Figure(figsize=(3.05 * columns + 0.3, 3.1 * rows + 0.75), layout="constrained")
        axes = figure.subplots(
            2 * rows, columns, squeeze=False, gridspec_kw={"height_ratios": [2.15, 1.0] * rows}
        )  # fmt: skip
        for k, keys in enumerate(grid):
            for column, key in enumerate(keys):
                _spm_panels(axes[2 * k][column], axes[2 * k + 1][column], key, tested.get(key), colours, style)
            for ax in axes[2 * k]:
                ax.tick_params(labelbottom=False)
            if k < rows - 1:
                for ax in axes[2 * k + 1]:
                    ax.tick_params(labelbottom=False)
        for ax in axes[-1]:
            ax.set_xlabel("Gait cycle (%)", fontsize=8)
        lines = [
            Line2D([], [], color=colour, linestyle=style, linewidth=1.6, label=label)
            for colour, label in zip(colours, labels, strict=True)
        ]
        shade = Patch(facecolor=_SHADE, label="beyond the threshold (dotted)")
        figure.legend(
            handles=[*lines, shade], loc="outside upper left", ncols=3, frameon=False, fontsize=8, handlelength=2.4
        )  # fmt: skip
    return figure


def _spm_panels(top: Any, below: Any, key: str, test: TestedCurve | None, colours: Sequence[str], style: Any) -> None:
    if test is None:
        top.set_axis_off()
        below.set_axis_off()
        return
    for values, colour in zip((test.first, test.second), colours, strict=True):
        plots.draw_cycles(top, values, np.empty(0), colour, style)
    plots.finish_panel(top, find_curve(key))
    below.set_xlim(0, 100)
    below.set_xticks([0, 20, 40, 60, 80, 100])
    below.axhline(0.0, color=plots.FAINT, linewidth=0.6)
    below.set_ylabel("t", fontsize=7.5)
    if test.spm is None:
        below.text(0.5, 0.5, "not tested", transform=below.transAxes, ha="center", va="center", fontsize=7.5,
                   color=plots.FAINT)  # fmt: skip
        below.set_yticks([])
        return
    statistic = -test.spm.statistic  # of the second minus the first, as all differences
    below.plot(np.linspace(*test.span, len(statistic)), statistic, color=plots.INK, linewidth=1.1)
    for level in (-test.spm.threshold, test.spm.threshold):
        below.axhline(level, color=plots.INK, linewidth=0.8, linestyle=":")
    for start, stop, _ in test.spm.clusters:
        for ax in (top, below):
            ax.axvspan(start, stop, color=_SHADE, linewidth=0, zorder=0.2)
