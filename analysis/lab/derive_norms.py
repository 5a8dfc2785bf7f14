"""Compute the suite's own reference curves from the Schreiber walks: ``python -m exogait.analysis.lab.derive_norms``.

Every walk of the 14 adults runs down the lab road. A person's curve is the mean of that person's strides and legs,
and mean and standard deviation are taken between people, so that nobody counts twice. The table goes to
``data/tables/norm_schreiber2019.csv``; the walks (CC BY 4.0) are read from EXOGAIT_DATA or downloaded.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
import warnings
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from exogait.data.errors import DataQualityWarning, ExogaitError
from exogait.data.norms import SCHREIBER_TABLE
from exogait.data.processes import worker_pool
from exogait.data.registry import STATIC_ENDING, dataset, fetch, find_dataset
from exogait.data.trial import SIDES

from ..markers.map import read_marker_map

MARKER_MAP = "schreiber2019"
CONDITIONS = {"C4": "preferred", "C5": "fast"}
UNITS = {"°": "deg", "N·m/kg": "N m/kg"}
MOST = 0.5
"""A percent of the cycle is written where at least this share of the people was measured there."""
STILL = 0.01
"""A curve in which people differ by less than this everywhere (degrees, N m/kg, W/kg, BW) was held, not measured."""
HEADER = """# Gait cycle curves of healthy adults walking overground, mean and standard deviation between people.
# Computed by analysis/lab/derive_norms.py from Schreiber & Moissenet 2019, doi 10.1038/s41597-019-0124-4 (CC BY 4.0).
# Subjects: {subjects}.
# Marker map and walking weights of the kinematics: {markers}.
# Model: the suite's own, scaled to each person. Signs as in analysis/gait/curves.py. n_people: measured at that percent
# (the trials end with the stride, so that forces of its last percents are known of some people only).
"""


def kinematics_fingerprint() -> str:
    """What the angles hang on besides the walks: body, place and walking weight of each marker, and what is held.

    The table is older than the road where its header says another one: derive it anew.
    """
    markers = read_marker_map(MARKER_MAP)
    rows = [(m.label, m.body, m.location, markers.walking_weight(m.label)) for m in markers.markers.values()]
    return hashlib.sha256(repr((sorted(rows), tuple(markers.hold))).encode()).hexdigest()[:16]


def walks() -> list[tuple[str, str, str, str, float]]:
    """Subject, condition, static file, walking file and body mass (kg) of every walk.

    Raises:
        ExogaitError: The body masses are not at hand.
    """
    folder = find_dataset("schreiber2019")
    masses = folder / "anthropometrics.csv" if folder is not None else None
    if masses is None or not masses.is_file():
        raise ExogaitError(
            "schreiber2019: anthropometrics.csv with the body masses is not at hand; download the data set from "
            f"{dataset('schreiber2019').address} and set EXOGAIT_DATA"
        )
    table = pd.read_csv(masses, dtype={"subjectID": str})
    mass = {str(row["subjectID"]): float(row["mass"]) for row in table.to_dict("records")}
    files = sorted(name for name in dataset("schreiber2019").files if name.endswith(".c3d"))
    rows = []
    for file in files:
        subject, name = file.split("/")
        condition = name.split("_")[1][:2]
        if condition in CONDITIONS:
            rows.append((subject, CONDITIONS[condition], f"{subject}/{subject}{STATIC_ENDING}", file, mass[subject]))
    return rows


def curves_of(job: tuple[str, str, str, str, float]) -> tuple[str, str, float, dict[str, np.ndarray]]:
    """Subject, condition, speed (m/s) and mean curves (101 points by key) of one walk."""
    from ..gait.curves import CURVES, stride_curves
    from ..gait.metrics import walking_speed
    from .pipeline import analyse_trial

    subject, condition, static, walk, mass = job
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataQualityWarning)
        warnings.simplefilter("ignore", RuntimeWarning)
        trial = analyse_trial(fetch("schreiber2019", static), fetch("schreiber2019", walk), mass, subject=subject)
        curves = {}
        for key in CURVES:
            strides = []
            for side in SIDES:
                values, _ = stride_curves(trial, key, side)
                strides.append(np.atleast_2d(values))
            # Trials are cut close to one stride: the last percent of a leg may be missing, and the other leg fills it.
            curves[key] = np.nanmean(np.concatenate(strides), axis=0)
    return subject, condition, walking_speed(trial), curves


def table_of(results: Iterable[tuple[str, str, float, dict[str, np.ndarray]]]) -> pd.DataFrame:
    """Mean and standard deviation between people, one row a percent."""
    from ..gait.curves import CURVES

    results = list(results)
    rows = []
    for condition in CONDITIONS.values():
        own = [result for result in results if result[1] == condition]
        speeds = np.array([speed for _, _, speed, _ in own])
        for key, curve in CURVES.items():
            stack = np.stack([curves[key] for _, _, _, curves in own])
            known = np.isfinite(stack).sum(axis=0)
            enough = np.flatnonzero(known >= MOST * len(own))
            if not np.any(np.nanstd(stack[:, enough], axis=0) > STILL):
                continue  # a coordinate that inverse kinematics held
            mean, sd = np.nanmean(stack[:, enough], axis=0), np.nanstd(stack[:, enough], axis=0, ddof=1)
            for at, percent in enumerate(enough.tolist()):
                rows.append(
                    {
                        "condition": condition,
                        "curve": key,
                        "unit": UNITS.get(curve.unit, curve.unit),
                        "percent": percent,
                        "mean": round(float(mean[at]), 4),
                        "sd": round(float(sd[at]), 4),
                        "n_people": int(known[percent]),
                        "speed_m_s": round(float(speeds.mean()), 3),
                        "speed_sd_m_s": round(float(speeds.std(ddof=1)), 3),
                    }
                )
    return pd.DataFrame(rows)


def main(arguments: list[str] | None = None) -> Path:
    """Write the table.

    Args:
        arguments: Command line; ``--workers N``, ``--out FILE``.
    """
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--workers", type=int, default=2, help="processes")
    parser.add_argument("--out", type=Path, default=SCHREIBER_TABLE, help="table to write")
    options = parser.parse_args(arguments)
    jobs = walks()
    with worker_pool(options.workers) as pool:
        results = list(pool.map(curves_of, jobs))
    table = table_of(results)
    subjects = ", ".join(sorted({subject for subject, *_ in results}))
    header = HEADER.format(subjects=subjects, markers=kinematics_fingerprint())
    options.out.write_text(header + table.to_csv(index=False), encoding="utf-8")
    print(f"{options.out}: {len(results)} walks, {table['curve'].nunique()} curves, {len(table)} rows")
    return options.out


if __name__ == "__main__":
    try:
        main()
    except ExogaitError as error:
        sys.exit(str(error))
