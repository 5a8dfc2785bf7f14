"""Metabolics and joint power of gait trials: sums, averages over strides, errors."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from exogait.analysis.gait.energy import compute_metabolics, mean_over, muscle_parameters, stride_cost
from exogait.analysis.gait.power import differentiate, joint_powers, joint_work
from exogait.data import GaitTrial, InputError, UnknownNameError
from exogait.models.anatomy import muscle_volume
from exogait.models.energetics import MUSCLE_DENSITY, UNCREDITED, umberger2010

MUSCLES = ["soleus_r", "vas_int_r", "soleus_l", "vas_int_l", "ercspn_r"]
MASS = 70.0


@pytest.fixture
def trial():
    rng = np.random.default_rng(0)
    index = pd.Index(np.linspace(0.0, 2.0, 201), name="time")

    def table(low, high):
        return pd.DataFrame(rng.uniform(low, high, (201, 5)), index=index, columns=pd.Index(MUSCLES))

    parameters = pd.DataFrame(
        {"max_isometric_force": 2000.0, "optimal_fiber_length": 0.08, "max_contraction_velocity": 10.0}, index=MUSCLES
    )
    return GaitTrial(
        name="w",
        muscles={
            "activation": table(0.01, 1),
            "normalized_fiber_length": table(0.6, 1.3),
            "fiber_velocity": table(-0.2, 0.2),
            "active_fiber_force": table(0, 1500),
            "passive_fiber_force": table(0, 50),
            "active_force_length_multiplier": table(0, 1),
        },
        muscle_parameters=parameters,
        metadata={"subject_mass": MASS},
    )


@pytest.mark.parametrize("model", ["umberger2010", "bhargava2004"])
def test_legs_terms_and_muscles_sum_to_the_whole_body(trial, model):
    result = compute_metabolics(trial, model=model)
    assert result.basal == pytest.approx(1.2 * MASS)
    assert np.allclose(result.whole_body, result.rates.sum(axis=1) + result.basal)
    assert np.allclose(sum(table for table in result.terms.values()), result.rates)
    cost = stride_cost(result, [("r", 0.2, 1.3), ("l", 0.75, 1.85)], speed=1.25)
    assert sum(cost.legs_w_per_kg.values()) == pytest.approx(cost.net_w_per_kg, rel=1e-12)
    assert sum(cost.terms_w_per_kg.values()) == pytest.approx(cost.net_w_per_kg, rel=1e-12)
    assert cost.muscles_w_per_kg.sum() == pytest.approx(cost.net_w_per_kg, rel=1e-12)
    assert cost.gross_w_per_kg == pytest.approx(cost.net_w_per_kg + 1.2)
    assert cost.gross_cost_j_per_kg_m == pytest.approx(cost.gross_w_per_kg / 1.25)
    assert cost.gross_w == pytest.approx(cost.gross_w_per_kg * MASS)
    assert {unit for _, _, unit in cost.to_rows()} == {"W/kg", "J/kg/m"}


def test_each_leg_is_averaged_over_its_own_strides(trial):
    result = compute_metabolics(trial)
    cost = stride_cost(result, [("r", 0.2, 1.3), ("l", 0.75, 1.85)])
    right = sum(mean_over(result.rates[name], 0.2, 1.3) for name in ("soleus_r", "vas_int_r")) / MASS
    trunk = np.mean([mean_over(result.rates["ercspn_r"], a, b) for a, b in ((0.2, 1.3), (0.75, 1.85))]) / MASS
    assert cost.legs_w_per_kg["right_leg"] == pytest.approx(right)
    assert cost.legs_w_per_kg["trunk"] == pytest.approx(trunk)
    assert np.isnan(cost.gross_cost_j_per_kg_m) and cost.n_strides == 2


def test_masses_are_the_persons_by_anatomy_and_the_probes_by_strength(trial):
    """Anatomy knows mass and height; what weakens the model's muscles, or scales them, does not change it."""

    def masses(one: GaitTrial, anatomical: bool = True) -> np.ndarray:
        return muscle_parameters(one, MUSCLES, anatomical=anatomical).mass

    tall = trial.replace(metadata={"subject_mass": MASS, "subject_height": 1.9})
    person = {"body_mass": MASS, "height": 1.9}
    assert masses(tall) == pytest.approx(MUSCLE_DENSITY * muscle_volume(MUSCLES, **person))
    assert masses(trial) == pytest.approx(MUSCLE_DENSITY * muscle_volume(MUSCLES, body_mass=MASS, height=1.8))
    assert masses(trial, False) == pytest.approx(2000 / 0.25e6 * 0.08 * 1059.7)
    weak = tall.replace(muscle_parameters=tall.muscle_parameters.assign(max_isometric_force=500.0))
    assert masses(weak) == pytest.approx(masses(tall))
    # What a trial says of its muscles is taken from it; a mass by strength, as earlier files have it, is no anatomy.
    stated = tall.muscle_parameters.assign(anatomical_mass=0.3, slow_twitch_ratio=0.7, mass=0.9)
    assert masses(tall.replace(muscle_parameters=stated)) == pytest.approx(0.3)
    assert masses(tall.replace(muscle_parameters=stated), False) == pytest.approx(0.9)
    earlier = tall.muscle_parameters.assign(mass=0.9, slow_twitch_ratio=0.5)
    found = muscle_parameters(tall.replace(muscle_parameters=earlier), MUSCLES)
    assert found.mass == pytest.approx(masses(tall)) and found.slow_twitch_ratio[0] == 0.803


@pytest.mark.parametrize("model", ["umberger2010", "bhargava2004", "umberger2010_opensim"])
def test_without_credit_a_muscle_that_lengthens_costs_more_and_no_other(trial, model):
    credited, uncredited = (compute_metabolics(trial, model=model + end).rates.to_numpy() for end in ("", UNCREDITED))
    lengthens = (trial.muscles["fiber_velocity"] > 0).to_numpy() & (trial.muscles["active_fiber_force"] > 0).to_numpy()
    assert (uncredited[lengthens] > credited[lengthens]).all()
    np.testing.assert_allclose(uncredited[~lengthens], credited[~lengthens], rtol=1e-12)


def test_opensims_accounting_has_its_masses_half_slow_fibres_and_its_floor(trial):
    states = {name: table.to_numpy() for name, table in trial.muscles.items() if name != "passive_fiber_force"}
    parameters = muscle_parameters(trial, MUSCLES, anatomical=False)
    rates = umberger2010(excitation=states["activation"], parameters=parameters, **states)
    assert set(parameters.slow_twitch_ratio) == {0.5}
    np.testing.assert_array_equal(compute_metabolics(trial, model="umberger2010_opensim").rates, rates.total)
    assert (compute_metabolics(trial).terms["minimum_heat"] == 0).all(axis=None)


def test_an_unknown_muscle_makes_the_sum_unknown(trial):
    broken = {name: table.copy() for name, table in trial.muscles.items()}
    broken["fiber_velocity"].iloc[100, 0] = np.nan
    cost = stride_cost(compute_metabolics(trial.replace(muscles=broken)), [("r", 0.2, 1.3)])
    assert np.isnan(cost.net_w_per_kg) and np.isfinite(cost.legs_w_per_kg["left_leg"])


def test_what_is_missing_is_named(trial):
    with pytest.raises(UnknownNameError, match="umberger2010"):
        compute_metabolics(trial, model="umberger")
    with pytest.raises(InputError, match="muscle_parameters"):
        compute_metabolics(trial.replace(muscle_parameters=None))
    fewer = {name: table for name, table in trial.muscles.items() if name != "fiber_velocity"}
    with pytest.raises(UnknownNameError, match="fiber_velocity"):
        compute_metabolics(trial.replace(muscles=fewer))
    later = dict(trial.muscles)
    later["activation"] = later["activation"].set_axis(later["activation"].index + 0.005, axis=0)
    with pytest.raises(InputError, match=r"activation|time"):
        compute_metabolics(trial.replace(muscles=later))
    with pytest.raises(InputError, match="subject_mass"):
        compute_metabolics(trial.replace(metadata={}))
    with pytest.raises(InputError, match="stride"):
        stride_cost(compute_metabolics(trial), [("r", 1.0, 5.0)])
    with pytest.raises(InputError, match="at least one stride"):
        stride_cost(compute_metabolics(trial), [])


def test_power_is_force_times_speed_and_stays_unknown_where_force_is():
    time = pd.Index(np.linspace(0, 1, 11), name="time")
    force = pd.DataFrame({"ankle_angle_r": -np.ones(11)}, index=time)
    force.iloc[3:5] = np.nan
    speed = pd.DataFrame(
        {"ankle_angle_r": np.linspace(0, 4, 21), "other": 0.0}, index=pd.Index(np.linspace(0, 1, 21), name="time")
    )
    power = joint_powers(force, speed)["ankle_angle_r"]
    assert power.isna().tolist() == force["ankle_angle_r"].isna().tolist()
    assert np.allclose(power.dropna(), -4.0 * power.dropna().index.to_numpy())
    with pytest.raises(UnknownNameError, match="ankle_angle_r"):
        joint_powers(force, speed[["other"]])


def test_a_mean_takes_no_more_than_its_interval_and_may_begin_just_before_the_first_sample():
    series = pd.Series([100.0, 2.0, 4.0, 6.0, 100.0], index=[0.0, 1.0, 2.0, 3.0, 4.0])
    assert mean_over(series, 1.0, 3.0) == pytest.approx(4.0)
    assert mean_over(series, 1.5, 2.0) == pytest.approx(3.5)
    assert mean_over(series, -5e-7, 1.0) == pytest.approx(51.0, rel=1e-5)  # times are rounded in files


def test_work_is_taken_within_the_interval_and_through_zeros():
    power = pd.Series([2.0, 2.0, 2.0, 2.0, 2.0], index=[0.0, 1.0, 2.0, 3.0, 4.0])
    assert joint_work(power, 1.5, 3.0) == pytest.approx((3.0, 0.0))
    assert joint_work(-power, 0.25, 0.75) == pytest.approx((0.0, -1.0))
    at_rest = pd.Series([0.0, 0.0, 4.0, 0.0, 0.0], index=[0.0, 1.0, 2.0, 3.0, 4.0])
    assert joint_work(at_rest, 0.0, 4.0) == pytest.approx((4.0, 0.0))


@pytest.mark.parametrize(("rows", "degree"), [(12, 5), (6, 5), (5, 3), (4, 3), (3, 1), (2, 1)])
def test_derivatives_are_exact_for_polynomials_of_the_spline_that_the_rows_allow(rows: int, degree: int):
    time = np.linspace(0.0, 1.0, rows)
    power = np.polynomial.Polynomial(np.arange(1.0, degree + 2.0))
    table = pd.DataFrame({"x": power(time)}, index=pd.Index(time, name="time"))
    np.testing.assert_allclose(differentiate(table)["x"], power.deriv()(time), rtol=1e-8)
    assert differentiate(table.iloc[:1]).isna().all(axis=None)


def test_work_splits_at_the_crossing():
    power = pd.Series([1.0, -1.0, -1.0], index=[0.0, 1.0, 2.0])
    given, absorbed = joint_work(power, 0.0, 2.0)
    assert given == pytest.approx(0.25) and absorbed == pytest.approx(-1.25)
    assert np.isnan(joint_work(pd.Series([1.0, np.nan, 1.0], index=[0.0, 1.0, 2.0]), 0.0, 2.0)).all()
