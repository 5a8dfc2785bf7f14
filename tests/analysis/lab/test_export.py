"""The exported folder reruns in OpenSim after it was moved, bit for bit, with degrees and radians declared right."""

from __future__ import annotations

import shutil

import numpy as np
import pandas as pd
import pytest

from exogait.analysis.lab.export import check_folder, export_opensim, write_tables
from exogait.analysis.markers.map import read_marker_map
from exogait.analysis.opensim_tools import add_markers, load_model, run_id_tool, run_ik_tool, write_base_model
from exogait.analysis.opensim_tools.common import rotational_coordinates, run_tool, working_directory
from exogait.data import GaitTrial
from exogait.data.storage import read_sto
from exogait.data.trc import marker_table
from exogait.data.trial import GROUND_REACTION_COLUMNS
from exogait.models.opensim_api import import_opensim


@pytest.fixture(scope="module")
def case(tmp_path_factory):
    """A short motion of the model with its markers, in the air."""
    folder = tmp_path_factory.mktemp("export")
    marker_map = read_marker_map("plug_in_gait_lower")
    model = load_model(write_base_model(folder / "base.osim"))
    add_markers(model, marker_map)
    path = folder / "person.osim"
    model.printToXML(str(path))
    model = load_model(path)
    state = model.initSystem()
    names = [model.getCoordinateSet().get(k).getName() for k in range(model.getNumCoordinates())]
    time = pd.Index(np.arange(0, 0.3, 0.01), name="time")
    motion = pd.DataFrame(0.0, index=time, columns=pd.Index(names))
    motion["knee_angle_r"] = -0.4 + 0.2 * np.sin(6 * time.to_numpy())
    motion["pelvis_ty"] = 0.9876543210123456
    labels = list(marker_map.markers)
    places = np.empty((len(time), len(labels), 3))
    for frame, row in enumerate(motion.to_numpy()):
        for name, value in zip(names, row.tolist(), strict=True):
            model.getCoordinateSet().get(name).setValue(state, value, False)
        model.realizePosition(state)
        for k, label in enumerate(labels):
            at = model.getMarkerSet().get(label).getLocationInGround(state)
            places[frame, k] = [at.get(axis) for axis in range(3)]
    loads = pd.DataFrame(
        0.0, index=pd.Index(np.arange(0, 0.3, 0.001), name="time"), columns=pd.Index(GROUND_REACTION_COLUMNS)
    )
    loads["ground_force_r_vy"] = 400.0
    loads.iloc[:50, loads.columns.get_loc("ground_force_r_px")] = np.nan
    forces = pd.DataFrame({"knee_angle_r": np.linspace(-1, 1, 30), "knee_angle_l": np.nan}, index=time)
    forces["hip_flexion_r"] = forces["lumbar_extension"] = forces["knee_angle_r"]
    forces.iloc[[*range(10)], [0, 2]] = np.nan
    trial = GaitTrial(
        name="walk 01/left",
        coordinates=motion,
        generalized_forces=forces,
        ground_reactions=loads,
        markers=marker_table(time, labels, places),
        metadata={"subject_mass": 75.0},
    )
    return trial, path, marker_map, model


@pytest.fixture(scope="module")
def moved(case, tmp_path_factory):
    """The exported folder, moved to another place before anything runs in it."""
    trial, model, marker_map, _ = case
    first = tmp_path_factory.mktemp("a") / "folder"
    exported = export_opensim(trial, model, first, marker_map=marker_map, strides=[("r", 0.05, 0.1)], cutoff=-1.0)
    target = tmp_path_factory.mktemp("b") / "elsewhere"
    shutil.move(first, target)
    return exported, target


def test_nothing_is_missing_and_no_path_is_absolute(moved):
    exported, folder = moved
    assert check_folder(folder) == []
    text = "".join(path.read_text() for path in folder.glob("*.xml"))
    assert str(exported.folder.parent) not in text
    readme = (folder / "README.txt").read_text()
    assert "walk_01_left_ik_setup.xml" in readme and "knee_angle_l" in readme


def test_opensim_reads_the_motion_back_bit_for_bit(case, moved):
    trial, _, _, model = case
    osim = import_opensim()
    table = osim.TimeSeriesTable(str(moved[1] / "walk_01_left_ik.mot"))
    assert table.getTableMetaDataAsString("inDegrees") == "yes"
    rotations = rotational_coordinates(model)
    labels = list(table.getColumnLabels())
    for row in (0, 17):
        got = dict(zip(labels, (table.getRowAtIndex(row)[k] for k in range(len(labels))), strict=True))
        for name, value in trial.coordinates.iloc[row].items():
            assert got[name] == (np.rad2deg(value) if name in rotations else value)
    storage = osim.Storage(str(moved[1] / "walk_01_left_ik.mot"))
    assert storage.isInDegrees() and storage.getName() == "Coordinates"


def test_kinematics_rerun_from_the_moved_folder(case, moved):
    trial, _, _, _ = case
    again = run_ik_tool(moved[1] / "walk_01_left_ik_setup.xml")
    assert np.abs(np.deg2rad(again["knee_angle_r"]) - trial.coordinates["knee_angle_r"]).max() < 1e-4


def test_dynamics_rerun_from_the_moved_folder_bit_for_bit(moved):
    first = run_id_tool(moved[1] / "walk_01_left_id_setup.xml")
    second = run_id_tool(moved[1] / "walk_01_left_id_setup.xml")
    assert np.isfinite(first.to_numpy()).all() and np.array_equal(first.to_numpy(), second.to_numpy())
    assert first["pelvis_ty_force"].abs().max() > 100.0


def test_static_optimization_reruns_from_the_moved_folder(moved):
    osim = import_opensim()
    with working_directory(moved[1]):
        tool = osim.AnalyzeTool("walk_01_left_r1_so_setup.xml")
        run_tool("static optimization", tool.run)
    result = read_sto(moved[1] / "results" / "walk_01_left_r1_so_StaticOptimization_activation.sto", in_degrees=False)
    assert result["soleus_r"].between(0.0, 1.0).all()


def test_files_hold_only_what_is_known(moved):
    exported, folder = moved
    part = read_sto(folder / "walk_01_left_generalized_forces_r.sto")
    assert list(part.columns) == ["knee_angle_r", "hip_flexion_r"] and part.index[0] == pytest.approx(0.1)
    whole = read_sto(folder / "walk_01_left_generalized_forces.sto")
    assert list(whole.columns) == ["lumbar_extension"] and len(whole) == 30
    assert not list(folder.glob("*generalized_forces_l*"))
    text = " ".join(exported.left_out)
    assert "never known, so not in a file: knee_angle_l" in text and "0.100 to 0.290 s only" in text


def test_a_trial_without_anything_says_so(case, tmp_path):
    _, model, _, _ = case
    exported = export_opensim(GaitTrial(name="empty"), model, tmp_path / "x")
    assert len(exported.left_out) == 2 and exported.motion is None and (tmp_path / "x" / "README.txt").exists()


def test_csv_tables_carry_units(case, tmp_path):
    trial = case[0]
    paths = write_tables(trial, tmp_path)
    head = (tmp_path / "walk_01_left_coordinates.csv").read_text().splitlines()[0]
    assert len(paths) == 4 and head.startswith("time [s],") and "pelvis_ty [m]" in head and "knee_angle_r [rad]" in head


def test_a_missing_file_is_noticed(moved, tmp_path):
    shutil.copytree(moved[1], tmp_path / "c")
    (tmp_path / "c" / "walk_01_left_grf.mot").unlink()
    assert check_folder(tmp_path / "c") == ["walk_01_left_external_loads.xml: datafile walk_01_left_grf.mot is missing"]
