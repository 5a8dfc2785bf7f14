"""Write beside, then rename: a file is there whole, or the one before it still is.

A reader (another process, a run that goes on after a crash) never meets half a file, since a rename within a folder is
one step for the file system.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .errors import FileFormatError


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
        FileFormatError: The folder is missing or cannot be written.

    Example:
        >>> import tempfile
        >>> target = Path(tempfile.mkdtemp()) / "result.json"
        >>> with written_beside(target) as beside:
        ...     _ = beside.write_text("{}")
        >>> target.read_text(), [file.name for file in target.parent.iterdir()]
        ('{}', ['result.json'])
    """
    path = Path(path)
    beside = path.with_name(f".{path.stem}-{secrets.token_hex(4)}{path.suffix}")
    try:
        # Not tempfile.mkstemp, whose files only their owner may read.
        os.close(os.open(beside, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
    except OSError as error:
        todo = "make the folder first" if not path.parent.is_dir() else "choose a folder that can be written"
        raise FileFormatError(path, f"cannot be written ({error.strerror})", todo) from error
    try:
        yield beside
        os.replace(beside, path)
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
