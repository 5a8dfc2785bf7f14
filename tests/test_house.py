"""The rules of the house: who may import whom, how long a file and how full a folder may be."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from tests.house import (
    FLOORS,
    FULLEST,
    FULLEST_OF_ENGINE,
    LONGEST,
    LONGEST_OF_ENGINE,
    PACKAGES,
    ROOT,
    WINGS,
    House,
    between,
    floors_table,
    read_house,
    room_of,
    wings_table,
)

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


def of_engine(file: str) -> bool:
    return file.startswith("osim_env/engine/")


def test_no_file_is_too_long(house: House) -> None:
    assert not {f: n for f, n in house.lines.items() if n > (LONGEST_OF_ENGINE if of_engine(f) else LONGEST)}


def test_no_folder_is_too_full(house: House) -> None:
    full: dict[str, int] = {}
    for file in house.files:
        full[file.rpartition("/")[0]] = full.get(file.rpartition("/")[0], 0) + 1
    assert not {f: n for f, n in full.items() if n > (FULLEST_OF_ENGINE if of_engine(f"{f}/") else FULLEST)}


def foreign(house: House, root: Path) -> dict[str, list[str]]:
    """Kernel to what it imports beyond numpy, numba, llvmlite, other kernels and what stands on the ground."""
    kernels = {file for file in house.files if is_kernel(file, (root / file).read_text(encoding="utf-8"))}
    wrong = {}
    for file in kernels:
        allowed = kernels | GROUND | {f for f in house.files if of_engine(f) and of_engine(file)}
        ours = {item.target for item in house.imports[file]} - allowed
        others = house.outside[file] - LIBRARIES - STANDARD
        if ours or others:
            wrong[file] = sorted(ours | others)
    return wrong


def test_kernels_import_numpy_numba_and_one_another(house: House) -> None:
    assert not foreign(house, ROOT)
    kernels = {file for file in house.files if is_kernel(file, (ROOT / file).read_text(encoding="utf-8"))}
    rooms = {"osim_env/engine", "osim_env/excitation", "osim_env/gait"}
    assert {room_of(file) for file in kernels} == rooms and "osim_env/gait/recruitment.py" in kernels


def test_the_ground_of_kernels_stands_on_nothing(house: House) -> None:
    """What a kernel may take from elsewhere is constants and names, in files that import nothing themselves."""
    for file in GROUND:
        assert not house.imports[file] and house.outside[file] <= STANDARD


GROUND = {"data/constants.py", "data/names.py"}
STANDARD = {
    "__future__", "collections", "dataclasses", "enum", "functools", "hashlib", "math", "operator", "os",
    "pathlib", "typing",
}  # fmt: skip


def is_kernel(file: str, text: str) -> bool:
    """A kernel is a file with a compiled function in it, or the lanes they are written in."""
    return file == "osim_env/engine/lanes.py" or re.search(r"^@(jit|inline|njit)\b", text, re.MULTILINE) is not None


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


@pytest.mark.parametrize(
    ("text", "arrow"),
    [
        ("from exogait.models import build\n", "data/a.py:1 -> models/b.py"),
        ("from ..models import build as made\n", "data/a.py:1 -> models/b.py"),
        ("from exogait import models\nx = models.build()\n", "data/a.py:2 -> models/b.py"),
        ("import exogait.models\nx = exogait.models.build()\n", "data/a.py:2 -> models/b.py"),
    ],
)
def test_a_name_that_a_package_loads_later_counts_where_it_lives(text: str, arrow: str, tmp_path: Path) -> None:
    files = {
        "data/a.py": text, "models/b.py": "from exogait.data.a import x\ndef build(): ...\n",
        "models/__init__.py": "", "models/__init__.pyi": "from .b import build as build\n",
    }  # fmt: skip
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content)
    broken = read_house(tmp_path)
    assert broken.circles() == [["data/a.py", "models/b.py"]]
    assert arrow in arrows_up(broken)


def test_a_kernel_that_reaches_out_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "osim_env" / "gait" / "step" / "a.py"
    path.parent.mkdir(parents=True)
    path.write_text("import pandas\nfrom exogait.data import names, b\n\n@njit(cache=True)\ndef f(): ...\n")
    for name in ("names.py", "b.py"):
        (tmp_path / "data").mkdir(exist_ok=True)
        (tmp_path / "data" / name).write_text("")
    assert foreign(read_house(tmp_path), tmp_path) == {"osim_env/gait/step/a.py": ["data/b.py", "pandas"]}


def test_documents_tell_the_house_as_it_is() -> None:
    """One declaration, in tests/house.py; ``python -m tests.house`` writes the tables."""
    pages = {name: (ROOT / name).read_text(encoding="utf-8") for name in ("docs/architecture.md", "CONTRIBUTING.md")}
    assert between(pages["docs/architecture.md"], "floors")[0] == floors_table()
    assert between(pages["CONTRIBUTING.md"], "floors")[0] == wings_table()
    told = {room for floor in FLOORS for room in floor}
    assert all(any(f"{room}/".startswith(f"{wing}/") for wing in WINGS) for room in told)
    for text in pages.values():
        words = " ".join(text.split())
        assert f"file over {LONGEST} lines (the engine {LONGEST_OF_ENGINE})" in words
        assert f"folder of more than {FULLEST} modules (the engine {FULLEST_OF_ENGINE})" in words


def test_no_public_name_is_dead() -> None:
    """A function, class or constant that nothing else in the repository mentions: no code, test, stub or document."""
    words: Counter[str] = Counter()
    sources = {}
    for folder in (*PACKAGES, "exogait", "exogait/cli", "exogait/junction", "tests", "docs", "notebooks"):
        deep = folder != "exogait"  # the packages are linked into it
        for path in sorted((ROOT / folder).rglob("*") if deep else (ROOT / folder).glob("*")):
            if path.suffix in (".py", ".pyi", ".md", ".j2", ".yaml") and (deep or path.is_file()):
                text = path.read_text(encoding="utf-8")
                words.update(re.findall(r"\w+", text))
                if path.suffix == ".py" and folder not in ("tests", "docs", "notebooks"):
                    sources[path] = text
    dead = [
        f"{path.relative_to(ROOT)} {name}"
        for path, text in sources.items()
        for names in re.findall(r"^(?:def|class) ([a-zA-Z]\w*)|^([A-Z]\w*)(?:: [\w\[\], .|]+)? =", text, re.MULTILINE)
        for name in names
        if name and words[name] == 1
    ]
    assert not dead


def test_what_a_command_writes_is_whole_or_not_there() -> None:
    """Written beside, then renamed, by data/files.py; the cache of steps checks what it reads and computes it anew."""
    in_place = re.compile(r"(?<!beside)\.(to_parquet|write_text|write_bytes)\(|np\.savez\w*\((?!beside|stream)")
    own = ("data/files.py", "data/scripts/", "analysis/lab/step_cache.py", "analysis/lab/derive_norms.py")
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for folder in (*PACKAGES, "exogait/cli", "exogait/junction")
        for path in sorted((ROOT / folder).rglob("*.py"))
        if not path.relative_to(ROOT).as_posix().startswith(own)
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if in_place.search(line) and ">>>" not in line
    ]
    assert not found
