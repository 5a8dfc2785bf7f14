"""States, controls and forces of a roll-out, read back by OpenSim itself."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from exogait.analysis.lab.simulated import write_simulation
from exogait.data import GaitTrial, InputError, read_sto
from exogait.models.opensim_api import import_opensim
from exogait.osim_env.gait.setup import WorldSetup
from exogait.osim_env.learning.simulation import UNTRAINED, place_model, simulate
from exogait.osim_env.viewing.opensim_files import write_controls, write_states

SETUP = WorldSetup(device="hip_ankle", deficit="plantarflexors", strength=50, side="right")


@pytest.fixture(scope="module")
def weak_walk() -> GaitTrial:
    return simulate(UNTRAINED, speed=1.25, seconds=0.5, setup=SETUP, phase=0.0)


@pytest.fixture(scope="module")
def folder(weak_walk: GaitTrial, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `exogait simulate` writes."""
    out = tmp_path_factory.mktemp("walk")
    model = place_model(SETUP, out / "opensim")
    write_states(weak_walk, model, out / "opensim" / "walk_states.sto")
    write_controls(weak_walk, model, out / "opensim" / "walk_controls.sto")
    write_simulation(weak_walk, model, out)
    return out


def test_opensim_finds_the_muscle_forces_of_the_roll_out_in_the_states_file(folder: Path, weak_walk: GaitTrial) -> None:
    opensim = import_opensim()
    model = opensim.Model(str(folder / "opensim" / "model.osim"))
    model.initSystem()
    table = opensim.TimeSeriesTable(str(folder / "opensim" / "walk_states.sto"))
    states = opensim.StatesTrajectory.createFromStatesTable(model, table)
    assert states.getSize() == len(weak_walk.require("coordinates"))
    muscles = model.getMuscles()
    force = weak_walk.muscles["tendon_force"]
    for i in (0, 20, states.getSize() - 1):
        state = states.get(i)
        model.realizeDynamics(state)
        knee = model.getCoordinateSet().get("knee_angle_r").getValue(state)
        assert knee == pytest.approx(weak_walk.require("coordinates")["knee_angle_r"].iloc[i], abs=1e-12)
        found = [muscles.get(str(name)).getActuation(state) for name in force.columns]
        # The file's model is weak where the roll-out was: forces agree to rounding, the weak calf included.
        np.testing.assert_allclose(found, force.iloc[i], rtol=1e-6, atol=1e-6)


def test_opensim_takes_the_controls(folder: Path, weak_walk: GaitTrial) -> None:
    opensim = import_opensim()
    model = opensim.Model(str(folder / "opensim" / "model.osim"))
    controller = opensim.PrescribedController()
    controller.set_controls_file(str(folder / "opensim" / "walk_controls.sto"))
    model.addController(controller)
    state = model.initSystem()
    time = float(weak_walk.require("coordinates").index[25])
    state.setTime(time)
    model.realizeVelocity(state)
    controls = model.getControls(state)
    actuators = [component for component in model.getComponentsList() if opensim.Actuator.safeDownCast(component)]
    names = [component.getName() for component in actuators]
    expected = weak_walk.muscles["excitation"].loc[time]
    found = {name: controls.get(k) for k, name in enumerate(names)}
    for name in ("soleus_r", "vas_lat_l", "psoas_r"):
        assert found[name] == pytest.approx(expected[name], abs=1e-9), name
    trunk = weak_walk.extra["trunk_actuators"].loc[time, "lumbar_extension_torque"]
    assert found["lumbar_extension_torque"] == pytest.approx(trunk / 50.0, abs=1e-9)


def test_opensim_reads_motion_and_external_loads(folder: Path, weak_walk: GaitTrial) -> None:
    opensim = import_opensim()
    motion = read_sto(next((folder / "opensim").glob("*_ik.mot")))
    assert motion.attrs["in_degrees"] is True
    knee = weak_walk.require("coordinates")["knee_angle_l"].to_numpy()
    np.testing.assert_allclose(np.deg2rad(motion["knee_angle_l"]), knee, atol=1e-12)
    loads = opensim.ExternalLoads(str(next((folder / "opensim").glob("*_external_loads.xml"))), True)
    assert {loads.get(i).getAppliedToBodyName() for i in range(loads.getSize())} == {"calcn_r", "calcn_l"}
    forces = read_sto(next((folder / "opensim").glob("*_grf.mot")))
    reaction = weak_walk.require("ground_reactions")["ground_force_r_vy"]
    np.testing.assert_allclose(forces["ground_force_r_vy"], reaction, atol=1e-9)
    assert not forces.isna().to_numpy().any()


def test_model_beside_is_weak_where_the_walk_was(folder: Path) -> None:
    opensim = import_opensim()
    model = opensim.Model(str(folder / "opensim" / "model.osim"))
    right, left = (model.getMuscles().get(f"soleus_{side}").getMaxIsometricForce() for side in "rl")
    assert right == pytest.approx(0.5 * left)


def test_report_says_simulated_and_everything_is_there(folder: Path) -> None:
    text = (folder / "report.html").read_text()
    assert "Simulated gait" in text and "no measurement" in text
    for name in ("events.csv", "metrics.csv", "quality.csv", "trial/trial.json", "opensim/README.txt"):
        assert (folder / name).is_file(), name


def test_a_simulated_walk_carries_its_centre_of_mass_and_feet(folder: Path) -> None:
    table = GaitTrial.read_parquet(folder / "trial").extra["body_motion"]
    assert table.notna().all().all()
    assert table["center_of_mass_valong"].mean() == pytest.approx(1.25, abs=0.2)
    # A foot on the ground has its heel within a foot's length of its toes.
    assert (table["sole_front_r"] - table["heel_along_r"]).between(0.1, 0.35).all()


def test_a_trial_of_another_model_is_refused(folder: Path, weak_walk: GaitTrial, tmp_path: Path) -> None:
    table = weak_walk.require("coordinates").drop(columns="knee_angle_r")
    with pytest.raises(InputError, match="knee_angle_r"):
        write_states(weak_walk.replace(coordinates=table), folder / "opensim" / "model.osim", tmp_path / "states.sto")
    with pytest.raises(InputError, match="excitation"):
        write_controls(weak_walk.replace(muscles={}), folder / "opensim" / "model.osim", tmp_path / "controls.sto")
