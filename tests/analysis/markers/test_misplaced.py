"""A marker that is off, leaps or stands still is found where the others tell, and only then."""

from __future__ import annotations

import numpy as np
import pytest

from exogait.analysis.markers.misplaced import misplaced, odd_marker, quiet_place

RATE = 100.0
LABELS = ("A", "B", "C", "D")
STOOD = np.array([[0.0, 0, 0], [0.2, 0, 0], [0, 0.15, 0.05], [0.1, 0.1, 0.2]])


def walk(stood: np.ndarray = STOOD, n: int = 80) -> np.ndarray:
    """The segment turning and travelling, shape (n, n_markers, 3), with 2 mm of skin."""
    angle = 0.8 * np.sin(np.linspace(0, 2 * np.pi, n))
    turn = np.array([[[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]] for a in angle])
    skin = 0.002 * np.sin(np.linspace(0, 9, n)[:, None, None] + np.arange(stood.size).reshape(stood.shape))
    return np.einsum("nij,mj->nmi", turn, stood) + np.linspace(0, 1.2, n)[:, None, None] * [1, 0, 0] + skin


def found(walked: np.ndarray, stood: np.ndarray = STOOD, labels: tuple[str, ...] = LABELS):
    return misplaced(
        {"tibia": labels}, dict(zip(labels, stood, strict=True)), dict(zip(labels, walked.swapaxes(0, 1), strict=True)),
        RATE,
    )  # fmt: skip


def test_what_is_rigid_is_left_alone() -> None:
    assert found(walk()) == ({}, {})


@pytest.mark.parametrize("k", range(4))
def test_the_others_tell_which_one_is_off_and_how_far(k: int) -> None:
    by = np.array([0.05, -0.04, 0.03])
    stood = STOOD.copy()
    stood[k] += by
    strange, off = found(walk(), stood)
    assert strange == {} and list(off) == [LABELS[k]] and "7." in off[LABELS[k]]
    odd = odd_marker(stood, walk())
    assert odd.marker == k and odd.certain and odd.size == pytest.approx(np.linalg.norm(by), abs=0.01)


def test_of_three_markers_none_is_left_out() -> None:
    stood = STOOD[:3].copy()
    stood[2, 1] += 0.1
    assert found(walk(STOOD[:3]), stood, LABELS[:3]) == ({}, {})
    odd = odd_marker(stood, walk(STOOD[:3]))
    assert odd.marker == 2 and odd.size > odd.limit and not odd.known


def test_a_far_marker_is_told_the_less_the_nearer_the_others_are_to_a_line() -> None:
    line = np.array([[0.0, 0, 0], [0.02, 0.005, 0], [0.05, 0, 0], [0.25, 0, 0]])
    assert odd_marker(line, walk(line)).limit > odd_marker(STOOD, walk()).limit


@pytest.mark.parametrize("word", ["leaps", "stands still"])
def test_a_path_that_no_body_walks(word: str) -> None:
    walked = walk()
    if word == "leaps":
        walked[40:, 1] += [0.0, 0.15, 0]
    else:
        walked[30:, 1] = walked[30, 1]
    strange, off = found(walked)
    assert list(strange) == ["B"] and word in strange["B"] and off == {}


def test_where_everything_is_wrong_nothing_is_left_out() -> None:
    labels = tuple("ABCDEFGH")
    stood = np.concatenate([STOOD, STOOD + np.array([0, 0, 0.5])])
    walked = walk(stood)
    walked[40:, :5] += np.random.default_rng(1).normal(0, 0.3, (1, 5, 3))
    assert found(walked, stood, labels) == ({}, {})


def test_the_quiet_frame_shows_all_markers() -> None:
    positions = np.repeat(STOOD[None], 50, axis=0) + np.linspace(0, 1, 50)[:, None, None] ** 4 * [1, 0, 0]
    positions[0, 0] = np.nan
    place = quiet_place(positions)
    assert np.isfinite(place).all() and np.allclose(place, STOOD, atol=1e-3)
