"""The tasks of a study on a Ray cluster, or on the processors of this machine under Ray.

``run_study(config, folder, summarise, backend=RayBackend("auto"))`` from a node of a cluster (``ray start`` makes one).
From outside, submit a script that does so as a Ray job. Connections by Ray Client (``ray://``) are not tested.

Tasks hand nothing over but files: the study's folder must be on a file system that every node sees **under the same
path**, and so must the suite itself and every file that the study names. Workers start in the caller's working folder,
so relative paths mean the same there.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from exogait.data.errors import ExogaitError, MissingDependencyError
from exogait.data.processes import WorkerLostError


def _import_ray() -> Any:
    try:
        import ray  # pyright: ignore[reportMissingImports]
    except ImportError:
        raise MissingDependencyError("ray", "running a study on a Ray cluster", "ray") from None
    return ray


def _call(here: str, function: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
    """Call a function in the caller's working folder.

    Raises:
        ExogaitError: The folder does not exist on this machine.
    """
    try:
        os.chdir(here)
    except OSError:
        raise ExogaitError(
            f"{here}: no such folder on the node {os.uname().nodename}; a study on a cluster needs a shared file system"
        ) from None
    return function(*arguments)


class RayBackend:
    """Workers of a Ray cluster, one processor each; Ray itself repeats nothing, the study does.

    Args:
        address: ``auto`` or ``host:port`` for the cluster that this machine belongs to; without, a Ray of this machine
            alone is started, and stopped by :meth:`close`. Where the caller initialised Ray already, that one is used.
        workers: How many tasks run at a time; all processors of the cluster, as it grows and shrinks, without.

    Raises:
        MissingDependencyError: The package ray is not installed.
        ExogaitError: There is no cluster at the address.
    """

    def __init__(self, address: str | None = None, workers: int | None = None) -> None:
        self.ray = _import_ray()
        self.limit = workers
        self._open: set[Any] = set()
        self._started = not self.ray.is_initialized()
        if self._started:
            own = {"num_cpus": workers, "include_dashboard": False} if address is None else {"address": address}
            try:
                self.ray.init(log_to_driver=False, **own)
            except (ConnectionError, RuntimeError, ValueError) as error:
                raise ExogaitError(f"no Ray cluster at {address or 'this machine'}: {error}") from None
        # Networks of this size gain nothing from a second thread, and a body's simulation has only one.
        self._call = self.ray.remote(num_cpus=1, max_retries=0)(_call)
        self._here = str(Path.cwd())

    @property
    def workers(self) -> int:
        """How many calls run at a time."""
        processors = int(self.ray.cluster_resources().get("CPU", 0))
        return processors if self.limit is None else min(self.limit, processors)

    def submit(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Start a call."""
        handle = self._call.remote(self._here, function, arguments)
        self._open.add(handle)
        return handle

    def wait_for_one(self, handles: Sequence[Any]) -> list[Any]:
        """Handles that are done."""
        return self.ray.wait(list(handles), num_returns=1)[0]

    def result(self, handle: Any) -> Any:
        """What the call returned.

        Raises:
            WorkerLostError: Its process or its node died.
        """
        errors = self.ray.exceptions
        self._open.discard(handle)
        try:
            return self.ray.get(handle)
        except errors.RayTaskError as error:  # what the function raised
            raise error.cause from error
        except (
            errors.WorkerCrashedError,
            errors.RayActorError,
            errors.NodeDiedError,
            errors.LocalRayletDiedError,
            errors.OutOfMemoryError,
            errors.ObjectLostError,
        ) as error:
            raise WorkerLostError(str(error).strip().splitlines()[0]) from None

    def close(self) -> None:
        """Stop what is still running, and Ray where this backend started it."""
        if not self.ray.is_initialized():
            return
        for handle in self._open:
            self.ray.cancel(handle, force=True)
        self._open.clear()
        if self._started:
            self.ray.shutdown()

    def stop(self) -> None:
        """The same: Ray ends its workers with the tasks."""
        self.close()
