"""Points and wraps of an OpenSim path, as arrays."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from exogait.models.opensim_api import import_opensim

from ..function_table import FunctionTable
from ..groups import Floats, Surfaces, Wraps
from ..path_tables import Point, Wrap
from .kernels import CYLINDER, SPHERE

Refuse = Callable[[Any, str], None]
KINDS = {"WrapCylinder": CYLINDER, "WrapSphere": SPHERE}
"""Kinds of surfaces by the name of OpenSim's class."""
_CONDITION_MARGIN = 1e-5
"""OpenSim widens the range of a conditional point by this much on both sides."""


def vector(v: Any) -> Floats:
    """Components of a Vec3, shape (3,)."""
    return np.array([v.get(i) for i in range(3)])


def pose(transform: Any) -> tuple[Floats, Floats]:
    """Rotation matrix, shape (3, 3), and origin, shape (3,), of an OpenSim transform."""
    m = transform.R().asMat33()
    return np.array([[m.get(i, j) for j in range(3)] for i in range(3)]), vector(transform.p())


def read_points(
    path: Any,
    functions: FunctionTable,
    body_number: Mapping[str, int],
    mobility_of: Mapping[str, int],
    refuse: Refuse,
) -> list[Point]:
    """Read the points of a GeometryPath.

    Args:
        path: OpenSim's path.
        functions: Table that the functions of moving points are added to.
        body_number: Number of each body by its absolute path.
        mobility_of: Mobility of each coordinate by its name.
        refuse: Called with a component that cannot be reproduced, and what to do.
    """
    osim = import_opensim()
    points: list[Point] = []
    for i in range(path.getPathPointSet().getSize()):
        point = path.getPathPointSet().get(i)
        kind, frame = point.getConcreteClassName(), point.getParentFrame()
        body = body_number.get(frame.findBaseFrame().getAbsolutePathString(), -1)
        rotation, origin = pose(frame.findTransformInBaseFrame())
        if kind == "MovingPathPoint":
            moving = osim.MovingPathPoint.safeDownCast(point)
            if not (np.array_equal(rotation, np.eye(3)) and not origin.any()):
                refuse(point, "put the moving point on the body itself, not on an offset frame")
            coordinate = moving.getXCoordinate()
            mobility = mobility_of[coordinate.getName()]
            located = [moving.get_x_location(), moving.get_y_location(), moving.get_z_location()]
            numbers = [functions.add(f, mobility) for f in located]
            if None in numbers:
                refuse(point, "a location function is of a kind that is not compiled: use a SimmSpline")
                numbers = [0, 0, 0]
            limits = (coordinate.getRangeMin(), coordinate.getRangeMax())
            points.append(Point(body, moving=(numbers, mobility, limits)))
        elif kind == "ConditionalPathPoint":
            conditional = osim.ConditionalPathPoint.safeDownCast(point)
            if not conditional.getSocket("coordinate").isConnected():
                continue
            mobility = mobility_of[conditional.getCoordinate().getName()]
            low, high = conditional.get_range(0) - _CONDITION_MARGIN, conditional.get_range(1) + _CONDITION_MARGIN
            where = origin + rotation @ vector(conditional.get_location())
            points.append(Point(body, where, condition=(mobility, (low, high))))
        elif kind == "PathPoint":
            where = origin + rotation @ vector(osim.PathPoint.safeDownCast(point).get_location())
            points.append(Point(body, where))
        else:
            refuse(point, "use PathPoint, ConditionalPathPoint or MovingPathPoint")
    return points


class WrapTable:
    """Surfaces, and the wraps of all paths over them, collected while the model is read."""

    def __init__(self, body_number: Mapping[str, int], refuse: Refuse) -> None:
        self.body_number = body_number
        self.refuse = refuse
        self.surfaces: dict[str, dict[str, Any]] = {}
        self.rows: list[tuple[int, ...]] = []

    def add(self, path: Any, muscle: int, points: list[Point]) -> list[Wrap]:
        """Add the wraps of a muscle's path, whose points were read before; inactive objects act on nothing."""
        wraps = path.getWrapSet()
        found: list[Wrap] = []
        used: set[int] = set()
        for place in range(wraps.getSize()):
            wrap = wraps.get(place)
            surface = self._surface(wrap)
            if surface is None:
                continue
            first, last = (wrap.get_range(k) - 1 for k in (0, 1))
            first, last = max(first, 0), last if last >= 0 else path.getPathPointSet().getSize() - 1
            if len(points) < path.getPathPointSet().getSize() or last >= len(points) or first > last:
                self.refuse(wrap, "its range, or a point of its path, is not compiled: give the whole path's range")
            elif all(point.condition is not None for point in points[first : last + 1]):
                self.refuse(wrap, "all points of its range are conditional: add a fixed one")
            elif surface in used:
                self.refuse(wrap, "another PathWrap of this path has the same object: remove one of them")
            else:
                used.add(surface)
                self.rows.append((muscle, surface, place, wraps.getSize(), first, last))
                found.append(Wrap(list(self.surfaces.values())[surface]["body"], first, last))
        return found

    def _surface(self, wrap: Any) -> int | None:
        """Number of a wrap's surface; None where it acts on nothing, or is refused."""
        osim = import_opensim()
        wrapped = wrap.getWrapObject()
        if wrapped is None:
            self.refuse(wrap, "its wrap object is not in the model: name one that is")
            return None
        if not wrapped.get_active():
            return None
        kind = wrapped.getConcreteClassName()
        if kind not in KINDS:
            # OpenSim searches tangent points of an ellipsoid to a ten-thousandth of its size, by steps that amplify
            # rounding: in some poses its own lengths differ by a micrometre after a change of the last bit.
            self.refuse(wrap, f"a {kind} is not compiled: use one of {', '.join(KINDS)}, or path points only")
            return None
        name = wrapped.getAbsolutePathString()
        if name not in self.surfaces:
            frame = wrapped.getFrame()
            rotation, origin = pose(frame.findTransformInBaseFrame())
            turn, place = pose(wrapped.getTransform())
            shape = getattr(osim, kind).safeDownCast(wrapped)
            size = [shape.get_radius(), 0.5 * shape.get_length() if KINDS[kind] == CYLINDER else 0.0]
            if size[0] == 0.0:
                self.refuse(wrapped, "a radius of 0 makes OpenSim's path NaN: give a positive one")
            axis, sign = _quadrant(wrapped.get_quadrant())
            self.surfaces[name] = {
                "body": self.body_number[frame.findBaseFrame().getAbsolutePathString()],
                "kind": KINDS[kind],
                "size": size,
                "axis": axis,
                "sign": sign,
                "rotation": (rotation @ turn).ravel(),
                "position": origin + rotation @ place,
            }
        return list(self.surfaces).index(name)

    def arrays(self) -> tuple[Surfaces, Wraps]:
        """Return the collected surfaces and wraps."""
        whole, width = ("body", "kind", "axis", "sign"), {"size": 2, "rotation": 9, "position": 3}
        columns = {}
        for name in Surfaces._fields:
            column = np.array(
                [row[name] for row in self.surfaces.values()], dtype=np.int64 if name in whole else np.float64
            )
            columns[name] = column.reshape(-1, width[name]) if name in width else column
        table = np.array(self.rows, dtype=np.int64).reshape(-1, len(Wraps._fields))
        return Surfaces(**columns), Wraps(*(np.ascontiguousarray(table[:, k]) for k in range(table.shape[1])))


def _quadrant(name: str) -> tuple[int, int]:
    """Axis and sign of a quadrant; sign 0 for all."""
    letter = name.lower().lstrip("+-")
    return (0, 0) if letter not in ("x", "y", "z") else ("xyz".index(letter), -1 if name.startswith("-") else 1)
