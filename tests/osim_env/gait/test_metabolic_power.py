"""The reward's metabolic power is the analysis's."""

import numpy as np

from exogait.models.energetics import umberger2010
from exogait.osim_env.engine.curves import active_force_length
from exogait.osim_env.gait.config import WorldConfig
from exogait.osim_env.gait.setup import WorldSetup, make_world
from exogait.osim_env.gait.twin_physics import TwinPhysics


def test_equals_the_equations_of_the_analysis() -> None:
    world = make_world(WorldSetup(), WorldConfig(), n_envs=16, seed=0)
    rng = np.random.default_rng(0)
    for _ in range(10):
        world.step(rng.uniform(-0.5, 0.5, (16, world.n_human_actions)))
    physics = world.physics
    assert isinstance(physics, TwinPhysics)
    mean, model = physics.fiber_means(), physics.model
    excitation = world.controls[:, : len(model.muscle_names)]
    rates = umberger2010(
        excitation=excitation,
        activation=mean["activation"],
        normalized_fiber_length=mean["normalized_fiber_length"],
        fiber_velocity=mean["normalized_fiber_velocity"] * model.max_contraction_velocity * model.optimal_fiber_length,
        active_fiber_force=mean["active_fiber_force"],
        active_force_length_multiplier=active_force_length(model, mean["normalized_fiber_length"]),
        parameters=physics.muscle_parameters,
    )
    np.testing.assert_allclose(physics.metabolic_power(excitation), rates.total.sum(axis=1), rtol=1e-12)
