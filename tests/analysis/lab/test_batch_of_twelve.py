"""A morning's twelve walks, three of them broken in different ways: nine results, three reasons, exit code, page."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd

from exogait.data.names import BATCH_FILE, INDEX_PAGE, METRICS_TABLE
from tests.kit.command import run_inside

SOUND = 9
POUNDS = 2.2046


def test_nine_results_and_three_reasons(real_data: Path, tmp_path: Path) -> None:
    people = pd.read_csv(real_data / "schreiber2019" / "anthropometrics.csv").set_index("subjectID")
    folders = sorted(path for path in (real_data / "schreiber2019").iterdir() if path.name.isdigit())
    walks = [(folder, next(folder.glob("*_C4_*.c3d"))) for folder in folders]
    rows = [
        (folder.name, next(folder.glob("*_ST.c3d")), walk, float(people.loc[int(folder.name), "mass"]))
        for folder, walk in walks[:SOUND]
    ]
    (_, static, walk, mass), (_, other_static, other_walk, other_mass) = rows[:2]
    cut = tmp_path / "cut.c3d"
    cut.write_bytes(walk.read_bytes()[:5000])
    foreign = next((real_data / "clinical_labs" / "MH" / "static").glob("*.c3d"))
    broken = [
        ("cut", static, cut, mass),
        ("foreign", foreign, other_walk, other_mass),
        ("pounds", other_static, other_walk, other_mass * POUNDS),
    ]
    table = pd.DataFrame(rows + broken, columns=["name", "static", "trial", "mass"])
    table.to_csv(tmp_path / "batch.csv", index=False)

    out = tmp_path / "out"
    ended = run_inside("lab", "batch", tmp_path / "batch.csv", "--out", out, "--workers", 1, cwd=tmp_path)

    assert ended.returncode == 1, ended.stderr
    about = json.loads((out / BATCH_FILE).read_text(encoding="utf-8"))
    assert (about["trials"], about["failed"], about["doubtful"]) == (12, 2, 1)
    failures = pd.read_csv(out / "failures.csv").set_index("name")["error"]
    assert set(failures.index) == {"cut", "foreign"}
    assert "cut.c3d" in failures["cut"] and "marker" in failures["foreign"]
    assert about["verdicts"]["pounds"] != "usable" and "mass" in about["verdicts"]["pounds"]
    assert {about["verdicts"][name] for name, *_ in rows} == {"usable"}

    metrics = pd.read_csv(out / METRICS_TABLE, dtype={"name": str})
    moment = metrics[metrics["metric"].str.contains("ankle_plantarflexor_moment") & (metrics["side"] == "right")]
    assert set(moment.dropna(subset=["value"])["name"]) == {name for name, *_ in rows}
    page = (out / INDEX_PAGE).read_text(encoding="utf-8")
    assert all(f"{name}/report.html" in page for name, *_ in rows)
    assert "cut.c3d" in page and about["verdicts"]["pounds"].split(";")[0].split(",")[0] in page
