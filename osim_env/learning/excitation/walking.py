"""Walks of a policy of the excitation scheme: scores of many, or one as a :class:`data.GaitTrial`.

Nothing helps the walker: no early end, no noise, no new start, float64. For a trial the same engine advances a second
copy of the bodies by the same excitations and torques, and is asked what a laboratory would measure; it has to end
every step where the first one does.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from exogait.data.errors import ExogaitError, InputError, UnknownNameError
from exogait.data.settings import from_mapping
from exogait.data.trial import GaitTrial
from exogait.models.energetics import basal_rate

from ...excitation.config import ExcitationConfig
from ...excitation.task import PLACES
from ...excitation.world import ExcitationWorld
from ...gait.opensim_physics import OpenSimPhysics
from ...gait.population import CONDITIONS
from ...gait.setup import WorldSetup, model_files
from ...gait.twin_physics import TwinPhysics
from ..config import EvaluationConfig
from ..policy import Policy
from ..rollout import Recorder
from .setup import make_excitation_world, walking_config

Floats = NDArray[np.floating[Any]]
SAME = 1e-9
"""Largest difference between the two copies of a body, rad or m."""
BASAL = float(basal_rate(1.0))
"""Basal metabolic rate, W/kg."""


@dataclass(frozen=True)
class Asked:
    """What is asked of a walk beside its speed.

    Attributes:
        slope: Grade of the ground, rise over run, uphill positive; the walk begins on level ground, which tilts by 5%
            a second.
        stride_rate: Stride rate over the reference's at the same speed; 0 lets the body choose.
        load: Place (:data:`...excitation.task.PLACES`) and mass that is carried there (kg; on shanks and feet each
            side); none without.
    """

    slope: float = 0.0
    stride_rate: float = 0.0
    load: tuple[str, float] | None = None

    def __post_init__(self) -> None:
        if self.load is not None and self.load[0] not in PLACES:
            raise UnknownNameError("place of a load", self.load[0], PLACES)
        for name, value, low, high in (
            ("slope", self.slope, -0.5, 0.5), ("stride rate", self.stride_rate, 0.0, 2.0),
            ("load", 0.0 if self.load is None else self.load[1], 0.0, 100.0),
        ):  # fmt: skip
            if not low <= value <= high:
                raise InputError(name, value, f"{low:g} to {high:g}")

    def facts(self) -> dict[str, Any]:
        """What a trial says of it; nothing where nothing is asked."""
        found = {"slope": self.slope, "stride_rate": self.stride_rate, "load": [*(self.load or ())]}
        return {name: value for name, value in found.items() if value}


def evaluate_excitations(
    policy: Policy,
    setup: WorldSetup,
    world_config: ExcitationConfig,
    config: EvaluationConfig,
    *,
    speeds: tuple[float, float],
    device_policy: Policy | None = None,
    condition: str | None = None,
    pushes: tuple[float, float] = (0.0, 0.0),
    seed: int = 0,
) -> dict[str, float]:
    """Walk at several speeds from random starts.

    Args:
        policy: Of the muscles.
        setup: Model, device, reference.
        world_config: Settings of the training.
        config: How many walks, and how long.
        speeds: Slowest and fastest, m/s.
        device_policy: Drives the devices that are on.
        condition: Device condition of all bodies; those of the population without.
        pushes: Force (N) and interval (s) of random pushes.
        seed: Of starts and pushes.

    Returns:
        ``survival`` (share of walks without a fall), ``minimum_survival`` (of the worst speed), ``seconds_walked``
        (mean), ``speed_error`` (mean relative, of the walks that lasted), ``score`` (mean reward per control step, zero
        after a fall), ``power`` and ``credited_power`` (muscles without and with credit for eccentric work and the
        basal rate, W/kg, of the walks that lasted), and ``survival/SPEED`` for each.
    """
    grid = np.unique(np.linspace(*speeds, config.n_speeds))
    commanded = np.repeat(grid, config.starts)
    walking = walking_config(world_config, config.seconds, pushes)
    world = make_excitation_world(setup, walking, n_envs=len(commanded), seed=seed, auto_reset=False)
    if condition is not None and world.device is not None:
        world.dress(np.arange(world.n_envs), condition)
    phase = np.random.default_rng(seed).random(world.n_envs)
    world.reset(phase=phase, speed=commanded)
    steps = round(config.seconds / walking.control_step)
    settle = round(min(config.settle, config.seconds / 2) / walking.control_step)
    forward, up = world.columns.pelvis_tx, np.ones(world.n_envs, bool)
    lasted, score, began, counted = (np.zeros(world.n_envs) for _ in range(4))
    power = np.zeros((world.n_envs, 2))
    for step in range(steps):
        if step == settle:
            began = world.q[:, forward].copy()
        results = world.step(policy.act(world.results.observation), _device_action(world, device_policy))
        up &= world.bodies.fallen == 0
        lasted += up * walking.control_step
        score += np.where(up, results.reward, 0.0)
        if step >= settle:
            power += np.where(up[:, None], world.bodies.power, 0.0)
            counted += up
        if not up.any():
            break
    per_speed = up.reshape(len(grid), config.starts).mean(axis=1)
    found = {
        "survival": float(up.mean()),
        "minimum_survival": float(per_speed.min()),
        "seconds_walked": float(lasted.mean()),
        "score": float(score.mean() / steps),
        "speed_error": np.nan, "power": np.nan, "credited_power": np.nan,
    }  # fmt: skip
    if up.any():
        seconds = counted[up] * walking.control_step
        speed = (world.q[up, forward] - began[up]) / seconds
        mean = (power[up] / counted[up][:, None]).mean(axis=0)
        found["speed_error"] = float(np.abs(speed / commanded[up] - 1.0).mean())
        found["credited_power"], found["power"] = (float(value) + BASAL for value in mean)
    return found | {f"survival/{speed:.2f}": float(share) for speed, share in zip(grid, per_speed, strict=True)}


def _source_of(setup: WorldSetup, world: ExcitationWorld) -> Path:
    """The .osim file of what walks, as it is: in OpenSim masses are those of the file."""
    if world.device is not None and not world.bodies.worn.all():
        raise InputError("device condition", "none", "in OpenSim: a setup without a device, or the device worn")
    source, _ = model_files(setup)
    assert source is not None
    return source


def _device_action(world: ExcitationWorld, policy: Policy | None) -> Floats | None:
    if policy is None or world.device is None:
        return None
    return policy.act(world.results.device_observation)


class Beside:
    """Bodies on the engine's public functions, moved by what an excitation world does; see :class:`Recorded`.

    Attributes:
        world: The excitation world, which does not reset itself.
        physics: The second copy of its bodies.
    """

    def __init__(self, world: ExcitationWorld) -> None:
        self.world, n = world, world.n_envs
        first = world.columns.strength
        self.strength = world.bodies.parameters[:, first : first + world.model.n_muscles].copy()
        self.physics = TwinPhysics(world.model, n, self.strength)
        self.person_mass, self.body_mass = world.bodies.person_mass, world.bodies.body_mass
        self.coordinate_names = tuple(world.model.coordinate_names)
        if world.device is not None:
            for worn in (False, True):
                index = np.flatnonzero((world.bodies.worn > 0) == worn)
                if len(index):
                    self.physics.wear(index, worn, world.device)
        first = world.model.layout.added_mass - world.model.layout.strength + 1
        added = world.bodies.parameters[:, first : first + world.model.n_bodies]
        if added.any():
            self.physics.parameters.added_mass = added.copy()
            self.physics.parameters.added_mass_location = world.parts[0].location[1:].copy()
        self.physics.set_state(np.arange(n), world.q, world.u, world.activation)
        tendon = world.columns.tendon
        self.physics.state.tendon_force[:] = world.bodies.state[:, tendon : tendon + world.model.n_muscles]
        self.controls = np.zeros((n, world.model.n_muscles + world.model.n_actuators))

    @property
    def q(self) -> Floats:
        """Coordinates, shape (batch, n_coordinates), rad or m."""
        return self.world.q

    @property
    def u(self) -> Floats:
        """Speeds, shape (batch, n_coordinates), rad/s or m/s."""
        return self.world.u

    @property
    def activation(self) -> Floats:
        """Activations, shape (batch, n_muscles)."""
        return self.world.activation

    @property
    def phase(self) -> Floats:
        """Share of the stride since right heel strike, shape (batch,)."""
        return self.world.bodies.phase

    @property
    def speed(self) -> Floats:
        """Commanded walking speed, shape (batch,), m/s."""
        return self.world.bodies.speed

    def follow(self) -> None:
        """Advance by what the world's last control step was moved by.

        Raises:
            ExogaitError: A body ended elsewhere than its twin.
        """
        self._advance()
        well = self.world.bodies.status == 0
        if well.any() and not np.abs(self.physics.q - self.q)[well].max() < SAME:
            raise ExogaitError("two copies of a body under the same excitations parted: the engine is inconsistent")

    def _advance(self) -> None:
        world, bodies, n = self.world, self.world.bodies, self.world.model.n_muscles
        self.controls[:, :n] = bodies.excitation
        self.controls[:, n:] = bodies.torque / self.physics.optimal_force
        gravity = world.columns.gravity
        self.physics.parameters.gravity = bodies.parameters[:, gravity : gravity + 3].copy()
        push = bodies.parameters[:, world.columns.push : world.columns.push + 3].copy()
        self.physics.advance(self.controls, world.config.control_step, world.config.integration_step, push)


class Led(Beside):
    """One body in OpenSim itself; the world commands its muscles and observes what OpenSim made of it."""

    def __init__(self, world: ExcitationWorld, source: Path) -> None:
        super().__init__(world)
        self.physics: TwinPhysics = OpenSimPhysics(world.model, source, self.strength)
        tendon = world.columns.tendon
        self.physics.set_state(np.arange(1), world.q, world.u, world.activation)
        self.physics.state.tendon_force[:] = world.bodies.state[:, tendon : tendon + world.model.n_muscles]

    def follow(self) -> None:
        """Advance OpenSim by what the world's last control step commanded, and put the world where it is then."""
        self._advance()
        physics = self.physics
        self.world.observe_at(physics.q, physics.u, physics.activation, physics.tendon_force)


def walk_with_excitations(
    policy: Policy,
    setup: WorldSetup,
    *,
    speed: float,
    seconds: float,
    device_policy: Policy | None = None,
    condition: str | None = None,
    phase: float | None = None,
    seed: int = 0,
    other_model: bool = False,
    asked: Asked | None = None,
    progress: Callable[[float], None] | None = None,
) -> tuple[GaitTrial, TwinPhysics]:
    """Let a policy of the excitation scheme walk once; see :func:`..simulation.simulate`.

    Returns:
        The walk, sampled every control step, and the bodies' physics.

    Raises:
        PolicyMismatchError: The policy is meant for another model, device or observation layout.
        InputError: The speed is outside the reference, or a load is to be carried in OpenSim.
    """
    asked = asked or Asked()
    if asked.load is not None and setup.engine != "twin":
        raise InputError("load", asked.load[0], "the compiled engine, or a model that has the mass")
    config = walking_config(from_mapping(ExcitationConfig, policy.metadata["settings"]["world"]), seconds)
    twin = dataclasses.replace(setup, engine="twin")
    world = make_excitation_world(twin, config, n_envs=1, seed=seed, auto_reset=False)
    policy.require(**world.signature(), other_model=other_model)
    if device_policy is not None:
        device_policy.require_device(world.signature())
    if condition is not None and not (condition == CONDITIONS[0] and world.device is None):
        world.dress(np.arange(1), condition)
    start = np.random.default_rng(seed).random() if phase is None else float(phase)
    world.reset(phase=np.array([start]), speed=np.array([float(speed)]))
    world.ask(slope=asked.slope, stride_rate=asked.stride_rate)
    if asked.load is not None:
        world.carry(np.arange(1), PLACES[asked.load[0]], asked.load[1])
    beside = Beside(world) if setup.engine == "twin" else Led(world, _source_of(setup, world))
    recorder, fall = Recorder(beside), np.inf
    for _ in range(round(seconds / config.control_step)):
        world.step(policy.act(world.results.observation), _device_action(world, device_policy))
        beside.follow()
        recorder.tick()
        if progress is not None:
            progress(recorder.time)
        if world.bodies.fallen[0]:
            fall = round(recorder.time, 9)
            break
    trial = recorder.trial(0, fall)
    carried = float((world.bodies.load[0] * (1.0, 2.0, 2.0)).sum())
    worn = (trial.about.device_mass or 0.0) - carried
    return trial.with_about(device_mass=worn, **asked.facts()), beside.physics
