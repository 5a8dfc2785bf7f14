"""From a person's gait analysis to a device controller tuned to them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from exogait.data import output_folder, path_component, write_text_atomic
from exogait.data.errors import ExogaitError
from exogait.data.names import PERSON_FILE, PERSONALIZE_PAGE
from exogait.data.settings import SECONDS_RANGE, SEED_RANGE, STARTS_RANGE, check_ranges

from .outcomes import summarise_walk
from .person import ESTIMATED, Person, Side, Weakness, find_weakness, read_person, require_deficit

if TYPE_CHECKING:
    from exogait.osim_env.study.personalize import Personalization


_PERSONALIZE_REQUEST_RANGES = {
    "strength": (0.0, 1000.0, "percent"),
    "samples": (1.0, 1e14, "control steps"),
    "seconds": SECONDS_RANGE,
    "starts": STARTS_RANGE,
    "seed": SEED_RANGE,
    "bodies": (1, 100_000, ""),
    "workers": (1, 4096, ""),
}
"""Field of :class:`PersonalizeRequest` to lowest and highest value and unit."""


@dataclass(frozen=True)
class PersonalizeRequest:
    """For whom, from what, and how long.

    Attributes:
        lab: Folder of `lab run`.
        out: Folder for policies, controller, tables and report; a stopped run goes on from it.
        device: Name or YAML file of the exoskeleton; that of the policies if not given.
        deficit: Name or YAML file of a muscle deficit; `estimated` takes what the walk's kinetics suggest, which may
            well be another group than the weak one; full strength if not given.
        strength: Strength of the weak muscles, percent of the healthy one; replaces the deficit file's value.
        side: Side of the weakness; replaces the deficit file's value.
        policies: Generalists to start from: a folder, or a name under which the suite ships policies.
        samples: Control steps in which the human learns; the personalised device has as many after that.
        seconds: Length of each walk that is compared, s.
        starts: Walks per device and condition.
        seed: Of everything random.
        bodies: Bodies in the training batch; as the generalists' if not given.
        workers: Fine-tunes at a time, one process each.
    """

    lab: Path
    out: Path
    device: str | None = None
    deficit: str | None = None
    strength: float | None = None
    side: Side | None = None
    policies: str = "steady"
    samples: float = 3e5
    seconds: float = 20.0
    starts: int = 4
    seed: int = 0
    bodies: int | None = None
    workers: int = 2

    def __post_init__(self) -> None:
        require_deficit(self.deficit, self.strength, self.side, "--deficit")
        if self.deficit == ESTIMATED and (self.strength is not None or self.side is not None):
            raise ExogaitError("--strength and --side are part of the estimate; leave them out, or name a deficit")
        check_ranges(self, _PERSONALIZE_REQUEST_RANGES)


def prepare_personalization(request: PersonalizeRequest) -> Personalization:
    """Body, own gait and weakness of a person from the folder of `lab run`, as files in the folder of the request.

    Returns:
        What is fine-tuned, and for whom; ``person.json`` says it in words.

    Raises:
        ExogaitError: The laboratory's folder, the policies or the deficit are not usable.
    """
    from exogait.osim_env.study.personalize import Personalization, arm_config, find_generalists

    human, robot = find_generalists(request.policies)
    person = read_person(request.lab)
    out = request.out
    subject = person.body.to_yaml(out / f"{path_component(person.name, 'person')}.yaml")
    person.gait.motion.save(out / "reference.json")
    weakness = find_weakness(
        person.trial, out, deficit=request.deficit, strength=request.strength, side=request.side
    )  # fmt: skip
    tuned = Personalization(
        human=str(human), device_policy=str(robot), subject=str(subject), reference=str(out / "reference.json"),
        speed=person.speed, device=request.device, deficit=weakness.deficit, strength=weakness.strength,
        side=weakness.side, samples=request.samples, seconds=request.seconds, starts=request.starts, seed=request.seed,
        n_envs=request.bodies,
    )  # fmt: skip
    device = arm_config(tuned, "personalised").setup.device
    _write_person(out, person, weakness, tuned, device=device, policies=f"{human.name}, {robot.name}")
    return tuned


def _write_person(
    out: Path, person: Person, weakness: Weakness, tuned: Personalization, *, device: str | None, policies: str
) -> None:
    content = {
        "subject": person.name,
        "synthetic": person.synthetic,
        "mass": person.trial.subject_mass,
        "height": person.body.height,
        "height_from": "as stated" if person.height_stated else "from segment lengths",
        "leg_length": person.leg_length,
        "speed": tuned.speed,
        "deficit": weakness.words,
        "deficit_from": weakness.origin,
        "device": device,
        "policies": policies,
        "full_samples": type(tuned).samples,
        "seed": tuned.seed,
        "reference_strides": person.gait.n_strides,
        "reference_symmetric": person.gait.symmetric,
        "reference_moments": person.gait.moments,
        "notes": list(weakness.notes),
    }
    write_text_atomic(out / PERSON_FILE, json.dumps(content, indent=1) + "\n")


def personalize(request: PersonalizeRequest, *, report: Callable[[str], None] | None = None) -> Path:
    """Tune a device to a person, beside a generic one and none; what is done already is not done again.

    Args:
        request: For whom, from what, and how long.
        report: Called with a line per finished device.

    Returns:
        The page that tells what it brought.

    Raises:
        MissingDependencyError: The extra ``learn`` or ``controller`` is not installed.
        ExogaitError: The laboratory's folder, the policies or the deficit are not usable, or the folder holds a run
            with other settings.
    """
    from exogait.analysis.report.personalize import write_personalize_report
    from exogait.data.extras import require_extra
    from exogait.osim_env.study.personalize import personalize as fine_tune

    for extra in ("learn", "controller"):
        require_extra(extra, "personalising a device")
    with output_folder(request.out, "exogait personalize", expects=(PERSON_FILE, PERSONALIZE_PAGE)):
        fine_tune(prepare_personalization(request), request.out, summarise_walk, workers=request.workers, report=report)
        return write_personalize_report(request.out)
