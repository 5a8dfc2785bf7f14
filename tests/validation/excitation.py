"""The excitation world at length: what the suite holds on some dozen bodies, on many.

``python -m tests.validation.excitation`` compares one control step of random states with the numpy specification
(40,000 of them), walks of a policy in float32 with the same walks in float64, and memory over many steps. Minutes.
"""

from __future__ import annotations

import argparse
import resource
import sys

import numpy as np

from exogait.models.device import load_device
from exogait.osim_env import engine
from exogait.osim_env.excitation.config import ExcitationConfig
from exogait.osim_env.excitation.world import ExcitationWorld
from exogait.osim_env.gait.population import BodyDraw, Population
from exogait.osim_env.gait.reference import load_reference
from exogait.osim_env.gait.setup import COMPILED, WorldSetup
from exogait.osim_env.learning.excitation.setup import make_excitation_world
from exogait.osim_env.learning.policy import load_policy
from tests.kit.excitation_spec import Specification

BATCH = 400
STEP = 1e-9
"""Largest difference of one control step, relative to the size of a quantity: rounding, and nothing else."""
FLAT = 5.0
"""Most that memory may grow over all steps after the first tenth, MB."""


def equality(states: int) -> float:
    """Largest difference between kernel and specification, over bodies of all conditions in states they run through."""
    population = Population(
        bodies=(BodyDraw(), BodyDraw(deficit="plantarflexors", strength=(30.0, 90.0))),
        conditions={"none": 1.0, "unpowered": 1.0, "powered": 1.0},
    )
    config = ExcitationConfig(push_force=60.0, push_interval=0.05, push_duration=0.02, episode=0.25)
    world = ExcitationWorld(
        engine.Model.load(COMPILED["hip_ankle"]), load_reference(), config, BATCH, device=load_device("hip_ankle"),
        population=population, seed=11,
    )  # fmt: skip
    rng, worst = np.random.default_rng(12), 0.0
    for _ in range(states // BATCH):
        near = np.where(
            world.bodies.phase[:, None] >= 0.5, world.activation[:, world.anatomy.muscle_mirror], world.activation
        )
        z = np.log(np.expm1(10 * np.clip(near, 0.01, 1.0))) / 10
        z += rng.choice([0.02, 0.3], (BATCH, 1)) * rng.standard_normal(z.shape)
        action = np.concatenate([z, rng.uniform(-1.5, 1.5, (BATCH, 1))], axis=1)
        device = rng.uniform(-1.2, 1.2, (BATCH, world.n_device_actions))
        spec = Specification(world)
        world.step(action, device)
        spec.step(action, device)
        for name in ("state", "fiber_length", "fiber_velocity", "tendon_force", "foot_load", "power", "history"):
            found, wanted = getattr(world.bodies, name), getattr(spec, name)
            worst = max(worst, float((np.abs(found - wanted) / np.maximum(1.0, np.abs(wanted))).max()))
        worst = max(worst, float(np.abs(world.results.reward - spec.reward).max()))
    return worst


def walks(policy: str, count: int, seconds: float) -> dict[str, tuple[float, float, float]]:
    """Walks of a policy by numbers: share without a fall, mean power (W/kg, no credit) and mean speed (m/s)."""
    brain = load_policy(policy)
    rng = np.random.default_rng(5)
    phase, speed = rng.random(count), rng.uniform(0.9, 1.6, count)
    found = {}
    for backend in ("float32", "float64"):
        config = ExcitationConfig(backend=backend, early_termination=False, reset_noise=0.0, episode=seconds)  # type: ignore[arg-type]
        world = make_excitation_world(WorldSetup(), config, n_envs=count, auto_reset=False)
        world.reset(phase=phase, speed=speed)
        up, power, steps = np.ones(count, bool), np.zeros(count), round(seconds / config.control_step)
        for _ in range(steps):
            world.step(brain.act(world.results.observation))
            up &= world.bodies.fallen == 0
            power += world.bodies.power[:, 1]
        forward = world.q[up, world.columns.pelvis_tx] / seconds
        found[backend] = (float(up.mean()), float(power[up].mean() / steps), float((forward / speed[up]).mean()))
    return found


def memory(steps: int) -> float:
    """Growth of the peak of memory over many control steps, after the first tenth, MB."""
    world = make_excitation_world(WorldSetup(), ExcitationConfig(backend="float32"), n_envs=64)
    action, peak = np.full((64, world.n_actions), -0.2), 0
    for step in range(steps):
        world.step(action)
        if step == steps // 10:
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak) / 1024


def main() -> int:
    """Print what was found; the exit code tells whether it holds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--states", type=int, default=40_000)
    parser.add_argument("--policy", help="of the excitation scheme; walks are left out without")
    parser.add_argument("--walks", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--steps", type=int, default=20_000)
    a = parser.parse_args()
    worst = equality(a.states)
    well = worst < STEP
    print(f"one step of {a.states} states against the specification: largest difference {worst:.1e}", flush=True)
    if a.policy is None:
        print("no --policy: walks in float32 and float64 are NOT compared", flush=True)
    else:
        for backend, (share, power, speed) in walks(a.policy, a.walks, a.seconds).items():
            print(
                f"{a.walks} walks of {a.seconds:g} s in {backend}: {100 * share:.0f}% without a fall, "
                f"{power:.3f} W/kg without basal rate, {100 * speed:.2f}% of the commanded speed", flush=True,
            )  # fmt: skip
    grown = memory(a.steps)
    well = well and grown < FLAT
    print(f"memory grew by {grown:.1f} MB over {a.steps} control steps of 64 bodies")
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
