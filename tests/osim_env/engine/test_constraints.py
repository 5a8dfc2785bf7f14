"""Locked, prescribed and coupled coordinates equal OpenSim's, stay where they belong, and lose no energy."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from exogait.data.errors import UnsupportedModelError
from exogait.models.opensim_api import import_opensim
from exogait.osim_env import engine
from exogait.osim_env.engine.opensim_engine import OpenSimEngine
from exogait.osim_env.engine.verify import ACCELERATION_TOLERANCE, compare, sample_states
from tests.kit.models_for_tests import constrained

TRAJECTORY_TOLERANCE = 1e-7
"""Coordinates after 50 ms, rad or m: Runge-Kutta at 0.1 ms against OpenSim's Manager at an accuracy of 1e-9."""
ENERGY_TOLERANCE = 1e-6
"""Drift of the total energy in a second, relative to the largest change of the potential energy."""


@pytest.fixture(scope="module")
def path(tmp_path_factory) -> Path:
    return constrained(tmp_path_factory.mktemp("constrained") / "constrained.osim")


@pytest.fixture(scope="module")
def oracle(path) -> OpenSimEngine:
    return OpenSimEngine(path)


def test_every_quantity_on_and_off_the_constraints(oracle):
    """Random states satisfy no constraint; OpenSim's accelerations are those of the constraints all the same."""
    model = oracle.model
    assert len(model.drives.mobility) == 4 and len(model.couplers.dependent) == 3
    states = sample_states(model, 40, 1)
    failed = [row for row in compare(oracle, states) if not row.passed]
    assert not failed, failed
    time = np.linspace(0.0, 1.0, 40)
    ours = engine.accelerations(model, states.q, states.u, np.zeros(0), time=time)
    theirs = oracle.accelerations(states.q, states.u, np.zeros(0), time=time)
    assert (np.abs(ours - theirs) / np.maximum(1.0, np.abs(theirs).max(axis=1, keepdims=True))).max() < (
        ACCELERATION_TOLERANCE
    )


def test_a_motion_is_opensims(oracle):
    model = oracle.model
    states = [engine.State.create(model, 1) for _ in range(2)]
    # One step of any length puts all coordinates on their constraints.
    for state in states:
        engine.step(model, state, np.zeros(0), 1e-4, 1e-4, integrator="rk4")
        state.time[:] = 1e-4
    oracle.accuracy = 1e-9
    oracle.step(states[0], np.zeros(0), 0.05)
    engine.step(model, states[1], np.zeros(0), 0.05, 1e-4, integrator="rk4")
    np.testing.assert_allclose(states[1].q, states[0].q, atol=TRAJECTORY_TOLERANCE)


@pytest.mark.parametrize("integrator", ["implicit", "rk4"])
def test_coordinates_stay_on_their_constraints(path, oracle, integrator):
    model = oracle.model
    state = engine.State.create(model, 3)
    engine.step(model, state, np.zeros(0), 0.1, 1e-3, integrator=integrator)
    column = model.coordinate_names.index
    opensim_model = oracle.opensim_model
    osim = import_opensim()
    assert (state.q[:, column("free_4")] == 0.3).all() and (state.u[:, column("free_4")] == 0.0).all()
    swing = opensim_model.getCoordinateSet().get("finger_0").getPrescribedFunction()
    np.testing.assert_allclose(state.q[:, column("finger_0")], swing.calcValue(osim.Vector(1, 0.1)), atol=1e-13)
    np.testing.assert_allclose(state.q[:, column("nail_0")], 1.4 * state.q[:, column("slide_0")] + 0.2, atol=1e-14)
    np.testing.assert_allclose(state.u[:, column("nail_0")], 1.4 * state.u[:, column("slide_0")], atol=1e-14)


def test_constraints_do_no_work(path, tmp_path):
    osim = import_opensim()
    opensim_model = osim.Model(str(path))
    for name in ("plane_1", "finger_0"):
        opensim_model.getCoordinateSet().get(name).set_prescribed(False)
    # At full gravity the ball joint spins through its singular middle angle, and the step's own error would show.
    opensim_model.setGravity(osim.Vec3(0.1, -2.0, 0.1))
    opensim_model.finalizeConnections()
    opensim_model.printToXML(str(tmp_path / "free.osim"))
    oracle = OpenSimEngine(tmp_path / "free.osim")
    model = oracle.model
    state = engine.State.create(model, 1)
    kinetic, potential = [], []
    engine.step(model, state, np.zeros(0), 5e-4, 5e-4, integrator="rk4")
    for _ in range(11):
        system = oracle.set_state(state.q[0], state.u[0])
        oracle.opensim_model.realizeDynamics(system)
        kinetic.append(oracle.opensim_model.calcKineticEnergy(system))
        potential.append(oracle.opensim_model.calcPotentialEnergy(system))
        engine.step(model, state, np.zeros(0), 0.1, 5e-4, integrator="rk4")
    total = np.add(kinetic, potential)
    assert np.ptp(potential) > 1.0
    assert np.ptp(total) < ENERGY_TOLERANCE * np.ptp(potential)


def test_a_saved_model_is_the_same(oracle, tmp_path):
    loaded = engine.Model.load(oracle.model.save(tmp_path / "constrained.npz"))
    assert loaded.content_hash == oracle.model.content_hash
    for group in ("drives", "couplers"):
        for ours, theirs in zip(getattr(loaded, group), getattr(oracle.model, group), strict=True):
            np.testing.assert_array_equal(ours, theirs)


def refusals(path: Path, target: Path, change) -> dict[str, str]:
    osim = import_opensim()
    opensim_model = osim.Model(str(path))
    opensim_model.finalizeConnections()
    change(osim, opensim_model)
    opensim_model.finalizeConnections()
    opensim_model.printToXML(str(target))
    with pytest.raises(UnsupportedModelError) as caught:
        engine.compile_osim(target)
    return {where.split("/")[-1]: todo for where, _, todo in caught.value.components}


def coupler_of(osim, opensim_model, name):
    return osim.CoordinateCouplerConstraint.safeDownCast(opensim_model.getConstraintSet().get(name))


def names_of(osim, *names):
    array = osim.ArrayStr()
    for name in names:
        array.append(name)
    return array


@pytest.mark.parametrize(
    ("change", "component", "words"),
    [
        (lambda _, m: m.getCoordinateSet().get("ball_1").set_locked(True), "ball_1", "CustomJoint"),
        (lambda _, m: m.getCoordinateSet().get("slide_0").set_locked(True), "slide_0_coupler", "constrained twice"),
        (
            lambda o, m: coupler_of(o, m, "slide_0_coupler").setIndependentCoordinateNames(names_of(o, "nail_0")),
            "nail_0_coupler",
            "depends on itself",
        ),
        (
            lambda o, m: coupler_of(o, m, "slide_0_coupler").setIndependentCoordinateNames(
                names_of(o, "plane_0", "pin_0")
            ),
            "slide_0_coupler",
            "2 others",
        ),
        (
            lambda o, m: m.getCoordinateSet().get("plane_1").setPrescribedFunction(o.Sine(1.0, 2.0, 0.0)),
            "plane_1",
            "prescribed function",
        ),
    ],
)
def test_what_is_not_reproduced_is_refused_by_name(path, tmp_path, change, component, words):
    found = refusals(path, tmp_path / "changed.osim", change)
    assert words in found[component]
