"""Generated parts of a Markdown page: each study owns the text between its two markers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]


def write_section(page: str, name: str, markdown: str) -> Path:
    """Put ``markdown`` between the markers of section ``name`` in ``docs/<page>``, adding the markers if missing."""
    path = ROOT / "docs" / page
    begin, end = f"<!-- begin {name} -->", f"<!-- end {name} -->"
    text = path.read_text() if path.exists() else ""
    block = f"{begin}\n{markdown.strip()}\n{end}"
    if begin in text and end in text:
        head, rest = text.split(begin, 1)
        text = head + block + rest.split(end, 1)[1]
    else:
        text = text.rstrip() + ("\n\n" if text.strip() else "") + block + "\n"
    path.write_text(text)
    return path


ABOUT_ACCOUNTINGS = (
    "Umberger 2010 and Bhargava 2004 with the person's muscle masses and fibre shares by anatomy, which were set from "
    "mass and height and not from cost (docs/model_card.md), and Umberger 2010 as OpenSim's probe has it, with masses "
    "by strength. *No credit*: the work of lengthening muscles is worth nothing. Levels are Umberger 2010 with credit, "
    "savings without."
)
"""What tables of metabolic rate say of themselves."""


def markdown_table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Format a Markdown table."""
    lines = ["| " + " | ".join(map(str, row)) + " |" for row in [header, ["---"] * len(header), *rows]]
    return "\n".join(lines)
