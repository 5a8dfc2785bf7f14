"""What a device did in a walk: torque, power, share of time at its limits."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from exogait.data.names import stem
from exogait.data.trial import GaitTrial, Side
from exogait.models.device import DIRECTIONS, load_device

from ..gait.cycle import N_POINTS, Stride
from .strides import leg_of, mean_in
from .tables import CurveOutcome
from .torques import crossover, torque_peak

AT_LIMIT = 0.99
"""Share of the device's limit from which a torque counts as at the limit."""


def device_limits(device: str | Path) -> dict[str, dict[str, float]]:
    """Torque limits of a device.

    Args:
        device: Name or file of a device.

    Returns:
        Actuator to direction to N m/kg.

    Example:
        >>> device_limits("hip_ankle")["exo_ankle_angle_r"]
        {'dorsiflexion': 0.3, 'plantarflexion': 1.6}
    """
    limits = {}
    for joint in load_device(device).actuation:
        up, down = DIRECTIONS[stem(joint.coordinate)]
        limits[joint.actuator] = {up: joint.peak_positive, down: joint.peak_negative}
    return limits


def device_scalars(
    trial: GaitTrial,
    strides: Mapping[Side, list[Stride]],
    curves: Mapping[tuple[str, Side], CurveOutcome],
    limits: Mapping[str, Mapping[str, float]] | None,
) -> dict[str, float]:
    """Peak torques, powers and time at the limits of what the device gave, by name."""
    table = trial.require("device_torques")
    found: dict[str, float] = {}
    totals = {"positive_power": 0.0, "negative_power": 0.0}
    for actuator in map(str, table.columns):
        side, coordinate = leg_of(actuator), actuator.removeprefix("exo_")
        torque = pd.Series(table[actuator] / trial.subject_mass, dtype=np.float64)
        found[f"{actuator}_mean_abs"] = mean_in(torque.abs(), strides[side])
        base = stem(coordinate)
        curve = curves.get((f"device_{base}", side))
        words = DIRECTIONS.get(base, ("positive", "negative"))
        for word, sign in zip(words, (1.0, -1.0), strict=True):
            peak = torque_peak(np.full(N_POINTS, np.nan) if curve is None else curve.mean, sign)
            found |= {f"{actuator}_{part}_{word}": getattr(peak, part) for part in ("peak", "time", "rise", "fall")}
        if base == "hip_flexion":
            found[f"{actuator}_crossover"] = float("nan") if curve is None else crossover(curve.mean)
        power = _device_power(trial, torque, coordinate)
        for name, sign in (("positive_power", 1.0), ("negative_power", -1.0)):
            value = float("nan") if power is None else sign * mean_in((sign * power).clip(lower=0.0), strides[side])
            found[f"{actuator}_{name}"] = value
            totals[name] += value
        found[f"{actuator}_at_limit"] = _share_at_limit(torque, strides[side], (limits or {}).get(actuator), words)
    return found | {f"exo_{name}": value for name, value in totals.items()}


def _device_power(trial: GaitTrial, torque: pd.Series, coordinate: str) -> pd.Series | None:
    """Power of an actuator over the time, W/kg."""
    if trial.speeds is None or coordinate not in trial.speeds.columns:
        return None
    speeds = trial.speeds
    speed = np.interp(
        torque.index.to_numpy(np.float64), speeds.index.to_numpy(np.float64), speeds[coordinate].to_numpy(np.float64)
    )
    return torque * speed


def _share_at_limit(
    torque: pd.Series, strides: list[Stride], limit: Mapping[str, float] | None, words: tuple[str, str]
) -> float:
    """Share of the samples within strides at which a torque is at its limit, percent; NaN without limits."""
    if limit is None or not strides:
        return float("nan")
    clock, values = torque.index.to_numpy(np.float64), torque.to_numpy(np.float64)
    inside = np.zeros(len(clock), bool)
    for stride in strides:
        inside |= (clock >= stride.start) & (clock < stride.stop)
    up, down = (float(limit.get(word, np.inf)) for word in words)
    # A direction without torque (limit 0) is never at its limit.
    at = ((values >= AT_LIMIT * up) & (up > 0)) | ((-values >= AT_LIMIT * down) & (down > 0))
    return 100.0 * float(at[inside].mean())
