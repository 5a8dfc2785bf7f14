"""Shared models of the engine tests: compiled once a session."""

from __future__ import annotations

from pathlib import Path

import pytest

from exogait import models
from exogait.osim_env import engine
from exogait.osim_env.engine.opensim_engine import OpenSimEngine


@pytest.fixture(scope="session")
def exo_path() -> Path:
    return models.model_path()


@pytest.fixture(scope="session")
def oracle(exo_path: Path) -> OpenSimEngine:
    return OpenSimEngine(exo_path)


@pytest.fixture(scope="session")
def model(oracle: OpenSimEngine) -> engine.Model:
    return oracle.model
