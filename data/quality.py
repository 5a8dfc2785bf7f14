"""Verdicts: a value, its limit, and whether it passes."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from . import GaitTrial, InputError

Verdict = Literal["pass", "warn", "fail", "info"]

VERDICTS: tuple[Verdict, ...] = ("fail", "warn", "pass", "info")

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
    """``pass``, ``warn``, ``fail``, or ``info`` for a statement."""
    source: str = ""
    """Where the limit comes from."""

    def __post_init__(self) -> None:
        if self.verdict not in VERDICTS:
            raise InputError("verdict", self.verdict, f"one of {', '.join(VERDICTS)}")


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

    Example:
        >>> judge("IK", "marker error, RMS", 1.2, 2.0, "cm").verdict
        'pass'
    """
    verdict: Verdict = "pass" if value <= limit else "warn"
    if warn_above is not None and value > warn_above:
        verdict = "fail"
    return QualityRow(topic, what, f"{value:.{digits}f} {unit}", f"≤ {limit:g} {unit}", verdict, source)


def to_metadata(rows: Iterable[QualityRow]) -> list[dict[str, str]]:
    """Rows as plain mappings, for ``quality`` of :class:`exogait.data.about.TrialAbout`."""
    return [dataclasses.asdict(row) for row in rows]


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
