"""A section of a page with the tables that lie beside the page: one is not written without the other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import pandas as pd
from matplotlib.figure import Figure as Drawing

from .kit import Figure, Link, Section, Text


@dataclass(frozen=True)
class Piece:
    """A section and its data."""

    section: Section
    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    """Place of a CSV file relative to the page, without its ending, to its content."""


def data_link(place: str, text: str = "data") -> Link:
    """The link to a table beside the page."""
    return Link(text, f"{place}.csv")


def with_data(place: str, drawing: Drawing, caption: str) -> Figure:
    """A figure that links to the table it was drawn from."""
    return Figure(drawing, caption, links=[data_link(place)])


def not_shown(key: str, title: str, why: str) -> Piece:
    """A section that says why there is nothing in it."""
    return Piece(Section(key, title, [Text(f"Not shown: {why}.")]))


def all_tables(pieces: Iterable[Piece]) -> dict[str, pd.DataFrame]:
    """The tables of several sections."""
    return {place: content for piece in pieces for place, content in piece.tables.items()}
