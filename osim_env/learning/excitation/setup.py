"""From names to an excitation world."""

from __future__ import annotations

import dataclasses

from exogait.data.errors import InputError

from ...engine import Model
from ...excitation.config import ExcitationConfig
from ...excitation.world import ExcitationWorld
from ...gait.reference import load_reference
from ...gait.setup import WorldSetup, model_files, strength_of
from ..config import unaided


def make_excitation_world(
    setup: WorldSetup, config: ExcitationConfig, *, n_envs: int, seed: int = 0, auto_reset: bool = True
) -> ExcitationWorld:
    """Build the world of a setup.

    Args:
        setup: What is simulated.
        config: How.
        n_envs: Number of bodies.
        seed: Of starts, bodies and pushes.
        auto_reset: Whether ended episodes start anew by themselves.

    Raises:
        InputError: The setup asks for OpenSim, which knows no excitation world.
    """
    if setup.engine != "twin":
        raise InputError("engine", setup.engine, "twin: the excitation scheme runs on the compiled engine alone")
    model = Model.load(model_files(setup)[1])
    world = ExcitationWorld(
        model, load_reference(setup.reference), config, n_envs, device=setup.load_device(),
        population=setup.population, seed=seed, auto_reset=auto_reset,
    )  # fmt: skip
    deficit = setup.load_deficit()
    if deficit is not None:
        world.set_strength(strength_of(model, deficit))
        world.reset()
    return world


def walking_config(
    config: ExcitationConfig, seconds: float, pushes: tuple[float, float] = (0.0, 0.0)
) -> ExcitationConfig:
    """Settings of a walk in which nothing helps (:func:`..config.unaided`), in float64 and steps of 1 ms at most.

    Args:
        config: Settings of the training.
        seconds: Length of the walk, s.
        pushes: Force (N) and interval (s) of random pushes.
    """
    return dataclasses.replace(
        unaided(config, seconds, pushes), backend="float64", integration_step=min(config.integration_step, 0.001)
    )
