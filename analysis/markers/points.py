"""Points of the body that are computed from markers: midpoints, hip centres, the medial side of a knee."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from exogait.data.names import side_of

from .hip import hip_centre

KNEE_HALF_WIDTH = 0.05 / 0.404
"""Half the width of the knee over the length of the thigh, as the markers sit on the unscaled model."""

RULES = ("midpoint", "harrington", "thigh_wand", "knee_axis")
"""What a virtual marker can be computed by."""


@dataclass(frozen=True)
class VirtualMarker:
    """A point computed from markers."""

    label: str
    rule: str
    """One of :data:`RULES`."""
    sources: tuple[str, ...]
    body: str
    location: tuple[float, float, float]
    """Place on the unscaled model, m."""
    static_weight: float = 0.0
    """Weight in the static pose; 0 for a point that only measures lengths."""
    unless: str = ""
    """Marker in whose place the point stands: where that is seen, the point is left out."""


def place_point(point: VirtualMarker, sources: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Where a virtual marker lies.

    Args:
        point: The virtual marker.
        sources: Paths of its sources, shape (n_frames, 3) each, m.

    Returns:
        Shape (n_frames, 3), m.
    """
    if point.rule == "midpoint":
        return np.mean(sources, axis=0)
    if point.rule == "harrington":
        psis = np.mean(sources[2:], axis=0)
        return hip_centre(sources[0], sources[1], psis, right=side_of(point.body) == "r")
    return medial_knee(*sources, in_plane=point.rule == "thigh_wand")


def medial_knee(
    hip: NDArray[np.float64], knee: NDArray[np.float64], beside: NDArray[np.float64], *, in_plane: bool
) -> NDArray[np.float64]:
    """The medial end of the knee's axis from its lateral marker and a point that tells its direction.

    The Conventional Gait Model reads that direction from a wand on the thigh, which lies in the plane of hip centre,
    knee centre and axis, or from a knee alignment device, whose lateral marker lies on the axis.

    Args:
        hip: Hip joint centre, shape (n_frames, 3), m.
        knee: Lateral knee marker, m.
        beside: Thigh wand (``in_plane``), or lateral marker of the alignment device, m.
        in_plane: Whether ``beside`` is a wand: then the axis is perpendicular to the line from the hip centre to the
            knee centre, which is half a width (:data:`KNEE_HALF_WIDTH`) inside the marker.

    Returns:
        Shape (n_frames, 3), m.

    Source: Davis et al. 1991, Hum Mov Sci 10:575-587 (thigh wand); Kadaba et al. 1990, doi 10.1002/jor.1100080310.
    """
    thigh = hip - knee
    length = np.linalg.norm(thigh, axis=-1, keepdims=True)
    half = KNEE_HALF_WIDTH * length
    outward = beside - knee
    if not in_plane:
        outward = outward / np.linalg.norm(outward, axis=-1, keepdims=True)
        return knee - 2.0 * half * outward
    up = thigh / length
    outward = outward - np.sum(outward * up, axis=-1, keepdims=True) * up
    outward = outward / np.linalg.norm(outward, axis=-1, keepdims=True)
    # A right angle at the knee centre over the chord from hip to marker: the marker lies half a width off the centre.
    cosine = KNEE_HALF_WIDTH
    return knee + 2.0 * half * (cosine * up - np.sqrt(1.0 - cosine**2) * outward)
