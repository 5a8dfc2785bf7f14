"""The compiled control step against its specification in numpy, and what a world promises."""

from __future__ import annotations

import dataclasses

import numba
import numpy as np
import pytest

from exogait.data.errors import InputError, UnknownNameError
from exogait.models.anatomy import muscle_volume, slow_twitch_ratio
from exogait.models.device import load_device
from exogait.models.energetics import ACCOUNTINGS, HEADLINE, MUSCLE_DENSITY, SAVINGS, MuscleParameters
from exogait.osim_env import engine
from exogait.osim_env.engine.curves import active_force_length
from exogait.osim_env.engine.state import NOT_FINITE
from exogait.osim_env.excitation.config import ExcitationConfig
from exogait.osim_env.excitation.task import FEET, WAIST
from exogait.osim_env.excitation.world import ExcitationWorld
from exogait.osim_env.gait.population import BodyDraw, Population
from exogait.osim_env.gait.reference import load_reference
from exogait.osim_env.gait.setup import COMPILED, WorldSetup, size_file
from tests.kit.excitation_spec import Specification, actions

STEP = 1e-9
"""Largest difference of one control step, relative to the size of a quantity: rounding, and nothing else."""
POPULATION = Population(
    bodies=(BodyDraw(), BodyDraw(deficit="plantarflexors", strength=(30.0, 90.0))),
    conditions={"none": 1.0, "unpowered": 1.0, "powered": 1.0},
)
CONFIG = ExcitationConfig(
    push_force=60.0, push_interval=0.05, push_duration=0.02, episode=0.25, imposed_share=0.5, slope_share=0.5,
    load_share=0.5, task_interval=0.06,
)  # fmt: skip


@pytest.fixture(scope="module")
def model() -> engine.Model:
    return engine.Model.load(COMPILED["hip_ankle"])


def make(model: engine.Model, n: int, *, seed: int = 0, **changes: object) -> ExcitationWorld:
    return ExcitationWorld(
        model, load_reference(), dataclasses.replace(CONFIG, **changes), n, device=load_device("hip_ankle"),
        population=POPULATION, seed=seed,
    )  # fmt: skip


def compare(world: ExcitationWorld, spec: Specification, tolerance: float) -> None:
    """Hold every array of the world against the specification's."""
    for name in world.bodies._fields:
        if name in ("clock", "parameters"):
            continue
        found, wanted = np.asarray(getattr(world.bodies, name), float), np.asarray(getattr(spec, name), float)
        scale = np.maximum(1.0, np.abs(wanted))
        assert (np.abs(found - wanted) / scale).max(initial=0.0) < tolerance, name
    np.testing.assert_allclose(world.bodies.parameters, spec.parameters, rtol=0, atol=tolerance)
    results = world.results
    for name in ("reward", "device_reward", "terms"):
        np.testing.assert_allclose(getattr(results, name), getattr(spec, name), rtol=tolerance, atol=tolerance)
    np.testing.assert_allclose(results.end, spec.at_end, rtol=tolerance, atol=tolerance)
    np.testing.assert_array_equal(results.terminated, spec.terminated)
    np.testing.assert_array_equal(results.truncated, spec.truncated)
    # Observations leave the kernel in single precision.
    np.testing.assert_allclose(results.observation, spec.observation, rtol=2e-7, atol=2e-7)
    np.testing.assert_allclose(results.device_observation, spec.device_observation, rtol=2e-7, atol=2e-7)
    np.testing.assert_allclose(results.privileged, spec.privileged, rtol=2e-7, atol=2e-7)
    done = spec.terminated | spec.truncated
    np.testing.assert_allclose(results.final_privileged[done], spec.final_privileged[done], rtol=2e-7, atol=2e-7)
    np.testing.assert_allclose(results.final_observation[done], spec.final_observation[done], rtol=2e-7, atol=2e-7)


def test_one_step_equals_the_specification(model: engine.Model) -> None:
    """From states that a world runs through: stance, flight, falls, ends, new episodes, all device conditions."""
    world, rng = make(model, 96), np.random.default_rng(1)
    falls, ends, pushed, steep, paced, loaded = 0, 0, 0, 0, 0, 0
    for k in range(40):
        if k % 10 == 5:  # some lie on the floor, some are far too low
            world.q[:6, world.columns.pelvis_ty] -= np.linspace(0.15, 0.6, 6)
        spec = Specification(world)
        action, device_action = actions(world, rng)
        world.step(action, device_action)
        spec.step(action, device_action)
        compare(world, spec, STEP)
        falls, ends = falls + int(world.results.terminated.sum()), ends + int(world.results.truncated.sum())
        pushed += int((spec.push != 0).any(axis=1).sum())
        steep, paced = steep + int((spec.slope != 0).sum()), paced + int((spec.stride_rate > 0).sum())
        loaded += int((spec.load > 0).sum())
    assert falls > 5 and ends > 5 and min(pushed, steep, paced, loaded) > 100


def test_power_is_that_of_the_accountings_that_analyses_use(model: engine.Model) -> None:
    """A person's masses and fibres, no floor of heat, with and without credit for eccentric work."""
    world, rng = make(model, 16), np.random.default_rng(6)
    for _ in range(5):
        world.step(*actions(world, rng))
    spec = Specification(world)
    action, device_action = actions(world, rng)
    world.step(action, device_action)
    spec.step(action, device_action)
    names, record = model.muscle_names, spec.record
    person = {"body_mass": model.total_mass - load_device("hip_ankle").mass, "height": 1.8}
    fastest = model.max_contraction_velocity * model.optimal_fiber_length
    for column, name in enumerate((HEADLINE, SAVINGS)):
        accounting = ACCOUNTINGS[name]
        rates = accounting.rates(
            excitation=spec.excitation,
            activation=record.mean_activation,
            normalized_fiber_length=record.mean_normalized_fiber_length,
            fiber_velocity=record.mean_normalized_fiber_velocity * fastest,
            active_fiber_force=record.mean_active_fiber_force,
            active_force_length_multiplier=active_force_length(model, record.mean_normalized_fiber_length),
            parameters=MuscleParameters(
                names=names,
                mass=MUSCLE_DENSITY * muscle_volume(names, **person),
                max_isometric_force=model.max_isometric_force,
                optimal_fiber_length=model.optimal_fiber_length,
                max_contraction_velocity=model.max_contraction_velocity,
                slow_twitch_ratio=slow_twitch_ratio(names),
            ),
            options=accounting.options,
        )
        # GENERIC_LEG_LENGTH is rounded to 0.1 mm, and with it the person's height.
        wanted = rates.total.sum(axis=1) / person["body_mass"]
        np.testing.assert_allclose(world.bodies.power[:, column], wanted, rtol=1e-4)
    assert (world.bodies.power[:, 1] > world.bodies.power[:, 0]).all()


def test_ten_steps_equal_the_specification(model: engine.Model) -> None:
    world, rng = make(model, 32, seed=3, episode=10.0, early_termination=False), np.random.default_rng(2)
    spec = Specification(world)
    for _ in range(10):
        action, device_action = actions(world, rng)
        world.step(action, device_action)
        spec.step(action, device_action)
    compare(world, spec, 1e-7)


def test_bits_do_not_depend_on_threads(model: engine.Model) -> None:
    found, before = [], engine.get_threads()
    try:
        for threads in (1, 2, 3):
            engine.set_threads(threads)
            world, rng = make(model, 50), np.random.default_rng(4)
            for _ in range(15):
                world.step(*actions(world, rng))
            found.append(world.arrays())
    finally:
        engine.set_threads(before)
    assert {"bodies/state", "bodies/phase"} <= set(found[0])
    for name, array in found[0].items():
        np.testing.assert_array_equal(array, found[1][name], err_msg=name)
        np.testing.assert_array_equal(array, found[2][name], err_msg=name)


def test_arrays_are_all_that_is_needed_to_go_on(model: engine.Model) -> None:
    world, rng = make(model, 24), np.random.default_rng(5)
    for _ in range(7):
        world.step(*actions(world, rng))
    other = make(model, 24, seed=99)
    other.load_arrays(world.arrays())
    for _ in range(30):
        action = actions(world, rng)
        world.step(*action)
        other.step(*action)
    assert {"bodies/state", "bodies/phase"} <= set(world.arrays())
    for name, array in world.arrays().items():
        np.testing.assert_array_equal(array, other.arrays()[name], err_msg=name)


def test_a_body_that_cannot_be_seen_ends_alone(model: engine.Model) -> None:
    """One body's observation is no number: its episode ends and begins anew, every other one's is what it was."""
    ours, lost = [], 2
    for broken in (False, True):
        world, rng = make(model, 12, seed=6), np.random.default_rng(6)
        world.step(*actions(world, rng))
        if broken:
            world.bodies.speed[lost] = np.nan  # the clock and what is aimed for go with it, the mechanics do not
        action = actions(world, rng)
        ours.append((world.step(*action).terminated.copy(), world.results.observation.copy(), world.arrays()))
    others = np.arange(12) != lost
    assert ours[1][0][lost] and np.isfinite(ours[1][1]).all()
    np.testing.assert_array_equal(ours[0][0][others], ours[1][0][others])
    for name in ("state", "phase", "fiber_length", "mean_speed", "random"):
        np.testing.assert_array_equal(ours[0][2][f"bodies/{name}"][others], ours[1][2][f"bodies/{name}"][others])


def test_without_new_episodes_a_lost_body_stays_lost_and_the_others_walk_on(model: engine.Model) -> None:
    world = ExcitationWorld(model, load_reference(), CONFIG, 4, auto_reset=False)
    world.bodies.speed[1] = np.nan
    for _ in range(2):
        action = np.full((4, world.n_actions), -0.3)
        action[~np.isfinite(world.results.observation).all(axis=1)] = np.nan  # what a policy makes of no number
        results = world.step(action)
        assert results.terminated.tolist() == [False, True, False, False]
        assert world.bodies.status.tolist() == [0, NOT_FINITE, 0, 0] and np.isfinite(results.reward).all()
    action = np.zeros((4, world.n_actions))
    action[2, 7] = np.nan
    with pytest.raises(ValueError, match=r"action: entry \(2, 7\) is not finite"):  # who stands has to be commanded
        world.step(action)


def test_what_is_refused(model: engine.Model) -> None:
    with pytest.raises(UnknownNameError):
        ExcitationConfig(human_weights={"upright": 1.0, "limp": 1.0})
    changed = ExcitationConfig(human_weights={"keep_speed": 2.0, "keep_path": 0.0}).human_weights
    assert changed == {**ExcitationConfig().human_weights, "keep_speed": 2.0, "keep_path": 0.0}
    assert changed["upright"] > 0.0, "who changes one weight keeps the others"
    with pytest.raises(InputError):
        ExcitationConfig(control_step=0.01, device_step=0.015)
    world = make(model, 4)
    with pytest.raises(ValueError, match="shape"):
        world.step(np.zeros((4, 5)))
    action = np.zeros((4, world.n_actions))
    action[2, 7] = np.nan
    with pytest.raises(ValueError, match="not finite"):
        world.step(action)
    with pytest.raises(InputError):
        world.reset(np.arange(4), phase=np.zeros(4), speed=np.full(4, 9.0))


def test_bodies_do_not_depend_on_what_stands_beside_them(model: engine.Model) -> None:
    """A batch in parts, each with arrays of its own model, walks as the whole does."""
    worlds = [
        make(model, 40),
        ExcitationWorld(
            model, load_reference(), CONFIG, 40, device=load_device("hip_ankle"), population=POPULATION,
            sizes=[(model, 11), (model, 9)],
        ),
    ]  # fmt: skip
    rng = np.random.default_rng(6)
    for _ in range(30):
        action = actions(worlds[0], rng)
        for world in worlds:
            world.step(*action)
    whole, parts = (world.arrays() for world in worlds)
    for name in whole:
        if name != "location":
            np.testing.assert_array_equal(parts[name], whole[name], err_msg=name)


@pytest.mark.parametrize(("height", "mass"), [(1.5, 50.0), (1.95, 100.0)])
def test_a_body_of_another_size_starts_in_the_gait_of_its_size(height: float, mass: float) -> None:
    """At the commanded speed a foot that stands does not slide, and it carries the body at once."""
    other = engine.Model.load(size_file(WorldSetup(), height, mass))
    generic = engine.Model.load(COMPILED[None])
    config = dataclasses.replace(CONFIG, reset_noise=0.0, load_share=0.0)
    world = ExcitationWorld(generic, load_reference(), config, 40, sizes=[(other, 20)])
    phase = np.tile(np.arange(20) / 20, 2)
    world.reset(phase=phase, speed=np.full(40, 1.2))
    size = world.parts[1].motion.size
    assert size == pytest.approx(height / 1.8, rel=1e-4)
    np.testing.assert_allclose(world.bodies.height[20:], height, rtol=1e-4)
    np.testing.assert_allclose(world.bodies.person_mass[20:], mass)
    slide = {}
    for part in world.parts:
        q, u = world.q[part.rows], world.u[part.rows]
        heel = part.model.index("body", "calcn_r")
        speed = engine.kinematics(part.model, q, u).velocity[:, heel, 0]
        standing = (phase[part.rows] > 0.15) & (phase[part.rows] < 0.4)
        slide[part.rows.start] = np.abs(speed[standing]).max()
    assert slide[20] < slide[0] + 0.05
    load = world.bodies.foot_load.sum(axis=1)
    assert abs(load[20:].mean() - load[:20].mean()) < 0.4


def test_changed_settings_count_from_the_next_step(model: engine.Model) -> None:
    world, rng = make(model, 3), np.random.default_rng(4)
    world.step(*actions(world, rng))
    world.set_config(dataclasses.replace(world.config, squash=5.0, phase_rate=0.1))
    world.set_shares(np.array([0.0, 0.0, 1.0, 0.0, 0.0]))
    spec, command = Specification(world), actions(world, rng)
    world.step(*command)
    spec.step(*command)
    compare(world, spec, STEP)


def test_whole_numbers_are_no_other_settings_to_the_kernel() -> None:
    """It would be compiled anew for them."""
    one = ExcitationConfig().settings(auto_reset=False)
    other = ExcitationConfig(episode=30, push_force=50, loads=(16, 4, 2), squash=10).settings(auto_reset=True)  # type: ignore[arg-type]
    assert numba.typeof(one) == numba.typeof(other) and other.episode == 30.0


def test_a_load_laid_down_leaves_nothing_behind(model: engine.Model) -> None:
    """Masses to the bit: what was carried before is no part of a new walk."""
    world, everyone = make(model, 3, load_share=0.0), np.arange(3)
    for condition in ("none", "unpowered"):
        world.dress(everyone, condition)
        before = world.bodies.parameters.copy(), world.bodies.body_mass.copy()
        for place, mass in ((WAIST, 7.3), (FEET, 1.1), (WAIST, 0.1)):
            world.carry(everyone, place, mass)
        np.testing.assert_allclose(world.bodies.body_mass, before[1] + 2.3)
        for place in (FEET, WAIST):
            world.carry(everyone, place, 0.0)
        np.testing.assert_array_equal(world.bodies.parameters, before[0])
        np.testing.assert_array_equal(world.bodies.body_mass, before[1])


def test_what_is_asked_is_done(model: engine.Model) -> None:
    """A slope comes within its time, an imposed stride rate moves the clock, a load weighs."""
    config = dataclasses.replace(CONFIG, imposed_share=0.0, slope_share=0.0, load_share=0.0, task_interval=0.0)
    world = ExcitationWorld(
        model, load_reference(), config, 4, device=load_device("hip_ankle"), population=POPULATION, auto_reset=False
    )
    world.reset(phase=np.zeros(4), speed=np.full(4, 1.25))
    everyone = np.arange(4)
    mass = world.bodies.body_mass.copy()
    world.carry(everyone, FEET, 2.0)
    np.testing.assert_allclose(world.bodies.body_mass, mass + 4.0)
    world.dress(everyone, "unpowered")
    world.carry(everyone, FEET, 0.0)
    np.testing.assert_allclose(world.bodies.body_mass, world.bodies.person_mass + load_device("hip_ankle").mass)
    world.ask(slice(0, 2), slope=0.08)
    world.ask(slice(2, 4), stride_rate=1.1)
    before = world.bodies.phase.copy()
    action = np.full((4, world.n_actions), -0.3)
    world.step(action)
    moved = world.bodies.phase - before
    np.testing.assert_allclose(moved[2:], 1.1 * moved[:2] / (1 - world.config.phase_rate * 0.3))
    for _ in range(170):
        world.step(action)
    gravity = world.bodies.parameters[:2, world.columns.gravity : world.columns.gravity + 3]
    np.testing.assert_allclose(gravity[:, 0] / gravity[:, 1], 0.08)
    assert (gravity[:, 0] < 0).all(), "uphill is where gravity pulls back"
    np.testing.assert_allclose(np.linalg.norm(gravity, axis=1), np.linalg.norm(model.gravity))
    with pytest.raises(InputError):
        world.ask(speed=5.0)


LATE = ("pelvis", "angle", "speed", "fiber", "tendon force", "foot load", "device torque")
"""Words of what is felt late; all the rest is known at once."""


def test_late_senses_are_those_of_before_seen_from_the_leg_of_now(model: engine.Model) -> None:
    """Two worlds that move alike, one of which feels what the other one felt three control steps ago."""
    prompt, late = make(model, 32, seed=4), make(model, 32, seed=4, sensory_delay=0.03)
    rng, names = np.random.default_rng(5), prompt.observation_names
    felt = np.array([any(word in name for word in LATE) and name != "speed aimed for" for name in names])
    swap = {"near": "far", "far": "near"}
    other = np.array([names.index(" ".join(swap.get(w, w) for w in name.split())) for name in names])
    even = np.array([any(w in n.split()[0] for w in ("hip_flexion", "knee", "ankle")) or "fiber" in n for n in names])
    seen, far = [prompt.results.observation.copy()] * 4, [prompt.bodies.phase >= 0.5] * 4
    age, compared, turned, begun = np.zeros(32, int), 0, 0, 0
    for _ in range(60):
        action, device_action = actions(prompt, rng)
        prompt.step(action, device_action)
        late.step(action, device_action)
        np.testing.assert_array_equal(prompt.bodies.state, late.bodies.state)
        seen, far = [*seen[1:], prompt.results.observation.copy()], [*far[1:], prompt.bodies.phase >= 0.5]
        done = prompt.results.terminated | prompt.results.truncated
        np.testing.assert_array_equal(prompt.results.restarted, done)
        age = np.where(done, 0, age + 1)
        now, found, turn = seen[-1], late.results.observation, far[0] != far[-1]
        np.testing.assert_array_equal(found[:, ~felt], now[:, ~felt])
        np.testing.assert_array_equal(found[age == 0], now[age == 0])
        same = (age >= 3) & ~turn
        np.testing.assert_array_equal(found[same][:, felt], seen[0][same][:, felt])
        np.testing.assert_array_equal(found[(age >= 3) & turn][:, even], seen[0][(age >= 3) & turn][:, other[even]])
        compared, turned, begun = compared + same.sum(), turned + ((age >= 3) & turn).sum(), begun + (age == 0).sum()
    assert min(compared, turned, begun) > 30
    again = make(model, 32, seed=9, sensory_delay=0.03)
    again.load_arrays(late.arrays())
    action, device_action = actions(late, rng)
    np.testing.assert_array_equal(
        again.step(action, device_action).observation, late.step(action, device_action).observation
    )
    with pytest.raises(InputError, match=r"a multiple of 0\.01 s"):
        dataclasses.replace(CONFIG, sensory_delay=0.025)
