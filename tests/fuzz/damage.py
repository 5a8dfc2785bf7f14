"""Damaged files by the hundred thousand: does any reader crash, hang, or swallow the memory?

Seeds are cut to 20 kB, damaged at random (bits, extreme bytes, moved and lost blocks, false counts) and given to the
reader of their kind. A reader may load the file or raise an :class:`ExogaitError` of one line; all else is a finding.
"""

from __future__ import annotations

import contextlib
import signal
import struct
import tempfile
import threading
import time
import traceback
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from exogait.analysis.c3d.reader import parse_c3d
from exogait.analysis.signals.measured import process_trial
from exogait.analysis.signals.overrides import read_overrides
from exogait.data.errors import DataQualityWarning, ExogaitError, InputError
from exogait.data.storage import read_sto
from exogait.data.trc import read_trc

SEED_BYTES = 20_000
"""Seeds are cut to this length."""
HANG_SECONDS = 5.0
"""A reader that takes longer hangs."""
MEMORY_BYTES = 1 << 30
"""Memory that a reader may take beyond what the process held before."""
_EXTREMES = (0x00, 0x01, 0x7F, 0x80, 0xFE, 0xFF)
_TEXT_BITS = (
    b"nan",
    b"inf",
    b"-1",
    b"1e308",
    b"99999999999",
    b"\t",
    b"\t\t",
    b"\n",
    b"\r\n",
    b" ",
    b"\x00",
    b"\xff",
    b"0",
)


@dataclass(frozen=True)
class FuzzFinding:
    """One file on which a reader did what it must not."""

    seed: str
    """File that was damaged."""
    number: int
    """Number of the mutation."""
    problem: str
    """``crash``, ``hang``, ``memory`` or ``message`` (an error of more than one line)."""
    detail: str
    """Exception and place."""
    saved: str
    """Where the damaged file was kept; empty if it was not."""


@dataclass(frozen=True)
class FuzzReport:
    """What came of a fuzzing run."""

    files: int
    """Damaged files that were read."""
    loaded: int
    """Those that loaded."""
    rejected: int
    """Those that gave a one-line error."""
    seconds: float
    """Time of the run, s."""
    slowest: float
    """Longest time of one file, s."""
    peak_memory: int
    """Growth of the process' memory peak, bytes; 0 where the system does not tell."""
    findings: tuple[FuzzFinding, ...]
    """Everything that must not happen."""

    @property
    def rate(self) -> float:
        """Files a second."""
        return self.files / self.seconds if self.seconds > 0 else 0.0

    def describe(self) -> str:
        """The run in one printable line."""
        verdict = "no finding" if not self.findings else f"{len(self.findings)} finding(s)"
        return (
            f"{self.files} damaged files in {self.seconds:.1f} s ({self.rate:.0f} a second): {self.loaded} loaded, "
            f"{self.rejected} rejected with one line, slowest {1e3 * self.slowest:.0f} ms, memory peak grew by "
            f"{self.peak_memory / 2**20:.0f} MiB; {verdict}"
        )


class _HangError(BaseException):
    """Raised by the alarm clock; no reader's ``except Exception`` can swallow it."""


def fuzz(
    seed_files: Iterable[str | Path],
    n: int = 200_000,
    seconds: float | None = None,
    seed: int = 0,
    *,
    deep: float = 0.002,
    keep: str | Path | None = None,
    progress: Callable[[int], None] | None = None,
    max_findings: int = 100,
) -> FuzzReport:
    """Damage files at random and read them.

    Args:
        seed_files: Files to start from, of the kinds .c3d, .trc, .sto, .mot and .csv (manual overrides).
        n: Number of damaged files.
        seconds: Stop after this time, s.
        seed: Seed of the random numbers; the same seed repeats the run.
        deep: Share of the C3D files that load and are also processed to the end.
        keep: Folder for the files that make a finding.
        progress: Called after each file with the number of files so far.
        max_findings: Stop after this many findings.

    Returns:
        The report.

    Raises:
        InputError: There is no seed file of a known kind.
    """
    seeds = _load_seeds(seed_files)
    # Libraries reserve address space when they are first used: that is not the damaged file's doing.
    with tempfile.TemporaryDirectory() as scratch, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for _, kind, data in seeds:
            _read(kind, data, Path(scratch), deep > 0)
    rng = np.random.default_rng(seed)
    findings: list[FuzzFinding] = []
    loaded = rejected = done = 0
    slowest = 0.0
    before = _peak_memory()
    begin = time.perf_counter()
    # The pieces that a splice takes must be of the same kind.
    by_kind = {kind: [data for _, k, data in seeds if k == kind] for kind in {k for _, k, _ in seeds}}
    with tempfile.TemporaryDirectory() as scratch, _limits(), warnings.catch_warnings():
        warnings.simplefilter("ignore", DataQualityWarning)
        warnings.simplefilter("error", RuntimeWarning)
        for number in range(n):
            if seconds is not None and time.perf_counter() - begin > seconds:
                break
            name, kind, data = seeds[int(rng.integers(len(seeds)))]
            damaged = mutate(data, rng, others=by_kind[kind], text=kind != ".c3d")
            start = time.perf_counter()
            problem, detail = _read(kind, damaged, Path(scratch), rng.random() < deep)
            took = time.perf_counter() - start
            slowest = max(slowest, took)
            done += 1
            if problem == "loaded":
                loaded += 1
            elif problem == "rejected":
                rejected += 1
            else:
                saved = ""
                if keep is not None:
                    Path(keep).mkdir(parents=True, exist_ok=True)
                    target = Path(keep) / f"finding_{number}{kind}"
                    target.write_bytes(damaged)
                    saved = str(target)
                findings.append(FuzzFinding(name, number, problem, detail, saved))
                if len(findings) >= max_findings:
                    break
            if progress is not None:
                progress(done)
    return FuzzReport(
        files=done,
        loaded=loaded,
        rejected=rejected,
        seconds=time.perf_counter() - begin,
        slowest=slowest,
        peak_memory=max(_peak_memory() - before, 0),
        findings=tuple(findings),
    )


def _load_seeds(files: Iterable[str | Path]) -> list[tuple[str, str, bytes]]:
    seeds = []
    for file in files:
        path = Path(file)
        kind = path.suffix.lower()
        if kind in (".c3d", ".trc", ".sto", ".mot", ".csv") and path.is_file():
            with open(path, "rb") as handle:
                data = handle.read(SEED_BYTES)
            if kind != ".c3d" and len(data) == SEED_BYTES:
                data = data[: data.rfind(b"\n") + 1]
            if data:
                seeds.append((path.name, kind, data))
    if not seeds:
        raise InputError("seed_files", "none", "name at least one .c3d, .trc, .sto, .mot or .csv file")
    return seeds


def mutate(data: bytes, rng: np.random.Generator, *, others: Sequence[bytes] = (), text: bool = False) -> bytes:
    """Damage a file in one to six places.

    Args:
        data: The file.
        rng: Random numbers.
        others: Files of the same kind, from which pieces may be taken.
        text: The file is text: numbers and separators are damaged too.

    Returns:
        The damaged file, at most 25 % longer than ``SEED_BYTES``.
    """
    blob = bytearray(data)
    for _ in range(int(rng.integers(1, 7))):
        if not blob:
            break
        # Headers and parameter sections are where damage matters: half of the hits go to the first kilobytes.
        reach = len(blob) if rng.random() < 0.5 else min(len(blob), 1024)
        at = int(rng.integers(reach))
        action = int(rng.integers(10 if text else 9))
        if action == 0:
            blob[at] ^= 1 << int(rng.integers(8))
        elif action == 1:
            blob[at] = _EXTREMES[int(rng.integers(len(_EXTREMES)))]
        elif action == 2:
            blob[at] = int(rng.integers(256))
        elif action == 3:
            word = struct.pack("<H", int(rng.choice([0, 1, 0x7FFF, 0x8000, 0xFFFF, int(rng.integers(65536))])))
            blob[at : at + 2] = word
        elif action == 4:
            number = float(rng.choice([np.nan, np.inf, -np.inf, 0.0, -0.0, 1e38, -1e38, 1e-40, rng.normal()]))
            with np.errstate(over="ignore"):
                blob[at : at + 4] = np.float32(number).tobytes()
        elif action == 5:
            length = int(rng.integers(1, 600))
            del blob[at : at + length]
        elif action == 6:
            length = int(rng.integers(1, 600))
            blob[at:at] = blob[at : at + length]
        elif action == 7:
            del blob[at + 1 :]
        elif action == 8 and others:
            piece = others[int(rng.integers(len(others)))]
            start = int(rng.integers(len(piece)))
            length = int(rng.integers(1, 600))
            blob[at : at + length] = piece[start : start + length]
        elif action == 9:
            blob[at : at + int(rng.integers(0, 8))] = _TEXT_BITS[int(rng.integers(len(_TEXT_BITS)))]
    return bytes(blob[: SEED_BYTES * 5 // 4])


def _read(kind: str, data: bytes, scratch: Path, deep: bool) -> tuple[str, str]:
    """Give one damaged file to its reader and judge what it does."""
    try:
        with _alarm():
            if kind == ".c3d":
                trial = parse_c3d(data, "damaged.c3d", units="mm")
                if deep:
                    process_trial(trial)
            else:
                path = scratch / f"damaged{kind}"
                path.write_bytes(data)
                {".trc": read_trc, ".csv": read_overrides}.get(kind, read_sto)(path)
    except ExogaitError as error:
        message = str(error)
        return ("rejected", "") if "\n" not in message and message else ("message", message[:300])
    except _HangError:
        return "hang", f"took more than {HANG_SECONDS:g} s"
    except MemoryError:
        return "memory", f"wanted more than {MEMORY_BYTES / 2**30:g} GiB"
    except Exception as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        return "crash", f"{type(error).__name__}: {str(error)[:200]} ({Path(place.filename).name}:{place.lineno})"
    return "loaded", ""


@contextlib.contextmanager
def _alarm() -> Iterator[None]:
    """Interrupt what takes longer than ``HANG_SECONDS``, where the system has an alarm clock."""
    usable = hasattr(signal, "setitimer") and threading.current_thread() is threading.main_thread()
    if not usable:
        yield
        return

    def ring(*_: object) -> None:
        raise _HangError

    previous = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, HANG_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)


@contextlib.contextmanager
def _limits() -> Iterator[None]:
    """Let allocations beyond ``MEMORY_BYTES`` fail, where the system can."""
    try:
        import resource

        with open("/proc/self/statm") as handle:
            used = int(handle.read().split()[0]) * resource.getpagesize()
        old = resource.getrlimit(resource.RLIMIT_AS)
    except (ImportError, OSError):
        yield
        return
    wanted = used + MEMORY_BYTES
    if old[1] != resource.RLIM_INFINITY:
        wanted = min(wanted, old[1])
    resource.setrlimit(resource.RLIMIT_AS, (wanted, old[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, old)


def _peak_memory() -> int:
    """Largest resident memory of the process so far, bytes."""
    try:
        import resource
        import sys

        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024
    except ImportError:
        return 0
