"""Learned exoskeleton torques against profiles that were validated on people.

All curves: N m per kg body mass over the stride of the driven leg, shape (101,), OpenSim's sign (hip flexion, knee
extension and ankle dorsiflexion positive). Human profiles come from ``data/tables/exo_torque_profiles.csv``
(parameters) and, where EXOGAIT_DATA holds them, from measured tables. They disagree among themselves, and a scaled
joint moment resembles them too: a correlation is shown beside both, and nothing is fitted to a profile.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from exogait.data.errors import FileFormatError, InputError, UnknownNameError
from exogait.data.norms import device_torques
from exogait.data.registry import TABLES

from ..gait.agreement import compare_curves

Array = NDArray[np.float64]
Joint = Literal["hip", "knee", "ankle"]

PROFILE_FILE = TABLES / "exo_torque_profiles.csv"
JOINTS: Mapping[str, str] = {"hip": "hip_flexion", "knee": "knee_angle", "ankle": "ankle_angle"}
"""Joint to the coordinate that a device drives."""
ASSISTED: Mapping[str, Mapping[str, float]] = {
    "hip": {"extension": -1.0, "flexion": 1.0},
    "knee": {"flexion": -1.0},
    "ankle": {"plantarflexion": -1.0},
}
"""Joint to the directions in which people were assisted, with their sign."""
MOMENTS: Mapping[str, tuple[str, float]] = {
    "hip": ("hip_extension_moment", -1.0),
    "knee": ("knee_extension_moment", 1.0),
    "ankle": ("ankle_plantarflexion_moment", -1.0),
}
"""Joint to the displayed curve of its moment and the factor to OpenSim's sign."""
ONSET = 0.05
"""Share of a peak torque below which it counts as not yet risen or already fallen."""
N_POINTS = 101
_COLUMNS = {
    "profile", "study", "joint", "direction", "peak_nm_per_kg", "peak_time_pct", "rise_pct", "fall_pct",
    "crossover_pct", "trust", "citation", "remark",
}  # fmt: skip


# -- shape of one torque curve ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class TorquePeak:
    """Peak of a torque in one direction; NaN throughout where it never acts in it."""

    peak: float
    """Above 0, in the curve's unit."""
    time: float
    """Percent of the stride."""
    rise: float
    """From the last :data:`ONSET` share of the peak before it, percent of the stride; NaN where it never is so low."""
    fall: float
    """To the first :data:`ONSET` share of the peak after it, percent of the stride; NaN where it never is so low."""


def torque_peak(curve: Array, sign: float = 1.0) -> TorquePeak:
    """Peak, its time, rise and fall of a torque curve in one direction, the stride taken as a circle.

    Args:
        curve: Torque over the stride, shape (101,), 0 and 100 % both on the grid.
        sign: 1.0 for the positive direction, -1.0 for the negative one.

    Example:
        >>> ramp = np.clip(1.0 - np.abs(np.arange(101) - 50.0) / 20.0, 0.0, None)
        >>> torque_peak(ramp)
        TorquePeak(peak=1.0, time=50.0, rise=19.0, fall=19.0)
    """
    y = sign * np.asarray(curve, np.float64)
    step = 100.0 / (len(y) - 1)
    y = y[:-1]
    if not np.isfinite(y).all() or not y.max() > 0:
        return TorquePeak(*([float("nan")] * 4))
    at = int(np.argmax(y))
    level = ONSET * y[at]

    def distance(direction: int) -> float:
        for k in range(1, len(y)):
            low, high = y[(at + direction * k) % len(y)], y[(at + direction * (k - 1)) % len(y)]
            if low <= level:
                return step * float(np.round(k - (level - low) / (high - low), 9))
        return float("nan")

    return TorquePeak(float(y[at]), step * at, distance(-1), distance(1))


def crossover(curve: Array) -> float:
    """Where a torque turns from its negative to its positive direction after its negative peak, percent of the stride.

    For a hip in OpenSim's sign that is the change from extension to flexion.

    Args:
        curve: Torque over the stride, shape (101,).

    Returns:
        Percent, NaN where the torque has one sign only.

    Example:
        >>> round(crossover(-np.sin(2 * np.pi * np.arange(101) / 100)), 6)
        50.0
    """
    y = np.asarray(curve, np.float64)
    step = 100.0 / (len(y) - 1)
    y = y[:-1]
    if not np.isfinite(y).all() or not (y.min() < 0 < y.max()):
        return float("nan")
    at = int(np.argmin(y))
    for k in range(1, len(y)):
        before, after = y[(at + k - 1) % len(y)], y[(at + k) % len(y)]
        if before < 0 <= after:
            return float(step * ((at + k - 1 - before / (after - before)) % len(y)))
    return float("nan")


# -- human profiles ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class HumanProfile:
    """Torque of one joint that people wore."""

    name: str
    study: str
    """Source; profiles of one study share people."""
    joint: str
    """``hip``, ``knee`` or ``ankle``."""
    kind: str
    """``parameters`` (rebuilt from peak, time, rise and fall), ``mean`` or ``person`` (measured)."""
    curve: Array | None
    """Shape (101,), N m/kg, OpenSim's sign; None where only the peak is known."""
    peaks: Mapping[str, tuple[float, float]]
    """Direction to peak (above 0, N m/kg) and its time (percent of the stride)."""
    trust: str
    """``A``: read in the paper or its code; ``B``: from third-party scripts; ``C``: computed from a data file."""
    citation: str
    remark: str = ""


def quintic(x: ArrayLike) -> Array:
    """Smooth step 10 x^3 - 15 x^4 + 6 x^5 from 0 at x = 0 to 1 at x = 1, constant beyond.

    Source: Bryan et al. 2021 (hip controller).

    Example:
        >>> quintic([-1.0, 0.0, 0.5, 1.0, 2.0]).tolist()
        [0.0, 0.0, 0.5, 1.0, 1.0]
    """
    t = np.clip(np.asarray(x, np.float64), 0.0, 1.0)
    return t**3 * (10.0 - 15.0 * t + 6.0 * t**2)


def smooth_profile(knots: list[tuple[float, float]]) -> Array:
    """Torque through points over the stride, joined by smooth steps; zero outside them, the stride as a circle.

    Args:
        knots: (percent, torque) in order of time, the first and the last with torque 0; percent may be negative (before
            heel strike) or beyond 100, and spans less than one stride.

    Returns:
        Shape (101,).

    Example:
        >>> smooth_profile([(40.0, 0.0), (50.0, 1.0), (60.0, 0.0)])[[40, 45, 50, 60]].tolist()
        [0.0, 0.5, 1.0, 0.0]
    """
    times = np.array([t for t, _ in knots])
    if len(knots) < 2 or (np.diff(times) <= 0).any() or times[-1] - times[0] > 100.0:
        raise ValueError(f"knots must increase and span one stride at most, not {times.tolist()}")
    place = times[0] + (np.linspace(0.0, 100.0, N_POINTS) - times[0]) % 100.0
    curve = np.zeros(N_POINTS)
    for (t0, y0), (t1, y1) in itertools.pairwise(knots):
        inside = (place >= t0) & (place <= t1)
        curve[inside] = y0 + (y1 - y0) * quintic((place[inside] - t0) / (t1 - t0))
    return curve


def human_profiles(joint: str) -> dict[str, HumanProfile]:
    """Every human-validated profile of a joint that is at hand.

    Args:
        joint: ``hip``, ``knee`` or ``ankle``.

    Returns:
        Name to profile: those of the table, and measured ones (``zhang2017_mean`` and one a person) where EXOGAIT_DATA
        holds them.

    Example:
        >>> sorted(human_profiles("hip"))
        ['franks2021_hip', 'franks2021_hip_ankle', 'franks2021_hip_knee_ankle']
    """
    if joint not in JOINTS:
        raise UnknownNameError("joint", joint, JOINTS)
    found = {name: _from_parameters(name, joint, rows) for name, rows in _parameters(joint).items()}
    if joint == "ankle":
        for study, table in device_torques().items():
            for column in [str(c) for c in table.columns if c not in ("pct_stride", "sd")]:
                name = f"{study}_{column}"
                curve = -np.interp(np.arange(N_POINTS), table["pct_stride"].to_numpy(np.float64),
                                   table[column].to_numpy(np.float64))  # fmt: skip
                peak = torque_peak(curve, -1.0)
                found[name] = HumanProfile(
                    name, study, joint, "mean" if column == "mean" else "person", curve,
                    {"plantarflexion": (peak.peak, peak.time)}, "C",
                    "Zhang et al. 2017, Science 356:1280, figure 3D" if study == "zhang2017" else study,
                )  # fmt: skip
    return found


def _parameters(joint: str) -> dict[str, list[dict[str, Any]]]:
    try:
        table = pd.read_csv(PROFILE_FILE, comment="#")
    except (OSError, ValueError) as error:
        raise FileFormatError(PROFILE_FILE, f"is no readable table ({str(error)[:80]})") from error
    missing = _COLUMNS - set(table.columns)
    if missing:
        raise FileFormatError(PROFILE_FILE, f"lacks the column(s) {', '.join(sorted(missing))}", "restore the table")
    rows: dict[str, list[dict[str, Any]]] = {}
    for row in table.to_dict("records"):
        if row["joint"] == joint:
            rows.setdefault(str(row["profile"]), []).append({str(k): v for k, v in row.items()})
    return rows


def _from_parameters(name: str, joint: str, rows: list[dict[str, Any]]) -> HumanProfile:
    by = {str(row["direction"]): row for row in rows}
    first = rows[0]
    return HumanProfile(
        name, str(first["study"]), joint, "parameters", _built(joint, by),
        {word: (float(row["peak_nm_per_kg"]), float(row["peak_time_pct"])) for word, row in by.items()},
        str(first["trust"]), str(first["citation"]), "" if pd.isna(first["remark"]) else str(first["remark"]),
    )  # fmt: skip


def _built(joint: str, by: Mapping[str, Mapping[str, Any]]) -> Array | None:
    """Curve from the parameters; None where they do not give one."""
    if joint == "hip":
        if set(by) != {"extension", "flexion"}:
            return None
        down, up = by["extension"], by["flexion"]
        low, high = float(down["peak_time_pct"]), float(up["peak_time_pct"])
        rise, fall, middle = float(down["rise_pct"]), float(up["fall_pct"]), float(down["crossover_pct"])
        knots = [(low - rise, 0.0), (low, -float(down["peak_nm_per_kg"]))]
        knots += [(middle, 0.0)] if np.isfinite(middle) else []
        knots += [(high, float(up["peak_nm_per_kg"])), (high + fall, 0.0)]
        return smooth_profile(knots) if np.isfinite(rise) and np.isfinite(fall) else None
    (word, row), *more = by.items()
    rise, fall, time = float(row["rise_pct"]), float(row["fall_pct"]), float(row["peak_time_pct"])
    if more or not (np.isfinite(rise) and np.isfinite(fall)):
        return None
    peak = ASSISTED[joint][word] * float(row["peak_nm_per_kg"])
    return smooth_profile([(time - rise, 0.0), (time, peak), (time + fall, 0.0)])


# -- comparison -------------------------------------------------------------------------------------------------------


def human_agreement(joint: str, profiles: Mapping[str, HumanProfile] | None = None) -> pd.DataFrame:
    """How far the human profiles of a joint agree with one another.

    The mean of a study is not paired with the people it is the mean of.

    Args:
        joint: ``hip``, ``knee`` or ``ankle``.
        profiles: Profiles; default all at hand.

    Returns:
        One row a pair: first, second, kind (``one study``, ``two studies``), r, rmse (N m/kg), lag-free.
    """
    curves = {n: p for n, p in (profiles or human_profiles(joint)).items() if p.curve is not None}
    rows = []
    for one, two in itertools.combinations(curves.values(), 2):
        same = one.study == two.study
        if same and "mean" in (one.kind, two.kind):
            continue
        result = compare_curves(np.asarray(one.curve), np.asarray(two.curve))
        kind = "one study" if same else "two studies"
        rows.append({"first": one.name, "second": two.name, "kind": kind, "r": result.r, "rmse": result.rmse})
    return pd.DataFrame(rows, columns=["first", "second", "kind", "r", "rmse"])


def agreement_summary(agreement: pd.DataFrame) -> pd.DataFrame:
    """Least, median and largest r of the pairs of :func:`human_agreement`.

    Returns:
        Rows ``all``, ``one study``, ``two studies`` (those that exist): kind, n_pairs, r_min, r_median, r_max.
    """
    rows = []
    for kind in ("all", "one study", "two studies"):
        part = agreement if kind == "all" else agreement[agreement["kind"] == kind]
        r = np.asarray(part["r"], np.float64)
        if len(r):
            rows.append({"kind": kind, "n_pairs": len(r), "r_min": float(r.min()), "r_median": float(np.median(r)),
                         "r_max": float(r.max())})  # fmt: skip
    return pd.DataFrame(rows, columns=["kind", "n_pairs", "r_min", "r_median", "r_max"])


def compare_profiles(torque: ArrayLike, joint: str, profiles: Mapping[str, HumanProfile] | None = None) -> pd.DataFrame:
    """A learned torque against each human profile of its joint, without any lag, scale or offset.

    Args:
        torque: Mean torque over the stride, shape (101,), N m/kg, OpenSim's sign.
        joint: ``hip``, ``knee`` or ``ankle``.
        profiles: Profiles; default all at hand.

    Returns:
        One row a profile: profile, study, kind, trust, r, rmse (N m/kg), rmse_equal_peak (both over their largest
        magnitude, 1), per assisted direction peak_<d>, human_peak_<d> (N m/kg), time_<d>, human_time_<d>,
        time_difference_<d> (percent of the stride, + = learned later), rise_<d>, human_rise_<d>, fall_<d>,
        human_fall_<d> (both measured alike, :func:`torque_peak`); for the hip crossover, human_crossover (percent),
        ratio, human_ratio (flexion over extension peak); human_r_min, human_r_median, human_r_max (that profile
        against the other human ones), inside (r at least human_r_min), citation, remark.

    Raises:
        InputError: The torque is not a curve of 101 points.
    """
    own = _curve(torque)
    profiles = human_profiles(joint) if profiles is None else profiles
    agreement = human_agreement(joint, profiles)
    rows = []
    for profile in profiles.values():
        human = np.full(N_POINTS, np.nan) if profile.curve is None else profile.curve
        result = compare_curves(own, human)
        equal = compare_curves(_normalised(own), _normalised(human))
        row: dict[str, Any] = {
            "profile": profile.name, "study": profile.study, "kind": profile.kind, "trust": profile.trust,
            "r": result.r, "rmse": result.rmse, "rmse_equal_peak": equal.rmse,
        }  # fmt: skip
        for word, sign in ASSISTED[joint].items():
            mine, theirs = torque_peak(own, sign), torque_peak(human, sign)
            peak, time = profile.peaks.get(word, (float("nan"), float("nan")))
            row |= {
                f"peak_{word}": mine.peak, f"human_peak_{word}": peak,
                f"time_{word}": mine.time, f"human_time_{word}": time,
                f"time_difference_{word}": (mine.time - time + 50.0) % 100.0 - 50.0,
                f"rise_{word}": mine.rise, f"human_rise_{word}": theirs.rise,
                f"fall_{word}": mine.fall, f"human_fall_{word}": theirs.fall,
            }  # fmt: skip
        if joint == "hip":
            row |= {
                "crossover": crossover(own), "human_crossover": crossover(human),
                "ratio": row["peak_flexion"] / row["peak_extension"],
                "human_ratio": row["human_peak_flexion"] / row["human_peak_extension"],
            }  # fmt: skip
        touching = (agreement["first"] == profile.name) | (agreement["second"] == profile.name)
        others = agreement["r"].to_numpy(np.float64)[touching.to_numpy(bool)]
        least, middle, most = (float(f(others)) if len(others) else float("nan") for f in (np.min, np.median, np.max))
        row |= {
            "human_r_min": least, "human_r_median": middle, "human_r_max": most,
            "inside": bool(result.r >= least) if np.isfinite(least) else None,
            "citation": profile.citation, "remark": profile.remark,
        }  # fmt: skip
        rows.append(row)
    return pd.DataFrame(rows)


def compare_baselines(
    torque: ArrayLike, moment: ArrayLike, joint: str, profiles: Mapping[str, HumanProfile] | None = None
) -> pd.DataFrame:
    """The learned torque beside what a scaled joint moment would reach against the same human profiles.

    The moment is scaled to the largest magnitude of the learned torque, so no number of a human enters it; its best
    lag does look at the human profile and is an upper bound for a controller of that kind.

    Args:
        torque: Learned torque, shape (101,), N m/kg, OpenSim's sign.
        moment: Moment of the joint's muscles when walking without the device, same shape, unit and sign.
        joint: ``hip``, ``knee`` or ``ankle``.
        profiles: Profiles; default all at hand; those without a curve are left out.

    Returns:
        One row a candidate and profile: candidate (``learned``, ``scaled moment``, ``scaled moment, best lag``),
        profile, kind, r, rmse (N m/kg), lag_pct (+ = the moment is delayed).
    """
    own, bio = _curve(torque), _curve(moment)
    profiles = human_profiles(joint) if profiles is None else profiles
    size = float(np.abs(own).max())
    scaled = _normalised(bio) * size
    rows = []
    for profile in profiles.values():
        if profile.curve is None:
            continue
        human = profile.curve
        lag = _best_lag(scaled, human)
        shifted = _delayed(scaled, lag)
        for candidate, curve, delay in (
            ("learned", own, 0.0), ("scaled moment", scaled, 0.0), ("scaled moment, best lag", shifted, float(lag)),
        ):  # fmt: skip
            result = compare_curves(curve, human)
            rows.append(
                {"candidate": candidate, "profile": profile.name, "kind": profile.kind, "r": result.r,
                 "rmse": result.rmse, "lag_pct": delay}
            )  # fmt: skip
    return pd.DataFrame(rows, columns=["candidate", "profile", "kind", "r", "rmse", "lag_pct"])


def _curve(values: ArrayLike) -> Array:
    curve = np.asarray(values, np.float64)
    if curve.shape != (N_POINTS,):
        raise InputError("torque curve", f"shape {curve.shape}", f"{N_POINTS} points, 0 to 100 % of the stride")
    return curve


def _normalised(curve: Array) -> Array:
    """Curve over its largest magnitude; zeros stay zeros."""
    size = float(np.abs(curve).max())
    return curve / size if size > 0 else curve


def _delayed(curve: Array, lag: int) -> Array:
    """Curve delayed by whole percents, the stride as a circle."""
    part = np.roll(curve[:-1], lag)
    return np.append(part, part[0])


def _best_lag(curve: Array, reference: Array) -> int:
    """Delay with the largest correlation, -50 to 49 percent; 0 where a curve is constant or not known."""
    if not (np.isfinite(curve).all() and np.isfinite(reference).all()) or np.ptp(curve) == 0 or np.ptp(reference) == 0:
        return 0
    lags = list(range(-50, 50))
    return lags[int(np.argmax([np.corrcoef(_delayed(curve, k), reference)[0, 1] for k in lags]))]
