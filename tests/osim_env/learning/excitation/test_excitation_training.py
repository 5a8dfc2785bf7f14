"""A training with one excitation a muscle: teacher, imitation, resuming to the bit, policies that walk."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from exogait.data.errors import ExogaitError, FileFormatError, InputError
from exogait.osim_env import engine
from exogait.osim_env.excitation.config import ExcitationConfig, inverse_softplus
from exogait.osim_env.gait.config import WorldConfig
from exogait.osim_env.gait.population import Population
from exogait.osim_env.gait.reference import load_reference
from exogait.osim_env.gait.setup import WorldSetup, make_world
from exogait.osim_env.learning.config import EvaluationConfig, Stage
from exogait.osim_env.learning.excitation.config import ExcitationTrainConfig, ImitationConfig, PpoConfig
from exogait.osim_env.learning.excitation.imitation import Lesson
from exogait.osim_env.learning.excitation.network import Room
from exogait.osim_env.learning.excitation.normalize import NEW_STD
from exogait.osim_env.learning.excitation.setup import make_excitation_world
from exogait.osim_env.learning.excitation.teacher import Teacher
from exogait.osim_env.learning.excitation.trainer import ExcitationTrainer, start_from
from exogait.osim_env.learning.learner import NEVER_VARIED, STD_FLOOR
from exogait.osim_env.learning.policy import load_policy
from exogait.osim_env.learning.run import read_training
from exogait.osim_env.learning.simulation import policy_settings, simulate

CONFIG = ExcitationTrainConfig(
    name="small", scheme="excitation", n_envs=48, n_steps=8,
    stages=(Stage(samples=3 * 48 * 8, speeds=(1.2, 1.3)),),
    world=ExcitationConfig(backend="float32", push_force=50.0, push_interval=0.1, episode=0.15),
    imitation=ImitationConfig(
        iterations=2, n_envs=24, n_steps=20, steps=20, final_steps=10, minibatch=256, push_interval=0.1, turn=0.05
    ),
    human=PpoConfig(actor=(32, 32), critic=(32,), minibatch=192, critic_warmup=1, effort_gradient=0.01),
    evaluation=EvaluationConfig(seconds=0.3, starts=1, n_speeds=2),
)  # fmt: skip


def test_the_teacher_says_what_it_would_do_in_its_own_world() -> None:
    """From the same state, the labels of the first 20 ms are what the recruitment world then excites."""
    brain, config, _ = policy_settings("healthy")
    assert brain is not None
    own = make_world(WorldSetup(), dataclasses.replace(config, reset_noise=0.0), n_envs=6, auto_reset=False)
    phase, speed = np.array([0.05, 0.2, 0.4, 0.55, 0.7, 0.95]), np.linspace(1.0, 1.5, 6)
    own.reset(np.arange(6), phase=phase, speed=speed)
    world = make_excitation_world(
        WorldSetup(), ExcitationConfig(reset_noise=0.0, treadmill=config.treadmill), n_envs=6, auto_reset=False
    )
    world.reset(phase=phase, speed=speed)
    n = world.model.n_coordinates
    world.bodies.state[:, : 2 * n] = np.concatenate([own.q, own.u], axis=1)
    world.bodies.state[:, 2 * n : 2 * n + world.model.n_muscles] = own.activation
    teacher = Teacher("healthy", world, load_reference(), trunk_effort_weight=config.muscles.trunk_effort_weight)
    # A recruitment world knows no foot load before its first step, and remembers the start's moments.
    world.bodies.foot_load[:] = 0.0
    teacher.shadow.state.muscle_moment[:] = own.state.muscle_moment
    excitation, rate = teacher.label()
    wanted = []
    own.on_tick = lambda: wanted.append(own.controls[:, : world.model.n_muscles].copy())
    own.step(brain.act(own.human_observation()))
    np.testing.assert_allclose(excitation, wanted[0], atol=2e-4)
    np.testing.assert_allclose(rate, np.clip(own.state.human_action[:, -1], -1, 1), atol=1e-3)
    assert np.abs(wanted[1] - wanted[0]).max() > 0.01  # recruitment goes on within a decision


def test_squash_and_its_inverse() -> None:
    excitation = np.array([1e-4, 0.01, 0.3, 1.0])
    z = inverse_softplus(10.0 * excitation) / 10.0
    np.testing.assert_allclose(np.logaddexp(0.0, 10 * z) / 10, excitation, rtol=1e-10)
    assert inverse_softplus(0.0) == -np.inf  # a muscle that is never idle


def test_imitation_comes_closer_to_the_teacher(tmp_path: Path) -> None:
    trainer = ExcitationTrainer(CONFIG, tmp_path)
    assert CONFIG.imitation is not None
    lesson = Lesson(CONFIG, CONFIG.imitation, trainer.human)
    first = lesson.round(0)
    before = lesson._learn(1, lambda _: 0.0)
    lesson._learn(150, lambda _: 1e-3)
    assert lesson._learn(1, lambda _: 0.0) < 0.5 * before
    assert first["labels"] == 24 * 20
    said = lesson.said[: lesson.count].numpy()
    assert said[:, :-1].std() > 0.03  # labels differ from muscle to muscle and state to state
    lesson.gather(1.0)
    lesson.end()
    assert trainer.human.covariance is not None
    assert (np.linalg.eigvalsh(trainer.human.covariance) > -1e-9).all()


def run(folder: Path, config: ExcitationTrainConfig = CONFIG) -> ExcitationTrainer:
    trainer = ExcitationTrainer(config, folder)
    trainer.run()
    return trainer


def test_a_resumed_run_ends_in_the_same_bits_on_any_number_of_threads(tmp_path: Path) -> None:
    before = engine.get_threads()
    try:
        engine.set_threads(1)
        whole = run(tmp_path / "whole")
        engine.set_threads(3)
        first = ExcitationTrainer(CONFIG, tmp_path / "parts")
        first.run(stop_after=0.0)
        assert 0 < first.samples < CONFIG.samples
        engine.set_threads(2)
        second = ExcitationTrainer(CONFIG, tmp_path / "parts")
        second.load_checkpoint()
        second.run()
    finally:
        engine.set_threads(before)
    for name, array in whole.human.arrays().items():
        np.testing.assert_array_equal(array, second.human.arrays()[name], err_msg=name)
    for name, array in whole.world.arrays().items():
        np.testing.assert_array_equal(array, second.world.arrays()[name], err_msg=name)
    assert whole.human.random_states() == second.human.random_states()
    assert (tmp_path / "whole" / "best_human.safetensors").read_bytes() == (
        tmp_path / "parts" / "best_human.safetensors"
    ).read_bytes()


def test_what_a_run_leaves_walks(tmp_path: Path) -> None:
    trainer = run(tmp_path)
    rows = (tmp_path / "progress.csv").read_text().splitlines()
    columns = rows[0].split(",")
    shares = [float(rows[1].split(",")[columns.index(f"share/{name}")]) for name in
              ("simulation", "forward", "learning", "rest")]  # fmt: skip
    assert len(rows) == 4
    assert abs(sum(shares) - 1.0) < 1e-9
    assert min(shares) > 0.0
    policy = load_policy(tmp_path / "last_human")
    observation = trainer.world.results.observation
    mean = trainer.human.mean_action(observation, Room(trainer.human.actor, 48))
    varied = trainer.human.statistics.varied[: policy.n_observations]
    assert 400 < varied.sum() < policy.n_observations  # a healthy body's strength never varies
    np.testing.assert_allclose(policy.act(observation), np.clip(mean, -1, 1), atol=2e-4)
    trial = simulate(policy, speed=1.25, seconds=0.2)
    assert trial.coordinates is not None
    assert trial.ground_reactions is not None
    assert len(trial.coordinates) == 20
    assert trial.muscles["excitation"].shape == (20, 92)
    assert float(trial.ground_reactions.filter(like="vy").sum(axis=1).mean()) > 200.0
    again = simulate(tmp_path / "last_human", speed=1.25, seconds=0.2)
    np.testing.assert_array_equal(trial.coordinates, again.coordinates)
    other = dataclasses.replace(CONFIG, imitation=None, start_human=str(tmp_path / "last_human"))
    started = ExcitationTrainer(other, tmp_path / "next")
    np.testing.assert_allclose(
        started.policy().act(observation), policy.act(observation), atol=2e-3
    )  # fmt: skip
    with pytest.raises(InputError, match="recruitment"):
        policy_settings(policy)


def test_what_a_policy_did_not_know_is_heard_by_who_starts_from_it(tmp_path: Path) -> None:
    """With the deviation of an entry that nobody scaled, a learning rate for walking bodies never got to the grade."""
    policy = run(tmp_path).policy()
    names = policy.metadata["human_observations"]
    news = [names.index("slope"), names.index("body height")]
    kept = np.setdiff1d(np.arange(len(names)), news)
    (first, bias), *others = policy.layers
    older = dataclasses.replace(
        policy,
        mean=policy.mean[kept], scale=policy.scale[kept], layers=((first[:, kept], bias), *others),
        metadata={**policy.metadata, "human_observations": [names[k] for k in kept]},
    )  # fmt: skip
    trainer = ExcitationTrainer(dataclasses.replace(CONFIG, imitation=None), tmp_path / "next")
    start_from(trainer.human, older, trainer.world.signature())
    varied = 1.0 / policy.scale[kept] - STD_FLOOR > NEVER_VARIED
    deviation = 1.0 / trainer.human.statistics.scale[: len(names)] - STD_FLOOR
    np.testing.assert_allclose(deviation[news], NEW_STD, rtol=1e-5)
    np.testing.assert_allclose(deviation[kept][varied], (1.0 / policy.scale[kept] - STD_FLOOR)[varied], rtol=1e-3)
    np.testing.assert_allclose(deviation[kept][~varied], NEW_STD, rtol=1e-5)
    assert not trainer.human.actor.layers[0][0].numpy()[:, news].any()


def test_a_damaged_or_foreign_checkpoint_is_refused(tmp_path: Path) -> None:
    config = dataclasses.replace(CONFIG, imitation=None)
    trainer = ExcitationTrainer(config, tmp_path)
    trainer.update()
    path = trainer.save_checkpoint()
    changed = dataclasses.replace(config, seed=5)
    with pytest.raises(FileFormatError, match="seed"):
        ExcitationTrainer(changed, tmp_path).load_checkpoint()
    with np.load(path) as content:
        arrays = dict(content)
    for name, wrong in (
        ("human/actor", np.full_like(arrays["human/actor"], np.nan)),
        ("human/covariance", -arrays["human/covariance"]),
        ("world/bodies/state", arrays["world/bodies/state"][:-1]),
        ("facts", np.frombuffer(json.dumps({"samples": 3}).encode(), np.uint8)),
    ):
        np.savez(path, **{**arrays, name: wrong})
        with pytest.raises(FileFormatError, match=r"damaged|fit"):
            ExcitationTrainer(config, tmp_path).load_checkpoint()
    for name in ("starts", "lengths"):
        np.savez(path, **{key: value for key, value in arrays.items() if key != name})
        with pytest.raises(FileFormatError, match="does not fit"):
            ExcitationTrainer(config, tmp_path).load_checkpoint()


def test_the_suites_own_training_is_readable() -> None:
    config = read_training("excitation")
    assert isinstance(config, ExcitationTrainConfig)
    assert config.imitation is not None
    assert 550_000 < config.imitation.labels < 650_000
    assert config.n_envs * config.n_steps % config.human.minibatch == 0
    with pytest.raises(InputError, match="device"):
        dataclasses.replace(config, stages=(Stage(samples=1.0, learn="device"),))


def test_bodies_of_several_sizes_learn_in_one_batch_and_in_this_scheme_alone() -> None:
    population = Population(sizes=((1.6, 60.0), (1.9, 90.0)), size_share=0.5)
    setup = WorldSetup(population=population)
    world = make_excitation_world(setup, ExcitationConfig(backend="float32"), n_envs=8, sizes=True)
    assert [part.n for part in world.parts] == [4, 2, 2]
    np.testing.assert_allclose(world.bodies.person_mass[4:], [60.0, 60.0, 90.0, 90.0])
    assert len(make_excitation_world(setup, ExcitationConfig(), n_envs=1).parts) == 1, "a walk is one body's"
    with pytest.raises(InputError, match="several sizes"):
        make_world(setup, WorldConfig(), n_envs=2)


def test_speeds_that_fail_are_drawn_more_often_and_stay_so_when_a_stage_changes(tmp_path: Path) -> None:
    trainer = ExcitationTrainer(CONFIG, tmp_path)
    trainer.evaluate()
    shares = np.diff(trainer.world.draw.speed_share, prepend=0.0)
    survival = [trainer.curve[-1][key] for key in trainer.curve[-1] if key.startswith("survival/")]
    np.testing.assert_allclose(shares[0] / shares[-1], (5 - 4 * survival[0]) / (5 - 4 * survival[-1]), rtol=0.5)
    trainer.world.set_shares(np.array([0.0, 0.0, 0.0, 0.0, 1.0]))
    trainer.world.set_config(dataclasses.replace(trainer.world.config, push_force=10.0))
    trainer.world.reset()
    assert (trainer.world.bodies.speed > 1.2 + 0.8 * (1.3 - 1.2)).all()


def test_opensim_itself_walks_as_the_twin_does_under_the_same_policy() -> None:
    """The policy sees what OpenSim came to; what parts them is the integrator's step of the twin."""
    twin, other = (
        simulate("excitation", speed=1.25, seconds=0.15, phase=0.3, setup=WorldSetup(engine=name)).coordinates
        for name in ("twin", "opensim")
    )
    assert twin.shape == other.shape
    difference = (twin - other).abs().to_numpy()
    assert 1e-9 < difference.mean() < 2e-3, "another engine, the same walk"
    assert difference.max() < 0.05


def test_a_walk_does_what_it_is_asked_and_says_so() -> None:
    """Slope, stride rate and load reach both copies of the body (which must agree), and the trial tells them."""
    plain = simulate("walker", seconds=1.2, phase=0.0)
    asked = simulate("walker", seconds=1.2, phase=0.0, slope=-0.05, stride_rate=0.9, load=("feet", 1.0))
    assert (asked.about.slope, asked.about.stride_rate, list(asked.about.load)) == (-0.05, 0.9, ["feet", 1.0])
    assert plain.about.slope is None and not plain.about.load and asked.about.device_mass == plain.about.device_mass
    strides = [np.unwrap(2 * np.pi * trial.extra["phase"]["phase"].to_numpy())[-1] for trial in (plain, asked)]
    assert strides[1] < strides[0]
    # What the feet carry over a stride is the weight, with two kilograms more on them.
    columns = ["ground_force_r_vy", "ground_force_l_vy"]
    carried = [trial.require("ground_reactions")[columns].sum(axis=1).mean() for trial in (plain, asked)]
    assert carried[1] - carried[0] == pytest.approx(2.0 * 9.81, abs=15.0)
    for options in ({"load": ("head", 1.0)}, {"slope": 0.9}, {"stride_rate": 3.0}):
        with pytest.raises(ExogaitError):
            simulate("walker", seconds=0.1, **options)
    with pytest.raises(InputError, match="policy of excitations"):
        simulate("healthy", seconds=0.1, slope=0.02)
    with pytest.raises(InputError, match="compiled engine"):
        simulate("walker", seconds=0.1, load=("feet", 1.0), setup=WorldSetup(engine="opensim"))
