"""Policies at rest: the same actions after a round trip, ONNX included, and clear refusals."""

from __future__ import annotations

import json

import numpy as np
import pytest

from data.errors import FileFormatError
from osim_env.learner import Learner, LearnerConfig
from osim_env.policy import Policy, PolicyMismatchError, export_onnx, load_policy, policy_from_learner

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
