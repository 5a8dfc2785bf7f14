"""Ends: signals save first, a short run has its policies, other settings are refused, workers go with their parent."""

from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from exogait.data.errors import FileFormatError
from exogait.data.processes import Stopped, heeded_signals
from exogait.osim_env.learning.config import Stage, changed_settings, may_change
from exogait.osim_env.learning.log import set_aside
from exogait.osim_env.learning.policy import load_policy
from exogait.osim_env.learning.trainer import Trainer
from tests.fuzz.kills import kills
from tests.osim_env.learning.test_training import config

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_saves_everything_up_to_it(number: int, tmp_path: Path) -> None:
    trainer = Trainer(config(), tmp_path)
    with pytest.raises(Stopped, match=r"64 steps; --resume") as stop:
        trainer.run(lambda figures: os.kill(os.getpid(), number) if figures["samples"] == 64 else None)
    assert stop.value.code == 128 + number
    assert load_policy(tmp_path / "last_human").metadata["samples"] == 64
    again = Trainer(config(), tmp_path)
    assert again.load_checkpoint() == [] and again.samples == 64
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL, "handlers are put back"


def test_a_run_shorter_than_an_evaluation_ends_with_policies(tmp_path: Path) -> None:
    trainer = Trainer(config(evaluate_every=1e9, stages=(Stage(samples=32),)), tmp_path)
    trainer.run()
    for name in ("best_human", "last_human"):
        assert load_policy(tmp_path / name).metadata["samples"] == 32


def test_what_is_learned_after_the_last_evaluation_is_written(tmp_path: Path) -> None:
    trainer = Trainer(config(evaluate_every=64), tmp_path)
    trainer.run(evaluate_last=False)
    assert load_policy(tmp_path / "last_human").metadata["samples"] == 192


def test_a_second_signal_ends_at_once() -> None:
    code = (
        "import os, signal, time\n"
        "from exogait.data.processes import heeded_signals\n"
        "with heeded_signals('saving'):\n"
        "    os.kill(os.getpid(), signal.SIGTERM); os.kill(os.getpid(), signal.SIGTERM)\n"  # one request
        "    time.sleep(1.2); print('saved', flush=True); os.kill(os.getpid(), signal.SIGTERM); time.sleep(60)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == -signal.SIGTERM and done.stdout == "saved\n"
    assert done.stderr.strip() == "exogait: SIGTERM: saving; a second one quits at once"


CTRL_C = """
import os, signal, time
from exogait.data.processes import worker_pool

if __name__ == "__main__":
    signal.signal(signal.SIGINT, lambda *_: print("heard", flush=True))
    with worker_pool(1) as pool:
        work = pool.submit(os.getppid)
        for _ in range(20):  # while the worker imports
            os.killpg(0, signal.SIGINT)
            time.sleep(0.01)
        print(work.result() == os.getpid())
"""


def test_a_worker_that_starts_hears_nothing_of_ctrl_c(tmp_path: Path) -> None:
    (tmp_path / "ctrl_c.py").write_text(CTRL_C)
    done = subprocess.run(
        [sys.executable, "ctrl_c.py"], cwd=tmp_path, capture_output=True, text=True, start_new_session=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.stderr == "" and set(done.stdout.split()) == {"heard", "True"} and done.returncode == 0


def test_ignored_signals_stay_ignored() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with heeded_signals("nothing") as asked:
            os.kill(os.getpid(), signal.SIGINT)
        assert asked.number is None
    finally:
        signal.signal(signal.SIGINT, before)


def test_resuming_with_other_settings_lists_them(tmp_path: Path) -> None:
    first = Trainer(config(), tmp_path)
    first.update()
    first.save_checkpoint()
    slower = dataclasses.replace(config().human, epochs=2)
    other = Trainer(config(human=slower, evaluate_every=5.0), tmp_path)
    with pytest.raises(
        FileFormatError, match=r"evaluate_every was 1000000000.0, now 5.0; human.epochs was 1, now 2.*--over"
    ):
        other.load_checkpoint()
    assert other.samples == 0
    assert len(other.load_checkpoint(override=True)) == 2 and other.samples == 32
    with pytest.raises(FileFormatError, match=r"seed was 0, now 3; these never change"):
        Trainer(config(seed=3), tmp_path).load_checkpoint(override=True)


def test_a_best_score_does_not_outlive_the_rewards_it_was_given_by(tmp_path: Path) -> None:
    """Rewards that give less would never beat a score of before, and ``best_human`` would stay what it was."""
    run = Trainer(config(evaluate_every=32), tmp_path)
    run.update()
    run.evaluate()
    run.save_checkpoint()
    assert run.best > -1
    longer = dataclasses.replace(
        run.config, stages=(*(dataclasses.replace(s, samples=640) for s in run.config.stages),)
    )
    again = Trainer(longer, tmp_path)
    assert len(again.load_checkpoint(override=True)) == 1 and again.best == run.best
    weights = {name: -5.0 for name in run.config.world.human_weights}
    other = Trainer(
        dataclasses.replace(longer, world=dataclasses.replace(longer.world, human_weights=weights)), tmp_path
    )
    lines = other.load_checkpoint(override=True)
    assert lines[-1] == f"best score was {run.best:.4g} by other settings, now the next evaluation's"
    other.update()
    other.evaluate()
    assert -np.inf < other.best < run.best and load_policy(tmp_path / "best_human").metadata["samples"] == 64


def test_which_settings_may_change() -> None:
    assert may_change("world.human_weights.effort") and may_change("stages") and may_change("human.clip")
    assert not any(map(may_change, ("seed", "n_envs", "human.layers", "world.muscles.scheme", "setup.device")))
    table = {"world": {"human_weights": {"effort": 1.0}}}
    assert changed_settings(table, {"world": {"human_weights": {}}}) == {"world.human_weights.effort": (1.0, None)}
    assert changed_settings({"new": 1}, {"old": 2}) == {}, "settings of another version are not compared"


def test_a_run_that_died_before_its_first_checkpoint_is_kept_aside(tmp_path: Path) -> None:
    (tmp_path / "progress.csv").write_text("samples,seconds\n32,1.0\n")
    (tmp_path / "notes.txt").write_text("mine")
    Trainer(config(stages=(Stage(samples=32),)), tmp_path).run()
    assert (tmp_path / "before-1" / "progress.csv").read_text() == "samples,seconds\n32,1.0\n"
    assert len((tmp_path / "progress.csv").read_text().splitlines()) == 2 and (tmp_path / "notes.txt").is_file()
    assert set_aside(tmp_path / "nowhere") is None


PARENT = """
import os, sys, time
from multiprocessing import get_context
from exogait.data.processes import end_with_parent

def work(parent, ask):
    end_with_parent(parent, ask_the_system=ask)
    print(os.getpid(), flush=True)
    time.sleep(600)

if __name__ == "__main__":
    get_context("spawn").Process(target=work, args=(os.getpid(), sys.argv[1] == "ask")).start()
    time.sleep(600)
"""


@pytest.mark.parametrize("way", ["ask", "watch"])
def test_a_worker_ends_with_its_killed_parent(way: str, tmp_path: Path) -> None:
    (tmp_path / "parent.py").write_text(PARENT)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    parent = subprocess.Popen(
        [sys.executable, str(tmp_path / "parent.py"), way], env=environment, stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    worker = int(parent.stdout.readline())
    assert alive(worker)
    parent.kill()
    parent.wait()
    limit = time.monotonic() + 30
    while alive(worker) and time.monotonic() < limit:
        time.sleep(0.1)
    assert not alive(worker)


def alive(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False


def test_random_ends_lose_nothing(tmp_path: Path) -> None:
    """Every signal, and a study; the long version is ``python -m tests.fuzz kills``."""
    outcome = kills(4, tmp_path, seed=1, studies=0.25, delay=1.0)
    assert {kind for kind, _ in outcome.ended} == outcome.finished.keys() == {"train", "study"}
    assert {name for kind, name in outcome.ended if kind == "train"} == {"SIGKILL", "SIGTERM", "SIGINT"}
    assert not outcome.wrong, "\n".join(outcome.wrong)
