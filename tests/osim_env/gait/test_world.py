"""The world: mirror symmetry, honesty about forces, both engines, determinism, bad input."""

from __future__ import annotations

import dataclasses

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env as gymnasium_check
from stable_baselines3.common.env_checker import check_env as sb3_check

from exogait import osim_env
from exogait.data.errors import InputError, UnknownNameError
from exogait.osim_env.device.mirror import ODD_COORDINATES, mirror_map
from exogait.osim_env.gait.config import WorldConfig
from exogait.osim_env.gait.setup import WorldSetup, make_world
from exogait.osim_env.gait.step.rewards import DEVICE_TERMS, HUMAN_TERMS, IMITATION
from exogait.osim_env.gait.world import GaitWorld
from exogait.osim_env.learning.outside.recruitment_vec_env import RecruitmentVecEnv
from tests.kit.unexplained import UNEXPLAINED, unexplained

CALM = WorldConfig(early_termination=False, reset_noise=0.0)


def world(n: int = 4, setup: WorldSetup | None = None, config: WorldConfig = CALM, seed: int = 0) -> GaitWorld:
    return make_world(setup or WorldSetup(), config, n_envs=n, seed=seed, auto_reset=False)


def test_a_mirrored_body_sees_the_same_and_moves_as_the_mirror_image() -> None:
    pair = world(2)
    pair.reset(np.arange(2), phase=np.array([0.13, 0.63]), speed=np.full(2, 1.2))
    index, sign = mirror_map(pair.coordinate_names, ODD_COORDINATES)
    rng = np.random.default_rng(0)
    for _ in range(10):
        seen = pair.human_observation()
        np.testing.assert_allclose(seen[0], seen[1], atol=1e-8)
        action = np.tile(rng.uniform(-0.5, 0.5, pair.n_human_actions), (2, 1))
        pair.step(action)
        np.testing.assert_allclose(pair.q[1], sign * pair.q[0, index], atol=1e-8)
    assert np.abs(pair.q[0] - pair.q[1]).max() > 0.1  # they did differ


def test_observation_and_its_names_agree() -> None:
    for device in (None, "hip_ankle"):
        w = world(2, WorldSetup(device=device))
        assert w.human_observation().shape == (2, len(w.human_observation_names))
        assert len(w.human_action_names) == w.n_human_actions


def test_on_a_treadmill_who_loses_ground_aims_for_more_speed() -> None:
    w = world(3, config=dataclasses.replace(CALM, treadmill=0.5))
    w.reset(np.arange(3), phase=np.full(3, 0.2), speed=np.full(3, 1.2))
    np.testing.assert_array_equal(w.pace, 1.2)
    w.physics.q[:, w.column["pelvis_tx"]] += [-0.1, 0.0, 0.1]
    w.step(np.zeros((3, w.n_human_actions)))
    lost = 1.2 * w.time - w.q[:, w.column["pelvis_tx"]]
    np.testing.assert_allclose(w.pace, 1.2 + 0.5 * lost)
    assert w.pace[0] > 1.24 and w.pace[2] < 1.16
    w.physics.q[0, w.column["pelvis_tx"]] = -9.0  # far behind: no harder than the reach of the belt allows
    w.step(np.zeros((3, w.n_human_actions)))
    assert w.pace[0] == pytest.approx(1.2 + 0.5 * 0.15)
    w.reset(np.arange(3), speed=np.full(3, 1.0))
    np.testing.assert_array_equal(w.pace, 1.0)
    over_ground = world(1)
    over_ground.reset(np.arange(1), speed=np.array([1.2]))
    over_ground.physics.q[0, over_ground.column["pelvis_tx"]] -= 0.2
    over_ground.step(np.zeros((1, over_ground.n_human_actions)))
    assert over_ground.pace[0] == 1.2


def test_elastic_achilles_tendons_start_in_balance_and_are_loaded_later_than_activated() -> None:
    w = world(2, WorldSetup(tendon="compliant_plantarflexors"))
    model = w.physics.model
    elastic = np.flatnonzero(model.muscles.compliant)
    assert {model.muscle_names[i][:-2] for i in elastic} == {"soleus", "med_gas", "lat_gas"}
    w.reset(np.arange(2), phase=np.array([0.3, 0.4]), speed=np.full(2, 1.25))
    gain, passive = w.physics.muscles()[1:]
    force = w.physics.muscle_forces(gain, passive)
    rigid = np.setdiff1d(np.arange(model.n_muscles), elastic)
    np.testing.assert_allclose(force[:, rigid], (gain * w.activation + passive)[:, rigid])
    # At rest in length (the start), tendon and fibre carry the same; recruitment leaves out the fibre's velocity.
    np.testing.assert_allclose(force[:, elastic], w.physics.measurements()["tendon_force"][:, elastic], rtol=1e-9)
    before = force[:, elastic].copy()
    for _ in range(10):
        w.step(np.zeros((2, w.n_human_actions)))
    assert not w.fallen.any() and np.abs(w.physics.tendon_force[:, elastic] - before).max() > 0.01
    strength = w.strength.copy()
    w.strength[:] = 0.5 * strength
    half = w.physics.muscle_forces(*w.physics.muscles()[1:])
    w.strength[:] = strength
    np.testing.assert_allclose(2 * half[:, elastic], w.physics.muscle_forces(*w.physics.muscles()[1:])[:, elastic])


def test_no_hand_of_god() -> None:
    """Nothing but muscles, contact, limits, springs, trunk actuators and device acts on an evaluated body."""
    w = world(2)
    p = w.physics.parameters
    for name in ("coordinate_force", "guide_stiffness", "guide_damping", "guide_target", "mass_scale", "added_mass"):
        assert getattr(p, name) is None
    w.step(np.zeros((2, w.n_human_actions)))
    assert not np.asarray(p.push).any()
    legs = [c for c in w.physics.model.actuator_coordinate if not c.startswith("lumbar_")]
    assert legs == []  # without a device, no actuator reaches a leg


@pytest.fixture(scope="module")
def assisted() -> GaitWorld:
    """Three bodies some steps into a walk with a working device, with a foot on the floor."""
    w = world(3, WorldSetup(device="hip_ankle"))
    for _ in range(5):
        w.step(np.zeros((3, w.n_human_actions)), np.full((3, w.n_device_actions), 0.3))
    assert (w.physics.foot_force[:, :, 1].max(axis=1) > 100.0).all() and np.abs(w.physics.actuator_torque).max() > 1.0
    return w


def test_every_force_is_accounted_for(assisted: GaitWorld) -> None:
    """Net moments, contact and device together explain the motion: inverse dynamics closes in every coordinate."""
    residual = unexplained(assisted)
    assert residual.shape == (3, 23)
    np.testing.assert_allclose(residual, 0.0, atol=UNEXPLAINED)


@pytest.mark.parametrize("axis", range(3))
def test_five_hidden_newtons_at_the_pelvis_are_noticed(assisted: GaitWorld, axis: int) -> None:
    push = 5.0 * np.eye(3)[axis]
    residual = unexplained(assisted, tuple(push))
    place = assisted.columns.pelvis_place
    np.testing.assert_allclose(residual[:, place], np.tile(push, (3, 1)), atol=UNEXPLAINED)
    legs = np.setdiff1d(np.arange(23), [*place, *assisted.columns.pelvis_rotations])
    np.testing.assert_allclose(residual[:, legs], 0.0, atol=UNEXPLAINED)


def test_the_device_is_not_paid_for_imitation() -> None:
    assert not set(DEVICE_TERMS) & set(IMITATION)
    setup = WorldSetup(device="hip_ankle")
    rewards = []
    for scale in (1.0, 100.0):
        weights = {name: (scale if name in IMITATION else 1.0) for name in HUMAN_TERMS}
        w = world(3, setup, dataclasses.replace(CALM, human_weights=weights), seed=4)
        step = w.step(np.full((3, w.n_human_actions), 0.1), np.full((3, w.n_device_actions), 0.2))
        rewards.append((step.device_reward, step.human_reward))
    np.testing.assert_array_equal(rewards[0][0], rewards[1][0])
    assert (np.abs(rewards[0][1] - rewards[1][1]) > 1).all()


def test_the_device_sees_only_its_own_sensors() -> None:
    w = world(1, WorldSetup(device="hip_ankle"))
    assert w.exoskeleton is not None
    allowed = {signal.split(".")[0] for signal in w.exoskeleton.device.sensed} | set(
        w.exoskeleton.device.actuator_names
    )
    assert {name.split(".")[0] for name in w.exoskeleton.signal_names} <= allowed
    for word in ("phase", "speed command", "reference", "activation", "load"):
        assert not any(word in name for name in w.exoskeleton.signal_names)


def test_both_engines_agree_over_a_step() -> None:
    observations = []
    for engine in ("twin", "opensim"):
        config = dataclasses.replace(CALM, integration_step=0.0001)
        w = world(1, WorldSetup(engine=engine), config)
        w.reset(np.arange(1), phase=np.array([0.3]), speed=np.array([1.25]))
        rng = np.random.default_rng(1)
        for _ in range(3):
            step = w.step(rng.uniform(-0.3, 0.3, (1, w.n_human_actions)))
        observations.append((w.q.copy(), w.u.copy(), step.human_reward))
    # The twin's first-order integrator at 0.1 ms against OpenSim's at accuracy 1e-5, over 60 ms; toes are light.
    difference = np.abs(observations[0][0] - observations[1][0])[0]
    toes = np.array([name.startswith(("mtp", "subtalar")) for name in w.coordinate_names])
    assert difference[~toes].max() < 2e-3
    assert difference[toes].max() < 1e-2
    np.testing.assert_allclose(observations[0][2], observations[1][2], atol=2e-2)


def test_a_dead_body_changes_no_living_ones_reward() -> None:
    """A reward that is no number stays one, whoever beside it is not a body any more; the dead earn nothing."""
    weights = {"keep_path": 1.0, "metabolic_power": -1.0}
    w = world(3, config=dataclasses.replace(CALM, human_weights=weights))
    w.reset(np.arange(3), phase=np.full(3, 0.2), speed=np.full(3, 1.2))
    w.person_mass[1] = 0.0  # its power per mass is infinite, but it walks
    w.physics.q[2] = np.nan
    with np.errstate(divide="ignore"):
        step = w.step(np.zeros((3, w.n_human_actions)))
    assert step.terminated.tolist() == [False, False, True]
    assert np.isfinite(step.human_reward[0]) and step.human_reward[0] != 0
    assert step.human_reward[1] == -np.inf
    assert step.human_reward[2] == 0 and not step.human_final[2].any()


def test_a_body_that_cannot_be_seen_ends_alone() -> None:
    """One body's observation is no number: it has fallen, its policy may answer with none, the others walk on."""
    w, alone = world(3), world(3)
    for one in (w, alone):
        one.reset(np.arange(3), phase=np.full(3, 0.2), speed=np.full(3, 1.2))
    w.state.pace[1] = np.nan  # the clock goes with it, the mechanics do not
    action = np.zeros((3, w.n_human_actions))
    for _ in range(2):
        step, same = w.step(action), alone.step(np.zeros_like(action))
        assert step.terminated.tolist() == [False, True, False] and not step.human_final[1].any()
        np.testing.assert_array_equal(step.human_final[::2], same.human_final[::2])
        action[1] = np.nan


def test_same_seed_same_walk_and_another_seed_another() -> None:
    def walk(seed: int) -> np.ndarray:
        w = make_world(WorldSetup(), WorldConfig(), n_envs=5, seed=seed)
        for _ in range(10):
            w.step(np.zeros((5, w.n_human_actions)))
        return w.q.copy()

    np.testing.assert_array_equal(walk(3), walk(3))
    assert not np.array_equal(walk(3), walk(4))


def test_state_comes_back_from_arrays() -> None:
    setup = WorldSetup(device="hip_ankle")
    first = make_world(setup, WorldConfig(), n_envs=3, seed=1)
    for _ in range(5):
        first.step(np.zeros((3, first.n_human_actions)), np.full((3, first.n_device_actions), 0.5))
    second = make_world(setup, WorldConfig(), n_envs=3, seed=9)
    second.load_arrays(first.arrays())
    second.rng.bit_generator.state = first.rng.bit_generator.state
    for w in (first, second):
        w.step(np.zeros((3, w.n_human_actions)), np.full((3, w.n_device_actions), 0.5))
    np.testing.assert_array_equal(first.q, second.q)
    np.testing.assert_array_equal(first.device_observation(), second.device_observation())


def test_environment_checkers_pass() -> None:
    osim_env.register()
    env = gymnasium.make("OsimGaitRecruitment-v0", speed=1.25)
    gymnasium_check(env.unwrapped, skip_render_check=True)
    sb3_check(env.unwrapped)


def test_vec_env_resets_and_reports() -> None:
    batch = RecruitmentVecEnv(make_world(WorldSetup(), WorldConfig(episode=0.1), n_envs=3, seed=0))
    batch.reset()
    for _ in range(5):
        observation, reward, done, infos = batch.step(np.zeros((3, batch.world.n_human_actions)))
    assert done.all() and observation.shape == (3, len(batch.world.human_observation_names))
    assert all(info["TimeLimit.truncated"] and np.isfinite(info["terminal_observation"]).all() for info in infos)
    assert "reward/imitate_pose" in infos[0] and reward.dtype == np.float32


def test_bad_input_is_refused_clearly() -> None:
    w = world(2)
    good = np.zeros((2, w.n_human_actions))
    with pytest.raises(ValueError, match="not finite"):
        w.step(np.full_like(good, np.nan))
    with pytest.raises(ValueError, match="expected"):
        w.step(good[:, :-1])
    with pytest.raises(InputError, match=r"speed.*covers"):
        gymnasium.make("OsimGaitRecruitment-v0", speed=3.0)
    with pytest.raises(UnknownNameError, match="did you mean hip_ankle"):
        WorldSetup(device="hip_ankel").load_device()
    with pytest.raises(UnknownNameError, match="reward term"):
        WorldConfig(human_weights={"imitate_poze": 1.0})
    with pytest.raises(InputError, match="multiple of"):
        WorldConfig(control_step=0.015)
