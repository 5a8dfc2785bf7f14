"""From names to an excitation world."""

from __future__ import annotations

import dataclasses

from exogait.data.errors import InputError

from ...engine import Model
from ...excitation.config import ExcitationConfig
from ...excitation.world import ExcitationWorld
from ...gait.reference import load_reference
from ...gait.setup import WorldSetup, model_files, size_file, strength_of
from ..config import unaided


def make_excitation_world(
    setup: WorldSetup,
    config: ExcitationConfig,
    *,
    n_envs: int,
    seed: int = 0,
    auto_reset: bool = True,
    sizes: bool = False,
) -> ExcitationWorld:
    """Build the world of a setup.

    Args:
        setup: What is simulated.
        config: How.
        n_envs: Number of bodies.
        seed: Of starts, bodies and pushes.
        auto_reset: Whether ended episodes start anew by themselves.
        sizes: Whether some bodies are of the other sizes of the population.

    Raises:
        InputError: The setup asks for OpenSim, which knows no excitation world.
    """
    if setup.engine != "twin":
        raise InputError("engine", setup.engine, "twin: the excitation scheme runs on the compiled engine alone")
    model = Model.load(model_files(setup)[1])
    others, population = [], setup.population
    if sizes and population is not None and population.sizes:
        each = max(1, round(population.size_share * n_envs / len(population.sizes)))
        others = [(Model.load(size_file(setup, height, mass)), each) for height, mass in population.sizes]
    world = ExcitationWorld(
        model, load_reference(setup.reference), config, n_envs, device=setup.load_device(), population=population,
        seed=seed, auto_reset=auto_reset, sizes=others,
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
        unaided(config, seconds, pushes),
        backend="float64",
        integration_step=min(config.integration_step, 0.001),
        imposed_share=0.0,
        slope_share=0.0,
        load_share=0.0,
        task_interval=0.0,
    )
