"""The project's own files agree with one another."""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]
LEARN_ALONE = {"torch", "stable-baselines3", "cma", "tensorboard"}


def requirements(extra: str) -> Iterator[str]:
    """What an extra asks for, with what the extras that it names ask for."""
    for item in EXTRAS[extra]:
        if nested := re.fullmatch(r"exogait\[(.+)\]", item):
            for name in nested[1].split(","):
                yield from requirements(name)
        else:
            yield item


def package(requirement: str) -> str:
    return re.split(r"[\[<>=!~ ]", requirement)[0].lower().replace("_", "-")


def test_environment_yml_equals_dependencies_and_all() -> None:
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    python = next(item for item in environment["dependencies"] if isinstance(item, str) and item.startswith("python"))
    packages = next(item["pip"] for item in environment["dependencies"] if isinstance(item, dict))
    assert python == "python" + PROJECT["requires-python"]
    assert sorted(packages) == sorted([*PROJECT["dependencies"], *requirements("all")])


def test_the_base_install_learns_nothing() -> None:
    assert not LEARN_ALONE & {package(item) for item in PROJECT["dependencies"]}
    assert {package(item) for item in requirements("learn")} == LEARN_ALONE


def test_all_holds_every_extra_of_a_user() -> None:
    everything = set(requirements("all"))
    for extra in set(EXTRAS) - {"docs", "dev"}:
        assert set(requirements(extra)) <= everything, extra
    assert everything <= set(requirements("dev"))


def test_ranges_in_pyproject_and_pins_in_constraints() -> None:
    wanted = [*PROJECT["dependencies"], *requirements("dev")]
    pins = {
        package(line): line.split("==")[1]
        for line in (ROOT / "constraints.txt").read_text().splitlines()
        if "==" in line and not line.startswith("#")
    }
    assert not [item for item in wanted if "==" in item]
    assert {package(item) for item in wanted} <= set(pins)
    assert pins["torch"] == "2.13.0"


def closure(extra: str) -> dict[str, str]:
    """Everything that an extra brings, by what is installed here: package to its version."""
    found: dict[str, str] = {}
    todo = [Requirement(item) for item in (*PROJECT["dependencies"], *requirements(extra))]
    done: set[tuple[str, str]] = set()
    while todo:
        wanted = todo.pop()
        name = canonicalize_name(wanted.name)
        for of in ("", *wanted.extras):
            if (name, of) not in done:
                done.add((name, of))
                found[name] = metadata.version(name)
                asked = map(Requirement, metadata.requires(name) or ())
                todo += [item for item in asked if item.marker is None or item.marker.evaluate({"extra": of})]
    return found


@pytest.mark.skipif(
    sys.version_info[:2] != (3, 11) or not sys.platform.startswith("linux"), reason="pins are of Python 3.11 on Linux"
)
def test_pins_are_what_the_extras_bring_and_nothing_else() -> None:
    """Every package has its pin, every pin its package; the libraries of a torch for GPUs are not pinned."""
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pins = {canonicalize_name(n): v for n, v in (line.split("==") for line in lines if not line.startswith("#"))}
    brought = {n: v for n, v in closure("dev").items() if not n.startswith(("nvidia-", "cuda-", "triton"))}
    if other := [f"{n} {v}" for n, v in brought.items() if v.split("+")[0] != pins.get(n, v.split("+")[0])]:
        pytest.skip(f"not the pinned versions, which may ask for other packages: {', '.join(other)}")
    assert set(pins) == set(brought)


def test_version_is_told_once() -> None:
    import exogait

    assert exogait.__version__ == PROJECT["version"]
    assert yaml.safe_load((ROOT / "CITATION.cff").read_text())["version"] == PROJECT["version"]
