"""Names from strangers' files never become paths: hostile names through everything that writes."""

from __future__ import annotations

import dataclasses
import re
import tempfile
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from exogait.analysis.lab.batch import run_batch
from exogait.analysis.lab.export import export_opensim, write_tables
from exogait.analysis.lab.manifest import ManifestRow
from exogait.analysis.lab.request import make_request
from exogait.analysis.lab.simulated import write_simulation
from exogait.data import ExogaitError, GaitTrial, InputError, output_folder, path_component
from exogait.data.files import writable_text
from exogait.junction.templates import new_file
from exogait.models import model_path
from exogait.osim_env.learning.simulation import UNTRAINED, simulate
from exogait.osim_env.study.plan import StudyBody, StudyConfig, Variant, plan
from tests.kit.gait_trials import walking_trial

HOSTILE = (
    "..", ".", "", " ", "../../etc/passwd", "/etc/passwd", "..\\..\\windows", "C:\\users\\x", "c:evil", "a\x00b",
    "CON", "nul.txt", "com1", "LPT9.csv", "n" * 300, "é" * 300, "🦵" * 300, "🦵", "two words", "a'b\"c`d", "$(reboot)",
    "-rf", "--out", "~", "~root", "a\nb", "a\tb", ".hidden", ".exogait.json", ".exogait.lock", "report.html", "a.",
    "a ", "*", "?", "<b>", "%2e%2e%2f", "..%2f", "\u202egpj", "a/../../b", "\ud800", "a;b", "|", "=1+1", "metrics.csv",
    "METRICS.CSV", "index.html", "trial", "opensim",
)  # fmt: skip
PATHS = st.from_regex(r"(\.\./|[a-z/\\:]){1,9}", fullmatch=True)
NAMES = st.one_of(st.sampled_from(HOSTILE), st.text(max_size=400), PATHS)
SLOW = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))


@contextmanager
def cage() -> Iterator[Path]:
    """A folder to write in, deep in a tree in which nothing else may change."""
    with tempfile.TemporaryDirectory() as root:
        outside = Path(root).resolve()
        out = outside / "a" / "b" / "out"
        out.mkdir(parents=True)
        (outside / "a" / "victim.html").write_text("mine")
        yield out
        strangers = {str(p.relative_to(outside)) for p in outside.rglob("*") if not p.is_relative_to(out)}
        assert strangers == {"a", "a/b", "a/victim.html"}
        assert (outside / "a" / "victim.html").read_text() == "mine"
        for path in out.rglob("*"):
            assert " " not in path.name and path.name.isprintable() and len(path.name.encode()) <= 255


@given(NAMES)
@example("../../etc/passwd")
@settings(max_examples=1000, deadline=None)
def test_any_text_is_one_safe_component(text: str) -> None:
    for ascii_only in (False, True):
        name = path_component(text, ascii_only=ascii_only)
        assert name and len(name.encode()) <= 120 and Path(name).name == name
        assert name.isprintable() and not set(name) & set("/\\:*?\"'<>|$`;&~ \t\n\r\0")
        assert name[0] not in ".-" and name[-1] not in ". "
        assert name.partition(".")[0].casefold() not in {"con", "prn", "aux", "nul", "com1", "lpt9"}
        assert path_component(name, ascii_only=ascii_only) == name
        assert name.isascii() or not ascii_only


@given(st.text(max_size=60), st.text(max_size=60))
@settings(max_examples=500, deadline=None)
def test_different_texts_stay_different_but_for_spaces_and_forms(a: str, b: str) -> None:
    def plain(text: str) -> str:
        return re.sub(r"\s+", "_", unicodedata.normalize("NFC", text).strip())

    if a.strip() and b.strip():
        assert plain(a) == plain(b) or path_component(a) != path_component(b)


@pytest.mark.parametrize("name", ["S01", "walk_3", "Gait-2.5", "steady_1.25", "left+right", "Müller", "患者", "_a"])
def test_ordinary_names_are_their_own(name: str) -> None:
    assert path_component(name) == name


@given(NAMES, NAMES)
@SLOW
def test_files_of_the_lab_road(name: str, subject: str) -> None:
    request = make_request("static.c3d", "walk.c3d", 70.0, name=name, subject=subject)
    for found in (request.walk_file, request.person_file):
        assert path_component(found, ascii_only=True) == found


@given(st.lists(NAMES, min_size=1, max_size=6, unique=True), NAMES)
@example([".."], chr(0xD800))
@SLOW
def test_a_batch_stays_in_its_folder(names: list[str], subject: str) -> None:
    with cage() as out:
        missing = out.parent.parent / "none.c3d"
        rows = [ManifestRow(name=n, subject=subject, static=missing, walk=missing, mass=70.0) for n in names]
        result = run_batch(rows, out=out / "batch")
        assert list(result.failures["name"]) == [writable_text(n) for n in names]  # nobody's files are there
        folders = [path.name for path in (out / "batch").iterdir() if path.is_dir()]
        assert len({name.casefold() for name in folders}) == len(names)


@given(NAMES)
@SLOW
def test_tables_of_a_trial(name: str) -> None:
    with cage() as out:
        trial = dataclasses.replace(walking_trial(), name=name)
        try:
            written = write_tables(trial, out)
        except InputError:
            assert not any(character.isalnum() for character in name)
        else:
            assert written and all(path.parent == out for path in written)


@pytest.fixture(scope="module")
def walk() -> GaitTrial:
    """A short walk of the simulation."""
    return simulate(UNTRAINED, speed=1.25, seconds=0.6)


@pytest.mark.parametrize("name", ["../../evil", "/tmp/evil", "n" * 300, "a b", "a\"<&>'b", "$x$ $", "CON"])
def test_an_exported_folder_and_a_simulated_walk(walk: GaitTrial, name: str) -> None:
    with cage() as out:
        trial = dataclasses.replace(walk, name=name)
        with output_folder(out, "exogait test") as folder, folder.staged("opensim") as stage:
            export_opensim(trial, model_path(), stage)
        write_simulation(trial, model_path(), out / "walk")
        assert (out / "walk" / "report.html").is_file()


@given(NAMES)
@SLOW
def test_new_files_carry_names_only(name: str) -> None:
    with cage() as out, pytest.MonkeyPatch.context() as patch:
        patch.setenv("EXOGAIT_HOME", str(out))
        try:
            path = new_file("subjects", name)
        except ExogaitError as error:
            assert len(str(error).splitlines()) <= 1
        else:
            assert path.is_relative_to(out) and path.stem == name


@given(NAMES, NAMES, NAMES)
@SLOW
def test_tasks_of_a_study_are_folders_of_it(body: str, name: str, variant: str) -> None:
    try:
        bodies = (StudyBody(), StudyBody(deficit=body))
        config = StudyConfig(name=name, device="hip_ankle", bodies=bodies, variants=(Variant(name=variant),))
    except ExogaitError as error:
        assert len(str(error).splitlines()) <= 1
        return
    for task in plan(config):
        assert Path(task.name).name == task.name and task.name not in (".", "..") and len(task.name) < 200
