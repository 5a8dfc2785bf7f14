"""Marker maps: how a laboratory's marker set sits on the model, one short YAML file a set.

A map names every marker of the set once, on the right side and in the middle of the body; the left side is its mirror
image. From it come the markers on the model, the pairs of markers that scale each segment, the weights of inverse
kinematics and the points (hip centres, midpoints) that are computed from other markers. Example, complete:

.. code-block:: yaml

    name: My laboratory
    sides: [R, L]                                # a label that starts with R has a twin that starts with L
    aliases: {RASI: [RASIS, R.ASIS]}             # other spellings of the same marker
    markers:                                     # label: [body, x, y, z (m, on the unscaled model), weight]
      RASI: [pelvis, 0.01, 0.02, 0.128, 10]      # x forward, y up, z to the right, in the frame of the body
      RTHI: femur_r                              # a body only: placed where the static trial shows it
    virtual:
      RHJC: {harrington: [RASI, LASI, RPSI, LPSI], at: [femur_r, 0, 0, 0]}
    scale:                                       # scale factor = mean length ratio of these pairs, both sides
      pelvis: [[RASI, LASI]]
      thigh: [[RHJC, RKNE]]
    hold: [subtalar_angle, mtp_angle]            # coordinates that the set cannot see, kept at their default

A weight may be two numbers, static and walking; ``weights: {pelvis: 100}`` states the factors on walking weights, in
place of :data:`SEGMENT_WEIGHTS`. ``base: plug_in_gait`` starts from another map, and ``~`` takes an entry of it away
(``LBAK: ~``: there is a marker RBAK, and no twin).
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from exogait.data.errors import FileFormatError, InputError, UnknownNameError
from exogait.data.home import find
from exogait.data.home import names as names_of
from exogait.data.loading import made_of, read_yaml
from exogait.data.names import mirrored_name, side_of
from exogait.data.show import Shown
from exogait.data.trc import AXES, marker_array, marker_labels, marker_table

from .points import RULES, VirtualMarker, place_point

MAP_FOLDER = Path(__file__).parent / "maps"

SEGMENTS = {
    "pelvis": ("pelvis",),
    "torso": ("torso",),
    "thigh": ("femur_r", "femur_l"),
    "shank": ("tibia_r", "tibia_l", "talus_r", "talus_l"),
    "foot": ("calcn_r", "calcn_l", "toes_r", "toes_l"),
}
"""Segments that scale as one, and their bodies."""

SEGMENT_WEIGHTS = {"pelvis": 100.0, "thigh": 10.0, "shank": 3.0}
"""Factors on the walking weights of a segment's markers; 1 for the others.

A leg of hinges cannot follow a real foot or shank in the frontal plane. With equal weights the rest tilts the pelvis:
its obliquity then correlates with that of its own markers by 0.2. A joint is told by the two segments that it joins;
errors are better left at the end of the chain than carried to its root."""

_KEYS = {"weights", "name", "source", "base", "sides", "aliases", "markers", "virtual", "scale", "hold", "hold_static"}


@dataclass(frozen=True)
class MapMarker:
    """One marker of a set."""

    label: str
    body: str
    location: tuple[float, float, float] | None
    """Place in the frame of the body on the unscaled model, m; ``None``: taken from the static trial."""
    static_weight: float
    """Weight in the static pose that places the markers; 0 where the location is not known."""
    weight: float
    """Weight in inverse kinematics."""


@dataclass(frozen=True)
class Measurement:
    """Lengths that scale one segment."""

    segment: str
    axes: str
    """Axes of the body frames that the factor applies to: ``XYZ`` or some of them."""
    pairs: tuple[tuple[str, str], ...]

    @property
    def bodies(self) -> tuple[str, ...]:
        """Bodies of the segment."""
        return SEGMENTS[self.segment]


@dataclass(frozen=True)
class MarkerMap(Shown):
    """A laboratory's marker set on the model."""

    key: str
    """File name without its ending."""
    name: str
    source: str
    markers: Mapping[str, MapMarker]
    virtual: Mapping[str, VirtualMarker]
    measurements: tuple[Measurement, ...]
    hold: tuple[str, ...]
    """Coordinates kept at their default in every frame (without side suffix: both sides)."""
    hold_static: tuple[str, ...]
    """Further coordinates kept at their default in the static pose."""
    aliases: Mapping[str, tuple[str, ...]]
    segment_weights: Mapping[str, float]
    """Factors on the walking weights, by segment."""

    def walking_weight(self, label: str) -> float:
        """Weight of a marker in the inverse kinematics of a walk."""
        marker = self.markers[label]
        segment = next((segment for segment, bodies in SEGMENTS.items() if marker.body in bodies), "")
        return marker.weight * self.segment_weights.get(segment, 1.0)

    @property
    def labels(self) -> list[str]:
        """Labels of all measured markers."""
        return list(self.markers)


@dataclass(frozen=True)
class MarkerMatch:
    """Which labels of a file a map understands."""

    found: Mapping[str, str]
    """Label of the map to label of the file."""
    missing: Mapping[str, tuple[str, ...]]
    """Label of the map that the file lacks, with the nearest unused labels of the file."""
    unmapped: tuple[str, ...]
    """Labels of the file that the map does not use."""

    @property
    def share(self) -> float:
        """Share of the map's markers that the file has."""
        return len(self.found) / max(len(self.found) + len(self.missing), 1)

    def describe(self) -> str:
        """Missing and unused markers in words, one line each."""
        lines = []
        if self.missing:
            parts = [f"{label} (near: {', '.join(near)})" if near else label for label, near in self.missing.items()]
            lines.append(f"missing markers: {', '.join(parts)}")
        if self.unmapped:
            lines.append(f"labels not used: {', '.join(self.unmapped)}")
        return "\n".join(lines)


def available_marker_maps() -> list[str]:
    """Names of the maps in the user folder and of those that come with the suite."""
    return names_of("marker_maps")


def read_marker_map(name: str | Path) -> MarkerMap:
    """Read a marker map.

    Args:
        name: Name of a map of the user folder or of the suite, or path of a YAML file.

    Raises:
        UnknownNameError: No such map, or a key, segment or label in it does not exist.
        FileFormatError: The file is no valid map.

    Example:
        >>> read_marker_map("plug_in_gait").markers["LASI"].body
        'pelvis'
    """
    path = marker_map_file(name)
    try:
        stamp = path.stat().st_mtime_ns
    except OSError as error:
        raise FileFormatError(path, f"cannot be opened ({error.strerror})", "check the path") from error
    return _read_cached(path.resolve(), stamp)


def marker_map_file(name: str | Path) -> Path:
    """File of a marker map.

    Args:
        name: Name of a known map, or path of a YAML file.

    Raises:
        UnknownNameError: No such map.
    """
    return find("marker_maps", name)


@lru_cache(maxsize=64)
def _read_cached(path: Path, stamp: int) -> MarkerMap:
    content = _load(path)
    return made_of(path, "is no marker map", "correct the map", lambda: _map_of(path, content))


def _map_of(path: Path, content: Mapping[str, Any]) -> MarkerMap:
    left_right = content.get("sides", ["R", "L"])
    if not (
        isinstance(left_right, list) and len(left_right) == 2 and all(isinstance(side, str) for side in left_right)
    ):
        raise FileFormatError(path, "sides must be two texts, such as [R, L]", "correct the map")
    sides = (left_right[0], left_right[1])
    markers = _markers(path, content.get("markers"), sides)
    virtual = _virtual(path, content.get("virtual") or {}, sides, markers)
    measurements = _measurements(path, content.get("scale") or {}, sides, {*markers, *virtual})
    aliases = _aliases(path, content, sides, markers)
    return MarkerMap(
        key=path.stem,
        name=str(content.get("name", path.stem)),
        source=str(content.get("source", "")),
        markers=markers,
        virtual=virtual,
        measurements=measurements,
        hold=tuple(content.get("hold") or ()),
        hold_static=tuple(content.get("hold_static") or ()),
        aliases=aliases,
        segment_weights=_segment_weights(path, content.get("weights", SEGMENT_WEIGHTS)),
    )


def _segment_weights(path: Path, entries: Mapping[str, Any]) -> dict[str, float]:
    for segment, factor in entries.items():
        if segment not in SEGMENTS:
            raise UnknownNameError("segment in weights", str(segment), SEGMENTS, str(path))
        if not (isinstance(factor, int | float) and np.isfinite(factor) and factor > 0):
            raise FileFormatError(path, f"weights: {segment} has {factor!r}", "give a factor above 0")
    return {segment: float(factor) for segment, factor in entries.items()}


def _aliases(
    path: Path, content: Mapping[str, Any], sides: tuple[str, str], markers: Mapping[str, MapMarker]
) -> dict[str, tuple[str, ...]]:
    """Other spellings of each marker: those that the map states, and their mirror images where it states none."""
    stated: dict[str, tuple[str, ...]] = {}
    for label, names in (content.get("aliases") or {}).items():
        if names is None or content["markers"].get(label, "") is None:
            continue
        if label not in markers:
            raise UnknownNameError("marker in aliases", label, markers, str(path))
        stated[label] = tuple(map(str, names if isinstance(names, list) else [names]))
    mirrored: dict[str, tuple[str, ...]] = {}
    for label, spellings in stated.items():
        twin = _mirror(label, sides)
        if twin == label or twin not in markers:
            continue
        # A spelling that does not say its side (RASI among R_ASIS, L_ASIS) belongs to the label it was given for.
        mirrored[twin] = tuple(_mirror(text, sides) for text in spellings if _mirror(text, sides) != text)
    return {**mirrored, **stated}


def match_labels(marker_map: MarkerMap, labels: Iterable[str]) -> MarkerMatch:
    """Find a map's markers among the labels of a file.

    A label matches as written, without a ``Subject:`` prefix, through an alias, or without regard to case.

    Args:
        marker_map: The map.
        labels: Labels of the file.
    """
    labels = list(labels)
    exact: dict[str, str] = {}
    loose: dict[str, str] = {}
    for label in labels:
        bare = label.rsplit(":", 1)[-1].strip()
        for text in (label, bare):
            exact.setdefault(text, label)
            loose.setdefault(text.lower(), label)
    found: dict[str, str] = {}
    # As written first, then aliases, then without regard to case: a marker's own name is never taken by another's
    # alias.
    for table, prepare, with_aliases in ((exact, str, False), (exact, str, True), (loose, str.lower, True)):
        for label in marker_map.markers:
            if label in found:
                continue
            spellings = (label, *(marker_map.aliases.get(label, ()) if with_aliases else ()))
            hits = [table[prepare(text)] for text in spellings if prepare(text) in table]
            hit = next((hit for hit in hits if hit not in found.values()), None)
            if hit is not None:
                found[label] = hit
    found = {label: found[label] for label in marker_map.markers if label in found}
    unused = [label for label in labels if label not in found.values()]
    missing = {
        label: tuple(difflib.get_close_matches(label, unused, n=2, cutoff=0.6))
        for label in marker_map.markers
        if label not in found
    }
    return MarkerMatch(found, missing, tuple(unused))


def choose_marker_map(labels: Iterable[str], *, source: str | Path | None = None) -> MarkerMap:
    """Map that fits the labels of a file best: the one with the most markers found, then the fewest missing.

    Args:
        labels: Labels of the file; those of static and walking trial together where both are at hand.
        source: The file, for the message where no map fits.

    Raises:
        InputError: No map finds six markers, the least that show two legs.
    """
    labels = list(labels)
    scored = []
    for name in available_marker_maps():
        marker_map = read_marker_map(name)
        match = match_labels(marker_map, labels)
        scored.append(((len(match.found), -len(match.missing)), name, marker_map))
    (count, _), _, best = max(scored, key=lambda item: (item[0], item[1]))
    if count < 6:
        file = f"'{source}'" if source else "FILE"
        raise InputError(
            "marker labels" + (f" of {source}" if source else ""),
            ", ".join(labels[:12]) + (" ..." if len(labels) > 12 else ""),
            f"no marker map knows them ({', '.join(available_marker_maps())}); `exogait lab labels {file}` shows what "
            "each map makes of them; write one of 20 lines, or have it drafted: "
            f"`exogait new marker-map NAME --from {file}`, and name it with --marker-map",
        )
    return best


def apply_marker_map(marker_map: MarkerMap, markers: pd.DataFrame) -> pd.DataFrame:
    """Rename a file's markers to the map's labels, drop the others and add the virtual markers.

    Args:
        marker_map: The map.
        markers: A marker table (see :mod:`exogait.data.trc`).

    Returns:
        Marker table with the map's labels; markers that were never seen are left out.
    """
    match = match_labels(marker_map, marker_labels(markers))
    positions = {label: marker_array(markers, [theirs])[:, 0] for label, theirs in match.found.items()}
    positions = {label: values for label, values in positions.items() if np.isfinite(values).any()}
    for label, virtual in marker_map.virtual.items():
        if virtual.unless not in positions and all(source in positions for source in virtual.sources):
            positions[label] = place_point(virtual, [positions[source] for source in virtual.sources])
    array = np.stack(list(positions.values()), axis=1) if positions else np.empty((len(markers), 0, 3))
    table = marker_table(markers.index, list(positions), array, rate=markers.attrs.get("rate"))
    table.attrs = {**markers.attrs, "marker_map": marker_map.key}
    return table


def _load(path: Path, depth: int = 0) -> dict[str, Any]:
    """YAML of a map with its bases merged in."""
    content = read_yaml(path)
    for key in content:
        if key not in _KEYS:
            raise UnknownNameError("key", str(key), _KEYS, str(path))
    base = content.get("base")
    if base is None:
        return content
    if depth > 4:
        raise FileFormatError(path, "bases go round in a circle", "correct 'base'")
    parent = path.parent / f"{base}.yaml"
    if not parent.exists():
        if base not in available_marker_maps():
            raise UnknownNameError("base map", str(base), available_marker_maps(), str(path))
        parent = find("marker_maps", str(base))
    if parent == path:  # a user's map with the name of the suite's begins with that one
        parent = MAP_FOLDER / f"{base}.yaml"
    merged = _load(parent, depth + 1)
    markers = content.get("markers")
    gone = {label for label, value in markers.items() if value is None} if isinstance(markers, dict) else set()
    virtual = merged.get("virtual") or {}
    # A point of the base goes with the markers that it was computed from.
    merged["virtual"] = {
        k: v for k, v in virtual.items() if not gone & {x for r in RULES for x in (v or {}).get(r, ())}
    }
    for key, value in content.items():
        if isinstance(value, dict) and isinstance(merged.get(key), dict):
            merged[key] = {**merged[key], **value}
        else:
            merged[key] = value
    return merged


def _mirror(label: str, sides: tuple[str, str]) -> str:
    """Label of the same marker on the other side; itself where it has none."""
    right, left = sides
    if label.startswith(right):
        return left + label[len(right) :]
    return label


def _other_body(body: str) -> str:
    return mirrored_name(body) if side_of(body) == "r" else body


def _place(path: Path, label: str, value: object) -> tuple[str, tuple[float, float, float] | None, list[float]]:
    """Body, location and weights of one entry."""
    if isinstance(value, str):
        return value, None, [0.0, 1.0]
    if isinstance(value, list) and 4 <= len(value) <= 6 and isinstance(value[0], str):
        numbers = value[1:]
        if all(isinstance(number, int | float) and np.isfinite(number) for number in numbers):
            x, y, z, *weights = (float(number) for number in numbers)
            return value[0], (x, y, z), weights or [1.0]
    raise FileFormatError(
        path, f"marker {label}: expected 'body' or [body, x, y, z, weight], found {value!r}", "correct it"
    )


def _markers(path: Path, entries: object, sides: tuple[str, str]) -> dict[str, MapMarker]:
    if not isinstance(entries, dict) or not entries:
        raise FileFormatError(path, "holds no markers", "see the example in analysis/markers/map.py")
    markers: dict[str, MapMarker] = {}
    for label, value in entries.items():
        label = str(label)
        if value is None:  # "LBAK: ~" says that this marker does not exist, though RBAK does
            continue
        body, location, weights = _place(path, label, value)
        markers[label] = MapMarker(label, body, location, weights[0], weights[-1])
    for label, marker in list(markers.items()):
        twin = _mirror(label, sides)
        if twin not in entries and twin not in markers:
            location = marker.location and (marker.location[0], marker.location[1], -marker.location[2])
            markers[twin] = MapMarker(twin, _other_body(marker.body), location, marker.static_weight, marker.weight)
    return markers


def _virtual(
    path: Path, entries: Mapping[str, Any], sides: tuple[str, str], markers: Mapping[str, MapMarker]
) -> dict[str, VirtualMarker]:
    result: dict[str, VirtualMarker] = {}
    for label, entry in entries.items():
        if entry is None:
            continue
        rules = set(RULES) & set(entry)
        if len(rules) != 1 or "at" not in entry:
            raise FileFormatError(
                path,
                f"virtual marker {label}: needs one of {', '.join(RULES)}, and 'at'",
                "`exogait lab maps --show NAME` prints one that works",
            )
        rule = rules.pop()
        sources, unless = tuple(map(str, entry[rule])), str(entry.get("unless", ""))
        if rule in ("thigh_wand", "knee_axis") and len(sources) != 3:
            raise FileFormatError(path, f"virtual marker {label}: {rule} needs hip, knee and a third", "correct it")
        if rule == "harrington" and len(sources) not in (3, 4):
            raise FileFormatError(
                path,
                f"virtual marker {label}: harrington needs right and left ASIS, then the PSIS or the sacrum",
                "correct it",
            )
        body, location, weights = _place(path, label, entry["at"])
        if location is None:
            raise FileFormatError(path, f"virtual marker {label}: 'at' needs [body, x, y, z]", "correct it")
        weight = weights[0] if len(entry["at"]) > 4 else 0.0
        result[label] = VirtualMarker(label, rule, sources, body, location, weight, unless)
        twin = _mirror(label, sides)
        if twin != label and twin not in entries:
            mirrored = sources if rule == "harrington" else tuple(_mirror(source, sides) for source in sources)
            flipped = (location[0], location[1], -location[2])
            result[twin] = VirtualMarker(
                twin, rule, mirrored, _other_body(body), flipped, weight, _mirror(unless, sides)
            )
    known = {*markers, *result}
    for virtual in result.values():
        for source in (*virtual.sources, *((virtual.unless,) if virtual.unless in markers else ())):
            if source not in known:
                raise UnknownNameError(f"marker in virtual {virtual.label}", source, known, str(path))
    # A point that is made of other points comes after them, wherever the map or its base wrote it.
    return dict(sorted(result.items(), key=lambda item: any(source in result for source in item[1].sources)))


def _measurements(
    path: Path, entries: Mapping[str, Any], sides: tuple[str, str], known: set[str]
) -> tuple[Measurement, ...]:
    result = []
    for segment, value in entries.items():
        if value is None:
            continue
        if segment not in SEGMENTS:
            raise UnknownNameError("segment", str(segment), SEGMENTS, str(path))
        for axes, pairs in (value if isinstance(value, dict) else {"xyz": value}).items():
            if not set(str(axes)) <= set(AXES) or not isinstance(pairs, list):
                raise FileFormatError(
                    path, f"scale {segment}: expected pairs, or axes such as 'xy' with pairs", "correct it"
                )
            both: list[tuple[str, str]] = []
            for pair in pairs:
                if not isinstance(pair, list) or len(pair) != 2:
                    raise FileFormatError(path, f"scale {segment}: {pair!r} is no pair of markers", "write [A, B]")
                first, second = map(str, pair)
                for label in (first, second):
                    if label not in known:
                        raise UnknownNameError(f"marker in scale {segment}", label, known, str(path))
                both.append((first, second))
                twin = (_mirror(first, sides), _mirror(second, sides))
                # Two markers of opposite sides are their own mirror image.
                if twin != (first, second) and twin[0] != twin[1] and set(twin) <= known:
                    both.append(twin)
            result.append(Measurement(str(segment), str(axes).upper(), tuple(dict.fromkeys(both))))
    return tuple(result)
