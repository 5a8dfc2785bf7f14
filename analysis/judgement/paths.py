"""Checks of marker paths in time: no marker leaps, and none stands still while its neighbours move."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from exogait.data.quality import QualityRow

from ..signals.filters import runs
from .bodies import steps_from
from .case import Case
from .influence import influence

LEAP, ACCELERATION = 0.02, 200.0
"""Change of a marker's step from frame to frame, m, and for its acceleration, m/s^2: a heel strikes with 50 to 100."""
STILL, OTHERS = 0.08, 0.02
"""Time without any change of a marker's place, s, while the other markers move by this, m: cameras always tremble."""
_STEP = 0.5
"""How far off a marker comes that stands still while its foot makes half a step, m."""


def path_rows(case: Case) -> Iterator[QualityRow]:
    """Markers of the map move as bodies do."""
    rate, raw = case.recording.point_rate, case.recording.positions
    names = list(case.lab.marker_names)
    limit = LEAP + ACCELERATION / rate**2
    found: dict[str, tuple[str, str, float]] = {}
    for label, name in case.identity.match.found.items():
        path = raw[:, names.index(name)]
        if case.identity.marker_map.markers[label].body == "torso" or len(path) < 3:
            continue
        leap = np.linalg.norm(np.diff(path, n=2, axis=0), axis=1)
        most = float(np.nanmax(leap, initial=0.0))
        if most > limit:
            found[label] = (f"leaps by {most * 100:.0f} cm", f"≤ {limit * 100:.0f} cm", most)
            continue
        for start, stop in runs((np.diff(path, axis=0) == 0.0).all(axis=1)):
            moved = np.nanmedian(np.linalg.norm(raw[stop] - raw[start], axis=1))
            if (stop - start) / rate > STILL and moved > OTHERS:
                seconds = (stop - start) / rate
                found[label] = (f"stands still for {seconds:.2f} s while others move", f"≤ {STILL:g} s", _STEP)
    effects = influence(case) if found else None
    for label, (told, allowed, size) in found.items():
        assert effects is not None
        spoils = effects.spoils(label, size)
        yield QualityRow(
            "Markers", f"path of {label}", told, allowed, "fail", "", (*spoils, *steps_from(case, label, moving=True)),
            f"repair the path of {label}, or leave the marker out",
        )  # fmt: skip
    if not found:
        yield QualityRow("Markers", "leaps and standstills in paths", "none", f"≤ {limit * 100:.0f} cm", "pass")
