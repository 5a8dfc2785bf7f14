"""When the load of a foot is known: in swing, within a plate's contact, where it stands unloaded just beside one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from exogait.analysis.signals.measured import LabTrial, process_trial, standing_mass
from exogait.data.constants import GRAVITY
from exogait.data.errors import FileFormatError
from tests.analysis.signals.test_force_plates import LAB_Z_UP, channels_of, spec_of, standing, trial_with

RIGHT = {"RHEE": (0.85, 0.03, -0.53), "RTOE": (1.12, 0.03, -0.53)}
FIRST, LAST = 46, 154
"""Frames of 10 ms that the plate's contact of 0.508 to 1.496 s accounts for, 50 ms wider than it is."""


def walk(begin: int, end: int, **changes: object) -> LabTrial:
    """A foot that is slow and low in the frames from ``begin`` to ``end``, and carries the body from 0.5 to 1.5 s."""
    bare = trial_with(channels_of(2, 0.0), spec_of(2, (0, 0, 0)))
    positions = standing(RIGHT, slice(begin, end)) @ LAB_Z_UP.rotation
    markers = {"marker_names": tuple(RIGHT), "positions": positions, "residuals": np.zeros(positions.shape[:2])}
    trial = replace(bare, **(markers | changes))  # pyright: ignore[reportArgumentType]
    roles = {"heel_r": "RHEE", "toe_r": "RTOE"}
    return process_trial(  # by a method that needs a pelvis: the plate alone tells events here
        trial, frame=LAB_Z_UP, roles=roles, marker_cutoff=None, force_cutoff=None, belt_speed=0.0, method="zeni2008"
    )  # fmt: skip


def unknown(lab: LabTrial) -> list[int]:
    """Frames in which the right foot's load is not known."""
    return np.flatnonzero(~lab.load_known[:, 0]).tolist()


def test_a_foot_that_stands_just_before_and_after_its_contact_is_in_the_same_stance() -> None:
    lab = walk(40, 160)
    assert [(s.side, s.accepted) for s in lab.strikes] == [("r", True)]
    assert unknown(lab) == []
    assert not lab.load_known[:, 1].any(), "nothing is known of a foot without markers"


@pytest.mark.parametrize(("begin", "hidden"), [(28, []), (27, list(range(25, FIRST)))])
def test_a_foot_that_stands_long_before_its_contact_stood_elsewhere(begin: int, hidden: list[int]) -> None:
    """Two frames before the first slow one count as standing; 0.2 s is the longest unloaded part of a stance."""
    assert unknown(walk(begin, 160)) == hidden


@pytest.mark.parametrize(("end", "hidden"), [(172, []), (173, list(range(LAST + 1, 175)))])
def test_a_foot_that_stands_long_after_its_contact_stands_elsewhere(end: int, hidden: list[int]) -> None:
    assert unknown(walk(40, end)) == hidden


def test_a_foot_that_stands_without_any_contact_is_not_known_while_it_stands() -> None:
    lab = walk(20, 180, analog=np.zeros_like(channels_of(2, 0.0)))
    assert not lab.strikes and unknown(lab) == list(range(18, 182))


def test_a_foot_that_is_not_seen_may_stand() -> None:
    positions = standing(RIGHT, slice(40, 160)) @ LAB_Z_UP.rotation
    positions[2:14] = np.nan  # longer than what is bridged; the frames beside have no speed
    assert unknown(walk(40, 160, positions=positions)) == list(range(1, 15))


def test_standing_on_plates_tells_the_mass_and_moving_on_them_does_not() -> None:
    force = np.zeros((2000, 6))
    force[:, 2] = -60.0 * GRAVITY  # the plate's z axis points down
    still = trial_with(force, spec_of(2, (0, 0, 0)))
    assert standing_mass(still, frame=LAB_Z_UP) == pytest.approx(60.0)
    sway = 1.0 + np.sqrt(2) * 0.049 * np.sin(np.arange(2000) / 50.0)[:, None]
    assert standing_mass(replace(still, analog=force * sway), frame=LAB_Z_UP) == pytest.approx(60.0, rel=0.01)
    shaken = force * (1.0 + np.sqrt(2) * 0.051 * np.sin(np.arange(2000) / 50.0)[:, None])
    with pytest.raises(FileFormatError, match="give --mass"):
        standing_mass(replace(still, analog=shaken), frame=LAB_Z_UP)
