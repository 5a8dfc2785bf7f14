"""Gait events as a C3D file stores them, under the names and in the shapes that laboratories use."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from .layout import Layout
from .parameters import concatenated, count_of, text_list
from .sections import TolerantReader


@dataclass(frozen=True)
class C3DEvent:
    """One gait event as the file states it."""

    label: str
    """The file's own label, for example ``"Foot Strike"``."""
    side: str
    """``"r"``, ``"l"`` or ``""`` where the file does not say."""
    kind: str
    """``"heel_strike"``, ``"toe_off"`` or ``"other"``."""
    time: float
    """Seconds after the first frame in the file."""


def _event_kind(label: str) -> str:
    text = re.sub(r"[^a-z]", "", label.lower())
    if re.search(r"strike|contact|(^|[lr])(hs|fs|ic|fc)$", text) and "off" not in text:
        return "heel_strike"
    if re.search(r"off|(^|[lr])(to|fo)$", text):
        return "toe_off"
    return "other"


def _event_side(label: str, context: str) -> str:
    for text in (context, label):
        word = text.strip().lower()
        if word.startswith("right") or word in ("r", "rhs", "rto", "rfs", "rfo", "ric", "rfc"):
            return "r"
        if word.startswith("left") or word in ("l", "lhs", "lto", "lfs", "lfo", "lic", "lfc"):
            return "l"
        if re.match(r"[rl][_ .-]", word):
            return word[0]
    return ""


def read_events(reader: TolerantReader, layout: Layout) -> tuple[C3DEvent, ...]:
    """Events of the EVENT group, else of the header, on the clock of the file's first frame.

    TIMES holds minutes and seconds, as 2 x N or as one flat row; it counts from frame 1 of the recording.
    """
    labels = text_list(reader, "EVENT", "LABELS")
    used = count_of(reader, "EVENT", "USED")
    if used is not None and used < len(labels):
        reader.notes.append(f"EVENT:USED is {used}, the arrays hold {len(labels)} events: the first {used} count")
        labels = labels[:used]
    contexts = text_list(reader, "EVENT", "CONTEXTS")
    times = concatenated(reader, "EVENT", "TIMES")[: 2 * len(labels)]
    raw: list[tuple[str, str, float]] = []
    for i, label in enumerate(labels[: len(times) // 2]):
        seconds = 60.0 * times[2 * i] + times[2 * i + 1]
        raw.append((label, contexts[i] if i < len(contexts) else "", float(seconds)))
    if not raw:
        raw = [(str(name).strip("\0 "), "", float(time)) for time, name in reader.header.events]
    raw = [event for event in raw if np.isfinite(event[2])]
    if not raw:
        return ()
    start, length = (layout.first_frame - 1) / layout.rate, (layout.n_frames + 1) / layout.rate
    seconds = np.array([event[2] for event in raw])
    absolute = np.mean((seconds >= start - 1 / layout.rate) & (seconds <= start + length))
    relative = np.mean(seconds <= length)
    if relative > absolute:
        reader.notes.append("event times count from the first frame in the file, not from frame 1 of the recording")
        start = 0.0
    found = [C3DEvent(label, _event_side(label, ctx), _event_kind(label), t - start) for label, ctx, t in raw]
    return tuple(sorted(found, key=lambda event: event.time))
