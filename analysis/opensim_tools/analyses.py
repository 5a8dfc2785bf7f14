"""OpenSim's AnalyzeTool on a trial: static optimization, muscle analysis, joint reaction, body kinematics.

All four read the same motion and ground reactions as inverse dynamics and write a set-up XML that reruns in the GUI.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pandas as pd

from data.errors import FileFormatError, InputError, UnknownNameError
from data.storage import read_sto
from data.trial import select_columns, select_rows
from models.opensim_api import import_opensim

from .common import (
    coordinate_names,
    element,
    load_model,
    muscle_names,
    object_set,
    run_tool,
    working_directory,
    write_document,
)
from .dynamics import CUTOFF

RESERVE_FORCE = 1.0
"""Optimal force of a reserve, N m: its control squared counts like a muscle's, so that 1 N m costs a full
activation."""
RESIDUAL_FORCE = 100.0
"""Optimal force of a pelvis residual, N or N m: nothing else moves the pelvis, so it must be cheap."""
_PASSIVE_CLASSES = ("CoordinateLimitForce", "SpringGeneralizedForce", "SmoothSphereHalfSpaceForce", "HuntCrossleyForce")
"""Forces that inverse dynamics leaves out, and static optimization must leave out too."""

MUSCLE_QUANTITIES = {
    "FiberLength": "fiber_length",
    "NormalizedFiberLength": "normalized_fiber_length",
    "FiberVelocity": "fiber_velocity",
    "TendonLength": "tendon_length",
    "PennationAngle": "pennation_angle",
}
"""Results of OpenSim's MuscleAnalysis that follow from motion alone (rigid tendons), and their names here."""


@dataclass(frozen=True, kw_only=True)
class OptimizationResult:
    """Static optimization of one interval."""

    activation: pd.DataFrame
    """One column a muscle, 0 to 1."""
    muscle_force: pd.DataFrame
    """One column a muscle, N."""
    reserves: pd.DataFrame
    """Torque that the muscles could not give, one column a joint coordinate, N m."""
    residuals: pd.DataFrame
    """Forces and moments on the pelvis that nothing explains, N and N m."""
    setup: Path
    """Set-up of the AnalyzeTool."""
    forces_file: Path
    """All actuator forces, as joint reaction reads them."""
    warnings: tuple[str, ...]
    """What the optimizer said."""


def static_optimization(
    model: str | Path,
    motion: str | Path,
    external_loads: str | Path | None,
    *,
    time_range: tuple[float, float],
    out: str | Path,
    cutoff: float = CUTOFF,
    name: str = "trial",
) -> OptimizationResult:
    """Muscle activations that give the joint moments with the least sum of squared activations.

    Reserves (1 N m) stand at every joint and are reported; residuals stand at the pelvis. Joint limits, springs and
    contact are left out, as in inverse dynamics.

    Two simplifications are OpenSim's own: tendons are taken as rigid, and only the active force counts (for
    DeGroote-Fregly muscles without the cosine of the pennation angle). The force at the same activation in
    :func:`muscle_states` therefore differs by the passive force and the pennation, a few percent in walking.

    Args:
        model: Scaled model with muscles.
        motion: Angles as .mot, of inverse kinematics.
        external_loads: ExternalLoads .xml, of inverse dynamics.
        time_range: Start and end, s; one stride is usual.
        out: Folder for set-up and results.
        cutoff: Low-pass cut-off of the coordinates, Hz, the same as in inverse dynamics.
        name: Name of the trial and interval, used for files.

    Returns:
        Activations, forces, reserves and residuals.

    Raises:
        InputError: The interval is empty or outside the motion.
        ExogaitError: OpenSim's tool failed.

    Source: OpenSim StaticOptimization (exponent 2, force-length-velocity on).
    """
    _check_interval(Path(motion), time_range, name)
    setup, muscles = write_so_setup(
        model, motion, external_loads, time_range=time_range, out=out, cutoff=cutoff, name=name
    )
    warnings = _run(setup, f"{name}: static optimization (OpenSim AnalyzeTool)")
    activation = _result(setup, "StaticOptimization_activation")
    forces = _result(setup, "StaticOptimization_force")
    if activation.index.has_duplicates:
        activation = select_rows(activation, ~activation.index.duplicated())
        forces = select_rows(forces, ~forces.index.duplicated())
    inside = (activation.index >= time_range[0] - 1e-6) & (activation.index <= time_range[1] + 1e-6)
    activation = select_rows(activation, inside)
    forces = select_rows(forces, np.asarray(forces.index.isin(activation.index)))
    return OptimizationResult(
        activation=select_columns(activation, muscles),
        muscle_force=select_columns(forces, muscles),
        reserves=_renamed(forces, "reserve_"),
        residuals=_renamed(forces, "residual_"),
        setup=setup,
        forces_file=_result_file(setup, "StaticOptimization_force"),
        warnings=tuple(warnings),
    )


def write_so_setup(
    model: str | Path,
    motion: str | Path,
    external_loads: str | Path | None,
    *,
    time_range: tuple[float, float],
    out: str | Path,
    cutoff: float = CUTOFF,
    name: str = "trial",
) -> tuple[Path, list[str]]:
    """Write everything that static optimization needs into one folder, without running it.

    Args:
        model: Scaled model with muscles; a copy without joint limits, springs and contact goes into the folder.
        motion: Angles as .mot.
        external_loads: ExternalLoads .xml.
        time_range: Start and end, s.
        out: The folder.
        cutoff: Low-pass cut-off of the coordinates, Hz.
        name: Name of the trial and interval, used for files.

    Returns:
        The set-up and the names of the muscles.
    """
    folder = Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    full = load_model(model)
    muscles, coordinates = muscle_names(full), coordinate_names(full)
    if not muscles:
        raise InputError(f"{name}: {model}", "no muscles", "a model with muscles for static optimization")
    stripped = folder / f"{Path(model).stem}_muscles.osim"
    _strip_passive(full)
    full.printToXML(str(stripped))
    reserves = _write_reserves(folder / "reserve_actuators.xml", coordinates)
    analysis = element(
        "StaticOptimization",
        name="StaticOptimization",
        on=True,
        start_time=float(time_range[0]),
        end_time=float(time_range[1]),
        step_interval=1,
        in_degrees=True,
        use_model_force_set=True,
        activation_exponent=2.0,
        use_muscle_physiology=True,
        optimizer_convergence_criterion=1e-4,
        optimizer_max_iterations=200,
    )
    setup = _analyze_setup(
        folder,
        f"{name}_so",
        stripped,
        Path(motion),
        None if external_loads is None else Path(external_loads),
        [analysis],
        time_range=time_range,
        cutoff=cutoff,
        force_set=reserves,
    )
    return setup, muscles


def optimize_intervals(
    model: str | Path,
    motion: str | Path,
    external_loads: str | Path | None,
    intervals: Sequence[tuple[str, float, float]],
    *,
    out: str | Path,
    cutoff: float = CUTOFF,
    workers: int = 2,
) -> dict[str, OptimizationResult]:
    """Static optimization of several intervals, for example one stride a leg, in parallel processes.

    Args:
        model: Scaled model with muscles.
        motion: Angles as .mot.
        external_loads: ExternalLoads .xml.
        intervals: Name, start and end (s) of each.
        out: Folder; each interval gets one inside it.
        cutoff: Low-pass cut-off of the coordinates, Hz.
        workers: Processes; 1 runs here.

    Returns:
        Result by name of the interval.
    """
    folder = Path(out)
    jobs = {
        label: {"time_range": (start, end), "out": folder / label, "cutoff": cutoff, "name": label}
        for label, start, end in intervals
    }
    if workers <= 1 or len(jobs) <= 1:
        return {label: static_optimization(model, motion, external_loads, **job) for label, job in jobs.items()}
    # OpenSim keeps state in the process that a fork would copy in the middle of things.
    with ProcessPoolExecutor(min(workers, len(jobs)), mp_context=get_context("spawn")) as pool:
        futures = {
            label: pool.submit(static_optimization, model, motion, external_loads, **job) for label, job in jobs.items()
        }
        return {label: future.result() for label, future in futures.items()}


def muscle_analysis(
    model: str | Path,
    motion: str | Path,
    *,
    time_range: tuple[float, float],
    out: str | Path,
    cutoff: float = CUTOFF,
    moment_arms: Sequence[str] = (),
    name: str = "trial",
) -> dict[str, pd.DataFrame]:
    """Lengths, velocities and moment arms of the muscles along a motion.

    Args:
        model: Model with muscles.
        motion: Angles as .mot.
        time_range: Start and end, s.
        out: Folder for set-up and results.
        cutoff: Low-pass cut-off of the coordinates, Hz.
        moment_arms: Coordinates whose moment arms are wanted.
        name: Name of the trial, used for files.

    Returns:
        Quantity (``fiber_length``, ``normalized_fiber_length``, ``fiber_velocity``, ``tendon_length``,
        ``pennation_angle``, ``moment_arm_<coordinate>``) to a table with one column a muscle, SI units.

    Source: OpenSim MuscleAnalysis.
    """
    loaded = load_model(model)
    names = coordinate_names(loaded)
    for coordinate in moment_arms:
        if coordinate not in names:
            raise UnknownNameError("coordinate", coordinate, names, str(model))
    analysis = element(
        "MuscleAnalysis",
        name="MuscleAnalysis",
        on=True,
        start_time=float(time_range[0]),
        end_time=float(time_range[1]),
        step_interval=1,
        in_degrees=False,
        muscle_list="all",
        moment_arm_coordinate_list=list(moment_arms) or "none",
        compute_moments=bool(moment_arms),
    )
    setup = _analyze_setup(
        Path(out), f"{name}_muscles", Path(model), Path(motion), None, [analysis], time_range=time_range, cutoff=cutoff
    )
    _run(setup, f"{name}: muscle analysis (OpenSim AnalyzeTool)")
    result = {ours: _result(setup, f"MuscleAnalysis_{theirs}") for theirs, ours in MUSCLE_QUANTITIES.items()}
    for coordinate in moment_arms:
        result[f"moment_arm_{coordinate}"] = _result(setup, f"MuscleAnalysis_MomentArm_{coordinate}")
    return result


def joint_reaction(
    model: str | Path,
    motion: str | Path,
    external_loads: str | Path | None,
    optimization: OptimizationResult,
    *,
    out: str | Path,
    cutoff: float = CUTOFF,
    name: str = "trial",
) -> pd.DataFrame:
    """Joint contact forces under the muscle forces of static optimization.

    Args:
        model: The model that was optimized.
        motion: Angles as .mot.
        external_loads: ExternalLoads .xml.
        optimization: Its result.
        out: Folder for set-up and results.
        cutoff: Low-pass cut-off of the coordinates, Hz.
        name: Name of the trial, used for files.

    Returns:
        Force (N), moment (N m) and point (m) of each joint on its child, in the child's frame; columns
        ``<joint>_on_<body>_in_<body>_{fx..mz,px..}``.

    Source: OpenSim JointReaction.
    """
    time = optimization.activation.index
    analysis = element(
        "JointReaction",
        name="JointReaction",
        on=True,
        start_time=float(time[0]),
        end_time=float(time[-1]),
        step_interval=1,
        in_degrees=True,
        forces_file=_relative(optimization.forces_file, Path(out)),
        joint_names="ALL",
        apply_on_bodies="child",
        express_in_frame="child",
    )
    folder = Path(out)
    stripped = optimization.setup.parent / f"{Path(model).stem}_muscles.osim"
    reserves = optimization.setup.parent / "reserve_actuators.xml"
    setup = _analyze_setup(
        folder,
        f"{name}_jr",
        stripped,
        Path(motion),
        None if external_loads is None else Path(external_loads),
        [analysis],
        time_range=(float(time[0]), float(time[-1])),
        cutoff=cutoff,
        force_set=reserves,
    )
    _run(setup, f"{name}: joint reaction (OpenSim AnalyzeTool)")
    return _result(setup, "JointReaction_ReactionLoads")


def body_kinematics(
    model: str | Path,
    motion: str | Path,
    *,
    time_range: tuple[float, float],
    out: str | Path,
    cutoff: float = CUTOFF,
    name: str = "trial",
) -> dict[str, pd.DataFrame]:
    """Position, velocity and acceleration of every body's mass centre and of the whole body, in the ground frame.

    Args:
        model: The model.
        motion: Angles as .mot.
        time_range: Start and end, s.
        out: Folder for set-up and results.
        cutoff: Low-pass cut-off of the coordinates, Hz.
        name: Name of the trial, used for files.

    Returns:
        ``position``, ``velocity`` and ``acceleration`` tables: m and rad, per second, per second squared; columns
        ``<body>_{X,Y,Z,Ox,Oy,Oz}`` and ``center_of_mass_{X,Y,Z}``.

    Source: OpenSim BodyKinematics.
    """
    analysis = element(
        "BodyKinematics",
        name="BodyKinematics",
        on=True,
        start_time=float(time_range[0]),
        end_time=float(time_range[1]),
        step_interval=1,
        in_degrees=False,
        bodies="all",
        express_results_in_body_local_frame=False,
    )
    setup = _analyze_setup(
        Path(out), f"{name}_bodies", Path(model), Path(motion), None, [analysis], time_range=time_range, cutoff=cutoff
    )
    _run(setup, f"{name}: body kinematics (OpenSim AnalyzeTool)")
    endings = {"position": "pos", "velocity": "vel", "acceleration": "acc"}
    return {ours: _result(setup, f"BodyKinematics_{theirs}_global") for ours, theirs in endings.items()}


def muscle_parameter_table(model: str | Path | Any) -> pd.DataFrame:
    """Parameters of a model's muscles, as metabolic models need them.

    Args:
        model: Path or ``opensim.Model``.

    Returns:
        Index muscle; columns max_isometric_force (N), optimal_fiber_length (m), max_contraction_velocity (1/s),
        tendon_slack_length (m), pennation_angle (rad), mass (kg).
    """
    from data.metabolics import muscle_mass

    loaded = load_model(model) if isinstance(model, str | Path) else model
    muscles = loaded.getMuscles()
    rows = {}
    for index in range(muscles.getSize()):
        muscle = muscles.get(index)
        force, length = muscle.getMaxIsometricForce(), muscle.getOptimalFiberLength()
        rows[muscle.getName()] = {
            "max_isometric_force": force,
            "optimal_fiber_length": length,
            "max_contraction_velocity": muscle.getMaxContractionVelocity(),
            "tendon_slack_length": muscle.getTendonSlackLength(),
            "pennation_angle": muscle.getPennationAngleAtOptimalFiberLength(),
            "mass": float(muscle_mass(force, length)),
        }
    return pd.DataFrame.from_dict(rows, orient="index")


def _check_interval(motion: Path, time_range: tuple[float, float], name: str) -> None:
    time = read_sto(motion).index
    start, end = time_range
    inside = start < end and start >= time[0] - 1e-6 and end <= time[-1] + 1e-6
    if not (np.isfinite(start) and np.isfinite(end) and inside):
        limits = f"inside {time[0]:.3f} to {time[-1]:.3f} s"
        raise InputError(f"{name}: time range", f"{start:.3f} to {end:.3f} s", limits)


def _strip_passive(model: Any) -> None:
    forces = model.updForceSet()
    for index in reversed(range(forces.getSize())):
        if forces.get(index).getConcreteClassName() in _PASSIVE_CLASSES:
            forces.remove(index)
    model.finalizeConnections()


def _write_reserves(path: Path, coordinates: Sequence[str]) -> Path:
    actuators = []
    for coordinate in coordinates:
        on_pelvis = coordinate.startswith("pelvis_")
        actuators.append(
            element(
                "CoordinateActuator",
                name=("residual_" if on_pelvis else "reserve_") + coordinate,
                coordinate=coordinate,
                optimal_force=RESIDUAL_FORCE if on_pelvis else RESERVE_FORCE,
                min_control=-1e4,
                max_control=1e4,
            )
        )
    return write_document(path, object_set("ForceSet", actuators, name="reserve_actuators"))


def _analyze_setup(
    folder: Path,
    name: str,
    model: Path,
    motion: Path,
    loads: Path | None,
    analyses: Sequence[ElementTree.Element],
    *,
    time_range: tuple[float, float],
    cutoff: float,
    force_set: Path | None = None,
) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    root = element(
        "AnalyzeTool",
        object_set("AnalysisSet", list(analyses), name="Analyses"),
        name=name,
        model_file=_relative(model, folder),
        replace_force_set=False,
        force_set_files="" if force_set is None else _relative(force_set, folder),
        results_directory="results",
        output_precision=17,
        initial_time=float(time_range[0]),
        final_time=float(time_range[1]),
        solve_for_equilibrium_for_auxiliary_states=False,
        external_loads_file="" if loads is None else _relative(loads, folder),
        coordinates_file=_relative(motion, folder),
        lowpass_cutoff_frequency_for_coordinates=float(cutoff),
    )
    return write_document(folder / f"{name}_setup.xml", root)


def _relative(path: Path, folder: Path) -> str:
    """Path as the set-up names it: relative, so that the folder can move."""
    import os

    return os.path.relpath(Path(path).resolve(), folder.resolve())


def _run(setup: Path, what: str) -> list[str]:
    opensim = import_opensim()
    with working_directory(setup.parent):
        tool = opensim.AnalyzeTool(setup.name)
        return run_tool(what, tool.run, hint="check time range, motion and ground reactions")


def _result_file(setup: Path, ending: str) -> Path:
    return setup.parent / "results" / f"{setup.stem.removesuffix('_setup')}_{ending}.sto"


def _result(setup: Path, ending: str) -> pd.DataFrame:
    path = _result_file(setup, ending)
    if not path.exists():
        raise FileFormatError(path, "OpenSim wrote no such result", "run the set-up in the GUI to see why")
    return read_sto(path, in_degrees=False)


def _renamed(forces: pd.DataFrame, prefix: str) -> pd.DataFrame:
    part = select_columns(forces, [str(c) for c in forces.columns if str(c).startswith(prefix)])
    return part.rename(columns=lambda c: str(c).removeprefix(prefix))
