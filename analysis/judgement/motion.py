"""Checks of angles, times and lengths: what no joint does, and what no walk is."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from exogait.data.names import SIDES, stem
from exogait.data.quality import QualityRow
from exogait.data.trial import Side

from ..gait.curves import knee_sign
from .bodies import steps_from
from .case import Case
from .influence import influence

JOINTS = {
    "hip_flexion": (-45.0, 100.0), "hip_adduction": (-40.0, 40.0), "hip_rotation": (-60.0, 60.0),
    "knee": (-25.0, 125.0), "ankle_angle": (-60.0, 50.0),
}  # fmt: skip
"""Range of each joint in walking, degrees: beyond what healthy and pathological gait shows."""
PELVIS = {"pelvis_tilt": 50.0, "pelvis_list": 30.0, "pelvis_rotation": 60.0}
"""Largest mean angle of the pelvis, degrees."""
MARKER_FAIL = 0.06
"""RMS error of one marker in inverse kinematics above which its segment is not where the model has it, m."""
STANCE = (45.0, 90.0)
"""Stance of walking, % of the stride."""
STEPS = 0.2
"""Difference of a right and a left step together from a stride, over the stride: they are one and the same way."""
_TODO = "check events, side labels and the marker's path; give events with --overrides"


def joint_rows(case: Case) -> Iterator[QualityRow]:
    """No joint beyond anatomical range."""
    table = case.kinematics.coordinates
    sign = knee_sign(case.trial)
    for name in table.columns:
        whole = stem(str(name))
        low, high = JOINTS.get("knee" if whole == "knee_angle" else whole, (-np.inf, np.inf))
        if whole == "pelvis_rotation" or not np.isfinite(low):
            continue
        values = np.degrees(table[name].to_numpy(np.float64)) * (sign if whole == "knee_angle" else 1.0)
        values = values[np.isfinite(values)]
        if not len(values):
            continue
        least, most = np.percentile(values, [3, 97])
        if least < low or most > high:
            yield QualityRow(
                "Inverse kinematics", f"range of {str(name).replace('_', ' ')}", f"{least:.0f} to {most:.0f}°",
                f"{low:g} to {high:g}°", "fail", "", (f"coordinates/{name}",),
                "check the markers of both segments and the marker map",
            )  # fmt: skip
    for name, limit in PELVIS.items():
        mean = float(np.degrees(np.nanmedian(table[name].to_numpy(np.float64)))) if name in table else 0.0
        if abs(mean) > limit:
            yield QualityRow(
                "Inverse kinematics", f"median of {name}", f"{mean:.0f}°", f"within ± {limit:g}°", "fail",
                "", ("coordinates/*",), "check the pelvis markers and the direction of walking",
            )  # fmt: skip


def marker_rows(case: Case) -> Iterator[QualityRow]:
    """Every marker near its place on the model."""
    table = case.kinematics.error_table().drop(index="all")
    markers = case.identity.marker_map.markers
    far = {
        str(label): float(error)
        for label, error in zip(table.index, table["rms"].to_numpy(np.float64), strict=True)
        if str(label) in markers and markers[str(label)].weight > 0 and markers[str(label)].body != "torso"
        and error > MARKER_FAIL
    }  # fmt: skip
    effects = influence(case) if far else None
    for label, error in far.items():
        assert effects is not None
        yield QualityRow(
            "Inverse kinematics", f"error of {label}, RMS", f"{error * 100:.1f} cm", f"≤ {MARKER_FAIL * 100:g} cm",
            "fail", "", (*effects.spoils(label, error), *steps_from(case, label)),
            f"check the label {label} and where it is on the body in both trials",
        )  # fmt: skip


def number_rows(case: Case) -> Iterator[QualityRow]:
    """No duration, length or belt speed below zero; stance, double support and speed agree with one another."""
    table = {row["quantity"]: row for row in case.numbers.summary().to_dict("records")}
    for name in table:
        for side in SIDES:
            value = float(table[name][f"mean_{side}"])
            if name not in ("step_width", "double_support") and value <= 0:
                title = f"{str(name).replace('_', ' ')}, {_word(side)}"
                yield _wrong(title, f"{value:.3f} {table[name]['unit']}", "> 0",
                             (f"spatiotemporal/{name}_{side}",))  # fmt: skip
    for side in SIDES:
        stance = float(table["stance_pct"][f"mean_{side}"])
        if np.isfinite(stance) and case.numbers.belt.speed >= 0 and not STANCE[0] <= stance <= STANCE[1]:
            if not _runs(case):
                yield _wrong(f"stance, {_word(side)}", f"{stance:.0f} %", f"{STANCE[0]:g} to {STANCE[1]:g} %",
                             ("spatiotemporal/st*", "spatiotemporal/s*_support*", "spatiotemporal/swing*",
                              "spatiotemporal/double*", f"events/{side}"))  # fmt: skip
    right, left = (float(table["stance_pct"][f"mean_{side}"]) for side in SIDES)
    both = 100 * float(table["double_support"]["mean"]) / float(table["stride_time"]["mean"])
    if np.isfinite([right, left, both]).all() and abs(right + left - 100 - both) > 8:
        yield _wrong("double support against stance", f"{both:.0f} % against {right + left - 100:.0f} %", "within 8 %",
                     ("spatiotemporal/*support*", "spatiotemporal/stance*", "spatiotemporal/swing*"))  # fmt: skip
    length, seconds = (float(table[name]["mean"]) for name in ("stride_length", "stride_time"))
    speed = case.numbers.speed
    if np.isfinite([length, seconds, speed]).all() and not abs(length / seconds - speed) <= 0.1 * abs(speed) + 0.03:
        yield _wrong("speed of the pelvis against that of the feet", f"{speed:.2f} and {length / seconds:.2f} m/s",
                     "within 10 %", ("spatiotemporal/*speed*", "spatiotemporal/*length*"))  # fmt: skip
    for step, stride, spoils in (
        ("step_length", "stride_length", ("spatiotemporal/*length*",)),
        ("step_time", "stride_time", ("spatiotemporal/step_time*", "spatiotemporal/step_length*")),
    ):
        whole = float(table[stride]["mean"])
        parts = sum(float(table[step][f"mean_{side}"]) for side in SIDES)
        if np.isfinite([whole, parts]).all() and abs(parts - whole) > STEPS * abs(whole):
            yield _wrong(
                f"{step.replace('_', ' ')} of both sides against one stride", f"{parts:.2f} and {whole:.2f}",
                f"within {STEPS:.0%}", spoils,
            )  # fmt: skip
    if case.numbers.belt.speed < 0:
        yield _wrong("belt speed", f"{case.numbers.belt.speed:.2f} m/s", "≥ 0",
                     ("spatiotemporal/*speed*", "spatiotemporal/*length*"))  # fmt: skip


def _runs(case: Case) -> bool:
    """Whether both feet leave the ground: a runner's stances are short."""
    table = {row["quantity"]: row for row in case.numbers.summary().to_dict("records")}
    return all(float(table["stance_pct"][f"mean_{side}"]) < 50.0 for side in SIDES)


def _word(side: Side) -> str:
    return "right" if side == "r" else "left"


def _wrong(what: str, found: str, limit: str, spoils: tuple[str, ...]) -> QualityRow:
    return QualityRow("Gait numbers", what, found, limit, "fail", "", spoils, _TODO)
