"""From command to torque: limits of the device file, delay, rate; and what it senses."""

from __future__ import annotations

import numpy as np
import pytest

from exogait.models.device import load_device
from exogait.osim_env.device.exoskeleton import HISTORY, TICK, Exoskeleton, signal_channels
from exogait.osim_env.gait.config import WorldConfig
from exogait.osim_env.gait.setup import WorldSetup, make_world

DEVICE = load_device("hip_ankle")
MASS = 70.0


def exoskeleton() -> Exoskeleton:
    return Exoskeleton(DEVICE, DEVICE.actuator_names, 2, np.full(2, MASS))


def test_torque_reaches_the_peak_of_its_direction_and_no_more() -> None:
    exo = exoskeleton()
    for sign, peak in ((1.0, "peak_positive"), (-1.0, "peak_negative")):
        for _ in range(200):
            torque = exo.tick(np.full((2, exo.n_actuators), 5.0 * sign))
        expected = sign * MASS * np.array([getattr(joint, peak) for joint in DEVICE.actuation])
        np.testing.assert_allclose(torque, np.tile(expected, (2, 1)), atol=1e-9)


def test_torque_follows_within_rate_and_after_the_delay() -> None:
    exo = exoskeleton()
    torque = np.array([exo.tick(np.ones((2, exo.n_actuators)))[0] for _ in range(40)]) / MASS
    delay = round(DEVICE.delay / TICK)
    assert not torque[:delay].any() and torque[delay].all()
    limit = np.array([joint.rate_limit for joint in DEVICE.actuation]) * TICK
    assert (np.diff(torque, axis=0) <= limit + 1e-12).all()


def test_powered_off_gives_no_torque() -> None:
    exo = exoskeleton()
    exo.powered[:] = 0.0
    for _ in range(10):
        assert not exo.tick(np.ones((2, exo.n_actuators))).any()


def test_a_reset_forgets_one_body_only() -> None:
    exo = exoskeleton()
    for _ in range(10):
        exo.tick(np.ones((2, exo.n_actuators)))
    exo.reset(np.array([0]))
    assert not exo.applied_torque[0].any() and exo.applied_torque[1].all()


def test_history_holds_the_last_samples_newest_first() -> None:
    exo = exoskeleton()
    signals = {name: np.zeros(2) for name in exo.signal_names}
    for value in range(HISTORY + 3):
        signals[exo.signal_names[0]] = np.full(2, float(value))
        exo.sense(signals)
    seen = exo.observation().reshape(2, HISTORY, -1)[0, :, 0]
    assert np.all(np.diff(seen) < 0) and len(signal_channels(DEVICE)) == len(exo.signal_names)


def test_torque_of_a_world_stays_within_the_models_actuators() -> None:
    world = make_world(WorldSetup(device="hip_ankle"), WorldConfig(early_termination=False), n_envs=1, auto_reset=False)
    for _ in range(15):
        world.step(np.zeros((1, world.n_human_actions)), np.ones((1, world.n_device_actions)))
    assert world.exoskeleton is not None
    controls = world.controls[0, world.recruitment.n_muscles + world.exoskeleton.columns]
    low, high = world.physics.model.actuator_control_range[world.exoskeleton.columns].T
    assert (controls <= high + 1e-9).all() and (controls >= low - 1e-9).all()
    assert controls == pytest.approx(high)
