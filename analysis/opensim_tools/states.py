"""Complete muscle states along a motion for given activations: what metabolic models and figures need.

OpenSim's MuscleAnalysis cannot be told the activations of static optimization, so the states are set and read one
instant at a time. Coordinates are filtered and differentiated exactly as OpenSim's tools do it (second-order
Butterworth both ways on padded data, fifth-degree splines).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from exogait.data.errors import UnknownNameError
from exogait.models.opensim_api import captured_log, import_opensim

from .common import load_model, muscle_names
from .dynamics import CUTOFF

_GETTERS = {
    "fiber_length": "getFiberLength",
    "normalized_fiber_length": "getNormalizedFiberLength",
    "fiber_velocity": "getFiberVelocity",
    "normalized_fiber_velocity": "getNormalizedFiberVelocity",
    "pennation_angle": "getPennationAngle",
    "tendon_length": "getTendonLength",
    "tendon_force": "getTendonForce",
    "fiber_force": "getFiberForce",
    "active_fiber_force": "getActiveFiberForce",
    "passive_fiber_force": "getPassiveFiberForce",
    "active_force_length_multiplier": "getActiveForceLengthMultiplier",
}
"""Muscle quantities of a :class:`exogait.data.trial.GaitTrial` and the OpenSim methods that give them."""


def smooth_motion(
    model: Any, motion: str | Path, time: np.ndarray, *, cutoff: float = CUTOFF
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Coordinates and speeds of a motion file at given instants, as OpenSim's tools see them.

    Args:
        model: An ``opensim.Model``.
        motion: Angles as .mot.
        time: Shape (n,), s.
        cutoff: Low-pass cut-off, Hz; negative without filter.

    Returns:
        Coordinates (rad, m) and speeds (rad/s, m/s), one column a coordinate in the model's order.
    """
    opensim = import_opensim()
    storage = opensim.Storage(str(motion))
    if cutoff > 0:
        storage.pad(storage.getSize() // 2)
        storage.lowpassIIR(cutoff)
    if storage.isInDegrees():
        model.getSimbodyEngine().convertDegreesToRadians(storage)
    splines = opensim.GCVSplineSet(5, storage)
    names = [model.getCoordinateSet().get(index).getName() for index in range(model.getNumCoordinates())]
    values, speeds = np.empty((len(time), len(names))), np.empty((len(time), len(names)))
    first = opensim.StdVectorInt()
    first.append(0)
    for column, name in enumerate(names):
        if not splines.contains(name):
            raise UnknownNameError(
                "coordinate", name, [splines.get(k).getName() for k in range(splines.getSize())], str(motion)
            )
        spline = splines.get(name)
        at = opensim.Vector(1, 0.0)
        for row, moment in enumerate(time):
            at.set(0, float(moment))
            values[row, column] = spline.calcValue(at)
            speeds[row, column] = spline.calcDerivative(first, at)
    index = pd.Index(np.asarray(time, np.float64), name="time")
    return (
        pd.DataFrame(values, index=index, columns=pd.Index(names)),
        pd.DataFrame(speeds, index=index, columns=pd.Index(names)),
    )


def muscle_states(
    model: str | Path, motion: str | Path, activation: pd.DataFrame, *, cutoff: float = CUTOFF
) -> dict[str, pd.DataFrame]:
    """Lengths, velocities and forces of all muscles at the activations of static optimization.

    Tendons that are not rigid are put into equilibrium at each instant.

    Args:
        model: Model with muscles.
        motion: Angles as .mot.
        activation: One column a muscle, index time.
        cutoff: Low-pass cut-off of the coordinates, Hz, as in static optimization.

    Returns:
        Quantity (see :data:`exogait.data.trial.MUSCLE_UNITS`) to a table with one column a muscle; ``activation``
        included.

    Raises:
        UnknownNameError: A muscle is not in the model.
    """
    loaded = load_model(model)
    names = muscle_names(loaded)
    wanted = [str(column) for column in activation.columns]
    for name in wanted:
        if name not in names:
            raise UnknownNameError("muscle", name, names, str(model))
    values, speeds = smooth_motion(loaded, motion, activation.index.to_numpy(np.float64), cutoff=cutoff)
    results = {quantity: np.empty((len(activation), len(wanted))) for quantity in _GETTERS}
    opensim = import_opensim()
    with captured_log("Error"):
        state = loaded.initSystem()
        coordinates = [loaded.getCoordinateSet().get(name) for name in values.columns]
        muscles = [loaded.getMuscles().get(name) for name in wanted]
        elastic = any(not muscle.get_ignore_tendon_compliance() for muscle in muscles)
        levels = activation.to_numpy(np.float64)
        for row, (q, u, a) in enumerate(zip(values.to_numpy(), speeds.to_numpy(), levels, strict=True)):
            for coordinate, value, speed in zip(coordinates, q.tolist(), u.tolist(), strict=True):
                coordinate.setValue(state, value, False)
                coordinate.setSpeedValue(state, speed)
            controls = opensim.Vector(loaded.getNumControls(), 0.0)
            for muscle, level in zip(muscles, a.tolist(), strict=True):
                muscle.setActivation(state, level)
                muscle.setControls(opensim.Vector(1, level), controls)
            if elastic:
                loaded.equilibrateMuscles(state)
            loaded.realizeVelocity(state)
            loaded.setControls(state, controls)
            loaded.realizeDynamics(state)
            for quantity, getter in _GETTERS.items():
                results[quantity][row] = [getattr(muscle, getter)(state) for muscle in muscles]
    tables = {"activation": activation.copy()}
    for quantity, array in results.items():
        tables[quantity] = pd.DataFrame(array, index=activation.index, columns=activation.columns)
    return tables
