"""The effort optimum at fixed kinematics: its table without OpenSim, its model and loads, and one small solution."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from exogait import models
from exogait.analysis.opensim_tools.moco_inputs import prepare_model, write_inputs
from exogait.analysis.opensim_tools.moco_inverse import solve_moco_inverse
from exogait.analysis.opensim_tools.moco_table import (
    optimum_curve,
    read_optimum,
    settled_strides,
    torque_curves,
    torque_summary,
    write_optimum,
)
from exogait.data import ExogaitError, FileFormatError, GaitTrial, InputError, UnknownNameError
from exogait.data.storage import read_sto
from exogait.data.trial import GROUND_REACTION_COLUMNS, SIDES
from exogait.models.opensim_api import import_opensim
from tests.kit.gait_trials import CYCLE, MASS, walking_trial

G = 9.80665
SOLVE_WINDOW, SOLVE_MESH = (0.1, 0.2), 0.1
CROUCH = {"hip_flexion": 0.4, "knee_angle": -0.6, "ankle_angle": 0.2}
BALANCE = 1e-2
"""N m: constraint tolerance of the solution is 1e-3."""


@pytest.fixture(scope="module")
def exo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The model with a hip and ankle device that weighs nothing."""
    device = dataclasses.replace(models.load_device("hip_ankle"), added_mass=())
    return models.write(models.build(device=device), tmp_path_factory.mktemp("model") / "exo.osim")


@pytest.fixture(scope="module")
def crouch(exo: Path) -> GaitTrial:
    """Someone who stands still with bent legs, weight on the forefeet."""
    opensim = import_opensim()
    model = opensim.Model(str(exo))
    state = model.initSystem()
    coordinates = model.getCoordinateSet()
    names = [coordinates.get(i).getName() for i in range(coordinates.getSize())]
    pose = {name: coordinates.get(name).getDefaultValue() for name in names}
    pose |= {f"{name}_{side}": value for name, value in CROUCH.items() for side in SIDES}
    for name, value in pose.items():
        coordinates.get(name).setValue(state, value, False)
    model.realizePosition(state)
    index = pd.Index(np.arange(0.0, 0.305, 0.01), name="time")
    ground = pd.DataFrame(0.0, index=index, columns=pd.Index(GROUND_REACTION_COLUMNS))
    for side in SIDES:
        place = model.getBodySet().get(f"calcn_{side}").findStationLocationInGround(state, opensim.Vec3(0.17, 0, 0))
        ground[f"ground_force_{side}_vy"] = 0.5 * G * model.getTotalMass(state)
        for axis, letter in enumerate("xyz"):
            ground[f"ground_force_{side}_p{letter}"] = place.get(axis)
    motion = pd.DataFrame({name: np.full(len(index), value) for name, value in pose.items()}, index=index)
    return GaitTrial(name="crouch", coordinates=motion, ground_reactions=ground, metadata={"subject_mass": 75.0})


# -- the table --------------------------------------------------------------------------------------------------------


def curves(size: float) -> pd.DataFrame:
    percent = pd.RangeIndex(101, name="percent")
    return pd.DataFrame(
        {"hip_flexion_r": size * np.sin(2 * np.pi * percent / 100), "ankle_angle_r": -size * np.ones(101)},
        index=percent,
    )


def test_table_round_trip(tmp_path: Path) -> None:
    path = tmp_path / "moco_inverse.csv"
    write_optimum(path, curves(0.5), body="healthy", strength=100, side="right", note="OpenSim 4.6; mesh: 0.02 s")
    write_optimum(path, curves(0.7), body="plantarflexors", strength=50, side="right", note="first")
    table = write_optimum(path, curves(0.9), body="plantarflexors", strength=50, side="right", note="second")
    pd.testing.assert_frame_equal(table, read_optimum(path))
    assert list(table.columns) == ["body", "strength", "side", "percent", "hip_flexion_r", "ankle_angle_r"]
    assert len(table) == 202
    assert table.attrs["notes"] == {
        "healthy 100 right": "OpenSim 4.6; mesh: 0.02 s",
        "plantarflexors 50 right": "second",
    }
    weak = optimum_curve(table, body="plantarflexors", strength=50, side="right", torque="hip_flexion_r")
    np.testing.assert_allclose(weak, curves(0.9)["hip_flexion_r"], atol=1e-6)
    with pytest.raises(InputError, match="hip_flexors"):
        optimum_curve(table, body="hip_flexors", strength=50, side="right", torque="hip_flexion_r")


@pytest.mark.filterwarnings("error")
def test_only_body_of_a_table_is_replaced(tmp_path: Path) -> None:
    for size in (0.5, 0.6):
        table = write_optimum(tmp_path / "t.csv", curves(size), body="healthy", strength=100, side="right", note="n")
    assert len(table) == 101
    assert float(table["ankle_angle_r"].to_numpy().min()) == -0.6


def test_table_refusals(tmp_path: Path) -> None:
    with pytest.raises(FileFormatError, match=r"none\.csv"):
        read_optimum(tmp_path / "none.csv")
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    with pytest.raises(FileFormatError, match="body"):
        read_optimum(tmp_path / "other.csv")
    with pytest.raises(InputError, match="one line"):
        write_optimum(tmp_path / "t.csv", curves(1.0), body="b", strength=1, side="right", note="two\nlines")


def test_table_needs_no_opensim() -> None:
    code = "import sys; sys.modules['opensim'] = None; "
    code += "from exogait.analysis.opensim_tools import moco_table, moco_inverse"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60, cwd=Path(__file__).parents[3])


# -- strides ----------------------------------------------------------------------------------------------------------


def test_each_leg_has_its_own_stride() -> None:
    trial = walking_trial(n_strides=4)
    strides = settled_strides(trial, settle=0.9)
    assert (strides["r"].start, strides["l"].start) == (1.0, 1.5)
    time = np.arange(1.0, 2.5 + 1e-9, 0.02)
    phase = 2 * np.pi * time / CYCLE
    torques = pd.DataFrame(
        {"exo_ankle_angle_r": MASS * np.sin(phase), "exo_ankle_angle_l": -MASS * np.sin(phase)},
        index=pd.Index(time, name="time"),
    )
    found = torque_curves(torques, strides, MASS)
    assert list(found.index) == list(range(101))
    expected = np.sin(2 * np.pi * np.arange(101) / 100)
    for name in ("ankle_angle_r", "ankle_angle_l"):
        np.testing.assert_allclose(found[name], expected, atol=3e-3)
        assert torque_summary(found).loc[name, "max_pct"] in (24, 25, 26)


def test_strides_are_refused_in_one_line() -> None:
    trial = walking_trial(n_strides=2)
    for bad, words in ((trial.replace(metadata={**trial.metadata, "fell": True}), "fall"), (trial, "heel strikes")):
        with pytest.raises(ExogaitError, match=words) as error:
            settled_strides(bad, settle=1.2)
        assert len(str(error.value).splitlines()) == 1


# -- model and loads --------------------------------------------------------------------------------------------------


def test_prepared_model(exo: Path) -> None:
    opensim = import_opensim()
    given, made = opensim.Model(str(exo)), prepare_model(exo, strength={"soleus_r": 0.5}, device_weight=1e-4)
    for name, factor in (("soleus_r", 0.5), ("soleus_l", 1.0)):
        before, after = (model.getMuscles().get(name).getMaxIsometricForce() for model in (given, made))
        assert after == pytest.approx(factor * before)
    forces = made.getForceSet()
    kinds = [forces.get(i).getConcreteClassName() for i in range(forces.getSize())]
    assert "SmoothSphereHalfSpaceForce" not in kinds
    assert "CoordinateLimitForce" in kinds
    for name in models.load_device("hip_ankle").actuator_names:
        before, after = (opensim.CoordinateActuator.safeDownCast(m.getForceSet().get(name)) for m in (given, made))
        assert after.getOptimalForce() == pytest.approx(100.0 * before.getOptimalForce())
        for limit in ("getMinControl", "getMaxControl"):
            torques = [getattr(a, limit)() * a.getOptimalForce() for a in (before, after)]
            assert torques[0] == pytest.approx(torques[1])
    assert forces.contains("reserve_knee_angle_r")
    assert forces.contains("residual_pelvis_ty")
    assert forces.contains("residual_mtp_angle_l")
    assert not forces.contains("reserve_pelvis_ty")
    assert not prepare_model(exo, device=False).getForceSet().contains("exo_hip_flexion_r")


def test_impossible_weakness_is_refused(exo: Path) -> None:
    with pytest.raises(UnknownNameError, match="soleus_r"):
        prepare_model(exo, strength={"soleus": 0.5})
    with pytest.raises(InputError, match="fraction"):
        prepare_model(exo, strength={"soleus_r": 50.0})


def test_impossible_trials_are_refused(exo: Path, crouch: GaitTrial, tmp_path: Path) -> None:
    for bad, window, words in (
        (crouch.replace(ground_reactions=None), (0.1, 0.2), "ground_reactions"),
        (crouch.replace(coordinates=None), (0.1, 0.2), "coordinates"),
        (crouch, (0.1, 0.9), "window"),
    ):
        with pytest.raises(InputError, match=words) as error:
            solve_moco_inverse(bad, exo, start=window[0], stop=window[1], folder=tmp_path)
        assert len(str(error.value).splitlines()) == 1
    with pytest.raises(InputError, match="device_weight"):
        solve_moco_inverse(crouch, exo, start=0.1, stop=0.2, folder=tmp_path, device_weight=0.0)


def test_inputs_keep_what_is_constant_and_shift_means(exo: Path, crouch: GaitTrial, tmp_path: Path) -> None:
    states, _ = write_inputs(crouch, exo, tmp_path, start=0.1, stop=0.2)
    motion, loads = read_sto(states), read_sto(tmp_path / "moco_grf.mot")
    knee = next(column for column in motion.columns if str(column).endswith("/knee_angle_r/value"))
    np.testing.assert_allclose(motion[knee], CROUCH["knee_angle"])
    ground = crouch.require("ground_reactions")
    np.testing.assert_allclose(loads["ground_force_r_vy"], ground["ground_force_r_vy"], rtol=1e-9)
    np.testing.assert_allclose(loads["ground_torque_r_z"], 0.0, atol=1e-9)
    np.testing.assert_allclose(loads.index, ground.index)
    write_inputs(crouch.replace(metadata={"engine": "twin"}), exo, tmp_path, start=0.1, stop=0.2)
    np.testing.assert_allclose(read_sto(tmp_path / "moco_grf.mot").index, ground.index - 0.005)


# -- one solution -----------------------------------------------------------------------------------------------------


def test_device_lowers_muscle_effort(
    exo: Path, crouch: GaitTrial, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    start, stop = SOLVE_WINDOW
    assisted, alone = (
        solve_moco_inverse(crouch, exo, start=start, stop=stop, mesh_interval=SOLVE_MESH, device=device,
                           folder=tmp_path / str(device))
        for device in (True, False)
    )  # fmt: skip
    assert assisted.success, assisted.summary()
    assert alone.success, alone.summary()
    assert assisted.muscle_effort < 0.7 * alone.muscle_effort
    assert list(assisted.device_torques.columns) == list(models.load_device("hip_ankle").actuator_names)
    assert alone.device_torques.empty
    torques = assisted.device_torques
    # Plantarflexion, as the load is on the forefoot.
    assert float(torques["exo_ankle_angle_r"].to_numpy().max()) < -1.0
    np.testing.assert_allclose(torques["exo_hip_flexion_r"], torques["exo_hip_flexion_l"], atol=1.0)
    # Motion and loads alone determine the residuals: nobody can hold on to anything.
    pelvis = [name for name in alone.residuals.columns if name.startswith("pelvis_")]
    np.testing.assert_allclose(assisted.residuals[pelvis], alone.residuals[pelvis], atol=BALANCE)
    assert assisted.residual_sizes.loc["pelvis_ty", "peak"] < 0.1
    assert "reserve" in assisted.summary()
    assert {"soleus_r", "exo_hip_flexion_r", "reserve_knee_angle_r"} <= set(assisted.tables().columns)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["False", "True"]
