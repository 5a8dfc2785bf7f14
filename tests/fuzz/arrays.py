"""``python -m tests.fuzz arrays --count 20000 --seed 1``: damaged files of numbers, each loaded and used.

A child process takes one input after the other, with 1.5 GiB of memory above what it begins with; it writes a line
after each. Where it dies, or spends more than 5 s on one, the input is noted and a new child goes on with the next. An
input is determined by seed and number alone. It must load, or be refused by one line of an ExogaitError.
"""

from __future__ import annotations

import collections
import contextlib
import os
import selectors
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from exogait.data.errors import ExogaitError
from tests.fuzz.kinds import RESIDENT, Kind, make_kinds

ROOT = Path(__file__).parents[2]
SECONDS = 5.0
"""Time of one input, s of the child's processor; on a busy machine the clock on the wall says nothing."""
WALL_SECONDS = 120.0
"""Time without a line, s, after which a child is taken for hanging even if it does not compute, unless it would if it
were let: on a machine that is busy with other work it waits for a processor, and not for what never comes."""
MEMORY = 3 << 29
"""Address space above what the child begins with, bytes."""
LOADED, REFUSED = "loaded", "refused"
BAD = ("crash", "hang", "memory", "exception", "message")


@dataclass
class Counts:
    """What came of the inputs."""

    outcome: collections.Counter[tuple[str, str]] = field(default_factory=collections.Counter)
    """How often, by kind of file and outcome."""
    damage: collections.Counter[tuple[str, str]] = field(default_factory=collections.Counter)
    """How often, by kind of damage and outcome."""
    findings: list[str] = field(default_factory=list)
    """One line for each input that did what it must not."""
    seconds: float = 0.0
    """Time of the run, s."""
    slowest: float = 0.0
    """Longest processor time of one input, s."""
    memory: int = 0
    """Largest growth of resident memory of a child, bytes."""

    @property
    def inputs(self) -> int:
        """Number of inputs."""
        return sum(self.outcome.values())

    @property
    def misbehaved(self) -> int:
        """Number of inputs that did what they must not."""
        return sum(n for (_, outcome), n in self.outcome.items() if outcome in BAD)

    def table(self) -> str:
        """Markdown table: kind of file, inputs, loaded, refused, misbehaved."""
        lines = ["| file | inputs | loaded and used | refused in one line | misbehaved |", "|---|---|---|---|---|"]
        kinds = list(dict.fromkeys(kind for kind, _ in self.outcome))
        for kind in [*sorted(kinds), "all"]:
            part = {o: n for (k, o), n in self.outcome.items() if k == kind} if kind != "all" else self._total()
            bad = sum(part.get(outcome, 0) for outcome in BAD)
            lines.append(f"| {kind} | {sum(part.values())} | {part.get(LOADED, 0)} | {part.get(REFUSED, 0)} | {bad} |")
        return "\n".join(lines)

    def _total(self) -> dict[str, int]:
        total: collections.Counter[str] = collections.Counter()
        for (_, outcome), n in self.outcome.items():
            total[outcome] += n
        return dict(total)

    def describe(self) -> str:
        """The run in one line."""
        return (
            f"{self.inputs} inputs in {self.seconds:.0f} s: {self.misbehaved} misbehaved; "
            f"slowest {self.slowest:.2f} s of processor time, memory grew by at most {self.memory / 2**20:.0f} MiB"
        )


def fuzz_arrays(
    count: int, seed: int = 0, *, seconds: float | None = None, kinds: tuple[str, ...] = (), begin: int = 0
) -> Counts:
    """Damage files, load and use them in child processes.

    Args:
        count: Number of inputs.
        seed: Seed of the damage.
        seconds: Stop after this time, s.
        kinds: Kinds of files; all without.
        begin: Number of the first input.

    Returns:
        What came of them.
    """
    counts = Counts()
    start = time.perf_counter()
    number = begin
    while number < begin + count and not (seconds is not None and time.perf_counter() - start > seconds):
        last, what = number - 1, "crash"
        for last, what, kind, damage, spent, grown, detail in _child(number, begin + count, seed, kinds):
            counts.outcome[kind, what] += 1
            counts.damage[damage, what] += 1
            counts.slowest, counts.memory = max(counts.slowest, spent), max(counts.memory, grown)
            if what in BAD:
                counts.findings.append(f"{what} #{last} {kind} ({damage}): {detail}")
            if seconds is not None and time.perf_counter() - start > seconds:
                break
        number = last + 1
    counts.seconds = time.perf_counter() - start
    return counts


def _child(
    number: int, end: int, seed: int, kinds: tuple[str, ...]
) -> Iterator[tuple[int, str, str, str, float, int, str]]:
    """Lines of one child until it ends; where it did not end by itself, the input that ended it."""
    command = [sys.executable, "-m", "tests.fuzz.arrays", str(number), str(end), str(seed), ",".join(kinds)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"}
    errors = tempfile.TemporaryFile()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, env=environment, cwd=ROOT)
    assert process.stdout is not None
    os.set_blocking(process.stdout.fileno(), False)
    reader, rest, ready = selectors.DefaultSelector(), b"", False
    reader.register(process.stdout, selectors.EVENT_READ)
    doing, patience = (number, "?", "?"), 1.0
    heard, used = time.perf_counter(), _processor_seconds(process.pid)
    try:
        while True:
            hangs = False
            if reader.select(timeout=1.0):
                data = process.stdout.read()
                if data == b"":
                    break
                rest += data or b""
                heard, used = time.perf_counter(), _processor_seconds(process.pid)
            elif ready and _processor_seconds(process.pid) - used > patience * SECONDS:
                hangs = True
            elif _state(process.pid) == "R":
                heard = time.perf_counter()
            else:
                hangs = ready and time.perf_counter() - heard > WALL_SECONDS
            if hangs:
                process.kill()
                limit = patience * SECONDS
                yield doing[0], "hang", doing[1], doing[2], limit, 0, f"more than {limit:g} s"
                return
            *lines, rest = rest.split(b"\n")
            for line in lines:
                ready = True
                word, *values = line.decode(errors="replace").split("\t")
                if word == "begin":
                    doing, patience = (int(values[0]), values[1], values[2]), float(values[3])
                elif word == "end":
                    yield doing[0], values[0], doing[1], doing[2], float(values[1]), int(values[2]), values[3]
                    doing = (doing[0] + 1, "?", "?")
        status = process.wait()
        if status != 0 or not ready:
            if not ready:
                errors.seek(0)
                said = errors.read().decode(errors="replace").splitlines()[-1:]
                raise RuntimeError(f"a child ended with {status} before its first input: {said}")
            yield doing[0], "crash", doing[1], doing[2], 0.0, 0, f"the process ended with {status}"
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
        errors.close()


def _processor_seconds(pid: int) -> float:
    """Processor time of a process so far, s."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _state(pid: int) -> str:
    """What the system says a process does: ``R`` runs, or would if there were a processor for it."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return ""


def _peak() -> int:
    """Peak of this process' resident memory, bytes.

    Not what ``getrusage`` says: that begins with the size of the process that started this one.
    """
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * int(next(line.split()[1] for line in lines if line.startswith("VmHWM:")))


def child(number: int, end: int, seed: int, wanted: tuple[str, ...]) -> None:
    """Take inputs one after the other and write what came of each."""
    import resource

    with tempfile.TemporaryDirectory() as scratch, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        kinds = make_kinds(Path(scratch), wanted)
        for kind in kinds:  # the whole file of every kind loads, and libraries are in memory before it is limited
            kind.use()
            _, data = kind.damage(np.random.default_rng(0))
            kind.file.write_bytes(data)
            _judge(kind)
        used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, used + MEMORY))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        with contextlib.suppress(OSError):  # the peak of the rehearsal does not hide that of an input
            Path("/proc/self/clear_refs").write_text("5")
        before = _peak()
        bounds = np.cumsum([kind.share for kind in kinds])
        for current in range(number, end):
            rng = np.random.default_rng([seed, current])
            kind = kinds[int(np.searchsorted(bounds, rng.random() * bounds[-1], side="right"))]
            damage, data = kind.damage(rng)
            kind.file.write_bytes(data)
            os.utime(kind.file, ns=(current + 1, current + 1))  # readers that remember files go by their time
            print("begin", current, kind.name, damage, kind.patience, sep="\t", flush=True)
            start = time.process_time()
            outcome, detail = _judge(kind)
            spent = time.process_time() - start
            grown = _peak() - before
            if outcome in (LOADED, REFUSED) and spent > kind.patience * SECONDS:
                outcome, detail = "hang", f"{spent:.1f} s"
            if outcome in (LOADED, REFUSED) and grown > RESIDENT:
                outcome, detail = "memory", f"{grown >> 20} MiB"
            print("end", outcome, f"{spent:.4f}", grown, detail, sep="\t", flush=True)
            if outcome == "memory":  # the peak never falls again: a new child goes on
                return


def _judge(kind: Kind) -> tuple[str, str]:
    """Read and use one input."""
    try:
        kind.use()
    except ExogaitError as error:
        message = str(error)
        return (REFUSED, "") if message and len(message.splitlines()) == 1 else ("message", repr(message[:200]))
    except BaseException as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        text = " ".join(f"{type(error).__name__}: {error}".split())[:200]
        return "exception", f"{text} ({Path(place.filename).name}:{place.lineno})"
    return LOADED, ""


def main(count: int = 20_000, seed: int = 0, *, seconds: float | None = None, kinds: tuple[str, ...] = ()) -> None:
    """Damage compiled models, policies, checkpoints and other files of numbers, load and use each.

    Args:
        count: Number of inputs.
        seed: Seed of the damage.
        seconds: Longest time to spend, s.
        kinds: Kinds of files; all without.
    """
    counts = fuzz_arrays(count, seed, seconds=seconds, kinds=kinds)
    print(counts.table())
    print()
    by_damage = collections.Counter(what.split(" ")[0] for what, _ in counts.damage.elements())
    print("damage: " + ", ".join(f"{what} {n}" for what, n in sorted(by_damage.items())))
    print(counts.describe())
    for finding in counts.findings[:200]:
        print(finding)
    if counts.misbehaved:
        raise SystemExit(1)


def hostile(count: int = 2000, seed: int = 0, *, seconds: float | None = None, kinds: tuple[str, ...] = ()) -> None:
    """Give hostile settings, tables, names and options to readers and commands.

    Args:
        count: Number of inputs.
        seed: Seed of what is hostile.
        seconds: Longest time to spend, s.
        kinds: Kinds of inputs; all without.
    """
    from tests.fuzz.hostile import HOSTILE_KINDS

    main(count, seed, seconds=seconds, kinds=kinds or HOSTILE_KINDS)


if __name__ == "__main__":
    first, last, chosen, names = sys.argv[1:5]
    child(int(first), int(last), int(chosen), tuple(filter(None, names.split(","))))
