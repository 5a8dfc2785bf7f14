"""What a user decides by hand: events and plate assignments."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from exogait.data.errors import FileFormatError
from exogait.data.loading import regular_file
from exogait.data.names import SIDES
from exogait.data.trial import EventKind, GaitEvent

from .strikes import PlateStrike


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
        regular_file(path)
        lines = Path(path).read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise FileFormatError(path, f"cannot be read ({error})", "give a CSV text file") from error
    numbered = [(i, line) for i, line in enumerate(lines, 1) if line.strip() and not line.lstrip().startswith("#")]
    if not numbered:
        raise FileFormatError(path, "is empty", "write a header line: what,side,time,plate")
    try:
        cells = [next(csv.reader([line])) for _, line in numbered]
    except csv.Error as error:  # a cell of more than 128 KiB
        raise FileFormatError(path, f"is no table ({error})", "save it as CSV again") from None
    header = [word.strip().lower() for word in cells[0]]
    if not {"what", "side", "time"} <= set(header):
        raise FileFormatError(path, f"has the columns {', '.join(header)}", "name them what,side,time,plate", line=1)
    events: list[GaitEvent] = []
    plates: list[tuple[int, float, str]] = []
    for (number, _), words in zip(numbered[1:], cells[1:], strict=True):
        row = dict(zip(header, (word.strip() for word in words), strict=False))
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
