"""One source, three kinds of numbers: float64 in lanes, float32 in lanes, plain scalars."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from exogait.osim_env import engine
from exogait.osim_env.engine.lanes import WIDTHS, Backend
from exogait.osim_env.engine.verify import sample_states

SCALAR_TOLERANCE = 1e-12
"""Scalars round twice where lanes fuse a product and a sum; nothing else differs."""
SINGLE_TOLERANCE = 3e-4
"""Largest relative error of accelerations in float32 over random states, some of which fling the light toes about;
float32 itself rounds at 6e-8."""
SINGLE_MEDIAN = 1e-6


def states(model: engine.Model, count: int) -> tuple[np.ndarray, ...]:
    sampled = sample_states(model, count, 3)
    rng = np.random.default_rng(4)
    activation = rng.uniform(0.01, 1.0, (count, model.n_muscles))
    return sampled.q, sampled.u, activation, rng.normal(0.0, 5.0, (count, model.n_actuators))


def relative(found: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Difference over the largest entry of each row."""
    return np.abs(found - wanted) / np.abs(wanted).max(axis=1, keepdims=True)


def test_scalars_equal_lanes(model: engine.Model) -> None:
    arguments = states(model, 40)
    lanes = engine.accelerations(model, *arguments)
    scalars = engine.accelerations(model, *arguments, backend="scalar")
    assert relative(scalars, lanes).max() < SCALAR_TOLERANCE
    assert not np.array_equal(scalars, lanes), "the scalar back end did not run"


def test_single_precision_errs_as_single_precision_does(model: engine.Model) -> None:
    arguments = states(model, 200)
    wanted = engine.accelerations(model, *arguments)
    error = relative(engine.accelerations(model, *arguments, backend="float32"), wanted)
    assert np.median(error) < SINGLE_MEDIAN and error.max() < SINGLE_TOLERANCE
    assert np.median(error) > 1e-9, "float32 did not run"


@pytest.mark.parametrize("backend", WIDTHS)
def test_a_fibre_that_shortens_through_zero_has_a_force(model: engine.Model, backend: Backend) -> None:
    """Without width its angle is 0 / 0 just there; among float32's few numbers a flailing body finds that one."""
    q, u, activation, torque = (row[:1] for row in states(model, 1))
    k = int(np.flatnonzero(model.muscles.fiber_width == 0.0)[0])
    length = engine.muscle_state(model, q, u, activation, backend=backend).muscle_tendon_length[0, k]
    slack = model.muscles.tendon_slack_length.copy()
    slack[k] = np.float32(length) if backend == "float32" else length
    gone = dataclasses.replace(model, muscles=model.muscles._replace(tendon_slack_length=slack))
    found = engine.muscle_state(gone, q, u, activation, backend=backend)
    assert found.normalized_fiber_length[0, k] == 0.0, "the fibre is not gone: nothing is tested"
    assert np.isfinite(found.tendon_force).all()
    assert np.isfinite(engine.accelerations(gone, q, u, activation, torque, backend=backend)).all()


@pytest.mark.parametrize("backend", WIDTHS)
def test_a_walk_does_not_depend_on_batch_or_threads(model: engine.Model, backend: Backend) -> None:
    """The same body alone, among others, and on one, two and three threads: the same bits."""
    count, before = 35, engine.get_threads()
    rng = np.random.default_rng(5)
    controls = rng.uniform(0.0, 0.3, (count, model.n_controls))

    def walk(rows: slice, threads: int) -> engine.State:
        engine.set_threads(threads)
        state = engine.State.create(model, len(range(count)[rows]))
        return engine.step(model, state, controls[rows], 0.02, 0.002, backend=backend)

    try:
        whole = walk(slice(None), 1)
        for rows, threads in ((slice(None), 2), (slice(None), 3), (slice(17, 18), 1), (slice(3, 30), 2)):
            part = walk(rows, threads)
            for name in ("q", "u", "activation"):
                np.testing.assert_array_equal(getattr(part, name), getattr(whole, name)[rows])
    finally:
        engine.set_threads(before)


def test_a_broken_body_stops_alone(model: engine.Model) -> None:
    state = engine.State.create(model, 20)
    state.u[3, 0] = np.nan
    engine.step(model, state, np.zeros(model.n_controls), 0.01, 0.002, backend="float32")
    assert state.status.tolist() == [0, 0, 0, 1] + [0] * 16
    assert np.isfinite(np.delete(state.u, 3, axis=0)).all()


def test_single_precision_walks_along(model: engine.Model) -> None:
    """Over 0.1 s of falling and flailing float32 stays far below the error of the integrator's own steps."""
    controls = np.random.default_rng(6).uniform(0.0, 0.5, (16, model.n_controls))

    def end(dt: float, backend: Backend) -> np.ndarray:
        return engine.step(model, engine.State.create(model, 16), controls, 0.1, dt, backend=backend).q

    rounding = np.abs(end(0.002, "float32") - end(0.002, "float64")).max()
    stepping = np.abs(end(0.002, "float64") - end(0.001, "float64")).max()
    assert rounding < 0.1 * stepping
