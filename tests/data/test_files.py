"""Files are there whole or not at all, with ordinary permissions and nothing left beside them."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from exogait.data.errors import FileFormatError
from exogait.data.files import write_bytes_atomic, write_text_atomic, written_beside


def test_text_and_bytes_arrive_and_nothing_stays_beside(tmp_path: Path) -> None:
    assert write_text_atomic(tmp_path / "a.json", "{}\n").read_text() == "{}\n"
    assert write_text_atomic(tmp_path / "a.json", "µ\n").read_bytes() == "µ\n".encode()
    assert write_bytes_atomic(tmp_path / "b", b"\x00\x01").read_bytes() == b"\x00\x01"
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a.json", "b"]


def test_a_failure_leaves_the_old_file_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(RuntimeError, match="power cut"), written_beside(path) as beside:
        beside.write_text("half of the n")
        assert path.read_text() == "old"
        raise RuntimeError("power cut")
    assert path.read_text() == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["a.txt"]


def test_the_name_beside_keeps_folder_and_ending(tmp_path: Path) -> None:
    with written_beside(tmp_path / "model.osim") as beside:
        assert beside.parent == tmp_path and beside.suffix == ".osim"
        with written_beside(tmp_path / "model.osim") as other:
            assert other != beside


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
@pytest.mark.parametrize("mask", [0o022, 0o077])
def test_permissions_are_those_of_any_new_file(tmp_path: Path, mask: int) -> None:
    before = os.umask(mask)
    try:
        path = write_text_atomic(tmp_path / "a.txt", "x")
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o666 & ~mask


def test_a_missing_folder_is_said_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(FileFormatError, match=r"nowhere/a\.txt: cannot be written \(.*\); make the folder first$"):
        write_text_atomic(tmp_path / "nowhere" / "a.txt", "x")
