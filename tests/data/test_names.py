"""Sides, stems and mirrored names; a test that nobody cuts endings by hand again."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

from exogait.data.constants import CONDITION_NAMES, CONDITIONS, GRAVITY
from exogait.data.names import SIDES, is_translational, mirrored_name, other_side, side_of, stem
from tests.house import PACKAGES, ROOT

FILE_NAME = re.compile(r"\S*[\w-]\.(json|npz|csv|html|mot|sto|trc|c3d|osim|xml|parquet|safetensors|onnx)")
TASK_NAME = re.compile(r"(train|tune|search|walk)-|generalist_")


def product_modules() -> Iterator[Path]:
    for package in (*PACKAGES, "exogait/cli", "exogait/junction"):
        yield from sorted((ROOT / package).rglob("*.py"))


def spelled(text: str) -> set[str]:
    """Names of files, or their ends, among a module's literals, those within f-strings too, without their folders."""
    literals = (node.value for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Constant))
    return {s.rpartition("/")[2] for s in literals if isinstance(s, str) and FILE_NAME.fullmatch(s)}


@pytest.mark.parametrize(
    ("name", "side", "base", "mirrored"),
    [
        ("soleus_r", "r", "soleus", "soleus_l"),
        ("hip_flexion_l", "l", "hip_flexion", "hip_flexion_r"),
        ("pelvis_tilt", None, "pelvis_tilt", "pelvis_tilt"),
        ("exo_ankle_angle_r", "r", "exo_ankle_angle", "exo_ankle_angle_l"),
        ("knee_angle_r_beta", None, "knee_angle_r_beta", "knee_angle_r_beta"),
        ("", None, "", ""),
    ],
)
def test_side_stem_and_mirror_of_a_name(name: str, side: str | None, base: str, mirrored: str) -> None:
    assert (side_of(name), stem(name), mirrored_name(name)) == (side, base, mirrored)
    assert mirrored_name(mirrored) == name


def test_sides_are_each_others_other() -> None:
    assert [other_side(side) for side in SIDES] == list(reversed(SIDES))


def test_translations_are_told_from_rotations() -> None:
    assert is_translational("pelvis_ty") and not is_translational("pelvis_tilt")


def test_every_condition_has_a_name() -> None:
    assert tuple(CONDITION_NAMES) == CONDITIONS and GRAVITY == 9.80665


def test_knowledge_has_one_home() -> None:
    """Gravity stands in constants.py alone; endings are cut and tested in names.py alone."""
    ending = re.compile(
        r"""(endswith|removesuffix)\(\(?f?["']_([rl]|\{\w+\})["']|["']_r["'], ?["']_l["']|\[-2:\] (==|in) ["'(]"""
    )
    cut = ['name.endswith("_r")', "x.removesuffix(f'_{side}')", 'for side in ("_r", "_l")', 'n[-2:] in ("_x",)']
    assert all(ending.search(line) for line in cut)
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in product_modules()
        if path.parent.name != "data" or path.name not in ("constants.py", "names.py")
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if ending.search(line) or "9.80665" in line
    ]
    assert not found


def test_a_file_is_named_in_one_module() -> None:
    """Who writes a file and who reads it share one name; an ending alone (``.csv``) is a kind of file and no name."""
    code = 'a = f"{b}_ik.mot"; c = d / "study.json", f"{e}/report.html", ".csv", "*.json", "see trial.json"'
    assert spelled(code) == {"_ik.mot", "study.json", "report.html"}
    modules: dict[str, list[str]] = defaultdict(list)
    for path in product_modules():
        for name in spelled(path.read_text(encoding="utf-8")):
            modules[name].append(str(path.relative_to(ROOT)))
    assert "trial.json" in modules
    assert not {name: where for name, where in modules.items() if len(where) > 1}


def test_a_study_names_its_tasks_in_one_module() -> None:
    home = ROOT / "osim_env" / "study" / "names.py"
    found = {
        path
        for path in product_modules()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and TASK_NAME.fullmatch(node.value)
    }
    assert found == {home}
