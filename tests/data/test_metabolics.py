"""Metabolic equations: equal to OpenSim's probes for every muscle and term, and fast."""

from __future__ import annotations

import time

import numpy as np
import pytest

from exogait.models.energetics import (
    BhargavaOptions,
    MuscleParameters,
    UmbergerOptions,
    basal_rate,
    slow_twitch_share,
)
from tests.validation.probe_bench import TERMS, Bench, all_probes, our_rates, worst_relative

# Both sides do the same double precision arithmetic; where heat and work cancel, the relative error of the sum grows.
RELATIVE = 1e-6
N_STATES = 40
"""The validation study takes 500; see tests/validation/validate_lab.py."""


def bench_of(muscles: str, probes) -> Bench:
    from exogait.models import build

    return Bench(build(contact=False, muscles=muscles), probes)


@pytest.mark.parametrize("muscles", ["degroote_fregly", "thelen"])
@pytest.mark.parametrize("kind", ["umberger2010", "bhargava2004"])
def test_every_muscle_and_term_equals_opensims_probe(kind, muscles):
    bench, rng = bench_of(muscles, all_probes(kind)), np.random.default_rng(1)
    for _ in range(N_STATES):
        states = bench.randomise(rng)
        rates = our_rates(kind, states, bench.parameters)
        whole = bench.probe("all")
        assert worst_relative(rates.total, whole[2:]) < RELATIVE
        basal = basal_rate(bench.model.getTotalMass(bench.state))
        assert whole[1] == pytest.approx(basal, rel=1e-12)
        assert rates.total.sum() + basal == pytest.approx(whole[0], rel=RELATIVE)
        for term in TERMS[kind]:
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
    bench, rng = bench_of("degroote_fregly", probes), np.random.default_rng(2)
    for _ in range(10):
        states = bench.randomise(rng)
        for k, (kind, theirs, options) in enumerate(OPTIONS):
            rates = our_rates(kind, states, bench.parameters, options)
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
    rates = our_rates(kind, states, parameters)
    assert rates.total.shape == (50, 92)
    assert np.allclose(sum(rates.terms().values()), rates.total, rtol=1e-12)
    assert np.all(rates.heat >= parameters.mass * (1 - 1e-9))
    assert np.all(rates.total >= -1e-9 - rates.minimum_heat)


@pytest.mark.parametrize("kind", ["umberger2010", "bhargava2004"])
def test_unknown_stays_unknown(kind, many):
    states, parameters = many
    states = {name: values.copy() for name, values in states.items()}
    states["fiber_velocity"][3, 4] = np.nan
    assert np.argwhere(np.isnan(our_rates(kind, states, parameters).total)).tolist() == [[3, 4]]


def test_shapes_and_parameters_are_checked(many):
    states, parameters = many
    with pytest.raises(ValueError, match="last axis"):
        our_rates("umberger2010", {name: values[:, :5] for name, values in states.items()}, parameters)
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
        _ = our_rates(kind, states, parameters).total
        return time.perf_counter() - start

    assert size / min(seconds() for _ in range(5)) > 1e6
