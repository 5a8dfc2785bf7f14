"""The page of the command line: every command with its own help, asked when the site is built."""

from __future__ import annotations

import contextlib
import io
import os
import re
import sys
from collections.abc import Iterator
from unittest import mock

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

WIDTH = "100"
INTRODUCTION = """# Commands

Every command prints this help with `--help`. A mistake ends with one line on the error stream and exit code 2.
`exogait doctor` says which extras are installed and what each is for.
"""


def help_of(*command: str) -> str:
    """What ``exogait COMMAND --help`` prints."""
    from exogait.cli.main import main

    printed = io.StringIO()
    arguments = ["exogait", *command, "--help"]
    environment = {"COLUMNS": WIDTH, "NO_COLOR": "1", "TERM": "dumb"}
    with mock.patch.object(sys, "argv", arguments), mock.patch.dict(os.environ, environment):
        with contextlib.redirect_stdout(printed), contextlib.suppress(SystemExit):
            main()
    return printed.getvalue().strip()


def commands(*group: str) -> Iterator[tuple[tuple[str, ...], str]]:
    """Every command below a group with its help; a group comes before its commands."""
    text = help_of(*group)
    if group:
        yield group, text
    usage = " ".join(text.split("\n\n")[0].split())
    if found := re.search(r"\[-h\].* \{([\w,-]+)\}$", usage):
        for name in found[1].split(","):
            yield from commands(*group, name)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the page."""
    entries = "".join(f"\n## exogait {' '.join(name)}\n\n```text\n{text}\n```\n" for name, text in commands())
    files.append(File.generated(config, "reference/commands.md", content=INTRODUCTION + entries))
    return files
