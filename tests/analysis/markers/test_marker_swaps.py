"""Exchanged labels are found by distances, and nothing else is touched."""

from __future__ import annotations

import numpy as np

from exogait.analysis.markers.map import read_marker_map
from exogait.analysis.markers.swaps import exchange, find_swaps
from exogait.data.trc import marker_table

MAP = read_marker_map("schreiber2019")


def table(swapped: tuple[str, str] | None = None, noise: float = 0.0, moved: str = ""):
    rng = np.random.default_rng(1)
    labels = [label for label, marker in MAP.markers.items() if marker.location]
    offset = {body: rng.normal(size=3) for body in sorted({MAP.markers[label].body for label in labels})}
    places = np.array([np.array(MAP.markers[label].location) + offset[MAP.markers[label].body] for label in labels])
    names = list(labels)
    if swapped:
        a, b = (names.index(label) for label in swapped)
        names[a], names[b] = names[b], names[a]
    if moved:
        places[labels.index(moved)] += 0.15
    frames = places + noise * rng.normal(size=(20, *places.shape))
    return marker_table(np.arange(20) / 100, names, frames)


def test_a_swap_is_found_and_put_right() -> None:
    walk = table(("SXS", "SJN"), noise=0.003)
    swaps = find_swaps(table(), walk, MAP)
    assert [{s.first, s.second} for s in swaps] == [{"SXS", "SJN"}]
    assert swaps[0].before > 0.05 and swaps[0].after < 0.02
    assert exchange(["SXS", "SJN", "R_IAS"], swaps) == ["SJN", "SXS", "R_IAS"]


def test_skin_movement_and_a_lost_marker_are_no_swap() -> None:
    assert find_swaps(table(), table(noise=0.01), MAP) == []
    assert find_swaps(table(), table(moved="SJN"), MAP) == []


def test_labels_of_two_bodies_are_exchanged_back() -> None:
    walk = table(("L_FLE", "R_FM2"), noise=0.003)
    (swap,) = find_swaps(table(), walk, MAP)
    assert {swap.first, swap.second} == {"L_FLE", "R_FM2"} and swap.before > 0.12 and swap.after < 0.03
