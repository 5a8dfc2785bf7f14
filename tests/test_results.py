"""The study behind docs/results.md runs on the committed policies, in its short version."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from osim_env.policy import POLICY_FOLDER

ROOT = Path(__file__).parents[1]


def test_assistance_is_measured_from_the_committed_policies(tmp_path: Path) -> None:
    if not (POLICY_FOLDER / "hip_ankle" / "1-healthy_device.json").is_file():
        pytest.fail("the policies of the study hip_ankle are missing")
    before = (ROOT / "docs" / "results.md").read_bytes()
    run = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks", "assistance"], cwd=ROOT, capture_output=True, text=True, timeout=900,
        env={**os.environ, "EXOGAIT_SHORT": "1", "EXOGAIT_RESULTS": str(tmp_path)}, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr[-2000:]
    for title in ("Metabolic power over speed", "Torque against people", "One-sided weakness", "Clinical signs"):
        assert title in run.stdout
    assert "nothing here is a result" in run.stdout
    assert (ROOT / "docs" / "results.md").read_bytes() == before
