"""``python -m tests.fuzz SEEDS --files 200000``: damage files at random and read them.

``python -m tests.fuzz kills --count 60`` ends trainings, studies and batches at random (see :mod:`tests.fuzz.kills`).
``python -m tests.fuzz arrays --count 20000`` does so with files of numbers (see :mod:`tests.fuzz.arrays`).
``python -m tests.fuzz hostile --count 2000`` does so with settings, names, options (see :mod:`tests.fuzz.hostile`).
"""

from __future__ import annotations

import sys
from pathlib import Path

import tyro
from tyro.conf import Positional

from tests.fuzz import arrays, kills
from tests.fuzz.damage import fuzz

SUFFIXES = (".c3d", ".trc", ".sto", ".mot", ".csv")


def main(
    seeds: Positional[Path],
    *,
    files: int = 20_000,
    seconds: float | None = None,
    seed: int = 0,
    keep: Path | None = None,
) -> None:
    """Damage files at random and read them: every one must load or give one clear line.

    Args:
        seeds: Folder of files to start from (.c3d, .trc, .sto, .mot, .csv).
        files: Number of damaged files.
        seconds: Longest time to spend.
        seed: Seed of the damage.
        keep: Folder for files that break a reader.
    """
    found = sorted(path for path in seeds.rglob("*") if path.suffix.lower() in SUFFIXES)
    report = fuzz(found, files, seconds, seed, keep=keep)
    print(report.describe())
    for finding in report.findings:
        print(f"{finding.problem:8s} {finding.seed} #{finding.number}: {finding.detail}")
    if report.findings:
        raise SystemExit(1)


if __name__ == "__main__":
    if sys.argv[1:2] == ["kills"]:
        tyro.cli(kills.main, prog="python -m tests.fuzz kills", args=sys.argv[2:])
    elif sys.argv[1:2] == ["arrays"]:
        tyro.cli(arrays.main, prog="python -m tests.fuzz arrays", args=sys.argv[2:])
    elif sys.argv[1:2] == ["hostile"]:
        tyro.cli(arrays.hostile, prog="python -m tests.fuzz hostile", args=sys.argv[2:])
    else:
        tyro.cli(main, prog="python -m tests.fuzz")
