"""One step of the Runge-Kutta method by hand: four evaluations of the engine's own accelerations, summed in numpy."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from exogait.osim_env import engine

H = 2e-4
TAU = 0.03
"""Time constant that the actuators are given, s: those of the model card have none."""


@pytest.fixture(scope="module")
def slow(model: engine.Model) -> engine.Model:
    """The gait model whose actuators rise and fall with a time constant."""
    times = np.full(model.n_actuators, TAU)
    return dataclasses.replace(model, actuators=model.actuators._replace(time_constant=times))


def activation_rate(model: engine.Model, activation: np.ndarray, excitation: np.ndarray) -> np.ndarray:
    """De Groote et al. 2016, equations 1 and 2."""
    m = model.muscles
    f = 0.5 * np.tanh(m.smoothing * (excitation - activation))
    z = 0.5 + 1.5 * activation
    return ((0.5 + f) / (m.activation_time * z) + (0.5 - f) * z / m.deactivation_time) * (excitation - activation)


def test_runge_kutta_takes_four_stages_of_the_classical_weights(slow: engine.Model) -> None:
    rng = np.random.default_rng(0)
    state = engine.State.create(slow, 2)
    state.q[:, slow.index("coordinate", "pelvis_ty")] += 0.5
    state.q += 0.05 * rng.standard_normal(state.q.shape) * slow.coordinate_rotational
    state.u[:] = rng.normal(0.0, 1.0, state.u.shape)
    state.activation[:] = rng.uniform(0.05, 0.6, state.activation.shape)
    state.actuator_activation[:] = rng.uniform(-0.5, 0.5, state.actuator_activation.shape)
    excitation = rng.uniform(0.01, 1.0, (2, slow.n_muscles))
    control = rng.uniform(-1.0, 1.0, (2, slow.n_actuators))
    q, u, a, s = (np.array(x) for x in (state.q, state.u, state.activation, state.actuator_activation))

    def drive(elapsed: float) -> np.ndarray:
        """Actuator activations, exactly: x + (s - x) exp(-t / tau)."""
        return control + (s - control) * np.exp(-elapsed / TAU)

    def rates(elapsed: float, y: list[np.ndarray]) -> list[np.ndarray]:
        torque = drive(elapsed) * slow.actuators.optimal_force
        return [y[1], engine.accelerations(slow, *y, torque), activation_rate(slow, y[2], excitation)]

    start = [q, u, a]
    k1 = rates(0.0, start)
    k2 = rates(H / 2, [y + H / 2 * k for y, k in zip(start, k1, strict=True)])
    k3 = rates(H / 2, [y + H / 2 * k for y, k in zip(start, k2, strict=True)])
    k4 = rates(H, [y + H * k for y, k in zip(start, k3, strict=True)])
    end = [y + H / 6 * (a + 2 * b + 2 * c + d) for y, a, b, c, d in zip(start, k1, k2, k3, k4, strict=True)]
    engine.step(slow, state, np.hstack([excitation, control]), H, H, integrator="rk4")
    # Differences are rounding of sums of four terms; the last stage's share of the change is a sixth.
    np.testing.assert_allclose(state.q - q, end[0] - q, rtol=1e-9, atol=1e-14)
    np.testing.assert_allclose(state.u - u, end[1] - u, rtol=1e-8, atol=1e-12)
    np.testing.assert_allclose(state.activation - a, end[2] - a, rtol=1e-9, atol=1e-14)
    np.testing.assert_allclose(state.actuator_activation, drive(H), rtol=1e-12)
