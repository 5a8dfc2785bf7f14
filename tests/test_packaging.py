"""The project's own files agree with one another."""

from __future__ import annotations

import tomllib
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def test_environment_yml_equals_pyproject() -> None:
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    python = next(item for item in environment["dependencies"] if isinstance(item, str) and item.startswith("python"))
    packages = next(item["pip"] for item in environment["dependencies"] if isinstance(item, dict))
    assert python == "python" + PROJECT["requires-python"]
    assert sorted(packages) == sorted(PROJECT["dependencies"])


def test_every_dependency_is_pinned() -> None:
    pins = {
        line.split("==")[0].lower().replace("_", "-")
        for line in (ROOT / "constraints.txt").read_text().splitlines()
        if "==" in line
    }
    names = {item.split(">")[0].split("=")[0].split("[")[0].lower() for item in PROJECT["dependencies"]}
    assert names <= pins


def test_version_is_told_once() -> None:
    import exogait

    assert exogait.__version__ == PROJECT["version"]
    assert yaml.safe_load((ROOT / "CITATION.cff").read_text())["version"] == PROJECT["version"]
