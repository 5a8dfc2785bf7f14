"""Which marker is a heel, a toe, a pelvis point: found from the labels that laboratories commonly use.

Only what the lab road needs before any model is involved: events, the walking direction, and which foot stands on which
plate. Marker sets with other names state their roles by hand.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from data.errors import UnknownNameError

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
