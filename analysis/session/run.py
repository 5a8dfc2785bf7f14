"""``exogait session``: from a folder of recordings to one page of persons, conditions and strides."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd

from exogait.data import ExogaitError, InputError, output_folder, write_csv
from exogait.data.errors import DataQualityWarning
from exogait.data.names import CURVES_TABLE, REPORT_PAGE, SESSION_FILE, SESSION_PAGE
from exogait.data.results import read_result
from exogait.data.trial import GaitEvent

from ..c3d.recording import read_recording
from ..lab.batch import run_batch
from ..lab.pipeline import Progress
from ..lab.settings import LabSettings
from ..signals.event_choice import EventChoice, choose_methods
from ..signals.measured import process_trial
from .gather import NUMBER_COLUMNS, STRIDE_COLUMNS, WALK_COLUMNS, WalkRecord, failed_walk, record_walk
from .page import write_session_page
from .plan import SessionWalk, plan_session, plan_table
from .record import (
    LEFT_OUT_TABLE,
    NUMBERS_TABLE,
    STRIDES_TABLE,
    VARIABILITY_TABLE,
    WALKS_TABLE,
)
from .session import Session

PLAN_TABLE = "plan.csv"
WALKS = "walks"
"""Folder of the walks, inside the session's."""
RESULTS = (
    PLAN_TABLE, WALKS_TABLE, STRIDES_TABLE, NUMBERS_TABLE, CURVES_TABLE, VARIABILITY_TABLE, LEFT_OUT_TABLE,
    SESSION_FILE, SESSION_PAGE,
)  # fmt: skip
FROM_ITSELF = "no static trial: scaled to the walk itself"


def run_session(
    source: str | Path | Sequence[SessionWalk],
    *,
    out: str | Path,
    settings: LabSettings | None = None,
    workers: int = 1,
    progress: Progress | None = None,
) -> Session:
    """Analyse all walks of a session and put their strides together.

    A walk that fails, or that its judgement calls not usable, is left out with its reason; what is withheld of a walk
    is left out of the means. Walks of which nothing changed since the last run are taken as they are.

    Args:
        source: A folder, a table, or its walks (:func:`exogait.analysis.session.plan.plan_session`).
        out: Folder for page and tables; the walks lie in ``walks`` inside it.
        settings: Choices of the lab road for all recordings.
        workers: Walks at a time, one process each.
        progress: Called with each walk's name as it is done.

    Returns:
        The session.

    Raises:
        FileFormatError: The source holds no walk, or its table cannot be understood.
        InputError: The session would be written into its own source.
    """
    out = Path(out)
    if isinstance(source, str | Path) and out.resolve() == Path(source).resolve():
        raise InputError("out", str(out), "another folder than that of the recordings is needed")
    plan = plan_session(source) if isinstance(source, str | Path) else list(source)
    with output_folder(out, "exogait session", expects=RESULTS):
        write_csv(plan_table(plan), out / PLAN_TABLE)
        session = gather_session(plan, out=out, settings=settings, workers=workers, progress=progress)
        session.write()
        write_session_page(session)
    return session


def gather_session(
    plan: Sequence[SessionWalk],
    *,
    out: Path,
    settings: LabSettings | None = None,
    workers: int = 1,
    progress: Progress | None = None,
) -> Session:
    """What :func:`run_session` gives, without page and tables: only the walks are written, into ``out/walks``."""
    records = _records(plan, out, settings, workers, progress)
    return Session(
        folder=out, walks=pd.DataFrame([record.about for record in records], columns=list(WALK_COLUMNS)),
        strides=_joined([record.strides for record in records], STRIDE_COLUMNS),
        numbers=_joined([record.numbers for record in records], NUMBER_COLUMNS),
    )  # fmt: skip


def _records(
    plan: Sequence[SessionWalk], out: Path, settings: LabSettings | None, workers: int, progress: Progress | None
) -> list[WalkRecord]:
    recordings = [walk for walk in plan if not walk.finished]
    folders: dict[str, Path] = {}
    failures: dict[str, str] = {}
    reused: set[str] = set()
    if recordings:
        chosen = choose_for_persons(recordings, settings or LabSettings())
        rows = [replace(walk.manifest_row(), events=chosen.get(walk.person)) for walk in recordings]
        batch = run_batch(
            rows, out=out / WALKS, settings=settings, workers=workers,
            progress=progress,
        )  # fmt: skip
        folders = {name: batch.folder / place for name, place in batch.folders.items()}
        failures = dict(zip(batch.failures["name"].map(str), batch.failures["error"].map(str), strict=True))
        reused = set(batch.reused)
    records = []
    for walk in plan:
        who = {
            "walk": walk.name, "person": walk.person, "condition": walk.condition, "date": walk.date,
            "group": walk.group,
        }  # fmt: skip
        if walk.name in failures:
            records.append(failed_walk(who, failures[walk.name]))
            continue
        folder = walk.walk if walk.finished else folders[walk.name]
        try:
            trial = read_result(folder)
        except ExogaitError as error:
            records.append(failed_walk(who, str(error)))
            continue
        remark = FROM_ITSELF if walk.static is None and not walk.finished else ""
        report = f"{WALKS}/{folder.name}/{REPORT_PAGE}" if not walk.finished else ""
        record = record_walk(trial, who, remark=remark, report=report)
        records.append(WalkRecord({**record.about, "reused": walk.name in reused}, record.strides, record.numbers))
        if progress and walk.finished:
            progress(walk.name)
    return records


def choose_for_persons(plan: Sequence[SessionWalk], settings: LabSettings) -> dict[str, EventChoice]:
    """The methods that find a person's events, the same in all walks: one walk's plates speak for the others.

    Args:
        plan: Recordings.
        settings: Choices of the lab road; methods that they name are left to them.

    Returns:
        Choice by person; nobody of whom there is a single recording, since it chooses for itself.
    """
    if settings.event_method != "chosen" or settings.toe_off_method is not None:
        return {}
    chosen = {}
    for person in dict.fromkeys(walk.person for walk in plan):
        own = [walk for walk in plan if walk.person == person]
        found = [events for walk in own if (events := _events_of(walk, settings)) is not None] if len(own) > 1 else []
        if found:
            chosen[person] = choose_methods(found)
    return chosen


def _events_of(walk: SessionWalk, settings: LabSettings) -> Mapping[str, Sequence[GaitEvent]] | None:
    """Events of a recording by method; ``None`` where it cannot be read, which its own analysis will say."""
    try:
        recording = read_recording(walk.walk, units=settings.units)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DataQualityWarning)  # its own analysis will say it too
            return process_trial(
                recording, roles=settings.roles, forward=settings.forward, up=settings.up, max_gap=settings.max_gap,
                threshold=settings.force_threshold, belt_speed=walk.belt_speed,
            ).events.by_method  # fmt: skip
    except ExogaitError:
        return None


def _joined(tables: Sequence[pd.DataFrame], columns: Sequence[str]) -> pd.DataFrame:
    known = [table for table in tables if len(table)]
    return pd.DataFrame(pd.concat(known, ignore_index=True) if known else pd.DataFrame(columns=list(columns)))
