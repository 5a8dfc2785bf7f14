"""A new device, deficit, subject or marker map: a commented file that loads as it is."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import yaml

from exogait.data.errors import InputError
from exogait.data.files import path_component, write_text_atomic
from exogait.data.home import SUITE, Kind, find, user_folder

NewKind = Literal["devices", "deficits", "subjects", "marker_maps"]
TEMPLATES: dict[NewKind, Path] = {
    "devices": SUITE / "models" / "templates" / "device.yaml",
    "deficits": SUITE / "models" / "templates" / "deficit.yaml",
    "subjects": SUITE / "models" / "templates" / "subject.yaml",
    "marker_maps": SUITE / "analysis" / "markers" / "templates" / "marker_map.yaml",
}
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")


def new_file(
    kind: NewKind,
    name: str,
    *,
    source: str | Path | None = None,
    out: str | Path | None = None,
    units: str | None = None,
) -> Path:
    """Write a commented file that loads as it is.

    Args:
        kind: ``devices``, ``deficits``, ``subjects`` or ``marker_maps``.
        name: Name of the new one: letters, digits, ``_`` and ``-``.
        source: Name or path of one to begin with; of a marker map also a C3D file, whose labels make a first draft;
            the suite's template without.
        out: The .yaml file to write, which must have that name; in the user folder without.
        units: Unit of length in a C3D file that does not say (mm, cm, m).

    Returns:
        The file.

    Raises:
        InputError: Not a name, or the file is there already: nothing is ever written over.
        ExogaitError: The one to begin with does not load.
    """
    if not _NAME.fullmatch(name) or path_component(name) != name:
        raise InputError("NAME", name, "a short name of letters, digits, _ and - that no system keeps for itself")
    path = Path(out) if out is not None else user_folder(kind) / f"{name}.yaml"
    if path.suffix.lower() not in (".yaml", ".yml") or path.stem != name:
        raise InputError("--out", str(out), f"the file must be called {name}.yaml, as its name is {name}")
    text = _text(kind, name, source, units)
    if os.path.lexists(path):
        raise InputError("NAME", name, f"{path} is there already; choose another name, or edit that file")
    # On no list of ours: it is the user's from now on, and is to be edited.
    path.parent.mkdir(parents=True, exist_ok=True)
    return write_text_atomic(path, text)


def _text(kind: NewKind, name: str, source: str | Path | None, units: str | None) -> str:
    # What YAML would read as something else (a number, yes, null) stands in quotes.
    quoted = name if _is_text(name) else json.dumps(name)
    if source is None:
        text = TEMPLATES[kind].read_text(encoding="utf-8")
        return re.sub(r"^name: NAME", f"name: {quoted}", text, count=1, flags=re.MULTILINE).replace("NAME", name)
    if kind == "marker_maps" and Path(source).suffix.lower() in (".c3d", ".trc"):
        return _draft(name, Path(source), units)
    begun = find(kind, source)
    _loader(kind)(begun)
    text = begun.read_text(encoding="utf-8")
    line = f"name: {quoted}"
    if kind == "marker_maps":
        return text  # its name is a title
    named, count = re.subn(r"^name:.*$", lambda _: line, text, count=1, flags=re.MULTILINE)
    return named if count else f"{line}\n{text}"


def _is_text(name: str) -> bool:
    """Whether YAML reads a bare name as just that text; ``2020-13-45`` it takes for a date that there is not."""
    try:
        return yaml.safe_load(name) == name
    except ValueError:
        return False


def _draft(name: str, source: Path, units: str | None) -> str:
    """First draft of a map from the labels and the standing pose of a file."""
    from exogait.analysis.c3d.recording import read_recording
    from exogait.analysis.markers.draft import draft_marker_map

    return draft_marker_map(read_recording(source, units=units), name)


def _loader(kind: Kind) -> Callable[[Path], Any]:
    if kind == "marker_maps":
        from exogait.analysis.markers.map import read_marker_map

        return read_marker_map
    from exogait.models import load_deficit, load_device, load_subject

    return {"devices": load_device, "deficits": load_deficit, "subjects": load_subject}[kind]
