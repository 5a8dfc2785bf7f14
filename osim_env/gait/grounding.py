"""A reference motion set on the floor: what markers do not show of the feet."""

from __future__ import annotations

import dataclasses

import numpy as np

from ..engine import Model, kinematics
from .reference import ReferenceMotion, fourier_basis
from .view import Array

STANCE_DEPTH = 0.005
"""How deep the lowest contact sphere of the grounded reference stands in the floor, m."""

TOE_EXTENSION = 0.35
"""Extension of the toes in mid-swing, rad (Leardini et al. 2007 report 20-30 degrees at the first metatarsal joint)."""

TOE_SWING = (0.77, 0.22)
"""Middle of that extension and its half width, share of the stride since the same foot's heel strike."""

HELD_STILL = 1e-3
"""A coordinate that moves less was held by inverse kinematics, rad."""


def ground_reference(model: Model, reference: ReferenceMotion) -> ReferenceMotion:
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
    columns = [reference.coordinate_names.index(name) for name in model.coordinate_names]
    rise = []
    for speed in speeds:
        q = reference.evaluate(phase, np.full(len(phase), speed))[0][:, columns]
        rise.append(-STANCE_DEPTH - np.median(sphere_heights(model, q).min(axis=1)))
    row = reference.coordinate_names.index("pelvis_ty")
    coordinates[row, 0] += np.polynomial.polynomial.polyfit(speeds, rise, order - 1)
    return reference


def sphere_heights(model: Model, q: Array) -> Array:
    """Height of the lowest point of every contact sphere over the floor, shape (n, n_spheres), m."""
    contacts, bodies = model.contacts, kinematics(model, q, np.zeros_like(q))
    body = contacts.body - 1
    centre = bodies.position[:, body] + np.einsum("bsij,sj->bsi", bodies.rotation[:, body], contacts.centre)
    return centre[:, :, 1] - contacts.radius
