"""Validation studies: ``python -m tests.benchmarks [model] [twin] [lab]`` rewrites their part of docs/validation.md."""

from __future__ import annotations

import importlib
import sys

STUDIES = ("model", "twin", "lab")


def main(names: list[str]) -> None:
    """Run the named studies, all of them without a name."""
    for name in names or STUDIES:
        if name not in STUDIES:
            sys.exit(f"unknown study {name!r}; known: {', '.join(STUDIES)}")
        importlib.import_module(f"tests.benchmarks.validate_{name}").main()


if __name__ == "__main__":
    main(sys.argv[1:])
