"""Bodies and device conditions of a batch."""

import numpy as np
import pytest

from exogait.data.errors import InputError, UnknownNameError
from exogait.osim_env.engine import accelerations
from exogait.osim_env.gait.config import WorldConfig
from exogait.osim_env.gait.population import CONDITIONS, BodyDraw, BodySource, Population
from exogait.osim_env.gait.setup import WorldSetup, make_world
from exogait.osim_env.gait.twin_physics import TwinPhysics


def test_shares_of_conditions_hold_in_every_stretch() -> None:
    found = Population(conditions={"none": 1, "unpowered": 1, "powered": 2}).conditions_of(64)
    for start in range(0, 64, 8):
        assert np.bincount(found[start : start + 8], minlength=3).tolist() == [2, 2, 4]
    assert (Population().conditions_of(5) == CONDITIONS.index("powered")).all()


def test_drawn_strengths_follow_the_deficit_file() -> None:
    names = ("soleus_r", "soleus_l", "tib_ant_r", "tib_ant_l", "glut_med1_r")
    kinds = (BodyDraw(), BodyDraw("plantarflexors", strength=(40, 60)), BodyDraw("hemiparetic", (35, 35), side="left"))
    strength = BodySource(Population(kinds), names).draw(3000, np.random.default_rng(1))
    weak = strength < 1
    kind = np.where(weak[:, 3], 2, np.where(weak.any(axis=1), 1, 0))
    assert np.bincount(kind) == pytest.approx([1000] * 3, abs=100)
    one = strength[kind == 1]
    assert (one[:, [2, 3, 4]] == 1).all()
    assert ((one[:, 0] < 1) ^ (one[:, 1] < 1)).all()
    assert 0.45 < (one[:, 0] < 1).mean() < 0.55
    assert one.min() == pytest.approx(0.4, abs=0.01)
    assert one[:, :2].min(axis=1).max() == pytest.approx(0.6, abs=0.01)
    np.testing.assert_allclose(strength[kind == 2][:, [1, 3]], [[0.45, 0.35]] * (kind == 2).sum())
    assert (strength[kind == 2][:, 0] == 1).all()


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (lambda: BodyDraw("plantarflexors", strength=(60, 40)), InputError),
        (lambda: BodyDraw("plantarflexors", strength=(0, 40)), InputError),
        (lambda: BodyDraw(share=-1), InputError),
        (lambda: Population(bodies=()), InputError),
        (lambda: Population(conditions={"on": 1}), UnknownNameError),
        (lambda: Population(conditions={"none": 0.0}).conditions_of(3), InputError),
    ],
)
def test_impossible_mixtures_are_refused(change, error) -> None:
    with pytest.raises(error):
        change()


def test_without_its_device_a_body_moves_like_one_that_never_had_it() -> None:
    bare = make_world(WorldSetup(), WorldConfig(reset_noise=0.0), n_envs=8, seed=0)
    dressed = make_world(WorldSetup(device="hip_ankle"), WorldConfig(reset_noise=0.0), n_envs=8, seed=0)
    dressed.dress(np.arange(8), "none")
    np.testing.assert_allclose(dressed.body_mass, bare.body_mass, rtol=1e-12)
    np.testing.assert_allclose(dressed.person_mass, bare.body_mass, rtol=1e-12)
    phase = np.arange(8) / 8
    bare.reset(np.arange(8), phase=phase, speed=np.full(8, 1.25))
    found = []
    for world in (bare, dressed):
        physics = world.physics
        assert isinstance(physics, TwinPhysics)
        found.append(accelerations(physics.model, bare.q, bare.u, bare.activation, params=physics.parameters))
    np.testing.assert_allclose(found[1], found[0], rtol=1e-8, atol=1e-7)


def test_a_device_cannot_be_worn_where_there_is_none() -> None:
    world = make_world(WorldSetup(), WorldConfig(), n_envs=2, seed=0)
    world.dress(np.arange(2), "none")
    with pytest.raises(InputError, match="without a device"):
        world.dress(np.arange(2), "powered")
    with pytest.raises(UnknownNameError):
        world.dress(np.arange(2), "worn")


def test_only_a_powered_device_gives_torque() -> None:
    setup = WorldSetup(device="hip_ankle", population=Population(conditions={"none": 1, "unpowered": 1, "powered": 1}))
    world = make_world(setup, WorldConfig(), n_envs=6, seed=0)
    exoskeleton = world.exoskeleton
    assert exoskeleton is not None
    for _ in range(5):
        world.step(np.zeros((6, world.n_human_actions)), np.ones((6, world.n_device_actions)))
    torque = np.abs(exoskeleton.applied_torque).max(axis=1)
    condition = setup.population.conditions_of(6)  # type: ignore[union-attr]
    assert (torque[condition == 2] > 1).all()
    assert (torque[condition != 2] == 0).all()
    mass = world.body_mass - world.person_mass
    assert mass[condition == 0] == pytest.approx(0)
    assert (mass[condition != 0] > 1).all()


def test_a_curriculum_may_let_bodies_grow_weak_by_degrees() -> None:
    setup = WorldSetup(population=Population((BodyDraw("plantarflexors", (40.0, 40.0), "right"),)))
    for weakness, strength in ((0.0, 1.0), (0.5, 0.7), (1.0, 0.4)):
        world = make_world(setup, WorldConfig(weakness=weakness), n_envs=2)
        names = world.physics.model.muscle_names
        assert world.strength[:, names.index("soleus_r")] == pytest.approx(strength)
        assert world.strength[:, names.index("soleus_l")] == pytest.approx(1.0)
