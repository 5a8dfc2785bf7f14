"""Scores of every walk at hand: the profile score against its equations, and who is worse than every healthy walk.

``python -m tests.validation scores`` writes its part of docs/validation.md. Walks that were analysed before are taken
from the folder that ``EXOGAIT_STUDY_OUT`` names.
"""

from __future__ import annotations

import math
import os
import sys
import tempfile
import time
import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from exogait.analysis.gait.curves import find_curve, mean_curve, stride_curves
from exogait.analysis.gait.metrics import walking_speed
from exogait.analysis.lab.manifest import ManifestRow
from exogait.analysis.lab.pipeline import analyse_request
from exogait.analysis.opensim_tools.body_motion import with_body_motion
from exogait.analysis.opensim_tools.common import coordinate_names, load_model
from exogait.analysis.opensim_tools.scale import write_base_model
from exogait.analysis.scores.profile import PROFILE, movement_analysis_profile, overall_scores, reference_curves
from exogait.analysis.scores.table import compute_scores
from exogait.data import ExogaitError, GaitEvent, GaitTrial
from exogait.data.names import SIDE_WORDS, SIDES, TRIAL_FILE, Side
from exogait.data.processes import worker_pool
from exogait.data.registry import data_folder
from exogait.junction.simulate import SimulateRequest, simulate
from tests.kit.gps import independent_gps
from tests.validation.lab_walks import manifest
from tests.validation.sections import markdown_table, write_section

EQUAL = 1e-9
"""Largest difference from the independent calculation, degrees: the order of the sums."""
WORSE = ("MH", "TVC03_1", "TVC03_2", "TVC03_3", "crouch child")
"""Walks that must score worse than every healthy one."""
WHOLE = "whole"
"""Folder of a walk with nothing withheld."""
GROUPS = {"asymmetric": "patient", "adult": "not stated"}
"""Condition of the manifest to what is known of the person's health: the other conditions state that it is good."""
CROUCH = {
    "pelvis_tilt": ("lower_torso_RZ", 1.0), "pelvis_list": ("lower_torso_RX", 1.0),
    "pelvis_rotation": ("lower_torso_RY", 1.0), "hip_flexion": ("hip_flex", 1.0), "hip_adduction": ("hip_add", 1.0),
    "hip_rotation": ("hip_rot", 1.0), "knee_angle": ("knee_flex", -1.0), "ankle_angle": ("ankle_flex", 1.0),
    "subtalar_angle": ("subt_angle", 1.0),
}  # fmt: skip
"""Coordinate of the suite's model to that of the crouch child's, and its sign."""
BALANCE = (
    ("mos_along_strike", 100, 1), ("mos_along_least", 100, 1), ("mos_across_strike", 100, 1),
    ("mos_across_least", 100, 1), ("xcom_lead", 100, 1), ("com_vertical", 100, 1), ("com_lateral", 100, 1),
)  # fmt: skip
Profile = dict[tuple[str, Side], float]
Curves = dict[tuple[str, Side], np.ndarray]


def section(data: Path) -> str:
    """Markdown of the study."""
    start = time.perf_counter()
    rows = manifest(data)
    keep = os.environ.get("EXOGAIT_STUDY_OUT")
    with tempfile.TemporaryDirectory(prefix="exogait-scores-") as scratch:
        trials, failed = _walks(rows, Path(keep) if keep else Path(scratch))
        model = write_base_model(Path(scratch) / "base.osim")
        crouch = _crouch_child(data, model)
        walker = simulate(SimulateRequest("healthy", out=Path(scratch) / "simulated", seconds=8.0)).trial
    reference = reference_curves()
    others = _reference_without(rows, trials)
    withheld: dict[str, dict[Side | None, float]] = {}
    scored: list[tuple[str, str, float, Profile, Curves, Mapping[str, np.ndarray]]] = []
    for row in rows:
        if row.name in trials:
            trial, against = trials[row.name], others.get(row.subject, reference)
            curves = _curves({"r": trial, "l": trial})
            group = GROUPS.get(row.condition, "healthy")
            own = movement_analysis_profile(trial, against)
            scored.append((row.name, group, walking_speed(trial), own, curves, against))
            whole = trials.get(f"{row.name}/{WHOLE}")
            if whole is not None and math.isnan(overall_scores(own)[None]):
                withheld[row.name] = overall_scores(movement_analysis_profile(whole, against))
    profile = {
        (key, side): movement_analysis_profile(crouch[side], reference)[key, side] for key in PROFILE for side in SIDES
    }
    curves = {(key, side): mean_curve(crouch[side], key, side) for key in PROFILE for side in SIDES}
    scored.append(("crouch child", "patient", math.nan, profile, curves, reference))
    curves = {(key, side): mean_curve(walker, key, side) for key in PROFILE for side in SIDES}
    simulated = movement_analysis_profile(walker, reference)
    scored.append(("policy healthy", "simulated", walking_speed(walker), simulated, curves, reference))
    seconds = time.perf_counter() - start
    return "\n\n".join(
        [
            "## Scores\n\nRegenerate with `EXOGAIT_DATA=... python -m tests.validation scores` "
            f"({seconds:.0f} s this time{', walks taken from an earlier run where they were there' if keep else ''}).",
            _equal(scored), _worse(scored, failed, withheld), _profiles(scored),
            _balance({**trials, "policy healthy": walker}), _missing(reference),
        ]
    )  # fmt: skip


def _curves(legs: Mapping[Side, GaitTrial]) -> Curves:
    """Mean curve of every angle of the profile, each leg from its trial."""
    return {(key, side): mean_curve(legs[side], key, side) for key in PROFILE for side in SIDES}


def _walks(rows: list[ManifestRow], out: Path) -> tuple[dict[str, GaitTrial], dict[str, str]]:
    """Trials by name (with nothing withheld as ``name/whole``), and why one is not there."""
    waiting = [row for row in rows if not (out / row.name / "trial" / TRIAL_FILE).is_file()]
    with worker_pool(2) as pool:
        problems = dict(zip([r.name for r in waiting], pool.map(_analyse, [(r, out) for r in waiting]), strict=True))
    failed = {name: problem for name, problem in problems.items() if problem}
    trials = {}
    for row in rows:
        if row.name not in failed:
            trials[row.name] = GaitTrial.read_parquet(out / row.name / "trial")
            if (out / row.name / WHOLE / TRIAL_FILE).is_file():
                trials[f"{row.name}/{WHOLE}"] = GaitTrial.read_parquet(out / row.name / WHOLE)
    return trials, failed


def _analyse(job: tuple[ManifestRow, Path]) -> str:
    """Analyse one walk into its folder; why it failed, or nothing."""
    row, out = job
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            found = analyse_request(row.request(), out=out / row.name)
        except ExogaitError as error:
            return str(error)
    found.withheld.write_parquet(out / row.name / WHOLE)
    found.trial.write_parquet(out / row.name / "trial")
    return ""


def _reference_without(
    rows: Iterable[ManifestRow], trials: Mapping[str, GaitTrial]
) -> dict[str, dict[str, np.ndarray]]:
    """For each person of the norm, the norm of the others: nobody is judged by a mean that holds their own walk."""
    own: dict[str, dict[str, np.ndarray]] = {}
    for row in rows:
        if row.condition == "preferred" and row.name in trials:
            own[row.subject] = {key: _of_person(trials[row.name], key) for key in PROFILE}
    return {
        who: {key: np.nanmean([curves[key] for name, curves in own.items() if name != who], axis=0) for key in PROFILE}
        for who in own
    }


def _of_person(trial: GaitTrial, key: str) -> np.ndarray:
    """Mean over the strides of both legs, as the norm table has it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return np.nanmean(np.concatenate([stride_curves(trial, key, side)[0] for side in SIDES]), axis=0)


def _crouch_child(data: Path, model: Path) -> dict[Side, GaitTrial]:
    """The child's published mean curves of each leg as a walk of one stride, with the feet of the suite's own model."""
    names = coordinate_names(load_model(model))
    found: dict[Side, GaitTrial] = {}
    for side in SIDES:
        word = SIDE_WORDS[side]
        rows = pd.read_csv(data / "norms" / f"cp_child_falisse2020_{word}cycle.csv")
        table = rows[rows["kind"] == "coordinate"].pivot_table(index="pct", columns="column", values="mean")
        index = pd.Index(table.index.to_numpy(np.float64) / 100, name="time")
        columns = dict.fromkeys(names, np.zeros(len(index)))
        for name in names:
            key, ending = (name[:-2], name[-2:]) if name.endswith(("_r", "_l")) else (name, "")
            if key in CROUCH:
                theirs, sign = CROUCH[key]
                columns[name] = sign * np.radians(table[f"{theirs}{ending}"].to_numpy(np.float64))
        columns["pelvis_tx"] = table["lower_torso_TX"].to_numpy(np.float64)
        angles = pd.DataFrame(columns, index=index)
        events = (GaitEvent(0.0, side, "heel_strike"), GaitEvent(1.0, side, "heel_strike"))
        trial = GaitTrial(name=f"crouch {word}", coordinates=angles, speeds=0.0 * angles, events=events)
        found[side] = with_body_motion(trial, model)
    return found


def _equal(scored: list) -> str:
    worst, n = 0.0, 0
    for _, _, _, profile, curves, against in scored:
        ours = overall_scores(profile)
        if math.isfinite(ours[None]):
            theirs = independent_gps(curves, against)
            worst = max(worst, *(abs(a - b) for a, b in zip((ours["r"], ours["l"], ours[None]), theirs, strict=True)))
            n += 1
    verdict = "met" if n and worst < EQUAL else "**missed**"
    return (
        f"The gait profile score of {n} walks against the equations of Baker et al. 2009 written out in "
        f"tests/kit/gps.py, on the same curves: largest difference {worst:.1e}° (limit {EQUAL:g}): {verdict}."
    )


def _worse(scored: list, failed: Mapping[str, str], withheld: Mapping[str, Mapping[Side | None, float]]) -> str:
    found = {name: (group, speed, overall_scores(profile)) for name, group, speed, profile, *_ in scored}
    of = {name: profile for name, _, _, profile, *_ in scored}
    healthy = {name: scores[None] for name, (group, _, scores) in found.items() if group == "healthy"}
    known = {name: value for name, value in healthy.items() if math.isfinite(value)}
    most = max(known, key=lambda name: known[name])
    lines: list[list[object]] = []
    verdicts = []
    for name in sorted(found, key=lambda n: (found[n][0] != "patient", -np.nan_to_num(found[n][2][None], nan=-1))):
        group, speed, scores = found[name]
        verdict = ""
        if name in WORSE:
            worse = scores[None] > known[most]
            verdicts.append(worse)
            verdict = "worse than every healthy walk" if worse else "**missed**"
        if name in withheld:
            value = withheld[name][None]
            verdict += f"{', ' if verdict else ''}withheld: {value:.1f} without the judgement"
            verdict += ", which would be worse than every healthy walk" * (name in WORSE and value > known[most])
        cells = ["–" if math.isnan(scores[key]) else f"{scores[key]:.1f}" for key in ("r", "l", None)]
        lines.append([name, group, "" if math.isnan(speed) else f"{speed:.2f}", *cells, verdict])
    for name, why in failed.items():
        lines.append([name, "", "", "**failed:** " + why, "", "", ""])
    worst = {key: max(of[most][key, side] for side in SIDES) for key in PROFILE}
    first, second = sorted(worst, key=lambda key: -worst[key])[:2]
    below = [f"{name} above {sum(found[name][2][None] > v for v in known.values())}" for name in WORSE if name in found]
    met = "met" if len(verdicts) == len(WORSE) and all(verdicts) else "**missed**"
    values = np.array(list(known.values()))
    above = sum(scores[None] > known[most] for group, _, scores in found.values() if group == "not stated")
    return (
        f"Healthy walks: GPS {np.median(values):.1f}° in the median, {values.min():.1f} to {values.max():.1f}° "
        f"({len(values)} of {len(healthy)} walks have every angle; the largest is {most}, "
        f"mostly by {find_curve(first).title.lower()}, {worst[first]:.0f}°, and {find_curve(second).title.lower()}, "
        f"{worst[second]:.0f}°). MH, the stroke survivor TVC03 and the crouch child worse than every one of them: "
        f"{met} ({', '.join(below)} of {len(values)}). A walk whose static trial is a walk has no zero of its "
        "angles: the judgement withholds them, and the score with them. Of the walks marked *not stated* no file "
        f"says whether the person is healthy, and they are not counted; {above} of them lie above the healthy. The 14 "
        "adults of the norm are judged against the other 13. The crouch child is published as mean curves of each leg "
        "(Falisse et al. 2020); its foot progression follows from them on the suite's unscaled model.\n\n"
        + markdown_table(["walk", "", "m/s", "GPS right (°)", "left", "both", ""], lines)
    )


def _profiles(scored: list) -> str:
    groups = {name: profile for name, group, _, profile, *_ in scored if group in ("patient", "simulated")}
    healthy = [profile for _, group, _, profile, *_ in scored if group == "healthy"]

    def cell(values: Iterable[float]) -> str:
        known = [value for value in values if math.isfinite(value)]
        return "–" if not known else "/".join(f"{value:.0f}" for value in known)

    head = ["", *(key.replace("_", " ") for key in PROFILE)]
    medians = [np.nanmedian([p[key, side] for p in healthy for side in SIDES]) for key in PROFILE]
    largest = [np.nanmax([p[key, side] for p in healthy for side in SIDES]) for key in PROFILE]
    lines: list[list[object]] = [["healthy, median", *(f"{v:.1f}" for v in medians)]]
    lines.append(["healthy, largest", *(f"{v:.1f}" for v in largest)])
    for name, p in groups.items():
        lines.append([name, *(cell(p[key, side] for side in SIDES) for key in PROFILE)])
    return "Movement analysis profile, gait variable scores in degrees, right/left:\n\n" + markdown_table(head, lines)


def _balance(trials: Mapping[str, GaitTrial]) -> str:
    shown = ("QCMAS", "Sydney_04", "HC002D", "MH", "TVC03_1", "SBJ05_1", "policy healthy")
    lines = []
    for name in shown:
        if name not in trials:
            continue
        table = compute_scores(trials[name]).set_index("score")
        cells = [f"{walking_speed(trials[name]):.2f}"]
        for score, factor, digits in BALANCE:
            legs = [float(table.loc[score, word]) * factor for word in ("right", "left")]
            cells.append(" / ".join("–" if math.isnan(v) else f"{v:.{digits}f}" for v in legs))
        for score in ("step_length_cv", "step_width_sd", "step_time_cv"):
            value = float(table.loc[score, "both"]) * (100 if score == "step_width_sd" else 1)
            cells.append("–" if math.isnan(value) else f"{value:.1f}")
        lines.append([name, *cells])
    head = [
        "walk", "m/s", "MoS fore-aft at strike (cm)", "least", "MoS sideways at strike", "least", "XcoM lead",
        "CoM vertical", "CoM lateral", "step length CV (%)", "step width SD (cm)", "step time CV (%)",
    ]  # fmt: skip
    return (
        "Balance and variability, right / left; measured and simulated walks by the same functions. A dash: fewer than "
        "two steps a foot, or an angle that is needed is not known.\n\n" + markdown_table(head, lines)
    )


def _missing(reference: Mapping[str, np.ndarray]) -> str:
    lacking = ", ".join(key for key in PROFILE if key not in reference) or "none"
    return (
        "Reference of the profile: data/tables/norm_schreiber2019.csv (14 healthy adults, preferred speed, CC BY 4.0), "
        f"on the suite's own model. Angles without a reference: {lacking}. Children are compared with these adults: of "
        "children no norm on this model is at hand. Speed for age: pooled means of Bohannon & Andrews 2011, which give "
        "no SD between people; below 20 years there is none."
    )


def main() -> None:
    """Run the study and write its section."""
    data = data_folder()
    if data is None:
        sys.exit("EXOGAIT_DATA must name the folder of laboratory data")
    text = section(data)
    print(text)
    print(write_section("validation.md", "scores", text))


if __name__ == "__main__":
    main()
