"""Random numbers of each environment's own: no draw depends on neighbours or on threads.

Source: SplitMix64 (Steele, Lea & Flood 2014, "Fast splittable pseudorandom number generators", figure 16).
"""

from __future__ import annotations

import numpy as np

from ..engine.lanes import inline


@inline
def uniform(states, i):
    """Draw a number from [0, 1) and advance the state of environment ``i``."""
    states[i] = states[i] + np.uint64(0x9E3779B97F4A7C15)
    z = states[i]
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z = z ^ (z >> np.uint64(31))
    return np.float64(z >> np.uint64(11)) * (1.0 / 9007199254740992.0)


@inline
def normal(states, i):
    """Draw a standard normal number (Box & Muller 1958; the second of each pair is not used)."""
    a = 1.0 - uniform(states, i)
    b = uniform(states, i)
    return np.sqrt(-2.0 * np.log(a)) * np.cos(2.0 * np.pi * b)
