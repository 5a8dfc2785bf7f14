"""The gait profile score written out from the paper, in loops, to be held against the suite's.

Baker et al. 2009, doi 10.1016/j.gaitpost.2009.05.020: the gait variable score is the RMS difference over T = 51
instants of the cycle; the gait profile score is the RMS of nine scores a side, and of fifteen for both sides, where the
pelvis counts once.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

PELVIS = ("pelvis_tilt", "pelvis_obliquity", "pelvis_rotation")
PAIRED = ("hip_flexion", "hip_adduction", "hip_rotation", "knee_flexion", "ankle_dorsiflexion", "foot_progression")


def independent_gps(curves: Mapping[tuple[str, str], np.ndarray], reference: Mapping[str, np.ndarray]) -> list[float]:
    """Score of the right side, the left side and both, degrees.

    Args:
        curves: Angle and side to its mean curve, shape (101,), degrees; instants that are not known (NaN) are left out.
        reference: Angle to the reference's mean curve, shape (101,), degrees.
    """

    def variable(key: str, side: str) -> float:
        squares = []
        for t in range(0, 101, 2):
            difference = float(curves[key, side][t]) - float(reference[key][t])
            if not math.isnan(difference):
                squares.append(difference * difference)
        return math.sqrt(sum(squares) / len(squares))

    found = []
    for side in ("r", "l"):
        found.append(math.sqrt(sum(variable(key, side) ** 2 for key in (*PELVIS, *PAIRED)) / 9))
    squares = [variable(key, side) ** 2 for key in PAIRED for side in ("r", "l")]
    squares += [variable(key, "l") ** 2 for key in PELVIS]
    return [*found, math.sqrt(sum(squares) / 15)]
