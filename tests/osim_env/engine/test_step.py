"""Stepping: determinism, isolation of failures, parameters, record, and conservation laws."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from exogait.data.errors import InputError
from exogait.osim_env import engine
from exogait.osim_env.engine import threads as threads_module
from exogait.osim_env.engine.opensim_engine import OpenSimEngine
from tests.kit.models_for_tests import compliant


def flight(model, batch, seed=0):
    state = engine.State.create(model, batch)
    rng = np.random.default_rng(seed)
    state.q += rng.normal(0, 0.1, state.q.shape) * model.coordinate_rotational
    state.q[:, model.index("coordinate", "pelvis_ty")] += 1.0
    state.activation[:] = 0.05
    return state


def standing(model, batch, seed=0):
    state = flight(model, batch, seed)
    from exogait.osim_env.engine.verify import deepest

    height = model.index("coordinate", "pelvis_ty")
    state.q[:, height] += deepest(model, state.q) - 0.01
    return state


def controls_of(model, batch, seed=0, top=0.5):
    controls = np.zeros((batch, model.n_controls))
    controls[:, : model.n_muscles] = np.random.default_rng(seed).uniform(0.01, top, (batch, model.n_muscles))
    return controls


def everything(state):
    return np.hstack([state.q, state.u, state.activation, state.record_rows, state.time[:, None]])


@pytest.mark.parametrize("tendon", ["rigid", "elastic"])
def test_what_earlier_calls_left_in_the_work_rows_changes_no_bit(model, exo_path, tmp_path, tendon):
    """Work rows are kept from call to call; another model of the same size leaves its own numbers in them."""
    if tendon == "elastic":
        model = OpenSimEngine(compliant(exo_path, tmp_path / "compliant.osim")).model
    start, threads = standing(model, 5), engine.get_threads()

    def results(left: float) -> dict[str, np.ndarray]:
        found = {}

        def call(name, function):
            threads_module.workspace(model.layout.n_rows)[:] = left
            found[name] = function()

        for integrator in ("implicit", "rk4"):
            state = start.copy()
            call(integrator, lambda s=state, i=integrator: np.hstack([
                everything(engine.step(model, s, controls_of(model, 5), 0.004, 0.001, integrator=i, record=True)),
                s.tendon_force, s.actuator_activation, s.status[:, None],
            ]))  # fmt: skip
        q, u, activation = start.q, start.u, start.activation
        call("accelerations", lambda: engine.accelerations(model, q, u, activation))
        call("inverse dynamics", lambda: engine.inverse_dynamics(model, q, u, np.ones_like(q)))
        call("muscles", lambda: engine.muscle_state(model, q, u, activation).tendon_force)
        call("positions", lambda: np.reshape(engine.kinematics(model, q, u).position, (5, -1)))
        return found

    try:
        engine.set_threads(1)
        clean, stale = results(0.0), results(np.nan)
    finally:
        engine.set_threads(threads)
    for name, wanted in clean.items():
        assert np.isfinite(wanted).all(), name
        np.testing.assert_array_equal(stale[name], wanted, err_msg=name)


def test_bitwise_the_same_on_any_number_of_threads_and_in_any_batch(model):
    def run(threads, rows):
        engine.set_threads(threads)
        full, few = standing(model, 21), engine.State.create(model, len(rows))
        for name in ("q", "u", "activation"):
            getattr(few, name)[:] = getattr(full, name)[rows]
        for k in range(3):
            engine.step(model, few, controls_of(model, 21, k)[rows], 0.01, record=True)
        engine.set_threads(0)
        return everything(few)

    whole = run(1, list(range(21)))
    for threads in (2, 3):
        assert np.array_equal(whole, run(threads, list(range(21))))
    for rows in ([0], [5, 17, 2], list(range(20, -1, -1))):
        assert np.array_equal(whole[rows], run(2, rows))


def test_a_broken_environment_stops_alone(model):
    state, alone = standing(model, 10), standing(model, 10)
    state.q[3, 7] = np.nan
    state.u[6, 9] = 5000.0
    before = state.q.copy()
    engine.step(model, state, controls_of(model, 10), 0.02, record=True)
    engine.step(model, alone, controls_of(model, 10), 0.02, record=True)
    assert state.status.tolist() == [0, 0, 0, 1, 0, 0, 2, 0, 0, 0]
    others = [0, 1, 2, 4, 5, 7, 8, 9]
    assert np.array_equal(everything(state)[others], everything(alone)[others])
    assert np.array_equal(state.q[6], before[6])
    assert state.time[6] == 0.0 and state.time[0] == pytest.approx(0.02)
    frozen = state.q[6].copy()
    engine.step(model, state, controls_of(model, 10), 0.01)
    assert np.array_equal(state.q[6], frozen) and state.status[6] == 2


@pytest.mark.parametrize("h", [0.0005, 0.001, 0.002])
def test_default_integrator_is_stable_on_the_floor(model, h):
    state = standing(model, 16)
    for k in range(20):
        engine.step(model, state, controls_of(model, 16, k, 1.0), 0.01, h)
    assert not state.status.any()
    assert np.abs(state.u).max() < 100.0


def test_implicit_converges_to_runge_kutta_with_first_order(model):
    reference = standing(model, 8)
    engine.step(model, reference, controls_of(model, 8), 0.05, 0.00005, integrator="rk4")
    errors = []
    for h in (0.001, 0.0005, 0.00025):
        state = standing(model, 8)
        engine.step(model, state, controls_of(model, 8), 0.05, h)
        errors.append(np.abs(state.q - reference.q).max())
    assert errors[0] < 5e-2
    assert errors[0] / errors[1] == pytest.approx(2.0, abs=0.5)
    assert errors[1] / errors[2] == pytest.approx(2.0, abs=0.4)


def test_free_flight_keeps_the_law_of_falling_bodies(model):
    """Without contact the mass centre falls freely whatever the muscles do."""
    state = flight(model, 4)
    start = engine.kinematics(model, state.q, state.u)
    engine.step(model, state, controls_of(model, 4), 0.1, 0.0001, integrator="rk4")
    end = engine.kinematics(model, state.q, state.u)
    expected = start.whole_body_centre + start.whole_body_velocity * 0.1 + 0.5 * model.gravity * 0.1**2
    np.testing.assert_allclose(end.whole_body_centre, expected, atol=2e-7)


def test_record_describes_the_end_of_the_step(model):
    state = standing(model, 9)
    controls = controls_of(model, 9)
    controls[:, model.n_muscles :] = 0.3
    engine.step(model, state, controls, 0.01, record=True)
    record = state.record
    motion = engine.kinematics(model, state.q, state.u)
    muscles = engine.muscle_state(model, state.q, state.u, state.activation)
    contact = engine.contact_forces(model, state.q, state.u)
    for ours, theirs in (
        (record.body_position, motion.position),
        (record.body_rotation, motion.rotation),
        (record.body_velocity, motion.velocity),
        (record.body_angular_velocity, motion.angular_velocity),
        (record.mass_centre, motion.whole_body_centre),
        (record.mass_centre_velocity, motion.whole_body_velocity),
        (record.muscle_tendon_length, muscles.muscle_tendon_length),
        (record.lengthening_speed, muscles.lengthening_speed),
        (record.normalized_fiber_length, muscles.normalized_fiber_length),
        (record.normalized_fiber_velocity, muscles.normalized_fiber_velocity),
        (record.active_fiber_force, muscles.active_fiber_force),
        (record.tendon_force, muscles.tendon_force),
        (record.sphere_force, contact.force),
    ):
        np.testing.assert_array_equal(ours, theirs)
    # Sums of the same numbers in another order.
    np.testing.assert_allclose(record.foot_force, contact.foot_force, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(record.foot_moment, contact.foot_moment, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(record.actuator_torque, np.tile(0.3 * model.actuators.optimal_force, (9, 1)))


def test_means_are_averages_over_the_substeps(model):
    state, single = standing(model, 3), standing(model, 3)
    controls = controls_of(model, 3)
    controls[:, model.n_muscles :] = 0.2
    engine.step(model, state, controls, 0.01, record=True)
    names = [name for name in state.record._fields if name.startswith("mean_")]
    totals = {name: 0.0 for name in names}
    for _ in range(10):
        engine.step(model, single, controls, 0.001, record=True)
        for name in names:
            totals[name] = totals[name] + getattr(single.record, name) / 10
    for name in names:
        np.testing.assert_allclose(getattr(state.record, name), totals[name], rtol=1e-9, atol=1e-9, err_msg=name)
    assert np.array_equal(state.q, single.q)


def test_copy_is_independent(model):
    state = standing(model, 3)
    engine.step(model, state, controls_of(model, 3), 0.01, record=True)
    other = state.copy()
    np.testing.assert_array_equal(everything(other), everything(state))
    np.testing.assert_array_equal(other.record.mean_foot_force, state.record.mean_foot_force)
    engine.step(model, other, controls_of(model, 3, 1), 0.01, record=True)
    assert not np.array_equal(other.record.body_position, state.record.body_position)


def test_strength_scales_the_force_of_a_muscle(model):
    state = standing(model, 2)
    strength = np.ones((2, model.n_muscles))
    strength[1] = 0.4
    forces = engine.muscle_state(
        model, state.q[[0, 0]], state.u[[0, 0]], state.activation[[0, 0]], engine.Parameters(muscle_strength=strength)
    ).tendon_force
    np.testing.assert_allclose(forces[1], 0.4 * forces[0], rtol=1e-12)


def test_push_and_added_mass_obey_newton(model):
    """In flight the acceleration of the mass centre is gravity plus push over mass."""
    state = flight(model, 3)
    added = np.zeros((3, model.n_bodies))
    added[2, model.index("body", "torso")] = 10.0
    push = np.array([[0.0, 0.0, 0.0], [50.0, 20.0, -30.0], [50.0, 20.0, -30.0]])
    params = engine.Parameters(push=push, push_body="pelvis", added_mass=added)
    before = engine.kinematics(model, state.q, state.u, params)
    udot = engine.accelerations(model, state.q, state.u, state.activation, params=params)
    h = 1e-6
    after = engine.kinematics(model, state.q + h * state.u, state.u + h * udot, params)
    acceleration = (after.whole_body_velocity - before.whole_body_velocity) / h
    mass = model.total_mass + np.array([0.0, 0.0, 10.0])
    np.testing.assert_allclose(acceleration, model.gravity + push / mass[:, None], atol=2e-3)


def test_mass_scale_multiplies_inverse_dynamics(model):
    rng = np.random.default_rng(1)
    q, u, udot = (rng.normal(0, 0.2, (2, model.n_coordinates)) for _ in range(3))
    scaled = engine.Parameters(mass_scale=np.full((1, model.n_bodies), 1.7))
    ours = engine.inverse_dynamics(model, q, u, udot, scaled)
    np.testing.assert_allclose(ours, 1.7 * engine.inverse_dynamics(model, q, u, udot), rtol=1e-11, atol=1e-9)


def test_coordinate_force_and_guide_are_generalized_forces(model):
    """M udot changes by exactly the force that was added."""
    state = flight(model, 1)
    rng = np.random.default_rng(2)
    n = model.n_coordinates
    force, stiffness, damping, target, speed = rng.normal(0, 5, (5, 1, n))
    params = engine.Parameters(
        coordinate_force=force,
        guide_stiffness=abs(stiffness),
        guide_damping=abs(damping),
        guide_target=target,
        guide_speed=speed,
    )
    state.u[:] = rng.normal(0, 1, n)
    plain = engine.accelerations(model, state.q, state.u, state.activation)
    driven = engine.accelerations(model, state.q, state.u, state.activation, params=params)
    change = engine.inverse_dynamics(model, state.q, state.u, driven)
    change -= engine.inverse_dynamics(model, state.q, state.u, plain)
    expected = force + abs(stiffness) * (target - state.q) + abs(damping) * (speed - state.u)
    np.testing.assert_allclose(change, expected, rtol=1e-8, atol=1e-6)


def test_torque_limit_is_the_device_limit(model):
    state = flight(model, 2)
    controls = np.zeros((2, model.n_controls))
    controls[:, model.n_muscles :] = [[0.5], [-0.5]]
    limit = np.full((1, model.n_actuators), 7.0)
    engine.step(model, state, controls, 0.005, record=True, params=engine.Parameters(torque_limit=limit))
    wanted = 0.5 * model.actuators.optimal_force
    np.testing.assert_allclose(state.record.actuator_torque, np.minimum(wanted, 7.0) * [[1], [-1]])


def test_wrong_shapes_are_named(model):
    state = engine.State.create(model, 2)
    with pytest.raises(ValueError, match="controls has shape"):
        engine.step(model, state, np.zeros((3, model.n_controls)), 0.01)
    with pytest.raises(ValueError, match="whole, positive number of steps"):
        engine.step(model, state, np.zeros(model.n_controls), 0.0105, 0.001)
    with pytest.raises(ValueError, match=r"Parameters\.push has shape"):
        engine.step(model, state, np.zeros(model.n_controls), 0.01, params=engine.Parameters(push=np.zeros((5, 3))))
    with pytest.raises(ValueError, match="activation has shape"):
        engine.accelerations(model, state.q, state.u, np.zeros(3))


def test_gravity_of_an_environment_is_that_of_a_model(model):
    """Tilted gravity as a parameter gives the bits of a model with it; the others keep the model's own."""
    state = flight(model, 2)
    tilted = np.array([-0.8, -9.7, 0.3])
    gravity = np.stack([tilted, model.gravity])
    other = dataclasses.replace(model, tree=model.tree._replace(gravity=tilted))
    found = engine.accelerations(model, state.q, state.u, state.activation, params=engine.Parameters(gravity=gravity))
    for row, of in enumerate((other, model)):
        wanted = engine.accelerations(of, state.q, state.u, state.activation)
        np.testing.assert_array_equal(found[row], wanted[row])
    assert np.abs(found[0] - found[1]).max() > 0.1
    moments = engine.inverse_dynamics(model, state.q, state.u, found, engine.Parameters(gravity=gravity))
    np.testing.assert_array_equal(moments[0], engine.inverse_dynamics(other, state.q, state.u, found)[0])


def test_opensim_refuses_masses_that_its_model_has_not(exo_path):
    """It would walk with its own in silence."""
    oracle = OpenSimEngine(exo_path)
    state, n = flight(oracle.model, 1), oracle.model.n_bodies
    own = engine.Parameters(mass_scale=np.ones((1, n)), added_mass=np.zeros((1, n)))
    assert np.isfinite(oracle.accelerations(state.q, state.u, state.activation, params=own)).all()
    for name, value in (("mass_scale", np.full((1, n), 1.1)), ("added_mass", np.full((1, n), 0.5))):
        with pytest.raises(InputError, match=rf"Parameters\.{name}"):
            oracle.accelerations(state.q, state.u, state.activation, params=engine.Parameters(**{name: value}))
