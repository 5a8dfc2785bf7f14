"""Clinical signs: the file, its errors, and judgements worked out by hand."""

from __future__ import annotations

import pandas as pd
import pytest

from exogait.analysis.outcomes.signs import SIGNS_FILE, judge_signs, leg_of, read_signs, reproduced
from exogait.data import ExogaitError, FileFormatError, InputError, UnknownNameError
from exogait.models import deficit_names

SMALL = """
threshold_sd: 1.0
speed_m_s: 1.25
reproduced_share: 0.5
variables:
  push: {curve: ankle_power, statistic: max, cycle: [40, 70], unit: W/kg}
deficits:
  plantarflexors:
    - {sign: weak push-off, variable: push, side: weak, cycle: [40, 70], direction: lower, source: a book}
    - {sign: short step, variable: step_length, side: sound, cycle: [0, 100], direction: lower, source: a book}
    - {sign: pull, variable: push, side: sound, cycle: [40, 70], direction: higher, source: a book}
"""


def small(tmp_path, text=SMALL):
    path = tmp_path / "signs.yaml"
    path.write_text(text)
    return path


def walk(body="healthy", **values):
    row = {"body": body, "strength": 100.0, "side": "right", "condition": "none", "variant": "main",
           "speed_commanded": 1.25, "fell": 0.0}  # fmt: skip
    for name in ("push", "step_length"):
        for side in "rl":
            row |= {f"{name}_{side}": 1.0, f"{name}_{side}_sd": 0.0}
    return row | values


def healthy():
    """Means of the legs 2.8, 3.2, 3.0, 3.0: SD between 0.163; strides 0.3, so SD 0.342."""
    spread = {f"push_{s}_sd": 0.3 for s in "rl"}
    return [walk(push_r=2.8, push_l=3.2, **spread), walk(push_r=3.0, push_l=3.0, **spread)]


def judged(tmp_path, walks):
    signs = read_signs(small(tmp_path))
    return judge_signs(pd.DataFrame(walks), signs), signs


def test_the_study_has_two_to_four_sourced_signs_for_every_deficit():
    signs = read_signs(SIGNS_FILE)
    by = {name: [s for s in signs.signs if s.deficit == name] for name in deficit_names()}
    assert set(by) == {s.deficit for s in signs.signs}
    assert all(2 <= len(found) <= 4 for found in by.values())
    assert all(len(sign.source) > 20 for sign in signs.signs)
    assert signs.threshold_sd == 1.0 and signs.reproduced_share == 0.5


def test_judgement_by_hand(tmp_path):
    weak = {"strength": 50.0, "step_length_l": 0.5}
    walks = [*healthy(), walk("plantarflexors", push_r=2.5, push_l=3.3, **weak),
             walk("plantarflexors", push_r=2.7, push_l=3.4, **weak),
             walk("plantarflexors", push_r=0.0, push_l=9.0, strength=50.0, fell=1.0),
             walk("plantarflexors", push_r=0.0, strength=50.0, condition="powered"),
             walk("plantarflexors", push_r=0.0, strength=50.0, variant="compliant"),
             walk("plantarflexors", push_r=0.0, strength=50.0, speed_commanded=1.0)]  # fmt: skip
    table, signs = judged(tmp_path, walks)
    rows = table.set_index("sign")
    push = rows.loc["weak push-off"]
    sd = (((0.2**2 + 0.2**2) / 3) + 0.3**2) ** 0.5
    assert push["healthy_mean"] == pytest.approx(3.0) and push["healthy_sd"] == pytest.approx(sd)
    assert push["value"] == pytest.approx(2.6) and push["threshold"] == pytest.approx(3.0 - sd)
    assert push["holds"] and push["n_walks"] == 2 and push["n_fell"] == 1
    assert rows.loc["short step", "holds"]  # the left leg is the sound one
    assert rows.loc["pull", "value"] == pytest.approx(3.35)
    assert rows.loc["pull", "holds"] == (3.35 > 3.0 + sd) and rows.loc["pull", "holds"]
    verdict = reproduced(table, signs)
    assert verdict.loc[0, ["n_signs", "n_hold", "reproduced"]].tolist() == [3, 3, True]


def test_within_one_sd_does_not_hold_and_one_of_three_is_too_few(tmp_path):
    walks = [*healthy(), walk("plantarflexors", push_r=2.7, push_l=3.3, step_length_l=0.5, strength=50.0)]
    table, signs = judged(tmp_path, walks)
    assert table.set_index("sign")["holds"].tolist() == [False, True, False]
    assert not reproduced(table, signs).loc[0, "reproduced"]


def test_a_weak_left_leg_is_judged_on_the_left(tmp_path):
    walks = [*healthy(), walk("plantarflexors", push_l=2.0, push_r=3.0, strength=50.0, side="left")]
    assert judged(tmp_path, walks)[0].set_index("sign").loc["weak push-off", "value"] == 2.0
    assert leg_of("left", "sound") == "r"
    with pytest.raises(InputError, match="right or left"):
        leg_of("both", "weak")


def test_strengths_are_judged_each_on_its_own(tmp_path):
    walks = [*healthy(), walk("plantarflexors", push_r=2.9, push_l=3.0, strength=80.0),
             walk("plantarflexors", push_r=1.0, push_l=4.0, strength=40.0)]  # fmt: skip
    table, signs = judged(tmp_path, walks)
    verdict = reproduced(table, signs).set_index("strength")
    assert not verdict.loc[80.0, "reproduced"] and verdict.loc[40.0, "reproduced"]


@pytest.mark.parametrize(
    ("walks", "remark"),
    [
        (healthy(), "no walk of this body"),
        ([*healthy(), walk("plantarflexors", fell=1.0)], "no walk without a fall"),
        ([walk("plantarflexors", push_r=0.0, push_l=9.0)], "no healthy walk"),
        ([*healthy(), walk("plantarflexors", push_r=float("nan"))], "not measured"),
    ],
)
def test_nothing_to_judge_is_not_shown_and_says_why(tmp_path, walks, remark):
    row = judged(tmp_path, walks)[0].set_index("sign").loc["weak push-off"]
    assert not row["holds"] and row["remark"] == remark


def test_a_table_without_the_variable_is_refused(tmp_path):
    with pytest.raises(UnknownNameError, match="push_r"):
        judged(tmp_path, [{k: v for k, v in walk().items() if not k.startswith("push")}])


@pytest.mark.parametrize(
    ("old", "new", "error", "words"),
    [
        ("variable: push, side: weak", "variable: pusch, side: weak", UnknownNameError, "did you mean push"),
        ("curve: ankle_power", "curve: ancle_power", UnknownNameError, "did you mean ankle_power"),
        ("statistic: max", "statistic: median", InputError, "max, min, mean"),
        ("side: weak, cycle: [40, 70]", "side: weak, cycle: [40, 60]", InputError, r"\[40, 70\]"),
        ("cycle: [40, 70], unit", "cycle: [70, 40], unit", InputError, "from < to"),
        ("side: sound, cycle: [0", "side: left, cycle: [0", InputError, "weak or sound"),
        ("direction: higher", "direction: more", InputError, "higher or lower"),
        (", source: a book}", "}", FileFormatError, "'source' is missing"),
        ("threshold_sd: 1.0", "threshold: 1.0", UnknownNameError, "threshold_sd"),
        ("threshold_sd: 1.0", "threshold_sd: -1", InputError, "above 0"),
        ("threshold_sd: 1.0", "threshold_sd: 0", InputError, "above 0"),
        ("threshold_sd: 1.0", "threshold_sd: [1", FileFormatError, "malformed YAML"),
    ],
)
def test_a_wrong_file_gives_one_clear_line(tmp_path, old, new, error, words):
    assert old in SMALL
    with pytest.raises(error, match=words) as caught:
        read_signs(small(tmp_path, SMALL.replace(old, new)))
    assert isinstance(caught.value, ExogaitError)
    assert "\n" not in str(caught.value) and "signs.yaml" in str(caught.value)
