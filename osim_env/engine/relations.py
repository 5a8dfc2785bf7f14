"""What must hold between the arrays of a compiled model, beside the rule that each of them has (:mod:`.checks`).

Bodies come after their parents, a muscle's segments lead from point to point of that muscle, a joint's moment-arm
entries are those of its own mobilities, and what follows from other arrays is what follows from them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .checks import CheckError, require

Model = Functions = Tree = Paths = Couplers = Surfaces = Wraps = Any
"""Classes of :mod:`.model`, which imports this file."""

MOST_ROWS = 1 << 20
"""Rows of the work array of one block, the largest that is accepted: 64 MiB in eight lanes."""
_ROUNDING = 1e-6


def check_relations(model: Model) -> None:
    """Check what must hold between the arrays of a model, each of which meets its own rule.

    Raises:
        CheckError: Something does not hold.
    """
    if model.layout.n_rows > MOST_ROWS:
        raise CheckError(f"its work array has {model.layout.n_rows} rows, at most {MOST_ROWS} are accepted")
    check_functions(model.functions)
    check_tree(model.tree, model.functions)
    check_wraps(model)
    check_points(model.paths, model.wraps)
    check_segments(model.paths, model.surfaces, model.wraps)
    check_crossings(model.paths, model.tree)
    check_slides(model.paths)
    check_constraints(model)
    check_hills(model)
    check_fill(model.tree, model.paths, model.couplers)
    column = {name: k for k, name in enumerate(model.coordinate_names)}
    for name, mobility in zip(model.actuator_coordinate, model.actuators.mobility, strict=True):
        if name not in column or model.tree.mobility_of_coordinate[column[name]] != mobility:
            raise CheckError(f"actuator_coordinate: {name!r} is not the coordinate of mobility {mobility}")


def check_functions(functions: Functions) -> None:
    """Pieces of a function stand in order, the first from minus infinity on."""
    first = np.zeros(len(functions.knot), bool)
    first[functions.start[:-1]] = True
    first |= np.repeat(functions.polynomial, np.diff(functions.start)) == 1
    endless = np.isneginf(functions.knot)
    require(~first | endless, "functions.knot", functions.knot, "expected -inf in the first piece")
    require(first | np.isfinite(functions.knot), "functions.knot", functions.knot, "expected a finite knot")
    rises = functions.knot[1:] >= functions.knot[:-1]
    require(first[1:] | rises, "functions.knot", functions.knot[1:], "expected knots in order")


def check_tree(tree: Tree, functions: Functions) -> None:
    """Parents come before children, and a joint's axes are moved by its own mobilities alone."""
    n = len(tree.parent)
    body, count = np.arange(n), np.diff(tree.mobility_start)
    require(tree.parent < np.maximum(body, 1), "tree.parent", tree.parent, "expected a parent before its child")
    if count[0] != 0 or tree.free[0] != 0:
        raise CheckError("tree.mobility_start and tree.free: the ground has no mobilities")
    require(
        (tree.free == 0) | (count == 6) | (count == 3), "tree.free", tree.free, "expected 0 unless a joint turns freely"
    )
    _same("tree.body_of_mobility", tree.body_of_mobility, np.repeat(body, count), "body whose joint it is")
    order = np.sort(tree.mobility_of_coordinate)
    _same("tree.mobility_of_coordinate (sorted)", order, np.arange(len(order)), "each mobility once")
    require(tree.axis_function[:6] == -1, "tree.axis_function", tree.axis_function, "expected -1 for the ground")
    moved = np.append(functions.mobility, -1)[tree.axis_function]
    joint = np.repeat(body, 6)
    own = (moved >= tree.mobility_start[joint]) & (moved < tree.mobility_start[joint + 1])
    require((moved == -1) | own, "tree.axis_function", tree.axis_function, "expected a function of the joint's own")
    along = np.clip(np.abs(tree.axis_code) - 1, 0, 2)
    unit = np.zeros_like(tree.axis)
    unit[np.arange(len(along)), along] = np.sign(tree.axis_code)
    fits = (tree.axis_code == 0) | np.all(unit == tree.axis, axis=1)
    require(fits, "tree.axis_code", tree.axis_code, "expected the axis of tree.axis")
    for name in ("parent_rotation", "child_rotation"):
        matrix = getattr(tree, name).reshape(n, 3, 3)
        error = np.abs(matrix @ matrix.transpose(0, 2, 1) - np.eye(3)).max(axis=(1, 2))
        require(error < _ROUNDING, f"tree.{name}", getattr(tree, name)[:, 0], "expected rows of a rotation matrix")


def check_points(paths: Paths, wraps: Wraps) -> None:
    """Ranges are in order, and each segment's ends are points of its muscle or of its wraps."""
    for name in ("moving_range", "condition_range"):
        low, high = getattr(paths, name).T
        require(low <= high, f"paths.{name}", low, "expected the lowest value first")
    muscle = np.repeat(np.arange(len(paths.segment_start) - 1), np.diff(paths.segment_start))
    points = np.diff(paths.point_start)[muscle]
    added = 2 * np.bincount(wraps.muscle, minlength=len(paths.segment_start) - 1)[muscle]
    origin, target = paths.segment_from, paths.segment_to
    straight = (target < points) & (origin < target)
    # A wrap's first point ends a segment, its second one begins one; no segment leads from a wrap to itself.
    arrives = (target >= points) & (target < points + added) & ((target - points) % 2 == 0)
    leaves = (origin >= points) & (origin < points + added) & ((origin - points) % 2 == 1)
    wrapped = (arrives & (leaves | (origin < points))) | (leaves & (target < points))
    inside = straight | (wrapped & (origin != target + 1))
    require(inside, "paths.segment_to", target, "expected a later point of the same muscle")


def check_segments(paths: Paths, surfaces: Surfaces, wraps: Wraps) -> None:
    """Kinds of segments are those of their ends, and every point that a segment leaves out is tested for."""
    count = np.diff(paths.segment_start)
    points = np.repeat(np.diff(paths.point_start), count)
    first = np.repeat(paths.point_start[:-1], count)
    # Behind all points of the model stand those of its wraps, two of each.
    behind = len(paths.point_body) + 2 * np.searchsorted(wraps.muscle, np.arange(len(count)))
    body = np.concatenate([paths.point_body, np.repeat(surfaces.body[wraps.surface], 2)])
    moves = np.concatenate([paths.point_moving >= 0, np.zeros(2 * len(wraps.surface), bool)])
    here, there = (
        np.where(end < points, first + end, np.repeat(behind, count) + end - points)
        for end in (paths.segment_from, paths.segment_to)
    )
    straight = np.maximum(paths.segment_from, paths.segment_to) < points
    kind = np.where(body[here] == body[there], np.where(~straight | moves[here] | moves[there], 2, 1), 0)
    _same("paths.segment_kind", paths.segment_kind, kind, "kind that its ends make")
    tests = np.diff(paths.segment_test_start)
    segment = np.repeat(np.arange(len(tests)), tests)
    left_out = np.bincount(segment[paths.test_wanted == 0], minlength=len(tests))
    wanted = np.where(straight, paths.segment_to - paths.segment_from - 1, 0)
    _same("paths.test_wanted (zeros of each segment)", left_out, wanted, "one for each point that it leaves out")


def check_wraps(model: Model) -> None:
    """Wraps stand muscle by muscle in the order of their path, each over a surface of its own, between its points."""
    surfaces, wraps = model.surfaces, model.wraps
    matrix = surfaces.rotation.reshape(-1, 3, 3)
    error = np.abs(matrix @ matrix.transpose(0, 2, 1) - np.eye(3)).max(axis=(1, 2), initial=0.0)
    require(error < _ROUNDING, "surfaces.rotation", surfaces.rotation[:, 0], "expected rows of a rotation matrix")
    require(surfaces.size[:, 0] > 0.0, "surfaces.size", surfaces.size[:, 0], "expected a positive radius")
    require(wraps.place < wraps.crowd, "wraps.place", wraps.place, "expected less than there are on the path")
    same = wraps.muscle[1:] == wraps.muscle[:-1]
    order = (wraps.muscle[1:] > wraps.muscle[:-1]) | (same & (wraps.place[1:] > wraps.place[:-1]))
    require(order, "wraps.muscle", wraps.muscle[1:], "expected muscles, and wraps within one, in order")
    alike = ~same | (wraps.crowd[1:] == wraps.crowd[:-1])
    require(alike, "wraps.crowd", wraps.crowd[1:], "expected one number a muscle")
    pairs = wraps.muscle * max(len(surfaces.body), 1) + wraps.surface
    once = np.bincount(np.unique(pairs, return_inverse=True)[1]) if len(pairs) else pairs
    require(once <= 1, "wraps.surface", once, "expected each surface once on a path")
    points = np.diff(model.paths.point_start)[wraps.muscle]
    require(wraps.last_point < points, "wraps.last_point", wraps.last_point, "expected a point of the muscle")
    require(wraps.first_point <= wraps.last_point, "wraps.first_point", wraps.first_point, "expected no later point")


def check_crossings(paths: Paths, tree: Tree) -> None:
    """A crossed joint's entries and segments are those of its muscle."""
    muscle = np.repeat(np.arange(len(paths.joint_start) - 1), np.diff(paths.joint_start))
    body, entry = paths.joint_body, paths.joint_entry
    count = tree.mobility_start[body + 1] - tree.mobility_start[body]
    inside = (entry >= paths.entry_start[muscle]) & (entry + count <= paths.entry_start[muscle + 1])
    require(inside, "paths.joint_entry", entry, "expected entries of the same muscle")
    joint = np.repeat(np.arange(len(body)), count)
    step = np.arange(len(joint)) - np.repeat(np.cumsum(count) - count, count)
    found = paths.entry_mobility[entry[joint] + step]
    _same("paths.entry_mobility (by joint)", found, tree.mobility_start[body[joint]] + step, "mobility of the joint")
    later = np.ones(len(paths.entry_mobility), bool)
    later[1:] = paths.entry_mobility[1:] > paths.entry_mobility[:-1]
    starts = paths.entry_start[:-1]
    later[starts[starts < len(later)]] = True
    require(later, "paths.entry_mobility", paths.entry_mobility, "expected mobilities in order within a muscle")
    owner = np.repeat(muscle, np.diff(paths.crossing_start))
    _in_muscle(paths, "crossing_segment", owner)
    kind = paths.segment_kind[paths.crossing_segment]
    require(kind == 0, "paths.crossing_segment", paths.crossing_segment, "expected a segment between two bodies")
    signs = ("crossing_sign", "slide_sign")
    for name in signs:
        require(np.abs(getattr(paths, name)) == 1.0, f"paths.{name}", getattr(paths, name), "expected 1 or -1")


def check_slides(paths: Paths) -> None:
    """A sliding term belongs to a moving point, a segment and an entry of its muscle."""
    muscle = np.repeat(np.arange(len(paths.slide_start) - 1), np.diff(paths.slide_start))
    _in_muscle(paths, "slide_segment", muscle)
    point, entry = paths.slide_point, paths.slide_entry
    inside = (point >= paths.point_start[muscle]) & (point < paths.point_start[muscle + 1])
    require(
        inside & (paths.point_moving[point] >= 0), "paths.slide_point", point, "expected a moving point of its muscle"
    )
    own = (entry >= paths.entry_start[muscle]) & (entry < paths.entry_start[muscle + 1])
    require((entry == -1) | own, "paths.slide_entry", entry, "expected -1 or an entry of its muscle")
    kind = paths.segment_kind[paths.slide_segment]
    fits = kind == np.where(entry == -1, 2, 0)
    require(
        fits, "paths.slide_segment", paths.slide_segment, "expected -1 in slide_entry within a body, and only there"
    )


def check_constraints(model: Model) -> None:
    """Driven coordinates move with time alone, and a coupled one comes before those that it follows."""
    functions, drives, couplers = model.functions, model.drives, model.couplers
    argument = functions.mobility[drives.function]
    require(argument == -1, "drives.function", drives.function, "expected a function of time")
    argument = functions.mobility[couplers.function]
    fits = (argument == couplers.independent) | (argument == -1)
    require(fits, "couplers.function", couplers.function, "expected a function of the independent coordinate")
    held = np.concatenate([drives.mobility, couplers.dependent])
    once = np.bincount(held, minlength=model.n_coordinates) <= 1
    require(once[held], "drives.mobility and couplers.dependent", held, "expected each mobility at most once")
    for k, independent in enumerate(couplers.independent):
        if independent in couplers.dependent[: k + 1]:
            raise CheckError(f"couplers.independent[{k}] is {independent}, expected none that was taken out before")
    first = model.tree.mobility_start[:-1][model.tree.free == 1]
    turned = np.isin(np.concatenate([held, couplers.independent]), first[:, None] + np.arange(3))
    require(~turned, "drives and couplers", turned, "expected no angle of a joint that turns freely")


def check_hills(model: Model) -> None:
    """Each muscle has at most one row of its kind, with the curves of that kind, and a fibre that its width allows."""
    hills, curves, muscles = model.hills, model.curves, model.muscles
    require(np.diff(hills.muscle) > 0, "hills.muscle", hills.muscle[1:], "expected muscles in order")
    for name in ("active_curve", "passive_curve", "velocity_curve", "tendon_curve"):
        number = getattr(hills, name)
        require((number >= 0) == (hills.kind == 0), f"hills.{name}", number, "expected a curve of a Millard muscle")
    elastic = (hills.kind == 0) | (muscles.compliant[hills.muscle] == 1)
    require(elastic, "hills.kind", hills.kind, "expected an elastic tendon of a Thelen muscle")
    wide = hills.min_length >= muscles.fiber_width[hills.muscle]
    require(wide, "hills.min_length", hills.min_length, "expected no less than the muscle's width")
    strains = curves.ends[:, 3] > curves.ends[:, 0]
    require(strains, "curves.ends", curves.ends[:, 3], "expected the low end first")


def check_fill(tree: Tree, paths: Paths, couplers: Couplers) -> None:
    """The factorization visits every entry of the mass matrix that the tree and the muscles fill, and what follows."""
    n = len(tree.row_start) - 1
    row = np.repeat(np.arange(n), np.diff(tree.row_start))
    column = tree.row_column
    require(column < row, "tree.row_column", column, "expected a column left of the diagonal")
    later = (row[1:] != row[:-1]) | (column[1:] > column[:-1])
    require(later, "tree.row_column", column[1:], "expected columns in order")
    visited = np.zeros((n, n), bool)
    visited[row, column] = True
    needed = np.zeros((n, n), bool)
    chain = np.zeros((len(tree.parent), n), bool)
    for b in range(1, len(tree.parent)):
        own = slice(tree.mobility_start[b], tree.mobility_start[b + 1])
        chain[b] = chain[tree.parent[b]]
        chain[b, own] = True
        needed[own] |= chain[b]
    for first, last in zip(paths.entry_start[:-1], paths.entry_start[1:], strict=True):
        crossed = paths.entry_mobility[first:last]
        needed[np.ix_(crossed, crossed)] = True
    for dependent, independent in zip(couplers.dependent, couplers.independent, strict=True):
        beside = (needed[dependent] | needed[:, dependent]) & (np.arange(n) != dependent)
        needed[independent] |= beside
        needed[:, independent] |= beside
    for k in range(n - 1, -1, -1):
        filled = np.flatnonzero(visited[k])
        needed[np.ix_(filled, filled)] = True
    missing = np.argwhere(np.tril(needed & ~visited, -1))
    if len(missing):
        raise CheckError(f"tree.row_column: row {missing[0, 0]} lacks column {missing[0, 1]}, which is filled")


def _in_muscle(paths: Paths, name: str, muscle: NDArray[np.int64]) -> None:
    segment = getattr(paths, name)
    inside = (segment >= paths.segment_start[muscle]) & (segment < paths.segment_start[muscle + 1])
    require(inside, f"paths.{name}", segment, "expected a segment of its muscle")


def _same(where: str, found: NDArray[np.int64], wanted: NDArray[np.int64], meaning: str) -> None:
    if found.shape != wanted.shape:
        raise CheckError(f"{where} has {len(found)} entries, expected {len(wanted)} ({meaning})")
    if not np.array_equal(found, wanted):
        place = int(np.flatnonzero(found != wanted)[0])
        raise CheckError(f"{where}[{place}] is {found[place]}, expected {wanted[place]} ({meaning})")
