"""Settings of the lab road."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from exogait.data import InputError
from exogait.data.settings import check_ranges
from exogait.data.show import Shown

from ..opensim_tools.dynamics import CUTOFF
from ..signals.event_choice import EventMethod
from ..signals.kinematic_events import METHODS

_LAB_SETTINGS_RANGES = {
    "max_gap": (0.0, 60.0, "s"),
    "marker_cutoff": (0.01, 10_000.0, "Hz"),
    "force_cutoff": (0.01, 100_000.0, "Hz"),
    "force_threshold": (0.0, 10_000.0, "N"),
    "belt_speed": (0.0, 20.0, "m/s"),
}
"""Field of :class:`LabSettings` to lowest and highest value and unit."""
_HIGHEST_CUTOFF = 10_000.0
"""Hz."""


@dataclass(frozen=True, kw_only=True)
class LabSettings(Shown):
    """Choices of the lab road. The defaults are common practice; every one is printed in the report."""

    units: str | None = None
    """Unit of length in the C3D files, where they do not say or say it wrongly."""
    forward: str | None = None
    """Laboratory axis that points forward (``+x``, ``-y``, ...); found from the walking direction if not given."""
    up: str | None = None
    """Laboratory axis that points up; found from the body if not given."""
    max_gap: float = 0.1
    """Longest gap in a marker path that is bridged, s."""
    marker_cutoff: float = 6.0
    """Cut-off of the zero-phase low-pass of the marker paths, Hz."""
    coordinate_cutoff: float = CUTOFF
    """Cut-off of OpenSim's low-pass of coordinates that were solved elsewhere, before inverse dynamics, Hz; below 0 for
    none. Angles from markers are not filtered again."""
    force_cutoff: float = 20.0
    """Cut-off of the zero-phase low-pass of the force plates, Hz."""
    force_threshold: float = 20.0
    """Vertical force that makes a contact, N."""
    event_method: EventMethod = "chosen"
    """How heel strikes and toe offs are found from markers; by what holds for the walk if not given."""
    toe_off_method: EventMethod | None = None
    """Another way for toe offs."""
    belt_speed: float | None = None
    """Speed of a treadmill's belt, m/s; 0 for overground; detected if not given."""
    overrides: Path | None = None
    """CSV of manual events and plate assignments (see :func:`exogait.analysis.signals.overrides.read_overrides`)."""
    roles: Mapping[str, str] = field(default_factory=dict)
    """Marker role (``heel_r``, ``toe_l``, ``sacrum``, ...) to label, for names that tell nothing."""

    def __post_init__(self) -> None:
        check_ranges(self, _LAB_SETTINGS_RANGES)  # first: what is no number at all is refused here
        for name in ("marker_cutoff", "force_cutoff", "force_threshold"):
            value = getattr(self, name)
            if not (np.isfinite(value) and value > 0):
                raise InputError(name, value, "a positive number")
        if not (0 < self.coordinate_cutoff <= _HIGHEST_CUTOFF or -_HIGHEST_CUTOFF <= self.coordinate_cutoff < 0):
            wanted = f"up to {_HIGHEST_CUTOFF:g} Hz above 0, or below 0 for none"
            raise InputError("coordinate_cutoff", self.coordinate_cutoff, wanted)
        if not (np.isfinite(self.max_gap) and self.max_gap >= 0):
            raise InputError("max_gap", self.max_gap, "seconds, not negative")
        for name in ("event_method", "toe_off_method"):
            value = getattr(self, name)
            if value not in ("chosen", *METHODS) and not (name == "toe_off_method" and value is None):
                raise InputError(name, value, f"chosen or one of {', '.join(METHODS)}")
