"""Fine-tunes of a study: a device, or a human and a device, for one body."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

from exogait.data.settings import from_mapping, load_settings

from ..device.legs import alike_on_both_sides
from ..gait.population import BodyDraw, Population
from ..learning.log import CHECKPOINT
from . import names
from .plan import HEALTHY, StudyConfig, Task, Variant

if TYPE_CHECKING:
    pass
from .files import policy_folder

SPEED_MARGIN = 0.1
"""Fine-tunes walk up to this much slower and faster than the walks that are compared, m/s."""

CRITIC_WARMUP = 8
"""Updates at the start of a fine-tune from policies at rest in which only the human's critic learns, half of them for
the device's."""

HUMAN_SHARE = 2 / 3
"""Share of a fine-tune in which the human learns, where both do."""


def training_config(config: StudyConfig, task: Task, folder: Path) -> Any:
    """Configuration of a training task."""
    from ..learning.config import Stage, TrainConfig, merged
    from ..learning.run import find_config

    base = load_settings(TrainConfig, find_config(config.training))
    setup = dataclasses.replace(base.setup, device=config.device or base.setup.device)
    base = dataclasses.replace(base, name=f"{config.name} {task.name}", seed=task.seed, setup=setup)
    if task.kind == "train":
        if config.train_samples is not None:
            factor = config.train_samples / base.samples
            stages = tuple(dataclasses.replace(stage, samples=factor * stage.samples) for stage in base.stages)
            base = dataclasses.replace(base, stages=stages)
        return base
    assert task.body is not None
    body = config.bodies[task.body]
    task_variant = config.variant_of(task)
    variant = task_variant or Variant("main")
    device = setup.load_device()
    split = body.deficit is not None and base.share_legs and device is not None and alike_on_both_sides(device)
    split = split and not config.searches(task_variant)
    weakest, strongest = min(body.strengths), max(body.strengths)
    learns = config.learns(variant)
    conditions = None if setup.population is None else setup.population.conditions
    conditions = {"powered": 1.0} if learns == "device" else conditions
    kind = BodyDraw(body.deficit, (weakest, strongest), body.side if body.deficit else "either")
    setup = dataclasses.replace(setup, population=Population((kind,), conditions))
    setup = from_mapping(type(setup), {**dataclasses.asdict(setup), **variant.setup}, where=f"variant {variant.name}")
    walked = config.speeds_of(body, variant)
    speeds = (max(0.6, min(walked) - SPEED_MARGIN), min(1.8, max(walked) + SPEED_MARGIN))
    samples = config.tune_samples if variant.tune_samples is None else variant.tune_samples
    stages = (Stage(samples, speeds=speeds, learn=None if learns == "none" else learns),)
    if learns == "both":  # in turns, as generalists do: the device learns the human that has learned the body
        human_samples = HUMAN_SHARE * samples
        stages = (
            Stage(human_samples, speeds=speeds, learn="human"),
            Stage(samples - human_samples, learn="device", conditions={"powered": 1.0}),
        )
    tuned = dataclasses.replace(
        base,
        stages=stages,
        setup=setup,
        world=from_mapping(
            type(base.world),
            merged(merged(dataclasses.asdict(base.world), config.tune_world), variant.world),
            where=f"variant {variant.name}",
        ),
        human=from_mapping(
            type(base.human),
            {**dataclasses.asdict(base.human), "critic_warmup": 0, "start_std": None, **config.tune_human},
            where="tune_human",
        ),
        device=from_mapping(
            type(base.device),
            {**dataclasses.asdict(base.device), "critic_warmup": 0, "start_std": None, **config.tune_device},
            where="tune_device",
        ),
        start_human=None,
        start_device=None,
        start_checkpoint=str(folder / names.training(task.seed) / CHECKPOINT),
        # A one-sided body is tuned to with both legs' controllers free to differ, in a network that holds both.
        share_legs=base.share_legs and not split,
        device_profile=variant.device_profile,
    )
    if config.generalists is not None:  # policies at rest come without critics, which learn first
        policies = policy_folder(config.generalists)
        human, device = (str(policies / names.generalist(task.seed, role)) for role in ("human", "device"))
        tuned = dataclasses.replace(
            tuned,
            human=dataclasses.replace(tuned.human, critic_warmup=CRITIC_WARMUP),
            device=dataclasses.replace(tuned.device, critic_warmup=CRITIC_WARMUP // 2),
            start_human=variant.human or human,
            start_device=device if variant.device_profile is None else None,
            start_checkpoint=None,
        )
    if config.begins_healthy(body, task_variant):
        # What helps the healthy body learns this one, before it has a gait of its own. A device's legs stay under one
        # controller: the weak side shows in what it senses.
        first = folder / names.tuning(names.of_seed(task.seed, HEALTHY))
        found = folder / names.searching(HEALTHY) / names.STRATEGIES_FILE
        tuned = dataclasses.replace(tuned, strategies=str(found))
        if tuned.start_checkpoint is None:
            for role in ("human", "device"):
                if (first / f"{role}.json").is_file():
                    tuned = dataclasses.replace(tuned, **{f"start_{role}": str(first / role)})
        elif (first / CHECKPOINT).is_file():
            tuned = dataclasses.replace(tuned, start_checkpoint=str(first / CHECKPOINT))
    layers = tuple((2 if split else 1) * width for width in tuned.device.layers)
    return dataclasses.replace(tuned, device=dataclasses.replace(tuned.device, layers=layers))


def train_task(config: StudyConfig, task: Task, folder: Path) -> int:
    """Train or fine-tune, from the task's own checkpoint where there is one."""
    from ..learning.run import use_threads
    from ..learning.trainer import Trainer

    use_threads(1)
    home = folder / task.name
    trainer = Trainer(training_config(config, task, folder), home)
    if (home / CHECKPOINT).is_file():
        trainer.load_checkpoint()
    trainer.run(evaluate_last=False)  # the task's own walks do
    variant = config.variant_of(task)
    if task.kind == "train" or config.keeps_human(variant):
        trainer.policy("human").save(home / "human")
    if trainer.device is not None and (task.kind == "train" or config.learns(variant) in ("both", "device")):
        trainer.policy("device").save(home / "device")
    return trainer.samples
