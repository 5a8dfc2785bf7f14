"""What the committed healthy policy does: docs/results.md, section "walking".

``python -m tests.validation walking`` evaluates ``models/policies/healthy`` with deterministic actions, without early
termination and without any reset after the start. A fall is pelvis height below 0.7 of nominal or ground contact of
anything but a foot. Lines that miss their aim say so. With ``EXOGAIT_SHORT=1`` everything is shorter and nothing is
written; with ``EXOGAIT_NO_OPENSIM_ENGINE=1`` the walk in OpenSim's own engine, some minutes, is left out, which the
page then says.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context

import numpy as np

from exogait.data.trial import GaitTrial
from exogait.osim_env.learning.policy import Policy, load_policy
from exogait.osim_env.learning.rollout import roll_out
from tests.validation.walking_gait import beside_opensim, gait
from tests.validation.walking_survival import PUSH_FORCE, survival
from tests.validation.walking_training import learning_curves, throughput, training_speed
from tests.validation.walking_world import (
    MAIN_SPEED,
    SHORT,
    SHORT_NOTE,
    Aim,
    Found,
    chapters,
    policy_world,
    publish,
    verdicts,
)

POLICY = "healthy"


def opensim_engine(policy: Policy) -> Found:
    """The same policy, untouched, with OpenSim's own engine and integrator."""
    what = f"walks in the OpenSim engine, no retraining, {MAIN_SPEED:g} m/s"
    if os.environ.get("EXOGAIT_NO_OPENSIM_ENGINE"):
        return [Aim(what, "not measured in this run", "10 s", None)], "Left out of this run."
    seconds = 0.3 if SHORT else 10.0
    trials: dict[str, GaitTrial] = {}
    for engine in ("twin", "opensim"):
        world = policy_world(policy, 1, seconds, engine=engine)
        world.reset(np.arange(1), phase=np.zeros(1), speed=np.array([MAIN_SPEED]))
        trials[engine] = roll_out(world, policy, seconds)[0]
    return beside_opensim(what, trials["twin"], trials["opensim"])


STUDIES: dict[str, Callable[[Policy], Found]] = {
    "Survival and speed": survival,
    "Pushes": partial(survival, push_force=PUSH_FORCE),
    f"Gait at {MAIN_SPEED:g} m/s": gait,
    "In the OpenSim engine": opensim_engine,
}
"""Studies of the policy, each in a process of its own."""
TIMED: dict[str, Callable[[], Found]] = {
    "Speed of training": training_speed,
    "Throughput": throughput,
    "Learning curves": learning_curves,
}
"""Studies of speed, one after the other with nothing of ours beside them."""


def evaluate(policy: Policy, *, processes: int = 2) -> str:
    """Run every study and lay the findings out as Markdown."""
    begin = time.perf_counter()
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        # The slowest first: OpenSim's own engine takes most of the time.
        waiting = {title: pool.submit(STUDIES[title], policy) for title in reversed(STUDIES)}
        found = {title: waiting[title].result() for title in STUDIES}
    found |= {title: study() for title, study in TIMED.items()}
    met, table = verdicts(found)
    figure = "" if SHORT else "\n\n![The walk against norms](figures/healthy_gait.png)"
    trained = policy.metadata.get("model_hash")
    return (
        f"## The healthy muscle policy\n\n{SHORT_NOTE}Regenerate with `python -m tests.validation walking`. "
        f"Policy `{POLICY}`, trained on {policy.metadata['samples'] / 1e6:.1f} million control steps of 20 ms"
        f"{f', model {trained[:12]}' if trained else ', from before policies carried the hash of their model'}. "
        f"{met}\n\n" + table + figure + "\n\n" + chapters(found)
        + f"\n\nEvaluated in {time.perf_counter() - begin:.0f} s."
    )  # fmt: skip


def main() -> None:
    """Evaluate, print, and write the section unless the version is the short one."""
    publish("walking", evaluate(load_policy(POLICY)))


if __name__ == "__main__":
    main()
