"""The table of scores: every row is told, blank where nothing is known; speed against the norm for an age."""

from __future__ import annotations

import math

import numpy as np
import pytest

from exogait.analysis.report.kit import Note, Table
from exogait.analysis.report.scores import scores_parts
from exogait.analysis.scores.speed import norm_found, share_found, speed_norm
from exogait.analysis.scores.table import SCORES, compute_scores
from tests.kit.gait_trials import walking_trial


def test_every_score_has_its_own_name_a_definition_and_a_source() -> None:
    assert len({score.name for score in SCORES}) == len(SCORES)
    assert all(score.definition and score.source for score in SCORES)


def test_a_walk_without_a_model_keeps_what_needs_none() -> None:
    table = compute_scores(walking_trial()).set_index("score")
    assert len(table) == len(SCORES)
    assert math.isfinite(table.loc["gvs_knee_flexion", "right"]) and table.loc["gvs_knee_flexion", "n_right"] == 3
    for name in ("gps", "mos_across_least", "com_vertical", "step_width_sd", "speed_of_norm"):
        assert np.isnan(table.loc[name, ["right", "left", "both"]].to_numpy(float)).all(), name
    assert table.loc["step_time_sd", "both"] == pytest.approx(0.0, abs=1e-9)


def test_the_section_names_what_is_not_known() -> None:
    parts = scores_parts(walking_trial())
    table, note = (next(part for part in parts if isinstance(part, kind)) for kind in (Table, Note))
    assert isinstance(table, Table) and isinstance(note, Note)
    assert "Knee flexion, variable score" in table.column("") and "Gait profile score" not in table.column("")
    assert "Gait profile score" in note.words


def test_speed_norms_by_age_and_sex() -> None:
    assert speed_norm(79.9, "female") == 1.13 and speed_norm(80, "male") == 0.97
    assert speed_norm(45) == pytest.approx((1.434 + 1.39) / 2)
    assert math.isnan(speed_norm(None, "male")) and math.isnan(speed_norm(19.9)) and math.isnan(speed_norm(100))


def test_speed_of_a_person_against_the_norm() -> None:
    person = walking_trial().with_about(age=65.0, sex="female")
    assert norm_found(person).both == 1.24
    assert share_found(person).both == pytest.approx(100 * 1.2 / 1.24)
    assert math.isnan(share_found(walking_trial()).both)
