"""Names for rows: which rows of the kernel's work array answer which question, in one flat result array.

The kernel copies chosen rows to a (B, n) array; the named arrays that callers see are views of its columns.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from .model import Floats, Model

T = TypeVar("T")


def _once_a_model(function: Callable[[Model], T]) -> Callable[[Model], T]:
    """Remember what a function of a model gives; a model never changes, and these are asked for at every step."""
    key = f"_{function.__name__}"

    @wraps(function)
    def remembered(model: Model) -> T:
        known = vars(model)
        if key not in known:
            known[key] = function(model)
        return known[key]

    return remembered


# Quantity, layout field, elements to skip at the start (the ground), trailing shape after the count.
_BODY = {
    "position": ("position", 3),
    "rotation": ("rotation", 9),
    "velocity": ("velocity", 3),
    "angular_velocity": ("angular_velocity", 3),
}


class Rows:
    """A selection of work rows with names."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.rows: list[NDArray[np.int64]] = []
        self.places: dict[str, tuple[int, int, tuple[int, ...]]] = {}
        self.count = 0
        self._index: NDArray[np.int64] | None = None

    def add(self, name: str, start: int, shape: tuple[int, ...]) -> None:
        """Select rows from ``start`` on, seen as an array of ``shape`` under ``name``."""
        size = int(np.prod(shape))
        self.rows.append(np.arange(start, start + size))
        self.places[name] = (self.count, self.count + size, shape)
        self.count += size

    def add_bodies(self, name: str, field: str) -> None:
        """Select a quantity of all bodies but the ground."""
        row, width = _BODY[field]
        shape = (self.model.n_bodies, 3, 3) if width == 9 else (self.model.n_bodies, width)
        self.add(name, getattr(self.model.layout, row) + width, shape)

    def index(self) -> NDArray[np.int64]:
        """Return the selected rows in order."""
        if self._index is None or len(self._index) != self.count:
            self._index = np.concatenate(self.rows).astype(np.int64) if self.rows else np.zeros(0, dtype=np.int64)
        return self._index

    def views(self, result: Floats) -> dict[str, Floats]:
        """Return the named arrays as views of the result."""
        batch = len(result)
        return {name: result[:, a:b].reshape(batch, *shape) for name, (a, b, shape) in self.places.items()}


@_once_a_model
def describe_rows(model: Model) -> Rows:
    """Select what :func:`muscle_state`, :func:`contact_forces` and :func:`kinematics` report."""
    at, rows = model.layout, Rows(model)
    for name in _BODY:
        rows.add_bodies(name, name)
    rows.add("whole_body_centre", at.bias, (3,))
    rows.add("whole_body_velocity", at.angular_bias, (3,))
    rows.add("sphere_force", at.sphere_force, (at.n_spheres, 3))
    rows.add("sphere_point", at.sphere_point, (at.n_spheres, 3))
    for name in ("path_length", "path_speed", "fiber_length", "fiber_velocity", "active_force", "passive_force"):
        rows.add(name, getattr(at, name), (at.n_muscles,))
    rows.add("tendon_force", at.tendon_force, (at.n_muscles,))
    rows.add("tendon_rate", at.tendon_rate, (at.n_muscles,))
    rows.add("arm", at.arm, (len(model.paths.entry_mobility),))
    return rows


@_once_a_model
def record_rows(model: Model) -> Rows:
    """Select what a :class:`~exogait.osim_env.engine.state.Record` holds, in its order."""
    at, rows = model.layout, Rows(model)
    muscle, feet, actuators = (at.n_muscles,), (at.n_feet, 3), (at.n_actuators,)
    for name in _BODY:
        rows.add_bodies(f"body_{name}", name)
    for name, start, shape in (
        ("mass_centre", at.bias, (3,)),
        ("mass_centre_velocity", at.angular_bias, (3,)),
        ("muscle_tendon_length", at.path_length, muscle),
        ("lengthening_speed", at.path_speed, muscle),
        ("normalized_fiber_length", at.fiber_length, muscle),
        ("normalized_fiber_velocity", at.fiber_velocity, muscle),
        ("active_fiber_force", at.active_force, muscle),
        ("tendon_force", at.tendon_force, muscle),
        ("sphere_force", at.sphere_force, (at.n_spheres, 3)),
        ("foot_force", at.foot_force, feet),
        ("foot_moment", at.foot_moment, feet),
        ("actuator_torque", at.torque, actuators),
        ("mean_activation", at.mean_activation, muscle),
        ("mean_active_fiber_force", at.mean_active_force, muscle),
        ("mean_fiber_force", at.mean_fiber_force, muscle),
        ("mean_normalized_fiber_length", at.mean_fiber_length, muscle),
        ("mean_normalized_fiber_velocity", at.mean_fiber_velocity, muscle),
        ("mean_active_fiber_power", at.mean_active_power, muscle),
        ("mean_positive_active_fiber_power", at.mean_positive_power, muscle),
        ("mean_foot_force", at.mean_foot_force, feet),
        ("mean_foot_moment", at.mean_foot_moment, feet),
        ("mean_actuator_torque", at.mean_torque, actuators),
        ("mean_actuator_power", at.mean_torque_power, actuators),
    ):
        rows.add(name, start, shape)
    return rows


@_once_a_model
def state_rows(model: Model) -> NDArray[np.int64]:
    """Rows of the packed state: q and u in public order, activations, tendon forces, actuator activations."""
    at, order = model.layout, model.tree.mobility_of_coordinate
    parts = (
        at.q + order,
        at.u + order,
        at.activation + np.arange(at.n_muscles),
        at.tendon_state + np.arange(at.n_muscles),
        at.actuator_state + np.arange(at.n_actuators),
    )
    return np.concatenate(parts).astype(np.int64)


@_once_a_model
def _arm_places(model: Model) -> NDArray[np.int64]:
    """Where each sparse moment arm stands in a flat (n_muscles, n_coordinates) array."""
    muscle = np.repeat(np.arange(model.n_muscles), np.diff(model.paths.entry_start))
    coordinate = np.argsort(model.tree.mobility_of_coordinate)[model.paths.entry_mobility]
    return muscle * model.n_coordinates + coordinate


def full_moment_arms(model: Model, arm: Floats) -> Floats:
    """Spread sparse moment arms over (B, n_muscles, n_coordinates)."""
    full = np.zeros((len(arm), model.n_muscles * model.n_coordinates))
    full[:, _arm_places(model)] = arm
    return full.reshape(len(arm), model.n_muscles, model.n_coordinates)
