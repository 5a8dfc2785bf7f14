"""One writer at a time: a file that names the process, passed over where that process is no more."""

from __future__ import annotations

import contextlib
import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .place import OutputError, write_whole

LOCK = ".exogait.lock"
"""Who writes at present."""


def take_lock(root: Path, command: str) -> bool:
    """Leave a lock that names this process.

    Returns:
        Whether there was one of a process that is no more, which ended without a word.

    Raises:
        OutputError: Another process that still runs holds it.
    """
    with _alone(root):
        holder = _holder(root)
        if holder is not None:
            who = f"process {holder['process']} on {holder['host']} ({holder['command']})"
            raise OutputError(root, f"{who} writes into it", f"wait for it or choose another --out; if it is no more, "
                              f"remove {LOCK}")  # fmt: skip
        passed_over = (root / LOCK).exists()
        mine = {"process": os.getpid(), "host": socket.gethostname(), "began": _began(os.getpid()), "command": command}
        write_whole(root / LOCK, json.dumps(mine) + "\n")
    return passed_over


def release_lock(root: Path) -> None:
    """Take the lock of this process away."""
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        if json.loads((root / LOCK).read_text(encoding="utf-8"))["process"] == os.getpid():
            (root / LOCK).unlink()


def _holder(root: Path) -> dict[str, object] | None:
    """Who holds the lock; ``None`` where nobody does, or a process that is no more."""
    try:
        found = json.loads((root / LOCK).read_text(encoding="utf-8"))
        process, host, began = int(found["process"]), str(found["host"]), str(found["began"])
        holder: dict[str, object] = {"process": process, "host": host, "command": str(found["command"])}
    except (OSError, ValueError, KeyError, TypeError):
        return None
    if host != socket.gethostname():
        return holder  # another machine's processes cannot be seen from here
    return holder if _lives(process) and _began(process) == began else None


def _lives(process: int) -> bool:
    if os.name == "nt":
        import ctypes

        handle = getattr(ctypes, "windll").kernel32.OpenProcess(0x1000, False, process)  # noqa: B009
        return bool(handle)
    try:
        os.kill(process, 0)
    except PermissionError:
        return True
    except (OSError, OverflowError):
        return False
    return True


def _began(process: int) -> str:
    """When a process began, in the system's ticks: numbers of processes come again. Empty where nobody tells."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        return ""
    return "ended" if fields[0] == "Z" else fields[19]


@contextmanager
def _alone(root: Path) -> Iterator[None]:
    """Between looking for a lock and leaving one's own nobody else does so; where the system cannot, look and leave."""
    try:
        import fcntl
    except ImportError:
        yield
        return
    handle = os.open(root, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):  # some network file systems have no such locks
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
