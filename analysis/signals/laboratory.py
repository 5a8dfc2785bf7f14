"""Angles and moments that the laboratory's own software stored in the file, in OpenSim's names, signs and units.

Plug-in Gait and its kin store them as points: ``LHipAngles``, ``RAnkleMoment``, ... with components flexion, adduction,
internal rotation (degrees) and the internal extensor, abductor moments. They are not used for anything: they stand
beside ours.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from exogait.data.names import SIDES, Side

from ..c3d.reader import C3DFile

_PEAK = (0.3, 4.0)
"""Largest ankle moment of any walk over body mass, N m/kg: what the stored numbers must be in the unit they have."""


@dataclass(frozen=True)
class _Stored:
    output: str
    axis: int
    kind: Literal["coordinates", "generalized_forces"]
    column: str
    """``{side}`` stands for r or l; a column of both sides comes from the right one."""
    sign: float


_TABLE = (
    _Stored("PelvisAngles", 0, "coordinates", "pelvis_tilt", -1.0),
    _Stored("PelvisAngles", 1, "coordinates", "pelvis_list", -1.0),
    _Stored("HipAngles", 0, "coordinates", "hip_flexion_{side}", 1.0),
    _Stored("HipAngles", 1, "coordinates", "hip_adduction_{side}", 1.0),
    _Stored("HipAngles", 2, "coordinates", "hip_rotation_{side}", 1.0),
    _Stored("KneeAngles", 0, "coordinates", "knee_angle_{side}", -1.0),
    _Stored("AnkleAngles", 0, "coordinates", "ankle_angle_{side}", 1.0),
    _Stored("HipMoment", 0, "generalized_forces", "hip_flexion_{side}", -1.0),
    _Stored("HipMoment", 1, "generalized_forces", "hip_adduction_{side}", -1.0),
    _Stored("KneeMoment", 0, "generalized_forces", "knee_angle_{side}", 1.0),
    _Stored("AnkleMoment", 0, "generalized_forces", "ankle_angle_{side}", -1.0),
)


def stated_results(recording: C3DFile, mass: float) -> pd.DataFrame | None:
    """The laboratory's own angles and moments.

    The file's unit of moments is not to be trusted (N mm/kg is often called N mm): the one in which the ankle's largest
    moment is a walking person's counts; where none or several do, moments are left out.

    Args:
        recording: The walk.
        mass: Body mass, kg.

    Returns:
        Index ``time`` (s, from the file's first frame), columns ``table/column`` as our own tables name them, rad and
        N m; ``None`` where the file has none.
    """
    unit = _moment_unit(recording, mass)
    columns: dict[str, NDArray[np.float64]] = {}
    for row in _TABLE:
        factor = np.pi / 180.0 if row.kind == "coordinates" else unit
        for side in SIDES if "{side}" in row.column else ("r",):
            values = _component(recording, side, row.output, row.axis)
            if values is not None and factor is not None and np.isfinite(values).any():
                columns[f"{row.kind}/{row.column.format(side=side)}"] = row.sign * factor * values
    if not columns:
        return None
    return pd.DataFrame(columns, index=pd.Index(recording.time, name="time"))


def _moment_unit(recording: C3DFile, mass: float) -> float | None:
    """One stored unit in N m, by the size of the ankle's moment; ``None`` where it does not tell."""
    found = [_component(recording, side, "AnkleMoment", 0) for side in SIDES]
    peaks = [float(np.nanmax(values)) for values in found if values is not None and np.isfinite(values).any()]
    if not peaks:
        return None
    fitting = [u for u in (1e-3 * mass, 1e-3, 1.0, mass) if _PEAK[0] <= max(peaks) * u / mass <= _PEAK[1]]
    return fitting[0] if len(fitting) == 1 else None


def _component(recording: C3DFile, side: Side, output: str, axis: int) -> NDArray[np.float64] | None:
    """One component of an output, shape (n_frames,), as stored; the plain name goes before one with an ending."""
    wanted = f"{side.upper()}{output}"
    bare = [name.rsplit(":", 1)[-1] for name in recording.output_names]
    hits = [i for i, name in enumerate(bare) if name == wanted] or [
        i for i, name in enumerate(bare) if name.startswith(wanted)
    ]
    return recording.outputs[:, hits[0], axis] if hits else None
