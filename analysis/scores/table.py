"""Every score of a walk: one row here, with its definition and where it comes from.

A score is a function of a :class:`~exogait.data.GaitTrial`, measured or simulated. What the judgement withheld is blank
in the trial, and so is every score that needs it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import pandas as pd

from exogait.data import GaitTrial

from ..gait.curves import find_curve
from . import balance, profile, speed, variability
from .found import Found

BAKER = "Baker et al. 2009, doi 10.1016/j.gaitpost.2009.05.020"
HOF = "Hof et al. 2005, doi 10.1016/j.jbiomech.2004.03.025"
ORENDURFF = "Orendurff et al. 2004, doi 10.1682/JRRD.2003.10.0150"
HAUSDORFF = "Hausdorff 2005, doi 10.1186/1743-0003-2-19"
BOHANNON = "Bohannon & Andrews 2011, doi 10.1016/j.physio.2010.12.004"
OWN = "the suite's own definition"

_REFERENCE = "14 healthy adults at their preferred speed (schreiber2019, the suite's own model, CC BY 4.0)"
_BASE = "base of support: outline of the soles of the feet that stand, by the model"


@dataclass(frozen=True)
class Score:
    """One score: what it is called, what it is, how it is found."""

    name: str
    """Name in metrics.csv."""
    group: str
    """Heading in the report."""
    title: str
    """Name in the report."""
    unit: str
    definition: str
    """What is computed, in a sentence."""
    source: str
    """Who defined it."""
    find: Callable[[GaitTrial], Found]
    """The value of a walk."""


def _variable(key: str) -> Score:
    curve = find_curve(key)
    pelvis = "; pelvis against the laboratory" if key in profile.PELVIS else ""
    return Score(
        f"gvs_{key}", "Movement analysis profile", f"{curve.title}, variable score", "°",
        f"RMS difference of the leg's mean curve from the reference over the gait cycle{pelvis}; both: RMS of the legs",
        BAKER, partial(profile.variable_found, key=key),
    )  # fmt: skip


def _margin(name: str, title: str, which: str, definition: str) -> Score:
    return Score(name, "Balance", title, "m", definition, HOF, partial(balance.margin_found, which=which))


def _spread(quantity: str, kind: variability.Spread, unit: str) -> Score:
    title = quantity.replace("_", " ").capitalize()
    what = "SD" if kind == "sd" else "SD over mean"
    return Score(
        f"{quantity}_{kind}", "Variability", f"{title}, {kind.upper()}", unit,
        f"{what} of the steps that land on one foot (n - 1), heels of the model; both: SD within feet, pooled",
        HAUSDORFF, partial(variability.variability_found, quantity=quantity, kind=kind),
    )  # fmt: skip


SCORES: tuple[Score, ...] = (
    Score(
        "gps", "Movement analysis profile", "Gait profile score", "°",
        f"RMS of nine variable scores a leg, fifteen for both (pelvis once, from the left); reference: {_REFERENCE}",
        BAKER, profile.profile_found,
    ),
    *(_variable(key) for key in profile.PROFILE),
    Score(
        "foot_progression_support", "Foot", "Foot progression in single support", "°",
        "Mean angle of the foot's long axis (heel bone's x axis, seen from above) from the direction of progression, "
        "toes in positive", OWN, balance.progression_found,
    ),
    Score(
        "com_vertical", "Balance", "Centre of mass, vertical range", "m",
        "Range of the whole-body centre of mass (masses of the scaled model's bodies) over a stride", ORENDURFF,
        partial(balance.excursion_found, column="center_of_mass_y"),
    ),
    Score(
        "com_lateral", "Balance", "Centre of mass, lateral range", "m",
        "Range across the direction of progression over a stride", ORENDURFF,
        partial(balance.excursion_found, column="center_of_mass_across"),
    ),
    _margin(
        "xcom_lead", "Extrapolated centre of mass, lead at foot strike", "lead",
        "Velocity over sqrt(g / l), ahead of the centre of mass; l: ankle of the landing foot to the centre of mass",
    ),
    _margin(
        "mos_along_strike", "Margin of stability fore-aft, at foot strike", "along",
        f"Foremost point minus extrapolated centre of mass, positive behind it; {_BASE}",
    ),
    _margin(
        "mos_along_least", "Margin of stability fore-aft, least over stance", "along_least",
        f"Smallest from foot strike to toe off; {_BASE}",
    ),
    _margin(
        "mos_across_strike", "Margin of stability sideways, at foot strike", "across",
        f"Outermost point of the leg's foot minus extrapolated centre of mass, positive inside it; {_BASE}",
    ),
    _margin(
        "mos_across_least", "Margin of stability sideways, least over stance", "across_least",
        f"Smallest from foot strike to toe off; {_BASE}",
    ),
    *(
        _spread(quantity, kind, {"sd": unit, "cv": "%"}[kind])
        for quantity, unit in (("step_length", "m"), ("step_width", "m"), ("step_time", "s"))
        for kind in ("sd", "cv")
    ),
    Score(
        "speed_norm", "Speed", "Self-selected speed of that age and sex", "m/s",
        "Pooled mean of healthy adults, men or women; of both where the sex is not known; blank without an age of 20 "
        "to 99 years", BOHANNON, speed.norm_found,
    ),
    Score(
        "speed_of_norm", "Speed", "Walking speed, of that norm", "%",
        "Says nothing where the speed was not the person's own choice (treadmill, simulation)", BOHANNON,
        speed.share_found,
    ),
)  # fmt: skip
"""All of them, in the order of the report."""


def compute_scores(trial: GaitTrial) -> pd.DataFrame:
    """All scores of a walk.

    Args:
        trial: Measured or simulated, with events; with ``extra["body_motion"]`` for all that needs the centre of mass
            or the feet.

    Returns:
        One row a score: score, group, title, unit, right, left, both (of the walk as a whole), n_right, n_left
        (strides, stances or steps behind it), definition, source; NaN where it is not known.
    """
    rows = []
    for score in SCORES:
        found = score.find(trial)
        rows.append(
            {
                "score": score.name, "group": score.group, "title": score.title, "unit": score.unit,
                "right": found.right, "left": found.left, "both": found.both, "n_right": found.n_right,
                "n_left": found.n_left, "definition": score.definition, "source": score.source,
            }
        )  # fmt: skip
    return pd.DataFrame(rows)
