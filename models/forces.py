"""What acts on the body besides muscles: the floor, joint limits, toe springs, trunk and exoskeleton torques."""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import ModuleType
from typing import Any

from exogait.data.names import side_of

from .skeleton import vec3
from .subject import Factors
from .tables import Tables

FLOOR = "floor"


def add_contact(
    opensim: ModuleType, model: Any, tables: Tables, *, factors: Mapping[str, Factors] | None = None
) -> None:
    """Put six spheres under each foot and a half space as the floor.

    Spheres ``<name>_r`` press on ``floor`` through forces ``contact_<name>_r``. The floor is the plane y = 0 of the
    ground; its frame is turned so that its +x axis points into the floor, as SmoothSphereHalfSpaceForce wants it.

    Args:
        opensim: The module.
        model: An ``opensim.Model`` with its bodies.
        tables: The model's tables.
        factors: Size factors by body, for a scaled subject. Radii follow the vertical one, so that the sole stays flat.

    Source: OpenSim's SmoothSphereHalfSpaceForce (Serrancoli et al. 2019, IEEE Trans Neural Syst Rehabil Eng).
    """
    constants = tables.constants
    floor = opensim.ContactHalfSpace(opensim.Vec3(0), opensim.Vec3(0, 0, -math.pi / 2), model.getGround(), FLOOR)
    model.addContactGeometry(floor)
    floor.thisown = False
    for row in tables["contact"]:
        factor = (factors or {}).get(row["body"], (1.0, 1.0, 1.0))
        name = f"{row['sphere']}_{side_of(row['body'])}"
        centre = vec3(opensim, row, "x_m", "y_m", "z_m")
        centre = opensim.Vec3(*(factor[axis] * centre.get(axis) for axis in range(3)))
        radius = factor[1] * float(row["radius_m"])
        sphere = opensim.ContactSphere(radius, centre, model.getBodySet().get(row["body"]), name)
        model.addContactGeometry(sphere)
        sphere.thisown = False
        force = opensim.SmoothSphereHalfSpaceForce(f"contact_{name}", sphere, floor)
        force.set_stiffness(constants["contact_stiffness"])
        force.set_dissipation(constants["contact_dissipation"])
        force.set_static_friction(constants["contact_static_friction"])
        force.set_dynamic_friction(constants["contact_dynamic_friction"])
        force.set_viscous_friction(constants["contact_viscous_friction"])
        force.set_transition_velocity(constants["contact_transition_velocity"])
        model.addForce(force)
        force.thisown = False


def add_joint_limits(opensim: ModuleType, model: Any, tables: Tables) -> None:
    """Add a one-sided spring and damper beyond each anatomical joint limit, and the passive toe springs.

    The force is zero within the limits; beyond, its stiffness rises over ``transition`` degrees to its full value.

    Source: OpenSim's CoordinateLimitForce and SpringGeneralizedForce; ``joint_limits.csv`` names the limits' sources.
    """
    for row in tables["joint_limits"]:
        force = opensim.CoordinateLimitForce()
        force.setName(f"limit_{row['coordinate']}")
        force.set_coordinate(row["coordinate"])
        force.set_upper_limit(float(row["upper_deg"]))
        force.set_lower_limit(float(row["lower_deg"]))
        force.set_upper_stiffness(float(row["stiffness_Nm_per_deg"]))
        force.set_lower_stiffness(float(row["stiffness_Nm_per_deg"]))
        force.set_damping(float(row["damping_Nms_per_deg"]))
        force.set_transition(float(row["transition_deg"]))
        model.addForce(force)
        force.thisown = False
    for row in tables["joint_springs"]:
        spring = opensim.SpringGeneralizedForce(row["coordinate"])
        spring.setName(row["spring"])
        spring.set_stiffness(float(row["stiffness_Nm_per_rad"]))
        spring.set_rest_length(float(row["rest_angle_rad"]))
        spring.set_viscosity(float(row["damping_Nms_per_rad"]))
        model.addForce(spring)
        spring.thisown = False


def add_torque_actuator(
    opensim: ModuleType, model: Any, *, name: str, coordinate: str, maximum: float, minimum: float
) -> None:
    """Add a torque on one coordinate.

    Args:
        opensim: The module.
        model: An ``opensim.Model``.
        name: The actuator's name.
        coordinate: The coordinate it drives.
        maximum: Largest torque in the coordinate's positive direction, N m.
        minimum: Largest torque in the negative direction, N m, at most 0.
    """
    optimal_force = max(maximum, -minimum)
    actuator = opensim.CoordinateActuator(coordinate)
    actuator.setName(name)
    actuator.setOptimalForce(optimal_force)
    actuator.setMaxControl(maximum / optimal_force)
    actuator.setMinControl(minimum / optimal_force)
    model.addForce(actuator)
    actuator.thisown = False


def add_trunk_actuators(opensim: ModuleType, model: Any, tables: Tables, *, strength: float = 1.0) -> None:
    """Add the weak torques that stand for the trunk muscles Gait2392 does not have.

    Args:
        opensim: The module.
        model: An ``opensim.Model``.
        tables: The model's tables.
        strength: Factor on their limits, for a scaled subject.
    """
    for row in tables["trunk_actuators"]:
        torque = strength * float(row["optimal_force_Nm"])
        add_torque_actuator(
            opensim, model, name=row["actuator"], coordinate=row["coordinate"], maximum=torque, minimum=-torque
        )
