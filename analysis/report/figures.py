"""Figures of a gait report: curves over the gait cycle, right solid and left dashed, on a grey band of normal.

Every function returns ``(figure, axes)``, draws into ``axes=`` where given, shows nothing and leaves matplotlib's
global settings alone. Bands of normal are passed in: see :mod:`exogait.data.norms`.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from exogait.data import GaitTrial
from exogait.data.trial import SIDES, Side

from ..gait.curves import DisplayCurve, find_curve, has_curve, stated_series, stride_curves
from ..gait.norm_bands import NormBand

COLOURS = {"r": "#0b5fa5", "l": "#c4431b"}
"""Right and left; they stay apart in greyscale and for the colour-blind, and the left is dashed besides."""

TRIAL_COLOURS = ("#0b5fa5", "#d1860a", "#3c8d5a", "#8a4f9e")
"""First, second, ... trial where trials are compared."""

CONDITION_COLOURS = {"none": "#5b636d", "unpowered": "#d1860a", "powered": "#0b5fa5"}
"""What a walker wears, in the order of :data:`exogait.data.constants.CONDITIONS`."""

ARM_COLOURS = {"none": "#5b636d", "generic": "#d1860a", "personalised": "#0b5fa5"}
"""No device, everybody's device, one person's device."""

STYLES = {"r": "-", "l": (0, (4.5, 1.8))}

SIDE_NAMES = {"r": "Right", "l": "Left"}

BAND, BAND_LINE, INK, FAINT = "#dcdfe3", "#9aa1a9", "#1d2530", "#7b838d"

FONT_STACK = "'Helvetica Neue', Helvetica, Arial, 'Liberation Sans', sans-serif"
"""Fonts of the page; an SVG keeps its text as text and takes the same."""

_LOOK: Any = {
    "font.family": "sans-serif",
    "font.sans-serif": ["Liberation Sans", "Arial", "Helvetica", "DejaVu Sans"],
    "font.size": 8.5,
    "axes.edgecolor": "#5b636d",
    "axes.labelcolor": INK,
    "axes.linewidth": 0.7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 9.5,
    "axes.titleweight": "bold",
    "xtick.color": "#5b636d",
    "ytick.color": "#5b636d",
    "xtick.labelsize": 7.5,
    "ytick.labelsize": 7.5,
    "xtick.major.width": 0.7,
    "ytick.major.width": 0.7,
    "text.color": INK,
    "text.parse_math": False,  # a name may hold a dollar sign
    "svg.fonttype": "none",
    "svg.hashsalt": "exogait",
    "figure.dpi": 110,
}


@contextmanager
def style(changes: Mapping[str, Any] | None = None) -> Iterator[None]:
    """The look of every page while a ``with`` lasts; matplotlib's own settings come back after it.

    Args:
        changes: Settings of matplotlib that differ, by name.
    """
    look: Any = {**_LOOK, **dict(changes or {})}
    with matplotlib.rc_context(look):
        yield


def figure_grid(
    trial: GaitTrial,
    grid: Sequence[Sequence[str]],
    *,
    norms: Mapping[str, NormBand] | None = None,
    sides: Sequence[Side] = SIDES,
    axes: NDArray[Any] | None = None,
    panel: tuple[float, float] = (3.05, 2.15),
    hatched: bool = False,
) -> tuple[Figure, NDArray[Any]]:
    """Curves over the gait cycle in a grid, both legs, with bands of normal.

    Every stride counts: the line is the mean of the strides, the tint around it plus and minus one SD where there are
    two or more. Unknown kinetics are not drawn. The thin vertical lines are toe off. What the laboratory's own software
    stored in the file is dotted.

    Args:
        trial: Trial with events.
        grid: Keys of :data:`exogait.analysis.gait.curves.CURVES`, a list a row.
        norms: Key to band of normal.
        sides: Legs to draw.
        axes: Axes to draw into, shape (n_rows, n_columns); made if not given.
        panel: Width and height of one panel, inch.
        hatched: Hatch every panel: what it shows is not to be used.

    Returns:
        The figure and its axes, shape (n_rows, n_columns).
    """
    with style():
        figure, axes = prepare_panels(grid, axes, panel)
        norms, stated = norms or {}, False
        for row, keys in zip(axes, grid, strict=True):
            for ax, key in zip(row, keys, strict=True):
                curve = find_curve(key)
                if not any(has_curve(trial, key, side) for side in sides):
                    ax.set_axis_off()
                    continue
                draw_band(ax, norms.get(key))
                drawn = 0
                for side in sides:
                    if has_curve(trial, key, side):
                        drawn += draw_strides(ax, trial, key, side)
                    stated |= draw_stated(ax, trial, key, side)
                finish_panel(ax, curve)
                if hatched:
                    ax.axvspan(
                        0, 100, facecolor="none", edgecolor=FAINT, hatch="////", linewidth=0, alpha=0.45, zorder=4
                    )
                if not drawn:
                    _say_nothing_here(ax, curve)
        label_bottom(axes)
        handles = [
            Line2D([], [], color=COLOURS[s], linestyle=STYLES[s], linewidth=1.6, label=SIDE_NAMES[s]) for s in sides
        ]
        if stated:
            handles.append(Line2D([], [], color=FAINT, linestyle=":", linewidth=1.3, label="the laboratory's own"))
        draw_legend(figure, handles, norms)
    return figure, axes


def figure_compare(
    trials: Sequence[GaitTrial],
    grid: Sequence[Sequence[str]],
    *,
    side: Side,
    labels: Sequence[str] | None = None,
    norms: Mapping[str, NormBand] | None = None,
    panel: tuple[float, float] = (3.05, 2.15),
) -> tuple[Figure, NDArray[Any]]:
    """The same leg of several trials in one grid: a colour a trial, right solid, left dashed.

    Args:
        trials: Two or more trials.
        grid: Keys of :data:`exogait.analysis.gait.curves.CURVES`, a list a row.
        side: Leg.
        labels: Names in the legend; the trials' own if not given.
        norms: Key to band of normal.
        panel: Width and height of one panel, inch.

    Returns:
        The figure and its axes, shape (n_rows, n_columns).
    """
    names = [trial.name for trial in trials] if labels is None else list(labels)
    with style():
        figure, axes = prepare_panels(grid, None, panel)
        for row, keys in zip(axes, grid, strict=True):
            for ax, key in zip(row, keys, strict=True):
                curve = find_curve(key)
                if not any(has_curve(trial, key, side) for trial in trials):
                    ax.set_axis_off()
                    continue
                draw_band(ax, (norms or {}).get(key))
                drawn = 0
                for trial, colour in zip(trials, TRIAL_COLOURS, strict=False):
                    if has_curve(trial, key, side):
                        drawn += draw_strides(ax, trial, key, side, colour=colour)
                finish_panel(ax, curve)
                if not drawn:
                    _say_nothing_here(ax, curve)
        label_bottom(axes)
        handles = [
            Line2D([], [], color=colour, linestyle=STYLES[side], linewidth=1.6, label=name)
            for name, colour in zip(names, TRIAL_COLOURS, strict=False)
        ]
        draw_legend(figure, handles, norms or {})
    return figure, axes


def figure_envelopes(
    trial: GaitTrial,
    table: pd.DataFrame,
    *,
    sided: Mapping[str, Mapping[Side, str]],
    unit: str,
    reference: Mapping[str, NormBand] | None = None,
    columns: int = 4,
    panel: tuple[float, float] = (2.35, 1.5),
    limit: float | None = None,
) -> tuple[Figure, NDArray[Any]]:
    """Small multiples over the gait cycle, one muscle a panel: EMG envelopes or muscle activations.

    Args:
        trial: Trial whose events cut the strides.
        table: Index ``time``; the signals.
        sided: Title of a panel to the column of each side.
        unit: What the vertical axis counts.
        reference: Title to band of normal.
        columns: Panels in a row.
        panel: Width and height of one panel, inch.
        limit: Upper end of the vertical axis; chosen from the data if not given.

    Returns:
        The figure and its axes, shape (n_rows, columns); panels without a muscle are switched off.
    """
    n_rows = -(-len(sided) // columns)
    with style():
        width, height = panel
        figure = Figure(figsize=(width * columns + 0.35, height * n_rows + 0.75), layout="constrained")
        axes = figure.subplots(n_rows, columns, squeeze=False, sharex=True)
        for ax in axes.flat[len(sided) :]:
            ax.set_axis_off()
        for ax, (title, names) in zip(axes.flat, sided.items(), strict=False):
            draw_band(ax, (reference or {}).get(title))
            for side, column in names.items():
                draw_cycles(ax, *stride_curves(trial, pd.Series(table[column]), side), COLOURS[side], STYLES[side])
            ax.set_title(title, fontsize=8.5, fontweight="normal", loc="left", pad=3)
            ax.set_xlim(0, 100)
            ax.set_xticks([0, 50, 100])
            ax.set_ylim(0, limit)
            ax.yaxis.set_major_locator(MaxNLocator(3))
        for ax in axes[:, 0]:
            ax.set_ylabel(unit, fontsize=8)
        for column in range(columns):
            below = [ax for ax in axes[:, column] if ax.axison]
            if below:
                below[-1].set_xlabel("Gait cycle (%)", fontsize=8)
                below[-1].tick_params(labelbottom=True)
        present: list[Side] = [side for side in SIDES if any(side in names for names in sided.values())]
        handles = [Line2D([], [], color=COLOURS[s], linestyle=STYLES[s], label=SIDE_NAMES[s]) for s in present]
        draw_legend(figure, handles, reference or {})
    return figure, axes


def figure_bars(
    values: pd.DataFrame, *, title: str, unit: str, colours: Mapping[str, str] | None = None
) -> tuple[Figure, Axes]:
    """Horizontal bars, one group a row of the table and one bar a column.

    Args:
        values: Index what is compared, columns the groups; one number each.
        title: Title of the figure.
        unit: Unit of the numbers.
        colours: Column to colour; right and left take theirs.

    Returns:
        The figure and its axes.
    """
    with style():
        figure = Figure(figsize=(6.6, 0.24 * max(len(values), 3) + 0.9), layout="constrained")
        ax = figure.subplots()
        width = 0.78 / max(values.shape[1], 1)
        place = np.arange(len(values))
        for i, column in enumerate(values.columns):
            colour = (colours or {}).get(str(column)) or COLOURS.get(str(column), TRIAL_COLOURS[i % len(TRIAL_COLOURS)])
            label = SIDE_NAMES.get(str(column), str(column))
            ax.barh(
                place + (i - (values.shape[1] - 1) / 2) * width, values[column], width * 0.92, color=colour, label=label
            )
        ax.set_yticks(place, [str(name) for name in values.index])
        ax.invert_yaxis()
        ax.set_xlabel(unit)
        ax.set_title(title, loc="left")
        ax.grid(axis="x", color="#eceef0", linewidth=0.7)
        ax.set_axisbelow(True)
        ax.legend(frameon=False, fontsize=8, loc="lower right")
    return figure, ax


def draw_band(ax: Axes, band: NormBand | None) -> None:
    """Grey band of normal, mean plus and minus one SD, with its mean line."""
    if band is not None:
        ax.fill_between(
            band.percent, band.mean - band.sd, band.mean + band.sd, color=BAND, linewidth=0, zorder=0, label="_normal"
        )
        ax.plot(band.percent, band.mean, color=BAND_LINE, linewidth=0.8, zorder=1, label="_normal mean")


def draw_strides(ax: Axes, trial: GaitTrial, key: str, side: Side, *, colour: str | None = None) -> int:
    """Mean of all strides of one leg, tint of one SD, line at toe off.

    Returns:
        Number of strides with at least one known point.
    """
    values, toe_off = stride_curves(trial, key, side)
    return draw_cycles(ax, values, toe_off, colour or COLOURS[side], STYLES[side])


def draw_stated(ax: Axes, trial: GaitTrial, key: str, side: Side) -> bool:
    """Mean of what the laboratory's own software stored, dotted; False where the trial has none."""
    series = stated_series(trial, key, side)
    values = np.zeros((0, 101)) if series is None else stride_curves(trial, series, side)[0]
    known = values[np.isfinite(values).all(axis=1)]
    if not len(known):
        return False
    ax.plot(
        np.linspace(0.0, 100.0, known.shape[1]), known.mean(axis=0), color=COLOURS[side], linestyle=":", linewidth=1.3,
        zorder=2.5, label="_stated",
    )  # fmt: skip
    return True


def draw_cycles(ax: Axes, values: NDArray[np.float64], toe_off: NDArray[np.float64], colour: str, style: Any) -> int:
    """Mean of some curves, tint of one SD, line at their mean toe off.

    Args:
        ax: Axes of a panel.
        values: Shape (n_curves, n_points), NaN where not known.
        toe_off: Shape (n_curves,), % of the cycle, NaN where not seen.
        colour: Colour of all three.
        style: Line style of matplotlib.

    Returns:
        Number of curves with at least one known point.
    """
    known = np.isfinite(values)
    used = known.any(axis=1) if len(values) else np.zeros(0, bool)
    if not used.any():
        return 0
    percent = np.linspace(0.0, 100.0, values.shape[1])
    count = known.sum(axis=0)
    filled = np.where(known, values, 0.0)
    mean = np.where(count > 0, filled.sum(axis=0) / np.maximum(count, 1), np.nan)
    if used.sum() > 1:
        square = np.where(known, (values - mean) ** 2, 0.0).sum(axis=0)
        sd = np.where(count > 1, np.sqrt(square / np.maximum(count - 1, 1)), np.nan)
        ax.fill_between(percent, mean - sd, mean + sd, color=colour, alpha=0.16, linewidth=0, zorder=2)
    ax.plot(percent, mean, color=colour, linestyle=style, linewidth=1.6, zorder=3)
    if np.isfinite(toe_off).any():
        ax.axvline(float(np.nanmean(toe_off)), color=colour, linestyle=style, linewidth=0.7, alpha=0.75, zorder=1)
    return int(used.sum())


def prepare_panels(
    grid: Sequence[Sequence[str]], axes: NDArray[Any] | None, panel: tuple[float, float]
) -> tuple[Figure, NDArray[Any]]:
    """A figure with one panel a curve, each of a size in inches, or the axes that were given."""
    shape = (len(grid), len(grid[0]))
    if axes is not None:
        axes = np.asarray(axes, dtype=object).reshape(shape)
        return axes.flat[0].figure, axes
    width, height = panel
    figure = Figure(figsize=(width * shape[1] + 0.3, height * shape[0] + 0.75), layout="constrained")
    figure.get_layout_engine().set(w_pad=0.06, h_pad=0.05)  # type: ignore[union-attr]
    return figure, figure.subplots(*shape, squeeze=False)


def finish_panel(ax: Axes, curve: DisplayCurve) -> None:
    """Axes, title, unit and the words of the two directions of a curve's panel."""
    ax.axhline(0.0, color="#b9bec5", linewidth=0.6, zorder=0.5)
    ax.set_xlim(0, 100)
    ax.set_xticks([0, 20, 40, 60, 80, 100])
    ax.yaxis.set_major_locator(MaxNLocator(5))
    low, high = ax.get_ylim()
    if high - low < curve.span:
        spare = (curve.span - (high - low)) / 2
        low, high = low - spare, high + spare
    ax.set_ylim(low, high)
    ax.set_title(f"{curve.title} ({curve.unit})", loc="left", fontsize=9, fontweight="normal", pad=4)
    for where, word in ((1.0, curve.positive), (0.0, curve.negative)):
        ax.annotate(
            word, xy=(0, where), xycoords="axes fraction", xytext=(-28, 0), textcoords="offset points",
            rotation=90, ha="right", va="top" if where else "bottom", fontsize=6.8, color=FAINT, annotation_clip=False,
        )  # fmt: skip


def _say_nothing_here(ax: Axes, curve: DisplayCurve) -> None:
    why = "not known: no clean plate contact" if curve.masked else "not measured"
    ax.text(0.5, 0.5, why, transform=ax.transAxes, ha="center", va="center", fontsize=7.5, color=FAINT,
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.5})  # fmt: skip


def label_bottom(axes: NDArray[Any]) -> None:
    """Name the gait cycle under the lowest row alone."""
    for row in axes[:-1]:
        for ax in row:
            ax.tick_params(labelbottom=False)
    for ax in axes[-1]:
        ax.set_xlabel("Gait cycle (%)", fontsize=8)


def draw_legend(figure: Figure, handles: list[Any], norms: Mapping[str, NormBand]) -> None:
    """One legend for the whole figure: lines, and the bands of normal behind them."""
    labels = list(dict.fromkeys(band.label for band in norms.values()))
    shown = [*handles]
    if labels:
        text = labels[0] if len(labels) == 1 else "normal (sources below)"
        shown.append(Patch(facecolor=BAND, edgecolor=BAND_LINE, linewidth=0.6, label=f"{text}, mean ± 1 SD"))
    shown.append(Line2D([], [], color=FAINT, linewidth=0.7, label="vertical line: toe off"))
    figure.legend(
        handles=shown, loc="outside upper left", ncols=len(shown), frameon=False, fontsize=8, handlelength=2.4,
        columnspacing=1.6, borderaxespad=0.2,
    )  # fmt: skip


def svg_text(figure: Figure, *, prefix: str) -> str:
    """A figure as an ``<svg>`` element to be put into a page, its identifiers made unique by a prefix.

    Args:
        figure: The figure.
        prefix: Any short word that no other figure of the page uses.

    Returns:
        The element, without XML declaration; text stays text in the page's font.
    """
    buffer = io.StringIO()
    with style({"svg.hashsalt": f"exogait {prefix}"}):
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.S)
    text = re.sub(r'\bid="', f'id="{prefix}-', text)
    text = re.sub(r'(href="#|url\(#)', rf"\g<1>{prefix}-", text)
    return re.sub(r"'(Liberation Sans|DejaVu Sans)'[^;\"]*", FONT_STACK, text)
