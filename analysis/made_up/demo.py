"""The lab road's part of ``exogait demo``: a real walk where one is at hand, else a labelled simulated one."""

from __future__ import annotations

from pathlib import Path

from exogait.data.registry import STATIC_ENDING, find_dataset
from exogait.data.trial import GaitTrial
from exogait.models.subject import Subject

from ..lab.pipeline import Progress
from ..lab.run import LabRun, run_trial
from .person import make_synthetic_trial
from .recording import record_walk

SUBJECT, WALK, MASS, HEIGHT = "2014001", "2014001_C4_05", 67.0, 1.66
"""A healthy adult of Schreiber & Moissenet 2019 (doi 10.1038/s41597-019-0124-4, CC BY 4.0)."""


def real_walk() -> tuple[Path, Path] | None:
    """Static and walking trial of a real person, where EXOGAIT_DATA has them."""
    folder = find_dataset("schreiber2019")
    if folder is None:
        return None
    static, walk = folder / SUBJECT / f"{SUBJECT}{STATIC_ENDING}", folder / SUBJECT / f"{WALK}.c3d"
    return (static, walk) if static.is_file() and walk.is_file() else None


def run_lab_demo(
    out: str | Path,
    *,
    simulated: GaitTrial | None = None,
    subject: Subject | str | Path | None = None,
    progress: Progress | None = None,
) -> LabRun:
    """Analyse one walk into a folder.

    Args:
        out: The folder.
        simulated: A roll-out that crosses a made-up laboratory where there is no real walk; without one, the synthetic
            person of :mod:`exogait.analysis.made_up.person` does, whose gait is drawn by hand.
        subject: Size of the body that was simulated; the suite's own model if not given.
        progress: Called with the name of each step as it begins.

    Returns:
        What was made; ``run.trial.about.synthetic`` tells whether anybody was measured.
    """
    out = Path(out)
    real = real_walk()
    if real is not None:
        return run_trial(*real, MASS, height=HEIGHT, subject=SUBJECT, out=out, progress=progress)
    if simulated is None:
        person, name, walk = make_synthetic_trial(out / "synthetic"), "synthetic", "synthetic_walk"
    else:
        person = record_walk(simulated, out / "synthetic", subject=subject)
        name, walk = simulated.about.subject or "synthetic", simulated.name
    return run_trial(
        person.static, person.walk, person.mass, height=person.height, subject=name, name=walk,
        out=out, progress=progress,
    )  # fmt: skip
