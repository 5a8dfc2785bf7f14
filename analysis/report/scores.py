"""The section of scores in a trial's report: the movement analysis profile as bars, and every score with its source."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure as Drawing

from exogait.data import GaitTrial
from exogait.data.names import SIDES, stem
from exogait.data.trial import select_rows

from ..gait.curves import find_curve
from ..scores.profile import PROFILE
from ..scores.table import compute_scores
from . import figures as plots
from .describe import decimals
from .kit import Cell, Figure, Group, Note, Number, Part, Table


def scores_parts(trial: GaitTrial) -> list[Part]:
    """Figure and table of a trial's scores; nothing where none is known.

    Args:
        trial: Measured or simulated, with events.
    """
    table = compute_scores(trial)
    known = np.isfinite(table[["right", "left", "both"]].to_numpy(np.float64)).any(axis=1)
    if not known.any():
        return []
    rows: list[Sequence[Cell] | Group] = []
    group = ""
    for row in select_rows(table, known).to_dict(orient="records"):
        if row["group"] != group:
            group = row["group"]
            rows.append(Group(group))
        values = [Number(row[key], decimals(row["unit"])) for key in ("right", "left", "both")]
        rows.append([row["title"], *values, row["unit"], _count(row), row["definition"], row["source"]])
    header = ["", "right", "left", "both", "unit", "n", "definition", "source"]
    parts: list[Part] = [*_profile_figure(table), Table(header, rows, numeric=[1, 2, 3], sides={1: "r", 2: "l"})]
    if any(stem(name).startswith("lumbar") for name in trial.about.held_coordinates):
        parts.append(Note("No marker shows the trunk: for the centre of mass it stands straight on the pelvis."))
    missing = [str(title) for title in table[~known]["title"]]
    if missing:
        parts.append(Note(f"Not known of this walk: {', '.join(missing)}."))
    return parts


def _count(row: dict[str, object]) -> str:
    return f"{row['n_right']}/{row['n_left']}" if row["n_right"] or row["n_left"] else ""


def _profile_figure(table: pd.DataFrame) -> list[Part]:
    of = table.set_index("score")
    names = [*(f"gvs_{key}" for key in PROFILE), "gps"]
    values = {side: of.loc[names, word].to_numpy(np.float64) for side, word in (("r", "right"), ("l", "left"))}
    if not any(np.isfinite(column).any() for column in values.values()):
        return []
    with plots.style():
        drawing = Drawing(figsize=(9.4, 2.6), layout="constrained")
        ax = drawing.subplots()
        place = np.arange(len(names), dtype=np.float64)
        for k, side in enumerate(SIDES):
            ax.bar(
                place + (k - 0.5) * 0.38, values[side], 0.36, color=plots.COLOURS[side], label=plots.SIDE_NAMES[side],
                hatch="" if side == "r" else "////", edgecolor="white", linewidth=0.0,
            )  # fmt: skip
        overall = float(of.loc["gps", "both"])
        if math.isfinite(overall):
            ax.hlines(overall, place[-1] - 0.45, place[-1] + 0.45, color=plots.INK, linewidth=1.2, label="Both (GPS)")
        titles = [find_curve(key).title.replace(" ", "\n", 1) for key in PROFILE]
        ax.set_xticks(place, [*titles, "GPS"], fontsize=7.5)
        ax.set_ylabel("RMS from normal (°)")
        ax.legend(frameon=False, fontsize=8, ncols=3, loc="upper left")
        ax.margins(y=0.25)
    caption = (
        "Movement analysis profile: how far each angle lies from that of healthy adults at their preferred speed, over "
        "the gait cycle; GPS: all of them in one number."
    )
    return [Figure(drawing, caption, "Bars of the nine gait variable scores and the gait profile score.")]
