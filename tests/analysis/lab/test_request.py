"""One request for the whole lab road: checked once, the same fields everywhere."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from exogait.analysis.lab.manifest import ManifestRow
from exogait.analysis.lab.request import LabChoices, LabRequest, make_request
from exogait.analysis.lab.settings import LabSettings
from exogait.data import InputError


def test_choices_are_the_optional_fields() -> None:
    assert {"static", "walk", "mass", *LabChoices.__annotations__} == {item.name for item in fields(LabRequest)}


def test_names_come_from_the_files_and_none_means_the_default() -> None:
    request = make_request("anna/st 1.c3d", "anna/wälk.c3d", 70.0, settings=None, name=None, base_model="body.osim")
    assert (request.subject, request.name) == ("st_1", "w_lk")
    assert request.settings == LabSettings() and request.base_model == Path("body.osim")


@pytest.mark.parametrize(("mass", "height"), [(0.0, None), (float("nan"), None), (70.0, 172.0)])
def test_no_person_is_refused_at_once(mass: float, height: float | None) -> None:
    with pytest.raises(InputError, match=r"mass|height"):
        make_request("a.c3d", "b.c3d", mass, height=height)


def test_an_unknown_choice_is_refused() -> None:
    with pytest.raises(TypeError, match="hight"):
        make_request("a.c3d", "b.c3d", 70.0, hight=1.7)  # pyright: ignore[reportCallIssue]


def test_a_row_of_a_manifest_is_a_request() -> None:
    row = ManifestRow(name="w", subject="s", static=Path("a"), walk=Path("b"), mass=60.0, belt_speed=1.2)
    request = row.request(LabSettings(force_cutoff=15.0))
    assert (request.name, request.subject, request.mass) == ("w", "s", 60.0)
    assert request.settings == LabSettings(force_cutoff=15.0, belt_speed=1.2)
