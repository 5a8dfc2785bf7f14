"""Spatiotemporal numbers: made walks with known lengths and times, treadmills, real trials of known speed."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from exogait.analysis.c3d.reader import (
    C3DFile,
    read_c3d,
)
from exogait.analysis.gait.cycle import Stride
from exogait.analysis.gait.spatiotemporal import compute_spatiotemporal, support_times
from exogait.analysis.gait.symmetry import robinson_index
from exogait.analysis.signals.measured import (
    process_trial,
)
from exogait.data.errors import InputError
from exogait.data.trc import marker_array, marker_labels, read_trc
from exogait.data.trial import GaitEvent

NAMES = ("RHEE", "LHEE", "RTOE", "LTOE", "SACR")
ROLES = {"heel_r": ("RHEE",), "heel_l": ("LHEE",), "toe_r": ("RTOE",), "toe_l": ("LTOE",), "sacrum": ("SACR",)}
RATE = 100.0


def made_walk(
    *,
    step_r: float = 0.7,
    step_l: float = 0.6,
    time_r: float = 0.5,
    time_l: float = 0.6,
    width: float = 0.16,
    belt: float = 0.0,
) -> tuple[np.ndarray, list[GaitEvent]]:
    """Feet that jump to their landing place between toe off and heel strike, and the events; double support 0.1 s."""
    at, place, events = 0.5, 0.0, []
    landings = {"r": [], "l": []}
    for _ in range(6):
        for side, length, duration in (("r", step_r, time_r), ("l", step_l, time_l)):
            at, place = at + duration, place + length
            events.append(GaitEvent(at, side, "heel_strike"))
            events.append(GaitEvent(at + 0.1, "l" if side == "r" else "r", "toe_off"))
            landings[side].append((at, place))
    n = int((at + 1.0) * RATE)
    time = np.arange(n) / RATE
    positions = np.zeros((n, 5, 3))
    for j, side in enumerate("rl"):
        x = np.full(n, landings[side][0][1] - (step_r + step_l))
        for moment, where in landings[side]:
            # In the air for 0.3 s before the landing.
            ahead = np.clip((time - (moment - 0.3)) / 0.3, 0, 1)
            x = (
                np.where(time >= moment - 0.3, x[0] + ahead * (where - x[0]), x)
                if moment == landings[side][0][0]
                else np.where(time >= moment - 0.3, x + ahead * (where - x), x)
            )
        positions[:, j, 0] = x
        positions[:, 2 + j, 0] = x + 0.2
        positions[:, j, 2] = positions[:, 2 + j, 2] = (0.5 if side == "r" else -0.5) * width
    speed = (step_r + step_l) / (time_r + time_l)
    positions[:, 4, 0] = speed * time
    positions[..., 0] -= belt * time[:, None]
    return positions, sorted(events)


@pytest.mark.parametrize("belt", [0.0, 1.1])
def test_known_lengths_and_times(belt: float):
    positions, events = made_walk(belt=belt)
    result = compute_spatiotemporal(positions, NAMES, RATE, ROLES, events)
    assert result.belt.speed == pytest.approx(belt, abs=1e-6)
    table = result.summary().set_index("quantity")
    assert table.loc["step_length", "mean_r"] == pytest.approx(0.7, abs=1e-6)
    assert table.loc["step_length", "mean_l"] == pytest.approx(0.6, abs=1e-6)
    assert table.loc["step_time", "mean_r"] == pytest.approx(0.5)
    assert table.loc["step_time", "mean_l"] == pytest.approx(0.6)
    assert table.loc["stride_length", "mean"] == pytest.approx(1.3, abs=1e-6)
    assert table.loc["stride_time", "mean"] == pytest.approx(1.1)
    assert table.loc["cadence", "mean"] == pytest.approx(120 / 1.1)
    assert table.loc["step_width", "mean"] == pytest.approx(0.16, abs=1e-9)
    assert table.loc["double_support", "mean"] == pytest.approx(0.2)
    # The right foot stands through the left step and both double supports.
    assert table.loc["stance_time", "mean_r"] == pytest.approx(0.7)
    assert table.loc["single_support", "mean_r"] == pytest.approx(0.5)
    assert table.loc["stance_time", "mean_l"] == pytest.approx(0.6)
    assert table.loc["swing_time", "mean_l"] == pytest.approx(0.5)
    assert result.speed == pytest.approx(1.3 / 1.1, abs=1e-6)
    assert table.loc["stance_pct", "unit"] == "%"


@pytest.mark.parametrize("fast", "rl")
def test_two_belts_of_two_speeds(fast: str):
    """Each foot is shifted back by its own belt; strides on it are longer by what the belt ran more."""
    positions, events = made_walk(belt=1.0)
    time = np.arange(len(positions)) / RATE
    for j in (0, 2) if fast == "r" else (1, 3):
        positions[:, j, 0] -= 0.4 * time
    result = compute_spatiotemporal(positions, NAMES, RATE, ROLES, events)
    assert "two belts" in result.belt.how and result.belt.speed == pytest.approx(1.2, abs=1e-6)
    table = result.summary().set_index("quantity")
    assert table.loc["stride_length", "mean_r"] == pytest.approx(1.3, abs=1e-6)
    assert table.loc["stride_length", "mean_l"] == pytest.approx(1.3, abs=1e-6)
    assert table.loc["stance_time", "mean_r"] == pytest.approx(0.7)


def test_a_belt_that_changes_its_speed():
    """Speeding up by 0.1 m/s every second: each stride has the length that the feet walked, 1.3 m."""
    positions, events = made_walk()
    time = np.arange(len(positions)) / RATE
    positions[..., 0] -= (0.8 * time + 0.05 * time**2)[:, None]
    belt = compute_spatiotemporal(positions, NAMES, RATE, ROLES, events)
    assert "it changes from" in belt.belt.how
    np.testing.assert_allclose(belt.strides["stride_length"], 1.3, atol=0.01)


def test_whoever_travels_is_on_no_belt_though_the_feet_roll():
    """As in a sprint: standing toes creep back at 0.3 m/s while the body travels at 1.2 m/s."""
    positions, events = made_walk(belt=0.3)
    positions[:, 4, 0] += 0.3 * np.arange(len(positions)) / RATE
    found = compute_spatiotemporal(positions, NAMES, RATE, ROLES, events).belt
    assert found.speed == 0.0 and found.how.startswith("overground (the body travels at 1.18 m/s")


def test_flight_on_one_side_alone():
    """A limp that leaps off the right foot: right stance 0-0.3, left 0.35-1.05, right again at 0.95, cycle 0.95 s."""
    double, single, flight = support_times(Stride("r", 0.0, 0.95, 0.3, 0.1, 0.35))
    assert (double, single, flight) == pytest.approx((0.1, 0.2, 0.05))
    assert np.isnan(support_times(Stride("r", 0.0, 0.95, 0.3, np.nan, 0.35))).all()


def test_a_sprint_is_named_and_flies(real_data: Path):
    """A sprinter over eight plates, 9.5 m/s by the pelvis: stances of 0.12 s, flights of 0.11 s, no double support."""
    lab = process_trial(read_c3d(real_data / "edge_c3d/nimblephysics/JA1Gait35_sprint.c3d"))
    found = compute_spatiotemporal(lab.positions, lab.marker_names, lab.rate, lab.roles, lab.events.events)
    table = found.summary().set_index("quantity")
    assert found.gait == "running" and found.belt.speed == lab.belt.speed == 0.0
    assert table.loc["speed", "mean"] == pytest.approx(9.5, abs=0.15)
    assert table.loc["stance_time", "mean"] == pytest.approx(0.12, abs=0.005)
    assert table.loc["flight_time", "mean"] == pytest.approx(2 * 0.11, abs=0.01)
    assert table.loc["double_support", "mean"] == 0.0
    assert 2 * table.loc["step_length", "mean"] == pytest.approx(table.loc["stride_length", "mean"], abs=0.05)


def test_a_treadmill_with_a_plate_a_belt(real_data: Path):
    """Computed: 11 stances on two belts at 1.21 m/s; the right foot walks on plate 2, the left on plate 1."""
    lab = process_trial(read_c3d(real_data / "trust_cases/c3d/treadmill_two_belts.c3d"))
    assert [(s.plate, s.side) for s in lab.strikes] == [(1, "r"), (0, "l")] * 5 + [(1, "r")]
    assert all(s.accepted for s in lab.strikes)
    # The left foot stands on at both ends of the recording, which cuts those stances: between them all is known.
    assert lab.load_known[:, 0].all() and lab.load_known[15:630, 1].all()
    assert not lab.load_known[-40:, 1].any()
    found = compute_spatiotemporal(lab.positions, lab.marker_names, lab.rate, lab.roles, lab.events.events)
    table = found.summary().set_index("quantity")
    assert found.gait == "walking"
    assert found.belt.speed == pytest.approx(1.21, abs=0.02)
    assert table.loc["stance_pct", "mean"] == pytest.approx(62, abs=1)
    assert table.loc["step_length", "mean"] == pytest.approx(0.61, abs=0.01)


def test_walking_askew_to_the_axes_changes_nothing():
    positions, events = made_walk()
    angle = np.radians(25)
    turn = np.array([[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]])
    straight = compute_spatiotemporal(positions, NAMES, RATE, ROLES, events, belt_speed=0.0).summary()
    askew = compute_spatiotemporal(positions @ turn.T, NAMES, RATE, ROLES, events, belt_speed=0.0).summary()
    np.testing.assert_allclose(askew["mean"].astype(float), straight["mean"].astype(float), atol=1e-9)


@pytest.mark.parametrize("side", "rl")
def test_with_the_heel_of_one_foot_alone_times_remain(side: str):
    positions, events = made_walk()
    roles = {role: names for role, names in ROLES.items() if not role.endswith(f"_{side}")}
    found = compute_spatiotemporal(positions, NAMES, RATE, roles, events, belt_speed=0.0)
    table = found.summary().set_index("quantity")
    assert table.loc["step_time", "mean_r"] == pytest.approx(0.5)
    assert "step_length" not in table.index or np.isnan(table.loc["step_length", "mean"])


def test_belt_speed_given_wins_and_is_checked():
    positions, events = made_walk(belt=1.0)
    given = compute_spatiotemporal(positions, NAMES, RATE, ROLES, events, belt_speed=1.0)
    assert given.belt.how == "given"
    assert given.speed == pytest.approx(1.3 / 1.1, abs=1e-6)
    for wrong in (-1.0, float("nan"), float("inf")):
        with pytest.raises(InputError):
            compute_spatiotemporal(positions, NAMES, RATE, ROLES, events, belt_speed=wrong)


def test_without_heels_times_remain():
    positions, events = made_walk()
    result = compute_spatiotemporal(positions, NAMES, RATE, {}, events)
    assert result.strides["stride_length"].isna().all()
    assert result.strides["stride_time"].mean() == pytest.approx(1.1)
    empty = compute_spatiotemporal(positions, NAMES, RATE, ROLES, [])
    assert len(empty.strides) == 0 and np.isnan(empty.speed)
    assert isinstance(empty.summary(), pd.DataFrame)


@pytest.mark.parametrize(
    ("path", "speed"),
    [
        # Speeds from the data folders' own descriptions.
        ("biomechzoo_children/HC002D/straight/HC002D06.c3d", 1.30),
        ("biomechzoo_children/HC033A/straight/HC033A10.c3d", 1.41),
        ("biomechzoo_children/HC038A/straight/HC038A11.c3d", 1.28),
        ("btkdata_gait/PiG_Motion3_FF.c3d", 1.22),
        ("btkdata_gait/PiG_Motion-FlatFoot-Full.c3d", 1.15),
        ("btkdata_gait/FunctionalWalk.c3d", 1.20),
        ("btkdata_gait/Gait.c3d", 1.46),
        ("clinical_labs/MH/dynamic/MH_Dynamic_BF08.c3d", 0.76),
        ("clinical_labs/QCMAS/dynamic/QCMAS.dynamic.c3d", 1.27),
        ("omcs_overground/exampleOverground.c3d", 0.97),
        ("edge_c3d/ezc3d/Qualisys.c3d", 1.48),
    ],
)
def test_speed_of_real_trials(real_data: Path, path: str, speed: float):
    trial = read_c3d(real_data / path)
    if "Overground" in path:  # at 4 s the walker comes to a stand, with a last short step that is a stride too
        n, each = 400, round(trial.analog_rate / trial.point_rate)
        trial = replace(
            trial, positions=trial.positions[:n], residuals=trial.residuals[:n], outputs=trial.outputs[:n],
            analog=trial.analog[: n * each],
        )  # fmt: skip
    found = process_trial(trial)
    result = compute_spatiotemporal(found.positions, found.marker_names, found.rate, found.roles, found.events.events)
    assert result.belt.speed == 0.0
    assert result.speed == pytest.approx(speed, abs=0.03)


def test_asymmetric_patient(real_data: Path):
    found = process_trial(read_c3d(real_data / "clinical_labs/MH/dynamic/MH_Dynamic_BF08.c3d"))
    table = (
        compute_spatiotemporal(found.positions, found.marker_names, found.rate, found.roles, found.events.events)
        .summary()
        .set_index("quantity")
    )
    # Left and right as the folder's description measured them from the file's own events.
    assert table.loc["step_time", "mean_l"] == pytest.approx(0.70, abs=0.01)
    assert table.loc["step_time", "mean_r"] == pytest.approx(0.53, abs=0.01)
    assert table.loc["stance_time", "mean_l"] == pytest.approx(0.78, abs=0.02)
    assert table.loc["stance_time", "mean_r"] == pytest.approx(0.87, abs=0.02)


def test_treadmill_of_the_published_walk(real_data: Path):
    """subject01 walks on a treadmill: the pelvis stays, the belt is found from the standing feet."""
    from exogait.analysis.markers.roles import find_roles
    from exogait.analysis.signals.kinematic_events import events_from_markers

    files = sorted((real_data / "opensim_models/gait2392").rglob("subject01_walk1.trc"))
    if not files:
        pytest.skip("no walking trial of subject01")
    table = read_trc(files[0])
    names, positions = marker_labels(table), marker_array(table)
    rate = 1.0 / float(np.median(np.diff(table.index)))
    roles = find_roles(names)
    events = events_from_markers(positions, names, rate, roles)
    result = compute_spatiotemporal(positions, names, rate, roles, events)
    assert result.belt.how.startswith("belt speed from")
    assert 0.9 < result.belt.speed < 1.6
    assert result.speed == pytest.approx(result.belt.speed, abs=0.08)


def from_trc(path: Path):
    table = read_trc(path)
    positions = marker_array(table)
    empty = np.zeros((len(positions), 0, 3))
    return C3DFile(
        path=str(path),
        marker_names=tuple(marker_labels(table)),
        positions=positions,
        residuals=np.where(np.isfinite(positions).all(axis=2), 0.0, np.nan),
        output_names=(),
        outputs=empty,
        analog_names=(),
        analog=np.zeros((0, 0)),
        analog_units=(),
        point_rate=100.0,
        analog_rate=0.0,
        first_frame=1,
        events=(),
        platforms=(),
        parameters={},
        units="m",
        processor="text",
        warnings=(),
    )


def test_stroke_survivor_beside_a_control(real_data: Path):
    """Without plates: step lengths and stances as measured independently, asymmetry and its sign."""
    folder = real_data / "stroke_vancriekinge2023"
    truth = json.loads((folder / "trials.json").read_text())
    indices: dict[str, list[float]] = {"TVC03": [], "SBJ05": []}
    for path in sorted((folder / "trc").glob("*.trc")):
        found = process_trial(from_trc(path), method="zeni2008")  # as the folder's account was made
        result = compute_spatiotemporal(
            found.positions, found.marker_names, found.rate, found.roles, found.events.events
        )
        table = result.summary().set_index("quantity")
        known = truth[path.stem]
        assert result.speed == pytest.approx(known["speed"], abs=0.03), path.stem
        for side in "rl":
            expected = known[side.upper()]
            assert table.loc["step_length", f"mean_{side}"] == pytest.approx(expected["step_length_m"], abs=0.02)
            assert table.loc["stance_time", f"mean_{side}"] == pytest.approx(expected["stance_s"], abs=0.05)
        step = robinson_index(table.loc["step_length", "mean_r"], table.loc["step_length", "mean_l"])
        stance = robinson_index(table.loc["stance_time", "mean_r"], table.loc["stance_time", "mean_l"])
        indices[path.stem[:5]].append(step)
        if path.stem.startswith("TVC03"):
            # The right step is longer, the left foot stands longer.
            assert step > 25 and stance < -10
    assert np.abs(indices["SBJ05"]).max() < 12 < np.min(indices["TVC03"])
