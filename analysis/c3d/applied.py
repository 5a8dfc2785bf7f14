"""Forces on a body as a file states them, in the ground's frame, whatever their file: what every reader gives."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from exogait.data.names import Side

_FEET = re.compile(r"^(calcn|talus|toes|foot)_?(?P<side>[rl])$", re.IGNORECASE)
_SIDES: dict[str, Side] = {"r": "r", "right": "r", "l": "l", "left": "l"}

_FIRM = 50.0
"""Vertical force from which a plate's moment and point tell something, N."""
_EXPLAINED = 0.3
"""A plate's horizontal free moment is nil. Moments whose horizontal part shrinks to less than this share where they
are taken about one fixed point were written about that point."""
_LEAST_MOMENT = 2.0
"""Horizontal moment below which nothing has to be explained, N m."""
_MOST = 1e9
"""Larger numbers, and what is missing in a row, tell nothing about where a moment was taken."""
_FAR = 20.0
"""A loaded point farther than this from the origin is stated in millimetres, m."""


@dataclass(frozen=True)
class AppliedForce:
    """One force with its point of application and its moment about that point."""

    name: str
    """What the file calls it: what its columns have beside ``ground_force``, or the name of an ExternalForce."""
    force: NDArray[np.float64]
    """Shape (n, 3), N."""
    point: NDArray[np.float64]
    """Shape (n, 3), m."""
    torque: NDArray[np.float64]
    """Shape (n, 3), N m."""
    body: str = ""
    """Body that it acts on, where the file says so."""
    force_frame: str = "ground"
    """Body in whose axes force and torque are stated."""
    point_frame: str = "ground"
    """Body in whose frame the point is stated."""

    @property
    def side(self) -> Side | None:
        """Foot that the file says it acts on; ``None`` where it does not say."""
        match = _FEET.match(self.body)
        return _SIDES[match.group("side").lower()] if match else None


@dataclass(frozen=True)
class ForceRecord:
    """Everything that a file of forces holds."""

    path: str
    """The file."""
    time: NDArray[np.float64]
    """Instants, shape (n,), s, on the clock of the motion beside it."""
    ground: tuple[AppliedForce, ...]
    """Forces of the ground, one a plate or foot."""
    device: tuple[AppliedForce, ...] = ()
    """Forces and torques on bodies that are no feet: a device's."""
    notes: tuple[str, ...] = ()
    """What was odd about the file, one sentence each."""

    @property
    def rate(self) -> float:
        """Samples a second, Hz."""
        return float((len(self.time) - 1) / (self.time[-1] - self.time[0])) if len(self.time) > 1 else 0.0


def side_of_prefix(prefix: str) -> Side | None:
    """Foot that a column prefix names (``r``, ``left``, ...); ``None`` for a plate's number."""
    return _SIDES.get(prefix.strip("_").lower())


def is_foot(body: str) -> bool:
    """Whether a body is part of a foot, so that what acts on it is the ground."""
    return bool(_FEET.match(body))


def settle(force: AppliedForce) -> tuple[AppliedForce, list[str]]:
    """A ground force with its point in metres and its moment about that point, and what had to be put right.

    Some exports state millimetres, and some the plate's moment about its own centre in place of the free
    moment. Both show: nobody stands twenty metres away, and the ground cannot twist a foot about a horizontal axis.
    """
    notes: list[str] = []
    name = force.name or "ground_force"
    stated_rows = np.hstack([force.force, force.point, force.torque])
    firm = (np.abs(force.force).max(axis=1, initial=0.0) > _FIRM) & (np.abs(stated_rows) < _MOST).all(axis=1)
    if not firm.any():
        return force, notes
    if float(np.median(np.abs(force.point[firm]).max(axis=1))) > _FAR:
        force = replace(force, point=force.point * 1e-3)
        notes.append(f"{name}: the point of application is in millimetres, it was converted")
    up = int(np.abs(force.force[firm]).sum(axis=0).argmax())
    across = [axis for axis in range(3) if axis != up]
    stated = _rms(force.torque[firm][:, across])
    if stated > _LEAST_MOMENT:
        centre, free = _about_a_point(force, firm, across)
        if _rms(free[firm][:, across]) < _EXPLAINED * stated:
            free[:, across] = 0.0
            free[~np.any(force.force, axis=1)] = 0.0
            force = replace(force, torque=free)
            place = ", ".join(f"{value:.2f}" for value in centre)
            notes.append(
                f"{name}: its moment is about the point ({place}) m, not about the point of application; what "
                "the force makes of it was taken away"
            )
        else:
            notes.append(
                f"{name}: a horizontal free moment of {stated:.0f} N m, which no ground gives a foot; kept as it "
                "is written"
            )
    return force, notes


def _about_a_point(
    force: AppliedForce, firm: NDArray[np.bool_], across: list[int]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Fixed point about which the stated moments leave least horizontal free moment, (3,), m, and what they leave."""
    rest = force.torque - np.cross(force.point, force.force)
    # A moment about c in place of p differs by c x F: linear in c.
    turned = np.stack([np.cross(axis, force.force) for axis in np.eye(3)], axis=2)
    rows = (turned[firm][:, across].reshape(-1, 3), -rest[firm][:, across].reshape(-1))
    centre: NDArray[np.float64] = np.asarray(np.linalg.lstsq(*rows, rcond=None)[0], dtype=np.float64)
    return centre, rest + turned @ centre


def _rms(values: NDArray[np.float64]) -> float:
    return float(np.sqrt(np.mean(values**2)))
