"""Strings of HTML, until study.py, personalize.py and demo.py build pages of :mod:`.kit`; then this file goes."""

from __future__ import annotations

import html
import math
from collections.abc import Iterable, Mapping, Sequence

from .figures import FONT_STACK

CSS = """
:root { --ink:#1d2530; --soft:#5b636d; --line:#dfe3e8; --paper:#ffffff; --wash:#f5f7f9; --accent:#0b5fa5;
  --right:#0b5fa5; --left:#c4431b; --pass:#1f7a4d; --warn:#9a6200; --fail:#b3261e; --info:#5b636d; }
* { box-sizing:border-box; }
html { -webkit-text-size-adjust:100%; }
body { margin:0; background:#eceff2; color:var(--ink); font:15px/1.5 FONTS; font-variant-numeric:tabular-nums; }
.sheet { max-width:1080px; margin:28px auto; background:var(--paper); padding:44px 56px 56px;
  box-shadow:0 1px 3px rgba(20,30,40,.12), 0 12px 32px rgba(20,30,40,.07); }
header.top { border-bottom:2px solid var(--ink); padding-bottom:16px; margin-bottom:10px; }
.kicker { font-size:12px; letter-spacing:.09em; text-transform:uppercase; color:var(--soft); }
h1 { font-size:30px; line-height:1.2; margin:4px 0 2px; letter-spacing:-.01em; font-weight:650; }
.lead { color:var(--soft); margin:4px 0 0; max-width:62em; }
h2 { font-size:19px; margin:44px 0 4px; padding-top:14px; border-top:1px solid var(--line); font-weight:650; }
h3 { font-size:14.5px; margin:24px 0 4px; font-weight:650; }
p { margin:6px 0 10px; max-width:66em; } .note { color:var(--soft); font-size:13px; }
nav.contents { display:flex; flex-wrap:wrap; gap:4px 18px; font-size:13px; margin:12px 0 0; }
a { color:var(--accent); text-decoration:none; } a:hover { text-decoration:underline; }
dl.facts { display:grid; grid-template-columns:repeat(auto-fit,minmax(150px,1fr)); gap:10px 22px; margin:18px 0 4px; }
dl.facts div { border-left:2px solid var(--line); padding-left:10px; }
dl.facts dt { font-size:12px; color:var(--soft); } dl.facts dd { margin:0; font-size:16px; font-weight:600; }
dl.facts dd small { font-weight:400; font-size:12.5px; color:var(--soft); }
.scroll { overflow-x:auto; }
table { border-collapse:collapse; font-size:13.5px; margin:10px 0 6px; width:100%; }
caption { text-align:left; color:var(--soft); font-size:13px; padding:0 0 6px; }
th { text-align:left; font-weight:600; border-bottom:1.5px solid var(--ink); padding:5px 12px 5px 0;
  vertical-align:bottom; }
td { border-bottom:1px solid var(--line); padding:5px 12px 5px 0; vertical-align:top; }
th.n, td.n { text-align:right; white-space:nowrap; }
td.r, th.r { color:var(--right); } td.l, th.l { color:var(--left); }
tr.group td { font-weight:600; padding-top:14px; background:none; border-bottom:1px solid var(--ink); }

.badge { display:inline-block; min-width:46px; text-align:center; font-size:11.5px; font-weight:650;
  letter-spacing:.03em;  padding:1px 8px; border-radius:9px; border:1px solid currentColor; }
.pass { color:var(--pass); } .warn { color:var(--warn); } .fail { color:var(--fail); } .info { color:var(--info); }
.verdict { display:flex; flex-wrap:wrap; gap:8px 20px; align-items:center; background:var(--wash); padding:10px 16px;
  margin:18px 0 0; border-radius:6px; font-size:14px; }
.banner { background:#fdf3e3; border:1px solid #e8c88f; padding:8px 14px; border-radius:6px; margin:14px 0 0; }
figure { margin:14px 0 4px; } figure svg { width:100%; height:auto; display:block; }
figcaption { font-size:13px; color:var(--soft); margin-top:4px; max-width:72em; }
code { font:12.5px/1.4 ui-monospace, 'SF Mono', Menlo, Consolas, 'Liberation Mono', monospace; }
footer { margin-top:48px; border-top:1px solid var(--line); padding-top:12px; color:var(--soft); font-size:12.5px; }
details > summary { cursor:pointer; font-size:13.5px; color:var(--accent); margin:10px 0; }
@media (max-width:760px) { .sheet { margin:0; padding:24px 18px 36px; box-shadow:none; } h1 { font-size:24px; } }
@media print { body { background:#fff; font-size:10pt; } td, th { padding-top:2.5px; padding-bottom:2.5px; }
  h2 { margin-top:26px; }
  .sheet { box-shadow:none; margin:0; padding:0; max-width:none; }
  nav.contents { display:none; } h2 { break-after:avoid; } figure, table, .keep { break-inside:avoid; }
  .newpage { break-before:page; } details > * { display:block; } @page { size:A4; margin:14mm; } }
"""


def escape(value: object) -> str:
    """Text made safe for HTML."""
    return html.escape(str(value), quote=True)


def number(value: object, digits: int = 2) -> str:
    """A number as a report prints it: fixed decimals, a true minus sign, a dash where nothing is known.

    Example:
        >>> number(-1.234), number(None), number(float("nan")), number("walk")
        ('−1.23', '–', '–', 'walk')
    """
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "–"
    if isinstance(value, str | bool):
        return str(value)
    text = f"{float(value):.{digits}f}"  # type: ignore[arg-type]
    if float(text) == 0.0:
        text = text.removeprefix("-")
    return text.replace("-", "−")


class Cell(str):
    """HTML that goes into a table as it is, with an optional class for the cell."""

    kind: str

    def __new__(cls, markup: str, kind: str = "") -> Cell:
        """Keep the markup and the class."""
        cell = super().__new__(cls, markup)
        cell.kind = kind
        return cell


def badge(verdict: str) -> Cell:
    """A verdict (pass, warn, fail, info) as a small label; the word carries the meaning, the colour repeats it."""
    return Cell(f'<span class="badge {escape(verdict)}">{escape(verdict)}</span>')


def table(
    header: Sequence[str],
    rows: Iterable[Sequence[object]],
    *,
    numeric: Iterable[int] = (),
    caption: str = "",
    classes: Mapping[int, str] | None = None,
) -> str:
    """An HTML table.

    Args:
        header: Column titles.
        rows: Cells; a :class:`Cell` is taken as HTML, everything else is escaped. A row of one cell is a group title.
        numeric: Columns that are set flush right.
        caption: Line above the table, HTML.
        classes: Column to CSS class.
    """
    flush, kinds = set(numeric), classes or {}

    def attribute(column: int, extra: str = "") -> str:
        words = " ".join(w for w in ("n" if column in flush else "", kinds.get(column, ""), extra) if w)
        return f' class="{words}"' if words else ""

    head = "".join(f"<th{attribute(i)}>{escape(text)}</th>" for i, text in enumerate(header))
    body = []
    for row in rows:
        if len(row) == 1:
            body.append(f'<tr class="group"><td colspan="{len(header)}">{_cell(row[0])}</td></tr>')
            continue
        cells = (f"<td{attribute(i, getattr(c, 'kind', ''))}>{_cell(c)}</td>" for i, c in enumerate(row))
        body.append(f"<tr>{''.join(cells)}</tr>")
    title = f"<caption>{caption}</caption>" if caption else ""
    return (
        f'<div class="scroll"><table>{title}<thead><tr>{head}</tr></thead><tbody>{"".join(body)}</tbody></table></div>'
    )


def _cell(value: object) -> str:
    return str(value) if isinstance(value, Cell) else escape(value)


def figure(svg: str, caption: str) -> str:
    """A figure with its caption (HTML)."""
    return f'<figure class="keep">{svg}<figcaption>{caption}</figcaption></figure>'


def facts(items: Iterable[tuple[str, str, str]]) -> str:
    """A strip of headline numbers: (what, value, unit or remark)."""
    cells = (
        f"<div><dt>{escape(what)}</dt><dd>{escape(value)} <small>{escape(unit)}</small></dd></div>"
        for what, value, unit in items
    )
    return f'<dl class="facts">{"".join(cells)}</dl>'


def section(identifier: str, title: str, *parts: str, new_page: bool = False) -> str:
    """A section with a heading that the table of contents can reach."""
    kind = ' class="newpage"' if new_page else ""
    return f'<section id="{escape(identifier)}"{kind}><h2>{escape(title)}</h2>{"".join(parts)}</section>'


def page(
    *, title: str, kicker: str, lead: str, head: str, sections: Sequence[tuple[str, str, str]], footer: str
) -> str:
    """The whole page.

    Args:
        title: Title, plain text.
        kicker: Small line above the title, plain text.
        lead: Sentence below the title, HTML.
        head: What stands between title and first section, HTML.
        sections: (identifier, title, HTML) in order; empty ones are left out.
        footer: HTML.
    """
    shown = [item for item in sections if item[2]]
    contents = "".join(f'<a href="#{escape(key)}">{escape(name)}</a>' for key, name, _ in shown)
    body = "".join(markup for _, _, markup in shown)
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)}</title><style>{CSS.replace("FONTS", FONT_STACK)}</style></head>
<body><main class="sheet"><header class="top"><div class="kicker">{escape(kicker)}</div><h1>{escape(title)}</h1>
<p class="lead">{lead}</p><nav class="contents">{contents}</nav></header>{head}{body}
<footer>{footer}</footer></main></body></html>
"""
