"""Pages in a real browser: on a telephone, on a wide screen, on paper; nothing sticks out, nothing complains."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from exogait.analysis.report.batch import BatchTrial, batch_page
from exogait.analysis.report.comparison import comparison_page
from exogait.analysis.report.kit import Page
from exogait.analysis.report.page import write_page
from exogait.analysis.report.trial import report_page
from exogait.data.quality import QualityRow, to_metadata
from tests.analysis.report.test_kit import HOSTILE, every_part
from tests.kit.browser import find_browser, look_at, print_pdf
from tests.kit.gait_trials import walking_trial

LONG = "a_name_that_a_laboratory_gave_to_a_file_and_nobody_ever_broke_into_words"


def lab_report() -> Page:
    trial = walking_trial()
    rows = [QualityRow("File", LONG, f"{LONG} {LONG}", "≤ 2 cm", "warn", "Hicks"), QualityRow("Axes", "rotation", "x")]
    about = {
        "quality": to_metadata(rows), "files": {"static": f"{LONG}.c3d", "walk": "walk.c3d"}, "synthetic": True,
        "metabolics": {"umberger2010": [("metabolic_rate_gross", 4.5, "W/kg")]}, "model": f"{LONG}.osim",
    }  # fmt: skip
    return report_page(trial.replace(name=LONG, metadata={**trial.metadata, **about}))


def batch() -> Page:
    trials = [
        BatchTrial(name=LONG, subject="anna", condition="slow", speed=1.2, seconds=30.0, quality={"warn": 2}),
        BatchTrial(name="bert", subject="bert", condition="slow", stopped_at="read", error=f"/{LONG}/{LONG}.c3d: cut"),
    ]
    group = [{"condition": "slow", "metric": "cadence", "mean": 110.0, "sd": 3.0, "unit": "steps/min", "n_subjects": 1}]
    return batch_page(trials, pd.DataFrame(group))


PAGES = {
    "lab": lab_report,
    "simulated": lambda: report_page(walking_trial(source="simulation")),
    "comparison": lambda: comparison_page([walking_trial(), walking_trial(source="simulation"), walking_trial()]),
    "batch": batch,
    "every part": lambda: every_part(f"{HOSTILE} {LONG}"),
}


@pytest.fixture(scope="module", params=list(PAGES))
def page(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    find_browser()
    return write_page(PAGES[request.param](), tmp_path_factory.mktemp("pages") / "page.html")


@pytest.mark.parametrize("width", [390, 1400])
def test_nothing_sticks_out_and_the_console_is_silent(page: Path, width: int) -> None:
    seen = look_at(page, width=width)
    assert seen.client_width == width and seen.height > 500
    assert seen.scroll_width <= seen.client_width, seen.wide
    assert not seen.wide
    assert not seen.console


def test_it_prints_on_paper(tmp_path: Path) -> None:
    find_browser()
    pdf = print_pdf(write_page(lab_report(), tmp_path / "page.html"), tmp_path / "page.pdf")
    assert pdf.read_bytes().startswith(b"%PDF") and pdf.stat().st_size > 20_000


def test_the_browser_would_tell(tmp_path: Path) -> None:
    """What the tests above look for is found where it is there."""
    find_browser()
    bad = tmp_path / "bad.html"
    bad.write_text("<title>bad</title><p style='width:2000px'>wide</p><script>console.error('oh')</script>")
    seen = look_at(bad, width=390)
    assert seen.scroll_width >= 2000 and seen.wide and seen.title == "bad"
    assert any("oh" in line for line in seen.console)
