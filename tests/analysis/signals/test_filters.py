"""What the filter must leave alone, to the ends of a recording; its cut-off and order are tested with the files'."""

from __future__ import annotations

import numpy as np
import pytest

from exogait.analysis.signals.filters import butterworth, fill_gaps

END_EFFECT = 2e-4
"""Share of a line's rise that its ends may be off by: the padding is one period of the cut-off, then it has settled."""


@pytest.mark.parametrize("cutoff", [3.0, 6.0, 12.0])
def test_a_straight_line_passes_to_its_ends(cutoff: float) -> None:
    time = np.arange(400) / 200.0
    line = np.column_stack([3.0 * time - 1.0, 0.0 * time + 5.0])
    found = butterworth(line, 200.0, cutoff)
    np.testing.assert_allclose(found[:, 0], line[:, 0], atol=END_EFFECT * np.ptp(line[:, 0]))
    np.testing.assert_allclose(found[:, 1], 5.0, atol=1e-12)


def test_each_part_between_missing_samples_is_filtered_by_itself() -> None:
    rng = np.random.default_rng(0)
    values = rng.standard_normal(300).cumsum()
    values[140:150] = np.nan
    found = butterworth(values, 100.0, 6.0)
    for part in (slice(0, 140), slice(150, 300)):
        np.testing.assert_array_equal(found[part], butterworth(values[part], 100.0, 6.0))
    assert np.isnan(found[140:150]).all()


@pytest.mark.parametrize(("frames", "what"), [(20, "filled"), (21, "left: longer than the limit")])
def test_a_gap_as_long_as_the_limit_is_filled_and_a_longer_one_is_not(frames: int, what: str) -> None:
    values = np.arange(100.0)[:, None]
    values[30 : 30 + frames] = np.nan
    filled, (gap,) = fill_gaps(values, 100.0, max_gap=0.2)
    assert gap.action == what and bool(np.isfinite(filled).all()) == (what == "filled")
