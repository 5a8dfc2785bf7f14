"""What lies in a folder of strangers, looked at to a depth and a number: ``/`` is a folder too, and links may turn."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from ..errors import FileFormatError

ENTRIES = 20_000
"""Most files and folders that are looked at; a laboratory's year has some thousand recordings."""
DEPTH = 8
"""Most folders inside one another."""


def entries_below(
    folder: str | Path, *, depth: int = DEPTH, most: int = ENTRIES, enter: Callable[[Path], bool] = lambda _: True
) -> Iterator[Path]:
    """Files in a folder and in the folders below it, in order of their names.

    Args:
        folder: The folder.
        depth: Folders inside one another that are entered; what lies deeper is passed over.
        most: Most files and folders.
        enter: Whether a folder is entered; one that is not is given itself.

    Raises:
        FileFormatError: There are more of them.

    Example:
        >>> import tempfile
        >>> place = Path(tempfile.mkdtemp())
        >>> _ = (place / "b.txt").write_text(""), (place / "a").mkdir(), (place / "a" / "c.txt").write_text("")
        >>> [path.name for path in entries_below(place)], [path.name for path in entries_below(place, depth=1)]
        (['c.txt', 'b.txt'], ['b.txt'])
    """
    seen = [0]
    yield from _below(Path(folder), Path(folder), depth, most, enter, seen)


def _below(
    top: Path, folder: Path, depth: int, most: int, enter: Callable[[Path], bool], seen: list[int]
) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        seen[0] += 1
        if seen[0] > most:
            raise FileFormatError(top, f"holds more than {most} files and folders", "name the folder of the recordings")
        if not path.is_dir():
            yield path
        elif not enter(path):
            yield path
        elif depth > 1:
            yield from _below(top, path, depth - 1, most, enter, seen)
