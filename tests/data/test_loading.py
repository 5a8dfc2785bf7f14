"""Folders and XML of strangers: bounded in depth and number, never a device, one line about what is wrong."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from exogait.data.errors import FileFormatError
from exogait.data.loading import entries_below, read_xml
from exogait.data.storage import clock_step


def test_a_folder_is_looked_at_to_a_depth_and_a_number(tmp_path: Path) -> None:
    for name in ("a/b/c/deep.trc", "a/b/x.trc", "a/y.trc", "z.trc"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert [path.name for path in entries_below(tmp_path)] == ["deep.trc", "x.trc", "y.trc", "z.trc"]
    assert [path.name for path in entries_below(tmp_path, depth=3)] == ["x.trc", "y.trc", "z.trc"]
    assert [path.name for path in entries_below(tmp_path, enter=lambda p: p.name != "b")] == ["b", "y.trc", "z.trc"]
    assert len(list(entries_below(tmp_path, most=7))) == 4
    with pytest.raises(FileFormatError, match="more than 6 files and folders"):
        list(entries_below(tmp_path, most=6))


def test_links_that_turn_come_to_an_end(tmp_path: Path) -> None:
    (tmp_path / "again").symlink_to(tmp_path)
    (tmp_path / "w.trc").touch()
    assert [path.name for path in entries_below(tmp_path, depth=3)] == ["w.trc"] * 3


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"<a><b></a>", "is no XML"), (b"", "is no XML"), (b"\xff\xfe<", "is no XML"),
        (b"<?xml version='1.0' encoding='klingon'?><a/>", "is no XML"),
        (b"<!DOCTYPE a [" + b"".join(b"<!ENTITY e%d '%s'>" % (k + 1, b"&e%d;" % k * 10) for k in range(12))
         + b"]><a>&e12;</a>", "is no XML"),
    ],
)  # fmt: skip
def test_xml_that_is_none_is_one_line(content: bytes, words: str, tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_bytes(content)
    with pytest.raises(FileFormatError, match=words) as caught:
        read_xml(tmp_path / "a.xml", "export it again")
    assert "\n" not in str(caught.value)


def test_a_pipe_and_nothing_are_no_xml(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.xml")
    with pytest.raises(FileFormatError, match="a device or a pipe"):
        read_xml(tmp_path / "pipe.xml", "")
    with pytest.raises(FileFormatError, match="no such file"):
        read_xml(tmp_path / "none.xml", "")


@pytest.mark.parametrize(
    "time",
    [
        [0.0], [0.0, 0.0, 0.0], [0.0, 0.01, 0.005], [0.0, np.nan, 0.02], [0.0, 0.01, np.inf], [0.0, 1e-300, 1e-299],
        [0.0, 10.0, 20.0], [0.0, 0.01, 0.02, 1e9],
    ],
)  # fmt: skip
def test_a_clock_that_no_measurement_has_is_refused(time: list[float]) -> None:
    with pytest.raises(FileFormatError, match=r"walk\.mot"):
        clock_step(np.array(time), "walk.mot")


def test_a_clock_may_have_holes_and_any_usual_rate() -> None:
    assert clock_step(np.array([3.0, 3.01, 3.02, 3.5]), "") == pytest.approx(0.01)
    for rate in (1.0, 50.0, 1e5):
        assert clock_step(np.arange(5) / rate, "") == pytest.approx(1 / rate)
