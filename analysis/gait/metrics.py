"""The scalars of a gait report: peaks, ranges, work, times and lengths of each leg, each with its unit and definition.

A scalar is the mean over the strides that know every point of its window; where no stride does it is NaN, never a peak
of half a curve.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from exogait.data import GaitTrial
from exogait.data.trial import SIDES, Side

from .curves import find_curve, has_curve, stride_curves
from .cycle import find_strides
from .symmetry import symmetry_table

Kind = Literal["max", "min", "range", "positive work", "negative work"]


@dataclass(frozen=True)
class Metric:
    """How one scalar follows from one curve."""

    name: str
    """Name in metrics.csv."""
    title: str
    """Name in the report."""
    curve: str
    """Key of :data:`exogait.analysis.gait.curves.CURVES`."""
    kind: Kind
    """What is taken."""
    start: float
    """Begin of the window, % of the gait cycle."""
    stop: float
    """End of the window, % of the gait cycle."""

    @property
    def unit(self) -> str:
        """Unit of the scalar."""
        return "J/kg" if self.kind.endswith("work") else find_curve(self.curve).unit


METRICS = (
    Metric("hip_flexion_max", "Hip flexion, largest", "hip_flexion", "max", 0, 100),
    Metric("hip_flexion_min", "Hip flexion, smallest (extension < 0)", "hip_flexion", "min", 0, 100),
    Metric("hip_flexion_range", "Hip flexion, range", "hip_flexion", "range", 0, 100),
    Metric("knee_flexion_loading", "Knee flexion, peak in loading", "knee_flexion", "max", 0, 30),
    Metric("knee_flexion_swing", "Knee flexion, peak in swing", "knee_flexion", "max", 50, 100),
    Metric("knee_flexion_range", "Knee flexion, range", "knee_flexion", "range", 0, 100),
    Metric("ankle_dorsiflexion_stance", "Ankle dorsiflexion, peak in stance", "ankle_dorsiflexion", "max", 10, 65),
    Metric("ankle_dorsiflexion_min", "Ankle dorsiflexion, smallest near toe off", "ankle_dorsiflexion", "min", 50, 85),
    Metric("ankle_range", "Ankle, range", "ankle_dorsiflexion", "range", 0, 100),
    Metric("hip_extensor_moment", "Hip extensor moment, peak", "hip_extension_moment", "max", 0, 45),
    Metric("hip_flexor_moment", "Hip moment, smallest (flexor < 0)", "hip_extension_moment", "min", 35, 75),
    Metric("hip_abductor_moment", "Hip abductor moment, peak", "hip_abduction_moment", "max", 0, 60),
    Metric("knee_extensor_moment", "Knee extensor moment, peak in loading", "knee_extension_moment", "max", 3, 40),
    Metric(
        "ankle_plantarflexor_moment", "Ankle plantarflexor moment, peak", "ankle_plantarflexion_moment", "max", 5, 70
    ),
    Metric("hip_power_pulloff", "Hip power, peak at pull-off", "hip_power", "max", 45, 85),
    Metric("ankle_power_pushoff", "Ankle power, peak at push-off", "ankle_power", "max", 30, 75),
    Metric("grf_vertical_first", "Vertical force, first peak", "grf_vertical", "max", 3, 30),
    Metric("grf_vertical_valley", "Vertical force, mid-stance", "grf_vertical", "min", 15, 45),
    Metric("grf_vertical_second", "Vertical force, second peak", "grf_vertical", "max", 32, 65),
    Metric("grf_braking", "Fore-aft force, braking peak", "grf_fore_aft", "min", 0, 35),
    Metric("grf_propulsion", "Fore-aft force, propulsion peak", "grf_fore_aft", "max", 30, 70),
    *(
        Metric(f"{joint}_{kind.replace(' ', '_')}", f"{joint.capitalize()} {kind}", f"{joint}_power", kind, 0, 100)
        for joint in ("hip", "knee", "ankle")
        for kind in ("positive work", "negative work")
    ),
)
"""Every scalar that is taken from a curve."""
MAX_MISSING = 0.05
"""Share of a stride that may be unknown where its work is still given."""
SPATIOTEMPORAL = {
    "speed": ("Walking speed", 2),
    "cadence": ("Cadence", 1),
    "stride_length": ("Stride length", 3),
    "stride_time": ("Stride time", 3),
    "step_length": ("Step length", 3),
    "step_time": ("Step time", 3),
    "step_width": ("Step width", 3),
    "stance_time": ("Stance time", 3),
    "swing_time": ("Swing time", 3),
    "stance_pct": ("Stance", 1),
    "double_support": ("Double support", 3),
    "single_support": ("Single support", 3),
    "flight_time": ("Flight", 3),
}
"""Title and decimals of the spatiotemporal quantities."""


def spatiotemporal_table(trial: GaitTrial) -> pd.DataFrame:
    """Spatiotemporal numbers of a trial.

    They come from the markers where the lab road measured them (``about.spatiotemporal``), else from events,
    with speed and stride length from the pelvis' travel or from what the trial states.

    Args:
        trial: Trial with events.

    Returns:
        One row a quantity: quantity, unit, mean, sd, n, mean_r, mean_l.
    """
    stored = trial.about.spatiotemporal
    if stored:
        return pd.DataFrame(stored).astype({key: float for key in ("mean", "sd", "mean_r", "mean_l")})
    strides = {side: find_strides(trial.events, side) for side in SIDES}
    speed = {side: np.array([_stride_speed(trial, s.start, s.stop) for s in strides[side]]) for side in SIDES}
    times = {side: np.array([s.duration for s in strides[side]]) for side in SIDES}
    stance = {side: np.array([s.stance for s in strides[side]]) for side in SIDES}
    parts: dict[str, tuple[str, dict[Any, NDArray[np.float64]]]] = {
        "speed": ("m/s", speed),
        "cadence": ("steps/min", {side: 120.0 / times[side] for side in SIDES}),
        "stride_length": ("m", {side: speed[side] * times[side] for side in SIDES}),
        "stride_time": ("s", times),
        "stance_time": ("s", stance),
        "swing_time": ("s", {side: times[side] - stance[side] for side in SIDES}),
        "stance_pct": ("%", {side: 100.0 * stance[side] / times[side] for side in SIDES}),
        "step_time": ("s", _step_times(trial)),
    }
    rows = []
    for name, (unit, values) in parts.items():
        both = np.concatenate([values[side] for side in SIDES])
        both = both[np.isfinite(both)]
        rows.append(
            {
                "quantity": name, "unit": unit, "mean": _mean(both),
                "sd": float(both.std(ddof=1)) if len(both) > 1 else np.nan, "n": len(both),
                "mean_r": _mean(values["r"]), "mean_l": _mean(values["l"]),
            }
        )  # fmt: skip
    return pd.DataFrame(rows)


def compute_metrics(trial: GaitTrial) -> pd.DataFrame:
    """All scalars of a trial, leg by leg.

    Args:
        trial: Trial with events.

    Returns:
        One row a scalar: metric, title, unit, right, left, n_right, n_left (strides that know the window), window.
    """
    rows: list[dict[str, Any]] = []
    for row in spatiotemporal_table(trial).to_dict(orient="records"):
        title = SPATIOTEMPORAL.get(row["quantity"], (row["quantity"], 2))[0]
        counts = {side: len(find_strides(trial.events, side)) for side in SIDES}
        rows.append(
            {
                "metric": row["quantity"], "title": title, "unit": row["unit"], "right": row["mean_r"],
                "left": row["mean_l"], "n_right": counts["r"], "n_left": counts["l"], "window": "stride",
            }
        )  # fmt: skip
    for metric in METRICS:
        values = {side: metric_values(trial, metric, side) for side in SIDES}
        rows.append(
            {
                "metric": metric.name, "title": metric.title, "unit": metric.unit,
                "right": _mean(values["r"]), "left": _mean(values["l"]),
                "n_right": int(np.isfinite(values["r"]).sum()), "n_left": int(np.isfinite(values["l"]).sum()),
                "window": f"{metric.kind}, {metric.start:g}-{metric.stop:g} % of the gait cycle",
            }
        )  # fmt: skip
    return pd.DataFrame(rows)


def metric_values(trial: GaitTrial, metric: Metric, side: Side) -> NDArray[np.float64]:
    """One scalar of every stride of one leg, shape (n_strides,); NaN where the window is not wholly known."""
    if not has_curve(trial, metric.curve, side):
        return np.full(0, np.nan)
    values, _ = stride_curves(trial, metric.curve, side)
    if not len(values):
        return np.full(0, np.nan)
    percent = np.linspace(0.0, 100.0, values.shape[1])
    part = values[:, (percent >= metric.start) & (percent <= metric.stop)]
    if metric.kind == "max":
        return part.max(axis=1)
    if metric.kind == "min":
        return part.min(axis=1)
    if metric.kind == "range":
        return part.max(axis=1) - part.min(axis=1)
    durations = np.array([stride.duration for stride in find_strides(trial.events, side)])
    sign = 1.0 if metric.kind == "positive work" else -1.0
    # Power of one sign only, over the stride's own time. The last frames before the next contact are often unknown.
    clipped = np.where(np.isnan(part), 0.0, sign * np.maximum(sign * part, 0.0))
    work = np.trapezoid(clipped, dx=1.0 / (values.shape[1] - 1), axis=1) * durations
    return np.where(np.isnan(part).mean(axis=1) <= MAX_MISSING, work, np.nan)


def symmetry_rows(metrics: pd.DataFrame, names: Iterable[str] | None = None) -> pd.DataFrame:
    """Symmetry indices of the scalars of both legs.

    Args:
        metrics: What :func:`compute_metrics` returned.
        names: Scalars to compare; all that both legs have if not given. Speed and cadence belong to both legs and are
            left out.

    Returns:
        Table of :func:`exogait.analysis.gait.symmetry.symmetry_table`.
    """
    wanted = [n for n in metrics["metric"] if n not in ("speed", "cadence", "step_width")] if names is None else names
    names_of = [str(name) for name in metrics["metric"]]
    right, left = (dict(zip(names_of, metrics[s].to_numpy(np.float64), strict=True)) for s in ("right", "left"))
    units = dict(zip(names_of, metrics["unit"].map(str), strict=True))
    known = [n for n in wanted if np.isfinite(right[n]) and np.isfinite(left[n])]
    return symmetry_table({n: float(right[n]) for n in known}, {n: float(left[n]) for n in known}, units)


def walking_speed(trial: GaitTrial) -> float:
    """Speed of a trial, m/s: as it states (measured, else commanded), else from the pelvis; NaN where neither tells."""
    stated = trial.about.walked_speed
    if stated is not None and np.isfinite(stated):
        return float(stated)
    table = spatiotemporal_table(trial)
    return float(table.loc[table["quantity"] == "speed", "mean"].iloc[0]) if len(table) else float("nan")


def _stride_speed(trial: GaitTrial, start: float, stop: float) -> float:
    table = trial.coordinates
    if table is not None and "pelvis_tx" in table.columns:
        clock, way = table.index.to_numpy(np.float64), table["pelvis_tx"].to_numpy(np.float64)
        if start >= clock[0] - 1e-6 and stop <= clock[-1] + 1e-6:
            belt = trial.about.belt_speed or 0.0
            return float(np.interp(stop, clock, way) - np.interp(start, clock, way)) / (stop - start) + belt
    stated = trial.about.walked_speed
    return np.nan if stated is None else float(stated)


def _step_times(trial: GaitTrial) -> dict[Side, NDArray[np.float64]]:
    strikes: list[tuple[float, Side]] = sorted((e.time, e.side) for e in trial.events if e.kind == "heel_strike")
    steps: dict[Side, list[float]] = {"r": [], "l": []}
    for (before, first), (landing, side) in itertools.pairwise(strikes):
        if first != side and landing - before < 2.5:
            steps[side].append(landing - before)
    return {side: np.array(steps[side]) for side in SIDES}


def _mean(values: NDArray[np.float64]) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else float("nan")
