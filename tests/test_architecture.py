"""Imports point one way: exogait -> (osim_env, analysis) -> (models, data)."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ALLOWED = {
    "data": {"data", "models"},
    "models": {"data", "models"},
    "analysis": {"analysis", "data", "models"},
    "osim_env": {"osim_env", "data", "models"},
}
OURS = set(ALLOWED) | {"exogait", "tests"}


def imported_packages(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            found.add(node.module.split(".")[0])
    return found


@pytest.mark.parametrize("package", sorted(ALLOWED))
def test_imports_point_one_way(package: str) -> None:
    wrong = {
        str(path.relative_to(ROOT)): sorted(extra)
        for path in (ROOT / package).rglob("*.py")
        if (extra := (imported_packages(path) & OURS) - ALLOWED[package])
    }
    assert not wrong


def test_engine_kernels_import_no_opensim() -> None:
    """Only the compiler and the OpenSim engine may touch opensim; the kernels import numpy and numba alone."""
    readers = {"compiler.py", "opensim_engine.py", "verify.py"}
    for path in (ROOT / "osim_env" / "engine").glob("*.py"):
        if path.name not in readers:
            assert "opensim" not in imported_packages(path), path.name
