"""Which muscle groups of one leg look weak in a walk, from joint moments and powers alone, each with an interval.

A walk does not show strength: it asks for less than a muscle can give. What it shows is how much less one leg gives
than the other. If the weaker leg works at its limit, the sound leg, which does not, could give even more than it
shows, so the asymmetry of capacity is at least that of the moments: the percentages here are a *bound*, not a
measurement. And a leg may give less although it could give more (pain, habit, control), so that even the bound is
only as good as the assumption; a dynamometer decides. Angles never enter: a stiff joint is no weak muscle.

A group counts as weak only where its moment and its power agree: for both, the 95 % interval of weak over sound leg
lies below 100 %, on the same leg; the moment's mean is at most :data:`LARGEST_PERCENT`; and the weak leg's moment is
not above that of healthy people at the nearest speed. Power is moment times joint speed, so the two are related, not
independent; the percentage is that of the moment, and power can only take a finding away.

Nor does it tell *which* group is weak: a body gets by with others. In simulated walks of known weakness (16 s at
1.25 m/s, a generalist after 2.2 million control steps) an even body had no group named, of five; right plantarflexors
at 60 % showed as the right quadriceps (42 %) and left hip flexors (81 %), with plantarflexors at 94 %; right quadriceps
at 40 % as left quadriceps and left hip abductors. Nothing takes an estimate for a fact unless a user asks for it.

Source: Nadeau et al. 1999, Clin Biomech 14:125-135, and Milot et al. 2006, Stroke 37:2070-2075 (moment in gait over
maximal moment, the muscular utilization ratio, near its limit in paretic plantarflexors). Against: in 40 people after
stroke, strength capacity of the paretic plantarflexors did not explain propulsion by itself, central drive did
(PMC8049399). Intervals: expanded percentile bootstrap over strides, Hesterberg 2015, Am Stat 69:371-386.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
import yaml
from numpy.typing import NDArray
from scipy import stats

from exogait.data import GaitTrial
from exogait.data.errors import InputError
from exogait.data.files import write_text_atomic
from exogait.data.names import SIDE_WORDS, other_side
from exogait.data.trial import SIDES, Side

from ..gait.curves import has_curve, mask_unknown, stride_curves
from ..gait.norm_bands import bands_for

Array = NDArray[np.float64]

MIN_STRIDES = 4
"""Strides that each leg needs, with known kinetics, for an interval."""
LARGEST_PERCENT = 90.0
"""Moments of the weaker leg above this share of the sound one's count as the asymmetry of healthy people, %. A
convention of this suite."""
RESAMPLES = 4000
LEVEL = 0.95
FRONTAL_HIP_POWER = "hip_frontal_power"

Verdict = Literal["weak", "no evidence", "too few strides", "not measured"]


@dataclass(frozen=True)
class Quantity:
    """A peak of one curve in each stride, positive where the muscle group works as it should."""

    title: str
    curve: str
    """Key of :data:`exogait.analysis.gait.curves.CURVES`, or :data:`FRONTAL_HIP_POWER`."""
    sign: float
    """+1 for the largest value, -1 for minus the smallest."""
    start: float
    """Begin of the window, % of the gait cycle."""
    stop: float
    """End of the window, % of the gait cycle."""
    unit: str


def _moment(title: str, curve: str, sign: float, start: float, stop: float) -> Quantity:
    return Quantity(f"{title} moment", curve, sign, start, stop, "N·m/kg")


def _power(title: str, curve: str, sign: float, start: float, stop: float) -> Quantity:
    return Quantity(f"{title} power", curve, sign, start, stop, "W/kg")


GROUPS: dict[str, tuple[Quantity, Quantity]] = {
    "plantarflexors": (
        _moment("plantarflexor", "ankle_plantarflexion_moment", 1, 5, 70),
        _power("push-off (A2)", "ankle_power", 1, 30, 75),
    ),
    "quadriceps": (
        _moment("knee extensor", "knee_extension_moment", 1, 3, 40),
        _power("absorbed knee (K1)", "knee_power", -1, 0, 25),
    ),
    "hip_extensors": (
        _moment("hip extensor", "hip_extension_moment", 1, 0, 45),
        _power("generated hip (H1)", "hip_power", 1, 0, 35),
    ),
    "hip_flexors": (
        _moment("hip flexor", "hip_extension_moment", -1, 35, 75),
        _power("pull-off (H3)", "hip_power", 1, 45, 85),
    ),
    "hip_abductors": (
        _moment("hip abductor", "hip_abduction_moment", 1, 0, 60),
        _power("absorbed frontal hip", FRONTAL_HIP_POWER, -1, 0, 25),
    ),
}
"""Muscle group to the moment and the power that speak for it. Names of power bursts: Winter 2009, chapter 6."""


@dataclass(frozen=True)
class GroupEstimate:
    """What one muscle group's kinetics say."""

    group: str
    verdict: Verdict
    side: Side | None
    """Leg with the smaller moment; None where nothing is known."""
    percent: float
    """Peak moment of that leg over the other's, %; an upper bound of its relative strength. NaN if not known."""
    low: float
    """Lower end of the interval, %."""
    high: float
    """Upper end of the interval, %."""
    why: str
    """One sentence."""


@dataclass(frozen=True)
class DeficitEstimate:
    """All groups and the numbers behind them."""

    groups: tuple[GroupEstimate, ...]
    quantities: pd.DataFrame
    """One row a quantity: group, quantity, unit, mean_right, mean_left, n_right, n_left, weaker, percent, low, high,
    norm, norm_sd, z_right, z_left, norm_source."""

    @property
    def weak(self) -> tuple[GroupEstimate, ...]:
        """Groups that count as weak, the weakest first."""
        return tuple(sorted((g for g in self.groups if g.verdict == "weak"), key=lambda g: g.percent))

    @property
    def modelled(self) -> tuple[GroupEstimate, ...]:
        """Those of them on the side of the weakest group: a deficit file has one side."""
        weak = self.weak
        return tuple(g for g in weak if g.side == weak[0].side)

    def table(self) -> pd.DataFrame:
        """One row a group: group, verdict, side, percent, low, high, why."""
        rows = [{**vars(g), "side": "" if g.side is None else SIDE_WORDS[g.side]} for g in self.groups]
        return pd.DataFrame(rows)

    def write_deficit(self, path: str | Path) -> Path:
        """Write the weak groups of one side as a deficit file.

        Raises:
            InputError: No group is weak.
        """
        modelled = self.modelled
        if not modelled or modelled[0].side is None:
            raise InputError("deficit", "none", "an estimate with a weak group; name a deficit otherwise")
        path = Path(path)
        content = {
            "name": path.stem,
            "description": "Estimated from the kinetics of one walk; a bound, not a measured strength.",
            "side": SIDE_WORDS[modelled[0].side],
            "strength": {g.group: round(float(np.clip(g.percent, 1.0, 100.0)), 1) for g in modelled},
            "source": "exogait.analysis.outcomes.deficit",
        }
        return write_text_atomic(path, yaml.safe_dump(content, sort_keys=False))


def estimate_deficit(trials: GaitTrial | Sequence[GaitTrial], *, seed: int = 0) -> DeficitEstimate:
    """Compare the kinetics of both legs, group by group.

    Args:
        trials: Walks of one person with joint moments and powers; their strides are pooled.
        seed: Of the bootstrap.

    Returns:
        Verdicts and numbers; see the module's text for what a verdict means.

    Raises:
        InputError: There is no trial.
    """
    walks = [trials] if isinstance(trials, GaitTrial) else list(trials)
    if not walks:
        raise InputError("trials", 0, "at least one walk")
    rng = np.random.default_rng(seed)
    groups, rows = [], []
    for group, quantities in GROUPS.items():
        found = [_compare(walks, quantity, rng) for quantity in quantities]
        rows += [{"group": group, **row} for row in found]
        groups.append(_judge(group, *found))
    return DeficitEstimate(tuple(groups), pd.DataFrame(rows))


def ratio_interval(weak: Array, sound: Array, rng: np.random.Generator) -> tuple[float, float, float]:
    """Ratio of two means with its 95 % interval over strides.

    Strides are drawn anew within each leg; the percentiles are widened for few strides (Hesterberg 2015, section 4.2).
    Strides that follow each other are not wholly independent, which no resampling of strides sees.

    Args:
        weak: Values of one leg, shape (n,).
        sound: Values of the other, shape (m,), of positive mean.
        rng: Draws.

    Returns:
        Ratio, lower and upper end, %.
    """
    means = [x[rng.integers(0, len(x), (RESAMPLES, len(x)))].mean(axis=1) for x in (weak, sound)]
    ratios = 100.0 * means[0] / np.maximum(means[1], 1e-9)
    n = min(len(weak), len(sound))
    tail = stats.norm.cdf(np.sqrt(n / (n - 1)) * stats.t.ppf((1 - LEVEL) / 2, n - 1))
    low, high = np.quantile(ratios, [tail, 1 - tail])
    return float(100.0 * weak.mean() / sound.mean()), float(low), float(high)


def stride_values(trial: GaitTrial, quantity: Quantity, side: Side) -> Array:
    """The peak in every stride of one leg whose window is wholly known, shape (n_strides,)."""
    if quantity.curve == FRONTAL_HIP_POWER:
        column = f"hip_adduction_{side}"
        if trial.joint_powers is None or column not in trial.joint_powers.columns:
            return np.zeros(0)
        series = pd.Series(trial.joint_powers[column] / trial.subject_mass, dtype=np.float64)
        values, _ = stride_curves(trial, mask_unknown(trial, series, side), side)
    elif has_curve(trial, quantity.curve, side):
        values, _ = stride_curves(trial, quantity.curve, side)
    else:
        return np.zeros(0)
    if not len(values):
        return np.zeros(0)
    percent = np.linspace(0.0, 100.0, values.shape[1])
    peak = (quantity.sign * values[:, (percent >= quantity.start) & (percent <= quantity.stop)]).max(axis=1)
    return np.asarray(peak[np.isfinite(peak)], np.float64)


def _compare(walks: Sequence[GaitTrial], quantity: Quantity, rng: np.random.Generator) -> dict[str, Any]:
    """One quantity of both legs: means, ratio with interval, norm."""
    values = {side: np.concatenate([stride_values(walk, quantity, side) for walk in walks]) for side in SIDES}
    mean: dict[Side, float] = {
        side: float(values[side].mean()) if len(values[side]) else float("nan") for side in SIDES
    }
    row: dict[str, Any] = {
        "quantity": quantity.title, "unit": quantity.unit, "mean_right": mean["r"], "mean_left": mean["l"],
        "n_right": len(values["r"]), "n_left": len(values["l"]),
        "weaker": "", "percent": np.nan, "low": np.nan, "high": np.nan,
        **_norm(walks[0], quantity, mean),
    }  # fmt: skip
    if np.isfinite(list(mean.values())).all() and max(mean.values()) > 0:
        weak: Side = "r" if mean["r"] <= mean["l"] else "l"
        sound = other_side(weak)
        row["weaker"] = weak
        row["percent"] = 100.0 * mean[weak] / mean[sound]
        # A leg that does not always push the right way has no ratio to speak of.
        if min(len(values["r"]), len(values["l"])) >= MIN_STRIDES and values[sound].min() > 0:
            row["percent"], row["low"], row["high"] = ratio_interval(values[weak], values[sound], rng)
    return row


def _norm(walk: GaitTrial, quantity: Quantity, mean: Mapping[Side, float]) -> dict[str, Any]:
    """Healthy people at the nearest speed: peak of their mean curve and SD between people there."""
    nothing = {"norm": np.nan, "norm_sd": np.nan, "z_right": np.nan, "z_left": np.nan, "norm_source": ""}
    if quantity.curve == FRONTAL_HIP_POWER:
        return nothing
    band = bands_for(walk, keys=(quantity.curve,)).get(quantity.curve)
    if band is None:
        return nothing
    percent = np.linspace(0.0, 100.0, len(band.mean)) if band.percent is None else np.asarray(band.percent)
    inside = (percent >= quantity.start) & (percent <= quantity.stop) & np.isfinite(band.mean)
    curve, sd = quantity.sign * np.asarray(band.mean)[inside], np.asarray(band.sd)[inside]
    at = int(np.argmax(curve))
    z = {side: (mean[side] - curve[at]) / sd[at] for side in SIDES}
    return {
        "norm": float(curve[at]), "norm_sd": float(sd[at]), "z_right": float(z["r"]), "z_left": float(z["l"]),
        "norm_source": band.label,
    }  # fmt: skip


def _judge(group: str, moment: dict[str, Any], power: dict[str, Any]) -> GroupEstimate:
    """The verdict on one group."""
    side: Side | None = moment["weaker"] or None
    percent, low, high = (float(moment[name]) for name in ("percent", "low", "high"))

    def give(verdict: Verdict, why: str) -> GroupEstimate:
        return GroupEstimate(group, verdict, side, percent, low, high, why)

    if side is None or not power["weaker"]:
        return give("not measured", "moment or power is not known on both legs")
    if not np.isfinite([low, high, power["low"], power["high"]]).all():
        fewest = min(moment["n_right"], moment["n_left"], power["n_right"], power["n_left"])
        if fewest < MIN_STRIDES:
            return give("too few strides", f"{fewest} with known kinetics; {MIN_STRIDES} are needed on each leg")
        return give("no evidence", "the sound leg does not act in this direction in every stride")
    if high >= 100.0:
        return give("no evidence", "the interval of the moment includes no asymmetry")
    if power["weaker"] != side or power["high"] >= 100.0:
        return give("no evidence", "the moment is smaller, but the power does not agree")
    if percent > LARGEST_PERCENT:
        return give("no evidence", f"an asymmetry of less than {100 - LARGEST_PERCENT:g} % is common in healthy people")
    if np.isfinite(moment["norm"]) and moment[f"mean_{SIDE_WORDS[side]}"] > moment["norm"]:
        return give("no evidence", "the smaller moment is not below that of healthy people: the other leg gives more")
    return give("weak", "moment and power agree")
