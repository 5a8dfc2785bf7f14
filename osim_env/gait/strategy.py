"""How a body walks where it does not walk like the reference: what it aims for instead, as a few numbers.

A person with a weak muscle has a gait of their own. Here it is an addition to the reference that the feedback law aims
for: a short Fourier series over each leg's own stride for hip, knee and ankle, one over the stride for pelvis and
trunk, and a change of the step rate over the stride. All zeros are the reference itself. Whatever a body aims for,
imitation is always judged against the reference.

The numbers are searched for, for each body and in each device condition alike (:mod:`exogait.osim_env.study.search`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from exogait.data.errors import FileFormatError, InputError, UnknownNameError
from exogait.data.files import write_text_atomic
from exogait.data.loading import finite, parsed, read_json
from exogait.data.names import mirrored_name
from exogait.models.deficit import FULL_STRENGTH, Deficit

from ..device.mirror import ODD_COORDINATES
from .reference import fourier_basis

Array = NDArray[np.floating[Any]]

LEG = ("hip_flexion", "hip_adduction", "knee_angle", "ankle_angle")
"""Coordinates of a leg that a body may aim elsewhere."""
MIDDLE = ("pelvis_tilt", "pelvis_list", "lumbar_extension", "lumbar_bending")
"""The same of pelvis and trunk."""
STEP_RATE = "step rate"
LEG_HARMONICS, MIDDLE_HARMONICS, RATE_HARMONICS = 2, 1, 1
FORMAT = "exogait-strategies-1"
ROUNDING = 1e-6
"""Difference of two strengths that are the same, percent."""


def _terms(name: str, harmonics: int) -> list[str]:
    return [f"{name} mean", *(f"{name} {f} {k}" for k in range(1, harmonics + 1) for f in ("cos", "sin"))]


STRATEGY_NAMES: tuple[str, ...] = (
    *(term for side in "rl" for name in LEG for term in _terms(f"{name}_{side}", LEG_HARMONICS)),
    *(term for name in MIDDLE for term in _terms(name, MIDDLE_HARMONICS)),
    *_terms(STEP_RATE, RATE_HARMONICS),
)
"""Name of every number: rad, those of the step rate as a share of its largest change."""


def _mirror() -> tuple[NDArray[np.int64], Array]:
    """Index and sign that exchange left and right; what runs over the common stride is then half a stride later."""
    index, sign = [], []
    for name in STRATEGY_NAMES:
        what, *term = name.split(" ", 1) if not name.startswith(STEP_RATE) else (STEP_RATE, name[len(STEP_RATE) + 1 :])
        index.append(STRATEGY_NAMES.index(f"{mirrored_name(what)} {term[0]}"))
        later = -1.0 if what in (*MIDDLE, STEP_RATE) and term[0].endswith("1") else 1.0
        sign.append(later * (-1.0 if what in ODD_COORDINATES else 1.0))
    return np.array(index), np.array(sign)


MIRROR_INDEX, MIRROR_SIGN = _mirror()


def mirrored(numbers: Array) -> Array:
    """The strategy of the body with left and right exchanged, shape as given, (..., len(STRATEGY_NAMES))."""
    return MIRROR_SIGN * numbers[..., MIRROR_INDEX]


def symmetrized(numbers: Array) -> Array:
    """The nearest strategy that is its own mirror image, shape as given, (..., len(STRATEGY_NAMES))."""
    return (numbers + mirrored(numbers)) / 2


class Strategy:
    """What every body of a batch aims for beside the reference.

    Attributes:
        numbers: One row a body, shape (batch, len(STRATEGY_NAMES)).
    """

    def __init__(self, n: int, coordinate_names: tuple[str, ...]) -> None:
        self.numbers = np.zeros((n, len(STRATEGY_NAMES)))
        self._legs = [np.array([coordinate_names.index(f"{name}_{side}") for name in LEG]) for side in "rl"]
        self._middle = np.array([coordinate_names.index(name) for name in MIDDLE])
        self._n_coordinates = len(coordinate_names)
        self._leg_size = len(LEG) * (1 + 2 * LEG_HARMONICS)
        self._middle_size = len(MIDDLE) * (1 + 2 * MIDDLE_HARMONICS)

    def offsets(self, phase: Array, frequency: Array, index: Any = slice(None)) -> tuple[Array, Array]:
        """Additions to the reference's coordinates and speeds.

        Args:
            phase: Share of the stride since right heel strike, shape (n,).
            frequency: Strides per second, shape (n,).
            index: Which bodies of the batch, n of them.

        Returns:
            Shape (n, n_coordinates) each, rad and rad/s.
        """
        numbers, n = self.numbers[index], len(phase)
        q, u = np.zeros((n, self._n_coordinates)), np.zeros((n, self._n_coordinates))
        if not numbers.any():
            return q, u

        def add(columns: NDArray[np.int64], part: Array, phase: Array, harmonics: int) -> None:
            basis, slope = fourier_basis(phase, harmonics)
            series = part.reshape(n, len(columns), -1)
            q[:, columns] = np.matmul(series, basis[:, :, None])[:, :, 0]
            u[:, columns] = np.matmul(series, slope[:, :, None])[:, :, 0] * frequency[:, None]

        size = self._leg_size
        add(self._legs[0], numbers[:, :size], phase, LEG_HARMONICS)
        add(self._legs[1], numbers[:, size : 2 * size], (phase + 0.5) % 1.0, LEG_HARMONICS)
        add(self._middle, numbers[:, 2 * size : 2 * size + self._middle_size], phase, MIDDLE_HARMONICS)
        return q, u

    def step_rate(self, phase: Array) -> Array:
        """Addition to the action that changes the step rate, shape (batch,)."""
        part = self.numbers[:, 2 * self._leg_size + self._middle_size :]
        if not part.any():
            return np.zeros(len(phase))
        return np.sum(part * fourier_basis(phase, RATE_HARMONICS)[0], axis=1)


@dataclass(frozen=True)
class Strategies:
    """What one kind of body aims for, by device condition.

    Attributes:
        body: ``healthy`` or the name of a deficit.
        strength: Strength of the most affected group that the numbers were found with, percent.
        side: The weak side.
        found: Numbers by device condition, shape (len(STRATEGY_NAMES),) each.
        healthy: The same of the healthy body, where the search for a weak one began.
        about: How they were found.
    """

    body: str
    strength: float
    side: Literal["left", "right"]
    found: Mapping[str, Array]
    healthy: Mapping[str, Array]
    about: Mapping[str, Any] = field(default_factory=dict)

    def at(self, condition: str, strength: float | None = None, side: str | None = None) -> Array:
        """Numbers of a body of this kind.

        Between the strength of the search and full strength they change in proportion to the loss of strength.

        Args:
            condition: ``none``, ``unpowered`` or ``powered``.
            strength: Of the most affected group, percent; that of the search without.
            side: The weak side; that of the search without.

        Returns:
            Shape (len(STRATEGY_NAMES),).

        Raises:
            UnknownNameError: There is nothing for this condition.
            InputError: The body is weaker than that of the search, or weak on both sides.
        """
        if side not in (None, "left", "right"):
            raise InputError("side", side, "left or right: strategies are those of one weak leg")
        if condition not in self.found:
            raise UnknownNameError("device condition", condition, self.found)
        numbers = self.found[condition]
        if strength is not None and self.strength < FULL_STRENGTH:
            if strength < self.strength - ROUNDING:
                raise InputError("strength", strength, f"{self.strength:g} to 100 percent, as far as was searched")
            loss = (FULL_STRENGTH - strength) / (FULL_STRENGTH - self.strength)
            numbers = self.healthy[condition] + loss * (numbers - self.healthy[condition])
        return numbers if side in (None, self.side) else mirrored(numbers)

    def of(self, condition: str, weakness: Deficit | None) -> Array:
        """Numbers of a body with a deficit, or without one (None): see :meth:`at`."""
        if weakness is None:
            return self.at(condition, FULL_STRENGTH)
        return self.at(condition, weakness.weakest, weakness.side)

    def save(self, path: str | Path) -> Path:
        """Write as JSON."""
        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        tables = {
            kind: {condition: np.round(np.asarray(row, float), 6).tolist() for condition, row in rows.items()}
            for kind, rows in (("found", self.found), ("healthy", self.healthy))
        }
        content = {
            "format": FORMAT, "body": self.body, "strength": self.strength, "side": self.side,
            "names": list(STRATEGY_NAMES), **tables, "about": dict(self.about),
        }  # fmt: skip
        return write_text_atomic(path, json.dumps(content, indent=1) + "\n")


def load_strategies(path: str | Path) -> Strategies:
    """Read a file of :meth:`Strategies.save`.

    Raises:
        FileFormatError: It is missing, damaged, or of other numbers than this suite's.
    """
    path, problem, todo = Path(path), "damaged strategies", "search again"
    if not path.is_file():
        raise FileFormatError(path, "no such file", "search for strategies first")
    fields = {"body": str, "strength": int | float, "side": str, "found": dict, "healthy": dict, "about": dict}
    content = read_json(path, problem, todo, form=FORMAT, fields=fields, strict=True)
    if content.get("names") != list(STRATEGY_NAMES):
        raise FileFormatError(path, "strategies of other numbers", "search again with this version")
    return parsed(path, problem, todo, lambda: _strategies(content))


def _strategies(content: dict[str, Any]) -> Strategies:
    """Strategies of a file's content, a whole row of finite numbers for each condition."""
    found, healthy = (
        {
            condition: finite(f"{kind}: {condition}", row, (len(STRATEGY_NAMES),))
            for condition, row in content[kind].items()
        }
        for kind in ("found", "healthy")
    )
    if set(found) != set(healthy) or content["side"] not in ("left", "right"):
        raise ValueError("conditions or side are not those of strategies")
    strength = float(content["strength"])
    if not 0.0 <= strength <= FULL_STRENGTH:
        raise ValueError(f"strength is {strength:g} percent")
    return Strategies(content["body"], strength, content["side"], found, healthy, content["about"])
