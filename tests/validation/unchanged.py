"""Did a change of the house change a number? Walks, a lab result and ``verify``, at a revision and now, file by file.

``python -m tests.validation.unchanged REVISION`` checks the revision out beside this tree, lets both run the same
commands in fresh processes, and compares every file that they write: to the bit, else by the largest difference of its
numbers. Folders, dates, run times and digests of the source are no results and are taken out first; so are the names
that were given on purpose (``RENAMED``, ``ADDED``), and nothing else. With EXOGAIT_DATA the laboratory's walk is a
measured one, else one that is made up.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from tests.house import BEFORE, ROOT

WALKS = {
    "healthy": ["healthy", "--speed", "1.25", "--seconds", "6"],
    "assisted": [
        "hip_ankle/generalist_1_human", "--device", "hip_ankle", "--device-policy", "hip_ankle/1-healthy_device",
        "--speed", "1.0", "--seconds", "6",
    ],
    "weak": [
        "hip_ankle/generalist_2_human", "--device", "hip_ankle", "--deficit", "plantarflexors", "--strength", "50",
        "--speed", "1.0", "--seconds", "5",
    ],
}  # fmt: skip
"""Walks of committed policies."""
RENAMED = {"speed": "speed_measured", "commanded_speed": "speed_commanded"}
"""What a trial says about itself: the key of before and the one of now."""
ADDED = {"in_degrees", "units", "synthetic"}
"""Keys that a trial or its tables had not always; where both trees have one, its values are compared."""
TRIAL, README = "trial.json", "README.txt"
MANIFEST = ".exogait.json"
"""List of the files of a folder, with digests: of both trees, but neither is a result."""
NUMBER = re.compile(r"[-+]?(?:\d+\.\d*|\.\d+|\d+)(?:[eE][-+]?\d+)?")


@dataclass(frozen=True)
class Difference:
    """What became of one file."""

    file: str
    same_bits: bool
    largest: float
    """Largest difference of two of its numbers relative to their size; infinity where its words differ."""


def produce(tree: Path, out: Path) -> None:
    """Let one tree write its results."""
    environment = {**os.environ, "PYTHONPATH": str(tree)}

    def command(*words: str) -> str:
        line = [sys.executable, "-m", "exogait", *words]
        return subprocess.run(line, cwd=tree, env=environment, check=True, capture_output=True, text=True).stdout

    out.mkdir(parents=True)
    (out / "verify.txt").write_text(command("verify", "--states", "100"))
    for name, words in WALKS.items():
        command("simulate", *words, "--out", str(out / name))
    data = os.environ.get("EXOGAIT_DATA")
    folder = Path(data) / "schreiber2019" / "2014001" if data else _made_up(out / "recording")
    static, walk = next(folder.glob("*ST.c3d")), next(folder.glob("*C4*.c3d"))
    command("lab", "run", "--static", str(static), "--trial", str(walk), "--mass", "70", "--out", str(out / "lab"))


def _made_up(folder: Path) -> Path:
    from exogait.analysis.made_up.person import make_synthetic_trial

    folder.mkdir(parents=True)
    make_synthetic_trial(folder)
    return folder


def differences(before: Path, now: Path) -> Iterator[Difference]:
    """Compare the results of two trees; pages and caches, which say how and not what, are left out."""
    files = {
        path.relative_to(folder).as_posix()
        for folder in (before, now)
        for path in folder.rglob("*")
        if path.is_file()
        and path.suffix not in (".html", ".log")
        and ".steps" not in path.parts
        and path.name != MANIFEST
    }
    for file in sorted(files):
        if not ((before / file).exists() and (now / file).exists()):
            yield Difference(file, False, np.inf)
            continue
        first, second = (before / file).read_bytes(), (now / file).read_bytes()
        if first == second:
            yield Difference(file, True, 0.0)
        elif file.endswith(".parquet"):
            tables = pd.read_parquet(before / file), pd.read_parquet(now / file)
            yield Difference(file, False, _of_tables(*tables))
        else:
            texts = [_plain(text.decode("utf-8", "replace"), home) for text, home in ((first, before), (second, now))]
            if file.endswith(".csv"):  # a cell that a spreadsheet would compute has an apostrophe since
                texts = [text.replace(""",'""", ",").replace("""\"'""", '"') for text in texts]
            if Path(file).name in (TRIAL, README):
                facts = [_facts(text, file) for text in texts]
                texts = ["\n".join(lines) for lines in _common(*facts)]
            yield Difference(file, False, _of_texts(*texts))


def _facts(text: str, file: str) -> dict[str, str]:
    """Statements of a trial's own file, or of the text beside its OpenSim files, under the names of now."""
    if file.endswith(".json"):
        pairs = list(_leaves(json.loads(text), ()))
    else:
        lines = (line[2:] if line.startswith("- ") else line for line in text.splitlines())
        pairs = [((key,), value) for key, _, value in (line.partition(": ") for line in lines)]
    return {".".join((*path[:-1], RENAMED.get(path[-1], path[-1]))): value for path, value in pairs}


def _leaves(value: object, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _leaves(inner, (*path, key))
    elif value is not None:  # null says as much as no key
        yield path, json.dumps(value)


def _common(before: dict[str, str], now: dict[str, str]) -> Iterator[list[str]]:
    """Lines of both, sorted; without what only one has to say under an added key."""
    for facts, other in ((before, now), (now, before)):
        yield sorted(
            f"{key}: {value}" for key, value in facts.items() if key in other or key.rpartition(".")[2] not in ADDED
        )


def _of_tables(first: pd.DataFrame, second: pd.DataFrame) -> float:
    if list(first.columns) != list(second.columns) or len(first) != len(second):
        return np.inf
    numbers = first.select_dtypes("number").columns
    if not first.drop(columns=numbers).equals(second.drop(columns=numbers)):
        return np.inf
    return _largest(first[numbers].to_numpy(float).ravel(), second[numbers].to_numpy(float).ravel())


def _of_texts(first: str, second: str) -> float:
    if NUMBER.sub("#", first) != NUMBER.sub("#", second):
        return np.inf
    return _largest(np.array(NUMBER.findall(first), float), np.array(NUMBER.findall(second), float))


def _largest(first: np.ndarray, second: np.ndarray) -> float:
    if (np.isnan(first) != np.isnan(second)).any():
        return np.inf
    scale = np.maximum(np.maximum(np.abs(first), np.abs(second)), 1e-12)
    return float(np.nanmax(np.abs(first - second) / scale, initial=0.0))


def _plain(text: str, folder: Path) -> str:
    """A text without where and when it was written."""
    text = text.replace(str(folder), "OUT")
    text = re.sub(r"/\S*/(exogait/)?models/", "models/", text)
    text = re.sub(r'"(seconds|started|finished|date|version|code|git)": *("[^"]*"|[-\d.e]+)', r'"\1": ""', text)
    return re.sub(r"\s\d+\.\d\s+(ok|FAILED)", r" \1", text)  # the seconds of a row of verify


def main() -> None:
    """Compare a revision (the last one before the rooms, if none is named) with this tree."""
    revision = sys.argv[1] if len(sys.argv) > 1 else BEFORE
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "tree"
        subprocess.run(["git", "worktree", "add", "--detach", str(tree), revision], cwd=ROOT, check=True)
        try:
            produce(tree, Path(folder) / "before")
            produce(ROOT, Path(folder) / "now")
        finally:
            subprocess.run(["git", "worktree", "remove", "--force", str(tree)], cwd=ROOT, check=True)
        rows = list(differences(Path(folder) / "before", Path(folder) / "now"))
    print(f"{sum(row.same_bits for row in rows)} of {len(rows)} files are equal to the bit")
    for row in rows:
        if not row.same_bits:
            print(f"{row.file}: largest relative difference {row.largest:.1e}")
    worst = max((row.largest for row in rows), default=0.0)
    print("unchanged to 1e-12" if worst <= 1e-12 else "CHANGED")
    raise SystemExit(worst > 1e-12)


if __name__ == "__main__":
    main()
