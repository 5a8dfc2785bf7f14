"""Checks of facts that two sources state: the static trial against standing, the stated mass against the file's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from exogait.data.quality import QualityRow, Verdict
from exogait.data.trc import marker_array

from .case import Case

STANDING = 0.1
"""Median speed of all markers in the static trial's quietest second, m/s; people who stand still stay below 0.02."""
SAME_MASS = 0.05
"""Difference of the stated mass from the file's over the file's: clothes and a meal."""


def standing_rows(case: Case) -> Iterator[QualityRow]:
    """Nobody walks in the static trial."""
    start, stop = case.scale.window
    time = case.standing.index.to_numpy(np.float64)
    positions = marker_array(case.standing)[(time >= start - 1e-9) & (time <= stop + 1e-9)]
    if len(positions) < 3:
        return
    steps = np.linalg.norm(np.diff(positions, axis=0), axis=2) * case.resting.point_rate
    if not np.isfinite(steps).any():
        return
    speed = float(np.nanmedian(steps))
    failed = speed > STANDING
    yield QualityRow(
        "Scaling", "movement in the static trial's quietest second", f"{speed:.2f} m/s" + (": it walks" * failed),
        f"≤ {STANDING:g} m/s", "fail" if failed else "pass", "", ("coordinates/*",) if failed else (),
        "take a trial in which the person stands still: it says where the joints' zero is",
    )  # fmt: skip


def mass_rows(case: Case) -> Iterator[QualityRow]:
    """The stated mass against the one that the files' processing knew; plates decide where they can."""
    for role, file in (("static", case.resting), ("walk", case.recording)):
        known = _bodymass(file.parameters)
        if known is not None:
            off = case.mass / known - 1
            verdict: Verdict = "pass" if abs(off) <= SAME_MASS else "warn"
            yield QualityRow(
                "Body", f"stated mass against PROCESSING:Bodymass, {role} trial",
                f"{case.mass:.1f} and {known:.1f} kg ({off:+.0%})", f"within {SAME_MASS:.0%}", verdict,
            )  # fmt: skip


def _bodymass(parameters: Mapping[str, Mapping[str, object]]) -> float | None:
    for name, value in parameters.get("PROCESSING", {}).items():
        if name.upper() == "BODYMASS" and isinstance(value, np.ndarray) and value.size:
            mass = float(value.ravel()[0])
            return mass if np.isfinite(mass) and mass > 0 else None
    return None
