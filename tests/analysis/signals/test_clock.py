"""Which clock event times count on."""

from __future__ import annotations

from exogait.analysis.signals.clock import settle_clock
from exogait.data import GaitEvent


def walk(shift: float, source: str = "") -> list[GaitEvent]:
    """Events of four strides, both feet."""
    return [
        GaitEvent(round(0.4 + k * 1.1 + late + (0.55 if side == "l" else 0.0) + shift, 4), side, kind, source)
        for k in range(4)
        for side in ("r", "l")
        for kind, late in (("heel_strike", 0.0), ("toe_off", 0.68))
    ]


def test_events_that_fit_stay() -> None:
    events, note = settle_clock({0.0: walk(0.01), 0.3: walk(0.31), -0.3: walk(-0.29)}, walk(0.0)[:4], walk(0.03))
    assert events == walk(0.01) and note == ""


def test_plates_decide_the_clock() -> None:
    events, note = settle_clock({0.0: walk(-0.3), 0.3: walk(0.0), -0.3: walk(-0.6)}, walk(0.0)[:4], [])
    assert events == walk(0.0) and "+0.300 s" in note and "force plates" in note


def test_markers_decide_where_no_plate_does() -> None:
    events, note = settle_clock({0.0: walk(-0.3), 0.3: walk(0.0), -0.3: walk(-0.6)}, [], walk(0.04))
    assert events == walk(0.0) and "markers" in note


def test_events_that_fit_nowhere_are_set_aside() -> None:
    events, note = settle_clock({0.0: walk(0.2)}, walk(0.0)[:4], walk(0.03))
    assert events == [] and "200 ms" in note


def test_nothing_is_decided_without_evidence() -> None:
    assert settle_clock({0.0: walk(0.2)}, [], []) == (walk(0.2), "")
