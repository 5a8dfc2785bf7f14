"""Points computed from markers: the medial end of the knee's axis, and which of two ways to it counts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from exogait.analysis.markers.map import SEGMENT_WEIGHTS, apply_marker_map, read_marker_map
from exogait.analysis.markers.points import KNEE_HALF_WIDTH, medial_knee
from exogait.data.errors import FileFormatError, UnknownNameError
from exogait.data.trc import marker_array, marker_labels, marker_table

TURN_DEG = 25.0
HIP, CENTRE = np.array([0.1, 0.9, 0.1]), np.array([0.1, 0.5, 0.1])
OUTWARD = np.array([-np.sin(np.radians(TURN_DEG)), 0.0, np.cos(np.radians(TURN_DEG))])
"""The axis of a right knee whose thigh is turned outwards."""


def leg() -> dict[str, np.ndarray]:
    """Hip centre, both ends of the knee's axis, a wand in its plane and the lateral end of an alignment device."""
    # The lateral marker stands half a width from the centre, measured on the line from hip to marker.
    half = KNEE_HALF_WIDTH * 0.4 / np.sqrt(1 - KNEE_HALF_WIDTH**2)
    return {
        "hip": HIP, "lateral": CENTRE + half * OUTWARD, "medial": CENTRE - half * OUTWARD,
        "wand": CENTRE + 0.15 * OUTWARD + 0.2 * (HIP - CENTRE), "device": CENTRE + 0.15 * OUTWARD,
    }  # fmt: skip


@pytest.mark.parametrize(("beside", "in_plane"), [("wand", True), ("device", False)])
def test_the_medial_end_of_a_known_axis_comes_back(beside: str, in_plane: bool):
    points = leg()
    found = medial_knee(points["hip"], points["lateral"], points[beside], in_plane=in_plane)
    np.testing.assert_allclose(found, points["medial"], atol=1e-12)


def static_of(*extra: str):
    """Table of a standing right and left leg with the labels of the Conventional Gait Model."""
    points = leg()
    right = {"RASI": (0.2, 1.0, 0.12), "RPSI": (0.0, 1.0, 0.05), "RKNE": points["lateral"], "RTHI": points["wand"]}
    right |= {name: points["medial"] + (0.0, 0.01, 0.0) for name in extra if name == "RKNM"}
    places = {name: np.array(place, float) for name, place in right.items()}
    places |= {"L" + name[1:]: place * (1, 1, -1) for name, place in places.items()}
    return marker_table([0.0, 0.01], list(places), np.stack([list(places.values())] * 2), rate=100.0)


def test_a_medial_marker_takes_the_place_of_the_wand():
    marker_map = read_marker_map("plug_in_gait")
    assert {"RKNW", "LKNW"} <= set(marker_labels(apply_marker_map(marker_map, static_of())))
    assert not {"RKNW", "LKNW"} & set(marker_labels(apply_marker_map(marker_map, static_of("RKNM"))))


def test_a_base_restated_in_another_order_loses_no_point():
    """The Oxford set states its hip centre anew, from the sacrum: the point that is made of it still comes after it."""
    table = static_of()
    places = dict(zip(marker_labels(table), marker_array(table)[0], strict=True))
    places["SACR"] = 0.5 * (places.pop("RPSI") + places.pop("LPSI"))
    array = np.stack([list(places.values())] * 2)
    oxford = apply_marker_map(
        read_marker_map("oxford_foot"), marker_table([0.0, 0.01], list(places), array, rate=100.0)
    )
    assert {"RHJC", "LHJC", "RKNW", "LKNW"} <= set(marker_labels(oxford))


def test_left_and_right_are_mirror_images():
    table = apply_marker_map(read_marker_map("plug_in_gait"), static_of())
    right, left = marker_array(table, ["RKNW", "LKNW"])[0]
    np.testing.assert_allclose(left, right * (1, 1, -1), atol=1e-12)


def test_weights_fall_from_the_pelvis_to_the_foot_unless_the_map_says_otherwise(tmp_path: Path):
    marker_map = read_marker_map("plug_in_gait")
    weights = [marker_map.walking_weight(label) for label in ("RASI", "RKNE", "RANK", "RHEE")]
    assert weights == [10 * SEGMENT_WEIGHTS[s] for s in ("pelvis", "thigh", "shank")] + [10]
    published = read_marker_map("gait2392")
    assert published.walking_weight("R.ASIS") == published.markers["R.ASIS"].weight
    own = tmp_path / "own.yaml"
    own.write_text("base: plug_in_gait\nweights: {shank: 7}\n")
    assert [read_marker_map(own).walking_weight(label) for label in ("RASI", "RANK")] == [10, 70]


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("weights: {knee: 2}", UnknownNameError),
        ("weights: {foot: 0}", FileFormatError),
        ("virtual: {RX: {thigh_wand: [RKNE, RTHI], at: [femur_r, 0, 0, 0]}}", FileFormatError),
        ("virtual: {RX: {knee_axis: [RHJC, RKNE, NOBODY], at: [femur_r, 0, 0, 0]}}", UnknownNameError),
    ],
)
def test_maps_that_cannot_be_meant(tmp_path: Path, text: str, error: type[Exception]):
    path = tmp_path / "wrong.yaml"
    path.write_text(f"base: plug_in_gait\n{text}\n")
    with pytest.raises(error):
        read_marker_map(path)
