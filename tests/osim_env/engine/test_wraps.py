"""Paths that wrap over cylinders and spheres are OpenSim's, and so are their jumps.

Tolerances are those of :mod:`exogait.osim_env.engine.verify`, each with its reason there.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from exogait.data.errors import FileFormatError, UnsupportedModelError
from exogait.models.opensim_api import import_opensim
from exogait.osim_env import engine
from exogait.osim_env.engine.opensim_engine import OpenSimEngine
from exogait.osim_env.engine.verify import compare, sample_states
from tests.kit.models_for_tests import wrapping
from tests.kit.touched_surfaces import lengths_and_touched

LENGTH_TOLERANCE_M = 1e-9
JUMP_M = 0.002
"""What a length changes by between neighbouring poses beyond what its speed explains."""


@pytest.fixture(scope="module")
def oracle(tmp_path_factory) -> OpenSimEngine:
    return OpenSimEngine(wrapping(tmp_path_factory.mktemp("wrapping") / "wrapping.osim", seed=2))


def test_every_quantity_on_and_off_the_surfaces(oracle):
    model = oracle.model
    states = sample_states(model, 48, 1)
    failed = [row for row in compare(oracle, states, moment_arm_states=4) if not row.passed]
    assert not failed, failed
    counts = lengths_and_touched(oracle, states.q)[1][:, np.unique(model.wraps.muscle)]
    assert (counts == 0).any(axis=0).sum() > 20 and (counts == 1).any(axis=0).sum() > 20 and (counts > 1).any()


def test_a_jump_is_opensims(oracle):
    """Along a line of poses lengths jump here and there, in both engines between the same two poses."""
    model = oracle.model
    low, high = model.coordinate_range.T
    share = np.linspace(0.0, 1.0, 400)[:, None]
    way = (high - low) * np.random.default_rng(2).uniform(0.3, 1.0, model.n_coordinates)
    q, u = low + share * way, np.tile(way, (len(share), 1))
    ours = engine.muscle_state(model, q, u, np.full(model.n_muscles, 0.1))
    theirs = lengths_and_touched(oracle, q)[0]
    np.testing.assert_allclose(ours.muscle_tendon_length, theirs, rtol=0.0, atol=LENGTH_TOLERANCE_M)
    speed = ours.lengthening_speed
    jumps = np.abs(np.diff(theirs, axis=0) - 0.5 * (speed[1:] + speed[:-1]) / (len(share) - 1)) > JUMP_M
    # Over several surfaces a remembered point keeps a speed from being the rate of its length.
    assert jumps.any(axis=0).sum() > 5 and jumps.mean() < 0.05


def test_where_opensims_adjustment_does_not_settle_the_last_bit_decides(tmp_path):
    """A spiral between two surfaces may never be tangent: a hundred rounds then amplify rounding, in both engines."""
    oracle = OpenSimEngine(wrapping(tmp_path / "wrapping.osim", seed=0))
    model = oracle.model
    muscle = model.index("muscle", "muscle_3")
    states = sample_states(model, 100, 1)
    q = np.repeat(states.q[[9, 96]], 17, axis=0)
    q += 1e-15 * np.random.default_rng(0).normal(size=q.shape)
    ours = engine.muscle_state(model, q, 0.0 * q, np.full(model.n_muscles, 0.1)).muscle_tendon_length[:, muscle]
    theirs = lengths_and_touched(oracle, q)[0][:, muscle]
    own = np.ptp(theirs.reshape(2, -1), axis=1)
    assert (own > LENGTH_TOLERANCE_M).all()
    assert (np.abs(ours - theirs).reshape(2, -1).max(axis=1) < 2.0 * own).all()


def test_neighbours_in_a_batch_change_nothing(oracle):
    """Each lane has its own arrangement of wraps."""
    model = oracle.model
    states = sample_states(model, 16, 5)
    together = engine.accelerations(model, states.q, states.u, states.activation)
    alone = [engine.accelerations(model, states.q[k], states.u[k], states.activation[k])[0] for k in range(16)]
    np.testing.assert_array_equal(together, alone)


def test_a_saved_model_is_the_same(oracle, tmp_path):
    model = oracle.model
    loaded = engine.Model.load(model.save(tmp_path / "wrapping.npz"))
    assert loaded.content_hash == model.content_hash
    for group in ("surfaces", "wraps", "paths"):
        for ours, theirs in zip(getattr(loaded, group), getattr(model, group), strict=True):
            np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize(
    ("array", "change"),
    [
        ("wraps.surface", lambda a: np.full_like(a, a[0])),
        ("wraps.last_point", lambda a: a + 1),
        ("wraps.muscle", lambda a: a[::-1]),
        ("surfaces.size", lambda a: 0.0 * a),
        ("surfaces.rotation", lambda a: 1.1 * a),
        ("paths.segment_to", lambda a: np.where(a == a.max(), a + 1, a)),
    ],
)
def test_a_strangers_file_is_refused(oracle, tmp_path, array, change):
    path = oracle.model.save(tmp_path / "changed.npz")
    with np.load(path) as content:
        arrays = dict(content)
    np.savez(path, **(arrays | {array: change(arrays[array])}))
    with pytest.raises(FileFormatError, match=array):
        engine.Model.load(path)


def _wrap(model, number, muscle="muscle_0"):
    return model.getMuscles().get(muscle).updGeometryPath().getWrapSet().get(number)


def _over_itself(osim, model):
    path = model.getMuscles().get("muscle_0").updGeometryPath()
    path.addPathWrap(path.getWrapSet().get(0).getWrapObject())


def _over_a_torus(osim, model):
    ring = osim.WrapTorus()
    ring.setName("ring")
    ring.set_inner_radius(0.02)
    ring.set_outer_radius(0.1)
    model.getBodySet().get("body_0").addWrapObject(ring)
    model.finalizeConnections()
    model.getMuscles().get("muscle_1").updGeometryPath().addPathWrap(ring)


@pytest.mark.parametrize(
    ("change", "component", "words"),
    [
        (_over_itself, "muscle_0", "same object"),
        (_over_a_torus, "muscle_1", "WrapTorus is not compiled"),
        (lambda _, m: _wrap(m, 0).set_range(1, 7), "muscle_0", "its range"),
    ],
)
def test_what_is_not_reproduced_is_refused_by_name(oracle, tmp_path, change, component, words):
    osim = import_opensim()
    path = wrapping(tmp_path / "wrapping.osim")
    model = osim.Model(str(path))
    model.finalizeConnections()
    change(osim, model)
    model.finalizeConnections()
    model.printToXML(str(path))
    with pytest.raises(UnsupportedModelError) as caught:
        engine.compile_osim(path)
    ((where, _, todo),) = caught.value.components
    assert f"/{component}/" in where and words in todo


def test_rajagopal_unedited(real_data: Path):
    """38 cylinders and 46 wraps, of which 4 muscles have two."""
    oracle = OpenSimEngine(real_data / "opensim_models" / "rajagopal2016" / "Rajagopal2016.osim")
    model = oracle.model
    assert (len(model.surfaces.body), len(model.wraps.muscle), model.n_muscles) == (38, 46, 80)
    states = sample_states(model, 16, 1)
    table = compare(oracle, states, moment_arm_states=1)
    failed = [row for row in table if not row.passed]
    assert not failed, failed
    (length,) = [row.absolute for row in table if row.quantity == "muscle tendon length"]
    assert length < LENGTH_TOLERANCE_M
    _, counts = lengths_and_touched(oracle, states.q)
    assert (counts == 2).any() and (counts == 1).any() and (counts[:, np.unique(model.wraps.muscle)] == 0).any()


def test_a_motion_over_surfaces_is_opensims(real_data: Path):
    """Rigid Millard tendons whose paths wrap: what OpenSim leaves of a motion is read without its caches."""
    oracle = OpenSimEngine(real_data / "opensim_models" / "rajagopal2016" / "Rajagopal2016.osim", accuracy=1e-7)
    model = oracle.model
    ours, theirs = (engine.State.create(model, 1) for _ in range(2))
    for state in (ours, theirs):
        state.activation[:] = 0.1
        state.tendon_force[:] = engine.initial_tendon_force(model, state.q, state.u, state.activation)
    controls = np.concatenate([np.linspace(0.02, 0.5, model.n_muscles), np.zeros(model.n_actuators)])
    engine.step(model, ours, controls, 0.004, 0.0001, integrator="rk4")
    oracle.step(theirs, controls, 0.004)
    np.testing.assert_allclose(ours.q, theirs.q, rtol=0.0, atol=1e-6)
    np.testing.assert_allclose(ours.activation, theirs.activation, rtol=0.0, atol=1e-6)
    np.testing.assert_allclose(ours.tendon_force, theirs.tendon_force, rtol=0.0, atol=1e-6)
