"""Electromyography: made bursts, limits of the sampling rate, normalisation, real channels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from exogait.analysis.c3d.reader import (
    read_c3d,
)
from exogait.analysis.gait.cycle import find_strides, normalize_cycles
from exogait.analysis.signals.emg import active_share, emg_channels, normalize_emg, process_emg
from exogait.analysis.signals.measured import (
    process_trial,
)
from exogait.data.errors import InputError, UnknownNameError

RATE = 1000.0
T = np.arange(6000) / RATE


def burst(amplitude: float = 1.0, frequency: float = 120.0) -> np.ndarray:
    return amplitude * np.sin(2 * np.pi * frequency * T) * ((T % 2.0 > 0.8) & (T % 2.0 < 1.2))


def test_envelope_of_a_burst():
    signal = np.column_stack([burst(), burst(0.5)]) + 0.3 + 0.2 * np.sin(2 * np.pi * 3 * T)[:, None]
    result = process_emg(signal, RATE, names=["a", "b"])
    assert result.notes == ()  # nothing is wrong with them
    # Offset and sway of the skin are outside the band; the mean of a rectified sine is 2 / pi of its height.
    middle, rest = result.values[(T % 2 > 0.95) & (T % 2 < 1.05)], result.values[(T % 2 < 0.4) & (T > 0.5)]
    assert middle[:, 0].mean() == pytest.approx(2 / np.pi, rel=0.06)
    assert middle[:, 1].mean() == pytest.approx(1 / np.pi, rel=0.06)
    assert rest.max() < 0.02
    assert result.values.min() >= 0.0
    assert result.to_frame().attrs["units"] == "V" and list(result.to_frame().columns) == ["a", "b"]


@pytest.mark.parametrize(("frequency", "passes"), [(8.0, False), (50.0, True), (300.0, True), (470.0, False)])
def test_band(frequency: float, passes: bool):
    result = process_emg(np.sin(2 * np.pi * frequency * T), RATE)
    level = result.values[2000:4000, 0].mean()
    assert level > 0.55 if passes else level < 0.25


def test_band_gives_way_to_a_slow_converter():
    slow = process_emg(burst()[::2], 500.0)
    assert slow.band == (20.0, 225.0) and "225 Hz instead of 400 Hz" in " ".join(slow.notes)
    for rate in (40.0, 10.0):
        with pytest.raises(InputError, match="too slow"):
            process_emg(burst()[:400], rate)
    with pytest.raises(InputError):
        process_emg(burst(), RATE, band=(400.0, 20.0))


def test_flaws_are_noted():
    clipped = np.clip(3 * np.sin(2 * np.pi * 30 * T), -1, 1)
    broken = burst()
    broken[100:200] = np.nan
    result = process_emg(np.column_stack([np.zeros(6000), clipped, broken]), RATE, names=["dead", "clipped", "gap"])
    text = " ".join(result.notes)
    assert "dead: the channel is constant" in text and "clipped: " in text and "gap: 100 samples" in text
    assert np.isnan(result.values[150, 2])
    with pytest.raises(ValueError, match="names for"):
        process_emg(burst(), RATE, names=["a", "b"])


def test_normalisation():
    envelope = process_emg(np.column_stack([burst(), np.zeros(6000)]), RATE, names=["a", "dead"])
    own = normalize_emg(envelope)
    assert np.nanmax(own.values[:, 0]) == pytest.approx(1.0) and np.isnan(own.values[:, 1]).all()
    assert own.unit == "1" and "own 100th percentile" in own.normalized_by
    given = normalize_emg(envelope, {"a": 2.0, "dead": 1.0})
    np.testing.assert_allclose(given.values[:, 0], envelope.values[:, 0] / 2.0)
    with pytest.raises(UnknownNameError):
        normalize_emg(envelope, {"a": 1.0, "deaf": 1.0})
    with pytest.raises(InputError):
        normalize_emg(envelope, {"a": 1.0})
    with pytest.raises(InputError):
        normalize_emg(envelope, {"a": -1.0, "dead": 1.0})


def test_muscles_of_a_healthy_walk_work_when_textbooks_say(real_data: Path):
    trial = read_c3d(real_data / "schreiber2019/2014001/2014001_C4_05.c3d")
    channels = emg_channels(trial)
    assert len(channels) == 8
    samples = trial.analog[:, [trial.analog_names.index(name) for name in channels]]
    envelope = normalize_emg(process_emg(samples, trial.analog_rate, names=channels))
    strides = find_strides(process_trial(trial).events.events, "r")
    stack = normalize_cycles(envelope.time, envelope.values, strides, channels=channels)
    share = active_share(stack)
    assert all(5 < value < 100 for value in share.values())
    calf = [name for name in channels if "GAS" in name.upper() or "SOL" in name.upper()]
    for name in calf:
        # The calf works in mid and terminal stance, not in swing.
        curve = stack.channel(name).mean(axis=0)
        assert 15 < np.nanargmax(curve) < 62
        assert np.nanmean(curve[20:50]) > 2 * np.nanmean(curve[65:90])


def test_plates_are_no_muscles(real_data: Path):
    trial = read_c3d(real_data / "clinical_labs/AUC/dynamic/CB_Dynamic0003.c3d")
    assert emg_channels(trial) == ()
