"""What an HTML page is made of, read with the standard library; an element left open is an error."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

EMPTY = frozenset({"meta", "br", "img", "link", "input"})


@dataclass
class Parsed:
    """Identifiers, links and the text of a page, in order."""

    identifiers: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    text: str = ""
    """Text outside style sheets."""


class _Parser(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.found = Parsed()

    def handle_starttag(self, tag, attrs):
        if tag not in EMPTY:
            self.open.append(tag)
        values = dict(attrs)
        self.found.identifiers += [values["id"]] if values.get("id") else []
        self.found.links += [values[k] for k in ("href", "src", "xlink:href") if values.get(k)]

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in EMPTY:
            self.open.pop()

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, f"</{tag}> closes another element"

    def handle_data(self, data):
        if "style" not in self.open:
            self.found.text += data


def parse_html(source: str) -> Parsed:
    """Parse a page.

    Raises:
        AssertionError: An element is not closed, or closed by another's end.
    """
    parser = _Parser()
    parser.feed(source)
    parser.close()
    assert not parser.open, f"unclosed: {parser.open}"
    return parser.found
