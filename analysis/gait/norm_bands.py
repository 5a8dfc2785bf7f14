"""Bands of normal for a trial: one reference a curve, at the speed nearest to the trial's and for people like it."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from exogait.data import GaitTrial
from exogait.data.norms import NormCurve, Population, norms_for

from .curves import CURVES
from .metrics import walking_speed

CHILD_HEIGHT = 1.45
"""Below this height a person counts as a child where the trial does not say (``about.population``), m."""

FAR = 0.15
"""A norm measured at a speed that differs by more than this is marked in its label, m/s."""


def bands_for(
    trial: GaitTrial, *, keys: Iterable[str] = tuple(CURVES), without: tuple[str, ...] = ()
) -> dict[str, NormBand]:
    """References for the curves of a trial.

    Args:
        trial: Its speed, height and population choose the references.
        keys: Curves.
        without: Sources to leave out, for example the data set that the trial belongs to.

    Returns:
        Curve to band; curves without a reference are absent.
    """
    return bands_at(
        walking_speed(trial), height=trial.about.height, population=population_of(trial), keys=keys, without=without
    )  # fmt: skip


def bands_at(
    speed: float,
    *,
    height: float | None = None,
    population: Population = "adults",
    keys: Iterable[str] = tuple(CURVES),
    without: tuple[str, ...] = (),
) -> dict[str, NormBand]:
    """References for curves at a speed.

    Args:
        speed: Walking speed, m/s; NaN where it is not known.
        height: Body height, m.
        population: Adults or children.
        keys: Curves.
        without: Sources to leave out.

    Returns:
        Curve to band; curves without a reference are absent.
    """
    known = None if math.isnan(speed) else speed
    bands: dict[str, NormBand] = {}
    for key in keys:
        found = norms_for(key, speed=known, height=height, population=population, without=without)
        if found:
            bands[key] = to_band(found[0], speed)
    return bands


def population_of(trial: GaitTrial) -> Population:
    """Whom the trial is compared with: what it says itself, else children below :data:`CHILD_HEIGHT`."""
    about = trial.about
    if about.population in ("adults", "children"):
        return "children" if about.population == "children" else "adults"
    return "children" if about.height is not None and about.height < CHILD_HEIGHT else "adults"


def to_band(curve: NormCurve, speed: float = math.nan) -> NormBand:
    """A reference curve as a band, its label with a remark where it was measured at another speed."""
    far = math.isfinite(curve.speed) and math.isfinite(speed) and abs(curve.speed - speed) > FAR
    label = curve.label + (f", this walk {speed:.2f} m/s" if far else "")
    return NormBand(mean=curve.mean, sd=curve.sd, percent=curve.percent, label=label)


@dataclass(frozen=True)
class NormBand:
    """Mean and standard deviation of a reference group over the cycle, in the units and signs of a report."""

    mean: NDArray[np.float64]
    """Shape (n_points,)."""
    sd: NDArray[np.float64]
    """Shape (n_points,)."""
    percent: NDArray[np.float64]
    """Percent of the gait cycle of each point, shape (n_points,)."""
    label: str = "normal"
    """Source, population and speed in a few words."""
