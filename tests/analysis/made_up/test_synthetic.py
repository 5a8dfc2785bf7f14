"""The synthetic subject: its files are sound C3D, and everything that made it comes back from them."""

from __future__ import annotations

import warnings
from pathlib import Path

import c3d
import numpy as np
import pytest

from exogait.analysis.c3d.reader import (
    read_c3d,
)
from exogait.analysis.gait.spatiotemporal import compute_spatiotemporal
from exogait.analysis.made_up.person import NOTE, make_synthetic_trial
from exogait.analysis.made_up.recording import NOTE as SIMULATED
from exogait.analysis.made_up.recording import record_walk
from exogait.analysis.signals.measured import (
    process_trial,
    standing_mass,
)
from exogait.data.errors import InputError
from exogait.data.storage import read_mot
from exogait.data.trial import GaitTrial

pytest.importorskip("opensim")


@pytest.fixture(scope="module")
def subject(tmp_path_factory: pytest.TempPathFactory):
    return make_synthetic_trial(tmp_path_factory.mktemp("synthetic"), seed=4)


def test_files_are_labelled_and_plain_c3d(subject):
    for path in (subject.static, subject.walk):
        trial = read_c3d(path)
        assert trial.parameters["SYNTHETIC"]["NOTE"] == [NOTE]
        assert not trial.warnings
        with open(path, "rb") as handle, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            frames = list(c3d.Reader(handle).read_frames())
        assert len(frames) == trial.n_frames
        seen = np.isfinite(trial.positions[0]).all(axis=1)
        np.testing.assert_allclose(frames[0][1][seen, :3] * 1e-3, trial.positions[0][seen], atol=1e-6)


def test_ground_reactions_come_back(subject):
    found = process_trial(read_c3d(subject.walk), force_cutoff=None)
    assert [s.side for s in found.strikes] == ["l", "r", "l"] and all(s.accepted for s in found.strikes)
    truth = subject.ground_reactions
    for side, load in found.loads.items():
        force = truth[[f"ground_force_{side}_v{a}" for a in "xyz"]].to_numpy()
        point = truth[[f"ground_force_{side}_p{a}" for a in "xyz"]].to_numpy()
        firm = force[:, 1] > 200
        assert firm.sum() > 500
        error = load.force[firm] - force[firm]
        # Noise of 1 N, baseline of 9 N removed: what is left is noise.
        assert np.abs(error.mean(axis=0)).max() < 0.3 and error.std() < 1.3
        assert np.sqrt(np.mean((load.point[firm] - point[firm]) ** 2)) < 0.001
        twist = load.torque[firm, 1] - truth[f"ground_torque_{side}_y"].to_numpy()[firm]
        assert np.sqrt(np.mean(twist**2)) < 0.5
    assert standing_mass(read_c3d(subject.static)) == pytest.approx(subject.mass, abs=0.1)


def test_events_speed_and_markers_come_back(subject):
    found = process_trial(read_c3d(subject.walk))
    truth = [(e.side, e.kind) for e in subject.events]
    assert [(e.side, e.kind) for e in found.events.events] == truth
    for event, true in zip(found.events.events, subject.events, strict=True):
        assert event.time == pytest.approx(true.time, abs=0.01)
    result = compute_spatiotemporal(found.positions, found.marker_names, found.rate, found.roles, found.events.events)
    assert result.speed == pytest.approx(subject.speed, abs=0.02)
    assert 1.0 < subject.speed < 1.5
    steps = result.summary().set_index("quantity")
    assert steps.loc["step_length", "mean_r"] == pytest.approx(steps.loc["step_length", "mean_l"], abs=0.03)
    assert {g.action for g in found.gaps} == {"filled"}
    # Left, right, left stand on plates from 0.58 to 2.44 s; before, the right foot stands beside them.
    assert found.load_known[75:180].all()
    assert not found.load_known[20:50, 0].any()


def test_same_seed_same_files_and_other_seed_other_body(subject, tmp_path: Path):
    again = make_synthetic_trial(tmp_path / "again", seed=4)
    assert again.walk.read_bytes() == subject.walk.read_bytes()
    other = make_synthetic_trial(tmp_path / "other", seed=5, forward="+y", n_cycles=2)
    assert other.mass != subject.mass
    found = process_trial(read_c3d(other.walk))
    assert found.frame.forward == "+y"


def test_truth_file_is_opensims(subject):
    table = read_mot(subject.truth)
    assert table.attrs["in_degrees"] is True
    np.testing.assert_allclose(np.radians(table["knee_angle_r"]), subject.coordinates["knee_angle_r"], atol=1e-12)
    np.testing.assert_allclose(table["pelvis_tx"], subject.coordinates["pelvis_tx"], atol=1e-12)
    assert -70 < table["knee_angle_r"].min() < -55 and table["knee_angle_r"].max() < 5


def test_options_are_checked(tmp_path: Path):
    with pytest.raises(InputError):
        make_synthetic_trial(tmp_path, forward="ahead")
    with pytest.raises(InputError):
        make_synthetic_trial(tmp_path, cycle=0.1)


@pytest.fixture(scope="module")
def roll_out(subject) -> GaitTrial:
    """The synthetic walk as if it had been simulated; its first three stances on plates."""
    trial = GaitTrial(
        name="walk",
        coordinates=subject.coordinates,
        ground_reactions=subject.ground_reactions.iloc[::10],
        events=subject.events,
        metadata={"subject_mass": subject.mass, "source": "simulation"},
    )
    return trial.crop(0.0, 2.9)


def test_a_roll_out_crosses_the_laboratory(roll_out, tmp_path: Path):
    files = record_walk(roll_out, tmp_path, plates=3, seed=1, forward="+y")
    raw = read_c3d(files.walk)
    assert raw.parameters["SYNTHETIC"]["NOTE"] == [SIMULATED] and "SYNTHETIC" in SIMULATED
    assert standing_mass(read_c3d(files.static)) == pytest.approx(files.mass, abs=0.1)
    found = process_trial(raw, force_cutoff=None)
    assert found.frame.forward == "+y"
    assert [s.side for s in found.strikes] == ["l", "r", "l"] and all(s.accepted for s in found.strikes)
    truth = files.truth.ground_reactions
    assert truth is not None
    for side, load in found.loads.items():
        # Means over 10 ms before each sample are taken as values in their middle.
        time = np.arange(len(load.force)) / 1000.0
        for k, axis in enumerate("xyz"):
            known = np.interp(time, truth.index - 0.005, truth[f"ground_force_{side}_v{axis}"])
            assert np.abs(load.force[:, k] - known)[load.force[:, 1] > 200].mean() < 3.0
    assert [(e.side, e.kind) for e in found.events.events] == [(e.side, e.kind) for e in files.truth.events]
    # Skin and cameras: millimetres, not centimetres.
    clean = record_walk(roll_out, tmp_path / "clean", plates=3, camera_noise=0.0, skin_motion=0.0, gaps=0, forward="+y")
    off = raw.positions - read_c3d(clean.walk).positions
    assert 0.0015 < np.nanstd(off) < 0.0025 and np.isnan(off).any()


def test_the_plates_lie_where_the_walk_goes(roll_out, tmp_path: Path):
    coordinates, reactions = roll_out.coordinates.copy(), roll_out.ground_reactions.copy()
    coordinates["pelvis_tz"] += 0.5 + 0.02 * coordinates.index
    reactions[["ground_force_r_pz", "ground_force_l_pz"]] += 0.5
    files = record_walk(roll_out.replace(coordinates=coordinates, ground_reactions=reactions), tmp_path, plates=3)
    assert all(strike.accepted for strike in process_trial(read_c3d(files.walk)).strikes)


def test_a_fall_or_too_short_a_walk_is_no_recording(roll_out, tmp_path: Path):
    with pytest.raises(InputError, match="fell"):
        record_walk(roll_out.replace(metadata={**roll_out.metadata, "fell": True}), tmp_path)
    with pytest.raises(InputError, match="stances"):
        record_walk(roll_out, tmp_path, plates=8)


@pytest.mark.slow
def test_known_angles_come_back_within_half_a_degree(subject, tmp_path: Path):
    """The oracle: scaling and inverse kinematics on the files give the angles that made them, 0.5 degrees RMS asked."""
    tools = pytest.importorskip("exogait.analysis.opensim_tools")
    from exogait.analysis.markers.map import read_marker_map

    static = process_trial(read_c3d(subject.static)).to_gait_trial()
    walk = process_trial(read_c3d(subject.walk)).to_gait_trial()
    marker_map = read_marker_map("gait2392")
    scaled = tools.scale_model(
        static.markers, marker_map, mass=subject.mass, out=tmp_path / "scale", height=subject.height
    )
    result = tools.inverse_kinematics(scaled.model, walk.markers, marker_map, out=tmp_path / "ik")
    truth = subject.coordinates
    errors = {}
    for name in truth.columns:
        if name in ("pelvis_tx", "pelvis_ty", "pelvis_tz"):
            continue
        expected = np.interp(result.coordinates.index, truth.index, truth[name])
        errors[name] = float(np.degrees(np.sqrt(np.mean((result.coordinates[name] - expected) ** 2))))
    assert max(errors.values()) < 0.5, errors
