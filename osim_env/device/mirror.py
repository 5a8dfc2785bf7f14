"""Left and right exchanged: index and sign arrays that mirror vectors of named quantities.

A policy that always sees the body as if the right leg had just struck the floor learns one half stride instead of two
(Abdolhosseini et al. 2019, "PHASE"): in the second half of a stride, what it sees and what it commands are mirrored.
The body may be asymmetric all the same; its strengths are mirrored along with it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from exogait.data.names import mirrored_name

ODD_COORDINATES = ("pelvis_list", "pelvis_rotation", "pelvis_tz", "lumbar_bending", "lumbar_rotation")
"""Coordinates whose sign changes when left and right are exchanged."""


def mirror_map(names: Sequence[str], odd: Sequence[str] = ()) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Index and sign arrays with ``mirrored = sign * values[..., index]``.

    Args:
        names: Names in order; sided names end in ``_r`` or ``_l``.
        odd: Names (without regard to side) whose values change sign.

    Returns:
        Index and sign, each of shape (len(names),).
    """
    position = {name: i for i, name in enumerate(names)}
    index = np.array([position[mirrored_name(name)] for name in names], np.int64)
    sign = np.array([-1.0 if name in odd else 1.0 for name in names])
    return index, sign
