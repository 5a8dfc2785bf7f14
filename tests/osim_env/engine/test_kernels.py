"""The numerical building blocks against numpy and against finite differences."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from exogait.osim_env import engine
from exogait.osim_env.engine import curves, lane_math
from exogait.osim_env.engine.batch import IMPLICITNESS
from exogait.osim_env.engine.lanes import WIDTH, aligned_rows, entry, load, store
from exogait.osim_env.engine.model import only
from exogait.osim_env.engine.muscles import tendon_exponent
from exogait.osim_env.engine.verify import sample_states


@entry
def _evaluate(x, out):
    for i in range(x.shape[0]):
        v = load(x, i)
        store(out, 5 * i, lane_math.exp(v))
        store(out, 5 * i + 1, lane_math.log(v * v + 1e-12))
        sine, cosine = lane_math.sin_cos(v)
        store(out, 5 * i + 2, sine)
        store(out, 5 * i + 3, cosine)
        store(out, 5 * i + 4, lane_math.logistic(v))


def test_elementary_functions_to_two_units_in_the_last_place():
    rng = np.random.default_rng(0)
    rows = 500
    x, out = aligned_rows(rows), aligned_rows(5 * rows)
    x[:] = rng.normal(0, 1, x.shape) * 10.0 ** rng.integers(-6, 3, x.shape)
    x[0, :5] = [0.0, -0.0, 700.0, -700.0, np.pi]
    _evaluate(x, out)
    out = out.reshape(rows, 5, WIDTH)
    wanted = np.stack([np.exp(x), np.log(x * x + 1e-12), np.sin(x), np.cos(x), 1 / (1 + np.exp(-x))], axis=1)
    assert (np.abs(out - wanted) / np.spacing(np.maximum(np.abs(wanted), 1e-300)))[:, [0, 4]].max() <= 2.5
    assert np.abs(out - wanted)[:, 1:4].max() < 1e-14


@entry
def _angles(y, x, out):
    for i in range(x.shape[0]):
        store(out, i, lane_math.arctan2(load(y, i), load(x, i)))


def test_angles_of_points():
    rng = np.random.default_rng(0)
    x, y, out = (aligned_rows(200) for _ in range(3))
    x[:], y[:] = (rng.normal(0, 1, x.shape) * 10.0 ** rng.integers(-6, 6, x.shape) for _ in range(2))
    x[0, :6], y[0, :6] = [0.0, 1.0, 0.0, -1.0, 0.0, np.sqrt(2.0) - 1.0], [0.0, 0.0, 2.0, 0.0, -3.0, 1.0]
    x[1, 0], y[1, 1] = np.nan, np.nan
    _angles(y, x, out)
    np.testing.assert_allclose(out, np.arctan2(y, x), rtol=1e-15)


def test_nan_stays_nan_and_stays_in_its_lane():
    x, out = aligned_rows(1), aligned_rows(5)
    x[0] = np.linspace(-1, 1, WIDTH)
    _evaluate(x, out)
    clean = out.copy()
    x[0, 2] = np.nan
    _evaluate(x, out)
    assert np.isnan(out[:, 2]).all()
    others = [k for k in range(WIDTH) if k != 2]
    assert np.array_equal(out[:, others], clean[:, others])


def test_moment_arms_are_length_derivatives(model):
    """-dL/dq by central differences, inside the ranges, away from conditional thresholds."""
    rng = np.random.default_rng(1)
    q = model.coordinate_default + rng.normal(0, 0.02, model.n_coordinates)
    q[model.index("coordinate", "knee_angle_r")] = q[model.index("coordinate", "knee_angle_l")] = -0.5
    u = np.zeros(model.n_coordinates)
    a = np.zeros(model.n_muscles)
    arms = engine.muscle_state(model, q, u, a).moment_arms[0]
    h = 1e-6
    steps = np.eye(model.n_coordinates) * h
    above = engine.muscle_state(model, q + steps, u, a).muscle_tendon_length
    below = engine.muscle_state(model, q - steps, u, a).muscle_tendon_length
    np.testing.assert_allclose(arms, -((above - below) / (2 * h)).T, atol=2e-9)


def test_lengthening_speed_is_the_rate_of_length(model):
    states = sample_states(model, 8, 5, speed=1.0)
    q = model.coordinate_default + 0.05 * (states.q - model.coordinate_default)
    a = np.zeros(model.n_muscles)
    speed = engine.muscle_state(model, q, states.u, a).lengthening_speed
    h = 1e-7
    above = engine.muscle_state(model, q + h * states.u, states.u, a).muscle_tendon_length
    below = engine.muscle_state(model, q - h * states.u, states.u, a).muscle_tendon_length
    np.testing.assert_allclose(speed, (above - below) / (2 * h), atol=3e-8)


def test_inverse_dynamics_inverts_forward_dynamics(model):
    bare = only(model, ())
    states = sample_states(bare, 12, 6)
    none = np.zeros((12, 0))
    udot = engine.accelerations(bare, states.q, states.u, none, none)
    residual = engine.inverse_dynamics(model, states.q, states.u, udot)
    forces = engine.inverse_dynamics(model, states.q, states.u, np.zeros_like(udot))
    assert np.abs(residual).max() < 1e-9 * np.abs(forces).max()


def test_mass_matrix_is_symmetric_and_positive(model):
    q = sample_states(model, 3, 8).q
    n = model.n_coordinates
    for row in q:
        zero = np.zeros((n, n))
        matrix = engine.inverse_dynamics(model, np.tile(row, (n, 1)), zero, np.eye(n))
        matrix = matrix - engine.inverse_dynamics(model, row, np.zeros(n), np.zeros(n))
        np.testing.assert_allclose(matrix, matrix.T, atol=1e-11)
        assert np.linalg.eigvalsh(matrix).min() > 0


def on_a_slope(model: engine.Model, *, dissipating: bool) -> engine.Model:
    """The model on a floor that leans along x and z, through the same points."""
    count = len(model.sphere_names)
    changed = {"normal": np.tile(np.array([0.36, -0.8, 0.48]), (count, 1))}
    if not dissipating:
        changed["dissipation"] = np.zeros(count)
    return dataclasses.replace(model, contacts=model.contacts._replace(**changed))


@pytest.mark.parametrize(
    ("kinds", "floor"),
    [(("muscles",), "level"), (("contacts",), "level"), (("contacts",), "leaning"), (("contacts",), "slippery"),
     (("limits", "springs"), "level")],
)  # fmt: skip
def test_implicit_matrix_holds_the_velocity_derivatives(model, kinds, floor):
    """One implicit step must solve (M - theta h dF/du) du = h F half-way, with dF/du from central differences.

    The contact matrix leaves out how friction changes with the normal speed (see contact.py), so contact is tested at
    rest, where the other terms are all there is to the symmetric part. On a level floor most of its entries are zero.
    Where nothing dissipates, friction does not depend on the normal speed: the matrix is whole for slipping feet too.
    """
    part = only(model if floor == "level" else on_a_slope(model, dissipating=floor == "leaning"), kinds)
    state = engine.State.create(part, 1)
    q = part.coordinate_default.copy()
    q[part.index("coordinate", "knee_angle_r")] = -0.4
    if "limits" in kinds:
        q[part.index("coordinate", "knee_angle_l")] = -2.3
        q[part.index("coordinate", "mtp_angle_r")] = -0.9
    if "contacts" in kinds:
        from exogait.osim_env.engine.verify import deepest

        q[part.index("coordinate", "pelvis_ty")] += (deepest(part, q[None])[0] - 0.012) / -part.contacts.normal[0, 1]
    u = np.zeros(part.n_coordinates) if "contacts" in kinds else np.random.default_rng(2).normal(0, 0.5, len(q))
    if floor == "slippery":
        u[[part.index("coordinate", f"pelvis_t{axis}") for axis in "xyz"]] = 0.5, 0.2, -0.3
        # Beyond the transition friction no longer grows with the slip: its direction alone changes.
        assert (part.contacts.transition_velocity < 0.3).all()
    h, n = 0.001, len(q)
    # Forces are evaluated after half a step of the coordinates: start half a step before the pose.
    state.q[0], state.u[0] = q - 0.5 * h * u, u
    activation = np.full(part.n_muscles, 0.4)
    state.activation[:] = activation
    eps = 1e-6
    mass = engine.inverse_dynamics(part, np.tile(q, (n, 1)), np.zeros((n, n)), np.eye(n))
    mass = mass - engine.inverse_dynamics(part, q, np.zeros(n), np.zeros(n))

    def applied(speed):
        """Forces of the tested kinds alone: M (udot - udot of the bare tree)."""
        rows = np.atleast_2d(speed)
        batch = len(rows)
        full = engine.accelerations(part, np.tile(q, (batch, 1)), rows, np.tile(activation, (batch, 1)))
        bare = only(model, ())
        free = engine.accelerations(bare, np.tile(q, (batch, 1)), rows, np.zeros((batch, 0)), np.zeros((batch, 0)))
        return (full - free) @ mass

    derivative = ((applied(u + eps * np.eye(n)) - applied(u - eps * np.eye(n))) / (2 * eps)).T
    force = mass @ engine.accelerations(part, q, u, activation)[0]
    expected = np.linalg.solve(mass - IMPLICITNESS * h * derivative, h * force)
    before = state.u.copy()
    controls = np.concatenate([activation, np.zeros(part.n_actuators)])
    engine.step(part, state, controls, h, h)
    np.testing.assert_allclose((state.u - before)[0], expected, rtol=2e-5, atol=2e-7)


def test_curves_for_numpy_are_those_of_the_kernels(model):
    states = sample_states(model, 6, 9)
    now = engine.muscle_state(model, states.q, states.u, states.activation)
    active = curves.active_force_length(model, now.normalized_fiber_length)
    multiplier = curves.force_velocity(now.normalized_fiber_velocity)
    force = model.max_isometric_force * states.activation * active * multiplier
    np.testing.assert_allclose(now.active_fiber_force, force, rtol=1e-9, atol=1e-9)
    passive = curves.passive_force_length(model, now.normalized_fiber_length)
    passive = model.max_isometric_force * (passive + model.muscles.fiber_damping * now.normalized_fiber_velocity)
    np.testing.assert_allclose(now.passive_fiber_force, passive, rtol=1e-9, atol=1e-8)


def test_tendon_curve_is_one_at_its_strain():
    k = tendon_exponent(0.049)
    assert 0.2 * np.exp(k * 0.049) - 0.2 == pytest.approx(1.0)


def test_centre_of_pressure_carries_the_moment(model):
    state = engine.State.create(model, 5)
    rng = np.random.default_rng(3)
    state.q += rng.normal(0, 0.05, state.q.shape) * model.coordinate_rotational
    from exogait.osim_env.engine.verify import deepest

    state.q[:, model.index("coordinate", "pelvis_ty")] += deepest(model, state.q) - 0.02
    state.u += rng.normal(0, 0.3, state.u.shape)
    contact = engine.contact_forces(model, state.q, state.u)
    up = np.array([0.0, 1.0, 0.0])
    loaded = np.isfinite(contact.free_moment)
    assert loaded.sum() >= 5
    rebuilt = np.cross(contact.centre_of_pressure, contact.foot_force) + contact.free_moment[..., None] * up
    np.testing.assert_allclose(rebuilt[loaded], contact.foot_moment[loaded], atol=1e-8)
    assert np.abs(contact.centre_of_pressure[loaded][:, 1]).max() < 1e-9
