"""Gait profile score and movement analysis profile: how far the angles of a walk lie from those of normal gait.

Source: Baker et al. 2009, Gait Posture 30:265, doi 10.1016/j.gaitpost.2009.05.020.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from exogait.data import GaitTrial
from exogait.data.names import SIDES, Side
from exogait.data.norms import SCHREIBER, NormCurve, read_norms

from ..gait.curves import mean_curve
from ..gait.cycle import N_POINTS, find_strides
from ..gait.metrics import MAX_MISSING
from .found import Found

Curve = NDArray[np.float64]

PELVIS = ("pelvis_tilt", "pelvis_obliquity", "pelvis_rotation")
PROFILE = (
    "pelvis_tilt", "hip_flexion", "knee_flexion", "ankle_dorsiflexion", "pelvis_obliquity", "hip_adduction",
    "pelvis_rotation", "hip_rotation", "foot_progression",
)  # fmt: skip
"""The nine angles of the movement analysis profile, keys of :data:`exogait.analysis.gait.curves.CURVES`."""
CONDITION = "preferred"
"""Walks of the suite's own norm that are the reference, at every speed: to walk slowly is no excuse for a score."""
STEP = 2
"""The paper compares curves at every second percent of the cycle."""


def gait_variable_score(curve: Curve, reference: Curve) -> float:
    """Root mean square difference of one angle from the reference over the gait cycle, in the angle's unit.

    Args:
        curve: Mean curve of one leg at 0 to 100 % of the cycle, shape (101,).
        reference: Mean curve of the reference people, shape (101,).

    Returns:
        The score over every second percent; NaN where more than :data:`MAX_MISSING` of them are not known.

    Source: Baker et al. 2009, gait variable score.

    Example:
        >>> gait_variable_score(np.full(101, 13.0), np.full(101, 10.0))
        3.0
    """
    difference = (np.asarray(curve, np.float64) - np.asarray(reference, np.float64))[::STEP]
    known = difference[np.isfinite(difference)]
    if len(known) < (1.0 - MAX_MISSING) * len(difference):
        return float("nan")
    return float(np.sqrt(np.mean(known**2)))


def gait_profile_score(scores: Iterable[float]) -> float:
    """Root mean square of gait variable scores; NaN where one of them is.

    Source: Baker et al. 2009, gait profile score.

    Example:
        >>> gait_profile_score([3.0, 3.0, 3.0])
        3.0
    """
    values = np.array(list(scores), np.float64)
    return float(np.sqrt(np.mean(values**2))) if len(values) else float("nan")


def reference_curves(norms: Iterable[NormCurve] | None = None) -> dict[str, Curve]:
    """Mean curves of the reference people by angle, shape (101,) each, degrees; an angle without a norm is absent.

    Args:
        norms: Curves to look in; those at hand if not given.
    """
    return {
        norm.key: norm.resampled().mean
        for norm in (read_norms() if norms is None else norms)
        if norm.source == SCHREIBER and norm.condition == CONDITION and norm.key in PROFILE
    }


def movement_analysis_profile(
    trial: GaitTrial, reference: Mapping[str, Curve] | None = None
) -> dict[tuple[str, Side], float]:
    """Gait variable score of every angle and leg, degrees; NaN where the walk or the reference lacks the angle.

    Args:
        trial: Measured or simulated, with events.
        reference: Angle to mean curve; :func:`reference_curves` if not given.
    """
    reference = reference_curves() if reference is None else reference
    return {(key, side): _score(trial, key, side, reference) for key in PROFILE for side in SIDES}


def overall_scores(profile: Mapping[tuple[str, Side], float]) -> dict[Side | None, float]:
    """Gait profile score of each leg and, as ``None``, of both, degrees.

    A leg's score is made of all nine angles, that of both legs of fifteen: the pelvis is one body and counts once, from
    the left.
    """
    legs: dict[Side | None, float] = {side: gait_profile_score(profile[key, side] for key in PROFILE) for side in SIDES}
    once: list[tuple[str, Side]] = [
        (key, side) for key in PROFILE for side in SIDES if key not in PELVIS or side == "l"
    ]
    return legs | {None: gait_profile_score(profile[pair] for pair in once)}


def variable_found(trial: GaitTrial, key: str) -> Found:
    """The gait variable score of one angle; both: root mean square of the legs."""
    reference = reference_curves()
    right, left = (_score(trial, key, side, reference) for side in SIDES)
    return _found(trial, right, left, gait_profile_score((right, left)))


def profile_found(trial: GaitTrial) -> Found:
    """The gait profile score."""
    scores = overall_scores(movement_analysis_profile(trial))
    return _found(trial, scores["r"], scores["l"], scores[None])


def _score(trial: GaitTrial, key: str, side: Side, reference: Mapping[str, Curve]) -> float:
    return gait_variable_score(mean_curve(trial, key, side), reference.get(key, np.full(N_POINTS, np.nan)))


def _found(trial: GaitTrial, right: float, left: float, both: float) -> Found:
    n_right, n_left = (len(find_strides(trial.events, side)) for side in SIDES)
    return Found(right=right, left=left, both=both, n_right=n_right, n_left=n_left)
