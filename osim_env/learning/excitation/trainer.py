"""A training in the excitation world: imitation of a teacher, then PPO, resumable to the bit.

The folder is that of every run (:mod:`..trainer`). The imitation is one piece: what it gathers is gigabytes, so a run
that is killed in it begins it anew, with the same result; a checkpoint follows at its end.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from exogait.data.errors import InputError

from ...excitation.world import ExcitationWorld
from ...gait.population import CONDITIONS
from ..collect import Episodes
from ..learner import CLIP_OBSERVATION
from ..log import CHECKPOINT, EVALUATION, IMITATION, append_row
from ..policy import Policy, load_policy
from ..trainer import TrainingRun, stage_at, world_at
from .checkpoint import restore_checkpoint, write_checkpoint
from .collect import collect
from .config import ExcitationTrainConfig
from .device import DeviceAgent
from .imitation import imitate
from .learner import ExcitationLearner
from .network import Room
from .setup import make_excitation_world
from .walking import evaluate_excitations

Floats = NDArray[np.float64]
FAILING_SHARE = 4.0
"""How much more often a speed is drawn at which every walk of an evaluation ended in a fall."""
COVARIANCE_STEPS = 150
"""Control steps of a policy at the start of a run whose commands tell the covariance of the noise."""


class ExcitationTrainer(TrainingRun):
    """One run in one folder.

    Attributes:
        world: The bodies.
        human: The learner.
        device: What decides for the devices that are on; None where there is no device.
        episodes: Where episodes stand.
        taught: Whether the imitation is over.
    """

    def __init__(self, config: ExcitationTrainConfig, folder: str | Path) -> None:
        super().__init__(config, folder)
        self.world = make_excitation_world(
            config.setup, world_at(config, 0), n_envs=config.n_envs, seed=config.seed, sizes=True
        )
        self.human = ExcitationLearner(config.human, self.world, n_steps=config.n_steps, seed=config.seed)
        self.device = None if self.world.device is None else DeviceAgent(config, self.world)
        self.earlier_samples = 0
        if config.start_human is not None:
            start = load_policy(config.start_human)
            self.earlier_samples = int(start.metadata.get("samples", 0))
            start_from(self.human, start, self.world.signature())
            self.human.set_covariance(covariance_of(self.human, self.world))
        self.episodes = Episodes.new(config.n_envs)
        self.taught = config.imitation is None
        self.human.frozen_statistics = config.imitation is not None or config.start_human is not None

    def conditions(self) -> NDArray[np.int64] | None:
        """Device condition of every body, as its place in CONDITIONS; None where there is no device."""
        worn, powered = self.world.bodies.worn, self.world.bodies.powered
        return None if self.world.device is None else (worn + worn * powered).astype(int)

    # ---- learning --------------------------------------------------------------------------------------------------

    def prepare(self, stop: Callable[[], bool]) -> bool:
        """Imitate the teacher, where there is one and it has not been done; returns whether it came to its end."""
        if self.taught:
            return True
        begin = time.monotonic()

        def tell(figures: dict[str, float]) -> None:
            append_row(self.folder / IMITATION, {**figures, "seconds": time.monotonic() - begin})
            print(
                f"imitation {figures['round']:.0f}/{self.config.imitation.iterations}: "
                f"{figures['labels']:.0f} labels, loss {figures['loss']:.5f}, {figures['falls']:.0f} falls",
                flush=True,
            )

        (self.folder / IMITATION).unlink(missing_ok=True)
        self.taught = imitate(self.config, self.human, tell, stop)
        if self.taught:
            self.evaluate()
            self.save_checkpoint()
        return self.taught

    def update(self) -> dict[str, float]:
        """One roll-out of every body and one update of the learner; figures by name.

        ``share/...`` are the shares of the wall time: the simulation, the networks' forward passes while acting and
        valuing, the learning, and the rest.
        """
        start = time.monotonic()
        self.world.set_config(world_at(self.config, self.samples))
        if self.dress() and self.device is not None:
            self.device.find()
        learns: Literal["human", "device"] = self.learning
        figures = collect(self.world, self.human, self.device, self.episodes, learns=learns)
        if learns == "human":
            figures |= {f"human/{key}": value for key, value in self.human.update(self.world).items()}
        elif self.device is not None:
            begin = time.monotonic()
            figures |= {f"device/{key}": value for key, value in self.device.update().items()}
            self.human.seconds["learning"] += time.monotonic() - begin
        steps = self.config.n_envs * self.config.n_steps
        self.samples += steps
        wall = time.monotonic() - start
        self.seconds += wall
        shares = {"simulation": figures.pop("seconds/simulation"), **self.human.seconds}
        figures |= {f"share/{name}": seconds / wall for name, seconds in shares.items()}
        return figures | {
            "share/rest": 1.0 - sum(shares.values()) / wall,
            "samples": self.samples,
            "seconds": self.seconds,
            "episode_seconds": self.episodes.mean_length(),
            "simulated_per_wall_second": steps * self.config.world.control_step / wall,
        }

    @property
    def learning(self) -> Literal["human", "device"]:
        """Who learns now."""
        told = stage_at(self.config, self.samples).learn
        if told is None and self.config.turns is not None:
            human, device = self.config.turns
            return "human" if self.samples % (human + device) < human else "device"
        return "device" if (told or self.config.learn) == "device" else "human"

    def wanted_conditions(self) -> dict[str, float] | None:
        """Shares of the device conditions now; what a device learns in its turn, it learns from all bodies."""
        told, population = super().wanted_conditions(), self.config.setup.population
        if self.config.turns is None:
            return told
        if self.learning == "device":
            return {"powered": 1.0}
        return told or (None if population is None else dict(population.conditions))

    # ---- evaluation and export -------------------------------------------------------------------------------------

    def device_policy(self) -> Policy | None:
        """The device's present deterministic policy; None where nothing decides for one."""
        if self.device is None:
            return None
        return self.device.at_rest({"name": self.config.name, "role": "device", **self.provenance()})

    def policy(self) -> Policy:
        """The present deterministic policy of the muscles."""
        n, statistics = self.world.n_observations, self.human.statistics
        layers = [(weight.astype(float), bias.astype(float)) for weight, bias in self.human.actor.numpy_layers()]
        # What it never saw vary has no influence: the weights for it are still the random ones of the start.
        layers[0] = (np.where(statistics.varied[:n], layers[0][0], 0.0), layers[0][1])
        noise = np.sqrt(np.square(self.human.noise.spread.numpy()).sum(axis=1))
        return Policy(
            mean=statistics.centre[:n].astype(float),
            scale=statistics.scale[:n].astype(float),
            clip=CLIP_OBSERVATION,
            layers=tuple(layers),
            log_std=np.log(noise),
            metadata={"name": self.config.name, "role": "human", "activation": "silu", **self.provenance()},
        )

    def evaluate(self) -> None:
        """Evaluate the policy as it is, and keep it where it is the best so far."""
        world = world_at(self.config, self.samples)
        human, device = self.policy(), self.device_policy()
        now = self.conditions()
        conditions = [None] if now is None else [CONDITIONS[k] for k in np.unique(now)]
        each = [
            evaluate_excitations(
                human, self.config.setup, world, self.config.evaluation, speeds=world.speeds, device_policy=device,
                condition=condition, seed=self.config.seed,
            )
            for condition in conditions
        ]  # fmt: skip
        # A pair is as good as in its worst condition; what each costs stands beside.
        result = {name: min(one[name] for one in each) for name in each[0]}
        for condition, one in zip(conditions, each, strict=True):
            if condition is not None:
                told = ("survival", "power", "credited_power", "score")
                result |= {f"{condition}/{name}": one[name] for name in told}
        entry = {"samples": float(self.samples), "seconds": self.seconds, **result}
        self.curve.append({key: round(value, 5) for key, value in entry.items() if value == value})
        append_row(self.folder / EVALUATION, entry)
        # A policy is as good as at its worst speed; there the training goes on most.
        score = result["minimum_survival"] * result["score"]
        failing = np.array([1.0 - result[name] for name in result if name.startswith("survival/")])
        edges = np.linspace(0.0, 1.0, len(failing))
        bins = (np.arange(world.speed_bins) + 0.5) / world.speed_bins
        self.world.set_shares(1.0 + FAILING_SHARE * np.interp(bins, edges, failing))
        if score >= self.best:
            self.best = score
            self._save("best")

    # ---- files -----------------------------------------------------------------------------------------------------

    def save_checkpoint(self) -> Path:
        """Write the policy as it is, and everything the run depends on, each file whole or not at all."""
        self._save("last")
        return write_checkpoint(
            self.folder / CHECKPOINT, self.progress(), self.human, self.device, self.world, self.episodes
        )

    def _save(self, which: str) -> None:
        """Write the policies as they are; a device's where it learns here."""
        self.policy().save(self.folder / f"{which}_human")
        device = self.device_policy()
        if device is not None and self.config.device is not None:
            device.save(self.folder / f"{which}_device")

    def load_checkpoint(self, path: str | Path | None = None, *, override: bool = False) -> list[str]:
        """Go on from a checkpoint, by default the folder's own.

        Args:
            path: The checkpoint.
            override: Go on although settings have changed, where they may (:data:`..config.MAY_CHANGE`).

        Returns:
            One line a setting that has changed, and one where the best score was forgotten for it.

        Raises:
            FileFormatError: The file is damaged, belongs to another run, or was made with other settings.
        """
        path = self.folder / CHECKPOINT if path is None else Path(path)
        facts = restore_checkpoint(
            path, self.config, self.human, self.device, self.world, self.episodes, override=override
        )
        self.earlier_samples, self.taught = facts["earlier_samples"], True
        return self.go_on_from(facts)


def covariance_of(learner: ExcitationLearner, world: ExcitationWorld) -> Floats:
    """Covariance of what a policy commands while it walks, shape (n_actions, n_actions); the bodies begin anew then."""
    room, said = Room(learner.actor, world.n_envs), []
    for _ in range(COVARIANCE_STEPS):
        said.append(learner.mean_action(world.results.observation, room).copy())
        world.step(said[-1])
    world.reset()
    world.steps = 0
    return np.cov(np.concatenate(said), rowvar=False, dtype=np.float64)


def start_from(learner: ExcitationLearner, policy: Policy, signature: dict[str, Any]) -> None:
    """Start a learner's policy (not its critic) from one at rest; observations are matched by name.

    One that the policy did not know, or knew without ever seeing it vary, starts without any influence.

    Raises:
        InputError: It is of another scheme, or has other layers, actions or observations.
    """
    known, names = policy.metadata.get("human_observations", []), signature["human_observations"]
    shapes = [tuple(weight.shape) for weight, _ in policy.layers[1:]]
    wanted = [tuple(weight.shape) for weight, _ in learner.actor.layers[1:]]
    if (
        policy.metadata.get("scheme") != signature["scheme"]
        or policy.metadata.get("human_actions") != signature["human_actions"]
        or set(known) - set(names)
        or shapes != wanted
    ):
        raise InputError("start_human", policy.metadata.get("name", ""), "this scheme's, of the same layers and names")
    columns = np.array([names.index(name) for name in known])
    (first, bias), statistics = learner.actor.layers[0], learner.statistics
    first.zero_()
    numpy_first = first.numpy()
    numpy_first[:, columns] = policy.layers[0][0]
    bias.numpy()[:] = policy.layers[0][1]
    for (weight, own), (given, given_bias) in zip(learner.actor.layers[1:], policy.layers[1:], strict=True):
        weight.numpy()[:], own.numpy()[:] = given, given_bias
    learner.actor.changed()
    statistics.start(columns, policy.mean, policy.scale, len(names))
