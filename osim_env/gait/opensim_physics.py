"""Physics by OpenSim itself, one body."""

from __future__ import annotations

from pathlib import Path

from ..engine import Model, OpenSimEngine
from .twin_physics import TwinPhysics
from .view import Array


class OpenSimPhysics(TwinPhysics):
    """One body in OpenSim itself; what the compiled engine averages over a step is here its value at the end."""

    def __init__(self, model: Model, path: Path, strength: Array | None = None) -> None:
        super().__init__(model, 1, strength)
        self.engine = OpenSimEngine(path)

    def advance(self, controls: Array, duration: float, dt: float, push: Array) -> None:
        """Simulate for ``duration`` with OpenSim's error-controlled integrator; ``dt`` has no meaning here."""
        self.parameters.push = push
        self.engine.step(self.state, controls, duration, params=self.parameters)
        record, state = self.state.record, self.state
        contact = self.engine.contact_forces(state.q, state.u)
        record.mean_foot_force[:], record.mean_foot_moment[:] = contact.foot_force, contact.foot_moment
        now = self.engine.muscle_state(
            state.q, state.u, state.activation, moment_arms=False, tendon_force=state.tendon_force
        )
        record.mean_activation[:] = state.activation
        record.mean_normalized_fiber_length[:] = now.normalized_fiber_length
        record.mean_normalized_fiber_velocity[:] = now.normalized_fiber_velocity
        record.mean_active_fiber_force[:] = now.active_fiber_force
        record.body_position[:] = self.engine.kinematics(state.q, state.u).position
        record.mean_actuator_torque[:] = controls[:, self.model.n_muscles :] * self.optimal_force
