"""Speed, memory, determinism and compile time of the compiled engine: the second half of ``validate_twin``."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from exogait import models
from exogait.osim_env import engine
from exogait.osim_env.engine import contact, dynamics, inertia, joints, limits, muscles, paths
from exogait.osim_env.engine.batch import groups, pack_state
from exogait.osim_env.engine.lanes import WIDTH, aligned_rows, entry, lanes, load, store
from exogait.osim_env.engine.observation import state_rows
from exogait.osim_env.engine.opensim_engine import OpenSimEngine
from exogait.osim_env.engine.state import pack_parameters
from exogait.osim_env.engine.verify import States, sample_states
from tests.validation.sections import markdown_table

ROOT = Path(__file__).parents[2]
FALLEN_M = 0.6
CONTROL_S = 0.01
PARTS = (
    "kinematics",
    "inertia and mass matrix",
    "contact",
    "muscle paths",
    "muscle forces",
    "moment arms to forces and damping",
    "limits, springs, actuators",
    "solve",
)


def best_of(function: Callable[[], object], repeats: int, clock: Callable[[], float] = time.thread_time) -> float:
    """Shortest of several durations: others on the machine only ever make it longer."""
    function()
    durations = []
    for _ in range(repeats):
        begin = clock()
        function()
        durations.append(clock() - begin)
    return min(durations)


def standing(model: engine.Model, batch: int, seed: int = 0) -> engine.State:
    """A batch on the floor, near standing."""
    rng = np.random.default_rng(seed)
    state = engine.State.create(model, batch)
    state.q += rng.normal(0.0, 0.03, state.q.shape) * model.coordinate_rotational
    state.q[:, model.index("coordinate", "pelvis_ty")] = standing_height(model) + 0.005
    state.activation[:] = 0.05
    return state


def standing_height(model: engine.Model) -> float:
    """Pelvis height at which the lowest sphere touches the floor in the default pose."""
    from exogait.osim_env.engine.verify import deepest

    height = model.index("coordinate", "pelvis_ty")
    return float(model.coordinate_default[height] + deepest(model, model.coordinate_default[None])[0] - 0.01)


def random_controls(model: engine.Model, batch: int, rng: np.random.Generator, top: float = 0.5) -> np.ndarray:
    """Muscle excitations up to ``top``; no actuator torque."""
    controls = np.zeros((batch, model.n_controls))
    controls[:, : model.n_muscles] = rng.uniform(0.01, top, (batch, model.n_muscles))
    return controls


def accelerations_against_opensim(model: engine.Model) -> tuple[float, float]:
    """Seconds of one evaluation of accelerations: ours in a batch of 512, and OpenSim's realizeAcceleration."""
    states = sample_states(model, 512, 1)
    engine.set_threads(1)
    ours = best_of(lambda: engine.accelerations(model, states.q, states.u, states.activation, states.torque), 15) / 512
    return ours, opensim_acceleration(states)


def opensim_acceleration(states: States, clock: Callable[[], float] = time.thread_time) -> float:
    """Seconds of OpenSim's realizeAcceleration in the second of some states."""
    oracle = OpenSimEngine(models.model_path())
    state = oracle.set_state(states.q[1], states.u[1], states.activation[1])
    coordinates = state.getQ()

    def evaluate() -> None:
        state.setQ(coordinates)
        oracle.opensim_model.realizeAcceleration(state)

    return best_of(lambda: [evaluate() for _ in range(50)], 15, clock) / 50


def stepping(model: engine.Model, *, record: bool, batch: int = 64, control_steps: int = 5000) -> tuple[float, int]:
    """Simulated seconds a CPU second on one core with falls and resets, and the number of resets."""
    engine.set_threads(1)
    rng = np.random.default_rng(2)
    state, fresh = standing(model, batch), standing(model, batch)
    height = model.index("coordinate", "pelvis_ty")
    resets, spent = 0, 0.0
    engine.step(model, fresh.copy(), random_controls(model, batch, rng), CONTROL_S, 0.001, record=record)
    rounds = -(-control_steps // batch)
    for _ in range(rounds):
        controls = random_controls(model, batch, rng)
        begin = time.thread_time()
        engine.step(model, state, controls, CONTROL_S, 0.001, record=record)
        spent += time.thread_time() - begin
        fallen = (state.q[:, height] < FALLEN_M) | (state.status != 0)
        resets += int(fallen.sum())
        for name in ("q", "u", "activation", "status"):
            getattr(state, name)[fallen] = getattr(fresh, name)[fallen]
    return rounds * batch * CONTROL_S / spent, resets


def scaling(model: engine.Model) -> tuple[dict[int, float], dict[int, float]]:
    """Simulated seconds a wall second, and CPU seconds of the same work, on 1 and on 2 threads.

    Short calls, many times, taking turns: on a busy machine some of them find both cores free.
    """
    batch = 128
    controls = random_controls(model, batch, np.random.default_rng(3), 0.2)
    best, spent = {1: np.inf, 2: np.inf}, {1: 0.0, 2: 0.0}
    for _ in range(400):
        for threads in (1, 2):
            engine.set_threads(threads)
            state = standing_cached(model, batch)
            begin, cpu = time.perf_counter(), time.process_time()
            engine.step(model, state, controls, CONTROL_S)
            best[threads] = min(best[threads], time.perf_counter() - begin)
            spent[threads] += time.process_time() - cpu
    engine.set_threads(1)
    return {threads: batch * CONTROL_S / seconds for threads, seconds in best.items()}, spent


_cached: dict[int, engine.State] = {}


def standing_cached(model: engine.Model, batch: int) -> engine.State:
    """A copy of one standing batch."""
    if batch not in _cached:
        _cached[batch] = standing(model, batch)
    return _cached[batch].copy()


def survival(model: engine.Model) -> list[list[object]]:
    """Random flailing on the floor for 0.5 s at several steps: who survives, how fast they get, how exact 0.1 s is."""
    engine.set_threads(0)
    batch, rows = 64, []
    excitations = [random_controls(model, batch, np.random.default_rng(100 + k), 1.0) for k in range(50)]
    reference = standing(model, batch, 7)
    for k in range(10):
        engine.step(model, reference, excitations[k], CONTROL_S, 0.00002)
    for h in (0.0005, 0.001, 0.002):
        state, worst = standing(model, batch, 7), 0.0
        for k in range(50):
            engine.step(model, state, excitations[k], CONTROL_S, h)
            worst = max(worst, float(np.abs(state.u).max()))
            if k == 9:
                off = np.abs(state.q - reference.q)
        legs = [i for i, name in enumerate(model.coordinate_names) if name.startswith(("hip", "knee", "ankle"))]
        rows.append(
            [
                f"{h * 1e3:g}",
                f"{int((state.status == 0).sum())} of {batch}",
                f"{worst:.0f}",
                f"{np.median(off.max(axis=1)):.1e}",
                f"{np.median(off[:, legs].max(axis=1)):.1e}",
            ]
        )
    engine.set_threads(1)
    return rows


def memory(model: engine.Model, steps: int = 1_000_000) -> tuple[float, float, int]:
    """Resident memory in MB before and after a million environment steps of 1 ms with resets, and the resets."""
    engine.set_threads(0)
    batch = 256
    state, fresh = standing(model, batch), standing(model, batch)
    rng = np.random.default_rng(4)
    height = model.index("coordinate", "pelvis_ty")
    for _ in range(5):
        engine.step(model, state, random_controls(model, batch, rng), CONTROL_S, 0.001, record=True)
    before, resets = resident_mb(), 0
    for _ in range(steps // (batch * 10)):
        engine.step(model, state, random_controls(model, batch, rng), CONTROL_S, 0.001, record=True)
        fallen = (state.q[:, height] < FALLEN_M) | (state.status != 0)
        resets += int(fallen.sum())
        for name in ("q", "u", "activation", "status"):
            getattr(state, name)[fallen] = getattr(fresh, name)[fallen]
    engine.set_threads(1)
    return before, resident_mb(), resets


def resident_mb() -> float:
    """Resident set size, MB."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 1e6
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


@entry
def _prepare(model, w, at, packed, location, rows, state):
    """Bring a block to where every part of the pipeline can run on its own."""
    dynamics.read_rows(w, at.strength, packed, 0)
    inertia.body_inertias(model[1], w, at, location)
    dynamics.read_state(w, rows, state, 0)
    dynamics.assemble(model, w, at, 1, 0.001)


@entry
def _repeat(model, w, at, part, n):
    """Run one part of the pipeline n times, on the same state."""
    functions, tree, path, muscle, contacts, limit, springs, actuators = model[:8]
    for _ in range(n):
        if part == 0:
            joints.kinematics(functions, tree, w, at)
        elif part == 1:
            inertia.clear_matrix(w, at)
            inertia.inertial_forces(w, at)
            inertia.collect_wrenches(tree, w, at)
            inertia.mass_matrix(tree, w, at)
        elif part == 2:
            contact.contact_forces(contacts, w, at, 0.001)
        elif part == 3:
            paths.moving_points(functions, path, w, at)
            for m in range(at.n_muscles):
                paths.muscle_path(tree, path, w, at, m)
        elif part == 4:
            for m in range(at.n_muscles):
                muscles.muscle_force(muscle, w, at, m, 0.001)
        elif part == 5:
            for m in range(at.n_muscles):
                paths.pull(path, w, at, m)
        elif part == 6:
            limits.coordinate_forces(limit, springs, actuators, w, at, 0.001)
        else:
            inertia.solve(tree, w, at)


@entry
def _peak(w, n):
    """Multiply and add in eight independent registers: the rate that no kernel can pass."""
    a, b, c, d = load(w, 0), load(w, 1), load(w, 2), load(w, 3)
    e, f, g, h = load(w, 4), load(w, 5), load(w, 6), load(w, 7)
    s, t = lanes(w, 0.999), lanes(w, 0.001)
    for _ in range(n):
        a, b, c, d = a * s + t, b * s + t, c * s + t, d * s + t
        e, f, g, h = e * s + t, f * s + t, g * s + t, h * s + t
    store(w, 0, a + b + c + d + e + f + g + h)


@entry
def _quotients(w, n):
    """Divide in four independent registers: the rate of divisions, which roots do not pass either."""
    a, b, c, d = load(w, 0), load(w, 1), load(w, 2), load(w, 3)
    s = lanes(w, 1.001)
    for _ in range(n):
        a, b, c, d = s / a, s / b, s / c, s / d
    store(w, 0, a + b + c + d)


@entry
def _copies(w, rows, n):
    """Load every row of a workspace and store it in another place."""
    for _ in range(n):
        for k in range(rows):
            store(w, rows + k, load(w, k))


def limits_of_core(n_rows: int) -> dict[str, float]:
    """Vector operations a second of one core: ``fused`` multiply-adds, ``divisions``, ``moves`` (load and store)."""
    work, large = aligned_rows(8), aligned_rows(n_rows)
    work[:] = 1.0
    half = n_rows // 2
    return {
        "fused": 8 * 100_000 / best_of(lambda: _peak(work, 100_000), 9),
        "divisions": 4 * 100_000 / best_of(lambda: _quotients(work, 100_000), 9),
        "moves": half * 200 / best_of(lambda: _copies(large, half, 200), 9),
    }


def profile(model: engine.Model) -> list[float]:
    """Microseconds a block of eight environments for each part."""
    state, at, arrays = standing(model, WIDTH), model.layout, groups(model)
    rows = aligned_rows(at.n_rows)
    packed, location, _ = pack_parameters(model, WIDTH, None)
    packed_state = pack_state(model, state.q, state.u, state.activation, 0.0)
    _prepare(arrays, rows, at, packed, location, state_rows(model), packed_state)
    keep, result = rows.copy(), []
    for part in range(len(PARTS)):

        def run(part: int = part) -> None:
            rows[:] = keep
            _repeat(arrays, rows, at, part, 200)

        result.append(best_of(run, 7) / 200 * 1e6)
    return result


PLAIN = ("isnan", "isinf", "isfinite", "signbit", "invert", "logical_and", "logical_or", "ldexp", "frexp")
"""What exists in plain Python alone: tests for NaN, and powers of two that stand for bit operations."""
COUNTER = """
import json, sys
import numpy as np
from exogait.osim_env.engine import lanes
counts = {}
class Counted(np.ndarray):
    def __array_ufunc__(self, ufunc, method, *inputs, **keywords):
        counts[ufunc.__name__] = counts.get(ufunc.__name__, 0) + 1
        plain = [i.view(np.ndarray) if isinstance(i, Counted) else i for i in inputs]
        result = getattr(ufunc, method)(*plain, **keywords)
        return result.view(Counted) if isinstance(result, np.ndarray) else result
plain_where = lanes.where
def where(mask, yes, no):
    counts["select"] = counts.get("select", 0) + 1
    return np.where(*(np.asarray(x) for x in (mask, yes, no))).view(Counted)
def load(rows, index):
    counts["load"] = counts.get("load", 0) + 1
    return rows[index].copy().view(Counted)
plain_store = lanes.store
def store(rows, index, value):
    counts["store"] = counts.get("store", 0) + 1
    plain_store(rows, index, np.asarray(value))
lanes.load, lanes.store = load, store
lanes.lanes = lambda like, value: np.full(lanes.WIDTH, float(value)).view(Counted)
lanes.where = where
from exogait.osim_env import engine
model = engine.Model.load(sys.argv[1])
state = engine.State.create(model, 8)
counts.clear()
engine.step(model, state, np.zeros(model.n_controls), 0.001, 0.001)
print(json.dumps(counts))
"""


def count_operations(compiled: Path) -> dict[str, int]:
    """Vector operations of one implicit step of a block, counted by running the kernels as plain Python.

    What is in :data:`PLAIN` is left out.
    """
    environment = os.environ | {"OSIM_ENV_DISABLE_JIT": "1", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", COUNTER, str(compiled)], env=environment, capture_output=True, text=True, check=True
    )
    found = json.loads(done.stdout.splitlines()[-1])
    return {name: count for name, count in found.items() if name not in PLAIN}


def determinism(model: engine.Model) -> bool:
    """Whether the same seed gives the same bits on 1, 2 and 3 threads and in batches of other sizes."""

    def run(threads: int, batch: int) -> np.ndarray:
        engine.set_threads(threads)
        state = standing(model, 40)
        state = state if batch == 40 else _first(model, state, batch)
        rng = np.random.default_rng(9)
        for _ in range(30):
            controls = random_controls(model, 40, rng)[:batch]
            engine.step(model, state, controls, CONTROL_S, record=True)
        return np.hstack([state.q, state.u, state.activation, state.record_rows])

    first = run(1, 40)
    same = all(np.array_equal(first, run(threads, 40)) for threads in (2, 3))
    same = same and np.array_equal(first[:13], run(2, 13))
    engine.set_threads(1)
    return same


def _first(model: engine.Model, state: engine.State, batch: int) -> engine.State:
    """The first rows of a batch as a batch of their own."""
    few = engine.State.create(model, batch)
    for name in ("q", "u", "activation"):
        getattr(few, name)[:] = getattr(state, name)[:batch]
    return few


COMPILE = """
import sys, time
begin, cpu = time.time(), time.process_time()
import numpy as np
from exogait.osim_env import engine
model = engine.Model.load(sys.argv[1])
state = engine.State.create(model, 8)
engine.step(model, state, np.zeros(model.n_controls), 0.01, record=True)
engine.accelerations(model, state.q, state.u, state.activation)
print(time.time() - begin, time.process_time() - cpu)
"""


def compile_time(compiled: Path) -> tuple[float, float, float, str]:
    """Wall and CPU seconds of a first call, wall seconds of the next process's, and the line that a user sees."""
    with tempfile.TemporaryDirectory() as cache:
        environment = os.environ | {"NUMBA_CACHE_DIR": cache, "PYTHONPATH": str(ROOT)}
        first, second = (
            subprocess.run(
                [sys.executable, "-c", COMPILE, str(compiled)],
                env=environment,
                capture_output=True,
                text=True,
                check=True,
            )
            for _ in range(2)
        )
    wall, cpu = (float(x) for x in first.stdout.split())
    return wall, cpu, float(second.stdout.split()[0]), first.stderr.strip()


def met(value: bool) -> str:
    """Return the word of a table."""
    return "met" if value else "**MISSED**"


def study(log: Callable[[str], None]) -> list[str]:
    """Run everything and return Markdown parts."""
    model = engine.compile_osim(models.model_path())
    with tempfile.TemporaryDirectory() as folder:
        compiled = model.save(Path(folder) / "model.npz")
        log("compile time")
        wall, cpu, again, line = compile_time(compiled)
        log("operation count")
        counts = count_operations(compiled)
    log("speed")
    ours, theirs = accelerations_against_opensim(model)
    bare, resets = stepping(model, record=False)
    full, _ = stepping(model, record=True)
    cores, spent = scaling(model)
    log("profile")
    parts, core = profile(model), limits_of_core(model.layout.n_rows)
    log("survival")
    alive = survival(model)
    log("memory")
    before, after, memory_resets = memory(model)
    log("determinism")
    same = determinism(model)

    ratio, gain = theirs / ours, cores[2] / cores[1]
    load_average = os.getloadavg()[0]
    speed = markdown_table(
        ["quantity", "measured", "limit", "result"],
        [
            ["accelerations a second, one core", f"{1 / ours:,.0f} ({ours * 1e6:.2f} µs)", "", ""],
            ["OpenSim realizeAcceleration a second", f"{1 / theirs:,.0f} ({theirs * 1e6:.0f} µs)", "", ""],
            ["ratio", f"{ratio:.0f}", "60 (aim 100)", met(ratio >= 60)],
            [
                "simulated s a CPU s, implicit 1 ms, contact, 5,000 control steps of 10 ms",
                f"{bare:.0f} ({resets} resets)",
                "50 (aim 80)",
                met(bare >= 50),
            ],
            ["the same with the record for learning", f"{full:.0f}", "", ""],
            ["simulated s a wall s, 1 thread / 2 threads", f"{cores[1]:.0f} / {cores[2]:.0f}", "", ""],
            ["gain from 1 to 2 threads, best of 400", f"{gain:.2f}", "1.7", met(gain >= 1.7)],
            ["CPU time of the same work, 2 threads / 1 thread", f"{spent[2] / spent[1]:.3f}", "", ""],
        ],
    )  # fmt: skip
    total = sum(parts)
    shares = markdown_table(
        ["part", "µs a block of 8", "share"],
        [[name, f"{us:.2f}", f"{us / total:.0%}"] for name, us in zip(PARTS, parts, strict=True)],
    )
    arithmetic = sum(counts.get(k, 0) for k in ("add", "subtract", "multiply", "negative"))
    slow = sum(counts.get(k, 0) for k in ("divide", "sqrt"))
    moved = {name: counts.get(name, 0) for name in ("load", "store")}
    other = sum(counts.values()) - arithmetic - slow - sum(moved.values())
    floors = {
        "multiply-adds, every multiplication fused to an addition": (arithmetic / 2 + other) / core["fused"],
        "divisions and roots": slow / core["divisions"],
        "loads and stores": max(moved.values()) / core["moves"],
    }
    steady = WIDTH * 1e6 * 0.001 / bare
    return [
        "### Speed\n\n"
        f"One run, load average of the machine {load_average:.1f} on {os.cpu_count()} cores; the shortest of several "
        f"CPU times, but wall time where it says so.\n\n{speed}",
        "### Where the time goes\n\n"
        f"{shares}\n\nOne implicit step of a block of eight environments is {arithmetic:,} vector additions and "
        f"multiplications, {slow:,} divisions and roots, {other:,} comparisons, selections and others, "
        f"{moved['load']:,} loads and {moved['store']:,} stores. This core does "
        f"{core['fused'] / 1e9:.1f}e9 vector multiply-adds, "
        f"{core['divisions'] / 1e9:.2f}e9 divisions, and {core['moves'] / 1e9:.1f}e9 moves within a workspace of "
        f"{model.layout.n_rows:,} rows a second, each measured alone; at these rates the step takes at least\n\n"
        + markdown_table(["limit", "µs a block"], [[name, f"{1e6 * s:.1f}"] for name, s in floors.items()])
        + f"\n\none after the other {1e6 * sum(floors.values()):.1f} µs; measured {steady:.1f} µs, "
        f"{steady / WIDTH:.2f} µs an environment. Loads that the first cache answers are faster than these moves, and "
        "the three go on at the same time: the step waits for results of its own, not for one of them.",
        "### Step size of the default integrator\n\n"
        "64 bodies on the floor, new random excitations up to 1 every 10 ms for 0.5 s; difference after 0.1 s from "
        "steps of 0.02 ms, median over bodies of the worst coordinate.\n\n"
        + markdown_table(["h, ms", "survive", "largest speed, rad/s", "all, rad or m", "hip, knee, ankle, rad"], alive)
        + "\n\n1 ms is the default: less than half the error of 2 ms at a cost that no longer matters.",
        "### Memory, determinism, first call\n\n"
        + markdown_table(
            ["quantity", "measured", "limit", "result"],
            [
                [
                    f"resident memory before / after 1e6 steps with {memory_resets} resets",
                    f"{before:.1f} / {after:.1f} MB",
                    "flat",
                    met(after - before < 5.0),
                ],
                ["same bits on 1, 2, 3 threads and in a smaller batch", "yes" if same else "no", "yes", met(same)],
                [
                    f"first call, empty cache, load average {load_average:.1f} on {os.cpu_count()} cores",
                    f"{wall:.0f} s wall, {cpu:.0f} s CPU",
                    "60 s",
                    "met in CPU time" if cpu < 60 <= wall else met(wall < 60),
                ],
                ["first call of the next process", f"{again:.1f} s", "", ""],
            ],
        )
        + f"\n\nThe user sees: `{line.splitlines()[0] if line else '(nothing)'}`",
    ]
