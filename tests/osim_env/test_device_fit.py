"""Fitting a device to a weak side: what pays by the device's reward is found; both legs together stay as they were."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from data.errors import InputError
from data.settings import from_mapping
from models.deficit import load_deficit
from osim_env.device_fit import REST_SCALE, FitConfig, fit_device, fitted
from osim_env.policy import Policy, load_policy
from osim_env.rewards import DEVICE_TERMS
from osim_env.setup import WorldSetup
from osim_env.world import GaitWorld, WorldConfig

QUICK = FitConfig(settings=3, starts=2, seconds=0.3, settle=0.1)
DRIVES = ("hip_flexion_r", "hip_flexion_l", "ankle_angle_r", "ankle_angle_l")
WEAK = [load_deficit("plantarflexors", strength=strength, side="right") for strength in (80.0, 60.0)]


@pytest.fixture(scope="module")
def parts():
    human, device = (load_policy(f"hip_ankle/generalist_1_{role}") for role in ("human", "device"))
    settings = human.metadata["settings"]
    setup = from_mapping(WorldSetup, {**settings["setup"], "population": None})
    worn = setup.load_device()
    assert worn is not None and worn.coordinates == DRIVES
    return setup, from_mapping(WorldConfig, settings["world"]), human, device


def fit(parts: Any, **changes: Any) -> tuple[Policy, list[dict[str, Any]]]:
    setup, world, human, device = parts
    return fit_device(setup, world, human, device, QUICK, weaknesses=WEAK, **changes)


def test_a_gain_multiplies_the_command_and_a_rest_moves_it(parts) -> None:
    device = parts[3]
    seen = device.mean + np.random.default_rng(0).normal(size=(5, device.n_observations)) / device.scale
    gain, rest = np.array([1.1, 0.9, 1.0, 1.0]), np.array([0.0, 0.0, 0.02, -0.02])
    before, after = device.act(seen), fitted(device, gain, rest).act(seen)
    inside = np.abs(before) < 0.8
    assert inside.any()
    np.testing.assert_allclose(after[inside], (before * gain + rest)[inside], atol=1e-12)


def test_what_pays_on_one_leg_only_is_found_and_the_other_leg_gives_as_much(parts, monkeypatch) -> None:
    """A reward that likes a dorsiflexing command at the right ankle: its drive rests higher, the left one lower."""
    right, left = DRIVES.index("ankle_angle_r"), DRIVES.index("ankle_angle_l")

    def dorsiflexing(world: GaitWorld) -> np.ndarray:
        return -10 * world.device_action[:, right]  # its weight is negative

    monkeypatch.setitem(DEVICE_TERMS, "device_effort", dorsiflexing)
    policy, figures = fit(parts)
    found = policy.metadata["fit"]
    assert found["rest"][right] == pytest.approx(REST_SCALE * QUICK.reach)
    for values, middle in ((found["rest"], 0.0), (found["gain"], 1.0)):
        np.testing.assert_allclose([values[right] + values[left], values[0] + values[1]], 2 * middle, atol=2e-4)
    by_knob = {row["knob"]: row for row in figures}
    assert list(by_knob) == [f"{drive} {what}" for what in ("gain", "rest") for drive in (DRIVES[0], DRIVES[right])]
    assert by_knob["ankle_angle_r rest"]["walks"] == 4
    assert np.all(np.diff(by_knob["ankle_angle_r rest"]["reward"]) > 0)


def test_the_same_seed_finds_the_same_and_another_does_not(parts) -> None:
    first, again = (fit(parts, seed=1)[0] for _ in range(2))
    other = fit(parts, seed=2)[0]
    assert first.metadata["fit"] == again.metadata["fit"] != other.metadata["fit"]


def test_where_no_walk_lasts_a_knob_stays(parts, monkeypatch) -> None:
    monkeypatch.setattr("osim_env.world.FALL_HEIGHT", 2.0)
    policy, figures = fit(parts)
    assert policy.metadata["fit"]["gain"] == [1.0] * 4 and policy.metadata["fit"]["rest"] == [0.0] * 4
    assert {row["walks"] for row in figures} == {0}


def test_impossible_settings_are_refused(parts) -> None:
    changes: list[dict[str, Any]] = [{"settle": 4.0}, {"reach": 0.0}, {"settings": 2}, {"starts": 0}]
    for change in changes:
        with pytest.raises(InputError, match="fit"):
            FitConfig(**change)
    setup, *others = parts
    with pytest.raises(InputError, match="both sides"):
        fit((dataclasses.replace(setup, device=None), *others))
