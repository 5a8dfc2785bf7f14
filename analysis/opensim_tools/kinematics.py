"""Joint angles from markers, frame by frame, with the error of every marker.

The solver is OpenSim's InverseKinematicsSolver, the one inside its InverseKinematicsTool; it is driven directly
because the tool reports the errors of all markers together only. The set-up XML of the tool is written as well and
gives the same angles in the GUI.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pandas as pd

from exogait.data.errors import ExogaitError, InputError
from exogait.data.names import COORDINATES_ENDING, MARKERS_ENDING
from exogait.data.storage import read_sto
from exogait.data.trc import marker_array, marker_labels, read_trc, write_trc
from exogait.data.trial import select_columns, select_rows
from exogait.models.opensim_api import captured_log, import_opensim

from ..markers.map import MarkerMap, apply_marker_map
from .common import (
    element,
    load_model,
    object_set,
    one_line,
    place_file,
    rotational_coordinates,
    working_directory,
    write_document,
)
from .dynamics import write_motion
from .scale import pose_tasks

ACCURACY = 1e-7
"""Convergence of each frame. OpenSim's published set-up has 1e-5, which leaves up to 0.14 degrees of frame-to-frame
noise in an angle; inverse dynamics would differentiate that twice. 1e-7 takes half as long again and leaves 0.002
degrees."""
CONSTRAINT_WEIGHT = 20.0
"""As in OpenSim's published set-up."""


@dataclass(frozen=True, kw_only=True)
class KinematicsResult:
    """Joint angles of one trial."""

    coordinates: pd.DataFrame
    """One column a coordinate, rad and m."""
    marker_errors: pd.DataFrame
    """Distance of each marker from its place on the model, one column a marker, m; NaN where it was not seen."""
    setup: Path
    """Set-up of the InverseKinematicsTool that gives the same angles."""
    motion: Path
    """The angles as .mot in degrees."""
    rotational: tuple[str, ...]
    """Coordinates that are rotations."""

    def error_table(self) -> pd.DataFrame:
        """RMS and largest error of each marker and of all together, m; index marker, columns rms, max, seen (share)."""
        squared = self.marker_errors**2
        table = pd.DataFrame(
            {
                "rms": np.sqrt(squared.mean()),
                "max": self.marker_errors.max(),
                "seen": self.marker_errors.notna().mean(),
            }
        )
        table.loc["all"] = [
            float(np.sqrt(np.nanmean(squared.to_numpy()))),
            float(np.nanmax(self.marker_errors.to_numpy())),
            float(self.marker_errors.notna().to_numpy().mean()),
        ]
        return table


def inverse_kinematics(
    model: str | Path,
    markers: pd.DataFrame,
    marker_map: MarkerMap,
    *,
    out: str | Path,
    time_range: tuple[float, float] | None = None,
    name: str = "trial",
) -> KinematicsResult:
    """Joint angles from a marker table.

    Args:
        model: Scaled model with the map's markers placed on it.
        markers: Marker table with the laboratory's labels in OpenSim's ground frame, gaps filled or NaN.
        marker_map: The marker set.
        out: Folder for the set-up, the markers and the angles.
        time_range: Part of the trial, s; default all frames in which at least half of the markers are seen.
        name: Name of the trial, used for files.

    Returns:
        Angles and marker errors.

    Raises:
        InputError: No frame shows half of the markers, or no marker is on the model.
        ExogaitError: OpenSim's solver failed.

    Source: OpenSim InverseKinematicsTool, InverseKinematicsSolver.
    """
    folder = Path(out)
    mapped = apply_marker_map(marker_map, markers)
    on_model = load_model(model)
    known = on_model.getMarkerSet()
    labels = [label for label in marker_labels(mapped) if label in marker_map.markers and known.contains(label)]
    if not labels:
        raise InputError(f"{name}: markers", ", ".join(marker_labels(markers)[:8]), f"those of map {marker_map.key}")
    columns = [f"{label}_{axis}" for label in labels for axis in "xyz"]
    used = _frames(select_columns(mapped, columns), time_range, name)

    tasks = pose_tasks(on_model, marker_map, set(labels), static=False)
    setup = write_ik_setup(model, used, tasks, out=folder, name=name)
    coordinates, errors = _solve(setup, on_model, name)
    rotational = rotational_coordinates(on_model)
    motion = write_motion(coordinates, folder / f"{name}{COORDINATES_ENDING}", rotational)
    coordinates.attrs = {"name": name, "in_degrees": False, "source": str(motion)}
    return KinematicsResult(
        coordinates=coordinates, marker_errors=errors, setup=setup, motion=motion, rotational=tuple(rotational)
    )


def write_ik_setup(
    model: str | Path,
    markers: pd.DataFrame,
    tasks: Sequence[ElementTree.Element],
    *,
    out: str | Path,
    name: str = "trial",
) -> Path:
    """Write everything that the InverseKinematicsTool needs into one folder, without running it.

    Args:
        model: Scaled model with its markers; copied into the folder.
        markers: Marker table with the model's marker names.
        tasks: ``IKMarkerTask`` and ``IKCoordinateTask`` elements (see
            :func:`exogait.analysis.opensim_tools.scale.pose_tasks`).
        out: The folder.
        name: Name of the trial, used for files.

    Returns:
        The set-up.
    """
    folder = Path(out)
    model_file = place_file(Path(model), folder)
    marker_file = folder / f"{name}{MARKERS_ENDING}"
    write_trc(markers, marker_file)
    tool = element(
        "InverseKinematicsTool",
        object_set("IKTaskSet", tasks),
        name=name,
        results_directory=".",
        model_file=model_file.name,
        constraint_weight=CONSTRAINT_WEIGHT,
        accuracy=ACCURACY,
        marker_file=marker_file.name,
        time_range=[float(markers.index[0]), float(markers.index[-1])],
        report_errors=True,
        output_motion_file=f"{name}{COORDINATES_ENDING}",
    )
    return write_document(folder / f"{name}_ik_setup.xml", tool)


def run_ik_tool(setup: str | Path) -> pd.DataFrame:
    """Run the InverseKinematicsTool from its set-up, as the GUI does, and return its angles as the file holds them."""
    from .common import run_tool

    setup = Path(setup)
    opensim = import_opensim()
    with working_directory(setup.parent):
        tool = opensim.InverseKinematicsTool(setup.name)
        run_tool(f"{setup.stem} (OpenSim InverseKinematicsTool)", tool.run)
        return read_sto(tool.getOutputMotionFileName())


def _frames(markers: pd.DataFrame, time_range: tuple[float, float] | None, name: str) -> pd.DataFrame:
    """Frames to solve: those asked for, from the first to the last that shows half of the markers."""
    seen = np.isfinite(marker_array(markers)[:, :, 0]).mean(axis=1) >= 0.5
    if time_range is not None:
        slack = 1e-9
        seen &= (markers.index >= time_range[0] - slack) & (markers.index <= time_range[1] + slack)
    good = np.flatnonzero(seen)
    if len(good) == 0:
        raise InputError(
            f"{name}: frames", "none", "a time range in which at least half of the mapped markers are seen"
        )
    return select_rows(markers, slice(int(good[0]), int(good[-1]) + 1))


def _solve(setup: Path, model: Any, name: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Track all frames; returns coordinates (rad, m) and marker errors (m)."""
    opensim = import_opensim()
    failure: Exception | None = None
    values, errors, labels, names, times = [], [], [], [], []
    with captured_log("Error"), working_directory(setup.parent):
        try:
            tool = opensim.InverseKinematicsTool(setup.name)
            # Muscles cost time in every frame and have no say in kinematics.
            model.updForceSet().clearAndDestroy()
            model.finalizeConnections()
            state = model.initSystem()
            tool.setModel(model)
            references = opensim.MarkersReference()
            targets = opensim.SimTKArrayCoordinateReference()
            tool.populateReferences(references, targets)
            solver = opensim.InverseKinematicsSolver(model, references, targets, CONSTRAINT_WEIGHT)
            solver.setAccuracy(ACCURACY)
            table = references.getMarkerTable()
            times = list(table.getIndependentColumn())
            coordinates = [model.getCoordinateSet().get(k) for k in range(model.getNumCoordinates())]
            names = [coordinate.getName() for coordinate in coordinates]
            state.setTime(times[0])
            solver.assemble(state)
            labels = [solver.getMarkerNameForIndex(k) for k in range(solver.getNumMarkersInUse())]
            for time in times:
                state.setTime(time)
                solver.track(state)
                values.append([coordinate.getValue(state) for coordinate in coordinates])
                errors.append([solver.computeCurrentMarkerError(label) for label in labels])
        except Exception as error:
            failure = error
    if failure is not None:
        at = f" at t = {times[len(values)]:.3f} s" if len(times) > len(values) else ""
        raise ExogaitError(f"{name}: inverse kinematics failed{at}: {one_line(failure)}; check markers and marker map")
    index = pd.Index(np.array(times), name="time")
    # The solver gives a number for a marker that was not seen too, from wherever its place was left.
    unseen = ~np.isfinite(marker_array(read_trc(setup.parent / f"{name}{MARKERS_ENDING}"), labels)[:, :, 0])
    angles = pd.DataFrame(values, index=index, columns=pd.Index(names))
    distances = pd.DataFrame(np.where(unseen, np.nan, errors), index=index, columns=pd.Index(labels))
    return angles, distances
