"""The lab road on OpenSim's example subject, against the output that OpenSim itself publishes with it."""

from __future__ import annotations

import tempfile
import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from exogait.analysis.markers.map import read_marker_map
from exogait.analysis.opensim_tools import (
    inverse_dynamics,
    inverse_kinematics,
    load_model,
    read_ground_reactions,
    scale_model,
)
from exogait.analysis.opensim_tools.common import coordinate_names, rotational_coordinates
from exogait.data.errors import DataQualityWarning
from exogait.data.storage import read_sto, to_radians
from exogait.data.trc import read_trc
from tests.validation.sections import markdown_table

MASS = 72.6
MANUAL = {"femur_r": 1.14724, "femur_l": 1.14724, "tibia_r": 0.988523, "tibia_l": 0.988523}
"""Factors that the published scale set-up sets by hand."""
SAME_MODEL_LIMIT, OWN_MODEL_LIMIT = 1.0, 2.0
"""Degrees RMS."""
MOMENT_LIMIT = 0.99
"""Correlation."""
HELD = ("subtalar_angle", "mtp_angle")
"""Coordinates that the published inverse kinematics holds at zero."""


@dataclass(frozen=True)
class Chain:
    """Scale, inverse kinematics, inverse dynamics on one base model."""

    label: str
    angles: pd.Series
    """RMS difference from the published angles, degrees."""
    positions: pd.Series
    """RMS difference of the pelvis, mm."""
    moments: pd.Series
    """Correlation with the published moments."""
    marker_rms: float
    seconds: float


def run_chain(folder: Path, label: str, base: Path | None, manual: dict[str, float] | None, work: Path) -> Chain:
    """Scale, inverse kinematics and inverse dynamics, compared with the published output."""
    subject = folder / "subject01"
    reference = subject / "OutputReference"
    marker_map = read_marker_map("gait2392")
    start = time.perf_counter()
    scaled = scale_model(
        read_trc(subject / "subject01_static.trc"), marker_map, mass=MASS, out=work, base_model=base,
        time_range=(1.0, 2.0), manual_factors=manual,
    )  # fmt: skip
    walk = read_trc(subject / "subject01_walk1.trc")
    angles = inverse_kinematics(scaled.model, walk, marker_map, out=work, name="walk", time_range=(0.5, 2.5))
    loads = read_ground_reactions(subject / "subject01_walk1_grf.mot", sides={"": "r", "1": "l"})
    moments = inverse_dynamics(scaled.model, angles.coordinates, loads, out=work, name="walk")
    seconds = time.perf_counter() - start
    published = read_sto(reference / "subject01_walk1_ik.mot")
    difference = {}
    for name in angles.coordinates.columns:
        expected = np.interp(angles.coordinates.index, published.index, published[name])
        ours = angles.coordinates[name].to_numpy()
        error = np.rad2deg(ours) - expected if name in angles.rotational else 1000.0 * (ours - expected)
        difference[name] = float(np.sqrt(np.mean(error**2)))
    errors = pd.Series(difference)
    return Chain(
        label=label,
        angles=errors[list(angles.rotational)],
        positions=errors[[name for name in errors.index if name not in angles.rotational]],
        moments=correlation(moments.unmasked, reference),
        marker_rms=float(angles.error_table().loc["all", "rms"]),
        seconds=seconds,
    )


def correlation(forces: pd.DataFrame, reference: Path) -> pd.Series:
    """Correlation of each generalized force with the published one."""
    published = read_sto(reference / "ResultsInverseDynamics" / "InverseDynamicsOutput.sto")
    inside = (forces.index >= published.index[0]) & (forces.index <= published.index[-1])
    time = forces.index[inside]
    result = {}
    for name in forces.columns:
        column = next(c for c in published.columns if str(c).startswith(f"{name}_"))
        expected = np.interp(time, published.index, published[column])
        result[str(name)] = float(np.corrcoef(expected, forces[name][inside])[0, 1])
    return pd.Series(result)


def same_angles(folder: Path, work: Path) -> pd.Series:
    """Inverse dynamics alone: on the published scaled model and the angles that the published moments were made
    from."""
    subject = folder / "subject01"
    model = subject / "OutputReference" / "subject01_simbody.osim"
    loaded = load_model(model)
    angles = read_sto(subject / "subject01_walk1_ik.mot")
    angles = to_radians(angles[coordinate_names(loaded)], rotational_coordinates(loaded))
    loads = read_ground_reactions(subject / "subject01_walk1_grf.mot", sides={"": "r", "1": "l"})
    result = inverse_dynamics(model, angles, loads, out=work, name="same", time_range=(0.5, 1.6))
    return correlation(result.unmasked, subject / "OutputReference")


def main_joints(names: Sequence[object]) -> list[str]:
    """Hip, knee and ankle coordinates."""
    return [str(name) for name in names if str(name).startswith(("hip_", "knee_", "ankle_"))]


def section(data: Path) -> str:
    """The section as Markdown; prints it too."""
    folder = data / "opensim_models" / "gait2392"
    published = folder / "gait2392_thelen2003muscle.osim"
    with warnings.catch_warnings(), tempfile.TemporaryDirectory() as work:
        warnings.simplefilter("ignore", DataQualityWarning)
        chains = [
            run_chain(folder, "published model", published, MANUAL, Path(work) / "a"),
            run_chain(folder, "own model", None, MANUAL, Path(work) / "b"),
            run_chain(folder, "own model, thigh and shank measured too", None, None, Path(work) / "c"),
        ]
        alone = same_angles(folder, Path(work) / "d")
    rows = []
    for chain, limit in zip(chains, (SAME_MODEL_LIMIT, OWN_MODEL_LIMIT, None), strict=True):
        worst = str(chain.angles.idxmax())
        verdict = "" if limit is None else ("met" if chain.angles.max() < limit else "**missed**")
        rows.append(
            [
                chain.label, f"{chain.angles.max():.2f} ({worst})", "" if limit is None else f"< {limit:g}", verdict,
                f"{chain.positions.max():.1f}", f"{1000 * chain.marker_rms:.1f}", f"{chain.seconds:.1f}",
            ]
        )  # fmt: skip
    moment_rows = []
    for label, moments in [
        *((chain.label, chain.moments) for chain in chains[:2]),
        ("inverse dynamics alone, on the angles behind the published moments", alone),
    ]:
        joints = moments[main_joints(moments.index)]
        feet = moments[[name for name in moments.index if str(name).startswith("subtalar")]]
        pelvis = moments[[name for name in moments.index if str(name).startswith("pelvis")]]
        moment_rows.append(
            [
                label, f"{joints.min():.4f} ({joints.idxmin()})", f"> {MOMENT_LIMIT}",
                "met" if joints.min() > MOMENT_LIMIT else "**missed**",
                f"{feet.min():.3f}", f"{pelvis.min():.3f}",
            ]
        )  # fmt: skip
    text = "\n\n".join(
        [
            "### 1. OpenSim's subject01: our road against the published output",
            "Scale (with the published set-up's factors for thigh and shank), inverse kinematics and inverse dynamics "
            "of `subject01_walk1`, against `OutputReference` (which OpenSim computed with the published model).",
            markdown_table(
                ["base model", "angle RMSE, worst (deg)", "limit", "", "pelvis position RMSE, worst (mm)",
                 "marker RMS (mm)", "time (s)"],
                rows,
            ),
            markdown_table(
                ["moments", "r, lowest of hip, knee, ankle", "limit", "", "lowest r, subtalar", "lowest r, residuals"],
                moment_rows,
            ),
            "The published moments were not computed from the published angles but from an earlier run of inverse "
            "kinematics (`subject01_walk1_ik.mot` beside the set-ups), in which the subtalar joints were free; that is "
            "why the subtalar moments of the whole chain agree less, and why the third row, on those very angles, "
            "agrees almost exactly.",
        ]
    )  # fmt: skip
    print(text)
    return text
