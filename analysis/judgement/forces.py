"""Checks of ground reactions by what walking is: weight, braking before propulsion, a force towards the midline."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from exogait.data.constants import GRAVITY
from exogait.data.errors import ExogaitError
from exogait.data.names import SIDE_WORDS, SIDES
from exogait.data.quality import QualityRow, Verdict
from exogait.data.trial import Side

from ..gait.cycle import find_strides
from ..signals.filters import runs
from ..signals.measured import standing_mass
from .balance import balances
from .case import Case

WEIGHT_PASS, WEIGHT_FAIL = 0.05, 0.1
"""Difference between stated and measured weight over the stated one. Over a stride of steady walking the ground
carries exactly body weight; what remains is speed change, clothes and plates."""
BRAKING = 0.0
"""Mean fore-aft force of the second half of a stance less that of the first, over body weight: at least this."""
FORE_AFT = 0.45
"""Largest fore-aft force of walking over body weight."""
MEDIAL = -0.02
"""Mean sideways force in mid-stance towards the midline over body weight, at least; walking has about +0.04."""
VERTICAL = (0.8, 3.5)
"""Largest vertical force of a stance over body weight, from slow walking to running."""
_LEAST_STANCE = 0.3


@dataclass(frozen=True)
class Stance:
    """One whole loading of one foot whose force is known."""

    side: Side
    force: NDArray[np.float64]
    """Shape (n, 3), N."""
    point: NDArray[np.float64]
    """Centre of pressure on the ground under the foot, shape (n, 3), m: what a belt ran is added."""
    start: float
    """s."""
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
            found.append(Stance(side, load.force[start:stop], point, start / rate, (stop - start) / rate))
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
    # One leg whose plates carry what the body needs shows that the mass is right and the other leg's plates are not.
    wrong = [side for side in SIDES if not (side in (own := balances(case)) and own[side].carries)]
    yield QualityRow(
        "Body", "stated mass against the weight on the plates", f"{case.mass:.1f} kg stated, {told} ({nearest:+.0%})",
        f"within {WEIGHT_PASS:.0%}, not usable beyond {WEIGHT_FAIL:.0%}", verdict,
        "a stride of steady walking carries body weight",
        tuple(f"ground_reactions/*_{side}_*" for side in wrong or SIDES) if verdict == "fail" else (),
        f"check the mass (--mass {values[0]:.1f}?), the unit and the gain of the force channels",
    )  # fmt: skip


def force_rows(case: Case) -> Iterator[QualityRow]:
    """The ground brakes, then propels, pushes to the midline, and as hard as in walking: each leg for itself."""
    stances = stances_of(case)
    for side in SIDES:
        forces = [stance.force / (case.mass * GRAVITY) for stance in stances if stance.side == side]
        if not forces:
            continue
        word, toward = SIDE_WORDS[side], -1.0 if side == "r" else 1.0
        gain = _median(f[len(f) // 2 :, 0].mean() - f[: len(f) // 2, 0].mean() for f in forces)
        medial = _median(toward * f[len(f) // 5 : 4 * len(f) // 5, 2].mean() for f in forces)
        up, along = (_median(np.abs(f[:, axis]).max() for f in forces) for axis in (1, 0))
        for what, found, limit, good, column, todo in (
            (f"propulsion after braking, {word} foot", f"{gain:+.3f} body weights",
             "second half of a stance more than the first", gain > BRAKING, "vx", "fore-aft force"),
            (f"sideways force of the standing {word} foot, towards the midline", f"{medial:+.3f} body weights",
             f"≥ {MEDIAL:g}", medial >= MEDIAL, "vz", "sideways force"),
            (f"largest fore-aft force, {word} foot", f"{along:.2f} body weights", f"≤ {FORE_AFT:g}",
             along <= FORE_AFT, "vx", "fore-aft force, its unit"),
        ):  # fmt: skip
            yield QualityRow(
                "Force plates", what, found, limit, "pass" if good else "fail", "",
                () if good else (f"ground_reactions/*_{side}_{column}",),
                f"check the plates' corners, and the sign of the {todo}",
            )  # fmt: skip
        good = VERTICAL[0] <= up <= VERTICAL[1]
        yield QualityRow(
            "Force plates", f"largest vertical force, {word} foot", f"{up:.2f} body weights",
            f"{VERTICAL[0]:g} to {VERTICAL[1]:g}", "pass" if good else "fail", "",
            () if good else (f"ground_reactions/*_{side}_*",), "check the unit of the force channels and the mass",
        )  # fmt: skip


def _median(values: Iterable[float]) -> float:
    return float(np.median(list(values)))
