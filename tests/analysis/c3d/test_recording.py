"""One fact, two sources: the time column against the header, whose markers, which unit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from exogait.analysis.c3d.reader import C3DFile
from exogait.analysis.c3d.recording import read_recording
from exogait.analysis.c3d.subjects import only_subject
from exogait.analysis.c3d.units import force_scale, moment_scale
from exogait.data import FileFormatError, marker_table, write_trc


def trc(path: Path, time: np.ndarray, rate: float) -> Path:
    positions = np.stack([time, 0 * time, 0 * time + 1], axis=1)[:, None]
    write_trc(marker_table(time, ["heel"], positions, rate=rate), path)
    return path


def test_the_time_column_counts_and_a_wrong_header_is_told(tmp_path: Path) -> None:
    recording = read_recording(trc(tmp_path / "walk.trc", np.arange(50) / 100.0, 60.0))
    assert recording.point_rate == pytest.approx(100.0)
    assert any("DataRate is 60 Hz" in note for note in recording.warnings)


def test_missing_rows_are_a_gap_at_their_place(tmp_path: Path) -> None:
    time = np.delete(np.arange(60) / 100.0 + 3.0, np.arange(20, 40))
    recording = read_recording(trc(tmp_path / "walk.trc", time, 100.0))
    assert recording.n_frames == 60 and recording.point_rate == 100.0
    unseen = np.isnan(recording.positions).any(axis=(1, 2))
    assert np.flatnonzero(unseen).tolist() == list(range(20, 40))
    assert recording.positions[45, 0, 0] == pytest.approx(3.45)
    assert any("20 rows are missing" in note for note in recording.warnings)


def test_a_true_header_with_rounded_times_stays(tmp_path: Path) -> None:
    recording = read_recording(trc(tmp_path / "walk.trc", np.round(np.arange(100) / 120.0, 3), 120.0))
    assert recording.point_rate == 120.0 and recording.n_frames == 100 and recording.warnings == ()


def people(*who: str) -> C3DFile:
    names = tuple(f"{name}:{label}" for name in who for label in "abcdef")
    positions = np.arange(len(names), dtype=float)[None, :, None] * np.ones((3, 1, 3))
    return C3DFile(
        path="walk.c3d", marker_names=names, positions=positions, residuals=positions[..., 0], output_names=(),
        outputs=np.zeros((3, 0, 3)), analog_names=(), analog=np.zeros((0, 0)), analog_units=(), point_rate=100.0,
        analog_rate=0.0, first_frame=1, events=(), platforms=(), parameters={}, units="m", processor="text",
        warnings=(),
    )  # fmt: skip


def test_of_two_people_the_one_that_was_named_counts() -> None:
    chosen = only_subject(people("P2", "P1"), ["anna", "P1"])
    assert chosen.marker_names == tuple("abcdef") and chosen.positions[0, 0, 0] == 6.0 and chosen.subject == "P1"
    with pytest.raises(FileFormatError, match=r"2 subjects, P2, P1.*--subject P2"):
        only_subject(people("P2", "P1"), ["anna", ""])


@pytest.mark.parametrize(
    ("text", "scale"),
    [("N", 1.0), ("kN", 1e3), ("lbf", 4.4482216), ("pounds", 4.4482216), ("kgf", 9.80665), ("V", None), ("", None)],
)
def test_units_of_force(text: str, scale: float | None) -> None:
    assert force_scale(text) == (scale if scale is None else pytest.approx(scale))


@pytest.mark.parametrize(
    ("text", "scale"),
    [
        ("Nmm", 1e-3), ("N.m", 1.0), ("Ncm", 1e-2), ("Newton-meter", 1.0), ("kNm", 1e3), ("in-lbf", 0.112984829),
        ("ft-lb", 1.355817948), ("uV", None),
    ],
)  # fmt: skip
def test_units_of_moment(text: str, scale: float | None) -> None:
    assert moment_scale(text) == (scale if scale is None else pytest.approx(scale))
