"""What is changed in a source file, one place at a time: the operators, on Python's syntax tree.

Each mutant replaces the text of one expression or statement and leaves every other character, so that lines and
comments stay. Annotations, docstrings, messages of errors, decorators and what only displays are left alone: a change
there is no fault of a number. So are defaults of arguments, which are choices and no equations.
"""

from __future__ import annotations

import ast
import hashlib
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

SHOWING = {"card", "__repr__", "__str__", "describe", "__post_init__", "main"}
"""Functions that display or refuse; none computes."""
OPPOSITE: dict[type, type] = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult}
NEIGHBOUR: dict[type, type] = {ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt}
LOGIC: dict[type, type] = {ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd, ast.And: ast.Or, ast.Or: ast.And}
EXTREMES = {"maximum": "minimum", "minimum": "maximum", "max": "min", "min": "max", "fmax": "fmin", "fmin": "fmax"}
SIDES = {"left": "right", "right": "left", "l": "r", "r": "l", "L": "R", "R": "L"}
INDEX = {0: 1, 1: 0, 2: 1, -1: 0}
WRITES = {"store", "store3", "put", "_add"}
"""Calls of the kernels that stand where other code has an assignment."""
UNCOUNTED = {"axis", "ndmin", "decimals", "stacklevel", "maxsplit", "indent", "dtype", "iterations", "rtol", "atol"}
"""Keywords whose numbers are no quantity."""


@dataclass(frozen=True)
class Mutant:
    """One change of one file."""

    file: str
    """Relative to the root of the repository."""
    kind: str
    function: str
    """Qualified name of what it stands in."""
    start: int
    """Where the replaced text begins and ends, characters of the file."""
    end: int
    before: str
    after: str
    line: int
    occurrence: int
    """How many equal changes come before it in the same function."""

    @property
    def name(self) -> str:
        """Name that outlives changes elsewhere in the file."""
        text = "\0".join((self.file, self.kind, self.function, self.before, self.after, str(self.occurrence)))
        return hashlib.sha256(text.encode()).hexdigest()[:10]

    def apply(self, source: str) -> str:
        """The file with the change."""
        if source[self.start : self.end] != self.before:
            raise ValueError(f"{self.file} is not the file that the mutant {self.name} was found in")
        return source[: self.start] + self.after + source[self.end :]

    def describe(self) -> str:
        """Place and change in one line."""
        return f"{self.file}:{self.line} {self.function}: {_short(self.before)} -> {_short(self.after)}"


def find_mutants(file: str, source: str) -> list[Mutant]:
    """Every mutant of a source file, in order of place.

    Args:
        file: Name of the file, relative to the root.
        source: Its text.
    """
    starts = [0]
    for line in source.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))

    def offset(line: int, column: int) -> int:
        text = source[starts[line - 1] : starts[line]]
        return starts[line - 1] + len(text.encode()[:column].decode())

    found: list[Mutant] = []
    seen: Counter[tuple[str, str, str, str]] = Counter()
    places = sorted(_walk(ast.parse(source), "module"), key=lambda place: (place[0].lineno, place[0].col_offset))
    for node, function, kind, after in places:
        assert node.end_lineno is not None and node.end_col_offset is not None
        start, end = offset(node.lineno, node.col_offset), offset(node.end_lineno, node.end_col_offset)
        before = source[start:end]
        key = (kind, function, before, after)
        found.append(Mutant(file, kind, function, start, end, before, after, node.lineno, seen[key]))
        seen[key] += 1
    return found


def _short(text: str) -> str:
    text = re.sub(r"\s+", " ", text)
    return f"`{text if len(text) <= 70 else text[:67] + '...'}`"


def _walk(node: ast.AST, function: str) -> Iterator[tuple[ast.expr | ast.stmt, str, str, str]]:
    """Places below a node with what stands there instead."""
    if isinstance(node, ast.Raise | ast.Assert | ast.JoinedStr | ast.Import | ast.ImportFrom | ast.AnnAssign):
        if not (isinstance(node, ast.AnnAssign) and node.value is not None and not isinstance(node.value, ast.Call)):
            return
        yield from _walk(node.value, function)
        return
    if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
        return
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        if node.name in SHOWING:
            return
        inner = node.name if function == "module" else f"{function}.{node.name}"
        for child in node.body:
            yield from _walk(child, inner)
        return
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return  # a docstring
    if isinstance(node, ast.expr | ast.stmt):
        for kind, after in _changes(node):
            yield node, function, kind, after
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns", "decorator_list"):
            continue
        if isinstance(node, ast.keyword) and node.arg in UNCOUNTED:
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                if isinstance(node, ast.Subscript) and name == "slice":
                    yield from _indices(child, function)
                else:
                    yield from _walk(child, function)


def _indices(node: ast.AST, function: str) -> Iterator[tuple[ast.expr | ast.stmt, str, str, str]]:
    """Exchanged indices; what else stands in a subscript is looked at as anywhere."""
    for part in node.elts if isinstance(node, ast.Tuple) else [node]:
        value = _number(part)
        if isinstance(value, int) and value in INDEX:
            assert isinstance(part, ast.expr)
            yield part, function, "index", str(INDEX[value])
        elif value is None:
            yield from _walk(part, function)


def _number(node: ast.AST) -> int | float | None:
    """Value of a literal number, with its sign."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        value = _number(node.operand)
        return None if value is None else -value
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        return node.value
    return None


def _is_text(node: ast.AST) -> bool:
    kinds = ast.JoinedStr | ast.Tuple | ast.List
    return isinstance(node, kinds) or (isinstance(node, ast.Constant) and isinstance(node.value, str))


def _changes(node: ast.expr | ast.stmt) -> Iterator[tuple[str, str]]:
    """Kind and new text of every change of this node itself."""
    match node:
        case ast.BinOp(op=op) if type(op) in OPPOSITE and not (_is_text(node.left) or _is_text(node.right)):
            changed = ast.BinOp(node.left, OPPOSITE[type(op)](), node.right)
            yield "arithmetic", f"({ast.unparse(changed)})"
        case ast.BinOp(op=op) if type(op) in LOGIC:
            yield "logic", f"({ast.unparse(ast.BinOp(node.left, LOGIC[type(op)](), node.right))})"
        case ast.BoolOp(op=op):
            yield "logic", f"({ast.unparse(ast.BoolOp(LOGIC[type(op)](), node.values))})"
        case ast.Compare(ops=[op]) if type(op) in NEIGHBOUR:
            yield "border", f"({ast.unparse(ast.Compare(node.left, [NEIGHBOUR[type(op)]()], node.comparators))})"
        case ast.UnaryOp(op=ast.USub()):
            yield "minus", f"({ast.unparse(node.operand)})"
        case ast.Constant(value=value) if type(value) is float:
            yield "number", repr(value * 1.1 if value else 1.0)
            if abs(value) == 1.0:
                yield "sign", f"(-{value!r})"
        case ast.Constant(value=value) if type(value) is int:
            yield "number", repr(value + 1)
        case ast.Constant(value=str(value)):
            if value in SIDES:
                yield "side", repr(SIDES[value])
            elif value[-2:] in ("_l", "_r"):
                yield "side", repr(value[:-1] + SIDES[value[-1]])
        case ast.Call(func=ast.Attribute(attr=name) | ast.Name(id=name)) if name in EXTREMES and len(node.args) > 1:
            text = ast.unparse(node.func)
            function = text[: len(text) - len(name)] + EXTREMES[name]
            yield "extreme", ast.unparse(ast.Call(ast.Name(function), node.args, node.keywords))
        case ast.AugAssign():
            yield "statement", "pass"
        case ast.Expr(value=ast.Call(func=ast.Name(id=name))) if name in WRITES:
            yield "statement", "pass"
