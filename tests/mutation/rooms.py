"""Which files are mutated, which tests have to notice, and what is drawn from a seed."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.mutation.operators import Mutant, find_mutants

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Target:
    """A file and the tests that hold it, those first that notice most for their time."""

    file: str
    tests: tuple[str, ...]
    plain: bool = False
    """Run the engine's kernels as plain Python: machine code would be compiled anew for every mutant, a minute each."""


@dataclass(frozen=True)
class Room:
    """A part of the suite with its share of the mutants."""

    name: str
    share: float
    targets: tuple[Target, ...]


GAIT, SIGNALS, OUTCOMES = "tests/analysis/gait/", "tests/analysis/signals/", "tests/analysis/outcomes/"
SCORES, JUDGEMENT, SESSION = "tests/analysis/scores/", "tests/analysis/judgement/", "tests/analysis/session/"
LAB, C3D = "tests/analysis/lab/", "tests/analysis/c3d/"
ENGINE, WORLD = "tests/osim_env/engine/", "tests/osim_env/gait/"
EXCITATION = "tests/osim_env/excitation/"
PARITY = f"{ENGINE}test_parity.py::test_"
STEP = f"{ENGINE}test_step.py::test_"

KERNELS = (
    f"{ENGINE}test_kernels.py",
    f"{ENGINE}test_one_step.py",
    f"{PARITY}nothing_is_clipped",
    f"{PARITY}every_joint_and_function_kind",
    f"{PARITY}activation_dynamics",
    f"{PARITY}outside_ranges_and_on_thresholds",
    f"{STEP}push_and_added_mass_obey_newton",
    f"{STEP}mass_scale_multiplies_inverse_dynamics",
    f"{STEP}coordinate_force_and_guide_are_generalized_forces",
    f"{STEP}torque_limit_is_the_device_limit",
    f"{STEP}strength_scales_the_force_of_a_muscle",
    f"{STEP}record_describes_the_end_of_the_step",
    f"{STEP}means_are_averages_over_the_substeps",
    f"{STEP}a_broken_environment_stops_alone",
    f"{PARITY}other_published_models",
    f"{PARITY}perturbed_copy",
    f"{PARITY}every_quantity_of_the_gait_model",
    f"{PARITY}compliant_tendons",
)


def _targets(folder: str, names: str, *tests: str, plain: bool = False) -> tuple[Target, ...]:
    return tuple(Target(f"{folder}/{name}.py", tests, plain) for name in names.split())


ROOMS = (
    Room(
        "events and gait",
        0.14,
        (
            *_targets("analysis/gait", "agreement", f"{GAIT}test_compare.py"),
            *_targets("analysis/gait", "curves", f"{GAIT}test_display.py", "tests/analysis/report/test_plots.py"),
            *_targets("analysis/gait", "cycle", f"{GAIT}test_gait_cycle.py", f"{GAIT}test_display.py"),
            *_targets("analysis/gait", "metrics", f"{GAIT}test_metrics.py", f"{OUTCOMES}test_outcomes.py"),
            *_targets("analysis/gait", "spatiotemporal", f"{GAIT}test_spatiotemporal.py", f"{GAIT}test_metrics.py"),
            *_targets("analysis/gait", "symmetry", f"{GAIT}test_symmetry.py", f"{GAIT}test_metrics.py"),
            *_targets("analysis/signals", "events kinematic_events", f"{SIGNALS}test_events.py"),
            *_targets("analysis/signals", "event_choice pathological_events", f"{SIGNALS}test_event_choice.py"),
            *_targets("analysis/signals", "stances", f"{SIGNALS}test_stances.py", f"{SIGNALS}test_events.py"),
            *_targets("analysis/signals", "clock", f"{SIGNALS}test_clock.py", f"{SIGNALS}test_events.py"),
            *_targets("analysis/gait", "belt progression", f"{GAIT}test_spatiotemporal.py"),
        ),
    ),
    Room(
        "outcomes",
        0.13,
        (
            *_targets("analysis/outcomes", "deficit", f"{OUTCOMES}test_deficit_estimate.py"),
            *_targets("analysis/outcomes", "device paired strides tables walk", f"{OUTCOMES}test_outcomes.py"),
            *_targets("analysis/outcomes", "signs", f"{OUTCOMES}test_compensation.py", f"{OUTCOMES}test_outcomes.py"),
            *_targets("analysis/outcomes", "torques", f"{OUTCOMES}test_torque_profiles.py"),
            *_targets("analysis/outcomes", "headline", "tests/analysis/report/test_personalize_page.py"),
        ),
    ),
    Room(
        "plates and signals",
        0.13,
        (
            *_targets("analysis/signals", "emg", f"{SIGNALS}test_emg.py"),
            *_targets("analysis/signals", "plates strikes baseline", f"{SIGNALS}test_force_plates.py"),
            *_targets("analysis/signals", "overrides", f"{SIGNALS}test_events.py", f"{SIGNALS}test_force_plates.py"),
            *_targets(
                "analysis/signals", "filters frame measured", f"{SIGNALS}test_filters.py",
                f"{SIGNALS}test_known_load.py",
                f"{SIGNALS}test_force_plates.py", f"{SIGNALS}test_events.py", f"{GAIT}test_spatiotemporal.py",
                "tests/analysis/c3d/test_c3d.py",
            ),
        ),
    ),
    Room(
        "scores",
        0.06,
        _targets(
            "analysis/scores", "balance found profile speed table variability", f"{SCORES}test_balance.py",
            f"{SCORES}test_variability.py", f"{SCORES}test_profile.py", f"{SCORES}test_score_table.py",
        ),
    ),
    Room(
        "judgement",
        0.08,
        (
            *_targets("analysis/judgement", "forces balance pressure plates sources", f"{JUDGEMENT}test_limits.py"),
            *_targets("analysis/judgement", "bodies motion", f"{JUDGEMENT}test_body_limits.py"),
            *_targets("analysis/judgement", "statements", f"{JUDGEMENT}test_statements.py"),
            *_targets("analysis/judgement", "withhold", f"{JUDGEMENT}test_withhold.py"),
        ),
    ),
    Room(
        "sessions",
        0.06,
        (
            *_targets("analysis/session", "statistics variability tables", f"{SESSION}test_statistics.py"),
            *_targets("analysis/session", "plan", f"{SESSION}test_plan.py"),
            *_targets("analysis/session", "gather record compare export run session", f"{SESSION}test_statistics.py",
                      f"{SESSION}test_session.py", f"{SESSION}test_compare.py"),
        ),
    ),
    Room(
        "forces and models of others",
        0.06,
        (
            *_targets("analysis/c3d", "applied force_files", f"{C3D}test_force_files.py"),
            *_targets("analysis/signals", "applied", f"{SIGNALS}test_applied.py"),
            *_targets("analysis/lab", "folders", f"{LAB}test_folders.py"),
            *_targets("analysis/lab", "own_model", f"{LAB}test_own_model.py"),
        ),
    ),
    Room(
        "metabolics",
        0.13,
        (
            *_targets("models", "energetics", "tests/data/test_metabolics.py"),
            *_targets("models", "anatomy", "tests/models/test_anatomy.py"),
            *_targets("osim_env/gait", "metabolic_power", f"{WORLD}test_metabolic_power.py"),
            *_targets("analysis/gait", "energy power", f"{GAIT}test_metabolics_of_trials.py"),
        ),
    ),
    Room(
        "rewards and ends",
        0.15,
        _targets(
            "osim_env/gait/step", "command disturbance ends observation rewards state",
            f"{WORLD}test_control_step.py", f"{WORLD}test_rewards.py", f"{WORLD}test_world.py",
        ),
    ),
    Room(
        "excitation",
        0.08,
        _targets(
            "osim_env/excitation", "terms observation task config motion device power", f"{EXCITATION}test_terms.py",
            plain=True,
        ),
    ),
    Room(
        "constraints and curves",
        0.08,
        (
            *_targets("osim_env/engine/constraints", "kernels reading fill arms", f"{ENGINE}test_constraints.py",
                      plain=True),
            *_targets("osim_env/engine/hill", "kernels reading bezier", f"{ENGINE}test_hills.py", plain=True),
        ),
    ),
    Room(
        "physics",
        0.32,
        _targets(
            "osim_env/engine", "joints inertia muscles paths contact limits dynamics integration curves",
            *KERNELS, plain=True,
        ),
    ),
)  # fmt: skip
"""In the order in which they run, the quick ones first."""


SHORT = Room(
    "short",
    1.0,
    (
        *_targets("analysis/gait", "symmetry", f"{GAIT}test_symmetry.py"),
        *_targets("analysis/gait", "cycle", f"{GAIT}test_gait_cycle.py"),
        *_targets("analysis/gait", "energy power", f"{GAIT}test_metabolics_of_trials.py"),
        *_targets("analysis/outcomes", "torques", f"{OUTCOMES}test_torque_profiles.py"),
        *_targets("analysis/signals", "emg", f"{SIGNALS}test_emg.py"),
    ),
)
"""Plain Python with quick tests: what the suite itself runs a few mutants of."""


Drawn = tuple[Room, Target, Mutant]


def draw(seed: int, count: int, rooms: tuple[Room, ...] = ROOMS, root: Path = ROOT) -> list[Drawn]:
    """Draw mutants: every room its share, within a room kinds of change and files in turn.

    What is drawn depends on the seed and on the mutants' own names, so that a change elsewhere exchanges few of them.

    Args:
        seed: Any number.
        count: How many in all.
        rooms: What to draw from.
        root: Where the files are.
    """
    whole = round(sum(room.share for room in rooms), 9)
    counts = [int(room.share / whole * count) for room in rooms]
    counts[-1] += count - sum(counts)
    return [item for room, n in zip(rooms, counts, strict=True) for item in _draw_room(seed, room, n, root)]


def _draw_room(seed: int, room: Room, count: int, root: Path) -> Iterator[Drawn]:
    left: dict[str, list[tuple[str, Target, Mutant]]] = {}
    for target in room.targets:
        for mutant in find_mutants(target.file, (root / target.file).read_text(encoding="utf-8")):
            rank = hashlib.sha256(f"{seed} {mutant.name}".encode()).hexdigest()
            left.setdefault(mutant.kind, []).append((rank, target, mutant))
    files: Counter[str] = Counter()
    places: set[tuple[str, int]] = set()
    drawn = 0
    while drawn < count and any(left.values()):
        for kind in sorted(left):
            if drawn == count or not left[kind]:
                continue
            chosen = min(left[kind], key=lambda item: (files[item[1].file], item[0]))
            left[kind].remove(chosen)
            _, target, mutant = chosen
            if (target.file, mutant.start) in places:  # one change a place
                continue
            places.add((target.file, mutant.start))
            files[target.file] += 1
            drawn += 1
            yield room, target, mutant
