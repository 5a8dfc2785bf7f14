"""Physics by the compiled engine."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

import numpy as np

from exogait.data.names import SIDES
from exogait.models.device import Device
from exogait.models.energetics import PROBE_SLOW_TWITCH, MuscleParameters, muscle_mass
from exogait.models.tables import load_tables

from ..engine import Kinematics, Model, Parameters, State, initial_tendon_force, kinematics, muscle_state, step
from ..engine.curves import active_force_length, passive_force_length, require_degroote_fregly
from ..engine.results import centre_of_pressure
from .metabolic_power import umberger_power
from .reference_fit import GENERIC_LEG_LENGTH
from .view import Array, Flags, Index

FOOT_BODIES = ("calcn_r", "toes_r", "calcn_l", "toes_l")

LEG_CONTACT_HEIGHT = 0.06
"""A knee or hip joint centre lower than this touches the ground with something that is no foot, m."""

STATE = ("q", "u", "activation", "actuator_activation", "tendon_force", "time", "status")

RECORD = ("mean_foot_force", "body_position")


class TwinPhysics:
    """A batch of bodies on the compiled engine; attributes as in :class:`exogait.osim_env.gait.physics.Physics`."""

    def __init__(self, model: Model, n_envs: int, strength: Array | None = None) -> None:
        require_degroote_fregly(model)
        self.model, self.n_envs = model, n_envs
        self.strength: Array = np.ones((n_envs, model.n_muscles)) if strength is None else strength
        self.body_mass: Array = np.full(n_envs, model.total_mass)
        self.device_worn: Array = np.ones(n_envs)
        self.size_factors: Mapping[str, tuple[float, float, float]] = {}
        self._feet = [model.index("body", name) for name in FOOT_BODIES]
        self._legs = [i for i, name in enumerate(model.body_names) if name.split("_")[0] in ("femur", "tibia", "torso")]
        self._previous_velocity = np.zeros((n_envs, model.n_bodies, 3))
        self._acceleration = np.zeros_like(self._previous_velocity)
        self.anatomical_limits = anatomical_limits(model)
        self.muscle_parameters = muscle_parameters(model)
        self.person_height = person_height(model)
        self.state = State.create(model, n_envs)
        self.parameters = Parameters(muscle_strength=self.strength, push=np.zeros((n_envs, 3)))

    # ---- the state -------------------------------------------------------------------------------------------------

    @property
    def q(self) -> Array:
        """Coordinates, shape (batch, n_coordinates)."""
        return self.state.q

    @property
    def u(self) -> Array:
        """Speeds, shape (batch, n_coordinates)."""
        return self.state.u

    @property
    def activation(self) -> Array:
        """Activations, shape (batch, n_muscles)."""
        return self.state.activation

    @property
    def tendon_force(self) -> Array:
        """Normalized force of elastic tendons, zero of rigid ones, shape (batch, n_muscles)."""
        return self.state.tendon_force

    @property
    def diverged(self) -> Flags:
        """Where the simulation left the finite, physical range."""
        return self.state.status != 0

    @property
    def foot_force(self) -> Array:
        """Ground reaction of right and left foot, mean over the last advance, shape (batch, 2, 3), N."""
        return self.state.record.mean_foot_force[:, self._foot_order]

    @property
    def body_position(self) -> Array:
        """Body origins in ground at the end of the last advance, shape (batch, n_bodies, 3), m."""
        return self.state.record.body_position

    @property
    def foot_moment(self) -> Array:
        """Moment of the same about the ground origin, shape (batch, 2, 3), N m."""
        return self.state.record.mean_foot_moment[:, self._foot_order]

    @property
    def actuator_torque(self) -> Array:
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

    # ---- quantities that follow from it ----------------------------------------------------------------------------

    @property
    def optimal_force(self) -> Array:
        """Torque of each coordinate actuator at control 1, shape (n_actuators,), N m."""
        return self.model.actuators.optimal_force

    @cached_property
    def elastic(self) -> Index:
        """Columns of the muscles with elastic tendons; of most models none."""
        return np.flatnonzero(self.model.muscles.compliant)

    def feet_at(self, q: Array) -> Array:
        """Origins of heel and toe frames in ground for given coordinates, shape (n, 4, 3), m."""
        return kinematics(self.model, q, np.zeros_like(q)).position[:, self._feet]

    @property
    def feet(self) -> Array:
        """Origins of heel and toe frames in ground at the end of the last advance, shape (batch, 4, 3), m."""
        return self.body_position[:, self._feet]

    def bodies(self) -> Kinematics:
        """Positions, rotations and velocities of all bodies now."""
        return kinematics(self.model, self.q, self.u)

    def sense_bodies(self, seconds: float) -> None:
        """Renew what inertial sensors read; accelerations are velocity changes over the last ``seconds``."""
        self._bodies = self.bodies()
        velocity = self._bodies.velocity
        self._acceleration = (velocity - self._previous_velocity) / seconds
        self._previous_velocity = velocity.copy()

    def inertial_signal(self, body: str, kind: str, axis: str) -> Array:
        """One channel of an inertial unit at a body's origin, shape (batch,).

        Orientation is the tilt and list of gravity in the body (rad), the gyroscope rad/s and the accelerometer
        specific force (m/s2), both in body axes.
        """
        row = self.model.index("body", body)
        rotation = self._bodies.rotation[:, row]
        if kind == "orientation":
            up = rotation[:, 1]  # ground's vertical expressed in the body: row 1 of the rotation body to ground
            return np.arctan2(up[:, 0], up[:, 1]) if axis == "tilt" else np.arctan2(-up[:, 2], up[:, 1])
        vector = self._bodies.angular_velocity[:, row]
        if kind == "accelerometer":
            vector = self._acceleration[:, row] - self.model.gravity
        return np.einsum("bij,bi->bj", rotation, vector)[:, "xyz".index(axis)]

    def other_ground_contact(self) -> Flags:
        """Whether anything but a foot touched the ground at the end of the last advance, shape (batch,)."""
        return np.any(self.body_position[:, self._legs, 1] < LEG_CONTACT_HEIGHT, axis=1)

    def muscles(self, index: Index | slice = slice(None)) -> tuple[Array, Array, Array]:
        """Moment arms (n, n_muscles, n_coordinates), force per activation and passive force (n, n_muscles)."""
        full = np.ones((self.n_envs, self.model.n_muscles))[index]
        strength = Parameters(muscle_strength=self.strength[index])
        now = muscle_state(
            self.model, self.q[index], self.u[index], full, params=strength, tendon_force=self.tendon_force[index]
        )
        length = now.normalized_fiber_length * self.model.optimal_fiber_length
        cosine = np.sqrt(np.maximum(1.0 - np.square(self.model.muscles.fiber_width / length), 0.0))
        gain = now.active_fiber_force * cosine
        passive = now.tendon_force - gain
        elastic = self.elastic
        if len(elastic):
            # What an elastic tendon carries now is no matter of activation; at the fibre's present length, once its
            # velocity has settled, activation will be.
            length = now.normalized_fiber_length
            force = self.strength[index][:, elastic] * self.model.max_isometric_force[elastic] * cosine[:, elastic]
            gain[:, elastic] = force * active_force_length(self.model, length)[:, elastic]
            passive[:, elastic] = force * passive_force_length(self.model, length)[:, elastic]
        return now.moment_arms, gain, passive

    def muscle_forces(self, gain: Array, passive: Array) -> Array:
        """Tendon forces now, from what :meth:`muscles` gave, shape (batch, n_muscles), N."""
        force = gain * self.activation + passive
        elastic = self.elastic
        if len(elastic):
            strength = self.strength[:, elastic] * self.model.max_isometric_force[elastic]
            force[:, elastic] = strength * self.tendon_force[:, elastic]
        return force

    def metabolic_power(self, excitation: Array) -> Array:
        """Umberger 2010 rate of all muscles over the last advance, without the basal rate, shape (batch,), W."""
        mean = self.fiber_means()
        length, muscles = mean["normalized_fiber_length"], self.muscle_parameters
        return umberger_power(
            excitation, mean["activation"], length, mean["normalized_fiber_velocity"], mean["active_fiber_force"],
            active_force_length(self.model, np.asarray(length, float)), muscle_mass=muscles.mass,
            slow_twitch_ratio=muscles.slow_twitch_ratio,
            fastest=muscles.optimal_fiber_length * muscles.max_contraction_velocity,
        )  # fmt: skip

    def measurements(self) -> dict[str, Array]:
        """Muscle states now, and each foot's force, centre of pressure and free moment, means over the last advance."""
        now = muscle_state(
            self.model, self.q, self.u, self.activation, params=self.parameters, tendon_force=self.tendon_force
        )
        names = (
            "normalized_fiber_length",
            "fiber_velocity",
            "active_fiber_force",
            "passive_fiber_force",
            "tendon_force",
        )
        found = {name: getattr(now, name) for name in names}
        found["active_force_length_multiplier"] = active_force_length(self.model, now.normalized_fiber_length)
        up = np.array([0.0, 1.0, 0.0])
        force, moment = self.foot_force, self.foot_moment
        centre, free = centre_of_pressure(np.asarray(force, float), np.asarray(moment, float), up, np.zeros(3))
        found["ground"] = np.concatenate([force, centre, free[..., None] * up], axis=2).reshape(self.n_envs, -1)
        return found

    def passive_moments(self) -> Array:
        """Generalized forces of joint limits and springs, shape (batch, n_coordinates).

        Source: OpenSim CoordinateLimitForce and SpringGeneralizedForce; the same equations as in engine/limits.py.
        """
        model = self.model
        coordinate = np.argsort(model.tree.mobility_of_coordinate)
        moments = np.zeros_like(self.q)
        limits, springs = model.limits, model.springs
        column = coordinate[limits.mobility]
        q, u = self.q[:, column], self.u[:, column]
        above, below = q - limits.upper, limits.lower - q
        upper, lower = _smooth_step(above / limits.transition), _smooth_step(below / limits.transition)
        force = limits.lower_stiffness * lower * below - limits.upper_stiffness * upper * above
        force -= limits.damping * (upper + lower) * u
        np.add.at(moments.T, column, force.T)
        column = coordinate[springs.mobility]
        force = -springs.stiffness * (self.q[:, column] - springs.rest_length) - springs.viscosity * self.u[:, column]
        np.add.at(moments.T, column, force.T)
        return moments

    def net_moments(self) -> Array:
        """Generalized forces of all but contact and device, shape (batch, n_coordinates).

        Muscles pull through their moment arms; limits, springs and trunk actuators act on their coordinates.
        """
        now = muscle_state(
            self.model, self.q, self.u, self.activation, params=self.parameters, tendon_force=self.tendon_force
        )
        moments = np.einsum("bmj,bm->bj", now.moment_arms, now.tendon_force) + self.passive_moments()
        for k, name in enumerate(self.model.actuator_names):
            if not name.startswith("exo_"):
                column = self.model.index("coordinate", self.model.actuator_coordinate[k])
                moments[:, column] += self.actuator_torque[:, k]
        return moments


def _smooth_step(t: Array) -> Array:
    """Quintic step between 0 and 1."""
    t = np.clip(t, 0.0, 1.0)
    return t**3 * (10 - 15 * t + 6 * t**2)


def anatomical_limits(model: Model) -> tuple[Array, Array]:
    """Lower and upper limit of every coordinate (infinite without one), shape (n_coordinates,), rad or m."""
    low, high = np.full(model.n_coordinates, -np.inf), np.full(model.n_coordinates, np.inf)
    coordinate = {int(m): c for c, m in enumerate(model.tree.mobility_of_coordinate)}
    limits = model.limits
    for mobility, lower, upper in zip(limits.mobility, limits.lower, limits.upper, strict=True):
        low[coordinate[int(mobility)]], high[coordinate[int(mobility)]] = lower, upper
    return low, high


def person_height(model: Model) -> float:
    """Height of the person that a model is scaled to, from its legs and the generic body's proportions, m."""
    at_rest = kinematics(model, np.zeros((1, model.n_coordinates)), np.zeros((1, model.n_coordinates)))
    place = {name: at_rest.position[0, model.index("body", name)] for name in model.body_names}
    legs = [
        float(np.linalg.norm(place[f"{upper}_{side}"] - place[f"{lower}_{side}"]))
        for side in SIDES
        for upper, lower in (("femur", "tibia"), ("tibia", "talus"))
    ]
    return load_tables().constants["generic_height"] * sum(legs) / (2.0 * GENERIC_LEG_LENGTH)


def muscle_parameters(model: Model) -> MuscleParameters:
    """The healthy muscles as OpenSim's probe takes them: mass by strength, half of the fibres slow."""
    force, length = model.max_isometric_force, model.optimal_fiber_length
    return MuscleParameters(
        names=model.muscle_names,
        mass=muscle_mass(force, length),
        max_isometric_force=force,
        optimal_fiber_length=length,
        max_contraction_velocity=model.max_contraction_velocity,
        slow_twitch_ratio=np.full(model.n_muscles, PROBE_SLOW_TWITCH),
    )
