"""What walking costs: metabolic rate of the whole body, each leg, each muscle and each heat term, from any trial.

The equations are in :mod:`exogait.models.energetics`. Here they meet a :class:`~exogait.data.trial.GaitTrial` with
muscle states, from static optimization or from a simulation alike, and become the numbers of a laboratory: W/kg over
a stride, J/kg/m over a distance. All rates are gross: basal rate included. Net rates, where given, are gross minus
basal, and say so. Every walk is counted in all of :data:`exogait.models.energetics.ACCOUNTINGS`; the headline is
Umberger 2010 with muscle masses from anatomy, without credit for eccentric work where a saving is claimed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from exogait.data.errors import InputError, UnknownNameError
from exogait.data.names import SIDES, Side, side_of
from exogait.data.trial import GaitTrial
from exogait.models.anatomy import muscle_volume, slow_twitch_ratio
from exogait.models.energetics import (
    ACCOUNTINGS,
    HEADLINE,
    MUSCLE_DENSITY,
    PROBE_SLOW_TWITCH,
    BhargavaOptions,
    MuscleParameters,
    UmbergerOptions,
    basal_rate,
    muscle_mass,
)
from exogait.models.tables import load_tables

Array = NDArray[np.float64]
Leg = Literal["r", "l", "trunk"]
LEG_NAMES: Mapping[Leg, str] = {"r": "right_leg", "l": "left_leg", "trunk": "trunk"}
ANATOMICAL_MASS, SLOW_TWITCH_RATIO = "anatomical_mass", "slow_twitch_ratio"
"""Columns of the muscle parameters: mass (kg) and share of slow fibers by anatomy."""


@dataclass(frozen=True, kw_only=True)
class MetabolicsResult:
    """Metabolic rates over time."""

    model: str
    """Name of the accounting: of :data:`exogait.models.energetics.ACCOUNTINGS`, or of your own."""
    body_mass: float
    """kg."""
    basal: float
    """W."""
    rates: pd.DataFrame
    """Rate of each muscle, heat and work, W; index time."""
    terms: Mapping[str, pd.DataFrame]
    """Term (activation, maintenance, shortening, minimum_heat, work) to a table with one column a muscle, W."""

    @property
    def whole_body(self) -> pd.Series:
        """Rate of all muscles and of the body at rest, W."""
        return (self.rates.sum(axis=1, skipna=False) + self.basal).rename("whole_body")

    def muscles_of(self, side: Leg) -> list[str]:
        """Muscles of one leg (``r``, ``l``), or those of neither (``trunk``).

        Trunk muscles carry a side in their names too (``ercspn_r``); they belong to the trunk.
        """
        trunk = [name for name in self.rates.columns if str(name).startswith(TRUNK_MUSCLES)]
        if side == "trunk":
            return trunk
        return [name for name in self.rates.columns if side_of(str(name)) == side and name not in trunk]


TRUNK_MUSCLES = ("ercspn", "intobl", "extobl")
"""Erector spinae and obliques, the trunk muscles of Gait2392."""


def with_anatomy(table: pd.DataFrame, *, body_mass: float, height: float | None = None) -> pd.DataFrame:
    """Muscle parameters with what anatomy says of a person's muscles (:mod:`exogait.models.anatomy`).

    Args:
        table: Index muscle; columns max_isometric_force (N) and optimal_fiber_length (m).
        body_mass: kg, without a device.
        height: m; that of the generic body where nobody knows it.

    Returns:
        The table with the columns ``anatomical_mass`` (kg) and ``slow_twitch_ratio``; itself where it has a mass.
    """
    if ANATOMICAL_MASS in table.columns:
        return table
    names = [str(muscle) for muscle in table.index]
    volume = muscle_volume(
        names,
        body_mass=body_mass,
        height=load_tables().constants["generic_height"] if height is None else height,
        max_isometric_force=table["max_isometric_force"].to_numpy(np.float64),
        optimal_fiber_length=table["optimal_fiber_length"].to_numpy(np.float64),
    )
    return table.assign(**{ANATOMICAL_MASS: MUSCLE_DENSITY * volume, SLOW_TWITCH_RATIO: slow_twitch_ratio(names)})


def muscle_parameters(trial: GaitTrial, muscles: Sequence[str], *, anatomical: bool = True) -> MuscleParameters:
    """Parameters of muscles from a trial.

    Args:
        trial: A trial whose ``muscle_parameters`` hold max_isometric_force (N), optimal_fiber_length (m) and
            max_contraction_velocity (1/s). Masses by anatomy (``anatomical_mass``, kg, with ``slow_twitch_ratio``) are
            taken from there too, else they follow from the person's mass and height; those by strength from ``mass``,
            else from strength and fiber length.
        muscles: Names, in order.
        anatomical: Masses and fiber shares by anatomy; else as OpenSim's probe takes them: by strength, one half.

    Raises:
        InputError: The trial holds no muscle parameters.
        UnknownNameError: A muscle or column is missing.
    """
    table = trial.muscle_parameters
    if table is None:
        raise InputError(f"{trial.name}: muscle_parameters", None, "a trial with muscle parameters")
    needed = ("max_isometric_force", "optimal_fiber_length", "max_contraction_velocity")
    for column in needed:
        if column not in table.columns:
            raise UnknownNameError("muscle parameter", column, map(str, table.columns), trial.name)
    for muscle in muscles:
        if muscle not in table.index:
            raise UnknownNameError("muscle", muscle, map(str, table.index), f"{trial.name}: muscle_parameters")
    rows = table.loc[list(muscles)]
    force, length, speed = (rows[column].to_numpy(np.float64) for column in needed)
    if anatomical:
        rows = with_anatomy(rows, body_mass=trial.subject_mass, height=trial.about.height)
        mass, slow = (rows[column].to_numpy(np.float64) for column in (ANATOMICAL_MASS, SLOW_TWITCH_RATIO))
    else:
        mass = rows["mass"].to_numpy(np.float64) if "mass" in rows else muscle_mass(force, length)
        slow = np.full(len(rows), PROBE_SLOW_TWITCH)
    return MuscleParameters(
        names=tuple(muscles),
        mass=mass,
        max_isometric_force=force,
        optimal_fiber_length=length,
        max_contraction_velocity=speed,
        slow_twitch_ratio=slow,
    )


def compute_metabolics(
    trial: GaitTrial,
    *,
    model: str = HEADLINE,
    options: UmbergerOptions | BhargavaOptions | None = None,
    basal_coefficient: float = 1.2,
    basal_exponent: float = 1.0,
) -> MetabolicsResult:
    """Metabolic rates over time from a trial's muscle states.

    Args:
        trial: A trial with the muscle tables activation, normalized_fiber_length, fiber_velocity, active_fiber_force,
            active_force_length_multiplier, for Bhargava 2004 also passive_fiber_force, and with muscle parameters and
            subject_mass. Without an excitation table (static optimization gives none) excitation is taken as
            activation.
        model: An accounting: ``umberger2010`` and ``bhargava2004`` with masses from anatomy,
            ``umberger2010_opensim`` as OpenSim's probe; each also with ``_uncredited`` at its end, which does not
            credit eccentric work.
        options: Options of its equations, instead of the accounting's own.
        basal_coefficient: W/kg at exponent 1 (see :func:`exogait.models.energetics.basal_rate`).
        basal_exponent: Of body mass.

    Raises:
        UnknownNameError: No such model, or a table is missing.
    """
    if model not in ACCOUNTINGS:
        raise UnknownNameError("metabolic model", model, ACCOUNTINGS)
    accounting = ACCOUNTINGS[model]
    tables = dict(trial.muscles)
    needed = [
        "activation",
        "normalized_fiber_length",
        "fiber_velocity",
        "active_fiber_force",
        "active_force_length_multiplier",
    ]
    needed += ["passive_fiber_force"] if accounting.passive else []
    for quantity in needed:
        if quantity not in tables:
            raise UnknownNameError("muscle table", quantity, tables, trial.name)
    first = tables["activation"]
    muscles = [str(column) for column in first.columns]
    parameters = muscle_parameters(trial, muscles, anatomical=accounting.anatomical)
    tables.setdefault("excitation", first)
    states = {}
    for quantity in ("excitation", *needed):
        table = tables[quantity]
        if len(table) != len(first) or not np.allclose(table.index, first.index, rtol=0, atol=1e-9):
            raise InputError(
                f"{trial.name}: muscles/{quantity}", "other times than activation", "one clock; see resample"
            )
        states[quantity] = table[muscles].to_numpy(np.float64)
    if options is not None and not isinstance(options, type(accounting.options)):
        raise InputError("options", type(options).__name__, f"a {type(accounting.options).__name__} for this model")
    rates = accounting.rates(parameters=parameters, options=options or accounting.options, **states)
    frames = {
        name: pd.DataFrame(values, index=first.index, columns=first.columns) for name, values in rates.terms().items()
    }
    mass = trial.subject_mass
    return MetabolicsResult(
        model=model,
        body_mass=mass,
        basal=float(basal_rate(mass, coefficient=basal_coefficient, exponent=basal_exponent)),
        rates=pd.DataFrame(rates.total, index=first.index, columns=first.columns),
        terms=frames,
    )


@dataclass(frozen=True, kw_only=True)
class StrideCost:
    """Mean metabolic rate over strides; all gross values include the basal rate."""

    gross_w: float
    """Whole body, W."""
    gross_w_per_kg: float
    """Whole body, W/kg."""
    net_w_per_kg: float
    """Gross minus basal, W/kg."""
    gross_cost_j_per_kg_m: float
    """Gross rate over speed: cost of transport, J/kg/m; NaN without a speed."""
    net_cost_j_per_kg_m: float
    """Net rate over speed, J/kg/m; NaN without a speed."""
    basal_w_per_kg: float
    """W/kg."""
    legs_w_per_kg: Mapping[str, float]
    """Muscles of leg ``r``, leg ``l`` and ``trunk``, W/kg of body mass, without basal rate."""
    terms_w_per_kg: Mapping[str, float]
    """All muscles by term, W/kg of body mass."""
    muscles_w_per_kg: pd.Series
    """Each muscle, W/kg of body mass."""
    speed: float
    """m/s."""
    n_strides: int
    """Strides that were averaged."""

    def to_rows(self) -> list[tuple[str, float, str]]:
        """Scalars as (name, value, unit)."""
        rows = [
            ("metabolic_rate_gross", self.gross_w_per_kg, "W/kg"),
            ("metabolic_rate_net", self.net_w_per_kg, "W/kg"),
            ("cost_of_transport_gross", self.gross_cost_j_per_kg_m, "J/kg/m"),
            ("cost_of_transport_net", self.net_cost_j_per_kg_m, "J/kg/m"),
            ("basal_rate", self.basal_w_per_kg, "W/kg"),
        ]
        rows += [(f"metabolic_rate_{leg}", value, "W/kg") for leg, value in self.legs_w_per_kg.items()]
        rows += [(f"metabolic_rate_{term}", value, "W/kg") for term, value in self.terms_w_per_kg.items()]
        return rows


def mean_over(series: pd.Series, start: float, end: float) -> float:
    """Time average between two instants by the trapezoid rule, the ends interpolated.

    Args:
        series: Values over the index time, s.
        start: s.
        end: s.

    Raises:
        InputError: The interval lies outside the series.

    Example:
        >>> mean_over(pd.Series([0.0, 1.0, 2.0], index=[0.0, 1.0, 2.0]), 0.5, 1.5)
        1.0
    """
    rows, weights = _mean_weights(series.index.to_numpy(np.float64), start, end)
    return float(weights @ series.to_numpy(np.float64)[rows])


def _mean_weights(time: Array, start: float, end: float) -> tuple[slice, Array]:
    """Samples that a time average needs and their weights, which sum to one: see :func:`mean_over`."""
    slack = 1e-6
    if not (time[0] - slack <= start < end <= time[-1] + slack):
        raise InputError("stride", f"{start:.3f} to {end:.3f} s", f"inside {time[0]:.3f} to {time[-1]:.3f} s")
    first = max(int(np.searchsorted(time, start, side="right")) - 1, 0)
    last = min(int(np.searchsorted(time, end, side="left")), len(time) - 1)
    rows = slice(first, last + 1)
    clock = time[rows]
    grid = np.concatenate([[start], clock[(clock > start) & (clock < end)], [end]])
    half = 0.5 * np.diff(grid) / (end - start)
    share = np.concatenate([half, [0.0]]) + np.concatenate([[0.0], half])
    # A grid point between two samples is their interpolation; before the first or after the last it is that sample.
    place = np.clip(np.interp(grid, clock, np.arange(len(clock))), 0, len(clock) - 1)
    low = np.minimum(place.astype(np.int64), max(len(clock) - 2, 0))
    weights = np.zeros(len(clock))
    np.add.at(weights, low, share * (1.0 - (place - low)))
    if len(clock) > 1:
        np.add.at(weights, low + 1, share * (place - low))
    used = np.flatnonzero(weights)
    return slice(first + int(used[0]), first + int(used[-1]) + 1), weights[used[0] : used[-1] + 1]


def stride_cost(
    result: MetabolicsResult,
    strides: Sequence[tuple[Side, float, float]],
    *,
    speed: float | None = None,
) -> StrideCost:
    """Mean cost over strides.

    Each leg's muscles are averaged over that leg's strides where there are any, else over the other leg's; the
    trunk's over all strides. That is exact for steady walking and lets one stride a leg be enough.

    Args:
        result: Rates over time.
        strides: Side, start and end (s) of each stride: heel strike to the next heel strike of that side.
        speed: Walking speed, m/s.

    Raises:
        InputError: No stride is given, or one lies outside the rates.
    """
    if not strides:
        raise InputError("strides", "none", "at least one stride (side, start, end)")
    by_side = {side: [(a, b) for s, a, b in strides if s == side] for side in SIDES}
    everything = [(a, b) for _, a, b in strides]

    groups: tuple[Leg, ...] = ("r", "l", "trunk")

    time = result.rates.index.to_numpy(np.float64)
    spans = {group: [_mean_weights(time, a, b) for a, b in by_side.get(group) or everything] for group in groups}

    def average(table: pd.DataFrame) -> pd.Series:
        """Mean rate of each muscle, W."""
        means: dict[str, float] = {}
        for group in groups:
            names = result.muscles_of(group)
            values = table[names].to_numpy(np.float64)
            found = np.mean([weights @ values[rows] for rows, weights in spans[group]], axis=0)
            means |= dict(zip(names, map(float, found), strict=True))
        return pd.Series(means, dtype=np.float64)

    muscles = average(result.rates) / result.body_mass
    net = float(np.sum(muscles.to_numpy()))
    basal = result.basal / result.body_mass
    walking = float("nan") if speed is None or not speed > 0 else float(speed)
    return StrideCost(
        gross_w=(net + basal) * result.body_mass,
        gross_w_per_kg=net + basal,
        net_w_per_kg=net,
        gross_cost_j_per_kg_m=(net + basal) / walking,
        net_cost_j_per_kg_m=net / walking,
        basal_w_per_kg=basal,
        legs_w_per_kg={
            LEG_NAMES[group]: float(np.sum([muscles[name] for name in result.muscles_of(group)])) for group in groups
        },
        terms_w_per_kg={
            name: float(np.sum(average(table).to_numpy())) / result.body_mass for name, table in result.terms.items()
        },
        muscles_w_per_kg=muscles,
        speed=walking,
        n_strides=len(strides),
    )
