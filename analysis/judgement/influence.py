"""What one marker has a say in: how far each angle and each joint centre moves when it is put elsewhere.

Inverse kinematics minimises weighted squares of marker errors. Near its solution a marker that is moved by d moves the
coordinates by (J'WJ)^-1 J'W d, with J the Jacobian of the markers' places and W their weights. So a marker that is off
spoils what it moves, and not all that hangs on its segment: in a rich set one of many, in a lean one much.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from exogait.data.names import SIDES

from ..opensim_tools.common import body_names, load_model
from .case import Case

ANGLE = np.radians(3.0)
"""Change of an angle that spoils it, rad: what the best laboratories repeat an angle to (McGinley et al. 2009,
doi 10.1016/j.gaitpost.2008.09.003: 2 to 5 degrees)."""
CENTRE = 0.01
"""Change of a joint centre's place that spoils its moment, m: body weight times it is 0.1 N m/kg."""
_POSES = (0.3, 0.5, 0.7)
"""Where in the walk, as shares of its frames."""
_STEP = 1e-4
_CENTRES = {"femur": "hip_*", "tibia": "knee_*", "talus": "ankle_*"}
"""Body whose frame lies in a joint's centre to that joint's coordinates."""
_LEAST = 1e-6
"""Share of the mean diagonal that keeps the normal equations solvable where no marker tells a coordinate."""


@dataclass(frozen=True)
class Influence:
    """Linear answer of the pose to displaced markers, in some poses of the walk."""

    frames: tuple[int, ...]
    """Frames of these poses, within the angles' table."""
    coordinates: tuple[str, ...]
    """Names of what moves."""
    centres: tuple[str, ...]
    """Patterns of the coordinates of each joint centre."""
    angles: Mapping[str, NDArray[np.float64]]
    """Label of the map to rad (or m) for each metre of displacement, shape (n_poses, n_coordinates, 3)."""
    places: Mapping[str, NDArray[np.float64]]
    """Label of the map to metres of each centre for each metre, shape (n_poses, n_centres, 3, 3)."""

    def spoils(self, label: str, displacement: float | NDArray[np.float64]) -> tuple[str, ...]:
        """Patterns of what a marker spoils that is off.

        Args:
            label: Label of the map.
            displacement: Measured less expected place in each of the poses, shape (n_poses, 3), m, ground; or its
                length, m, and the worst direction counts.
        """
        if label not in self.angles:
            return ()
        angles, places = self.angles[label], self.places[label]
        if isinstance(displacement, float):
            turned = np.linalg.norm(angles, axis=2) * displacement
            moved = np.linalg.norm(places, ord=2, axis=(2, 3)) * displacement
        else:
            turned = np.abs(np.einsum("pcx,px->pc", angles, displacement))
            moved = np.linalg.norm(np.einsum("pcyx,px->pcy", places, displacement), axis=2)
        return (
            *(f"coordinates/{self.coordinates[k]}" for k in np.flatnonzero(turned.max(axis=0) > ANGLE)),
            *(f"generalized_forces/{self.centres[k]}" for k in np.flatnonzero(moved.max(axis=0) > CENTRE)),
        )


def influence(case: Case) -> Influence:
    """Influence of every marker that inverse kinematics followed."""
    table = case.kinematics.coordinates
    markers = case.identity.marker_map.markers
    labels = [str(c) for c in case.kinematics.marker_errors if str(c) in markers and markers[str(c)].weight > 0]
    moving = [str(c) for c in table if np.nanstd(table[c].to_numpy(np.float64)) > 0]
    weights = np.repeat([markers[label].weight for label in labels], 3)
    places = _Places(case, labels)
    frames = tuple(int(share * (len(table) - 1)) for share in _POSES)
    answers, shifts = [], []
    for frame in frames:
        points, centres = places.jacobians(
            {str(name): float(value) for name, value in table.iloc[frame].items()}, moving
        )
        normal = points.T @ (weights[:, None] * points)
        normal += _LEAST * np.trace(normal) / len(normal) * np.eye(len(normal))
        answer = np.linalg.solve(normal, points.T * weights)
        answers.append(answer.reshape(len(moving), len(labels), 3))
        shifts.append((centres @ answer).reshape(-1, 3, len(labels), 3))
    return Influence(
        frames, tuple(moving), tuple(places.centres.values()),
        {label: np.array([answer[:, k] for answer in answers]) for k, label in enumerate(labels)},
        {label: np.array([shift[:, :, k] for shift in shifts]) for k, label in enumerate(labels)},
    )  # fmt: skip


class _Places:
    """Places of markers and joint centres on the scaled model in any pose."""

    def __init__(self, case: Case, labels: list[str]) -> None:
        self._model = load_model(case.scale.model)
        self._state = self._model.initSystem()
        self._coordinates = self._model.getCoordinateSet()
        known = self._model.getMarkerSet()
        self._markers = [known.get(label) for label in labels]
        bodies = body_names(self._model)
        self.centres = {
            f"{body}_{side}": f"{joint}{side}"
            for body, joint in _CENTRES.items()
            for side in SIDES
            if f"{body}_{side}" in bodies
        }
        self._bodies = [self._model.getBodySet().get(name) for name in self.centres]

    def jacobians(
        self, pose: Mapping[str, float], moving: list[str]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Derivatives of all places by the moving coordinates, shapes (3 n_markers, n), (3 n_centres, n)."""
        start = self._at(pose)
        changed = [(self._at({**pose, name: pose[name] + _STEP}) - start) / _STEP for name in moving]
        whole = np.array(changed).reshape(len(moving), -1).T
        return whole[: 3 * len(self._markers)], whole[3 * len(self._markers) :]

    def _at(self, pose: Mapping[str, float]) -> NDArray[np.float64]:
        for name, value in pose.items():
            self._coordinates.get(name).setValue(self._state, value, False)
        self._model.realizePosition(self._state)
        points = [marker.getLocationInGround(self._state) for marker in self._markers]
        points += [body.getPositionInGround(self._state) for body in self._bodies]
        return np.array([[point.get(axis) for axis in range(3)] for point in points])
