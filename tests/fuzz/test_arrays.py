"""Damaged files of numbers: a short run with no finding, and proof that the run would find what it looks for."""

from __future__ import annotations

import numpy as np
import pytest

from tests.fuzz import arrays as module
from tests.fuzz.arrays import fuzz_arrays
from tests.fuzz.mutations import damage_bytes, damage_json, damage_tensors

KINDS = ("model", "cache", "policy", "reference", "strategies", "trial", "table")


def test_short_run_finds_nothing() -> None:
    counts = fuzz_arrays(2000, seed=16, seconds=30.0, kinds=KINDS)
    assert counts.misbehaved == 0, counts.findings[:3]
    assert counts.inputs > 30
    outcomes = {outcome for _, outcome in counts.outcome}
    assert outcomes == {"loaded", "refused"}
    assert counts.memory < 1 << 30 and counts.slowest < 5.0
    assert f"| all | {counts.inputs} |" in counts.table() and "0 misbehaved" in counts.describe()


@pytest.mark.parametrize("misdeed", ["crash", "hang", "memory", "exception"])
def test_it_would_be_found(misdeed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if misdeed == "hang":
        monkeypatch.setattr(module, "SECONDS", 1.0)
    counts = fuzz_arrays(1, kinds=(misdeed,))
    assert dict(counts.outcome) == {(misdeed, misdeed): 1}
    assert counts.findings[0].startswith(f"{misdeed} #0 {misdeed}")


def test_the_same_seed_repeats_the_run() -> None:
    first, second = (fuzz_arrays(25, seed=3, kinds=("policy", "reference")) for _ in range(2))
    assert (first.outcome, first.damage) == (second.outcome, second.damage)


def test_damage_is_damage() -> None:
    rng = np.random.default_rng(0)
    data = bytes(range(256)) * 20
    assert sum(damage_bytes(data, rng)[1] != data for _ in range(200)) > 150
    text = '{"a": [1.0, 2.0], "b": {"c": "d"}}'
    assert all(isinstance(damage_json(text, rng)[1], bytes) for _ in range(200))
    header = b'{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}  '
    tensors = len(header).to_bytes(8, "little") + header + bytes(8)
    assert all(isinstance(damage_tensors(tensors, rng)[1], bytes) for _ in range(200))
