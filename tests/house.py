"""The house: who lives where and who imports whom, measured from the source.

``python -m tests.house`` writes the tables of docs/architecture.md and CONTRIBUTING.md: the floors, which are declared
here alone, and what was measured before (the revision named below) and now; ``tests/test_house.py`` holds the rules.
Every import counts: at the top of a file, inside a function and under ``TYPE_CHECKING``. A name that is taken from a
package which loads its names on first use counts as one from the file that its ``__init__.pyi`` names. Nothing is
imported to measure it.
"""

from __future__ import annotations

import ast
import io
import subprocess
import tarfile
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGES = ("data", "models", "analysis", "osim_env")
BEFORE = "b3be2b1"
"""The last revision with five import names and two halls of fifty modules."""

FLOORS: tuple[tuple[str, ...], ...] = (
    ("data",),
    ("models",),
    ("analysis/c3d", "analysis/markers", "osim_env/engine", "osim_env/device"),
    ("analysis/gait", "osim_env/gait"),
    ("analysis/scores", "osim_env/excitation", "osim_env/viewing"),
    ("analysis/signals", "analysis/outcomes", "osim_env/learning"),
    ("analysis/opensim_tools", "analysis/report", "osim_env/controller"),
    ("analysis/judgement", "osim_env/study"),
    ("analysis/lab",),
    ("analysis/made_up", "analysis/session"),
    ("exogait/junction",),
    ("exogait/cli",),
)
"""Rooms from the ground up: a room imports from lower floors, never from its own floor's neighbours or from above."""

WINGS = {
    "exogait/cli": "commands: arguments in, one call, lines out; nothing is computed here",
    "exogait/junction": "the one room where lab road and simulation meet: a person's body, weakness and gait; what a "
    "walk is worth",
    "analysis": "the lab road, one folder a family",
    "osim_env": "the simulation road",
    "models": "the model as tables, devices, deficits, subjects, policies, the builder",
    "data": "the gait trial that both roads share, OpenSim files, reference numbers, errors",
}
"""What lives in a room, or in all rooms of a hall."""

LONGEST, LONGEST_OF_ENGINE = 500, 650
"""Lines of a file."""
FULLEST, FULLEST_OF_ENGINE = 16, 26
"""Modules of a folder, without its ``__init__``."""


@dataclass(frozen=True)
class Import:
    """One name, or one module, that a file imports from a file of ours."""

    target: str
    """File that is imported, relative to the root."""
    name: str | None
    """Name taken from it; ``None`` for the module itself."""
    line: int


@dataclass(frozen=True)
class House:
    """A source tree: its files, their lines, and every import between them."""

    lines: Mapping[str, int]
    imports: Mapping[str, tuple[Import, ...]]
    outside: Mapping[str, frozenset[str]]
    """File to the top-level packages of others that it imports."""
    reached: Mapping[str, tuple[str, ...]]
    """File to the private names that it takes from modules it imported whole (``module._name``)."""

    @property
    def files(self) -> tuple[str, ...]:
        """Modules of the suite, without the ``__init__`` files."""
        return tuple(file for file in self.lines if not file.endswith("__init__.py"))

    def arrows(self) -> set[tuple[str, str]]:
        """Pairs of rooms of which the first imports from the second."""
        return {
            (room_of(file), room_of(item.target))
            for file, items in self.imports.items()
            for item in items
            if room_of(file) != room_of(item.target)
        }

    def file_arrows(self, below: str = "") -> set[tuple[str, str]]:
        """Pairs of files of a folder of which the first imports the second."""
        return {
            (file, item.target)
            for file, items in self.imports.items()
            for item in items
            if file != item.target and file.startswith(below) and item.target.startswith(below)
        }

    def circles(self) -> list[list[str]]:
        """Groups of files that import one another in a circle."""
        return [sorted(group) for group in _components(self.files, self.file_arrows()) if len(group) > 1]


def room_of(file: str) -> str:
    """The room a file stands in: the package and, where it has any, the folder below it."""
    parts = file.split("/")
    if parts[0] in ("data", "models"):
        return parts[0]
    return "/".join(parts[:2]) if len(parts) > 2 else parts[0]


def read_house(root: Path) -> House:
    """Read every import of the suite's own source under a root."""
    paths = [root / "exogait.py"] if (root / "exogait.py").exists() else []
    paths += sorted((root / "exogait").glob("*.py"))
    for folder in ("exogait/cli", "exogait/junction", *PACKAGES):
        paths += sorted((root / folder).rglob("*.py"))
    sources = {path.relative_to(root).as_posix(): path.read_text(encoding="utf-8") for path in paths}
    modules = Modules({_dotted(file): file for file in sources}, _stubs(root, sources))
    imports, outside, reached = {}, {}, {}
    for file, text in sources.items():
        tree = ast.parse(text)
        found, others = _imports(file, tree, modules)
        imports[file], outside[file] = tuple(found), frozenset(others)
        reached[file] = tuple(_reached(tree))
    return House({file: text.count("\n") for file, text in sources.items()}, imports, outside, reached)


def _reached(tree: ast.AST) -> Iterator[str]:
    """Private attributes of what was imported from within the suite."""
    own = {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.level or (node.module or "").startswith("exogait"))
        for alias in node.names
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in own:
            if node.attr.startswith("_") and not node.attr.startswith("__"):
                yield f"{node.value.id}.{node.attr}"


def _dotted(file: str) -> str:
    """Dotted name of a file, as imports give it: the four folders are packages of exogait."""
    name = file.removesuffix(".py").replace("/", ".").removesuffix(".__init__")
    return name if name.split(".")[0] == "exogait" else f"exogait.{name}"


@dataclass(frozen=True)
class Modules:
    """Where names live."""

    files: Mapping[str, str]
    """Dotted name of a module to its file."""
    stubs: Mapping[str, Mapping[str, tuple[str, str]]]
    """Package that loads its names on first use to each name's module and name there."""

    def home(self, module: str, name: str | None) -> tuple[str, str | None] | None:
        """File that a name, or a module without, comes from; None where it is not ours."""
        while name is not None:
            if f"{module}.{name}" in self.files:
                module, name = f"{module}.{name}", None
            elif name in self.stubs.get(module, ()):
                module, name = self.stubs[module][name]
            else:
                break
        return (self.files[module], name) if module in self.files else None


def _stubs(root: Path, files: Iterable[str]) -> dict[str, dict[str, tuple[str, str]]]:
    """What the ``__init__.pyi`` beside each ``__init__.py`` says."""
    found: dict[str, dict[str, tuple[str, str]]] = {}
    for file in files:
        stub = (root / file).with_suffix(".pyi")
        if file.endswith("__init__.py") and stub.exists():
            names = found[_dotted(file)] = {}
            for node in ast.parse(stub.read_text(encoding="utf-8")).body:
                if isinstance(node, ast.ImportFrom) and node.level == 1 and node.module:
                    module = f"{_dotted(file)}.{node.module}"
                    names |= {alias.asname or alias.name: (module, alias.name) for alias in node.names}
    return found


def _imports(file: str, tree: ast.AST, modules: Modules) -> tuple[list[Import], set[str]]:
    found: list[Import] = []
    others: set[str] = set()
    whole: dict[str, str] = {}
    package = _dotted(file).split(".")
    if not file.endswith("__init__.py"):
        package = package[:-1]

    def take(module: str, name: str | None, line: int) -> None:
        home = modules.home(module, name)
        if home is None:
            others.add(module.split(".")[0])
        else:
            found.append(Import(*home, line))

    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                top = alias.name.split(".")[0]
                module = f"exogait.{alias.name}" if top in PACKAGES else alias.name
                take(module, None, node.lineno)
                whole[alias.asname or alias.name] = module
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                base = package[: len(package) - node.level + 1]
                module = ".".join(base + (node.module.split(".") if node.module else []))
            else:
                module = node.module or ""
                module = f"exogait.{module}" if module.split(".")[0] in PACKAGES else module
            for alias in node.names:
                take(module, alias.name, node.lineno)
                whole[alias.asname or alias.name] = f"{module}.{alias.name}"
    for node in ast.walk(tree):  # models.build() of a package that was imported whole
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name | ast.Attribute):
            owner = whole.get(ast.unparse(node.value), "")
            if node.attr in modules.stubs.get(owner, ()):
                take(owner, node.attr, node.lineno)
    return found, others


def _components(nodes: Iterable[str], arrows: set[tuple[str, str]]) -> list[list[str]]:
    """Strongly connected components (Tarjan)."""
    after: dict[str, list[str]] = {node: [] for node in nodes}
    for source, target in arrows:
        if source in after and target in after:
            after[source].append(target)
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    groups: list[list[str]] = []

    def visit(node: str) -> None:
        index[node] = low[node] = len(index)
        stack.append(node)
        for other in after[node]:
            if other not in index:
                visit(other)
                low[node] = min(low[node], low[other])
            elif other in stack:
                low[node] = min(low[node], index[other])
        if low[node] == index[node]:
            group: list[str] = []
            while not group or group[-1] != node:
                group.append(stack.pop())
            groups.append(group)

    for node in after:
        if node not in index:
            visit(node)
    return groups


def _depth(nodes: Iterable[str], arrows: set[tuple[str, str]]) -> int:
    """Floors of a hall: the longest chain of imports in it, circles taken as one."""
    group_of = {node: k for k, group in enumerate(_components(nodes, arrows)) for node in group}
    after: dict[int, set[int]] = {}
    for source, target in arrows:
        if source in group_of and target in group_of and group_of[source] != group_of[target]:
            after.setdefault(group_of[source], set()).add(group_of[target])
    known: dict[int, int] = {}

    def height(k: int) -> int:
        if k not in known:
            known[k] = 1 + max((height(other) for other in after.get(k, ())), default=0)
        return known[k]

    return max((height(k) for k in set(group_of.values())), default=0)


def _rows(house: House) -> Iterator[tuple[str, str]]:
    for hall in ("analysis", "osim_env"):
        files = [file for file in house.files if file.startswith(f"{hall}/")]
        level: dict[str, int] = {}
        for file in files:
            level[file.rpartition("/")[0]] = level.get(file.rpartition("/")[0], 0) + 1
        entries = {_entry(file, hall) for file in files}
        arrows = {
            (_entry(a, hall), _entry(b, hall))
            for a, b in house.file_arrows(f"{hall}/")
            if not b.endswith("__init__.py") or b.count("/") > 1
        }
        arrows = {(a, b) for a, b in arrows if a != b and a in entries and b in entries}
        yield f"`{hall}/`: modules and rooms on its first level", str(len(entries))
        yield f"`{hall}/`: most modules in one folder", str(max(level.values()))
        yield f"`{hall}/`: floors of the first level", str(_depth(entries, arrows))
        yield f"`{hall}/`: arrows between them", str(len(arrows))
    yield "circles of files", str(len(house.circles()))
    engine = [n for file, n in house.lines.items() if file.startswith("osim_env/engine/")]
    longest = max((n, file) for file, n in house.lines.items() if not file.startswith("osim_env/engine/"))
    yield "longest file, lines", f"{longest[0]} (`{longest[1]}`)"
    yield "longest file of the engine, lines", str(max(engine))
    yield "files over 500 lines, those of the engine included", str(sum(n > 500 for n in house.lines.values()))
    private = sum(
        item.name is not None and item.name.startswith("_") and not item.name.startswith("__")
        for items in house.imports.values()
        for item in items
    )
    yield "private names imported from another file", str(private)


def _entry(file: str, hall: str) -> str:
    """What stands on the first level of a hall: a room, or a module that is in none."""
    return "/".join(file.split("/")[:2])


def read_revision(revision: str) -> House:
    """The house as it was at a revision of the repository."""
    archive = subprocess.run(["git", "archive", revision], cwd=ROOT, capture_output=True, check=True).stdout
    with tempfile.TemporaryDirectory() as folder:
        with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
            tar.extractall(folder, filter="data")
        return read_house(Path(folder))


def floors_table() -> str:
    """The floors from the top down, as docs/architecture.md shows them."""
    rows = [f"| {k} | {', '.join(f'`{room}`' for room in floor)} |" for k, floor in reversed([*enumerate(FLOORS)])]
    return "\n".join(["| floor | rooms |", "|---|---|", *rows]) + "\n"


def wings_table() -> str:
    """What lives where, as CONTRIBUTING.md shows it."""
    lines = ["| floor | room | what lives there |", "|---|---|---|"]
    for wing, text in WINGS.items():
        own = [(k, room) for k, floor in enumerate(FLOORS) for room in floor if f"{room}/".startswith(f"{wing}/")]
        floors = sorted({k for k, _ in own})
        rooms = [f"`{room.removeprefix(f'{wing}/')}`" for _, room in own if room != wing]
        span = str(floors[0]) if len(floors) == 1 else f"{floors[0]} to {floors[-1]}"
        lines.append(f"| {span} | `{wing}` | {text}{': ' if rooms else ''}{', '.join(rooms)} |")
    return "\n".join(lines) + "\n"


def between(text: str, block: str, inside: str | None = None) -> tuple[str, str]:
    """What stands between a block's marks, and the text with something else there.

    Raises:
        ValueError: The text has no such marks.
    """
    start, end = f"<!-- {block}: begin -->\n", f"<!-- {block}: end -->"
    head, found_start, rest = text.partition(start)
    old, found_end, tail = rest.partition(end)
    if not found_start or not found_end:
        raise ValueError(f"no block {block!r}")
    return old, head + start + (old if inside is None else inside) + end + tail


def main() -> None:
    """Write the tables into docs/architecture.md and CONTRIBUTING.md."""
    before, now = dict(_rows(read_revision(BEFORE))), dict(_rows(read_house(ROOT)))
    measured = ["| | before | now |", "|---|---|---|"] + [f"| {row} | {before[row]} | {now[row]} |" for row in now]
    for page, block, table in (
        (ROOT / "docs" / "architecture.md", "house", "\n".join(measured) + "\n"),
        (ROOT / "docs" / "architecture.md", "floors", floors_table()),
        (ROOT / "CONTRIBUTING.md", "floors", wings_table()),
    ):
        page.write_text(between(page.read_text(encoding="utf-8"), block, table)[1], encoding="utf-8")
        print(table)


if __name__ == "__main__":
    main()
