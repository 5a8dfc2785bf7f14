"""Workers: processes of this machine that end with the one that started them, however that one ends."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from typing import Any

from ..errors import ExogaitError
from .stopping import Stopped

PR_SET_PDEATHSIG = 1
"""Option of Linux's prctl. Source: linux/prctl.h."""
LOOK_EVERY = 0.5
"""Time between two looks for the parent, where the system does not tell, s."""
GRACE = 60.0
"""Time that a worker has to finish an update and save, once it is asked to end, s."""


class WorkerLostError(ExogaitError):
    """A worker died; its task can be done again."""


class LocalWorkers:
    """Processes of this machine, one thread each; one that dies takes no other task with it.

    They end with this process, also where it is killed without warning.
    """

    def __init__(self, workers: int | None = None) -> None:
        self.workers = workers or len(os.sched_getaffinity(0))
        # A pool each, since a broken pool loses all its tasks.
        self._idle: list[ProcessPoolExecutor] = []
        self._busy: dict[Future[Any], ProcessPoolExecutor] = {}

    def submit(self, function: Callable[..., Any], *arguments: Any) -> Future[Any]:
        """Start a call."""
        while True:
            pool = self._idle.pop() if self._idle else _pool(1)
            try:
                future = pool.submit(function, *arguments)
            except BrokenProcessPool:  # it died while it had nothing to do
                continue
            self._busy[future] = pool
            return future

    def wait_for_one(self, handles: Sequence[Future[Any]]) -> list[Future[Any]]:
        """Handles that are done."""
        return list(wait(handles, return_when=FIRST_COMPLETED).done)

    def result(self, handle: Future[Any]) -> Any:
        """What the call returned."""
        pool = self._busy.pop(handle)
        try:
            value = handle.result()
        except BrokenProcessPool as error:
            raise WorkerLostError(str(error)) from None
        except Stopped as error:  # somebody ended this worker alone; it saved, and can go on
            self._idle.append(pool)
            raise WorkerLostError(str(error)) from None
        except BaseException:
            self._idle.append(pool)
            raise
        self._idle.append(pool)
        return value

    def close(self) -> None:
        """Let the workers end what they do, and go."""
        for pool in [*self._idle, *self._busy.values()]:
            pool.shutdown(cancel_futures=True)

    def kill(self) -> None:
        """End the workers at once."""
        for pool in [*self._idle, *self._busy.values()]:
            _kill(pool)
        self.close()

    def stop(self) -> None:
        """Ask the workers to save what they can and end; end them where they do not."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            for future, pool in self._busy.items():
                if future.running():
                    _kill(pool, number)
            wait(self._busy, timeout=GRACE)
        self._busy, busy = {}, self._busy
        self._idle += busy.values()
        self.close()


@contextlib.contextmanager
def worker_pool(workers: int) -> Iterator[ProcessPoolExecutor]:
    """Processes for calls that save nothing on the way; where the block raises, they end at once.

    Args:
        workers: Number of processes.

    Yields:
        The pool.
    """
    pool = _pool(workers)
    try:
        yield pool
    except BaseException:
        _kill(pool)
        raise
    finally:
        pool.shutdown(cancel_futures=True)


class _Pool(ProcessPoolExecutor):
    """Whose processes never meet Ctrl-C, not even while they start: a terminal sends it to all that runs in it."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        if not hasattr(signal, "pthread_sigmask"):  # Windows
            return super().submit(fn, *args, **kwargs)
        # What is held back here is held back in a process that starts meanwhile, until end_with_parent lets it in.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            return super().submit(fn, *args, **kwargs)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _pool(workers: int) -> ProcessPoolExecutor:
    """Processes that end with this one; not forked, since OpenSim and OpenMP keep state that a copy breaks."""
    return _Pool(workers, mp_context=get_context("spawn"), initializer=end_with_parent, initargs=(os.getpid(),))


def _kill(pool: ProcessPoolExecutor, number: int = signal.SIGKILL) -> None:
    for process in list((pool._processes or {}).values()):  # no public way before Python 3.14
        process.kill() if number == signal.SIGKILL else process.terminate()


def end_with_parent(parent: int, *, ask_the_system: bool = True) -> None:
    """Let this worker end when its parent does, however that happens; Ctrl-C is left to the parent.

    Linux kills it (prctl PR_SET_PDEATHSIG); elsewhere a thread looks for the parent.

    Args:
        parent: Process number of the parent.
        ask_the_system: Whether to try the first way.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    if not (ask_the_system and _killed_with_parent()):
        threading.Thread(target=_watch, args=(parent,), name="parent watch", daemon=True).start()
    if os.getppid() != parent:  # it ended before the system was asked
        os._exit(1)


def _killed_with_parent() -> bool:
    """Ask Linux for SIGKILL at the parent's end; whether it will."""
    if not sys.platform.startswith("linux"):
        return False
    try:
        return ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0) == 0
    except (OSError, AttributeError):
        return False


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(LOOK_EVERY)
    os._exit(1)
