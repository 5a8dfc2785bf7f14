"""Strategies: what a body aims for beside the reference."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from exogait.data.errors import FileFormatError, InputError, UnknownNameError
from exogait.models.deficit import load_deficit
from exogait.osim_env.device.mirror import ODD_COORDINATES, mirror_map
from exogait.osim_env.gait.config import WorldConfig
from exogait.osim_env.gait.population import CONDITIONS, BodyDraw, Population
from exogait.osim_env.gait.setup import WorldSetup, make_world
from exogait.osim_env.gait.strategy import (
    STRATEGY_NAMES,
    Strategies,
    Strategy,
    load_strategies,
    mirrored,
    symmetrized,
)
from exogait.osim_env.gait.world import GaitWorld

RNG = np.random.default_rng(4)


def world(n: int = 2) -> GaitWorld:
    return make_world(WorldSetup(), WorldConfig(reset_noise=0.0), n_envs=n, auto_reset=False)


def random_numbers(size: float = 0.05) -> np.ndarray:
    return size * RNG.standard_normal(len(STRATEGY_NAMES))


def strategies(strength: float = 50.0) -> Strategies:
    return Strategies(
        "plantarflexors", strength, "right",
        {name: random_numbers() for name in CONDITIONS}, {name: random_numbers() for name in CONDITIONS},
        {"seeds": [1]},
    )  # fmt: skip


def test_speeds_are_the_derivatives_of_the_angles() -> None:
    names = world().coordinate_names
    strategy = Strategy(50, names)
    strategy.numbers[:] = random_numbers()
    phase, frequency, step = np.linspace(0, 1, 50, endpoint=False), np.full(50, 0.9), 1e-5
    _, u = strategy.offsets(phase, frequency)
    after = strategy.offsets(phase + frequency * step, frequency)[0]
    before = strategy.offsets(phase - frequency * step, frequency)[0]
    np.testing.assert_allclose(u, (after - before) / (2 * step), atol=1e-6)
    assert np.abs(u).max() > 0.1


def test_each_number_moves_the_coordinate_that_it_names() -> None:
    names = world().coordinate_names
    strategy = Strategy(len(STRATEGY_NAMES), names)
    strategy.numbers[:] = np.eye(len(STRATEGY_NAMES))
    phase = np.full(len(STRATEGY_NAMES), 0.3)
    q, _ = strategy.offsets(phase, np.ones(len(phase)))
    rate = strategy.step_rate(phase)
    for i, name in enumerate(STRATEGY_NAMES):
        moved = {names[k] for k in np.flatnonzero(q[i])}
        assert moved == (set() if name.startswith("step rate") else {name.split(" ")[0]})
        assert (rate[i] != 0) == name.startswith("step rate")


def test_the_mirrored_strategy_is_the_same_half_a_stride_later_on_the_other_side() -> None:
    names = world().coordinate_names
    numbers = random_numbers()
    own, other = Strategy(30, names), Strategy(30, names)
    own.numbers[:], other.numbers[:] = numbers, mirrored(numbers)
    phase, frequency = np.linspace(0, 1, 30, endpoint=False), np.ones(30)
    index, sign = mirror_map(names, ODD_COORDINATES)
    expected = sign * own.offsets((phase + 0.5) % 1.0, frequency)[0][:, index]
    np.testing.assert_allclose(other.offsets(phase, frequency)[0], expected, atol=1e-12)
    np.testing.assert_allclose(other.step_rate(phase), own.step_rate((phase + 0.5) % 1.0), atol=1e-12)
    np.testing.assert_allclose(mirrored(symmetrized(numbers)), symmetrized(numbers), atol=1e-12)


def test_a_body_with_a_strategy_walks_otherwise_and_one_without_as_before() -> None:
    plain, own = world(), world()
    own.strategy.numbers[1] = random_numbers(0.1)
    for walker in (plain, own):
        walker.reset(np.arange(2), phase=np.array([0.1, 0.1]), speed=np.array([1.25, 1.25]))
        for _ in range(5):
            walker.step(np.zeros((2, walker.n_human_actions)))
    np.testing.assert_array_equal(own.q[0], plain.q[0])
    assert np.abs(own.q[1] - plain.q[1]).max() > 1e-3


def test_imitation_is_judged_against_the_reference_not_the_strategy() -> None:
    plain, own = world(), world()
    own.strategy.numbers[:] = random_numbers(0.1)
    for walker in (plain, own):
        walker.reset(np.arange(2), phase=np.array([0.4, 0.7]), speed=np.array([1.25, 1.25]))
    np.testing.assert_array_equal(own.q_reference, plain.q_reference)
    np.testing.assert_array_equal(own.state.feet_reference, plain.state.feet_reference)
    assert np.abs(own.state.q_aim - own.q_reference).max() > 0.01


def test_between_strengths_strategies_change_in_proportion_to_the_loss() -> None:
    found = strategies(50.0)
    np.testing.assert_allclose(found.at("none", 50.0), found.found["none"])
    np.testing.assert_allclose(found.at("none", 100.0), found.healthy["none"])
    np.testing.assert_allclose(found.at("none", 75.0), (found.found["none"] + found.healthy["none"]) / 2)
    np.testing.assert_allclose(found.at("none", side="left"), mirrored(found.found["none"]))
    weak = load_deficit("plantarflexors", strength=75, side="left")
    np.testing.assert_array_equal(found.of("none", weak), found.at("none", 75.0, "left"))
    np.testing.assert_array_equal(found.of("none", None), found.healthy["none"])
    with pytest.raises(InputError, match="strength"):
        found.at("none", 40.0)
    with pytest.raises(UnknownNameError, match="device condition"):
        found.at("on")


def test_a_file_gives_back_what_was_written(tmp_path: Path) -> None:
    found = strategies()
    again = load_strategies(found.save(tmp_path / "body_strategies.json"))
    assert (again.body, again.strength, again.side, again.about) == ("plantarflexors", 50.0, "right", {"seeds": [1]})
    for name in CONDITIONS:
        np.testing.assert_allclose(again.found[name], found.found[name], atol=1e-6)
        np.testing.assert_allclose(again.healthy[name], found.healthy[name], atol=1e-6)


def test_a_wrong_file_is_refused_with_a_line_that_helps(tmp_path: Path) -> None:
    path = strategies().save(tmp_path / "body_strategies.json")
    content = json.loads(path.read_text())
    for change in ({"names": ["x"]}, {"format": "other"}, {"found": {"none": [1.0]}}, {"found": None}):
        path.write_text(json.dumps(content | change))
        with pytest.raises(FileFormatError, match="search again"):
            load_strategies(path)
    with pytest.raises(FileFormatError, match="no such file"):
        load_strategies(tmp_path / "nothing.json")


def test_drawn_bodies_take_the_strategy_of_their_condition_strength_and_side() -> None:
    found = strategies(30.0)
    thirds = {name: 1.0 for name in CONDITIONS}
    bodies = (BodyDraw("plantarflexors", (30.0, 90.0), "either"), BodyDraw())
    setup = WorldSetup(device="hip_ankle", population=Population(bodies, thirds))
    walker = make_world(setup, WorldConfig(), n_envs=24, auto_reset=False, seed=3)
    assert not walker.strategy.numbers.any()
    walker.strategies = found
    walker.reset(np.arange(24))
    conditions = setup.population.conditions_of(24) if setup.population else np.zeros(24, int)
    sides = set()
    for body in range(24):
        weakest = int(np.argmin(walker.strength[body]))
        strength = 100 * walker.strength[body, weakest]
        side = "right" if walker.physics.model.muscle_names[weakest].endswith("_r") else "left"
        sides.add((side, strength < 100))
        expected = found.at(CONDITIONS[conditions[body]], strength, side if strength < 100 else None)
        np.testing.assert_allclose(walker.strategy.numbers[body], expected)
    assert {("right", True), ("left", True)} < sides
    saved = walker.arrays()
    walker.strategy.numbers[:] = 0.0
    walker.load_arrays(saved)
    assert walker.strategy.numbers.any()
