"""The command line where some packages are not installed: ``python -m tests.kit.missing torch,cma simulate ...``."""

from __future__ import annotations

import sys
from typing import Any


class _Finder:
    """A finder of modules that does not see some packages; all else it asks the finder behind it."""

    def __init__(self, behind: Any, hidden: frozenset[str]) -> None:
        self._behind, self._hidden = behind, hidden

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        return None if name.split(".")[0] in self._hidden else self._behind.find_spec(name, path, target)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._behind, name)


def hide(*packages: str) -> None:
    """From now on these packages are not there. (``sys.modules[name] = None`` would not do: tyro looks in there.)"""
    there = {name.split(".")[0] for name in sys.modules} & set(packages)
    assert not there, f"imported already: {there}"
    sys.meta_path[:] = [_Finder(finder, frozenset(packages)) for finder in sys.meta_path]


if __name__ == "__main__":
    hide(*sys.argv[1].split(","))
    from exogait.cli.main import main

    sys.argv = ["exogait", *sys.argv[2:]]
    main()
