"""Published models as their files have them: ``python -m tests.validation published``, half an hour.

No file is edited and no muscle converted. The models are read from the folder that EXOGAIT_DATA names.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np

from exogait.osim_env import engine
from exogait.osim_env.engine.opensim_engine import OpenSimEngine
from exogait.osim_env.engine.verify import compare, sample_states
from tests.kit.touched_surfaces import lengths_and_touched
from tests.validation.sections import markdown_table, write_section
from tests.validation.validate_twin import log, parity_table

RAJAGOPAL = "rajagopal2016/Rajagopal2016.osim"
OTHERS = (
    "gait2392/gait2392_thelen2003muscle.osim",
    "gait2392/gait2392_millard2012muscle.osim",
    "gait2354/gait2354_simbody.osim",
    "gait10dof18musc/gait10dof18musc.osim",
    "leg6dof9musc/leg6dof9musc.osim",
)
STATES, STATES_OF_OTHERS = 1000, 200
LINES, POSES = 40, 200
JUMP_M = 0.0005
"""What a path's length changes by between neighbouring poses beyond what its lengthening speed explains."""


def jumps(oracle: OpenSimEngine) -> str:
    """Lines through the coordinate ranges, and where paths jump on them."""
    model = oracle.model
    ends = sample_states(model, 2 * LINES, 1).q.reshape(LINES, 2, -1)
    wrapped = np.unique(model.wraps.muscle)
    counts = np.zeros(3, dtype=int)
    worst, found, same = 0.0, 0, 0
    for begin, end in ends:
        q = begin + np.linspace(0.0, 1.0, POSES)[:, None] * (end - begin)
        u = np.tile(end - begin, (POSES, 1))
        ours = engine.muscle_state(model, q, u, model.default_activation, tendon_force=model_state(model))
        theirs, touched = lengths_and_touched(oracle, q)
        worst = max(worst, float(np.abs(ours.muscle_tendon_length - theirs).max()))
        speed = ours.lengthening_speed
        explained = 0.5 * (speed[1:] + speed[:-1]) / (POSES - 1)
        here, there = (
            (np.abs(np.diff(x, axis=0) - explained) > JUMP_M)[:, wrapped] for x in (ours.muscle_tendon_length, theirs)
        )
        found, same = found + int(there.sum()), same + int((here & there).sum())
        counts += np.bincount(np.minimum(touched[:, wrapped], 2).ravel(), minlength=3)
    share = 100.0 * counts / counts.sum()
    return (
        f"{LINES} straight lines of {POSES} poses through the coordinate ranges, {len(wrapped)} paths with wraps: "
        f"{share[0]:.0f}% of the paths touch no surface, {share[1]:.0f}% one, {share[2]:.0f}% two. Lengths differ by "
        f"{worst:.1e} m at most. OpenSim's lengths jump at {found} places (by more than {1000 * JUMP_M:g} mm beyond "
        f"what their speeds explain); "
        f"{same} of these jumps are in the compiled engine between the same poses."
    )


def model_state(model: engine.Model) -> np.ndarray:
    """Fibre lengths that a state starts with."""
    return engine.State.create(model, 1).tendon_force[0]


def main() -> None:
    """Compare, and rewrite the section of docs/validation.md."""
    folder = Path(os.environ.get("EXOGAIT_DATA", "")) / "opensim_models"
    if not (folder / RAJAGOPAL).is_file():
        sys.exit("EXOGAIT_DATA names no folder with opensim_models: nothing was compared")
    oracle = OpenSimEngine(folder / RAJAGOPAL)
    model = oracle.model
    log(f"{model.name}, {STATES} states")
    table = compare(oracle, sample_states(model, STATES, 0))
    log("jumps")
    text = jumps(oracle)
    rows = []
    for name in OTHERS:
        log(name)
        other = OpenSimEngine(folder / name)
        found = compare(other, sample_states(other.model, STATES_OF_OTHERS, 0), moment_arm_states=5)
        worst = {row.quantity: row for row in found}
        kinds = sorted({muscle.getConcreteClassName() for muscle in other.muscles})
        rows.append(
            [
                Path(name).name,
                f"{other.model.n_muscles} {', '.join(kinds)}",
                f"{worst['accelerations'].relative:.1e}",
                f"{worst['muscle tendon length'].absolute:.1e} m",
                f"{worst['moment arms'].absolute:.1e} m",
                f"{worst['tendon force'].relative:.1e}",
                "met" if all(row.passed for row in found) else "**MISSED**: "
                + ", ".join(row.quantity for row in found if not row.passed),
            ]
        )  # fmt: skip
    header = ["model", "muscles", "accelerations", "lengths", "moment arms", "tendon force", "all quantities"]
    write_section(
        "validation.md",
        "published",
        f"## Published models as they are\n\n`python -m tests.validation published`, no file edited, no muscle "
        f"converted.\n\n### {Path(RAJAGOPAL).name}\n\n{model.n_coordinates} coordinates, {model.n_muscles} muscles, "
        f"{len(model.wraps.muscle)} wraps over {len(model.surfaces.body)} cylinders, {len(model.drives.mobility)} "
        f"locked and {len(model.couplers.dependent)} coupled coordinates; states as above.\n\n{parity_table(table)}\n\n"
        f"{text}\n\n### Others, {STATES_OF_OTHERS} states\n\n{markdown_table(header, rows)}",
    )


if __name__ == "__main__":
    main()
