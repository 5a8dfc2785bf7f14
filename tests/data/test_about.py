"""What a trial says about itself: typed, spelled once, and readable from files of earlier versions."""

from __future__ import annotations

import ast
import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from exogait.data.about import TrialAbout
from exogait.data.errors import InputError, UnknownNameError
from exogait.data.trial import GaitTrial
from tests.house import PACKAGES, ROOT

ENERGY = {name: [["rate", 1.0, "W"]] for name in ("umberger2010", "umberger2010_uncredited")}
KEYS = frozenset(TrialAbout(**{f.name: 1 for f in dataclasses.fields(TrialAbout) if f.name != "other"}).to_metadata())
POLICIES = ("policy", "human", "humans[0]", "brain", "control", "device", "start", "controller", "self")
"""What has metadata of another kind: a policy's, which are no facts of a walk."""


@pytest.mark.parametrize(
    ("metadata", "commanded", "measured", "walked"),
    [
        ({"source": "simulation", "speed": 1.5}, 1.5, None, 1.5),
        ({"source": "simulation", "speed": 1.2, "commanded_speed": 1.5}, 1.5, 1.2, 1.2),
        ({"source": "lab", "speed": 1.3}, None, 1.3, 1.3),
        ({"speed": 1.3}, None, 1.3, 1.3),
        ({"source": "lab", "speed": None}, None, None, None),
        ({"source": "simulation", "speed_commanded": 1.5}, 1.5, None, 1.5),
        ({"source": "simulation", "speed_commanded": 1.5, "speed_measured": 1.2, "speed": 9.0}, 1.5, 1.2, 1.2),
        ({}, None, None, None),
    ],
)
def test_speeds_of_old_and_new_files(metadata: dict[str, Any], commanded: Any, measured: Any, walked: Any) -> None:
    about = TrialAbout.from_metadata(metadata)
    assert (about.speed_commanded, about.speed_measured, about.walked_speed) == (commanded, measured, walked)
    assert not {"speed", "commanded_speed"} & set(about.to_metadata())
    assert TrialAbout.from_metadata(about.to_metadata()) == about


def test_every_fact_goes_to_json_and_back() -> None:
    samples = {"str": "word", "float": 1.5, "int": 3, "bool": False}
    facts: dict[str, Any] = {
        one.name: samples.get(str(one.type).removesuffix(" | None"))
        for one in dataclasses.fields(TrialAbout)
        if str(one.type).removesuffix(" | None") in samples
    }
    facts |= {"quality": [{"topic": "File"}], "metabolics": ENERGY, "other": {"x": 1}}
    about = TrialAbout(**facts)
    written = about.to_metadata()
    assert written["subject_mass"] == 1.5 and written["fell"] is False and written["x"] == 1
    assert TrialAbout.from_metadata(json.loads(json.dumps(written))) == about


def test_metabolic_rates_of_an_earlier_version_come_under_the_names_of_today() -> None:
    rows = [["metabolic_rate_gross", 5.9, "W/kg"]]
    about = TrialAbout.from_metadata({"metabolics": {"umberger2010": rows, "bhargava2004": rows}})
    assert list(about.metabolics) == ["umberger2010_opensim", "bhargava2004_opensim"]
    assert TrialAbout.from_metadata(about.to_metadata()) == about
    assert list(TrialAbout.from_metadata({"metabolics": ENERGY}).metabolics) == list(ENERGY)


def test_what_is_not_known_is_not_written() -> None:
    assert TrialAbout().to_metadata() == {}
    assert TrialAbout.from_metadata({"subject_height": None}).height is None


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("subject_mass", "heavy", r"metadata\['subject_mass'\]: 'heavy' is not allowed; give a number"),
        ("seed", 1.5, "give a whole number"),
        ("fell", 1, "give true or false"),
        ("speed", "fast", "give a number"),
    ],
)
def test_a_fact_of_the_wrong_kind_is_named(key: str, value: Any, words: str) -> None:
    with pytest.raises(InputError, match=words):
        TrialAbout.from_metadata({key: value})


def test_a_trial_reads_and_writes_facts_by_name(tmp_path: Path) -> None:
    table = pd.DataFrame({"knee_angle_r": [0.0, 0.1]}, index=pd.Index([0.0, 0.01], name="time"))
    old = GaitTrial(
        name="w", coordinates=table, metadata={"source": "simulation", "speed": 1.5, "mine": 1, "seed": np.int64(3)}
    )
    new = old.with_about(speed_measured=1.4, fell=False, subject="S1")
    assert new.about.speed_commanded == 1.5 and new.about.seed == 3 and new.metadata["mine"] == 1
    assert new.with_about(subject=None).about.subject is None and new.about.simulated
    assert GaitTrial.read_parquet(new.write_parquet(tmp_path / "t")).about == new.about
    content = json.loads((tmp_path / "t" / "trial.json").read_text(encoding="utf-8"))
    assert content["metadata"]["speed_commanded"] == 1.5 and "speed" not in content["metadata"]
    with pytest.raises(UnknownNameError, match="did you mean speed_measured"):
        old.with_about(speed_mesured=1.0)


def spelled(text: str) -> Iterator[tuple[int, str]]:
    """Lines that take a fact of a trial by its key: ``trial.metadata["seed"]``, ``trial.metadata.get("seed")``."""
    for node in ast.walk(ast.parse(text)):
        key: ast.expr | None = None
        owner: ast.expr | None = None
        if isinstance(node, ast.Subscript):
            owner, key = node.value, node.slice
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "get":
            owner, key = node.func.value, node.args[0] if node.args else None
        if isinstance(owner, ast.Attribute) and owner.attr == "metadata" and isinstance(key, ast.Constant):
            if key.value in KEYS | {"speed", "commanded_speed"} and ast.unparse(owner.value) not in POLICIES:
                yield node.lineno, ast.unparse(node)


def test_keys_are_spelled_in_one_place() -> None:
    """A reader asks ``trial.about.seed``; a key that nobody wrote would be None for ever, and no checker would see."""
    assert [text for _, text in spelled('a = walk.metadata["seed"]\nb = x.trial.metadata.get("fell", 0)')] == [
        "walk.metadata['seed']", "x.trial.metadata.get('fell', 0)",
    ]  # fmt: skip
    found = [
        f"{path.relative_to(ROOT)}:{line} {text}"
        for folder in (*PACKAGES, "exogait/cli", "exogait/junction", "notebooks")
        for path in sorted((ROOT / folder).rglob("*.py"))
        for line, text in spelled(path.read_text(encoding="utf-8"))
    ]
    assert not found
