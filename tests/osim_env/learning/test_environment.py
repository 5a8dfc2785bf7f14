"""The environments as ecosystem tools meet them: in fresh processes, outside the tree, without a call to register."""

from __future__ import annotations

import copy
import dataclasses
import os
import pickle
import subprocess
import sys
from pathlib import Path

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env as gymnasium_check
from stable_baselines3.common.env_checker import check_env as sb3_check

import exogait  # noqa: F401  (registers)
from exogait.data.errors import ForkedError, InputError
from exogait.osim_env.excitation.config import ExcitationConfig
from exogait.osim_env.excitation.kernel import control_step
from exogait.osim_env.excitation.world import ExcitationWorld
from exogait.osim_env.gait.config import WorldConfig
from exogait.osim_env.gait.population import BodyDraw, Population
from exogait.osim_env.gait.setup import WorldSetup, make_world
from exogait.osim_env.learning.excitation.setup import make_excitation_world
from exogait.osim_env.learning.gait_env import ENVIRONMENT_CONFIG, OsimGaitEnv, OsimGaitVectorEnv
from exogait.osim_env.learning.policy import load_policy
from exogait.osim_env.learning.vec_env import GaitVecEnv

ROOT = Path(__file__).parents[3]
BOTH = pytest.mark.parametrize(("name", "step"), [("OsimGait-v0", 0.01), ("OsimGaitRecruitment-v0", 0.02)])
"""Names of the environments and their control steps, s."""
BUSY = ExcitationConfig(
    push_force=40.0, push_interval=0.05, push_duration=0.02, imposed_share=0.5, slope_share=0.5, load_share=0.5,
    task_interval=0.05, early_termination=False,
)  # fmt: skip
"""Everything that is drawn is drawn often."""


def fresh(code: str, folder: Path, *, path: str = str(ROOT)) -> str:
    """What a new process outside the tree prints."""
    environment = {**os.environ, "PYTHONPATH": path, "MPLBACKEND": "Agg"}
    file = folder / "script.py"  # a file, since spawned processes import it
    file.write_text(code)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", str(file)], cwd=folder, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def same(a: ExcitationWorld, b: ExcitationWorld) -> None:
    """Everything that the next control step depends on, to the bit."""
    one, other = a.arrays(), b.arrays()
    assert one.keys() == other.keys()
    for name, array in one.items():
        np.testing.assert_array_equal(array, other[name], err_msg=name)


@pytest.fixture(scope="module")
def env() -> OsimGaitEnv:
    return OsimGaitEnv(speed=1.25)


# ---- by name, in processes of their own ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "code",
    [
        "import exogait, gymnasium",
        "import gymnasium, exogait",
    ],
)
def test_the_names_are_known_in_a_fresh_process_in_any_order(code: str, tmp_path: Path) -> None:
    out = fresh(
        f"{code}\nimport sys\nfor name in ('OsimGait-v0', 'OsimGaitRecruitment-v0'):\n"
        "    print('numba' in sys.modules, gymnasium.spec(name).id)",
        tmp_path,
    )
    assert out.split() == ["False", "OsimGait-v0", "False", "OsimGaitRecruitment-v0"]


def test_importing_the_suite_imports_no_gymnasium(tmp_path: Path) -> None:
    out = fresh("import exogait, sys; print('gymnasium' in sys.modules, 'numpy' in sys.modules)", tmp_path)
    assert out.split() == ["False", "False"]


@BOTH
def test_made_by_name_it_walks_draws_and_ends(name: str, step: float, tmp_path: Path) -> None:
    code = f"""
import gymnasium, numpy as np
env = gymnasium.make("exogait:{name}", render_mode="rgb_array", max_episode_steps=3)
env.reset(seed=0)
for k in range(3):
    _, _, terminated, truncated, info = env.step(np.zeros(env.action_space.shape, np.float32))
print(env.render().shape, terminated, truncated, round(info["time"], 3), sorted(k for k in info if "/" not in k))
print(env.metadata["render_fps"])
"""
    assert fresh(code, tmp_path).splitlines() == [
        f"(704, 704, 3) False True {3 * step:.2f} ['commanded_speed', 'fall', 'speed', 'time']",
        f"{1 / step:.0f}",
    ]


@BOTH
def test_vector_environments_by_name(name: str, step: float, tmp_path: Path) -> None:
    code = f"""
import gymnasium, numpy as np
if __name__ == "__main__":
    for mode, more in (
        ("vector_entry_point", {{}}), ("sync", {{}}), ("async", {{"vector_kwargs": {{"context": "spawn"}}}})
    ):
        envs = gymnasium.make_vec("exogait:{name}", 2, vectorization_mode=mode, speed=1.25, **more)
        envs.reset(seed=3)
        observation, reward, *_, info = envs.step(np.zeros(envs.action_space.shape, np.float32))
        print(mode, observation.shape[0], reward.shape, info["time"].round(3).tolist())
        envs.close()
"""
    lines = fresh(code, tmp_path).splitlines()
    assert lines == [f"{mode} 2 (2,) [{step}, {step}]" for mode in ("vector_entry_point", "sync", "async")]


@BOTH
def test_ppo_learns_two_thousand_steps_in_a_fresh_process(name: str, step: float, tmp_path: Path) -> None:
    code = f"""
from stable_baselines3 import PPO
import exogait
model = PPO("MlpPolicy", "{name}", n_steps=256, batch_size=64, n_epochs=1, device="cpu", seed=0).learn(2048)
print(model.num_timesteps)
"""
    assert fresh(code, tmp_path).split()[-1] == "2048"


@BOTH
def test_record_video_writes_a_film(name: str, step: float, tmp_path: Path) -> None:
    pytest.importorskip("moviepy", reason="gymnasium's RecordVideo needs moviepy")
    env = gymnasium.make(name, render_mode="rgb_array", max_episode_steps=3)
    env = gymnasium.wrappers.RecordVideo(env, str(tmp_path), episode_trigger=lambda _: True)
    env.reset()
    for _ in range(3):
        env.step(np.zeros(env.action_space.shape or (), np.float32))
    env.close()
    assert [film.suffix for film in tmp_path.glob("*.mp4")] == [".mp4"]


@pytest.mark.skipif(sys.platform == "win32", reason="no fork")
def test_after_a_fork_it_walks_on_and_another_is_refused_in_one_sentence() -> None:
    env = OsimGaitEnv(speed=1.25)
    env.reset(seed=4)
    twin, zeros = copy.deepcopy(env), np.zeros(env.action_space.shape, np.float32)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            text = env.step(zeros)[0].tobytes().hex() + "|"
            OsimGaitEnv(speed=1.25)
            text += "it was made"
        except ForkedError as error:
            text += str(error)
        os.write(writing, text.encode())
        os._exit(0)
    with os.fdopen(reading) as pipe:
        os.close(writing)
        walked, said = pipe.read().split("|")
    os.waitpid(child, 0)
    assert bytes.fromhex(walked) == twin.step(zeros)[0].tobytes()
    assert 'start workers by "spawn"' in said and "\n" not in said and str(os.getpid()) in said


# ---- one body --------------------------------------------------------------------------------------------------------


def test_both_checkers_pass() -> None:
    env = gymnasium.make("OsimGait-v0", render_mode="rgb_array", speed=1.25).unwrapped
    gymnasium_check(env, skip_render_check=True)
    sb3_check(env)
    assert env.render().dtype == np.uint8  # type: ignore[union-attr]


def test_unseeded_ones_differ_and_seeded_ones_are_the_same(env: OsimGaitEnv) -> None:
    other = OsimGaitEnv(speed=1.25)
    assert not np.array_equal(env.reset()[0], other.reset()[0])
    np.testing.assert_array_equal(env.reset(seed=5)[0], other.reset(seed=5)[0])
    assert not np.array_equal(env.reset(seed=6)[0], other.reset()[0])


def test_a_seed_forgets_all_that_was_before() -> None:
    """Also what was asked, where a push stood and whose turn the device's decision was."""
    first, second = (OsimGaitEnv(device="hip_ankle", config=BUSY) for _ in range(2))
    action = np.full(first.action_space.shape, -0.3, np.float32)
    first.reset(options={"slope": 0.1, "stride_rate": 1.2})
    for _ in range(7):
        first.step(action)
    for env in (first, second):
        env.reset(seed=3)
    for _ in range(3):
        same(first.world, second.world)
        for a, b in zip(first.step(action), second.step(action), strict=True):
            assert a == b if isinstance(a, dict) else np.array_equal(a, b)


def test_a_policy_of_the_suite_walks_in_it_as_in_its_world() -> None:
    """By name, through Gymnasium's wrappers and single precision: the same walk to the bit, and no fall."""
    policy, steps = load_policy("walker"), 300
    env = gymnasium.make("OsimGait-v0", speed=1.25)
    setup, config = WorldSetup(), dataclasses.replace(ENVIRONMENT_CONFIG, speeds=(1.25, 1.25))
    world = make_excitation_world(setup, config, n_envs=1, auto_reset=False)
    policy.require(**world.signature())
    world.seed(8)
    world.reset()
    observation, info = env.reset(seed=8)
    for _ in range(steps):
        observation, reward, terminated, _, info = env.step(policy.act(observation[None])[0])
        results = world.step(policy.act(world.results.observation))
        np.testing.assert_array_equal(observation, results.observation[0])
        assert reward == results.reward[0] and not terminated and not info["fall"]
    assert round(info["time"], 9) == steps * config.control_step and abs(info["speed"] - 1.25) < 0.4
    assert info["speed"] == world.u[0, world.columns.pelvis_tx] and info["commanded_speed"] == 1.25
    assert info["reward/metabolic_power"] == world.results.terms[0, 7] > 0.0


@pytest.mark.parametrize("phase", [0.2, 0.7])
def test_excitations_in_their_own_numbers_arrive_at_the_muscles(env: OsimGaitEnv, phase: float) -> None:
    env.reset(options={"phase": phase})
    excitation = np.linspace(0.0, 1.0, env.world.model.n_muscles)
    action = env.action_of(excitation, step_rate=0.5)
    assert env.action_space.contains(action)
    env.step(action)
    found = env.world.bodies.excitation[0]
    np.testing.assert_allclose(found, np.maximum(excitation, env.world.config.min_excitation), rtol=0, atol=1e-6)
    assert env.world.bodies.rate_action[0] == 0.5


def test_a_task_is_for_one_episode(env: OsimGaitEnv) -> None:
    bodies, zeros = env.world.bodies, np.zeros(env.action_space.shape, np.float32)
    _, info = env.reset(options={"phase": 0.25, "speed": 0.9, "stride_rate": 1.1, "slope": 0.05})
    assert info["commanded_speed"] == 0.9 and bodies.phase[0] == 0.25 and bodies.stride_rate[0] == 1.1
    names = env.world.observation_names
    seen = dict(zip(names, env.step(zeros)[0].tolist(), strict=True))
    assert seen["stride rate imposed"] == 1.0 and 0.0 < seen["slope"] < 0.5
    for _ in range(110):
        env.step(zeros)
    assert bodies.slope[0] == 0.05
    _, info = env.reset()
    assert info["commanded_speed"] == 1.25 and bodies.phase[0] != 0.25
    assert (bodies.stride_rate[0], bodies.slope[0], bodies.slope_ahead[0]) == (0.0, 0.0, 0.0)
    gravity = bodies.parameters[0, env.world.columns.gravity : env.world.columns.gravity + 3]
    np.testing.assert_array_equal(gravity, env.world.model.gravity)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"fase": 0.5}, "choose phase, speed, stride_rate, slope"), ({"speed": 3.0}, "m/s"),
        ({"slope": float("nan")}, "from -0.5 to 0.5"), ({"phase": "0.5"}, "from 0 to 1"),
        ({"stride_rate": 0.0}, "from 0.5 to 2"),
    ],
)  # fmt: skip
def test_an_impossible_task_is_refused(env: OsimGaitEnv, options: dict, said: str) -> None:
    with pytest.raises(InputError, match=said):
        env.reset(options=options)


def test_a_body_that_diverges_ends_and_is_seen_in_numbers(env: OsimGaitEnv) -> None:
    env.reset()
    env.world.u[0, 0] = 1e9
    observation, reward, terminated, truncated, info = env.step(np.zeros(env.action_space.shape, np.float32))
    assert terminated and not truncated and info["fall"] and np.isfinite(observation).all() and np.isfinite(reward)


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda env: pickle.loads(pickle.dumps(env))])
@pytest.mark.parametrize("delay", [0.0, 0.03])
def test_copies_go_on_identically(duplicate, delay: float) -> None:
    population = Population(bodies=(BodyDraw(), BodyDraw(deficit="quadriceps", strength=(40.0, 90.0))))
    config = dataclasses.replace(BUSY, sensory_delay=delay)
    env = OsimGaitEnv(device="hip_ankle", population=population, config=config)
    env.reset(seed=2)
    actions = np.random.default_rng(0).uniform(-0.6, 0.3, (12, *env.action_space.shape))
    env.step(actions[0])
    twin, compiled = duplicate(env), len(control_step.signatures)
    assert all(
        np.shares_memory(a, b) for a, b in zip(twin.world.parts[0].bodies, twin.world.bodies, strict=True) if a.size
    )
    assert np.shares_memory(twin.world.felt.fiber_length, twin.world.bodies.fiber_length) == (delay == 0.0)
    before = env.world.q.copy()
    for k, action in enumerate(actions):
        if k == 5:
            np.testing.assert_array_equal(env.reset()[0], twin.reset()[0])
        for a, b in zip(env.step(action), twin.step(action), strict=True):
            assert a == b if isinstance(a, dict) else np.array_equal(a, b)
    same(env.world, twin.world)
    assert not np.array_equal(before, env.world.q) and len(control_step.signatures) == compiled
    twin.step(actions[0])
    assert not np.array_equal(env.world.q, twin.world.q), "they are two bodies"


# ---- many bodies -----------------------------------------------------------------------------------------------------


def test_a_batch_starts_ended_bodies_anew_within_the_step() -> None:
    envs = OsimGaitVectorEnv(3, max_episode_steps=2)
    envs.reset(seed=1, options={"stride_rate": 1.1, "speed": 1.0})
    zeros = np.zeros(envs.action_space.shape, np.float32)
    _, reward, _, _, infos = envs.step(zeros)
    assert (infos["commanded_speed"] == 1.0).all() and infos["reward/keep_speed"].shape == reward.shape == (3,)
    observation, _, terminated, truncated, infos = envs.step(zeros)
    assert truncated.all() and not terminated.any()
    last = infos["final_info"]
    assert np.allclose(last["time"], 0.02) and (last["commanded_speed"] == 1.0).all() and (infos["time"] == 0).all()
    assert not np.array_equal(infos["final_obs"][0], observation[0])
    assert (infos["commanded_speed"] != 1.0).all() and not envs.world.bodies.stride_rate.any(), "asked for once"
    assert (infos["speed"] == envs.world.u[:, envs.world.columns.pelvis_tx]).all()
    assert (last["speed"] != infos["speed"]).all()
    with pytest.raises(InputError, match="choose device"):
        OsimGaitVectorEnv(2, devise="hip")


def test_a_body_of_a_batch_walks_as_it_does_alone() -> None:
    envs, one = OsimGaitVectorEnv(11, speed=1.25), OsimGaitEnv(speed=1.25)
    action = np.random.default_rng(1).uniform(-0.6, 0.0, envs.action_space.shape).astype(np.float32)
    for world in (envs.world, one.world):
        world.bodies.random[:] = 5
        world.reset()
    for _ in range(5):
        seen = envs.step(action)[0]
        np.testing.assert_array_equal(seen[9], one.step(action[9])[0])


def test_some_of_a_batch_are_reset() -> None:
    envs = OsimGaitVectorEnv(3)
    envs.reset(seed=1)
    envs.step(np.zeros(envs.action_space.shape, np.float32))
    _, infos = envs.reset(options={"reset_mask": np.array([True, False, True]), "phase": 0.5})
    assert infos["time"].tolist() == [0.0, 0.01, 0.0] and envs.world.bodies.phase[[0, 2]].tolist() == [0.5, 0.5]


def test_a_vec_env_answers_as_those_of_stable_baselines3() -> None:
    world = make_excitation_world(WorldSetup(), dataclasses.replace(ENVIRONMENT_CONFIG, episode=0.05), n_envs=2)
    batch = GaitVecEnv(world)
    assert batch.has_attr("config") and batch.has_attr("render_mode") and not batch.has_attr("no_such_thing")
    with pytest.raises(AttributeError):
        batch.get_attr("no_such_thing")
    phase = world.bodies.phase
    batch.set_options([{"speed": 1.0}, {"speed": 1.4, "phase": 0.25}])
    batch.reset()
    assert batch.get_attr("bodies")[0].speed.tolist() == [1.0, 1.4] and phase[1] == 0.25
    assert [info["commanded_speed"] for info in batch.reset_infos] == [1.0, 1.4]
    batch.reset()  # options count once
    assert phase[1] != 0.25
    batch.set_options({"phase": 0.5})
    batch.seed(3)
    first = batch.reset()
    assert phase.tolist() == [0.5, 0.5]
    batch.set_options({"phase": 0.5})
    batch.seed(3)
    np.testing.assert_array_equal(batch.reset(), first)
    for _ in range(5):
        observation, reward, done, infos = batch.step(np.zeros((2, world.n_actions), np.float32))
    assert done.all() and reward.dtype == np.float32
    for i, info in enumerate(infos):
        assert info["TimeLimit.truncated"] and round(info["time"], 9) == 0.05 and "reward/imitate_pose" in info
        assert not np.array_equal(info["terminal_observation"], observation[i])
    batch.set_options({"fase": 0.5})
    with pytest.raises(InputError, match="choose phase, speed"):
        batch.reset()
    with pytest.raises(NotImplementedError, match="share one world"):
        batch.set_attr("config", None, indices=0)
    with pytest.raises(InputError, match="RecruitmentVecEnv"):
        GaitVecEnv(make_world(WorldSetup(), WorldConfig(), n_envs=2))  # type: ignore[arg-type]
