"""The rules of the house: who may import whom, how long a file and how full a folder may be."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.house import FLOORS, PACKAGES, ROOT, House, read_house, room_of

FLOOR = {room: k for k, floor in enumerate(FLOORS) for room in floor}
LIBRARIES = {"numpy", "numba", "llvmlite"}


@pytest.fixture(scope="module")
def house() -> House:
    return read_house(ROOT)


def test_every_file_has_a_room(house: House) -> None:
    homeless = {f for f in house.files if room_of(f) not in FLOOR and f != "exogait/__main__.py"}
    assert not homeless


def arrows_up(house: House) -> list[str]:
    return [
        f"{file}:{item.line} -> {item.target}"
        for file, items in house.imports.items()
        for item in items
        if (here := room_of(file)) in FLOOR
        and (there := room_of(item.target)) != here
        and not (item.target.endswith("__init__.py") and there in ("analysis", "osim_env", "exogait"))
        and FLOOR.get(there, 99) >= FLOOR[here]
    ]


def test_no_arrow_up(house: House) -> None:
    assert not arrows_up(house)


def test_the_two_halls_never_meet(house: House) -> None:
    halls = {"analysis", "osim_env"}
    wrong = [
        f"{file}:{item.line} -> {item.target}"
        for file, items in house.imports.items()
        for item in items
        if {file.split("/")[0], item.target.split("/")[0]} == halls
    ]
    assert not wrong


def test_no_circle(house: House) -> None:
    assert not house.circles()


def test_no_file_is_too_long(house: House) -> None:
    assert not {f: n for f, n in house.lines.items() if n > (650 if f.startswith("osim_env/engine/") else 500)}


def test_no_folder_is_too_full(house: House) -> None:
    full: dict[str, int] = {}
    for file in house.files:
        full[file.rpartition("/")[0]] = full.get(file.rpartition("/")[0], 0) + 1
    assert not {f: n for f, n in full.items() if n > (26 if f == "osim_env/engine" else 16)}


def test_kernels_import_numpy_numba_and_one_another(house: House) -> None:
    wrong = {}
    for file in house.files:
        path = Path(file)
        if path.parent.as_posix() != "osim_env/engine" or not is_kernel(path):
            continue
        ours = {item.target for item in house.imports[file] if not item.target.startswith("osim_env/engine/")}
        others = house.outside[file] - LIBRARIES - STANDARD
        if ours or others:
            wrong[file] = sorted(ours | others)
    assert not wrong


STANDARD = {
    "__future__", "collections", "dataclasses", "enum", "functools", "hashlib", "math", "operator", "os",
    "pathlib", "typing",
}  # fmt: skip


def is_kernel(path: Path) -> bool:
    """A kernel is a file with a compiled function in it, or the lanes they are written in."""
    return path.name == "lanes.py" or re.search(r"^@(jit|inline)", (ROOT / path).read_text(), re.MULTILINE) is not None


def test_no_private_name_leaves_its_file(house: House) -> None:
    wrong = [
        f"{file}:{item.line} {item.name} of {item.target}"
        for file, items in house.imports.items()
        for item in items
        if item.name is not None and item.name.startswith("_") and not item.name.startswith("__")
    ]
    assert not wrong
    # A namedtuple's _replace, _fields and _asdict are public names in spite of their spelling.
    public = ("._replace", "._fields", "._asdict", "._make")
    taken = {f: [n for n in names if not n.endswith(public)] for f, names in house.reached.items()}
    assert not {f: names for f, names in taken.items() if names}


def test_nobody_imports_a_bare_folder() -> None:
    """``import data`` would work inside this checkout and take a stranger's data.py elsewhere."""
    bare = re.compile(r"^\s*(from|import) (analysis|data|models|osim_env)\b", re.MULTILINE)
    folders = (*PACKAGES, "exogait/cli", "exogait/junction", "tests", "notebooks")
    paths = [path for folder in folders for path in (ROOT / folder).rglob("*.py")]
    assert not [str(path) for path in paths if bare.search(path.read_text(encoding="utf-8"))]


def test_a_broken_house_is_noticed(tmp_path: Path) -> None:
    """Imports inside functions and under TYPE_CHECKING count; a circle, an arrow up and a private name are seen."""
    for name, text in {
        "data/a.py": "def f():\n    from exogait.models.b import _g\n",
        "models/b.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from exogait.data import a\n",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    broken = read_house(tmp_path)
    assert broken.circles() == [["data/a.py", "models/b.py"]]
    assert arrows_up(broken) == ["data/a.py:2 -> models/b.py"]
    with pytest.raises(AssertionError):
        test_no_private_name_leaves_its_file(broken)
