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

from exogait.analysis.gait.curves import mean_curve
from exogait.data.trial import SIDES, GaitTrial
from exogait.osim_env.learning.policy import Policy, load_policy
from exogait.osim_env.learning.rollout import roll_out
from tests.validation.sections import markdown_table, write_section
from tests.validation.walking_gait import ANGLES, gait
from tests.validation.walking_survival import PUSH_FORCE, survival
from tests.validation.walking_training import learning_curves, throughput, training_speed
from tests.validation.walking_world import MAIN_SPEED, SHORT, Aim, Found, policy_world

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
    walked, fell = trials["opensim"].time_range[1], bool(trials["opensim"].metadata["fell"])
    rows: list[list[object]] = []
    differences = []
    for key in ANGLES:
        curves = [
            np.nanmean([mean_curve(t.crop(1.0, t.time_range[1]), key, s) for s in SIDES], axis=0)
            if walked > 3.0
            else np.full(101, np.nan)
            for t in trials.values()
        ]
        differences.append(float(np.sqrt(np.mean((curves[0] - curves[1]) ** 2))))
        rows.append([key, f"{differences[-1]:.2f}" if np.isfinite(differences[-1]) else "no strides"])
    worst = max(differences) if np.isfinite(differences).all() else float("nan")
    aims = [
        Aim(what, f"{walked:.1f} s{', then falls' * fell}", "10 s", not fell and walked >= 9.9),
        Aim("its joint angles against the twin's, worst RMSE over the cycle", f"{worst:.2f} deg", "3 deg", worst < 3),
    ]
    return aims, markdown_table(["curve", "RMSE twin against OpenSim, deg"], rows)


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
    aims = [aim for some, _ in found.values() for aim in some]
    judged = [aim for aim in aims if aim.met is not None]
    parts = [f"### {title}\n\n{table}" for title, (_, table) in found.items()]
    short = "**Short version: it shows that the study runs; nothing here is a result.**\n\n" if SHORT else ""
    figure = "" if SHORT else "\n\n![The walk against norms](figures/healthy_gait.png)"
    trained = policy.metadata.get("model_hash")
    return (
        f"## The healthy muscle policy\n\n{short}Regenerate with `python -m tests.validation walking`. "
        f"Policy `{POLICY}`, trained on {policy.metadata['samples'] / 1e6:.1f} million control steps of 20 ms"
        f"{f', model {trained[:12]}' if trained else ', from before policies carried the hash of their model'}. "
        f"{sum(bool(aim.met) for aim in judged)} of {len(judged)} aims met.\n\n"
        + markdown_table(["what", "measured", "aim", ""], [aim.row() for aim in aims])
        + figure + "\n\n" + "\n\n".join(parts)
        + f"\n\nEvaluated in {time.perf_counter() - begin:.0f} s."
    )  # fmt: skip


def main() -> None:
    """Evaluate, print, and write the section unless the version is the short one."""
    text = evaluate(load_policy(POLICY))
    print(text)
    if not SHORT:
        write_section("results.md", "walking", text)


if __name__ == "__main__":
    main()
