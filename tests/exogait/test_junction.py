"""Where both roads meet: requests that are refused, walks that are compared, policies that are listed, machines."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from exogait.data.errors import ExogaitError, FileFormatError, InputError
from exogait.data.extras import EXTRAS
from exogait.junction.compare import compare_walks
from exogait.junction.installation import check_extra, check_platform, compiled_tier, processor_flags
from exogait.junction.optimum import OptimumRequest
from exogait.junction.person import Weakness
from exogait.junction.personalize import PersonalizeRequest
from exogait.junction.policies import list_policies
from exogait.junction.simulate import SimulateRequest
from exogait.models import load_deficit
from exogait.osim_env.learning.policy import load_policy
from tests.kit.gait_trials import walking_trial


def test_requests_refuse_a_strength_of_nothing(tmp_path: Path) -> None:
    with pytest.raises(ExogaitError, match="--deficit"):
        SimulateRequest("healthy", tmp_path, strength=50.0)
    with pytest.raises(ExogaitError, match="--body"):
        OptimumRequest("hip_ankle", tmp_path, side="left")
    with pytest.raises(ExogaitError, match="--deficit"):
        PersonalizeRequest(tmp_path, tmp_path, side="left")
    with pytest.raises(ExogaitError, match="part of the estimate"):
        PersonalizeRequest(tmp_path, tmp_path, deficit="estimated", strength=40.0)


def test_a_request_tells_its_world(tmp_path: Path) -> None:
    request = SimulateRequest("healthy", tmp_path, deficit="plantarflexors", strength=60.0, subject="anna.yaml")
    setup = request.setup
    assert (setup.deficit, setup.strength, setup.subject) == ("plantarflexors", 60.0, "anna.yaml")
    # Half of a walk may go for settling, not more.
    settling = [SimulateRequest("healthy", tmp_path, seconds=seconds).settling for seconds in (3.9, 4.0)]
    assert settling == [0.0, 2.0]


def test_an_optimum_knows_its_body_and_table(tmp_path: Path) -> None:
    assert OptimumRequest("hip_ankle", tmp_path).deficit is None
    request = OptimumRequest("hip_ankle", tmp_path, body="quadriceps", strength=40.0)
    assert request.deficit == "quadriceps" and request.target == tmp_path / "moco_inverse.csv"
    assert OptimumRequest("hip_ankle", tmp_path, table=tmp_path / "t.csv").target == tmp_path / "t.csv"


def test_weakness_in_words() -> None:
    loaded = load_deficit("plantarflexors", strength=40.0, side="left")
    assert Weakness("plantarflexors", 40.0, loaded, "as stated").words.endswith("40 %, left")
    nothing = Weakness(None, None, None, "not stated")
    assert (nothing.words, nothing.side) == ("none", "right")


@pytest.fixture
def folders(tmp_path: Path) -> dict[str, Path]:
    """A measured and a simulated walk, and another of each."""
    found = {}
    for name, source, asymmetry in (
        ("measured", "lab", 0.0), ("again", "lab", 0.2), ("simulated", "simulation", 0.1), ("other", "simulation", 0.3),
    ):  # fmt: skip
        trial = walking_trial(asymmetry=asymmetry).replace(name=name)
        trial = trial.replace(metadata={**trial.metadata, "source": source})
        trial.write_parquet(tmp_path / name / "trial")
        found[name] = tmp_path / name
    return found


def test_walks_of_any_kind_are_compared(folders: dict[str, Path], tmp_path: Path) -> None:
    pages = {}
    for first, second in (("simulated", "measured"), ("measured", "simulated"), ("measured", "again"),
                          ("simulated", "other")):  # fmt: skip
        out = tmp_path / f"{first}-{second}"
        found = compare_walks(folders[first], folders[second], out=out)
        assert found.page == out / "compare.html" and str(found.page) in found.summary()
        pages[first, second] = found
        assert "Agreement" in found.page.read_text(encoding="utf-8")
    # Which of the two is the measured one does not hang on the order.
    assert pages["simulated", "measured"].rows.equals(pages["measured", "simulated"].rows)
    assert len(pages["simulated", "measured"].rows)
    # Without a folder the page goes beside the first walk.
    assert compare_walks(folders["measured"], folders["again"]).page == folders["measured"] / "compare.html"


def test_walks_that_cannot_be_compared(folders: dict[str, Path], tmp_path: Path) -> None:
    with pytest.raises(FileFormatError, match="no trial"):
        compare_walks(folders["measured"], tmp_path / "nowhere")
    walking_trial().replace(events=()).write_parquet(tmp_path / "still" / "trial")
    with pytest.raises(InputError, match="still: strides"):
        compare_walks(folders["measured"], tmp_path / "still")


def test_every_policy_is_listed() -> None:
    found = {entry.name: entry for entry in list_policies()}
    healthy = found["healthy"]
    assert (healthy.origin, healthy.role, healthy.device, healthy.speeds) == ("suite", "human", None, (0.7, 1.8))
    assert healthy.body == "full strength" and "100 % of walks without a fall" in str(healthy)
    tuned = found["hip_ankle/1-plantarflexors_device"]
    assert (tuned.role, tuned.device, tuned.body) == ("device", "hip_ankle", "plantarflexors 30-50 %")
    assert found["hip_ankle/generalist_1_human"].body == "full strength, 7 deficits 10-100 %"
    assert "elastic tendons" in found["hip_ankle/1-healthy-elastic_Achilles_tendons_human"].body
    assert not any("strategies" in name for name in found)


def test_ones_own_policies_stand_in_the_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXOGAIT_HOME", str(tmp_path))
    load_policy("healthy").save(tmp_path / "policies" / "mine")
    (tmp_path / "policies" / "broken.json").write_text(json.dumps({"format": "exogait-policy-1"}))
    (tmp_path / "policies" / "broken.safetensors").touch()
    found = {entry.name: entry for entry in list_policies()}
    assert found["mine"].origin == "yours" and str(found["mine"]).endswith("(yours)")
    assert found["mine"].body == found["healthy"].body == "full strength"
    assert found["broken"].role == "damaged" and "cannot be read" in str(found["broken"])


def test_only_what_was_tried_is_called_tried() -> None:
    assert check_platform("Linux", "x86_64", frozenset({"avx2", "avx512f"})).state == "ok"
    for system, machine, flags in (
        ("Linux", "x86_64", {"avx2"}), ("Linux", "aarch64", set()), ("Darwin", "arm64", set()),
        ("Windows", "AMD64", set()),
    ):  # fmt: skip
        finding = check_platform(system, machine, frozenset(flags))
        assert finding.state == "untested" and "is untested (tried: Linux on x86-64 with AVX-512)" in finding.detail
        assert system in finding.detail


@pytest.mark.parametrize(
    ("features", "words"),
    [
        ("+avx,+avx2,+avx512f,-sse4a", "AVX-512 code for x, as was tried"),
        ("+avx2,-avx512f", "AVX2 code for x (accelerations and speed tried, walks and learning not)"),
        ("+neon,-sve", "code for x without AVX2 (untested)"),
        ("", "code for x (what it may use follows its name)"),
    ],
)
def test_the_vector_instructions_that_are_used_are_told(features: str, words: str) -> None:
    assert compiled_tier("x", features) == words


def test_flags_are_read_where_linux_tells_them(tmp_path: Path) -> None:
    (tmp_path / "cpuinfo").write_text("processor\t: 0\nflags\t\t: fpu avx2 avx512f\n")
    assert processor_flags(tmp_path / "cpuinfo") == {"fpu", "avx2", "avx512f"}
    assert processor_flags(tmp_path / "nowhere") == frozenset()


def test_an_absent_extra_is_no_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "spm1d", None)
    finding = check_extra(EXTRAS["spm"])
    assert finding.state == "absent" and 'pip install "exogait[spm]"' in finding.detail
