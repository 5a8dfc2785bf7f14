"""The command line as a table, run in this process in a cage: what it says, and what it leaves outside its folder."""

from __future__ import annotations

import contextlib
import dataclasses
import importlib
import inspect
import io
import os
import shutil
import sys
import types
import typing
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tyro.conf import Positional
from tyro.extras import SubcommandApp

from exogait.cli.app import app
from exogait.data.errors import ExogaitError

MAIN: Any = importlib.import_module("exogait.cli.main")


WITH_DOUBTS = 3
"""Exit code of a command that wrote everything and leaves something out of it, with its reason."""


class Misbehaved(AssertionError):
    """A command said more than one line, spoke of a bug, or left a file where it must not."""


@dataclass(frozen=True)
class Option:
    """One argument of a command."""

    name: str
    """As it stands on the command line, without the dashes."""
    kind: str
    """``number``, ``flag``, ``path`` or ``text``."""
    positional: bool


def commands() -> dict[str, list[Option]]:
    """Every command of the command line, as ``lab run``, with its arguments in order."""
    return dict(_commands(app, ""))


def _commands(group: SubcommandApp, prefix: str) -> Iterator[tuple[str, list[Option]]]:
    for name, spec in group._subcommands.items():
        full = f"{prefix}{name.replace('_', '-')}"
        if isinstance(spec.target, SubcommandApp):
            yield from _commands(spec.target, f"{full} ")
        else:
            yield full, list(_options(spec.target))


def _options(target: Callable[..., Any]) -> Iterator[Option]:
    hints = typing.get_type_hints(target, include_extras=True)
    for name in inspect.signature(target).parameters:
        hint = hints[name]
        inner = typing.get_args(hint)[0] if typing.get_origin(hint) is typing.Annotated else hint
        if isinstance(inner, type) and dataclasses.is_dataclass(inner):
            fields = typing.get_type_hints(inner, include_extras=True)
            for field in dataclasses.fields(inner):
                yield _option(field.name, fields[field.name])
        else:
            renamed = [part.name for part in getattr(hint, "__metadata__", ()) if getattr(part, "name", None)]
            yield _option(renamed[0] if renamed else name, hint)


def _option(name: str, hint: Any) -> Option:
    marks = getattr(hint, "__metadata__", ())
    positional = any(mark in getattr(Positional[str], "__metadata__", ()) for mark in marks)
    base = typing.get_args(hint)[0] if marks else hint
    parts = typing.get_args(base) if isinstance(base, types.UnionType) else (base,)
    kind = "flag" if bool in parts else "number" if {int, float} & set(parts) else "path" if Path in parts else "text"
    return Option(name.replace("_", "-"), kind, positional)


def command_line(command: str, given: dict[str, str | None]) -> list[str]:
    """Arguments of a command; ``None`` for a flag that stands, positional ones by their name."""
    positional = {option.name for option in commands()[command] if option.positional}
    line = command.split()
    for name, value in given.items():
        line.append(value or "" if name in positional else f"--{name}" if value is None else f"--{name}={value}")
    return line


def run_here(line: list[str], folder: Path, action: Callable[[], object] | None = None) -> tuple[int, str, str]:
    """Run a command in this process.

    Args:
        line: Its arguments.
        folder: Where it is run.
        action: A function to run in its place, as a command would be.

    Returns:
        Exit code, what it said on stderr, what it printed.
    """
    said, printed, code = io.StringIO(), io.StringIO(), 0
    before = sys.argv, MAIN.app, Path.cwd()
    sys.argv = ["exogait", *line]
    if action is not None:
        MAIN.app = types.SimpleNamespace(cli=lambda **_: action())
    os.chdir(folder)
    try:
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(said):
            MAIN.main()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1 if end.code else 0
    finally:
        sys.argv, MAIN.app = before[:2]
        os.chdir(before[2])
    return code, said.getvalue(), printed.getvalue()


class Cage:
    """A folder in which commands run: ``out`` is theirs, all else must stay as it is.

    Args:
        root: Empty folder.
    """

    def __init__(self, root: Path) -> None:
        self.root = root / "a" / "b"
        self.out = self.root / "out"
        self.root.mkdir(parents=True)
        self.outside = root.resolve()
        for name, folder in (("EXOGAIT_HOME", "home"), ("EXOGAIT_CACHE", "cache")):
            os.environ[name] = str(self.out / "home" if folder == "home" else root.parent / f"{root.name}-cache")
        os.environ.pop("EXOGAIT_DEBUG", None)
        self.known: set[str] = set()

    def close(self) -> None:
        """Take what is there now for what has to stay."""
        self.known = self._files()

    def _files(self) -> set[str]:
        return {str(path) for path in self.outside.rglob("*") if path != self.out and self.out not in path.parents}

    def run(self, line: list[str], action: Callable[[], object] | None = None, *, named: Collection[str] = ()) -> None:
        """Run a command, or a function as a command would be.

        Args:
            line: Arguments of the command.
            action: The function.
            named: Names that the command was told to write, inside the cage; they go again.

        Raises:
            ExogaitError: It was refused; the message is what it said.
            Misbehaved: It said more than a line, spoke of a bug, or left a file outside ``out``.
        """
        shutil.rmtree(self.out, ignore_errors=True)
        code, said, printed = run_here(line, self.root, action)
        told = [Path(os.path.normpath(self.outside / "a" / "b" / name)) for name in named]
        strangers = set()
        for name in self._files() ^ self.known:
            path = Path(name)
            if not any(path == one or one in path.parents or path.parent == one.parent for one in told):
                strangers.add(name)
        for name in self._files() - self.known:
            Path(name).unlink() if Path(name).is_file() else shutil.rmtree(name, ignore_errors=True)
        if strangers:
            raise Misbehaved(f"left or took {sorted(strangers)[:3]}")
        if "Traceback" in said or "this is a bug" in said or "unexpected " in printed:
            raise Misbehaved((said or printed).strip()[-300:])
        if code == 2 and any(word in said for word in ("full helptext", "Required options", "Unrecognized options")):
            raise ExogaitError("usage")
        if code == 2:
            if not said.startswith("exogait: ") or len(said) > 4000:
                raise Misbehaved(f"said {said[:200]!r}, {len(said)} characters")
            raise ExogaitError(said.removesuffix("\n"))
        if code not in (0, 1, WITH_DOUBTS) or said.strip():
            raise Misbehaved(f"ended with {code} and said {said[:200]!r}")
