"""Damaged files: a short run with no finding, and proof that the run would find what it looks for."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from exogait.analysis.made_up.person import make_synthetic_trial
from exogait.data.errors import FileFormatError, InputError
from tests.analysis.c3d.test_c3d import small_file
from tests.fuzz import damage as module
from tests.fuzz.damage import SEED_BYTES, fuzz, mutate

ROOT = Path(__file__).parents[2]


@pytest.fixture
def seeds(tmp_path: Path) -> list[Path]:
    files = {
        "walk.c3d": small_file(n_frames=30, labels=("RHEE", "LHEE", "RTOE", "LTOE", "SACR")),
        "walk.trc": b"PathFileType\t4\t(X/Y/Z)\twalk.trc\nDataRate\tCameraRate\tNumFrames\tNumMarkers\tUnits\t"
        b"OrigDataRate\tOrigDataStartFrame\tOrigNumFrames\n100\t100\t2\t1\tmm\t100\t1\t2\nFrame#\tTime\tRHEE\t\t\n\t\tX1\tY1\tZ1\n\n"
        b"1\t0.0\t1\t2\t3\n2\t0.01\t1\t2\t3\n",
        "walk.mot": b"Coordinates\nversion=1\nnRows=2\nnColumns=2\ninDegrees=yes\nendheader\ntime\ta\n0\t1\n0.1\t2\n",
        "hand.csv": b"what,side,time,plate\nheel_strike,r,0.5,\nplate,l,1.0,2\n",
    }
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    return [tmp_path / name for name in files]


def test_short_run_finds_nothing(seeds: list[Path]):
    begin = time.process_time()
    report = fuzz(seeds, 3000, seed=11, deep=0.05)
    busy = time.process_time() - begin
    assert report.findings == (), report.findings[:3]
    assert report.files == 3000 == report.loaded + report.rejected
    assert report.loaded > 300 and report.rejected > 300
    assert report.slowest < 5.0 and report.peak_memory < 1 << 30
    # 200,000 files in 20 minutes are 167 a second; processor time, so that a busy machine does not decide.
    assert report.files / busy > 167
    assert report.rate > 0
    assert "no finding" in report.describe()


def test_short_run_on_the_odd_files(real_data: Path):
    files = [p for p in (real_data / "edge_c3d").rglob("*") if p.suffix.lower() == ".c3d" and p.stat().st_size]
    files += sorted((real_data / "edge_trc").glob("*.trc"))
    report = fuzz(files, 3000, seconds=30, seed=12)
    assert report.findings == (), report.findings[:3]


def test_same_seed_repeats_the_run(seeds: list[Path]):
    first, second = (fuzz(seeds[:1], 200, seed=3, deep=0) for _ in range(2))
    assert (first.loaded, first.rejected) == (second.loaded, second.rejected)


@pytest.mark.parametrize(
    ("misdeed", "problem"),
    [
        (lambda *a, **k: 1 / 0, "crash"),
        (lambda *a, **k: np.zeros(1 << 29, dtype=np.float64), "memory"),
        (lambda *a, **k: time.sleep(5), "hang"),
    ],
)
def test_it_would_be_found(seeds: list[Path], monkeypatch: pytest.MonkeyPatch, misdeed, problem: str, tmp_path: Path):
    monkeypatch.setattr(module, "HANG_SECONDS", 0.2)

    def reader(data: bytes, *args: object, **kwargs: object):
        return misdeed()

    monkeypatch.setattr(module, "parse_c3d", reader)
    report = fuzz(seeds[:1], 3, seed=1, keep=tmp_path / "kept")
    assert [f.problem for f in report.findings] == [problem] * 3
    assert len(list((tmp_path / "kept").iterdir())) == 3
    assert "3 finding(s)" in report.describe()


class Rambling(FileFormatError):
    """The suite's own errors put themselves on one line; this one does not."""

    def __str__(self) -> str:
        return "one\ntwo"


def test_errors_of_several_lines_are_found(seeds: list[Path], monkeypatch: pytest.MonkeyPatch):
    def reader(data: bytes, *args: object, **kwargs: object):
        raise Rambling("x", "a problem")

    monkeypatch.setattr(module, "parse_c3d", reader)
    assert fuzz(seeds[:1], 1).findings[0].problem == "message"


def test_mutations_damage_and_stay_small():
    rng = np.random.default_rng(0)
    data = bytes(range(256)) * (SEED_BYTES // 256)
    damaged = [mutate(data, rng, others=[data]) for _ in range(300)]
    assert all(len(d) <= SEED_BYTES * 5 // 4 for d in damaged)
    assert sum(d != data for d in damaged) > 290
    assert mutate(b"", rng) == b""


def test_seeds_are_needed(tmp_path: Path):
    with pytest.raises(InputError):
        fuzz([tmp_path / "absent.c3d"], 1)


def test_the_command_runs(tmp_path: Path) -> None:
    person = make_synthetic_trial(tmp_path / "synthetic", seed=3, n_cycles=2, cycle=1.0)
    result = subprocess.run(
        [sys.executable, "-m", "tests.fuzz", str(person.walk.parent), "--files", "50"],
        capture_output=True, text=True, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, timeout=300,
    )  # fmt: skip
    assert result.returncode == 0 and "no finding" in result.stdout
