"""Which method finds a walk's events from its markers: chosen by the plates that saw it, and by its own pattern.

No published method holds for every gait. Which one fails shows without a plate: methods that rest on different things
(where the foot is, how fast, how high, where its path bends) find the same event at about the same time, and one that
the pattern misleads stands alone, or times one foot, or one step, otherwise than the next. The error to expect of each
is that from the plates which saw the same person, or else the one on all walks at hand that plates saw
(:data:`ERRORS`); what it misses, sees alone and times unevenly comes on top. Nothing is tuned.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from exogait.data.names import SIDES
from exogait.data.trial import EventKind, GaitEvent

from .kinematic_events import METHODS, Method

MATCH_WINDOW = 0.15
"""Events of two methods closer than this are the same event, s."""
KINDS: tuple[EventKind, ...] = ("heel_strike", "toe_off")
ERRORS: Mapping[EventKind, Mapping[Method, float]] = {
    "heel_strike": {"zeni2008": 0.044, "oconnor2007": 0.016, "ghoussayni2004": 0.018, "desailly2009": 0.047},
    "toe_off": {"zeni2008": 0.015, "oconnor2007": 0.024, "ghoussayni2004": 0.038, "desailly2009": 0.023},
}
"""Root mean square error of each method on all measured walks at hand with plates, s, of the events it finds
(docs/validation.md, events, holds it against the data)."""
EventMethod = Literal["chosen", "zeni2008", "oconnor2007", "ghoussayni2004", "desailly2009"]
"""What a user can ask for: the choice made here, or one method."""


@dataclass(frozen=True)
class MethodRecord:
    """How one method did for one kind of event, over all walks of a choice."""

    method: Method
    kind: EventKind
    n: int
    """Events it found."""
    missed: int
    """Events that it lacks and two others agree on, or one sees near the ends, where all others see none."""
    alone: int
    """Events that no other method sees, within the time from the first to the last that another one sees."""
    errors: tuple[float, ...]
    """Difference from each event that plates saw, s, :data:`MATCH_WINDOW` where it has none so near."""
    spread: float
    """Standard deviation of its differences from the median of the others, s; 0 where two others see no event of it."""

    @property
    def cost(self) -> float:
        """Mean of the squared errors to expect, s2.

        Of each event it finds: that from the plates or from :data:`ERRORS`, and the spread; of each that it misses or
        sees alone: the whole window.
        """
        known = float(np.mean(np.square(self.errors))) if self.errors else ERRORS[self.kind][self.method] ** 2
        return known + self.spread**2 + MATCH_WINDOW**2 * (self.missed + self.alone) / max(self.n, 1)


@dataclass(frozen=True)
class EventChoice:
    """The methods that count, and why."""

    heel_strike: Method
    toe_off: Method
    records: tuple[MethodRecord, ...] = ()
    """What every method did; empty where the user chose."""

    def of(self, by_method: Mapping[str, Sequence[GaitEvent]]) -> list[GaitEvent]:
        """The chosen events among those of all methods."""
        wanted = {"heel_strike": self.heel_strike, "toe_off": self.toe_off}
        return sorted(e for kind, method in wanted.items() for e in by_method.get(method, ()) if e.kind == kind)

    def describe(self) -> str:
        """The choice and its reason in one line."""
        return "; ".join(self._describe(kind) for kind in KINDS)

    def _describe(self, kind: EventKind) -> str:
        method = getattr(self, kind)
        text = f"{kind.replace('_', ' ')}s by {method}"
        record = next((r for r in self.records if (r.kind, r.method) == (kind, method)), None)
        if record is None:
            return f"{text} (as asked)"
        faulty = [
            f"{r.method} misses {r.missed}, is alone with {r.alone} and spreads by {1e3 * r.spread:.0f} ms"
            for r in self.records
            if r.kind == kind and (r.missed + r.alone > record.missed + record.alone or r.spread > 2 * record.spread)
        ]
        plates = f"plates saw {len(record.errors)}" if record.errors else "no plate saw one"
        own = f"spreads by {1e3 * record.spread:.0f} ms about the others"
        return f"{text} ({', '.join([plates, own, *faulty])})"


def choose_methods(walks: Sequence[Mapping[str, Sequence[GaitEvent]]]) -> EventChoice:
    """Choose for each kind of event the method with the least cost over the walks of one person.

    Both feet have the same method, so that no step is longer because another method timed it; strikes and toe offs may
    have two.

    Args:
        walks: Events by method of each walk; ``plate`` among them where plates saw the feet.

    Example:
        >>> same = [GaitEvent(t, "r", kind) for t in (1.0, 2.1) for kind in ("heel_strike", "toe_off")]
        >>> choose_methods([{"zeni2008": same, "ghoussayni2004": same, "oconnor2007": same[:2]}]).toe_off
        'zeni2008'
    """
    records = [_record(method, kind, walks) for kind in KINDS for method in METHODS]

    def best(kind: EventKind) -> Method:
        own = [record for record in records if record.kind == kind]
        able = [record for record in own if record.n] or own
        return min(able, key=lambda r: r.cost).method

    return EventChoice(best("heel_strike"), best("toe_off"), tuple(records))


def _record(method: Method, kind: EventKind, walks: Sequence[Mapping[str, Sequence[GaitEvent]]]) -> MethodRecord:
    n = missed = alone = 0
    errors: list[float] = []
    apart: list[float] = []
    for walk in walks:
        for side in SIDES:
            times = {name: _times(walk.get(name, ()), side, kind) for name in (*METHODS, "plate")}
            own, plates = times[method], times["plate"]
            others = [times[name] for name in METHODS if name != method]
            n += len(own)
            alone += sum(
                any(_covers(other, t) for other in others) and not any(_near(t, other) for other in others) for t in own
            )
            agreed = [
                t for k, other in enumerate(others) for t in other
                if sum(_near(t, third) for third in others) > 1
                or not any(_covers(times_of, t) for times_of in (own, *others[:k], *others[k + 1 :]))
            ]  # fmt: skip
            lacking = sorted(t for t in agreed if not _near(t, own))
            missed += sum(b - a > MATCH_WINDOW for a, b in zip([-np.inf, *lacking], lacking, strict=False))
            seen = [[min(other, key=lambda x: abs(x - t)) for other in others if _near(t, other)] for t in own]
            apart += [t - float(np.median(near)) for t, near in zip(own, seen, strict=True) if len(near) > 1]
            errors += [min([abs(t - x) for t in own] + [MATCH_WINDOW]) for x in plates]
    return MethodRecord(method, kind, n, missed, alone, tuple(errors), float(np.std(apart)) if apart else 0.0)


def _times(events: Iterable[GaitEvent], side: str, kind: str) -> list[float]:
    return sorted(event.time for event in events if (event.side, event.kind) == (side, kind))


def _covers(times: Sequence[float], time: float) -> bool:
    """Whether a method of these events could have seen one then: near the ends methods differ in what they see."""
    return bool(times) and times[0] <= time <= times[-1]


def _near(time: float, times: Sequence[float]) -> bool:
    return any(abs(time - other) <= MATCH_WINDOW for other in times)
