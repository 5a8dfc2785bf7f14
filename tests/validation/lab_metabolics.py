"""Metabolic equations against OpenSim's probes: 500 random states, one measured gait cycle, and speed."""

from __future__ import annotations

import tempfile
import time
import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from exogait.analysis.markers.map import read_marker_map
from exogait.analysis.opensim_tools import (
    inverse_dynamics,
    inverse_kinematics,
    load_model,
    read_ground_reactions,
    scale_model,
    smooth_motion,
    static_optimization,
)
from exogait.data.errors import DataQualityWarning
from exogait.data.trc import read_trc
from exogait.models.energetics import basal_rate
from tests.validation.probe_bench import TERMS, Bench, all_probes, our_rates, worst_relative
from tests.validation.sections import markdown_table

LIMIT = 1e-6
SPEED_LIMIT = 1e6
N_STATES = 500
CYCLE = (0.58, 1.60)
"""One stride of the left leg in subject01_walk1, s."""

States = Mapping[str, NDArray[np.float64]]


def compare(bench: Bench, kind: str, states: Iterable[States]) -> tuple[int, dict[str, float]]:
    """Number of states and worst relative difference: every muscle, every term, the whole body."""
    count, worst = 0, {"total": 0.0, "whole body": 0.0} | dict.fromkeys(TERMS[kind], 0.0)
    basal = float(basal_rate(bench.model.getTotalMass(bench.state)))
    for state in states:
        count += 1
        rates = our_rates(kind, state, bench.parameters)
        whole = bench.probe("all")
        worst["total"] = max(worst["total"], worst_relative(rates.total, whole[2:]))
        worst["whole body"] = max(worst["whole body"], abs(rates.total.sum() + basal - whole[0]) / whole[0])
        for term in TERMS[kind]:
            worst[term] = max(worst[term], worst_relative(rates.terms()[term], bench.probe(term)[2:]))
    return count, worst


def random_states(bench: Bench) -> Iterable[States]:
    """500 random states."""
    rng = np.random.default_rng(1)
    for _ in range(N_STATES):
        yield bench.randomise(rng)


class GaitCycle:
    """One stride of OpenSim's example subject on the suite's own model: motion, activations of static optimization."""

    def __init__(self, data: Path, work: Path) -> None:
        subject = data / "opensim_models" / "gait2392" / "subject01"
        marker_map = read_marker_map("gait2392")
        scaled = scale_model(
            read_trc(subject / "subject01_static.trc"), marker_map, mass=72.6, out=work, time_range=(1.0, 2.0)
        )
        walk = inverse_kinematics(
            scaled.model, read_trc(subject / "subject01_walk1.trc"), marker_map, out=work, name="walk"
        )
        loads = read_ground_reactions(subject / "subject01_walk1_grf.mot", sides={"": "r", "1": "l"})
        moments = inverse_dynamics(scaled.model, walk.coordinates, loads, out=work, name="walk")
        solved = static_optimization(
            scaled.model, walk.motion, moments.external_loads, time_range=CYCLE, out=work, name="cycle"
        )
        self.model = scaled.model
        self.activation = solved.activation
        model = load_model(scaled.model)
        self.values, self.speeds = smooth_motion(model, walk.motion, self.activation.index.to_numpy(np.float64))

    def states(self, bench: Bench) -> Iterable[States]:
        """The instants of the stride."""
        order = [muscle.getName() for muscle in bench.muscles]
        for (_, q), (_, u), (_, a) in zip(
            self.values.iterrows(), self.speeds.iterrows(), self.activation[order].iterrows(), strict=True
        ):
            level = a.to_numpy(np.float64)
            yield bench.put(
                {str(k): float(v) for k, v in q.items()}, {str(k): float(v) for k, v in u.items()}, level, level
            )


def speed(kind: str, bench: Bench) -> float:
    """Muscle-states a second, best of five."""
    rng = np.random.default_rng(2)
    shape = (2000, len(bench.muscles))
    states = {
        "excitation": rng.random(shape), "activation": rng.random(shape),
        "normalized_fiber_length": rng.uniform(0.4, 1.6, shape), "fiber_velocity": rng.normal(0, 0.3, shape),
        "active_fiber_force": rng.uniform(0, 1000, shape), "passive_fiber_force": rng.uniform(0, 100, shape),
        "active_force_length_multiplier": rng.random(shape),
    }  # fmt: skip
    best = np.inf
    for _ in range(5):
        start = time.perf_counter()
        _ = our_rates(kind, states, bench.parameters).total
        best = min(best, time.perf_counter() - start)
    return shape[0] * shape[1] / best


def section(data: Path) -> str:
    """The section as Markdown; prints it too."""
    from exogait.models import build

    rows, speed_rows = [], []
    with warnings.catch_warnings(), tempfile.TemporaryDirectory() as work:
        warnings.simplefilter("ignore", DataQualityWarning)
        cycle = GaitCycle(data, Path(work))
        for kind in TERMS:
            cases = [
                ("random, DeGroote-Fregly muscles", Bench(build(contact=False), all_probes(kind)), random_states),
                (
                    "random, Thelen muscles",
                    Bench(build(contact=False, muscles="thelen"), all_probes(kind)),
                    random_states,
                ),
                ("one gait cycle of subject01", Bench(load_model(cycle.model), all_probes(kind)), cycle.states),
            ]
            for label, bench, states in cases:
                count, worst = compare(bench, kind, states(bench))
                largest = max(worst.values())
                terms = ", ".join(f"{term} {worst[term]:.0e}" for term in TERMS[kind])
                rows.append(
                    [kind, label, count, f"{worst['total']:.1e}", terms, f"{worst['whole body']:.0e}", f"< {LIMIT:g}",
                     "met" if largest < LIMIT else "**missed**"]
                )  # fmt: skip
            rate = speed(kind, cases[0][1])
            verdict = "met" if rate >= SPEED_LIMIT else "**missed**"
            speed_rows.append([kind, f"{rate / 1e6:.1f}", f">= {SPEED_LIMIT / 1e6:g}", verdict])
    text = "\n\n".join(
        [
            "### 4. Metabolic rate: equal to OpenSim's probes",
            "Largest relative difference over all muscles (92) and states. Each term is compared with a probe that "
            "reports that term alone. Rates below 1 mW are compared absolutely.",
            markdown_table(
                ["model", "states", "number", "muscle totals", "terms", "whole body with basal", "limit", ""], rows
            ),
            markdown_table(["model", "million muscle-states a second, one core", "limit", ""], speed_rows),
        ]
    )
    print(text)
    return text
