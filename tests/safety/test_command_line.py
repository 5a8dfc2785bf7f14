"""What the system refuses is one line with the path and exit code 2; a bug is said only of bugs."""

from __future__ import annotations

import functools
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from exogait.cli import main as command_line
from exogait.data.output.lock import LOCK
from tests.kit.command import run_inside

ROOT = Path(__file__).parents[2]
EXOGAIT = [sys.executable, "-m", "exogait"]


def run(*args: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*EXOGAIT, *args], capture_output=True, text=True, env={**os.environ, **environment}, timeout=300, check=False
    )


def refused(result: subprocess.CompletedProcess[str], *words: str) -> None:
    assert result.returncode == 2, result.stderr
    line = result.stderr.strip()
    assert line.startswith("exogait: ") and "\n" not in line and "bug" not in line
    for word in words:
        assert word in line


STARTS = """
import os, signal, sys
number, name, line = int(sys.argv[1]), sys.argv[2], sys.argv[3:]

class Knock:  # sends the signal when a module is asked for, as if it came in the middle of the import
    def find_spec(self, wanted, path=None, target=None):
        if wanted == name:
            os.kill(os.getpid(), number)

sys.meta_path.insert(0, Knock())
sys.argv = ["exogait", *line]
from exogait.__main__ import main
main()
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("exogait.cli.main", ["--help"]),
        ("exogait.cli.study", ["model", "list"]),
        ("numpy", ["lab", "batch", "nowhere.csv", "--out", "out"]),
        ("numba", ["simulate", "reference-feedback", "--out", "out"]),
        ("torch", ["train", "healthy", "--out", "out"]),
    ],
)
def test_a_signal_while_python_imports_is_one_line(number: int, module: str, line: list[str], tmp_path: Path) -> None:
    """Also inside a command, whose own imports take its first second."""
    result = subprocess.run(
        [sys.executable, "-c", STARTS, str(int(number)), module, *line], cwd=tmp_path, capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)}, timeout=300,
    )  # fmt: skip
    assert (result.stderr, result.stdout) == (f"exogait: stopped by {signal.Signals(number).name}\n", "")
    assert result.returncode == 128 + number


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_in_a_command_that_heeds_none_itself_is_one_line(number: int, tmp_path: Path) -> None:
    """What it had begun goes, as with every other end."""
    code = (
        "import os, sys\n"
        "from exogait.osim_env.learning import simulation\n"
        f"simulation.simulate = lambda *_, **__: os.kill(os.getpid(), {int(number)})\n"
        "sys.argv = ['exogait', 'simulate', 'reference-feedback', '--out', 'out']\n"
        "from exogait.__main__ import main\n"
        "main()\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)}, timeout=300,
    )  # fmt: skip
    assert result.stderr == f"exogait: stopped by {signal.Signals(number).name}\n"
    assert result.returncode == 128 + number and not (tmp_path / "out" / LOCK).exists()


def test_a_pipe_that_nobody_reads_ends_without_a_word() -> None:
    code = f"'{sys.executable}' -m exogait model list | true; echo ${{PIPESTATUS[0]}}"
    result = subprocess.run(["bash", "-c", code], capture_output=True, text=True, timeout=120, check=False)
    assert result.stderr == "" and result.stdout.strip() in ("0", "141")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_full_disk_under_stdout_is_one_line() -> None:
    with open("/dev/full", "w", encoding="utf-8") as full:
        result = subprocess.run(
            [*EXOGAIT, "model", "list"], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    refused(subprocess.CompletedProcess([], result.returncode, "", result.stderr), "No space left on device")


def test_a_terminal_without_unicode_loses_signs_and_nothing_else() -> None:
    for args in (["model", "list"], ["policies"], ["lab", "maps"]):
        result = run(*args, PYTHONIOENCODING="ascii", PYTHONUTF8="0", LC_ALL="C")
        assert result.returncode == 0 and result.stderr == "" and result.stdout.isascii()


def test_an_out_that_is_a_file_or_below_one(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    inside = functools.partial(run_inside, cwd=tmp_path)
    for place in (tmp_path / "file", tmp_path / "file" / "deep"):
        refused(inside("simulate", "reference-feedback", "--out", place), str(tmp_path / "file"), "is a file")
        refused(inside("train", "healthy", "--out", place), str(tmp_path / "file"), "is a file")
        refused(inside("demo", "--out", place), str(tmp_path / "file"), "is a file")
        refused(inside("controller", "steady/healthy_device", "--out", place))
    refused(run("model", "build", "--out", str(tmp_path / "file")), "file: is there already")
    assert (tmp_path / "file").read_text() == "mine"


def test_a_report_that_is_the_users_stops_a_command_before_its_work(tmp_path: Path) -> None:
    (tmp_path / "report.html").write_text("mine")
    refused(run("simulate", "reference-feedback", "--out", str(tmp_path)), "report.html: is there already")
    assert (tmp_path / "report.html").read_text() == "mine"
    assert {path.name for path in tmp_path.iterdir()} == {"report.html"}


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (PermissionError(13, "Permission denied", "/x/report.html"), 2, "/x/report.html: Permission denied"),
        (OSError(28, "No space left on device"), 2, "No space left on device"),
        (FileNotFoundError(2, "No such file or directory", "a.c3d"), 2, "a.c3d: No such file or directory"),
        (MemoryError(), 2, "not enough memory"),
        (ZeroDivisionError("division by zero"), 1, "this is a bug"),
        (KeyError("x"), 1, "this is a bug"),
    ],
)
def test_a_bug_is_said_only_of_bugs(
    error: Exception, code: int, words: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Broken:
        def cli(self, **_: object) -> None:
            raise error

    monkeypatch.delenv("EXOGAIT_DEBUG", raising=False)
    module = sys.modules[command_line.__module__] if callable(command_line) else command_line
    monkeypatch.setattr(module, "app", Broken())
    with pytest.raises(SystemExit) as ended:
        module.main()
    line = capsys.readouterr().err
    assert ended.value.code == code and words in line and line.count("\n") == 1
    assert (code == 1) == ("bug" in line)
