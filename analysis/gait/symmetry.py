"""Symmetry of left and right: four indices for a number, two methods for a curve, each with its definition and sign.

There is no standard index, and secondary sources disagree on signs. Here a positive value always means that the right
side is larger (or later), and every result carries the definition it follows. A curve never gets a point-by-point
index: such an index explodes where the curves cross zero.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

Index = Literal["robinson", "ratio", "normalized", "angle"]

DEFINITIONS: dict[Index, str] = {
    "robinson": "SI = 100 (R - L) / (0.5 (R + L)) %, Robinson et al. 1987; 0 = symmetric, + = right larger",
    "ratio": "R / L; 1 = symmetric, > 1 = right larger",
    "normalized": "100 (R - L) / (R + L) %; 0 = symmetric, + = right larger; half of Robinson's SI",
    "angle": "SA = 100 (45 deg - atan(L / R)) / 90 deg %, Zifchock et al. 2008; 0 = symmetric, + = right larger",
}
"""Definition and sign of each index."""


@dataclass(frozen=True)
class SymmetryValue:
    """One symmetry index of one pair of numbers."""

    name: Index
    """Which index."""
    value: float
    """Its value; NaN where the definition divides by zero."""
    unit: str
    """``"%"`` or ``"1"``."""
    definition: str
    """Formula, source and sign."""
    right: float
    """The right side's number."""
    left: float
    """The left side's number."""


@dataclass(frozen=True)
class TrendSymmetry:
    """Likeness of two curves after Crenshaw and Richards 2006."""

    trend: float
    """Variance across the main axis over variance along it, %; 0 = the same shape up to size and offset."""
    in_phase: bool
    """False where the curves run in opposite directions; the trend alone cannot tell."""
    main_axis_deg: float
    """Angle of the main axis against the axis of the right curve, degrees; 45 where both have the same size."""
    minimum_trend: float
    """Smallest trend over all circular shifts of the left curve, %."""
    phase_shift_pct: float
    """Shift of the left curve at that minimum, % of the cycle; + = the right curve runs later than the left."""
    range_ratio: float
    """Range of the right curve over that of the left; 1 = symmetric."""
    range_offset: float
    """Mean of the right curve minus mean of the left, in the curves' unit; 0 = symmetric."""
    definition: str = (
        "Crenshaw & Richards 2006: both curves without their means form the points (R, L); trend = 100 x the variance "
        "about the main eigenvector / variance along it; range_ratio = range R / range L; "
        "range_offset = mean R - mean L"
    )
    """Formula, source and signs."""


@dataclass(frozen=True)
class CrossCorrelation:
    """Likeness and delay of two curves of one cycle."""

    r: float
    """Pearson's r without a shift; 1 = the same shape."""
    r_max: float
    """Largest r over all circular shifts."""
    lag_pct: float
    """Shift at that maximum, % of the cycle; + = the right curve runs later than the left."""
    definition: str = (
        "circular cross-correlation of the curves without their means, normalised by their norms; "
        "lag + = the right curve runs later than the left"
    )
    """Formula and sign."""


def robinson_index(right: float, left: float) -> float:
    """Symmetry index 100 (R - L) / (0.5 (R + L)), positive where the right side is larger.

    Source: Robinson, Herzog & Nigg 1987, J Manipulative Physiol Ther 10:172-176.

    Args:
        right: Number of the right side.
        left: Number of the left side, same unit.

    Returns:
        The index, %; NaN where R + L is zero.

    Example:
        >>> round(robinson_index(0.39, 0.25), 2)
        43.75
    """
    return _divide(100.0 * (right - left), 0.5 * (right + left))


def ratio_index(right: float, left: float) -> float:
    """Ratio R / L, above 1 where the right side is larger.

    Args:
        right: Number of the right side.
        left: Number of the left side, same unit.

    Returns:
        The ratio; NaN where L is zero.

    Example:
        >>> ratio_index(0.39, 0.25)
        1.56
    """
    return _divide(right, left)


def normalized_index(right: float, left: float) -> float:
    """Normalised difference 100 (R - L) / (R + L), positive where the right side is larger.

    Args:
        right: Number of the right side.
        left: Number of the left side, same unit.

    Returns:
        The index, %; NaN where R + L is zero.

    Example:
        >>> round(normalized_index(0.39, 0.25), 1)
        21.9
    """
    return _divide(100.0 * (right - left), right + left)


def symmetry_angle(right: float, left: float) -> float:
    """Symmetry angle 100 (45 degrees - atan(L / R)) / 90 degrees, positive where the right side is larger.

    The angle is that of the point (R, L) from the line of identity. Where 45 degrees - atan(L / R) exceeds 90 degrees
    (numbers of opposite sign), 180 degrees are taken away, as the source does.

    Source: Zifchock, Davis, Higginson & Royer 2008, Gait & Posture 27:622-627.

    Args:
        right: Number of the right side.
        left: Number of the left side, same unit.

    Returns:
        The angle as a percentage of 90 degrees; NaN where both are zero.

    Example:
        >>> round(symmetry_angle(0.39, 0.25), 1), symmetry_angle(1.0, 1.0)
        (13.7, 0.0)
    """
    if not (np.isfinite(right) and np.isfinite(left)) or (right == 0 and left == 0):
        return float("nan")
    slope = 90.0 * np.sign(left) if right == 0 else np.degrees(np.arctan(left / right))
    angle = 45.0 - slope
    if angle > 90.0:
        angle -= 180.0
    return float(angle / 90.0 * 100.0)


_FUNCTIONS: dict[Index, tuple[Callable[[float, float], float], str]] = {
    "robinson": (robinson_index, "%"),
    "ratio": (ratio_index, "1"),
    "normalized": (normalized_index, "%"),
    "angle": (symmetry_angle, "%"),
}


def symmetry_of(right: float, left: float) -> list[SymmetryValue]:
    """All four indices of one pair of numbers.

    Args:
        right: Number of the right side.
        left: Number of the left side, same unit.

    Returns:
        One entry an index, each with its definition.

    Example:
        >>> [round(v.value, 2) for v in symmetry_of(0.39, 0.25)]
        [43.75, 1.56, 21.88, 13.71]
    """
    return [
        SymmetryValue(name, function(float(right), float(left)), unit, DEFINITIONS[name], float(right), float(left))
        for name, (function, unit) in _FUNCTIONS.items()
    ]


def symmetry_table(
    right: dict[str, float], left: dict[str, float], units: dict[str, str] | None = None
) -> pd.DataFrame:
    """Indices of many quantities as a table.

    Args:
        right: Quantity to the right side's number.
        left: Quantity to the left side's number.
        units: Quantity to unit.

    Returns:
        One row a quantity that both sides have, with the columns quantity, unit, right, left, robinson, ratio,
        normalized and angle; ``attrs["definitions"]`` holds the definitions.
    """
    rows = []
    for name in right:
        if name in left:
            row = {"quantity": name, "unit": (units or {}).get(name, ""), "right": right[name], "left": left[name]}
            rows.append(row | {v.name: v.value for v in symmetry_of(right[name], left[name])})
    table = pd.DataFrame(rows, columns=["quantity", "unit", "right", "left", *DEFINITIONS])
    table.attrs["definitions"] = dict(DEFINITIONS)
    return table


def trend_symmetry(right: ArrayLike, left: ArrayLike) -> TrendSymmetry:
    """Compare two curves of one gait cycle by the scatter of their points about a line.

    Source: Crenshaw & Richards 2006, Gait & Posture 24:515-521.

    Args:
        right: The right side's curve over its own cycle, shape (n_points,).
        left: The left side's curve over its own cycle, same shape and unit.

    Returns:
        The comparison; all NaN where a point is missing or a curve is constant.

    Raises:
        ValueError: The shapes differ.

    Example:
        >>> import numpy as np
        >>> wave = np.sin(np.linspace(0, 2 * np.pi, 101))
        >>> result = trend_symmetry(wave, 0.5 * wave + 3.0)
        >>> round(result.trend, 6), result.range_ratio, round(result.range_offset, 6)
        (0.0, 2.0, -3.0)
    """
    one, two = _curves(right, left)
    if not (np.isfinite(one).all() and np.isfinite(two).all()) or np.ptp(one) == 0 or np.ptp(two) == 0:
        return TrendSymmetry(np.nan, False, np.nan, np.nan, np.nan, np.nan, np.nan)
    trend, vector = _trend(one, two)
    # The last point of a cycle repeats the first, so shifts run over the others.
    n = len(one) - 1
    shifted = [_trend(one[:n], np.roll(two[:n], k))[0] for k in range(n)]
    best = int(np.argmin(shifted))
    shift = best if best <= n // 2 else best - n
    angle = float(np.degrees(np.arctan2(vector[1], vector[0])))
    return TrendSymmetry(
        trend=trend,
        in_phase=bool(vector[0] * vector[1] > 0),
        main_axis_deg=angle,
        minimum_trend=float(shifted[best]),
        phase_shift_pct=100.0 * shift / n,
        range_ratio=float(np.ptp(one) / np.ptp(two)),
        range_offset=float(one.mean() - two.mean()),
    )


def cross_correlation(right: ArrayLike, left: ArrayLike) -> CrossCorrelation:
    """Find how like two curves of one gait cycle are, and by how much one runs later.

    Args:
        right: The right side's curve, shape (n_points,).
        left: The left side's curve, same shape.

    Returns:
        The comparison; NaN where a point is missing or a curve is constant.

    Raises:
        ValueError: The shapes differ.

    Example:
        >>> import numpy as np
        >>> t = np.linspace(0, 1, 101)
        >>> result = cross_correlation(np.sin(2 * np.pi * (t - 0.1)), np.sin(2 * np.pi * t))
        >>> round(result.r_max, 6), result.lag_pct
        (1.0, 10.0)
    """
    one, two = _curves(right, left)
    if not (np.isfinite(one).all() and np.isfinite(two).all()) or np.ptp(one) == 0 or np.ptp(two) == 0:
        return CrossCorrelation(np.nan, np.nan, np.nan)
    n = len(one) - 1
    a, b = one[:n] - one[:n].mean(), two[:n] - two[:n].mean()
    scale = float(np.linalg.norm(a) * np.linalg.norm(b))
    if scale == 0:
        return CrossCorrelation(np.nan, np.nan, np.nan)
    values = np.array([a @ np.roll(b, k) for k in range(n)]) / scale
    best = int(np.argmax(values))
    lag = best if best <= n // 2 else best - n
    return CrossCorrelation(float(np.corrcoef(one, two)[0, 1]), float(values[best]), 100.0 * lag / n)


def _divide(a: float, b: float) -> float:
    return float(a / b) if b != 0 and np.isfinite(a) and np.isfinite(b) else float("nan")


def _curves(right: ArrayLike, left: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    one, two = np.asarray(right, dtype=np.float64), np.asarray(left, dtype=np.float64)
    if one.shape != two.shape or one.ndim != 1 or len(one) < 4:
        raise ValueError(
            f"two curves of the same length (at least 4 points) are needed, not {one.shape} and {two.shape}"
        )
    return one, two


def _trend(one: NDArray[np.float64], two: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
    """Ratio of the variances about and along the main eigenvector, %, and that vector (right component positive)."""
    points = np.column_stack([one - one.mean(), two - two.mean()])
    values, vectors = np.linalg.eigh(points.T @ points)
    main = vectors[:, 1] * (1.0 if vectors[0, 1] >= 0 else -1.0)
    along = max(float(values[1]), np.finfo(float).tiny)
    return 100.0 * max(float(values[0]), 0.0) / along, main
