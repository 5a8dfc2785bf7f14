"""Checks of the centre of pressure: it moves under the standing foot, from the heel to the ball."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from exogait.data.names import SIDE_WORDS, SIDES, Side
from exogait.data.quality import QualityRow

from ..signals.strikes import MAX_COP_DISTANCE
from .case import Case
from .forces import Stance, stances_of

TRAVEL = 0.03
"""Least travel of the pressure from heel to toe over a stance, m; an adult foot has 0.15, a toe walker 0.06."""
START, END = (0.05, 0.7), 0.65
"""Where the pressure is in the first fifth of firm stance, and at least in the last one, from heel (0) to toe marker
(1); clean walks: 0.19 to 0.38, one 0.66, and 0.84 to 1.14."""
BEYOND = 0.05
"""The last fifth is no farther than this before the toe marker, m: there the toes end."""
ACROSS = 0.03
"""Mean distance of the pressure from the line heel to toe, m; on clean walks up to 0.027."""
_FIRM = 0.3
"""Vertical force over its largest from which the pressure tells something."""
_FLAT = (0.3, 0.5)
"""Part of the stance in which the whole foot is on the ground."""
_ENDS = (("heel", "ankle"), ("toe", "met5"))
"""Roles of the foot's ends, best first."""
_TODO = "check the plates' corners and origin, and the unit and sign of the moment channels"
_SOURCE = "clean walks of half of the persons (docs/validation.md)"


def spoiled_by_pressure(side: Side) -> tuple[str, str]:
    """What a wrong centre of pressure spoils: itself and the free moment; moments follow, forces do not."""
    return f"ground_reactions/*_{side}_p?", f"ground_reactions/*_torque_{side}_?"


@dataclass(frozen=True)
class _Place:
    """The pressure beside the foot that stands on it."""

    start: float
    end: float
    """First and last fifth along the foot, 0 at the heel marker and 1 at the toe marker."""
    ahead: float
    """Last fifth before the toe marker, m."""
    across: float
    """Mean distance to the outer side, m."""


def pressure_rows(case: Case) -> Iterator[QualityRow]:
    """The pressure of every stance moves from heel to toe, and under the foot."""
    for strike in case.lab.strikes:
        if strike.timed:  # the plates' layout and the sense of their moments are one for all of them
            yield QualityRow(
                "Force plates", f"pressure of plate {strike.plate + 1} from the foot that stood on it alone",
                f"{strike.cop_distance * 100:.0f} cm", f"≤ {MAX_COP_DISTANCE * 100:.0f} cm", "fail", "",
                tuple(pattern for side in SIDES for pattern in spoiled_by_pressure(side)), _TODO,
            )  # fmt: skip
    stances = stances_of(case)
    for side in SIDES:
        own = [stance for stance in stances if stance.side == side]
        if not own:
            continue
        yield _way(side, own)
        places = [place for stance in own if (place := _place(case, stance)) is not None]
        if places:
            start, end, ahead, across = (
                float(np.median([getattr(place, name) for place in places]))
                for name in ("start", "end", "ahead", "across")
            )
            good = START[0] <= start <= START[1] and END <= end and ahead <= BEYOND and abs(across) <= ACROSS
            yield QualityRow(
                "Force plates", f"pressure under the {SIDE_WORDS[side]} foot, heel 0 to toe 1, and beside it",
                f"{start:.2f} to {end:.2f}, {across * 100:+.1f} cm",
                f"{START[0]:g}-{START[1]:g} to {END:g}-1 + {BEYOND * 100:g} cm, ± {ACROSS * 100:g} cm",
                "pass" if good else "fail", _SOURCE, () if good else spoiled_by_pressure(side), _TODO,
            )  # fmt: skip


def _way(side: Side, stances: list[Stance]) -> QualityRow:
    travel = []
    for stance in stances:
        first, last = _fifths(stance.point[_firm(stance), 0])
        travel.append(last - first)
    middle = float(np.median(travel))
    failed = not middle >= TRAVEL
    word = ": it runs backwards" if middle < -TRAVEL else ": it stands still" if failed else ""
    return QualityRow(
        "Force plates", f"way of the pressure under the {SIDE_WORDS[side]} foot, heel to toe",
        f"{middle * 100:.1f} cm{word}", f"≥ {TRAVEL * 100:.0f} cm", "fail" if failed else "pass", "",
        spoiled_by_pressure(side) if failed else (), _TODO,
    )  # fmt: skip


def _place(case: Case, stance: Stance) -> _Place | None:
    """Where the pressure was under the foot as it stood flat; ``None`` without its markers."""
    heels, toes = (_path(case, *(f"{role}_{stance.side}" for role in roles)) for roles in _ENDS)
    if heels is None or toes is None:
        return None
    span = slice(*(round((stance.start + part * stance.seconds) * case.lab.rate) for part in _FLAT))
    belt = case.numbers.belt.speed * np.outer(_since(stance, span, case), [1.0, 0.0])
    if span.stop > len(heels):
        return None
    ground = [path[span][:, [0, 2]] + belt for path in (heels, toes)]
    if not all(np.isfinite(path).all(axis=1).any() for path in ground):
        return None
    heel, toe = (np.nanmedian(path, axis=0) for path in ground)
    length = float(np.linalg.norm(toe - heel))
    along = (toe - heel) / length
    outward = np.array([-along[1], along[0]]) * (1.0 if stance.side == "r" else -1.0)
    point = stance.point[_firm(stance)][:, [0, 2]] - heel
    start, end = _fifths(point @ along / length)
    return _Place(start, end, (end - 1) * length, float((point @ outward).mean()))


def _since(stance: Stance, span: slice, case: Case) -> NDArray[np.float64]:
    return np.arange(span.start, span.stop) / case.lab.rate - stance.start


def _path(case: Case, *roles: str) -> NDArray[np.float64] | None:
    for role in roles:
        if names := case.lab.roles.get(role):
            return case.lab.positions[:, list(case.lab.marker_names).index(names[0])]
    return None


def _firm(stance: Stance) -> NDArray[np.bool_]:
    return stance.force[:, 1] > _FIRM * stance.force[:, 1].max()


def _fifths(values: NDArray[np.float64]) -> tuple[float, float]:
    part = max(len(values) // 5, 1)
    return float(values[:part].mean()), float(values[-part:].mean())
