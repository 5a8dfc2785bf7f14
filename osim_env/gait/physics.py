"""The engine as the world sees it: a batch of bodies that is set, advanced, and asked.

:class:`TwinPhysics` runs the compiled engine, :class:`OpenSimPhysics` OpenSim itself for one body. The world cannot
tell them apart, so one policy, one set of observations and one set of rewards serve both.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from exogait.data.errors import InputError
from exogait.models.device import Device
from exogait.models.energetics import MuscleParameters, muscle_mass

from ..engine import Model, Parameters, kinematics, muscle_state
from ..engine.curves import active_force_length, passive_force_length
from ..engine.results import centre_of_pressure
from .metabolic_power import umberger_power
from .reference import ReferenceMotion, fourier_basis

Array = NDArray[np.floating[Any]]

Index = NDArray[np.int64]

FOOT_BODIES = ("calcn_r", "toes_r", "calcn_l", "toes_l")

STANCE_DEPTH = 0.005
"""How deep the lowest contact sphere of the grounded reference stands in the floor, m."""

TOE_EXTENSION = 0.35
"""Extension of the toes in mid-swing, rad (Leardini et al. 2007 report 20-30 degrees at the first metatarsal joint)."""

TOE_SWING = (0.77, 0.22)
"""Middle of that extension and its half width, share of the stride since the same foot's heel strike."""

HELD_STILL = 1e-3
"""A coordinate that moves less was held by inverse kinematics, rad."""

SLOW_TWITCH_RATIO = 0.5
"""Share of slow fibres in every muscle; default of OpenSim's probes."""

LEG_CONTACT_HEIGHT = 0.06
"""A knee or hip joint centre lower than this touches the ground with something that is no foot, m."""


class Physics:
    """What both engines share: names, anatomy, and quantities derived from the state.

    Attributes:
        model: The compiled model (both engines describe bodies by it).
        n_envs: Number of bodies.
        body_mass: Mass of each body with what it wears, shape (batch,), kg.
        device_worn: 1 where the device is worn, shape (batch,).
        strength: Strength of every muscle as a fraction of the healthy one, shape (batch, n_muscles).
        size_factors: Size factors of a person's bodies, by which the places of device masses moved along.
    """

    def __init__(self, model: Model, n_envs: int, strength: Array | None = None) -> None:
        self.model, self.n_envs = model, n_envs
        self.strength = np.ones((n_envs, model.n_muscles)) if strength is None else strength
        self.body_mass = np.full(n_envs, model.total_mass)
        self.device_worn = np.ones(n_envs)
        self.size_factors: Mapping[str, tuple[float, float, float]] = {}
        self._feet = [model.index("body", name) for name in FOOT_BODIES]
        self._legs = [i for i, name in enumerate(model.body_names) if name.split("_")[0] in ("femur", "tibia", "torso")]
        self._previous_velocity = np.zeros((n_envs, model.n_bodies, 3))
        self._acceleration = np.zeros_like(self._previous_velocity)

    q: Array
    u: Array
    activation: Array
    tendon_force: Array
    diverged: NDArray[np.bool_]
    foot_force: Array
    foot_moment: Array
    body_position: Array
    actuator_torque: Array

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

    def ground_reference(self, reference: ReferenceMotion) -> ReferenceMotion:
        """The reference made possible for this model: feet on the floor, toes clear of it in swing.

        Markers do not show the toe joint and inverse kinematics holds it straight; the toes of a walking person are
        extended by about 20 degrees in swing, which is much of the foot's clearance. Where the reference holds them
        still, that extension is added. Then the pelvis is raised or lowered by a polynomial of speed until over the
        stride the lowest contact sphere is, in the median, :data:`STANCE_DEPTH` deep.
        """
        coordinates = reference.coordinates.copy()
        phase = np.arange(100) / 100
        basis, _ = fourier_basis(phase, reference.n_harmonics)
        for side, start in (("r", 0.0), ("l", 0.5)):
            row = reference.coordinate_names.index(f"mtp_angle_{side}")
            if np.abs(coordinates[row]).max() < HELD_STILL:
                middle = (phase - start - TOE_SWING[0] + 0.5) % 1.0 - 0.5
                lift = np.where(np.abs(middle) < TOE_SWING[1], 0.5 + 0.5 * np.cos(np.pi * middle / TOE_SWING[1]), 0.0)
                coordinates[row, :, 0] = np.linalg.lstsq(basis, TOE_EXTENSION * lift, rcond=None)[0]
        reference = dataclasses.replace(reference, coordinates=coordinates)
        order = coordinates.shape[2]
        speeds = np.linspace(*reference.speed_range, 2 * order + 1)
        columns = [reference.coordinate_names.index(name) for name in self.model.coordinate_names]
        rise = []
        for speed in speeds:
            q = reference.evaluate(phase, np.full(len(phase), speed))[0][:, columns]
            rise.append(-STANCE_DEPTH - np.median(self.sphere_heights(q).min(axis=1)))
        row = reference.coordinate_names.index("pelvis_ty")
        coordinates[row, 0] += np.polynomial.polynomial.polyfit(speeds, rise, order - 1)
        return reference

    def sphere_heights(self, q: Array) -> Array:
        """Height of the lowest point of every contact sphere over the floor, shape (n, n_spheres), m."""
        contacts, bodies = self.model.contacts, kinematics(self.model, q, np.zeros_like(q))
        body = contacts.body - 1
        centre = bodies.position[:, body] + np.einsum("bsij,sj->bsi", bodies.rotation[:, body], contacts.centre)
        return centre[:, :, 1] - contacts.radius

    def bodies(self) -> Any:
        """Positions, rotations and velocities of all bodies now."""
        return kinematics(self.model, self.q, self.u)

    def wear(self, index: Index, worn: bool, device: Device) -> None:
        """Put a device on some bodies or take it off; the model's file has it on.

        Args:
            index: Which bodies.
            worn: Whether they wear it.
            device: The model's device.

        Raises:
            InputError: The engine cannot take it off.
        """
        if not worn:
            raise InputError("device condition", "none", "under OpenSim use a model without the device")

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

    def other_ground_contact(self) -> NDArray[np.bool_]:
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

    @cached_property
    def muscle_parameters(self) -> MuscleParameters:
        """What the metabolic equations need; masses are those of the healthy muscles."""
        model = self.model
        force, length = model.max_isometric_force, model.optimal_fiber_length
        return MuscleParameters(
            names=model.muscle_names,
            mass=muscle_mass(force, length),
            max_isometric_force=force,
            optimal_fiber_length=length,
            max_contraction_velocity=model.max_contraction_velocity,
            slow_twitch_ratio=np.full(model.n_muscles, SLOW_TWITCH_RATIO),
        )

    def metabolic_power(self, excitation: Array) -> Array:
        """Umberger 2010 rate of all muscles over the last advance, without the basal rate, shape (batch,), W."""
        mean = self.fiber_means()
        length = mean["normalized_fiber_length"]
        return umberger_power(
            excitation, mean["activation"], length, mean["normalized_fiber_velocity"], mean["active_fiber_force"],
            active_force_length(self.model, np.asarray(length, float)), self.muscle_parameters,
        )  # fmt: skip

    def fiber_means(self) -> dict[str, Array]:
        """Activation, length, speed and active force of the fibres, means over the last advance, (batch, n_muscles)."""
        raise NotImplementedError

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

    parameters: Parameters

STATE = ("q", "u", "activation", "actuator_activation", "tendon_force", "time", "status")

RECORD = ("mean_foot_force", "body_position")


def _smooth_step(t: Array) -> Array:
    """Quintic step between 0 and 1."""
    t = np.clip(t, 0.0, 1.0)
    return t**3 * (10 - 15 * t + 6 * t**2)
