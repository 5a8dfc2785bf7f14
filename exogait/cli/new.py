"""`exogait new`: a commented file of one's own, found by its name everywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg
from tyro.extras import SubcommandApp

from exogait.junction.templates import NewKind, new_file

From = Annotated[str | None, arg(name="from")]


def register(app: SubcommandApp) -> None:
    """Add the commands to the command line."""
    new_app = SubcommandApp()
    new_app.command(name="device")(device)
    new_app.command(name="deficit")(deficit)
    new_app.command(name="subject")(subject)
    new_app.command(name="marker-map")(marker_map)
    app.command(new_app, name="new", help="Write a commented device, deficit, subject or marker map of your own.")


def device(name: Positional[str], *, from_: From = None, out: Path | None = None) -> None:
    """Write a commented device file that loads as it is.

    Args:
        name: Its name; the file is found by it everywhere.
        from_: Name or YAML file of a device to begin with; a small ankle device without one.
        out: The .yaml file to write; in the user folder (EXOGAIT_HOME) without one.
    """
    _write("devices", name, from_, out, "model build --device")


def deficit(name: Positional[str], *, from_: From = None, out: Path | None = None) -> None:
    """Write a commented muscle deficit that loads as it is.

    Args:
        name: Its name; the file is found by it everywhere.
        from_: Name or YAML file of a deficit to begin with; weak plantarflexors without one.
        out: The .yaml file to write; in the user folder (EXOGAIT_HOME) without one.
    """
    _write("deficits", name, from_, out, "model build --deficit")


def subject(name: Positional[str], *, from_: From = None, out: Path | None = None) -> None:
    """Write a commented subject file that loads as it is.

    Args:
        name: Its name; the file is found by it everywhere.
        from_: Name or YAML file of a subject to begin with.
        out: The .yaml file to write; in the user folder (EXOGAIT_HOME) without one.
    """
    _write("subjects", name, from_, out, "model build --subject")


def marker_map(name: Positional[str], *, from_: From = None, out: Path | None = None) -> None:
    """Write a commented marker map that loads as it is.

    Args:
        name: Its name; the map is found by it everywhere.
        from_: Name or YAML file of a map to begin with, or a C3D or TRC file of a standing person, whose labels make a
            first draft; sixteen markers of the lower body without one.
        out: The .yaml file to write; in the user folder (EXOGAIT_HOME) without one.
    """
    _write("marker_maps", name, from_, out, "lab run --marker-map")


def _write(kind: NewKind, name: str, source: str | None, out: Path | None, use: str) -> None:
    path = new_file(kind, name, source=source, out=out)
    print(f"wrote {path}; edit it, then: exogait {use} {name if out is None else path}")
