"""The how-tos do what they say: every Python and shell block of docs/how-to is run, in order, as a reader would.

Each page has a folder of its own, an empty user folder (EXOGAIT_HOME) and a fresh process for each block. A block of
YAML with a title is the file of that name. Comments before a block steer the test alone:

    <!-- short: OLD -> NEW -->   text of the block that is replaced, so that minutes become seconds
"""

from __future__ import annotations

import os
import re
import stat
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = sorted((ROOT / "docs" / "how-to").glob("*.md"))
BLOCK = re.compile(r'^```(python|sh|yaml)(?: title="([\w./-]+)")?\n(.*?)^```$', re.MULTILINE | re.DOTALL)
SHORT = re.compile(r"<!-- short: (.*?) -> (.*?) -->")
SECONDS = 900  # the first run on a machine compiles the kernels


@dataclass(frozen=True)
class Block:
    """One block of code of a page."""

    language: str
    title: str | None
    code: str
    line: int


def blocks_of(page: Path) -> list[Block]:
    text, found, begin = page.read_text(encoding="utf-8"), [], 0
    for match in BLOCK.finditer(text):
        code = match[3]
        for comment in SHORT.finditer(text, begin, match.start()):
            old, new = comment.groups()
            assert old in code, f"{page.name}: {old!r} is not in the block that follows"
            code = code.replace(old, new)
        found.append(Block(match[1], match[2], code, text.count("\n", 0, match.start()) + 1))
        begin = match.end()
    return found


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
    folder = tmp_path / "work"
    folder.mkdir()
    inner = environment | {"EXOGAIT_HOME": str(tmp_path / "home")}
    for block in blocks_of(page):
        if block.language == "yaml":
            assert block.title, f"{page.name}, line {block.line}: a file needs a title"
            (folder / block.title).write_text(block.code, encoding="utf-8")
            continue
        command = [sys.executable, "-c", block.code] if block.language == "python" else ["sh", "-euc", block.code]
        done = subprocess.run(command, cwd=folder, env=inner, capture_output=True, text=True, timeout=SECONDS)
        assert done.returncode == 0, f"{page.name}, line {block.line}:\n{block.code}\n{done.stderr[-3000:]}"
