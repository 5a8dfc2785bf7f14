"""Every command that writes, on a disk that runs full and beside another writer: one line, and older results intact.

The commands come from the command line itself, so that a new one cannot be forgotten. The disk is a tmpfs of its own;
where none may be mounted, the tests of the full disk are skipped and say so.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
import yaml

from exogait.analysis.made_up.person import SyntheticTrial, make_synthetic_trial
from exogait.data import output_folder, write_text_atomic
from exogait.data.output.folder import MANIFEST
from exogait.data.output.lock import LOCK
from tests.fuzz.commands import commands, run_here

KIB = 1 << 10
DISK = 64 << 20
"""Size of the disk, bytes."""
TRAINING = {
    "name": "tiny", "n_envs": 4, "n_steps": 4, "stages": [{"samples": 32}], "evaluate_every": 1e9,
    "checkpoint_minutes": 0.0, "human": {"layers": [8], "minibatch": 16, "epochs": 1},
    "evaluation": {"starts": 1, "n_speeds": 1, "seconds": 0.04, "settle": 0.0},
}  # fmt: skip
HOLD = """
import sys, time
from exogait.data import output_folder
with output_folder(sys.argv[1], "exogait test"):
    print("open", flush=True)
    time.sleep(120)
"""


@dataclass(frozen=True)
class Writer:
    """How a command is run here."""

    line: str
    """Its arguments; {out} is its folder, {files} that of its inputs, {mass} that of the person in them, kg."""
    spaces: tuple[int, ...] = (0, 24 * KIB, 300 * KIB)
    """Bytes left on the disk."""
    expects: tuple[str, ...] = ()
    """Names of an older result that is only pretended, since a real one takes minutes."""
    folder: str = "{out}"
    """What it locks."""


WRITERS = {
    "model build": Writer("--out {out}/mine.osim"),
    "new device": Writer("mine --out {out}/mine.yaml", (0,), folder=""),
    "new deficit": Writer("mine --out {out}/mine.yaml", (0,), folder=""),
    "new subject": Writer("mine --out {out}/mine.yaml", (0,), folder=""),
    "new marker-map": Writer("mine --out {out}/mine.yaml", (0,), folder=""),
    "lab run": Writer("--static {files}/static.c3d --trial {files}/walk.c3d --mass {mass} --out {out}"),
    "lab batch": Writer("{files}/manifest.csv --out {out} --workers 1"),
    "lab labels": Writer("{files}/static.c3d --draft {out}/mine.yaml", (0,), folder=""),
    "session run": Writer("{files}/session.csv --out {out}"),
    "session compare": Writer("{files}/session before after --out {out}", (0, 24 * KIB)),
    "simulate": Writer("reference-feedback --seconds 0.2 --out {out}"),
    "replay": Writer("{files}/walk --out {out}/replay.html", (0, 24 * KIB)),
    "video": Writer("{files}/walk {out}/film.gif", (0, 12 * KIB)),
    "compare": Writer("{files}/lab {files}/lab --out {out}", (0, 24 * KIB)),
    "train": Writer("{files}/tiny.yaml --threads 1 --out {out} --resume", (0, 24 * KIB)),
    "controller": Writer("hip_ankle/1-healthy_device --out {out}", (0, 24 * KIB)),
    "reference": Writer("{files}/one.csv --order 0 --slowest 1.2 --fastest 1.3 --workers 1 --out {out}/mine.json",
                        (0, 8 * KIB)),
    "study": Writer("{study} --workers 1 --out {out}", (0, 24 * KIB)),
    "optimum": Writer("healthy --out {out}", (0, 24 * KIB), ("model.osim", "solution.csv", "curves.csv")),
    "personalize": Writer("--lab {files}/lab --samples 16 --bodies 4 --seconds 0.5 --starts 1 --workers 1 --out {out}",
                          (0, 24 * KIB, 300 * KIB), ("person.json", "personalize_report.html")),
    "report": Writer("{out}", (0, 8 * KIB)),
    "demo": Writer("--out {out}", (0, 24 * KIB), ("gait2392_exo.osim", "model.txt", "index.html")),
}  # fmt: skip
"""Every command that writes."""
READERS = {"model show", "model list", "verify", "lab maps", "policies", "doctor"}
"""Every command that only reads."""


def test_no_command_is_forgotten() -> None:
    assert set(commands()) == WRITERS.keys() | READERS
    for name in READERS:
        assert not {"out", "film", "draft"} & {option.name for option in commands()[name]}


# ---- what they read --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Inputs of all commands: a made-up person, their analysed walk, a simulated walk, a manifest, configurations."""
    place = tmp_path_factory.mktemp("files")
    made: SyntheticTrial = make_synthetic_trial(place, seed=2, n_cycles=2, cycle=1.0)
    header = "subject,static,trial,mass,name\n"
    row = f"Anna,{made.static.name},{made.walk.name},{made.mass},"
    (place / "manifest.csv").write_text(f"{header}{row}one\n{row}two\n")
    (place / "one.csv").write_text(f"{header}{row}one\n")
    (place / "tiny.yaml").write_text(yaml.safe_dump(TRAINING))
    (place / "session.csv").write_text("person,walk,condition\nAnna,lab,before\nAnna,lab,after\n")
    lab = f"lab run --static {made.static} --trial {made.walk} --mass {made.mass} --out {place}/lab"
    for line in (
        lab,
        f"simulate reference-feedback --seconds 0.2 --out {place}/walk",
        f"session {place}/session.csv --out {place}/session",
    ):
        assert run_here(line.split(), place)[0] == 0
    return place


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished study of the smallest kind, and its file beside it."""
    from tests.fuzz.kills import Study

    run = Study(tmp_path_factory.mktemp("study"), "study")
    run.finish()
    return run.folder


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A small disk of its own."""
    place = tmp_path_factory.mktemp("disk")
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", str(place)], capture_output=True)
    if done.returncode != 0:
        pytest.skip("LOUD: no tmpfs may be mounted here, so no full disk was tried")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def arguments(command: str, out: Path, files: Path, study: Path | None) -> list[str]:
    plan = study and study.parent / "study.yaml"
    mass = (files / "one.csv").read_text().splitlines()[1].split(",")[3]
    return f"{command} {WRITERS[command].line}".format(out=out, files=files, study=plan, mass=mass).split()


def make_older(command: str, out: Path, files: Path, study: Path | None) -> None:
    """An older result: that of the command itself, or what passes for one."""
    if study is not None:
        shutil.copytree(study, out)
    elif names := WRITERS[command].expects:
        with output_folder(out, "exogait test"):
            for name in names:
                write_text_atomic(out / name, "older\n")
    else:
        line = [word for word in arguments(command, out, files, study) if word != "--resume"]
        code, said, _ = run_here(line, files)
        assert code == 0, said


def contents(out: Path) -> dict[str, bytes]:
    """Files of a result but for the list of them, which is written first, and steps that are kept for the next run."""
    found = (path for path in out.rglob("*") if path.is_file() and path.name not in (MANIFEST, LOCK))
    names = ((path, path.relative_to(out)) for path in found)
    return {str(name): path.read_bytes() for path, name in names if ".steps" not in name.parts}


def whole(path: Path) -> bool:
    """Whether a file can be read to its end."""
    if path.suffix == ".html":
        return path.read_text(encoding="utf-8").rstrip().endswith("</html>")
    readers = {
        ".json": lambda: json.loads(path.read_text()), ".parquet": lambda: pd.read_parquet(path),
        ".osim": lambda: ElementTree.parse(path), ".xml": lambda: ElementTree.parse(path),
        ".npz": lambda: dict(np.load(path)), ".yaml": lambda: yaml.safe_load(path.read_text()),
    }  # fmt: skip
    readers.get(path.suffix, path.read_bytes)()
    return path.stat().st_size > 0


def fill(disk: Path, left: int) -> None:
    """Fill the disk up to some bytes."""
    (disk / "filler").unlink(missing_ok=True)
    about = os.statvfs(disk)
    with (disk / "filler").open("wb") as stream:
        os.posix_fallocate(stream.fileno(), 0, max(1, about.f_bavail * about.f_frsize - left))


# ---- the disk is full ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", WRITERS)
def test_a_full_disk(command: str, disk: Path, files: Path, request: pytest.FixtureRequest) -> None:
    older = request.getfixturevalue("study") if command in ("study", "report") else None
    out = disk / command.replace(" ", "-")
    if not command.startswith("new ") and command != "lab labels":  # which never write over anything
        make_older(command, out, files, older)
    else:
        out.mkdir()
    refused = 0
    try:
        for space in WRITERS[command].spaces:
            before = contents(out)
            fill(disk, space)
            code, said, printed = run_here(arguments(command, out, files, older), files)
            (disk / "filler").unlink()
            told = f"{command}, {space} bytes left: {code}\n{said}{printed[-300:]}"
            if command == "lab batch" and code == 1:  # it never stops for one walk; the reason stands in its row
                assert not said and "No space left" in printed and "unexpected" not in printed, told
                refused += 1
            elif code != 0:
                assert code == 2 and said.startswith("exogait: ") and said.count("\n") == 1, told
                assert ("No space left" in said or "the space on the disk" in said) and "bug" not in said, told
                refused += 1
            now = contents(out)
            assert before.keys() <= now.keys(), told
            for name, content in now.items():
                assert content == before.get(name) or (content and whole(out / name)), f"{name} is half; {told}"
            assert not (out / LOCK).exists() and not [p for p in out.rglob(".exogait-*-*")], told
        assert refused, f"{command}: the disk was never full"
    finally:
        (disk / "filler").unlink(missing_ok=True)
        shutil.rmtree(out, ignore_errors=True)


# ---- somebody else writes --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", [name for name, writer in WRITERS.items() if writer.folder])
def test_a_second_writer(command: str, tmp_path: Path, files: Path, request: pytest.FixtureRequest) -> None:
    older = request.getfixturevalue("study") if command in ("study", "report") else None
    out = tmp_path / "out"
    if older is not None:
        shutil.copytree(older, out)
    out.mkdir(exist_ok=True)
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(out)], stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout is not None and holder.stdout.readline() == "open\n"
        before = contents(out)
        code, said, _ = run_here(arguments(command, out, files, older), files)
        assert code == 2 and said.count("\n") == 1, said
        assert f"process {holder.pid} on " in said and "writes into it" in said
        assert contents(out) == before
    finally:
        holder.kill()
        holder.wait()
