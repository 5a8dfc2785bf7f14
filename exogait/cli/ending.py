"""How a signal ends the command: by one line, and the exit code that shells give it.

Nothing large is imported here, since Python's own imports take the first second of a command, and a signal that comes
meanwhile is to be heeded too: an exception raised inside an import may be swallowed or end in a traceback.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from collections.abc import Iterator
from types import FrameType

from exogait.data.processes.stopping import HEEDED, SAME_REQUEST, Stopped


class _Ending:
    """What a signal does: leave at once, or, in a command, raise what cleans up on its way."""

    def __init__(self) -> None:
        self.in_command = False
        self.since: float | None = None

    def __call__(self, number: int, frame: FrameType | None) -> None:
        now = time.monotonic()
        if self.since is not None and now - self.since < SAME_REQUEST:
            return
        first, self.since = self.since is None, now
        if first and self.in_command and not _importing(frame):
            raise Stopped(number)
        with contextlib.suppress(OSError, RuntimeError, ValueError):  # it may have come in the middle of a print
            sys.stdout.flush()
        with contextlib.suppress(OSError):
            os.write(2, f"exogait: stopped by {signal.Signals(number).name}\n".encode())
        os._exit(128 + number)


_ending = _Ending()


def heed_signals() -> None:
    """From now on SIGINT and SIGTERM end this process by one line; those that it ignores stay ignored."""
    for number in HEEDED:
        if signal.getsignal(number) not in (signal.SIG_IGN, None):
            signal.signal(number, _ending)


@contextlib.contextmanager
def command_runs() -> Iterator[None]:
    """In the block a heeded signal raises :class:`Stopped`, so that locks and beginnings go."""
    _ending.in_command = True
    try:
        yield
    finally:
        _ending.in_command = False


def _importing(frame: FrameType | None) -> bool:
    """Whether a frame stands, however deep, in an import."""
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False
