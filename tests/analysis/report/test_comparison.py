"""A simulated walk beside a measured one: the table, the page, the words about what is what."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from exogait.analysis.lab.simulated import analyse_simulation, mean_speed, simulation_rows
from exogait.analysis.report.comparison import compare_folders, comparison_page, comparison_table, write_comparison
from exogait.data import FileFormatError, InputError
from tests.kit.gait_trials import walking_trial
from tests.kit.html import parse_html

ENERGY = {
    "umberger2010": [("metabolic_rate_gross", 4.5, "W/kg"), ("cost_of_transport_gross", 3.6, "J/kg/m")],
    "umberger2010_uncredited": [("metabolic_rate_gross", 5.4, "W/kg")],
}


def test_a_walk_agrees_with_itself() -> None:
    rows = comparison_table(walking_trial(source="simulation"), walking_trial())
    curves = rows[rows["r"].notna()]
    assert {"angle", "moment", "power", "ground reaction"} <= set(curves["group"])
    np.testing.assert_allclose(curves["r"], 1.0)
    np.testing.assert_allclose(curves["rmse"], 0.0, atol=1e-12)


def test_differences_and_asymmetry_are_found() -> None:
    lame = walking_trial(asymmetry=0.2, source="simulation")
    rows = comparison_table(lame, walking_trial()).set_index(["quantity", "side"])
    # The left knee flexes a fifth less: 12 of 60 degrees at the peak, and 20/(0.5 (100 + 80)) in Robinson's index.
    knee = rows.loc[("Knee flexion", "l")]
    assert knee["reference_value"] - knee["value"] == pytest.approx(12.0, rel=0.02)
    assert rows.loc[("Knee flexion", "r"), "rmse"] == pytest.approx(0.0, abs=1e-9)
    index = rows.loc[("Knee flexion, range", "")]
    assert index["value"] == pytest.approx(100 * 0.2 / 0.9, rel=0.02) and abs(index["reference_value"]) < 1e-9


def test_folders_become_page_table_and_figure(tmp_path: Path) -> None:
    own = walking_trial(source="simulation", asymmetry=0.1)
    own = own.replace(
        name="policy_1.25", metadata={**own.metadata, "subject": None, "metabolics": ENERGY, "policy": "p"}
    )
    lab = walking_trial()
    own.write_parquet(tmp_path / "sim" / "trial")
    lab.write_parquet(tmp_path / "lab" / "trial")
    result = compare_folders(tmp_path / "sim", tmp_path / "lab")
    page = result.page.read_text()
    assert "policy_1.25 (simulated)" in page and "nobody (measured)" in page
    assert "is a simulation" in page and "is a measurement" in page and "tracking" in page
    assert "Not compared: the measured walk has no muscle states" in page
    assert len(pd.read_csv(result.table)) == len(result.rows) > 10
    assert result.figure.stat().st_size > 20_000
    lab.replace(metadata={**lab.metadata, "metabolics": ENERGY}).write_parquet(tmp_path / "lab" / "trial")
    rows = compare_folders(tmp_path / "sim", tmp_path / "lab", out=tmp_path / "out").rows
    assert rows[rows["group"] == "metabolic"]["reference_value"].tolist() == [4.5, 3.6, 5.4]
    assert (tmp_path / "out" / "compare.html").is_file()


def test_comparison_prints_r_and_rmse(tmp_path: Path) -> None:
    a, b = walking_trial(), walking_trial(asymmetry=0.5)
    labels = ["measured", "simulated"]
    page = comparison_page([a, b], labels=labels, norms={})
    assert page.title == "simulated compared with measured"
    titles = [section.title for section in page.shown]
    for word in ("Right leg", "Left leg", "Agreement", "Numbers", "Symmetry", "What these numbers are"):
        assert word in titles
    table = page.section("agreement").tables[0]
    assert "RMSE" in table.header
    knee = next(row for row in table.cells if row[:2] == ["Knee flexion", "Right"])
    assert knee[2:4] == ["1.000", "0.00"]
    result = write_comparison([a, b], tmp_path, labels=labels, norms={})
    assert result.page == tmp_path / "compare.html" and result.table.is_file() and result.figure.is_file()
    parse_html(result.page.read_text(encoding="utf-8"))
    with pytest.raises(ValueError, match="2 to 4"):
        write_comparison([a], tmp_path)


def test_two_measured_walks_and_more_are_compared_under_their_own_names(tmp_path: Path) -> None:
    first = walking_trial()
    others = [walking_trial(asymmetry=size).replace(name=f"walk_{i}") for i, size in enumerate((0.1, 0.2), start=2)]
    page = comparison_page([first, *others], norms={})
    assert page.title == "walk_3 (measured) compared with made_up (measured)"
    assert page.section("symmetry").tables[0].header == [
        "", "walk_3 (measured)", "walk_2 (measured)", "made_up (measured)", "unit",
    ]  # fmt: skip
    groups = [row[0] for row in page.section("agreement").tables[0].cells if len(row) == 1]
    assert groups == ["walk_2 (measured) against made_up (measured)", "walk_3 (measured) against made_up (measured)"]
    assert "simulation" not in page.text and "tracking" not in page.text
    result = write_comparison([first, *others], tmp_path / "own.html", norms={})
    assert {path.name for path in tmp_path.iterdir()} == {"own.html", "own.csv", "own.png"}
    assert result.rows.groupby("trial").size().tolist() == [len(result.rows) / 2] * 2


def test_bad_folders_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FileFormatError, match="no trial"):
        compare_folders(tmp_path, tmp_path)
    trial = walking_trial(source="simulation")
    trial.replace(events=(), metadata={**trial.metadata, "fell": True}).write_parquet(tmp_path / "trial")
    with pytest.raises(InputError, match="fell"):
        compare_folders(tmp_path, tmp_path)


def test_checks_of_a_simulation_judge_what_they_say() -> None:
    trial = walking_trial(source="simulation")
    assert mean_speed(trial) == pytest.approx(1.2)
    assert trial.coordinates is not None
    excitation = pd.DataFrame(0.5, index=trial.coordinates.index, columns=["soleus_r", "tib_ant_r"])
    excitation.iloc[:, 0] = 1.0
    trial = trial.replace(
        speeds=0.0 * trial.coordinates,
        muscles={"excitation": excitation, "activation": 0.5 * excitation},
        metadata={**trial.metadata, "speed": 1.5, "fell": True, "fall_time": 3.4},
    )
    rows = {row.what: row for row in simulation_rows(trial)}
    assert rows["fall"].verdict == "fail" and "3.40" in rows["fall"].found
    speed = next(row for what, row in rows.items() if what.startswith("speed"))
    assert speed.found == "20.0 %" and speed.verdict == "warn"
    assert rows["saturated excitations, of all samples"].found == "50.0 %"
    assert next(row for what, row in rows.items() if what.startswith("co-contraction")).found == "0.250"
    done = analyse_simulation(trial.replace(muscles={}))
    assert done.about.speed_measured == pytest.approx(1.2) and done.about.speed_commanded == 1.5
    assert done.joint_powers is not None
