"""How fast training is: simulated time against wall time, against MyoSuite, and from the start to a walk."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

from tests.validation.sections import ROOT, markdown_table
from tests.validation.walking_world import SHORT, Aim, Found

CURVES = ROOT / "docs" / "training_curves"
MYOSUITE_PYTHON = "EXOGAIT_MYOSUITE_PYTHON"
"""Variable that names a Python which can import myosuite; it needs an environment of its own."""
EARLIER_PEER = 482.0
"""Steps of 10 ms a second of MyoSuite's myoLegWalk-v0 on one core, measured earlier on this kind of machine."""
TICK = 0.01
WALKED = 10.0
"""Mean time on the feet at which an evaluation counts as walking, s: no walk of it ended in a fall."""

# Runs in the other Python: nothing but myosuite, gymnasium and numpy may be imported.
_PEER = """
import json, sys, time
import gymnasium, myosuite, numpy as np
environment = gymnasium.make("myoLegWalk-v0")
environment.reset(seed=0)
space, rng, seconds = environment.action_space, np.random.default_rng(0), float(sys.argv[1])
def walk(seconds):
    steps, begin = 0, time.process_time()
    while time.process_time() - begin < seconds:
        action = rng.uniform(space.low, space.high).astype(np.float32)
        _, _, ended, cut, _ = environment.step(action)
        steps += 1
        if ended or cut:
            environment.reset()
    return steps / (time.process_time() - begin)
walk(0.2)
step = float(environment.unwrapped.dt)
version = getattr(myosuite, "__version__", "")
print(json.dumps({"steps_per_s": walk(seconds), "step_s": step, "version": version}))
"""


def in_subprocess(function: str, argument: float, threads: int) -> dict[str, float]:
    """Run one measurement of this module in a fresh process with its own number of threads."""
    names = ("OMP_NUM_THREADS", "NUMBA_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
    environment = os.environ | dict.fromkeys(names, str(threads))
    done = subprocess.run(
        [sys.executable, "-m", __name__, function, str(argument), str(threads)],
        env=environment, capture_output=True, text=True, cwd=ROOT, check=True,
    )  # fmt: skip
    return json.loads(done.stdout.splitlines()[-1])


# ---- training speed ----------------------------------------------------------------------------------------------


def measure_training(seconds: float, threads: int) -> dict[str, float]:
    """Train a few updates from the shipped configuration.

    Args:
        seconds: Wall time after which no further update begins; one update goes before, to compile and warm up.
        threads: For simulation and learning.

    Returns:
        Threads used, simulated seconds a wall second, control steps a wall second, share of time spent learning.
    """
    from exogait.data.settings import load_settings
    from exogait.osim_env.learning.config import TrainConfig
    from exogait.osim_env.learning.run import find_config, use_threads
    from exogait.osim_env.learning.trainer import Trainer

    used = use_threads(threads)
    settings = load_settings(TrainConfig, find_config("healthy"))
    with tempfile.TemporaryDirectory() as folder:
        trainer = Trainer(settings, folder)
        trainer.update()
        begin, samples, shares = time.perf_counter(), trainer.samples, []
        while time.perf_counter() - begin < seconds:
            shares.append(trainer.update()["learning_share"])
        wall, steps = time.perf_counter() - begin, trainer.samples - samples
    return {
        "threads": used, "batch": settings.n_envs, "simulated": steps * settings.world.control_step / wall,
        "control_steps": steps / wall, "learning_share": float(np.mean(shares)), "updates": len(shares),
    }  # fmt: skip


def training_speed() -> Found:
    """Speed of training as shipped, on one core and on all of them."""
    cores = len(os.sched_getaffinity(0))
    load = os.getloadavg()[0]
    results = [
        in_subprocess("measure_training", 1.0 if SHORT else 20.0, n) for n in ([1] if SHORT else sorted({1, cores}))
    ]
    rows: list[list[object]] = [
        [
            f"{r['threads']:.0f}",
            f"{r['simulated']:.0f}",
            f"{r['control_steps']:.0f}",
            f"{r['learning_share']:.0%}",
            f"{r['updates']:.0f}",
        ]
        for r in results
    ]
    best = max(results, key=lambda r: r["simulated"])
    busy = f"load average {load:.1f} on {cores} cores when it began"
    aim = Aim(
        "training: simulated seconds a wall second",
        f"{best['simulated']:.0f} on {best['threads']:.0f} thread(s), {busy}",
        "50 (80 hoped for)",
        best["simulated"] >= 50,
    )
    text = (
        f"Configuration `healthy` from the start, {best['batch']:.0f} bodies, simulation and learning; {busy}: other "
        "work on the machine lowers every number here.\n\n"
    )
    header = [
        "threads",
        "simulated s a wall second",
        "control steps a wall second",
        "share of time learning",
        "updates",
    ]
    return [aim], text + markdown_table(header, rows)


# ---- against MyoSuite --------------------------------------------------------------------------------------------


def measure_environment(seconds: float, threads: int, bodies: int = 128) -> dict[str, float]:
    """Steps of 10 ms a second of our environment: physics, recruitment, observation, reward, resets.

    Physics steps are of 2 ms, as in training, and of 1 ms, as in evaluation.

    Args:
        seconds: Processor time of the measurement.
        threads: For the simulation.
        bodies: Size of the batch.
    """
    from exogait.osim_env.gait.config import WorldConfig
    from exogait.osim_env.gait.setup import WorldSetup, make_world
    from exogait.osim_env.learning.run import use_threads

    use_threads(threads)
    rng = np.random.default_rng(0)
    rates = {}
    for name, batch, step in (("batch", bodies, 0.002), ("batch_1ms", bodies, 0.001), ("single", 1, 0.002)):
        world = make_world(WorldSetup(), WorldConfig(early_termination=False, integration_step=step), n_envs=batch)
        for allowed in (0.2, seconds):
            begin, steps = time.process_time(), 0
            while time.process_time() - begin < allowed:
                world.step(rng.uniform(-1, 1, (batch, world.n_human_actions)))
                world.human_observation()
                steps += batch
            rates[name] = steps * world.config.control_step / TICK / (time.process_time() - begin)
    return {**rates, "bodies": bodies}


def measure_peer(seconds: float) -> dict[str, float | str] | None:
    """The same of MyoSuite's myoLegWalk-v0 in the Python that the variable names; None where there is none."""
    python = os.environ.get(MYOSUITE_PYTHON)
    if not python:
        return None
    done = subprocess.run(
        [python, "-c", _PEER, str(seconds)], capture_output=True, text=True, check=False,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"{python} cannot run myoLegWalk-v0: {done.stderr.strip().splitlines()[-1]}")
    return json.loads(done.stdout.splitlines()[-1])


def throughput() -> Found:
    """Our environment and MyoSuite's, in turns on one core, random actions, one process each."""
    seconds, turns = (1.0, 1) if SHORT else (4.0, 3)
    load = os.getloadavg()[0]
    ours, peers = [], []
    for _ in range(turns):
        ours.append(in_subprocess("measure_environment", seconds, 1))
        found = measure_peer(seconds)
        if found is not None:
            peers.append(found)
    batch, fine, single = (float(np.median([one[key] for one in ours])) for key in ("batch", "batch_1ms", "single"))
    if peers:
        peer = float(np.median([one["steps_per_s"] * one["step_s"] / TICK for one in peers]))
        name, note = f"MyoSuite {peers[0]['version']} myoLegWalk-v0", "measured in turns with ours"
    else:
        peer, name = EARLIER_PEER, "MyoSuite myoLegWalk-v0"
        note = f"NOT remeasured: {EARLIER_PEER:g} steps of 10 ms per second, measured by us earlier on this kind of "
        note += "machine"
    rows: list[list[object]] = [
        [
            f"exogait as in training, batch of {ours[0]['bodies']:.0f} bodies, physics steps of 2 ms",
            f"{batch:.0f}",
            f"{batch * TICK:.0f}",
            f"{batch / peer:.1f}",
        ],
        ["the same, physics steps of 1 ms", f"{fine:.0f}", f"{fine * TICK:.0f}", f"{fine / peer:.1f}"],
        ["exogait, one body, steps of 2 ms", f"{single:.0f}", f"{single * TICK:.1f}", f"{single / peer:.1f}"],
        [f"{name} ({note})", f"{peer:.0f}", f"{peer * TICK:.1f}", "1"],
    ]
    aim = Aim(
        "throughput against MyoSuite's myoLegWalk-v0, one core",
        f"{batch / peer:.1f} times" + ("" if peers else f" ({note})"),
        "10 times",
        batch / peer >= 10 if peers else None,
    )
    header = ["environment", "steps of 10 ms a second", "simulated s a second", "ratio"]
    text = (
        "One core, one thread, random actions, resets included; MyoSuite's physics steps are of 1 ms. Seconds are "
        "those of the processor, so that other work on the machine counts little (load average "
        f"{load:.1f} on {len(os.sched_getaffinity(0))} cores when it began); median of {turns} turns. Ours recruits 92 "
        "muscles by static optimization within each step.\n\n"
    )
    return [aim], text + markdown_table(header, rows)


# ---- learning curves ---------------------------------------------------------------------------------------------


def learning_curves(folder: Path = CURVES, figures: Path | None = None) -> Found:
    """Time and samples to the first evaluation without a fall, a row a seed.

    Args:
        folder: Holds ``seed*.csv``, the ``evaluation.csv`` of training runs.
        figures: Folder of the figure; that of the documentation if not given, none in the short version.
    """
    tables = {path.stem: pd.read_csv(path) for path in sorted(folder.glob("seed*.csv"))}
    if not tables:
        return [], "Learning curves: none committed in `docs/training_curves` yet."
    rows: list[list[object]] = []
    for name, table in tables.items():
        walking = table[(table["survival"] >= 1) & (table["seconds_walked"] >= WALKED - 1e-6)]
        last = table.iloc[-1]
        first = ["not reached", "", ""]
        if len(walking):
            row = walking.iloc[0]
            first = [f"{row['samples'] / 1e6:.2f}", f"{row['seconds'] / 60:.0f}", f"{row['speed_error']:.1%}"]
        rows.append(
            [name, *first, f"{last['samples'] / 1e6:.1f}", f"{last['seconds'] / 3600:.1f}", f"{last['survival']:.0%}"]
        )
    if figures is not None or not SHORT:
        from tests.validation.walking_figures import draw_learning

        draw_learning(tables, figures)
    header = [
        "run", "million control steps to the first evaluation without a fall", "minutes of training to it",
        "its speed error", "million control steps in all", "hours in all", "survival at the end",
    ]  # fmt: skip
    text = (
        f"Evaluations of {WALKED:g} s at five speeds of the stage reached, from random starts, deterministic actions "
        "(`evaluation.csv` of each run, `docs/training_curves`).\n\n"
    )
    return [], text + markdown_table(header, rows) + "\n\n![Learning curves](figures/learning_curves.png)"


if __name__ == "__main__":
    print(json.dumps(globals()[sys.argv[1]](float(sys.argv[2]), int(sys.argv[3]))))
