"""The report: self-contained, complete, honest about what is not known."""

from __future__ import annotations

import re

import numpy as np
from matplotlib.text import Text

from exogait.analysis.gait.norm_bands import NormBand
from exogait.analysis.report.page import render
from exogait.analysis.report.trial import norm_table, report_page, write_report
from exogait.data.quality import QualityRow, to_metadata
from tests.kit.gait_trials import walking_trial
from tests.kit.html import parse_html

BAND = {"knee_flexion": NormBand(np.full(101, 20.0), np.full(101, 100.0), np.arange(101.0), "twelve ghosts at 1.2 m/s")}


def drawn(section) -> str:
    """All words in the figures of a section."""
    return " ".join(text.get_text() for part in section.figures for text in part.drawing.findobj(Text))


def test_the_page_is_well_formed_and_needs_no_network(tmp_path) -> None:
    path = write_report(walking_trial(), tmp_path, norms=BAND)
    assert path == tmp_path / "report.html"
    source = path.read_text(encoding="utf-8")
    page = parse_html(source)
    assert len(page.identifiers) == len(set(page.identifiers))
    assert all(link.startswith("#") and link[1:] in page.identifiers for link in page.links)
    assert not re.search(r"@import|url\((?!#)|<script|<link|<iframe", source)


def test_it_holds_what_a_clinician_looks_for() -> None:
    page = report_page(walking_trial(), norms=BAND)
    titles = [section.title for section in page.shown]
    for title in ("Hip, knee and ankle", "Ground reaction", "Spatiotemporal", "Symmetry", "Peaks and work",
                  "Against normal"):  # fmt: skip
        assert title in titles, title
    for word in ("twelve ghosts at 1.2 m/s", "3 strides", "Robinson", "Zifchock", "Crenshaw", "1.20 m/s"):
        assert word in page.text, word
    assert "flexion" in drawn(page.section("sagittal"))
    speed = page.head[0].items[0]
    assert (speed.what, str(speed.value), speed.remark) == ("Walking speed", "1.20", "m/s")
    table = page.section("spatiotemporal").tables[0]
    assert dict(zip(table.column(""), table.column("both"), strict=True))["Walking speed"] == "1.20"


def test_every_quality_row_is_shown_with_its_verdict() -> None:
    rows = [
        QualityRow(
            "Force plates", "plate 2, 0.10–0.70 s", "right foot, rejected: both feet on the plate", verdict="warn"
        ),
        QualityRow("Axes", "rotation", "OpenSim X = lab -x"),
        QualityRow("Inverse kinematics", "marker error, RMS", "0.9 cm", "≤ 2 cm", "pass", "Hicks"),
    ]
    trial = walking_trial()
    trial = trial.replace(metadata={**trial.metadata, "quality": to_metadata(rows)})
    page = report_page(trial, norms={})
    cells = page.section("quality").tables[0].cells
    for row in rows:
        assert [row.what, row.found, row.limit, row.verdict] in cells and [row.topic] in cells
    assert "Data quality warn 1 pass 1 info 1" in page.text and "Guidance: Hicks" in page.text


def test_unknown_kinetics_are_dashes_not_numbers() -> None:
    page = report_page(walking_trial(known=False), norms={})
    assert "not known: no clean plate contact" in drawn(page.section("sagittal"))
    assert "Ankle plantarflexor moment" not in [c for s in page.shown for t in s.tables for c in t.column(t.header[0])]
    assert "Ankle plantarflexor moment" not in render(page)


def test_a_simulated_trial_gets_the_same_page(tmp_path) -> None:
    trial = walking_trial(source="simulation")
    trial = trial.replace(markers=None, masks={}, emg=None)
    page = report_page(trial, norms={})
    assert page.mark is not None and page.mark.word == "Simulated gait"
    assert "Ankle power" in drawn(page.section("sagittal"))
    assert write_report(trial, tmp_path / "walk.html", norms={}) == tmp_path / "walk.html"


def test_that_nobody_was_measured_is_said_once_in_words() -> None:
    trial = walking_trial()
    assert report_page(trial, norms={}).mark is None
    source = render(report_page(trial.replace(metadata={**trial.metadata, "synthetic": True}), norms={}))
    assert parse_html(source).text.lower().count("synthetic") == 1
    assert source.count('data-word="Synthetic trial"') == 1


def test_a_trial_of_angles_alone_still_makes_a_page() -> None:
    trial = walking_trial().replace(generalized_forces=None, joint_powers=None, ground_reactions=None, masks={})
    page = report_page(trial, norms={})
    assert "Knee flexion" in drawn(page.section("sagittal"))
    assert "Ground reaction" not in [section.title for section in page.shown] and "Ground reaction" not in page.text


def test_a_trial_without_a_stride_says_so() -> None:
    page = report_page(walking_trial().replace(events=()), norms={})
    assert "No whole stride" in page.text and "Hip moment" not in render(page)


def test_names_are_escaped(tmp_path) -> None:
    trial = walking_trial()
    trial = trial.replace(metadata={**trial.metadata, "subject": "<b>A & B</b>"})
    source = write_report(trial, tmp_path, norms={}).read_text(encoding="utf-8")
    assert "<b>A & B</b>: made_up" in parse_html(source).text
    assert "&lt;b&gt;A &amp; B" in source


def test_norm_table_counts_the_share_inside_the_band() -> None:
    table = norm_table(walking_trial(), BAND)
    assert table["within_1_sd"].tolist() == [100.0, 100.0]
    tight = {"knee_flexion": NormBand(np.full(101, 1000.0), np.ones(101), np.arange(101.0))}
    assert norm_table(walking_trial(), tight)["within_2_sd"].tolist() == [0.0, 0.0]


def test_norms_are_found_for_a_healthy_speed() -> None:
    assert "schreiber2019" in report_page(walking_trial()).text
