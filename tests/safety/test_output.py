"""A folder that is not ours stays as it is: lists, clashes, locks, full disks."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from exogait.data import OutputError, output_file, output_folder, write_csv, write_text_atomic
from exogait.data.output import is_ours, owner_of, place_beside, remove_ours
from exogait.data.output.folder import MANIFEST
from exogait.data.output.lock import LOCK

HOLD = """
import sys, time
from exogait.data import output_folder
with output_folder(sys.argv[1], "exogait test"):
    print("open", flush=True)
    time.sleep(60)
"""
RACE = """
import sys, time
from exogait.data import OutputError, output_folder, write_text_atomic
try:
    with output_folder(sys.argv[1], "exogait race"):
        write_text_atomic(sys.argv[1] + "/who.txt", sys.argv[2])
        time.sleep(1.0)
except OutputError as error:
    print(error)
    raise SystemExit(2)
"""
FULL = """
import resource, signal, sys
from exogait.data import output_folder, write_text_atomic
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000))
with output_folder(sys.argv[1], "exogait test"):
    write_text_atomic(sys.argv[1] + "/report.html", "new" * 100000)
"""


def write(folder: Path, name: str, text: str) -> None:
    with output_folder(folder, "exogait test"):
        write_text_atomic(folder / name, text)


def python(code: str, *args: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code, *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    process = python(HOLD, str(tmp_path))
    assert process.stdout is not None and process.stdout.readline() == "open\n"
    yield process
    process.kill()
    process.wait()


# ---- what is ours ----------------------------------------------------------------------------------------------------


def test_what_we_wrote_is_replaced_and_a_strangers_file_is_not(tmp_path: Path) -> None:
    write(tmp_path, "report.html", "first")
    write(tmp_path, "report.html", "second")
    assert (tmp_path / "report.html").read_text() == "second"
    (tmp_path / "events.csv").write_text("mine")
    with pytest.raises(OutputError, match=r"events\.csv: is there already and is not on the list"):
        write(tmp_path, "events.csv", "ours")
    assert (tmp_path / "events.csv").read_text() == "mine"
    assert is_ours(tmp_path / "report.html") and not is_ours(tmp_path / "events.csv")


def test_a_file_that_the_user_changed_is_the_users(tmp_path: Path) -> None:
    write(tmp_path, "events.csv", "ours")
    (tmp_path / "events.csv").write_text("corrected by hand")
    with pytest.raises(OutputError, match=r"events\.csv: was changed after exogait wrote it; move or rename it"):
        write(tmp_path, "events.csv", "ours again")
    assert (tmp_path / "events.csv").read_text() == "corrected by hand"


def test_a_taken_name_is_refused_before_any_work(tmp_path: Path) -> None:
    (tmp_path / "report.html").mkdir()
    with pytest.raises(OutputError, match=r"report\.html: is a folder where a file"):
        with output_folder(tmp_path, "exogait test", expects=["report.html"]):
            pytest.fail("the work began")
    (tmp_path / "film.gif").write_text("mine")
    with pytest.raises(OutputError, match=r"film\.gif: is there already"):
        with output_file(tmp_path / "film.gif", "exogait video"):
            pytest.fail("the work began")
    assert not (tmp_path / LOCK).exists()


def test_a_staged_folder_keeps_a_users_thesis_and_forgets_our_old_files(tmp_path: Path) -> None:
    place = tmp_path / "opensim"
    for name in ("old", "new"):
        with output_folder(tmp_path, "exogait test") as folder, folder.staged("opensim") as stage:
            (stage / f"{name}.osim").write_text(name)
            (stage / "README.txt").write_text(name)
        if name == "old":
            (place / "thesis.osim").write_text("three years of work")
    assert sorted(path.name for path in place.iterdir()) == ["README.txt", "new.osim", "thesis.osim"]
    assert (place / "thesis.osim").read_text() == "three years of work"
    assert (place / "README.txt").read_text() == "new"
    assert sorted(path.name for path in tmp_path.iterdir()) == [MANIFEST, "opensim"]


def test_of_a_staged_folder_nothing_is_placed_where_one_name_is_taken(tmp_path: Path) -> None:
    (tmp_path / "opensim").mkdir()
    (tmp_path / "opensim" / "b.mot").write_text("mine")
    with pytest.raises(OutputError, match=r"opensim/b\.mot: is there already"):
        with output_folder(tmp_path, "exogait test") as folder, folder.staged("opensim") as stage:
            for name in ("a.mot", "b.mot"):
                (stage / name).write_text("ours")
    assert [path.name for path in (tmp_path / "opensim").iterdir()] == ["b.mot"]
    assert (tmp_path / "opensim" / "b.mot").read_text() == "mine"


def test_a_folder_that_is_ours_as_a_whole_was_made_by_us(tmp_path: Path) -> None:
    (tmp_path / ".steps").mkdir()
    (tmp_path / ".steps" / "notes.txt").write_text("mine")
    with pytest.raises(OutputError, match=r"\.steps: is there already and was not made by exogait"):
        with output_folder(tmp_path, "exogait test") as folder:
            folder.whole(".steps")
    with output_folder(tmp_path, "exogait test") as folder:
        (folder.whole("work") / "anything").write_text("free")
        write_text_atomic(tmp_path / "work" / "anything", "free again")


def test_removing_ours_leaves_the_rest(tmp_path: Path) -> None:
    write(tmp_path, "report.html", "ours")
    write(tmp_path, "events.csv", "ours")
    with output_folder(tmp_path, "exogait test") as folder:
        (folder.whole("arm") / "checkpoint.npz").write_text("ours")
    (tmp_path / "events.csv").write_text("changed")
    (tmp_path / "notes.txt").write_text("mine")
    remove_ours(tmp_path, "exogait test")
    assert sorted(path.name for path in tmp_path.iterdir()) == [MANIFEST, "events.csv", "notes.txt"]


@pytest.mark.parametrize("name", ["../notes.txt", "/etc/hostname", "a/../../notes.txt", "", ".", "c:/notes.txt"])
def test_a_strangers_list_reaches_nothing_outside(tmp_path: Path, name: str) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    inside = tmp_path / "out"
    inside.mkdir()
    (inside / "own.txt").write_text("mine")
    content = {"format": "exogait output 1", "files": {name: None}, "folders": [name]}
    (inside / MANIFEST).write_text(json.dumps(content))
    remove_ours(inside, "exogait test")
    assert (tmp_path / "notes.txt").exists() and (inside / "own.txt").exists()


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"format": "exogait output 1", "files": 3}', "\x00"])
def test_a_damaged_list_makes_nothing_ours(tmp_path: Path, text: str) -> None:
    write(tmp_path, "report.html", "ours")
    (tmp_path / MANIFEST).write_text(text)
    with pytest.raises(OutputError, match=r"report\.html: is there already"):
        write(tmp_path, "report.html", "new")


def test_a_file_is_on_the_list_before_it_takes_its_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, "report.html", "first")
    real = os.replace

    def dies(source: Path, target: Path) -> None:
        real(source, target)
        if Path(target).name == "report.html":
            raise KeyboardInterrupt  # nothing of ours runs after this point

    monkeypatch.setattr(os, "replace", dies)
    with pytest.raises(KeyboardInterrupt):
        write(tmp_path, "report.html", "second")
    monkeypatch.undo()
    write(tmp_path, "report.html", "third")
    assert (tmp_path / "report.html").read_text() == "third"


# ---- one writer at a time --------------------------------------------------------------------------------------------


def test_a_second_process_is_refused_with_the_first_ones_number(tmp_path: Path, holder: subprocess.Popen[str]) -> None:
    with pytest.raises(OutputError, match=rf"process {holder.pid} on .* \(exogait test\) writes into it") as caught:
        write(tmp_path, "report.html", "new")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_the_lock_of_a_dead_process_is_passed_over(
    tmp_path: Path, holder: subprocess.Popen[str], how: signal.Signals
) -> None:
    holder.send_signal(how)
    holder.wait()
    assert (tmp_path / LOCK).exists()
    write(tmp_path, "report.html", "new")
    assert not (tmp_path / LOCK).exists()


def test_what_a_killed_process_had_not_finished_goes_with_the_next(
    tmp_path: Path, holder: subprocess.Popen[str]
) -> None:
    (tmp_path / "deep" / "elsewhere").mkdir(parents=True)
    (tmp_path / "deep" / "elsewhere" / LOCK).write_text("another's")
    half = [place_beside(tmp_path / "report.html"), place_beside(tmp_path / "deep" / "metrics.csv")]
    kept = [tmp_path / ".notes-0a1b2c3d.txt", place_beside(tmp_path / "deep" / "elsewhere" / "film.gif")]
    for path in (*half, *kept):
        path.write_text("half")
    stage = place_beside(tmp_path / "opensim")
    stage.mkdir()
    (stage / "model.osim").write_text("half")
    holder.kill()
    holder.wait()
    write(tmp_path, "report.html", "new")
    assert not any(path.exists() for path in (*half, stage)) and all(path.exists() for path in kept)


def test_a_number_that_came_again_is_another_process(tmp_path: Path) -> None:
    with output_folder(tmp_path, "exogait test"):
        lock = json.loads((tmp_path / LOCK).read_text())
    (tmp_path / LOCK).write_text(json.dumps({**lock, "began": "1"}))
    write(tmp_path, "report.html", "new")
    (tmp_path / LOCK).write_text("damaged")
    write(tmp_path, "report.html", "new")
    (tmp_path / LOCK).write_text(json.dumps({**lock, "host": "another-machine"}))
    with pytest.raises(OutputError, match=r"on another-machine .*remove \.exogait\.lock"):
        write(tmp_path, "report.html", "new")


def test_of_six_at_once_one_writes(tmp_path: Path) -> None:
    processes = [python(RACE, str(tmp_path), str(i)) for i in range(6)]
    output = [process.communicate(timeout=120) for process in processes]
    codes = [process.returncode for process in processes]
    assert set(codes) <= {0, 2} and 0 in codes, output
    for code, (line, trouble) in zip(codes, output, strict=True):
        assert not trouble and (code == 0 or (line.count("\n") == 1 and "writes into it" in line))
    assert (tmp_path / "who.txt").read_text() in {str(i) for i, code in enumerate(codes) if code == 0}
    assert not (tmp_path / LOCK).exists()


def test_a_thread_is_refused_and_a_call_within_is_not(tmp_path: Path) -> None:
    found: list[BaseException] = []

    def other() -> None:
        try:
            write(tmp_path, "a.txt", "other")
        except OutputError as error:
            found.append(error)

    with output_folder(tmp_path, "exogait test") as outer:
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
        with output_folder(tmp_path / ".", "exogait test") as inner:
            assert inner is outer
        assert owner_of(tmp_path / "a.txt") is outer
    assert len(found) == 1 and "of this process writes into it" in str(found[0])
    assert owner_of(tmp_path / "a.txt") is None


# ---- places that cannot take it --------------------------------------------------------------------------------------


@pytest.mark.parametrize("place", ["file", "file/below", "file/deep/below", "nul\x00byte", "n" * 300])
def test_a_place_that_is_no_folder(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(OutputError) as caught, output_folder(tmp_path / place, "exogait test"):
        pass
    assert str(caught.value).startswith(str(tmp_path)) and "\n" not in str(caught.value)
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.skipif(sys.platform != "linux", reason="a process's limit of file sizes")
def test_a_disk_that_takes_no_more_keeps_the_old_file(tmp_path: Path) -> None:
    write(tmp_path, "report.html", "old")
    process = python(FULL, str(tmp_path))
    _, trouble = process.communicate(timeout=60)
    assert process.returncode and "report.html: cannot be written (File too large)" in trouble
    assert (tmp_path / "report.html").read_text() == "old"
    assert sorted(path.name for path in tmp_path.iterdir()) == [MANIFEST, "report.html"]


# ---- text in tables --------------------------------------------------------------------------------------------------


def test_text_in_a_table_is_never_a_formula_and_numbers_stay(tmp_path: Path) -> None:
    cells = ["=1+1", "+cmd|' /C calc'!A0", "@SUM(A1)", "-2", "right"]
    table = pd.DataFrame({"=name": cells, "value": [-1.5, 0, 1, 2, 3]})
    lines = write_csv(table, tmp_path / "a.csv").read_text().splitlines()
    assert lines == ["'=name,value", "'=1+1,-1.5", "'+cmd|' /C calc'!A0,0.0", "'@SUM(A1),1.0", "-2,2.0", "right,3.0"]
