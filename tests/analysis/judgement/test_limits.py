"""Every check of forces, plates and facts at its limit: just inside passes, just outside does not, and the number that
is printed is the one that was put in. Cases are made by hand, so that each number is known."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from exogait.analysis.judgement import balance, forces, plates, pressure, sources
from exogait.analysis.signals.clock import PLATES_LATE
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
    facts = {
        "load_rate": RATE, "rate": RATE, "load_known": np.ones((10_000, 2), bool),
        "loads": loads,
        "events": SimpleNamespace(events=events),
        "plates": (),
        "strikes": (),
        "roles": {},
        "marker_names": (),
    }
    return SimpleNamespace(
        mass=mass, resting=None, dynamics=None, lab=SimpleNamespace(**(facts | lab)),
        numbers=SimpleNamespace(belt=SimpleNamespace(speed=belt)),
    )  # fmt: skip


def verdicts(rows: Any) -> list[str]:
    return [row.verdict for row in rows]


# -- stances and weight -----------------------------------------------------------------------------------------------


def test_a_stance_is_whole_and_lasts_and_the_belt_is_added_to_its_points() -> None:
    found = forces.stances_of(case(belt=1.5))
    assert [(s.side, s.start, s.seconds, len(s.force)) for s in found] == [("r", 0.1, 0.6, N), ("l", 0.1, 0.6, N)]
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
    assert row.spoils == (("ground_reactions/*_r_*", "ground_reactions/*_l_*") if verdict == "fail" else ())


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
    rows = list(pressure.pressure_rows(case(travel=way / (480 / 599))))
    assert verdicts(rows) == [verdict] * 2 and all(row.found.endswith(word) for row in rows)
    assert [row.spoils for row in rows] == [
        pressure.spoiled_by_pressure(side) if verdict == "fail" else () for side in SIDES
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
    rows = list(pressure.pressure_rows(one))
    assert rows[0].found == f"{100 * (path[-100:].mean() - path[:100].mean()):.1f} cm"


def told(force: Any, side: int) -> list[tuple[str, str, tuple[str, ...]]]:
    """Verdict, number and what is spoiled of propulsion, sideways, fore-aft and vertical force of one leg."""
    return [(row.verdict, row.found, tuple(row.spoils)) for row in forces.force_rows(case(force))][4 * side :][:4]


@pytest.mark.parametrize(
    ("begin", "end", "aside", "verdict"),
    [
        (0.2, 1.0, 0.0, "pass"), (0.06, 1.0, 0.0, "pass"), (0.04, 1.0, 0.0, "fail"), (0.69, 1.0, 0.0, "pass"),
        (0.71, 1.0, 0.0, "fail"), (0.2, 0.66, 0.0, "pass"), (0.2, 0.64, 0.0, "fail"), (0.2, 1.24, 0.0, "pass"),
        (0.2, 1.26, 0.0, "fail"), (0.2, 1.0, 0.029, "pass"), (0.2, 1.0, 0.031, "fail"), (0.2, 1.0, -0.029, "pass"),
        (0.2, 1.0, -0.031, "fail"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("belt", [0.0, 1.2])
def test_the_pressure_lies_under_the_foot(begin: float, end: float, aside: float, verdict: str, belt: float) -> None:
    """First and last fifth between heel (0) and toe (1) of a foot 20 cm long; to the outer side is positive."""
    path = np.interp(np.arange(N), [N / 5 - 1, N / 5, 4 * N / 5 - 1, 4 * N / 5], [begin, begin, end, end]) * 0.2 + 0.5
    positions = np.tile([[0.5, 0.03, 0.1], [0.7, 0.03, 0.1]] * 2, (90, 1, 1))
    positions[:, 2:, 2] = -0.1
    path -= belt * np.arange(N) / RATE
    positions[:, :, 0] -= belt * (np.arange(90)[:, None] / 100 - 0.1)
    made = case(belt=belt, rate=100.0, positions=positions, marker_names=("RH", "RT", "LH", "LT"), roles={
        "heel_r": ("RH",), "toe_r": ("RT",), "heel_l": ("LH",), "toe_l": ("LT",)})  # fmt: skip
    for side, out in (("r", 1.0), ("l", -1.0)):
        point = np.column_stack([path, 0 * path, np.full(N, out * (0.1 + aside))])
        made.lab.loads[side] = load(side, np.tile([0.0, WEIGHT, 0.0], (N, 1)), point)
    rows = [row for row in pressure.pressure_rows(made) if "heel 0 to toe 1" in row.what]
    assert verdicts(rows) == [verdict] * 2
    assert rows[0].found == f"{begin:.2f} to {end:.2f}, {aside * 100:+.1f} cm"
    assert rows[1].spoils == (() if verdict == "pass" else pressure.spoiled_by_pressure("l"))


@pytest.mark.parametrize(("gain", "verdict"), [(0.001, "pass"), (-0.001, "fail"), (0.25, "pass")])
def test_propulsion_comes_after_braking(gain: float, verdict: str) -> None:
    along = np.where(np.arange(N) < N // 2, -0.5, 0.5) * gain * WEIGHT
    for k, side in enumerate(SIDES):
        spoils = () if verdict == "pass" else (f"ground_reactions/*_{side}_vx",)
        row = told(np.column_stack([along, np.full(N, WEIGHT), 0 * along]), k)[0]
        assert row == (verdict, f"{gain:+.3f} body weights", spoils)


@pytest.mark.parametrize(
    ("sideways", "up", "along", "wrong"),
    [
        (0.04, 1.1, 0.2, ""), (-0.019, 1.1, 0.2, ""), (-0.021, 1.1, 0.2, "vz"), (0.04, 0.81, 0.2, ""),
        (0.04, 0.79, 0.2, "*"), (0.04, 3.49, 0.2, ""), (0.04, 3.51, 0.2, "*"), (0.04, 1.1, 0.449, ""),
        (0.04, 1.1, 0.451, "vx"),
    ],
)  # fmt: skip
def test_forces_have_the_size_of_walking(sideways: float, up: float, along: float, wrong: str) -> None:
    """The midline lies to the left of a right foot: a medial force on it is negative. Each leg for itself."""
    force = np.tile([along, up, -sideways], (N, 1)) * WEIGHT
    force[: N // 2, 0] *= -1.0
    force[: N // 5, 2] = force[4 * N // 5 :, 2] = 50 * WEIGHT  # strike and push-off tell nothing of the side
    for k, side in enumerate(SIDES):
        _, medial, fore_aft, vertical = told(force, k)
        columns = {"vz": medial, "vx": fore_aft, "*": vertical}
        assert [row[1].split()[0] for row in columns.values()] == [f"{sideways:+.3f}", f"{along:.2f}", f"{up:.2f}"]
        for column, (verdict, _, spoils) in columns.items():
            assert (verdict, spoils) == (
                ("fail", (f"ground_reactions/*_{side}_{column}",)) if wrong == column else ("pass", ())
            )


def test_a_pressure_far_from_the_foot_that_stood_there_speaks_for_all_plates() -> None:
    far = SimpleNamespace(timed="l", plate=1, cop_distance=0.237)
    near = SimpleNamespace(timed=None, plate=0, cop_distance=0.01)
    row, *others = pressure.pressure_rows(case(strikes=(near, far)))
    assert row.verdict == "fail" and row.found == "24 cm" and "plate 2" in row.what
    assert set(row.spoils) == {*pressure.spoiled_by_pressure("r"), *pressure.spoiled_by_pressure("l")}
    assert verdicts(others) == ["pass", "pass"]


def test_without_a_stance_nothing_is_said_of_its_forces() -> None:
    empty = case(n=10)
    for check in (pressure.pressure_rows, forces.force_rows):
        assert list(check(empty)) == []


# -- what the body needs ----------------------------------------------------------------------------------------------


def moved(measured: tuple[float, float], needed: tuple[float, float], spread: float = 0.0, axis: int = 0) -> Any:
    """A right foot that stands alone: fore-aft and vertical force, measured and needed, over body weight."""
    made = case((measured[0] * WEIGHT, measured[1] * WEIGHT, 0.0))
    made.lab.loads["l"] = load("l", np.zeros((0, 3)), np.zeros((0, 3)), before=400, after=400)
    time = 0.1 + np.arange(60) / 100
    lacking = {"pelvis_tx": needed[0] - measured[0], "pelvis_ty": needed[1] - measured[1], "pelvis_tz": 0.01}
    table = pd.DataFrame({name: np.full(len(time), value * WEIGHT) for name, value in lacking.items()}, time)
    table.iloc[:, axis] += spread * WEIGHT * np.where(np.arange(len(time)) % 2, 1.0, -1.0)
    made.dynamics = SimpleNamespace(generalized_forces=table)
    return made


@pytest.mark.parametrize(("gain", "good"), [(0.83, True), (0.81, False), (1.14, True), (1.16, False)])
def test_a_foot_carries_what_moves_the_body(gain: float, good: bool) -> None:
    vertical, fore_aft = balance.balance_rows(moved((0.1, 1.0), (0.1, 1.0 / gain)))
    assert vertical.verdict == ("pass" if good else "fail") and fore_aft.verdict == "pass"
    assert vertical.found == f"x {gain:.2f}, ± {abs(1 / gain - 1):.2f} body weights"
    assert vertical.spoils == (() if good else tuple(f"ground_reactions/*_r_{part}" for part in ("vy", "vz", "p?")))


@pytest.mark.parametrize(("gain", "alone"), [(0.81, True), (0.79, False), (1.29, True), (1.31, False)])
def test_a_gain_of_the_vertical_channel_alone_leaves_the_fore_aft_force(gain: float, alone: bool) -> None:
    vertical, fore_aft = balance.balance_rows(moved((0.1, 1.0), (0.1 / gain, 0.8)))
    assert vertical.verdict == "fail" and fore_aft.verdict == "pass"
    assert ("ground_reactions/*_r_vy" in vertical.spoils) is alone
    assert ("ground_reactions/*_r_*" in vertical.spoils) is not alone


@pytest.mark.parametrize(("spread", "good"), [(0.24, True), (0.26, False)])
def test_a_foot_carries_it_at_every_instant(spread: float, good: bool) -> None:
    (found,) = balance.balances(moved((0.1, 1.0), (0.1, 1.0), spread, axis=1)).values()
    assert found.carries is good and found.error[1] == pytest.approx(spread)
    assert found.gain[1] == pytest.approx(1 / (1 + spread**2), rel=1e-3)


@pytest.mark.parametrize(
    ("measured", "needed", "spread", "good"),
    [(0.01, 0.01 / 0.11, 0.0, True), (0.01, 0.01 / 0.09, 0.0, False), (0.1, 0.1, 0.149, True),
     (0.1, 0.1, 0.151, False)],
)  # fmt: skip
def test_a_foot_pushes_the_body_the_way_it_goes(measured: float, needed: float, spread: float, good: bool) -> None:
    vertical, fore_aft = balance.balance_rows(moved((measured, 1.0), (needed, 1.0), spread))
    assert vertical.verdict == "pass" and fore_aft.verdict == ("pass" if good else "fail")
    assert fore_aft.spoils == (() if good else ("ground_reactions/*_r_vx",))


def test_a_tenth_of_a_second_alone_tells_what_a_foot_carries() -> None:
    made = moved((0.1, 1.0), (0.1, 1.0))
    for last, known in ((0.205, True), (0.185, False)):
        part = made.dynamics.generalized_forces.loc[:last]
        assert bool(balance.balances(SimpleNamespace(**vars(made) | {"dynamics": SimpleNamespace(
            generalized_forces=part)}))) is known  # fmt: skip
    made.lab.loads["l"] = made.lab.loads["r"]
    assert balance.balances(made) == {}
    made.dynamics = None
    assert balance.balances(made) == {}


# -- plates -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("used", [True, False])
def test_plates_are_on_the_clock_of_markers_or_of_the_file(used: bool) -> None:
    strikes = [GaitEvent(t, "r", "heel_strike") for t in (1.0, 2.0, 3.0)]
    marks = [*strikes, *(replace(e, time=e.time + 0.6, kind="toe_off") for e in strikes)]
    kept = (GaitEvent(1.0, "r", "heel_strike", "plate"),) if used else ()
    for late, verdict in ((PLATES_LATE - 1e-3, "pass"), (PLATES_LATE + 1e-3, "fail")):
        found: Any = {"plate": [replace(e, time=e.time + late) for e in marks], "oconnor2007": marks}
        (row,) = plates.clock_rows(case(events=SimpleNamespace(by_method=found, events=kept)))
        assert row.verdict == verdict and row.found == f"{late * 1e3:+.0f} ms against markers"
        assert row.spoils == (("ground_reactions/*", *(("events/*",) if used else ())) if verdict == "fail" else ())
        found["c3d"] = found["plate"]
        (row,) = plates.clock_rows(case(events=SimpleNamespace(by_method=found, events=kept)))
        assert row.verdict == "pass" and row.found.endswith("+0 ms against the file's events")
    assert list(plates.clock_rows(case(events=SimpleNamespace(by_method={}, events=())))) == []


def strike(side: str, plate: int, *, accepted: bool = True) -> Any:
    return SimpleNamespace(side=side, plate=plate, accepted=accepted)


CORNERS = np.array([[0.3, 0, 0.2], [-0.3, 0, 0.2], [-0.3, 0, -0.2], [0.3, 0, -0.2]])


def plate_case(*, flat: int = 1, zero: float = 0.0, strikes: Any = None, kind: int = 2, away: float = 0.5) -> Any:
    """A plate whose channel stands at its end for some samples, and that shows a force while the foot is beside it."""
    channel = np.zeros((1000, 6))
    channel[500 : 500 + flat, 2] = -800.0
    vertical = np.zeros(1000)
    vertical[:150] = zero
    plate = SimpleNamespace(contacts=(Contact(0, 0.3, 0.9, True),), vertical=vertical, rate=RATE, corners=CORNERS)
    places = np.zeros((100, 2, 3))
    places[:15, :, 0] = 0.3 + away  # beyond the front edge in the first 0.15 s, then on the plate
    made = case(
        plates=(plate,), strikes=(strike("l", 0),) if strikes is None else strikes, rate=100.0, positions=places,
        marker_names=("H", "T"), roles={"heel_l": ("H",), "toe_l": ("T",)},
    )  # fmt: skip
    made.recording = SimpleNamespace(
        forces=None, analog_rate=RATE, analog=channel,
        platforms=(SimpleNamespace(type=kind, index=0, channels=tuple(range(6))),),
    )  # fmt: skip
    return made


def test_a_channel_may_stand_at_its_end_for_ten_milliseconds() -> None:
    assert list(plates.signal_rows(plate_case(flat=10))) == []
    (row,) = plates.signal_rows(plate_case(flat=11))
    assert row.verdict == "fail" and row.found.startswith("11 ms") and "plate 1" in row.what
    assert row.spoils == ("ground_reactions/*_l_*",)


def test_a_plate_that_nobody_is_near_may_show_twelve_newtons() -> None:
    assert list(plates.signal_rows(plate_case(zero=11.9))) == []
    for zero in (12.6, -12.6):
        (row,) = plates.signal_rows(plate_case(zero=zero))
        assert row.verdict == "fail" and row.found == "13 N" and row.spoils == ("ground_reactions/*_l_*",)
    # Within a decimetre of the plate a foot may stand on it.
    assert plates.unloaded_force(plate_case(zero=99.0, away=0.101), plate_case(zero=99.0).lab.plates[0]) == 99.0
    assert plates.unloaded_force(plate_case(zero=99.0, away=0.099), plate_case(zero=99.0).lab.plates[0]) == 0.0


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
