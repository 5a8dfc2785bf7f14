"""Policies at rest: the same actions after a round trip, ONNX included, and clear refusals."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from exogait.data.errors import FileFormatError, InputError
from exogait.osim_env.engine import Model
from exogait.osim_env.gait.config import WorldConfig
from exogait.osim_env.gait.setup import COMPILED, WorldSetup, make_world
from exogait.osim_env.gait.world import GaitWorld
from exogait.osim_env.learning.learner import Learner, LearnerConfig
from exogait.osim_env.learning.policy import (
    Policy,
    PolicyMismatchError,
    export_onnx,
    load_policy,
    policy_from_learner,
)
from exogait.osim_env.learning.simulation import simulate

FLOAT32 = 2e-6  # networks are trained and stored in single precision


@pytest.fixture
def policy() -> Policy:
    learner = Learner(LearnerConfig(layers=(16, 16)), n_envs=4, n_steps=8, n_observations=5, n_actions=3, seed=1)
    learner.statistics.mean[:] = np.arange(5)
    return policy_from_learner(learner, {"name": "test", "role": "human", "device": None})


@pytest.fixture
def observation() -> np.ndarray:
    return np.random.default_rng(0).normal(2, 3, (20, 5))


def test_round_trip_gives_the_same_actions(policy, observation, tmp_path) -> None:
    policy.save(tmp_path / "walk")
    again = load_policy(tmp_path / "walk.json")
    np.testing.assert_allclose(again.act(observation), policy.act(observation), atol=FLOAT32)
    assert again.metadata["name"] == "test"


def test_onnx_gives_the_same_actions(policy, observation, tmp_path) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    session = onnxruntime.InferenceSession(str(export_onnx(policy, tmp_path / "walk.onnx")))
    found = session.run(None, {"observation": observation.astype(np.float32)})[0]
    np.testing.assert_allclose(found, policy.act(observation), atol=1e-5)


def test_a_policy_for_something_else_is_refused_with_the_reason(policy) -> None:
    policy.require(role="human")
    with pytest.raises(PolicyMismatchError, match="device is None, here it is 'hip'"):
        policy.require(device="hip")


def test_damaged_files_are_refused(policy, tmp_path) -> None:
    policy.save(tmp_path / "walk")
    weights = tmp_path / "walk.safetensors"
    good = weights.read_bytes()
    weights.write_bytes(good[: len(good) // 2])
    with pytest.raises(FileFormatError, match="damaged policy"):
        load_policy(tmp_path / "walk.json")
    weights.write_bytes(good)
    description = json.loads((tmp_path / "walk.json").read_text())
    (tmp_path / "walk.json").write_text(json.dumps({**description, "format": "other"}))
    with pytest.raises(FileFormatError, match="format"):
        load_policy(tmp_path / "walk.json")
    with pytest.raises(FileFormatError, match="no such policy"):
        load_policy(tmp_path / "nothing.json")
    (tmp_path / "walk.json").write_text(json.dumps(description))
    weights.unlink()
    with pytest.raises(FileFormatError, match="no such policy"):
        load_policy(tmp_path / "walk.json")


@pytest.mark.parametrize("settings", [{"setup": 1.0}, {"stages": {"speeds": [1.0]}}, {"stages": [1.25]}])
def test_settings_that_are_none_are_refused(policy, tmp_path, settings) -> None:
    dataclasses.replace(policy, metadata={**policy.metadata, "settings": settings}).save(tmp_path / "walk")
    with pytest.raises(FileFormatError, match="settings"):
        load_policy(tmp_path / "walk")


def test_weights_that_are_no_numbers_are_refused(policy, tmp_path) -> None:
    broken = dataclasses.replace(policy, mean=np.full(5, np.nan))
    broken.save(tmp_path / "walk")
    with pytest.raises(FileFormatError, match="not finite"):
        load_policy(tmp_path / "walk")


def test_an_observation_of_another_length_is_refused(policy, observation) -> None:
    with pytest.raises(ValueError, match=r"shape \(20, 4\), expected \(batch, 5\)"):
        policy.act(observation[:, :4])


# ---- the model's hash --------------------------------------------------------------------------------------------


def heavier(model: Model, factor: float = 1.1) -> Model:
    return dataclasses.replace(model, tree=model.tree._replace(mass=model.tree.mass * factor))


def test_hash_is_stable_and_sees_every_number(tmp_path) -> None:
    model = Model.load(COMPILED[None])
    again = Model.load(model.save(tmp_path / "copy"))
    assert again.content_hash == model.content_hash
    # What does not move a body does not count, nor does the last bit.
    assert dataclasses.replace(model, name="other", source="elsewhere").content_hash == model.content_hash
    assert heavier(model, 1 + 1e-15).content_hash == model.content_hash
    others = [
        heavier(model, 1.00001),
        Model.load(COMPILED["hip_ankle"]),
        dataclasses.replace(
            model, muscles=model.muscles._replace(max_isometric_force=1.01 * model.muscles.max_isometric_force)
        ),
        dataclasses.replace(model, muscle_names=(*model.muscle_names[:-1], "other")),
    ]
    assert len({model.content_hash, *(other.content_hash for other in others)}) == 5


def standing(world: GaitWorld, **metadata) -> Policy:
    """A policy of the world's layout that does nothing."""
    n, m = len(world.human_observation_names), world.n_human_actions
    layers = ((np.zeros((m, n)), np.zeros(m)),)
    signature = {"name": "still", "role": "human", **world.signature(), **metadata}
    return Policy(np.zeros(n), np.ones(n), 10.0, layers, np.zeros(m), signature)


def test_a_policy_is_refused_on_a_model_of_the_same_names_and_other_numbers(tmp_path, monkeypatch) -> None:
    world = make_world(WorldSetup(), WorldConfig(), n_envs=1)
    policy = standing(world)
    own = world.signature()["model_hash"]
    assert simulate(policy, seconds=0.04, phase=0.0).metadata["policy"] == "still"
    changed = heavier(Model.load(COMPILED[None]))
    monkeypatch.setitem(COMPILED, None, changed.save(tmp_path / "heavier.npz"))
    with pytest.raises(PolicyMismatchError, match=rf"{own[:12]}.*{changed.content_hash[:12]}.*--other-model"):
        simulate(policy, seconds=0.04)
    assert simulate(policy, seconds=0.04, other_model=True).metadata["policy"] == "still"
    # One from before models had a hash is judged by its layout.
    old = standing(world)
    del old.metadata["model_hash"]
    assert simulate(old, seconds=0.04).metadata["policy"] == "still"


def test_another_layout_is_refused_whatever_is_said() -> None:
    policy = standing(make_world(WorldSetup(), WorldConfig(), n_envs=1))
    with pytest.raises(PolicyMismatchError, match=r"human_observations|device"):
        simulate(policy, seconds=0.04, setup=WorldSetup(device="hip_ankle"), other_model=True)
    foreign = dataclasses.replace(policy, metadata={**policy.metadata, "model_muscles": ["soleus_r"]})
    with pytest.raises(PolicyMismatchError, match="model_muscles"):
        simulate(foreign, seconds=0.04, other_model=True)


def test_a_human_policy_cannot_drive_a_device() -> None:
    setup = WorldSetup(device="hip_ankle")
    policy = standing(make_world(setup, WorldConfig(), n_envs=1), settings={"setup": {"device": "hip_ankle"}})
    with pytest.raises(PolicyMismatchError, match="role is 'human', here it is 'device'"):
        simulate(policy, seconds=0.04, setup=setup, device_policy=policy)
    with pytest.raises(InputError, match="--device"):
        simulate(standing(make_world(WorldSetup(), WorldConfig(), n_envs=1)), seconds=0.04, device_policy=policy)
