"""What is found by name: devices, deficits, subjects of the suite and of the user."""

from __future__ import annotations

from collections.abc import Iterator

from exogait.data.errors import ExogaitError
from exogait.data.home import entries, home

from .deficit import load_deficit
from .device import load_device
from .subject import load_subject


def describe_files() -> str:
    """Devices, deficits and subjects that are found by name, one line each: kind, name, whose, what it is.

    A file that cannot be read is listed with what is wrong with it.
    """
    lines = [f"{kind:8s} {name:28s} {where:30s} {what}".rstrip() for kind, name, where, what in _rows()]
    return "\n".join([*lines, f"your own files: {home()} (exogait new device|deficit|subject NAME)"])


def _rows() -> Iterator[tuple[str, str, str, str]]:
    for kind in ("devices", "deficits", "subjects"):
        for entry in entries(kind):
            try:
                if kind == "devices":
                    what = load_device(entry.path).description
                elif kind == "deficits":
                    what = load_deficit(entry.path).description
                else:
                    person = load_subject(entry.path)
                    what = f"{person.mass:g} kg, {person.height:g} m"
            except ExogaitError as error:
                what = f"CANNOT BE READ: {error}"
            yield kind.removesuffix("s"), entry.name, entry.where, what
