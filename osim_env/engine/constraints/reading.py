"""Locked and prescribed coordinates and coordinate couplers of an OpenSim model, as arrays."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from exogait.models.opensim_api import import_opensim

from ..function_table import FunctionTable
from ..groups import Couplers, Drives, Integers

Refuse = Callable[[Any, str], None]
_KINDS = (
    "Constant, LinearFunction, SimmSpline, PiecewiseLinearFunction, PolynomialFunction, a GCVSpline of degree 3 or a "
    "multiple of one"
)


def read_drives(
    coordinates: Sequence[Any],
    functions: FunctionTable,
    mobility_of: Mapping[str, int],
    turned: set[int],
    refuse: Refuse,
) -> Drives:
    """Read locked coordinates, which stay at their default value, and prescribed ones.

    Where both are set the lock acts, and a prescribed coordinate without a function is free, as in OpenSim.

    Args:
        coordinates: OpenSim's coordinates.
        functions: Table that the functions of time are added to.
        mobility_of: Mobility of each coordinate by its name.
        turned: Mobilities whose speed is not the rate of their coordinate.
        refuse: Called with a component that cannot be reproduced, and what to do.
    """
    rows = []
    for coordinate in coordinates:
        prescribed = coordinate.get_prescribed() and coordinate.getPropertyByName("prescribed_function").size() > 0
        if not (coordinate.get_locked() or prescribed):
            continue
        mobility = mobility_of[coordinate.getName()]
        if mobility in turned:
            refuse(coordinate, "its joint's speeds are not the rates of its coordinates: use a CustomJoint")
        elif coordinate.get_locked():
            rows.append((mobility, functions.add_constant(coordinate.getDefaultValue())))
        elif (number := functions.add_of_time(coordinate.getPrescribedFunction())) is None:
            refuse(coordinate, f"its prescribed function is of a kind that is not compiled: use {_KINDS}")
        else:
            rows.append((mobility, number))
    return Drives(*_columns(rows, 2))


def read_couplers(
    constraints: Sequence[Any],
    functions: FunctionTable,
    mobility_of: Mapping[str, int],
    turned: set[int],
    drives: Drives,
    refuse: Refuse,
) -> Couplers:
    """Read the enforced CoordinateCouplerConstraints, a coordinate before those that it depends on.

    Args:
        constraints: OpenSim's enforced couplers.
        functions: Table that their functions are added to.
        mobility_of: Mobility of each coordinate by its name.
        turned: Mobilities whose speed is not the rate of their coordinate.
        drives: Coordinates that time alone moves.
        refuse: Called with a component that cannot be reproduced, and what to do.
    """
    rows: dict[int, tuple[int, int, int]] = {}
    value_of = import_opensim().PropertyHelper.getValueDouble
    for coupler in constraints:
        names = coupler.getIndependentCoordinateNames()
        if names.getSize() != 1:
            refuse(coupler, f"its coordinate depends on {names.getSize()} others: use one")
            continue
        dependent, independent = mobility_of[coupler.getDependentCoordinateName()], mobility_of[names.get(0)]
        scale = value_of(coupler.getPropertyByName("scale_factor"))
        number = functions.add(coupler.getFunction(), independent, scale)
        if number is None:
            refuse(coupler, f"its function is of a kind that is not compiled: use {_KINDS}")
        elif {dependent, independent} & turned:
            refuse(coupler, "its joint's speeds are not the rates of its coordinates: use a CustomJoint")
        elif dependent in rows or dependent in drives.mobility:
            refuse(coupler, "its coordinate is constrained twice: remove one of the constraints")
        elif dependent in _followed(independent, rows):
            refuse(coupler, "its coordinate depends on itself: remove one of the couplers")
        else:
            rows[dependent] = (dependent, independent, number)
    # The longest chain of couplers above a coordinate comes first.
    order = sorted(rows.values(), key=lambda row: -len(_followed(row[0], rows)))
    return Couplers(*_columns(order, 3))


def _followed(mobility: int, rows: Mapping[int, tuple[int, int, int]]) -> list[int]:
    """The mobility itself and all that it depends on, the nearest first."""
    chain = [mobility]
    while chain[-1] in rows:
        chain.append(rows[chain[-1]][1])
    return chain


def _columns(rows: Sequence[Sequence[int]], width: int) -> list[Integers]:
    table = np.array(rows, dtype=np.int64).reshape(-1, width)
    return [np.ascontiguousarray(table[:, k]) for k in range(width)]
