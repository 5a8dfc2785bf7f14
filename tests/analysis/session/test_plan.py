"""What a folder's names and a table say about who walked and how."""

from __future__ import annotations

from pathlib import Path

import pytest

from exogait.analysis.session.plan import SessionWalk, plan_session, plan_table
from exogait.data import FileFormatError, write_csv


def lay(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def told(source: Path) -> list[tuple[str, str, str, str]]:
    return [(w.person, w.condition, w.walk.stem, w.static.stem if w.static else "") for w in plan_session(source)]


def test_folders_are_persons_and_conditions_and_the_nearest_static_serves(tmp_path: Path) -> None:
    lay(tmp_path, "anna/static.c3d", "anna/brace/static_brace.c3d", "anna/brace/w1.c3d", "anna/bare/w1.trc",
        "bert/bare/w1.c3d", "notes.txt")  # fmt: skip
    assert told(tmp_path) == [
        ("anna", "bare", "w1", "static"), ("anna", "brace", "w1", "static_brace"), ("bert", "bare", "w1", ""),
    ]  # fmt: skip
    assert len({walk.name for walk in plan_session(tmp_path)}) == 3


def test_file_names_tell_where_folders_do_not(tmp_path: Path) -> None:
    lay(tmp_path, "p7/p7_C4_05.c3d", "p7/p7_ST.c3d", "p7/p7_brace_walk2.c3d", "p7/p7_brace_walk 3.c3d", "p7/p7_1.c3d")
    assert [(person, condition) for person, condition, *_ in told(tmp_path)] == [
        ("p7", ""), ("p7", "C4"), ("p7", "brace"), ("p7", "brace"),
    ]  # fmt: skip


def test_persons_csv_names_people_masses_and_groups(tmp_path: Path) -> None:
    lay(tmp_path, "TVC03_1.trc", "SBJ05_1.trc")
    (tmp_path / "persons.csv").write_text("person,mass,height,group\nTVC03,66.9,1.71,stroke\nSBJ05,50,,control\n")
    found = {walk.person: walk for walk in plan_session(tmp_path)}
    assert (found["TVC03"].mass, found["TVC03"].height, found["TVC03"].group) == (66.9, 1.71, "stroke")
    assert found["SBJ05"].height is None and found["SBJ05"].condition == ""


def test_a_table_with_a_pattern_and_the_plan_reads_itself(tmp_path: Path) -> None:
    lay(tmp_path, "a/w_1.c3d", "a/w_2.c3d", "a/s.c3d")
    (tmp_path / "day.csv").write_text("subject,trial,static,mass,condition\nanna,a/w_*.c3d,a/s.c3d,60,bare\n")
    walks = plan_session(tmp_path / "day.csv")
    assert [walk.name for walk in walks] == ["w_1", "w_2"]
    plan_table(walks).to_csv(tmp_path / "plan.csv", index=False)
    assert plan_session(tmp_path / "plan.csv") == walks


def test_without_a_mass_the_row_says_what_to_do(tmp_path: Path) -> None:
    lay(tmp_path, "anna/w1.c3d")
    assert "persons.csv" in plan_session(tmp_path)[0].manifest_row().problem


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ("person,mass\nanna,60\n", "lacks walk"),
        ("person,walk,mess\nanna,a.c3d,60\n", "unknown column(s) mess"),
        ("person,walk,mass\nanna,a.c3d,heavy\n", "heavy"),
        ("person,walk\nanna,nothing_*.c3d\n", "fits no file"),
        ("person,walk\n", "holds no walk"),
    ],
)
def test_a_table_that_is_none_is_one_line(table: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "day.csv").write_text(table)
    with pytest.raises(FileFormatError, match=r"day\.csv") as error:
        plan_session(tmp_path / "day.csv")
    assert words in str(error.value) and "\n" not in str(error.value)


def test_links_in_a_folder_do_not_turn_for_ever(tmp_path: Path) -> None:
    lay(tmp_path, "anna/bare/w1.c3d")
    (tmp_path / "anna" / "again").symlink_to(tmp_path)
    walks = plan_session(tmp_path)
    assert {walk.walk.stem for walk in walks} == {"w1"} and len(walks) < 10


def test_a_date_in_a_name_is_the_date_and_no_condition(tmp_path: Path) -> None:
    for name in ("anna/2026-03-01/brace/walk1.c3d", "anna/bare_20260601_walk1.c3d", "anna/bare/walk 12345678.c3d"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "persons.csv").write_text("person,mass,age,sex,side,diagnosis\nanna,70,61,female,right,stroke\n")
    walks = {walk.walk.name: walk for walk in plan_session(tmp_path)}
    found = {name: (walk.condition, walk.date) for name, walk in walks.items()}
    assert found["walk1.c3d"] == ("brace", "2026-03-01")
    assert found["bare_20260601_walk1.c3d"] == ("bare", "20260601")
    assert found["walk 12345678.c3d"] == ("bare", "")
    row = walks["walk1.c3d"].manifest_row()
    assert (row.age, row.sex, row.side, row.diagnosis, row.date) == (61.0, "female", "right", "stroke", "2026-03-01")
    write_csv(plan_table(list(walks.values())), tmp_path / "plan.csv")
    assert {walk.date for walk in plan_session(tmp_path / "plan.csv")} == {"2026-03-01", "20260601", ""}


def test_a_mass_that_the_recordings_state_needs_no_table(real_data: Path) -> None:
    walk = real_data / "schreiber2019/2014001/2014001_C4_05.c3d"
    row = SessionWalk(name="w", person="2014001", walk=walk).manifest_row()
    assert not row.problem and row.request().mass == 67.0
