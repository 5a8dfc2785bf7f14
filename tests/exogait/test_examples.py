"""Every example in a docstring is executed."""

from __future__ import annotations

import doctest
import importlib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("analysis", "data", "models", "osim_env")
MODULES = sorted(
    "exogait." + ".".join(path.relative_to(ROOT).with_suffix("").parts)
    for package in PACKAGES
    for path in (ROOT / package).rglob("*.py")
    if ">>>" in path.read_text(encoding="utf-8") and path.name != "__init__.py"
)


@pytest.mark.parametrize("name", MODULES)
def test_examples(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    module = importlib.import_module(name)
    result = doctest.testmod(module, extraglobs={"pd": importlib.import_module("pandas")})
    assert result.attempted > 0 or "+SKIP" in Path(str(module.__file__)).read_text(encoding="utf-8")
    assert result.failed == 0
    assert not list(tmp_path.iterdir()), "an example left a file behind"
