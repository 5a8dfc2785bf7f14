"""Where the tasks of a study run: processes of this machine, or a Ray cluster (:mod:`.ray_backend`)."""

from __future__ import annotations

from typing import Literal

from exogait.data.processes import LocalWorkers

from .backend import Backend


def make_backend(name: Literal["local", "ray"], workers: int | None = None, address: str | None = None) -> Backend:
    """Where tasks run, by name."""
    if name == "ray":
        from .ray_backend import RayBackend

        return RayBackend(address)
    return LocalWorkers(workers)
