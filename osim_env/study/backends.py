"""Where the tasks of a study run: processes of this machine, or a Ray cluster (:mod:`.ray_backend`)."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from typing import Any, Literal

from ..learning.outside.stopping import Stopped, end_with_parent
from .backend import Backend, WorkerLostError

GRACE = 60.0
"""Time that a worker has to finish an update and save, once it is asked to end, s."""


class LocalBackend:
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
            pool = self._idle.pop() if self._idle else _pool_of_one()
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

    def stop(self) -> None:
        """Ask the workers to save what they can and end; end them where they do not."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            for future, pool in self._busy.items():
                if future.running():
                    for process in list((pool._processes or {}).values()):  # no public way before Python 3.14
                        process.kill() if number == signal.SIGKILL else process.terminate()
            wait(self._busy, timeout=GRACE)
        self._busy, busy = {}, self._busy
        self._idle += busy.values()
        self.close()


def _pool_of_one() -> ProcessPoolExecutor:
    """A pool with one process that ends with this one."""
    return ProcessPoolExecutor(1, mp_context=get_context("spawn"), initializer=end_with_parent, initargs=(os.getpid(),))


def make_backend(name: Literal["local", "ray"], workers: int | None = None, address: str | None = None) -> Backend:
    """Where tasks run, by name."""
    if name == "ray":
        from .ray_backend import RayBackend

        return RayBackend(address)
    return LocalBackend(workers)
