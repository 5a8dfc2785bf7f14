"""The how-tos do what they say: every Python and shell block of docs/how-to is run (see :mod:`tests.kit.howto`).

``python -m tests.validation.installed`` runs them with an installed wheel, outside the tree.
"""

from __future__ import annotations

import os
import re
import stat
import sys
from pathlib import Path

import pytest

from tests.kit.howto import blocks_of, run_page

ROOT = Path(__file__).parents[1]
PAGES = sorted((ROOT / "docs" / "how-to").glob("*.md"))


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Where the commands ``exogait`` and ``python`` are this suite's and this interpreter."""
    programs = tmp_path_factory.mktemp("bin")
    for name, arguments in (("exogait", "-m exogait"), ("python", "")):
        program = programs / name
        program.write_text(f'#!/bin/sh\nexec "{sys.executable}" {arguments} "$@"\n')
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
    path, inner = os.environ.get("PYTHONPATH", ""), os.environ.get("PATH", "")
    return os.environ | {
        "PATH": os.pathsep.join([str(programs), inner]),
        "PYTHONPATH": os.pathsep.join(part for part in (str(ROOT), path) if part),
        "MPLBACKEND": "agg",
    }


def test_every_page_has_code_that_runs() -> None:
    assert len(PAGES) >= 6
    for page in PAGES:
        assert any(block.language in ("python", "sh") for block in blocks_of(page)), page.name
        opened = re.findall(r"^```(\w+)", page.read_text(encoding="utf-8"), re.MULTILINE)
        assert len(opened) == len(blocks_of(page)), f"{page.name}: a block is of no known language"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_howto_runs(page: Path, tmp_path: Path, environment: dict[str, str]) -> None:
    assert run_page(page, tmp_path, Path(sys.executable), environment) > 0
