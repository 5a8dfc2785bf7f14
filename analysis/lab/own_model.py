"""A model that is the person's already, and motion that is solved already: nothing to scale, nothing to solve.

Who brings a scaled model (of OpenCap, AddBiomechanics, or an earlier run) brings a marker set with it: the model's own
markers say which label sits where. Who brings coordinates as well has no need of markers; a few points of the model
then take their place, so that events and the feet on the plates are found as ever.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from exogait.data.errors import FileFormatError
from exogait.data.names import COORDINATES_ENDING
from exogait.data.storage import clock_step, read_sto, to_radians
from exogait.data.trial import select_columns
from exogait.models.opensim_api import import_opensim

from ..c3d.reader import C3DFile
from ..markers.map import MapMarker, MarkerMap
from ..opensim_tools.common import body_names, coordinate_names, load_model, place_file, rotational_coordinates
from ..opensim_tools.dynamics import write_motion
from ..opensim_tools.kinematics import KinematicsResult
from ..opensim_tools.scale import ScaleResult

MOTION_ENDINGS = (".mot", ".sto")
"""Files that hold coordinates and no markers."""

_LANDMARKS = {
    "asis": ("pelvis", 0.02, 0.02, 0.13), "psis": ("pelvis", -0.15, 0.03, 0.05), "knee": ("femur", 0.0, -0.40, 0.05),
    "ankle": ("tibia", 0.0, -0.40, 0.05), "heel": ("calcn", -0.01, 0.02, 0.0), "toe": ("calcn", 0.18, 0.0, 0.0),
    "met5": ("calcn", 0.14, 0.0, 0.05),
}  # fmt: skip
"""Points that stand for markers where there is motion alone: body (right), x, y, z, m, z outwards."""


def map_of_model(path: str | Path) -> MarkerMap:
    """A scaled model's own markers as a marker set; every marker counts alike.

    Raises:
        FileFormatError: The model has no markers.
    """
    model = load_model(path)
    found: dict[str, MapMarker] = {}
    markers = model.getMarkerSet()
    for index in range(markers.getSize()):
        marker = markers.get(index)
        body = marker.getParentFrame().findBaseFrame().getName()
        place = marker.get_location()
        label = marker.getName()
        found[label] = MapMarker(label, body, (place.get(0), place.get(1), place.get(2)), 0.0, 1.0)
    if not found:
        raise FileFormatError(path, "has no markers", "give the model that the markers were fitted to")
    return _own_map(path, found)


def map_of_landmarks(path: str | Path) -> MarkerMap:
    """The points that stand for markers where there is motion alone."""
    found = {}
    for role, (body, x, y, z) in _LANDMARKS.items():
        for side, sign in (("r", 1.0), ("l", -1.0)):
            name = body if body == "pelvis" else f"{body}_{side}"
            found[f"{role}_{side}"] = MapMarker(f"{role}_{side}", name, (x, y, sign * z), 0.0, 1.0)
    return _own_map(path, found)


def _own_map(path: str | Path, markers: dict[str, MapMarker]) -> MarkerMap:
    return MarkerMap(
        key=Path(path).stem, name=f"the markers of {Path(path).name}", source=Path(path).name, markers=markers,
        virtual={}, measurements=(), hold=(), hold_static=(), aliases={}, segment_weights={},
    )  # fmt: skip


def read_motion(path: str | Path, model: str | Path) -> tuple[pd.DataFrame, float]:
    """Coordinates of a model from a .mot or .sto, on an even clock that begins at zero.

    State paths (``/jointset/hip_r/hip_flexion_r/value``) and bare names are both read. A coordinate that the model
    couples to another follows from it, whatever the file says: OpenSim's own tools leave such columns in degrees in
    files of radians. Coordinates that the file lacks keep their default.

    Args:
        path: The file.
        model: The model that the motion belongs to.

    Returns:
        Every coordinate of the model, rad and m, and the time of the first row in the file, s.

    Raises:
        FileFormatError: Fewer than half of the model's coordinates are in the file, it holds one row, a coordinate
            is no number somewhere, or its time is that of no measurement.
    """
    table = read_sto(path)
    values = {_bare(str(column)): str(column) for column in reversed(table.columns) if not _is_speed(str(column))}
    loaded = load_model(model)
    names = coordinate_names(loaded)
    known = [name for name in names if name in values]
    if 2 * len(known) < len(names) or len(table) < 2:
        raise FileFormatError(
            path, f"holds {len(known)} of the {len(names)} coordinates of {Path(model).name} in {len(table)} rows",
            "give the motion that was solved with this model",
        )  # fmt: skip
    motion = select_columns(table, [values[name] for name in known]).set_axis(known, axis=1)
    motion.attrs = dict(table.attrs)
    motion = to_radians(motion, [name for name in rotational_coordinates(loaded) if name in known])
    time = motion.index.to_numpy(np.float64)
    step = clock_step(time, path)
    unknown = [name for name in known if not np.isfinite(motion[name]).all()]
    if unknown:
        raise FileFormatError(path, f"holds what is no number in {', '.join(unknown[:4])}", "solve the motion again")
    # Even times that a file rounds are the even ones: a step of the rounded times would drift away from them.
    rows = max(round(float((time[-1] - time[0]) / step)), 1)
    clock = np.arange(rows + 1) * ((time[-1] - time[0]) / rows)
    columns = {name: np.interp(clock, time - time[0], motion[name].to_numpy(np.float64)) for name in known}
    _add_the_rest(loaded, columns, len(clock))
    result = pd.DataFrame({name: columns[name] for name in names}, index=pd.Index(clock, name="time"))
    result.attrs = {"name": Path(path).stem, "in_degrees": False, "source": str(path)}
    return result, float(time[0])


def _bare(column: str) -> str:
    parts = column.strip("/").split("/")
    return parts[-2] if parts[-1] == "value" and len(parts) > 1 else parts[-1]


def _is_speed(column: str) -> bool:
    return column.endswith(("/speed", "_u"))


def _add_the_rest(model: Any, columns: dict[str, NDArray[np.float64]], n: int) -> None:
    """Coordinates that follow from others, and those that the file does not know."""
    opensim = import_opensim()
    coordinates = model.getCoordinateSet()
    for index in range(coordinates.getSize()):
        coordinate = coordinates.get(index)
        columns.setdefault(coordinate.getName(), np.full(n, coordinate.getDefaultValue()))
    constraints = model.getConstraintSet()
    for index in range(constraints.getSize()):
        coupler = opensim.CoordinateCouplerConstraint.safeDownCast(constraints.get(index))
        if coupler is None:
            continue
        independent = coupler.getIndependentCoordinateNames()
        sources = [columns[independent.get(k)] for k in range(independent.getSize())]
        function = coupler.getFunction()
        columns[coupler.getDependentCoordinateName()] = np.array(
            [function.calcValue(opensim.Vector(opensim.StdVectorDouble(row))) for row in np.column_stack(sources)]
        )


def recording_of_model(
    path: str | Path, marker_map: MarkerMap, motion: pd.DataFrame | None = None, *, start: float = 0.0, source: str = ""
) -> C3DFile:
    """Where points of a model are, along a motion or in its default pose, as a recording.

    Args:
        path: The model.
        marker_map: The points.
        motion: Coordinates on an even clock, rad and m; the default pose in one frame if not given.
        start: Time of the first row on the file's own clock, s.
        source: File that the recording stands for; the model if not given.

    Raises:
        FileFormatError: The model lacks a body that a point is on.
    """
    opensim = import_opensim()
    model = load_model(path)
    bodies = model.getBodySet()
    for marker in marker_map.markers.values():
        if not bodies.contains(marker.body):
            raise FileFormatError(path, f"has no body {marker.body}", "a model with OpenSim's names of the bodies")
    points = [(bodies.get(m.body), opensim.Vec3(*(m.location or (0.0, 0.0, 0.0)))) for m in marker_map.markers.values()]
    state = model.initSystem()
    coordinates = [model.getCoordinateSet().get(name) for name in ([] if motion is None else motion.columns)]
    rows = np.zeros((1, 0)) if motion is None else motion.to_numpy(np.float64)
    positions = np.empty((len(rows), len(points), 3))
    for k, row in enumerate(rows):
        for coordinate, value in zip(coordinates, row, strict=True):
            coordinate.setValue(state, float(value), False)
        model.realizePosition(state)
        for j, (body, place) in enumerate(points):
            where = body.findStationLocationInGround(state, place)
            positions[k, j] = where.get(0), where.get(1), where.get(2)
    rate = 100.0 if motion is None else 1.0 / float(motion.index[1] - motion.index[0])
    return C3DFile(
        path=source or str(path), marker_names=tuple(marker_map.markers), positions=positions,
        residuals=np.zeros(positions.shape[:2]), output_names=(), outputs=np.zeros((len(rows), 0, 3)), analog_names=(),
        analog=np.zeros((0, 0)), analog_units=(), point_rate=rate, analog_rate=0.0, first_frame=1, events=(),
        platforms=(), parameters={}, units="m", processor="model", warnings=(), start=start,
    )  # fmt: skip


def scale_of_model(path: str | Path, mass: float, folder: Path, name: str) -> ScaleResult:
    """The person's own model in the place of a scaled one."""
    model = place_file(Path(path), folder, name)
    names = pd.Index(body_names(load_model(model)))
    return ScaleResult(
        model=model, setup=model, mass=mass, factors=pd.DataFrame(1.0, index=names, columns=list("xyz")),
        marker_errors=pd.Series(dtype=np.float64), static_pose=pd.Series(dtype=np.float64), window=(0.0, 0.0), notes=(),
    )  # fmt: skip


def kinematics_of_motion(
    motion: pd.DataFrame, model: Path, labels: list[str], folder: Path, name: str
) -> KinematicsResult:
    """Angles that were solved elsewhere in the place of our own; no marker has an error."""
    rotational = rotational_coordinates(load_model(model))
    path = write_motion(motion, folder / f"{name}{COORDINATES_ENDING}", rotational)
    errors = pd.DataFrame(0.0, index=motion.index, columns=pd.Index(labels))
    return KinematicsResult(
        coordinates=motion, marker_errors=errors, setup=path, motion=path, rotational=tuple(rotational)
    )  # fmt: skip
