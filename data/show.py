"""How objects show themselves: a few lines of text, and in a notebook a small table with curves.

A class that inherits :class:`Shown` prints what :meth:`Shown.card` says in at most :data:`LINES` lines, and as HTML in
which everything is escaped and nothing is fetched: names of subjects, files and markers come from strangers.
"""

from __future__ import annotations

import dataclasses
import html
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

LINES = 20
"""Lines that an object prints at most."""
WIDTH = 116
"""Characters of a line at most."""
NAMED = 8
"""Names of a list that are spelled out."""
SVG_WIDTH, SVG_HEIGHT, SVG_POINTS = 220, 70, 160
COLOURS = ("#1f5fa8", "#c2571a", "#4d7c0f", "#7a3e9d")
"""Blue solid, orange dashed, ...: told apart in grey print, too."""


@dataclass(frozen=True)
class Curve:
    """One small picture: some lines over a common axis."""

    title: str
    """What is drawn, with its unit."""
    lines: tuple[tuple[str, ArrayLike], ...]
    """Label and values of each, shape (n,), at even distances; NaN leaves a gap."""


@dataclass(frozen=True)
class Card:
    """What an object says of itself."""

    title: str
    facts: tuple[tuple[str, str], ...] = ()
    """Label and value, in order of importance."""
    curves: tuple[Curve, ...] = ()

    def text(self) -> str:
        """At most :data:`LINES` lines."""
        lines = [_clip(self.title)]
        width = max((len(label) for label, _ in self.facts), default=0)
        lines += [_clip(f"  {label:{width}s}  {value}") for label, value in self.facts]
        if len(lines) > LINES:
            lines = [*lines[: LINES - 1], f"  and {len(lines) - LINES + 1} more"]
        return "\n".join(lines)

    def html(self) -> str:
        """A table and the curves; stands on its own."""
        rows = "".join(
            f'<tr><th style="text-align:left;font-weight:normal;opacity:.7;padding:1px 12px 1px 0">{_safe(label)}</th>'
            f'<td style="text-align:left;padding:1px 0">{_safe(value)}</td></tr>'
            for label, value in self.facts
        )
        pictures = "".join(_svg(curve) for curve in self.curves)
        return (
            '<div style="font:13px/1.45 system-ui,sans-serif;max-width:60em;overflow-wrap:anywhere">'
            f"<strong>{_safe(self.title)}</strong>"
            f'<table style="border-collapse:collapse;margin:4px 0">{rows}</table>'
            f'<div style="display:flex;flex-wrap:wrap;gap:10px">{pictures}</div></div>'
        )


class Shown:
    """Something that shows itself; a dataclass needs no more than to inherit it."""

    def __init_subclass__(cls, **keywords: Any) -> None:
        super().__init_subclass__(**keywords)
        # A dataclass writes a __repr__ of all its arrays unless the class has one of its own.
        if "__repr__" not in cls.__dict__:
            cls.__repr__ = Shown.__repr__

    def card(self) -> Card:
        """What it says of itself: its fields, large ones in short."""
        return Card(type(self).__name__, fields_of(self))

    def __repr__(self) -> str:
        try:
            return self.card().text()
        except Exception as error:  # an object that a debugger shows half built must not end the session
            return f"<{type(self).__name__}, which cannot show itself: {_clip(f'{type(error).__name__}: {error}')}>"

    def _repr_html_(self) -> str:
        try:
            return self.card().html()
        except Exception:
            return f"<pre>{html.escape(repr(self))}</pre>"


def fields_of(owner: Any) -> tuple[tuple[str, str], ...]:
    """Fields of a dataclass with their values in short; those that hold nothing are left out."""
    facts = []
    for field in dataclasses.fields(owner):
        if not field.repr:
            continue
        value = getattr(owner, field.name, None)
        if value is None or (isinstance(value, str | tuple | list | Mapping) and not len(value)):
            continue
        facts.append((field.name, brief(value)))
    return tuple(facts)


def brief(value: Any) -> str:
    """A value in a few words: arrays and tables by their size, long lists by their first names.

    Example:
        >>> brief(np.zeros((100, 3))), brief(("a", "b")), brief(0.123456789)
        ('array (100, 3)', 'a, b', '0.123457')
    """
    if value is None:
        return "none"
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if isinstance(value, float | np.floating):
        return f"{float(value):.6g}"
    if isinstance(value, np.ndarray):
        return brief(value.tolist()) if value.size <= 3 and value.ndim <= 1 else f"array {value.shape}"
    if isinstance(value, str | int | Path):
        return str(value)
    if hasattr(value, "columns") and hasattr(value, "index"):
        return f"table of {len(value.index)} rows: {names(value.columns)}"
    if isinstance(value, Mapping):
        return names([f"{key}: {brief(item)}" if _is_small(item) else str(key) for key, item in value.items()])
    if isinstance(value, Sequence | set | frozenset):
        items = list(value)
        return names([brief(item) for item in items]) if all(map(_is_small, items)) else f"{len(items)} of them"
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return names([f"{label} {text}" for label, text in fields_of(value)])
    return type(value).__name__


def names(items: Any) -> str:
    """The first names of a list, and how many more there are.

    Example:
        >>> names(["r", "l"]), names(range(30))
        ('r, l', '0, 1, 2, 3, 4, 5, 6, 7 and 22 more')
    """
    words = [str(item) for item in items]
    more = f" and {len(words) - NAMED} more" if len(words) > NAMED else ""
    return (", ".join(words[:NAMED]) or "none") + more


def number(value: Any, unit: str = "", digits: int = 2) -> str:
    """A number with its unit; a dash where it is not known.

    Example:
        >>> number(1.25, "m/s"), number(float("nan"), "m/s"), number(None)
        ('1.25 m/s', '-', '-')
    """
    if isinstance(value, bool) or not isinstance(value, int | float | np.number) or not math.isfinite(float(value)):
        return "-"
    return f"{float(value):.{digits}f} {unit}".rstrip()


def _is_small(value: Any) -> bool:
    return value is None or isinstance(value, str | int | float | bool | np.number | Path)


def _clean(text: str) -> str:
    """One line without control characters, which a terminal would obey."""
    return " ".join("".join(c if c.isprintable() or c.isspace() else "\N{REPLACEMENT CHARACTER}" for c in text).split())


def _clip(text: str) -> str:
    indent = len(text) - len(text.lstrip(" "))
    words = text[:indent] + (text[indent:] if text.isprintable() else _clean(text))
    return words if len(words) <= WIDTH else words[: WIDTH - 3] + "..."


def _safe(text: str) -> str:
    plain = _clean(text)
    return html.escape(plain if len(plain) <= 4 * WIDTH else plain[: 4 * WIDTH - 3] + "...", quote=True)


def _svg(curve: Curve) -> str:
    """Lines of one picture, thinned to what it can show."""
    series = [(label, _thinned(np.asarray(values, np.float64).ravel())) for label, values in curve.lines]
    known = np.concatenate([values[np.isfinite(values)] for _, values in series] or [np.empty(0)])
    if not known.size:
        return ""
    low, high = float(known.min()), float(known.max())
    span = high - low if high > low else 1.0
    paths = []
    for k, (_, values) in enumerate(series):
        x = np.linspace(2, SVG_WIDTH - 2, len(values)) if len(values) > 1 else np.full(len(values), SVG_WIDTH / 2)
        y = 3 + (SVG_HEIGHT - 6) * (1 - (values - low) / span)
        steps, pen = [], "M"
        for a, b in zip(x, y, strict=True):
            if math.isfinite(b):
                steps.append(f"{pen}{a:.1f} {b:.1f}")
            pen = "L" if math.isfinite(b) else "M"
        dash = ' stroke-dasharray="4 3"' if k % 2 else ""
        paths.append(
            f'<path d="{"".join(steps)}" fill="none" stroke="{COLOURS[k % len(COLOURS)]}" stroke-width="1.4"{dash}/>'
        )
    labels = ", ".join(label for label, _ in curve.lines if label)
    caption = f"{curve.title}{f' ({labels})' if labels else ''}: {low:.3g} to {high:.3g}"
    return (
        f'<figure style="margin:0"><svg role="img" aria-label="{_safe(caption)}" width="{SVG_WIDTH}" '
        f'height="{SVG_HEIGHT}" viewBox="0 0 {SVG_WIDTH} {SVG_HEIGHT}">{"".join(paths)}</svg>'
        f'<figcaption style="font-size:11px;opacity:.8;max-width:{SVG_WIDTH}px">{_safe(caption)}</figcaption></figure>'
    )


def _thinned(values: np.ndarray) -> np.ndarray:
    if len(values) <= SVG_POINTS:
        return values
    return values[np.linspace(0, len(values) - 1, SVG_POINTS).astype(int)]
