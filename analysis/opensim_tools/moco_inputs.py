"""Model, motion and loads as MocoInverse needs them.

Motion and ground reactions go through the same low-pass, or impacts would appear as residuals. The compiled engine
reports ground reactions as means over the sample before; they are moved back by half a sample.

Source: Kristianslund et al. 2012, J Biomech 45:666 (same cut-off for motion and force).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from exogait.data.errors import InputError, UnknownNameError
from exogait.data.storage import write_sto
from exogait.data.trial import GaitTrial, select_columns, select_rows
from exogait.models.opensim_api import import_opensim

from ..signals.filters import butterworth
from .common import coordinate_names, load_model, muscle_names
from .external_loads import FOOT_BODIES, held_pressure, write_ground_reactions

DEVICE_WEIGHT = 1e-3
"""Cost of the largest torque of one actuator, in fully excited muscles."""
RESERVE_FORCE = 1.0
"""Optimal force of a reserve, N m: 1 N m costs a fully excited muscle."""
RESIDUAL_FORCE = 100.0
"""Optimal force of a residual, N or N m; free of cost."""
UNKNOWN = ("pelvis_", "mtp_angle_")
"""Coordinates with a residual instead of a reserve. The pelvis, whose residuals follow from motion and loads alone; and
the toes: the whole ground reaction of a foot acts on its heel body, so that what the ground gives the toes is unknown
(with a reserve there, toe springs and flexors were balanced by 8 N m of it at push-off)."""
CUTOFF = 12.0
"""Low-pass of motion and ground reactions, Hz: the least residuals of a simulated walk between 6 and 20 Hz."""
MARGIN = 0.2
"""Motion kept on both sides of the window for the splines, s, as far as the trial has it."""
DEVICE, RESERVE, RESIDUAL = "exo_", "reserve_", "residual_"
_CONTACT = ("SmoothSphereHalfSpaceForce", "HuntCrossleyForce", "ElasticFoundationForce")


def prepare_model(
    model_file: str | Path,
    *,
    strength: Mapping[str, float] | None = None,
    device: bool = True,
    device_weight: float = DEVICE_WEIGHT,
    reserve: float = RESERVE_FORCE,
) -> Any:
    """The model as MocoInverse needs it: weak muscles weak, no contact, reserves and residuals, weighted device.

    Args:
        model_file: Finished .osim.
        strength: Muscle to a factor on its maximum isometric force, above 0 and at most 1.
        device: Keep the device's actuators.
        device_weight: Cost of full torque of one actuator, in fully excited muscles.
        reserve: Optimal force of the reserves, N m.

    Returns:
        An ``opensim.Model``.

    Raises:
        FileFormatError: The model cannot be loaded.
        InputError: A strength is not a fraction.
        UnknownNameError: A weak muscle is not in the model.
    """
    opensim = import_opensim()
    model = load_model(model_file)
    muscles = model.getMuscles()
    for name, factor in (strength or {}).items():
        if not muscles.contains(name):
            raise UnknownNameError("muscle", name, muscle_names(model), str(model_file))
        if not 0.0 < factor <= 1.0:
            raise InputError(f"strength of {name}", factor, "a fraction above 0 and at most 1")
        muscles.get(name).setMaxIsometricForce(factor * muscles.get(name).getMaxIsometricForce())
    forces, root = model.updForceSet(), math.sqrt(device_weight)
    for index in reversed(range(forces.getSize())):
        force = forces.get(index)
        worn = force.getName().startswith(DEVICE)
        if force.getConcreteClassName() in _CONTACT or (worn and not device):
            forces.remove(index)
        elif worn:
            actuator = opensim.CoordinateActuator.safeDownCast(force)
            actuator.setOptimalForce(actuator.getOptimalForce() / root)
            actuator.setMinControl(actuator.getMinControl() * root)
            actuator.setMaxControl(actuator.getMaxControl() * root)
    model.updContactGeometrySet().setSize(0)
    for name in coordinate_names(model):
        free = name.startswith(UNKNOWN)
        actuator = opensim.CoordinateActuator(name)
        actuator.setName(f"{RESIDUAL if free else RESERVE}{name}")
        actuator.setOptimalForce(RESIDUAL_FORCE if free else reserve)
        actuator.setMinControl(-math.inf)
        actuator.setMaxControl(math.inf)
        model.addForce(actuator)
        actuator.thisown = False
    model.finalizeConnections()
    model.initSystem()
    return model


def write_inputs(
    trial: GaitTrial, model_file: str | Path, folder: Path, *, start: float, stop: float, cutoff: float = CUTOFF
) -> tuple[Path, Path]:
    """Write the filtered motion as a states file and the filtered ground reactions with their ExternalLoads.

    Args:
        trial: Walk with coordinates and ground reactions.
        model_file: The model, for the paths of its coordinates.
        folder: Where to write.
        start: Start of the window, s.
        stop: End of the window, s.
        cutoff: Low-pass, Hz; negative without filter.

    Returns:
        The states file (rad, m) and the ExternalLoads .xml.

    Raises:
        InputError: The trial lacks coordinates or ground reactions, or does not cover the window.
    """
    motion = trial.require("coordinates")
    loads = held_pressure(trial.require("ground_reactions"))
    if trial.about.engine == "twin":  # means over the sample before its time
        loads.index = pd.Index(loads.index - 0.5 / _rate(loads), name="time")
    first, last = (pick(motion.index[at], loads.index[at]) for pick, at in ((max, 0), (min, -1)))
    if not first <= start < stop <= last + 1e-9:
        raise InputError(
            f"{trial.name}: window", (start, stop), f"inside what was recorded, {first:.3f} to {last:.3f} s"
        )
    if cutoff > 0:
        loads = _filtered_loads(loads, cutoff)
        motion = motion.copy()
        motion[:] = butterworth(motion.to_numpy(np.float64), _rate(motion), cutoff)
    motion = select_rows(motion, (motion.index >= start - MARGIN) & (motion.index <= stop + MARGIN))
    model = load_model(model_file)  # kept, as its coordinates live no longer than it
    known = coordinate_names(model)
    paths = {name: model.getCoordinateSet().get(name).getAbsolutePathString() for name in known}
    missing = [name for name in known if name not in motion.columns]
    if missing:
        raise UnknownNameError("coordinate", missing[0], map(str, motion.columns), trial.name)
    motion = select_columns(motion, known)
    motion.columns = pd.Index([f"{paths[name]}/value" for name in known])
    write_sto(motion, folder / "moco_states.sto", name="states", in_degrees=False)
    return folder / "moco_states.sto", write_ground_reactions(loads, folder, "moco")[1]


def _filtered_loads(loads: pd.DataFrame, cutoff: float) -> pd.DataFrame:
    """Force and moment about the origin filtered, the moment then moved back to the recorded centre of pressure."""
    result = loads.copy()
    for side in FOOT_BODIES:
        names = [[f"ground_{kind}{axis}" for axis in "xyz"] for kind in
                 (f"force_{side}_v", f"force_{side}_p", f"torque_{side}_")]  # fmt: skip
        force, point, torque = (loads[columns].to_numpy(np.float64) for columns in names)
        smooth = butterworth(force, _rate(loads), cutoff)
        moment = butterworth(torque + np.cross(point, force), _rate(loads), cutoff)
        result[names[0]], result[names[2]] = smooth, moment - np.cross(point, smooth)
    return result


def _rate(table: pd.DataFrame) -> float:
    return 1.0 / float(np.median(np.diff(table.index.to_numpy(np.float64))))
