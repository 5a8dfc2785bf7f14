"""What a person's body, weakness and gait are, as far as a laboratory or a user says."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from exogait.data.errors import ExogaitError
from exogait.data.files import write_csv

if TYPE_CHECKING:
    from exogait.data.trial import GaitTrial
    from exogait.models.deficit import Deficit
    from exogait.models.subject import Subject
    from exogait.osim_env.study.personalize import OwnReference

Side = Literal["left", "right", "both"]
ESTIMATED = "estimated"
"""Stands for the deficit that a walk's kinetics suggest."""


@dataclass(frozen=True)
class Person:
    """Body and gait of a person, from the folder of `lab run`.

    Attributes:
        trial: The analysed walk.
        name: Who, or the trial's name.
        body: Mass, height and segment lengths, of the scaled model.
        height_stated: Whether the height was stated, or comes from the segment lengths.
        leg_length: Hip to ankle of the scaled model, m.
        gait: The person's own gait as a reference motion.
    """

    trial: GaitTrial
    name: str
    body: Subject
    height_stated: bool
    leg_length: float
    gait: OwnReference

    @property
    def speed(self) -> float:
        """Walking speed, m/s."""
        return float(self.trial.about.walked_speed or 0.0)

    @property
    def synthetic(self) -> bool:
        """Whether nobody was measured."""
        return bool(self.trial.about.synthetic)


@dataclass(frozen=True)
class Weakness:
    """Which muscles of a person are weak, and who says so.

    Attributes:
        deficit: Name or YAML file of the muscle deficit; ``None`` at full strength.
        strength: Replaces the deficit file's, percent.
        loaded: The deficit, its strength and side as they are used.
        origin: Where it comes from, in words.
        notes: What else is to be said about it.
    """

    deficit: str | None
    strength: float | None
    loaded: Deficit | None
    origin: str
    notes: tuple[str, ...] = ()

    @property
    def side(self) -> Side:
        """The weak side, right where there is none."""
        return "right" if self.loaded is None else self.loaded.side

    @property
    def words(self) -> str:
        """Groups, strengths (percent) and side; ``none`` at full strength."""
        if self.loaded is None:
            return "none"
        groups = [f"{group} {percent:g} %" for group, percent in self.loaded.groups]
        return f"{', '.join(groups)}, {self.loaded.side}"


def require_deficit(deficit: str | None, strength: float | None, side: Side | None, option: str) -> None:
    """Refuse a strength or side of no deficit.

    Args:
        deficit: What is weak.
        strength: Replaces the deficit file's, percent.
        side: Replaces the deficit file's.
        option: What names the deficit.

    Raises:
        ExogaitError: A strength or a side was given without a deficit.
    """
    if deficit is None and (strength is not None or side is not None):
        raise ExogaitError(f"--strength and --side change a deficit; name one with {option}")


def read_person(lab: str | Path) -> Person:
    """Body and own gait of a person.

    Args:
        lab: Folder of `lab run`.

    Raises:
        FileFormatError: The folder holds no trial or no scaled model.
        InputError: The walk has no whole stride, or its speed is not known.
    """
    from exogait.analysis.lab.measured_walks import leg_length
    from exogait.data.results import read_result
    from exogait.models.subject import Subject
    from exogait.osim_env.study.personalize import own_reference

    trial = read_result(lab)
    about, name = trial.about, trial.about.subject or trial.name
    scaled = Path(lab) / "opensim" / str(about.model)
    height = about.height
    body = Subject.from_scaled_model(scaled, mass=trial.subject_mass, height=height, name=name)
    leg = leg_length(scaled)
    gait = own_reference(trial, leg_length=leg, name=name)
    return Person(trial, name, body, height is not None, leg, gait)


def find_weakness(
    trial: GaitTrial, out: str | Path, *, deficit: str | None, strength: float | None = None, side: Side | None = None
) -> Weakness:
    """What is weak, as it is stated or as the walk's kinetics suggest; the estimate is written down either way.

    Args:
        trial: The analysed walk.
        out: Gets ``deficit_estimate.csv``, ``deficit_quantities.csv`` and, where used, ``estimated_deficit.yaml``.
        deficit: Name or YAML file of a muscle deficit, :data:`ESTIMATED`, or ``None`` for full strength.
        strength: Replaces the deficit file's, percent.
        side: Replaces the deficit file's.

    Raises:
        UnknownNameError: There is no such deficit.
    """
    from exogait import models
    from exogait.analysis.outcomes.deficit import estimate_deficit

    out = Path(out)
    estimate = estimate_deficit(trial)
    write_csv(estimate.table(), out / "deficit_estimate.csv")
    write_csv(estimate.quantities, out / "deficit_quantities.csv")
    notes: list[str] = []
    origin = "not stated" if deficit is None else "as stated"
    if deficit == ESTIMATED and estimate.weak:
        deficit, origin = str(estimate.write_deficit(out / "estimated_deficit.yaml")), "estimated from this walk"
        left_out = [group.group for group in estimate.weak if group not in estimate.modelled]
        notes += [f"Also weak, on the other side, and not simulated: {', '.join(left_out)}."] if left_out else []
    elif deficit == ESTIMATED:
        deficit, origin = None, "to be estimated, but this walk shows no evidence of one"
    loaded = None if deficit is None else models.load_deficit(deficit, strength=strength, side=side)
    return Weakness(deficit, strength, loaded, origin, tuple(notes))
