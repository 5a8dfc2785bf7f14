"""A stranger's labels: the first error says what to do, a draft of a map comes of it, and the draft carries far."""

from __future__ import annotations

import dataclasses
import re

import numpy as np
import pytest

from exogait.analysis.c3d.recording import read_recording
from exogait.analysis.lab import sources, steps
from exogait.analysis.lab.request import make_request
from exogait.analysis.made_up.person import make_synthetic_trial
from exogait.analysis.markers.draft import draft_marker_map
from exogait.analysis.markers.identify import identify
from exogait.analysis.markers.label_report import report_labels
from exogait.analysis.markers.landmarks import LANDMARKS, guess_by_name, guess_landmarks
from exogait.analysis.markers.map import choose_marker_map, read_marker_map
from exogait.data import InputError
from exogait.data.trc import marker_table, write_trc

WORN = ("ASIS", "PSIS", "KNEE", "KNEE_MED", "ANKLE", "ANKLE_MED", "HEEL", "TOE", "C7", "NOTCH", "SHOULDER")


def standing_person(scale: float = 0.9, turn: float = 200.0) -> tuple[list[str], np.ndarray]:
    """Usual landmarks of a smaller person in a laboratory with Z up, and what each of them is."""
    names, places = [], []
    for landmark in LANDMARKS:
        for side in ("r", "l") if landmark.sided else ("",):
            if landmark.name in WORN:
                x, y, z = landmark.standing
                names.append(f"{landmark.name}{side}")
                places.append((x, y, -z if side == "l" else z))
    model = scale * np.array(places) + np.random.default_rng(3).normal(0.0, 0.004, (len(places), 3))
    c, s = np.cos(np.radians(turn)), np.sin(np.radians(turn))
    forward, up, left = model[:, 0], model[:, 1], -model[:, 2]
    lab = np.column_stack([c * forward - s * left + 1.2, s * forward + c * left - 0.4, up])
    return names, np.repeat(lab[None], 5, axis=0)


def test_landmarks_are_found_by_their_places_alone() -> None:
    truth, positions = standing_person()
    guesses = guess_landmarks([f"XA{i:02d}" for i in range(len(truth))], positions)
    assert [f"{guess.landmark.name if guess.landmark else ''}{guess.side}" for guess in guesses] == truth
    assert sum(guess.sure for guess in guesses) > 0.7 * len(truth)


@pytest.mark.parametrize("turn", [0.0, 90.0, 137.0])
def test_it_does_not_matter_where_the_person_faces(turn: float) -> None:
    truth, positions = standing_person(scale=1.05, turn=turn)
    guesses = guess_landmarks([f"Q{i}" for i in range(len(truth))], positions)
    assert [f"{guess.landmark.name if guess.landmark else ''}{guess.side}" for guess in guesses] == truth


def test_a_set_of_the_lower_body_with_devices_at_the_knees_is_read_by_place(real_data) -> None:
    """Without a trunk the size of the person is open: no fit may make a giant whose thighs are at the pelvis."""
    static = read_recording(next((real_data / "clinical_labs" / "MH" / "static").glob("*.c3d")))
    labels = [f"Q{i:02d}" for i in range(len(static.marker_names))]
    found = dict(zip(static.marker_names, guess_landmarks(labels, static.positions), strict=True))
    truth = {"RASI": ("ASIS", "r"), "LASI": ("ASIS", "l"), "RANK": ("ANKLE", "r"), "LANK": ("ANKLE", "l"),
             "RHEE": ("HEEL", "r"), "LHEE": ("HEEL", "l")}  # fmt: skip
    for label, (name, side) in truth.items():
        guess = found[label]
        assert guess.landmark is not None and (guess.landmark.name, guess.side) == (name, side), label


def test_names_in_other_languages_are_read() -> None:
    found = guess_by_name(["Ferse_links", "Knie_außen_rechts", "Talon droit", "RASI", "XA01", "L_FME"])
    assert found["Ferse_links"] == ("HEEL", "l") and found["Talon droit"] == ("HEEL", "r")
    assert found["RASI"] == ("ASIS", "r") and found["L_FME"] == ("KNEE_MED", "l") and "XA01" not in found


def test_a_cloud_that_is_nobody_leaves_everything_open() -> None:
    cloud = np.random.default_rng(0).uniform(0, 1, (1, 12, 3))
    assert not any(guess.sure for guess in guess_landmarks([f"Q{i}" for i in range(12)], cloud))


def test_a_draft_of_names_alone_loads(tmp_path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(draft_marker_map(["Ferse_rechts", "Ferse_links", "no", "Q: 1"], "mine"), encoding="utf-8")
    known = read_marker_map(path)
    assert known.name == "mine" and known.aliases["L_HEEL"] == ("Ferse_links",)
    path.write_text(draft_marker_map(["A", "B"], "mine"), encoding="utf-8")
    assert read_marker_map(path).markers


def test_the_report_names_found_missing_near_and_best() -> None:
    labels = [*read_marker_map("plug_in_gait_lower").labels[:-1], "RTOES", "Extra"]
    report = report_labels(labels, "walk.c3d")
    assert report.best is not None and report.best.key == choose_marker_map(labels).key
    text = str(report)
    assert re.search(r"plug_in_gait_lower +\d+ of \d+; missing: \w+ \(near: ", text)
    assert "best: " in text and "exogait lab maps --show" in text
    assert "no map fits" in str(report_labels(["A", "B"], "walk.c3d"))


def anonymous(path, new=None):
    """A recording with labels that say nothing."""
    recording = read_recording(path)
    new = new or {name: f"XA{i:02d}" for i, name in enumerate(recording.marker_names)}
    return dataclasses.replace(recording, marker_names=tuple(new[name] for name in recording.marker_names)), new


def walk_the_way(static, walk, folder, monkeypatch) -> tuple[steps.Measured, steps.Measured]:
    """From the first error to a cleaned walk, with the laboratory's names and with unknown ones."""
    expected = steps.measure(make_request(static, walk, 70.0))
    _, new = anonymous(static)
    monkeypatch.setattr(sources, "read_recording", lambda path, *, units=None: anonymous(path, new)[0])
    with pytest.raises(InputError) as caught:
        steps.measure(make_request(static, walk, 70.0))
    message = str(caught.value)
    assert f"exogait lab labels '{static}'" in message and f"exogait new marker-map NAME --from '{static}'" in message
    assert "\n" not in message
    standing = anonymous(static, new)[0]
    assert "--draft NAME" in str(report_labels(standing.marker_names, static))
    path = folder / "my_lab.yaml"
    path.write_text(draft_marker_map(standing, "my_lab"), encoding="utf-8")
    return expected, steps.measure(make_request(static, walk, 70.0, marker_map=path))


def test_the_way_of_a_new_user_on_made_up_data(tmp_path, monkeypatch) -> None:
    person = make_synthetic_trial(tmp_path / "person")
    expected, got = walk_the_way(person.static, person.walk, tmp_path, monkeypatch)
    np.testing.assert_array_equal(got.lab.frame.rotation, expected.lab.frame.rotation)
    assert {"heel_r", "heel_l", "toe_r", "toe_l", "asis_r", "asis_l"} <= set(got.identity.roles)
    assert {(e.side, e.kind) for e in got.trial.events} == {(e.side, e.kind) for e in expected.trial.events}


def test_the_way_of_a_new_user_on_a_clinical_walk(real_data, tmp_path, monkeypatch) -> None:
    """Skips where no folder of laboratory data is given."""
    folder = real_data / "clinical_labs/AUC"
    static, walk = folder / "static/CB_Static0001.c3d", folder / "dynamic/CB_Dynamic0003.c3d"
    _, new = anonymous(static)
    expected, got = walk_the_way(static, walk, tmp_path, monkeypatch)
    np.testing.assert_array_equal(got.lab.frame.rotation, expected.lab.frame.rotation)
    for role in ("heel", "asis", "ankle", "ankle_med", "knee", "met5"):
        for side in ("r", "l"):
            if f"{role}_{side}" in expected.identity.roles:
                theirs = new[expected.identity.roles[f"{role}_{side}"][0]]
                assert got.identity.roles[f"{role}_{side}"][0] == theirs
    assert [(e.side, e.kind) for e in got.trial.events] == [(e.side, e.kind) for e in expected.trial.events]


def test_a_prefix_never_hides_a_role() -> None:
    class Recording:
        path = "walk.trc"
        marker_names = tuple(f"Anna:{label}" for label in read_marker_map("plug_in_gait_lower").labels)
        positions = np.zeros((2, len(marker_names), 3))

    identity = identify(Recording(), read_marker_map("plug_in_gait_lower"), {"toe_l": "Anna:LANK"})
    assert identity.roles["heel_r"] == ("Anna:RHEE",) and identity.roles["toe_l"] == ("Anna:LANK",)


def test_the_commands(tmp_path, monkeypatch, capsys) -> None:
    from exogait.cli import lab_labels

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("EXOGAIT_HOME", str(tmp_path))
    truth, positions = standing_person()
    labels = [f"XA{i:02d}" for i in range(len(truth))]
    # A TRC file is in OpenSim's axes: X forward, Y up, Z to the right.
    turned = np.stack([positions[..., 0], positions[..., 2], -positions[..., 1]], axis=-1)
    write_trc(marker_table(np.arange(5) / 100, labels, turned, rate=100.0), tmp_path / "static.trc")
    lab_labels.labels(tmp_path / "static.trc")
    assert "no map fits" in capsys.readouterr().out
    lab_labels.labels(tmp_path / "static.trc", draft=str(tmp_path / "my_lab.yaml"))
    assert "--marker-map" in capsys.readouterr().out
    lab_labels.labels(tmp_path / "static.trc", draft="named")
    assert "--marker-map 'named'" in capsys.readouterr().out
    assert "R_HEEL" in read_marker_map("named").labels
    with pytest.raises(InputError, match="there already"):
        lab_labels.labels(tmp_path / "static.trc", draft=str(tmp_path / "my_lab.yaml"))
    lab_labels.maps(show=str(tmp_path / "my_lab.yaml"))
    assert "R_HEEL" in capsys.readouterr().out
    lab_labels.maps(show="plug_in_gait_medial")
    assert "base: plug_in_gait" in capsys.readouterr().out
