"""Heel strikes and toe offs from force plates, from marker paths and from the file, and how well these agree.

Plates are the reference: the vertical force passes a threshold. Without them published methods read the markers: Zeni
et al. 2008 where the heel is farthest before, and the toe farthest behind, the pelvis; O'Connor et al. 2007 the troughs
and peaks of the vertical velocity of the foot's centre; Ghoussayni et al. 2004 when the foot comes to rest and leaves;
Desailly et al. 2009 where its path bends. The walk itself says which of them holds for it
(:mod:`exogait.analysis.signals.event_choice`).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from exogait.data.names import SIDES
from exogait.data.trial import GaitEvent

from ..c3d.reader import C3DFile
from ..gait.belt import OVERGROUND, Belt
from .clock import clock_shifts, plates_on_clock, settle_clock
from .event_choice import KINDS, MATCH_WINDOW, EventChoice, EventMethod, choose_methods
from .kinematic_events import METHODS, MIN_SPACING, events_from_markers
from .overrides import Overrides
from .stances import Stance

_SOURCE_RANK = {"manual": 0, "plate": 1, "c3d": 2, "kinematics": 3}


@dataclass(frozen=True)
class EventAgreement:
    """How the events of one method compare with those of another."""

    method: str
    """The method."""
    reference: str
    """The method it is compared with."""
    kind: str
    """``heel_strike`` or ``toe_off``."""
    n: int
    """Number of events that both found."""
    mean: float
    """Mean difference method - reference, s."""
    sd: float
    """Standard deviation of the difference, s; NaN below two events."""
    largest: float
    """Largest absolute difference, s."""
    unmatched: int
    """Events of the method, within the time that the reference covers, that the reference lacks."""


@dataclass(frozen=True)
class DetectedEvents:
    """The events of a trial, and where they came from."""

    events: tuple[GaitEvent, ...]
    """What is used, in order of time."""
    by_method: Mapping[str, tuple[GaitEvent, ...]]
    """What each found: ``plate``, ``c3d``, and the methods on markers (:data:`.kinematic_events.METHODS`)."""
    agreement: tuple[EventAgreement, ...]
    """Pairwise comparison of the methods."""
    notes: tuple[str, ...]
    """What was dropped, added or replaced."""
    choice: EventChoice
    """Which of the methods on markers count."""


def events_from_plates(stances: Iterable[Stance], duration: float) -> list[GaitEvent]:
    """Take the begin and end of the stances on force plates.

    Args:
        stances: Stances, each on one plate or several.
        duration: Length of the recording, s; a stance that touches its ends gives no event there.

    Returns:
        Events in order of time.
    """
    events = []
    for stance in stances:
        if stance.begins and stance.start > 1e-3:
            events.append(GaitEvent(stance.start, stance.side, "heel_strike", "plate"))
        if stance.ends and stance.stop < duration - 5e-3:
            events.append(GaitEvent(stance.stop, stance.side, "toe_off", "plate"))
    return sorted(events)


def events_from_c3d(trial: C3DFile, shift: float = 0.0) -> list[GaitEvent]:
    """Take the events that the file states, where side and kind are clear and the time lies in the recording.

    Args:
        trial: The measurement.
        shift: What is added to every time, s.

    Returns:
        Events in order of time, without repeats.
    """
    duration = trial.n_frames / trial.point_rate
    events: list[GaitEvent] = []
    for event in trial.events:
        if event.side not in SIDES or event.kind not in ("heel_strike", "toe_off"):
            continue
        time = event.time + shift
        if not -0.5 / trial.point_rate <= time <= duration:
            continue
        new = GaitEvent(
            max(time, 0.0),
            "r" if event.side == "r" else "l",
            "heel_strike" if event.kind == "heel_strike" else "toe_off",
            "c3d",
        )
        if not any(e.side == new.side and e.kind == new.kind and abs(e.time - new.time) < 0.02 for e in events):
            events.append(new)
    return sorted(events)


def compare_events(
    events: Sequence[GaitEvent], reference: Sequence[GaitEvent], method: str, reference_name: str
) -> list[EventAgreement]:
    """Compare two lists of events.

    Args:
        events: Events of the method.
        reference: Events to compare with.
        method: Name of the method.
        reference_name: Name of the reference.

    Returns:
        One row for heel strikes and one for toe offs; none where either list has no such event.
    """
    rows = []
    for kind in KINDS:
        differences, unmatched, present = [], 0, False
        for side in SIDES:
            own = [e.time for e in events if e.side == side and e.kind == kind]
            other = np.array([e.time for e in reference if e.side == side and e.kind == kind])
            if not own or not len(other):
                continue
            present = True
            for time in own:
                nearest = other[np.argmin(np.abs(other - time))]
                if abs(nearest - time) <= MATCH_WINDOW:
                    differences.append(time - nearest)
                elif other.min() <= time <= other.max():
                    unmatched += 1
        if present:
            d = np.array(differences)
            rows.append(
                EventAgreement(
                    method=method,
                    reference=reference_name,
                    kind=kind,
                    n=len(d),
                    mean=float(d.mean()) if len(d) else np.nan,
                    sd=float(d.std(ddof=1)) if len(d) > 1 else np.nan,
                    largest=float(np.abs(d).max()) if len(d) else np.nan,
                    unmatched=unmatched,
                )
            )
    return rows


def detect_events(
    trial: C3DFile,
    positions: NDArray[np.float64],
    roles: Mapping[str, Sequence[str]],
    stances: Sequence[Stance],
    *,
    overrides: Overrides | None = None,
    method: EventMethod = "chosen",
    toe_off_method: EventMethod | None = None,
    belt: Belt = OVERGROUND,
) -> DetectedEvents:
    """Find the events of a trial by all means and merge them.

    The file's own events are the base if they hold two heel strikes and a toe off of each side, else they are joined
    with those from the markers. The latter are shifted by their mean difference from the plates of the same trial:
    walking overground methods find a heel strike up to 40 ms early, and a stride must not mix the two.
    An event that a plate saw within 150 ms takes the plate's time, unless plates and cameras are on two clocks
    (:func:`.clock.plates_on_clock`); manual events replace all others of their side and
    kind.

    Args:
        trial: The measurement.
        positions: Its markers in OpenSim's frame, shape (n_frames, n_markers, 3), m.
        roles: Marker roles.
        stances: Stances on force plates.
        overrides: Manual corrections.
        method: The method on markers that counts, or ``"chosen"`` by :func:`.event_choice.choose_methods`; all are
            reported for comparison.
        toe_off_method: Another one for toe offs.
        belt: Speed of the ground.

    Returns:
        The events, what each method found, and how the methods agree.
    """
    notes: list[str] = []
    lists: dict[str, list[GaitEvent]] = {
        "plate": events_from_plates(stances, trial.n_frames / trial.point_rate),
        "c3d": events_from_c3d(trial),
    }
    for name in METHODS:
        lists[name] = events_from_markers(
            positions, trial.marker_names, trial.point_rate, roles, method=name, belt=belt
        )
    by_shift = {shift: events_from_c3d(trial, shift) for shift in clock_shifts(trial)}
    on_clock = [plates_on_clock(lists["plate"], events, lists["oconnor2007"]) for events in by_shift.values()]
    plates = lists["plate"] if any(good for good, _ in on_clock) else []
    if lists["plate"] and not plates:
        notes.append(f"events of the force plates are set aside: they come at another time ({on_clock[0][1]})")
    choice = _settled(choose_methods([{**lists, "plate": plates}]), method, toe_off_method)
    kinematic = choice.of(lists)
    if lists["c3d"]:
        lists["c3d"], decided = settle_clock(by_shift, plates, kinematic)
        notes += [decided] if decided else []
    stated = lists["c3d"]
    full = all(
        sum(e.side == side and e.kind == "heel_strike" for e in stated) >= 2
        and sum(e.side == side and e.kind == "toe_off" for e in stated) >= 1
        for side in SIDES
    )
    if not full:
        kinematic, shifts = _shift_to(plates, kinematic)
        notes += shifts
    merged = list(stated) if full else _join(stated, kinematic)
    if not full and stated:
        notes.append("the file's events are incomplete: joined with those of the markers")
    merged = _join(plates, merged)
    for side in SIDES:
        for kind in KINDS:
            manual = [e for e in (overrides.events if overrides else ()) if e.side == side and e.kind == kind]
            if manual:
                merged = [e for e in merged if (e.side, e.kind) != (side, kind)] + manual
                notes.append(f"{len(manual)} manual {kind} event(s), side {side}, replace the detected ones")
    clean, dropped = _without_repeats(sorted(merged))
    notes += dropped
    names = [name for name, found in lists.items() if found]
    agreement = [
        row
        for i, reference in enumerate(names)
        for name in names[i + 1 :]
        for row in compare_events(lists[name], lists[reference], name, reference)
    ]
    return DetectedEvents(
        tuple(clean), {name: tuple(found) for name, found in lists.items()}, tuple(agreement), tuple(notes), choice
    )


def _settled(choice: EventChoice, method: EventMethod, toe_off_method: EventMethod | None) -> EventChoice:
    """The choice, with what the user asked for in its place."""
    off = toe_off_method or method
    if method == off == "chosen":
        return choice
    strike = choice.heel_strike if method == "chosen" else method
    return EventChoice(
        strike, choice.toe_off if off == "chosen" else off,
        tuple(r for r in choice.records if {"heel_strike": method, "toe_off": off}[r.kind] == "chosen"),
    )  # fmt: skip


def _shift_to(reference: Sequence[GaitEvent], events: Sequence[GaitEvent]) -> tuple[list[GaitEvent], list[str]]:
    """Remove the mean difference from the reference, for each kind that both have."""
    shifted, notes = list(events), []
    for row in compare_events(events, reference, "", ""):
        if row.n and abs(row.mean) > 1e-3:
            shifted = [replace(e, time=e.time - row.mean) if e.kind == row.kind else e for e in shifted]
            what = row.kind.replace("_", " ")
            notes.append(f"{what}s of markers shifted by {-1e3 * row.mean:+.0f} ms, their mean difference from plates")
    return [e for e in shifted if e.time >= 0], notes


def _join(first: Sequence[GaitEvent], second: Sequence[GaitEvent]) -> list[GaitEvent]:
    """All of the first list, and what the second has besides."""

    def known(event: GaitEvent) -> bool:
        return any(
            e.side == event.side and e.kind == event.kind and abs(e.time - event.time) <= MATCH_WINDOW for e in first
        )

    return sorted([*first, *(event for event in second if not known(event))])


def _without_repeats(events: Sequence[GaitEvent]) -> tuple[list[GaitEvent], list[str]]:
    """Of two events of one kind and side within 0.25 s keep the better source; say where a toe off is missing."""
    kept: list[GaitEvent] = []
    notes: list[str] = []
    for event in events:
        twin = next(
            (e for e in kept if (e.side, e.kind) == (event.side, event.kind) and event.time - e.time < MIN_SPACING),
            None,
        )
        if twin is None:
            kept.append(event)
            continue
        better = min(twin, event, key=lambda e: _SOURCE_RANK.get(e.source, 9))
        worse = event if better is twin else twin
        kept[kept.index(twin)] = better
        notes.append(f"{worse.kind} {worse.side} at {worse.time:.2f} s ({worse.source}) repeats another and is dropped")
    kept.sort()
    for side in SIDES:
        own = [e for e in kept if e.side == side]
        for a, b in itertools.pairwise(own):
            if a.kind == b.kind:
                missing = "toe off" if a.kind == "heel_strike" else "heel strike"
                notes.append(f"no {missing} of side {side} between {a.time:.2f} and {b.time:.2f} s")
    return kept, notes
