"""Run the notebooks: ``python -m tests.notebooks`` makes each .ipynb from its .py text, runs it and keeps its outputs.

Only what a reader sees is kept: no times of execution, no warnings on the error stream, no progress bars.
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "notebooks"
SECONDS = 1200
ADDRESS = re.compile(r" at 0x[0-9a-f]{6,}")
SCRATCH = re.compile(r"exogait-notebook-\w+")


def run(notebook: Any, seconds: int = SECONDS) -> None:
    """Run all cells in the notebooks' folder, on this tree."""
    import nbclient

    before = os.environ.get("PYTHONPATH", "")
    os.environ["PYTHONPATH"] = os.pathsep.join(part for part in (str(ROOT), before) if part)
    try:
        nbclient.NotebookClient(
            notebook, timeout=seconds, resources={"metadata": {"path": str(FOLDER)}}, kernel_name="python3"
        ).execute()
    finally:
        os.environ["PYTHONPATH"] = before


def tidy(notebook: Any) -> None:
    """Take away what changes from run to run and what no reader wants."""
    number = 0
    for index, cell in enumerate(notebook.cells):
        cell.id, cell.metadata = f"cell-{index}", {}
        if cell.cell_type != "code":
            continue
        number += 1
        cell.execution_count = number
        cell.outputs = [o for o in cell.outputs if o.output_type != "stream" or o.name == "stdout"]
        for output in cell.outputs:
            output.pop("transient", None)
            if output.output_type == "execute_result":
                output.execution_count = number
            if "text/plain" in output.get("data", {}):
                output.data["text/plain"] = ADDRESS.sub("", output.data["text/plain"])
                output.data["text/plain"] = SCRATCH.sub("exogait-notebook", output.data["text/plain"])
            if "text" in output:
                output.text = SCRATCH.sub("exogait-notebook", output.text)
    notebook.metadata = {
        "jupytext": notebook.metadata.get("jupytext", {}),
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }


def main(names: list[str]) -> None:
    """Make, run and write the notebooks of these names; all without."""
    import jupytext
    import nbformat

    for source in sorted(FOLDER.glob("*.py")):
        if names and source.stem not in names:
            continue
        notebook = jupytext.read(source)
        run(notebook)
        tidy(notebook)
        target = source.with_suffix(".ipynb")
        nbformat.write(notebook, target)
        print(f"{target.name}: {target.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main(sys.argv[1:])
