"""What C3D files say about the person, in two spellings and in none, and where it counts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from exogait.analysis.c3d.persons import PersonFacts, person_of, stated_person
from exogait.analysis.c3d.reader import C3DFile, read_c3d
from exogait.analysis.lab.manifest import read_manifest
from exogait.analysis.lab.request import make_request
from exogait.data.errors import FileFormatError, InputError


@pytest.fixture(scope="module")
def recording(real_data: Path) -> C3DFile:
    return read_c3d(real_data / "schreiber2019/2014001/2014001_C4_05.c3d")


def test_a_list_with_units_and_codes(recording: C3DFile) -> None:
    """The folder's anthropometrics.csv gives the same person: 67 kg, 1.655 m, 30 years, a man."""
    assert person_of(recording) == PersonFacts(mass=67.0, height=1.655, age=30.0, sex="male")


def test_plug_in_gait_states_millimetres(real_data: Path) -> None:
    path = real_data / "biomechzoo_children/HC002D/static"
    assert stated_person(None, next(path.glob("*.c3d"))) == PersonFacts(mass=32.1, height=1.45)


@pytest.mark.parametrize(
    ("group", "values", "found"),
    [
        ("PROCESSING", {"BODYMASS": np.array([0.0]), "HEIGHT": np.array([0.0])}, {}),
        ("PROCESSING", {"HEIGHT": np.array([1.7])}, {}),  # 1.7 mm is nobody's height
        ("SUBJECT", {"LABELS": ["weight", "height"], "VALUES": np.array([70.0, 170.0]), "UNITS": ["kg", "cm"]},
         {"mass": 70.0, "height": 1.7}),
        ("SUBJECT", {"LABELS": ["weight"], "VALUES": np.array([70.0])}, {}),  # no unit, no mass
        ("SUBJECTS", {"SEX": ["F"], "AFFECTED_SIDE": ["Left"], "DIAGNOSIS": ["stroke, 2 years"]},
         {"sex": "female", "side": "left", "diagnosis": "stroke, 2 years"}),
        ("PATIENT", {"SIDE": ["bilateral"], "GENDER": ["not said"], "DIAGNOSIS": [" "]}, {"side": "both"}),
    ],
)  # fmt: skip
def test_spellings(recording: C3DFile, group: str, values: dict, found: dict) -> None:
    assert person_of(replace(recording, parameters={group: values})).known() == found


def test_who_states_no_mass_leaves_the_person_to_the_file(real_data: Path) -> None:
    folder = real_data / "schreiber2019/2014001"
    static, walk = folder / "2014001_ST.c3d", folder / "2014001_C4_05.c3d"
    told = make_request(static, walk, None, height=1.7)
    assert (told.mass, told.height, told.age, told.sex) == (67.0, 1.7, 30.0, "male")
    stated = make_request(static, walk, 70.0, side="left", diagnosis="stroke")
    assert (stated.mass, stated.height, stated.side, stated.diagnosis) == (70.0, None, "left", "stroke")
    with pytest.raises(InputError, match="the files state none"):
        make_request(None, "walk.trc", None)


def test_a_manifest_tells_the_person(tmp_path: Path) -> None:
    path = tmp_path / "day.csv"
    path.write_text("static,trial,mass,age,sex,side,diagnosis,date\ns.c3d,w.c3d,,61,Male,left,stroke,2026-03-01\n")
    (row,) = read_manifest(path)
    assert (row.mass, row.age, row.sex, row.side, row.diagnosis, row.date) == (
        None, 61.0, "male", "left", "stroke", "2026-03-01",
    )  # fmt: skip
    path.write_text("static,trial,mass,side\ns.c3d,w.c3d,70,port\n")
    with pytest.raises(FileFormatError, match="side is 'port'"):
        read_manifest(path)
