"""Finished steps are taken again exactly as long as nothing that they read has changed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from exogait.analysis.lab.step_cache import StepCache, digest


@dataclass(frozen=True)
class Result:
    table: pd.DataFrame
    series: pd.Series
    path: Path
    numbers: tuple[float, ...]
    words: dict[str, str]


def make(tmp_path: Path) -> Result:
    index = pd.Index([0.0, 0.1], name="time")
    table = pd.DataFrame({"a": [1.0, np.nan]}, index=index)
    table.attrs = {"name": "x"}
    series = pd.Series([1.0, 2.0], index=["u", "v"], name="errors")
    return Result(table, series, tmp_path / "f.txt", (1.0, float("nan")), {"k": "v"})


def test_a_step_runs_once(tmp_path: Path) -> None:
    calls = []

    def compute() -> Result:
        calls.append(1)
        return make(tmp_path)

    first = StepCache(tmp_path / "steps", [Result]).run("one", [1.0], compute)
    cache = StepCache(tmp_path / "steps", [Result])
    again = cache.run("one", [1.0], compute)
    assert len(calls) == 1 and cache.records[0].reused
    pd.testing.assert_frame_equal(first.table, again.table)
    pd.testing.assert_series_equal(first.series, again.series)
    assert again.table.attrs == {"name": "x"} and again.path == first.path and again.words == first.words
    assert again.numbers[0] == 1.0 and np.isnan(again.numbers[1])


def test_changed_input_setting_or_output_runs_it_again(tmp_path: Path) -> None:
    source, output = tmp_path / "in.txt", tmp_path / "out.txt"
    source.write_text("a")
    runs = []

    def compute() -> float:
        runs.append(1)
        output.write_text("result")
        return 1.0

    def step(setting: float) -> None:
        StepCache(tmp_path / "steps", []).run("one", [source, setting], compute, files=[output])

    step(6.0)
    step(6.0)
    assert len(runs) == 1
    step(7.0)
    assert len(runs) == 2
    source.write_text("b")
    step(7.0)
    assert len(runs) == 3
    output.write_text("edited by hand")
    step(7.0)
    assert len(runs) == 4
    output.unlink()
    step(7.0)
    assert len(runs) == 5


def test_a_damaged_entry_is_no_result(tmp_path: Path) -> None:
    StepCache(tmp_path, []).run("one", [1], lambda: 1.0)
    (tmp_path / "one" / "step.json").write_text("{")
    cache = StepCache(tmp_path, [])
    assert cache.run("one", [1], lambda: 2.0) == 2.0 and not cache.records[0].reused


def test_without_a_folder_nothing_is_kept() -> None:
    cache = StepCache(None, [])
    assert cache.run("one", [], lambda: 1) == 1 and cache.run("one", [], lambda: 2) == 2


def test_digest_tells_values_apart() -> None:
    table = pd.DataFrame({"a": [1.0]}, index=pd.Index([0.0]))
    assert digest(table) == digest(table.copy())
    assert digest(table) != digest(table + 1e-15 * 2**10)
    assert digest(["a", "b"]) != digest(["ab"])
    assert digest(np.zeros((2, 3))) != digest(np.zeros((3, 2)))
