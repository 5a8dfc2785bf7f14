"""Evidence and verdicts: a value, its limit, whether it passes, and which quantities are spoiled where it does not.

A quantity is addressed as ``table/column``: ``coordinates/knee_angle_r``, ``generalized_forces/hip_flexion_l``,
``ground_reactions/ground_force_r_vy``, ``spatiotemporal/step_length_l``, ``events/r``. What a row spoils are patterns
of such addresses (``coordinates/*``); :mod:`exogait.analysis.judgement.withhold` blanks them.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from . import GaitTrial, InputError

Verdict = Literal["pass", "warn", "fail", "not judged", "info"]

VERDICTS: tuple[Verdict, ...] = ("fail", "warn", "pass", "not judged", "info")

HICKS = "Hicks et al. 2015, doi 10.1115/1.4029304; OpenSim documentation, simulation checklist"
"""Where the limits on marker errors, residuals and reserves come from."""


@dataclass(frozen=True)
class QualityRow:
    """One judgement."""

    topic: str
    """Step of the road: ``File``, ``Axes``, ``Markers``, ``Force plates``, ``Events``, ``Scaling``, ..."""
    what: str
    """What was looked at."""
    found: str
    """What was found, with its unit."""
    limit: str = ""
    """Guidance that it is judged against."""
    verdict: Verdict = "info"
    """``pass``, ``warn``, ``fail``, ``not judged`` where the evidence is missing, or ``info`` for a statement."""
    source: str = ""
    """Where the limit comes from."""
    spoils: Sequence[str] = ()
    """Patterns of the quantities that are wrong where the row fails."""
    todo: str = ""
    """What to do where the row fails."""

    def __post_init__(self) -> None:
        if self.verdict not in VERDICTS:
            raise InputError("verdict", self.verdict, f"one of {', '.join(VERDICTS)}")
        object.__setattr__(self, "spoils", tuple(self.spoils))


def judge(
    topic: str,
    what: str,
    value: float,
    limit: float,
    unit: str,
    *,
    warn_above: float | None = None,
    digits: int = 1,
    source: str = HICKS,
    spoils: Sequence[str] = (),
    todo: str = "",
) -> QualityRow:
    """A number against an upper limit.

    Args:
        topic: Step of the road.
        what: What was looked at.
        value: The number, in ``unit``; NaN gives a warning.
        limit: Largest number that passes.
        unit: Unit of both.
        warn_above: A number above this fails; between the two it is a warning. Without it nothing fails.
        digits: Decimals.
        source: Where the limit comes from.
        spoils: Patterns of the quantities that are wrong where the number fails.
        todo: What to do then.

    Example:
        >>> judge("IK", "marker error, RMS", 1.2, 2.0, "cm").verdict
        'pass'
    """
    verdict: Verdict = "pass" if value <= limit else "warn"
    if warn_above is not None and value > warn_above:
        verdict = "fail"
    guidance = f"≤ {limit:g} {unit}"
    if warn_above is not None:
        guidance += f", not usable above {warn_above:g}"
    return QualityRow(
        topic, what, f"{value:.{digits}f} {unit}", guidance, verdict, source, spoils if verdict == "fail" else (), todo
    )


def to_metadata(rows: Iterable[QualityRow]) -> list[dict[str, Any]]:
    """Rows as plain mappings, for ``quality`` of :class:`exogait.data.about.TrialAbout`."""
    return [{**dataclasses.asdict(row), "spoils": list(row.spoils)} for row in rows]


def quality_rows(trial: GaitTrial) -> list[QualityRow]:
    """Rows that a trial carries.

    Args:
        trial: Any trial; one without rows gives an empty list.
    """
    known = {field.name for field in dataclasses.fields(QualityRow)}
    return [QualityRow(**{key: value for key, value in row.items() if key in known}) for row in trial.about.quality]


def count_verdicts(rows: Iterable[QualityRow]) -> dict[str, int]:
    """Number of rows of each verdict.

    Example:
        >>> count_verdicts([QualityRow("a", "b", "c", verdict="pass")])["pass"]
        1
    """
    counts: dict[str, int] = dict.fromkeys(VERDICTS, 0)
    for row in rows:
        counts[row.verdict] += 1
    return counts


@dataclass(frozen=True)
class Overall:
    """What all rows together say of a trial."""

    kind: Literal["usable", "usable but for", "not usable", "not judged"]
    """The verdict in two words."""
    spoiled: tuple[str, ...] = ()
    """What is withheld, in words."""
    reasons: tuple[str, ...] = ()
    """The rows that failed, one sentence each."""
    todo: tuple[str, ...] = ()
    """What to do about it."""

    @property
    def failed(self) -> bool:
        """Whether any row failed."""
        return self.kind in ("usable but for", "not usable")

    def headline(self) -> str:
        """One line: the verdict, what is withheld, why.

        Example:
            >>> Overall("usable").headline()
            'usable'
            >>> Overall("usable but for", ("joint moments",), ("forces are in lbf",)).headline()
            'usable but for joint moments: forces are in lbf'
        """
        if not self.failed:
            return self.kind
        why = "; ".join(self.reasons)
        if self.kind == "not usable":
            return f"not usable: {why}"
        return f"usable but for {', '.join(self.spoiled)}: {why}" if self.spoiled else f"usable, with a doubt: {why}"


def overall(rows: Iterable[QualityRow]) -> Overall:
    """The verdict on a trial.

    Not usable where a failed row spoils the events or all joint angles, since nothing of a walk remains then; usable
    but for what failed rows spoil; usable where none failed; not judged where there are no rows.

    Args:
        rows: The rows of one trial.

    Example:
        >>> overall([QualityRow("Mass", "mass", "84 kg", "75 kg", "fail", spoils=["generalized_forces/*"])]).kind
        'usable but for'
    """
    rows = list(rows)
    if not rows:
        return Overall("not judged")
    failed = [row for row in rows if row.verdict == "fail"]
    if not failed:
        return Overall("usable")
    patterns = [pattern for row in failed for pattern in row.spoils]
    reasons = tuple(dict.fromkeys(f"{row.what}: {row.found}" for row in failed))
    todo = tuple(dict.fromkeys(row.todo for row in failed if row.todo))
    lost = any(pattern in ("*", "events/*", "coordinates/*") for pattern in patterns)
    words = dict.fromkeys(_in_words(pattern) for pattern in patterns)
    # "joint moments" says all that "joint moments, right" does, and two sides say the same as none.
    spoiled = tuple(word for word in words if not any(word.startswith(f"{other}, ") for other in words))
    return Overall("not usable" if lost else "usable but for", spoiled, reasons, todo)


_TABLES = {
    "coordinates": "joint angles",
    "generalized_forces": "joint moments",
    "joint_powers": "joint powers",
    "ground_reactions": "ground reaction forces",
    "events": "gait events",
    "muscles": "muscle activations",
    "emg": "electromyography",
    "spatiotemporal": "spatiotemporal numbers",
}


_AXIS = re.compile(r"_([rl])_([vp]?[xyz?])$")
_FORCES = {"vx": "fore-aft_force", "vy": "vertical_force", "vz": "sideways_force", "p": "centre_of_pressure"}


def _in_words(pattern: str) -> str:
    """Words for a pattern of quantities: the column where one is named, else its table; and the side.

    Example:
        >>> _in_words("coordinates/*"), _in_words("coordinates/knee_angle_r"), _in_words("ground_reactions/*_l_*")
        ('joint angles', 'knee angle, right', 'ground reaction forces, left')
        >>> _in_words("ground_reactions/*_r_vx"), _in_words("ground_reactions/*_l_p?")
        ('fore-aft force, right', 'centre of pressure, left')
    """
    table, _, column = pattern.partition("/")
    if table == "ground_reactions" and (end := _AXIS.search(column)):
        side, axis = end.groups()
        force = "free_moment" if "torque" in column else _FORCES[axis[:1] if axis[:1] == "p" else axis]
        column = f"{force}_{side}"
    parts = [part for part in column.replace("*", "").split("_") if part]
    side = next((word for letter, word in (("r", "right"), ("l", "left")) if letter in parts), "")
    name = " ".join(part for part in parts if part not in ("r", "l"))
    words = {"generalized_forces": f"{name} moment", "joint_powers": f"{name} power"}.get(table, name) if name else ""
    words = words or _TABLES.get(table, table)
    return f"{words}, {side}" if side else words
