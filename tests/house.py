"""The house: who lives where and who imports whom, measured from the source.

``python -m tests.house`` writes the table of docs/architecture.md, before (the revision named there) and now;
``tests/test_house.py`` holds the rules. Every import counts: at the top of a file, inside a function and under
``TYPE_CHECKING``. Nothing is imported to measure it.
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
    ("osim_env/excitation", "osim_env/viewing"),
    ("analysis/signals", "analysis/outcomes", "osim_env/learning"),
    ("analysis/opensim_tools", "analysis/report", "osim_env/controller"),
    ("analysis/lab", "osim_env/study"),
    ("analysis/made_up",),
    ("exogait/junction",),
    ("exogait/cli",),
)
"""Rooms from the ground up: a room imports from lower floors, never from its own floor's neighbours or from above."""


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
    modules = {_dotted(file): file for file in sources}
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


def _imports(file: str, tree: ast.AST, modules: Mapping[str, str]) -> tuple[list[Import], set[str]]:
    found: list[Import] = []
    others: set[str] = set()
    package = _dotted(file).split(".")
    if not file.endswith("__init__.py"):
        package = package[:-1]

    def take(module: str, name: str | None, line: int) -> None:
        if name is not None and f"{module}.{name}" in modules:
            found.append(Import(modules[f"{module}.{name}"], None, line))
        elif module in modules:
            found.append(Import(modules[module], name, line))
        else:
            others.add(module.split(".")[0])

    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                top = alias.name.split(".")[0]
                take(f"exogait.{alias.name}" if top in PACKAGES else alias.name, None, node.lineno)
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                base = package[: len(package) - node.level + 1]
                module = ".".join(base + (node.module.split(".") if node.module else []))
            else:
                module = node.module or ""
                module = f"exogait.{module}" if module.split(".")[0] in PACKAGES else module
            for alias in node.names:
                take(module, alias.name, node.lineno)
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


def main() -> None:
    """Write the table, before and now, into docs/architecture.md."""
    before, now = dict(_rows(read_revision(BEFORE))), dict(_rows(read_house(ROOT)))
    table = ["| | before | now |", "|---|---|---|"] + [f"| {row} | {before[row]} | {now[row]} |" for row in now]
    page = ROOT / "docs" / "architecture.md"
    text = page.read_text(encoding="utf-8")
    start, end = "<!-- house: begin -->\n", "<!-- house: end -->"
    head, _, rest = text.partition(start)
    _, _, tail = rest.partition(end)
    page.write_text(head + start + "\n".join(table) + "\n" + end + tail, encoding="utf-8")
    print("\n".join(table))


if __name__ == "__main__":
    main()
