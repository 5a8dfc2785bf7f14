"""Joint power: what each generalized force gives to or takes from the body."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.interpolate import make_interp_spline

from exogait.data.errors import UnknownNameError
from exogait.data.trial import interpolate_table, select_columns


def joint_powers(generalized_forces: pd.DataFrame, speeds: pd.DataFrame) -> pd.DataFrame:
    """Power of every generalized force, W: force times speed, positive when it adds energy.

    Args:
        generalized_forces: One column a coordinate, N m or N; NaN where unknown, and so is the power there.
        speeds: One column a coordinate, rad/s or m/s, over times that cover the forces.

    Returns:
        One column a coordinate on the times of the forces.

    Raises:
        UnknownNameError: A coordinate has no speed.

    Example:
        >>> time = pd.Index([0.0, 0.1], name="time")
        >>> torque = pd.DataFrame({"ankle_angle_r": [-100.0, -50.0]}, index=time)
        >>> speed = pd.DataFrame({"ankle_angle_r": [-2.0, -4.0]}, index=time)
        >>> joint_powers(torque, speed)["ankle_angle_r"].tolist()
        [200.0, 200.0]
    """
    for column in generalized_forces.columns:
        if column not in speeds.columns:
            raise UnknownNameError("coordinate", str(column), map(str, speeds.columns), "speeds")
    aligned = interpolate_table(
        select_columns(speeds, [str(column) for column in generalized_forces.columns]), generalized_forces.index
    )
    values = generalized_forces.to_numpy(np.float64) * aligned.to_numpy(np.float64)
    return pd.DataFrame(values, index=generalized_forces.index, columns=generalized_forces.columns)


def joint_work(power: pd.Series, start: float, end: float) -> tuple[float, float]:
    """Positive and negative work of one joint over an interval.

    Args:
        power: W over time.
        start: s.
        end: s.

    Returns:
        Work given (at least 0) and work absorbed (at most 0), J; NaN where the power is not known throughout.
    """
    time = power.index.to_numpy(np.float64)
    grid = np.concatenate([[start], time[(time > start) & (time < end)], [end]])
    values = np.interp(grid, time, power.to_numpy(np.float64))
    positive, negative = 0.0, 0.0
    for t0, t1, p0, p1 in zip(grid[:-1], grid[1:], values[:-1], values[1:], strict=True):
        if p0 * p1 < 0:  # the power crosses zero inside the step: a triangle on either side
            cross = p0 / (p0 - p1)
            areas = (0.5 * p0 * cross * (t1 - t0), 0.5 * p1 * (1.0 - cross) * (t1 - t0))
        else:
            areas = (0.5 * (p0 + p1) * (t1 - t0),)
        positive += sum(area for area in areas if not area < 0)
        negative += sum(area for area in areas if not area > 0)
    return float(positive), float(negative)


def differentiate(table: pd.DataFrame) -> pd.DataFrame:
    """First derivative of every column by a quintic spline (cubic or linear where there are too few rows).

    Args:
        table: Index ``time``, s, without NaN.

    Example:
        >>> t = pd.Index(np.linspace(0.0, 1.0, 11), name="time")
        >>> bool(np.allclose(differentiate(pd.DataFrame({"x": t**2}, index=t))["x"], 2 * t))
        True
    """
    order = next((k for k in (5, 3, 1) if len(table) > k), None)
    if order is None:
        return pd.DataFrame(np.nan, index=table.index, columns=table.columns)
    clock = table.index.to_numpy(np.float64)
    slope = make_interp_spline(clock, table.to_numpy(np.float64), k=order).derivative()(clock)
    return pd.DataFrame(slope, index=table.index, columns=table.columns)
