"""The rotation from a laboratory's axes to OpenSim's: X forward, Y up, Z to the right.

The vertical comes from the body (pelvis above feet) and the plates' normals, the forward direction from the way the
pelvis travels, or from left and right where the subject stands or walks on a treadmill. The axes of a laboratory lie
along its walkway, so the result is snapped to them; the numbers then are a permutation of the file's, exact to the bit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from exogait.data.errors import FileFormatError, InputError, UnitsError
from exogait.data.show import Card, Shown

from ..c3d.plates import PlateSpec
from ..c3d.reader import C3DFile
from ..markers.roles import find_roles, pelvis_markers

MIN_TRAVEL = 0.4
"""Net pelvis displacement from which a trial counts as walking through the laboratory, m."""
_AXES = {f"{sign}{axis}": np.eye(3)["xyz".index(axis)] * (1 if sign == "+" else -1) for axis in "xyz" for sign in "+-"}
BODY_SIZE = (0.25, 2.6)
"""Plausible height of the marker cloud of a person, feet only to raised arms, m."""


@dataclass(frozen=True)
class LabFrame(Shown):
    """Rotation from laboratory to OpenSim axes, and how it was found."""

    rotation: NDArray[np.float64]
    """Rows are OpenSim's X, Y, Z in laboratory axes, shape (3, 3): ``p_opensim = rotation @ p_lab``."""
    forward: str
    """Laboratory axis that points forward, for example ``"-x"``."""
    up: str
    """Laboratory axis that points up, for example ``"+z"``."""
    how_up: str
    """Where the vertical came from."""
    how_forward: str
    """Where the forward direction came from."""
    heading_error_deg: float
    """Angle between the measured walking direction and the snapped axis, degrees; NaN where nobody walked."""
    notes: tuple[str, ...] = ()
    """Doubts, one sentence each."""

    def rotate(self, vectors: NDArray[np.float64]) -> NDArray[np.float64]:
        """Turn laboratory vectors into OpenSim's axes.

        Args:
            vectors: Shape (..., 3).

        Returns:
            Same shape.
        """
        return vectors @ self.rotation.T

    def describe(self) -> str:
        """The frame in one printable line."""
        x, y, z = (_axis_name(row) for row in self.rotation)
        angle = (
            "" if np.isnan(self.heading_error_deg) else f", heading {self.heading_error_deg:.1f} degrees off the axis"
        )
        return (
            f"OpenSim X (forward) = lab {x}, Y (up) = lab {y}, Z (right) = lab {z}; "
            f"up from {self.how_up}; forward from {self.how_forward}{angle}"
        )

    def card(self) -> Card:
        """Which axis points where, how it was found, and doubts."""
        doubts = (("doubt", note) for note in self.notes)
        return Card("LabFrame", (("axes", self.describe()), *doubts))


def find_lab_frame(
    trial: C3DFile,
    *,
    forward: str | None = None,
    up: str | None = None,
    roles: Mapping[str, Sequence[str]] | None = None,
) -> LabFrame:
    """Find the rotation from laboratory to OpenSim axes.

    Args:
        trial: The measurement.
        forward: Laboratory axis that points forward (``"+x"``, ``"-y"``, ...), if known.
        up: Laboratory axis that points up, if known.
        roles: Marker roles (:func:`exogait.analysis.markers.roles.find_roles`); found from the labels if not given.

    Returns:
        The frame.

    Raises:
        InputError: ``forward`` or ``up`` is no axis, or both are the same.
        UnitsError: The marker cloud is not the size of a person, so the stated unit must be wrong.
        FileFormatError: The data do not tell a direction that was not given.
    """
    roles = find_roles(trial.marker_names) if roles is None else roles
    for name, given in (("up", up), ("forward", forward)):
        if given is not None and given not in _AXES:
            raise InputError(name, given, f"give one of {', '.join(_AXES)}")
    up_axis, how_up = (_AXES[up], "the user") if up else _find_up(trial, roles)
    _check_size(trial, up_axis)
    heading, how_forward = (_AXES[forward], "the user") if forward else _find_forward(trial, roles, up_axis)
    travel = _travel(trial, roles, up_axis)
    flat = heading - np.dot(heading, up_axis) * up_axis
    if np.linalg.norm(flat) < 1e-9:
        raise InputError("forward", forward, f"it is parallel to up, {_axis_name(up_axis)}; give a horizontal axis")
    forward_axis = _nearest_axis(flat)
    error = np.nan
    if travel is not None:
        cosine = np.dot(travel, forward_axis) / np.linalg.norm(travel)
        error = float(np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0))))
    rotation = np.array([forward_axis, up_axis, np.cross(forward_axis, up_axis)]) + 0.0
    notes = _doubts(trial, roles, rotation, error)
    return LabFrame(rotation, _axis_name(forward_axis), _axis_name(up_axis), how_up, how_forward, error, notes)


def plate_normal(spec: PlateSpec) -> NDArray[np.float64]:
    """Unit normal of a plate, its own z axis (usually downwards).

    Args:
        spec: The plate.

    Returns:
        Unit vector in laboratory axes, shape (3,); zeros where the corners span no area.
    """
    x = spec.corners[0] + spec.corners[3] - spec.corners[1] - spec.corners[2]
    y = spec.corners[0] + spec.corners[1] - spec.corners[2] - spec.corners[3]
    normal = np.cross(x, y)
    length = np.linalg.norm(normal)
    return normal / length if length > 0 else np.zeros(3)


def _axis_name(vector: NDArray[np.float64]) -> str:
    return max(_AXES, key=lambda name: float(np.dot(_AXES[name], vector)))


def _nearest_axis(vector: NDArray[np.float64]) -> NDArray[np.float64]:
    return _AXES[_axis_name(vector)]


def _mean_of(trial: C3DFile, names: Sequence[str]) -> NDArray[np.float64]:
    """Mean path of some markers, shape (n_frames, 3); NaN where none of them is seen."""
    where = [trial.marker_names.index(name) for name in names]
    paths = trial.positions[:, where]
    seen = np.all(np.isfinite(paths), axis=2)
    total = np.where(seen[..., None], paths, 0.0).sum(axis=1)
    count = seen.sum(axis=1)[:, None]
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _find_up(trial: C3DFile, roles: Mapping[str, Sequence[str]]) -> tuple[NDArray[np.float64], str]:
    high = pelvis_markers(roles) or [m for s in "rl" for m in roles.get(f"knee_{s}", ())[:1]]
    low = [m for role in ("heel", "toe", "ankle") for s in "rl" for m in roles.get(f"{role}_{s}", ())[:1]]
    normals = [plate_normal(spec) for spec in trial.platforms]
    if high and low:
        rise = _mean_of(trial, high) - _mean_of(trial, low)
        rise = rise[np.all(np.isfinite(rise), axis=1)]
        if len(rise):
            return _nearest_axis(np.median(rise, axis=0)), "the pelvis (or knees) above the feet"
    seen = trial.positions[np.isfinite(trial.positions).all(axis=2)]
    normal = np.mean(normals, axis=0) if normals else np.zeros(3)
    if np.linalg.norm(normal) > 0.5:
        # Everything that is marked lies above the floor; without markers the plate's z axis points down by convention.
        side = -1.0
        if len(seen):
            side = float(
                np.sign(np.dot(np.median(seen, axis=0) - trial.platforms[0].corners.mean(axis=0), normal)) or -1
            )
        return _nearest_axis(normal * side), "the normal of the force plates"
    if len(seen):
        frames = trial.positions[np.isfinite(trial.positions).any(axis=(1, 2))]
        spread = np.median(np.nanmax(frames, axis=1) - np.nanmin(frames, axis=1), axis=0)
        axis = int(np.argmax(spread))
        sign = 1.0 if np.median(seen[:, axis]) >= 0 else -1.0
        return np.eye(3)[axis] * sign, "the longest side of the marker cloud, floor at zero"
    raise FileFormatError(
        trial.path, "holds neither markers nor plates that tell which way is up", 'give up="+z" (or other)'
    )


def _travel(
    trial: C3DFile, roles: Mapping[str, Sequence[str]], up_axis: NDArray[np.float64]
) -> NDArray[np.float64] | None:
    """Horizontal displacement of the pelvis over the trial, or None where it stays within ``MIN_TRAVEL``."""
    names = pelvis_markers(roles)
    candidates = [[name] for name in names] if names else [[name] for name in trial.marker_names]
    moves, lengths = [], []
    for group in candidates:
        path = _mean_of(trial, group)
        seen = np.flatnonzero(np.isfinite(path).all(axis=1))
        if len(seen) > 1:
            moves.append(path[seen[-1]] - path[seen[0]])
            lengths.append(len(seen))
    if not moves:
        return None
    # A marker that is seen longest tells the direction best; the median of the rest guards against ghosts.
    longest = np.array(lengths) >= 0.8 * max(lengths)
    move = np.median(np.array(moves)[longest], axis=0)
    move = move - np.dot(move, up_axis) * up_axis
    return move if np.linalg.norm(move) > MIN_TRAVEL else None


def _to_the_right(
    trial: C3DFile, roles: Mapping[str, Sequence[str]], up_axis: NDArray[np.float64]
) -> NDArray[np.float64] | None:
    """Mean horizontal vector from left to right, from the pelvis first, else from the legs."""
    for group in (("asis", "psis"), ("knee", "ankle", "heel", "toe")):
        total = np.zeros(3)
        for role in group:
            if f"{role}_r" in roles and f"{role}_l" in roles:
                across = _mean_of(trial, roles[f"{role}_r"][:1]) - _mean_of(trial, roles[f"{role}_l"][:1])
                across = across[np.isfinite(across).all(axis=1)]
                if len(across):
                    total += across.mean(axis=0)
        total -= np.dot(total, up_axis) * up_axis
        if np.linalg.norm(total) > 0.05:
            return total
    return None


def _facing(
    trial: C3DFile, roles: Mapping[str, Sequence[str]], up_axis: NDArray[np.float64]
) -> NDArray[np.float64] | None:
    """Unit vector the pelvis (else the legs) faces, by left and right."""
    right = _to_the_right(trial, roles, up_axis)
    if right is None:
        return None
    facing = np.cross(up_axis, right)
    return facing / np.linalg.norm(facing)


def _toes_ahead(
    trial: C3DFile, roles: Mapping[str, Sequence[str]], up_axis: NDArray[np.float64]
) -> NDArray[np.float64] | None:
    """Unit vector from heels to toes, the mean of both feet; no label of a side is needed for it."""
    total = np.zeros(3)
    for side in "rl":
        back = roles.get(f"heel_{side}") or roles.get(f"ankle_{side}")
        if back and roles.get(f"toe_{side}"):
            ahead = _mean_of(trial, roles[f"toe_{side}"][:1]) - _mean_of(trial, back[:1])
            ahead = ahead[np.isfinite(ahead).all(axis=1)]
            if len(ahead):
                total += ahead.mean(axis=0)
    total -= np.dot(total, up_axis) * up_axis
    length = float(np.linalg.norm(total))
    return total / length if length > 0.05 else None


def _find_forward(
    trial: C3DFile, roles: Mapping[str, Sequence[str]], up_axis: NDArray[np.float64]
) -> tuple[NDArray[np.float64], str]:
    travel = _travel(trial, roles, up_axis)
    if travel is not None:
        length = f"{np.linalg.norm(travel):.2f} m of pelvis travel"
        facing, feet = _facing(trial, roles, up_axis), _toes_ahead(trial, roles, up_axis)
        against = -0.5 * float(np.linalg.norm(travel))
        backwards = [body is not None and float(body @ travel) < against for body in (facing, feet)]
        if all(backwards):
            return -travel, f"the body: pelvis and feet face against the pelvis' travel ({length})"
        return travel, f"the walking direction ({length})"
    right = _to_the_right(trial, roles, up_axis)
    if right is not None:
        return np.cross(up_axis, right), "left and right markers (nobody walked)"
    raise FileFormatError(
        trial.path, "nobody walks and no left and right markers are known", 'give forward="+x" (or other)'
    )


def _check_size(trial: C3DFile, up_axis: NDArray[np.float64]) -> None:
    height = trial.positions @ up_axis
    seen = np.isfinite(height)
    if not seen.any():
        return
    low, high = np.percentile(height[seen], [1, 99])
    size = float(high - low)
    if trial.positions.shape[1] > 3 and not BODY_SIZE[0] * 0.1 < size < BODY_SIZE[1] * 4:
        raise UnitsError(
            f"{trial.path}: the markers span {size:.3g} m in height when read in {trial.units!r}; "
            "that is no person, so the unit is wrong: state it with units="
        )


def _doubts(
    trial: C3DFile, roles: Mapping[str, Sequence[str]], rotation: NDArray[np.float64], error: float
) -> tuple[str, ...]:
    notes = []
    right = _to_the_right(trial, roles, rotation[1])
    if right is not None:
        right = right / np.linalg.norm(right)
        if np.dot(right, rotation[2]) < -0.5:
            notes.append(
                "the right markers lie on the left of the forward direction: the subject walks backwards, the sides "
                "are swapped, or the laboratory's axes are left-handed"
            )
        elif abs(np.dot(right, rotation[2])) < 0.5 and not np.isnan(error):
            notes.append("the pelvis is turned more than 60 degrees from the walking direction (a turn?)")
    if not np.isnan(error) and error > 20:
        notes.append(f"the walking direction is {error:.0f} degrees off the nearest laboratory axis")
    for spec in trial.platforms:
        tilt = abs(float(np.dot(plate_normal(spec), rotation[1])))
        if tilt < 0.98:
            notes.append(
                f"force plate {spec.index + 1} is not horizontal (normal {np.degrees(np.arccos(tilt)):.0f} degrees)"
            )
    return tuple(notes)
