"""What the walker does of what is asked: speeds, pushes, changes of speed, slopes, sizes, loads, stride rates.

Every walk begins at a random place in the stride and is the policy's alone: deterministic, float64, steps of 1 ms, no
early end and no new start. Starts are drawn from a seed that no training and no choice of a checkpoint used.
"""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from exogait.data.settings import from_mapping
from exogait.models.energetics import basal_rate
from exogait.models.subject import Subject
from exogait.osim_env.excitation.config import ExcitationConfig
from exogait.osim_env.excitation.task import PLACES
from exogait.osim_env.excitation.world import ExcitationWorld
from exogait.osim_env.gait.setup import WorldSetup
from exogait.osim_env.learning.excitation.setup import make_excitation_world, walking_config
from exogait.osim_env.learning.policy import Policy

Floats = NDArray[np.float64]
SEED = 20_000
"""Of starts and pushes; trainings and evaluations in them use small numbers."""
SETTLE = 3.0
"""Time at the start that means leave out, s."""


@dataclass(frozen=True)
class Task:
    """What is asked of some walks.

    Attributes:
        name: How a table calls it.
        speeds: Commanded speeds one after the other, m/s, in equal shares of the time.
        seconds: Length, s.
        slope: Grade.
        stride_rate: Over the reference's at the same speed; 0 lets the body choose.
        load: Place and mass, kg (on shanks and feet each side).
        push: Force of random pushes every two seconds, N.
        size: Height (m) and mass (kg) of the body; the generic one without.
    """

    name: str
    speeds: tuple[float, ...] = (1.25,)
    seconds: float = 20.0
    slope: float = 0.0
    stride_rate: float = 0.0
    load: tuple[str, float] | None = None
    push: float = 0.0
    size: tuple[float, float] | None = None


PUSH_INTERVAL = 2.0


@dataclass
class Walks:
    """What became of the walks of one task; arrays of shape (n,)."""

    task: Task
    up: NDArray[np.bool_]
    lasted: Floats
    """s."""
    speed: Floats
    """Mean of the last part, m/s; NaN after a fall."""
    power: Floats
    """Gross metabolic power with and without credit for eccentric work, W/kg of the person, shape (n, 2)."""
    strides: Floats
    """Strides a second."""
    pushes: int = 0
    pushed_down: int = 0
    excitation: Floats = field(default_factory=lambda: np.zeros(0))
    """Mean excitation by muscle mass."""

    @property
    def share_up(self) -> float:
        """Share of the walks without a fall."""
        return float(self.up.mean())

    @property
    def speed_error(self) -> float:
        """Mean relative error of the speed of those that lasted."""
        return self.mean(np.abs(self.speed / self.task.speeds[-1] - 1.0))

    def mean(self, values: Floats) -> float:
        """Mean over the walks that lasted; NaN if none did."""
        return float(values[self.up].mean()) if self.up.any() else float("nan")


def walk(policy: Policy, task: Task, starts: int = 20, seed: int = SEED) -> Walks:
    """Let the policy do a task from random starts.

    Args:
        policy: Of the excitation scheme, with deterministic actions.
        task: What is asked.
        starts: Number of walks.
        seed: Of starts and pushes.
    """
    world = _world(policy, task, starts, seed)
    everyone, dt = np.arange(starts), world.config.control_step
    phase = np.random.default_rng(seed).random(starts)
    world.reset(phase=phase, speed=np.full(starts, task.speeds[0]))
    world.ask(slope=task.slope, stride_rate=task.stride_rate)
    if task.load is not None:
        world.carry(everyone, PLACES[task.load[0]], task.load[1])
    steps = round(task.seconds / dt)
    part = -(-steps // len(task.speeds))
    first = steps - part + round(min(SETTLE, task.seconds / 4) / dt)
    up, lasted, turned = np.ones(starts, bool), np.zeros(starts), np.zeros(starts)
    power, excitation, begin = np.zeros((starts, 2)), np.zeros(starts), np.zeros(starts)
    given, last_push = np.zeros(starts, int), np.full(starts, -np.inf)
    share = world.anatomy.muscle_mass / world.anatomy.muscle_mass.sum()
    for step in range(steps):
        if step % part == 0:
            world.ask(speed=task.speeds[step // part])
        if step == first:
            begin = world.q[:, world.columns.pelvis_tx].copy()
        due, before = world.bodies.next_push.copy(), world.bodies.phase.copy()
        # Who lies on the floor acts no more: a body that diverged has no numbers to act on.
        world.step(np.where(up[:, None], policy.act(world.results.observation), 0.0))
        pushed = up & (world.bodies.next_push != due) & (task.push > 0)
        given[pushed] += 1
        last_push[pushed] = step * dt
        up &= world.bodies.fallen == 0
        lasted += up * dt
        if step >= first:
            power[up] += world.bodies.power[up]
            excitation[up] += world.bodies.excitation[up] @ share
            turned += (world.bodies.phase - before) % 1.0
        if not up.any():
            break
    counted = max(steps - first, 1)
    gone = np.where(up, world.q[:, world.columns.pelvis_tx] - begin, np.nan)
    unseen = up & (last_push > task.seconds - PUSH_INTERVAL + 1e-9)
    return Walks(
        task, up, lasted, gone / (counted * dt), power / counted + float(basal_rate(1.0)), turned / (counted * dt),
        int((given - unseen).sum()), int((~up & (given > 0)).sum()), excitation / counted,
    )  # fmt: skip


def walk_each(policy: Policy, tasks: Sequence[Task], starts: int = 20) -> list[Walks]:
    """Every task after the other."""
    return [walk(policy, task, starts) for task in tasks]


def _world(policy: Policy, task: Task, n: int, seed: int) -> ExcitationWorld:
    settings = policy.metadata["settings"]
    setup = dataclasses.replace(from_mapping(WorldSetup, settings["setup"]), population=None)
    pushes = (task.push, PUSH_INTERVAL if task.push else 0.0)
    config = walking_config(from_mapping(ExcitationConfig, settings["world"]), task.seconds, pushes)
    with tempfile.TemporaryDirectory() as folder:
        if task.size is not None:
            person = Subject(task.size[1], task.size[0])
            setup = dataclasses.replace(setup, subject=str(person.to_yaml(Path(folder) / "person.yaml")))
        world = make_excitation_world(setup, config, n_envs=n, seed=seed, auto_reset=False)
    policy.require(**world.signature(), other_model=task.size is not None)
    return world
