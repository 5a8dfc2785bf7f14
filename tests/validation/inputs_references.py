"""Why inverse dynamics differs from the references beside other people's files, with OpenSim's own tool as the judge.

Each reference is computed again by OpenSim's InverseDynamicsTool, which reads the files itself: once from what is given
to us, and once as its makers did, as far as their set-ups or programs tell.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import signal

from exogait.analysis.lab.own_model import read_motion
from exogait.analysis.opensim_tools.common import load_model, rotational_coordinates
from exogait.analysis.opensim_tools.dynamics import CUTOFF, inverse_dynamics, write_motion
from exogait.analysis.opensim_tools.external_loads import read_ground_reactions
from exogait.data.storage import read_sto
from exogait.models.opensim_api import captured_log, import_opensim
from tests.validation.sections import markdown_table

EQUAL = 0.5
"""Largest difference from a reference's moments that counts as equal, % of its peak."""
COMPARED = ("hip_flexion", "hip_adduction", "hip_rotation", "knee_angle", "ankle_angle", "lumbar_extension")
NONE = -1.0
_EXO, _ADULT, _S01 = "exo_apo_danielfng", "opensim_walking_adult", "opensim_models/gait2392/subject01"
_COPY = f"{_S01}, in OutputReference"
_EXO_FILTER = 4.0
"""Hz: github DanielFNG/opensim-matlab, OpenSimTrial.filterID, filters the moments."""
_CAUSES = {
    _EXO: "its makers' program (github DanielFNG/opensim-matlab, OpenSimTrial) takes the kinematics of residual "
    "reduction, not those of inverse kinematics, filters no coordinate, uses the model that residual reduction "
    "adjusted, which is not at hand, and filters the moments themselves at 4 Hz. With these kinematics and that "
    "filter, at the rate that the program takes for uneven steps, all but hips and trunk are there",
    _ADULT: "kinematics, masses and filter are those of the reference, since the moments of the trunk, which no ground "
    "force enters, are equal. What is left grows from the ankle up: the ground reactions of the reference are not "
    "quite those of the file; the residual forces differ by less than 1 N",
    _COPY: "the reference was made from another run of inverse kinematics than the one beside it",
    _S01: "the set-up's own coordinates begin at 0.5 s, the reference at 0.4 s: it was made from an earlier run of "
    "inverse kinematics. Ankles and knees are equal, pelvis and trunk are not quite",
}  # fmt: skip


@dataclass(frozen=True)
class Reference:
    """Inverse dynamics that somebody left, and the files beside it."""

    name: str
    moments: str
    model: str
    motion: str
    forces: str
    cutoff: float = CUTOFF
    theirs: str = ""
    """Coordinates that its makers took, filtered by ``their_cutoff``."""
    their_cutoff: float = NONE


REFERENCES = (
    Reference(
        _EXO, f"{_EXO}/reference/ID/id.sto", f"{_EXO}/model.osim", f"{_EXO}/reference/IK/ik.mot", f"{_EXO}/cycle01.mot",
        theirs=f"{_EXO}/reference/RRA/RRA_Kinematics_q.sto",
    ),
    Reference(
        _ADULT, f"{_ADULT}/id_walk.sto", f"{_ADULT}/subject_walk_scaled.osim", f"{_ADULT}/coordinates.sto",
        f"{_ADULT}/grf_walk.xml",
    ),
    Reference(
        _COPY, f"{_S01}/OutputReference/ResultsInverseDynamics/InverseDynamicsOutput.sto",
        f"{_S01}/OutputReference/subject01_simbody.osim", f"{_S01}/OutputReference/subject01_walk1_ik.mot",
        f"{_S01}/subject01_walk1_grf.xml",
    ),
    Reference(
        _S01, f"{_S01}/OutputReference/ResultsInverseDynamics/InverseDynamicsOutput.sto",
        f"{_S01}/OutputReference/subject01_simbody.osim", f"{_S01}/subject01_walk1_ik.mot",
        f"{_S01}/subject01_walk1_grf.xml",
    ),
)  # fmt: skip


def apart(forces: pd.DataFrame, reference: pd.DataFrame, shift: float = 0.0) -> dict[str, tuple[float, float]]:
    """Largest difference of each moment from the reference, % of the reference's peak, and the share that is known.

    Args:
        forces: Moments, with or without the endings of OpenSim's tool.
        reference: Moments.
        shift: Time of the first table's zero on the reference's clock, s.
    """
    ends = ("_moment", "_force")

    def bare(table: pd.DataFrame) -> dict[str, str]:
        return {next((str(c).removesuffix(end) for end in ends if str(c).endswith(end)), str(c)): c for c in table}

    ours, theirs_of = bare(forces), bare(reference)
    rows: dict[str, tuple[float, float]] = {}
    inside = (forces.index + shift >= reference.index[0]) & (forces.index + shift <= reference.index[-1])
    for name in (f"{joint}{end}" for joint in COMPARED for end in ("_r", "_l", "")):
        if name in theirs_of and name in ours:
            own = forces[ours[name]].to_numpy(np.float64)[inside]
            column = reference[theirs_of[name]].to_numpy(np.float64)
            theirs = np.interp(forces.index[inside] + shift, reference.index, column)
            known = np.isfinite(own)
            if known.any():
                rows[name] = (100 * np.abs(own - theirs)[known].max() / np.abs(column).max(), float(known.mean()))
    return rows


def by_opensim(data: Path, reference: Reference, motion: str, cutoff: float, folder: Path) -> pd.DataFrame:
    """What OpenSim's InverseDynamicsTool makes of the files; it reads model, motion and forces itself."""
    opensim = import_opensim()
    excluded = opensim.ArrayStr()
    excluded.append("ALL")
    with captured_log("Error"):
        tool = opensim.InverseDynamicsTool()
        tool.setModelFileName(str(data / reference.model))
        file = _bare_motion(data, reference, motion, folder)
        tool.setCoordinatesFileName(str(file))
        tool.setExternalLoadsFileName(str(_loads(data / reference.forces, folder)))
        tool.setExcludedForces(excluded)
        tool.setLowpassCutoffFrequency(cutoff)
        time = read_sto(file).index
        tool.setStartTime(float(time[0]))
        tool.setEndTime(float(time[-1]))
        tool.setResultsDir(str(folder))
        tool.setOutputGenForceFileName("id.sto")
        tool.run()
        return read_sto(folder / "id.sto")


def _bare_motion(data: Path, reference: Reference, motion: str, folder: Path) -> Path:
    """The motion file; the tool passes over names of states, so that such a file is written with bare ones."""
    path = data / motion
    if path.suffix == ".mot" or "RRA" in path.name:
        return path
    table, start = read_motion(path, data / reference.model)
    table.index = table.index + start
    return write_motion(table, folder / "motion.mot", rotational_coordinates(load_model(data / reference.model)))


def _loads(path: Path, folder: Path) -> Path:
    """ExternalLoads; where there are none beside a table of two plates, the first is the right foot's."""
    if path.suffix == ".xml":
        return path
    forces = "".join(
        f'<ExternalForce name="{body}"><applied_to_body>{body}</applied_to_body>'
        "<force_expressed_in_body>ground</force_expressed_in_body>"
        "<point_expressed_in_body>ground</point_expressed_in_body>"
        f"<force_identifier>ground_force{plate}_v</force_identifier>"
        f"<point_identifier>ground_force{plate}_p</point_identifier>"
        f"<torque_identifier>ground_torque{plate}_</torque_identifier></ExternalForce>"
        for body, plate in (("calcn_r", 1), ("calcn_l", 2))
    )
    file = folder / "loads.xml"
    file.write_text(
        f'<?xml version="1.0"?><OpenSimDocument Version="30000"><ExternalLoads name="loads"><objects>{forces}</objects>'
        f"<datafile>{path}</datafile></ExternalLoads></OpenSimDocument>"
    )
    return file


def by_us(data: Path, reference: Reference, folder: Path) -> tuple[pd.DataFrame, float]:
    """What the suite makes of the files, and the time of its zero on their clock, s."""
    model = data / reference.model
    motion, start = read_motion(data / reference.motion, model)
    forces = read_ground_reactions(data / reference.forces, sides={"1": "r", "2": "l"})
    forces.index = forces.index - start
    found = inverse_dynamics(model, motion, forces, out=folder, cutoff=reference.cutoff)
    return found.generalized_forces, start


def filtered(moments: pd.DataFrame) -> pd.DataFrame:
    """Moments as the program of :data:`_EXO` filters them: fourth order, both ways, corrected for the two passes.

    It takes the mean rate for that of the uneven steps.
    """
    time = moments.index.to_numpy(np.float64)
    rate = round((len(time) - 1) / (time[-1] - time[0]))
    order = 4
    cutoff = _EXO_FILTER / (np.sqrt(2) - 1) ** (1 / (2 * order))
    sections = signal.butter(order, cutoff / (0.5 * rate), output="sos")
    return pd.DataFrame(
        signal.sosfiltfilt(sections, moments.to_numpy(), axis=0, padlen=3 * order), index=moments.index,
        columns=moments.columns,
    )  # fmt: skip


def section(data: Path) -> str:
    """Every reference against OpenSim's tool and against us."""
    rows, said = [], []
    for reference in REFERENCES:
        target = read_sto(data / reference.moments, in_degrees=False)
        with tempfile.TemporaryDirectory(prefix="exogait-references-") as name:
            folder = Path(name)
            judge = by_opensim(data, reference, reference.motion, reference.cutoff, folder)
            ours, shift = by_us(data, reference, folder)
            found = {
                "ours against OpenSim's tool on the same files": apart(ours, judge, shift),
                "OpenSim's tool on the same files against the reference": apart(judge, target),
            }
            if reference.theirs:
                again = by_opensim(data, reference, reference.theirs, reference.their_cutoff, folder)
                found["OpenSim's tool on its makers' kinematics"] = apart(again, target)
                found["the same, and its makers' filter of the moments"] = apart(filtered(again), target)
            rows += [[reference.name, what, *_words(percent)] for what, percent in found.items()]
        said.append(f"- {reference.name}: {_CAUSES[reference.name]}.")
    header = ("reference", "what is compared", f"within {EQUAL:g}% of peak", "largest, % of peak", "beyond")
    return "\n".join(
        [
            "### Other people's files: the references themselves", "",
            "Regenerate with `EXOGAIT_DATA=... python -m tests.validation inputs`.", "",
            markdown_table(header, rows), "",
            "Why a reference is not reached, where it is not:", "", *said, "",
            "A set-up of OpenSim's tool can be given to `exogait lab run --setup`: its model, coordinates, loads and "
            "filter are taken from it.",
        ]
    )  # fmt: skip


def _words(found: Mapping[str, tuple[float, float]]) -> list[str]:
    beyond = ", ".join(f"{name} {percent:.1f}" for name, (percent, _) in found.items() if percent > EQUAL)
    equal = sum(percent <= EQUAL for percent, _ in found.values())
    return [f"{equal} of {len(found)}", f"{max(percent for percent, _ in found.values()):.2g}", beyond or "none"]
