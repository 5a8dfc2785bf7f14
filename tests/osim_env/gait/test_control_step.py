"""The ideas of a control step as plain functions: what they give for arrays that one can work out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from exogait.osim_env.gait.config import WorldConfig
from exogait.osim_env.gait.setup import WorldSetup, make_world
from exogait.osim_env.gait.step import command, ends
from exogait.osim_env.gait.step.disturbance import renew_pushes
from exogait.osim_env.gait.step.observation import names_of, observe
from exogait.osim_env.gait.step.rewards import evaluate, human_terms, without_the_dead
from exogait.osim_env.gait.view import find_columns
from exogait.osim_env.gait.world import GaitWorld


@pytest.fixture(scope="module")
def world() -> GaitWorld:
    config = WorldConfig(early_termination=False, reset_noise=0.02)
    return make_world(WorldSetup(device="hip_ankle"), config, n_envs=3, seed=0, auto_reset=False)


def test_every_block_of_the_observation_has_as_many_numbers_as_names(world: GaitWorld) -> None:
    table = world.observation_table
    view = world.view()
    for block in table:
        assert block.values(view).shape == (3, len(block.names)), block.names
        if block.mirror is not None:
            index, sign = block.mirror
            assert sorted(index) == list(range(len(block.names))) and set(np.abs(sign)) == {1.0}
    assert names_of(table) == world.human_observation_names
    np.testing.assert_array_equal(observe(table, view), world.human_observation())
    assert len(set(names_of(table))) == len(names_of(table))


def test_what_the_mirror_exchanges_are_the_names_of_both_sides(world: GaitWorld) -> None:
    """In the second half of a stride the entry "... near" is the left leg's."""

    def other(name: str) -> str:
        here, there = (" far", " near") if " far" in name else (" near", " far")
        return there.join(name.rsplit(here, 1))

    names = list(world.human_observation_names)
    near = world.view()._replace(phase=np.full(3, 0.25))
    far = near._replace(phase=np.full(3, 0.75))
    first, second = (observe(world.observation_table, view) for view in (near, far))
    for k, name in enumerate(names):
        if name.startswith("previous"):  # given in the frame of its own time
            continue
        same = second[:, names.index(other(name))]
        np.testing.assert_array_equal(np.abs(first[:, k]), np.abs(same), err_msg=name)


def test_rewards_are_functions_of_the_view_alone(world: GaitWorld) -> None:
    view = world.view()
    terms = human_terms({"keep_path": 2.0, "imitate_pose": 1.0, "upright": 1.0}, imitation_weight=0.5)
    off = view.q.copy()
    off[:, view.columns.tz] = 0.3
    there = view._replace(q=off, q_reference=off, fallen=np.array([False, True, False]))
    total, raw = evaluate(there, terms)
    np.testing.assert_allclose(raw["keep_path"], 0.5)
    np.testing.assert_array_equal(raw["imitate_pose"], 1.0)
    np.testing.assert_allclose(total, [2.5, 1.5, 2.5])
    kept = without_the_dead(np.array([np.nan, np.nan, -3.0, 1.0]), np.array([True, False, True, False]))
    np.testing.assert_array_equal(kept, [0.0, np.nan, -3.0, 1.0])


def test_balance_rights_the_trunk_with_the_leg_that_stands() -> None:
    names = ["pelvis_tilt", "pelvis_list", "pelvis_rotation", "pelvis_tx", "pelvis_ty", "pelvis_tz"]
    demanded = [f"{n}_{s}" for s in "rl" for n in ("hip_flexion", "hip_adduction", "hip_rotation", "knee_angle")]
    demanded += ["ankle_angle_r", "ankle_angle_l"]
    column = {name: i for i, name in enumerate(names + demanded)}
    columns = find_columns(column, demanded)
    q_off, u_off = np.zeros((1, len(column))), np.zeros((1, len(column)))
    q_off[0, columns.tilt], q_off[0, columns.list] = 0.1, 0.2
    mass = np.array([50.0])
    stance = command.stance_share(np.array([[50.0 * 9.80665, 0.0]]), mass, 0.5)
    np.testing.assert_allclose(stance, [[1.0, 0.0]])
    gains = {"trunk": 2.0, "trunk_rate": 1.0, "turn": 1.0, "turn_rate": 1.0}
    moments = command.stance_hip_moments(q_off, u_off, stance, mass, columns, **gains)
    np.testing.assert_allclose(moments, [[10.0, 20.0, 0.0, 0.0, 0.0, 0.0]])
    moments = command.stance_hip_moments(q_off, u_off, stance[:, ::-1], mass, columns, **gains)
    np.testing.assert_allclose(moments, [[0.0, 0.0, 0.0, 10.0, -20.0, 0.0]])
    u_off[0, columns.tx] = 0.5  # too fast: the leg in the air, the left one, steps farther
    feet = np.zeros((1, 4, 3))
    swing = {"step": 0.2, "place": 1.0, "side_step": 0.5, "side_place": 1.0, "path": 0.0}
    targets = command.swing_hip_targets(q_off, u_off, feet, feet, stance, columns, **swing)
    np.testing.assert_allclose(targets, [[0, 0, 0, 0.1, 0, 0]])
    u_off[0, columns.tx] = 50.0
    assert command.swing_hip_targets(q_off, u_off, feet, feet, stance, columns, **swing).max() == 0.4


def test_each_leg_is_lifted_in_the_middle_of_its_own_swing() -> None:
    size = np.array([0.1, -0.2, 0.3])
    lift = command.swing_lift(np.array([0.8, 0.3, 0.55]), size, middle=0.8, width=0.2)
    np.testing.assert_allclose(lift[0], [*size, 0, 0, 0], atol=1e-12)
    np.testing.assert_allclose(lift[1], [0, 0, 0, *size], atol=1e-12)
    np.testing.assert_allclose(lift[2], 0, atol=1e-12)


def test_a_push_begins_lasts_and_ends() -> None:
    rng = np.random.default_rng(0)
    push, due = np.zeros((2, 3)), np.array([0.5, 0.9])
    seen = []
    for time in np.arange(0.0, 1.0, 0.1):
        renew_pushes(push, due, np.full(2, time), rng, force=30.0, interval=1.0, duration=0.25)
        seen.append(np.linalg.norm(push, axis=1).round(6))
    assert [row[0] for row in seen] == [0, 0, 0, 0, 0, 30, 30, 30, 0, 0]
    assert [row[1] for row in seen] == [0] * 9 + [30] and due[0] == pytest.approx(1.5) and not push[:, 1].any()
    before = rng.bit_generator.state
    renew_pushes(push, due, np.full(2, 9.0), rng, force=30.0, interval=0.0, duration=0.25)
    assert rng.bit_generator.state == before


def test_falls_and_early_ends() -> None:
    no = np.zeros(4, bool)
    height, nominal = np.array([0.69, 0.71, 1.0, 1.0]), np.ones(4)
    assert ends.fell(height, nominal, no, no).tolist() == [True, False, False, False]
    assert ends.fell(nominal, nominal, np.array([0, 1, 0, 0], bool), np.array([0, 0, 1, 0], bool)).tolist() == [
        False, True, True, False,
    ]  # fmt: skip
    trunk, joints = np.zeros((4, 2)), np.zeros((4, 5))
    trunk[2, 1], joints[3] = -0.9, 0.7
    early = {"early_height": 0.75, "early_trunk": 0.79, "early_pose": 0.6}
    assert ends.off_the_reference(height, nominal, trunk, joints, **early).all()
    assert not ends.off_the_reference(nominal, nominal, 0 * trunk, 0 * joints, **early).any()
    assert ends.out_of_time(np.array([0.98, 1.0]), 1.0).tolist() == [False, True]
    assert ends.no_numbers(np.array([[1.0, np.inf], [0.0, 1.0]])).tolist() == [True, False]


def test_who_loses_ground_on_a_belt_aims_for_more_speed_within_the_reference() -> None:
    pace = command.pace_on_belt(np.full(4, 1.2), np.array([0.1, -0.1, 9.0, -9.0]), 0.5, 0.15, 0.75, 1.25)
    np.testing.assert_allclose(pace, [1.25, 1.15, 1.25, 1.125])
