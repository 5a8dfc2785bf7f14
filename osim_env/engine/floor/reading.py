"""Contacts of spheres with half spaces of an OpenSim model, as arrays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from exogait.models.opensim_api import import_opensim

from ..groups import Contacts, Floats
from ..wraps.reading import pose, vector

Refuse = Callable[[Any, str], None]
Place = Callable[[Any], tuple[Floats, Floats] | None]
KINDS = ("SmoothSphereHalfSpaceForce", "HuntCrossleyForce")
_ABRUPT = 1e30
"""Smoothing with which a smooth step is one, 0 below and 1 above zero, also in float32."""
_NOTHING = 1e-36
"""Square of a slip (m/s) or depth (m) that keeps a body at rest from having none, also in float32."""


class ContactTable:
    """Spheres on floors, collected while the model is read.

    A HuntCrossleyForce of one sphere and one half space, alike in stiffness, is a SmoothSphereHalfSpaceForce whose
    smooth steps are abrupt and whose constant force is none.

    Args:
        components: All components of the model.
        body_of: Number of the body that a frame is fixed to.
        body_names: Names by these numbers.
        in_ground: Rotation and origin in ground of a frame that cannot move, None for one that can.
        refuse: Called with a component that cannot be reproduced, and what to do.
    """

    def __init__(
        self,
        components: Sequence[Any],
        body_of: Callable[[Any], int],
        body_names: Sequence[str],
        in_ground: Place,
        refuse: Refuse,
    ) -> None:
        self.components, self.body_of, self.body_names = components, body_of, body_names
        self.in_ground, self.refuse = in_ground, refuse
        self.rows: dict[str, list[Any]] = {name: [] for name in Contacts._fields}
        self.names: list[str] = []

    def add(self, force: Any) -> None:
        """Add one force."""
        osim = import_opensim()
        smooth = force.getConcreteClassName() == "SmoothSphereHalfSpaceForce"
        sphere, half, numbers = self._smooth(force) if smooth else self._hunt_crossley(force)
        if sphere is None or half is None:
            return
        sphere, half = osim.ContactSphere.safeDownCast(sphere), osim.ContactHalfSpace.safeDownCast(half)
        if sphere is None or half is None:
            self.refuse(force, "rename it: OpenSim takes it for its own sphere or half space")
            return
        floor = self.in_ground(half.getFrame())
        if floor is None:
            self.refuse(half, "fix the half space in the ground, or weld its body to it")
            return
        rotation, origin = pose(sphere.getFrame().findTransformInBaseFrame())
        turn, inset = pose(half.getTransform())
        body, radius = self.body_of(sphere.getFrame()), sphere.getRadius()
        k = 0.5 * numbers.pop("stiffness") ** (2.0 / 3.0)
        row = {
            "body": body,
            "foot": foot_of(force.getName(), self.body_names[body]),
            "centre": origin + rotation @ vector(sphere.get_location()),
            "radius": radius,
            # The x axis of the half space's frame points into the material.
            "normal": floor[0] @ turn[:, 0],
            "origin": floor[1] + floor[0] @ inset,
            "hertz": (4.0 / 3.0) * k * np.sqrt(radius * k),
            "transition_velocity": force.get_transition_velocity(),
            **numbers,
        }
        self.names.append(force.getName())
        for key, value in row.items():
            self.rows[key].append(value)

    @staticmethod
    def _smooth(force: Any) -> tuple[Any, Any, dict[str, float]]:
        return (
            force.getConnectee("sphere"),
            force.getConnectee("half_space"),
            {
                "stiffness": force.get_stiffness(),
                "dissipation": force.get_dissipation(),
                "static_friction": force.get_static_friction(),
                "dynamic_friction": force.get_dynamic_friction(),
                "viscous_friction": force.get_viscous_friction(),
                "constant_force": force.get_constant_contact_force(),
                "hertz_smoothing": force.get_hertz_smoothing(),
                "hunt_crossley_smoothing": force.get_hunt_crossley_smoothing(),
            },
        )

    def _hunt_crossley(self, force: Any) -> tuple[Any, Any, dict[str, float]]:
        """Sphere, half space and numbers of a HuntCrossleyForce; no sphere where it is refused.

        Source: SimTK::HuntCrossleyForce (calcForce): the mean dissipation and the harmonic means of the frictions,
        where stiffnesses are alike.
        """
        surfaces = [
            (self._geometry(name), parameters) for parameters in hunt_crossley(force) for name in parameters.geometry
        ]
        kinds = [shape.getConcreteClassName() if shape is not None else "" for shape, _ in surfaces]
        if sorted(kinds) != ["ContactHalfSpace", "ContactSphere"]:
            # Of several spheres OpenSim leaves out all that come, in an order of its own, after one that parts fast.
            self.refuse(force, "give it one ContactSphere and one ContactHalfSpace, and every sphere its own force")
            return None, None, {}
        stiffness = {parameters.stiffness for _, parameters in surfaces}
        if len(stiffness) > 1:
            self.refuse(force, "give sphere and half space the same stiffness")
            return None, None, {}
        numbers = {"stiffness": stiffness.pop(), "dissipation": sum(p.dissipation for _, p in surfaces) / 2}
        for name in ("static_friction", "dynamic_friction", "viscous_friction"):
            a, b = (getattr(parameters, name) for _, parameters in surfaces)
            numbers[name] = 2.0 * a * b / (a + b) if a or b else 0.0
        abrupt = {"constant_force": _NOTHING, "hertz_smoothing": _ABRUPT, "hunt_crossley_smoothing": _ABRUPT}
        sphere = kinds.index("ContactSphere")
        return surfaces[sphere][0], surfaces[1 - sphere][0], numbers | abrupt

    def _geometry(self, name: str) -> Any:
        """Contact geometry by name or path, as OpenSim finds it; None where there is none."""
        for component in self.components:
            if name in (component.getAbsolutePathString(), component.getName()):
                found = import_opensim().ContactGeometry.safeDownCast(component)
                if found is not None:
                    return found
        return None

    def arrays(self) -> tuple[Contacts, list[str], list[str]]:
        """Return the contacts, the names of their spheres, and those of the feet."""
        rows = self.rows
        # Right before left, other names behind by the alphabet.
        feet = sorted(map(str, dict.fromkeys(rows["foot"])), key=lambda name: {"r": "0", "l": "1"}.get(name) or name)
        arrays = {}
        for key, value in (rows | {"foot": [feet.index(foot) for foot in rows["foot"]]}).items():
            arrays[key] = np.array(value, dtype=np.int64 if key in ("body", "foot") else float)
            if key in ("centre", "normal", "origin"):
                arrays[key] = arrays[key].reshape(-1, 3)
        return Contacts(**arrays), self.names, feet


class Parameters:
    """One set of a HuntCrossleyForce's parameters and the names of the geometry that has them."""

    def __init__(self, properties: Any) -> None:
        helper = import_opensim().PropertyHelper
        named = properties.getPropertyByName("geometry")
        self.geometry = [helper.getValueString(named, i) for i in range(named.size())]
        self.stiffness, self.dissipation, self.static_friction, self.dynamic_friction, self.viscous_friction = (
            helper.getValueDouble(properties.getPropertyByName(name))
            for name in ("stiffness", "dissipation", "static_friction", "dynamic_friction", "viscous_friction")
        )


def hunt_crossley(force: Any) -> list[Parameters]:
    """Parameters of a HuntCrossleyForce, whose own class Python does not see."""
    each = force.getPropertyByName("contact_parameters").getValueAsObject().getPropertyByName("objects")
    return [Parameters(each.getValueAsObject(i)) for i in range(each.size())]


def foot_of(force: str, body: str) -> str:
    """Foot to which a contact sphere belongs: "r" or "l" by the ending of a name, or else the name of its body."""
    for name in (force, body):
        for part in (name.split("_")[-1], *name.split("_")):
            if part.lower() in ("r", "l"):
                return part.lower()
    return body
