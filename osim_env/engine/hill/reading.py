"""Millard 2012 and Thelen 2003 muscles of an OpenSim model, as arrays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..groups import Curves, Hills, Integers
from . import bezier
from .kernels import MILLARD, THELEN

KINDS = {"Millard2012EquilibriumMuscle": MILLARD, "Thelen2003Muscle": THELEN}
_CURVES = ("active_curve", "passive_curve", "velocity_curve", "tendon_curve")
_NUMBERS = {
    "tendon_strain": "get_FmaxTendonStrain",
    "passive_strain": "get_FmaxMuscleStrain",
    "active_shape": "get_KshapeActive",
    "passive_shape": "get_KshapePassive",
    "af": "get_Af",
    "flen": "get_Flen",
    "extrapolation": "get_fv_linear_extrap_threshold",
}


class HillTable:
    """Muscles and curves, collected while the model is read; equal curves are kept once."""

    def __init__(self, refuse: Callable[[Any, str], None]) -> None:
        self.refuse = refuse
        self.rows: list[dict[str, float]] = []
        self.curves: dict[tuple[Any, ...], bezier.Curve] = {}

    def add(self, muscle: Any, number: int) -> dict[str, Any]:
        """Add a muscle; return what stands among the numbers that all muscles have."""
        millard = KINDS[muscle.getConcreteClassName()] == MILLARD
        optimal, angle = muscle.get_optimal_fiber_length(), muscle.get_pennation_angle_at_optimal()
        height = optimal * np.sin(angle)
        steepest = muscle.get_maximum_pennation_angle()
        # As MuscleFixedWidthPennationModel: a hundredth of the optimal length where no pennation is allowed.
        shortest = height / np.sin(steepest) if steepest > _SIGNIFICANT else 0.01 * optimal
        if millard:
            shortest = max(shortest, muscle.getMinimumFiberLength())
        elastic = not (millard and muscle.get_ignore_tendon_compliance())
        if not millard and (muscle.get_ignore_tendon_compliance() or muscle.get_ignore_activation_dynamics()):
            self.refuse(muscle, "OpenSim does not heed ignore_tendon_compliance and ignore_activation_dynamics: unset")
        if elastic and millard and muscle.get_fiber_damping() == 0.0:
            self.refuse(muscle, "an elastic tendon without damping is not compiled: set fiber_damping or ignore it")
        self.rows.append(
            {
                "muscle": number,
                "kind": KINDS[muscle.getConcreteClassName()],
                "min_activation": muscle.get_minimum_activation(),
                "min_length": shortest,
                "max_sine": np.sin(steepest),
                "default_length": muscle.get_default_fiber_length(),
                "damping": muscle.get_fiber_damping() if millard else 0.0,
                **(dict.fromkeys(_NUMBERS, 1.0) | self._millard(muscle) if millard else self._thelen(muscle)),
            }
        )
        return {
            "passive_rate": 1.0,
            "passive_offset": 0.0,
            "passive_gain": 0.0,
            "width_scale": 1.0,
            "fiber_damping": muscle.get_fiber_damping() if millard else 0.0,
            "smoothing": 0.0,
            "tendon_stiffness": 1.0,
            "compliant": elastic,
        }

    def _thelen(self, muscle: Any) -> dict[str, Any]:
        return dict.fromkeys(_CURVES, -1) | {name: getattr(muscle, get)() for name, get in _NUMBERS.items()}

    def _millard(self, muscle: Any) -> dict[str, Any]:
        active, passive = muscle.getActiveForceLengthCurve(), muscle.getFiberForceLengthCurve()
        velocity, tendon = muscle.getForceVelocityCurve(), muscle.getTendonForceLengthCurve()
        slopes = (
            velocity.getConcentricSlopeAtVmax(),
            velocity.getConcentricSlopeNearVmax(),
            velocity.getIsometricSlope(),
            velocity.getEccentricSlopeNearVmax(),
            velocity.getEccentricSlopeAtVmax(),
        )
        curviness = velocity.getConcentricCurviness(), velocity.getEccentricCurviness()
        return {
            "active_curve": self._curve(
                bezier.active_force_length,
                active.getMinActiveFiberLength(),
                active.getTransitionFiberLength(),
                active.getMaxActiveFiberLength(),
                active.getShallowAscendingSlope(),
                active.getMinValue(),
            ),
            "passive_curve": self._curve(
                bezier.passive_force_length,
                passive.getStrainAtZeroForce(),
                passive.getStrainAtOneNormForce(),
                passive.getStiffnessAtLowForceInUse(),
                passive.getStiffnessAtOneNormForceInUse(),
                passive.getCurvinessInUse(),
            ),
            "velocity_curve": self._curve(
                bezier.force_velocity, velocity.getMaxEccentricVelocityForceMultiplier(), slopes, curviness
            ),
            "tendon_curve": self._curve(
                bezier.tendon_force_length,
                tendon.getStrainAtOneNormForce(),
                tendon.getStiffnessAtOneNormForceInUse(),
                tendon.getNormForceAtToeEndInUse(),
                tendon.getCurvinessInUse(),
            ),
        }

    def _curve(self, build: Callable[..., bezier.Curve], *arguments: Any) -> int:
        key = (build.__name__, *arguments)
        if key not in self.curves:
            self.curves[key] = build(*arguments)
        return list(self.curves).index(key)

    def arrays(self) -> tuple[Hills, Curves]:
        """Return the collected muscles and curves."""
        whole = ("muscle", "kind", *_CURVES)
        columns = {}
        for name in Hills._fields:
            columns[name] = np.array([row[name] for row in self.rows], dtype=np.int64 if name in whole else float)
        each = list(self.curves.values())
        count: Integers = np.array([len(one.x) for one in each], dtype=np.int64)
        x, y = np.zeros((len(each), 6 * bezier.MOST_SECTIONS)), np.zeros((len(each), 6 * bezier.MOST_SECTIONS))
        for k, one in enumerate(each):
            x[k, : one.x.size], y[k, : one.y.size] = one.x.ravel(), one.y.ravel()
        return Hills(**columns), Curves(count, x, y, np.array([one.ends for one in each]).reshape(-1, 6))


_SIGNIFICANT = float(np.finfo(float).eps ** 0.875)
"""SimTK::SignificantReal, OpenSim's measure of "zero"."""
