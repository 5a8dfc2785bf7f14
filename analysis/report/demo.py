"""The front page of the demonstration: what was made, with links that work from a USB stick."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from pathlib import Path

from .markup import escape, facts, page, section
from .personalize import Headline

REPORT = "device/personalize_report.html"
"""Report of the personalised device, relative to the page."""


def write_demo_page(
    out: str | Path,
    *,
    summary: str,
    moment_arms: str | Path,
    headline: Headline,
    parts: Sequence[tuple[str, str, str]],
    who: str | None = None,
) -> Path:
    """Write ``index.html`` into the folder of the demonstration.

    Args:
        out: The folder.
        summary: Summary of the model as text.
        moment_arms: Picture of the moment arms (.png).
        headline: What the personalised device brought.
        parts: Title, one sentence and relative link of every further result.
        who: The simulated patient in words; None where a real person was analysed.

    Returns:
        The page.
    """
    picture = base64.b64encode(Path(moment_arms).read_bytes()).decode()
    made = f"{who}. A simulated" if who else "A simulated"
    banner = (
        f'<div class="banner"><strong>SYNTHETIC</strong> patient, nobody was measured: {escape(made)} body walked by '
        "muscles alone, and its markers and ground reactions went to C3D files like a laboratory's.</div>"
        if headline.synthetic
        else ""
    )
    mark = "SYNTHETIC · " if headline.synthetic else ""
    # The figure's own link is relative to the report's folder.
    torques = headline.torques.replace('href="', f'href="{Path(REPORT).parent}/')
    device = (
        f"{facts([(mark + what, value, remark) for what, value, remark in headline.facts])}"
        f'<p><a href="{REPORT}"><strong>Report of the personalised device</strong></a><br>'
        "Who, what the walk says about strength, walks without a device, with the generic and with the personalised "
        f'one, angles, torques.</p><p class="note">{escape(headline.effort)}</p>{torques}'
    )
    links = "".join(
        f'<p><a href="{escape(link)}"><strong>{escape(title)}</strong></a><br>{escape(text)}</p>'
        for title, text, link in parts
    )
    arms = (
        '<figure><img style="width:100%" alt="Moment arms over the range of walking" '
        f'src="data:image/png;base64,{picture}"></figure>'
    )
    sections = [
        ("device", "A device for one person", device),
        ("results", "On the way there", links),
        ("moment-arms", "Moment arms of the muscles", arms),
        ("model", "The model", f'<div class="scroll"><pre><code>{escape(summary)}</code></pre></div>'),
    ]
    content = page(
        title="From a gait laboratory to a personalised exoskeleton",
        kicker="exogait · a demonstration",
        lead="One person's C3D files became a scaled model, joint moments, and a device controller tuned to their body "
        "and gait.",
        head=banner,
        sections=[(key, title, section(key, title, markup)) for key, title, markup in sections],
        footer="Made by <code>exogait demo</code>. For research; not a medical device.",
    )
    target = Path(out) / "index.html"
    target.write_text(content, encoding="utf-8")
    return target
