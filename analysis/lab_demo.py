"""The lab road's part of ``exogait demo``: a real walk where one is at hand, else a labelled synthetic one."""

from __future__ import annotations

from pathlib import Path

from data.registry import find_dataset

from .lab_run import LabRun, run_trial
from .pipeline import Progress
from .synthetic import make_synthetic_trial

SUBJECT, WALK, MASS, HEIGHT = "2014001", "2014001_C4_05", 67.0, 1.66
"""A healthy adult of Schreiber & Moissenet 2019 (doi 10.1038/s41597-019-0124-4, CC BY 4.0)."""


def run_lab_demo(out: str | Path, *, progress: Progress | None = None) -> LabRun:
    """Analyse one walk into a folder.

    Args:
        out: The folder.
        progress: Called with the name of each step as it begins.

    Returns:
        What was made; ``run.trial.metadata["synthetic"]`` tells whether anybody was measured.
    """
    out = Path(out)
    folder = find_dataset("schreiber2019")
    static = folder / SUBJECT / f"{SUBJECT}_ST.c3d" if folder is not None else None
    walk = folder / SUBJECT / f"{WALK}.c3d" if folder is not None else None
    if static is not None and walk is not None and static.is_file() and walk.is_file():
        return run_trial(static, walk, MASS, height=HEIGHT, subject=SUBJECT, out=out, progress=progress)
    person = make_synthetic_trial(out / "synthetic")
    return run_trial(
        person.static, person.walk, person.mass, height=person.height, subject="synthetic", name="synthetic_walk",
        out=out, progress=progress,
    )  # fmt: skip
