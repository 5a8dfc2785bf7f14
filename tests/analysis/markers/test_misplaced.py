"""A marker that is off, leaps or stands still is found where the others tell."""

from __future__ import annotations

import numpy as np
import pytest

from exogait.analysis.markers.misplaced import fault_of, odd_marker
from exogait.analysis.markers.rebuild import amplification, rebuild_paths

RATE = 100.0
STOOD = np.array([[0.0, 0, 0], [0.2, 0, 0], [0, 0.15, 0.05], [0.1, 0.1, 0.2]])


def walk(stood: np.ndarray = STOOD, n: int = 80) -> np.ndarray:
    """The segment turning and travelling, shape (n, n_markers, 3), with 2 mm of skin."""
    angle = 0.8 * np.sin(np.linspace(0, 2 * np.pi, n))
    turn = np.array([[[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]] for a in angle])
    skin = 0.002 * np.sin(np.linspace(0, 9, n)[:, None, None] + np.arange(stood.size).reshape(stood.shape))
    return np.einsum("nij,mj->nmi", turn, stood) + np.linspace(0, 1.2, n)[:, None, None] * [1, 0, 0] + skin


def test_what_is_rigid_is_where_it_belongs() -> None:
    odd = odd_marker(STOOD, walk())
    assert odd.size < odd.limit


@pytest.mark.parametrize("k", range(4))
def test_the_others_tell_which_one_is_off_and_how_far(k: int) -> None:
    by = np.array([0.05, -0.04, 0.03])
    stood = STOOD.copy()
    stood[k] += by
    odd = odd_marker(stood, walk())
    assert odd.marker == k and odd.known and odd.size > odd.limit
    assert odd.size == pytest.approx(np.linalg.norm(by), abs=0.01)


def test_of_three_markers_only_distances_tell() -> None:
    stood = STOOD[:3].copy()
    stood[2, 1] += 0.1
    odd = odd_marker(stood, walk(STOOD[:3]))
    assert odd.marker == 2 and odd.size > odd.limit and not odd.known


def test_a_far_marker_is_told_the_less_the_nearer_the_others_are_to_a_line() -> None:
    line = np.array([[0.0, 0, 0], [0.02, 0.005, 0], [0.05, 0, 0], [0.25, 0, 0]])
    assert odd_marker(line, walk(line)).limit > odd_marker(STOOD, walk()).limit


def test_a_path_that_no_body_walks() -> None:
    walked = walk()
    assert fault_of(walked[:, 1], walked, RATE) is None
    leaping, still = walked.copy(), walked.copy()
    leaping[40:, 1] += [0.0, 0.15, 0]
    still[30:, 1] = still[30, 1]
    for path, word, first in ((leaping, "leaps by 15 cm", 40), (still, "stands still", 31)):
        fault = fault_of(path[:, 1], path, RATE)
        assert fault is not None and word in fault[0] and fault[1] == first
    everything = np.repeat(walked[:1], 80, axis=0)
    assert fault_of(everything[:, 1], everything, RATE) is None  # nobody moves: a model at rest


@pytest.mark.parametrize("what", ["leaps", "stands still"])
def test_a_part_of_a_path_is_rebuilt_from_those_that_keep_their_distance(what: str) -> None:
    true = walk()
    walked = true.copy()
    if what == "leaps":
        walked[40:, 1] += [0.0, 0.15, 0]
    else:
        walked[30:, 1] = walked[30, 1]
    paths, done = rebuild_paths(walked, RATE, range(4))
    assert [one.place for one in done] == [1] and what in done[0].why and set(done[0].neighbours) == {0, 2, 3}
    assert np.abs(paths - true).max() < 0.015  # 2 mm of skin, levered
    np.testing.assert_array_equal(paths[:, [0, 2, 3]], walked[:, [0, 2, 3]])


def test_a_long_gap_is_rebuilt_and_one_at_an_end_is_left() -> None:
    true = walk()
    walked = true.copy()
    walked[20:60, 1] = np.nan
    walked[74:, 2] = np.nan
    paths, done = rebuild_paths(walked, RATE, range(4), longest=0.1)
    assert [one.place for one in done] == [1] and "0.40 s" in done[0].why
    assert np.abs(paths[:, 1] - true[:, 1]).max() < 0.015 and np.isnan(paths[74:, 2]).all()
    assert rebuild_paths(walked, RATE, range(4), longest=0.5)[1] == []


def test_nothing_is_rebuilt_without_three_neighbours_or_of_too_many() -> None:
    walked = walk()
    walked[40:, 1] += [0.0, 0.15, 0]
    assert rebuild_paths(walked, RATE, range(3))[1] == []
    many = walk()
    many[40:] += np.random.default_rng(0).normal(0, 0.3, (1, 4, 3))
    paths, done = rebuild_paths(many, RATE, range(4))
    assert done == [] and paths is many
    assert rebuild_paths(walk(), RATE, range(4))[1] == []


def test_a_point_beside_a_long_shape_is_told_worse_than_one_on_its_axis() -> None:
    shin = np.array([[0.0, 0, 0.01], [0, 0.1, -0.01], [0, 0.2, 0.01], [0.02, 0.1, 0]])
    on_axis, beside = (amplification(shin, np.array(p)) for p in ([0.0, -0.1, 0.0], [0.15, 0.1, 0.0]))
    assert on_axis < 4 < 8 < beside
    assert amplification(shin, shin.mean(axis=0)) == 0.0
