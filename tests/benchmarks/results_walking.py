"""What the committed healthy policy does: docs/results.md, section "walking".

``python -m tests.benchmarks walking`` evaluates ``models/policies/healthy`` with deterministic actions, without early
termination and without any reset after the start. A fall is pelvis height below 0.7 of nominal or ground contact of
anything but a foot. Lines that miss their aim say so.
"""

from __future__ import annotations

import os
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context

import numpy as np

from analysis.compare import compare_curves
from analysis.display import CURVES, mean_curve
from analysis.metabolics import compute_metabolics
from data.norms import norms_for
from data.trial import SIDES, GaitTrial
from osim_env.evaluation import evaluation_world
from osim_env.policy import Policy, load_policy
from osim_env.rollout import roll_out
from osim_env.setup import WorldSetup
from osim_env.world import GaitWorld, WorldConfig

from .sections import markdown_table, write_section

POLICY = "healthy"
SPEEDS = (0.75, 1.0, 1.25, 1.5, 1.75)
STARTS, SECONDS = 20, 60.0
PUSH_FORCE, PUSH_INTERVAL, PUSH_DURATION = 50.0, 2.0, 0.2
SHORT = bool(os.environ.get("EXOGAIT_SHORT"))


@dataclass(frozen=True)
class Aim:
    """One line of the table: what was measured and whether the aim was met."""

    what: str
    value: str
    aim: str
    met: bool

    def row(self) -> list[object]:
        """Cells of the table."""
        return [self.what, self.value, self.aim, "met" if self.met else "**missed**"]


def policy_world(
    policy: Policy, n: int, seconds: float, *, pushes: tuple[float, float] = (0, 0), seed: int = 0, engine: str = "twin"
) -> GaitWorld:
    """An evaluation world with the settings the policy was trained with."""
    from data.settings import from_mapping

    settings = policy.metadata["settings"]
    config = from_mapping(WorldConfig, {**settings["world"], "integration_step": 0.001})
    setup = from_mapping(WorldSetup, {**settings["setup"], "engine": engine})
    world = evaluation_world(setup, config, n_envs=n, seconds=seconds, seed=seed, pushes=pushes)
    policy.require(**world.signature())
    return world


def survival(policy: Policy) -> tuple[list[Aim], str]:
    """60 s walks from random starts at five speeds, without and with pushes."""
    starts, seconds = (4, 10.0) if SHORT else (STARTS, SECONDS)
    commanded = np.repeat(SPEEDS, starts)
    aims, rows = [], []
    for pushes in ((0.0, 0.0), (PUSH_FORCE, PUSH_INTERVAL)):
        world = policy_world(policy, len(commanded), seconds, pushes=pushes, seed=1)
        world.reset(np.arange(len(commanded)), speed=commanded)
        up, lasted = np.ones(len(commanded), bool), np.zeros(len(commanded))
        steps, settle = round(seconds / world.config.control_step), round(2.0 / world.config.control_step)
        forward = world.column["pelvis_tx"]
        begin = np.full(len(commanded), np.nan)
        for step in range(steps):
            world.step(policy.act(world.human_observation()))
            up &= ~world.fallen
            lasted += up * world.config.control_step
            if step == settle:
                begin = world.q[:, forward].copy()
        speed = (world.q[:, forward] - begin) / (seconds - 2.0)
        for value in SPEEDS:
            at = commanded == value
            walked = at & up
            error = np.abs(speed[walked] / value - 1).mean() if walked.any() else np.nan
            rows.append(
                [
                    f"{value:g}",
                    "yes" if pushes[0] else "no",
                    f"{up[at].mean():.0%}",
                    f"{lasted[at].mean():.1f}",
                    f"{error:.1%}",
                ]
            )
        if pushes[0]:
            pushed = np.maximum(np.floor(lasted / PUSH_INTERVAL), 1).sum()
            falls = (~up).sum()
            share = 1 - falls / pushed
            what = f"survival per push, {PUSH_FORCE:g} N for {PUSH_DURATION:g} s every {PUSH_INTERVAL:g} s, all speeds"
            aims.append(Aim(what, f"{share:.1%} ({falls} falls in {pushed:.0f} pushes)", "98%", share >= 0.98))
            aims.append(Aim("survival per run under pushes", f"{up.mean():.1%}", "reported", True))
        else:
            worst = min(up[commanded == value].mean() for value in SPEEDS)
            errors = [
                abs(speed[(commanded == v) & up].mean() / v - 1) if up[commanded == v].any() else np.inf for v in SPEEDS
            ]
            aims.append(
                Aim(f"walks of {seconds:g} s without a fall, worst speed", f"{worst:.0%}", "95%", worst >= 0.95)
            )
            aims.append(Aim("speed error, worst speed", f"{max(errors):.1%}", "5%", max(errors) < 0.05))
    header = ["speed m/s", "pushes", "without a fall", "mean time to fall or end s", "speed error of those that lasted"]
    return aims, markdown_table(header, rows)


def one_walk(policy: Policy, speed: float, seconds: float, seed: int = 3) -> GaitTrial:
    """One deterministic walk of one body."""
    world = policy_world(policy, 1, seconds, seed=seed)
    world.reset(np.arange(1), phase=np.zeros(1), speed=np.array([speed]))
    return roll_out(world, policy, seconds)[0]


def energetics(policy: Policy) -> tuple[list[Aim], str]:
    """Gross metabolic power and cost of transport against speed."""
    rows, transport = [], {}
    for speed in SPEEDS:
        trial = one_walk(policy, speed, 8.0 if SHORT else 25.0)
        if trial.metadata["fell"]:
            rows.append([f"{speed:g}", "fell", "", ""])
            continue
        trial = trial.crop(3.0, trial.time_range[1])
        cells: list[object] = [f"{speed:g}"]
        for model in ("umberger2010", "bhargava2004"):
            result = compute_metabolics(trial, model=model)
            power = float(np.mean(result.whole_body)) / trial.subject_mass
            if model == "umberger2010":
                forward = trial.require("coordinates")["pelvis_tx"]
                transport[speed] = power / float(
                    (forward.iloc[-1] - forward.iloc[0]) / (forward.index[-1] - forward.index[0])
                )
            cells.append(f"{power:.2f}")
        rows.append([*cells, f"{transport[speed]:.2f}"])
    aims = []
    if 1.25 in transport:
        power = transport[1.25] * 1.25
        aims.append(
            Aim("gross metabolic power at 1.25 m/s (Umberger 2010)", f"{power:.2f} W/kg", "3-6", 3 <= power <= 6)
        )
    if len(transport) == len(SPEEDS):
        best = min(transport, key=lambda v: transport[v])
        aims.append(Aim("speed of least J/kg/m (Umberger 2010)", f"{best:g} m/s", "1.0-1.5", 1.0 <= best <= 1.5))
    header = ["speed m/s", "Umberger 2010 W/kg", "Bhargava 2004 W/kg", "Umberger J/kg/m"]
    return aims, markdown_table(header, rows)


# Display curve, r and RMSE (degrees) aimed for against adults that never entered the fit.
ANGLES = {"hip_flexion": (0.95, 5.0), "knee_flexion": (0.98, 5.0), "ankle_dorsiflexion": (0.85, 5.0)}


def kinematics(policy: Policy) -> tuple[list[Aim], str]:
    """Joint angles at 1.25 m/s: validation against adult norms, and the vertical ground reaction against our walks."""
    trial = one_walk(policy, 1.25, 8.0 if SHORT else 30.0)
    if trial.metadata["fell"]:
        return [Aim("joint angles at 1.25 m/s", "the walk ended in a fall", "20 strides", False)], ""
    trial = trial.crop(3.0, trial.time_range[1])
    aims, rows = [], []
    for key in (*ANGLES, "vertical_force"):
        if key not in CURVES:
            continue
        own = np.nanmean([mean_curve(trial, key, side) for side in SIDES], axis=0)
        norms = norms_for(key, speed=1.25, population="adults", without=("schreiber2019",) if key in ANGLES else ())
        if not norms:
            rows.append([key, "no reference at hand (EXOGAIT_DATA)", "", ""])
            continue
        norm = norms[0]
        result = compare_curves(np.interp(norm.percent, np.linspace(0, 100, 101), own), norm.mean, reference_sd=norm.sd)
        rows.append([key, norm.label, f"{result.r:.3f}", f"{result.rmse:.2f} {norm.unit}"])
        r_aim, rmse_aim = ANGLES.get(key, (0.9, np.inf))
        value = f"r {result.r:.3f}, RMSE {result.rmse:.2f} {norm.unit}"
        aim = f"r > {r_aim:g}" + (f", RMSE < {rmse_aim:g} deg" if np.isfinite(rmse_aim) else "")
        aims.append(
            Aim(f"{key} at 1.25 m/s against {norm.source}", value, aim, result.r > r_aim and result.rmse < rmse_aim)
        )
    return aims, markdown_table(["curve", "reference", "r", "RMSE"], rows)


def opensim_engine(policy: Policy) -> tuple[list[Aim], str]:
    """The same policy, untouched, with OpenSim's own engine and integrator."""
    seconds = 1.0 if SHORT else 10.0
    trials = {}
    for engine in ("twin", "opensim"):
        world = policy_world(policy, 1, seconds, engine=engine)
        world.reset(np.arange(1), phase=np.zeros(1), speed=np.array([1.25]))
        trials[engine] = roll_out(world, policy, seconds)[0]
    walked = trials["opensim"].time_range[1]
    fell = bool(trials["opensim"].metadata["fell"])
    rows, worst = [], 0.0
    for key in ANGLES:
        curves = [
            np.nanmean([mean_curve(t.crop(1.0, t.time_range[1]), key, s) for s in SIDES], axis=0)
            for t in trials.values()
        ]
        rmse = float(np.sqrt(np.nanmean((curves[0] - curves[1]) ** 2)))
        worst = max(worst, rmse if np.isfinite(rmse) else np.inf)
        rows.append([key, f"{rmse:.2f}"])
    aims = [
        Aim(
            "walks in the OpenSim engine, no retraining, 1.25 m/s",
            f"{walked:.1f} s{', then falls' * fell}",
            "10 s",
            not fell,
        ),
        Aim("its joint angles against the twin's, worst RMSE over the cycle", f"{worst:.2f} deg", "3 deg", worst < 3),
    ]
    return aims, markdown_table(["curve", "RMSE twin against OpenSim, deg"], rows)


STUDIES = {
    "Survival and speed": survival,
    "Joint angles and ground reaction": kinematics,
    "Energetics": energetics,
    "In the OpenSim engine": opensim_engine,
}


def main() -> None:
    """Evaluate, each study in a process of its own, and write the section."""
    policy = load_policy(POLICY)
    begin = time.perf_counter()
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        # The slowest first: OpenSim's own engine takes most of the time.
        waiting = {title: pool.submit(STUDIES[title], policy) for title in reversed(STUDIES)}
        found = {title: waiting[title].result() for title in STUDIES}
    aims = [aim for some, _ in found.values() for aim in some]
    parts = [f"### {title}\n\n{table}" for title, (_, table) in found.items()]
    head = markdown_table(["what", "measured", "aim", ""], [aim.row() for aim in aims])
    text = (
        f"## The healthy muscle policy\n\nRegenerate with `python -m tests.benchmarks walking`. Policy `{POLICY}`, "
        f"trained on {policy.metadata['samples'] / 1e6:.1f} million control steps of 20 ms.\n\n{head}\n\n"
        + "\n\n".join(parts)
        + f"\n\nEvaluated in {time.perf_counter() - begin:.0f} s."
    )
    print(text)
    write_section("results.md", "walking", text)


if __name__ == "__main__":
    main()
