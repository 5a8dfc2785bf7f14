"""Is it a file? Asked before anything is read, by readers of text too, which need no numpy."""

from __future__ import annotations

import stat
from pathlib import Path

from ..errors import FileFormatError


def regular_file(path: str | Path) -> int:
    """Size of a file, bytes; a device or a pipe, which may never end, is none.

    Raises:
        FileFormatError: It is no regular file.
        OSError: The system does not let us look.
    """
    about = Path(path).stat()
    if not stat.S_ISREG(about.st_mode):
        kind = "a folder" if stat.S_ISDIR(about.st_mode) else "a device or a pipe"
        raise FileFormatError(path, f"is {kind}", "name a file")
    return about.st_size
