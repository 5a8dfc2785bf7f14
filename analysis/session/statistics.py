"""Differences of two samples: confidence interval, effect size, p, and p corrected for many tests.

Sources: Welch 1947, Biometrika 34:28-35 (unequal spread); effect sizes as Lakens 2013, Front Psychol 4:863: Cohen's
d_s (eq. 1) of two samples, d_av (eq. 10) of pairs, both as Hedges' g by the factor 1 - 3 / (4 df - 1); Holm 1979,
Scand J Statist 6:65-70.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats


@dataclass(frozen=True)
class Difference:
    """Second sample minus first."""

    n_first: int
    n_second: int
    mean_first: float
    mean_second: float
    sd_first: float
    """n - 1; NaN below two."""
    sd_second: float
    difference: float
    low: float
    """Lower end of the confidence interval; NaN where a spread is not known."""
    high: float
    effect: float
    """Hedges' g; NaN where a spread is not known or nothing varies."""
    p: float
    """Two-sided; NaN where a spread is not known."""


def compute_difference(first: ArrayLike, second: ArrayLike, *, paired: bool, alpha: float = 0.05) -> Difference:
    """How two samples differ.

    Args:
        first: Shape (n_first,).
        second: Shape (n_second,), in the same unit; of pairs, in the order of ``first``.
        paired: Whether the entries belong together one by one.
        alpha: 1 - alpha is the level of the confidence interval.

    Raises:
        ValueError: Pairs whose numbers differ.

    Example:
        >>> result = compute_difference([1.0, 2.0, 3.0], [2.0, 3.5, 4.0], paired=True)
        >>> round(result.difference, 3), round(result.low, 3), round(result.high, 3)
        (1.167, 0.45, 1.884)
    """
    a, b = np.asarray(first, np.float64), np.asarray(second, np.float64)
    if paired and len(a) != len(b):
        raise ValueError(f"pairs need the same number of values, not {len(a)} and {len(b)}")
    sd_a, sd_b = _sd(a), _sd(b)
    if paired:
        error, free = _sd(b - a) / np.sqrt(max(len(a), 1)), float(len(a) - 1)
        spread, free_of_effect = 0.5 * (sd_a + sd_b), len(a) - 1
    else:
        parts = sd_a**2 / max(len(a), 1), sd_b**2 / max(len(b), 1)
        error, free = np.sqrt(sum(parts)), _welch(parts, len(a), len(b))
        free_of_effect = len(a) + len(b) - 2
        spread = np.sqrt(((len(a) - 1) * sd_a**2 + (len(b) - 1) * sd_b**2) / max(free_of_effect, 1))
    difference = float(b.mean() - a.mean()) if len(a) and len(b) else np.nan
    known = np.isfinite(error) and error > 0
    reach = float(stats.t.ppf(1 - alpha / 2, free) * error) if known else np.nan
    correction = 1 - 3 / (4 * free_of_effect - 1) if free_of_effect > 0 else np.nan
    return Difference(
        n_first=len(a), n_second=len(b), mean_first=_mean(a), mean_second=_mean(b), sd_first=sd_a, sd_second=sd_b,
        difference=difference, low=difference - reach, high=difference + reach,
        effect=correction * difference / spread if np.isfinite(spread) and spread > 0 else np.nan,
        p=float(2 * stats.t.sf(abs(difference) / error, free)) if known else np.nan,
    )  # fmt: skip


def correct_holm(p: ArrayLike) -> NDArray[np.float64]:
    """Probabilities of many tests, corrected so that the chance of one false positive among all stays what each p says.

    Args:
        p: Shape (n,); NaN is no test.

    Example:
        >>> correct_holm([0.01, 0.04, np.nan]).round(3).tolist()
        [0.02, 0.04, nan]
    """
    values = np.asarray(p, np.float64)
    corrected = np.full(len(values), np.nan)
    known = np.flatnonzero(np.isfinite(values))
    order = known[np.argsort(values[known])]
    steps = values[order] * np.arange(len(order), 0, -1)
    corrected[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return corrected


def _welch(parts: tuple[float, float], n_a: int, n_b: int) -> float:
    """Degrees of freedom of two samples with unequal spread (Welch-Satterthwaite)."""
    if min(n_a, n_b) < 2 or not sum(parts) > 0:
        return float("nan")
    return sum(parts) ** 2 / (parts[0] ** 2 / (n_a - 1) + parts[1] ** 2 / (n_b - 1))


def _mean(values: NDArray[np.float64]) -> float:
    return float(values.mean()) if len(values) else float("nan")


def _sd(values: NDArray[np.float64]) -> float:
    return float(values.std(ddof=1)) if len(values) > 1 else float("nan")
