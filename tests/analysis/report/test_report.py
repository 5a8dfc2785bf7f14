"""The report: self-contained, complete, honest about what is not known."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import numpy as np
import pytest

from exogait.analysis.gait.norm_bands import NormBand
from exogait.analysis.report.trial import norm_table, write_comparison, write_report
from exogait.data.quality import QualityRow, to_metadata
from tests.kit.gait_trials import walking_trial

BAND = {"knee_flexion": NormBand(np.full(101, 20.0), np.full(101, 100.0), np.arange(101.0), "twelve ghosts at 1.2 m/s")}


class _Parser(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.identifiers: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag, attrs):
        if tag not in ("meta", "br", "img", "link", "input"):
            self.open.append(tag)
        attrs = dict(attrs)
        self.identifiers += [attrs["id"]] if attrs.get("id") else []
        self.links += [attrs[k] for k in ("href", "src", "xlink:href") if attrs.get(k)]

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        self.open.pop()

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def parse(path):
    parser = _Parser()
    parser.feed(path.read_text(encoding="utf-8"))
    assert not parser.open, "unclosed elements"
    return parser


def text_of(path):
    return re.sub(r"\s+", " ", re.sub(r"<style>.*?</style>|<[^>]+>", " ", path.read_text(encoding="utf-8"), flags=re.S))


def test_the_page_is_well_formed_and_needs_no_network(tmp_path) -> None:
    path = write_report(walking_trial(), tmp_path, norms=BAND)
    assert path == tmp_path / "report.html"
    page = parse(path)
    assert len(page.identifiers) == len(set(page.identifiers))
    assert all(link.startswith("#") and link[1:] in page.identifiers for link in page.links)
    source = path.read_text(encoding="utf-8")
    assert not re.search(r"@import|url\((?!#)|<script|<link|<iframe", source)


def test_it_holds_what_a_clinician_looks_for(tmp_path) -> None:
    text = text_of(write_report(walking_trial(), tmp_path, norms=BAND))
    for word in (
        "Hip, knee and ankle", "Ground reaction", "Spatiotemporal", "Symmetry", "Peaks and work", "Against normal",
        "twelve ghosts at 1.2 m/s", "3 strides", "Robinson", "Zifchock", "Crenshaw", "1.20 m/s", "flexion",
    ):  # fmt: skip
        assert word in text, word


def test_every_quality_row_is_shown_with_its_verdict(tmp_path) -> None:
    rows = [
        QualityRow(
            "Force plates", "plate 2, 0.10–0.70 s", "right foot, rejected: both feet on the plate", verdict="warn"
        ),
        QualityRow("Axes", "rotation", "OpenSim X = lab -x"),
        QualityRow("Inverse kinematics", "marker error, RMS", "0.9 cm", "≤ 2 cm", "pass", "Hicks"),
    ]
    trial = walking_trial()
    trial = trial.replace(metadata={**trial.metadata, "quality": to_metadata(rows)})
    text = text_of(write_report(trial, tmp_path, norms={}))
    for row in rows:
        assert row.found in text and row.what in text
    assert "Data quality warn 1 pass 1 info 1" in text


def test_unknown_kinetics_are_dashes_not_numbers(tmp_path) -> None:
    source = write_report(walking_trial(known=False), tmp_path, norms={}).read_text(encoding="utf-8")
    assert "not known: no clean plate contact" in source
    assert "Ankle plantarflexor moment" not in source


def test_a_simulated_trial_gets_the_same_page(tmp_path) -> None:
    trial = walking_trial(source="simulation")
    trial = trial.replace(markers=None, masks={}, emg=None)
    text = text_of(write_report(trial, tmp_path / "walk.html", norms={}))
    assert "Simulated gait" in text and "Ankle power" in text


def test_a_trial_of_angles_alone_still_makes_a_page(tmp_path) -> None:
    trial = walking_trial().replace(generalized_forces=None, joint_powers=None, ground_reactions=None, masks={})
    text = text_of(write_report(trial, tmp_path, norms={}))
    assert "Knee flexion" in text and "Ground reaction" not in text


def test_a_trial_without_a_stride_says_so(tmp_path) -> None:
    text = text_of(write_report(walking_trial().replace(events=()), tmp_path, norms={}))
    assert "No whole stride" in text and "Hip moment" not in text


def test_names_are_escaped(tmp_path) -> None:
    trial = walking_trial()
    trial = trial.replace(metadata={**trial.metadata, "subject": "<b>A & B</b>"})
    path = write_report(trial, tmp_path, norms={})
    parse(path)
    assert "&lt;b&gt;A &amp; B" in path.read_text(encoding="utf-8")


def test_norm_table_counts_the_share_inside_the_band() -> None:
    table = norm_table(walking_trial(), BAND)
    assert table["within_1_sd"].tolist() == [100.0, 100.0]
    tight = {"knee_flexion": NormBand(np.full(101, 1000.0), np.ones(101), np.arange(101.0))}
    assert norm_table(walking_trial(), tight)["within_2_sd"].tolist() == [0.0, 0.0]


def test_norms_are_found_for_a_healthy_speed(tmp_path) -> None:
    text = text_of(write_report(walking_trial(), tmp_path))
    assert "schreiber2019" in text


def test_comparison_prints_r_and_rmse(tmp_path) -> None:
    a, b = walking_trial(), walking_trial(asymmetry=0.5)
    path = write_comparison([a, b], tmp_path, labels=["measured", "simulated"], norms={})
    parse(path)
    text = text_of(path)
    for word in ("simulated compared with measured", "Right leg", "Left leg", "RMSE", "Agreement", "Numbers"):
        assert word in text
    with pytest.raises(ValueError, match="2 to 4"):
        write_comparison([a], tmp_path)
