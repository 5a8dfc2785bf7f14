"""From one person's body and gait to a controller of their own: two fine-tunes of the same generalists, compared.

Both arms start from the same human and device policy. In both the human learns with the device policy as it is, for the
same number of control steps, from the same seeds and start states, with bodies without the device, with it worn and
off, and with it on in every update. Then they part:

- ``generic``: that is all;
- ``personalised``: the device learns what helps this human, who stays as they are from here on.

The body is the person's own scaled model with the device; the human imitates the person's own gait, as strongly as
the generalist did. What differs between the arms after that is what fitting the device to the person was worth.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from exogait.data.constants import ARMS, CONDITIONS, Arm
from exogait.data.errors import FileFormatError, InputError
from exogait.data.extras import require_extra
from exogait.data.files import write_parquet, write_text_atomic
from exogait.data.home import own_digests
from exogait.data.loading import read_json, read_table
from exogait.data.names import RESULT_FILE
from exogait.data.output import output_folder
from exogait.data.processes import LocalWorkers, Stopped, heeded_signals
from exogait.data.settings import SECONDS_RANGE, SEED_RANGE, STARTS_RANGE, check_ranges, from_mapping
from exogait.data.show import Shown
from exogait.data.trial import GaitTrial
from exogait.models.deficit import FULL_STRENGTH, load_deficit
from exogait.models.energetics import ACCOUNTINGS

from ..gait.population import BodyDraw, Population
from ..gait.reference import DEFAULT_REFERENCE, ReferenceMotion, load_reference
from ..gait.reference_fit import GENERIC_LEG_LENGTH, Stride, fit_reference, strides_of_trial
from ..learning.log import CHECKPOINT
from . import names
from .files import counted_today, policy_folder
from .plan import (
    HEALTHY,
)
from .walks import Summarise, Summary, paired_walks

if TYPE_CHECKING:
    from ..learning.config import TrainConfig

SPEED_MARGIN = 0.05
"""Training walks up to this much slower and faster than the person did, m/s."""
PACE_MARGIN = 0.2
"""The own gait may be asked for up to this much slower and faster: what it takes to win back ground on a treadmill."""
WARMUP = 8
"""Updates in which only the critics learn (the generalists come without), at most a quarter of all."""
GENTLE: dict[str, Any] = {"learning_rate": 2e-5, "learning_rate_range": (5e-6, 1e-4), "target_kl": 0.005}
"""How the human learns: it walks well already, and a first large step would undo that."""
LONGEST_STRIDE = 1.6
"""A stride longer than this times the median one lacks a heel strike."""


_PERSONALIZATION_RANGES = {
    "speed": (1e-3, 10.0, "m/s"),
    "strength": (0.0, 1000.0, "percent"),
    "samples": (1.0, 1e14, "control steps"),
    "starts": STARTS_RANGE,
    "seconds": SECONDS_RANGE,
    "seed": SEED_RANGE,
    "n_envs": (1, 100_000, "bodies"),
    "n_steps": (1, 100_000, "control steps"),
}
"""Field of :class:`Personalization` to lowest and highest value and unit."""


@dataclass(frozen=True)
class Personalization(Shown):
    """What is fine-tuned, and for whom.

    Attributes:
        human: Human policy that both arms start from, path without suffix.
        device_policy: Device policy that both arms start from, path without suffix.
        subject: YAML file of the person's size.
        reference: File of the person's own gait.
        speed: The person's walking speed, m/s.
        device: Device; that of the device policy if not given.
        deficit: Name or file of a muscle deficit; a healthy body without.
        strength: Strength of the weakest group, percent; the file's if not given.
        side: Weak side.
        samples: Control steps in which the human learns; the personalised device has as many after that.
        starts: Walks per arm and condition.
        seconds: Length of each walk, s.
        seed: Of everything random.
        n_envs: Bodies in the batch; as the generalists' if not given.
        n_steps: Control steps per body and update; as the generalists' if not given.
    """

    human: str
    device_policy: str
    subject: str
    reference: str
    speed: float
    device: str | None = None
    deficit: str | None = None
    strength: float | None = None
    side: Literal["left", "right", "both"] = "right"
    samples: float = 3e5
    starts: int = 4
    seconds: float = 20.0
    seed: int = 0
    n_envs: int | None = None
    n_steps: int | None = None

    def __post_init__(self) -> None:
        check_ranges(self, _PERSONALIZATION_RANGES)
        if self.deficit is None and self.strength is not None:
            raise InputError("strength", self.strength, "a deficit that it is the strength of")

    @property
    def weakest(self) -> float:
        """Strength of the weakest group, percent."""
        if self.deficit is None:
            return FULL_STRENGTH
        return load_deficit(self.deficit, strength=self.strength).weakest

    @property
    def body(self) -> str:
        """Name of the deficit, or ``healthy``."""
        return HEALTHY if self.deficit is None else Path(self.deficit).stem


MOMENTS = "those of healthy adults who walk as fast for their legs, on top of which the policies learned"
"""Where the joint moments of the feed-forward come from."""


@dataclass(frozen=True)
class OwnReference:
    """A person's own gait as a reference motion."""

    motion: ReferenceMotion
    n_strides: int
    """Strides that it is the mean of."""
    symmetric: bool
    """Whether both legs were pooled, since no whole stride from right heel strike was measured."""
    moments: str
    """Where the joint moments of the feed-forward come from, in words."""


def own_reference(trial: GaitTrial, *, leg_length: float, name: str) -> OwnReference:
    """A person's own gait at their own speed, as asymmetric as it is.

    Muscles are fed forward the joint moments of healthy adults at the same dimensionless speed, as in the training of
    the generalists, and not the person's own: a policy learned its corrections (for weak muscles, for balance) on top
    of those. The net moments of a walk hold such corrections already; fed forward, they would count twice. With them,
    a simulated walker of half the plantarflexor strength on one side drifted off by 1.5 m and fell within 5 s in 6 of 9
    walks, with those of healthy adults in none.

    Args:
        trial: Coordinates on the scaled model, heel strikes, speed.
        leg_length: Hip to ankle of the scaled model, m.
        name: Of the reference.

    Returns:
        The reference over :data:`PACE_MARGIN` about the speed: the gait is the same there, but for its progression.

    Raises:
        InputError: There is no whole stride, or the speed is not known.
    """
    strides = _whole(strides_of_trial(trial))
    right = [stride for stride in strides if stride.side == "r"]
    if not strides:
        raise InputError(f"{trial.name}: strides", 0, "a walk with at least one whole stride")
    about = trial.about
    speed = about.walked_speed
    if speed is None or not speed > 0:
        raise InputError(f"{trial.name}: speed", speed, "a walk of known speed; see --belt-speed of `lab run`")
    healthy = load_reference(DEFAULT_REFERENCE)
    source = f"own gait of {about.subject or trial.name}"
    if about.synthetic:
        source += " (SYNTHETIC, nobody was measured)"
    span = (round(max(0.5 * float(speed), float(speed) - PACE_MARGIN), 4), round(float(speed) + PACE_MARGIN, 4))

    own = fit_reference(
        strides, order=0, speed_range=span, symmetric=not right, n_harmonics=healthy.n_harmonics,
        leg_length=leg_length, source=source, name=name,
    )  # fmt: skip
    motion = _healthy_moments(own, healthy, float(speed))
    return OwnReference(motion, len(right) or len(strides), not right, MOMENTS)


def _whole(strides: list[Stride]) -> list[Stride]:
    usual = float(np.median([stride.duration for stride in strides])) if strides else 0.0
    return [stride for stride in strides if stride.duration <= LONGEST_STRIDE * usual]


def _healthy_moments(motion: ReferenceMotion, healthy: ReferenceMotion, speed: float) -> ReferenceMotion:
    """The motion with the moments of healthy adults at the same Froude number; moments per kg go with leg length."""
    ratio = motion.leg_length / GENERIC_LEG_LENGTH
    same = float(np.clip(speed / np.sqrt(ratio), *healthy.speed_range))
    powers = same ** np.arange(healthy.moments.shape[2])
    moments = ratio * (healthy.moments @ powers)[:, :, None]
    return dataclasses.replace(motion, moment_names=healthy.moment_names, moments=moments)


def find_generalists(name: str) -> tuple[Path, Path]:
    """The generalist human and device policy of a folder, without suffix.

    Args:
        name: Folder, or a name under which the suite ships policies. The first ``generalist_<number>_human`` with its
            ``..._device`` is taken; a training run's ``human`` and ``device`` will do.

    Raises:
        InputError: No such folder.
        FileFormatError: It does not hold both.
    """
    folder = policy_folder(name)
    for human in [*sorted(folder.glob(f"{names.generalist('*', 'human')}.json")), folder / "human.json"]:
        device = human.with_name(human.name.removesuffix("human.json") + "device.json")
        if human.is_file() and device.is_file():
            return human.with_suffix(""), device.with_suffix("")
    todo = f"it needs {names.generalist(1, 'human')} and {names.generalist(1, 'device')}"
    raise FileFormatError(folder, "holds no pair of generalists", todo)


def arm_config(settings: Personalization, arm: Arm) -> TrainConfig:
    """Training configuration of one arm.

    Raises:
        InputError: The device policy was not trained with this device.
    """
    from ..learning.config import Stage, TrainConfig
    from ..learning.policy import Policy, load_policy

    human, device = load_policy(settings.human), load_policy(settings.device_policy)
    base = from_mapping(TrainConfig, device.metadata["settings"], where=settings.device_policy)
    if base.setup.device is None or settings.device not in (None, base.setup.device):
        raise InputError("device", settings.device, f"the device of the policies, {base.setup.device}")
    kind = BodyDraw(
        settings.deficit, (settings.weakest, settings.weakest), settings.side if settings.deficit else "either"
    )
    setup = dataclasses.replace(
        base.setup, subject=settings.subject, reference=settings.reference, deficit=None, strength=None, side=None,
        population=Population((kind,), dict.fromkeys(CONDITIONS, 1.0)),
    )  # fmt: skip
    speeds = (round(settings.speed - SPEED_MARGIN, 4), round(settings.speed + SPEED_MARGIN, 4))
    n_envs, n_steps = settings.n_envs or base.n_envs, settings.n_steps or base.n_steps
    updates = int(np.ceil(settings.samples / (n_envs * n_steps)))
    warmup = min(WARMUP, max(1, updates // 4))
    stages = (Stage(settings.samples), Stage(settings.samples, learn="device", conditions={"powered": 1.0}))

    def widths(policy: Policy) -> tuple[int, ...]:
        return tuple(len(bias) for _, bias in policy.layers[:-1])

    return dataclasses.replace(
        base,
        name=f"{Path(settings.subject).stem} {arm}",
        stages=stages if arm == "personalised" else stages[:1],
        # Not as a setting of the stage: the first walks begin before a stage does.
        world=dataclasses.replace(base.world, speeds=speeds, weakness=1.0),
        seed=settings.seed,
        n_envs=n_envs,
        n_steps=n_steps,
        learn="human",
        setup=setup,
        human=dataclasses.replace(base.human, layers=widths(human), critic_warmup=warmup, **GENTLE),
        device=dataclasses.replace(base.device, layers=widths(device), critic_warmup=warmup),
        start_human=settings.human,
        start_device=settings.device_policy,
        start_checkpoint=None,
        # A policy at rest drives both legs, and a person's two legs may need different help.
        share_legs=False,
        device_profile=None,
        evaluate_every=10 * settings.samples,  # never: the walks afterwards tell
    )


def personalize(
    settings: Personalization,
    folder: str | Path,
    summarise: Summarise,
    *,
    workers: int = 2,
    report: Callable[[str], None] | None = None,
) -> dict[str, pd.DataFrame]:
    """Fine-tune both arms, let them walk, and gather the tables; what is done already is not done again.

    Args:
        settings: What and for whom.
        folder: Gets a folder an arm (policies, training curve, walks), ``controller`` with the deployable controller
            of the personalised device, and the tables.
        summarise: Importable function from a walk and its settings to tables, as of a study.
        workers: Arms at a time, one process each; 1 works in this process.
        report: Called with a line per finished arm.

    Returns:
        Tables by name, also written as parquet.

    Raises:
        InputError: The folder holds an arm that was trained with other settings.
        MissingDependencyError: The extra ``learn``, or ``controller`` for the deployable controller, is not installed.
    """
    folder = Path(folder)
    for extra in ("learn", "controller"):  # better now than after the training
        require_extra(extra, "personalising a device")
    with output_folder(folder, "exogait personalize") as ours:
        for name in (*ARMS, "controller"):
            ours.whole(name, adopt=(folder / name / RESULT_FILE).is_file())
        return _personalize(settings, folder, summarise, workers, report)


def _personalize(
    settings: Personalization,
    folder: Path,
    summarise: Summarise,
    workers: int,
    report: Callable[[str], None] | None,
) -> dict[str, pd.DataFrame]:
    from ..controller.export import export_controller
    from ..learning.policy import load_policy

    wanted = _inputs(settings)
    todo: list[Arm] = []
    for arm in ARMS:
        path = folder / arm / RESULT_FILE
        if not path.is_file():
            todo.append(arm)
            continue
        result = read_json(path, "damaged result", "delete it and run again", fields={"inputs": dict})
        done = result["inputs"]
        # One from before the user's own files were noted has no word on them.
        if done != {key: value for key, value in wanted.items() if key in done or key != "own_files"}:
            raise InputError("out", str(folder), f"{path.parent} was made with other settings; choose another folder")
        if not counted_today(result):
            todo.append(arm)
    if workers < 2 or len(todo) < 2:
        for arm in todo:
            _say(report, arm, run_arm(settings, arm, folder, summarise))
    else:
        _in_processes(settings, todo, folder, summarise, workers, report)
    parts: dict[str, list[pd.DataFrame]] = {}
    for arm in ARMS:
        for name in read_json(folder / arm / RESULT_FILE, "damaged result", "run again", fields={"tables": list})[
            "tables"
        ]:
            parts.setdefault(name, []).append(
                read_table(folder / arm / f"{name}.parquet", "damaged table", "run again")
            )
    tables = {name: pd.concat(some, ignore_index=True) for name, some in parts.items()}
    for name, table in tables.items():
        write_parquet(table, folder / f"{name}.parquet")
    worn = arm_config(settings, "personalised").setup.load_device()
    assert worn is not None
    export_controller(load_policy(folder / "personalised" / "device"), worn, folder / "controller")
    return tables


def _in_processes(
    settings: Personalization,
    todo: list[Arm],
    folder: Path,
    summarise: Summarise,
    workers: int,
    report: Callable[[str], None] | None,
) -> None:
    backend = LocalWorkers(workers)
    with heeded_signals("trainings finish their update and save", at_once=True):
        try:
            running: dict[Any, Arm] = {backend.submit(run_arm, settings, arm, folder, summarise): arm for arm in todo}
            while running:
                for handle in backend.wait_for_one(list(running)):
                    _say(report, running.pop(handle), backend.result(handle))
        except Stopped as stop:
            backend.stop()
            raise Stopped(stop.number, f"{folder} holds what was done; the same command goes on from there") from None
        finally:
            backend.close()


def _say(report: Callable[[str], None] | None, arm: Arm, seconds: float) -> None:
    if report is not None:
        report(f"{arm} device: {seconds:.0f} s")


def _inputs(settings: Personalization) -> dict[str, Any]:
    """The settings and what is in the files they name, as JSON holds them."""
    files = [settings.subject, settings.reference]
    files += [f"{path}.safetensors" for path in (settings.human, settings.device_policy)]
    if settings.deficit is not None and Path(settings.deficit).is_file():
        files.append(settings.deficit)
    digests = [hashlib.sha256(Path(file).read_bytes()).hexdigest() for file in files]
    places = ("human", "device_policy", "subject", "reference")
    content = {key: value for key, value in dataclasses.asdict(settings).items() if key not in places}
    own = own_digests([("devices", settings.device), ("deficits", settings.deficit)])
    found = {**content, "deficit": settings.body, "files": digests}
    return json.loads(json.dumps({**found, "own_files": own} if own else found))


def run_arm(settings: Personalization, arm: Arm, folder: Path, summarise: Summarise) -> float:
    """Train one arm unless that is done, let it walk, and note the result.

    Returns:
        Seconds it took.
    """
    from ..learning.run import use_threads

    begin = time.monotonic()
    use_threads(1)
    home = folder / arm
    trained = home / RESULT_FILE
    result = read_json(trained, "damaged result", "run again") if trained.is_file() else _train_arm(settings, arm, home)
    tables = walk_arm(settings, arm, home, summarise)
    for name, table in tables.items():
        write_parquet(table, home / f"{name}.parquet")
    result |= {"tables": sorted(tables), "accountings": list(ACCOUNTINGS)}
    write_text_atomic(trained, json.dumps(result, indent=1) + "\n")
    return time.monotonic() - begin


def _train_arm(settings: Personalization, arm: Arm, home: Path) -> dict[str, Any]:
    """Train one arm, from its checkpoint where there is one, and save its policies; what there is to note of it."""
    from ..learning.trainer import Trainer

    trainer = Trainer(arm_config(settings, arm), home)
    if (home / CHECKPOINT).is_file():
        trainer.load_checkpoint()
    trainer.run(evaluate_last=False)  # the task's own walks do
    trainer.policy("human").save(home / "human")
    trainer.policy("device").save(home / "device")
    world = trainer.config.world
    return {
        "arm": arm,
        "inputs": _inputs(settings),
        "samples": trainer.samples,
        "earlier_samples": trainer.earlier_samples,
        "training_seconds": trainer.seconds,
        "imitation_weight": world.imitation_weight,
        "imitation_dead_zone": world.imitation_dead_zone,
    }


def walk_arm(settings: Personalization, arm: Arm, home: Path, summarise: Summarise) -> Summary:
    """Walk at the person's speed in all conditions, from the same states in every condition and arm.

    Args:
        settings: What and for whom.
        arm: Which arm, for the tables.
        home: Folder of its policies.
        summarise: From a walk and its settings to tables.
    """
    from ..learning.policy import load_policy

    config = arm_config(settings, arm)
    weak = None
    if settings.deficit is not None:
        weak = load_deficit(settings.deficit, strength=settings.weakest, side=settings.side)
    about = {
        "study": "personalize",
        "seed": settings.seed,
        "body": settings.body,
        "side": "" if weak is None else settings.side,
        "variant": arm,
        "deficit": settings.deficit,
        "strength": settings.weakest,
    }
    return paired_walks(
        dataclasses.replace(config.setup, population=None), dataclasses.replace(config.world, integration_step=0.001),
        load_policy(home / "human"), load_policy(home / "device"), summarise, about,
        weakness=weak, speeds=(settings.speed,), starts=settings.starts, seconds=settings.seconds, seed=settings.seed,
    )  # fmt: skip
