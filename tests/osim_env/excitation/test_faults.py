"""What may be wrong with a device: noise and bias of its sensors, lost samples, late torque, a cuff that slips."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from exogait.data.errors import InputError
from exogait.models.device import load_device
from exogait.osim_env.device.exoskeleton import signal_channels
from exogait.osim_env.engine import Model
from exogait.osim_env.excitation.config import ExcitationConfig
from exogait.osim_env.excitation.world import ExcitationWorld
from exogait.osim_env.gait.reference import load_reference
from exogait.osim_env.gait.setup import COMPILED

N = 64
VALUES = [k for k, name in enumerate(signal_channels(load_device("hip_ankle"))) if name.endswith(".value")]


def make(**changes: object) -> ExcitationWorld:
    config = dataclasses.replace(ExcitationConfig(early_termination=False, reset_noise=0.0), **changes)
    device = load_device("hip_ankle")
    return ExcitationWorld(
        Model.load(COMPILED["hip_ankle"]), load_reference(), config, N, device=device, seed=3, auto_reset=False
    )


def walk(world: ExcitationWorld, steps: int, command: float = 0.5) -> tuple[np.ndarray, np.ndarray]:
    """What the sensors said of joint angles less what was so, in their size, and the torques, both by control step."""
    action, device_action = np.zeros((N, world.n_actions)), np.full((N, world.n_device_actions), command)
    columns = world.anatomy.channel_source[VALUES]
    errors, torques = [], []
    for _ in range(steps):
        decides = world.device_decides
        world.step(action, device_action)
        if decides:
            errors.append(world.bodies.history[:, 0, VALUES] - world.q[:, columns] / 0.5)
        torques.append(world.bodies.torque[:, world.anatomy.drive_columns].copy())
    return np.array(errors), np.array(torques)


def test_nothing_is_wrong_unless_asked_for() -> None:
    errors, _ = walk(make(), 6)
    assert np.abs(errors).max() < 1e-9


def test_noise_and_bias_are_of_the_size_that_was_asked_for() -> None:
    errors, _ = walk(make(sensor_noise=0.1), 20)
    assert abs(errors.mean()) < 0.01 and errors.std() == pytest.approx(0.1, rel=0.06)
    errors, _ = walk(make(sensor_bias=0.2), 20)
    assert errors.std(axis=0).max() < 1e-9, "it stays throughout a walk"
    assert errors[0].std() == pytest.approx(0.2, rel=0.15) and abs(errors[0].mean()) < 0.04


def test_a_lost_sample_is_the_last_one() -> None:
    world = make(missed_samples=0.3)
    action, device_action = np.zeros((N, world.n_actions)), np.zeros((N, world.n_device_actions))
    held, seen = 0, 0
    for _ in range(40):
        decides, before = world.device_decides, world.bodies.history[:, 0].copy()
        world.step(action, device_action)
        if decides:
            same = (world.bodies.history[:, 0] == before).all(axis=1)
            held, seen = held + int(same.sum()), seen + N
            np.testing.assert_array_equal(world.bodies.history[:, 1], before)
    assert held / seen == pytest.approx(0.3, abs=0.05)


def test_late_torque_and_a_slipping_cuff() -> None:
    _, prompt = walk(make(), 16)
    world = make(torque_delay=(0.01, 0.05))
    _, torques = walk(world, 16)
    assert set(world.faults.late.tolist()) == {1, 2, 3, 4, 5}
    for body in range(N):
        late = world.faults.late[body]
        np.testing.assert_array_equal(torques[late:, body], prompt[: 16 - late, body])
        assert not torques[:late, body].any()
    world = make(cuff_slip=(0.1, 0.4))
    _, torques = walk(world, 16)
    grip = world.faults.grip
    assert 0.6 <= grip.min() < 0.65 and 0.85 < grip.max() <= 0.9
    np.testing.assert_allclose(torques, grip[:, None] * prompt, rtol=1e-12)


def test_faults_go_on_from_a_checkpoint_and_none_is_out_of_range() -> None:
    world, other = make(torque_delay=(0.0, 0.03), sensor_bias=0.1), make(torque_delay=(0.0, 0.03), sensor_bias=0.1)
    walk(world, 5)
    content = world.arrays()
    other.load_arrays(content)
    for a, b in zip(walk(world, 6), walk(other, 6), strict=True):
        np.testing.assert_array_equal(a, b)
    content["faults/late"] = content["faults/late"] + 1000
    with pytest.raises(ValueError, match="faults/late"):
        other.load_arrays(content)
    with pytest.raises(InputError, match="longest"):
        world.set_config(dataclasses.replace(world.config, torque_delay=(0.0, 0.06)))
