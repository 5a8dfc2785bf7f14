"""Torque curves: their shape, the human profiles, and what a comparison must say about curves that are known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from exogait.analysis.outcomes import torques as torque_profiles
from exogait.analysis.outcomes.torques import (
    agreement_summary,
    compare_baselines,
    compare_profiles,
    crossover,
    human_agreement,
    human_profiles,
    quintic,
    smooth_profile,
    torque_peak,
)
from exogait.data import InputError, UnknownNameError

PERCENT = np.arange(101.0)


@pytest.fixture(autouse=True)
def no_measured_data(monkeypatch):
    """The same profiles whether or not EXOGAIT_DATA is at hand."""
    monkeypatch.setattr(torque_profiles, "device_torques", dict)


def delayed(curve, lag):
    part = np.roll(curve[:-1], lag)
    return np.append(part, part[0])


def test_quintic_is_smooth_and_symmetric():
    x = np.linspace(0.0, 1.0, 201)
    y = quintic(x)
    assert np.allclose(y + y[::-1], 1.0)
    slope = np.gradient(y, x)
    assert slope[0] == pytest.approx(0.0, abs=1e-3) and slope.max() == pytest.approx(1.875, rel=1e-3)


def test_peak_rise_and_fall_wrap_around_heel_strike():
    ramp = np.clip(1.0 - np.abs((PERCENT - 5.0 + 50.0) % 100.0 - 50.0) / 20.0, 0.0, None)
    peak = torque_peak(0.4 * ramp)
    assert (peak.peak, peak.time) == (pytest.approx(0.4), 5.0)
    assert peak.rise == pytest.approx(19.0) and peak.fall == pytest.approx(19.0)  # 95 % of each slope
    steep = np.clip(np.minimum((PERCENT - 30.0) / 10.0, (80.0 - PERCENT) / 40.0), 0.0, None)  # 10 % up, 40 % down
    peak = torque_peak(-steep, -1.0)
    assert (peak.time, peak.rise, peak.fall) == (40.0, pytest.approx(9.5), pytest.approx(38.0))
    assert np.isnan(torque_peak(ramp, -1.0).peak)
    constant = torque_peak(np.ones(101))
    assert constant.peak == 1.0 and np.isnan(constant.rise) and np.isnan(constant.fall)
    assert np.isnan(torque_peak(np.full(101, np.nan)).peak)


def test_crossover_is_where_extension_turns_to_flexion():
    assert crossover(-np.cos(2 * np.pi * (PERCENT - 10.0) / 100)) == pytest.approx(35.0)
    assert crossover(-np.cos(2 * np.pi * (PERCENT - 80.0) / 100)) == pytest.approx(5.0)  # through heel strike
    assert np.isnan(crossover(np.ones(101)))


def test_profiles_are_rebuilt_from_their_parameters():
    ankle = human_profiles("ankle")["franks2021_ankle"]
    assert ankle.curve is not None and ankle.curve.min() == pytest.approx(-0.935) and np.argmin(ankle.curve) == 55
    assert not ankle.curve[:38].any() and not ankle.curve[75:].any()
    hip = human_profiles("hip")["franks2021_hip"]
    assert hip.curve is not None and crossover(hip.curve) == pytest.approx(32.6, abs=1.0)
    assert hip.curve.min() == pytest.approx(-0.404, abs=2e-3) and hip.curve.max() == pytest.approx(0.286, abs=2e-3)
    assert hip.curve[0] == pytest.approx(hip.curve[100]) and hip.curve[0] < -0.05  # begins before heel strike
    knee = human_profiles("knee")["franks2021_knee"]
    assert knee.curve is None and knee.peaks == {"flexion": (0.279, 59.0)}
    assert {p.trust for p in human_profiles("ankle").values()} <= {"A", "B", "C"}
    with pytest.raises(UnknownNameError, match="shoulder"):
        human_profiles("shoulder")
    with pytest.raises(ValueError, match="knots"):
        smooth_profile([(10.0, 0.0), (5.0, 1.0)])


def test_a_human_profile_agrees_with_itself_and_a_late_one_is_late():
    profiles = human_profiles("ankle")
    own = profiles["franks2021_hip_ankle"].curve
    rows = compare_profiles(own, "ankle").set_index("profile")
    same = rows.loc["franks2021_hip_ankle"]
    assert same["r"] == pytest.approx(1.0) and same["rmse"] == pytest.approx(0.0, abs=1e-12)
    assert same["rise_plantarflexion"] == same["human_rise_plantarflexion"]
    late = compare_profiles(delayed(own, 7), "ankle").set_index("profile").loc["franks2021_hip_ankle"]
    assert late["time_difference_plantarflexion"] == pytest.approx(same["time_difference_plantarflexion"] + 7.0)
    assert late["r"] < 0.95 and late["rmse"] > 0.05
    weak = compare_profiles(0.5 * np.asarray(own), "ankle").set_index("profile").loc["franks2021_hip_ankle"]
    assert weak["r"] == pytest.approx(1.0) and weak["rmse"] > 0.05
    assert weak["rmse_equal_peak"] == pytest.approx(0.0, abs=1e-12)
    only_peak = rows.loc["fnbot2021_ankle"]
    assert np.isnan(only_peak["r"]) and only_peak["human_time_plantarflexion"] == 48.0
    assert only_peak["inside"] is None


def test_hip_comparison_gives_crossover_and_ratio():
    row = compare_profiles(human_profiles("hip")["franks2021_hip"].curve, "hip").set_index("profile")
    own = row.loc["franks2021_hip"]
    for word in ("flexion", "extension"):
        assert own[f"time_{word}"] == pytest.approx(own[f"human_time_{word}"], abs=1.0)
        assert own[f"peak_{word}"] == pytest.approx(own[f"human_peak_{word}"], rel=0.01)
    assert row.loc["franks2021_hip", "human_ratio"] == pytest.approx(0.286 / 0.404)
    assert row.loc["franks2021_hip", "ratio"] == pytest.approx(0.286 / 0.404, rel=0.01)
    assert row.loc["franks2021_hip_ankle", "crossover"] == row.loc["franks2021_hip", "crossover"]


@pytest.mark.parametrize(("joint", "word", "sign"), [("knee", "flexion", -1.0), ("ankle", "plantarflexion", -1.0)])
def test_directions_have_opensims_sign(joint: str, word: str, sign: float):
    """In OpenSim's gait models the knee flexes and the ankle plantarflexes below zero."""
    bump = np.exp(-(((PERCENT - 60.0) / 8.0) ** 2))
    rows = compare_profiles(sign * 0.3 * bump, joint)
    assert len(rows)
    assert rows[f"peak_{word}"].to_numpy() == pytest.approx(0.3)
    assert rows[f"time_{word}"].to_numpy() == pytest.approx(60.0)
    assert compare_profiles(-sign * 0.3 * bump, joint)[f"time_{word}"].isna().all()


def test_inside_means_at_least_as_like_as_the_least_like_human():
    agreement = human_agreement("ankle")
    least = agreement[(agreement["first"] == "franks2021_ankle") | (agreement["second"] == "franks2021_ankle")]["r"]
    own = human_profiles("ankle")["franks2021_ankle"].curve
    found = compare_profiles(delayed(own, 60), "ankle").set_index("profile").loc["franks2021_ankle"]
    assert found["human_r_min"] == pytest.approx(least.min()) and found["r"] < least.min() and not found["inside"]
    assert compare_profiles(own, "ankle").set_index("profile").loc["franks2021_ankle", "inside"]


def test_agreement_leaves_out_a_mean_against_its_own_people(monkeypatch):
    bump = -np.asarray(human_profiles("ankle")["franks2021_ankle"].curve)
    people = pd.DataFrame({"pct_stride": PERCENT, "S01": bump, "S02": delayed(bump, 5)})
    people["mean"], people["sd"] = people[["S01", "S02"]].mean(axis=1), 0.0
    monkeypatch.setattr(torque_profiles, "device_torques", lambda: {"zhang2017": people})
    profiles = human_profiles("ankle")
    assert profiles["zhang2017_S01"].kind == "person" and profiles["zhang2017_mean"].kind == "mean"
    assert np.allclose(profiles["zhang2017_S01"].curve, -bump)
    pairs = {frozenset(p) for p in human_agreement("ankle")[["first", "second"]].to_numpy()}
    assert frozenset(("zhang2017_S01", "zhang2017_S02")) in pairs
    assert frozenset(("zhang2017_mean", "zhang2017_S01")) not in pairs
    summary = agreement_summary(human_agreement("ankle")).set_index("kind")
    assert summary.loc["all", "n_pairs"] == summary.loc[["one study", "two studies"], "n_pairs"].sum()
    assert summary.loc["all", "r_max"] == pytest.approx(1.0)  # one person walks like the Franks profile here


def test_baseline_finds_the_lag_and_takes_its_size_from_the_learned_torque():
    human = human_profiles("ankle")["franks2021_hip_ankle"]
    moment = 2.0 * delayed(human.curve, 10)
    learned = np.asarray(human.curve) * 0.5
    rows = compare_baselines(learned, moment, "ankle", {human.name: human}).set_index("candidate")
    assert rows.loc["learned", "r"] == pytest.approx(1.0)
    assert rows.loc["scaled moment, best lag", "lag_pct"] == -10.0
    assert rows.loc["scaled moment, best lag", "r"] == pytest.approx(1.0)
    assert rows.loc["scaled moment, best lag", "rmse"] == pytest.approx(rows.loc["learned", "rmse"])
    assert rows.loc["scaled moment", "r"] < 0.9


def test_no_torque_at_all_is_no_agreement():
    rows = compare_profiles(np.zeros(101), "ankle").set_index("profile")
    assert np.isnan(rows.loc["franks2021_ankle", "r"]) and not rows.loc["franks2021_ankle", "inside"]
    assert np.isnan(rows.loc["franks2021_ankle", "time_plantarflexion"])
    with pytest.raises(InputError, match="101 points"):
        compare_profiles(np.zeros(100), "ankle")
