"""A real walk on plates that are smaller than they were: one force plate cut in two across the walkway."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from exogait.analysis.c3d.plates import PlateSpec
from exogait.analysis.c3d.reader import C3DFile
from exogait.analysis.signals.frame import find_lab_frame
from exogait.analysis.signals.plates import read_plates

HALF_SEAM = 0.06
"""While the centre of pressure is this near to the cut, both parts carry the foot, m."""


def cut_plate(trial: C3DFile, index: int, share: float = 0.5) -> C3DFile:
    """The same measurement with one plate cut in two, as two plates of that size would have measured it.

    Each part carries the foot alone while the centre of pressure is on its own side; near the cut they share the force
    such that their sum is what the whole plate measured, force, point and free moment.

    Args:
        trial: A walk along or against a laboratory axis.
        index: The plate.
        share: Where the cut lies, as a share of the range of the centre of pressure along the walk.
    """
    frame = find_lab_frame(trial)
    plate = next(p for p in read_plates(trial, frame) if p.index == index)
    back = frame.rotation.T
    forward = back[:, 0]
    force, free = plate.force @ back.T, np.nan_to_num(plate.free_moment)[:, None] * back[:, 1]
    cop = np.where(plate.loaded[:, None], plate.cop, plate.centre) @ back.T
    along = cop @ forward
    low, high = np.min(along[plate.loaded]), np.max(along[plate.loaded])
    cut = low + share * (high - low)
    rear = np.clip((cut + HALF_SEAM - along) / (2 * HALF_SEAM), 0.0, 1.0)[:, None]
    aside = cop - along[:, None] * forward
    places = (
        aside + np.minimum(along, cut - HALF_SEAM)[:, None] * forward,
        aside + np.maximum(along, cut + HALF_SEAM)[:, None] * forward,
    )
    old = trial.platforms[index]
    specs, channels, first = [], [trial.analog], trial.analog.shape[1]
    for k, (part, place) in enumerate(zip((rear, 1 - rear), places, strict=True)):
        corners = old.corners.copy()
        beyond = (corners @ forward > cut) if k == 0 else (corners @ forward < cut)
        corners[beyond] += (cut - corners[beyond] @ forward)[:, None] * forward
        axes = _axes(corners)
        moment = np.cross(place - corners.mean(axis=0), part * force) + part * free
        channels.append(np.hstack([(part * force) @ axes, moment @ axes]))
        specs.append(
            PlateSpec(0, 2, corners, np.zeros(3), tuple(range(first + 6 * k, first + 6 * k + 6)), None, None, 1.0)
        )
    kept = [*trial.platforms[:index], *specs, *trial.platforms[index + 1 :]]
    names = tuple(f"cut{i}" for i in range(12))
    return replace(
        trial,
        analog=np.hstack(channels),
        analog_names=(*trial.analog_names, *names),
        analog_units=(*trial.analog_units, *("N",) * 12),
        platforms=tuple(replace(spec, index=i) for i, spec in enumerate(kept)),
    )


def _axes(corners: np.ndarray) -> np.ndarray:
    """Columns x, y, z of a plate in laboratory axes, by the corners' convention."""
    x = corners[0] + corners[3] - corners[1] - corners[2]
    y = corners[0] + corners[1] - corners[2] - corners[3]
    x, z = x / np.linalg.norm(x), np.cross(x, y)
    z = z / np.linalg.norm(z)
    return np.column_stack([x, np.cross(z, x), z])
