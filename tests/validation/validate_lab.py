"""The lab road against independent results: ``python -m tests.validation lab`` writes its part of docs/validation.md.

Each study is a module with a function ``section(data)`` that returns Markdown; a study that cannot run says why in
its place. Needs EXOGAIT_DATA.
"""

from __future__ import annotations

import importlib
import sys
import traceback

from exogait.data.errors import ExogaitError
from exogait.data.registry import data_folder
from tests.validation.sections import write_section

STUDIES = ("lab_files", "lab_synthetic", "lab_subject01", "lab_walks", "lab_metabolics", "lab_inputs", "lab_outputs",
           "lab_sessions")  # fmt: skip


def main(names: list[str] | None = None) -> None:
    """Run the named studies, all of them without a name, and write their sections."""
    data = data_folder()
    if data is None:
        sys.exit("EXOGAIT_DATA must name the folder of laboratory data")
    write_section(
        "validation.md", "lab", "## The lab road\n\nRegenerate with `EXOGAIT_DATA=... python -m tests.validation lab`."
    )
    for name in names or STUDIES:
        try:
            text = importlib.import_module(f"tests.validation.{name}").section(data)
        except ExogaitError as error:
            traceback.print_exc()
            text = f"### {name}\n\n**did not run:** {error}"
        print(write_section("validation.md", name.replace("_", "-"), text))


if __name__ == "__main__":
    main(sys.argv[1:])
