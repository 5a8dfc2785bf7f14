"""Fit a built model to a person and to what the person wears, through OpenSim's own scaling."""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType
from typing import Any

import numpy as np

from .device import Device
from .subject import Factors, Subject

#: How far the contact spheres of ``contact.csv`` reach below the origin of the heel bone, m.
SOLE_DEPTH = 0.02


def scale_to_subject(opensim: ModuleType, model: Any, subject: Subject) -> None:
    """Scale bodies, joints, muscle paths, markers, masses and strength to a subject.

    Lengths, masses and inertias are scaled by ``Model.scale`` with the mass distribution preserved. Maximum isometric
    force follows muscle volume over optimal fiber length. The default pelvis height follows the legs.

    Args:
        opensim: The module.
        model: An ``opensim.Model`` of the generic size, without contact spheres.
        subject: Whose size.
    """
    muscles = model.getMuscles()
    fiber_lengths = [muscles.get(index).getOptimalFiberLength() for index in range(muscles.getSize())]
    state = model.initSystem()
    standing = _pelvis_above_heel(model, state)
    factors = subject.body_factors()
    scales = opensim.ScaleSet()
    for body, (x, y, z) in factors.items():
        scale = opensim.Scale()
        scale.setSegmentName(body)
        scale.setScaleFactors(opensim.Vec3(x, y, z))
        scale.setApply(True)
        scales.cloneAndAppend(scale)
    model.scale(state, scales, True, subject.mass)
    muscles = model.getMuscles()
    for index, generic_length in enumerate(fiber_lengths):
        muscle = muscles.get(index)
        ratio = subject.volume_ratio / (muscle.getOptimalFiberLength() / generic_length)
        muscle.setMaxIsometricForce(ratio * muscle.getMaxIsometricForce())
    state = model.initSystem()
    sole_grows = SOLE_DEPTH * (factors["calcn_r"][1] - 1.0)
    height = model.updCoordinateSet().get("pelvis_ty")
    height.setDefaultValue(height.getDefaultValue() + _pelvis_above_heel(model, state) - standing + sole_grows)


def _pelvis_above_heel(model: Any, state: Any) -> float:
    model.realizePosition(state)
    pelvis, heel = (model.getBodySet().get(name).getPositionInGround(state).get(1) for name in ("pelvis", "calcn_r"))
    return pelvis - heel


def add_device_mass(
    opensim: ModuleType, model: Any, device: Device, factors: Mapping[str, Factors] | None = None
) -> None:
    """Merge the device's point masses into the bodies they are strapped to.

    The body's mass centre moves to the common one, and both inertias are taken to it by the parallel-axis theorem.

    Args:
        opensim: The module.
        model: An ``opensim.Model``.
        device: What is worn.
        factors: Size factors of the wearer's bodies, by which the places of the masses move along.
    """
    for part in device.added_mass:
        if part.mass == 0.0:
            continue
        body = model.updBodySet().get(part.body)
        mass, centre = body.getMass(), np.array([body.getMassCenter().get(axis) for axis in range(3)])
        place = np.array(part.location) * np.array((factors or {}).get(part.body, (1.0, 1.0, 1.0)))
        total = mass + part.mass
        common = (mass * centre + part.mass * place) / total
        six = [body.get_inertia().get(index) for index in range(6)]
        inertia = np.array([[six[0], six[3], six[4]], [six[3], six[1], six[5]], [six[4], six[5], six[2]]])
        inertia = inertia + _point_inertia(mass, centre - common) + _point_inertia(part.mass, place - common)
        body.setMass(total)
        body.setMassCenter(opensim.Vec3(*common.tolist()))
        body.setInertia(opensim.Inertia(*(inertia[i, j] for i, j in ((0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2)))))


def _point_inertia(mass: float, offset: np.ndarray) -> np.ndarray:
    return mass * (offset @ offset * np.eye(3) - np.outer(offset, offset))
