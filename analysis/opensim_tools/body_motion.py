"""Whole-body centre of mass and both feet over time, by OpenSim from a model and its coordinates.

Measured and simulated walks get the same table, ``extra["body_motion"]``. What a coordinate's blank would have told is
blank: the centre of mass needs every coordinate, a foot those between it and the ground.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from exogait.data import GaitTrial
from exogait.data.names import SIDES, Side, side_of
from exogait.models import load_tables
from exogait.models.opensim_api import import_opensim

from ..gait.curves import BODY_MOTION
from ..gait.progression import direction_of_progression, rightwards
from .common import body_names, coordinate_names, load_model

_Array = NDArray[np.float64]
_AXES = "xyz"
_HEEL = "heel"


def with_body_motion(trial: GaitTrial, model: str | Path) -> GaitTrial:
    """The trial with the motion of its centre of mass and feet, where it has coordinates and speeds.

    Args:
        trial: Measured or simulated.
        model: The .osim file that its coordinates belong to.

    Returns:
        The trial with ``extra["body_motion"]`` (:func:`body_motion`).
    """
    if trial.coordinates is None or trial.speeds is None:
        return trial
    table = body_motion(model, trial.coordinates, trial.speeds, belt_speed=trial.about.belt_speed or 0.0)
    return trial.replace(extra={**trial.extra, BODY_MOTION: table})


def body_motion(
    model: str | Path, coordinates: pd.DataFrame, speeds: pd.DataFrame, *, belt_speed: float = 0.0
) -> pd.DataFrame:
    """Centre of mass, soles and direction of the feet over time.

    The centre of mass is that of the model's own bodies (with a device's masses, where the model carries one). The sole
    is the outline of the spheres in ``models/tables/contact.csv``, scaled by the foot's length from heel bone to toe
    joint; a sphere reaches a radius beyond its centre. ``along`` is the direction of progression, ``across`` points to
    its right.

    Args:
        model: The .osim file.
        coordinates: Index ``time`` (s), one column a coordinate, rad or m; one that is missing keeps its default.
        speeds: Their derivatives at the same times, rad/s or m/s.
        belt_speed: Speed of a treadmill's belt, m/s, by which the centre of mass moves against it.

    Returns:
        Index ``time``; columns ``center_of_mass_{x,y,z}`` (m, ground), ``center_of_mass_{along,across}`` (m),
        ``center_of_mass_v{along,across}`` (m/s, against the ground or belt) and, for each foot that the model names as
        Gait2392 does (``calcn``, ``talus``), ``foot_progression_{side}`` (rad, toes in positive),
        ``pendulum_{side}`` (ankle to centre of mass, m), ``heel_{along,across}_{side}`` (middle of the heel, m),
        ``sole_front_{side}`` (foremost point, along, m), ``sole_lateral_{side}`` (outermost point, across, m).

    Raises:
        FileFormatError: The model cannot be loaded.
    """
    loaded = load_model(model)
    names = [name for name in coordinate_names(loaded) if name in coordinates.columns and name in speeds.columns]
    q, u = (table[names].to_numpy(np.float64) for table in (coordinates, speeds))
    bodies = body_names(loaded)
    feet: list[Side] = [side for side in SIDES if {f"calcn_{side}", f"talus_{side}"} <= set(bodies)]
    centre, velocity, frames = _replay(
        loaded, names, q, u, [f"{b}_{s}" for s in feet for b in ("talus", "calcn", "toes")]
    )
    unknown = ~(np.isfinite(q) & np.isfinite(u))
    centre[unknown.any(axis=1)] = velocity[unknown.any(axis=1)] = np.nan

    time = coordinates.index.to_numpy(np.float64)
    forward = direction_of_progression(centre, time, belt_speed=belt_speed)
    right = rightwards(forward)
    velocity = velocity + np.array([belt_speed, 0.0, 0.0])
    columns = {f"center_of_mass_{axis}": centre[:, k] for k, axis in enumerate(_AXES)}
    units = dict.fromkeys(columns, "m")
    for way, vector in (("along", forward), ("across", right)):
        columns |= {f"center_of_mass_{way}": centre @ vector, f"center_of_mass_v{way}": velocity @ vector}
        units |= {f"center_of_mass_{way}": "m", f"center_of_mass_v{way}": "m/s"}
    for side in feet:
        chain = _chain(loaded, f"calcn_{side}")
        lost = np.isnan(q[:, [k for k, name in enumerate(names) if name in chain]]).any(axis=1)
        found = _foot(side, frames, centre, forward, right)
        columns |= {name: np.where(lost, np.nan, values) for name, values in found.items()}
        units |= {name: "rad" if name.startswith("foot_progression") else "m" for name in found}
    table = pd.DataFrame(columns, index=coordinates.index.copy())
    table.attrs = {"units": units, "forward": forward.tolist()}
    return table


def _foot(
    side: Side, frames: dict[str, tuple[_Array, _Array]], centre: _Array, forward: _Array, right: _Array
) -> dict[str, _Array]:
    """Columns of one foot."""
    outward = right if side == "r" else -right
    axis = frames[f"calcn_{side}"][1][:, :, 0]  # a heel bone's x axis is the long axis of its foot
    spheres, radii = _sole(side, frames)
    heel = spheres[:, [row["sphere"] for row in _rows(side)].index(_HEEL)]
    lateral = (spheres @ outward + radii).max(axis=1)
    return {
        f"foot_progression_{side}": np.arctan2(-axis @ outward, axis @ forward),
        f"pendulum_{side}": np.linalg.norm(centre - frames[f"talus_{side}"][0], axis=1),
        f"heel_along_{side}": heel @ forward,
        f"heel_across_{side}": heel @ right,
        f"sole_front_{side}": (spheres @ forward + radii).max(axis=1),
        f"sole_lateral_{side}": lateral if side == "r" else -lateral,
    }


def _rows(side: Side) -> list[dict[str, str]]:
    return [row for row in load_tables()["contact"] if side_of(row["body"]) == side]


def _sole(side: Side, frames: dict[str, tuple[_Array, _Array]]) -> tuple[_Array, _Array]:
    """Centres, shape (n_frames, n_spheres, 3), and radii, shape (n_spheres,), of a foot's spheres on the ground, m."""
    joint = next(row for row in load_tables()["joints"] if row["joint"] == f"mtp_{side}")
    reach = np.array([float(joint[f"parent_location_{axis}_m"]) for axis in _AXES])
    calcn = frames[f"calcn_{side}"]
    toes = frames.get(f"toes_{side}")
    size = (
        1.0 if toes is None else float(np.nanmean(np.linalg.norm(toes[0] - calcn[0], axis=1))) / np.linalg.norm(reach)
    )
    centres, radii = [], []
    for row in _rows(side):
        place = np.array([float(row[f"{axis}_m"]) for axis in _AXES])
        origin, turn = calcn
        if row["body"].startswith("toes"):
            # A foot in one piece carries its toes straight ahead.
            (origin, turn), place = (calcn, place + reach) if toes is None else (toes, place)
        centres.append(origin + size * turn @ place)
        radii.append(size * float(row["radius_m"]))
    return np.stack(centres, axis=1), np.array(radii)


def _replay(
    model: Any, names: list[str], q: _Array, u: _Array, bodies: list[str]
) -> tuple[_Array, _Array, dict[str, tuple[_Array, _Array]]]:
    """Centre of mass and its velocity, shape (n_frames, 3), and origin and rotation of some bodies, in the ground."""
    import_opensim()
    state = model.initSystem()
    coordinates = [model.getCoordinateSet().get(name) for name in names]
    present = [(name, model.getBodySet().get(name)) for name in bodies if name in body_names(model)]
    n = len(q)
    centre, velocity = np.empty((n, 3)), np.empty((n, 3))
    frames = {name: (np.empty((n, 3)), np.empty((n, 3, 3))) for name, _ in present}
    # A blank cannot be set; what depends on it is taken out by the caller.
    q, u = np.nan_to_num(q), np.nan_to_num(u)
    for k in range(n):
        for coordinate, value, speed in zip(coordinates, q[k].tolist(), u[k].tolist(), strict=True):
            coordinate.setValue(state, value, False)
            coordinate.setSpeedValue(state, speed)
        model.realizeVelocity(state)
        here, moving = model.calcMassCenterPosition(state), model.calcMassCenterVelocity(state)
        centre[k] = [here.get(i) for i in range(3)]
        velocity[k] = [moving.get(i) for i in range(3)]
        for name, body in present:
            transform = body.getTransformInGround(state)
            origin, turn = transform.p(), transform.R()
            frames[name][0][k] = [origin.get(i) for i in range(3)]
            frames[name][1][k] = [[turn.get(i, j) for j in range(3)] for i in range(3)]
    return centre, velocity, frames


def _chain(model: Any, body: str) -> set[str]:
    """Coordinates of the joints between a body and the ground."""
    joints = model.getJointSet()
    above = {}
    for index in range(joints.getSize()):
        joint = joints.get(index)
        child, parent = (f.findBaseFrame().getName() for f in (joint.getChildFrame(), joint.getParentFrame()))
        above[child] = (parent, [joint.get_coordinates(k).getName() for k in range(joint.numCoordinates())])
    found: set[str] = set()
    while body in above:
        body, coordinates = above.pop(body)
        found.update(coordinates)
    return found
