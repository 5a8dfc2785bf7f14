"""A reference motion of the simulation, fitted to walks that the laboratory's road analyses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tyro.conf import Positional

from exogait.data import output_file
from exogait.data.settings import SPEED_RANGE, check_ranges

if TYPE_CHECKING:
    from exogait.osim_env.gait.reference import ReferenceMotion

HARMONICS = 6
"""Of the Fourier series over the stride."""


_REFERENCE_REQUEST_RANGES = {
    "order": (0, 20, ""),
    "slowest": SPEED_RANGE,
    "fastest": SPEED_RANGE,
    "workers": (1, 4096, ""),
}
"""Field of :class:`ReferenceRequest` to lowest and highest value and unit."""


@dataclass(frozen=True)
class ReferenceRequest:
    """Which walks, over which speeds, and where the file goes.

    Attributes:
        out: The .json file to write.
        manifest: CSV as for `lab batch`; without one, the walks of Schreiber & Moissenet 2019 (CC BY 4.0), as far as
            EXOGAIT_DATA has them: this is how the suite's own reference was made.
        order: Order of the polynomials in speed (0 for one person at one speed).
        slowest: Slowest speed the reference may be asked for, m/s.
        fastest: Fastest speed it may be asked for, m/s.
        workers: Processes.
    """

    out: Path
    manifest: Positional[Path | None] = None
    order: int = 2
    slowest: float = 0.6
    fastest: float = 1.8
    workers: int = 2

    def __post_init__(self) -> None:
        check_ranges(self, _REFERENCE_REQUEST_RANGES)


@dataclass(frozen=True)
class FittedReference:
    """What was written.

    Attributes:
        motion: The reference motion.
        n_strides: Strides it was fitted to.
        file: The .json file.
    """

    motion: ReferenceMotion
    n_strides: int
    file: Path


def fit_reference_to_walks(
    request: ReferenceRequest, *, report: Callable[[str], None] | None = None
) -> FittedReference:
    """Analyse measured walks and fit a reference motion, as a function of walking speed, to their strides.

    Args:
        request: Which walks, over which speeds.
        report: Called with a line per walk.

    Raises:
        ExogaitError: The manifest or a walk is not usable, or there are too few strides for the order.
    """
    with output_file(request.out, "exogait reference"):  # the name is refused before the walks are analysed
        return _fit(request, report)


def _fit(request: ReferenceRequest, report: Callable[[str], None] | None) -> FittedReference:
    from exogait.analysis.lab.measured_walks import analyse_walks, published_walks, walks_of_manifest
    from exogait.osim_env.gait.reference_fit import GENERIC_LEG_LENGTH, fit_reference, strides_of_trial

    walks, source = published_walks() if request.manifest is None else walks_of_manifest(request.manifest)
    strides = []
    for trial, leg_length in analyse_walks(walks, workers=request.workers):
        found = strides_of_trial(trial, leg_length=leg_length)
        if report is not None:
            speed = trial.about.walked_speed
            report(f"{trial.name:30s} {len(found)} strides at {speed:.2f} m/s, leg {leg_length:.3f} m")
        strides += found
    fitted = fit_reference(
        strides, order=request.order, speed_range=(request.slowest, request.fastest), n_harmonics=HARMONICS,
        leg_length=GENERIC_LEG_LENGTH, source=source, name=request.out.stem,
    )  # fmt: skip
    fitted.save(request.out)
    return FittedReference(fitted, len(strides), request.out)
