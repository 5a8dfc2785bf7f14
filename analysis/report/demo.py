"""The front page of the demonstration: what was found, in words, and links that work from a USB stick."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from exogait.data.names import INDEX_PAGE, PERSONALIZE_PAGE

from ..outcomes.headline import Headline, Personalized, RateChange, headline, read_personalized
from ..outcomes.tables import EARLIER
from .kit import Card, Code, Figure, Gallery, Listing, Mark, Note, Page, Part, Section, Text, number
from .page import write_page
from .personalize import effort_words, torque_figure

DEVICE = "device"
"""Folder of `exogait personalize`, relative to the page."""


def write_demo_page(
    out: str | Path,
    *,
    summary: str,
    moment_arms: str | Path,
    parts: Sequence[tuple[str, str, str]],
    who: str | None = None,
) -> Path:
    """Write ``index.html`` into the folder of the demonstration.

    Args:
        out: The folder; the personalised device is in its folder ``device``.
        summary: Summary of the model as text.
        moment_arms: Picture of the moment arms (.png).
        parts: Title, one sentence and relative link of every further result.
        who: The simulated patient in words; None where a real person was analysed.

    Returns:
        The page.

    Raises:
        FileFormatError: The folder ``device`` lacks a file or is not what `exogait personalize` writes.
    """
    result = read_personalized(Path(out) / DEVICE)
    page = demo_page(result, summary=summary, moment_arms=Path(moment_arms).read_bytes(), parts=parts, who=who)
    return write_page(page, Path(out) / INDEX_PAGE)


def demo_page(
    result: Personalized, *, summary: str, moment_arms: bytes, parts: Sequence[tuple[str, str, str]], who: str | None
) -> Page:
    """The front page.

    Args:
        result: What `exogait personalize` wrote; its own links are taken to start in :data:`DEVICE`.
        summary: As of :func:`write_demo_page`.
        moment_arms: Picture of the moment arms, PNG.
        parts: As of :func:`write_demo_page`.
        who: As of :func:`write_demo_page`.
    """
    found = headline(result)
    picture = torque_figure(result)
    patient = f"a patient made by the suite ({who})" if who else "a patient made by the suite"
    mark = Mark(
        "SYNTHETIC",
        f"{patient}; nobody was measured. A simulated body walked by muscles alone, and its markers and ground "
        "reactions went to C3D files like a laboratory's.",
    )
    device: list[Part] = [
        *(Text(line) for line in found_in_words(found, who)),
        Note(effort_words(found)),
        Gallery(
            [
                Card(
                    "Report of the personalised device",
                    "Who, what the walk says about strength, walks without a device, with the generic and with the "
                    "personalised one, angles, torques.",
                    f"{DEVICE}/{PERSONALIZE_PAGE}",
                )
            ]
        ),
        picture.seen_from(DEVICE) if isinstance(picture, Figure) else picture,
    ]
    arms = "Moment arms over the range of walking"
    return Page(
        "From a gait laboratory to a personalised exoskeleton",
        [
            Section("device", "A device for one person", device),
            Section("results", "On the way there", [Gallery([Card(*part) for part in parts])]),
            Section("moment-arms", "Moment arms of the muscles", [Figure(moment_arms, arms, alt=arms)]),
            Section("model", "The model", [Listing(summary)]),
        ],
        kicker="exogait · a demonstration",
        lead="One person's C3D files became a scaled model, joint moments, and a device controller tuned to their body "
        "and gait.",
        mark=mark if found.synthetic else None,
        footer=["Made by ", Code("exogait demo"), ". For research; not a medical device."],
    )


# -- what was found, in words -----------------------------------------------------------------------------------------


def found_in_words(found: Headline, who: str | None = None) -> list[str]:
    """What the tuned device changed, as sentences: who walked, metabolic power, symmetry, falls, what is simulated.

    Args:
        found: The few numbers.
        who: The simulated patient in words; None where a real person was analysed.
    """
    person = f"A simulated patient ({who})" if who else "A simulated patient"
    if not found.synthetic:
        person = f"A computer model of {found.subject.replace('_', ' ')}, scaled to measured markers,"
    tuned, generic, between = (found.rate[name] for name in ("personalised", "generic", "between"))
    return [
        f"{person} walked at {number(found.speed)} m/s without a device, with an exoskeleton under a generic "
        "controller, and with the same exoskeleton under a controller tuned to this person.",
        f"With the tuned device, metabolic power was {change_in_words(tuned, 'without a device')}. With the generic "
        f"device it was {change_in_words(generic, 'without a device')}. Tuned against generic, it was "
        f"{change_in_words(between, 'with the generic device')}.",
        _symmetry_in_words(found),
        f"Walks that ended in a fall: {_falls(found, 'personalised')} with the tuned device, "
        f"{_falls(found, 'generic')} with the generic one, {_falls(found, 'none')} without a device.",
        "Simulated: every one of these walks, the device and its torques. Muscles move the body, no force holds it "
        "up, and metabolic power is computed from the muscles (Umberger 2010, eccentric work "
        "not credited), not from breath. Nobody wore a device.",
    ]


def change_in_words(change: RateChange, than: str) -> str:
    """A change of metabolic power as the end of a sentence, with its spread and how far it can be trusted.

    Args:
        change: The change.
        than: What it is compared with, e.g. ``without a device``.

    Example:
        >>> change_in_words(RateChange(-7.04, 0.5, 3), "without a device")
        '7.0 % lower than without a device (SD between walks 0.5 %, 3 pairs of walks)'
    """
    if not np.isfinite(change.mean_pct):
        why = "too few strides for a rate" if change.n_pairs else "no pair of walks without a fall at the same speed"
        why = why if change.counted else EARLIER
        return f"not comparable with that {than} ({why})"
    size = number(abs(change.mean_pct), 1)
    if float(size) == 0.0:
        words = f"the same as {than}"
    else:
        words = f"{size} % {'lower' if change.mean_pct < 0 else 'higher'} than {than}"
    if not np.isfinite(change.sd_pct):
        return f"{words} (one pair of walks, so no spread is known)"
    spread = f"SD between walks {number(change.sd_pct, 1)} %, {change.n_pairs} pairs of walks"
    within = "; a difference within its spread" if abs(change.mean_pct) <= change.sd_pct else ""
    return f"{words} ({spread}{within})"


def _symmetry_in_words(found: Headline) -> str:
    known = {name: f"{number(value, 1)} %" for name, value in found.asymmetry.items() if np.isfinite(value)}
    if not known:
        return "How far right and left differed is not known: no walk has enough strides without a fall."
    none, generic, tuned = (known.get(name, "an unknown amount") for name in ("none", "generic", "personalised"))
    return (
        f"Right and left differed by {none} without a device, {generic} with the generic and {tuned} with the tuned "
        "one (mean of six symmetry indices; 0 % is symmetric)."
    )


def _falls(found: Headline, name: str) -> str:
    fell, walks = found.falls[name]
    return f"{fell} of {walks}"
