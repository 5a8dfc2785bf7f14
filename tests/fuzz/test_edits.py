"""A handful of random edits of a model; ``python -m tests.fuzz.edits 60`` makes more."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fuzz.edits import judge
from tests.kit.models_for_tests import wrapping


@pytest.fixture(scope="module")
def base(tmp_path_factory) -> Path:
    return wrapping(tmp_path_factory.mktemp("edits") / "base.osim", seed=2)


@pytest.mark.parametrize("seed", range(12))
def test_an_edited_model_is_equal_or_refused_by_name(base, tmp_path, seed):
    outcome = judge(base, tmp_path, seed)
    assert outcome.fine, outcome
