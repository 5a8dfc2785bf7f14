"""The oracle of the lab road: synthetic subjects whose joint angles are known."""

from __future__ import annotations

import tempfile
import warnings
from pathlib import Path

import numpy as np

from exogait.analysis.c3d.reader import (
    read_c3d,
)
from exogait.analysis.made_up.person import make_synthetic_trial
from exogait.analysis.markers.map import read_marker_map
from exogait.analysis.opensim_tools import inverse_kinematics, scale_model
from exogait.analysis.signals.measured import (
    process_trial,
)
from tests.validation.sections import markdown_table

SEEDS = range(6)
LIMIT_DEG = 0.5


def section(data: Path) -> str:
    """Run scaling and inverse kinematics on synthetic subjects and compare with the truth."""
    marker_map = read_marker_map("gait2392")
    rows = []
    with tempfile.TemporaryDirectory() as scratch, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for seed in SEEDS:
            folder = Path(scratch) / str(seed)
            subject = make_synthetic_trial(folder, seed=seed)
            static = process_trial(read_c3d(subject.static)).to_gait_trial()
            walk = process_trial(read_c3d(subject.walk)).to_gait_trial()
            scaled = scale_model(static.markers, marker_map, mass=subject.mass, out=folder / "scale")
            found = inverse_kinematics(scaled.model, walk.markers, marker_map, out=folder / "ik").coordinates
            errors = {}
            for name in subject.coordinates.columns:
                if name not in ("pelvis_tx", "pelvis_ty", "pelvis_tz"):
                    truth = np.interp(found.index, subject.coordinates.index, subject.coordinates[name])
                    errors[name] = float(np.degrees(np.sqrt(np.mean((found[name] - truth) ** 2))))
            worst = max(errors, key=lambda name: errors[name])
            typical = [f"{errors[n]:.2f}" for n in ("pelvis_tilt", "hip_flexion_r", "knee_angle_r", "ankle_angle_r")]
            verdict = "met" if errors[worst] < LIMIT_DEG else "**missed**"
            size = f"{subject.height:.2f} m, {subject.mass:.0f} kg"
            rows.append([seed, size, f"{subject.speed:.2f}", *typical, f"{errors[worst]:.2f} ({worst})", verdict])
    head = ["seed", "body", "speed (m/s)", "pelvis tilt", "hip", "knee", "ankle", f"worst of 20, limit {LIMIT_DEG}", ""]
    return (
        "### Known angles\n\nSynthetic C3D files (markers from forward kinematics with 0.3 mm noise, gaps, 6 Hz "
        "filter; segments within 1.5 % of what height gives) through scaling and inverse kinematics; RMS error in "
        "degrees:\n\n" + markdown_table(head, rows)
    )
