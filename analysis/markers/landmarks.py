"""Which marker is which landmark, guessed from names and from the places of the markers on a standing person.

The places are those of the usual landmarks on the unscaled Gait2392 model in its default pose. A cloud of markers is
turned, shifted and scaled until most of its markers lie near a landmark of their own; a name that says what it marks
counts as being nearer. It is a first guess for a person to check: how sure it is stands beside each one.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from exogait.data.names import side_of, stem

from .map import MapMarker, available_marker_maps, match_labels, read_marker_map
from .roles import find_roles

BODIES = {
    "pelvis": (0.0, 0.95, 0.0),
    "torso": (-0.1007, 1.0315, 0.0),
    "femur": (-0.0707, 0.8839, 0.0835),
    "tibia": (-0.0752, 0.4881, 0.0835),
    "calcn": (-0.1240, 0.0161, 0.0914),
}
"""Origins of the bodies of the unscaled model in its default pose, right side, m: x forward, y up, z to the right."""


@dataclass(frozen=True)
class Landmark:
    """A place where laboratories put markers."""

    name: str
    body: str
    """Body without its side; empty for head and arms, which the model does not have."""
    place: tuple[float, float, float]
    """Right side, in the frame of the body, m; above the floor where there is no body."""
    weights: tuple[float, ...]
    """Static and, where it differs, walking weight in a map."""
    words: str
    """Pieces of names in several languages, as a regular expression."""

    @property
    def sided(self) -> bool:
        """Whether there are two of it."""
        return abs(self.place[2]) > 1e-9

    @property
    def standing(self) -> NDArray[np.float64]:
        """Place on the standing model, shape (3,), m."""
        return np.add(BODIES.get(self.body, (0.0, 0.0, 0.0)), self.place)


LANDMARKS = tuple(
    Landmark(*entry)
    for entry in (
        ("ASIS", "pelvis", (0.0095, 0.0181, 0.1285), (10,), r"asis?|ias|sias|eias|spinavorn"),
        ("PSIS", "pelvis", (-0.155, 0.035, 0.045), (10,), r"psis?|ips|sips|eips|spinahinten"),
        ("SACRUM", "pelvis", (-0.16, 0.035, 0.0), (10,), r"sacr\w*|vsac|kreuzbein|sacro"),
        ("TROCHANTER", "femur", (-0.012, -0.0325, 0.0762), (0, 1), r"gtr\w*|tro(ch|k)\w*|ftc|rollhuegel"),
        ("KNEE", "femur", (0.0, -0.404, 0.05), (10,), r"kne+|knee(lat|out|l)|knieau\w*|genou(ext)?|rodilla(ext)?|fle"),
        ("KNEE_MED", "femur", (0.0, -0.404, -0.05), (10,), r"knee?(m|med|in)|knieinn\w*|genouint|rodillaint|fme|mkne+"),
        ("ANKLE", "tibia", (-0.005, -0.41, 0.053), (10,), r"ank(le)?|ankle(lat|out)|knoechelau\w*|cheville(ext)?|fal"),
        ("ANKLE_MED", "tibia", (0.006, -0.3888, -0.038), (10,), r"ank(le)?(m|med|in)|knoechelin\w*|chevilleint|tam"),
        ("HEEL", "calcn", (-0.025, 0.02, -0.005), (10,), r"heel?|cal(c\w*)?|ferse|talon|tallone|hiel|fcc"),
        ("TOE", "calcn", (0.17, 0.03, 0.006), (10,), r"toe|[fm]t?[mht]*2|zehe?|orteil|dedo|fm2|met2"),
        ("MT1", "calcn", (0.205, 0.0297, -0.03), (5,), r"m(e?t|h|th)?1|fm1|meta1|1meta?"),
        ("MT5", "calcn", (0.145, 0.0249, 0.059), (5,), r"m(e?t|h|th)?5|fm5|meta5|5meta?"),
        ("C7", "torso", (-0.085, 0.435, 0.0), (2, 1), r"c7|cv7|c7\w*"),
        ("T10", "torso", (-0.093, 0.171, 0.0), (0, 1), r"t10|th10|tv10|t8|th8"),
        ("NOTCH", "torso", (0.04, 0.38, 0.0), (2, 1), r"clav|jug|sjn|ij|manubrium|notch"),
        ("STERNUM", "torso", (0.1, 0.225, 0.0), (0, 1), r"strn|ster(num)?|sxs|px|xiph\w*|brustbein"),
        ("SHOULDER", "torso", (-0.03, 0.44, 0.15), (1, 0.2), r"sho\w*|acr\w*|sae|schulter|epaule|hombro|spalla"),
        ("HEAD_FRONT", "", (0.08, 1.70, 0.07), (), r"fhd|head\w*|kopf\w*|tete\w*"),
        ("HEAD_BACK", "", (-0.12, 1.70, 0.07), (), r"bhd"),
        ("ELBOW", "", (-0.1, 1.13, 0.27), (), r"elb\w*|ellb\w*|coude|codo|hle|hme"),
        ("WRIST", "", (0.0, 0.88, 0.32), (), r"wr[ab]?|wrist|handgel\w*|poignet|rsp|uhe"),
        ("HAND", "", (0.05, 0.78, 0.32), (), r"fin|hand|main|mano|hm[25]"),
    )
)
"""The usual landmarks."""

_ROLES = {
    "asis": "ASIS", "psis": "PSIS", "sacrum": "SACRUM", "heel": "HEEL", "toe": "TOE", "met1": "MT1", "met5": "MT5",
    "ankle": "ANKLE", "ankle_med": "ANKLE_MED", "knee": "KNEE",
}  # fmt: skip
_SIDES = {
    "r": ("r", "re", "right", "rechts", "droit", "droite", "d", "der", "derecha", "dx", "destra"),
    "l": ("l", "li", "left", "links", "gauche", "g", "izq", "izquierda", "sx", "sinistra"),
}
_SEGMENTS = {
    "femur": ((-0.07, 0.88, 0.09), (-0.07, 0.49, 0.09)),
    "tibia": ((-0.07, 0.45, 0.09), (-0.07, 0.12, 0.09)),
    "calcn": ((-0.13, 0.03, 0.09), (0.10, 0.03, 0.09)),
    "pelvis": ((-0.07, 0.96, 0.10), (-0.07, 1.0, 0.0)),
    "torso": ((-0.06, 1.12, 0.0), (-0.06, 1.45, 0.0)),
}
"""Two points on the middle line of each body, m, standing."""

REACH = 0.09
"""Farthest that a marker may lie from its landmark on a body of the model's size, m."""
NEAR = 0.055
"""Nearer than this a guess from the place alone counts as sure, m."""
CLEAR = 0.012
"""Another landmark must be this much farther for a guess to count as sure, m."""
AROUND = 0.20
"""Farthest that a marker may lie from the middle line of the body it is given to, m."""
HOLD = 0.6
"""Weight of the model's own proportions in the fit; a marker has the weight of its distance from the middle, m."""
TRIES = 200
"""Positions of the model in the cloud that are looked at more closely."""
LOST = 0.07
"""Mean distance of a cloud to the model beyond which it is no standing person, m."""
_NAMED = 0.06
"""How much nearer a marker counts whose name says the same, m."""


@dataclass(frozen=True)
class Guess:
    """What a label may be."""

    label: str
    """Label of the file."""
    landmark: Landmark | None
    """The landmark; ``None``: no landmark, only on the body."""
    body: str
    """Body with its side; empty where it sits on none."""
    side: str
    """``r``, ``l`` or empty in the middle."""
    sure: bool
    """Whether name and place leave no doubt."""
    why: str
    """Where the guess comes from, in words."""


def guess_by_name(labels: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Landmark and side that labels name.

    Args:
        labels: Labels of a file.

    Returns:
        Label to (name of the landmark, side or empty); labels that say nothing are absent.

    Example:
        >>> guess_by_name(["Ferse_links", "RASI", "XA01"])
        {'RASI': ('ASIS', 'r'), 'Ferse_links': ('HEEL', 'l')}
    """
    found: dict[str, tuple[str, str]] = {}
    for role, names in find_roles(labels).items():
        for name in names:
            found.setdefault(name, (_ROLES[stem(role)], side_of(role) or ""))
    for key in available_marker_maps():
        marker_map = read_marker_map(key)
        for ours, theirs in match_labels(marker_map, labels).found.items():
            place = _landmark_at(marker_map.markers[ours])
            if place is not None:
                found.setdefault(theirs, (place[0].name, place[1]))
    for label in labels:
        if label not in found and (hint := _read_words(label)) is not None:
            found[label] = hint
    return found


def guess_landmarks(labels: Sequence[str], positions: NDArray[np.float64] | None = None) -> list[Guess]:
    """What each label may be, by its name and, where there are positions, by its place on the person.

    Args:
        labels: Labels of a file.
        positions: Marker positions of a person who stands upright, shape (n_frames, n_markers, 3), m, in the
            laboratory's axes; names alone count without them.

    Returns:
        One guess a label, in their order.
    """
    hints = guess_by_name(labels)
    cloud = None if positions is None else still_cloud(positions)
    placed = None if cloud is None else fit_model(cloud, [hints.get(label) for label in labels])
    if placed is None:
        return [_by_name_alone(label, hints.get(label)) for label in labels]
    return _by_place(labels, placed, hints)


def still_cloud(positions: NDArray[np.float64]) -> NDArray[np.float64]:
    """One position a marker: the median of a person who stands, the fullest frame of one who walks.

    Args:
        positions: Shape (n_frames, n_markers, 3), m; NaN where a marker is not seen.

    Returns:
        Shape (n_markers, 3), m; NaN for a marker that is never seen.
    """
    seen = np.isfinite(positions).all(axis=2)
    cloud = np.full(positions.shape[1:], np.nan)
    some = seen.any(axis=0)
    cloud[some] = np.nanmedian(positions[:, some], axis=0)
    if travels(positions):
        cloud = positions[int(np.argmax(seen.sum(axis=1)))].copy()
    return cloud


def travels(positions: NDArray[np.float64]) -> bool:
    """Whether most markers move more than 0.3 m: a walk, no standing trial."""
    with np.errstate(invalid="ignore"):
        seen = np.isfinite(positions).all(axis=2).any(axis=0)
        if not seen.any():
            return False
        span = np.nanmax(positions[:, seen], axis=0) - np.nanmin(positions[:, seen], axis=0)
    return bool(np.median(span.max(axis=1)) > 0.3)


def fit_model(
    cloud: NDArray[np.float64], hints: Sequence[tuple[str, str] | None] | None = None
) -> NDArray[np.float64] | None:
    """Turn, shift and scale a cloud of markers onto the standing model.

    Args:
        cloud: One position a marker, shape (n_markers, 3), m, in the laboratory's axes.
        hints: Landmark and side that each marker's name says.

    Returns:
        Places on the standing model, shape (n_markers, 3), m, x forward, y up, z right; ``None`` for fewer than eight
        markers or a cloud that looks like nobody who stands.
    """
    seen = np.isfinite(cloud).all(axis=1)
    if seen.sum() < 8:
        return None
    points = cloud[seen]
    template, _ = _template()
    named = _bonus([hints[int(i)] if hints else None for i in np.flatnonzero(seen)])
    fits: list[tuple[float, NDArray[np.float64]]] = []
    for up in range(3):
        height = points[:, up] - np.percentile(points[:, up], 2)
        flat = points[:, [(up + 1) % 3, (up + 2) % 3]]
        low = height < 0.12 * max(float(height.max()), 1e-6)
        if not 0.4 < height.max() < 2.2 or low.sum() < 2:
            continue
        centre = 0.5 * (flat[low].max(axis=0) + flat[low].min(axis=0))
        for turn in np.arange(0, 360, 30):
            c, s = np.cos(np.radians(turn)), np.sin(np.radians(turn))
            forward, left = np.array([[c, s], [-s, c]]) @ (flat - centre).T
            model = np.column_stack([forward, height, -left])
            # The feet of the template reach from -0.15 to 0.08: their middle is the middle of the lowest markers.
            tries = [model / scale + [-0.035, 0.03, 0.0] for scale in np.arange(0.55, 1.18, 0.06)]
            fits += sorted(((_cost(tried, template, named)[0], tried) for tried in tries), key=_first)[:4]
    refined = []
    for _, start in sorted(fits, key=_first)[:TRIES]:
        placed = start
        for _ in range(4):
            placed = _refine(start, placed, template, named)
        refined.append((_cost(placed, template, named)[0], placed))
    cost, placed = min(refined, key=_first, default=(np.inf, points))
    if cost > LOST:
        return None
    result = np.full(cloud.shape, np.nan)
    result[seen] = placed
    return result


def _template() -> tuple[NDArray[np.float64], list[tuple[Landmark, str]]]:
    places, owners = [], []
    for landmark in LANDMARKS:
        for side in ("r", "l") if landmark.sided else ("",):
            x, y, z = landmark.standing
            places.append((x, y, -z if side == "l" else z))
            owners.append((landmark, side))
    return np.array(places), owners


def _bonus(hints: Sequence[tuple[str, str] | None]) -> NDArray[np.float64]:
    owners = _template()[1]
    return np.array(
        [
            [_NAMED if hint and hint[0] == mark.name and hint[1] in ("", side) else 0.0 for mark, side in owners]
            for hint in hints
        ]
    )


def _cost(
    points: NDArray[np.float64], template: NDArray[np.float64], named: NDArray[np.float64]
) -> tuple[float, NDArray[np.intp], NDArray[np.intp], NDArray[np.float64]]:
    """Mean distance of the markers to landmarks of their own, with who got which, and every distance.

    A marker that is far from all landmarks counts less where it sits on a body at least.
    """
    distance = np.linalg.norm(points[:, None] - template[None], axis=2)
    otherwise = np.where(_body_gaps(points).min(axis=0) < AROUND, 0.8 * REACH, 1.1 * REACH)
    counted = np.minimum(np.clip(distance - named, 0.0, None), otherwise[:, None])
    rows, columns = linear_sum_assignment(counted)
    left_over = np.delete(otherwise, rows).sum()
    near = np.zeros(len(template), dtype=bool)
    near[columns] = counted[rows, columns] < otherwise[rows] - 1e-9
    absent = REACH * (~near[_core()]).sum()
    return float((counted[rows, columns].sum() + left_over + absent) / len(points)), rows, columns, distance


@lru_cache(maxsize=1)
def _core() -> NDArray[np.intp]:
    """Rows of the template that hardly any laboratory leaves out."""
    return np.flatnonzero([mark.name in ("ASIS", "KNEE", "ANKLE", "HEEL") for mark, _ in _template()[1]])


def _body_gaps(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Distance of points to the middle lines of the bodies, shape (n_bodies, n_points), m."""
    folded = np.column_stack([points[:, :2], np.abs(points[:, 2])])
    gaps = []
    for first, last in _SEGMENTS.values():
        start, along = np.array(first), np.subtract(last, first)
        share = np.clip((folded - start) @ along / (along @ along), 0.0, 1.0)
        gaps.append(np.linalg.norm(folded - start - share[:, None] * along, axis=1))
    return np.array(gaps)


def _first(pair: tuple[float, NDArray[np.float64]]) -> float:
    return pair[0]


def _refine(
    points: NDArray[np.float64],
    current: NDArray[np.float64],
    template: NDArray[np.float64],
    named: NDArray[np.float64],
) -> NDArray[np.float64]:
    """One round of a gentle affine fit, both sides folded together: people stand wider, are broader, lean."""
    _, rows, columns, distance = _cost(current, template, named)
    good = distance[rows, columns] < REACH + named[rows, columns]
    rows, columns = rows[good], columns[good]
    middle = np.abs(template[columns, 2]) < 1e-9
    shift = np.median(points[rows[middle], 2]) if middle.sum() > 1 else 0.0
    centred = points - [0.0, 0.0, shift]
    sign = np.where(centred[:, 2] < 0, -1.0, 1.0)
    fold = np.column_stack([centred[:, :2], np.abs(centred[:, 2])])
    goal = np.column_stack([template[columns, :2], np.abs(template[columns, 2])])
    design = np.column_stack([fold[rows], np.ones(len(rows))])
    # Held towards "leave it as it is": the proportions of people differ little.
    hold = HOLD * np.eye(4)
    keep = np.vstack([np.eye(3), np.zeros(3)])
    affine = np.linalg.solve(design.T @ design + hold**2, design.T @ goal + hold**2 @ keep)
    moved = np.column_stack([fold, np.ones(len(fold))]) @ affine
    return np.column_stack([moved[:, :2], sign * moved[:, 2]])


def _by_place(labels: Sequence[str], placed: NDArray[np.float64], hints: Mapping[str, tuple[str, str]]) -> list[Guess]:
    template, owners = _template()
    seen = np.flatnonzero(np.isfinite(placed).all(axis=1))
    points = placed[seen]
    named = _bonus([hints.get(labels[int(i)]) for i in seen])
    _, rows, columns, distance = _cost(points, template, named)
    given = {int(seen[r]): (int(c), float(distance[r, c])) for r, c in zip(rows, columns, strict=True)}
    guesses = []
    for i, label in enumerate(labels):
        hint = hints.get(label)
        if not np.isfinite(placed[i]).all():
            guesses.append(_by_name_alone(label, hint))
            continue
        taken, gap = given.get(i, (-1, np.inf))
        row = int(np.searchsorted(seen, i))
        if taken < 0 or gap > REACH + named[row, taken]:
            guesses.append(_on_body(label, placed[i], hint))
            continue
        landmark, side = owners[taken]
        others = distance[row].copy()
        others[taken] = np.inf
        agrees = hint is not None and hint[0] == landmark.name
        clear = gap < NEAR and float(others.min()) > gap + CLEAR
        why = f"{gap * 100:.0f} cm from its usual place" + (", and so the name says" if agrees else "")
        if hint is not None and not agrees:
            why += f"; the name says {hint[0]}"
        elif not clear and not agrees:
            why += f"; may be {owners[int(np.argmin(others))][0].name}"
        body = f"{landmark.body}_{side}" if landmark.body in ("femur", "tibia", "calcn") else landmark.body
        sure = agrees or (clear and hint is None)
        guesses.append(Guess(label, landmark if landmark.body else None, body, side, sure, why))
    return _in_order(guesses, placed, hints)


def _in_order(guesses: list[Guess], placed: NDArray[np.float64], hints: Mapping[str, tuple[str, str]]) -> list[Guess]:
    """Forefoot and back of the pelvis by how many markers are there: one is in the middle, two are at the sides."""
    rows = {
        **{f"{side}": ("calcn", side, lambda p: p[0] > 0.0) for side in ("r", "l")},
        "back": ("pelvis", "", lambda p: p[0] < -0.12),
    }
    marks = {mark.name: mark for mark in LANDMARKS}
    for body, side, inside in rows.values():
        here = [
            i for i, guess in enumerate(guesses)
            if guess.body == (f"{body}_{side}" if side else body) and guess.label not in hints
            and np.isfinite(placed[i]).all() and inside(placed[i])
        ]  # fmt: skip
        if not 1 <= len(here) <= 3:
            continue
        # From the inner to the outer edge of the foot, from the right to the left of the pelvis.
        here.sort(key=lambda i: placed[i, 2] * (-1.0 if side in ("l", "") else 1.0))
        if side:
            names = {1: ["TOE"], 2: ["MT1", "MT5"], 3: ["MT1", "TOE", "MT5"]}[len(here)]
            sides = [side] * len(here)
        else:
            names = {1: ["SACRUM"], 2: ["PSIS", "PSIS"], 3: ["PSIS", "SACRUM", "PSIS"]}[len(here)]
            sides = {1: [""], 2: ["r", "l"], 3: ["r", "", "l"]}[len(here)]
        for i, name, which in zip(here, names, sides, strict=True):
            if guesses[i].landmark is not marks[name] or guesses[i].side != which:
                why = f"{guesses[i].why}; number {here.index(i) + 1} of {len(here)} in a row there"
                guesses[i] = replace(guesses[i], landmark=marks[name], side=which, sure=False, why=why)
    return guesses


def _on_body(label: str, point: NDArray[np.float64], hint: tuple[str, str] | None) -> Guess:
    """The body whose middle line is nearest; none where all are far."""
    gaps = dict(zip(_SEGMENTS, _body_gaps(point[None])[:, 0], strict=True))
    body = min(gaps, key=lambda name: gaps[name])
    side = ("r" if point[2] > 0 else "l") if body in ("femur", "tibia", "calcn") else ""
    why = f"{gaps[body] * 100:.0f} cm from the middle of the {body}, at no usual place"
    if gaps[body] > AROUND:
        return Guess(label, None, "", "", False, f"on no body of the model: {why}")
    rest = min(gap for name, gap in gaps.items() if name != body)
    sure = gaps[body] < 0.14 and rest > gaps[body] + 0.03 and hint is None
    return Guess(label, None, f"{body}_{side}" if side else body, side, sure, why)


def _by_name_alone(label: str, hint: tuple[str, str] | None) -> Guess:
    if hint is None:
        return Guess(label, None, "", "", False, "the name tells nothing")
    landmark = next(mark for mark in LANDMARKS if mark.name == hint[0])
    if landmark.sided and not hint[1]:
        return Guess(label, None, "", "", False, f"the name says {hint[0]} but no side")
    side = hint[1] if landmark.sided else ""
    body = f"{landmark.body}_{side}" if landmark.body in ("femur", "tibia", "calcn") else landmark.body
    return Guess(label, landmark if landmark.body else None, body, side, bool(landmark.body), "by its name")


def _landmark_at(marker: MapMarker) -> tuple[Landmark, str] | None:
    """Landmark at the place of a map's marker, within 3 cm, and its side."""
    if marker.location is None:
        return None
    x, y, z = marker.location
    side = side_of(marker.body) or ""
    if not side and abs(z) > 0.015:
        side = "r" if z > 0 else "l"
    here = np.array([x, y, -z if side == "l" else z])
    best, gap = None, 0.03
    for landmark in LANDMARKS:
        distance = float(np.linalg.norm(here - landmark.place))
        if landmark.body == stem(marker.body) and distance < gap:
            best, gap = landmark, distance
    return None if best is None else (best, side if best.sided else "")


def _read_words(label: str) -> tuple[str, str] | None:
    plain = label.lower().replace("ö", "oe").replace("ü", "ue").replace("ä", "ae")
    plain = unicodedata.normalize("NFKD", plain).encode("ascii", "ignore").decode()
    tokens = [token for token in re.split(r"[^a-z0-9]+", plain) if token]
    side = ""
    for key, words in _SIDES.items():
        hit = next((token for token in tokens if token in words), None)
        if hit is not None and len(tokens) > 1:
            side, tokens = key, [token for token in tokens if token != hit]
            break
    text = "".join(tokens)
    for landmark in LANDMARKS:
        if re.fullmatch(landmark.words, text):
            return landmark.name, side
    return None
