"""Every check of forces, plates and facts at its limit: just inside passes, just outside does not, and the number that
is printed is the one that was put in. Cases are made by hand, so that each number is known."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from exogait.analysis.judgement import forces, plates, sources
from exogait.analysis.signals.plates import Contact
from exogait.analysis.signals.strikes import FootLoad
from exogait.data.constants import GRAVITY
from exogait.data.errors import FileFormatError
from exogait.data.names import SIDES
from exogait.data.trial import GaitEvent

RATE = 1000.0
MASS = 70.0
WEIGHT = MASS * GRAVITY
N = 600
"""Samples of a stance."""


@pytest.fixture(autouse=True)
def nobody_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    """The static trial has no plates, unless a test says what it tells."""

    def no_plates(_: object) -> float:
        raise FileFormatError("static.c3d", "has no plates")

    monkeypatch.setattr(forces, "standing_mass", no_plates)


def load(side: str, force: np.ndarray, point: np.ndarray, before: int = 100, after: int = 100) -> FootLoad:
    """One stance with samples of nothing around it."""

    def around(values: np.ndarray) -> np.ndarray:
        return np.concatenate([np.zeros((before, 3)), values, np.zeros((after, 3))])

    loaded = np.concatenate([np.zeros(before, bool), np.ones(len(force), bool), np.zeros(after, bool)])
    return FootLoad(side, around(force), around(point), 0 * around(force), loaded)


def case(
    force: Any = (0.0, WEIGHT, 0.0), travel: float = 0.2, *, belt: float = 0.0, mass: float = MASS,
    before: int = 100, after: int = 100, n: int = N, **lab: Any,
) -> Any:  # fmt: skip
    """A walk with one stance a leg: forces (r, with the sideways one turned for l) and a pressure that runs ahead."""
    shape = np.broadcast_to(np.asarray(force, float), (n, 3)).copy()
    point = np.outer(np.linspace(0.0, travel, n), [1.0, 0.0, 0.0])
    loads = {side: load(side, shape * [1, 1, 1 if side == "r" else -1], point, before, after) for side in SIDES}
    events = tuple(GaitEvent(t, side, "heel_strike") for side in SIDES for t in (0.1, 1.1))
    facts = {"load_rate": RATE, "loads": loads, "events": SimpleNamespace(events=events), "plates": (), "strikes": ()}
    return SimpleNamespace(
        mass=mass, resting=None, lab=SimpleNamespace(**(facts | lab)), numbers=SimpleNamespace(belt=SimpleNamespace(
            speed=belt)),
    )  # fmt: skip


def verdicts(rows: Any) -> list[str]:
    return [row.verdict for row in rows]


# -- stances and weight -----------------------------------------------------------------------------------------------


def test_a_stance_is_whole_and_lasts_and_the_belt_is_added_to_its_points() -> None:
    found = forces.stances_of(case(belt=1.5))
    assert [(s.side, s.seconds, len(s.force)) for s in found] == [("r", 0.6, N), ("l", 0.6, N)]
    np.testing.assert_allclose(found[0].point[:, 0], np.linspace(0, 0.2, N) + 1.5 * np.arange(N) / RATE, atol=1e-12)
    np.testing.assert_allclose(found[0].force[:, 1], WEIGHT)
    assert forces.stances_of(case(before=0)) == [] and forces.stances_of(case(after=0)) == []
    assert len(forces.stances_of(case(n=300))) == 2 and forces.stances_of(case(n=299)) == []
    assert forces.stances_of(case(load_rate=0.0)) == []


def test_what_a_strides_contacts_carry_is_the_weight(monkeypatch: pytest.MonkeyPatch) -> None:
    """0.6 s a leg in a stride of 1 s: a mean force of 500 N carries 600 N."""
    assert forces.weights(case((0, 500.0, 0))) == pytest.approx({"walking": 600.0 / GRAVITY})
    events = SimpleNamespace(events=(GaitEvent(0.1, "r", "heel_strike"), GaitEvent(1.3, "r", "heel_strike")))
    assert forces.weights(case((0, 500.0, 0), events=events)) == pytest.approx({"walking": 500.0 / GRAVITY})
    one = case((0, 500.0, 0))
    one.lab.loads["l"] = load("l", np.zeros((0, 3)), np.zeros((0, 3)))
    assert forces.weights(one) == {}
    monkeypatch.setattr(forces, "standing_mass", lambda _: 71.0)
    assert forces.weights(one) == {"standing": 71.0}


@pytest.mark.parametrize(
    ("share", "verdict"),
    [(1.0, "pass"), (1.049, "pass"), (0.951, "pass"), (1.051, "warn"), (0.949, "warn"), (1.099, "warn"),
     (1.101, "fail"), (0.899, "fail")],
)  # fmt: skip
def test_weight_within_five_percent_passes_and_beyond_ten_fails(share: float, verdict: str) -> None:
    (row,) = forces.weight_rows(case((0, share * WEIGHT / 1.2, 0)))
    assert row.verdict == verdict
    assert row.found == f"70.0 kg stated, {share * MASS:.1f} kg walking ({share - 1:+.0%})"
    assert row.spoils == (("ground_reactions/*",) if verdict == "fail" else ())


def test_of_two_weights_the_nearer_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forces, "standing_mass", lambda _: 1.02 * MASS)
    (row,) = forces.weight_rows(case((0, 1.3 * WEIGHT / 1.2, 0)))
    assert row.verdict == "pass" and row.found == "70.0 kg stated, 71.4 kg standing and 91.0 kg walking (+2%)"
    assert "--mass 71.4?" in row.todo


def test_without_a_known_stride_weight_is_not_judged() -> None:
    assert list(forces.weight_rows(case(n=100))) == []
    assert verdicts(forces.weight_rows(case(n=100, plates=("one",)))) == ["not judged"]


# -- shape of the forces ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("way", "verdict", "word"), [
    (0.0302, "pass", "3.0 cm"), (0.0298, "fail", "3.0 cm: it stands still"), (-0.0298, "fail", ": it stands still"),
    (-0.0302, "fail", ": it runs backwards"), (0.14, "pass", "14.0 cm"),
])  # fmt: skip
def test_the_pressure_runs_three_centimetres(way: float, verdict: str, word: str) -> None:
    """Means over the first and last fifth of a ramp lie four fifths of its length apart."""
    rows = list(forces.pressure_rows(case(travel=way / (480 / 599))))
    assert verdicts(rows) == [verdict] * 2 and all(row.found.endswith(word) for row in rows)
    assert [row.spoils for row in rows] == [
        (f"ground_reactions/*_{side}_*",) if verdict == "fail" else () for side in SIDES
    ]


def test_the_pressure_counts_where_the_foot_is_firm() -> None:
    """Below 30 % of the largest force the pressure may be anywhere."""
    force = np.tile([0.0, WEIGHT, 0.0], (N, 1))
    one = case(force)
    for side in SIDES:
        part = one.lab.loads[side]
        force, point = part.force.copy(), part.point.copy()
        force[100:200, 1], point[100:200, 0] = 0.29 * WEIGHT, 5.0
        force[600:700, 1] = 0.31 * WEIGHT
        one.lab.loads[side] = replace(part, force=force, point=point)
    path = np.linspace(0.0, 0.2, N)[100:]
    rows = list(forces.pressure_rows(one))
    assert rows[0].found == f"{100 * (path[-100:].mean() - path[:100].mean()):.1f} cm"


@pytest.mark.parametrize(("gain", "verdict"), [(0.001, "pass"), (-0.001, "fail"), (0.25, "pass")])
def test_propulsion_comes_after_braking(gain: float, verdict: str) -> None:
    along = np.where(np.arange(N) < N // 2, -0.5, 0.5) * gain * WEIGHT
    rows = list(forces.braking_rows(case(np.column_stack([along, np.full(N, WEIGHT), 0 * along]))))
    assert verdicts(rows) == [verdict] * 2 and rows[0].found == f"{gain:+.3f} body weights"
    assert rows[1].spoils == (("ground_reactions/*_l_*",) if verdict == "fail" else ())


@pytest.mark.parametrize(
    ("sideways", "up", "along", "expected"),
    [
        (0.04, 1.1, 0.2, ["pass", "pass"]), (-0.019, 1.1, 0.2, ["pass", "pass"]), (-0.021, 1.1, 0.2, ["fail", "pass"]),
        (0.04, 0.81, 0.2, ["pass", "pass"]), (0.04, 0.79, 0.2, ["pass", "fail"]), (0.04, 3.49, 0.2, ["pass", "pass"]),
        (0.04, 3.51, 0.2, ["pass", "fail"]), (0.04, 1.1, 0.449, ["pass", "pass"]), (0.04, 1.1, 0.451, ["pass", "fail"]),
        (0.04, 1.1, -0.451, ["pass", "fail"]),
    ],
)  # fmt: skip
def test_forces_have_the_size_of_walking(sideways: float, up: float, along: float, expected: list[str]) -> None:
    """The midline lies to the left of a right foot: a medial force on it is negative."""
    force = np.tile([along, up, -sideways], (N, 1)) * WEIGHT
    force[: N // 5, 2] = force[4 * N // 5 :, 2] = 50 * WEIGHT  # strike and push-off tell nothing of the side
    medial, size = forces.shape_rows(case(force))
    assert [medial.verdict, size.verdict] == expected
    assert medial.found == f"{sideways:+.3f} body weights"
    assert size.found == f"{up:.2f} and {abs(along):.2f} body weights"
    assert [row.spoils for row in (medial, size)] == [("ground_reactions/*",) if v == "fail" else () for v in expected]


def test_without_a_stance_nothing_is_said_of_its_forces() -> None:
    empty = case(n=10)
    for check in (forces.pressure_rows, forces.braking_rows, forces.shape_rows):
        assert list(check(empty)) == []


# -- plates -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("late", "verdict"), [(0.099, "pass"), (0.101, "fail")])
def test_plates_and_markers_are_on_one_clock(late: float, verdict: str) -> None:
    marks = [GaitEvent(t, "r", "heel_strike") for t in (1.0, 2.0, 3.0)]
    found = {"plate": [replace(e, time=e.time + late) for e in marks[:2]] + marks[2:], "zeni2008": marks}
    (row,) = plates.clock_rows(case(events=SimpleNamespace(by_method=found)))
    assert row.verdict == verdict and row.found == f"{late * 1e3:.0f} ms"
    assert row.spoils == (("events/*", "ground_reactions/*") if verdict == "fail" else ())
    assert list(plates.clock_rows(case(events=SimpleNamespace(by_method={})))) == []


def strike(side: str, plate: int, *, accepted: bool = True, away: float = 0.01) -> Any:
    return SimpleNamespace(side=side, plate=plate, accepted=accepted, cop_distance=away)


@pytest.mark.parametrize(("away", "verdict"), [(0.0399, "pass"), (0.0401, "fail")])
def test_the_pressure_lies_within_four_centimetres_of_the_foot(away: float, verdict: str) -> None:
    rows = (strike("r", 0, away=away), strike("l", 1, away=0.0), strike("l", 1, away=0.2),
            strike("r", 0, away=9.0, accepted=False), strike("r", 0, away=np.nan))  # fmt: skip
    (row,) = plates.place_rows(case(strikes=rows))
    assert row.verdict == verdict and row.found == f"{away * 100:.1f} cm"
    assert list(plates.place_rows(case(strikes=rows[3:]))) == []


def plate_case(*, flat: int = 1, after: float = 0.0, strikes: Any = None, kind: int = 2, seconds: float = 0.3) -> Any:
    """A plate whose channel stands at its end for some samples, and whose zero moves under the contact."""
    n = round((0.6 + 2 * seconds) * RATE)
    contact = Contact(0, seconds, seconds + 0.6, True)
    channel = np.zeros((n, 6))
    channel[500 : 500 + flat, 2] = -800.0
    force = np.zeros((n, 3))
    force[round((seconds + 0.6) * RATE) :, 1] = after
    plate = SimpleNamespace(contacts=(contact,), force=force, time=np.arange(n) / RATE)
    recording = SimpleNamespace(
        forces=None, analog_rate=RATE, analog=channel,
        platforms=(SimpleNamespace(type=kind, index=0, channels=tuple(range(6))),),
    )  # fmt: skip
    made = case(plates=(plate,), strikes=(strike("l", 0),) if strikes is None else strikes)
    made.recording = recording
    return made


def test_a_channel_may_stand_at_its_end_for_ten_milliseconds() -> None:
    assert list(plates.signal_rows(plate_case(flat=10))) == []
    (row,) = plates.signal_rows(plate_case(flat=11))
    assert row.verdict == "fail" and row.found.startswith("11 ms") and "plate 1" in row.what
    assert row.spoils == ("ground_reactions/*_l_*",)


def test_a_zero_may_move_by_ten_newtons() -> None:
    assert list(plates.signal_rows(plate_case(after=9.9))) == []
    (row,) = plates.signal_rows(plate_case(after=-10.6))
    assert row.verdict == "fail" and row.found == "11 N apart" and row.spoils == ("ground_reactions/*_l_*",)
    # A tenth of a second around the contact counts as loaded, and as much has to be left.
    assert list(plates.signal_rows(plate_case(after=50.0, seconds=0.19))) == []


def test_a_plate_under_nobody_spoils_nothing() -> None:
    for strikes in ((), (strike("l", 0, accepted=False),), (strike("l", 1),)):
        assert list(plates.signal_rows(plate_case(flat=50, strikes=strikes))) == []
    assert list(plates.signal_rows(plate_case(flat=50, kind=3))) == []
    both = (strike("l", 0), strike("r", 0))
    assert {row.spoils for row in plates.signal_rows(plate_case(flat=50, strikes=both))} == {
        ("ground_reactions/*_r_*", "ground_reactions/*_l_*")
    }


# -- facts that two sources state ------------------------------------------------------------------------------------


def standing_case(speed: float) -> Any:
    """Three markers that drift while the window lasts, from 1 to 2 s, and run before and after it."""
    time = np.arange(300) / 100.0
    along = np.where(time < 1.0, 5 * time, np.where(time > 2.0, 5 * time, speed * (time - 1.0)))
    columns = {f"{m}_{axis}": (along if axis == "x" else 0 * along) + k for k, m in enumerate("abc") for axis in "xyz"}
    return SimpleNamespace(
        standing=pd.DataFrame(columns, index=pd.Index(time, name="time")),
        scale=SimpleNamespace(window=(1.0, 2.0)), resting=SimpleNamespace(point_rate=100.0, parameters={}),
    )  # fmt: skip


@pytest.mark.parametrize(("speed", "verdict"), [(0.0, "pass"), (0.099, "pass"), (0.101, "fail")])
def test_whoever_stands_moves_by_less_than_a_decimetre_a_second(speed: float, verdict: str) -> None:
    (row,) = sources.standing_rows(standing_case(speed))
    assert row.verdict == verdict and row.found.startswith(f"{speed:.2f} m/s")
    assert row.spoils == (("coordinates/*",) if verdict == "fail" else ())
    short = standing_case(speed)
    short.scale.window = (1.0, 1.01)
    assert list(sources.standing_rows(short)) == []
    short.scale.window = (1.0, 1.02)
    assert verdicts(sources.standing_rows(short)) == [verdict]


@pytest.mark.parametrize(("share", "verdict"), [(1.049, "pass"), (0.951, "pass"), (1.051, "warn"), (0.949, "warn")])
def test_the_files_mass_within_five_percent_passes(share: float, verdict: str) -> None:
    of_file = {"PROCESSING": {"BodyMass": np.array([MASS])}}
    made = SimpleNamespace(mass=share * MASS, resting=SimpleNamespace(parameters=of_file), recording=SimpleNamespace(
        parameters={"PROCESSING": {"BODYMASS": np.array([0.0])}}))  # fmt: skip
    (row,) = sources.mass_rows(made)  # pyright: ignore[reportArgumentType]
    assert row.verdict == verdict and "static trial" in row.what
    assert row.found == f"{share * MASS:.1f} and 70.0 kg ({share - 1:+.0%})"
