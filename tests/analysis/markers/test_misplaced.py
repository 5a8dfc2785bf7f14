"""A marker that is off, leaps or stands still is found where the others tell."""

from __future__ import annotations

import numpy as np
import pytest

from exogait.analysis.markers.misplaced import impossible_path, odd_marker

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
    assert impossible_path(walked[:, 1], walked, RATE) == ""
    leaping, still = walked.copy(), walked.copy()
    leaping[40:, 1] += [0.0, 0.15, 0]
    still[30:, 1] = still[30, 1]
    assert "leaps by 15 cm" in impossible_path(leaping[:, 1], leaping, RATE)
    assert "stands still" in impossible_path(still[:, 1], still, RATE)
    everything = np.repeat(walked[:1], 80, axis=0)
    assert impossible_path(everything[:, 1], everything, RATE) == ""  # nobody moves: a model at rest
