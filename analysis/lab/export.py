"""Files that leave the suite: one folder in which OpenSim's GUI finds everything and runs it again.

The folder holds the model, markers, motion, ground reactions with their ExternalLoads .xml, results, and set-ups for
inverse kinematics, inverse dynamics and static optimization. All paths in it are relative, so it can be moved or
mailed. Angles in ``.mot`` files are in degrees, as the GUI's users expect; ``.sto`` files are in SI units.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from exogait.data.errors import FileFormatError, InputError
from exogait.data.files import path_component, write_csv, write_text_atomic
from exogait.data.names import COORDINATES_ENDING, MARKERS_ENDING, side_of
from exogait.data.storage import write_sto
from exogait.data.trc import marker_labels, write_trc
from exogait.data.trial import SIDES, GaitTrial, Side, select_columns, select_rows

from ..c3d.applied import AppliedForce
from ..markers.map import MarkerMap, apply_marker_map
from ..opensim_tools.common import element, file_hash, load_model, place_file, rotational_coordinates
from ..opensim_tools.dynamics import CUTOFF, write_id_setup, write_motion
from ..opensim_tools.external_loads import write_ground_reactions
from ..opensim_tools.kinematics import write_ik_setup
from ..opensim_tools.scale import pose_tasks
from ..opensim_tools.static_optimization import write_so_setup

README = "README.txt"


@dataclass(frozen=True, kw_only=True)
class ExportedFolder:
    """What was written."""

    folder: Path
    model: Path
    motion: Path | None
    ik_setup: Path | None
    id_setup: Path | None
    so_setups: tuple[Path, ...]
    files: tuple[Path, ...]
    """Every file of the folder."""
    left_out: tuple[str, ...]
    """What could not be written, and why, one sentence each."""


def export_opensim(
    trial: GaitTrial,
    model: str | Path,
    folder: str | Path,
    *,
    marker_map: MarkerMap | None = None,
    strides: Sequence[tuple[Side, float, float]] = (),
    cutoff: float = CUTOFF,
    device: Sequence[AppliedForce] = (),
) -> ExportedFolder:
    """Write a trial as a folder that OpenSim's GUI opens and reruns.

    Args:
        trial: The trial, measured or simulated; what it does not hold is left out and said so.
        model: The model that goes with it.
        folder: Folder to write.
        marker_map: Marker set, for the weights of inverse kinematics; without one every marker of the model counts
            alike.
        strides: Side, start and end (s) of the strides that get a set-up of static optimization.
        cutoff: Low-pass cut-off of the coordinates in the set-ups, Hz; negative without filter.
        device: Loads of a device, on the clock of the ground reactions.

    Returns:
        What was written.

    Raises:
        FileFormatError: The model cannot be loaded.

    Example:
        >>> export_opensim(trial, "subject_scaled.osim", "for_the_gui").ik_setup  # doctest: +SKIP
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    loaded = load_model(model)
    model_file = place_file(Path(model), folder)
    name = _file_stem(trial.name)
    left_out: list[str] = []

    ik_setup = _export_markers(trial, loaded, model_file, folder, name, marker_map, left_out)
    motion = id_setup = None
    so_setups: list[Path] = []
    loads = None
    if trial.coordinates is None:
        left_out.append("no coordinates: no motion, inverse dynamics or static optimization")
        if trial.ground_reactions is not None and not _forces_withheld(trial.ground_reactions):
            write_ground_reactions(trial.ground_reactions, folder, name)
    else:
        known = _longest_known(select_columns(trial.coordinates, _known_columns(trial.coordinates)))
        if len(known) < len(trial.coordinates):
            left_out.append(
                f"angles before {known.index[0]:.3f} s and after {known.index[-1]:.3f} s: there is a gap between"
            )
        motion = write_motion(known, folder / f"{name}{COORDINATES_ENDING}", rotational_coordinates(loaded))
        whole = known.shape[1] == trial.coordinates.shape[1]
        if not whole:
            gone = ", ".join(str(c) for c in trial.coordinates.columns if c not in known.columns)
            left_out.append(f"angles that are withheld, and with them inverse dynamics: {gone}")
            strides = ()
        if trial.ground_reactions is None:
            left_out.append("no ground reactions: no inverse dynamics")
        elif _forces_withheld(trial.ground_reactions):
            left_out.append("ground reactions are withheld: no inverse dynamics")
            strides = ()
        elif whole:
            id_setup, loads = write_id_setup(
                model_file, known, trial.ground_reactions, out=folder, cutoff=cutoff, device=device, name=name
            )
        for number, (side, start, end) in enumerate(strides, start=1):
            setup, _ = write_so_setup(
                model_file,
                motion,
                loads,
                time_range=(start, end),
                out=folder,
                cutoff=cutoff,
                name=f"{name}_{side}{number}",
            )
            so_setups.append(setup)
    _export_results(trial, folder, name, left_out)
    _write_readme(trial, folder, model_file, ik_setup, id_setup, so_setups, left_out)
    return ExportedFolder(
        folder=folder,
        model=model_file,
        motion=motion,
        ik_setup=ik_setup,
        id_setup=id_setup,
        so_setups=tuple(so_setups),
        files=tuple(sorted(path for path in folder.rglob("*") if path.is_file())),
        left_out=tuple(left_out),
    )


def write_tables(trial: GaitTrial, folder: str | Path) -> list[Path]:
    """Write every table of a trial as CSV with units in the column names, for spreadsheets and other programs.

    Args:
        trial: The trial.
        folder: Folder to write.

    Returns:
        The files.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for address, table in trial.tables():
        named = table.rename(columns=lambda column, at=address: f"{column} [{trial.unit_of(at, str(column)) or '1'}]")
        named.index.name = "time [s]"
        path = folder / f"{_file_stem(trial.name)}_{address.replace('/', '_')}.csv"
        write_csv(named, path, index=True, float_format="%.9g")
        paths.append(path)
    return paths


def _known_columns(table: pd.DataFrame) -> list[str]:
    """Columns that are not blank throughout."""
    known = np.isfinite(table.to_numpy(np.float64)).any(axis=0)
    return [str(table.columns[k]) for k in np.flatnonzero(known)]


def _longest_known(table: pd.DataFrame) -> pd.DataFrame:
    """The longest stretch of rows without a gap."""
    known = np.isfinite(table.to_numpy(np.float64)).all(axis=1)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], known.astype(np.int8), [0]]))).reshape(-1, 2)
    if not len(edges):
        return select_rows(table, slice(0, 0))
    start, end = edges[np.argmax(edges[:, 1] - edges[:, 0])].tolist()
    return select_rows(table, slice(start, end))


def _forces_withheld(reactions: pd.DataFrame) -> bool:
    """Whether the force under a foot is blank throughout, as the judgement leaves it."""
    return any(not np.isfinite(reactions[f"ground_force_{side}_vy"].to_numpy(np.float64)).any() for side in SIDES)


def _export_markers(
    trial: GaitTrial,
    model: object,
    model_file: Path,
    folder: Path,
    name: str,
    marker_map: MarkerMap | None,
    left_out: list[str],
) -> Path | None:
    """Markers and the set-up of inverse kinematics, where model and trial share markers."""
    if trial.markers is None:
        left_out.append("no markers: no inverse kinematics")
        return None
    markers = trial.markers if marker_map is None else apply_marker_map(marker_map, trial.markers)
    on_model = model.getMarkerSet()  # type: ignore[attr-defined]
    shared = [label for label in marker_labels(markers) if on_model.contains(label)]
    if marker_map is not None:
        shared = [label for label in shared if label in marker_map.markers]
    if not shared:
        write_trc(trial.markers, folder / f"{name}{MARKERS_ENDING}")
        left_out.append("the model carries none of the trial's markers: no inverse kinematics")
        return None
    table = select_columns(markers, [f"{label}_{axis}" for label in shared for axis in "xyz"])
    seen = np.isfinite(table.to_numpy()[:, ::3]).mean(axis=1) >= 0.5
    if trial.coordinates is not None:  # the frames that were solved
        start, end = trial.coordinates.index[0], trial.coordinates.index[-1]
        seen &= np.asarray((table.index >= start - 1e-9) & (table.index <= end + 1e-9))
    frames = np.flatnonzero(seen)
    if len(frames) == 0:
        left_out.append("no frame shows half of the markers: no inverse kinematics")
        return None
    table = select_rows(table, slice(int(frames[0]), int(frames[-1]) + 1))
    if marker_map is None:
        tasks = [element("IKMarkerTask", name=label, apply=True, weight=1.0) for label in shared]
    else:
        tasks = pose_tasks(model, marker_map, set(shared), static=False)
    return write_ik_setup(model_file, table, tasks, out=folder, name=name)


def _export_results(trial: GaitTrial, folder: Path, name: str, left_out: list[str]) -> None:
    """Results as .sto files; OpenSim's reader stops at the first NaN, so each file holds what is known throughout."""
    tables = {
        "speeds": trial.speeds,
        "generalized_forces": trial.generalized_forces,
        "joint_powers": trial.joint_powers,
        "device_torques": trial.device_torques,
        "emg": trial.emg,
        **{f"muscle_{quantity}": table for quantity, table in trial.muscles.items()},
    }
    for quantity, table in tables.items():
        if table is None:
            continue
        for suffix, part in _known_parts(table):
            if len(part) == len(table):
                write_sto(part, folder / f"{name}_{quantity}.sto", name=quantity, in_degrees=False)
                continue
            if len(part) < 2:
                left_out.append(f"{quantity}: never known, so not in a file: {', '.join(map(str, part.columns))}")
                continue
            start, end = float(part.index[0]), float(part.index[-1])
            file = f"{name}_{quantity}_{suffix}.sto"
            write_sto(part, folder / file, name=f"{quantity}_{suffix}", in_degrees=False)
            left_out.append(
                f"{file} holds {start:.3f} to {end:.3f} s only, where these columns are known: "
                f"{', '.join(map(str, part.columns))}"
            )


def _known_parts(table: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """A table as parts without NaN: columns known over the same time together, each in its longest known stretch.

    Returns:
        Suffix for the file (``r``, ``l``, else a number) and the part; a part without rows was never known.
    """
    groups: dict[bytes, list[str]] = {}
    for column in map(str, table.columns):
        groups.setdefault(np.isfinite(table[column].to_numpy(np.float64)).tobytes(), []).append(column)
    parts, used = [], set()
    for number, (pattern, columns) in enumerate(groups.items(), start=1):
        known = np.frombuffer(pattern, bool)
        edges = np.flatnonzero(np.diff(np.concatenate([[0], known.astype(np.int8), [0]])))
        runs = edges.reshape(-1, 2)
        start, end = runs[np.argmax(runs[:, 1] - runs[:, 0])].tolist() if len(runs) else (0, 0)
        legs = {side_of(column) for column in columns}
        suffix = (legs.pop() if len(legs) == 1 else None) or str(number)
        if suffix in used:
            suffix = f"{suffix}{number}"
        used.add(suffix)
        parts.append((suffix, select_rows(select_columns(table, columns), slice(start, end))))
    return parts


def _write_readme(
    trial: GaitTrial,
    folder: Path,
    model: Path,
    ik_setup: Path | None,
    id_setup: Path | None,
    so_setups: Sequence[Path],
    left_out: Sequence[str],
) -> None:
    steps = [f"1. File > Open Model: {model.name}"]
    rows = [("Inverse Kinematics", ik_setup), ("Inverse Dynamics", id_setup)]
    rows += [("Analyze (static optimization)", setup) for setup in so_setups]
    for tool, setup in rows:
        if setup is not None:
            steps.append(f"{len(steps) + 1}. Tools > {tool}: Load {setup.name}, then Run")
    facts = [f"{key}: {value}" for key, value in trial.metadata.items() if isinstance(value, str | int | float)]
    lines = [
        f"OpenSim files of {trial.name}",
        "",
        "To run everything again in the OpenSim GUI (4.x):",
        *steps,
        "",
        "Angles in .mot files are in degrees; .sto files are in SI units. Gaps in the centre of pressure of a lifted",
        "foot are filled with the nearest value, because OpenSim cannot read gaps.",
        f"Model SHA-256: {file_hash(model)}",
        *(["", "Left out:"] if left_out else []),
        *(f"- {line}" for line in left_out),
        *(["", "Trial:"] if facts else []),
        *(f"- {line}" for line in facts),
    ]
    write_text_atomic(folder / README, "\n".join(lines) + "\n")


def _file_stem(name: str) -> str:
    """Name of a trial as a file name that every system accepts."""
    stem = "".join(letter if letter.isalnum() or letter in "-_." else "_" for letter in name).strip("._")
    if not stem:
        raise InputError("trial name", name, "a name with at least one letter or digit")
    return path_component(stem)  # not too long, and no name that a system keeps for itself


def check_folder(folder: str | Path) -> list[str]:
    """Names of files that a folder's set-ups refer to and that are missing, or whose paths are absolute.

    Args:
        folder: A folder of :func:`export_opensim`.

    Raises:
        FileFormatError: A set-up is no readable XML.
    """
    from xml.etree import ElementTree

    problems = []
    tags = (
        "model_file", "marker_file", "coordinates_file", "external_loads_file", "datafile", "force_set_files",
        "marker_set_file",
    )  # fmt: skip
    for path in sorted(Path(folder).glob("*.xml")):
        try:
            root = ElementTree.parse(path).getroot()
        except ElementTree.ParseError as error:
            raise FileFormatError(path, f"is no readable XML ({error})", "export the folder again") from error
        for tag in tags:
            for node in root.iter(tag):
                target = (node.text or "").strip()
                if target in ("", "Unassigned"):
                    continue
                if Path(target).is_absolute():
                    problems.append(f"{path.name}: {tag} is an absolute path, {target}")
                elif not (path.parent / target).is_file():
                    problems.append(f"{path.name}: {tag} {target} is missing")
    return problems
