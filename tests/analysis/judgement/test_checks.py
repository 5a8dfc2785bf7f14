"""Each check fails what no walk is and passes a made-up person's walk."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from unittest import mock

import numpy as np
import pytest

from exogait.analysis.judgement import balance, bodies, forces, motion, plates, pressure, sources
from exogait.analysis.judgement.bodies import handedness, spoiled_by
from exogait.analysis.judgement.influence import influence
from exogait.analysis.lab import pipeline
from exogait.analysis.made_up.person import make_synthetic_trial
from exogait.analysis.signals.filters import Gap
from exogait.analysis.signals.measured import process_trial


@pytest.fixture(scope="module")
def case(tmp_path_factory):
    """What the judgement sees of a made-up person's walk."""
    folder = tmp_path_factory.mktemp("person")
    person = make_synthetic_trial(folder, seed=3, n_cycles=2, cycle=1.0)
    seen = []
    with mock.patch.object(pipeline, "judge_case", lambda case: seen.append(case) or []):
        pipeline.analyse(person.static, person.walk, person.mass, out=folder / "run")
    return seen[0]


def verdicts(rows) -> list[str]:
    return [row.verdict for row in rows]


BOTH = {"ground_reactions/*_r_*", "ground_reactions/*_l_*"}


def with_points(case, change: Callable[[np.ndarray], np.ndarray]):
    """The case with every centre of pressure changed."""
    changed = {side: replace(load, point=change(load.point)) for side, load in case.lab.loads.items()}
    return replace(case, lab=replace(case.lab, loads=changed))


def loads(case, change: Callable[[np.ndarray], np.ndarray]):
    """The case with every force changed."""
    changed = {side: replace(load, force=change(load.force)) for side, load in case.lab.loads.items()}
    return replace(case, lab=replace(case.lab, loads=changed))


def test_a_made_up_walk_has_nothing_that_fails(case) -> None:
    from exogait.analysis.judgement.checks import judge_case

    assert [row for row in judge_case(case) if row.verdict == "fail"] == []


def test_weight_and_mass_must_agree(case) -> None:
    assert set(verdicts(forces.weight_rows(case))) == {"pass"}
    for mass in (0.7 * case.mass, 1.5 * case.mass):
        (row,) = forces.weight_rows(replace(case, mass=mass))
        assert row.verdict == "fail" and "--mass" in row.todo and set(row.spoils) <= BOTH


@pytest.mark.parametrize(
    ("factor", "column"), [((-1, 1, 1), "vx"), ((1, 1, -1), "vz"), ((4.4, 1, 1), "vx"), ((1, 0.2, 1), "*")]
)
def test_a_wrong_axis_spoils_itself_in_the_leg_that_it_is_wrong_in(case, factor, column: str) -> None:
    assert set(verdicts(forces.force_rows(case))) == {"pass"}
    one = loads(case, lambda f: f * factor)
    one = replace(one, lab=replace(one.lab, loads={**one.lab.loads, "l": case.lab.loads["l"]}))
    patterns = {pattern for row in forces.force_rows(one) for pattern in row.spoils}
    assert patterns == {f"ground_reactions/*_r_{column}"}


def test_a_leg_carries_what_the_body_needs(case) -> None:
    found = balance.balances(case)
    assert set(found) == {"r", "l"} and all(b.carries for b in found.values())
    strong = {**case.lab.loads, "l": replace(case.lab.loads["l"], force=1.5 * case.lab.loads["l"].force)}
    moments = case.dynamics.generalized_forces.copy()
    at = (moments.index.to_numpy() * case.lab.load_rate).round().astype(int)
    for axis, name in enumerate(("pelvis_tx", "pelvis_ty", "pelvis_tz")):
        moments[name] -= 0.5 * case.lab.loads["l"].force[at, axis]  # what the body needs stays
    wrong = replace(
        case, lab=replace(case.lab, loads=strong), dynamics=replace(case.dynamics, generalized_forces=moments)
    )
    assert {p for row in balance.balance_rows(wrong) for p in row.spoils} == {"ground_reactions/*_l_*"}
    assert verdicts(forces.weight_rows(wrong)) == ["pass"]  # standing on the plates tells that the mass is right
    (row,) = forces.weight_rows(replace(wrong, resting=replace(case.resting, platforms=())))
    assert row.verdict == "fail" and row.spoils == ("ground_reactions/*_l_*",)


def test_the_pressure_runs_from_heel_to_toe(case) -> None:
    assert set(verdicts(pressure.pressure_rows(case))) == {"pass"}
    for points, word in ((lambda p: 0 * p, "stands still"), (lambda p: -p, "backwards")):
        rows = list(pressure.pressure_rows(with_points(case, points)))
        assert set(verdicts(rows)) == {"fail"} and sum(word in row.found for row in rows) == 2


@pytest.mark.parametrize("by", [(0.16, 0, 0), (-0.12, 0, 0), (0, 0, 0.06), (0, 0, -0.06)])
def test_the_pressure_is_under_the_foot_and_spoils_no_force(case, by) -> None:
    rows = [row for row in pressure.pressure_rows(with_points(case, lambda p: p + by)) if row.verdict == "fail"]
    assert len(rows) == 2 and all("under the" in row.what for row in rows)
    assert {pattern for row in rows for pattern in row.spoils} == {
        f"ground_reactions/*_{name}" for side in "rl" for name in (f"{side}_p?", f"torque_{side}_?")
    }


def test_a_saturated_channel_is_told() -> None:
    wave = np.sin(np.linspace(0, np.pi, 1000))
    assert plates.longest_flat(-wave) <= 2
    assert plates.longest_flat(-np.minimum(wave, 0.9)) > 200


@pytest.mark.parametrize(("plate", "side"), [(0, "l"), (1, "r")])
def test_a_saturated_plate_spoils_the_leg_that_stood_on_it(case, plate: int, side: str) -> None:
    assert list(plates.signal_rows(case)) == []
    analog = case.recording.analog.copy()
    vertical = analog[:, case.recording.platforms[plate].channels[2]]
    vertical[:] = np.clip(vertical, 0.7 * vertical.min(), 0.7 * vertical.max())
    (row,) = plates.signal_rows(replace(case, recording=replace(case.recording, analog=analog)))
    assert row.verdict == "fail" and row.spoils == (f"ground_reactions/*_{side}_*",)


def test_a_marker_spoils_what_it_has_a_say_in(case) -> None:
    effects = influence(case)
    heel = case.identity.match.found
    label = next(label for label, name in heel.items() if name == case.identity.roles["heel_r"][0])
    spoiled = effects.spoils(label, 0.08)
    assert "coordinates/ankle_angle_r" in spoiled and "coordinates/ankle_angle_l" not in spoiled
    assert effects.spoils(label, 0.0) == () and effects.spoils("no such marker", 1.0) == ()
    away = np.zeros((len(effects.frames), 3))
    assert effects.spoils(label, away) == () and set(effects.spoils(label, away + 0.05)) <= set(
        effects.spoils(label, 0.09)
    )


def test_a_gap_that_stays_spoils_what_its_marker_tells(case) -> None:
    assert list(bodies.gap_rows(case)) == []
    name = case.identity.roles["heel_r"][0]
    gaps = tuple(Gap(n, 0.5, 0.4, "left: longer than the limit") for n in (name, "an arm"))
    (row,) = bodies.gap_rows(replace(case, lab=replace(case.lab, gaps=gaps)))
    assert row.verdict == "fail" and "spatiotemporal/step_length*" in row.spoils and name in row.what


def test_a_pressure_that_is_elsewhere_leaves_the_times_of_its_foot(case) -> None:
    analog = case.recording.analog.copy()
    for plate in case.recording.platforms:
        analog[:, list(plate.channels[3:6])] *= 6.0
    lab = process_trial(replace(case.recording, analog=analog), identity=case.identity)
    assert not any(strike.accepted for strike in lab.strikes)
    assert {strike.timed for strike in lab.strikes} == {"r", "l"}
    assert lab.events.by_method["plate"] == case.lab.events.by_method["plate"]
    assert not any(load.loaded.any() for load in lab.loads.values())


def test_plates_and_cameras_share_a_clock(case) -> None:
    assert verdicts(plates.clock_rows(case)) == ["pass"]
    found = dict(case.lab.events.by_method)
    late = tuple(replace(event, time=event.time + 0.1) for event in found["plate"])
    events = replace(case.lab.events, by_method={**found, "plate": late})
    (row,) = plates.clock_rows(replace(case, lab=replace(case.lab, events=events)))
    assert row.verdict == "fail" and set(row.spoils) >= {"ground_reactions/*"}


def test_a_plate_that_nobody_is_near_measures_nothing(case) -> None:
    plate = case.lab.plates[0]
    assert plates.unloaded_force(case, plate) < 5.0
    drift = plate.vertical + np.linspace(0, 150, len(plate.vertical))
    assert plates.unloaded_force(case, replace(plate, vertical=drift)) > plates.ZERO


def test_a_knee_that_bends_forward_is_no_knee(case) -> None:
    assert list(motion.joint_rows(case)) == []
    table = case.kinematics.coordinates.copy()
    table["ankle_angle_r"] += np.radians(90)
    rows = list(motion.joint_rows(replace(case, kinematics=replace(case.kinematics, coordinates=table))))
    assert [row.spoils for row in rows] == [("coordinates/ankle_angle_r",)]


def test_no_length_is_negative_and_speeds_agree(case) -> None:
    assert list(motion.number_rows(case)) == []
    steps = case.numbers.steps.assign(step_length=-0.22)
    rows = list(motion.number_rows(replace(case, numbers=replace(case.numbers, steps=steps))))
    assert {row.what for row in rows} >= {"step length, right", "step length, left"}
    late = case.numbers.steps.assign(step_time=case.numbers.steps["step_time"] * 1.4)
    (row,) = motion.number_rows(replace(case, numbers=replace(case.numbers, steps=late)))
    assert "spatiotemporal/step_time*" in row.spoils
    (row,) = motion.number_rows(replace(case, numbers=replace(case.numbers, speed=2.0 * case.numbers.speed)))
    assert "spatiotemporal/*speed*" in row.spoils


def test_a_mirror_turns_handedness() -> None:
    points = np.array([[[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]]])
    assert handedness(points)[0] == pytest.approx(-handedness(points[:, [0, 2, 1, 3]])[0]) != 0


def test_a_foot_spoils_its_ankle_and_its_steps_and_a_pelvis_both_hips() -> None:
    assert {"coordinates/ankle_*r", "spatiotemporal/*length*"} <= set(spoiled_by("calcn_r"))
    assert {"coordinates/hip_*r", "coordinates/hip_*l"} <= set(spoiled_by("pelvis"))


def test_a_static_trial_that_walks_is_none(case) -> None:
    assert verdicts(sources.standing_rows(case)) == ["pass"]
    walking = case.standing.copy()
    for column in walking.columns[::3]:
        walking[column] += 0.5 * walking.index.to_numpy()
    (row,) = sources.standing_rows(replace(case, standing=walking))
    assert row.verdict == "fail" and row.spoils == ("coordinates/*",)


def test_the_files_own_mass_is_compared(case) -> None:
    for known, verdict in ((case.mass, "pass"), (0.8 * case.mass, "warn")):
        file = replace(case.recording, parameters={"PROCESSING": {"Bodymass": np.array([known])}})
        assert verdicts(sources.mass_rows(replace(case, recording=file))) == [verdict]
