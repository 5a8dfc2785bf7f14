"""A fixed torque profile as a time-based controller: the baseline that a learned device has to stand beside.

As in human-in-the-loop experiments (Zhang et al. 2017, 10.1126/science.aal5054), the torque follows a curve over the
stride, and where in its stride each leg is follows from the time since its last heel strike over the mean duration of
its last strides. The curve is read ahead by the device's delay. Until a leg has made a whole stride it gets nothing.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from exogait.data.errors import FileFormatError, InputError
from exogait.data.loading import regular_file
from exogait.data.names import side_of, stem

from ..device.mirror import ODD_COORDINATES
from ..gait.world import GaitWorld

Array = NDArray[np.floating[Any]]

PROFILES = Path(__file__).parent / "profiles"
CONTACT = 20.0
"""Vertical force that makes a heel strike, N."""
SHORTEST_SWING = 0.15
"""A foot has to have been unloaded for so long before its next heel strike counts, s."""
MEMORY = 0.5
"""Weight of the last stride in the running mean of stride durations."""


def read_profile(path: str | Path) -> pd.DataFrame:
    """Torque over the stride by coordinate without side.

    Args:
        path: Name of a profile of the suite or CSV file: ``percent`` and one column per coordinate, N m/kg.

    Returns:
        Table over percent.

    Raises:
        FileFormatError: Missing, or not such a table.
    """
    own = PROFILES / f"{path}.csv"
    path = own if own.is_file() else Path(path)
    try:
        regular_file(path)
        table = pd.read_csv(path, comment="#").set_index("percent").astype(float)
    except (OSError, KeyError, ValueError) as error:
        raise FileFormatError(path, f"no torque profile ({error})", "columns percent, hip_flexion, ...") from None
    if len(table) < 2 or not (np.isfinite(table.to_numpy()).all() and table.index.is_monotonic_increasing):
        raise FileFormatError(path, "no torque profile (a value is missing)", "columns percent, hip_flexion, ...")
    return table


class PrescribedTorque:
    """Drives the device of every body of a world by one profile.

    Args:
        world: A world with a device.
        profile: See :func:`read_profile`; joints of the device that it lacks get no torque.

    Raises:
        InputError: The world has no device.
    """

    def __init__(self, world: GaitWorld, profile: str | Path) -> None:
        if world.exoskeleton is None:
            raise InputError("torque profile", profile, "a device that can follow it")
        self.world, self.exoskeleton = world, world.exoskeleton
        table = read_profile(profile)
        self.percent = table.index.to_numpy(float)
        device = self.exoskeleton.device
        self.curves = []
        for name in device.coordinates:
            values = table[stem(name)].to_numpy() if stem(name) in table else np.zeros(len(table))
            self.curves.append(-values if name in ODD_COORDINATES and side_of(name) == "l" else values)
        self.side = np.array([0 if side_of(name) == "r" else 1 for name in device.coordinates])
        n = world.n_envs
        self.last_strike, self.duration = np.full((n, 2), np.nan), np.full((n, 2), np.nan)
        self.unloaded = np.zeros((n, 2))

    def act(self) -> Array:
        """Actions for the next control step, shape (batch, n_device_actions), in [-1, 1]."""
        world, now = self.world, self.world.time[:, None]
        fresh = world.time == 0.0
        self.last_strike[fresh], self.duration[fresh], self.unloaded[fresh] = np.nan, np.nan, 0.0
        loaded = world.physics.foot_force[:, :, 1] > CONTACT
        strike = loaded & (self.unloaded >= SHORTEST_SWING) & ~fresh[:, None]
        stride = np.where(strike, now - self.last_strike, np.nan)
        known = np.isfinite(stride)
        mean = np.where(np.isfinite(self.duration), self.duration, stride)
        self.duration = np.where(known, (1 - MEMORY) * mean + MEMORY * np.where(known, stride, 0.0), self.duration)
        self.last_strike = np.where(strike, now, self.last_strike)
        self.unloaded = np.where(loaded, 0.0, self.unloaded + world.config.control_step)
        share = (now + self.exoskeleton.device.delay - self.last_strike) / self.duration
        action = np.zeros((world.n_envs, len(self.curves)))
        for k, (curve, side) in enumerate(zip(self.curves, self.side, strict=True)):
            at = share[:, side]
            torque = np.interp(100.0 * np.nan_to_num(at) % 100.0, self.percent, curve)
            torque = np.where(np.isfinite(at) & (at < 1.5), torque, 0.0)
            peak = np.where(torque > 0, self.exoskeleton.peak_positive[k], self.exoskeleton.peak_negative[k])
            action[:, k] = np.clip(np.divide(torque, peak, out=np.zeros_like(torque), where=peak > 0), -1.0, 1.0)
        return action
