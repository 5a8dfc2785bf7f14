"""exogait: from motion capture to a personalised exoskeleton controller.

The command line: one file a group of commands, each a short function that asks the junction or a package and prints
what came back.
"""

from __future__ import annotations

import os
import sys

from exogait.data.errors import ExogaitError

from . import demo, doctor, lab, learn, model, new, study, walk
from .app import app

__all__ = ["main"]

for group in (model, new, lab, walk, learn, study, doctor, demo):
    group.register(app)


def main() -> None:
    """Run the command line; every foreseen error is one line on stderr and exit code 2."""
    try:
        app.cli(prog="exogait", description="From motion capture to a personalised exoskeleton controller.")
    except ExogaitError as error:
        print(f"exogait: {error}", file=sys.stderr)
        raise SystemExit(2) from None
    except KeyboardInterrupt as error:  # or Stopped, which tells what was saved
        print(f"exogait: {str(error) or 'interrupted'}", file=sys.stderr)
        raise SystemExit(getattr(error, "code", 130)) from None
    except Exception as error:
        if os.environ.get("EXOGAIT_DEBUG"):
            raise
        print(
            f"exogait: unexpected {type(error).__name__}: {error}; this is a bug: EXOGAIT_DEBUG=1 shows the traceback",
            file=sys.stderr,
        )
        raise SystemExit(1) from None


if __name__ == "__main__":
    main()
