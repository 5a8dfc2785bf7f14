"""The muscles of a measured walk: static optimization on one stride a leg, muscle states, metabolic rate, reserves.

A leg's muscles follow from that leg's moments alone, so the right leg is solved over a right stride and the left leg
over a left one, each where its kinetics are known; the other leg's activations of the same run are discarded.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from exogait.data import GaitTrial, InputError, path_component
from exogait.data.errors import FileFormatError
from exogait.data.names import FORCES_ENDING, SIDES, Side, side_of
from exogait.data.quality import HICKS, QualityRow, judge
from exogait.data.trial import select_columns
from exogait.models.energetics import ACCOUNTINGS, IDLE_EXCITATION
from exogait.models.subject import Subject
from exogait.models.tables import load_tables

from ..gait.cycle import find_strides
from ..gait.energy import TRUNK_MUSCLES, compute_metabolics, stride_cost, with_anatomy
from ..opensim_tools.analyses import muscle_parameter_table
from ..opensim_tools.states import muscle_states
from ..opensim_tools.static_optimization import OptimizationResult, optimize_intervals
from .step_cache import StepCache

MIN_KNOWN = 0.9
"""Share of a stride in which the kinetics of its leg must be known for the stride to be optimized."""
RESERVE_LIMIT = 10.0
"""Largest reserve that passes, % of the peak joint moment."""


@dataclass(frozen=True)
class StrideInterval:
    """Part of one stride in which the kinetics of its leg are known."""

    side: Side
    """Leg."""
    start: float
    """s."""
    end: float
    """s."""
    known: float
    """Share of the stride that it covers."""


def choose_strides(trial: GaitTrial) -> list[StrideInterval]:
    """The stride of each leg whose kinetics are known best.

    Args:
        trial: Trial with generalized forces, events and masks.

    Returns:
        At most one interval a leg; none where less than :data:`MIN_KNOWN` of every stride is known.
    """
    forces = trial.generalized_forces
    chosen: list[StrideInterval] = []
    if forces is None:
        return chosen
    clock = forces.index.to_numpy(np.float64)
    for side in SIDES:
        column = f"ankle_angle_{side}"
        if column not in forces:
            continue
        finite = np.isfinite(forces[column].to_numpy(np.float64))
        best: StrideInterval | None = None
        for stride in find_strides(trial.events, side):
            inside = np.flatnonzero((clock >= stride.start - 1e-9) & (clock <= stride.stop + 1e-9) & finite)
            if len(inside) < 10 or np.any(np.diff(inside) > 1):
                continue
            start, end = float(clock[inside[0]]), float(clock[inside[-1]])
            share = (end - start) / stride.duration
            if share >= MIN_KNOWN and (best is None or share > best.known):
                best = StrideInterval(side, start, end, min(share, 1.0))
        if best is not None:
            chosen.append(best)
    return chosen


def add_muscles(
    trial: GaitTrial,
    *,
    model: Path,
    motion: Path,
    external_loads: Path | None,
    out: Path,
    cache: StepCache,
    workers: int = 2,
) -> tuple[GaitTrial, list[QualityRow]]:
    """Solve the muscles and add their states, the metabolic rate and the reserves to a trial.

    Args:
        trial: Trial of :func:`exogait.analysis.lab.pipeline.analyse`.
        model: Scaled model.
        motion: Angles as .mot.
        external_loads: ExternalLoads .xml.
        out: Folder for the set-ups and results.
        cache: Finished steps.
        workers: Processes; one stride runs in each.

    Returns:
        The trial with ``muscles``, ``muscle_parameters``, reserves in ``extra`` and ``metadata["metabolics"]``, and the
        quality rows of this step.

    Raises:
        InputError: No stride of either leg has known kinetics.
    """
    strides = choose_strides(trial)
    if not strides:
        raise InputError(
            f"{trial.name}: strides with known kinetics", "none",
            "a stride with its foot whole on a plate and no other contact of that foot; leave --muscles off",
        )  # fmt: skip
    name = path_component(trial.name, "trial", ascii_only=True)
    intervals = [(f"{name}_{stride.side}", stride.start, stride.end) for stride in strides]
    solved: dict[str, OptimizationResult] = cache.run(
        "static_optimization",
        [model, motion, *([external_loads, external_loads.parent / f"{name}{FORCES_ENDING}"] if external_loads else []),
         intervals, IDLE_EXCITATION],
        lambda: optimize_intervals(
            model, motion, external_loads, intervals, out=out, cutoff=-1.0, workers=min(workers, len(intervals))
        ),
    )  # fmt: skip
    activations = {s.side: _own(solved[i[0]].activation, s.side) for s, i in zip(strides, intervals, strict=True)}
    states = {
        side: cache.run(
            f"muscle_states_{side}",
            [model, motion, activation],
            lambda activation=activation: muscle_states(model, motion, activation, cutoff=-1.0),
        )
        for side, activation in activations.items()
    }
    quantities = next(iter(states.values()))
    muscles = {q: _join([tables[q] for tables in states.values()]) for q in quantities}
    parameters = cache.run("muscle_parameters", [model], lambda: muscle_parameter_table(model))
    height, height_row = _height(trial, model)
    parameters = with_anatomy(parameters, body_mass=trial.subject_mass, height=height)
    reserves = _join([_own(solved[i[0]].reserves, s.side) for s, i in zip(strides, intervals, strict=True)])
    reserves.attrs = {"units": "N m"}
    table, rows = _reserve_rows(trial, reserves, strides)
    rows += [*height_row, *_interval_rows(strides, solved)]
    result = trial.replace(muscles=muscles, muscle_parameters=parameters, extra={**trial.extra, "reserves": reserves})
    speed = trial.about.speed_measured
    energy: dict[str, list[tuple[str, float, str]]] = {}
    for name in ACCOUNTINGS:
        cost = stride_cost(
            compute_metabolics(result, model=name), [(s.side, s.start, s.end) for s in strides], speed=speed
        )
        energy[name] = [(label, float(value), unit) for label, value, unit in cost.to_rows() if np.isfinite(value)]
    missing = [side for side in SIDES if side not in activations]
    if missing:
        rows.append(
            QualityRow("Muscles", "legs without a stride of known kinetics", ", ".join(missing), "both", "warn")
        )
    result = result.with_about(
        metabolics={} if missing else energy,
        reserves=table,
        muscle_method="Static optimization (sum of squared activations), one stride a leg",
    )
    return result, rows


def _height(trial: GaitTrial, model: Path) -> tuple[float, list[QualityRow]]:
    """Height of the person whose muscle masses are asked for, m, and a row where nobody had stated it."""
    if trial.about.height is not None:
        return trial.about.height, []
    try:
        height, source = Subject.from_scaled_model(model, mass=trial.subject_mass).height, "the scaled model's lengths"
    except FileFormatError:
        height, source = load_tables().constants["generic_height"], "the generic body"
    return height, [QualityRow("Muscles", "body height, for muscle mass", f"{height:.2f} m, not stated: {source}")]


def _own(table: pd.DataFrame, side: Side) -> pd.DataFrame:
    """Columns that a stride of one leg decides: the leg's own and the trunk's, on which no foot has a say."""
    trunk = (*TRUNK_MUSCLES, "lumbar_")
    return select_columns(table, [c for c in map(str, table.columns) if c.startswith(trunk) or side_of(c) == side])


def _join(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Tables of different times and columns as one, NaN where a column was not solved."""
    joined = tables[0]
    for table in tables[1:]:
        columns = [*joined.columns, *(c for c in table.columns if c not in joined.columns)]
        joined = joined.combine_first(table).sort_index()[columns]
    joined.index.name = "time"
    return pd.DataFrame(joined)


def _reserve_rows(
    trial: GaitTrial, reserves: pd.DataFrame, strides: Sequence[StrideInterval]
) -> tuple[list[dict[str, Any]], list[QualityRow]]:
    """Reserves beside the peak of the moment that they help, and the verdicts."""
    assert trial.generalized_forces is not None
    table: list[dict[str, Any]] = []
    for column in map(str, reserves.columns):
        interval = next((s for s in strides if column.endswith(f"_{s.side}")), strides[0])
        moments = trial.generalized_forces[column]
        inside = moments[(moments.index >= interval.start) & (moments.index <= interval.end)].dropna().to_numpy(float)
        peak = float(np.nanmax(np.abs(reserves[column].to_numpy(float))))
        moment = float(np.abs(inside).max()) if len(inside) else float("nan")
        if not moment > 0:
            continue
        share = 100.0 * peak / moment
        table.append({"name": column, "peak": peak, "share_pct": share, "unit": "N·m", "moment": moment})
    large = [
        row for row in table if row["name"].startswith(("hip_flexion", "knee_angle", "ankle_angle", "hip_adduction"))
    ]
    rows = [
        judge("Muscles", f"largest reserve at {row['name']}, of the peak moment", row["share_pct"], RESERVE_LIMIT, "%")
        for row in large
    ]
    return table, rows


def _interval_rows(strides: Sequence[StrideInterval], solved: dict[str, OptimizationResult]) -> list[QualityRow]:
    rows = [
        QualityRow(
            "Muscles", f"static optimization, {'right' if s.side == 'r' else 'left'} leg",
            f"{s.start:.2f} to {s.end:.2f} s, {s.known:.0%} of the stride",
        )
        for s in strides
    ]  # fmt: skip
    for name, result in solved.items():
        peak = float(result.activation.max().max())
        saturated = float((result.activation > 0.99).to_numpy().mean())
        rows.append(
            QualityRow(
                "Muscles", f"activations, {name}", f"largest {peak:.2f}, at their limit {saturated:.1%} of the time",
                "≤ 5 % of the time", "pass" if saturated <= 0.05 else "warn", HICKS,
            )
        )  # fmt: skip
        if result.warnings:
            rows.append(
                QualityRow("Muscles", f"optimizer, {name}", f"{len(result.warnings)} warning(s)", verdict="warn")
            )
    return rows
