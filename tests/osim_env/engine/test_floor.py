"""HuntCrossleyForce spheres on a floor, also one that is welded to the ground, press and rub as OpenSim's."""

from __future__ import annotations

import numpy as np
import pytest

from exogait.data.errors import UnsupportedModelError
from exogait.models.opensim_api import import_opensim
from exogait.osim_env import engine
from exogait.osim_env.engine.opensim_engine import OpenSimEngine
from exogait.osim_env.engine.verify import compare, sample_states
from tests.kit.models_for_tests import on_floors


@pytest.fixture(scope="module")
def oracle(tmp_path_factory) -> OpenSimEngine:
    return OpenSimEngine(on_floors(tmp_path_factory.mktemp("floor") / "on_floors.osim"))


def test_every_quantity_on_the_floor_and_in_the_air(oracle):
    states = sample_states(oracle.model, 60, 1)
    failed = [row for row in compare(oracle, states) if not row.passed]
    assert not failed, failed
    force = engine.contact_forces(oracle.model, states.q, states.u).force
    pressed = np.linalg.norm(force, axis=2) > 1.0
    assert 0.05 < pressed.mean() < 0.95
    # Parting fast, a sphere in the floor is let go.
    depth = oracle.contact_forces(states.q, 0.0 * states.u).force
    assert ((np.linalg.norm(depth, axis=2) > 1.0) & ~pressed).any()


def test_a_body_at_rest_has_no_friction(oracle):
    q = sample_states(oracle.model, 8, 2).q
    ours = engine.contact_forces(oracle.model, q, np.zeros_like(q)).force
    theirs = oracle.contact_forces(q, np.zeros_like(q)).force
    np.testing.assert_allclose(ours, theirs, rtol=1e-8, atol=1e-9)
    assert (np.abs(ours) > 1.0).any()


def _two_balls(osim, model, force):
    force.addGeometry("ball_1")


def _moving_floor(osim, model, force):
    floor = model.getContactGeometrySet().get("floor")
    floor.setFrame(model.getBodySet().get("trunk"))


@pytest.mark.parametrize(
    ("change", "component", "words"),
    [
        (_two_balls, "contact_0_r", "every sphere its own force"),
        (_moving_floor, "floor", "weld its body"),
    ],
)
def test_what_is_not_reproduced_is_refused_by_name(tmp_path, change, component, words):
    osim = import_opensim()
    path = on_floors(tmp_path / "on_floors.osim")
    model = osim.Model(str(path))
    model.finalizeConnections()
    change(osim, model, osim.HuntCrossleyForce.safeDownCast(model.getForceSet().get("contact_0_r")))
    model.finalizeConnections()
    model.printToXML(str(path))
    with pytest.raises(UnsupportedModelError) as caught:
        engine.compile_osim(path)
    assert {where.split("/")[-1]: todo for where, _, todo in caught.value.components}[component].find(words) >= 0


def test_unlike_stiffness_is_refused(tmp_path):
    path = on_floors(tmp_path / "on_floors.osim")
    text = path.read_text()
    first = text.index("<HuntCrossleyForce::ContactParameters>")
    last = text.index("</HuntCrossleyForce::ContactParameters>") + len("</HuntCrossleyForce::ContactParameters>")
    both = text[first:last]
    one = both.replace("<geometry>floor ball_0</geometry>", "<geometry>floor</geometry>")
    other = both.replace("<geometry>floor ball_0</geometry>", "<geometry>ball_0</geometry>").replace(
        "<stiffness>", "<stiffness>2"
    )
    assert one != both and other != both
    path.write_text(text[:first] + one + other + text[last:])
    with pytest.raises(UnsupportedModelError, match="same stiffness"):
        engine.compile_osim(path)
