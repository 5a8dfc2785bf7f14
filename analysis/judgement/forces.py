"""Checks of ground reactions by physics: weight, the way of the pressure, braking before propulsion."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from exogait.data.constants import GRAVITY
from exogait.data.errors import ExogaitError
from exogait.data.names import SIDES
from exogait.data.quality import QualityRow, Verdict
from exogait.data.trial import Side

from ..gait.cycle import find_strides
from ..signals.filters import runs
from ..signals.measured import standing_mass
from .case import Case

WEIGHT_PASS, WEIGHT_FAIL = 0.05, 0.1
"""Difference between stated and measured weight over the stated one. Over a stride of steady walking the ground
carries exactly body weight; what remains is speed change, clothes and plates."""
PRESSURE_TRAVEL = 0.03
"""Least travel of the pressure from heel to toe over a stance, m; an adult foot has 0.15, a toe walker 0.06."""
BRAKING = 0.0
"""Mean fore-aft force of the second half of a stance less that of the first, over body weight: at least this."""
FORE_AFT = 0.45
"""Largest fore-aft force of walking over body weight."""
MEDIAL = -0.02
"""Mean sideways force in mid-stance towards the midline over body weight, at least; walking has about +0.04."""
VERTICAL = (0.8, 3.5)
"""Largest vertical force of a stance over body weight, from slow walking to running."""
KINETICS = ("ground_reactions/*",)
_WORDS = {"r": "right", "l": "left"}
_LEAST_STANCE = 0.3
_FIRM = 0.3
"""Vertical force over body weight from which the pressure tells something."""


@dataclass(frozen=True)
class Stance:
    """One whole loading of one foot whose force is known."""

    side: Side
    force: NDArray[np.float64]
    """Shape (n, 3), N."""
    point: NDArray[np.float64]
    """Centre of pressure on the ground under the foot, shape (n, 3), m: what a belt ran is added."""
    seconds: float


def stances_of(case: Case) -> list[Stance]:
    """Whole stances with a known force."""
    found: list[Stance] = []
    rate = case.lab.load_rate
    for side in SIDES if rate else ():
        load = case.lab.loads[side]
        for start, stop in runs(load.loaded):
            if start == 0 or stop >= len(load.loaded) or (stop - start) / rate < _LEAST_STANCE:
                continue
            time = np.arange(stop - start) / rate
            point = load.point[start:stop] + np.outer(time * case.numbers.belt.speed, [1.0, 0.0, 0.0])
            found.append(Stance(side, load.force[start:stop], point, (stop - start) / rate))
    return found


def weights(case: Case) -> dict[str, float]:
    """Body mass as the ground tells it, kg: from standing on plates, and from what a stride's contacts carry."""
    found: dict[str, float] = {}
    try:
        found["standing"] = standing_mass(case.resting)
    except ExogaitError:
        pass  # no plates, or nobody stands still on them: the walk may tell
    carried: dict[str, list[float]] = {side: [] for side in SIDES}
    for stance in stances_of(case):
        carried[stance.side].append(float(stance.force[:, 1].mean()) * stance.seconds)
    strides = [stride.duration for side in SIDES for stride in find_strides(case.lab.events.events, side)]
    if strides and all(carried.values()):
        both = sum(float(np.mean(values)) for values in carried.values())
        found["walking"] = both / float(np.median(strides)) / GRAVITY
    return found


def weight_rows(case: Case) -> Iterator[QualityRow]:
    """The stated mass against the weight that the plates carried."""
    found = weights(case)
    if not found:
        if case.lab.plates:
            yield QualityRow(
                "Body", "stated mass against weight", "no stride whose force is known", verdict="not judged"
            )
        return
    values = np.array(list(found.values()))
    off = values / case.mass - 1
    nearest = float(off[np.argmin(np.abs(off))])
    verdict: Verdict = "pass" if abs(nearest) <= WEIGHT_PASS else "warn" if abs(nearest) <= WEIGHT_FAIL else "fail"
    told = " and ".join(f"{value:.1f} kg {how}" for how, value in found.items())
    yield QualityRow(
        "Body", "stated mass against the weight on the plates", f"{case.mass:.1f} kg stated, {told} ({nearest:+.0%})",
        f"within {WEIGHT_PASS:.0%}, not usable beyond {WEIGHT_FAIL:.0%}", verdict,
        "a stride of steady walking carries body weight", KINETICS if verdict == "fail" else (),
        f"check the mass (--mass {values[0]:.1f}?), the unit and the gain of the force channels",
    )  # fmt: skip


def pressure_rows(case: Case) -> Iterator[QualityRow]:
    """The centre of pressure of every stance moves from heel to toe."""
    travel: dict[Side, list[float]] = {"r": [], "l": []}
    for stance in stances_of(case):
        firm = stance.force[:, 1] > _FIRM * stance.force[:, 1].max()
        path = stance.point[firm, 0]
        part = max(len(path) // 5, 1)
        travel[stance.side].append(float(path[-part:].mean() - path[:part].mean()))
    for side, values in travel.items():
        if values:
            middle = float(np.median(values))
            failed = not middle >= PRESSURE_TRAVEL
            yield QualityRow(
                "Force plates", f"way of the pressure under the {_WORDS[side]} foot, heel to toe",
                f"{middle * 100:.1f} cm" + (": it runs backwards" if middle < -PRESSURE_TRAVEL else
                                           ": it stands still" if failed else ""),
                f"≥ {PRESSURE_TRAVEL * 100:.0f} cm", "fail" if failed else "pass", "",
                (f"ground_reactions/*_{side}_*",) if failed else (),
                "check the plates' corners and origin, and the unit and sign of the moment channels",
            )  # fmt: skip


def braking_rows(case: Case) -> Iterator[QualityRow]:
    """The ground brakes first and propels then; it never pushes as hard along as up."""
    weight = case.mass * GRAVITY
    gains: dict[Side, list[float]] = {"r": [], "l": []}
    for stance in stances_of(case):
        along = stance.force[:, 0] / weight
        half = len(along) // 2
        gains[stance.side].append(float(along[half:].mean() - along[:half].mean()))
    for side, values in gains.items():
        if values:
            middle = float(np.median(values))
            failed = not middle > BRAKING
            yield QualityRow(
                "Force plates", f"propulsion after braking, {_WORDS[side]} foot", f"{middle:+.3f} body weights",
                "second half of a stance more than the first", "fail" if failed else "pass", "",
                (f"ground_reactions/*_{side}_*",) if failed else (),
                "check the plates' corners, and the sign of the fore-aft force",
            )  # fmt: skip


def shape_rows(case: Case) -> Iterator[QualityRow]:
    """Medial force points to the midline; forces have the size that walking has."""
    weight = case.mass * GRAVITY
    medial, sizes = [], []
    for stance in stances_of(case):
        toward = -1.0 if stance.side == "r" else 1.0
        middle = stance.force[len(stance.force) // 5 : 4 * len(stance.force) // 5]
        medial.append(toward * float(middle[:, 2].mean()) / weight)
        sizes.append((float(stance.force[:, 1].max()) / weight, float(np.abs(stance.force[:, 0]).max()) / weight))
    if not medial:
        return
    side_force = float(np.median(medial))
    failed = side_force < MEDIAL
    yield QualityRow(
        "Force plates", "sideways force of a standing foot, towards the midline", f"{side_force:+.3f} body weights",
        f"≥ {MEDIAL:g}", "fail" if failed else "pass", "", KINETICS if failed else (),
        "check the plates' corners, and the sign of the sideways force",
    )  # fmt: skip
    up, along = (float(np.median(values)) for values in zip(*sizes, strict=True))
    failed = not (VERTICAL[0] <= up <= VERTICAL[1] and along <= FORE_AFT)
    yield QualityRow(
        "Force plates", "largest vertical and fore-aft force of a stance", f"{up:.2f} and {along:.2f} body weights",
        f"{VERTICAL[0]:g} to {VERTICAL[1]:g}, ≤ {FORE_AFT:g}", "fail" if failed else "pass", "",
        KINETICS if failed else (), "check the unit of the force channels and the mass",
    )  # fmt: skip
