"""Other people's files: from what lies in their folders to a report by one command, and what it is worth.

Every case runs the command line itself. Moments are compared with the inverse dynamics that lies beside the files,
where any does, in percent of that reference's own peak; angles with the inverse kinematics beside them.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from exogait.analysis.lab.own_model import read_motion
from exogait.data import GaitTrial
from exogait.data.quality import overall, quality_rows
from exogait.data.storage import read_sto
from tests.validation import inputs_references
from tests.validation.inputs_references import EQUAL, apart
from tests.validation.sections import markdown_table, write_section

SAGITTAL = ("hip_flexion", "knee_angle", "ankle_angle")
CAUTION = (
    "Moments are compared over the whole of the common time where the ground reaction is known. A reference that is "
    "missed is not necessarily wrong, nor are we: it can only be reached with the files it was made from."
)


@dataclass(frozen=True)
class Case:
    """One command and what lies beside its files."""

    name: str
    arguments: tuple[str, ...]
    """Options of ``exogait lab run``; what names a file of the data folder begins with ``@``."""
    moments: str = ""
    """Reference of inverse dynamics."""
    angles: str = ""
    """Reference of inverse kinematics, solved with ``model``."""
    model: str = ""


@dataclass(frozen=True)
class Outcome:
    """What became of a case."""

    case: Case
    seconds: float
    folder: Path
    code: int
    trial: GaitTrial | None
    last_line: str = field(repr=False)


_CAP, _CAM, _EXO = "trcmot_opencap_subject4", "trcmot_camargo", "exo_apo_danielfng"
_ADULT, _S01 = "opensim_walking_adult", "opensim_models/gait2392/subject01"
_WALK = f"{_CAM}/levelground_ccw_fast_01_01"

_WALKING1 = ("--trial", f"@{_CAP}/MarkerData/walking1.trc", "--forces", f"@{_CAP}/ID/walking1_grf.mot",
             "--mass", "62.6")  # fmt: skip
_LOOP = ("--model", f"@{_CAM}/final.osim", "--forces", f"@{_WALK}_external_forces.xml")
_STANDING = Case(_CAP, ("--static", f"@{_CAP}/MarkerData/static1.trc", *_WALKING1))
_NO_STATIC = Case(f"{_CAP}, no static trial", _WALKING1)

STRAIGHT = (
    _STANDING,
    _NO_STATIC,
    Case(
        _EXO, ("--trial", f"@{_EXO}/reference/IK/ik.mot", "--model", f"@{_EXO}/model.osim",
               "--forces", f"@{_EXO}/cycle01.mot"),
        moments=f"{_EXO}/reference/ID/id.sto",
    ),
    Case(
        _ADULT, ("--trial", f"@{_ADULT}/coordinates.sto", "--model", f"@{_ADULT}/subject_walk_scaled.osim",
                 "--forces", f"@{_ADULT}/grf_walk.xml"),
        moments=f"{_ADULT}/id_walk.sto",
    ),
    Case(
        "gait2392 subject01", ("--trial", f"@{_S01}/OutputReference/subject01_walk1_ik.mot",
                               "--model", f"@{_S01}/OutputReference/subject01_simbody.osim",
                               "--forces", f"@{_S01}/subject01_walk1_grf.xml"),
        moments=f"{_S01}/OutputReference/ResultsInverseDynamics/InverseDynamicsOutput.sto",
    ),
)  # fmt: skip
LOOP = (
    Case(f"{_CAM}, its coordinates", ("--trial", f"@{_WALK}_ik.mot", *_LOOP)),
    Case(
        f"{_CAM}, its markers", ("--trial", f"@{_WALK}.trc", *_LOOP),
        angles=f"{_WALK}_ik.mot", model=f"{_CAM}/final.osim",
    ),
)  # fmt: skip
GROUPS = {"inputs": STRAIGHT, "inputs, a loop": LOOP}
"""Sections of the page; the loop of fifteen seconds takes as long as all the others."""


def run(case: Case, data: Path, out: Path) -> Outcome:
    """Run one case by the command line."""
    arguments = [str(data / text[1:]) if text.startswith("@") else text for text in case.arguments]
    start = time.perf_counter()
    command = [sys.executable, "-W", "ignore", "-m", "exogait", "lab", "run", *arguments, "--out", str(out)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    lines = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
    trial = GaitTrial.read_parquet(out / "trial") if (out / "report.html").is_file() else None
    return Outcome(case, time.perf_counter() - start, out, done.returncode, trial, lines[-1] if lines else "")


def start_of(trial: GaitTrial) -> float:
    """Time of the walk's first frame on its files' clock, s, as the trial's own rows tell it."""
    for row in quality_rows(trial):
        if row.what.startswith("walk trial, forces in"):
            return float(row.found.split("the first frame is at ")[1].split(" s")[0])
    return 0.0


def differences(trial: GaitTrial, reference: pd.DataFrame) -> dict[str, tuple[float, float]]:
    """Largest difference of each moment from the reference, % of the reference's peak, and the share that is known."""
    assert trial.generalized_forces is not None
    return apart(trial.generalized_forces, reference, start_of(trial))


def angle_rms(outcome: Outcome, data: Path) -> dict[str, float]:
    """RMS difference of the sagittal angles from inverse kinematics with the same model, degrees."""
    case, trial = outcome.case, outcome.trial
    assert trial is not None and trial.coordinates is not None
    theirs, start = read_motion(data / case.angles, data / case.model)
    shift, found = start_of(trial) - start, {}
    for name in (f"{joint}_{side}" for joint in SAGITTAL for side in "rl"):
        at = trial.coordinates.index + shift
        inside = (at >= theirs.index[0]) & (at <= theirs.index[-1])
        apart = trial.coordinates[name].to_numpy()[inside] - np.interp(at[inside], theirs.index, theirs[name])
        found[name] = float(np.degrees(np.sqrt(np.nanmean(apart**2))))
    return found


def without_static(outcomes: Sequence[Outcome]) -> str:
    """What scaling to the walk changes, on the one walk that is run both ways."""
    both = {o.case.name: o.trial for o in outcomes if o.case in (_STANDING, _NO_STATIC) and o.trial is not None}
    if len(both) < 2:
        return ""
    first, second = both[_STANDING.name], both[_NO_STATIC.name]
    said = []
    for table, unit, factor in (
        ("coordinates", "°", np.degrees(1.0)),
        ("generalized_forces", " N m/kg", 1 / float(first.about.mass or np.nan)),
    ):
        one, other = getattr(first, table), getattr(second, table)
        parts = []
        for joint in SAGITTAL:
            legs = [(one[f"{joint}_{s}"] - other[f"{joint}_{s}"]).dropna().to_numpy() * factor for s in "rl"]
            if not all(map(len, legs)):
                parts.append(f"{joint.replace('_', ' ')} withheld")
                continue
            apart = np.concatenate(legs)
            still = np.concatenate([leg - leg.mean() for leg in legs])
            whole, rest = (f"{np.sqrt(np.mean(values**2)):.2f}" for values in (apart, still))
            parts.append(f"{joint.replace('_', ' ')} {whole}{unit} ({rest} about each leg's mean)")
        said.append(", ".join(parts))
    return f"Without a static trial ({_CAP} walking1, n = 1), RMS change of angles: {said[0]}; of moments: {said[1]}."


def describe(title: str, outcomes: Sequence[Outcome], data: Path) -> str:
    """The section of the page."""
    parts = [f"### {title}", "", "Regenerate with `EXOGAIT_DATA=... python -m tests.validation inputs`.", ""]
    rows = []
    for o in outcomes:
        options = " ".join(text.removeprefix("@") for text in o.case.arguments)
        verdict = overall(quality_rows(o.trial)).headline() if o.trial is not None else f"no report: {o.last_line}"
        rows.append((o.case.name, f"`exogait lab run {options}`", verdict, f"{o.seconds:.0f}"))
    parts += [markdown_table(("files", "command", "verdict of the report", "s"), rows), ""]
    rows = []
    for o in outcomes:
        if not o.case.moments or o.trial is None:
            continue
        found = differences(o.trial, read_sto(data / o.case.moments, in_degrees=False))
        equal = [name for name, (percent, _) in found.items() if percent <= EQUAL]
        missed = ", ".join(f"{name} {percent:.1f}" for name, (percent, _) in found.items() if percent > EQUAL)
        known = f"{min(share for _, share in found.values()):.0%}"
        rows.append((o.case.name, f"{len(equal)} of {len(found)}", f"MISSED: {missed}" if missed else "none", known))
    header = ("moments against the inverse dynamics beside the files", f"within {EQUAL:g}% of peak",
              "beyond, largest difference, % of peak", "known, least")  # fmt: skip
    parts += [markdown_table(header, rows), "", CAUTION, ""] if rows else []
    none = [o.case.name for o in outcomes if not o.case.moments]
    parts += [f"No inverse dynamics lies beside {' and '.join(none)}: nothing to be equal to.", ""]
    parts += [text, ""] if (text := without_static(outcomes)) else []
    for o in outcomes:
        if o.case.angles and o.trial is not None:
            angles = ", ".join(
                f"{name} {value:.1f}°" if np.isfinite(value) else f"{name} withheld"
                for name, value in angle_rms(o, data).items()
            )
            parts += [f"{o.case.name}, angles against the inverse kinematics beside it, RMS: {angles}.", ""]
    return "\n".join(parts)


def main(*groups: str) -> None:
    """Run every case of the named groups, of all without a name, and write their sections."""
    data = Path(os.environ["EXOGAIT_DATA"])
    for group in groups or (*GROUPS, "references"):
        if group == "references":
            text = inputs_references.section(data)
            print(text)
            write_section("validation.md", "inputs-references", text)
            continue
        with tempfile.TemporaryDirectory(prefix="exogait-inputs-") as folder:
            outcomes = []
            for place, case in enumerate(GROUPS[group]):
                outcomes.append(run(case, data, Path(folder) / str(place)))
                print(f"{case.name}: exit {outcomes[-1].code}, {outcomes[-1].seconds:.0f} s", flush=True)
            title = "Other people's files" if group == "inputs" else "Other people's files: a walk in a loop"
            text = describe(title, outcomes, data)
        print(text)
        write_section("validation.md", group.replace(", ", " ").replace(" ", "-"), text)


if __name__ == "__main__":
    main(*sys.argv[1:])
