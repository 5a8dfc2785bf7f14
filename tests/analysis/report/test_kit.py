"""The page kit: what a page holds as data, and the one test of its markup."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from matplotlib.figure import Figure as Drawing

from exogait.analysis.report.figures import style
from exogait.analysis.report.kit import (
    Banner,
    Card,
    Code,
    Fact,
    Facts,
    Figure,
    Fold,
    Gallery,
    Group,
    Heading,
    Leg,
    Link,
    Listing,
    Mark,
    Note,
    Number,
    Page,
    Section,
    Strong,
    Table,
    Text,
    Verdict,
    Verdicts,
    plain,
)
from exogait.analysis.report.page import render, write_page
from tests.kit.html import parse_html

HOSTILE = "<script>alert('$$x_1$$ & \"y\"')</script>"
PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360606060000000050001a5f64540"
    "0000000049454e44ae426082"
)


def drawing(title: str = "a title") -> Drawing:
    with style():
        figure = Drawing(figsize=(9.0, 3.0))
        ax = figure.subplots()
        ax.plot([0, 1], [0, 1])
        ax.set_title(title)
    return figure


def every_part(text: str) -> Page:
    """A page on which every part and every place of text holds the same words."""
    table = Table(
        [text, "n"],
        [Group(text), [Strong(text), Number(1.0, unit=text)], [[Verdict("warn"), " ", Link(text, "#two")], None],
         [Code(text), Leg("l")]],
        numeric=[1], sides={1: "r"}, caption=text,
    )  # fmt: skip
    one = Section("one", text, [
        Facts([Fact(text, text, text)]), table, Figure(drawing(text), text, text, [Link(text, "data/one.csv")]),
        Figure(PIXEL, text), Fold(text, [table, Figure(drawing(text), text)]),
    ])  # fmt: skip
    two = Section("two", text, [
        Text([text, Strong(text)]), Note(text, [text]), Banner(text, [text]), Heading(text), Listing(text),
        Verdicts(text, [Verdict("pass", text, 3)], Link(text, "#one")), Gallery([Card(text, text, "other/page.html")]),
    ], new_page=True)  # fmt: skip
    return Page(text, [one, two, Section("empty", "Empty", [])], kicker=text, lead=text, head=[Note(text)],
                mark=Mark(text, text), footer=text)  # fmt: skip


def test_markup_is_well_formed_and_hostile_text_stays_text(tmp_path: Path) -> None:
    path = write_page(every_part(HOSTILE), tmp_path / "new" / "page.html")
    assert [file.name for file in path.parent.iterdir()] == ["page.html"]
    source = path.read_text(encoding="utf-8")
    found = parse_html(source)
    assert "<script" not in source and not re.search(r"@import|url\((?!#)|<link|<iframe", source)
    assert source.count("$$x_1$$") > 25, "no text may be taken for a formula"
    assert found.text.count(HOSTILE) > 25
    assert len(found.identifiers) == len(set(found.identifiers))
    assert {"one", "two"} < set(found.identifiers) and "empty" not in found.identifiers
    inside = [link for link in found.links if link.startswith("#")]
    assert all(link[1:] in found.identifiers for link in inside)
    assert {"data/one.csv", "other/page.html"} <= set(found.links)


def test_what_a_page_says_is_there_as_data() -> None:
    page = every_part("words")
    assert [section.id for section in page.shown] == ["one", "two"]
    first, folded = page.section("one").tables
    assert first is folded and len(page.section("one").figures) == 3
    assert first.column("n") == ["1.00 words", "–", "Left"]
    assert first.cells[0] == ["words"] and first.cells[2][0] == "warn words"
    assert "pass" not in page.section("two").text and "words 3" in page.section("two").text
    with pytest.raises(KeyError, match="nothing: no such section; the page has one, two"):
        page.section("nothing")


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (Number(-0.001), "0.00"), (Number(2.0, 1, "°", spread=0.26), "2.0 ± 0.3 °"), (Number(None, unit="m"), "–"),
        (Number(float("nan")), "–"), (Number(3.0, 1, "%", signed=True), "+3.0 %"), (Number(-3.0, 0, signed=True), "−3"),
        (None, "–"), (4, "4"), (["a ", Code("b")], "a b"), (Verdict("fail", count=2), "fail 2"),
    ],
)  # fmt: skip
def test_cells_print_themselves(cell, text) -> None:
    assert plain(cell) == text


def test_links_of_a_figure_follow_it_to_another_page() -> None:
    links = [Link("data", "figures/a.csv"), Link("site", "https://example.org/a"), Link("here", "#two")]
    moved = Figure(PIXEL, "c", links=links).seen_from("device")
    assert [link.href for link in moved.links] == ["device/figures/a.csv", "https://example.org/a", "#two"]


def test_a_page_that_cannot_be_is_refused() -> None:
    with pytest.raises(ValueError, match="section one is there twice"):
        Page("p", [Section("one", "One", []), Section("one", "Two", [])])
    with pytest.raises(ValueError, match="table of 2 columns"):
        Table(["a", "b"], [["only one"]])


def test_the_mark_stands_once_in_words() -> None:
    source = render(Page("p", [Section("a", "A", [Text("b")])], mark=Mark("Synthetic", "made by the suite.")))
    assert parse_html(source).text.count("Synthetic") == 1
