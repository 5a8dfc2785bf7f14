"""XML of strangers, as OpenSim's files are: regular, whole, in an encoding that is known."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

from ..errors import FileFormatError
from .regular import regular_file


def read_xml(path: str | Path, todo: str) -> ElementTree.Element:
    """Read an XML file. Entities that grow are refused by the parser itself (expat 2.4.1 and later).

    Args:
        path: The file.
        todo: What the user can do about one that cannot be read.

    Returns:
        Its root.

    Raises:
        FileFormatError: The file is missing, a device, or no XML.
    """
    try:
        regular_file(path)
        return ElementTree.parse(path).getroot()
    except FileNotFoundError:
        raise FileFormatError(path, "no such file", todo) from None
    except (OSError, ElementTree.ParseError, ValueError, LookupError) as error:  # the latter two of encodings
        raise FileFormatError(path, f"is no XML ({error})", todo) from None
