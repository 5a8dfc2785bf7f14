"""Walking speed beside that of healthy people of the same age and sex.

Source: Bohannon & Andrews 2011, Physiotherapy 97:182, doi 10.1016/j.physio.2010.12.004, which pools the means of
studies: it gives no SD between people.
"""

from __future__ import annotations

import math

from exogait.data import GaitTrial
from exogait.data.norms import read_scalars

from ..gait.metrics import walking_speed
from .found import Found

SEXES = {"male": "men", "female": "women"}
"""Sex of a person and what the norm calls the group."""


def speed_norm(age: float | None, sex: str | None = None) -> float:
    """Mean self-selected speed of healthy adults, m/s; NaN below 20 or above 99 years, or where the age is not known.

    Args:
        age: Years.
        sex: ``male`` or ``female``; without it the mean of both norms.

    Example:
        >>> speed_norm(45, "male"), speed_norm(12)
        (1.434, nan)
    """
    if age is None:
        return math.nan
    groups = [SEXES[sex]] if sex in SEXES else list(SEXES.values())
    found = []
    for row in read_scalars().to_dict("records"):
        group, _, years = str(row["population"]).partition(" ")
        if row["quantity"] != "walking_speed" or group not in groups:
            continue
        low, high = (float(year) for year in years.split("-"))
        if low <= age < high + 1:
            found.append(float(row["value"]))
    return sum(found) / len(found) if found else math.nan


def norm_found(trial: GaitTrial) -> Found:
    """The norm of the person's age and sex, m/s."""
    return Found(both=speed_norm(trial.about.age, trial.about.sex))


def share_found(trial: GaitTrial) -> Found:
    """Walking speed in % of the norm."""
    return Found(both=100.0 * walking_speed(trial) / speed_norm(trial.about.age, trial.about.sex))
