"""The steps of the lab road, one function each: read and clean, scale, angles, moments, numbers, facts.

Each takes the request and what the steps before it found, and returns its result; :mod:`.pipeline` runs them in order
and collects what each says about the quality of the data.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from exogait.data import FileFormatError, GaitTrial, InputError
from exogait.data.about import TrialAbout
from exogait.data.names import COORDINATES_ENDING, MOMENTS_ENDING, SCALED_ENDING
from exogait.data.quality import QualityRow
from exogait.data.trc import marker_array, marker_table

from ..c3d.applied import AppliedForce
from ..c3d.reader import C3DFile
from ..gait.power import differentiate, joint_powers
from ..gait.spatiotemporal import Spatiotemporal, compute_spatiotemporal
from ..judgement import statements
from ..markers.identify import Identity, identify
from ..markers.map import MarkerMap
from ..markers.rebuild import rebuild_paths
from ..opensim_tools.common import load_model
from ..opensim_tools.dynamics import DynamicsResult, inverse_dynamics
from ..opensim_tools.kinematics import KinematicsResult, inverse_kinematics
from ..opensim_tools.observed import unobserved_joints
from ..opensim_tools.scale import ScaleResult, scale_model
from ..signals.emg import emg_channels, normalize_emg, process_emg
from ..signals.frame import find_lab_frame
from ..signals.measured import LabTrial, process_trial
from .own_model import kinematics_of_motion, scale_of_model
from .request import LabRequest
from .sources import read_sources
from .step_cache import StepCache

_LEAST_SEEN = 0.25
"""Share of the mapped markers below which a frame is not solved."""


@dataclass(frozen=True, kw_only=True)
class Measured:
    """Both files, read and cleaned."""

    resting: C3DFile
    """The static trial's file."""
    at_rest: Identity
    """What the static trial's labels mean."""
    standing: pd.DataFrame
    """Static trial as a marker table in OpenSim's frame, unfiltered, with the laboratory's labels, m."""
    recording: C3DFile
    """The walking trial's file."""
    identity: Identity
    """What the walking trial's labels mean."""
    lab: LabTrial
    """Clean signals of the walk and the decisions behind them."""
    trial: GaitTrial
    """The walk as the structure that both roads share: markers, ground reactions, masks, events."""
    emg: pd.DataFrame | None
    """Envelopes, 1 = each channel's own peak."""
    emg_facts: Mapping[str, str]
    """How they were made."""
    motion: pd.DataFrame | None
    """Coordinates that were solved elsewhere, rad and m; ``None`` where they are to be found."""
    rows: tuple[QualityRow, ...]
    """What was found on the way."""

    @property
    def marker_map(self) -> MarkerMap:
        """The marker set."""
        return self.identity.marker_map

    @property
    def markers(self) -> pd.DataFrame:
        """Clean markers of the walk."""
        assert self.trial.markers is not None
        return self.trial.markers


def measure(request: LabRequest) -> Measured:
    """Read both trials, find what their labels mean, and clean the walk.

    Raises:
        FileFormatError: A file cannot be read, or lacks what the road needs.
        InputError: No marker map fits.
        UnitsError: A file's unit of length is missing or cannot be right.
    """
    settings = request.settings
    sources = read_sources(request)
    resting, recording, used_map = sources.resting, sources.recording, sources.marker_map
    at_rest = identify(resting, used_map, settings.roles)
    whole = identify(recording, used_map, settings.roles, standing=resting)
    recording, rebuilt_rows = _rebuild(recording, whole, settings.max_gap)
    walking = identify(recording, used_map, settings.roles, standing=resting)
    standing, standing_rows = _turn_standing(resting, at_rest, settings.up)
    solved = sources.motion
    lab = process_trial(
        recording,
        identity=walking,
        forward=settings.forward if solved is None else "+x",
        up=settings.up if solved is None else "+y",
        # What was solved elsewhere is finished: forces beside it are applied as they are, as OpenSim's tools do.
        marker_cutoff=settings.marker_cutoff if solved is None else None,
        force_cutoff=settings.force_cutoff if solved is None else None,
        max_gap=settings.max_gap,
        threshold=settings.force_threshold,
        method=settings.event_method,
        toe_off_method=settings.toe_off_method,
        overrides=settings.overrides,
        belt_speed=settings.belt_speed,
    )
    emg, emg_facts, emg_rows = _process_emg(recording)
    rows = [
        *standing_rows, *sources.rows, *rebuilt_rows, *statements.lab_rows(recording, lab), *emg_rows,
        *statements.map_rows(used_map, walking.match, at_rest.match), *statements.swap_rows(walking.swaps),
    ]  # fmt: skip
    return Measured(
        resting=resting, at_rest=at_rest, standing=standing, recording=recording, identity=walking, lab=lab,
        trial=lab.to_gait_trial(request.name), emg=emg, emg_facts=emg_facts, motion=solved,
        rows=tuple(rows),
    )  # fmt: skip


def scale_to_person(request: LabRequest, measured: Measured, folder: Path, cache: StepCache) -> ScaleResult:
    """The model scaled to the static trial, or the person's own."""
    if request.model is not None:
        return scale_of_model(request.model, request.mass, folder, f"{request.person_file}{SCALED_ENDING}")
    marker_map, base = measured.marker_map, request.base_model
    about_map = repr(asdict(marker_map))
    return cache.run(
        "scale",
        [measured.standing, about_map, float(request.mass), request.height, dict(request.lengths), base or "own",
         request.person_file],
        lambda: scale_model(
            measured.standing, marker_map, mass=request.mass, out=folder, base_model=base, name=request.person_file,
            height=request.height, lengths=request.lengths,
        ),
        files=[folder / f"{request.person_file}{SCALED_ENDING}"],
    )  # fmt: skip


def find_angles(
    request: LabRequest, measured: Measured, scaled: ScaleResult, folder: Path, cache: StepCache
) -> tuple[KinematicsResult, NDArray[np.bool_]]:
    """Joint angles of the walk, while the person is in view, and in which frames no marker tells them."""
    marker_map, name = measured.marker_map, request.walk_file
    if measured.motion is not None:
        labels = list(marker_map.markers)
        found = kinematics_of_motion(measured.motion, scaled.model, labels, folder, name)
        return found, np.zeros(len(measured.motion), dtype=bool)
    markers, unseen = _mapped_window(measured, request.walk)
    found = cache.run(
        "inverse_kinematics",
        [scaled.model, markers, repr(asdict(marker_map)), name],
        lambda: inverse_kinematics(scaled.model, markers, marker_map, out=folder, name=name),
        files=[folder / f"{name}{COORDINATES_ENDING}"],
    )
    return found, unseen


def find_moments(
    request: LabRequest,
    measured: Measured,
    scaled: ScaleResult,
    angles: KinematicsResult,
    folder: Path,
    cache: StepCache,
) -> DynamicsResult | None:
    """Joint moments of the walk; ``None`` without force plates."""
    reactions, name, device = measured.trial.ground_reactions, request.walk_file, measured.lab.device
    if reactions is None:
        return None
    valid = measured.trial.masks["valid_kinetics"]
    # Markers were filtered before the angles were found, and a second filter would only blur them; angles that were
    # solved elsewhere are filtered by OpenSim's tool.
    cutoff = -1.0 if measured.motion is None else request.settings.coordinate_cutoff
    return cache.run(
        "inverse_dynamics",
        [scaled.model, angles.coordinates, reactions, valid, cutoff, _as_tables(device), name],
        lambda: inverse_dynamics(
            scaled.model,
            angles.coordinates,
            reactions,
            out=folder,
            valid=valid,
            cutoff=cutoff,
            device=device,
            name=name,
        ),
        files=[folder / f"{name}{MOMENTS_ENDING}"],
    )


def _as_tables(device: Sequence[AppliedForce]) -> list[object]:
    """Device loads as what the cache of steps can tell apart."""
    stated = [f"{load.name} {load.body} {load.force_frame} {load.point_frame}" for load in device]
    return [*stated, *(pd.DataFrame(np.hstack([load.force, load.point, load.torque])) for load in device)]


def gait_numbers(request: LabRequest, measured: Measured) -> Spatiotemporal:
    """Speed, lengths and times of the walk."""
    lab = measured.lab
    return compute_spatiotemporal(
        lab.positions, lab.marker_names, lab.rate, lab.roles, lab.events.events,
        belt_speed=request.settings.belt_speed,
    )  # fmt: skip


def trial_facts(
    request: LabRequest,
    measured: Measured,
    scaled: ScaleResult,
    angles: KinematicsResult,
    numbers: Spatiotemporal,
) -> dict[str, Any]:
    """What the trial says about itself (:class:`exogait.data.about.TrialAbout`), in values that JSON knows."""
    settings = request.settings
    about = TrialAbout.from_metadata({**measured.trial.metadata, **measured.emg_facts}).replace(
        source="lab",
        subject=request.subject,
        mass=float(request.mass),
        height=request.height,
        age=request.age,
        sex=request.sex,
        side=request.side,
        diagnosis=request.diagnosis,
        speed_measured=float(numbers.speed) if np.isfinite(numbers.speed) else None,
        belt_speed=float(numbers.belt.speed),
        model=scaled.model.name,
        model_sha256=hashlib.sha256(scaled.model.read_bytes()).hexdigest(),
        marker_map=measured.marker_map.key,
        files=request.files,
        synthetic=_is_synthetic(measured.recording),
        settings={f.name: _plain(getattr(settings, f.name)) for f in fields(settings)},
        held_coordinates=_held(measured.marker_map, scaled),
        spatiotemporal=_records(numbers.summary()),
        marker_errors=[] if measured.motion is not None else _records(angles.error_table().reset_index(names="marker")),
        plate_strikes=[asdict(strike) for strike in measured.lab.strikes],
    )
    return _without_nan(about.to_metadata())


def _held(marker_map: MarkerMap, scaled: ScaleResult) -> list[str]:
    """Coordinates that the set holds, and those that no marker of it shows."""
    unseen = unobserved_joints(load_model(scaled.model), marker_map, marker_map.markers)
    return [str(coordinate) for coordinate in (*marker_map.hold, *unseen)]


def assemble(
    measured: GaitTrial,
    angles: KinematicsResult,
    dynamics: DynamicsResult | None,
    unseen: NDArray[np.bool_] | None = None,
) -> GaitTrial:
    """Join measurement, angles and moments into one trial, with speeds and joint powers.

    Speeds are the derivative of a quintic spline through the angles, which is what OpenSim's inverse dynamics uses too;
    the power of a coordinate is its generalized force times its speed, NaN where the force is not known.

    Args:
        measured: Markers, ground reactions, masks and events.
        angles: Joint angles.
        dynamics: Joint moments, or ``None``.
        unseen: Frames of the angles that no marker tells, shape (n_frames,): nothing is known there.
    """
    coordinates = angles.coordinates
    speeds = differentiate(coordinates)
    if unseen is not None and unseen.any():
        coordinates, speeds = (_blank_frames(table, unseen) for table in (coordinates, speeds))
    if dynamics is None:
        return measured.replace(coordinates=coordinates, speeds=speeds)
    forces = dynamics.generalized_forces
    if unseen is not None and unseen.any():
        forces = _blank_frames(forces, _unseen_at(forces.index, coordinates.index, unseen))
    powers = joint_powers(forces, speeds)
    # The mask of the measurement stays: ground reactions are known, or not, beyond the part that has angles too.
    return measured.replace(coordinates=coordinates, speeds=speeds, generalized_forces=forces, joint_powers=powers)


def _blank_frames(table: pd.DataFrame, frames: NDArray[np.bool_]) -> pd.DataFrame:
    blank = table.mask(np.tile(frames[:, None], table.shape[1]))
    blank.attrs = dict(table.attrs)
    return blank


def _unseen_at(clock: pd.Index, frames: pd.Index, unseen: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Instants next to a frame that no marker tells."""
    flags = np.interp(clock.to_numpy(np.float64), frames.to_numpy(np.float64), unseen.astype(np.float64))
    return flags > 0


def _rebuild(recording: C3DFile, identity: Identity, longest: float) -> tuple[C3DFile, list[QualityRow]]:
    """The walk with long gaps and parts of paths rebuilt that no body can have walked, and a row for each."""
    places = {identity.labels.index(name): label for label, name in identity.match.found.items()}
    bodies = {k: identity.marker_map.markers[label].body for k, label in places.items()}
    legs = [k for k, body in bodies.items() if body != "torso"]
    positions, done = rebuild_paths(recording.positions, recording.point_rate, legs, longest=longest)
    if not done:
        return recording, []
    return replace(recording, positions=positions), statements.rebuilt_rows(done, places)


def _turn_standing(recording: C3DFile, identity: Identity, up: str | None) -> tuple[pd.DataFrame, list[QualityRow]]:
    # The static pose may face another way than the walk: what a user says about forward holds for the walk only.
    frame = find_lab_frame(recording, up=up, roles=identity.roles)
    path = Path(recording.path)
    table = marker_table(
        recording.time, recording.marker_names, frame.rotate(recording.positions),
        name=path.stem, source=path.name, rate=recording.point_rate,
    )  # fmt: skip
    return table, [*statements.file_rows(recording, "static"), *statements.axes_rows(frame, "static")]


def _process_emg(recording: C3DFile) -> tuple[pd.DataFrame | None, dict[str, str], list[QualityRow]]:
    """Envelopes of the muscles that were recorded, 1 = each channel's own peak in this trial."""
    names = emg_channels(recording)
    if not names:
        return None, {}, []
    columns = [recording.analog_names.index(name) for name in names]
    try:
        raw = process_emg(recording.analog[:, columns], recording.analog_rate, names=names)
    except InputError as error:
        return None, {}, [QualityRow("Electromyography", "left out", str(error), verdict="warn")]
    envelope = normalize_emg(raw)
    table = envelope.to_frame()
    table = table.loc[:, np.isfinite(table.to_numpy()).all(axis=0)]
    table.attrs = {"units": "1"}
    low, high = envelope.band
    how = (
        f"band-pass {low:g}–{high:g} Hz, rectified, low-pass {envelope.cutoff:g} Hz, zero-phase; "
        f"1 = {envelope.normalized_by}"
    )
    rows = [QualityRow("Electromyography", f"{table.shape[1]} of {len(names)} channels", how)]
    rows += [QualityRow("Electromyography", "channel", note, verdict="warn") for note in envelope.notes]
    return (table if table.shape[1] else None), {"emg_processing": how}, rows


def _mapped_window(measured: Measured, walk: Path) -> tuple[pd.DataFrame, NDArray[np.bool_]]:
    """Cut the trial to where the person is in view: first to last frame with most of the mapped markers.

    Frames in between that show too few markers to solve are bridged by a line, as inverse kinematics cannot leave a
    frame out, and flagged: nothing of them may be used.
    """
    markers, labels = measured.markers, list(measured.identity.match.found.values())
    seen = np.isfinite(marker_array(markers, labels)[:, :, 0])
    seen = seen[:, seen.any(axis=0)]
    good = np.flatnonzero(seen.mean(axis=1) >= 0.7) if seen.size else np.zeros(0, dtype=int)
    if len(good) < 2:
        raise FileFormatError(
            walk, "in no two frames 70 % of the mapped markers are seen together", "check labels, gaps and marker map"
        )
    window = slice(int(good[0]), int(good[-1]) + 1)
    part = markers.iloc[window].copy()
    unseen = seen[window].mean(axis=1) < _LEAST_SEEN
    if unseen.any():
        part = part.mask(np.tile(unseen[:, None], part.shape[1])).interpolate(limit_area="inside")
        part = part.where(markers.iloc[window].notna() | unseen[:, None])
    part.attrs = dict(markers.attrs)
    return part, unseen


def _is_synthetic(recording: C3DFile) -> bool:
    """Whether the file says that no person was measured."""
    return any("SYNTHETIC" in str(value) for group in recording.parameters.values() for value in group.values())


def _plain(value: object) -> object:
    return str(value) if isinstance(value, Path) else dict(value) if isinstance(value, Mapping) else value


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(key): value for key, value in row.items()} for row in table.to_dict(orient="records")]


def _without_nan(value: Any) -> Any:
    """Plain copy with unknown numbers as ``None``: JSON knows no NaN."""
    if isinstance(value, Mapping):
        return {str(key): _without_nan(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value
