"""Symmetry indices: worked pair, published limits, signs, curves."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exogait.analysis.gait.symmetry import (
    DEFINITIONS,
    cross_correlation,
    normalized_index,
    ratio_index,
    robinson_index,
    symmetry_angle,
    symmetry_of,
    symmetry_table,
    trend_symmetry,
)

positive = st.floats(1e-3, 1e3)
T = np.linspace(0, 1, 101)


def test_worked_pair_of_steps():
    values = {v.name: v for v in symmetry_of(0.39, 0.25)}
    assert values["robinson"].value == pytest.approx(43.75)
    assert values["ratio"].value == pytest.approx(1.56)
    assert values["normalized"].value == pytest.approx(21.875)
    assert values["angle"].value == pytest.approx(13.71, abs=0.005)
    for value in values.values():
        assert value.definition == DEFINITIONS[value.name] and "symmetric" in value.definition
        assert "right larger" in value.definition and (value.right, value.left) == (0.39, 0.25)
    assert values["ratio"].unit == "1" and values["angle"].unit == "%"


@given(positive, positive)
def test_sign_and_antisymmetry(right, left):
    for function in (robinson_index, normalized_index, symmetry_angle):
        assert function(right, left) == pytest.approx(-function(left, right), abs=1e-9)
        if right > left * (1 + 1e-9):
            assert function(right, left) > 0
    assert robinson_index(right, left) == pytest.approx(2 * normalized_index(right, left), rel=1e-12, abs=1e-9)
    assert ratio_index(right, left) * ratio_index(left, right) == pytest.approx(1.0)


@given(positive, positive, positive)
def test_indices_do_not_depend_on_the_unit(right, left, unit):
    for function in (robinson_index, normalized_index, symmetry_angle, ratio_index):
        assert function(right * unit, left * unit) == pytest.approx(function(right, left), rel=1e-9, abs=1e-9)


@given(st.floats(-1e3, 1e3), st.floats(-1e3, 1e3))
def test_symmetry_angle_stays_within_its_limits(right, left):
    value = symmetry_angle(right, left)
    assert np.isnan(value) if right == left == 0 else -100.0 <= value <= 100.0


def test_division_by_zero_gives_nan_not_infinity():
    assert np.isnan(robinson_index(1.0, -1.0)) and np.isnan(normalized_index(0.0, 0.0))
    assert np.isnan(ratio_index(1.0, 0.0)) and np.isnan(symmetry_angle(0.0, 0.0))
    assert symmetry_angle(1.0, 0.0) == 50.0 and symmetry_angle(0.0, 1.0) == -50.0
    assert all(np.isnan(v.value) for v in symmetry_of(float("nan"), 1.0))


def test_table_names_its_definitions():
    table = symmetry_table({"step_length": 0.39, "only_right": 1.0}, {"step_length": 0.25}, {"step_length": "m"})
    assert list(table["quantity"]) == ["step_length"] and table["unit"].iloc[0] == "m"
    assert table["robinson"].iloc[0] == pytest.approx(43.75)
    assert table.attrs["definitions"] == DEFINITIONS


def test_trend_symmetry_of_like_curves_is_zero_whatever_size_and_offset():
    curve = 20 * np.sin(2 * np.pi * T) + 5 * np.cos(4 * np.pi * T)
    result = trend_symmetry(curve, 0.6 * curve + 12.0)
    assert result.trend == pytest.approx(0.0, abs=1e-9) and result.in_phase
    assert result.range_ratio == pytest.approx(1 / 0.6)
    assert result.range_offset == pytest.approx(curve.mean() * 0.4 - 12.0)
    assert result.main_axis_deg == pytest.approx(np.degrees(np.arctan(0.6)))
    assert result.phase_shift_pct == 0.0


def test_trend_symmetry_against_its_definition():
    """Rotate the points onto the main axis and take the two variances, as the source describes."""
    rng = np.random.default_rng(3)
    right = np.sin(2 * np.pi * T) + 0.1 * rng.normal(size=101)
    left = 0.8 * np.sin(2 * np.pi * T + 0.4) + 0.1 * rng.normal(size=101)
    points = np.column_stack([right - right.mean(), left - left.mean()])
    _, _, rows = np.linalg.svd(points)
    turned = points @ rows.T
    expected = 100 * turned[:, 1].var() / turned[:, 0].var()
    assert trend_symmetry(right, left).trend == pytest.approx(expected, rel=1e-9)


def test_opposite_curves_are_not_called_symmetric():
    curve = np.sin(2 * np.pi * T)
    result = trend_symmetry(curve, -curve)
    assert result.trend == pytest.approx(0.0, abs=1e-9) and not result.in_phase


@pytest.mark.parametrize("delay", [-20, -7, 0, 5, 30, 50])
def test_delay_of_the_right_curve_is_positive(delay: int):
    def wave(t):
        return np.sin(2 * np.pi * t) + 0.4 * np.sin(4 * np.pi * t + 0.5)

    right, left = wave(T - delay / 100), wave(T)
    result = cross_correlation(right, left)
    assert result.lag_pct == pytest.approx(delay) and result.r_max == pytest.approx(1.0)
    assert result.r <= 1.0 + 1e-12
    assert trend_symmetry(right, left).phase_shift_pct == pytest.approx(delay)
    assert "right curve runs later" in result.definition


def test_curves_with_gaps_and_wrong_shapes():
    curve = np.sin(2 * np.pi * T)
    broken = curve.copy()
    broken[3] = np.nan
    assert np.isnan(trend_symmetry(curve, broken).trend) and np.isnan(cross_correlation(curve, broken).r)
    assert np.isnan(trend_symmetry(curve, np.ones(101)).trend)
    for right, left in ((curve, np.ones(101)), (np.ones(101), curve), (broken, curve), (np.ones(101), np.ones(101))):
        found = cross_correlation(right, left)
        assert np.isnan([found.r, found.r_max, found.lag_pct]).all()
    with pytest.raises(ValueError, match="same length"):
        trend_symmetry(curve, curve[:50])
    with pytest.raises(ValueError, match="same length"):
        cross_correlation(curve[:, None], curve[:, None])
