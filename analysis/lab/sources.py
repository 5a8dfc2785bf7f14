"""What the lab road starts from: a recording at rest, one of the walk, a marker set, and motion if it is solved.

Every combination of files ends in the same four things, so that nobody further down the road asks which it was.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from exogait.data import FileFormatError, InputError
from exogait.data.quality import QualityRow

from ..c3d.force_files import read_forces
from ..c3d.persons import person_of
from ..c3d.reader import C3DFile
from ..c3d.recording import read_recording
from ..c3d.subjects import only_subject
from ..markers.identify import choose_map, identify
from ..markers.map import MarkerMap
from ..markers.roles import pelvis_markers
from .own_model import (
    MOTION_ENDINGS,
    map_of_landmarks,
    map_of_model,
    read_motion,
    recording_of_model,
)
from .request import LabRequest


@dataclass(frozen=True, kw_only=True)
class Sources:
    """Files, read, and what is known before anything is computed."""

    resting: C3DFile
    """The person at rest: the static trial, the model in its default pose, or one frame of the walk."""
    recording: C3DFile
    """The walk, with its forces."""
    marker_map: MarkerMap
    """The marker set."""
    motion: pd.DataFrame | None = None
    """Coordinates that were solved elsewhere, rad and m, on the recording's clock."""
    rows: tuple[QualityRow, ...] = ()
    """What a reader of the report must know about it."""


def read_sources(request: LabRequest) -> Sources:
    """Read what the request names.

    Raises:
        FileFormatError: A file cannot be read, or lacks what the road needs.
        InputError: Motion without its model, or no marker map fits.
    """
    if request.walk.suffix.lower() in MOTION_ENDINGS:
        found = _solved(request)
    elif request.model is not None:
        found = _on_own_model(request, request.model)
    else:
        found = _measured(request)
    found = replace(found, rows=(*found.rows, *_person_rows(request, found)))
    if request.forces is None:
        return found
    forces = read_forces(request.forces, columns=request.force_columns)
    return replace(found, recording=replace(found.recording, forces=forces))


def _person_rows(request: LabRequest, found: Sources) -> list[QualityRow]:
    """What was stated of the body, and what the files say of the person, whether it counts or not."""
    files = ((request.static, found.resting), (request.walk, found.recording))
    said = [(path.name, person_of(recording).describe()) for path, recording in files if path is not None]
    stated = ", ".join(f"{name} {length:g} m" for name, length in request.lengths.items())
    lengths = [QualityRow("Scaling", "stated lengths, which count before markers", stated)] if stated else []
    return [*lengths, *(QualityRow("Person", f"as {name} states", fact) for name, fact in said if fact)]


def _measured(request: LabRequest) -> Sources:
    """Markers, with a static trial or without."""
    units = request.settings.units
    if request.static is None:
        recording = only_subject(read_recording(request.walk, units=units), [request.subject])
        used_map = choose_map(request.marker_map, (recording,))
        resting, row = _resting_frame(recording, used_map, request)
        return Sources(resting=resting, recording=recording, marker_map=used_map, rows=(row,))
    if not request.static.is_file():
        raise FileFormatError(request.static, "there is no such static trial", "name its file, or leave --static out")
    resting = only_subject(read_recording(request.static, units=units), [request.subject])
    recording = only_subject(read_recording(request.walk, units=units), [request.subject, resting.subject])
    # The marker set comes first: it also says which marker is a heel, and an unknown set is the clearest complaint.
    used_map = choose_map(request.marker_map, (resting, recording))
    return Sources(resting=resting, recording=recording, marker_map=used_map)


def _on_own_model(request: LabRequest, model: Path) -> Sources:
    """Markers on a model that is the person's already."""
    own = map_of_model(model)
    recording = only_subject(read_recording(request.walk, units=request.settings.units), [request.subject])
    row = QualityRow("Scaling", "model", f"{model.name}, as it came with the walk: not scaled, its own markers count")
    return Sources(resting=recording_of_model(model, own), recording=recording, marker_map=own, rows=(row,))


def _solved(request: LabRequest) -> Sources:
    """Coordinates on the model that they were solved with."""
    if request.model is None:
        raise InputError("model", None, f"the model that {request.walk.name} was solved with: --model")
    motion, start = read_motion(request.walk, request.model)
    points = map_of_landmarks(request.model)
    recording = recording_of_model(request.model, points, motion, start=start, source=str(request.walk))
    rows = (
        QualityRow("Scaling", "model", f"{request.model.name}, as it came with the walk: not scaled"),
        QualityRow(
            "Inverse kinematics", "joint angles",
            f"as {request.walk.name} states them; the markers shown are points of the model",
        ),
    )  # fmt: skip
    return Sources(
        resting=recording_of_model(request.model, points), recording=recording, marker_map=points, motion=motion,
        rows=rows,
    )  # fmt: skip


def _resting_frame(recording: C3DFile, marker_map: MarkerMap, request: LabRequest) -> tuple[C3DFile, QualityRow]:
    """The frame of a walk in which the person comes nearest to standing: both legs at their longest, all markers seen.

    A joint's zero is where the anatomical markers put it, in any pose; segments are as long as their markers are apart.
    """
    found = identify(recording, marker_map, request.settings.roles)
    names = list(recording.marker_names)
    used = [names.index(label) for label in found.match.found.values()]
    seen = np.isfinite(recording.positions[:, used]).all(axis=2).sum(axis=1)
    pelvis = pelvis_markers(found.roles)
    feet = [next((found.roles[f"{role}_{s}"][0] for role in ("ankle", "heel") if f"{role}_{s}" in found.roles), "")
            for s in "rl"]  # fmt: skip
    if not pelvis or "" in feet:
        raise FileFormatError(
            recording.path, "without a static trial markers of pelvis and both ankles are needed",
            "name the static trial with --static, or the roles in the settings",
        )  # fmt: skip
    hips = np.mean([recording.positions[:, names.index(name)] for name in pelvis], axis=0)
    length = sum(np.linalg.norm(hips - recording.positions[:, names.index(name)], axis=1) for name in feet)
    candidates = np.where((seen == seen.max()) & np.isfinite(length), length, -np.inf)
    frame = int(np.argmax(candidates))
    part = slice(frame, frame + 1)
    resting = replace(
        recording, positions=recording.positions[part], residuals=recording.residuals[part],
        outputs=recording.outputs[part], analog=recording.analog[:0], events=(), platforms=(), warnings=(),
    )  # fmt: skip
    row = QualityRow(
        "Scaling", "static trial",
        f"none: scaled to the walk at {frame / recording.point_rate:.2f} s, where both legs are longest",
        verdict="warn",
    )  # fmt: skip
    return resting, row
