"""Which marker is a heel, a toe, a pelvis point: found from the labels that laboratories commonly use.

Only what the lab road needs before any model is involved: events, the walking direction, and which foot stands on which
plate. Marker sets with other names state their roles by hand.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence

from exogait.data.errors import UnknownNameError

from .map import MapMarker, MarkerMap, match_labels

_SIDED = {
    "asis": ("asi", "asis", "ias", "iliaca", "asi_s"),
    "psis": ("psi", "psis", "ips"),
    "heel": ("hee", "heel", "heeltop", "cal", "calc", "calcaneus", "fcc", "heelback", "he", "calcstudy"),
    "toe": ("toe", "toetip", "mt2", "fm2", "mth2", "met2", "2mt", "hlx", "toestudy", "met", "latoe", "fm1", "mt1"),
    "met1": ("mt1", "fm1", "mth1", "met1", "1mt", "p1m", "d1m", "p1mt", "toemed", "mmet", "mfs"),
    "met5": ("mt5", "fm5", "mth5", "met5", "5mt", "p5m", "d5m", "p5mt", "toelat", "5metastudy", "lmet", "mfl"),
    "ankle": (
        "ank",
        "ankle",
        "fal",
        "lmal",
        "anklelat",
        "latankle",
        "mallateral",
        "ankleout",
        "anklestudy",
        "mall",
        "la",
    ),
    "ankle_med": (
        "tam",
        "mmal",
        "medank",
        "anklemed",
        "medialankle",
        "mankle",
        "mankstudy",
        "mankle_study",
        "ankin",
        "med",
    ),
    "knee": ("kne", "knee", "fle", "lfc", "kneelat", "kneestudy", "knee1", "kneeout", "lepi"),
}

_MIDLINE = {"sacrum": ("sacr", "vsac", "sacrum", "vsacral", "sac", "vsacrum")}

FOOT_ROLES = ("heel", "toe", "met1", "met5", "ankle", "ankle_med")
"""Roles that lie on a foot."""


def _plain(label: str) -> str:
    return re.sub(r"[^a-z0-9]", "", label.lower())


def find_roles(
    names: Sequence[str], overrides: Mapping[str, str | Iterable[str]] | None = None
) -> dict[str, tuple[str, ...]]:
    """Find the markers of each role.

    Args:
        names: Marker names.
        overrides: Role to marker name(s); replaces what would be found. Roles are ``sacrum`` and, with ``_r`` or
            ``_l``, asis, psis, heel, toe, met1, met5, ankle, ankle_med and knee.

    Returns:
        Role to the markers that play it, best first; a role that nobody plays is absent.

    Raises:
        UnknownNameError: An override names a role or a marker that does not exist.

    Example:
        >>> find_roles(["RHEE", "LHEE", "RTOE", "SACR"])["heel_r"]
        ('RHEE',)
    """
    by_plain: dict[str, str] = {}
    for name in names:
        by_plain.setdefault(_plain(name), name)
    roles: dict[str, tuple[str, ...]] = {}
    for role, words in _MIDLINE.items():
        found = tuple(by_plain[w] for w in words if w in by_plain)
        if found:
            roles[role] = found
    for role, words in _SIDED.items():
        for side, long in (("r", "right"), ("l", "left")):
            spellings = (s for w in words for s in (side + w, long + w, w + side, w + long))
            found = tuple(dict.fromkeys(by_plain[s] for s in spellings if s in by_plain))
            if found:
                roles[f"{role}_{side}"] = found
    for role, given in (overrides or {}).items():
        markers = (given,) if isinstance(given, str) else tuple(given)
        known = [*_MIDLINE, *(f"{r}_{s}" for r in _SIDED for s in "rl")]
        if role not in known:
            raise UnknownNameError("marker role", role, known)
        for marker in markers:
            if marker not in names:
                raise UnknownNameError("marker", marker, names, where=f"role {role}")
        roles[role] = markers
    return roles


def pelvis_markers(roles: Mapping[str, Sequence[str]]) -> list[str]:
    """Markers on the pelvis, one of each role.

    Args:
        roles: From :func:`find_roles`.

    Returns:
        Their names.
    """
    return [roles[r][0] for r in ("sacrum", "asis_r", "asis_l", "psis_r", "psis_l") if r in roles]


def foot_markers(roles: Mapping[str, Sequence[str]], side: str) -> list[str]:
    """Markers on one foot.

    Args:
        roles: From :func:`find_roles`.
        side: ``"r"`` or ``"l"``.

    Returns:
        Their names, without repeats.
    """
    return list(dict.fromkeys(m for r in FOOT_ROLES for m in roles.get(f"{r}_{side}", ())))


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
        Role (see :func:`exogait.analysis.markers.roles.find_roles`) to the file's label.

    Example:
        >>> from exogait.analysis.markers.map import read_marker_map
        >>> roles_of_map(read_marker_map("schreiber2019"), ["R_FCC", "R_FM2", "L_IAS"])
        {'heel_r': ('R_FCC',), 'toe_r': ('R_FM2',), 'asis_l': ('L_IAS',)}
    """
    return roles_in(marker_map, match_labels(marker_map, labels).found)


def roles_in(marker_map: MarkerMap, found: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """The same as :func:`roles_of_map` where it is known already which label is which marker.

    Args:
        marker_map: The map.
        found: Label of the map to label of the file (:attr:`MarkerMatch.found`).
    """
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
