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
from .model import Floats, Model, only
from .opensim_engine import OpenSimEngine

ACCELERATION_TOLERANCE = 1e-11
"""Largest difference of any acceleration, relative to the state's largest acceleration: rounding of a 23-link chain."""
COORDINATE_TOLERANCE = 1e-8
"""The same for each coordinate by itself: the light toes can hide others in the first measure."""
COMPLIANT_TOLERANCE = 1e-6
"""Both of the above where a tendon is compliant: the explicit tendon equation divides by small active forces."""
FORCE_TOLERANCE = 1e-8
MOMENT_ARM_TOLERANCE_M = 1e-8
LIST_LIMIT = np.radians(80.0)
"""A middle rotation stays within this: at 90 degrees three body-fixed angles are singular, in OpenSim as here."""
MOMENT_ARM_STATES = 20
"""OpenSim needs about half a second a state for all moment arms."""


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


def sample_states(model: Model, n_states: int, seed: int = 0, *, speed: float = 10.0) -> States:
    """Draw random states: half of them in flight, half with the deepest sphere 0 to 30 mm in the floor.

    Args:
        model: The compiled model.
        n_states: How many.
        seed: Seed of the generator.
        speed: Largest speed, rad/s (m/s for translations: a tenth).

    Returns:
        Joint angles over the coordinate ranges (a middle rotation of three within 80 degrees), speeds, activations of
        0.01 to 1, and actuator torques up to the optimal force or 100 N m, whatever is less.
    """
    rng = np.random.default_rng(seed)
    low, high = model.coordinate_range.T.copy()
    for b in range(1, len(model.tree.parent)):
        first, end = model.tree.mobility_start[b], model.tree.mobility_start[b + 1]
        if end - first >= 3:
            middle = int(np.flatnonzero(model.tree.mobility_of_coordinate == first + 1)[0])
            low[middle], high[middle] = max(low[middle], -LIST_LIMIT), min(high[middle], LIST_LIMIT)
    q = rng.uniform(low, high, (n_states, model.n_coordinates))
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
    quantity: str, unit: str, ours: Floats, theirs: Floats, tolerance: float, seconds: float, *, each: bool = False
) -> Comparison:
    """Compare arrays whose first axis is the state."""
    n = len(theirs)
    difference, reference = np.abs(ours - theirs).reshape(n, -1), np.abs(theirs).reshape(n, -1)
    if difference.size == 0:
        return Comparison(quantity, 0.0, unit, 0.0, tolerance, n, seconds)
    scale = np.maximum(1.0, reference if each else reference.max(axis=1, keepdims=True))
    return Comparison(quantity, float(difference.max()), unit, float((difference / scale).max()), tolerance, n, seconds)


def compare_accelerations(
    engine: OpenSimEngine, states: States, kinds: Iterable[str] | None = None, label: str = "accelerations"
) -> list[Comparison]:
    """Compare accelerations, with all forces or with some kinds only, by both measures."""
    begin = time.perf_counter()
    model = engine.model if kinds is None else only(engine.model, kinds)
    none = np.zeros((len(states.q), 0))
    ours = compiled.accelerations(
        model,
        states.q,
        states.u,
        states.activation if model.n_muscles else none,
        states.torque if model.n_actuators else none,
        tendon_force=states.tendon_force if model.n_muscles else none,
    )
    engine.select_forces(kinds)
    theirs = engine.accelerations(
        states.q, states.u, states.activation, states.torque, tendon_force=states.tendon_force
    )
    engine.select_forces(None)
    seconds = time.perf_counter() - begin
    elastic = bool(model.muscles.compliant.any())
    tolerance = COMPLIANT_TOLERANCE if elastic else ACCELERATION_TOLERANCE
    each = COMPLIANT_TOLERANCE if elastic else COORDINATE_TOLERANCE
    unit = "rad/s2, m/s2"
    return [
        _compare(label, unit, ours, theirs, tolerance, seconds),
        _compare(f"{label}, each coordinate", unit, ours, theirs, each, 0.0, each=True),
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
    ours, theirs = compiled.kinematics(model, q, u), engine.kinematics(q, u)
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
        table.append(_compare(label, unit, getattr(ours, name), getattr(theirs, name), FORCE_TOLERANCE, seconds))
        seconds = 0.0

    begin = time.perf_counter()
    rates = np.random.default_rng(0).normal(0.0, 10.0, q.shape)
    pair = compiled.inverse_dynamics(model, q, u, rates), engine.inverse_dynamics(q, u, rates)
    table.append(_compare("inverse dynamics", "N m, N", *pair, FORCE_TOLERANCE, time.perf_counter() - begin))

    if model.n_muscles:
        table += _compare_muscles(engine, states, moment_arm_states)
    if model.sphere_names:
        begin = time.perf_counter()
        ours, theirs = compiled.contact_forces(model, q, u), engine.contact_forces(q, u)
        seconds = time.perf_counter() - begin
        table.append(_compare("contact forces", "N", ours.force, theirs.force, FORCE_TOLERANCE, seconds, each=True))
        table.append(_compare("contact moments", "N m", ours.foot_moment, theirs.foot_moment, FORCE_TOLERANCE, 0.0))
    return table


def _compare_muscles(engine: OpenSimEngine, states: States, moment_arm_states: int) -> list[Comparison]:
    model = engine.model
    q, u, activation, tendon = states.q, states.u, states.activation, states.tendon_force
    begin = time.perf_counter()
    ours = compiled.muscle_state(model, q, u, activation, tendon_force=tendon)
    theirs = engine.muscle_state(q, u, activation, tendon_force=tendon, moment_arms=False)
    seconds = time.perf_counter() - begin
    table = []
    elastic = bool(model.muscles.compliant.any())
    diverging = ("fiber_velocity", "passive_fiber_force", "tendon_force_rate") if elastic else ()
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
        pair = getattr(ours, name), getattr(theirs, name)
        label, tolerance = name.replace("_", " "), FORCE_TOLERANCE
        if name in diverging:
            # The explicit tendon equation gives speeds without bound, up to infinity, where there is no equilibrium.
            pair = np.where(bounded, pair[0], 0.0), np.where(bounded, pair[1], 0.0)
            label, tolerance = f"{label}, where below 10 / s", COMPLIANT_TOLERANCE
        table.append(_compare(label, unit, *pair, tolerance, seconds, each=True))
        seconds = 0.0
    begin = time.perf_counter()
    few = slice(0, moment_arm_states)
    arms = engine.muscle_state(q[few], u[few], activation[few], tendon_force=tendon[few]).moment_arms
    seconds = time.perf_counter() - begin
    table.append(_compare("moment arms", "m", ours.moment_arms[few], arms, MOMENT_ARM_TOLERANCE_M, seconds))
    return table


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
    return Verification(str(path), tuple(compare(engine, states)))


def format_table(table: list[Comparison]) -> str:
    """Lay the comparison out for a terminal."""
    header = ("quantity", "max abs diff", "unit", "max rel diff", "tolerance", "states", "seconds", "")
    rows = [
        (
            row.quantity,
            f"{row.absolute:.2e}",
            row.unit,
            f"{row.relative:.2e}",
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
