"""Names of sides, and what belongs to which."""

from __future__ import annotations

from .trial import Side

SIDES: tuple[Side, Side] = ("r", "l")
