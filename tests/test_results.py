"""The study behind docs/results.md runs on the committed policies, in its short version."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from exogait.osim_env.learning.policy import POLICY_FOLDER
from tests.validation.assistance_tolerance import STRENGTHS, severe, severe_after

ROOT = Path(__file__).parents[1]


def test_assistance_is_measured_from_the_committed_policies(tmp_path: Path) -> None:
    if not (POLICY_FOLDER / "hip_ankle" / "1-healthy_device.json").is_file():
        pytest.fail("the policies of the study hip_ankle are missing")
    before = (ROOT / "docs" / "results.md").read_bytes()
    run = subprocess.run(
        [sys.executable, "-m", "tests.validation", "assistance"], cwd=ROOT, capture_output=True, text=True, timeout=900,
        env={**os.environ, "EXOGAIT_SHORT": "1", "EXOGAIT_RESULTS": str(tmp_path)}, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr[-2000:]
    for title in ("Metabolic power over speed", "Torque against people", "One-sided weakness", "Clinical signs"):
        assert title in run.stdout
    assert "nothing here is a result" in run.stdout
    assert (ROOT / "docs" / "results.md").read_bytes() == before


def test_severity_is_the_weakest_strength_before_the_first_fall_and_a_search_may_lower_it() -> None:
    def walks(deficit: str, fallen: dict[float, int]) -> pd.DataFrame:
        rows = [
            (deficit, strength, seed, seed <= fallen.get(strength, 0)) for strength in STRENGTHS for seed in (1, 2, 3)
        ]
        return pd.DataFrame(rows, columns=["deficit", "strength", "seed", "fell"])

    plain = pd.concat([walks("a", {40.0: 1, 30.0: 0, 25.0: 3}), walks("b", {})])
    assert severe(plain) == {"a": 50.0, "b": 10.0}
    searched = walks("a", {20.0: 2})
    searched = searched[(searched["strength"] < 50) & (searched["strength"] >= 20)]
    assert severe_after(plain, searched) == {"a": 25.0, "b": 10.0}
    assert severe_after(plain, searched[searched["strength"] > 40]) == {"a": 50.0, "b": 10.0}
