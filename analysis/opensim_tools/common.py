"""What the OpenSim tools share: set-up files, quiet runs, one clear line when a tool fails.

Every tool is written to disk as the set-up XML that OpenSim's GUI reads, with paths relative to its folder, and run
from that very file. What the suite computes can therefore be run again in the GUI without it.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np

from exogait.data.errors import ExogaitError, FileFormatError
from exogait.data.files import write_text_atomic, written_beside
from exogait.models.opensim_api import captured_log, import_opensim

# Version that OpenSim 4.x writes into its documents; older versions switch on conversions that we do not want.
_DOCUMENT_VERSION = "40000"

Value = str | int | float | bool | Sequence[Any] | ElementTree.Element


def element(
    tag: str, *children: ElementTree.Element, name: str | None = None, **settings: Value
) -> ElementTree.Element:
    """XML element with settings as sub-elements: numbers at full precision, lists separated by spaces."""
    result = ElementTree.Element(tag, {} if name is None else {"name": name})
    for key, value in settings.items():
        child = ElementTree.SubElement(result, key)
        if isinstance(value, ElementTree.Element):
            child.append(value)
        else:
            child.text = format_value(value)
    result.extend(children)
    return result


def format_value(value: object) -> str:
    """Text of a setting as OpenSim reads it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float | np.floating):
        return f"{float(value):.17g}"
    if isinstance(value, str | int):
        return str(value)
    if isinstance(value, Sequence | np.ndarray):
        return " ".join(format_value(part) for part in value)
    return str(value)


def object_set(tag: str, items: Sequence[ElementTree.Element], name: str | None = None) -> ElementTree.Element:
    """An OpenSim set: items inside ``<objects>``."""
    result = element(tag, name=name)
    ElementTree.SubElement(result, "objects").extend(items)
    ElementTree.SubElement(result, "groups")
    return result


def write_document(path: Path, root: ElementTree.Element) -> Path:
    """Write one object as an OpenSim document."""
    document = ElementTree.Element("OpenSimDocument", {"Version": _DOCUMENT_VERSION})
    document.append(root)
    ElementTree.indent(document, "\t")
    text = ElementTree.tostring(document, encoding="unicode")
    path.parent.mkdir(parents=True, exist_ok=True)
    return write_text_atomic(path, '<?xml version="1.0" encoding="UTF-8" ?>\n' + text + "\n")


def load_model(path: str | Path) -> Any:
    """Load an .osim file, or say in one line why it cannot be.

    Args:
        path: The model.

    Returns:
        An ``opensim.Model``.

    Raises:
        FileFormatError: The file is missing, no XML, or no model.
    """
    path = Path(path)
    if not path.is_file():
        raise FileFormatError(path, "the model file does not exist", "check the path")
    try:
        ElementTree.parse(path)
    except (ElementTree.ParseError, ValueError, LookupError) as error:  # the latter two of encodings
        raise FileFormatError(path, f"is no readable XML ({error})", "export the model again from OpenSim") from error
    opensim = import_opensim()
    with captured_log("Error") as log:
        try:
            model = opensim.Model(str(path))
            model.initSystem()
        except Exception as error:
            raise FileFormatError(path, f"OpenSim cannot load it ({one_line(error)})", "open it in the GUI") from error
    del log
    return model


def run_tool(what: str, tool: Callable[[], Any], *, hint: str = "") -> list[str]:
    """Run an OpenSim tool in silence.

    Args:
        what: Tool and trial, for the message.
        tool: Runs the tool; a return value of ``False`` counts as a failure.
        hint: What the user can do.

    Returns:
        The tool's warnings.

    Raises:
        ExogaitError: The tool failed, with its own reason in one line.
    """
    failure: Exception | None = None
    result: Any = None
    with captured_log("Warn") as log:
        try:
            result = tool()
        except Exception as error:
            failure = error
    warnings = [line for line in log if line.startswith(("[warning]", "[error]"))]
    if failure is not None or result is False:
        errors = [line.removeprefix("[error]").strip() for line in log if line.startswith("[error]")]
        reason = errors[-1] if errors else (one_line(failure) if failure else "it gave no reason")
        raise ExogaitError(f"{what} failed: {reason}" + (f"; {hint}" if hint else ""))
    return warnings


def one_line(error: object) -> str:
    """The first sentence of an OpenSim exception, without its source file and line."""
    text = str(error).strip()
    text = re.sub(r"^std::exception in '[^']*':\s*", "", text)
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    useful = [line for line in lines if not line.startswith(("Thrown at", "In Object", "in Object"))]
    return (useful or lines or ["no reason given"])[0][:300]


@contextmanager
def working_directory(folder: Path) -> Iterator[None]:
    """Run inside a folder: OpenSim resolves some paths against the set-up file, others against the process."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def place_file(source: Path, folder: Path, name: str | None = None) -> Path:
    """Copy a file into the folder of a set-up, unless it lies there already."""
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / (name or source.name)
    if not (target.exists() and target.samefile(source)):
        with written_beside(target) as beside:
            shutil.copyfile(source, beside)
    return target


def file_hash(path: str | Path) -> str:
    """SHA-256 of a file, for the manifest."""
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def rotational_coordinates(model: Any) -> list[str]:
    """Names of the coordinates that are rotations, from the model itself.

    Coupled coordinates count as neither: OpenSim does not convert them between degrees and radians.
    """
    opensim = import_opensim()
    coordinates = model.getCoordinateSet()
    return [
        coordinates.get(index).getName()
        for index in range(coordinates.getSize())
        if coordinates.get(index).getMotionType() == opensim.Coordinate.Rotational
    ]


def coordinate_names(model: Any) -> list[str]:
    """Names of all coordinates in the model's order."""
    coordinates = model.getCoordinateSet()
    return [coordinates.get(index).getName() for index in range(coordinates.getSize())]


def body_names(model: Any) -> list[str]:
    """Names of all bodies."""
    bodies = model.getBodySet()
    return [bodies.get(index).getName() for index in range(bodies.getSize())]


def muscle_names(model: Any) -> list[str]:
    """Names of all muscles."""
    muscles = model.getMuscles()
    return [muscles.get(index).getName() for index in range(muscles.getSize())]
