"""Weakness from kinetics: found where moment and power say so, never from angles, with intervals that hold."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from exogait.analysis.gait.power import joint_powers
from exogait.analysis.outcomes.deficit import GROUPS, MIN_STRIDES, DeficitEstimate, estimate_deficit, ratio_interval
from exogait.data import GaitEvent, GaitTrial
from exogait.data.errors import InputError
from exogait.data.trial import SIDES, select_columns
from exogait.models.deficit import load_deficit

CYCLE, MASS, RATE = 1.0, 70.0, 200.0
JOINTS = ("hip_flexion", "hip_adduction", "knee_angle", "ankle_angle")


def bump(phase: np.ndarray, start: float, stop: float) -> np.ndarray:
    """One smooth hump between two phases, peak 1."""
    share = np.clip((phase - start) / (stop - start), 0.0, 1.0)
    return np.sin(np.pi * share) ** 2


def walk(
    moments: Mapping[str, float] | None = None, motion: float = 1.0, n_strides: int = 8, seed: int = 0
) -> GaitTrial:
    """A made-up walk whose powers are moment times speed.

    Args:
        moments: Joint with side to factor on its moment.
        motion: Factor on the angles, and so on the joint speeds, of the right leg.
        n_strides: Strides of each leg.
        seed: Of the 3 % by which moments vary between strides.
    """
    time = np.arange(0.0, n_strides * CYCLE + 0.6, 1 / RATE)
    index, rng = pd.Index(time, name="time"), np.random.default_rng(seed)
    q: dict[str, np.ndarray] = {"pelvis_tx": 1.2 * time}
    force: dict[str, np.ndarray] = {}
    events = []
    for side in SIDES:
        begun = time - (0.5 * CYCLE if side == "l" else 0.0)
        phase, number = begun / CYCLE % 1.0, np.floor(begun / CYCLE).astype(int)
        size = motion if side == "r" else 1.0
        q[f"hip_flexion_{side}"] = size * 0.35 * np.cos(2 * np.pi * phase)
        q[f"hip_adduction_{side}"] = size * 0.1 * np.sin(2 * np.pi * phase)
        q[f"knee_angle_{side}"] = -size * 0.2 * (1 - np.cos(4 * np.pi * phase))
        q[f"ankle_angle_{side}"] = size * 0.15 * np.sin(2 * np.pi * (phase - 0.2))
        shapes = {
            "hip_flexion": -0.4 * np.cos(2 * np.pi * phase),
            "hip_adduction": -0.7 * bump(phase, 0.0, 0.6),
            "knee_angle": 0.3 * bump(phase, 0.0, 0.4),
            "ankle_angle": -1.2 * bump(phase, 0.1, 0.65),
        }
        for name in JOINTS:
            factor = (moments or {}).get(f"{name}_{side}", 1.0)
            varied = 1.0 + 0.03 * rng.standard_normal(n_strides + 3)
            force[f"{name}_{side}"] = MASS * factor * varied[number + 1] * shapes[name]
        for k in range(n_strides + 1):
            events.append(GaitEvent(float((k + 0.5 * (side == "l")) * CYCLE), side, "heel_strike", "plate"))
    coordinates, forces = pd.DataFrame(q, index=index), pd.DataFrame(force, index=index)
    speeds = pd.DataFrame({name: np.gradient(values, time) for name, values in q.items()}, index=index)
    return GaitTrial(
        name="made_up", coordinates=coordinates, speeds=speeds, generalized_forces=forces,
        joint_powers=joint_powers(forces, speeds), events=tuple(events),
        metadata={"subject_mass": MASS, "source": "lab", "speed": 1.2},
    )  # fmt: skip


def of(estimate: DeficitEstimate, group: str):
    return next(found for found in estimate.groups if found.group == group)


def test_every_group_is_known_and_none_is_weak_in_an_even_walk() -> None:
    estimate = estimate_deficit(walk())
    assert {group.group for group in estimate.groups} == set(GROUPS)
    assert {group.verdict for group in estimate.groups} == {"no evidence"}, estimate.table()
    assert np.isfinite(estimate.quantities[["low", "high"]].to_numpy()).all()
    with pytest.raises(InputError, match="weak group"):
        estimate.write_deficit("none.yaml")


@pytest.mark.parametrize(
    ("joint", "groups"),
    [
        ("ankle_angle", {"plantarflexors"}),
        ("knee_angle", {"quadriceps"}),
        ("hip_adduction", {"hip_abductors"}),
        ("hip_flexion", {"hip_flexors", "hip_extensors"}),
    ],
)
@pytest.mark.parametrize("side", SIDES)
def test_half_the_moment_is_half_the_strength(joint: str, groups: set[str], side: str, tmp_path: Path) -> None:
    estimate = estimate_deficit(walk({f"{joint}_{side}": 0.5}))
    assert {group.group for group in estimate.weak} == groups
    for group in estimate.weak:
        assert group.side == side and group.low < 50.0 < group.high < 60.0, group
    deficit = load_deficit(estimate.write_deficit(tmp_path / "found.yaml"))
    assert deficit.side == {"r": "right", "l": "left"}[side]
    assert dict(deficit.groups) == pytest.approx({g.group: g.percent for g in estimate.weak}, abs=0.06)


@pytest.mark.parametrize("side", SIDES)
def test_a_ratio_has_an_interval_where_both_legs_have_strides_enough(side: str) -> None:
    trial = walk({f"ankle_angle_{side}": 0.5})
    strikes = [event for event in trial.events if event.side == side]
    few = trial.replace(events=tuple(event for event in trial.events if event not in strikes[MIN_STRIDES:]))
    table = estimate_deficit(few).quantities.set_index("quantity")
    known = estimate_deficit(trial).quantities.set_index("quantity")
    assert np.isfinite(known[["low", "high"]].to_numpy()).all()
    assert table[["low", "high"]].isna().to_numpy().all() and np.isfinite(table["percent"]).all()


def test_ranges_of_motion_alone_change_no_estimate() -> None:
    even, stiff = walk(), walk(motion=0.4)
    assert even.coordinates is not None and stiff.coordinates is not None
    shown = even.replace(coordinates=stiff.coordinates)  # angles alone
    pd.testing.assert_frame_equal(estimate_deficit(shown).quantities, estimate_deficit(even).quantities)
    # Angles with the joint speeds and powers that belong to them: powers of the right leg are 40 %, moments as before.
    before, after = estimate_deficit(even).table(), estimate_deficit(stiff).table()
    numbers = ["percent", "low", "high"]
    pd.testing.assert_frame_equal(select_columns(after, numbers), select_columns(before, numbers))
    assert not estimate_deficit(stiff).weak
    # And a weak leg that moves less is as weak as one that moves as before.
    weak = {"ankle_angle_r": 0.5}
    assert estimate_deficit(walk(weak, motion=0.4)).weak == estimate_deficit(walk(weak)).weak


def test_moment_and_power_have_to_agree() -> None:
    trial = walk({"ankle_angle_r": 0.5})
    assert trial.joint_powers is not None
    powers = trial.joint_powers.assign(ankle_angle_r=2.0 * trial.joint_powers["ankle_angle_r"])
    found = of(estimate_deficit(trial.replace(joint_powers=powers)), "plantarflexors")
    assert found.verdict == "no evidence" and "does not agree" in found.why and found.percent < 60.0


def test_a_leg_as_strong_as_healthy_people_s_is_not_weak() -> None:
    # 1.5 N m/kg against 2.4: the ratio is 62 %, but healthy people show 1.3.
    found = of(estimate_deficit(walk({"ankle_angle_r": 1.25, "ankle_angle_l": 2.0})), "plantarflexors")
    assert found.verdict == "no evidence" and "healthy people" in found.why and found.high < 70.0


def test_few_strides_give_no_interval() -> None:
    weak = {"ankle_angle_r": 0.5}
    few = of(estimate_deficit(walk(weak, n_strides=MIN_STRIDES - 1)), "plantarflexors")
    assert few.verdict == "too few strides" and np.isnan(few.low)
    # Two walks of the same person are pooled.
    pooled = estimate_deficit([walk(weak, n_strides=3), walk(weak, n_strides=3, seed=1)])
    assert of(pooled, "plantarflexors").verdict == "weak"
    # Strides whose kinetics are not known do not count.
    trial = walk(weak)
    assert trial.coordinates is not None
    unknown = pd.DataFrame({"r": False, "l": True, "pelvis": True}, index=trial.coordinates.index)
    hidden = estimate_deficit(trial.replace(masks={"valid_kinetics": unknown}))
    assert {group.verdict for group in hidden.groups} == {"not measured"}
    with pytest.raises(InputError):
        estimate_deficit([])


def test_few_strides_of_one_leg_widen_the_interval() -> None:
    """Four strides against forty: all 256 resamples of the four, at the level of t with three degrees of freedom."""
    weak, sound = np.array([1.0, 2.0, 4.0, 8.0]), np.full(40, 5.0)
    means = np.array([np.mean(drawn) for drawn in itertools.product(weak, repeat=4)])
    # sqrt(4 / 3) x 3.182 = 3.674 standard normal: 0.012 % on each side, beyond the one resample of 256 at either end.
    for first, second, factor in ((weak, sound, 20.0), (sound, weak, None)):
        ratio, low, high = ratio_interval(first, second, np.random.default_rng(0))
        ends = (means.min(), means.max()) if factor else (means.max(), means.min())
        assert ratio == pytest.approx(100.0 * first.mean() / second.mean())
        assert low == pytest.approx(20.0 * ends[0] if factor else 500.0 / ends[0])
        assert high == pytest.approx(20.0 * ends[1] if factor else 500.0 / ends[1])


def test_distance_from_healthy_people_is_in_their_standard_deviations() -> None:
    rows = estimate_deficit(walk({"ankle_angle_r": 0.5})).quantities
    known = rows[np.isfinite(rows["norm"])]
    assert len(known) >= 4
    for name in ("right", "left"):
        wanted = (known[f"mean_{name}"] - known["norm"]) / known["norm_sd"]
        np.testing.assert_allclose(known[f"z_{name}"], wanted)
    assert (known["norm_sd"] > 0).all()


def test_the_same_seed_gives_the_same_interval() -> None:
    first, again, other = ([group.low for group in estimate_deficit(walk(), seed=seed).groups] for seed in (3, 3, 4))
    assert first == again and first != other


@pytest.mark.parametrize("n", [4, 6, 20])
def test_intervals_cover_what_they_say(n: int) -> None:
    rng = np.random.default_rng(n)
    truth, repeats, hit = 70.0, 300, 0
    for _ in range(repeats):
        _, low, high = ratio_interval(0.7 + 0.1 * rng.standard_normal(n), 1 + 0.1 * rng.standard_normal(n), rng)
        hit += low <= truth <= high
    # 95 %, less three standard errors of 300 repeats and 2 % for so few strides.
    assert hit / repeats > 0.95 - 3 * np.sqrt(0.05 * 0.95 / repeats) - 0.02
