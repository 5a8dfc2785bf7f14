"""An exoskeleton at work: what it senses, and how a command becomes torque.

Both act in the environment, the same under both engines. A command in [-1, 1] is a share of the peak torque of its
direction; the torque follows it within the rate limit and reaches the body after the device's delay. The controller
sees the signals of its device file over a short history and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from exogait.data.names import mirrored_name
from exogait.models.device import Device

from .mirror import ODD_COORDINATES

Array = NDArray[np.floating[Any]]

HISTORY = 10
"""Samples of each sensed signal that the controller sees, one per control step."""
TICK = 0.01
"""Torque is updated this often, s."""
# Typical sizes that bring the signals to order one before statistics take over.
SIZE = {"value": 0.5, "speed": 5.0, "orientation": 0.3, "gyroscope": 3.0, "accelerometer": 10.0, "applied_torque": 0.5}


class Exoskeleton:
    """State of one kind of device on a batch of bodies."""

    def __init__(self, device: Device, actuator_names: tuple[str, ...], n_envs: int, body_mass: Array) -> None:
        self.device = device
        self.columns = np.array([actuator_names.index(name) for name in device.actuator_names], np.int64)
        self.peak_positive = np.array([joint.peak_positive for joint in device.actuation])
        self.peak_negative = np.array([joint.peak_negative for joint in device.actuation])
        self.rate_limit = np.array([joint.rate_limit for joint in device.actuation])
        self.body_mass = body_mass
        self.n_actuators = len(self.columns)
        self.delay_ticks = round(device.delay / TICK)
        self.torque_per_kg = np.zeros((n_envs, self.n_actuators))
        self.pipeline = np.zeros((self.delay_ticks + 1, n_envs, self.n_actuators))
        self.signal_names = signal_channels(device)
        self.history = np.zeros((n_envs, HISTORY, len(self.signal_names)))
        self.powered = np.ones(n_envs)

    @property
    def n_observations(self) -> int:
        """Length of the controller's observation."""
        return HISTORY * len(self.signal_names)

    @property
    def applied_torque(self) -> Array:
        """Torque on the body now, shape (batch, n_actuators), N m."""
        return self.pipeline[0] * self.body_mass[:, None]

    def tick(self, command: Array) -> Array:
        """Advance rate limit and delay by one tick.

        Args:
            command: Share of the peak torque, shape (batch, n_actuators), in [-1, 1].

        Returns:
            Torque on the body during the tick, shape (batch, n_actuators), N m.
        """
        command = np.clip(command, -1.0, 1.0) * self.powered[:, None]
        wanted = np.where(command > 0, command * self.peak_positive, command * self.peak_negative)
        step = self.rate_limit * TICK
        self.torque_per_kg += np.clip(wanted - self.torque_per_kg, -step, step)
        self.pipeline[:-1] = self.pipeline[1:]
        self.pipeline[-1] = self.torque_per_kg
        return self.applied_torque

    def reset(self, index: NDArray[np.int64]) -> None:
        """Forget torque and history of some environments."""
        self.torque_per_kg[index] = 0.0
        self.pipeline[:, index] = 0.0
        self.history[index] = 0.0

    def sense(self, signals: Mapping[str, Array], index: NDArray[np.int64] | None = None) -> None:
        """Push one sample of every signal; after a reset the whole history is filled with it.

        Args:
            signals: Channel name (of :attr:`signal_names`) to values, shape (batch,).
            index: Environments just reset; all others advance when None.
        """
        sample = np.stack([signals[name] / SIZE[name.split(".")[1]] for name in self.signal_names], axis=1)
        if index is not None:
            self.history[index] = sample[index, None]
        else:
            self.history[:, 1:] = self.history[:, :-1]
            self.history[:, 0] = sample

    def observation(self) -> Array:
        """What the controller sees, newest sample first, shape (batch, n_observations)."""
        return self.history.reshape(len(self.history), -1)


def signal_channels(device: Device) -> tuple[str, ...]:
    """Scalar channels of a device's sensed signals.

    ``pelvis.orientation`` becomes ``.tilt`` and ``.list`` (an inertial unit knows gravity, not heading);
    ``.gyroscope`` and ``.accelerometer`` become three axes; ``applied_torque`` one channel per actuator.
    """
    channels: list[str] = []
    for signal in device.sensed:
        if signal == "applied_torque":
            channels += [f"{name}.applied_torque" for name in device.actuator_names]
            continue
        source, _, kind = signal.rpartition(".")
        if kind == "orientation":
            channels += [f"{source}.orientation.tilt", f"{source}.orientation.list"]
        elif kind in ("gyroscope", "accelerometer"):
            channels += [f"{source}.{kind}.{axis}" for axis in "xyz"]
        else:
            channels.append(signal)
    return tuple(channels)


def mirrored_channel(channel: str) -> tuple[str, float]:
    """The channel of the mirrored body and the sign its value takes there.

    Reflection in the sagittal plane keeps x and y of a vector and flips z; of a rotation it flips x and y and keeps z.
    """
    source, kind, *axis = channel.split(".")
    name = ".".join([mirrored_name(source), kind, *axis])
    if kind == "gyroscope":
        return name, 1.0 if axis[0] == "z" else -1.0
    if kind == "accelerometer":
        return name, -1.0 if axis[0] == "z" else 1.0
    if kind == "orientation":
        return name, 1.0 if axis[0] == "tilt" else -1.0
    return name, -1.0 if source in ODD_COORDINATES else 1.0
