"""How devices were fitted to the two legs of a weak body: gains and rests of the weak side."""

from __future__ import annotations

import numpy as np

from models.device import load_device
from osim_env.policy import POLICY_FOLDER, load_policy
from osim_env.study import StudyConfig, label_of

from .sections import markdown_table


def fits(study: StudyConfig, policies: str) -> str:
    """What was found for each body: mean and SD of the seeds, and each seed's."""
    rows, joints = [], []
    for body in study.bodies:
        found = []
        for seed in study.seeds:
            path = POLICY_FOLDER / policies / f"{seed}-{label_of(body, None)}_device"
            if path.with_suffix(".json").is_file():
                about = load_policy(path).metadata
                if "fit" in about:
                    found.append((about["fit"], load_device(about["device"]).coordinates))
        if not found:
            continue
        drives = [i for i, name in enumerate(found[0][1]) if name.endswith(f"_{body.side[0]}")]
        joints = [found[0][1][i].removesuffix(f"_{body.side[0]}") for i in drives]
        cells = []
        for what, middle in (("gain", 1.0), ("rest", 0.0)):
            for i in drives:
                values = 100 * (np.array([fit[what][i] for fit, _ in found]) - middle)
                spread = np.std(values, ddof=1) if len(values) > 1 else 0.0
                each = ", ".join(f"{value:+.1f}" for value in values)
                cells.append(f"{values.mean():+.1f} ± {spread:.1f} ({each})")
        rows.append([body.name.replace("_", " "), *cells])
    if not rows:
        return ""
    header = ["body", *(f"{joint}: {what}" for what in ("gain, %", "constant, %") for joint in joints)]
    return (
        "Before a weak body searches, each seed's device is fitted to it (`osim_env/device_fit.py`), by the device's "
        "own reward alone: how much stronger the weak leg is served (the sound one as much weaker), and a constant "
        "part of the command to its drives, in percent of the peak torque, flexion and dorsiflexion positive (the "
        "other way on the sound leg). What the walks do not agree about stays 0. Mean ± SD of the seeds (each).\n\n"
        + markdown_table(header, rows)
    )
