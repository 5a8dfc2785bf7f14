"""Fitting a device to a weak side: what pays by the device's reward is found; both legs together stay as they were."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from data.errors import InputError
from data.settings import from_mapping
from models.deficit import load_deficit
from osim_env.device_fit import REST_SCALE, FitConfig, agreed_top, fit_device, fitted
from osim_env.policy import Policy, load_policy
from osim_env.rewards import DEVICE_TERMS
from osim_env.setup import WorldSetup
from osim_env.world import GaitWorld, WorldConfig

QUICK = FitConfig(settings=3, starts=3, seconds=0.3, settle=0.1)
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
    """A reward that likes to dorsiflex the right ankle: the constant part of its command grows, the left one falls."""
    right, left = DRIVES.index("ankle_angle_r"), DRIVES.index("ankle_angle_l")
    strengths = []

    def plantarflexing(world: GaitWorld) -> np.ndarray:
        soleus = world.physics.model.muscle_names.index("soleus_r")
        strengths.append(world.strength[:, soleus].copy())
        return 10 * np.square(world.device_action[:, right] - 1)  # its weight is negative

    monkeypatch.setitem(DEVICE_TERMS, "device_effort", plantarflexing)
    policy, figures = fit(parts)
    found = policy.metadata["fit"]
    assert found["kept"] and found["reward"][1] > found["reward"][0]
    assert found["rest"][right] == pytest.approx(REST_SCALE * QUICK.reach)
    for values, middle in ((found["rest"], 0.0), (found["gain"], 1.0)):
        np.testing.assert_allclose([values[right] + values[left], values[0] + values[1]], 2 * middle, atol=2e-4)
    knobs = [f"{drive} {what}" for what in ("gain", "rest") for drive in (DRIVES[0], DRIVES[right])]
    assert [row["knob"] for row in figures] == list(np.repeat(knobs, QUICK.settings))
    assert figures[-1]["found"] == pytest.approx(found["rest"][right], abs=1e-4)
    each = strengths[-1].reshape(QUICK.settings, -1)  # every setting walks with both strengths, in turn
    np.testing.assert_allclose(each, np.tile([0.8, 0.6], (QUICK.settings, QUICK.starts)))


def test_a_fit_that_is_no_better_from_new_starts_is_dropped(parts, monkeypatch) -> None:
    """A reward that likes a dorsiflexing command while the four knobs are turned, and dislikes it afterwards."""
    calls = []

    def moody(world: GaitWorld) -> np.ndarray:
        calls.append(1)
        off = np.square(world.device_action[:, 2] - 1)
        return (10 if len(calls) <= 4 * round(QUICK.seconds / world.config.control_step) else -10) * off

    monkeypatch.setitem(DEVICE_TERMS, "device_effort", moody)
    policy, figures = fit(parts)
    found = policy.metadata["fit"]
    assert any(row["found"] for row in figures)
    assert not found["kept"] and found["gain"] == [1.0] * 4 and found["rest"] == [0.0] * 4
    np.testing.assert_array_equal(policy.layers[-1][0], parts[3].layers[-1][0])


def test_noise_moves_no_knob() -> None:
    rng = np.random.default_rng(0)
    x = np.linspace(-0.15, 0.15, 5)
    found = np.array([agreed_top(x, rng.normal(size=(5, 12))) for _ in range(300)])
    assert np.mean(found == 0) > 0.9 and np.std(found) < 0.01
    top = [agreed_top(x, -((x[:, None] - 0.04) ** 2) + 0.005 * rng.normal(size=(5, 12))) for _ in range(300)]
    assert np.mean(top) == pytest.approx(0.04, abs=0.01)


def test_the_same_seed_finds_the_same(parts) -> None:
    first, again = (fit(parts, seed=1)[0] for _ in range(2))
    assert first.metadata["fit"] == again.metadata["fit"]
    assert fit(parts, seed=2)[0].metadata["fit"]["reward"] != first.metadata["fit"]["reward"]


def test_impossible_settings_are_refused(parts) -> None:
    changes: list[dict[str, Any]] = [{"settle": 4.0}, {"reach": 0.0}, {"settings": 2}, {"starts": 2}]
    for change in changes:
        with pytest.raises(InputError, match="fit"):
            FitConfig(**change)
    setup, *others = parts
    with pytest.raises(InputError, match="both sides"):
        fit((dataclasses.replace(setup, device=None), *others))
