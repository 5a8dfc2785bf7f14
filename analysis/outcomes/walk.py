"""Numbers of a study: one simulated walk becomes scalars and curves, many walks become two tables and paired changes.

Names of scalars: ``<quantity>_r`` and ``<quantity>_l`` (mean over the strides of that leg), ``..._sd`` (between its
strides), ``<quantity>_si`` (symmetry index of the means, 100 (R - L) / (0.5 (R + L)), Robinson 1987, + = right larger)
and ``<quantity>_si_sd`` (of the index between pairs of strides). ``asymmetry`` is the mean magnitude of the six
indices in :data:`ASYMMETRY`, ``asymmetry_sd`` the SD of the same mean between pairs of strides. A number that a walk
does not give is NaN.

Joint moments and powers are those of muscles and passive structures; the torque of a device stands beside them. They,
and all rates, are per kg of the person without the device.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import numpy as np
import pandas as pd

from exogait.data.errors import InputError
from exogait.data.names import side_of, stem
from exogait.data.trial import SIDES, GaitTrial, Side
from exogait.models.energetics import ACCOUNTINGS

from ..gait.curves import CURVES, display_series, has_curve
from ..gait.cycle import N_POINTS, Stride, find_strides, normalize_cycles
from ..gait.energy import ANATOMICAL_MASS, compute_metabolics, mean_over, stride_cost, with_anatomy
from ..gait.power import joint_powers
from ..gait.symmetry import robinson_index
from .device import device_scalars
from .signs import Variable, read_signs
from .strides import Array, impulses, leg_of, mean_in, mean_sd, step_times_and_lengths, stride_pairs
from .tables import CurveOutcome, WalkOutcomes

SETTINGS = ("seed", "body", "strength", "side", "condition", "speed", "start", "variant")

SYMMETRIC: Mapping[str, str] = {
    "step_time": "s", "step_length": "m", "stance_pct": "%", "hip_rom": "deg", "knee_rom": "deg", "ankle_rom": "deg",
    "grf_impulse": "BW s", "grf_peak": "BW", "ankle_push_off_power": "W/kg",
}  # fmt: skip
"""Quantities with a symmetry index, and their units."""

ASYMMETRY = ("step_time", "step_length", "hip_rom", "knee_rom", "ankle_rom", "grf_impulse")
"""Spatiotemporal, kinematic and kinetic quantities whose indices make up one number: all of them, not the best one."""

RANGES = {"hip_rom": "hip_flexion", "knee_rom": "knee_flexion", "ankle_rom": "ankle_dorsiflexion"}

ANGLES = ("hip_flexion", "knee_flexion", "ankle_dorsiflexion")
"""Angles whose change between conditions is reported."""


@lru_cache(maxsize=1)
def sign_variables() -> tuple[Variable, ...]:
    """Variables of the study's clinical signs."""
    return tuple(read_signs().variables.values())


def walk_outcomes(
    trial: GaitTrial,
    settle: float = 2.0,
    *,
    strength: Mapping[str, float] | None = None,
    limits: Mapping[str, Mapping[str, float]] | None = None,
) -> WalkOutcomes:
    """All numbers of one simulated walk.

    Args:
        trial: A roll-out with events and its commanded speed (``about.speed_commanded``, m/s).
        settle: Time after the start whose heel strikes do not count, s.
        strength: Muscle to its strength as a fraction of the healthy one (:attr:`models.Deficit.strength`); muscles
            that are missing have full strength. The ``..._atrophied`` costs multiply muscle masses with it, the other
            costs take the masses of the trial, which a roll-out leaves healthy.
        limits: Actuator to direction to its torque limit, N m/kg (:func:`device_limits`); needed for ``..._at_limit``.

    Returns:
        Scalars and curves. Strides of a walk that ended in a fall count up to the fall; ``fell`` says so.

    Raises:
        InputError: The trial has no coordinates or body mass, or a strength is not a fraction.
    """
    trial = _with_powers(trial)
    settled = trial.replace(events=tuple(event for event in trial.events if event.time >= settle))
    strides: dict[Side, list[Stride]] = {side: find_strides(settled.events, side) for side in SIDES}
    clock = trial.require("coordinates").index.to_numpy(np.float64)
    # The first sample is one tick after the start.
    walked = float(clock[-1]) if len(clock) else 0.0
    commanded = trial.about.speed_commanded
    speed = _speed(trial, strides)
    scalars: dict[str, float] = {
        "fell": float(bool(trial.about.fell)),
        "walked_s": walked,
        "strides_r": float(len(strides["r"])),
        "strides_l": float(len(strides["l"])),
        "speed_mean": speed,
        "speed_error_pct": 100.0 * (speed / commanded - 1.0) if commanded and commanded > 0 else float("nan"),
    }
    curves, cycles = _display_curves(settled, strides)
    scalars |= _stride_scalars(trial, settled, strides, cycles)
    scalars |= _costs(trial, strides, speed, strength)
    activation = trial.muscles.get("activation")
    if activation is not None:
        _add_table(curves, activation, strides, "activation_", "1", 1.0)
        scalars |= {f"activation_{name}": mean_in(pd.Series(activation[name]), strides[leg_of(str(name))])
                    for name in activation.columns}  # fmt: skip
    if trial.device_torques is not None:
        table = trial.device_torques.rename(columns=lambda name: str(name).removeprefix("exo_"))
        _add_table(curves, table, strides, "device_", "N m/kg", 1.0 / trial.subject_mass)
        scalars |= device_scalars(trial, strides, curves, limits)
    return WalkOutcomes(scalars, curves)


def _with_powers(trial: GaitTrial) -> GaitTrial:
    if trial.joint_powers is None and trial.generalized_forces is not None and trial.speeds is not None:
        return trial.replace(joint_powers=joint_powers(trial.generalized_forces, trial.speeds))
    return trial


def _speed(trial: GaitTrial, strides: Mapping[Side, list[Stride]]) -> float:
    """Mean forward speed of the pelvis from the first to the last heel strike of whole strides, m/s."""
    table, every = trial.require("coordinates"), [stride for side in SIDES for stride in strides[side]]
    if not every or "pelvis_tx" not in table.columns:
        return float("nan")
    start, stop = min(s.start for s in every), max(s.stop for s in every)
    clock, way = table.index.to_numpy(np.float64), table["pelvis_tx"].to_numpy(np.float64)
    return float((np.interp(stop, clock, way) - np.interp(start, clock, way)) / (stop - start))


def trunk_angle(trial: GaitTrial, curve: str, side: Side) -> pd.Series | None:
    """Lean of the trunk as the sum of pelvis and lumbar angle, degrees; None where the trial lacks the coordinates.

    Args:
        trial: Trial with coordinates of the suite's model.
        curve: ``trunk_lean_forward`` (forward positive) or ``trunk_lean_own_side`` (towards the leg's side positive).
        side: Leg.
    """
    table = trial.coordinates
    names = ("pelvis_tilt", "lumbar_extension") if curve == "trunk_lean_forward" else ("pelvis_list", "lumbar_bending")
    if table is None or any(name not in table.columns for name in names):
        return None
    sign = -1.0 if curve == "trunk_lean_forward" or side == "l" else 1.0
    return pd.Series(sign * 180.0 / np.pi * (table[names[0]] + table[names[1]]), dtype=np.float64)


def _display_curves(
    trial: GaitTrial, strides: Mapping[Side, list[Stride]]
) -> tuple[dict[tuple[str, Side], CurveOutcome], dict[tuple[str, Side], Array]]:
    """Mean curves and, per curve and leg, the strides themselves, shape (n_strides, 101)."""
    curves: dict[tuple[str, Side], CurveOutcome] = {}
    cycles: dict[tuple[str, Side], Array] = {}
    for side in SIDES:
        found = [(k, CURVES[k].unit, display_series(trial, k, side)) for k in CURVES if has_curve(trial, k, side)]
        for key in ("trunk_lean_forward", "trunk_lean_own_side"):
            series = trunk_angle(trial, key, side)
            if series is not None:
                found.append((key, "°", series))
        for key, unit, series in found:
            stack = normalize_cycles(series.index.to_numpy(np.float64), series.to_numpy(np.float64), strides[side])
            cycles[key, side] = stack.values[:, :, 0]
            curves[key, side] = CurveOutcome(stack.mean()[:, 0], stack.sd()[:, 0], unit, stack.n_cycles)
    return curves, cycles


def _add_table(
    curves: dict[tuple[str, Side], CurveOutcome],
    table: pd.DataFrame,
    strides: Mapping[Side, list[Stride]],
    prefix: str,
    unit: str,
    factor: float,
) -> None:
    """Add the columns of a table whose names end in ``_r`` or ``_l``, each over the strides of its own leg."""
    for side in SIDES:
        names = [str(c) for c in table.columns if side_of(str(c)) == side]
        if not names:
            continue
        clock = table.index.to_numpy(np.float64)
        stack = normalize_cycles(clock, factor * table[names].to_numpy(np.float64), strides[side])
        mean, sd = stack.mean(), stack.sd()
        for i, name in enumerate(names):
            curves[f"{prefix}{stem(name)}", side] = CurveOutcome(mean[:, i], sd[:, i], unit, stack.n_cycles)


def _stride_scalars(
    whole: GaitTrial,
    trial: GaitTrial,
    strides: Mapping[Side, list[Stride]],
    cycles: Mapping[tuple[str, Side], Array],
) -> dict[str, float]:
    values: dict[str, dict[Side, Array]] = {}
    percent = np.linspace(0.0, 100.0, N_POINTS)
    for name, key in RANGES.items():
        values[name] = {s: np.ptp(cycles[key, s], axis=1) for s in SIDES if (key, s) in cycles}
    values["grf_peak"] = {s: cycles["grf_vertical", s].max(axis=1) for s in SIDES if ("grf_vertical", s) in cycles}
    values["grf_impulse"] = impulses(trial, strides)
    for variable in sign_variables():
        part = (percent >= variable.cycle[0]) & (percent <= variable.cycle[1])
        take = {"max": np.max, "min": np.min, "mean": np.mean}[variable.statistic]
        values[variable.name] = {
            s: np.asarray(take(cycles[variable.curve, s][:, part], axis=1))
            for s in SIDES if (variable.curve, s) in cycles
        }  # fmt: skip
    values["stance_pct"] = {s: np.array([stride.toe_off_pct for stride in strides[s]]) for s in SIDES}
    values |= step_times_and_lengths(whole, strides)
    found: dict[str, float] = {}
    for name, by_side in values.items():
        for side in SIDES:
            mean, sd = mean_sd(by_side.get(side, np.zeros(0)))
            found[f"{name}_{side}"], found[f"{name}_{side}_sd"] = mean, sd
    pairs = stride_pairs(strides)
    by_pair: dict[str, Array] = {}
    for name in SYMMETRIC:
        by_side = values[name]
        found[f"{name}_si"] = robinson_index(found[f"{name}_r"], found[f"{name}_l"])
        indices = [robinson_index(by_side["r"][i], by_side["l"][j]) for i, j in pairs] if len(by_side) == 2 else []
        by_pair[name] = np.array(indices, np.float64)
        found[f"{name}_si_sd"] = mean_sd(by_pair[name])[1]
    found["asymmetry"] = float(np.mean([abs(found[f"{name}_si"]) for name in ASYMMETRY]))
    means = np.mean([np.abs(by_pair[name]) for name in ASYMMETRY if len(by_pair[name])] or [[]], axis=0)
    found["asymmetry_sd"] = mean_sd(means)[1]
    return found


def _costs(
    trial: GaitTrial, strides: Mapping[Side, list[Stride]], speed: float, strength: Mapping[str, float] | None
) -> dict[str, float]:
    names = ("gross", "cost", "right_leg", "left_leg", "gross_atrophied", "cost_atrophied", "gross_sd")
    found = {f"{model}_{name}": float("nan") for model in ACCOUNTINGS for name in names}
    spans: list[tuple[Side, float, float]] = [(s, x.start, x.stop) for s in SIDES for x in strides[s]]
    if "activation" not in trial.muscles or trial.muscle_parameters is None or not spans:
        return found
    thin = _atrophied(trial, strength or {})
    for model in ACCOUNTINGS:
        result = compute_metabolics(trial, model=model)
        cost = stride_cost(result, spans, speed=speed)
        other = cost if thin is trial else stride_cost(compute_metabolics(thin, model=model), spans, speed=speed)
        values = (
            cost.gross_w_per_kg, cost.gross_cost_j_per_kg_m, cost.legs_w_per_kg["right_leg"],
            cost.legs_w_per_kg["left_leg"], other.gross_w_per_kg, other.gross_cost_j_per_kg_m,
            mean_sd(np.array([mean_over(result.whole_body, a, b) for _, a, b in spans]) / result.body_mass)[1],
        )  # fmt: skip
        found |= {f"{model}_{name}": float(value) for name, value in zip(names, values, strict=True)}
    return found


def _atrophied(trial: GaitTrial, strength: Mapping[str, float]) -> GaitTrial:
    """The trial with muscle masses, by anatomy and by strength, times strength; itself where nothing is weak."""
    for muscle, value in strength.items():
        if not 0.0 < value <= 1.0:
            raise InputError(f"strength of {muscle}", value, "a fraction of the healthy strength, above 0 to 1")
    table = trial.muscle_parameters
    if table is None or all(value == 1.0 for value in strength.values()):
        return trial
    thin = with_anatomy(table, body_mass=trial.subject_mass, height=trial.about.height).copy()
    left = np.array([strength.get(str(m), 1.0) for m in thin.index])
    for column in {ANATOMICAL_MASS, "mass"} & set(thin.columns):
        thin[column] = thin[column].to_numpy(np.float64) * left
    return trial.replace(muscle_parameters=thin)
