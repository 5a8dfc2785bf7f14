"""What rewards, observation and actions give for arrays that one can work out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from exogait.data.constants import GRAVITY
from exogait.osim_env.gait.config import WorldConfig
from exogait.osim_env.gait.setup import WorldSetup, make_world
from exogait.osim_env.gait.step import command, ends, observation, rewards
from exogait.osim_env.gait.step.disturbance import renew_pushes
from exogait.osim_env.gait.step.state import BodyState
from exogait.osim_env.gait.view import STRENGTH_GROUPS, View, find_columns

N = 3
"""Bodies of the batch; what is worked out is the middle one's, the others are as they should be."""


@pytest.fixture(scope="module")
def model_view() -> View:
    config = WorldConfig(early_termination=False, reset_noise=0.0)
    world = make_world(WorldSetup(device="hip_ankle"), config, n_envs=N, seed=0, auto_reset=False)
    return world.view()


@pytest.fixture
def view(model_view: View) -> View:
    """Bodies exactly on the reference, of 70 kg with a device of 5 kg."""
    v = model_view
    return v._replace(
        q=v.q_reference.copy(), u=v.u_reference.copy(), q_aim=v.q_reference.copy(), feet=v.feet_reference.copy(),
        person_mass=np.full(N, 70.0), body_mass=np.full(N, 75.0), fallen=np.zeros(N, bool),
        metabolic_power=np.full(N, 350.0), speed=np.full(N, 1.2), mean_speed=np.full(N, 1.2),
    )  # fmt: skip


def moved(array: np.ndarray, column: int, by: float) -> np.ndarray:
    """The array with one entry of the middle body changed."""
    new = array.copy()
    new[1, column] += by
    return new


def test_imitation_falls_with_the_squared_error_beyond_the_dead_zone(view: View) -> None:
    joints, k = view.columns.joints, 2
    weights = np.linspace(0.5, 1.5, len(joints))
    standards = view.standards._replace(pose_dead_zone=0.1, pose_sigma=0.4, pose_weights=weights)
    for error in (0.3, -0.3):
        off = view._replace(q=moved(view.q, joints[k], error), standards=standards)
        wanted = np.exp(-weights[k] * 0.2**2 / len(joints) / 0.4**2)
        np.testing.assert_allclose(rewards.imitate_pose(off), [1.0, wanted, 1.0], rtol=1e-12)
    inside = view._replace(q=moved(view.q, joints[k], 0.09), standards=standards)
    np.testing.assert_array_equal(rewards.imitate_pose(inside), 1.0)
    fast = view._replace(u=moved(view.u, joints[k], -3.0))
    np.testing.assert_allclose(rewards.imitate_velocity(fast), [1.0, np.exp(-9.0 / len(joints) / 4.0), 1.0])
    low = view._replace(q=moved(view.q, view.columns.ty, -0.05))
    np.testing.assert_allclose(rewards.imitate_root(low), [1.0, np.exp(-1.0), 1.0])
    turned = view._replace(q=moved(low.q, view.columns.list, 0.15))
    np.testing.assert_allclose(rewards.imitate_root(turned), [1.0, np.exp(-1.0 - 1.0 / 3.0), 1.0])
    feet = view.feet.copy()
    feet[1, 3] += [0.06, 0.0, -0.08]  # one frame of four by 0.1 m
    np.testing.assert_allclose(rewards.imitate_feet(view._replace(feet=feet)), [1.0, np.exp(-0.25), 1.0])


def test_speed_path_and_falls(view: View) -> None:
    columns = view.columns
    for error, wanted in ((0.15, 0.5), (-0.3, 0.2)):
        off = view._replace(u=moved(view.u, columns.tx, error))
        np.testing.assert_allclose(rewards.keep_speed(off), [1.0, wanted, 1.0])
    aside = view._replace(q=moved(view.q * (np.arange(view.q.shape[1]) != columns.tz), columns.tz, 0.6))
    np.testing.assert_allclose(rewards.keep_path(aside), [1.0, 0.2, 1.0])
    fallen = view._replace(fallen=np.array([False, True, False]))
    np.testing.assert_array_equal(rewards.upright(fallen), [1, 0, 1])
    np.testing.assert_array_equal(rewards.device_fall(fallen), [0, 1, 0])


def test_costs_of_muscles_joints_and_ground(view: View) -> None:
    n_muscles, joints = view.activation.shape[1], view.columns.joints
    share = np.zeros(n_muscles)
    share[[3, 7]] = 0.25, 0.75
    activation = np.zeros((N, n_muscles))
    activation[1, [3, 7, 9]] = 0.4, 0.2, 1.0
    tired = view._replace(activation=activation, standards=view.standards._replace(volume_share=share))
    np.testing.assert_allclose(rewards.effort(tired), [0.0, 0.25 * 0.16 + 0.75 * 0.04, 0.0])
    np.testing.assert_allclose(rewards.metabolic_power(view), 5.0)

    middle = np.zeros_like(view.q)
    limits = {"lower_limit": np.full(len(joints), -1.0), "upper_limit": np.full(len(joints), 1.0)}
    q = moved(middle, joints[0], 1.0 + np.radians(5.0))
    q[1, joints[4]] = -1.0 - np.radians(10.0)
    past = view._replace(q=q, standards=view.standards._replace(**limits))
    np.testing.assert_allclose(rewards.joint_limits(past), [0.0, (1.0 + 4.0) / len(joints), 0.0], atol=1e-12)

    before = np.full((N, 2), 300.0)
    load = before + GRAVITY * 75.0 * np.array([[0.0, 0.0], [0.3, -0.1], [2.0, -0.4]])
    loading = view._replace(foot_load=load, previous_foot_load=before)
    np.testing.assert_allclose(rewards.loading_rate(loading), [0.0, 0.09 + 0.01, 0.25 + 0.16], atol=1e-12)

    still, human = np.zeros_like(view.human_action), np.zeros_like(view.human_action)
    human[1, :2] = 0.3, -0.4
    jerky = view._replace(human_action=human, previous_human_action=still)
    np.testing.assert_allclose(rewards.smoothness(jerky), [0.0, 0.25 / human.shape[1], 0.0])
    off, drive = np.zeros_like(view.device_action), np.zeros_like(view.device_action)
    drive[1, 0] = -0.6
    jerky = view._replace(device_action=off, previous_device_action=drive)
    np.testing.assert_allclose(rewards.device_smoothness(jerky), [0.0, 0.36 / drive.shape[1], 0.0])


def test_a_device_saves_nothing_by_slowing_its_wearer(view: View) -> None:
    """350 W of 70 kg at the commanded 1.2 m/s; at other speeds for the distance, within a half and twice."""
    for mean, wanted in ((1.2, 5.0), (1.0, 6.0), (1.5, 4.0), (0.4, 10.0), (0.0, 10.0), (4.8, 2.5)):
        found = rewards.device_effort(view._replace(mean_speed=np.full(N, mean)))
        np.testing.assert_allclose(found, wanted)


def test_weights_multiply_and_imitation_has_one_of_its_own() -> None:
    human = rewards.human_terms({"imitate_feet": 2.0, "effort": -3.0}, imitation_weight=0.25)
    assert {name: term.weight for name, term in human.items()} == {"imitate_feet": 0.5, "effort": -3.0}
    device = rewards.device_terms({"device_effort": -1.5})
    assert device["device_effort"].weight == -1.5 and device["device_effort"].function is rewards.device_effort


def test_observed_numbers_have_their_units(view: View) -> None:
    joints, columns = view.columns.joints, view.columns
    seen = view._replace(phase=np.array([0.125, 0.625, 0.0]), pace=np.array([1.0, 1.1, 1.2]))
    half = np.sqrt(0.5)
    np.testing.assert_allclose(
        observation.half_stride(seen), [[half, half, 0, 1, 1.0], [half, half, 0, 1, 1.1], [1, 0, 1, 0, 1.2]], atol=1e-12
    )
    np.testing.assert_array_equal(observation.joint_angles(view), view.q[:, joints])
    np.testing.assert_allclose(observation.joint_speeds(view), 0.1 * view.u[:, joints])
    aimed = view._replace(q_aim=moved(view.q, joints[1], 0.2))
    wanted = np.zeros((N, len(joints)))
    wanted[1, 1] = 0.2
    np.testing.assert_allclose(observation.joint_errors(aimed), wanted, atol=1e-12)
    moments = view._replace(muscle_moment=np.full((N, len(joints)), 150.0))
    np.testing.assert_allclose(observation.joint_moments(moments), 2.0)
    loads = view._replace(foot_load=75.0 * GRAVITY * np.array([[1.0, 0.0], [0.4, 0.7], [0.0, 1.2]]))
    np.testing.assert_allclose(observation.foot_loads(loads), [[1.0, 0.0], [0.4, 0.7], [0.0, 1.2]])
    flags = view._replace(worn=np.array([0.0, 1.0, 1.0]), powered=np.array([1.0, 0.0, 1.0]))
    np.testing.assert_array_equal(observation.device_flags(flags), [[0, 0], [1, 0], [1, 1]])

    block = observation.pelvis_block()
    q, u = moved(view.q, columns.tz, 9.0), view.u + 1.0
    numbers = dict(zip(block.names, block.values(view._replace(q=q, u=u))[1], strict=True))
    assert numbers["pelvis sideways"] == observation.WIDEST_PATH and numbers["pelvis height error"] == 0.0
    assert numbers["pelvis forward rate"] == pytest.approx(1.0)
    assert numbers["pelvis upward rate"] == pytest.approx(view.u[1, columns.ty] + 1.0)
    assert block.mirror is not None
    odd = {name for name, sign in zip(block.names, block.mirror[1], strict=True) if sign < 0}
    assert {name.split()[1] for name in odd} == {"list", "rotation", "sideways"} and len(odd) == 6


def test_strength_is_that_of_the_groups_own_muscles_side_by_side(view: View) -> None:
    muscles = ["soleus_l", "tib_ant_r", "soleus_r", "med_gas_r", "bifemsh_l", "rect_fem_r", "vas_lat_l"]
    columns = dict(zip(STRENGTH_GROUPS, observation.group_columns(muscles), strict=True))
    right, left = columns["plantarflexors"]
    assert sorted(right) == [2, 3] and left.tolist() == [0]
    assert columns["dorsiflexors"][0].tolist() == [1] and not len(columns["dorsiflexors"][1])
    strength = np.ones((N, len(muscles)))
    strength[1] = [0.5, 1.0, 0.2, 0.4, 1.0, 1.0, 1.0]
    found = observation.group_strength(view._replace(strength=strength), right, left)
    np.testing.assert_allclose(found, [[1.0, 1.0], [0.3, 0.5], [1.0, 1.0]])


def test_actions_are_limited_to_one_and_the_last_is_kept() -> None:
    state = BodyState.allocate(
        1, n_human_actions=3, n_device_actions=2, n_coordinates=4, n_demanded=2, n_controls=5, speed=1.3
    )
    assert state.speed[0] == state.pace[0] == state.mean_speed[0] == 1.3
    state.take_actions(np.array([[-2.0, 0.5, 2.0]]), np.array([[3.0, -0.25]]))
    state.take_actions(np.array([[0.1, -1.5, 0.3]]), np.array([[-3.0, 0.75]]))
    np.testing.assert_array_equal(state.previous_human_action, [[-1.0, 0.5, 1.0]])
    np.testing.assert_array_equal(state.human_action, [[0.1, -1.0, 0.3]])
    np.testing.assert_array_equal(state.previous_device_action, [[1.0, -0.25]])
    np.testing.assert_array_equal(state.device_action, [[-1.0, 0.75]])


def test_the_swing_foot_answers_to_where_the_pelvis_is_over_the_standing_one() -> None:
    names = ["pelvis_tilt", "pelvis_list", "pelvis_rotation", "pelvis_tx", "pelvis_ty", "pelvis_tz"]
    demanded = [f"{n}_{s}" for s in "rl" for n in ("hip_flexion", "hip_adduction", "hip_rotation", "knee_angle")]
    demanded += ["ankle_angle_r", "ankle_angle_l"]
    columns = find_columns({name: i for i, name in enumerate(names + demanded)}, demanded)
    q, u_off = np.zeros((1, len(names + demanded))), np.zeros((1, len(names + demanded)))
    reference, feet = np.zeros((1, 4, 3)), np.zeros((1, 4, 3))
    feet[0, 0], feet[0, 1], feet[0, 2] = [-0.1, 0.0, 0.04], [9.0, 9.0, 9.0], [0.05, 0.0, 0.02]
    gains = {"step": 0.0, "place": 1.5, "side_step": 0.5, "side_place": 2.0, "path": 3.0}
    # The right foot stands and its heel is 0.1 m behind where it should be: the pelvis is ahead, the left hip flexes.
    # The pelvis is 0.04 m to the left of it (z is right), which turns the left leg outward (adduction below 0).
    right = np.array([[1.0, 0.0]])
    found = command.swing_hip_targets(q, u_off, feet, reference, right, columns, **gains)
    np.testing.assert_allclose(found, [[0, 0, 0, 1.5 * 0.1, 2.0 * -0.04, 0]], atol=1e-12)
    left = np.array([[0.0, 1.0]])
    found = command.swing_hip_targets(q, u_off, feet, reference, left, columns, **gains)
    np.testing.assert_allclose(found, [[1.5 * -0.05, -2.0 * -0.02, 0, 0, 0, 0]], atol=1e-12)
    # Off the path by 0.1 m at 0.2 m/s to the right, on the right foot: sideways speed wanted 0.2 + 3 x 0.1 m/s.
    q[0, columns.tz], u_off[0, columns.tz] = 0.1, 0.2
    found = command.swing_hip_targets(q, u_off, reference, reference, right, columns, **gains)
    np.testing.assert_allclose(found, [[0, 0, 0, 0, 0.5 * 0.5, 0]], atol=1e-12)


def test_feedback_adds_up() -> None:
    names = [f"{n}_{s}" for s in "rl" for n in ("hip_flexion", "hip_adduction", "hip_rotation", "knee_angle")]
    demanded = [*names, "ankle_angle_r", "ankle_angle_l"]
    pelvis = ["pelvis_tilt", "pelvis_list", "pelvis_rotation", "pelvis_tx", "pelvis_ty", "pelvis_tz"]
    columns = find_columns({name: i for i, name in enumerate(pelvis + demanded)}, demanded)
    n = len(demanded)
    demand, error, rate = np.full((1, n), 7.0), np.full((1, n), 0.2), np.full((1, n), -1.0)
    stance, swing, lift = np.zeros((1, 6)), np.zeros((1, 6)), np.zeros((1, 6))
    stance[0, 0], swing[0, 3], lift[0, 1] = 5.0, 0.1, 0.3  # right flexion, left flexion, right knee
    stiffness, amplitude, action = np.full(n, 10.0), np.full((1, n), 4.0), np.zeros((1, n))
    action[0, 9] = -0.5
    command.add_feedback(
        demand, error, rate, stance, swing, lift, columns, stiffness, 0.05, amplitude, action
    )  # fmt: skip
    wanted = np.full(n, 7.0 + 10.0 * (0.2 - 0.05))
    wanted[0], wanted[4], wanted[3] = wanted[0] + 5.0, wanted[4] + 1.0, wanted[3] + 3.0
    wanted[9] -= 2.0
    np.testing.assert_allclose(demand, wanted[None])
    arms = np.zeros((1, 2, 3))
    arms[0, 0], arms[0, 1] = [0.05, 0.0, 0.02], [-0.04, 0.0, 0.01]
    found = command.muscle_moments(arms, np.array([[100.0, 200.0]]), np.array([2, 0]))
    np.testing.assert_allclose(found, [[4.0, -3.0]])


def test_a_push_comes_from_any_side_alike() -> None:
    n = 20_000
    push, due = np.zeros((n, 3)), np.zeros(n)
    renew_pushes(push, due, np.full(n, 0.1), np.random.default_rng(1), force=2.0, interval=1.0, duration=0.1)
    np.testing.assert_allclose(np.linalg.norm(push, axis=1), 2.0)
    # Means of directions that prefer none: standard deviation force / sqrt(2 n) along each axis, 0.01 N.
    assert np.abs(push[:, [0, 2]].mean(axis=0)).max() < 0.05 and not push[:, 1].any()
    quarters = np.histogram(np.arctan2(push[:, 2], push[:, 0]), bins=8, range=(-np.pi, np.pi))[0]
    assert np.abs(quarters - n / 8).max() < 5 * np.sqrt(n / 8)


def test_a_limit_that_is_just_reached_ends_nothing() -> None:
    one, joints = np.ones(1), np.full((1, 4), 0.6)
    early = {"early_height": 0.75, "early_trunk": 0.75, "early_pose": 0.6}
    assert not ends.off_the_reference(0.75 * one, one, np.array([[0.0, -0.75]]), joints, **early).any()
    assert ends.off_the_reference(0.75 * one, one, np.array([[0.0, -0.76]]), joints, **early).all()
