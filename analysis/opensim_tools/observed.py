"""Which joints a set of markers shows: a segment needs three points, or fewer and a joint that leaves it less freedom.

The centre of a joint to a segment that is shown is a point of both. A hinge takes two more degrees of freedom, as much
as a second point on its axis would.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ..markers.map import MarkerMap

POINTS = 3
"""Points that fix a segment in space."""


@dataclass(frozen=True)
class _Joint:
    parent: str
    child: str
    coordinates: tuple[str, ...]


def unobserved_joints(model: Any, marker_map: MarkerMap, usable: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Coordinates that some markers do not show, and what is missing.

    Args:
        model: An ``opensim.Model``.
        marker_map: The marker set; joints that it holds are rigid.
        usable: Labels (the map's) that stand on the model and are seen in the walk.

    Returns:
        Coordinate to the labels of the map that would show it and are not usable; empty where the map has no further
        marker there. Held coordinates are no part of it.
    """
    usable = set(usable)
    joints = _joints(model)
    used = {label for label, marker in marker_map.markers.items() if marker.weight > 0}
    bearing = {marker_map.markers[label].body for label in used}
    group = {joint.child: joint.child for joint in joints}
    for joint in joints:
        held = all(c in marker_map.hold or c[:-2] in marker_map.hold for c in joint.coordinates)
        # A body that bears no marker in any trial (the talus) moves with what hangs on it.
        bare = joint.child not in bearing
        below = next((j.child for j in joints if j.parent == joint.child), None)
        if held and joint.parent in group:
            group[joint.child] = group[joint.parent]
        elif bare and below is not None:
            group[joint.child] = group[below]
    own = {g: {x for x in used if group.get(marker_map.markers[x].body) == g} for g in set(group.values())}
    shown: dict[str, bool] = {}
    missing: dict[str, tuple[str, ...]] = {}
    for joint in joints:
        segment, parent = group[joint.child], group.get(joint.parent, "")
        if segment == parent or segment in shown:
            continue
        points = len(own[segment] & usable)
        if shown.get(parent):
            points += 1 + (len(joint.coordinates) == 1)
        shown[segment] = points >= POINTS
        if not (shown[segment] and shown.get(parent, True)):
            near = own[segment] | own.get(parent, set())
            lacking = tuple(sorted(near - usable))
            missing |= {c: lacking for c in _between(joints, group, parent, segment)}
    held = marker_map.hold
    return {c: labels for c, labels in missing.items() if c not in held and c[:-2] not in held}


def _joints(model: Any) -> list[_Joint]:
    """Joints from the ground outwards."""
    found = []
    joints = model.getJointSet()
    for index in range(joints.getSize()):
        joint = joints.get(index)
        names = tuple(joint.get_coordinates(k).getName() for k in range(joint.numCoordinates()))
        parent, child = (f.findBaseFrame().getName() for f in (joint.getParentFrame(), joint.getChildFrame()))
        found.append(_Joint(parent, child, names))
    ordered: list[_Joint] = []
    known = {joint.parent for joint in found} - {joint.child for joint in found}
    while len(ordered) < len(found):
        new = [joint for joint in found if joint.parent in known and joint not in ordered]
        if not new:  # a loop hangs on nothing that is known: such joints are not judged
            break
        ordered += new
        known |= {joint.child for joint in new}
    return ordered


def _between(joints: Iterable[_Joint], group: Mapping[str, str], parent: str, segment: str) -> list[str]:
    """Coordinates of all joints between two segments."""
    return [c for j in joints if group[j.child] == segment and group.get(j.parent, "") == parent for c in j.coordinates]
