"""Constants that several packages share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

GRAVITY = 9.80665
"""Standard acceleration of free fall, m/s2 (ISO 80000-3)."""

MINIMUM_HEAT_RATE = 1.0
"""Floor of the heat rate of one muscle, W/kg. Source: Umberger et al. 2003, p. 104."""
AEROBIC_FACTOR = 1.5
"""Heat under primarily aerobic conditions over that under anaerobic ones. Source: Umberger et al. 2003; the default of
OpenSim's probe."""

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
