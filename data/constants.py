"""Constants that several packages share."""

from __future__ import annotations

CONDITIONS = ("none", "unpowered", "powered")
"""No device; worn and off (its mass only); worn and controlled."""
