"""What every back end of a study offers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol


class Backend(Protocol):
    """Where tasks run."""

    def submit(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Start a call; returns a handle."""
        ...

    def wait_for_one(self, handles: Sequence[Any]) -> list[Any]:
        """Handles that are done, at least one."""
        ...

    def result(self, handle: Any) -> Any:
        """What the call returned; raises what it raised, or WorkerLostError."""
        ...

    @property
    def workers(self) -> int:
        """How many calls run at a time."""
        ...

    def close(self) -> None:
        """Let the workers end what they do, and go."""
        ...

    def stop(self) -> None:
        """Ask the workers to save what they can and end; end them where they do not."""
        ...
