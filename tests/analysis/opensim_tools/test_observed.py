"""A joint is reported where its segments have their points, and else the labels that are missing are named."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from exogait.analysis.lab import sources
from exogait.analysis.lab.pipeline import analyse
from exogait.analysis.markers.map import available_marker_maps, read_marker_map
from exogait.analysis.opensim_tools.observed import unobserved_joints
from exogait.data.quality import quality_rows
from exogait.models import build

LEG = ("hip_flexion", "hip_adduction", "hip_rotation", "knee_angle", "ankle_angle")
TRUNK = {"lumbar_extension", "lumbar_bending", "lumbar_rotation"}


@pytest.fixture(scope="module")
def model():
    built = build(contact=False)
    built.initSystem()
    return built


@pytest.mark.parametrize("name", available_marker_maps())
def test_the_known_sets_show_both_legs(model, name: str):
    marker_map = read_marker_map(name)
    trunk = any(marker.body == "torso" for marker in marker_map.markers.values())
    assert set(unobserved_joints(model, marker_map, marker_map.markers)) == (set() if trunk else TRUNK)


@pytest.mark.parametrize(
    ("gone", "lost"),
    [
        (("RKNE", "RANK", "RHEE"), {f"{joint}_r" for joint in LEG}),
        (("RKNE",), {f"{joint}_r" for joint in LEG}),  # the wand and the hip are two points of the thigh
        (("RTIB",), set()),  # ankle, knee centre and the knee's hinge
        (("RTIB", "RANK"), {"knee_angle_r", "ankle_angle_r"}),
        (("RHEE",), set()),
        (("RHEE", "RTOE"), {"ankle_angle_r"}),
        (("RASI", "LASI"), set()),  # both posterior spines and the sacrum are three points
    ],
)
def test_what_missing_markers_hide(model, gone: tuple[str, ...], lost: set[str]):
    marker_map = read_marker_map("plug_in_gait")
    found = unobserved_joints(model, marker_map, set(marker_map.markers) - set(gone))
    assert set(found) == lost
    for coordinate in lost & {"hip_flexion_r"}:
        assert found[coordinate] == ("RKNE",)


def test_a_knee_that_no_marker_saw_is_blank(real_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A walk without knee, ankle and heel markers of the right leg: left curves stay, right ones say why not."""
    read = sources.read_recording

    def without(path, **options):
        recording = read(path, **options)
        if "dynamic" not in str(path):
            return recording
        names = tuple(f"{n}_" if n in ("RKNE", "RANK", "RHEE") else n for n in recording.marker_names)
        return replace(recording, marker_names=names)

    monkeypatch.setattr(sources, "read_recording", without)
    folder = real_data / "clinical_labs/QCMAS"
    found = analyse(
        folder / "static/QCMAS.static.c3d", folder / "dynamic/QCMAS.dynamic.c3d", 70.2, out=tmp_path, keep_steps=False
    )
    angles = found.trial.coordinates
    assert angles is not None
    assert angles[[f"{joint}_r" for joint in LEG]].isna().all().all()
    assert angles[[f"{joint}_l" for joint in LEG]].notna().all().all()
    rows = [row for row in quality_rows(found.trial) if row.topic == "Joints" and row.verdict == "fail"]
    assert any("knee_angle_r" in row.what and "RANK, RKNE" in row.found for row in rows)
