"""Functions of coordinates, brought from OpenSim's classes to the pieces that the kernels evaluate."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np

from .groups import Floats, Functions
from .splines import piecewise_linear_coefficients, simm_spline_coefficients


class FunctionTable:
    """Functions of coordinates, collected while the model is read."""

    def __init__(self, osim: ModuleType) -> None:
        self.osim = osim
        self.mobility: list[int] = []
        self.polynomial: list[int] = []
        self.start: list[int] = [0]
        self.rows: list[tuple[float, ...]] = []

    def add(self, function: Any, mobility: int, scale: float = 1.0) -> int | None:
        """Add a multiple of an OpenSim function; return its number, or None where its kind is not supported."""
        osim = self.osim
        kind = function.getConcreteClassName()
        while kind == "MultiplierFunction":
            outer = osim.MultiplierFunction.safeDownCast(function)
            scale *= outer.getScale()
            function = outer.getFunction()
            kind = function.getConcreteClassName()
        if kind == "Constant":
            return self._append(-1, [(-np.inf, 0.0, scale * osim.Constant.safeDownCast(function).getValue(), 0, 0, 0)])
        if mobility < 0:
            return None
        if kind == "LinearFunction":
            line = osim.LinearFunction.safeDownCast(function)
            return self._append(
                mobility, [(-np.inf, 0.0, scale * line.getIntercept(), scale * line.getSlope(), 0.0, 0.0)]
            )
        if kind in ("SimmSpline", "PiecewiseLinearFunction"):
            spline = getattr(osim, kind).safeDownCast(function)
            n = spline.getSize()
            if n < 2:
                return None
            x = np.array([spline.getX(i) for i in range(n)])
            y = scale * np.array([spline.getY(i) for i in range(n)])
            fit = simm_spline_coefficients if kind == "SimmSpline" else piecewise_linear_coefficients
            return self._append(mobility, self._pieces(x, y, *fit(x, y)))
        if kind == "GCVSpline":
            pieces = self._cubic_pieces(osim.GCVSpline.safeDownCast(function), scale)
            return None if pieces is None else self._append(mobility, pieces)
        if kind == "PolynomialFunction":
            values = osim.PolynomialFunction.safeDownCast(function).getCoefficients()
            coefficients = [scale * values.get(i) for i in range(values.size())]
            return self._append(mobility, [(-np.inf, 0.0, c, 0.0, 0.0, 0.0) for c in coefficients], polynomial=1)
        return None

    def add_of_time(self, function: Any) -> int | None:
        """Add a function of time; return its number, or None where its kind is not supported."""
        number = self.add(function, 0)
        if number is not None:
            self.mobility[number] = -1
        return number

    def add_constant(self, value: float) -> int:
        """Add a constant."""
        return self._append(-1, [(-np.inf, 0.0, value, 0.0, 0.0, 0.0)])

    def add_coordinate(self, mobility: int) -> int:
        """Add the identity: the joint axis is the coordinate itself."""
        return self._append(mobility, [(-np.inf, 0.0, 0.0, 1.0, 0.0, 0.0)])

    def constant(self, index: int) -> float | None:
        """Value of a constant function, None for any other."""
        return self.rows[self.start[index]][2] if self.mobility[index] < 0 else None

    def _cubic_pieces(self, spline: Any, scale: float) -> list[tuple[float, ...]] | None:
        """Pieces of a GCVSpline of degree 3, from its values and slopes at the knots; None for other degrees.

        A spline of degree 1 has a value outside its knots but no slope there, and one of degree 5 is no cubic.
        """
        if spline.getDegree() != 3:
            return None
        x = np.array([spline.getX(i) for i in range(spline.getSize())])
        once = self.osim.StdVectorInt([0])
        at = [self.osim.Vector(1, float(value)) for value in x]
        y = scale * np.array([spline.calcValue(value) for value in at])
        b = scale * np.array([spline.calcDerivative(once, value) for value in at])
        width, slope = np.diff(x), np.diff(y) / np.diff(x)
        c = np.append((3.0 * slope - 2.0 * b[:-1] - b[1:]) / width, 0.0)
        d = np.append((b[:-1] + b[1:] - 2.0 * slope) / width**2, 0.0)
        return self._pieces(x, y, b, c, d)

    @staticmethod
    def _pieces(x: Floats, y: Floats, b: Floats, c: Floats, d: Floats) -> list[tuple[float, ...]]:
        """Pieces with OpenSim's extrapolation: end slopes outside, and the last knot itself still inside."""
        inner = [(x[k], x[k], y[k], b[k], c[k], d[k]) for k in range(len(x) - 1)]
        beyond = (np.nextafter(x[-1], np.inf), x[-1], y[-1], b[-1], 0.0, 0.0)
        return [(-np.inf, x[0], y[0], b[0], 0.0, 0.0), *inner, beyond]

    def _append(self, mobility: int, rows: list[tuple[float, ...]], polynomial: int = 0) -> int:
        self.mobility.append(mobility)
        self.polynomial.append(polynomial)
        self.rows += rows
        self.start.append(len(self.rows))
        return len(self.mobility) - 1

    def arrays(self) -> Functions:
        """Return the collected functions."""
        table = np.array(self.rows, dtype=float).reshape(-1, 6)
        return Functions(
            np.array(self.mobility, dtype=np.int64),
            np.array(self.polynomial, dtype=np.int64),
            np.array(self.start, dtype=np.int64),
            *(np.ascontiguousarray(table[:, k]) for k in range(6)),
        )
