"""Muscle forces and activations by OpenSim's static optimization."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from exogait.data.errors import InputError
from exogait.data.names import MUSCLES_ENDING, RESERVES_FILE
from exogait.data.processes import worker_pool
from exogait.data.trial import select_columns, select_rows
from exogait.models.energetics import IDLE_EXCITATION

from .analyze_tool import (
    analyze_setup,
    check_interval,
    read_result_table,
    renamed_forces,
    result_file,
    run_analyze_tool,
)
from .common import (
    coordinate_names,
    element,
    load_model,
    muscle_names,
    object_set,
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
    min_excitation: float = IDLE_EXCITATION,
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
        min_excitation: Least activation of a muscle.
        name: Name of the trial and interval, used for files.

    Returns:
        Activations, forces, reserves and residuals.

    Raises:
        InputError: The interval is empty or outside the motion.
        ExogaitError: OpenSim's tool failed.

    Source: OpenSim StaticOptimization (exponent 2, force-length-velocity on).
    """
    check_interval(Path(motion), time_range, name)
    setup, muscles = write_so_setup(
        model, motion, external_loads, time_range=time_range, out=out, cutoff=cutoff,
        min_excitation=min_excitation, name=name,
    )  # fmt: skip
    warnings = run_analyze_tool(setup, f"{name}: static optimization (OpenSim AnalyzeTool)")
    activation = read_result_table(setup, "StaticOptimization_activation")
    forces = read_result_table(setup, "StaticOptimization_force")
    if activation.index.has_duplicates:
        activation = select_rows(activation, ~activation.index.duplicated())
        forces = select_rows(forces, ~forces.index.duplicated())
    inside = (activation.index >= time_range[0] - 1e-6) & (activation.index <= time_range[1] + 1e-6)
    activation = select_rows(activation, inside)
    forces = select_rows(forces, np.asarray(forces.index.isin(activation.index)))
    return OptimizationResult(
        activation=select_columns(activation, muscles),
        muscle_force=select_columns(forces, muscles),
        reserves=renamed_forces(forces, "reserve_"),
        residuals=renamed_forces(forces, "residual_"),
        setup=setup,
        forces_file=result_file(setup, "StaticOptimization_force"),
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
    min_excitation: float = IDLE_EXCITATION,
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
        min_excitation: Least activation of a muscle.
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
    stripped = folder / f"{Path(model).stem}{MUSCLES_ENDING}"
    _strip_passive(full)
    for muscle in muscles:
        full.getMuscles().get(muscle).setMinControl(min_excitation)
    full.printToXML(str(stripped))
    reserves = _write_reserves(folder / RESERVES_FILE, coordinates)
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
    setup = analyze_setup(
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
    with worker_pool(min(workers, len(jobs))) as pool:
        futures = {
            label: pool.submit(static_optimization, model, motion, external_loads, **job) for label, job in jobs.items()
        }
        return {label: future.result() for label, future in futures.items()}


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
