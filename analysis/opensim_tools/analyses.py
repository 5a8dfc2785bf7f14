"""OpenSim's AnalyzeTool on a trial: static optimization, muscle analysis, joint reaction, body kinematics.

All four read the same motion and ground reactions as inverse dynamics and write a set-up XML that reruns in the GUI.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from exogait.data.errors import UnknownNameError
from exogait.data.names import MUSCLES_ENDING, RESERVES_FILE

from .analyze_tool import analyze_setup, read_result_table, relative_path, run_analyze_tool
from .common import (
    coordinate_names,
    element,
    load_model,
)
from .dynamics import CUTOFF
from .static_optimization import OptimizationResult

MUSCLE_QUANTITIES = {
    "FiberLength": "fiber_length",
    "NormalizedFiberLength": "normalized_fiber_length",
    "FiberVelocity": "fiber_velocity",
    "TendonLength": "tendon_length",
    "PennationAngle": "pennation_angle",
}
"""Results of OpenSim's MuscleAnalysis that follow from motion alone (rigid tendons), and their names here."""


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
    setup = analyze_setup(
        Path(out), f"{name}_muscles", Path(model), Path(motion), None, [analysis], time_range=time_range, cutoff=cutoff
    )
    run_analyze_tool(setup, f"{name}: muscle analysis (OpenSim AnalyzeTool)")
    result = {ours: read_result_table(setup, f"MuscleAnalysis_{theirs}") for theirs, ours in MUSCLE_QUANTITIES.items()}
    for coordinate in moment_arms:
        result[f"moment_arm_{coordinate}"] = read_result_table(setup, f"MuscleAnalysis_MomentArm_{coordinate}")
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
        forces_file=relative_path(optimization.forces_file, Path(out)),
        joint_names="ALL",
        apply_on_bodies="child",
        express_in_frame="child",
    )
    folder = Path(out)
    stripped = optimization.setup.parent / f"{Path(model).stem}{MUSCLES_ENDING}"
    reserves = optimization.setup.parent / RESERVES_FILE
    setup = analyze_setup(
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
    run_analyze_tool(setup, f"{name}: joint reaction (OpenSim AnalyzeTool)")
    return read_result_table(setup, "JointReaction_ReactionLoads")


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
    setup = analyze_setup(
        Path(out), f"{name}_bodies", Path(model), Path(motion), None, [analysis], time_range=time_range, cutoff=cutoff
    )
    run_analyze_tool(setup, f"{name}: body kinematics (OpenSim AnalyzeTool)")
    endings = {"position": "pos", "velocity": "vel", "acceleration": "acc"}
    return {ours: read_result_table(setup, f"BodyKinematics_{theirs}_global") for ours, theirs in endings.items()}


def muscle_parameter_table(model: str | Path | Any) -> pd.DataFrame:
    """Parameters of a model's muscles, as metabolic models need them.

    Args:
        model: Path or ``opensim.Model``.

    Returns:
        Index muscle; columns max_isometric_force (N), optimal_fiber_length (m), max_contraction_velocity (1/s),
        tendon_slack_length (m), pennation_angle (rad), mass (kg, by strength, as OpenSim's probes take it).
    """
    from exogait.models.energetics import muscle_mass

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
