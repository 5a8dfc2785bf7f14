"""How many surfaces OpenSim's paths touch."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from exogait.osim_env.engine.opensim_engine import OpenSimEngine


def lengths_and_touched(oracle: OpenSimEngine, q: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Lengths of all paths, m, and number of surfaces that each touches, both of shape (B, n_muscles)."""
    shape = len(q), oracle.model.n_muscles
    length, touched = np.zeros(shape), np.zeros(shape, dtype=np.int64)
    paths = [oracle.osim.GeometryPath.safeDownCast(muscle.getPath()) for muscle in oracle.muscles]
    for row in range(len(q)):
        state = oracle.set_state(q[row], 0.0 * q[row])
        oracle.opensim_model.realizePosition(state)
        for k, path in enumerate(paths):
            points = path.getCurrentPath(state)
            kinds = [points.get(i).getConcreteClassName() for i in range(points.getSize())]
            length[row, k], touched[row, k] = path.getLength(state), kinds.count("PathWrapPoint") // 2
    return length, touched
