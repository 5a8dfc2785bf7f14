"""Simulation against measurement: two result folders in, one page, one table and one figure out.

Agreement with the motion a policy was trained to imitate is tracking; agreement with a walk that it never saw is
validation. The page cannot know which it shows and says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from exogait.data import FileFormatError, GaitTrial, InputError
from exogait.data.trial import SIDES, select_rows

from ..gait.agreement import compare_curves
from ..gait.curves import GROUND_REACTION, SAGITTAL, find_curve, has_curve, mean_curve
from ..gait.cycle import find_strides
from ..gait.metrics import compute_metrics, symmetry_rows
from . import figures as plots
from .markup import escape, number, section, table
from .trial import COMPARED, write_comparison

SYMMETRY = (
    "step_length", "step_time", "stance_pct", "knee_flexion_range", "ankle_plantarflexor_moment",
    "ankle_power_pushoff", "grf_vertical_first", "grf_vertical_second",
)  # fmt: skip
"""Scalars whose symmetry is compared, where both trials have them."""
ENERGY = ("metabolic_rate_gross", "metabolic_rate_net", "cost_of_transport_gross", "cost_of_transport_net")


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """What was written."""

    page: Path
    """compare.html."""
    table: Path
    """compare.csv."""
    figure: Path
    """compare.png: hip, knee and ankle, and ground reaction, right leg."""
    rows: pd.DataFrame
    """group, quantity, side, unit, simulation, measurement, r, rmse."""

    def summary(self) -> str:
        """The table as text, and where the page is."""
        shown = self.rows.copy()
        for column in ("simulation", "measurement", "r", "rmse"):
            shown[column] = [("" if not np.isfinite(x) else f"{x:.2f}") for x in shown[column].to_numpy(np.float64)]
        return f"{shown.to_string(index=False)}\nopen {self.page}"


def read_trial(folder: str | Path) -> GaitTrial:
    """The trial of a folder of ``simulate`` or ``lab run``.

    Raises:
        FileFormatError: There is none.
    """
    folder = Path(folder)
    place = folder / "trial" if (folder / "trial").is_dir() else folder
    if not (place / "trial.json").is_file():
        raise FileFormatError(folder, "holds no trial", "give a folder of `exogait simulate` or `exogait lab run`")
    return GaitTrial.read_parquet(place)


def compare_folders(simulation: str | Path, lab: str | Path, *, out: str | Path | None = None) -> Comparison:
    """Compare a simulated walk with a measured one.

    Args:
        simulation: Folder of ``exogait simulate``.
        lab: Folder of ``exogait lab run``; another simulation will do, and the page says what each is.
        out: Folder for compare.html, compare.csv and compare.png; the simulation's if not given.

    Returns:
        What was written.

    Raises:
        InputError: A trial has no complete stride.
    """
    own, other = read_trial(simulation), read_trial(lab)
    for trial, folder in ((own, simulation), (other, lab)):
        if not any(find_strides(trial.events, side) for side in SIDES):
            fell = " (the simulation fell)" if trial.metadata.get("fell") else ""
            raise InputError(f"{folder}: strides", f"none{fell}", "a trial with a complete stride")
    place = Path(simulation if out is None else out)
    place.mkdir(parents=True, exist_ok=True)
    rows = comparison_table(own, other)
    rows.to_csv(place / "compare.csv", index=False, float_format="%.6g")
    labels = [_label(other), _label(own)]
    grid = [row for g in (SAGITTAL, GROUND_REACTION) for row in g
            if any(has_curve(t, key, "r") for t in (own, other) for key in row)]  # fmt: skip
    drawing, _ = plots.figure_compare([other, own], grid, side="r", labels=labels)
    drawing.savefig(place / "compare.png", dpi=150, bbox_inches="tight")
    page = write_comparison(
        [other, own], place / "compare.html", labels=labels, title="Simulation against measurement",
        extra=[("symmetry", "Symmetry", _symmetry_section(rows, labels)),
               ("energy", "Metabolic rate", _energy_section(rows, labels)),
               ("origin", "What these numbers are", _origin_section(own, other))],
    )  # fmt: skip
    return Comparison(page=page, table=place / "compare.csv", figure=place / "compare.png", rows=rows)


def comparison_table(simulation: GaitTrial, lab: GaitTrial) -> pd.DataFrame:
    """Curves (r, RMSE), symmetry indices and metabolic rates of two trials.

    Args:
        simulation: Trial with events.
        lab: Trial with events, the reference of r and RMSE.

    Returns:
        Columns group (angle, moment, power, ground reaction, symmetry, metabolic), quantity, side, unit, simulation,
        measurement, r, rmse. For curves, simulation and measurement are the largest values over the cycle.
    """
    rows: list[dict[str, Any]] = []
    for key in COMPARED:
        for side in SIDES:
            if not (has_curve(simulation, key, side) and has_curve(lab, key, side)):
                continue
            a, b = mean_curve(simulation, key, side), mean_curve(lab, key, side)
            if not (np.isfinite(a) & np.isfinite(b)).any():
                continue
            result = compare_curves(a, b)
            rows.append(
                {
                    "group": _group(key), "quantity": find_curve(key).title, "side": side,
                    "unit": find_curve(key).unit, "simulation": float(np.nanmax(a)),
                    "measurement": float(np.nanmax(b)), "r": result.r, "rmse": result.rmse,
                }
            )  # fmt: skip
    titles: dict[str, str] = {}
    indices: list[dict[str, float]] = []
    for trial in (simulation, lab):
        metrics = compute_metrics(trial)
        titles |= dict(zip(metrics["metric"].map(str), metrics["title"].map(str), strict=True))
        found = symmetry_rows(metrics, [n for n in SYMMETRY if n in set(metrics["metric"])])
        robinson = [] if found.empty else zip(found["quantity"], found["robinson"].to_numpy(np.float64), strict=True)
        indices.append({str(name): float(value) for name, value in robinson})
    for name in SYMMETRY:
        if name in indices[0] and name in indices[1]:
            rows.append(_scalar("symmetry", titles[name], "%", indices[0][name], indices[1][name]))
    energy = [_energy(trial) for trial in (simulation, lab)]
    for (model, label), (value, unit) in energy[0].items():
        if (model, label) in energy[1]:
            what = f"{label.replace('_', ' ')} ({model})"
            rows.append(_scalar("metabolic", what, unit, value, energy[1][model, label][0]))
    return pd.DataFrame(
        rows, columns=["group", "quantity", "side", "unit", "simulation", "measurement", "r", "rmse"]
    )  # fmt: skip


def _scalar(group: str, quantity: str, unit: str, own: float, other: float) -> dict[str, Any]:
    return {
        "group": group, "quantity": quantity, "side": "", "unit": unit, "simulation": own, "measurement": other,
        "r": np.nan, "rmse": np.nan,
    }  # fmt: skip


def _group(key: str) -> str:
    source = find_curve(key).table
    return {"coordinates": "angle", "generalized_forces": "moment", "joint_powers": "power"}.get(
        source, "ground reaction"
    )


def _energy(trial: GaitTrial) -> dict[tuple[str, str], tuple[float, str]]:
    found: dict[tuple[str, str], tuple[float, str]] = {}
    for model, rows in (trial.metadata.get("metabolics") or {}).items():
        found |= {(str(model), str(label)): (float(value), str(unit)) for label, value, unit in rows if label in ENERGY}
    return found


def _label(trial: GaitTrial) -> str:
    kind = "simulated" if trial.metadata.get("source") == "simulation" else "measured"
    return f"{trial.metadata.get('subject') or trial.name} ({kind})"


def _pairs(rows: pd.DataFrame, group: str, labels: list[str]) -> str:
    part = select_rows(rows, (rows["group"] == group).to_numpy(bool)).to_dict(orient="records")
    cells = [[r["quantity"], number(r["simulation"]), number(r["measurement"]), r["unit"]] for r in part]
    return table(["", labels[1], labels[0], "unit"], cells, numeric=[1, 2]) if cells else ""


def _symmetry_section(rows: pd.DataFrame, labels: list[str]) -> str:
    markup = _pairs(rows, "symmetry", labels)
    note = "Symmetry index after Robinson, 100 (R − L) / (½ (R + L)): positive where the right leg's is larger."
    return section("symmetry", "Symmetry", markup, f'<p class="note">{note}</p>') if markup else ""


def _energy_section(rows: pd.DataFrame, labels: list[str]) -> str:
    markup = _pairs(rows, "metabolic", labels)
    if not markup:
        markup = "<p>Not compared: the measured walk has no muscle states (run `lab run` with --muscles).</p>"
    note = (
        "Both are computed by the same equations from muscle states; those of the measured walk come from static "
        "optimization, which knows no co-contraction. Neither is measured gas exchange."
    )
    return section("energy", "Metabolic rate", markup, f'<p class="note">{note}</p>')


def _origin_section(own: GaitTrial, other: GaitTrial) -> str:
    lines = []
    for trial in (own, other):
        facts = trial.metadata
        kind = "a simulation" if facts.get("source") == "simulation" else "a measurement"
        parts = [f"{key} {facts[key]}" for key in ("policy", "engine", "device", "deficit") if facts.get(key)]
        lines.append(f"<p><strong>{escape(_label(trial))}</strong> is {kind}{escape(', '.join(['', *parts]))}.</p>")
    lines.append(
        "<p>Where the measured walk, or walks like it, shaped the reference motion of the policy, agreement here is "
        "tracking; it is validation only against walks that did not.</p>"
    )
    return section("origin", "What these numbers are", *lines)
