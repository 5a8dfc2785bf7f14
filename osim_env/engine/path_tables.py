"""Tables of muscle paths: which segments there can be, which joints they cross, and which moment arms they feed.

A conditional point makes the neighbour of a point depend on the pose, and so does a surface that the path wraps over,
which adds two points. The table therefore lists every pair of points that can ever be neighbours, with the conditions
under which they are; the kernels weigh each by 1 or 0 and never branch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .groups import Floats, Integers, Paths


@dataclass
class Point:
    """One path point."""

    body: int
    location: Floats = field(default_factory=lambda: np.zeros(3))
    condition: tuple[int, tuple[float, float]] | None = None
    """Mobility and range of a conditional point."""
    moving: tuple[list[Any], int, tuple[float, float]] | None = None
    """Functions of the three components, mobility, and coordinate range of a moving point."""


@dataclass
class Wrap:
    """A surface that a path may wrap over."""

    body: int
    first: int
    last: int
    """Points of the path between which it may."""

    def covers(self, segment: tuple[int, int]) -> bool:
        """Whether the path may wrap between two of its points."""
        return self.first <= segment[0] and segment[1] <= self.last


class PathTables:
    """Builds the :class:`~exogait.osim_env.engine.model.Paths` of a model, muscle by muscle."""

    def __init__(self, parent: Integers, mobility_start: Integers) -> None:
        self.parent = parent
        self.mobility_start = mobility_start
        self.body_of_mobility = np.repeat(np.arange(len(parent)), np.diff(mobility_start))
        self.columns: dict[str, list[Any]] = {name: [] for name in Paths._fields}
        for name in Paths._fields:
            if name.endswith("_start"):
                self.columns[name].append(0)

    def _chain(self, body: int) -> set[int]:
        """Bodies from here to the root, this one included, the ground not."""
        chain = set()
        while body > 0:
            chain.add(body)
            body = int(self.parent[body])
        return chain

    def add_muscle(self, points: list[Point], wraps: Sequence[Wrap] = ()) -> None:
        """Append one muscle."""
        t = self.columns
        first_point = len(t["point_body"])
        conditions = self._add_points(points)
        t["point_start"].append(len(t["point_body"]))

        segments = self._candidate_segments(points)
        straight = len(segments)
        segments += _wrap_segments(segments, wraps, len(points))
        points = points + [Point(wrap.body) for wrap in wraps for _ in range(2)]
        first_segment = len(t["segment_from"])
        fixed_length = 0.0
        crossings: dict[int, list[tuple[int, float]]] = {}
        slides: list[tuple[int, int, float, int | None]] = []
        for k, (a, b) in enumerate(segments):
            here, there = points[a], points[b]
            tests = [] if k >= straight else self._tests(conditions, a, b)
            same = here.body == there.body
            moving = k >= straight or here.moving is not None or there.moving is not None
            if same and not moving and not tests and not any(wrap.covers((a, b)) for wrap in wraps):
                fixed_length += float(np.linalg.norm(there.location - here.location))
                continue
            number = len(t["segment_from"])
            t["segment_from"].append(a)
            t["segment_to"].append(b)
            t["segment_kind"].append(0 if not same else 2 if moving else 1)
            t["segment_length"].append(float(np.linalg.norm(there.location - here.location)))
            t["test_condition"] += [condition for condition, _ in tests]
            t["test_wanted"] += [wanted for _, wanted in tests]
            t["segment_test_start"].append(len(t["test_condition"]))
            if not same:
                near, far = self._chain(here.body), self._chain(there.body)
                # Of several wraps the directions are not those of their points, and no joint is left out.
                between = set() if k >= straight and len(wraps) > 1 else near & far
                for body in far - between:
                    crossings.setdefault(body, []).append((number, 1.0))
                for body in near - between:
                    crossings.setdefault(body, []).append((number, -1.0))
            for end, sign in ((a, -1.0), (b, 1.0)):
                moved = points[end].moving
                if moved is not None:
                    mobility = moved[1]
                    slides.append((number, first_point + end, sign, None if same else mobility))
                    if not same:
                        # The sliding coordinate needs a moment-arm entry even if no segment crosses its joint.
                        crossings.setdefault(int(self.body_of_mobility[mobility]), [])
        t["fixed_length"].append(fixed_length)
        t["segment_start"].append(len(t["segment_from"]))
        assert len(t["segment_from"]) - first_segment <= len(segments)

        entry_of: dict[int, int] = {}
        for body in sorted(crossings):
            if self.mobility_start[body] == self.mobility_start[body + 1]:
                continue
            t["joint_body"].append(body)
            t["joint_entry"].append(len(t["entry_mobility"]))
            t["crossing_segment"] += [segment for segment, _ in crossings[body]]
            t["crossing_sign"] += [sign for _, sign in crossings[body]]
            t["crossing_start"].append(len(t["crossing_segment"]))
            for mobility in range(self.mobility_start[body], self.mobility_start[body + 1]):
                entry_of[mobility] = len(t["entry_mobility"])
                t["entry_mobility"].append(mobility)
        t["joint_start"].append(len(t["joint_body"]))
        t["entry_start"].append(len(t["entry_mobility"]))
        for segment, point, sign, mobility in slides:
            t["slide_segment"].append(segment)
            t["slide_point"].append(point)
            t["slide_sign"].append(sign)
            t["slide_entry"].append(-1 if mobility is None else entry_of[mobility])
        t["slide_start"].append(len(t["slide_segment"]))

    def _add_points(self, points: list[Point]) -> dict[int, int]:
        """Append the points; return the condition of each conditional one."""
        t = self.columns
        conditions = {}
        for k, point in enumerate(points):
            t["point_body"].append(point.body)
            t["point_location"].append(point.location)
            t["point_moving"].append(-1)
            if point.moving is not None:
                functions, mobility, limits = point.moving
                t["point_moving"][-1] = len(t["moving_mobility"])
                t["moving_function"].append(functions)
                t["moving_mobility"].append(mobility)
                t["moving_range"].append(limits)
            if point.condition is not None:
                conditions[k] = len(t["condition_mobility"])
                t["condition_mobility"].append(point.condition[0])
                t["condition_range"].append(point.condition[1])
        return conditions

    @staticmethod
    def _tests(conditions: dict[int, int], a: int, b: int) -> list[tuple[int, int]]:
        """Conditions of the segment between two points: those of its ends hold, those of points between fail."""
        return [(conditions[k], 1) for k in (a, b) if k in conditions] + [(conditions[k], 0) for k in range(a + 1, b)]

    @staticmethod
    def _candidate_segments(points: list[Point]) -> list[tuple[int, int]]:
        """List the pairs of points that can be neighbours: all points between them are conditional."""
        pairs = []
        for a in range(len(points)):
            for b in range(a + 1, len(points)):
                pairs.append((a, b))
                if points[b].condition is None:
                    break
        return pairs

    def arrays(self) -> Paths:
        """Return the tables as arrays."""
        width = {"point_location": 3, "moving_function": 3, "moving_range": 2, "condition_range": 2}
        real = {
            "point_location",
            "moving_range",
            "condition_range",
            "segment_length",
            "fixed_length",
            "crossing_sign",
            "slide_sign",
        }
        arrays = {}
        for name, values in self.columns.items():
            array = np.array(values, dtype=float if name in real else np.int64)
            arrays[name] = array.reshape(-1, width[name]) if name in width else array
        return Paths(**arrays)


def _wrap_segments(segments: Sequence[tuple[int, int]], wraps: Sequence[Wrap], n_points: int) -> list[tuple[int, int]]:
    """List the segments that there can be to, from and between the surfaces that a path wraps over."""
    found: dict[tuple[int, int], None] = {}
    for j, wrap in enumerate(wraps):
        enter, leave = n_points + 2 * j, n_points + 2 * j + 1
        for a, b in filter(wrap.covers, segments):
            found |= {(a, enter): None, (leave, b): None}
            found |= {(leave, n_points + 2 * i): None for i, o in enumerate(wraps) if i != j and o.covers((a, b))}
    return list(found)
