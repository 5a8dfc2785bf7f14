"""Comparisons within a session: what was put in is found, statistics agree with scipy, hand and spm1d."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import openpyxl
import pytest
from scipy import stats
from scipy.stats import false_discovery_control

from exogait.analysis.gait.agreement import compare_spm
from exogait.analysis.session.compare_page import comparison_page, spm_table
from exogait.analysis.session.run import gather_session
from exogait.analysis.session.session import Session, join_sessions
from exogait.analysis.session.statistics import compute_difference, correct_holm
from exogait.analysis.session.tables import rows_where
from exogait.data import InputError, UnknownNameError
from tests.kit.session_walks import knees, lay_walk, made_up_session, varied_trial


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Session:
    folder = tmp_path_factory.mktemp("compare")
    plan = made_up_session(folder / "walks", persons=4, walks=2)
    plan.append(lay_walk(folder / "walks" / "lonely", varied_trial(7), person="lonely", condition="bare"))
    return gather_session(plan, out=folder / "out")


def person_means(session: Session, condition: str) -> np.ndarray:
    table = rows_where(knees(session.numbers), condition=condition)
    return np.array([rows_where(table, person=f"p{k}")["value"].mean() for k in range(4)])


def test_pairs_are_compared_by_person_as_scipy_does(session: Session) -> None:
    result = session.compare("bare", "brace")
    assert result.level == "persons" and result.paired
    assert result.left_out == ("lonely: not on both sides",)
    row = knees(result.numbers).iloc[0]
    a, b = person_means(session, "bare"), person_means(session, "brace")
    test = stats.ttest_rel(b, a)
    low, high = test.confidence_interval(0.95)
    assert (row["n_first"], row["n_second"]) == (4, 4)
    assert row[["difference", "low", "high", "p"]].tolist() == pytest.approx([(b - a).mean(), low, high, test.pvalue])
    spread = 0.5 * (a.std(ddof=1) + b.std(ddof=1))
    assert row["effect"] == pytest.approx((1 - 3 / (4 * 3 - 1)) * (b - a).mean() / spread)
    assert row["p_holm"] < 0.05, "the knee that flexes 1.2 times as much is found"
    stance = rows_where(result.numbers, metric="stance_pct", side="r").iloc[0]
    assert stance["difference"] == pytest.approx(0, abs=1e-9)


def test_curves_are_tested_by_spm_at_an_error_rate_for_all_of_them(session: Session) -> None:
    result = session.compare("bare", "brace")
    tests = {(test.curve, test.side): test for test in result.tests}
    knee = tests["knee_flexion", "r"]
    assert knee.first.shape == (4, 101)
    own = rows_where(session.strides, curve="knee_flexion", side="r", person="p2", condition="bare")
    assert knee.first[2] == pytest.approx(own[[f"p{k}" for k in range(101)]].to_numpy().mean(axis=0))
    n = len(result.tests)
    expected = compare_spm(knee.first, knee.second, paired=True, alpha=0.05 / n)
    assert knee.spm is not None and knee.spm.threshold == pytest.approx(expected.threshold)
    assert any(begin < 72 < end for begin, end, _ in knee.spm.clusters), "where the knee flexes most in swing"
    flat = tests["hip_extension_moment", "r"]
    assert flat.spm is None and "do not vary" in flat.why
    assert flat.why in comparison_page(result).text


def test_the_end_of_a_cycle_that_not_all_know_is_not_tested(session: Session) -> None:
    strides = session.strides.copy()
    rows = (strides["curve"] == "hip_flexion") & (strides["person"] == "p1")
    strides.loc[rows, [f"p{k}" for k in range(95, 101)]] = np.nan
    (test,) = (t for t in replace(session, strides=strides).compare("bare", "brace").tests
               if (t.curve, t.side) == ("hip_flexion", "r"))  # fmt: skip
    assert test.spm is not None and test.span == (0, 94) and len(test.spm.statistic) == 95
    strides.loc[rows, [f"p{k}" for k in range(80, 95)]] = np.nan
    (test,) = (t for t in replace(session, strides=strides).compare("bare", "brace").tests
               if (t.curve, t.side) == ("hip_flexion", "r"))  # fmt: skip
    assert test.spm is None and "not to every person" in test.why


def test_of_one_person_strides_are_compared_and_the_detectable_change_stands_beside(session: Session) -> None:
    result = session.compare("bare", "brace", persons=["p1"])
    assert result.level == "strides" and not result.paired
    row = knees(result.numbers).iloc[0]
    table = rows_where(knees(session.numbers), person="p1")
    a, b = (rows_where(table, condition=c)["value"].to_numpy() for c in ("bare", "brace"))
    test = stats.ttest_ind(b, a, equal_var=False)
    low, high = test.confidence_interval(0.95)
    assert row[["low", "high", "p"]].tolist() == pytest.approx([low, high, test.pvalue])
    assert row["mdc"] == pytest.approx(rows_where(knees(session.variability), person="p1")["mdc"].iloc[0])
    assert "MDC" in comparison_page(result).section("numbers").tables[0].header


def test_persons_and_groups_are_not_paired(session: Session) -> None:
    grouped = replace(session, **{
        name: getattr(session, name).assign(group=getattr(session, name)["person"].isin(["p0", "p1"]).map(
            {True: "patients", False: "controls"}))
        for name in ("walks", "strides", "numbers")
    })  # fmt: skip
    result = grouped.compare("controls", "patients", by="group")
    assert result.level == "persons" and not result.paired
    assert result.persons == (("p2", "p3", "lonely"), ("p0", "p1"))
    assert session.compare("p0", "p1", by="person").level == "strides"


def test_what_cannot_be_compared_is_one_line(session: Session) -> None:
    with pytest.raises(UnknownNameError, match="did you mean brace"):
        session.compare("bare", "brase")
    with pytest.raises(InputError, match="both sides"):
        session.compare("bare", "brace", persons=["p1"], paired=True)
    with pytest.raises(InputError, match="no walk that can be used"):
        session.compare("bare", "brace", persons=["lonely"])


def test_page_and_tables_say_the_same(session: Session, tmp_path: Path) -> None:
    result = session.compare("bare", "brace", out=tmp_path)
    assert {path.name for path in tmp_path.glob("compare*")} == {
        f"compare_brace_bare{ending}" for ending in (".html", ".csv", "_by_person.csv", "_spm.csv")
    }
    where = comparison_page(result).section("where").tables[0]
    assert len(where.rows) == spm_table(result)["p"].notna().sum() > 0
    folds = comparison_page(result).section("persons").tables
    assert len(folds) == 4 and set(result.by_person["person"]) == {f"p{k}" for k in range(4)}


def test_holm_is_stepwise_and_never_more_than_one() -> None:
    p = np.array([0.01, np.nan, 0.02, 0.9, 0.8])
    assert correct_holm(p).tolist() == pytest.approx([0.04, np.nan, 0.06, 1.0, 1.0], nan_ok=True)
    known = p[np.isfinite(p)]
    assert (correct_holm(known) >= false_discovery_control(known) - 1e-12).all()


@pytest.mark.parametrize("sample", [[1.0], [1.0, 1.0]])
def test_without_spread_there_is_a_difference_and_no_test(sample: list[float]) -> None:
    found = compute_difference(sample, [2.0] * len(sample), paired=False)
    assert found.difference == 1.0 and np.isnan([found.low, found.high, found.p, found.effect]).all()


def test_the_data_set_holds_every_stride_with_units(session: Session) -> None:
    data = session.to_xarray()
    part = data["knee_flexion"][(data["person"] == "p0").values & (data["condition"] == "bare").values
                                & (data["side"] == "r").values]  # fmt: skip
    assert np.array_equal(
        part.values, session.stack("knee_flexion", person="p0", condition="bare", side="r").values[:, :, 0]
    )
    assert data["knee_flexion"].attrs["units"] == "°" and data["percent"].attrs["units"] == "%"
    assert data["start"].attrs["units"] == "s"


def test_the_spreadsheet_holds_the_numbers_and_their_units(session: Session, tmp_path: Path) -> None:
    book = openpyxl.load_workbook(session.write_spreadsheet(tmp_path / "day.xlsx"))
    assert book.sheetnames == ["walks", "left out", "numbers", "curves", "strides"]
    curves = book["curves"]
    head = [cell.value for cell in curves[1]]
    column = head.index("p0 bare r Knee flexion mean (°)") + 1
    mean = session.stack("knee_flexion", person="p0", condition="bare", side="r").mean()[:, 0]
    assert [curves.cell(k + 2, column).value for k in (0, 72)] == pytest.approx([mean[0], mean[72]])
    numbers = book["numbers"]
    assert "unit" in [cell.value for cell in numbers[1]] and numbers.max_row == len(session.variability) + 1


# -- dates, two sessions, measured beside simulated --------------------------------------------------------------------


def day(folder: Path, name: str, *, knee: float, date: str = "", walks: int = 3, simulated: bool = False) -> Session:
    """A session of one person's walks, the knees flexed ``knee`` times as much."""
    plan = []
    for k in range(walks):
        trial = varied_trial(50 + k, knee=knee)
        if simulated:
            trial = trial.with_about(source="simulation")
        plan.append(lay_walk(folder / name / f"walk{k}", trial, person="anna", condition="bare", date=date))
    return gather_session(plan, out=folder / name / "out")


def test_two_dates_of_one_person(tmp_path: Path) -> None:
    first, second = (day(tmp_path, d, knee=k, date=d) for d, k in (("2026-03-01", 1.0), ("2026-06-01", 1.2)))
    both = join_sessions({"a": first, "b": second}, tmp_path)
    result = both.compare("2026-03-01", "2026-06-01", by="date")
    (row,) = knees(result.numbers).to_dict("records")
    expected = [knees(s.numbers)["value"].mean() for s in (first, second)]
    assert (row["mean_first"], row["mean_second"]) == pytest.approx(expected)
    assert row["low"] > 0 and result.level == "strides"


def test_two_sessions_whose_walks_have_the_same_names(tmp_path: Path) -> None:
    first, second = day(tmp_path, "before", knee=1.0), day(tmp_path, "after", knee=1.2)
    both = join_sessions({"before": first, "after": second}, tmp_path)
    assert len(both.walks) == 6 and both.walks["walk"].is_unique
    result = both.compare("before", "after", by="session")
    (row,) = knees(result.numbers).to_dict("records")
    assert row["n_first"] == row["n_second"] == len(knees(first.numbers))
    means = [knees(s.numbers)["value"].mean() for s in (first, second)]
    assert row["difference"] == pytest.approx(means[1] - means[0]) and row["difference"] > 10
    assert {"knee_flexion"} <= {test.curve for test in result.tests if test.spm and test.spm.clusters}
    with pytest.raises(InputError, match="condition or date or group or person"):
        first.compare("before", "after", by="session")


def test_only_walks_of_the_named_conditions_count(tmp_path: Path) -> None:
    first, second = day(tmp_path, "before", knee=1.0), day(tmp_path, "after", knee=1.2)
    second.numbers["condition"] = second.strides["condition"] = second.walks["condition"] = "brace"
    both = join_sessions({"before": first, "after": second}, tmp_path)
    with pytest.raises(InputError, match="no walk that can be used"):
        both.compare("before", "after", by="session", conditions=["bare"])
    with pytest.raises(UnknownNameError, match="brace"):
        both.compare("before", "after", by="session", conditions=["barce"])


def test_a_measured_walk_beside_a_simulated_one(tmp_path: Path) -> None:
    """The page says of each side whether anybody was measured."""
    measured, simulated = day(tmp_path, "person", knee=1.0), day(tmp_path, "model", knee=1.1, simulated=True)
    both = join_sessions({"person": measured, "model": simulated}, tmp_path)
    page = comparison_page(both.compare("person", "model", by="session"))
    assert "person: measured walks of anna" in page.text and "model: simulated walks of anna" in page.text
    assert "model: simulated. A model walked; nobody was measured on that side." in page.text and page.mark is None
    alone = comparison_page(simulated.compare("bare", "bare", persons=["anna"]))
    assert alone.mark is not None
