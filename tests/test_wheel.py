"""The wheel claims one name, carries its data, and works beside a user's files that are called like our folders."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDERS = ("exogait", "analysis", "data", "models", "osim_env")
BUILD = "import sys, setuptools.build_meta as backend; print(backend.build_wheel(sys.argv[1]))"
SCRIPT = """
from importlib import import_module

import exogait as eg

assert {import_module(name).HERE for name in ("analysis", "data", "models")} == {"the user's"}
assert eg.__file__.startswith(TARGET), eg.__file__
assert eg.analysis.__name__ == "exogait.analysis" and "read_c3d" in dir(eg.analysis)
assert eg.data.__name__ == "exogait.data" and "read_sto" in dir(eg.data)
assert "hip_ankle" in eg.models.device_names()
assert eg.models.load_device("hip_ankle").description
"""


def build_wheel(tree: Path, out: Path) -> Path:
    """The wheel, built from a copy of the tree that keeps its symbolic links; both folders are made."""
    tree.mkdir(exist_ok=True)
    out.mkdir(exist_ok=True)
    for name in FOLDERS:
        shutil.copytree(ROOT / name, tree / name, symlinks=True, ignore=shutil.ignore_patterns("__pycache__", "*.so"))
    for name in ("pyproject.toml", "README.md", "LICENSE", "MANIFEST.in"):
        shutil.copy(ROOT / name, tree)
    done = subprocess.run([sys.executable, "-c", BUILD, str(out)], cwd=tree, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    return next(out.glob("*.whl"))


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel."""
    pytest.importorskip("setuptools", minversion="77")
    return build_wheel(tmp_path_factory.mktemp("tree"), tmp_path_factory.mktemp("dist"))


def test_one_name_at_the_top(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.split("/")[0] for name in names}
    assert len(tops) == 2 and "exogait" in tops and all(t == "exogait" or t.endswith(".dist-info") for t in tops)


def test_every_file_of_the_package_is_inside(wheel: Path) -> None:
    held = set(zipfile.ZipFile(wheel).namelist())
    missing = []
    for folder in FOLDERS:
        for file in (ROOT / folder).rglob("*"):
            if file.is_symlink() or not file.is_file() or "__pycache__" in file.parts or file.suffix in (".so", ".pyc"):
                continue
            path = file.relative_to(ROOT).as_posix()
            missing += [] if (path if folder == "exogait" else f"exogait/{path}") in held else [path]
    assert not missing


def test_it_works_beside_a_users_own_files(wheel: Path, tmp_path: Path) -> None:
    target, folder = tmp_path / "installed", tmp_path / "work"
    folder.mkdir()
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--target", str(target)]
    done = subprocess.run([*pip, str(wheel)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    for name in ("data", "models", "analysis"):
        (folder / f"{name}.py").write_text('HERE = "the user\'s"\n')
    (folder / "script.py").write_text(f"TARGET = {str(target)!r}\n{SCRIPT}")
    environment = os.environ | {"PYTHONPATH": str(target)}
    done = subprocess.run(
        [sys.executable, "script.py"], cwd=folder, env=environment, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr[-2000:]
