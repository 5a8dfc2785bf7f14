"""The recruitment baseline as ecosystem tools meet it; what it shares with the other environment: test_environment."""

from __future__ import annotations

import copy
import os
import pickle
import sys

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env as gymnasium_check
from stable_baselines3.common.env_checker import check_env as sb3_check

import exogait  # noqa: F401  (registers)
from exogait.data.errors import ForkedError, InputError
from exogait.osim_env.engine import State, step
from exogait.osim_env.gait.config import WorldConfig
from exogait.osim_env.gait.setup import WorldSetup, make_world
from exogait.osim_env.learning.outside.recruitment_env import RecruitmentEnv, RecruitmentVectorEnv
from exogait.osim_env.learning.outside.recruitment_vec_env import RecruitmentVecEnv


@pytest.fixture(scope="module")
def env() -> RecruitmentEnv:
    return RecruitmentEnv(speed=1.25)


@pytest.mark.skipif(sys.platform == "win32", reason="no fork")
def test_after_a_fork_one_sentence_says_what_to_do(env: RecruitmentEnv) -> None:
    env.reset()
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            env.reset()
            text = "it walked"
        except ForkedError as error:
            text = str(error)
        os.write(writing, text.encode())
        os._exit(0)
    os.waitpid(child, 0)
    said = os.read(reading, 1000).decode()
    assert 'start workers by "spawn"' in said and "\n" not in said and str(os.getpid()) in said


def test_unseeded_ones_differ_and_seeded_ones_are_the_same(env: RecruitmentEnv) -> None:
    other = RecruitmentEnv(speed=1.25)
    assert not np.array_equal(env.reset()[0], other.reset()[0])
    np.testing.assert_array_equal(env.reset(seed=5)[0], other.reset(seed=5)[0])


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda env: pickle.loads(pickle.dumps(env))])
def test_copies_go_on_identically(duplicate) -> None:
    env = RecruitmentEnv(device="hip_ankle", config=WorldConfig(push_force=30.0, push_interval=0.2))
    env.reset(seed=2)
    actions = np.random.default_rng(0).uniform(-0.3, 0.3, (6, *env.action_space.shape))
    env.step(actions[0])
    twin = duplicate(env)
    twin.np_random.bit_generator.state, before = env.np_random.bit_generator.state, env.world.q.copy()
    for k, action in enumerate(actions):
        if k == 3:
            np.testing.assert_array_equal(env.reset()[0], twin.reset()[0])
        for a, b in zip(env.step(action), twin.step(action), strict=True):
            assert a == b if isinstance(a, dict) else np.array_equal(a, b)
    assert not np.array_equal(before, env.world.q)


def test_a_copied_state_looks_into_its_own_record() -> None:
    world = make_world(WorldSetup(), WorldConfig(), n_envs=3)
    model = world.physics.model
    state = State.create(model, 3)
    step(model, state, np.full((3, model.n_muscles + model.n_actuators), 0.1), 0.01, 0.001, record=True)
    for other in (copy.deepcopy(state), pickle.loads(pickle.dumps(state)), state.copy()):
        for name, view in zip(state.record._fields, state.record, strict=True):
            twin = getattr(other.record, name)
            np.testing.assert_array_equal(twin, view)
            assert not view.size or (np.shares_memory(twin, other.record_rows) and not np.shares_memory(twin, view))


def test_a_batch_starts_ended_bodies_anew_within_the_step() -> None:
    envs = RecruitmentVectorEnv(3, speed=1.25, max_episode_steps=2)
    envs.reset(seed=1)
    zeros = np.zeros(envs.action_space.shape, np.float32)
    envs.step(zeros)
    observation, _, terminated, truncated, infos = envs.step(zeros)
    assert truncated.all() and not terminated.any()
    assert np.allclose(infos["final_info"]["time"], 0.04) and (infos["time"] == 0).all()
    assert not np.array_equal(infos["final_obs"][0], observation[0])
    with pytest.raises(InputError, match="choose engine"):
        RecruitmentVectorEnv(2, devise="hip")


def test_both_checkers_pass() -> None:
    env = gymnasium.make("OsimGaitRecruitment-v0", render_mode="rgb_array", speed=1.25).unwrapped
    gymnasium_check(env, skip_render_check=True)
    sb3_check(env)
    assert env.render().dtype == np.uint8  # type: ignore[union-attr]


def test_a_vec_env_answers_as_those_of_stable_baselines3() -> None:
    batch = RecruitmentVecEnv(make_world(WorldSetup(), WorldConfig(), n_envs=2, auto_reset=True))
    assert batch.has_attr("config") and batch.has_attr("render_mode") and not batch.has_attr("no_such_thing")
    with pytest.raises(AttributeError):
        batch.get_attr("no_such_thing")
    batch.set_options([{"speed": 1.0}, {"speed": 1.4, "phase": 0.25}])
    batch.reset()
    assert batch.get_attr("speed")[0].tolist() == [1.0, 1.4] and batch.world.phase[1] == 0.25
    assert [info["commanded_speed"] for info in batch.reset_infos] == [1.0, 1.4]
    batch.reset()  # options count once
    assert batch.world.phase[1] != 0.25
    batch.set_options({"phase": 0.5})
    batch.reset()
    assert batch.world.phase.tolist() == [0.5, 0.5]
    batch.set_options({"fase": 0.5})
    with pytest.raises(InputError, match="choose phase or speed"):
        batch.reset()
    with pytest.raises(NotImplementedError, match="share one world"):
        batch.set_attr("strategies", None, indices=0)
