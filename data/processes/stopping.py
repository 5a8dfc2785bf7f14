"""Asked to end: signals that a run heeds at the next safe place.

The command line imports this before anything else, so it imports next to nothing itself.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Iterator
from types import FrameType

HEEDED = (signal.SIGINT, signal.SIGTERM)
"""Ctrl-C, and what ``kill``, ``timeout`` and batch systems send."""
SAME_REQUEST = 1.0
"""Signals that come within this time are one request, s: batch systems send one to every process, and parents too."""


class Stopped(KeyboardInterrupt):
    """A signal asked for the end, and what was done is saved.

    Like its parent it passes by what handles errors; the command line prints it and exits with ``code``.

    Args:
        number: The signal.
        saved: What was saved, and how to go on.
    """

    def __init__(self, number: int, saved: str = "") -> None:
        self.number, self.saved = number, saved
        super().__init__(f"stopped by {signal.Signals(number).name}" + (f": {saved}" if saved else ""))

    @property
    def code(self) -> int:
        """Exit code, as shells number it."""
        return 128 + self.number

    def __reduce__(self) -> tuple[type[Stopped], tuple[int, str]]:
        """Rebuild from its parts, in another process."""
        return Stopped, (self.number, self.saved)


class Request:
    """Whether somebody asked for the end.

    Attributes:
        number: The signal, None so far.
        since: When it came, by the monotonic clock, s.
    """

    def __init__(self) -> None:
        self.number: int | None = None
        self.since = 0.0


@contextlib.contextmanager
def heeded_signals(what_next: str, *, at_once: bool = False) -> Iterator[Request]:
    """In the block, SIGINT and SIGTERM make a request instead of ending the process; a second signal does end it.

    Signals that the process ignores stay ignored, and outside the main thread nothing changes.

    Args:
        what_next: What the message says that happens now.
        at_once: Raise :class:`Stopped` where the program stands, for one that only waits.

    Yields:
        The request.

    Raises:
        Stopped: A signal came, and ``at_once``.
    """
    request = Request()
    if threading.current_thread() is not threading.main_thread():
        yield request
        return

    def take(number: int, frame: FrameType | None) -> None:
        if request.number is not None:
            if time.monotonic() - request.since > SAME_REQUEST:
                signal.signal(number, signal.SIG_DFL)
                os.kill(os.getpid(), number)
            return
        request.number, request.since = number, time.monotonic()
        text = f"\nexogait: {signal.Signals(number).name}: {what_next}; a second one quits at once\n"
        with contextlib.suppress(OSError):
            os.write(2, text.encode())  # print is not safe here: the signal may have come in the middle of one
        if at_once:
            raise Stopped(number)

    before = {number: signal.getsignal(number) for number in HEEDED}
    for number, handler in before.items():
        if handler not in (signal.SIG_IGN, None):
            signal.signal(number, take)
    try:
        yield request
    finally:
        for number, handler in before.items():
            if handler not in (signal.SIG_IGN, None):
                signal.signal(number, handler)
