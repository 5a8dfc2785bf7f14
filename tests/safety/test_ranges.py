"""Every number of every configuration has a stated range; what is absurd is refused with name, value and range."""

from __future__ import annotations

import dataclasses
import math
import re
import typing
from pathlib import Path
from typing import Any

import pytest

from exogait.analysis.lab.settings import LabSettings
from exogait.data import ExogaitError
from exogait.junction.optimum import OptimumRequest
from exogait.junction.personalize import PersonalizeRequest
from exogait.junction.reference import ReferenceRequest
from exogait.junction.simulate import SimulateRequest
from exogait.osim_env.excitation.config import ExcitationConfig
from exogait.osim_env.gait.config import WorldConfig
from exogait.osim_env.gait.muscle_command import MuscleCommandConfig
from exogait.osim_env.gait.population import BodyDraw, Population
from exogait.osim_env.gait.setup import WorldSetup
from exogait.osim_env.learning.config import EvaluationConfig, LearnerConfig, Stage, TrainConfig
from exogait.osim_env.study.personalize import Personalization
from exogait.osim_env.study.plan import SearchConfig, StudyBody, StudyConfig, Variant

NEEDED: dict[type, dict[str, Any]] = {
    LabSettings: {}, ExcitationConfig: {}, WorldConfig: {}, MuscleCommandConfig: {}, EvaluationConfig: {},
    LearnerConfig: {}, SearchConfig: {}, StudyBody: {}, Variant: {"name": "a"}, Stage: {"samples": 10.0},
    StudyConfig: {"name": "a"}, TrainConfig: {"name": "a", "stages": (Stage(10.0),)},
    SimulateRequest: {"policy": "a", "out": Path("a")}, OptimumRequest: {"policies": "a", "out": Path("a")},
    WorldSetup: {}, BodyDraw: {}, Population: {},
    Personalization: {"human": "h", "device_policy": "d", "subject": "s", "reference": "r", "speed": 1.2},
    PersonalizeRequest: {"lab": Path("a"), "out": Path("b")}, ReferenceRequest: {"out": Path("a.json")},
}  # fmt: skip
"""Configuration to the fields that have no default."""


def numbers(cls: type) -> list[tuple[str, Any]]:
    """Fields of a configuration that hold numbers, and a function from a number to a value of the field."""
    found = []
    for name, hint in typing.get_type_hints(cls).items():
        text = str(hint).replace("<class '", "").replace("'>", "")
        if re.fullmatch(r"(float|int)( \| None)?", text):
            found.append((name, lambda x: x))
        elif re.fullmatch(r"tuple\[(float|int), (\.\.\.|float|int)\]( \| None)?", text):
            found.append((name, lambda x: (x, x)))
        elif re.fullmatch(r"dict\[str, float\]( \| None)?", text):
            found.append((name, lambda x, key="powered" if name == "conditions" else "keep_speed": {key: x}))
    return found


CASES = [(cls, name, make) for cls in NEEDED for name, make in numbers(cls)]


@pytest.mark.parametrize(("cls", "name", "make"), CASES, ids=[f"{c.__name__}.{n}" for c, n, _ in CASES])
def test_absurd_numbers_are_refused_by_name(cls: type, name: str, make: Any) -> None:
    for value in (math.nan, math.inf, -math.inf, 1e300, -1e300):
        with pytest.raises(ExogaitError) as caught:
            cls(**{**NEEDED[cls], name: make(value)})
        assert len(str(caught.value).splitlines()) == 1


def test_the_message_tells_name_value_and_range() -> None:
    with pytest.raises(ExogaitError, match=r"^gamma: 1\.5 is not allowed; a number from 0 to 1$"):
        LearnerConfig(gamma=1.5)
    with pytest.raises(ExogaitError, match=r"^seconds: -1\.0 is not allowed; a number from 0\.02 to 3600 s$"):
        EvaluationConfig(seconds=-1.0)


@pytest.mark.parametrize("cls", list(NEEDED), ids=lambda cls: cls.__name__)
def test_defaults_are_inside_their_ranges(cls: type) -> None:
    assert dataclasses.is_dataclass(cls(**NEEDED[cls]))
