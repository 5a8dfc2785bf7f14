"""Reference curves: provenance, units, speed matching, and the rule that some data are for judging only."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest

from exogait.data import UnknownNameError, dimensionless_speed, norm_keys, norms_for, read_norms, scalar
from exogait.data.norms import SCHWARTZ_BINS, read_scalars, schwartz_condition

ROOT = Path(__file__).parents[2]


@pytest.fixture
def without_local_data(monkeypatch):
    monkeypatch.delenv("EXOGAIT_DATA", raising=False)


def test_the_repository_alone_has_norms_of_adults(without_local_data):
    curves = read_norms()
    assert {curve.source for curve in curves} == {"schreiber2019"}
    assert {"knee_flexion", "ankle_plantarflexion_moment", "grf_vertical", "ankle_power"} <= set(norm_keys())
    for curve in curves:
        assert curve.licence == "CC BY 4.0" and "10.1038" in curve.citation and (ROOT / curve.obtained_by).is_file()
        assert curve.n_people == 14 and curve.population == "adults" and 0.8 < curve.speed < 2.0
        assert np.all(np.isfinite(curve.mean)) and np.all(curve.sd >= 0) and np.all(np.diff(curve.percent) > 0)


# Peaks of preferred walking that the data's own paper and every textbook agree on, with room for either.
PEAKS = {
    "knee_flexion": (55, 70),
    "ankle_plantarflexion_moment": (1.1, 1.6),
    "grf_vertical": (1.0, 1.2),
    "grf_fore_aft": (0.12, 0.25),
    "hip_flexion": (20, 40),
    "ankle_power": (2.0, 4.0),
}


@pytest.mark.parametrize("key", PEAKS)
def test_peaks_are_those_of_healthy_walking(without_local_data, key):
    curve = norms_for(key, speed=1.1)[0]
    assert curve.condition == "preferred" and PEAKS[key][0] < curve.mean.max() < PEAKS[key][1]


def test_the_faster_condition_is_taken_for_faster_walks(without_local_data):
    assert norms_for("knee_flexion", speed=1.1)[0].condition == "preferred"
    assert norms_for("knee_flexion", speed=1.6)[0].condition == "fast"
    assert norms_for("knee_flexion", without=("schreiber2019",)) == [] and norms_for("nothing") == []


def test_children_are_matched_by_dimensionless_speed(real_data):
    assert dimensionless_speed(1.3, 0.9) == pytest.approx(0.4376, abs=1e-4)
    assert schwartz_condition(1.0, 0.6) == "free" and schwartz_condition(0.5, 0.9) == "verySlow"
    first = norms_for("knee_flexion", speed=1.0, leg_length=0.6, population="children")[0]
    assert first.source == "schwartz2008" and first.condition == "free" and first.n_people == 83
    fast = norms_for("ankle_plantarflexion_moment", speed=1.7, leg_length=0.6, population="children")[0]
    assert fast.condition == "veryFast" and fast.unit == "N m/kg"


@pytest.mark.parametrize("key", ["knee_flexion", "ankle_dorsiflexion", "pelvis_obliquity", "hip_adduction"])
def test_adults_of_another_study_agree(real_data, key):
    """Fukuchi's 42 adults, to which nothing is fitted, lie within two standard deviations of the suite's own norm."""
    ours = norms_for(key, speed=1.1)[0]
    theirs = next(curve for curve in norms_for(key) if curve.source == "fukuchi2018").resampled(ours.percent)
    assert theirs.n_people == 42
    assert np.mean(np.abs(theirs.mean - ours.mean) < 2 * ours.sd) > 0.9


def test_bins_of_speed_leave_no_gap():
    edges = list(SCHWARTZ_BINS.values())
    assert all(left[1] == right[0] for left, right in itertools.pairwise(edges))


def test_resampling_invents_nothing(without_local_data):
    curve = next(c for c in read_norms() if c.key == "knee_flexion")
    again = curve.resampled(np.array([-1.0, curve.percent[3], 150.0]))
    assert np.isnan(again.mean[[0, 2]]).all() and again.mean[1] == curve.mean[3]


def test_scalars_are_cited():
    table = read_scalars()
    assert table["citation"].str.len().min() > 10 and table["unit"].notna().all()
    assert scalar("basal_metabolic_rate")[:2] == (1.2, "W/kg")
    with pytest.raises(UnknownNameError, match="did you mean walking_speed"):
        scalar("walking_sped")
    with pytest.raises(UnknownNameError, match="men 40-49"):
        scalar("walking_speed")


def test_data_for_judging_never_enter_a_fit():
    """Only the norms themselves, and what compares with them, may name the Fukuchi data."""
    users = {
        str(path.relative_to(ROOT))
        for folder in ("osim_env", "models", "analysis")
        for path in (ROOT / folder).rglob("*.py")
        if "fukuchi" in path.read_text().lower()
    }
    fitting = {
        user for user in users if any(word in user for word in ("fit", "train", "reference", "reward", "recruit"))
    }
    assert not fitting
