"""Elastic tendons: what they carry while the reference walks, and where their fibres then work.

``python -m tests.validation.tendons --write`` computes ``models/tables/tendon_forces.csv``: the normalized force that
each tendon carries while people's gait is walked at 1.25 m/s with rigid tendons and least squared activations,
averaged over the stride with the force itself as weight. Slack lengths of
``models.build(tendon="tuned_plantarflexors")`` are such that a tendon is at that force as long as the rigid one.
Without ``--write`` it prints how far fibres are from where they work with rigid tendons (docs/model_card.md).
"""

from __future__ import annotations

import argparse
import csv

import numpy as np
from numpy.typing import NDArray

from exogait.data.names import side_of, stem
from exogait.models.muscles import COMPLIANT, TendonKind
from exogait.models.tables import FOLDER
from exogait.osim_env.engine import Model
from exogait.osim_env.excitation.start import recruited
from exogait.osim_env.gait.grounding import ground_reference
from exogait.osim_env.gait.reference import load_reference
from exogait.osim_env.gait.setup import WorldSetup, model_files

Floats = NDArray[np.float64]
SPEED = 1.25
PHASES = 100


def walked(setup: WorldSetup) -> tuple[Model, Floats, Floats, Floats]:
    """The reference at :data:`SPEED` with the activations of static optimization.

    Returns:
        The model; activation, normalized fibre length and normalized tendon force, each (PHASES, n_muscles).
    """
    model = Model.load(model_files(setup)[1])
    phase, speed = np.arange(PHASES) / PHASES, np.full(PHASES, SPEED)
    physics = recruited(model, ground_reference(model, load_reference()), phase, speed)
    measured = physics.measurements()
    force = np.asarray(measured["tendon_force"], float) / model.max_isometric_force
    activation = np.asarray(physics.activation, float)
    return model, activation, np.asarray(measured["normalized_fiber_length"], float), force


def working_forces(model: Model, force: Floats) -> dict[str, float]:
    """Force-weighted mean force of each muscle of the right side, without side."""
    mean = (force**2).sum(axis=0) / np.maximum(force.sum(axis=0), 1e-12)
    return {stem(name): float(f) for name, f in zip(model.muscle_names, mean, strict=True) if side_of(name) == "r"}


def main() -> None:
    """Compute the table, or print where fibres work."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--write", action="store_true")
    model, activation, rigid, force = walked(WorldSetup())
    if parser.parse_args().write:
        with (FOLDER / "tendon_forces.csv").open("w", newline="") as file:
            rows = csv.writer(file, lineterminator="\n")
            rows.writerow(["muscle", "working_force"])
            rows.writerows([f"{name}_r", f"{value:.4f}"] for name, value in working_forces(model, force).items())
        return
    weight = activation / activation.sum(axis=0)
    print("fibre length less that with rigid tendons, optimal fibre lengths, mean by activation, and the ranges:")
    kinds: tuple[TendonKind, ...] = ("compliant_plantarflexors", "tuned_plantarflexors")
    for kind in kinds:
        _, _, elastic, carried = walked(WorldSetup(tendon=kind))
        off = ((elastic - rigid) * weight).sum(axis=0)
        for name in (f"{one}_r" for one in COMPLIANT):
            k = model.muscle_names.index(name)
            print(f"  {kind:24} {name:9} {off[k]:+.3f}; peak force {force[:, k].max():.2f}, now ", end="")
            print(f"{carried[:, k].max():.2f}; fibre {rigid[:, k].min():.2f}-{rigid[:, k].max():.2f}, now ", end="")
            print(f"{elastic[:, k].min():.2f}-{elastic[:, k].max():.2f}")


if __name__ == "__main__":
    main()
