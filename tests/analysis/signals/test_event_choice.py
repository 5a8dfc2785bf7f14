"""Events of feet that do not land on the heel, and the choice between methods: made gaits with known events."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from exogait.analysis.c3d.recording import read_recording
from exogait.analysis.gait.belt import OVERGROUND, Belt
from exogait.analysis.signals.event_choice import ERRORS, MATCH_WINDOW, choose_methods
from exogait.analysis.signals.kinematic_events import METHODS, events_from_markers
from exogait.analysis.signals.measured import process_trial
from exogait.analysis.signals.pathological_events import desailly2009, ghoussayni2004
from exogait.data.trial import GaitEvent

RATE = 100.0
STRIDE, STANCE, LENGTH = 1.2, 0.72, 0.9
"""Of the made gait: s, s, m."""
BEST, SECOND = sorted(ERRORS["heel_strike"], key=lambda name: ERRORS["heel_strike"][name])[:2]
STRIKES, OFFS = 0.3 + STRIDE * np.arange(5), 0.3 + STANCE + STRIDE * np.arange(4)


def made_foot(*, clearance: float, toe_first: bool, settle: float = 0.1) -> tuple[np.ndarray, np.ndarray]:
    """Heel and toe of a foot that rests from strike to toe off and swings between, shape (n_frames, 3), m.

    Args:
        clearance: Height of the swing, m; next to nothing for a shuffling foot.
        toe_first: Whether the toe comes to rest at the strike and the heel ``settle`` s later, or the other way round.
        settle: s.
    """
    time = np.arange(round(RATE * (STRIKES[-1] + 0.4))) / RATE

    def marker(place: float, late: float) -> np.ndarray:
        path = np.zeros((len(time), 3))
        for strike in [STRIKES[0] - STRIDE, *STRIKES]:
            start, stop = strike + STANCE, strike + STRIDE + late
            share = np.clip((time - start) / (stop - start), 0.0, 1.0)
            path[:, 0] += LENGTH * share
            path[:, 1] += clearance * np.sin(np.pi * share) ** 2
        path[:, 0] += place
        return path

    return marker(0.0, settle if toe_first else 0.0), marker(0.2, 0.0 if toe_first else settle)


@pytest.mark.parametrize("toe_first", [False, True])
@pytest.mark.parametrize("clearance", [0.12, 0.01])
def test_a_foot_lands_with_whatever_comes_to_rest_first(toe_first: bool, clearance: float):
    """Heel walker and toe walker, high and shuffling swing: the strike is the same instant, to the filter's width."""
    heel, toe = made_foot(clearance=clearance, toe_first=toe_first)
    strikes, offs = ghoussayni2004(heel, toe, np.zeros(len(heel)), RATE)
    assert strikes == pytest.approx(STRIKES, abs=0.03)
    assert offs == pytest.approx(OFFS, abs=0.03)


def test_a_belt_changes_no_event():
    heel, toe = made_foot(clearance=0.05, toe_first=False)
    back = np.arange(len(heel))[:, None] / RATE * np.array([0.75, 0.0, 0.0])
    over = ghoussayni2004(heel, toe, np.zeros(len(heel)), RATE)
    on_belt = ghoussayni2004(heel - back, toe - back, np.full(len(heel), 0.75), RATE)
    assert np.allclose(np.concatenate(over), np.concatenate(on_belt), atol=1e-9)
    positions = np.stack([heel - back, toe - back], axis=1)
    for method in ("ghoussayni2004", "desailly2009"):
        roles = {"heel_r": ["H"], "toe_r": ["T"]}
        found = events_from_markers(positions, ["H", "T"], RATE, roles, method=method, belt=Belt(0.75, "given"))
        still = events_from_markers(positions + back[:, None], ["H", "T"], RATE, roles, method=method, belt=OVERGROUND)
        assert [e.time for e in found] == pytest.approx([e.time for e in still], abs=1e-6) and found


def test_a_path_bends_where_the_foot_stops():
    """The first and the last strike may be lost at the ends: a stride's length is needed around each."""
    heel, toe = made_foot(clearance=0.01, toe_first=False)
    strikes, offs = desailly2009(heel[:, 0], toe[:, 0], RATE)
    for found, expected in ((strikes, STRIKES[1:-1]), (offs, OFFS[1:-1])):
        assert all(np.abs(found - time).min() < 0.06 for time in expected)
        assert np.all(np.diff(found) > 0.8 * STRIDE)
    assert all(len(x) == 0 for x in desailly2009(np.zeros(300), np.zeros(300), RATE))


def test_gaps_give_no_events():
    heel, toe = made_foot(clearance=0.1, toe_first=False)
    gap = slice(round(RATE * (STRIKES[2] - 0.1)), round(RATE * (STRIKES[2] + 0.1)))
    heel[gap] = toe[gap] = np.nan
    strikes, _ = ghoussayni2004(heel, toe, np.zeros(len(heel)), RATE)
    assert strikes == pytest.approx(np.delete(STRIKES, 2), abs=0.03)
    nothing = np.full((200, 3), np.nan)
    assert all(len(x) == 0 for x in ghoussayni2004(nothing, nothing, np.zeros(200), RATE))


# -- the choice --------------------------------------------------------------------------------------------------------


def strikes(*times: float, side: str = "r") -> list[GaitEvent]:
    return [GaitEvent(t, "r" if side == "r" else "l", "heel_strike", "kinematics") for t in times]


def test_a_method_that_stands_alone_is_left_aside():
    """The method of the smallest error misses one strike and sees another that nobody sees."""
    good = strikes(1.0, 2.0, 3.0)
    assert choose_methods([{name: good for name in METHODS}]).heel_strike == BEST
    walk = {name: good for name in METHODS} | {BEST: strikes(1.0, 2.4, 3.0)}
    choice = choose_methods([walk])
    record = next(r for r in choice.records if (r.method, r.kind) == (BEST, "heel_strike"))
    assert (record.missed, record.alone) == (1, 1)
    assert choice.heel_strike == SECOND
    assert f"{BEST} misses 1, is alone with 1" in choice.describe()


def test_a_method_that_times_one_step_otherwise_than_the_next_is_left_aside():
    """All find every strike, one of them 100 ms early on one foot: its mean error tells nothing of that."""
    good = strikes(1.0, 2.0, 3.0) + strikes(1.5, 2.5, side="l")
    uneven = strikes(0.9, 1.9, 2.9) + strikes(1.5, 2.5, side="l")
    choice = choose_methods([{name: good for name in METHODS} | {BEST: uneven}])
    record = next(r for r in choice.records if (r.method, r.kind) == (BEST, "heel_strike"))
    assert record.spread == pytest.approx(np.std([-0.1, -0.1, -0.1, 0.0, 0.0])) and not record.missed
    assert choice.heel_strike == SECOND
    even = strikes(0.9, 1.9, 2.9) + strikes(1.4, 2.4, side="l")
    assert choose_methods([{name: good for name in METHODS} | {BEST: even}]).heel_strike == BEST


def test_an_event_near_the_ends_that_others_cannot_see_speaks_for_its_method():
    walk = {name: strikes(1.0, 2.0) for name in METHODS} | {SECOND: strikes(0.1, 1.0, 2.0, 2.9)}
    assert choose_methods([walk]).heel_strike == SECOND


def test_plates_decide_between_methods_that_agree():
    walk = {
        "ghoussayni2004": strikes(1.08, 2.08), "oconnor2007": strikes(1.05, 2.05), "zeni2008": strikes(1.01, 2.01),
        "desailly2009": strikes(1.04, 2.04), "plate": strikes(1.0),
    }  # fmt: skip
    assert choose_methods([walk]).heel_strike == "zeni2008"
    assert choose_methods([{**walk, "plate": []}]).heel_strike == BEST
    other = {name: strikes(1.0) for name in METHODS}
    assert choose_methods([other, walk]).heel_strike == "zeni2008"


def test_one_step_of_the_window_apart_is_the_same_event():
    for apart, alone in ((MATCH_WINDOW - 1e-6, 0), (MATCH_WINDOW + 1e-6, 1)):
        walk = {"zeni2008": strikes(1.0, 2.0, 3.0), "oconnor2007": strikes(1.0, 2.0 + apart, 3.0)}
        record = next(r for r in choose_methods([walk]).records if (r.method, r.kind) == ("zeni2008", "heel_strike"))
        assert record.alone == alone


def test_a_method_without_events_is_never_chosen():
    choice = choose_methods([{"desailly2009": strikes(1.0, 2.0)}])
    assert choice.heel_strike == "desailly2009"
    assert choose_methods([{}]).toe_off == min(ERRORS["toe_off"], key=lambda name: ERRORS["toe_off"][name])


def test_what_is_asked_for_is_taken(real_data: Path):
    recording = read_recording(real_data / "stroke_vancriekinge2023/trc/TVC03_1.trc")
    found = process_trial(recording, method="desailly2009", toe_off_method="zeni2008").events
    assert (found.choice.heel_strike, found.choice.toe_off) == ("desailly2009", "zeni2008")
    assert list(found.events) == found.choice.of(found.by_method)
    assert "as asked" in found.choice.describe()


def test_a_dropped_foot_leaves_heights_aside(real_data: Path):
    """The survivor's foot is dragged: the vertical speed that O'Connor's method reads sees no strike of the left."""
    found = process_trial(read_recording(real_data / "stroke_vancriekinge2023/trc/TVC03_1.trc")).events
    left = [e for e in found.by_method["oconnor2007"] if (e.side, e.kind) == ("l", "heel_strike")]
    assert not left and "oconnor2007" not in (found.choice.heel_strike, found.choice.toe_off)
    used = [e.time for e in found.events if (e.side, e.kind) == ("l", "heel_strike")]
    # The folder's own account of the walk, from markers by another's hand, frames at 100 Hz.
    assert used == pytest.approx([0.89, 2.76, 4.45, 6.14], abs=0.03)
