"""A :class:`~exogait.analysis.report.kit.Page` as a file: ``page.html.j2`` and ``page.css`` give every page one look.

Example:
    >>> from exogait.analysis.report.kit import Page, Section, Text
    >>> "<p>1 &lt; 2</p>" in render(Page("Walk 3", [Section("speed", "Speed", [Text("1 < 2")])]))
    True
"""

from __future__ import annotations

import base64
import os
import shutil
import subprocess
import tempfile
from itertools import count
from pathlib import Path

import jinja2
from markupsafe import Markup
from matplotlib.figure import Figure as Drawing

from exogait.data import ExogaitError
from exogait.data.files import write_bytes_atomic, write_text_atomic

from .figures import FONT_STACK, svg_text
from .kit import Figure, Page, plain

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge")
"""Programs that print a page, in the order in which they are looked for; ``CHROMIUM`` names another one."""
PRINTING = 180.0
"""Seconds that a browser gets."""


def render(page: Page) -> str:
    """The page as one HTML document: template and style sheet of the kit, every text escaped, figures inside."""
    here = Path(__file__).parent
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(here), autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    numbers = count(1)

    def drawn(figure: Figure, section: str) -> Markup:
        """The SVG of a figure, its identifiers unique on the page; markup that matplotlib wrote, names escaped."""
        assert isinstance(figure.drawing, Drawing)
        return Markup(svg_text(figure.drawing, prefix=f"{section}{next(numbers)}"))

    css = (here / "page.css").read_text(encoding="utf-8").replace("FONTS", FONT_STACK)
    return environment.get_template("page.html.j2").render(
        page=page, css=Markup(css), drawn=drawn, plain=plain,
        encoded=lambda picture: base64.b64encode(picture).decode(),
        is_picture=lambda figure: isinstance(figure.drawing, bytes), width=_width,
    )  # fmt: skip


def _width(figure: Figure) -> int:
    """Width at which the text of a drawing has its own size, CSS pixels (96 an inch)."""
    return round(96 * figure.drawing.get_size_inches()[0]) if isinstance(figure.drawing, Drawing) else 640


def write_page(page: Page, path: str | Path) -> Path:
    """Write a page; a reader finds the old file or the new one, never half of one.

    Args:
        page: The page.
        path: The .html file; folders that are missing are made.

    Returns:
        The file.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    return write_text_atomic(path, render(page))


def print_page(page: str | Path, pdf: str | Path | None = None) -> Path:
    """Print a page of the suite as PDF, by a browser without a window: A4, figures sharp, nothing fetched.

    Args:
        page: The .html file.
        pdf: The .pdf file; beside the page under its name if not given.

    Returns:
        The file.

    Raises:
        ExogaitError: There is no page, no browser, or the browser failed.
    """
    page = Path(page)
    pdf = page.with_suffix(".pdf") if pdf is None else Path(pdf)
    if not page.is_file():
        raise ExogaitError(f"{page}: no such page; give an .html file of the suite")
    browser = os.environ.get("CHROMIUM") or next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if browser is None:
        raise ExogaitError(
            f"a PDF needs a browser ({', '.join(BROWSERS)}): install one or name it in CHROMIUM, or open {page} and "
            "print it there"
        )
    with tempfile.TemporaryDirectory(prefix="exogait-") as folder:
        made = Path(folder) / "page.pdf"
        command = [
            browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
            f"--user-data-dir={folder}/profile", "--no-pdf-header-footer", f"--print-to-pdf={made}",
            page.resolve().as_uri(),
        ]  # fmt: skip
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=PRINTING, check=False)
            problem = done.stderr.strip().splitlines()[-1:] or ["it said nothing"]
        except (OSError, subprocess.TimeoutExpired) as error:
            problem = [str(error)]
        if not made.is_file():
            raise ExogaitError(f"{browser} printed no PDF of {page}: {problem[0]}")
        return write_bytes_atomic(pdf, made.read_bytes())
