"""Write beside, then rename: a file is there whole, or the one before it still is. And names that are safe in a path.

A reader (another process, a run that goes on after a crash) never meets half a file, since a rename within a folder is
one step for the file system. Inside a folder that :func:`exogait.data.output.output_folder` opened, only what is ours
is replaced.
"""

from __future__ import annotations

import hashlib
import os
import re
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .output import cannot_write, owner_of, place_beside

if TYPE_CHECKING:
    import pandas as pd

LONGEST_NAME = 120
"""Bytes of a name that becomes part of a path: systems take 255, and endings like ``_external_loads.xml`` follow."""
_RESERVED = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])(\.|$)", re.IGNORECASE)
"""Names that Windows keeps for devices, with any ending. Source: Microsoft, Naming Files, Paths, and Namespaces."""
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""First characters by which a spreadsheet takes a cell for a formula. Source: OWASP, CSV Injection."""


def writable_text(text: str) -> str:
    r"""Text that every file can hold: what is no character (a stray byte of a command line) is spelled out.

    Example:
        >>> writable_text("Anna"), writable_text(chr(0xDC80))
        ('Anna', '\\udc80')
    """
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def path_component(text: str, instead: str = "unnamed", *, ascii_only: bool = False) -> str:
    """Any text as the name of one file or folder, without an ending.

    Letters and digits of every script, ``.``, ``_``, ``-`` and ``+`` stay, spaces become ``_``; ordinary names are thus
    their own. Where more has to change, the first digits of the text's SHA-256 follow, so that different texts stay
    different.

    Args:
        text: Anything: a stranger's file may say ``../../report`` or 300 emoji.
        instead: The name of an empty text.
        ascii_only: Only letters of ASCII stay: for programs that stumble over others, such as OpenSim.

    Returns:
        At most :data:`LONGEST_NAME` bytes, never hidden, reserved, with a separator or a space.

    Example:
        >>> path_component("S01_walk-2"), path_component("Anna B"), path_component("../../etc/passwd")
        ('S01_walk-2', 'Anna_B', 'etc_passwd-3754d6cb')
    """
    plain = re.sub(r"\s+", "_", unicodedata.normalize("NFC", text).strip())
    name = re.sub(r"[^\w.+-]+", "_", plain, flags=re.ASCII if ascii_only else 0)
    name = name.rstrip(".")
    if name != plain or name[:1] in (".", "-", "+"):
        name = name.lstrip("._-+").rstrip("._")
    if _RESERVED.match(name):
        name = f"_{name}"
    if name == plain and len(name.encode()) <= LONGEST_NAME and name:
        return name
    mark = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    short = name.encode()[: LONGEST_NAME - len(mark) - 1].decode(errors="ignore").rstrip("._")
    if not text.strip():
        return instead
    return f"{short or instead}-{mark}"


@contextmanager
def written_beside(path: str | Path) -> Iterator[Path]:
    """A new file in the same folder, to be written in the block; it takes the path's name where the block ends well.

    Where the block raises, the new file goes and an old one under the path stays as it was. The file gets the
    permissions that any new file of the user gets.

    Args:
        path: The file that is to be.

    Yields:
        An empty file with the same ending.

    Raises:
        OutputError: The folder is missing or cannot be written, the disk is full, or the path holds something that is
            not ours (:mod:`exogait.data.output`).

    Example:
        >>> import tempfile
        >>> target = Path(tempfile.mkdtemp()) / "result.json"
        >>> with written_beside(target) as beside:
        ...     _ = beside.write_text("{}")
        >>> target.read_text(), [file.name for file in target.parent.iterdir()]
        ('{}', ['result.json'])
    """
    path = Path(path)
    owner = owner_of(path)
    if owner is not None:
        owner.check(path)
    beside = place_beside(path)
    try:
        # Not tempfile.mkstemp, whose files only their owner may read.
        os.close(os.open(beside, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
    except OSError as error:
        raise cannot_write(path, error) from error
    try:
        yield beside
        if owner is not None:
            owner.enter(path, beside)
        os.replace(beside, path)
    except OSError as error:
        if error.filename is None or str(error.filename) == str(beside):  # a full disk names nobody
            raise cannot_write(path, error) from error
        raise
    finally:
        beside.unlink(missing_ok=True)


def write_text_atomic(path: str | Path, text: str) -> Path:
    """Write a text file (UTF-8) whole or not at all: see :func:`written_beside`."""
    with written_beside(path) as beside:
        beside.write_text(text, encoding="utf-8")
    return Path(path)


def write_bytes_atomic(path: str | Path, content: bytes) -> Path:
    """Write a file of bytes whole or not at all: see :func:`written_beside`."""
    with written_beside(path) as beside:
        beside.write_bytes(content)
    return Path(path)


def write_csv(table: pd.DataFrame, path: str | Path, *, index: bool = False, **format_: Any) -> Path:
    """Write a table as CSV, whole or not at all, with nothing in it that a spreadsheet takes for a formula.

    Args:
        table: The table.
        path: The file.
        index: Write the index as first column.
        **format_: Further arguments of ``DataFrame.to_csv``.

    Returns:
        The file.
    """
    import pandas as pd

    safe = table.rename(columns=plain_cell)
    for column in range(safe.shape[1]):
        if not pd.api.types.is_numeric_dtype(safe.dtypes.iloc[column]):
            safe.isetitem(column, safe.iloc[:, column].map(plain_cell))
    if index and not pd.api.types.is_numeric_dtype(safe.index.dtype):
        safe.index = safe.index.map(plain_cell)
    with written_beside(path) as beside:
        safe.to_csv(beside, index=index, **format_)
    return Path(path)


def write_parquet(table: pd.DataFrame, path: str | Path, *, index: bool | None = False) -> Path:
    """Write a table as parquet, whole or not at all: see :func:`written_beside`.

    Args:
        table: The table.
        path: The file.
        index: Keep the index; with None as its kind needs it.

    Returns:
        The file.
    """
    with written_beside(path) as beside:
        table.to_parquet(beside, index=index)
    return Path(path)


def plain_cell(value: Any) -> Any:
    """A cell as a spreadsheet shows it and never computes it: text that looks like a formula gets an apostrophe.

    Example:
        >>> plain_cell("=1+1"), plain_cell("-0.5"), plain_cell(-0.5), plain_cell("right")
        ("'=1+1", '-0.5', -0.5, 'right')
    """
    if not isinstance(value, str) or not value.startswith(_FORMULA):
        return value
    try:
        float(value)
    except ValueError:
        return f"'{value}"
    return value
