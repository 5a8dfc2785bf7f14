"""Numbers of a study's walks: hand-computed on made-up trials, and balances that a real simulated walk must keep."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from exogait.analysis.gait.cycle import Stride
from exogait.analysis.outcomes.device import device_limits
from exogait.analysis.outcomes.paired import paired_changes
from exogait.analysis.outcomes.signs import SIGNS_FILE, read_signs
from exogait.analysis.outcomes.strides import stride_pairs
from exogait.analysis.outcomes.tables import (
    MOST_CURVES,
    CurveOutcome,
    WalkOutcomes,
    WalkSettings,
    counted_today,
    curve_matrix,
    outcome_tables,
    read_outcomes,
    write_outcomes,
)
from exogait.analysis.outcomes.walk import walk_outcomes
from exogait.data import FileFormatError, GaitEvent, GaitTrial, InputError
from exogait.data.trial import SIDES
from tests.kit.gait_trials import CYCLE, MASS, walking_trial

SPEED = 1.2


def walk(**changes):
    """Six strides whose right foot lands 5 cm further ahead of the pelvis than the left."""
    trial = walking_trial(n_strides=6, asymmetry=0.2, source="simulation")
    ground = trial.require("ground_reactions").copy()
    time = ground.index.to_numpy()
    for side, ahead, shift in (("r", 0.35, 0.0), ("l", 0.30, 0.5)):
        contact = np.floor((time - shift) / CYCLE + 1e-9) * CYCLE + shift
        ground[f"ground_force_{side}_px"] = SPEED * contact + ahead
    return trial.replace(ground_reactions=ground, **changes)


def table(columns, index):
    return pd.DataFrame(columns, index=index)


def test_scalars_of_a_periodic_walk_are_those_worked_out_by_hand():
    found = walk_outcomes(walk()).scalars
    assert found["strides_r"] == 4 and found["strides_l"] == 4  # heel strikes before 2 s do not count
    assert found["speed_mean"] == pytest.approx(SPEED) and found["speed_error_pct"] == pytest.approx(0.0, abs=1e-9)
    assert found["fell"] == 0 and found["walked_s"] == pytest.approx(6.5)
    assert found["knee_rom_r"] == pytest.approx(60.0, abs=1e-3) and found["knee_rom_l"] == pytest.approx(48.0, abs=1e-3)
    assert found["knee_rom_si"] == pytest.approx(100 * 12 / 54, abs=1e-3)
    assert found["knee_rom_si_sd"] == pytest.approx(0.0, abs=1e-6)
    assert found["step_time_r"] == pytest.approx(0.5) and found["step_time_si"] == pytest.approx(0.0, abs=1e-6)
    assert found["step_length_r"] == pytest.approx(0.65) and found["step_length_l"] == pytest.approx(0.55)
    assert found["step_length_si"] == pytest.approx(100 * 0.10 / 0.60)
    assert found["stance_pct_l"] == pytest.approx(60.0)
    assert found["grf_peak_r"] == pytest.approx(1.1, abs=1e-3)
    # A half sine of height 1.1 and length 0.6 s.
    assert found["grf_impulse_r"] == pytest.approx(1.1 * 0.6 * 2 / np.pi, rel=1e-3)
    # The power is a sine of 1 W/kg: from 40 % on it falls, so the window's first point counts.
    assert found["ankle_push_off_power_r"] == pytest.approx(np.sin(0.8 * np.pi), abs=1e-6)
    assert found["hip_flexion_swing_r"] == pytest.approx(np.degrees(0.35), abs=1e-6)


def test_trunk_leans_forward_and_to_the_own_side_are_positive():
    trial = walk()
    bent = trial.require("coordinates").assign(
        pelvis_tilt=-0.1, pelvis_list=0.05, lumbar_extension=-0.3, lumbar_bending=0.02
    )
    found = walk_outcomes(trial.replace(coordinates=bent)).scalars
    assert found["trunk_forward_loading_r"] == pytest.approx(np.degrees(0.4))
    assert found["trunk_over_leg_stance_r"] == pytest.approx(np.degrees(0.07))
    assert found["trunk_over_leg_stance_l"] == pytest.approx(-np.degrees(0.07))


def test_every_variable_of_the_signs_is_a_scalar_of_both_legs():
    found = walk_outcomes(walk()).scalars
    names = {sign.variable for sign in read_signs(SIGNS_FILE).signs}
    assert names and all(f"{name}_{side}{end}" in found for name in names for side in SIDES for end in ("", "_sd"))


def test_spread_of_the_symmetry_index_is_that_between_pairs_of_strides():
    strikes = [(0.0, "r"), (0.4, "l"), (1.0, "r"), (1.4, "l"), (2.1, "r"), (2.6, "l"), (3.0, "r"), (3.4, "l")]
    events = tuple(GaitEvent(time, side, "heel_strike") for time, side in strikes)
    found = walk_outcomes(walk(events=events), settle=0.0).scalars
    # Right strides at 1.0 and 2.1 s: steps of 0.6 and 0.7 s; left at 1.4 and 2.6 s: 0.4 and 0.5 s.
    pairs = [100 * 0.2 / 0.5, 100 * 0.2 / 0.6]
    assert found["step_time_si_sd"] == pytest.approx(np.std(pairs, ddof=1))
    six = ("step_time", "step_length", "hip_rom", "knee_rom", "ankle_rom", "grf_impulse")
    assert found["asymmetry"] == pytest.approx(np.mean([abs(found[f"{name}_si"]) for name in six]))
    assert np.isfinite(found["asymmetry"]) and found["asymmetry_sd"] > 0


def test_spread_of_the_asymmetry_is_that_of_the_mean_of_six_between_pairs():
    """With two pairs of strides every spread is the difference over the square root of two."""
    outcome = walk_outcomes(walk(), settle=0.0).scalars
    # The made-up walk repeats itself: each pair of strides is as asymmetric as the next.
    assert outcome["asymmetry"] > 1.0 and outcome["asymmetry_sd"] == pytest.approx(0.0, abs=1e-6)


def test_a_walk_without_strides_gives_nan_and_not_zero():
    found = walk_outcomes(walk(events=())).scalars
    assert found["strides_r"] == 0
    assert all(np.isnan(found[name]) for name in ("speed_mean", "knee_rom_r", "knee_rom_si", "umberger2010_gross"))


def test_device_powers_peaks_and_share_at_the_limit():
    trial = walk()
    index = trial.require("coordinates").index
    phase = index.to_numpy() % CYCLE
    push = np.where(phase < 0.5 - 1e-9, -0.5, 0.1) * MASS
    speeds = table({"ankle_angle_r": np.full(len(index), -2.0)}, index)
    device = table({"exo_ankle_angle_r": push}, index)
    limits = {"exo_ankle_angle_r": {"plantarflexion": 0.5, "dorsiflexion": 0.3}}
    outcome = walk_outcomes(trial.replace(device_torques=device, speeds=speeds), limits=limits)
    found, name = outcome.scalars, "exo_ankle_angle_r"
    assert found[f"{name}_mean_abs"] == pytest.approx(0.3, abs=0.01)
    assert found[f"{name}_positive_power"] == pytest.approx(0.5, abs=0.01)
    assert found[f"{name}_negative_power"] == pytest.approx(-0.1, abs=0.01)
    assert found["exo_positive_power"] == found[f"{name}_positive_power"]
    assert found[f"{name}_peak_plantarflexion"] == pytest.approx(0.5)
    assert found[f"{name}_peak_dorsiflexion"] == pytest.approx(0.1)
    assert found[f"{name}_at_limit"] == pytest.approx(50.0, abs=0.5)
    assert outcome.curves["device_ankle_angle", "r"].mean[25] == pytest.approx(-0.5)
    assert np.isnan(walk_outcomes(trial.replace(device_torques=device)).scalars[f"{name}_at_limit"])
    # A direction that the device does not have is never at its limit, though no torque reaches it all the time.
    one_way = {"exo_ankle_angle_r": {"plantarflexion": 0.5, "dorsiflexion": 0.0}}
    other_way = {"exo_ankle_angle_r": {"plantarflexion": 0.0, "dorsiflexion": 0.1}}
    for limit in (one_way, other_way):
        share = walk_outcomes(trial.replace(device_torques=device), limits=limit).scalars[f"{name}_at_limit"]
        assert share == pytest.approx(50.0, abs=0.5)


def test_limits_of_a_device_carry_its_directions():
    limits = device_limits("hip_ankle")
    assert set(limits) == {f"exo_{c}_{s}" for c in ("hip_flexion", "ankle_angle") for s in SIDES}
    assert limits["exo_hip_flexion_l"] == {"flexion": 0.8, "extension": 0.8}


def resting_muscles(trial):
    """Muscles that do nothing cost nothing beside the basal rate; in OpenSim's accounting 1 W per kg of muscle."""
    index = trial.require("coordinates").index
    names = ["soleus_r", "soleus_l"]
    quantities = ("excitation", "activation", "fiber_velocity", "active_fiber_force", "passive_fiber_force")
    muscles = {q: table(dict.fromkeys(names, 0.0), index) for q in quantities}
    muscles |= {
        q: table(dict.fromkeys(names, 1.0), index)
        for q in ("normalized_fiber_length", "active_force_length_multiplier")
    }
    parameters = pd.DataFrame(
        {"max_isometric_force": 3000.0, "optimal_fiber_length": 0.05, "max_contraction_velocity": 10.0, "mass": 0.7},
        index=names,
    )
    return trial.replace(muscles=muscles, muscle_parameters=parameters)


def test_muscles_at_rest_cost_the_basal_rate_which_holds_their_heat():
    found = walk_outcomes(resting_muscles(walk())).scalars
    assert found["umberger2010_gross"] == found["bhargava2004_uncredited_gross"] == pytest.approx(1.2)


@pytest.mark.parametrize("model", ["umberger2010_opensim", "umberger2010_opensim_uncredited"])
def test_atrophy_takes_the_mass_of_weak_muscles_and_nothing_else(model):
    trial = resting_muscles(walk())
    plain = walk_outcomes(trial).scalars
    weak = walk_outcomes(trial, strength={"soleus_r": 0.5}).scalars
    assert plain[f"{model}_gross"] == pytest.approx(1.2 + 1.4 / MASS)
    assert plain[f"{model}_gross_atrophied"] == plain[f"{model}_gross"] == weak[f"{model}_gross"]
    assert weak[f"{model}_gross_atrophied"] == pytest.approx(1.2 + 1.05 / MASS)
    assert weak[f"{model}_cost_atrophied"] == pytest.approx((1.2 + 1.05 / MASS) / SPEED)
    assert plain["activation_soleus_r"] == 0.0
    with pytest.raises(InputError, match="soleus_r"):
        walk_outcomes(trial, strength={"soleus_r": 50.0})


def test_right_strides_go_with_the_left_ones_that_begin_in_them():
    def strides(side, *starts):
        return [Stride(side, start, start + 1.0, start + 0.6, np.nan, np.nan) for start in starts]

    right, left = strides("r", 0.0, 1.0, 2.0), strides("l", 1.0, 1.9, 4.0)
    assert stride_pairs({"r": right, "l": left}) == [(1, 0), (1, 1)]
    assert stride_pairs({"r": left, "l": right}) == [(0, 1), (1, 2)]


def test_a_walk_is_by_default_that_of_a_healthy_body_without_a_device():
    assert WalkSettings().walk == "main|healthy|100|right|none|1.25|seed0|start0"


def test_tables_survive_parquet_and_refuse_the_same_walk_twice(tmp_path):
    outcome = walk_outcomes(walk())
    settings = [WalkSettings(seed=seed, condition=c) for seed in (0, 1) for c in ("none", "unpowered")]
    walks, curves = outcome_tables((s, outcome) for s in settings)
    assert len(walks) == 4 and walks["walk"].is_unique
    assert len(curves) == 4 * 101 * len(outcome.curves)
    again, curves_again = read_outcomes(write_outcomes(walks, curves, tmp_path))
    pd.testing.assert_frame_equal(again, walks)
    pd.testing.assert_frame_equal(curves_again.astype(str), curves.astype(str))
    row = curves_again[(curves_again["curve"] == "knee_flexion") & (curves_again["side"] == "r")]
    assert row["mean"].max() == pytest.approx(60.0, abs=1e-3)
    names, means = curve_matrix(walks, curves, "knee_flexion", "l")
    assert names == sorted(walks["walk"]) and means.shape == (4, 101)
    assert means.max(axis=1) == pytest.approx(48.0, abs=1e-3)
    names, means = curve_matrix(walks, curves, "no such curve", "l")
    assert names == [] and means.shape == (0, 101)
    with pytest.raises(InputError, match="every walk"):
        outcome_tables([(settings[0], outcome), (settings[0], outcome)])
    with pytest.raises(FileFormatError, match="no such file"):
        read_outcomes(tmp_path / "elsewhere")
    with pytest.raises(InputError, match="none, unpowered, powered"):
        WalkSettings(condition="on")


def test_rates_of_an_earlier_version_come_under_the_names_of_today(tmp_path):
    """Then OpenSim's accounting was called what the headline is called now, and there was no other."""
    walks, curves = outcome_tables([(WalkSettings(), walk_outcomes(walk()))])
    rates = [c for c in walks.columns if c.startswith(("umberger2010", "bhargava2004"))]
    earlier = walks.drop(columns=rates).assign(umberger2010_gross=5.9, umberger2010_cost=4.7, bhargava2004_gross=5.2)
    again, _ = read_outcomes(write_outcomes(earlier, curves, tmp_path))
    found = again[[c for c in again.columns if c.startswith(("umberger2010", "bhargava2004"))]].iloc[0]
    assert dict(found) == {"umberger2010_opensim_gross": 5.9, "umberger2010_opensim_cost": 4.7,
                           "bhargava2004_opensim_gross": 5.2}  # fmt: skip
    assert counted_today(walks) and not counted_today(again)


def test_a_table_of_more_curves_than_its_walks_can_have_is_refused_before_it_is_read(tmp_path):
    walks, curves = outcome_tables([(WalkSettings(), walk_outcomes(walk()))])
    rows = 101 * MOST_CURVES
    large = curves.loc[np.arange(rows + 1) % len(curves)].reset_index(drop=True)
    write_outcomes(walks, large[:rows], tmp_path)
    assert len(read_outcomes(tmp_path)[1]) == rows
    write_outcomes(walks, large, tmp_path)
    with pytest.raises(FileFormatError, match=r"curves\.parquet: is no parquet table \(.* MiB are accepted"):
        read_outcomes(tmp_path)


def outcome(gross, *, fell=0.0, speed=1.25, si=0.0, angle=0.0):
    scalars = {"umberger2010_gross": gross, "fell": fell, "speed_mean": speed, "step_length_si": si}
    flat = CurveOutcome(np.full(101, angle), np.zeros(101), "°", 5)
    return WalkOutcomes(
        scalars, {(k, s): flat for k in ("hip_flexion", "knee_flexion", "ankle_dorsiflexion") for s in SIDES}
    )


def test_paired_changes_by_hand():
    walks = [
        # Two starts of seed 0 and one of seed 1 are compared: -20 %, -10 % and -40 %.
        (WalkSettings(seed=0, start=0, condition="none"), outcome(5.0, si=-10.0)),
        (WalkSettings(seed=0, start=0, condition="powered"), outcome(4.0, si=6.0, angle=2.0)),
        (WalkSettings(seed=0, start=1, condition="none"), outcome(5.0, si=4.0)),
        (WalkSettings(seed=0, start=1, condition="powered"), outcome(4.5, si=-1.0, angle=-4.0)),
        (WalkSettings(seed=1, start=0, condition="none"), outcome(5.0)),
        (WalkSettings(seed=1, start=0, condition="powered"), outcome(3.0, speed=1.27)),
        # Left out: a fall, a speed that differs by more than 2 %, a walk without its partner.
        (WalkSettings(seed=1, start=1, condition="none"), outcome(5.0, fell=1.0)),
        (WalkSettings(seed=1, start=1, condition="powered"), outcome(1.0)),
        (WalkSettings(seed=1, start=2, condition="none"), outcome(5.0)),
        (WalkSettings(seed=1, start=2, condition="powered"), outcome(1.0, speed=1.30)),
        (WalkSettings(seed=2, start=0, condition="powered"), outcome(1.0)),
        # 0.026 m/s of a mean of 1.263: 2.06 %.
        (WalkSettings(seed=3, start=0, condition="none"), outcome(5.0)),
        (WalkSettings(seed=3, start=0, condition="powered"), outcome(1.0, speed=1.276)),
    ]
    changes = paired_changes(*outcome_tables(walks))
    assert len(changes.pairs) == 3
    row = changes.summary.set_index(["reference", "quantity"]).loc[("none", "umberger2010_gross")]
    assert row["mean"] == pytest.approx(-3.5 / 3) and row["mean_pct"] == pytest.approx(-70 / 3)
    assert row["sd_walks_pct"] == pytest.approx(np.std([-20, -10, -40], ddof=1))
    assert row["sd_seeds_pct"] == pytest.approx(np.std([-15, -40], ddof=1))
    assert row["angle_rmse"] == pytest.approx((2.0 + 4.0 + 0.0) / 3)
    assert (row["n_pairs"], row["n_seeds"], row["n_fell"], row["n_speed"], row["n_unmatched"]) == (3, 2, 1, 2, 1)
    assert row["fall_rate"] == 0.0 and row["fall_rate_reference"] == pytest.approx(1 / 6)
    symmetry = changes.summary.set_index(["reference", "quantity"]).loc[("none", "step_length_si")]
    assert symmetry["mean"] == pytest.approx((-4.0 - 3.0 + 0.0) / 3)  # of the magnitude: 10 -> 6, 4 -> 1, 0 -> 0
    off = changes.summary.set_index(["reference", "quantity"]).loc[("unpowered", "umberger2010_gross")]
    assert off["n_pairs"] == 0 and off["n_unmatched"] == 7 and np.isnan(off["mean"])


def test_no_powered_walk_gives_empty_tables():
    changes = paired_changes(*outcome_tables([(WalkSettings(), outcome(5.0))]))
    assert changes.pairs.empty and changes.summary.empty


@pytest.fixture(scope="module")
def simulated() -> GaitTrial:
    from exogait.osim_env.learning.simulation import simulate

    return simulate("healthy", speed=1.25, seconds=6.0, seed=0)


def test_balances_of_a_simulated_walk(simulated):
    outcome = walk_outcomes(simulated, settle=1.5)
    found = outcome.scalars
    assert not found["fell"] and found["strides_r"] >= 3
    stride = found["step_time_r"] + found["step_time_l"]
    # Over whole strides the ground carries the weight, and two steps are one stride.
    assert found["grf_impulse_r"] + found["grf_impulse_l"] == pytest.approx(stride, rel=0.03)
    assert found["step_length_r"] + found["step_length_l"] == pytest.approx(found["speed_mean"] * stride, rel=0.03)
    assert found["umberger2010_cost"] == pytest.approx(found["umberger2010_gross"] / found["speed_mean"])
    assert 1.2 < found["bhargava2004_gross"] < 20.0
    assert outcome.curves["activation_soleus", "r"].mean.max() <= 1.0
    assert outcome.curves["ankle_power", "r"].n_strides == found["strides_r"]
    # Without a device there is nothing to say about one.
    assert not any(name.startswith("exo_") for name in found)
