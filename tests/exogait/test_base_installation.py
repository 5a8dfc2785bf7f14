"""The base installation: laboratory, models, engine and walks of finished policies; the rest says what it needs.

The packages of every extra are hidden in processes of their own.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from exogait.data import GaitTrial
from exogait.data.extras import EXTRAS
from exogait.junction.simulate import SimulateRequest, simulate

ROOT = Path(__file__).parents[2]
HIDDEN = ",".join(
    module for name, extra in EXTRAS.items() if name != "notebooks"
    for module in (*extra.modules.values(), *extra.helpful.values())
)  # fmt: skip
LAB = ("lab.run", "lab.batch", "lab.muscles", "report.trial", "report.study", "report.comparison", "gait.agreement")
SIMULATION = (
    "engine.verify", "learning.simulation", "learning.config", "learning.run", "learning.gait_env",
    "learning.outside.recruitment_env", "study.run",
    "study.walks", "study.search", "viewing.replay_page", "viewing.video", "controller.loop",
)  # fmt: skip


def python(*arguments: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, cwd=cwd, env=environment, timeout=300
    )


def without_extras(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return python("-m", "tests.kit.missing", HIDDEN, *arguments, cwd=cwd)


def test_modules_of_the_base_load() -> None:
    names = [f"exogait.analysis.{name}" for name in LAB] + [f"exogait.osim_env.{name}" for name in SIMULATION]
    code = f"from tests.kit.missing import hide; hide(*{HIDDEN.split(',')!r}); import {', '.join(names)}"
    result = python("-c", code)
    assert result.returncode == 0, result.stderr


def test_a_policy_walks_as_it_does_with_everything_installed(tmp_path: Path) -> None:
    pair = ("steady/generalist_1_human", "--device-policy", "steady/generalist_1_device")
    result = without_extras("simulate", *pair, "--seconds", "0.5", "--seed", "4", "--out", "walk", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    walked = GaitTrial.read_parquet(tmp_path / "walk" / "trial")
    import torch  # noqa: F401  (with it here, and its threads)

    request = SimulateRequest(pair[0], tmp_path / "here", device_policy=pair[2], seconds=0.5, seed=4)
    here = simulate(request).trial
    for table in ("coordinates", "device_torques", "generalized_forces"):
        np.testing.assert_array_equal(walked.require(table).to_numpy(), here.require(table).to_numpy())
    assert (tmp_path / "walk" / "report.html").is_file()


@pytest.mark.parametrize(
    ("arguments", "extra"),
    [
        (["train", "healthy", "--out", "t"], "learn"),
        (["study", "hip_ankle", "--out", "s"], "learn"),
        (["study", "hip_ankle", "--policies", "steady", "--backend", "ray", "--out", "s"], "ray"),
        (["personalize", "--lab", "l", "--out", "p"], "learn"),
        (["demo", "--out", "d"], "learn"),
        (["controller", "steady/generalist_1_device", "--out", "c"], "controller"),
        (["video", "walk", "walk.mp4"], "video"),
    ],
)
def test_what_needs_an_extra_says_so_before_any_work(arguments: list[str], extra: str, tmp_path: Path) -> None:
    result = without_extras(*arguments, cwd=tmp_path)
    assert result.returncode == 2
    assert len(result.stderr.strip().splitlines()) == 1 and f'pip install "exogait[{extra}]"' in result.stderr
    assert not list(tmp_path.iterdir())
