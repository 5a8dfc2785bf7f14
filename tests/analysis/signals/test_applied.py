"""Plates of a table: the clock, the sign, whose foot, and what counts beyond the threshold."""

from dataclasses import replace

import numpy as np
import pytest

from exogait.analysis.c3d.applied import AppliedForce, ForceRecord
from exogait.analysis.signals.applied import TABLE, heed_statements, on_clock, plates_of_table, table_loads
from exogait.analysis.signals.frame import LabFrame
from exogait.analysis.signals.stances import find_stances
from exogait.analysis.signals.strikes import PlateStrike
from exogait.data.errors import FileFormatError

RATE = 100.0
ROUNDING = 1e-6
"""N: times off by 1e-14 s on a slope of 70 kN/s."""
FRAME = LabFrame(np.eye(3), "+x", "+y", "", "", 0.0, ())


def record(vertical: np.ndarray, *, start: float = 0.0, body: str = "") -> ForceRecord:
    """A table with one plate under a foot that stands still."""
    n = len(vertical)
    force = np.column_stack([np.zeros(n), vertical, np.zeros(n)])
    point = np.tile([0.3, 0.0, 0.1], (n, 1))
    return ForceRecord("g.mot", start + np.arange(n) / RATE, (AppliedForce("1", force, point, 0 * force, body),))


def strike(side: str, **changes: object) -> PlateStrike:
    row = PlateStrike(0, 0.2, 0.7, side, bool(side), "by geometry", True, 0.01 if side else np.nan, np.nan)
    return replace(row, **changes)  # pyright: ignore[reportArgumentType]


def pulse(n: int = 101, low: float = 0.0) -> np.ndarray:
    force = np.full(n, low)
    force[20:71] = 700.0
    return force


class _Recording:
    """What ``plates_of_table`` asks of a recording."""

    def __init__(self, forces: ForceRecord, n_frames: int = 101, start: float = 0.0) -> None:
        self.forces, self.n_frames, self.start, self.point_rate = forces, n_frames, start, RATE


def plates(forces: ForceRecord, **recording: object):
    return plates_of_table(_Recording(forces, **recording), FRAME, threshold=20.0, cutoff=None)  # pyright: ignore


def test_the_table_comes_on_the_motions_clock():
    placed = on_clock(record(pulse(), start=5.0), 5.1, 1.0)
    assert placed.time[0] == 0.0
    np.testing.assert_allclose(placed.ground[0].force[:91, 1], pulse()[10:], atol=ROUNDING)
    assert np.isnan(placed.ground[0].force[92:]).all()  # the table ends before the motion: nothing is known there
    with pytest.raises(FileFormatError, match="one clock"):
        on_clock(record(pulse(), start=5.0), 100.0, 1.0)


def test_a_table_that_ends_under_a_foot_makes_no_event():
    cut = plates(record(pulse()[:50]))
    whole = plates(record(pulse()))
    assert [(s.begins, s.ends) for s in find_stances(cut, [strike("r", stop=0.49)])] == [(True, False)]
    assert [(s.begins, s.ends) for s in find_stances(whole, [strike("r")])] == [(True, True)]


def test_force_on_the_floor_is_turned():
    (plate,) = plates(record(-pulse()))
    np.testing.assert_allclose(plate.force[:, 1], pulse(), atol=ROUNDING)
    assert "sign" in plate.notes[0]
    np.testing.assert_allclose(plate.cop[40], [0.3, 0.0, 0.1], atol=1e-12)


def test_a_plate_of_a_table_is_of_no_type_of_the_file_format_and_may_lie_above_the_floor():
    one = record(pulse())
    ground = replace(one.ground[0], force=np.add(one.ground[0].force, (60.0, 0.0, -30.0)))
    raised = replace(one, ground=(replace(ground, point=np.add(ground.point, (0.0, 0.05, 0.0))),))
    (plate,) = plates(raised)
    assert plate.type == TABLE and TABLE not in (1, 2, 3, 4)
    np.testing.assert_allclose(plate.cop[40], [0.3, 0.05, 0.1], atol=1e-12)
    assert plate.free_moment[40] == pytest.approx(0.0, abs=1e-9)


def test_markers_decide_and_the_file_where_they_cannot():
    said = record(pulse(), body="talus_r")
    (overruled,) = heed_statements([strike("l")], said)
    assert overruled.side == "l"
    assert "the file says right" in overruled.reason
    (taken,) = heed_statements([strike("", reason="no heel and toe markers are known: not assigned")], said)
    assert taken.side == "r"
    assert taken.accepted
    (nobody,) = heed_statements([strike("", reason="no foot stands near: not assigned")], said)
    assert not nobody.accepted  # its markers are known, and elsewhere


def test_a_plate_of_one_foot_is_that_foots_below_the_threshold_too():
    found = plates(record(pulse(low=8.0)))
    load = table_loads(found, [strike("r")])["r"]
    np.testing.assert_allclose(load.force[:, 1], pulse(low=8.0), atol=ROUNDING)
    np.testing.assert_allclose(load.point[5], [0.3, 0.0, 0.1], atol=1e-12)
    both = [strike("r", stop=0.4), strike("l", start=0.5)]
    assert table_loads(found, both)["r"].force[5, 1] == 0.0  # between two feet nobody knows whose it is
