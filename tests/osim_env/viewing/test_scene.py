"""The geometry of a replay is the model's own: muscle paths, poses, torques, whatever the road that computed it."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from exogait import models
from exogait.data import DataQualityWarning, FileFormatError, GaitTrial, InputError, read_sto
from exogait.osim_env.engine import Model, kinematics, muscle_state
from exogait.osim_env.gait.setup import COMPILED
from exogait.osim_env.viewing.bone_meshes import mesh_names, read_bone_meshes, read_vtp
from exogait.osim_env.viewing.replay_page import load_scene, replay_page
from exogait.osim_env.viewing.scene import evaluate_function, frame_times, make_scene
from exogait.osim_env.viewing.scene_opensim import make_scene_with_opensim


@pytest.fixture(scope="module")
def model() -> Model:
    return Model.load(COMPILED["hip_ankle"])


def random_poses(model: Model, count: int, seed: int) -> tuple[GaitTrial, np.ndarray]:
    """A "walk" through poses from all over the range of every joint, where conditional points come and go."""
    q = np.random.default_rng(seed).uniform(*model.coordinate_range.T, (count, model.n_coordinates))
    time = pd.Index(np.arange(count) / 50.0, name="time")
    return GaitTrial(name="poses", coordinates=pd.DataFrame(q, index=time, columns=list(model.coordinate_names))), q


def test_drawn_paths_are_as_long_as_the_muscles(model: Model) -> None:
    trial, q = random_poses(model, 60, 1)
    scene = make_scene(trial, model)
    length = muscle_state(model, q, np.zeros_like(q), np.zeros(model.n_muscles)).muscle_tendon_length
    drawn = [[np.linalg.norm(np.diff(path, axis=0), axis=1).sum() for path in scene.muscle_lines(f)] for f in range(60)]
    np.testing.assert_allclose(drawn, length, rtol=0, atol=1e-12)
    assert 0 < scene.active.mean() < 1, "no conditional point was ever left out: the test sees nothing of them"


def test_scene_from_opensim_is_the_same_scene(model: Model) -> None:
    trial, _ = random_poses(model, 5, 2)
    ours, theirs = make_scene(trial, model), make_scene_with_opensim(trial, models.model_path())
    order = [theirs.bodies.index(name) for name in ours.bodies]
    np.testing.assert_allclose(ours.position, theirs.position[:, order], atol=1e-9)
    np.testing.assert_allclose(ours.rotation, theirs.rotation[:, order], atol=1e-9)
    assert theirs.muscles == ours.muscles
    for frame in range(5):
        for name, a, b in zip(ours.muscles, ours.muscle_lines(frame), theirs.muscle_lines(frame), strict=True):
            length = [np.linalg.norm(np.diff(path, axis=0), axis=1).sum() for path in (a, b)]
            assert length[0] == pytest.approx(length[1], abs=1e-9), name
            np.testing.assert_allclose([a[0], a[-1]], [b[0], b[-1]], atol=1e-9, err_msg=name)


def test_functions_agree_with_the_engine_through_the_knee(model: Model) -> None:
    # The knee's translation is a spline: the tibia's origin in the femur shows its value.
    q = np.zeros((40, model.n_coordinates))
    knee = model.index("coordinate", "knee_angle_r")
    q[:, knee] = np.linspace(-2.0, 0.1, 40)
    now = kinematics(model, q, np.zeros_like(q))
    femur, tibia = model.index("body", "femur_r"), model.index("body", "tibia_r")
    local = np.einsum("fji,fj->fi", now.rotation[:, femur], now.position[:, tibia] - now.position[:, femur])
    row = 6 * (tibia + 1)
    for axis in (3, 4):
        function = int(model.tree.axis_function[row + axis])
        assert function >= 0
        np.testing.assert_allclose(
            evaluate_function(model.functions, function, q[:, knee]), local[:, axis - 3], atol=1e-12
        )


def test_device_torque_turns_about_the_joint(walk: GaitTrial, model: Model) -> None:
    scene = make_scene(walk, model)
    assert set(scene.torque) == {f"exo_{joint}_{side}" for joint in ("hip_flexion", "ankle_angle") for side in "rl"}
    hip = scene.torque["exo_hip_flexion_r"]
    assert scene.bodies[hip.body] == "femur_r"
    np.testing.assert_allclose(np.linalg.norm(hip.axis, axis=1), 1.0, atol=1e-9)
    # Hip flexion turns about an axis that points to the right (Z) while the pelvis is near level.
    assert hip.axis[:, 2].min() > 0.8


def test_skeleton_stands_between_joints(walk: GaitTrial, model: Model) -> None:
    scene = make_scene(walk, model)
    ends = scene.link_ends(0)
    thigh = next(k for k, link in enumerate(scene.links)
                 if [scene.bodies[b] for b in link.body] == ["femur_r", "tibia_r"])  # fmt: skip
    assert np.linalg.norm(ends[thigh, 1] - ends[thigh, 0]) == pytest.approx(0.4, abs=0.02)
    assert ends[:, :, 1].min() > -0.05 and ends[:, :, 1].max() < 2.0


def test_frames_are_thinned_and_never_invented(walk: GaitTrial) -> None:
    time = walk.require("coordinates").index.to_numpy()
    assert np.diff(frame_times(walk)).mean() == pytest.approx(0.02)
    assert len(frame_times(walk, 1000.0)) == len(time)
    assert frame_times(walk)[-1] <= time[-1] + 1e-9
    brief = walk.crop(0.1, 0.115)
    np.testing.assert_allclose(frame_times(brief), [0.1, 0.11])


def test_lab_trial_without_muscles_or_forces_is_a_scene(walk: GaitTrial, model: Model) -> None:
    scene = make_scene(walk.replace(muscles={}, ground_reactions=None, device_torques=None), model)
    assert scene.activation is None and scene.force is None and not scene.torque
    partly = walk.muscles["activation"][["soleus_r"]]
    scene = make_scene(walk.replace(muscles={"activation": partly}), model)
    assert scene.activation is not None
    known = np.isfinite(scene.activation).all(axis=0)
    assert [name for name, k in zip(scene.muscles, known, strict=True) if k] == ["soleus_r"]


def test_wrong_model_and_gaps_are_refused(walk: GaitTrial, model: Model) -> None:
    table = walk.require("coordinates")
    with pytest.raises(InputError, match="knee_angle_l"):
        make_scene(walk.replace(coordinates=table.drop(columns="knee_angle_l")), model)
    broken = table.copy()
    broken.iloc[10, 3] = np.nan
    with pytest.raises(InputError, match=str(table.columns[3])):
        make_scene(walk.replace(coordinates=broken), model)


VTP = """<?xml version="1.0"?><VTKFile type="PolyData"><PolyData><Piece NumberOfPoints="5" NumberOfPolys="2">
<Points><DataArray type="Float32" NumberOfComponents="3" format="ascii">0 0 0 1 0 0 1 1 0 0 1 0 0 0 1</DataArray>
</Points>
<Polys><DataArray type="Int32" Name="connectivity" format="ascii">0 1 2 3  0 1 4</DataArray>
<DataArray type="Int32" Name="offsets" format="ascii">4 7</DataArray></Polys></Piece></PolyData></VTKFile>"""


def test_bone_surface_is_read_and_squares_are_cut(tmp_path: Path) -> None:
    path = tmp_path / "bone.vtp"
    path.write_text(VTP)
    points, triangles = read_vtp(path)
    assert points.shape == (5, 3)
    assert sorted(map(tuple, triangles.tolist())) == [(0, 1, 2), (0, 1, 4), (0, 2, 3)]


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("<VTKFile", "XML"),
        (VTP.replace('format="ascii">0 1 2', 'format="binary">0 1 2'), "binary"),
        (VTP.replace("0 1 4", "0 1 9"), "point"),
        (VTP.replace("Points>", "Dots>"), "points"),
    ],
)
def test_damaged_surface_is_one_clear_error(text: str, word: str, tmp_path: Path) -> None:
    path = tmp_path / "bone.vtp"
    path.write_text(text)
    with pytest.raises(FileFormatError, match=word):
        read_vtp(path)


def test_meshes_come_from_the_model_and_missing_ones_are_told_once(model: Model, tmp_path: Path) -> None:
    named = mesh_names(models.model_path())
    assert ("femur_r", "femur_r.vtp") in [(body, file) for body, file, _ in named]
    (tmp_path / "femur_r.vtp").write_text(VTP)
    with pytest.warns(DataQualityWarning, match="not shown") as caught:
        found = read_bone_meshes(models.model_path(), model.body_names, tmp_path)
    assert len(caught) == 1
    assert [model.body_names[mesh.body] for mesh in found] == ["femur_r"]
    with pytest.raises(FileFormatError, match="no folder"):
        read_bone_meshes(models.model_path(), model.body_names, tmp_path / "nowhere")


def test_bones_of_opensims_own_geometry_are_read(model: Model, real_data: Path) -> None:
    folder = real_data / "opensim_models" / "Geometry"
    if not folder.is_dir():
        pytest.skip("EXOGAIT_DATA has no opensim_models/Geometry: bone surfaces were not read")
    with warnings.catch_warnings():
        warnings.simplefilter("error", DataQualityWarning)
        found = read_bone_meshes(models.model_path(), model.body_names, folder)
    assert {model.body_names[mesh.body] for mesh in found} == set(model.body_names)
    thigh = next(mesh for mesh in found if model.body_names[mesh.body] == "femur_r")
    assert 0.35 < np.ptp(thigh.points[:, 1]) < 0.6


def test_walk_on_a_foreign_model_is_shown_through_opensim(real_data: Path) -> None:
    # Rajagopal's model: arms, patellae, coupled coordinates, and paths that wrap, which their points alone do not show.
    folder = real_data / "opensim_walking_adult"
    if not folder.is_dir():
        pytest.skip("EXOGAIT_DATA has no opensim_walking_adult: no foreign model was replayed")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataQualityWarning)
        table = read_sto(folder / "coordinates.sto", in_degrees=False)
    table = table.iloc[:20].rename(columns=lambda label: str(label).split("/")[-2])
    scene = load_scene(GaitTrial(name="adult", coordinates=table), folder / "subject_walk_scaled.osim")
    assert len(scene.muscles) == 80 and "humerus_r" in scene.bodies
    lines = scene.muscle_lines(0)
    assert all(np.isfinite(line).all() and len(line) >= 2 for line in lines)
    assert len(replay_page(scene)) > 50_000
