"""Do the markers show the joints that are reported?"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from exogait.data.quality import QualityRow

from ..opensim_tools.common import load_model
from ..opensim_tools.observed import POINTS, unobserved_joints
from .case import Case

MIN_SEEN = 0.5
"""Share of the walk in which a marker must be seen to count."""
RULE = f"{POINTS} points a segment: its markers, the centre of its joint, and two more for a hinge"


def observed_joints(case: Case) -> Iterator[QualityRow]:
    """A joint is reported where both its segments are shown; else the row names the labels that are missing."""
    marker_map, model = case.identity.marker_map, load_model(case.scale.model)
    never = unobserved_joints(model, marker_map, marker_map.markers)
    lost = {c: labels for c, labels in unobserved_joints(model, marker_map, _usable(case)).items() if c not in never}
    for labels in dict.fromkeys(lost.values()):
        coordinates = [c for c, missing in lost.items() if missing == labels]
        lacking = ", ".join(labels) or "the segment above"
        yield QualityRow(
            "Joints", ", ".join(coordinates), f"not observed; missing: {lacking}", RULE, "fail",
            spoils=tuple(f"coordinates/{c}" for c in coordinates),
            todo="label these markers in both trials, or name the marker set that they were placed for",
        )  # fmt: skip
    if never:
        how = "no marker of this set shows them: held still on the pelvis, so angles and moments there are no finding"
        yield QualityRow("Joints", ", ".join(never), how)
    if not lost:
        yield QualityRow("Joints", "observed by their markers", "all that the set can show", RULE, "pass")


def _usable(case: Case) -> set[str]:
    """Labels of the map that stand on the model and are seen in the walk."""
    seen = np.isfinite(case.lab.positions).all(axis=2).mean(axis=0)
    share = dict(zip(case.lab.marker_names, seen, strict=True))
    walking = {label for label, name in case.identity.match.found.items() if share.get(name, 0.0) >= MIN_SEEN}
    return walking & set(case.at_rest.match.found)
