"""Checks of forces by Newton's law: what a leg's plates carry is what the body above it needs to move as it does.

While one foot stands alone and the other swings, the ground pushes with that foot alone: the force that moves the mass
centre as the markers say is known without any plate. What the plates of that foot measured lies beside it, axis by
axis, so a wrong plate is told from a right one, and a wrong mass from both.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from exogait.data.constants import GRAVITY
from exogait.data.names import SIDE_WORDS, SIDES, Side, other_side
from exogait.data.quality import QualityRow

from .case import Case

VERTICAL_GAIN = (0.82, 1.15)
"""Vertical force over the one that is needed; on clean walks 0.86 to 1.03 (trunk and arms move unseen)."""
FORE_AFT_GAIN = 0.1
"""The same for the fore-aft force, at least: a wrong sign or a dead channel is below. On clean walks 0.55 to 1.54, as
the trunk moves along it unseen; of the made-up person, whose forces know no trunk, down to 0.18."""
SAME_GAIN = (0.8, 1.3)
"""Fore-aft gain that is none: a fifth of a force of 0.2 body weights is lost among the rest."""
ERROR = (0.15, 0.25)
"""RMS difference of both over body weight, fore-aft and vertical, at most; on clean walks up to 0.08 and 0.17."""
NEWTON = "Newton's second law; limits from clean walks of half of the persons (docs/validation.md)"
_LEAST_TIME = 0.1
"""Least time of standing alone that tells something, s."""
_FORCES = ("pelvis_tx", "pelvis_ty", "pelvis_tz")


@dataclass(frozen=True)
class Balance:
    """Measured against needed force of one leg while it stands alone; X forward, Y up, Z right."""

    gain: NDArray[np.float64]
    """Measured over needed force, least squares through zero, shape (3,)."""
    error: NDArray[np.float64]
    """RMS of their difference over body weight, shape (3,)."""

    @property
    def carries(self) -> bool:
        """Whether the vertical force is what the body needs."""
        return bool(VERTICAL_GAIN[0] <= self.gain[1] <= VERTICAL_GAIN[1] and self.error[1] <= ERROR[1])


def balances(case: Case) -> dict[Side, Balance]:
    """Balance of each leg that stands alone on plates for long enough."""
    found: dict[Side, Balance] = {}
    if case.dynamics is None or not set(_FORCES) <= set(case.dynamics.generalized_forces.columns):
        return found
    table = case.dynamics.generalized_forces
    # What inverse dynamics asks of the pelvis beside the measured forces: needed less measured.
    lacking = table[list(_FORCES)].to_numpy(np.float64) / (case.mass * GRAVITY)
    clock = table.index.to_numpy(np.float64)
    loads = case.lab.loads
    at = np.clip(np.round(clock * case.lab.load_rate).astype(int), 0, len(loads["r"].loaded) - 1)
    # A foot whose load nobody knows may well stand, too.
    frame = np.clip(np.round(clock * case.lab.rate).astype(int), 0, len(case.lab.load_known) - 1)
    told = case.lab.load_known[frame].all(axis=1) & np.isfinite(lacking).all(axis=1)
    for side in SIDES:
        alone = loads[side].loaded[at] & ~loads[other_side(side)].loaded[at] & told
        if alone.sum() * float(np.median(np.diff(clock))) < _LEAST_TIME:
            continue
        measured = loads[side].force[at][alone] / (case.mass * GRAVITY)
        needed = measured + lacking[alone]
        found[side] = Balance(
            (measured * needed).sum(axis=0) / (needed**2).sum(axis=0), np.sqrt((lacking[alone] ** 2).mean(axis=0))
        )
    return found


def balance_rows(case: Case) -> Iterator[QualityRow]:
    """Each leg's plates carry what the body needs, and push it the way it goes."""
    for side, balance in balances(case).items():
        along = balance.gain[0] >= FORE_AFT_GAIN and balance.error[0] <= ERROR[0]
        # A gain of the vertical channel alone leaves the fore-aft force what it is.
        beside = ("vy", "vz", "p?") if SAME_GAIN[0] <= balance.gain[0] <= SAME_GAIN[1] else ("*",)
        for axis, word, limit, good, columns in (
            (1, "vertical", f"x {VERTICAL_GAIN[0]:g} to {VERTICAL_GAIN[1]:g}, ± {ERROR[1]:g}", balance.carries, beside),
            (0, "fore-aft", f"≥ x {FORE_AFT_GAIN:g}, ± {ERROR[0]:g}", along, ("vx",)),
        ):
            yield QualityRow(
                "Force plates", f"{word} force on the {SIDE_WORDS[side]} foot against what moves the body",
                f"x {balance.gain[axis]:.2f}, ± {balance.error[axis]:.2f} body weights", limit,
                "pass" if good else "fail", NEWTON,
                () if good else tuple(f"ground_reactions/*_{side}_{column}" for column in columns),
                "check the mass, the unit, sign and gain of this plate's channels, its corners, and that plates and "
                "markers are of one trial on one clock",
            )  # fmt: skip
