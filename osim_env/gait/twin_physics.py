"""Physics by the compiled engine."""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from exogait.models.device import Device

from ..engine import Model, Parameters, State, initial_tendon_force, step
from .physics import RECORD, STATE, Array, Index, Physics


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
    def tendon_force(self) -> Array:  # type: ignore[override]
        """Normalized force of elastic tendons, zero of rigid ones, shape (batch, n_muscles)."""
        return self.state.tendon_force

    @property
    def diverged(self) -> NDArray[np.bool_]:  # type: ignore[override]
        """Where the simulation left the finite, physical range."""
        return self.state.status != 0

    @property
    def foot_force(self) -> Array:  # type: ignore[override]
        """Ground reaction of right and left foot, mean over the last advance, shape (batch, 2, 3), N."""
        return self.state.record.mean_foot_force[:, self._foot_order]

    @property
    def body_position(self) -> Array:  # type: ignore[override]
        """Body origins in ground at the end of the last advance, shape (batch, n_bodies, 3), m."""
        return self.state.record.body_position

    @property
    def foot_moment(self) -> Array:  # type: ignore[override]
        """Moment of the same about the ground origin, shape (batch, 2, 3), N m."""
        return self.state.record.mean_foot_moment[:, self._foot_order]

    @property
    def actuator_torque(self) -> Array:  # type: ignore[override]
        """Torque of the coordinate actuators, mean over the last advance, shape (batch, n_actuators), N m."""
        return self.state.record.mean_actuator_torque

    @cached_property
    def _foot_order(self) -> list[int]:
        return [self.model.index("foot", "r"), self.model.index("foot", "l")]

    def set_state(self, index: Index, q: Array, u: Array, activation: Array) -> None:
        """Put some bodies into a state, at rest in every other respect."""
        state = self.state
        state.q[index], state.u[index], state.activation[index] = q, u, activation
        state.actuator_activation[index] = 0.0
        if len(self.elastic):
            state.tendon_force[index] = initial_tendon_force(self.model, q, u, activation)
        state.status[index] = 0
        state.time[index] = 0.0
        state.record.mean_foot_force[index] = 0.0

    def fiber_means(self) -> dict[str, Array]:
        """Activation, length, speed and active force of the fibres, means over the last advance, (batch, n_muscles)."""
        record = self.state.record
        return {
            "activation": record.mean_activation,
            "normalized_fiber_length": record.mean_normalized_fiber_length,
            "normalized_fiber_velocity": record.mean_normalized_fiber_velocity,
            "active_fiber_force": record.mean_active_fiber_force,
        }

    def wear(self, index: Index, worn: bool, device: Device) -> None:
        """Put a device on some bodies or take it off, by point masses that cancel its own exactly."""
        parameters, model = self.parameters, self.model
        if parameters.added_mass is None:
            parameters.added_mass = np.zeros((self.n_envs, model.n_bodies))
            parameters.added_mass_location = np.zeros((model.n_bodies, 3))
        for part in device.added_mass:
            row = model.index("body", part.body)
            parameters.added_mass[index, row] = 0.0 if worn else -part.mass  # type: ignore[index]
            factors = self.size_factors.get(part.body, (1.0, 1.0, 1.0))
            parameters.added_mass_location[row] = np.array(part.location) * factors  # type: ignore[index]
        self.device_worn[index] = float(worn)
        self.body_mass[index] = model.total_mass - (0.0 if worn else device.mass)

    def advance(self, controls: Array, duration: float, dt: float, push: Array) -> None:
        """Simulate for ``duration`` with constant controls and a constant push (N) at the pelvis."""
        self.parameters.push = push
        step(self.model, self.state, controls, duration, dt, params=self.parameters, record=True)

    def arrays(self) -> dict[str, Array]:
        """State of every body, for a checkpoint."""
        state = self.state
        content = {name: getattr(state, name).copy() for name in STATE}
        for name in RECORD:
            content[name] = getattr(state.record, name).copy()
        content["previous_velocity"] = self._previous_velocity.copy()
        return content

    def load_arrays(self, content: dict[str, Array]) -> None:
        """Restore what :meth:`arrays` returned."""
        for name in STATE:
            getattr(self.state, name)[:] = content[name]
        for name in RECORD:
            getattr(self.state.record, name)[:] = content[name]
        self._previous_velocity = content["previous_velocity"].copy()
