"""One short roll-out that several test files look at."""

from __future__ import annotations

import pytest

from exogait.data import GaitTrial
from exogait.osim_env.gait.setup import WorldSetup
from exogait.osim_env.learning.simulation import UNTRAINED, simulate

SETUP = WorldSetup(device="hip_ankle")


@pytest.fixture(scope="session")
def walk() -> GaitTrial:
    """Half a second or more of the body with a device on the reference feedback alone, from right heel strike."""
    return simulate(UNTRAINED, speed=1.25, seconds=1.0, setup=SETUP, phase=0.0)
