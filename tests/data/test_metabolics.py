"""Metabolic equations: equal to OpenSim's probes for every muscle and term, and fast."""

from __future__ import annotations

import time

import numpy as np
import pytest

from data.metabolics import (
    BhargavaOptions,
    MuscleParameters,
    UmbergerOptions,
    basal_rate,
    bhargava2004,
    muscle_mass,
    slow_twitch_share,
    umberger2010,
)
from models.opensim_api import import_opensim

# Both sides do the same double precision arithmetic; where heat and work cancel, the relative error of the sum grows.
RELATIVE = 1e-6
FLOOR = 1e-3
"""W: rates below are compared absolutely."""
N_STATES = 40
"""The validation study takes 500; see tests/benchmarks/validate_lab.py."""

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
GETTERS = {
    "excitation": "getControl",
    "activation": "getActivation",
    "normalized_fiber_length": "getNormalizedFiberLength",
    "fiber_velocity": "getFiberVelocity",
    "active_fiber_force": "getActiveFiberForce",
    "passive_fiber_force": "getPassiveFiberForce",
    "active_force_length_multiplier": "getActiveForceLengthMultiplier",
}


def make_probe(opensim, kind, muscles, ratios, only=None, **options):
    """Probe with all terms, or with one term only and nothing but that term in its output."""
    umberger = kind == "umberger2010"
    probe = opensim.Umberger2010MuscleMetabolicsProbe() if umberger else opensim.Bhargava2004MuscleMetabolicsProbe()
    terms = UMBERGER_TERMS if umberger else BHARGAVA_TERMS
    if only is not None:
        for term, setter in terms.items():
            getattr(probe, setter)(term == only)
    for name, value in options.items():
        getattr(probe, f"set_{name}")(value)
    probe.setName(f"{kind}_{only or 'all'}_{'_'.join(map(str, options.values()))}")
    probe.set_report_total_metabolics_only(False)
    for name, ratio in zip(muscles, ratios, strict=True):
        if umberger:
            probe.addMuscle(name, float(ratio))
        else:
            probe.addMuscle(name, float(ratio), 40.0, 133.0, 74.0, 111.0)
    return probe


class Bench:
    """A model with probes, random states, and the muscle states that both sides see."""

    def __init__(self, muscles: str, probes) -> None:
        from models import build

        self.opensim = import_opensim()
        self.model = build(contact=False, muscles=muscles)
        self.muscles = [self.model.getMuscles().get(k) for k in range(self.model.getMuscles().getSize())]
        names = tuple(muscle.getName() for muscle in self.muscles)
        ratios = np.random.default_rng(0).uniform(0.1, 0.9, len(names))
        self.probes = {}
        for key, (kind, only, options) in probes.items():
            probe = make_probe(self.opensim, kind, names, ratios, only, **options)
            self.model.addProbe(probe)
            probe.thisown = False
            self.probes[key] = probe
        self.model.finalizeConnections()
        self.state = self.model.initSystem()
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

    def randomise(self, rng) -> dict[str, np.ndarray]:
        """Random pose, speeds, activations and excitations, drawn again where the tendons find no equilibrium."""
        coordinates = self.model.getCoordinateSet()
        for _ in range(20):
            for k in range(coordinates.getSize()):
                c = coordinates.get(k)
                c.setValue(self.state, float(np.clip(rng.normal(0, 0.3), c.getRangeMin(), c.getRangeMax())), False)
                c.setSpeedValue(self.state, float(rng.normal(0, 1.5)))
            excitation = rng.uniform(0, 1, len(self.muscles))
            excitation[rng.random(len(self.muscles)) < 0.1] = 0.0
            controls = self.opensim.Vector(self.model.getNumControls(), 0.0)
            for muscle, e in zip(self.muscles, excitation, strict=True):
                muscle.setActivation(self.state, float(rng.uniform(0.01, 1)))
                muscle.setControls(self.opensim.Vector(1, float(e)), controls)
            self.model.realizeVelocity(self.state)
            try:
                self.model.equilibrateMuscles(self.state)
            except RuntimeError:
                continue
            self.model.realizeVelocity(self.state)
            self.model.setControls(self.state, controls)
            self.model.realizeDynamics(self.state)
            return {
                name: np.array([getattr(m, get)(self.state) for m in self.muscles]) for name, get in GETTERS.items()
            }
        raise AssertionError("no random state has its tendons in equilibrium")

    def probe(self, key) -> np.ndarray:
        """Whole body, basal, then each muscle, W."""
        output = self.probes[key].computeProbeInputs(self.state)
        return np.array([output.get(k) for k in range(output.size())])


def ours(kind, states, parameters, options=None):
    if kind == "umberger2010":
        states = {name: values for name, values in states.items() if name != "passive_fiber_force"}
        return umberger2010(**states, parameters=parameters, options=options)
    return bhargava2004(**states, parameters=parameters, options=options)


def worst_relative(got, expected):
    return float(np.max(np.abs(got - expected) / np.maximum(np.abs(expected), FLOOR)))


@pytest.mark.parametrize("muscles", ["degroote_fregly", "thelen"])
@pytest.mark.parametrize("kind", ["umberger2010", "bhargava2004"])
def test_every_muscle_and_term_equals_opensims_probe(kind, muscles):
    terms = UMBERGER_TERMS if kind == "umberger2010" else BHARGAVA_TERMS
    probes = {"all": (kind, None, {})} | {term: (kind, term, {}) for term in terms}
    bench, rng = Bench(muscles, probes), np.random.default_rng(1)
    for _ in range(N_STATES):
        states = bench.randomise(rng)
        rates = ours(kind, states, bench.parameters)
        whole = bench.probe("all")
        assert worst_relative(rates.total, whole[2:]) < RELATIVE
        basal = basal_rate(bench.model.getTotalMass(bench.state))
        assert whole[1] == pytest.approx(basal, rel=1e-12)
        assert rates.total.sum() + basal == pytest.approx(whole[0], rel=RELATIVE)
        for term in terms:
            assert worst_relative(rates.terms()[term], bench.probe(term)[2:]) < RELATIVE, term


OPTIONS = [
    ("umberger2010", {"use_Bhargava_recruitment_model": False}, UmbergerOptions(use_bhargava_recruitment=False)),
    ("umberger2010", {"include_negative_mechanical_work": False}, UmbergerOptions(include_negative_work=False)),
    ("umberger2010", {"forbid_negative_total_power": False}, UmbergerOptions(forbid_negative_power=False)),
    ("umberger2010", {"enforce_minimum_heat_rate_per_muscle": False}, UmbergerOptions(minimum_heat_rate=False)),
    ("umberger2010", {"aerobic_factor": 1.0}, UmbergerOptions(aerobic_factor=1.0)),
    ("umberger2010", {"muscle_effort_scaling_factor": 0.7}, UmbergerOptions(effort_scaling=0.7)),
    (
        "bhargava2004",
        {"use_force_dependent_shortening_prop_constant": True},
        BhargavaOptions(force_dependent_shortening=True),
    ),
    ("bhargava2004", {"include_negative_mechanical_work": False}, BhargavaOptions(include_negative_work=False)),
    ("bhargava2004", {"forbid_negative_total_power": False}, BhargavaOptions(forbid_negative_power=False)),
    ("bhargava2004", {"enforce_minimum_heat_rate_per_muscle": False}, BhargavaOptions(minimum_heat_rate=False)),
    ("bhargava2004", {"muscle_effort_scaling_factor": 0.7}, BhargavaOptions(effort_scaling=0.7)),
]


def test_every_option_equals_opensims():
    probes = {str(k): (kind, None, theirs) for k, (kind, theirs, _) in enumerate(OPTIONS)}
    bench, rng = Bench("degroote_fregly", probes), np.random.default_rng(2)
    for _ in range(10):
        states = bench.randomise(rng)
        for k, (kind, theirs, options) in enumerate(OPTIONS):
            rates = ours(kind, states, bench.parameters, options)
            assert worst_relative(rates.total, bench.probe(str(k))[2:]) < RELATIVE, (kind, theirs)


@pytest.fixture
def many():
    rng = np.random.default_rng(3)
    n = 92
    parameters = MuscleParameters(
        names=tuple(map(str, range(n))),
        mass=rng.uniform(0.05, 1.0, n),
        max_isometric_force=rng.uniform(100, 3000, n),
        optimal_fiber_length=rng.uniform(0.03, 0.3, n),
        max_contraction_velocity=np.full(n, 10.0),
        slow_twitch_ratio=np.full(n, 0.5),
    )
    states = {
        "excitation": rng.random((50, n)),
        "activation": rng.random((50, n)),
        "normalized_fiber_length": rng.uniform(0.4, 1.6, (50, n)),
        "fiber_velocity": rng.normal(0, 0.3, (50, n)),
        "active_fiber_force": rng.uniform(0, 1000, (50, n)),
        "passive_fiber_force": rng.uniform(0, 100, (50, n)),
        "active_force_length_multiplier": rng.random((50, n)),
    }
    return states, parameters


@pytest.mark.parametrize("kind", ["umberger2010", "bhargava2004"])
def test_terms_sum_and_bounds_hold(kind, many):
    states, parameters = many
    rates = ours(kind, states, parameters)
    assert rates.total.shape == (50, 92)
    assert np.allclose(sum(rates.terms().values()), rates.total, rtol=1e-12)
    assert np.all(rates.heat >= parameters.mass * (1 - 1e-9))
    assert np.all(rates.total >= -1e-9 - rates.minimum_heat)


@pytest.mark.parametrize("kind", ["umberger2010", "bhargava2004"])
def test_unknown_stays_unknown(kind, many):
    states, parameters = many
    states = {name: values.copy() for name, values in states.items()}
    states["fiber_velocity"][3, 4] = np.nan
    assert np.argwhere(np.isnan(ours(kind, states, parameters).total)).tolist() == [[3, 4]]


def test_shapes_and_parameters_are_checked(many):
    states, parameters = many
    with pytest.raises(ValueError, match="last axis"):
        ours("umberger2010", {name: values[:, :5] for name, values in states.items()}, parameters)
    with pytest.raises(ValueError, match="between 0 and 1"):
        MuscleParameters(**{**parameters.__dict__, "slow_twitch_ratio": np.full(92, 1.2)})
    with pytest.raises(ValueError, match="mass"):
        MuscleParameters(**{**parameters.__dict__, "mass": np.ones(3)})


def test_slow_fibers_come_first():
    share = slow_twitch_share(np.array([[0.0], [0.05], [0.5], [1.0]]), np.array([0.5]))[:, 0]
    assert share[0] == 1.0 and np.all(np.diff(share) < 0) and share[3] == pytest.approx(0.5)


@pytest.mark.parametrize("kind", ["umberger2010", "bhargava2004"])
def test_one_million_states_a_second(kind, many):
    states, parameters = many
    states = {name: np.tile(values, (40, 1)) for name, values in states.items()}
    size = states["excitation"].size

    def seconds() -> float:
        start = time.perf_counter()
        _ = ours(kind, states, parameters).total
        return time.perf_counter() - start

    assert size / min(seconds() for _ in range(5)) > 1e6
