"""Shared fixtures: real data where there is some, loud skips where there is none."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

if "EXOGAIT_HOME" not in os.environ:  # what lies in a developer's own user folder is no part of the tests
    os.environ["EXOGAIT_HOME"] = str(Path(__file__).parent / "no_user_folder")

# A shell that starts the tests in the background ignores SIGINT for them, and so would every process that a test kills.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# OpenMP's threads wait for the next loop by turning in circles, which takes the processor from the other worker of the
# suite; asleep, they leave it. Read when the first library that uses OpenMP is loaded, so it is set before any test is.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")


def real_data_folder() -> Path | None:
    folder = os.environ.get("EXOGAIT_DATA")
    return Path(folder) if folder and Path(folder).is_dir() else None


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real laboratory data, or a skip that says what is missing."""
    folder = real_data_folder()
    if folder is None:
        pytest.skip("EXOGAIT_DATA names no folder: the tests on real laboratory data did not run")
    return folder


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if real_data_folder() is None:
        terminalreporter.section("NOTE", sep="=")
        terminalreporter.line("EXOGAIT_DATA names no folder: every test on real laboratory data was skipped.")
