"""The table of what was drawn, noticed and missed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from tests.mutation.rooms import Drawn
from tests.validation.sections import markdown_table

EXPLAINED = Path(__file__).with_name("explained.yaml")


def read_explained(path: Path = EXPLAINED) -> dict[str, dict[str, str]]:
    """Mutants that no test can or need notice, by name: ``what`` was changed and ``why`` that is no hole."""
    return yaml.safe_load(path.read_text(encoding="utf-8")) or {}


def table(
    rooms: Sequence[str],
    drawn: Sequence[Drawn],
    results: Mapping[str, Mapping[str, Any]],
    explained: Mapping[str, Mapping[str, str]],
) -> str:
    """Markdown: by room, how many were drawn, noticed, timed out, broken, survived, and explained of those.

    Raises:
        KeyError: A drawn mutant has no result.
    """
    rows: list[list[object]] = []
    for name in [*rooms, "all"]:
        mine = [mutant for room, _, mutant in drawn if name in (room.name, "all")]
        if not mine:
            continue
        outcome = [results[mutant.name]["outcome"] for mutant in mine]
        survived = [m for m, o in zip(mine, outcome, strict=True) if o == "survived"]
        noticed = sum(o in ("killed", "timeout") for o in outcome)
        able = len(mine) - outcome.count("broken")
        rows.append(
            [name, len(mine), outcome.count("broken"), outcome.count("killed"), outcome.count("timeout"),
             len(survived), sum(m.name in explained for m in survived), f"{100 * noticed / max(able, 1):.0f}%"]
        )  # fmt: skip
    header = ["room", "drawn", "broken", "killed", "timed out", "survived", "explained", "killed of those that run"]
    return markdown_table(header, rows)
