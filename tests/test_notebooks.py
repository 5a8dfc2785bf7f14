"""Notebooks run from top to bottom, say first what they show, check themselves last, and are the same as their text.

They run on what the suite ships and on short walks. Environment variables make them longer or take other policies:
``EXOGAIT_NOTEBOOK_SAMPLES`` (control steps, 02), ``EXOGAIT_NOTEBOOK_STARTS`` (walks a condition, 03 and 04) and
``EXOGAIT_NOTEBOOK_POLICIES`` (name or folder of the policies of a study, 03 and 04).
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
SECONDS = 600


def test_there_are_notebooks() -> None:
    assert NOTEBOOKS


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_equals_its_source(path: Path) -> None:
    jupytext = pytest.importorskip("jupytext")
    source = path.with_suffix(".py")
    if not source.exists():
        pytest.skip("kept as .ipynb only")
    cells = [(c.cell_type, c.source) for c in jupytext.read(path).cells]
    assert cells == [(c.cell_type, c.source) for c in jupytext.read(source).cells], f"jupytext --sync {path.name}"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_says_what_it_shows_and_checks_it(path: Path) -> None:
    cells = json.loads(path.read_text())["cells"]
    first, last = "".join(cells[0]["source"]), "".join(cells[-1]["source"])
    assert cells[0]["cell_type"] == "markdown" and "Question: **" in first and "You will see" in first
    assert cells[-1]["cell_type"] == "code" and "assert " in last
    assert not any(cell.get("outputs") for cell in cells), "clear the outputs before committing"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_runs(path: Path) -> None:
    nbclient = pytest.importorskip("nbclient")
    nbformat = pytest.importorskip("nbformat")
    notebook = nbformat.read(path, as_version=4)
    before = os.environ.get("PYTHONPATH", "")
    os.environ["PYTHONPATH"] = os.pathsep.join(part for part in (str(ROOT), before) if part)
    try:
        nbclient.NotebookClient(
            notebook, timeout=SECONDS, resources={"metadata": {"path": str(path.parent)}}, kernel_name="python3"
        ).execute()
    finally:
        os.environ["PYTHONPATH"] = before
