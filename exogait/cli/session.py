"""A laboratory's day: many walks of persons and conditions, and how two of them differ."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from tyro.conf import Positional
from tyro.extras import SubcommandApp

from exogait.data import InputError
from exogait.data.extras import require_extra

from .printing import print_beside
from .progress import show_steps

WALK_LEFT_OUT = 3
"""Exit code where the results are written and a walk is left out of them."""
COMMANDS = ("run", "compare")
"""Commands of the group; ``exogait session FOLDER`` means the first."""


def register(app: SubcommandApp) -> None:
    """Put the commands in."""
    group = SubcommandApp()
    group.command(name="run")(session_run)
    group.command(name="compare")(session_compare)
    app.command(group, name="session", help="Many walks of persons and conditions: curves, spread, comparisons.")


def completed(arguments: list[str]) -> list[str]:
    """The command line with ``run`` put in where ``session`` is followed by a folder or table.

    Example:
        >>> completed(["session", "monday", "--out", "o"]), completed(["session", "compare", "o"])
        (['session', 'run', 'monday', '--out', 'o'], ['session', 'compare', 'o'])
    """
    if arguments[:1] == ["session"] and len(arguments) > 1 and arguments[1] not in (*COMMANDS, "-h", "--help"):
        return ["session", COMMANDS[0], *arguments[1:]]
    return arguments


def session_run(
    source: Positional[Path],
    *,
    out: Path,
    workers: int = 2,
    pdf: bool = False,
    spreadsheet: bool = False,
) -> None:
    """Analyse all walks of a folder or table: mean curves of persons and conditions, spread, what is left out and why.

    `run` may be left out. Exit code 3 says that everything is written and a walk is left out of it.

    Args:
        source: A folder of recordings (PERSON/CONDITION/walk.c3d, static trials by name, masses in persons.csv), or a
            CSV table with the columns person, walk, mass and, if wanted, condition, static, height, group, marker_map,
            belt_speed, name; walk may be a pattern, or the folder of a finished walk, measured or simulated.
        out: Folder for the page and the tables; the walks lie in `walks` inside it.
        workers: Walks at a time.
        pdf: Also the page as PDF, by a browser (Chromium, Chrome, Edge).
        spreadsheet: Also session.xlsx, every number with its unit.
    """
    if spreadsheet:
        require_extra("tables", "a spreadsheet")
    from exogait.analysis.session.plan import plan_session
    from exogait.analysis.session.run import run_session

    plan = plan_session(source)
    with show_steps(len(plan), "session") as step:
        session = run_session(plan, out=out, workers=workers, progress=step)
    if spreadsheet:
        session.write_spreadsheet()
    if pdf:
        print_beside(session.page, "exogait session")
    print(session.summary())
    if len(session.used) < len(session.walks):
        raise SystemExit(WALK_LEFT_OUT)


def session_compare(
    folder: Positional[Path],
    first: Positional[str],
    second: Positional[str | None] = None,
    *,
    by: Literal["condition", "date", "group", "person"] = "condition",
    persons: tuple[str, ...] = (),
    conditions: tuple[str, ...] = (),
    paired: bool | None = None,
    alpha: float = 0.05,
    out: Path | None = None,
    pdf: bool = False,
) -> None:
    """Compare two conditions, dates, groups or persons of a session, or two sessions: SPM, differences, effect sizes.

    Of several persons each counts once; of one person its strides are compared.

    Args:
        folder: Folder of `session`.
        first: What is compared with: a condition, or a date, group or person as --by says; or, alone, the folder of
            another session, which is compared with the first.
        second: What is compared.
        by: What the two are.
        persons: Only these persons.
        conditions: Only walks in these conditions.
        paired: Compare persons with themselves; yes where two or more are on both sides, if not given.
        alpha: Error rate of all curves together.
        out: Folder for the page and its tables; the session's if not given.
        pdf: Also the page as PDF, by a browser.
    """
    require_extra("spm", "comparing curves")
    from exogait.analysis.session.compare_page import write_comparison_page
    from exogait.analysis.session.session import join_sessions, read_session

    session, kind = read_session(folder), by
    if second is None:
        names = folder_names(folder, Path(first))
        session = join_sessions(dict(zip(names, (session, read_session(first)), strict=True)), folder)
        first, second, kind = *names, "session"
    result = session.compare(
        first, second, by=kind, persons=list(persons) or None, conditions=list(conditions) or None, paired=paired,
        alpha=alpha,
    )  # fmt: skip
    page = write_comparison_page(result, folder if out is None else out)
    if pdf:
        print_beside(page, "exogait session")
    print(f"{result}\nopen {page}")


def folder_names(first: Path, second: Path) -> tuple[str, str]:
    """What two folders are called, with as much of their paths as tells them apart.

    Example:
        >>> folder_names(Path("anna/before/results"), Path("anna/after/results"))
        ('before/results', 'after/results')
    """
    a, b = first.resolve().parts, second.resolve().parts
    for n in range(1, max(len(a), len(b)) + 1):
        if a[-n:] != b[-n:]:
            return "/".join(a[-n:]), "/".join(b[-n:])
    raise InputError("first", second, "another session than the one it is compared with")
