"""Pages of Markdown whose blocks of code are run, in order, as a reader would.

A page has a folder of its own, an empty user folder (EXOGAIT_HOME) and a fresh process for each block. A block of YAML
with a title is the file of that name. Comments before a block steer the test alone:

    <!-- short: OLD -> NEW -->   text of the block that is replaced, so that minutes become seconds
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

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
    """The blocks of a page, made short."""
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


def run_page(page: Path, folder: Path, python: Path, environment: Mapping[str, str]) -> int:
    """Run every block of a page.

    Args:
        page: The page.
        folder: Empty folder to run it in.
        python: Interpreter of blocks of Python.
        environment: Variables; its PATH has the command ``exogait``.

    Returns:
        Number of blocks that were run.

    Raises:
        AssertionError: One failed.
    """
    work, number = folder / "work", 0
    work.mkdir()
    inner = {**environment, "EXOGAIT_HOME": str(folder / "home")}
    for block in blocks_of(page):
        if block.language == "yaml":
            assert block.title, f"{page.name}, line {block.line}: a file needs a title"
            (work / block.title).write_text(block.code, encoding="utf-8")
            continue
        command = [str(python), "-c", block.code] if block.language == "python" else ["sh", "-euc", block.code]
        done = subprocess.run(command, cwd=work, env=inner, capture_output=True, text=True, timeout=SECONDS)
        assert done.returncode == 0, f"{page.name}, line {block.line}:\n{block.code}\n{done.stderr[-3000:]}"
        number += 1
    return number
