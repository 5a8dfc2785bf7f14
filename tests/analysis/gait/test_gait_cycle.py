"""Gait cycles: strides from events, 101 points, ensemble mean and spread."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exogait.analysis.gait.cycle import CycleStack, Stride, find_strides, normalize_cycles, trial_cycles
from exogait.data.errors import InputError, UnknownNameError
from exogait.data.trial import GaitEvent, GaitTrial


def walk(n: int = 4, period: float = 1.1) -> list[GaitEvent]:
    events = []
    for k in range(n):
        for side, shift in (("r", 0.0), ("l", 0.5)):
            events.append(GaitEvent((k + shift) * period, side, "heel_strike"))
            events.append(GaitEvent((k + shift + 0.6) * period, side, "toe_off"))
    return events


def stride(start: float, stop: float) -> Stride:
    return Stride("r", start, stop, np.nan, np.nan, np.nan)


def test_strides_carry_the_events_inside_them():
    strides = find_strides(walk(), "r")
    assert len(strides) == 3
    first = strides[0]
    assert first.duration == pytest.approx(1.1)
    assert first.toe_off_pct == pytest.approx(60.0)
    # At the first strike the left foot's toe off of the stride before is not in the list: it follows at 110 %.
    assert strides[1].other_toe_off - strides[1].start == pytest.approx(0.1 * 1.1)
    assert strides[1].other_heel_strike - strides[1].start == pytest.approx(0.5 * 1.1)


def test_a_missing_heel_strike_makes_no_double_stride():
    events = [e for e in walk(8) if not (e.side == "r" and e.kind == "heel_strike" and abs(e.time - 3.3) < 0.01)]
    assert [round(s.start, 1) for s in find_strides(events, "r")] == [0.0, 1.1, 4.4, 5.5, 6.6]


def test_strides_shorter_than_0_3_or_longer_than_4_s_are_none():
    for period, kept in ((0.28, 0), (0.31, 2), (3.9, 2), (4.2, 0)):
        events = [GaitEvent(k * period, "l", "heel_strike") for k in range(3)]
        assert len(find_strides(events, "l")) == kept, period


def test_side_must_be_a_side():
    with pytest.raises(InputError):
        find_strides(walk(), "right")  # type: ignore[arg-type]


@settings(max_examples=50, deadline=None)
@given(
    start=st.floats(0.0, 2.0),
    duration=st.floats(0.5, 2.0),
    slope=st.floats(-5, 5),
    offset=st.floats(-10, 10),
    n_points=st.integers(2, 300),
)
def test_linear_signals_are_normalised_exactly(start, duration, slope, offset, n_points):
    """Property: a straight line stays one, both ends are on the grid, and the grid has the points asked for."""
    time = np.linspace(0, 4, 401)
    stack = normalize_cycles(time, offset + slope * time, [stride(start, start + duration)], n_points=n_points)
    assert stack.values.shape == (1, n_points, 1)
    assert stack.percent[0] == 0.0 and stack.percent[-1] == 100.0
    expected = offset + slope * (start + duration * np.linspace(0, 1, n_points))
    np.testing.assert_allclose(stack.values[0, :, 0], expected, atol=1e-9)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 6), st.integers(1, 4), st.integers(0, 10**6))
def test_mean_and_sd_are_those_of_numpy_where_nothing_is_missing(n_cycles, n_channels, seed):
    values = np.random.default_rng(seed).normal(size=(n_cycles, 101, n_channels))
    stack = CycleStack(tuple(f"c{i}" for i in range(n_channels)), values, ())
    np.testing.assert_allclose(stack.mean(), values.mean(axis=0), atol=1e-12)
    if n_cycles > 1:
        np.testing.assert_allclose(stack.sd(), values.std(axis=0, ddof=1), atol=1e-12)
    else:
        assert np.isnan(stack.sd()).all()
    table = stack.to_frame()
    assert list(table.columns[:2]) == ["c0_mean", "c0_sd"] and table.index.name == "percent"


def test_missing_samples_stay_missing_and_are_left_out_of_the_mean():
    time = np.arange(301) / 100.0
    values = np.ones((301, 1))
    values[50:60] = np.nan
    stack = normalize_cycles(time, values, [stride(0.0, 1.0), stride(1.0, 2.0), stride(2.5, 3.5)])
    assert np.isnan(stack.values[0, 52, 0]) and stack.mean()[52, 0] == 1.0
    # The last cycle runs past the recording: nothing is extrapolated.
    assert np.isnan(stack.values[2, 60:, 0]).all() and np.isfinite(stack.values[2, :50, 0]).all()
    assert np.isnan(stack.range_of_motion()[0, 0]) and stack.range_of_motion()[1, 0] == 0.0


def test_trial_cycles_speak_opensims_names():
    index = pd.Index(np.arange(500) / 100.0, name="time")
    table = pd.DataFrame({"knee_angle_r": np.sin(index * 2), "knee_angle_l": np.cos(index * 2)}, index=index)
    trial = GaitTrial(name="walk", coordinates=table, events=tuple(walk()))
    stack = trial_cycles(trial, "coordinates", ["knee_angle_{side}"], "l")
    assert stack.channels == ("knee_angle_l",) and stack.n_cycles == 3 and stack.units["knee_angle_l"] == "rad"
    assert stack.channel("knee_angle_l")[0, 0] == pytest.approx(np.cos(2 * 0.55), abs=1e-4)
    with pytest.raises(UnknownNameError, match="did you mean"):
        trial_cycles(trial, "coordinates", ["knee_angel_{side}"], "l")
    with pytest.raises(UnknownNameError):
        stack.channel("hip")


def test_stacks_join_and_refuse_what_does_not_fit():
    time = np.arange(301) / 100.0
    one = normalize_cycles(time, time, [stride(0, 1)], channels=["a"])
    two = normalize_cycles(time, 2 * time, [stride(0, 1), stride(1, 2)], channels=["a"])
    both = one.join(two)
    assert both.n_cycles == 3 and len(both.strides) == 3
    with pytest.raises(ValueError, match="same channels"):
        one.join(normalize_cycles(time, time, [], channels=["b"]))
    with pytest.raises(ValueError, match="samples"):
        normalize_cycles(time, np.ones(7), [])
    with pytest.raises(InputError):
        normalize_cycles(time, time, [], n_points=1)
    with pytest.raises(ValueError, match="channels"):
        CycleStack(("a", "b"), np.zeros((1, 101, 1)), ())
    assert normalize_cycles(time, time, []).n_cycles == 0
