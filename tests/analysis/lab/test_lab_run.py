"""``exogait lab``: everything in one folder, batches that survive a failure, messages of one line."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from unittest import mock

import numpy as np
import pandas as pd
import pytest

from exogait import models
from exogait.analysis.c3d.reader import C3DFile
from exogait.analysis.c3d.recording import read_recording
from exogait.analysis.lab import batch, sources
from exogait.analysis.lab.batch import group_statistics, run_batch
from exogait.analysis.lab.manifest import ManifestRow, read_manifest
from exogait.analysis.lab.muscles import choose_strides
from exogait.analysis.lab.run import LabRun, run_trial
from exogait.analysis.lab.settings import LabSettings
from exogait.analysis.made_up.person import make_synthetic_trial
from exogait.data import FileFormatError, GaitTrial, InputError
from exogait.models.energetics import ACCOUNTINGS
from tests.kit.command import run_inside
from tests.kit.study_functions import die_of_name

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def person(tmp_path_factory):
    return make_synthetic_trial(tmp_path_factory.mktemp("synthetic"), seed=3, n_cycles=2, cycle=1.0)


@pytest.fixture(scope="module")
def done(person, tmp_path_factory) -> LabRun:
    """Their walk, analysed: to be read."""
    return run_trial(person.static, person.walk, person.mass, out=tmp_path_factory.mktemp("done"))


def command(*arguments: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, "-m", "exogait", *map(str, arguments)],
        capture_output=True, text=True, cwd=cwd, env=environment, timeout=600,
    )  # fmt: skip


def test_one_command_makes_the_folder(person, tmp_path: Path) -> None:
    out = tmp_path / "out"
    result = command(
        "lab",
        "run",
        "--static",
        person.static,
        "--trial",
        person.walk,
        "--mass",
        person.mass,
        "--age",
        65,
        "--sex",
        "female",
        "--out",
        out,
        cwd=tmp_path,
    )
    assert result.returncode == 0, result.stderr
    assert "lab -x" in result.stdout and "data quality" in result.stdout and "seconds:" in result.stdout
    assert "Synthetic trial" in (out / "report.html").read_text(encoding="utf-8")
    events = pd.read_csv(out / "events.csv")
    assert set(events["what"]) == {"heel_strike", "toe_off"}
    metrics = pd.read_csv(out / "metrics.csv").set_index("metric")
    assert metrics["right"]["speed"] == pytest.approx(person.speed, abs=0.02)
    assert metrics["both"]["gps"] > 0 and metrics["right"]["mos_across_least"] > 0
    assert "Baker" in metrics["source"]["gps"] and "soles" in metrics["window"]["mos_across_least"]
    assert metrics["both"]["speed_norm"] == 1.24
    assert "Axes" in set(pd.read_csv(out / "quality.csv")["topic"])
    trial = GaitTrial.read_parquet(out / "trial")
    assert trial.joint_powers is not None and trial.unit_of("extra/body_motion", "foot_progression_r") == "rad"
    names = {path.name for path in (out / "opensim").iterdir()}
    assert {"README.txt", "walk_ik.mot", "walk_grf.mot", "walk_ik_setup.xml", "walk_id_setup.xml"} <= names
    assert list(tmp_path.iterdir()) == [out], "a file was left in the working directory"


def test_the_opensim_folder_runs_again_in_opensim(done: LabRun, tmp_path: Path) -> None:
    from exogait.analysis.lab.export import check_folder
    from exogait.analysis.opensim_tools.dynamics import run_id_tool

    place = shutil.copytree(done.folder / "opensim", tmp_path / "opensim")
    assert check_folder(place) == []
    again = run_id_tool(place / "walk_id_setup.xml")
    forces = done.trial.generalized_forces
    assert forces is not None
    ours = forces["ankle_angle_l"]
    theirs = again["ankle_angle_l_moment"].to_numpy()
    known = ours.notna().to_numpy()
    np.testing.assert_allclose(theirs[known], ours.to_numpy()[known], atol=1e-6)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"--mass": "0"}, ["mass", "above 0"]),
        ({"--static": "missing.c3d"}, ["missing.c3d", "no such static trial"]),
        ({"--marker-map": "gait2329"}, ["gait2329", "gait2392"]),
        ({"--units": "parsec"}, ["parsec"]),
        ({"--base-model": "broken.osim"}, ["broken.osim", "XML"]),
        ({"--overrides": "wrong.csv"}, ["wrong.csv", "what,side,time"]),
    ],
)
def test_bad_input_is_one_line_and_exit_code_two(person, tmp_path: Path, change, words) -> None:
    (tmp_path / "broken.osim").write_text("<a>")
    (tmp_path / "wrong.csv").write_text("a,b\n1,2\n")
    options = {"--static": person.static, "--trial": person.walk, "--mass": "70", "--out": tmp_path / "out", **change}
    result = run_inside("lab", "run", *(part for pair in options.items() for part in pair), cwd=tmp_path)
    assert result.returncode == 2
    lines = [line for line in result.stderr.splitlines() if line.startswith("exogait:")]
    assert len(lines) == 1 and "Traceback" not in result.stderr
    for word in words:
        assert word in lines[0]


def manifest(folder: Path, person, *extra: str) -> Path:
    lines = [
        "subject,static,trial,mass,name,condition",
        f"anna,{person.static},{person.walk},{person.mass},anna_1,slow",
        *extra,
    ]
    path = folder / "manifest.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def test_of_a_batch_a_dying_worker_takes_no_other_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch, "_run_one", die_of_name)
    names = ["first", "dies", "third", "fourth"]
    file = tmp_path / "none.c3d"
    rows = [ManifestRow(name=name, subject="s", static=file, walk=file, mass=70.0) for name in names]
    found = run_batch(rows, out=tmp_path / "out", workers=2).failures.set_index("name")["error"]
    assert found.pop("dies").startswith("the process ended: ")
    assert dict(found) == dict.fromkeys(["first", "third", "fourth"], "was tried")


def test_a_batch_survives_a_failure_and_reuses_walks_and_steps(person, tmp_path: Path) -> None:
    cut = tmp_path / "cut.c3d"
    cut.write_bytes(person.walk.read_bytes()[:700])
    path = manifest(
        tmp_path, person, f"bert,{person.static},cut.c3d,80,bert_1,slow", f"carl,none.c3d,{person.walk},80,c,x"
    )
    result = run_batch(path, out=tmp_path / "out")
    assert set(result.failures["name"]) == {"bert_1", "c"}
    assert "cut.c3d" in result.failures.set_index("name")["error"]["bert_1"]
    assert set(result.metrics["name"]) == {"anna_1"}
    about = json.loads((tmp_path / "out" / "batch.json").read_text())
    assert about == {"trials": 3, "failed": 2, "doubtful": 0, "verdicts": {"anna_1": "usable"}}
    page = (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    assert "anna_1/report.html" in page and "no such static trial" in page
    assert (tmp_path / "out" / "anna_1" / "report.html").is_file()
    again = run_batch(path, out=tmp_path / "out")
    assert again.reused == ("anna_1",) and result.reused == ()
    pd.testing.assert_frame_equal(again.metrics, result.metrics)
    (tmp_path / "out" / "anna_1" / "report.html").unlink()
    again = run_batch(path, out=tmp_path / "out")
    assert again.reused == () and (tmp_path / "out" / "anna_1" / "report.html").is_file()
    steps = GaitTrial.read_parquet(tmp_path / "out" / "anna_1" / "trial").metadata["step_seconds"]
    assert [step["reused"] for step in steps if step["name"] in ("scale", "inverse_kinematics")] == [True, True]
    pd.testing.assert_frame_equal(again.metrics, result.metrics)


def test_one_clean_stance_gives_its_leg(person, done: LabRun, tmp_path: Path) -> None:
    """Of two plates one is left: its leg keeps every number it had, the other has motion and no kinetics."""
    walk = read_recording(person.walk)
    alone = replace(walk, platforms=(replace(walk.platforms[1], index=0),))

    def read(path: Path, *, units: str | None = None) -> C3DFile:
        return alone if Path(path) == person.walk else read_recording(path, units=units)

    folder = shutil.copytree(done.folder, tmp_path / "out")
    with mock.patch.object(sources, "read_recording", read):
        run = run_trial(person.static, person.walk, person.mass, out=folder)
    both, one = (found.metrics.set_index("metric") for found in (done, run))
    kinetics = [name for name in both.index if any(word in name for word in ("moment", "power", "work", "grf"))]
    assert len(kinetics) > 10 and not both.loc[kinetics, ["right", "left"]].isna().any(axis=None)
    np.testing.assert_allclose(one["right"][kinetics], both["right"][kinetics], rtol=1e-6)
    assert one["left"][kinetics].isna().all()
    assert not one.drop(index=kinetics)[["right", "left"]].isna().any(axis=None)
    assert not run.verdict.failed


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("", "lacks the column"),
        ("static,trial,mass\n", "names no trial"),
        ("static,trial,mass,colour\na,b,70,red\n", "unknown column.*colour"),
        ("static,trial\na,b\n", "lacks the column.*mass"),
        ("static,trial,mass\na.c3d,b.c3d,heavy\n", ":2.*mass is 'heavy'"),
        ("static,trial,mass\na.c3d,b.c3d,-3\n", "mass is '-3'"),
        ("static,trial,mass\na.c3d,,70\n", "must both name a file"),
        ("static,trial,mass,subject,name\na,b,70,s,n\na,b,70,s,n\na,b,70,s,n\n", "stands twice"),
    ],
)
def test_a_manifest_is_checked(tmp_path: Path, text: str, match: str) -> None:
    path = tmp_path / "m.csv"
    path.write_text(text)
    with pytest.raises(FileFormatError, match=match) as caught:
        read_manifest(path)
    assert "\n" not in str(caught.value)


def test_files_of_a_manifest_are_relative_to_it(tmp_path: Path) -> None:
    path = tmp_path / "m.csv"
    path.write_text("static,trial,mass\nsub/a.c3d,sub/b.c3d,70\n\n")
    row = read_manifest(path)[0]
    assert row.static == tmp_path / "sub" / "a.c3d" and row.subject == "sub" and row.name == "b"


def test_a_subject_counts_once_in_the_group() -> None:
    rows = [("a", 1.0), ("a", 1.2), ("b", 1.3), ("c", np.nan)]
    table = pd.DataFrame(
        [{"subject": s, "condition": "x", "metric": "speed", "unit": "m/s", "value": v} for s, v in rows]
    )
    group = group_statistics(table).iloc[0]
    assert group["mean"] == pytest.approx(1.2) and group["n_subjects"] == 2
    assert group["sd"] == pytest.approx(np.std([1.1, 1.3], ddof=1))


def test_compare_and_maps(done: LabRun, tmp_path: Path) -> None:
    assert "gait2392" in run_inside("lab", "maps", cwd=tmp_path).stdout
    other = shutil.copytree(done.folder, tmp_path / "other")
    result = run_inside("compare", done.folder, other, "--out", tmp_path, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert "Agreement" in (tmp_path / "compare.html").read_text(encoding="utf-8")


@pytest.mark.slow
def test_muscles_of_a_real_stride(real_data: Path, tmp_path: Path) -> None:
    folder = real_data / "schreiber2019" / "2014001"
    run = run_trial(
        folder / "2014001_ST.c3d", folder / "2014001_C4_05.c3d", 67.0, out=tmp_path, muscles=True, subject="2014001"
    )
    strides = choose_strides(run.trial)
    assert {stride.side for stride in strides} == {"r", "l"} and all(stride.known > 0.9 for stride in strides)
    activation = run.trial.muscles["activation"]
    assert activation["soleus_r"].between(0.0, 1.0).sum() > 50
    reserves = {row["name"]: row["share_pct"] for row in run.trial.metadata["reserves"]}
    assert reserves["ankle_angle_r"] < 10 and reserves["knee_angle_l"] < 10
    energy = {name: value for name, value, _ in run.trial.metadata["metabolics"]["umberger2010"]}
    # Measured walking at this speed costs about 4 to 5 W/kg; static optimization is known to err on either side.
    assert 2.0 < energy["metabolic_rate_gross"] < 9.0
    assert energy["metabolic_rate_gross"] == pytest.approx(energy["metabolic_rate_net"] + energy["basal_rate"])
    assert list(run.trial.metadata["metabolics"]) == list(ACCOUNTINGS)
    # Nobody stated a height: it follows from the lengths of the scaled model.
    row = next(row for row in run.trial.metadata["quality"] if row["what"].startswith("body height"))
    assert row["found"].startswith("1.70 m, not stated")
    person = models.Subject.from_scaled_model(next(run.folder.rglob("*_scaled.osim")), mass=67.0)
    masses = run.trial.muscle_parameters["anatomical_mass"]
    assert masses.to_dict() == pytest.approx(models.muscle_masses(subject=person), rel=1e-9)
    page = run.report.read_text(encoding="utf-8")
    assert "Metabolic rate" in page and "Reserve actuators" in page and "Electromyography" in page


def test_the_demonstration_runs_without_any_data(tmp_path: Path, monkeypatch) -> None:
    from exogait.analysis.made_up.demo import run_lab_demo

    monkeypatch.delenv("EXOGAIT_DATA", raising=False)
    steps: list[str] = []
    run = run_lab_demo(tmp_path, progress=steps.append)
    assert run.trial.metadata["synthetic"] is True
    assert "Synthetic trial" in run.report.read_text(encoding="utf-8")
    assert steps == [
        "read",
        "scale",
        "inverse kinematics",
        "inverse dynamics",
        "gait numbers",
        "OpenSim folder",
        "report",
    ]


def test_a_cell_that_is_no_number_stops_its_row_alone_and_a_name_may_hold_a_space(person, tmp_path: Path) -> None:
    walk = tmp_path / "walk 3 (left).c3d"
    walk.write_bytes(person.walk.read_bytes())
    path = manifest(tmp_path, person, f"bert,{person.static},{walk},,bert_1,slow", f"carl,{person.static},{walk},x,,")
    text = path.read_text(encoding="utf-8").splitlines()
    spaced = f"anna,{person.static},{walk},{person.mass},,"
    path.write_text("\n".join([text[0], spaced, *text[2:]]) + "\n", encoding="utf-8")
    result = run_batch(path, out=tmp_path / "out")
    assert set(result.metrics["name"]) == {"walk 3 (left)"}
    reasons = result.failures.set_index("name")["error"]
    assert set(reasons.index) == {"bert_1", "line_4"} and reasons.str.contains("mass").all()


def test_a_setting_that_is_no_number_is_refused_in_one_line() -> None:
    for name in ("belt_speed", "marker_cutoff"):
        with pytest.raises(InputError, match=name):
            LabSettings(**{name: "fast"})
