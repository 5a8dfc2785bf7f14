"""The one door through which the suite imports OpenSim, silenced.

OpenSim writes its log to the screen from C++ and, once asked to, to ``opensim.log`` in the working directory. A user of
this suite wants neither: :func:`import_opensim` removes the file sink and raises the log level before a model is read.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from types import ModuleType
from typing import Literal

from exogait.data.errors import MissingDependencyError

LogLevel = Literal["Off", "Critical", "Error", "Warn", "Info", "Debug", "Trace"]


def import_opensim(log_level: LogLevel = "Off") -> ModuleType:
    """Import ``opensim`` without its log file and without its log lines.

    Args:
        log_level: Least severe message that still reaches the screen.

    Returns:
        The ``opensim`` module.

    Raises:
        MissingDependencyError: The wheel is not installed.
    """
    try:
        import opensim
    except ImportError as error:
        raise MissingDependencyError("opensim", "reading or building an OpenSim model") from error
    opensim.Logger.removeFileSink()
    opensim.Logger.setLevelString(log_level)
    return opensim


@contextlib.contextmanager
def captured_log(level: LogLevel = "Warn") -> Iterator[list[str]]:
    """Collect what OpenSim logs inside the block, instead of printing it.

    The C++ logger writes to the process's standard streams, so these are redirected at the level of file descriptors.

    Yields:
        A list that holds the log lines once the block has ended.
    """
    import sys
    import tempfile

    opensim = import_opensim(level)
    lines: list[str] = []
    sys.stdout.flush()
    sys.stderr.flush()
    saved = [os.dup(1), os.dup(2)]
    with tempfile.TemporaryFile(mode="w+b") as sink:
        try:
            os.dup2(sink.fileno(), 1)
            os.dup2(sink.fileno(), 2)
            yield lines
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            for stream, copy in zip((1, 2), saved, strict=True):
                os.dup2(copy, stream)
                os.close(copy)
            opensim.Logger.setLevelString("Off")
            sink.seek(0)
            lines.extend(sink.read().decode(errors="replace").splitlines())
