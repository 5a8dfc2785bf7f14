"""What a roll-out records obeys physics: impulse, pressure inside the foot, inverse dynamics, files without loss."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from exogait.analysis.gait.energy import compute_metabolics
from exogait.analysis.lab.simulated import analyse_simulation
from exogait.data import GaitTrial, InputError
from exogait.models.subject import Subject, muscle_masses
from exogait.osim_env.engine import Model, accelerations, inverse_dynamics, kinematics
from exogait.osim_env.excitation.config import ExcitationConfig
from exogait.osim_env.gait.config import WorldConfig
from exogait.osim_env.gait.setup import COMPILED, WorldSetup, make_world
from exogait.osim_env.gait.world import GaitWorld
from exogait.osim_env.learning.excitation.setup import make_excitation_world
from exogait.osim_env.learning.rollout import contact_events, roll_out
from exogait.osim_env.learning.simulation import UNTRAINED, simulate

TICK = 0.01


@pytest.fixture(scope="module")
def model() -> Model:
    return Model.load(COMPILED["hip_ankle"])


def states(trial: GaitTrial) -> tuple[np.ndarray, np.ndarray]:
    assert trial.coordinates is not None and trial.speeds is not None
    return trial.coordinates.to_numpy(), trial.speeds.to_numpy()


def test_samples_are_every_tick_and_the_trial_says_what_it_is(walk: GaitTrial) -> None:
    time = walk.require("coordinates").index.to_numpy()
    assert time[0] == pytest.approx(TICK) and time[-1] > 0.5
    np.testing.assert_allclose(np.diff(time), TICK, atol=1e-9)
    assert walk.metadata["source"] == "simulation" and walk.metadata["engine"] == "twin"
    assert walk.metadata["policy"] == UNTRAINED and walk.metadata["device"] == "hip_ankle"


def test_a_fall_ends_the_trial_and_is_told() -> None:
    world = quiet_world()
    world.q[:, world.column["pelvis_ty"]] = 0.45
    trial = roll_out(world, lambda _: np.zeros((1, world.n_human_actions)), 1.0)[0]
    assert trial.metadata["fell"] and trial.metadata["fall_time"] == pytest.approx(0.02)
    assert trial.require("coordinates").index[-1] <= trial.metadata["fall_time"]
    verdicts = {row["what"]: row["verdict"] for row in analyse_simulation(trial).metadata["quality"]}
    assert verdicts["fall"] == "fail"


def quiet_world(step: float = 0.001) -> GaitWorld:
    config = WorldConfig(early_termination=False, reset_noise=0.0, integration_step=step)
    world = make_world(WorldSetup(), config, n_envs=1, auto_reset=False)
    world.reset(np.arange(1), phase=np.zeros(1), speed=np.array([1.25]))
    return world


def momentum_error(step: float) -> tuple[np.ndarray, float]:
    """Impulse that the recorded forces miss over 0.6 s, and that of the weight, N s."""
    world = quiet_world(step)
    trial = roll_out(world, lambda _: np.zeros((1, world.n_human_actions)), 0.6)[0]
    model = world.physics.model
    velocity = kinematics(model, *states(trial)).whole_body_velocity
    grf = trial.require("ground_reactions")
    force = np.stack([grf[f"ground_force_r_v{a}"] + grf[f"ground_force_l_v{a}"] for a in "xyz"], axis=1)
    mass = model.total_mass
    impulse = (force[1:] + mass * model.gravity).sum(axis=0) * TICK
    return mass * (velocity[-1] - velocity[0]) - impulse, mass * 9.80665 * TICK * (len(force) - 1)


def test_impulse_of_the_ground_is_the_change_of_momentum() -> None:
    # Newton's second law. Forces are recorded where a substep begins while the linearly implicit step acts with its
    # end in view, so the two differ in the first order of the step: 0.7 % of the weight's impulse at 1 ms (measured),
    # and half of that at half the step. Anything else wrong with the forces would not shrink with the step.
    coarse, weight = momentum_error(0.001)
    fine, _ = momentum_error(0.0005)
    assert np.abs(coarse).max() < 0.015 * weight
    assert np.linalg.norm(fine) == pytest.approx(0.5 * np.linalg.norm(coarse), rel=0.15)


def test_pressure_lies_inside_the_foot(walk: GaitTrial, model: Model) -> None:
    q, u = states(walk)
    bodies, contacts = kinematics(model, q, u), model.contacts
    body = contacts.body - 1
    centre = bodies.position[:, body] + np.einsum("fsij,sj->fsi", bodies.rotation[:, body], contacts.centre)
    grf = walk.require("ground_reactions")
    checked = 0
    for foot, side in enumerate(model.foot_names):
        rows = np.flatnonzero(grf[f"ground_force_{side}_vy"].to_numpy() > 20.0)
        own = contacts.foot == foot
        for axis, k in (("x", 0), ("z", 2)):
            place = grf[f"ground_force_{side}_p{axis}"].to_numpy()[rows]
            # 2 mm: the foot moves on during the tick whose mean force this is.
            low = (centre[rows][:, own, k] - contacts.radius[own]).min(axis=1) - 0.002
            high = (centre[rows][:, own, k] + contacts.radius[own]).max(axis=1) + 0.002
            assert np.all((place >= low) & (place <= high)), (side, axis)
        np.testing.assert_allclose(grf[f"ground_force_{side}_py"].to_numpy()[rows], 0.0, atol=1e-12)
        checked += len(rows)
    assert checked > 50


def test_moments_of_a_leg_in_the_air_are_those_of_inverse_dynamics(walk: GaitTrial, model: Model) -> None:
    # No ground under a foot: what moves that leg is muscles, limits, springs (recorded) and the device (recorded too).
    q, u = states(walk)
    grf, forces = walk.require("ground_reactions"), walk.require("generalized_forces")
    device, trunk = walk.require("device_torques"), walk.extra["trunk_actuators"]
    torque = pd.concat([trunk, device], axis=1)[list(model.actuator_names)].to_numpy()
    rates = accelerations(model, q, u, walk.muscles["activation"].to_numpy(), torque)
    needed = inverse_dynamics(model, q, u, rates)
    checked = 0
    for side in ("r", "l"):
        # Force is a mean over the tick, the state is that at its end: two ticks without force leave no doubt.
        loaded = grf[f"ground_force_{side}_vy"].to_numpy() > 1e-3
        free = np.flatnonzero(~loaded & ~np.roll(loaded, -1) & ~np.roll(loaded, 1))
        for joint in ("knee_angle", "ankle_angle", "subtalar_angle", "mtp_angle"):
            name = f"{joint}_{side}"
            worn = device.get(f"exo_{name}", 0.0 * forces[name]).to_numpy()
            found = (forces[name].to_numpy() + worn)[free]
            scale = np.abs(forces[name].to_numpy()).max()
            np.testing.assert_allclose(
                found, needed[free, model.index("coordinate", name)], atol=2e-3 * scale + 1e-6, err_msg=name
            )
            checked += len(free)
    assert checked > 20


@pytest.mark.parametrize("kind", ["parquet", "opensim"])
def test_trial_comes_back_from_files_without_loss(walk: GaitTrial, kind: str, tmp_path: Path) -> None:
    getattr(walk, f"write_{kind}")(tmp_path)
    back = getattr(GaitTrial, f"read_{kind}")(tmp_path)
    assert [name for name, _ in back.tables()] == [name for name, _ in walk.tables()]
    for (name, one), (_, two) in zip(walk.tables(), back.tables(), strict=True):
        np.testing.assert_array_equal(one.to_numpy(np.float64), two.to_numpy(np.float64), err_msg=name)
    assert back.events == walk.events
    assert back.metadata == walk.metadata


def test_metabolic_rate_and_powers_follow_from_the_recorded_states(walk: GaitTrial) -> None:
    result = compute_metabolics(walk)
    rate = result.whole_body.mean() / result.body_mass
    # Basal rate alone is 1.2 W/kg; no walk on record costs 25.
    assert 1.5 < rate < 25.0
    trial = analyse_simulation(walk)
    power = trial.require("joint_powers")["ankle_angle_r"]
    expected = walk.require("generalized_forces")["ankle_angle_r"] * walk.require("speeds")["ankle_angle_r"]
    np.testing.assert_allclose(power.to_numpy(), expected.to_numpy())
    assert "simulated" in trial.metadata["quality"][0]["found"]


def test_a_record_holds_the_muscle_masses_of_its_person(walk: GaitTrial, tmp_path: Path) -> None:
    assert walk.muscle_parameters is not None
    generic = walk.muscle_parameters["anatomical_mass"]
    # GENERIC_LEG_LENGTH is rounded to 0.1 mm, and with it the height.
    assert generic.to_dict() == pytest.approx(muscle_masses(), rel=2e-4)
    assert walk.muscle_parameters["slow_twitch_ratio"]["soleus_l"] == 0.803
    person = Subject(58.0, 1.66, (("thigh", (0.95, 0.95, 0.95)),))
    setup = WorldSetup(subject=str(person.to_yaml(tmp_path / "anna.yaml")))
    small = simulate(UNTRAINED, seconds=0.05, setup=setup, phase=0.0)
    assert small.muscle_parameters is not None
    # The stated height counts, not that of longer thighs.
    assert small.muscle_parameters["anatomical_mass"].to_dict() == pytest.approx(muscle_masses(subject=person))


def test_the_excitation_world_pays_for_the_muscles_of_its_person(tmp_path: Path) -> None:
    person = Subject(58.0, 1.66)
    setup = WorldSetup(subject=str(person.to_yaml(tmp_path / "anna.yaml")))
    world = make_excitation_world(setup, ExcitationConfig(), n_envs=1)
    masses = dict(zip(world.model.muscle_names, world.anatomy.muscle_mass, strict=True))
    # Nobody tells the compiled model its person's height: it follows from the legs.
    assert masses == pytest.approx(muscle_masses(subject=person), rel=2e-4)


def test_weak_muscles_are_weak_in_the_record(walk: GaitTrial) -> None:
    weak = simulate(
        UNTRAINED, seconds=0.1, setup=WorldSetup(deficit="plantarflexors", strength=40, side="right"), phase=0.0
    )
    assert weak.muscle_parameters is not None and walk.muscle_parameters is not None
    ratio = weak.muscle_parameters["max_isometric_force"] / walk.muscle_parameters["max_isometric_force"]
    assert ratio["soleus_r"] == pytest.approx(0.4) and ratio["soleus_l"] == pytest.approx(1.0)
    assert weak.subject_mass == pytest.approx(walk.subject_mass)
    assert walk.metadata["device_mass"] > 0 and weak.metadata["device_mass"] == 0.0


def test_events_bridge_bounces_and_drop_scuffs() -> None:
    time = TICK * np.arange(1, 201)
    on = np.zeros(200, bool)
    on[20:80] = on[140:190] = True
    on[50:53] = False  # a bounce of 30 ms in stance
    on[110:114] = True  # a scuff of 40 ms in swing
    events = contact_events(time, pd.DataFrame({"r": on, "l": np.zeros(200, bool)}))
    found = [(event.side, event.kind, round(event.time, 2)) for event in events]
    assert found == [
        ("r", "heel_strike", 0.21), ("r", "toe_off", 0.81), ("r", "heel_strike", 1.41), ("r", "toe_off", 1.91),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("change", "word"), [({"seconds": 0.0}, "seconds"), ({"speed": 9.0}, "speed"), ({"settle": -1.0}, "settle")]
)
def test_a_walk_that_cannot_be_is_refused(change: dict[str, float], word: str) -> None:
    with pytest.raises(InputError, match=word):
        simulate(UNTRAINED, **change)
