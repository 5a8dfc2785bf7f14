"""The engine as the world sees it: a batch of bodies that is set, advanced, and asked.

:class:`Physics` is what the world asks for. :class:`~exogait.osim_env.gait.twin_physics.TwinPhysics` runs the compiled
engine, :class:`~exogait.osim_env.gait.opensim_physics.OpenSimPhysics` OpenSim itself for one body. The world cannot
tell them apart, so one policy, one set of observations and one set of rewards serve both.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from exogait.models.device import Device
from exogait.models.energetics import MuscleParameters

from ..engine import Model, Parameters
from .view import Array, Flags, Index


class Moving(Protocol):
    """Bodies and how they move."""

    @property
    def q(self) -> Array:
        """Coordinates, shape (batch, n_coordinates), rad or m."""
        ...

    @property
    def u(self) -> Array:
        """Speeds, shape (batch, n_coordinates), rad/s or m/s."""
        ...

    @property
    def activation(self) -> Array:
        """Activations, shape (batch, n_muscles)."""
        ...


class Physics(Moving, Protocol):
    """A batch of bodies in one engine.

    Attributes:
        model: The compiled model (both engines describe bodies by it).
        n_envs: Number of bodies.
        parameters: What differs between the bodies.
        body_mass: Mass of each body with what it wears, shape (batch,), kg.
        device_worn: 1 where the device is worn, shape (batch,).
        strength: Strength of every muscle as a fraction of the healthy one, shape (batch, n_muscles).
        size_factors: Size factors of a person's bodies, by which the places of device masses moved along.
        person_height: Height of the person that the model is scaled to, m.
    """

    model: Model
    n_envs: int
    parameters: Parameters
    body_mass: Array
    device_worn: Array
    strength: Array
    size_factors: Mapping[str, tuple[float, float, float]]
    person_height: float

    # ---- the state -------------------------------------------------------------------------------------------------

    @property
    def tendon_force(self) -> Array:
        """Normalized force of elastic tendons, zero of rigid ones, shape (batch, n_muscles)."""
        ...

    @property
    def diverged(self) -> Flags:
        """Where the simulation left the finite, physical range, shape (batch,)."""
        ...

    def set_state(self, index: Index, q: Array, u: Array, activation: Array) -> None:
        """Put some bodies into a state, at rest in every other respect."""
        ...

    def wear(self, index: Index, worn: bool, device: Device) -> None:
        """Put a device on some bodies or take it off; the model's file has it on."""
        ...

    def advance(self, controls: Array, duration: float, dt: float, push: Array) -> None:
        """Simulate for ``duration`` with constant controls and a constant push at the pelvis.

        Args:
            controls: Excitations, then actuator controls, shape (batch, n_muscles + n_actuators).
            duration: s.
            dt: Time step of an engine that has a fixed one, s.
            push: Force at the pelvis, shape (batch, 3), N.
        """
        ...

    def arrays(self) -> dict[str, Array]:
        """State of every body, for a checkpoint."""
        ...

    def load_arrays(self, content: dict[str, Array]) -> None:
        """Restore what :meth:`arrays` returned."""
        ...

    # ---- the model -------------------------------------------------------------------------------------------------

    @property
    def optimal_force(self) -> Array:
        """Torque of each coordinate actuator at control 1, shape (n_actuators,), N m."""
        ...

    @property
    def anatomical_limits(self) -> tuple[Array, Array]:
        """Lower and upper limit of every coordinate (infinite without one), shape (n_coordinates,), rad or m."""
        ...

    @property
    def muscle_parameters(self) -> MuscleParameters:
        """The healthy muscles as OpenSim's probe takes them: mass by strength, half of the fibres slow."""
        ...

    # ---- feet, other bodies and what they touch --------------------------------------------------------------------

    @property
    def feet(self) -> Array:
        """Origins of heel and toe frames in ground at the end of the last advance, shape (batch, 4, 3), m."""
        ...

    def feet_at(self, q: Array) -> Array:
        """Origins of heel and toe frames in ground for given coordinates, shape (n, 4, 3), m."""
        ...

    @property
    def foot_force(self) -> Array:
        """Ground reaction of right and left foot, mean over the last advance, shape (batch, 2, 3), N."""
        ...

    @property
    def foot_moment(self) -> Array:
        """Moment of the same about the ground origin, shape (batch, 2, 3), N m."""
        ...

    def other_ground_contact(self) -> Flags:
        """Whether anything but a foot touched the ground at the end of the last advance, shape (batch,)."""
        ...

    def sense_bodies(self, seconds: float) -> None:
        """Renew what inertial sensors read; accelerations are velocity changes over the last ``seconds``."""
        ...

    def inertial_signal(self, body: str, kind: str, axis: str) -> Array:
        """One channel of an inertial unit at a body's origin, shape (batch,)."""
        ...

    # ---- muscles and moments ---------------------------------------------------------------------------------------

    def muscles(self, index: Index | slice = slice(None)) -> tuple[Array, Array, Array]:
        """Moment arms (n, n_muscles, n_coordinates), force per activation and passive force (n, n_muscles)."""
        ...

    def muscle_forces(self, gain: Array, passive: Array) -> Array:
        """Tendon forces now, from what :meth:`muscles` gave, shape (batch, n_muscles), N."""
        ...

    def metabolic_power(self, excitation: Array) -> Array:
        """Umberger 2010 rate of all muscles over the last advance, without the basal rate, shape (batch,), W."""
        ...

    @property
    def actuator_torque(self) -> Array:
        """Torque of the coordinate actuators, mean over the last advance, shape (batch, n_actuators), N m."""
        ...

    def measurements(self) -> dict[str, Array]:
        """Muscle states now, and each foot's force, centre of pressure and free moment, means over the last advance."""
        ...

    def net_moments(self) -> Array:
        """Generalized forces of all but contact and device, shape (batch, n_coordinates)."""
        ...
