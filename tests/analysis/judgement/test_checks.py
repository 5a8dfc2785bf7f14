"""Each check fails what no walk is and passes a made-up person's walk."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from unittest import mock

import numpy as np
import pytest

from exogait.analysis.judgement import forces, motion, plates, sources
from exogait.analysis.judgement.bodies import handedness, spoiled_by
from exogait.analysis.lab import pipeline
from exogait.analysis.made_up.person import make_synthetic_trial


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
        assert row.verdict == "fail" and row.spoils == ("ground_reactions/*",) and "--mass" in row.todo


def test_braking_comes_before_propulsion(case) -> None:
    assert set(verdicts(forces.braking_rows(case))) == {"pass"}
    assert set(verdicts(forces.braking_rows(loads(case, lambda f: f * [-1, 1, 1])))) == {"fail"}


def test_the_pressure_runs_from_heel_to_toe(case) -> None:
    assert set(verdicts(forces.pressure_rows(case))) == {"pass"}
    still = {side: replace(load, point=0 * load.point) for side, load in case.lab.loads.items()}
    back = {side: replace(load, point=-load.point) for side, load in case.lab.loads.items()}
    for points, word in ((still, "stands still"), (back, "backwards")):
        rows = list(forces.pressure_rows(replace(case, lab=replace(case.lab, loads=points))))
        assert set(verdicts(rows)) == {"fail"} and all(word in row.found for row in rows)


def test_a_force_has_the_size_of_walking(case) -> None:
    assert set(verdicts(forces.shape_rows(case))) == {"pass"}
    assert "fail" in verdicts(forces.shape_rows(loads(case, lambda f: f * [1, 0.2, 1])))


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
