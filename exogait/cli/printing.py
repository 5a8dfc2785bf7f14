"""A page as PDF beside it, for every command that writes one."""

from __future__ import annotations

from pathlib import Path


def print_beside(page: Path, writer: str) -> Path:
    """Print a page of the suite as PDF, by a browser; the file has the page's name.

    Args:
        page: The page.
        writer: The command, under whose name an older file may be replaced.

    Raises:
        ExogaitError: There is no browser, or it failed.
    """
    from exogait.analysis.report.page import print_page
    from exogait.data.output import output_file

    with output_file(page.with_suffix(".pdf"), writer) as file:
        return print_page(page, file)
