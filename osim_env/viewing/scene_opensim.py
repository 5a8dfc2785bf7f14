"""Scenes of models that the compiled engine refuses, or whose paths wrap: all is asked from OpenSim, frame by frame.

Slower, but any model that OpenSim loads will do, wrapping surfaces and locked or coupled coordinates included.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from exogait.data.errors import InputError
from exogait.data.trial import GaitTrial
from exogait.models.describe import read
from exogait.models.tables import load_tables

from .bone_meshes import read_bone_meshes
from .scene import FRAME_RATE, Scene, coordinate_rows, frame_times, muscle_radius, skeleton_links, trial_rows

Array = NDArray[np.float64]


def make_scene_with_opensim(
    trial: GaitTrial, model: str | Path, *, rate: float = FRAME_RATE, geometry: str | Path | None = None
) -> Scene:
    """Geometry of a trial on any model; device torques are not drawn.

    Args:
        trial: Trial with coordinates.
        model: The .osim file.
        rate: Frames a second.
        geometry: Folder of bone surfaces (.vtp).
    """
    loaded = read(model)
    state = loaded.initSystem()
    coordinates = [loaded.getCoordinateSet().get(i) for i in range(loaded.getNumCoordinates())]
    # Coupled and locked coordinates follow from the others; a trial need not hold them.
    free = [c for c in coordinates if not c.isConstrained(state)]
    held = trial.require("coordinates")
    free = [c for c in free if c.getName() in held.columns]
    if not free:
        raise InputError(f"{trial.name}: coordinates", "none of the model's", "the model that goes with this trial")
    time = frame_times(trial, rate)
    q = coordinate_rows(trial, [c.getName() for c in free], time)
    bodies = [loaded.getBodySet().get(i) for i in range(loaded.getNumBodies())]
    muscles = [loaded.getMuscles().get(i) for i in range(loaded.getMuscles().getSize())]
    names = tuple(body.getName() for body in bodies)
    position, rotation = np.zeros((len(time), len(bodies), 3)), np.zeros((len(time), len(bodies), 3, 3))
    lines: list[list[Array]] = []
    for frame, row in enumerate(q):
        for coordinate, value in zip(free, row, strict=True):
            coordinate.setValue(state, float(value), False)
        loaded.assemble(state)
        loaded.realizePosition(state)
        for k, body in enumerate(bodies):
            turn = body.getTransformInGround(state).R().asMat33()
            rotation[frame, k] = [[turn.get(i, j) for j in range(3)] for i in range(3)]
            position[frame, k] = _vector(body.getPositionInGround(state))
        lines.append([_path(muscle, state) for muscle in muscles])
    # A path has as many points as it ever needs; a shorter one ends in copies of its last point.
    size = [max(len(frame[m]) for frame in lines) for m in range(len(muscles))]
    start = np.concatenate([[0], np.cumsum(size)]).astype(np.int64)
    moving = np.zeros((len(time), int(start[-1]), 3))
    for frame, paths in enumerate(lines):
        for m, path in enumerate(paths):
            moving[frame, start[m] : start[m + 1]] = np.concatenate(
                [path, np.repeat(path[-1:], size[m] - len(path), 0)]
            )
    parents = [_parent(loaded, name, names) for name in names]
    centres = [_vector(body.getMassCenter()) for body in bodies]
    muscle_names = tuple(muscle.getName() for muscle in muscles)
    return Scene(
        trial=trial,
        time=time,
        bodies=names,
        position=position,
        rotation=rotation,
        links=skeleton_links(names, parents, centres),
        muscles=muscle_names,
        radius=muscle_radius(
            muscle_names,
            [muscle.getMaxIsometricForce() for muscle in muscles],
            [muscle.getOptimalFiberLength() for muscle in muscles],
            body_mass=trial.about.mass or loaded.getTotalMass(state),
            height=trial.about.height or load_tables().constants["generic_height"],
        ),
        point_start=start,
        point_body=np.full(start[-1], -1, np.int64),
        point_local=np.zeros((start[-1], 3)),
        moving=np.arange(start[-1]),
        moving_local=moving,
        conditional=np.zeros(0, np.int64),
        active=np.zeros((len(time), 0), bool),
        meshes=read_bone_meshes(model, names, geometry),
        **trial_rows(trial, muscle_names, time),
    )


def _vector(v: Any) -> list[float]:
    return [v.get(i) for i in range(3)]


def _path(muscle: Any, state: Any) -> Array:
    """Points of a muscle's path in ground, in order, those on wrapping surfaces included, shape (n, 3), m."""
    points = muscle.getGeometryPath().getCurrentPath(state)
    return np.array([_vector(points.get(i).getLocationInGround(state)) for i in range(points.getSize())])


def _parent(model: Any, body: str, bodies: tuple[str, ...]) -> int:
    """Row of the parent of a body, -1 for the ground."""
    joints = model.getJointSet()
    for i in range(joints.getSize()):
        joint = joints.get(i)
        if joint.getChildFrame().findBaseFrame().getName() == body:
            parent = joint.getParentFrame().findBaseFrame().getName()
            return bodies.index(parent) if parent in bodies else -1
    return -1
