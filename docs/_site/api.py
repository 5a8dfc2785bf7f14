"""Pages of the Python reference: one for each room, from the names that the packages' stubs list.

A hook of mkdocs: the pages and their place in the navigation are made when the site is built. A name that is listed in
a package's ``__init__.pyi`` is on its page; nobody writes a list by hand.
"""

from __future__ import annotations

import ast
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parents[2]
HOUSE = ROOT / "exogait"
"""Where the packages are imported from: links in a checkout, folders in a distribution."""
PACKAGES = ("data", "models", "analysis", "osim_env")


def public_names() -> dict[str, list[str]]:
    """Room to the paths of its public names, as they are imported.

    ``exogait`` holds the verbs of the top level, a package with one floor is one room; ``analysis`` and ``osim_env``
    have a room for each folder.
    """
    rooms: dict[str, list[str]] = {"exogait": []}
    stubs = [stub for package in PACKAGES for stub in sorted((HOUSE / package).rglob("__init__.pyi"))]
    for stub in [HOUSE / "__init__.pyi", *stubs]:
        package = ".".join(stub.parent.relative_to(HOUSE.parent).parts)
        for node in ast.parse(stub.read_text(encoding="utf-8")).body:
            if not isinstance(node, ast.ImportFrom) or not node.module:
                continue
            module = node.module if node.level == 0 else f"{package}.{node.module}"
            parts = module.split(".")[1:]
            nested = len(parts) > 2 and parts[0] in ("analysis", "osim_env")
            room = "exogait" if package == "exogait" else "/".join(parts[: 2 if nested else 1])
            rooms.setdefault(room, []).extend(f"{package}.{alias.asname or alias.name}" for alias in node.names)
    return {room: sorted(names) for room, names in rooms.items() if names}


def title_of(room: str) -> str:
    """The room's import path."""
    return room if room == "exogait" else "exogait." + room.replace("/", ".")


def page_of(room: str) -> str:
    """The page's path below the documentation folder."""
    return f"reference/api/{room.replace('/', '-')}.md"


def text_of(room: str, names: list[str]) -> str:
    """The page: what the room is for, and one entry for each of its names."""
    folder = HOUSE if room == "exogait" else HOUSE / room
    about = ast.get_docstring(ast.parse((folder / "__init__.py").read_text(encoding="utf-8"))) or ""
    if room == "exogait":
        about = "What `import exogait as eg` offers at once; the packages below hold the rest."
    entries = "\n\n".join(f"::: {path}" for path in names)
    return f"# {title_of(room)}\n\n{about}\n\n{entries}\n"


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """List the pages under Reference."""
    pages = [{title_of(room): page_of(room)} for room in public_names()]
    for section in config.nav or []:
        if isinstance(section, dict) and "Reference" in section:
            section["Reference"].append({"Python": pages})
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages."""
    for room, names in public_names().items():
        files.append(File.generated(config, page_of(room), content=text_of(room, names)))
    return files
