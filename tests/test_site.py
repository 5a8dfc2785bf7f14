"""The manual builds without a warning, fetches nothing, and lists every command and every public name."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FETCHED = re.compile(r"<(?:script|img|link|iframe|source)\b[^>]*?\b(?:src|href)=\"?(?:https?:)?//[^\">]*")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("mkdocs")
    out = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(out)]
    environment = os.environ | {"NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0 and not done.stderr.strip(), done.stderr[-3000:]
    return out


def test_nothing_is_fetched(site: Path) -> None:
    wrong = {
        page.relative_to(site).as_posix(): found
        for page in site.rglob("*.html")
        if (found := FETCHED.findall(page.read_text(encoding="utf-8")))
    }
    assert not wrong
    assert not [sheet for sheet in site.rglob("*.css") if re.search(r"(url\(|@import )\"?https?:", sheet.read_text())]


def test_every_command_has_its_help(site: Path) -> None:
    page = (site / "reference/commands.html").read_text(encoding="utf-8")
    for command in ("lab-run", "model-build", "simulate", "train", "study", "personalize", "doctor"):
        assert f'id="exogait-{command}"' in page, command
    assert page.count("usage: exogait") == page.count("<h2 ") > 15


@pytest.mark.parametrize("package", ["data", "models", "analysis", "osim_env"])
def test_every_public_name_has_an_entry(site: Path, package: str) -> None:
    import importlib

    pages = "".join(page.read_text(encoding="utf-8") for page in (site / "reference/api").glob("*.html"))
    names = importlib.import_module(f"exogait.{package}").__all__
    missing = [name for name in names if f'id="exogait.{package}.{name}"' not in pages and name != "engine"]
    assert not missing


def test_tutorials_show_their_figures(site: Path) -> None:
    notebooks = list((ROOT / "notebooks").glob("*.ipynb"))
    assert len(notebooks) >= 4
    for notebook in notebooks:
        page = site / "tutorials" / f"{notebook.stem}.html"
        assert f"notebooks/{notebook.name}" in page.read_text(encoding="utf-8")
        assert list(page.parent.glob(f"{notebook.stem}-*")), f"no figure of {notebook.name}"
