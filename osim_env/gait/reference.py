"""Reference motion: a periodic gait as Fourier series whose coefficients depend on walking speed.

The suite's own reference is fitted to overground walks of healthy adults (see
:mod:`exogait.osim_env.gait.reference_fit`); any :class:`data.GaitTrial` with one whole stride becomes a reference of
the same kind. It says what the muscle policy imitates, never what the exoskeleton does.

Every channel is ``x(phase, v) = sum_k c_k(v) B_k(phase)`` with the basis ``1, cos 2 pi k phase, sin 2 pi k phase`` and
coefficients ``c_k(v)`` that are polynomials of speed. Phase 0 is right heel strike. ``pelvis_tx`` holds the fluctuation
about steady progression.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from exogait.data.errors import InputError
from exogait.data.files import write_text_atomic
from exogait.data.home import find
from exogait.data.loading import finite, parsed, read_json
from exogait.data.show import Card, Curve, Shown, names, number

Array = NDArray[np.floating[Any]]

DEFAULT_REFERENCE = "schreiber2019"
FORMAT = "exogait-reference-1"
MOST_TERMS = 1000
"""Terms of a Fourier series, or of a polynomial in speed, that are accepted."""


@dataclass(frozen=True)
class ReferenceMotion(Shown):
    """A periodic gait over a range of speeds.

    Attributes:
        coordinate_names: Coordinates in the model's spelling.
        coordinates: Fourier coefficients, shape (n_coordinates, 1 + 2 * n_harmonics, order + 1), rad or m.
        moment_names: Coordinates whose moments are known; may be empty.
        moments: Fourier coefficients of the net muscle moments, shape (n_moments, 1 + 2 * n_harmonics, order + 1),
            N m per kg body mass, positive along the coordinate.
        stride_frequency: Polynomial of speed, lowest power first, shape (order + 1,), Hz.
        speed_range: Slowest and fastest speed it may be asked for, m/s.
        leg_length: Leg length of the body it is expressed for, m (0 where unknown).
        source: Where the motion comes from, with licence.
    """

    coordinate_names: tuple[str, ...]
    coordinates: Array
    moment_names: tuple[str, ...]
    moments: Array
    stride_frequency: Array
    speed_range: tuple[float, float]
    leg_length: float = 0.0
    source: str = ""
    name: str = field(default="reference")

    @property
    def n_harmonics(self) -> int:
        """Number of harmonics of the stride frequency."""
        return (self.coordinates.shape[1] - 1) // 2

    def check_speed(self, speed: Array | float) -> None:
        """Refuse speeds outside the range of the data behind the reference."""
        low, high = self.speed_range
        values = np.atleast_1d(np.asarray(speed, float))
        outside = values[~((values >= low) & (values <= high))]
        if outside.size:
            raise InputError("speed", float(outside[0]), f"reference {self.name!r} covers {low:g} to {high:g} m/s")

    def frequency(self, speed: Array | float) -> Array:
        """Stride frequency at a speed, Hz."""
        return np.polynomial.polynomial.polyval(np.asarray(speed, float), self.stride_frequency)

    def evaluate(self, phase: Array, speed: Array) -> tuple[Array, Array]:
        """Coordinates and speeds of the gait.

        Args:
            phase: Share of the stride since right heel strike, shape (batch,).
            speed: Walking speed, shape (batch,), m/s.

        Returns:
            ``q`` and ``u``, each of shape (batch, n_coordinates), rad, m and rad/s, m/s. ``pelvis_tx`` holds the
            fluctuation about steady progression, its speed includes the progression.
        """
        value, slope = self._series(self.coordinates, phase, speed)
        rate = self.frequency(speed)[:, None]
        u = slope * rate
        if "pelvis_tx" in self.coordinate_names:
            u[:, self.coordinate_names.index("pelvis_tx")] += speed
        return value, u

    def net_moments(self, phase: Array, speed: Array) -> Array:
        """Net joint moments of the gait, shape (batch, n_moments), N m per kg."""
        return self._series(self.moments, phase, speed)[0]

    def _series(self, coefficients: Array, phase: Array, speed: Array) -> tuple[Array, Array]:
        """Value and derivative with respect to phase of a set of series, each (batch, n_series)."""
        order = coefficients.shape[2]
        powers = np.asarray(speed, float)[:, None] ** np.arange(order)
        basis, slope = fourier_basis(phase, self.n_harmonics)
        c = np.einsum("skp,bp->bsk", coefficients, powers)
        return np.einsum("bsk,bk->bs", c, basis), np.einsum("bsk,bk->bs", c, slope)

    def save(self, path: str | Path) -> None:
        """Write the reference as JSON."""
        content = {
            "format": FORMAT,
            "name": self.name,
            "source": self.source,
            "leg_length": self.leg_length,
            "speed_range": list(self.speed_range),
            "stride_frequency": self.stride_frequency.tolist(),
            "coordinates": dict(zip(self.coordinate_names, np.round(self.coordinates, 7).tolist(), strict=True)),
            "moments": dict(zip(self.moment_names, np.round(self.moments, 6).tolist(), strict=True)),
        }
        write_text_atomic(path, json.dumps(content, indent=1) + "\n")

    def card(self) -> Card:
        """Speeds, coordinates, and hip, knee and ankle over one stride."""
        low, high = self.speed_range
        speed, phase = 0.5 * (low + high), np.linspace(0.0, 1.0, 101)
        facts = (
            ("speeds", f"{low:g} to {high:g} m/s"),
            ("stride", f"{float(self.frequency(speed)):.3f} Hz at {speed:.2f} m/s"),
            ("coordinates", names(self.coordinate_names)),
            ("moments", names(self.moment_names)),
            ("leg length", number(self.leg_length or None, "m", 3)),
            ("source", self.source),
        )
        q = np.rad2deg(self._series(self.coordinates, phase, np.full(phase.shape, speed))[0])
        joints = [name for name in ("hip_flexion_r", "knee_angle_r", "ankle_angle_r") if name in self.coordinate_names]
        curves = (
            Curve(f"{name} over a stride, deg", (("", q[:, self.coordinate_names.index(name)]),)) for name in joints
        )
        return Card(f"ReferenceMotion {self.name}", facts, tuple(curves))


@dataclass(frozen=True)
class ModelReference:
    """A reference in the order of a model's coordinates.

    Attributes:
        motion: The reference.
        columns: Column of the reference of each of the model's coordinates, shape (n_coordinates,).
        moment_columns: Column of the reference's moments of each demanded coordinate, -1 where it has none.
    """

    motion: ReferenceMotion
    columns: NDArray[np.int64]
    moment_columns: tuple[int, ...]

    @classmethod
    def of(
        cls, motion: ReferenceMotion, coordinate_names: tuple[str, ...], demanded: tuple[str, ...]
    ) -> ModelReference:
        """The reference for a model with these coordinates, of which some are demanded moments of."""
        known = motion.moment_names
        return cls(
            motion,
            np.array([motion.coordinate_names.index(name) for name in coordinate_names]),
            tuple(known.index(name) if name in known else -1 for name in demanded),
        )

    def state(self, phase: Array, speed: Array) -> tuple[Array, Array]:
        """Coordinates and speeds, shape (batch, n_coordinates) each; see :meth:`ReferenceMotion.evaluate`."""
        q, u = self.motion.evaluate(phase, speed)
        return q[:, self.columns], u[:, self.columns]

    def moments(self, phase: Array, speed: Array, body_mass: Array) -> Array:
        """Net joint moments, shape (batch, n_demanded), N m; zero where the reference has none.

        Args:
            phase: Share of the stride since right heel strike, shape (batch,).
            speed: Walking speed, shape (batch,), m/s.
            body_mass: Shape (batch,), kg.
        """
        moments = np.zeros((len(phase), len(self.moment_columns)))
        if self.motion.moment_names:
            known = self.motion.net_moments(phase, speed)
            for j, column in enumerate(self.moment_columns):
                if column >= 0:
                    moments[:, j] = known[:, column]
        return moments * body_mass[:, None]


def fourier_basis(phase: Array, n_harmonics: int) -> tuple[Array, Array]:
    """The basis ``1, cos, sin, cos 2, sin 2, ...`` and its derivative with respect to phase.

    Args:
        phase: Share of the period, shape (n,).
        n_harmonics: Number of harmonics.

    Returns:
        Two arrays of shape (n, 1 + 2 * n_harmonics).
    """
    angle = 2 * np.pi * np.asarray(phase, float)[:, None] * np.arange(1, n_harmonics + 1)
    rate = 2 * np.pi * np.arange(1, n_harmonics + 1)
    basis = np.empty((len(angle), 1 + 2 * n_harmonics))
    slope = np.empty_like(basis)
    basis[:, 0], slope[:, 0] = 1.0, 0.0
    basis[:, 1::2], basis[:, 2::2] = np.cos(angle), np.sin(angle)
    slope[:, 1::2], slope[:, 2::2] = -rate * np.sin(angle), rate * np.cos(angle)
    return basis, slope


def load_reference(name: str | Path = DEFAULT_REFERENCE) -> ReferenceMotion:
    """Read a reference motion by name (of the user folder or the suite) or path.

    Raises:
        UnknownNameError: There is none of that name.
        FileFormatError: The file is missing or is no reference motion.
    """
    path = find("references", name)
    return _read(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=8)
def _read(path: Path, stamp: int) -> ReferenceMotion:
    """Read a file once, as long as it is not written again."""
    problem, todo = "not a reference motion", "write one with ReferenceMotion.save"
    fields = {"name": str, "source": str, "leg_length": int | float, "coordinates": dict, "moments": dict}
    content = read_json(path, problem, todo, form=FORMAT, fields=fields, strict=True)
    return parsed(path, problem, todo, lambda: _reference(content))


def _reference(content: dict[str, Any]) -> ReferenceMotion:
    """A reference of a file's content, whose tables must agree with one another."""
    coordinates = finite("coordinates", list(content["coordinates"].values()), (None, None, None))
    n_terms, order = coordinates.shape[1:]
    if n_terms % 2 == 0 or not 1 <= n_terms <= MOST_TERMS or not 1 <= order <= MOST_TERMS:
        raise ValueError(f"{n_terms} terms of order {order}, expected an odd number up to {MOST_TERMS}")
    moments = finite("moments", list(content["moments"].values()) or np.zeros((0, n_terms, 1)), (None, n_terms, None))
    frequency = finite("stride_frequency", content["stride_frequency"], (None,))
    if not 1 <= len(frequency) <= MOST_TERMS:
        raise ValueError(f"stride_frequency has {len(frequency)} terms, expected 1 to {MOST_TERMS}")
    low, high = finite("speed_range", content["speed_range"], (2,)).tolist()
    if not 0.0 < low <= high:
        raise ValueError(f"speed_range is {low:g} to {high:g} m/s")
    return ReferenceMotion(
        name=content["name"],
        source=content["source"],
        leg_length=content["leg_length"],
        speed_range=(content["speed_range"][0], content["speed_range"][1]),
        stride_frequency=frequency,
        coordinate_names=tuple(content["coordinates"]),
        coordinates=coordinates,
        moment_names=tuple(content["moments"]),
        moments=moments,
    )
