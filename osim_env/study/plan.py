"""What a study is: its settings, and the tasks that they come down to."""

from __future__ import annotations

import dataclasses
import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from exogait.data.errors import InputError
from exogait.data.files import path_component
from exogait.data.home import find, own_digests
from exogait.data.settings import (
    SAMPLES_RANGE,
    SECONDS_RANGE,
    SEED_RANGE,
    SETTLE_RANGE,
    SPEED_RANGE,
    STARTS_RANGE,
    check_ranges,
)
from exogait.data.show import Shown

from . import names

HEALTHY = "healthy"

STUDIES = Path(__file__).parent / "studies"


_STUDY_BODY_RANGES = {
    "strengths": (0.0, 1000.0, "percent"),
    "speeds": SPEED_RANGE,
}
"""Field of :class:`StudyBody` to lowest and highest value and unit."""


@dataclass(frozen=True)
class StudyBody:
    """A kind of body.

    Attributes:
        deficit: Name or file of a muscle deficit; a healthy body without.
        strengths: Strengths of the most affected group to walk with, percent.
        side: Weak side.
        speeds: Walking speeds instead of the study's, m/s.
    """

    deficit: str | None = None
    strengths: tuple[float, ...] = (100.0,)
    side: Literal["left", "right"] = "right"
    speeds: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        check_ranges(self, _STUDY_BODY_RANGES)

    @property
    def name(self) -> str:
        """The deficit's name, or ``healthy``."""
        return HEALTHY if self.deficit is None else Path(self.deficit).stem


_VARIANT_RANGES = {
    "seeds": SEED_RANGE,
    "tune_samples": SAMPLES_RANGE,
    "speeds": SPEED_RANGE,
    "habit": (0.0, 1e9, "per rad²"),
}
"""Field of :class:`Variant` to lowest and highest value and unit."""


@dataclass(frozen=True)
class Variant:
    """The same study once more with some settings changed, for some bodies.

    Attributes:
        name: For tables and folders.
        bodies: Names of the bodies; all without.
        seeds: Only with these of the study's seeds; all without.
        world: Changed settings of the world.
        setup: Changed settings of what is simulated.
        tune_samples: Control steps of the fine-tune instead of the study's.
        speeds: Walking speeds instead of the study's and the bodies', m/s.
        tune: Who learns in the fine-tune instead of the study's.
        search: Whether bodies search for strategies, where the study's do.
        habit: Price of a departure in their searches instead of the study's.
        human: Human policy that walks instead of the generalists'; it does not search.
        device_profile: Fixed torque profile that drives the device instead of a policy.
    """

    name: str
    bodies: tuple[str, ...] | None = None
    seeds: tuple[int, ...] | None = None
    world: dict[str, Any] = field(default_factory=dict)
    setup: dict[str, Any] = field(default_factory=dict)
    tune_samples: float | None = None
    speeds: tuple[float, ...] | None = None
    tune: Literal["both", "device"] | None = None
    search: bool = True
    habit: float | None = None
    human: str | None = None
    device_profile: str | None = None

    def __post_init__(self) -> None:
        check_ranges(self, _VARIANT_RANGES)


_STUDY_CONFIG_RANGES = {
    "seeds": SEED_RANGE,
    "speeds": SPEED_RANGE,
    "train_samples": SAMPLES_RANGE,
    "tune_samples": SAMPLES_RANGE,
    "starts": STARTS_RANGE,
    "seconds": SECONDS_RANGE,
}
"""Field of :class:`StudyConfig` to lowest and highest value and unit."""


@dataclass(frozen=True)
class StudyConfig(Shown):
    """A study.

    Attributes:
        name: Of the study.
        training: Name or file of the training configuration of the generalists.
        device: Device instead of the training configuration's.
        seeds: One generalist each.
        generalists: Folder, or name of policies of the suite, with finished generalists of these seeds: they are tuned
            and none is trained.
        bodies: Who walks.
        speeds: Walking speeds, m/s.
        train_samples: Control steps of each generalist instead of its configuration's, stages in proportion.
        tune: Who learns in a fine-tune: the human, in all conditions, and then the device; or the device alone, all
            bodies wearing it powered, while the generalist's human stays as it is, in every condition.
        tune_samples: Control steps of each fine-tune to a body.
        search: How each body searches for strategies of its own, in every condition; without, nobody does.
        tune_world: Settings of the world that all fine-tunes change, as in a configuration file.
        tune_human: Settings of the human's learner that all fine-tunes change (less noise, smaller steps).
        tune_device: The same of the device's.
        walk_world: Settings of the world that all walks change.
        starts: Walks per body, condition and speed.
        seconds: Length of each walk, s.
        variants: Repetitions with other settings.
    """

    name: str
    training: str = "assistance"
    device: str | None = None
    seeds: tuple[int, ...] = (1, 2, 3)
    generalists: str | None = None
    bodies: tuple[StudyBody, ...] = (StudyBody(),)
    speeds: tuple[float, ...] = (0.75, 1.0, 1.25, 1.5, 1.75)
    train_samples: float | None = None
    tune: Literal["both", "device"] = "both"
    tune_samples: float = 3e5
    search: SearchConfig | None = None
    tune_world: dict[str, Any] = field(default_factory=dict)
    tune_human: dict[str, Any] = field(default_factory=dict)
    tune_device: dict[str, Any] = field(default_factory=dict)
    walk_world: dict[str, Any] = field(default_factory=dict)
    starts: int = 4
    seconds: float = 20.0
    variants: tuple[Variant, ...] = ()

    def learns(self, variant: Variant | None) -> Literal["both", "human", "device", "none"]:
        """Who learns in a fine-tune."""
        tune = self.tune if variant is None or variant.tune is None else variant.tune
        if variant is not None and variant.device_profile is not None:
            return "human" if tune == "both" else "none"
        return tune

    def keeps_human(self, variant: Variant | None) -> bool:
        """Whether a fine-tune leaves a human policy of its own: one that learned, or is at home on another model."""
        changed = variant is not None and (bool(variant.setup) or variant.human is not None)
        return self.learns(variant) in ("both", "human") or changed

    def searches(self, variant: Variant | None) -> bool:
        """Whether bodies search for strategies: not where another human, or a fixed profile, is what is asked about."""
        return self.search_of(variant) is not None

    @property
    def has_healthy(self) -> bool:
        """Whether a healthy body walks, too."""
        return any(body.deficit is None for body in self.bodies)

    def search_of(self, variant: Variant | None) -> SearchConfig | None:
        """How bodies search, None where nobody does."""
        if variant is None or self.search is None:
            return self.search
        if not variant.search or variant.human is not None or variant.device_profile is not None:
            return None
        return self.search if variant.habit is None else dataclasses.replace(self.search, habit=variant.habit)

    def begins_healthy(self, body: StudyBody, variant: Variant | None) -> bool:
        """Whether a body begins with the gait and the device of the healthy one: weak ones that search."""
        return self.searches(variant) and body.deficit is not None and self.has_healthy

    def variant_of(self, task: Task) -> Variant | None:
        """The variant that a task belongs to, None in the main study."""
        return None if task.variant is None else self.variants[task.variant]

    def seeds_of(self, variant: Variant | None) -> tuple[int, ...]:
        """Seeds of a variant."""
        return self.seeds if variant is None or variant.seeds is None else variant.seeds

    def speeds_of(self, body: StudyBody, variant: Variant | None) -> tuple[float, ...]:
        """Speeds at which a body walks, m/s."""
        return (None if variant is None else variant.speeds) or body.speeds or self.speeds

    def __post_init__(self) -> None:
        if not self.seeds or not self.bodies or not self.speeds:
            raise InputError("study", self.name, "at least one seed, one body and one speed are needed")
        bodies = [body.name for body in self.bodies]
        if len({_slug(name) for name in bodies}) < len(bodies):
            raise InputError("bodies", bodies, "names that differ in letters or digits; give several strengths to one")
        for variant in self.variants:
            weak = [b.name for b in self.bodies if b.deficit is not None and b.name in (variant.bodies or bodies)]
            if variant.setup and weak and self.searches(variant):
                raise InputError(
                    f"variant {variant.name}: setup", variant.setup,
                    "search: false, since weak bodies search on the study's own model",
                )  # fmt: skip
        labels = [_slug(name) for name in ("main", *(variant.name for variant in self.variants))]
        if len(set(labels)) < len(labels):
            raise InputError("variants", labels[1:], "names that differ in letters or digits, none of them main")
        for variant in self.variants:
            for name in variant.bodies or ():
                if name not in bodies:
                    raise InputError(
                        f"variant {variant.name}: bodies", name, f"a body of the study: {', '.join(bodies)}"
                    )
        check_ranges(self, _STUDY_CONFIG_RANGES)


@dataclass(frozen=True)
class Task:
    """One piece of work.

    Attributes:
        name: Also its folder.
        kind: Training of a generalist, fine-tune to a body, search for its strategies, or walks.
        seed: Seed of the generalist; a search is for all seeds, and this the first of them.
        body: Index of the body (all but trainings).
        variant: Index of the variant, None for the main study.
        needs: Names of tasks that have to be done before.
    """

    name: str
    kind: Literal["train", "tune", "search", "walk"]
    seed: int
    body: int | None = None
    variant: int | None = None
    needs: tuple[str, ...] = ()


def plan(config: StudyConfig, policies: Path | None = None) -> list[Task]:
    """The tasks of a study in an order in which they can be done.

    Trainings come first, then body by body; variants in which human and device learn come last.

    Args:
        config: The study.
        policies: Folder of finished policies; then nothing is trained, and only bodies whose policies are there walk.
    """
    tasks: list[Task] = []
    searches: dict[str, Task] = {}
    for seed in config.seeds:
        train = Task(names.training(seed), "train", seed)
        trained: tuple[str, ...] = ()
        if policies is None and config.generalists is None:
            tasks.append(train)
            trained = (train.name,)
        tunes_healthy = config.has_healthy and config.learns(None) != "none"
        known = (*trained, names.tuning(names.of_seed(seed, HEALTHY))) if tunes_healthy else trained
        for v, variant in enumerate([None, *config.variants]):
            index = None if variant is None else v - 1
            for b, body in enumerate(config.bodies):
                if variant is not None and variant.bodies is not None and body.name not in variant.bodies:
                    continue
                if seed not in config.seeds_of(variant):
                    continue
                shared = label_of(body, variant)
                label = names.of_seed(seed, shared)
                if policies is not None:
                    if _there(config, variant, policies, shared, seed):
                        tasks.append(Task(names.walking(label), "walk", seed, b, index))
                    continue
                tune, search = names.tuning(label), names.searching(shared)
                needs = trained
                if config.begins_healthy(body, variant):
                    # a weak body begins with the healthy one's gait and device
                    needs = (*known, names.searching(HEALTHY))
                if config.learns(variant) != "none":
                    tasks.append(Task(tune, "tune", seed, b, index, needs))
                    needs = (tune,)
                if config.searches(variant):
                    task = searches.get(shared) or Task(search, "search", seed, b, index)
                    searches[shared] = dataclasses.replace(task, needs=tuple(dict.fromkeys((*task.needs, *needs))))
                    needs = (search,)
                tasks.append(Task(names.walking(label), "walk", seed, b, index, needs))
    tasks += searches.values()

    def order(task: Task) -> tuple[bool, bool, int, bool, int]:
        variant = config.variant_of(task)
        last = variant is not None and config.learns(variant) == "both"
        rank = 0 if config.search is None else ("train", "tune", "search", "walk").index(task.kind)  # for all seeds
        return task.kind != "train", last, task.body or 0, variant is not None, rank

    return sorted(tasks, key=order)


def _there(config: StudyConfig, variant: Variant | None, policies: Path, shared: str, seed: int) -> bool:
    """Whether a folder of finished policies holds what a walk needs."""
    label = names.of_seed(seed, shared)
    human = names.exported(label, "human") if config.keeps_human(variant) else names.generalist(seed, "human")
    needed = [f"{human}.json"]
    needed += [f"{names.exported(label, 'device')}.json"] if config.learns(variant) in ("both", "device") else []
    needed += [names.exported_strategies(shared)] if config.searches(variant) else []
    return all((policies / name).is_file() for name in needed)


def label_of(body: StudyBody, variant: Variant | None) -> str:
    """Name of a body in a variant, as in file names."""
    return "-".join([_slug(body.name), *([] if variant is None else [_slug(variant.name)])])


def _slug(text: str) -> str:
    """A name for files; without points, since what follows one would be taken for a suffix."""
    return path_component(re.sub(r"[^A-Za-z0-9]+", "_", text))


def find_study(name: str) -> Path:
    """Path of a study given by name (of the user folder or the suite) or path."""
    return find("studies", name)


SHORTEST = 0.1
"""Shortest part of a walk by which a candidate can be judged, s."""


_SEARCH_CONFIG_RANGES = {
    "generations": (1, 100_000, ""),
    "healthy_generations": (1, 100_000, ""),
    "candidates": (4, 100_000, ""),
    "spread": (0.0, 10.0, "rad"),
    "seconds": SECONDS_RANGE,
    "late_seconds": SECONDS_RANGE,
    "settle": SETTLE_RANGE,
    "habit": (0.0, 1e9, "per rad²"),
    "healthy_habit": (0.0, 1e9, "per rad²"),
}
"""Field of :class:`SearchConfig` to lowest and highest value and unit."""


@dataclass(frozen=True)
class SearchConfig:
    """How strategies are searched for.

    Attributes:
        generations: Of candidates.
        healthy_generations: Of the healthy body's, where the search for weak ones begins.
        candidates: In each generation and condition.
        spread: Standard deviation of the first candidates, rad.
        seconds: Length of each walk, s.
        late_seconds: Length in the last quarter of the generations, which has to show slow falls, s.
        settle: Time after the start whose reward does not count, s.
        habit: Price of leaving the gait that a search begins with, taken from the reward of a control step: per sum of
            the squared departures, 1/rad², each relative to :func:`scales`.
        healthy_habit: The same for the healthy body, which leaves the reference.
    """

    generations: int = 60
    healthy_generations: int = 40
    candidates: int = 16
    spread: float = 0.006
    seconds: float = 4.0
    late_seconds: float = 8.0
    settle: float = 1.5
    habit: float = 30.0
    healthy_habit: float = 10.0

    def __post_init__(self) -> None:
        if not 0 <= self.settle <= min(self.seconds, self.late_seconds) - SHORTEST:
            raise InputError("settle", self.settle, f"at least {SHORTEST:g} s less than the seconds of a walk")
        if not self.spread > 0:
            raise InputError("spread", self.spread, "more than 0 rad")
        if not min(self.habit, self.healthy_habit) >= 0:
            raise InputError("habit", min(self.habit, self.healthy_habit), "0 or more per rad²")
        if self.candidates < 4 or min(self.generations, self.healthy_generations) < 1:
            raise InputError("search", dataclasses.asdict(self), "4 or more candidates, 1 or more generations")
        check_ranges(self, _SEARCH_CONFIG_RANGES)


def inputs_of_task(config: StudyConfig, task: Task) -> dict[str, Any]:
    """Settings of the study that a task's result depends on, as JSON holds them."""
    keys = ["device", "train_samples", "generalists"]
    inputs: dict[str, Any] = {}
    if task.kind != "train":
        assert task.body is not None
        keys += ["speeds", "tune", "tune_samples", "tune_world", "tune_human", "tune_device"]
        body_searches = task.kind in ("search", "walk") or config.bodies[task.body].deficit is not None
        if body_searches and config.search is not None:
            keys += ["search"]
            inputs["search_seeds"] = list(config.seeds_of(config.variant_of(task)))
            inputs["search_from_healthy"] = config.has_healthy
        keys += ["walk_world"] if task.kind in ("search", "walk") else []
        keys += ["starts", "seconds"] if task.kind == "walk" else []
        inputs["body"] = dataclasses.asdict(config.bodies[task.body])
        variant = config.variant_of(task)
        settings_of = {} if variant is None else dataclasses.asdict(variant)
        inputs["variant"] = {key: value for key, value in settings_of.items() if key != "bodies"} or None
    settings = dataclasses.asdict(config)
    deficit = None if task.body is None else config.bodies[task.body].deficit
    inputs["files"] = own_digests([("trainings", config.training), ("devices", config.device), ("deficits", deficit)])
    return json.loads(json.dumps({**{name: settings[name] for name in keys}, **inputs}))


def settings_of_task(config: StudyConfig, task: Task) -> dict[str, Any]:
    """Settings that name a task in tables."""
    body = None if task.body is None else config.bodies[task.body]
    return {
        "study": config.name,
        "device": config.device or "",
        "seed": task.seed,
        "body": "" if body is None else body.name,
        "side": "" if body is None or body.deficit is None else body.side,
        "variant": "main" if task.variant is None else config.variants[task.variant].name,
    }
