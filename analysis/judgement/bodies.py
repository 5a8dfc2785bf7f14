"""Checks of markers by the body: what is rigid stays so between standing and walking, and is no mirror image."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from exogait.data.names import SIDES, mirrored_name, side_of, stem
from exogait.data.quality import QualityRow
from exogait.data.trc import marker_array

from ..markers.misplaced import fault_of, leap_limit, odd_marker
from .case import Case
from .influence import influence

SKIN = "Leardini et al. 2005, doi 10.1016/j.gaitpost.2004.05.002"
LENGTH_FAIL = 0.045
"""Change of a limb's length between static trial and walk over its length: another person, or another unit."""
LEAST_VOLUME = 0.02
"""Volume of four markers over the cube of their mean distance below which they are flat: no mirror can be told."""
MIRRORED = 0.8
"""Share of frames on the other side of the mirror that makes the labels exchanged."""
_ABOVE = {
    "pelvis": ("pelvis_*", "hip_*", "lumbar_*"), "femur": ("hip_*", "knee_*", "ankle_*"),
    "tibia": ("hip_*", "knee_*", "ankle_*", "subtalar_*"), "talus": ("knee_*", "ankle_*", "subtalar_*", "mtp_*"),
    "calcn": ("knee_*", "ankle_*", "subtalar_*", "mtp_*"), "toes": ("knee_*", "ankle_*", "subtalar_*", "mtp_*"),
    "torso": ("lumbar_*",),
}  # fmt: skip
"""Segment to the coordinates that its markers tell, with those that inverse kinematics bends to reach them."""
_LIMBS = (("asis_r", "asis_l"), ("knee_r", "ankle_r"), ("knee_l", "ankle_l"), ("heel_r", "toe_r"), ("heel_l", "toe_l"))
_SIZED = ("coordinates/*", "spatiotemporal/*length*", "spatiotemporal/*width*", "spatiotemporal/speed*")
MISFIT = 0.02
"""How far a marker is from its place on the model while it is seen, m: so much the pose gives way when it is not."""
HALF_STEP = 0.3
"""How far off a marker comes that does not follow its body, m."""
_STRIDES = ("spatiotemporal/stride_length*", "spatiotemporal/speed*")
_TODO = "check these labels in both trials, and that both are one person's with the same markers on the same places"


def spoiled_by(body: str) -> tuple[str, ...]:
    """Patterns of what a segment's markers tell: angles, and lengths and speed where they are those of a foot."""
    side = side_of(body)
    parts = _ABOVE.get(stem(body), ())
    ends = (side,) if side else ("", "r", "l")
    angles = tuple(f"coordinates/{part}{end}" for part in parts for end in ends)
    lengths = ("spatiotemporal/*length*", "spatiotemporal/step_width*", "spatiotemporal/speed*")
    return angles + (lengths if body.startswith(("calcn", "toes", "talus")) else ())


def segments(case: Case) -> dict[str, tuple[list[str], NDArray[np.float64], NDArray[np.float64]]]:
    """Segment to its markers in both trials: names in the map, standing (n, 3), walking (n_frames, n, 3), m."""
    found: dict[str, list[str]] = {}
    at_rest, walking = case.at_rest.match.found, case.identity.match.found
    for label, marker in case.identity.marker_map.markers.items():
        if label in at_rest and label in walking:
            found.setdefault(marker.body, []).append(label)
    names = list(case.lab.marker_names)
    start, stop = case.scale.window
    window = np.asarray((case.standing.index >= start - 1e-9) & (case.standing.index <= stop + 1e-9))
    result = {}
    for body, labels in found.items():
        stood = marker_array(case.standing, [at_rest[label] for label in labels])[window]
        walked = case.lab.positions[:, [names.index(walking[label]) for label in labels]]
        seen = np.isfinite(stood).all(axis=2).any(axis=0) & np.isfinite(walked).all(axis=2).any(axis=0)
        if seen.any():
            result[body] = (
                [labels[k] for k in np.flatnonzero(seen)],
                np.nanmean(stood[:, seen], axis=0),
                walked[:, seen],
            )
    return result


def rigid_rows(case: Case) -> Iterator[QualityRow]:
    """Segments are as rigid as in the static trial; a marker that left the others spoils what it has a say in."""
    found = {body: markers for body, markers in segments(case).items() if body != "torso" and len(markers[0]) > 1}
    off = {body: odd_marker(stood, walked) for body, (_, stood, walked) in found.items()}
    worst = max(off, key=lambda body: off[body].size / off[body].limit, default="")
    bad = {body: odd for body, odd in off.items() if odd.size > odd.limit}
    effects = influence(case) if bad else None
    for body, odd in bad.items():
        assert effects is not None
        label = found[body][0][odd.marker]
        if odd.known:
            start = round(float(case.kinematics.coordinates.index[0]) * case.lab.rate)
            away = odd.away[[min(start + frame, len(odd.away) - 1) for frame in effects.frames]]
            spoils = effects.spoils(label, np.where(np.isfinite(away), away, np.nanmedian(odd.away, axis=0)))
            told = f"{odd.size * 100:.1f} cm from where the others put it by the static trial"
        else:
            spoils = effects.spoils(label, odd.size)
            told = f"{odd.size * 100:.1f} cm nearer or farther than in the static trial"
        yield QualityRow(
            "Markers", f"{label} among the markers of {body}", told, f"≤ {odd.limit * 100:.1f} cm", "fail", SKIN,
            (*spoils, *steps_from(case, label)), _TODO,
        )  # fmt: skip
    if worst and not bad:
        odd = off[worst]
        yield QualityRow(
            "Markers", "markers of a segment, standing against walking, largest change",
            f"{odd.size * 100:.1f} cm ({found[worst][0][odd.marker]})", f"≤ {odd.limit * 100:.1f} cm", "pass", SKIN,
        )  # fmt: skip


def steps_from(case: Case, label: str, *, moving: bool = False) -> tuple[str, ...]:
    """Lengths that a marker spoils that is a heel: steps go from heel to heel, strides only where it moves.

    Args:
        case: The walk.
        label: Label of the map.
        moving: Whether it is off by different amounts over time.
    """
    name = case.identity.match.found.get(label, label)
    roles = case.identity.roles
    heels = [(roles.get(f"heel_{side}") or roles.get(f"ankle_{side}") or ("",))[0] for side in SIDES]
    if name not in heels:
        return ()
    return ("spatiotemporal/step_length*", "spatiotemporal/step_width*", *(_STRIDES if moving else ()))


def path_rows(case: Case) -> Iterator[QualityRow]:
    """No marker of the map leaps, or stands still while others move."""
    rate, raw = case.recording.point_rate, case.recording.positions
    names = list(case.identity.labels)
    wrong: dict[str, str] = {}
    for label, name in case.identity.match.found.items():
        if case.identity.marker_map.markers[label].body != "torso":
            if fault := fault_of(raw[:, names.index(name)], raw, rate):
                wrong[label] = fault[0]
    effects = influence(case) if wrong else None
    for label, told in wrong.items():
        assert effects is not None
        yield QualityRow(
            "Markers", f"path of {label}", told, f"steps within {leap_limit(rate) * 100:.0f} cm of each other", "fail",
            "", (*effects.spoils(label, HALF_STEP), *steps_from(case, label, moving=True)),
            f"repair the path of {label}, or leave the marker out",
        )  # fmt: skip
    if not wrong:
        yield QualityRow("Markers", "leaps and standstills in paths", "none", verdict="pass")


def gap_rows(case: Case) -> Iterator[QualityRow]:
    """A long gap within a path that nothing could fill turns the pose by what the marker has a say in."""
    known = {name: label for label, name in case.identity.match.found.items()}
    legs = {name for name, label in known.items() if case.identity.marker_map.markers[label].body != "torso"}
    left = {gap.name: gap for gap in case.lab.gaps if gap.name in legs and "limit" in gap.action}
    if left and len({(gap.start, gap.duration) for gap in left.values()}) == 1 and set(left) >= legs:
        # Where no marker is seen there is no pose, and nothing else is turned by it.
        gap = next(iter(left.values()))
        found = f"{gap.duration:.2f} s from {gap.start:.2f} s"
        yield QualityRow("Markers", "gap of all markers", found, verdict="warn")
        return
    effects = influence(case) if left else None
    for name, gap in left.items():
        assert effects is not None
        spoils = (*effects.spoils(known[name], MISFIT), *steps_from(case, known[name]))
        yield QualityRow(
            "Markers", f"gap of {name}", f"{gap.duration:.2f} s from {gap.start:.2f} s that its neighbours do not fill",
            "", "fail" if spoils else "warn", "", spoils, f"fill the gap of {name}, or take another walk",
        )  # fmt: skip


def mirror_rows(case: Case) -> Iterator[QualityRow]:
    """Four markers of a lower leg and foot keep their handedness: exchanged medial and lateral ones lose it."""
    found = segments(case)
    for side in SIDES:
        parts = [found[f"{body}_{side}"] for body in ("tibia", "talus", "calcn", "toes") if f"{body}_{side}" in found]
        odd = [odd_marker(still, moving) for _, still, moving in parts if len(still) > 1]
        if sum(one.size > one.limit for one in odd) == 1:
            continue  # one marker that is off mirrors what it is part of: that has a row of its own
        labels = [label for names, _, _ in parts for label in names]
        if len(labels) < 4:
            continue
        stood = np.concatenate([still for _, still, _ in parts])
        walked = np.concatenate([moving for _, _, moving in parts], axis=1)
        for spanning in _solid(stood):
            before = handedness(stood[None, spanning])[0]
            now = handedness(walked[:, spanning])
            now = now[np.isfinite(now)]
            if (
                len(now)
                and np.mean(np.sign(now) != np.sign(before)) > MIRRORED
                and np.median(np.abs(now)) > LEAST_VOLUME
            ):
                yield QualityRow(
                    "Markers", f"{', '.join(labels[k] for k in spanning)}", "a mirror image of the static trial's",
                    "the same handedness", "fail", "", (*spoiled_by(f"tibia_{side}"), *spoiled_by(f"calcn_{side}")),
                    "medial and lateral labels are exchanged in one of the trials: exchange them back",
                )  # fmt: skip
                break


def _solid(points: NDArray[np.float64]) -> list[list[int]]:
    """Fours of points that span a volume, the largest first."""
    sizes = {four: abs(float(handedness(points[None, list(four)])[0])) for four in
             itertools.combinations(range(len(points)), 4)}  # fmt: skip
    return [list(four) for four in sorted(sizes, key=lambda four: -sizes[four]) if sizes[four] > LEAST_VOLUME][:40]


def handedness(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Triple product of three edges over the cube of their mean length, shape (n_frames,)."""
    edges = points[:, 1:] - points[:, :1]
    volume = np.einsum("ni,ni->n", np.cross(edges[:, 0], edges[:, 1]), edges[:, 2])
    return volume / np.linalg.norm(edges, axis=2).mean(axis=1) ** 3


def limb_rows(case: Case) -> Iterator[QualityRow]:
    """Limbs are as long in the walk as in the static trial: else it is another person's, or of another unit."""
    changes: dict[str, float] = {}
    for first, second in _LIMBS:
        lengths = [
            _length(roles, names, positions, first, second)
            for roles, names, positions in (
                (case.at_rest.roles, case.resting.marker_names, case.resting.positions),
                (case.identity.roles, case.lab.marker_names, case.lab.positions),
            )
        ]
        if np.isfinite(lengths).all() and lengths[0] > 0:
            changes[f"{first} to {second}".replace("_", " ")] = float(lengths[1] / lengths[0] - 1)
    if not changes:
        return
    middle = float(np.median(np.abs(list(changes.values()))))
    failed = middle > LENGTH_FAIL
    largest = max(changes, key=lambda name: abs(changes[name]))
    yield QualityRow(
        "Body", "limbs in the walk against the static trial",
        f"{middle:.1%} of their length, largest {changes[largest]:+.1%} ({largest})", f"≤ {LENGTH_FAIL:.0%}",
        "fail" if failed else "pass", "", _SIZED if failed else (),
        "take the static trial of the same person, in the same unit",
    )  # fmt: skip


def _length(
    roles: Mapping[str, tuple[str, ...]], names: tuple[str, ...], positions: NDArray[np.float64], a: str, b: str
) -> float:
    if not (roles.get(a) and roles.get(b)):
        return float("nan")
    first, second = (positions[:, list(names).index(roles[role][0])] for role in (a, b))
    apart = np.linalg.norm(first - second, axis=1)
    return float(np.nanmedian(apart)) if np.isfinite(apart).any() else float("nan")


SCALE_SIDES, SCALE_NEIGHBOURS = 0.12, 0.3
"""Largest difference of a segment's scale factors between the sides, and of a leg's segment from the legs' median."""


def scale_rows(case: Case) -> Iterator[QualityRow]:
    """Scale factors fit one body: left those of the right, a foot that of its shank."""
    size = case.scale.factors.mean(axis=1)
    legs = {str(body): float(value) for body, value in size.items() if side_of(str(body))}
    if not legs:
        return
    usual = float(np.median(list(legs.values())))
    for body, value in legs.items():
        other = legs.get(mirrored_name(body), value)
        sides, neighbours = value / other - 1, value / usual - 1
        if (abs(sides) > SCALE_SIDES and abs(neighbours) >= abs(other / usual - 1)) or abs(
            neighbours
        ) > SCALE_NEIGHBOURS:
            yield QualityRow(
                "Scaling", f"size of {body}", f"{value:.2f}; the other side {other:.2f}, the legs {usual:.2f}",
                f"sides within {SCALE_SIDES:.0%}, within {SCALE_NEIGHBOURS:.0%} of the legs", "fail", "",
                spoiled_by(body), _TODO,
            )  # fmt: skip


def side_rows(case: Case) -> Iterator[QualityRow]:
    """Right markers lie on the right of a body whose feet point forward."""
    for role, frame in (("walk", case.lab.frame),):
        wrong = next((note for note in frame.notes if "right markers lie on the left" in note), "")
        if wrong:
            yield QualityRow(
                "Axes", f"left and right in the {role}", wrong, "right markers on the right", "fail", "",
                ("events/*", "coordinates/*"), "exchange the sides of the labels, or say --forward",
            )  # fmt: skip
