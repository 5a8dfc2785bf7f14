"""`lab run` into a folder that a user works in: a thesis stays, a report of theirs is not written over."""

from __future__ import annotations

from pathlib import Path

import pytest

from exogait.analysis.lab.run import LabRun, run_trial
from exogait.analysis.made_up.person import SyntheticTrial, make_synthetic_trial
from exogait.data import OutputError
from exogait.data.results import result_model


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> SyntheticTrial:
    return make_synthetic_trial(tmp_path_factory.mktemp("files"), n_cycles=2, cycle=1.0)


def run(files: SyntheticTrial, out: Path) -> LabRun:
    return run_trial(
        files.static, files.walk, files.mass, height=files.height, out=out, name="../../a b", subject="$x$"
    )


def test_a_project_folder_keeps_what_is_the_users(files: SyntheticTrial, tmp_path: Path) -> None:
    out = tmp_path / "a" / "project"
    (out / "opensim").mkdir(parents=True)
    thesis = out / "opensim" / "thesis.osim"
    thesis.write_text("three years of work")
    (out / "report.html").write_text("mine")
    with pytest.raises(OutputError, match=r"report\.html: is there already"):
        run(files, out)
    assert {path.name for path in out.iterdir()} == {"opensim", "report.html"}
    (out / "report.html").unlink()
    first = run(files, out)
    before = {path.name for path in (out / "opensim").iterdir()}
    second = run(files, out)  # of the finished steps, over our own files
    assert {path.name for path in (out / "opensim").iterdir()} == before
    assert first.metrics.equals(second.metrics)
    assert thesis.read_text() == "three years of work"
    assert result_model(out).name != "thesis.osim"
    assert {path.name for path in tmp_path.iterdir()} == {"a"}
    assert {path.name for path in (tmp_path / "a").iterdir()} == {"project"}
    assert not [path for path in out.rglob("*") if " " in path.name]
