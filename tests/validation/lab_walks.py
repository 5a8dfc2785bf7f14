"""Every real walk from C3D to report: marker errors, curves against the norm at that speed, asymmetry."""

from __future__ import annotations

import csv
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from exogait.analysis.gait.agreement import compare_curves
from exogait.analysis.gait.curves import find_curve, knee_sign, mean_curve
from exogait.analysis.gait.metrics import compute_metrics, symmetry_rows
from exogait.analysis.gait.norm_bands import NormBand, bands_for
from exogait.analysis.lab.batch import run_batch
from exogait.analysis.lab.manifest import ManifestRow
from exogait.data.storage import read_mot
from exogait.data.trial import SIDES, GaitTrial, interpolate_table
from tests.validation.sections import markdown_table

IK_LIMIT_CM = 2.0
ANGLE_LIMIT_DEG = 3.0
KEYS = ("knee_flexion", "ankle_plantarflexion_moment", "grf_vertical")
# Name, folder, static and walk in it, mass (kg), height (m), group. AUC states no mass: it is that of its static trial.
OTHERS = """
HC002D|biomechzoo_children/HC002D|static/HC002D02.c3d|straight/HC002D06.c3d|32.1|1.45|child
HC033A|biomechzoo_children/HC033A|static/HC033A01.c3d|straight/HC033A10.c3d|51.5|1.605|child
HC038A|biomechzoo_children/HC038A|static/HC038A01.c3d|straight/HC038A11.c3d|56.8|1.74|child
BTK_PiG3|btkdata_gait|PiG_Calibration3_FF.c3d|PiG_Motion3_FF.c3d|74.0|1.76|adult
BTK_FlatFoot|btkdata_gait|PiG_Calibration-FlatFoot-Full.c3d|PiG_Motion-FlatFoot-Full.c3d|47.5|1.505|adult
BTK_Functional|btkdata_gait|FunctionalStatic.c3d|FunctionalWalk.c3d|60.0|1.68|adult
AUC|clinical_labs/AUC|static/CB_Static0001.c3d|dynamic/CB_Dynamic0003.c3d|36.3||adult
QCMAS|clinical_labs/QCMAS|static/QCMAS.static.c3d|dynamic/QCMAS.dynamic.c3d|70.2|1.86|adult
Sydney_04|clinical_labs/Sydney|static/S4 AM Cal 01.c3d|dynamic/S4-AMGait04.c3d|53.5|1.634|adult
Sydney_05|clinical_labs/Sydney|static/S4 AM Cal 01.c3d|dynamic/S4-AMGait05.c3d|53.5|1.634|adult
MH|clinical_labs/MH|static/MH_Cal 01.c3d|dynamic/MH_Dynamic_BF08.c3d|79.25|1.624|asymmetric
TVC03_1|stroke_vancriekinge2023/trc|TVC03_1.trc|TVC03_1.trc|66.9|1.71|asymmetric
TVC03_2|stroke_vancriekinge2023/trc|TVC03_2.trc|TVC03_2.trc|66.9|1.71|asymmetric
TVC03_3|stroke_vancriekinge2023/trc|TVC03_3.trc|TVC03_3.trc|66.9|1.71|asymmetric
SBJ05_1|stroke_vancriekinge2023/trc|SBJ05_1.trc|SBJ05_1.trc|50.0|1.45|control
SBJ05_2|stroke_vancriekinge2023/trc|SBJ05_2.trc|SBJ05_2.trc|50.0|1.45|control
SBJ05_3|stroke_vancriekinge2023/trc|SBJ05_3.trc|SBJ05_3.trc|50.0|1.45|control
"""
REFERENCES = {
    "2014001_C4_05": "2014001/reference_ik/C4_05_ik.mot", "2014001_C5_01": "2014001/reference_ik/C5_01_ik.mot",
    "2015043_C4_04": "2015043/reference_ik/C4_04_ik.mot", "2015043_C5_05": "2015043/reference_ik/C5_05_ik.mot",
}  # fmt: skip


def manifest(data: Path) -> list[ManifestRow]:
    """All walks that have what the road needs."""
    folder = data / "schreiber2019"
    with (folder / "anthropometrics.csv").open(newline="") as file:
        people = {row["subjectID"]: row for row in csv.DictReader(file)}
    rows = []
    for subject in sorted(path.name for path in folder.iterdir() if path.is_dir()):
        for walk in sorted((folder / subject).glob("*_C[45]_*.c3d")):
            who = people[subject]
            rows.append(
                ManifestRow(
                    name=walk.stem, subject=subject, static=folder / subject / f"{subject}_ST.c3d", walk=walk,
                    mass=float(who["mass"]), height=float(who["height"]),
                    condition="preferred" if "_C4_" in walk.stem else "fast",
                )
            )  # fmt: skip
    for line in OTHERS.strip().splitlines():
        name, place, static, walk, mass, height, group = line.split("|")
        rows.append(
            ManifestRow(
                name=name, subject=name.split("_")[0] if group != "adult" else name, static=data / place / static,
                walk=data / place / walk, mass=float(mass), height=float(height) if height else None, condition=group,
            )
        )  # fmt: skip
    return rows


def section(data: Path) -> str:
    """Markdown of the study."""
    rows = manifest(data)
    keep = os.environ.get("EXOGAIT_STUDY_OUT")
    with tempfile.TemporaryDirectory(prefix="exogait-walks-") as scratch:
        out = Path(keep) if keep else Path(scratch)
        result = run_batch(rows, out=out, workers=2, progress=print)
        failed = dict(zip(result.failures["name"], result.failures["error"], strict=True))
        trials = {row.name: GaitTrial.read_parquet(out / row.name / "trial") for row in rows if row.name not in failed}
    parts = [
        "### 2. Real walks, C3D to report",
        _walks(rows, trials, failed),
        _references(data, trials),
        "### 3. Asymmetric people beside healthy ones",
        _asymmetry(rows, trials),
    ]
    return "\n\n".join(parts)


def _walks(rows: list[ManifestRow], trials: Mapping[str, GaitTrial], failed: Mapping[str, str]) -> str:
    """Marker error and agreement with the norm, one row a walk."""
    people = _curves_by_person(rows, trials)
    lines, rms, shares = [], [], {key: [] for key in KEYS}
    judged = [row for row in rows if row.condition in ("preferred", "fast", "child", "adult")]
    for row in judged:
        if row.name in failed:
            lines.append([row.name, "", "", "**failed:** " + failed[row.name], "", "", ""])
            continue
        trial = trials[row.name]
        error = 100 * next(e["rms"] for e in trial.metadata["marker_errors"] if e["marker"] == "all")
        rms.append(error)
        cells, labels = [], []
        bands = _bands(row, trial, people)
        for key in KEYS:
            cells.append(_against(trial, key, bands.get(key), shares[key]))
        labels = list(dict.fromkeys(bands[key].label for key in KEYS if key in bands))
        lines.append([row.name, f"{trial.about.walked_speed:.2f}", f"{error:.2f}", *cells, "; ".join(labels)])
    table = markdown_table(
        ["walk", "m/s", "IK RMS (cm)", "knee flexion peak (deg), in 2 SD", "ankle moment peak (N m/kg), in 2 SD",
         "vertical force peak (BW), in 2 SD", "norm"],
        lines,
    )  # fmt: skip
    inside = [
        [find_curve(key).title, f"{np.median(shares[key]):.0f} %", f"{np.min(shares[key]):.0f} %", len(shares[key])]
        for key in KEYS
        if shares[key]
    ]
    verdict = "met" if not failed and max(rms) < IK_LIMIT_CM else "**missed**"
    return "\n\n".join(
        [
            f"{sum(row.name not in failed for row in judged)} of {len(judged)} walks came from C3D to a report with no "
            "more than files, mass and height; the marker set is chosen by the road. IK marker RMS: median "
            f"{np.median(rms):.2f} cm, largest {max(rms):.2f} cm (limit {IK_LIMIT_CM:g} cm): {verdict}.",
            "Each cell: right / left peak (norm's peak), share of the cycle inside mean ± 2 SD, right / left. A dash: "
            "the kinetics of that leg are not known. The Schreiber walks are judged against the other 13 people, the "
            "person's own walks left out.",
            markdown_table(["curve", "median share in 2 SD", "smallest", "legs"], inside),
            table,
        ]
    )


def _against(trial: GaitTrial, key: str, band: NormBand | None, shares: list[float]) -> str:
    peaks, inside = [], []
    digits = 1 if find_curve(key).unit == "°" else 2
    for side in SIDES:
        curve = mean_curve(trial, key, side)
        stance = np.isfinite(curve[:60]).mean() > 0.95
        peaks.append(f"{np.nanmax(curve):.{digits}f}" if stance else "–")
        if band is None or not stance:
            inside.append("–")
            continue
        grid = np.arange(101.0)
        mean, sd = (np.interp(grid, band.percent, v, left=np.nan, right=np.nan) for v in (band.mean, band.sd))
        result = compare_curves(curve, mean, reference_sd=sd)
        shares.append(result.within_2_sd_pct)
        inside.append(f"{result.within_2_sd_pct:.0f}")
    norm = f" ({np.nanmax(band.mean):.{digits}f})" if band is not None else ""
    return f"{' / '.join(peaks)}{norm}; {' / '.join(inside)} %"


def _curves_by_person(
    rows: list[ManifestRow], trials: Mapping[str, GaitTrial]
) -> dict[str, dict[str, dict[str, np.ndarray]]]:
    """Condition, subject, curve: mean of the person's legs, as the norm table does it."""
    result: dict[str, dict[str, dict[str, np.ndarray]]] = {}
    for row in rows:
        if row.condition in ("preferred", "fast") and row.name in trials:
            curves = {}
            for key in KEYS:
                legs = np.stack([mean_curve(trials[row.name], key, side) for side in SIDES])
                known = np.isfinite(legs).sum(axis=0)
                total = np.where(np.isfinite(legs), legs, 0.0).sum(axis=0)
                curves[key] = np.where(known > 0, total / np.maximum(known, 1), np.nan)
            result.setdefault(row.condition, {})[row.subject] = curves
    return result


def _bands(
    row: ManifestRow, trial: GaitTrial, people: Mapping[str, Mapping[str, Mapping[str, np.ndarray]]]
) -> dict[str, NormBand]:
    if row.condition in people:
        bands = {}
        for key in KEYS:
            others = np.stack([curves[key] for who, curves in people[row.condition].items() if who != row.subject])
            enough = np.isfinite(others).sum(axis=0) >= 7
            mean, sd = np.nanmean(others[:, enough], axis=0), np.nanstd(others[:, enough], axis=0, ddof=1)
            bands[key] = NormBand(mean, sd, np.arange(101.0)[enough], f"{len(others)} others, {row.condition}")
        return bands
    population = "children" if row.condition == "child" else "adults"
    return bands_for(trial.replace(metadata={**trial.metadata, "population": population}), keys=KEYS)


def _references(data: Path, trials: Mapping[str, GaitTrial]) -> str:
    """Angles against an independent inverse kinematics on another model."""
    lines, worst = [], 0.0
    for name, file in REFERENCES.items():
        if name not in trials or not (data / "schreiber2019" / file).is_file():
            lines.append([name, "reference or walk missing", "", "", "", "", ""])
            continue
        theirs = read_mot(data / "schreiber2019" / file)
        ours = trials[name].coordinates
        assert ours is not None
        inside = (theirs.index >= ours.index[0]) & (theirs.index <= ours.index[-1])
        theirs = pd.DataFrame(theirs.loc[inside])
        mine = interpolate_table(ours, theirs.index)
        factor = 1.0 if theirs.attrs.get("in_degrees", True) else 180.0 / np.pi
        cells = []
        for joint in ("hip_flexion", "knee_angle", "ankle_angle"):
            for side in SIDES:
                column = f"{joint}_{side}"
                sign = knee_sign(trials[name]) if joint == "knee_angle" else 1.0
                difference = sign * np.rad2deg(mine[column].to_numpy()) - factor * theirs[column].to_numpy()
                rest = float(np.sqrt(np.mean((difference - difference.mean()) ** 2)))
                worst = max(worst, rest)
                cells.append(f"{rest:.1f} ({difference.mean():+.1f})")
        lines.append([name, *cells])
    verdict = "met" if worst < ANGLE_LIMIT_DEG else "**missed**"
    table = markdown_table(["walk", "hip r", "hip l", "knee r", "knee l", "ankle r", "ankle l"], lines)
    return (
        "Angles against an independent inverse kinematics, RMS after the constant offset is removed (offset), degrees. "
        "The reference is another model (Rajagopal type, its own marker placement), so offsets are expected. Worst "
        f"{worst:.1f} degrees, limit {ANGLE_LIMIT_DEG:g}: {verdict}. Forces and centres of pressure stand under "
        f"*Files, plates and events*.\n\n{table}"
    )


ASYMMETRY = ("step_time", "stance_time", "step_length", "knee_flexion_swing", "knee_flexion_range")
# What the data set's README says was measured from the files' own events and markers (left, right).
EXPECTED = {
    "MH": {"step_time": -1, "stance_time": 1, "knee_flexion_swing": 1},
    "TVC03": {"stance_time": -1, "step_length": 1},
}


def _asymmetry(rows: list[ManifestRow], trials: Mapping[str, GaitTrial]) -> str:
    """Robinson's index of the asymmetric people beside the spread of the healthy."""
    indices: dict[str, dict[str, float]] = {}
    for name, trial in trials.items():
        found = symmetry_rows(compute_metrics(trial), ASYMMETRY)
        indices[name] = dict(zip(found["quantity"], found["robinson"].to_numpy(np.float64), strict=True))
    healthy = [row.name for row in rows if row.condition in ("preferred", "fast", "control") and row.name in indices]
    table = {key: np.array([indices[name].get(key, np.nan) for name in healthy]) for key in ASYMMETRY}
    mean = {key: float(np.nanmean(table[key])) for key in ASYMMETRY}
    sd = {key: float(np.nanstd(table[key], ddof=1)) for key in ASYMMETRY}
    lines: list[list[object]] = [
        [f"healthy, mean ± SD (n = {len(healthy)} walks)", *(f"{mean[k]:+.1f} ± {sd[k]:.1f}" for k in ASYMMETRY)],
        ["healthy, range", *(f"{np.nanmin(table[k]):+.1f} to {np.nanmax(table[k]):+.1f}" for k in ASYMMETRY)],
    ]
    verdicts = []
    for name in [row.name for row in rows if row.condition == "asymmetric"]:
        if name not in indices:
            lines.append([name, *["failed"] * len(ASYMMETRY)])
            verdicts.append(False)
            continue
        cells = []
        for key in ASYMMETRY:
            value = indices[name].get(key, np.nan)
            wanted = EXPECTED[name.split("_")[0]].get(key)
            outside = abs(value - mean[key]) > 2 * sd[key]
            note = ""
            if wanted is not None:
                right_way = np.sign(value) == wanted and outside
                verdicts.append(bool(right_way))
                note = ", as expected" if right_way else ", **not as expected**"
            cells.append(f"{value:+.1f}{note}")
        lines.append([name, *cells])
    controls: list[list[object]] = [
        [name, *(f"{indices[name].get(key, np.nan):+.1f}" for key in ASYMMETRY)]
        for name in [row.name for row in rows if row.condition == "control" and row.name in indices]
    ]
    summary = "met" if verdicts and all(verdicts) else "**missed**"
    return (
        "Robinson's SI (%), positive where the right side is larger. Expected directions are those that the data sets' "
        "own README states; a value counts as expected if it has that sign and lies more than 2 SD from the healthy "
        "mean. TVC03 and SBJ05 have no static trial and no plates: scaled from the quietest second of the walk. "
        f"{summary}.\n\n" + markdown_table(["", *(k.replace("_", " ") for k in ASYMMETRY)], [*lines, *controls])
    )
