"""The lab road from files to a trial: known angles come back, steps are reused, bad input gives one clear line."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from exogait.analysis.c3d.recording import read_recording
from exogait.analysis.gait.power import differentiate
from exogait.analysis.lab import sources
from exogait.analysis.lab.derive_norms import kinematics_fingerprint
from exogait.analysis.lab.pipeline import analyse, analyse_trial
from exogait.analysis.lab.settings import LabSettings
from exogait.analysis.made_up.person import make_synthetic_trial
from exogait.data import ExogaitError, FileFormatError, GaitTrial, InputError, UnitsError
from exogait.data.norms import SCHREIBER_TABLE
from exogait.data.quality import quality_rows
from exogait.data.trc import marker_array, write_trc
from exogait.data.trial import interpolate_table

ORACLE_DEG = 0.5
"""Known angles come back within this, degrees RMS: what noise, a 6 Hz filter and scaling leave."""


@pytest.fixture(scope="module")
def person(tmp_path_factory):
    return make_synthetic_trial(tmp_path_factory.mktemp("synthetic"))


@pytest.fixture(scope="module")
def done(person, tmp_path_factory):
    folder = tmp_path_factory.mktemp("out")
    return analyse(person.static, person.walk, person.mass, height=person.height, out=folder), folder


@pytest.fixture(scope="module")
def steps_kept(person, tmp_path_factory) -> Path:
    """A folder with the steps of their walk: what only changes the forces does not find the angles anew."""
    folder = tmp_path_factory.mktemp("kept")
    analyse(person.static, person.walk, person.mass, out=folder)
    return folder


def found(trial: GaitTrial, topic: str) -> str:
    return " | ".join(f"{row.what}: {row.found}" for row in quality_rows(trial) if row.topic == topic)


def test_known_angles_come_back(person, done) -> None:
    analysis, _ = done
    got = analysis.trial.coordinates
    truth = interpolate_table(person.coordinates, got.index)
    assert {"pelvis_tilt", "hip_flexion_r", "knee_angle_l", "ankle_angle_r"} <= set(got.columns)
    for name in got.columns:
        error = (got[name] - truth[name]).to_numpy()
        if name.startswith("pelvis_t") and name != "pelvis_tilt":
            assert np.sqrt(np.mean(error**2)) < 0.005, name
        else:
            assert np.rad2deg(np.sqrt(np.mean(error**2))) < ORACLE_DEG, name


def test_events_speed_and_masks(person, done) -> None:
    trial = done[0].trial
    for kind in ("heel_strike", "toe_off"):
        for side in ("r", "l"):
            true = np.array([e.time for e in person.events if e.side == side and e.kind == kind])
            for time in trial.event_times(side, kind):
                assert np.abs(true - time).min() < 0.02
    assert trial.about.speed_measured == pytest.approx(person.speed, abs=0.01)
    assert trial.metadata["synthetic"] is True
    valid = trial.masks["valid_kinetics"]
    assert 0.3 < valid["r"].mean() < 0.95 and (valid["pelvis"] <= valid["l"]).all()
    assert trial.generalized_forces.loc[~valid["l"].to_numpy(), "ankle_angle_l"].isna().all()
    assert trial.generalized_forces.loc[valid["l"].to_numpy(), "ankle_angle_l"].notna().all()


def test_powers_are_force_times_speed(done) -> None:
    trial = done[0].trial
    speed = interpolate_table(trial.speeds, trial.generalized_forces.index)
    product = trial.generalized_forces["ankle_angle_l"] * speed["ankle_angle_l"]
    np.testing.assert_allclose(trial.joint_powers["ankle_angle_l"], product, equal_nan=True)


def test_the_trial_survives_its_files(done, tmp_path) -> None:
    trial = done[0].trial
    again = GaitTrial.read_parquet(trial.write_parquet(tmp_path))
    np.testing.assert_array_equal(again.coordinates, trial.coordinates)
    assert quality_rows(again) == quality_rows(trial)


def test_steps_are_reused_until_something_changes(person, done) -> None:
    _, folder = done
    run = lambda **changes: analyse(  # noqa: E731
        person.static, person.walk, changes.pop("mass", person.mass), height=person.height, out=folder, **changes
    )
    reused = {step.name: step.reused for step in run().cache.records}
    assert reused == {
        "read, filter, plates, events": False, "scale": True, "inverse_kinematics": True, "inverse_dynamics": True,
        "centre of mass, feet": False,
    }  # fmt: skip
    other = {step.name: step.reused for step in run(settings=LabSettings(force_cutoff=15.0)).cache.records}
    assert other["scale"] and other["inverse_kinematics"] and not other["inverse_dynamics"]
    heavier = {step.name: step.reused for step in run(mass=person.mass + 1).cache.records}
    assert not heavier["scale"] and not heavier["inverse_dynamics"]


def test_quality_rows_cover_the_road(done) -> None:
    trial = done[0].trial
    assert "lab -x" in found(trial, "Axes")
    assert "6 Hz" in found(trial, "Filters") and "20 Hz" in found(trial, "Filters")
    assert "accepted: whole foot on the plate" in found(trial, "Force plates")
    assert "3 filled" in found(trial, "Markers")
    assert "RMS" in found(trial, "Inverse kinematics") and "residual" in found(trial, "Inverse dynamics")
    assert {row.verdict for row in quality_rows(trial)} >= {"pass", "info"}


def test_a_trc_file_walks_too_but_without_moments(person, done, tmp_path) -> None:
    markers = done[0].trial.markers
    path = tmp_path / "walk.trc"
    write_trc(markers, path, units="mm")
    trial = analyse_trial(person.static, path, person.mass)
    assert trial.generalized_forces is None and trial.ground_reactions is None
    assert trial.coordinates is not None
    assert "no joint moments" in found(trial, "Force plates")
    assert not trial.masks["valid_kinetics"]["r"].any()


def test_plates_may_be_taken_away_by_hand(person, steps_kept, tmp_path) -> None:
    corrections = tmp_path / "corrections.csv"
    corrections.write_text("what,side,time,plate\nplate,none,0.9,1\nplate,none,1.5,2\nplate,none,2.1,3\n")
    settings = LabSettings(overrides=corrections)
    trial = analyse(person.static, person.walk, person.mass, settings=settings, out=steps_kept).trial
    assert "discarded by hand" in found(trial, "Force plates")
    # A foot that never stands on a plate has known moments in swing only; no peak of stance can come of it.
    from exogait.analysis.gait.metrics import compute_metrics

    assert compute_metrics(trial).set_index("metric").loc["ankle_plantarflexor_moment", ["right", "left"]].isna().all()


def test_derivative_of_a_polynomial_is_exact() -> None:
    import pandas as pd

    time = pd.Index(np.linspace(0.0, 1.0, 21), name="time")
    table = pd.DataFrame({"x": np.asarray(time) ** 3}, index=time)
    np.testing.assert_allclose(differentiate(table)["x"], 3 * np.asarray(time) ** 2, atol=1e-9)


# -- bad input: every case is one line that says what to do -----------------------------------------------------------


def refuse(error: type[ExogaitError], match: str, function, *arguments, **options) -> None:
    with pytest.raises(error, match=match) as caught:
        function(*arguments, **options)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("mass", [0, -70.0, float("nan"), float("inf")])
def test_mass_must_be_positive(person, mass) -> None:
    refuse(InputError, "mass.*above 0", analyse_trial, person.static, person.walk, mass)


def test_height_in_centimetres_is_refused(person, tmp_path) -> None:
    refuse(InputError, "height.*metres", analyse, person.static, person.walk, 70.0, height=175.0, out=tmp_path)


def test_no_static_trial(person, tmp_path) -> None:
    refuse(FileFormatError, "no such static trial.*--static", analyse_trial, tmp_path / "none.c3d", person.walk, 70.0)


def test_no_walking_trial(person, tmp_path) -> None:
    refuse(FileFormatError, "cannot be read.*check the path", analyse_trial, person.static, tmp_path / "none.c3d", 70.0)


def test_truncated_file(person, tmp_path) -> None:
    path = tmp_path / "cut.c3d"
    path.write_bytes(person.walk.read_bytes()[:600])
    refuse(FileFormatError, "cut.c3d", analyse_trial, person.static, path, 70.0)


def test_a_file_that_is_no_c3d(person, tmp_path) -> None:
    path = tmp_path / "text.c3d"
    path.write_text("hello")
    refuse(FileFormatError, "text.c3d", analyse_trial, person.static, path, 70.0)


def test_wrong_units(person) -> None:
    refuse(
        UnitsError, "no person.*units", analyse_trial, person.static, person.walk, 70.0, settings=LabSettings(units="m")
    )


def test_swapped_axes(person) -> None:
    settings = LabSettings(up="+x", forward="+z")
    with pytest.raises(ExogaitError):
        trial = analyse_trial(person.static, person.walk, person.mass, settings=settings)
        # Where the road finds an answer nonetheless, the report must doubt it.
        doubts = [
            row for row in quality_rows(trial) if row.topic in ("Axes", "Scaling") and row.verdict in ("warn", "fail")
        ]
        raise ExogaitError("doubted") if doubts else AssertionError("swapped axes went unnoticed")


def test_an_axis_that_is_none(person) -> None:
    refuse(
        InputError, "forward.*\\+x", analyse_trial, person.static, person.walk, 70.0, settings=LabSettings(forward="x")
    )


def test_marker_set_nobody_knows(person, monkeypatch) -> None:
    def renamed(path, *, units=None):
        recording = read_recording(path, units=units)
        return dataclasses.replace(recording, marker_names=tuple(f"Q{i}" for i in range(len(recording.marker_names))))

    monkeypatch.setattr(sources, "read_recording", renamed)
    refuse(InputError, "marker labels.*write one", analyse_trial, person.static, person.walk, 70.0)


def test_marker_map_that_does_not_fit_names_the_nearest(person) -> None:
    refuse(
        FileFormatError, "only .* markers of map 'schreiber2019'.*missing R_IAS", analyse_trial, person.static,
        person.walk, 70.0, marker_map="schreiber2019",
    )  # fmt: skip


def test_a_new_laboratory_needs_one_file_and_nothing_else(person, monkeypatch, tmp_path) -> None:
    import yaml

    from exogait.analysis.markers.map import MAP_FOLDER

    names = read_recording(person.walk).marker_names
    new = {name: f"{'X' if name.startswith('R') else 'Y' if name.startswith('L') else 'Z'}{i:02d}" for i, name in
           enumerate(sorted(names, key=lambda n: n[2:]))}  # fmt: skip
    content = yaml.safe_load((MAP_FOLDER / "gait2392.yaml").read_text())
    # A twin is the same label with the other first letter: number both sides alike.
    pairs = {name: f"{'X' if name.startswith('R.') else 'Y'}{sorted({n[2:] for n in names}).index(name[2:]):02d}"
             for name in names if name[:2] in ("R.", "L.")}  # fmt: skip
    new.update(pairs)

    def rename(value):
        if isinstance(value, str):
            return new.get(value, value)
        if isinstance(value, list):
            return [rename(item) for item in value]
        if isinstance(value, dict):
            return {rename(key): rename(item) for key, item in value.items()}
        return value

    mine = rename({key: value for key, value in content.items() if key not in ("aliases", "sides", "name")})
    path = tmp_path / "my_lab.yaml"
    path.write_text(yaml.safe_dump({"name": "My laboratory", "sides": ["X", "Y"], **mine}))

    def renamed(file, *, units=None):
        recording = read_recording(file, units=units)
        return dataclasses.replace(recording, marker_names=tuple(new[name] for name in recording.marker_names))

    monkeypatch.setattr(sources, "read_recording", renamed)
    trial = analyse_trial(person.static, person.walk, person.mass, marker_map=path)
    assert trial.metadata["marker_map"] == "my_lab"
    assert next(r["rms"] for r in trial.metadata["marker_errors"] if r["marker"] == "all") < 0.001
    assert trial.about.speed_measured == pytest.approx(person.speed, abs=0.01)
    assert "accepted" in found(trial, "Force plates")


def test_unknown_marker_map(person) -> None:
    refuse(ExogaitError, "gait2392", analyse_trial, person.static, person.walk, 70.0, marker_map="gait2329")


def test_a_missing_marker_is_named_and_the_rest_goes_on(person, monkeypatch) -> None:
    def without(path, *, units=None):
        recording = read_recording(path, units=units)
        keep = [i for i, name in enumerate(recording.marker_names) if name != "R.Thigh.Upper"]
        return dataclasses.replace(
            recording, marker_names=tuple(recording.marker_names[i] for i in keep),
            positions=recording.positions[:, keep], residuals=recording.residuals[:, keep],
        )  # fmt: skip

    monkeypatch.setattr(sources, "read_recording", without)
    trial = analyse_trial(person.static, person.walk, person.mass)
    assert "missing: R.Thigh.Upper" in found(trial, "Marker map")


def test_missing_force_samples_are_unknown_not_zero(person, steps_kept, monkeypatch) -> None:
    def broken(path, *, units=None):
        recording = read_recording(path, units=units)
        if recording.n_frames > 200:
            analog = recording.analog.copy()
            analog[1500:1600] = np.nan
            recording = dataclasses.replace(recording, analog=analog)
        return recording

    monkeypatch.setattr(sources, "read_recording", broken)
    trial = analyse(person.static, person.walk, person.mass, out=steps_kept).trial
    assert "right foot, rejected: 100 force samples are missing" in found(trial, "Force plates")
    assert not np.isnan(trial.ground_reactions.filter(like="_v").to_numpy()).any()
    assert not trial.masks["valid_kinetics"].loc[1.25:1.75, "r"].any()
    # The hole must not pass for a toe off and a heel strike.
    assert not any(1.45 < event.time < 1.65 for event in trial.events if event.side == "r")


def test_a_long_gap_is_rebuilt_from_steady_neighbours_and_named(person, done, steps_kept, monkeypatch) -> None:
    def gappy(path, *, units=None):
        recording = read_recording(path, units=units)
        if recording.n_frames > 200:
            positions = recording.positions.copy()
            positions[100:150, recording.marker_names.index("R.Toe.Tip")] = np.nan
            recording = dataclasses.replace(recording, positions=positions)
        return recording

    monkeypatch.setattr(sources, "read_recording", gappy)
    trial = analyse(person.static, person.walk, person.mass, out=steps_kept).trial
    assert "path of R.Toe.Tip: is not seen for 0.50 s: rebuilt from 1.00 s on from" in found(trial, "Markers")
    there, whole = (marker_array(one.markers, ["R.Toe.Tip"])[100:150] for one in (trial, done[0].trial))
    assert np.linalg.norm(there - whole, axis=-1).max() < 0.02, "where it was"
    assert np.isfinite(trial.coordinates.to_numpy()).all()


def test_base_model_that_is_no_xml(person, tmp_path) -> None:
    path = tmp_path / "broken.osim"
    path.write_text("<OpenSimDocument><Model>")
    refuse(FileFormatError, "broken.osim", analyse_trial, person.static, person.walk, 70.0, base_model=path)


@pytest.mark.parametrize(
    ("change", "word"),
    [({"marker_cutoff": -1.0}, "marker_cutoff"), ({"max_gap": -0.1}, "max_gap"), ({"event_method": "x"}, "zeni2008")],
)
def test_settings_are_checked(change, word) -> None:
    refuse(InputError, word, LabSettings, **change)


def test_cutoff_above_half_the_rate(person) -> None:
    refuse(
        InputError, "cutoff", analyse_trial, person.static, person.walk, 70.0, settings=LabSettings(marker_cutoff=60.0)
    )


# -- real walks -------------------------------------------------------------------------------------------------------


def test_a_real_walk_has_the_usual_numbers(real_data: Path) -> None:
    folder = real_data / "schreiber2019" / "2014001"
    trial = analyse_trial(folder / "2014001_ST.c3d", folder / "2014001_C4_05.c3d", 67.0)
    errors = {row["marker"]: row["rms"] for row in trial.metadata["marker_errors"]}
    assert errors["all"] < 0.02
    from exogait.analysis.gait.metrics import compute_metrics

    table = compute_metrics(trial).set_index("metric")
    for side in ("right", "left"):
        assert 50 < table[side]["knee_flexion_range"] < 75
        assert 1.1 < table[side]["ankle_plantarflexor_moment"] < 1.9
        assert 1.0 < table[side]["grf_vertical_first"] < 1.4


def test_exchanged_labels_in_a_real_walk_are_put_right(real_data: Path) -> None:
    folder = real_data / "schreiber2019" / "2014007"
    trial = analyse_trial(folder / "2014007_ST.c3d", folder / "2014007_C5_04.c3d", 65.0)
    assert "exchanged" in found(trial, "Markers")
    assert next(r["rms"] for r in trial.metadata["marker_errors"] if r["marker"] == "all") < 0.02


def test_the_norm_is_of_the_road_as_it_is() -> None:
    """A new marker map or weight moves angles by degrees: the norm is then to be derived anew, not kept."""
    assert f"kinematics: {kinematics_fingerprint()}." in SCHREIBER_TABLE.read_text(encoding="utf-8")
