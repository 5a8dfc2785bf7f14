"""What a replay shows: where bones, muscle paths, ground reactions and device torques are at every frame of a trial.

A :class:`Scene` is made from any :class:`data.GaitTrial` with coordinates and the model that goes with them, measured
or simulated. With the compiled model nothing but numpy is needed; models that the compiled engine refuses are asked
through OpenSim (:mod:`exogait.osim_env.viewing.scene_opensim`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from exogait.data.errors import InputError
from exogait.data.trial import SIDES, GaitEvent, GaitTrial, interpolate_table
from exogait.models.anatomy import muscle_volume

from ..engine import Model, kinematics
from ..engine.model import Functions
from ..gait.twin_physics import person_height

Array = NDArray[np.float64]

FRAME_RATE = 50.0
"""Frames a second of a replay; a trial sampled more slowly keeps its own rate."""
CONTACT_FORCE = 20.0
"""Vertical force above which a ground reaction is drawn, N."""
DRAWN_SHARE = 0.19
"""Drawn radius over that of a round muscle of the same cross-section: paths are centre lines, and bellies would hide
each other."""
RADII = (0.003, 0.0095)
"""Smallest and largest drawn radius of a muscle, m."""
GENERIC_TORSO_CENTRE = 0.32
"""Height of the torso's mass centre over the lumbar joint in the unscaled model, m."""


@dataclass(frozen=True)
class Link:
    """A round bar that stands for a bone: between two points, each fixed on a body."""

    body: tuple[int, int]
    """Rows of :attr:`Scene.bodies` on which its two ends are fixed."""
    end: tuple[tuple[float, float, float], tuple[float, float, float]]
    """Ends in these bodies, m."""
    radius: tuple[float, float]
    """Radius at each end, m."""
    ghost: bool = False
    """Drawn translucent: an outline of soft parts, no bone of the model."""


@dataclass(frozen=True)
class Mesh:
    """Surface of a bone from the user's own geometry files."""

    body: int
    """Row of :attr:`Scene.bodies`."""
    points: NDArray[np.float32]
    """In the body, scaled as the model says, m, shape (n, 3)."""
    triangles: NDArray[np.int32]
    """Rows of points, shape (m, 3)."""


@dataclass(frozen=True, kw_only=True)
class Scene:
    """Geometry of a trial, frame by frame, in ground axes (X forward, Y up, Z right)."""

    trial: GaitTrial
    """The trial it was made from."""
    time: Array
    """Shape (n_frames,), s."""
    bodies: tuple[str, ...]
    """Body names."""
    position: Array
    """Origins of the bodies, shape (n_frames, n_bodies, 3), m."""
    rotation: Array
    """Body to ground, shape (n_frames, n_bodies, 3, 3)."""
    links: tuple[Link, ...]
    """Bars that stand for the bones."""
    muscles: tuple[str, ...]
    """Muscle names."""
    radius: Array
    """Drawn radius of each muscle, shape (n_muscles,), m."""
    point_start: NDArray[np.int64]
    """First path point of each muscle, shape (n_muscles + 1,)."""
    point_body: NDArray[np.int64]
    """Row of :attr:`bodies` that carries each path point, -1 for the ground, shape (n_points,)."""
    point_local: Array
    """Location of each fixed path point in its body, shape (n_points, 3), m."""
    moving: NDArray[np.int64]
    """Path points that move in their body, shape (n_moving,)."""
    moving_local: Array
    """Their locations, shape (n_frames, n_moving, 3), m."""
    conditional: NDArray[np.int64]
    """Path points that are on the path only in some poses, shape (n_conditional,)."""
    active: NDArray[np.bool_]
    """Whether they are, shape (n_frames, n_conditional)."""
    activation: Array | None
    """Shape (n_frames, n_muscles), NaN where not known; None if the trial knows no muscles."""
    force: Array | None
    """Ground reaction on the right and left foot, shape (n_frames, 2, 3), N."""
    pressure: Array | None
    """Where it acts, shape (n_frames, 2, 3), m."""
    torque: dict[str, DrawnTorque] = field(default_factory=dict)
    """Torques of the device by actuator."""
    meshes: tuple[Mesh, ...] = ()
    """Bone surfaces, where the user has them; their bodies' links are not drawn."""

    @property
    def simulated(self) -> bool:
        """Whether the trial is a simulation."""
        return self.trial.about.simulated

    @property
    def events(self) -> tuple[GaitEvent, ...]:
        """Heel strikes and toe offs within the replay."""
        return tuple(e for e in self.trial.events if self.time[0] <= e.time <= self.time[-1])

    def muscle_lines(self, frame: int) -> list[Array]:
        """Path of every muscle in ground at one frame: points that are on the path, each shape (n, 3), m."""
        local = self.point_local.copy()
        local[self.moving] = self.moving_local[frame]
        points = np.where(self.point_body[:, None] < 0, local, 0.0)
        on_body = self.point_body >= 0
        body = self.point_body[on_body]
        points[on_body] = self.position[frame, body] + np.einsum(
            "nij,nj->ni", self.rotation[frame, body], local[on_body]
        )
        shown = np.ones(len(points), bool)
        shown[self.conditional] = self.active[frame]
        bounds = list(zip(self.point_start[:-1], self.point_start[1:], strict=True))
        return [points[a:b][shown[a:b]] for a, b in bounds]

    def link_ends(self, frame: int) -> Array:
        """Ends of every link in ground at one frame, shape (n_links, 2, 3), m."""
        where, turn = self.position[frame], self.rotation[frame]
        return np.array(
            [[where[b] + turn[b] @ np.array(p) for b, p in zip(k.body, k.end, strict=True)] for k in self.links]
        )


@dataclass(frozen=True)
class DrawnTorque:
    """One torque of a device on the human."""

    body: int
    """Row of :attr:`Scene.bodies`: the distal one, at whose origin it is drawn."""
    axis: Array
    """Axis of the coordinate in ground, shape (n_frames, 3)."""
    value: Array
    """Shape (n_frames,), N m."""


def frame_times(trial: GaitTrial, rate: float = FRAME_RATE) -> Array:
    """Times of the frames of a replay: the trial's coordinates, thinned to the frame rate.

    Args:
        trial: Trial with coordinates.
        rate: Frames a second.

    Raises:
        InputError: The trial has no coordinates, or fewer than two frames of them.
    """
    table = trial.require("coordinates")
    time = table.index.to_numpy(np.float64)
    if len(time) < 2:
        raise InputError(f"{trial.name}: coordinates", f"{len(time)} frame(s)", "a replay needs at least two")
    span = float(time[-1] - time[0])
    # Not faster than the samples come; and a very short trial still has a first and a last frame.
    rate = max(min(rate, (len(time) - 1) / span), 1.0 / span)
    return time[0] + np.arange(math.floor(span * rate + 1e-6) + 1) / rate


def make_scene(trial: GaitTrial, model: Model, *, rate: float = FRAME_RATE, meshes: Sequence[Mesh] = ()) -> Scene:
    """Geometry of a trial on a compiled model.

    Args:
        trial: Trial with coordinates; muscles, ground reactions and device torques are shown where it holds them.
        model: The model whose coordinates these are.
        rate: Frames a second.
        meshes: Bone surfaces.

    Raises:
        InputError: The trial lacks a coordinate of the model.
    """
    time = frame_times(trial, rate)
    q = coordinate_rows(trial, model.coordinate_names, time)
    now = kinematics(model, q, np.zeros_like(q))
    paths, column = model.paths, np.argsort(model.tree.mobility_of_coordinate)
    moving = np.flatnonzero(paths.point_moving >= 0)
    moving_local = np.zeros((len(time), len(moving), 3))
    for k, point in enumerate(moving):
        number = paths.point_moving[point]
        x = np.clip(q[:, column[paths.moving_mobility[number]]], *paths.moving_range[number])
        for axis in range(3):
            moving_local[:, k, axis] = evaluate_function(model.functions, int(paths.moving_function[number, axis]), x)
    conditional, condition = _conditional_points(model)
    x = q[:, column[paths.condition_mobility[condition]]]
    low, high = paths.condition_range[condition].T
    torque: dict[str, DrawnTorque] = {}
    if trial.device_torques is not None:
        values = interpolate_table(trial.device_torques, time)
        for name in map(str, values.columns):
            coordinate = name.removeprefix("exo_")
            if coordinate in model.coordinate_names:
                c = model.index("coordinate", coordinate)
                body = int(model.tree.body_of_mobility[model.tree.mobility_of_coordinate[c]]) - 1
                axis = _rotation_axis(model, q, c, body)
                torque[name] = DrawnTorque(body, axis, values[name].to_numpy(np.float64))
    return Scene(
        trial=trial,
        time=time,
        bodies=model.body_names,
        position=now.position,
        rotation=now.rotation,
        links=skeleton_links(model.body_names, (model.tree.parent[1:] - 1).tolist(), model.tree.mass_centre[1:]),
        muscles=model.muscle_names,
        radius=muscle_radius(
            model.muscle_names,
            model.max_isometric_force,
            model.optimal_fiber_length,
            body_mass=trial.about.mass or model.total_mass,
            height=trial.about.height or person_height(model),
        ),
        point_start=paths.point_start,
        point_body=paths.point_body - 1,
        point_local=paths.point_location,
        moving=moving,
        moving_local=moving_local,
        conditional=conditional,
        active=(x >= low) & (x <= high),
        torque=torque,
        meshes=tuple(meshes),
        **trial_rows(trial, model.muscle_names, time),
    )


# -- from tables to frames ------------------------------------------------------------------------------------------


def coordinate_rows(trial: GaitTrial, names: Sequence[str], time: Array) -> Array:
    """Coordinates of a trial in a model's order, shape (n_frames, n_coordinates), rad or m.

    Raises:
        InputError: The trial lacks one of them.
    """
    table = trial.require("coordinates")
    missing = [name for name in names if name not in table.columns]
    if missing:
        raise InputError(
            f"{trial.name}: coordinates", f"no {', '.join(missing[:4])}", "the model that goes with this trial"
        )
    q = interpolate_table(table, time)[list(names)].to_numpy(np.float64)
    gaps = np.argwhere(~np.isfinite(q))
    if len(gaps):
        raise InputError(
            f"{trial.name}: {names[gaps[0, 1]]}", f"not known at t = {time[gaps[0, 0]]:.3f} s", "crop the trial first"
        )
    return q


def trial_rows(trial: GaitTrial, muscles: Sequence[str], time: Array) -> dict[str, Any]:
    """Activations, ground reactions and their points at the frames (fields of :class:`Scene`)."""
    activation = None
    table = trial.muscles.get("activation")
    if table is not None:
        activation = np.full((len(time), len(muscles)), np.nan)
        inside = _inside(table, time)
        known = interpolate_table(table, time[inside])
        for k, name in enumerate(muscles):
            if name in known.columns:
                activation[inside, k] = known[name].to_numpy(np.float64)
    force = pressure = None
    table = trial.ground_reactions
    if table is not None:
        inside = _inside(table, time)
        known = interpolate_table(table, time[inside])
        force, pressure = np.zeros((len(time), 2, 3)), np.zeros((len(time), 2, 3))
        for k, side in enumerate(SIDES):
            columns = [f"ground_force_{side}_v{axis}" for axis in "xyz"]
            force[inside, k] = np.nan_to_num(known[columns].to_numpy(np.float64))
            columns = [f"ground_force_{side}_p{axis}" for axis in "xyz"]
            where = known[columns].to_numpy(np.float64)
            # A force without a known point cannot be drawn; that is the case below the threshold, and in gaps.
            force[np.flatnonzero(inside)[~np.isfinite(where).all(axis=1)], k] = 0.0
            pressure[inside, k] = np.nan_to_num(where)
    return {"activation": activation, "force": force, "pressure": pressure}


def _inside(table: pd.DataFrame, time: Array) -> NDArray[np.bool_]:
    return (time >= table.index[0] - 1e-9) & (time <= table.index[-1] + 1e-9)


def muscle_radius(
    names: Sequence[str], force: ArrayLike, length: ArrayLike, *, body_mass: float, height: float
) -> Array:
    """Drawn radius of muscles, m: of a person's muscle volumes (:mod:`exogait.models.anatomy`) over fiber length.

    Args:
        names: Muscles, in order.
        force: Maximum isometric force, N, shape (n_muscles,).
        length: Optimal fiber length, m, shape (n_muscles,).
        body_mass: kg.
        height: m.
    """
    volume = muscle_volume(
        names, body_mass=body_mass, height=height, max_isometric_force=force, optimal_fiber_length=length
    )
    section = volume / np.asarray(length, np.float64)
    return np.clip(DRAWN_SHARE * np.sqrt(section / np.pi), *RADII)


# -- from the compiled model ----------------------------------------------------------------------------------------


def evaluate_function(functions: Functions, number: int, x: ArrayLike) -> Array:
    """Value of one function of the compiled model (see :class:`exogait.osim_env.engine.model.Functions`).

    Args:
        functions: The model's functions.
        number: Which one.
        x: Argument, any shape.
    """
    x = np.asarray(x, np.float64)
    rows = slice(int(functions.start[number]), int(functions.start[number + 1]))
    if functions.polynomial[number]:
        return np.asarray(np.polyval(functions.y[rows], x), np.float64)
    piece = np.clip(np.searchsorted(functions.knot[rows], x, side="right") - 1, 0, None) + rows.start
    s = x - functions.x0[piece]
    return functions.y[piece] + s * (functions.b[piece] + s * (functions.c[piece] + s * functions.d[piece]))


def _conditional_points(model: Model) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Path points with a condition, and the number of that condition.

    The compiled model keeps conditions with segments: the points of a muscle that have one are those whose absence
    some segment allows, and the conditions of a muscle stand in the order of its points.
    """
    paths = model.paths
    points: list[int] = []
    conditions: list[int] = []
    for m in range(model.n_muscles):
        found: dict[int, int] = {}
        for s in range(paths.segment_start[m], paths.segment_start[m + 1]):
            a, b = int(paths.segment_from[s]), int(paths.segment_to[s])
            if max(a, b) >= paths.point_start[m + 1] - paths.point_start[m]:
                continue  # to or from a surface
            tests = range(paths.segment_test_start[s], paths.segment_test_start[s + 1])
            skipped = [int(paths.test_condition[t]) for t in tests if paths.test_wanted[t] == 0]
            for point, condition in zip(range(a + 1, b), sorted(skipped), strict=True):
                found[point] = condition
        points += [int(paths.point_start[m]) + point for point in found]
        conditions += list(found.values())
    return np.array(points, np.int64), np.array(conditions, np.int64)


def _rotation_axis(model: Model, q: Array, coordinate: int, body: int) -> Array:
    """Axis in ground about which a coordinate turns a body against its parent, shape (n_frames, 3)."""
    u = np.zeros_like(q)
    u[:, coordinate] = 1.0
    moved = kinematics(model, q, u).angular_velocity
    parent = int(model.tree.parent[body + 1]) - 1
    return moved[:, body] - (moved[:, parent] if parent >= 0 else 0.0)


def skeleton_links(bodies: Sequence[str], parent: Sequence[int], mass_centre: ArrayLike) -> tuple[Link, ...]:
    """Bars between the joint centres of a walking model, and outlines of trunk and head.

    Args:
        bodies: Body names.
        parent: Row of each body's parent, -1 for the ground.
        mass_centre: Of each body, m, shape (n_bodies, 3); the torso's gives the size of the trunk.
    """
    row = {name: i for i, name in enumerate(bodies)}
    zero = (0.0, 0.0, 0.0)
    links: list[Link] = []
    drawn: set[str] = set()

    def bar(a: str, b: str, first: float, last: float) -> None:
        if a in row and b in row:
            links.append(Link((row[a], row[b]), (zero, zero), (first, last)))
            drawn.update((a, b))

    bar("femur_r", "femur_l", 0.034, 0.034)
    for side in SIDES:
        bar(f"femur_{side}", "torso", 0.034, 0.026)
        bar(f"femur_{side}", f"tibia_{side}", 0.024, 0.030)
        bar(f"tibia_{side}", f"talus_{side}", 0.030, 0.019)
        bar(f"talus_{side}", f"calcn_{side}", 0.019, 0.021)
        bar(f"talus_{side}", f"toes_{side}", 0.018, 0.013)
        bar(f"calcn_{side}", f"toes_{side}", 0.019, 0.012)
        if f"toes_{side}" in row:
            foot = row[f"toes_{side}"]
            links.append(Link((foot, foot), (zero, (0.055, 0.0, 0.0)), (0.013, 0.009)))
    for name, above in zip(bodies, parent, strict=True):  # whatever else the model has
        if name not in drawn and above >= 0 and not name.startswith("patella") and bodies[above] in drawn:
            links.append(Link((above, row[name]), (zero, zero), (0.015, 0.015)))
            drawn.add(name)
    if "torso" in row:
        body = row["torso"]
        size = float(np.asarray(mass_centre)[body, 1]) / GENERIC_TORSO_CENTRE
        links.append(Link((body, body), (zero, (0.0, 0.42 * size, 0.0)), (0.024, 0.018)))
        for side in (-1.0, 1.0):  # flank and shoulder
            flank = ((0.0, 0.13 * size, 0.035 * side * size), (0.0, 0.36 * size, 0.085 * side * size))
            links.append(Link((body, body), flank, (0.085 * size, 0.082 * size), ghost=True))
            shoulder = ((0.0, 0.40 * size, 0.05 * side * size), (0.0, 0.385 * size, 0.15 * side * size))
            links.append(Link((body, body), shoulder, (0.058 * size, 0.048 * size), ghost=True))
        neck = ((0.0, 0.42 * size, 0.0), (0.015, 0.53 * size, 0.0))
        links.append(Link((body, body), neck, (0.05 * size, 0.045 * size), ghost=True))
        head = ((0.02, 0.56 * size, 0.0), (0.03, 0.63 * size, 0.0))
        links.append(Link((body, body), head, (0.075 * size, 0.085 * size), ghost=True))
    return tuple(links)
