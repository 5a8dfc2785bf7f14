"""Training: two learners on one batch of simulated bodies, resumable to the bit.

A run is a folder: ``config.json`` and ``manifest.json`` are written before the first step, ``progress.csv`` (and
TensorBoard files, where installed) as it goes, ``checkpoint.npz`` every few minutes by writing beside and renaming,
and the best evaluated policy as safetensors and JSON. A killed run goes on from its checkpoint with the same random
numbers and the same states of every environment, so its curve is the one it would have had.
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

from exogait.data.errors import FileFormatError, InputError
from exogait.data.settings import from_mapping
from exogait.models.deficit import FULL_STRENGTH

from ..device.legs import Legs, alike_on_both_sides
from ..gait.config import WorldConfig
from ..gait.population import CONDITIONS, Population
from ..gait.setup import make_world
from ..gait.strategy import ROUNDING, Strategies, load_strategies
from .checkpoint import load_networks, part_of, read_checkpoint
from .config import Array, Stage, TrainConfig, git_revision, jsonable, merged, without_folders
from .evaluation import evaluate_policy
from .learner import Learner
from .log import append_row, drop_rows_after, tensorboard_writer
from .policy import Policy, load_policy, policy_from_learner
from .prescribed import PrescribedTorque


class Trainer:
    """One run in one folder."""

    def __init__(self, config: TrainConfig, folder: str | Path) -> None:
        self.config, self.folder = config, Path(folder)
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
        self.powered = np.zeros(0, np.int64)
        self.prescribed: PrescribedTorque | None = None
        self.legs: Legs | None = None
        if world.exoskeleton is not None and config.device_profile is not None:
            self.prescribed = PrescribedTorque(world, config.device_profile)
        elif world.exoskeleton is not None:
            self._find_powered()
            if config.share_legs and alike_on_both_sides(world.exoskeleton.device):
                self.legs = Legs(world.exoskeleton)
            self.device = Learner(
                config.device, n_envs=len(self.powered) * (1 if self.legs is None else 2), n_steps=config.n_steps,
                n_observations=world.exoskeleton.n_observations,
                n_actions=world.n_device_actions if self.legs is None else self.legs.n_actions,
                seed=config.seed + 1,
            )  # fmt: skip
        self.earlier_samples = 0
        if config.start_human is not None:
            start = load_policy(config.start_human)
            self.earlier_samples = int(start.metadata.get("samples", 0))
            load_networks(self.human, start, "human", world.signature())
        if config.start_device is not None and self.device is not None:
            start = load_policy(config.start_device)
            if self.legs is not None:
                try:
                    layers, log_std = self.legs.leg(start.layers), start.log_std[self.legs.right]
                    start = dataclasses.replace(start, layers=tuple(layers), log_std=log_std)
                except ValueError as error:
                    reason = f"one network for each leg, but {error}: set share_legs: false"
                    raise InputError("start_device", config.start_device, reason) from None
            load_networks(self.device, start, "device", world.signature())
        if config.start_checkpoint is not None:
            content = read_checkpoint(Path(config.start_checkpoint))
            facts = json.loads(content["facts"].tobytes())
            self.earlier_samples = int(facts["samples"] + facts.get("earlier_samples", 0))
            self.human.load_arrays(part_of(content, "human/"), optimizer=False)
            if config.human.start_std is not None:
                self.human.set_std(config.human.start_std)
            if self.device is not None:
                arrays = part_of(content, "device/")
                if self.legs is None and world.exoskeleton is not None and facts.get("legs_shared"):
                    arrays = Legs(world.exoskeleton).plain(arrays)
                try:
                    self.device.load_arrays(arrays, optimizer=False)
                except RuntimeError as error:
                    raise InputError(
                        "start_checkpoint", config.start_checkpoint, f"networks of the same layers ({error})"
                    ) from None
        self.samples = 0
        self.seconds = 0.0
        self.best = -np.inf
        self.next_evaluation = config.evaluate_every
        self.curve: list[dict[str, float]] = []
        self._starts = np.ones(config.n_envs, bool)
        self._lengths = np.zeros(config.n_envs)
        self._finished: list[float] = []

    # ---- the loop --------------------------------------------------------------------------------------------------

    def run(self, report: Callable[[dict[str, float]], None] | None = None, stop_after: float | None = None) -> None:
        """Train until the curriculum ends.

        Args:
            report: Called with the figures of every update.
            stop_after: Stop (with a checkpoint) after this many seconds of wall time.
        """
        self._write_manifest()
        begin = last_checkpoint = time.monotonic()
        while self.samples < self.config.samples:
            figures = self.update()
            self._log(figures)
            if report is not None:
                report(figures)
            if self.samples >= self.next_evaluation:
                self.next_evaluation += self.config.evaluate_every
                self._evaluate()
            now = time.monotonic()
            if now - last_checkpoint > 60 * self.config.checkpoint_minutes:
                self.save_checkpoint()
                last_checkpoint = now
            if stop_after is not None and now - begin > stop_after:
                break
        self.save_checkpoint()

    def update(self) -> dict[str, float]:
        """One roll-out of every environment and one update of every learner that learns."""
        start = time.monotonic()
        world, config = self.world, self.config
        world.set_config(self._world_config())
        self._dress()
        for learner in (self.human, self.device):
            if learner is not None:
                learner.begin()
        sums: dict[str, float] = {}
        reward_sum = np.zeros(2)
        done = self._starts
        on = self.powered
        device_action = np.zeros((config.n_envs, world.n_device_actions)) if world.exoskeleton is not None else None
        learn = self._stage().learn or config.learn
        # Who does not learn acts without noise, and is learned against, as it will be used.
        human_learns, device_learns = learn in ("human", "both"), learn in ("device", "both")
        for _ in range(config.n_steps):
            seen = world.human_observation()
            human_action = self.human.act(seen) if human_learns else self.human.act_without_noise(seen)
            if self.device is not None and device_action is not None and len(on):
                act = self.device.act if device_learns else self.device.act_without_noise
                device_action[on] = self._device_action(act(self._sensed()))
            elif self.prescribed is not None:
                device_action = self.prescribed.act()
            step = world.step(
                np.clip(human_action, -1, 1), None if device_action is None else np.clip(device_action, -1, 1)
            )
            if human_learns:
                self.human.record(step.human_reward, done, step.truncated, step.human_final)
            if self.device is not None and device_learns:
                self.device.record(
                    self._each_leg(step.device_reward[on]), self._each_leg(done[on]),
                    self._each_leg(step.truncated[on]), self._leg_view(step.device_final[on]),
                )  # fmt: skip
            done = step.terminated | step.truncated
            self._lengths += config.world.control_step
            self._finished += self._lengths[done].tolist()
            self._lengths[done] = 0.0
            reward_sum += step.human_reward.mean(), step.device_reward.mean()
            for name, value in step.terms.items():
                sums[name] = sums.get(name, 0.0) + float(np.nanmean(value))
        self._starts = done
        simulated = time.monotonic()
        figures = {f"term/{name}": value / config.n_steps for name, value in sums.items()}
        figures |= {"reward/human": reward_sum[0] / config.n_steps, "reward/device": reward_sum[1] / config.n_steps}
        if human_learns:
            found = self.human.update(world.human_observation(), done)
            figures |= {f"human/{key}": value for key, value in found.items()}
        if self.device is not None and device_learns:
            found = self.device.update(self._sensed(), self._each_leg(done[on]))
            figures |= {f"device/{key}": value for key, value in found.items()}
        self.samples += config.n_envs * config.n_steps
        end = time.monotonic()
        self.seconds += end - start
        self._finished = self._finished[-400:]
        figures |= {
            "samples": self.samples,
            "seconds": self.seconds,
            "episode_seconds": float(np.mean(self._finished)) if self._finished else 0.0,
            "simulated_per_wall_second": config.n_envs * config.n_steps * config.world.control_step / (end - start),
            "learning_share": (end - simulated) / (end - start),
        }
        return figures

    def _dress(self) -> None:
        """Put the bodies into the device conditions of the present stage; who changes starts anew."""
        conditions = self._stage().conditions
        exoskeleton = self.world.exoskeleton
        if conditions is None or exoskeleton is None:
            return
        wanted = Population(conditions=conditions).conditions_of(self.config.n_envs)
        worn = self.world.physics.device_worn
        changed = np.flatnonzero(wanted != (worn + worn * exoskeleton.powered).astype(int))
        if not len(changed):
            return
        for k, name in enumerate(CONDITIONS):
            self.world.dress(changed[wanted[changed] == k], name)
        self.world.reset(changed)
        self._starts[changed], self._lengths[changed] = True, 0.0
        self._find_powered()

    def _find_powered(self) -> None:
        """Only environments whose device is on can teach it anything."""
        assert self.world.exoskeleton is not None
        self.powered = np.flatnonzero(self.world.exoskeleton.powered)
        if self.device is not None:
            self.device.set_environments(len(self.powered) * (1 if self.legs is None else 2))

    def _sensed(self) -> Array:
        """Observations of the device's learner: of each powered device, or of each of its legs."""
        return self._leg_view(self.world.device_observation()[self.powered])

    def _leg_view(self, observation: Array) -> Array:
        return observation if self.legs is None else self.legs.observe(observation)

    def _each_leg(self, values: Array) -> Array:
        return values if self.legs is None else np.tile(values, 2)

    def _device_action(self, action: Array) -> Array:
        return action if self.legs is None else self.legs.act(action)

    def _stage(self) -> Stage:
        """The present stage; what it leaves open is as in the last one that said it."""
        passed = 0.0
        learn: Literal["human", "device", "both"] | None = None
        conditions: dict[str, float] | None = None
        for stage in self.config.stages:
            learn, conditions = stage.learn or learn, stage.conditions or conditions
            passed += stage.samples
            if self.samples < passed:
                break
        return dataclasses.replace(stage, learn=learn, conditions=conditions)

    def _world_config(self) -> WorldConfig:
        """The world's settings in the present stage."""
        config, passed = self.config.world, 0.0
        for stage in self.config.stages:
            changes: dict[str, Any] = {
                name: getattr(stage, name)
                for name in ("speeds", "push_force", "push_interval")
                if getattr(stage, name) is not None
            }
            if stage.human_weights is not None:
                changes["human_weights"] = {**config.human_weights, **stage.human_weights}
            config = dataclasses.replace(config, **changes)
            if stage.world:
                config = from_mapping(
                    WorldConfig, merged(dataclasses.asdict(config), stage.world), where="stage: world"
                )
            passed += stage.samples
            if self.samples < passed:
                break
        return config

    # ---- evaluation and export -------------------------------------------------------------------------------------

    def policy(self, role: Literal["human", "device"] = "human") -> Policy:
        """The present deterministic policy of one agent."""
        learner = self.human if role == "human" else self.device
        if learner is None:
            raise InputError("role", role, "this run has no device")
        both = self.legs.plain if role == "device" and self.legs is not None else None
        # A policy is at home in the world of the present stage, not in that of the first.
        config = dataclasses.replace(self.config, world=self._world_config())
        return policy_from_learner(
            learner,
            {
                "name": self.config.name,
                "role": role,
                **self.world.signature(),
                "settings": without_folders(jsonable(dataclasses.asdict(config))),
                "git_revision": git_revision(),
                "samples": self.earlier_samples + self.samples,
                "curve": self.curve,
            },
            both,
        )

    def _evaluate(self) -> None:
        world = self._world_config()
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
        append_row(self.folder / "evaluation.csv", entry)
        score = result["survival"] * result["score"] + 1e-3 * (speeds[1] - speeds[0])
        if score >= self.best:
            self.best = score
            self.policy().save(self.folder / "best_human")
            if self.device is not None:
                self.policy("device").save(self.folder / "best_device")

    # ---- files -----------------------------------------------------------------------------------------------------

    def _write_manifest(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "config.json").write_text(
            json.dumps(jsonable(dataclasses.asdict(self.config)), indent=1) + "\n"
        )
        packages = ("numpy", "numba", "torch", "stable-baselines3", "gymnasium")
        manifest = {
            "git_revision": git_revision(),
            "packages": {name: metadata.version(name) for name in packages},
            "python": platform.python_version(),
            "machine": platform.machine(),
            "threads": {"torch": torch.get_num_threads(), "numba": os.environ.get("NUMBA_NUM_THREADS", "all")},
            **self.world.signature(),
        }
        (self.folder / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n")

    def _log(self, figures: dict[str, float]) -> None:
        append_row(self.folder / "progress.csv", figures)
        writer_class = tensorboard_writer()
        if writer_class is not None:
            if not hasattr(self, "_board"):
                self._board = writer_class(str(self.folder / "tensorboard"))
            for name, value in figures.items():
                self._board.add_scalar(name, value, self.samples)

    def save_checkpoint(self) -> Path:
        """Write everything the run depends on, atomically."""
        content: dict[str, Array] = {f"human/{key}": value for key, value in self.human.arrays().items()}
        if self.device is not None:
            content |= {f"device/{key}": value for key, value in self.device.arrays().items()}
        content |= {f"world/{key}": value for key, value in self.world.arrays().items()}
        content["starts"], content["lengths"] = self._starts, self._lengths
        content["torch_random"] = torch.get_rng_state().numpy()
        kind, keys, position, has_gauss, cached = np.random.get_state()  # noqa: NPY002 (it shuffles minibatches)
        content["numpy_keys"] = np.asarray(keys)
        facts = {
            "config": jsonable(dataclasses.asdict(self.config)),
            "signature": self.world.signature(),
            "legs_shared": self.legs is not None,
            "samples": self.samples, "earlier_samples": self.earlier_samples,
            "seconds": self.seconds, "best": self.best,
            "next_evaluation": self.next_evaluation, "curve": self.curve, "finished": self._finished,
            "numpy": [kind, position, has_gauss, cached], "world_random": self.world.rng.bit_generator.state,
        }  # fmt: skip
        content["facts"] = np.frombuffer(json.dumps(facts).encode(), np.uint8)
        path = self.folder / "checkpoint.npz"
        beside = self.folder / ".checkpoint.tmp.npz"
        with beside.open("wb") as stream:
            np.savez(stream, **content)  # type: ignore[arg-type]
            stream.flush()
            os.fsync(stream.fileno())
        beside.replace(path)
        return path

    def load_checkpoint(self, path: str | Path | None = None) -> None:
        """Go on from a checkpoint, by default the folder's own.

        Raises:
            FileFormatError: The file is damaged or belongs to another run.
        """
        path = self.folder / "checkpoint.npz" if path is None else Path(path)
        content = read_checkpoint(path)
        facts = json.loads(content.pop("facts").tobytes())
        own = self.world.signature()
        if "model_hash" not in facts["signature"]:  # a checkpoint from before there was one
            del own["model_hash"]
        if facts["signature"] != own:
            raise FileFormatError(path, "belongs to another model or observation layout", "start a new run")
        try:
            self.human.load_arrays(part_of(content, "human/"))
            if self.device is not None:
                self.device.load_arrays(part_of(content, "device/"))
            self.world.load_arrays(part_of(content, "world/"))
            if self.world.exoskeleton is not None:
                self._find_powered()
        except (KeyError, ValueError, RuntimeError) as error:
            raise FileFormatError(path, f"does not fit this configuration ({error})", "start a new run") from None
        self._starts, self._lengths = content["starts"].astype(bool), content["lengths"]
        torch.set_rng_state(torch.from_numpy(content["torch_random"].copy()))
        kind, position, has_gauss, cached = facts["numpy"]
        np.random.set_state((kind, content["numpy_keys"], position, has_gauss, cached))  # noqa: NPY002
        self.world.rng.bit_generator.state = facts["world_random"]
        self.samples, self.seconds, self.best = facts["samples"], facts["seconds"], facts["best"]
        self.next_evaluation, self.curve, self._finished = facts["next_evaluation"], facts["curve"], facts["finished"]
        for name in ("progress.csv", "evaluation.csv"):
            drop_rows_after(self.folder / name, self.samples)


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
