"""Balance against an inverted pendulum and feet whose places are known."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from scipy.integrate import solve_ivp

from exogait.analysis.scores.balance import (
    excursion_found,
    extrapolated_centre,
    margin_found,
    margins,
    progression_found,
    stances,
)
from exogait.data import GaitEvent, GaitTrial
from exogait.data.constants import GRAVITY

SPEED, LENGTH = 1.2, 0.9
TIME = np.arange(0, 301) / 100


def events() -> list[GaitEvent]:
    """Right lands at 0, 1, 2 s, left half a second later; each stands for 0.6 s."""
    found = []
    for side, begin in (("r", 0.0), ("l", 0.5)):
        for k in range(3):
            found += [GaitEvent(begin + k, side, "heel_strike")]
            if begin + k + 0.6 <= 3.0:
                found += [GaitEvent(begin + k + 0.6, side, "toe_off")]
    return found


def walker(drop: str = "") -> GaitTrial:
    """A centre of mass at constant speed with a sideways sway, over feet that stay where they landed."""
    sway = 0.02 * np.sin(2 * np.pi * TIME)
    columns = {
        "center_of_mass_y": 0.95 + 0.02 * np.cos(4 * np.pi * TIME),
        "center_of_mass_along": SPEED * TIME, "center_of_mass_valong": np.full(len(TIME), SPEED),
        "center_of_mass_across": sway, "center_of_mass_vacross": np.gradient(sway, TIME),
    }  # fmt: skip
    for side, begin, out in (("r", 0.0, 1.0), ("l", 0.5, -1.0)):
        place = SPEED * (np.floor(TIME - begin) + begin) + 0.3
        columns |= {
            f"pendulum_{side}": np.full(len(TIME), LENGTH), f"heel_along_{side}": place,
            f"heel_across_{side}": np.full(len(TIME), out * 0.06), f"sole_front_{side}": place + 0.25,
            f"sole_lateral_{side}": np.full(len(TIME), out * 0.1),
            f"foot_progression_{side}": np.full(len(TIME), np.radians(-7.0 if side == "r" else -3.0)),
        }  # fmt: skip
    columns.pop(drop, None)
    table = pd.DataFrame(columns, index=pd.Index(TIME, name="time"))
    return GaitTrial(name="walker", events=tuple(events()), extra={"body_motion": table})


def test_a_pendulum_whose_foot_is_at_the_extrapolated_centre_comes_to_rest_above_it() -> None:
    """x'' = g / l (x - u), Hof's equation 1: with u at the extrapolated centre, x decays towards u."""
    start, velocity, rate = 0.1, 0.8, math.sqrt(GRAVITY / LENGTH)
    foot = float(extrapolated_centre(start, velocity, LENGTH))

    def swing(_: float, state: np.ndarray) -> list[float]:
        return [state[1], rate**2 * (state[0] - foot)]

    x, v = solve_ivp(swing, (0.0, 1.0), [start, velocity], rtol=1e-11, atol=1e-13).y[:, -1]
    assert x - foot == pytest.approx((start - foot) * math.exp(-rate), rel=1e-6)
    assert v == pytest.approx(velocity * math.exp(-rate), rel=1e-6)


def test_margins_of_known_feet() -> None:
    lead = SPEED * math.sqrt(LENGTH / GRAVITY)
    first = margins(walker(), "r")[0]
    assert first.lead == pytest.approx(lead)
    # The foot lands 0.3 m ahead of the centre of mass, its toes 0.25 m further.
    assert first.along == pytest.approx(0.55 - lead)
    # At strike the sway's velocity is 0.02 * 2 pi to the right.
    assert first.across == pytest.approx(0.1 - 0.04 * np.pi * math.sqrt(LENGTH / GRAVITY), abs=1e-4)
    # Until the left foot lands at 0.5 s the right one alone is the base: just before, the margin is least.
    assert first.along_least == pytest.approx(0.55 - lead - SPEED * 0.49, abs=1e-9)


def test_the_other_foot_widens_the_base_while_it_stands() -> None:
    one = walker()
    alone = one.replace(events=tuple(e for e in one.events if e.side == "r"))
    both, single = margin_found(one, "along_least"), margin_found(alone, "along_least")
    assert both.right == pytest.approx(single.right + SPEED * 0.11, abs=1e-9)


def test_sides_mirror() -> None:
    found = margin_found(walker(), "across")
    assert found.left == pytest.approx(found.right, abs=1e-3) and found.n_left > 0


def test_unknown_motion_is_no_margin() -> None:
    assert math.isnan(margin_found(walker("pendulum_r"), "along").right)
    table = walker().extra["body_motion"].copy()
    table.loc[0.2:0.3, "center_of_mass_along"] = np.nan
    torn = walker().replace(extra={"body_motion": table})
    assert margins(torn, "r")[0].along == pytest.approx(margins(walker(), "r")[0].along)
    assert math.isnan(margins(torn, "r")[0].along_least)
    assert math.isnan(margin_found(GaitTrial(name="bare", events=tuple(events())), "along").both)


def test_a_foot_stands_from_strike_to_toe_off_and_open_ends_count() -> None:
    assert stances(events(), "r") == [(0.0, 0.6), (1.0, 1.6), (2.0, 2.6)]
    late = [GaitEvent(0.1, "r", "toe_off"), GaitEvent(0.5, "r", "heel_strike")]
    assert stances(late, "r") == [(-math.inf, 0.1), (0.5, math.inf)]
    assert stances(late, "l") == []


def test_excursion_is_the_range_in_a_stride() -> None:
    assert excursion_found(walker(), "center_of_mass_y").right == pytest.approx(0.04, abs=1e-4)
    assert excursion_found(walker(), "center_of_mass_across").both == pytest.approx(0.04, abs=1e-4)


def test_foot_progression_is_that_of_single_support() -> None:
    found = progression_found(walker())
    assert (found.right, found.left) == pytest.approx((-7.0, -3.0)) and found.n_left == 2
