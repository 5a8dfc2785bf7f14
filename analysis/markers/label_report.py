"""What the known marker maps make of a file's labels, in words, and what to do next."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .identify import MIN_MARKERS
from .map import MarkerMap, MarkerMatch, available_marker_maps, match_labels, read_marker_map

SHOWN = 8
"""Missing markers of one map that are named, with what stands near them."""


@dataclass(frozen=True)
class LabelReport:
    """A file's labels against every known map."""

    path: Path
    """The file."""
    labels: tuple[str, ...]
    """Its labels."""
    matches: tuple[tuple[MarkerMap, MarkerMatch], ...]
    """Every map with what it finds, the best first."""

    @property
    def best(self) -> MarkerMap | None:
        """The map that would be chosen; ``None`` where none finds enough to show two legs."""
        marker_map, match = self.matches[0]
        return marker_map if len(match.found) >= MIN_MARKERS else None

    def __str__(self) -> str:
        lines = [f"{self.path}: {len(self.labels)} labels"]
        lines += textwrap.wrap(", ".join(self.labels), 116, initial_indent="  ", subsequent_indent="  ")
        lines += ["", f"{'marker map':24s}  found"]
        for marker_map, match in self.matches:
            lines.append(f"{marker_map.key:24s}  {len(match.found)} of {len(marker_map.markers)}{_missing(match)}")
        return "\n".join([*lines, "", self.next_step()])

    def next_step(self) -> str:
        """What fits best, and what to do with it."""
        file, best = f"'{self.path}'", self.best
        draft = f"`exogait lab labels {file} --draft NAME` or `exogait new marker-map NAME --from {file}`"
        if best is None:
            return (
                f"no map fits: fewer than {MIN_MARKERS} markers are known\n"
                f"next: {draft}\n"
                "writes the first draft of a map; check its lines, then: exogait lab run ... --marker-map NAME"
            )
        match = self.matches[0][1]
        unused = f"\nlabels that it does not use: {', '.join(match.unmapped)}" if match.unmapped else ""
        return (
            f"best: {best.key} ({best.name}); `exogait lab run` takes it by itself{unused}\n"
            f"does it miss markers that matter? `exogait lab maps --show {best.key}` prints it to start from;\n"
            f"{draft} drafts a map of these labels"
        )


def report_labels(labels: Sequence[str], path: str | Path) -> LabelReport:
    """Hold a file's labels against every known map.

    Args:
        labels: Labels of the file.
        path: The file.
    """
    maps = [read_marker_map(name) for name in available_marker_maps()]
    found = [(marker_map, match_labels(marker_map, labels)) for marker_map in maps]
    # The order by which a map is chosen: most markers found, then fewest missing, then the name.
    found.sort(key=lambda item: (len(item[1].found), -len(item[1].missing), item[0].key), reverse=True)
    return LabelReport(Path(path), tuple(labels), tuple(found))


def _missing(match: MarkerMatch) -> str:
    if not match.missing:
        return ""
    near = {label: names for label, names in match.missing.items() if names}
    parts = [f"{label} (near: {', '.join(names)})" for label, names in near.items()]
    if match.found:
        parts += [label for label in match.missing if label not in near]
    more = f" and {len(parts) - SHOWN} more" if len(parts) > SHOWN else ""
    return f"; missing: {', '.join(parts[:SHOWN])}{more}" if parts else ""
