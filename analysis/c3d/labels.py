"""Labels of points: the person before the colon."""

from __future__ import annotations

from collections.abc import Sequence

LEAST_LABELS = 6
"""Labels with one prefix that make a person."""


def subjects_in(labels: Sequence[str]) -> tuple[str, ...]:
    """Prefixes that stand before at least six labels each, in the file's order.

    Example:
        >>> subjects_in([f"{who}:{k}" for who in ("P2", "P1") for k in range(6)] + ["wand:tip"])
        ('P2', 'P1')
    """
    prefixes = [label.split(":", 1)[0].strip() for label in labels if ":" in label]
    return tuple(name for name in dict.fromkeys(prefixes) if name and prefixes.count(name) >= LEAST_LABELS)
