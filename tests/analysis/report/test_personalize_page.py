"""The page of a personalised device, from made-up walks: the numbers of its tables, its figures, its words."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from exogait.analysis.outcomes.headline import PERSON_FILE, arm_changes, headline, read_personalized
from exogait.analysis.outcomes.tables import (
    CurveOutcome,
    WalkOutcomes,
    WalkSettings,
    outcome_tables,
    read_outcomes,
    write_outcomes,
)
from exogait.analysis.outcomes.walk import walk_outcomes
from exogait.analysis.report.demo import DEVICE, demo_page, found_in_words, write_demo_page
from exogait.analysis.report.kit import Figure
from exogait.analysis.report.personalize import personalize_page, write_personalize_report
from exogait.data import FileFormatError
from exogait.data.constants import ARMS, CONDITIONS
from exogait.data.trial import SIDES
from tests.kit.browser import look_at
from tests.kit.gait_trials import walking_trial
from tests.kit.html import parse_html

GROSS = {"none": 5.0, "unpowered": 5.2, "powered": 4.5}
"""W/kg, no credit for eccentric work: in this savings are told, and the personalised device takes a tenth less than the
generic one."""
PARTS = [("The gait analysis", "Angles.", "lab/report.html")]


def made_up_walks() -> list[tuple[WalkSettings, WalkOutcomes]]:
    """Two walks an arm and condition; the generic device's second powered one falls."""
    base = walk_outcomes(walking_trial(n_strides=4, source="simulation"), settle=0.0)
    walks = []
    for arm in ARMS:
        for condition in CONDITIONS:
            for start in (0, 1):
                curves = dict(base.curves)
                if condition == "powered":
                    for side in SIDES:
                        torque = np.full(101, 0.2 if arm == "generic" else 0.3)
                        curves["device_hip_flexion", side] = CurveOutcome(torque, np.zeros(101), "N m/kg", 4)
                own = 0.9 if (arm, condition) == ("personalised", "powered") else 1.0
                fell = float((arm, condition, start) == ("generic", "powered", 1))
                scalars = {**base.scalars, "fell": fell, "speed_mean": 1.25, "asymmetry": 4.0 + start,
                           "umberger2010_uncredited_gross": own * GROSS[condition] + 0.1 * start,
                           "umberger2010_gross": GROSS[condition] - 0.5}  # fmt: skip
                settings = WalkSettings(variant=arm, condition=condition, start=start)
                walks.append((settings, WalkOutcomes(scalars, curves)))
    return walks


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as `exogait personalize` leaves it."""
    out = tmp_path_factory.mktemp("demo") / DEVICE
    out.mkdir()
    write_outcomes(*outcome_tables(made_up_walks()), out)
    person = {"subject": "patient_1", "synthetic": True, "mass": 66.0, "height": 1.7, "speed": 1.25, "deficit": "none",
              "device": "hip_ankle", "full_samples": 300_000, "notes": ["A <note>."]}  # fmt: skip
    (out / PERSON_FILE).write_text(json.dumps(person))
    for arm in ARMS:
        (out / arm).mkdir()
        result = {"samples": 3000, "training_seconds": 9.0, "imitation_weight": 0.3, "imitation_dead_zone": 0.1}
        (out / arm / "result.json").write_text(json.dumps(result))
    group = {"group": "hip_flexors", "side": "right", "percent": 90.0, "low": 80.0, "high": 99.0, "why": "",
             "verdict": "no evidence"}  # fmt: skip
    pd.DataFrame([group]).to_csv(out / "deficit_estimate.csv", index=False)
    quantity = {"group": "hip_flexors", "quantity": "moment", "unit": "N m/kg", "norm_source": "", "n_right": 4,
                "n_left": 4, **{name: 1.0 for name in ("mean_right", "mean_left", "percent", "low", "high", "norm",
                                                       "z_right", "z_left")}}  # fmt: skip
    pd.DataFrame([quantity]).to_csv(out / "deficit_quantities.csv", index=False)
    return out


def test_the_headline_counts_pairs_and_falls(folder: Path) -> None:
    found = headline(read_personalized(folder))
    assert found.falls == {"none": (0, 4), "generic": (1, 2), "personalised": (0, 2)}
    assert found.rate["generic"].mean_pct == pytest.approx(-10.0) and found.rate["generic"].n_pairs == 1
    assert found.rate["between"].mean_pct == pytest.approx(-10.0) and np.isnan(found.rate["between"].sd_pct)
    changes = [100 * (4.05 / 5.0 - 1), 100 * (4.15 / 5.1 - 1)]
    assert found.rate["personalised"].mean_pct == pytest.approx(np.mean(changes))
    assert found.rate["personalised"].sd_pct == pytest.approx(np.std(changes, ddof=1))
    assert found.asymmetry == {"none": 4.5, "generic": 4.0, "personalised": 4.5}
    assert [(c.arm, c.reference) for c in arm_changes(read_personalized(folder))] == [
        ("generic", "none"), ("personalised", "none"), ("generic", "unpowered"), ("personalised", "unpowered"),
        ("personalised", "generic"),
    ]  # fmt: skip


def test_the_page_holds_the_numbers_of_its_tables(folder: Path) -> None:
    page, tables = personalize_page(read_personalized(folder))
    walks = page.section("walks").tables[0]
    assert walks.column("generic: powered")[:2] == ["1 of 2", "4.00"]
    assert walks.column("personalised: powered")[:2] == ["0 of 2", "4.00"]
    assert list(tables["outcomes"]["umberger2010_uncredited_gross"]) == pytest.approx(
        [5.05, 5.25, 4.5, 5.05, 5.25, 4.1]
    )
    changes = page.section("changes").tables[0]
    assert changes.column("generic − none")[0] == "−0.50 (−10.0 %)"
    assert changes.column("personalised − none")[0].startswith("−0.95 ± 0.00 (−18.8 %)")
    torques = tables["figure_torques"]
    means = torques.groupby("line")["mean"].unique()
    assert means["generic"] == pytest.approx([0.2]) and means["personalised"] == pytest.approx([0.3])
    assert page.section("torques").figures[0].links[0].href == "figure_torques.csv"


def test_walks_of_an_earlier_version_say_why_they_tell_no_saving(folder: Path, tmp_path: Path) -> None:
    earlier = Path(shutil.copytree(folder, tmp_path / DEVICE))
    walks, curves = read_outcomes(folder)
    new = [c for c in walks.columns if "_uncredited_" in c or "_opensim_" in c]
    write_outcomes(walks.drop(columns=new), curves, earlier)
    result = read_personalized(earlier)
    page, tables = personalize_page(result)
    assert "counted by an earlier version" in page.section("short").text
    assert "counted by an earlier version" not in personalize_page(read_personalized(folder))[0].section("short").text
    assert list(tables["outcomes"]["umberger2010_opensim_gross"]) == pytest.approx([4.5, 4.7, 4.0] * 2)
    power = found_in_words(headline(result))[1]
    assert power.count("counted by an earlier version") == 3 and "no pair of walks" not in power


def test_the_pages_are_whole_and_their_links_lead_somewhere(folder: Path) -> None:
    out = folder.parent
    (out / "lab").mkdir(exist_ok=True)
    (out / "lab" / "report.html").touch()
    figure = Figure(next(iter(personalize_page(read_personalized(folder))[0].section("angles").figures)).drawing, "")
    assert not isinstance(figure.drawing, bytes)
    figure.drawing.savefig(out / "arms.png")
    pages = [
        write_personalize_report(folder),
        write_demo_page(out, summary="a model", moment_arms=out / "arms.png", parts=PARTS, who="1.70 m"),
    ]
    for path in pages:
        found = parse_html(path.read_text(encoding="utf-8"))
        files = [link for link in found.links if not link.startswith(("#", "data:"))]
        assert files and not [link for link in files if not (path.parent / link).is_file()]
        assert len(set(found.identifiers)) == len(found.identifiers)
        assert found.text.upper().count("SYNTHETIC") == 1
        for width in (390, 1400):
            seen = look_at(path, width=width)
            assert seen.scroll_width <= seen.client_width == width and not seen.wide and not seen.console
    assert "A <note>." in personalize_page(read_personalized(folder))[0].section("who").text


def test_the_demo_page_keeps_the_links_of_its_figure(folder: Path) -> None:
    page = demo_page(read_personalized(folder), summary="a model", moment_arms=b"", parts=PARTS, who="1.70 m, 66 kg")
    device = page.section("device")
    assert [link.href for figure in device.figures for link in figure.links] == ["device/figure_torques.csv"]
    assert "metabolic power was 18.8 % lower than without a device (SD between walks" in device.text
    assert "1 of 2 with the generic one" in device.text and "−" not in device.text
    assert "lab/report.html" in [card.href for card in page.section("results").parts[0].cards]  # type: ignore[union-attr]


def test_a_folder_of_something_else_is_refused_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(FileFormatError, match=r"person.json"):
        write_personalize_report(tmp_path)
