"""Package attributes that are imported on first use (PEP 562)."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any


def attach(package: str, exports: Mapping[str, Sequence[str]]) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Build the ``__getattr__`` and ``__dir__`` of a package whose names load lazily.

    Args:
        package: The package's ``__name__``.
        exports: Submodule name to the public names it defines; an empty sequence exports the submodule itself.

    Returns:
        The two functions to bind in the package's ``__init__``.
    """
    home = {name: module for module, names in exports.items() for name in names}
    modules = set(exports)

    def __getattr__(name: str) -> Any:
        if name in home:
            return getattr(importlib.import_module(f"{package}.{home[name]}"), name)
        if name in modules:
            return importlib.import_module(f"{package}.{name}")
        raise AttributeError(f"module {package!r} has no attribute {name!r}")

    def __dir__() -> list[str]:
        return sorted(home.keys() | modules)

    return __getattr__, __dir__
