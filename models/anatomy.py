"""How much muscle a person has, and of which fibres: from anatomy, not from the strength of the model's muscles.

Strength over a specific tension of 0.25 MPa, as OpenSim's metabolic probes have it, gives the generic body of 75 kg
27.6 kg of muscle, most of it in the legs. Magnetic resonance imaging finds 8.1 kg a leg. Volumes here are those that
body mass and height foretell, muscle by muscle; nothing was chosen by what walking then costs.

Source: Handsfield et al. 2014, doi 10.1016/j.jbiomech.2013.12.002 (24 healthy people; leg volume on mass times height,
each muscle on leg volume); fibre shares Uchida et al. 2016, doi 10.1371/journal.pone.0150378, 0.5 where they have none.
The rows are ``tables/muscle_volumes.csv``.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from exogait.data.errors import UnknownNameError

from .tables import load_tables

Array = NDArray[np.float64]

VOLUME_SLOPE, VOLUME_INTERCEPT = 47.0, 1285.0
"""Muscle volume of one leg, cm3 = slope * mass (kg) * height (m) + intercept. Source: Handsfield et al. 2014."""
SMALLEST_REGRESSED = 4000.0
"""Leg volume below which muscles keep their shares, cm3: the lines of thin muscles would soon cross zero."""
CM3 = 1e-6
"""m3."""


def leg_muscle_volume(body_mass: float, height: float) -> float:
    """Volume of all muscles of one leg, m3.

    Args:
        body_mass: kg, without a device.
        height: m.

    Example:
        >>> round(leg_muscle_volume(75.0, 1.80) * 1e6)
        7630
    """
    return (VOLUME_SLOPE * body_mass * height + VOLUME_INTERCEPT) * CM3


@dataclass(frozen=True)
class _Shares:
    """What a model's muscles are in a body: ``volume = leg volume * (slope + intercept / leg volume in cm3)``."""

    slope: dict[str, float]
    intercept: dict[str, float]
    slow: dict[str, float]
    tension: float
    """Strength times fibre length over volume, all leg muscles of the generic body together, Pa."""


@functools.cache
def _shares() -> _Shares:
    tables = load_tables()
    size = {
        row["muscle"]: float(row["max_isometric_force_N"]) * float(row["optimal_fiber_length_m"])
        for row in tables["muscles"]
    }
    rows = [(row["muscle"], row) for row in tables["muscle_volumes"]]
    slope: dict[str, float] = {}
    intercept: dict[str, float] = {}
    legs = [(muscle, row) for muscle, row in rows if row["volume_slope"]]
    for muscle, row in legs:
        # A muscle in several parts (gluteus maximus 1 to 3) is divided as strength times fibre length is.
        parts = [size[other] for other, its in legs if its["part_of"] == row["part_of"]]
        share = 2.0 * size[muscle] / sum(parts)  # parts of both sides
        slope[muscle] = share * float(row["volume_slope"])
        intercept[muscle] = share * float(row["volume_intercept_cm3"])
    leg = leg_muscle_volume(tables.constants["generic_mass"], tables.constants["generic_height"])
    volume = sum(slope[m] * leg + intercept[m] * CM3 for m in slope)
    tension = sum(size[m] for m in slope) / volume
    for muscle, row in rows:
        if not row["volume_slope"]:
            # No regression knows the trunk: its muscles are to the legs' as strength times fibre length says.
            slope[muscle], intercept[muscle] = size[muscle] / tension / leg, 0.0
    return _Shares(slope, intercept, {m: float(row["slow_twitch_ratio"]) for m, row in rows}, tension)


def muscle_volume(
    names: Sequence[str],
    *,
    body_mass: float,
    height: float,
    max_isometric_force: ArrayLike | None = None,
    optimal_fiber_length: ArrayLike | None = None,
) -> Array:
    """Volumes of muscles in a body of some mass and height.

    Args:
        names: Muscles, in order.
        body_mass: kg, without a device.
        height: m.
        max_isometric_force: N, shape (n_muscles,); with the fibre length it sizes muscles that are not the suite's.
        optimal_fiber_length: m, shape (n_muscles,).

    Returns:
        m3, shape (n_muscles,).

    Raises:
        UnknownNameError: A muscle is not the suite's, and its strength or fibre length was not given.

    Example:
        >>> float(muscle_volume(["soleus_r"], body_mass=75.0, height=1.80)[0].round(6))
        0.000465
    """
    shares, leg = _shares(), leg_muscle_volume(body_mass, height)
    regressed = max(leg, SMALLEST_REGRESSED * CM3)
    known = np.array([name in shares.slope for name in names], bool)
    volume = np.array([
        leg * (shares.slope[name] + shares.intercept[name] * CM3 / regressed) if name in shares.slope else 0.0
        for name in names
    ])  # fmt: skip
    if not known.all():
        if max_isometric_force is None or optimal_fiber_length is None:
            stranger = names[int(np.flatnonzero(~known)[0])]
            raise UnknownNameError("muscle", stranger, shares.slope, "muscle_volumes.csv")
        size = np.asarray(max_isometric_force, np.float64) * np.asarray(optimal_fiber_length, np.float64)
        volume[~known] = size[~known] / shares.tension
    return volume


def slow_twitch_ratio(names: Sequence[str]) -> Array:
    """Share of slow fibres in muscles, a half where none is known, shape (n_muscles,).

    Example:
        >>> slow_twitch_ratio(["soleus_l", "rect_fem_r", "masseter"]).tolist()
        [0.803, 0.3865, 0.5]
    """
    slow = _shares().slow
    return np.array([slow.get(name, 0.5) for name in names], np.float64)
