"""Marker roles from a marker map: where a marker sits on the model tells whether it is a heel, a toe or a pelvis point.

With this a laboratory whose labels tell nothing needs one marker map and no other statement.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from .marker_map import MapMarker, MarkerMap, match_labels

_Place = tuple[float, float, float]
# Role, body on that side, condition on the place (m, unscaled model: x forward, y up, z right), order of preference.
_FOOT = ("calcn", "toes")
_RULES: tuple[tuple[str, tuple[str, ...], Callable[[_Place], bool], Callable[[_Place], float]], ...] = (
    ("heel", ("calcn",), lambda p: p[0] < 0.04 and abs(p[2]) < 0.04, lambda p: p[0]),
    ("toe", _FOOT, lambda p: p[0] > 0.12 or p[0] < 0.0, lambda p: abs(p[2])),
    ("met1", ("calcn",), lambda p: p[0] > 0.12 and p[2] < 0.0, lambda p: p[2]),
    ("met5", ("calcn",), lambda p: p[0] > 0.10 and p[2] > 0.02, lambda p: -p[2]),
    ("ankle", ("tibia",), lambda p: p[1] < -0.33 and p[2] > 0, lambda p: p[1]),
    ("ankle_med", ("tibia",), lambda p: p[1] < -0.33 and p[2] < 0, lambda p: p[1]),
    (
        "knee",
        ("femur", "tibia"),
        lambda p: p[2] > 0 and (p[1] < -0.33 or -0.12 < p[1] < 0.05),
        lambda p: abs(p[1] + 0.4),
    ),
)
_PELVIS = (
    ("asis", lambda p: p[0] > -0.06 and abs(p[2]) > 0.06),
    ("psis", lambda p: p[0] < -0.09 and 0.015 < abs(p[2]) < 0.09),
)


def roles_of_map(marker_map: MarkerMap, labels: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Roles of a file's markers by their places in a marker map.

    Args:
        marker_map: The map; its right side has +z, its left side -z.
        labels: Labels of the file.

    Returns:
        Role (see :func:`analysis.marker_roles.find_roles`) to the file's label.

    Example:
        >>> from analysis.marker_map import read_marker_map
        >>> roles_of_map(read_marker_map("schreiber2019"), ["R_FCC", "R_FM2", "L_IAS"])
        {'heel_r': ('R_FCC',), 'toe_r': ('R_FM2',), 'asis_l': ('L_IAS',)}
    """
    found = match_labels(marker_map, labels).found
    placed = [marker for label, marker in marker_map.markers.items() if label in found and marker.location is not None]
    roles: dict[str, tuple[str, ...]] = {}
    for side, sign in (("r", 1.0), ("l", -1.0)):
        for role, bodies, fits, order in _RULES:
            own = [(_seen(marker, sign), marker) for marker in placed if marker.body in {f"{b}_{side}" for b in bodies}]
            hits = sorted((order(place), marker.label) for place, marker in own if _fits(role, marker, place, fits))
            if hits:
                roles[f"{role}_{side}"] = (found[hits[0][1]],)
        for role, fits in _PELVIS:
            own = [(_seen(marker, sign), marker) for marker in placed if marker.body == "pelvis"]
            hits = [marker.label for place, marker in own if place[2] > 0 and fits(place)]
            if hits:
                roles[f"{role}_{side}"] = (found[hits[0]],)
    middle = [m.label for m in placed if m.body == "pelvis" and m.location and abs(m.location[2]) <= 0.015]
    behind = [label for label in middle if (marker_map.markers[label].location or (0.0,))[0] < -0.09]
    if behind:
        roles["sacrum"] = (found[behind[0]],)
    return roles


def _seen(marker: MapMarker, sign: float) -> _Place:
    """Place with +z pointing outwards on either side."""
    x, y, z = marker.location or (0.0, 0.0, 0.0)
    return x, y, sign * z


def _fits(role: str, marker: MapMarker, place: _Place, rule: Callable[[_Place], bool]) -> bool:
    if role == "toe" and marker.body.startswith("calcn"):
        return place[0] > 0.12
    if role == "knee":
        # On the femur the knee is far below the origin, on the tibia close to it.
        return place[2] > 0 and (place[1] < -0.33 if marker.body.startswith("femur") else -0.12 < place[1] < 0.05)
    return rule(place)
