"""The mutants themselves: each kind of change, and that a few in the suite's own files are noticed."""

from __future__ import annotations

import ast
import os
import subprocess
import sys

import pytest

from tests.mutation.operators import find_mutants
from tests.mutation.report import read_explained
from tests.mutation.rooms import ROOMS, ROOT, draw

SOURCE = '''
"""A docstring with 1 + 2."""
WIDTH: float = 2.0


def f(x: "left", y=1, side="left"):
    """Half of x."""
    total = -x[0] * 3
    total += max(x, 1.0)
    if a < b and not c:
        raise ValueError(f"{1 + 1} is wrong")
    return total, "text" + names["soleus_r"]
'''


def test_every_kind_of_change_is_found_where_it_is_a_fault_and_nowhere_else() -> None:
    found = {(m.kind, m.before, m.after) for m in find_mutants("made.py", SOURCE)}
    assert found == {
        ("number", "2.0", "2.2"),
        ("arithmetic", "-x[0] * 3", "(-x[0] / 3)"),
        ("minus", "-x[0]", "(x[0])"),
        ("index", "0", "1"),
        ("number", "3", "4"),
        ("statement", "total += max(x, 1.0)", "pass"),
        ("extreme", "max(x, 1.0)", "min(x, 1.0)"),
        ("number", "1.0", "1.1"),
        ("sign", "1.0", "(-1.0)"),
        ("logic", "a < b and not c", "(a < b or not c)"),
        ("border", "a < b", "(a <= b)"),
        ("side", '"soleus_r"', "'soleus_l'"),
    }


def test_every_mutant_is_python_and_changes_its_one_place() -> None:
    for room in ROOMS:
        for target in room.targets:
            source = (ROOT / target.file).read_text(encoding="utf-8")
            mutants = find_mutants(target.file, source)
            assert mutants or target.file.endswith("__init__.py")
            assert len({mutant.name for mutant in mutants}) == len(mutants)
            for mutant in mutants[::7]:
                changed = mutant.apply(source)
                ast.parse(changed)
                assert changed != source and len(changed) - len(source) == len(mutant.after) - len(mutant.before)
            with pytest.raises(ValueError, match="is not the file"):
                mutants[0].apply("#" + source)


def test_a_draw_is_that_of_its_seed_and_holds_every_room_and_kind() -> None:
    first, again, other = (draw(seed, 60) for seed in (7, 7, 8))
    names = [mutant.name for _, _, mutant in first]
    assert names == [mutant.name for _, _, mutant in again] and len(set(names)) == 60
    assert len(set(names) & {mutant.name for _, _, mutant in other}) < 20
    assert {room.name for room, _, _ in first} == {room.name for room in ROOMS}
    assert len({mutant.kind for _, _, mutant in draw(7, 130)}) == 10


def test_explained_survivors_are_mutants_of_the_present_files() -> None:
    there = {
        mutant.name
        for room in ROOMS
        for target in room.targets
        for mutant in find_mutants(target.file, (ROOT / target.file).read_text(encoding="utf-8"))
    }
    explained = read_explained()
    assert explained and set(explained) <= there
    assert all(len(entry["why"]) > 20 and "->" in entry["what"] for entry in explained.values())


def test_a_few_mutants_are_noticed() -> None:
    """Six small faults in a copy of the suite; each must fail a test of its file."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.mutation", "--short", "--count", "6", "--seed", "1"],
        cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count(" killed ") >= 5, done.stdout
