"""Contact is not stance: one stance may load several plates, several times, and its events come from the sum."""

from __future__ import annotations

import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from exogait.analysis.c3d.reader import read_c3d
from exogait.analysis.gait.spatiotemporal import compute_spatiotemporal
from exogait.analysis.signals.measured import LabTrial, process_trial
from exogait.analysis.signals.plates import RELEASE, PlateData
from exogait.analysis.signals.stances import find_stances
from exogait.analysis.signals.strikes import PlateStrike, same_stance
from tests.kit.cut_plate import cut_plate

EVENT_TOLERANCE = 0.002
"""Two plates' own thresholds, before and behind the cut, may move an event by a sample or two of 1 ms, s."""


def measured(trial) -> LabTrial:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return process_trial(trial, force_cutoff=None)


@pytest.mark.parametrize("share", [0.2, 0.4])
@pytest.mark.parametrize("walk", ["2014001/2014001_C4_05", "2015043/2015043_C5_05"])
def test_a_walk_over_a_plate_cut_in_two_is_the_same_walk(real_data: Path, walk: str, share: float):
    """The first plate's own toe off lies in mid-stance; events, forces and stance are those of the whole plate."""
    trial = read_c3d(real_data / f"schreiber2019/{walk}.c3d")
    whole, parts = measured(trial), measured(cut_plate(trial, 0, share))
    assert len(whole.strikes) == 2 and len(parts.strikes) == 3
    assert all(s.accepted for s in parts.strikes), [s.reason for s in parts.strikes]
    side = next(s.side for s in whole.strikes if s.plate == 0)
    (old,), (new,) = ([s for s in lab.stances if s.side == side] for lab in (whole, parts))
    rear = min((s for s in parts.strikes if s.plate in new.plates), key=lambda s: s.start)
    assert rear.stop < old.stop - 0.1
    assert new.plates == (0, 1)
    assert new.start == pytest.approx(old.start, abs=EVENT_TOLERANCE)
    assert new.stop == pytest.approx(old.stop, abs=EVENT_TOLERANCE)
    own = [(e.kind, e.time) for e in whole.events.events if e.side == side]
    found = [(e.kind, e.time) for e in parts.events.events if e.side == side]
    assert [kind for kind, _ in found] == [kind for kind, _ in own]
    np.testing.assert_allclose([t for _, t in found], [t for _, t in own], atol=EVENT_TOLERANCE)
    load, expected = parts.loads[side], whole.loads[side]
    firm = expected.force[:, 1] > 50
    np.testing.assert_allclose(load.force[firm], expected.force[firm], atol=1e-6)
    np.testing.assert_allclose(load.point[firm], expected.point[firm], atol=1e-6)
    np.testing.assert_allclose(load.torque[firm], expected.torque[firm], atol=1e-6)
    np.testing.assert_array_equal(parts.load_known, whole.load_known)
    stances = [
        compute_spatiotemporal(lab.positions, lab.marker_names, lab.rate, lab.roles, lab.events.events).strides
        for lab in (whole, parts)
    ]
    np.testing.assert_allclose(stances[1]["stance_pct"], stances[0]["stance_pct"], atol=0.3)


def contact(plate: int, start: float, stop: float, side: str = "r", distance: float = 0.02) -> PlateStrike:
    return PlateStrike(plate, start, stop, side, True, "", True, distance, 0.0)


def test_contacts_with_no_swing_between_them_are_one_stance():
    rolling = [contact(0, 0.50, 0.80), contact(1, 0.65, 0.66), contact(1, 0.70, 1.15), contact(0, 0.84, 0.90)]
    other = [contact(2, 1.05, 1.70, "l")]
    later = [contact(2, 1.60, 2.20)]
    groups = same_stance([*later, *rolling, *other])
    assert [sorted(row.start for row in group) for group in groups] == [[0.50, 0.65, 0.70, 0.84], [1.05], [1.60]]


def plate(index: int, vertical: np.ndarray, rate: float = 1000.0) -> PlateData:
    n = len(vertical)
    force = np.stack([np.zeros(n), vertical, np.zeros(n)], axis=1)
    nothing, free = np.zeros((n, 3)), np.zeros(n)
    return PlateData(
        index, 2, rate, force, vertical, nothing, nothing, free, vertical > 20, (), np.zeros((4, 3)), np.zeros(3),
        np.zeros(6), 20.0,
    )  # fmt: skip


def test_a_stance_over_two_plates_begins_and_ends_where_the_sum_says():
    """Both plates take up a foot that rises by 1 N a ms, half each: each alone comes to 20 N 20 ms later."""
    time = np.arange(0.0, 1.0, 0.001)
    half = 0.5 * np.interp(time, [0.2, 0.9, 0.95], [0.0, 700.0, 0.0], left=0.0)
    strikes = [contact(0, 0.240, 0.95), contact(1, 0.240, 0.95)]
    (stance,) = find_stances([plate(0, half), plate(1, half)], strikes)
    assert stance.plates == (0, 1) and stance.start == pytest.approx(0.220, abs=1e-6)
    assert stance.stop == pytest.approx(0.95 - 0.05 * 20 * RELEASE / 700, abs=1e-6)
    (alone,) = find_stances([plate(0, half)], strikes[:1])
    assert (alone.start, alone.stop) == (0.240, 0.95)


def test_a_contact_with_no_foot_near_it_is_in_no_ones_stance():
    groups = same_stance([contact(0, 0.5, 1.1), contact(1, 0.6, 0.9, distance=0.4), contact(1, 0.6, 0.9, side="")])
    assert [len(group) for group in groups] == [1, 1, 1]


def test_what_cannot_be_used_on_one_plate_cannot_be_used_on_the_other(real_data: Path):
    trial = cut_plate(read_c3d(real_data / "schreiber2019/2014001/2014001_C4_05.c3d"), 0)
    before = measured(trial)
    (stance,) = (s for s in before.stances if len(s.plates) == 2)
    lost, good = stance.plates
    contact_lost = next(s for s in before.strikes if s.plate == lost)
    at = int(0.5 * (contact_lost.start + contact_lost.stop) * trial.analog_rate)
    analog = np.array(trial.analog)
    analog[at : at + 5, list(trial.platforms[lost].channels)] = np.nan
    lab = measured(replace(trial, analog=analog))
    reasons = {s.plate: s.reason for s in lab.strikes if not s.accepted}
    assert set(reasons) == {lost, good}
    assert reasons[lost] == "5 force samples are missing (not a number)"
    assert reasons[good].startswith(f"the same stance on plate {lost + 1} cannot be used (5 force samples")
    assert not lab.loads[stance.side].loaded.any()
