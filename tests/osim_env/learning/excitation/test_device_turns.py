"""Human and device that learn in turns in the excitation world: who learns, from what, and resumed to the bit."""

from __future__ import annotations

import dataclasses
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from exogait.data.errors import InputError
from exogait.osim_env import engine
from exogait.osim_env.excitation.config import ExcitationConfig
from exogait.osim_env.gait.population import Population
from exogait.osim_env.gait.setup import WorldSetup
from exogait.osim_env.learning.config import EvaluationConfig, LearnerConfig, Stage
from exogait.osim_env.learning.excitation.config import ExcitationTrainConfig, PpoConfig
from exogait.osim_env.learning.excitation.trainer import ExcitationTrainer
from exogait.osim_env.learning.policy import load_policy

TURN = 2 * 32 * 8
CONFIG = ExcitationTrainConfig(
    name="pair", scheme="excitation", n_envs=32, n_steps=8, start_human="walker",
    stages=(
        Stage(samples=TURN, speeds=(1.2, 1.3), learn="device", conditions={"powered": 1.0}),
        Stage(samples=TURN, learn="human", conditions={"none": 1.0, "unpowered": 1.0, "powered": 1.0}),
    ),
    setup=WorldSetup(device="hip_ankle", population=Population(conditions={"none": 1, "unpowered": 1, "powered": 1})),
    world=ExcitationConfig(backend="float32", episode=0.15, squash=10.0),
    human=PpoConfig(minibatch=128, critic_warmup=1),
    device=LearnerConfig(layers=(16, 16), minibatch=64, epochs=1, mean_reward=True),
    evaluation=EvaluationConfig(seconds=0.1, starts=1, n_speeds=2),
)  # fmt: skip


def networks(trainer: ExcitationTrainer) -> tuple[np.ndarray, np.ndarray]:
    """Parameters of the human's and of the device's policy."""
    assert trainer.device is not None and trainer.device.learner is not None
    device = [p.detach().numpy().ravel() for p in trainer.device.learner.policy.parameters()]
    return trainer.human.actor.flat.numpy().copy(), np.concatenate(device)


def test_they_learn_in_turns_and_go_on_to_the_bit(tmp_path: Path) -> None:
    whole = ExcitationTrainer(CONFIG, tmp_path / "whole")
    conditions = whole.conditions()
    assert conditions is not None and len(np.unique(conditions)) == 3
    seen = [networks(whole)]
    for _ in range(4):
        whole.update()
        seen.append(networks(whole))
        if whole.samples == TURN:
            assert (whole.conditions() == 2).all(), "a device's turn has the device on in all bodies"
    changed = [(bool((a[0] != b[0]).any()), bool((a[1] != b[1]).any())) for a, b in pairwise(seen)]
    # The human's critic warms up for an update first.
    assert changed == [(False, True), (False, True), (False, False), (True, False)]

    first = ExcitationTrainer(CONFIG, tmp_path / "parts")
    first.folder.mkdir()
    for _ in range(3):
        first.update()
    first.save_checkpoint()
    assert {file.stem for file in first.folder.glob("*.json")} == {"last_human", "last_device"}
    threads = engine.get_threads()
    engine.set_threads(1)
    try:
        second = ExcitationTrainer(CONFIG, tmp_path / "parts")
        second.load_checkpoint()
        second.update()
    finally:
        engine.set_threads(threads)
    for one, other in zip(networks(second), networks(whole), strict=True):
        np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(second.world.bodies.state, whole.world.bodies.state)
    device = load_policy(tmp_path / "parts" / "last_device")
    device.require_device(whole.world.signature())
    assert device.metadata["role"] == "device" and device.n_actions == whole.world.n_device_actions


def test_turns_come_by_themselves_and_the_device_learns_from_all_bodies(tmp_path: Path) -> None:
    stages = (Stage(samples=6 * TURN, speeds=(1.2, 1.3)),)
    trainer = ExcitationTrainer(dataclasses.replace(CONFIG, stages=stages, turns=(TURN, TURN / 2)), tmp_path)
    found = []
    for _ in range(7):
        who = trainer.learning
        trainer.update()
        found.append((who, len(np.unique(trainer.conditions()))))  # type: ignore[arg-type]
    human, device = ("human", 3), ("device", 1)
    assert found == [human, human, device, human, human, device, human]


def test_a_decision_is_paid_until_the_next_or_the_end_of_its_episode(tmp_path: Path) -> None:
    trainer = ExcitationTrainer(CONFIG, tmp_path)
    world, agent = trainer.world, trainer.device
    assert agent is not None and agent.learner is not None
    agent.begin()
    trainer.human.begin()
    paid, ended, over = np.zeros(world.n_envs), np.zeros(world.n_envs, bool), []
    for step in range(16):
        if world.device_decides and step:
            over.append((paid.copy(), ended.copy()))
            paid[:], ended[:] = 0.0, False
        action = agent.decide(learns=True)
        results = world.step(trainer.human.act_without_noise(world), action)
        agent.follow()
        paid += np.where(ended, 0.0, results.device_reward)
        ended |= results.terminated | results.truncated
        if step == 7:
            break
    agent._close()
    over.append((paid, ended))
    index, buffer = agent.index, agent.learner.rollout_buffer
    assert agent.legs is not None and buffer.pos == 4
    for k, (wanted, _) in enumerate(over):
        expected = np.tile(wanted[index], 2) * (1.0 - agent.learner.gamma)
        np.testing.assert_allclose(buffer.rewards[k], expected, rtol=1e-5, atol=1e-7)
    starts = [np.tile(done[index], 2) for _, done in over]
    for k in range(1, 4):
        np.testing.assert_array_equal(buffer.episode_starts[k].astype(bool), starts[k - 1])


def test_settings_of_turns_that_make_no_sense_are_refused() -> None:
    for changes in (
        {"device": None}, {"stages": (Stage(samples=1, learn="both"),)}, {"n_steps": 7}, {"device_policy": "x"},
        {"setup": WorldSetup()},
        {"turns": (10.0, TURN)}, {"device": None, "stages": (Stage(samples=1),), "start_device": "x"},
    ):  # fmt: skip
        with pytest.raises(InputError):
            dataclasses.replace(CONFIG, **changes)
