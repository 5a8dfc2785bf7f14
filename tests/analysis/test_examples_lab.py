"""The examples in the docstrings of the laboratory modules run and give what they say."""

from __future__ import annotations

import doctest
import importlib

import pytest

MODULES = (
    "compare", "emg", "events", "filters", "force_plates", "gait_cycle", "marker_roles", "plate_strikes", "symmetry",
)  # fmt: skip


@pytest.mark.parametrize("name", MODULES)
def test_docstring_examples(name: str) -> None:
    result = doctest.testmod(importlib.import_module(f"analysis.{name}"))
    assert result.attempted > 0
    assert result.failed == 0
