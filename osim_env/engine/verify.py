"""Proof on demand: the largest difference between the engines for every quantity, on random states."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from exogait.data.show import Card, Shown

from . import batch as compiled
from .compiler import convert
from .lanes import Backend
from .model import Floats, Model, only
from .opensim_engine import OpenSimEngine
from .state import State

ACCELERATION_TOLERANCE = 1e-11
"""Largest difference of any acceleration, relative to the state's largest acceleration: rounding of a 23-link chain."""
COORDINATE_TOLERANCE = 1e-8
"""The same for each coordinate by itself: the light toes can hide others in the first measure."""
COMPLIANT_TOLERANCE = 1e-6
"""Both of the above where a tendon is compliant: the explicit tendon equation divides by small active forces."""
FORCE_TOLERANCE = 1e-8
NEWTON_TOLERANCE = 1e-5
"""Of an elastic Millard fibre's speed and forces: OpenSim stops at 1e-10 of the largest force (1e-6 N where that is
10 kN), and ten times that along a fibre at the steepest pennation. The tendon's force, which moves bodies, is exact."""
MOMENT_ARM_TOLERANCE_M = 1e-8
LIST_LIMIT = np.radians(80.0)
"""A middle rotation stays within this: at 90 degrees three body-fixed angles are singular, in OpenSim as here."""
ENDLESS = 1e3
"""A range that goes beyond this, rad or m, has no end: OpenSim writes 99999.9. States keep within 1 of the default."""
MOMENT_ARM_STATES = 20
"""OpenSim needs about half a second a state for all moment arms."""
TRAJECTORIES = 2
"""OpenSim needs about four seconds for each."""
TRAJECTORY_SECONDS = 0.05
TRAJECTORY_ACCURACY = 1e-7
"""Of OpenSim's integrator."""
FINE_STEP = 5e-5
"""Step of the fourth-order trajectories, s."""
TRAJECTORY_TOLERANCE = 1e-6
"""Where both engines integrate finely: about the accuracy that OpenSim was asked for."""
DEFAULT_STEP = 1e-3
DEFAULT_STEP_TOLERANCE = np.radians(3.0)
"""What a first-order step may cost over a trajectory; it is halved by half the step."""


PRECISIONS: tuple[Backend, Backend] = ("float64", "float32")


@dataclass(frozen=True)
class Comparison:
    """One row of the table: how far the engines are apart in one quantity."""

    quantity: str
    absolute: float
    """Largest absolute difference, in ``unit``."""
    unit: str
    relative: float
    """Largest difference relative to max(1, reference) (each state by its largest value, or each value by itself)."""
    tolerance: float
    """Limit of ``relative``, or of ``absolute`` where ``unit`` is m and the quantity is a moment arm."""
    n_states: int
    seconds: float
    single: float = np.nan
    """``relative`` of the engine in float32, in which nothing is verified or reported; NaN where it was not asked."""

    @property
    def passed(self) -> bool:
        """True within tolerance; a NaN is a failure."""
        value = self.absolute if self.quantity == "moment arms" else self.relative
        return bool(value <= self.tolerance)


@dataclass(frozen=True)
class Verification(Shown):
    """The table of one model; as text it is ready to print."""

    model: str
    rows: tuple[Comparison, ...]

    @property
    def passed(self) -> bool:
        """True when every quantity is within its tolerance."""
        return all(row.passed for row in self.rows)

    def __str__(self) -> str:
        failed = [row.quantity for row in self.rows if not row.passed]
        verdict = f"outside tolerance: {', '.join(failed)}" if failed else "all within tolerance"
        return f"{self.model}\n{format_table(list(self.rows))}\n{verdict}"

    def card(self) -> Card:
        """Largest relative difference of every quantity, and whether it is within its tolerance."""
        facts = [
            (row.quantity, f"{row.relative:.1e} (tolerance {row.tolerance:.0e}){'' if row.passed else '  OUTSIDE'}")
            for row in self.rows
        ]
        return Card(f"Verification of {self.model}: {'passed' if self.passed else 'NOT passed'}", tuple(facts))


@dataclass(frozen=True)
class States:
    """Random states of a model: one row each."""

    q: Floats
    u: Floats
    activation: Floats
    torque: Floats
    tendon_force: Floats


def sample_states(model: Model, n_states: int, seed: int = 0, *, speed: float = 10.0, spread: float = 1.0) -> States:
    """Draw random states: half of them in flight, half with the deepest sphere 0 to 30 mm in the floor.

    Args:
        model: The compiled model.
        n_states: How many.
        seed: Seed of the generator.
        speed: Largest speed, rad/s (m/s for translations: a tenth).
        spread: Share of the coordinate ranges that is used, about the default pose.

    Returns:
        Joint angles over the coordinate ranges that end (a middle rotation of three within 80 degrees), speeds,
        activations of 0.01 to 1, and actuator torques up to the optimal force or 100 N m, whatever is less.
    """
    rng = np.random.default_rng(seed)
    low, high = model.coordinate_range.T.copy()
    endless = np.maximum(np.abs(low), np.abs(high)) > ENDLESS
    low, high = (np.where(endless, model.coordinate_default + side, end) for side, end in ((-1.0, low), (1.0, high)))
    for b in range(1, len(model.tree.parent)):
        first, end = model.tree.mobility_start[b], model.tree.mobility_start[b + 1]
        if end - first >= 3:
            middle = int(np.flatnonzero(model.tree.mobility_of_coordinate == first + 1)[0])
            low[middle], high[middle] = max(low[middle], -LIST_LIMIT), min(high[middle], LIST_LIMIT)
    q = rng.uniform(low, high, (n_states, model.n_coordinates))
    q = model.coordinate_default + spread * (q - model.coordinate_default) if spread != 1.0 else q
    limit = np.where(model.coordinate_rotational, speed, 0.1 * speed)
    u = rng.uniform(-limit, limit, q.shape)
    activation = rng.uniform(0.01, 1.0, (n_states, model.n_muscles))
    strongest = np.minimum(np.abs(model.actuators.optimal_force), 100.0)
    torque = rng.uniform(-strongest, strongest, (n_states, model.n_actuators))
    vertical = vertical_coordinate(model)
    if vertical is not None and model.sphere_names:
        depth = np.where(
            np.arange(n_states) % 2 == 0, rng.uniform(-0.5, -0.1, n_states), rng.uniform(0, 0.03, n_states)
        )
        column, rise = vertical
        q[:, column] += (deepest(model, q) - depth) / rise
    tendon = np.zeros_like(activation)
    if model.muscles.compliant.any():
        # Near equilibrium, or the explicit equation asks for fibre speeds beyond any number.
        tendon = compiled.initial_tendon_force(model, q, u, activation) * rng.uniform(0.95, 1.05, tendon.shape)
    return States(q, u, activation, torque, tendon)


def explicit_tendons(model: Model) -> bool:
    """True where a DeGroote-Fregly tendon is compliant: its explicit equation divides by small active forces."""
    explicit = model.muscles.compliant == 1
    explicit[model.hills.muscle] = False
    return bool(explicit.any())


def vertical_coordinate(model: Model) -> tuple[int, float] | None:
    """Column of the translation that lifts the whole model best, and by how much it lifts it.

    None where there is none.
    """
    still = np.zeros(model.n_coordinates)
    base = compiled.kinematics(model, model.coordinate_default, still).position
    up = -model.gravity / np.linalg.norm(model.gravity)
    best = None
    for column in np.flatnonzero(~model.coordinate_rotational):
        raised = model.coordinate_default.copy()
        raised[column] += 1.0
        rise = (compiled.kinematics(model, raised, still).position - base)[0] @ up
        if np.ptp(rise) < 1e-9 and rise[0] > 0.5 and (best is None or rise[0] > best[1]):
            best = int(column), float(rise[0])
    return best


def deepest(model: Model, q: Floats) -> Floats:
    """Depth of the deepest contact sphere in the floor, m, negative in the air, shape (B,)."""
    pose = compiled.kinematics(model, q, np.zeros_like(q))
    c = model.contacts
    body = c.body - 1
    centre = pose.position[:, body] + np.einsum("bsij,sj->bsi", pose.rotation[:, body], c.centre)
    return (np.einsum("bsi,si->bs", centre - c.origin, c.normal) + c.radius).max(axis=1)


def _compare(
    quantity: str,
    unit: str,
    ours: Floats,
    theirs: Floats,
    tolerance: float,
    seconds: float,
    *,
    single: Floats | None = None,
    each: bool = False,
) -> Comparison:
    """Compare arrays whose first axis is the state; ``single`` is what float32 gives for ``ours``."""
    n = len(theirs)
    reference = np.abs(theirs).reshape(n, -1)
    if reference.size == 0:
        return Comparison(quantity, 0.0, unit, 0.0, tolerance, n, seconds)
    scale = np.maximum(1.0, reference if each else reference.max(axis=1, keepdims=True))
    difference = np.abs(ours - theirs).reshape(n, -1)
    rough = np.nan if single is None else float((np.abs(single - theirs).reshape(n, -1) / scale).max())
    largest = float((difference / scale).max())
    return Comparison(quantity, float(difference.max()), unit, largest, tolerance, n, seconds, rough)


def compare_accelerations(
    engine: OpenSimEngine, states: States, kinds: Iterable[str] | None = None, label: str = "accelerations"
) -> list[Comparison]:
    """Compare accelerations, with all forces or with some kinds only, by both measures."""
    begin = time.perf_counter()
    model = engine.model if kinds is None else only(engine.model, kinds)
    none = np.zeros((len(states.q), 0))
    ours, single = (
        compiled.accelerations(
            model,
            states.q,
            states.u,
            states.activation if model.n_muscles else none,
            states.torque if model.n_actuators else none,
            tendon_force=states.tendon_force if model.n_muscles else none,
            backend=backend,
        )
        for backend in PRECISIONS
    )
    engine.select_forces(kinds)
    theirs = engine.accelerations(
        states.q, states.u, states.activation, states.torque, tendon_force=states.tendon_force
    )
    engine.select_forces(None)
    seconds = time.perf_counter() - begin
    elastic = explicit_tendons(model)
    tolerance = COMPLIANT_TOLERANCE if elastic else ACCELERATION_TOLERANCE
    each = COMPLIANT_TOLERANCE if elastic else COORDINATE_TOLERANCE
    unit = "rad/s2, m/s2"
    return [
        _compare(label, unit, ours, theirs, tolerance, seconds, single=single),
        _compare(f"{label}, each coordinate", unit, ours, theirs, each, 0.0, single=single, each=True),
    ]


def compare(engine: OpenSimEngine, states: States, *, moment_arm_states: int = MOMENT_ARM_STATES) -> list[Comparison]:
    """Compare every quantity of both engines.

    Args:
        engine: OpenSim, which also holds the compiled model.
        states: States to compare at.
        moment_arm_states: How many of them to use for moment arms.
    """
    model = engine.model
    q, u = states.q, states.u
    table = compare_accelerations(engine, states)
    for kinds, label in (
        ((), "accelerations, gravity only"),
        (("muscles",), "accelerations, muscles only"),
        (("contacts",), "accelerations, contact only"),
        (("limits", "springs"), "accelerations, limits only"),
        (("actuators",), "accelerations, actuators only"),
    ):
        if not kinds or any(len(getattr(model, kind)[0]) for kind in kinds):
            table += compare_accelerations(engine, states, kinds, label)

    begin = time.perf_counter()
    ours, single = (compiled.kinematics(model, q, u, backend=backend) for backend in PRECISIONS)
    theirs = engine.kinematics(q, u)
    seconds = time.perf_counter() - begin
    for name, unit in (
        ("position", "m"),
        ("rotation", "-"),
        ("velocity", "m/s"),
        ("angular_velocity", "rad/s"),
        ("mass_centre", "m"),
        ("whole_body_centre", "m"),
        ("whole_body_velocity", "m/s"),
    ):
        label = f"body {name.replace('_', ' ')}" if not name.startswith("whole") else name.replace("_", " ")
        both, rough = (getattr(ours, name), getattr(theirs, name)), getattr(single, name)
        table.append(_compare(label, unit, *both, FORCE_TOLERANCE, seconds, single=rough))
        seconds = 0.0

    begin = time.perf_counter()
    rates = np.random.default_rng(0).normal(0.0, 10.0, q.shape)
    mine, rough = (compiled.inverse_dynamics(model, q, u, rates, backend=backend) for backend in PRECISIONS)
    pair, seconds = (mine, engine.inverse_dynamics(q, u, rates)), time.perf_counter() - begin
    table.append(_compare("inverse dynamics", "N m, N", *pair, FORCE_TOLERANCE, seconds, single=rough))

    if model.n_muscles:
        table += _compare_muscles(engine, states, moment_arm_states)
    if model.sphere_names:
        begin = time.perf_counter()
        ours, single = (compiled.contact_forces(model, q, u, backend=backend) for backend in PRECISIONS)
        theirs = engine.contact_forces(q, u)
        seconds = time.perf_counter() - begin
        for label, unit, name in (("contact forces", "N", "force"), ("contact moments", "N m", "foot_moment")):
            both, rough = (getattr(ours, name), getattr(theirs, name)), getattr(single, name)
            each = name == "force"
            table.append(_compare(label, unit, *both, FORCE_TOLERANCE, seconds, single=rough, each=each))
            seconds = 0.0
    return table


def _compare_muscles(engine: OpenSimEngine, states: States, moment_arm_states: int) -> list[Comparison]:
    model = engine.model
    q, u, activation, tendon = states.q, states.u, states.activation, states.tendon_force
    begin = time.perf_counter()
    ours, single = (
        compiled.muscle_state(model, q, u, activation, tendon_force=tendon, backend=backend) for backend in PRECISIONS
    )
    theirs = engine.muscle_state(q, u, activation, tendon_force=tendon, moment_arms=False)
    seconds = time.perf_counter() - begin
    table = []
    elastic = explicit_tendons(model)
    diverging = ("fiber_velocity", "passive_fiber_force", "tendon_force_rate") if elastic else ()
    newton = bool((model.muscles.compliant[model.hills.muscle[model.hills.kind == 0]] == 1).any())
    bounded = np.abs(theirs.normalized_fiber_velocity) < 10.0
    for name, unit in (
        ("muscle_tendon_length", "m"),
        ("lengthening_speed", "m/s"),
        ("normalized_fiber_length", "-"),
        ("fiber_velocity", "m/s"),
        ("active_fiber_force", "N"),
        ("passive_fiber_force", "N"),
        ("tendon_force", "N"),
        *([("tendon_force_rate", "1/s")] if elastic else []),
    ):
        found = [getattr(result, name) for result in (ours, theirs, single)]
        label, tolerance = name.replace("_", " "), FORCE_TOLERANCE
        if name in diverging:
            # The explicit tendon equation gives speeds without bound, up to infinity, where there is no equilibrium.
            found = [np.where(bounded, values, 0.0) for values in found]
            label, tolerance = f"{label}, where below 10 / s", COMPLIANT_TOLERANCE
        elif newton and name in ("fiber_velocity", "active_fiber_force", "passive_fiber_force"):
            tolerance = NEWTON_TOLERANCE
        table.append(_compare(label, unit, found[0], found[1], tolerance, seconds, single=found[2], each=True))
        seconds = 0.0
    begin = time.perf_counter()
    few = slice(0, moment_arm_states)
    arms = engine.muscle_state(q[few], u[few], activation[few], tendon_force=tendon[few]).moment_arms
    seconds = time.perf_counter() - begin
    rough = single.moment_arms[few]
    table.append(
        _compare("moment arms", "m", ours.moment_arms[few], arms, MOMENT_ARM_TOLERANCE_M, seconds, single=rough)
    )
    return table


def compare_trajectories(
    engine: OpenSimEngine, n: int = TRAJECTORIES, seed: int = 0, duration: float = TRAJECTORY_SECONDS
) -> list[Comparison]:
    """Let both engines run with constant excitations, from calm poses in the air and on the floor.

    Once both integrate finely, which compares the engines, and once with the default integrator and step, which tells
    what a first-order step costs.

    Args:
        engine: OpenSim, which also holds the compiled model.
        n: Number of trajectories.
        seed: Seed of their beginnings.
        duration: Their length, s.
    """
    model = engine.model
    states = sample_states(model, n, seed, speed=1.0, spread=0.3)
    # Every muscle is asked for what its neighbour has: some activations rise, others fall.
    activation = 0.5 * states.activation
    tendon = compiled.initial_tendon_force(model, states.q, states.u, activation)
    controls = np.concatenate([np.roll(activation, 1, axis=1), np.zeros((n, model.n_actuators))], axis=1)

    def begin(rows: slice = slice(None)) -> State:
        state = State.create(model, len(states.q[rows]), q=states.q[rows], u=states.u[rows])
        if len(model.drives.mobility) + len(model.couplers.dependent):
            # OpenSim would bring all coordinates nearer to a constraint, a step here only those that are held.
            compiled.step(model, state, controls[rows], 1e-9, 1e-9)
            state.time[:] = 0.0
        state.activation[:], state.tendon_force[:] = activation[rows], tendon[rows]
        return state

    started, theirs, accuracy = time.perf_counter(), begin(), engine.accuracy
    engine.accuracy = TRAJECTORY_ACCURACY
    for k in range(n):
        row = slice(k, k + 1)
        theirs.q[row] = engine.step(begin(row), controls[row], duration).q
    engine.accuracy = accuracy
    seconds, label = time.perf_counter() - started, f"trajectory of {1000 * duration:g} ms"
    fine = compiled.step(model, begin(), controls, duration, FINE_STEP, integrator="rk4").q
    plain, rough = (
        compiled.step(model, begin(), controls, duration, DEFAULT_STEP, backend=backend).q for backend in PRECISIONS
    )
    return [
        _compare(label, "rad, m", fine, theirs.q, TRAJECTORY_TOLERANCE, seconds),
        _compare(f"{label}, default step", "rad, m", plain, theirs.q, DEFAULT_STEP_TOLERANCE, 0.0, single=rough),
    ]


def verify(path: str | Path, n_states: int = 1000, seed: int = 0, *, convert_muscles: bool = False) -> Verification:
    """Compare the compiled engine with OpenSim on a model.

    Args:
        path: The ``.osim`` file.
        n_states: Number of random states.
        seed: Seed of the states.
        convert_muscles: First replace Thelen and Millard muscles; see :func:`exogait.osim_env.engine.compile_osim`.

    Returns:
        One row a quantity; printed, it is a table.
    """
    path = Path(path)
    if convert_muscles:
        path = convert(path)
    engine = OpenSimEngine(path)
    states = sample_states(engine.model, n_states, seed)
    return Verification(str(path), (*compare(engine, states), *compare_trajectories(engine, seed=seed)))


def format_table(table: list[Comparison]) -> str:
    """Lay the comparison out for a terminal."""
    header = ("quantity", "max abs diff", "unit", "max rel diff", "float32", "tolerance", "states", "seconds", "")
    rows = [
        (
            row.quantity,
            f"{row.absolute:.2e}",
            row.unit,
            f"{row.relative:.2e}",
            "" if np.isnan(row.single) else f"{row.single:.0e}",
            f"{row.tolerance:.0e}" + (" abs" if row.quantity == "moment arms" else ""),
            str(row.n_states),
            f"{row.seconds:.1f}" if row.seconds else "",
            "ok" if row.passed else "FAILED",
        )
        for row in table
    ]
    widths = [max(len(line[k]) for line in (header, *rows)) for k in range(len(header))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in (header, *rows)
    )
