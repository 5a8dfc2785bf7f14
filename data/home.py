"""What a user brings, found by name beside what the suite ships.

The user folder (``EXOGAIT_HOME``, else the place that the operating system keeps for programs' data) has one
subfolder a kind: ``devices``, ``deficits``, ``subjects``, ``marker_maps``, ``references``, ``policies``,
``trainings``, ``studies``. A file in it is found by its name everywhere, as the suite's own files are. Where a user's
file has the name of one of the suite's, the user's is taken and every list says so.
"""

from __future__ import annotations

import difflib
import hashlib
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from .errors import LONGEST, FileFormatError, InputError, UnknownNameError, shown
from .names import STRATEGIES_ENDING

Kind = Literal[
    "devices", "deficits", "subjects", "marker_maps", "references", "policies", "trainings", "studies"
]  # fmt: skip
Origin = Literal["given", "path", "yours", "suite"]

VARIABLE = "EXOGAIT_HOME"
MODELS_VARIABLE = "EXOGAIT_MODELS_PATH"
"""Further folders of devices and deficits, separated as in PATH."""
SUITE = Path(__file__).parents[1]
LISTED = 16
"""Names of one place that an error lists at most."""


@dataclass(frozen=True)
class _Shelf:
    """Where the suite keeps a kind, how its files end, what one is called."""

    folder: str | None
    endings: tuple[str, ...]
    word: str


_YAML = (".yaml", ".yml")
_SHELVES: dict[str, _Shelf] = {
    "devices": _Shelf("models/devices", _YAML, "device"),
    "deficits": _Shelf("models/deficits", _YAML, "deficit"),
    "subjects": _Shelf(None, _YAML, "subject"),
    "marker_maps": _Shelf("analysis/markers/maps", _YAML, "marker map"),
    "references": _Shelf("osim_env/gait/references", (".json",), "reference motion"),
    "policies": _Shelf("models/policies", (".json", ".safetensors"), "policy"),
    "trainings": _Shelf("osim_env/learning/configs", _YAML, "training configuration"),
    "studies": _Shelf("osim_env/study/studies", _YAML, "study"),
}
NOT_POLICIES = (STRATEGIES_ENDING,)
"""Ends of files that lie beside policies and are none."""


class UnknownFileError(UnknownNameError, InputError):
    """A name that no file has, neither the user's nor the suite's.

    Args:
        word: What was looked up, for example ``"device"``.
        name: The name that was asked for.
        places: Where it was looked for, as (origin, folder, names there).
        plural: What several are called.
    """

    def __init__(self, word: str, name: str, places: Sequence[tuple[str, Path, Sequence[str]]], plural: str) -> None:
        known = sorted({item for _, _, names in places for item in names})
        near = difflib.get_close_matches(name[:LONGEST], known, n=3, cutoff=0.5)
        parts = [f"did you mean {' or '.join(near)}?"] if near else []
        for origin, folder, names in places:
            where = f"{plural} of the suite" if origin == "suite" else f"your {plural} ({folder})"
            more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
            parts.append(f"{where}: {', '.join(names[:LISTED]) or 'none'}{more}")
        Exception.__init__(self, f"unknown {word} {shown(name)}; {'; '.join(parts)}; or give the path of a file")


@dataclass(frozen=True)
class Entry:
    """One file that is found by name."""

    kind: Kind
    name: str
    path: Path
    origin: Origin
    """``yours`` (user folder), ``path`` (EXOGAIT_MODELS_PATH), ``given`` (a folder named in the call) or ``suite``."""
    replaces: bool = False
    """It has the name of one of the suite's and is taken instead."""

    @property
    def where(self) -> str:
        """Where it comes from, in words."""
        return "suite" if self.origin == "suite" else "yours, instead of the suite's" if self.replaces else "yours"


def expanded(path: str | Path) -> Path:
    """A path with the home folder that it begins with written out; that of a user whom nobody knows stays as it is.

    Example:
        >>> expanded("~nobody-of-that-name/walk").as_posix()
        '~nobody-of-that-name/walk'
    """
    try:
        return Path(path).expanduser()
    except RuntimeError:
        return Path(path)


def home() -> Path:
    """The user folder; it need not exist.

    ``EXOGAIT_HOME`` names it; without that it is where the operating system keeps programs' data of a user.
    """
    named = os.environ.get(VARIABLE)
    if named:
        return expanded(named)
    import platformdirs

    return Path(platformdirs.user_data_dir("exogait", appauthor=False))


def user_folder(kind: Kind) -> Path:
    """Where a user's own files of a kind lie; it need not exist."""
    _shelf(kind)
    return home() / kind


def places(kind: Kind, folder: str | Path | None = None) -> list[tuple[Origin, Path]]:
    """Folders in which a name is looked up, first hit wins; only those that exist.

    Args:
        kind: What is looked up.
        folder: A folder to look in first, or in its subfolder of that kind.
    """
    shelf = _shelf(kind)
    found: list[tuple[Origin, Path]] = []
    if folder is not None:
        found.append(("given", Path(folder) / kind))
        found.append(("given", Path(folder)))
    for part in os.environ.get(MODELS_VARIABLE, "").split(os.pathsep):
        if part:
            found.append(("path", Path(part) / kind))
            if kind in ("devices", "deficits"):
                found.append(("path", Path(part)))
    found.append(("yours", user_folder(kind)))
    if shelf.folder is not None:
        found.append(("suite", SUITE / shelf.folder))
    return [(origin, place) for origin, place in found if place.is_dir()]


def entries(kind: Kind, folder: str | Path | None = None) -> list[Entry]:
    """Every file of a kind that :func:`find` finds by name, in order of the names.

    Args:
        kind: What is listed.
        folder: A folder to look in first.
    """
    found: dict[str, Entry] = {}
    suite: set[str] = set()
    for origin, place in places(kind, folder):
        for name, path in _files(kind, place):
            if origin == "suite":
                suite.add(name)
            found.setdefault(name, Entry(kind, name, path, origin))
    return [
        Entry(kind, name, entry.path, entry.origin, entry.origin != "suite" and name in suite)
        for name, entry in sorted(found.items())
    ]


def names(kind: Kind, folder: str | Path | None = None) -> list[str]:
    """Every name of a kind that :func:`find` finds."""
    return [entry.name for entry in entries(kind, folder)]


def find(kind: Kind, name: str | Path, folder: str | Path | None = None) -> Path:
    """Find a file: a path that exists, else a name in the user folder, else one of the suite's.

    A bare word is a name, also where a file without ending of that name lies in the working directory; only for
    policies, whose files come in pairs, a path may leave its ending away.

    Args:
        kind: What is looked up.
        name: Name without ending, or a path.
        folder: A folder to look in first.

    Returns:
        The file; of a policy the .json that describes it.

    Raises:
        UnknownNameError: Nothing has that name; says which names are near, which possible, and where they come from.
        FileFormatError: It is a path, and there is no such file.
    """
    shelf = _shelf(kind)
    path = expanded(name)
    ending = shelf.endings[0]
    has_ending = path.suffix.lower() in shelf.endings
    if path.is_file() and (has_ending or _is_path(name)):
        return path.with_suffix(ending) if kind == "policies" else path
    if kind == "policies" and not has_ending:
        for beside in (_with_ending(path, ending), path.with_suffix(ending) if path.suffix else path):
            if beside.is_file():
                return beside
    if not path.is_absolute() and not has_ending:
        for _, place in places(kind, folder):
            for candidate in (_with_ending(place / path, end) for end in shelf.endings):
                if candidate.is_file():
                    return candidate
    if has_ending or path.is_absolute() or str(name).startswith("."):
        raise FileFormatError(path, f"no such {shelf.word}: there is no such file", _possible(kind, folder))
    raise _unknown(shelf.word, kind, str(name), folder)


def find_folder(kind: Kind, name: str | Path) -> Path:
    """Find a folder of files, such as the policies of a study, by name or by path.

    Args:
        kind: What lies in it.
        name: Name of a folder in the user folder or among the suite's, which is looked for first, or a path.

    Raises:
        UnknownNameError: There is no such folder.
    """
    path = expanded(name)
    if path.is_dir() and (path.is_absolute() or str(name).startswith(".")):
        return path
    if not path.is_absolute():
        for _, place in places(kind):
            if (place / path).is_dir():
                return place / path
    if path.is_dir():
        return path
    found = [(origin, place, _folders(kind, place)) for origin, place in places(kind)]
    raise UnknownFileError("folder of policies" if kind == "policies" else f"folder of {kind}", str(name), found,
                           f"folders of {kind.replace('_', ' ')}")  # fmt: skip


def own_digests(wanted: Iterable[tuple[Kind, str | None]]) -> dict[str, str]:
    """What the user's own files among some names hold, so that one that was edited is noticed.

    Args:
        wanted: Kinds and names; ``None`` stands for none. What is the suite's is left out.

    Returns:
        Name of each to the first digits of its SHA-256.

    Raises:
        UnknownNameError: Nothing has a name.
    """
    files = {name: find(kind, name) for kind, name in wanted if name is not None}
    suite = SUITE.resolve()
    return {
        name: hashlib.sha256(path.read_bytes()).hexdigest()[:16]
        for name, path in files.items() if not path.resolve().is_relative_to(suite)
    }  # fmt: skip


def is_replaced(kind: Kind, name: str) -> bool:
    """Whether a name of the suite's stands for a file of the user's."""
    return any(entry.name == name and entry.replaces for entry in entries(kind))


def _is_path(name: str | Path) -> bool:
    return any(mark in str(name) for mark in ("/", os.sep))


def _with_ending(path: Path, ending: str) -> Path:
    """The path with an ending added; a point in a name is part of the name."""
    return path.with_name(path.name + ending) if path.name else path


def _shelf(kind: str) -> _Shelf:
    if kind not in _SHELVES:
        raise UnknownNameError("kind of file", kind, get_args(Kind))
    return _SHELVES[kind]


def _files(kind: Kind, place: Path) -> list[tuple[str, Path]]:
    if kind == "policies":
        return [
            (path.relative_to(place).with_suffix("").as_posix(), path)
            for path in sorted(place.rglob("*.json"))
            if not path.name.endswith(NOT_POLICIES) and path.with_suffix(".safetensors").is_file()
        ]
    return [(path.stem, path) for ending in _SHELVES[kind].endings for path in sorted(place.glob(f"*{ending}"))]


def _folders(kind: Kind, place: Path) -> list[str]:
    return sorted({name.rpartition("/")[0] for name, _ in _files(kind, place) if "/" in name})


def _possible(kind: Kind, folder: str | Path | None) -> str:
    known = sorted(names(kind, folder), key=lambda name: name.count("/"))
    more = f" and {len(known) - LISTED} more" if len(known) > LISTED else ""
    return f"known names: {', '.join(known[:LISTED]) or 'none'}{more}; or give the path of a file"


def _unknown(word: str, kind: Kind, name: str, folder: str | Path | None) -> UnknownFileError:
    found = [
        (origin, place, sorted((item for item, _ in _files(kind, place)), key=lambda item: (item.count("/"), item)))
        for origin, place in places(kind, folder)
    ]
    if not any(origin == "yours" for origin, _, _ in found):
        found.insert(0, ("yours", user_folder(kind), []))
    return UnknownFileError(word, name, found, kind.replace("_", " "))
