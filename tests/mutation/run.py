"""Applying mutants in a copy of the tree, and running the tests that have to notice.

The copy lies in the system's folder of temporary files; the repository is only read. Every mutant runs in a process
forked from one that has imported the large packages of others and nothing of the suite.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.mutation.rooms import ROOT, Drawn

RESULTS = ROOT / "out" / "mutation" / "results.jsonl"
PROCESSOR_SECONDS = 600
"""Processor time after which a mutant counts as timed out."""
PATIENCE = 3600.0
"""Time after which it does, whatever it used, s."""
LIBRARIES = ("numpy", "pandas", "scipy.signal", "scipy.interpolate", "scipy.stats", "matplotlib", "numba", "opensim",
             "hypothesis", "yaml", "pytest")  # fmt: skip
BROKEN = ("SyntaxError", "ImportError", "ModuleNotFoundError", "NameError", "TypingError", "LoweringError")
"""Faults that a compiler or an import finds; they are no merit of a test."""


def copy_tree(scratch: Path, root: Path = ROOT) -> None:
    """Copy the tree that git sees, and the compiled kernels, to a folder."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=root, capture_output=True, check=True).stdout.decode().split("\0")
    kernels = [path.relative_to(root) for path in (root / "osim_env").rglob("*.nb[ic]")]
    for name in [*filter(None, listed), *map(str, kernels)]:
        if (root / name).exists():
            (scratch / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(root / name, scratch / name, follow_symlinks=False)


def import_libraries() -> None:
    """Import what every mutant's process would, so that a fork has it already."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
        os.environ.setdefault(name, "1")
    os.environ["MPLBACKEND"] = "agg"
    for name in LIBRARIES:
        __import__(name)


class _Recorder:
    """What pytest says about the first failure."""

    def __init__(self) -> None:
        self.passed, self.failure, self.message, self.broken = 0, "", "", False

    def pytest_runtest_logreport(self, report: Any) -> None:
        if report.when == "call" and report.passed:
            self.passed += 1
        if report.failed and not self.failure:
            self._note(report)

    def pytest_collectreport(self, report: Any) -> None:
        if report.failed:
            self._note(report)
            self.broken = True

    def _note(self, report: Any) -> None:
        crash = getattr(report.longrepr, "reprcrash", None)
        self.failure = report.nodeid
        self.message = (crash.message if crash is not None else str(report.longrepr)).strip().splitlines()[0][:200]
        self.broken = self.message.split(":")[0].split(".")[-1] in BROKEN


def _test(scratch: Path, tests: Sequence[str], plain: bool, mutated: bool, answer: int, log: Path) -> None:
    """In the forked process: run the tests and write the answer to a pipe."""
    for name in [name for name in sys.modules if name.split(".")[0] in ("tests", "exogait")]:
        del sys.modules[name]
    os.chdir(scratch)
    os.setsid()
    sys.path[:] = [str(scratch), *(p for p in sys.path if p not in ("", str(ROOT)))]
    sys.dont_write_bytecode = mutated
    os.environ |= {"PYTHONPATH": str(scratch), "OSIM_ENV_DISABLE_JIT": "1" if plain else "0"}
    resource.setrlimit(resource.RLIMIT_CPU, (PROCESSOR_SECONDS, PROCESSOR_SECONDS + 5))
    out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(out, 1)
    os.dup2(out, 2)
    import pytest

    recorder = _Recorder()
    quiet = ["-q", "-x", "-p", "no:cacheprovider", "-p", "no:xdist", "-p", "no:randomly", "--hypothesis-seed=0"]
    code = int(pytest.main([*quiet, *tests], plugins=[recorder]))
    found = vars(recorder) | {"code": code, "tree": str(Path(sys.modules["exogait"].__path__[0]).parent)}
    os.write(answer, json.dumps(found).encode())
    os._exit(0)


def run_tests(scratch: Path, tests: Sequence[str], plain: bool, *, mutated: bool) -> dict[str, Any]:
    """Run tests in the copy, in a forked process.

    Returns:
        ``outcome`` (survived, killed, broken, timeout), ``by`` (the test), ``message``, ``seconds``.
    """
    log = scratch.parent / f"{scratch.name}.log"
    tests = [test for test in tests if (scratch / test.partition("::")[0]).exists()]
    begin = time.monotonic()
    reading, writing = os.pipe()
    process = os.fork()
    if process == 0:
        try:
            os.close(reading)
            _test(scratch, tests, plain, mutated, writing, log)
        finally:
            os._exit(70)
    os.close(writing)
    used, status, late = 0.0, 0, False
    while True:
        done, status, usage = os.wait4(process, os.WNOHANG)
        if done:
            used = usage.ru_utime + usage.ru_stime
            break
        if time.monotonic() - begin > PATIENCE:
            os.killpg(process, signal.SIGKILL)
            late = True
        time.sleep(0.05)
    text = b""
    while part := os.read(reading, 65536):
        text += part
    os.close(reading)
    answer = {"by": "", "message": "", "seconds": round(used, 1), "wall": round(time.monotonic() - begin, 1)}
    if text:
        found = json.loads(text)
        if Path(found["tree"]).resolve() != scratch.resolve():
            raise RuntimeError(f"the tests imported the suite from {found['tree']}, not from {scratch}")
        answer |= {"by": found["failure"], "message": found["message"], "passed": found["passed"]}
        if found["code"] not in (0, 1, 2) or (found["code"] == 0 and not found["passed"]):
            raise RuntimeError(f"pytest ended with {found['code']} on {tests}; see {log}")
        outcome = "survived" if found["code"] == 0 else "broken" if found["broken"] else "killed"
    elif late or os.waitstatus_to_exitcode(status) == -signal.SIGXCPU:
        outcome = "timeout"
    elif os.waitstatus_to_exitcode(status) < 0:
        outcome = "killed"
        answer["message"] = f"the process was ended by signal {-os.waitstatus_to_exitcode(status)}"
    else:
        raise RuntimeError(f"no answer from the tests {tests}; see {log}")
    return answer | {"outcome": outcome}


def read_results(path: Path = RESULTS) -> dict[str, dict[str, Any]]:
    """Last result of every mutant, by its name."""
    lines = path.read_text().splitlines() if path.exists() else []
    return {record["mutant"]: record for record in map(json.loads, lines)}


def run(
    drawn: Sequence[Drawn],
    *,
    known: Mapping[str, Mapping[str, Any]],
    keep: Callable[[dict[str, Any]], None],
    say: Callable[[str], None] = print,
) -> None:
    """Run every mutant that has no result yet.

    Args:
        drawn: What to run, in order.
        known: Results that are there.
        keep: Gets each new result.
        say: Gets one line each.

    Raises:
        RuntimeError: The tests do not pass without a mutant.
    """
    todo = [item for item in drawn if item[2].name not in known]
    if not todo:
        return
    with tempfile.TemporaryDirectory(prefix="exogait-mutation-") as folder:
        copy_tree(Path(folder) / "tree")
        import_libraries()
        _run_in(Path(folder) / "tree", todo, keep, say)


def _run_in(
    scratch: Path, todo: Sequence[Drawn], keep: Callable[[dict[str, Any]], None], say: Callable[[str], None]
) -> None:
    """Run mutants in a copy of the tree."""
    sound: set[tuple[tuple[str, ...], bool]] = set()
    for number, (room, target, mutant) in enumerate(todo):
        if (target.tests, target.plain) not in sound:
            plain = run_tests(scratch, target.tests, target.plain, mutated=False)
            say(f"without a mutant: {plain['outcome']}, {plain['seconds']} s, {' '.join(target.tests[:2])} ...")
            if plain["outcome"] != "survived":
                raise RuntimeError(f"without a mutant, {plain['by']} fails: {plain['message']}")
            sound.add((target.tests, target.plain))
        path = scratch / target.file
        whole, stamp = path.read_text(encoding="utf-8"), path.stat().st_mtime
        try:
            path.write_text(mutant.apply(whole), encoding="utf-8")
            # Python and numba tell sources apart by size and time.
            os.utime(path, (stamp + 10 + number, stamp + 10 + number))
            result = run_tests(scratch, target.tests, target.plain, mutated=True)
        finally:
            path.write_text(whole, encoding="utf-8")
            os.utime(path, (stamp, stamp))
        keep({"mutant": mutant.name, "room": room.name, "kind": mutant.kind, "what": mutant.describe(), **result})
        say(f"{number + 1}/{len(todo)} {result['outcome']} {result['seconds']} s {mutant.describe()} | {result['by']}")
