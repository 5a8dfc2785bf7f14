"""Constants that several packages share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

GRAVITY = 9.80665
"""Standard acceleration of free fall, m/s2 (ISO 80000-3)."""

Condition = Literal["none", "unpowered", "powered"]
CONDITIONS: tuple[Condition, ...] = ("none", "unpowered", "powered")
"""No device; worn and off (its mass only); worn and controlled."""
CONDITION_NAMES: Mapping[str, str] = {"none": "no device", "unpowered": "worn, off", "powered": "powered"}
"""A condition in words."""

Arm = Literal["generic", "personalised"]
ARMS: tuple[Arm, ...] = ("generic", "personalised")
"""What a personalisation compares: a device tuned for everybody, and one tuned for this person."""
ARM_NAMES: Mapping[str, str] = {"generic": "generic device", "personalised": "personalised device"}
"""An arm in words."""
