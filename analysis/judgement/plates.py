"""Checks of the plates themselves: the clock, the place, the gain's end and the zero of their signals."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from exogait.data.names import SIDES
from exogait.data.quality import QualityRow

from ..markers.roles import foot_markers
from ..signals.clock import PLATES_LATE, plates_on_clock
from ..signals.filters import runs
from ..signals.plates import PlateData
from ..signals.strikes import inside_distance
from .case import Case

FLAT = 0.01
"""Longest stretch in which the vertical channel stands at its largest value, s: an amplifier at its end."""
ZERO = 12.0
"""Vertical force of a plate that nobody stands on, N."""
_NEAR = 0.1
"""Distance of a foot's markers from a plate, seen from above, from which it cannot stand on it, m."""
_BLOCK = 0.1
"""s."""


def clock_rows(case: Case) -> Iterator[QualityRow]:
    """Plates and markers see the same events at the same time."""
    found = case.lab.events.by_method
    good, away = plates_on_clock(found.get("plate", ()), found.get("c3d", ()), found.get("oconnor2007", ()))
    if away:
        used = any(event.source == "plate" for event in case.lab.events.events)
        yield QualityRow(
            "Force plates", "events of the plates", away, f"within {PLATES_LATE * 1e3:.0f} ms of one of them",
            "pass" if good else "fail", "", () if good else ("ground_reactions/*", *(("events/*",) if used else ())),
            "plates and cameras are not on one clock, or of two trials: export the trial again",
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
        zero = unloaded_force(case, plate)
        if zero > ZERO:
            yield QualityRow(
                "Force plates", f"zero of plate {spec.index + 1} while no foot is near it", f"{zero:.0f} N",
                f"≤ {ZERO:g} N", "fail", "", spoils, "zero the plates and measure again",
            )  # fmt: skip


def unloaded_force(case: Case, plate: PlateData) -> float:
    """Largest mean vertical force over 0.1 s in which no marker of a foot is near a plate, N; 0 where one always is."""
    names = list(case.lab.marker_names)
    feet = [names.index(label) for side in SIDES for label in foot_markers(case.lab.roles, side)]
    if not feet:
        return 0.0
    paths = case.lab.positions[:, feet]
    beside = np.array([inside_distance(path, plate.corners) < -_NEAR for path in np.moveaxis(paths, 1, 0)])
    free: NDArray[np.bool_] = np.isfinite(paths).all(axis=(1, 2)) & (beside.min(axis=0) > 0)
    width = max(round(_BLOCK * plate.rate), 1)
    means = [0.0]
    for start, stop in runs(free):
        part = plate.vertical[round(start / case.lab.rate * plate.rate) : round(stop / case.lab.rate * plate.rate)]
        blocks = part[: len(part) // width * width].reshape(-1, width).mean(axis=1)
        means += [float(abs(value)) for value in blocks if np.isfinite(value)]
    return max(means)


def longest_flat(channel: NDArray[np.float64]) -> int:
    """Most samples in a row that equal the channel's largest absolute value."""
    size = np.abs(channel)
    top = np.nanmax(size)
    return max((stop - start for start, stop in runs(size >= top * (1 - 1e-9))), default=0)
