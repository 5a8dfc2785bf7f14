"""Extras: a missing one is told with its pip line, before any work and without importing anything."""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

import pytest

from exogait.data.errors import MissingDependencyError, UnknownNameError
from exogait.data.extras import EXTRAS, require_extra


def test_a_missing_package_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("torch", "cma"):
        monkeypatch.setitem(sys.modules, module, None)
    assert {"torch", "cma"} <= set(EXTRAS["learn"].missing)
    with pytest.raises(MissingDependencyError, match=r'training needs .*torch.*cma; .*pip install "exogait\[learn\]"'):
        require_extra("learn", "training")
    with pytest.raises(MissingDependencyError, match=r"learning \(train"):
        require_extra("learn")


def test_what_only_helps_is_not_required(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    assert EXTRAS["learn"].missing_helpful == ("tensorboard",)
    assert "tensorboard" not in EXTRAS["learn"].missing


def test_the_table_is_that_of_the_installation() -> None:
    """Of every extra that both name; ``dev`` and the like are no business of a user's."""
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    both = EXTRAS.keys() & project["optional-dependencies"].keys()
    assert {"video", "spm", "ray", "notebooks"} <= both
    for name in both:
        told = {re.split(r"[<>=\[;]", item)[0].strip() for item in project["optional-dependencies"][name]}
        assert told == set(EXTRAS[name].packages), name


def test_an_unknown_extra_lists_the_known() -> None:
    with pytest.raises(UnknownNameError, match="video"):
        require_extra("film")
