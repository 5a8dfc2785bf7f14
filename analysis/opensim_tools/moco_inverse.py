"""The effort optimum at fixed kinematics: OpenSim's MocoInverse chooses muscles and device together.

A walk without assistance gives motion and ground reactions; MocoInverse finds the muscle excitations and device torques
that carry them with the least sum of squared controls. Nobody adapts and nothing is learned: a baseline for controllers
that were learned on moving bodies.

The problem: minimise the time integral of sum(e_muscle^2) + w sum(c_device^2) + sum(tau_reserve^2 / (1 N m)^2), where
c_device is the torque over its largest, subject to the equations of motion at every mesh point. What was chosen, and
why:

- Contact is taken out, since measured or simulated ground reactions come as external loads. Joint limits and toe
  springs stay: they act on the walker too, and at fixed kinematics they are known torques. The moment about the toe
  joint is left open, since the ground reaction acts on the heel body as a whole.
- Torque is nearly free, as to a learner that is paid for metabolic power (``DEVICE_WEIGHT``). It enters as a larger
  optimal force with narrower control bounds, the same problem, since one weight for all controls converges faster.
- Activation dynamics are left out: tendons are rigid and fixed kinematics give lengths and speeds, so that instants are
  independent, no start-up transient arises, and a stride takes minutes instead of most of an hour.
- Moco's detection of the Jacobian's sparsity at random points is off: on this model it lost entries, and the solver
  then stopped 40 N m off a linear constraint.
- How motion and loads are filtered: :mod:`exogait.analysis.opensim_tools.moco_inputs`.

Source: Dembia et al. 2020, PLoS Comput Biol 16:e1008493 (OpenSim MocoInverse).
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from exogait.data.errors import ExogaitError, InputError
from exogait.data.trial import GaitTrial, select_columns
from exogait.models.opensim_api import captured_log, import_opensim

from .common import muscle_names, one_line, working_directory
from .moco_inputs import CUTOFF, DEVICE, DEVICE_WEIGHT, RESERVE, RESERVE_FORCE, RESIDUAL, prepare_model, write_inputs

MESH_INTERVAL = 0.02
"""s: 54 intervals in a stride of 1.08 s."""
TOLERANCE = 1e-3
"""Convergence and constraint tolerance; in excitations, since the goal is scaled by the mesh interval."""
MAX_ITERATIONS = 300


@dataclass(frozen=True, kw_only=True)
class MocoInverseResult:
    """Solution of one window; every table has the index time, s."""

    device_torques: pd.DataFrame
    """One column an actuator, N m, OpenSim's sign; no columns where the device was left out."""
    activation: pd.DataFrame
    """One column a muscle, 0 to 1."""
    other_torques: pd.DataFrame
    """The model's own torques, such as the trunk's, N m."""
    reserves: pd.DataFrame
    """Torque that muscles and device could not give, one column a coordinate, N m."""
    residuals: pd.DataFrame
    """What motion and ground reactions leave unexplained at the pelvis (N m, N), and the ground's unknown moment on the
    toes (``mtp_angle``, N m); one column a coordinate."""
    objective: float
    """Value of the minimised integral, s."""
    muscle_effort: float
    """Mean over time of the sum of squared muscle activations."""
    success: bool
    """Whether the solver reached its tolerances."""
    status: str
    """The solver's own word."""
    iterations: int
    seconds: float
    """Wall time of the solver, s."""
    mesh_interval: float
    """s."""
    device_weight: float

    @property
    def reserve_sizes(self) -> pd.DataFrame:
        """Peak and RMS of each reserve; index coordinate, columns peak, rms, N m."""
        return _sizes(self.reserves)

    @property
    def residual_sizes(self) -> pd.DataFrame:
        """Peak and RMS of each residual; index coordinate, columns peak, rms, N m or N."""
        return _sizes(self.residuals)

    def tables(self) -> pd.DataFrame:
        """Everything in one table: activations, and torques with ``reserve_`` and ``residual_`` before theirs."""
        named = [self.reserves.add_prefix(RESERVE), self.residuals.add_prefix(RESIDUAL)]
        return pd.concat([self.device_torques, self.other_torques, *named, self.activation], axis=1)

    def summary(self) -> str:
        """One line: settings, effort, largest reserve and residuals."""
        reserve, residual = self.reserve_sizes, self.residual_sizes
        worst = str(reserve["peak"].astype(float).idxmax())
        force, moment, toes = (
            residual[residual.index.str.contains(which)].max()
            for which in ("pelvis_t[xyz]$", "pelvis_(?:tilt|list|rotation)$", "mtp_angle")
        )
        return (
            f"{self.status}; {self.iterations} iterations; {self.seconds:.0f} s; mesh {self.mesh_interval:g} s; "
            f"device weight {self.device_weight:g}; muscle effort {self.muscle_effort:.4f}; largest reserve "
            f"{reserve['peak'].max():.2f} N m (RMS {reserve['rms'].max():.2f}) at {worst}; pelvis residual at most "
            f"{force['peak']:.1f} N (RMS {force['rms']:.1f}) and {moment['peak']:.1f} N m (RMS {moment['rms']:.1f}); "
            f"ground on toes at most {toes['peak']:.1f} N m"
        )


def solve_moco_inverse(
    trial: GaitTrial,
    model_file: str | Path,
    *,
    start: float,
    stop: float,
    folder: str | Path,
    strength: Mapping[str, float] | None = None,
    device: bool = True,
    device_weight: float = DEVICE_WEIGHT,
    mesh_interval: float = MESH_INTERVAL,
    reserve: float = RESERVE_FORCE,
    cutoff: float = CUTOFF,
    tolerance: float = TOLERANCE,
    threads: int = 1,
) -> MocoInverseResult:
    """Least-effort muscle activations and device torques along a walk.

    Args:
        trial: Walk with coordinates and ground reactions; its mass must be that of the model (a device that is not
            worn in the walk must weigh nothing in the model), or the difference shows as pelvis residuals.
        model_file: Finished .osim; actuators ``exo_<coordinate>`` are the device, their control bounds its limits.
        start: Start of the window, s.
        stop: End of the window, s.
        folder: For the files that OpenSim reads: ``moco_states.sto``, ground reactions, ExternalLoads.
        strength: Muscle to its strength as a fraction of that in the model; missing ones keep theirs.
        device: Whether the device may act.
        device_weight: Cost of full torque of one actuator, in fully excited muscles; above 0.
        mesh_interval: Distance of mesh points, s.
        reserve: Optimal force of the reserves, N m.
        cutoff: Low-pass of motion and ground reactions, Hz; negative without filter.
        tolerance: Convergence and constraint tolerance.
        threads: Threads of the solver.

    Returns:
        Torques, activations, reserves, residuals; ``success`` is False where the solver gave up.

    Raises:
        InputError: The trial lacks coordinates or ground reactions, or does not cover the window; a value out of range.
        UnknownNameError: A weak muscle is not in the model.
        ExogaitError: OpenSim refused the problem.

    Example:
        >>> solve_moco_inverse(walk, "exo.osim", start=4.4, stop=5.5, folder="moco").success  # doctest: +SKIP
        True

    Source: OpenSim MocoInverse; trapezoidal transcription, implicit dynamics, CasADi and IPOPT.
    """
    for field, value in (("device_weight", device_weight), ("mesh_interval", mesh_interval), ("reserve", reserve)):
        if not value > 0:
            raise InputError(field, value, "a number above 0")
    folder = Path(folder).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    states, loads = write_inputs(trial, model_file, folder, start=start, stop=stop, cutoff=cutoff)
    opensim = import_opensim()
    model = prepare_model(model_file, strength=strength, device=device, device_weight=device_weight, reserve=reserve)
    processor = opensim.ModelProcessor(model)
    processor.append(opensim.ModOpAddExternalLoads(str(loads)))
    processor.append(opensim.ModOpIgnoreActivationDynamics())
    inverse = opensim.MocoInverse()
    inverse.setModel(processor)
    inverse.setKinematics(opensim.TableProcessor(str(states)))
    inverse.set_initial_time(float(start))
    inverse.set_final_time(float(stop))
    inverse.set_mesh_interval(float(mesh_interval))
    inverse.set_convergence_tolerance(tolerance)
    inverse.set_constraint_tolerance(tolerance)
    inverse.set_max_iterations(MAX_ITERATIONS)
    begin, failure, solution = time.monotonic(), None, None
    # Moco leaves a file by which it can be stopped in the working directory while it runs.
    with captured_log("Error"), working_directory(folder):
        try:
            study = inverse.initialize()
            goal = opensim.MocoControlGoal.safeDownCast(study.updProblem().updGoal("excitation_effort"))
            goal.setWeight(1.0 / mesh_interval)
            goal.setWeightForControlPattern(f".*/{RESIDUAL}.*", 0.0)
            solver = opensim.MocoCasADiSolver.safeDownCast(study.updSolver())
            solver.set_transcription_scheme("trapezoidal")
            solver.set_optim_sparsity_detection("none")
            solver.set_parallel(threads if threads > 1 else 0)
            solution = study.solve()
        except RuntimeError as error:
            failure = error
    if solution is None:
        raise ExogaitError(f"{trial.name}: MocoInverse refused the problem: {one_line(failure)}")
    return _result(model, solution, time.monotonic() - begin, mesh_interval, device_weight)


def opensim_version() -> str:
    """Version of the OpenSim at hand, for provenance."""
    return str(import_opensim().GetVersion())


def _result(model: Any, solution: Any, seconds: float, mesh: float, weight: float) -> MocoInverseResult:
    opensim = import_opensim()
    success, status = bool(solution.success()), str(solution.getStatus())
    solution.unseal()
    clock = pd.Index(np.asarray(solution.getTimeMat(), np.float64), name="time")
    names = [str(path).rpartition("/")[2] for path in solution.getControlNames()]
    controls = pd.DataFrame(np.asarray(solution.getControlsTrajectoryMat()), index=clock, columns=pd.Index(names))
    muscles = [name for name in muscle_names(model) if name in names]
    activation = select_columns(controls, muscles)  # without activation dynamics a muscle's control
    torques = select_columns(controls, [name for name in names if name not in muscles]).copy()
    for name in torques.columns:
        torques[name] *= opensim.CoordinateActuator.safeDownCast(model.getForceSet().get(name)).getOptimalForce()
    parts = {prefix: [c for c in torques.columns if c.startswith(prefix)] for prefix in (DEVICE, RESERVE, RESIDUAL)}
    listed = {name for some in parts.values() for name in some}
    squares = np.square(activation.to_numpy(np.float64)).sum(axis=1)
    return MocoInverseResult(
        device_torques=select_columns(torques, parts[DEVICE]),
        activation=activation,
        other_torques=select_columns(torques, [c for c in torques.columns if c not in listed]),
        reserves=select_columns(torques, parts[RESERVE]).rename(columns=lambda c: str(c).removeprefix(RESERVE)),
        residuals=select_columns(torques, parts[RESIDUAL]).rename(columns=lambda c: str(c).removeprefix(RESIDUAL)),
        objective=float(solution.getObjective()) * mesh,
        muscle_effort=float(np.trapezoid(squares, clock) / (clock[-1] - clock[0])),
        success=success, status=status, iterations=int(solution.getNumIterations()), seconds=seconds,
        mesh_interval=mesh, device_weight=weight,
    )  # fmt: skip


def _sizes(table: pd.DataFrame) -> pd.DataFrame:
    values = table.to_numpy(np.float64)
    return pd.DataFrame(
        {"peak": np.abs(values).max(axis=0), "rms": np.sqrt(np.square(values).mean(axis=0))},
        index=pd.Index(table.columns, name="coordinate"),
    )
