"""The examples in the docstrings run and give what they say."""

from __future__ import annotations

import doctest
import importlib

import pytest


@pytest.mark.parametrize(
    "name",
    [
        "data.metabolics", "data.norms", "data.registry", "data.storage", "data.trc", "data.trial",
        "analysis.joint_power", "analysis.marker_map", "analysis.metabolics",
    ],
)  # fmt: skip
def test_docstring_examples(name: str) -> None:
    result = doctest.testmod(importlib.import_module(name))
    assert result.attempted > 0
    assert result.failed == 0
