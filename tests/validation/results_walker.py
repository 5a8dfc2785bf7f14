"""What the walker of excitations does: docs/results.md, section "walker", by ``python -m tests.validation walker``.

Every row is a walk of the committed policy (:mod:`.walker_tasks`), deterministic and unaided. A line that misses its
aim says so. With ``EXOGAIT_SHORT=1`` everything is shorter and nothing is written.
"""

from __future__ import annotations

import os
import time

import numpy as np

from exogait.osim_env.engine import Model
from exogait.osim_env.gait.reference import load_reference
from exogait.osim_env.gait.setup import COMPILED, WorldSetup
from exogait.osim_env.learning.policy import Policy, load_policy
from exogait.osim_env.learning.simulation import simulate
from tests.validation.sections import markdown_table
from tests.validation.walker_costs import FIGURES, HEADER, STARTS, cost, task_row
from tests.validation.walker_people import beside_people
from tests.validation.walker_tasks import PUSH_INTERVAL, SEED, Task, walk_each
from tests.validation.walking_gait import beside_opensim, gait_of, gather, steady_part
from tests.validation.walking_survival import walk_all
from tests.validation.walking_world import (
    MAIN_SPEED,
    SHORT,
    SHORT_NOTE,
    SPEEDS,
    Aim,
    Found,
    chapters,
    publish,
    verdicts,
)

POLICY, BASELINE = "walker", "healthy"
LENGTH = 2.0 if SHORT else 60.0
TASK_LENGTH = 2.0 if SHORT else 20.0


def survival(policy: Policy) -> Found:
    """Level ground at five speeds, pushes, changes of speed, slopes and other bodies."""
    level = walk_each(policy, [Task(f"{v:g} m/s", (v,), LENGTH) for v in SPEEDS], STARTS)
    baseline = load_policy(BASELINE)
    beside = [_baseline(baseline, v, 0.0) for v in SPEEDS] + [_baseline(baseline, MAIN_SPEED, f) for f in (50.0, 100.0)]
    pushed = walk_each(policy, [Task(f"pushes of {f:g} N", push=f, seconds=LENGTH) for f in (50.0, 100.0)], STARTS)
    jumps = Task("1.25 to 1.6 to 0.8 m/s", (1.25, 1.6, 0.8), 1.2 * TASK_LENGTH)
    slopes = [Task(f"slope {100 * g:+g} %", slope=g, seconds=TASK_LENGTH) for g in (-0.08, 0.0, 0.08)]
    sizes = [Task(f"{m:g} kg, {h:.2f} m", size=(h, m), seconds=TASK_LENGTH) for h, m in ((1.5, 50.0), (1.9, 100.0))]
    asked = walk_each(policy, [jumps, *slopes, *sizes], STARTS)
    worst = min(w.share_up for w in level)
    error = max(w.speed_error if w.up.any() else np.inf for w in level)
    aims = [
        Aim(f"without a fall, {LENGTH:g} s, worst speed", f"{worst:.0%}", "95%", worst >= 0.95),
        Aim("speed error, worst speed", f"{error:.1%}", "5%", error < 0.05),
    ]
    for walks, aim in zip(pushed, (0.98, None), strict=True):
        stood = 1.0 - walks.pushed_down / max(walks.pushes, 1)
        value = f"{stood:.1%} of {walks.pushes} pushes stood"
        aims.append(Aim(f"{walks.task.name} every {PUSH_INTERVAL:g} s", value, "98%" if aim else "reported",
                        None if aim is None else stood >= aim))  # fmt: skip
    for walks in asked:
        share = walks.share_up
        aims.append(Aim(f"{walks.task.name}, {walks.task.seconds:g} s", f"{share:.0%}", "90%", share >= 0.9))
    knows = [*beside, *["cannot be asked"] * len(asked)]
    rows = [[*task_row(w), other] for w, other in zip((*level, *pushed, *asked), knows, strict=True)]
    baseline_too = f"recruitment baseline, {TASK_LENGTH:g} s: without a fall, speed error"
    return aims, markdown_table([*HEADER, baseline_too], rows)


def _baseline(policy: Policy, speed: float, push: float) -> str:
    """The same of the recruitment baseline, which knows speeds and pushes alone (60 s in its own section)."""
    walks = walk_all(policy, (speed,), STARTS, TASK_LENGTH, push_force=push, seed=SEED)
    error = f", {walks.speed_error(speed):.1%}" if walks.up.any() else ""
    return f"{walks.up.sum()} of {len(walks.up)}{error}"


def gait(policy: Policy) -> Found:
    """Angles, moments, forces and muscles of steady walking, judged as the recruitment baseline's are."""
    seconds = 7.0 if SHORT else 30.0
    trials = {v: simulate(policy, speed=v, seconds=seconds, phase=0.0) for v in SPEEDS}
    aims, text = gait_of(trials, load_reference(), Model.load(COMPILED[None]), None if SHORT else FIGURES)
    if trials[MAIN_SPEED].about.fell:
        return aims, text
    more, envelopes = beside_people(gather(steady_part(trials[MAIN_SPEED])))
    return [*aims, *more], f"{text}\n\n{envelopes}"


def opensim_engine(policy: Policy) -> Found:
    """The same policy with OpenSim's own engine and integrator."""
    what = f"walks in the OpenSim engine, no retraining, {MAIN_SPEED:g} m/s"
    if os.environ.get("EXOGAIT_NO_OPENSIM_ENGINE"):
        return [Aim(what, "not measured in this run", "10 s", None)], "Left out of this run."
    seconds = 0.3 if SHORT else 10.0
    trials = [simulate(policy, speed=MAIN_SPEED, seconds=seconds, phase=0.0, setup=WorldSetup(engine=engine))
              for engine in ("twin", "opensim")]  # fmt: skip
    return beside_opensim(what, *trials)


STUDIES = {
    "What is asked and done": survival,
    "What walking costs": cost,
    f"Its gait at {MAIN_SPEED:g} m/s": gait,
    "The walker in OpenSim": opensim_engine,
}


def evaluate(policy: Policy) -> str:
    """Run every study and lay the findings out as Markdown."""
    begin = time.perf_counter()
    found = {}
    for title, study in STUDIES.items():
        print(f"walker: {title} ({time.perf_counter() - begin:.0f} s)", flush=True)
        found[title] = study(policy)
    met, table = verdicts(found)
    return (
        f"## The walker: one excitation a muscle\n\n{SHORT_NOTE}Regenerate with `python -m tests.validation walker`. "
        f"Policy `{POLICY}`, {policy.metadata['samples'] / 1e6:.1f} million decisions of 10 ms after the imitation of "
        f"the recruitment baseline; {STARTS} starts a row that chose nothing. "
        f"{met}\n\n" + table + "\n\n" + chapters(found)
        + f"\n\nEvaluated in {time.perf_counter() - begin:.0f} s."
    )  # fmt: skip


def main() -> None:
    """Evaluate, print, and write the section unless the version is the short one."""
    publish("walker", evaluate(load_policy(POLICY)))


if __name__ == "__main__":
    main()
