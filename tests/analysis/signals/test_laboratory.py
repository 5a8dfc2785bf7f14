"""The laboratory's own angles and moments in our names, signs and units, whatever unit the file says."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from exogait.analysis.c3d.recording import read_recording
from exogait.analysis.made_up.person import make_synthetic_trial
from exogait.analysis.signals.laboratory import stated_results

MASS = 60.0


@pytest.fixture(scope="module")
def recording(tmp_path_factory):
    person = make_synthetic_trial(tmp_path_factory.mktemp("person"), seed=3, n_cycles=2, cycle=1.0)
    return read_recording(person.walk)


def with_outputs(recording, **outputs):
    """The recording with outputs whose first component is constant, in the file's units."""
    values = np.zeros((recording.n_frames, len(outputs), 3))
    values[:, :, 0] = list(outputs.values())
    return replace(recording, output_names=tuple(outputs), outputs=values)


def test_a_file_without_outputs_states_nothing(recording) -> None:
    assert stated_results(recording, MASS) is None


def test_angles_have_our_signs(recording) -> None:
    table = stated_results(with_outputs(recording, **{"Anna:LKneeAngles": 60.0, "RHipAngles": 30.0}), MASS)
    assert table is not None
    assert table["coordinates/knee_angle_l"].iloc[0] == pytest.approx(-np.pi / 3)
    assert table["coordinates/hip_flexion_r"].iloc[0] == pytest.approx(np.pi / 6)
    assert not any("ankle" in str(column) for column in table)


@pytest.mark.parametrize("unit", [1e-3 * MASS, 1e-3, 1.0, MASS])
def test_the_size_of_the_ankle_moment_tells_the_unit(recording, unit: float) -> None:
    table = stated_results(with_outputs(recording, RAnkleMoment=1.4 * MASS / unit, RKneeMoment=0.6 * MASS / unit), MASS)
    assert table is not None
    assert table["generalized_forces/ankle_angle_r"].iloc[0] == pytest.approx(-1.4 * MASS)
    assert table["generalized_forces/knee_angle_r"].iloc[0] == pytest.approx(0.6 * MASS)


def test_moments_of_no_persons_size_are_left_out(recording) -> None:
    table = stated_results(with_outputs(recording, RAnkleMoment=0.11, RHipAngles=5.0), MASS)
    assert table is not None and list(table) == [c for c in table if str(c).startswith("coordinates/")]
