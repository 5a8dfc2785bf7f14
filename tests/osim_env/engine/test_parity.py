"""The compiled engine equals OpenSim, quantity by quantity.

Tolerances are those of :mod:`exogait.osim_env.engine.verify`, each with its reason there; ``python -m tests.validation
twin`` runs
the same comparisons on 1,000 states.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from exogait.data.errors import UnsupportedModelError
from exogait.models.opensim_api import import_opensim
from exogait.osim_env import engine
from exogait.osim_env.engine.compiler import convert
from exogait.osim_env.engine.opensim_engine import OpenSimEngine
from exogait.osim_env.engine.verify import compare, compare_accelerations, compare_trajectories, sample_states, verify
from tests.kit.models_for_tests import compliant, joint_zoo, perturbed


def assert_passed(rows) -> None:
    failed = [f"{r.quantity}: {r.absolute:.2e} {r.unit}, relative {r.relative:.2e}" for r in rows if not r.passed]
    assert not failed, failed


def test_every_quantity_of_the_gait_model(oracle):
    rows = compare(oracle, sample_states(oracle.model, 40, 1), moment_arm_states=4)
    assert {"accelerations", "moment arms", "contact forces", "tendon force"} <= {row.quantity for row in rows}
    assert_passed(rows)


def test_states_are_half_in_flight_and_half_in_the_floor(model):
    from exogait.osim_env.engine.verify import LIST_LIMIT, deepest

    states = sample_states(model, 60, 2)
    depth = deepest(model, states.q)
    assert ((depth > -1e-9) & (depth < 0.03 + 1e-9)).sum() == 30
    assert (depth < -0.09).sum() == 30
    assert np.abs(states.q[:, model.index("coordinate", "pelvis_list")]).max() <= LIST_LIMIT


def test_perturbed_copy(exo_path, tmp_path):
    engine_ = OpenSimEngine(perturbed(exo_path, tmp_path / "perturbed.osim"))
    assert engine_.model.tree.parent_rotated.any() and engine_.model.tree.child_rotated.any()
    assert_passed(compare(engine_, sample_states(engine_.model, 30, 1), moment_arm_states=2))


def test_every_joint_and_function_kind(tmp_path):
    result = verify(joint_zoo(tmp_path / "zoo.osim"), 50)
    assert result.passed, str(result)


def test_compliant_tendons(exo_path, tmp_path):
    oracle = OpenSimEngine(compliant(exo_path, tmp_path / "compliant.osim"))
    assert oracle.model.muscles.compliant.all()
    assert_passed(compare(oracle, sample_states(oracle.model, 20, 1), moment_arm_states=1))


def test_trajectories_end_where_opensims_do(oracle, monkeypatch):
    """Also what no single state shows: activations that rise more slowly are found."""
    assert_passed(compare_trajectories(oracle, 1, seed=1, duration=0.02))
    slow = dataclasses.replace(
        oracle.model, muscles=oracle.model.muscles._replace(activation_time=1.5 * oracle.model.muscles.activation_time)
    )
    monkeypatch.setattr(oracle, "model", slow)
    fine, _ = compare_trajectories(oracle, 1, seed=1, duration=0.02)
    assert not fine.passed


def test_a_slope_is_the_same_in_both_engines(exo_path):
    """Gravity of each row, tilted, tilted otherwise, and the model's own again."""
    oracle = OpenSimEngine(exo_path)
    model, g = oracle.model, np.linalg.norm(oracle.model.gravity)
    states = sample_states(model, 3, 4)
    tilt = np.array([0.1, -0.05, 0.0])
    gravity = g * np.stack([np.sin(tilt), -np.cos(tilt), np.zeros(3)], axis=1)
    parameters = engine.Parameters(gravity=gravity)
    found = oracle.accelerations(states.q, states.u, states.activation, params=parameters)
    wanted = engine.accelerations(model, states.q, states.u, states.activation, params=parameters)
    level = engine.accelerations(model, states.q, states.u, states.activation)
    scale = np.maximum(1.0, np.abs(wanted).max(axis=1, keepdims=True))
    assert (np.abs(found - wanted) / scale).max() < 1e-10
    assert np.abs(level - wanted)[:2].max(axis=1).min() > 0.1, "a tilt is felt, rad/s2 or m/s2"


@pytest.mark.parametrize("name", ["gait2354/gait2354_simbody.osim", "gait10dof18musc/gait10dof18musc.osim"])
def test_other_published_models(real_data, tmp_path, name):
    converted = convert(real_data / "opensim_models" / name, tmp_path / "converted.osim")
    oracle = OpenSimEngine(converted)
    assert_passed(compare(oracle, sample_states(oracle.model, 30, 1), moment_arm_states=2))


@pytest.mark.parametrize("seed", [0, 1])
def test_outside_ranges_and_on_thresholds(oracle, seed):
    """Splines beyond their ends, points that stand still but still pull, and knots and conditions met exactly."""
    model = oracle.model
    states = sample_states(model, 12, seed)
    q = states.q.copy()
    knee = model.index("coordinate", "knee_angle_r")
    functions, paths = model.functions, model.paths
    mobility = model.tree.mobility_of_coordinate[knee]
    knots = np.unique(np.concatenate([functions.knot[functions.start[f] : functions.start[f + 1]]
                                      for f in np.flatnonzero(functions.mobility == mobility)]))  # fmt: skip
    edges = paths.condition_range[paths.condition_mobility == mobility].ravel()
    values = np.concatenate([knots[np.isfinite(knots)], edges, [-2.6, -2.3, 0.3, 0.6]])
    q[:, knee] = np.random.default_rng(seed).choice(values, len(q))
    ours = engine.accelerations(model, q, states.u, states.activation, states.torque)
    theirs = oracle.accelerations(q, states.u, states.activation, states.torque)
    assert (np.abs(ours - theirs).max(axis=1) / np.maximum(1, np.abs(theirs).max(axis=1))).max() < 1e-11


def test_nothing_is_clipped(oracle):
    """OpenSim takes activations beyond 0..1 and torques beyond the control range; so does the engine."""
    model = oracle.model
    states = sample_states(model, 4, 3)
    activation = states.activation * 3.0 - 1.0
    torque = 5.0 * states.torque + 300.0
    ours = engine.accelerations(model, states.q, states.u, activation, torque)
    theirs = oracle.accelerations(states.q, states.u, activation, torque)
    assert np.abs(ours - theirs).max() < 1e-11 * np.abs(theirs).max()


def test_activation_dynamics(oracle):
    """Rates from a finite step against OpenSim's state derivatives (time constants are uniform)."""
    model = oracle.model
    rng = np.random.default_rng(4)
    state = engine.State.create(model, 1)
    state.activation[:] = rng.uniform(0.02, 0.9, model.n_muscles)
    excitation = rng.uniform(0.01, 1.0, model.n_muscles)
    controls = np.concatenate([excitation, np.zeros(model.n_actuators)])
    before, h = state.activation.copy(), 1e-8
    engine.step(model, state, controls, h, h)
    system = oracle.set_state(model.coordinate_default, np.zeros(model.n_coordinates), before[0])
    oracle._set_controls(system, excitation, np.zeros(model.n_actuators))
    oracle.opensim_model.realizeAcceleration(system)
    theirs = [
        oracle.opensim_model.getStateVariableDerivativeValue(system, f"{muscle.getAbsolutePathString()}/activation")
        for muscle in oracle.muscles
    ]
    np.testing.assert_allclose((state.activation - before)[0] / h, theirs, rtol=1e-5, atol=1e-5)


def test_engines_are_interchangeable(oracle):
    """The same call on both engines: one environment, 20 ms."""
    model = oracle.model
    states = [engine.State.create(model, 1) for _ in range(2)]
    for state in states:
        state.q[0, model.index("coordinate", "pelvis_ty")] += 0.3
        state.activation[:] = 0.1
    controls = np.full(model.n_controls, 0.1)
    controls[model.n_muscles :] = 0.0
    oracle.accuracy = 1e-8
    oracle.step(states[0], controls, 0.02)
    engine.step(model, states[1], controls, 0.02, 0.0001, integrator="rk4")
    assert np.abs(states[0].q - states[1].q).max() < 1e-7
    assert states[0].time == pytest.approx(states[1].time)


@pytest.mark.parametrize("degree", [3, 5])
def test_a_cubic_gcv_spline_moves_a_joint_and_another_is_refused(tmp_path, degree):
    osim = import_opensim()
    path = joint_zoo(tmp_path / "zoo.osim")
    model = osim.Model(str(path))
    model.finalizeConnections()
    joint = osim.CustomJoint.safeDownCast(model.getJointSet().get("custom"))
    axis = joint.updSpatialTransform().updTransformAxis(1)
    old = osim.SimmSpline.safeDownCast(axis.getFunction())
    spline = osim.GCVSpline()
    spline.setDegree(degree)
    for i in range(old.getSize()):
        spline.addPoint(old.getX(i), old.getY(i))
    axis.set_function(spline)
    model.finalizeConnections()
    model.printToXML(str(path))
    if degree != 3:
        with pytest.raises(UnsupportedModelError, match="GCVSpline"):
            engine.compile_osim(path)
        return
    oracle = OpenSimEngine(path)
    # A fifth of the states lies beyond the knots, where the spline is a line.
    states = sample_states(oracle.model, 40, 1, spread=1.5)
    assert_passed(compare_accelerations(oracle, states))
