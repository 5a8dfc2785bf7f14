"""Errors that a user can act on: one line that says what, where, and what to do next.

Every error the suite raises on purpose derives from :class:`ExogaitError`. The command line prints its message and
exits with code 2; a traceback on the screen is a bug. A caller's wrong array shape or type stays a ``ValueError`` or
``TypeError``, as in numpy.
"""

from __future__ import annotations

import difflib
import reprlib
from collections.abc import Iterable
from pathlib import Path

_SHORT = reprlib.Repr()
_SHORT.maxlevel, _SHORT.maxstring, _SHORT.maxother, _SHORT.maxlong = 4, 200, 200, 60
_SHORT.maxtuple = _SHORT.maxlist = _SHORT.maxdict = _SHORT.maxset = 24
LONGEST = 1000
"""Characters of a stranger's text in a message."""


def one_line(text: object) -> str:
    r"""A stranger's text (a path, a name, what a library said) as it can stand in a message of one line.

    Example:
        >>> one_line("a\nb.c3d")
        'a\\nb.c3d'
    """
    plain = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in str(text))
    return plain if len(plain) <= LONGEST else f"{plain[: LONGEST - 200]}...{plain[-197:]}"


def shown(value: object) -> str:
    """A value as a message shows it: on one line, and short, however large it is."""
    try:
        return one_line(_SHORT.repr(value))
    except ValueError:  # Python writes no number of more than 4,300 digits
        return "a number of thousands of digits"


class ExogaitError(Exception):
    """Base of all errors that the suite raises on purpose."""


class InputError(ExogaitError):
    """A value that the user gave is outside what is allowed.

    Args:
        field: Name of the field or option, with its file where it has one.
        value: What was given.
        allowed: What is allowed, in words.
    """

    def __init__(self, field: str, value: object, allowed: str) -> None:
        super().__init__(f"{one_line(field)}: {shown(value)} is not allowed; {allowed}")


class UnknownNameError(ExogaitError):
    """A name that does not exist, with the nearest that do.

    Args:
        kind: What was looked up, for example ``"device"``.
        name: The name that was asked for.
        known: All valid names.
        where: File or component in which the name stood.
    """

    def __init__(self, kind: str, name: str, known: Iterable[str], where: str = "") -> None:
        known = sorted(map(one_line, known))
        near = difflib.get_close_matches(str(name)[:LONGEST], known, n=3, cutoff=0.5)
        hint = f"did you mean {' or '.join(near)}?" if near else f"known: {', '.join(known[:40]) or 'none'}"
        super().__init__(f"{one_line(where) + ': ' if where else ''}unknown {kind} {shown(name)}; {hint}")


class FileFormatError(ExogaitError):
    """A file that cannot be read for what it claims to be.

    Args:
        path: The file.
        problem: What is wrong with it.
        todo: What the user can do.
        line: Line number, where the format has lines.
    """

    def __init__(self, path: str | Path, problem: str, todo: str = "", line: int | None = None) -> None:
        place = f"{one_line(path)}:{line}" if line is not None else one_line(path)
        super().__init__(f"{place}: {one_line(problem)}" + (f"; {todo}" if todo else ""))


class ForkedError(ExogaitError):
    """A process was forked from one in which bodies had walked; its compiled loops cannot run.

    Args:
        parent: Number of the process in which they walked.
    """

    def __init__(self, parent: int) -> None:
        self.parent = parent
        super().__init__(
            f"this process was forked from process {parent} after bodies had walked there, which compiled loops do not "
            'survive; start workers by "spawn" (gymnasium: vector_kwargs={"context": "spawn"}; stable-baselines3: '
            'start_method="spawn")'
        )

    def __reduce__(self) -> tuple[type[ForkedError], tuple[int]]:
        """Rebuild from the number, in another process."""
        return ForkedError, (self.parent,)


class UnitsError(ExogaitError):
    """A quantity whose unit is missing, unknown or not the expected one."""


SHOWN = 3
"""Components of one kind that a refusal names; the error's ``components`` holds them all."""


class UnsupportedModelError(ExogaitError):
    """A model holds components that the compiled engine cannot reproduce.

    Args:
        path: The model.
        components: Every unsupported component as (OpenSim path, class, what to do).
    """

    def __init__(self, path: str | Path, components: Iterable[tuple[str, str, str]]) -> None:
        self.components = list(components)
        groups: dict[tuple[str, str], list[str]] = {}
        for where, kind, todo in self.components:
            groups.setdefault((kind, todo), []).append(where)
        listing = "".join(
            f"\n  {len(places)} x {kind}: {todo}: {', '.join(places[:SHOWN])}"
            + (f" and {len(places) - SHOWN} more" if len(places) > SHOWN else "")
            for (kind, todo), places in groups.items()
        )
        super().__init__(f"{path}: {len(self.components)} component(s) cannot be compiled exactly:{listing}")


class SimulationDivergedError(ExogaitError):
    """A simulation left the finite, physical range.

    Args:
        time: Simulated time, s.
        reason: What was seen first.
        environment: Index in the batch.
    """

    def __init__(self, time: float, reason: str, environment: int | None = None) -> None:
        self.time, self.environment = time, environment
        where = "" if environment is None else f" in environment {environment}"
        super().__init__(f"simulation diverged at t = {time:.4f} s{where}: {reason}")


class MissingDependencyError(ExogaitError):
    """An optional package that the wanted function needs.

    Args:
        package: Distribution name, or several with commas between.
        purpose: What it is needed for.
        extra: The extra of this project that brings it.
    """

    def __init__(self, package: str, purpose: str, extra: str | None = None) -> None:
        target = f'"exogait[{extra}]"' if extra else package
        what = f"packages {package}" if "," in package else f"package {package}"
        super().__init__(f"{purpose} needs the {what}; install it with: pip install {target}")


class DataQualityWarning(UserWarning):
    """Measured data has a flaw that the report must show (a gap, a clipped plate, a large residual)."""
