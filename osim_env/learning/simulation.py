"""From a policy's name to a simulated walk: the policy, its world, and the roll-out as a :class:`data.GaitTrial`.

Nothing helps the walker: no early termination, no pelvis spring, no noise, no reset after the start.
"""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from exogait.data.errors import InputError
from exogait.data.files import written_beside
from exogait.data.settings import from_mapping
from exogait.data.trial import GaitTrial

from ..excitation.world import SCHEME
from ..gait.config import WorldConfig
from ..gait.physics import Physics
from ..gait.setup import WorldSetup, model_files
from .evaluation import evaluation_world
from .excitation.walking import Asked, walk_with_excitations
from .policy import Policy, load_policy
from .rollout import roll_out

UNTRAINED = "reference-feedback"
"""Name that stands for no policy: zero actions, so the muscles follow the feedback law on the reference alone."""


def simulate(
    policy: str | Path | Policy,
    *,
    speed: float = 1.25,
    seconds: float = 10.0,
    setup: WorldSetup | None = None,
    device_policy: str | Path | Policy | None = None,
    condition: str | None = None,
    phase: float | None = None,
    strategy: NDArray[np.floating[Any]] | None = None,
    seed: int = 0,
    settle: float = 0.0,
    slope: float = 0.0,
    stride_rate: float = 0.0,
    load: tuple[str, float] | None = None,
    other_model: bool = False,
    progress: Callable[[float], None] | None = None,
) -> GaitTrial:
    """Let a policy walk once.

    Args:
        policy: Name of a policy of the suite, path of one, or :data:`UNTRAINED`.
        speed: Commanded walking speed, m/s.
        seconds: Length of the walk, s.
        setup: Engine, device, deficit, subject, model; fields left at their default follow the policy's training.
        device_policy: Policy of the device; without one it is worn and gives no torque.
        condition: ``none`` takes the device off that the policy knows, ``unpowered`` and ``powered`` leave it on.
        phase: Where in the stride the walk starts; random without.
        strategy: What the body aims for beside the reference, shape (len(STRATEGY_NAMES),), see
            :meth:`exogait.osim_env.gait.strategy.Strategies.at`.
        seed: Of the random start.
        settle: Time after the start whose heel strikes do not count, s, so that averages are over steady strides.
        slope: Grade that the ground tilts to after the start, rise over run (5% a second); policies of excitations
            only, as the next two.
        stride_rate: Imposed stride rate over the reference's at the same speed; 0 lets the body choose.
        load: Place (``waist``, ``shanks``, ``feet``) and mass (kg, on shanks and feet each side) to carry.
        other_model: Accept a model of the same layout whose numbers differ from the one the policy was trained on.
        progress: Called with the simulated time after every control step.

    Returns:
        The walk, cut at the fall if there was one.

    Raises:
        PolicyMismatchError: The policy is meant for another model, device or observation layout.
        InputError: The speed is outside the reference, or the walk lasts no time.

    Example:
        >>> walk = simulate("healthy", speed=1.25, seconds=10.0)  # doctest: +SKIP
    """
    if not seconds > 0:
        raise InputError("seconds", seconds, "a walk longer than 0 s")
    if not settle >= 0:
        raise InputError("settle", settle, "0 s or more")
    asked, control, task = setup or WorldSetup(), None, Asked(slope, stride_rate, load)
    brain = None if policy == UNTRAINED else policy if isinstance(policy, Policy) else load_policy(policy)
    if device_policy is not None:
        control = device_policy if isinstance(device_policy, Policy) else load_policy(device_policy)
    if brain is not None and brain.metadata.get("scheme") == SCHEME:
        if strategy is not None:
            raise InputError("strategy", "given", "none: this policy follows no reference that it could be added to")
        setup = trained_setup(brain, asked)
        trial, physics = walk_with_excitations(
            brain, setup, speed=speed, seconds=seconds, device_policy=control, condition=condition, phase=phase,
            seed=seed, other_model=other_model, asked=task, progress=progress,
        )  # fmt: skip
    else:
        for name in task.facts():
            raise InputError(name.replace("_", " "), getattr(task, name), "a policy of excitations, such as walker")
        _, config, setup = policy_settings(UNTRAINED if brain is None else brain, asked)
        trial, physics = _walk(
            brain, config, setup, speed=speed, seconds=seconds, control=control, condition=condition, phase=phase,
            strategy=strategy, seed=seed, other_model=other_model, progress=progress,
        )  # fmt: skip
    name = UNTRAINED if brain is None else str(brain.metadata.get("name") or Path(str(policy)).stem)
    trial = trial.with_about(
        policy=name,
        device_policy=None if control is None else control.metadata.get("name"),
        device=setup.device,
        condition=condition,
        deficit=setup.deficit,
        strength=setup.strength,
        side=setup.side,
        subject=Path(setup.subject).stem if setup.subject else None,
        strategy=None if strategy is None else np.asarray(strategy).round(6).tolist(),
        seed=seed,
        settle=settle,
        requested_seconds=seconds,
        optimal_force=dict(zip(physics.model.actuator_names, map(float, physics.optimal_force), strict=True)),
    )
    events = tuple(event for event in trial.events if event.time >= settle)
    return trial.replace(name=f"{name}_{speed:.2f}", events=events)


def _walk(
    brain: Policy | None,
    config: WorldConfig,
    setup: WorldSetup,
    *,
    speed: float,
    seconds: float,
    control: Policy | None,
    condition: str | None,
    phase: float | None,
    strategy: NDArray[np.floating[Any]] | None,
    seed: int,
    other_model: bool,
    progress: Callable[[float], None] | None,
) -> tuple[GaitTrial, Physics]:
    """One walk of a policy of the recruitment scheme, or of none."""
    world = evaluation_world(setup, config, n_envs=1, seconds=seconds, seed=seed)
    world.reference.check_speed(speed)
    if brain is not None:
        brain.require(**world.signature(), other_model=other_model)
    if control is not None:
        control.require_device(world.signature())
    if condition is not None:
        world.dress(np.arange(1), condition)
    if strategy is not None:
        if np.shape(strategy) != world.strategy.numbers[0].shape:
            raise ValueError(f"strategy: shape {np.shape(strategy)}, expected {world.strategy.numbers[0].shape}")
        world.strategy.numbers[0] = strategy
    world.reset(np.arange(1), phase=None if phase is None else np.array([float(phase)]), speed=np.array([float(speed)]))
    actions = np.zeros((1, world.n_human_actions))
    act = (lambda observation: actions) if brain is None else brain
    return roll_out(world, act, seconds, device_policy=control, progress=progress)[0], world.physics


def policy_settings(
    policy: str | Path | Policy, setup: WorldSetup | None = None
) -> tuple[Policy | None, WorldConfig, WorldSetup]:
    """A policy with the world it was trained in.

    Args:
        policy: Name, path, policy, or :data:`UNTRAINED`.
        setup: What is asked for; fields left at their default follow the policy's training.

    Returns:
        The policy (None for :data:`UNTRAINED`), the settings of its world, and the setup.
    """
    asked = setup or WorldSetup()
    if isinstance(policy, str) and policy == UNTRAINED:
        return None, WorldConfig(), asked
    brain = policy if isinstance(policy, Policy) else load_policy(policy)
    settings = brain.metadata.get("settings") or {}
    if brain.metadata.get("scheme") == SCHEME:
        raise InputError("policy", brain.metadata.get("name", ""), "a policy of the recruitment scheme")
    return brain, from_mapping(WorldConfig, settings.get("world") or {}), trained_setup(brain, asked)


def trained_setup(policy: str | Path | Policy, asked: WorldSetup) -> WorldSetup:
    """The setup that a policy was trained in, changed by what is asked for; the latter alone for :data:`UNTRAINED`."""
    if isinstance(policy, str) and policy == UNTRAINED:
        return asked
    brain = policy if isinstance(policy, Policy) else load_policy(policy)
    trained = from_mapping(WorldSetup, (brain.metadata.get("settings") or {}).get("setup") or {})
    default = WorldSetup()
    changes = {
        field.name: getattr(asked, field.name)
        for field in dataclasses.fields(WorldSetup)
        if getattr(asked, field.name) != getattr(default, field.name)
    }
    # A body that is trained for one deficit may well be asked to walk with another, or with none at all: engine and
    # deficit are always those that are asked for.
    changes |= {name: getattr(asked, name) for name in ("engine", "deficit", "strength", "side", "population")}
    return dataclasses.replace(trained, **changes)


def place_model(setup: WorldSetup, folder: str | Path, name: str = "model") -> Path:
    """Write the model of a setup as ``name.osim``, weak muscles weak, and compiled as ``name.npz`` beside it.

    Args:
        setup: What was simulated.
        folder: Where to write.
        name: Stem of the two files.

    Returns:
        The .osim file.
    """
    from exogait import models

    from ..gait.setup import strength_of

    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"{name}.osim"
    deficit = setup.load_deficit()
    if setup.model is not None:
        built = models.read(setup.model)
        _, compiled = model_files(setup)
        from ..engine import Model

        names = Model.load(compiled)
        for muscle, strength in zip(names.muscle_names, strength_of(names, deficit), strict=True):
            force = built.getMuscles().get(muscle)
            force.setMaxIsometricForce(float(strength) * force.getMaxIsometricForce())
        built.finalizeConnections()
        models.write(built, target)
    else:
        person = models.load_subject(setup.subject) if setup.subject else None
        models.write(models.build(device=setup.device, deficit=deficit, subject=person), target)
    # Strength is a parameter of the compiled model, not a part of it: geometry, for replays, is the same.
    _, compiled = model_files(dataclasses.replace(setup, engine="twin"))
    with written_beside(target.with_suffix(".npz")) as beside:
        shutil.copyfile(compiled, beside)
    return target
