"""What is said where a place cannot take a result, and small files written whole."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import FileFormatError

_UNFINISHED = re.compile(r"\.exogait-[0-9a-f]{8}-")
"""Names of :func:`place_beside`."""


class OutputError(FileFormatError):
    """A place where a result should go cannot take it, or holds something that is not ours."""


def cannot_write(path: str | Path, error: OSError) -> OutputError:
    """What to say of a file or folder that the system did not let us write."""
    todo = "choose a folder that can be written"
    # pyarrow gives the number of the error in words only
    full = f"errno {errno.ENOSPC}]" in str(error).lower()
    if full or error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        todo = "make space or choose another disk"
    elif not Path(path).parent.is_dir():
        todo = "make the folder first"
    elif Path(path).is_dir():
        todo = "name a file, not a folder"
    reason = os.strerror(errno.ENOSPC) if full else error.strerror or error
    return OutputError(path, f"cannot be written ({reason})", todo)


@contextmanager
def errors_named(path: Path) -> Iterator[None]:
    """Errors of the system name the path and are ours."""
    try:
        yield
    except OSError as error:
        raise cannot_write(path, error) from error


def place_beside(path: Path) -> Path:
    """A name beside a path, with its ending, for what is being written; nobody else's files are called so."""
    return path.with_name(f".exogait-{secrets.token_hex(4)}-{path.stem[:64].lstrip('.')}{path.suffix}")


def remove_unfinished(root: Path, *, but: str) -> None:
    """Remove what a process that was killed had not finished writing in a folder and below.

    Args:
        root: The folder.
        but: Folders that hold a file of this name look after themselves.
    """
    for folder, folders, files in os.walk(root):
        for name in [*folders, *files]:
            if _UNFINISHED.match(name):
                path = Path(folder, name)
                with contextlib.suppress(OSError):
                    path.unlink() if path.is_symlink() or not path.is_dir() else shutil.rmtree(path)
        folders[:] = [name for name in folders if not os.path.lexists(Path(folder, name, but))]


def write_whole(path: Path, text: str) -> None:
    """Write a small file of the folder's own, whole or not at all."""
    beside = place_beside(path)
    try:
        with errors_named(path):
            with beside.open("x", encoding="utf-8") as stream:
                stream.write(text)
            os.replace(beside, path)
    finally:
        with contextlib.suppress(OSError):
            beside.unlink(missing_ok=True)
