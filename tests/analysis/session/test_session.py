"""A session's strides, means, spread and representative stride, against plain arithmetic on the same walks."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import exogait as eg
from exogait.analysis.gait.curves import stride_curves
from exogait.analysis.lab.settings import LabSettings
from exogait.analysis.report.kit import Page
from exogait.analysis.session.page import session_page
from exogait.analysis.session.plan import SessionWalk, plan_session
from exogait.analysis.session.run import choose_for_persons, gather_session, run_session
from exogait.analysis.session.session import Session, read_session
from exogait.analysis.session.tables import rows_where
from exogait.analysis.session.variability import variability_table
from exogait.data import FileFormatError, InputError
from exogait.data.results import read_result
from tests.kit.session_walks import knees, made_up_session


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Session:
    folder = tmp_path_factory.mktemp("session")
    return gather_session(made_up_session(folder / "walks"), out=folder / "out")


@pytest.fixture(scope="module")
def page(session: Session) -> Page:
    return session_page(session)


def own_curves(session: Session, key: str) -> np.ndarray:
    """Right strides of p0's bare walks, cut from the walks on disk."""
    walks = [session.folder.parent / "walks" / f"p0_bare_{k}" for k in range(3)]
    return np.concatenate([stride_curves(read_result(walk), key, "r")[0] for walk in walks])


def test_strides_of_all_walks_count_alike(session: Session) -> None:
    strides = own_curves(session, "hip_flexion")
    stack = session.stack("hip_flexion", person="p0", condition="bare", side="r")
    assert np.array_equal(stack.values[:, :, 0], strides)
    of = session.curves
    row = of[
        (of["person"] == "p0") & (of["condition"] == "bare") & (of["side"] == "r") & (of["curve"] == "hip_flexion")
    ]
    assert np.allclose(row["mean"], strides.mean(axis=0)) and np.allclose(row["sd"], strides.std(axis=0, ddof=1))
    assert set(row["n"]) == {len(strides)} and set(row["unit"]) == {"°"}


def test_a_walk_that_cannot_be_used_is_left_out_with_its_reason(session: Session, page: Page) -> None:
    assert session.left_out.to_dict(orient="records") == [
        {"walk": "spoiled", "what": "the whole walk", "why": "not usable: static trial: it walks"}
    ]
    assert "spoiled" not in set(session.strides["walk"]) | set(session.numbers["walk"])
    (table,) = page.section("left-out").tables
    assert "spoiled" in session.summary() and table.column("walk") == ["spoiled"]


def test_spread_and_minimal_detectable_change_are_weirs(session: Session) -> None:
    values = {
        condition: [
            part["value"].to_numpy()
            for _, part in knees(session.numbers)[lambda t, c=condition: (t["person"] == "p0") & (t["condition"] == c)]
            .groupby("walk")
        ]
        for condition in ("bare", "brace")
    }  # fmt: skip
    row = knees(session.variability).query("person == 'p0' and condition == 'bare'").iloc[0]
    strides = np.concatenate(values["bare"])
    assert row["n_strides"] == len(strides) == 9 and row["n_walks"] == 3
    assert row["sd_strides"] == pytest.approx(strides.std(ddof=1))
    means = {condition: np.array([walk.mean() for walk in walks]) for condition, walks in values.items()}
    assert row["sd_walks"] == pytest.approx(means["bare"].std(ddof=1))
    away = np.concatenate([own - own.mean() for own in means.values()])
    between = (away**2).sum() / 4  # 6 walks in 2 conditions
    within = sum(((walk - walk.mean()) ** 2).sum() for own in values.values() for walk in own) / 12 / 3
    assert row["sem"] == pytest.approx(np.sqrt(max(between, within)))
    assert row["mdc"] == pytest.approx(1.96 * np.sqrt(2) * row["sem"])


def test_walks_that_agree_by_luck_do_not_make_every_change_detectable(session: Session) -> None:
    numbers = rows_where(knees(session.numbers), person="p0", condition="bare").copy()
    numbers["value"] = [50.0, 52.0, 54.0] * 3
    (row,) = variability_table(numbers).to_dict(orient="records")
    assert row["sd_walks"] == 0.0 and row["sem"] == pytest.approx(2.0 / np.sqrt(3))


def test_the_representative_stride_is_the_nearest_to_the_median(session: Session) -> None:
    (chosen,) = [r for r in session.representative if (r.person, r.condition, r.side) == ("p0", "bare", "r")]
    distances = []
    for key in ("pelvis_tilt", "pelvis_obliquity", "hip_flexion", "hip_adduction", "hip_rotation", "knee_flexion",
                "ankle_dorsiflexion"):  # fmt: skip
        strides = own_curves(session, key)
        away = np.sqrt(((strides - np.median(strides, axis=0)) ** 2).mean(axis=1))
        distances.append(away / np.median(away))
    best = int(np.argmin(np.mean(distances, axis=0)))
    assert chosen.n_curves == len(distances)
    assert (chosen.walk, chosen.stride) == (f"p0_bare_{best // 3}", best % 3 + 1)


def test_what_is_written_reads_itself_and_opens_by_its_folder(session: Session) -> None:
    session.write()
    again = eg.open(session.folder)
    assert isinstance(again, Session)
    assert again.walks.drop(columns="speed").equals(session.walks.drop(columns="speed"))
    assert np.array_equal(again.strides["p50"], session.strides["p50"])
    assert again.variability["mdc"].to_numpy() == pytest.approx(session.variability["mdc"].to_numpy(), nan_ok=True)
    assert "12 of 13 used" in repr(again)


def test_persons_count_once_where_all_stand_together(session: Session, page: Page) -> None:
    means = session.person_means("hip_flexion", condition="bare", side="r")
    assert list(means) == ["p0", "p1"] and np.allclose(means["p0"], own_curves(session, "hip_flexion").mean(axis=0))
    table = page.section("together").tables[0]
    knee = rows_where(knees(session.variability), condition="bare")["mean"]
    row = next(row for row in table.cells if row[0] == "Knee flexion, range" and row[1] == "Right")
    assert row[2] == f"{knee.mean():.1f} ± {knee.std(ddof=1):.1f}" and row[3] == "2"


def test_one_walk_is_a_session_and_its_plan_and_page_lie_in_the_folder(session: Session, tmp_path: Path) -> None:
    walk = SessionWalk(name="only", person="p0", walk=session.folder.parent / "walks" / "p0_bare_0")
    done: list[str] = []
    alone = run_session([walk], out=tmp_path, progress=done.append)
    assert done == ["only"] and alone.page.is_file()
    assert plan_session(tmp_path / "plan.csv") == [walk]
    assert np.isnan(alone.variability["mdc"].to_numpy()).all(), "one walk tells nothing between walks"


def test_a_damaged_session_and_its_own_folder_are_one_line(session: Session, tmp_path: Path) -> None:
    (tmp_path / "session.json").write_text('{"format": "exogait-session 0"}')
    with pytest.raises(FileFormatError, match="format"):
        read_session(tmp_path)
    with pytest.raises(InputError, match="another folder"):
        run_session(tmp_path, out=tmp_path)


@pytest.mark.parametrize(
    ("table", "column", "value", "words"),
    [
        ("walks.csv", "used", "Maybe", "used is neither True nor False"),
        ("walks.csv", "strides_r", "3.5", "strides_r is '3.5' in row 1"),
        ("walks.csv", "speed", "fast", "speed is 'fast' in row 1"), ("numbers.csv", "value", "1e300", "value is"),
        ("numbers.csv", "stride", "-1", "stride is"), ("strides.parquet", "p50", np.inf, "p50 is 'inf' in row 1"),
        ("strides.parquet", "curve", "limp", "unknown curves .limp"),
    ],
)  # fmt: skip
def test_a_number_that_is_none_is_named_when_a_session_is_read(
    session: Session, tmp_path: Path, table: str, column: str, value: object, words: str
) -> None:
    session.write()
    for name in ("session.json", "walks.csv", "numbers.csv", "strides.parquet"):
        (tmp_path / name).write_bytes((session.folder / name).read_bytes())
    assert read_session(tmp_path).persons == session.persons
    if table.endswith(".csv"):
        damaged = pd.read_csv(tmp_path / table, dtype=str, keep_default_na=False)
        damaged.loc[0, column] = value
        damaged.to_csv(tmp_path / table, index=False)
    else:
        damaged = pd.read_parquet(tmp_path / table)
        damaged.loc[0, column] = value
        damaged.to_parquet(tmp_path / table)
    with pytest.raises(FileFormatError, match=words) as caught:
        read_session(tmp_path)
    assert "\n" not in str(caught.value)


def test_a_persons_walks_have_their_events_by_the_same_methods(real_data: Path) -> None:
    """Three walks of one person speak together."""
    folder = real_data / "stroke_vancriekinge2023/trc"
    plan = [
        SessionWalk(name=path.stem, person=path.stem[:5], walk=path, mass=60.0)
        for path in (*sorted(folder.glob("TVC03_?.trc")), folder / "SBJ05_1.trc")
    ]
    chosen = choose_for_persons(plan, LabSettings())
    assert set(chosen) == {"TVC03"}  # the other one has a single walk, which chooses for itself
    assert (chosen["TVC03"].heel_strike, chosen["TVC03"].toe_off) == ("zeni2008", "desailly2009")
    settings = replace(plan[0].manifest_row(), events=chosen["TVC03"]).request(LabSettings()).settings
    assert (settings.event_method, settings.toe_off_method) == ("zeni2008", "desailly2009")
    assert choose_for_persons(plan, LabSettings(event_method="zeni2008")) == {}
