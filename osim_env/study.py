"""A study at work: generalists are trained, bodies find their gait, devices are tuned, all walk; resumable by task.

What a study is, and its tasks with what each needs, stands in :mod:`osim_env.study_plan`. A finished task has left
``result.json`` in its folder, written last, so a study that was stopped, or lost a worker, goes on where it was; a
training among them goes on from its checkpoint. What a walk is worth is not decided here: a function given by the
caller turns each walk (:class:`data.GaitTrial`) and its settings into rows of tables, which end up as parquet files.

Every comparison is paired: the walks of one body in the three device conditions start from the same state, under
policies that had the same network and saw equal shares of the three conditions in every update, with strategies that
were searched for with as many candidates.
"""

from __future__ import annotations

import dataclasses
import json
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from data.errors import ExogaitError, InputError
from data.settings import from_mapping, load_settings
from data.trial import GaitTrial
from models.deficit import Deficit, load_deficit

from .backends import Backend, LocalBackend, WorkerLostError
from .legs import alike_on_both_sides
from .population import CONDITIONS, BodyDraw, Population
from .study_plan import HEALTHY, StudyBody, StudyConfig, Task, Variant, find_study, label_of, plan

__all__ = [
    "HEALTHY", "StudyBody", "StudyConfig", "Summarise", "Summary", "Task", "Variant", "export_policies", "find_study",
    "gather", "human_of", "label_of", "paired_walks", "plan", "policy_files", "policy_folder", "result_of", "run_study",
    "run_task", "strategies_file", "strategies_of", "training_config",
]  # fmt: skip

Summary = dict[str, pd.DataFrame]
Summarise = Callable[[GaitTrial, Mapping[str, Any]], Summary]
"""From a walk and its settings to tables by name; every table must say which walk its rows belong to."""

if TYPE_CHECKING:
    from .policy import Policy
    from .setup import WorldSetup
    from .strategy import Strategies
    from .world import WorldConfig

SPEED_MARGIN = 0.1
"""Fine-tunes walk up to this much slower and faster than the walks that are compared, m/s."""
CRITIC_WARMUP = 8
"""Updates at the start of a fine-tune from policies at rest in which only the human's critic learns, half of them for
the device's."""
HUMAN_SHARE = 2 / 3
"""Share of a fine-tune in which the human learns, where both do."""
RETRIES = 2
"""How often a task whose worker died is tried again."""


def run_study(
    config: StudyConfig,
    folder: str | Path,
    summarise: Summarise,
    *,
    backend: Backend | None = None,
    policies: str | Path | None = None,
    report: Callable[[str], None] | None = None,
) -> dict[str, pd.DataFrame]:
    """Do what is not done yet, and gather the tables.

    Args:
        config: The study.
        folder: Where tasks leave their results.
        summarise: Importable function from a walk and its settings to tables.
        backend: Where tasks run; processes of this machine without.
        policies: Folder of finished policies: only walk.
        report: Called with a line per finished or failed task.

    Returns:
        Tables by name, ``tasks`` among them; each is also written as parquet into the folder.

    Raises:
        InputError: A setting is impossible, or the folder holds tasks that were done with other settings.
        ExogaitError: A task failed; those that do not need it were done.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    policies = None if policies is None else Path(policies)
    tasks = plan(config, policies)
    _check(config, tasks, folder, policies)
    (folder / "study.json").write_text(json.dumps(dataclasses.asdict(config), indent=1) + "\n")
    backend = backend or LocalBackend()
    done = {task.name for task in tasks if result_of(folder, task) is not None}
    waiting = [task for task in tasks if task.name not in done]
    running: dict[Any, Task] = {}
    tries: dict[str, int] = {}
    failed: dict[str, str] = {}
    try:
        while waiting or running:
            ready = [task for task in waiting if all(need in done for need in task.needs)]
            for task in ready[: max(0, backend.workers - len(running))]:
                waiting.remove(task)
                handle = backend.submit(run_task, config, task, folder, summarise, policies)
                running[handle] = task
            if not running:
                break  # what is left needs a task that failed
            for handle in backend.wait_for_one(list(running)):
                task = running.pop(handle)
                try:
                    seconds = backend.result(handle)
                except WorkerLostError as error:
                    tries[task.name] = tries.get(task.name, 0) + 1
                    if tries[task.name] > RETRIES:
                        failed[task.name] = f"its worker died {RETRIES + 1} times ({error})"
                    else:
                        waiting.insert(0, task)
                except Exception as error:
                    failed[task.name] = "".join(traceback.format_exception_only(error)).strip()
                    (folder / task.name).mkdir(exist_ok=True)
                    (folder / task.name / "error.txt").write_text("".join(traceback.format_exception(error)))
                else:
                    done.add(task.name)
                    (folder / task.name / "error.txt").unlink(missing_ok=True)
                    if report is not None:
                        report(f"{task.name}: {seconds:.0f} s ({len(done)} of {len(tasks)})")
                if task.name in failed and report is not None:
                    report(f"{task.name}: failed, {failed[task.name]}")
    finally:
        backend.close()
    tables = gather(config, tasks, folder)
    if failed:
        name, reason = next(iter(failed.items()))
        others = f"; also {', '.join(list(failed)[1:])}" if len(failed) > 1 else ""
        raise ExogaitError(f"{len(failed)} of {len(tasks)} tasks failed, first {name}: {reason}{others}")
    return tables


def _check(config: StudyConfig, tasks: Sequence[Task], folder: Path, policies: Path | None) -> None:
    """Refuse before any work what would fail after hours, or would mix results of different settings.

    Raises:
        InputError: It does.
    """
    if not tasks:
        raise InputError("policies", str(policies), "a folder with policies of this study's seeds, bodies and variants")
    for task in tasks:
        if task.kind in ("train", "tune") and training_config(config, task, folder).setup.device is None:
            raise InputError("device", None, "a study compares device conditions: name a device")
        result = result_of(folder, task)
        if result is None or "inputs" not in result:  # one from before inputs were noted
            continue
        wanted, found = _inputs_of(config, task), result["inputs"]
        for key in wanted:
            if wanted[key] != found.get(key):
                raise InputError(
                    key, wanted[key], f"{folder / task.name} was done with {found.get(key)}; choose another folder"
                )


def _inputs_of(config: StudyConfig, task: Task) -> dict[str, Any]:
    """Settings of the study that a task's result depends on, as JSON holds them."""
    names = ["device", "train_samples", "generalists"]
    inputs: dict[str, Any] = {}
    if task.kind != "train":
        assert task.body is not None
        names += ["speeds", "tune", "tune_samples", "tune_world", "tune_human", "tune_device"]
        body_searches = task.kind in ("search", "walk") or config.bodies[task.body].deficit is not None
        if body_searches and config.search is not None:
            names += ["search"]
            inputs["search_seeds"] = list(config.seeds_of(config.variant_of(task)))
            inputs["search_from_healthy"] = config.has_healthy
        names += ["walk_world"] if task.kind in ("search", "walk") else []
        names += ["starts", "seconds"] if task.kind == "walk" else []
        inputs["body"] = dataclasses.asdict(config.bodies[task.body])
        variant = config.variant_of(task)
        settings_of = {} if variant is None else dataclasses.asdict(variant)
        inputs["variant"] = {key: value for key, value in settings_of.items() if key != "bodies"} or None
    settings = dataclasses.asdict(config)
    return json.loads(json.dumps({**{name: settings[name] for name in names}, **inputs}))


def policy_folder(name: str) -> Path:
    """Folder of a study's policies given by name (of the suite's own) or path.

    Raises:
        InputError: There is no such folder.
    """
    from .policy import POLICY_FOLDER

    for folder in (POLICY_FOLDER / name, Path(name)):
        if folder.is_dir():
            return folder
    raise InputError("policies", name, f"a folder, or a name under {POLICY_FOLDER}")


def human_of(policies: str, body: str, seed: int) -> Policy:
    """The human that walks with a body: tuned to it, or else the generalist, of one seed.

    Args:
        policies: Folder of a study's policies, the name of one that the suite ships, or a single human policy.
        body: ``healthy`` or the name of a deficit.
        seed: Of the study's policies.

    Raises:
        InputError: The folder holds neither.
    """
    from .policy import load_policy

    try:
        folder = policy_folder(policies)
    except InputError:
        return load_policy(policies)
    names = (f"{seed}-{body}_human", f"generalist_{seed}_human")
    for name in names:
        if (folder / f"{name}.json").is_file():
            return load_policy(folder / name)
    raise InputError("policies", policies, f"a folder with {' or '.join(names)}: choose another seed or body")


def strategies_of(policies: str, body: str) -> Strategies | None:
    """Strategies that a study found for a body, None where it holds none.

    Args:
        policies: Folder of a study's policies, the name of one that the suite ships, or a single human policy.
        body: ``healthy`` or the name of a deficit.
    """
    from .strategy import load_strategies

    try:
        path = policy_folder(policies) / f"{body}_strategies.json"
    except InputError:
        return None
    return load_strategies(path) if path.is_file() else None


def result_of(folder: Path, task: Task) -> dict[str, Any] | None:
    """What a finished task noted, None for one that is not finished."""
    path = folder / task.name / "result.json"
    return json.loads(path.read_text()) if path.is_file() else None


def gather(config: StudyConfig, tasks: Sequence[Task], folder: Path) -> dict[str, pd.DataFrame]:
    """All tables of the finished tasks, written as parquet."""
    parts: dict[str, list[pd.DataFrame]] = {}
    rows = []
    for task in tasks:
        result = result_of(folder, task)
        rows.append({**_settings_of(config, task), "task": task.name, "kind": task.kind, "done": result is not None})
        if result is None:
            continue
        rows[-1] |= {"seconds": result["seconds"], "samples": result.get("samples")}
        for name in result.get("tables", []):
            parts.setdefault(name, []).append(pd.read_parquet(folder / task.name / f"{name}.parquet"))
    tables = {name: pd.concat(some, ignore_index=True) for name, some in parts.items()}
    tables["tasks"] = pd.DataFrame(rows)
    for name, table in tables.items():
        beside = folder / f".{name}.parquet"
        table.to_parquet(beside, index=False)
        beside.replace(folder / f"{name}.parquet")
    return tables


def _settings_of(config: StudyConfig, task: Task) -> dict[str, Any]:
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


# ---- one task ------------------------------------------------------------------------------------------------------


def run_task(config: StudyConfig, task: Task, folder: Path, summarise: Summarise, policies: Path | None) -> float:
    """Do one task in its folder.

    Returns:
        Seconds it took.
    """
    begin = time.monotonic()
    home = folder / task.name
    home.mkdir(parents=True, exist_ok=True)
    result: dict[str, Any] = {**_settings_of(config, task), "inputs": _inputs_of(config, task)}
    if task.kind == "search":
        from .study_search import run_search

        table = run_search(config, task, folder)
        table.assign(**_settings_of(config, task)).drop(columns="seed").to_parquet(home / "search.parquet", index=False)
        result["tables"] = ["search"]
    elif task.kind == "walk":
        tables = _walk(config, task, folder if policies is None else policies, summarise, policies is not None)
        for name, table in tables.items():
            table.to_parquet(home / f"{name}.parquet", index=False)
        result["tables"] = sorted(tables)
    else:
        result["samples"] = _train(config, task, folder)
    result["seconds"] = time.monotonic() - begin
    beside = home / ".result.json"
    beside.write_text(json.dumps(result, indent=1) + "\n")
    beside.replace(home / "result.json")
    return result["seconds"]


def training_config(config: StudyConfig, task: Task, folder: Path) -> Any:
    """Configuration of a training task."""
    from .training import Stage, TrainConfig, merged
    from .training_run import find_config

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
        start_checkpoint=str(folder / f"train-{task.seed}" / "checkpoint.npz"),
        # A one-sided body is tuned to with both legs' controllers free to differ, in a network that holds both.
        share_legs=base.share_legs and not split,
        device_profile=variant.device_profile,
    )
    if config.generalists is not None:  # policies at rest come without critics, which learn first
        start = policy_folder(config.generalists) / f"generalist_{task.seed}"
        tuned = dataclasses.replace(
            tuned,
            human=dataclasses.replace(tuned.human, critic_warmup=CRITIC_WARMUP),
            device=dataclasses.replace(tuned.device, critic_warmup=CRITIC_WARMUP // 2),
            start_human=variant.human or f"{start}_human",
            start_device=f"{start}_device" if variant.device_profile is None else None,
            start_checkpoint=None,
        )
    if config.begins_healthy(body, task_variant):
        # What helps the healthy body learns this one, before it has a gait of its own. A device's legs stay under one
        # controller: the weak side shows in what it senses.
        first = folder / f"tune-{task.seed}-{HEALTHY}"
        found = folder / f"search-{HEALTHY}" / "strategies.json"
        tuned = dataclasses.replace(tuned, strategies=str(found))
        if tuned.start_checkpoint is None:
            for role in ("human", "device"):
                if (first / f"{role}.json").is_file():
                    tuned = dataclasses.replace(tuned, **{f"start_{role}": str(first / role)})
        elif (first / "checkpoint.npz").is_file():
            tuned = dataclasses.replace(tuned, start_checkpoint=str(first / "checkpoint.npz"))
    layers = tuple((2 if split else 1) * width for width in tuned.device.layers)
    return dataclasses.replace(tuned, device=dataclasses.replace(tuned.device, layers=layers))


def _train(config: StudyConfig, task: Task, folder: Path) -> int:
    """Train or fine-tune, from the task's own checkpoint where there is one."""
    from .training import Trainer
    from .training_run import use_threads

    use_threads(1)
    home = folder / task.name
    trainer = Trainer(training_config(config, task, folder), home)
    if (home / "checkpoint.npz").is_file():
        trainer.load_checkpoint()
    trainer.run()
    variant = config.variant_of(task)
    if task.kind == "train" or config.keeps_human(variant):
        trainer.policy("human").save(home / "human")
    if trainer.device is not None and (task.kind == "train" or config.learns(variant) in ("both", "device")):
        trainer.policy("device").save(home / "device")
    return trainer.samples


def policy_files(config: StudyConfig, task: Task, folder: Path, exported: bool) -> tuple[Path, Path]:
    """Human and device policy of a walking task, without suffix; the generalist's where the fine-tune has none."""
    label = task.name.removeprefix("walk-")
    files = []
    for role in ("human", "device"):
        own = folder / f"{label}_{role}" if exported else folder / f"tune-{label}" / role
        general = folder / f"generalist_{task.seed}_{role}" if exported else folder / f"train-{task.seed}" / role
        if not exported and config.generalists is not None:
            general = policy_folder(config.generalists) / f"generalist_{task.seed}_{role}"
        files.append(own if own.with_name(f"{own.name}.json").is_file() else general)
    return files[0], files[1]


def strategies_file(config: StudyConfig, task: Task, folder: Path, exported: bool) -> Path | None:
    """Strategies of a walking task's body, None where nobody searches."""
    assert task.body is not None
    variant = config.variant_of(task)
    if not config.searches(variant):
        return None
    label = label_of(config.bodies[task.body], variant)
    return folder / f"{label}_strategies.json" if exported else folder / f"search-{label}" / "strategies.json"


def _walk(config: StudyConfig, task: Task, folder: Path, summarise: Summarise, exported: bool) -> Summary:
    """Walk with one body in all conditions, from the same states."""
    from .policy import load_policy
    from .setup import WorldSetup
    from .strategy import load_strategies
    from .training import merged
    from .training_run import use_threads
    from .world import WorldConfig

    use_threads(1)
    assert task.body is not None
    body = config.bodies[task.body]
    human_file, device_file = policy_files(config, task, folder, exported)
    human = load_policy(human_file)
    variant = config.variant_of(task)
    profile = None if variant is None else variant.device_profile
    settings = human.metadata["settings"]
    setup = from_mapping(WorldSetup, {**settings["setup"], "population": None, "deficit": None})
    own = {} if variant is None else variant.world
    world = merged(merged({**settings["world"], "integration_step": 0.001}, config.walk_world), own)
    world_config = from_mapping(WorldConfig, world, where="walk_world")
    found = strategies_file(config, task, folder, exported)
    strategies = None if found is None else load_strategies(found)
    if strategies is not None and strategies.body != body.name:
        raise InputError("strategies", str(found), f"those of {body.name}, these are of {strategies.body}")
    parts: dict[str, list[pd.DataFrame]] = {}
    for strength in body.strengths:
        weak = None
        if body.deficit is not None:
            weak = load_deficit(body.deficit, strength=strength, side=body.side)
        about = {**_settings_of(config, task), "deficit": body.deficit or "", "strength": float(strength)}
        tables = paired_walks(
            setup, world_config, human, load_policy(device_file) if profile is None else profile, summarise, about,
            weakness=weak, speeds=config.speeds_of(body, variant), starts=config.starts, seconds=config.seconds,
            seed=task.seed, strategies=strategies,
        )  # fmt: skip
        for name, table in tables.items():
            parts.setdefault(name, []).append(table)
    return {name: pd.concat(some, ignore_index=True) for name, some in parts.items()}


def paired_walks(
    setup: WorldSetup,
    world_config: WorldConfig,
    human: Policy,
    device: Policy | str,
    summarise: Summarise,
    about: Mapping[str, Any],
    *,
    weakness: Deficit | None,
    speeds: Sequence[float],
    starts: int,
    seconds: float,
    seed: int,
    strategies: Strategies | None = None,
) -> Summary:
    """Walk with one body in all device conditions, from the same states.

    Args:
        setup: Model, device and reference, without a population.
        world_config: Settings of the world.
        human: Policy of the muscles.
        device: Policy of the device, or the name or file of a fixed torque profile.
        summarise: From a walk and its settings to tables.
        about: Settings that the walks share; what differs between them is added.
        weakness: Deficit of the body; full strength without.
        speeds: Walking speeds, m/s.
        starts: Walks per condition and speed.
        seconds: Length of each walk, s.
        seed: Of the random starts, which are the same in every condition.
        strategies: What the body aims for beside the reference in each condition.

    Raises:
        PolicyMismatchError: A policy is meant for something else.
    """
    from .evaluation import evaluation_world
    from .prescribed import PrescribedTorque
    from .rollout import roll_out
    from .setup import strength_of

    commanded = np.repeat(speeds, starts)
    condition = np.repeat(CONDITIONS, len(commanded))
    n = len(condition)
    world = evaluation_world(setup, world_config, n_envs=n, seconds=seconds, seed=seed)
    human.require(role="human", **world.signature())
    if weakness is not None:
        world.strength[:] = strength_of(world.physics.model, weakness)
    for name in CONDITIONS:
        wearing = np.flatnonzero(condition == name)
        world.dress(wearing, name)
        if strategies is not None:
            world.strategy.numbers[wearing] = strategies.of(name, weakness)
    phase = np.random.default_rng(seed).random(len(commanded))
    world.reset(np.arange(n), phase=np.tile(phase, len(CONDITIONS)), speed=np.tile(commanded, len(CONDITIONS)))
    if isinstance(device, str):
        driver = PrescribedTorque(world, device)
    else:
        device.require(role="device", **world.signature())
        driver = device
    parts: dict[str, list[pd.DataFrame]] = {}
    for i, trial in enumerate(roll_out(world, human, seconds, device_policy=driver)):
        own = {
            **about,
            "device": setup.device,
            "condition": str(condition[i]),
            "speed": float(world.speed[i]),
            "start": int(i % starts),
            "imitation_weight": world_config.imitation_weight,
            "imitation_dead_zone": world_config.imitation_dead_zone,
        }
        for name, table in summarise(trial, own).items():
            parts.setdefault(name, []).append(table)
    return {name: pd.concat(some, ignore_index=True) for name, some in parts.items()}


def export_policies(config: StudyConfig, folder: str | Path, target: str | Path) -> list[Path]:
    """Copy the policies of all finished trainings into one folder.

    Generalists become ``generalist_1_human``, fine-tunes ``1-plantarflexors_device`` and the like, strategies
    ``plantarflexors_strategies``.
    """
    from .policy import load_policy
    from .strategy import load_strategies

    folder, target = Path(folder), Path(target)
    written = []
    for task in plan(config):
        if task.kind == "search" and result_of(folder, task) is not None:
            found = load_strategies(folder / task.name / "strategies.json")
            written.append(found.save(target / f"{task.name.removeprefix('search-')}_strategies.json"))
        elif task.kind in ("train", "tune") and result_of(folder, task) is not None:
            label = f"generalist_{task.seed}" if task.kind == "train" else task.name.split("-", 1)[1]
            for role in ("human", "device"):
                if (folder / task.name / f"{role}.json").is_file():
                    written.append(load_policy(folder / task.name / role).save(target / f"{label}_{role}"))
    return written
