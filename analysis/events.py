"""Heel strikes and toe offs from force plates, from marker paths and from the file, and how well these agree.

Plates are the reference: the vertical force passes a threshold. Without them two published methods read the markers:
Zeni et al. 2008 takes the instants at which the heel is farthest before, and the toe farthest behind, the pelvis;
O'Connor et al. 2007 takes the troughs and peaks of the vertical velocity of the foot's centre.
"""

from __future__ import annotations

import csv
import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from data.errors import FileFormatError
from data.trial import EventKind, GaitEvent, Side

from .c3d_file import C3DFile
from .filters import butterworth, runs
from .marker_roles import pelvis_markers
from .plate_strikes import PlateStrike

SIDES: tuple[Side, Side] = ("r", "l")
MATCH_WINDOW = 0.15
"""Events of two methods closer than this are the same event, s."""
MIN_SPACING = 0.25
"""Two events of one kind and side closer than this cannot both be real, s."""
_PEAK_SPACING = 0.35
_CUTOFF = 7.0
"""Low-pass of the marker paths before events are sought, Hz (O'Connor et al. 2007)."""
_PROMINENCE = 0.3
"""Smallest prominence of an event's peak, as a share of the signal's range."""
_TROUGH_PROMINENCE = 0.05
"""The trough of the foot's velocity at a heel strike is small beside the peak at toe off."""
_HEEL_SHARE = 0.35
"""A strike needs the heel in the lowest 35 % of its range of height (O'Connor et al. 2007)."""
_SOURCE_RANK = {"manual": 0, "plate": 1, "c3d": 2, "kinematics": 3}
Method = Literal["zeni2008", "oconnor2007"]


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
    """What each method found: ``plate``, ``c3d``, ``zeni2008``, ``oconnor2007``."""
    agreement: tuple[EventAgreement, ...]
    """Pairwise comparison of the methods."""
    notes: tuple[str, ...]
    """What was dropped, added or replaced."""


@dataclass(frozen=True)
class Overrides:
    """What a user states by hand about a trial."""

    events: tuple[GaitEvent, ...] = ()
    """Events; those of one side and kind replace all that were detected of this side and kind."""
    plates: tuple[tuple[int, float, str], ...] = ()
    """(plate from 0, a time within the contact in s, ``"r"``, ``"l"`` or ``"none"``)."""


def read_overrides(path: str | Path) -> Overrides:
    """Read manual corrections from a CSV file.

    The columns are ``what, side, time, plate``. ``what`` is ``heel_strike`` or ``toe_off`` (with side ``r`` or ``l``
    and a time in seconds from the first frame; they replace everything that was detected of this side and kind), or
    ``plate`` (with the number of the plate, from 1, a time within the contact, and side ``r``, ``l`` or ``none``; it
    decides whose contact this is, or discards it). A line that starts with # is a remark.

    Args:
        path: The file.

    Returns:
        The corrections.

    Raises:
        FileFormatError: A line that cannot be understood, with its number.
    """
    try:
        lines = Path(path).read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise FileFormatError(path, f"cannot be read ({error})", "give a CSV text file") from error
    numbered = [(i, line) for i, line in enumerate(lines, 1) if line.strip() and not line.lstrip().startswith("#")]
    if not numbered:
        raise FileFormatError(path, "is empty", "write a header line: what,side,time,plate")
    header = [word.strip().lower() for word in next(csv.reader([numbered[0][1]]))]
    if not {"what", "side", "time"} <= set(header):
        raise FileFormatError(path, f"has the columns {', '.join(header)}", "name them what,side,time,plate", line=1)
    events: list[GaitEvent] = []
    plates: list[tuple[int, float, str]] = []
    for number, line in numbered[1:]:
        row = dict(zip(header, (word.strip() for word in next(csv.reader([line]))), strict=False))
        what, side = row.get("what", "").lower(), row.get("side", "").lower()
        try:
            time = float(row.get("time", ""))
        except ValueError:
            raise FileFormatError(path, f"time {row.get('time')!r} is no number", "give seconds", line=number) from None
        if not np.isfinite(time):
            raise FileFormatError(path, f"time {time} is not finite", "give seconds", line=number)
        if what in ("heel_strike", "toe_off") and side in SIDES:
            kind: EventKind = "heel_strike" if what == "heel_strike" else "toe_off"
            events.append(GaitEvent(time, "r" if side == "r" else "l", kind, "manual"))
        elif what == "plate" and side in (*SIDES, "none"):
            plate = row.get("plate", "")
            if not plate.isdigit() or int(plate) < 1:
                raise FileFormatError(path, f"plate {plate!r} is no plate", "plates count from 1", line=number)
            plates.append((int(plate) - 1, time, side))
        else:
            raise FileFormatError(
                path,
                f"what={what!r} with side={side!r} is not known",
                "what is heel_strike, toe_off or plate; side is r, l, or none (plates only)",
                line=number,
            )
    return Overrides(tuple(events), tuple(plates))


def apply_plate_overrides(strikes: Sequence[PlateStrike], overrides: Overrides) -> list[PlateStrike]:
    """Let the user's word decide about contacts.

    Args:
        strikes: What geometry decided.
        overrides: The corrections.

    Returns:
        The decisions with the corrections in place.

    Raises:
        FileFormatError: A correction names a plate and time at which there is no contact.
    """
    result = list(strikes)
    for plate, time, side in overrides.plates:
        hits = [i for i, s in enumerate(result) if s.plate == plate and s.start - 0.05 <= time <= s.stop + 0.05]
        if not hits:
            spans = ", ".join(f"{s.start:.2f}-{s.stop:.2f} s" for s in result if s.plate == plate) or "none"
            raise FileFormatError(
                "overrides", f"plate {plate + 1} has no contact at {time} s", f"its contacts: {spans}"
            )
        old = result[hits[0]]
        word = "discarded by hand" if side == "none" else f"assigned by hand (geometry said: {old.reason})"
        result[hits[0]] = replace(old, side="" if side == "none" else side, accepted=side != "none", reason=word)
    return result


def events_from_plates(strikes: Iterable[PlateStrike], duration: float) -> list[GaitEvent]:
    """Take the begin and end of accepted contacts.

    Args:
        strikes: The decisions about the contacts.
        duration: Length of the recording, s; a contact that touches its ends gives no event there.

    Returns:
        Events in order of time.
    """
    events = []
    for strike in strikes:
        if not strike.accepted or strike.side not in SIDES:
            continue
        side: Side = "r" if strike.side == "r" else "l"
        if strike.start > 1e-3:
            events.append(GaitEvent(strike.start, side, "heel_strike", "plate"))
        if strike.stop < duration - 5e-3:
            events.append(GaitEvent(strike.stop, side, "toe_off", "plate"))
    return sorted(events)


def events_from_c3d(trial: C3DFile) -> list[GaitEvent]:
    """Take the events that the file states, where side and kind are clear and the time lies in the recording.

    Args:
        trial: The measurement.

    Returns:
        Events in order of time, without repeats.
    """
    duration = trial.n_frames / trial.point_rate
    events: list[GaitEvent] = []
    for event in trial.events:
        if event.side not in SIDES or event.kind not in ("heel_strike", "toe_off"):
            continue
        if not -0.5 / trial.point_rate <= event.time <= duration:
            continue
        new = GaitEvent(
            max(event.time, 0.0),
            "r" if event.side == "r" else "l",
            "heel_strike" if event.kind == "heel_strike" else "toe_off",
            "c3d",
        )
        if not any(e.side == new.side and e.kind == new.kind and abs(e.time - new.time) < 0.02 for e in events):
            events.append(new)
    return sorted(events)


def zeni2008(
    heel: NDArray[np.float64], toe: NDArray[np.float64], pelvis: NDArray[np.float64], rate: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Find heel strikes and toe offs of one foot from its distance before and behind the pelvis.

    The times are refined by a parabola through three frames. An extreme within about a fifth of a cycle of the ends of
    the recording cannot be told from a border and is left out.

    Source: Zeni, Richards & Higginson 2008, Gait & Posture 27:710-714, coordinate-based method: a heel strike is a
    maximum of x_heel - x_sacrum, a toe off a minimum of x_toe - x_sacrum, with x the direction of progression.

    Args:
        heel: Position of the heel along the walking direction, shape (n_frames,), m.
        toe: Position of the toe, shape (n_frames,), m.
        pelvis: Position of the sacrum or of the middle of the pelvis, shape (n_frames,), m.
        rate: Frames a second, Hz.

    Returns:
        Times of heel strikes and of toe offs, s.

    Example:
        >>> import numpy as np
        >>> t = np.arange(0, 4, 0.01)
        >>> strikes, offs = zeni2008(0.3 * np.sin(2 * np.pi * t), 0.3 * np.sin(2 * np.pi * t), 0 * t, 100.0)
        >>> np.round(strikes, 2).tolist(), np.round(offs, 2).tolist()
        ([0.25, 1.25, 2.25, 3.25], [0.75, 1.75, 2.75, 3.75])
    """
    return _peaks(heel - pelvis, rate), _peaks(pelvis - toe, rate)


def oconnor2007(
    heel_height: NDArray[np.float64], toe_height: NDArray[np.float64], rate: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Find heel strikes and toe offs of one foot from the vertical velocity of its centre.

    Source: O'Connor, Thorpe, O'Malley & Vaughan 2007, Gait & Posture 25:469-474: the foot's centre is the middle of
    heel and toe; its velocity peaks at toe off; a trough while the heel is in the lowest 35 % of its range is a strike.

    Args:
        heel_height: Height of the heel, shape (n_frames,), m.
        toe_height: Height of the toe, shape (n_frames,), m.
        rate: Frames a second, Hz.

    Returns:
        Times of heel strikes and of toe offs, s.
    """
    centre = _smooth(0.5 * (heel_height + toe_height), rate)
    velocity = np.gradient(centre, 1 / rate) if len(centre) > 2 else np.zeros_like(centre)
    heel = heel_height[np.isfinite(heel_height)]
    if len(heel) == 0:
        return np.zeros(0), np.zeros(0)
    low = np.percentile(heel, 1) + _HEEL_SHARE * (np.percentile(heel, 99) - np.percentile(heel, 1))
    troughs = _peaks(-velocity, rate, smooth=False, prominence=_TROUGH_PROMINENCE, spacing=0.05)
    near = np.clip(np.round(troughs * rate).astype(int), 0, len(heel_height) - 1)
    with np.errstate(invalid="ignore"):
        troughs = troughs[heel_height[near] <= low]
    # The fall of the forefoot follows the strike with a trough of its own: the first of each group counts.
    troughs = troughs[np.diff(troughs, prepend=-np.inf) > _PEAK_SPACING]
    return troughs, _peaks(velocity, rate, smooth=False)


def events_from_markers(
    positions: NDArray[np.float64],
    names: Sequence[str],
    rate: float,
    roles: Mapping[str, Sequence[str]],
    *,
    method: Method = "zeni2008",
) -> list[GaitEvent]:
    """Find the events of both feet from marker paths in OpenSim's frame.

    Args:
        positions: Marker positions, X forward, Y up, shape (n_frames, n_markers, 3), m.
        names: Marker names.
        rate: Frames a second, Hz.
        roles: Marker roles.
        method: ``"zeni2008"`` or ``"oconnor2007"``.

    Returns:
        Events in order of time; none for a foot whose markers are not known.
    """
    index = {name: i for i, name in enumerate(names)}
    pelvis = [index[name] for name in pelvis_markers(roles)]
    events: list[GaitEvent] = []
    for side in SIDES:
        heels = roles.get(f"heel_{side}") or roles.get(f"ankle_{side}")
        toes = roles.get(f"toe_{side}") or roles.get(f"met5_{side}")
        if not heels or not toes or (method == "zeni2008" and not pelvis):
            continue
        heel, toe = positions[:, index[heels[0]]], positions[:, index[toes[0]]]
        if method == "zeni2008":
            centre = _mean_ignoring_nan(positions[:, pelvis, 0])
            strikes, offs = zeni2008(heel[:, 0], toe[:, 0], centre, rate)
        else:
            strikes, offs = oconnor2007(heel[:, 1], toe[:, 1], rate)
        events += [GaitEvent(float(t), side, "heel_strike", "kinematics") for t in strikes]
        events += [GaitEvent(float(t), side, "toe_off", "kinematics") for t in offs]
    return sorted(events)


def _mean_ignoring_nan(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean over columns; NaN where fewer than all are seen, so that a marker that drops out causes no step."""
    complete = np.isfinite(values)
    use = complete.mean(axis=0) >= 0.95 * complete.mean(axis=0).max()
    return values[:, use].mean(axis=1)


def _smooth(values: NDArray[np.float64], rate: float) -> NDArray[np.float64]:
    return butterworth(values, rate, min(_CUTOFF, 0.4 * rate)) if len(values) > 12 else values


def _peaks(
    values: NDArray[np.float64],
    rate: float,
    *,
    smooth: bool = True,
    prominence: float = _PROMINENCE,
    spacing: float = _PEAK_SPACING,
) -> NDArray[np.float64]:
    """Times of the prominent maxima, refined by a parabola."""
    values = _smooth(values, rate) if smooth else values
    found: list[float] = []
    seen = np.isfinite(values)
    if seen.sum() < 5:
        return np.zeros(0)
    span = float(np.percentile(values[seen], 97) - np.percentile(values[seen], 3))
    if span <= 1e-9:
        return np.zeros(0)
    for start, stop in runs(seen):
        part = values[start:stop]
        at, _ = signal.find_peaks(part, prominence=prominence * span, distance=max(int(spacing * rate), 1))
        for i in at:
            bend = part[i - 1] - 2 * part[i] + part[i + 1]
            shift = 0.5 * (part[i - 1] - part[i + 1]) / bend if bend < 0 else 0.0
            found.append((start + i + float(np.clip(shift, -0.5, 0.5))) / rate)
    return np.array(found)


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
    for kind in ("heel_strike", "toe_off"):
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
    strikes: Sequence[PlateStrike],
    *,
    overrides: Overrides | None = None,
    method: Method = "zeni2008",
) -> DetectedEvents:
    """Find the events of a trial by all means and merge them.

    The file's own events are the base if they hold two heel strikes and a toe off of each side, else they are joined
    with those from the markers. The latter are shifted by their mean difference from the plates of the same trial:
    walking overground the published method finds a heel strike about 40 ms early, and a stride must not mix the two.
    An event that a plate saw within 150 ms takes the plate's time; manual events replace all others of their side and
    kind.

    Args:
        trial: The measurement.
        positions: Its markers in OpenSim's frame, shape (n_frames, n_markers, 3), m.
        roles: Marker roles.
        strikes: Decisions about the plate contacts.
        overrides: Manual corrections.
        method: The kinematic method that counts; the other one is reported for comparison.

    Returns:
        The events, what each method found, and how the methods agree.
    """
    notes: list[str] = []
    lists: dict[str, list[GaitEvent]] = {
        "plate": events_from_plates(strikes, trial.n_frames / trial.point_rate),
        "c3d": events_from_c3d(trial),
    }
    for name in ("zeni2008", "oconnor2007"):
        lists[name] = events_from_markers(positions, trial.marker_names, trial.point_rate, roles, method=name)
    stated = lists["c3d"]
    full = all(
        sum(e.side == side and e.kind == "heel_strike" for e in stated) >= 2
        and sum(e.side == side and e.kind == "toe_off" for e in stated) >= 1
        for side in SIDES
    )
    kinematic = lists[method]
    if not full:
        kinematic, shifts = _shift_to(lists["plate"], kinematic)
        notes += [f"{method} {shift}" for shift in shifts]
    merged = list(stated) if full else _join(stated, kinematic)
    if not full and stated:
        notes.append(f"the file's events are incomplete: joined with those of {method}")
    merged = _join(lists["plate"], merged)
    for side in SIDES:
        for kind in ("heel_strike", "toe_off"):
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
        tuple(clean), {name: tuple(found) for name, found in lists.items()}, tuple(agreement), tuple(notes)
    )


def _shift_to(reference: Sequence[GaitEvent], events: Sequence[GaitEvent]) -> tuple[list[GaitEvent], list[str]]:
    """Remove the mean difference from the reference, for each kind that both have."""
    shifted, notes = list(events), []
    for row in compare_events(events, reference, "", ""):
        if row.n and abs(row.mean) > 1e-3:
            shifted = [replace(e, time=e.time - row.mean) if e.kind == row.kind else e for e in shifted]
            notes.append(f"{row.kind}s shifted by {-1e3 * row.mean:+.0f} ms, their mean difference from the plates")
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
