"""How fast it is, measured on this machine: ``python -m tests.validation.performance`` writes docs/performance.md.

Wall time throughout, the shortest of several; what else the machine did meanwhile stands on the page. Peers that are
not installed are named as not measured.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import os
import platform
import time
from importlib import metadata
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np

import exogait  # noqa: F401  (registers)
from exogait.osim_env import engine
from exogait.osim_env.engine.lanes import Backend
from exogait.osim_env.engine.threads import available_cores
from exogait.osim_env.engine.verify import sample_states
from exogait.osim_env.excitation.config import ExcitationConfig
from exogait.osim_env.gait.setup import COMPILED, WorldSetup
from exogait.osim_env.learning.excitation.config import PpoConfig
from exogait.osim_env.learning.excitation.setup import make_excitation_world
from exogait.osim_env.learning.gait_env import ENVIRONMENT_CONFIG
from exogait.osim_env.learning.outside.registration import ENVIRONMENT, RECRUITMENT
from tests.validation.sections import ROOT, markdown_table, write_section
from tests.validation.twin_speed import best_of, opensim_acceleration

BATCHES = (1, 16, 64, 256, 512)
PAGE = "performance.md"
FIGURE = ROOT / "docs" / "figures" / "performance.png"
PEER_STEPS = 200
IDLE_COMMAND = -0.3
"""Command of an almost idle muscle, before the squash."""
WALL = time.perf_counter
"""What is measured: threads and all."""


def cores() -> tuple[int, ...]:
    """Numbers of threads to measure: one, two, and all."""
    return tuple(sorted({1, min(2, available_cores()), available_cores()}))


def machine() -> list[str]:
    """Lines on processor, threads, load and versions."""
    name, flags = platform.processor() or platform.machine(), ""
    info = Path("/proc/cpuinfo")
    if info.is_file():
        text = info.read_text()
        name = next((line.split(":")[1].strip() for line in text.splitlines() if line.startswith("model name")), name)
        flags = next((line for line in text.splitlines() if line.startswith("flags")), "")
    special = [flag for flag in ("avx2", "avx512f", "avx512_bf16", "amx_bf16") if flag in flags.split()]
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    versions = ", ".join(f"{package} {metadata.version(package)}" for package in ("numpy", "numba", "torch"))
    state = "idle" if load < 0.5 else "NOT idle: others worked beside, the numbers are lower bounds"
    return [
        f"Processor: {name}, {available_cores()} cores, {', '.join(special) or 'no vector extensions known'}; "
        f"Python {platform.python_version()}, {versions}. Load at the start {load:.1f}: {state}.",
    ]


def training(minutes: float) -> list[dict[str, Any]]:
    """Simulated seconds a second of training, and the shares of its wall time."""
    from exogait.osim_env.learning.collect import Episodes
    from exogait.osim_env.learning.excitation.collect import collect
    from exogait.osim_env.learning.excitation.learner import ExcitationLearner

    world = make_excitation_world(WorldSetup(), ExcitationConfig(backend="float32"), n_envs=384)
    rows = []
    for threads in cores():
        for products in ("float32", "bfloat16"):
            engine.set_threads(threads)
            config = PpoConfig(products=products, critic_warmup=0, effort_gradient=0.05)  # type: ignore[arg-type]
            learner, episodes = ExcitationLearner(config, world, n_steps=48, seed=0), Episodes.new(384)
            learner.actor.layers[-1][1].fill_(IDLE_COMMAND)
            learner.actor.changed()
            best: dict[str, float] = {"wall": np.inf}
            begin, count = time.perf_counter(), 0
            while count < 3 or time.perf_counter() - begin < 60 * minutes:
                start = time.perf_counter()
                figures = collect(world, learner, None, episodes)
                learner.update(world)
                wall, count = time.perf_counter() - start, count + 1
                if wall < best["wall"]:
                    best = {"wall": wall, "simulation": figures["seconds/simulation"], **learner.seconds}
            rest = best["wall"] - best["simulation"] - best["forward"] - best["learning"]
            rows.append({"threads": threads, "products": products, **best, "rest": rest,
                         "speed": 384 * 48 * 0.01 / best["wall"]})  # fmt: skip
    return rows


def environment() -> list[dict[str, Any]]:
    """Control steps of 10 ms a second of the excitation world, over batch, cores and numbers."""
    rows = []
    for backend in ("float32", "float64", "scalar"):
        for batch in BATCHES if backend != "scalar" else BATCHES[:1]:
            world = make_excitation_world(WorldSetup(), ExcitationConfig(backend=backend), n_envs=batch)  # type: ignore[arg-type]
            action = np.full((batch, world.n_actions), IDLE_COMMAND)
            for threads in cores():
                engine.set_threads(threads)
                count = max(2, 800 // batch)
                seconds = best_of(lambda w=world, a=action, n=count: [w.step(a) for _ in range(n)], 5, WALL) / count
                rows.append({"backend": backend, "batch": batch, "threads": threads, "steps": batch / seconds})
    return rows


def accelerations() -> tuple[list[dict[str, Any]], float | None]:
    """Microseconds of one evaluation of accelerations over batch and numbers on one core, and OpenSim's."""
    model = engine.Model.load(COMPILED[None])
    engine.set_threads(1)
    rows = []
    backends: tuple[Backend, ...] = ("float32", "float64", "scalar")
    for backend in backends:
        for batch in (1, 8, 64, 512) if backend != "scalar" else (1,):
            s = sample_states(model, batch, 1)

            def evaluate(s: Any = s, backend: Backend = backend) -> object:
                return engine.accelerations(model, s.q, s.u, s.activation, s.torque, backend=backend)

            rows.append({"backend": backend, "batch": batch, "us": 1e6 * best_of(evaluate, 40, WALL) / batch})
    return rows, _opensim()


def _opensim() -> float | None:
    if importlib.util.find_spec("opensim") is None:
        print("OpenSim is NOT installed: its accelerations are not measured", flush=True)
        return None
    return 1e6 * opensim_acceleration(sample_states(engine.Model.load(COMPILED[None]), 2, 1), WALL)


def environment_rate(env: Any) -> float:
    """Steps a second of a Gymnasium environment under random actions, new starts included."""
    env.reset(seed=0)
    env.action_space.seed(0)
    actions = [env.action_space.sample() for _ in range(PEER_STEPS)]

    def walk() -> None:
        for action in actions:
            if any(env.step(action)[2:4]):
                env.reset()

    return PEER_STEPS / best_of(walk, 5, WALL)


def named_rate(name: str) -> tuple[float, float]:
    """Steps a second of one of this suite's environments by its name, and the length of its step, s."""
    env = gymnasium.make(name)
    return environment_rate(env), env.unwrapped.world.config.control_step  # type: ignore[attr-defined]


def one_body() -> str:
    """What Gymnasium and Python add to one body's control step, on one core."""
    engine.set_threads(1)
    world = make_excitation_world(WorldSetup(), ENVIRONMENT_CONFIG, n_envs=1)
    draw = np.random.default_rng(0)
    actions = [draw.uniform(-1.0, 1.0, (1, world.n_actions)).astype(np.float32) for _ in range(PEER_STEPS)]
    alone = PEER_STEPS / best_of(lambda: [world.step(action) for action in actions], 5, WALL)
    tick = world.config.control_step
    rows = [("`ExcitationWorld.step`", f"{alone:,.0f}", f"{alone * tick:.1f}")]
    for name in (ENVIRONMENT, RECRUITMENT):
        rate, tick = named_rate(name)
        rows.append((f"`gymnasium.make({name!r})`", f"{rate:,.0f}", f"{rate * tick:.1f}"))
    engine.set_threads(0)
    return markdown_table(
        ("one body, random actions, new starts included", "steps a second", "simulated s a second"), rows
    )


def peers() -> str:
    """MyoSuite's walking environment and MuJoCo's roll-outs of its legs beside ours, in turn, on one core.

    ``pip install mujoco==3.3.3 myosuite==2.8.6 dm_control==1.0.31`` brings them.
    """
    if importlib.util.find_spec("mujoco") is None or importlib.util.find_spec("myosuite") is None:
        print("MyoSuite with MuJoCo is NOT installed: the peers are not measured", flush=True)
        return "The peers, MyoSuite and MuJoCo, are not installed here and were not measured."
    mujoco, rollout = importlib.import_module("mujoco"), importlib.import_module("mujoco.rollout")
    theirs = importlib.import_module("myosuite.utils").gym.make("myoLegWalk-v0")
    engine.set_threads(1)
    rows: list[tuple[str, ...]] = []
    rate = environment_rate(theirs)
    step = float(theirs.unwrapped.dt)
    what = f"MyoSuite {metadata.version('myosuite')} myoLegWalk-v0, one body"
    rows.append((what, f"{rate:,.0f} steps of {1000 * step:g} ms a second", ""))
    for batch, backend in ((128, "float32"), (128, "float64"), (1, "float64"), (1, "scalar")):
        world = make_excitation_world(WorldSetup(), ExcitationConfig(backend=backend), n_envs=batch)  # type: ignore[arg-type]
        action, count = np.full((batch, world.n_actions), IDLE_COMMAND), max(4, 800 // batch)
        own = batch * count / best_of(lambda w=world, a=action, n=count: [w.step(a) for _ in range(n)], 5, WALL)
        ratio = own * world.config.control_step / (rate * step)
        rows.append((f"this suite's excitation world, {batch} bod{'y' if batch == 1 else 'ies'}, {backend}",
                     f"{own:,.0f} steps of 10 ms a second", f"{ratio:.1f}"))  # fmt: skip
    for name in (ENVIRONMENT, RECRUITMENT):
        own, each = named_rate(name)
        pace, ratio = f"{own:,.0f} steps of {1000 * each:g} ms a second", own * each / (rate * step)
        rows.append((f"this suite's Gymnasium environment `{name}`, one body", pace, f"{ratio:.1f}"))
    legs = theirs.unwrapped.sim.model.ptr
    tick, data = float(legs.opt.timestep), mujoco.MjData(legs)
    n = 16
    start = np.tile(_full_state(mujoco, legs, data), (n, 1))
    control = np.full((n, PEER_STEPS, legs.nu), 0.05)
    rolled = best_of(lambda: rollout.rollout(legs, [data], start, control), 5, WALL)
    peer_speed = n * PEER_STEPS * tick / rolled
    rows.append((f"MuJoCo {mujoco.__version__} `rollout` of its model, {n} starts, steps of {1000 * tick:g} ms",
                 f"{peer_speed:.1f} simulated s a second", ""))  # fmt: skip
    model = engine.Model.load(COMPILED[None])
    for backend in ("float32", "float64"):
        state = engine.State.create(model, 512)
        controls = np.full((512, model.n_muscles + model.n_actuators), 0.02)
        controls[:, model.n_muscles :] = 0.0

        def advance(s: Any = state, c: Any = controls, backend: Any = backend) -> None:
            engine.step(model, s.copy(), c, 20 * tick, tick, backend=backend)

        own = 512 * 20 * tick / best_of(advance, 5, WALL)
        rows.append((f"this suite's physics alone, 512 bodies, {backend}, the same steps",
                     f"{own:.0f} simulated s a second", f"{own / peer_speed:.1f}"))  # fmt: skip
    engine.set_threads(0)
    return markdown_table(("one core, one after the other in this run", "speed", "over the peer"), rows)


def _full_state(mujoco: Any, model: Any, data: Any) -> Any:
    kind = mujoco.mjtState.mjSTATE_FULLPHYSICS
    state = np.zeros(mujoco.mj_stateSize(model, kind))
    mujoco.mj_getState(model, data, state, kind)
    return state


def draw(steps: list[dict[str, Any]], trained: list[dict[str, Any]]) -> None:
    """Two panels: steps a second over the batch, and where the time of training goes."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
    for backend, style in (("float32", "-"), ("float64", "--")):
        for threads in cores():
            chosen = [row for row in steps if row["backend"] == backend and row["threads"] == threads]
            label = f"{backend}, {threads} thread{'s' if threads > 1 else ''}"
            left.plot([r["batch"] for r in chosen], [r["steps"] for r in chosen], style, marker="o", label=label)
    left.set(xscale="log", yscale="log", xlabel="bodies", ylabel="control steps of 10 ms a second")
    left.legend(frameon=False)
    names = [f"{row['products']}\n{row['threads']} thread{'s' if row['threads'] > 1 else ''}" for row in trained]
    bottom = np.zeros(len(trained))
    for part in ("simulation", "forward", "learning", "rest"):
        height = np.array([1000 * row[part] / (384 * 48 * 0.01) for row in trained])
        right.bar(names, height, bottom=bottom, label=part)
        bottom += height
    right.set_ylabel("ms of wall time a simulated second")
    right.legend(frameon=False)
    FIGURE.parent.mkdir(exist_ok=True)
    figure.savefig(FIGURE, dpi=120)
    plt.close(figure)


def report(minutes: float) -> str:
    """Measure everything; the text of the page."""
    lines = machine()
    trained, steps = training(minutes), environment()
    accelerated, oracle = accelerations()
    draw(steps, trained)
    percent = lambda row, part: f"{100 * row[part] / row['wall']:.0f}%"  # noqa: E731
    lines += [
        "", "## Training", "",
        "One update: 384 bodies x 48 control steps of 10 ms, 2 ms integration steps in float32, 92 excitations and the "
        "step rate, actor 3x256, critic 2x256, two passes in minibatches of 4,608.", "",
        markdown_table(
            ("threads", "products", "simulated s a second", "simulation", "forward", "learning", "rest"),
            [(row["threads"], row["products"], f"{row['speed']:.0f}",
              *(percent(row, part) for part in ("simulation", "forward", "learning", "rest"))) for row in trained],
        ),
        "", "bfloat16 products pay on processors with AMX (`amx_bf16` above) and on no others.",
        "", "![Speed of the excitation world and of training](figures/performance.png)",
        "", "## Environment steps", "",
        "Control steps of 10 ms a second: command, physics at 2 ms, senses, power, rewards, ends, new starts.", "",
        markdown_table(
            ("numbers", "threads", *(f"{batch} bodies" for batch in BATCHES)),
            [(backend, threads, *(next((f"{r['steps']:,.0f}" for r in steps if (r["backend"], r["threads"], r["batch"])
                                        == (backend, threads, batch)), "-") for batch in BATCHES))
             for backend in ("float32", "float64", "scalar") for threads in cores()],
        ),
        "", "## One body", "", one_body(),
        "", "## Accelerations", "",
        "One evaluation of all forces and accelerations from Python, one core, microseconds a body"
        + ("; OpenSim is not installed here and was not measured." if oracle is None
           else f"; OpenSim's `realizeAcceleration` takes {oracle:.0f}."), "",
        markdown_table(
            ("numbers", "bodies", "us", "OpenSim over it"),
            [(row["backend"], row["batch"], f"{row['us']:.2f}", "-" if oracle is None else f"{oracle / row['us']:.1f}")
             for row in accelerated],
        ),
        "", "## Peers", "", peers(),
    ]  # fmt: skip
    return "\n".join(lines)


def main() -> None:
    """Measure and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=0.25, help="of training for every line of its table")
    arguments = parser.parse_args()
    page = ROOT / "docs" / PAGE
    if not page.exists():
        page.write_text(
            "# Performance\n\nMeasured by `make bench` (`python -m tests.validation.performance`) on the machine named "
            "here; run it on yours.\n"
        )
    print(write_section(PAGE, "performance", report(arguments.minutes)))


if __name__ == "__main__":
    main()
