"""Bodies, joints, coordinates, bone meshes and markers, built through the OpenSim API."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from .tables import Row, Tables

AXES = ("rotation1", "rotation2", "rotation3", "translation1", "translation2", "translation3")


def vec3(opensim: ModuleType, row: Row, *columns: str) -> Any:
    """Make a ``Vec3`` of three columns of a row."""
    return opensim.Vec3(*(float(row[column]) for column in columns))


def simm_spline(opensim: ModuleType, tables: Tables, name: str) -> Any:
    """Make the natural cubic spline ``name`` of ``splines.csv``."""
    function = opensim.SimmSpline()
    for row in tables["splines"]:
        if row["spline"] == name:
            function.addPoint(float(row["x"]), float(row["y"]))
    return function


def add_bodies(opensim: ModuleType, model: Any, tables: Tables) -> None:
    """Add every body with its mass properties (inertia about the mass centre, body axes) and bone meshes."""
    for row in tables["bodies"]:
        inertia = opensim.Inertia(*(float(row[f"i{axes}_kgm2"]) for axes in ("xx", "yy", "zz", "xy", "xz", "yz")))
        body = opensim.Body(
            row["body"], float(row["mass_kg"]), vec3(opensim, row, "com_x_m", "com_y_m", "com_z_m"), inertia
        )
        meshes = [mesh["file"] for mesh in tables["meshes"] if mesh["body"] == row["body"]]
        for number, file in enumerate(meshes, start=1):
            mesh = opensim.Mesh(file)
            mesh.setName(f"{row['body']}_geom_{number}")
            body.attachGeometry(mesh)
            mesh.thisown = False
        model.addBody(body)
        body.thisown = False


def _axis_function(opensim: ModuleType, tables: Tables, row: Row) -> Any:
    if row["function"] == "linear":
        return opensim.LinearFunction(float(row["parameter1"]), float(row["parameter2"]))
    if row["function"] == "spline":
        return simm_spline(opensim, tables, row["parameter1"])
    return opensim.Constant(float(row["parameter1"]))


def add_joints(opensim: ModuleType, model: Any, tables: Tables) -> None:
    """Add every joint as a CustomJoint, and give its coordinates their ranges and defaults."""
    frames = {row["body"]: model.getBodySet().get(row["body"]) for row in tables["bodies"]}
    frames["ground"] = model.getGround()
    axes = {(row["joint"], row["axis"]): row for row in tables["joint_axes"]}
    for row in tables["joints"]:
        transform = opensim.SpatialTransform()
        for number, name in enumerate(AXES):
            axis_row = axes[row["joint"], name]
            axis = transform.updTransformAxis(number)
            names = opensim.ArrayStr()
            if axis_row["coordinate"]:
                names.append(axis_row["coordinate"])
            axis.setCoordinateNames(names)
            axis.setAxis(vec3(opensim, axis_row, "x", "y", "z"))
            axis.set_function(_axis_function(opensim, tables, axis_row))  # copies; setFunction would take ownership
        placements = [
            vec3(opensim, row, *(f"{side}_{what}_{component}_{unit}" for component in "xyz"))
            for side in ("parent", "child")
            for what, unit in (("location", "m"), ("rotation", "rad"))
        ]
        parent, child = frames[row["parent"]], frames[row["child"]]
        joint = opensim.CustomJoint(
            row["joint"], parent, placements[0], placements[1], child, placements[2], placements[3], transform
        )
        model.addJoint(joint)
        joint.thisown = False
    # A CustomJoint makes its coordinates anew while the model connects it: their facts can only be set afterwards.
    model.finalizeConnections()
    for facts in tables["coordinates"]:
        coordinate = model.updCoordinateSet().get(facts["coordinate"])
        coordinate.setRangeMin(float(facts["range_min"]))
        coordinate.setRangeMax(float(facts["range_max"]))
        coordinate.setDefaultValue(float(facts["default"]))
        coordinate.setDefaultClamped(False)


def add_markers(opensim: ModuleType, model: Any, tables: Tables) -> None:
    """Add the Gait2392 marker set."""
    for row in tables["markers"]:
        body = model.getBodySet().get(row["body"])
        marker = opensim.Marker(row["marker"], body, vec3(opensim, row, "x_m", "y_m", "z_m"))
        marker.set_fixed(False)
        model.addMarker(marker)
        marker.thisown = False
