"""States and controls of a roll-out as files that OpenSim plays and runs again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from exogait.data.errors import InputError
from exogait.data.storage import write_sto
from exogait.data.trial import GaitTrial
from exogait.models.describe import read
from exogait.models.opensim_api import import_opensim


def write_states(trial: GaitTrial, model: str | Path, path: str | Path) -> Path:
    """Write every state of the model over a roll-out, under OpenSim's own names, in radians.

    OpenSim's GUI plays the file with the model (File > Load Motion); ``StatesTrajectory`` and ``Manager`` read it.

    Args:
        trial: A roll-out: coordinates, speeds, activations, actuator torques.
        model: The .osim file that was simulated.
        path: The .sto file.

    Raises:
        InputError: The trial lacks a state of the model.
    """
    loaded = read(model)
    loaded.initSystem()
    names = loaded.getStateVariableNames()
    time = trial.require("coordinates").index
    columns = {}
    for label in (names.get(i) for i in range(names.getSize())):
        columns[label] = _state(trial, label)
    table = pd.DataFrame(columns, index=time)
    write_sto(table, path, name=f"{trial.name} states", in_degrees=False)
    return Path(path)


def _state(trial: GaitTrial, label: str) -> np.ndarray:
    """One state by its path, for example ``/jointset/knee_r/knee_angle_r/value``."""
    *_, owner, quantity = label.split("/")
    table: pd.DataFrame | None
    if quantity in ("value", "speed"):
        table = trial.require("coordinates" if quantity == "value" else "speeds")
    else:
        table = trial.muscles.get(quantity)
        if quantity == "activation" and (table is None or owner not in table.columns):
            table = actuator_controls(trial)
    if table is None or owner not in table.columns:
        raise InputError(f"{trial.name}: state {label}", None, "a roll-out of this model")
    return table[owner].to_numpy(np.float64)


def write_controls(trial: GaitTrial, model: str | Path, path: str | Path) -> Path:
    """Write what drove every actuator: excitations of muscles, torques over optimal force of the others.

    The columns are paths, in the model's order, as ``PrescribedController`` reads them. A control holds for the 10 ms
    before its time.

    Args:
        trial: A roll-out.
        model: The .osim file that was simulated.
        path: The .sto file.
    """
    opensim = import_opensim()
    loaded = read(model)
    excitation = trial.muscles.get("excitation")
    if excitation is None:
        raise InputError(f"{trial.name}: muscles/excitation", None, "a roll-out")
    known: dict[str, Any] = {str(name): excitation[name] for name in excitation.columns}
    known |= {str(name): column for name, column in actuator_controls(trial).items()}
    columns = {}
    for component in loaded.getComponentsList():
        if opensim.Actuator.safeDownCast(component) is not None:
            name = component.getName()
            if name not in known:
                raise InputError(f"{trial.name}: control {name}", None, "a roll-out of this model")
            columns[component.getAbsolutePathString()] = known[name]
    write_sto(pd.DataFrame(columns, index=excitation.index), path, name=f"{trial.name} controls", in_degrees=False)
    return Path(path)


def actuator_controls(trial: GaitTrial) -> pd.DataFrame:
    """Controls of trunk actuators and device: torque over optimal force, one column an actuator.

    Raises:
        InputError: The trial does not say the optimal forces (``about.optimal_force``).
    """
    tables = [trial.device_torques, trial.extra.get("trunk_actuators")]
    torques = pd.concat([table for table in tables if table is not None], axis=1)
    optimal = trial.about.optimal_force
    if any(name not in optimal for name in torques.columns):
        raise InputError(f"{trial.name}: about.optimal_force", dict(optimal), "a trial of exogait.osim_env.simulate")
    return torques / pd.Series({name: float(optimal[name]) for name in torques.columns})
