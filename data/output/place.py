"""What is said where a place cannot take a result, and small files written whole."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import FileFormatError


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


def write_whole(path: Path, text: str) -> None:
    """Write a small file of the folder's own, whole or not at all."""
    beside = path.with_name(f"{path.name}-{secrets.token_hex(4)}")
    try:
        with errors_named(path):
            with beside.open("x", encoding="utf-8") as stream:
                stream.write(text)
            os.replace(beside, path)
    finally:
        with contextlib.suppress(OSError):
            beside.unlink(missing_ok=True)
