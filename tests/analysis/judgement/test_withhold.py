"""A failed row blanks what it spoils, and what follows from it, wherever a reader could find it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from exogait.analysis.gait.metrics import compute_metrics
from exogait.analysis.judgement.withhold import spoiled, withhold
from exogait.analysis.lab.export import export_opensim
from exogait.analysis.opensim_tools.scale import write_base_model
from exogait.analysis.report.trial import report_page
from exogait.data import GaitTrial, QualityRow
from exogait.data.quality import overall, quality_rows, to_metadata
from tests.kit.gait_trials import walking_trial


def failing(*spoils: str) -> QualityRow:
    return QualityRow("Units", "unit of the force", "lbf", verdict="fail", spoils=spoils, todo="say --units")


def measured() -> GaitTrial:
    numbers = [
        {"quantity": name, "unit": unit, "mean": 1.0, "sd": 0.1, "n": 3, "mean_r": 1.1, "mean_l": 0.9}
        for name, unit in (("speed", "m/s"), ("step_length", "m"), ("stance_pct", "%"))
    ]
    return walking_trial().with_about(spatiotemporal=numbers, speed_measured=1.2)


def blank(trial: GaitTrial, table: str) -> set[str]:
    values = getattr(trial, table)
    return {column for column in values if values[column].isna().all()}


def test_a_row_that_does_not_fail_withholds_nothing() -> None:
    trial, row = measured(), failing("*")
    for verdict in ("pass", "warn", "info", "not judged"):
        assert (
            withhold(trial, [QualityRow(row.topic, row.what, row.found, verdict=verdict, spoils=row.spoils)]) is trial
        )


def test_a_foot_without_force_has_no_moments_and_its_angles_stay() -> None:
    trial = withhold(measured(), [failing("ground_reactions/*_r_*")])
    assert blank(trial, "generalized_forces") == {"hip_flexion_r", "hip_adduction_r", "knee_angle_r", "ankle_angle_r"}
    assert blank(trial, "joint_powers") == {"hip_flexion_r", "knee_angle_r", "ankle_angle_r"}
    assert not blank(trial, "coordinates")
    assert trial.ground_reactions is not None and trial.ground_reactions["ground_force_l_vy"].notna().all()
    table = compute_metrics(trial).set_index("metric")
    assert np.isnan(table["right"]["grf_vertical_first"]) and table["left"]["grf_vertical_first"] > 0.5


def test_an_angle_takes_the_moments_of_its_leg_along() -> None:
    lost = spoiled(measured(), [failing("coordinates/knee_angle_l")])
    assert lost >= {f"{table}/knee_angle_l" for table in ("coordinates", "generalized_forces", "joint_powers")}
    assert "generalized_forces/hip_flexion_l" in lost  # inverse dynamics carries the shank's motion up the leg
    assert not any(address.startswith("coordinates/hip") or address.endswith("_r") for address in lost)


def test_events_take_every_number_along() -> None:
    trial = withhold(measured(), [failing("events/*")])
    assert trial.events == () and trial.about.speed_measured is None
    assert compute_metrics(trial)[["right", "left"]].isna().all(axis=None)


def test_one_side_of_a_number_takes_the_mean_of_both_along() -> None:
    (row,) = [r for r in withhold(measured(), [failing("spatiotemporal/step_length_l")]).about.spatiotemporal
              if r["quantity"] == "step_length"]  # fmt: skip
    assert row["mean_l"] is None and row["mean"] is None and row["mean_r"] == 1.1


@pytest.mark.parametrize("shown", [False, True])
def test_the_report_begins_with_the_verdict_and_shows_withheld_numbers_only_on_demand(shown: bool) -> None:
    whole, rows = measured(), [failing("ground_reactions/*")]
    trial = withhold(whole, rows).with_about(quality=to_metadata(rows))
    page = report_page(trial, norms={}, withheld=whole if shown else None)
    text = page.text
    assert "Usable but for ground reaction forces" in text and "say --units" in text
    assert text.index("Usable but for") < text.index("Walking speed")
    assert ("Hatched" in text) == shown
    if shown:
        (table,) = page.section("withheld").tables
        assert "Vertical force, first peak" in table.column("")


def test_the_verdict_travels_with_the_trial(tmp_path) -> None:
    rows = [failing("coordinates/*"), QualityRow("File", "frames", "100")]
    trial = withhold(measured(), rows).with_about(quality=to_metadata(rows))
    again = GaitTrial.read_parquet(trial.write_parquet(tmp_path / "trial"))
    verdict = overall(quality_rows(again))
    assert verdict.kind == "not usable" and verdict.todo == ("say --units",) and "lbf" in verdict.headline()
    assert again.coordinates is not None and again.coordinates.isna().all(axis=None)


def test_exported_files_say_what_is_withheld(tmp_path) -> None:
    model = write_base_model(tmp_path / "model.osim")
    for row, word in (
        (failing("ground_reactions/*"), "ground reactions are withheld"),
        (failing("coordinates/knee_angle_l"), "angles that are withheld"),
    ):
        trial = withhold(measured(), [row])
        written = export_opensim(trial, model, tmp_path / word.split()[0])
        assert any(word in line for line in written.left_out) and written.id_setup is None
        assert written.motion is not None
        header = written.motion.read_text(encoding="utf-8")
        assert ("knee_angle_l" in header) == ("ground" in word)


def test_nothing_that_is_blank_counts_in_a_table() -> None:
    metrics = compute_metrics(withhold(measured(), [failing("*")]))
    assert pd.DataFrame(metrics[["right", "left"]]).isna().all(axis=None)
