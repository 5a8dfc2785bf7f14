"""Kinds of corruption: each changes one pair of recordings by a random size, as real laboratories' files are wrong."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from exogait.analysis.c3d.reader import C3DFile
from exogait.analysis.markers.roles import find_roles


@dataclass(frozen=True)
class Pair:
    """What one run of the road reads."""

    resting: C3DFile
    recording: C3DFile
    mass: float
    other: C3DFile
    """Static trial of another person with the same marker set, or of this one where there is none."""


class NotPossible(Exception):
    """The pair lacks what the kind needs."""


Corruption = Callable[[np.random.Generator, Pair], tuple[Pair, str]]
KINDS: dict[str, Corruption] = {}


def kind(function: Corruption) -> Corruption:
    """Put a kind in the table under its function's name."""
    KINDS[function.__name__] = function
    return function


def _size(rng: np.random.Generator, low: float, high: float) -> float:
    """A number between two limits, and as often its negative."""
    return float(rng.uniform(low, high) * rng.choice([-1, 1]))


def _legs(recording: C3DFile, roles: Sequence[str] = ("asis", "knee", "ankle", "heel", "toe")) -> list[int]:
    found = find_roles(recording.marker_names)
    where = [found[f"{r}_{s}"][0] for r in roles for s in "rl" if found.get(f"{r}_{s}")]
    places = [i for i, name in enumerate(recording.marker_names) if name in where]
    if len(places) < 2:
        raise NotPossible("no known markers on the legs")
    return places


def _plates(pair: Pair, least: int = 1) -> C3DFile:
    if len(pair.recording.platforms) < least:
        raise NotPossible(f"fewer than {least} plates")
    return pair.recording


def _scaled(recording: C3DFile, channels: Sequence[int], factor: float) -> C3DFile:
    analog = recording.analog.copy()
    analog[:, list(channels)] *= factor
    return replace(recording, analog=analog)


def _walk(pair: Pair, recording: C3DFile, what: str) -> tuple[Pair, str]:
    return replace(pair, recording=recording), what


def _moved(recording: C3DFile, place: int, rows: slice, by: np.ndarray) -> C3DFile:
    positions = recording.positions.copy()
    positions[rows, place] += by
    return replace(recording, positions=positions)


def _direction(rng: np.random.Generator) -> np.ndarray:
    way = rng.normal(size=3)
    return way / np.linalg.norm(way)


def _relabelled(recording: C3DFile, order: Sequence[int]) -> C3DFile:
    return replace(
        recording, positions=recording.positions[:, list(order)], residuals=recording.residuals[:, list(order)]
    )


def _side_order(recording: C3DFile) -> list[int]:
    """Every label with a left and a right twin takes its twin's path."""
    names = list(recording.marker_names)
    order = list(range(len(names)))
    for i, name in enumerate(names):
        for a, b in (("L", "R"), ("l", "r")):
            twin = b + name[1:] if name.startswith(a) else name[:-1] + b if name.endswith(a) else ""
            if twin in names:
                order[i], order[names.index(twin)] = names.index(twin), i
    if order == list(range(len(names))):
        raise NotPossible("no left and right labels")
    return order


# -- plates -----------------------------------------------------------------------------------------------------------


@kind
def force_unit(rng: np.random.Generator, pair: Pair) -> tuple[Pair, str]:
    walk, factor = _plates(pair), float(rng.choice([1 / 4.4482, 4.4482, 0.102, 9.807, 1e-3]))
    return _walk(pair, _scaled(walk, [c for p in walk.platforms for c in p.channels], factor), f"x {factor:.3g}")


@kind
def gain_of_one_plate(rng: np.random.Generator, pair: Pair) -> tuple[Pair, str]:
    walk = _plates(pair)
    plate, factor = (
        rng.choice(np.arange(len(walk.platforms))),
        float(rng.choice([rng.uniform(0.5, 0.8), rng.uniform(1.2, 2)])),
    )
    return _walk(pair, _scaled(walk, walk.platforms[plate].channels, factor), f"plate {plate + 1} x {factor:.2f}")


@kind
def gain_of_vertical(rng: np.random.Generator, pair: Pair) -> tuple[Pair, str]:
    walk, factor = _plates(pair), float(rng.choice([rng.uniform(0.5, 0.8), rng.uniform(1.2, 2)]))
    return _walk(pair, _scaled(walk, [p.channels[2] for p in walk.platforms], factor), f"Fz x {factor:.2f}")


@kind
def moment_unit(rng: np.random.Generator, pair: Pair) -> tuple[Pair, str]:
    walk, factor = _plates(pair), float(rng.choice([1e-3, 1e-2, 0.1, 10.0, 0.113]))
    return _walk(pair, _scaled(walk, [c for p in walk.platforms for c in p.channels[3:6]], factor), f"M x {factor:g}")


def _sign(channel: int) -> Corruption:
    def flip(rng: np.random.Generator, pair: Pair) -> tuple[Pair, str]:
        walk = _plates(pair)
        return _walk(pair, _scaled(walk, [p.channels[channel] for p in walk.platforms], -1.0), "all plates")

    return flip


for number, name in ((0, "Fx"), (1, "Fy"), (3, "Mx"), (4, "My")):
    KINDS[f"sign_of_{name}"] = _sign(number)


def _turned(steps: int) -> Corruption:
    def turn(rng: np.random.Generator, pair: Pair) -> tuple[Pair, str]:
        walk = _plates(pair)
        plates = tuple(replace(p, corners=np.roll(p.corners, steps, axis=0)) for p in walk.platforms)
        return _walk(pair, replace(walk, platforms=plates), f"{90 * steps} degrees")

    return turn


KINDS["plates_turned_180"] = _turned(2)
KINDS["plates_turned_90"] = _turned(1)


@kind
def plates_exchanged(rng: np.random.Generator, pair: Pair) -> tuple[Pair, str]:
    walk = _plates(pair, 2)
    a, b = rng.choice(len(walk.platforms), 2, replace=False)
    plates = list(walk.platforms)
    plates[a], plates[b] = (
        replace(plates[a], corners=plates[b].corners),
        replace(plates[b], corners=plates[a].corners),
    )
    return _walk(pair, replace(walk, platforms=tuple(plates)), f"plates {a + 1} and {b + 1}")


@kind
def plates_shifted(rng: np.random.Generator, pair: Pair) -> tuple[Pair, str]:
    walk, by = _plates(pair), np.array([_size(rng, 0.04, 0.2), _size(rng, 0.04, 0.2), 0.0])
    plates = tuple(replace(p, corners=p.corners + by) for p in walk.platforms)
    return _walk(pair, replace(walk, platforms=plates), f"{by[0] * 100:.0f}, {by[1] * 100:.0f} cm")


@kind
def forces_late(rng: np.random.Generator, pair: Pair) -> tuple[Pair, str]:
    walk, by = _plates(pair), _size(rng, 0.05, 0.4)
    return _walk(pair, replace(walk, analog=np.roll(walk.analog, round(by * walk.analog_rate), axis=0)), f"{by:+.2f} s")


@kind
def force_rate(rng: np.random.Generator, pair: Pair) -> tuple[Pair, str]:
    walk, factor = _plates(pair), float(rng.choice([rng.uniform(0.8, 0.95), rng.uniform(1.05, 1.25)]))
    at = np.clip(np.arange(len(walk.analog)) * factor, 0, len(walk.analog) - 1).astype(int)
    return _walk(pair, replace(walk, analog=walk.analog[at]), f"x {factor:.2f}")


@kind
def forces_saturated(rng: np.random.Generator, pair: Pair) -> tuple[Pair, str]:
    walk, share = _plates(pair), rng.uniform(0.5, 0.85)
    analog = walk.analog.copy()
    for plate in walk.platforms:
        column = analog[:, plate.channels[2]]
        analog[:, plate.channels[2]] = np.clip(column, share * column.min(), share * column.max())
    return _walk(pair, replace(walk, analog=analog), f"at {share:.0%} of the peak")


@kind
def forces_drift(rng: np.random.Generator, pair: Pair) -> tuple[Pair, str]:
    walk, by = _plates(pair), _size(rng, 50, 250)
    analog = walk.analog.copy()
    for plate in walk.platforms:
        analog[:, plate.channels[2]] += np.linspace(0, by, len(analog))
    return _walk(pair, replace(walk, analog=analog), f"{by:+.0f} N over the trial")


# -- events: angles are those of the clean walk, as for plates ---------------------------------------------------------


@kind
def events_shifted(rng: np.random.Generator, pair: Pair) -> tuple[Pair, str]:
    if not pair.recording.events:
        raise NotPossible("no events")
    by = _size(rng, 0.08, 0.5)
    events = tuple(replace(event, time=event.time + by) for event in pair.recording.events)
    return _walk(pair, replace(pair.recording, events=events), f"{by:+.2f} s")


@kind
def events_of_the_other_side(rng: np.random.Generator, pair: Pair) -> tuple[Pair, str]:
    if not pair.recording.events:
        raise NotPossible("no events")
    other = {"r": "l", "l": "r"}
    events = tuple(replace(event, side=other.get(event.side, event.side)) for event in pair.recording.events)
    return _walk(pair, replace(pair.recording, events=events), "all events")


# -- markers ----------------------------------------------------------------------------------------------------------


@kind
def marker_off_in_walk(rng: np.random.Generator, pair: Pair) -> tuple[Pair, str]:
    place, by = int(rng.choice(_legs(pair.recording))), rng.uniform(0.05, 0.1) * _direction(rng)
    name = pair.recording.marker_names[place]
    return _walk(pair, _moved(pair.recording, place, slice(None), by), f"{name} {np.linalg.norm(by) * 100:.0f} cm")


@kind
def marker_off_in_static(rng: np.random.Generator, pair: Pair) -> tuple[Pair, str]:
    place, by = int(rng.choice(_legs(pair.resting))), rng.uniform(0.05, 0.1) * _direction(rng)
    name = pair.resting.marker_names[place]
    return replace(
        pair, resting=_moved(pair.resting, place, slice(None), by)
    ), f"{name} {np.linalg.norm(by) * 100:.0f} cm"


@kind
def marker_jumps(rng: np.random.Generator, pair: Pair) -> tuple[Pair, str]:
    place, by = int(rng.choice(_legs(pair.recording))), rng.uniform(0.1, 0.4) * _direction(rng)
    start = int(pair.recording.n_frames * rng.uniform(0.3, 0.6))
    return _walk(pair, _moved(pair.recording, place, slice(start, None), by), pair.recording.marker_names[place])


@kind
def marker_frozen(rng: np.random.Generator, pair: Pair) -> tuple[Pair, str]:
    place = int(rng.choice(_legs(pair.recording, ("knee", "ankle", "heel", "toe"))))
    positions, start = pair.recording.positions.copy(), int(pair.recording.n_frames * rng.uniform(0.3, 0.6))
    positions[start:, place] = positions[start, place]
    return _walk(pair, replace(pair.recording, positions=positions), pair.recording.marker_names[place])


@kind
def gap_of_markers(rng: np.random.Generator, pair: Pair) -> tuple[Pair, str]:
    positions, legs = pair.recording.positions.copy(), _legs(pair.recording)
    start, length = (
        int(pair.recording.n_frames * rng.uniform(0.2, 0.6)),
        int(rng.uniform(0.2, 0.6) * pair.recording.point_rate),
    )
    for place in rng.choice(legs, min(3, len(legs)), replace=False):
        positions[start : start + length, place] = np.nan
    return _walk(pair, replace(pair.recording, positions=positions), f"{length} frames")


@kind
def cluster_missing(rng: np.random.Generator, pair: Pair) -> tuple[Pair, str]:
    role, side = str(rng.choice(["knee", "ankle", "heel", "toe"])), str(rng.choice(["r", "l"]))
    gone = find_roles(pair.recording.marker_names).get(f"{role}_{side}", ())
    keep = [i for i, name in enumerate(pair.recording.marker_names) if name not in gone]
    if len(keep) == len(pair.recording.marker_names):
        raise NotPossible("no such marker")
    names = tuple(pair.recording.marker_names[i] for i in keep)
    walk = replace(_relabelled(pair.recording, keep), marker_names=names)
    return _walk(pair, walk, ", ".join(gone))


@kind
def two_labels_exchanged(rng: np.random.Generator, pair: Pair) -> tuple[Pair, str]:
    a, b = rng.choice(_legs(pair.recording), 2, replace=False)
    order = list(range(len(pair.recording.marker_names)))
    order[a], order[b] = b, a
    names = pair.recording.marker_names
    return _walk(pair, _relabelled(pair.recording, order), f"{names[a]}, {names[b]}")


@kind
def labels_shifted(rng: np.random.Generator, pair: Pair) -> tuple[Pair, str]:
    n = len(pair.recording.marker_names)
    by = int(rng.integers(1, 4))
    return _walk(pair, _relabelled(pair.recording, [(i + by) % n for i in range(n)]), f"by {by}")


@kind
def sides_exchanged_in_walk(rng: np.random.Generator, pair: Pair) -> tuple[Pair, str]:
    return _walk(pair, _relabelled(pair.recording, _side_order(pair.recording)), "all labels")


@kind
def sides_exchanged_in_both(rng: np.random.Generator, pair: Pair) -> tuple[Pair, str]:
    resting = _relabelled(pair.resting, _side_order(pair.resting))
    return replace(pair, resting=resting, recording=_relabelled(pair.recording, _side_order(pair.recording))), "both"


@kind
def left_handed_axes(rng: np.random.Generator, pair: Pair) -> tuple[Pair, str]:
    axis = int(rng.integers(0, 2))
    positions = pair.recording.positions.copy()
    positions[:, :, axis] *= -1
    return _walk(pair, replace(pair.recording, positions=positions), "xy"[axis])


@kind
def marker_noise(rng: np.random.Generator, pair: Pair) -> tuple[Pair, str]:
    sd, positions = rng.uniform(0.01, 0.04), pair.recording.positions.copy()
    slow = np.cumsum(rng.normal(size=positions.shape), axis=0)
    slow -= np.linspace(0, 1, len(slow))[:, None, None] * slow[-1]
    positions += sd * slow / slow.std(axis=0)
    return _walk(pair, replace(pair.recording, positions=positions), f"{sd * 100:.1f} cm, slow")


# -- bodies, clocks and sizes -----------------------------------------------------------------------------------------


@kind
def wrong_static(rng: np.random.Generator, pair: Pair) -> tuple[Pair, str]:
    if pair.other is pair.resting:
        raise NotPossible("nobody else has this marker set")
    return replace(pair, resting=pair.other), "another person's"


@kind
def static_of_another_size(rng: np.random.Generator, pair: Pair) -> tuple[Pair, str]:
    factor = float(rng.choice([rng.uniform(0.8, 0.92), rng.uniform(1.08, 1.25)]))
    return replace(pair, resting=replace(pair.resting, positions=pair.resting.positions * factor)), f"x {factor:.2f}"


@kind
def static_of_the_walk(rng: np.random.Generator, pair: Pair) -> tuple[Pair, str]:
    at = int(pair.recording.n_frames * rng.uniform(0.3, 0.7))
    span = slice(at, at + max(round(0.3 * pair.recording.point_rate), 10))
    walk = pair.recording
    part = replace(
        walk, positions=walk.positions[span], residuals=walk.residuals[span], analog=walk.analog[:0], platforms=(),
        events=(), outputs=walk.outputs[span],
    )  # fmt: skip
    return replace(pair, resting=part), f"frames from {at}"


@kind
def walk_of_another_size(rng: np.random.Generator, pair: Pair) -> tuple[Pair, str]:
    factor = float(rng.choice([rng.uniform(0.8, 0.92), rng.uniform(1.08, 1.25)]))
    return _walk(pair, replace(pair.recording, positions=pair.recording.positions * factor), f"x {factor:.2f}")


@kind
def wrong_mass(rng: np.random.Generator, pair: Pair) -> tuple[Pair, str]:
    factor = float(rng.choice([rng.uniform(0.45, 0.85), rng.uniform(1.18, 2.2)]))
    return replace(pair, mass=pair.mass * factor), f"x {factor:.2f}"


@kind
def wrong_rate(rng: np.random.Generator, pair: Pair) -> tuple[Pair, str]:
    factor, walk = float(rng.choice([0.5, 0.6, 0.83, 1.2, 1.67, 2.0])), pair.recording
    walk = replace(walk, point_rate=walk.point_rate * factor, analog_rate=walk.analog_rate * factor)
    return _walk(pair, walk, f"x {factor:.2f}")


@kind
def rows_lost(rng: np.random.Generator, pair: Pair) -> tuple[Pair, str]:
    walk, share = pair.recording, rng.uniform(0.05, 0.2)
    keep = np.sort(rng.choice(walk.n_frames, int((1 - share) * walk.n_frames), replace=False))
    walk = replace(walk, positions=walk.positions[keep], residuals=walk.residuals[keep], outputs=walk.outputs[keep])
    return _walk(pair, walk, f"{share:.0%} of the frames")


@kind
def time_reversed(rng: np.random.Generator, pair: Pair) -> tuple[Pair, str]:
    walk = pair.recording
    return _walk(pair, replace(walk, positions=walk.positions[::-1], analog=walk.analog[::-1], events=()), "the walk")
