"""Agreement with the laboratory's own angles and moments, where the file holds them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from exogait.data.names import SIDE_WORDS, SIDES
from exogait.data.quality import QualityRow

from ..gait.curves import CURVES, display_series, has_curve, stated_series, stride_curves
from .case import Case

CORRELATION = 0.9
"""Correlation of both over the strides; other models and markers of the same walk reach it (docs/validation.md)."""
OFFSET = {"°": 5.0, "N·m/kg": 0.2}
"""Unit to the largest mean difference; 5 degrees is what repeated measurements of one person differ by."""
_SOURCE = "McGinley et al. 2009, doi 10.1016/j.gaitpost.2008.09.003"
_LEAST_KNOWN = 0.5


def laboratory_rows(case: Case) -> Iterator[QualityRow]:
    """Our curves beside the file's own: which of two models is right nobody can say, so none of these rows fails."""
    for key, curve in CURVES.items():
        for side in SIDES:
            stated = stated_series(case.trial, key, side)
            if stated is None or not has_curve(case.trial, key, side):
                continue
            own = stride_curves(case.trial, display_series(case.trial, key, side), side)[0]
            theirs = stride_curves(case.trial, stated, side)[0]
            known = np.isfinite(own) & np.isfinite(theirs)
            if not known.size or known.mean() < _LEAST_KNOWN:
                continue
            r = float(np.corrcoef(own[known], theirs[known])[0, 1])
            away = float((own - theirs)[known].mean())
            digits = 1 if curve.unit == "°" else 2
            good = r >= CORRELATION and abs(away) <= OFFSET[curve.unit]
            yield QualityRow(
                "The laboratory's own results", f"{curve.title.lower()}, {SIDE_WORDS[side]}",
                f"r {r:.2f}, ours {away:+.{digits}f} {curve.unit}",
                f"r ≥ {CORRELATION:g}, within {OFFSET[curve.unit]:g} {curve.unit}", "pass" if good else "warn", _SOURCE,
            )  # fmt: skip
