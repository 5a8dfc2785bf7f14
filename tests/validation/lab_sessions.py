"""Sessions: a stroke survivor beside a control, and speeds as conditions; what is found, and what it costs."""

from __future__ import annotations

import resource
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd

from exogait.analysis.session.compare import SessionComparison
from exogait.analysis.session.plan import SessionWalk
from exogait.analysis.session.run import run_session
from exogait.analysis.session.session import Session
from exogait.analysis.session.tables import numbers_of, records_of, rows_where, split_table
from tests.validation.sections import markdown_table

STROKE = (("TVC03", 66.9, 1.71), ("SBJ05", 50.0, 1.45))
SPEEDS = ("2014001", "2014004", "2014007", "2014015")
"""People of Schreiber & Moissenet whose two speeds are compared; four, so that the study takes minutes."""
CONDITIONS = {"C4": "preferred", "C5": "fast"}
SHOWN = ("speed", "stride_length", "step_length", "stance_pct", "hip_flexion_range", "knee_flexion_range",
         "ankle_plantarflexor_moment", "ankle_power_pushoff")  # fmt: skip
WANTED = 90.0
"""Seconds that ten walks may take on two idle cores."""


def section(data: Path) -> str:
    """Run both sessions, and the second one twice."""
    with TemporaryDirectory() as folder:
        start = cpu_seconds()
        stroke = run_session(stroke_walks(data), out=Path(folder) / "stroke")
        speeds = run_session(speed_walks(data), out=Path(folder) / "speeds")
        first = cpu_seconds() - start
        again = cpu_seconds()
        reused = run_session(speed_walks(data), out=Path(folder) / "speeds")
        second = cpu_seconds() - again
        n = len(stroke.walks) + len(speeds.walks)
        cost = (first / n, second / len(reused.walks), int(numbers_of(reused.walks, "reused").sum()), len(reused.walks))
        return text_of(stroke, speeds, cost)


def stroke_walks(data: Path) -> list[SessionWalk]:
    """Three walks of both, which have no static trial."""
    return [
        SessionWalk(name=path.stem, person=person, walk=path, mass=mass, height=height)
        for person, mass, height in STROKE
        for path in sorted((data / "stroke_vancriekinge2023" / "trc").glob(f"{person}_?.trc"))
    ]


def speed_walks(data: Path) -> list[SessionWalk]:
    """Walks at both speeds."""
    place = data / "schreiber2019"
    people = pd.read_csv(place / "anthropometrics.csv")
    masses = dict(zip(people["subjectID"].map(str), numbers_of(people, "mass"), strict=True))
    return [
        SessionWalk(
            name=walk.stem, person=person, condition=condition, walk=walk, mass=masses[person],
            static=next((place / person).glob("*_ST.c3d")),
        )
        for person in SPEEDS
        for code, condition in CONDITIONS.items()
        for walk in sorted((place / person).glob(f"*_{code}_*.c3d"))
    ]  # fmt: skip


def text_of(stroke: Session, speeds: Session, cost: tuple[float, float, int, int]) -> str:
    """The section: both sessions and their comparisons.

    Args:
        stroke: A stroke survivor and a control.
        speeds: Two speeds of healthy people.
        cost: Processor time of a walk and of one that is run again, s; walks that were taken as they were, of how many.
    """
    each, again, reused, n = cost
    met = "met" if 10 * each / 2 < WANTED else "**missed**"
    people = stroke.compare("SBJ05", "TVC03", by="person")
    faster = speeds.compare("preferred", "fast")
    return "\n\n".join([
        "### 9. Sessions",
        "A stroke survivor (TVC03) and a control (SBJ05), three walks each, without plates and static trial.",
        _who(stroke), _left_out(stroke),
        "TVC03 minus SBJ05, strides of both; SPM over the cycle, all curves together at 5 %.",
        _numbers(people), _spm(people),
        f"Preferred and fast speed of {len(faster.persons[0])} adults (one walk each), paired by person.",
        _who(speeds), _left_out(speeds), _numbers(faster), _spm(faster),
        f"Cost: {each:.1f} s of processor time a walk, report and OpenSim folder included: ten walks in about "
        f"{10 * each / 2:.0f} s on two idle cores (< {WANTED:.0f} s: {met}; processor time, since the machine was not "
        f"idle). Run again, {reused} of {n} walks were taken as they were, at {again:.2f} s a walk.",
    ])  # fmt: skip


def cpu_seconds() -> float:
    """Processor time of this process and its children so far, s."""
    own = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in own)


def _who(session: Session) -> str:
    rows = []
    for (person, condition), part in split_table(session.walks, ["person", "condition"]):
        used = rows_where(part, used=True)
        strides = [int(numbers_of(used, f"strides_{side}").sum()) for side in ("r", "l")]
        knee = rows_where(session.variability, person=person, condition=condition, metric="knee_flexion_range")
        cells = [f"{row['mean']:.1f} ± {row['sd_strides']:.1f}, MDC {row['mdc']:.1f}" for row in records_of(knee)]
        best = [f"{r.walk} {r.side} {r.stride}" for r in session.representative
                if (r.person, r.condition) == (person, condition)]  # fmt: skip
        speed = f"{np.nanmean(numbers_of(used, 'speed')):.2f}"
        rows.append([
            person, condition or "-", f"{len(used)} of {len(part)}", *strides, speed,
            " / ".join(cells).replace("nan", "–"), ", ".join(best),
        ])  # fmt: skip
    header = ["person", "condition", "walks used", "strides r", "strides l", "m/s", "knee range r / l (deg)",
              "representative strides"]  # fmt: skip
    return markdown_table(header, rows)


def _left_out(session: Session) -> str:
    rows = records_of(session.left_out)
    if not rows:
        return "Nothing is left out."
    return "Left out: " + "; ".join(f"{row['what']} of {row['walk']} ({row['why']})" for row in rows) + "."


def _numbers(comparison: SessionComparison) -> str:
    rows = [
        [row["title"], row["side"] or "both", f"{row['mean_first']:.2f} (n = {row['n_first']})",
         f"{row['mean_second']:.2f} (n = {row['n_second']})", f"{row['difference']:+.2f}",
         f"{row['low']:.2f} to {row['high']:.2f}", row["unit"], f"{row['effect']:+.1f}", f"{row['p_holm']:.3f}"]
        for row in records_of(comparison.numbers) if row["metric"] in SHOWN
    ]  # fmt: skip
    header = ["", "side", comparison.first, comparison.second, "difference", "95 %", "unit", "g", "p (Holm)"]
    return markdown_table(header, rows)


def _spm(comparison: SessionComparison) -> str:
    tested = [test for test in comparison.tests if test.spm is not None]
    found = [
        f"{test.curve} {test.side} ({', '.join(f'{a:.0f}-{b:.0f} %' for a, b, _ in test.spm.clusters)})"
        for test in tested if test.spm is not None and test.spm.clusters
    ]  # fmt: skip
    untested = [f"{test.curve} {test.side}" for test in comparison.tests if test.spm is None]
    text = f"SPM: {len(found)} of {len(tested)} curves differ somewhere"
    text += f": {'; '.join(found)}." if found else "."
    return text + (f" Not tested: {', '.join(untested)}." if untested else "")
