"""Names of sides and of sided things, and which coordinates turn and which slide.

OpenSim's models write the side as a name's ending: ``soleus_r``, ``hip_flexion_l``. A name without such an ending
belongs to the middle of the body.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

Side = Literal["r", "l"]
SIDES: tuple[Side, Side] = ("r", "l")
SideWord = Literal["right", "left"]
SIDE_WORDS: Mapping[Side, SideWord] = {"r": "right", "l": "left"}
"""A side in words."""

_OTHER: Mapping[Side, Side] = {"r": "l", "l": "r"}


def side_of(name: str) -> Side | None:
    """Side that a name's ending tells, ``None`` for the middle.

    Example:
        >>> side_of("soleus_l"), side_of("pelvis_tilt")
        ('l', None)
    """
    return "r" if name.endswith("_r") else "l" if name.endswith("_l") else None


def other_side(side: Side) -> Side:
    """The opposite side."""
    return _OTHER[side]


def stem(name: str) -> str:
    """Name without its side.

    Example:
        >>> stem("knee_angle_r"), stem("pelvis_tilt")
        ('knee_angle', 'pelvis_tilt')
    """
    return name if side_of(name) is None else name[:-2]


def mirrored_name(name: str) -> str:
    """The same thing of the other side, itself for the middle.

    Example:
        >>> mirrored_name("soleus_r"), mirrored_name("lumbar_bending")
        ('soleus_l', 'lumbar_bending')
    """
    side = side_of(name)
    return name if side is None else f"{stem(name)}_{other_side(side)}"


def is_translational(coordinate: str) -> bool:
    """Whether a coordinate of the suite's models is a translation (``pelvis_tx`` ...); all others are rotations."""
    return coordinate.endswith(("_tx", "_ty", "_tz"))
