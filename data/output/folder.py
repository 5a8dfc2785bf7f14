"""A folder that a command writes into: only what the suite wrote there is replaced, and one process writes at a time.

Every such folder holds ``.exogait.json``, the list of the files that the suite wrote, with their SHA-256. A file under
a wanted name that is not on the list, or was changed since, belongs to the user: it stays, and the command ends in one
line with its name. While a command writes, ``.exogait.lock`` names its process; the lock of a process that is no more
is passed over.

:func:`exogait.data.files.written_beside` and all writers that stand on it ask :func:`owner_of` for the folder that is
open in this process, so that a writer deep in the suite needs no knowledge of who asked for its file. Programs that
write by themselves (OpenSim) get an empty folder by :meth:`OutputFolder.staged`.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from .lock import LOCK, release_lock, take_lock
from .place import OutputError, cannot_write, errors_named, place_beside, remove_unfinished, write_whole

MANIFEST = ".exogait.json"
"""List of the files that are ours."""
FORMAT = "exogait output 1"


class OutputFolder:
    """A folder that is open for writing in this process; made by :func:`output_folder`.

    Args:
        path: The folder, which is there.
        command: Who writes, for the list.
    """

    def __init__(self, path: Path, command: str) -> None:
        self.path = path
        """The folder, absolute and without symbolic links."""
        self.command = command
        """Who writes."""
        self.process, self.thread = os.getpid(), threading.get_ident()
        self._files, self._folders = read_list(path)
        self._stages: set[str] = set()
        self._written: set[str] = set()
        self._guard = threading.RLock()

    def check(self, path: str | Path, content: str | None = None) -> None:
        """Refuse a name under which something lies that is not ours.

        Args:
            path: The name.
            content: Digest of what will lie there; a file that holds just that already loses nothing.

        Raises:
            OutputError: There is such a thing, with its name.
        """
        path = Path(path)
        name = self._name(path)
        if self._inside_ours(name) or not os.path.lexists(path):
            return
        elsewhere = "move it away, or choose another --out"
        if path.is_dir():
            raise OutputError(path, "is a folder where a file of this name should be written", elsewhere)
        if content is not None and digest(path) == content:
            return
        if name not in self._files:
            raise OutputError(path, f"is there already and is not on the list of what exogait wrote ({MANIFEST})",
                              elsewhere)  # fmt: skip
        known = self._files[name]
        if known is not None and digest(path) not in known:
            raise OutputError(path, "was changed after exogait wrote it", "move or rename it, or choose another --out")

    def enter(self, path: str | Path, content: Path) -> None:
        """Put a file on the list, before it takes its place: a process that dies in between leaves no stranger behind.

        Args:
            path: The name that it will have.
            content: The file as it lies beside it.

        Raises:
            OutputError: The name is taken by something that is not ours.
        """
        self._enter([(Path(path), content)])

    def grows(self, name: str, *, adopt: bool = False) -> None:
        """Say that a file of ours is added to again and again, so that its digest says nothing.

        Args:
            name: Name inside the folder.
            adopt: Take one that is there already for ours, as the user said so (a run from before there was a list).

        Raises:
            OutputError: There is one that is not ours.
        """
        with self._guard:
            if not adopt:
                self.check(self.path / name)
            self._written.add(name)
            if self._files.get(name, ()) is not None and not self._inside_ours(name):
                self._files[name] = None
                self._save()

    def whole(self, name: str, *, adopt: bool = False) -> Path:
        """A folder inside that is ours with all that lies in it (finished steps, logs), made where it is missing.

        Args:
            name: Name inside the folder.
            adopt: Take one that is there already for ours (a study from before there was a list).

        Raises:
            OutputError: There is a folder of this name that is not ours and not empty, or a file.
        """
        place = self.path / name
        with self._guard:
            if name not in self._folders:
                if not adopt and os.path.lexists(place) and not (place.is_dir() and not any(place.iterdir())):
                    raise OutputError(place, f"is there already and was not made by exogait ({MANIFEST} has it not)",
                                      "move it away, or choose another --out")  # fmt: skip
                self._folders.add(name)
                self._save()
            with errors_named(place):
                place.mkdir(parents=True, exist_ok=True)
        return place

    @contextmanager
    def staged(self, name: str) -> Iterator[Path]:
        """An empty folder to write in; where the block ends well, its files take their places below ``name`` together.

        What an earlier command wrote there and this one did not goes; everything else stays. Where the block raises,
        or one name is taken by something that is not ours, nothing changes.

        Args:
            name: Folder inside this one.

        Yields:
            The empty folder.

        Raises:
            OutputError: A name is taken.
        """
        target = self.path / name
        # Files may refer to what lies beside the folder's own place: same parent, same depth.
        stage = place_beside(target)
        with errors_named(stage):
            stage.mkdir(parents=True)
        self._stages.add(stage.relative_to(self.path).as_posix())
        try:
            try:
                yield stage
            except OSError as error:
                if error.filename is None:  # a full disk names nobody
                    raise cannot_write(target, error) from error
                raise
            files = sorted(path for path in stage.rglob("*") if path.is_file())
            if os.path.lexists(target) and not target.is_dir():
                raise OutputError(target, "is a file where a folder of this name should be",
                                  "move it away, or choose another --out")  # fmt: skip
            pairs = [(target / path.relative_to(stage), path) for path in files]
            self._enter(pairs)
            with errors_named(target):
                for place, path in pairs:
                    place.parent.mkdir(parents=True, exist_ok=True)
                    os.replace(path, place)
            self._forget_old(f"{name}/")
        finally:
            self._stages.discard(stage.relative_to(self.path).as_posix())
            shutil.rmtree(stage, ignore_errors=True)

    def remove_ours(self) -> None:
        """Remove all that the list calls ours, as far as nobody changed it since."""
        with self._guard:
            for name in self._folders:
                if (self.path / name).resolve().is_relative_to(self.path):
                    shutil.rmtree(self.path / name, ignore_errors=True)
            for name, known in self._files.items():
                path = self.path / name
                if path.is_file() and (known is None or digest(path) in known):
                    path.unlink()
            self._files, self._folders = {}, set()
            self._save()

    def _enter(self, pairs: Iterable[tuple[Path, Path]]) -> None:
        with self._guard:
            changes: dict[str, list[str] | None] = {}
            for path, content in pairs:
                new = digest(content)
                self.check(path, new)
                name = self._name(path)
                self._written.add(name)
                if self._inside_ours(name):
                    continue
                before = self._files.get(name, [])
                if before is not None:
                    changes[name] = [new, *before[:1]]
            if any(self._files.get(name, ()) != value for name, value in changes.items()):
                self._files |= changes
                self._save()

    def _forget_old(self, below: str) -> None:
        """Remove what an earlier command of ours wrote below a folder and this one did not."""
        with self._guard:
            for name in [name for name in self._files if name.startswith(below) and name not in self._written]:
                path = self.path / name
                if path.is_file() and digest(path) in (self._files[name] or ()):
                    path.unlink()
                    del self._files[name]
                elif not os.path.lexists(path):
                    del self._files[name]
            self._save()

    def _name(self, path: Path) -> str:
        return (path.parent.resolve() / path.name).relative_to(self.path).as_posix()

    def _inside_ours(self, name: str) -> bool:
        return any(name.startswith(f"{folder}/") for folder in (*self._folders, *self._stages))

    def _save(self) -> None:
        content = {
            "format": FORMAT,
            "note": "Files that exogait wrote here, with their SHA-256; only these are ever replaced.",
            "command": self.command,
            "files": {name: self._files[name] for name in sorted(self._files)},
            "folders": sorted(self._folders),
        }
        write_whole(self.path / MANIFEST, json.dumps(content, indent=1) + "\n")


_OPEN: dict[Path, OutputFolder] = {}
_OPENING = threading.RLock()


@contextmanager
def output_folder(
    path: str | Path, command: str, *, expects: Iterable[str] = (), lock: bool = True
) -> Iterator[OutputFolder]:
    """Open a folder to write results into; one process, and one thread of it, at a time.

    Within the block a second call for the same folder gives the same one.

    Args:
        path: The folder; made where it is missing.
        command: Who writes, for the list and for whoever finds the folder locked.
        expects: Names of files that will be written: refused at once, not after minutes of work, where they are taken.
        lock: False for a part of a command whose folder above is locked already.

    Yields:
        The folder.

    Raises:
        OutputError: It cannot be written, another process writes into it, or a name is taken.

    Example:
        >>> import tempfile
        >>> from exogait.data import OutputError, output_folder, write_text_atomic
        >>> place = Path(tempfile.mkdtemp())
        >>> _ = (place / "notes.txt").write_text("mine")
        >>> with output_folder(place, "example"):
        ...     _ = write_text_atomic(place / "report.txt", "ours")
        ...     try:
        ...         _ = write_text_atomic(place / "notes.txt", "ours")
        ...     except OutputError as error:
        ...         print(str(error).partition("notes.txt: ")[2].partition(";")[0])
        is there already and is not on the list of what exogait wrote (.exogait.json)
    """
    root = _made(Path(path))
    with _OPENING:
        folder = _OPEN.get(root)
        if folder is not None and folder.process != os.getpid():  # of the process that this one was forked from
            folder = None
        if folder is not None and folder.thread != threading.get_ident():
            raise OutputError(path, f"{folder.command} of this process writes into it", "wait, or choose another --out")
        first = folder is None
        if folder is None:
            if lock and take_lock(root, command):
                remove_unfinished(root, but=LOCK)
            try:
                folder = _OPEN[root] = OutputFolder(root, command)
            except BaseException:
                release_lock(root)
                raise
    try:
        for name in expects:
            folder.check(folder.path / name)
        yield folder
    finally:
        if first:
            with _OPENING:
                _OPEN.pop(root, None)
                if lock:
                    release_lock(root)


@contextmanager
def output_file(path: str | Path, command: str) -> Iterator[Path]:
    """Open the folder of one file that a command writes, and refuse at once where the name is taken.

    Raises:
        OutputError: See :func:`output_folder`.
    """
    path = Path(path)
    with output_folder(path.parent, command, expects=[path.name]):
        yield path


def owner_of(path: str | Path) -> OutputFolder | None:
    """The innermost folder open in this process that a file lies in, ``None`` without one."""
    if not _OPEN:
        return None
    place = Path(path).parent.resolve()
    for folder in (place, *place.parents):
        found = _OPEN.get(folder)
        if found is not None and found.process == os.getpid():
            return found
    return None


def is_ours(path: str | Path) -> bool:
    """Whether a file stands on the list of a folder above it, as it is now."""
    path = Path(path).resolve()
    for folder in path.parents:
        if (folder / MANIFEST).is_file():
            known = read_list(folder)[0].get(path.relative_to(folder).as_posix(), ())
            return known is None or (path.is_file() and digest(path) in known)
    return False


def read_list(folder: Path) -> tuple[dict[str, list[str] | None], set[str]]:
    """The list of a folder: files with the digests they may have, and folders that are ours as a whole.

    A damaged list is no list: then nothing in the folder counts as ours.
    """
    try:
        content = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        if content["format"] != FORMAT:
            return {}, set()
        files = {
            str(name): None if known is None else [str(value) for value in known]
            for name, known in content["files"].items()
            if _inside(name)
        }
        return files, {str(name) for name in content["folders"] if _inside(name)}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}, set()


def _inside(name: str) -> bool:
    """Whether a name of a list, which may be a stranger's, stays inside its folder."""
    parts = name.split("/")
    return not any(part in ("", ".", "..") for part in parts) and "\\" not in name and ":" not in parts[0]


def remove_ours(path: str | Path, command: str) -> None:
    """Remove what the suite wrote into a folder, as far as nobody changed it since; everything else stays.

    Raises:
        OutputError: Another process writes into it.
    """
    if not (Path(path) / MANIFEST).is_file():
        return
    with output_folder(path, command) as folder:
        folder.remove_ours()


def digest(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _made(path: Path) -> Path:
    """The folder, made where it is missing."""
    try:
        path.mkdir(parents=True, exist_ok=True)
        root = path.resolve(strict=True)
    except (FileExistsError, NotADirectoryError) as error:
        blocking = next((p for p in (path, *path.parents) if p.exists() and not p.is_dir()), path)
        raise OutputError(blocking, "is a file, and a folder is needed", "choose another --out") from error
    except (OSError, ValueError, RecursionError) as error:  # a NUL in the name; a thousand folders, one in another
        reason = (error.strerror if isinstance(error, OSError) else None) or error
        raise OutputError(ascii(str(path))[1:-1], f"cannot be made ({reason})",
                          "choose a folder that can be written") from error  # fmt: skip
    return root
