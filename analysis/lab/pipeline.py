"""The lab road in one call: static and walking trial in, a :class:`data.GaitTrial` with everything known about it out.

:func:`analyse_trial` reads both files, turns the axes, filters, assigns the plates, finds the events, scales the model
and runs inverse kinematics and dynamics. Every decision leaves a row in ``trial.metadata["quality"]``. With a folder to
write into, finished steps are kept there and taken again as long as nothing that they read has changed.
"""

from __future__ import annotations

import dataclasses
import hashlib
import tempfile
import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from exogait.data import DataQualityWarning, FileFormatError, GaitTrial, InputError
from exogait.data.about import TrialAbout
from exogait.data.quality import QualityRow, to_metadata
from exogait.data.show import Shown
from exogait.data.trc import marker_array, marker_labels, marker_table

from ..c3d.reader import C3DFile
from ..c3d.recording import read_recording
from ..gait.power import differentiate, joint_powers
from ..gait.spatiotemporal import Spatiotemporal, compute_spatiotemporal
from ..markers.map import MarkerMap, available_marker_maps, choose_marker_map, match_labels, read_marker_map
from ..markers.roles import find_roles, roles_of_map
from ..markers.swaps import exchange, find_swaps
from ..opensim_tools.dynamics import DynamicsResult, inverse_dynamics
from ..opensim_tools.kinematics import KinematicsResult, inverse_kinematics
from ..opensim_tools.scale import ScaleResult, scale_model
from ..opensim_tools.static_optimization import OptimizationResult
from ..signals.emg import emg_channels, normalize_emg, process_emg
from ..signals.frame import find_lab_frame
from ..signals.measured import LabTrial, process_trial
from . import quality
from .settings import LabSettings
from .step_cache import StepCache

_KEPT = (ScaleResult, KinematicsResult, DynamicsResult, OptimizationResult)

Progress = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class LabAnalysis(Shown):
    """Everything that the lab road computed for one walking trial."""

    trial: GaitTrial
    """The result."""
    lab: LabTrial
    """Clean signals and the decisions behind them."""
    marker_map: MarkerMap
    """Marker set."""
    scale: ScaleResult
    """Scaled model."""
    kinematics: KinematicsResult
    """Joint angles and marker errors."""
    dynamics: DynamicsResult | None
    """Joint moments; ``None`` without force plates."""
    spatiotemporal: Spatiotemporal
    """Speed, lengths, times."""
    cache: StepCache
    """Finished steps, for steps that follow; its ``records`` say where the time went."""


def analyse_trial(
    static: str | Path,
    walk: str | Path,
    mass: float,
    *,
    height: float | None = None,
    marker_map: str | Path | MarkerMap | None = None,
    settings: LabSettings | None = None,
    base_model: str | Path | None = None,
    out: str | Path | None = None,
    name: str | None = None,
    subject: str | None = None,
) -> GaitTrial:
    """Joint angles, moments, powers, ground reactions and events of one walking trial.

    Args:
        static: C3D or TRC file of the static trial.
        walk: C3D or TRC file of the walking trial.
        mass: Body mass, kg.
        height: Body height, m, for the record.
        marker_map: Marker set: a name, a YAML file, or a map; the best fitting of the suite's own if not given.
        settings: Choices of the road; the defaults if not given.
        base_model: Model to scale; the suite's own without contact, device or deficit if not given.
        out: Folder for OpenSim's files and for finished steps; a temporary one if not given.
        name: Name of the trial; the file's if not given.
        subject: Name of the person; that of the static file's folder if not given.

    Returns:
        The trial: coordinates and speeds on the scaled model, generalized forces and powers with unknown values as NaN,
        ground reactions, markers, events and masks, all on the clock of the walking file's first frame.

    Raises:
        InputError: The mass is not positive, or a setting is outside its range.
        FileFormatError: A file cannot be read, or lacks what the road needs.
        UnitsError: A file's unit of length is missing or cannot be right.
        ExogaitError: A step of OpenSim failed, with its reason.

    Example:
        >>> trial = analyse_trial("static.c3d", "walk.c3d", 72.0)  # doctest: +SKIP
        >>> trial.coordinates["knee_angle_r"].min()  # doctest: +SKIP
    """
    run: dict[str, Any] = dict(
        height=height, marker_map=marker_map, settings=settings, base_model=base_model, name=name, subject=subject
    )
    if out is not None:
        return analyse(static, walk, mass, out=out, **run).trial
    with tempfile.TemporaryDirectory(prefix="exogait-") as folder:
        return analyse(static, walk, mass, out=folder, keep_steps=False, **run).trial


def analyse(
    static: str | Path,
    walk: str | Path,
    mass: float,
    *,
    out: str | Path,
    height: float | None = None,
    marker_map: str | Path | MarkerMap | None = None,
    settings: LabSettings | None = None,
    base_model: str | Path | None = None,
    name: str | None = None,
    subject: str | None = None,
    keep_steps: bool = True,
    progress: Progress | None = None,
) -> LabAnalysis:
    """The same as :func:`analyse_trial`, with every intermediate result.

    Args:
        static: C3D or TRC file of the static trial.
        walk: C3D or TRC file of the walking trial.
        mass: Body mass, kg.
        out: Folder for OpenSim's files and for finished steps.
        height: Body height, m.
        marker_map: Marker set.
        settings: Choices of the road.
        base_model: Model to scale.
        name: Name of the trial.
        subject: Name of the person.
        keep_steps: Keep finished steps in ``out`` and take them again where nothing changed.
        progress: Called with the name of each step as it begins.
    """
    if not (isinstance(mass, int | float) and np.isfinite(mass) and mass > 0):
        raise InputError("mass", mass, "the body mass in kg, above 0")
    if height is not None and not 0.4 < height < 2.6:
        raise InputError("height", height, "the body height in metres")
    settings = settings or LabSettings()
    static, walk, out = Path(static), Path(walk), Path(out)
    name = name or _file_name(walk.stem)
    subject = subject or _file_name(static.stem)
    folder = out / ".steps" / "work"
    folder.mkdir(parents=True, exist_ok=True)
    cache = StepCache(out / ".steps" if keep_steps else None, _KEPT)
    say = progress or (lambda step: None)
    rows: list[QualityRow] = []

    with warnings.catch_warnings():
        # Each of these warnings becomes a row of the report; on the screen they would only hide the progress bar.
        warnings.simplefilter("ignore", DataQualityWarning)

        say("read")
        start = time.perf_counter()
        if not static.is_file():
            raise FileFormatError(static, "there is no such static trial", "name its C3D file with --static")
        resting = read_recording(static, units=settings.units)
        recording = read_recording(walk, units=settings.units)
        # The marker set comes first: it also says which marker is a heel, and an unknown set is the clearest complaint.
        used_map = _choose_map(marker_map, [*resting.marker_names, *recording.marker_names])
        for file, path in ((resting, static), (recording, walk)):
            _check_labels(used_map, file, path)
        standing, standing_rows = _turn_standing(resting, used_map, settings)
        lab = _process(recording, used_map, settings)
        rows += standing_rows + quality.lab_rows(recording, lab)
        emg, emg_facts, emg_rows = _process_emg(recording)
        rows += emg_rows
        rows += quality.map_rows(used_map, lab.marker_names, marker_labels(standing))
        measured = lab.to_gait_trial(name)
        assert measured.markers is not None
        swaps = find_swaps(standing, measured.markers, used_map)
        if swaps:
            recording = replace(recording, marker_names=tuple(exchange(recording.marker_names, swaps)))
            lab = _process(recording, used_map, settings)
            measured = lab.to_gait_trial(name)
            assert measured.markers is not None
            rows += quality.swap_rows(swaps)
        cache.note("read, filter, plates, events", time.perf_counter() - start)

        say("scale")
        model_file = folder / f"{subject}_scaled.osim"
        base = None if base_model is None else Path(base_model)
        scaled = cache.run(
            "scale",
            [standing, _map_key(used_map), float(mass), height, base or "own", subject],
            lambda: scale_model(
                standing, used_map, mass=mass, out=folder, base_model=base, name=subject, height=height
            ),
            files=[model_file],
        )
        rows += quality.scale_rows(scaled, used_map)

        say("inverse kinematics")
        markers = _mapped_window(measured.markers, used_map, walk)
        angles = cache.run(
            "inverse_kinematics",
            [scaled.model, markers, _map_key(used_map), name],
            lambda: inverse_kinematics(scaled.model, markers, used_map, out=folder, name=name),
            files=[folder / f"{name}_ik.mot"],
        )
        rows += quality.kinematics_rows(angles)

        dynamics: DynamicsResult | None = None
        reactions = measured.ground_reactions
        if reactions is not None:
            say("inverse dynamics")
            valid = measured.masks["valid_kinetics"]
            dynamics = cache.run(
                "inverse_dynamics",
                [scaled.model, angles.coordinates, reactions, valid, name],
                # The markers were filtered before the angles were found: a second filter would only blur them.
                lambda: inverse_dynamics(
                    scaled.model, angles.coordinates, reactions, out=folder, valid=valid, cutoff=-1.0, name=name
                ),
                files=[folder / f"{name}_id.sto"],
            )
            rows += quality.dynamics_rows(dynamics, mass)

        say("gait numbers")
        numbers = compute_spatiotemporal(
            lab.positions, lab.marker_names, lab.rate, lab.roles, lab.events.events, belt_speed=settings.belt_speed
        )
        rows += quality.spatiotemporal_rows(numbers)

    about = TrialAbout.from_metadata({**measured.metadata, **emg_facts}).replace(
        source="lab",
        subject=subject,
        mass=float(mass),
        height=height,
        speed_measured=float(numbers.speed) if np.isfinite(numbers.speed) else None,
        belt_speed=float(numbers.belt.speed),
        model=scaled.model.name,
        model_sha256=hashlib.sha256(scaled.model.read_bytes()).hexdigest(),
        marker_map=used_map.key,
        files={"static": static.name, "walk": walk.name},
        synthetic=_is_synthetic(recording),
        settings={f.name: _plain(getattr(settings, f.name)) for f in fields(settings)},
        held_coordinates=[str(coordinate) for coordinate in used_map.hold],
        spatiotemporal=_records(numbers.summary()),
        marker_errors=_records(angles.error_table().reset_index(names="marker")),
        plate_strikes=[asdict(strike) for strike in lab.strikes],
        quality=to_metadata(rows),
    )
    trial = assemble(measured, angles, dynamics)
    trial = trial.replace(emg=emg, metadata=_without_nan(about.to_metadata()))
    return LabAnalysis(
        trial=trial,
        lab=lab,
        marker_map=used_map,
        scale=scaled,
        kinematics=angles,
        dynamics=dynamics,
        spatiotemporal=numbers,
        cache=cache,
    )


def assemble(measured: GaitTrial, angles: KinematicsResult, dynamics: DynamicsResult | None) -> GaitTrial:
    """Join measurement, angles and moments into one trial, with speeds and joint powers.

    Speeds are the derivative of a quintic spline through the angles, which is what OpenSim's inverse dynamics uses too;
    the power of a coordinate is its generalized force times its speed, NaN where the force is not known.

    Args:
        measured: Markers, ground reactions, masks and events.
        angles: Joint angles.
        dynamics: Joint moments, or ``None``.
    """
    coordinates = angles.coordinates
    speeds = differentiate(coordinates)
    if dynamics is None:
        return measured.replace(coordinates=coordinates, speeds=speeds)
    forces = dynamics.generalized_forces
    powers = joint_powers(forces, speeds)
    masks = {**measured.masks, "valid_kinetics": dynamics.valid}
    return measured.replace(
        coordinates=coordinates, speeds=speeds, generalized_forces=forces, joint_powers=powers, masks=masks
    )


def _process(recording: C3DFile, marker_map: MarkerMap, settings: LabSettings) -> LabTrial:
    return process_trial(
        recording,
        forward=settings.forward,
        up=settings.up,
        roles=_roles(recording, marker_map, settings),
        marker_cutoff=settings.marker_cutoff,
        force_cutoff=settings.force_cutoff,
        max_gap=settings.max_gap,
        threshold=settings.force_threshold,
        method=settings.event_method,
        overrides=settings.overrides,
    )


def _roles(recording: C3DFile, marker_map: MarkerMap, settings: LabSettings) -> dict[str, tuple[str, ...]]:
    """Which marker is a heel, a toe, ...: the user's word, else the labels, else the places of the map's markers."""
    stated = {role: (label,) for role, label in settings.roles.items() if label in recording.marker_names}
    named = find_roles(recording.marker_names, stated or None)
    return {**roles_of_map(marker_map, recording.marker_names), **named}


def _turn_standing(
    recording: C3DFile, marker_map: MarkerMap, settings: LabSettings
) -> tuple[pd.DataFrame, list[QualityRow]]:
    """Static trial as a marker table in OpenSim's frame, unfiltered, with the laboratory's labels."""
    # The static pose may face another way than the walk: what a user says about forward holds for the walk only.
    frame = find_lab_frame(recording, up=settings.up, roles=_roles(recording, marker_map, settings))
    path = Path(recording.path)
    table = marker_table(
        recording.time, recording.marker_names, frame.rotate(recording.positions),
        name=path.stem, source=path.name, rate=recording.point_rate,
    )  # fmt: skip
    return table, [*quality.file_rows(recording, "static"), *quality.axes_rows(frame, "static")]


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


def _choose_map(given: str | Path | MarkerMap | None, labels: list[str]) -> MarkerMap:
    if isinstance(given, MarkerMap):
        return given
    return choose_marker_map(labels) if given is None else read_marker_map(given)


def _check_labels(marker_map: MarkerMap, recording: C3DFile, path: Path) -> None:
    """Refuse a trial of another marker set, naming what is missing and what stands there instead."""
    match = match_labels(marker_map, recording.marker_names)
    if len(match.found) >= 6:
        return
    missing = ", ".join(
        f"{label} (nearest: {' or '.join(near)})" if near else label for label, near in list(match.missing.items())[:8]
    )
    raise FileFormatError(
        path,
        f"only {len(match.found)} of the {len(marker_map.markers)} markers of map {marker_map.key!r} are in it; "
        f"missing {missing}",
        f"name a map that fits with --marker-map (known: {', '.join(available_marker_maps())}) or write one",
    )


def _mapped_window(markers: pd.DataFrame, marker_map: MarkerMap, walk: Path) -> pd.DataFrame:
    """Cut the trial to where the person is in view: first to last frame with most of the mapped markers."""
    match = match_labels(marker_map, marker_labels(markers))
    labels = [theirs for theirs in match.found.values()]
    seen = np.isfinite(marker_array(markers, labels)[:, :, 0])
    seen = seen[:, seen.any(axis=0)]
    good = np.flatnonzero(seen.mean(axis=1) >= 0.7) if seen.size else np.zeros(0, dtype=int)
    if len(good) < 2:
        raise FileFormatError(
            walk, "in no two frames 70 % of the mapped markers are seen together", "check labels, gaps and marker map"
        )
    part = markers.iloc[good[0] : good[-1] + 1]
    part.attrs = dict(markers.attrs)
    return part


def _is_synthetic(recording: C3DFile) -> bool:
    """Whether the file says that no person was measured."""
    return any("SYNTHETIC" in str(value) for group in recording.parameters.values() for value in group.values())


def _map_key(marker_map: MarkerMap) -> str:
    return repr(dataclasses.asdict(marker_map))


def _file_name(text: str) -> str:
    """A name that is safe in file names and inside OpenSim's XML."""
    kept = "".join(c if c.isascii() and (c.isalnum() or c in "-_.") else "_" for c in text).strip("._")
    return kept or "trial"


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
