"""The front page of the demonstration: what was made, with links that work from a USB stick."""

from __future__ import annotations

import base64
from pathlib import Path

from .report_page import escape, page, section


def write_demo_page(
    out: str | Path, *, summary: str, moment_arms: str | Path, parts: list[tuple[str, str, str]], synthetic: bool
) -> Path:
    """Write ``index.html`` into the folder of the demonstration.

    Args:
        out: The folder.
        summary: Summary of the model as text.
        moment_arms: Picture of the moment arms (.png).
        parts: Title, one sentence and relative link of every further result.
        synthetic: Whether the walk that was analysed is a synthetic person's.

    Returns:
        The page.
    """
    picture = base64.b64encode(Path(moment_arms).read_bytes()).decode()
    links = "".join(
        f'<p><a href="{escape(link)}"><strong>{escape(title)}</strong></a><br>{escape(text)}</p>'
        for title, text, link in parts
    )
    banner = (
        '<div class="banner">The analysed C3D file was made by the suite itself: a SYNTHETIC person, nobody was '
        "measured.</div>"
        if synthetic
        else ""
    )
    arms = (
        '<figure><img style="width:100%" alt="Moment arms over the range of walking" '
        f'src="data:image/png;base64,{picture}"></figure>'
    )
    sections = [
        ("results", "What was made", links),
        ("moment-arms", "Moment arms of the muscles", arms),
        ("model", "The model", f'<div class="scroll"><pre><code>{escape(summary)}</code></pre></div>'),
    ]
    content = page(
        title="A demonstration",
        kicker="exogait",
        lead="From a C3D file to joint moments, and a walk that was learned, on the model that both stand on.",
        head=banner,
        sections=[(key, title, section(key, title, markup)) for key, title, markup in sections],
        footer="Made by <code>exogait demo</code>.",
    )
    target = Path(out) / "index.html"
    target.write_text(content, encoding="utf-8")
    return target
