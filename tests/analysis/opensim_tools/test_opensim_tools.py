"""OpenSim's tools through the suite, on a person whose size, motion and loads are known because the test made them."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from exogait.analysis.markers.map import MarkerMap, read_marker_map
from exogait.analysis.opensim_tools import (
    add_markers,
    body_kinematics,
    held_pressure,
    inverse_dynamics,
    inverse_kinematics,
    joint_reaction,
    load_model,
    loaded_at,
    muscle_analysis,
    muscle_parameter_table,
    muscle_states,
    quiet_window,
    read_ground_reactions,
    run_id_tool,
    run_ik_tool,
    scale_model,
    stance_intervals,
    static_optimization,
    valid_kinetics,
    write_base_model,
    write_ground_reactions,
)
from exogait.data import DataQualityWarning, ExogaitError, FileFormatError, GaitEvent, InputError, UnknownNameError
from exogait.data.storage import read_sto, write_mot
from exogait.data.trc import marker_table
from exogait.data.trial import GROUND_REACTION_COLUMNS
from exogait.models.opensim_api import import_opensim

FACTORS = {"pelvis": 1.05, "torso": 1.02, "femur": 0.95, "tibia": 1.1, "talus": 1.1, "calcn": 0.93, "toes": 0.93}
MASS = 64.0
SECONDS, RATE = 0.4, 50.0


@dataclass(frozen=True)
class Person:
    """A person made from the model itself."""

    folder: Path
    base: Path
    model: Path
    marker_map: MarkerMap
    static: pd.DataFrame
    walk: pd.DataFrame
    coordinates: pd.DataFrame


def record(model, labels, coordinates) -> pd.DataFrame:
    """Markers of a model along a motion."""
    state = model.initSystem()
    frames = np.empty((len(coordinates), len(labels), 3))
    markers = model.getMarkerSet()
    for frame, row in enumerate(coordinates.to_numpy()):
        for name, value in zip(coordinates.columns, row, strict=True):
            model.getCoordinateSet().get(name).setValue(state, float(value), False)
        model.realizePosition(state)
        for k, label in enumerate(labels):
            place = markers.get(label).getLocationInGround(state)
            frames[frame, k] = [place.get(axis) for axis in range(3)]
    return marker_table(coordinates.index, labels, frames, rate=RATE)


@pytest.fixture(scope="module")
def person(tmp_path_factory) -> Person:
    """Someone with known segment factors, recorded without noise."""
    opensim = import_opensim()
    folder = tmp_path_factory.mktemp("person")
    base = write_base_model(folder / "base.osim")
    marker_map = read_marker_map("plug_in_gait")
    model = load_model(base)
    add_markers(model, marker_map)
    state = model.initSystem()
    scales = opensim.ScaleSet()
    for name, factor in FACTORS.items():
        for body in [name] if name in ("pelvis", "torso") else [f"{name}_r", f"{name}_l"]:
            scale = opensim.Scale()
            scale.setSegmentName(body)
            scale.setScaleFactors(opensim.Vec3(factor))
            scale.setApply(True)
            scales.cloneAndAppend(scale)
    model.scale(state, scales, True, MASS)
    model.finalizeConnections()
    scaled = folder / "known.osim"
    model.printToXML(str(scaled))

    names = [model.getCoordinateSet().get(k).getName() for k in range(model.getNumCoordinates())]
    time = pd.Index(np.arange(0, SECONDS, 1 / RATE), name="time")
    motion = pd.DataFrame(0.0, index=time, columns=pd.Index(names))
    phase = 2 * np.pi * time.to_numpy()
    motion["pelvis_ty"], motion["pelvis_tx"] = 0.95, 1.2 * time.to_numpy()
    motion["hip_flexion_r"], motion["hip_flexion_l"] = 0.4 * np.sin(phase), -0.4 * np.sin(phase)
    motion["knee_angle_r"], motion["knee_angle_l"] = -0.5 + 0.3 * np.cos(phase), -0.6 - 0.3 * np.cos(phase)
    motion["ankle_angle_r"], motion["ankle_angle_l"] = 0.2 * np.sin(2 * phase), 0.1 * np.cos(phase)
    motion["lumbar_extension"], motion["pelvis_rotation"] = -0.1, 0.1 * np.sin(phase)
    standing = motion.iloc[:1] * 0.0
    standing["pelvis_ty"] = 0.95
    labels = list(marker_map.markers)
    return Person(
        folder=folder,
        base=base,
        model=scaled,
        marker_map=marker_map,
        static=record(model, labels, standing),
        walk=record(model, labels, motion),
        coordinates=motion,
    )


@pytest.fixture(scope="module")
def scaled(person):
    return scale_model(
        person.static, person.marker_map, mass=MASS, out=person.folder / "scaled", base_model=person.base, name="p"
    )


@pytest.fixture(scope="module")
def kinematics(person, scaled):
    return inverse_kinematics(scaled.model, person.walk, person.marker_map, out=person.folder / "scaled", name="w")


# -- scale
# --------------------------------------------------------------------------------------------------------------


def test_segment_lengths_of_a_known_person_come_back(scaled):
    # The hip centre is estimated from the pelvis by regression, so thigh and pelvis carry its bias of a few percent;
    # the shank is measured from a marker on the thigh. Both foot markers sit on one body: that factor is exact.
    for name, tolerance in (("calcn", 2e-5), ("tibia", 5e-3), ("femur", 0.05), ("pelvis", 0.05)):
        body = name if name == "pelvis" else f"{name}_r"
        assert scaled.factors.loc[body, "x"] == pytest.approx(FACTORS[name], rel=tolerance), name


def test_mass_is_kept_and_distributed_as_before(person, scaled):
    generic, own = load_model(person.base), load_model(scaled.model)
    assert own.getTotalMass(own.initSystem()) == pytest.approx(MASS, rel=1e-9)
    total = generic.getTotalMass(generic.initSystem())
    for body in ("pelvis", "femur_r", "tibia_l", "torso"):
        share = generic.getBodySet().get(body).getMass() / total
        assert own.getBodySet().get(body).getMass() / MASS == pytest.approx(share, rel=1e-6)


def test_one_frame_is_enough_and_markers_are_placed_where_they_were_seen(person, scaled):
    assert len(person.static) == 1 and scaled.window == (0.0, 0.0)
    model = load_model(scaled.model)
    pose = pd.DataFrame([scaled.static_pose], index=pd.Index([0.0], name="time"))
    placed = record(model, ["RKNE", "LHEE", "C7"], pose)
    seen = person.static[list(placed.columns)]
    assert np.abs(placed.to_numpy() - seen.to_numpy()).max() < 1e-4


def test_manual_factors_replace_measured_ones(person, tmp_path):
    result = scale_model(
        person.static,
        person.marker_map,
        mass=MASS,
        out=tmp_path,
        base_model=person.base,
        manual_factors={"femur_r": 1.2},
    )
    assert result.factors.loc["femur_r"].tolist() == [1.2, 1.2, 1.2]
    assert result.factors.loc["femur_l", "x"] != 1.2
    with pytest.raises(UnknownNameError, match="did you mean femur_"):
        scale_model(
            person.static,
            person.marker_map,
            mass=MASS,
            out=tmp_path,
            base_model=person.base,
            manual_factors={"femur": 1.2},
        )


@pytest.mark.parametrize("mass", [0.0, -3.0, float("nan")])
def test_no_mass_no_model(person, tmp_path, mass):
    with pytest.raises(InputError, match="mass"):
        scale_model(person.static, person.marker_map, mass=mass, out=tmp_path, base_model=person.base)


def test_wrong_units_are_seen_before_a_model_is_made(person, tmp_path):
    static = person.static * 1000.0
    static.attrs = dict(person.static.attrs)
    with pytest.raises(InputError, match="check units"):
        scale_model(static, person.marker_map, mass=MASS, out=tmp_path, base_model=person.base)
    assert not list(tmp_path.glob("*_scaled.osim"))


def test_a_segment_without_markers_takes_the_mean_factor_and_says_so(person, tmp_path):
    static = person.static[[c for c in person.static.columns if not str(c).startswith(("C7", "RSHO", "LSHO"))]]
    static.attrs = dict(person.static.attrs)
    with pytest.warns(DataQualityWarning, match="torso cannot be measured, missing C7"):
        result = scale_model(static, person.marker_map, mass=MASS, out=tmp_path, base_model=person.base)
    assert any("torso" in note and "mean factor" in note for note in result.notes)


def test_a_static_trial_without_usable_markers_is_one_line(person, tmp_path):
    static = marker_table([0.0], ["RTHI", "LTHI"], np.zeros((1, 2, 3)))
    with pytest.raises(InputError, match="no pair of markers"):
        scale_model(static, person.marker_map, mass=MASS, out=tmp_path, base_model=person.base)


def test_the_quiet_part_of_a_static_trial_is_found():
    time = np.arange(0, 4, 0.01)
    walk = np.where(time < 2.5, 0.0, time - 2.5)[:, None, None] * np.ones((1, 6, 3))
    positions = walk + np.arange(18).reshape(6, 3)
    positions[:60, 2] = np.nan
    start, end = quiet_window(marker_table(time, list("ABCDEF"), positions))
    assert start >= 0.59 and end <= 2.51 and end - start == pytest.approx(1.0)


def test_a_base_model_that_is_no_model_is_one_line(person, tmp_path):
    broken = tmp_path / "broken.osim"
    broken.write_text("<OpenSimDocument><Model>")
    with pytest.raises(FileFormatError, match="no readable XML") as caught:
        scale_model(person.static, person.marker_map, mass=MASS, out=tmp_path, base_model=broken)
    assert "\n" not in str(caught.value)
    with pytest.raises(FileFormatError, match="does not exist"):
        load_model(tmp_path / "none.osim")
    broken.write_text("<html/>")
    with pytest.raises(FileFormatError, match="OpenSim cannot load it"):
        load_model(broken)


# -- inverse kinematics
# ---------------------------------------------------------------------------------------------------


def test_known_angles_come_back(person, kinematics):
    # The scaled model differs from the true one at the hip by the regression's bias; angles feel little of it.
    error = np.rad2deg(kinematics.coordinates - person.coordinates)
    rotations = [c for c in error.columns if c in kinematics.rotational]
    rms = np.sqrt((error[rotations] ** 2).mean())
    assert rms[["knee_angle_r", "ankle_angle_l", "hip_flexion_r", "pelvis_rotation"]].max() < 2.0
    assert kinematics.error_table().loc["all", "rms"] < 0.01


def test_on_the_true_model_angles_come_back_exactly(person, tmp_path):
    result = inverse_kinematics(person.model, person.walk, person.marker_map, out=tmp_path, name="w")
    free = [c for c in person.coordinates.columns if not str(c).startswith(("subtalar", "mtp"))]
    assert np.abs(result.coordinates[free] - person.coordinates[free]).to_numpy().max() < np.deg2rad(0.01)
    assert result.error_table().loc["all", "max"] < 1e-4


def test_the_tool_of_the_gui_gives_the_same_angles(kinematics):
    before = read_sto(kinematics.motion)
    tool = run_ik_tool(kinematics.setup)
    assert np.abs(tool.to_numpy() - before.to_numpy()).max() < 1e-6
    write_mot(before, kinematics.motion)


def test_gaps_are_left_out_and_reported(person, scaled, tmp_path):
    walk = person.walk.copy()
    walk.attrs = dict(person.walk.attrs)
    walk.loc[walk.index[3:6], ["RTHI_x", "RTHI_y", "RTHI_z"]] = np.nan
    result = inverse_kinematics(scaled.model, walk, person.marker_map, out=tmp_path, name="w")
    assert result.marker_errors["RTHI"].isna().tolist()[2:7] == [False, True, True, True, False]
    assert result.error_table().loc["RTHI", "seen"] == pytest.approx(17 / 20)
    assert np.isfinite(result.coordinates.to_numpy()).all()


def test_joints_that_no_marker_sees_stay_at_rest(person, tmp_path):
    marker_map = read_marker_map("plug_in_gait_lower")
    result = inverse_kinematics(person.model, person.walk, marker_map, out=tmp_path, name="w")
    assert np.abs(result.coordinates[["lumbar_extension", "lumbar_bending"]].to_numpy()).max() < 1e-3


def test_no_frame_or_no_marker_is_one_line(person, scaled, tmp_path):
    with pytest.raises(InputError, match="half of the mapped markers"):
        inverse_kinematics(scaled.model, person.walk, person.marker_map, out=tmp_path, time_range=(5.0, 6.0))
    with pytest.raises(InputError, match="plug_in_gait"):
        table = marker_table([0.0], ["A"], np.zeros((1, 1, 3)))
        inverse_kinematics(scaled.model, table, person.marker_map, out=tmp_path)


# -- ground reactions and masks
# -------------------------------------------------------------------------------------------


def standing_load(time, share_right=0.5, mass=MASS) -> pd.DataFrame:
    table = pd.DataFrame(0.0, index=pd.Index(time, name="time"), columns=pd.Index(GROUND_REACTION_COLUMNS))
    table["ground_force_r_vy"] = share_right * mass * 9.80665
    table["ground_force_l_vy"] = (1 - share_right) * mass * 9.80665
    table["ground_force_r_pz"], table["ground_force_l_pz"] = 0.1, -0.1
    return table


def test_ground_reactions_survive_the_file(tmp_path):
    table = standing_load(np.arange(10) / 1000.0)
    table.iloc[3:5, table.columns.get_loc("ground_force_r_px")] = np.nan
    motion, xml = write_ground_reactions(table, tmp_path, "w")
    back = read_ground_reactions(motion)
    assert np.array_equal(back.to_numpy(), held_pressure(table)[list(back.columns)].to_numpy())
    assert "w_grf.mot" in xml.read_text() and "calcn_l" in xml.read_text()
    loads = import_opensim().ExternalLoads(str(xml), True)
    assert loads.getSize() == 2


def test_a_nan_force_is_refused_by_name_and_time(tmp_path):
    table = standing_load(np.arange(10) / 1000.0)
    table.iloc[4, table.columns.get_loc("ground_force_l_vx")] = np.nan
    with pytest.raises(InputError, match=r"ground_force_l_vx.*t = 0\.0040 s"):
        write_ground_reactions(table, tmp_path, "w")


SPELLINGS = {
    "ground_force_{}_v|ground_force_{}_p|ground_torque_{}_": ("r", "l"),
    "ground_force_{}_v|ground_force_{}_p|ground_force_{}_m": ("1", "2"),
    "{}_ground_force_v|{}_ground_force_p|{}_ground_torque_": ("1", "2"),
    "ground_force{}_v|ground_force{}_p|ground_torque{}_": ("1", "2"),
}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_every_spelling_of_the_columns_is_read(tmp_path, spelling):
    names = SPELLINGS[spelling]
    force, point, torque = spelling.split("|")
    rng = np.random.default_rng(0)
    columns = [f"{p.format(n)}{axis}" for n in names for p in (force, point, torque) for axis in "xyz"]
    table = pd.DataFrame(rng.random((5, 18)), index=pd.Index(np.arange(5.0), name="time"), columns=pd.Index(columns))
    write_mot(table, tmp_path / "g.mot", in_degrees=False)
    back = read_ground_reactions(tmp_path / "g.mot", sides={"1": "r", "2": "l"})
    assert np.array_equal(back.to_numpy(), table.to_numpy())


def test_a_plate_without_a_side_is_asked_for(tmp_path):
    columns = [f"{p}{axis}" for p in ("ground_force_v", "ground_force_p", "ground_torque_") for axis in "xyz"]
    table = pd.DataFrame(1.0, index=pd.Index([0.0, 1.0], name="time"), columns=pd.Index(columns))
    write_mot(table, tmp_path / "g.mot", in_degrees=False)
    with pytest.raises(InputError, match="sides"):
        read_ground_reactions(tmp_path / "g.mot")
    assert read_ground_reactions(tmp_path / "g.mot", sides={"": "l"})["ground_force_l_vy"].tolist() == [1.0, 1.0]


def test_two_plates_under_one_foot_add_up_to_the_same_wrench(tmp_path):
    names = ("1", "2")
    columns = [f"ground_force_{n}_{p}{axis}" for n in names for p in "vpm" for axis in "xyz"]
    rng = np.random.default_rng(1)
    table = pd.DataFrame(
        rng.random((4, 18)) + 0.1, index=pd.Index(np.arange(4.0), name="time"), columns=pd.Index(columns)
    )
    write_mot(table, tmp_path / "g.mot", in_degrees=False)
    one = read_ground_reactions(tmp_path / "g.mot", sides={"1": "r", "2": "r"})

    def wrench(force, point, moment):
        return np.concatenate([force, moment + np.cross(point, force)], axis=1)

    def part(n, kind):
        return table[[f"ground_force_{n}_{kind}{axis}" for axis in "xyz"]].to_numpy()

    both = sum(wrench(*(part(n, kind) for kind in "vpm")) for n in names)
    columns = [
        [f"ground_{name}_r_{kind}{axis}" for axis in "xyz"]
        for name, kind in (("force", "v"), ("force", "p"), ("torque", ""))
    ]
    assert np.allclose(wrench(*(one[c].to_numpy() for c in columns)), both, atol=1e-12)


def event(time, side, kind):
    return GaitEvent(time, side, kind)


def test_moments_are_known_only_where_every_foot_on_the_ground_is_on_a_plate():
    time = np.arange(0, 2.001, 0.01)
    events = [
        event(0.2, "r", "heel_strike"), event(0.8, "r", "toe_off"), event(1.3, "r", "heel_strike"),
        event(0.3, "l", "toe_off"), event(0.7, "l", "heel_strike"), event(1.4, "l", "toe_off"),
    ]  # fmt: skip
    loaded = pd.DataFrame(False, index=pd.Index(np.arange(0, 2.001, 0.001), name="time"), columns=["r", "l"])
    loaded.loc[0.2:0.8, "r"] = True
    loaded.loc[0.7:1.4, "l"] = True
    valid = valid_kinetics(time, events, loaded)
    known = {name: valid.index[valid[name]] for name in valid}
    assert known["r"][0] == 0.0 and known["r"][-1] == pytest.approx(1.29)  # the second strike was off the plates
    assert known["l"][0] == pytest.approx(0.31) and known["l"][-1] == 2.0  # the first stance was off the plates
    assert valid["pelvis"].equals(valid["r"] & valid["l"])


def test_a_side_without_events_is_unknown():
    loaded = pd.DataFrame(True, index=pd.Index(np.arange(0, 1, 0.01), name="time"), columns=["r", "l"])
    valid = valid_kinetics(np.array([0.0, 0.5]), [event(0.1, "r", "heel_strike")], loaded)
    assert valid["r"].all() and not valid["l"].any() and not valid["pelvis"].any()
    assert stance_intervals([], "r", (0.0, 1.0)) is None


def test_loaded_follows_the_vertical_force():
    table = standing_load(np.arange(3.0), share_right=1.0)
    assert loaded_at(table)["r"].all() and not loaded_at(table)["l"].any()


# -- inverse dynamics
# -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def still(person):
    """The person standing for half a second."""
    time = np.arange(0, 0.5, 0.01)
    rows = np.repeat(person.coordinates.iloc[:1].to_numpy() * 0.0, len(time), axis=0)
    table = pd.DataFrame(rows, index=pd.Index(time, name="time"), columns=person.coordinates.columns)
    table["pelvis_ty"] = 0.95
    return table


def test_standing_on_both_feet_leaves_no_vertical_residual(person, still, tmp_path):
    result = inverse_dynamics(person.model, still, standing_load(np.arange(0, 0.5, 0.001)), out=tmp_path, cutoff=-1.0)
    forces = result.generalized_forces.iloc[10:-10]
    assert np.abs(forces[["pelvis_tx", "pelvis_ty", "pelvis_tz"]].to_numpy()).max() < 1e-3
    assert (forces["hip_flexion_r"] - forces["hip_flexion_l"]).abs().max() < 1e-3


def test_without_plates_the_pelvis_carries_the_weight(person, still, tmp_path):
    result = inverse_dynamics(person.model, still, None, out=tmp_path, cutoff=-1.0)
    assert result.external_loads is None
    assert result.generalized_forces["pelvis_ty"].iloc[25] == pytest.approx(MASS * 9.80665, rel=1e-5)


def test_the_ankle_moment_follows_from_the_lever_of_the_force(person, still, tmp_path):
    lever = 0.05
    loads = standing_load(np.arange(0, 0.5, 0.001), share_right=1.0)
    model = load_model(person.model)
    state = model.initSystem()
    for name, value in still.iloc[0].items():
        model.getCoordinateSet().get(str(name)).setValue(state, float(value), False)
    model.realizePosition(state)
    ankle = model.getJointSet().get("ankle_r").getParentFrame().getPositionInGround(state)
    moments = []
    for offset in (0.0, lever):
        loads["ground_force_r_px"] = ankle.get(0) + offset
        loads["ground_force_r_pz"] = ankle.get(2)
        result = inverse_dynamics(person.model, still, loads, out=tmp_path / str(offset), cutoff=-1.0)
        moments.append(result.generalized_forces["ankle_angle_r"].iloc[25])
    joint = model.getJointSet().get("ankle_r")
    axis = joint.getParentFrame().expressVectorInGround(state, _ankle_axis(model)).get(2)
    assert moments[1] - moments[0] == pytest.approx(-lever * MASS * 9.80665 * axis, rel=1e-3)


def _ankle_axis(model):
    opensim = import_opensim()
    joint = opensim.CustomJoint.safeDownCast(model.getJointSet().get("ankle_r"))
    transform = joint.getSpatialTransform()
    for k in range(6):
        axis = transform.getTransformAxis(k)
        if axis.getCoordinateNamesInArray().getSize():
            return axis.get_axis()
    raise AssertionError("the ankle has no coordinate")


def test_unknown_moments_are_nan_and_the_tool_agrees(person, still, tmp_path):
    valid = pd.DataFrame(True, index=still.index, columns=["r", "l", "pelvis"])
    valid.loc[valid.index > 0.3, ["l", "pelvis"]] = False
    result = inverse_dynamics(
        person.model, still, standing_load(np.arange(0, 0.5, 0.001)), out=tmp_path, valid=valid, cutoff=-1.0, name="w"
    )
    late = result.generalized_forces[result.generalized_forces.index > 0.31]
    assert late[["hip_flexion_l", "ankle_angle_l", "pelvis_ty", "pelvis_tilt"]].isna().to_numpy().all()
    assert late[["hip_flexion_r", "lumbar_extension"]].notna().to_numpy().all()
    assert result.unmasked.notna().to_numpy().all()
    again = run_id_tool(result.setup)
    assert np.array_equal(again.to_numpy(), read_sto(tmp_path / "w_id.sto").to_numpy())


def test_recordings_that_do_not_overlap_are_one_line(person, still, tmp_path):
    with pytest.raises(InputError, match="overlap"):
        inverse_dynamics(person.model, still, standing_load(np.arange(5, 6, 0.01)), out=tmp_path)


# -- muscles
# --------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def loaded_motion(person):
    """Motion and load files of a slow swing of both legs in the air, with the body held by its pelvis."""
    folder = person.folder / "muscles"
    result = inverse_dynamics(person.model, person.coordinates, None, out=folder, cutoff=-1.0, name="w")
    return result, folder / "w_ik.mot"


@pytest.fixture(scope="module")
def optimized(person, loaded_motion):
    _, motion = loaded_motion
    return static_optimization(
        person.model, motion, None, time_range=(0.1, 0.2), out=person.folder / "so", cutoff=-1.0, name="w"
    )


def test_muscles_and_reserves_add_up_to_the_joint_moments(person, loaded_motion, optimized):
    dynamics, motion = loaded_motion
    joints = ["knee_angle_r", "hip_flexion_l", "ankle_angle_r"]
    arms = muscle_analysis(
        person.model, motion, time_range=(0.1, 0.2), out=person.folder / "ma", cutoff=-1.0, moment_arms=joints
    )
    for joint in joints:
        arm = arms[f"moment_arm_{joint}"]
        time = optimized.muscle_force.index.intersection(arm.index)
        assert len(time) >= 5
        muscles = (arm.loc[time] * optimized.muscle_force.loc[time, arm.columns]).sum(axis=1)
        total = muscles + optimized.reserves.loc[time, joint]
        needed = np.interp(time, dynamics.unmasked.index, dynamics.unmasked[joint])
        assert np.abs(total - needed).max() < 0.02 * max(np.abs(needed).max(), 1.0), joint


def test_activations_are_bounded_and_reserves_small(optimized):
    # A muscle without a task is at rest; its heat is in the basal rate.
    assert optimized.activation.to_numpy().min() == pytest.approx(0.001, abs=1e-5)
    assert optimized.activation.to_numpy().max() <= 1.0
    assert optimized.reserves.abs().max().max() < 1.0
    assert len(optimized.activation.columns) == 92 and optimized.warnings == ()


def test_muscle_states_equal_opensims_muscle_analysis(person, loaded_motion, optimized):
    _, motion = loaded_motion
    states = muscle_states(person.model, motion, optimized.activation, cutoff=-1.0)
    analysis = muscle_analysis(person.model, motion, time_range=(0.1, 0.2), out=person.folder / "ma2", cutoff=-1.0)
    for quantity, table in analysis.items():
        time = states[quantity].index.intersection(table.index)
        difference = (states[quantity].loc[time] - table.loc[time, states[quantity].columns]).abs()
        assert difference.to_numpy().max() < 1e-9, quantity
    assert np.allclose(states["activation"], optimized.activation)


def test_joint_reactions_and_body_kinematics_have_their_columns(person, loaded_motion, optimized):
    _, motion = loaded_motion
    reactions = joint_reaction(person.model, motion, None, optimized, out=person.folder / "jr", cutoff=-1.0)
    assert "knee_r_on_tibia_r_in_tibia_r_fy" in reactions and np.isfinite(reactions.to_numpy()).all()
    bodies = body_kinematics(person.model, motion, time_range=(0.1, 0.2), out=person.folder / "bk", cutoff=-1.0)
    # The centre of mass moves forward with the pelvis, give or take the swinging legs.
    assert bodies["velocity"]["center_of_mass_X"].mean() == pytest.approx(1.2, abs=0.3)


def test_muscle_parameters_follow_the_model(person):
    table = muscle_parameter_table(person.model)
    assert len(table) == 92 and table.loc["soleus_r", "mass"] > 0.1
    assert table.loc["soleus_r", "max_contraction_velocity"] == 10.0


def test_an_interval_outside_the_motion_is_one_line(person, loaded_motion, tmp_path):
    _, motion = loaded_motion
    with pytest.raises(InputError, match=r"inside 0\.000 to"):
        static_optimization(person.model, motion, None, time_range=(0.2, 9.0), out=tmp_path, name="w")
    with pytest.raises(UnknownNameError, match="did you mean knee_angle_r"):
        muscle_analysis(person.model, motion, time_range=(0.1, 0.2), out=tmp_path, moment_arms=["knee_angle_rr"])


def test_a_tool_that_fails_says_why_in_one_line(person, tmp_path, capfd):
    setup = tmp_path / "w_id_setup.xml"
    setup.write_text(
        '<?xml version="1.0"?><OpenSimDocument Version="40000"><InverseDynamicsTool name="w">'
        "<model_file>none.osim</model_file><coordinates_file>none.mot</coordinates_file></InverseDynamicsTool>"
        "</OpenSimDocument>"
    )
    with pytest.raises(ExogaitError, match="InverseDynamicsTool") as caught:
        run_id_tool(setup)
    assert "\n" not in str(caught.value)
    assert capfd.readouterr().out == ""


# -- published subject
# ----------------------------------------------------------------------------------------------------


def test_subject01_gives_the_published_angles(real_data, tmp_path):
    """The published scale set-up on the published model, against OpenSim's own output (the study has the full
    table)."""
    from exogait.data.trc import read_trc

    folder = real_data / "opensim_models" / "gait2392"
    subject = folder / "subject01"
    marker_map = read_marker_map("gait2392")
    manual = {"femur_r": 1.14724, "femur_l": 1.14724, "tibia_r": 0.988523, "tibia_l": 0.988523}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataQualityWarning)
        person = scale_model(
            read_trc(subject / "subject01_static.trc"), marker_map, mass=72.6, out=tmp_path, time_range=(1.0, 2.0),
            base_model=folder / "gait2392_thelen2003muscle.osim", manual_factors=manual,
        )  # fmt: skip
        walk = inverse_kinematics(
            person.model, read_trc(subject / "subject01_walk1.trc"), marker_map, out=tmp_path, time_range=(0.5, 1.0)
        )
        published = read_sto(subject / "OutputReference" / "subject01_walk1_ik.mot")
    assert {"pelvis_tilt", "hip_flexion_r", "knee_angle_l", "ankle_angle_r"} <= set(walk.rotational)
    for name in walk.rotational:
        expected = np.interp(walk.coordinates.index, published.index, published[name])
        assert np.sqrt(np.mean((np.rad2deg(walk.coordinates[name]) - expected) ** 2)) < 1.0, name
