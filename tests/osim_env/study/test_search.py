"""The search for strategies: fair between conditions, the same again, and falls are worth the least."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from exogait.data.errors import InputError
from exogait.data.settings import from_mapping
from exogait.models.deficit import load_deficit
from exogait.osim_env.gait.config import WorldConfig
from exogait.osim_env.gait.population import CONDITIONS
from exogait.osim_env.gait.setup import WorldSetup
from exogait.osim_env.gait.strategy import STRATEGY_NAMES, mirrored
from exogait.osim_env.learning.policy import load_policy
from exogait.osim_env.study.plan import SearchConfig
from exogait.osim_env.study.search import CandidateWalks, search_strategies, symmetric_basis

QUICK = SearchConfig(
    generations=2, healthy_generations=2, candidates=6, seconds=0.3, late_seconds=0.4, settle=0.1, spread=0.02
)  # fmt: skip


@pytest.fixture(scope="module")
def parts():
    human, device = (load_policy(f"hip_ankle/generalist_1_{role}") for role in ("human", "device"))
    settings = human.metadata["settings"]
    setup = from_mapping(WorldSetup, {**settings["setup"], "population": None})
    return setup, from_mapping(WorldConfig, settings["world"]), [human], [device]


def test_symmetric_strategies_span_all_that_are_their_own_mirror_image() -> None:
    basis = symmetric_basis()
    np.testing.assert_allclose(mirrored(basis.T), basis.T)
    assert np.linalg.matrix_rank(basis) == basis.shape[1]
    even = np.linalg.matrix_rank(np.eye(len(STRATEGY_NAMES)) + mirrored(np.eye(len(STRATEGY_NAMES))))
    assert basis.shape[1] == even


def test_every_condition_tries_as_much_from_the_same_start_and_the_same_seed_finds_the_same(parts) -> None:
    weak = load_deficit("plantarflexors", strength=50, side="right")
    found, figures = search_strategies(*parts, QUICK, weakness=weak)
    again, _ = search_strategies(*parts, QUICK, weakness=weak)
    assert tuple(found) == CONDITIONS
    for name in CONDITIONS:
        np.testing.assert_array_equal(found[name], again[name])
        rows = [row for row in figures if row["condition"] == name]
        assert [row["generation"] for row in rows] == [0, 1, 2, 2]
        assert [row["final"] for row in rows] == [True, False, False, True]
    assert not np.allclose(found["none"], found["powered"])


def test_the_healthy_body_stays_symmetric(parts) -> None:
    found, _ = search_strategies(*parts, QUICK, speeds=(1.0, 1.5))
    assert set(found) == set(CONDITIONS)
    for numbers in found.values():
        np.testing.assert_allclose(mirrored(numbers), numbers, atol=1e-12)
        assert np.abs(numbers).max() > 0


def test_a_price_on_departures_keeps_a_search_where_gain_and_price_balance(parts, monkeypatch) -> None:
    """One number earns 2 per rad: at a price of 10 per rad², 0.1 rad is best; without, farther always is."""
    number = STRATEGY_NAMES.index("knee_angle_r mean")

    def walk(self: CandidateWalks, numbers: Any, *_: object) -> dict[str, Any]:
        reward = 2 * numbers[:, :, number]
        return {"reward": reward, "fell": 0 * reward, "power": 0 * reward}

    monkeypatch.setattr(CandidateWalks, "walk", walk)
    weak = load_deficit("plantarflexors", strength=50, side="right")
    config = dataclasses.replace(QUICK, generations=300, candidates=16)
    found = {}
    for habit in (0.0, 10.0):
        found[habit], _ = search_strategies(*parts, dataclasses.replace(config, habit=habit), weakness=weak)
    for name in CONDITIONS:
        assert found[10.0][name][number] == pytest.approx(0.1, abs=0.02)
        assert np.abs(np.delete(found[10.0][name], number)).max() < 0.02
        assert found[0.0][name][number] > 0.3


def test_a_fall_costs_more_than_any_walk_and_conditions_start_alike(parts) -> None:
    setup, world, humans, devices = parts
    config = dataclasses.replace(QUICK, candidates=4)
    walks = CandidateWalks(setup, world, humans, devices, config, None, CONDITIONS, (1.25,), 0)
    numbers = np.zeros((3, 4, len(STRATEGY_NAMES)))
    numbers[:, 3, [STRATEGY_NAMES.index(f"knee_angle_{side} mean") for side in "rl"]] = -1.5  # knees give way
    found = walks.walk(numbers, 1, 2.0)
    assert (found["fell"][:, 3] == 1).all() and not found["fell"][:, :3].any()
    assert (found["reward"][:, 3] < found["reward"][:, 0] - 0.5).all()
    np.testing.assert_allclose(found["reward"][:, 0], found["reward"][:, 1])
    walks.walk(np.zeros_like(numbers), 2, 0.02)
    start = walks.world.q.reshape(3, 4, -1)
    np.testing.assert_allclose(start[0], start[1], atol=2e-2)


def test_impossible_settings_are_refused() -> None:
    with pytest.raises(InputError, match="settle"):
        SearchConfig(settle=5.0)
    with pytest.raises(InputError, match="habit"):
        SearchConfig(habit=-1.0)
    with pytest.raises(InputError, match="candidates"):
        SearchConfig(candidates=2)
