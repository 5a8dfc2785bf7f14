"""Reading models: round trip, names, refusals, and life without opensim."""

from __future__ import annotations

import copy
import dataclasses
import os
import pickle
import subprocess
import sys
from pathlib import Path

import numba
import numpy as np
import pytest

from exogait.data.errors import FileFormatError, UnknownNameError, UnsupportedModelError
from exogait.models.opensim_api import import_opensim
from exogait.osim_env import engine
from exogait.osim_env.engine.batch import groups
from exogait.osim_env.engine.floor.reading import foot_of
from exogait.osim_env.engine.opensim_engine import OpenSimEngine
from exogait.osim_env.engine.splines import simm_spline_coefficients
from tests.kit.models_for_tests import compliant

ROOT = Path(__file__).parents[3]

WITHOUT_OPENSIM = """
import sys
import numpy as np
from exogait.osim_env import engine
model = engine.Model.load(sys.argv[1])
state = engine.State.create(model, 2)
engine.step(model, state, np.full(model.n_controls, 0.01), 0.002, record=True)
udot = engine.accelerations(model, state.q, state.u, state.activation)
assert "opensim" not in sys.modules
np.save(sys.argv[2], np.hstack([state.q, state.u, state.record_rows, udot]))
"""


@pytest.fixture(scope="session")
def saved(model, tmp_path_factory):
    return model.save(tmp_path_factory.mktemp("model") / "exo")


def run_without_opensim(saved, out, **environment):
    subprocess.run(
        [sys.executable, "-c", WITHOUT_OPENSIM, str(saved), str(out)],
        env=os.environ | {"PYTHONPATH": str(ROOT)} | environment,
        check=True,
        timeout=500,
    )
    return np.load(out)


def test_save_and_load_lose_nothing(model, saved):
    loaded = engine.Model.load(saved)
    assert saved.suffix == ".npz"
    for one in dataclasses.fields(model):
        ours, theirs = getattr(model, one.name), getattr(loaded, one.name)
        if isinstance(ours, tuple) and hasattr(ours, "_fields"):
            for name in ours._fields:
                np.testing.assert_array_equal(getattr(ours, name), getattr(theirs, name), err_msg=f"{one.name}.{name}")
        elif isinstance(ours, np.ndarray):
            np.testing.assert_array_equal(ours, theirs)
        else:
            assert ours == theirs, one.name


def test_stepping_needs_no_opensim_and_plain_python_agrees(saved, tmp_path):
    """The same kernels as machine code and as plain Python: fused multiply-adds round differently.

    Nothing else does.
    """
    compiled = run_without_opensim(saved, tmp_path / "a.npy", OSIM_ENV_DISABLE_JIT="0")
    plain = run_without_opensim(saved, tmp_path / "b.npy", OSIM_ENV_DISABLE_JIT="1")
    scale = np.maximum(1.0, np.abs(plain))
    assert (np.abs(compiled - plain) / scale).max() < 1e-9


def test_names_follow_opensim(model):
    assert model.coordinate_names[:7] == (
        "pelvis_tilt", "pelvis_list", "pelvis_rotation", "pelvis_tx", "pelvis_ty", "pelvis_tz", "hip_flexion_r",
    )  # fmt: skip
    assert (model.n_coordinates, model.n_muscles) == (23, 92)
    assert model.foot_names == ("r", "l")
    assert len(model.sphere_names) >= 12
    assert model.total_mass == pytest.approx(model.body_mass.sum())
    assert model.index("muscle", "soleus_r") == model.muscle_names.index("soleus_r")
    with pytest.raises(UnknownNameError, match="did you mean soleus"):
        model.index("muscle", "soleus")


def test_arrays_are_frozen(model):
    with pytest.raises(ValueError):
        model.tree.mass[0] = 1.0
    with pytest.raises(dataclasses.FrozenInstanceError):
        model.name = "x"


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
def test_the_kernels_are_not_compiled_anew_for_a_copy(model, duplicate):
    """For a writable array in the place of a read-only one they would be."""
    twin = duplicate(model)
    assert twin.layout == model.layout
    assert [numba.typeof(group) for group in groups(twin)] == [numba.typeof(group) for group in groups(model)]


def test_everything_unsupported_is_listed_at_once(tmp_path, exo_path):
    osim = import_opensim()
    model = osim.Model(str(exo_path))
    spring = osim.PointToPointSpring(
        model.getGround(), osim.Vec3(0), model.getBodySet().get("torso"), osim.Vec3(0), 10.0, 1.0
    )
    spring.setName("bungee")
    model.addForce(spring)
    coupler = osim.WeldConstraint("glue", model.getGround(), osim.Transform(), model.getBodySet().get("pelvis"),
                                  osim.Transform())  # fmt: skip
    model.addConstraint(coupler)
    muscle = osim.DeGrooteFregly2016Muscle.safeDownCast(model.getMuscles().get("soleus_l"))
    muscle.set_ignore_activation_dynamics(True)
    wrapped = osim.WrapTorus()
    wrapped.setName("knob")
    wrapped.set_inner_radius(0.02)
    wrapped.set_outer_radius(0.1)
    model.getBodySet().get("femur_r").addWrapObject(wrapped)
    model.finalizeConnections()
    model.getMuscles().get("rect_fem_r").updGeometryPath().addPathWrap(wrapped)
    model.finalizeConnections()
    path = tmp_path / "unsupported.osim"
    model.printToXML(str(path))
    with pytest.raises(UnsupportedModelError) as caught:
        engine.compile_osim(path)
    first = {where.split("/")[-1]: todo for where, _, todo in caught.value.components}
    assert {"bungee", "glue"} <= first.keys()
    assert "appliesForce" in first["bungee"] and "isEnforced" in first["glue"]
    muscles = [where for where, _, todo in caught.value.components if "ignore_activation_dynamics" in todo]
    assert muscles == ["/forceset/soleus_l"]
    wraps = [where for where, _, todo in caught.value.components if "WrapTorus" in todo]
    assert len(wraps) == 1 and wraps[0].startswith("/forceset/rect_fem_r")


def _two_of_a_name(osim, model):
    body = osim.Body("pendulum", 1.0, osim.Vec3(0), osim.Inertia(0.1, 0.1, 0.1))
    joint = osim.PinJoint("pivot", model.getGround(), body)
    joint.updCoordinate().setName("knee_angle_r")
    model.addBody(body)
    model.addJoint(joint)


def _named_like_its_sphere(osim, model):
    for component in list(model.getComponentsList()):
        force = osim.SmoothSphereHalfSpaceForce.safeDownCast(component)
        if force is not None:
            force.setName(force.getConnectee("sphere").getName())
            return


def _dissipation(osim, model):
    for component in list(model.getComponentsList()):
        force = osim.CoordinateLimitForce.safeDownCast(component)
        if force is not None:
            force.set_compute_dissipation_energy(True)
            return


def _no_optimal_force(osim, model):
    for component in list(model.getComponentsList()):
        actuator = osim.CoordinateActuator.safeDownCast(component)
        if actuator is not None:
            actuator.set_optimal_force(0.0)
            return


@pytest.mark.parametrize(
    ("edit", "todo"),
    [
        (_two_of_a_name, "another one has this name"), (_named_like_its_sphere, None),
        (_dissipation, "compute_dissipation_energy"), (_no_optimal_force, "optimal force is 0"),
    ],
)  # fmt: skip
def test_what_opensim_and_the_engine_would_read_differently_is_refused(exo_path, tmp_path, edit, todo):
    osim = import_opensim()
    model = osim.Model(str(exo_path))
    model.finalizeConnections()
    edit(osim, model)
    model.finalizeConnections()
    model.printToXML(str(tmp_path / "edited.osim"))
    if todo is None:
        # OpenSim's own sockets hold the path: whichever way it reads the file, nothing may end in a Python error.
        try:
            assert engine.compile_osim(tmp_path / "edited.osim").n_muscles == 92
        except UnsupportedModelError as error:
            assert "rename it" in str(error)
        return
    with pytest.raises(UnsupportedModelError, match=todo) as caught:
        engine.compile_osim(tmp_path / "edited.osim")
    assert len(caught.value.components) == 1


def test_a_refusal_counts_by_kind_and_names_some():
    parts = [(f"/forceset/m{k}", "Thelen2003Muscle", "convert") for k in range(40)] + [("/a", "BallJoint", "use a pin")]
    lines = str(UnsupportedModelError("m.osim", parts)).splitlines()
    assert lines[0].endswith("41 component(s) cannot be compiled exactly:")
    assert lines[1:] == [
        "  40 x Thelen2003Muscle: convert: /forceset/m0, /forceset/m1, /forceset/m2 and 37 more",
        "  1 x BallJoint: use a pin: /a",
    ]


def test_a_state_starts_elastic_tendons_where_opensim_does(exo_path, tmp_path):
    elastic = OpenSimEngine(compliant(exo_path, tmp_path / "compliant.osim")).model
    state = engine.State.create(elastic, 2)
    some = elastic.muscles.compliant == 1
    assert some.any() and (state.tendon_force[:, some] == 0.5).all() and (state.tendon_force[:, ~some] == 0.0).all()


def test_other_muscles_are_compiled_as_they_are_or_converted(real_data, tmp_path):
    source = real_data / "opensim_models" / "gait10dof18musc" / "gait10dof18musc.osim"
    model = engine.compile_osim(source)
    assert len(model.hills.muscle) == model.n_muscles == 18 and model.muscles.compliant.all()
    model = engine.compile_osim(source, convert_muscles=True, converted=tmp_path / "out.osim")
    assert not len(model.hills.muscle) and model.n_muscles == 18 and not model.muscles.compliant.any()
    assert (tmp_path / "out.osim").is_file()


def test_disabled_forces_are_left_out(exo_path, tmp_path):
    osim = import_opensim()
    model = osim.Model(str(exo_path))
    model.getMuscles().get("soleus_r").set_appliesForce(False)
    model.finalizeConnections()
    model.printToXML(str(tmp_path / "m.osim"))
    compiled = engine.compile_osim(tmp_path / "m.osim")
    assert "soleus_r" not in compiled.muscle_names and compiled.n_muscles == 91


def test_files_that_are_no_models(tmp_path):
    (tmp_path / "empty.osim").write_text("")
    (tmp_path / "not.npz").write_text("nothing")
    with pytest.raises(FileFormatError, match="no such file"):
        engine.compile_osim(tmp_path / "missing.osim")
    with pytest.raises(FileFormatError, match="cannot read"):
        engine.compile_osim(tmp_path / "empty.osim")
    with pytest.raises(FileFormatError, match="compiled model"):
        engine.Model.load(tmp_path / "not.npz")
    np.savez(tmp_path / "other.npz", format=np.array(-1))
    with pytest.raises(FileFormatError, match="format"):
        engine.Model.load(tmp_path / "other.npz")


@pytest.mark.parametrize("n", [2, 3, 4, 9])
def test_spline_coefficients_equal_opensim(n):
    osim = import_opensim()
    rng = np.random.default_rng(n)
    x = np.cumsum(0.1 + rng.random(n))
    y = rng.normal(size=n)
    theirs = osim.SimmSpline()
    for a, b in zip(x, y, strict=True):
        theirs.addPoint(float(a), float(b))
    b, c, d = simm_spline_coefficients(x, y)
    for at in rng.uniform(x[0], x[-1], 20):
        k = min(np.searchsorted(x, at) - 1, n - 2)
        s = at - x[k]
        assert y[k] + s * (b[k] + s * (c[k] + s * d[k])) == pytest.approx(
            theirs.calcValue(osim.Vector(1, at)), abs=1e-13
        )


@pytest.mark.parametrize(
    ("force", "body", "foot"),
    [("contact_heel_r", "calcn_r", "r"), ("l_heel", "foot", "l"), ("s1", "toes_l", "l"), ("s1", "hoof", "hoof")],
)
def test_foot_of_a_sphere(force, body, foot):
    assert foot_of(force, body) == foot
