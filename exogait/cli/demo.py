"""The demonstration."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from tyro.conf import arg
from tyro.extras import SubcommandApp

from .progress import show_clock


def register(app: SubcommandApp) -> None:
    """Put the command in."""
    app.command(demo)


def demo(
    out: Annotated[Path, arg(help="Folder for everything the demonstration writes.")] = Path("out"),
    *,
    policies: str = "steady",
) -> None:
    """From nothing to a personalised device: model, gait analysis, a short fine-tune, a walk with the device.

    Args:
        out: Folder for everything the demonstration writes.
        policies: Generalists to start from: a folder, or a name under which the suite ships policies.
    """
    from exogait.junction.demo import run_demo

    print(f"\nopen {run_demo(out, policies=policies, report=print, clock=show_clock)}")
