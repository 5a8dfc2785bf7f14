"""A person's size found in a scaled model, and written as a subject's file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from exogait import models
from exogait.data.errors import FileFormatError
from exogait.models.subject import Subject

FACTORS = (
    ("thigh_r", (1.03, 0.95, 1.01)), ("thigh_l", (0.98, 0.97, 1.02)), ("shank", (0.9, 1.04, 0.95)),
    ("foot", (0.93, 0.94, 0.95)), ("pelvis", (1.05, 0.96, 0.9)), ("torso", (0.97, 1.02, 1.1)),
)  # fmt: skip
ROUNDING = 1e-6
"""Path points are in the tables to 0.1 mm; ratios of their written values keep six digits."""


def test_factors_are_found_in_a_scaled_model_and_survive_a_file(tmp_path: Path) -> None:
    person = Subject(61.0, 1.71, FACTORS, "someone")
    path = models.write(models.build(subject=person), tmp_path / "scaled.osim")
    found = Subject.from_scaled_model(path, mass=61.0, height=1.71, name="someone")
    again = models.load_subject(found.to_yaml(tmp_path / "someone.yaml"))
    assert again == found
    for body, factors in person.body_factors().items():
        np.testing.assert_allclose(found.body_factors()[body], factors, atol=ROUNDING, err_msg=body)


def test_height_follows_the_lengths_where_nobody_measured_it(tmp_path: Path) -> None:
    path = models.write(models.build(subject=Subject(61.0, 1.62)), tmp_path / "small.osim")
    assert Subject.from_scaled_model(path, mass=61.0).height == pytest.approx(1.62, abs=1e-5)


def test_another_model_is_refused(tmp_path: Path) -> None:
    path = models.write(models.build(), tmp_path / "bent.osim")
    text = path.read_text()
    start = text.index('<PathPoint name="soleus_r-P1">')
    place = text.index("<location>", start) + len("<location>")
    path.write_text(text[:place] + "0.02 " + text[text.index(" ", place) + 1 :])
    with pytest.raises(FileFormatError, match="tibia_r is not that of the suite's model"):
        Subject.from_scaled_model(path, mass=61.0)
    (tmp_path / "no.osim").write_text("<not closed")
    with pytest.raises(FileFormatError, match="cannot be read"):
        Subject.from_scaled_model(tmp_path / "no.osim", mass=61.0)
