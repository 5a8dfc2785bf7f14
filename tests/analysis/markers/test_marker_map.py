"""Marker maps: every shipped map is sound, a new set is one YAML file, mistakes are named."""

from __future__ import annotations

import numpy as np
import pytest

from exogait.analysis.markers.hip import hip_centre
from exogait.analysis.markers.map import (
    apply_marker_map,
    available_marker_maps,
    choose_marker_map,
    match_labels,
    read_marker_map,
)
from exogait.data import FileFormatError, InputError, UnknownNameError
from exogait.data.trc import marker_array, marker_labels, marker_table

BODIES = {"pelvis", "torso"} | {
    f"{name}_{side}" for name in ("femur", "tibia", "talus", "calcn", "toes") for side in "rl"
}

MINIMAL = """
name: My laboratory
sides: [R_, L_]
aliases: {R_ASIS: [RASI]}
markers:
  R_ASIS: [pelvis, 0.01, 0.02, 0.128, 10]
  R_PSIS: [pelvis, -0.155, 0.035, 0.045, 10]
  R_THIGH: femur_r
  R_KNEE: [femur_r, 0, -0.404, 0.05, 10]
  R_SHANK: tibia_r
  R_ANKLE: [tibia_r, -0.005, -0.41, 0.053, 10]
  R_HEEL: [calcn_r, -0.025, 0.02, -0.005, 10]
  R_TOE: [calcn_r, 0.17, 0.03, 0.006, 10]
  CHEST: [torso, 0.07, 0.3, 0, 1, 0.5]
virtual:
  R_HIP: {harrington: [R_ASIS, L_ASIS, R_PSIS, L_PSIS], at: [femur_r, 0, 0, 0]}
scale:
  pelvis: [[R_ASIS, L_ASIS]]
  thigh: [[R_HIP, R_KNEE]]
  shank: {y: [[R_KNEE, R_ANKLE]]}
hold: [subtalar_angle, mtp_angle]
"""


@pytest.fixture
def write(tmp_path):
    def make(text: str):
        path = tmp_path / "my_lab.yaml"
        path.write_text(text)
        return path

    return make


@pytest.mark.parametrize("name", available_marker_maps())
def test_every_shipped_map_is_sound(name):
    marker_map = read_marker_map(name)
    assert marker_map.name and marker_map.source
    assert {marker.body for marker in marker_map.markers.values()} <= BODIES
    segments = {measurement.segment for measurement in marker_map.measurements}
    assert {"pelvis", "thigh", "shank", "foot"} <= segments
    sides = {marker.body[-2:] for marker in marker_map.markers.values()}
    assert {"_r", "_l"} <= sides
    for marker in marker_map.markers.values():
        assert marker.weight >= 0 and marker.static_weight >= 0
        if marker.location is not None:
            assert np.abs(marker.location).max() < 0.7


def test_the_left_side_is_the_mirror_image(write):
    marker_map = read_marker_map(write(MINIMAL))
    right, left = marker_map.markers["R_KNEE"], marker_map.markers["L_KNEE"]
    assert left.body == "femur_l" and left.location == (0.0, -0.404, -0.05) and left.weight == right.weight == 10
    assert marker_map.markers["L_THIGH"].location is None and marker_map.markers["L_THIGH"].static_weight == 0
    assert marker_map.markers["CHEST"].static_weight == 1 and marker_map.markers["CHEST"].weight == 0.5
    assert "L_HIP" in marker_map.virtual and marker_map.virtual["L_HIP"].body == "femur_l"
    pairs = {m.segment: m.pairs for m in marker_map.measurements}
    assert pairs["thigh"] == (("R_HIP", "R_KNEE"), ("L_HIP", "L_KNEE")) and pairs["pelvis"] == (("R_ASIS", "L_ASIS"),)
    assert {m.segment: m.axes for m in marker_map.measurements}["shank"] == "Y"


def test_labels_match_through_prefix_alias_and_case(write):
    marker_map = read_marker_map(write(MINIMAL))
    match = match_labels(marker_map, ["Subject:RASI", "l_asis", "R_KNEE", "R_KNE", "LHipAngles"])
    assert match.found == {"R_ASIS": "Subject:RASI", "R_KNEE": "R_KNEE", "L_ASIS": "l_asis"}
    assert match.unmapped == ("R_KNE", "LHipAngles")
    text = match.describe()
    assert "missing markers" in text and "labels not used: R_KNE, LHipAngles" in text


def test_missing_markers_come_with_the_nearest_candidates(write):
    match = match_labels(read_marker_map(write(MINIMAL)), ["R_KNE", "R_ANK"])
    assert match.missing["R_KNEE"][0] == "R_KNE" and "R_ANK" in match.missing["R_ANKLE"]
    assert "R_KNEE (near: R_KNE" in match.describe()


def test_hip_centres_of_a_known_pelvis():
    asis = np.array([[0.0, 1.0, 0.12]]), np.array([[0.0, 1.0, -0.12]])
    psis = np.array([[-0.15, 1.0, 0.0]])
    right = hip_centre(*asis, psis, right=True)[0]
    expected = [-0.24 * 0.15 - 0.0099, 1.0 - 0.30 * 0.24 - 0.0109, 0.33 * 0.24 + 0.0073]
    assert np.allclose(right, expected, atol=1e-12)
    left = hip_centre(*asis, psis, right=False)[0]
    assert np.allclose(left, [right[0], right[1], -right[2]], atol=1e-12)


def test_hip_centres_turn_with_the_pelvis():
    rng = np.random.default_rng(0)
    turn, _ = np.linalg.qr(rng.standard_normal((3, 3)))
    turn *= np.sign(np.linalg.det(turn))
    points = [np.array([[0.0, 1.0, 0.12]]), np.array([[0.0, 1.0, -0.12]]), np.array([[-0.15, 1.02, 0.0]])]
    still = hip_centre(*points, right=True)
    turned = hip_centre(*(point @ turn.T for point in points), right=True)
    assert np.allclose(turned, still @ turn.T, atol=1e-12)


def test_apply_renames_drops_and_adds(write):
    marker_map = read_marker_map(write(MINIMAL))
    labels = ["RASI", "L_ASIS", "R_PSIS", "L_PSIS", "Junk", "R_KNEE"]
    positions = np.random.default_rng(1).standard_normal((4, 6, 3))
    positions[:, 5] = np.nan
    mapped = apply_marker_map(marker_map, marker_table(np.arange(4) / 100, labels, positions))
    assert marker_labels(mapped) == ["R_ASIS", "R_PSIS", "L_ASIS", "L_PSIS", "R_HIP", "L_HIP"]
    assert np.array_equal(marker_array(mapped, ["R_ASIS"])[:, 0], positions[:, 0])


@pytest.mark.parametrize(
    ("old", "new", "error", "message"),
    [
        ("markers:", "marker:", UnknownNameError, "did you mean markers"),
        ("R_KNEE: [femur_r, 0, -0.404, 0.05, 10]", "R_KNEE: [femur_r, 0, dog, 0.05]", FileFormatError, "marker R_KNEE"),
        ("thigh: [[R_HIP, R_KNEE]]", "thigh: [[R_HIP, R_KNE]]", UnknownNameError, "did you mean R_KNEE"),
        ("thigh: [[", "thigs: [[", UnknownNameError, "did you mean thigh"),
        (
            "harrington: [R_ASIS, L_ASIS, R_PSIS, L_PSIS]",
            "harrington: [R_ASIS]",
            FileFormatError,
            "virtual marker R_HIP",
        ),
        ("sides: [R_, L_]", "sides: R_", FileFormatError, "sides"),
        ("name: My", "name: [My", FileFormatError, "malformed YAML"),
        ("name: My laboratory", "base: nowhere", UnknownNameError, "base map"),
    ],
)
def test_mistakes_are_named(write, old, new, error, message):
    assert old in MINIMAL
    with pytest.raises(error, match=message) as caught:
        read_marker_map(write(MINIMAL.replace(old, new)))
    assert "\n" not in str(caught.value) and "my_lab.yaml" in str(caught.value)


def test_unknown_maps_and_label_sets():
    with pytest.raises(UnknownNameError, match="plug_in_gait"):
        read_marker_map("plugin_gait")
    with pytest.raises(InputError, match="20 lines"):
        choose_marker_map(["A", "B", "C"])


def test_stated_aliases_win_over_mirrored_ones(write):
    """A laboratory whose names do not begin with the side, or not with the map's word for it."""
    text = MINIMAL.replace(
        "aliases: {R_ASIS: [RASI]}",
        "aliases: {L_HEEL: [Ferse_links], R_HEEL: [Ferse_rechts], R_TOE: [R_ZEH], R_KNEE: [R_KNIE], L_KNEE: [KNIE_L]}",
    )
    marker_map = read_marker_map(write(text))
    assert marker_map.aliases["R_HEEL"] == ("Ferse_rechts",) and marker_map.aliases["L_HEEL"] == ("Ferse_links",)
    assert marker_map.aliases["L_TOE"] == ("L_ZEH",)
    assert marker_map.aliases["L_KNEE"] == ("KNIE_L",)
    match = match_labels(marker_map, ["Ferse_rechts", "Ferse_links", "L_ZEH", "KNIE_L"])
    assert match.found == {
        "R_HEEL": "Ferse_rechts", "L_HEEL": "Ferse_links", "L_TOE": "L_ZEH", "L_KNEE": "KNIE_L"
    }  # fmt: skip


def test_a_marker_without_twin_may_have_aliases(write):
    text = MINIMAL.replace("aliases: {R_ASIS: [RASI]}", "aliases: {R_THIGH: [Q7]}")
    text = text.replace("  R_THIGH: femur_r\n", "  R_THIGH: femur_r\n  L_THIGH: ~\n")
    marker_map = read_marker_map(write(text))
    assert marker_map.aliases == {"R_THIGH": ("Q7",)} and "L_THIGH" not in marker_map.markers


def test_a_base_can_be_changed_and_entries_taken_away(write):
    path = write("name: Mine\nbase: plug_in_gait\nmarkers: {RTHI: ~, RXXX: femur_r}\n")
    marker_map = read_marker_map(path)
    assert {"RXXX", "LXXX", "RASI"} <= set(marker_map.markers) and not {"RTHI", "LTHI"} & set(marker_map.markers)
    assert "RBAK" in marker_map.markers and "LBAK" not in marker_map.markers


EXPECTED = {
    "schreiber2019/2014001/2014001_ST.c3d": "schreiber2019",
    "biomechzoo_children/HC002D/static/HC002D02.c3d": "oxford_foot",
    "btkdata_gait/PiG_Calibration3_FF.c3d": "plug_in_gait_lower",
    "btkdata_gait/PiG_Calibration-FlatFoot-Full.c3d": "plug_in_gait",
    "btkdata_gait/FunctionalStatic.c3d": "btk_functional",
    "clinical_labs/AUC/static/CB_Static0001.c3d": "auc",
    "clinical_labs/MH/static/MH_Cal 01.c3d": "plug_in_gait_kad",
    "clinical_labs/QCMAS/static/QCMAS.static.c3d": "plug_in_gait_medial",
    "clinical_labs/Sydney/static/S4 AM Cal 01.c3d": "plug_in_gait_kad",
    "stroke_vancriekinge2023/trc/TVC03_1.trc": "plug_in_gait_lower",
    "opensim_models/gait2392/subject01/subject01_static.trc": "gait2392",
    "opensim_walking_adult/markers_walk.trc": "opensim_walking_adult",
    "trcmot_opencap_subject4/MarkerData/static1.trc": "opencap",
}


@pytest.mark.parametrize("file", EXPECTED)
def test_the_right_map_is_chosen_for_every_laboratory(real_data, file):
    from exogait.analysis.c3d.reader import read_c3d
    from exogait.data.trc import read_trc

    path = real_data / file
    labels = marker_labels(read_trc(path)) if path.suffix == ".trc" else read_c3d(path).marker_names
    assert choose_marker_map(labels).key == EXPECTED[file]
