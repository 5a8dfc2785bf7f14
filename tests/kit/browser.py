"""A headless Chromium for tests of pages: how wide a page becomes, what its console says, a PDF of it.

Needs nothing but the browser: the page is shown in a frame of a given width, a script of the test measures it once it
has loaded and writes what it found into the document, which ``--dump-dom`` prints.
"""

from __future__ import annotations

import html
import json
import os
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
TIMEOUT = 120.0
"""Seconds that a busy machine gets for one page."""

_FRAME = """<!doctype html><html><body style="margin:0"><iframe id="page" style="border:0;width:{width}px;height:900px"
src="{address}"></iframe><pre id="found"></pre><script>
window.addEventListener("load", () => {{
  const page = document.getElementById("page").contentDocument, root = page.documentElement;
  const wide = [...page.body.querySelectorAll("*")].filter(e => !e.parentElement.closest(".scroll, svg"))
    .filter(e => e.getBoundingClientRect().right > root.clientWidth + 0.5)
    .map(e => e.tagName + "." + (e.getAttribute("class") || "") + " " + (e.textContent || "").slice(0, 40));
  document.getElementById("found").textContent = JSON.stringify({{
    scroll: Math.max(root.scrollWidth, page.body.scrollWidth), client: root.clientWidth, wide: wide.slice(0, 5),
    title: page.title, height: root.scrollHeight }});
}});
</script></body></html>"""


@dataclass(frozen=True)
class Sight:
    """What a browser found of a page."""

    title: str
    scroll_width: int
    """Width of everything on the page, px."""
    client_width: int
    """Width of the window, px."""
    height: int
    wide: tuple[str, ...]
    """Elements that stick out to the right, outside boxes that scroll; at most five."""
    console: tuple[str, ...]
    """Messages of the page on the console."""


def find_browser() -> str:
    """The browser; the test is skipped, and says why, where there is none."""
    found = os.environ.get("CHROMIUM") or next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip(f"no browser ({', '.join(NAMES)}): no page was opened; install chromium or name one in CHROMIUM")
    return found


def look_at(page: Path, *, width: int) -> Sight:
    """Open a page in a window of a width, px, and measure it."""
    with tempfile.TemporaryDirectory() as folder:
        frame = Path(folder) / "frame.html"
        frame.write_text(_FRAME.format(width=width, address=html.escape(page.resolve().as_uri())), encoding="utf-8")
        done = _browse(
            "--allow-file-access-from-files", "--hide-scrollbars", "--virtual-time-budget=10000", "--dump-dom",
            "--enable-logging=stderr", "--v=0", f"--window-size={width + 20},1000", frame,
        )  # fmt: skip
    found = re.search(r'<pre id="found">(.+?)</pre>', done.stdout, flags=re.S)
    assert found, f"{page}: the browser measured nothing\n{done.stderr[-2000:]}"
    facts = json.loads(html.unescape(found.group(1)))
    console = tuple(line for line in done.stderr.splitlines() if ":CONSOLE" in line)
    return Sight(facts["title"], facts["scroll"], facts["client"], facts["height"], tuple(facts["wide"]), console)


def print_pdf(page: Path, pdf: Path) -> Path:
    """Print a page on paper."""
    _browse("--no-pdf-header-footer", f"--print-to-pdf={pdf}", page)
    return pdf


def screenshot(page: Path, picture: Path, *, width: int, height: int) -> Path:
    """A picture (PNG) of a page in a window, both sizes in px."""
    _browse("--hide-scrollbars", f"--window-size={width},{height}", f"--screenshot={picture}", page)
    return picture


def _browse(*options: str | Path) -> subprocess.CompletedProcess[str]:
    *flags, page = options
    with tempfile.TemporaryDirectory() as profile:
        return subprocess.run(
            [find_browser(), "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
             f"--user-data-dir={profile}", *map(str, flags), Path(page).resolve().as_uri()],
            capture_output=True, text=True, timeout=TIMEOUT, check=True,
        )  # fmt: skip
