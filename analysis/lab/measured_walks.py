"""Walks of many people down the lab road, with the leg length by which they are compared."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from exogait.data.errors import DataQualityWarning
from exogait.data.processes import worker_pool
from exogait.data.registry import fetch
from exogait.data.trial import SIDES, GaitTrial
from exogait.models.opensim_api import import_opensim

from ..opensim_tools.common import load_model
from .derive_norms import walks
from .manifest import ManifestRow, read_manifest

DATASET = "schreiber2019"


def leg_length(model: str | Path) -> float:
    """Hip centre to knee centre to ankle centre of a model, mean of both legs, joints as the file has them, m."""
    import_opensim()
    loaded = load_model(model)
    state = loaded.initSystem()
    loaded.realizePosition(state)
    bodies = loaded.getBodySet()

    def origin(name: str) -> np.ndarray:
        position = bodies.get(name).getPositionInGround(state)
        return np.array([position.get(axis) for axis in range(3)])

    lengths = []
    for side in SIDES:
        hip, knee, ankle = (origin(f"{body}_{side}") for body in ("femur", "tibia", "talus"))
        lengths.append(np.linalg.norm(hip - knee) + np.linalg.norm(knee - ankle))
    return float(np.mean(lengths))


def published_walks() -> tuple[list[ManifestRow], str]:
    """The walks behind the suite's own reference motion, and how to cite them."""
    rows = [
        ManifestRow(
            name=Path(walk).stem, subject=subject, static=fetch(DATASET, static), walk=fetch(DATASET, walk), mass=mass
        )
        for subject, _, static, walk, mass in walks()
    ]
    return rows, "Schreiber & Moissenet 2019, Sci Data 6:111, doi 10.1038/s41597-019-0124-4 (CC BY 4.0)"


def walks_of_manifest(path: Path) -> tuple[list[ManifestRow], str]:
    """The walks of a manifest, and its name as their source."""
    return read_manifest(path), path.name


def analyse_walk(walk: ManifestRow) -> tuple[GaitTrial, float]:
    """One walk and the leg length of the person's scaled model, m."""
    from .pipeline import analyse_request

    with TemporaryDirectory(prefix="exogait-") as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore", DataQualityWarning)
        result = analyse_request(walk.request(), out=folder, keep_steps=False)
        return result.trial, leg_length(result.scale.model)


def analyse_walks(walks: Sequence[ManifestRow], *, workers: int = 2) -> list[tuple[GaitTrial, float]]:
    """Several walks, in parallel processes, in the order given."""
    if min(workers, len(walks)) < 2:
        return [analyse_walk(walk) for walk in walks]
    with worker_pool(workers) as pool:
        return list(pool.map(analyse_walk, walks))
