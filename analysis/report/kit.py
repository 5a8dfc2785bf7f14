"""Pages as data: sections, facts, tables, figures, notes, and not a letter of markup.

A module that reports builds a :class:`Page` from plain data; :func:`exogait.analysis.report.page.write_page` makes a
file of it that needs nothing from the network and is read on a phone, a screen and on paper. Every text is escaped
there.

Example:
    >>> page = Page(
    ...     "Walk 3",
    ...     [
    ...         Section("speed", "Speed", [Table(["leg", "m/s"], [["right", Number(1.234)]], numeric=[1])]),
    ...     ],
    ... )
    >>> page.section("speed").tables[0].column("m/s")
    ['1.23']
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar, Literal, TypeAlias, TypeVar

from matplotlib.figure import Figure as Drawing

from exogait.data.trial import Side

from .figures import SIDE_NAMES

RESEARCH = "For research; not a medical device."
"""Last words of every page."""


def number(value: object, digits: int = 2) -> str:
    """A number as a page prints it: fixed decimals, a true minus sign, a dash where nothing is known.

    Example:
        >>> number(-1.234), number(None), number(float("nan")), number("walk")
        ('−1.23', '–', '–', 'walk')
    """
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "–"
    if isinstance(value, str | bool):
        return str(value)
    text = f"{float(value):.{digits}f}"  # type: ignore[arg-type]
    if float(text) == 0.0:
        text = text.removeprefix("-")
    return text.replace("-", "−")


# -- words and cells --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Number:
    """A number that keeps its value; it prints with so many decimals, its spread and its unit."""

    kind: ClassVar[str] = "number"
    value: float | None
    digits: int = 2
    unit: str = ""
    spread: float | None = None
    """What stands after ±; left out where None or not finite."""
    signed: bool = False
    """Whether a positive number gets its sign, as changes do."""

    def __str__(self) -> str:
        """The number as it stands on the page."""
        text = number(self.value, self.digits)
        if self.signed and self.value is not None and self.value > 0:
            text = f"+{text}"
        if self.spread is not None and math.isfinite(self.spread):
            text += f" ± {number(self.spread, self.digits)}"
        return f"{text} {self.unit}" if self.unit and text != "–" else text


@dataclass(frozen=True)
class Verdict:
    """A verdict as a small label; the word carries the meaning, the colour repeats it."""

    kind: ClassVar[str] = "verdict"
    verdict: Literal["pass", "warn", "fail", "info"] | str
    word: str = ""
    """What the label says; the verdict itself if not given."""
    count: int | None = None
    """How many there are, beside the label."""

    def __str__(self) -> str:
        """The label and the count."""
        return f"{self.word or self.verdict}{'' if self.count is None else f' {self.count}'}"


@dataclass(frozen=True)
class Link:
    """A link: into the page (``#section``) or to a file beside it."""

    kind: ClassVar[str] = "link"
    text: str
    href: str

    def __str__(self) -> str:
        """The text of the link."""
        return self.text


@dataclass(frozen=True)
class Strong:
    """Words that stand out."""

    kind: ClassVar[str] = "strong"
    text: str

    def __str__(self) -> str:
        """The words."""
        return self.text


@dataclass(frozen=True)
class Code:
    """A name as a machine writes it: a file, a command, a key."""

    kind: ClassVar[str] = "code"
    text: str

    def __str__(self) -> str:
        """The name."""
        return self.text


@dataclass(frozen=True)
class Leg:
    """Right or left, in the colour of its curves."""

    kind: ClassVar[str] = "leg"
    side: Side

    def __str__(self) -> str:
        """Right or Left."""
        return SIDE_NAMES[self.side]


Inline: TypeAlias = "str | int | Number | Verdict | Link | Strong | Code | Leg"
Words: TypeAlias = "Inline | Sequence[Inline]"
"""A sentence: text, or pieces of text, links and names in order."""
Cell: TypeAlias = "Inline | Sequence[Inline] | None"
"""What stands in a table: words, a number, a verdict, a link; None where nothing is known."""


def plain(words: Cell) -> str:
    """Words or a cell as text.

    Example:
        >>> plain(["see ", Link("the table", "#walks"), "."]), plain(None)
        ('see the table.', '–')
    """
    if words is None:
        return "–"
    if isinstance(words, Sequence) and not isinstance(words, str):
        return "".join(str(word) for word in words)
    return str(words)


# -- parts of a section -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Fact:
    """One headline number: what, the value, and a unit or a remark."""

    what: str
    value: Inline
    remark: str = ""


@dataclass(frozen=True)
class Facts:
    """A strip of headline numbers."""

    kind: ClassVar[str] = "facts"
    items: Sequence[Fact]


@dataclass(frozen=True)
class Group:
    """A row of a table that is the title of those below it."""

    title: str


@dataclass(frozen=True)
class Table:
    """A table; wide ones scroll inside their own box."""

    kind: ClassVar[str] = "table"
    header: Sequence[str]
    rows: Sequence[Sequence[Cell] | Group]
    numeric: Collection[int] = ()
    """Columns that are set flush right."""
    sides: Mapping[int, Side] = field(default_factory=dict)
    """Columns in the colour of a leg."""
    caption: Words = ""

    def __post_init__(self) -> None:
        for row in self.rows:
            if not isinstance(row, Group) and len(row) != len(self.header):
                raise ValueError(f"table of {len(self.header)} columns {list(self.header)}: a row holds {len(row)}")

    @property
    def cells(self) -> list[list[str]]:
        """The rows as text; a group's title is a row of one."""
        return [[row.title] if isinstance(row, Group) else [plain(cell) for cell in row] for row in self.rows]

    def column(self, name: str) -> list[str]:
        """The cells of a column as text, without the groups' titles."""
        place = list(self.header).index(name)
        return [plain(row[place]) for row in self.rows if not isinstance(row, Group)]


@dataclass(frozen=True)
class Figure:
    """A picture with its caption; its links (the data behind it) stay with it wherever it is shown."""

    kind: ClassVar[str] = "figure"
    drawing: Drawing | bytes
    """A figure of matplotlib, which becomes SVG, or a picture (PNG)."""
    caption: Words
    alt: str = ""
    """What the picture shows, for those who cannot see it; the caption if not given."""
    links: Sequence[Link] = ()

    def seen_from(self, folder: str) -> Figure:
        """The same figure on a page for which this one's page lies in a folder: links that are relative follow."""

        def follow(link: Link) -> Link:
            stays = "://" in link.href or link.href.startswith(("#", "/"))
            return link if stays else replace(link, href=f"{folder}/{link.href}")

        return replace(self, links=tuple(map(follow, self.links)))


@dataclass(frozen=True)
class Text:
    """A paragraph."""

    kind: ClassVar[str] = "text"
    words: Words


@dataclass(frozen=True)
class Note:
    """A paragraph in small print, or several as a list."""

    kind: ClassVar[str] = "note"
    words: Words = ""
    items: Sequence[Words] = ()


@dataclass(frozen=True)
class Banner:
    """What a reader must not miss, in a box of its own, with a list where there is more than one thing."""

    kind: ClassVar[str] = "banner"
    words: Words
    items: Sequence[Words] = ()


@dataclass(frozen=True)
class Verdicts:
    """How many checks passed, as one line."""

    kind: ClassVar[str] = "verdicts"
    title: str
    counts: Sequence[Verdict]
    link: Link | None = None


@dataclass(frozen=True)
class Heading:
    """A title inside a section."""

    kind: ClassVar[str] = "heading"
    text: str


@dataclass(frozen=True)
class Listing:
    """Lines as a terminal shows them."""

    kind: ClassVar[str] = "listing"
    text: str


@dataclass(frozen=True)
class Card:
    """A result and where it is: a title that links, and one sentence."""

    title: str
    text: Words
    href: str


@dataclass(frozen=True)
class Gallery:
    """Links to further results."""

    kind: ClassVar[str] = "gallery"
    cards: Sequence[Card]


@dataclass(frozen=True)
class Fold:
    """Parts behind a line that opens them; on paper they are open."""

    kind: ClassVar[str] = "fold"
    summary: str
    parts: Sequence[Part]


Part: TypeAlias = "Facts | Table | Figure | Text | Note | Banner | Verdicts | Heading | Listing | Gallery | Fold"
_P = TypeVar("_P")


@dataclass(frozen=True)
class Section:
    """A titled part of the page that the contents lead to; one without parts is left out."""

    id: str
    """A short word, unique on the page; identifiers of its figures begin with it."""
    title: str
    parts: Sequence[Part]
    new_page: bool = False
    """Whether it begins a page on paper."""

    def find(self, kind: type[_P]) -> list[_P]:
        """All parts of a kind in order, also those that are folded away."""
        return [part for part in _unfold(self.parts) if isinstance(part, kind)]

    @property
    def tables(self) -> list[Table]:
        """All tables in order."""
        return self.find(Table)

    @property
    def figures(self) -> list[Figure]:
        """All figures in order."""
        return self.find(Figure)

    @property
    def text(self) -> str:
        """Everything that the section says, without its tables' cells and its drawings."""
        return "\n".join([self.title, *_says(self.parts)])


@dataclass(frozen=True)
class Mark:
    """That nobody was measured: once as a banner, and as a watermark behind everything, on paper too."""

    word: str
    """Synthetic, simulated."""
    words: Words
    """Where the numbers come from, one sentence."""


@dataclass(frozen=True)
class Page:
    """A whole page."""

    title: str
    sections: Sequence[Section]
    kicker: str = ""
    """Small line above the title."""
    lead: Words = ""
    """Sentence below the title."""
    head: Sequence[Part] = ()
    """What stands between the title and the first section."""
    mark: Mark | None = None
    footer: Words = f"exogait · {RESEARCH}"

    def __post_init__(self) -> None:
        names = [section.id for section in self.sections]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"page {self.title!r}: section {', '.join(twice)} is there twice")

    @property
    def shown(self) -> tuple[Section, ...]:
        """Sections that have parts."""
        return tuple(section for section in self.sections if section.parts)

    def section(self, identifier: str) -> Section:
        """A section that is shown.

        Raises:
            KeyError: There is none of that identifier.
        """
        for section in self.shown:
            if section.id == identifier:
                return section
        raise KeyError(f"{identifier}: no such section; the page has {', '.join(s.id for s in self.shown)}")

    @property
    def text(self) -> str:
        """Everything that the page says in words: title, mark, head, sections, footer."""
        mark = [self.mark.word, plain(self.mark.words)] if self.mark else []
        head = [self.title, self.kicker, plain(self.lead), *mark, *_says(self.head)]
        return "\n".join([*head, *(section.text for section in self.shown), plain(self.footer)])


def _unfold(parts: Iterable[Part]) -> Iterator[Part]:
    for part in parts:
        yield part
        if isinstance(part, Fold):
            yield from _unfold(part.parts)


def _says(parts: Iterable[Part]) -> Iterator[str]:
    for part in _unfold(parts):
        if isinstance(part, Text | Note | Banner):
            items = () if isinstance(part, Text) else part.items
            yield from (plain(words) for words in (part.words, *items) if words)
        elif isinstance(part, Table | Figure) and part.caption:
            yield plain(part.caption)
        elif isinstance(part, Facts):
            yield from (f"{fact.what} {plain(fact.value)} {fact.remark}".rstrip() for fact in part.items)
        elif isinstance(part, Verdicts):
            yield " ".join([part.title, *(str(verdict) for verdict in part.counts)])
        elif isinstance(part, Heading | Listing):
            yield part.text
        elif isinstance(part, Gallery):
            yield from (f"{card.title} {plain(card.text)}" for card in part.cards)
        elif isinstance(part, Fold):
            yield part.summary
