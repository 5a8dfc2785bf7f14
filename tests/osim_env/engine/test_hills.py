"""Millard 2012 and Thelen 2003 muscles, rigid and elastic, equal OpenSim's.

Tolerances are those of :mod:`exogait.osim_env.engine.verify`, each with its reason there.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from exogait.data.errors import InputError, UnsupportedModelError
from exogait.models.opensim_api import import_opensim
from exogait.osim_env import engine
from exogait.osim_env.engine.opensim_engine import OpenSimEngine
from exogait.osim_env.engine.verify import compare, sample_states
from exogait.osim_env.gait.twin_physics import TwinPhysics
from tests.kit.models_for_tests import with_hills

MILLARD, THELEN, COUPLED = (
    "gait10dof18musc/gait10dof18musc.osim",
    "gait2354/gait2354_simbody.osim",
    "leg6dof9musc/leg6dof9musc.osim",
)
EQUILIBRIUM_TOLERANCE = 1e-7
"""Of a fibre's length in equilibrium, in optimal lengths: OpenSim stops at 1e-8 of the largest force."""


@pytest.fixture(scope="module")
def published(real_data) -> Path:
    return real_data / "opensim_models"


@pytest.mark.parametrize("name", [MILLARD, THELEN, COUPLED])
def test_published_models_with_their_own_muscles(published, name):
    oracle = OpenSimEngine(published / name)
    assert len(oracle.model.hills.muscle) == oracle.model.n_muscles
    failed = [row for row in compare(oracle, sample_states(oracle.model, 16, 1), moment_arm_states=1) if not row.passed]
    assert not failed, failed


def test_rajagopal_but_for_its_wraps(published, tmp_path):
    """Locked coordinates, couplers, and 80 Millard muscles of which 34 have rigid tendons, all at once."""
    text = (published / "rajagopal2016" / "Rajagopal2016.osim").read_text()
    text, wraps = re.subn("<PathWrap name=.*?</PathWrap>", "", text, flags=re.DOTALL)
    (tmp_path / "unwrapped.osim").write_text(text)
    oracle = OpenSimEngine(tmp_path / "unwrapped.osim")
    model = oracle.model
    assert wraps == 46 and (len(model.drives.mobility), len(model.couplers.dependent)) == (8, 2)
    assert (model.muscles.compliant == 0).sum() == 34
    failed = [row for row in compare(oracle, sample_states(model, 8, 1), moment_arm_states=1) if not row.passed]
    assert not failed, failed


@pytest.mark.parametrize(("name", "rigid"), [(MILLARD, True), (MILLARD, False), (COUPLED, False)])
def test_other_curves_pennations_and_tendons(published, tmp_path, name, rigid):
    oracle = OpenSimEngine(with_hills(published / name, tmp_path / "changed.osim", rigid=rigid))
    assert len(set(oracle.model.muscles.compliant.tolist())) == (2 if name == MILLARD and not rigid else 1)
    failed = [row for row in compare(oracle, sample_states(oracle.model, 24, 2), moment_arm_states=1) if not row.passed]
    assert not failed, failed


@pytest.mark.parametrize("name", [MILLARD, THELEN])
def test_equilibrium_at_rest(published, name):
    oracle = OpenSimEngine(published / name)
    model = oracle.model
    q, still = model.coordinate_default, np.zeros(model.n_coordinates)
    activation = np.random.default_rng(3).uniform(0.05, 0.9, model.n_muscles)
    ours = engine.initial_tendon_force(model, q, still, activation)[0]
    system = oracle.set_state(q, still, activation)
    oracle.opensim_model.equilibrateMuscles(system)
    theirs = np.array([muscle.getFiberLength(system) for muscle in oracle.muscles])
    np.testing.assert_allclose(ours / model.optimal_fiber_length, theirs / model.optimal_fiber_length,
                               atol=EQUILIBRIUM_TOLERANCE)  # fmt: skip


@pytest.mark.parametrize("name", [MILLARD, THELEN])
def test_rates_of_activations_and_fibres(published, name):
    """Rates from a short step against OpenSim's state derivatives."""
    oracle = OpenSimEngine(published / name)
    model = oracle.model
    rng = np.random.default_rng(4)
    state = engine.State.create(model, 1)
    default = [muscle.get_default_fiber_length() for muscle in oracle.muscles]
    np.testing.assert_array_equal(state.tendon_force[0], default)
    state.activation[:] = rng.uniform(0.02, 0.9, model.n_muscles)
    state.tendon_force[:] = engine.initial_tendon_force(model, state.q, state.u, state.activation) * 1.01
    excitation = rng.uniform(0.02, 1.0, model.n_muscles)
    before, h = (state.activation.copy(), state.tendon_force.copy()), 1e-7
    controls = np.concatenate([excitation, np.zeros(model.n_actuators)])
    engine.step(model, state, controls, h, h, integrator="rk4")
    system = oracle.set_state(model.coordinate_default, np.zeros(model.n_coordinates), before[0][0], before[1][0])
    oracle._set_controls(system, excitation, np.zeros(model.n_actuators))
    oracle.opensim_model.realizeAcceleration(system)
    for ours, was, of in ((state.activation, before[0], "activation"), (state.tendon_force, before[1], "fiber_length")):
        theirs = [
            oracle.opensim_model.getStateVariableDerivativeValue(system, f"{one.getAbsolutePathString()}/{of}")
            for one in oracle.muscles
        ]
        np.testing.assert_allclose((ours - was)[0] / h, theirs, rtol=1e-4, atol=1e-4)


def test_what_is_not_reproduced_is_refused_by_name(published, tmp_path):
    osim = import_opensim()
    model = osim.Model(str(published / MILLARD))
    osim.Millard2012EquilibriumMuscle.safeDownCast(model.getMuscles().get(0)).set_fiber_damping(0.0)
    model.finalizeConnections()
    model.printToXML(str(tmp_path / "undamped.osim"))
    with pytest.raises(UnsupportedModelError, match="fiber_damping") as caught:
        engine.compile_osim(tmp_path / "undamped.osim")
    assert len(caught.value.components) == 1


def test_what_takes_other_muscles_for_granted_refuses_these(published):
    with pytest.raises(InputError, match="convert"):
        TwinPhysics(engine.compile_osim(published / MILLARD), 1)


def test_a_saved_model_is_the_same(published, tmp_path):
    model = engine.compile_osim(published / MILLARD)
    loaded = engine.Model.load(model.save(tmp_path / "millard.npz"))
    assert loaded.content_hash == model.content_hash
    for group in ("hills", "curves"):
        for ours, theirs in zip(getattr(loaded, group), getattr(model, group), strict=True):
            np.testing.assert_array_equal(ours, theirs)
