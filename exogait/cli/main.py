"""exogait: from motion capture to a personalised exoskeleton controller.

The command line: one file a group of commands, each a short function that asks the junction or a package and prints
what came back.
"""

from __future__ import annotations

import io
import os
import sys

from exogait.data.errors import ExogaitError, one_line

from . import demo, doctor, lab, learn, model, new, session, study, walk
from .app import app
from .ending import command_runs

__all__ = ["main"]

for group in (model, new, lab, session, walk, learn, study, doctor, demo):
    group.register(app)


def main() -> None:
    """Run the command line; every foreseen error is one line on stderr and exit code 2."""
    for stream in (sys.stdout, sys.stderr):  # a terminal or pipe without Unicode gets a sign for what it lacks
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace" if stream is sys.stdout else "backslashreplace")
    try:
        with command_runs():
            app.cli(
                prog="exogait", description="From motion capture to a personalised exoskeleton controller.",
                args=session.completed(sys.argv[1:]),
            )  # fmt: skip
            sys.stdout.flush()
    except ExogaitError as error:
        _end(str(error), 2)
    except KeyboardInterrupt as error:  # or Stopped, which tells what was saved
        _end(str(error) or "interrupted", getattr(error, "code", 130))
    except BrokenPipeError:
        _close_stdout()
        raise SystemExit(141) from None  # as a shell says of a program that wrote into a closed pipe
    except OSError as error:
        # A file that is missing, a disk that is full: the system's word on something outside this program.
        if os.environ.get("EXOGAIT_DEBUG"):
            raise
        if error.filename is None and error.strerror is None:
            _end_of_bug(error)
        where = "" if error.filename is None else f"{one_line(error.filename)}: "
        _end(f"{where}{error.strerror or error}; check the path, its permissions and the space on the disk", 2)
    except MemoryError:
        _end("not enough memory; give less at a time (fewer bodies, workers or frames)", 2)
    except Exception as error:
        if os.environ.get("EXOGAIT_DEBUG"):
            raise
        _end_of_bug(error)


def _end(line: str, code: int) -> None:
    print(f"exogait: {line}", file=sys.stderr)
    _close_stdout(flush=True)
    raise SystemExit(code) from None


def _end_of_bug(error: Exception) -> None:
    _end(f"unexpected {type(error).__name__}: {error}; this is a bug: EXOGAIT_DEBUG=1 shows the traceback", 1)


def _close_stdout(*, flush: bool = False) -> None:
    """Leave nothing for the interpreter to write at its end, which would complain of a closed pipe or a full disk."""
    try:
        if flush:
            sys.stdout.flush()
            return
    except OSError:
        pass
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


if __name__ == "__main__":
    main()
