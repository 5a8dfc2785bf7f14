"""The report of a study: whole and partial tables, what is missing, and that its numbers are those of the tables."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from exogait.analysis.outcomes import torques as torque_profiles
from exogait.analysis.outcomes.tables import (
    CurveOutcome,
    WalkOutcomes,
    WalkSettings,
    outcome_tables,
    read_outcomes,
    write_outcomes,
)
from exogait.analysis.outcomes.torques import human_profiles
from exogait.analysis.outcomes.walk import walk_outcomes
from exogait.analysis.report.kit import Figure, Link, Page
from exogait.analysis.report.study import study_page, write_study_report
from exogait.analysis.report.study_data import Study
from exogait.data import FileFormatError, InputError
from exogait.data.trial import SIDES
from tests.kit.browser import look_at
from tests.kit.gait_trials import walking_trial


@pytest.fixture(autouse=True, scope="module")
def no_measured_data():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torque_profiles, "device_torques", dict)
        yield


@pytest.fixture(scope="module")
def base() -> WalkOutcomes:
    return walk_outcomes(walking_trial(n_strides=4, source="simulation"), settle=0.0)


def outcome(base, gross=5.0, *, fell=0.0, speed=1.25, powered=False, ankle=1.0, hip=1.0, **scalars):
    """A walk with stated cost; powered ones carry Franks' hip and ankle profile, scaled."""
    human = {joint: human_profiles(joint)["franks2021_hip_ankle"].curve for joint in ("hip", "ankle")}
    curves = dict(base.curves)
    if powered:
        for name, joint, size in (("hip_flexion", "hip", hip), ("ankle_angle", "ankle", ankle)):
            for side in SIDES:
                mean = size * np.asarray(human[joint])
                curves[f"device_{name}", side] = CurveOutcome(mean, np.zeros(101), "N m/kg", 4)
    numbers = {
        "fell": fell, "speed_mean": speed, "speed_error_pct": 0.0, "umberger2010_gross": gross,
        "bhargava2004_gross": gross - 1.0, "umberger2010_cost": gross / speed, "activation_soleus_r": 0.2,
        "activation_soleus_l": 0.1,
    }  # fmt: skip
    return WalkOutcomes({**base.scalars, **numbers, **scalars}, curves)


def study(base):
    walks = []
    for seed, saved in ((0, 0.5), (1, 1.5)):
        for condition, gross in (("none", 5.0), ("unpowered", 5.4), ("powered", 5.0 - saved)):
            for speed in (1.0, 1.25):
                s = WalkSettings(seed=seed, condition=condition, speed=speed)
                walks.append((s, outcome(base, gross, speed=speed, powered=condition == "powered")))
    weak = {"body": "plantarflexors", "strength": 40.0}
    push = {f"ankle_push_off_power_{side}": value for side, value in (("r", 0.1), ("l", 0.6))}
    walks += [
        (WalkSettings(condition="none", **weak), outcome(base, 6.0, **push)),
        (WalkSettings(condition="powered", **weak), outcome(base, 5.5, powered=True, **push)),
        (WalkSettings(condition="powered", start=1, **weak), outcome(base, 1.0, fell=1.0, powered=True)),
        (WalkSettings(condition="none", variant="compliant"), outcome(base, 5.0)),
        (WalkSettings(condition="powered", variant="compliant"), outcome(base, 4.0, powered=True)),
    ]
    return walks


def written(walks, folder) -> tuple[Page, Path]:
    """The page as data, and the folder of its figures' data; the same page was written."""
    path = write_study_report(write_outcomes(*outcome_tables(walks), folder))
    page, _ = study_page(Study(*read_outcomes(folder)))
    assert all(f'id="{section.id}"' in path.read_text(encoding="utf-8") for section in page.shown)
    return page, folder / "figures"


@pytest.fixture(scope="module")
def whole(base, tmp_path_factory):
    """Page and folder of figures of the whole study."""
    return written(study(base), tmp_path_factory.mktemp("study"))


def groups(page, section):
    """The titles of the groups of a section's first table."""
    return [row[0] for row in page.section(section).tables[0].cells if len(row) == 1]


@pytest.mark.parametrize("width", [390, 1400])
def test_the_page_fits_a_phone_and_a_screen(whole, width):
    _, figures = whole
    seen = look_at(figures.parent / "study_report.html", width=width)
    assert seen.scroll_width <= seen.client_width == width and not seen.wide and not seen.console


def links_of(page):
    """Where the links of a page's figures and notes lead."""
    drawn = [link for section in page.shown for figure in section.figures for link in figure.links]
    said = [word for section in page.shown for part in section.parts for word in getattr(part, "words", ())
            if isinstance(word, Link)]  # fmt: skip
    return {link.href for link in (*drawn, *said)}


def test_a_whole_study_is_one_page_with_the_data_of_every_figure(whole):
    page, figures = whole
    links = links_of(page)
    assert {"figures/torques.csv", "figures/cost_umberger2010.csv", "figures/symmetry.csv"} <= links
    assert all(len(pd.read_csv(figures.parent / link)) for link in links)
    assert all(figure.links for section in page.shown for figure in section.find(Figure))
    html = (figures.parent / "study_report.html").read_text(encoding="utf-8")
    assert set(re.findall(r'href="(figures/[^"]+)"', html)) == links
    assert html.count("<figure") == html.count("<svg") >= 8
    assert not re.search(r'(src|href)="https?:', html)
    cost = pd.read_csv(figures / "cost_umberger2010.csv").set_index(["body", "condition", "speed_commanded"])
    row = cost.loc[("healthy", "powered", 1.25)]
    assert row["gross_w_per_kg"] == pytest.approx(4.0)
    assert row["gross_sd_seeds"] == pytest.approx(np.std([4.5, 3.5], ddof=1))
    assert row["n_seeds"] == 2
    # The walk that fell costs 1 W/kg and is in no mean.
    assert cost.loc[("plantarflexors 40 %, right", "powered", 1.25), "gross_w_per_kg"] == pytest.approx(5.5)


def test_changes_falls_and_variants_are_printed(whole):
    page, figures = whole
    changed = page.section("changes").tables[0].column("Umberger 2010 (%)")
    assert [cell for cell in changed if cell.startswith(f"−20.0 ± {np.std([-10, -30], ddof=1):.1f}")]
    falls = pd.read_csv(figures / "falls.csv").set_index(["body", "condition", "speed"])
    assert falls.loc[("plantarflexors 40 %, right", "powered", 1.25), "fall_rate_pct"] == 50.0
    assert "1.25 m/s: 1 of 2" in page.section("falls").tables[0].column("by commanded speed")
    variants = pd.read_csv(figures / "variants.csv")
    one = variants[(variants["quantity"] == "umberger2010_gross") & (variants["reference"] == "none")]
    assert one["mean_pct"].tolist() == pytest.approx([-20.0]) and one["variant"].tolist() == ["compliant"]


def test_the_torque_of_a_human_profile_is_found_in_the_table(whole):
    _, figures = whole
    ankle = pd.read_csv(figures / "torque_comparison_ankle.csv").set_index("profile")
    assert ankle.loc["franks2021_hip_ankle", "r"] == pytest.approx(1.0, abs=1e-6)
    assert ankle.loc["franks2021_hip_ankle", "rmse"] == pytest.approx(0.0, abs=1e-6)
    assert ankle.loc["poggensee2021_general", "r"] < 0.99
    hip = pd.read_csv(figures / "torque_comparison_hip.csv").set_index("profile")
    assert hip.loc["franks2021_hip_ankle", "ratio"] == pytest.approx(0.314 / 0.415, rel=0.01)
    baselines = pd.read_csv(figures / "baselines.csv")
    assert set(baselines["candidate"]) == {"learned", "scaled moment", "scaled moment, best lag"}


def test_signs_are_judged_and_what_is_missing_is_named(whole):
    page, figures = whole
    signs = pd.read_csv(figures / "signs.csv").set_index(["deficit", "variable"])
    assert signs.loc[("plantarflexors", "ankle_push_off_power"), "holds"]
    assert signs.loc[("quadriceps", "knee_flexion_loading"), "remark"] == "no walk of this body"
    assert "plantarflexors 40 %: 1 of 4 signs, not reproduced" in groups(page, "signs")
    text = page.section("run").text
    assert "no walk of the body quadriceps" in text and "no walk of the body plantarflexors" not in text
    assert "plantarflexors 40 %, right: no walk with worn, off" in text
    # That this body walked at one speed only, in every condition, is the study's choice and no gap.
    assert "not walked at" not in page.text


@pytest.mark.parametrize(
    ("keep", "absent"),
    [
        (lambda s, o: s.condition == "none" and s.body == "healthy" and s.variant == "main",
         ["no powered walk", "no walk of a weak body without a fall", "the main variant alone"]),
        (lambda s, o: s.body != "healthy", ["no walk of the body healthy", "no powered walk of the healthy body"]),
        (lambda s, o: o.scalars["fell"] == 1.0,
         ["no walk without a fall has a metabolic rate", "no walk without a fall has a symmetry index",
          "no walk without a fall has muscle activations"]),
        (lambda s, o: s.variant != "main", ["no walk of the body healthy", "no walk of the main variant"]),
    ],
    ids=["only healthy without device", "only a weak body", "everyone fell", "only a variant"],
)  # fmt: skip
def test_partial_tables_give_a_page_that_says_what_it_lacks(base, tmp_path, keep, absent):
    page, _ = written([(s, o) for s, o in study(base) if keep(s, o)], tmp_path)
    assert not [part for part in absent if part not in page.text]
    cells = [cell for section in page.shown for table in section.tables for row in table.cells for cell in row]
    assert "nan" not in " ".join([page.text, *cells]).lower().split()


def test_that_nobody_was_measured_stands_once(whole):
    page, _ = whole
    assert page.mark is not None and page.mark.word == "Simulated"
    assert "no person was measured" in page.text


def test_tables_that_are_none_are_refused_in_one_line(base, tmp_path):
    with pytest.raises(FileFormatError, match=r"walks.parquet"):
        write_study_report(tmp_path)
    walks, curves = outcome_tables([(WalkSettings(), outcome(base))])
    write_outcomes(walks.drop(columns="fell"), curves, tmp_path)
    with pytest.raises(InputError, match="fell"):
        write_study_report(tmp_path)
    write_outcomes(walks.iloc[:0], curves.iloc[:0], tmp_path)
    with pytest.raises(InputError, match="no rows"):
        write_study_report(tmp_path)
