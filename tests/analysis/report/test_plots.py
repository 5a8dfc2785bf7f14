"""Figures: asserted on the data in the axes."""

from __future__ import annotations

from xml.etree import ElementTree

import matplotlib
import numpy as np
import pytest
from matplotlib.figure import Figure

from exogait.analysis.gait.curves import GROUND_REACTION, SAGITTAL
from exogait.analysis.gait.norm_bands import NormBand
from exogait.analysis.report.figures import figure_bars, figure_compare, figure_envelopes, figure_grid, svg_text
from tests.kit.gait_trials import walking_trial

BAND = NormBand(mean=np.full(101, 10.0), sd=np.full(101, 2.0), percent=np.arange(101.0), label="made up, n = 3")


def curves(ax):
    return [line for line in ax.lines if len(line.get_xdata()) == 101 and not line.get_label().startswith("_normal")]


def test_right_is_solid_left_is_dashed_over_one_cycle() -> None:
    _, axes = figure_grid(walking_trial(), SAGITTAL)
    assert axes.shape == (3, 3)
    right, left = curves(axes[0, 1])
    assert right.get_linestyle() == "-" and left.get_linestyle() == "--"
    assert right.get_ydata().max() == pytest.approx(60.0, abs=0.5)
    assert right.get_xdata()[0] == 0 and right.get_xdata()[-1] == 100
    assert axes[2, 0].get_xlabel() == "Gait cycle (%)"
    assert axes[0, 1].get_title(loc="left") == "Knee flexion (°)"


def test_sign_words_stand_at_both_ends_of_the_axis() -> None:
    _, axes = figure_grid(walking_trial(), SAGITTAL)
    words = {text.get_text(): text.xy[1] for text in axes[0, 1].texts}
    assert words["flexion"] == 1.0 and words["extension"] == 0.0
    assert {t.get_text() for t in axes[2, 2].texts} >= {"generated", "absorbed"}


def test_toe_off_is_a_vertical_line() -> None:
    _, axes = figure_grid(walking_trial(), SAGITTAL)
    at = [line.get_xdata()[0] for line in axes[0, 0].lines if len(set(line.get_xdata())) == 1]
    assert at == pytest.approx([60.0, 60.0])


def test_unknown_kinetics_are_never_drawn() -> None:
    _, axes = figure_grid(walking_trial(known=False), [*SAGITTAL, *GROUND_REACTION])
    for ax in axes[1:].flat:
        assert not curves(ax)
        assert any("not known" in text.get_text() for text in ax.texts)
    assert len(curves(axes[0, 0])) == 2


def test_the_band_is_mean_and_one_sd() -> None:
    _, axes = figure_grid(walking_trial(), SAGITTAL, norms={"knee_flexion": BAND})
    band = axes[0, 1].collections[0].get_paths()[0].vertices
    assert band[:, 1].min() == pytest.approx(8.0) and band[:, 1].max() == pytest.approx(12.0)
    figure = axes[0, 1].figure
    assert any("made up, n = 3" in text.get_text() for text in figure.legends[0].get_texts())


def test_several_strides_get_a_tint_and_one_does_not() -> None:
    _, many = figure_grid(walking_trial(n_strides=3), [("knee_flexion",)])
    _, one = figure_grid(walking_trial(n_strides=1), [("knee_flexion",)])
    assert len(many[0, 0].collections) == 2 and len(one[0, 0].collections) == 0


def test_draws_into_given_axes() -> None:
    own = Figure().subplots(1, 3)
    figure, axes = figure_grid(walking_trial(), GROUND_REACTION, axes=own)
    assert figure is own[0].figure and axes[0, 0] is own[0]


def test_compared_trials_have_a_colour_each() -> None:
    _, axes = figure_compare([walking_trial(), walking_trial(asymmetry=0.5)], SAGITTAL, side="l", labels=["a", "b"])
    first, second = curves(axes[0, 1])
    assert first.get_color() != second.get_color()
    assert first.get_linestyle() == second.get_linestyle() == "--"
    assert second.get_ydata().max() == pytest.approx(0.5 * first.get_ydata().max(), rel=0.02)


def test_envelopes_and_bars() -> None:
    trial = walking_trial()
    assert trial.joint_powers is not None
    _, axes = figure_envelopes(trial, trial.joint_powers, sided={"ankle": {"r": "ankle_angle_r"}}, unit="W", columns=2)
    assert axes[0, 0].axison and not axes[0, 1].axison
    import pandas as pd

    _, ax = figure_bars(pd.DataFrame({"r": [1.0], "l": [2.0]}, index=["work"]), title="t", unit="J/kg")
    assert [patch.get_width() for patch in ax.patches] == [1.0, 2.0]


def test_svg_is_one_element_with_own_identifiers_and_text_as_text() -> None:
    figure, _ = figure_grid(walking_trial(), [("knee_flexion",)])
    text = svg_text(figure, prefix="abc")
    root = ElementTree.fromstring(text)
    identifiers = [node.get("id") for node in root.iter() if node.get("id")]
    assert identifiers and all(identifier.startswith("abc-") for identifier in identifiers)
    assert len(set(identifiers)) == len(identifiers)
    assert "Knee flexion" in text and "http-equiv" not in text
    assert svg_text(figure, prefix="abc") == text


def test_no_global_setting_changes() -> None:
    before = dict(matplotlib.rcParams)
    figure_grid(walking_trial(), SAGITTAL)
    assert dict(matplotlib.rcParams) == before
