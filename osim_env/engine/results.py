"""What the engine's questions are answered with; both engines return the same classes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from exogait.data.show import Shown

from .model import Floats, Model

LOADED_N = 1.0
"""Normal force above which a foot has a centre of pressure, N."""


@dataclass(frozen=True)
class MuscleState(Shown):
    """State of all muscles; every array has shape (B, n_muscles) but the last."""

    muscle_tendon_length: Floats
    """m."""
    lengthening_speed: Floats
    """m/s, positive while the path grows longer."""
    normalized_fiber_length: Floats
    """In optimal fibre lengths."""
    normalized_fiber_velocity: Floats
    """In maximum contraction velocities."""
    fiber_velocity: Floats
    """m/s, positive while the fibre grows longer."""
    active_fiber_force: Floats
    """Along the fibre, N."""
    passive_fiber_force: Floats
    """Elastic and damping, along the fibre, N."""
    tendon_force: Floats
    """N."""
    tendon_force_rate: Floats
    """Rate of the normalized tendon force of a compliant muscle, 1/s; zero for a rigid tendon."""
    moment_arms: Floats
    """Generalized force per newton of tension, shape (B, n_muscles, n_coordinates), m (no unit for a translation)."""

    @classmethod
    def empty(cls, batch: int, n_muscles: int, n_coordinates: int) -> MuscleState:
        """Allocate."""
        arrays = [np.zeros((batch, n_muscles)) for _ in range(9)]
        return cls(*arrays, moment_arms=np.zeros((batch, n_muscles, n_coordinates)))


@dataclass(frozen=True)
class ContactForces(Shown):
    """Forces of the ground on the body, in ground axes."""

    force: Floats
    """At each sphere, N, shape (B, n_spheres, 3)."""
    point: Floats
    """Where it acts, m, shape (B, n_spheres, 3)."""
    foot_force: Floats
    """Sum over each foot's spheres, N, shape (B, n_feet, 3)."""
    foot_moment: Floats
    """Moment of these about the ground origin, N m, shape (B, n_feet, 3)."""
    centre_of_pressure: Floats
    """On the contact plane, m, shape (B, n_feet, 3); NaN below a normal force of 1 N."""
    free_moment: Floats
    """Moment about the plane's outward normal at the centre of pressure, N m, shape (B, n_feet); NaN likewise."""


def summarize_feet(model: Model, force: Floats, point: Floats, moment: Floats | None = None) -> ContactForces:
    """Sum sphere forces to feet and find the centres of pressure.

    Args:
        model: The model.
        force: Force on the body at each sphere, N, shape (B, n_spheres, 3).
        point: Point of application, m, shape (B, n_spheres, 3).
        moment: Moment of each force about the ground origin, N m, where it is known better than by point x force.
    """
    moment = np.cross(point, force) if moment is None else moment
    batch, feet = len(force), len(model.foot_names)
    foot_force, foot_moment = np.zeros((batch, feet, 3)), np.zeros((batch, feet, 3))
    centre, free = np.full((batch, feet, 3), np.nan), np.full((batch, feet), np.nan)
    for foot in range(feet):
        spheres = np.flatnonzero(model.contacts.foot == foot)
        total, about = force[:, spheres].sum(axis=1), moment[:, spheres].sum(axis=1)
        foot_force[:, foot], foot_moment[:, foot] = total, about
        centre[:, foot], free[:, foot] = centre_of_pressure(
            total, about, -model.contacts.normal[spheres[0]], model.contacts.origin[spheres[0]]
        )
    return ContactForces(force, point, foot_force, foot_moment, centre, free)


def centre_of_pressure(force: Floats, moment: Floats, up: Floats, origin: Floats) -> tuple[Floats, Floats]:
    """Point of a plane about which a wrench has only a moment along the plane's normal, and that moment.

    Args:
        force: N, shape (..., 3).
        moment: About the ground origin, N m, shape (..., 3).
        up: Unit normal of the plane, pointing away from the floor, shape (3,).
        origin: A point of the plane, m, shape (3,).

    Returns:
        Centre of pressure, m, shape (..., 3), and free moment, N m, shape (...); NaN where the normal force is
        below 1 N.
    """
    local = moment - np.cross(origin, force)
    normal = force @ up
    loaded = np.where(normal > LOADED_N, normal, np.nan)
    offset = np.cross(up, local) / loaded[..., None]
    return origin + offset, np.einsum("...i,i->...", local - np.cross(offset, force), up)


@dataclass(frozen=True)
class Kinematics(Shown):
    """Poses and velocities in ground axes."""

    position: Floats
    """Body origins, m, shape (B, n_bodies, 3)."""
    rotation: Floats
    """Body to ground, shape (B, n_bodies, 3, 3)."""
    velocity: Floats
    """Of the body origins, m/s, shape (B, n_bodies, 3)."""
    angular_velocity: Floats
    """rad/s, shape (B, n_bodies, 3)."""
    mass_centre: Floats
    """m, shape (B, n_bodies, 3)."""
    mass_centre_velocity: Floats
    """m/s, shape (B, n_bodies, 3)."""
    whole_body_centre: Floats
    """m, shape (B, 3)."""
    whole_body_velocity: Floats
    """m/s, shape (B, 3)."""

    @classmethod
    def empty(cls, batch: int, n_bodies: int) -> Kinematics:
        """Allocate."""
        shape = (batch, n_bodies, 3)
        return cls(
            position=np.zeros(shape),
            rotation=np.zeros((batch, n_bodies, 3, 3)),
            velocity=np.zeros(shape),
            angular_velocity=np.zeros(shape),
            mass_centre=np.zeros(shape),
            mass_centre_velocity=np.zeros(shape),
            whole_body_centre=np.zeros((batch, 3)),
            whole_body_velocity=np.zeros((batch, 3)),
        )
