"""The figure of docs/results.md: learned torque beside that of people, and metabolic power over speed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from exogait.analysis.report import figures as plots
from exogait.analysis.report.figures import CONDITION_COLOURS
from exogait.analysis.report.study_figures import device_torques, figure_torques
from exogait.data.constants import CONDITION_NAMES, CONDITIONS
from exogait.models.energetics import HEADLINE
from tests.validation.assistance_healthy import healthy, over_seeds, up
from tests.validation.sections import ROOT
from tests.validation.walking_world import MAIN_SPEED

FIGURE = ROOT / "docs" / "figures" / "assistance.png"


def draw(walks: pd.DataFrame, curves: pd.DataFrame) -> Path:
    """Draw the healthy body's torques (mean of the seeds) and its metabolic power over speed.

    Args:
        walks: Table of walks.
        curves: Table of curves.

    Returns:
        The picture.
    """
    own = healthy(walks)
    on = up(own, condition="powered", speed_commanded=MAIN_SPEED)
    each = {int(s): device_torques(pd.DataFrame(on[on["seed"] == s]), curves) for s in sorted(on["seed"].unique())}
    joints = list(next(iter(each.values())))
    mean = {joint: np.mean([curve[joint] for curve in each.values()], axis=0) for joint in joints}
    drawing, _ = figure_torques({"learned, mean of the seeds": mean, **{f"seed {s}": t for s, t in each.items()}})
    with plots.style():
        width, height = drawing.get_size_inches()
        drawing.set_size_inches(width * 1.5, height)
        # A third panel beside the torques; the layout engine makes room for it.
        ax = drawing.add_subplot(1, len(joints) + 1, len(joints) + 1)
        for old, place in zip(drawing.axes[:-1], range(len(joints)), strict=True):
            old.set_subplotspec(ax.get_subplotspec().get_gridspec()[0, place])
        for condition in CONDITIONS:
            speeds = sorted(own["speed_commanded"].unique())
            found = [over_seeds(up(own, condition=condition, speed_commanded=v), f"{HEADLINE}_gross") for v in speeds]
            ax.errorbar(
                speeds, [f[0] for f in found], yerr=[f[1] if np.isfinite(f[1]) else 0.0 for f in found],
                color=CONDITION_COLOURS[condition], marker="o", markersize=3, linewidth=1.4, capsize=2,
                label=CONDITION_NAMES[condition],
            )  # fmt: skip
        ax.set_xlabel("Speed (m/s)")
        title = "Gross metabolic rate (W/kg, Umberger 2010, with credit)"
        ax.set_title(title, loc="left", fontsize=9, fontweight="normal")
        ax.legend(frameon=False, fontsize=7.5)
    drawing.savefig(FIGURE, dpi=130)
    return FIGURE
