"""What the walker of excitations does: docs/results.md, section "walker", by ``python -m tests.validation walker``.

Every row is a walk of the committed policy (:mod:`.walker_tasks`), deterministic and unaided. A line that misses its
aim says so. With ``EXOGAIT_SHORT=1`` everything is shorter and nothing is written.
"""

from __future__ import annotations

import os
import time

import numpy as np

from exogait.models.energetics import basal_rate
from exogait.osim_env.engine import Model
from exogait.osim_env.gait.reference import load_reference
from exogait.osim_env.gait.setup import COMPILED, WorldSetup
from exogait.osim_env.learning.policy import Policy, load_policy
from exogait.osim_env.learning.simulation import simulate
from tests.validation.sections import ABOUT_ACCOUNTINGS, ROOT, markdown_table
from tests.validation.walker_tasks import PUSH_INTERVAL, Task, Walks, walk_each
from tests.validation.walking_gait import beside_opensim, gait_of
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

POLICY = "walker"
FIGURES = ROOT / "docs" / "figures" / "walker"
STARTS = 2 if SHORT else 20
LENGTH = 2.0 if SHORT else 60.0
TASK_LENGTH = 2.0 if SHORT else 20.0
UMBERGER_2007 = {0.8: 4.26, 0.9: 3.29, 1.0: 3.05, 1.1: 3.26, 1.2: 3.68}
"""Net power over stride rate (share of the preferred one), W/kg; Umberger & Martin 2007, read from the figure."""
BROWNING_2008 = {("waist", 4.0): 0.08, ("waist", 8.0): 0.14, ("waist", 16.0): 0.32, ("feet", 2.0): 0.35}
"""Rise of net power with added mass at 1.25 m/s; Browning et al. 2008, read from the figure."""


def ralston(speed: float) -> float:
    """Gross power of people, W/kg (Ralston 1958)."""
    return (29.0 + 0.0053 * (60.0 * speed) ** 2) * 4.184 / 60.0


def looney(speed: float) -> float:
    """Gross power of people, W/kg (Looney et al. 2019)."""
    return 1.44 + 1.94 * speed**0.43 + 0.24 * speed**4


def minetti(grade: float) -> float:
    """Net cost of walking on a slope, J/kg/m (Minetti et al. 2002)."""
    return 280.5 * grade**5 - 58.7 * grade**4 - 76.8 * grade**3 + 51.9 * grade**2 + 19.6 * grade + 2.5


def _row(walks: Walks) -> list[object]:
    cells = [f"{walks.mean(walks.power[:, k]):.2f}" if walks.up.any() else "" for k in (0, 1)]
    error = f"{walks.speed_error:.1%}" if walks.up.any() else "none lasted"
    return [walks.task.name, f"{walks.up.sum()} of {len(walks.up)}", f"{walks.lasted.mean():.1f}", error, *cells]


HEADER = [
    "task", "without a fall", "mean time to fall or end s", "speed error of those that lasted",
    "gross power W/kg", "the same, no credit",
]  # fmt: skip


def survival(policy: Policy) -> Found:
    """Level ground at five speeds, pushes, changes of speed, slopes and other bodies."""
    level = walk_each(policy, [Task(f"{v:g} m/s", (v,), LENGTH) for v in SPEEDS], STARTS)
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
    return aims, markdown_table(HEADER, [_row(w) for w in (*level, *pushed, *asked)])


def cost(policy: Policy) -> Found:
    """Metabolic power against speed, stride rate, slope and load, beside people's."""
    base = float(basal_rate(1.0))
    speeds = walk_each(policy, [Task(f"{v:g} m/s", (v,), TASK_LENGTH) for v in SPEEDS], STARTS)
    rows, inside = [], []
    for v, walks in zip(SPEEDS, speeds, strict=True):
        low, high = sorted((ralston(v), looney(v)))
        own = walks.mean(walks.power[:, 0])
        inside.append(0.85 * low <= own <= 1.15 * high)
        rows.append([*_row(walks), f"{ralston(v):.2f}", f"{looney(v):.2f}", f"{own / v:.2f}"])
    transport = {v: w.mean(w.power[:, 0]) / v for v, w in zip(SPEEDS, speeds, strict=True) if w.up.any()}
    least = min(transport, key=lambda v: transport[v], default=float("nan"))
    aims = [
        Aim("gross power within the span of Ralston and Looney, 15% about it", f"{sum(inside)} of 5 speeds", "5",
            all(inside)),
        Aim("speed of least J/kg/m", f"{least:g} m/s", "1.1-1.5", 1.1 <= least <= 1.5),
    ]  # fmt: skip
    parts = ["Against speed.\n\n" + markdown_table([*HEADER, "Ralston", "Looney", "J/kg/m"], rows)]
    rates = walk_each(
        policy, [Task(f"stride rate x {r:g}", stride_rate=r, seconds=TASK_LENGTH) for r in UMBERGER_2007], STARTS
    )
    rows = [[*_row(w), f"{p:.2f}"] for w, p in zip(rates, UMBERGER_2007.values(), strict=True)]
    own = {r: w.mean(w.power[:, 0]) for r, w in zip(UMBERGER_2007, rates, strict=True) if w.up.any()}
    bottom = min(own, key=lambda r: own[r], default=float("nan"))
    aims.append(
        Aim("cheapest imposed stride rate over the reference's", f"{bottom:g}", "0.9-1.1", 0.9 <= bottom <= 1.1)
    )
    parts.append(
        "Against an imposed stride rate at 1.25 m/s (over the reference's at that speed), beside people's net power "
        "(Umberger & Martin 2007).\n\n" + markdown_table([*HEADER, "people, net"], rows)
    )
    grades = (-0.08, -0.04, 0.0, 0.04, 0.08)
    slopes = walk_each(policy, [Task(f"slope {100 * g:+g} %", slope=g, seconds=TASK_LENGTH) for g in grades], STARTS)
    rows = [[*_row(w), f"{minetti(g) * MAIN_SPEED + base:.2f}"] for g, w in zip(grades, slopes, strict=True)]
    parts.append(
        "Against slope at 1.25 m/s, beside people's net cost (Minetti 2002) plus the basal rate.\n\n"
        + markdown_table([*HEADER, "people"], rows)
    )
    loads = [Task(f"{m:g} kg, {place}{' each' * (place != 'waist')}", load=(place, m), seconds=TASK_LENGTH)
             for place, m in BROWNING_2008]  # fmt: skip
    carried = walk_each(policy, [*loads, Task("4 kg, shanks each", load=("shanks", 4.0), seconds=TASK_LENGTH)], STARTS)
    bare = speeds[SPEEDS.index(MAIN_SPEED)]
    net = bare.mean(bare.power[:, 0]) - base
    people: list[float | None] = [*BROWNING_2008.values(), None]
    rows = []
    for walks, theirs in zip(carried, people, strict=True):
        rise = (walks.mean(walks.power[:, 0]) - base) / net - 1.0 if walks.up.any() else float("nan")
        rows.append(
            [*_row(walks), f"{rise:+.0%}" if np.isfinite(rise) else "", "" if theirs is None else f"{theirs:+.0%}"]
        )
    parts.append(
        "Against added mass at 1.25 m/s, rise of the net power beside people's (Browning 2008).\n\n"
        + markdown_table([*HEADER, "rise", "people"], rows)
    )
    return aims, f"{ABOUT_ACCOUNTINGS}\n\n" + "\n\n".join(parts)


def gait(policy: Policy) -> Found:
    """Angles, moments, forces and muscles of steady walking, judged as the recruitment baseline's are."""
    seconds = 7.0 if SHORT else 30.0
    trials = {v: simulate(policy, speed=v, seconds=seconds, phase=0.0) for v in SPEEDS}
    return gait_of(trials, load_reference(), Model.load(COMPILED[None]), None if SHORT else FIGURES)


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
    found = {title: study(policy) for title, study in STUDIES.items()}
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
