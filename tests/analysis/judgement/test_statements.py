"""What the data-quality page states: every number in a row is that of the thing it is about, at its limit too."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from exogait.analysis.c3d.applied import AppliedForce, ForceRecord
from exogait.analysis.gait.belt import Belt
from exogait.analysis.judgement import statements
from exogait.analysis.markers.map import MapMarker, MarkerMatch
from exogait.analysis.markers.swaps import Swap
from exogait.analysis.signals.event_choice import EventChoice
from exogait.analysis.signals.events import DetectedEvents, EventAgreement
from exogait.analysis.signals.filters import Gap
from exogait.analysis.signals.strikes import PlateStrike
from exogait.data.trial import GaitEvent
from tests.analysis.signals.test_events import stated


def found(rows: Any) -> dict[str, str]:
    return {row.what: row.found for row in rows}


def verdicts(rows: Any) -> dict[str, str]:
    return {row.what: row.verdict for row in rows}


def test_a_file_says_what_it_holds() -> None:
    zero = np.zeros((11, 3))
    force = AppliedForce("1", zero, zero, zero)
    table = ForceRecord("a/g.mot", 2.0 + np.arange(11) / 10, (force, force), (force,), ("in millimetres",))
    warned = ("parameter A:B occurs twice, ...", *(f"parameter C:{k} occurs twice" for k in range(3)), "no events")
    file = replace(stated((1.0, "r", "heel_strike")), forces=table, start=2.5, warnings=warned)
    rows = statements.file_rows(file, "walk")
    assert found(rows) == {
        "walk trial": "300 frames at 100 Hz (3.00 s), 0 markers in m, 0 analog channels at 1000 Hz, 0 force plates, "
                      "1 events",
        "walk trial, oddity": "no events",
        "walk trial, repeated parameters": "4 (A:B, C:0, C:1 ...); the first of each counts",
        "walk trial, forces in g.mot": "2 ground reactions and 1 device loads at 10 Hz, 2.00 to 3.00 s; the first "
                                       "frame is at 2.500 s of it",
        "walk trial, forces": "in millimetres",
    }  # fmt: skip
    assert [row.verdict for row in rows] == ["info", "warn", "info", "info", "warn"]
    few = statements.file_rows(replace(file, forces=None, warnings=warned[:3]), "walk")
    assert found(few)["walk trial, repeated parameters"] == "3 (A:B, C:0, C:1); the first of each counts"


def test_gaps_are_counted_of_the_markers_that_are_used() -> None:
    gaps = [
        Gap("A", 0.1, 0.04, "filled"), Gap("B", 0.2, 0.09, "filled"), Gap("X", 0.2, 0.1, "filled"),
        Gap("A", 1.25, 0.31, "left: longer than the limit"), Gap("B", 0.0, 0.5, "left: at the edge of the recording"),
        Gap("A", 2.0, 0.5, "left: at the edge of the recording"),
    ]  # fmt: skip
    rows = statements.gap_rows(gaps, 0.1, ["A", "B"])
    assert found(rows) == {
        "gaps bridged by a spline": "2 filled, longest 90 ms", "gap in A": "310 ms from 1.25 s: not filled",
        "not seen at the ends of the recording": "A, B",
    }  # fmt: skip
    assert [row.verdict for row in rows] == ["pass", "warn", "info"] and rows[0].limit == "≤ 100 ms each"
    assert found(statements.gap_rows([], 0.1, ["A"])) == {"gaps bridged by a spline": "0 filled"}


def test_every_contact_has_its_row() -> None:
    strikes = [
        PlateStrike(0, 0.5, 1.125, "r", True, "whole foot", True, 0.01, 0.0),
        PlateStrike(2, 1.0, 1.5, "", False, "nobody near", True, np.nan, np.nan),
    ]
    rows = statements.strike_rows(strikes)
    assert found(rows) == {
        "plate 1, 0.50–1.12 s": "right foot, accepted: whole foot",
        "plate 3, 1.00–1.50 s": "neither foot, rejected: nobody near",
    }
    assert [row.verdict for row in rows] == ["pass", "warn"]
    assert [row.verdict for row in statements.strike_rows([])] == ["warn"]


def detected(events: tuple[GaitEvent, ...], by_method: Any, agreed: Any = (), notes: Any = ()) -> DetectedEvents:
    return DetectedEvents(events, by_method, agreed, notes, EventChoice("zeni2008", "oconnor2007"))


def agreement(mean: float, **changes: Any) -> EventAgreement:
    row = EventAgreement("zeni2008", "plate", "heel_strike", 3, mean, 0.012, 0.061, 0)
    return replace(row, **changes)


@pytest.mark.parametrize(("mean", "verdict"), [(0.0349, "pass"), (-0.0349, "pass"), (0.0351, "warn"), (-0.04, "warn")])
def test_ways_to_find_events_agree_within_two_frames(mean: float, verdict: str) -> None:
    events = tuple(GaitEvent(t, "r", "heel_strike", s) for t, s in ((0.5, "plate"), (1.5, "plate"), (2.5, "c3d")))
    other = agreement(0.0, reference="c3d")
    rows = statements.event_rows(detected(events, {"plate": events}, (agreement(mean), other), ("one dropped",)))
    assert found(rows) == {
        "events used": "2 from plate, 1 from c3d",
        "heel strike, zeni2008 against plate": f"{mean * 1000:+.0f} ± 12 ms, largest 61 ms (n = 3)",
        "note": "one dropped",
    }
    assert [row.verdict for row in rows] == ["info", verdict, "info"]
    lone = detected(events, {"plate": events}, (agreement(mean, n=1, sd=np.nan),), ())
    assert statements.event_rows(lone)[1].found == f"{mean * 1000:+.0f} ms, largest 61 ms (n = 1)"


@pytest.mark.parametrize(("source", "verdict"), [("kinematics", "fail"), ("plate", "warn")])
def test_a_way_that_meets_no_event_of_the_other_fails_where_its_events_are_used(source: str, verdict: str) -> None:
    events = (GaitEvent(0.5, "r", "heel_strike", source),)
    lost = agreement(np.nan, n=0, unmatched=4)
    row = statements.event_rows(detected(events, {"plate": events}, (lost,), ()))[1]
    assert row.verdict == verdict and row.found == "none of 4 within 150 ms of one of the other"
    assert row.spoils == (("events/*",) if verdict == "fail" else ())
    nothing = agreement(np.nan, n=0, unmatched=0)
    assert len(statements.event_rows(detected(events, {"plate": events}, (nothing,), ()))) == 1
    toes = agreement(np.nan, n=0, unmatched=4, kind="toe_off")  # whose method is another one
    assert statements.event_rows(detected(events, {"plate": events}, (toes,)))[1].verdict == "warn"
    seen = statements.event_rows(detected(events, {"zeni2008": events}))
    assert found(seen)["method on the markers"] == (
        "heel strikes by zeni2008 (as asked); toe offs by oconnor2007 (as asked)"
    )
    none = statements.event_rows(detected((), {}, (), ()))
    assert none[0].verdict == "fail" and none[0].found == "none"


def test_what_a_map_lacks_is_named_with_what_is_near() -> None:
    marker_map: Any = SimpleNamespace(name="Plug-in Gait", key="pig", markers={"A": 1, "B": 2, "C": 3})
    walk = MarkerMatch({"A": "a"}, {"B": ("b1", "b2"), "C": ()}, ())
    rows = statements.map_rows(marker_map, walk, MarkerMatch({"A": "a", "B": "b", "C": "c"}, {}, ()))
    assert found(rows) == {
        "set": "Plug-in Gait (pig)", "found in the static trial": "3 of 3",
        "found in the walk trial": "1 of 3; missing: B (nearest: b1 or b2), C",
    }  # fmt: skip
    assert [row.verdict for row in rows] == ["info", "pass", "warn"]


def test_a_path_that_was_rebuilt_says_from_which_markers() -> None:
    done: Any = SimpleNamespace(place=4, why="leaps", start=1.25, neighbours=(2, 3))
    (row,) = statements.rebuilt_rows([done], {2: "B", 3: "C", 4: "D"})
    assert (row.what, row.verdict) == ("path of D", "warn")
    assert row.found == "leaps: rebuilt from 1.25 s on from B, C"


def test_an_exchange_says_by_how_much() -> None:
    (row,) = statements.swap_rows([Swap("A", "B", 0.052, 0.003)])
    assert "off by 52 mm as labelled, by 3 mm" in row.found and row.verdict == "warn"


@pytest.mark.parametrize(("rms", "verdict"), [(0.99, "pass"), (1.01, "warn"), (2.99, "warn"), (3.01, "fail")])
def test_the_static_pose_is_judged_by_landmarks_of_pelvis_and_legs(rms: float, verdict: str) -> None:
    bodies = {"A": ("pelvis", 1.0), "B": ("tibia_r", 1.0), "D": ("femur_l", 1.0), "C7": ("torso", 1.0),
              "TOE": ("toes_r", 1.0), "HEE": ("calcn_r", 1.0), "W": ("femur_r", 0.0)}  # fmt: skip
    markers = {label: MapMarker(label, where, None, weight, 1.0) for label, (where, weight) in bodies.items()}
    far = rms * np.sqrt(2) / 100
    worst = far + 0.001  # counts as the largest, and not in the mean
    errors = pd.Series({"A": 0.0, "D": worst, "B": far, "C7": 0.5, "TOE": 0.5, "HEE": 0.5, "W": 0.5, "gone": np.nan})
    factors = pd.DataFrame({axis: [0.9, 1.15] for axis in "xyz"})
    scaled: Any = SimpleNamespace(marker_errors=errors, factors=factors, window=(0.25, 1.25), notes=("no pair",))
    rows = statements.scale_rows(scaled, SimpleNamespace(markers=markers))  # pyright: ignore
    assert found(rows) == {
        "landmarks of pelvis and legs in the static pose but the worst, RMS": f"{rms:.2f} cm",
        "largest (D)": f"{100 * worst:.2f} cm",
        "scale factors": "0.90 to 1.15", "part of the static trial": "0.25 to 1.25 s", "note": "no pair",
    }  # fmt: skip
    assert rows[0].verdict == verdict and rows[0].spoils == (("coordinates/*",) if verdict == "fail" else ())
    assert rows[1].verdict == ("pass" if 100 * worst <= 2.0 else "warn") and rows[1].limit == "≤ 2 cm"


@pytest.mark.parametrize(("rms", "largest", "verdict"), [
    (0.0199, 0.0399, "pass"), (0.0201, 0.0401, "warn"), (0.0399, 0.05, "warn"), (0.0401, 0.05, "fail"),
])  # fmt: skip
def test_marker_errors_follow_opensims_guidance(rms: float, largest: float, verdict: str) -> None:
    far = rms * np.sqrt(2)
    table = pd.DataFrame({"rms": [0.0, 9.0, far, np.nan, 9.0], "max": [0.01, largest, 0.0, 0.0, 9.0]}, [*"ABCD", "all"])
    error, most = statements.kinematics_rows(SimpleNamespace(error_table=lambda: table))  # pyright: ignore
    assert error.found == f"{100 * rms:.2f} cm" and error.verdict == verdict
    assert most.what == "largest marker error (B)" and most.found == f"{100 * largest:.2f} cm"
    assert most.verdict == ("pass" if largest <= 0.04 else "warn")


def dynamics(force: float, moment: float, *, cutoff: float = 0.0, known: float = 0.5) -> Any:
    table = pd.DataFrame({name: [force, -force] for name in ("pelvis_tx", "pelvis_ty", "pelvis_tz")}
                         | {name: [moment, -moment] for name in ("pelvis_tilt", "pelvis_list", "pelvis_rotation")}
                         | {"hip_flexion_r": [999.0, 999.0]})  # fmt: skip
    valid = pd.DataFrame({"r": [True, True], "l": [known > 0, False], "pelvis": [False, False]})
    return SimpleNamespace(generalized_forces=table, valid=valid, cutoff=cutoff)


@pytest.mark.parametrize(
    ("force", "moment", "expected"),
    [
        (9.9, 49.0, ["pass", "pass", "pass", "pass"]), (10.1, 51.0, ["pass", "warn", "pass", "warn"]),
        (24.9, 74.9, ["pass", "warn", "pass", "warn"]), (25.1, 75.1, ["warn", "warn", "warn", "warn"]),
    ],
)  # fmt: skip
def test_residuals_follow_opensims_guidance(force: float, moment: float, expected: list[str]) -> None:
    rows = statements.dynamics_rows(dynamics(force, moment), 70.0)
    told = found(rows)
    assert told["share of the trial with known kinetics"] == "right 100%, left 50%, both 0%"
    assert told["residual force, largest"] == told["residual force, RMS"] == f"{force:.1f} N"
    assert told["residual moment, largest"] == told["residual moment, RMS"] == f"{moment:.1f} N m"
    assert [row.verdict for row in rows[1:5]] == expected
    assert told["angles before inverse dynamics"].startswith("none")


def test_without_known_kinetics_the_residuals_are_not_known() -> None:
    made = dynamics(1.0, 1.0, cutoff=6.0, known=0.0)
    made.generalized_forces[:] = np.nan
    rows = statements.dynamics_rows(made, 70.0)
    assert rows[0].verdict == "warn" and found(rows)["angles before inverse dynamics"] == "low-pass of 6 Hz"
    assert found(rows)["residuals"].startswith("not known")


def test_strides_and_the_ground() -> None:
    strides = pd.DataFrame({"side": ["r", "r", "l"]})
    made: Any = SimpleNamespace(strides=strides, belt=Belt(1.25, "given"))
    rows = statements.spatiotemporal_rows(made)
    assert found(rows) == {"whole strides": "2 right, 1 left", "ground": "1.25 m/s, given"}
    assert rows[0].verdict == "pass"
    made.strides, made.belt = strides[:2], Belt(0.0, "overground")
    rows = statements.spatiotemporal_rows(made)
    assert found(rows)["ground"] == "overground" and rows[0].verdict == "warn"
