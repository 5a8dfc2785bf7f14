"""Which method finds a walk's events from its markers: chosen by the plates that saw it, and by its own pattern.

No published method holds for every gait. Which one fails shows without a plate: methods that rest on different things
(where the foot is, how fast, how high, where its path bends) find the same event at about the same time, and one that
the pattern misleads stands alone. What the plates saw of the same person decides between those that are left, and
where they saw nothing, how the methods did on all walks at hand that plates saw (:data:`RANK`). Nothing is tuned.
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
RANK: Mapping[EventKind, tuple[Method, ...]] = {
    "heel_strike": ("ghoussayni2004", "oconnor2007", "zeni2008", "desailly2009"),
    "toe_off": ("oconnor2007", "ghoussayni2004", "zeni2008", "desailly2009"),
}
"""Methods by their error on all measured walks at hand with plates, where an event that is not found counts as an error
of the whole window (docs/validation.md, events)."""
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
    """Events that two other methods agree on, and it lacks."""
    alone: int
    """Events that no other method sees, within the time from the first to the last that another one sees."""
    errors: tuple[float, ...]
    """Difference from each event that plates saw, s, :data:`MATCH_WINDOW` where it has none so near."""

    @property
    def cost(self) -> float:
        """Sum of squared errors, s2; an event that is missed, or stands alone, counts as one of the whole window."""
        return float(np.sum(np.square(self.errors))) + MATCH_WINDOW**2 * (self.missed + self.alone)


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
            f"{r.method} misses {r.missed} and is alone with {r.alone}"
            for r in self.records
            if r.kind == kind and r.missed + r.alone > record.missed + record.alone
        ]
        plates = f"nearest to {len(record.errors)} of plates" if record.errors else "no plate saw one"
        return f"{text} ({', '.join([plates, *faulty])})"


def choose_methods(walks: Sequence[Mapping[str, Sequence[GaitEvent]]]) -> EventChoice:
    """Choose for each kind of event the method with the least cost over the walks of one person.

    Both feet have the same method, so that no step is longer because another method timed it; strikes and toe offs may
    have two.

    Args:
        walks: Events by method of each walk; ``plate`` among them where plates saw the feet.

    Example:
        >>> same = [GaitEvent(t, "r", kind) for t in (1.0, 2.1) for kind in ("heel_strike", "toe_off")]
        >>> choose_methods([{"zeni2008": same, "ghoussayni2004": same, "oconnor2007": same[:2]}]).toe_off
        'ghoussayni2004'
    """
    records = [_record(method, kind, walks) for kind in KINDS for method in METHODS]

    def best(kind: EventKind) -> Method:
        own = [record for record in records if record.kind == kind]
        able = [record for record in own if record.n] or own
        return min(able, key=lambda r: (r.cost, RANK[kind].index(r.method))).method

    return EventChoice(best("heel_strike"), best("toe_off"), tuple(records))


def _record(method: Method, kind: EventKind, walks: Sequence[Mapping[str, Sequence[GaitEvent]]]) -> MethodRecord:
    n = missed = alone = 0
    errors: list[float] = []
    for walk in walks:
        for side in SIDES:
            times = {name: _times(walk.get(name, ()), side, kind) for name in (*METHODS, "plate")}
            own, plates = times[method], times["plate"]
            others = [times[name] for name in METHODS if name != method]
            n += len(own)
            covered = [(other[0], other[-1]) for other in others if other]
            alone += sum(
                any(a <= t <= b for a, b in covered) and not any(_near(t, other) for other in others) for t in own
            )
            agreed = sorted(t for other in others for t in other if sum(_near(t, third) for third in others) > 1)
            lacking = [t for t in agreed if not _near(t, own)]
            missed += sum(b - a > MATCH_WINDOW for a, b in zip([-np.inf, *lacking], lacking, strict=False))
            errors += [min([abs(t - x) for t in own] + [MATCH_WINDOW]) for x in plates]
    return MethodRecord(method, kind, n, missed, alone, tuple(errors))


def _times(events: Iterable[GaitEvent], side: str, kind: str) -> list[float]:
    return sorted(event.time for event in events if (event.side, event.kind) == (side, kind))


def _near(time: float, times: Sequence[float]) -> bool:
    return any(abs(time - other) <= MATCH_WINDOW for other in times)
