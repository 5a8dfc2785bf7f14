"""The patient of the demonstration: a body of known size and weakness that walks by a learned policy."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from exogait.data.errors import ExogaitError
from exogait.data.trial import GaitTrial
from exogait.models.subject import Subject

from ..gait.setup import WorldSetup
from .policy import POLICY_FOLDER
from .simulation import simulate

SIZE = Subject(66.0, 1.70, (), "patient_1")
"""A made-up person, smaller than the generic model, so that scaling has something to find."""
SPEED = 1.2
"""m/s."""
SECONDS = 9.5
SETTLE = 2.0
STARTS = 3
"""Starts that are tried for a walk without a fall."""


@dataclass(frozen=True)
class Patient:
    """Who walks.

    Attributes:
        policy: Name of the policy that moves the muscles.
        deficit: Weak muscles; full strength without.
        strength: Strength of the weak muscles, percent.
        side: Weak side.
        size: Mass, height and proportions.
        speed: Walking speed, m/s.
    """

    policy: str
    deficit: str | None = None
    strength: float | None = None
    side: Literal["left", "right", "both"] | None = None
    size: Subject = SIZE
    speed: float = SPEED

    @property
    def words(self) -> str:
        """Who it is, in words."""
        weak = "full strength"
        if self.deficit is not None:
            weak = f"{self.deficit.replace('_', ' ')} at {self.strength:g} % strength, {self.side}"
        return f"{self.size.height:.2f} m, {self.size.mass:g} kg, {weak}"


WEAK = Patient("steady/generalist_1_human", "plantarflexors", 50.0, "right")
SOUND = Patient("healthy")


def demo_patient() -> Patient:
    """The weak patient where the suite ships a policy that knows weak bodies, else one of full strength."""
    return WEAK if (POLICY_FOLDER / f"{WEAK.policy}.json").is_file() else SOUND


def walk_of(
    patient: Patient,
    folder: str | Path,
    *,
    seconds: float = SECONDS,
    progress: Callable[[float], None] | None = None,
) -> GaitTrial:
    """Let the patient walk without a device.

    Args:
        patient: Who walks.
        folder: Gets the file of the size, ``<name>.yaml``.
        seconds: Length of the walk, s.
        progress: Called with the simulated time after every control step.

    Returns:
        The first walk without a fall.

    Raises:
        ExogaitError: The policy cannot walk with this body: it fell from every start.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    size = patient.size.to_yaml(folder / f"{patient.size.name}.yaml")
    setup = WorldSetup(subject=str(size), deficit=patient.deficit, strength=patient.strength, side=patient.side)
    for seed in range(STARTS):
        trial = simulate(
            patient.policy, speed=patient.speed, seconds=seconds, setup=setup, condition="none", seed=seed,
            settle=min(SETTLE, 0.5 * seconds), other_model=True, progress=progress,
        )  # fmt: skip
        if not trial.about.fell:
            return dataclasses.replace(trial, name=f"{patient.size.name}_walk")
    raise ExogaitError(f"policy {patient.policy!r} fell from {STARTS} starts with this body ({patient.words})")
