"""What moves a walker is its muscles and the floor: no trunk torque, no reference motion, no force without a name."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from exogait import models
from exogait.data.settings import from_mapping
from exogait.osim_env import engine
from exogait.osim_env.excitation.config import ExcitationConfig
from exogait.osim_env.excitation.world import ExcitationWorld
from exogait.osim_env.gait.config import WorldConfig
from exogait.osim_env.gait.reference import load_reference
from exogait.osim_env.gait.setup import COMPILED, WorldSetup, make_world
from exogait.osim_env.learning.excitation.setup import walking_config
from exogait.osim_env.learning.policy import Policy, load_policy
from tests.kit.unexplained import UNEXPLAINED, unexplained

BODIES, STEPS = 3, 60


@pytest.fixture(scope="module")
def policy() -> Policy:
    return load_policy("walker")


@pytest.fixture(scope="module")
def generic() -> engine.Model:
    return engine.Model.load(COMPILED[None])


def make(policy: Policy, model: engine.Model) -> ExcitationWorld:
    settings = from_mapping(ExcitationConfig, policy.metadata["settings"]["world"])
    world = ExcitationWorld(model, load_reference(), walking_config(settings, 5.0), BODIES, auto_reset=False)
    start(world)
    return world


def start(world: ExcitationWorld) -> None:
    world.reset(phase=np.linspace(0.1, 0.7, BODIES), speed=np.full(BODIES, 1.25))


def walk(policy: Policy, world: ExcitationWorld) -> np.ndarray:
    """States of a walk, shape (STEPS, BODIES, n)."""
    states = []
    for _ in range(STEPS):
        world.step(policy.act(world.results.observation))
        states.append(world.bodies.state.copy())
    assert not world.bodies.fallen.any()
    return np.array(states)


def test_without_trunk_actuators_it_walks_the_same(policy: Policy, generic: engine.Model, tmp_path: Path) -> None:
    file = tmp_path / "bare.osim"
    models.build(trunk_actuators=False).printToXML(str(file))
    bare = engine.compile_osim(file)
    assert generic.n_actuators == 3 and bare.n_actuators == 0
    with_them, without = (make(policy, model) for model in (generic, bare))
    # Muscles begin as recruitment with trunk torques shares the load; that beginning is the same for both.
    without.motion.start_activation[:] = with_them.motion.start_activation
    start(without)
    n = 2 * generic.n_coordinates + generic.n_muscles
    states, others = (walk(policy, world)[..., :n] for world in (with_them, without))
    np.testing.assert_allclose(states[0], others[0], rtol=0, atol=1e-12)  # a force of zero is added, or none: rounding
    np.testing.assert_allclose(states, others, rtol=0, atol=1e-5)  # and what 0.6 s of walking make of it


def test_no_reference_pose_enters_a_walk(policy: Policy, generic: engine.Model) -> None:
    """Once a body stands where it begins, any other motion in the reference's place changes no bit.

    Only the height of its pelvis stays: less than a part of it is judged to be a fall.
    """
    world, other = make(policy, generic), make(policy, generic)
    coefficients, height = other.motion.coefficients, other.columns.pelvis_ty
    kept = coefficients[height].copy()
    coefficients[:] = np.random.default_rng(0).normal(size=coefficients.shape)
    coefficients[height] = kept
    np.testing.assert_array_equal(walk(policy, world), walk(policy, other))
    assert np.abs(other.bodies.q_reference - world.bodies.q_reference).max() > 0.5


@pytest.mark.parametrize("newtons", [0.0, 5.0])
def test_every_force_of_a_walk_is_accounted_for(policy: Policy, generic: engine.Model, newtons: float) -> None:
    """Inverse dynamics over all 23 columns; five newtons at the pelvis would show."""
    world = make(policy, generic)
    walk(policy, world)
    assert not world.bodies.torque.any()
    seen = make_world(WorldSetup(), WorldConfig(), n_envs=BODIES, auto_reset=False)
    seen.physics.q[:], seen.physics.u[:], seen.physics.activation[:] = world.q, world.u, world.activation
    residual = unexplained(seen, (newtons, 0.0, 0.0))
    assert residual.shape == (BODIES, 23)
    residual[:, seen.columns.pelvis_place[0]] -= newtons
    legs = np.setdiff1d(np.arange(23), seen.columns.pelvis_rotations)
    np.testing.assert_allclose(residual[:, legs], 0.0, atol=UNEXPLAINED)
    assert newtons or np.abs(residual).max() < UNEXPLAINED


def test_the_next_state_is_what_muscles_alone_make_of_this_one(policy: Policy, generic: engine.Model) -> None:
    world = make(policy, generic)
    walk(policy, world)
    state = engine.State.create(generic, BODIES, q=world.q, u=world.u)
    state.activation[:] = world.activation
    world.step(policy.act(world.results.observation))
    controls = np.concatenate([world.bodies.excitation, np.zeros((BODIES, generic.n_actuators))], axis=1)
    engine.step(generic, state, controls, world.config.control_step, world.config.integration_step)
    np.testing.assert_array_equal(state.q, world.q)
    np.testing.assert_array_equal(state.activation, world.activation)
