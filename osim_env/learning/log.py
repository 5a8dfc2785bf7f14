"""The progress table and TensorBoard log of a training run."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from exogait.data.files import write_text_atomic, written_beside

CHECKPOINT, CONFIG, MANIFEST = "checkpoint.npz", "config.json", "manifest.json"
PROGRESS, EVALUATION, IMITATION = "progress.csv", "evaluation.csv", "imitation.csv"
"""Files of a training run."""


def append_row(path: Path, row: Mapping[str, float]) -> None:
    """Add a row to a table, and columns that it did not have (a learner that begins in a later stage)."""
    rows: list[Mapping[str, Any]] = []
    columns = list(row)
    if path.is_file():
        with path.open(newline="") as stream:
            reader = csv.DictReader(stream)
            known = list(reader.fieldnames or ())
            columns = [*known, *(name for name in row if name not in known)]
            rows = list(reader) if columns != known else []
    if rows or not path.is_file():
        with written_beside(path) as beside, beside.open("w", newline="") as stream:
            writer = csv.DictWriter(stream, fieldnames=columns)
            writer.writeheader()
            writer.writerows(rows)
    with path.open("a", newline="") as stream:
        csv.DictWriter(stream, fieldnames=columns).writerow(row)


LEFT_BEHIND = (PROGRESS, EVALUATION, IMITATION, "tensorboard", CONFIG, MANIFEST, "best_*", "last_*")
"""What a run writes beside its checkpoint."""


def set_aside(folder: Path) -> Path | None:
    """Move what a run left that ended before its first checkpoint into a folder of its own; a new one begins clean.

    Args:
        folder: Folder of the run.

    Returns:
        The new folder (``before-1``, ...), None where the run had logged nothing.
    """
    if not (folder / PROGRESS).is_file():
        return None
    number = 1
    while (folder / f"before-{number}").exists():
        number += 1
    aside = folder / f"before-{number}"
    aside.mkdir()
    # progress.csv last: as long as it is there, whoever comes after an interruption here goes on.
    found = [path for pattern in reversed(LEFT_BEHIND) for path in sorted(folder.glob(pattern))]
    for path in found:
        path.rename(aside / path.name)
    return aside


def drop_rows_after(path: Path, samples: int) -> None:
    """Forget what a killed run logged after its last checkpoint; the resumed run logs the same again."""
    if not path.is_file():
        return
    lines = path.read_text().splitlines(keepends=True)
    column = lines[0].strip().split(",").index("samples")
    kept = [line for line in lines[1:] if line.endswith("\n") and float(line.split(",")[column]) <= samples]
    write_text_atomic(path, lines[0] + "".join(kept))


def tensorboard_writer() -> Any:
    """TensorBoard's writer, or ``None`` where it is not installed."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        return None
    return SummaryWriter
