"""A handful of bodies held against the specification, few enough for the kernel as plain Python."""

from __future__ import annotations

import numpy as np

from exogait.osim_env import engine
from exogait.osim_env.excitation.task import FEET, SHANKS, WAIST
from exogait.osim_env.gait.setup import COMPILED
from tests.kit.excitation_spec import Specification
from tests.osim_env.excitation.test_excitation import STEP, actions, compare, make


def test_few_bodies_step_as_specified() -> None:
    """Every device condition and load, slopes and stride rates, both halves of a stride, a push, a fall, an end."""
    model = engine.Model.load(COMPILED["hip_ankle"])
    world, rng = make(model, 8, seed=2, episode=0.05, push_interval=0.02), np.random.default_rng(1)
    everyone = np.arange(8)
    world.reset(everyone, phase=everyone / 8, speed=np.linspace(0.8, 1.7, 8))
    for place, condition in ((WAIST, "none"), (SHANKS, "unpowered"), (FEET, "powered")):
        world.dress(everyone[place::3], condition)
        world.carry(everyone[place::3], place, 1.0 + place)
    world.ask(slice(0, 4), slope=0.06)
    world.ask(slice(2, 6), stride_rate=1.1)
    world.bodies.time[7] = 0.03
    world.q[6, world.columns.pelvis_ty] -= 0.6
    seen = np.zeros(3, int)
    for _ in range(3):
        spec = Specification(world)
        action, device_action = actions(world, rng)
        world.step(action, device_action)
        spec.step(action, device_action)
        compare(world, spec, STEP)
        seen += (world.results.terminated.any(), world.results.truncated.any(), (spec.push != 0).any())
    assert (seen > 0).all()
