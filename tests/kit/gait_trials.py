"""Made-up trials for tests of figures, numbers and reports."""

from __future__ import annotations

import numpy as np
import pandas as pd

from exogait.data import GaitEvent, GaitTrial
from exogait.data.trial import GROUND_REACTION_COLUMNS, SIDES

CYCLE, TOE_OFF, MASS = 1.0, 0.6, 70.0


def walking_trial(*, n_strides: int = 3, asymmetry: float = 0.0, known: bool = True, source: str = "lab") -> GaitTrial:
    """Smooth periodic curves on both sides, the left half a cycle later; the left knee flexes less by ``asymmetry``."""
    time = np.arange(0.0, n_strides * CYCLE + 0.505, 0.01)
    index = pd.Index(time, name="time")
    sway = 0.05 * np.sin(2 * np.pi * time)
    coordinates = {"pelvis_tx": 1.2 * time, "pelvis_tilt": 0.0 * time + 0.1, "pelvis_list": sway}
    forces, powers = {}, {}
    ground = {column: np.zeros_like(time) for column in GROUND_REACTION_COLUMNS}
    events = []
    for side in SIDES:
        phase = (time - (0.5 if side == "l" else 0.0)) % CYCLE
        size = 1.0 - (asymmetry if side == "l" else 0.0)
        coordinates[f"hip_flexion_{side}"] = 0.35 * np.cos(2 * np.pi * phase)
        coordinates[f"knee_angle_{side}"] = -size * np.deg2rad(60.0) * np.exp(-(((phase - 0.72) / 0.09) ** 2))
        coordinates[f"ankle_angle_{side}"] = 0.15 * np.sin(2 * np.pi * phase)
        coordinates[f"hip_adduction_{side}"] = 0.1 * np.sin(2 * np.pi * phase)
        coordinates[f"hip_rotation_{side}"] = 0.0 * phase
        stance = np.where(phase < TOE_OFF, np.sin(np.pi * np.clip(phase / TOE_OFF, 0, 1)), 0.0)
        forces[f"hip_flexion_{side}"] = 20.0 * np.cos(2 * np.pi * phase)
        forces[f"hip_adduction_{side}"] = -50.0 * stance
        forces[f"knee_angle_{side}"] = 40.0 * stance
        forces[f"ankle_angle_{side}"] = -100.0 * stance
        for name in ("hip_flexion", "knee_angle", "ankle_angle"):
            powers[f"{name}_{side}"] = 70.0 * np.sin(2 * np.pi * phase)
        ground[f"ground_force_{side}_vy"] = 1.1 * MASS * 9.80665 * stance
        for cycle in np.arange(0.5 if side == "l" else 0.0, time[-1] + 1e-9, CYCLE):
            events.append(GaitEvent(float(cycle), side, "heel_strike", "plate"))
            if cycle + TOE_OFF <= time[-1]:
                events.append(GaitEvent(float(cycle + TOE_OFF), side, "toe_off", "plate"))
    valid = pd.DataFrame(known, index=index, columns=pd.Index(["r", "l", "pelvis"]))
    return GaitTrial(
        name="made_up", coordinates=pd.DataFrame(coordinates, index=index),
        generalized_forces=pd.DataFrame(forces, index=index), joint_powers=pd.DataFrame(powers, index=index),
        ground_reactions=pd.DataFrame(ground, index=index), masks={"valid_kinetics": valid}, events=tuple(events),
        metadata={"subject": "nobody", "subject_mass": MASS, "source": source, "speed": 1.2},
    )  # fmt: skip
