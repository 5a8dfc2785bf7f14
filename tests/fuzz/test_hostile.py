"""Hostile settings, names and command lines: a short run with no finding, and a table that forgets no command."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import exogait as eg
from exogait.analysis.gait.metrics import compute_metrics
from exogait.data import OutputError, find, output_folder
from exogait.data.errors import FileFormatError, InputError, UnknownNameError
from exogait.data.loading import parse_yaml, read_yaml
from tests.fuzz.arrays import fuzz_arrays
from tests.fuzz.commands import commands
from tests.fuzz.hostile import BASE, OTHERWISE
from tests.fuzz.words import BILLION
from tests.kit.gait_trials import walking_trial

SOON = ("device", "deficit", "subject", "marker map", "settings", "manifest", "overrides", "forces",
        "external loads", "folder", "session table", "set-up")  # fmt: skip


def test_short_run_finds_nothing() -> None:
    counts = fuzz_arrays(400, seed=21, seconds=15.0, kinds=SOON)
    assert counts.misbehaved == 0, counts.findings[:3]
    assert counts.inputs > 30
    assert {outcome for _, outcome in counts.outcome} == {"loaded", "refused"}


def test_every_command_has_a_line() -> None:
    assert commands().keys() == BASE.keys()
    for name, options in commands().items():
        for line in (BASE[name], *OTHERWISE.get(name, ())):
            assert line.keys() <= {option.name for option in options}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: 1\na: 2\n", "the field 'a' stands twice"), (BILLION, "aliases grow"), ("a: &a [*a]", "holds itself"),
        ("[" * 5000, "nested too deeply"), ("a: 2020-13-45", "a value that is none"), ("a: " + "9" * 5000, "none"),
    ],
)  # fmt: skip
def test_yaml_that_is_refused(text: str, words: str) -> None:
    with pytest.raises(FileFormatError, match=words) as caught:
        parse_yaml(text, "mine.yaml")
    assert len(str(caught.value).splitlines()) == 1


def test_what_is_no_file_is_never_opened() -> None:
    with pytest.raises(FileFormatError, match="is a device or a pipe"):
        read_yaml("/dev/zero")


@pytest.mark.parametrize(
    "error",
    [
        FileFormatError("a\nb.c3d", "x\u2028y"), InputError("a", "line\nline", "text"),
        InputError("a", 10**5000, "less"),
        UnknownNameError("device", "x" * 100_000, ["hip"]), UnknownNameError("marker", "LPSI", ["L\nPSI", "a\nb"]),
        InputError("a", [[["x"] * 1000] * 1000] * 1000, "less"),
    ],
)  # fmt: skip
def test_messages_are_one_short_line(error: Exception) -> None:
    assert len(str(error).splitlines()) == 1 and len(str(error)) < 4000


@pytest.mark.parametrize("name", ["~nobody-of-that-name", "~nobody-of-that-name/mine.yaml"])
def test_a_home_that_nobody_has_is_a_name_like_others(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises((UnknownNameError, FileFormatError), match="nobody-of-that-name"):
        find("devices", name)
    with pytest.raises((UnknownNameError, FileFormatError), match="nobody-of-that-name"):
        eg.open(name)
    monkeypatch.setenv("EXOGAIT_HOME", name)
    assert find("devices", "hip_ankle").is_file()


def test_a_folder_of_thousands_of_folders_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot be made"), output_folder(tmp_path / ("x/" * 2000), "exogait test"):
        pass


def test_a_mask_of_no_sample_knows_nothing() -> None:
    trial = walking_trial()
    mask = trial.masks["valid_kinetics"].iloc[:0]
    found = compute_metrics(trial.replace(masks={"valid_kinetics": mask})).set_index("metric")
    assert np.isnan(found.loc["ankle_power_pushoff", "right"])
    assert np.isfinite(found.loc["knee_flexion_range", "right"])
