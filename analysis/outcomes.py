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

import dataclasses
import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from data.errors import FileFormatError, InputError
from data.trial import SIDES, GaitEvent, GaitTrial, Side
from models.device import DIRECTIONS, load_device

from .compensation import Variable, read_signs, records
from .display import CURVES, GRAVITY, display_series, has_curve
from .gait_cycle import N_POINTS, Stride, find_strides, normalize_cycles
from .joint_power import joint_powers
from .metabolics import MODELS, compute_metabolics, mean_over, stride_cost
from .symmetry import robinson_index
from .torque_profiles import crossover, torque_peak

Array = NDArray[np.float64]

CONDITIONS = ("none", "unpowered", "powered")
"""No device; worn and off (its mass only); worn and controlled."""
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
AT_LIMIT = 0.99
"""Share of the device's limit from which a torque counts as at the limit."""
SPEED_TOLERANCE = 0.02
"""Largest difference in speed of two walks that are compared, as a share."""
MAX_STEP = 2.5
"""Longest time between the heel strikes of one step, s."""


@dataclass(frozen=True, kw_only=True)
class WalkSettings:
    """What was simulated."""

    seed: int = 0
    """Training seed."""
    body: str = "healthy"
    """``healthy`` or the name of a deficit."""
    strength: float = 100.0
    """Strength of the weakest group, percent."""
    side: str = "right"
    """Weak side, ``right`` or ``left``."""
    condition: str = "none"
    """One of :data:`CONDITIONS`."""
    speed: float = 1.25
    """Commanded, m/s."""
    start: int = 0
    """Number of the random start."""
    variant: str = "main"
    """Variant of the study."""

    def __post_init__(self) -> None:
        if self.condition not in CONDITIONS:
            raise InputError("condition", self.condition, f"one of {', '.join(CONDITIONS)}")

    @property
    def walk(self) -> str:
        """Name of the walk, unique within a study."""
        return "|".join(
            (self.variant, self.body, f"{self.strength:g}", self.side, self.condition, f"{self.speed:g}",
             f"seed{self.seed}", f"start{self.start}")
        )  # fmt: skip


@dataclass(frozen=True)
class CurveOutcome:
    """One curve over the stride of one leg."""

    mean: Array
    """Shape (101,); NaN where no stride knows the point."""
    sd: Array
    """Between strides, shape (101,); NaN below two strides."""
    unit: str
    n_strides: int


@dataclass(frozen=True)
class WalkOutcomes:
    """All numbers of one walk."""

    scalars: Mapping[str, float]
    curves: Mapping[tuple[str, Side], CurveOutcome]
    """(curve, leg) to its mean and SD. Curves: keys of :data:`analysis.display.CURVES`, the two trunk angles,
    ``device_<coordinate>`` (N m/kg, OpenSim's sign) and ``activation_<muscle>``."""


@lru_cache(maxsize=1)
def sign_variables() -> tuple[Variable, ...]:
    """Variables of the study's clinical signs."""
    return tuple(read_signs().variables.values())


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
        up, down = DIRECTIONS[joint.coordinate[:-2] if joint.coordinate.endswith(("_r", "_l")) else joint.coordinate]
        limits[joint.actuator] = {up: joint.peak_positive, down: joint.peak_negative}
    return limits


def walk_outcomes(
    trial: GaitTrial,
    settle: float = 2.0,
    *,
    strength: Mapping[str, float] | None = None,
    limits: Mapping[str, Mapping[str, float]] | None = None,
) -> WalkOutcomes:
    """All numbers of one simulated walk.

    Args:
        trial: A roll-out with events; ``metadata["speed"]`` is the commanded speed, m/s.
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
    commanded = trial.metadata.get("commanded_speed", trial.metadata.get("speed"))
    speed = _speed(trial, strides)
    known = isinstance(commanded, int | float) and commanded > 0
    scalars: dict[str, float] = {
        "fell": float(bool(trial.metadata.get("fell"))),
        "walked_s": walked,
        "strides_r": float(len(strides["r"])),
        "strides_l": float(len(strides["l"])),
        "speed_mean": speed,
        "speed_error_pct": 100.0 * (speed / float(commanded) - 1.0) if known else float("nan"),  # type: ignore[arg-type]
    }
    curves, cycles = _display_curves(settled, strides)
    scalars |= _stride_scalars(trial, settled, strides, cycles)
    scalars |= _costs(trial, strides, speed, strength)
    activation = trial.muscles.get("activation")
    if activation is not None:
        _add_table(curves, activation, strides, "activation_", "1", 1.0)
        scalars |= {f"activation_{name}": _mean_in(pd.Series(activation[name]), strides[_leg(str(name))])
                    for name in activation.columns}  # fmt: skip
    if trial.device_torques is not None:
        table = trial.device_torques.rename(columns=lambda name: str(name).removeprefix("exo_"))
        _add_table(curves, table, strides, "device_", "N m/kg", 1.0 / trial.subject_mass)
        scalars |= _device_scalars(trial, strides, curves, limits)
    return WalkOutcomes(scalars, curves)


def _with_powers(trial: GaitTrial) -> GaitTrial:
    if trial.joint_powers is None and trial.generalized_forces is not None and trial.speeds is not None:
        return trial.replace(joint_powers=joint_powers(trial.generalized_forces, trial.speeds))
    return trial


def _leg(column: str) -> Side:
    return "l" if column.endswith("_l") else "r"


def _speed(trial: GaitTrial, strides: Mapping[Side, list[Stride]]) -> float:
    """Mean forward speed of the pelvis from the first to the last heel strike of whole strides, m/s."""
    table, every = trial.require("coordinates"), [stride for side in SIDES for stride in strides[side]]
    if not every or "pelvis_tx" not in table.columns:
        return float("nan")
    start, stop = min(s.start for s in every), max(s.stop for s in every)
    clock, way = table.index.to_numpy(np.float64), table["pelvis_tx"].to_numpy(np.float64)
    return float((np.interp(stop, clock, way) - np.interp(start, clock, way)) / (stop - start))


def _mean_sd(values: Array) -> tuple[float, float]:
    known = values[np.isfinite(values)]
    return (
        float(known.mean()) if len(known) else float("nan"),
        float(known.std(ddof=1)) if len(known) > 1 else float("nan"),
    )


def _mean_in(series: pd.Series, strides: list[Stride]) -> float:
    """Mean of a series over the strides, each weighted alike; NaN without one."""
    if not strides:
        return float("nan")
    return float(np.mean([mean_over(series, s.start, s.stop) for s in strides]))


# -- curves -----------------------------------------------------------------------------------------------------------


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
        names = [str(c) for c in table.columns if str(c).endswith(f"_{side}")]
        if not names:
            continue
        clock = table.index.to_numpy(np.float64)
        stack = normalize_cycles(clock, factor * table[names].to_numpy(np.float64), strides[side])
        mean, sd = stack.mean(), stack.sd()
        for i, name in enumerate(names):
            curves[f"{prefix}{name[:-2]}", side] = CurveOutcome(mean[:, i], sd[:, i], unit, stack.n_cycles)


# -- scalars of the strides -------------------------------------------------------------------------------------------


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
    values["grf_impulse"] = _impulses(trial, strides)
    for variable in sign_variables():
        part = (percent >= variable.cycle[0]) & (percent <= variable.cycle[1])
        take = {"max": np.max, "min": np.min, "mean": np.mean}[variable.statistic]
        values[variable.name] = {
            s: np.asarray(take(cycles[variable.curve, s][:, part], axis=1))
            for s in SIDES if (variable.curve, s) in cycles
        }  # fmt: skip
    values["stance_pct"] = {s: np.array([stride.toe_off_pct for stride in strides[s]]) for s in SIDES}
    values |= _steps(whole, strides)
    found: dict[str, float] = {}
    for name, by_side in values.items():
        for side in SIDES:
            mean, sd = _mean_sd(by_side.get(side, np.zeros(0)))
            found[f"{name}_{side}"], found[f"{name}_{side}_sd"] = mean, sd
    pairs = _pairs(strides)
    by_pair: dict[str, Array] = {}
    for name in SYMMETRIC:
        by_side = values[name]
        found[f"{name}_si"] = robinson_index(found[f"{name}_r"], found[f"{name}_l"])
        indices = [robinson_index(by_side["r"][i], by_side["l"][j]) for i, j in pairs] if len(by_side) == 2 else []
        by_pair[name] = np.array(indices, np.float64)
        found[f"{name}_si_sd"] = _mean_sd(by_pair[name])[1]
    found["asymmetry"] = float(np.mean([abs(found[f"{name}_si"]) for name in ASYMMETRY]))
    means = np.mean([np.abs(by_pair[name]) for name in ASYMMETRY if len(by_pair[name])] or [[]], axis=0)
    found["asymmetry_sd"] = _mean_sd(means)[1]
    return found


def _pairs(strides: Mapping[Side, list[Stride]]) -> list[tuple[int, int]]:
    """Right strides with the left stride that begins within them."""
    return [
        (i, j)
        for i, right in enumerate(strides["r"])
        for j, left in enumerate(strides["l"])
        if right.start <= left.start < right.stop
    ]


def _impulses(trial: GaitTrial, strides: Mapping[Side, list[Stride]]) -> dict[Side, Array]:
    """Time integral of the vertical force of each stride over body weight, s."""
    table = trial.ground_reactions
    if table is None:
        return {}
    weight = trial.subject_mass * GRAVITY
    return {
        s: np.array([
            mean_over(pd.Series(table[f"ground_force_{s}_vy"]), x.start, x.stop) * x.duration / weight
            for x in strides[s]
        ])
        for s in SIDES if f"ground_force_{s}_vy" in table.columns
    }  # fmt: skip


def _steps(trial: GaitTrial, strides: Mapping[Side, list[Stride]]) -> dict[str, dict[Side, Array]]:
    """Time and length of the step that ends with each stride's first heel strike, in the order of the strides.

    The length is the distance along the walk between the centres of pressure at two successive first contacts.
    """
    strikes = sorted(event for event in trial.events if event.kind == "heel_strike")
    found: dict[tuple[Side, float], tuple[float, float]] = {}
    for before, landing in itertools.pairwise(strikes):
        if before.side != landing.side and landing.time - before.time <= MAX_STEP:
            length = _contact(trial, landing) - _contact(trial, before)
            found[landing.side, landing.time] = (landing.time - before.time, length)
    nothing = (float("nan"), float("nan"))
    steps = {s: np.array([found.get((s, x.start), nothing) for x in strides[s]]).reshape(-1, 2) for s in SIDES}
    return {"step_time": {s: steps[s][:, 0] for s in SIDES}, "step_length": {s: steps[s][:, 1] for s in SIDES}}


def _contact(trial: GaitTrial, strike: GaitEvent) -> float:
    """Place of a foot's centre of pressure along the walk at its first contact, m; NaN where it is not known."""
    table, column = trial.ground_reactions, f"ground_force_{strike.side}_px"
    if table is None or column not in table.columns:
        return float("nan")
    clock = table.index.to_numpy(np.float64)
    at = int(np.searchsorted(clock, strike.time - 1e-9))
    place = table[column].to_numpy(np.float64)
    return float(place[at]) if at < len(place) else float("nan")


# -- costs ------------------------------------------------------------------------------------------------------------


def _costs(
    trial: GaitTrial, strides: Mapping[Side, list[Stride]], speed: float, strength: Mapping[str, float] | None
) -> dict[str, float]:
    names = ("gross", "cost", "right_leg", "left_leg", "gross_atrophied", "cost_atrophied", "gross_sd")
    found = {f"{model}_{name}": float("nan") for model in MODELS for name in names}
    spans: list[tuple[Side, float, float]] = [(s, x.start, x.stop) for s in SIDES for x in strides[s]]
    if "activation" not in trial.muscles or trial.muscle_parameters is None or not spans:
        return found
    thin = _atrophied(trial, strength or {})
    for model in MODELS:
        result = compute_metabolics(trial, model=model)
        cost = stride_cost(result, spans, speed=speed)
        other = cost if thin is trial else stride_cost(compute_metabolics(thin, model=model), spans, speed=speed)
        values = (
            cost.gross_w_per_kg, cost.gross_cost_j_per_kg_m, cost.legs_w_per_kg["right_leg"],
            cost.legs_w_per_kg["left_leg"], other.gross_w_per_kg, other.gross_cost_j_per_kg_m,
            _mean_sd(np.array([mean_over(result.whole_body, a, b) for _, a, b in spans]) / result.body_mass)[1],
        )  # fmt: skip
        found |= {f"{model}_{name}": float(value) for name, value in zip(names, values, strict=True)}
    return found


def _atrophied(trial: GaitTrial, strength: Mapping[str, float]) -> GaitTrial:
    """The trial with muscle masses times strength; itself where nothing is weak or masses are not stated."""
    for muscle, value in strength.items():
        if not 0.0 < value <= 1.0:
            raise InputError(f"strength of {muscle}", value, "a fraction of the healthy strength, above 0 to 1")
    table = trial.muscle_parameters
    if table is None or "mass" not in table.columns or all(value == 1.0 for value in strength.values()):
        return trial
    thin = table.copy()
    thin["mass"] = thin["mass"].to_numpy(np.float64) * np.array([strength.get(str(m), 1.0) for m in thin.index])
    return trial.replace(muscle_parameters=thin)


# -- device -----------------------------------------------------------------------------------------------------------


def _device_scalars(
    trial: GaitTrial,
    strides: Mapping[Side, list[Stride]],
    curves: Mapping[tuple[str, Side], CurveOutcome],
    limits: Mapping[str, Mapping[str, float]] | None,
) -> dict[str, float]:
    table = trial.require("device_torques")
    found: dict[str, float] = {}
    totals = {"positive_power": 0.0, "negative_power": 0.0}
    for actuator in map(str, table.columns):
        side, coordinate = _leg(actuator), actuator.removeprefix("exo_")
        torque = pd.Series(table[actuator] / trial.subject_mass, dtype=np.float64)
        found[f"{actuator}_mean_abs"] = _mean_in(torque.abs(), strides[side])
        base = coordinate[:-2] if coordinate.endswith(("_r", "_l")) else coordinate
        curve = curves.get((f"device_{base}", side))
        words = DIRECTIONS.get(base, ("positive", "negative"))
        for word, sign in zip(words, (1.0, -1.0), strict=True):
            peak = torque_peak(np.full(N_POINTS, np.nan) if curve is None else curve.mean, sign)
            found |= {f"{actuator}_{part}_{word}": getattr(peak, part) for part in ("peak", "time", "rise", "fall")}
        if base == "hip_flexion":
            found[f"{actuator}_crossover"] = float("nan") if curve is None else crossover(curve.mean)
        power = _device_power(trial, torque, coordinate)
        for name, sign in (("positive_power", 1.0), ("negative_power", -1.0)):
            value = float("nan") if power is None else sign * _mean_in((sign * power).clip(lower=0.0), strides[side])
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


# -- tables -----------------------------------------------------------------------------------------------------------


def outcome_tables(
    outcomes: Iterable[tuple[WalkSettings, WalkOutcomes]],
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Two tidy tables of many walks.

    Args:
        outcomes: Settings and numbers of each walk.

    Returns:
        ``walks``: one row a walk: walk (its name), the settings (``speed`` of the settings as ``speed_commanded``),
        and every scalar. ``curves``: one row a point: walk, curve, side (leg), percent, mean, sd, unit, n_strides.

    Raises:
        InputError: Two walks have the same settings.
    """
    rows: list[dict[str, Any]] = []
    keys: list[tuple[str, str, str, str, int]] = []
    means, sds = [], []
    names: set[str] = set()
    for settings, outcome in outcomes:
        if settings.walk in names:
            raise InputError("walk", settings.walk, "every walk of a study has its own settings")
        names.add(settings.walk)
        facts = dataclasses.asdict(settings)
        facts["speed_commanded"] = facts.pop("speed")
        rows.append({"walk": settings.walk, **facts, **outcome.scalars})
        for (curve, side), item in outcome.curves.items():
            keys.append((settings.walk, curve, side, item.unit, item.n_strides))
            means.append(item.mean.astype(np.float32))
            sds.append(item.sd.astype(np.float32))
    walk, curve, side, unit, count = zip(*keys, strict=True) if keys else ([], [], [], [], [])
    empty = np.zeros(0, np.float32)
    curves = {
        "walk": _repeated(walk), "curve": _repeated(curve), "side": _repeated(side),
        "percent": np.tile(np.arange(N_POINTS, dtype=np.int16), len(keys)),
        "mean": np.concatenate(means) if means else empty, "sd": np.concatenate(sds) if sds else empty,
        "unit": _repeated(unit), "n_strides": np.repeat(np.array(count, np.int16), N_POINTS),
    }  # fmt: skip
    return pd.DataFrame(rows), pd.DataFrame(curves)


def _repeated(values: Iterable[str]) -> pd.Categorical:
    """One text a curve as a category, once for each of its points."""
    codes, categories = pd.factorize(pd.Series(list(values), dtype=object))
    return pd.Categorical.from_codes(np.repeat(codes, N_POINTS), categories=list(categories))


_CATEGORIES = ("walk", "curve", "side", "unit")


def write_outcomes(walks: pd.DataFrame, curves: pd.DataFrame, folder: str | Path) -> Path:
    """Write both tables as ``walks.parquet`` and ``curves.parquet``."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    walks.to_parquet(folder / "walks.parquet", index=False)
    curves.to_parquet(folder / "curves.parquet", index=False)
    return folder


def read_outcomes(folder: str | Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Read what :func:`write_outcomes` wrote.

    Raises:
        FileFormatError: A table is missing or no parquet file.
    """
    tables = []
    for name in ("walks", "curves"):
        path = Path(folder) / f"{name}.parquet"
        try:
            # Texts that repeat a million times are read as categories, whatever the file holds.
            categories = list(_CATEGORIES) if name == "curves" else None
            tables.append(pd.read_parquet(path, engine="pyarrow", read_dictionary=categories))
        except FileNotFoundError:
            raise FileFormatError(path, "no such file", "name a folder that write_outcomes wrote") from None
        except (OSError, ValueError) as error:
            raise FileFormatError(path, f"is no parquet table ({str(error)[:80]})") from error
    return tables[0], tables[1].astype(dict.fromkeys(_CATEGORIES, "category"))


def curve_matrix(walks: pd.DataFrame, curves: pd.DataFrame, curve: str, side: Side) -> tuple[list[str], Array]:
    """One curve of several walks.

    Args:
        walks: Rows of the table of walks, already selected.
        curves: The table of curves.
        curve: Name of the curve.
        side: Leg.

    Returns:
        Names of the walks that have it, and their means, shape (n_walks, 101).
    """
    part = curves[
        (curves["curve"] == curve)
        & (curves["side"] == side)
        & curves["walk"].isin([str(name) for name in walks["walk"]])
    ]
    if part.empty:
        return [], np.zeros((0, N_POINTS))
    wide = part.astype({"walk": str}).pivot(index="walk", columns="percent", values="mean")
    return [str(name) for name in wide.index], wide.to_numpy(np.float64)


def seed_curves(
    walks: pd.DataFrame, curves: pd.DataFrame, curve: str, sides: Sequence[Side] = SIDES
) -> dict[int, Array]:
    """Mean of one curve over the walks of each seed, which then count alike however many of their walks there are.

    Args:
        walks: Rows of the table of walks, already selected.
        curves: The table of curves.
        curve: Name of the curve.
        sides: Legs to pool.

    Returns:
        Seed to curve, shape (101,); seeds without a walk that has it are absent.
    """
    found: dict[int, Array] = {}
    for seed, part in walks.groupby("seed"):
        values = np.concatenate([curve_matrix(pd.DataFrame(part), curves, curve, side)[1] for side in sides])
        values = values[np.isfinite(values).all(axis=1)]
        if len(values):
            found[int(seed)] = values.mean(axis=0)  # type: ignore[call-overload]
    return found


# -- paired changes ---------------------------------------------------------------------------------------------------


PAIRED_QUANTITIES = (
    "umberger2010_gross", "bhargava2004_gross", "umberger2010_cost", "bhargava2004_cost",
    "umberger2010_gross_atrophied", "bhargava2004_gross_atrophied", *(f"{name}_si" for name in SYMMETRIC),
    "asymmetry",
)  # fmt: skip
"""Quantities whose change is reported; of a symmetry index the change of its magnitude."""
_PAIR = ("variant", "seed", "body", "strength", "side", "speed_commanded", "start")
_GROUP = ("variant", "body", "strength", "side", "speed_commanded")


@dataclass(frozen=True)
class PairedChanges:
    """Changes from one condition to another."""

    pairs: pd.DataFrame
    """One row a pair that is compared: reference, settings, ``angle_rmse`` (degrees, mean of hip, knee and ankle of
    both legs), and per quantity ``<quantity>`` (powered minus reference) and ``<quantity>_pct``."""
    summary: pd.DataFrame
    """One row a reference, body, speed and quantity: mean, sd_seeds, sd_walks, mean_pct, sd_seeds_pct, sd_walks_pct,
    angle_rmse, fall_rate (powered), fall_rate_reference, n_pairs, n_seeds, n_unmatched, n_fell, n_speed (pairs left
    out, by reason)."""


def paired_changes(walks: pd.DataFrame, curves: pd.DataFrame, *, condition: str = "powered") -> PairedChanges:
    """Changes that a powered device makes, against no device and against the device worn but off.

    Walks are paired by variant, seed, body, strength, side, commanded speed and start. A pair counts where neither
    walk fell and their mean speeds differ by 2 % at most; the others are counted by reason. SDs are between pairs
    (``sd_walks``) and between the means of the seeds (``sd_seeds``), n - 1.

    Args:
        walks: Table of walks.
        curves: Table of curves, for the change of the joint angles.
        condition: The condition that is compared with the others.
    """
    quantities = [name for name in PAIRED_QUANTITIES if name in walks.columns]
    angles = _angle_table(walks, curves)
    rows = records(walks)
    pairs, summary = [], []
    for reference in [name for name in ("none", "unpowered") if name != condition]:
        others = {tuple(row[name] for name in _PAIR): row for row in rows if row["condition"] == reference}
        groups: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
        for row in rows:
            if row["condition"] == condition:
                groups.setdefault(tuple(row[name] for name in _GROUP), []).append(row)
        for key, part in groups.items():
            matched = [(row, others.get(tuple(row[name] for name in _PAIR))) for row in part]
            reasons = [_dropped(own, other) for own, other in matched]
            found = [
                _pair(own, other, quantities, angles)
                for (own, other), reason in zip(matched, reasons, strict=True)
                if other is not None and not reason
            ]
            theirs = [row["fell"] for row in others.values() if tuple(row[name] for name in _GROUP) == key]
            facts = {
                "angle_rmse": _mean_sd(np.array([row["angle_rmse"] for row in found], np.float64))[0],
                "fall_rate": float(np.mean([row["fell"] for row in part])),
                "fall_rate_reference": float(np.mean(theirs)) if theirs else float("nan"),
                "n_pairs": len(found), "n_seeds": len({row["seed"] for row in found}),
                **{f"n_{name}": reasons.count(name) for name in ("unmatched", "fell", "speed")},
            }  # fmt: skip
            group = {"reference": reference, **dict(zip(_GROUP, key, strict=True))}
            pairs += found
            for name in quantities:
                percent = {f"{k}_pct": v for k, v in _spread(found, f"{name}_pct").items()}
                summary.append({**group, "quantity": name, **_spread(found, name), **percent, **facts})
    return PairedChanges(pd.DataFrame(pairs), pd.DataFrame(summary))


def _dropped(own: Mapping[str, Any], other: Mapping[str, Any] | None) -> str:
    """Why a pair is left out; empty where it is compared."""
    if other is None:
        return "unmatched"
    if own["fell"] or other["fell"]:
        return "fell"
    a, b = float(own["speed_mean"]), float(other["speed_mean"])
    return "" if abs(a - b) <= SPEED_TOLERANCE * 0.5 * abs(a + b) else "speed"


def _pair(
    own: Mapping[str, Any], other: Mapping[str, Any], quantities: list[str], angles: Mapping[str, Array]
) -> dict[str, Any]:
    rmse = float("nan")
    if own["walk"] in angles and other["walk"] in angles:
        difference = angles[own["walk"]] - angles[other["walk"]]
        rmse = float(np.mean(np.sqrt(np.mean(difference**2, axis=1))))
    found: dict[str, Any] = {"reference": other["condition"], **{name: own[name] for name in _PAIR}}
    found["angle_rmse"] = rmse
    for name in quantities:
        a, b = float(own[name]), float(other[name])
        a, b = (abs(a), abs(b)) if name.endswith("_si") else (a, b)
        found[name] = a - b
        found[f"{name}_pct"] = 100.0 * (a / b - 1.0) if b != 0 else float("nan")
    return found


def _angle_table(walks: pd.DataFrame, curves: pd.DataFrame) -> dict[str, Array]:
    """Mean angles of hip, knee and ankle of both legs by walk, shape (6, 101); walks that lack one are absent."""
    found: dict[str, list[Array]] = {}
    for key in ANGLES:
        for side in SIDES:
            names, values = curve_matrix(walks, curves, key, side)
            for name, value in zip(names, values, strict=True):
                found.setdefault(name, []).append(value)
    return {name: np.array(rows) for name, rows in found.items() if len(rows) == 2 * len(ANGLES)}


def _spread(pairs: list[dict[str, Any]], name: str) -> dict[str, float]:
    values = np.array([row[name] for row in pairs], np.float64)
    mean, sd = _mean_sd(values)
    seeds = sorted({row["seed"] for row in pairs})
    means = [_mean_sd(np.array([row[name] for row in pairs if row["seed"] == seed], np.float64))[0] for seed in seeds]
    return {"mean": mean, "sd_seeds": _mean_sd(np.array(means, np.float64))[1], "sd_walks": sd}
