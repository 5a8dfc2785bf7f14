"""The engine as the world sees it: a batch of bodies that is set, advanced, and asked.

:class:`TwinPhysics` runs the compiled engine, :class:`OpenSimPhysics` OpenSim itself for one body. The world cannot
tell them apart, so one policy, one set of observations and one set of rewards serve both.
"""

from __future__ import annotations

import dataclasses
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .engine import Model, Parameters, State, kinematics, muscle_state, step
from .reference import ReferenceMotion

Array = NDArray[np.float64]
Index = NDArray[np.int64]

FOOT_BODIES = ("calcn_r", "toes_r", "calcn_l", "toes_l")
STANCE_DEPTH = 0.005
"""How deep the lowest contact sphere of the grounded reference stands in the floor, m."""
LEG_CONTACT_HEIGHT = 0.06
"""A knee or hip joint centre lower than this touches the ground with something that is no foot, m."""


class Physics:
    """What both engines share: names, anatomy, and quantities derived from the state.

    Attributes:
        model: The compiled model (both engines describe bodies by it).
        n_envs: Number of bodies.
        body_mass: Mass of each body with what it wears, shape (batch,), kg.
        device_worn: 1 where the device is worn, shape (batch,).
    """

    def __init__(self, model: Model, n_envs: int, strength: Array | None = None) -> None:
        self.model, self.n_envs = model, n_envs
        self.strength = np.ones((n_envs, model.n_muscles)) if strength is None else strength
        self.body_mass = np.full(n_envs, model.total_mass)
        self.device_worn = np.ones(n_envs)
        self._feet = [model.index("body", name) for name in FOOT_BODIES]
        self._legs = [i for i, name in enumerate(model.body_names) if name.split("_")[0] in ("femur", "tibia", "torso")]
        self._previous_velocity = np.zeros((n_envs, model.n_bodies, 3))
        self._acceleration = np.zeros_like(self._previous_velocity)

    q: Array
    u: Array
    activation: Array
    diverged: NDArray[np.bool_]
    foot_force: Array

    @property
    def optimal_force(self) -> Array:
        """Torque of each coordinate actuator at control 1, shape (n_actuators,), N m."""
        return self.model.actuators.optimal_force

    @cached_property
    def anatomical_limits(self) -> tuple[Array, Array]:
        """Lower and upper limit of every coordinate (infinite without one), shape (n_coordinates,), rad or m."""
        low = np.full(self.model.n_coordinates, -np.inf)
        high = np.full(self.model.n_coordinates, np.inf)
        coordinate = {int(m): c for c, m in enumerate(self.model.tree.mobility_of_coordinate)}
        limits = self.model.limits
        for mobility, lower, upper in zip(limits.mobility, limits.lower, limits.upper, strict=True):
            low[coordinate[int(mobility)]], high[coordinate[int(mobility)]] = lower, upper
        return low, high

    def feet(self, q: Array) -> Array:
        """Origins of heel and toe frames in ground for given coordinates, shape (batch, 4, 3), m."""
        return kinematics(self.model, q, np.zeros_like(q)).body_position[:, self._feet]

    def ground_reference(self, reference: ReferenceMotion) -> ReferenceMotion:
        """The reference with the pelvis raised or lowered so that this model's feet stand on the floor.

        Over the stride the lowest contact sphere is, in the median, :data:`STANCE_DEPTH` deep. The correction is a
        polynomial of speed like the reference's own coefficients.
        """
        order = reference.coordinates.shape[2]
        speeds = np.linspace(*reference.speed_range, 2 * order + 1)
        phases = np.arange(40) / 40
        columns = [reference.coordinate_names.index(name) for name in self.model.coordinate_names]
        contacts, lift = self.model.contacts, []
        for speed in speeds:
            q = reference.evaluate(phases, np.full(len(phases), speed))[0][:, columns]
            bodies = kinematics(self.model, q, np.zeros_like(q))
            body = contacts.body - 1
            centre = bodies.body_position[:, body] + np.einsum(
                "bsij,sj->bsi", bodies.body_rotation[:, body], contacts.centre
            )
            lowest = (centre[:, :, 1] - contacts.radius).min(axis=1)
            lift.append(-STANCE_DEPTH - np.median(lowest))
        coordinates = reference.coordinates.copy()
        row = reference.coordinate_names.index("pelvis_ty")
        coordinates[row, 0] += np.polynomial.polynomial.polyfit(speeds, lift, order - 1)
        return dataclasses.replace(reference, coordinates=coordinates)

    def bodies(self) -> Any:
        """Positions, rotations and velocities of all bodies now."""
        return kinematics(self.model, self.q, self.u)

    def sense_bodies(self, seconds: float) -> None:
        """Renew what inertial sensors read; accelerations are velocity changes over the last ``seconds``."""
        self._bodies = self.bodies()
        velocity = self._bodies.body_velocity
        self._acceleration = (velocity - self._previous_velocity) / seconds
        self._previous_velocity = velocity.copy()

    def inertial_signal(self, body: str, kind: str, axis: str) -> Array:
        """One channel of an inertial unit at a body's origin, shape (batch,).

        Orientation is the tilt and list of gravity in the body (rad), the gyroscope rad/s and the accelerometer
        specific force (m/s2), both in body axes.
        """
        row = self.model.index("body", body)
        rotation = self._bodies.body_rotation[:, row]
        if kind == "orientation":
            up = rotation[:, 1]  # ground's vertical expressed in the body: row 1 of the rotation body to ground
            return np.arctan2(up[:, 0], up[:, 1]) if axis == "tilt" else np.arctan2(-up[:, 2], up[:, 1])
        vector = self._bodies.body_angular_velocity[:, row]
        if kind == "accelerometer":
            vector = self._acceleration[:, row] - self.model.gravity
        return np.einsum("bij,bi->bj", rotation, vector)[:, "xyz".index(axis)]

    def other_ground_contact(self) -> NDArray[np.bool_]:
        """Whether anything but a foot touches the ground, shape (batch,)."""
        height = self.bodies().body_position[:, self._legs, 1]
        return (height < LEG_CONTACT_HEIGHT).any(axis=1)

    def muscles(self) -> tuple[Array, Array, Array]:
        """Moment arms (batch, n_muscles, n_coordinates), force per activation and passive force (batch, n_muscles)."""
        now = muscle_state(self.model, self.q, self.u, np.ones_like(self.activation), params=self.parameters)
        cosine = np.cos(now.pennation_angle)
        gain = now.active_fiber_force * cosine
        return now.moment_arms, gain, now.tendon_force - gain

    parameters: Parameters


class TwinPhysics(Physics):
    """A batch of bodies on the compiled engine."""

    def __init__(self, model: Model, n_envs: int, strength: Array | None = None) -> None:
        super().__init__(model, n_envs, strength)
        self.state = State.create(model, n_envs)
        self.parameters = Parameters(muscle_strength=self.strength, push=np.zeros((n_envs, 3)))

    @property
    def q(self) -> Array:  # type: ignore[override]
        """Coordinates, shape (batch, n_coordinates)."""
        return self.state.q

    @property
    def u(self) -> Array:  # type: ignore[override]
        """Speeds, shape (batch, n_coordinates)."""
        return self.state.u

    @property
    def activation(self) -> Array:  # type: ignore[override]
        """Activations, shape (batch, n_muscles)."""
        return self.state.activation

    @property
    def diverged(self) -> NDArray[np.bool_]:  # type: ignore[override]
        """Where the simulation left the finite, physical range."""
        return self.state.status != 0

    @property
    def foot_force(self) -> Array:  # type: ignore[override]
        """Ground reaction of right and left foot, mean over the last advance, shape (batch, 2, 3), N."""
        return self.state.record.mean_foot_force[:, self._foot_order]

    @cached_property
    def _foot_order(self) -> list[int]:
        return [self.model.index("foot", "r"), self.model.index("foot", "l")]

    def set_state(self, index: Index, q: Array, u: Array, activation: Array) -> None:
        """Put some bodies into a state, at rest in every other respect."""
        state = self.state
        state.q[index], state.u[index], state.activation[index] = q, u, activation
        state.actuator_activation[index] = 0.0
        state.status[index] = 0
        state.time[index] = 0.0
        state.record.mean_foot_force[index] = 0.0

    def advance(self, controls: Array, duration: float, dt: float, push: Array) -> None:
        """Simulate for ``duration`` with constant controls and a constant push (N) at the pelvis."""
        self.parameters.push = push
        step(self.model, self.state, controls, duration, dt, params=self.parameters)

    def arrays(self) -> dict[str, Array]:
        """State of every body, for a checkpoint."""
        state = self.state
        content = {name: getattr(state, name).copy() for name in _STATE}
        content["mean_foot_force"] = state.record.mean_foot_force.copy()
        content["previous_velocity"] = self._previous_velocity.copy()
        return content

    def load_arrays(self, content: dict[str, Array]) -> None:
        """Restore what :meth:`arrays` returned."""
        for name in _STATE:
            getattr(self.state, name)[:] = content[name]
        self.state.record.mean_foot_force[:] = content["mean_foot_force"]
        self._previous_velocity = content["previous_velocity"].copy()


_STATE = ("q", "u", "activation", "actuator_activation", "tendon_force", "time", "status")
