"""The corruption study in short: every kind changes what it says, some are caught, and the count is honest."""

from __future__ import annotations

import numpy as np
import pytest

from exogait.analysis.c3d.recording import read_recording
from exogait.analysis.lab.manifest import ManifestRow
from exogait.analysis.made_up.person import make_synthetic_trial
from tests.validation.corrupt.kinds import KINDS, NotPossible, Pair
from tests.validation.corrupt.road import compute, judge, read, write
from tests.validation.corruptions import KEPT, Outcome, compare


@pytest.fixture(scope="module")
def person(tmp_path_factory):
    folder = tmp_path_factory.mktemp("corrupted")
    made = make_synthetic_trial(folder, seed=3, n_cycles=2, cycle=1.0)
    row = ManifestRow(name="made_up", subject="made_up", static=made.static, walk=made.walk, mass=made.mass)
    resting, recording = read_recording(made.static), read_recording(made.walk)
    return row, Pair(resting, recording, made.mass, resting), folder / "road"


def test_there_are_thirty_kinds_and_each_changes_what_is_read(person) -> None:
    _, pair, _ = person
    assert len(KINDS) >= 30
    for name, corrupt in KINDS.items():
        try:
            changed, size = corrupt(np.random.default_rng(1), pair)
        except NotPossible:
            continue
        parts = [("resting", "positions"), ("recording", "positions"), ("recording", "analog")]
        arrays = [(getattr(getattr(p, a), b)) for a, b in parts for p in (pair, changed)]
        pairs = zip(arrays[::2], arrays[1::2], strict=True)
        same = all(a.shape == b.shape and bool(np.all((a == b) | (np.isnan(a) & np.isnan(b)))) for a, b in pairs)
        facts = [
            (p.mass, p.recording.point_rate, p.recording.events, p.recording.marker_names) for p in (pair, changed)
        ]
        corners = [np.concatenate([plate.corners for plate in p.recording.platforms]) for p in (pair, changed)]
        assert size and not (same and facts[0] == facts[1] and np.array_equal(corners[0], corners[1])), name


@pytest.mark.slow
@pytest.mark.parametrize("name", ["sign_of_Fy", "wrong_mass", "moment_unit", "gain_of_vertical"])
def test_what_is_wrong_is_not_reported(person, name: str) -> None:
    row, pair, out = person
    clean = judge(compute(row, pair, "", out))
    changed, what = KINDS[name](np.random.default_rng(2), pair)
    write(compute(row, changed, what, out), out / "kept.gz")
    kept = read(out / "kept.gz")
    found = judge(kept)
    assert clean is not None and found is not None and kept.what == what and clean.failed == ()
    pushed, wrong, _, _ = compare(clean.shown, clean.units, found.raw, found.shown)
    assert pushed and wrong == ()


def test_caught_is_nothing_wrong_and_enough_left() -> None:
    clean, units = {"a": 10.0, "b": 20.0, "c": 30.0}, dict.fromkeys("abc", "°")
    raw = {"a": 15.0, "b": 20.0, "c": 30.5}
    nan = float("nan")
    for shown, wrong, kept in (
        (raw, 1, 1.0),
        ({"a": nan, "b": 20.0, "c": 30.5}, 0, 1.0),
        ({"a": nan, "b": 20.0, "c": nan}, 0, 0.5),
    ):
        pushed, found, lost, share = compare(clean, units, raw, shown)
        assert pushed and len(found) == wrong and share == kept and lost == (("c",) if kept < 1 else ())
        outcome = Outcome("w", "s", "k", "1", "", "", found, lost, share)
        assert outcome.caught == (wrong == 0 and kept >= KEPT)
    assert compare(clean, units, clean, clean) == (False, (), (), 1.0)
