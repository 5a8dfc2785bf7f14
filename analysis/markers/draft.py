"""First draft of a marker map, written for a person who will check it.

The draft names every landmark as the suite does (R_HEEL, L_HEEL, ...) and gives the file's own label as an alias, so
that labels need not begin with a side. What was guessed without certainty says so in its line.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from exogait.data.names import mirrored_name, stem

from .identify import Recording
from .landmarks import LANDMARKS, Guess, guess_landmarks, travels

UNSURE = "unsure"
"""Word that marks a guess that must be checked."""


@dataclass(frozen=True)
class _Entry:
    """One marker of the draft: what sits on the right, on the left or in the middle."""

    name: str
    """Name in the map, of the right side where there are two."""
    value: str
    """Body, place and weight as YAML."""
    guesses: tuple[Guess, ...]


def draft_marker_map(source: Recording | Iterable[str], name: str) -> str:
    """A marker map drafted from a file, to be checked and completed by hand; it loads as it is.

    Args:
        source: Recording of a person who stands upright, or its labels alone: then names alone are guessed from.
        name: What the laboratory's set is called.

    Returns:
        YAML with a comment on every line that was guessed.

    Example:
        >>> text = draft_marker_map(["Ferse_rechts", "Ferse_links", "Q17"], "my_lab")
        >>> [line.split("#")[0].strip() for line in text.splitlines() if "Ferse" in line]
        ['R_HEEL: ["Ferse_rechts"]', 'L_HEEL: ["Ferse_links"]']
    """
    if hasattr(source, "marker_names"):
        labels, positions = list(source.marker_names), source.positions  # pyright: ignore[reportAttributeAccessIssue]
        where = Path(str(source.path)).name  # pyright: ignore[reportAttributeAccessIssue]
    else:
        labels, positions, where = list(source), None, "labels alone"  # pyright: ignore[reportArgumentType]
    guesses = guess_landmarks(labels, positions)
    entries = _entries(guesses)
    known = {name for entry in entries for name in _names(entry)}
    sections = [_head(name, where, positions), _aliases(entries), _markers(entries), *_computed(known), _rest(guesses)]
    return "\n".join(part for part in sections if part) + "\n"


def _entries(guesses: Sequence[Guess]) -> list[_Entry]:
    entries: list[_Entry] = []
    for landmark in LANDMARKS:
        own = tuple(guess for guess in guesses if guess.landmark is landmark)
        seen: dict[str, Guess] = {}
        for guess in own:
            seen.setdefault(guess.side, guess)
        if seen:
            body = f"{landmark.body}_r" if landmark.body in ("femur", "tibia", "calcn") else landmark.body
            numbers = ", ".join(f"{number:g}" for number in (*landmark.place, *landmark.weights))
            name = f"R_{landmark.name}" if landmark.sided else landmark.name
            entries.append(_Entry(name, f"[{body}, {numbers}]", tuple(seen.values())))
    on_landmark = {guess.label for entry in entries for guess in entry.guesses}
    loose = [guess for guess in guesses if guess.body and guess.label not in on_landmark]
    words = {"femur": "THIGH", "tibia": "SHANK", "calcn": "FOOT", "pelvis": "PELVIS", "torso": "TRUNK"}
    for body, word in words.items():
        right, left, middle = (
            [guess for guess in loose if stem(guess.body) == body and guess.side == side] for side in ("r", "l", "")
        )
        for k in range(max(len(right), len(left))):
            pair = tuple(group[k] for group in (right, left) if k < len(group))
            right_body = f"{body}_r" if body in ("femur", "tibia", "calcn") else body
            entries.append(_Entry(f"R_{word}{k + 1}", right_body, pair))
        entries += [_Entry(f"{word}{k + 1}", body, (guess,)) for k, guess in enumerate(middle)]
    return entries


def _sides(entry: _Entry) -> dict[str, Guess]:
    """Name in the map to the guess behind it."""
    return {("L" + entry.name[1:] if guess.side == "l" else entry.name): guess for guess in entry.guesses}


def _names(entry: _Entry) -> list[str]:
    """Names that the map will know."""
    return list(_sides(entry))


def _head(name: str, where: str, positions: object) -> str:
    lines = [
        f"# First draft of a marker map, made from {where}.",
        f"# Check every line, first those marked '{UNSURE}': a marker on the wrong body or side spoils every angle.",
        "# A marker that belongs elsewhere: move its label to the right name under aliases, or give the body alone",
        "# (R_THIGH1: femur_r): then the static trial says where it sits. Delete what is not needed.",
    ]
    if positions is None:
        lines.append("# Made from names alone: a C3D or TRC file of a standing person would show the places, too.")
    elif travels(positions):  # pyright: ignore[reportArgumentType]
        lines.append(f"# {UNSURE}: the person in this file walks; a draft from the static trial is far better.")
    lines += [
        f"name: {json.dumps(name, ensure_ascii=False)}",
        'source: "draft by exogait, to be checked"',
        "sides: [R_, L_]                        # R_HEEL has the twin L_HEEL; one line describes both",
    ]
    return "\n".join(lines)


def _aliases(entries: Sequence[_Entry]) -> str:
    lines = ["aliases:                               # name in this map: label in your files"]
    for entry in entries:
        for name, guess in _sides(entry).items():
            text = f"  {name}: [{json.dumps(guess.label, ensure_ascii=False)}]"
            lines.append(f"{text:38s} # {'' if guess.sure else UNSURE + ': '}{guess.why}")
    return "\n".join(lines) if len(lines) > 1 else "aliases: {}"


def _markers(entries: Sequence[_Entry]) -> str:
    lines = ["markers:                               # [body, x, y, z (m, unscaled model), weight static, walking]"]
    for entry in entries:
        names = _names(entry)
        if entry.name in names:
            lines.append(f"  {entry.name}: {entry.value}")
            twin = "L" + entry.name[1:]
            if entry.name.startswith("R_") and twin not in names:
                lines.append(f"  {twin}: ~{'':30s} # {UNSURE}: only the right one was found")
        else:
            left = mirrored_name(entry.value)
            if entry.value.startswith("["):
                body, x, y, z, *weights = entry.value.strip("[]").split(", ")
                left = f"[{', '.join([mirrored_name(body), x, y, f'{-float(z):g}', *weights])}]"
            lines.append(f"  {names[0]}: {left}  # {UNSURE}: only the left one was found")
    if len(lines) == 1:
        lines.append("  R_HEEL: [calcn_r, -0.025, 0.02, -0.005, 10]   # nothing was recognised: an example line")
    return "\n".join(lines)


def _computed(known: set[str]) -> list[str]:
    """Joint centres, and the lengths that scale each segment, as far as the markers go."""

    def both(name: str) -> bool:
        return {f"R_{name}", f"L_{name}"} <= known

    virtual, scale = [], []
    psis = both("PSIS")
    back = "PSIS_MIDDLE" if psis else "SACRUM" if "SACRUM" in known else ""
    if psis:
        virtual.append("  PSIS_MIDDLE: {midpoint: [R_PSIS, L_PSIS], at: [pelvis, -0.155, 0.035, 0]}")
    hip, knee, ankle = "R_ASIS", "R_KNEE", "R_ANKLE"
    if both("ASIS") and back:
        sources = "R_ASIS, L_ASIS, " + ("R_PSIS, L_PSIS" if psis else "SACRUM")
        virtual.append(f"  R_HJC: {{harrington: [{sources}], at: [femur_r, 0, 0, 0]}}")
        hip = "R_HJC"
    if both("KNEE") and both("KNEE_MED"):
        virtual.append("  R_KJC: {midpoint: [R_KNEE, R_KNEE_MED], at: [femur_r, 0, -0.404, 0]}")
        knee = "R_KJC"
    if both("ANKLE") and both("ANKLE_MED"):
        virtual.append("  R_AJC: {midpoint: [R_ANKLE, R_ANKLE_MED], at: [tibia_r, 0.0005, -0.3994, 0.0075]}")
        ankle = "R_AJC"
    if both("ASIS"):
        pairs = ["[R_ASIS, L_ASIS]"]
        pairs += [f"[R_ASIS, {back}]", "[R_HJC, L_HJC]"] if back else []
        scale.append(f"  pelvis: [{', '.join(pairs)}]")
    if back and "C7" in known:
        scale.append(f"  torso: [[{back}, C7]]")
    elif both("ASIS") and both("SHOULDER"):
        scale.append("  torso: [[R_ASIS, R_SHOULDER]]")
    if both("ASIS") and both("KNEE"):
        scale.append(f"  thigh: [[{hip}, {knee}]]")
    if both("KNEE") and both("ANKLE"):
        scale.append(f"  shank: [[{knee}, {ankle}]]")
    toe = next((name for name in ("TOE", "MT5", "MT1") if both(name)), "")
    if both("HEEL") and toe:
        scale.append(f"  foot: [[R_HEEL, R_{toe}]]")
    result = []
    if virtual:
        result.append("\n".join(["virtual:                               # computed from markers", *virtual]))
    if scale:
        result.append("\n".join(["scale:                                 # pairs that scale a segment", *scale]))
    return [*result, "hold: [subtalar_angle, mtp_angle]      # coordinates that the markers cannot see"]


def _rest(guesses: Sequence[Guess]) -> str:
    unused = [guess for guess in guesses if not guess.body]
    if not unused:
        return ""
    lines = ["# Labels that are not used; give them a name above if they sit on pelvis, trunk or legs:"]
    lines += [f"#   {guess.label}: {guess.why}" for guess in unused]
    return "\n".join(lines)
