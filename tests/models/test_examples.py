"""The examples in the docstrings run and give what they say."""

from __future__ import annotations

import doctest
import importlib

import pytest


@pytest.mark.parametrize("name", ["builder", "deficit", "describe", "device", "levers", "subject"])
def test_docstring_examples(name: str) -> None:
    result = doctest.testmod(importlib.import_module(f"models.{name}"))
    assert result.attempted > 0
    assert result.failed == 0
