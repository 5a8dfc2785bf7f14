"""Notebooks run from top to bottom, say first what they show, check themselves last, and are the same as their text.

They are committed with the outputs of such a run: ``python -m tests.notebooks`` makes them.

They run on what the suite ships and on short walks. Environment variables make them longer or take other policies:
``EXOGAIT_NOTEBOOK_SAMPLES`` (control steps, 02), ``EXOGAIT_NOTEBOOK_STARTS`` (walks a condition, 03 and 04) and
``EXOGAIT_NOTEBOOK_POLICIES`` (name or folder of the policies of a study, 03 and 04).
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.notebooks import run

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
SECONDS = 600
LARGEST = 6e6
"""Bytes of all notebooks together."""


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


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_shows_its_outputs(path: Path) -> None:
    cells = [cell for cell in json.loads(path.read_text())["cells"] if cell["cell_type"] == "code"]
    outputs = [output for cell in cells for output in cell["outputs"]]
    assert not [output for output in outputs if output["output_type"] == "error"]
    assert any(kind.startswith("image/") for output in outputs for kind in output.get("data", {})), "no figure"
    assert all(cell["execution_count"] for cell in cells), f"python -m tests.notebooks {path.stem}"


def test_notebooks_are_not_large() -> None:
    assert sum(path.stat().st_size for path in NOTEBOOKS) < LARGEST


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_runs(path: Path) -> None:
    pytest.importorskip("nbclient")
    nbformat = pytest.importorskip("nbformat")
    run(nbformat.read(path, as_version=4), SECONDS)
