"""Scalars of a report: definitions that can be checked by hand."""

from __future__ import annotations

import numpy as np
import pytest

from exogait.analysis.gait.metrics import METRICS, compute_metrics, spatiotemporal_table, symmetry_rows, walking_speed
from tests.kit.gait_trials import walking_trial


def row(trial, name):
    return compute_metrics(trial).set_index("metric").loc[name]


def test_peaks_and_ranges_of_each_leg() -> None:
    trial = walking_trial(asymmetry=0.25)
    knee = row(trial, "knee_flexion_swing")
    assert knee["right"] == pytest.approx(60.0, abs=0.2) and knee["left"] == pytest.approx(45.0, abs=0.2)
    assert knee["unit"] == "°" and knee["n_right"] == 3
    assert row(trial, "grf_vertical_first")["right"] == pytest.approx(1.1, abs=0.01)


def test_work_is_the_integral_of_power_of_one_sign() -> None:
    # Power is sin(2 pi t) W/kg over a stride of 1 s: each half holds 1/pi J/kg.
    trial = walking_trial()
    assert row(trial, "ankle_positive_work")["right"] == pytest.approx(1 / np.pi, rel=1e-3)
    assert row(trial, "ankle_negative_work")["left"] == pytest.approx(-1 / np.pi, rel=1e-3)


def test_a_window_that_is_not_wholly_known_gives_no_peak() -> None:
    trial = walking_trial()
    mask = trial.masks["valid_kinetics"].copy()
    mask.loc[0.2:0.25, "r"] = False
    partly = trial.replace(masks={"valid_kinetics": mask})
    assert row(partly, "ankle_plantarflexor_moment")["n_right"] == 2
    assert np.isnan(row(walking_trial(known=False), "ankle_plantarflexor_moment")["right"])
    assert np.isfinite(row(walking_trial(known=False), "knee_flexion_swing")["right"])


def test_times_and_lengths_without_markers_come_from_events_and_pelvis() -> None:
    table = spatiotemporal_table(walking_trial()).set_index("quantity")
    assert table["mean"]["stride_time"] == pytest.approx(1.0)
    assert table["mean"]["cadence"] == pytest.approx(120.0)
    assert table["mean"]["stance_pct"] == pytest.approx(60.0)
    assert table["mean"]["stance_time"] == pytest.approx(0.6) and table["mean"]["swing_time"] == pytest.approx(0.4)
    assert table["mean"]["speed"] == pytest.approx(1.2) and table["n"]["stride_time"] == 6
    assert table["sd"]["stride_time"] == pytest.approx(0.0, abs=1e-9)
    assert table["mean"]["stride_length"] == pytest.approx(1.2)
    assert table["mean_r"]["step_time"] == pytest.approx(0.5)


def test_speed_is_stated_or_measured() -> None:
    trial = walking_trial()
    assert walking_speed(trial) == 1.2
    assert walking_speed(trial.replace(metadata={"subject_mass": 70.0})) == pytest.approx(1.2)


def test_symmetry_points_to_the_larger_side() -> None:
    table = symmetry_rows(compute_metrics(walking_trial(asymmetry=0.3))).set_index("quantity")
    assert table["robinson"]["knee_flexion_swing"] > 30.0
    assert table["ratio"]["knee_flexion_swing"] == pytest.approx(1 / 0.7, rel=0.01)
    assert abs(table["robinson"]["stride_time"]) < 1e-6
    assert "speed" not in table.index


def test_every_metric_has_a_curve_and_a_unit() -> None:
    assert len({metric.name for metric in METRICS}) == len(METRICS)
    assert all(metric.unit for metric in METRICS)
