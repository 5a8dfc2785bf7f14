"""The tutorials: the committed notebooks with their outputs, as pages.

A notebook's text and code go into the page as they are, tables as HTML, figures as files beside it. Nothing is run;
``tests/test_notebooks.py`` does that.
"""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
FIGURES = {"image/png": "png", "image/jpeg": "jpg", "image/svg+xml": "svg"}
ESCAPES = re.compile(r"\x1b\[[0-9;]*m")


def joined(text: str | list[str]) -> str:
    """A notebook stores text as one string or as a list of lines."""
    return text if isinstance(text, str) else "".join(text)


def fenced(text: str, language: str) -> str:
    """A code block whose fence is longer than any in the text."""
    fence = "`" * max(3, *(len(run) + 1 for run in re.findall(r"`{3,}", text) or [""]))
    return f"{fence}{language}\n{text.rstrip()}\n{fence}\n"


def shown(output: dict[str, Any], stem: str, figures: dict[str, bytes]) -> str:
    """One output as Markdown; figures are added to ``figures``."""
    if output["output_type"] == "stream":
        return fenced(ESCAPES.sub("", joined(output["text"])), "text") if output["name"] == "stdout" else ""
    data = output.get("data", {})
    for kind, ending in FIGURES.items():
        if kind in data:
            content = joined(data[kind])
            name = f"{stem}-{len(figures) + 1}.{ending}"
            figures[name] = content.encode() if ending == "svg" else base64.b64decode(content)
            return f"![Figure of the notebook]({name})\n"
    if "text/html" in data:
        return f'<div class="notebook-output">\n{joined(data["text/html"]).replace(chr(10) * 2, chr(10))}\n</div>\n'
    return fenced(joined(data["text/plain"]), "text") if "text/plain" in data else ""


def page_of(notebook: Path) -> tuple[str, dict[str, bytes]]:
    """The page of a notebook, and its figures by file name."""
    parts: list[str] = []
    figures: dict[str, bytes] = {}
    for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"]:
        source = joined(cell["source"])
        if cell["cell_type"] == "markdown":
            parts.append(source + "\n")
        elif source.strip():
            parts.append(fenced(source, "python"))
            parts += [shown(output, notebook.stem, figures) for output in cell.get("outputs", [])]
    return "\n".join(parts), figures


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add a page for each notebook."""
    for notebook in sorted(NOTEBOOKS.glob("*.ipynb")):
        text, figures = page_of(notebook)
        text += f"\n---\n\nThis page is `notebooks/{notebook.name}` of the repository, with what it printed.\n"
        files.append(File.generated(config, f"tutorials/{notebook.stem}.md", content=text))
        for name, content in figures.items():
            files.append(File.generated(config, f"tutorials/{name}", content=content))
    return files
