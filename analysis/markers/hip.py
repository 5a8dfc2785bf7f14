"""The hip joint centre from markers on the pelvis."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# Harrington et al. 2007 (doi 10.1016/j.jbiomech.2006.02.003): hip centre from pelvic depth and width, offsets in m.
_HARRINGTON = {"x": (-0.24, -0.0099), "y": (-0.30, -0.0109), "z": (0.33, 0.0073)}


def hip_centre(
    asis_right: NDArray[np.float64], asis_left: NDArray[np.float64], psis_middle: NDArray[np.float64], *, right: bool
) -> NDArray[np.float64]:
    """Hip joint centre from the pelvic markers by linear regression on pelvic width and depth.

    Args:
        asis_right: Right anterior superior iliac spine, shape (n_frames, 3), m.
        asis_left: The left one.
        psis_middle: Middle of the posterior superior iliac spines, or the sacral marker.
        right: Which side.

    Returns:
        Shape (n_frames, 3), m.

    Source: Harrington et al. 2007, J Biomech 40:595-602, doi 10.1016/j.jbiomech.2006.02.003, equations without leg
    length.
    """
    origin = 0.5 * (asis_right + asis_left)
    across = asis_right - asis_left
    width = np.linalg.norm(across, axis=-1, keepdims=True)
    back = psis_middle - origin
    depth = np.linalg.norm(back, axis=-1, keepdims=True)
    z = across / width
    forward = -back - np.sum(-back * z, axis=-1, keepdims=True) * z
    x = forward / np.linalg.norm(forward, axis=-1, keepdims=True)
    y = np.cross(z, x)
    along = {axis: slope * (depth if axis == "x" else width) + offset for axis, (slope, offset) in _HARRINGTON.items()}
    return origin + along["x"] * x + along["y"] * y + (1.0 if right else -1.0) * along["z"] * z
