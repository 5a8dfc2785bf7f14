"""Differences, corrected probabilities, spread and representative strides against scipy and plain arithmetic."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from exogait.analysis.session.gather import NUMBER_COLUMNS, POINTS, STRIDE_COLUMNS
from exogait.analysis.session.statistics import compute_difference, correct_holm
from exogait.analysis.session.tables import numbers_of, records_of, rows_where, split_table
from exogait.analysis.session.variability import representative_strides, variability_table

A, B = np.array([1.0, 2.5, 3.0, 4.2]), np.array([2.0, 2.6, 5.0, 4.9])


@pytest.mark.parametrize("alpha", [0.05, 0.2])
def test_pairs_as_scipy(alpha: float) -> None:
    found = compute_difference(A, B, paired=True, alpha=alpha)
    test = stats.ttest_rel(B, A)
    interval = test.confidence_interval(1 - alpha)
    assert [found.low, found.high, found.p] == pytest.approx([interval.low, interval.high, test.pvalue])
    assert (found.n_first, found.n_second) == (4, 4) and found.difference == pytest.approx((B - A).mean())
    assert (found.mean_first, found.mean_second) == pytest.approx((A.mean(), B.mean()))
    assert (found.sd_first, found.sd_second) == pytest.approx((A.std(ddof=1), B.std(ddof=1)))
    d_av = (B - A).mean() / (0.5 * (A.std(ddof=1) + B.std(ddof=1)))
    assert found.effect == pytest.approx(d_av * (1 - 3 / (4 * 3 - 1)))


@pytest.mark.parametrize("alpha", [0.05, 0.2])
def test_two_samples_of_unequal_spread_and_number_as_scipy(alpha: float) -> None:
    more = np.array([3.0, 9.0, 1.0, 7.0, 5.5, 8.0, 2.0])
    found = compute_difference(A, more, paired=False, alpha=alpha)
    test: Any = stats.ttest_ind(more, A, equal_var=False)
    interval = test.confidence_interval(1 - alpha)
    assert [found.low, found.high, found.p] == pytest.approx([interval.low, interval.high, test.pvalue])
    pooled = np.sqrt((3 * A.var(ddof=1) + 6 * more.var(ddof=1)) / 9)
    assert found.effect == pytest.approx((more.mean() - A.mean()) / pooled * (1 - 3 / (4 * 9 - 1)))
    assert (found.n_first, found.n_second) == (4, 7)


def test_nothing_on_one_side_is_no_difference() -> None:
    found = compute_difference([], [1.0, 2.0], paired=False)
    assert np.isnan([found.difference, found.mean_first, found.sd_first, found.low, found.p, found.effect]).all()
    assert (found.n_first, found.mean_second) == (0, 1.5)
    two = compute_difference([1.0, 1.0], [2.0, 3.0], paired=False)
    assert np.isfinite([two.low, two.p]).all(), "one side that does not vary is compared by the other's spread"
    with pytest.raises(ValueError, match="not 1 and 2"):
        compute_difference([1.0], [1.0, 2.0], paired=True)


def test_holm_multiplies_by_how_many_are_left() -> None:
    assert correct_holm([0.03, 0.01, 0.02, 0.5]).tolist() == pytest.approx([0.06, 0.04, 0.06, 0.5])
    assert correct_holm([]).tolist() == []


def numbers(rows: list[tuple[str, str, int, float]]) -> pd.DataFrame:
    """Walk, condition, stride and value of one number of one person's right leg."""
    entries = [
        {"walk": w, "person": "p", "condition": c, "group": "g", "side": "r", "stride": s, "metric": "m", "title": "T",
         "unit": "°", "value": v} for w, c, s, v in rows
    ]  # fmt: skip
    return pd.DataFrame(entries, columns=list(NUMBER_COLUMNS))


def test_spread_between_strides_and_walks_by_hand() -> None:
    """Two walks of two and three strides, and another condition with two of one: pooled over both."""
    table = variability_table(numbers([
        ("a", "x", 1, 10.0), ("a", "x", 2, 12.0), ("b", "x", 1, 15.0), ("b", "x", 2, 17.0), ("b", "x", 3, 19.0),
        ("c", "y", 1, 30.0), ("d", "y", 1, 34.0),
    ]))  # fmt: skip
    first, second = table.to_dict("records")
    values = np.array([10, 12, 15, 17, 19.0])
    assert (first["mean"], first["n_strides"], first["n_walks"]) == (pytest.approx(14.6), 5, 2)
    assert first["sd_strides"] == pytest.approx(values.std(ddof=1))
    assert first["cv_pct"] == pytest.approx(100 * values.std(ddof=1) / 14.6)
    assert first["sd_walks"] == pytest.approx(np.std([11, 17], ddof=1))
    assert (second["mean"], second["sd_walks"]) == (32.0, pytest.approx(np.std([30, 34], ddof=1)))
    between = (1 * 18.0 + 1 * 8.0) / 2
    assert [first["sem"], second["sem"]] == pytest.approx([np.sqrt(between)] * 2)
    assert first["mdc"] == pytest.approx(1.96 * np.sqrt(2) * np.sqrt(between))
    assert (first["title"], first["unit"], first["person"], first["condition"]) == ("T", "°", "p", "x")


def test_the_change_is_no_smaller_than_the_strides_of_a_walk_make_it() -> None:
    """Walks of 3 and 2 strides that agree by luck: the strides' own variance over the mean number of a walk."""
    table = variability_table(numbers([
        ("a", "x", 1, 9.0), ("a", "x", 2, 10.0), ("a", "x", 3, 11.0), ("b", "x", 1, 8.0), ("b", "x", 2, 12.0),
    ]))  # fmt: skip
    within = (2.0 + 8.0) / 3
    assert table["sem"].tolist() == pytest.approx([np.sqrt(within * 2 / 5)])


def test_a_number_that_a_walk_has_once_has_no_strides() -> None:
    (row,) = variability_table(numbers([("a", "x", 0, 1.2), ("b", "x", 0, 1.4)])).to_dict("records")
    assert row["n_strides"] == 0 and np.isnan(row["sd_strides"]) and row["mean"] == pytest.approx(1.3)
    assert row["sem"] == pytest.approx(np.std([1.2, 1.4], ddof=1))
    (alone,) = variability_table(numbers([("a", "x", 1, 1.2), ("a", "x", 2, 1.4)])).to_dict("records")
    assert np.isnan([alone["sd_walks"], alone["sem"], alone["mdc"]]).all()
    (zero,) = variability_table(numbers([("a", "x", 1, -1.0), ("a", "x", 2, 1.0)])).to_dict("records")
    assert np.isnan(zero["cv_pct"]) and variability_table(numbers([])).empty


def strides(curves: dict[str, list[float]]) -> pd.DataFrame:
    """Flat curves: name to the level of each stride."""
    rows = []
    for key, levels in curves.items():
        for k, level in enumerate(levels):
            facts = {"walk": f"w{k // 2}", "person": "p", "condition": "x", "group": "", "side": "l", "curve": key,
                     "stride": k % 2 + 1, "start": 0.5 + k, "stop": 1.5 + k, "toe_off_pct": 60.0}  # fmt: skip
            rows.append(facts | dict.fromkeys(POINTS, level))
    return pd.DataFrame(rows, columns=list(STRIDE_COLUMNS))


def test_the_stride_nearest_to_the_median_stands_for_all() -> None:
    table = strides({"knee": [0.0, 1.0, 10.0], "hip": [5.0, 5.5, 9.0]})
    (found,) = representative_strides(table, ["knee", "hip"])
    assert (found.person, found.condition, found.side) == ("p", "x", "l")
    assert (found.walk, found.stride, found.start, found.n_strides, found.n_curves) == ("w0", 2, 1.5, 3, 2)
    assert found.distance == 0.0
    # Distances over their median: knee 1, 0, 9 and hip 1, 0, 7; without the middle stride the mean decides.
    (first,) = representative_strides(strides({"knee": [0.0, 2.0, 10.0, 1.0]}), ["knee"])
    assert first.distance == pytest.approx(0.5) and (first.walk, first.stride) == ("w0", 2)


def test_a_curve_that_a_stride_does_not_wholly_know_does_not_count() -> None:
    table = strides({"knee": [0.0, 1.0, 10.0], "hip": [9.0, 5.5, 9.0]})
    table.loc[(table["curve"] == "knee") & (table["start"] == 0.5), "p100"] = np.nan
    (found,) = representative_strides(table, ["knee", "hip"])
    assert found.n_curves == 1 and (found.walk, found.stride) == ("w0", 1)
    assert representative_strides(table, ["knee"]) == []


def test_tables_by_rows_and_parts() -> None:
    table = pd.DataFrame({"side": ["l", "r", "l"], "n": [3, 1, 2], "who": ["b", "a", "b"]})
    assert rows_where(table, side="l", n=2)["who"].tolist() == ["b"]
    assert [(key, part["n"].tolist()) for key, part in split_table(table, ["side", "who"])] == [
        (("l", "b"), [3, 2]), (("r", "a"), [1]),
    ]  # fmt: skip
    assert numbers_of(table, "n").dtype == np.float64 and records_of(table)[1] == {"side": "r", "n": 1, "who": "a"}
