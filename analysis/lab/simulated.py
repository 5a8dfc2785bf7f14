"""The lab road's end for simulated walks: powers, metabolic rate, checks, report, tables, OpenSim folder.

A roll-out knows every force, so nothing is masked; and it is no measurement, so every page and folder says that it is
simulated.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from exogait.data import DataQualityWarning, GaitTrial, output_folder
from exogait.data.constants import GRAVITY
from exogait.data.names import REPORT_PAGE
from exogait.data.quality import QualityRow, judge, to_metadata
from exogait.data.trial import SIDES, Side, select_columns
from exogait.models.energetics import ACCOUNTINGS, accounting_title

from ..gait.cycle import find_strides
from ..gait.energy import compute_metabolics, stride_cost
from ..gait.metrics import compute_metrics
from ..gait.power import joint_powers
from ..opensim_tools.body_motion import with_body_motion
from ..report.trial import write_report
from .export import export_opensim
from .run import RESULTS, write_tables, write_trial

SATURATED = 0.99
"""Excitation from which a muscle counts as saturated."""
SPEED_LIMIT_PCT = 5.0
"""Largest speed error that passes, %."""
TRUNK_LIMIT_PCT = 5.0
"""Largest share of the trunk actuators' positive work in that of all muscles that passes, %."""
SATURATION_LIMIT_PCT = 5.0
"""Largest share of saturated excitations that passes, %."""
ANTAGONISTS = (("soleus", "tib_ant"), ("med_gas", "tib_ant"), ("vas_lat", "bifemlh"), ("rect_fem", "semimem"))
"""Pairs whose joint activation is the measure of co-contraction: ankle, ankle, knee, knee."""
CREDO = "the suite's own limit, stated in docs/results.md"


@dataclass(frozen=True, kw_only=True)
class SimulatedRun:
    """What was written about a simulated walk."""

    trial: GaitTrial
    """The trial, with powers, metabolic rate and checks."""
    folder: Path
    """Where everything lies."""
    report: Path
    """The report."""
    metrics: pd.DataFrame
    """Scalars (:func:`exogait.analysis.gait.metrics.compute_metrics`)."""

    def summary(self) -> str:
        """A few lines for the screen."""
        about = self.trial.about
        walked = self.trial.require("coordinates").index[-1]
        lines = [f"{self.trial.name} (simulated, engine {about.engine or 'unknown'}): walked {walked:.2f} s"]
        if about.fell:
            asked = float("nan") if about.requested_seconds is None else about.requested_seconds
            lines[0] += f", then fell (of {asked:g} s asked for)"
        strides = {side: len(find_strides(self.trial.events, side)) for side in SIDES}
        lines.append(f"strides: right {strides['r']}, left {strides['l']}")
        for row in about.quality:
            lines.append(f"  {row['verdict']:5s} {row['what']}: {row['found']} {row['limit']}".rstrip())
        for name, rows in about.metabolics.items():
            values = {label: (value, unit) for label, value, unit in rows}
            parts = [f"{label.replace('_', ' ')} {values[label][0]:.2f} {values[label][1]}"
                     for label in ("metabolic_rate_gross", "cost_of_transport_gross") if label in values]  # fmt: skip
            lines.append(f"  {accounting_title(name)}: {', '.join(parts)}")
        lines.append(f"open {self.report}")
        return "\n".join(lines)


def analyse_simulation(trial: GaitTrial) -> GaitTrial:
    """Add joint powers, metabolic rate over the strides, and checks to a roll-out.

    Args:
        trial: A roll-out (``about.simulated``).

    Returns:
        The trial; ``about`` holds ``metabolics``, ``quality`` and the measured speed as a measured trial's does.
    """
    forces, speeds = trial.require("generalized_forces"), trial.require("speeds")
    trial = trial.replace(joint_powers=joint_powers(forces, speeds))
    strides: list[tuple[Side, float, float]] = [
        (side, stride.start, stride.stop) for side in SIDES for stride in find_strides(trial.events, side)
    ]
    energy: dict[str, list[tuple[str, float, str]]] = {}
    if strides and "activation" in trial.muscles:
        speed = mean_speed(trial)
        for name in ACCOUNTINGS:
            cost = stride_cost(compute_metabolics(trial, model=name), strides, speed=speed)
            energy[name] = [(label, float(value), unit) for label, value, unit in cost.to_rows() if np.isfinite(value)]
    rows = simulation_rows(trial)
    return trial.with_about(
        metabolics=energy,
        muscle_method="Muscle activations of the simulation (no measurement)",
        quality=to_metadata(rows),
        speed_measured=mean_speed(trial),
    )


def mean_speed(trial: GaitTrial) -> float:
    """Mean forward speed of the pelvis over whole strides, else over the walk, m/s."""
    way = trial.require("coordinates")["pelvis_tx"]
    strides = [stride for side in SIDES for stride in find_strides(trial.events, side)]
    start, stop = float(way.index[0]), float(way.index[-1])
    if strides:
        start, stop = min(s.start for s in strides), max(s.stop for s in strides)
    clock, x = way.index.to_numpy(np.float64), way.to_numpy(np.float64)
    return float((np.interp(stop, clock, x) - np.interp(start, clock, x)) / (stop - start)) if stop > start else np.nan


def simulation_rows(trial: GaitTrial) -> list[QualityRow]:
    """Checks of a roll-out: fall, speed, saturation, co-contraction, work of the trunk actuators, ground reaction.

    Args:
        trial: A roll-out with joint powers or without.
    """
    about = trial.about
    rows = [
        QualityRow("Simulation", "origin", f"simulated, engine {about.engine or 'unknown'}; no measurement"),
        QualityRow(
            "Simulation", "fall", f"after {about.fall_time:.2f} s" if about.fell else "none", "none",
            "fail" if about.fell else "pass",
        ),
        QualityRow("Simulation", "forces that no muscle, contact or device makes", _helpers(trial)),
        QualityRow("Simulation", "grey bands of schreiber2019 (not validation)",
                   "the suite's reference motion was fitted to walks of that study; agreement with it is tracking"),
    ]  # fmt: skip
    commanded = about.speed_commanded
    if commanded is not None and commanded > 0:
        found = mean_speed(trial)
        error = 100.0 * abs(found / commanded - 1.0)
        rows.append(
            judge("Simulation", f"speed {found:.2f} m/s, error against {commanded:.2f} m/s commanded", error,
                  SPEED_LIMIT_PCT, "%", source=CREDO)
        )  # fmt: skip
    excitation = trial.muscles.get("excitation")
    if excitation is not None:
        share = 100.0 * float((excitation.to_numpy(np.float64) >= SATURATED).mean())
        rows.append(
            judge("Muscles", "saturated excitations, of all samples", share, SATURATION_LIMIT_PCT, "%", source=CREDO)
        )
    activation = trial.muscles.get("activation")
    if activation is not None:
        pairs = [(f"{a}_{s}", f"{b}_{s}") for a, b in ANTAGONISTS for s in SIDES]
        known = [(a, b) for a, b in pairs if a in activation and b in activation]
        if known:
            both = float(np.mean([np.minimum(activation[a], activation[b]).mean() for a, b in known]))
            names = ", ".join(f"{a}/{b}" for a, b in ANTAGONISTS)
            rows.append(QualityRow("Muscles", f"co-contraction, mean lesser activation of {names}", f"{both:.3f}"))
    rows += _trunk_rows(trial)
    rows += _impulse_rows(trial)
    return rows


def _helpers(trial: GaitTrial) -> str:
    trunk = trial.extra.get("trunk_actuators")
    return "none" if trunk is None else f"{trunk.shape[1]} weak trunk torques of the model card"


def _trunk_rows(trial: GaitTrial) -> list[QualityRow]:
    trunk, speeds = trial.extra.get("trunk_actuators"), trial.speeds
    needed = ("tendon_force", "fiber_velocity")
    if trunk is None or speeds is None or any(name not in trial.muscles for name in needed):
        return []
    own = select_columns(trunk, [str(c) for c in trunk.columns])
    own = own.rename(columns=lambda name: str(name).removesuffix("_torque"))
    power = joint_powers(own, speeds).to_numpy(np.float64)
    # Rigid tendons: what the fibre gives, the body gets; shortening is negative speed.
    fiber = trial.muscles["active_fiber_force"] + trial.muscles["passive_fiber_force"]
    muscle = -(fiber * trial.muscles["fiber_velocity"]).to_numpy(np.float64)
    work = [float(np.maximum(values, 0.0).sum()) for values in (power, muscle)]
    share = 100.0 * work[0] / work[1] if work[1] > 0 else float("nan")
    return [
        judge("Muscles", "positive work of the trunk torques, of that of all muscles", share, TRUNK_LIMIT_PCT, "%",
              source=CREDO)
    ]  # fmt: skip


def _impulse_rows(trial: GaitTrial) -> list[QualityRow]:
    """Mean vertical force over whole strides against body weight: Newton's second law over a period."""
    table = trial.ground_reactions
    strides = find_strides(trial.events, "r")
    mass = (trial.about.mass or 0.0) + (trial.about.device_mass or 0.0)
    if table is None or not strides or not mass > 0:
        return []
    total = (table["ground_force_r_vy"] + table["ground_force_l_vy"]).to_numpy(np.float64)
    clock = table.index.to_numpy(np.float64)
    inside = (clock > strides[0].start + 1e-9) & (clock <= strides[-1].stop + 1e-9)
    mean = float(total[inside].mean()) / (GRAVITY * mass)
    return [QualityRow("Simulation", "mean vertical force over whole strides", f"{mean:.3f} of the weight", "1")]


def write_simulation(trial: GaitTrial, model: str | Path, out: str | Path) -> SimulatedRun:
    """Analyse a roll-out and write what the lab road writes about a walk.

    The folder holds ``report.html``, ``events.csv``, ``metrics.csv``, ``quality.csv``, ``trial/`` and ``opensim/``.

    Args:
        trial: A roll-out.
        model: The .osim file that walked.
        out: The folder.
    """
    out = Path(out)
    with output_folder(out, "exogait simulate", expects=RESULTS) as folder:
        trial = with_body_motion(analyse_simulation(trial), model)
        metrics = compute_metrics(trial)
        write_tables(trial, metrics, out)
        write_trial(trial, out)
        with warnings.catch_warnings(), folder.staged("opensim") as stage:
            warnings.simplefilter("ignore", DataQualityWarning)
            export_opensim(trial, model, stage, cutoff=-1.0)
        report = write_report(trial, out / REPORT_PAGE)
    return SimulatedRun(trial=trial, folder=out, report=report, metrics=metrics)
