"""A model with OpenSim's metabolic probes attached, for comparing the suite's equations with them state by state."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from exogait.models.energetics import MetabolicRates, MuscleParameters, bhargava2004, muscle_mass, umberger2010
from exogait.models.opensim_api import import_opensim

UMBERGER_TERMS = {
    "activation": "set_activation_maintenance_rate_on",
    "shortening": "set_shortening_rate_on",
    "work": "set_mechanical_work_rate_on",
}
BHARGAVA_TERMS = {
    "activation": "set_activation_rate_on",
    "maintenance": "set_maintenance_rate_on",
    "shortening": "set_shortening_rate_on",
    "work": "set_mechanical_work_rate_on",
}
TERMS = {"umberger2010": UMBERGER_TERMS, "bhargava2004": BHARGAVA_TERMS}
GETTERS = {
    "excitation": "getControl",
    "activation": "getActivation",
    "normalized_fiber_length": "getNormalizedFiberLength",
    "fiber_velocity": "getFiberVelocity",
    "active_fiber_force": "getActiveFiberForce",
    "passive_fiber_force": "getPassiveFiberForce",
    "active_force_length_multiplier": "getActiveForceLengthMultiplier",
}
FLOOR = 1e-3
"""W: rates of one muscle below this are compared absolutely, for where heat and work cancel nothing is left to divide
by."""


def make_probe(
    opensim: Any, kind: str, muscles: tuple[str, ...], ratios: NDArray[np.float64], only: str | None, **options: Any
) -> Any:
    """Probe with all terms, or with nothing but one term in its output."""
    umberger = kind == "umberger2010"
    probe = opensim.Umberger2010MuscleMetabolicsProbe() if umberger else opensim.Bhargava2004MuscleMetabolicsProbe()
    if only is not None:
        for term, setter in TERMS[kind].items():
            getattr(probe, setter)(term == only)
    for name, value in options.items():
        getattr(probe, f"set_{name}")(value)
    probe.setName(f"{kind}_{only or 'all'}_{'_'.join(map(str, options.values()))}")
    probe.set_report_total_metabolics_only(False)
    for name, ratio in zip(muscles, ratios.tolist(), strict=True):
        if umberger:
            probe.addMuscle(name, ratio)
        else:
            probe.addMuscle(name, ratio, 40.0, 133.0, 74.0, 111.0)
    return probe


class Bench:
    """A model with probes, the states it is put into, and what both sides see of them."""

    def __init__(self, model: Any, probes: Mapping[str, tuple[str, str | None, dict[str, Any]]]) -> None:
        self.opensim = import_opensim()
        self.model = model
        self.muscles = [model.getMuscles().get(k) for k in range(model.getMuscles().getSize())]
        names = tuple(muscle.getName() for muscle in self.muscles)
        ratios = np.random.default_rng(0).uniform(0.1, 0.9, len(names))
        self.probes = {}
        for key, (kind, only, options) in probes.items():
            probe = make_probe(self.opensim, kind, names, ratios, only, **options)
            model.addProbe(probe)
            probe.thisown = False
            self.probes[key] = probe
        model.finalizeConnections()
        self.state = model.initSystem()
        force = np.array([muscle.getMaxIsometricForce() for muscle in self.muscles])
        length = np.array([muscle.getOptimalFiberLength() for muscle in self.muscles])
        self.parameters = MuscleParameters(
            names=names,
            mass=muscle_mass(force, length),
            max_isometric_force=force,
            optimal_fiber_length=length,
            max_contraction_velocity=np.array([muscle.getMaxContractionVelocity() for muscle in self.muscles]),
            slow_twitch_ratio=ratios,
        )

    def put(
        self,
        values: Mapping[str, float],
        speeds: Mapping[str, float],
        activation: NDArray[np.float64],
        excitation: NDArray[np.float64],
    ) -> dict[str, NDArray[np.float64]]:
        """Set one state; returns what a muscle model knows of it. RuntimeError where tendons find no equilibrium."""
        coordinates = self.model.getCoordinateSet()
        for name, value in values.items():
            coordinates.get(name).setValue(self.state, float(value), False)
            coordinates.get(name).setSpeedValue(self.state, float(speeds[name]))
        controls = self.opensim.Vector(self.model.getNumControls(), 0.0)
        for muscle, a, e in zip(self.muscles, activation.tolist(), excitation.tolist(), strict=True):
            muscle.setActivation(self.state, a)
            muscle.setControls(self.opensim.Vector(1, e), controls)
        self.model.realizeVelocity(self.state)
        self.model.equilibrateMuscles(self.state)
        self.model.realizeVelocity(self.state)
        self.model.setControls(self.state, controls)
        self.model.realizeDynamics(self.state)
        return {name: np.array([getattr(m, get)(self.state) for m in self.muscles]) for name, get in GETTERS.items()}

    def randomise(self, rng: np.random.Generator) -> dict[str, NDArray[np.float64]]:
        """Random pose, speeds, activations and excitations, a tenth of the muscles at rest."""
        coordinates = self.model.getCoordinateSet()
        for _ in range(20):
            values, speeds = {}, {}
            for k in range(coordinates.getSize()):
                c = coordinates.get(k)
                values[c.getName()] = float(np.clip(rng.normal(0, 0.3), c.getRangeMin(), c.getRangeMax()))
                speeds[c.getName()] = float(rng.normal(0, 1.5))
            excitation = rng.uniform(0, 1, len(self.muscles))
            excitation[rng.random(len(self.muscles)) < 0.1] = 0.0
            activation = rng.uniform(0.01, 1, len(self.muscles))
            try:
                return self.put(values, speeds, activation, excitation)
            except RuntimeError:
                continue
        raise AssertionError("no random state has its tendons in equilibrium")

    def probe(self, key: str) -> NDArray[np.float64]:
        """What OpenSim's probe says: whole body, basal, then each muscle, W."""
        output = self.probes[key].computeProbeInputs(self.state)
        return np.array([output.get(k) for k in range(output.size())])


def all_probes(kind: str) -> dict[str, tuple[str, str | None, dict[str, Any]]]:
    """The probe with all terms, and one probe for each term."""
    return {"all": (kind, None, {})} | {term: (kind, term, {}) for term in TERMS[kind]}


def our_rates(
    kind: str, states: Mapping[str, NDArray[np.float64]], parameters: MuscleParameters, options: Any = None
) -> MetabolicRates:
    """The suite's rates of the same states."""
    if kind == "umberger2010":
        known = {name: values for name, values in states.items() if name != "passive_fiber_force"}
        return umberger2010(**known, parameters=parameters, options=options)
    return bhargava2004(**states, parameters=parameters, options=options)


def worst_relative(got: NDArray[np.float64], expected: NDArray[np.float64]) -> float:
    """Largest difference over what is expected."""
    return float(np.max(np.abs(got - expected) / np.maximum(np.abs(expected), FLOOR)))
