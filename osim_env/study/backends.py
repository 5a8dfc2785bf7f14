"""Where the tasks of a study run: processes of this machine, or a Ray cluster (:mod:`.ray_backend`)."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from typing import Any, Literal

from .backend import Backend, WorkerLostError


class LocalBackend:
    """Processes of this machine, one thread each; one that dies takes no other task with it."""

    def __init__(self, workers: int | None = None) -> None:
        self.workers = workers or len(os.sched_getaffinity(0))
        # A pool each, since a broken pool loses all its tasks.
        self._idle: list[ProcessPoolExecutor] = []
        self._busy: dict[Future[Any], ProcessPoolExecutor] = {}

    def submit(self, function: Callable[..., Any], *arguments: Any) -> Future[Any]:
        """Start a call."""
        while True:
            pool = self._idle.pop() if self._idle else ProcessPoolExecutor(1, mp_context=get_context("spawn"))
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
        except BaseException:
            self._idle.append(pool)
            raise
        self._idle.append(pool)
        return value

    def close(self) -> None:
        """Stop the workers."""
        for pool in [*self._idle, *self._busy.values()]:
            pool.shutdown(cancel_futures=True)


def make_backend(name: Literal["local", "ray"], workers: int | None = None, address: str | None = None) -> Backend:
    """Where tasks run, by name."""
    if name == "ray":
        from .ray_backend import RayBackend

        return RayBackend(address)
    return LocalBackend(workers)
