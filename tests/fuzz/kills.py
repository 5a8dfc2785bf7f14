"""Random ends for trainings, studies and batches: ``python -m tests.fuzz kills --count 60``.

Each run is the command line in a process of its own, ended by SIGKILL, SIGTERM or SIGINT at a random moment, resumed,
ended again, and at last left to finish. After every end: nothing is lost beyond the last checkpoint, nothing at all for
the signals that can be caught, every file that is there can be read, and no process is left. At the end: every array,
row and policy equals those of a run that nobody ended, to the bit, and no file is there that is not there too.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from exogait.analysis.made_up.person import make_synthetic_trial
from exogait.data.errors import ExogaitError
from exogait.osim_env.learning.checkpoint import read_checkpoint
from exogait.osim_env.learning.policy import load_policy
from exogait.osim_env.learning.run import find_config

SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
TIMING = ["seconds", "simulated_per_wall_second", "learning_share"]
"""Columns of wall time."""
PATIENCE = 600.0
"""Longest wait for anything, s."""
PYTHON_STARTS = 0.5
"""Time before Python runs anything of ours, on a busy machine: what a signal does then is Python's own, s."""
LAST_BREATH = 20.0
"""Time that workers have to end after their parent was killed, s."""
ROOT = Path(__file__).parents[2]


@dataclass
class Outcome:
    """What happened.

    Attributes:
        ended: How often each (kind, signal) ended a process.
        idle: How many of them came before there was anything to lose.
        finished: Runs that were resumed to their end and compared, by kind.
        wrong: One line a promise that was not kept.
    """

    ended: dict[tuple[str, str], int] = field(default_factory=dict)
    idle: int = 0
    finished: dict[str, int] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)

    def describe(self) -> str:
        """The table."""
        rows = [f"{kind:6s} {name:8s} {count:4d}" for (kind, name), count in sorted(self.ended.items())]
        total = sum(self.ended.values())
        compared = ", ".join(f"{count} {kind}" for kind, count in sorted(self.finished.items()))
        last = f"{total} ends ({self.idle} before there was anything to lose), compared to the bit: {compared}"
        return "\n".join([*rows, f"{last}; promises broken: {len(self.wrong)}"])


class Run:
    """A command that is ended, resumed and compared."""

    kind = ""
    progress = "progress.csv"
    """Files by whose changes one sees that it works."""

    def __init__(self, scratch: Path, name: str) -> None:
        self.scratch, self.folder = scratch, scratch / name

    def command(self) -> list[str]:
        """Arguments of ``exogait``."""
        raise NotImplementedError

    def begun(self) -> bool:
        """Whether there is something to lose."""
        raise NotImplementedError

    def check(self, number: int, said: str) -> list[str]:
        """Promises broken by an end."""
        raise NotImplementedError

    def results(self) -> dict[str, object]:
        """All that has to be equal."""
        raise NotImplementedError

    def start(self, mark: str) -> subprocess.Popen[str]:
        """The command in a process of its own."""
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "EXOGAIT_KILLS": mark, "TQDM_DISABLE": "1"}
        return subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", "exogait", *self.command()],
            cwd=self.scratch, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip

    def finish(self) -> None:
        """Let it run to its end."""
        process = self.start("whole")
        said = process.communicate(timeout=10 * PATIENCE)[0]
        if process.returncode != 0:
            raise RuntimeError(f"{self.kind}: a run that nobody ended did: {said[-400:]}")


class Training(Run):
    """A hundred updates of a small network, a checkpoint every third of a second."""

    kind = "train"

    def command(self) -> list[str]:
        config = self.scratch / "train.yaml"
        if not config.is_file():
            small = {"layers": [16, 16], "minibatch": 32, "epochs": 1}
            content = {
                "name": "kills", "n_envs": 8, "n_steps": 4, "human": small, "stages": [{"samples": 3200}],
                "checkpoint_minutes": 0.005, "evaluate_every": 1000,
                "evaluation": {"starts": 1, "seconds": 0.2, "n_speeds": 2, "settle": 0.05},
            }  # fmt: skip
            config.write_text(yaml.safe_dump(content))
        more = ["--resume"] if (self.folder / "checkpoint.npz").is_file() else []
        return ["train", str(config), "--out", str(self.folder), "--threads", "1", *more]

    def begun(self) -> bool:
        return self.logged() > 0

    def logged(self) -> int:
        """Control steps in the table."""
        path = self.folder / "progress.csv"
        lines = path.read_text().splitlines()[1:] if path.is_file() else []
        # A table that was being written ends with half a line.
        column = None if not lines else path.read_text().splitlines()[0].split(",").index("samples")
        values = [line.split(",") for line in lines]
        return max((int(value[column]) for value in values if column is not None and len(value) > column), default=0)

    def saved(self) -> int:
        """Control steps in the checkpoint."""
        path = self.folder / "checkpoint.npz"
        return json.loads(read_checkpoint(path)["facts"].tobytes())["samples"] if path.is_file() else 0

    def check(self, number: int, said: str) -> list[str]:
        wrong, logged, saved = [], self.logged(), self.saved()
        if number != signal.SIGKILL and logged > saved and "holds checkpoint" in said:
            wrong.append(f"{logged - saved} steps lost")
        if saved:
            policy = load_policy(self.folder / "last_human")
            if number != signal.SIGKILL and policy.metadata["samples"] != saved:
                wrong.append("the policy is not that of the checkpoint")
        return wrong

    def results(self) -> dict[str, object]:
        content = read_checkpoint(self.folder / "checkpoint.npz")
        facts = json.loads(content.pop("facts").tobytes())
        table = pd.read_csv(self.folder / "progress.csv").drop(columns=TIMING)
        scores = pd.read_csv(self.folder / "evaluation.csv").drop(columns="seconds")
        found: dict[str, object] = {**content, "progress": table.to_numpy(), "evaluation": scores.to_numpy()}
        found["random"] = json.dumps([facts["world_random"], facts["samples"], facts["finished"]])
        for name in ("last_human", "best_human"):
            found[name] = (self.folder / f"{name}.safetensors").read_bytes()
        return found


class LabBatch(Run):
    """Two walks of made-up persons, two workers."""

    kind = "batch"
    progress = "step.json"

    def command(self) -> list[str]:
        manifest = self.scratch / "manifest.csv"
        if not manifest.is_file():
            rows = ["subject,static,trial,mass,name"]
            for number in (1, 2):
                made = make_synthetic_trial(self.scratch / f"person{number}", seed=number, n_cycles=2, cycle=1.0)
                files = [path.relative_to(self.scratch) for path in (made.static, made.walk)]
                rows.append(f"P{number},{files[0]},{files[1]},{made.mass},walk{number}")
            manifest.write_text("\n".join(rows) + "\n")
        return ["lab", "batch", str(manifest), "--out", str(self.folder), "--workers", "2"]

    def begun(self) -> bool:
        return last_change(self) > 0.0

    def check(self, number: int, said: str) -> list[str]:
        wrong = []
        if "Traceback" in said:
            wrong.append(f"a traceback: {said[-300:]}")
        for path in self.finals("*.json"):
            json.loads(path.read_text())
        for path in self.finals("*.csv"):
            pd.read_csv(path)
        for path in self.finals("*.parquet"):
            pd.read_parquet(path)
        return wrong + [f"half of {path}" for path in self.finals("*.html") if "</html>" not in path.read_text()]

    def finals(self, pattern: str) -> list[Path]:
        """Files under their own names: neither kept steps nor what was being written."""
        found = (path for path in self.folder.rglob(pattern) if path.is_file())
        return sorted(p for p in found if not any(part[0] == "." for part in p.relative_to(self.folder).parts))

    def results(self) -> dict[str, object]:
        names = ("metrics.csv", "group.csv", "failures.csv", "batch.json", "events.csv", "quality.csv")
        found: dict[str, object] = {
            str(path.relative_to(self.folder)): path.read_bytes()
            for path in self.finals("*") if path.name in names or path.parent.name == "opensim"
        }  # fmt: skip
        for path in self.finals("*.parquet"):
            found[str(path.relative_to(self.folder))] = pd.read_parquet(path).to_csv()
        return found


class Study(Run):
    """A generalist, two fine-tunes and two walks, two workers."""

    kind = "study"

    def command(self) -> list[str]:
        study = self.scratch / "study.yaml"
        if not study.is_file():
            content = yaml.safe_load(find_config("assistance").read_text())
            content |= {"n_envs": 24, "n_steps": 21, "start_human": "healthy", "checkpoint_minutes": 0.0}
            content["stages"] = [{"samples": 4000, "learn": "both", "speeds": [1.0, 1.5]}]
            for role in ("human", "device"):
                content[role] |= {"minibatch": 168, "epochs": 1, "critic_warmup": 0}
            (self.scratch / "generalist.yaml").write_text(yaml.safe_dump(content))
            plan = {
                "name": "tiny", "training": str(self.scratch / "generalist.yaml"), "seeds": [1], "speeds": [1.25],
                "bodies": [{}, {"deficit": "plantarflexors", "strengths": [50.0]}],
                "tune_samples": 1000, "starts": 1, "seconds": 0.4,
            }  # fmt: skip
            study.write_text(yaml.safe_dump(plan))
        return ["study", str(study), "--out", str(self.folder), "--workers", "2"]

    def begun(self) -> bool:
        return any(self.folder.glob("*/progress.csv"))

    def check(self, number: int, said: str) -> list[str]:
        wrong = []
        for path in self.folder.glob("*/checkpoint.npz"):
            task = Training(self.scratch, str(path.parent.relative_to(self.scratch)))
            saved, logged = task.saved(), task.logged()
            if number != signal.SIGKILL and "holds what was done" in said and logged > saved:
                wrong.append(f"{path.parent.name}: {logged - saved} steps lost")
        for path in self.folder.glob("*/result.json"):
            json.loads(path.read_text())
        return wrong

    def results(self) -> dict[str, object]:
        walks = pd.read_parquet(self.folder / "walks.parquet")
        found: dict[str, object] = {"walks": walks.to_csv(index=False)}
        for path in sorted(self.folder.glob("*/*.safetensors")):
            found[str(path.relative_to(self.folder))] = path.read_bytes()
        return found


def left_over(mark: str) -> list[int]:
    """Processes of a run that still live, by the mark in their environment (zombies do not)."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if f"EXOGAIT_KILLS={mark}".encode() in (entry / "environ").read_bytes():
                    found.append(int(entry.name))
            except OSError:
                continue
    return found


def last_change(run: Run) -> float:
    """When something that tells of progress last changed, 0 without."""
    places = [Path(folder, run.progress) for folder, _, files in os.walk(run.folder) if run.progress in files]
    return max(map(_changed, places), default=0.0)


def _changed(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:  # it goes while one looks
        return 0.0


def names_in(folder: Path) -> set[str]:
    """Files of a finished run, but for those of which each start of it makes new ones."""
    found = {path.relative_to(folder) for path in folder.rglob("*") if path.is_file()}
    of_a_start = ("before-", "tensorboard")
    return {str(name) for name in found if not any(part.startswith(of_a_start) for part in name.parts)}


def end_once(run: Run, number: int, delay: float, outcome: Outcome, *, at_start: bool) -> bool:
    """Start a run, end it, check; whether it was ended before it had finished."""
    mark, before = uuid.uuid4().hex, last_change(run)
    process = run.start(mark)
    begin = time.monotonic()
    while process.poll() is None and not at_start and time.monotonic() - begin < PATIENCE:
        if run.begun() and last_change(run) != before:
            break
        time.sleep(0.02)
    time.sleep(delay)
    if process.poll() is not None:
        said = process.communicate()[0]
        if process.returncode != 0:
            outcome.wrong.append(f"{run.kind}: ended by itself: {said[-300:]}")
        return False
    began = run.begun()
    ended = time.monotonic() - begin
    process.send_signal(number)
    said = process.communicate(timeout=PATIENCE)[0]
    name = signal.Signals(number).name
    key = (run.kind, name)
    outcome.ended[key] = outcome.ended.get(key, 0) + 1
    outcome.idle += not began
    limit = time.monotonic() + LAST_BREATH
    while left_over(mark) and time.monotonic() < limit:
        time.sleep(0.05)
    label = f"{run.kind} {name} after {ended:.1f} s"
    # Who has told its end has nothing left to lose or to tell: the signal met Python taking itself down.
    over = " steps; wrote " in "".join(said.splitlines()[-1:])
    if number != signal.SIGKILL and ended > PYTHON_STARTS and not over and not _told(number, process.returncode, said):
        outcome.wrong.append(f"{label}: ended with {process.returncode} and said {said[-300:]!r}")
    if left := left_over(mark):
        outcome.wrong.append(f"{label}: processes {left} are left")
        for pid in left:
            os.kill(pid, signal.SIGKILL)
    try:
        outcome.wrong += [f"{label}: {line}" for line in run.check(number, said)]
    except ExogaitError as error:
        outcome.wrong.append(f"{label}: {error}")
    return True


def _told(number: int, code: int, said: str) -> bool:
    """Whether a run that a signal met said so at last, with the exit code of it, or had come to its end."""
    last = said.strip().rsplit("\n", 1)[-1]
    return code == 0 or (code == 128 + number and last.startswith(f"exogait: stopped by {signal.Signals(number).name}"))


def kills(
    count: int, scratch: Path, *, seed: int = 0, studies: float = 0.2, batches: float = 0.0, delay: float = 1.5
) -> Outcome:
    """End trainings, studies and batches at random moments, resume them, and compare with runs that nobody ended.

    Args:
        count: Number of ends.
        scratch: Folder for everything.
        seed: Of moments and signals.
        studies: Share of ends that meet a study.
        batches: Share of ends that meet a batch of the laboratory.
        delay: Longest time between the first row of a process and its end, s.
    """
    rng, outcome = random.Random(seed), Outcome()
    n_studies, n_batches = round(studies * count), round(batches * count)
    for kind, number in ((Training, count - n_studies - n_batches), (LabBatch, n_batches), (Study, n_studies)):
        if not number:
            continue
        whole = kind(scratch, f"{kind.kind}-whole")
        whole.finish()
        wanted, names, attempt = whole.results(), names_in(whole.folder), 0
        while number > 0:
            attempt += 1
            run = kind(scratch, f"{kind.kind}-{attempt}")
            ended = True
            while ended and number > 0:
                chosen = SIGNALS[number % len(SIGNALS)]
                ended = end_once(
                    run,
                    chosen,
                    rng.uniform(0, delay * (1 if kind is Training else 4)),
                    outcome,
                    at_start=rng.random() < 0.15,
                )
                number -= ended
            run.finish()
            outcome.finished[kind.kind] = outcome.finished.get(kind.kind, 0) + 1
            found = run.results()
            different = [name for name in wanted if not _same(wanted[name], found.get(name))]
            if different or found.keys() != wanted.keys():
                outcome.wrong.append(f"{run.folder.name}: differs from the run that nobody ended in {different[:5]}")
            if others := names_in(run.folder) ^ names:
                outcome.wrong.append(f"{run.folder.name}: files of one of the two alone: {sorted(others)[:5]}")
    return outcome


def _same(first: object, second: object) -> bool:
    if isinstance(first, np.ndarray):
        return isinstance(second, np.ndarray) and np.array_equal(first, second, equal_nan=first.dtype.kind == "f")
    return first == second


def main(
    *, count: int = 60, seed: int = 0, studies: float = 0.2, batches: float = 0.3, scratch: Path | None = None
) -> None:
    """End trainings, studies and batches at random moments and resume them; nothing may be lost that was promised.

    Args:
        count: Number of ends.
        seed: Of moments and signals.
        studies: Share of ends that meet a study.
        batches: Share of ends that meet a batch of the laboratory.
        scratch: Folder for the runs; a temporary one without.
    """
    import tempfile

    with tempfile.TemporaryDirectory() as temporary:
        outcome = kills(count, scratch or Path(temporary), seed=seed, studies=studies, batches=batches)
    print(outcome.describe())
    for line in outcome.wrong:
        print(line)
    if outcome.wrong:
        raise SystemExit(1)
