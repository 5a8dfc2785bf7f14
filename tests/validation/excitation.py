"""The excitation world at length: what the suite holds on some dozen bodies, on many.

``python -m tests.validation.excitation`` compares one control step from 40,000 states and trajectories of ten steps
with the numpy specification, plain scalars with lanes, walks of the committed walker in float32 with the same walks in
float64, bits on one to three threads, and memory over ten million control steps; it writes the section into
docs/performance.md. Some minutes; ``--short`` runs a hundredth and writes nothing.
"""

from __future__ import annotations

import argparse
import dataclasses
import resource
import sys
from collections.abc import Iterator

import numpy as np

from exogait.models.device import load_device
from exogait.osim_env import engine
from exogait.osim_env.engine.lanes import Backend
from exogait.osim_env.excitation.config import ExcitationConfig
from exogait.osim_env.excitation.world import ExcitationWorld
from exogait.osim_env.gait.population import BodyDraw, Population
from exogait.osim_env.gait.reference import load_reference
from exogait.osim_env.gait.setup import COMPILED, WorldSetup
from exogait.osim_env.learning.excitation.setup import make_excitation_world
from exogait.osim_env.learning.policy import Policy, load_policy
from tests.kit.excitation_spec import Specification, actions
from tests.validation.sections import markdown_table, write_section

BATCH = 400
SPEEDS = (0.75, 1.0, 1.25, 1.5, 1.75)
BINS = 50
"""Parts of the gait cycle over which joint angles are averaged."""
NOT_COMPARED = ("clock", "random", "parameters")
"""Bodies' arrays that are compared otherwise or in the tests: time since the start, random numbers, parameters."""
CONFIG = ExcitationConfig(
    push_force=60.0, push_interval=0.05, push_duration=0.02, episode=0.25, imposed_share=0.5, slope_share=0.5,
    load_share=0.5, task_interval=0.06,
)  # fmt: skip


def make(seed: int, n: int = BATCH, backend: Backend = "float64") -> ExcitationWorld:
    """Bodies of all conditions, weak ones among them, pushed, on slopes, loaded, with short episodes."""
    population = Population(
        bodies=(BodyDraw(), BodyDraw(deficit="plantarflexors", strength=(30.0, 90.0))),
        conditions={"none": 1.0, "unpowered": 1.0, "powered": 1.0},
    )
    return ExcitationWorld(
        engine.Model.load(COMPILED["hip_ankle"]), load_reference(), dataclasses.replace(CONFIG, backend=backend), n,
        device=load_device("hip_ankle"), population=population, seed=seed,
    )  # fmt: skip


def apart(world: ExcitationWorld, spec: Specification) -> tuple[float, float, int]:
    """Largest relative difference of bodies, rewards and terms; of observations (float32); ends that differ."""
    pairs = [(getattr(world.bodies, name), getattr(spec, name)) for name in world.bodies._fields
             if name not in NOT_COMPARED]  # fmt: skip
    results = world.results
    pairs += [(results.reward, spec.reward), (results.device_reward, spec.device_reward), (results.terms, spec.terms)]
    seen = [(results.observation, spec.observation), (results.privileged, spec.privileged),
            (results.device_observation, spec.device_observation)]  # fmt: skip
    ends = int((results.terminated != spec.terminated).sum() + (results.truncated != spec.truncated).sum())
    return _largest(pairs), _largest(seen), ends


def _largest(pairs: list[tuple[np.ndarray, np.ndarray]]) -> float:
    worst = 0.0
    for found, wanted in pairs:
        a, b = np.asarray(found, float), np.asarray(wanted, float)
        with np.errstate(invalid="ignore"):  # limits that a body does not have are infinite in both
            off = np.where(a == b, 0.0, np.abs(a - b) / np.maximum(1.0, np.abs(b)))
        # What is no number in one of them is as far off as can be; a maximum would pass it over.
        worst = max(worst, float(np.nan_to_num(off, nan=np.inf).max(initial=0.0)))
    return worst


def equality(states: int, steps: int) -> tuple[float, float, int, int, int]:
    """Kernel and specification side by side, the specification begun anew every ``steps`` control steps.

    Returns:
        Largest differences of everything and of observations, ends that differ, falls and cuts that were met.
    """
    world, rng = make(11 + steps), np.random.default_rng(12)
    worst, seen, wrong, falls, cuts = 0.0, 0.0, 0, 0, 0
    for k in range(-(-states // BATCH)):
        if k % 10 == 5:  # some lie on the floor, some are far too low
            world.q[: BATCH // 16, world.columns.pelvis_ty] -= np.linspace(0.15, 0.6, BATCH // 16)
        spec = Specification(world)
        for _ in range(steps):
            action, device = actions(world, rng)
            world.step(action, device)
            spec.step(action, device)
            falls, cuts = falls + int(world.results.terminated.sum()), cuts + int(world.results.truncated.sum())
            ended = apart(world, spec)
            worst, seen, wrong = max(worst, ended[0]), max(seen, ended[1]), wrong + ended[2]
    return worst, seen, wrong, falls, cuts


def scalars(states: int) -> float:
    """Largest relative difference of one control step between plain scalars and lanes."""
    lanes, plain, rng, worst = make(21, 64), make(21, 64, "scalar"), np.random.default_rng(22), 0.0
    for _ in range(-(-states // 64)):
        plain.load_arrays(lanes.arrays())
        action, device = actions(lanes, rng)
        lanes.step(action, device)
        plain.step(action, device)
        pairs = [(getattr(plain.bodies, name), getattr(lanes.bodies, name)) for name in lanes.bodies._fields]
        worst = max(worst, _largest([*pairs, (plain.results.terms, lanes.results.terms)]))
    return worst


def walks(brain: Policy, starts: int, seconds: float) -> Iterator[tuple[str, np.ndarray, np.ndarray, np.ndarray]]:
    """Walks at five speeds: for each kind of numbers who stays up, power (no credit, W/kg) and mean joint angles.

    Angles are means over all walks of a speed by part of the gait cycle, deg, shape (speeds, BINS, n_joints).
    """
    speed = np.repeat(SPEEDS, starts)
    phase = np.random.default_rng(5).random(len(speed))
    backends: tuple[Backend, ...] = ("float32", "float64")
    for backend in backends:
        config = ExcitationConfig(backend=backend, early_termination=False, reset_noise=0.0, episode=seconds)
        world = make_excitation_world(WorldSetup(), config, n_envs=len(speed), auto_reset=False)
        world.reset(phase=phase, speed=speed)
        up, power, steps = np.ones(len(speed), bool), np.zeros(len(speed)), round(seconds / config.control_step)
        joints = world.anatomy.joints
        total, count = np.zeros((len(SPEEDS), BINS, len(joints))), np.zeros((len(SPEEDS), BINS, 1))
        group = np.repeat(np.arange(len(SPEEDS)), starts)
        for _ in range(steps):
            world.step(np.where(up[:, None], brain.act(world.results.observation), 0.0))
            up &= world.bodies.fallen == 0
            power += world.bodies.power[:, 1]
            place = (group[up], (world.bodies.phase[up] * BINS).astype(int) % BINS)
            np.add.at(total, place, world.q[up][:, joints])
            np.add.at(count, place, 1.0)
        yield backend, up, power / steps, np.degrees(total / np.maximum(count, 1.0))


def threads_agree(steps: int) -> dict[str, bool]:
    """Whether one, two and three threads give the same bits, for each kind of numbers."""
    before, found = engine.get_threads(), {}
    backends: tuple[Backend, ...] = ("float64", "float32", "scalar")
    for backend in backends:
        ends = []
        for threads in (1, 2, 3):
            engine.set_threads(threads)
            world, rng = make(31, 96, backend), np.random.default_rng(32)
            for _ in range(steps):
                world.step(*actions(world, rng))
            ends.append((world.bodies.state.copy(), world.results.observation.copy(), world.results.reward.copy()))
        found[backend] = all(np.array_equal(a, b) for other in ends[1:] for a, b in zip(ends[0], other, strict=True))
    engine.set_threads(before)
    return found


def memory(steps: int) -> float:
    """Growth of the peak of memory over so many control steps of bodies, after the first tenth, MB."""
    world = make_excitation_world(WorldSetup(), ExcitationConfig(backend="float32"), n_envs=64)
    action, peak, rounds = np.full((64, world.n_actions), -0.2), 0, -(-steps // 64)
    for step in range(rounds):
        world.step(action)
        if step == rounds // 10:
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak) / 1024


def main() -> int:
    """Compare, print, and write the section; the exit code tells whether everything holds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--short", action="store_true")
    short = parser.parse_args().short
    share = 100 if short else 1
    rows: list[tuple[str, str, str, bool]] = []

    def tell(what: str, found: str, wanted: str, holds: bool) -> None:
        rows.append((what, found, wanted, holds))
        print(f"{what}: {found} ({wanted}){'' if holds else '  MISSED'}", flush=True)

    states = 40_000 // share
    worst, seen, wrong, falls, cuts = equality(states, 1)
    tell(f"one control step from {states:,} states, {falls:,} falls and {cuts:,} ends of episodes among them: bodies, "
         "controls, rewards, terms", f"{worst:.1e}", "1e-9", worst < 1e-9)  # fmt: skip
    tell("the same: observations, which are float32", f"{seen:.1e}", "2e-7", seen < 2e-7)
    tell("the same: ends that differ", f"{wrong}", "0", wrong == 0)
    trajectories = 4_000 // share
    worst, _, wrong, _, _ = equality(trajectories, 10)
    tell(f"{trajectories:,} trajectories of ten control steps", f"{worst:.1e}, {wrong} ends differ", "1e-7, 0",
         worst < 1e-7 and wrong == 0)  # fmt: skip
    apart_by = scalars(6_400 // share)
    tell("plain scalars against lanes, one control step", f"{apart_by:.1e}", "1e-12", apart_by < 1e-12)
    starts, seconds = (2, 2.0) if short else (20, 30.0)
    single, double = walks(load_policy("walker"), starts, seconds)
    both = single[1] & double[1]
    tell(f"{len(SPEEDS) * starts} walks of {seconds:g} s of the walker in float32 and float64: falls that differ",
         f"{int((single[1] != double[1]).sum())}", "1%", float((single[1] != double[1]).mean()) <= 0.01)  # fmt: skip
    power = float(abs(single[2][both].mean() / double[2][both].mean() - 1.0))
    tell("the same: mean power", f"{100 * power:.2f}%", "0.5%", power < 0.005)
    off = float(np.sqrt(np.mean((single[3] - double[3]) ** 2, axis=1)).max())
    tell("the same: mean joint angle over the cycle, largest RMS of any joint at any speed", f"{off:.3f} deg",
         "0.3 deg", off < 0.3)  # fmt: skip
    for backend, same in threads_agree(40 // (4 if short else 1)).items():
        tell(f"bits on 1, 2 and 3 threads, {backend}", "equal" if same else "differ", "equal", same)
    steps = 10_000_000 // (1000 if short else 1)
    grown = memory(steps)
    tell(f"growth of memory over {steps:,} control steps", f"{grown:.1f} MB", "5 MB", grown < 5.0)
    if not short:
        table = markdown_table(
            ["the excitation world", "found", "wanted", ""],
            [[what, found, wanted, "met" if holds else "**missed**"] for what, found, wanted, holds in rows],
        )
        text = "Relative differences, largest of all. `python -m tests.validation.excitation`\n\n" + table
        write_section("performance.md", "excitation", text)
    return 0 if all(row[3] for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
