"""A command in this process: its refusals cost no start of Python each.

What only a fresh process shows is tested in some (``tests/exogait/test_command_line.py``,
``tests/safety/test_command_line.py``).
"""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.fuzz.commands import run_here


def run_inside(*arguments: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run a command of ``exogait``; exit code, stdout and stderr as of a process."""
    line = [str(argument) for argument in arguments]
    code, said, printed = run_here(line, cwd)
    return subprocess.CompletedProcess(line, code, printed, said)
