"""Curve comparison: known differences, bands, and SPM through its package."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exogait.analysis.gait.agreement import compare_curves, compare_spm
from exogait.data.errors import MissingDependencyError

T = np.linspace(0, 1, 101)
WAVE = 30 * np.sin(2 * np.pi * T) + 10 * np.sin(4 * np.pi * T)


@settings(max_examples=50)
@given(st.floats(-20, 20), st.floats(0.2, 3.0))
def test_offset_and_gain(offset, gain):
    result = compare_curves(gain * WAVE + offset, WAVE)
    difference = (gain - 1) * WAVE + offset
    assert result.rmse == pytest.approx(np.sqrt(np.mean(difference**2)), abs=1e-9)
    assert result.rmse_without_offset == pytest.approx(difference.std(), abs=1e-7)
    assert result.mean_difference == pytest.approx(difference.mean(), abs=1e-9)
    assert result.r == pytest.approx(1.0)
    assert result.nrmse_pct == pytest.approx(100 * result.rmse / np.ptp(WAVE))
    assert result.peak_error == pytest.approx((gain - 1) * WAVE.max() + offset, abs=1e-9)
    assert result.peak_timing_error_pct == pytest.approx(0.0)
    assert result.max_error == pytest.approx(np.abs(difference).max(), abs=1e-9)


def test_correlation_is_that_of_the_definition():
    other = 12 * np.cos(2 * np.pi * T) - 0.5 * WAVE
    a, b = WAVE - WAVE.mean(), other - other.mean()
    wanted = (a @ b) / np.sqrt((a @ a) * (b @ b))
    assert -0.9 < wanted < -0.1
    assert compare_curves(other, WAVE).r == pytest.approx(wanted)
    assert compare_curves(-WAVE, WAVE).r == pytest.approx(-1.0)


@pytest.mark.parametrize(("delay", "expected"), [(4, 4.0), (-6, -6.0), (40, 40.0)])
def test_peak_timing(delay: int, expected: float):
    narrow = np.exp(-((((T - 0.5) + 0.5) % 1 - 0.5) ** 2) / 0.002)
    late = np.exp(-((((T - 0.5 - delay / 100) + 0.5) % 1 - 0.5) ** 2) / 0.002)
    assert compare_curves(late, narrow).peak_timing_error_pct == pytest.approx(expected, abs=1e-6)
    assert compare_curves(-late, -narrow, peak="min").peak_timing_error_pct == pytest.approx(expected, abs=1e-6)


def test_timing_goes_the_short_way_around_the_cycle():
    early = np.exp(-((T - 0.03) ** 2) / 0.0005)
    late = np.exp(-((T - 0.97) ** 2) / 0.0005)
    assert compare_curves(early, late).peak_timing_error_pct == pytest.approx(6.0, abs=1e-6)


def test_share_of_the_cycle_inside_the_band():
    sd = np.full(101, 2.0)
    curve = WAVE.copy()
    curve[:20] += 1.9  # within 1 SD
    curve[20:50] += 3.9  # within 2 SD
    curve[50:60] -= 4.1  # outside
    result = compare_curves(curve, WAVE, reference_sd=sd)
    assert result.within_1_sd_pct == pytest.approx(100 * (101 - 40) / 101)
    assert result.within_2_sd_pct == pytest.approx(100 * (101 - 10) / 101)
    assert np.isnan(compare_curves(curve, WAVE).within_1_sd_pct)


def test_missing_points_are_left_out_and_counted():
    curve, reference = WAVE + 1.0, WAVE.copy()
    curve[:10] = np.nan
    reference[90:] = np.nan
    result = compare_curves(curve, reference, reference_sd=np.where(T < 0.5, 2.0, np.nan))
    assert result.n_points == 80 and result.rmse == pytest.approx(1.0)
    assert result.within_1_sd_pct == 100.0
    nothing = compare_curves(np.full(101, np.nan), WAVE)
    assert nothing.n_points == 0 and np.isnan(nothing.rmse)
    flat = compare_curves(np.ones(101), np.ones(101))
    assert np.isnan(flat.r) and flat.rmse == 0.0


def test_shapes_are_checked():
    with pytest.raises(ValueError, match="differ in shape"):
        compare_curves(WAVE, WAVE[:50])
    with pytest.raises(ValueError, match="differ in shape"):
        compare_curves(WAVE, WAVE, reference_sd=WAVE[:50])


def groups(effect: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    basis = np.array([np.cos(k * np.pi * T) for k in range(5)])
    a, b = (rng.normal(size=(12, 5)) @ basis + WAVE for _ in range(2))
    b = b + effect * np.exp(-((T - 0.6) ** 2) / 0.005)
    return a, b


def test_spm_finds_where_groups_differ():
    pytest.importorskip("spm1d")
    a, b = groups(8.0)
    for paired in (False, True):
        result = compare_spm(a, b, paired=paired)
        assert result.clusters and any(begin < 60 < end and p < 0.01 for begin, end, p in result.clusters)
        assert result.statistic.shape == (101,) and result.threshold > 2
    assert compare_spm(*groups(0.0)).clusters == ()


def test_spm_refuses_what_it_cannot_test():
    pytest.importorskip("spm1d")
    a, b = groups(1.0)
    with pytest.raises(ValueError, match="two curves"):
        compare_spm(a[:1], b)
    with pytest.raises(ValueError, match="same number"):
        compare_spm(a[:5], b, paired=True)
    with pytest.raises(ValueError, match="do not vary at point 0"):
        compare_spm(a * T, b)
    a[0, 3] = np.nan
    with pytest.raises(ValueError, match="missing point"):
        compare_spm(a, b)


def test_spm_without_its_package(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "spm1d", None)
    with pytest.raises(MissingDependencyError, match=r"exogait\[spm\]"):
        compare_spm(*groups(1.0))
