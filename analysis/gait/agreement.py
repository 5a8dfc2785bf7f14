"""Agreement of curves with a reference: errors, correlation, peaks, share inside the band, and SPM as an extra."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from exogait.data.errors import MissingDependencyError

Peak = Literal["max", "min"]


@dataclass(frozen=True)
class CurveComparison:
    """How a curve compares with a reference over one gait cycle, in the curves' unit."""

    rmse: float
    """Root of the mean squared difference."""
    rmse_without_offset: float
    """The same after the mean difference is removed."""
    nrmse_pct: float
    """RMSE over the range of the reference, %."""
    r: float
    """Pearson's correlation."""
    mean_difference: float
    """Curve minus reference, mean over the cycle."""
    max_error: float
    """Largest absolute difference."""
    max_error_pct: float
    """Where it is, % of the cycle."""
    peak_error: float
    """Peak of the curve minus peak of the reference."""
    peak_timing_error_pct: float
    """Time of that peak minus that of the reference, % of the cycle, the short way around; + = later."""
    within_1_sd_pct: float
    """Share of the cycle within the reference's mean +- 1 SD, %; NaN without a band."""
    within_2_sd_pct: float
    """Share of the cycle within the reference's mean +- 2 SD, %; NaN without a band."""
    n_points: int
    """Points that both curves have."""


def compare_curves(
    curve: ArrayLike, reference: ArrayLike, *, reference_sd: ArrayLike | None = None, peak: Peak = "max"
) -> CurveComparison:
    """Compare a curve with a reference, or with a reference band, on the same grid.

    Points at which either is NaN are left out; the number of the others is in the result.

    Args:
        curve: Shape (n_points,).
        reference: Mean of the reference, same shape and unit.
        reference_sd: Its standard deviation, same shape.
        peak: Which peak to compare.

    Returns:
        The comparison; NaN throughout where no point is known.

    Raises:
        ValueError: The shapes differ.

    Example:
        >>> import numpy as np
        >>> wave = np.sin(np.linspace(0, 2 * np.pi, 101))
        >>> result = compare_curves(wave + 0.1, wave, reference_sd=np.full(101, 0.2))
        >>> round(result.rmse, 6), round(result.r, 6), result.within_1_sd_pct
        (0.1, 1.0, 100.0)
    """
    y, ref = np.asarray(curve, dtype=np.float64), np.asarray(reference, dtype=np.float64)
    sd = None if reference_sd is None else np.asarray(reference_sd, dtype=np.float64)
    if y.ndim != 1 or y.shape != ref.shape or (sd is not None and sd.shape != ref.shape):
        raise ValueError(
            f"curve {y.shape}, reference {ref.shape} and band {None if sd is None else sd.shape} differ in shape"
        )
    known = np.isfinite(y) & np.isfinite(ref)
    n = int(known.sum())
    if n == 0:
        return CurveComparison(*([float("nan")] * 11), n_points=0)
    percent = np.linspace(0.0, 100.0, len(y))[known]
    y, ref = y[known], ref[known]
    difference = y - ref
    offset = float(difference.mean())
    rmse = float(np.sqrt(np.mean(difference**2)))
    span = float(np.ptp(ref))
    worst = int(np.argmax(np.abs(difference)))
    find = np.argmax if peak == "max" else np.argmin
    own, other = int(find(y)), int(find(ref))
    delay = (percent[own] - percent[other] + 50.0) % 100.0 - 50.0
    correlated = n > 1 and np.ptp(y) > 0 and span > 0
    return CurveComparison(
        rmse=rmse,
        rmse_without_offset=float(np.sqrt(np.mean((difference - offset) ** 2))),
        nrmse_pct=100.0 * rmse / span if span > 0 else float("nan"),
        r=float(np.corrcoef(y, ref)[0, 1]) if correlated else float("nan"),
        mean_difference=offset,
        max_error=float(np.abs(difference[worst])),
        max_error_pct=float(percent[worst]),
        peak_error=float(y[own] - ref[other]),
        peak_timing_error_pct=float(delay),
        within_1_sd_pct=_share(difference, sd, known, 1.0),
        within_2_sd_pct=_share(difference, sd, known, 2.0),
        n_points=n,
    )


def _share(
    difference: NDArray[np.float64], sd: NDArray[np.float64] | None, known: NDArray[np.bool_], k: float
) -> float:
    if sd is None:
        return float("nan")
    band = sd[known]
    usable = np.isfinite(band)
    if not usable.any():
        return float("nan")
    # A point on the border counts as inside, whatever the last bit says.
    inside = np.abs(difference[usable]) <= k * band[usable] * (1 + 1e-9)
    return float(100.0 * inside.mean())


@dataclass(frozen=True)
class SpmResult:
    """Outcome of a statistical parametric mapping test over the gait cycle."""

    statistic: NDArray[np.float64]
    """Test statistic t at every point, shape (n_points,)."""
    threshold: float
    """Critical value of the random field at ``alpha``."""
    clusters: tuple[tuple[float, float, float], ...]
    """(begin %, end %, p) of every stretch beyond the threshold."""
    alpha: float
    """Error rate of the whole curve."""
    test: str
    """``"paired"`` or ``"two-sample"``."""


def compare_spm(
    a: ArrayLike, b: ArrayLike, *, paired: bool = False, alpha: float = 0.05, two_tailed: bool = True
) -> SpmResult:
    """Test where over the cycle two groups of curves differ, by statistical parametric mapping.

    One curve a subject: curves of the same subject are not independent.

    Args:
        a: First group, shape (n_subjects_a, n_points).
        b: Second group, shape (n_subjects_b, n_points).
        paired: The rows of both groups belong to the same subjects.
        alpha: Error rate of the whole curve.
        two_tailed: Test for differences of both signs.

    Returns:
        The statistic, its threshold and the stretches beyond it.

    Raises:
        MissingDependencyError: The package spm1d is not installed.
        ValueError: Shapes do not fit, a group has fewer than two curves, a point is missing or has no spread.

    Source: Pataky 2012, Comput Methods Biomech Biomed Engin 15:295-301 (spm1d).
    """
    try:
        import spm1d
    except ImportError as error:
        raise MissingDependencyError("spm1d", "statistical parametric mapping", "spm") from error
    first, second = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    if first.ndim != 2 or second.ndim != 2 or first.shape[1] != second.shape[1] or min(len(first), len(second)) < 2:
        raise ValueError(f"two groups of at least two curves are needed, not {first.shape} and {second.shape}")
    if paired and len(first) != len(second):
        raise ValueError(f"paired groups need the same number of curves, not {len(first)} and {len(second)}")
    if not (np.isfinite(first).all() and np.isfinite(second).all()):
        raise ValueError("a curve has a missing point; SPM needs complete curves")
    spread = (first - second).std(axis=0) if paired else np.minimum(first.std(axis=0), second.std(axis=0))
    if (spread == 0).any():
        raise ValueError(f"the curves do not vary at point {int(np.argmin(spread))}; SPM needs a spread at every point")
    test = spm1d.stats.ttest_paired(first, second) if paired else spm1d.stats.ttest2(first, second, equal_var=False)
    inference = test.inference(alpha, two_tailed=two_tailed)
    scale = 100.0 / (first.shape[1] - 1)
    clusters = tuple(
        (float(c.endpoints[0]) * scale, float(c.endpoints[1]) * scale, float(c.P))
        for c in getattr(inference, "clusters", ())
    )
    return SpmResult(
        statistic=np.asarray(test.z, dtype=np.float64),
        threshold=float(inference.zstar),
        clusters=clusters,
        alpha=alpha,
        test="paired" if paired else "two-sample",
    )
