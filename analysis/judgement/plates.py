"""Checks of the plates themselves: the clock, the place, the gain's end and the zero of their signals."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from exogait.data.names import SIDES
from exogait.data.quality import QualityRow

from ..signals.clock import distance_from_markers
from ..signals.filters import runs
from .case import Case

CLOCK = 0.1
"""Median time between events of plates and of markers, s: the published method is 10 to 50 ms early on clean walks."""
BESIDE = 0.04
"""Median distance of the pressure from the line heel to toe, m; under a foot it lies within 3 cm."""
FLAT = 0.01
"""Longest stretch in which the vertical channel stands at its largest value, s: an amplifier at its end."""
ZERO_SHIFT = 10.0
"""Difference of the unloaded plate's vertical force before and after its contacts, N."""
_CLEAR = 0.1
"""Time around contacts that counts as loaded, s."""


def clock_rows(case: Case) -> Iterator[QualityRow]:
    """Plates and markers see the same events at the same time."""
    found = case.lab.events.by_method
    away = distance_from_markers(found.get("plate", ()), found.get("zeni2008", ()))
    if np.isfinite(away):
        failed = away > CLOCK
        yield QualityRow(
            "Force plates", "events of the plates against those of the markers, median", f"{away * 1e3:.0f} ms",
            f"≤ {CLOCK * 1e3:.0f} ms", "fail" if failed else "pass", "",
            ("events/*", "ground_reactions/*") if failed else (),
            "plates and cameras are not on one clock, or of two trials: export the trial again",
        )  # fmt: skip


def place_rows(case: Case) -> Iterator[QualityRow]:
    """The pressure lies under the foot."""
    away = [strike.cop_distance for strike in case.lab.strikes if strike.accepted and np.isfinite(strike.cop_distance)]
    if away:
        middle = float(np.median(away))
        failed = middle > BESIDE
        yield QualityRow(
            "Force plates", "pressure beside the line heel to toe, median", f"{middle * 100:.1f} cm",
            f"≤ {BESIDE * 100:g} cm", "fail" if failed else "pass", "", ("ground_reactions/*",) if failed else (),
            "check the plates' corners and origin, and the unit of the moment channels",
        )  # fmt: skip


def signal_rows(case: Case) -> Iterator[QualityRow]:
    """No vertical force stands at its largest value, and every plate comes back to its zero.

    A plate's own fault spoils the legs that stood on it, and no other.
    """
    if case.recording.forces is not None:
        return  # a table shows no channel
    rate = case.recording.analog_rate
    for spec, plate in zip(case.recording.platforms, case.lab.plates, strict=True):
        if not plate.contacts or spec.type not in (1, 2):
            continue
        spoils = tuple(
            f"ground_reactions/*_{side}_*"
            for side in SIDES
            if any(s.accepted and s.side == side and s.plate == spec.index for s in case.lab.strikes)
        )
        if not spoils:
            continue  # no foot's force comes from this plate
        flat = longest_flat(case.recording.analog[:, spec.channels[2]]) / rate
        failed = flat > FLAT
        if failed:
            yield QualityRow(
                "Force plates", f"vertical force of plate {spec.index + 1} at its largest value",
                f"{flat * 1e3:.0f} ms without change: saturated", f"≤ {FLAT * 1e3:g} ms", "fail", "",
                spoils, "lower the amplifier's gain and measure again",
            )  # fmt: skip
        force, time = plate.force[:, 1], plate.time
        before = force[time < plate.contacts[0].start - _CLEAR]
        after = force[time > plate.contacts[-1].stop + _CLEAR]
        if min(len(before), len(after)) > _CLEAR * rate:
            shift = abs(float(np.nanmean(after)) - float(np.nanmean(before)))
            if shift > ZERO_SHIFT:
                yield QualityRow(
                    "Force plates", f"zero of plate {spec.index + 1} before and after contacts", f"{shift:.0f} N apart",
                    f"≤ {ZERO_SHIFT:g} N", "fail", "", spoils, "zero the plates and measure again",
                )  # fmt: skip


def longest_flat(channel: NDArray[np.float64]) -> int:
    """Most samples in a row that equal the channel's largest absolute value."""
    size = np.abs(channel)
    top = np.nanmax(size)
    return max((stop - start for start, stop in runs(size >= top * (1 - 1e-9))), default=0)
