"""One corrupted trial through the lab road up to the judgement, kept, and judged as often as the checks change."""

from __future__ import annotations

import gzip
import hashlib
import pickle
import time
import warnings
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from unittest import mock

from exogait.analysis.gait.metrics import compute_metrics
from exogait.analysis.judgement.case import Case
from exogait.analysis.judgement.checks import judge_case
from exogait.analysis.judgement.withhold import withhold
from exogait.analysis.lab import pipeline, sources
from exogait.analysis.lab.manifest import ManifestRow
from exogait.analysis.lab.settings import LabSettings
from exogait.data import ExogaitError, GaitTrial
from exogait.data.quality import Overall, QualityRow, overall, quality_rows
from tests.validation.corrupt.kinds import Pair
from tests.validation.sections import ROOT

Numbers = dict[str, float]
_BEFORE = ("c3d", "gait", "lab", "markers", "opensim_tools", "signals")
"""Rooms of the lab road that work before the judgement."""


@dataclass(frozen=True)
class Road:
    """What the road found out about one trial before anything was judged."""

    what: str
    """Size of the corruption, in words; empty for none."""
    refused: str
    """The line with which the road refused the trial; empty where it gave results."""
    case: Case | None
    """What the checks look at."""
    stated: tuple[QualityRow, ...]
    """Rows that the road left on its way, before the checks."""
    seconds: float
    """Processor time, s."""
    code: str
    """Digest of the code before the judgement."""


@lru_cache(maxsize=1)
def code_before_judgement() -> str:
    """Short hash of the code whose results are kept."""
    total = hashlib.sha256()
    for room in _BEFORE:
        for path in sorted((ROOT / "analysis" / room).rglob("*")):
            if path.suffix in (".py", ".yaml"):
                total.update(path.relative_to(ROOT).as_posix().encode() + b"\0" + path.read_bytes())
    return total.hexdigest()[:12]


def compute(row: ManifestRow, pair: Pair, what: str, out: Path) -> Road:
    """One pair of recordings up to the judgement.

    Args:
        row: Whose walk it is.
        pair: What is read in place of its files.
        what: The corruption in words.
        out: Folder for the road's steps, which trials of one walk share where nothing changed.
    """
    request = replace(row.request(LabSettings()), mass=pair.mass)
    seen: list[Case] = []

    def read(path: Path, *, units: str | None = None) -> object:
        return pair.resting if Path(path) == request.static else pair.recording

    def catch(case: Case) -> list[QualityRow]:
        seen.append(case)
        return []

    start = time.process_time()
    with (
        mock.patch.object(sources, "read_recording", read),
        mock.patch.object(pipeline, "judge_case", catch),
        mock.patch.object(pipeline, "with_body_motion", lambda trial, model: trial),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")
        try:
            result = pipeline.analyse_request(request, out=out)
        except ExogaitError as error:
            return Road(what, str(error), None, (), time.process_time() - start, code_before_judgement())
    rows = tuple(quality_rows(result.withheld))
    return Road(what, "", seen[0], rows, time.process_time() - start, code_before_judgement())


def write(road: Road, file: Path) -> None:
    """Keep a trial; the study's own folder is the only place such a file is read from."""
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_suffix(".part")
    with gzip.open(part, "wb", compresslevel=1) as stream:
        pickle.dump(road, stream)
    part.rename(file)


def read(file: Path) -> Road:
    """A trial that :func:`write` kept."""
    with gzip.open(file, "rb") as stream:
        return pickle.load(stream)


@dataclass(frozen=True)
class Judged:
    """Numbers of one trial, and what the judgement says."""

    raw: Numbers
    """Every number with nothing withheld."""
    shown: Numbers
    """As reported; NaN where it is withheld."""
    units: dict[str, str]
    """Unit of each."""
    failed: tuple[QualityRow, ...]
    """Failed rows."""
    overall: Overall
    """The verdict."""


def judge(road: Road) -> Judged | None:
    """Ask the checks as they are now; ``None`` for a trial that the road refused."""
    if road.case is None:
        return None
    rows = [*road.stated, *judge_case(road.case)]
    raw, units = numbers_of(road.case.trial)
    shown, _ = numbers_of(withhold(road.case.trial, rows))
    return Judged(raw, shown, units, tuple(row for row in rows if row.verdict == "fail"), overall(rows))


def numbers_of(trial: GaitTrial) -> tuple[Numbers, dict[str, str]]:
    """Every reported number of a trial, and its unit."""
    table = compute_metrics(trial).to_dict("records")
    values = {f"{row['metric']}, {side}": float(row[side]) for row in table for side in ("right", "left")}
    units = {f"{row['metric']}, {side}": row["unit"] for row in table for side in ("right", "left")}
    return values, units
