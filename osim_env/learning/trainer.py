"""Training: two learners on one batch of simulated bodies, resumable to the bit.

A run is a folder: ``config.json`` and ``manifest.json`` are written before the first step, ``progress.csv`` (and
TensorBoard files, where installed) as it goes, ``checkpoint.npz`` and the policies as they are (``last_human``,
``last_device``) every few minutes and at the end, by writing beside and renaming, and the best evaluated policies
(``best_...``). A killed run goes on from its checkpoint with the same random numbers and the same states of every
environment, so its curve is the one it would have had; SIGINT and SIGTERM make a checkpoint first.
"""

from __future__ import annotations

import dataclasses
import json
import os
import platform
import time
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from exogait.data.errors import InputError
from exogait.data.files import write_text_atomic
from exogait.data.processes import Stopped, heeded_signals
from exogait.data.settings import from_mapping
from exogait.models.deficit import FULL_STRENGTH

from ..device.legs import Legs, alike_on_both_sides
from ..gait.population import CONDITIONS, Population
from ..gait.setup import make_world
from ..gait.strategy import ROUNDING, Strategies, load_strategies
from .checkpoint import restore_checkpoint, start_networks, write_checkpoint
from .collect import Episodes, Wearers, collect
from .config import Stage, TrainConfig, changed_settings, git_revision, jsonable, judging, merged, without_folders
from .evaluation import evaluate_policy
from .learner import Learner
from .log import (
    CHECKPOINT,
    CONFIG,
    EVALUATION,
    MANIFEST,
    PROGRESS,
    append_row,
    drop_rows_after,
    set_aside,
    tensorboard_writer,
)
from .policy import Policy, policy_from_learner
from .prescribed import PrescribedTorque


class TrainingRun:
    """A run in a folder: its loop, its files, its signals; what an update is, a subclass knows.

    Attributes:
        config: Settings of the run.
        folder: Its folder.
        samples: Control steps so far, over all environments.
        seconds: Wall time of all updates, s.
        curve: Results of the evaluations.
        best: Best score so far.
        world: The bodies.
        episodes: Where their episodes stand.
        earlier_samples: Control steps that the networks had seen before this run.
    """

    config: Any
    world: Any
    episodes: Episodes
    earlier_samples: int
    packages: tuple[str, ...] = ("numpy", "numba", "torch", "gymnasium")
    """Whose versions the manifest tells."""

    def __init__(self, config: Any, folder: str | Path) -> None:
        self.config, self.folder = config, Path(folder)
        self.samples, self.seconds, self.best = 0, 0.0, -np.inf
        self.next_evaluation: float = config.evaluate_every
        self.curve: list[dict[str, float]] = []

    def update(self) -> dict[str, float]:
        """One roll-out and one update; figures by name."""
        raise NotImplementedError

    def save_checkpoint(self) -> Path:
        """Write the policies as they are, and everything the run depends on."""
        raise NotImplementedError

    def load_checkpoint(self, path: str | Path | None = None, *, override: bool = False) -> list[str]:
        """Go on from a checkpoint, by default the folder's own; one line a setting that has changed."""
        raise NotImplementedError

    def evaluate(self) -> None:
        """Evaluate the policy as it is."""
        raise NotImplementedError

    def conditions(self) -> NDArray[np.int64] | None:
        """Device condition of every body, as its place in CONDITIONS; None where there is no device."""
        raise NotImplementedError

    def signature(self) -> dict[str, Any]:
        """What a policy of this run has to agree with."""
        return self.world.signature()

    def prepare(self, stop: Callable[[], bool]) -> bool:
        """What comes before the first update; returns whether it came to its end."""
        return True

    def run(
        self,
        report: Callable[[dict[str, float]], None] | None = None,
        stop_after: float | None = None,
        *,
        evaluate_last: bool = True,
    ) -> None:
        """Train until the curriculum ends, and write checkpoint and policies.

        Args:
            report: Called with the figures of every update.
            stop_after: Stop (with a checkpoint) after this many seconds of wall time.
            evaluate_last: Evaluate what the curriculum ended with too, so that the shortest run has a best policy.

        Raises:
            Stopped: SIGINT or SIGTERM came; checkpoint and policies hold everything up to then.
        """
        if self.samples == 0:
            set_aside(self.folder)
        self._write_manifest()
        begin = last_checkpoint = time.monotonic()
        with heeded_signals("finishing this update, then saving checkpoint and policies") as asked:
            if not self.prepare(lambda: asked.number is not None):
                saved = "nothing is saved before the imitation ends"
                raise Stopped(asked.number or 0, saved)
            while self.samples < self.config.samples and asked.number is None:
                figures = self.update()
                self.log(figures)
                if report is not None:
                    report(figures)
                if self.samples >= self.next_evaluation:
                    self.next_evaluation += self.config.evaluate_every
                    self.evaluate()
                now = time.monotonic()
                if now - last_checkpoint > 60 * self.config.checkpoint_minutes:
                    self.save_checkpoint()
                    last_checkpoint = now
                if stop_after is not None and now - begin > stop_after:
                    break
            # Only at the curriculum's end: at a stop before it, an evaluation would make the resumed run another one.
            ended = self.samples >= self.config.samples and asked.number is None
            if evaluate_last and ended and (not self.curve or self.curve[-1]["samples"] < self.samples):
                self.evaluate()
            self.save_checkpoint()
            if asked.number is not None:
                saved = (
                    f"{self.folder} holds checkpoint and policies of {self.samples} steps; --resume goes on from there"
                )
                raise Stopped(asked.number, saved)

    def _write_manifest(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        content = json.dumps(jsonable(dataclasses.asdict(self.config)), indent=1) + "\n"
        write_text_atomic(self.folder / CONFIG, content)
        manifest = {
            "git_revision": git_revision(),
            "packages": {name: metadata.version(name) for name in self.packages},
            "python": platform.python_version(),
            "machine": platform.machine(),
            "threads": {"torch": torch.get_num_threads(), "numba": os.environ.get("NUMBA_NUM_THREADS", "all")},
            **self.signature(),
        }
        write_text_atomic(self.folder / MANIFEST, json.dumps(manifest, indent=1) + "\n")

    def wanted_conditions(self) -> dict[str, float] | None:
        """Shares of the device conditions of the present stage; None leaves them as they are."""
        return stage_at(self.config, self.samples).conditions

    def dress(self) -> bool:
        """Put the bodies into the device conditions of the present stage; whether one changed, which starts anew."""
        wanted, now = self.wanted_conditions(), self.conditions()
        if wanted is None or now is None:
            return False
        conditions = Population(conditions=wanted).conditions_of(len(now))
        changed = np.flatnonzero(conditions != now)
        if not len(changed):
            return False
        for k, name in enumerate(CONDITIONS):
            self.world.dress(changed[conditions[changed] == k], name)
        self.world.reset(changed)
        self.episodes.restart(changed)
        return True

    def provenance(self) -> dict[str, Any]:
        """What a policy tells of this run: bodies, settings, code, samples, curve."""
        # A policy is at home in the world of the present stage, not in that of the first.
        config = dataclasses.replace(self.config, world=world_at(self.config, self.samples))
        return {
            **self.signature(),
            "settings": without_folders(jsonable(dataclasses.asdict(config))),
            "git_revision": git_revision(),
            "samples": self.earlier_samples + self.samples,
            "curve": self.curve,
        }

    def progress(self) -> dict[str, Any]:
        """What a checkpoint tells of this run."""
        return {
            "config": jsonable(dataclasses.asdict(self.config)), "signature": self.signature(),
            "samples": self.samples, "earlier_samples": self.earlier_samples, "seconds": float(self.seconds),
            "best": float(self.best), "next_evaluation": float(self.next_evaluation), "curve": self.curve,
        }  # fmt: skip

    def go_on_from(self, facts: dict[str, Any]) -> list[str]:
        """Stand where :meth:`progress` says, and forget the rows of tables that came after it.

        Args:
            facts: What the checkpoint tells, and under ``changed`` one line a setting that has changed.

        Returns:
            These lines, and one that says so where the best score of before means nothing any more.
        """
        self.samples, self.seconds, self.best = facts["samples"], facts["seconds"], facts["best"]
        self.next_evaluation, self.curve = facts["next_evaluation"], facts["curve"]
        for name in (PROGRESS, EVALUATION):
            drop_rows_after(self.folder / name, self.samples)
        lines: list[str] = facts["changed"]
        if self.best > -np.inf and lines:
            now = json.loads(json.dumps(jsonable(dataclasses.asdict(self.config))))
            if changed_settings(judging(facts["config"]), judging(now)):
                lines = [*lines, f"best score was {self.best:.4g} by other settings, now the next evaluation's"]
                self.best = -np.inf
        return lines

    def log(self, figures: dict[str, float]) -> None:
        """Add a row to the progress table and TensorBoard's."""
        append_row(self.folder / PROGRESS, figures)
        writer_class = tensorboard_writer()
        if writer_class is not None:
            if not hasattr(self, "_board"):
                self._board = writer_class(str(self.folder / "tensorboard"), purge_step=self.samples)
            for name, value in figures.items():
                self._board.add_scalar(name, value, self.samples)


def stage_at(config: Any, samples: float) -> Stage:
    """The stage of a run after so many control steps; what it leaves open is as in the last one that said it."""
    passed = 0.0
    learn: Literal["human", "device", "both"] | None = None
    conditions: dict[str, float] | None = None
    stage = config.stages[0]
    for stage in config.stages:
        learn, conditions = stage.learn or learn, stage.conditions or conditions
        passed += stage.samples
        if samples < passed:
            break
    return dataclasses.replace(stage, learn=learn, conditions=conditions)


def world_at(config: Any, samples: float) -> Any:
    """The settings of a run's world in the stage after so many control steps."""
    world, passed = config.world, 0.0
    for stage in config.stages:
        changes: dict[str, Any] = {
            name: getattr(stage, name)
            for name in ("speeds", "push_force", "push_interval")
            if getattr(stage, name) is not None
        }
        if stage.human_weights is not None:
            changes["human_weights"] = {**world.human_weights, **stage.human_weights}
        world = dataclasses.replace(world, **changes)
        if stage.world:
            world = from_mapping(type(world), merged(dataclasses.asdict(world), stage.world), where="stage: world")
        passed += stage.samples
        if samples < passed:
            break
    return world


class Trainer(TrainingRun):
    """One run of human and exoskeleton in one folder."""

    packages = ("numpy", "numba", "torch", "stable-baselines3", "gymnasium")

    def __init__(self, config: TrainConfig, folder: str | Path) -> None:
        super().__init__(config, folder)
        self.world = make_world(config.setup, config.world, n_envs=config.n_envs, seed=config.seed)
        world = self.world
        if config.strategies is not None:
            world.strategies = _strategies_for(config)
            world.reset(np.arange(config.n_envs))
        self.human = Learner(
            config.human, n_envs=config.n_envs, n_steps=config.n_steps,
            n_observations=len(world.human_observation_names), n_actions=world.n_human_actions, seed=config.seed,
        )  # fmt: skip
        self.device: Learner | None = None
        self.wearers: Wearers | None = None
        self.prescribed: PrescribedTorque | None = None
        self.legs: Legs | None = None
        if world.exoskeleton is not None and config.device_profile is not None:
            self.prescribed = PrescribedTorque(world, config.device_profile)
        elif world.exoskeleton is not None:
            if config.share_legs and alike_on_both_sides(world.exoskeleton.device):
                self.legs = Legs(world.exoskeleton.device)
            self.wearers = Wearers(world, self.legs)
            self.device = Learner(
                config.device, n_envs=self.wearers.n_learned, n_steps=config.n_steps,
                n_observations=world.exoskeleton.n_observations,
                n_actions=world.n_device_actions if self.legs is None else self.legs.n_actions,
                seed=config.seed + 1,
            )  # fmt: skip
        self.earlier_samples = start_networks(config, self.human, self.device, self.legs, world)
        self.episodes = Episodes.new(config.n_envs)

    def conditions(self) -> NDArray[np.int64] | None:
        """Device condition of every body, as its place in CONDITIONS; None where there is no device."""
        exoskeleton, worn = self.world.exoskeleton, self.world.physics.device_worn
        return None if exoskeleton is None else (worn + worn * exoskeleton.powered).astype(int)

    @property
    def powered(self) -> NDArray[np.int64]:
        """Environments whose device is on and has a learner."""
        return np.zeros(0, np.int64) if self.wearers is None else self.wearers.index

    # ---- the loop --------------------------------------------------------------------------------------------------

    def update(self) -> dict[str, float]:
        """One roll-out of every environment and one update of every learner that learns."""
        start = time.monotonic()
        world, config = self.world, self.config
        world.set_config(world_at(self.config, self.samples))
        if self.dress():
            self._find_powered()
        for learner in (self.human, self.device):
            if learner is not None:
                learner.begin()
        learn = stage_at(self.config, self.samples).learn or config.learn
        human_learns, device_learns = learn in ("human", "both"), learn in ("device", "both")
        figures = collect(
            world, self.human, self.device, self.wearers, self.prescribed, self.episodes,
            n_steps=config.n_steps, control_step=config.world.control_step,
            human_learns=human_learns, device_learns=device_learns,
        )  # fmt: skip
        simulated = time.monotonic()
        if human_learns:
            found = self.human.update(world.human_observation(), self.episodes.starts)
            figures |= {f"human/{key}": value for key, value in found.items()}
        if self.device is not None and self.wearers is not None and device_learns:
            found = self.device.update(self.wearers.sensed(), self.wearers.each(self.episodes.starts))
            figures |= {f"device/{key}": value for key, value in found.items()}
        self.samples += config.n_envs * config.n_steps
        end = time.monotonic()
        self.seconds += end - start
        figures |= {
            "samples": self.samples,
            "seconds": self.seconds,
            "episode_seconds": self.episodes.mean_length(),
            "simulated_per_wall_second": config.n_envs * config.n_steps * config.world.control_step / (end - start),
            "learning_share": (end - simulated) / (end - start),
        }
        return figures

    def _find_powered(self) -> None:
        """Give the device's learner the environments whose device is on."""
        if self.wearers is not None and self.device is not None:
            self.wearers.find()
            self.device.set_environments(self.wearers.n_learned)

    # ---- evaluation and export -------------------------------------------------------------------------------------

    def policy(self, role: Literal["human", "device"] = "human") -> Policy:
        """The present deterministic policy of one agent."""
        learner = self.human if role == "human" else self.device
        if learner is None:
            raise InputError("role", role, "this run has no device")
        both = self.legs.plain if role == "device" and self.legs is not None else None
        return policy_from_learner(learner, {"name": self.config.name, "role": role, **self.provenance()}, both)

    def evaluate(self) -> None:
        """Evaluate the policies as they are, and keep them where they are the best so far."""
        world = world_at(self.config, self.samples)
        speeds = world.speeds
        result = evaluate_policy(
            self.policy(),
            self.config.setup,
            world,
            self.config.evaluation,
            device_policy=None if self.device is None else self.policy("device"),
            strategies=self.world.strategies,
            speeds=speeds,
            seed=self.config.seed,
        )
        entry = {"samples": float(self.samples), "seconds": self.seconds, **result}
        self.curve.append({key: round(value, 5) for key, value in entry.items()})
        append_row(self.folder / EVALUATION, entry)
        score = result["survival"] * result["score"] + 1e-3 * (speeds[1] - speeds[0])
        if score >= self.best:
            self.best = score
            self.policy().save(self.folder / "best_human")
            if self.device is not None:
                self.policy("device").save(self.folder / "best_device")

    # ---- files -----------------------------------------------------------------------------------------------------

    def save_checkpoint(self) -> Path:
        """Write the policies as they are, and everything the run depends on, each file whole or not at all."""
        for role in ("human",) if self.device is None else ("human", "device"):
            self.policy(role).save(self.folder / f"last_{role}")
        facts = {**self.progress(), "legs_shared": self.legs is not None}
        return write_checkpoint(self.folder / CHECKPOINT, facts, self.human, self.device, self.world, self.episodes)

    def load_checkpoint(self, path: str | Path | None = None, *, override: bool = False) -> list[str]:
        """Go on from a checkpoint, by default the folder's own.

        Args:
            path: The checkpoint.
            override: Go on although settings have changed, where they may (:data:`.config.MAY_CHANGE`).

        Returns:
            One line a setting that has changed, and one where the best score was forgotten for it.

        Raises:
            FileFormatError: The file is damaged, belongs to another run, or was made with other settings.
        """
        path = self.folder / CHECKPOINT if path is None else Path(path)
        facts = restore_checkpoint(
            path, self.config, self.human, self.device, self.world, self.episodes, override=override
        )
        self._find_powered()
        return self.go_on_from(facts)


def _strategies_for(config: TrainConfig) -> Strategies:
    """The strategies of a run, refused where a body of its population has none among them."""
    found = load_strategies(str(config.strategies))
    if found.strength >= FULL_STRENGTH:  # the healthy body's, which any body may walk with
        return found
    population = config.setup.population
    for kind in () if population is None else population.bodies:
        if kind.deficit is None:
            continue
        if (
            Path(kind.deficit).stem != found.body
            or kind.side == "both"
            or min(kind.strength) < found.strength - ROUNDING
        ):
            known = f"{found.body}, one side, {found.strength:g} to 100 percent"
            raise InputError("strategies", config.strategies, f"bodies of these strategies: {known}")
    return found
