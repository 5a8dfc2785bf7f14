"""Figures of a study: seeds weigh alike, falls stay out, torques are drawn in the direction of assistance."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

from exogait.analysis.outcomes.tables import seed_curves
from exogait.analysis.outcomes.torques import MOMENTS
from exogait.analysis.report.study_figures import (
    device_torques,
    figure_torques,
    figure_walks,
    joint_moments,
    mean_of_walks,
    scaled_to,
)

PERCENT = np.arange(101)
WALKS = pd.DataFrame(
    {
        "walk": ["a", "b", "c", "d"], "seed": [1, 1, 2, 2], "fell": [0, 0, 0, 1],
        "stance_pct_r": [60.0, 62.0, 61.0, np.nan], "stance_pct_l": [60.0, 62.0, 61.0, np.nan],
    }
)  # fmt: skip
LEVEL = {"a": 1.0, "b": 3.0, "c": 6.0, "d": 100.0}


def table(*names: str) -> pd.DataFrame:
    """Curves of the walks: constant in each, left 1 above right."""
    return pd.concat(
        [
            pd.DataFrame({"walk": walk, "curve": name, "side": side, "percent": PERCENT, "mean": level + up})
            for walk, level in LEVEL.items()
            for name in names
            for side, up in (("r", 0.0), ("l", 1.0))
        ],
        ignore_index=True,
    )


def test_seeds_weigh_alike_and_walks_that_fell_stay_out() -> None:
    curves = table("knee_flexion")
    found = seed_curves(WALKS[WALKS["fell"] == 0], curves, "knee_flexion", ("r",))
    assert {seed: curve[50] for seed, curve in found.items()} == {1: 2.0, 2: 6.0}
    mean, sd = mean_of_walks(WALKS, curves, "knee_flexion", ("r",))
    np.testing.assert_array_equal(mean, 4.0)  # not (1 + 3 + 6) / 3
    np.testing.assert_allclose(sd, np.std([1.0, 3.0, 6.0], ddof=1))
    np.testing.assert_array_equal(mean_of_walks(WALKS, curves, "knee_flexion")[0], 4.5)
    mean, sd = mean_of_walks(WALKS, curves, "hip_flexion")
    assert np.isnan(mean).all() and np.isnan(sd).all()
    assert seed_curves(WALKS[:0], curves, "knee_flexion") == {}


def test_torques_and_moments_have_opensims_sign() -> None:
    key, factor = MOMENTS["ankle"]
    curves = table("device_ankle_angle", key)
    torques, moments = device_torques(WALKS, curves), joint_moments(WALKS, curves)
    assert list(torques) == ["ankle"]
    np.testing.assert_array_equal(torques["ankle"], 4.5)
    np.testing.assert_array_equal(moments["ankle"], factor * 4.5)
    assert factor == -1.0  # plantarflexor moments are positive on paper, negative in OpenSim
    scaled = scaled_to({"ankle": np.linspace(-2.0, 1.0, 101)}, {"ankle": np.full(101, 0.5)})
    assert scaled["ankle"][[0, 100]] == pytest.approx([-0.5, 0.25])


def test_figures_draw_every_group_and_leave_global_settings_alone() -> None:
    before = dict(mpl.rcParams)
    torque = np.where(PERCENT > 40, -1.0, 0.0)
    drawing, axes = figure_torques({"learned": {"ankle": torque}}, humans=True, limits={"ankle": (0.4, 1.6)})
    assert axes.shape == (1,)
    learned = max((line for line in axes[0].lines), key=lambda line: line.get_linewidth())
    np.testing.assert_array_equal(learned.get_ydata(), -torque)  # plantarflexion is drawn upwards
    assert sum(line.get_linestyle() == "--" for line in axes[0].lines) > 3  # people
    drawing, axes = figure_walks(
        {"weak": (WALKS, "r"), "sound": (WALKS, "l")}, table("knee_flexion"), [["knee_flexion"]]
    )
    np.testing.assert_array_equal(axes.flat[0].lines[0].get_ydata(), 4.0)
    assert [text.get_text() for text in drawing.legends[0].get_texts()][:2] == ["weak", "sound"]
    assert dict(mpl.rcParams) == before
